"""Which Python and Node packages need something of the system, and what: read from `data/system_libraries.toml`.

Of a package that is not listed nothing is known: None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Final, NamedTuple

from rewriter.model.data.debian import SUITES, runtime_libraries_in_all

_SEPARATORS: Final = re.compile(r"[-_.]+")


class SystemNeed(NamedTuple):
    """What a package needs of the system.

    `ships` says what is published of it: `all` it needs, `bindings` that look for the system's libraries or programs,
    `sources`, or `tools` that build others. `headers` are Debian packages for builds, `tools` those of programs for
    builds, `packages` others it needs, and `suites` those that have them.
    """

    ships: str
    headers: frozenset[str]
    tools: frozenset[str]
    packages: frozenset[str]
    suites: frozenset[str]
    note: str
    source: str

    def at_run_time(self, suites: Iterable[str], *, is_compiled: bool) -> frozenset[str] | None:
        """The Debian packages that it needs when it runs; None where the suites differ or one is not known.

        `is_compiled` says that it is built from its sources even where something built is published.
        """
        if self.ships == "tools":
            return frozenset()
        suites = frozenset(suites)
        if not suites or not suites <= self.suites:
            return None
        found = set(self.packages)
        for name in self.headers if is_compiled or self.ships != "all" else ():
            libraries = runtime_libraries_in_all(name, suites)
            if libraries is None:
                return None
            found |= libraries
        return frozenset(found)


def python_need(name: str) -> SystemNeed | None:
    """What a Python package needs of the system; its name in any spelling."""
    return _table().get(("python", _SEPARATORS.sub("-", name).lower()))


def node_need(name: str) -> SystemNeed | None:
    """What a Node package needs of the system."""
    return _table().get(("node", name))


@cache
def _table() -> dict[tuple[str, str], SystemNeed]:
    import os.path
    import tomllib

    with open(os.path.join(os.path.dirname(__file__), "system_libraries.toml"), "rb") as file:
        entries = tomllib.load(file)["package"]
    return {(entry["ecosystem"], name): _need(entry) for entry in entries for name in entry["names"]}


def _need(entry: dict[str, Any]) -> SystemNeed:
    headers, tools, packages = (frozenset(entry.get(key, ())) for key in ("headers", "tools", "packages"))
    suites = frozenset(entry.get("suites", SUITES))
    return SystemNeed(entry["ships"], headers, tools, packages, suites, entry.get("note", ""), entry["source"])
