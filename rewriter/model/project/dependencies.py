"""What the manifests say: the packages that a project depends on, who installs them, and how it is built."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from rewriter.model.effects.copies import CopiedFiles
from rewriter.model.effects.shell import steps
from rewriter.model.installing.manifests import NotMovableError, locks_of, manifest_of
from rewriter.model.installing.manifests import Project as Install
from rewriter.model.managers.run_calls import calls
from rewriter.model.pip.requirements import normal_name, parse_requirement, read_requirements
from rewriter.model.project.answers import Packages, Script, Unknown
from rewriter.model.project.sources import Sources, table
from rewriter.model.stages import Stage
from rewriter.syntax.tree import Copy, Run

MOST_MANIFESTS: Final = 30

_PYTHON_FILE: Final = re.compile(r"(?:requirements|base|prod|production|app|web|main)[\w.-]*\.(?:txt|in)\Z")
_FOR_DEVELOPERS: Final = re.compile(r"(?:dev|test|lint|docs?|ci|local)\b")
_NAME: Final = re.compile(r"\s*([A-Za-z0-9][\w.-]*)")
_MODULE: Final = re.compile(r"(?m)^\s*(?:require\s+)?([\w.-]+\.[\w-]+/\S+|[\w.-]+\.\w+)\s+v\d")
_ARTIFACT: Final = re.compile(r"<artifactId>\s*([\w.-]+)\s*</artifactId>")
_GRADLE: Final = re.compile(r"""["'(]([\w.-]+:[\w.-]+)(?::[^"']*)?["')]|id\s*\(?["']([\w.-]+)["']""")
_GEM: Final = re.compile(r"(?m)^\s*gem\s*\(?[\"']([\w-]+)[\"']")
_REFERENCE: Final = re.compile(r"<PackageReference\s+Include=\"([\w.-]+)\"|<Project\s+Sdk=\"([\w.-]+)\"")
_OUTPUTS: Final[Mapping[str, str]] = {
    "next build": ".next", "nest build": "dist", "vite build": "dist", "react-scripts build": "build",
    "astro build": "dist", "nuxt build": ".output", "gatsby build": "public", "vue-cli-service build": "dist",
    "remix build": "build", "webpack": "dist", "tsup": "dist", "rollup": "dist",
}  # fmt: skip
_OUTPUT_OPTION: Final = re.compile(r"--(?:outDir|out-dir|outdir|output-path|dest)[= ](\S+)")


class Dependencies(NamedTuple):
    """The names of the packages that manifests ask for; `unread` says which manifest could not be read."""

    names: frozenset[str]
    unread: tuple[str, ...] = ()


class Manifest(NamedTuple):
    """A manifest that an install of the Dockerfile works on, by its path in the context and that in the image."""

    manager: str
    file: str
    path: str


def stages_of(sources: Sources) -> list[Stage]:
    """The stage, those below it, and those that it copies from, the nearest first."""
    pending, found = [sources.stage], dict[int, Stage]()
    while pending:
        stage = pending.pop(0)
        if stage.index in found:
            continue
        found[stage.index] = stage
        pending += [stage.parent] if stage.parent else []
        for one in stage.instructions:
            flag = one.source_stage if isinstance(one, Copy) else None
            other = sources.graph.find(flag.value) if flag else None
            pending += [other] if other else []
    return list(found.values())


def manifests_of(sources: Sources) -> Iterator[Manifest]:
    """The manifests that the installs of all those stages work on."""
    for stage in stages_of(sources):
        copies: list[CopiedFiles] = []
        for one in stage.instructions:
            state = sources.states.at(one)
            if isinstance(one, Copy) and not one.source_stage and one.paths:
                copies.append(CopiedFiles(one, state, sources.context))
            elif isinstance(one, Run) and calls(one):
                for step in steps(one, state):
                    for call in step.calls if step.folder else ():
                        try:
                            install = Install(call, step.folder, state, copies, sources.context)
                            path = manifest_of(install)
                            found = install.brought_by(path) if path else None
                        except NotMovableError:
                            continue
                        if found:
                            yield Manifest(call.manager.name, found[1], path)


def packages_of(sources: Sources) -> Packages | Unknown:
    """Who installs the dependencies, from which manifest, by which lock file."""
    for manifest in manifests_of(sources):
        place = posixpath.dirname(manifest.file)
        names = locks_of(manifest.manager)
        locks = (posixpath.join(place, name) for name in names)
        lock = next((path for path in locks if sources.context.status(path) == "present"), "")
        return Packages(manifest.manager, manifest.file, lock)
    return Unknown("no RUN installs dependencies from a manifest of the build context")


def dependencies_of(sources: Sources) -> Dependencies | Unknown:
    """The packages that the manifests ask for, and those that RUN steps name."""
    found: set[str] = set()
    unread: list[str] = []
    known = dict.fromkeys(manifest.file for manifest in manifests_of(sources))
    known.update(dict.fromkeys(_manifests_beside(sources)))
    for path in list(known)[:MOST_MANIFESTS]:
        names = _names_in(path, sources)
        if isinstance(names, Unknown):
            unread.append(names.reason)
        else:
            found |= names
    found |= set(_named_in_runs(sources))
    if not found:
        return Unknown(unread[0] if unread else "no manifest is in the build context")
    return Dependencies(frozenset(found), tuple(dict.fromkeys(unread)))


def _manifests_beside(sources: Sources) -> Iterator[str]:
    """The manifests that lie in the working folders of the stages."""
    for stage in stages_of(sources):
        inner = sources.within(stage)
        workdir = sources.states.at_end(stage).workdir
        if not workdir:
            continue
        folder = inner.origin_of_folder(workdir)
        if folder is not None:
            yield from _manifests_in(folder, sources)
        for name in (*_READERS, "requirements.txt"):
            if origin := inner.origin(posixpath.join(workdir, name)):
                yield origin


def _manifests_in(folder: str, sources: Sources) -> Iterator[str]:
    for name in sources.context.list(folder) or ():
        path = posixpath.join(folder, name)
        if (
            name in _READERS
            or name.endswith(".csproj")
            or (_PYTHON_FILE.match(name) and "requirements" in name and not _FOR_DEVELOPERS.search(name))
        ):
            yield path
        elif name == "requirements":
            files = sources.context.list(path) or ()
            yield from (posixpath.join(path, one) for one in files
                        if _PYTHON_FILE.match(one) and not _FOR_DEVELOPERS.search(one))  # fmt: skip


def _named_in_runs(sources: Sources) -> Iterator[str]:
    """`pip install flask`, `npm install express`, `uv add fastapi`"""
    for stage in stages_of(sources):
        for run in sources.runs(stage):
            for call in calls(run):
                is_python = call.manager.name in ("pip", "uv", "poetry", "pipenv", "pdm")
                if call.installs and (is_python or call.manager.name in ("npm", "yarn", "pnpm")):
                    for word in call.packages:
                        if is_python and parse_requirement(word.value).kind == "name":
                            yield normal_name(parse_requirement(word.value).name)
                        elif not is_python and word.value:
                            yield word.value[:1] + word.value[1:].partition("@")[0]


def _names_in(path: str, sources: Sources) -> set[str] | Unknown:
    name = posixpath.basename(path)
    reader = _READERS.get(name) or (_read_project if name.endswith(".csproj") else _read_requirements)
    return reader(path, sources)


def _read_requirements(path: str, sources: Sources) -> set[str] | Unknown:
    pending, seen, found = [path], {path}, set[str]()
    while pending and len(seen) < MOST_MANIFESTS:
        one = pending.pop()
        text = sources.read(one)
        if isinstance(text, Unknown):
            if one == path:
                return text
            continue
        file = read_requirements(text)
        found |= {normal_name(item.name) for item in file.requirements if item.name}
        for option in file.options:
            if option.name in ("-r", "--requirement"):
                target = posixpath.normpath(posixpath.join(posixpath.dirname(one), option.value))
                if target not in seen:
                    seen.add(target)
                    pending.append(target)
    return found


def _read_pyproject(path: str, sources: Sources) -> set[str] | Unknown:
    settings = sources.toml(path)
    if isinstance(settings, Unknown):
        return settings
    listed = table(settings, "project").get("dependencies")
    names = [str(one) for one in listed] if isinstance(listed, list) else []
    names += table(settings, "tool", "poetry", "dependencies")
    return {normal_name(match[1]) for name in names if (match := _NAME.match(name))}


def _read_pipfile(path: str, sources: Sources) -> set[str] | Unknown:
    settings = sources.toml(path)
    return settings if isinstance(settings, Unknown) else {normal_name(name) for name in table(settings, "packages")}


def _read_package(path: str, sources: Sources) -> set[str] | Unknown:
    package = sources.json(path)
    if isinstance(package, Unknown):
        return package
    return {*table(package, "dependencies"), *(f"dev:{name}" for name in table(package, "devDependencies"))}


def _by_pattern(pattern: re.Pattern[str], path: str, sources: Sources) -> set[str] | Unknown:
    text = sources.read(path)
    if isinstance(text, Unknown):
        return text
    return {name for match in pattern.finditer(text) for name in match.groups() if name}


def _read_project(path: str, sources: Sources) -> set[str] | Unknown:
    return _by_pattern(_REFERENCE, path, sources)


_READERS: Final = {
    "pyproject.toml": _read_pyproject,
    "Pipfile": _read_pipfile,
    "package.json": _read_package,
    "go.mod": lambda path, sources: _by_pattern(_MODULE, path, sources),
    "pom.xml": lambda path, sources: _by_pattern(_ARTIFACT, path, sources),
    "build.gradle": lambda path, sources: _by_pattern(_GRADLE, path, sources),
    "build.gradle.kts": lambda path, sources: _by_pattern(_GRADLE, path, sources),
    "Gemfile": lambda path, sources: _by_pattern(_GEM, path, sources),
}


def build_script_of(sources: Sources) -> Script | Unknown:
    """The script that a RUN builds the project with, such as `npm run build`, and the folder that it fills."""
    for stage in stages_of(sources):
        for run in sources.runs(stage):
            for call in calls(run):
                if call.manager.name not in ("npm", "yarn", "pnpm", "bun"):
                    continue
                name = call.packages[0].value if call.action in ("run", "run-script") and call.packages else call.action
                if "build" not in name:
                    continue
                folder = sources.states.at(run).workdir
                found = _script(name, folder, stage, sources)
                if found is not None:
                    return found
    return Unknown("no RUN builds the project with a script of package.json")


def _script(name: str, folder: str, stage: Stage, sources: Sources) -> Script | Unknown | None:
    inner = Sources(stage, sources.states, sources.context)
    origin = inner.origin(posixpath.join(folder, "package.json")) if folder else ""
    package = sources.json(origin) if origin else Unknown("package.json is not in the build context")
    if isinstance(package, Unknown):
        return package
    command = table(package, "scripts").get(name)
    if not isinstance(command, str):
        return None
    option = _OUTPUT_OPTION.search(command)
    output = option[1] if option else next((made for tool, made in _OUTPUTS.items() if tool in command), "")
    if not output and re.search(r"\btsc\b", command):
        output = _compiled_to(posixpath.join(posixpath.dirname(origin), "tsconfig.json"), sources)
    return Script(name, command, output.removeprefix("./").rstrip("/"))


def _compiled_to(path: str, sources: Sources) -> str:
    """The `outDir` of a tsconfig.json, which may hold comments: https://www.typescriptlang.org/tsconfig/#outDir"""
    text = sources.read(path)
    match = re.search(r'"outDir"\s*:\s*"([^"]+)"', text) if isinstance(text, str) else None
    return match[1] if match else ""
