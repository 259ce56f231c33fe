"""The recipes of a Makefile: what `make` runs for some targets, and for all that they need.

https://www.gnu.org/software/make/manual/html_node/Rules.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

NAMES: Final = ("GNUmakefile", "makefile", "Makefile")
"""Where `make` looks for its rules, in this order."""

_RULE: Final = re.compile(r"(?P<targets>[^\s:=#][^:=#]*?)\s*::?(?![=:])(?P<needed>[^=#;]*)(?:;(?P<first>.*))?\Z")
_VARIABLE: Final = re.compile(r"(?m)^[ ]*(?:export\s+)?([\w.-]+)[ \t]*(?::{0,2}|\?)=[ \t]*(.*?)[ \t\r]*$")
_USE: Final = re.compile(r"\$[({]([\w.-]+)[)}]")


class _Rule(NamedTuple):
    needed: tuple[str, ...]
    recipe: list[str]


def recipes_of(makefile: str, targets: Sequence[str]) -> Iterator[str]:
    """The shell text that is run for some targets, the first one of the file where none is named."""
    text = makefile.replace("\r\n", "\n").replace("\\\n", " ")
    variables = dict(_VARIABLE.findall(text))
    rules = _rules(text)
    first = [name for name in rules if not name.startswith(".")][:1]
    pending, seen = list(targets or first), set[str]()
    while pending:
        name = pending.pop(0)
        if name in seen or name not in rules:
            continue
        seen.add(name)
        pending += rules[name].needed
        for line in rules[name].recipe:
            command = _USE.sub(lambda use: variables.get(use[1], use[0]), line.strip().lstrip("@-+"))
            yield command.replace("$(MAKE)", "make").replace("${MAKE}", "make").replace("$$", "$")


def _rules(text: str) -> dict[str, _Rule]:
    rules: dict[str, _Rule] = {}
    current: list[_Rule] = []
    for line in text.split("\n"):
        if line.startswith("\t"):
            for rule in current:
                rule.recipe.append(line)
        elif match := _RULE.match(line.rstrip()):
            needed = tuple(match["needed"].replace("|", " ").split())
            current = [rules.setdefault(name, _Rule(needed, [])) for name in match["targets"].split()]
            for rule in current:
                rule.recipe.extend([match["first"]] if match["first"] else [])
        elif line.strip() and not line.lstrip().startswith("#"):
            current = []
    return rules
