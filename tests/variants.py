"""Free variants of every fixture: the same file as other people would have saved or written it."""

from __future__ import annotations

import re
from collections.abc import Callable

from rewriter import parse
from rewriter.syntax import tree

Variant = Callable[[str], str | None]


def windows_newlines(text: str) -> str | None:
    """CRLF throughout."""
    if "\r" in text or any(node.heredocs for node in parse(text).instructions):
        return None
    return text.replace("\n", "\r\n")


def no_final_newline(text: str) -> str | None:
    """The last line without its newline."""
    return text[:-1] if text.endswith("\n") and not text.endswith("\n\n") else None


def byte_order_mark(text: str) -> str | None:
    """A byte order mark in front."""
    return None if text.startswith("\ufeff") else f"\ufeff{text}"


def lower_case_keywords(text: str) -> str | None:
    """Every instruction in lower case, which is a habit to be followed, not corrected."""
    dockerfile = parse(text)
    keywords = [node.keyword for node in dockerfile.instructions]
    if not all(keyword.text.isupper() for keyword in keywords):
        return None
    for node, keyword in reversed(list(zip(dockerfile.instructions, keywords, strict=True))):
        if isinstance(node, tree.From) and node.as_keyword and node.as_keyword.text == "AS":
            text = _put(text, node.as_keyword.span, "as")
        if isinstance(node, tree.Healthcheck) and node.words and node.words[0].text == "CMD":
            text = _put(text, node.words[0].span, "cmd")
        text = _put(text, keyword.span, keyword.text.lower())
    return text


def backtick_escape(text: str) -> str | None:
    """The backtick as escape character."""
    if (text.startswith("#") and "escape" in text) or "`" in text or "<<" in text:
        return None
    return "# escape=`\n" + re.sub(r"\\(?=[ \t]*\r?$)", "`", text, flags=re.MULTILINE)


def comment_in_each_continuation(text: str) -> str | None:
    """A comment line behind every continued line."""
    if "<<" in text:
        return None
    commented = re.sub(r"(\\[ \t]*\r?\n)", r"\1# it's a comment \\\n", text)
    return commented if commented != text else None


def under_onbuild(text: str) -> str | None:
    """Every instruction that may wait for a child image does."""
    dockerfile = parse(text)
    for node in reversed(dockerfile.instructions):
        if not isinstance(node, tree.From | tree.Arg | tree.Onbuild | tree.Maintainer | tree.Unknown):
            text = _put(text, node.keyword.span, f"ONBUILD {node.keyword.text}")
    return text


def _put(text: str, span: tuple[int, int], new: str) -> str:
    return text[: span[0]] + new + text[span[1] :]


DERIVED: tuple[Variant, ...] = (windows_newlines, no_final_newline, byte_order_mark, lower_case_keywords)
"""The result of the variant is the variant of the result."""

LAWFUL: tuple[Variant, ...] = (backtick_escape, comment_in_each_continuation, under_onbuild)
"""The laws hold for the variant."""
