"""The workspace that a command is told to run a script of: `npm start -w server`, `pnpm --filter server start`.

https://docs.npmjs.com/cli/using-npm/workspaces, https://pnpm.io/filtering,
https://classic.yarnpkg.com/lang/en/docs/cli/workspace/
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Command, Text, Unknown
from rewriter.model.project.sources import Sources

_ONE: Final = {"npm": names("-w --workspace"), "pnpm": names("-F --filter")}
_ALL: Final = names("--workspaces --recursive -r -ws")
_PLAIN: Final = re.compile(r"(?!\.)[@\w./-]+\Z")


def in_workspace(command: Command, sources: Sources) -> Command | Unknown:
    """The command in the folder of the workspace that it names, without naming it; the same where it names none."""
    manager = posixpath.basename(command.words[0].value)
    kept: list[Text] = []
    named = ""
    words = list(command.words)
    if manager == "yarn" and len(words) > 2 and words[1].value == "workspace":
        named, words = words[2].value, [words[0], *words[3:]]
    while words and words[0].value != "--":
        word = words.pop(0)
        name, equals, value = word.value.partition("=")
        if name in _ALL and manager in _ONE:
            return Unknown(f"`{command.text}` runs scripts of all packages")
        if name in _ONE.get(manager, ()) and (equals or words):
            named = value if equals else words.pop(0).value
        else:
            kept.append(word)
    if not named:
        return command
    folder = _folder_of(named, command.folder, sources)
    if not folder:
        return Unknown(f"`{command.text}` runs a script of another package")
    return command._replace(words=(*kept, *words), folder=folder)


def _folder_of(named: str, folder: str, sources: Sources) -> str:
    """The folder in the image of a workspace by its path or the name in its package.json; empty where there is none."""
    root = sources.origin(posixpath.join(folder, "package.json")) if folder else ""
    if not root or not _PLAIN.match(named):
        return ""
    place = posixpath.dirname(root)
    for path in sources.context.walk(place, lambda name: name == "package.json") or ():
        below = posixpath.relpath(posixpath.dirname(path) or ".", place or ".")
        package = sources.json(path)
        if below == named.rstrip("/") or (not isinstance(package, Unknown) and package.get("name") == named):
            return posixpath.normpath(posixpath.join(folder, below))
    return ""
