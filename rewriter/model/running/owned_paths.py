"""What the user of an image must own, and how it gets it: by `COPY --chown` and by chown of single folders."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.model.running.brought import brings_data, brings_project, is_brought, is_code, is_there
from rewriter.model.running.mounted import doubt_of_mounts
from rewriter.model.running.new_user import Runner
from rewriter.model.running.shipped import Doubt, Shipped, text_of
from rewriter.model.running.written_folders import (
    REDIRECTION,
    absolute,
    folders_made_by,
    is_inside,
    is_of_system,
    written_folders,
)
from rewriter.model.stages import UNKNOWN_PART
from rewriter.syntax.tree import Copy, Run

_PLAIN: Final = re.compile(r"/[\w./@+-]+\Z")
# Commands that fill databases and folders which the program goes on writing to.
_MAKES_DATA: Final = re.compile(
    r"manage\.py (?!collectstatic|compilemessages|check|compress|tailwind)\S+|alembic upgrade|flask (?:db|init)\S*|"
    r"prisma (?:db push|migrate)|sqlite3 |db:(?:migrate|setup|create|seed)|init_?db\S*|(?:rails|rake) \S+|"
    r"bootsnap precompile|\bgit clone\b"
)
# Servers and frameworks that write into their folder whatever the application does.
_WRITES_BESIDE: Final = frozenset(
    ("celery", "chainlit run", "mlflow", "jupyter", "rails server", "puma", "uwsgi", "strapi")
)
_FRAMEWORKS_THAT_WRITE: Final = frozenset(("Gradio", "Chainlit", "NiceGUI", "Rails", "Strapi", "Adonis"))


class Ownership(NamedTuple):
    """What the user of an image is to own.

    `copies` bring files that the program may write to, or that others could not read: they gain `--chown`. `owned` are
    the folders that are given to the user, absolute, `missing` those of them that have to be made. `built` is a RUN
    that fills a folder which the program goes on writing to, with that folder as the RUN would name it.
    """

    copies: tuple[Copy, ...]
    missing: tuple[str, ...]
    owned: tuple[str, ...]
    built: tuple[Run, str] | None


def find_ownership(shipped: Shipped, runner: Runner) -> Ownership | Doubt:
    """What has to be owned, or why that cannot be told.

    Where all is known that the program writes, that is only the folders that it writes to; else also its WORKDIR, with
    all that is copied there.
    """
    reason, workdir = _why_unknown(shipped), shipped.workdir
    owned = tuple(path for path in written_folders(shipped) if path != runner.home)
    if reason and (not workdir or is_of_system(workdir)):
        return Doubt(f"it may write in {workdir or 'an unknown folder'}, which is not its own: {reason}")
    if reason:
        between = (folder for path in owned if is_inside(path, workdir) for folder in _between(workdir, path))
        owned = tuple(dict.fromkeys((workdir, *between, *owned)))
    doubts = (_doubt_of_folders(owned), _doubt_of_owners(shipped, runner), doubt_of_mounts(owned, shipped))
    if doubt := next(filter(None, doubts), None) or _doubt_of_steps(owned, shipped, reason):
        return doubt
    has_shell = shipped.end.distribution not in ("scratch", "distroless") and shipped.end.is_posix_shell
    if owned and not has_shell:
        return Doubt(f"there is no shell to give {owned[0]} to a user with{reason and ': '}{reason}")
    built = _built(shipped)
    if isinstance(built, Doubt):
        return built
    copies = tuple(copy for copy in shipped.copies if not copy.flag("chown") and brings_data(copy, owned, shipped))
    # Next.js makes the folders in its build by itself, once that is the user's.
    has_build = built is not None or any(copy.source_stage and brings_project(copy, owned, shipped) for copy in copies)
    given = tuple(
        path
        for path in owned
        if not (is_brought(path, copies, shipped) or (has_build and is_inside(path, f"{workdir}/.next")))
    )
    missing = _missing(given, shipped)
    new = (folder for path in missing if is_inside(path, workdir) for folder in _between(workdir, path))
    above = {folder for folder in new if not is_there(folder, shipped)}
    return Ownership(copies, missing, tuple(sorted({*given, *above})), built)


def _missing(given: tuple[str, ...], shipped: Shipped) -> tuple[str, ...]:
    """Those of the folders that mkdir has to make; one that comes with a folder below it need not be named."""
    made = {path for run in shipped.runs for path in folders_made_by(run, shipped)}
    made |= {folder for path in made for folder in _between("/", path)}
    made.add(shipped.workdir)
    found = sorted(path for path in given if path not in made and not is_there(path, shipped))
    return tuple(path for path in found if not any(one != path and is_inside(one, path) for one in found))


def _between(folder: str, path: str) -> Iterator[str]:
    """The folders between a folder and a path below it: `mkdir -p` makes them as well."""
    parts = posixpath.relpath(path, folder).split("/")
    yield from (posixpath.join(folder, *parts[:count]) for count in range(1, len(parts)))


def _why_unknown(shipped: Shipped) -> str:
    """Why not all is known that the program writes; empty where it is."""
    writes, program = shipped.project.writes, shipped.project.program
    if not writes:
        return writes.reason
    if writes.unread:
        return writes.unread[0]
    if len(shipped.beginnings) > 1:
        return "a service starts it with another command"
    if program and program.name in _WRITES_BESIDE:
        return f"`{program.name}` writes in its folder"
    framework = shipped.project.framework
    return f"{framework} writes in its folder" if framework in _FRAMEWORKS_THAT_WRITE else ""


# What stands in the way


def _doubt_of_folders(owned: tuple[str, ...]) -> Doubt | None:
    for path in owned:
        if UNKNOWN_PART in path or not _PLAIN.match(path):
            return Doubt("the name of a folder that it writes in is not plain")
        if is_of_system(path):
            return Doubt(f"it writes in {path}, which is the system's")
    return None


def _doubt_of_owners(shipped: Shipped, runner: Runner) -> Doubt | None:
    """Files that the Dockerfile gives to somebody else."""
    known = {*runner.owner.split(":"), runner.name, "root", "0", ""}
    for one in shipped.steps:
        owners: list[str] = []
        if isinstance(one, Copy) and (flag := one.flag("chown")):
            owners = [shipped.states.at(one).expand(flag.value) or flag.value]
        elif isinstance(one, Run) and "chown" in text_of(one):
            for command in one.script.simple_commands():
                plain = [word.value or word.text for word in command.arguments if not word.text.startswith("-")]
                owners += plain[:1] if command.name == "chown" else []
        if any(owner.partition(":")[0] not in known for owner in owners):
            return Doubt("line {line} gives files to another user", one)
    return None


def _doubt_of_steps(owned: tuple[str, ...], shipped: Shipped, reason: str) -> Doubt | None:
    """RUNs below the sources that may make files that the program writes to: they would stay root's."""
    has_sources = False
    for one in shipped.steps:
        if isinstance(one, Copy) and one.paths:
            has_sources = has_sources or one.source_stage is None
        elif isinstance(one, Run) and owned:
            if has_sources and (match := _MAKES_DATA.search(text_of(one))):
                why = f": {reason}" if reason else ""
                return Doubt(f"`{match[0]}` in line {{line}} may make files that it writes to{why}", one)
            if file := next((path for path in _files_made_by(one, shipped) if posixpath.dirname(path) in owned), ""):
                return Doubt(f"line {{line}} makes {file}, which it may write to", one)
    return None


