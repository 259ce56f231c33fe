"""Whether what a container starts can do its work without being root."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.data.root_programs import NEEDS_ROOT, WRITES_IN_MODULES
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Command, Program, Start, Unknown
from rewriter.model.project.program import runs_tests
from rewriter.model.project.servers import SERVERS
from rewriter.model.running.shipped import Beginning, Doubt, Shipped, text_of
from rewriter.model.running.written_folders import REDIRECTION, settings_named_in
from rewriter.model.stages import UNKNOWN_PART
from rewriter.syntax.tree import Copy

_SWITCHES: Final = re.compile(r"\b(gosu|su-exec|setpriv|sudo|runuser|chroot|s6-setuidgid|chpst)\b|\b(su)\s+-")
_SYSTEM_FILES: Final = re.compile(r">>?\s*[\"']?/(?:etc|usr|var|root|proc|sys|boot|lib)/")
_ENVIRONMENT_IN_HOME: Final = re.compile(r"\b(poetry|pipenv|pdm|hatch|rye) run\b|\b(uv) run\b")
# Where the tool keeps the environment, or that there is none: the settings of poetry and pipenv.
_ELSEWHERE: Final = {
    "poetry": ("POETRY_VIRTUALENVS_CREATE", "POETRY_VIRTUALENVS_IN_PROJECT", "POETRY_VIRTUALENVS_PATH"),
    "pipenv": ("PIPENV_VENV_IN_PROJECT", "WORKON_HOME"),
}
# Servers that are told to switch to another user, which only root may.
_SWITCHES_ITSELF: Final = re.compile(
    r"\b(?:gunicorn|uwsgi|celery|daphne|hypercorn|puma|unicorn)\b.{0,2000} --(?:user|uid)\b"
)
_USER_SETTING: Final = re.compile(r"(?m)^\s*(?:user|uid)\s*=\s*[\"']?\w")
_UV_CHOICES: Final = re.compile(
    r"--(?:no-dev|no-default-groups|no-install-\S+|(?:extra|group|only-group)[ =]\S+|all-\S+)"
)
_THROUGH_COREPACK: Final = re.compile(r"(?:yarn|pnpm)\b")

# Programs that a script may run before the one that serves, for they only read, wait, or write where they are told.
_PREPARES: Final = names(
    "manage.py django-admin alembic flask aerich python python3 node prisma sequelize sequelize-cli typeorm knex "
    "rails rake sleep nc ncat netcat curl wget pg_isready psql mysqladmin mysql redis-cli mongo mongosh date env cat "
    "ls pwd id whoami hostname find grep egrep awk tr cut head tail sort wc seq basename dirname envsubst printenv "
    "uname nproc jq yq ps kill getent dig nslookup ping tee sed cp mv rm mkdir touch ln test clear which expr openssl"
)
_CHANGES_PATHS: Final = names("tee sed cp mv rm touch ln")
_CHANGES_FOUND: Final = re.compile(r"\s-(?:exec\w*|ok|delete)\b")
# Folders that builds fill: their files are root's.
_BUILT: Final = names("dist build out .output node_modules site-packages")
_LANGUAGES: Final = names(
    "python node java dotnet ruby bundle rails celery gunicorn uvicorn deno bun daphne hypercorn uwsgi "
    "streamlit chainlit gradio mlflow jupyter locust iodine falcon thin unicorn agoo sails"
)
_BUILDERS: Final = names("go mvn mvnw gradle gradlew cargo sbt make air mix lein")
_REWRITES_MODULES: Final = re.compile(r"prisma (?:generate|db push|migrate dev)|patch-package|npm rebuild")


def doubt_of_start(shipped: Shipped) -> Doubt | None:
    """Why it cannot be said that every way in which the image starts works without root."""
    return next((Doubt(_reason(reason, one)) for one in shipped.beginnings for reason in _doubts(one, shipped)), None)


def _reason(reason: str, beginning: Beginning) -> str:
    return f"{beginning.of}: {reason}" if beginning.of else reason


def _doubts(beginning: Beginning, shipped: Shipped) -> Iterator[str]:
    start, program = beginning.start, beginning.program
    if isinstance(start, Unknown):
        yield start.reason
        return
    yield from start.unread
    yield from _doubts_of_text(start, beginning, shipped)
    for command in start.commands[:-1]:
        yield from _doubts_of_preparation(command, shipped)
    name = posixpath.basename(start.commands[-1].words[0].value)
    if name in NEEDS_ROOT:
        yield f"`{name}` starts as root"
    if isinstance(program, Unknown):
        yield program.reason
        return
    yield from _doubts_of_program(program, shipped)


def _doubts_of_text(start: Start, beginning: Beginning, shipped: Shipped) -> Iterator[str]:
    """What the words and scripts on the way to the program say: wrappers are not among the commands."""
    text = re.sub(r"[\"',\[\]\s]+", " ", shipped.words_of(beginning))
    text += " " + " ".join(start.followed)
    if match := _SWITCHES.search(text):
        yield f"`{match[1] or match[2]}` switches users when the container starts"
    settings = (one for command in start.commands for one in settings_named_in(command, shipped))
    if (match := _SWITCHES_ITSELF.search(text)) or any(map(_USER_SETTING.search, settings)):
        yield "the server switches users itself when the container starts"
    changed = (match["path"] for match in REDIRECTION.finditer(shipped.words_of(beginning)))
    if any(not _BUILT.isdisjoint(path.split("/")) for path in changed):
        yield "a script changes what was built when the container starts"
    if _SYSTEM_FILES.search(text):
        yield "a script writes system files when the container starts"
    if "/root" in text:
        yield "it starts with paths below /root, which only root may enter"
    if match := _ENVIRONMENT_IN_HOME.search(text):
        tool = match[1] or match[2]
        is_found = _is_synced(text, shipped) if tool == "uv" else any(map(shipped.end.is_set, _ELSEWHERE.get(tool, ())))
        if not is_found:
            yield f"`{tool} run` may change the environment that root has made, or not find it"
    if any(map(_THROUGH_COREPACK.match, start.followed)) and _uses_corepack(shipped):
        yield "corepack would download the package manager again for another user"
    if match := _REWRITES_MODULES.search(text):
        yield f"`{match[0]}` changes installed packages when the container starts"


def _is_synced(text: str, shipped: Shipped) -> bool:
    """Whether `uv run` finds the environment as it wants it: it changes one that is out of step with the project.

    https://docs.astral.sh/uv/concepts/projects/sync/
    """
    if "--no-sync" in text or shipped.end.is_set("UV_NO_SYNC"):
        return True
    syncs = [run for run in shipped.runs if "uv sync" in text_of(run)]
    if not syncs or any(copy.start > syncs[-1].start for copy in shipped.copies if copy.source_stage is None):
        return False
    return _UV_CHOICES.findall(text_of(syncs[-1])) == _UV_CHOICES.findall(text)


def _uses_corepack(shipped: Shipped) -> bool:
    is_used = any("corepack" in text_of(run) for run in shipped.runs)
    return is_used and not shipped.end.is_set("COREPACK_HOME")


def _doubts_of_preparation(command: Command, shipped: Shipped) -> Iterator[str]:
    """Why a command that runs before the program may need root."""
    name = posixpath.basename(command.words[0].value)
    if name in NEEDS_ROOT:
        yield f"`{name}` runs when the container starts"
    elif name.rstrip("0123456789.") not in _PREPARES and name not in SERVERS:
        yield f"what `{command.text.split()[0]}` does when the container starts is not known"
    elif name in _CHANGES_PATHS or (name == "find" and _CHANGES_FOUND.search(command.text)):
        if any(not _BUILT.isdisjoint(word.value.split("/")) for word in command.words[1:]):
            yield f"`{name}` changes what was built when the container starts"
        for word in command.words[1:]:
            if word.value.startswith("/") and not _is_writable(word.value, shipped):
                yield f"`{name}` changes {word.value.replace(UNKNOWN_PART, '?')} when the container starts"
    if "collectstatic" in command.text and any("collectstatic" in text_of(run) for run in shipped.runs):
        yield "`collectstatic` writes again what a RUN has made"


def _is_writable(path: str, shipped: Shipped) -> bool:
    folders = ("/tmp", "/var/tmp", "/dev", shipped.workdir if shipped.workdir != "/" else "/tmp")
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _doubts_of_program(program: Program, shipped: Shipped) -> Iterator[str]:
    if program.name in NEEDS_ROOT:
        yield f"`{program.name}` starts as root"
    if runs_tests(program):
        yield "it only runs tests"
    if program.name.split()[0] in _BUILDERS or program.name in ("dotnet run", "dotnet watch"):
        yield f"`{program.name}` builds the project when the container starts"
    text = shipped.project.sources.read(program.file) if program.file else ""
    if isinstance(text, str) and "/root/" in text:
        yield f"{program.file} names paths below /root, which only root may enter"
    if program.language == "php":
        yield "libraries of PHP may write beside their code"
    if program.name in WRITES_IN_MODULES:
        yield f"`{program.name}` writes beside the installed packages"
    if "entrypoint" in program.name or "entrypoint" in posixpath.basename(program.file):
        yield f"what `{program.name}` does before the program starts is not known"
    first = program.name.split()[0]
    is_known = first in _LANGUAGES or program.name in SERVERS or program.file or program.path or first == "manage.py"
    if not is_known and not _is_brought(program, shipped):
        yield f"whether `{program.name}` needs root is not known"


def _is_brought(program: Program, shipped: Shipped) -> bool:
    """Whether a COPY brings the program from another stage or the context, under its own name or in its folder."""
    command = shipped.beginnings[0].start
    word = command.commands[-1].words[0].value if command else program.name
    path = posixpath.normpath(posixpath.join(program.folder or "/", word))
    for copy in shipped.copies:
        target = shipped.states.at(copy).expand(copy.destination) or ""
        folder = posixpath.normpath(posixpath.join(shipped.states.at(copy).workdir or "/", target))
        if path == folder or ("/" in word and path.startswith(folder.rstrip("/") + "/")):
            return True
        if "/" not in word and word in _names_of(copy, folder) and "bin" in folder.split("/"):
            return True
    return False


def _names_of(copy: Copy, target: str) -> tuple[str, ...]:
    """The names that what a COPY brings may have in the image."""
    return posixpath.basename(target), *(posixpath.basename(source) for source in copy.sources)
