"""Writing a command as a JSON array in the layout that its shell form has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rewriter.fixing.edits import (
    Spanned,
    newline_at,
    remove_span,
    remove_up_to,
    remove_word,
    replace,
    replace_arguments,
)
from rewriter.fixing.flags import INDENT, LONGEST_LINE
from rewriter.fixing.quoting import json_form
from rewriter.syntax.text import Edit
from rewriter.syntax.tree import ShellInstruction


class Valued(Spanned, Protocol):
    """A word with the value that a program receives."""

    @property
    def value(self) -> str: ...


def as_json(command: ShellInstruction, words: Sequence[Valued]) -> list[Edit]:
    """Write a shell form as the JSON array of some of its words, the last ones.

    Lines and the comments between them stay. What stood on one line stays on it unless it gets too long.
    """
    if command.is_on_one_line:
        return [replace_arguments(command, on_lines(command, [word.value for word in words]))]
    first = next(iter(command.shell.simple_commands())).words[0]
    edits = [] if first.span == words[0].span else [_remove_exec(command, first, words[0])]
    if command.shell.terminator:
        edits.append(remove_span(command.shell.terminator_span))
    for number, word in enumerate(words):
        opening = "[" if number == 0 else ""
        closing = "]" if number == len(words) - 1 else ","
        edits.append(replace(word, opening + json_form([word.value])[1:-1] + closing))
    return edits


def _remove_exec(command: ShellInstruction, exec_word: Spanned, program: Spanned) -> Edit:
    """Take out `exec`; a comment line between it and the program stays."""
    between = command.dockerfile.text[exec_word.span.end : program.span.start]
    return remove_word(command.dockerfile, exec_word) if "\n" in between else remove_up_to(exec_word, program)


def on_lines(command: ShellInstruction, values: Sequence[str]) -> str:
    """The array on one line, or filled lines where it would be longer than LONGEST_LINE."""
    dockerfile = command.dockerfile
    start = command.arguments_span.start
    width = start - (dockerfile.text.rfind("\n", 0, start) + 1)
    whole = json_form(values)
    if width + len(whole) <= LONGEST_LINE:
        return whole
    lines = ["["]
    for number, value in enumerate(values):
        written = json_form([value])[1:-1] + (", " if number < len(values) - 1 else "]")
        if len(lines[-1]) > 1 and width + len(lines[-1]) + len(written) > LONGEST_LINE:
            lines.append(INDENT)
            width = 0
        lines[-1] += written
    return f"{dockerfile.escape}{newline_at(dockerfile, start)}".join(lines)
