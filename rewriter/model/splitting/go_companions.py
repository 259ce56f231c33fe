"""What lies beside a Go binary that it may read: files of the project that are no sources, embedded or not."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.effects.copies import Source
from rewriter.model.splitting.left_behind import is_left_behind
from rewriter.model.splitting.parts import UnsplitError
from rewriter.model.splitting.stage_reading import Reading
from rewriter.syntax.tree import Copy

MOST_NAMES: Final = 6
"""How many files and folders are copied one by one, besides the binary."""


def files_beside(reading: Reading, copies: Iterable[Copy], binary: str, folder: str) -> list[str]:
    """The files and folders that some COPYs bring and that the program may read, by their paths in the image.

    They are the whole folder of the project where there are many.
    """
    found: dict[str, None] = {}
    for copy in copies:
        copied = reading.copied(copy)
        for source in copied.sources if copied else ():
            names = _names(reading.context, source)
            if names is None:
                raise UnsplitError("what line {line} copies is not known", copy)
            for name in names:
                path = posixpath.join(source.target, name) if source.is_tree else source.target
                origin = posixpath.join(source.path, name) if source.is_tree else source.path
                if path != binary and not is_left_behind(name) and _is_read(reading.context, origin):
                    found[path] = None
    return [folder] if len(found) > MOST_NAMES else list(found)


def _names(context: BuildContext, source: Source) -> Iterable[str] | None:
    return context.list(source.path) if source.is_tree else [posixpath.basename(source.path)]


def _is_read(context: BuildContext, origin: str) -> bool:
    """Whether something is a file that a program may read, or a folder with one."""
    if not context.is_folder(origin):
        return True
    paths = context.walk(origin, lambda name: not is_left_behind(name))
    return paths is None or bool(paths)
