"""dfix: upgrades Dockerfiles and proves that nothing broke."""

from rewriter.syntax.parser import parse

__all__ = ["parse"]
__version__ = "0.1.0"
