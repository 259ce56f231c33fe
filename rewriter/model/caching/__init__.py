"""What package managers keep, and how a layer gets rid of it: cache mounts, or a cleanup."""
