"""Docker or Podman: builds images, runs containers, and leaves nothing behind."""
