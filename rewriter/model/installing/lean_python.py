"""Installs of Python's packages by uv and Poetry without what only development needs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from rewriter.model.data.standard_library import STANDARD_MODULES
from rewriter.model.installing.lean_guards import FullError, LeanInstall, Reader
from rewriter.model.installing.locks.python import kept_by_poetry, kept_by_uv, read_table
from rewriter.model.installing.manifests import Project as Files
from rewriter.model.installing.named_packages import driver_by_name
from rewriter.model.installing.stage_installs import Install
from rewriter.model.managers.vocabulary import names
from rewriter.model.pip.requirements import normal_name
from rewriter.model.project.answers import Command
from rewriter.model.project.imports import imported_modules
from rewriter.syntax.tree import Cmd, Entrypoint

_NAME: Final = re.compile(r"\s*([A-Za-z0-9][\w.-]*)")
_SAYS: Final[Mapping[str, frozenset[str]]] = {
    "uv": names("--no-dev --no-default-groups --only-group --only-dev --no-group --dev --group --all-groups --package "
                "--all-packages --active"),
    "poetry": names("--no-dev --only --without --with --only-root --all-groups --directory -C --project -P"),
}  # fmt: skip
"""The options that say which groups are installed, or of which project."""
_VARIABLES: Final = ("UV_NO_DEV", "UV_DEV", "UV_NO_DEFAULT_GROUPS", "UV_NO_GROUP", "UV_PROJECT", "UV_CONFIG_FILE")
_FOR_DEVELOPMENT: Final = names("dev develop development test tests testing lint linting linters format formatting "
                                "docs doc typing types type-checking quality style debug pre-commit")  # fmt: skip
_RUNS_UV: Final = re.compile(r"\buv\s+(?:[^\n\"',]*\s)?run\b|[\"']uv[\"'],\s*[\"']run[\"']")
_OLD_POETRY: Final = re.compile(r"poetry(?:_version)?[=~@\s\"']*1\.[01](?:\.|\b)", re.IGNORECASE)
_PYTHON: Final = re.compile(r"python[23]?(?:\.\d+)?\Z")
_SYSTEM: Final = names("sh bash true echo exit mkdir cp mv rm chmod chown cat sleep env tini dumb-init exec")
# Where the name of a module says nothing of its package's.
_PACKAGES: Final[Mapping[str, str]] = {
    "PIL": "pillow", "attr": "attrs", "bs4": "beautifulsoup4", "cv2": "opencv-python", "dateutil": "python-dateutil",
    "dotenv": "python-dotenv", "fitz": "pymupdf", "jose": "python-jose", "jwt": "pyjwt", "magic": "python-magic",
    "multipart": "python-multipart", "psycopg2": "psycopg2-binary", "redis": "redis", "sklearn": "scikit-learn",
    "slugify": "python-slugify", "socketio": "python-socketio", "telegram": "python-telegram-bot", "yaml": "pyyaml",
    "zmq": "pyzmq", "MySQLdb": "mysqlclient", "Crypto": "pycryptodome", "git": "gitpython", "serial": "pyserial",
}  # fmt: skip


class PythonReader(Reader):
    """What is to be found out about an install by uv or Poetry."""

    managers = names("uv poetry pipenv pdm")
    folder = ".venv"
    speaks_of_packages = re.compile(r"\b(?:uv|poetry|pytest)\b")

    @classmethod
    def brings_everything(cls, install: Install, files: Files) -> bool:
        """Whether a call installs a project with no word about its groups."""
        call = install.call
        name = call.manager.name
        if (name, call.action) not in (("uv", "sync"), ("poetry", "install")):
            return False
        if any(option.name in _SAYS[name] for option in call.options):
            return False
        return not any(files.state.is_set(variable) for variable in _VARIABLES)

    def lean(self) -> LeanInstall | None:
        """The install without development packages; None where there are none. Raises FullError."""
        files, call = self._files, self._install.call
        brought = files.brought_by(files.path("pyproject.toml"))
        if brought is None:
            return None
        settings = read_table(files.read("pyproject.toml"))
        if settings is None:
            raise FullError("pyproject.toml cannot be understood")
        is_uv = call.manager.name == "uv"
        development = _of_uv(settings) if is_uv else _of_poetry(settings)
        if not development:
            return None
        kept = self._kept(is_uv)
        self.require_production(call.unknown)
        self.require_no_other_install()
        self.require_no_builds()
        self.require_no_other_users()
        self._require_start(kept, development, is_uv=is_uv)
        assert call.subcommand is not None
        option = " --no-dev" if is_uv or self._is_old_poetry() else " --only main"
        return LeanInstall(self._install, call.subcommand, option, development, (brought[0].instruction,))

    def _is_old_poetry(self) -> bool:
        """Whether Poetry is one before 1.2, which has no groups: https://python-poetry.org/blog/announcing-poetry-1.2.0"""
        stage = self._all.stage
        before = (one for below in stage.lineage for one in below.instructions if one.start <= self._install.run.start)
        return any(_OLD_POETRY.search(one.view.text) for one in before)

    def _kept(self, is_uv: bool) -> frozenset[str]:
        """The packages that stay, by the lock file."""
        name = "uv.lock" if is_uv else "poetry.lock"
        if not self._files.has(name):
            raise FullError(f"{name} is not in the build context")
        text, call = self._files.read(name), self._install.call
        if call.has("--all-extras"):
            raise FullError("which extras there are is not looked at")
        extras = [option.value for option in call.options if option.name in ("--extra", "--extras", "-E")]
        kept = kept_by_uv(text, extras) if is_uv else kept_by_poetry(text)
        if kept is None:
            raise FullError(f"{name} does not tell which packages are for development")
        return kept

    def _require_start(self, kept: frozenset[str], development: Collection[str], *, is_uv: bool) -> None:
        """The commands that a container starts with, and the sources they run, must do without the packages."""
        start, program = self.known_start()
        if is_uv and self._runs_uv(start.scripts):
            raise FullError("`uv run` installs them when a container starts")
        for command in start.commands:
            if reason := _needed_by(command, kept):
                raise FullError(reason)
        imported = imported_modules(self._project, program)
        if not imported:
            raise FullError(f"which packages the program imports is not known: {imported.reason}")
        for file, module in imported.packages:
            if not _stays(module, kept):
                raise FullError(f"{file} imports {module}, which may be gone")
        gone = [name for name in development if normal_name(name) not in kept]
        if driver := driver_by_name([normal_name(name) for name in gone], kept):
            raise FullError(f"{driver} may be loaded by its name")
        self.require_unnamed(imported.files, gone)

    def _runs_uv(self, scripts: Collection[str]) -> bool:
        starts = (one for stage in self._stages for one in stage.instructions if isinstance(one, (Cmd, Entrypoint)))
        texts = [one.view.text for one in starts]
        texts += [self._all.context.read(script) or "" for script in scripts]
        return any(_RUNS_UV.search(text) for text in texts)


