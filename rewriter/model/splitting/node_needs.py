"""What a running Node program needs of its packages: whether those for developers can go.

Sources are searched for imports. One that is listed but cannot be read is trusted to keep to package.json.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any, Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.installing.development_packages import DevelopmentPackages
from rewriter.model.installing.locks.package_json import group
from rewriter.model.managers.vocabulary import names
from rewriter.model.project import Project
from rewriter.model.project.imports import imported_packages, package_of
from rewriter.model.splitting.parts import UnsplitError

MOST_SOURCES: Final = 2_000

_KEEPS_OUTSIDE: Final = names(
    "puppeteer playwright @playwright/test playwright-chromium cypress electron nightmare @sparticuz/chromium"
)
"""Packages whose install puts programs into the home folder."""

_SOURCE: Final = re.compile(r".*\.(?:[cm]?[jt]sx?|vue|svelte)\Z")
_OF_DEVELOPERS: Final = re.compile(
    r"(?:.*/)?(?:__tests__|__mocks__|tests?|e2e|cypress|spec|stories|scripts|\.storybook|dist|build|coverage)/|"
    r".*\.(?:test|spec|stories|e2e|bench|config|setup|d)\.[cm]?[jt]sx?\Z|(?:.*/)?(?:gulpfile|Gruntfile|setupTests)\.[cm]?[jt]s\Z|"
    r"(?:.*/)?\.[\w.-]+\Z"
)
_LOADED_CONFIGURATION: Final = re.compile(r"next\.config\.[cm]?[jt]s|server\.config\.[cm]?js")
_IMPORT: Final = re.compile(
    r"\bimport\s+(type\b)?(?:[^'\"`;()]*?\bfrom\s*)?[\"']([^\"'\n]+)[\"']|"
    r"\bexport\s+(type\b)?[^'\"`;()]*?\bfrom\s*[\"']([^\"'\n]+)[\"']|"
    r"\b(?:require|import)\s*\(\s*[\"']([^\"'\n]+)[\"']"
)


class Manifest:
    """A package.json in a folder of the context: what it asks for, to run and to develop."""

    def __init__(self, package: dict[str, Any], folder: str, context: BuildContext) -> None:
        self.package: Final = package
        self.folder: Final = folder
        self._context: Final = context
        self.running: Final = frozenset(
            name for kind in ("dependencies", "optionalDependencies") for name in group(package, kind)
        )
        self.developing: Final = frozenset(group(package, "devDependencies")) - self.running

    def require_no_developers(self, project: Project) -> None:
        """Raise unless the running program is known to do without the packages for developers."""
        if name := next(iter(sorted(_KEEPS_OUTSIDE & (self.running | self.developing))), ""):
            raise UnsplitError(f"{name} keeps programs outside of the project")
        packages = DevelopmentPackages(self.running, self._context.read(self._path("package-lock.json")) or "")
        start, program = project.start, project.program
        for command in start.commands if start else ():
            if reason := packages.needed_by(command):
                raise UnsplitError(f"a container starts something that needs more packages: {reason}")
        imported = imported_packages(project, program) if program else program
        if imported:
            for file, name in imported.packages:
                # What is imported for its types alone is not there when the program runs.
                if not packages.keeps(name) and name in _imported(self._context.read(file) or ""):
                    raise UnsplitError(f"{file} imports {name}, which may be gone")
            return
        for path in _sources(self.folder, self._context):
            for name in sorted(_imported(self._context.read(path) or "") & self.developing):
                raise UnsplitError(f"{path} imports {name}, which is one of devDependencies")

    def _path(self, name: str) -> str:
        return posixpath.join(self.folder, name)

    def has(self, name: str) -> bool:
        """Whether a file is beside it."""
        return self._context.status(self._path(name)) in ("present", "unreadable")


def _sources(folder: str, context: BuildContext) -> Iterator[str]:
    """The files that may run, and configuration that is read when the program starts."""
    paths = context.walk(folder, lambda name: _SOURCE.match(name) is not None)
    if paths is None or len(paths) > MOST_SOURCES:
        raise UnsplitError("there are more sources than are read" if paths else "the build context is not known")
    for path in paths:
        inner = path[len(folder) + 1 :] if folder else path
        if not _OF_DEVELOPERS.match(inner) or _LOADED_CONFIGURATION.fullmatch(inner):
            yield path


def _imported(text: str) -> set[str]:
    found: set[str] = set()
    for match in _IMPORT.finditer(text):
        is_type, imported, is_exported_type, exported, required = match.groups()
        name = imported or exported or required
        if name and not (is_type or is_exported_type):
            found.add(package_of(name))
    return found - {""}
