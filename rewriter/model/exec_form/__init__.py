"""Whether CMD and ENTRYPOINT can do without the shell that their shell form brings along."""
