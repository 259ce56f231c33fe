"""A stage that runs a jar: Java's code is the same on every release, so only the version has to be."""

from __future__ import annotations

import re
from typing import Final

from rewriter.model.data.distroless import DistrolessImage, distroless_images
from rewriter.model.distroless.candidate import Candidate
from rewriter.model.distroless.move import Move, Started, StaysError
from rewriter.model.distroless.steps import steps_on
from rewriter.model.slimming.java_sources import STARTS_PROGRAMS, problem_of_java

_TAG: Final = re.compile(r"(\d+)-jre(?:-[a-z]+)?\Z")


def move_java(candidate: Candidate) -> Move:
    """How the stage moves; raises StaysError."""
    match = _TAG.match(candidate.image.tag)
    if match is None or "alpine" in candidate.image.tag:
        raise StaysError(f"{candidate.image} is not the runtime of a version, as `21-jre` is")
    images = distroless_images("java", match[1])
    if not images:
        raise StaysError(f"distroless has no Java {match[1]}")
    image, stage = images[0], candidate.stage
    if not candidate.builders():
        raise StaysError("where the jar comes from is not known")
    started = _started(candidate, image)
    _require_no_programs(candidate)
    message = candidate.message(image, "the same Java")
    return Move(stage, image, message, (), steps_on(image, candidate), started, (), candidate.own_workdir)


def _started(candidate: Candidate, image: DistrolessImage) -> Started:
    entrypoint, cmd = candidate.entry
    words = candidate.words(entrypoint or cmd)
    command = tuple(word.value for word in candidate.command.words)
    if not words or words[0] != "java" or command[0] != "java":
        raise StaysError(f"`{candidate.command.text}` is not started by Java's own words")
    checked = candidate.health(image, frozenset())
    if entrypoint is not None:
        candidate.words(cmd)
        return ((entrypoint, words), *checked) if entrypoint.json is None else checked
    if words[1:2] != ("-jar",):
        raise StaysError("CMD gives Java options in front of the jar", cmd)
    return ((cmd, words[2:]), *checked) if cmd else checked


def _require_no_programs(candidate: Candidate) -> None:
    what_it_means = ": it may start programs that are not there"
    if problem := problem_of_java(candidate.shipped.context, STARTS_PROGRAMS, what_it_means):
        raise StaysError(problem)
