"""What pip is told, and how uv is told the same."""
