"""What BuildKit's instruction rules refuse, so that dfix leaves a file alone that no builder would take.

Each rule says no more than BuildKit does, with one addition: templates, which are none until they are rendered.
Source: https://github.com/moby/buildkit/blob/master/frontend/dockerfile/instructions/parse.go and bflag.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from rewriter.syntax import tree
from rewriter.syntax.expansion import is_heredoc
from rewriter.syntax.tree import Dockerfile, Instruction, Problem
from rewriter.syntax.words import NotStringsError

_TEXT, _BOOLEAN, _MANY = "text", "boolean", "many"

_FLAGS: Final[dict[type[Instruction], dict[str, str]]] = {
    tree.Add: {"chown": _TEXT, "chmod": _TEXT, "link": _BOOLEAN, "keep-git-dir": _BOOLEAN, "checksum": _TEXT,
               "exclude": _MANY, "unpack": _BOOLEAN},
    tree.Copy: {"chown": _TEXT, "chmod": _TEXT, "link": _BOOLEAN, "from": _TEXT, "parents": _BOOLEAN, "exclude": _MANY},
    tree.From: {"platform": _TEXT},
    tree.Run: {"mount": _MANY, "network": _TEXT, "security": _TEXT, "device": _MANY},
    tree.Healthcheck: {"interval": _TEXT, "timeout": _TEXT, "start-period": _TEXT, "start-interval": _TEXT,
                       "retries": _TEXT},
}  # fmt: skip
_NO_FLAGS: Final[dict[str, str]] = {}

_STAGE_NAME: Final = re.compile(r"[a-z][a-z0-9-_.]*\Z")
_IMAGE: Final = re.compile(r"['\"]?[\w./:-]+(?:@\w+:[0-9a-fA-F]+)?['\"]?\Z")
_DURATION: Final = re.compile(r"[-+]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)\Z", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?\d+\Z", re.ASCII)
_QUOTED: Final = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_TEMPLATE: Final = re.compile(r"\{\{|\{%|<%")


def find_problem(dockerfile: Dockerfile) -> Problem | None:
    """The first reason to leave the file alone, or None."""
    seen_stage = False
    for instruction in dockerfile.instructions:
        message = reject(instruction)
        if not message and not seen_stage and not isinstance(instruction, tree.From | tree.Arg):
            message = f"{instruction.name} before the first FROM"
        if message:
            return Problem(instruction.view.source(0), message)
        seen_stage = seen_stage or isinstance(instruction, tree.From)
    if not seen_stage:
        return Problem(0, "no FROM instruction: this is not a whole Dockerfile")
    return None


def reject(instruction: Instruction) -> str:
    """Why BuildKit refuses the instruction, or an empty string."""
    text = instruction.view.text
    if ("{" in text or "<%" in text) and _TEMPLATE.search(_QUOTED.sub("", text)):
        return "a template placeholder: render the template first"
    kind = type(instruction)
    rule = _RULES.get(kind)
    if rule is None:
        return f"unknown instruction: {instruction.name}"
    return _bad_flag(instruction, kind) or rule(instruction)


def _bad_flag(instruction: Instruction, kind: type[Instruction]) -> str:
    flags = instruction.flags
    if not flags or kind is tree.Stopsignal or (kind is tree.Healthcheck and _is_none(instruction)):
        return ""
    known = _FLAGS.get(kind, _NO_FLAGS)
    seen: set[str] = set()
    for flag in flags:
        if not flag.text.isascii():
            return f"flag {flag.text}: BuildKit reads flags byte by byte and garbles characters outside ASCII"
        form = known.get(flag.name)
        if form is None:
            return f"unknown flag: --{flag.name}"
        if flag.name in seen and form != _MANY:
            return f"flag --{flag.name} is given twice"
        seen.add(flag.name)
        if form == _BOOLEAN:
            if flag.has_value and flag.value.lower() not in ("true", "false"):
                return f"flag --{flag.name} takes true or false"
        elif not flag.has_value:
            return f"flag --{flag.name} needs a value"
        if flag.name == "mount" and re.search(r"(?:^|,)from=[^,]*\$.", flag.value, re.IGNORECASE):
            return "--mount=from= takes no variable"
    return ""


def _not_strings(instruction: Instruction) -> bool:
    try:
        instruction._read_json()
    except NotStringsError:
        return True
    return False


def _is_none(instruction: Instruction) -> bool:
    return isinstance(instruction, tree.Healthcheck) and instruction.type == "NONE"


def _shell_form(instruction: Instruction) -> str:
    if instruction.arguments.startswith("[") and instruction.json is None and _not_strings(instruction):
        return "a JSON array that holds something other than strings"
    return ""


def _from(instruction: Instruction) -> str:
    words = instruction.words
    if words and "$" not in words[0].text and not _IMAGE.match(words[0].text):
        return f"the image name cannot be read, is this a template? {words[0].text}"
    if len(words) == 3 and words[1].text.lower() == "as":
        name = words[2].text
        return "" if _STAGE_NAME.match(name.lower()) else f"invalid stage name: {name}"
    return "" if len(words) == 1 else "FROM takes one or three arguments"


def _copy(instruction: Instruction) -> str:
    assert isinstance(instruction, tree.Copy)
    if message := _shell_form(instruction):
        return message
    if len(instruction.paths) < 2:
        return f"{instruction.name} needs at least two arguments"
    if "<<" in instruction.destination and is_heredoc(instruction.destination):
        return f"{instruction.name} cannot take a heredoc as its destination"
    return ""


def _pairs(instruction: Instruction) -> str:
    assert isinstance(instruction, tree.Env | tree.Label)
    if not instruction.words:
        return f"{instruction.name} needs at least one argument"
    if instruction.is_legacy:
        pair = instruction.pairs[0]
        return "" if pair.value.start > pair.key.end else f"{instruction.name} must have two arguments"
    for word in instruction.words:
        equals = word.text.find("=")
        if equals < 0:
            return f"no = in {word.text!r}: {instruction.name} takes name=value"
        if equals == 0:
            return f"{instruction.name} names cannot be blank"
    return ""


def _arg(instruction: Instruction) -> str:
    if not instruction.words:
        return "ARG needs at least one argument"
    return "ARG names cannot be blank" if any(word.text.startswith("=") for word in instruction.words) else ""


def _one_argument(instruction: Instruction) -> str:
    return "" if instruction.arguments else f"{instruction.name} takes exactly one argument"


def _some_argument(instruction: Instruction) -> str:
    return "" if instruction.arguments else f"{instruction.name} needs at least one argument"


def _volume(instruction: Instruction) -> str:
    assert isinstance(instruction, tree.Volume)
    if message := _shell_form(instruction):
        return message
    if not instruction.paths:
        return "VOLUME needs at least one argument"
    return "" if all(path.strip() for path in instruction.paths) else "VOLUME cannot be an empty string"


def _shell(instruction: Instruction) -> str:
    if message := _shell_form(instruction):
        return message
    return "" if instruction.json else "SHELL takes a JSON array with at least one string"


def _onbuild(instruction: Instruction) -> str:
    assert isinstance(instruction, tree.Onbuild)
    if not instruction.arguments:
        return "ONBUILD needs an instruction"
    trigger = instruction.trigger
    if isinstance(trigger, tree.Onbuild | tree.From | tree.Maintainer):
        return f"ONBUILD cannot hold {trigger.name}"
    if not all(flag.text.isascii() for flag in trigger.flags):
        return _bad_flag(trigger, type(trigger))
    if isinstance(trigger, tree.Env | tree.Label):
        return _pairs(trigger) if trigger.words else ""
    return _shell_form(trigger)


def _healthcheck(instruction: Instruction) -> str:
    assert isinstance(instruction, tree.Healthcheck)
    kind = instruction.type
    if not kind:
        return "HEALTHCHECK needs CMD or NONE"
    if kind == "NONE":
        return "HEALTHCHECK NONE takes no arguments" if instruction.has_command else ""
    if kind != "CMD":
        return f"HEALTHCHECK {kind}: use CMD or NONE"
    if instruction.json is None and _not_strings(instruction):
        return "a JSON array that holds something other than strings"
    if not instruction.has_command or instruction.json == ():
        return "HEALTHCHECK CMD needs a command"
    for flag in instruction.flags:
        pattern = _INTEGER if flag.name == "retries" else _DURATION
        if flag.value and not pattern.match(flag.value):
            return f"--{flag.name}={flag.value} cannot be read"
        if flag.name == "retries" and flag.value.startswith("-"):
            return "--retries cannot be negative"
    return ""


_RULES: Final[dict[type[Instruction], Callable[[Instruction], str]]] = {
    tree.Add: _copy,
    tree.Arg: _arg,
    tree.Cmd: _shell_form,
    tree.Copy: _copy,
    tree.Entrypoint: _shell_form,
    tree.Env: _pairs,
    tree.Expose: _some_argument,
    tree.From: _from,
    tree.Healthcheck: _healthcheck,
    tree.Label: _pairs,
    tree.Maintainer: _one_argument,
    tree.Onbuild: _onbuild,
    tree.Run: _shell_form,
    tree.Shell: _shell,
    tree.Stopsignal: _one_argument,
    tree.User: _one_argument,
    tree.Volume: _volume,
    tree.Workdir: _one_argument,
}
