"""A terminal's page: texts wrapped, folded, cut in the middle and painted so that they fit what is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from unicodedata import combining, east_asian_width

from rewriter.output.text import shown

NARROWEST: Final = 60
UNWATCHED_WIDTH: Final = 100
"""How wide a text is where nobody says."""

BOLD, DIM, RED, GREEN, YELLOW = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"
_PLAIN: Final = "\x1b[m"
_COMMON: Final = 20


def printable(text: str) -> str:
    """Text on one line that neither steers a terminal nor turns the direction of reading: what would, as escapes."""
    text = shown(text)
    return text if text.isprintable() else "".join(it if it.isprintable() else f"\\u{ord(it):04x}" for it in text)


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: wide characters two, combining ones none.

    https://www.unicode.org/reports/tr11/
    """
    return len(text) if text.isascii() else sum(map(_column, text))


def _column(character: str) -> int:
    return 0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1


def folded(text: str, room: int) -> Iterator[str]:
    """A text in lines that are full."""
    line: list[str] = []
    used = 0
    for character in text:
        width = _column(character)
        if line and used + width > room:
            yield "".join(line)
            line, used = [], 0
        line.append(character)
        used += width
    yield "".join(line)


def wrapped(text: str, room: int, taken: int = 0) -> list[str]:
    """A text in lines that end between words; of the first line, something is taken. Words too long are folded."""
    lines, used = [""], taken
    for word in text.split():
        width = columns(word)
        blank = 1 if lines[-1] else 0
        if used + blank + width <= room:
            lines[-1] += " " * blank + word
            used += blank + width
        else:
            lines += folded(word, room)
            used = columns(lines[-1])
    return lines


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (a, b) in pairs if a != b), min(len(one), len(other)))


class Page:
    """A terminal: how wide it is, whether it shows colours, and whether more than ASCII."""

    def __init__(self, width: int, *, color: bool, ascii_only: bool) -> None:
        self.width: Final = max(width, NARROWEST) if width > 0 else UNWATCHED_WIDTH
        self.is_ascii: Final = ascii_only
        self._color: Final = color
        self._dots: Final = "..." if ascii_only else "…"

    def text(self, text: str) -> str:
        """Text from anywhere as this terminal can show it, on one line."""
        text = printable(text)
        return text.encode("ascii", "backslashreplace").decode("ascii") if self.is_ascii else text

    def paint(self, color: str, text: str) -> str:
        """Text in a colour, if there are any."""
        return f"{color}{text}{_PLAIN}" if self._color and text else text

    def hanging(self, head: str, text: str, indent: int, *, color: str = "", whole: bool = False) -> Iterator[str]:
        """A text behind its head in the lines it needs, the others indented; the head painted, or the whole."""
        start = f"{head} " if head else ""
        lines = wrapped(text, self.width - indent, columns(start) - indent if head else 0)
        if not head:
            start = " " * indent
        elif not lines[0]:
            start = head
        for number, line in enumerate(lines):
            if whole:
                yield self.paint(color, (" " * indent if number else start) + line)
            else:
                yield " " * indent + line if number else self.paint(color, head) + start[len(head) :] + line

    def cut(self, text: str, room: int) -> str:
        """A text without its middle where it does not fit: the ends of a path say most."""
        if columns(text) <= room:
            return text
        room -= len(self._dots)
        return self._start(text, room - room // 2) + self._dots + self._start(text[::-1], room // 2)[::-1]

    def _start(self, text: str, room: int) -> str:
        line = next(folded(text, room))
        return line if columns(line) <= room else ""

    def contrast(self, before: str, after: str, room: int) -> tuple[str, str]:
        """Two texts without most of what they begin and end with alike, if one of them does not fit."""
        if max(columns(before), columns(after)) <= room:
            return before, after
        start = _alike(before, after)
        end = _alike(before[start:][::-1], after[start:][::-1])
        kept = max(_COMMON, (room - max(len(before), len(after)) + start + end) // 2 - len(self._dots))
        front, back = max(0, start - kept), max(0, end - kept)
        head, tail = (self._dots if front else ""), (self._dots if back else "")
        one, other = (head + text[front : len(text) - back] + tail if text else "" for text in (before, after))
        return one, other
