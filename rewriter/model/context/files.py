"""Where the files of a build context come from: a folder, or a list of them of which some can be read.

Paths are clean and relative to the root, empty for the root itself. No link leads out of it.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

Kind: TypeAlias = Literal["file", "folder", "link", "other", "absent", "unreadable"]
"""What stands at a path. A `link` is one that leads nowhere that is known; other links are what they lead to.

`unreadable` is what exists, or may exist, in a folder that cannot be looked into."""


class Entry(NamedTuple):
    """What a folder holds under a name: the kind of what is there, or of what a link there leads to."""

    name: str
    kind: Kind
    is_link: bool = False


class ContextFiles(Protocol):
    """The files of a context."""

    @property
    def root(self) -> str | None:
        """The folder in which files can be read and written, None where there is none."""

    def kind(self, path: str) -> Kind:
        """What stands at a path."""

    def is_readable(self, path: str) -> bool:
        """Whether what stands at a path can be looked into."""

    def names(self, folder: str) -> tuple[str, ...] | None:
        """The names in a folder in order; None where it cannot be looked into."""

    def entries(self, folder: str) -> tuple[Entry, ...] | None:
        """What a folder holds, by name; None where it cannot be looked into."""

    def head(self, path: str, size: int) -> bytes | None:
        """The first bytes of a file; None where there is none that can be read."""

    def size(self, path: str) -> int:
        """The size of a file in bytes, -1 where it is not known."""

    def mode(self, path: str) -> int:
        """The permissions of what stands at a path, -1 where they are not known; git keeps but 644 and 755."""

    def resolve(self, path: str) -> str:
        """The path that links on the way to a path lead to; empty where that is not known."""


class LocalFiles:
    """All files of a folder."""

    __slots__ = ("_real_root", "root")

    def __init__(self, root: str) -> None:
        self.root: Final = root
        self._real_root = ""

    def _place(self, path: str) -> str:
        """Where a path leads, links followed; empty where that is outside, and the builder does not go there either."""
        self._real_root = self._real_root or os.path.realpath(self.root)
        try:
            place = os.path.realpath(os.path.join(self._real_root, path))
        except (OSError, ValueError):
            return ""
        is_inside = place == self._real_root or place.startswith(os.path.join(self._real_root, ""))
        return place if is_inside else ""

    def resolve(self, path: str) -> str:
        place = self._place(path)
        return os.path.relpath(place, self._real_root).replace(os.sep, "/") if place else ""

    def kind(self, path: str) -> Kind:
        try:
            is_link = stat.S_ISLNK(os.lstat(os.path.join(self.root, path)).st_mode)
            place = self._place(path)
            if not place:
                return "link" if is_link else "unreadable"  # behind a link out of the context nobody looks
            mode = os.stat(place).st_mode
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return "link" if os.path.islink(os.path.join(self.root, path)) else "absent"
        except OSError:
            return "unreadable"
        return "folder" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "other"

    def is_readable(self, path: str) -> bool:
        return os.access(os.path.join(self.root, path), os.R_OK)

    def names(self, folder: str) -> tuple[str, ...] | None:
        try:
            return tuple(sorted(os.listdir(self._place(folder) or "\0")))
        except (OSError, ValueError):
            return None

    def entries(self, folder: str) -> tuple[Entry, ...] | None:
        try:
            with os.scandir(self._place(folder) or "\0") as found:
                return tuple(sorted(self._entry(folder, one) for one in found))
        except (OSError, ValueError):
            return None

    def _entry(self, folder: str, found: os.DirEntry[str]) -> Entry:
        if found.is_symlink():
            return Entry(found.name, self.kind(posixpath.join(folder, found.name)), is_link=True)
        is_folder = found.is_dir(follow_symlinks=False)
        return Entry(found.name, "folder" if is_folder else "file" if found.is_file(follow_symlinks=False) else "other")

    def size(self, path: str) -> int:
        try:
            return os.stat(self._place(path) or "\0").st_size
        except (OSError, ValueError):
            return -1

    def mode(self, path: str) -> int:
        try:
            return stat.S_IMODE(os.stat(self._place(path) or "\0").st_mode)
        except (OSError, ValueError):
            return -1

    def head(self, path: str, size: int) -> bytes | None:
        try:
            place = self._place(path) or "\0"
            if not stat.S_ISREG(os.stat(place).st_mode):
                return None
            with open(place, "rb") as file:
                return file.read(size)
        except (OSError, ValueError):
            return None


class Listed(NamedTuple):
    """What a list says of one path: the mode as git writes it, and the size, -1 where it is not known."""

    mode: int = 0o100644
    size: int = -1


class ListedFiles:
    """The files of a list, such as the tree of a repository. Those that a folder holds can be read there."""

    __slots__ = ("_folders", "_paths", "_readable", "root")

    def __init__(self, paths: Mapping[str, Listed], root: str | None = None) -> None:
        self.root: Final = root
        self._paths: Final = paths
        self._readable: Final = LocalFiles(root) if root is not None else None
        self._folders: dict[str, set[str]] = {}

    @property
    def _names(self) -> dict[str, set[str]]:
        """The names in each folder."""
        if not self._folders:
            self._folders[""] = set()
            for path in self._paths:
                folder, _, name = path.rpartition("/")
                while name not in self._folders.setdefault(folder, set()):
                    self._folders[folder].add(name)
                    if not folder:
                        break
                    folder, _, name = folder.rpartition("/")
        return self._folders

    def resolve(self, path: str) -> str:
        return "" if self._is_behind_link(path) else path

    def _is_behind_link(self, path: str) -> bool:
        while path:
            path = posixpath.dirname(path)
            if path in self._paths and not _is_file(self._paths[path].mode):
                return True
        return False

    def kind(self, path: str) -> Kind:
        if path in self._names:
            return "folder"
        listed = self._paths.get(path)
        if listed is None:
            return "unreadable" if self._is_behind_link(path) else "absent"
        if _is_file(listed.mode):
            return "file"
        return "link" if stat.S_ISLNK(listed.mode) else "folder"

    def is_readable(self, path: str) -> bool:
        return path in self._names or self.head(path, 0) is not None

    def names(self, folder: str) -> tuple[str, ...] | None:
        names = self._names.get(folder)
        return None if names is None else tuple(sorted(names))

    def entries(self, folder: str) -> tuple[Entry, ...] | None:
        names = self.names(folder)
        if names is None:
            return None
        return tuple(Entry(name, self.kind(posixpath.join(folder, name))) for name in names)

    def size(self, path: str) -> int:
        listed = self._paths.get(path)
        if listed is not None and listed.size < 0 and self._readable is not None:
            return self._readable.size(path)
        return -1 if listed is None else listed.size

    def mode(self, path: str) -> int:
        listed = self._paths.get(path)
        return stat.S_IMODE(listed.mode) if listed is not None and _is_file(listed.mode) else -1

    def head(self, path: str, size: int) -> bytes | None:
        listed = self._paths.get(path)
        if listed is None or not _is_file(listed.mode):
            return None
        if not listed.size:
            return b""
        return self._readable.head(path, size) if self._readable is not None else None


def _is_file(mode: int) -> bool:
    return stat.S_ISREG(mode)
