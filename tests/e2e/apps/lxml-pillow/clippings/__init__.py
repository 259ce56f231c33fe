"""Cards with the headlines of articles."""
