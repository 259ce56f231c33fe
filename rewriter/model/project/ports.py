"""The port that the server listens on, and the address: from its command line, variables, configuration and source."""

from __future__ import annotations

import posixpath
import re
from typing import Final, NamedTuple, TypeAlias

from rewriter.model.project.answers import Address, Origin, Port, Program, Text, Unknown
from rewriter.model.project.environment import Environment
from rewriter.model.project.findings import NOWHERE, Findings
from rewriter.model.project.options import option_value, positional
from rewriter.model.project.servers import ALL, SERVERS, Server
from rewriter.model.project.sources import Sources, table
from rewriter.model.stages import UNKNOWN_PART
from rewriter.syntax.tree import Expose

_BIND: Final = re.compile(
    r"(?:(?:tcp|http|https)://)?(?P<host>\[[^\]]*\]|[^:]*?)(?::|\Z)(?P<port>[^:/]*)/?(?:\?.*)?\Z", re.DOTALL
)
_NUMBER: Final = re.compile(r"[0-9]{1,5}\Z")
_ANY: Final = frozenset({"", "*", "+", "0", "true"})
_SOCKET: Final = "unix:"
_ON_SOCKET: Final = "it listens on a socket file"
_SPRING: Final = re.compile(r"(?m)^\s*server\.port\s*[=:]\s*(\S+)")
_SPRING_YAML: Final = re.compile(r"(?m)^server:[ \t]*\r?\n(?:[ \t]+[^\n]*\n)*?[ \t]+port:[ \t]*[\"']?([^\s\"'#]+)")
_UWSGI: Final = re.compile(r"(?m)^\s*http(?:-socket|11-socket)?\s*=\s*(\S+)")
_SPRING_FILE: Final = re.compile(r"application(?:-[\w-]+)?\.(?:properties|ya?ml)\Z")
_PLACEHOLDER: Final = re.compile(r"\$\{(\w+)(?::([^}]*))?\}\Z")
_PUMA: Final = re.compile(
    r"ENV(?:\.fetch\(|\[)\s*[\"'](\w+)[\"']\s*[\])]?\s*,?\s*(?:\)?\s*\{?\s*\|?\|?)?\s*[\"']?(\d+)?"
)
_GUNICORN: Final = re.compile(r"(?m)^bind\s*=")


class Listening(NamedTuple):
    """Port and address, each a value or not known."""

    port: Port | Unknown
    address: Address | Unknown


def exposed_by(sources: Sources) -> tuple[int, ...] | Unknown:
    """The TCP ports that EXPOSE names, in order."""
    found: list[int] = []
    for stage in reversed(list(sources.stage.lineage)):
        for one in stage.instructions:
            if isinstance(one, Expose):
                for word in one.words:
                    text = sources.states.at(one).expand(word.text)
                    if text is None:
                        return Unknown(f"EXPOSE {word.text} depends on something unknown")
                    number, _, protocol = text.partition("/")
                    if protocol.lower() in ("", "tcp") and _NUMBER.match(number):
                        found.append(int(number))
    return tuple(dict.fromkeys(found))


def listening_of(
    program: Program | Unknown,
    findings: Findings | Unknown,
    framework: str | Unknown,
    sources: Sources,
    environment: Environment,
) -> Listening:
    """Where the server listens; EXPOSE is asked last."""
    found = _told(program, findings, framework, sources, environment)
    if found.port:
        return found
    assert isinstance(found.port, Unknown)
    if found.port.reason == _ON_SOCKET:
        return found
    exposed = exposed_by(sources)
    variable, reason = _variable_in(found.port.reason)
    asked = environment.text("PORT")
    if not variable and not findings and _NUMBER.match(asked.value):
        if exposed and int(asked.value) not in exposed:
            return found._replace(port=Unknown("PORT and EXPOSE differ"))
        return found._replace(port=Port(int(asked.value), (*asked.variables, "")[0], "variable"))
    if isinstance(exposed, tuple) and len(exposed) == 1:
        return found._replace(port=Port(exposed[0], variable, "EXPOSE"))
    return found._replace(port=Unknown(reason))


