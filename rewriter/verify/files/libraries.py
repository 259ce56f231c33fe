"""Whether programs and libraries still find the libraries they need: the check `libraries`."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Final

from rewriter.verify.files.contents import Contents, Group
from rewriter.verify.files.image import Bases, Image
from rewriter.verify.files.linker import Linker
from rewriter.verify.files.snapshot import Snapshot
from rewriter.verify.report import Check, Difference, Status
from rewriter.verify.wording import count

NAME: Final = "libraries"
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where Docker looks for programs if the image does not say."""

_LOOKED_AT: Final = frozenset({Group.APPLICATION, Group.LANGUAGE, Group.INSTALLERS})


def compare_libraries(before: Image, after: Image, bases: Bases | None = None) -> Check:
    """Compare what the application, its packages and the programs on PATH find, as ld.so(8) looks for it.

    `bases` are the images that both start from: what a file of the new one lacks there, it may lack here, such as
    Tcl/Tk for Python's tkinter.
    """
    linkers = [Linker(it.snapshot, it.environment) for it in (before, after)]
    path = after.environment.get("PATH", _PATH).split(":")
    twins = dict(_twins(before.contents, after.contents, frozenset(map(posixpath.normpath, path))))
    if not twins:
        return Check(NAME, Status.PASSED, "no program of the application needs libraries")
    base = Linker(bases.new.snapshot, bases.new.environment) if bases else None
    lost: dict[str, list[tuple[str, str]]] = {}
    for file, twin in twins.items():
        missing = linkers[1].missing(file)
        if not missing or linkers[0].missing(twin):
            continue
        if base and bases and _is_of_base(file, bases.new, after) and base.missing(file) == missing:
            continue
        for name, needed_by in missing:
            lost.setdefault(name, []).append((file, needed_by))
    if not lost:
        return Check(NAME, Status.PASSED, f"{count(len(twins), 'program')} and libraries find all they need")
    found = tuple(_difference(before.snapshot, linkers[0], name, needing) for name, needing in sorted(lost.items()))
    return Check(NAME, Status.FAILED, "; ".join(f"{it.subject} is {it.after}" for it in found[:3]), found)


def _is_of_base(file: str, base: Image, image: Image) -> bool:
    """Whether a file is as the base image has it."""
    theirs = base.snapshot.entries.get(file)
    return theirs is not None and theirs.digest == image.snapshot.entries[file].digest


def _difference(before: Snapshot, linker: Linker, name: str, needing: list[tuple[str, str]]) -> Difference:
    file, needed_by = needing[0]
    place = (linker.find(name, needed_by) if needed_by in before.objects else "") or name
    through = f" through {needed_by}" if needed_by != file else ""
    more = f" and {count(len(needing) - 1, 'more file')}" if len(needing) > 1 else ""
    return Difference(name, place, f"not found for {file}{through}{more}", NAME)


def _twins(old: Contents, new: Contents, path: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The files that are looked at, each with the same one in the old image; one that moved is known by its content."""
    before, after = old.snapshot, new.snapshot
    moved = {before.entries[it].digest: it for it in before.objects if it not in after.objects}
    for file in sorted(after.objects):
        group = new.group(file)
        is_program = posixpath.dirname(file) in path and group is not Group.BUILD_TOOLS
        if group not in _LOOKED_AT and not is_program:
            continue
        if file in before.objects:
            yield file, file
        elif twin := moved.get(after.entries[file].digest):
            yield file, twin
