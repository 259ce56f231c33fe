"""What happens to some paths of a stage, instruction by instruction and command by command."""

from __future__ import annotations

import posixpath
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, Generic, NamedTuple, TypeVar

from rewriter.model.context.build_context import BuildContext
from rewriter.model.effects.copies import CopiedFiles, folder_at
from rewriter.model.effects.instructions import ACCOUNTS, Effects, common_path, effects, effects_of, unknown
from rewriter.model.effects.shell import Step, installer_effects, steps
from rewriter.model.managers.run_calls import calls
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, names
from rewriter.model.ownership.pip_files import installs_from_files
from rewriter.model.stages import Stage
from rewriter.model.state import State, States
from rewriter.syntax.shell import SimpleCommand
from rewriter.syntax.tree import Copy, Instruction, Run, Workdir

_T = TypeVar("_T")

MOST_COPIES: Final = 16
"""How many COPYs into one folder are looked at: each of them is weighed against all that follows it."""

EVERYWHERE: Final = names("/ /etc /home /media /mnt /opt /root /run /srv /tmp /usr /usr/bin /usr/lib /usr/local "
                          "/usr/local/bin /usr/local/lib /usr/sbin /usr/share /var /var/lib /var/log")  # fmt: skip
"""Folders that every Linux image with a package manager has: https://refspecs.linuxfoundation.org/FHS_3.0/fhs.html"""


class Moment(NamedTuple):
    """An instruction, or the item `number` of a RUN's list, and what it does."""

    instruction: Instruction
    number: int
    effects: Effects
    step: Step | None = None

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands in the order of things."""
        return self.instruction.start, self.number


class Brought(NamedTuple):
    """What a COPY puts where: `files`, `trees` with all that is in them, and in `unsure` what may be either.

    `problem` says why that is not known.
    """

    copy: Copy
    files: frozenset[str]
    trees: frozenset[str]
    unsure: frozenset[str]
    problem: str = ""

    @property
    def targets(self) -> frozenset[str]:
        """All paths that it writes."""
        return self.files | self.trees | self.unsure

    def changed_by(self, path: str, *, is_recursive: bool) -> bool:
        """Whether a command that changes a path changes anything that the COPY writes; a folder is not written."""
        if is_recursive:
            return bool(common_path(self.targets, [path]))
        return path in self.files | self.unsure or any(path.startswith(f"{tree.rstrip('/')}/") for tree in self.trees)


class _ByPath(Generic[_T]):
    """Things by the paths that they have to do with, so that no question looks at all of them."""

    __slots__ = ("_at", "_below")

    def __init__(self) -> None:
        self._at: Final[dict[str, list[_T]]] = {}
        self._below: Final[dict[str, list[_T]]] = {}

    def add(self, path: str, thing: _T) -> None:
        """Note a thing; things come in order."""
        self._at.setdefault(path, []).append(thing)
        while path != "/":
            path = posixpath.dirname(path) or "/"
            self._below.setdefault(path, []).append(thing)

    def find(self, path: str) -> Iterator[_T]:
        """Those at a path, below it, and at the folders above it; one may come twice."""
        yield from self._below.get(path, ())
        yield from self._at.get(path, ())
        while path != "/":
            path = posixpath.dirname(path) or "/"
            yield from self._at.get(path, ())


class History:
    """The moments of a stage and of those below it, in order."""

    __slots__ = ("_brought", "_context", "_moments", "_places", "_states", "_unknown", "_writers", "stage")

    def __init__(self, stage: Stage, states: States, context: BuildContext) -> None:
        self.stage: Final = stage
        self._states: Final = states
        self._context: Final = context
        self._brought: Final[_ByPath[Brought]] = _ByPath()
        for one in stage.instructions:
            if isinstance(one, Copy) and len(one.paths) > 1:
                brought = _brought(one, states.at(one), context)
                for path in brought.targets:
                    self._brought.add(path, brought)
        self._moments: list[Moment] = []
        self._places: list[tuple[int, int]] = []
        self._writers: Final[_ByPath[Moment]] = _ByPath()
        self._unknown: Moment | None = None

    def bringing(self, path: str) -> list[Brought]:
        """The COPYs and ADDs of the stage itself that write a path, something below it, or a folder above it."""
        found = {one.copy.start: one for one in islice(self._brought.find(path), MOST_COPIES + 1)}
        return [found[start] for start in sorted(found)]

    @property
    def moments(self) -> list[Moment]:
        """All that happens."""
        if not self._moments:
            for stage in reversed(list(self.stage.lineage)):
                for instruction in stage.instructions:
                    self._moments += self._moments_of(instruction)
            self._places = [moment.place for moment in self._moments]
            for moment in self._moments:
                for path in moment.effects.writes | moment.effects.makes:
                    self._writers.add(path, moment)
                if moment.effects.unknown and self._unknown is None:
                    self._unknown = moment
        return self._moments

    def _moments_of(self, instruction: Instruction) -> Iterator[Moment]:
        state = self._states.at(instruction)
        if not isinstance(instruction, Run):
            yield Moment(instruction, -1, effects_of(instruction, state, self._context))
            return
        found = list(steps(instruction, state))
        if not found:
            yield Moment(instruction, 0, unknown("what it runs is not known"))
        for number, step in enumerate(found):
            yield Moment(instruction, number, self._effects_of_step(step, state), step)

    def _effects_of_step(self, step: Step, state: State) -> Effects:
        """Those of the step; a package manager that works on a project touches the project's folder and its own."""
        found = step.effects
        for call in step.calls:
            if installs_from_files(call, step.folder, self._read):
                found |= installer_effects(state)
                continue
            words = [word.value or word.text for word in call.command.arguments]
            leads_away = any(word.startswith(("/", "..", "~", "$")) or "=/" in word for word in words)
            folder = "" if leads_away else step.folder
            inside = effects(reads=[folder], writes=[folder]) if folder else unknown(step.unknown)
            found |= installer_effects(state) | inside
        return found

    def _read(self, path: str) -> str | None:
        """The text of a file that a COPY of the stage brings; None where it may be another one."""
        brought = self.bringing(path)
        if len({one.problem for one in brought} - {""}) or any(one.copy.source_stage for one in brought):
            return None
        copies = (CopiedFiles(one.copy, self._states.at(one.copy), self._context) for one in brought)
        origins = {copied.origin(path) for copied in copies} - {None}
        return self._context.read(origins.pop() or "") if len(origins) == 1 else None

    def writers(self, path: str, place: tuple[int, int]) -> list[Moment]:
        """What writes to a path, below or above it before a place; also the first of which that is not known."""
        found = {moment.place: moment for moment in (self.moments and self._writers.find(path))}
        if self._unknown is not None:
            found[self._unknown.place] = self._unknown
        return [found[one] for one in sorted(found) if one < place]

    def between(self, copy: Copy, place: tuple[int, int]) -> Sequence[Moment]:
        """What happens behind a COPY and before a place."""
        moments = self.moments
        return moments[bisect_right(self._places, (copy.start, 0)) : bisect_left(self._places, place)]

    def has_folder(self, path: str, place: tuple[int, int]) -> bool:
        """Whether a folder is known to be there: every image has it, or a WORKDIR or `mkdir` above made it."""
        return path in EVERYWHERE or any(makes_folder(moment, path) for moment in self.writers(path, place))


