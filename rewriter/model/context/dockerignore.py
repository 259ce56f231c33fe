"""Ignore files: what a `.dockerignore` keeps out of the build context, decided as the builder decides it.

Patterns are anchored at the root of the context, the last one that matches wins, and what matches a folder matches all
below it. The file is read as moby/patternmatcher/ignorefile does, patterns match as in moby/patternmatcher, and folders
pass on what matched them as in tonistiigi/fsutil, which walks the context. So `!docs` takes back nothing that a
pattern excludes inside of `docs`, wherever it stands, because it was not asked while `docs` itself was no candidate.
Sources: https://github.com/moby/patternmatcher/blob/main/patternmatcher.go,
https://github.com/moby/patternmatcher/blob/main/ignorefile/ignorefile.go,
https://github.com/tonistiigi/fsutil/blob/master/filter.go
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

from rewriter.syntax.text import SPACE

_LONGEST_LINE: Final = 64 * 1024  # of Go's bufio.Scanner, which gives up beyond
_CONTROLS: Final = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}  # Go's regular expressions know
_MOST_FOLDERS: Final = 20_000  # remembered, to bound memory

_Wildcard: TypeAlias = Literal["folders", "anything", "star", "one", "start"]


class _Class(NamedTuple):
    """A character class: `[a-z]`, `[^x]`."""

    ranges: tuple[tuple[str, str], ...]
    is_negated: bool

    def holds(self, character: str) -> bool:
        return any(low <= character <= high for low, high in self.ranges) != self.is_negated


class _Text(str):
    """Characters that stand for themselves."""

    __slots__ = ()


_Part: TypeAlias = _Wildcard | _Class | _Text


class BadPatternError(ValueError):
    """A pattern that the builder refuses, or that is not understood here."""


class IgnoreRules:
    """The patterns of one ignore file, read once. `problem` says why they cannot be followed, and is mostly empty."""

    __slots__ = ("_exceptions", "_folders", "_patterns", "problem")

    def __init__(self, text: str, problem: str = "") -> None:
        self._folders: Final[dict[str, tuple[bool, int]]] = {"": (False, 0)}
        self._patterns: tuple[_Pattern, ...] = ()
        self.problem = problem
        try:
            self._patterns = tuple(map(_Pattern, read_patterns(text)))
        except BadPatternError as error:
            self.problem = str(error)
        self._exceptions: Final = tuple(pattern for pattern in self._patterns if pattern.is_exception)

    def excludes(self, path: str) -> bool:
        """Whether a path, clean and relative to the context, is kept out. Parts of a folder may come in even so."""
        return bool(self._patterns) and self._result(path)[0]

    def may_readmit(self, folder: str) -> bool:
        """Whether an exception can bring in something below a folder."""
        return any(pattern.may_match_below(folder) for pattern in self._exceptions)

    def _result(self, path: str) -> tuple[bool, int]:
        """Whether a path is excluded, and as bits which patterns it or a folder above it matches."""
        above: list[str] = []
        folder = path
        while folder not in self._folders:
            above.append(folder)
            folder = folder.rpartition("/")[0]
        result = self._folders[folder]
        if len(self._folders) > _MOST_FOLDERS:
            self._folders.clear()
            self._folders[""] = (False, 0)
        for place in reversed(above):
            result = self._matches(place, result[1])
            if place != path:
                self._folders[place] = result
        return result

    def _matches(self, path: str, inherited: int) -> tuple[bool, int]:
        subject = _Subject(path)
        excluded, bits = False, 0
        for index, pattern in enumerate(self._patterns):
            may_decide = pattern.is_exception == excluded
            if not (inherited >> index & 1 or (may_decide and pattern.matches(subject))):
                continue
            bits |= 1 << index
            excluded = not pattern.is_exception
        return excluded, bits


def read_patterns(text: str) -> Iterator[str]:
    """The patterns of an ignore file, cleaned, exceptions with their `!`. Raises BadPatternError."""
    for line in text.removeprefix("\ufeff").split("\n"):
        if len(line) >= _LONGEST_LINE:
            raise BadPatternError("a line is too long")
        pattern = line.strip(SPACE)
        if line.startswith("#") or not pattern:
            continue
        mark = "!" if pattern[0] == "!" else ""
        pattern = pattern[len(mark) :].strip(SPACE)
        if pattern:
            pattern = _clean(pattern)
            pattern = pattern[1:] if len(pattern) > 1 and pattern[0] == "/" else pattern
        yield mark + pattern


def _clean(path: str) -> str:
    """What Go's filepath.Clean makes of a path; Python's normpath keeps two leading slashes."""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


class _Subject:
    """A path to match. The place before each character, and the one behind the last, is one bit of a number."""

    __slots__ = ("_places", "text")

    def __init__(self, text: str) -> None:
        self.text: Final = text
        self._places: dict[str, int] = {}

    @property
    def places(self) -> dict[str, int]:
        """For each character the places that it stands at."""
        if not self._places:
            for index, character in enumerate(self.text):
                self._places[character] = self._places.get(character, 0) | 1 << index
        return self._places


class _Pattern:
    """One pattern. Simple kinds are compared as strings; the others move places, so that time stays linear."""

    __slots__ = ("_kind", "_parts", "_text", "is_exception")

    def __init__(self, pattern: str) -> None:
        """Raises BadPatternError."""
        pattern = _clean(pattern)
        self.is_exception: Final = pattern.startswith("!")
        self._text: Final = pattern[1:] if self.is_exception else pattern
        if not self._text:
            raise BadPatternError("`!` stands alone")
        _check_syntax(self._text)
        self._kind, self._parts = _compile(self._text)

    def matches(self, subject: _Subject) -> bool:
        """Whether the pattern matches exactly this path."""
        path = subject.text
        match self._kind:
            case "exact":
                return path == self._text
            case "prefix":
                return path.startswith(self._text[:-2])
            case "suffix":
                suffix = self._text[2:]
                return path.endswith(suffix) or (suffix[0] == "/" and path == suffix[1:])
        first, last = self._parts[0], self._parts[-1]
        if (isinstance(first, _Text) and not path.startswith(first)) or (
            isinstance(last, _Text) and not path.endswith(last)
        ):
            return False
        return bool(_reach(self._parts, subject) >> len(path))

    def may_match_below(self, folder: str) -> bool:
        """Whether the pattern can match something below a folder: whether its first parts match the folder's."""
        if "\\" in self._text or "[" in self._text:
            return True
        parts = self._text.split("/")
        for name in folder.split("/"):
            if not parts:
                return False
            part = parts.pop(0)
            if "**" in part:
                return True
            if part != name and not _matches_name(part, name):
                return False
        return bool(parts)


