"""Flags of an instruction: writing `--mount=...` and the like between the keyword and the command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rewriter.fixing.edits import newline_at
from rewriter.syntax.text import Edit
from rewriter.syntax.tree import Instruction

LONGEST_LINE: Final = 100
"""From here on each flag gets a line of its own."""
INDENT: Final = "    "


def insert_flags(
    instruction: Instruction, flags: Sequence[str], *, in_front: str = "", along: Sequence[Edit] = ()
) -> Edit:
    """Write flags behind those an instruction has, and optionally text in front of its command.

    A single flag stays on the line of a short command; else each flag and the command get a continuation line.
    `along` are the edits that change the command at the same time, and so its length.
    """
    dockerfile = instruction.dockerfile
    body = instruction.arguments_span.start
    old = instruction.flags
    start = (old[-1] if old else instruction.keyword).span.end
    between = dockerfile.text[start:body]
    if not flags:
        return Edit(body, body, in_front)
    if instruction.is_on_one_line and not old and len(flags) == 1:
        line = dockerfile.text[slice(*instruction.code_span)]
        added = sum(len(text) - (end - start) for start, end, text in along)
        if len(line) + len(flags[0]) + len(in_front) + added < LONGEST_LINE:
            return Edit(body, body, f"{flags[0]} {in_front}")
    # A command that begins on a line of its own says how such lines are indented.
    indent = between.rsplit("\n", 1)[1] if "\n" in between else _indent(instruction)
    separator = f" {dockerfile.escape}{newline_at(dockerfile, body)}{indent}"
    if old and "\n" not in between:
        return Edit(start, body, separator.join(["", *flags, in_front]))
    return Edit(body, body, separator.join([*flags, in_front]))


def insert_flag(instruction: Instruction, flag: str) -> Edit:
    """Write a flag behind those an instruction has, on the same line: one short flag needs none of its own."""
    if instruction.flags:
        end = instruction.flags[-1].span.end
        return Edit(end, end, f" {flag}")
    body = instruction.arguments_span.start
    return Edit(body, body, f"{flag} ")


def _indent(instruction: Instruction) -> str:
    """The indentation of the instruction's continuation lines where it is an ordinary one."""
    lines = instruction.dockerfile.text[slice(*instruction.code_span)].split("\n")
    contents = [line for line in lines[1:] if line.strip() and not line.lstrip().startswith("#")]
    indents = {line[: len(line) - len(line.lstrip(" \t"))] for line in contents}
    return next((usual for usual in ("\t", "  ", INDENT) if usual in indents), INDENT)
