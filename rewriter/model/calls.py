"""The package-manager calls of a RUN."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.packages import MANAGERS, Call, call_of
from rewriter.syntax.tree import Run

APT: Final = frozenset({"apt", "apt-get"})
"""The two programs that share apt's package lists and options."""

_MENTIONS: Final = re.compile("|".join(sorted(map(re.escape, MANAGERS), key=len, reverse=True)))


def calls(run: Run) -> Iterator[Call]:
    """The calls of package managers among the simple commands of a RUN, in order."""
    if not run.heredocs and not _MENTIONS.search(run.view.text):
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
    return any(call.command in pipeline.commands[1:] for pipeline in run.script.pipelines)
