"""`apt-get update` in the layer of the install that needs it."""

from collections.abc import Iterator

from rewriter.fixing.compose import join_runs
from rewriter.fixing.edits import attached_comments
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.fixing.suppress import read_comment
from rewriter.model.managers.run_calls import apt_calls
from rewriter.model.state import State
from rewriter.syntax.shell import CommandList
from rewriter.syntax.tree import Arg, Env, Expose, From, Instruction, Label, Run, Workdir

_UPDATES = frozenset({"update", "upgrade", "dist-upgrade", "full-upgrade"})
_INSTALLS = frozenset({"install", "upgrade", "dist-upgrade", "full-upgrade", "build-dep"})


@fixer(
    code="DF204",
    name="split-apt-update",
    level=Level.SAFE,
    phase="order",
    gains=["reliability"],
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
        return
    if obstacle is not None:
        yield Skip(update, f"the {obstacle.name} in line {{line}} stands between the update and the install", obstacle)
    elif reason := _refusal(update, install):
        yield Skip(update, reason, install)
    else:
        message = "`apt-get update` joins the install in line {line}"
        yield Fix(update, message, join_runs(update, install), reads=[install.span], mentions=install)


def _only_updates(run: Run) -> bool:
    """Whether a RUN consists of `apt-get update`, with upgrades behind it at most."""
    commands = list(run.shell.simple_commands())
    calls = apt_calls(run)
    if any(word.value == "exec" for call in calls for word in call.wrapper):
        return False  # nothing runs behind it
    found = [call.action for call in calls]
    return (
        bool(found)
        and found[0] == "update"
        and len(found) == len(commands) == len(run.shell.items)
        and set(found) <= _UPDATES
        and _is_and_list(run.shell)
    )


def _is_and_list(commands: CommandList) -> bool:
    return not commands.is_opaque and all(item.operator in ("", "&&") for item in commands.items)


def _find_install(update: Run) -> tuple[Run | None, Instruction | None]:
    """The next RUN, if it installs with apt, and what stands in between that may matter to apt."""
    obstacle: Instruction | None = None
    node = update.after
    while node is not None and not isinstance(node, From):
        if isinstance(node, Run):
            installs = any(call.action in _INSTALLS for call in apt_calls(node))
            return (node, obstacle) if installs else (None, None)
        if isinstance(node, Instruction) and obstacle is None and not _is_harmless(node, update):
            obstacle = node
        node = node.after
    return None, None


def _is_harmless(instruction: Instruction, update: Run) -> bool:
    """Whether an instruction cannot matter to the update: metadata, or what its words do not look at."""
    if isinstance(instruction, Env | Arg):
        names = [pair.key.text.lower() for pair in instruction.pairs]
        matters = any(mark in name for name in names for mark in ("proxy", "apt", "path", "preload"))
        return not matters and "$" not in update.view.text
    if isinstance(instruction, Workdir):
        return not update.flags and not any(command.redirects for command in update.shell.simple_commands())
    return isinstance(instruction, Label | Expose)


def _refusal(update: Run, install: Run) -> str:
    """Why two RUNs cannot become one; empty when they can."""
    if update.heredocs or install.heredocs:
        return "a here-document is involved"
    if [flag.text for flag in update.flags] != [flag.text for flag in install.flags]:
        return "the RUN in line {line} has other flags"
    if update.shell.comments or update.comments:
        return "a comment stands inside the update"
    if any(read_comment(comment)[0] for comment in attached_comments(update)):
        return "the ignore comment above the update would hold for the install as well"
    if not _is_and_list(install.shell):
        return "the RUN in line {line} is not a plain list of commands joined by &&"
    if apt_calls(install)[0].action == "update":
        return "line {line} runs an update of its own"
    return ""
