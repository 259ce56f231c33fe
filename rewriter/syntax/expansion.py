"""Expansion as the builder does it: quotes and escapes removed, `$VAR` and `${VAR...}` replaced. Also finds heredocs.

The rules are those of BuildKit's `shell` package (https://github.com/moby/buildkit/tree/master/frontend/dockerfile/shell)
and of its parser_heredoc.go. They resemble sh and differ from it in many details.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from rewriter.syntax.patterns import Pattern, PatternError
from rewriter.syntax.text import SPACE

_HEREDOC: Final = re.compile(r"([0-9]*)<<(-?)([^<]*)\Z")
_MAX_DEPTH: Final = 32  # of `${` inside `${`; BuildKit has no limit, but each level costs up to six Python frames

LONGEST_SUBSTITUTION: Final = 8_192
"""How many characters variables may bring into one text: a value may double from line to line, and never ends then."""


class HeredocStart(NamedTuple):
    """A `<<NAME` as read from an instruction's line."""

    name: str
    expand: bool
    chomp: bool


def is_heredoc(text: str) -> bool:
    """Whether the text is one `<<NAME` and nothing else."""
    try:
        return _heredoc(text) is not None
    except ExpansionError:
        return False


def find_heredocs(line: str) -> list[HeredocStart]:
    """The heredocs that a joined line opens, in order, as BuildKit's parser_heredoc.go finds them.

    The words are split with the backslash whatever the escape directive says. A line that cannot be lexed
    (an apostrophe without its twin) opens none. Raises ExpansionError for a heredoc whose own word cannot be lexed,
    and LimitError for a line that BuildKit can lex but this module does not.
    """
    lexer = Lexer(line, {}, raw=True)
    try:
        lexer.word()
    except LimitError:
        raise
    except ExpansionError:
        return []
    return [heredoc for word in lexer.words if (heredoc := _heredoc(word))]


def _heredoc(word: str) -> HeredocStart | None:
    match = _HEREDOC.match(word)
    if not match or not match[3]:
        return None
    lexer = Lexer(match[3], {}, skip_unset=True)
    lexer.word()
    if len(lexer.words) != 1:
        return None
    raw = Lexer(match[3], {}, raw=True)
    raw.word()
    return HeredocStart(lexer.words[0], raw.words == lexer.words, match[2] == "-")


class ExpansionError(ValueError):
    """A word that BuildKit cannot expand: an open quote, a bad substitution, an unset `${VAR:?}`."""


class LimitError(ExpansionError):
    """A word that BuildKit can expand but this module does not: nested too deeply, or growing too long."""


_NAME: Final = re.compile(r"[0-9]+|[@*#?$!-]|[^\W\d]\w*")
_PLAIN: Final = re.compile(r"[^$'\"\\`]+")


def expand(text: str, environment: Mapping[str, str], escape: str = "\\") -> str:
    """The value of a word as BuildKit computes it: quotes and escapes removed, variables replaced.

    An unset variable is empty. Raises ExpansionError where BuildKit reports an error, and LimitError where variables
    bring in more than LONGEST_SUBSTITUTION characters, or substitutions nest too deeply.
    """
    if "$" not in text and '"' not in text and "'" not in text and escape not in text:
        return text
    return Lexer(text, environment, escape).word()


