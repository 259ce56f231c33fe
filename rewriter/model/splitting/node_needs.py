"""What a running Node program needs of its packages: whether those for developers can go.

Sources are searched for imports. One that is listed but cannot be read is trusted to keep to package.json.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.managers.vocabulary import names
from rewriter.model.project import Project
from rewriter.model.project.answers import Command
from rewriter.model.project.sources import table
from rewriter.model.splitting.parts import UnsplitError

MOST_SOURCES: Final = 2_000

_PROGRAMS: Final = {
    "nest": "@nestjs/cli", "ng": "@angular/cli", "vue-cli-service": "@vue/cli-service", "tsc": "typescript",
    "remix-serve": "@remix-run/serve", "react-router-serve": "@react-router/serve", "sequelize": "sequelize-cli",
    "http-server": "http-server", "nuxi": "nuxt", "strapi": "@strapi/strapi", "medusa": "@medusajs/cli",
    "dotenvx": "@dotenvx/dotenvx", "pm2-runtime": "pm2", "mikro-orm": "@mikro-orm/cli", "svelte-kit": "@sveltejs/kit",
    "directus": "directus", "payload": "payload",
}  # fmt: skip
_OF_THE_IMAGE: Final = names(
    "node sh bash ash npm npx yarn pnpm echo exec cp mv mkdir rm cat sleep export set cd test [ true wait chown chmod "
    "printf tini dumb-init"
)
_PRELOADED: Final = ("-r", "--require", "--import", "--loader", "--experimental-loader")
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
    """A package.json: what it is installed for."""

    def __init__(self, package: dict[str, Any]) -> None:
        groups = ("dependencies", "optionalDependencies", "peerDependencies")
        self.has_workspaces: Final = bool(package.get("workspaces"))
        self.running: Final = frozenset(name for group in groups for name in table(package, group))
        self.developing: Final = frozenset(table(package, "devDependencies")) - self.running
        self.scripts: Final = table(package, "scripts")
        self.manager: Final = str(package.get("packageManager") or "")


def require_no_developers(manifest: Manifest, project: Project, folder: str, context: BuildContext) -> None:
    """Raise unless the running program is known to do without the packages for developers.

    `folder` is that of the project in the context.
    """
    if name := next(iter(sorted(_KEEPS_OUTSIDE & (manifest.running | manifest.developing))), ""):
        raise UnsplitError(f"{name} keeps programs outside of the project")
    start = project.start
    for command in start.commands if start else ():
        _require_program(command, manifest)
    for path in _sources(folder, context):
        text = context.read(path)
        for name in sorted(_imported(text or "") & manifest.developing):
            raise UnsplitError(f"{path} needs {name}, which is one of devDependencies")


def _require_program(command: Command, manifest: Manifest) -> None:
    words = [word.value for word in command.words]
    name = posixpath.basename(words[0])
    package = _PROGRAMS.get(name, name)
    if package not in _OF_THE_IMAGE and package not in manifest.running and not _is_own(words[0]):
        known = package in manifest.developing
        why = "is one of devDependencies" if known else "is not known to be one of the packages that stay"
        raise UnsplitError(f"a container starts `{name}`, which {why}")
    for option, value in pairwise(words):
        if option in _PRELOADED and not value.startswith((".", "/")) and _package_of(value) not in manifest.running:
            raise UnsplitError(f"a container loads {value}, which is not one of the packages that stay")


def _is_own(program: str) -> bool:
    return program.startswith(("./", "/")) and "node_modules" not in program


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
        if name and not (is_type or is_exported_type) and not name.startswith((".", "/", "node:", "#", "@/")):
            found.add(_package_of(name))
    return found


def _package_of(name: str) -> str:
    parts = name.split("/")
    return "/".join(parts[:2]) if name.startswith("@") else parts[0]
