"""The build context: the folder whose files COPY and ADD can reach, when it can be told which one that is."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, Literal

from rewriter.model.stages import StageGraph
from rewriter.model.state import States
from rewriter.syntax.expansion import is_heredoc
from rewriter.syntax.text import decode
from rewriter.syntax.tree import Add, Copy, Dockerfile

Status = Literal["present", "absent", "unreadable", "unknown"]

_LARGEST: Final = 16 * 1024 * 1024
_REMOTE: Final = re.compile(r"(?:https?|git|ssh|ftp)://|[\w.-]+@[\w.-]+:|.*\.git(?:#|\Z)")
_EXPANDS: Final = re.compile(r"""[$'"`\\]""")
_GLOB: Final = re.compile(r"[*?\[]")
_GLOB_TOKEN: Final = re.compile(r"\*+|\?|\[\^?(?:\\.|[^\]\\])+\]|\\.|[^*?\[\\]+|.", re.DOTALL)


class BuildContext:
    """The files that a build can copy. `root` is their folder, None where it is not known which one.

    Paths are as COPY takes them: relative to the root, a leading slash means nothing, `..` does not leave the root.
    `.dockerignore` plays no part here.
    """

    __slots__ = ("_texts", "root")

    def __init__(self, root: str | None = None, texts: Mapping[str, str] = MappingProxyType({})) -> None:
        self.root: Final = root
        self._texts: Final = texts

    def with_text(self, path: str, text: str) -> BuildContext:
        """The context as it will be once a file holds a text that is not written yet."""
        return BuildContext(self.root, {**self._texts, _clean(path): text})

    def status(self, path: str) -> Status:
        """Whether a file or folder is there. `unreadable` is one that exists, or may exist, but cannot be looked at."""
        if self.root is None:
            return "unknown"
        if _clean(path) in self._texts:
            return "present"
        try:
            place = os.path.join(self.root, _clean(path))
            is_link = stat.S_ISLNK(os.lstat(place).st_mode)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return "absent"
        except OSError:
            return "unreadable"
        return "present" if is_link or os.access(place, os.R_OK) else "unreadable"

    def read(self, path: str) -> str | None:
        """The text of a file, bytes that are not UTF-8 as surrogates; None where none inside the root can be read."""
        if (text := self._texts.get(_clean(path))) is not None:
            return text
        if self.root is None:
            return None
        try:
            root = os.path.realpath(self.root)
            place = os.path.realpath(os.path.join(root, _clean(path)))
            if os.path.commonpath((root, place)) != root:
                return None  # the builder follows no link out of the context either
            status = os.stat(place)
            if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
                return None
            with open(place, "rb") as file:
                return decode(file.read())
        except (OSError, ValueError):
            return None

    def find(self, pattern: str) -> Status:
        """Whether anything matches a source of COPY, which may be a pattern of Go's filepath.Match."""
        if self.root is None:
            return "unknown"
        if not _GLOB.search(pattern):
            return self.status(pattern)
        return _find(self.root, [part for part in _clean(pattern).split("/") if part])


def _clean(path: str) -> str:
    """The path below the root: `/a`, `./a` and `../a` are all `a`."""
    return os.path.normpath("/" + path).lstrip("/")


def _find(folder: str, parts: list[str]) -> Status:
    """Follow a pattern part by part; no part matches a slash."""
    head, *tail = parts
    try:
        if _GLOB.search(head):
            pattern = re.compile(_translate(head), re.DOTALL)
            names = [name for name in os.listdir(folder) if pattern.fullmatch(name)]
        else:
            names = [head] if os.path.lexists(os.path.join(folder, head)) else []
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return "absent"
    except OSError:
        return "unreadable"
    if not tail:
        return "present" if names else "absent"
    found: set[Status] = {_find(os.path.join(folder, name), tail) for name in names}
    return "present" if "present" in found else "unreadable" if "unreadable" in found else "absent"


def _translate(pattern: str) -> str:
    """One part of a pattern as a regular expression."""
    parts: list[str] = []
    for token in _GLOB_TOKEN.findall(pattern):
        if token[0] == "*":
            parts.append(".*")
        elif token == "?":
            parts.append(".")
        elif token[0] == "[" and len(token) > 1:
            inside = token[1:-1].replace("[", r"\[").replace("&&", r"&\&").replace("||", r"|\|").replace("~~", r"~\~")
            parts.append(f"[{inside}]")
        else:
            parts.append(re.escape(token[1:] if token[0] == "\\" and len(token) > 1 else token))
    return "".join(parts)


def discover(
    dockerfile_path: str,
    dockerfile: Dockerfile,
    *,
    explicit: str | None = None,
    configured: str | None = None,
) -> BuildContext:
    """The context of a Dockerfile: the one named, the one configured, or the only folder that fits.

    Folders are tried from the Dockerfile's own up to the one that holds `.git`; without a `.git` only its own. One fits
    when every local source of COPY and ADD exists in it. Where several fit it is not known which is meant.
    """
    named = explicit if explicit is not None else configured
    if named is not None:
        return BuildContext(named)
    sources = list(dict.fromkeys(local_sources(dockerfile)))
    fitting: list[BuildContext] = []
    for folder in _candidates(dockerfile_path):
        context = BuildContext(folder)
        if all(context.find(source) in ("present", "unreadable") for source in sources):
            fitting.append(context)
            if len(fitting) > 1:
                return BuildContext(None)
    return fitting[0] if fitting else BuildContext(None)


def _candidates(dockerfile_path: str) -> list[str]:
    own = os.path.dirname(os.path.abspath(dockerfile_path))
    folders = [own]
    while not os.path.lexists(os.path.join(folders[-1], ".git")):
        above = os.path.dirname(folders[-1])
        if above == folders[-1]:
            return [own]
        folders.append(above)
    return folders


def local_sources(dockerfile: Dockerfile) -> Iterator[str]:
    """What COPY and ADD take from the context, variables replaced; without URLs, heredocs and `--from`.

    A source with a variable that is not known is left out, and so are the triggers of ONBUILD, which run elsewhere.
    """
    states: States | None = None
    for instruction in dockerfile.instructions:
        if not isinstance(instruction, Copy) or instruction.source_stage is not None or len(instruction.paths) < 2:
            continue
        for source in instruction.sources:
            path: str | None = source
            if _EXPANDS.search(source):
                states = states or States(StageGraph(dockerfile))
                path = states.at(instruction).expand(source)
            if not path or is_heredoc(path) or (isinstance(instruction, Add) and _REMOTE.match(path)):
                continue
            yield path
