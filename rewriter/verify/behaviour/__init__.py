"""What the programs of two images do when they run."""
