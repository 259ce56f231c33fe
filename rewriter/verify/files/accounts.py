"""Users of an image, as its own files name them, and what they may read."""

from __future__ import annotations

import posixpath
from typing import Final, NamedTuple

from rewriter.verify.files.snapshot import Entry, Kind, Snapshot

FILES: Final = frozenset({"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid"})
"""Where users and groups are written down."""

READ: Final = 4
EXECUTE: Final = 1
_CHANGED: Final = 2
"""The field of shadow(5) that holds a day."""


class User(NamedTuple):
    """Who a program runs as."""

    uid: int
    groups: frozenset[int]

    def may(self, entry: Entry, right: int) -> bool:
        """Whether the mode of a path gives a right; root reads all, and executes what anyone may execute."""
        if self.uid == 0:
            return right != EXECUTE or entry.kind is Kind.FOLDER or bool(entry.mode & 0o111)
        shift = 6 if entry.uid == self.uid else 3 if entry.gid in self.groups else 0
        return bool(entry.mode >> shift & right)


def find_user(snapshot: Snapshot, name: str) -> User | None:
    """The user that an image's configuration names; None if the image does not know it.

    Source: https://docs.docker.com/reference/dockerfile/#user
    """
    user, _, group = name.partition(":")
    user = user or "0"
    lines = [it for it in _fields(snapshot, "/etc/passwd") if len(it) > 3 and it[2].isdigit() and it[3].isdigit()]
    line = next((it for it in lines if it[0] == user or it[2] == user), None)
    if line is None and not user.isdigit():
        return None
    uid, gid = (int(line[2]), int(line[3])) if line else (int(user), 0)
    groups = [it for it in _fields(snapshot, "/etc/group") if len(it) > 3 and it[2].isdigit()]
    if group:
        found = next((it[2] for it in groups if it[0] == group), group)
        return User(uid, frozenset({int(found)})) if found.isdigit() else None
    others = {int(it[2]) for it in groups if line and line[0] in it[3].split(",")}
    return User(uid, frozenset({gid, *others}))


def homes(snapshot: Snapshot) -> frozenset[str]:
    """The home folders of all users."""
    lines = _fields(snapshot, "/etc/passwd")
    found = {posixpath.normpath(line[5]) for line in lines if len(line) > 5 and line[5].startswith("/")}
    return frozenset({"/root", *found} - {"/", "/bin", "/dev", "/nonexistent"})


def names_of_packages(snapshot: Snapshot) -> frozenset[str]:
    """The users and groups that packages of the distribution make for themselves.

    Source: https://www.debian.org/doc/debian-policy/ch-opersys.html#uid-and-gid-classes
    """
    lines = [*_fields(snapshot, "/etc/passwd"), *_fields(snapshot, "/etc/group")]
    return frozenset(it[0] for it in lines if len(it) > 2 and it[2].isdigit() and 100 <= int(it[2]) <= 999)


def _fields(snapshot: Snapshot, path: str) -> list[list[str]]:
    return [line.split(":") for line in snapshot.text(path).split("\n")]


def entries_of(snapshot: Snapshot, path: str) -> dict[str, str]:
    """The lines of a file of accounts by their first field, without the day on which a password was set."""
    found = {}
    for line in snapshot.text(path).split("\n"):
        fields = line.split(":")
        if line and path == "/etc/shadow" and len(fields) > _CHANGED:
            fields[_CHANGED] = ""
        if line:
            found[fields[0]] = ":".join(fields[1:])
    return found


class Access:
    """What a user may do with the paths of an image, the folders above them included."""

    def __init__(self, snapshot: Snapshot, user: User) -> None:
        self._entries: Final = snapshot.entries
        self._user: Final = user
        self._reachable: Final[dict[str, bool]] = {"/": True}

    def may(self, path: str, right: int) -> bool:
        """Whether the user has a right at a path that is no link."""
        entry = self._entries[path]
        return self._reaches(posixpath.dirname(path)) and self._user.may(entry, right)

    def _reaches(self, folder: str) -> bool:
        if folder not in self._reachable:
            entry = self._entries.get(folder)
            is_open = entry is None or self._user.may(entry, EXECUTE)
            self._reachable[folder] = is_open and self._reaches(posixpath.dirname(folder))
        return self._reachable[folder]
