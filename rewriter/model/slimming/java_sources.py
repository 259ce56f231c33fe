"""What the sources of a project on the Java machine use at run time that only some images have."""

from __future__ import annotations

import re
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.source_texts import UnreadSourcesError, source_texts

OF_THE_KIT: Final = re.compile(
    r"\bjavax\.tools\b|\bcom\.sun\.tools\b|\bsun\.jvmstat\b|\bjdk\.(?:jshell|jfr\.consumer)\b|ToolProvider"
)
"""What only the development kit has."""

STARTS_PROGRAMS: Final = re.compile(r"\bProcessBuilder\b|\.exec\s*\(|\bcommons\.exec\b")
"""What starts other programs."""

ONLY_IN_THE_KIT: Final = ", which only the JDK has"

_ENDINGS: Final = (".java", ".kt", ".scala", ".groovy")


def problem_of_java(context: BuildContext, uses: re.Pattern[str], what_it_means: str) -> str:
    """What in the sources matches a pattern, and what that means, or why it cannot be told; empty where nothing does.

    Tests are left out.
    """
    paths = context.walk("", lambda name: name.endswith(_ENDINGS))
    if not paths:
        return "its sources are not in the build context"
    try:
        for path, text in source_texts(context, paths, is_left_out=lambda path: "/src/test/" in f"/{path}"):
            if match := uses.search(text):
                return f"{path} uses {match[0]}{what_it_means}"
    except UnreadSourcesError as error:
        return str(error)
    return ""
