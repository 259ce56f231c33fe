"""The patterns of COPY and ADD, as Go's filepath.Match reads them: https://pkg.go.dev/path/filepath#Match"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

GLOB: Final = re.compile(r"[*?\[]")
"""What makes a path a pattern."""

_TOKEN: Final = re.compile(r"\*+|\?|\[\^?(?:\\.|[^\]\\])+\]|\\.|[^*?\[\\]+|.", re.DOTALL)


def matcher(part: str) -> Callable[[str], object]:
    """What says whether a name matches one part of a pattern, in which no slash is."""
    return re.compile(_translate(part), re.DOTALL).fullmatch


def _translate(pattern: str) -> str:
    parts: list[str] = []
    for token in _TOKEN.findall(pattern):
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
