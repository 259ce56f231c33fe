"""Which Python packages are installed into: that of the image, or a virtual environment."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final

from rewriter.model.effects.copies import SHARED_FOLDERS
from rewriter.model.effects.shell import Step
from rewriter.model.installing.by_name import requirement_of
from rewriter.model.installing.manifests import Project
from rewriter.model.managers.call import Call
from rewriter.model.managers.vocabulary import names
from rewriter.model.pip.requirements import parse_requirement
from rewriter.model.project.sources import table
from rewriter.model.splitting.parts import UnsplitError
from rewriter.model.splitting.stage_reading import Reading
from rewriter.syntax.shell_tree import SimpleCommand, Word
from rewriter.syntax.tree import Run

ENVIRONMENT: Final = "/opt/venv"
"""The virtual environment that is made where there is none."""

_ELSEWHERE: Final = names("--user --target -t --prefix --root --no-build-isolation --src")
_INSTALLERS: Final = names("pip setuptools wheel uv poetry pipenv")
_OF_UV: Final = names("pip+install pip+sync sync venv cache+clean cache+prune")
_OF_PROJECTS: Final = "UV_PROJECT_ENVIRONMENT"
_MINOR: Final = re.compile(r"3\.(\d+)")
_MAKES_ENVIRONMENT: Final = re.compile(r"(?:python[\d.]*\s+-m\s+venv|virtualenv|uv\s+venv)\s")
_BRINGS_INSTALLER: Final = re.compile(
    r"(?:curl|wget)\s[^|;&]*https://(?:install\.python-poetry\.org|astral\.sh/uv/\S*)\s*\|\s*(?:\w+=\S+\s+)*(?:python3?|sh|bash)\b[^|;&]*"
)
"""https://python-poetry.org/docs/#installing-with-the-official-installer, https://docs.astral.sh/uv/#installation"""


def makes_environment(command: SimpleCommand) -> bool:
    """Whether a command makes a virtual environment."""
    return _MAKES_ENVIRONMENT.match(command.text) is not None


def brings_installer(step: Step) -> bool:
    """Whether a step installs poetry or uv by their own scripts, into folders of their own."""
    return _BRINGS_INSTALLER.fullmatch(step.item.pipeline.text) is not None


def name_of(word: Word) -> str:
    """The package that a word names."""
    return parse_requirement(requirement_of(word)).name


def require_own_python(reading: Reading, project: Project, run: Run) -> None:
    """Raise unless uv takes the Python of the image: https://docs.astral.sh/uv/concepts/python-versions/"""
    origin = reading.stage.origin
    minor = _MINOR.match(origin.tag) if origin else None
    wanted = str(table(project.toml("pyproject.toml"), "project").get("requires-python") or "")
    bound = _MINOR.search(wanted)
    pinned = _MINOR.search(project.read(".python-version")) if project.has(".python-version") else None
    is_set = reading.state(run).is_set("UV_PYTHON")
    is_fit = minor is not None and (bound is None or int(bound[1]) <= int(minor[1]))
    if is_set or not is_fit or (pinned and minor and pinned[1] != minor[1]):
        raise UnsplitError("uv may bring a Python of its own in line {line}", run)


class Target:
    """Where the calls of installers in RUNs put the packages. Asking may raise UnsplitError."""

    def __init__(self, reading: Reading, calls: Mapping[Run, Sequence[Call]]) -> None:
        self._reading: Final = reading
        self._calls: Final = calls

    @cached_property
    def environment(self) -> str:
        """The virtual environment that packages are installed in already; empty where it is the image's Python."""
        found: set[str] = set()
        for run, calls in self._calls.items():
            for call in calls:
                folder = self._folder(call, run)
                is_installer = bool(call.packages) and _INSTALLERS.issuperset(map(name_of, call.packages))
                if call.installs and not (is_installer and call.manager.name == "pip"):
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
            folder = posixpath.join(state.workdir or "/", state.get(_OF_PROJECTS) or ".venv")
            python = state.which("python")
            if python.kind == "official" and python.path.startswith(f"{folder}/bin/"):
                if not self._reading.state(next(iter(self._calls))).is_set(_OF_PROJECTS):
                    raise UnsplitError(f"{_OF_PROJECTS} is set below the first install")
                return ""
            if folder in SHARED_FOLDERS:
                raise UnsplitError(f"line {{line}} makes {folder} an environment", run)
            return folder
        given = next((option.value for option in call.options if option.name in ("--python", "-p")), "")
        folder = posixpath.dirname(posixpath.dirname(given)) if "/" in given else state.get("VIRTUAL_ENV") or ""
        if call.action != "venv" and not folder.startswith("/"):
            raise UnsplitError(f"where `{call.command.text}` installs is not known", run)
        return folder

    def _is_told_to_share(self, run: Run) -> bool:
        """Whether `poetry config virtualenvs.create false` stands above, or in the same RUN."""
        calls = (call for one in self._calls if one.start <= run.start for call in self._calls[one])
        return any("virtualenvs.create false" in call.command.text for call in calls)
