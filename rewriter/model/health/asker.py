"""Which program of an image can ask another one for its health.

A program's own Python or Node asks without anything else in the image; else curl, or the wget of BusyBox. Each counts
where the base image or a package is known to bring it, an interpreter also where the container starts with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from rewriter.model.health.question import Question
from rewriter.model.image import ImageReference
from rewriter.model.managers.run_calls import calls
from rewriter.model.programs import has_program
from rewriter.model.project import Project
from rewriter.model.project.answers import Unknown
from rewriter.model.state import State
from rewriter.syntax.shell import SimpleCommand
from rewriter.syntax.tree import Run, ShellInstruction

Kind = Literal["python", "node", "curl", "wget"]
# https://github.com/GoogleContainerTools/distroless: without a shell, and Node not on PATH
_DISTROLESS: Final[Sequence[tuple[str, Kind, str]]] = (
    ("gcr.io/distroless/nodejs", "node", "/nodejs/bin/node"),
    ("gcr.io/distroless/python3", "python", "/usr/bin/python3"),
)

_PRELOADS: Final = re.compile(r"(?:\A|\s)(?:-r|--require|--import|--(?:experimental-)?loader|--inspect\S*)(?![\w-])")


class Asker(NamedTuple):
    """A program that can ask. `program` is its name on PATH, or its path."""

    kind: Kind
    program: str


def asker_of(
    question: Question, project: Project, state: State, started: Sequence[ShellInstruction]
) -> Asker | Unknown:
    """The program to ask with. `started` are the CMD and the ENTRYPOINT, `state` is that which the stage leaves."""
    origin = state.stage.origin if state.stage else None
    if (own := _of_distroless(origin)) is not None:
        return own
    family = origin.family if origin else ""
    named = {_first_word(instruction) for instruction in started}
    found: dict[str, Asker | None] = {}
    if project.language == "python" or family == "python":
        found["python"] = _python(state, origin, named)
    if project.language == "javascript" or family == "node":
        found["javascript"] = _node(state, named)
        if _PRELOADS.search(project.environment.get("NODE_OPTIONS") or ""):
            return Unknown("NODE_OPTIONS loads more into every Node, a check as well")
    interpreters = [asker for language, asker in found.items() if asker and language == project.language]
    interpreters += [asker for asker in found.values() if asker]
    if interpreters:
        return interpreters[0]
    if family == "python" and found:
        return Unknown("Python 2 cannot run the check")
    return _client(question, state)


def _of_distroless(origin: ImageReference | None) -> Asker | None:
    name = f"{origin.registry}/{origin.repository}" if origin else ""
    return next((Asker(kind, path) for prefix, kind, path in _DISTROLESS if name.startswith(prefix)), None)


def _first_word(instruction: ShellInstruction) -> str:
    """The program that an instruction names first, as written; empty where a shell has to say."""
    if instruction.json is not None:
        return next((string.value for string in instruction.json), "")
    command = next((one for pipeline in instruction.shell.pipelines for one in pipeline.commands), None)
    return command.name if isinstance(command, SimpleCommand) else ""


def _python(state: State, origin: ImageReference | None, named: set[str]) -> Asker | None:
    """Python 3. By the name `python` alone it is that of an official image, or of an environment on PATH."""
    is_official = origin is not None and (origin.family == "python" or _is_of_uv(origin))
    if is_official and origin is not None and origin.tag.startswith("2"):
        return None
    if is_official or state.which("python").kind in ("venv", "conda"):
        return Asker("python", "python")
    return Asker("python", "python3") if "python3" in named or has_program("python3", state) else None


def _is_of_uv(image: ImageReference) -> bool:
    """Whether it is one of uv's that are based on the official ones of Python, such as `uv:python3.13-alpine`.

    Source: https://docs.astral.sh/uv/guides/integration/docker/#available-images
    """
    return f"{image.registry}/{image.repository}" == "ghcr.io/astral-sh/uv" and image.tag.startswith("python3")


def _node(state: State, named: set[str]) -> Asker | None:
    names = (name for name in ("node", "nodejs") if name in named or has_program(name, state))
    return next((Asker("node", name) for name in names), None)


def _client(question: Question, state: State) -> Asker | Unknown:
    """A client for HTTP. Where a variable gives the port, a shell has to read it."""
    if question.variable and not state.is_posix_shell:
        return Unknown("the SHELL in force is none that can read the port")
    if question.name or question.names:
        return Unknown("no Python is known to be in the image that could ask for a host that is let in")
    if question.kind != "connection" and has_program("curl", state):
        return Asker("curl", "curl")
    # An answer that is an error makes wget fail, whichever it is.
    if question.kind == "status" and _has_busybox(state):
        return Asker("wget", "wget")
    return Unknown("no program is known to be in the image that could ask")


def _has_busybox(state: State) -> bool:
    """Whether `wget` is that of BusyBox, with `-T`: https://git.alpinelinux.org/aports/tree/main/busybox/busyboxconfig"""
    if state.distribution != "alpine" or not has_program("wget", state):
        return False
    return next(state.runs_where(_installs_wget), None) is None


def _installs_wget(run: Run) -> bool:
    """Whether a RUN brings GNU's wget, whose options are others."""
    return any(call.installs and any(word.value == "wget" for word in call.packages) for call in calls(run))
