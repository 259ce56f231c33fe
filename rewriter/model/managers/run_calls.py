"""The package-manager calls of a RUN."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, cast

from rewriter.model.managers.call import MANAGERS, Call, call_of
from rewriter.syntax.shell_tree import Item
from rewriter.syntax.tree import Run

APT: Final = frozenset({"apt", "apt-get"})
"""The two programs that share apt's package lists and options."""

_STEMS: Final = tuple(stem for stem in MANAGERS if not any(other in stem for other in MANAGERS if other != stem))
"""The shortest names that all others contain: a text without any of them calls no package manager."""


def calls(run: Run) -> tuple[Call, ...]:
    """The calls of package managers among the simple commands of a RUN, in order."""
    found = run.memo.get("calls")
    if found is None:
        found = run.memo["calls"] = tuple(_find_calls(run))
    return cast("tuple[Call, ...]", found)


def _find_calls(run: Run) -> Iterator[Call]:
    text = run.view.text
    if not run.heredocs and not any(stem in text for stem in _STEMS):
        return
    for command in run.script.simple_commands():
        if call := call_of(command):
            yield call


def apt_calls(run: Run) -> list[Call]:
    """The calls of apt and apt-get that have a subcommand."""
    return [call for call in calls(run) if call.manager.name in APT and call.subcommand]


def is_fed(run: Run, call: Call) -> bool:
    """Whether something answers the call's questions: a pipe into it, or a redirected input."""
    if any(redirect.operator.startswith("<") for redirect in call.command.redirects):
        return True
    # The list is in order: no need to go through it for every call.
    items = run.script.items
    index = bisect_right(items, call.command.start, key=_start) - 1
    return index >= 0 and _start(items[index]) < call.command.start < items[index].pipeline.end


def _start(item: Item) -> int:
    return item.pipeline.commands[0].start
