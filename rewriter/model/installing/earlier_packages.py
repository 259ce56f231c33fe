"""Which installs of system packages, and which new users, can go above the copies that they stand below.

    COPY . .                               ENV DEBIAN_FRONTEND=noninteractive
    ENV DEBIAN_FRONTEND=noninteractive     RUN apt-get install -y nginx
    RUN apt-get install -y nginx     ->    COPY . .
    EXPOSE 80                              EXPOSE 80

Walking up from the RUN, each instruction either stays below, because it has nothing to do with what goes up, or goes up
as well, or ends the walk. Sources and manifests are what changes more often than packages; with them go other files.
Were manifests no reason, it would depend on what comes first, this or moving the install that waits for sources.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.model.effects.copies import CopiedFiles
from rewriter.model.effects.instructions import Effects, conflict, effects_of
from rewriter.model.effects.places import changes_accounts, depends_on_folder
from rewriter.model.installing.manifests import is_manifest
from rewriter.model.installing.stage_installs import LONGEST_STAGE
from rewriter.model.managers.run_calls import calls
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS
from rewriter.model.stages import Stage
from rewriter.model.state import States
from rewriter.syntax.tree import Arg, Copy, Env, Instruction, Run, Shell, User

LONGEST_WALK: Final = 40
"""So many instructions are passed at most: each is compared with all that goes up."""


class Climb(NamedTuple):
    """A RUN that can go above copies of sources or manifests.

    `up` are the instructions that go up, in order; the RUN is the last of them. `down` are those that stay below, the
    copy being the first; what else is between them may stand above or below. `passed` are all that they pass.
    """

    run: Run
    copy: Copy
    up: tuple[Instruction, ...]
    down: tuple[Instruction, ...]
    passed: tuple[Instruction, ...]


class Held(NamedTuple):
    """Why a RUN stays below such a copy; `{line}` stands for the line of the culprit."""

    run: Run
    reason: str
    culprit: Instruction | None


def earlier_packages(stage: Stage, states: States, context: BuildContext) -> Iterator[Climb | Held]:
    """How each RUN of a stage that installs system packages or adds users can go above sources and manifests."""
    if len(stage.instructions) > LONGEST_STAGE:
        return
    first = next((position for position, one in enumerate(stage.instructions) if _is_copy(one)), LONGEST_STAGE)
    candidates = [
        position
        for position, one in enumerate(stage.instructions)
        if position > first and isinstance(one, Run) and is_about_the_system(one)
    ]
    walk = _Stage(stage, states, context) if candidates else None
    seen: set[int] = set()
    for position in reversed(candidates):
        if walk is None or stage.instructions[position].start in seen:
            continue
        found = walk.climb(position)
        if isinstance(found, Climb):
            seen |= {instruction.start for instruction in found.up}
        if found is not None:
            yield found


def is_about_the_system(run: Run) -> bool:
    """Whether a RUN installs packages of the distribution, or adds users or groups."""
    return any(call.installs and call.manager.name in SYSTEM_MANAGERS for call in calls(run)) or changes_accounts(run)


def _is_copy(instruction: Instruction) -> bool:
    return isinstance(instruction, Copy) and not instruction.source_stage and bool(instruction.words)


class _Stage:
    """A stage, and what its instructions do."""

    __slots__ = ("_context", "_copies", "_effects", "_stage", "_states")

    def __init__(self, stage: Stage, states: States, context: BuildContext) -> None:
        self._stage: Final = stage
        self._states: Final = states
        self._context: Final = context
        self._effects: Final[dict[Instruction, Effects]] = {}
        self._copies: Final[dict[Instruction, CopiedFiles]] = {
            one: CopiedFiles(one, states.at(one), context)
            for one in stage.instructions
            if isinstance(one, Copy) and _is_copy(one)
        }

    def effects(self, instruction: Instruction) -> Effects:
        """What an instruction of the stage does."""
        if instruction not in self._effects:
            found = effects_of(instruction, self._states.at(instruction), self._context)
            if isinstance(instruction, Run) and not depends_on_folder(instruction):
                found = found._replace(uses=found.uses - {"WORKDIR"})
            self._effects[instruction] = found
        return self._effects[instruction]

    def climb(self, position: int) -> Climb | Held | None:
        """How far the RUN at a position can go up; None where it stands below none of these, or gains nothing."""
        found = self._farthest(position)
        return None if isinstance(found, Climb) and self._is_idle(found) else found

    def _farthest(self, position: int) -> Climb | Held | None:
        above = self._stage.instructions[max(0, position - LONGEST_WALK) : position]
        if not any(self._is_source(one) for one in above):
            return None
        run = self._stage.instructions[position]
        assert isinstance(run, Run)
        whole = self.effects(run)
        if whole.unknown:
            return Held(run, whole.unknown, None)
        going: list[Instruction] = [run]
        passed: list[Instruction] = []
        found: Climb | None = None
        passes_sources = False
        for instruction in reversed(above):
            other = self.effects(instruction)
            reason = conflict(other, whole)
            if reason and (other.unknown or not isinstance(instruction, Arg | Env | Run | Shell | User)):
                return found or Held(run, f"{instruction.name} in line {{line}} stands between: {reason}", instruction)
            if reason:
                going.insert(0, instruction)
                whole |= other
                continue
            passed.insert(0, instruction)
            passes_sources = passes_sources or self._is_source(instruction)
            if passes_sources and isinstance(instruction, Copy) and instruction in self._copies:
                found = Climb(run, instruction, tuple(going), self._down(passed), tuple(passed))
        return found

    def _is_idle(self, climb: Climb) -> bool:
        """Whether copies that stay above change whenever those that are passed do, so that nothing is gained."""
        above = [copied for one, copied in self._copies.items() if one.start < climb.copy.start]
        trees = {source.path for copied in above for source in copied.sources if source.is_tree}
        passed = [self._copies[one] for one in climb.passed if isinstance(one, Copy) and one in self._copies]
        return bool(trees) and all(_is_in(source.path, trees) for copied in passed for source in copied.sources)

    def _down(self, passed: Sequence[Instruction]) -> tuple[Instruction, ...]:
        """Of what is passed, the copies and what must stay below them."""
        down: list[Instruction] = []
        effects = Effects()
        for instruction in passed:
            own = self.effects(instruction)
            if instruction in self._copies or conflict(own, effects):
                down.append(instruction)
                effects |= own
        return tuple(down)

    def _is_source(self, instruction: Instruction) -> bool:
        """Whether an instruction copies sources or manifests, which change more often than packages."""
        copied = self._copies.get(instruction)
        return copied is not None and (
            copied.has_tree or any(is_manifest(posixpath.basename(one.path)) for one in copied.sources)
        )


def _is_in(path: str, trees: Collection[str]) -> bool:
    """Whether a path of the context lies in one of some folders; the empty one is the whole context."""
    return any(path == tree or path.startswith(f"{tree}/" if tree else "") for tree in trees)
