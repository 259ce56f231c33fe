"""One stage written as two: what the model says goes where, in the layout that the stage has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rewriter.fixing.commands import remove_items, remove_words
from rewriter.fixing.compose import (
    Fragment,
    duplicate,
    moved,
    renumber,
    replace_stage,
    stands_apart,
    without_comments,
    write,
)
from rewriter.fixing.edits import newline_at, render, replace, spell
from rewriter.fixing.flags import INDENT, LONGEST_LINE
from rewriter.model.splitting.parts import Again, Changed, New, Original, Part, Split
from rewriter.model.stages import StageGraph
from rewriter.syntax.parser import parse
from rewriter.syntax.text import Edit, Pieces
from rewriter.syntax.tree import Comment, Dockerfile, From, Instruction, Run


def split_stage(split: Split, graph: StageGraph) -> list[Edit]:
    """Write a builder above a stage, and leave to the stage what it needs to run."""
    from_ = split.stage.from_
    newline = newline_at(from_.dockerfile, from_.start)
    image = split.base or from_.image.text
    name = f" {spell('AS', like=from_)} {split.runtime}" if split.runtime else ""
    named = [replace(from_.image, image + name)] if name or split.base else []
    parts = [write(_builder(from_, split), newline=newline), *_fragments(split.above, from_, newline)]
    parts.append(Fragment(newline + moved(from_, *named).text, from_))
    parts += _fragments(split.below, from_, newline)
    return [*replace_stage(split.stage, parts, dropped={}), *renumber(graph, start=split.stage)]


def when_split(edits: Iterable[Edit], dockerfile: Dockerfile) -> StageGraph:
    """The stages of the file that edits make of it."""
    pieces = Pieces(dockerfile.text)
    pieces.apply(edits)
    return StageGraph(parse(pieces.text))


def _builder(from_: From, split: Split) -> str:
    flags = "".join(f"{flag.text} " for flag in from_.flags)
    image = split.pinned or from_.image.text
    return render("FROM", f"{flags}{image} {spell('AS', like=from_)} {split.builder}", like=from_)


def _fragments(parts: Sequence[Part], from_: From, newline: str) -> Iterator[Fragment]:
    for part in parts:
        match part:
            case Original(instruction, changed):
                fragment = moved(instruction, *_edits(instruction, changed))
                yield without_comments(fragment, _comments_of(instruction, changed))
            case Again(instruction, changed):
                fragment = duplicate(instruction, *_edits(instruction, changed))
                text = without_comments(fragment, _comments_of(instruction, changed)).text
                yield write((newline if stands_apart(instruction) else "") + text, newline=newline)
            case New(keyword, arguments, like):
                line = _spread(render(keyword, arguments, like=from_), from_, newline)
                yield write((newline if like and stands_apart(like) else "") + line, newline=newline)


def _spread(line: str, from_: From, newline: str) -> str:
    """A line that would become too long, each command of it on a line of its own."""
    if len(line) <= LONGEST_LINE:
        return line
    return line.replace(" && ", f" {from_.dockerfile.escape}{newline}{INDENT}&& ")


def _comments_of(instruction: Instruction, changed: Changed) -> Iterator[Comment]:
    """The comments between the lines of a RUN that speak of packages which go: those in front of their words."""
    if not isinstance(instruction, Run) or instruction.heredocs or not changed:
        return
    gone = {word.span.start for word, text in changed.words if not text}
    words = [word for command in instruction.script.simple_commands() for word in command.words]
    gone |= {word.span.start for call in changed.gone for word in call.command.words}
    for comment in instruction.comments:
        following = next((word for word in words if word.span.start >= comment.end), None)
        if following is not None and following.span.start in gone:
            yield comment


def _edits(instruction: Instruction, changed: Changed) -> Iterator[Edit]:
    """The edits that take words and calls out of a RUN, or write others in the place of words."""
    if not isinstance(instruction, Run) or not changed:
        return
    dockerfile, script = instruction.dockerfile, instruction.script
    gone = {call.command.start for call in changed.gone}
    items = [
        number
        for number, item in enumerate(script.items)
        if any(command.start in gone for command in item.pipeline.commands)
    ]
    yield from remove_items(dockerfile, script, items)
    removed = {word.span for word, text in changed.words if not text}
    for command in script.simple_commands():
        words = [word for word in command.words if word.span in removed]
        if words and command.start not in gone:
            yield from remove_words(dockerfile, command.words, words)
    for word, text in changed.words:
        if text:
            yield replace(word, text)
