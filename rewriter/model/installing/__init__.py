"""Installs of dependencies, and how they move before the sources."""
