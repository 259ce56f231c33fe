"""A stage written for another base image, as the model says, with all that is not touched as it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from rewriter.fixing.compose import insert_lines, merged
from rewriter.fixing.edits import (
    insert_instruction_after,
    newline_at,
    remove_instruction,
    render,
    replace,
    replace_arguments,
    spell,
)
from rewriter.fixing.exec_form import on_lines
from rewriter.fixing.flags import insert_flag
from rewriter.fixing.quoting import json_form
from rewriter.fixing.split_stage import when_split
from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.services import Services
from rewriter.model.data.distroless import NONROOT
from rewriter.model.distroless import find_move
from rewriter.model.distroless.move import Move
from rewriter.model.project import Project
from rewriter.model.running.shipped import Doubt
from rewriter.model.stages import Stage
from rewriter.model.state import States
from rewriter.syntax.text import Edit
from rewriter.syntax.tree import Healthcheck

_LONGEST_NAMED: Final = 60


def move_stage(move: Move) -> list[Edit]:
    """Write a stage, and those that build for it, for the image that it moves onto."""
    return merged(_edits(move))


def move_behind(stage: Stage, edits: Sequence[Edit], context: BuildContext, services: Services) -> Move | Doubt | None:
    """How the last stage of a file could move once some edits are made; a doubt names instructions, not their lines."""
    graph = when_split(edits, stage.dockerfile)
    states, last = States(graph), graph.stages[-1]
    found = find_move(last, states, context, Project(last, states, context), services)
    if not isinstance(found, Doubt) or found.mentions is None:
        return found
    text = found.mentions.text.splitlines()[0].rstrip(" \\`&|")
    shown = text if len(text) <= _LONGEST_NAMED else f"{text[:_LONGEST_NAMED]}…"
    return Doubt(found.reason.replace("line {line}", f"`{shown}`"))


def _edits(move: Move) -> Iterator[Edit]:
    yield replace(move.stage.from_.image, move.image.text)
    for from_, text in move.pins:
        yield replace(from_.image, text)
    for run in move.steps.gone:
        yield from remove_instruction(run)
    for copy in move.steps.given:
        flag = copy.flag("chown")
        yield replace(flag, f"--chown={NONROOT}") if flag else insert_flag(copy, f"--chown={NONROOT}")
    for instruction, text in (*move.steps.changed, *move.changed):
        yield replace_arguments(instruction, text)
    for command, words in move.started:
        is_check = isinstance(command, Healthcheck)
        yield replace_arguments(
            command, f"{spell('CMD', like=command)} {json_form(words)}" if is_check else on_lines(command, words)
        )
    if anchor := move.steps.anchor:
        lines = [render("WORKDIR", path, like=anchor) for path in move.steps.made]
        if anchor is move.stage.from_:
            newline = newline_at(anchor.dockerfile, anchor.end)
            yield insert_instruction_after(anchor, newline.join(lines))
        else:
            yield insert_lines(anchor, lines)
    for above, group in groupby(move.below, lambda one: one[0]):
        lines = [render(keyword, arguments, like=above) for _, keyword, arguments in group]
        yield insert_instruction_after(above, newline_at(above.dockerfile, above.end).join(lines))
