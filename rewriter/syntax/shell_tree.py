"""The nodes of a shell command list: words, assignments, redirects, commands, pipelines, lists.

Nodes hold offsets into a joined `View` and compute all else when asked: most words of most files are never looked at.
`rewriter.syntax.shell` builds them; nothing changes them afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.syntax.text import Span, View

_SAFE: Final = re.compile(r"""[^$`\\"'*?\[{~]*""")
_QUOTED: Final = re.compile(r"""'([^']*+)'|"((?:[^"\\]++|\\.)*+)"|\\(.|\Z)""", re.DOTALL)
_ESCAPED: Final = re.compile(r'\\([$`"\\]|\n)')
_EXPANDS: Final = re.compile(r"`|\$[\w@*#?$!({\[-]")
_EXPANDS_UNQUOTED: Final = re.compile(r"""[*?`]|\$[\w@*#?$!({\['"-]|(?:\A|[=:])~""")


class Word(NamedTuple):
    """A word of a shell command, as written."""

    view: View
    start: int
    end: int

    @property
    def text(self) -> str:
        """The word with its quotes, continuations removed."""
        return self.view.text[self.start : self.end]

    @property
    def span(self) -> Span:
        """Where the word stands in the file."""
        return self.view.span(self.start, self.end)

    @property
    def is_literal(self) -> bool:
        """Whether the command receives exactly `value`: nothing in the word is expanded."""
        text = self.text
        return _SAFE.fullmatch(text) is not None or _is_literal(text)

    @property
    def value(self) -> str:
        """The word without quotes and backslashes, as the command receives it; empty when it is not literal."""
        text = self.text
        if _SAFE.fullmatch(text):
            return text
        return unquote(text) if _is_literal(text) else ""

    @property
    def is_quoted(self) -> bool:
        """Whether any part of the word is quoted or escaped."""
        return _QUOTED.search(self.text) is not None

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the parameters that the word itself expands, in order. What `$( )` expands is not among them."""
        if "$" not in self.text:
            return ()
        from rewriter.syntax.shell import expansions  # the parser needs this module first

        return expansions(self)[0]

    @property
    def substitutions(self) -> tuple[CommandList, ...]:
        """The command lists of the word's `$( )`, in order."""
        if "$(" not in self.text:
            return ()
        from rewriter.syntax.shell import expansions

        return expansions(self)[1]


def unquote(text: str) -> str:
    """Remove quotes and backslashes as sh does."""
    return _QUOTED.sub(_inside, text)


def _inside(match: re.Match[str]) -> str:
    if match[1] is not None:
        return match[1]
    if match[2] is not None:
        return _ESCAPED.sub(lambda escaped: escaped[1].strip("\n"), match[2])
    # A backslash at the very end has nothing to escape and stays.
    return match[3].strip("\n") or ("" if match.end() - match.start() == 2 else "\\")


def _is_literal(text: str) -> bool:
    for quoted in _QUOTED.finditer(text):
        inside = quoted[2]
        if inside and _EXPANDS.search(_ESCAPED.sub("_", inside)):
            return False
    bare = _QUOTED.sub("_", text)
    if _EXPANDS_UNQUOTED.search(bare):
        return False
    bracket = bare.find("[")
    if bracket >= 0 and bare.find("]", bracket) >= 0:
        return False
    inside_braces = bare[bare.find("{") : bare.rfind("}")] if "{" in bare else ""
    return "," not in inside_braces and ".." not in inside_braces


class Assignment(NamedTuple):
    """A `NAME=value` in front of a command, or alone."""

    view: View
    start: int
    end: int
    name: str
    value: Word

    @property
    def text(self) -> str:
        """The assignment as written."""
        return self.view.text[self.start : self.end]

    @property
    def span(self) -> Span:
        """Where the assignment stands in the file."""
        return self.view.span(self.start, self.end)


class Redirect(NamedTuple):
    """A redirection such as `2>&1`. That of a here-document, `<<EOF`, has the delimiter as its target."""

    view: View
    start: int
    end: int
    fd: str
    operator: str
    target: Word

    @property
    def text(self) -> str:
        """The redirection as written."""
        return self.view.text[self.start : self.end]

    @property
    def span(self) -> Span:
        """Where the redirection stands in the file."""
        return self.view.span(self.start, self.end)


class SimpleCommand(NamedTuple):
    """A command with its arguments, such as `A=1 make install >log`; or only assignments, or only redirects."""

    view: View
    start: int
    end: int
    assignments: tuple[Assignment, ...]
    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...]

    @property
    def name(self) -> str:
        """What is run, without quotes; empty when nothing is, or when that depends on an expansion."""
        return self.words[0].value if self.words else ""

    @property
    def arguments(self) -> tuple[Word, ...]:
        """The words after the name."""
        return self.words[1:]

    @property
    def text(self) -> str:
        """The command as written, continuations removed."""
        return self.view.text[self.start : self.end]

    @property
    def span(self) -> Span:
        """Where the command stands in the file."""
        return self.view.span(self.start, self.end)


