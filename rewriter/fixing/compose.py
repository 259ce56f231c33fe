"""Structural work: parts of a file that move, double, join or make a new stage, with the comments that speak of them.

A `Fragment` is an instruction's lines taken out of their place, kept byte by byte. What is built from fragments is
checked for provenance: every instruction and comment of the old text must be kept, moved, or dropped with a reason.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from rewriter.fixing.edits import (
    attached_comments,
    block_span,
    insert_instruction_after,
    newline_at,
    own_span,
    remove_instruction,
    without_newline,
)
from rewriter.model.stages import Stage, StageGraph
from rewriter.syntax.shell_tree import Pipeline
from rewriter.syntax.text import Edit, Span
from rewriter.syntax.tree import Blank, Comment, Instruction, Node, Run

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
    return Fragment(_lines(instruction, block_span(instruction)), instruction)


def duplicate(instruction: Instruction, *changes: Edit) -> Fragment:
    """An instruction, changed, without the comments above it: they stay with the original."""
    return Fragment(moved(instruction, *changes, leaves_comments=True).text, None)


def without_comments(fragment: Fragment, comments: Iterable[Comment]) -> Fragment:
    """A fragment without some of the comments that stood between its lines."""
    gone = Counter(comment.text.strip() for comment in comments)
    kept: list[str] = []
    for line in fragment.text.split("\n"):
        if gone[line.strip()]:
            gone[line.strip()] -= 1
        else:
            kept.append(line)
    return fragment._replace(text="\n".join(kept))


def _lines(instruction: Instruction, span: Span) -> str:
    """Text that other lines may follow: it ends in a newline, and no continuation would swallow them."""
    dockerfile = instruction.dockerfile
    text = dockerfile.text[slice(*span)]
    if dangling := instruction.dangling:
        text = dockerfile.text[span.start : dangling.start] + dockerfile.text[dangling.end : span.end]
    return text if text.endswith("\n") else text + newline_at(dockerfile, instruction.start)


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
    start = second.arguments_span.start
    # From the first command to the last: a `;` behind it would stand in front of the `&&`.
    inside = Span(first.arguments_span.start, first.shell.pipelines[-1].span.end)
    command = dockerfile.text[slice(*inside)]
    comments = "".join(comment.text for comment in attached_comments(first))
    comments += "".join(comment.text for comment in first.comments if not inside.contains(comment.span))
    first_line = dockerfile.text[start : second.code_span.end].split("\n", 1)[0]
    last_line = command.rsplit("\n", 1)[-1]
    operator = " && "
    if last_line != command or len(command) + len(first_line) > LONGEST_LINE:
        indent = last_line[: len(last_line) - len(last_line.lstrip(" \t"))] if last_line != command else "    "
        operator = f" {dockerfile.escape}{newline_at(dockerfile, start)}{indent}&& "
    edits = [*remove_instruction(first), Edit(start, start, command + operator)]
    if comments:
        above = block_span(second).start
        edits.append(Edit(above, above, comments))
    return edits


def moved(instruction: Instruction, *changes: Edit, leaves_comments: bool = False) -> Fragment:
    """An instruction with its attached comments, unless they stay, changed, ready to be put elsewhere."""
    span = own_span(instruction) if leaves_comments else block_span(instruction)
    text, offset = _lines(instruction, span), span.start
    for change in sorted(changes, reverse=True):
        text = text[: change.start - offset] + change.text + text[change.end - offset :]
    return Fragment(text, instruction)


def speaks_of(instruction: Instruction, *words: str) -> bool:
    """Whether the comments of an instruction hold one of some words, in any case."""
    said = [comment.content.lower() for comment in attached_comments(instruction)]
    return any(word in text for word in words for text in said)


def speaks_of_installing(instruction: Instruction) -> bool:
    """Whether the comments of an instruction are about dependencies rather than about what it does itself."""
    return speaks_of(instruction, "install", "dependenc", "requirements")


def replace_with(
    instruction: Instruction, fragments: Sequence[Fragment], *, leaves_comments: bool = False
) -> list[Edit]:
    """Write fragments in the place of an instruction and its attached comments; without any it is just taken out.

    With `leaves_comments` they stand below the comments.
    """
    if not fragments:
        return remove_instruction(instruction)
    span = own_span(instruction) if leaves_comments else block_span(instruction)
    return [Edit(*span, "".join(fragment.text for fragment in fragments))]


def insert_below(
    instruction: Instruction, fragments: Sequence[Fragment], *, like: Instruction, cut: Span | None = None
) -> Edit:
    """Write fragments directly below an instruction, set off by a blank line if `like` stands apart in its place.

    A `cut` is the end of the instruction that goes.
    """
    newline = newline_at(instruction.dockerfile, instruction.end)
    text = newline if isinstance(like.after, Blank) or stands_apart(like) else ""
    for number, fragment in enumerate(fragments):
        is_rest = cut is not None and fragment is fragments[-1] and isinstance(like.after, Blank)
        stood_apart = number and fragment.origin is not None and stands_apart(fragment.origin)
        if is_rest or stood_apart:
            text += newline
        text += fragment.text
    follows = instruction.after
    if cut is None and isinstance(like.after, Blank) and follows is not None and not isinstance(follows, Blank):
        text += newline
    line = text[: without_newline(text, len(text))]
    if cut is None or cut.start == cut.end:
        return insert_instruction_after(instruction, line)
    source = instruction.dockerfile.text
    ending = source[instruction.code_span.end : instruction.end]
    return Edit(cut.start, instruction.end, newline_at(instruction.dockerfile, cut.start) + line + ending)


def insert_above(instruction: Instruction, fragments: Sequence[Fragment], *, like: Instruction) -> list[Edit]:
    """Write fragments above an instruction and its comments, set off by blank lines as `like` is in its place."""
    start = block_span(instruction).start
    is_apart = isinstance(like.after, Blank) or stands_apart(instruction)
    blank = newline_at(instruction.dockerfile, start) if is_apart else ""
    return [Edit(start, start, "".join(fragment.text + blank for fragment in fragments))]


def insert_lines(instruction: Instruction, lines: Sequence[str]) -> Edit:
    """Write new lines above an instruction and its comments, as a paragraph of their own where others have one."""
    start = block_span(instruction).start
    newline = newline_at(instruction.dockerfile, start)
    is_apart = isinstance(above_block(instruction), Blank) and bool(
        attached_comments(instruction) or isinstance(instruction.after, Blank)
    )
    return Edit(start, start, "".join(line + newline for line in lines) + (newline if is_apart else ""))


def append_lines(instruction: Instruction, lines: Sequence[str]) -> Edit:
    """Write new lines directly below the last instruction of a stage."""
    return insert_instruction_after(instruction, newline_at(instruction.dockerfile, instruction.end).join(lines))


def merged(edits: Iterable[Edit]) -> list[Edit]:
    """Edits of which those that insert at one place are joined, in the order given."""
    inserts: dict[int, str] = {}
    others: list[Edit] = []
    for edit in edits:
        if edit.start == edit.end:
            inserts[edit.start] = inserts.get(edit.start, "") + edit.text
        else:
            others.append(edit)
    return [*others, *(Edit(place, place, text) for place, text in inserts.items())]


def stands_apart(instruction: Instruction) -> bool:
    """Whether a blank line sets an instruction with its comments off from what is above."""
    return isinstance(above_block(instruction), Blank)


def above_block(instruction: Instruction) -> Node | None:
    """What stands above an instruction and its attached comments."""
    comments = attached_comments(instruction)
    return comments[0].before if comments else instruction.before


class CutRun(NamedTuple):
    """A RUN in two parts: what goes from its end, and the RUN that goes below, with its comments."""

    span: Span
    below: Fragment


def cut_run(run: Run, *, behind: Pipeline, rest: Pipeline | None, commands: Sequence[str]) -> CutRun:
    """Cut a RUN behind one of its pipelines. The part below has the same flags, and starts with other commands.

    Comments between the two parts stand above the second one. Without a `rest` the first part keeps everything.
    """
    dockerfile = run.dockerfile
    text, newline = dockerfile.text, newline_at(dockerfile, run.start)
    start, end = behind.span.end, run.code_span.end
    if run.dangling is not None:
        end = run.dangling.start
    head = _without(run.comments, text, Span(own_span(run).start, run.arguments_span.start))
    parts = list(commands)
    comments = ""
    if rest is None:
        start = end
    else:
        body = rest.span.start
        gap = [comment for comment in run.comments if start <= comment.start and comment.end <= body]
        comments = "".join(comment.text.lstrip(" \t") for comment in gap)
        parts.append(text[body:end])
    # A first command that spans lines, or a head that does, keeps its lines; a new one in front joins the first.
    separator = _separator(run)
    return CutRun(Span(start, end), Fragment(comments + head + separator.join(parts) + newline, None))


def _without(comments: Iterable[Comment], text: str, span: Span) -> str:
    """A part of the text without the lines of comments in it."""
    kept, start = "", span.start
    for comment in comments:
        if span.contains(comment.span):
            kept += text[start : comment.start]
            start = comment.end
    return kept + text[start : span.end]


def _separator(run: Run) -> str:
    """What stands between the commands of a list of the kind that a RUN is: as written where that is a semicolon."""
    pipelines = run.shell.pipelines
    if len(pipelines) < 2:
        return " && "
    gap = run.dockerfile.text[pipelines[0].span.end : pipelines[1].span.start]
    return gap if gap.lstrip().startswith(";") and "#" not in gap else " && "


def insert_stage(graph: StageGraph, parts: Sequence[Fragment], *, before: Stage) -> list[Edit]:
    """Write a new stage in front of another one; stages that others name by number are renumbered."""
    dockerfile = before.from_.dockerfile
    start = block_span(before.from_).start
    newline = newline_at(dockerfile, start)
    return [Edit(start, start, "".join(part.text for part in parts) + newline), *renumber(graph, start=before)]


def renumber(graph: StageGraph, *, start: Stage) -> Iterator[Edit]:
    """Raise the numbers by which a stage and those below it are named, as a new one above them asks."""
    for stage in graph.stages[start.index :]:
        for reference in graph.references(stage):
            if reference.by_number:
                number = str(stage.index + 1)
                yield Edit(*reference.span, number if reference.is_plain else f"--from={number}")


def replace_stage(stage: Stage, parts: Sequence[Fragment], *, dropped: Mapping[Instruction, str]) -> list[Edit]:
    """Write a stage anew from fragments, new lines and what they leave in place.

    Comments and blank lines that belong to no instruction (headings, separators) are kept in front of the instruction
    they stood above, or of the one below when that is dropped. Parts that keep their order are not touched.
    Raises ProvenanceError when an instruction or a comment of the old stage is in no part and not in `dropped`.
    """
    olds: list[Instruction] = [stage.from_, *stage.instructions]
    kept = {id(part.origin) for part in parts}
    gone = {id(old) for old in dropped}
    accounted = kept | gone
    for old in olds:
        if id(old) not in accounted:
            raise ProvenanceError(f"line {old.line}: {old.name} is neither kept nor dropped")
    loose = _loose_lines(olds, kept)
    texts = [loose.pop(id(part.origin), "") + part.text for part in parts]
    if leftover := "".join(loose.values()):
        texts.append(leftover)
    _require_comments("".join(texts), (old for old in olds if id(old) not in gone))
    return _edits_between(olds, parts, texts)


def _loose_lines(instructions: Iterable[Instruction], kept: set[int]) -> dict[int, str]:
    """By identity of the kept instruction below them: blank lines and comments that are attached to none.

    What no kept instruction follows is under 0.
    """
    found: dict[int, str] = {}
    carried = ""
    previous: Span | None = None
    for instruction in instructions:
        block = block_span(instruction)
        loose = instruction.dockerfile.text[previous.end : block.start] if previous else ""
        carried = carried + loose if carried.strip() else loose or carried
        if id(instruction) in kept:
            found[id(instruction)] = carried
            carried = ""
        previous = block
    if last := len(carried.rstrip()):
        found[0] = carried[: carried.index("\n", last) + 1]
    return found


def _require_comments(text: str, instructions: Iterable[Instruction]) -> None:
    written = Counter(line.strip() for line in text.split("\n") if line.lstrip().startswith("#"))
    wanted = Counter(
        comment.text.strip()
        for instruction in instructions
        for comment in (*attached_comments(instruction), *instruction.comments)
    )
    if lost := wanted - written:
        raise ProvenanceError(f"a comment would be lost: {next(iter(lost))!r}")


def _edits_between(olds: Sequence[Instruction], parts: Sequence[Fragment], texts: Sequence[str]) -> list[Edit]:
    """Edits that turn the blocks of some instructions into the texts, and leave alone what is the same in both."""
    dockerfile = olds[0].dockerfile
    ends = [block_span(olds[0]).start, *(old.end for old in olds)]
    missing = "" if dockerfile.text.endswith("\n", 0, ends[-1]) else newline_at(dockerfile, ends[0])
    source = dockerfile.text + missing
    ends[-1] += len(missing)
    numbers = {id(old): number for number, old in enumerate(olds)}
    same: list[tuple[int, int]] = []
    for index, part in enumerate(parts):
        number = numbers.get(id(part.origin))
        if number is not None and texts[index] == source[ends[number] : ends[number + 1]]:
            same.append((index, number))
    edits: list[Edit] = []
    written, position = 0, ends[0]
    for index, number in _longest_rise(same):
        edits.append(Edit(position, ends[number], "".join(texts[written:index])))
        written, position = index + 1, ends[number + 1]
    edits.append(Edit(position, ends[-1], "".join(texts[written:])))
    if missing:
        edits[-1] = _without_final_newline(edits[-1], dockerfile.text, missing)
    return [edit for edit in edits if edit.start < edit.end or edit.text]


def _without_final_newline(edit: Edit, source: str, missing: str) -> Edit:
    """The edit at the end of a text that has no final newline, made as if it had one."""
    start, _, text = edit
    end = len(source)
    if start > end:  # the last block stays, and text follows it
        return Edit(end, end, missing + text[: without_newline(text, len(text))] if text else "")
    if text:
        return Edit(start, end, text[: without_newline(text, len(text))])
    return Edit(without_newline(source, start), end, "")


def _longest_rise(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest selection, in order, whose second numbers rise: what keeps its place when the rest moves."""
    tails: list[int] = []  # for each length: the smallest number that a selection of that length ends in
    ends: list[int] = []  # and which pair that is
    before: list[int] = []
    for index, (_, number) in enumerate(pairs):
        length = bisect_left(tails, number)
        before.append(ends[length - 1] if length else -1)
        tails[length : length + 1] = [number]
        ends[length : length + 1] = [index]
    chosen: list[tuple[int, int]] = []
    index = ends[-1] if ends else -1
    while index >= 0:
        chosen.append(pairs[index])
        index = before[index]
    return chosen[::-1]
