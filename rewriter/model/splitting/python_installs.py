"""The Python packages that RUNs install: which ones, from which files, and into which Python."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from rewriter.model.installing.manifests import Needs, NotMovableError, needs_of
from rewriter.model.installing.manifests.files import Project
from rewriter.model.installing.stage_installs import calls_of, simple_commands
from rewriter.model.managers.call import Call
from rewriter.model.managers.vocabulary import names
from rewriter.model.pip.requirements import parse_requirement, read_requirements
from rewriter.model.splitting.parts import UnsplitError
from rewriter.model.splitting.stage_reading import Reading
from rewriter.syntax.shell_tree import SimpleCommand
from rewriter.syntax.tree import Copy, Run

_MANAGERS: Final = names("pip poetry pipenv")
_ELSEWHERE: Final = names("--user --target -t --prefix --root --no-build-isolation --src")
_OF_PIP_ITSELF: Final = names("pip setuptools wheel")
_MAKES_ENVIRONMENT: Final = re.compile(r"(?:python[\d.]*\s+-m\s+venv|virtualenv)\s")


class Installed:
    """What the RUNs of a stage that call Python's installers do. Asking may raise UnsplitError, save for `names`."""

    def __init__(self, reading: Reading) -> None:
        self._reading: Final = reading
        self.runs: Final = [run for run in reading.runs if self._is_one(run)]

    def _is_one(self, run: Run) -> bool:
        if any(call.action for call in self.calls(run)):
            return True
        commands = (command for step in self._reading.steps(run) for command in simple_commands(step))
        return any(map(makes_environment, commands))

    def calls(self, run: Run) -> Iterator[Call]:
        """The calls of Python's installers in a RUN."""
        for step in self._reading.steps(run):
            yield from (call for call in calls_of(step) if call.manager.name in _MANAGERS)

    @cached_property
    def environment(self) -> str:
        """The virtual environment that packages are installed in already; empty where it is the image's Python."""
        found: set[str] = set()
        for run in self.runs:
            for call in self.calls(run):
                folder = self._folder(call, run)
                if folder or not _OF_PIP_ITSELF.issuperset(word.value for word in call.packages) or not call.packages:
                    found.add(folder)
        if len(found) > 1:
            raise UnsplitError("packages go into several Pythons")
        return found.pop() if found else ""

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
        word = call.launcher[0] if call.launcher else call.program
        python = state.which(word.value if call.manager.name == "pip" else "python")
        if python.kind not in ("official", "venv"):
            raise UnsplitError("which Python the packages of line {line} belong to is not known", run)
        return posixpath.dirname(posixpath.dirname(python.path)) if python.kind == "venv" else ""

    def _is_told_to_share(self, run: Run) -> bool:
        """Whether `poetry config virtualenvs.create false` stands above, or in the same RUN."""
        calls = (call for one in self.runs if one.start <= run.start for call in self.calls(one))
        return any("virtualenvs.create false" in call.command.text for call in calls)

    @cached_property
    def _needs(self) -> list[tuple[Project, Needs]]:
        installs = {install.call.command.start: install for install in self._reading.installs.installs}
        found: list[tuple[Project, Needs]] = []
        for run in self.runs:
            for call in self.calls(run):
                install = installs.get(call.command.start)
                if install is None and call.installs:
                    raise UnsplitError(f"what `{call.command.text}` installs is not known", run)
                if install is None or install.project is None:
                    continue
                try:
                    needs = needs_of(install.project)
                except NotMovableError as error:
                    raise UnsplitError(str(error), error.culprit or run) from None
                if needs.added or needs.below:
                    raise UnsplitError("the project itself is installed in line {line}", run)
                found.append((install.project, needs))
        return found

    @cached_property
    def copies(self) -> list[Copy]:
        """The COPYs that bring what the installs read."""
        found: dict[Copy, None] = {}
        for project, needs in self._needs:
            for path in (*needs.files, *needs.folders):
                if brought := project.brought_by(path):
                    found[brought[0].instruction] = None
        return list(found)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the packages that are asked for, as far as they can be told."""
        found = {parse_requirement(word.value).name for run in self.runs for call in self.calls(run)
                 for word in call.packages if call.installs}  # fmt: skip
        try:
            files = [(project, path) for project, needs in self._needs for path in needs.files]
        except UnsplitError:
            files = []
        for project, path in files:
            if path.endswith((".txt", ".in")):
                found |= {one.name for one in read_requirements(project.read(path)).requirements}
        if any(not path.endswith((".txt", ".in")) for _, path in files):
            dependencies = self._reading.project.dependencies
            found |= dependencies.names if dependencies else frozenset()
        return frozenset(found - {""})


def makes_environment(command: SimpleCommand) -> bool:
    """Whether a command makes a virtual environment."""
    return _MAKES_ENVIRONMENT.match(command.text) is not None


def is_of_python(call: Call) -> bool:
    """Whether a call is one of an installer that is understood."""
    return call.manager.name in _MANAGERS
