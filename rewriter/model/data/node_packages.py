"""Which Node packages are compiled or call programs: read from `data/node_packages.toml`.

Of a package that is not listed nothing is known, but a lock file says which ones have install scripts.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple


class NodeKnowledge(NamedTuple):
    """The tables of the data file; `programs` says for a package which program it calls."""

    scripts: frozenset[str]
    helpers: frozenset[str]
    plain: frozenset[str]
    tools: frozenset[str]
    programs: dict[str, str]


@cache
def node_knowledge() -> NodeKnowledge:
    """What the data file says."""
    import os.path
    import tomllib

    with open(os.path.join(os.path.dirname(__file__), "node_packages.toml"), "rb") as file:
        data = tomllib.load(file)

    def names_in(*tables: dict[str, str]) -> frozenset[str]:
        return frozenset(name for table in tables for name in table["names"].split())

    programs = {name: table["calls"] for table in data["programs"] for name in table["names"].split()}
    return NodeKnowledge(
        names_in(*data["scripts"]),
        names_in(data["helpers"]),
        names_in(*data["plain"]),
        names_in(*data["tools"]),
        programs,
    )