def _variable_in(reason: str) -> tuple[str, str]:
    """The variable that a reason names, and the reason for people."""
    match = re.match(r"\$(\w+) gives the port", reason)
    return (match[1] if match else ""), reason


def _told(
    program: Program | Unknown, findings: Findings | Unknown, framework: str | Unknown, sources: Sources,
    environment: Environment,
) -> Listening:  # fmt: skip
    if isinstance(program, Unknown):
        return Listening(program, program)
    server = _row_of(program, framework)
    if server is not None and server.port == -1:
        reason = Unknown(f"{program.name} serves no port")
        return Listening(reason, reason)
    if program.language == "csharp":
        return _aspnet(program, sources, environment)
    if program.name == "flask run":
        environment = _environment_of_flask(program, sources, environment)
    if server is not None:
        return _of_server(server, program, sources, environment)
    return _of_source(findings)


def _row_of(program: Program, framework: str | Unknown) -> Server | None:
    if program.language == "java":
        return SERVERS.get(str(framework).lower() if isinstance(framework, str) else "")
    server = SERVERS.get(program.name)
    return None if server is not None and server.language and server.port == 0 and not server.binds else server


# Programs that are servers themselves


def _of_server(server: Server, program: Program, sources: Sources, environment: Environment) -> Listening:
    if program.name == "gunicorn" and (more := environment.get("GUNICORN_CMD_ARGS")):
        program = program._replace(arguments=(*map(Text, more.split()), *program.arguments))
    port, host, origin = _options(server, program)
    if port is None and option_value(program.arguments, "--uds", "--fd") is not None:
        port = Text(_SOCKET)
    if port is None and server.positional:
        port, host = _positional(program, server, host)
    if port is None and host is None:
        port, host, origin = _configured(program, sources, environment)
    for name in server.port_variables if port is None else ():
        if name in environment:
            value = environment[name]
            # Only since September 2025: https://github.com/fastapi/fastapi-cli/pull/209
            is_open = value is None or program.name.startswith("fastapi ")
            port, origin = Text(UNKNOWN_PART, (name,)) if is_open else environment.text(name), "variable"
            if program.name == "gunicorn":
                host = host or Text(ALL)
            break
    for name in server.host_variables if host is None else ():
        if name in environment:
            host = environment.text(name)
            break
    if port is None and server.port:
        port, origin = Text(str(server.port), server.port_variables[:1]), "default"
    address = server.address
    return Listening(_port(port, origin), _address(host or (Text(address) if address else None)))


def _options(server: Server, program: Program) -> tuple[Text | None, Text | None, Origin]:
    words = program.arguments
    port, host = option_value(words, *server.ports), option_value(words, *server.hosts)
    if host is not None and host.value.startswith("-"):
        host = Text(ALL)  # `vite --host` alone
    bind = option_value(words, *server.binds) if server.binds else None
    if bind is not None:
        port, host = _bind(bind)
    return port, host, "command"


def _environment_of_flask(program: Program, sources: Sources, environment: Environment) -> Environment:
    """The variables with those of `.env` and `.flaskenv`, which Flask reads where python-dotenv is installed.

    Source: https://flask.palletsprojects.com/en/stable/cli/#environment-variables-from-dotenv
    """
    from rewriter.model.project.dependencies import dependencies_of
    from rewriter.model.project.reading import variables_beside

    names = ("FLASK_RUN_PORT", "FLASK_RUN_HOST")
    given = {**variables_beside(program, sources, ".flaskenv"), **variables_beside(program, sources, ".env")}
    found = {name: given[name] for name in names if name in given}
    if not found:
        return environment
    dependencies = dependencies_of(sources)
    is_read = not dependencies or "python-dotenv" in dependencies.names
    return environment.over(found if is_read else dict.fromkeys(found))


def _positional(program: Program, server: Server, host: Text | None) -> tuple[Text | None, Text | None]:
    """`runserver 0.0.0.0:8000`, `http.server 8080`"""
    word = next(positional(program.arguments, server.values | server.hosts), None)
    if word is None:
        return None, host
    if ":" not in word.value:
        return word, host
    return _bind(word)


