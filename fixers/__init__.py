"""The fixers: one file each, with everything about it inside."""