class Lexer:
    """BuildKit's word lexer over one text.

    `raw` keeps quotes, escapes and unset variables as written, which is how BuildKit looks for heredocs.
    """

    __slots__ = (
        "_depth", "_environment", "_escape", "_position", "_raw_escapes", "_raw_quotes", "_skip_unset", "_substituted",
        "_text", "words",
    )  # fmt: skip

    def __init__(
        self,
        text: str,
        environment: Mapping[str, str],
        escape: str = "\\",
        *,
        raw: bool = False,
        skip_unset: bool = False,
    ) -> None:
        self._text = text
        self._environment = environment
        self._escape = escape
        self._raw_quotes = raw
        self._raw_escapes = raw
        self._skip_unset = skip_unset or raw
        self._position = 0
        self._depth = 0
        self._substituted = 0
        self.words: list[str] = []

    def word(self) -> str:
        """Read the whole text as one word; the words between blanks are in `words` afterwards."""
        return self._until("")

    def _inside(self, stop: str) -> str:
        """Read the part of a substitution that ends with `stop`. All recursion passes through here."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise LimitError(f"substitutions nested more than {_MAX_DEPTH} deep")
        word = self._until(stop)
        self._depth -= 1
        return word

    def _until(self, stop: str) -> str:
        text, end = self._text, len(self._text)
        result: list[str] = []
        words: list[str] = []
        current: list[str] = []

        def close() -> None:
            if joined := "".join(current):
                words.append(joined)
            current.clear()

        while self._position < end:
            character = text[self._position]
            if character == stop:
                self._position += 1
                close()
                return "".join(result)
            if character == "$":
                value = self._dollar()
                result.append(value)
                for index, part in enumerate(_split_spaces(value)):
                    if index:
                        close()
                    current.append(part)
            elif character == "'" or character == '"':
                value = self._single() if character == "'" else self._double()
                result.append(value)
                current.append(value)
            elif character == self._escape:
                kept = self._text[self._position : self._position + 2]
                self._position += 2
                if not self._raw_escapes:
                    kept = kept[1:]
                result.append(kept)
                current.append(kept)
            else:
                chunk = self._chunk(stop)
                result.append(chunk)
                for index, part in enumerate(_split_spaces(chunk)):
                    if index:
                        close()
                    current.append(part)
        if stop:
            raise ExpansionError(f"no matching {stop}")
        close()
        self.words = words
        return "".join(result)

    def _chunk(self, stop: str) -> str:
        """The longest run of ordinary characters from here."""
        start = self._position
        match = _PLAIN.match(self._text, start)
        end = match.end() if match else start + 1
        if stop:
            found = self._text.find(stop, start, end)
            end = found if found > start else end
        self._position = end
        return self._text[start:end]

    def _single(self) -> str:
        close = self._text.find("'", self._position + 1)
        if close < 0:
            raise ExpansionError("no matching single quote")
        start, self._position = self._position, close + 1
        return self._text[start : close + 1] if self._raw_quotes else self._text[start + 1 : close]

    def _double(self) -> str:
        text, end = self._text, len(self._text)
        result: list[str] = ['"'] if self._raw_quotes else []
        self._position += 1
        while self._position < end:
            character = text[self._position]
            if character == '"':
                self._position += 1
                if self._raw_quotes:
                    result.append('"')
                return "".join(result)
            if character == "$":
                result.append(self._dollar())
                continue
            self._position += 1
            if character == self._escape:
                if self._raw_escapes:
                    result.append(character)
                following = text[self._position : self._position + 1]
                if not following:
                    continue
                if following in ('"', "$", self._escape):
                    character = following
                    self._position += 1
                elif self._raw_escapes:
                    result.append(character)
                    continue
            result.append(character)
        raise ExpansionError("no matching double quote")

    def _lookup(self, name: str) -> str | None:
        value = self._environment.get(name)
        if value:
            self._substitute(len(value))
        return value

    def _substitute(self, length: int) -> None:
        """Account for characters before they are brought in, so that what is too long is never built."""
        self._substituted += length
        if self._substituted > LONGEST_SUBSTITUTION:
            raise LimitError(f"variables bring in more than {LONGEST_SUBSTITUTION:,} characters")

    def _name(self) -> str:
        match = _NAME.match(self._text, self._position)
        if not match:
            return ""
        self._position = match.end()
        return match.group()

    def _dollar(self) -> str:
        text = self._text
        self._position += 1
        if not text.startswith("{", self._position):
            name = self._name()
            if not name:
                return "$"
            value = self._lookup(name)
            return f"${name}" if value is None and self._skip_unset else value or ""
        self._position += 1
        following = text[self._position : self._position + 1]
        if not following or following in "{}:":
            raise ExpansionError("bad substitution")
        name = self._name()
        operator = text[self._position : self._position + 1]
        self._position += 1
        if operator == "}":
            value = self._lookup(name)
            return f"${{{name}}}" if value is None and self._skip_unset else value or ""
        if operator == "/":
            return self._replace(name)
        or_empty = operator == ":"
        if or_empty:
            operator = text[self._position : self._position + 1]
            self._position += 1
        if not operator or operator not in "+-?#%":
            raise ExpansionError("unsupported modifier in substitution")
        return self._modified(name, operator, or_empty)

    def _modified(self, name: str, operator: str, or_empty: bool) -> str:
        escapes, self._raw_escapes = self._raw_escapes, operator in "#%"
        word = self._inside("}")
        self._raw_escapes = escapes
        value = self._lookup(name)
        if value is None and self._skip_unset:
            return f"${{{name}{':' if or_empty else ''}{operator}{word}}}"
        missing = value is None or (or_empty and not value)
        if operator == "-":
            return word if missing else value or ""
        if operator == "+":
            return "" if missing else word
        if operator == "?":
            if missing:
                raise ExpansionError(f"{name}: {word or 'is not allowed to be unset'}")
            return value or ""
        greedy = word.startswith(operator)
        pattern = _pattern(word[1:] if greedy else word)
        return pattern.cut_start(value or "", greedy) if operator == "#" else pattern.cut_end(value or "", greedy)

    def _replace(self, name: str) -> str:
        every = self._text.startswith("/", self._position)
        self._position += every
        escapes, self._raw_escapes = self._raw_escapes, True
        pattern = self._inside("/")
        replacement = self._inside("}")
        self._raw_escapes = escapes
        value = self._lookup(name)
        if value is None and self._skip_unset:
            return f"${{{name}/{pattern}/{replacement}}}"
        value = value or ""
        matches = _pattern(pattern).find(value)
        matches = matches if every else matches[:1]
        self._substitute(len(matches) * len(replacement))
        parts: list[str] = []
        position = 0
        for start, end in matches:
            parts += value[position:start], replacement
            position = end
        return "".join(parts) + value[position:]


def _split_spaces(text: str) -> list[str]:
    if " " not in text and "\t" not in text and text.isascii() and text.isprintable():
        return [text]
    return re.split(f"[{SPACE}]+", text)


def _pattern(text: str) -> Pattern:
    try:
        return Pattern(text)
    except PatternError as error:
        raise ExpansionError(str(error)) from error
