"""One version of a Dockerfile, built; what is asked about it is looked at once, and only when it is asked."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from rewriter.verify.behaviour.observation import Observation, Questions, observe
from rewriter.verify.engine.builder import BuildError, Built, Engine, Recipe
from rewriter.verify.files.image import Image
from rewriter.verify.files.snapshot import read


class Specimen:
    """The image of a recipe, built with cold caches of its own unless `space` names those of another.

    `name` tells a person which version is being looked at.
    """

    def __init__(self, engine: Engine, recipe: Recipe, questions: Questions, name: str, space: str = "") -> None:
        self.engine: Final = engine
        self.recipe: Final = recipe
        self.questions: Final = questions
        self.name: Final = name
        self.space: Final = space or engine.new_space()

    @cached_property
    def _outcome(self) -> Built | BuildError:
        self.engine.tell(f"{self.name}: build")
        try:
            return self.engine.build(self.recipe, self.space)
        except BuildError as error:
            return error

    @property
    def failure(self) -> BuildError | None:
        """Why there is no image; None where there is one."""
        return self._outcome if isinstance(self._outcome, BuildError) else None

    @property
    def built(self) -> Built:
        """The image. Raises BuildError."""
        if isinstance(self._outcome, BuildError):
            raise self._outcome
        return self._outcome

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """How the image is configured."""
        return self.engine.configuration(self.built.identity)

    @cached_property
    def image(self) -> Image:
        """The image with its files."""
        self.engine.tell(f"{self.name}: files")
        with self.engine.export(self.built.identity) as stream:
            return Image(read(stream), self.configuration)

    @cached_property
    def observation(self) -> Observation:
        """What the program of the image does."""
        return self.observed(self.questions)

    def observed(self, questions: Questions) -> Observation:
        """What the program of the image does in a run of its own."""
        self.engine.tell(f"{self.name}: behaviour")
        return observe(self.engine, self.built.identity, questions)

    def observed_like(self, other: Specimen) -> Observation:
        """What the program does while it is given the time to do what another one does."""
        questions = self.questions.like(other.observation)
        return self.observed(questions._replace(tools=(other.built.identity,)))
