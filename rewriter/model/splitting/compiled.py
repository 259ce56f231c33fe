"""A stage that ships what compiled its program: that goes into a smaller image, with what lies beside it.

Shared by the languages that are compiled. What sets them apart is a `Toolchain`; which image is the smaller one, and
what may be left out of it, each language finds out for itself.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Final

from rewriter.model.effects.known_programs import ACCOUNT_PROGRAMS
from rewriter.model.effects.shell import Step
from rewriter.model.installing.stage_installs import calls_of, simple_commands
from rewriter.model.managers.call import call_of
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, names
from rewriter.model.splitting.files_beside import Place, Toolchain, files_beside, is_in
from rewriter.model.splitting.parts import Again, New, Original, Part, Split, UnsplitError
from rewriter.model.splitting.runtime_steps import require_no_tools
from rewriter.model.splitting.settings import mentions
from rewriter.model.splitting.stage_reading import Reading
from rewriter.model.splitting.system_packages import is_about_packages
from rewriter.syntax.shell_tree import SimpleCommand
from rewriter.syntax.tree import Arg, Copy, Env, Expose, Instruction, Label, Run, Workdir

_OF_SHELLS: Final = names("cd set export echo true pwd ls")
_NAMES_OWNERS: Final = names("chown chgrp")
_STANDS_NOWHERE: Final = (Arg, Env, Expose, Label)
_MAKES_PLACES: Final = ACCOUNT_PROGRAMS | {"mkdir"}


class Compiled:
    """The way from a stage to two. `built` are the paths of what is built and runs, `last` is the last RUN for that."""

    def __init__(
        self, reading: Reading, toolchain: Toolchain, builds: Iterable[Run], folder: str, built: Sequence[str]
    ) -> None:
        self.reading: Final = reading
        self.toolchain: Final = toolchain
        self.folder: Final = folder
        self.built: Final = tuple(built)
        self.last: Final = max((*builds, *self._movers()), key=lambda run: run.start)
        self.above: Final[dict[Instruction, list[Part]]] = {}
        self.below: Final[dict[Instruction, list[Part]]] = {}
        self.systems: Final[list[Run]] = []
        self.spoken: frozenset[str] = frozenset()
        """The names in paths that the sources of the program speak of."""
        self._removed: Final[list[str]] = []

    def _movers(self) -> Iterator[Run]:
        for run in self.reading.runs:
            steps = [step for step in self.reading.steps(run) if not _NAMES_OWNERS.intersection(_programs(step))]
            if any(path in self.built for step in steps for path in step.effects.writes):
                yield run

    def place(self) -> None:
        """Say of each instruction where it goes, besides what is brought to the runtime instead of the builds."""
        for one in self.reading.stage.instructions:
            is_above = one.start <= self.last.start
            if isinstance(one, Copy) and is_above:
                self._place_copy(one)
            elif isinstance(one, Env) and all(self.toolchain.settings.fullmatch(pair.key.text) for pair in one.pairs):
                self.above[one], self.below[one] = (
                    [Original(one)] if is_above else [],
                    [] if is_above else [Original(one)],
                )
            elif isinstance(one, Run):
                self._place_run(one, is_above=is_above)

        self._place_folders()

    def _place_folders(self) -> None:
        """A WORKDIR that nothing in the runtime stands in is the builder's."""
        instructions = self.reading.stage.instructions
        for one, following in pairwise(one for one in instructions if isinstance(one, Workdir)):
            inside = (it for it in instructions if one.start < it.start < following.start and it is not self.last)
            stands = any(not isinstance(it, _STANDS_NOWHERE) and self.below.get(it) != [] for it in inside)
            if one.start < self.last.start and following.arguments.startswith("/") and not stands:
                self.above[one], self.below[one] = [Original(one)], []

    def _place_copy(self, copy: Copy) -> None:
        copied = self.reading.copied(copy)
        if copied is None or copied.problem:
            raise UnsplitError("what line {line} copies is not known", copy)
        inside = (self.folder, *self.toolchain.folders)
        if all(any(target == it or target.startswith(f"{it}/") for it in inside) for target in copied.targets):
            self.above[copy], self.below[copy] = [Original(copy)], []
        else:
            self.above[copy] = [Again(copy)]

    def _place_run(self, run: Run, *, is_above: bool) -> None:
        unread, steps = self.reading.unreadable(run), self.reading.steps(run)
        if not is_above:
            self._place_behind(run, steps, unread)
            return
        if unread:
            raise UnsplitError(f"line {{line}} cannot be looked into: {unread}", run)
        if any(call.manager.name in SYSTEM_MANAGERS for step in steps for call in calls_of(step)):
            if not all(is_about_packages(step) or self._serves_builds(step) for step in steps):
                raise UnsplitError("line {line} installs packages, and does more", run)
            self.systems.append(run)
            self.above[run], self.below[run] = [Original(run)], []
            return
        others = [step for step in steps if not self._serves_builds(step)]
        if unknown := next((step.unknown for step in others if step.unknown), ""):
            raise UnsplitError(f"what line {{line}} does above the build is not known: {unknown}", run)
        left = [(step, path) for step in others for path in step.effects.writes if not self._is_of_build(path, step)]
        if all(_is_removed(path, others[others.index(step) :]) for step, path in left):
            self.above[run], self.below[run] = [Original(run)], []
        elif any(map(self._calls_tool, steps)):
            raise UnsplitError("line {line} builds, and makes files that may be needed", run)
        else:
            self._place_change(run, others)

    def _place_behind(self, run: Run, steps: list[Step], unread: str) -> None:
        """A RUN behind the builds stays in the runtime, unless it only tidies up what the runtime does not get."""
        paths = [path for step in steps for path in step.effects.reads | step.effects.writes]
        if steps and all(_programs(step) == {"rm"} for step in steps) and all(map(self.is_left, paths)):
            self.above[run], self.below[run] = [Original(run)], []
            self._removed.extend(paths)
            return
        require_no_tools(run, steps, unread)
        if any(self.is_inside(path) and self.is_left(path) for path in paths):
            raise UnsplitError("line {line} needs files that only the builder has", run)

    def is_left(self, path: str) -> bool:
        """Whether a path is one of those that the runtime does not get, however it is called."""
        if any(is_in(path, one) for one in self.built):
            return False
        if any(is_in(path, one) for one in self.toolchain.caches):
            return True
        parts = path[len(self.folder) + 1 :].split("/") if self.is_inside(path) else []
        return any(part and self.toolchain.is_left_behind(part) for part in parts)

    def _place_change(self, run: Run, steps: list[Step]) -> None:
        """A RUN that changes more than what is built: modes come along with the files, folders do not."""
        kinds = {name for step in steps for name in _programs(step)}
        if kinds <= _MAKES_PLACES:
            if self._is_used_above(run, [path for step in steps for path in step.effects.writes], kinds):
                self.above[run] = [Again(run)]
        elif not any(self.is_inside(path) for step in steps for path in step.effects.writes):
            self.above[run] = [Again(run)]
        elif kinds <= {"chmod"}:
            self.above[run], self.below[run] = [Original(run)], []
        else:
            raise UnsplitError("line {line} changes files of the project above the build", run)

    def _is_used_above(self, run: Run, paths: list[str], kinds: set[str]) -> bool:
        """Whether the builder may need folders or accounts that a RUN makes."""
        others = [one for one in self.reading.stage.instructions if one.start < self.last.end and one is not run]
        if not kinds <= {"mkdir"} and any(isinstance(one, Copy) and one.flag("chown") for one in others):
            return True
        if self.toolchain.asks_for_folders and any(map(self.is_inside, paths)):
            return True
        return any(path in one.text for one in others for path in paths if path != "/etc")

    @property
    def scripts(self) -> tuple[str, ...]:
        """The scripts of the context that a container starts."""
        start = self.reading.project.start
        return start.scripts if start else ()

    def brings(self, path: str, there: Collection[str]) -> bool:
        """Whether a path is one of some, lies in one of them, or is one that a pattern among them may mean."""
        return any(is_in(path, one) or fnmatchcase(path, one) for one in there)

    def is_inside(self, path: str) -> bool:
        """Whether a path is the folder of the project, or in it."""
        return is_in(path, self.folder)

    def _serves_builds(self, step: Step) -> bool:
        commands = list(simple_commands(step))
        if len(commands) < len(step.item.pipeline.commands) or any(command.redirects for command in commands):
            return self._calls_tool(step) and len(commands) == len(step.item.pipeline.commands)
        return all(
            self._is_tool(command) or command.name in _OF_SHELLS or not command.words or self._sets_up_git(command)
            for command in commands
        )

    def _sets_up_git(self, command: SimpleCommand) -> bool:
        """Whether a command says where git gets packages from, for a program that starts no git: scripts may."""
        words = [word.value for word in command.words[1:]]
        texts = (self.reading.context.read(script) or "" for script in self.scripts)
        is_called = any(mentions(text, "git") for text in texts)
        return command.name == "git" and "config" in words[:1] and "--global" in words and not is_called

    def _calls_tool(self, step: Step) -> bool:
        return any(map(self._is_tool, simple_commands(step)))

    def _is_tool(self, command: SimpleCommand) -> bool:
        call = call_of(command)
        return (call.manager.name if call else command.name) in self.toolchain.tools

    def _is_of_build(self, path: str, step: Step) -> bool:
        """Whether what a step writes is needed by nothing but builds, or is what is built."""
        commands = list(simple_commands(step))
        if _programs(step) == {"rm"}:
            self._removed.append(path)
            return True
        if self.is_left(path) or is_in(path, "/tmp"):
            return True
        built = [it for it in self.built if it == path or it.startswith(f"{path.rstrip('/')}/")]
        words = [posixpath.basename(word.value or word.text) for command in commands for word in command.arguments]
        is_moved = any(fnmatchcase(posixpath.basename(it), word) for it in built for word in words if word)
        return self.brings(path, self.built) or is_moved or (bool(built) and _programs(step) == {"mkdir"})

    # What is brought

    def files(self) -> list[str]:
        """The files and folders in the project's folder that the program may read, by their paths in the image."""
        copies = [one for one, parts in self.below.items() if isinstance(one, Copy) and not parts]
        place = Place(self.toolchain, self.folder, self.built, tuple(self._removed), self.spoken)
        return files_beside(self.reading, place, copies)

    def bring(
        self, paths: Sequence[str], installs: Sequence[Part] = (), programs: Collection[str] = frozenset()
    ) -> None:
        """Let the runtime have paths from the builder, and what installs packages, in the place of the builds.

        The installs stand above a RUN that calls one of the `programs` that they bring.
        """
        reading = self.reading
        added: list[Part] = []
        folders = [one for one in self.kept() if isinstance(one, Workdir)]
        if self.toolchain.workdir != "/":
            if not folders:
                added.append(New("WORKDIR", self.toolchain.workdir, self.first_copy))
            elif not folders[0].arguments.startswith("/"):
                raise UnsplitError(f"line {{line}} names a folder in {self.toolchain.workdir}", folders[0])
        if caller := next((run for run in self._runs_above() if self._calls(run, programs)), None):
            self.below[caller] = [*installs, *self.below.get(caller, [Original(caller)])]
        else:
            added += installs
        there = [path for path in paths if path == self.built[0] or not self.brings(path, self._removed)]
        for number, path in enumerate(there):
            target = f"{posixpath.dirname(path)}/" if "*" in path else path
            copied = f"--from={reading.builder} {path} {target}"
            added.append(New("COPY", copied, self.first_copy if number == 0 else None))
        self.below[self.last] = added

    def _runs_above(self) -> Iterator[Run]:
        """The RUNs that the runtime has, above the place of the builds."""
        return (one for one in self.kept() if isinstance(one, Run) and one.start < self.last.start)

    def _calls(self, run: Run, programs: Collection[str]) -> bool:
        return any(not _programs(step).isdisjoint(programs) for step in self.reading.steps(run))

    @property
    def first_copy(self) -> Instruction:
        """The first COPY: what is brought stands in its place."""
        return next((one for one in self.reading.stage.instructions if isinstance(one, Copy)), self.last)

    def kept(self) -> list[Instruction]:
        """The instructions of the stage that the runtime has."""
        return [one for one in self.reading.stage.instructions if self.below.get(one, [Original(one)])]

    def split(self, what: str, *, base: str, pinned: str = "") -> Split:
        """Both stages; `what` is what only the builder gets, `base` the image of the runtime."""
        message = f"only a builder gets {what}; {posixpath.basename(self.built[0])} comes from there"
        found = self.reading.split(self.above, self.below, message, runs_project=True)
        return found._replace(base=base, pinned=pinned)


def _programs(step: Step) -> set[str]:
    return {command.name for command in simple_commands(step)}


def _is_removed(path: str, steps: Sequence[Step]) -> bool:
    """Whether one of some steps removes what another has made."""
    return any(_programs(step) == {"rm"} and any(is_in(path, it) for it in step.effects.writes) for step in steps)
