"""Packages that write no files of their own: read from `data/quiet_packages.toml`. Of all others that is not known."""

from __future__ import annotations

from functools import cache


@cache
def quiet_packages(language: str) -> frozenset[str]:
    """Those of a language: `python` by what is imported, `javascript` by package, `go` by the start of a module."""
    import os.path
    import tomllib

    with open(os.path.join(os.path.dirname(__file__), "quiet_packages.toml"), "rb") as file:
        table = tomllib.load(file)[language]
    return frozenset(name for names in table.values() for name in names.split())


def is_quiet(module: str, language: str) -> bool:
    """Whether a module, or one that it lies in, is known to write no files."""
    known = quiet_packages(language)
    separator = "." if language == "python" else "/"
    parts = module.split(separator)
    return any(separator.join(parts[: length + 1]) in known for length in range(len(parts)))
