"""A stage that runs Node: the interpreter is what the image starts, so the command is its script."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from rewriter.model.data.distroless import DistrolessImage, distroless_images
from rewriter.model.data.system_libraries import node_need
from rewriter.model.distroless.candidate import Candidate
from rewriter.model.distroless.move import Move, Started, StaysError
from rewriter.model.distroless.steps import steps_on
from rewriter.model.managers.vocabulary import names
from rewriter.syntax.text import decode

_TAG: Final = re.compile(r"(\d+)(?:-[a-z]+)?-slim(?:-[a-z]+)?\Z")
_TASKS: Final = names("npm yarn pnpm")
_NODE: Final = names("node nodejs docker-entrypoint.sh")
_MOST_FILES: Final = 3_000
_LARGEST: Final = 1024 * 1024
_OF_TASKS: Final = "npm_"
_SOURCES: Final = (".js", ".ts", ".mjs", ".cjs", ".mts", ".cts", ".jsx", ".tsx")


def move_node(candidate: Candidate) -> Move:
    """How the stage moves; raises StaysError."""
    match = _TAG.match(candidate.image.tag)
    if match is None:
        if "alpine" in candidate.image.tag:
            raise StaysError("what is built for Alpine does not run on Debian")
        if re.match(r"\d+\.\d", candidate.image.tag):
            raise StaysError(f"distroless does not publish Node {candidate.image.tag.partition('-')[0]} exactly")
        raise StaysError(f"it has not been shown to run on a slim image instead of {candidate.image}")
    builders = [one for one in candidate.builders() if one.origin and one.origin.family == "node"]
    image = candidate.fitting(distroless_images("javascript", match[1]), builders)
    started = _started(candidate, image)
    _require_found_packages(candidate, image)
    pins = dict(pin for stage in builders for pin in candidate.pinned(stage, image))
    stage = candidate.stage
    message = candidate.message(image, "the same Node")
    return Move(
        stage, image, message, tuple(pins.items()), steps_on(image, candidate), started, (), candidate.own_workdir
    )


def _started(candidate: Candidate, image: DistrolessImage) -> Started:
    entrypoint, cmd = candidate.entry
    command = candidate.command
    words = tuple(word.value for word in command.words)
    if posixpath.basename(words[0]) not in _NODE or len(words) < 2:
        raise StaysError(f"`{words[0]}` is not started by Node's own words")
    written = candidate.words(entrypoint or cmd)
    if written and posixpath.basename(written[0]) in _TASKS:
        if entrypoint is not None:
            raise StaysError(f"`{written[0]}` takes more words", entrypoint)
        _require_plain_task(candidate)
        _require_no_variables(candidate)
    elif not written or posixpath.basename(written[0]) not in _NODE:
        raise candidate.not_plain(written, command)
    if entrypoint is not None and posixpath.basename(written[0]) == "docker-entrypoint.sh":
        raise StaysError("docker-entrypoint.sh needs a shell", entrypoint)
    checked = candidate.health(image, names("node nodejs"))
    if entrypoint is not None:
        candidate.words(cmd)
        return ((entrypoint, (*image.entrypoint, *written[1:])), *checked)
    return ((cmd, words[1:]), *checked) if cmd else checked


def _require_plain_task(candidate: Candidate) -> None:
    """Raise where a script of package.json does more than to start Node in the folder of the container."""
    start = candidate.project.start
    if start and (around := [one for one in start.around if one != "exec"]):
        raise StaysError(f"a script of package.json has {around[0]} in front of `{candidate.command.text}`")
    if candidate.command.folder != candidate.shipped.workdir:
        raise StaysError(f"a script of package.json starts `{candidate.command.text}` in another folder")


def _require_no_variables(candidate: Candidate) -> None:
    """Raise where sources read the variables that npm sets: https://docs.npmjs.com/cli/using-npm/scripts#environment"""
    context = candidate.shipped.context
    for path in (context.walk("", lambda name: name.endswith(_SOURCES)) or ())[:_MOST_FILES]:
        if _OF_TASKS in decode(context.head(path, _LARGEST) or b""):
            raise StaysError(f"{path} reads variables that npm sets")


def _require_found_packages(candidate: Candidate, image: DistrolessImage) -> None:
    candidate.require_no_programs("javascript", image)
    dependencies = candidate.project.dependencies
    for name in sorted(dependencies.names if dependencies else ()):
        if not name.startswith("dev:"):
            candidate.require_libraries(name, node_need(name), image)
