"""The disk. Files appear whole, and what was acknowledged survives a power cut."""
