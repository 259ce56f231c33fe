"""Which installs of dependencies can run before the sources are copied, and what has to move for that.

    COPY . .                     COPY requirements.txt ./
    RUN chmod +x start.sh        ENV PORT=80
    ENV PORT=80            ->    RUN pip install -r requirements.txt
    RUN pip install -r ...       COPY . .
                                 RUN chmod +x start.sh

Walking down from the copy, each instruction either stays above, because it has nothing to do with what goes down, or
goes down as well, or ends the walk. The copy goes below the last install that was passed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rewriter.model.effects.copies import BASE_FOLDER, SHARED_FOLDERS, CopiedFiles, Source, folder_at
from rewriter.model.effects.instructions import NOTHING, Effects, common_path, conflict, effects
from rewriter.model.effects.shell import Step, installer_effects
from rewriter.model.installing.manifests import Needs, NotMovableError, is_manifest, needs_of
from rewriter.model.installing.named_files import NamedFiles
from rewriter.model.installing.stage_installs import (
    Install,
    StageInstalls,
    calls_of,
    cleans_up,
    completes,
    is_left_by_an_install,
    simple_commands,
    stops_on_errors,
)
from rewriter.model.managers.call import Call
from rewriter.model.state import State
from rewriter.syntax.shell_tree import Item
from rewriter.syntax.tree import Copy, Instruction, Run, Workdir


class Manifest(NamedTuple):
    """A file or folder that must be copied before the install: the source that brings it, and its paths."""

    source: Source
    origin: str
    target: str
    is_folder: bool


class Split(NamedTuple):
    """A RUN of which the part up to `last` stays above.

    `carried` puts the shell of the part below into the same state, `again` are commands to run there before the `rest`.
    """

    last: Item
    carried: tuple[str, ...]
    again: tuple[str, ...]
    rest: Item | None


class Move(NamedTuple):
    """What has to move so that installs come before the sources.

    `copy` goes below `below`, and so do the `followers`; `manifests` are copied in its place. `added` are options that
    calls gain. `ignored` are folders of the context that must not be copied over what the installs fill.
    """

    copy: CopiedFiles
    below: Run
    followers: tuple[Instruction, ...]
    manifests: tuple[Manifest, ...]
    added: tuple[tuple[Call, str], ...]
    ignored: tuple[str, ...]
    split: Split | None
    relied_on: tuple[Instruction, ...]


class Stuck(NamedTuple):
    """Why an install stays below the sources; `{line}` stands for the line of the culprit."""

    copy: CopiedFiles
    reason: str
    culprit: Instruction | None


class _ObstacleError(Exception):
    """What ends the walk."""

    def __init__(self, reason: str, culprit: Instruction | None = None) -> None:
        super().__init__(reason)
        self.reason: Final = reason
        self.culprit: Final = culprit


def earlier_installs(all_: StageInstalls) -> Iterator[Move | Stuck]:
    """For each copy of sources that installs wait for: what has to move, or why nothing can."""
    for copied, installs in all_.waiting():
        found = _Walk(all_, copied, installs).result()
        # An install by name may have any reason to stand below the sources.
        if isinstance(found, Move) or any(install.project for install in installs):
            yield found


class _Walk:
    """The way down from one copy. What is found on it is kept in the order of the file."""

    __slots__ = ("_all", "_copied", "_down", "_fills", "_folders", "_needs", "_waiting")

    def __init__(self, all_: StageInstalls, copied: CopiedFiles, waiting: Sequence[Install]) -> None:
        self._all: Final = all_
        self._copied: Final = copied
        self._waiting: Final = waiting
        self._needs: Final[list[tuple[Install, Needs]]] = []
        self._fills: Final[list[tuple[str, Instruction]]] = []
        self._folders: Final[list[tuple[str, Run]]] = []
        own = all_.effects(copied.instruction)
        # A relative destination is written anew where WORKDIR changes.
        self._down: Final[list[tuple[Instruction, Effects]]] = [
            (copied.instruction, own._replace(uses=own.uses - {"WORKDIR"}))
        ]

    def result(self) -> Move | Stuck:
        """Walk, and say what came of it."""
        moved: Move | None = None
        reason, culprit = "", None
        try:
            for move in self._moves():
                moved = move
        except _ObstacleError as obstacle:
            reason, culprit = obstacle.reason, obstacle.culprit
        except NotMovableError as error:
            reason, culprit = str(error), error.culprit
        return moved or Stuck(self._copied, reason or "nothing shows that the install can do without them", culprit)

    def _moves(self) -> Iterator[Move]:
        """The moves past one install, past two, and so on."""
        if own := self._down[0][1].unknown:
            raise _ObstacleError(own)
        last = self._waiting[-1].run.start
        # To move past nothing but installs by name would leave the slow one where it is.
        needs_project = any(install.project for install in self._waiting)
        for instruction in self._all.stage.instructions:
            if not self._copied.instruction.start < instruction.start <= last:
                continue
            if not isinstance(instruction, Run):
                self._pass(instruction)
                continue
            passed, split = self._pass_run(instruction)
            if any(self._all.of(step) for step in passed) and (self._needs or not needs_project):
                yield self._move(instruction, split)
            if split is not None:
                return

    def _pass(self, instruction: Instruction) -> None:
        """Leave an instruction above, or let it go down."""
        found = self._all.effects(instruction)
        if isinstance(instruction, Workdir) and self._copied.target.startswith(BASE_FOLDER):
            raise _ObstacleError("where the files go before WORKDIR in line {line} is not known", instruction)
        try:
            self._require_freedom(found, is_workdir=isinstance(instruction, Workdir))
            if not self._copied.has_tree and self._is_tree(instruction):
                self._down.append((instruction, found))
        except _ObstacleError as obstacle:
            if found.unknown or found.sets:
                reason = f"{instruction.name} in line {{line}} stands between: {obstacle.reason}"
                raise _ObstacleError(reason, instruction) from None
            self._down.append((instruction, found))

    def _is_tree(self, instruction: Instruction) -> bool:
        """Whether an instruction copies sources: while they stay above an install, it gains nothing from a move."""
        return any(one.instruction is instruction and one.has_tree for one in self._all.copies)

    def _require_freedom(self, found: Effects, *, is_workdir: bool = False) -> None:
        """Raise where something must stay below what goes down."""
        for instruction, other in self._down:
            one = found
            if isinstance(instruction, Copy):
                # What is made anew takes nothing from the copied files; that they are not laid over it is seen to.
                one = one._replace(makes=frozenset(), writes=frozenset() if is_workdir else one.writes)
            if reason := conflict(one, other):
                raise _ObstacleError(reason, instruction)

    def _pass_run(self, run: Run) -> tuple[Sequence[Step], Split | None]:
        """The steps of a RUN that stay above, and how it is to be split if others go down."""
        found, whole = self._all.steps[run], self._all.effects(run)
        if not found and whole.unknown:
            raise _ObstacleError(f"RUN in line {{line}} stands between: {whole.unknown}", run)
        uses = Effects(uses=whole.uses)
        passed: list[Step] = []
        marks: list[tuple[int, int]] = []
        again: tuple[str, ...] = ()
        obstacle: _ObstacleError | None = None
        for step in found:
            try:
                again = self._pass_step(run, step, uses)
            except _ObstacleError as error:
                obstacle = error
                break
            passed.append(step)
            marks.append((len(self._fills), len(self._folders)))
            if again:
                break
        if obstacle is None and not again:
            return passed, None
        if any(self._all.of(step) for step in passed):
            passed = passed[: self._last_needed(passed)]
            fills, folders = marks[len(passed) - 1]
            del self._fills[fills:], self._folders[folders:]
            return passed, self._split(run, passed, again)
        assert obstacle is not None
        if whole.unknown or any(self._all.of(step) for step in found):
            raise obstacle
        self._down.append((run, whole))
        return (), None

    def _last_needed(self, passed: Sequence[Step]) -> int:
        """How many steps stay above: a change of the shell behind the last install is for what comes below."""
        end = len(passed)
        while end and not self._all.of(passed[end - 1]):
            end -= 1
        while end < len(passed) and not passed[end].shell:
            end += 1
        return end

    def _pass_step(self, run: Run, step: Step, uses: Effects) -> tuple[str, ...]:
        """What must be done again below if a step stays above. Raises _ObstacleError where it cannot."""
        installs = [install for install in self._all.of(step) if install.project is not None]
        if not installs:
            if step.unknown:
                raise _ObstacleError(f"RUN in line {{line}} stands between: {step.unknown}", run)
            self._require_freedom(step.effects | uses)
            self._require_no_settings(run, step)
            self._require_nothing_named(run, step)
            self._fills.extend((path, run) for path in step.effects.makes)
            self._folders.append((step.folder, run))
            if step.shell == "cd":
                if not step.behind and step.item.pipeline.text.split() != ["cd", "-"]:
                    raise _ObstacleError("where the `cd` in line {line} goes is not known", run)
                self._folders.append((step.behind, run))
            return ()
        if len(step.item.pipeline.commands) > 1 or len(step.calls) > 1:
            raise _ObstacleError("the install in line {line} stands in a pipe", run)
        if not step.folder or step.effects.unknown:
            raise _ObstacleError(step.effects.unknown or "in which folder line {line} installs is not known", run)
        project = installs[0].project
        assert project is not None
        self._require_nothing_named(run, step)
        needs = needs_of(project)
        if needs.added and completes(installs[0], (one for one, _ in self._needs)):
            raise _ObstacleError("the dependencies that line {line} installs are installed above it", run)
        if named := self._named_files().by_settings(project, needs):
            raise _ObstacleError(f"the install in line {{line}} needs the sources: {named}", run)
        self._require_freedom_of_install(project.folder, needs, step.effects | uses, self._all.states.at(run))
        self._needs.append((installs[0], needs))
        self._fills.extend((path, run) for path in needs.fills)
        self._folders.append((step.folder, run))
        return needs.below

    def _named_files(self) -> NamedFiles:
        return NamedFiles(self._going(), self._all.context)

    def _require_nothing_named(self, run: Run, step: Step) -> None:
        """Variables, options and settings may name files that come with the sources."""
        named, state = self._named_files(), self._all.states.at(run)
        calls = list(calls_of(step))
        may_read = calls or any(command.name in ("curl", "wget", "git") for command in simple_commands(step))
        if may_read and (found := named.by_variables(state, self._all.variables)):
            raise _ObstacleError(f"line {{line}} needs the sources: {found}", run)
        for command in simple_commands(step):
            call = next((call for call in calls if call.command is command), None)
            found = named.by_command(command, call, state, step.folder)
            if not found and call and (written := named.by_writing(call, step.folder)):
                found = f"{written} would be laid over what it writes"
            if found:
                raise _ObstacleError(f"line {{line}} needs the sources: {found}", run)

    def _require_no_settings(self, run: Run, step: Step) -> None:
        """These read the settings of the folder they run in, whatever they install."""
        for install in self._all.of(step):
            project = self._all.project(run, step, install.call)
            names_ = (
                (".npmrc", ".yarnrc", "bunfig.toml") if install.call.manager.name in ("yarn", "pnpm", "bun") else ()
            )
            if found := next(filter(project.has, names_), ""):
                raise _ObstacleError(f"line {{line}} reads {found}", run)

    def _require_freedom_of_install(self, folder: str, needs: Needs, uses: Effects, state: State) -> None:
        common = installer_effects(state) | uses
        whole = common | effects(reads=[*needs.files, *needs.folders], makes=needs.fills)
        from_context = {id(copied.instruction) for copied in self._all.copies if copied.is_complete}
        for instruction, other in self._down:
            # Manifests of the context are copied before; what else comes, or what a RUN does to them, is not there yet.
            if reason := conflict(common if id(instruction) in from_context else whole, other):
                raise _ObstacleError(
                    f"{instruction.name} in line {{line}} matters to the install: {reason}", instruction
                )
            changed = [path for path in other.writes | other.makes if posixpath.dirname(path) == folder]
            if id(instruction) not in from_context and any(is_manifest(posixpath.basename(one)) for one in changed):
                raise _ObstacleError(f"{instruction.name} in line {{line}} changes what the install reads", instruction)

    def _split(self, run: Run, passed: Sequence[Step], again: Sequence[str]) -> Split:
        tail = self._all.steps[run][len(passed) :]
        operators = {step.item.operator for step in (*passed, *tail[:1])} | {
            step.item.operator for step in tail if step.item.operator == "||"
        }
        if not operators <= {"", "&&"} and not (operators <= {"", "&&", ";"} and stops_on_errors(passed[0])):
            raise _ObstacleError("RUN in line {line} is not a plain list of commands joined by &&", run)
        if any(step.shell == "other" for step in passed):
            raise _ObstacleError("RUN in line {line} sets up its shell, which both parts of it would need", run)
        workdir = self._all.states.at(run).workdir
        if culprit := next((step for step in tail if cleans_up(step, workdir)), None):
            raise _ObstacleError(f"RUN in line {{line}} cleans up behind it: `{culprit.item.pipeline.text}`", run)
        carried = tuple(step.item.pipeline.text for step in passed if step.shell)
        if tail and any(call.action == "dump-autoload" for call in tail[0].calls):
            again = [command for command in again if "dump-autoload" not in command]
        commands = tuple(command or passed[-1].item.pipeline.text for command in again)
        return Split(passed[-1].item, carried, commands, tail[0].item if tail else None)

    def _move(self, below: Run, split: Split | None) -> Move:
        if not self._copied.has_tree:
            above = (one for one in self._all.stage.instructions if one.start < self._copied.instruction.start)
            if culprit := next(filter(self._is_tree, above), None):
                raise _ObstacleError("the install waits for the sources in line {line} as well", culprit)
        manifests = tuple(self._manifests())
        self._require_folders(manifests)
        added = tuple((install.call, needs.added) for install, needs in self._needs if needs.added)
        followers = tuple(instruction for instruction, _ in self._down[1:])
        relied_on = tuple(one for one in self._all.stage.instructions if one.start <= below.start)
        return Move(self._copied, below, followers, manifests, added, tuple(self._ignored()), split, relied_on)

    def _going(self) -> list[CopiedFiles]:
        instructions = {id(instruction) for instruction, _ in self._down}
        return [copied for copied in self._all.copies if id(copied.instruction) in instructions]

    def _manifests(self) -> Iterator[Manifest]:
        """What must be copied before: what the copies that go down would have brought, and none above brings."""
        going = self._going()
        seen: set[str] = set()
        for install, needs in self._needs:
            assert install.project is not None
            above = [one for one in self._all.copies if one not in going and one.instruction.start < install.run.start]
            for path in (*needs.files, *needs.folders):
                brought = install.project.brought_by(path)
                if path in seen or brought is None or brought[0] not in going:
                    continue
                seen.add(path)
                copied, origin = brought
                source = copied.source_of(path)
                earlier = next((other for other in reversed(above) if other.origin(path) == origin), None)
                if earlier is not None:
                    self._require_unchanged(path, earlier)
                elif source is not None:
                    yield Manifest(source, origin, path, path in needs.folders)

    def _require_unchanged(self, path: str, earlier: CopiedFiles) -> None:
        """A manifest that was copied above already must still be as it was copied."""
        for instruction in self._all.stage.instructions:
            between = earlier.instruction.start < instruction.start < self._copied.instruction.start
            if not between or isinstance(instruction, Workdir):
                continue
            found = self._all.effects(instruction)
            if isinstance(instruction, Run):
                found = NOTHING
                for step in self._all.steps[instruction]:
                    is_install = step.calls and len(self._all.of(step)) == len(step.calls)
                    found |= step.effects._replace(unknown=step.effects.unknown if is_install else step.unknown)
                if not self._all.steps[instruction]:
                    found = self._all.effects(instruction)
            if found.unknown or common_path([path], found.writes | found.makes):
                raise _ObstacleError(f"{instruction.name} in line {{line}} may change {path}", instruction)

    def _require_folders(self, manifests: Sequence[Manifest]) -> None:
        """A `cd` above needs its folder, which may come with the sources only."""
        for folder, run in self._folders:
            here = folder_at(self._all.states.at(run))
            is_there = folder in SHARED_FOLDERS or f"{here}/".startswith(f"{folder}/")
            if is_there or not common_path([folder], self._copied.targets):
                continue
            if not any(manifest.target.startswith(f"{folder}/") for manifest in manifests):
                raise _ObstacleError(f"line {{line}} works in {folder}, which comes with the sources", run)

    def _ignored(self) -> Iterator[str]:
        """The folders of the context that would be laid over what the installs fill."""
        context = self._all.context
        for path, run in dict(self._fills).items():
            for origin in filter(None, (copied.origin(path) for copied in self._going())):
                if context.ignores(origin):
                    continue
                if culprit := self._all.copy_of(origin):
                    raise _ObstacleError(
                        f"{origin}, which line {{line}} copies, would be laid over the install", culprit
                    )
                if context.status(origin) in ("present", "unreadable") and not is_left_by_an_install(
                    origin, self._all.context
                ):
                    raise _ObstacleError(
                        f"the context's own {origin} would be laid over what line {{line}} installs", run
                    )
                yield origin
            if any(copied.origin(path) == "" for copied in self._going()):
                raise _ObstacleError(f"line {{line}} installs into {path}, where the sources go", run)
