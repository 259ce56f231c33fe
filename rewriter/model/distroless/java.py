"""A stage that runs a jar: Java's code is the same on every release, so only the version has to be."""

from __future__ import annotations

import re
from typing import Final

from rewriter.model.data.distroless import DistrolessImage, distroless_images
from rewriter.model.distroless.candidate import Candidate
from rewriter.model.distroless.move import Move, Started, StaysError
from rewriter.model.distroless.steps import steps_on
from rewriter.syntax.text import decode

_TAG: Final = re.compile(r"(\d+)-jre(?:-[a-z]+)?\Z")
_STARTS_OTHERS: Final = re.compile(r"\bProcessBuilder\b|\.exec\s*\(|\bcommons\.exec\b")
_MOST_FILES: Final = 3_000
_LARGEST: Final = 1024 * 1024


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
    context = candidate.shipped.context
    paths = context.walk("", lambda name: name.endswith((".java", ".kt", ".scala", ".groovy")))
    if not paths or len(paths) > _MOST_FILES:
        raise StaysError("its sources are not in the build context, or more than are read")
    for path in paths:
        data = None if "/src/test/" in f"/{path}" else context.head(path, _LARGEST)
        if data is not None and (match := _STARTS_OTHERS.search(decode(data))):
            raise StaysError(f"{path} uses {match[0]}: it may start programs that are not there")
