"""The instructions that take a shell command or a JSON array."""

from __future__ import annotations

from collections.abc import Iterator

from rewriter.syntax import words
from rewriter.syntax.expansion import is_heredoc
from rewriter.syntax.instruction import Instruction
from rewriter.syntax.shell import CommandList, SimpleCommand, parse_shell
from rewriter.syntax.text import Span, view_of
from rewriter.syntax.words import Flag, JsonString, Word


class ShellInstruction(Instruction):
    """An instruction that takes a shell command or a JSON array: RUN, CMD, ENTRYPOINT."""

    __slots__ = ("_shell",)

    def _command_range(self) -> tuple[int, int]:
        """Where the command begins and ends in the view."""
        return self._range

    def _read_json(self) -> tuple[JsonString, ...] | None:
        return words.read_json(self.view, *self._command_range())

    def _shell_span(self) -> Span | None:
        return None if self.json is not None else self.view.span(*self._command_range())

    def _split(self) -> tuple[Word, ...]:
        """The strings of the JSON form; the shell form has none but those of `shell`."""
        return tuple(string.word for string in self.json or ())

    @property
    def shell(self) -> CommandList:
        """The shell form as a list of commands; empty for the JSON form. The SHELL in force says what it means."""
        try:
            return self._shell
        except AttributeError:
            start, end = self._command_range()
            self._shell: CommandList = parse_shell(self.view, end if self.json is not None else start, end)
            return self._shell


class Run(ShellInstruction):
    """RUN: executes a command and keeps what it changed."""

    __slots__ = ("_memo", "_script")

    @property
    def script(self) -> CommandList:
        """The commands that run: those of the line, or those of the heredoc when the line is nothing but one."""
        try:
            return self._script
        except AttributeError:
            self._script: CommandList = self._read_script()
            return self._script

    @property
    def memo(self) -> dict[str, object]:
        """What others have found out about this RUN: nodes never change, so it is found out once."""
        try:
            return self._memo
        except AttributeError:
            self._memo: dict[str, object] = {}
            return self._memo

    def _read_script(self) -> CommandList:
        if len(self.heredocs) != 1 or not is_heredoc(self.arguments):
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
        end = self._range[1]
        text = self.view.text
        start = self._type_end
        while start < end and text[start] in words.ASCII_SPACE:
            start += 1
        return start, end

    @property
    def _type_end(self) -> int:
        start, end = self._range
        text = self.view.text
        while start < end and text[start] not in words.ASCII_SPACE:
            start += 1
        return start

    def _split(self) -> tuple[Word, ...]:
        start, end = self._range
        kind = (Word(self.view, start, self._type_end),) if start < end else ()
        if self.json is not None:
            return (*kind, *(string.word for string in self.json))
        return kind

    @property
    def has_command(self) -> bool:
        """Whether anything follows `CMD` or `NONE`."""
        start, end = self._command_range()
        return start < end
