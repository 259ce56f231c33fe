"""The base images of two versions of a Dockerfile."""

from __future__ import annotations

from rewriter.model.stages import StageGraph
from rewriter.syntax.parser import parse
from rewriter.verify.engine.recipe import Recipe


def recipes_of_bases(before: Recipe, after: Recipe) -> tuple[Recipe, Recipe] | None:
    """How to get the image that each version starts from; None if it is the same one, or not known."""
    old, new = _base(before), _base(after)
    if not old or not new or old == new:
        return None
    return _alone(before, old), _alone(after, new)


def recipe_of_base(recipe: Recipe) -> Recipe | None:
    """How to get the image that a version starts from; None if it is not known."""
    image = _base(recipe)
    return _alone(recipe, image) if image else None


def _alone(recipe: Recipe, image: str) -> Recipe:
    return recipe._replace(dockerfile=f"FROM {image}\n", target="", build_args=(), secrets=())


def _base(recipe: Recipe) -> str:
    """The image at the bottom of the stage that is built; empty if it is not known, or there is none."""
    graph = StageGraph(parse(recipe.dockerfile))
    stage = graph.find(recipe.target) if recipe.target else next(iter(graph.stages[-1:]), None)
    origin = stage.origin if stage else None
    return "" if origin is None or origin.is_scratch else str(origin)
