"""Whether two images hold the same application and the same packages: the check `files`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from rewriter.model.installing.manifests import is_manifest_path
from rewriter.verify.files.access import compare_access
from rewriter.verify.files.accounts import FILES, entries_of, homes, names_of_packages
from rewriter.verify.files.compare_packages import PackageChanges, compare_packages, same_script
from rewriter.verify.files.contents import Contents, Group, group_of
from rewriter.verify.files.folding import folded
from rewriter.verify.files.image import Bases, Image
from rewriter.verify.files.installed import Package
from rewriter.verify.files.left_out import LeftOut
from rewriter.verify.files.locked import LOCK_FILES
from rewriter.verify.files.snapshot import Entry, Kind
from rewriter.verify.files.sources import Sources, what_is_started
from rewriter.verify.files.steady import STEADY, Unsteady, pattern
from rewriter.verify.files.steady import unsteady as find_unsteady
from rewriter.verify.report import ALWAYS, UNSTEADY, Allowed, Check, Difference, Status, unexcused
from rewriter.verify.wording import count, size

NAME: Final = "files"
_SHOWN: Final = 3
_LIBRARY: Final = re.compile(r".*/lib/python[\d.]+(?:/(?:site|dist)-packages)?(?=/|$)")
_ORDER: Final = {group: number for number, group in enumerate(Group)}


def compare_files(
    before: Image, after: Image, allowed: Allowed, unsteady: Unsteady = STEADY, bases: Bases | None = None
) -> Check:
    """Compare two file systems.

    `unsteady` is what a second build of the old Dockerfile changed as well; `bases` are the images that both start
    from, if they are not the same.
    """
    left_out = LeftOut(before)
    found = [
        *_Comparison(
            before.contents, after.contents, allowed, unsteady, bases, left_out, what_is_started(before)
        ).differences()
    ]
    found += compare_access(before, after)
    found.sort(key=lambda it: (_ORDER.get(Group(it.group), 0), it.subject, it.before, it.after))
    if failures := unexcused(found):
        shown = "; ".join(_said(it) for it in failures[:_SHOWN])
        more = f"; and {count(len(failures) - _SHOWN, 'more difference')}" if len(failures) > _SHOWN else ""
        return Check(NAME, Status.FAILED, shown + more, tuple(found))
    paths = len(before.snapshot.entries.keys() | after.snapshot.entries.keys())
    packages = count(len(before.contents.packages), "package")
    return Check(NAME, Status.PASSED, f"{paths:,} paths and {packages} compared", tuple(found))


def _said(difference: Difference) -> str:
    if not difference.after:
        return f"{difference.subject} is lost"
    if not difference.before:
        return f"{difference.subject} is new"
    return f"{difference.subject}: {difference.before}, now {difference.after}"


def new_folders(before: Image, after: Image) -> frozenset[str]:
    """The folders that only the new image has."""
    old = before.snapshot.entries
    return frozenset(path for path, it in after.snapshot.entries.items() if it.kind is Kind.FOLDER and path not in old)


class _Change(NamedTuple):
    """One way in which some paths differ; those with the same texts are told together."""

    group: Group
    before: str
    after: str
    reason: str


class _Comparison:
    def __init__(
        self,
        old: Contents,
        new: Contents,
        allowed: Allowed,
        unsteady: Unsteady,
        bases: Bases | None,
        left_out: LeftOut,
        started: re.Pattern[str],
    ) -> None:
        self._old: Final = old
        self._new: Final = new
        self._allowed: Final = allowed
        self._unsteady: Final = unsteady
        self._bases: Final = bases
        self._swapped: Final = find_unsteady(bases.old, bases.new) if bases else STEADY
        self._new_homes: Final = tuple(f"{it}/" for it in homes(new.snapshot) - homes(old.snapshot))
        lost_homes = homes(old.snapshot) - homes(new.snapshot)
        # Users of the system have folders with programs of others, such as /usr/sbin.
        self._old_homes: Final = tuple(f"{it}/" for it in lost_homes if it.startswith("/home/"))
        self._packages: Final[PackageChanges] = compare_packages(old, new, allowed, unsteady, left_out)
        self._left_out: Final = left_out
        self._sources: Final = Sources(old, new, started)
        self._lost: Final[dict[_Change, list[str]]] = {}
        self._appeared: Final[dict[_Change, list[str]]] = {}
        self._attributes: Final[dict[_Change, list[str]]] = {}
        self._contents: Final[dict[_Change, list[str]]] = {}
        self._inside: Final[dict[Package, dict[str, str]]] = {}
        self._together: Final[dict[tuple[str, str, Group, str], list[str]]] = {}
        self._patterns: Final = {
            side: frozenset(map(pattern, there.snapshot.entries.keys() - other.snapshot.entries.keys()))
            if unsteady.patterns
            else frozenset()
            for side, there, other in (("old", old, new), ("new", new, old))
        }

    def differences(self) -> Iterator[Difference]:
        """All differences, in no particular order."""
        yield from self._packages.differences
        yield from self._accounts()
        old, new = self._old.snapshot.entries, self._new.snapshot.entries
        for path in sorted(old.keys() | new.keys()):
            before, after = old.get(path), new.get(path)
            if before != after:
                self._look(path, before, after)
        yield from self._told(self._lost, self._old)
        yield from self._told(self._appeared, self._new)
        yield from self._told(self._attributes, self._new)
        yield from self._told(self._contents, self._new)
        yield from self._told_together()
        yield from self._told_packages()

    def _look(self, path: str, before: Entry | None, after: Entry | None) -> None:
        """Note how a path differs."""
        side = self._old if before else self._new
        group = side.group(path)
        if group is None or group is Group.USERS or (side.is_above_cache(path) and not (before and after)):
            return
        owner = self._old.owner(path) or self._new.owner(path) or (None if after else self._maker_that_vanished(path))
        if owner and owner.key in self._packages.keys and group not in (Group.CACHES, Group.LOGS):
            return
        what = _what_differs(before, after)
        if not what:
            self._note_attributes(path, before, after, group)
            return
        if before and after and before[1:4] != after[1:4] and before.kind is after.kind:
            self._note_attributes(path, before, after, group)
        if group is Group.BYTECODE and (what == "changed" or path.endswith("/__pycache__")):
            return  # Python compares it with its source: https://docs.python.org/3/reference/import.html
        if owner and what == "changed" and same_script(self._old.snapshot, self._new.snapshot, path):
            group = Group.RECORDS
        reason = self._reason(path, what, group, owner)
        if group in (Group.CACHES, Group.BYTECODE, Group.RECORDS):
            self._together.setdefault((self._heading(path, group, owner), what, group, reason), []).append(path)
        elif owner and group is group_of(owner) and not reason:
            self._inside.setdefault(owner, {})[path] = what
        else:
            change = _Change(group, _described(before), _described(after), reason)
            table = self._contents if before and after else self._lost if before else self._appeared
            key = change if before and after else change._replace(before="", after="")
            table.setdefault(key, []).append(path)

    def _maker_that_vanished(self, path: str) -> Package | None:
        """The package that made an old path when it was installed, if the new image is without it."""
        maker = self._old.maker(path)
        return maker if maker and maker.key not in self._new.packages else None

    def _note_attributes(self, path: str, before: Entry | None, after: Entry | None, group: Group) -> None:
        assert before is not None
        assert after is not None
        texts = []
        if before[2:4] != after[2:4]:
            texts.append(tuple(f"owner {it.uid}:{it.gid}" for it in (before, after)))
        if before.mode != after.mode and before.kind is not Kind.LINK:
            texts.append(tuple(f"mode {it.mode:04o}" for it in (before, after)))
        for old, new in texts:
            reason = ALWAYS if group in (Group.CACHES, Group.LOGS) else self._allowed.reason("owners")
            if not reason and path in self._swapped.attributes:
                reason = self._allowed.reason("base-image")
            if not reason and path in self._unsteady.attributes:
                reason = UNSTEADY
            self._attributes.setdefault(_Change(group, old, new, reason), []).append(path)

    def _reason(self, path: str, what: str, group: Group, owner: Package | None) -> str:
        """Why a path may differ."""
        if owner is None and group in (Group.SYSTEM, Group.BUILD_TOOLS):
            reason = self._allowed.reason("system-packages") or self._allowed.reason("build-tools")
        elif group in (Group.SYSTEM, Group.BUILD_TOOLS):
            reason = ""  # the package itself is there in the same version
        else:
            reason = group.reason(self._allowed, vanishes=what == "lost")
        reason = reason or next(filter(None, map(self._allowed.reason, self._words(path, what, group))), "")
        if reason:
            return reason
        unsteady = self._unsteady
        excused = {"lost": unsteady.lost, "new": unsteady.appeared}.get(what, unsteady.contents)
        if path in excused and not (what == "lost" and pattern(path) in unsteady.patterns):
            return UNSTEADY
        # A file whose name is made up must be there under another one.
        others = self._patterns["new" if what == "lost" else "old"]
        is_renamed = what != "changed" and pattern(path) in unsteady.patterns and pattern(path) in others
        return UNSTEADY if is_renamed else ""

    def _words(self, path: str, what: str, group: Group) -> Iterator[str]:
        """The words of `rewriter.fixing.changes` that may allow a difference for what lies at its path."""
        is_lost, is_own = what == "lost", group is Group.APPLICATION
        if path in {"lost": self._swapped.lost, "new": self._swapped.appeared}.get(what, self._swapped.contents):
            yield "base-image"
        if what == "new" and f"{path}/".startswith(self._new_homes):
            yield "users"
        if is_lost and self._is_left_with_user(path):
            yield "replaced-users"
        if is_lost and is_own and self._is_of_installers(path):
            yield "installers"
        if is_lost and is_own and self._is_manifest(path):
            yield "manifests"
        if is_lost and ((is_own and self._sources.has(path)) or self._left_out.holds(path)):
            yield "sources"
        if not is_lost and is_own and posixpath.basename(path) in LOCK_FILES:
            yield "locked-packages"
        if is_lost and self._is_around_modules(path):
            yield "development-packages"
        if what == "new" and self._new.snapshot.entries[path].kind is Kind.FOLDER:
            yield "folders"  # what lies in it is told by itself

    def _is_left_with_user(self, path: str) -> bool:
        """Whether an old path is the home of a user that vanishes, or what each home begins with: useradd(8)."""
        home = next((it for it in self._old_homes if f"{path}/".startswith(it)), "")
        entries = self._old.snapshot.entries
        if not home or f"{path}/" == home:
            return bool(home)
        model = entries.get(f"/etc/skel/{path[len(home) :]}")
        return model is not None and model.kind is entries[path].kind and model.digest == entries[path].digest

    def _is_of_installers(self, path: str) -> bool:
        """Whether an old path is a folder of nothing but what belongs to installers."""
        below = self._old.snapshot.below(path)
        return bool(below) and all(self._old.group(it) is Group.INSTALLERS for it in below)

    def _is_manifest(self, path: str) -> bool:
        """Whether an old path tells a package manager what to install, or is a folder of nothing else."""
        if self._old.snapshot.entries[path].kind is not Kind.FOLDER:
            return is_manifest_path(path)
        below = self._old.snapshot.below(path)
        return bool(below) and all(map(is_manifest_path, below))

    def _is_around_modules(self, path: str) -> bool:
        """Whether a path is a mere folder or link among Node's modules, or a script that starts a program of one."""
        is_file = self._old.snapshot.entries[path].kind is Kind.FILE
        return "/node_modules/" in path and (not is_file or "/node_modules/.bin/" in path)

    def _heading(self, path: str, group: Group, owner: Package | None) -> str:
        """What many paths of one group are called together."""
        if group is Group.CACHES:
            return (self._old if path in self._old.snapshot.entries else self._new).cache_of(path)
        if group is Group.RECORDS:
            name = path.rsplit("/", 1)[-1]
            return name if "-info/" in path else path if not owner else "console scripts"
        if owner:
            return owner.place or owner.name
        folder = path.split("/__pycache__")[0]
        library = _LIBRARY.match(folder)
        return library[0] if library else folder

    def _told_together(self) -> Iterator[Difference]:
        old, new = self._old.snapshot.entries, self._new.snapshot.entries
        headings: dict[tuple[str, Group, str], dict[str, list[str]]] = {}
        for (heading, what, group, reason), paths in self._together.items():
            headings.setdefault((heading, group, reason), {})[what] = paths
        for (heading, group, reason), kinds in headings.items():
            lost, added = kinds.get("lost", []), kinds.get("new", [])
            changed = kinds.get("changed", [])
            before = _amount([*lost, *changed], old)
            after = _amount([*added, *changed], new)
            if changed and before and before == after:
                after = f"{after}, with other content"
            yield Difference(heading, before, after, group, reason)

    def _told(self, changes: Mapping[_Change, list[str]], side: Contents) -> Iterator[Difference]:
        entries = side.snapshot.entries
        hollow = _hollow_folders(changes.values(), entries) if changes is not self._attributes else frozenset()
        for change, listed in changes.items():
            paths = [it for it in listed if it not in hollow]
            population = sorted(it for it in entries if side.group(it) is change.group)
            for top, below in folded(paths, population).items():
                before, after = change.before, change.after
                subject = top if len(below) == 1 else f"{top}/"
                if not before and not after:
                    text = _described(entries[top]) if len(below) == 1 else _amount(below, entries)
                    before, after = (text, "") if changes is self._lost else ("", text)
                elif len(below) > 1:
                    after = f"{after} ({count(len(below), 'path')})"
                yield Difference(subject, before, after, change.group, change.reason)

    def _told_packages(self) -> Iterator[Difference]:
        for package, paths in self._inside.items():
            words = [f"{path} {what}" for path, what in sorted(paths.items())]
            shown = ", ".join(words[:_SHOWN])
            more = f" and {count(len(words) - _SHOWN, 'more path')}" if len(words) > _SHOWN else ""
            after = f"{package.version}, with other files: {shown}{more}"
            yield Difference(package.name, package.version, after, group_of(package))

    def _accounts(self) -> Iterator[Difference]:
        of_packages = names_of_packages(self._old.snapshot)
        for path in sorted(FILES):
            old, new = entries_of(self._old.snapshot, path), entries_of(self._new.snapshot, path)
            swapped = [entries_of(base.snapshot, path) for base in self._bases or ()]
            for name in sorted(old.keys() | new.keys()):
                if old.get(name) == new.get(name):
                    continue
                reason = self._allowed.reason("users") if name not in old else ""
                if name not in new and name in of_packages:
                    reason = self._allowed.reason("system-packages")
                if not reason and name not in new:
                    reason = self._allowed.reason("replaced-users")
                if not reason and len({base.get(name) for base in swapped}) > 1:
                    reason = self._allowed.reason("base-image")
                if not reason and path in self._unsteady.contents:
                    reason = UNSTEADY
                # Passwords are nobody's business, not even as digests.
                texts = [_account(it.get(name), is_secret="shadow" in path) for it in (old, new)]
                yield Difference(f"{name} in {path}", texts[0], texts[1], Group.USERS, reason)


