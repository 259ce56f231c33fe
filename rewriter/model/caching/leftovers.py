"""What an install leaves in its layer, for builders that have no cache mounts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from rewriter.model.managers.call import Call
from rewriter.model.managers.run_calls import calls
from rewriter.model.state import State
from rewriter.syntax.tree import Run


def calls_that_leave(run: Run, state: State, managers: Collection[str]) -> list[Call]:
    """The calls of some managers that add packages or refresh lists, where a command can be put behind them."""
    if not state.is_posix_shell or not run.script.items or run.script.terminator == "&":
        return []
    found = [call for call in calls(run) if call.manager.name in managers and call.subcommand is not None]
    return [
        call for call in found if call.installs or call.prompts or call.action in ("update", "upgrade", "makecache")
    ]


_ENDS: Final = frozenset({"exec", "exit", "return"})


def reason_against_appending(run: Run) -> str:
    """Why no command can follow the last one of a RUN; empty when one can."""
    if run.script.is_opaque:
        return "the command cannot be followed"
    last = run.script.items[-1].pipeline
    ends = any(command.words and command.words[0].text in _ENDS for command in run.script.simple_commands())
    if last.negated or ends:
        return "nothing runs behind the last command"
    if any(item.operator in ("||", "&") for item in run.script.items):
        return "some of the commands run only when others fail"
    return ""