def _bind(text: Text) -> tuple[Text | None, Text | None]:
    """`0.0.0.0:8000`, `:8000`, `8000`, `tcp://...`; a socket file has no port."""
    value = text.value
    if value.startswith("unix:") or ("/" in value and "://" not in value):
        return Text(_SOCKET), None
    match = _BIND.match(value)
    if match is None:
        return Text(UNKNOWN_PART), None
    if ":" not in value:
        return (text, None) if value.isdigit() or UNKNOWN_PART in value else (None, text)
    return text._replace(value=match["port"]), Text(match["host"].strip("[]") or ALL)


def _port(text: Text | None, origin: Origin) -> Port | Unknown:
    if text is None:
        return Unknown("nothing says which port")
    if text.value == _SOCKET:
        return Unknown(_ON_SOCKET)
    if text.known is None:
        return Unknown(f"${text.variables[0]} gives the port when the container starts" if text.variables
                       else "the port is computed")  # fmt: skip
    if not _NUMBER.match(text.value) or not 0 < int(text.value) < 65536:
        return Unknown("the port is no number")
    return Port(int(text.value), text.variables[0] if text.variables else "", origin)


def _address(text: Text | None) -> Address | Unknown:
    if text is None or text.known is None:
        return Unknown("the address that it binds is not known")
    host = ALL if text.value.lower() in _ANY else text.value
    return Address(host, text.variables[0] if text.variables else "")


# Configuration files


class _Asked(NamedTuple):
    """What the readers of configuration files look at."""

    program: Program
    sources: Sources
    environment: Environment


_Found: TypeAlias = tuple[Text | None, Text | None]


def _configured(
    program: Program, sources: Sources, environment: Environment
) -> tuple[Text | None, Text | None, Origin]:
    read = {"gunicorn": _gunicorn, "streamlit run": _streamlit, "spring": _spring, "java": _spring, "puma": _puma,
            "uwsgi": _uwsgi, "rails server": _puma}.get(program.name)  # fmt: skip
    port, host = read(_Asked(program, sources, environment)) if read else (None, None)
    return port, host, "configuration" if port is not None else "command"


def _gunicorn(asked: _Asked) -> _Found:
    """`bind` of gunicorn.conf.py, which Gunicorn reads in the folder that it runs in, or of `-c`."""
    from rewriter.model.project.python_values import Modules

    option = option_value(asked.program.arguments, "-c", "--config")
    name = (option.known or "") if option else "gunicorn.conf.py"
    path = posixpath.normpath(posixpath.join(asked.program.folder, name.removeprefix("file:").removeprefix("python:")))
    origin = asked.sources.origin(path) if asked.program.folder or path.startswith("/") else ""
    if not origin:
        return (Text(UNKNOWN_PART), None) if option else (None, None)
    modules = Modules(asked.sources, asked.environment, [])
    module = modules.add("gunicorn_configuration", origin, path)
    if module is None:
        return Text(UNKNOWN_PART), None
    if "bind" not in module.assigned:
        return None, None
    text = modules.text(module.assigned["bind"], module)
    return _bind(text) if text is not None else (Text(UNKNOWN_PART), None)


def _streamlit(asked: _Asked) -> _Found:
    """https://docs.streamlit.io/develop/api-reference/configuration/config.toml"""
    if not asked.program.folder or not (
        origin := asked.sources.origin(posixpath.join(asked.program.folder, ".streamlit/config.toml"))
    ):
        return None, None
    settings = table(asked.sources.toml(origin) or {}, "server")
    port, host = settings.get("port"), settings.get("address")
    return (Text(str(port)) if port else None), (Text(str(host)) if host else None)


def _spring(asked: _Asked) -> _Found:
    """`server.port` of Spring Boot: the variable goes before the files. Where they differ, a profile decides."""
    if "SERVER_PORT" in asked.environment:
        return None, None
    found: list[str] = []
    for path in asked.sources.context.walk("", lambda name: bool(_SPRING_FILE.match(name))) or ():
        text = asked.sources.read(path) if "src/main/resources/" in path else ""
        pattern = _SPRING if path.endswith("properties") else _SPRING_YAML
        found += pattern.findall(text) if isinstance(text, str) else []
    if len(set(found)) > 1:
        return Text(UNKNOWN_PART), None
    if not found:
        return None, None
    if match := _PLACEHOLDER.match(found[0]):
        return _placeholder(asked, match), None
    return Text(found[0], ("SERVER_PORT",)), None


