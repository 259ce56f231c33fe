"""The Python packages that RUNs install: which ones, from which files, and into which Python."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from rewriter.model.effects.copies import CopiedFiles
from rewriter.model.effects.instructions import common_path
from rewriter.model.effects.shell import Step
from rewriter.model.installing.by_name import requirement_of
from rewriter.model.installing.manifests import Needs, NotMovableError, needs_of
from rewriter.model.installing.manifests.files import Project
from rewriter.model.installing.stage_installs import calls_of, simple_commands
from rewriter.model.managers.call import Call
from rewriter.model.managers.vocabulary import names
from rewriter.model.pip.requirements import parse_requirement, read_requirements
from rewriter.model.project.sources import table
from rewriter.model.splitting.parts import Changed, UnsplitError
from rewriter.model.splitting.python_builds import InPlace, builds_in_place, is_editable, is_pure, makes_environment
from rewriter.model.splitting.stage_reading import Reading
from rewriter.syntax.shell_tree import Word
from rewriter.syntax.tree import Copy, Run

ENVIRONMENT: Final = "/opt/venv"
"""The virtual environment that is made where there is none."""

_MANAGERS: Final = names("pip poetry pipenv uv")
_ELSEWHERE: Final = names("--user --target -t --prefix --root --no-build-isolation --src")
_INSTALLERS: Final = names("pip setuptools wheel uv poetry pipenv")
_OF_UV: Final = names("pip+install pip+sync sync venv cache+clean cache+prune")
_MINOR: Final = re.compile(r"3\.(\d+)")


class Installed:
    """What the RUNs of a stage that call Python's installers do. Asking may raise UnsplitError, save for `names`."""

    def __init__(self, reading: Reading) -> None:
        self._reading: Final = reading
        self.runs: Final = [run for run in reading.runs if self._is_one(run)]

    def _is_one(self, run: Run) -> bool:
        if any(call.action for call in self.calls(run)):
            return True
        commands = (command for step in self._reading.steps(run) for command in simple_commands(step))
        return any(makes_environment(command) or builds_in_place(command) for command in commands)

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
        found: set[str] = set()
        for run in self.runs:
            for call in self.calls(run):
                folder = self._folder(call, run)
                is_installer = bool(call.packages) and _INSTALLERS.issuperset(map(_named, call.packages))
                if call.installs and not (is_installer and call.manager.name == "pip"):
                    found.add(folder)
        if len(found) > 1:
            raise UnsplitError("packages go into several Pythons")
        return found.pop() if found else ""

    @property
    def needs_name(self) -> bool:
        """Whether an installer finds an environment by VIRTUAL_ENV only: else Poetry takes the Python below it.

        https://github.com/python-poetry/poetry/blob/main/src/poetry/utils/env/env_manager.py
        """
        return any(call.manager.name == "poetry" for run in self.runs for call in self.calls(run))

    def changed(self, run: Run) -> Changed:
        """A RUN as it is written in the builder, where `--system` of uv would not mean the environment."""
        words = [option.word for call in self.calls(run) for option in call.options if option.name == "--system"
                 and call.manager.name == "uv"]  # fmt: skip
        return Changed(tuple((word, f"--python {ENVIRONMENT}/bin/python") for word in words))

    def _folder(self, call: Call, run: Run) -> str:
        if call.wrapper or "/" in call.program.text or (call.launcher and "/" in call.launcher[0].text):
            raise UnsplitError(f"which Python `{call.command.text}` means is not known", run)
        state = self._reading.state(run)
        is_own = (call.manager.name, call.action) in (("poetry", "install"), ("poetry", "sync"))
        if is_own and state.get("POETRY_VIRTUALENVS_CREATE") != "false" and not self._is_told_to_share(run):
            raise UnsplitError("poetry makes an environment of its own in line {line}", run)
        if call.manager.name == "pipenv" and call.installs and not call.has("--system"):
            raise UnsplitError("pipenv makes an environment of its own in line {line}", run)
        if option := next((one for one in call.options if one.name in _ELSEWHERE), None):
            raise UnsplitError(f"`{option.name}` in line {{line}} installs in its own way", run)
        if call.manager.name == "uv":
            return self._folder_of_uv(call, run)
        word = call.launcher[0] if call.launcher else call.program
        python = state.which(word.value if call.manager.name == "pip" else "python")
        if python.kind not in ("official", "venv"):
            raise UnsplitError("which Python the packages of line {line} belong to is not known", run)
        return posixpath.dirname(posixpath.dirname(python.path)) if python.kind == "venv" else ""

    def _folder_of_uv(self, call: Call, run: Run) -> str:
        """Where uv installs: https://docs.astral.sh/uv/pip/environments/"""
        state = self._reading.state(run)
        if call.action.replace(" ", "+") not in _OF_UV or state.is_set("UV_SYSTEM_PYTHON"):
            raise UnsplitError(f"where `{call.command.text}` installs is not known", run)
        if call.has("--system") and state.which("python").kind == "official":
            return ""
        if call.action == "sync":
            return posixpath.join(state.workdir or "/", state.get("UV_PROJECT_ENVIRONMENT") or ".venv")
        given = next((option.value for option in call.options if option.name in ("--python", "-p")), "")
        folder = posixpath.dirname(posixpath.dirname(given)) if "/" in given else state.get("VIRTUAL_ENV") or ""
        if call.action != "venv" and not folder.startswith("/"):
            raise UnsplitError(f"where `{call.command.text}` installs is not known", run)
        return folder

    def _is_told_to_share(self, run: Run) -> bool:
        """Whether `poetry config virtualenvs.create false` stands above, or in the same RUN."""
        calls = (call for one in self.runs if one.start <= run.start for call in self.calls(one))
        return any("virtualenvs.create false" in call.command.text for call in calls)

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
            project.goes_along = True
            try:
                needs = needs_of(project)
            except NotMovableError as error:
                raise UnsplitError(str(error), error.culprit or run) from None
            if call.action == "sync":
                self._require_own_python(project, run)
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
            elif needs.folders and is_editable(project, needs):
                found.update(dict.fromkeys(needs.folders))
        return tuple(found)

    def _require_own_python(self, project: Project, run: Run) -> None:
        """Raise unless uv takes the Python of the image: https://docs.astral.sh/uv/concepts/python-versions/"""
        origin = self._reading.stage.origin
        minor = _MINOR.match(origin.tag) if origin else None
        wanted = str(table(project.toml("pyproject.toml"), "project").get("requires-python") or "")
        bound = _MINOR.search(wanted)
        pinned = _MINOR.search(project.read(".python-version")) if project.has(".python-version") else None
        is_set = self._reading.state(run).is_set("UV_PYTHON")
        is_fit = minor is not None and (bound is None or int(bound[1]) <= int(minor[1]))
        if is_set or not is_fit or (pinned and minor and pinned[1] != minor[1]):
            raise UnsplitError("uv may bring a Python of its own in line {line}", run)

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
        found = {_named(word) for run in self.runs for call in self.calls(run)
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


def _named(word: Word) -> str:
    return parse_requirement(requirement_of(word)).name


def is_of_python(call: Call) -> bool:
    """Whether a call is one of an installer that is understood."""
    return call.manager.name in _MANAGERS
