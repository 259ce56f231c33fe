"""Whether a server speaks HTTP without TLS on its port, and answers whatever it is asked for."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from rewriter.model.health.nginx import TLS_PORTS
from rewriter.model.project import Project
from rewriter.model.project.answers import Program, Text
from rewriter.model.project.options import option_value
from rewriter.model.project.servers import SERVERS

_NOT_HTTP: Final = frozenset({"uwsgi", "php-fpm", "gRPC", "TCP", "Celery", "Twisted", "Locust"})
_LEAVE_HTTP_ALONE: Final = frozenset({"Socket.IO", "ws"})
"""Libraries that leave a request alone that is none of theirs, where the server is not their own: nothing answers it.

Sources: https://socket.io/docs/v4/server-initialization/#with-an-http-server,
https://github.com/websockets/ws/blob/master/doc/ws.md#new-websocketserveroptions-callback
"""
_ANSWERS: Final = frozenset({"ws", "http"})
"""What `Listen.framework` calls the servers of Node that answer every request."""
_BUILDS_SERVERS: Final = ("Next", "Nuxt")
"""Frameworks whose build writes the program that serves."""
TLS_OPTIONS: Final = ("--ssl", "--https", "--cert", "--key", "--tls")
"""How the options of servers begin that switch TLS on."""
# Servers that speak TLS: of Python's ssl, uvicorn, Gunicorn and Werkzeug; of Node's https, http2 and tls; of Go.
_TLS: Final = re.compile(
    r"\bssl_?(?:context|keyfile|certfile)\b|\bwrap_socket\b|\bcertfile\b|\bcreateSecureServer\b|\bhttps\s*:\s*[{t]"
    r"|\bhttps\s*\.(?:createServer|Server)\b|\bcreateServer\b[^;\n]*[\"'](?:node:)?https[\"']"
    r"|[\"'](?:node:)?https[\"']\s*\)\s*\.createServer|\.(?:ListenAndServe|Run|Start|Serve|Listen)(?:Auto)?TLS\b"
)
_PATH: Final = re.compile(r"[\"']?\bpath[\"']?\s*:|\.path\(")
_HTTP: Final = re.compile(r"\b(?:Threading)?HTTPServer\b|\bmake_server\b")


def speaks_http(project: Project, program: Program) -> bool:
    """Whether the server is known to answer HTTP, and without TLS, on its port."""
    server = SERVERS.get(program.name)
    if any(word.value.startswith(TLS_OPTIONS) for word in program.arguments) or "HTTPS" in project.variables:
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


def answers_socket_io(project: Project) -> bool:
    """Whether `/socket.io/` is sure to be answered, by an error: https://socket.io/docs/v4/server-options/#path"""
    return project.framework == "Socket.IO" and _may_be_plain(project) and not any(map(_PATH.search, _texts(project)))


def _texts(project: Project) -> list[str]:
    """The sources of the program, as far as they can be read."""
    files = project.findings.files if project.findings else ()
    return [text for text in map(project.sources.read, files) if isinstance(text, str)]


def _may_be_plain(project: Project) -> bool:
    """Whether nothing in the sources speaks TLS or another protocol."""
    findings = project.findings
    if not findings or any(map(_TLS.search, _texts(project))):
        return False
    if any(gate.name == "server.ssl" for gate in findings.gates):
        return False
    return not any(one.framework in _NOT_HTTP for one in findings.listens)


def _source_speaks_http(project: Project) -> bool:
    findings, framework = project.findings, project.framework
    if not findings or not _may_be_plain(project):
        return False
    if isinstance(framework, str) and framework not in _LEAVE_HTTP_ALONE:
        return framework not in _NOT_HTTP
    if project.language == "javascript":
        return bool(findings.listens) and all(one.framework in _ANSWERS for one in findings.listens)
    return any(map(_HTTP.search, _texts(project)))


def _may_be_configured(project: Project, program: Program) -> bool:
    """Whether a configuration file may switch TLS on: https://docs.gunicorn.org/en/stable/configure.html"""
    if program.name not in ("gunicorn", "hypercorn"):
        return False
    named = named_configuration(program)
    name = named.value.removeprefix("file:").removeprefix("python:") if named else "gunicorn.conf.py"
    origin = project.sources.origin(posixpath.join(program.folder, name)) if program.folder else ""
    text = project.sources.read(origin) if origin else ""
    return bool(_TLS.search(text) or (named and not text)) if isinstance(text, str) else True


def named_configuration(program: Program) -> Text | None:
    """The configuration file that the command line names."""
    return option_value(program.arguments, "-c", "--config")
