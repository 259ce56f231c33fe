"""What COPY and ADD bring from the build context, and where to: from paths in the image to paths in the context."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.model.context.build_context import BuildContext, clean
from rewriter.model.context.globs import GLOB
from rewriter.model.managers.vocabulary import names
from rewriter.model.stages import UNKNOWN_PART
from rewriter.model.state import State
from rewriter.syntax.tree import Add, Copy, Workdir

SHARED_FOLDERS: Final = names(
    "/ /bin /boot /dev /etc /home /lib /lib64 /media /mnt /opt /proc /root /run /sbin /srv /sys /tmp /usr /usr/bin "
    "/usr/lib /usr/local /usr/local/bin /usr/local/lib /usr/sbin /usr/share /usr/src /var /var/lib"
)
"""Folders that hold more than one program's files: a COPY into one of them means only what it puts there."""

_REMOTE: Final = re.compile(r"[a-z]+://|git@|.*\.git(?:#|\Z)")
_FLAGS_THAT_CHANGE_PATHS: Final = frozenset({"parents", "exclude"})


BASE_FOLDER: Final = f"/{UNKNOWN_PART}"
"""Stands for the WORKDIR of a base image of which it is not known."""


def folder_at(state: State) -> str:
    """The WORKDIR in force, BASE_FOLDER where it is that of an unknown image; empty where it is not known."""
    if state.workdir or state.stage is None or state.stage.is_windows:
        return state.workdir
    is_set = any(isinstance(one, Workdir) for stage in state.stage.lineage for one in stage.instructions)
    return "" if is_set else BASE_FOLDER


class Source(NamedTuple):
    """One file or folder that a COPY brings. `is_tree` says that the contents of a folder go into `target`.

    `number` is the place among the sources as written, `text` how to name it alone, `path` where it stands in the
    context, `target` the path in the image.
    """

    number: int
    text: str
    path: str
    target: str
    is_tree: bool


class CopiedFiles:
    """The files that one COPY or ADD brings from the context.

    `problem` says why that cannot be told; it is mostly empty. `targets` are the paths in the image that it writes.
    """

    __slots__ = ("_context", "instruction", "problem", "sources", "target")

    def __init__(self, instruction: Copy, state: State, context: BuildContext) -> None:
        self.instruction: Final = instruction
        self._context: Final = context
        self.sources: tuple[Source, ...] = ()
        self.target = ""
        self.problem = self._read(state)

    def _read(self, state: State) -> str:
        instruction = self.instruction
        if instruction.heredocs:
            return "it holds a here-document"
        destination = state.expand(instruction.destination)
        if not destination:
            return "where it copies to depends on a variable"
        folder = folder_at(state)
        if not (folder or destination.startswith("/")):
            return "the WORKDIR in force is not known"
        self.target = posixpath.normpath(posixpath.join(folder or "/", destination))
        if self.target.startswith("//"):
            self.target = self.target[1:]
        if flag := next((flag for flag in instruction.flags if flag.name in _FLAGS_THAT_CHANGE_PATHS), None):
            return f"`--{flag.name}` changes what it copies"
        is_folder = destination.endswith(("/", "/.")) or destination == "." or self.target == folder
        found: list[Source] = []
        for number, text in enumerate(instruction.sources):
            source = state.expand(text)
            if source is None:
                return "what it copies depends on a variable"
            if isinstance(instruction, Add) and _REMOTE.match(source):
                continue
            found += self._of_source(number, text, source, is_folder or len(instruction.sources) > 1)
        self.sources = tuple(found)
        return ""

    def _of_source(self, number: int, text: str, source: str, is_folder: bool) -> Iterator[Source]:
        matches = self._context.matches(source)
        if matches is None and not GLOB.search(source):
            matches = (clean(source),)
        for path in matches or ():
            is_tree = self._context.is_folder(path)
            if is_tree is None:
                is_tree = source.endswith("/") or clean(source) == ""
            name = posixpath.basename(path)
            into = is_folder or len(matches or ()) > 1
            target = self.target if is_tree or not into else posixpath.join(self.target, name)
            # A pattern names each file it matches; what is to be written instead is the plain name.
            yield Source(number, path if GLOB.search(source) else text, path, target, is_tree)

    @property
    def has_tree(self) -> bool:
        """Whether a whole folder is copied."""
        return any(source.is_tree for source in self.sources)

    @property
    def is_complete(self) -> bool:
        """Whether all its sources are files and folders of the context that are known."""
        return len({source.number for source in self.sources}) == len(self.instruction.sources)

    @property
    def targets(self) -> tuple[str, ...]:
        """The paths in the image that are written, each with all below it."""
        found: list[str] = []
        for source in self.sources:
            names = self._context.list(source.path) if source.is_tree and source.target in SHARED_FOLDERS else None
            if names is None:
                found.append(source.target)
            else:
                found += [posixpath.join(source.target, name) for name in names]
        return tuple(found) if self.sources else (self.target or "/",)

    def origin(self, path: str) -> str | None:
        """The path in the context that a path in the image comes from, if this COPY can bring it."""
        found = self._bringing(path)
        return found[1] if found else None

    def source_of(self, path: str) -> Source | None:
        """The source that brings a path of the image."""
        found = self._bringing(path)
        return found[0] if found else None

    def _bringing(self, path: str) -> tuple[Source, str] | None:
        """The last source that has the path, for it wins; where none is known to have it, the last that could."""
        found = list(self._candidates(path))
        if len(found) < 2:
            return found[0] if found else None
        return next((one for one in found if self._context.status(one[1]) != "absent"), found[0])

    def _candidates(self, path: str) -> Iterator[tuple[Source, str]]:
        for source in reversed(self.sources):
            if path == source.target:
                yield source, source.path
            elif source.is_tree and path.startswith(source.target.rstrip("/") + "/"):
                below = path[len(source.target.rstrip("/")) + 1 :]
                yield source, f"{source.path}/{below}" if source.path else below
