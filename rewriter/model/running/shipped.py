"""An image that leaves the build, with all that is known of how it runs."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final, NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.services import Service, Services
from rewriter.model.project import Project
from rewriter.model.project.answers import Program, Start, Unknown
from rewriter.model.project.program import program_of, up_to_server
from rewriter.model.project.start import start_of
from rewriter.model.stages import Stage
from rewriter.model.state import State, States
from rewriter.syntax.tree import Add, Cmd, Copy, Entrypoint, Instruction, Run

COMMENT: Final = re.compile(r"(?m)^[ \t]*#.*")
"""A comment of a shell script."""


class Doubt(NamedTuple):
    """Why something cannot be done. `{line}` stands for the line of `mentions`."""

    reason: str
    mentions: Instruction | None = None


class Beginning(NamedTuple):
    """A way in which a container starts: what runs, and the program that serves; `of` is the service that wants it."""

    start: Start | Unknown
    program: Program | Unknown
    of: Service | None


class Shipped:
    """An image that leaves the build: that of a stage, with the services that run it."""

    def __init__(
        self, stage: Stage, states: States, project: Project, services: Services, context: BuildContext
    ) -> None:
        self.stage: Final = stage
        self.states: Final = states
        self.project: Final = project
        self.context: Final = context
        self._services: Final = services

    @property
    def end(self) -> State:
        """What is in force when the container starts."""
        return self.states.at_end(self.stage)

    @property
    def workdir(self) -> str:
        """The folder in which the program starts; empty where it is not known."""
        return self.end.workdir

    @cached_property
    def steps(self) -> tuple[Instruction, ...]:
        """The instructions of the stage and of those below it, in the order in which they are built."""
        return tuple(one for stage in reversed(list(self.stage.lineage)) for one in stage.instructions)

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The RUNs among the steps."""
        return tuple(one for one in self.steps if isinstance(one, Run))

    @cached_property
    def copies(self) -> tuple[Copy, ...]:
        """The COPYs and ADDs among the steps."""
        return tuple(one for one in self.steps if isinstance(one, Copy) and len(one.paths) > 1)

    @cached_property
    def services(self) -> tuple[Service, ...]:
        """The compose services that run the image."""
        return self._services.of(self.stage)

    @property
    def services_by_image(self) -> tuple[Service, ...]:
        """The compose services that start an image by its name which may be this one."""
        return self._services.by_image if self.stage.is_final else ()

    @property
    def unread_services(self) -> tuple[str, ...]:
        """Why there may be other services."""
        return self._services.unread

    @cached_property
    def beginnings(self) -> tuple[Beginning, ...]:
        """All ways in which a container starts: by CMD and ENTRYPOINT, and as the services ask for it."""
        found = [Beginning(self.project.start, self.project.program, None)]
        sources = self.project.sources
        for service in self.services:
            if service.command is None and service.entrypoint is None:
                continue
            start = start_of(sources, entrypoint=service.entrypoint, command=service.command)
            start = up_to_server(start, sources) if start else start
            found.append(Beginning(start, program_of(start, sources) if start else start, service))
        return tuple(found)

    def words_of(self, beginning: Beginning) -> str:
        """What is written on the way to a program: CMD and ENTRYPOINT, scripts, commands, a service's words."""
        start, service = beginning.start, beginning.of
        scripts = [self.project.sources.read(script) for script in start.scripts] if start else []
        texts = [COMMENT.sub("", one) for one in scripts if isinstance(one, str)]
        texts += [one.arguments for one in self.steps if isinstance(one, Cmd | Entrypoint)]
        texts += [one.text for one in start.commands] if start else []
        if service:
            texts += [" ".join(service.command or ()), " ".join(service.entrypoint or ())]
        return "\n".join(texts)


def downloads(copy: Copy) -> bool:
    """Whether an ADD downloads a file, which then only its owner may read: its mode is 600.

    https://docs.docker.com/reference/dockerfile/#add
    """
    is_remote = any(source.startswith(("http://", "https://")) and ".git" not in source for source in copy.sources)
    return isinstance(copy, Add) and is_remote and not copy.flag("chmod")


def text_of(run: Run) -> str:
    """What a RUN executes, here-documents included, without its flags."""
    bodies = [run.dockerfile.text[slice(*heredoc.body)] for heredoc in run.heredocs]
    return "\n".join([run.arguments, *bodies])