def makes_folder(moment: Moment, path: str) -> bool:
    """Whether a WORKDIR or a `mkdir` makes a folder, on its own or on the way to one below it."""
    made: Iterable[str] = ()
    if isinstance(moment.instruction, Workdir) or (moment.step is not None and is_command(moment, "mkdir")):
        made = moment.effects.writes
    return any(one == path or one.startswith(f"{path}/") for one in made)


def is_command(moment: Moment, *programs: str) -> bool:
    """Whether it is one simple command that runs a program."""
    commands = moment.step.item.pipeline.commands if moment.step else ()
    return len(commands) == 1 and isinstance(commands[0], SimpleCommand) and commands[0].name in programs


def meets(moment: Moment, path: str) -> str:
    """Why a moment may have to do with a path or what is below it; empty where it has not."""
    if moment.effects.unknown:
        return moment.effects.unknown
    return "it works below that path" if common_path(moment.effects.touches, [path]) else ""


def may_add_accounts(moment: Moment) -> bool:
    """Whether users or groups may be new after it: packages bring some, too."""
    if moment.effects.unknown or ACCOUNTS in moment.effects.sets:
        return True
    run = moment.instruction
    return isinstance(run, Run) and any(call.manager.name in SYSTEM_MANAGERS for call in calls(run))


def _brought(copy: Copy, state: State, context: BuildContext) -> Brought:
    if copy.source_stage is not None:
        return _from_stage(copy, state)
    copied = CopiedFiles(copy, state, context)
    if copied.problem or not copied.sources:
        return _all_unsure(copy, copied.target, copied.problem or "what it copies is not known")
    kinds: dict[bool | None, set[str]] = {True: set(), False: set(), None: set()}
    for source in copied.sources:
        is_tree = context.is_folder(source.path)
        if source.is_tree:
            is_tree = True
        elif source.target != copied.target:
            is_tree = False  # under its own name in a folder: of a folder only what is in it would be copied
        kinds[is_tree].add(source.target)
    problem = "" if copied.is_complete else "what it copies is not known"
    return Brought(copy, frozenset(kinds[False]), frozenset(kinds[True]), frozenset(kinds[None]), problem)


def _from_stage(copy: Copy, state: State) -> Brought:
    destination = state.expand(copy.destination)
    folder = folder_at(state)
    if not destination or not (folder or destination.startswith("/")):
        return _all_unsure(copy, "", "where it copies to depends on a variable")
    return _all_unsure(copy, "/" + posixpath.normpath(posixpath.join(folder or "/", destination)).lstrip("/"), "")


def _all_unsure(copy: Copy, target: str, problem: str) -> Brought:
    nothing: frozenset[str] = frozenset()
    return Brought(copy, nothing, nothing, frozenset({target} if target else ()), problem)
