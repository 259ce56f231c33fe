"""`apt-get update` in the layer of the install that needs it."""

from collections.abc import Iterator

from rewriter.fixing.compose import join_runs
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.calls import apt_calls
from rewriter.model.state import State
from rewriter.syntax.shell import CommandList
from rewriter.syntax.tree import Arg, Comment, Env, Expose, Instruction, Label, Run, Workdir

_UPDATES = frozenset({"update", "upgrade", "dist-upgrade", "full-upgrade"})
_INSTALLS = frozenset({"install", "upgrade", "dist-upgrade", "full-upgrade", "build-dep"})


@fixer(
    code="DF204",
    name="split-apt-update",
    level=Level.SAFE,
    phase="order",
    example=Example(
        before="FROM debian:12\nRUN apt-get update\nRUN apt-get install -y curl\n",
        after="FROM debian:12\nRUN apt-get update && apt-get install -y curl\n",
    ),
)
def join_update_with_install(update: Run, state: State) -> Iterator[Fix | Skip]:
    """Join `apt-get update` in a layer of its own with the install below it.

    Docker caches each RUN by its text. When only the install changes, the old package lists are taken from the cache,
    and packages that have been replaced since cannot be found any more.
    """
    if not state.is_posix_shell or not _only_updates(update):
        return
    install, obstacle = _find_install(update)
    if install is None:
        if obstacle:
            yield Skip(update, obstacle)
        return
    if reason := _refusal(update, install):
        yield Skip(update, reason)
        return
    yield Fix(
        update,
        f"`apt-get update` joins the install in line {install.line}",
        join_runs(update, install),
        reads=[install.span],
    )


def _only_updates(run: Run) -> bool:
    """Whether a RUN consists of `apt-get update`, with upgrades behind it at most."""
    commands = list(run.shell.simple_commands())
    found = [call.action for call in apt_calls(run)]
    return (
        bool(found)
        and found[0] == "update"
        and len(found) == len(commands) == len(run.shell.items)
        and set(found) <= _UPDATES
        and _is_and_list(run.shell)
    )


def _is_and_list(commands: CommandList) -> bool:
    return not commands.is_opaque and all(item.operator in ("", "&&") for item in commands.items)


def _find_install(update: Run) -> tuple[Run | None, str]:
    """The next RUN, if it installs with apt, and else what stands in the way; neither where there is no install."""
    node = update.after
    obstacle = ""
    while node is not None:
        match node:
            case Run():
                if not any(call.action in _INSTALLS for call in apt_calls(node)):
                    return None, ""
                return (None, obstacle) if obstacle else (node, "")
            case Env() | Arg():
                if any("proxy" in pair.key.text.lower() or "apt" in pair.key.text.lower() for pair in node.pairs):
                    obstacle = obstacle or f"line {node.line} may change how apt works"
            case Label() | Expose() | Workdir() | Comment():
                pass
            case Instruction():
                obstacle = obstacle or f"the {node.name} in line {node.line} stands between the update and the install"
                if node.name == "FROM":
                    return None, ""
            case _:
                pass
        node = node.after
    return None, ""


def _refusal(update: Run, install: Run) -> str:
    """Why two RUNs cannot become one; empty when they can."""
    if update.heredocs or install.heredocs:
        return "a here-document is involved"
    if [flag.text for flag in update.flags] != [flag.text for flag in install.flags]:
        return f"the RUN in line {install.line} has other flags"
    if update.shell.comments or update.comments:
        return "a comment stands inside the update"
    if not _is_and_list(install.shell):
        return f"the RUN in line {install.line} is not a plain list of commands joined by &&"
    if apt_calls(install)[0].action == "update":
        return f"line {install.line} runs an update of its own"
    return ""
