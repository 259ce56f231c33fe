"""Builds a Dockerfile before and after, and compares what came out."""
