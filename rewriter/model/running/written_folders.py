"""The folders that a program writes to, as far as anything tells: sources, commands, variables, volumes, RUNs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import pairwise, product
from typing import Final

from rewriter.model.effects.copies import SHARED_FOLDERS
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Command
from rewriter.model.running.shipped import Shipped, text_of
from rewriter.model.stages import UNKNOWN_PART
from rewriter.syntax.tree import Run, Volume

DEPENDENCIES: Final = names("node_modules .venv venv vendor")
"""Folders of installed packages, by their names."""
BUILT: Final = DEPENDENCIES | names(
    "dist build out lib bin target site-packages public static www htdocs prisma certs ssl tls"
)
"""Folders that builds fill or deployments bring, and programs only read, by their names."""

_COLLECTED: Final = names("static public")
"""Those that programs fill when they start as well, once a RUN has made them."""

# Folders that everybody may write to.
_FREE: Final = ("/tmp", "/var/tmp", "/dev", "/proc", "/run/lock")
_SHARED: Final = SHARED_FOLDERS | names("/var/log /var/run /run /var/cache /var/spool /go /go/src")
_SYSTEM: Final = re.compile(
    r"/(?:bin|boot|dev|etc|lib\w*|proc|root|sbin|sys|usr/(?:s?bin|lib\w*|share|include))(?:/|\Z)"
)

_FILE: Final = re.compile(r"[^/.]\.\w{1,8}\Z")
DATA_FOLDER: Final = re.compile(
    r"(?:data|db|database|logs?|uploads?|media|files|storage|cache|\.cache|te?mp|output|results?|reports?|backups?|state|"
    r"models?|sessions?|instance|exports?|downloads?|run)\Z"
)
# Variables whose values are folders for data, by their names.
_OF_DATA: Final = re.compile(
    r"(?:\A|_)(?:DATA|LOGS?|CACHE|UPLOADS?|MEDIA|STORAGE|TE?MP|MULTIPROC|MODELS?|STATE|SPOOL|OUTPUT|RESULTS?|SESSIONS?|"
    r"BACKUPS?|DB|DATABASE|SQLITE|HF_HOME|TORCH_HOME|SENTENCE_TRANSFORMERS_HOME|PM2_HOME|TRANSFORMERS_CACHE|MPLCONFIGDIR)_?"
    r"(?:DIR|DIRECTORY|FOLDER|PATH|HOME|ROOT|FILE)?\Z"
)
# https://docs.sqlalchemy.org/en/20/core/engines.html#sqlite, https://www.prisma.io/docs/orm/overview/databases/sqlite
_SQLITE: Final = re.compile(
    r"(?:file:|sqlite[\w+]*:(?:///)?)(?P<path>[^:?]+?)(?:\?|\Z)|Data Source=(?P<source>/[^;:]+)"
)
# Files that servers are told to write: https://docs.gunicorn.org/en/stable/settings.html
_OPTION: Final = re.compile(r"--?(?:[\w-]*log-?file|logto|pid(?:file)?|daemonize|schedule)[= ](?P<path>[^\s-]\S*)")
_FOLDER: Final = re.compile(r"(?:--worker-tmp-dir[= ]|\bworker_tmp_dir\s*=\s*)[\"']?(?P<path>[^\s\"'-][^\s\"']*)")
# Sockets that servers make: https://docs.gunicorn.org/en/stable/settings.html#bind, https://www.uvicorn.org/settings/
_SOCKET: Final = re.compile(r"(?:\bunix:(?://(?=/))?|--uds[= ])(?P<path>[^\s\"',:]+)")
REDIRECTION: Final = re.compile(r"(?m)(?:^|\s)[12&]?>>?\s*[\"']?(?P<path>[^\s\"'&|;<>()]+)")
_SETTING: Final = re.compile(r"(?m)^\s*(?:pidfile|accesslog|errorlog|logfile)\s*=\s*[\"'](?P<path>[^\"'-][^\"']*)")


def written_folders(shipped: Shipped) -> tuple[str, ...]:
    """The folders that are written to, absolute, without those that everybody may write to; NUL is an unknown one."""
    found = (*_of_steps(shipped), *_of_variables(shipped), *_of_sources(shipped), *_of_starts(shipped))
    return tuple(dict.fromkeys(path for path in found if not is_free(path)))


def is_free(path: str) -> bool:
    """Whether everybody may write to a folder."""
    return any(is_inside(path, free) for free in _FREE)


def is_of_system(path: str) -> bool:
    """Whether a folder holds the files of the system or of many programs: it cannot be given to one user."""
    return path in _SHARED or _SYSTEM.match(path) is not None


def is_inside(path: str, folder: str) -> bool:
    """Whether a path is a folder or below it."""
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def absolute(path: str, folder: str) -> str:
    """The path that a path means in a folder; NUL where a part of it is not known."""
    return posixpath.normpath(posixpath.join(folder or "/", path)) if UNKNOWN_PART not in path else UNKNOWN_PART


def _of_steps(shipped: Shipped) -> Iterator[str]:
    for one in shipped.steps:
        if isinstance(one, Volume):
            state = shipped.states.at(one)
            yield from (absolute(state.expand(path) or UNKNOWN_PART, state.workdir) for path in one.paths)
        elif isinstance(one, Run):
            yield from _for_data(one, shipped)
    for service in shipped.services:
        for mount in service.mounts:  # a volume without a name takes the owner of the folder
            if mount.kind == "volume" and not mount.source and posixpath.basename(mount.target) not in DEPENDENCIES:
                yield mount.target


def _for_data(run: Run, shipped: Shipped) -> Iterator[str]:
    """The folders that a RUN makes for the program to write to."""
    for path in folders_made_by(run, shipped):
        if not is_of_system(path) and _is_data(path, shipped.workdir):
            yield path


def folders_made_by(run: Run, shipped: Shipped) -> Iterator[str]:
    """The folders that a RUN makes by mkdir."""
    if "mkdir" not in text_of(run):
        return
    state = shipped.states.at(run)
    folder = state.workdir
    for command in run.script.simple_commands():
        if command.name == "cd" and len(command.words) == 2:
            folder = absolute(command.words[1].value or UNKNOWN_PART, folder)
        modes = {word.span for option, word in pairwise(command.words) if option.value in ("-m", "--mode")}
        for word in command.arguments if command.name == "mkdir" else ():
            text = word.value if word.is_literal else (state.expand(word.text) or "")
            text = "" if word.span in modes else text
            path = absolute(text, folder) if text and not text.startswith("-") else ""
            if path:
                yield path


def _is_data(path: str, workdir: str) -> bool:
    """Whether a folder that a RUN makes is there to be written to: by its name, or because it is the project's."""
    if posixpath.basename(path) in BUILT - _COLLECTED or is_inside(workdir, path):
        return False
    is_own = bool(workdir) and not is_of_system(workdir) and is_inside(path, workdir)
    return is_own or DATA_FOLDER.match(posixpath.basename(path)) is not None