def _needed_by(command: Command, kept: frozenset[str]) -> str:
    """Why a command may need a package that goes; empty where it does not."""
    program = posixpath.basename(command.words[0].value)
    if program in _SYSTEM or normal_name(program) in kept:
        return ""
    if not _PYTHON.match(program):
        return f"`{program}` may come from a development package"
    words = [word.value for word in command.words[1:]]
    module = words[1].partition(".")[0] if words[:1] == ["-m"] and len(words) > 1 else ""
    if module and normal_name(module) in _FOR_DEVELOPERS:
        return f"`python -m {module}` is for development"
    return ""


_FOR_DEVELOPERS: Final = names("pytest coverage mypy black ruff ipython debugpy tox nox")


def _stays(module: str, kept: frozenset[str]) -> bool:
    """Whether an imported module is there without the packages that go."""
    return module in STANDARD_MODULES or normal_name(_PACKAGES.get(module, module)) in kept


def _of_uv(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The packages of the group that uv installs unless told otherwise: https://docs.astral.sh/uv/concepts/projects/dependencies/#default-groups"""
    tool = _table(settings, "tool", "uv")
    if "default-groups" in tool:
        raise FullError("[tool.uv] names the groups that are installed")
    if "workspace" in tool:
        raise FullError("pyproject.toml has a workspace, whose members may need them")
    return _names([*_listed(tool.get("dev-dependencies")), *_listed(_table(settings, "dependency-groups").get("dev"))])


def _of_poetry(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The packages of all groups that are not optional: https://python-poetry.org/docs/managing-dependencies/"""
    tool = _table(settings, "tool", "poetry")
    found = [*_table(tool, "dev-dependencies")]
    if _table(settings, "dependency-groups"):
        raise FullError("whether this Poetry reads [dependency-groups] is not known")
    for name in _table(tool, "group"):
        group = _table(tool, "group", name)
        if group.get("optional") is True:
            continue
        if normal_name(name) not in _FOR_DEVELOPMENT:
            raise FullError(f"the group {name} may be needed")
        found += _table(group, "dependencies")
    return tuple(dict.fromkeys(found))


def _names(requirements: Collection[object]) -> tuple[str, ...]:
    """The names in requirements; a group that includes another stands for itself."""
    found = [str(one.get("include-group", "?")) if isinstance(one, dict) else str(one) for one in requirements]
    return tuple(dict.fromkeys(match[1] for one in found if (match := _NAME.match(one))))


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _table(value: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        inner = value.get(key)
        value = inner if isinstance(inner, dict) else {}
    return value
