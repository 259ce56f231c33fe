"""The tree: a Dockerfile as typed, immutable nodes that read like the language.

The nodes of a file tile its text: each owns whole lines, every character belongs to exactly one, and joining them gives
the file back. Nodes only navigate. What changes a file are the verbs in `rewriter.fixing.edits`.
Everything below the level of lines (flags, words, shell) is read when first asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rewriter.syntax import words
from rewriter.syntax.shell import CommandList, SimpleCommand, parse_shell
from rewriter.syntax.text import SPACE, Lines, Position, Span, View, view_of
from rewriter.syntax.words import Flag, JsonString, Word


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

    __slots__ = ("_lines", "_problem", "escape", "instructions", "newline", "nodes", "syntax_problem", "text")

    def __init__(self, text: str, escape: str, newline: str) -> None:
        self.text: Final = text
        self.escape: Final = escape
        self.newline: Final = newline
        self.nodes: Sequence[Node] = ()
        self.instructions: Sequence[Instruction] = ()
        self.syntax_problem: Problem | None = None
        self._problem: Problem | None | bool = False
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
            if isinstance(node, Comment):
                yield node
            elif isinstance(node, Instruction):
                yield from node.comments

    @property
    def tokens(self) -> Iterator[Token]:
        """Every token of the file in order; their texts joined are the file."""
        for node in self.nodes:
            if isinstance(node, Instruction):
                yield from node.tokens
            else:
                yield Token(node.kind, node.start, node.end)


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
    def content(self) -> str:
        """What the comment says, without its number sign."""
        return self.text.strip(SPACE)[1:].strip(SPACE)


class Directive(Comment):
    """A parser directive such as `# syntax=docker/dockerfile:1`."""

    __slots__ = ("name", "value")
    kind = "directive"

    def __init__(self, dockerfile: Dockerfile, index: int, start: int, end: int, name: str, value: str) -> None:
        super().__init__(dockerfile, index, start, end)
        self.name: Final = name
        self.value: Final = value


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

    __slots__ = ("_at", "_body", "_comments", "_flags", "_json", "_keyword_end", "_words", "code_end", "heredocs", "view")
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
        self._json: tuple[JsonString, ...] | None | bool = False
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
        end = len(text.rstrip(SPACE)) if text and text[-1] in SPACE else len(text)
        start = self._keyword_end
        while start < end and text[start] in words.BLANKS:
            start += 1
        self._flags, start = words.read_flags(self.view, start, end)
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
            try:
                self._json = self._read_json()
            except words.NotStringsError:
                self._json = None
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
        opened = -1
        position = text.find("\n", self.start, self.code_end) + 1
        while 0 < position < self.code_end:
            stop = text.find("\n", position, self.code_end) + 1 or self.code_end
            content = text[position:stop].strip(SPACE)
            if not content:
                opened = position if opened < 0 else opened
            elif opened >= 0 and not content.startswith("#"):
                found.append(Gap(Span(opened, position), content.split()[0]))
                opened = -1
            elif opened >= 0:
                found.append(Gap(Span(opened, position), self._first_word_after(stop)))
                opened = -1
            position = stop
        if opened >= 0:
            found.append(Gap(Span(opened, self.code_end), ""))
        return tuple(found)

    def _first_word_after(self, position: int) -> str:
        for line in self.dockerfile.text[position : self.code_end].split("\n"):
            content = line.strip(SPACE)
            if content and not content.startswith("#"):
                return content.split()[0]
        return ""

    @property
    def dangling(self) -> Span | None:
        """The continuation character, with the blanks before it, that continues into nothing at the end of the file."""
        end = self.view.source(len(self.view.text)) if self.view.text else self.start
        text = self.dockerfile.text
        kept = len(text[:end].rstrip(" \t"))
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

    @property
    def tokens(self) -> Iterator[Token]:
        """The tokens of this instruction in order: keyword, flags, words and what lies between."""
        marks: list[tuple[int, int, str]] = []
        parts: list[tuple[str, Span]] = [("keyword", self.keyword.span)]
        parts += [("flag", flag.span) for flag in self.flags]
        parts += [("word", word.span) for word in self.words]
        if isinstance(self, ShellInstruction) and self.json is None:
            parts.append(("shell", self.view.span(*self._command_range())))
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


class From(Instruction):
    """FROM: begins a stage."""

    __slots__ = ()

    @property
    def image(self) -> Word:
        """The image or stage that this stage starts from."""
        return self.words[0]

    @property
    def alias(self) -> Word | None:
        """The name of this stage as written."""
        return self.words[2] if len(self.words) == 3 else None

    @property
    def as_keyword(self) -> Word | None:
        """The word `AS`."""
        return self.words[1] if len(self.words) == 3 else None

    @property
    def platform(self) -> Flag | None:
        """The `--platform` flag."""
        return self.flag("platform")


class ShellInstruction(Instruction):
    """An instruction that takes a shell command or a JSON array: RUN, CMD, ENTRYPOINT."""

    __slots__ = ("_shell",)

    def _command_range(self) -> tuple[int, int]:
        """Where the command begins and ends in the view."""
        return self._range

    def _read_json(self) -> tuple[JsonString, ...] | None:
        return words.read_json(self.view, *self._command_range())

    def _split(self) -> tuple[Word, ...]:
        """The strings of the JSON form; the shell form has none but those of `shell`."""
        return tuple(Word(string.view, string.start, string.end) for string in self.json or ())

    @property
    def shell(self) -> CommandList:
        """The shell form as a list of commands; empty for the JSON form. What it means depends on the SHELL in force."""
        try:
            return self._shell
        except AttributeError:
            start, end = self._command_range()
            self._shell: CommandList = parse_shell(self.view, end if self.json is not None else start, end)
            return self._shell


class Run(ShellInstruction):
    """RUN: executes a command and keeps what it changed."""

    __slots__ = ("_script",)

    @property
    def script(self) -> CommandList:
        """The commands that run: those of the line, or those of the heredoc when the line is nothing but one."""
        try:
            return self._script
        except AttributeError:
            self._script: CommandList = self._read_script()
            return self._script

    def _read_script(self) -> CommandList:
        if len(self.heredocs) != 1 or not words.is_heredoc(self.arguments):
            return self.shell
        body = self.heredocs[0].body
        text = self.dockerfile.text
        if text.startswith("#!", body.start, body.end):
            body = Span(body.end, body.end)
        return parse_shell(view_of(text, body.start, body.end), 0, body.end - body.start)

    def commands(self, program: str, *subcommands: str) -> Iterator[SimpleCommand]:
        """The simple commands that call a program, narrowed to subcommands when some are named."""
        for command in self.script.simple_commands():
            if command.name == program and (not subcommands or _subcommand(command) in subcommands):
                yield command

    @property
    def mounts(self) -> tuple[Flag, ...]:
        """The `--mount` flags."""
        return tuple(flag for flag in self.flags if flag.name == "mount")


def _subcommand(command: SimpleCommand) -> str:
    for word in command.arguments:
        if not word.text.startswith("-"):
            return word.value
    return ""


class Cmd(ShellInstruction):
    """CMD: the default command, or the default arguments of the ENTRYPOINT."""

    __slots__ = ()


class Entrypoint(ShellInstruction):
    """ENTRYPOINT: the command that a container runs."""

    __slots__ = ()


class Shell(ShellInstruction):
    """SHELL: the shell that shell forms use from here on."""

    __slots__ = ()


class Healthcheck(ShellInstruction):
    """HEALTHCHECK: how to tell whether a container still works."""

    __slots__ = ()

    @property
    def type(self) -> str:
        """`CMD` or `NONE`, in capitals."""
        return self.words[0].text.upper() if self.words else ""

    def _command_range(self) -> tuple[int, int]:
        start, end = self._range
        text = self.view.text
        while start < end and text[start] not in SPACE:
            start += 1
        while start < end and text[start] in SPACE:
            start += 1
        return start, end

    def _split(self) -> tuple[Word, ...]:
        start, end = self._range
        kind = words.split_blanks(self.view, start, end)[:1]
        if self.json is not None:
            return (*kind, *(Word(string.view, string.start, string.end) for string in self.json))
        return kind

    @property
    def has_command(self) -> bool:
        """Whether anything follows `CMD` or `NONE`."""
        start, end = self._command_range()
        return start < end


class _PathsInstruction(Instruction):
    """An instruction that takes paths, as words or as a JSON array."""

    __slots__ = ()

    def _read_json(self) -> tuple[JsonString, ...] | None:
        return words.read_json(self.view, *self._range)

    def _split(self) -> tuple[Word, ...]:
        if self.json is not None:
            return tuple(Word(string.view, string.start, string.end) for string in self.json)
        return super()._split()

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths as the builder reads them, variables not yet expanded."""
        if self.json is not None:
            return tuple(string.value for string in self.json)
        return tuple(word.text for word in self.words)


