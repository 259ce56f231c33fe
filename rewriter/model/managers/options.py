"""How the words of a command become options: by the habits of getopt, of npm's nopt, of Go, of Maven and of MSBuild.

getopt    -yq          -y and -q             -j4, -j 4, -j=4       a letter takes the rest of its word, or the next
nopt      -gD          -g and -D             -only=dev             is --only=dev where a letter is none of npm's
go        -o x         --o x is the same     -ldflags="-s -w"      a dash begins a name, never several letters
maven     -ntp -Pnative -DskipTests          -pl a                 known names whole, others as getopt
msbuild   -c Release   -c:Release            /p:A=B is -p:A=B      values behind `:` or `=`
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.model.managers.vocabulary import Manager
from rewriter.syntax.shell import Word
from rewriter.syntax.shell_tree import unquote

# MSBuild tells `/p:A=B` from the path `/p/a.csproj` by the colon.
_SWITCH: Final = re.compile(r"(?:--?|/(?=\w+:))(\w[\w-]*)(?:[:=](.*))?\Z", re.DOTALL)
_TRUTHS: Final = frozenset({"true", "false"})


class Option(NamedTuple):
    """An option of a call. `-yq` gives two that share a word.

    `value_word` is set where the value is a word of its own, and the first of them where there are several. The value
    of a word that a variable fills is empty, that of `--a=$B` as written.
    """

    name: str
    value: str
    word: Word
    value_word: Word | None
    is_global: bool


def spelled(word: Word) -> str:
    """The word as the command receives it, save that variables stand as written."""
    return word.value or unquote(word.text)


def is_filled(word: Word) -> bool:
    """Whether a variable, a command or a pattern gives the word its beginning or more: it may turn out an option.

    `uvicorn[standard]` is none of these: whatever file it matched, its name would begin alike.
    """
    text = word.text
    return not word.is_literal and ("$" in text or "`" in text or text[0] in "*?[{~")


def is_option(word: Word, manager: Manager) -> bool:
    """Whether a word begins as options do."""
    text = spelled(word)
    if manager.style == "msbuild" and text.startswith("/"):
        return _SWITCH.match(text) is not None
    return len(text) > 1 and text.startswith("-")


def read_options(word: Word, rest: deque[Word], manager: Manager, action: str, *, is_global: bool) -> Iterator[Option]:
    """The options of a word; their values are taken from the words behind it."""
    early = manager.global_values if is_global else None
    values = manager.values if early is None else early
    if action in manager.flags:
        values -= manager.flags[action]
    for name, attached in _split(spelled(word), manager, values):
        if attached is not None:
            yield Option(name, attached, word, None, is_global)
            continue
        taken = _take(name, rest, manager, values)
        value = " ".join("" if is_filled(one) else spelled(one) for one in taken)
        yield Option(name, value, word, taken[0] if taken else None, is_global)


def _take(name: str, rest: deque[Word], manager: Manager, values: frozenset[str]) -> list[Word]:
    if not rest:
        return []
    if name in values:
        return [rest.popleft()]
    taken: list[Word] = []
    if name in manager.many_values:
        while rest and not is_option(rest[0], manager):
            taken.append(rest.popleft())
    elif name in manager.optional_values:
        if not is_option(rest[0], manager):
            taken.append(rest.popleft())
    elif manager.style in ("nopt", "msbuild") and rest[0].value in _TRUTHS:
        taken.append(rest.popleft())
    return taken


def _split(text: str, manager: Manager, values: frozenset[str]) -> Iterator[tuple[str, str | None]]:
    """The names in a word, the last one with the value that the word holds, or None."""
    name, equals, value = text.partition("=")
    attached = value if equals else None
    if manager.style == "msbuild" and (switch := _SWITCH.match(text)):
        yield ("--" if text.startswith("--") else "-") + switch[1], switch[2]
    elif manager.style == "go":
        yield f"-{name.lstrip('-')}", attached
    elif name.startswith("--") or (manager.style == "maven" and name in manager.one_dash):
        yield name, attached
    elif manager.style == "nopt" and not {f"-{letter}" for letter in name[1:]} <= manager.one_dash:
        yield f"-{name}", attached
    else:
        yield from _letters(text, manager, values)


def _letters(text: str, manager: Manager, values: frozenset[str]) -> Iterator[tuple[str, str | None]]:
    for position in range(1, len(text)):
        name, tail = f"-{text[position]}", text[position + 1 :]
        takes = name in values or name in manager.many_values or name in manager.optional_values
        if tail.startswith("=") or (tail and takes and manager.style != "nopt"):
            yield name, tail.removeprefix("=")
            return
        yield name, None
