"""The sources of a compiled program, searched for what speaks for more of the image than the program itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.source_texts import UnreadSourcesError, source_texts
from rewriter.model.managers.vocabulary import names
from rewriter.model.splitting.parts import UnsplitError

_OF_TESTS: Final = re.compile(r"(?:^|/)(?:tests?|benches|examples|src/test)/")
_BELOW_SRC: Final = re.compile(r"""["'](?:\.?/)?(?:[\w-]+/)?(?:src/|target/classes|build/(?:classes|resources))""")
# Attributes and macros of Rust: https://doc.rust-lang.org/std/macro.include_str.html
_AT_BUILD_TIME: Final = re.compile(r"\binclude\w*!|\bembed\w*!|#\[[\s\w:(]*\b(?:folder|path|template|include\w*)\b")
_STRING: Final = re.compile(r"""(?<![\w'])(["'`])([^"'`\n]{1,200})\1""")
_MEANS_OTHER_THINGS: Final = names("src target build out bin obj publish vendor")
"""Folders of sources and of what is built: of paths in them it is told elsewhere."""


def require_no_programs(
    context: BuildContext, folder: str, endings: tuple[str, ...], starts: re.Pattern[str], image: str
) -> frozenset[str]:
    """The names in the paths that the sources in a folder of the context speak of.

    Raise unless they are read, start no programs, and look for no sources. `starts` finds what may start or load
    others, `image` is whose programs these might be.
    """
    found = False
    spoken: set[str] = set()
    for path, text in _sources(context, folder, endings):
        found = True
        lines = [line for line in text.split("\n") if not _AT_BUILD_TIME.search(line)]
        spoken.update(names_in_paths(match[2] for line in lines for match in _STRING.finditer(line)))
        if match := starts.search(text):
            raise UnsplitError(f"{path} uses {match[0]}: it may start programs of the {image} image")
        if any(map(_BELOW_SRC.search, lines)):
            raise UnsplitError(f"{path} names a path in src, which may be read when it runs")
    if not found:
        raise UnsplitError("the sources of the program are not in the build context")
    return frozenset(spoken)


def names_in_paths(texts: Iterable[str]) -> Iterator[str]:
    """The names of files and folders in texts that may be paths; those of patterns by their ends, such as `.md`."""
    for text in texts:
        parts = [part.lstrip("*") for part in text.split("/")]
        yield from (part for part in parts if part.strip(".") and part not in _MEANS_OTHER_THINGS)


def _sources(context: BuildContext, folder: str, endings: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    paths = context.walk(folder, lambda name: name.endswith(endings))
    if paths is None:
        raise UnsplitError("the build context is not known")
    try:
        yield from source_texts(context, paths, is_left_out=_OF_TESTS.search)
    except UnreadSourcesError as error:
        raise UnsplitError(str(error)) from error
