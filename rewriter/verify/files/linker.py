"""Which libraries the dynamic linker of an image finds, worked out without running anything of it.

How it searches: https://man7.org/linux/man-pages/man8/ld.so.8.html for glibc, and for musl
https://wiki.musl-libc.org/functional-differences-from-glibc.html and `ldso/dynlink.c` in its source.
"""

from __future__ import annotations

import posixpath
import re
import struct
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from rewriter.verify.files.elf import Linkage
from rewriter.verify.files.snapshot import Snapshot

CACHE: Final = "/etc/ld.so.cache"
_CACHE_MAGIC: Final = b"glibc-ld.so.cache1.1"
_HEADER: Final = struct.Struct("<20sIIB3xI12x")
_ENTRY: Final = struct.Struct("<iIIIQ")
"""The cache's layout, as `sysdeps/generic/dl-cache.h` in the source of glibc declares it."""

_DEFAULTS: Final = ("/lib", "/usr/lib", "/lib64", "/usr/lib64")
_TRIPLETS: Final = {
    ("EM_X86_64", 64): "x86_64-linux-gnu",
    ("EM_386", 32): "i386-linux-gnu",
    ("EM_AARCH64", 64): "aarch64-linux-gnu",
    ("EM_ARM", 32): "arm-linux-gnueabihf",
    ("EM_PPC64", 64): "powerpc64le-linux-gnu",
    ("EM_RISCV", 64): "riscv64-linux-gnu",
    ("EM_S390", 64): "s390x-linux-gnu",
}
"""Debian's folders: https://wiki.debian.org/Multiarch/Tuples"""

_MUSL_LOADER: Final = re.compile(r"/lib/ld-musl-([^/]+)\.so\.1")
_MUSL_DEFAULTS: Final = ("/lib", "/usr/local/lib", "/usr/lib")
_PART_OF_MUSL: Final = re.compile(r"lib(?:c|pthread|rt|m|dl|util|xnet)\.so")
"""Names that musl takes for itself."""


class Missing(NamedTuple):
    """A library that is not found, and the file that needs it."""

    name: str
    needed_by: str


class Linker:
    """Finds libraries in an image; `environment` is that of its configuration."""

    def __init__(self, snapshot: Snapshot, environment: Mapping[str, str]) -> None:
        self._snapshot: Final = snapshot
        self._named: Final = [it for it in environment.get("LD_LIBRARY_PATH", "").split(":") if it.startswith("/")]
        self._cached: Final = _cached(snapshot.data(CACHE))
        self._musl: Final = tuple(_musl_folders(snapshot))

    def missing(self, path: str) -> tuple[Missing, ...]:
        """What a program or library needs, itself or through what it needs, that is not there."""
        found: list[Missing] = []
        seen: set[str] = set()
        waiting = deque([(path, self._snapshot.objects[path], tuple[str, ...]())])
        loader = self._snapshot.objects[path].loader
        if loader and not self._snapshot.real(loader):
            found.append(Missing(loader, path))
        while waiting:
            file, linkage, inherited = waiting.popleft()
            inherited = (*self._expanded(linkage.rpath, file), *inherited) if not linkage.runpath else inherited
            for name in linkage.needed:
                if name in seen:
                    continue
                seen.add(name)
                library = self.find(name, file, inherited)
                if library:
                    waiting.append((library, self._snapshot.objects[library], inherited))
                elif library is None:
                    found.append(Missing(name, file))
        return tuple(found)

    def find(self, name: str, file: str, inherited: tuple[str, ...] = ()) -> str | None:
        """The library that a file means by a name; empty if the linker has it within itself, None if it is missing."""
        linkage = self._snapshot.objects[file]
        if "/" in name:
            return self._fitting(name, linkage) if name.startswith("/") else ""
        if self._musl and _PART_OF_MUSL.fullmatch(name):
            return ""
        for place in self._places(name, file, linkage, inherited):
            if library := self._fitting(place, linkage):
                return library
        return None

    def _places(self, name: str, file: str, linkage: Linkage, inherited: tuple[str, ...]) -> Iterator[str]:
        own = self._expanded(linkage.runpath, file)
        triplet = _TRIPLETS.get((linkage.machine, linkage.bits))
        several = [f"{folder}/{triplet}" for folder in _DEFAULTS[:2]] if triplet else []
        for folder in (*inherited, *self._named, *own, *several, *_DEFAULTS, *self._musl):
            yield posixpath.join(folder, name)
        yield from self._cached.get(name, ())

    def _fitting(self, path: str, linkage: Linkage) -> str | None:
        real = self._snapshot.real(path)
        other = self._snapshot.objects.get(real)
        return real if other and other.fits(linkage) else None

    def _expanded(self, folders: tuple[str, ...], file: str) -> Iterator[str]:
        """Folders with the place of the file that names them for `$ORIGIN`; it may be reached through a link."""
        real = self._snapshot.real(file) or file
        for folder in folders:
            for origin in {posixpath.dirname(file), posixpath.dirname(real)}:
                for library in ("lib", "lib64") if "LIB" in folder else ("",):
                    text = re.sub(r"\$(?:ORIGIN|\{ORIGIN\})", lambda _, at=origin: at, folder)  # type: ignore[misc]
                    text = re.sub(r"\$(?:LIB|\{LIB\})", library, text)
                    if text.startswith("/"):
                        yield posixpath.normpath(text)


def _cached(data: bytes) -> dict[str, list[str]]:
    """The libraries that ldconfig found, by name: only they are found in the folders of /etc/ld.so.conf."""
    found: dict[str, list[str]] = {}
    start = data.find(_CACHE_MAGIC)
    if start < 0:
        return found
    data = data[start:]
    if len(data) < _HEADER.size:
        return found
    _, count, *_ = _HEADER.unpack_from(data)
    for number in range(count):
        offset = _HEADER.size + number * _ENTRY.size
        if offset + _ENTRY.size > len(data):
            break
        _, name, path, *_ = _ENTRY.unpack_from(data, offset)
        found.setdefault(_text(data, name), []).append(_text(data, path))
    return found


def _text(data: bytes, start: int) -> str:
    return data[start : data.find(b"\0", start)].decode(errors="surrogateescape")


def _musl_folders(snapshot: Snapshot) -> Iterator[str]:
    for path in snapshot.entries:
        if found := _MUSL_LOADER.fullmatch(path):
            named = snapshot.text(f"/etc/ld-musl-{found[1]}.path")
            yield from (it for it in re.split(r"[:\n]", named) if it) if named else _MUSL_DEFAULTS
