"""One version of a Dockerfile, built; what is asked about it is looked at once, and only when it is asked."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from rewriter.verify.behaviour import Observation, Questions, observe
from rewriter.verify.builder import Built, Engine, Recipe
from rewriter.verify.snapshot import Snapshot, read


class Specimen:
    """The image of a recipe, built with cold caches of its own unless `space` names those of another."""

    def __init__(self, engine: Engine, recipe: Recipe, questions: Questions, space: str = "") -> None:
        self.engine = engine
        self.recipe = recipe
        self.questions = questions
        self.space = space or engine.new_space()

    @cached_property
    def built(self) -> Built:
        """The image. Raises BuildError."""
        return self.engine.build(self.recipe, self.space)

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """How the image is configured."""
        return self.engine.configuration(self.built.identity)

    @cached_property
    def snapshot(self) -> Snapshot:
        """The files of the image."""
        with self.engine.export(self.built.identity) as stream:
            return read(stream)

    @cached_property
    def observation(self) -> Observation:
        """What the program of the image does."""
        return observe(self.engine, self.built.identity, self.questions)
