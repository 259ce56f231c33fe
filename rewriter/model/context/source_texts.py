"""The texts of many sources of a build context, within bounds: all of them, or a reason why not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.syntax.text import decode

MOST_FILES: Final = 3_000
LARGEST: Final = 1024 * 1024
MOST_BYTES: Final = 32 * 1024 * 1024
"""Bounds on what is read of a project."""


class UnreadSourcesError(Exception):
    """Why not all sources are read, for people."""


def source_texts(
    context: BuildContext, paths: Sequence[str], *, is_left_out: Callable[[str], object] = lambda _: False
) -> Iterator[tuple[str, str]]:
    """The texts of files by their paths, the first megabyte of each; what is left out is counted, but not read.

    Raises UnreadSourcesError where one cannot be read, or there is more than the bounds allow.
    """
    if len(paths) > MOST_FILES:
        raise UnreadSourcesError("the project has more sources than are read")
    budget = MOST_BYTES
    for path in paths:
        if is_left_out(path):
            continue
        data = context.head(path, LARGEST)
        if data is None:
            raise UnreadSourcesError(f"{path} cannot be read")
        budget -= len(data)
        if budget < 0:
            raise UnreadSourcesError("the project has more sources than are read")
        yield path, decode(data)
