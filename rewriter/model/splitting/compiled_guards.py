"""What must be known before a compiled program is told apart from its tools: who builds, where, and who starts what."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable
from typing import Final

from rewriter.model.effects.copies import SHARED_FOLDERS
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Command, Start
from rewriter.model.project.start import start_of
from rewriter.model.splitting.compiled import Compiled
from rewriter.model.splitting.parts import Again, UnsplitError
from rewriter.syntax.tree import Copy, Onbuild, User

_ROOT: Final = names("root 0 root:root 0:0 root:0 0:root")
_IN_SOURCES: Final = re.compile(r"(?:^|[\s=:\"'])(?:\./)?src/")


def require_fitting_stage(compiled: Compiled, start: Start) -> None:
    """Raise where it is not known who builds, in which folder, or for whom."""
    reading = compiled.reading
    if not compiled.folder or not start.commands[-1].folder:
        raise UnsplitError("the folder of the project is not known")
    end = reading.states.at_end(reading.stage).user
    for one in reading.stage.instructions:
        is_above = one.start < compiled.last.start
        if isinstance(one, Onbuild):
            raise UnsplitError("ONBUILD in line {line} is kept for other builds", one)
        if isinstance(one, User) and is_above:
            if reading.state(one).expand(one.arguments) not in _ROOT:
                raise UnsplitError("line {line} changes the user before the build", one)
            compiled.above[one] = [Again(one)]
        if isinstance(one, Copy) and is_above and end not in _ROOT:
            owner = one.flag("chown")
            if owner is not None and owner.value not in _ROOT:
                raise UnsplitError("line {line} gives files of the project to another user", one)
    if reading.state(compiled.last).user not in _ROOT:
        raise UnsplitError("which user builds the program is not known")


def require_own_folder(compiled: Compiled) -> None:
    """Raise where the project lies among other files."""
    if compiled.folder in SHARED_FOLDERS:
        raise UnsplitError(f"the project lies in {compiled.folder}, with other files")


def require_few_files(compiled: Compiled) -> None:
    """Raise where more lies beside the program than one would copy by name."""
    if len(compiled.files()) > compiled.toolchain.most_files:
        raise UnsplitError(f"more than {compiled.toolchain.most_files} files and folders lie beside the program")


def require_all_brought(compiled: Compiled, start: Start, more: Collection[str] = ()) -> None:
    """Raise where a container or a service is told of what only the builder has; `more` are paths that are brought."""
    reading = compiled.reading
    there = (*compiled.built, *more)
    _require(compiled, start.commands, "a container", there)
    for script in start.scripts:
        if _IN_SOURCES.search(reading.context.read(script) or ""):
            raise UnsplitError(f"{script} names a path in src")
    for service in reading.services:
        if service.command is not None or service.entrypoint is not None:
            given = start_of(reading.project.sources, entrypoint=service.entrypoint, command=service.command)
            _require(compiled, given.commands if given else (), str(service), there)


def _require(compiled: Compiled, commands: Iterable[Command], who: str, there: Collection[str]) -> None:
    sources = compiled.reading.project.sources
    for command in commands:
        for number, word in enumerate(command.words):
            for piece in re.split(r"[=:]", word.value):
                path = posixpath.normpath(posixpath.join(command.folder or "/", piece)) if "/" in piece else ""
                if not path or compiled.brings(path, there) or sources.origin(path) in compiled.scripts:
                    continue
                if compiled.is_left(path) or (number == 0 and compiled.is_inside(path) and not sources.origin(path)):
                    raise UnsplitError(f"{who} is told of {path}, which only the builder has")
