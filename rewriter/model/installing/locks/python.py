"""uv.lock and poetry.lock: which packages stay in an environment that leaves groups for development out.

uv.lock names the dependencies of each package, the project's own by group. poetry.lock says of each package which
groups it is for: `groups` since Poetry 2.0, `category` before 1.5; those between say neither.
Source: https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile,
https://github.com/python-poetry/poetry/blob/main/src/poetry/packages/locker.py
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from rewriter.model.pip.requirements import normal_name


def read_table(text: str) -> dict[str, Any] | None:
    """The tables of a TOML text; None where it cannot be understood."""
    import tomllib  # few files need it

    try:
        return tomllib.loads(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


def kept_by_uv(text: str, extras: Collection[str]) -> frozenset[str] | None:
    """The packages that the project itself needs, with some of its extras; None where uv.lock does not tell."""
    entries = _entries(text)
    if entries is None:
        return None
    table: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        table.setdefault(normal_name(str(entry.get("name", ""))), []).append(entry)
    own = [entry for entry in entries if _is_project(entry)]
    if len(own) != 1:
        return None
    found: set[tuple[str, str]] = set()
    name = normal_name(str(own[0].get("name", "")))
    pending = [(name, ""), *((name, extra) for extra in extras)]
    while pending:
        one = pending.pop()
        if one in found:
            continue
        found.add(one)
        for entry in table.get(one[0], ()):
            pending += _needed(entry, one[1])
    return frozenset(name for name, _ in found)


def _is_project(entry: Mapping[str, Any]) -> bool:
    source = entry.get("source")
    return isinstance(source, dict) and "." in (source.get("editable"), source.get("virtual"))


def _needed(entry: Mapping[str, Any], extra: str) -> Iterator[tuple[str, str]]:
    """What a package needs by itself, or for one of its extras: names, each with an extra or none."""
    optional = entry.get("optional-dependencies")
    listed = entry.get("dependencies") if not extra else optional.get(extra) if isinstance(optional, dict) else None
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict):
            name = normal_name(str(one.get("name", "")))
            extras = one.get("extra")
            yield name, ""
            yield from ((name, str(it)) for it in (extras if isinstance(extras, list) else ()))


def kept_by_poetry(text: str) -> frozenset[str] | None:
    """The packages of the main group; None where poetry.lock does not tell."""
    entries = _entries(text)
    if entries is None or not all("groups" in entry or "category" in entry for entry in entries):
        return None
    return frozenset(
        normal_name(str(entry.get("name", "")))
        for entry in entries
        if entry.get("category") == "main" or "main" in (entry.get("groups") or ())
    )


def all_packages(text: str) -> frozenset[str]:
    """All packages of a lock file, for whatever they are there."""
    return frozenset(normal_name(str(entry.get("name", ""))) for entry in _entries(text) or ())


def _entries(text: str) -> list[dict[str, Any]] | None:
    entries = (read_table(text) or {}).get("package")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return None
    return entries
