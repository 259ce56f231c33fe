"""Package managers: their vocabulary, and their calls in a RUN."""
