"""Debian's package index: what a suite's `Packages.xz` says of each package, and what apt would install with it.

The format is described at https://www.debian.org/doc/debian-policy/ch-controlfields.html and
https://wiki.debian.org/DebianRepository/Format#A.22Packages.22_Indices.
"""

from __future__ import annotations

import functools
import hashlib
import lzma
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

MIRROR: Final = "http://deb.debian.org/debian"
INDEX: Final = "dists/{suite}/main/binary-amd64/Packages.xz"

_QUALIFIERS: Final = re.compile(r"[\s(\[:<].*")


class Package(NamedTuple):
    """A package of the index. `depends` and `recommends` hold the alternatives of each relation, in order."""

    name: str
    source: str
    section: str
    is_multi_arch: bool
    is_essential: bool
    depends: tuple[tuple[str, ...], ...]
    recommends: tuple[tuple[str, ...], ...]
    provides: tuple[str, ...]


class Index:
    """The packages of a suite by name, with the checksum of the file that they were read from."""

    def __init__(self, suite: str, compressed: bytes) -> None:
        self.suite: Final = suite
        self.checksum: Final = hashlib.sha256(compressed).hexdigest()
        text = lzma.decompress(compressed).decode()
        self.packages: Final = {one.name: one for one in map(_package, _paragraphs(text))}
        self.providers: Final[dict[str, list[str]]] = {}
        for name in sorted(self.packages):
            for provided in self.packages[name].provides:
                self.providers.setdefault(provided, []).append(name)
        self._reached: Final = functools.cache(self._reach)

    def choose(self, alternatives: tuple[str, ...]) -> str:
        """The package that apt takes: the first that exists, else the first that is provided; empty if none is."""
        for name in alternatives:
            if name in self.packages:
                return name
        return next((self.providers[name][0] for name in alternatives if name in self.providers), "")

    def depends(self, name: str) -> list[str]:
        """The packages that a package cannot do without."""
        return [chosen for one in self.packages[name].depends if (chosen := self.choose(one))]

    def recommends(self, name: str) -> list[str]:
        """The packages that apt adds to a package unless it is told not to."""
        return [chosen for one in self.packages[name].recommends if (chosen := self.choose(one))]

    def with_dependencies(self, name: str) -> frozenset[str]:
        """A package and all that it cannot do without, near and far."""
        return self._reached(name)

    def _reach(self, name: str) -> frozenset[str]:
        found = {name}
        waiting = [name]
        while waiting:
            new = set(self.depends(waiting.pop())) - found
            found |= new
            waiting.extend(new)
        return frozenset(found)


def read_index(suite: str, *, folder: Path | None, mirror: str = MIRROR) -> Index:
    """The index of a suite, from `<suite>.xz` in a folder or else from a mirror."""
    if folder is not None:
        return Index(suite, (folder / f"{suite}.xz").read_bytes())
    with urllib.request.urlopen(f"{mirror.rstrip('/')}/{INDEX.format(suite=suite)}") as response:
        return Index(suite, response.read())


def _paragraphs(text: str) -> Iterator[dict[str, str]]:
    """The fields of each paragraph; lines that go on with a field are left out, for none that is read has any."""
    for paragraph in text.split("\n\n"):
        lines = (line.partition(": ") for line in paragraph.split("\n") if line and not line.startswith((" ", "\t")))
        fields = {key: value for key, _, value in lines}
        if "Package" in fields:
            yield fields


def _package(fields: dict[str, str]) -> Package:
    name = fields["Package"]
    return Package(
        name=name,
        source=_QUALIFIERS.sub("", fields.get("Source", name)),
        section=fields.get("Section", ""),
        is_multi_arch=fields.get("Multi-Arch") == "same",
        is_essential=fields.get("Essential") == "yes",
        depends=_relations(fields.get("Pre-Depends", "")) + _relations(fields.get("Depends", "")),
        recommends=_relations(fields.get("Recommends", "")),
        provides=tuple(one[0] for one in _relations(fields.get("Provides", ""))),
    )


def _relations(field: str) -> tuple[tuple[str, ...], ...]:
    parts = (part.split("|") for part in field.split(",") if part.strip())
    return tuple(tuple(_QUALIFIERS.sub("", name.strip()) for name in part) for part in parts)
