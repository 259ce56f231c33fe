"""What the project of a build context is: what it starts, in which language and framework, where it listens and writes.

Every answer is a value or `Unknown` with the reason (see `answers`). Each is found out when it is first asked for, from
manifests, scripts and sources of the context, which are read as data within bounds, and never run.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rewriter.model.context.build_context import BuildContext
    from rewriter.model.project.answers import (
        Address,
        Gate,
        Packages,
        Port,
        Program,
        Route,
        Routes,
        Script,
        Start,
        Unknown,
        Writes,
    )
    from rewriter.model.project.dependencies import Dependencies
    from rewriter.model.project.environment import Environment
    from rewriter.model.project.findings import Findings
    from rewriter.model.project.ports import Listening
    from rewriter.model.project.sources import Sources
    from rewriter.model.stages import Stage
    from rewriter.model.state import States

HEALTH_PATHS: Final = (
    "/health", "/healthz", "/healthcheck", "/health-check", "/api/health", "/api/healthz", "/api/healthcheck",
    "/api/v1/health", "/v1/health", "/up", "/livez", "/live", "/readyz", "/ready", "/ping", "/status", "/api/ping",
    "/api/status", "/actuator/health", "/_health", "/-/healthy", "/heartbeat", "/health/live", "/health/ready",
    "/api/v1/healthz", "/api/v1/ping",
)  # fmt: skip
"""The paths that applications report their health at, the most telling first."""

_TLS: Final = ("--ssl-keyfile", "--ssl-certfile", "--ssl-certificate", "--certfile", "--cert")
_OF_IMAGES: Final = {"python": "python", "node": "javascript", "ruby": "ruby", "php": "php"}


class Project:
    """What a stage's image runs. Asking costs nothing before the first question."""

    def __init__(self, stage: Stage, states: States, context: BuildContext) -> None:
        self._stage: Final = stage
        self._states: Final = states
        self._context: Final = context

    @cached_property
    def sources(self) -> Sources:
        """The files of the image, traced to the context and read within bounds."""
        from rewriter.model.project.sources import Sources

        return Sources(self._stage, self._states, self._context)

    @cached_property
    def environment(self) -> dict[str, str | None]:
        """The variables that ENV gives a container; None is one whose value is not known."""
        from rewriter.model.project.start import environment_of

        return environment_of(self._stage, self._states)

    @cached_property
    def variables(self) -> Environment:
        """The variables that the program sees: those of the container, over them those of its start script."""
        from rewriter.model.project.environment import Environment

        program = self.program
        return Environment(self.environment, dict(program.variables) if program else {})

    # What runs

    @cached_property
    def start(self) -> Start | Unknown:
        """The commands that a container runs, through CMD, ENTRYPOINT, scripts and tasks; the last is the server."""
        from rewriter.model.project.program import up_to_server
        from rewriter.model.project.start import start_of

        start = start_of(self.sources)
        return up_to_server(start, self.sources) if start else start

    @cached_property
    def program(self) -> Program | Unknown:
        """The program that serves in the end, and the file of the context that it runs."""
        from rewriter.model.project.program import program_of

        start = self.start
        return program_of(start, self.sources) if start else start

    @cached_property
    def processes(self) -> dict[str, str]:
        """The process types of a Procfile beside the program, which may start this image in other ways."""
        from rewriter.model.project.tasks import processes_of

        return processes_of(self.sources, self._states.at_end(self._stage).workdir) or {}

    @cached_property
    def language(self) -> str | Unknown:
        """`python`, `javascript` (TypeScript as well), `go`, `java`, `ruby`, `php` or `csharp`.

        Where the program is not known, that of the official image at the bottom.
        """
        from rewriter.model.project.answers import Unknown

        program = self.program
        if not program:
            origin = self._stage.origin
            return _OF_IMAGES.get(origin.family if origin else "", program)
        return program.language or Unknown(f"what `{program.name}` is written in is not known")

    @cached_property
    def framework(self) -> str | Unknown:
        """`FastAPI`, `Flask`, `Django`, `Express`, `Nest`, `Next`, `gin`, `Spring`, ..."""
        from rewriter.model.project.frameworks import framework_of

        language = self.language
        return framework_of(
            self.program, self.findings, self.dependencies, language if isinstance(language, str) else ""
        )

    # How it is built

    @cached_property
    def dependencies(self) -> Dependencies | Unknown:
        """The packages that the manifests ask for; those of `devDependencies` as `dev:name`."""
        from rewriter.model.project.dependencies import dependencies_of

        return dependencies_of(self.sources)

    @cached_property
    def packages(self) -> Packages | Unknown:
        """Who installs the dependencies, from which manifest, by which lock file."""
        from rewriter.model.project.dependencies import packages_of

        return packages_of(self.sources)

    @cached_property
    def build_script(self) -> Script | Unknown:
        """The script of package.json that a RUN builds the project with, and the folder that it fills."""
        from rewriter.model.project.dependencies import build_script_of

        return build_script_of(self.sources)

    # Where it listens

    @cached_property
    def _listening(self) -> Listening:
        from rewriter.model.project.ports import listening_of

        return listening_of(self.program, self.findings, self.framework, self.sources, self.variables)

    @property
    def port(self) -> Port | Unknown:
        """The port that the server listens on: by command line, variable, configuration, source, default, EXPOSE."""
        return self._listening.port

    @property
    def address(self) -> Address | Unknown:
        """The address that the server binds."""
        return self._listening.address

    @cached_property
    def exposed(self) -> tuple[int, ...] | Unknown:
        """The TCP ports that EXPOSE names."""
        from rewriter.model.project.ports import exposed_by

        return exposed_by(self.sources)

    @cached_property
    def is_worker(self) -> bool:
        """Whether the program is known to serve no port, such as a Celery worker."""
        from rewriter.model.project.servers import SERVERS

        program = self.program
        row = SERVERS.get(program.name) if program else None
        return row is not None and row.port == -1

    # What its source says

    @cached_property
    def findings(self) -> Findings | Unknown:
        """What the source of the program says, as far as it can be read."""
        from rewriter.model.project.reading import findings_of

        program = self.program
        return findings_of(self.sources, program, self.variables, self.dependencies) if program else program

    @cached_property
    def routes(self) -> Routes | Unknown:
        """The GET routes with literal paths that the source defines."""
        findings = self.findings
        return findings.routes if findings else findings

    @cached_property
    def health_route(self) -> Route | Unknown:
        """The route to ask for the program's health, without anything that may refuse; unknown where there is none."""
        from rewriter.model.project.answers import Unknown

        routes = self.routes
        if not routes:
            assert isinstance(routes, Unknown)
            return routes
        for path in HEALTH_PATHS:
            for written in (path, f"{path}/"):
                route = routes.find(written)
                if route is not None and not route.doubts:
                    return route
        return Unknown("the source defines no health route that is sure to answer")

    @cached_property
    def serves_root(self) -> bool | Unknown:
        """Whether `/` is a GET route that nothing refuses."""
        from rewriter.model.project.answers import Unknown

        routes = self.routes
        if isinstance(routes, Unknown):
            return routes
        route = routes.find("/")
        if route is not None:
            return not route.doubts
        return Unknown(routes.unread[0]) if routes.unread else False

    @cached_property
    def gates(self) -> tuple[Gate, ...] | Unknown:
        """What refuses a request to 127.0.0.1: allowed hosts, or https that is forced."""
        from rewriter.model.project.answers import Gate
        from rewriter.model.project.options import option_value

        findings, program = self.findings, self.program
        if not findings:
            return findings
        named = next((name for name in _TLS if program and option_value(program.arguments, name) is not None), "")
        return (*findings.gates, Gate("https", named)) if named else findings.gates

    @cached_property
    def writes(self) -> Writes | Unknown:
        """Where the program's own sources write, by absolute paths in the image.

        What libraries write is not seen, and what runs before the program is not looked at.
        """
        findings, start = self.findings, self.start
        if not findings:
            return findings
        before = [command.text for command in start.commands[:-1]] if start else []
        reasons = [f"what `{command}` writes is not known" for command in before]
        return findings.writes._replace(unread=(*findings.writes.unread, *findings.unread, *reasons))
