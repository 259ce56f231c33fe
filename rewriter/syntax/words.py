"""How the arguments of an instruction split into words: flags, blanks, quotes and JSON.

Each function reads a range of a joined line and gives back ranges of it, so that a word keeps its place in the file.
The rules are BuildKit's `extractBuilderFlags`, `parseWords` and `parseJSON`
(https://github.com/moby/buildkit/tree/master/frontend/dockerfile/parser), which differ from each other.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from rewriter.syntax.text import SPACE, Span, View

BLANKS: Final = "\t\v\f\r "  # what separates words; a no-break space does not
ASCII_SPACE: Final = BLANKS + "\n"
WORD: Final = re.compile(f"[^{BLANKS}]+")
_SPACES: Final = re.compile(f"[{ASCII_SPACE}]*")
_PLAIN_FLAG: Final = re.compile(rf"--[^{ASCII_SPACE}'\"\\]+(?=[{ASCII_SPACE}]|$)")
_FLAG_CHUNK: Final = re.compile(rf"[^{ASCII_SPACE}'\"\\]+")
_JSON_BLANK: Final = r"[ \t\r\n]*"
_JSON_STRING: Final = r'"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"'
_JSON_ARRAY: Final = re.compile(
    rf"\[{_JSON_BLANK}(?:{_JSON_STRING}{_JSON_BLANK}(?:,{_JSON_BLANK}{_JSON_STRING}{_JSON_BLANK})*)?\]{_JSON_BLANK}\Z",
    re.DOTALL,
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_JSON_ITEM: Final = re.compile(_JSON_STRING, re.DOTALL)


class Word(NamedTuple):
    """A word of an instruction's arguments, as written."""

    view: View
    start: int
    end: int

    @property
    def text(self) -> str:
        """The word as the builder sees it, quotes included, continuations removed."""
        return self.view.text[self.start : self.end]

    @property
    def span(self) -> Span:
        """Where the word stands in the file."""
        return self.view.span(self.start, self.end)

    @property
    def has_variable(self) -> bool:
        """Whether the word may expand to something else than it says."""
        return "$" in self.text


_new: Final = tuple.__new__  # half the time of calling the class, and words are what a file has most of


class JsonString(NamedTuple):
    """A string of a JSON array, such as those of `CMD ["a", "b"]`."""

    view: View
    start: int
    end: int
    value: str

    @property
    def word(self) -> Word:
        """The string as a word, quotes included."""
        return Word(self.view, self.start, self.end)

    @property
    def text(self) -> str:
        """The string as written, with its quotes."""
        return self.view.text[self.start : self.end]

    @property
    def span(self) -> Span:
        """Where the string stands in the file."""
        return self.view.span(self.start, self.end)


class Flag(NamedTuple):
    """A `--name=value` in front of an instruction's arguments."""

    view: View
    start: int
    end: int
    name: str
    value: str
    has_value: bool

    @property
    def text(self) -> str:
        """The flag as written."""
        return self.view.text[self.start : self.end]

    @property
    def span(self) -> Span:
        """Where the flag stands in the file."""
        return self.view.span(self.start, self.end)

    @property
    def value_span(self) -> Span:
        """Where the value stands in the file: what follows the equals sign."""
        return self.view.span(self.start + self.text.index("=") + 1, self.end)


class NotStringsError(ValueError):
    """A JSON array that holds something other than strings, which BuildKit refuses."""


def split_blanks(view: View, start: int, end: int) -> tuple[Word, ...]:
    """Words between blanks; quotes mean nothing here."""
    return tuple([_new(Word, (view, *match.span())) for match in WORD.finditer(view.text, start, end)])


def split_quoted(view: View, start: int, end: int, escape: str) -> tuple[Word, ...]:
    """Words between blanks that quotes and the escape character can hold together, as in ENV, LABEL and ARG."""
    pattern = _QUOTED_WORD[escape]
    words: list[Word] = []
    position = start
    text = view.text
    while match := pattern.match(text, position, end):
        position = match.end()
        begin, stop = match.span(1)
        if begin == stop:
            break
        words.append(Word(view, begin, stop))
    if words and words[-1].end == end and text.endswith(escape, start, end) and _dangles(words[-1].text, escape):
        last = words.pop()  # BuildKit skips an escape character that has nothing to escape
        if last.end - last.start > 1:
            words.append(Word(view, last.start, end - 1))
    return tuple(words)


