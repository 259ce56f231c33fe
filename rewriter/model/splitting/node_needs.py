"""What a running Node program needs of its packages: whether those for developers can go.

Sources are searched for imports. One that is listed but cannot be read is trusted to keep to package.json.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.installing.development_packages import DevelopmentPackages
from rewriter.model.installing.locks.package_json import group, read_object
from rewriter.model.managers.vocabulary import names
from rewriter.model.project import Project
from rewriter.model.project.imports import imported_packages, package_of
from rewriter.model.splitting.parts import UnsplitError
from rewriter.model.state import State

MOST_SOURCES: Final = 2_000

_KEEPS_OUTSIDE: Final = names(
    "puppeteer playwright @playwright/test playwright-chromium cypress electron nightmare @sparticuz/chromium"
)
"""Packages whose install puts programs into the home folder."""

_PUPPETEER: Final = names("puppeteer")
_NO_DOWNLOAD: Final = ("PUPPETEER_SKIP_DOWNLOAD", "PUPPETEER_SKIP_CHROMIUM_DOWNLOAD")
"""https://pptr.dev/guides/configuration#environment-variables"""
_LOCKS: Final = ("package-lock.json", "yarn.lock", "pnpm-lock.yaml")
_LOCKS_PUPPETEER: Final = re.compile(r"(?m)node_modules/puppeteer\"|^[\"' ]*/?puppeteer[@/]")

_SOURCE: Final = re.compile(r".*\.(?:[cm]?[jt]sx?|vue|svelte)\Z")
_OF_DEVELOPERS: Final = re.compile(
    r"(?:.*/)?(?:__tests__|__mocks__|tests?|e2e|cypress|spec|stories|scripts|\.storybook|dist|build|coverage)/|"
    r".*\.(?:test|spec|stories|e2e|bench|config|setup|d)\.[cm]?[jt]sx?\Z|(?:.*/)?(?:gulpfile|Gruntfile|setupTests)\.[cm]?[jt]s\Z|"
    r"(?:.*/)?\.[\w.-]+\Z"
)
_LOADED_CONFIGURATION: Final = re.compile(r"next\.config\.[cm]?[jt]s|server\.config\.[cm]?js")
_TARGET: Final = re.compile(r"\btarget\s*:\s*[\"']([^\"'\n]+)[\"']")
"""What writes the messages of pino, loaded by its name: https://getpino.io/#/docs/transports"""
_IMPORT: Final = re.compile(
    r"\bimport\s+(type\b)?(?:[^'\"`;()]*?\bfrom\s*)?[\"']([^\"'\n]+)[\"']|"
    r"\bexport\s+(type\b)?[^'\"`;()]*?\bfrom\s*[\"']([^\"'\n]+)[\"']|"
    r"\b(?:require|import)\s*\(\s*[\"']([^\"'\n]+)[\"']"
)


