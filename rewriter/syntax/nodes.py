"""The nodes of the tree: a file and its lines. What all instructions share is in `instruction.py`.

The nodes of a file tile its text: each owns whole lines, every character belongs to exactly one, and joining them gives
the file back. Nodes only navigate. What changes a file are the verbs in `rewriter.fixing.edits`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from rewriter.syntax.text import SPACE, Lines, Position, Span

if TYPE_CHECKING:
    from rewriter.syntax.instruction import Instruction


class Problem(NamedTuple):
    """Why a file must be left as it is, and where."""

    offset: int
    message: str


class Token(NamedTuple):
    """A piece of an instruction's source: every character belongs to exactly one."""

    kind: str
    start: int
    end: int


class Dockerfile:
    """A parsed file."""

    __slots__ = ("_lines", "_problem", "escape", "instructions", "memo", "newline", "nodes", "syntax_problem", "text")

    def __init__(self, text: str, escape: str, newline: str) -> None:
        self.text: Final = text
        self.escape: Final = escape
        self.newline: Final = newline
        self.nodes: Sequence[Node] = ()
        self.instructions: Sequence[Instruction] = ()
        self.syntax_problem: Problem | None = None
        self._problem: Problem | bool | None = False
        self.memo: Final[dict[object, object]] = {}
        """What others have found out about this file; it lasts as long as the parse."""
        self._lines: Lines | None = None

    @property
    def lines(self) -> Lines:
        """Where each line begins."""
        if self._lines is None:
            self._lines = Lines(self.text)
        return self._lines

    def position(self, offset: int) -> Position:
        """The line and column of an offset, counted from 1."""
        return self.lines.position(offset)

    @property
    def problem(self) -> Problem | None:
        """The first reason why BuildKit would refuse the file, or why it is no Dockerfile of its own; None is good."""
        if self._problem is False:
            from rewriter.syntax.rules import find_problem  # the rules know the tree, not the other way round

            self._problem = self.syntax_problem or find_problem(self)
        assert not isinstance(self._problem, bool)
        return self._problem

    @property
    def comments(self) -> Iterator[Comment]:
        """Every comment of the file in order, those inside continuations included."""
        for node in self.nodes:
            yield from node.comments

    @property
    def tokens(self) -> Iterator[Token]:
        """Every token of the file in order; their texts joined are the file."""
        for node in self.nodes:
            yield from node.tokens


class Node:
    """Some whole lines of a file."""

    __slots__ = ("dockerfile", "end", "index", "start")
    kind = "node"

    def __init__(self, dockerfile: Dockerfile, index: int, start: int, end: int) -> None:
        self.dockerfile: Final = dockerfile
        self.index: Final = index
        self.start: Final = start
        self.end: Final = end

    @property
    def span(self) -> Span:
        """The lines of this node, the final newline included."""
        return Span(self.start, self.end)

    @property
    def text(self) -> str:
        """The bytes of this node as they stand."""
        return self.dockerfile.text[self.start : self.end]

    @property
    def line(self) -> int:
        """The first line, counted from 1."""
        return self.dockerfile.lines.position(self.start).line

    @property
    def before(self) -> Node | None:
        """The node above, or None at the top of the file."""
        return self.dockerfile.nodes[self.index - 1] if self.index > 0 else None

    @property
    def after(self) -> Node | None:
        """The node below, or None at the end of the file."""
        nodes = self.dockerfile.nodes
        return nodes[self.index + 1] if 0 <= self.index < len(nodes) - 1 else None

    @property
    def comments(self) -> Sequence[Comment]:
        """The comment lines of this node."""
        return ()

    @property
    def tokens(self) -> Iterator[Token]:
        """The tokens of this node in order."""
        yield Token(self.kind, self.start, self.end)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.line}: {self.text.strip()[:60]!r}>"


class Blank(Node):
    """One or more lines that hold nothing but blanks."""

    __slots__ = ()
    kind = "blank"


class Comment(Node):
    """A comment line, between instructions or inside one."""

    __slots__ = ()
    kind = "comment"

    @property
    def comments(self) -> Sequence[Comment]:
        return (self,)

    @property
    def content(self) -> str:
        """What the comment says, without its number sign."""
        return self.text.removeprefix("\ufeff").strip(SPACE)[1:].strip(SPACE)


class Directive(Comment):
    """A parser directive such as `# syntax=docker/dockerfile:1`."""

    __slots__ = ("name", "value")
    kind = "directive"

    def __init__(self, dockerfile: Dockerfile, index: int, start: int, end: int, name: str, value: str) -> None:
        super().__init__(dockerfile, index, start, end)
        self.name: Final = name
        self.value: Final = value
