"""The programs that shell text names, also where the tree does not go: loops, scripts, quoted commands."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Final

from rewriter.model.managers.call import skip_wrappers
from rewriter.model.managers.vocabulary import names
from rewriter.syntax.shell_instructions import ShellInstruction
from rewriter.syntax.shell_tree import CommandList, Opaque, SimpleCommand, Word

_COMMAND: Final = re.compile(
    r"""(?:^|[\n;&|({`!"']|\s-exec\s)\s*(?:(?:then|do|else|elif|if|while|until|exec|sudo|xargs|env|command|time|nohup)\s+"""
    r"""|[A-Za-z_]\w*=[^\s"'`$(]*\s+)*([\w./+-]+)"""
)
_COMMENT: Final = re.compile(r"(?:^|(?<=\s))#[^\n]*")
_HANDS_ON: Final = names("sh bash ash dash su xargs find eval watch timeout parallel entr flock setsid")
"""Programs that run what other words of theirs say."""


def programs_in_text(text: str) -> frozenset[str]:
    """The names in a shell text that stand where a command may; more than there are, rather than fewer."""
    return frozenset(posixpath.basename(match[1]) for match in _COMMAND.finditer(_COMMENT.sub("", text)))


def programs_of(instruction: ShellInstruction, script: CommandList) -> Iterator[tuple[str, SimpleCommand | None]]:
    """The programs that an instruction runs, in either form; `script` is its shell form."""
    if instruction.json is None:
        yield from programs_in(script)
        return
    yield from ((name, None) for name in programs_in_words([string.value for string in instruction.json]))


def programs_in_words(words: Sequence[str]) -> Iterator[str]:
    """The programs that a command runs which no shell reads; the words behind a shell are texts for it."""
    for program in map(posixpath.basename, words[:1]):
        yield program
        for word in words[1:] if program in _HANDS_ON else ():
            yield from sorted(programs_in_text(word))


def programs_in(script: CommandList) -> Iterator[tuple[str, SimpleCommand | None]]:
    """The programs that a list of commands calls, each with its command; without one where it is only in its text."""
    for item in script.items:
        for command in item.pipeline.commands:
            if isinstance(command, Opaque):
                yield from ((name, None) for name in sorted(programs_in_text(command.text)))
            else:
                yield from _of_command(command)


def _of_command(command: SimpleCommand) -> Iterator[tuple[str, SimpleCommand | None]]:
    for word in (*command.words, *(one.value for one in command.assignments)):
        yield from _substituted(word)
    start = skip_wrappers(command.words)
    if start is None:
        return
    name = posixpath.basename(command.words[start].value)
    yield name, command
    if name in _HANDS_ON:
        for word in command.words[start + 1 :]:
            found = programs_in_text(word.value or word.text)
            yield from ((other, None) for other in sorted(found))


def _substituted(word: Word) -> Iterator[tuple[str, SimpleCommand | None]]:
    for inner in word.substitutions:
        yield from ((name, None) for name, _ in programs_in(inner))
    if "`" in word.text:
        yield from ((name, None) for name in sorted(programs_in_text(word.text)))
