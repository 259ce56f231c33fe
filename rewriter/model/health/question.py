"""What to ask a program to learn that it still works.

A connection alone proves little: the kernel completes it for a program that hangs. So a server that is known to speak
HTTP is asked for an answer.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final, Literal, NamedTuple

from rewriter.model.health.nginx import TLS_PORTS, port_of_nginx
from rewriter.model.project import Project
from rewriter.model.project.answers import Port, Program, Text, Unknown
from rewriter.model.project.options import option_value
from rewriter.model.project.program import runs_tests
from rewriter.model.project.servers import SERVERS
from rewriter.syntax.tree import Cmd, Entrypoint

LOOPBACK: Final = "127.0.0.1"
_PLAIN: Final = re.compile(r"[\w./~-]+\Z", re.ASCII)
_EVERYWHERE: Final = ("0.0.0.0", LOOPBACK)
_NOT_HTTP: Final = frozenset({"uwsgi", "php-fpm", "gRPC", "Celery", "Twisted", "Locust"})
_BUILDS_SERVERS: Final = ("Next", "Nuxt")
"""Frameworks whose build writes the program that serves."""
_TLS_OPTIONS: Final = ("--ssl", "--https", "--cert", "--key", "--tls")
# Servers that speak TLS: of Python's ssl, uvicorn, Gunicorn and Werkzeug; of Node's https, http2 and tls; of Go.
_TLS: Final = re.compile(
    r"\bssl_?(?:context|keyfile|certfile)\b|\bwrap_socket\b|\bcertfile\b|\bcreateSecureServer\b|\bhttps\s*:\s*[{t]"
    r"|\bhttps\s*\.(?:createServer|Server)\b|\bcreateServer\b[^;\n]*[\"'](?:node:)?https[\"']"
    r"|[\"'](?:node:)?https[\"']\s*\)\s*\.createServer|\.(?:ListenAndServe|Run|Start|Serve|Listen)(?:Auto)?TLS\b"
)
_HTTP: Final = re.compile(
    r"\b(?:Threading)?HTTPServer\b|\bmake_server\b|\bhttp\s*\.createServer\b|\bcreateServer\b[^;\n]*[\"'](?:node:)?http[\"']"
    r"|[\"'](?:node:)?http[\"']\s*\)\s*\.createServer"
)


class Question(NamedTuple):
    """What to ask for, and where.

    `kind` is `status` for an answer below 400 from the health route `path`, `answer` for an HTTP answer of any status,
    `connection` where the server is not known to speak HTTP without TLS. `variable` as in `Port`; `host` is where to
    connect, `name` the Host to ask for, empty where any will do.
    """

    kind: Literal["status", "answer", "connection"]
    port: int
    variable: str = ""
    method: Literal["GET", "HEAD"] = "HEAD"
    path: str = "/"
    host: str = LOOPBACK
    name: str = ""


def question_of(project: Project) -> Question | Unknown:
    """What to ask the program of an image; unknown where it serves nothing, or it is not known where."""
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
    if reason := _told_elsewhere(project, program, port):
        return Unknown(reason)
    host = _host(project, program)
    if isinstance(host, Unknown):
        return host
    # What only a server itself reads, nobody sets; PORT is what platforms set.
    is_own = port.origin == "default" and port.variable != "PORT"
    question = Question("connection", port.number, "" if is_own else port.variable, host=host)
    if not _speaks_http(project, program):
        return question
    gates = project.gates or ()
    route = project.health_route
    if route and not gates and _PLAIN.match(route.path):
        return question._replace(kind="status", method="GET", path=route.path)
    if project.framework != "Django":
        return question._replace(kind="answer")
    # Django reports a Host that is not allowed as an error, and mails it to the administrators:
    # https://docs.djangoproject.com/en/stable/ref/logging/#django-security
    hosts = [gate.admits for gate in gates if gate.kind == "host"]
    if not project.findings or not all(map(_PLAIN.match, hosts)):
        return question
    # Gunicorn warns of the body that Django's answer to HEAD has.
    return question._replace(kind="answer", method="GET", name=hosts[0] if hosts else "")


def _port(project: Project) -> Port | Unknown:
    if not project.program or project.program.name != "nginx":
        return project.port
    found = port_of_nginx(project.sources, project.exposed or ())
    return found if isinstance(found, Unknown) else Port(found, origin="configuration")


def starts_slowly(project: Project) -> bool:
    """Whether a program takes its time until it serves: on the JVM, or behind others, such as migrations."""
    start = project.start
    return project.language == "java" or len(start.commands if start else ()) > 1


def _told_elsewhere(project: Project, program: Program, port: Port) -> str:
    """Why a server may listen on another port than its default one; empty where it does not."""
    exposed = project.exposed or ()
    if port.origin != "default" or port.number in exposed:
        return ""
    if exposed:
        return f"{program.name} listens on {port.number} by default, and EXPOSE names another port"
    server = SERVERS.get(program.name)
    is_configured = (server is not None and not server.language) or _named_configuration(program) is not None
    return f"the configuration of {program.name} says where it listens" if is_configured else ""


def _named_configuration(program: Program) -> Text | None:
    return option_value(program.arguments, "-c", "--config")


def _host(project: Project, program: Program) -> str | Unknown:
    """Where to ask: the loopback address, by its name where the server binds that or IPv6 alone."""
    address = project.address
    if any(word.value.rpartition("=")[2].strip("[]").startswith("::") for word in program.arguments):
        return "localhost"
    if _binds_hostname(project, program):
        return Unknown("the program listens on the address of $HOSTNAME, which is the container's own")
    if not address or address.host in _EVERYWHERE:
        return LOOPBACK
    if address.is_local_only:
        return "localhost"
    return Unknown(f"the program listens on {address.host} alone")


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


def _speaks_http(project: Project, program: Program) -> bool:
    """Whether the server is known to speak HTTP, and without TLS, on its port."""
    server = SERVERS.get(program.name)
    if any(word.value.startswith(_TLS_OPTIONS) for word in program.arguments) or "HTTPS" in project.environment:
        return False
    if program.name == "http-server" and any(word.value == "-S" for word in program.arguments):
        return False
    if project.port and project.port.number in TLS_PORTS:
        return False
    if server is not None and (server.port > 0 or server.framework):
        return program.name not in _NOT_HTTP and not _may_be_configured(project, program)
    if not program.file and project.framework in _BUILDS_SERVERS:
        return True
    return _source_speaks_http(project)


def _source_speaks_http(project: Project) -> bool:
    findings, framework = project.findings, project.framework
    if not findings:
        return False
    texts = [text for text in map(project.sources.read, findings.files) if isinstance(text, str)]
    if any(map(_TLS.search, texts)) or any(one.framework in _NOT_HTTP for one in findings.listens):
        return False
    return framework not in _NOT_HTTP if isinstance(framework, str) else any(map(_HTTP.search, texts))


def _may_be_configured(project: Project, program: Program) -> bool:
    """Whether a configuration file may switch TLS on: https://docs.gunicorn.org/en/stable/configure.html"""
    if program.name not in ("gunicorn", "hypercorn"):
        return False
    named = _named_configuration(program)
    name = named.value.removeprefix("file:").removeprefix("python:") if named else "gunicorn.conf.py"
    origin = project.sources.origin(posixpath.join(program.folder, name)) if program.folder else ""
    text = project.sources.read(origin) if origin else ""
    return bool(_TLS.search(text) or (named and not text)) if isinstance(text, str) else True
