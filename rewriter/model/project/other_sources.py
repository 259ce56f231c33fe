"""What is told of Rails and Spring without reading their sources: configuration, routes files, dependencies."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from rewriter.model.project.answers import Gate, Program, Route, Routes, Unknown, Writes
from rewriter.model.project.findings import Findings
from rewriter.model.project.sources import Sources

_HEALTH: Final = re.compile(r"""(?m)^\s*get\s*\(?\s*["']/?([\w/-]+)["']\s*(?:=>|,\s*to:)\s*["']rails/health#show["']""")
_SSL: Final = re.compile(r"(?m)^\s*config\.force_ssl\s*=\s*(?!false)")
_HOSTS: Final = re.compile(r"(?m)^\s*config\.hosts\b(?!\.clear|\s*=\s*nil)")
_SPRING_FILES: Final = frozenset({"application.properties", "application.yml", "application.yaml"})
_SPRING_SSL: Final = re.compile(r"(?m)^\s*server\.ssl\.|^server:[ \t]*\r?\n(?:[ \t]+[^\n]*\n)*?[ \t]+ssl:")
_MOVED: Final = re.compile(r"context-path|base-path|management[.:]|\bssl[.:]")


def read_rails(sources: Sources, program: Program) -> Findings | Unknown:
    """The health route of Rails 7.1, `config.hosts` and `config.force_ssl`: https://guides.rubyonrails.org/configuring.html"""
    routes = _read(sources, program, "config/routes.rb")
    production = _read(sources, program, "config/environments/production.rb")
    if routes is None or production is None:
        return Unknown("the configuration of Rails is not in the build context")
    found = tuple(Route(f"/{match[1]}", "config/routes.rb") for match in _HEALTH.finditer(routes))
    gates = []
    if _SSL.search(production):
        gates.append(Gate("https", "config.force_ssl"))
    if _HOSTS.search(production):
        gates.append(Gate("host", "config.hosts"))
    unread = ("the sources of Ruby are not read",)
    return Findings(("Rails",), routes=Routes(found, unread), gates=tuple(gates), writes=Writes((), unread))


def _read(sources: Sources, program: Program, name: str) -> str | None:
    origin = sources.origin(posixpath.join(program.folder, name)) if program.folder else ""
    text = sources.read(origin) if origin else None
    return text if isinstance(text, str) else None


def read_spring(sources: Sources, dependencies: frozenset[str]) -> Findings | Unknown:
    """The health endpoint of Actuator: https://docs.spring.io/spring-boot/reference/actuator/endpoints.html"""
    if not any("spring-boot" in name for name in dependencies):
        return Unknown("the sources of java are not read")
    paths = sources.context.walk("", _SPRING_FILES.__contains__)
    texts = [sources.read(path) for path in paths or () if "src/main/resources/" in path]
    doubts = []
    if paths is None or any(not isinstance(text, str) or _MOVED.search(text) for text in texts):
        doubts.append("the configuration may move it")
    if any("spring-boot-starter-security" in name or "oauth2" in name for name in dependencies):
        doubts.append("Spring Security looks at every request")
    has_actuator = any(name.endswith("spring-boot-starter-actuator") for name in dependencies)
    routes = (Route("/actuator/health", "", tuple(doubts)),) if has_actuator else ()
    unread = ("the sources of java are not read",)
    has_tls = any(isinstance(text, str) and _SPRING_SSL.search(text) for text in texts)
    gates = (Gate("https", "server.ssl"),) if has_tls else ()
    return Findings(("Spring",), routes=Routes(routes, unread), gates=gates, writes=Writes((), unread))
