"""The installs of dependencies in a stage, and the copies of sources that they wait for."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.model.effects.copies import CopiedFiles, Source
from rewriter.model.effects.instructions import Effects, effects_of
from rewriter.model.effects.shell import Step, steps
from rewriter.model.installing.by_name import reads_no_project
from rewriter.model.installing.manifests import (
    NotMovableError,
    Project,
    is_manifest,
    is_manifest_path,
    manifest_of,
    needs_of,
)
from rewriter.model.managers.call import Call, call_of
from rewriter.model.managers.vocabulary import names
from rewriter.model.stages import Stage
from rewriter.model.state import States
from rewriter.syntax.shell_tree import SimpleCommand
from rewriter.syntax.tree import Arg, Copy, Env, Instruction, Run

LONGEST_STAGE: Final = 300
"""Stages of more instructions are not looked at: the work grows with the copies times what follows each of them."""


class Install(NamedTuple):
    """An install that a step of a RUN does.

    `project` is None where it installs by name; else `manifest` is what it installs from, by its path in the image.
    """

    run: Run
    step: Step
    call: Call
    project: Project | None
    manifest: str


class StageInstalls:
    """A stage, its copies from the context, its RUNs step by step, and the installs among them, all in order."""

    __slots__ = ("_effects", "_needed", "_variables", "context", "copies", "installs", "stage", "states", "steps")

    def __init__(self, stage: Stage, states: States, context: BuildContext, *, whatever_waits: bool = False) -> None:
        """Only stages in which an install may wait for a copy are read, unless `whatever_waits`."""
        self.stage: Final = stage
        self.states: Final = states
        self.context: Final = context
        self.copies: Final[list[CopiedFiles]] = []
        self.installs: Final[list[Install]] = []
        self.steps: Final[dict[Instruction, list[Step]]] = {}
        self._effects: Final[dict[Instruction, Effects]] = {}
        self._needed: frozenset[str] | None = None
        self._variables: frozenset[str] | None = None
        is_read = len(stage.instructions) <= LONGEST_STAGE if whatever_waits else _may_wait(stage)
        for instruction in stage.instructions if is_read else ():
            if isinstance(instruction, Copy) and not instruction.source_stage and instruction.words:
                self.copies.append(CopiedFiles(instruction, states.at(instruction), context))
            elif isinstance(instruction, Run):
                self.steps[instruction] = list(steps(instruction, states.at(instruction)))
                self.installs.extend(self._read(instruction))

    def _read(self, run: Run) -> Iterator[Install]:
        for step in self.steps[run]:
            for call in calls_of(step):
                if call.installs and reads_no_project(call):
                    yield Install(run, step, call, None, "")
            for call in step.calls:
                project = self.project(run, step, call)
                try:
                    manifest = manifest_of(project)
                except NotMovableError:
                    continue
                if manifest:
                    yield Install(run, step, call, project, manifest)

    def project(self, run: Run, step: Step, call: Call) -> Project:
        """The files that a call in a RUN finds."""
        copies = tuple(copied for copied in self.copies if copied.instruction.start < run.start)
        return Project(call, step.folder or "/", self.states.at(run), copies, self.context)

    def effects(self, instruction: Instruction) -> Effects:
        """What an instruction of the stage does."""
        if instruction not in self._effects:
            self._effects[instruction] = effects_of(instruction, self.states.at(instruction), self.context)
        return self._effects[instruction]

    @property
    def needed(self) -> frozenset[str]:
        """The paths in the image of all files that installs of the stage are known to need."""
        if self._needed is None:
            found: set[str] = set()
            for install in self.installs:
                with suppress(NotMovableError):
                    if install.project is not None:
                        found.update(needs_of(install.project).files)
            self._needed = frozenset(found)
        return self._needed

    def copy_of(self, origin: str) -> Instruction | None:
        """An instruction of the file that copies just this folder, or a part of it."""
        for instruction in self.stage.dockerfile.instructions:
            if isinstance(instruction, Copy) and not instruction.source_stage:
                sources = [posixpath.normpath("/" + source).lstrip("/") for source in instruction.sources]
                if any(source == origin or source.startswith(origin + "/") for source in sources):
                    return instruction
        return None

    @property
    def variables(self) -> frozenset[str]:
        """The names of all variables that the stage and those below it set, here or further down."""
        if self._variables is None:
            instructions = (one for stage in self.stage.lineage for one in stage.instructions)
            pairs = (pair for one in instructions if isinstance(one, (Env, Arg)) for pair in one.pairs)
            self._variables = frozenset(pair.key.text for pair in pairs)
        return self._variables

    def of(self, step: Step) -> list[Install]:
        """The installs that a step does."""
        return [install for install in self.installs if install.step is step]

    def waiting(self) -> Iterator[tuple[CopiedFiles, list[Install]]]:
        """The copies of sources that installs wait for though they need at most the manifests among them."""
        for copied in self.copies:
            found = [one for one in self.installs if self._waits(one, copied)]
            if found and self._is_source(copied):
                yield copied, found

    def _waits(self, install: Install, copied: CopiedFiles) -> bool:
        if install.run.start < copied.instruction.start:
            return False
        if install.project is None:
            return any(source.is_tree and source.path == "" for source in copied.sources)
        if self._is_done_above(install, copied):
            return False
        try:
            brought = install.project.brought_by(install.manifest)
        except NotMovableError as error:
            is_it = copied.has_tree and copied.origin(install.manifest) is not None
            return is_it or error.culprit is copied.instruction
        return brought is not None and brought[0] is copied

    def _is_source(self, copied: CopiedFiles) -> bool:
        """Whether a COPY brings more than manifests, such as those in a folder of requirements."""
        if copied.problem:
            return True
        return any(
            not self._is_folder_of_requirements(source)
            if source.is_tree
            else not is_manifest(posixpath.basename(source.path)) and source.target not in self.needed
            for source in copied.sources
        )

    def _is_folder_of_requirements(self, source: Source) -> bool:
        paths = self.context.walk(source.path, lambda _: True)
        return bool(paths) and all(is_manifest_path(path) and path.endswith((".txt", ".in")) for path in paths or ())

    def _is_done_above(self, install: Install, copied: CopiedFiles) -> bool:
        """Whether the same dependencies are installed above the copy already: then this install completes them."""
        return completes(install, (one for one in self.installs if one.run.start < copied.instruction.start))


def completes(install: Install, earlier: Iterable[Install]) -> bool:
    """Whether one of the earlier installs installs the same dependencies already."""
    manager, manifest = install.call.manager.name, install.manifest
    return any(one.call.manager.name == manager and one.manifest == manifest for one in earlier)


def _may_wait(stage: Stage) -> bool:
    """Whether a RUN below a COPY names a package manager of a language; most stages need no closer look."""
    if len(stage.instructions) > LONGEST_STAGE:
        return False
    has_copy = False
    for instruction in stage.instructions:
        if isinstance(instruction, Copy):
            has_copy = True
        elif has_copy and isinstance(instruction, Run):
            text = instruction.text if instruction.heredocs else instruction.view.text
            if any(name in text for name in _STEMS):
                return True
    return False


_STEMS: Final = (
    "pip",
    "uv",
    "poetry",
    "npm",
    "yarn",
    "bun",
    "gem",
    "composer",
    "go",
    "cargo",
    "mvn",
    "gradle",
    "dotnet",
)


def simple_commands(step: Step) -> Iterator[SimpleCommand]:
    """The simple commands of a step."""
    return (command for command in step.item.pipeline.commands if isinstance(command, SimpleCommand))


def calls_of(step: Step) -> Iterator[Call]:
    """The calls of package managers among the commands of a step."""
    return filter(None, map(call_of, simple_commands(step)))


def stops_on_errors(first: Step) -> bool:
    """Whether a list begins with `set -e`, so that `;` means `&&`."""
    program, *options = first.item.pipeline.text.split() or [""]
    return program == "set" and bool(options) and options[0].startswith("-") and "e" in options[0]


_CLEANUPS: Final = names("clean autoclean purge autoremove remove del erase uninstall prune clear-cache clearcache")


def cleans_up(step: Step, workdir: str) -> bool:
    """Whether a step removes what others of its RUN left behind: apart from them it would free nothing."""
    for call in calls_of(step):
        if _CLEANUPS & {*call.action.split(), *(word.value for word in call.packages[:1])}:
            return True
    removes = any(command.name == "rm" for command in simple_commands(step))
    inside = f"{workdir.rstrip('/')}/"
    return removes and not all(path.startswith(inside) for path in step.effects.writes)


def is_left_by_an_install(origin: str, context: BuildContext) -> bool:
    """Whether what stands in the context is what a developer's own install left there."""
    name = posixpath.basename(origin)
    if name in ("node_modules", ".venv"):
        return True
    folder = origin
    while folder:
        folder = posixpath.dirname(folder)
        text = context.host.read(posixpath.join(folder, ".gitignore")) or ""
        patterns = {line.strip().rstrip("/").removeprefix("**/").lstrip("/") for line in text.split("\n")}
        if patterns & {name, origin, f"[{name[:1].upper()}{name[:1]}]{name[1:]}"}:
            return True
    return False
