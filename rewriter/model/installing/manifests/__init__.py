"""What each package manager reads to install a project's dependencies: the complete sets of manifests.

`manifest_of` says whether a call is such an install, `needs_of` what it needs. Each ecosystem is a module.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.effects.copies import CopiedFiles
from rewriter.model.effects.shell import steps
from rewriter.model.installing.manifests import dotnet, golang, jvm, node, php, python, ruby, rust
from rewriter.model.installing.manifests.files import Needs, NotMovableError, Project
from rewriter.model.stages import StageGraph
from rewriter.model.state import States
from rewriter.syntax.tree import Copy, Dockerfile, Run

__all__ = [
    "Needs",
    "NotMovableError",
    "Project",
    "is_manifest",
    "is_manifest_path",
    "locks_of",
    "manifest_of",
    "module_needs",
    "needed_files",
    "needs_of",
]

_Reader = tuple[Callable[[Project], str], Callable[[Project], Needs]]
_NODE: Final[_Reader] = (node.node_manifest, node.node_needs)
_READERS: Final[dict[str, _Reader]] = {
    "pip": (python.pip_manifest, python.pip_needs),
    "uv": (python.uv_manifest, python.uv_needs),
    "poetry": (python.poetry_manifest, python.poetry_needs),
    "pipenv": (python.pipenv_manifest, python.pipenv_needs),
    "npm": _NODE,
    "yarn": _NODE,
    "pnpm": _NODE,
    "bun": _NODE,
    "bundle": (ruby.bundler_manifest, ruby.bundler_needs),
    "composer": (php.composer_manifest, php.composer_needs),
    "dotnet": (dotnet.dotnet_manifest, dotnet.dotnet_needs),
    "go": (golang.go_manifest, golang.go_needs),
    "cargo": (rust.cargo_manifest, rust.cargo_needs),
    "mvn": (jvm.maven_manifest, jvm.maven_needs),
    "gradle": (jvm.gradle_manifest, jvm.gradle_needs),
}


# Those of Node's managers stand in `node`.
_LOCKS: Final[dict[str, tuple[str, ...]]] = {
    **node.LOCKS,
    "uv": ("uv.lock",),
    "poetry": ("poetry.lock",),
    "pipenv": ("Pipfile.lock",),
    "bundle": ("Gemfile.lock", "gems.locked"),
    "composer": ("composer.lock",),
    "go": ("go.sum",),
    "cargo": ("Cargo.lock",),
    "dotnet": ("packages.lock.json",),
}


def locks_of(manager: str) -> tuple[str, ...]:
    """The names of the lock files that a package manager keeps beside its manifest."""
    return _LOCKS.get(manager, ())


# The names of manifests: a COPY of nothing else is one that somebody wrote for this purpose.
_NAMES: Final = re.compile(
    r"(?:requirements|constraints)[\w.-]*|[\w.-]*requirements[\w-]*\.(?:txt|in)|pyproject\.toml|setup\.(?:py|cfg)|"
    r"uv\.(?:lock|toml)|poetry\.(?:lock|toml)|Pipfile(?:\.lock)?|\.python-version|package(?:-lock)?\.json|"
    r"npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|pnpm-workspace\.yaml|bun\.lockb?|bunfig\.toml|\.npmrc|"
    r"\.yarnrc(?:\.yml)?|\.pnpmfile\.[cm]js|Gemfile(?:\.lock)?|gems\.(?:rb|locked)|[\w.-]+\.gemspec|\.ruby-version|"
    r"\.tool-versions|\.nvmrc|\.node-version|composer\.(?:json|lock)|auth\.json|symfony\.lock|go\.(?:mod|sum|work)|"
    r"Cargo\.(?:toml|lock)|pom\.xml|mvnw|gradlew|(?:settings|build)\.gradle(?:\.kts)?|gradle\.properties|"
    r"[\w.-]+\.(?:csproj|fsproj|vbproj|sln|slnx|props|targets)|(?i:nuget\.config)|global\.json|packages\.lock\.json",
)


def is_manifest(name: str) -> bool:
    """Whether a file of this name tells a package manager what to install."""
    return _NAMES.fullmatch(name) is not None


def is_manifest_path(path: str) -> bool:
    """Whether the file at a path tells a package manager what to install: by its name, or as one of `requirements/`."""
    folder, name = posixpath.split(path)
    return is_manifest(name) or (posixpath.basename(folder) == "requirements" and name.endswith((".txt", ".in")))


def manifest_of(project: Project) -> str:
    """The path in the image of the manifest that a call installs from; empty for other calls. May raise."""
    reader = _READERS.get(project.call.manager.name)
    return reader[0](project) if reader else ""


def needs_of(project: Project) -> Needs:
    """What the install needs. Raises NotMovableError where that cannot be told."""
    call, start = project.call, project.start
    for word in (*call.wrapper, *call.launcher, call.program):
        if "/" in word.value or word.value.endswith(".phar"):
            project.take(project.path(word.value, start))  # a program that the project brings, such as a wrapper
    needs = _READERS[call.manager.name][1](project)
    for option in call.options:
        path = project.path(option.value, start) if option.value else project.folder
        if path not in (project.folder, *needs.files, *needs.folders) and project.has(path):
            raise NotMovableError(f"`{option.name}` names {project.shown(path)}")
    return needs


def module_needs(project: Project) -> Needs:
    """What `go mod download` needs in the folder of a Go module. Raises NotMovableError where that cannot be told."""
    return golang.module_needs(project)


def needed_files(dockerfile: Dockerfile) -> Iterator[str]:
    """The paths in the build context of the manifests that RUN steps surely read, such as a requirements.txt.

    They tell which folder is the context: nothing is looked up, all comes from the file's own words.
    """
    nowhere = BuildContext(None)
    graph = StageGraph(dockerfile)
    states = States(graph)
    for stage in graph.stages:
        copies: list[CopiedFiles] = []
        for instruction in stage.instructions:
            state = states.at(instruction)
            if isinstance(instruction, Copy) and not instruction.source_stage and instruction.words:
                copies.append(CopiedFiles(instruction, state, nowhere))
            elif isinstance(instruction, Run) and copies:
                yield from _manifests(instruction, copies, states, nowhere)


def _manifests(run: Run, copies: list[CopiedFiles], states: States, nowhere: BuildContext) -> Iterator[str]:
    state = states.at(run)
    for step in steps(run, state):
        for call in step.calls if step.folder else ():
            try:
                path = manifest_of(Project(call, step.folder, state, copies, nowhere))
            except NotMovableError:
                continue
            origins = (copied.origin(path) for copied in reversed(copies)) if path else ()
            if origin := next(filter(None, origins), None):
                yield origin
