"""Which images a health check is for: those that ship, have none yet, and always run the same program."""

from __future__ import annotations

from typing import Final

from rewriter.model.context.services import Services
from rewriter.model.managers.vocabulary import names
from rewriter.model.project import Project
from rewriter.model.project.servers import SERVERS
from rewriter.model.stages import Stage
from rewriter.syntax.tree import Healthcheck

_SUPERVISORS: Final = names("supervisord s6-svscan runsvdir runit monit circusd honcho foreman pm2 pm2-runtime")
_ONCE: Final = names("web release")


def is_shipped(stage: Stage, services: Services) -> bool:
    """Whether the image of a stage runs: that of the last one, or one that a compose service builds."""
    return stage.is_final or bool(services.of(stage))


def settled(stage: Stage) -> bool:
    """Whether a HEALTHCHECK is in force, be it NONE: it stands in the stage, or in one that it is based on."""
    return any(
        isinstance(instruction, Healthcheck)
        for one in stage.lineage
        for instruction in (*one.instructions, *one.triggers)
    )


def others_that_run(stage: Stage, project: Project, services: Services, port: int) -> str:
    """Why a check of a port would be wrong for some containers of the image, or not needed; empty if for none.

    Another command of a compose service is fine where the service publishes or exposes the port.
    """
    if services.unread:
        return services.unread[0]
    for service in services.of(stage):
        alike = [one for one in services.of(stage) if one.name == service.name]
        is_checked = any(one.health_command is not None for one in alike)
        is_other = service.command is not None or service.entrypoint is not None
        if is_checked and not is_other:
            return f"{service} has a health check of its own"
        if is_other and not is_checked and not any(port in one.ports for one in alike):
            return f"{service} runs another command"
    for name in project.processes:
        if name not in _ONCE:
            return f"the Procfile starts {name} as well"
    return _roles(project)


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
