"""What an ELF file tells the dynamic linker: which libraries it needs, and where it says they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, Final, NamedTuple

MAGIC: Final = b"\x7fELF"
"""What every ELF file begins with: elf(5)."""

_MOST_READ: Final = 4096
"""How many files are remembered: the images that are compared have most of theirs in common."""


class Linkage(NamedTuple):
    """The dynamic section of a program or a shared library, and what it is compiled for.

    `rpath` and `runpath` are folders as written, `$ORIGIN` included; `loader` is the program that a program asks for.
    """

    machine: str
    bits: int
    needed: tuple[str, ...] = ()
    name: str = ""
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    loader: str = ""

    def fits(self, other: Linkage) -> bool:
        """Whether both can be loaded into one process."""
        return (self.machine, self.bits) == (other.machine, other.bits)


class LinkageReader:
    """Reads ELF files, each content once."""

    def __init__(self) -> None:
        self._known: Final[dict[bytes, Linkage | None]] = {}

    def read(self, stream: IO[bytes], digest: bytes) -> Linkage | None:
        """The linkage of a file; None if it is linked statically, is no program or library, or is damaged."""
        if digest not in self._known:
            if len(self._known) >= _MOST_READ:
                self._known.clear()
            self._known[digest] = _linkage(stream)
        return self._known[digest]


def _linkage(stream: IO[bytes]) -> Linkage | None:
    from elftools.common.exceptions import ELFError  # only `dfix verify` needs it
    from elftools.elf.elffile import ELFFile

    try:
        return _read(ELFFile(stream))
    except (ELFError, ValueError, KeyError, AttributeError, IndexError, TypeError, OverflowError, AssertionError):
        # Images hold files that only look like ELF files, and the reader does not check all that it reads.
        return None


def _read(file: Any) -> Linkage | None:
    tags: dict[str, list[str]] = {}
    loader = ""
    is_dynamic = False
    for segment in file.iter_segments():
        kind = segment.header.p_type
        if kind == "PT_INTERP":
            loader = segment.get_interp_name()
        elif kind == "PT_DYNAMIC":
            is_dynamic = True
            for name, value in _texts(segment):
                tags.setdefault(name, []).append(value)
    if not is_dynamic:
        return None
    return Linkage(
        machine=str(file.header.e_machine),
        bits=file.elfclass,
        needed=tuple(tags.get("DT_NEEDED", ())),
        name=next(iter(tags.get("DT_SONAME", ())), ""),
        rpath=_folders(tags.get("DT_RPATH", ())),
        runpath=_folders(tags.get("DT_RUNPATH", ())),
        loader=loader,
    )


def _texts(segment: Any) -> Iterator[tuple[str, str]]:
    for tag in segment.iter_tags():
        name = str(tag.entry.d_tag)
        if name in ("DT_NEEDED", "DT_SONAME", "DT_RPATH", "DT_RUNPATH"):
            yield name, getattr(tag, name.removeprefix("DT_").lower())


def _folders(values: Any) -> tuple[str, ...]:
    return tuple(folder for value in values for folder in value.split(":") if folder)
