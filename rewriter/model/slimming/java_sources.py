"""What the sources of a project on the Java machine use at run time that only some images have."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.source_texts import UnreadSourcesError, source_texts
from rewriter.model.managers.vocabulary import names

OF_THE_KIT: Final = re.compile(
    r"\bjavax\.tools\b|\bcom\.sun\.tools\b|\bsun\.jvmstat\b|\bjdk\.(?:jshell|jfr\.consumer)\b|ToolProvider"
)
"""What only the development kit has."""

STARTS_PROGRAMS: Final = re.compile(r"\bProcessBuilder\b|\.exec\s*\(|\bcommons\.exec\b")
"""What starts other programs."""

# https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/lang/ProcessBuilder.html
_START: Final = re.compile(r"\bProcessBuilder\s*\(|\bCommandLine(?:\.parse)?\s*\(|\.exec\s*\((?!\s*\))")
_ITS_PROGRAM: Final = re.compile(
    r"\s*(?:(?:List|Arrays)\.(?:of|asList)\s*\(|(?:listOf|arrayOf)\s*\(|new\s+String\s*\[\s*\]\s*\{)?\s*\"(?P<words>[^\"\n]+)\""
)
_MAY_BE_OTHERS: Final = re.compile(r"\bgetRuntime\b|\bcommons\.exec\b")
"""Without them, `.exec(...)` is a method of something else."""

_HANDS_ON: Final = names("sh bash env sudo nohup nice timeout xargs")

ONLY_IN_THE_KIT: Final = ", which only the JDK has"

_ENDINGS: Final = (".java", ".kt", ".scala", ".groovy")


def problem_of_java(context: BuildContext, uses: re.Pattern[str], what_it_means: str) -> str:
    """What in the sources matches a pattern, and what that means, or why it cannot be told; empty where nothing does.

    Tests are left out.
    """
    try:
        for path, text in _sources(context):
            if match := uses.search(text):
                return f"{path} uses {match[0]}{what_it_means}"
    except UnreadSourcesError as error:
        return str(error)
    return ""


def problem_of_started(context: BuildContext, lacks: frozenset[str], name: str) -> str:
    """Which of the programs that an image lacks the sources start, or why it cannot be told; empty where none is.

    `name` is how the image is called.
    """
    try:
        for path, text in _sources(context):
            for program in _started(text):
                if program is None:
                    return f"which programs {path} starts cannot be told"
                if program in lacks:
                    return f"{path} starts `{program}`, which {name} lacks"
    except UnreadSourcesError as error:
        return str(error)
    return ""


def _sources(context: BuildContext) -> Iterator[tuple[str, str]]:
    paths = context.walk("", lambda name: name.endswith(_ENDINGS))
    if not paths:
        raise UnreadSourcesError("its sources are not in the build context")
    yield from source_texts(context, paths, is_left_out=lambda path: "/src/test/" in f"/{path}")


def _started(text: str) -> Iterator[str | None]:
    """The programs that a source starts; None for one that is computed, or that a shell or another program starts."""
    for match in _START.finditer(text):
        if match[0].startswith((".exec", "CommandLine")) and not _MAY_BE_OTHERS.search(text):
            continue
        given = _ITS_PROGRAM.match(text, match.end())
        words = given["words"].split() if given else []
        program = posixpath.basename(words[0]) if words else None
        yield None if program in _HANDS_ON else program
