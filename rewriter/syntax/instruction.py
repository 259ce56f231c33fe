"""What all instructions share. Their kinds are in `tree.py` and `shell_instructions.py`.

Everything below the level of lines (flags, words, shell) is read when first asked for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.syntax import words
from rewriter.syntax.nodes import Comment, Dockerfile, Node, Token
from rewriter.syntax.text import SPACE, Span, View
from rewriter.syntax.words import Flag, JsonString, Word


class Heredoc(NamedTuple):
    """A here-document of a RUN, COPY or ADD."""

    name: str
    expand: bool
    chomp: bool
    body: Span
    terminator: Span


class Gap(NamedTuple):
    """Empty lines inside an instruction, and the first word behind them; empty at the end of the file."""

    span: Span
    next_word: str


class Instruction(Node):
    """An instruction with its continuation lines and heredocs."""

    __slots__ = (
        "_at",
        "_body",
        "_comments",
        "_flags",
        "_json",
        "_keyword_end",
        "_words",
        "code_end",
        "heredocs",
        "view",
    )
    kind = "instruction"

    def __init__(
        self,
        dockerfile: Dockerfile,
        index: int,
        start: int,
        end: int,
        view: View,
        at: int,
        keyword_end: int,
        code_end: int,
        heredocs: tuple[Heredoc, ...],
    ) -> None:
        self.dockerfile = dockerfile  # type: ignore[misc]  # set here, not by Node, to save a call per instruction
        self.index = index  # type: ignore[misc]
        self.start = start  # type: ignore[misc]
        self.end = end  # type: ignore[misc]
        self.view: Final = view
        self._at: Final = at
        self._keyword_end: Final = keyword_end
        self.code_end: Final = code_end
        self.heredocs: Final = heredocs
        self._flags: tuple[Flag, ...] | None = None
        self._body: tuple[int, int] = (0, 0)
        self._words: tuple[Word, ...] | None = None
        self._json: tuple[JsonString, ...] | bool | None = False
        self._comments: tuple[Comment, ...] | None = None

    @property
    def keyword(self) -> Word:
        """The instruction's own word as written."""
        return Word(self.view, self._at, self._keyword_end)

    @property
    def name(self) -> str:
        """The instruction's word in capitals."""
        return self.view.text[self._at : self._keyword_end].lower().upper()

    @property
    def end_line(self) -> int:
        """The last line, counted from 1."""
        return self.dockerfile.lines.position(max(self.start, self.end - 1)).line

    @property
    def flags(self) -> tuple[Flag, ...]:
        """The `--name=value` flags in front of the arguments."""
        if self._flags is None:
            self._read_flags()
        assert self._flags is not None
        return self._flags

    def flag(self, name: str) -> Flag | None:
        """The first flag of that name."""
        return next((flag for flag in self.flags if flag.name == name), None)

    def _read_flags(self) -> None:
        text = self.view.text
        end = len(text)
        if text and text[-1] in SPACE:
            end = max(len(text.rstrip(SPACE)), self._keyword_end)
        start = self._keyword_end
        while start < end and text[start] in words.BLANKS:
            start += 1
        if text.startswith("--", start):
            self._flags, start = words.read_flags(self.view, start, end)
        else:
            self._flags = ()
        while start < end and text[start] in SPACE:
            start += 1
        self._body = (start, max(start, end))

    @property
    def _range(self) -> tuple[int, int]:
        """Where the arguments begin and end in the view."""
        if self._flags is None:
            self._read_flags()
        return self._body

    @property
    def arguments(self) -> str:
        """What follows the flags, as the builder reads it."""
        start, end = self._range
        return self.view.text[start:end]

    @property
    def arguments_span(self) -> Span:
        """Where the arguments stand in the file."""
        return self.view.span(*self._range)

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of the arguments, split as this kind of instruction splits them."""
        if self._words is None:
            self._words = self._split()
        return self._words

    def _split(self) -> tuple[Word, ...]:
        return words.split_blanks(self.view, *self._range)

    @property
    def json(self) -> tuple[JsonString, ...] | None:
        """The strings of the JSON form, or None for any other form."""
        if self._json is False:
            self._json = None
            if "[" in self.view.text:
                with contextlib.suppress(words.NotStringsError):
                    self._json = self._read_json()
        assert not isinstance(self._json, bool)
        return self._json

    def _read_json(self) -> tuple[JsonString, ...] | None:
        return None

    @property
    def comments(self) -> tuple[Comment, ...]:
        """The comment lines between this instruction's continuation lines."""
        if self._comments is None:
            text = self.dockerfile.text
            found: list[Comment] = []
            position = text.find("\n", self.start, self.code_end) + 1
            while 0 < position < self.code_end:
                stop = text.find("\n", position, self.code_end) + 1 or self.code_end
                if text[position:stop].lstrip(SPACE).startswith("#"):
                    found.append(Comment(self.dockerfile, -1, position, stop))
                position = stop
            self._comments = tuple(found)
        return self._comments

    @property
    def is_on_one_line(self) -> bool:
        """Whether the instruction has no continuation lines."""
        return "\n" not in self.dockerfile.text[self.start : self.code_span.end]

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The runs of empty lines between this instruction's continuation lines."""
        text = self.dockerfile.text
        found: list[Gap] = []
        waiting: list[Span] = []  # gaps whose next word has not come yet: a comment may stand in between
        opened = -1
        position = text.find("\n", self.start, self.code_end) + 1
        while 0 < position < self.code_end:
            stop = text.find("\n", position, self.code_end) + 1 or self.code_end
            content = text[position:stop].strip(SPACE)
            if not content:
                opened = position if opened < 0 else opened
            else:
                if opened >= 0:
                    waiting.append(Span(opened, position))
                    opened = -1
                if waiting and not content.startswith("#"):
                    word = (content.split(maxsplit=1) or [content])[0]  # a control character may be a blank for Python
                    found += (Gap(span, word) for span in waiting)
                    waiting.clear()
            position = stop
        if opened >= 0:
            waiting.append(Span(opened, self.code_end))
        found += (Gap(span, "") for span in waiting)
        return tuple(found)

    @property
    def dangling(self) -> Span | None:
        """The continuation character, with the blanks before it, that continues into nothing at the end of the file."""
        text = self.dockerfile.text
        if self.code_end < len(text):
            return None  # what follows would have been read as a part of it
        end = self.view.source(len(self.view.text)) if self.view.text else self.start
        kept = self.start + len(text[self.start : end].rstrip(" \t"))
        stop = text.find("\n", end, self.code_end)
        line_end = stop if stop >= 0 else self.code_end
        line_end -= text.endswith("\r", end, line_end)
        mark = text[end:line_end].strip(" \t\r")
        return Span(max(kept, self.start), line_end) if mark == self.dockerfile.escape else None

    @property
    def code_span(self) -> Span:
        """The instruction without its final newline and heredocs."""
        text = self.dockerfile.text
        end = self.code_end
        if text.endswith("\n", self.start, end):
            end -= 1
        while end > self.start and text[end - 1] == "\r":
            end -= 1
        return Span(self.start, end)

    def _shell_span(self) -> Span | None:
        """Where a shell command stands, in instructions that take one."""
        return None

    @property
    def tokens(self) -> Iterator[Token]:
        """The tokens of this instruction in order: keyword, flags, words and what lies between."""
        marks: list[tuple[int, int, str]] = []
        parts: list[tuple[str, Span]] = [("keyword", self.keyword.span)]
        parts += [("flag", flag.span) for flag in self.flags]
        parts += [("word", word.span) for word in self.words]
        if shell := self._shell_span():
            parts.append(("shell", shell))
        for kind, span in parts:
            marks.append((span.start, span.end, kind))
        for heredoc in self.heredocs:
            marks.append((heredoc.body.start, heredoc.body.end, "heredoc"))
            marks.append((heredoc.terminator.start, heredoc.terminator.end, "terminator"))
        position = self.start
        for start, end, kind in marks:
            if start > position:
                yield Token("space", position, start)
            if end > start:
                yield Token(kind, start, end)
            position = max(position, end)
        if position < self.end:
            yield Token("space", position, self.end)
