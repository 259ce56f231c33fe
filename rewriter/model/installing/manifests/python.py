"""What pip, uv, poetry and pipenv read when they install a project's dependencies."""

from __future__ import annotations

import posixpath
import re
from typing import Any, Final

from rewriter.model.installing.by_name import is_local_requirement, is_remote, requirement_of
from rewriter.model.installing.manifests.files import Needs, NotMovableError, Project
from rewriter.model.managers.call import Call
from rewriter.model.managers.options import Option
from rewriter.model.managers.vocabulary import names
from rewriter.model.pip.requirements import requirement_lines

_INCLUDE: Final = re.compile(r"(?:-r|--requirement|-c|--constraint)(?:\s*=\s*|\s+|(?<=-[rc]))(\S.*)\Z")
# The lines of a requirements file that name an address or a folder, and those that name neither.
_PLACES: Final = re.compile(r"(?:-i|--index-url|--extra-index-url|-f|--find-links)(?:\s*=\s*|\s+)(\S+)\Z")
_PLAIN_OPTIONS: Final = names(
    "--trusted-host --no-binary --only-binary --prefer-binary --require-hashes --pre --use-feature"
)
_EDITABLE: Final = ("-e", "--editable")
_REQUIREMENTS: Final = ("-r", "--requirement", "--requirements")
_CONSTRAINTS: Final = ("-c", "--constraint", "--constraints")
_INSTALLS: Final = ("install", "pip install")
_PIP_VARIABLES: Final = tuple(
    f"PIP_{name}"
    for name in (
        "REQUIREMENT",
        "CONSTRAINT",
        "EDITABLE",
        "FIND_LINKS",
        "NO_INDEX",
        "TARGET",
        "PREFIX",
        "ROOT",
        "SRC",
        "CONFIG_FILE",
    )
)


def is_followed(call: Call, option: Option) -> bool:
    """Whether an option of a call names requirements, which `pip_needs` reads with all that they include."""
    is_pip = call.manager.name in ("pip", "uv") and call.action in _INSTALLS
    return is_pip and option.name in _REQUIREMENTS + _CONSTRAINTS


def pip_manifest(project: Project) -> str:
    """The requirements file of a `pip install -r`, empty for other calls."""
    call = project.call
    if call.action not in ("install", "pip install", "pip sync"):
        return ""
    files = [option.value for option in call.options if option.name in _REQUIREMENTS]
    files = files or [option.value for option in call.options if option.name in _CONSTRAINTS]
    if call.action == "pip sync":
        files = [word.value for word in call.packages]
    if not files:
        local = [text for text in map(requirement_of, call.packages) if is_local_requirement(text)]
        if local:
            return project.path(posixpath.join(local[0].partition("[")[0], "pyproject.toml"))
    return project.path(files[0] or "requirements.txt") if files else ""


def pip_needs(project: Project) -> Needs:
    """The requirements and constraints of a call of pip or `uv pip`, with all that they include."""
    call = project.call
    project.forbid_variables(*_PIP_VARIABLES)
    project.forbid_options(*(() if project.goes_along else _EDITABLE), "-f", "--find-links", "-t", "--target", "--src",
                           "--prefix", "--root", "--group", "--log", "-b", "--build", "--config-file", "--project",
                           "--directory")  # fmt: skip
    is_sync = call.action == "pip sync"
    for option in call.options:
        if option.name in _EDITABLE:
            project.take_project(option.value, f"`{option.name} {option.value}` installs from elsewhere")
    for word in call.packages:
        text = requirement_of(word)
        if not text:
            raise NotMovableError(f"a variable says what is installed: {word.text}")
        if is_local_requirement(text) and not is_sync:
            project.take_project(text, f"it installs from the folder {text}")
        if is_sync:
            _follow(project, project.path(word.value))
    for option in call.options:
        if option.name in _REQUIREMENTS + _CONSTRAINTS:
            if not option.value:
                raise NotMovableError("a variable says which requirements are installed")
            if not is_remote(option.value):
                _follow(project, project.path(option.value))
    if call.manager.name == "uv":
        _take_settings_of_uv(project)
    return project.needs(fills=_environments(project))


def _take_settings_of_uv(project: Project) -> None:
    """uv looks for its settings here and in the folders above: https://docs.astral.sh/uv/concepts/configuration-files/"""
    project.forbid_variables("UV_PROJECT", "UV_CONFIG_FILE", "UV_WORKING_DIRECTORY", "UV_CONSTRAINT", "UV_OVERRIDE",
                             "UV_FIND_LINKS", "UV_BUILD_CONSTRAINT")  # fmt: skip
    folder = project.folder
    while True:
        for name in (".python-version", ".python-versions"):
            project.take(project.path(name, folder))
        for name, keys in (("uv.toml", ()), ("pyproject.toml", ("tool", "uv"))):
            path = project.path(name, folder)
            if project.has(path) and (not keys or "tool.uv" in project.read(path)):
                _check_settings_of_uv(project, path, _table(project.toml(path), *keys))
        if folder == "/":
            return
        folder = posixpath.dirname(folder)


