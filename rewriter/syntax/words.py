"""How the arguments of an instruction split into words: flags, blanks, quotes, JSON, and the expansion of $VARs.

Each function reads a range of a joined line and gives back ranges of it, so that every word keeps its place in the file.
The rules are BuildKit's: `extractBuilderFlags`, `parseWords`, `parseJSON` and the lexer of its `shell` package
(https://github.com/moby/buildkit/tree/master/frontend/dockerfile), which differ from each other and from sh.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from rewriter.syntax.text import SPACE, Span, View

BLANKS: Final = "\t\v\f\r "  # what separates words; a no-break space does not
WORD: Final = re.compile(f"[^{BLANKS}]+")
_SPACES: Final = re.compile(f"[{SPACE}]*")
_PLAIN_FLAG: Final = re.compile(rf"--[^{SPACE}'\"\\]+(?=[{SPACE}]|$)")
_FLAG_CHUNK: Final = re.compile(r"[^\s'\"\\]+")
_JSON_BLANK: Final = r"[ \t\r\n]*"
_JSON_STRING: Final = r'"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"'
_JSON_ARRAY: Final = re.compile(
    rf"\[{_JSON_BLANK}(?:{_JSON_STRING}{_JSON_BLANK}(?:,{_JSON_BLANK}{_JSON_STRING}{_JSON_BLANK})*)?\]{_JSON_BLANK}\Z", re.DOTALL
)
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
    if words and words[-1].end == end and _ends_in_escape(words[-1].text, escape):
        last = words.pop()  # BuildKit skips an escape character that has nothing to escape
        if last.end - last.start > 1:
            words.append(Word(view, last.start, end - 1))
    return tuple(words)


def _ends_in_escape(word: str, escape: str) -> bool:
    return (len(word) - len(word.rstrip(escape))) % 2 == 1


def _quoted_word(escape: str) -> re.Pattern[str]:
    e = re.escape(escape)
    unit = rf"[^{SPACE}'\"{e}]+|'[^']*(?:'|\Z)|\"[^\"{e}]*(?:{e}(?:.|\Z)[^\"{e}]*)*(?:\"|\Z)|{e}(?:.|\Z)"
    return re.compile(rf"[{SPACE}]*((?:{unit})*)", re.DOTALL)


_QUOTED_WORD: Final = {"\\": _quoted_word("\\"), "`": _quoted_word("`")}


def read_flags(view: View, start: int, end: int) -> tuple[tuple[Flag, ...], int]:
    """The flags in front of the arguments, and where the arguments begin.

    A lone `--` ends the flags and is no argument. Quotes and backslashes in a flag are removed from its value,
    always with the backslash, whatever the escape directive says.
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
        if not quote and character in SPACE:
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
    return value if isinstance(value, str) else None


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


_HEREDOC: Final = re.compile(r"([0-9]*)<<(-?)([^<]*)\Z")


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
    (an apostrophe without its twin) opens none. Raises ExpansionError for a heredoc whose own word cannot be lexed.
    """
    lexer = Lexer(line, {}, raw=True)
    try:
        lexer.word()
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


_NAME: Final = re.compile(r"[0-9]+|[@*#?$!-]|[^\W\d]\w*")
_PLAIN: Final = re.compile(r"[^$'\"\\`]+")


def expand(text: str, environment: Mapping[str, str], escape: str = "\\") -> str:
    """The value of a word as BuildKit computes it: quotes and escapes removed, variables replaced.

    An unset variable is empty. Raises ExpansionError where BuildKit reports an error.
    """
    if "$" not in text and '"' not in text and "'" not in text and escape not in text:
        return text
    return Lexer(text, environment, escape).word()


class Lexer:
    """BuildKit's word lexer over one text.

    `raw` keeps quotes, escapes and unset variables as written, which is how BuildKit looks for heredocs.
    """

    __slots__ = ("_environment", "_escape", "_position", "_raw_escapes", "_raw_quotes", "_skip_unset", "_text", "words")

    def __init__(
        self, text: str, environment: Mapping[str, str], escape: str = "\\", *, raw: bool = False, skip_unset: bool = False
    ) -> None:
        self._text = text
        self._environment = environment
        self._escape = escape
        self._raw_quotes = raw
        self._raw_escapes = raw
        self._skip_unset = skip_unset or raw
        self._position = 0
        self.words: list[str] = []

    def word(self) -> str:
        """Read the whole text as one word; the words between blanks are in `words` afterwards."""
        return self._until("")

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
        return self._environment.get(name)

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
        word = self._until("}")
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
        pattern = _shell_pattern(word[1:] if greedy else word, greedy)
        if operator == "#":
            match = re.match(pattern, value or "", re.DOTALL)
            return (value or "")[match.end() :] if match else value or ""
        return _trim_suffix(value or "", pattern, greedy)

    def _replace(self, name: str) -> str:
        every = self._text.startswith("/", self._position)
        self._position += every
        escapes, self._raw_escapes = self._raw_escapes, True
        pattern = self._until("/")
        replacement = self._until("}")
        self._raw_escapes = escapes
        value = self._lookup(name)
        if value is None and self._skip_unset:
            return f"${{{name}/{pattern}/{replacement}}}"
        return re.sub(_shell_pattern(pattern, True), lambda _: replacement, value or "", count=0 if every else 1, flags=re.DOTALL)


def _split_spaces(text: str) -> list[str]:
    if " " not in text and "\t" not in text and text.isascii() and text.isprintable():
        return [text]
    return re.split(f"[{SPACE}]+", text)


def _shell_pattern(pattern: str, greedy: bool) -> str:
    """A shell pattern of `*`, `?` and backslashes as a regular expression."""
    parts: list[str] = []
    escaped = False
    for character in pattern:
        if escaped:
            if character not in "*?\\}/":
                raise ExpansionError(f"invalid escape '\\{character}'")
            parts.append(re.escape(character))
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == "*":
            parts.append(".*" if greedy else ".*?")
        elif character == "?":
            parts.append(".")
        else:
            parts.append(re.escape(character))
    return "".join(parts)


def _trim_suffix(value: str, pattern: str, greedy: bool) -> str:
    starts = range(len(value) + 1) if greedy else range(len(value), -1, -1)
    compiled = re.compile(pattern, re.DOTALL)
    for start in starts:
        if compiled.fullmatch(value, start):
            return value[:start]
    return value
