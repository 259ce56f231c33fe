"""Package lists that apt leaves in the layer, where no cache mount can hold them."""

from bisect import bisect_right
from collections.abc import Iterator

from rewriter.fixing.commands import append_command
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.caching.apt import may_need_lists
from rewriter.model.caching.cleanup import is_removed
from rewriter.model.caching.leftovers import calls_that_leave, reason_against_appending
from rewriter.model.managers.run_calls import APT, calls
from rewriter.model.once import once_per_file
from rewriter.model.settings import Settings
from rewriter.model.stages import Stage
from rewriter.model.state import States
from rewriter.syntax.tree import Dockerfile, Instruction, Onbuild, Run

_LISTS = "/var/lib/apt/lists"


@fixer(
    code="DF305",
    name="apt-lists-left-behind",
    level=Level.SAFE,
    phase="packages",
    replaces=["DL3009"],
    changes=["package-caches"],
    gains=["size"],
    example=Example(
        before="FROM debian:12\nRUN apt-get update && apt-get install -y curl\n",
        after="FROM debian:12\nRUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*\n",
        settings=Settings(builder="legacy"),
    ),
)
def remove_lists(_: Dockerfile, states: States, settings: Settings) -> Iterator[Fix | Skip]:
    """Remove apt's package lists in the RUN that fetched them.

    Only for builders without cache mounts (`builder = "legacy"` in the configuration); with BuildKit DF202 does better.
    Left alone where a later install has no update of its own: it needs the lists.
    """
    if settings.has_mounts:
        return
    for stage in states.graph.stages:
        for run in stage.instructions:
            if not isinstance(run, Run) or not (found := calls_that_leave(run, states.at(run), APT)):
                continue
            if not any(call.action == "update" for call in found) or is_removed(run.script, states.at(run), _LISTS):
                continue
            needy = _find_needy(stage, run)
            if needy is not None:
                yield Skip(run, "the install in line {line} has no update of its own", needy)
            elif reason := reason_against_appending(run):
                yield Skip(run, reason)
            else:
                command = f"{found[0].sudo}rm -rf {_LISTS}/*"
                yield Fix(run, "the package lists do not stay in the layer", [append_command(run, command)])


def _find_needy(stage: Stage, run: Run) -> Instruction | None:
    """A later RUN of the stage, or of those based on it, that installs from the lists that this one leaves."""
    for one in stage.family:
        needy = _needy_of(stage.dockerfile, one)
        position = bisect_right(needy, run.start, key=lambda node: node.start)
        if position < len(needy):
            return needy[position]
    return None


@once_per_file
def _needy_of(_: Dockerfile, stage: Stage) -> list[Instruction]:
    return [node for node in stage.instructions if _needs_lists(node)]


def _needs_lists(node: Instruction) -> bool:
    if isinstance(node, Onbuild):
        return "apt" in node.view.text
    if not isinstance(node, Run):
        return False
    actions = [call.action for call in calls(node) if call.manager.name in APT]
    installs = actions and actions[0] != "update" and any(action not in ("clean", "autoclean") for action in actions)
    return may_need_lists(node) or bool(installs)
