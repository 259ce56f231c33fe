"""What builds need of Alpine's packages, and what must stay when it goes: read from `data/alpine_packages.toml`.

Only the most used packages are known. Their libraries are called the same in every release.
"""

from __future__ import annotations

from functools import cache


def runtime_libraries(package: str) -> frozenset[str] | None:
    """The packages that what was built with a package needs at run time; None unless it serves only builds."""
    return _table().get(package)


def is_build_only(package: str) -> bool:
    """Whether a package is known to serve only builds."""
    return package in _table()


@cache
def _table() -> dict[str, frozenset[str]]:
    import os.path
    import tomllib

    with open(os.path.join(os.path.dirname(__file__), "alpine_packages.toml"), "rb") as file:
        entries = tomllib.load(file)["package"]
    return {name: frozenset(entry["libraries"]) for entry in entries for name in entry["names"]}
