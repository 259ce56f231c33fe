"""What to ask a program to learn that it still works.

A connection alone proves little: the kernel completes it for a program that hangs. So a server that is known to speak
HTTP is asked for an answer.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from rewriter.model.health.nginx import port_of_nginx
from rewriter.model.health.speech import answers_socket_io, named_configuration, speaks_http
from rewriter.model.managers.vocabulary import names
from rewriter.model.project import Project
from rewriter.model.project.answers import Gate, Port, Program, Unknown
from rewriter.model.project.findings import NOWHERE
from rewriter.model.project.program import runs_tests
from rewriter.model.project.servers import SERVERS
from rewriter.syntax.tree import Cmd, Entrypoint

LOOPBACK: Final = "127.0.0.1"
_PLAIN: Final = re.compile(r"[\w./~-]+\Z", re.ASCII)
# https://learn.microsoft.com/aspnet/core/fundamentals/servers/kestrel/endpoints,
# https://docs.spring.io/spring-boot/appendix/application-properties/
_MOVES: Final = {
    "csharp": ("ASPNETCORE_URLS", "ASPNETCORE_HTTP_PORTS", "DOTNET_URLS", "URLS"),
    "java": ("SERVER_PORT", "SPRING_PROFILES_ACTIVE"),
}
_LOADS_MODELS: Final = names(
    "torch tensorflow tensorflow-cpu keras jax transformers sentence-transformers diffusers vllm llama-cpp-python "
    "openai-whisper faster-whisper ultralytics easyocr paddlepaddle"
)
"""Packages whose models take minutes to load, or are loaded down at the first start."""
_FOR_MODELS: Final = re.compile(r"pytorch|tensorflow|vllm|transformers|cuda")
_HOSTS: Final = re.compile(r"[\w.*, -]*\Z", re.ASCII)
_EVERYWHERE: Final = ("0.0.0.0", LOOPBACK)
_DOTENV: Final = re.compile(r"dotenv|decouple|environ\.Env\b|\benv_file\b|\bviper\b")
_RAW: Final = re.compile(r"\bSOCK_DGRAM\b|\bUDPServer\b|\bcreate_datagram_endpoint\b|,\s*\w+\s*=[^=\n]*\.accept\(\)")
_OWN_ADDRESS: Final = re.compile(r"\b(?:hostname|Hostname|gethost\w+|networkInterfaces|ip\.address)\(")
"""How sources ask for the name or the address of the machine."""
_OVER_HTTP: Final = re.compile(r"[\"'](?:sse|http|streamable[-_]http)[\"']")


class Question(NamedTuple):
    """What to ask for, and where.

    `kind` is `status` for an answer below 400 from the health route `path`, `answer` for an HTTP answer of any status,
    `connection` where the server is not known to speak HTTP without TLS. `variable` as in `Port`; `host` is where to
    connect, `name` the Host to ask for, empty where any will do. Where `names` is not empty, that variable names hosts
    to ask for, between commas or blanks, and `name` is what counts without it.
    """

    kind: Literal["status", "answer", "connection"]
    port: int
    variable: str = ""
    method: Literal["GET", "HEAD"] = "HEAD"
    path: str = "/"
    host: str = LOOPBACK
    name: str = ""
    names: str = ""


def question_of(project: Project, set_by_services: frozenset[str] = frozenset()) -> Question | Unknown:
    """What to ask the program of an image; unknown where it serves nothing, or it is not known where.

    `set_by_services` are the variables that compose files give it.
    """
    program, port = project.program, _port(project)
    if program and project.is_worker:
        return Unknown(f"{program.name} serves no port")
    if program and runs_tests(program):
        return Unknown("it only runs tests")
    for answer in (program, port):
        if isinstance(answer, Unknown):
            return Unknown(f"where it listens is not known: {answer.reason}")
    assert program
    assert port
    if reason := _told_elsewhere(project, program, port) or _reason_in_source(project, program, port):
        return Unknown(reason)
    host = _host(project, program)
    if isinstance(host, Unknown):
        return host
    # What only a server itself reads, nobody sets; PORT is what platforms set.
    is_own = port.origin == "default" and port.variable not in ("PORT", *set_by_services)
    if reason := _set_elsewhere(program, port, is_own, set_by_services):
        return Unknown(reason)
    question = Question("connection", port.number, "" if is_own else port.variable, host=host)
    if not speaks_http(project, program):
        is_asked = program.name not in SERVERS and answers_socket_io(project)
        return question._replace(kind="answer", method="GET", path="/socket.io/") if is_asked else question
    gates = project.gates or ()
    route = project.health_route
    if route and not gates and _PLAIN.match(route.path):
        return question._replace(kind="status", method="GET", path=route.path)
    if _changes_something(project):
        return question
    if project.framework != "Django":
        return question._replace(kind="answer")
    return _of_django(project, question, set_by_services)


def _changes_something(project: Project) -> bool:
    """Whether a question for `/` would change something each time: visits that are counted, rows that are written."""
    routes = project.routes.routes if project.routes else ()
    return any(route.path == "/" and route.changes for route in routes)


def _of_django(project: Project, question: Question, set_by_services: frozenset[str]) -> Question:
    """An answer for a Host that Django lets in.

    It reports any other one as an error, and mails that to the administrators:
    https://docs.djangoproject.com/en/stable/ref/logging/#django-security
    """
    hosts = [gate for gate in project.gates or () if gate.kind == "host"]
    if not project.findings or len(hosts) > 1:
        return question
    gate = hosts[0] if hosts else Gate("host", "")
    if gate.variable:
        is_set = gate.variable in set_by_services or gate.variable in project.variables
        texts = map(project.sources.read, project.findings.files)
        if not is_set and any(isinstance(text, str) and _DOTENV.search(text) for text in texts):
            return question  # a file may say which, and a check does not read it
        if not _HOSTS.match(gate.admits):
            return question
    elif hosts and not _PLAIN.match(gate.admits):
        return question
    # Gunicorn warns of the body that Django's answer to HEAD has.
    return question._replace(kind="answer", method="GET", name=gate.admits, names=gate.variable)


def _port(project: Project) -> Port | Unknown:
    if not project.program or project.program.name != "nginx":
        return project.port
    found = port_of_nginx(project.sources, project.exposed or ())
    return found if isinstance(found, Unknown) else Port(found, origin="configuration")


def start_period_of(project: Project) -> int:
    """How many seconds a start may take: more on the JVM, behind others such as migrations, and with models to load.

    A start that is quicker loses nothing: the first success ends it.
    """
    start, dependencies = project.start, project.dependencies
    image = project.sources.stage.origin
    if image is not None and _FOR_MODELS.search(image.repository):
        return 300
    if dependencies and not _LOADS_MODELS.isdisjoint(dependencies.names):
        return 300
    return 60 if project.language == "java" or len(start.commands if start else ()) > 1 else 30


def _told_elsewhere(project: Project, program: Program, port: Port) -> str:
    """Why a server may listen on another port than its default one; empty where it does not."""
    exposed = project.exposed or ()
    if port.origin != "default" or port.number in exposed:
        return ""
    if exposed:
        return f"{program.name} listens on {port.number} by default, and EXPOSE names another port"
    server = SERVERS.get(program.name)
    is_configured = (server is not None and not server.language) or named_configuration(program) is not None
    return f"the configuration of {program.name} says where it listens" if is_configured else ""


def _set_elsewhere(program: Program, port: Port, is_own: bool, variables: frozenset[str]) -> str:
    """Why what a compose file sets may move the port; empty where the check follows it."""
    server = SERVERS.get(program.name)
    movers = {*_MOVES.get(program.language, ()), *(server.port_variables if server else ())}
    if server is not None and program.name == "gunicorn":
        movers.add("GUNICORN_CMD_ARGS")
    followed = "" if is_own else port.variable
    if port.origin == "command" and not followed:
        return ""
    moved = sorted(movers & variables - {followed})
    return f"a compose file sets {moved[0]}, which may move the port" if moved else ""


def _reason_in_source(project: Project, program: Program, port: Port) -> str:
    """Why a program of the project may not listen on a port, or not bear to be asked; empty where it does."""
    findings = project.findings
    if not findings or program.name in SERVERS:
        return ""
    if findings.listens and all(one.framework == NOWHERE for one in findings.listens):
        return "its work seems to come from a broker: the source shows no place where it listens"
    texts = [text for text in map(project.sources.read, findings.files) if isinstance(text, str)]
    if not project.framework and any(map(_RAW.search, texts)):
        return "the source takes connections by itself, and may take a check for a client"
    if port.origin == "EXPOSE" and not findings.listens and project.language in ("python", "javascript"):
        if project.framework == "MCP" and not any(map(_OVER_HTTP.search, texts)):
            return "it may talk over its standard input"
        if not project.framework:
            return "the source shows no place where it listens"
    return _reason_in_dotenv(project, port) if any(map(_DOTENV.search, texts)) else ""


def _reason_in_dotenv(project: Project, port: Port) -> str:
    """Why the variable that gives the port may be another one: a `.env` file is often there without being committed."""
    for name in (".env", ".env.example", ".env.sample", ".env.template", ".env.dist", "env.example"):
        text = project.sources.context.host.read(name) if port.variable else None
        found = re.search(rf"(?m)^\s*(?:export\s+)?{port.variable}\s*=\s*[\"']?(\d+)", text or "")
        if found and int(found[1]) != port.number:
            return f"{name} gives {port.variable} another port"
    return ""


def _host(project: Project, program: Program) -> str | Unknown:
    """Where to ask: the loopback address, by its name where the server binds that or IPv6 alone."""
    address = project.address
    if any(word.value.rpartition("=")[2].strip("[]").startswith("::") for word in program.arguments):
        return "localhost"
    if _binds_hostname(project, program):
        return Unknown("the program listens on the address of $HOSTNAME, which is the container's own")
    if not address and _binds_own_address(project):
        return Unknown("the program may listen on the container's own address alone")
    if not address or address.host in _EVERYWHERE:
        return LOOPBACK
    if address.is_local_only or address.host == "::":
        return "localhost"
    return Unknown(f"the program listens on {address.host} alone")


def _binds_own_address(project: Project) -> bool:
    """Whether the source looks for the container's own name or address, and an address that is not known is bound."""
    findings = project.findings
    if not findings or all(one.host is not None and one.host.known is not None for one in findings.listens):
        return False
    texts = map(project.sources.read, findings.files)
    return any(isinstance(text, str) and _OWN_ADDRESS.search(text) for text in texts)


def _binds_hostname(project: Project, program: Program) -> bool:
    """Whether $HOSTNAME says where to listen, and nothing sets it: then Docker does, to the container's identifier.

    The servers that `next build` writes read it: https://nextjs.org/docs/app/api-reference/config/next-config-js/output
    """
    address = project.address
    is_read = address.variable == "HOSTNAME" if address else False
    if not is_read and (program.file or project.framework != "Next" or program.name != "node"):
        return False
    commands = (one for one in project.sources.stage.instructions if isinstance(one, Cmd | Entrypoint))
    return "HOSTNAME" not in project.environment and not any("HOSTNAME=" in one.arguments for one in commands)