def _check_settings_of_uv(project: Project, path: str, settings: dict[str, Any]) -> None:
    """Refuse indexes that are folders: https://docs.astral.sh/uv/reference/settings/"""
    if "workspace" in settings and project.call.action == "sync":
        raise NotMovableError(f"{project.shown(path)} has a workspace, whose members uv reads")
    for table in (settings, _table(settings, "pip")):
        places: list[object] = [table.get("index-url"), table.get("default-index")]
        for key in ("find-links", "extra-index-url", "index"):
            value = table.get(key)
            places += value if isinstance(value, list) else [value]
        for place in places:
            address = place.get("url") if isinstance(place, dict) else place
            if address is not None and not is_remote(str(address)):
                raise NotMovableError(f"{project.shown(path)} names the folder {address}")


def _environments(project: Project) -> list[str]:
    """The virtual environments in force that lie in a copied folder, by their paths in the image."""
    found = [project.state.get("VIRTUAL_ENV") or ""]
    found += [posixpath.dirname(entry) for entry in (project.state.get("PATH") or "").split(":") if "env" in entry]
    path = project.state.value("$PATH").text.split("\0")[0]
    found += [posixpath.dirname(entry.rstrip("/")) for entry in path.split(":") if "env" in entry]
    return sorted({project.path(folder) for folder in found if folder.startswith("/")})


def _follow(project: Project, path: str) -> None:
    """Note a requirements file and what it includes; `-r` and `-c` are relative to the file they stand in."""
    pending, seen = [path], {path}
    while pending:
        path = pending.pop(0)
        if path.endswith((".toml", ".py", ".cfg")):
            _check_metadata(project, path)
            continue
        text = project.require(path)
        for line in requirement_lines(text):
            where = project.shown(path)
            if include := _INCLUDE.match(line):
                name = include[1].strip("\"'")
                if "$" in name:
                    raise NotMovableError(f"{where} includes a file by a variable")
                target = project.path(name, posixpath.dirname(path))
                if not is_remote(name) and target not in seen:
                    seen.add(target)
                    pending.append(target)
            elif _is_local(line):
                name = line.removeprefix("--editable").removeprefix("-e").lstrip(" =")
                project.take_project(name, f"{where} installs from a folder: {line}")


def _check_metadata(project: Project, path: str) -> None:
    """Dependencies may stand in the metadata of a project, which a backend may take from its sources."""
    if posixpath.basename(path) != "pyproject.toml":
        raise NotMovableError(f"{project.shown(path)} is no list of requirements")
    pyproject = project.toml(path)
    if _table(pyproject, "project").get("dynamic"):
        raise NotMovableError(f"{project.shown(path)} leaves a part of the metadata to the sources")
    _check_dependencies(pyproject)
    _check_sources(pyproject)


def _check_dependencies(pyproject: dict[str, Any]) -> None:
    """Refuse dependencies that are folders: https://packaging.python.org/en/latest/specifications/pyproject-toml/"""
    settings = _table(pyproject, "tool", "uv")
    lists = [_table(pyproject, "project").get("dependencies"), _table(pyproject, "build-system").get("requires")]
    lists += [*_table(pyproject, "project", "optional-dependencies").values()]
    lists += [*_table(pyproject, "dependency-groups").values()]
    lists += [settings.get(f"{kind}-dependencies") for kind in ("dev", "constraint", "override", "build-constraint")]
    for entries in lists:
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, str) and is_local_requirement(entry):
                raise NotMovableError(f"a dependency comes from a folder of the project: {entry}")


def _check_sources(pyproject: dict[str, Any]) -> None:
    for name, source in _table(pyproject, "tool", "uv", "sources").items():
        entries = source if isinstance(source, list) else [source]
        if any(isinstance(entry, dict) and {"path", "workspace"} & entry.keys() for entry in entries):
            raise NotMovableError(f"{name} comes from a folder of the project")


def _is_local(line: str) -> bool:
    """Whether a line of a requirements file means something of this file system. Editable ones are cloned into it."""
    if line.startswith(("-e", "--editable")):
        return True
    if not line.startswith("-"):
        return is_local_requirement(line)
    return not all(map(_is_harmless, re.split(r"\s+(?=-)", line)))


def _is_harmless(option: str) -> bool:
    if place := _PLACES.match(option):
        return is_remote(place[1].strip("\"'"))
    return re.split(r"[\s=]", option, maxsplit=1)[0] in _PLAIN_OPTIONS


def uv_manifest(project: Project) -> str:
    """The pyproject.toml of a `uv sync`, the requirements of a `uv pip install`, empty for other calls."""
    if project.call.action == "sync":
        project.move_to("--project", "--directory")
        return project.path("pyproject.toml")
    if project.call.action not in ("pip install", "pip sync"):
        return ""
    return pip_manifest(project) or project.path("pyproject.toml")  # what it says to uv counts everywhere


