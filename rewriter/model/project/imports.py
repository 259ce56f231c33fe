"""The packages that a program's own sources import, from its file on."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Program, Unknown

if TYPE_CHECKING:
    from rewriter.model.project import Project
    from rewriter.model.project.javascript_values import Script

_MOST_LOADED: Final = 1000
_PACKAGE: Final = re.compile(r"(@[^/]+/[^/]+|[^@./][^/]*)")
# https://nodejs.org/docs/latest-v20.x/api/module.html#modulebuiltinmodules
BUILT_IN: Final = names(
    "assert async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel dns domain "
    "events fs http http2 https inspector module net os path perf_hooks process punycode querystring readline repl "
    "stream string_decoder sys timers tls trace_events tty url util v8 vm wasi worker_threads zlib"
)
"""The modules that Node has itself, which programs may name without `node:`."""


# They load files of the project that their callers do not name.
_LOADERS: Final = names(
    "@fastify/autoload fastify-autoload require-dir require-all require-directory include-all "
    "consign express-load glob fast-glob globby tiny-glob typeorm @nestjs/typeorm umzug awilix"
)
_PYTHON_LOADERS: Final = names("importlib pkgutil runpy celery dramatiq huey rq arq flask_appbuilder stevedore")
_SCRIPTS: Final = (".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx")
_FOR_TESTS: Final = re.compile(
    r"(?:^|/)(?:tests?|__tests__|__mocks__|spec|e2e|cypress)/|[.-](?:test|spec|config|d)\.\w+\Z|(?:^|/)(?:test_|conftest)"
)


class Imports(NamedTuple):
    """Packages with the files that import them.

    `files` are the sources that the program runs, and those that it may load by names that it puts together.
    """

    packages: tuple[tuple[str, str], ...]
    files: tuple[str, ...] = ()


def package_of(module: str) -> str:
    """The package that an imported module belongs to; empty for files and for what Node has itself."""
    found = _PACKAGE.match(module)
    return found[1] if found and not module.startswith("node:") else ""


def imported_packages(project: Project, program: Program) -> Imports | Unknown:
    """What the sources of a program for Node import; unknown where one of them cannot be read."""
    from rewriter.model.project.javascript_values import Scripts

    if program.language != "javascript" or not program.file or program.name not in ("node", "nodejs"):
        return Unknown(f"the source of `{program.target or program.name}` is not in the build context")
    sources = project.sources
    if 0 <= program.stage < len(sources.graph.stages):
        sources = sources.within(sources.graph.stages[program.stage])
    scripts = Scripts(sources, project.variables)
    first = scripts.add(program.file, program.path)
    if first is None:
        return Unknown(scripts.unread[-1])
    scripts.follow(first)
    if scripts.unread:
        return Unknown(scripts.unread[0])
    found = {
        (script.file, name)
        for script in scripts.by_path.values()
        for module in script.required
        if (name := package_of(module))
    }
    files = {script.file for script in scripts.by_path.values()}
    for folder in sorted(set(_loaded_folders(scripts.by_path.values(), first))):
        below = _sources_below(sources.context, folder, _SCRIPTS)
        if below is None:
            return Unknown(f"which of the files in {folder or 'the build context'} are loaded cannot be told")
        files.update(below)
    return Imports(tuple(sorted(found)), tuple(sorted(files)))


def _loaded_folders(scripts: Iterable[Script], first: Script) -> Iterator[str]:
    """The folders of the context with files that are loaded by names that are put together."""
    for script in scripts:
        if script.loads_by_expression:
            yield posixpath.dirname(script.file)
        if not _LOADERS.isdisjoint(map(package_of, script.required)):
            yield posixpath.dirname(first.file)


def _sources_below(context: BuildContext, folder: str, endings: tuple[str, ...]) -> list[str] | None:
    """The sources in a folder and below, without tests and settings of tools; None where that is not known."""
    found = context.walk(folder, lambda name: name.endswith(endings))
    if found is None or len(found) > _MOST_LOADED:
        return None
    return [path for path in found if not _FOR_TESTS.search(path)]


def imported_modules(project: Project, program: Program) -> Imports | Unknown:
    """The top-level modules that the sources of a Python program import, without the project's own."""
    from rewriter.model.project.python_values import open_modules

    if program.language != "python":
        return Unknown(f"`{program.name}` is no Python program")
    if project.framework == "Django":
        return Unknown("Django is told by strings which packages to load")
    sources = project.sources
    if 0 <= program.stage < len(sources.graph.stages):
        sources = sources.within(sources.graph.stages[program.stage])
    opened = open_modules(sources, program, project.variables)
    if isinstance(opened, Unknown):
        return opened
    modules, _ = opened
    if modules.unread:
        return Unknown(modules.unread[0])
    own = {name.partition(".")[0] for name in modules.by_name}
    found = {
        (module.file, name.partition(".")[0]) for module in modules.by_name.values() for name in module.imported_modules
    }
    packages = tuple(sorted((file, name) for file, name in found if name and name not in own))
    files = {module.file for module in modules.by_name.values()}
    if any(name in _PYTHON_LOADERS for _, name in packages):
        below = _sources_below(sources.context, posixpath.dirname(program.file).partition("/")[0], (".py",))
        if below is None:
            return Unknown("which files are loaded cannot be told")
        files.update(below)
    return Imports(packages, tuple(sorted(files)))
