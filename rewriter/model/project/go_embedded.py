"""The files that a Go program carries inside, and whether it looks for them outside as well.

https://pkg.go.dev/embed#hdr-Directives
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from rewriter.model.project.go_files import GoFile
from rewriter.model.project.trees import field, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

_DIRECTIVE: Final = re.compile(r"//go:embed\s+(.+)")
_PATTERN: Final = re.compile(r"\"([^\"]*)\"|`([^`]*)`|(\S+)")
_TEXTS: Final = ("interpreted_string_literal", "raw_string_literal")
# They read from the file system that they are given, or that they belong to.
_OF_EMBEDDED: Final = re.compile(r"(?:\w+\.)*(?:ParseFS|Sub|ReadFile|ReadDir|Open|Glob|WalkDir)\Z")
_OF_THE_SYSTEM: Final = re.compile(r"(?:os|ioutil|filepath)\.")


class Embedded:
    """What the files of a program embed."""

    def __init__(self, files: Iterable[GoFile]) -> None:
        """`files` are all of its own packages, whose paths are those of the context."""
        self._patterns: Final[list[re.Pattern[str]]] = []
        self._named: Final[set[str]] = set()
        for file in files:
            for node in file.nodes:
                if node.type == "comment" and (match := _DIRECTIVE.match(text_of(node))):
                    self._patterns.extend(_compiled(file.folder, pattern) for pattern in _patterns(match[1]))
                elif node.type in _TEXTS and not _is_of_embedded(node):
                    text = text_of(node).strip('"`')
                    self._named.update(part for part in posixpath.normpath(text).split("/") if text and part)

    def holds(self, name: str, paths: Iterable[str]) -> bool:
        """Whether a binary has all of some files inside, and no text of its sources names what holds them otherwise.

        `paths` are those of the context, `name` is what reading them from outside goes through: a folder, or the file.
        """
        listed = list(paths)
        if not listed or not all(any(one.fullmatch(path) for one in self._patterns) for path in listed):
            return False
        return self._named.isdisjoint({".", "..", name})


def _patterns(text: str) -> Iterator[str]:
    for match in _PATTERN.finditer(text):
        yield match[1] or match[2] or match[3] or ""


def _compiled(folder: str, pattern: str) -> re.Pattern[str]:
    """What a pattern matches: files, and whole folders without hidden files unless it begins with `all:`."""
    path = posixpath.join(folder, pattern.removeprefix("all:"))
    written = re.escape(path).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    below = ".+" if pattern.startswith("all:") else r"[^._/][^/]*(?:/[^._/][^/]*)*"
    return re.compile(f"{written}(?:/{below})?")


def _is_of_embedded(node: Node) -> bool:
    """Whether a text stands in a call that reads from an embedded file system, or names an import."""
    parent = node.parent
    if parent is not None and parent.type == "import_spec":
        return True
    call = parent.parent if parent is not None and parent.type == "argument_list" else None
    if call is None or call.type != "call_expression":
        return False
    name = text_of(field(call, "function"))
    return _OF_EMBEDDED.search(name) is not None and _OF_THE_SYSTEM.match(name) is None