def _dangles(word: str, escape: str) -> bool:
    """Whether the word ends in an escape character that escapes nothing; in single quotes it is an ordinary one."""
    last = ""
    for unit in re.finditer(_unit(escape), word, re.DOTALL):
        last = unit.group()
    backslashes = len(last) - len(last.rstrip(escape))
    return not last.startswith("'") and backslashes % 2 == 1


def _unit(escape: str) -> str:
    e = re.escape(escape)
    return rf"[^{SPACE}'\"{e}]+|'[^']*(?:'|\Z)|\"[^\"{e}]*(?:{e}(?:.|\Z)[^\"{e}]*)*(?:\"|\Z)|{e}(?:.|\Z)"


def _quoted_word(escape: str) -> re.Pattern[str]:
    return re.compile(rf"[{SPACE}]*((?:{_unit(escape)})*)", re.DOTALL)


_QUOTED_WORD: Final = {"\\": _quoted_word("\\"), "`": _quoted_word("`")}


def read_flags(view: View, start: int, end: int) -> tuple[tuple[Flag, ...], int]:
    """The flags in front of the arguments, and where the arguments begin.

    A lone `--` ends the flags and is no argument. Quotes and backslashes in a flag are removed from its value,
    always with the backslash, whatever the escape directive says. BuildKit reads flags byte by byte, so that
    other characters than those of ASCII come out garbled; `rules.py` refuses them.
    """
    text = view.text
    if not text.startswith("--", start):
        return (), start
    flags: list[Flag] = []
    position = start
    while True:
        spaces = _SPACES.match(text, position, end)
        position = spaces.end() if spaces else position
        if not text.startswith("--", position) or position + 1 >= end:
            return tuple(flags), position
        plain = _PLAIN_FLAG.match(text, position, end)
        stop, word = (plain.end(), plain.group()) if plain else _unquote_flag(text, position, end)
        if word == "--":
            return tuple(flags), stop
        name, equals, value = word[2:].partition("=")
        flags.append(Flag(view, position, stop, name, value, bool(equals)))
        position = stop


def _unquote_flag(text: str, start: int, end: int) -> tuple[int, str]:
    """Read one flag with quotes or backslashes in it: where it ends, and its text without them."""
    parts: list[str] = []
    position = start
    quote = ""
    while position < end:
        character = text[position]
        if not quote and character in ASCII_SPACE:
            break
        if character == "\\":
            parts.append(text[position + 1 : min(position + 2, end)])
            position += 2
            continue
        if quote:
            if character == quote:
                quote = ""
            else:
                parts.append(character)
        elif character in "'\"":
            quote = character
        else:
            chunk = _FLAG_CHUNK.match(text, position, end)
            if chunk:
                parts.append(chunk.group())
                position = chunk.end()
                continue
            parts.append(character)
        position += 1
    return min(position, end), "".join(parts)


def read_json(view: View, start: int, end: int) -> tuple[JsonString, ...] | None:
    """The strings of a JSON array, or None when the text is no JSON array and so means something else.

    Raises NotStringsError for an array of other things.
    """
    text = view.text
    if start == end or text[start] != "[":
        return None
    whole = text[start:end]
    if not _JSON_ARRAY.match(whole):
        _reject_other_arrays(whole)
        return None
    strings: list[JsonString] = []
    for item in _JSON_ITEM.finditer(text, start + 1, end):
        raw = item.group()
        value = raw[1:-1]
        if "\\" in value:
            decoded = _decode_json(raw)
            if decoded is None:
                return None
            value = decoded
        strings.append(JsonString(view, item.start(), item.end(), value))
    return tuple(strings)


def _decode_json(raw: str) -> str | None:
    import json  # rare, and start-up time matters

    try:
        value = json.loads(raw)
    except ValueError:
        return None
    # A surrogate without its twin is no character to Go.
    return _SURROGATE.sub("\ufffd", value) if isinstance(value, str) else None


def _reject_other_arrays(text: str) -> None:
    import json

    def refuse(_: str) -> object:
        raise ValueError("Go knows no NaN or Infinity")

    try:
        value = json.loads(text, parse_constant=refuse)
    except ValueError:
        return
    except RecursionError:
        value = [None]
    if isinstance(value, list):
        raise NotStringsError
