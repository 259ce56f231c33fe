"""What an instruction reads, writes and provides."""