def uv_needs(project: Project) -> Needs:
    """What `uv sync` needs without the project itself, which a second sync installs below the sources."""
    call = project.call
    if call.action != "sync":
        return pip_needs(project)
    project.forbid_variables("UV_NO_SYNC")
    project.forbid_options("--all-packages", "--package", "--script", "--config-file", "--find-links", "-f", "--check",
                           "--dry-run", "--active")  # fmt: skip
    if call.packages or call.unknown:
        raise NotMovableError("it is called in a way that is not understood")
    pyproject = project.toml("pyproject.toml")
    settings = _table(pyproject, "tool", "uv")
    _check_sources(pyproject)
    _check_dependencies(pyproject)
    if not project.has("uv.lock") and _table(pyproject, "project").get("dynamic"):
        raise NotMovableError("pyproject.toml leaves a part of the metadata to the sources, and no uv.lock replaces it")
    _require_locked(project, "uv.lock", call.has("--locked", "--frozen") or _is_true(project, "UV_LOCKED", "UV_FROZEN"))
    if project.has("uv.lock"):
        own = set(re.findall(r'source = \{ (?:editable|directory|virtual|path) = "([^"]*)"', project.read("uv.lock")))
        if own - {"."}:
            raise NotMovableError(f"uv.lock names the folder {min(own - {'.'})}")
    _take_settings_of_uv(project)
    environment = project.state.get("UV_PROJECT_ENVIRONMENT") or ".venv"
    is_package = settings.get("package", "build-system" in pyproject)
    if call.has("--no-install-project", "--no-install-workspace", "--no-install-local") or not is_package:
        return project.needs(fills=[environment])
    return project.needs(fills=[environment], added="--no-install-project", below=[""])


def _is_true(project: Project, *names: str) -> bool:
    return any((project.state.get(name) or "").lower() in ("1", "true", "yes", "on") for name in names)


def _require_locked(project: Project, lock: str, needed: bool) -> None:
    if not project.take(lock) and needed:
        raise NotMovableError(f"{lock} is not in the build context")


def _table(value: object, *keys: str) -> dict[str, Any]:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def poetry_manifest(project: Project) -> str:
    """The pyproject.toml of a `poetry install`."""
    if project.call.action not in ("install", "sync"):
        return ""
    project.move_to("-C", "--directory", "-P", "--project")
    return project.path("pyproject.toml")


def poetry_needs(project: Project) -> Needs:
    """What `poetry install --no-root` needs; the project itself is installed below the sources."""
    call = project.call
    project.forbid_options("--only-root", "--dry-run")
    if call.packages or call.unknown:
        raise NotMovableError("it is called in a way that is not understood")
    pyproject = project.toml("pyproject.toml")
    settings = _table(pyproject, "tool", "poetry")
    groups = [_table(settings, "dependencies"), _table(settings, "dev-dependencies")]
    groups += [_table(group, "dependencies") for group in _table(settings, "group").values()]
    for group in groups:
        for name, constraint in group.items():
            entries = constraint if isinstance(constraint, list) else [constraint]
            if any(isinstance(entry, dict) and {"path", "file"} & entry.keys() for entry in entries):
                raise NotMovableError(f"{name} comes from a folder of the project")
    _check_dependencies(pyproject)
    if re.search(r"@\s*file:", project.read("pyproject.toml")):
        raise NotMovableError("a dependency comes from a folder of the project")
    if project.take("poetry.lock") and re.search(
        r'^type = "(?:directory|file)"', project.read("poetry.lock"), re.MULTILINE
    ):
        raise NotMovableError("poetry.lock names a folder of the project")
    project.take("poetry.toml")
    if call.has("--no-root") or settings.get("package-mode", True) is False:
        return project.needs(fills=[".venv"])
    return project.needs(fills=[".venv"], added="--no-root", below=[""])


def pipenv_manifest(project: Project) -> str:
    """The Pipfile of a `pipenv install` or `pipenv sync`."""
    if project.call.action not in ("install", "sync") or project.call.packages:
        return ""
    return project.path("Pipfile")


def pipenv_needs(project: Project) -> Needs:
    """The Pipfile and its lock."""
    project.forbid_variables("PIPENV_PIPFILE")
    project.forbid_options("-r", "--requirements", "-e", "--editable", "--skip-lock")
    pipfile = project.toml("Pipfile")
    for group in ("packages", "dev-packages"):
        for name, constraint in _table(pipfile, group).items():
            if isinstance(constraint, dict) and {"path", "file"} & constraint.keys():
                raise NotMovableError(f"{name} comes from a folder of the project")
    if "scripts" in pipfile and not isinstance(pipfile["scripts"], dict):
        raise NotMovableError("Pipfile cannot be understood")
    needs_lock = project.call.action == "sync" or project.call.has("--deploy", "--ignore-pipfile")
    _require_locked(project, "Pipfile.lock", needs_lock)
    return project.needs(fills=[".venv"])