class Opaque(NamedTuple):
    """Shell that dfix leaves alone, and why.

    The reason is a construct (`if`, `for`, `select`, `while`, `until`, `case`, `[[`, `group`, `subshell`, `backticks`,
    `background`, `arithmetic`, `bash`), or what keeps the whole list from being read: `function`, `nesting`, `syntax`,
    also `arithmetic`, `bash` and `[[` where shells disagree about where it ends.
    """

    view: View
    start: int
    end: int
    reason: str
    cause: int

    @property
    def text(self) -> str:
        """The shell as written, continuations removed."""
        return self.view.text[self.start : self.end]

    @property
    def span(self) -> Span:
        """Where it stands in the file."""
        return self.view.span(self.start, self.end)

    @property
    def cause_span(self) -> Span:
        """The place in the file that made it opaque: one character, or the empty end of the text."""
        return self.view.span(self.cause, max(self.cause, min(self.cause + 1, self.end)))


class Pipeline(NamedTuple):
    """Commands joined by `|`; mostly just one."""

    start: int
    commands: tuple[SimpleCommand | Opaque, ...]
    negated: bool

    @property
    def view(self) -> View:
        """The joined text that the pipeline is part of."""
        return self.commands[0].view

    @property
    def end(self) -> int:
        """Where the pipeline ends in its view."""
        return self.commands[-1].end

    @property
    def text(self) -> str:
        """The pipeline as written, continuations removed, with the `!` that negates it."""
        return self.view.text[self.start : self.end]

    @property
    def span(self) -> Span:
        """Where the pipeline stands in the file, with the `!` that negates it."""
        return self.view.span(self.start, self.end)


class Item(NamedTuple):
    """A pipeline of a list and the operator before it: `&&`, `||`, `;`, `&` or a newline; empty for the first."""

    operator: str
    operator_start: int
    pipeline: Pipeline

    @property
    def operator_span(self) -> Span:
        """Where the operator stands in the file."""
        return self.pipeline.view.span(self.operator_start, self.operator_start + len(self.operator))


class CommandList:
    """A list of commands, such as the shell form of a RUN.

    `terminator` is what ends the last item: empty, `;`, `&` or a newline. `comments` are ranges of the view, those
    inside compound commands included. `is_opaque` says that nothing of the list is known: it is one `Opaque`.
    """

    __slots__ = ("comments", "end", "is_opaque", "items", "start", "terminator", "terminator_start", "view")

    def __init__(
        self,
        view: View,
        start: int,
        end: int,
        items: tuple[Item, ...],
        *,
        terminator: tuple[str, int] = ("", 0),
        comments: tuple[tuple[int, int], ...] = (),
        is_opaque: bool = False,
    ) -> None:
        self.view: Final = view
        self.start: Final = start
        self.end: Final = end
        self.items: Final = items
        self.terminator: Final = terminator[0]
        self.terminator_start: Final = terminator[1]
        self.comments: Final = comments
        self.is_opaque: Final = is_opaque

    @property
    def pipelines(self) -> tuple[Pipeline, ...]:
        """The pipelines in order."""
        return tuple(item.pipeline for item in self.items)

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators between the pipelines, one fewer than these."""
        return tuple(item.operator for item in self.items[1:])

    def simple_commands(self) -> Iterator[SimpleCommand]:
        """The simple commands of all pipelines in order; not those inside `Opaque` or `$( )`."""
        for item in self.items:
            for command in item.pipeline.commands:
                if isinstance(command, SimpleCommand):
                    yield command

    def opaques(self) -> Iterator[Opaque]:
        """What dfix cannot look into, in order."""
        for item in self.items:
            for command in item.pipeline.commands:
                if isinstance(command, Opaque):
                    yield command

    @property
    def comment(self) -> Span | None:
        """The `# ...` after the last command: anything appended to the line would be part of it."""
        if not self.comments:
            return None
        start, end = self.comments[-1]
        if self.items and start < self.items[-1].pipeline.end:
            return None
        return self.view.span(start, end)

    @property
    def terminator_span(self) -> Span:
        """Where the terminator stands in the file; empty when there is none."""
        start = self.terminator_start or self.end
        return self.view.span(start, start + len(self.terminator))

    @property
    def text(self) -> str:
        """The list as written, continuations removed."""
        return self.view.text[self.start : self.end]

    @property
    def span(self) -> Span:
        """Where the list stands in the file, without blanks around it, with terminator and comment."""
        text = self.text
        start = self.start + len(text) - len(text.lstrip(" \t\n"))
        return self.view.span(start, max(start, self.end - len(text) + len(text.rstrip(" \t\n"))))