def _account(line: str | None, *, is_secret: bool) -> str:
    return "" if line is None else "***" if is_secret else line or "-"


def _hollow_folders(told: Iterable[list[str]], entries: Mapping[str, Entry]) -> frozenset[str]:
    """The folders among some paths that only hold what is told elsewhere, such as packages or caches."""
    paths = [path for some in told for path in some]
    folders = {path for path in paths if entries[path].kind is Kind.FOLDER}
    filled = frozenset(_above(entries)) & folders
    worthwhile = frozenset(_above(it for it in paths if it not in filled))
    return filled - worthwhile


def _above(paths: Iterable[str]) -> Iterator[str]:
    """The folders above some paths."""
    seen: set[str] = set()
    for path in paths:
        while (path := posixpath.dirname(path)) not in seen:
            seen.add(path)
            yield path


def _what_differs(before: Entry | None, after: Entry | None) -> str:
    if before is None:
        return "new"
    if after is None:
        return "lost"
    is_same = (before.kind, before.digest, before.target) == (after.kind, after.digest, after.target)
    return "" if is_same else "changed"


def _described(entry: Entry | None) -> str:
    """What lies at a path, in a few words."""
    if entry is None:
        return ""
    if entry.kind is Kind.FILE:
        return f"file, {size(entry.size)}, sha256 {entry.digest.hex()[:12]}"
    return f"link to {entry.target}" if entry.kind is Kind.LINK else str(entry.kind)


def _amount(paths: Iterable[str], entries: Mapping[str, Entry]) -> str:
    """How much lies at some paths; empty where there is none."""
    found = [entries[path] for path in paths]
    files = [entry for entry in found if entry.kind is not Kind.FOLDER]
    if not files:
        return count(len(found), "folder") if found else ""
    return f"{count(len(files), 'file')}, {size(sum(entry.size for entry in files))}"
