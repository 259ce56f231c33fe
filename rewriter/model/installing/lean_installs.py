"""Installs of a shipped stage that bring what only development needs, though nothing there needs it.

    FROM node:20                          FROM node:20
    COPY . .                              COPY . .
    RUN npm ci                     ->     RUN npm ci --omit=dev
    CMD ["node", "server.js"]             CMD ["node", "server.js"]

What needs such packages: steps that build or test, scripts that the install itself runs, the program that a container
starts with, its sources, stages that are based on this one, and services that run another command.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.services import Services
from rewriter.model.installing.lean_guards import Full, FullError, LeanInstall, Reader
from rewriter.model.installing.manifests import NotMovableError
from rewriter.model.installing.manifests import Project as Files
from rewriter.model.installing.stage_installs import Install, StageInstalls
from rewriter.model.managers.run_calls import calls
from rewriter.model.project import Project
from rewriter.model.stages import Stage
from rewriter.model.state import States
from rewriter.syntax.tree import Copy

__all__ = ["Full", "LeanInstall", "lean_installs"]


def lean_installs(
    stage: Stage, states: States, context: BuildContext, project: Project, services: Services
) -> Iterator[LeanInstall | Full]:
    """What becomes of the installs that end in the image of a stage."""
    for way in _ways(stage, states):
        all_ = StageInstalls(way.stages[0], states, context)
        for install in all_.installs:
            kind = _reader_for(install, install.project) if install.project is not None else None
            if install.project is None or kind is None:
                continue
            if way.copied and not _is_copied(install.project.path(kind.folder), way.copied):
                continue
            try:
                found = kind(all_, install, install.project, way.stages, project, services).lean()
            except FullError as error:
                yield Full(install, error.reason, error.culprit)
            except NotMovableError as error:
                yield Full(install, str(error), error.culprit)
            else:
                if found is not None:
                    yield found


def _reader_for(install: Install, files: Files) -> type[Reader] | None:
    """The reader of a call that installs a project with no word about what is to be left out."""
    if install.call.command.start not in {one.command.start for one in calls(install.run)}:
        return None  # it stands in an `if`
    reader: type[Reader]
    match install.call.manager.name:  # few files need either, and every start would pay for both
        case "npm" | "yarn" | "pnpm":
            from rewriter.model.installing.lean_node import NodeReader

            reader = NodeReader
        case "uv" | "poetry":
            from rewriter.model.installing.lean_python import PythonReader

            reader = PythonReader
        case _:
            return None
    return reader if reader.brings_everything(install, files) else None


class _Way(NamedTuple):
    """How packages come into the shipped image: the stages from the one that installs them to the shipped one.

    `copied` are the folders that a COPY takes from the stage that ends the first part; empty where none does.
    """

    stages: tuple[Stage, ...]
    copied: tuple[str, ...] = ()


def _ways(shipped: Stage, states: States) -> Iterator[_Way]:
    """The ways that end in a stage: through the stages below it, and those that it copies from."""
    own = tuple(reversed(list(shipped.lineage)))
    taken: dict[int, list[str]] = {}
    for stage in own:
        for copy in stage.instructions:
            flag = copy.source_stage if isinstance(copy, Copy) and copy.words else None
            other = states.graph.find(flag.value) if flag else None
            if isinstance(copy, Copy) and other is not None and other not in own:
                state = states.at(copy)
                sources = filter(None, map(state.expand, copy.sources))
                paths = [posixpath.normpath(posixpath.join("/", source)) for source in sources]
                taken.setdefault(other.index, []).extend(paths)
    for index, paths in sorted(taken.items()):
        chain = tuple(one for one in reversed(list(states.graph.stages[index].lineage)) if one not in own)
        for number in range(len(chain)):
            yield _Way((*chain[number:], *own), tuple(paths))
    for number in range(len(own)):
        yield _Way(own[number:])


def _is_copied(folder: str, paths: tuple[str, ...]) -> bool:
    return any(path == "/" or f"{folder}/".startswith(f"{path}/") for path in paths)
