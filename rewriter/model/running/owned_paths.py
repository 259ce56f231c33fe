"""What a program must own to write: its working directory, its data folders, its volumes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.model.effects.copies import SHARED_FOLDERS, CopiedFiles
from rewriter.model.managers.vocabulary import names
from rewriter.model.running.home_of_root import text_of
from rewriter.model.running.new_user import Runner, is_safe_path
from rewriter.model.running.shipped import Doubt, Shipped
from rewriter.model.stages import UNKNOWN_PART
from rewriter.syntax.tree import Copy, Run, Volume

# Folders that everybody may write to.
_FREE: Final = ("/tmp", "/var/tmp", "/dev", "/proc", "/run/lock")
_SYSTEM: Final = re.compile(r"/(?:bin|boot|etc|lib\w*|proc|root|sbin|sys|usr/(?:bin|lib|sbin|share|include)|dev)(?:/|\Z)")
# Variables whose values are folders for data, by their names.
_OF_DATA: Final = re.compile(
    r"(?:\A|_)(?:DATA|LOGS?|CACHE|UPLOADS?|MEDIA|STORAGE|TE?MP|MULTIPROC|MODELS?|STATE|SPOOL|OUTPUT|RESULTS?|SESSIONS?|"
    r"BACKUPS?|DB|DATABASE|SQLITE|HF_HOME|TRANSFORMERS_CACHE|MPLCONFIGDIR|NUMBA_CACHE_DIR)_?"
    r"(?:DIR|DIRECTORY|FOLDER|PATH|HOME|ROOT|FILE|DIRS)?\Z"
)
_SQLITE: Final = re.compile(r"(?:file|sqlite[\w+]*):(?://)?(?P<path>/.*?)(?:\?|\Z)")
_KEEPS: Final = re.compile(r"\.\w{1,8}\Z")
_CODE: Final = re.compile(
    r"(?:\.(?:py|[cm]?[jt]sx?|go|rs|java|jar|war|rb|cs|dll|sh|txt|toml|lock|cfg|ini|ya?ml|md|html|css|conf|mod|sum)"
    r"|(?:package(?:-lock)?|tsconfig[\w.-]*|composer|appsettings[\w.-]*)\.json|/?(?:Makefile|Procfile|Gemfile|Pipfile)"
    r"|\.\w*rc|lock|\.env[\w.]*)\Z"
)
_BUILT: Final = names(
    "node_modules dist build out lib bin .venv venv target vendor site-packages public static www htdocs prisma migrations"
)
# Servers that write into their folder whatever their application does.
_WRITES_BESIDE: Final = names("celery chainlit\0run mlflow jupyter rails\0server puma uwsgi strapi streamlit\0run")


class Ownership(NamedTuple):
    """What the user of an image is to own.

    `copies` bring files that the program writes to: they gain `--chown`. `made` are folders that may have to be made,
    `owned` all that are given to the user, absolute. `built` is a RUN with the folder that it fills and the program
    writes to, relative or absolute as the RUN would name it.
    """

    copies: tuple[Copy, ...]
    made: tuple[str, ...]
    owned: tuple[str, ...]
    built: tuple[Run, str] | None
    above: Volume | None = None


def find_ownership(shipped: Shipped, runner: Runner) -> Ownership | Doubt:
    """What has to be owned, or why that cannot be told."""
    finder = _Finder(shipped, runner)
    return finder.find()


class _Finder:
    def __init__(self, shipped: Shipped, runner: Runner) -> None:
        self._shipped: Final = shipped
        self._runner: Final = runner
        self._workdir: Final = shipped.workdir

    def find(self) -> Ownership | Doubt:
        shipped = self._shipped
        reason = _why_unknown(shipped)
        wanted = list(dict.fromkeys(filter(self._matters, self._wanted())))
        if reason or any(path == self._workdir for path in wanted):
            if not self._workdir or self._workdir in SHARED_FOLDERS or _SYSTEM.match(self._workdir):
                where = self._workdir or "a folder that is not known"
                return Doubt(f"it may write in {where}, which is not its own: {reason}" if reason else f"it writes in {where}")
            wanted.insert(0, self._workdir)
        wanted = list(dict.fromkeys(wanted))
        for path in wanted:
            if path in SHARED_FOLDERS or _SYSTEM.match(path):
                return Doubt(f"it writes in {path}, which is the system's")
            if not is_safe_path(path) or UNKNOWN_PART in path:
                return Doubt("the name of a folder that it writes in is not plain")
        if doubt := self._doubt_of_mounts(wanted) or (reason and self._doubt_of_steps(reason)) or None:
            return doubt
        if wanted and not self._has_shell:
            return Doubt(f"{wanted[0]} cannot be given to a user where no shell is" + (f": {reason}" if reason else ""))
        return self._ownership(wanted)

    @property
    def _has_shell(self) -> bool:
        return self._shipped.end.distribution not in ("scratch", "distroless") and self._shipped.end.is_posix_shell

    def _matters(self, path: str) -> bool:
        return not any(path == free or path.startswith(f"{free}/") for free in _FREE)

    # What it writes

    def _wanted(self) -> Iterator[str]:
        """The folders that the program writes to, as far as anything tells."""
        shipped = self._shipped
        for one in shipped.steps:
            state = shipped.states.at(one)
            if isinstance(one, Volume):
                for path in one.paths:
                    yield _clean(state.expand(path) or UNKNOWN_PART, state.workdir)
            elif isinstance(one, Run) and "mkdir" in one.view.text:
                yield from self._made_by(one)
        for name, value in shipped.project.environment.items():
            if value and (match := _SQLITE.match(value)):
                yield posixpath.dirname(posixpath.normpath("/" + match["path"].lstrip("/")))
            elif value and _OF_DATA.search(name) and value.startswith("/"):
                path = posixpath.normpath(value)
                yield posixpath.dirname(path) if _KEEPS.search(path) else path
        writes = shipped.project.writes
        for path in writes.paths if writes else ():
            yield posixpath.dirname(path) if _KEEPS.search(path) else path
        for beginning in shipped.beginnings:
            start = beginning.start
            for command in start.commands if start else ():
                if command.words[0].value == "mkdir":
                    yield from (_clean(word.value, command.folder) for word in command.words[1:] if word.value[:1] != "-")

    def _made_by(self, run: Run) -> Iterator[str]:
        """The folders that a RUN makes below folders that are not the system's: they are made to be written to."""
        state = self._shipped.states.at(run)
        folder = state.workdir
        for command in run.script.simple_commands():
            if command.name == "cd" and len(command.words) == 2:
                folder = _clean(command.words[1].value or UNKNOWN_PART, folder)
            if command.name != "mkdir":
                continue
            for word in command.arguments:
                text = word.value if word.is_literal else (state.expand(word.text) or "")
                path = _clean(text, folder) if text and not text.startswith("-") else ""
                if path and not _SYSTEM.match(path) and path not in SHARED_FOLDERS and posixpath.basename(path) not in _BUILT:
                    if path != self._workdir and not self._workdir.startswith(f"{path}/"):
                        yield path

    # What stands in the way

    def _doubt_of_mounts(self, wanted: list[str]) -> Doubt | None:
        for service in self._shipped.services:
            for mount in service.mounts:
                if mount.kind == "tmpfs" or mount.is_read_only or posixpath.basename(mount.target) in _BUILT:
                    continue
                if mount.kind == "volume" and not mount.source:
                    continue
                if not self._matters(mount.target) or _KEEPS.search(posixpath.basename(mount.target)):
                    continue
                inside = any(_is_inside(path, mount.target) for path in wanted)
                if mount.kind == "bind" and not inside and _is_inside(self._workdir, mount.target):
                    continue  # the sources, which it only reads
                what = f"the volume {mount.source}" if mount.kind == "volume" else f"{mount.source} of the host"
                return Doubt(f"{service} mounts {what} at {mount.target}, which keeps the owner it has")
        return None

    def _doubt_of_steps(self, reason: str) -> Doubt | None:
        """RUNs below the sources that may make files that the program writes to: they would stay root's."""
        seen_sources = False
        for one in self._shipped.steps:
            if isinstance(one, Copy) and one.paths:
                seen_sources = seen_sources or one.source_stage is None
            elif isinstance(one, Run) and seen_sources and (match := _MAKES_DATA.search(text_of(one))):
                return Doubt(f"`{match[0]}` in line {{line}} may make files that it writes to: {reason}", one)
        return None

    # How it gets it

    def _ownership(self, wanted: list[str]) -> Ownership:
        shipped = self._shipped
        copies = [copy for copy in shipped.copies if not copy.flag("chown") and self._brings_data(copy, wanted)]
        roots = [path for path in wanted if not any(path != other and _is_inside(path, other) and other != self._workdir
                                                    for other in wanted)]  # fmt: skip
        made = tuple(path for path in wanted if path != self._workdir)
        built = self._built_by_next()
        volumes = (one for one in shipped.stage.instructions if isinstance(one, Volume))
        return Ownership(tuple(copies), made, tuple(dict.fromkeys(wanted)), built, next(volumes, None) if roots else None)

    def _brings_data(self, copy: Copy, wanted: list[str]) -> bool:
        """Whether a COPY brings files that the program may write to."""
        shipped = self._shipped
        if self._is_closed(copy):
            return True
        state = shipped.states.at(copy)
        if copy.source_stage is not None:
            return self._brings_project(copy, wanted)
        copied = CopiedFiles(copy, state, shipped.context)
        if copied.problem or not copied.sources:
            return False
        for source in copied.sources:
            if not source.is_tree:
                if posixpath.dirname(source.target) in wanted and not _CODE.search(source.path):
                    return True
                continue
            if posixpath.basename(source.target) in _BUILT:
                continue
            for path in wanted:
                if path == source.target or _is_inside(source.target, path):
                    return True
                if _is_inside(path, source.target):
                    origin = copied.origin(path)
                    if origin is not None and shipped.context.status(origin) != "absent":
                        return True
        return False

    def _brings_project(self, copy: Copy, wanted: list[str]) -> bool:
        """Whether a `COPY --from` brings a whole project, or what a framework writes to, rather than what was built."""
        state = self._shipped.states.at(copy)
        target = _clean(state.expand(copy.destination) or UNKNOWN_PART, state.workdir)
        if any(".next" in source for source in copy.sources):
            return "static" not in copy.destination
        flag = copy.source_stage
        stage = self._shipped.states.graph.find(flag.value) if flag else None
        if stage is None or target not in wanted:
            return False
        folder = self._shipped.states.at_end(stage).workdir
        return any(_clean(source, "/") == folder for source in copy.sources)

    def _is_closed(self, copy: Copy) -> bool:
        """Whether a COPY brings files from the context that others than their owner may not read."""
        if copy.source_stage is not None or copy.flag("chmod"):
            return False
        copied = CopiedFiles(copy, self._shipped.states.at(copy), self._shipped.context)
        return any(self._shipped.context.is_closed(source.path) for source in copied.sources)

    def _built_by_next(self) -> tuple[Run, str] | None:
        """The RUN that builds an application of Next.js, which writes into its build at run time."""
        program = self._shipped.project.program
        if not program or program.name != "next start":
            return None
        run = next((run for run in reversed(self._shipped.runs) if re.search(r"\bbuild\b", run.view.text)), None)
        return (run, ".next") if run is not None else None


# Commands that fill databases and folders which the program goes on writing to.
_MAKES_DATA: Final = re.compile(
    r"manage\.py (?!collectstatic|compilemessages|check|compress|tailwind)\S+|alembic upgrade|flask (?:db|init)\S*"
    r"|prisma (?:db push|migrate)|sqlite3 |db:(?:migrate|setup|create|seed)|init_?db\S*|rails db:\S+|\bgit clone\b"
)


def _why_unknown(shipped: Shipped) -> str:
    """Why not all is known that the program writes; empty where it is."""
    writes, program = shipped.project.writes, shipped.project.program
    if not writes:
        return writes.reason
    if writes.unread:
        return writes.unread[0]
    if len(shipped.beginnings) > 1:
        return "a service starts it with another command"
    if program and program.name.replace(" ", "\0") in _WRITES_BESIDE:
        return f"`{program.name}` writes in its folder"
    return ""


def _clean(path: str, folder: str) -> str:
    return posixpath.normpath(posixpath.join(folder or "/", path)) if UNKNOWN_PART not in path else UNKNOWN_PART


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")
