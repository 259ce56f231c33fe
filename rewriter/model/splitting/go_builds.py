"""Which binary a RUN builds, and from which package."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from rewriter.model.installing.stage_installs import simple_commands
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Command
from rewriter.model.project.locate import go_package
from rewriter.model.splitting.stage_reading import Reading
from rewriter.syntax.shell_tree import SimpleCommand
from rewriter.syntax.tree import Run

_FLAGS: Final = names("-v -a -x -race -trimpath")
_MAIN: Final = re.compile(r"(?m)^package[ \t]+main\b")


class Binary(NamedTuple):
    """A binary by its path in the image, its package by the path there, and the command that starts it."""

    path: str
    package: str
    command: Command

    @property
    def is_bare(self) -> bool:
        """Whether it is looked for in PATH."""
        return "/" not in self.command.words[0].value


def commands_of(reading: Reading, run: Run) -> Iterator[SimpleCommand]:
    """The commands of a RUN."""
    return (command for step in reading.steps(run) for command in simple_commands(step))


def builds_go(command: SimpleCommand) -> bool:
    """Whether a command is `go build` or `go install`."""
    words = [word.value for word in command.words[:2]]
    return len(words) == 2 and words[0] == "go" and words[1] in ("build", "install")


def started_binary(reading: Reading, builds: Iterable[Run], commands: Iterable[Command]) -> Binary | None:
    """The last of the commands that a container starts whose program is built by one of some RUNs."""
    runs = list(builds)
    for command in reversed(list(commands)):
        program = command.words[0].value
        places = [posixpath.normpath(posixpath.join(command.folder, program))]
        if "/" not in program:
            places = [f"/usr/local/bin/{program}", f"/go/bin/{program}"]
        for run in reversed(runs):
            for path in places:
                if package := _package(reading, run, path):
                    return Binary(path, package, command)
    return None


def _package(reading: Reading, run: Run, path: str) -> str:
    for step in reading.steps(run):
        for command in filter(builds_go, simple_commands(step)):
            if step.folder and (package := go_package(command, step.folder, path)):
                return package
            words = [word.value for word in command.words[2:] if word.value not in _FLAGS]
            if step.folder and words == ["./..."] and command.words[1].value == "install":
                return _package_below(reading, step.folder, path)
    return ""


def _package_below(reading: Reading, folder: str, path: str) -> str:
    """The one package of programs below a folder that is called like a binary in /go/bin."""
    name = posixpath.basename(path)
    found = [folder, *(posixpath.join(folder, *parts, name) for parts in ((), ("cmd",)))]
    for package in found if posixpath.dirname(path) == "/go/bin" else ():
        if posixpath.basename(package) == name and _is_program(reading, package):
            return package
    return ""


def _is_program(reading: Reading, package: str) -> bool:
    sources = reading.project.sources
    if (place := folder_of_package(reading, package)) is None:
        return False
    listed = [name for name in sources.context.list(place) or () if name.endswith(".go")]
    texts = [sources.read(posixpath.join(place, name)) for name in listed]
    return any(not isinstance(text, str) or _MAIN.search(text) for text in texts)


def folder_of_package(reading: Reading, package: str) -> str | None:
    """The folder of the context that a package comes from, whose files may be copied one by one; None where unknown."""
    origin = reading.project.sources.origin_of_folder(package)
    if origin is not None:
        return posixpath.dirname(origin) if origin.endswith(".go") else origin
    for copied in reading.installs.copies:
        for source in copied.sources:
            if source.target.endswith(".go") and posixpath.dirname(source.target) == package:
                return posixpath.dirname(source.path)
    return None
