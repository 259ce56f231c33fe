"""The vocabulary in which it is said what goes where: the parts that two stages are written from."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from rewriter.model.managers.call import Call
from rewriter.model.stages import Stage
from rewriter.syntax.shell_tree import Word
from rewriter.syntax.tree import Instruction


class Changed(NamedTuple):
    """A RUN that is written with other words: each with what stands in its place, nothing where it goes.

    `gone` are the calls that go as a whole, with the operators that join them.
    """

    words: tuple[tuple[Word, str], ...] = ()
    gone: tuple[Call, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything changes."""
        return bool(self.words or self.gone)


AS_IT_IS: Final = Changed()


class Original(NamedTuple):
    """An instruction with the comments that speak of it."""

    instruction: Instruction
    changed: Changed = AS_IT_IS


class Again(NamedTuple):
    """An instruction said a second time: its comments stay where it stands."""

    instruction: Instruction
    changed: Changed = AS_IT_IS


class New(NamedTuple):
    """A new instruction, set apart from what is above it as `like` was in its place; without one it is not."""

    keyword: str
    arguments: str
    like: Instruction | None = None


Part: TypeAlias = Original | Again | New


class Split(NamedTuple):
    """What goes where: the parts of a builder and of what is left, each in order and without the FROMs.

    `builder` is the name of the new stage; `runtime` that of the old one, empty where it has one or gets none. `base`
    is another image for the old stage, `pinned` one for the builder; empty where it stays the same.
    `gains_by_base`: the base has the tools itself, so that nothing is gained unless the old stage gets a lighter one.
    """

    stage: Stage
    builder: str
    runtime: str
    above: tuple[Part, ...]
    below: tuple[Part, ...]
    message: str
    base: str = ""
    pinned: str = ""
    gains_by_base: bool = False


class Unsplit(NamedTuple):
    """Why a stage that ships its tools stays one; `{line}` in the reason stands for the line of the culprit."""

    reason: str
    culprit: Instruction | None = None


class UnsplitError(Exception):
    """What ends the search for a split."""

    def __init__(self, reason: str, culprit: Instruction | None = None) -> None:
        super().__init__(reason)
        self.found = Unsplit(reason, culprit)
