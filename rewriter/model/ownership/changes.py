"""The chown and chmod commands of a RUN, read as far as a COPY could do the same."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.model.effects.shell import Step, steps
from rewriter.model.state import State
from rewriter.syntax.shell import SimpleCommand, Word
from rewriter.syntax.tree import Run

_OPTIONS: Final = re.compile(r"-[Rvcfh]+\Z|--(?:recursive|verbose|changes|quiet|silent|no-dereference)\Z")
_RECURSIVE: Final = re.compile(r"-[vcfh]*R[Rvcfh]*\Z|--recursive\Z")
_VARIABLE: Final = re.compile(r'"?(?:[\w./:-]|\$\w+|\$\{\w+\})+"?\Z')


class Operand(NamedTuple):
    """A path that a command changes: as written, and absolute in the image; `path` is empty where it is not known."""

    word: Word
    path: str


class Change(NamedTuple):
    """A chown or chmod that is an item of its own in a RUN's list.

    `flag` is the flag of COPY that does the same, `value` the owner or mode as written.
    """

    run: Run
    state: State
    number: int
    command: SimpleCommand
    flag: str
    value: Word
    operands: tuple[Operand, ...]
    recursion: Word | None

    @property
    def is_recursive(self) -> bool:
        """Whether it goes down into folders."""
        return self.recursion is not None


def changes(run: Run, state: State) -> Iterator[Change]:
    """The chown and chmod commands of a RUN in order; those with options that COPY knows nothing of are left out."""
    if run.heredocs or not ("chown" in run.view.text or "chmod" in run.view.text):
        return
    for number, step in enumerate(steps(run, state)):
        commands = step.item.pipeline.commands
        if len(commands) == 1 and isinstance(commands[0], SimpleCommand):
            change = _read(commands[0], run, state, number, step)
            if change is not None:
                yield change


def _read(command: SimpleCommand, run: Run, state: State, number: int, step: Step) -> Change | None:
    if command.name not in ("chown", "chmod") or command.assignments or command.redirects:
        return None
    options = [word for word in command.arguments if word.text.startswith("-")]
    plain = [word for word in command.arguments if not word.text.startswith("-")]
    if len(plain) < 2 or not all(_OPTIONS.match(word.text) for word in options):
        return None
    recursion = next((word for word in options if _RECURSIVE.match(word.text)), None)
    operands = tuple(Operand(word, _path(word, run, state, step.folder)) for word in plain[1:])
    return Change(run, state, number, command, command.name, plain[0], operands, recursion)


def _path(word: Word, run: Run, state: State, folder: str) -> str:
    text = word_text(word, run, state)
    if not text or not (text.startswith("/") or folder):
        return ""
    return "/" + posixpath.normpath(posixpath.join(folder, text)).lstrip("/")


def word_text(word: Word, run: Run, state: State) -> str:
    """What a command gets for a word; empty where a variable in it is not one that the file alone decides."""
    if word.is_literal:
        return word.value
    if not _VARIABLE.match(word.text) or any(f"{name}=" in run.view.text for name in word.variables):
        return ""
    value = state.value(word.text)
    return (value.known or "") if value.is_fixed else ""
