"""Images made in memory, for the tests of what compares them."""

from __future__ import annotations

import io
import struct
import tarfile
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from rewriter.verify.files.snapshot import Snapshot, read


class Item(NamedTuple):
    """What lies at a path: a file by default, a folder, or with a target a link, symbolic or hard."""

    data: bytes = b""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    target: str = ""
    kind: bytes = tarfile.REGTYPE
    mtime: int = 0


def folder(mode: int = 0o755, uid: int = 0, gid: int = 0) -> Item:
    """A folder."""
    return Item(mode=mode, uid=uid, gid=gid, kind=tarfile.DIRTYPE)


def link(target: str) -> Item:
    """A symbolic link."""
    return Item(mode=0o777, target=target, kind=tarfile.SYMTYPE)


def hard_link(target: str) -> Item:
    """Another name of a file."""
    return Item(target=target.lstrip("/"), kind=tarfile.LNKTYPE)


Files = Mapping[str, Item | bytes | str]


def stream(files: Files) -> io.BytesIO:
    """The tar stream of a file system; folders that are not named are there as well."""
    items = {path: it if isinstance(it, Item) else Item(it if isinstance(it, bytes) else it.encode())
             for path, it in files.items()}  # fmt: skip
    for path in files:
        parts = path.split("/")[1:-1]
        for count in range(1, len(parts) + 1):
            items.setdefault("/" + "/".join(parts[:count]), folder())
    written = io.BytesIO()
    hard = tarfile.LNKTYPE
    with tarfile.open(fileobj=written, mode="w") as archive:
        for path, item in sorted(items.items(), key=lambda it: (it[1].kind == hard, it[0])):
            member = tarfile.TarInfo(path.lstrip("/"))
            member.mode, member.uid, member.gid, member.mtime = item.mode, item.uid, item.gid, item.mtime
            member.type, member.linkname, member.size = item.kind, item.target, len(item.data)
            archive.addfile(member, io.BytesIO(item.data))
    written.seek(0)
    return written


def image(files: Files) -> Snapshot:
    """A file system as it is read."""
    return read(stream(files))


_BASE: Final = 0x400000


def elf(
    needed: Sequence[str] = (),
    *,
    runpath: str = "",
    rpath: str = "",
    loader: str = "",
    machine: int = 62,
    bits: int = 64,
) -> bytes:
    """A library for x86-64 that does nothing but need others; the layout is that of elf(5)."""
    strings = bytearray(b"\0")
    tags: list[tuple[int, int]] = []
    for tag, text in [*((1, name) for name in needed), (29, runpath), (15, rpath)]:
        if text:
            tags.append((tag, len(strings)))
            strings += text.encode() + b"\0"
    is_64 = bits == 64
    head, program, entry = (64, 56, 16) if is_64 else (52, 32, 8)
    start = head + 3 * program
    tags += [(5, _BASE + start), (10, len(strings)), (0, 0)]
    table_start = start + len(strings)
    table = b"".join(struct.pack("<QQ" if is_64 else "<II", *tag) for tag in tags)
    name_start = table_start + entry * len(tags)
    name = loader.encode() + b"\0"
    size = name_start + len(name)
    segments = [(1, 0, size), (2, table_start, len(table)), (3 if loader else 0, name_start, len(name))]
    identity = b"\x7fELF" + bytes([2 if is_64 else 1, 1, 1]) + bytes(9)
    form = "<HHIQQQIHHHHHH" if is_64 else "<HHIIIIIHHHHHH"
    header = identity + struct.pack(form, 3, machine, 1, 0, head, 0, 0, head, program, 3, 0, 0, 0)
    rows = b"".join(_segment(*segment, is_64=is_64) for segment in segments)
    return header + rows + bytes(strings) + table + name


def _segment(kind: int, offset: int, size: int, *, is_64: bool) -> bytes:
    if is_64:
        return struct.pack("<IIQQQQQQ", kind, 4, offset, _BASE + offset, _BASE + offset, size, size, 8)
    return struct.pack("<IIIIIIII", kind, offset, _BASE + offset, _BASE + offset, size, size, 4, 4)
