"""Moving several instructions past others, with the comments and blank lines that are theirs."""

from __future__ import annotations

from collections.abc import Sequence

from rewriter.fixing.compose import Fragment, above_block, detach, insert_below
from rewriter.fixing.edits import block_span, newline_at, remove_instruction, without_newline
from rewriter.syntax.text import Edit
from rewriter.syntax.tree import Blank, Instruction


def move_all(
    instructions: Sequence[Instruction], *, above: Instruction | None = None, below: Instruction | None = None
) -> list[Edit]:
    """Move instructions with their comments above another one and its comments, or directly below one.

    Blank lines between neighbours go along, and what stood apart from what follows it stands apart again.
    """
    edits: list[Edit] = []
    text = ""
    newline = newline_at(instructions[0].dockerfile, instructions[0].start)
    for group in _neighbours(instructions):
        text += newline if text and isinstance(above_block(group[0]), Blank) else ""
        for number, instruction in enumerate(group):
            text += newline if number and isinstance(above_block(instruction), Blank) else ""
            text += detach(instruction).text
        edits.append(_removal(group))
    if above is not None:
        stands_apart = isinstance(above_block(above), Blank)
        stood_apart = isinstance(above_block(instructions[0]), Blank)
        lead = newline if stood_apart and not stands_apart else ""
        is_apart = stands_apart or stood_apart or isinstance(instructions[-1].after, Blank)
        start = block_span(above).start
        return [Edit(start, start, lead + text + (newline if is_apart else "")), *edits]
    assert below is not None
    edits.append(insert_below(below, [Fragment(text, instructions[0])], like=instructions[0]))
    return edits


def _neighbours(instructions: Sequence[Instruction]) -> list[list[Instruction]]:
    """The instructions in groups between which nothing but blank lines stands."""
    groups: list[list[Instruction]] = []
    for instruction in instructions:
        node = above_block(instruction)
        while isinstance(node, Blank):
            node = node.before
        if groups and groups[-1][-1] is node:
            groups[-1].append(instruction)
        else:
            groups.append([instruction])
    return groups


def _removal(group: Sequence[Instruction]) -> Edit:
    """What takes out neighbours as one."""
    (first,), (last,) = remove_instruction(group[0]), remove_instruction(group[-1])
    if len(group) == 1:
        return first
    above, below = above_block(group[0]), group[-1].after
    if isinstance(above, Blank) and below is None:
        return Edit(first.start, last.end, "")
    start = block_span(group[0]).start
    end = below.end if isinstance(below, Blank) and (above is None or isinstance(above, Blank)) else group[-1].end
    text = group[0].dockerfile.text
    if end == len(text) and not text.endswith("\n"):
        start = without_newline(text, start)
    return Edit(start, end, "")