def _matches_name(part: str, name: str) -> bool:
    _, parts = _compile(part)
    return bool(_reach(parts, _Subject(name)) >> len(name))


def _check_syntax(pattern: str) -> None:
    """Refuse what Go's filepath.Match refuses: https://github.com/golang/go/blob/master/src/path/filepath/match.go"""
    position, end = 0, len(pattern)

    def character() -> None:
        """Pass one end of a range; something must follow it."""
        nonlocal position
        if position < end and pattern[position] in "-]":
            raise BadPatternError(pattern)
        position += 2 if pattern[position : position + 1] == "\\" else 1
        if position >= end:
            raise BadPatternError(pattern)

    while position < end:
        if pattern[position] == "\\":
            position += 2
            if position > end:
                raise BadPatternError(pattern)
            continue
        position += 1
        if pattern[position - 1] != "[":
            continue
        if pattern[position : position + 1] == "^":
            position += 1
        first = position
        while position == first or pattern[position] != "]":
            character()
            if pattern[position] == "-":
                position += 1
                character()
        position += 1


def _compile(pattern: str) -> tuple[str, tuple[_Part, ...]]:
    """How a pattern is compared, and its parts, as patternmatcher's `compile` finds them."""
    kind = "exact"
    parts: list[_Part] = []
    literal = ""
    position, end = 0, len(pattern)

    def add(part: _Part) -> None:
        nonlocal literal
        if literal:
            parts.append(_Text(literal))
        literal = ""
        parts.append(part)

    while position < end:
        start = position
        character = pattern[position]
        position += 1
        if pattern.startswith("**", start):
            position = start + (3 if pattern.startswith("/", start + 2) else 2)
            add("folders" if position < end else "anything")
            kind = "prefix" if position >= end and kind == "exact" else "parts"
            kind = "suffix" if start == 0 else kind
        elif character in "*?":
            add("star" if character == "*" else "one")
            kind = "parts"
        elif character == "[":
            part, position = _read_class(pattern, position)
            add(part)
            kind = "parts"
        elif character == "\\":
            escaped = pattern[position]
            if escaped.isalnum() and escaped.isascii() and escaped not in _CONTROLS:
                raise BadPatternError(f"{pattern}: an escape that Go's regular expressions read in a way of their own")
            literal += _CONTROLS.get(escaped, escaped)
            position += 1
            kind = "parts"
        elif character == "^":
            add("start")  # it is not escaped on the way to the regular expression
        else:
            literal += character
            kind = "parts" if character == "]" else kind
    return kind, (*parts, _Text(literal)) if literal else tuple(parts)


def _read_class(pattern: str, position: int) -> tuple[_Class, int]:
    """The class that begins behind a `[`, and where it ends. Its syntax has been checked."""
    is_negated = pattern[position] == "^"
    position += is_negated
    ranges: list[tuple[str, str]] = []

    def character() -> str:
        nonlocal position
        is_escaped = pattern[position] == "\\"
        position += is_escaped
        found = pattern[position]
        if (found.isalnum() and found.isascii()) if is_escaped else found in "*?[":
            raise BadPatternError(f"{pattern}: a class that Go's regular expressions read in a way of their own")
        position += 1
        return found

    while pattern[position] != "]":
        low = high = character()
        if pattern[position] == "-":
            position += 1
            high = character()
        if low > high:
            raise BadPatternError(f"{pattern}: the range {low}-{high} is empty")
        ranges.append((low, high))
    return _Class(tuple(ranges), is_negated), position + 1


def _reach(parts: tuple[_Part, ...], subject: _Subject) -> int:
    """The places, as bits, that a match from the start of a path can come to. See `rewriter.syntax.patterns`."""
    places = subject.places
    inside = (1 << len(subject.text)) - 1
    slashes = places.get("/", 0)
    reached = 1
    for part in parts:
        if not reached:
            break
        behind_first = (2 * inside + 1) & -(reached & -reached)  # every place from the lowest one on
        if isinstance(part, _Text):
            for character in part:
                reached = (reached & places.get(character, 0)) << 1
        elif isinstance(part, _Class):
            held = sum(where for character, where in places.items() if part.holds(character))
            reached = (reached & held) << 1
        elif part == "star":
            names = inside & ~slashes
            # The carry of the sum runs from each place to the end of its name.
            reached |= ((reached & names) + names) ^ names
        elif part == "one":
            reached = (reached & inside & ~slashes) << 1
        elif part == "anything":
            reached = behind_first
        elif part == "folders":
            reached |= (slashes & behind_first) << 1
        else:
            reached &= 1
    return reached