def _placeholder(asked: _Asked, match: re.Match[str]) -> Text:
    """What a variable comes to that may have a default."""
    return asked.environment.text(match[1], Text(match[2]) if match[2] else None)


def _puma(asked: _Asked) -> _Found:
    """`port ENV.fetch("PORT") { 3000 }` of config/puma.rb: https://puma.io/puma/Puma/DSL.html"""
    origin = (
        asked.sources.origin(posixpath.join(asked.program.folder, "config/puma.rb")) if asked.program.folder else ""
    )
    text = asked.sources.read(origin) if origin else ""
    for line in (text or "").split("\n") if isinstance(text, str) else ():
        words = line.split("#")[0].split(None, 1)
        if len(words) == 2 and words[0] == "port":
            if words[1].strip().isdigit():
                return Text(words[1].strip()), Text(ALL)
            if match := _PUMA.search(words[1]):
                return _placeholder(asked, match), Text(ALL)
            return Text(UNKNOWN_PART), None
    return None, None


def _uwsgi(asked: _Asked) -> _Found:
    """`http-socket = :8000` of an ini file: https://uwsgi-docs.readthedocs.io/en/latest/Configuration.html"""
    option = option_value(asked.program.arguments, "--ini", "-i")
    name = option or next((word for word in asked.program.arguments if word.value.endswith(".ini")), Text(""))
    path = posixpath.normpath(posixpath.join(asked.program.folder, name.value)) if name.value else ""
    text = asked.sources.read(asked.sources.origin(path) or path) if path.startswith("/") else ""
    match = _UWSGI.search(text) if isinstance(text, str) else None
    if match is None:
        return (Text(UNKNOWN_PART), None) if path else (None, None)
    return _bind(Text(match[1].split(",")[0])) if "$" not in match[1] else (Text(UNKNOWN_PART), None)


def _aspnet(program: Program, sources: Sources, environment: Environment) -> Listening:
    """https://learn.microsoft.com/dotnet/core/compatibility/containers/8.0/aspnet-port"""
    option = option_value(program.arguments, "--urls")
    urls = option or next(
        (environment.text(name) for name in ("ASPNETCORE_URLS", "DOTNET_URLS", "URLS")
         if name in environment), None,
    )  # fmt: skip
    if urls is not None:
        port, host = _bind(urls._replace(value=urls.value.split(";")[0]))
        return Listening(_port(port, "command" if option else "variable"), _address(host))
    for name in ("ASPNETCORE_HTTP_PORTS", "HTTP_PORTS"):
        if name in environment:
            text = environment.text(name)
            text = text._replace(value=text.value.split(";")[0])
            return Listening(_port(text, "variable"), Address(ALL))
    origin = sources.stage.origin
    version = re.match(r"(\d+)\.", origin.tag) if origin is not None else None
    if origin is None or version is None or "dotnet/aspnet" not in origin.repository:
        return Listening(Unknown("the version of ASP.NET is not known"), Unknown("the address is not known"))
    if int(version[1]) < 8:
        return Listening(Port(80, "ASPNETCORE_URLS", "default"), Address(ALL))
    return Listening(Port(8080, "ASPNETCORE_HTTP_PORTS", "default"), Address(ALL))


# Programs whose own source listens


def _of_source(findings: Findings | Unknown) -> Listening:
    if isinstance(findings, Unknown):
        return Listening(findings, findings)
    listens = [one for one in findings.listens if one.framework not in ("metrics", NOWHERE)]
    ports = {one.port for one in listens}
    if not listens:
        reason = Unknown("the source shows no place where it listens" if not findings.unread else findings.unread[0])
        return Listening(reason, reason)
    if len(ports) > 1:
        reason = Unknown("several places in the source listen")
        return Listening(reason, reason)
    hosts = {one.host for one in listens}
    text = ports.pop()
    address = _address(hosts.pop()) if len(hosts) == 1 else Unknown("several addresses are bound")
    return Listening(_port(text, "source"), address)