class Manifest:
    """A package.json in a folder of the context: what it asks for, to run and to develop.

    Those in the folders below count where it says that they are its workspaces.
    """

    def __init__(self, package: dict[str, Any], folder: str, context: BuildContext) -> None:
        self.package: Final = package
        self.folder: Final = folder
        self._context: Final = context
        self._members: Final = _members(folder, context) if self._has_workspaces() else {}
        packages = [package, *self._members.values()]
        self.running: Final = frozenset(name for one in packages for name in _running(one))
        developing = frozenset(name for one in packages for name in group(one, "devDependencies"))
        self.developing: Final = developing if self._members else developing - self.running

    @property
    def scripts(self) -> frozenset[str]:
        """The names of its scripts, and of those of its workspaces."""
        return frozenset(name for one in (self.package, *self._members.values()) for name in group(one, "scripts"))

    def _has_workspaces(self) -> bool:
        return bool(self.package.get("workspaces")) or self.has("pnpm-workspace.yaml")

    def require_no_programs_outside(self, state: State) -> None:
        """Raise if an install puts programs into the home folder; `state` is that in which it runs."""
        outside = _KEEPS_OUTSIDE - (_PUPPETEER if any(map(state.is_set, _NO_DOWNLOAD)) else frozenset())
        name = next(iter(sorted(outside & (self.running | self.developing))), "")
        if (
            not name
            and not _PUPPETEER.isdisjoint(outside)
            and any(map(_LOCKS_PUPPETEER.search, map(self.read, _LOCKS)))
        ):
            name = "puppeteer"
        if name:
            raise UnsplitError(f"{name} keeps programs outside of the project")

    def require_no_developers(self, project: Project, is_installed: Callable[[str], bool]) -> None:
        """Raise unless the running program is known to do without the packages for developers.

        `is_installed` says of a program whether it comes from beside the project.
        """
        # https://github.com/vercel/next.js/issues/81797
        if "typescript" in self.developing and self.has("next.config.ts"):
            raise UnsplitError("Next.js reads next.config.ts with typescript, which is one of devDependencies")
        for word in re.split(r"[\s=]+", project.environment.get("NODE_OPTIONS") or ""):
            if package_of(word) in self.developing:
                raise UnsplitError(f"NODE_OPTIONS loads {package_of(word)}, which is one of devDependencies")
        lock = self.read("package-lock.json")
        packages = DevelopmentPackages(self.running, lock)
        start, program = project.start, project.program
        for command in start.commands if start else ():
            reason, name = packages.needed_by(command), posixpath.basename(command.words[0].value)
            if not reason and "ts-node" in command.text and "ts-node" in self.developing:
                reason, name = f"`{command.text}` runs TypeScript by a development package", "node"
            if reason and (name in ("node", "nodejs") or not is_installed(name)):
                raise UnsplitError(f"a container starts something that needs more packages: {reason}")
        self._require_targets()
        imported = imported_packages(project, program) if program else program
        if not imported:
            self._require_of(_sources(self.folder, self._context))
            return
        for file, name in imported.packages:
            # What is imported for its types alone is not there when the program runs.
            if name in _imported(self._context.read(file) or ""):
                is_kept = name in self._kept_for(file) if self._members else packages.keeps(name)
                if not is_kept and name in self.developing:
                    raise UnsplitError(f"{file} imports {name}, which is one of devDependencies")
                if not is_kept and not DevelopmentPackages(frozenset(), lock).keeps(name):
                    raise UnsplitError(f"{file} imports {name}, which may be gone")
        self._require_of_members({name for _, name in imported.packages})

    def _require_of_members(self, imported: Collection[str]) -> None:
        """Raise unless the workspaces that are imported, and those that they import, do without them."""
        named = {str(package.get("name")): folder for folder, package in self._members.items()}
        pending = [name for name in sorted(imported) if name in named]
        seen = set(pending)
        while pending:
            paths = list(_sources(named[pending.pop()], self._context))
            self._require_of(paths)
            found = {name for path in paths for name in _imported(self._context.read(path) or "")}
            pending += sorted((found & named.keys()) - seen)
            seen |= found

    def _require_targets(self) -> None:
        for path in _sources(self.folder, self._context):
            gone = self.developing - self._kept_for(path)
            for name in map(package_of, _TARGET.findall(self._context.read(path) or "")):
                if name in gone:
                    raise UnsplitError(f"{path} loads {name}, which is one of devDependencies")

    def _require_of(self, paths: Iterable[str]) -> None:
        for path in paths:
            gone = self.developing - self._kept_for(path)
            for name in sorted(_imported(self._context.read(path) or "") & gone):
                raise UnsplitError(f"{path} imports {name}, which is one of devDependencies")

    def _kept_for(self, path: str) -> frozenset[str]:
        """The packages that a source asks for to run: those of its own workspace, and those of the project."""
        folders = [folder for folder in self._members if path.startswith(f"{folder}/")]
        own = _running(self._members[max(folders, key=len)]) if folders else frozenset()
        return own | _running(self.package)

    def _path(self, name: str) -> str:
        return posixpath.join(self.folder, name)

    def read(self, name: str) -> str:
        """The text of a file beside it, empty where there is none that can be read."""
        return self._context.read(self._path(name)) or ""

    def has(self, name: str) -> bool:
        """Whether a file is beside it."""
        return self._context.status(self._path(name)) in ("present", "unreadable")


def _running(package: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(name for kind in ("dependencies", "optionalDependencies") for name in group(package, kind))


def _members(folder: str, context: BuildContext) -> dict[str, dict[str, Any]]:
    """The package.json of each folder below one."""
    paths = context.walk(folder, lambda name: name == "package.json")
    if paths is None:
        raise UnsplitError("the build context is not known")
    found: dict[str, dict[str, Any]] = {}
    for path in paths:
        if (place := posixpath.dirname(path)) != folder:
            package = read_object(context.read(path) or "")
            if package is None:
                raise UnsplitError(f"{path} cannot be read")
            found[place] = package
    return found


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
