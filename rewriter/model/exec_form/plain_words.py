"""The words that a shell form comes to where all that the shell does for it is to split it into words."""

from __future__ import annotations

from typing import Final, NamedTuple

from rewriter.model.managers.vocabulary import names
from rewriter.syntax.shell import Opaque, SimpleCommand, Word
from rewriter.syntax.tree import ShellInstruction

# Those of dash(1), busybox's ash and bash(1), which is sh on Red Hat's images. Some are programs as well, but not the
# same: dash's `echo` reads `\t`.
_BUILTINS: Final = names(
    ". : [ [[ alias bg bind break builtin caller case cd chdir command compgen complete continue coproc declare dirs "
    "disown do done echo elif else enable esac eval exit export false fc fg fi for function getopts hash help history "
    "if in jobs kill let local logout mapfile popd printf pushd pwd read readarray readonly return select set shift "
    "shopt source suspend test then time times trap true type typeset ulimit umask unalias unset until wait while"
)


class PlainWords(NamedTuple):
    """The words as the program receives them, each with its place in the file; `problem` says why there are none.

    The `exec` in front of a command is not among them: with or without it nothing of the shell is left once the
    program runs.
    """

    words: tuple[Word, ...]
    problem: str = ""

    @property
    def values(self) -> tuple[str, ...]:
        """The words without quotes."""
        return tuple(word.value for word in self.words)


def plain_words(instruction: ShellInstruction) -> PlainWords:
    """The words of a shell form that a JSON array can hold in its place."""
    if instruction.arguments.startswith("["):
        return PlainWords((), f"it is no valid JSON, so a shell runs it as it stands{_hint(instruction.arguments)}")
    problem = _needs_shell(instruction)
    if problem:
        return PlainWords((), problem)
    (command,) = instruction.shell.simple_commands()
    words = command.words[1:] if command.name == "exec" else command.words
    text = instruction.dockerfile.text
    if any("\n" in text[slice(*word.span)] for word in words):
        return PlainWords((), "a word of it goes on in the next line")
    problem = _unfit(words)
    return PlainWords(() if problem else words, problem)


def is_replaced(instruction: ShellInstruction) -> bool:
    """Whether the shell makes way for the program, by `exec`."""
    return any(command.name == "exec" for command in instruction.shell.simple_commands())


def _hint(text: str) -> str:
    return ": JSON has no single quotes" if "'" in text else ""


def _needs_shell(instruction: ShellInstruction) -> str:
    commands = instruction.shell
    if not commands.items:
        return "it is empty"
    if commands.comment is not None:
        return "the comment at its end has no place in JSON"
    if commands.terminator == "&":
        return "a shell runs it in the background"
    first = commands.items[0].pipeline
    if len(commands.items) > 1:
        return f"it needs a shell: `{commands.items[1].operator.strip() or ';'}`"
    if len(first.commands) > 1 or first.negated:
        return f"it needs a shell: `{'!' if first.negated else '|'}`"
    (command,) = first.commands
    if isinstance(command, Opaque):
        return f"it needs a shell ({command.reason})"
    return _reason_in_command(command)


def _reason_in_command(command: SimpleCommand) -> str:
    if command.assignments:
        return f"a shell sets {command.assignments[0].name} for it"
    if command.redirects:
        return f"it needs a shell: `{command.redirects[0].text}`"
    for word in command.words:
        if not word.is_literal:
            return f"a shell has to expand {word.text}" if len(word.text) < 40 else "a shell has to expand its words"
    return ""


def _unfit(words: tuple[Word, ...]) -> str:
    if not words or words[0].value.startswith("-"):
        return "only a shell knows the options of `exec`"
    name = words[0].value
    if name in _BUILTINS:
        return f"`{name}` is a part of the shell"
    if any(character.isspace() for character in name):
        return f"the quotes make one name of it: there is hardly a program called `{name}`"
    if any("\ud800" <= character <= "\udfff" for word in words for character in word.value):
        return "JSON cannot hold a byte that is not UTF-8"
    return "" if name else "the name of the program is empty"
