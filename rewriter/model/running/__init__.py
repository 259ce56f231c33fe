"""How an image runs: as whom, what for that it needs to own, and whether anything in it needs root."""
