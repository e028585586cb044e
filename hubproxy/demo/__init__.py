"""The story told by `hubproxy demo`."""
