"""Whether the user that an image runs as can still read what it needs."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Final

from rewriter.verify.files.accounts import EXECUTE, READ, Access, find_user
from rewriter.verify.files.contents import Contents, Group
from rewriter.verify.files.folding import folded
from rewriter.verify.files.image import Image
from rewriter.verify.files.snapshot import Kind
from rewriter.verify.report import Difference

_LOOKED_AT: Final = frozenset({Group.APPLICATION, Group.LANGUAGE})
_RIGHTS: Final = ((READ, "readable", "unreadable"), (EXECUTE, "executable", "not executable"))


def compare_access(before: Image, after: Image) -> Iterator[Difference]:
    """What of the application the old image's user could read or execute, and the new image's user cannot."""
    old, new = before.contents, after.contents
    names = [str(it.configuration.get("User") or "") for it in (before, after)]
    users = [find_user(it.snapshot, name) for it, name in zip((old, new), names, strict=True)]
    if users[0] is None:
        return
    if users[1] is None:
        yield Difference(f"user {names[1]}", names[0] or "root", "unknown to /etc/passwd or /etc/group", Group.USERS)
        return
    may_before, may_after = Access(old.snapshot, users[0]), Access(new.snapshot, users[1])
    workdir = posixpath.normpath(before.configuration.get("WorkingDir") or "/")
    shown = [f"for user {name or 'root'}" for name in names]
    told: frozenset[str] = frozenset()
    population = sorted(new.snapshot.entries)
    for right, word, denied in _RIGHTS:
        paths = (it for it in _paths(old, new, right, workdir) if may_before.may(it, right) > may_after.may(it, right))
        lost = frozenset(paths) - told
        told |= lost
        for top, below in folded(lost, population).items():
            subject = top if len(below) == 1 else f"{top}/"
            group = new.group(top) or Group.APPLICATION
            yield Difference(subject, f"{word} {shown[0]}", f"{denied} {shown[1]}", group)


def _paths(old: Contents, new: Contents, right: int, workdir: str) -> Iterator[str]:
    for path, entry in new.snapshot.entries.items():
        before = old.snapshot.entries.get(path)
        if before is None or before.kind is not entry.kind or entry.kind not in (Kind.FILE, Kind.FOLDER):
            continue
        if right == EXECUTE and entry.kind is Kind.FOLDER:
            continue
        if _is_roots_own(path, workdir) or new.group(path) not in _LOOKED_AT:
            continue
        yield path


def _is_roots_own(path: str, workdir: str) -> bool:
    """Whether a path lies in root's home folder, where the application is not."""
    if path != "/root" and not path.startswith("/root/"):
        return False
    return workdir == "/" or not (path == workdir or path.startswith(f"{workdir}/"))
