"""The file system of an image, read once from the tar stream of an export; nothing of it touches the disk by name."""

from __future__ import annotations

import hashlib
import posixpath
import re
import tarfile
import tempfile
from bisect import bisect_left
from enum import StrEnum
from functools import cached_property
from typing import IO, Any, Final, NamedTuple

from rewriter.verify.files.elf import MAGIC, Linkage, LinkageReader

_PIECE: Final = 1 << 20
_IN_MEMORY: Final = 32 << 20
"""The size up to which a program is read from memory; a larger one goes through a nameless temporary file."""

_MOST_LINKS: Final = 40
"""So many symbolic links a kernel follows on one path: path_resolution(7)."""

# What engines put into every container, not the image: folders of the kernel, and files that are mounted over.
_OF_THE_KERNEL: Final = ("/dev", "/proc", "/sys")
_OF_THE_ENGINE: Final = frozenset(
    {"/", "/.dockerenv", "/run/.containerenv", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/etc/mtab"}
)

_KEPT: Final = (
    (re.compile(r"/var/lib/dpkg/(?:status|status\.d/[^/]+|info/[^/]+\.list)|/(?:usr/)?lib/apk/db/installed"), 64 << 20),
    (re.compile(r"/var/lib/dpkg/info/[^/]+\.postinst"), 256 << 10),
    (re.compile(r"/etc/(?:passwd|group|shadow|gshadow|subuid|subgid|ld\.so\.cache|ld-musl-[^/]+\.path)"), 4 << 20),
    (re.compile(r".*\.dist-info/(?:RECORD|entry_points\.txt)|.*\.egg-info/installed-files\.txt"), 16 << 20),
    (re.compile(r".*\.egg-info(?:/PKG-INFO)?|.*/package\.json"), 256 << 10),
    (re.compile(r".*/(?:\.?package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml)"), 16 << 20),
    (re.compile(r".*/(?:yarn|bun|uv|poetry)\.lock"), 16 << 20),
    (re.compile(r".*/bin/[^/]+"), 4 << 10),
    # pnpm's packages are hard links to files that its store names by their content.
    (re.compile(r".*/store/v\d+/files/[0-9a-f]{2}/[0-9a-f]+"), 64 << 10),
)
"""Files whose bytes are kept, up to a size: they say what is installed, and who the users are."""


class Kind(StrEnum):
    """What is at a path."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "symbolic link"
    OTHER = "special file"


class Entry(NamedTuple):
    """A path of an image; `digest` is a file's SHA-256, `target` what a symbolic link says."""

    kind: Kind
    mode: int
    uid: int
    gid: int
    size: int = 0
    digest: bytes = b""
    target: str = ""


class Snapshot:
    """The files of an image: all paths, absolute and without a slash at the end, and some contents."""

    def __init__(
        self,
        entries: dict[str, Entry],
        texts: dict[str, bytes] | None = None,
        objects: dict[str, Linkage] | None = None,
    ) -> None:
        self.entries: Final = entries
        self.objects: Final = objects or {}
        """The programs and libraries that are linked dynamically."""
        self._texts: Final = texts or {}
        self._real_folders: Final[dict[str, str]] = {}

    def text(self, path: str) -> str:
        """The content of a file that is kept; empty where there is none."""
        return self.data(path).decode(errors="surrogateescape")

    def data(self, path: str) -> bytes:
        """The bytes of a file that is kept; empty where there are none."""
        return self._texts.get(path, b"")

    def below(self, path: str) -> list[str]:
        """The paths below one, in order; none where it is no folder."""
        first = bisect_left(self._in_order, f"{path}/")
        return self._in_order[first : bisect_left(self._in_order, f"{path}0", first)]  # what comes behind a slash

    @cached_property
    def _in_order(self) -> list[str]:
        return sorted(self.entries)

    def real(self, path: str) -> str:
        """Where a path leads to, as the kernel follows symbolic links; empty if there is nothing."""
        return self._follow(path, _MOST_LINKS)

    def place(self, path: str) -> str:
        """The path itself, without symbolic links in the folders above it; as it is where these do not exist."""
        folder, name = posixpath.split(path)
        if folder not in self._real_folders:
            self._real_folders[folder] = self.real(folder) or folder
        return posixpath.join(self._real_folders[folder], name)

    def _follow(self, path: str, patience: int) -> str:
        if patience <= 0:
            return ""
        here = "/"
        parts = [part for part in path.split("/") if part not in ("", ".")]
        for position, part in enumerate(parts):
            here = posixpath.dirname(here) if part == ".." else posixpath.join(here, part)
            entry = self.entries.get(here)
            if entry is None:
                if here != "/":
                    return ""
            elif entry.kind is Kind.LINK:
                rest = "/".join([posixpath.join(posixpath.dirname(here), entry.target), *parts[position + 1 :]])
                return self._follow(rest, patience - 1)
        return here


_LINKAGES: Final = LinkageReader()


def read(stream: IO[bytes]) -> Snapshot:
    """Read the tar stream of a flattened file system to its end. Raises tarfile.TarError where it is damaged."""
    entries: dict[str, Entry] = {}
    texts: dict[str, bytes] = {}
    objects: dict[str, Linkage] = {}
    with tarfile.open(fileobj=stream, mode="r|", bufsize=_PIECE, errors="surrogateescape") as archive:
        for member in archive:
            archive.members.clear()  # type: ignore[attr-defined]  # it would remember them all
            path = posixpath.normpath("/" + member.name.lstrip("/"))
            if path in _OF_THE_ENGINE or _is_below(path, _OF_THE_KERNEL):
                continue
            if member.islnk():
                first = posixpath.normpath("/" + member.linkname.lstrip("/"))
                for table in (entries, texts, objects):
                    _share(table, first, path)
            elif member.isreg():
                content = archive.extractfile(member)
                assert content is not None  # it is a file
                data = _FileReader(content, member.size, _size_kept(path))
                entries[path] = Entry(Kind.FILE, member.mode, member.uid, member.gid, member.size, data.digest)
                if data.text:
                    texts[path] = data.text
                if data.linkage and not path.endswith(".o"):
                    objects[path] = data.linkage
            else:
                entries[path] = _entry(member)
    return Snapshot(entries, texts, objects)


def _is_below(path: str, folders: tuple[str, ...]) -> bool:
    return path.startswith(folders) and any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _share(table: dict[str, Any], first: str, path: str) -> None:
    if first in table:
        table[path] = table[first]


def _size_kept(path: str) -> int:
    return next((size for pattern, size in _KEPT if pattern.fullmatch(path)), 0)


def _entry(member: tarfile.TarInfo) -> Entry:
    if member.issym():
        return Entry(Kind.LINK, member.mode, member.uid, member.gid, target=member.linkname)
    kind = Kind.FOLDER if member.isdir() else Kind.OTHER
    return Entry(kind, member.mode, member.uid, member.gid)


class _FileReader:
    """Reads a file of a stream once: its digest, its bytes if they are to be kept, its linkage if it has one."""

    def __init__(self, stream: IO[bytes], size: int, size_kept: int) -> None:
        first = stream.read(max(_PIECE, size_kept))
        self.text: Final = first if size <= size_kept else b""
        self.linkage: Linkage | None = None
        digest = hashlib.sha256(first, usedforsecurity=False)
        if not first.startswith(MAGIC):
            while piece := stream.read(_PIECE):
                digest.update(piece)
            self.digest = digest.digest()
            return
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as copy:
            copy.write(first)
            while piece := stream.read(_PIECE):
                digest.update(piece)
                copy.write(piece)
            self.digest = digest.digest()
            copy.seek(0)
            self.linkage = _LINKAGES.read(copy, self.digest)
