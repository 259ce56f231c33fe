"""What of a stage only builds, and what runs: where each instruction goes when a stage becomes a builder and a runtime.

`parts` is the vocabulary, `stage_reading` what all languages share. Each language is a module that answers in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rewriter.model.context.build_context import BuildContext
    from rewriter.model.context.services import Services
    from rewriter.model.project import Project
    from rewriter.model.splitting.parts import Split, Unsplit
    from rewriter.model.stages import Stage, StageGraph
    from rewriter.model.state import States

_FAMILIES = frozenset({"dotnet", "eclipse-temurin", "golang", "gradle", "maven", "node", "openjdk", "python", "rust"})


def find_split(
    stage: Stage,
    states: States,
    context: BuildContext,
    project: Project,
    services: Services,
    *,
    is_wanted: bool = False,
) -> Split | Unsplit | None:
    """How a stage that ships what it was built with becomes two; None where it is not known to ship any tools.

    With `is_wanted` also a stage is split that ships no tools but those that install packages.
    """
    family = _family(stage)
    if not stage.is_final or stage.is_windows:
        return None
    from rewriter.model.splitting.unread import TOOL_CHAINS, why_unread

    if family not in _FAMILIES:
        return why_unread(stage, family, project)
    from rewriter.model.context.development_containers import is_for_developers
    from rewriter.model.splitting.dotnet import split_dotnet
    from rewriter.model.splitting.go import split_go
    from rewriter.model.splitting.java import split_java
    from rewriter.model.splitting.node import split_node
    from rewriter.model.splitting.parts import Unsplit, UnsplitError
    from rewriter.model.splitting.python import split_python
    from rewriter.model.splitting.rust import split_rust
    from rewriter.model.splitting.stage_reading import Reading

    splitters = {
        "dotnet": split_dotnet,
        "golang": split_go,
        "node": split_node,
        "python": split_python,
        "rust": split_rust,
    }
    reading = Reading(stage, states, context, project, services.of(stage), is_wanted=is_wanted)
    try:
        found = splitters.get(family, split_java)(reading)
    except UnsplitError as error:
        return error.found
    if found is None:
        return why_unread(stage, family, project) if family in TOOL_CHAINS else None
    if is_for_developers(context, reading.services):
        return Unsplit("people develop in it")
    return found


def _family(stage: Stage) -> str:
    """The official image that a stage starts from, `dotnet` for the SDK of .NET; empty for other images."""
    if stage.origin is None:
        return ""
    if (stage.origin.registry, stage.origin.repository) == ("mcr.microsoft.com", "dotnet/sdk"):
        return "dotnet"
    return stage.origin.family


def what_keeps_the_base(
    split: Split, when_split: Callable[[], StageGraph], context: BuildContext, services: Services
) -> str:
    """Why the runtime would keep a base that has the tools itself; empty where something is gained.

    `when_split` gives the stages as they would be then.
    """
    if not split.gains_by_base:
        return ""
    from rewriter.model.splitting.gains import reason_to_keep_base

    return reason_to_keep_base(split, when_split(), context, services)
