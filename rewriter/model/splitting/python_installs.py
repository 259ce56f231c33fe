"""The Python packages that RUNs install: which ones, from which files, and into which Python."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final

from rewriter.model.effects.copies import CopiedFiles
from rewriter.model.effects.instructions import common_path
from rewriter.model.effects.shell import Step
from rewriter.model.installing.manifests import Needs, NotMovableError, needs_of
from rewriter.model.installing.manifests.files import Project
from rewriter.model.installing.stage_installs import calls_of, simple_commands
from rewriter.model.managers.call import Call
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, names
from rewriter.model.pip.requirements import read_requirements
from rewriter.model.splitting.parts import Changed, UnsplitError
from rewriter.model.splitting.python_builds import InPlace, builds_in_place, is_editable, is_pure
from rewriter.model.splitting.python_environments import (
    ENVIRONMENT,
    Target,
    brings_installer,
    makes_environment,
    name_of,
    require_own_python,
)
from rewriter.model.splitting.stage_reading import Reading
from rewriter.syntax.tree import Copy, Run

_MANAGERS: Final = names("pip poetry pipenv uv")
_BESIDE_INSTALLS: Final = names("rm echo cd set export true")


class Installed:
    """What the RUNs of a stage that call Python's installers do. Asking may raise UnsplitError, save for `names`."""

    def __init__(self, reading: Reading) -> None:
        self._reading: Final = reading
        self.runs: Final = [run for run in reading.runs if self._is_one(run)]

    def _is_one(self, run: Run) -> bool:
        if any(call.action for call in self.calls(run)):
            return True
        steps = self._reading.steps(run)
        commands = (command for step in steps for command in simple_commands(step))
        return any(makes_environment(command) or builds_in_place(command) for command in commands) or any(
            map(brings_installer, steps)
        )

    def calls(self, run: Run) -> Iterator[Call]:
        """The calls of Python's installers in a RUN."""
        return (call for step in self._reading.steps(run) for call in calls_of(step) if is_of_python(call))

    def _steps(self) -> Iterator[tuple[Run, Step, Call]]:
        for run in self.runs:
            for step in self._reading.steps(run):
                yield from ((run, step, call) for call in calls_of(step) if is_of_python(call))

    @cached_property
    def environment(self) -> str:
        """The virtual environment that packages are installed in already; empty where it is the image's Python."""
        return Target(self._reading, {run: list(self.calls(run)) for run in self.runs}).environment

    @property
    def settings(self) -> str:
        """The variables by which installers find an environment that is new, in front of PATH: assignments, or nothing.

        https://github.com/python-poetry/poetry/blob/main/src/poetry/utils/env/env_manager.py
        https://docs.astral.sh/uv/concepts/projects/config/#project-environment-path
        """
        calls = [call for run in self.runs for call in self.calls(run)]
        found = ["VIRTUAL_ENV"] if any(call.manager.name == "poetry" for call in calls) else []
        found += ["UV_PROJECT_ENVIRONMENT"] if self.syncs else []
        return "".join(f"{name}={ENVIRONMENT} " for name in found)

    @property
    def syncs(self) -> bool:
        """Whether uv keeps an environment for a project."""
        calls = (call for run in self.runs for call in self.calls(run))
        return any(call.manager.name == "uv" and call.action == "sync" for call in calls)

    def changed(self, run: Run) -> Changed:
        """A RUN as it is written in the builder, where `--system` of uv would not mean the environment."""
        words = [option.word for call in self.calls(run) for option in call.options if option.name == "--system"
                 and call.manager.name == "uv"]  # fmt: skip
        return Changed(tuple((word, f"--python {ENVIRONMENT}/bin/python") for word in words))

    def require_only_installs(self, run: Run, unread: str) -> None:
        """Raise unless a RUN does nothing that the runtime would miss, save for what is installed."""
        if unread:
            raise UnsplitError(f"line {{line}} cannot be looked into: {unread}", run)
        for step in self._reading.steps(run):
            if brings_installer(step):
                continue
            calls = [call for call in calls_of(step) if is_of_python(call) or call.manager.name in SYSTEM_MANAGERS]
            called = {call.command.start for call in calls}
            for command in simple_commands(step):
                known = command.start in called or command.name in _BESIDE_INSTALLS or makes_environment(command)
                if not (known or builds_in_place(command)) and command.words:
                    raise UnsplitError(f"line {{line}} does more than install packages: `{command.name}`", run)

    @cached_property
    def _needs(self) -> list[tuple[Project, Needs]]:
        installs = {install.call.command.span.start: install for install in self._reading.installs.installs}
        found: list[tuple[Project, Needs]] = []
        for run, step, call in self._steps():
            install = installs.get(call.command.span.start)
            project = install.project if install else None
            if install is None and call.installs:
                if not call.has("-e", "--editable"):
                    raise UnsplitError(f"what `{call.command.text}` installs is not known", run)
                project = self._reading.installs.project(run, step, call)
            if project is None:
                continue
            if unread := self._reading.unreadable(run):
                raise UnsplitError(f"line {{line}} cannot be looked into: {unread}", run)
            project.goes_along = True
            try:
                needs = needs_of(project)
            except NotMovableError as error:
                raise UnsplitError(str(error), error.culprit or run) from None
            if call.action == "sync":
                require_own_python(self._reading, project, run)
            found.append((project, needs))
        return found

    @cached_property
    def _built(self) -> tuple[str, ...]:
        """The folders of projects that are built where they lie: their modules, and what names them, are in there."""
        found: dict[str, None] = {}
        for run in self.runs:
            for step in self._reading.steps(run):
                if any(map(builds_in_place, simple_commands(step))):
                    if not step.folder:
                        raise UnsplitError("the folder in which line {line} builds is not known", run)
                    found[step.folder] = None
        for project, needs in self._needs:
            if (needs.added or needs.below) and not is_pure(project):
                found[project.folder] = None
            is_linked = bool(needs.folders) and is_editable(project, needs)
            # Setuptools builds beside the sources, and Cython leaves the C there:
            # https://pip.pypa.io/en/stable/cli/pip_install/#local-project-installs
            found.update((folder, None) for folder in needs.folders if is_linked or not is_pure(project, folder))
        return tuple(found)

    @cached_property
    def in_place(self) -> InPlace:
        """The folders that modules are built in, and how they get into the runtime."""
        copies = (copied for folder in self._built for copied in self._copied_into(folder))
        return InPlace(self._reading, self._built, copies)

    @cached_property
    def copies(self) -> list[Copy]:
        """The COPYs that bring what the installs read."""
        found: dict[Copy, None] = {}
        for project, needs in self._needs:
            for path in needs.files:
                if brought := project.brought_by(path):
                    found[brought[0].instruction] = None
            folders = (*needs.folders, *([project.folder] if needs.added or needs.below else ()))
            found.update((copied.instruction, None) for folder in folders for copied in self._copied_into(folder))
        found.update((copied.instruction, None) for folder in self._built for copied in self._copied_into(folder))
        return sorted(found, key=lambda copy: copy.start)

    def _copied_into(self, folder: str) -> Iterator[CopiedFiles]:
        """The copies into the folder of a project, which is installed as it lies there."""
        for copied in self._reading.installs.copies:
            if copied.instruction.start < self.runs[-1].start and common_path(copied.targets, [folder]):
                yield copied

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the packages that are asked for, as far as they can be told."""
        found = {name_of(word) for run in self.runs for call in self.calls(run)
                 for word in call.packages if call.installs}  # fmt: skip
        try:
            files = [(project, path) for project, needs in self._needs for path in (*needs.files, *needs.folders)]
        except UnsplitError:
            files = []
        for project, path in files:
            if path.endswith((".txt", ".in")):
                found |= {one.name for one in read_requirements(project.read(path)).requirements}
        if any(not path.endswith((".txt", ".in")) for _, path in files):
            dependencies = self._reading.project.dependencies
            found |= dependencies.names if dependencies else frozenset()
        return frozenset(found - {""})


def is_of_python(call: Call) -> bool:
    """Whether a call is one of an installer that is understood."""
    return call.manager.name in _MANAGERS
