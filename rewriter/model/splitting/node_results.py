"""The one folder that a started program looks at, of a Node project that is built."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from rewriter.model.project.only_folder import FILE_SERVERS, only_folder
from rewriter.model.splitting.node_builds import MANAGERS, Builds
from rewriter.model.splitting.settings import mentions
from rewriter.model.splitting.stage_reading import Reading
from rewriter.syntax.tree import Healthcheck

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
    return path if path.startswith(f"{builds.folder}/") else ""


def _checks(reading: Reading) -> list[str]:
    return [one.text for one in reading.stage.instructions if isinstance(one, Healthcheck)]


def _looks_at_files(text: str) -> bool:
    return _PROGRAM_FILE.search(text) is not None or any(mentions(text, name) for name in ("node", *MANAGERS))
