"""Which Node packages are compiled or call programs: read from `data/node_packages.toml`.

Of a package that is not listed nothing is known, but a lock file says which ones have install scripts.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple


class NodeKnowledge(NamedTuple):
    """The tables of the data file.

    `scripts` says from which major version on, of 0.x the minor one, a package needs no compiler, `programs` which
    program one calls, `commands` which one a command needs.
    """

    scripts: dict[str, int]
    helpers: frozenset[str]
    plain: frozenset[str]
    tools: frozenset[str]
    programs: dict[str, str]
    commands: dict[str, str]


@cache
def node_knowledge() -> NodeKnowledge:
    """What the data file says."""
    import os.path
    import tomllib

    with open(os.path.join(os.path.dirname(__file__), "node_packages.toml"), "rb") as file:
        data = tomllib.load(file)

    def names_in(*tables: dict[str, str]) -> frozenset[str]:
        return frozenset(name for table in tables for name in table["names"].split())

    def calls_in(tables: list[dict[str, str]]) -> dict[str, str]:
        return {name: table["calls"] for table in tables for name in table["names"].split()}

    scripts = dict(_with_version(word) for table in data["scripts"] for word in table["names"].split())
    return NodeKnowledge(
        scripts,
        names_in(data["helpers"]),
        names_in(*data["plain"]),
        names_in(*data["tools"]),
        calls_in(data["programs"]),
        calls_in(data["commands"]),
    )


def _with_version(word: str) -> tuple[str, int]:
    name, _, version = word.rpartition("@")
    return (name, int(version)) if name and version.isdigit() else (word, 0)
