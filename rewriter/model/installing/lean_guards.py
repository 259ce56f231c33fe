"""What must hold of a shipped image whose install is to bring no development packages, in any language."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import ClassVar, Final, NamedTuple

from rewriter.model.context.development_containers import is_for_developers
from rewriter.model.context.services import Services
from rewriter.model.effects.shell import Step, steps
from rewriter.model.installing.manifests import Project as Files
from rewriter.model.installing.named_packages import named_package, starts_programs
from rewriter.model.installing.other_runs import other_run
from rewriter.model.installing.stage_installs import Install, StageInstalls
from rewriter.model.managers.call import Call
from rewriter.model.managers.vocabulary import names
from rewriter.model.project import Project
from rewriter.model.project.answers import Program, Start
from rewriter.model.stages import Stage
from rewriter.syntax.shell_tree import Word
from rewriter.syntax.tree import Healthcheck, Instruction, Run


class LeanInstall(NamedTuple):
    """An install that can do without development packages: what to write behind a word of it.

    `packages` are those that the manifest names for development only.
    """

    install: Install
    behind: Word
    option: str
    packages: tuple[str, ...]
    relied_on: tuple[Instruction, ...]


class Full(NamedTuple):
    """Why an install keeps its development packages; `{line}` stands for the line of the culprit."""

    install: Install
    reason: str
    culprit: Instruction | None = None


class FullError(Exception):
    """That an install keeps its development packages, as in `Full`."""

    def __init__(self, reason: str, culprit: Instruction | None = None) -> None:
        super().__init__(reason)
        self.reason: Final = reason
        self.culprit: Final = culprit


_FOR_DEVELOPERS: Final = re.compile(r"(?:^|[._/-])(?:dev|devel|development|test|tests|testing|debug|ci)(?:$|[._/-])")
_SCRIPT: Final = re.compile(r"[\w./-]+\.(?:[cm]?js|ts|py|sh)\b")
_HARMLESS: Final = names("cache config self prune") | {
    "cache clean", "cache verify", "cache prune", "config set", "self update", "self add"
}  # fmt: skip


class Reader:
    """What is to be found out about one install: a subclass for each language adds what only that has."""

    managers: ClassVar[frozenset[str]] = frozenset()
    """The package managers that fill the same folder."""
    folder: ClassVar[str] = ""
    """The folder that they fill, in that of the project."""
    speaks_of_packages: ClassVar[re.Pattern[str]] = re.compile(r"\Z")
    """What in a health check may run a program of a package."""

    def __init__(
        self,
        all_: StageInstalls,
        install: Install,
        files: Files,
        stages: tuple[Stage, ...],
        project: Project,
        services: Services,
    ) -> None:
        self._all: Final = all_
        self._install: Final = install
        self._files: Final = files
        self._project: Final = project
        self._services: Final = services
        self._stages: Final = stages

    @classmethod
    def brings_everything(cls, install: Install, files: Files) -> bool:
        """Whether a call installs a project with no word about what is to be left out."""
        raise NotImplementedError

    def lean(self) -> LeanInstall | None:
        """The install without development packages; None where there are none. Raises FullError."""
        raise NotImplementedError

    def require_production(self, unknown: Sequence[Word]) -> None:
        """Nothing may say that the image is one for developers, or leave that to a variable."""
        if unknown:
            raise FullError(f"a variable is involved: {unknown[0].text}")
        if self._install.call.command.assignments:
            raise FullError("variables are set for the install")
        for text in (self._all.context.dockerfile.lower(), self._stages[-1].name):
            if _FOR_DEVELOPERS.search(text):
                raise FullError(f"`{text}` sounds like an image for developers")

    def require_no_builds(self) -> None:
        """No step behind the install may need the packages, in this stage and in those down to the shipped one."""
        is_behind = False
        for stage in self._stages:
            if stage.triggers:
                raise FullError("ONBUILD may need them")
            for instruction in stage.instructions:
                if isinstance(instruction, Healthcheck) and self.speaks_of_packages.search(instruction.view.text):
                    raise FullError("the health check in line {line} may need them", instruction)
                if not isinstance(instruction, Run):
                    continue
                found = self._all.steps.get(instruction)
                found = list(steps(instruction, self._all.states.at(instruction))) if found is None else found
                if is_behind and not found:
                    raise FullError("what line {line} does is not known", instruction)
                for step in found:
                    if is_behind:
                        self._require_harmless(step, instruction)
                    is_behind = is_behind or step is self._install.step

    def require_no_other_install(self) -> None:
        """An install above that brings the same packages must be one that is changed as well."""
        for other in takewhile(lambda it: it.step is not self._install.step, self._all.installs):
            if other.project is None or other.call.manager.name not in self.managers:
                continue
            if self.brings_everything(other, other.project) and other.project.brought_by(other.manifest) is None:
                raise FullError("line {line} installs them as well, from files that no COPY brings", other.run)

    def _require_harmless(self, step: Step, run: Run) -> None:
        for call in step.calls:
            if call.manager.name not in self.managers:
                continue
            if not self.is_same(call) and call.action not in _HARMLESS:
                raise FullError(f"line {{line}} runs `{call.command.text}`, which may need them", run)
        if step.effects.unknown:
            raise FullError(f"line {{line}} may need them: {step.effects.unknown}", run)
        if self.folder in step.item.pipeline.text:
            raise FullError(f"line {{line}} does something in {self.folder}", run)

    def require_no_other_users(self) -> None:
        graph = self._all.states.graph
        own = {one.index for one in (*self._stages, *self._stages[-1].lineage)}
        for stage in self._stages:
            for reference in graph.references(stage):
                user = graph.stage_of(reference.instruction)
                if user is None or user.index not in own:
                    raise FullError("the stage is used in line {line} as well, which may need them",
                                     reference.instruction)  # fmt: skip
        if self._services.unread:
            raise FullError(f"which services run the image is not known: {self._services.unread[0]}")
        services = [it for stage in self._stages for it in self._services.of(stage)]
        if is_for_developers(self._all.context, services):
            raise FullError("people develop in it")
        for service in services:
            if service.command is not None or service.entrypoint is not None:
                raise FullError(f"{service} runs another command")
            mounted = [it.target.rstrip("/") for it in service.mounts if it.kind == "bind"]
            if "develop" in service.settings or any(f"{self._files.folder}/".startswith(f"{it}/") for it in mounted):
                raise FullError(f"{service} brings the sources anew, as developers do")
        if file := other_run(self._all.context):
            raise FullError(f"{file} may run other commands in the image")
        if processes := self._project.processes:
            raise FullError(f"the Procfile names other commands: {', '.join(processes)}")

    def require_unnamed(self, files: Sequence[str], gone: Sequence[str], programs: Sequence[str] = ()) -> None:
        """No source may name one of the packages in a string, nor one of their programs where it starts some."""
        for file in (*files, *self._health_scripts()):
            text = self._all.context.read(file)
            if text is None:
                raise FullError(f"{file} cannot be read")
            if name := named_package(text, [*gone, *(programs if starts_programs(text) else ())]):
                raise FullError(f"{file} names {name}, which may be gone")

    def _health_scripts(self) -> Iterator[str]:
        """The files of the context that health checks name."""
        for stage in self._stages:
            for check in stage.instructions:
                if isinstance(check, Healthcheck):
                    workdir = self._all.states.at(check).workdir
                    for name in _SCRIPT.findall(check.view.text):
                        if origin := self._project.sources.origin(posixpath.join(workdir, name)):
                            yield origin

    def is_same(self, call: Call) -> bool:
        """Whether a call behind the install is another install of a project, which needs none of the packages."""
        return call.action in ("install", "ci", "sync") and not call.packages

    def known_start(self) -> tuple[Start, Program]:
        """What a container runs, followed to the end."""
        start, program = self._project.start, self._project.program
        if not start:
            raise FullError(f"what a container runs is not known: {start.reason}")
        if start.unread:
            raise FullError(f"what a container runs is not known: {start.unread[0]}")
        if not program:
            raise FullError(f"what a container runs is not known: {program.reason}")
        return start, program
