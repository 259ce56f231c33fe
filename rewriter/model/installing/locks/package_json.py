"""What package.json asks for, by group, and objects of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

GROUPS: Final = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
"""The tables of package.json that name packages with their ranges."""


def read_object(text: str) -> dict[str, Any] | None:
    """The object that a JSON text holds; None where it is none."""
    import json  # few files need it, and every start would pay for it

    try:
        value = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def group(package: Mapping[str, Any], name: str) -> dict[str, str]:
    """One of the tables; a package that is also optional is only that: it overrides the others."""
    table = _table(package, name)
    if name == "dependencies":
        optional = _table(package, "optionalDependencies")
        table = {key: value for key, value in table.items() if key not in optional}
    return {key: value for key, value in table.items() if isinstance(value, str)}


def _table(package: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = package.get(name)
    return found if isinstance(found, dict) else {}


def asked_for(package: Mapping[str, Any]) -> dict[str, str]:
    """All packages that an install of the project itself brings, with their ranges."""
    return {**group(package, "devDependencies"), **group(package, "dependencies"),
            **group(package, "optionalDependencies")}  # fmt: skip
