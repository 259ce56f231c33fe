"""The vocabulary in which it is said how a stage moves onto another image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from rewriter.model.data.distroless import DistrolessImage
from rewriter.model.running.shipped import Doubt
from rewriter.model.stages import Stage
from rewriter.syntax.tree import Copy, From, Instruction, Run, ShellInstruction

Started: TypeAlias = tuple[tuple[ShellInstruction, tuple[str, ...]], ...]
"""CMD, ENTRYPOINT and HEALTHCHECK with the words that they get."""


class Steps(NamedTuple):
    """What becomes of the instructions that build.

    RUNs that go, COPYs that give their files to the user, others with new arguments, and the folders that a WORKDIR
    makes for the user, each above the `anchor`: the WORKDIR that counts, or below FROM where it is that.
    """

    gone: tuple[Run, ...] = ()
    given: tuple[Copy, ...] = ()
    changed: tuple[tuple[Instruction, str], ...] = ()
    made: tuple[str, ...] = ()
    anchor: Instruction | None = None


class Move(NamedTuple):
    """A stage on another image.

    `pins` are the images that other stages get, so that both are of one release. `changed` are instructions with new
    arguments, `started` those with new words, `below` new instructions (keyword and arguments) below others.
    """

    stage: Stage
    image: DistrolessImage
    message: str
    pins: tuple[tuple[From, str], ...]
    steps: Steps
    started: Started
    changed: tuple[tuple[Instruction, str], ...] = ()
    below: tuple[tuple[Instruction, str, str], ...] = ()


class StaysError(Exception):
    """Why a stage stays where it is; `{line}` in the reason stands for the line of the culprit."""

    def __init__(self, reason: str, culprit: Instruction | None = None) -> None:
        super().__init__(reason)
        self.doubt = Doubt(reason, culprit)


def listed(found: Sequence[str]) -> str:
    """Some names for people to read."""
    return ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
