"""Which Python packages install without a compiler, and since which version: read from `data/python_wheels.toml`.

Of a package that is not listed nothing is known.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

_NUMBER: Final = re.compile(r"\d+")
_CLAUSE: Final = re.compile(r"(===|==|~=|<=|<|>=|>|!=)\s*v?([0-9][\w.!+*-]*)")

Version = tuple[int, ...]


class Wheels(NamedTuple):
    """Since when a package has wheels, by the version of Python, such as `3.11`; with `*` for every one."""

    since: dict[str, str]


def is_pure(name: str) -> bool:
    """Whether a package, or one of its extras as in `fastapi[standard]`, installs anywhere in any version."""
    return name in _tables()[0]


def is_told_of(python: str) -> bool:
    """Whether the tables hold for a Python: for old and new ones packages are compiled that others find wheels of."""
    known = {number for wheels in _tables()[1].values() for number in wheels.since if number != "*"}
    return (3, 6) <= version_number(python) <= max(map(version_number, known))


def has_wheel(name: str, specifiers: str, python: str) -> bool | None:
    """Whether what pip would choose by some specifiers has a wheel for a Python; None where the package is not listed.

    `python` is empty where its version is not known: then it is said of the newest release only.
    """
    _, wheels = _tables()
    if name not in wheels:
        return None
    limit = upper_limit(specifiers)
    if limit is None:
        return not python or (is_told_of(python) and wheels[name].since.get(python) != "-")
    if not python:
        return False
    since = wheels[name].since.get(python) or wheels[name].since.get("*", "")
    if not since or since == "-":
        return False
    version, is_included = limit
    first = version_number(since)
    return first <= version if is_included else first < version


def upper_limit(specifiers: str) -> tuple[Version, bool] | None:
    """The lowest version that specifiers end at, and whether it is allowed itself; None where they have no end."""
    found: list[tuple[Version, bool]] = []
    for operator, text in _CLAUSE.findall(specifiers):
        version = version_number(text.rstrip(".*"))
        if operator in ("==", "===") and text.endswith(".*"):
            found.append((_next(version), False))
        elif operator in ("==", "===", "<="):
            found.append((version, True))
        elif operator == "<":
            found.append((version, False))
        elif operator == "~=":
            found.append((_next(version[:-1]), False))
    return min(found, default=None)


def version_number(text: str) -> Version:
    """A version as numbers, as far as it has them: pre-releases and the like count as what they precede."""
    return tuple(int(part) for part in _NUMBER.findall(re.split(r"[a-z+-]", text, maxsplit=1)[0]))


def _next(version: Version) -> Version:
    return (*version[:-1], version[-1] + 1) if version else (10**9,)


@cache
def _tables() -> tuple[frozenset[str], dict[str, Wheels]]:
    import os.path
    import tomllib

    with open(os.path.join(os.path.dirname(__file__), "python_wheels.toml"), "rb") as file:
        data = tomllib.load(file)
    pure = frozenset(name for group in data["pure"] for name in group["names"].split())
    wheels: dict[str, Wheels] = {}
    for line in data["wheels"]["since"].strip().splitlines():
        name, *since = line.split()
        wheels[name] = Wheels(dict(one.split("=") for one in since))
    return pure, wheels
