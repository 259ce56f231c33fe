"""The packages that a program's own sources import, from its file on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from rewriter.model.project.answers import Program, Unknown

if TYPE_CHECKING:
    from rewriter.model.project import Project

_PACKAGE: Final = re.compile(r"(@[^/]+/[^/]+|[^@./][^/]*)")


class Imports(NamedTuple):
    """Packages with the files that import them."""

    packages: tuple[tuple[str, str], ...]


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
    scripts = Scripts(sources, project.environment)
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
    return Imports(tuple(sorted(found)))


def imported_modules(project: Project, program: Program) -> Imports | Unknown:
    """The top-level modules that the sources of a Python program import, without the project's own."""
    from rewriter.model.project.python_source import open_modules

    if program.language != "python":
        return Unknown(f"`{program.name}` is no Python program")
    if project.framework == "Django":
        return Unknown("Django is told by strings which packages to load")
    sources = project.sources
    if 0 <= program.stage < len(sources.graph.stages):
        sources = sources.within(sources.graph.stages[program.stage])
    opened = open_modules(sources, program, project.environment)
    if isinstance(opened, Unknown):
        return opened
    modules, _ = opened
    if modules.unread:
        return Unknown(modules.unread[0])
    own = {name.partition(".")[0] for name in modules.by_name}
    found = {
        (module.file, name.partition(".")[0]) for module in modules.by_name.values() for name in module.imported_modules
    }
    return Imports(tuple(sorted((file, name) for file, name in found if name and name not in own)))
