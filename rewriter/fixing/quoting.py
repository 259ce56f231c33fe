"""Writing values so that the builder reads them as meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from rewriter.syntax.text import view_of
from rewriter.syntax.words import split_quoted

_DOUBLE_QUOTED: Final = {
    "\\": re.compile(r'"((?:[^"\\]|\\.)*)"\Z', re.DOTALL),
    "`": re.compile(r'"((?:[^"`]|`.)*)"\Z', re.DOTALL),
}
_QUOTED_OR_NOT: Final = {
    "\\": re.compile(r"""(?:[^'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")*""", re.DOTALL),
    "`": re.compile(r"""(?:[^'"`]|`.|'[^']*'|"(?:[^"`]|`.)*")*""", re.DOTALL),
}
_SINGLE_QUOTED: Final = re.compile(r"'([^']*)'\Z")
_NAME_AT_END: Final = re.compile(r"\$([^\W\d]\w*|)\Z")
_SUBSTITUTION: Final = re.compile(r"\$\{[^'\"\\`\s{}]*\}|\$[^\W\d]\w*")


class NotWritableError(ValueError):
    """A value that the form to be written cannot hold."""


def literal(value: str, escape: str) -> str:
    """A quoted word that the builder reads as exactly this value; in single quotes where that spares escapes."""
    escaped = _escaped(value, escape)
    return f'"{escaped}"' if escaped == value or "'" in value else f"'{value}'"


def json_form(words: Iterable[str]) -> str:
    """The JSON form of CMD, ENTRYPOINT and their like: `["python", "app.py"]`; not ASCII alone."""
    import json

    return json.dumps(list(words), ensure_ascii=False)


def _escaped(value: str, escape: str) -> str:
    for special in (escape, '"', "$"):
        value = value.replace(special, escape + special)
    return value


def unquoted(text: str, escape: str) -> str:
    """The text without the quotes that enclose all of it, if there are any."""
    if match := _DOUBLE_QUOTED[escape].match(text):
        special = re.escape(escape)
        return re.sub(rf'{special}(["$]|{special})', r"\1", match[1])
    match = _SINGLE_QUOTED.match(text)
    return match[1] if match else text


def as_value(raw: str, escape: str) -> str:
    """The right side of `KEY=…` that means what `KEY raw` means.

    BuildKit lexes both the same way once it has cut them out, but cuts `KEY=…` at blanks outside quotes
    (parseNameVal in its line_parsers.go). So what holds together stays as it is, and the rest is quoted anew.
    """
    word = f"_={raw}"
    words = split_quoted(view_of(word, 0, len(word)), 0, len(word), escape)
    if len(words) == 1 and words[0].text == word and _is_closed(raw, escape):
        return raw
    return f'"{_within_double_quotes(raw, escape)}"'


def _is_closed(raw: str, escape: str) -> bool:
    """Whether every quote has its twin and no escape character ends the text."""
    try:
        _within_double_quotes(raw, escape)
    except NotWritableError:
        return "${" in raw and bool(_QUOTED_OR_NOT[escape].fullmatch(raw))
    return True


def _within_double_quotes(raw: str, escape: str) -> str:
    """Rewrite a lexed text so that it reads the same inside double quotes."""
    parts: list[str] = []
    position = 0
    while position < len(raw):
        character = raw[position]
        if character == "'":
            close = raw.find("'", position + 1)
            if close < 0:
                raise NotWritableError("a single quote without its twin: the build fails as it is")
            parts.append(_escaped(raw[position + 1 : close], escape))
            position = close + 1
        elif character == '"':
            close = _closing_quote(raw, position + 1, escape)
            piece, position = raw[position + 1 : close], close + 1
            follows = raw[position : position + 1]
            parts.append(_with_closed_end(piece, escape) if follows.strip() else piece)
        elif character == escape:
            if position + 1 == len(raw):
                raise NotWritableError("an escape character at the very end")
            parts.append(_escaped(raw[position + 1], escape))
            position += 2
        elif character == "$":
            match = _SUBSTITUTION.match(raw, position)
            if not match:
                raise NotWritableError("a dollar sign that is no plain variable")
            name, position = match.group(), match.end()
            # What stood apart by a quote must not grow together with the name.
            grows = position < len(raw) and raw[position] in ("'", '"', escape)
            parts.append(f"${{{name[1:]}}}" if grows and name[1] != "{" else name)
        else:
            parts.append(character)
            position += 1
    return "".join(parts)


def _with_closed_end(piece: str, escape: str) -> str:
    """A quoted piece whose last `$` or `$NAME` cannot grow together with what follows the quote."""
    match = _NAME_AT_END.search(piece)
    if not match:
        return piece
    before = piece[: match.start()]
    is_escaped = (len(before) - len(before.rstrip(escape))) % 2 == 1
    if is_escaped:
        return piece
    return f"{before}${{{match[1]}}}" if match[1] else f"{before}{escape}$"


def _closing_quote(raw: str, position: int, escape: str) -> int:
    while position < len(raw):
        if raw[position] == '"':
            return position
        position += 2 if raw[position] == escape else 1
    raise NotWritableError("a double quote without its twin: the build fails as it is")
