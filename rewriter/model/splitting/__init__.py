"""What of a stage only builds, and what runs: where each instruction goes when a stage becomes a builder and a runtime.

`parts` is the vocabulary, `stage_reading` what all languages share. Each language is a module that answers in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rewriter.model.context.build_context import BuildContext
    from rewriter.model.context.services import Services
    from rewriter.model.project import Project
    from rewriter.model.splitting.parts import Split, Unsplit
    from rewriter.model.stages import Stage
    from rewriter.model.state import States

_FAMILIES = frozenset({"golang", "node", "python"})


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
    family = stage.origin.family if stage.origin else ""
    if not stage.is_final or stage.is_windows or family not in _FAMILIES:
        return None
    from rewriter.model.splitting.go import split_go
    from rewriter.model.splitting.node import split_node
    from rewriter.model.splitting.parts import UnsplitError
    from rewriter.model.splitting.python import split_python
    from rewriter.model.splitting.stage_reading import Reading

    reading = Reading(stage, states, context, project, services.of(stage), is_wanted=is_wanted)
    try:
        return {"golang": split_go, "node": split_node, "python": split_python}[family](reading)
    except UnsplitError as error:
        return error.found
