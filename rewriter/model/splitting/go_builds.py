"""Which binary a RUN builds, and from which package."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from rewriter.model.effects.copies import SHARED_FOLDERS
from rewriter.model.installing.stage_installs import simple_commands
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Command
from rewriter.model.project.locate import go_arguments, go_package
from rewriter.model.splitting.files_beside import is_in
from rewriter.model.splitting.parts import UnsplitError
from rewriter.model.splitting.stage_reading import Reading
from rewriter.syntax.shell_tree import SimpleCommand
from rewriter.syntax.tree import Run

_FLAGS: Final = names("-v -a -x -race -trimpath")
_MAIN: Final = re.compile(r"(?m)^package[ \t]+main\b")

# https://pkg.go.dev/cmd/go#hdr-Build_constraints
_CONDITION: Final = re.compile(r"(?m)^//(?:go:build|[ \t]*\+build)\b")
_VERSION: Final = re.compile(r"v[0-9]+")


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
            is_pattern = len(words) == 1 and words[0].startswith("./") and words[0].endswith("/...")
            if step.folder and is_pattern and command.words[1].value == "install":
                below = posixpath.normpath(posixpath.join(step.folder, words[0].removesuffix("...")))
                return _package_below(reading, below, path)
    return ""


def _package_below(reading: Reading, folder: str, path: str) -> str:
    """The one package of programs below a folder that is called like a binary in /go/bin."""
    name = posixpath.basename(path)
    found = [folder, *(posixpath.join(folder, *parts, name) for parts in ((), ("cmd",)))]
    for package in found if posixpath.dirname(path) == "/go/bin" else ():
        if posixpath.basename(package) == name and _is_program(reading, package):
            return package
    return ""


def other_programs(reading: Reading, builds: Iterable[Run], started: str) -> Iterator[tuple[str, list[str]]]:
    """The paths of what else is built to be run, each with its packages: someone may start that as well.

    It is a folder where several programs are put into one. Raises UnsplitError where it is not known.
    """
    for run in builds:
        for step in reading.steps(run):
            for command in filter(builds_go, simple_commands(step)):
                made = _made(reading, run, command, step.folder)
                yield from ((path, packages) for path, packages in made if path != started)


def _made(reading: Reading, run: Run, command: SimpleCommand, folder: str) -> Iterator[tuple[str, list[str]]]:
    output, patterns = go_arguments(command)
    is_install = command.words[1].value == "install"
    if any("@" in one for one in patterns) or not (output or is_install):
        return  # tools that are installed serve builds; without -o it is one program, or all are thrown away
    packages = [one for pattern in patterns or ["."] for one in _programs_of(reading, folder, pattern)]
    # That of a module is called after it, and so is that of a version.
    named = [one for one in packages if one != folder and not _VERSION.fullmatch(posixpath.basename(one))]
    if is_install:
        yield from ((f"/go/bin/{posixpath.basename(one)}", [one]) for one in named)
        return
    if not folder or "$" in output:
        raise UnsplitError("where line {line} builds to is not known", run)
    path = posixpath.normpath(posixpath.join(folder, output))
    if path == "/dev/null" or is_in(path, "/tmp"):
        return
    is_of_several = output.endswith("/") or len(patterns) > 1 or any("..." in one for one in patterns)
    if not is_of_several:
        yield path, packages
    elif path in SHARED_FOLDERS or is_in(folder, path):
        yield from ((posixpath.join(path, posixpath.basename(one)), [one]) for one in named)
    else:
        yield path, packages


def _programs_of(reading: Reading, folder: str, pattern: str) -> Iterator[str]:
    """The packages of programs that a pattern of `go build` means, by their paths in the image."""
    package = posixpath.normpath(posixpath.join(folder, pattern.removesuffix("/...")))
    if not pattern.endswith("..."):
        yield posixpath.dirname(package) if package.endswith(".go") else package
        return
    origin = reading.project.sources.origin_of_package(package, ".go")
    paths = reading.context.walk(origin, lambda name: name.endswith(".go")) if origin is not None else None
    for place in dict.fromkeys(posixpath.dirname(path) for path in paths or ()):
        inner = posixpath.normpath(posixpath.join(package, posixpath.relpath(place or ".", origin or ".")))
        if _is_program(reading, inner):
            yield inner


def _is_program(reading: Reading, package: str) -> bool:
    sources = reading.project.sources
    if (place := sources.origin_of_package(package, ".go")) is None:
        return False
    listed = sources.context.list(place) or ()
    names = (name for name in listed if name.endswith(".go") and not name.endswith("_test.go"))
    texts = (sources.read(posixpath.join(place, name)) for name in names)
    return any(not isinstance(text, str) or (_MAIN.search(text) and not _CONDITION.search(text)) for text in texts)
