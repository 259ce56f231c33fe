"""What a COPY that names package.json must gain to bring the lock file beside it.

COPY package.json ./                  COPY package.json package-lock.json ./
COPY package.json package.json   ->   COPY package.json package-lock.json ./
"""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from rewriter.model.effects.copies import CopiedFiles
from rewriter.syntax import words
from rewriter.syntax.tree import Add, Copy


class AddedSource(NamedTuple):
    """A lock file that a COPY is to bring: `text` behind a word of it, and its destination where it names no folder."""

    copy: Copy
    behind: words.Word
    text: str
    destination: tuple[words.Word, str] | None


def added_source(copied: CopiedFiles, manifest: str, name: str) -> AddedSource | str:
    """How a COPY that brings package.json to a path of the image brings the file `name` as well, or why it cannot."""
    copy = copied.instruction
    source = copied.source_of(manifest)
    if source is None or source.is_tree or posixpath.basename(source.text) != "package.json":
        return f"{copy.name} in line {{line}} leaves {name} out"
    if posixpath.basename(source.target) != "package.json" or isinstance(copy, Add):
        return f"{copy.name} in line {{line}} can bring one file only"
    if any(char in source.text + copy.destination for char in "\"'\\"):
        return f"{copy.name} in line {{line}} has quotes in its paths"
    text = source.text.removesuffix("package.json") + name
    mark = "" if copy.json is None else '"'
    folder = None
    if not copy.destination.endswith("/"):
        folder = copy.words[-1], f"{mark}{_folder_for(copy.destination)}{mark}"
    return AddedSource(copy, copy.words[source.number], f"{',' if mark else ''} {mark}{text}{mark}", folder)


def _folder_for(destination: str) -> str:
    """How to name the folder that a file was copied to by its folder's name or by its own."""
    if posixpath.basename(destination) == "package.json":
        return destination.removesuffix("package.json") or "./"
    return f"{destination}/"
