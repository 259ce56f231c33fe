"""A stage that ships what compiled its program: that goes into a smaller image, with what lies beside it.

Shared by the languages that are compiled. What sets them apart is a `Toolchain`; which image is the smaller one, and
what may be left out of it, each language finds out for itself.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Final

from rewriter.model.effects.copies import SHARED_FOLDERS
from rewriter.model.effects.shell import ACCOUNT_PROGRAMS, Step
from rewriter.model.installing.stage_installs import calls_of, simple_commands
from rewriter.model.managers.call import call_of
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, names
from rewriter.model.project.answers import Start
from rewriter.model.project.start import start_of
from rewriter.model.splitting.files_beside import Place, Toolchain, files_beside, is_in
from rewriter.model.splitting.parts import Again, New, Original, Part, Split, UnsplitError
from rewriter.model.splitting.runtime_steps import require_no_tools
from rewriter.model.splitting.stage_reading import Reading
from rewriter.model.splitting.system_packages import is_about_packages
from rewriter.syntax.shell_tree import SimpleCommand
from rewriter.syntax.tree import Arg, Copy, Env, Expose, Instruction, Label, Onbuild, Run, User, Workdir

_ROOT: Final = names("root 0 root:root 0:0 root:0 0:root")
_OF_SHELLS: Final = names("cd set export echo true pwd ls")
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
        self._removed: Final[list[str]] = []

    def _movers(self) -> Iterator[Run]:
        for run in self.reading.runs:
            if any(path in self.built for step in self.reading.steps(run) for path in step.effects.writes):
                yield run

    def require_fitting_stage(self, start: Start) -> None:
        """Raise where it is not known who builds, in which folder, or for whom."""
        reading = self.reading
        if not self.folder or not start.commands[-1].folder:
            raise UnsplitError("the folder of the project is not known")
        end = reading.states.at_end(reading.stage).user
        for one in reading.stage.instructions:
            is_above = one.start < self.last.start
            if isinstance(one, Onbuild):
                raise UnsplitError("ONBUILD in line {line} is kept for other builds", one)
            if isinstance(one, User) and is_above:
                if reading.state(one).expand(one.arguments) not in _ROOT:
                    raise UnsplitError("line {line} changes the user before the build", one)
                self.above[one] = [Again(one)]
            if isinstance(one, Copy) and is_above and end not in _ROOT:
                owner = one.flag("chown")
                if owner is not None and owner.value not in _ROOT:
                    raise UnsplitError("line {line} gives files of the project to another user", one)
        if reading.state(self.last).user not in _ROOT:
            raise UnsplitError("which user builds the program is not known")

    def require_same_services(self) -> None:
        """Raise where a service starts another program of the project."""
        sources = self.reading.project.sources
        for service in self.reading.services:
            if service.command is None and service.entrypoint is None:
                continue
            start = start_of(sources, entrypoint=service.entrypoint, command=service.command)
            for command in start.commands if start else ():
                program = command.words[0].value
                path = posixpath.normpath(posixpath.join(command.folder or "/", program)) if "/" in program else ""
                if path and self.is_inside(path) and path not in self.built and not sources.origin(path):
                    raise UnsplitError(f"{service} starts {path}")

    def require_own_folder(self) -> None:
        """Raise where the project lies among other files."""
        if self.folder in SHARED_FOLDERS:
            raise UnsplitError(f"the project lies in {self.folder}, with other files")

    def require_few_files(self) -> None:
        """Raise where more lies beside the program than one would copy by name."""
        if len(self.files()) > self.toolchain.most_files:
            raise UnsplitError(f"more than {self.toolchain.most_files} files and folders lie beside the program")

    # What goes where

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
            if one.start < self.last.start and following.arguments.startswith("/"):
                if all(isinstance(it, _STANDS_NOWHERE) or self.below.get(it) == [] for it in inside):
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
            require_no_tools(run, steps, unread)
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
        if all(self._is_of_build(path, step) for step in others for path in step.effects.writes):
            self.above[run], self.below[run] = [Original(run)], []
        elif any(map(self._calls_tool, steps)):
            raise UnsplitError("line {line} builds, and makes files that may be needed", run)
        else:
            self._place_change(run, others)

    def _place_change(self, run: Run, steps: list[Step]) -> None:
        """A RUN that changes more than what is built: modes come along with the files, folders do not."""
        kinds = {command.name for step in steps for command in simple_commands(step)}
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

    def is_inside(self, path: str) -> bool:
        """Whether a path is the folder of the project, or in it."""
        return is_in(path, self.folder)

    def _serves_builds(self, step: Step) -> bool:
        commands = list(simple_commands(step))
        if len(commands) < len(step.item.pipeline.commands) or any(command.redirects for command in commands):
            return self._calls_tool(step) and len(commands) == len(step.item.pipeline.commands)
        return all(self._is_tool(command) or command.name in _OF_SHELLS or not command.words for command in commands)

    def _calls_tool(self, step: Step) -> bool:
        return any(map(self._is_tool, simple_commands(step)))

    def _is_tool(self, command: SimpleCommand) -> bool:
        call = call_of(command)
        return (call.manager.name if call else command.name) in self.toolchain.tools

    def _is_of_build(self, path: str, step: Step) -> bool:
        """Whether what a step writes is needed by nothing but builds, or is what is built."""
        commands = list(simple_commands(step))
        if all(command.name == "rm" for command in commands):
            self._removed.append(path)
            return True
        parts = path[len(self.folder) + 1 :].split("/") if self.is_inside(path) else []
        if any(part and self.toolchain.is_left_behind(part) for part in parts):
            return True
        if any(path == it or path.startswith(f"{it}/") for it in ("/tmp", *self.toolchain.caches)):
            return True
        built = [it for it in self.built if it == path or it.startswith(f"{path.rstrip('/')}/")]
        words = [posixpath.basename(word.value or word.text) for command in commands for word in command.arguments]
        is_moved = any(fnmatchcase(posixpath.basename(it), word) for it in built for word in words if word)
        return path in self.built or is_moved or (bool(built) and {it.name for it in commands} <= {"mkdir"})

    # What is brought

    def files(self) -> list[str]:
        """The files and folders in the project's folder that the program may read, by their paths in the image."""
        copies = [one for one, parts in self.below.items() if isinstance(one, Copy) and not parts]
        return files_beside(self.reading, Place(self.toolchain, self.folder, self.built, tuple(self._removed)), copies)

    def bring(self, paths: Sequence[str], installs: Sequence[Part] = ()) -> None:
        """Let the runtime have paths from the builder, and what installs packages, in the place of the builds."""
        reading = self.reading
        added: list[Part] = []
        folders = [one for one in self.kept() if isinstance(one, Workdir)]
        if self.toolchain.workdir != "/":
            if not folders:
                added.append(New("WORKDIR", self.toolchain.workdir, self.first_copy))
            elif not folders[0].arguments.startswith("/"):
                raise UnsplitError(f"line {{line}} names a folder in {self.toolchain.workdir}", folders[0])
        added += installs
        for number, path in enumerate(paths):
            target = f"{posixpath.dirname(path)}/" if "*" in path else path
            copied = f"--from={reading.builder} {path} {target}"
            added.append(New("COPY", copied, self.first_copy if number == 0 else None))
        self.below[self.last] = added

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
