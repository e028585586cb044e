"""Pure values and decisions. No I/O, clock, randomness, logging or async: time is an argument."""
