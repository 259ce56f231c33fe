"""What a fixer may ask for by type: the facts about one parse of one file, each computed when first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.deferred_context import DeferredContext
from rewriter.model.context.services import Services
from rewriter.model.project import Project
from rewriter.model.settings import DEFAULTS, Settings
from rewriter.model.stages import Stage, StageGraph
from rewriter.model.state import State, States
from rewriter.syntax.tree import Dockerfile, Instruction


class Facts:
    """The facts about one parse, shared by all fixers."""

    __slots__ = ("_context", "_graph", "_projects", "_states", "dockerfile", "services", "settings")

    def __init__(
        self,
        dockerfile: Dockerfile,
        context: Callable[[], BuildContext],
        settings: Settings = DEFAULTS,
        services: Services | None = None,
    ) -> None:
        """`services` are those found for an earlier parse: the same as long as no other file has changed."""
        self.dockerfile: Final = dockerfile
        self.settings: Final = settings
        self._context: Final = context
        self._graph: StageGraph | None = None
        self._states: States | None = None
        self._projects: Final[dict[int, Project]] = {}
        self.services: Final = services or Services(self.context)
        """The compose services that run images of the file."""

    @property
    def context(self) -> BuildContext:
        """The build context, which may be unknown; it is looked for when something about it is asked."""
        return DeferredContext(self._context)

    @property
    def graph(self) -> StageGraph:
        """The stages and who uses whom."""
        if self._graph is None:
            self._graph = StageGraph(self.dockerfile)
        return self._graph

    @property
    def states(self) -> States:
        """What is in force where."""
        if self._states is None:
            self._states = States(self.graph)
        return self._states

    def project_of(self, stage: Stage) -> Project:
        """What the image of a stage runs; nothing of it is found out before it is asked for."""
        if stage.index not in self._projects:
            self._projects[stage.index] = Project(stage, self.states, self.context)
        return self._projects[stage.index]

    def answer(self, kind: type, node: Instruction | None) -> object:
        """The fact of a type, for the instruction that the fixer is called for."""
        return ANSWERS[kind](self, node)


def _stage(facts: Facts, node: Instruction | None) -> object:
    assert node is not None
    return facts.graph.stage_of(node)


def _project(facts: Facts, node: Instruction | None) -> object:
    """That of the instruction's stage; of the last one for a fixer of the whole file, and above the first FROM."""
    stage = facts.graph.stage_of(node) if node is not None else None
    return facts.project_of(stage or facts.graph.stages[-1])


def _state(facts: Facts, node: Instruction | None) -> object:
    assert node is not None
    return facts.states.at(node)


ANSWERS: Final[dict[type, Callable[[Facts, Instruction | None], object]]] = {
    Dockerfile: lambda facts, _: facts.dockerfile,
    BuildContext: lambda facts, _: facts.context,
    Project: _project,
    Services: lambda facts, _: facts.services,
    Settings: lambda facts, _: facts.settings,
    StageGraph: lambda facts, _: facts.graph,
    States: lambda facts, _: facts.states,
    Stage: _stage,
    State: _state,
}
"""The types that a fixer's further parameters may have."""

ABOUT_INSTRUCTIONS: Final = frozenset({Stage, State})
"""Those that a fixer of the whole file cannot ask for."""
