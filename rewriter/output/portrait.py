"""What a Dockerfile makes, in a few sentences for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.project import Project
from rewriter.model.stages import Stage, StageGraph
from rewriter.model.state import States
from rewriter.syntax.tree import Cmd, Dockerfile, Entrypoint, Healthcheck

_LONGEST_COMMAND: Final = 100


def portrait(dockerfile: Dockerfile, context: BuildContext) -> str:
    """What the image of the last stage is based on, as whom and what it runs, where it listens, how its health is told.

    The file must have a FROM.
    """
    graph = StageGraph(dockerfile)
    states = States(graph)
    stage = graph.stages[-1]
    return " ".join([_base(graph, stage), *_running(stage, states, Project(stage, states, context)), _health(stage)])


def _base(graph: StageGraph, stage: Stage) -> str:
    count = len(graph.stages)
    on = f"on {stage.origin}" if stage.origin else "on an image that a variable names"
    return f"One stage {on}." if count == 1 else f"{count} stages, of which the last one ships, {on}."


def _running(stage: Stage, states: States, project: Project) -> Iterator[str]:
    user = states.at_end(stage).user
    yield f"It runs as {user}." if user else "As whom it runs, its base image decides."
    start = project.start
    if not start and not any(
        isinstance(one, Cmd | Entrypoint) for layer in stage.lineage for one in layer.instructions
    ):
        yield f"It starts what {stage.origin or 'its base image'} starts."
        return
    if not start:
        yield f"What it starts is not known: {start.reason}."
        return
    command = start.commands[-1].text
    if len(command) > _LONGEST_COMMAND:
        command = command[:_LONGEST_COMMAND] + "…"
    listens = f" on port {project.port.number}" if project.port else ""
    what = f": {project.framework}" if project.framework else ""
    yield f"It starts `{command}`{what or (',' if listens else '')}{listens}."


def _health(stage: Stage) -> str:
    checks = [one for layer in stage.lineage for one in layer.instructions if isinstance(one, Healthcheck)]
    return "It has a health check." if checks else "It has no health check."
