"""Which images a health check is for: those that ship, have none yet, and always run the same program."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from rewriter.model.context.services import Service, Services
from rewriter.model.health.question import Question
from rewriter.model.health.speech import TLS_OPTIONS
from rewriter.model.managers.vocabulary import names
from rewriter.model.project import Project
from rewriter.model.project.program import program_of, up_to_server
from rewriter.model.project.servers import SERVERS
from rewriter.model.project.start import start_of
from rewriter.model.stages import Stage
from rewriter.syntax.tree import Cmd, Entrypoint, Healthcheck

_SUPERVISORS: Final = names("supervisord s6-svscan runsvdir runit monit circusd honcho foreman pm2 pm2-runtime")
_VARIABLE: Final = re.compile(r"(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=")
_ROLE: Final = re.compile(
    r"(?i)(?:\A|_)(?:role|mode|type|kind|process|component|worker|run|command|cmd|service)(?:_|\Z)"
)
_ONCE: Final = names("web release")


def is_shipped(stage: Stage, services: Services) -> bool:
    """Whether an image runs what a stage starts: that of the last stage, or one that a compose service builds.

    It is that of the stage itself, or of one based on it that starts nothing else.
    """
    waiting = [stage]
    while waiting:
        one = waiting.pop()
        if services.ships(one):
            return True
        waiting += [child for child in one.children if not _commands(child)]
    return False


def _commands(stage: Stage) -> list[Cmd | Entrypoint]:
    return [one for one in stage.instructions if isinstance(one, Cmd | Entrypoint)]


def settled(stage: Stage) -> bool:
    """Whether a HEALTHCHECK is in force, be it NONE: it stands in the stage, or in one that it is based on."""
    return any(map(_checks_itself, stage.lineage))


def _checks_itself(stage: Stage) -> bool:
    return any(isinstance(one, Healthcheck) for one in (*stage.instructions, *stage.triggers))


def set_by_services(stage: Stage, project: Project, services: Services) -> frozenset[str]:
    """The variables that the services of an image set, also by files that can be read."""
    found: set[str] = set()
    for service in (service for one in stage.family for service in services.of(one)):
        found |= service.variables
        for path in service.env_files:
            text = project.sources.context.host.read(path) or ""
            found |= {match[1] for match in _VARIABLE.finditer(text)}
    return frozenset(found)


def others_that_run(stage: Stage, project: Project, services: Services, question: Question) -> str:
    """Why a check would be wrong for some containers of the image, or not needed; empty if for none.

    The images of stages that are based on it inherit the check, so they count as well.
    """
    if stage.triggers:
        return "images that are based on it (ONBUILD) would inherit the check"
    for one in stage.family:
        if one is not stage and _commands(one) and not _checks_itself(one):
            return f"stage {one.name or one.index}, which is based on it, runs another command"
        for service in services.of(one):
            if reason := _differs(service, services.of(one), project, question):
                return reason
    for name in project.processes:
        if name not in _ONCE:
            return f"the Procfile starts {name} as well"
    return _roles(project)


def _differs(service: Service, services: Sequence[Service], project: Project, question: Question) -> str:
    """Why the check is not for a service. Another command is fine where it serves the same on the same port."""
    alike = [one for one in services if one.name == service.name]
    is_checked = any(one.health_command is not None for one in alike)
    is_other = service.command is not None or service.entrypoint is not None
    if is_checked and not is_other:
        return f"{service} has a health check of its own"
    if is_checked:
        return ""
    if not is_other:
        return _listens_elsewhere(service, alike, project, question) or _has_another_role(service, services, project)
    is_served = any(question.port in one.ports for one in alike)
    return "" if is_served and _answers(service, project, question) else f"{service} runs another command"


def _listens_elsewhere(service: Service, alike: Sequence[Service], project: Project, question: Question) -> str:
    """Why a service may not listen where EXPOSE alone says; empty where nothing speaks against it."""
    ports = [port for one in alike for port in one.ports]
    is_told = not project.port or project.port.origin != "EXPOSE"
    is_followed = any(question.variable in one.variables for one in alike)
    if is_told or is_followed or not ports or question.port in ports:
        return ""
    return f"{service} asks for port {ports[0]}, and EXPOSE names {question.port}"


def _has_another_role(service: Service, services: Sequence[Service], project: Project) -> str:
    """Why the environment of a service may make it another program than that of the same image beside it."""
    own = _environment(service.name, services)
    publishes = any(one.ports for one in services if one.name == service.name)
    others = {one.name for one in services if one.name != service.name and one.command is None
              and one.entrypoint is None}  # fmt: skip
    for name in sorted(others) if not publishes else ():
        differing = {variable for variable, _ in own ^ _environment(name, services)}
        is_published = any(one.ports for one in services if one.name == name)
        if differing and (is_published or any(_decides(variable, project) for variable in differing)):
            return f"{service} has another environment than {name}, which may run something else"
    return ""


def _environment(name: str, services: Sequence[Service]) -> frozenset[tuple[str, str]]:
    alike = [one for one in services if one.name == name]
    files = {(path, "") for one in alike for path in one.env_files}
    return frozenset({pair for one in alike for pair in one.environment} | files)


def _decides(variable: str, project: Project) -> bool:
    """Whether a variable is called as those that tell what to run, and what starts the container may read it."""
    if not _ROLE.search(variable):
        return False
    scripts = project.start.scripts if project.start else ()
    if not project.findings:
        return True
    texts = map(project.sources.read, (*scripts, *project.findings.files))
    return any(isinstance(text, str) and variable in text for text in texts)


def _answers(service: Service, project: Project, question: Question) -> bool:
    """Whether the command of a service answers the question that is for the image's own."""
    if any(word.startswith(TLS_OPTIONS) for word in service.command or ()):
        return question.kind == "connection"
    if question.kind != "status" or not project.program or not project.program.file:
        return True
    start = start_of(project.sources, entrypoint=service.entrypoint, command=service.command)
    program = program_of(up_to_server(start, project.sources), project.sources) if start else start
    return program.file in ("", project.program.file) if program else False


def _roles(project: Project) -> str:
    """Why the container may run something else than its program."""
    program, start = project.program, project.start
    if not program or not start:
        return ""
    if program.name in _SUPERVISORS:
        return f"{program.name} runs several programs"
    for command in start.commands[:-1]:
        name = command.words[0].value.rpartition("/")[2]
        if command.is_conditional and name != program.name and name in SERVERS:
            return f"`{command.text}` may run instead"
    return ""