class Copy(_PathsInstruction):
    """COPY: adds files from the build context, a stage or an image."""

    __slots__ = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """What is copied, heredocs included as written."""
        return self.paths[:-1]

    @property
    def destination(self) -> str:
        """Where it goes."""
        return self.paths[-1]

    @property
    def source_stage(self) -> Flag | None:
        """The `--from` flag."""
        return self.flag("from")


class Add(Copy):
    """ADD: adds files, archives, URLs or repositories."""

    __slots__ = ()


class Volume(_PathsInstruction):
    """VOLUME: paths that hold data from outside the image."""

    __slots__ = ()


class Pair(NamedTuple):
    """A key with its value as written; `value` has no width where the key stands alone."""

    key: Word
    value: Word
    separator: str


class _PairsInstruction(Instruction):
    """An instruction of keys and values."""

    __slots__ = ()

    def _split(self) -> tuple[Word, ...]:
        return words.split_quoted(self.view, *self._range, self.dockerfile.escape)

    @property
    def is_legacy(self) -> bool:
        """Whether the old form `KEY value` is used, which takes one pair."""
        return bool(self.words) and "=" not in self.words[0].text

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The keys and values in order."""
        if self.is_legacy:
            start, end = self._range
            key = words.split_blanks(self.view, start, end)[0]
            value = key.end
            while value < end and self.view.text[value] in words.BLANKS:
                value += 1
            return (Pair(key, Word(self.view, value, end), " "),)
        return tuple(_split_pair(word) for word in self.words)


def _split_pair(word: Word) -> Pair:
    equals = word.text.find("=")
    if equals < 0:
        return Pair(word, Word(word.view, word.end, word.end), "")
    key_end = word.start + equals
    return Pair(Word(word.view, word.start, key_end), Word(word.view, key_end + 1, word.end), "=")


class Env(_PairsInstruction):
    """ENV: variables of the build and of the container."""

    __slots__ = ()


class Label(_PairsInstruction):
    """LABEL: metadata of the image."""

    __slots__ = ()


class Arg(_PairsInstruction):
    """ARG: variables that a build may set."""

    __slots__ = ()
    is_legacy = False  # `ARG A B` declares two, it never assigns


class Expose(Instruction):
    """EXPOSE: ports that the container listens on."""

    __slots__ = ()


class User(Instruction):
    """USER: who runs what follows."""

    __slots__ = ()


class Workdir(Instruction):
    """WORKDIR: the folder of what follows."""

    __slots__ = ()

    @property
    def path(self) -> Word:
        """The whole argument: blanks belong to the path."""
        return Word(self.view, *self._range)


class Stopsignal(Instruction):
    """STOPSIGNAL: how a container is asked to stop."""

    __slots__ = ()


class Maintainer(Instruction):
    """MAINTAINER: the old way to name the author."""

    __slots__ = ()


class Onbuild(Instruction):
    """ONBUILD: an instruction kept for the builds that start from this image."""

    __slots__ = ("_trigger",)

    @property
    def trigger(self) -> Instruction:
        """The instruction that waits."""
        try:
            return self._trigger
        except AttributeError:
            start, end = self._range
            self._trigger: Instruction = build_instruction(
                self.dockerfile, -1, self.start, self.end, self.view, start, self.code_end, self.heredocs
            )
            return self._trigger


class Unknown(Instruction):
    """An instruction that BuildKit does not know."""

    __slots__ = ()


INSTRUCTIONS: Final[dict[str, type[Instruction]]] = {
    cls.__name__.upper(): cls
    for cls in (
        Add, Arg, Cmd, Copy, Entrypoint, Env, Expose, From, Healthcheck, Label,
        Maintainer, Onbuild, Run, Shell, Stopsignal, User, Volume, Workdir,
    )
}  # fmt: skip
"""The instructions of the Dockerfile reference, https://docs.docker.com/reference/dockerfile/."""

_CLASS_OF: Final = {**INSTRUCTIONS, **{name.lower(): cls for name, cls in INSTRUCTIONS.items()}}
"""Both usual spellings, so that the common case needs no conversion."""


def build_instruction(
    dockerfile: Dockerfile,
    index: int,
    start: int,
    end: int,
    view: View,
    at: int,
    code_end: int,
    heredocs: tuple[Heredoc, ...],
) -> Instruction:
    """Make the typed node for the instruction whose keyword begins at `at` in the view."""
    match = words.WORD.match(view.text, at)
    keyword_end = match.end() if match else at
    keyword = view.text[at:keyword_end]
    cls = _CLASS_OF.get(keyword) or _CLASS_OF.get(keyword.lower(), Unknown)
    return cls(dockerfile, index, start, end, view, at, keyword_end, code_end, heredocs)
