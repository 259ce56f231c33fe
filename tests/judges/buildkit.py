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
    except UnicodeDecodeError:
        return "BuildKit cuts a character in two: it reads HEALTHCHECK and flags byte by byte"
    return [
        Reading(
            (command.cmd or "").upper(),
            (command.sub_cmd or "").upper(),
            command.json,
            command.start_line,
            command.end_line,
            tuple(command.flags),
            tuple(command.value) if _is_split((command.sub_cmd or command.cmd or "").upper()) else (),
            () if command.sub_cmd else tuple((heredoc.name, heredoc.content) for heredoc in command.heredocs),
        )
        for command in commands
    ]


def _is_split(name: str) -> bool:
    """Whether BuildKit splits the arguments of such an instruction; of others the package gives one empty string."""
    return name in tree.INSTRUCTIONS and name != "ONBUILD"


def own_reading(dockerfile: Dockerfile) -> list[Reading]:
    """The same of our tree."""
    return [_read(instruction) for instruction in dockerfile.instructions]


def _read(instruction: Instruction) -> Reading:
    inner = instruction
    if isinstance(instruction, tree.Onbuild) and instruction.arguments:
        inner = instruction.trigger
    is_onbuild = inner is not instruction
    text = instruction.dockerfile.text
    return Reading(
        instruction.name,
        inner.name if is_onbuild else "",
        inner.json is not None,
        instruction.line,
        instruction.end_line,
        _flags(instruction),  # the package does not show the flags of what waits under ONBUILD
        _value(inner),
        () if is_onbuild else tuple((h.name, text[h.body.start : h.body.end]) for h in instruction.heredocs),
    )


def _flags(instruction: Instruction) -> tuple[str, ...]:
    return tuple(f"--{flag.name}" + (f"={flag.value}" if flag.has_value else "") for flag in instruction.flags)


def _value(instruction: Instruction) -> tuple[str, ...]:
    # The package hands strings over as C does: what follows a NUL (`["a\\u0000b"]`) is lost.
    strings = tuple(string.value.partition("\0")[0] for string in instruction.json or ())
    match instruction:
        case tree.Unknown() | tree.Onbuild():
            return ()
        case tree.Healthcheck():
            if instruction.json is None:
                start, end = instruction._command_range()
                strings = (instruction.view.text[start:end],) if instruction.has_command else ()
            return (instruction.words[0].text, *strings) if instruction.words else ()
        case tree.Copy() | tree.Volume() if instruction.json is None:
            return instruction.paths
        case tree.Env() | tree.Label():
            return tuple(word.text for pair in instruction.pairs for word in (pair.key, pair.value))
        case tree.Arg() | tree.From() | tree.Expose():
            return tuple(word.text for word in instruction.words)
        case _ if instruction.json is not None:
            return strings
        case _:
            return (instruction.arguments,) if instruction.arguments else ()
