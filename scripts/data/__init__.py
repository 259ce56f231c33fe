"""What writes the generated files of `rewriter/model/data`, each from its published source."""
