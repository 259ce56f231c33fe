"""Whether the last stage can run on a distroless image, and what becomes of its instructions there.

`move` is the vocabulary, `candidate` and `steps` are what all languages share. Each language is a module of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rewriter.model.managers.vocabulary import names

if TYPE_CHECKING:
    from rewriter.model.context.build_context import BuildContext
    from rewriter.model.context.services import Services
    from rewriter.model.distroless.move import Move
    from rewriter.model.project import Project
    from rewriter.model.running.shipped import Doubt
    from rewriter.model.stages import Stage
    from rewriter.model.state import States

_LANGUAGES = {"python": "python", "node": "node", "eclipse-temurin": "java", "golang": "go"}
_SMALL = names("debian ubuntu alpine")


def find_move(
    stage: Stage, states: States, context: BuildContext, project: Project, services: Services
) -> Move | Doubt | None:
    """How the last stage moves onto a distroless image; None where it runs nothing that there is one for."""
    language = _language_of(stage, states, project)
    if not language:
        return None
    from rewriter.model.distroless.candidate import Candidate
    from rewriter.model.distroless.go import move_go
    from rewriter.model.distroless.java import move_java
    from rewriter.model.distroless.move import StaysError
    from rewriter.model.distroless.node import move_node
    from rewriter.model.distroless.python import move_python
    from rewriter.model.running.shipped import Shipped

    candidate = Candidate(Shipped(stage, states, project, services, context), services)
    try:
        candidate.require_movable()
        return {"go": move_go, "java": move_java, "node": move_node, "python": move_python}[language](candidate)
    except StaysError as error:
        return error.doubt


def _language_of(stage: Stage, states: States, project: Project) -> str:
    family = stage.origin.family if stage.origin else ""
    if not stage.is_final or stage.is_windows:
        return ""
    if family in _SMALL and any(one.origin and one.origin.family == "golang" for one in states.graph.stages):
        return "go" if project.program and project.program.language == "go" else ""
    return _LANGUAGES.get(family, "")
