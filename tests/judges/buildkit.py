"""BuildKit's own parser as a judge, through the PyPI package `dockerfile`.

The package cannot take surrogates (it aborts) or invalid UTF-8 (it raises), leaves ONBUILD heredocs empty, and its
Go runtime hangs in forked children: use it in spawned processes only.
"""

from __future__ import annotations

from typing import NamedTuple

from rewriter.syntax import tree
from rewriter.syntax.tree import Dockerfile, Instruction


class Reading(NamedTuple):
    """What a parser understood of one instruction."""

    name: str
    trigger: str
    json: bool
    first_line: int
    last_line: int
    flags: tuple[str, ...]
    value: tuple[str, ...]
    heredocs: tuple[tuple[str, str], ...]


def can_judge(text: str) -> bool:
    """Whether the binding survives the text."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def buildkit_reading(text: str) -> list[Reading] | str:
    """What BuildKit reads, or its error."""
    import dockerfile

    try:
        commands = dockerfile.parse_string(text)
    except dockerfile.GoParseError as error:
        return str(error)
    return [
        Reading(
            command.cmd.upper(),
            (command.sub_cmd or "").upper(),
            command.json,
            command.start_line,
            command.end_line,
            tuple(command.flags),
            tuple(command.value),
            () if command.sub_cmd else tuple((heredoc.name, heredoc.content) for heredoc in command.heredocs),
        )
        for command in commands
    ]


def own_reading(dockerfile: Dockerfile) -> list[Reading]:
    """The same of our tree."""
    return [_read(instruction) for instruction in dockerfile.instructions]


def _read(instruction: Instruction) -> Reading:
    if isinstance(instruction, tree.Onbuild) and instruction.arguments:
        inner = instruction.trigger
        trigger, flags, value, json = inner.name, _flags(inner), _value(inner), inner.json is not None
    else:
        trigger, flags, value, json = "", _flags(instruction), _value(instruction), instruction.json is not None
    text = instruction.dockerfile.text
    return Reading(
        instruction.name,
        trigger,
        json,
        instruction.line,
        instruction.end_line,
        flags,
        value,
        () if trigger else tuple((h.name, text[h.body.start : h.body.end]) for h in instruction.heredocs),
    )


def _flags(instruction: Instruction) -> tuple[str, ...]:
    return tuple(f"--{flag.name}" + (f"={flag.value}" if flag.has_value else "") for flag in instruction.flags)


def _value(instruction: Instruction) -> tuple[str, ...]:
    match instruction:
        case tree.Unknown():
            return ()
        case tree.Healthcheck():
            command = (string.value for string in instruction.json) if instruction.json is not None else None
            kind, _, rest = instruction.arguments.partition(" ")
            words = instruction.words
            if command is None:
                start, end = instruction._command_range()
                text = instruction.view.text[start:end]
                return (words[0].text, *([text] if text else [])) if words else ()
            return (words[0].text, *command)
        case tree.Copy() | tree.Volume():
            return instruction.paths
        case tree.Env() | tree.Label():
            return tuple(word.text for pair in instruction.pairs for word in (pair.key, pair.value))
        case tree.Arg() | tree.From() | tree.Expose():
            return tuple(word.text for word in instruction.words)
        case _:
            if instruction.json is not None:
                return tuple(string.value for string in instruction.json)
            return (instruction.arguments,) if instruction.arguments else ()
