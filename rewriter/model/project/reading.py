"""Which reader a program's sources need."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from rewriter.model.project.answers import Program, Routes, Unknown, Writes
from rewriter.model.project.dependencies import Dependencies
from rewriter.model.project.environment import Environment
from rewriter.model.project.findings import Findings
from rewriter.model.project.sources import Sources


def findings_of(
    sources: Sources,
    program: Program,
    environment: Environment,
    dependencies: Dependencies | Unknown,
) -> Findings | Unknown:
    """What the sources of a program say; unknown where they cannot be read."""
    try:
        return _read(sources, program, environment, dependencies)
    except RecursionError:
        return Unknown("the sources are nested too deep")


def _read(
    sources: Sources,
    program: Program,
    environment: Environment,
    dependencies: Dependencies | Unknown,
) -> Findings | Unknown:
    if 0 <= program.stage < len(sources.graph.stages):
        sources = sources.within(sources.graph.stages[program.stage])
    environment = environment.over(variables_beside(program, sources, ".env"))
    match program.language:
        case "python":
            from rewriter.model.project.python_source import read_python

            return read_python(sources, program, environment)
        case "javascript" if program.name.startswith("next "):
            return _next(sources, program)
        case "javascript":
            from rewriter.model.project.javascript_source import read_javascript

            return read_javascript(sources, program, environment)
        case "go":
            from rewriter.model.project.go_source import read_go

            return read_go(sources, program, environment)
        case "ruby" if program.name in ("rails server", "puma"):
            from rewriter.model.project.other_sources import read_rails

            return read_rails(sources, program)
        case "java" if dependencies:
            from rewriter.model.project.other_sources import read_spring

            return read_spring(sources, dependencies.names)
        case "":
            return Unknown(f"what `{program.name}` is written in is not known")
        case language:
            return Unknown(f"sources of {language} are not read")


_LINE: Final = re.compile(r"(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*(.*?)[ \t\r]*$")


def variables_beside(program: Program, sources: Sources, name: str) -> dict[str, str | None]:
    """The variables of a file beside the program, such as `.env`, which most projects that have one read."""
    origin = sources.origin(posixpath.join(program.folder, name)) if program.folder else ""
    text = sources.read(origin) if origin else ""
    if not isinstance(text, str):
        return {}
    return {match[1]: match[2].strip("\"'") for match in _LINE.finditer(text) if "$" not in match[2]}


def _next(sources: Sources, program: Program) -> Findings | Unknown:
    """Next.js takes its routes from files, and writes its cache: https://nextjs.org/docs/app/guides/self-hosting"""
    from rewriter.model.project.next_pages import page_routes, possible_writers

    for place in sources.places(posixpath.join(program.folder, "package.json")) if program.folder else ():
        origin = sources.within(place.stage).origin(place.path)
        if origin:
            routes = page_routes(sources, posixpath.dirname(origin))
            cache = posixpath.join(program.folder, ".next/cache")
            writes = Writes((cache,), possible_writers(sources, posixpath.dirname(origin)))
            unread = () if routes else ("no pages are in the build context",)
            return Findings(("Next",), routes=Routes(routes, unread), writes=writes)
    return Unknown("the project of Next.js is not in the build context")