def _files_made_by(run: Run, shipped: Shipped) -> Iterator[str]:
    """The files that a RUN makes by touch or redirection, save for code."""
    state = shipped.states.at(run)
    named = [match["path"] for match in REDIRECTION.finditer(text_of(run))]
    for command in run.script.simple_commands():
        if command.name == "touch":
            named += [word.value for word in command.arguments]
    for text in named:
        path = absolute(state.expand(text) or UNKNOWN_PART, state.workdir)
        if not is_code(path):
            yield path


def _built(shipped: Shipped) -> tuple[Run, str] | Doubt | None:
    """The RUN that fills a folder which the program goes on writing to, and that folder as the RUN names it.

    Next.js writes into its build: https://nextjs.org/docs/app/guides/self-hosting#caching-and-isr
    """
    if shipped.project.framework != "Next":
        return None
    run = next((run for run in reversed(shipped.runs) if re.search(r"\bbuild\b", text_of(run))), None)
    if run is None:
        return None
    state = shipped.states.at(run)
    if run.json is not None or run.heredocs or not state.is_posix_shell or any(run.script.opaques()):
        return Doubt("line {line} builds what it writes to in a way that is not understood", run)
    is_there = state.workdir == shipped.workdir and "cd " not in run.view.text
    return run, ".next" if is_there else f"{shipped.workdir}/.next"
