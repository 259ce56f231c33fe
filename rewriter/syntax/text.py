"""A Dockerfile as text: offsets, positions, views of joined lines, and edits that remember what they kept.

Every offset in dfix counts characters of the decoded text. Only this module and `rewriter.fixing` do arithmetic
with offsets; everything else asks a node for its span.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

# What Go's unicode.IsSpace accepts; BuildKit trims lines with it (https://pkg.go.dev/unicode#IsSpace).
# Python's own str.strip() also takes U+001C to U+001F, which BuildKit keeps.
SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


def decode(data: bytes) -> str:
    """Read bytes as UTF-8 so that `encode` gives the same bytes back, whatever they are."""
    return data.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """Turn text from `decode` back into its bytes."""
    return text.encode("utf-8", "surrogateescape")


class Span(NamedTuple):
    """A half-open range of characters in a file."""

    start: int
    end: int

    def touches(self, other: Span) -> bool:
        """Whether the two ranges share a character or meet at an end."""
        return self.start <= other.end and other.start <= self.end

    def contains(self, other: Span) -> bool:
        """Whether the other range lies wholly inside this one."""
        return self.start <= other.start and other.end <= self.end


class Position(NamedTuple):
    """A place as editors show it: line and column, both counted from 1, columns in characters."""

    line: int
    column: int


class Edit(NamedTuple):
    """Replace the characters from `start` to `end` by `text`; equal ends insert."""

    start: int
    end: int
    text: str


class Lines:
    """Where each line of a text begins. Only a line feed ends a line, as in BuildKit and git."""

    __slots__ = ("_starts",)

    def __init__(self, text: str) -> None:
        starts = [0]
        position = 0
        for line in text.split("\n"):
            position += len(line) + 1
            starts.append(position)
        starts.pop()
        self._starts: Final = starts

    def position(self, offset: int) -> Position:
        """The line and column of an offset."""
        line = bisect_right(self._starts, offset)
        return Position(line, offset - self._starts[line - 1] + 1)

    def start(self, line: int) -> int:
        """The offset at which a line (counted from 1) begins."""
        return self._starts[line - 1]

    def start_at(self, offset: int) -> int:
        """The offset at which the line that holds `offset` begins."""
        return self._starts[bisect_right(self._starts, offset) - 1]

    def __len__(self) -> int:
        return len(self._starts)


class View:
    """Text as the builder reads it, with a map back to the source.

    The builder drops continuation characters, newlines and comment lines before it looks at an instruction.
    A view holds what is left, and for each run of characters the distance to its place in the file:

        source   RUN a \\⏎      view   RUN a b
                   b⏎           runs   at 0 shift 0, at 6 shift 3
    """

    __slots__ = ("_at", "_shift", "text")

    def __init__(self, text: str, at: Sequence[int], shift: Sequence[int]) -> None:
        self.text: Final = text
        self._at: Final = at
        self._shift: Final = shift

    def source(self, offset: int) -> int:
        """The place in the file of the character at `offset`; at the end of the view, the place after the last."""
        if len(self._at) == 1:
            return offset + self._shift[0]
        if offset == len(self.text) and offset:
            return self.source(offset - 1) + 1
        return offset + self._shift[bisect_right(self._at, offset) - 1]

    def span(self, start: int, end: int) -> Span:
        """The range in the file that the characters from `start` to `end` come from, continuations between included."""
        if len(self._at) == 1:
            return Span(start + self._shift[0], end + self._shift[0])
        first = self.source(start)
        return Span(first, first if start == end else self.source(end - 1) + 1)

    def is_contiguous(self, start: int, end: int) -> bool:
        """Whether the characters from `start` to `end` lie side by side in the file."""
        span = self.span(start, end)
        return span.end - span.start == end - start


def view_of(text: str, start: int, end: int) -> View:
    """A view of one unbroken range of a file."""
    return View(text[start:end], (0,), (start,))


class OverlapError(ValueError):
    """Two edits change the same characters, or insert at one place."""


class Region(NamedTuple):
    """A range of the original text and what stands in its place now."""

    old: Span
    new: Span


def in_order(edits: Iterable[Edit], length: int) -> list[Edit]:
    """Edits by their place in a text of some length. Raises OverlapError when they collide or lie outside of it."""
    ordered = sorted(edits)
    position = 0
    previous = (-1, -1)
    for start, end, _ in ordered:
        if start < position or (start, end) == previous or end < start or end > length:
            raise OverlapError(f"edits collide at offset {start}")
        previous = (start, end)
        position = end
    return ordered


class Pieces:
    """A text under edit that knows which characters are still the original's.

    Kept pieces are ranges of the original, so what no edit names is byte-identical by construction,
    and a diff needs to look only at the regions between them.
    """

    __slots__ = ("_original", "_pieces", "_places", "text")

    def __init__(self, original: str) -> None:
        self._original: Final = original
        # A piece is (length, origin): origin is its offset in the original, or -1 for new text.
        self._pieces: list[tuple[int, int]] = [(len(original), 0)] if original else []
        # Per piece: its offset, its origin, where the kept text before it ends.
        self._places: list[tuple[int, int, int]] = []
        self.text = original

    def apply(self, edits: Iterable[Edit]) -> None:
        """Apply edits whose offsets refer to the current text. Raises OverlapError when they collide."""
        parts: list[str] = []
        pieces: list[tuple[int, int]] = []
        position = 0
        source = _Cursor(self._pieces)
        for start, end, text in in_order(edits, len(self.text)):
            parts.append(self.text[position:start])
            source.take(start - position, pieces)
            source.take(end - start, None)
            parts.append(text)
            if text:
                pieces.append((len(text), -1))
            position = end
        parts.append(self.text[position:])
        source.take(len(self.text) - position, pieces)
        self.text = "".join(parts)
        self._pieces = pieces
        self._places = []

    def regions(self) -> list[Region]:
        """The changed regions, in order: what they were in the original and what they are now."""
        regions: list[Region] = []
        old = new = 0
        open_new = 0
        for length, origin in [*self._pieces, (0, len(self._original))]:
            if origin < 0:
                new += length
                continue
            if origin != old or new != open_new:
                regions.append(Region(Span(old, origin), Span(open_new, new)))
            old = origin + length
            new += length
            open_new = new
        return regions

    def original_offset(self, offset: int) -> int:
        """Where a character of the current text came from; for new text, where its replacement began."""
        if not self._places:
            position = kept_end = 0
            for length, origin in self._pieces:
                self._places.append((position, origin, kept_end))
                position += length
                kept_end = origin + length if origin >= 0 else kept_end
        if not self._places:
            return 0
        start, origin, kept_end = self._places[bisect_right(self._places, (offset, len(self._original), 0)) - 1]
        return min(origin + offset - start if origin >= 0 else kept_end, max(0, len(self._original) - 1))


class _Cursor:
    """Walks a list of pieces, handing out as many characters as asked."""

    __slots__ = ("_index", "_offset", "_pieces")

    def __init__(self, pieces: list[tuple[int, int]]) -> None:
        self._pieces = pieces
        self._index = 0
        self._offset = 0

    def take(self, count: int, into: list[tuple[int, int]] | None) -> None:
        while count:
            length, origin = self._pieces[self._index]
            step = min(count, length - self._offset)
            if into is not None:
                into.append((step, origin + self._offset if origin >= 0 else -1))
            count -= step
            self._offset += step
            if self._offset == length:
                self._index += 1
                self._offset = 0
