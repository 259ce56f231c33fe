"""Knowledge: data files, each with its source, and what reads them when they are first asked."""
