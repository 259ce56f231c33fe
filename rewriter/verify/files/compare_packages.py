"""Which packages two images have, and in which versions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from rewriter.verify.files.contents import Contents, group_of
from rewriter.verify.files.installed import Package
from rewriter.verify.files.left_out import LeftOut
from rewriter.verify.files.locked import LockFiles
from rewriter.verify.files.snapshot import Snapshot
from rewriter.verify.files.steady import Unsteady
from rewriter.verify.report import UNSTEADY, Allowed, Difference

Key = tuple[str, str, str]


class PackageChanges(NamedTuple):
    """The packages that are not the same, whose files need not be told one by one."""

    keys: frozenset[Key]
    differences: tuple[Difference, ...]


class _Change(NamedTuple):
    before: Package | None
    after: Package | None
    reason: str

    @property
    def package(self) -> Package:
        package = self.before or self.after
        assert package is not None
        return package


def compare_packages(
    old: Contents, new: Contents, allowed: Allowed, unsteady: Unsteady, left_out: LeftOut
) -> PackageChanges:
    """Compare the packages of two images by name and place."""
    locks = _Locks(LockFiles(old.snapshot), LockFiles(new.snapshot))
    keys = [key for key in {**old.packages, **new.packages} if old.packages.get(key) != new.packages.get(key)]
    changes = []
    for key in keys:
        before, after = old.packages.get(key), new.packages.get(key)
        reason = _reason(before, after, allowed, unsteady) or locks.reason(before, after, allowed)
        if not reason and before and not after and left_out.holds(before.place):
            reason = allowed.reason("sources")
        changes.append(_Change(before, after, reason))
    moves = allowed.reason("virtual-environment")
    return PackageChanges(
        frozenset(keys), tuple(_told(changes, lambda package: moves if _is_inside(package, new) else ""))
    )


def _is_inside(package: Package, contents: Contents) -> bool:
    return package.manager == "Python" and contents.is_in_environment(package.place)


class _Locks(NamedTuple):
    """The lock files of both images."""

    old: LockFiles
    new: LockFiles

    def reason(self, before: Package | None, after: Package | None, allowed: Allowed) -> str:
        """Who lets a package follow a lock file: to the version that it names, or out of the image."""
        if after is None:
            assert before is not None
            if self.old.is_for_development(before) and (said := allowed.reason("development-packages")):
                return said
            return allowed.reason("locked-packages") if self.new.leaves_out(before) else ""
        return allowed.reason("locked-packages") if self.new.names(after) else ""


def _reason(before: Package | None, after: Package | None, allowed: Allowed, unsteady: Unsteady) -> str:
    package = before or after
    assert package is not None
    if reason := group_of(package).reason(allowed, vanishes=after is None):
        return reason
    return UNSTEADY if unsteady.packages.get(package.key) == (after.version if after else "") else ""


def _told(changes: list[_Change], move: Callable[[Package], str]) -> Iterator[Difference]:
    """One difference for each package, wherever it is installed; a package that moves is one, too.

    `move` says who allows that one in the same version is where it is now.
    """
    told: dict[tuple[Package, str, str, str], list[str]] = {}
    lost = {(it.package[0], *it.package[2:]): it for it in changes if it.after is None}
    moved = {}
    for change in changes:
        identity = (change.package[0], *change.package[2:])
        if change.before is None and identity in lost:
            moved[identity] = (lost[identity], change)
    for change in changes:
        package = change.package
        identity = (package[0], *package[2:])
        if identity in moved and (change.before is None or change.after is None):
            continue
        before = change.before.version if change.before else ""
        after = change.after.version if change.after else ""
        nameless = package._replace(place="", version="")
        told.setdefault((nameless, before, after, change.reason), []).append(package.place)
    for (package, before, after, reason), places in told.items():
        where = f" ({len(places)} places)" if len(places) > 1 else ""
        yield Difference(f"{package.name}{where}", before or "", after or "", _group(package, changes), reason)
    for gone, come in moved.values():
        package = come.package
        texts = [f"{it.package.version} in {it.package.place}" for it in (gone, come)]
        reason = gone.reason if gone.reason and come.reason else ""
        if not reason and gone.package.version == package.version:
            reason = move(package)
        yield Difference(package.name, texts[0], texts[1], group_of(package), reason)


def _group(nameless: Package, changes: list[_Change]) -> str:
    found = next(it.package for it in changes if it.package[0] == nameless[0] and it.package.name == nameless.name)
    return group_of(found)


_CALLED: Final = re.compile(rb"^from ([\w.]+) import (\w+)", re.MULTILINE)


def same_script(old: Snapshot, new: Snapshot, path: str) -> bool:
    """Whether two scripts that installers wrote start the same function with the same interpreter.

    Source: https://packaging.python.org/en/latest/specifications/entry-points/#use-for-scripts
    """
    before, after = old.data(path), new.data(path)
    if not before.startswith(b"#!") or before.split(b"\n")[0] != after.split(b"\n")[0]:
        return False
    calls = _CALLED.findall(before)
    return bool(calls) and calls == _CALLED.findall(after)
