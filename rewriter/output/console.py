"""Where output goes: data to standard output, everything else to standard error, and colour only for a person."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final, TextIO, TypeVar

from rewriter.syntax.text import encode

T = TypeVar("T")

_ERASE: Final = "\r\x1b[K"
_WIDTH: Final = 30


class Console:
    """The two streams of a process.

    `is_open` says whether anybody still takes data. When that ended with an error, `failure` says which: a reader that
    has seen enough, as in `| head`, is none.
    """

    def __init__(self) -> None:
        self.colors_data: Final = _is_colorful(sys.stdout)
        self.colors_talk: Final = _is_colorful(sys.stderr)
        self.is_open = sys.stdout is not None
        self.failure = "" if self.is_open else "it is closed"
        self._bar = ""

    @property
    def width(self) -> int:
        """How wide a person's screen is; 0 where nobody looks."""
        return _width(sys.stderr)

    @property
    def data_width(self) -> int:
        """How wide the screen is that data goes to; 0 where it goes elsewhere."""
        return _width(sys.stdout)

    @property
    def draws(self) -> bool:
        """Whether whoever reads the data can read more than ASCII."""
        encoding = getattr(sys.stdout, "encoding", None) or "ascii"
        return encoding.lower().replace("-", "").startswith("utf")

    def data(self, text: str) -> None:
        """Print data as the bytes it was read from, as long as somebody takes it."""
        if not text or not self.is_open:
            return
        try:
            sys.stdout.flush()
            sys.stdout.buffer.write(encode(text))
            sys.stdout.buffer.flush()
        except OSError as error:
            self.is_open = False
            self.failure = "" if isinstance(error, BrokenPipeError) else error.strerror or str(error)
            # What is left in the buffer must not raise a second time when Python closes the stream.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def say(self, text: str) -> None:
        """Tell the user something."""
        if text and sys.stderr:
            self._talk(f"{_ERASE if self._bar else ''}{text}\n")
            self._bar = ""

    def _talk(self, text: str) -> None:
        with suppress(OSError):  # nobody listens; the exit code says enough
            sys.stderr.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))
            sys.stderr.flush()

    def progress(self, text: str) -> None:
        """Show what is going on in one line that the next one replaces, where somebody looks; empty: nothing more."""
        if not _redraws(sys.stderr) or not (text or self._bar):
            return
        self._bar = "".join(character for character in text if character.isprintable())[: max(self.width - 1, 0)]
        self._talk(_ERASE + self._bar)

    def watched(self, entries: Sequence[T], *, delay: float = 0.5) -> Iterator[T]:
        """Yield entries, and show how far the work is if it takes long and the terminal has room for it."""
        if not _redraws(sys.stderr):
            yield from entries
            return
        due = time.monotonic() + delay
        try:
            for number, entry in enumerate(entries):
                if time.monotonic() >= due:
                    due = time.monotonic() + 0.1
                    done = "#" * (_WIDTH * number // len(entries))
                    self.progress(f"dfix [{done:.<{_WIDTH}}] {number:,} of {len(entries):,} files")
                yield entry
        finally:
            self.progress("")


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _redraws(stream: TextIO | None) -> bool:
    return _is_terminal(stream) and os.environ.get("TERM") != "dumb"


def _is_colorful(stream: TextIO | None) -> bool:
    # https://no-color.org: any value but the empty one.
    return _redraws(stream) and not os.environ.get("NO_COLOR")


def _width(stream: TextIO | None) -> int:
    if not _is_terminal(stream):
        return 0
    from shutil import get_terminal_size

    return get_terminal_size().columns
