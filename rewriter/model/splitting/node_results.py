"""The one folder that a started program looks at, of a Node project that is built."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.only_folder import FILE_SERVERS, only_folder
from rewriter.model.splitting.node_builds import MANAGERS, Builds
from rewriter.model.splitting.run_time_files import run_time_files
from rewriter.model.splitting.settings import mentions
from rewriter.model.splitting.stage_reading import Reading
from rewriter.syntax.tree import Healthcheck

_FILES: Final = re.compile(
    r"\bprocess\.cwd\(\)|\bmigrationsFolder\b|\b(?:read|append|write)(?:File|dir)(?:Sync)?\(|[\"'`]file:"
)
_LOADED: Final = re.compile(r"(?:\bfrom|\bimport|\b(?:import|require)\s*\()\s*(?:\"[^\"\n]*\"|'[^'\n]*')")
_LITERAL: Final = re.compile(r"[\"'`](?:\./)?(?P<path>[\w@][\w@.-]*(?:/[\w@.-]+)*)/?(?=[\"'`]|/?\$\{)")
_SOURCE: Final = re.compile(r"\.(?:[cm]?[jt]sx?|vue|s?css|less)\Z")
# Folders whose files Nuxt builds in or brings along: https://nuxt.com/docs/guide/directory-structure
_OF_NUXT: Final = names(
    "app assets components composables content layers layouts middleware modules node_modules pages plugins public "
    "server shared store types utils test tests i18n"
)
_THERE: Final = ("present", "unreadable")
_PROGRAM_FILE: Final = re.compile(r"\.(?:[cm]?js|sh)\b")


def folder_of_result(reading: Reading, builds: Builds) -> str:
    """The path of that folder in the image, inside the project; empty where the program may look at more."""
    start = reading.project.start
    if not start or start.followed or len(start.commands) != 1:
        return ""
    if any(one.command or one.entrypoint for one in reading.services) or any(map(_looks_at_files, _checks(reading))):
        return ""
    command = start.commands[0]
    words = [word.known or "" for word in command.words]
    program = posixpath.basename(words[0])
    if program in FILE_SERVERS and program not in builds.global_packages:
        return ""
    path = only_folder(words, command.folder)
    if path.endswith("/.output") and _reads_its_folder(reading, command.folder):
        return ""
    is_own = path.startswith(f"{builds.folder}/") and not _is_worked_on(path, reading, builds)
    return path if is_own else ""


def _reads_its_folder(reading: Reading, folder: str) -> bool:
    """Whether the sources speak of files in the folder that the server starts in, which Nuxt does not bring along."""
    files = run_time_files(reading.context, lambda name: name.endswith((".ts", ".js", ".mjs", ".vue")))
    origin = reading.project.sources.origin_of_folder(folder) or ""
    return any(_FILES.search(text) or _names_a_file(path, text, origin, reading.context) for path, text in files)


def _names_a_file(path: str, text: str, folder: str, context: BuildContext) -> bool:
    """Whether a source that the server may run names a file or folder of the context, which any library may read."""
    if path.endswith(".vue") or ".config." in path:
        return False
    found = {match["path"] for match in _LITERAL.finditer(_LOADED.sub("", text))}
    return any(
        not _SOURCE.search(one) and one not in _OF_NUXT and context.status(posixpath.join(folder, one)) in _THERE
        for one in found
    )


def _is_worked_on(path: str, reading: Reading, builds: Builds) -> bool:
    """Whether a RUN behind the build needs files of the project beside that folder."""
    for run in reading.runs:
        if run.start > builds.runs[-1].start:
            touched = (one for step in reading.steps(run) for one in step.effects.touches)
            for one in touched:
                inside = one.startswith(f"{builds.folder}/")
                if inside and one != path and not one.startswith(f"{path}/") and not path.startswith(f"{one}/"):
                    return True
    return False


def _checks(reading: Reading) -> list[str]:
    return [one.text for one in reading.stage.instructions if isinstance(one, Healthcheck)]


def _looks_at_files(text: str) -> bool:
    return _PROGRAM_FILE.search(text) is not None or any(mentions(text, name) for name in ("node", *MANAGERS))
