"""What must go on in a runtime without the tools: the RUNs that stay there, and what a container starts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from rewriter.model.context.services import Service
from rewriter.model.effects.shell import Step
from rewriter.model.installing.stage_installs import simple_commands
from rewriter.model.managers.call import skip_wrappers
from rewriter.model.managers.vocabulary import names
from rewriter.model.project import Project
from rewriter.model.splitting.parts import UnsplitError
from rewriter.syntax.shell_tree import SimpleCommand
from rewriter.syntax.tree import Cmd, Entrypoint, Instruction, Run

_TOOLS: Final = names(
    "gcc g++ cc c++ clang make gmake cmake ninja meson cargo rustc cython swig autoconf automake pkg-config ld npm "
    "npx yarn pnpm bun node-gyp tsc go mvn mvnw gradle gradlew pip pip3 pipx pipenv poetry uv hatch pdm flit maturin "
    "bundle gem"
)
_OF_PYTHON: Final = names("pip build cython Cython pipenv poetry uv setuptools nuitka PyInstaller numpy.distutils")
_HARMLESS: Final = names(
    "django-admin flask alembic playwright nltk celery aerich litestar streamlit gunicorn uvicorn pybabel"
)
_LOGIN: Final = re.compile(r"-[a-zA-Z]*l[a-zA-Z]*\Z|--login\Z")
_SHELLS: Final = names("sh bash dash ash")
_SUPERVISORS: Final = names("supervisord s6-svscan runsvdir runit circusd honcho foreman monit init systemd")
_BOUND: Final = re.compile(r"#!\s*/usr/(?:local/)?bin/python")
_INSTALLS: Final = names("install i ci add rebuild update upgrade dedupe")
_SERVICES: Final = names("service rc-service rc-update")
_CRON: Final = re.compile(r"(?:\b|/)cron(?:d|ie)?\b")
_OTHER_PATH: Final = names("sudo su cron crond crontab runuser sshd")


def require_no_tools(run: Run, steps: Iterable[Step], unread: str) -> None:
    """Raise unless a RUN is known to need nothing that only builds need."""
    if unread:
        raise UnsplitError(f"the RUN in line {{line}} may need the build tools: {unread}", run)
    for step in steps:
        for command in simple_commands(step):
            if tool := _tool_of(command):
                raise UnsplitError(f"`{tool}` in line {{line}} needs the build tools", run)
            if step.unknown and not _is_harmless(command):
                raise UnsplitError(f"`{command.name or command.text}` in line {{line}} may need the build tools", run)


def _program(command: SimpleCommand) -> tuple[str, tuple[str, ...]]:
    start = skip_wrappers(command.words)
    if start is None or start >= len(command.words):
        return "", ()
    words = [word.value or word.text for word in command.words[start:]]
    return posixpath.basename(words[0]), tuple(words[1:])


def _tool_of(command: SimpleCommand) -> str:
    name, arguments = _program(command)
    return name if _is_tool(name, arguments) else ""


def _is_tool(name: str, arguments: tuple[str, ...]) -> bool:
    if name in _TOOLS or name == "configure":
        return True
    if not name.startswith("python"):
        return False
    module = arguments[1].partition(".")[0] if arguments[:1] == ("-m",) and len(arguments) > 1 else ""
    return module in _OF_PYTHON or any(word.endswith("setup.py") for word in arguments)


def _is_harmless(command: SimpleCommand) -> bool:
    name, _ = _program(command)
    return not name or name in _HARMLESS or name.startswith("python") or name in ("echo", "true", "cd", "set", "export")


def require_plain_start(
    project: Project,
    services: Iterable[Service],
    instructions: Sequence[Instruction],
    *,
    project_tools: Collection[str] = (),
    built: Collection[str] = (),
) -> None:
    """Raise unless what containers start needs no build tool, and finds its programs by PATH as it is set.

    `project_tools` are those that only run the scripts of a project; where they lead is followed elsewhere. `built` are
    the paths of programs that are copied to the same place.
    """
    start = project.start
    if not start:
        raise UnsplitError(f"what a container starts is not known: {start.reason}")
    if start.unread:
        raise UnsplitError(f"what a container starts is not known: {start.unread[0]}")
    for command in start.commands:
        _require_plain([word.value for word in command.words], "a container starts", project_tools)
        program = command.words[0].value
        is_service = posixpath.basename(program) in _SERVICES or program.startswith("/etc/init.d/")
        if is_service and _CRON.search(command.text):
            raise UnsplitError("a container starts cron, which sets PATH anew")
        origin = project.sources.origin(posixpath.join(command.folder or "/", program)) if "/" in program else ""
        if program.startswith("/usr/local/bin/") and not origin and program not in built:
            raise UnsplitError(f"a container starts {program} by its path")
        text = project.sources.read(origin) if origin else ""
        if isinstance(text, str) and _BOUND.match(text):
            raise UnsplitError(f"{origin} names the Python that runs it by its path")
    for instruction in instructions:
        if isinstance(instruction, Cmd | Entrypoint):
            written = [string.value for string in instruction.json or ()] or instruction.arguments.split()
            _require_plain(written, "a container starts", project_tools)
    for service in services:
        for words in filter(None, (service.command, service.entrypoint, service.health_command)):
            for line in _commands_in(words):
                _require_plain(line, f"{service} runs", ())
    for instruction in instructions:
        if name := next((name for name in _PLACES if name in instruction.text), ""):
            raise UnsplitError(f"line {{line}} names {name}", instruction)


_PLACES: Final = ("site-packages", "dist-packages", "/usr/local/lib/python", "/usr/local/bin/python", "/usr/bin/python")


def _commands_in(words: Iterable[str]) -> Iterator[list[str]]:
    """The commands in the words of a shell line, roughly: what stands between its operators."""
    for line in re.split(r"&&|\|\|?|;|\n", " ".join(words)):
        if part := line.split():
            yield part


def _require_plain(words: list[str], who: str, harmless: Collection[str]) -> None:
    while words and (words[0] in ("exec", "CMD-SHELL", "CMD", "env") or "=" in words[0]):
        words = words[1:]
    if not words:
        return
    name = posixpath.basename(words[0])
    if name in _SHELLS and any(_LOGIN.match(word) for word in words[1:2]):
        raise UnsplitError(f"{who} a login shell, which sets PATH anew")
    if name in _SHELLS and len(words) > 2 and words[1].endswith("c"):
        for part in _commands_in(word.strip("\"'") for word in words[2:]):
            _require_plain(part, who, harmless)
        return
    if name in _OTHER_PATH:
        raise UnsplitError(f"{who} `{name}`, which sets PATH anew")
    if name in _SUPERVISORS:
        raise UnsplitError(f"{who} `{name}`, which starts what its configuration says")
    if name in harmless and not _INSTALLS.isdisjoint(words[1:2]):
        raise UnsplitError(f"{who} `{name} {words[1]}`, which may need the build tools")
    if name not in harmless and _is_tool(name, tuple(words[1:])):
        raise UnsplitError(f"{who} `{name}`, which may need the build tools")
