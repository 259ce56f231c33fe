"""Structural work: parts of a file that move, double, join or make a new stage, each with the comments that speak of it.

A `Fragment` is an instruction's lines taken out of their place, kept byte by byte. What is built from fragments is
checked for provenance: every instruction and comment of the old text must be kept, moved, or dropped with a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from rewriter.fixing.edits import attached_comments, block_span, newline_at, remove_instruction
from rewriter.model.stages import Stage, StageGraph
from rewriter.syntax.text import Edit, Span
from rewriter.syntax.tree import Instruction, Run


LONGEST_LINE: Final = 100
"""From here on a joined command goes over two lines."""


class Fragment(NamedTuple):
    """The lines of an instruction and of the comments that speak of it; an origin of None is new text."""

    text: str
    origin: Instruction | None


class ProvenanceError(ValueError):
    """Something of the old text is neither in the new one nor dropped with a reason."""


def detach(instruction: Instruction) -> Fragment:
    """An instruction with its attached comments, ready to be put elsewhere."""
    dockerfile = instruction.dockerfile
    text = dockerfile.text[slice(*block_span(instruction))]
    if not text.endswith("\n"):
        text += newline_at(dockerfile, instruction.start)
    return Fragment(text, instruction)


def duplicate(instruction: Instruction) -> Fragment:
    """An instruction without its comments: they stay with the original."""
    text = instruction.text
    if not text.endswith("\n"):
        text += newline_at(instruction.dockerfile, instruction.start)
    return Fragment(text, None)


def write(line: str, *, newline: str) -> Fragment:
    """A new line or block of lines."""
    return Fragment(line if line.endswith("\n") else line + newline, None)


def move(instruction: Instruction, *, above: Instruction) -> list[Edit]:
    """Move an instruction with its comments above another one and above that one's comments."""
    fragment = detach(instruction)
    target = block_span(above).start
    return [Edit(target, target, fragment.text), *remove_instruction(instruction)]


def join_runs(first: Run, second: Run) -> list[Edit]:
    """Put the commands of one RUN in front of those of another, `&&` between; comments of both stay above.

    A line that would become too long is continued. The caller has shown that both are plain lists of the same flags.
    """
    dockerfile = first.dockerfile
    command = dockerfile.text[slice(*first.arguments_span)]
    start = second.arguments_span.start
    comments = "".join(comment.text for comment in attached_comments(first))
    first_line = dockerfile.text[start : second.code_span.end].split("\n", 1)[0]
    operator = " && "
    if len(command) + len(first_line) > LONGEST_LINE:
        operator = f" {dockerfile.escape}{newline_at(dockerfile, start)}    && "
    edits = [*remove_instruction(first), Edit(start, start, command + operator)]
    if comments:
        above = block_span(second).start
        edits.append(Edit(above, above, comments))
    return edits


def insert_stage(graph: StageGraph, parts: Sequence[Fragment], *, before: Stage) -> list[Edit]:
    """Write a new stage in front of another one; stages that others name by number are renumbered."""
    dockerfile = before.from_.dockerfile
    start = block_span(before.from_).start
    newline = newline_at(dockerfile, start)
    edits = [Edit(start, start, "".join(part.text for part in parts) + newline)]
    for stage in graph.stages[before.index :]:
        for reference in graph.references(stage):
            if reference.by_number:
                edits.append(Edit(*reference.span, str(stage.index + 1)))
    return edits


def replace_stage(stage: Stage, parts: Sequence[Fragment], *, dropped: Mapping[Instruction, str]) -> list[Edit]:
    """Write a stage anew from fragments, new lines and what they leave in place.

    Comments and blank lines that belong to no instruction (headings, separators) are kept in front of the instruction
    they stood above. Raises ProvenanceError when an instruction of the old stage is in no part and not in `dropped`.
    """
    olds: list[Instruction] = [stage.from_, *stage.instructions]
    used = [part.origin for part in parts if part.origin is not None]
    for old in olds:
        if not any(old is it for it in used) and not any(old is it for it in dropped):
            raise ProvenanceError(f"line {old.line}: {old.name} is neither kept nor dropped")
    loose = _loose_lines(olds)
    text = "".join(loose.get(id(part.origin), "") + part.text for part in parts)
    start, end = block_span(stage.from_).start, olds[-1].end
    source = stage.from_.dockerfile.text
    if not source.endswith("\n", 0, end) and text.endswith("\n"):
        text = text[: -len(newline_at(stage.from_.dockerfile, start))]
    lost = [
        comment.content
        for old in olds
        if not any(old is it for it in dropped)
        for comment in attached_comments(old)
        if comment.text.strip() not in text
    ]
    if lost:
        raise ProvenanceError(f"a comment would be lost: {lost[0]!r}")
    return [Edit(start, end, text)]


def _loose_lines(instructions: Iterable[Instruction]) -> dict[int, str]:
    """By identity of the instruction below them: blank lines and comments that are attached to none."""
    found: Final[dict[int, str]] = {}
    previous: Span | None = None
    for instruction in instructions:
        block = block_span(instruction)
        if previous is not None:
            found[id(instruction)] = instruction.dockerfile.text[previous.end : block.start]
        previous = block
    return found