def _of_variables(shipped: Shipped) -> Iterator[str]:
    for name, value in shipped.project.variables.items():
        if value and (match := _SQLITE.match(value)):
            path = absolute((match["path"] or match["source"]).replace("//", "/"), shipped.workdir)
            yield posixpath.dirname(path)
            if value.startswith("file:") and not match["path"].startswith("/"):
                yield posixpath.join(shipped.workdir, "prisma")  # from which Prisma reads relative paths
        elif value and value.startswith("/") and (name == "HOME" or _OF_DATA.search(name)):
            yield _folder_of(posixpath.normpath(value))


def _of_sources(shipped: Shipped) -> Iterator[str]:
    writes = shipped.project.writes
    # Django writes its STATIC_ROOT when it collects static files, and then only.
    is_collected = any("collectstatic" in text_of(run) for run in shipped.runs)
    for path in writes.paths if writes else ():
        if not (is_collected and "static" in posixpath.basename(path)):
            yield _folder_of(path)


def _folder_of(path: str) -> str:
    """What must be owned to write a path: databases and logs make files beside themselves."""
    return posixpath.dirname(path) if _FILE.search(path) else path


def _of_starts(shipped: Shipped) -> Iterator[str]:
    for beginning in shipped.beginnings:
        start = beginning.start
        for command in start.commands if start else ():
            if command.words[0].value == "mkdir":
                words = (word.value for word in command.words[1:])
                yield from (absolute(word, command.folder) for word in words if not word.startswith("-"))
            texts = (command.text, *settings_named_in(command, shipped))
            for text, pattern in product(texts, (_OPTION, _SETTING, _SOCKET)):
                for match in pattern.finditer(text):
                    yield posixpath.dirname(absolute(match["path"], command.folder))
            for match in filter(None, map(_FOLDER.search, texts)):
                yield absolute(match["path"], command.folder)
        for match in REDIRECTION.finditer(shipped.words_of(beginning)):
            path = UNKNOWN_PART if "$" in match["path"] else absolute(match["path"], shipped.workdir)
            yield posixpath.dirname(path) or path


def settings_named_in(command: Command, shipped: Shipped) -> Iterator[str]:
    """The configuration that a command gives to gunicorn or uWSGI.

    https://docs.gunicorn.org/en/stable/settings.html#config, https://uwsgi-docs.readthedocs.io/en/latest/Configuration.html
    """
    words = [word.value for word in command.words]
    if "gunicorn" in command.text:
        given = [value for option, value in pairwise(words) if option in ("-c", "--config")]
        files = given or ["gunicorn.conf.py"]
    elif "uwsgi" in command.text:
        files = [word.rpartition("=")[2] for word in words if word.endswith(".ini")]
    else:
        return
    sources = shipped.project.sources
    for file in files:
        origin = sources.origin(absolute(file.removeprefix("python:"), command.folder))
        text = sources.read(origin) if origin else ""
        if isinstance(text, str):
            yield text
