"""What a training job imports: the standard library alone, in Python 3.7 syntax."""
