"""Files beside compose that start containers with words of their own: of Kubernetes, Fly, Render, Railway and the like.

Which image they speak of is not looked at: such words name a program, and the entry point of a distroless image would
take them for a script. Scripts that run commands in the container of a compose service need its programs as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.told_files import commands_in, documents, files_that_run
from rewriter.syntax.text import decode

_ENDINGS: Final = (".yml", ".yaml", ".json", ".toml", ".tf", ".hcl", ".tpl")
_NOT_THESE: Final = re.compile(r"compose|lock|package\.json|pyproject\.toml|tsconfig|\.github|\.gitlab-ci")
_MOST_FILES: Final = 200
_LARGEST: Final = 128 * 1024
_WORDS: Final = (
    r"\b(?:command|args|entry_?point|docker_?command|start_?command|release_?command|processes)\b[\"']?\]?\s*[:=]?"
    r"[\s\S]{0,200}?[\s\"'\[/](%s)[\s\"',\]]"
)

_SCRIPTS: Final = re.compile(
    r"(?:[Mm]akefile|[Jj]ustfile|[Tt]askfile\.ya?ml|package\.json|\.gitlab-ci\.yml|.+\.(?:mk|sh))\Z"
)
_IN_SERVICE: Final = (
    r"\bdocker(?:-|\s+)compose\b[^\n;&|]*?\s(exec|run)\s(?:[^\n;&|]*?\s)?(?:%s)[ \t]+(?!-)([^\s;&|\"'\\]+)"
)


def other_command(context: BuildContext, services: Iterable[str]) -> tuple[str, str]:
    """A script or document that runs a program in the container of some services, and the program; else empty."""
    pattern = re.compile(_IN_SERVICE % "|".join(map(re.escape, sorted(services))))
    files = context.host
    scripts = (files.walk("", lambda name: _SCRIPTS.match(name) is not None) or ())[:_MOST_FILES]
    for path in dict.fromkeys((*scripts, *files_that_run(files), *documents(files))):
        if match := pattern.search(commands_in(decode(files.head(path, _LARGEST) or b""))):
            return path, match[2]
    return "", ""


def other_start(context: BuildContext, programs: frozenset[str]) -> str:
    """A file that starts some programs by its own words; empty where there is none."""
    pattern = re.compile(_WORDS % "|".join(map(re.escape, sorted(programs))), re.IGNORECASE)
    files = context.host
    paths = files.walk("", lambda name: name.endswith(_ENDINGS))
    for path in [path for path in paths or () if not _NOT_THESE.search(path)][:_MOST_FILES]:
        if pattern.search(decode(files.head(path, _LARGEST) or b"")):
            return path
    return ""
