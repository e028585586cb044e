"""What each hub's requests mean. Pure."""
