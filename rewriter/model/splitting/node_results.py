"""The one folder that a started program looks at, of a Node project that is built.

A standalone server of Next.js has its packages beside it, and goes into its own folder when it starts:
https://nextjs.org/docs/app/api-reference/config/next-config-js/output
So has what Nuxt builds for Node: https://nuxt.com/docs/getting-started/deployment
A server of static files has what it is told to serve.
"""

from __future__ import annotations

import posixpath
import re
from itertools import pairwise
from typing import Final

from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Command
from rewriter.model.splitting.node_builds import MANAGERS, Builds
from rewriter.model.splitting.settings import mentions
from rewriter.model.splitting.stage_reading import Reading
from rewriter.syntax.tree import Healthcheck

_STANDALONE: Final = re.compile(r"(.*/\.next/standalone)/(?:[\w@.-]+/)*server\.js|(.*/\.output)/server/index\.mjs")
_PROGRAM_FILE: Final = re.compile(r"\.(?:[cm]?js|sh)\b")
_SERVERS: Final = names("serve http-server")
_WITH_VALUES: Final = names("-l --listen -p --port -c --config -a -P -e -d -t -C -K -i -L -T")


def only_folder(reading: Reading, builds: Builds) -> str:
    """The path of that folder in the image; empty where the program may look at more."""
    start = reading.project.start
    if not start or start.followed or len(start.commands) != 1 or any(one.command for one in reading.services):
        return ""
    if any(one.entrypoint for one in reading.services) or any(_looks_at_files(one.text) for one in _checks(reading)):
        return ""
    command = start.commands[0]
    words = [word.known or "" for word in command.words]
    program = posixpath.basename(words[0])
    if program == "node" and len(words) == 2:
        match = _STANDALONE.fullmatch(posixpath.join(command.folder, words[1]))
        path = (match[1] or match[2]) if match else ""
        return path if path.startswith(f"{builds.folder}/") else ""
    if program in _SERVERS and program in builds.global_packages and "package.json" not in command.text:
        return _served(command, words, builds)
    return ""


def _served(command: Command, words: list[str], builds: Builds) -> str:
    """The folder that a server of files is told to serve, where that is one that only the build makes."""
    plain = [word for before, word in pairwise(words) if not word.startswith("-") and before not in _WITH_VALUES]
    if len(plain) != 1 or not plain[0] or any(word in ("-c", "--config") for word in words):
        return ""
    path = posixpath.normpath(posixpath.join(command.folder, plain[0]))
    return path if path.startswith(f"{builds.folder}/") else ""


def _checks(reading: Reading) -> list[Healthcheck]:
    return [one for one in reading.stage.instructions if isinstance(one, Healthcheck)]


def _looks_at_files(text: str) -> bool:
    return (
        any(mentions(text, name) for name in ("node", *MANAGERS)) or re.search(r"\.(?:[cm]?js|sh)\b", text) is not None
    )
