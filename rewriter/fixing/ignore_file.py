"""Additions to the ignore file of a build context."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final

from rewriter.fixing.fixer import FileEdit
from rewriter.model.context.build_context import BuildContext, clean
from rewriter.model.managers.call import Call
from rewriter.model.managers.run_calls import calls
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, names
from rewriter.model.stages import Stage, StageGraph
from rewriter.syntax.parser import parse
from rewriter.syntax.tree import Copy, Dockerfile, Instruction, Onbuild, Run

_MOST_DOCKERFILES: Final = 200
_RUN_WHAT_IS_THERE: Final = names("npm yarn pnpm bun")


def refusal_to_ignore(context: BuildContext, paths: Sequence[str], dockerfile: Dockerfile) -> str:
    """Why a line more in the ignore file may not do what it says; empty where it will."""
    if context.host.status(".dockerignore") == "unknown":
        return "the build context is not known"
    if context.ignore_path != ".dockerignore":
        return f"{context.ignore_path} is the ignore file in force"
    if any(line.startswith("!") for line in context.ignore_text.split("\n")):
        return ".dockerignore has exceptions"
    if line := _line_that_names(dockerfile, paths):
        return f"line {line} takes files from there"
    others = context.host.walk("", _is_dockerfile)
    if others is None or len(others) > _MOST_DOCKERFILES:
        return "which other Dockerfiles use the build context is not known"
    for path in others:
        text = context.host.read(path)
        if text is None:
            return f"{path}, which may use it, cannot be read"
        if text == dockerfile.text:
            continue
        other = parse(text)
        if _line_that_names(other, paths):
            return f"{path} takes files from there"
        if line := _line_that_relies_on(other, paths):
            return f"{path} takes files from there in line {line} and installs nothing by itself"
    return ""


def _is_dockerfile(name: str) -> bool:
    name = name.lower()
    if name.endswith(".dockerignore"):
        return False
    return name.startswith(("dockerfile", "containerfile")) or name.endswith((".dockerfile", ".containerfile"))


def _line_that_names(dockerfile: Dockerfile, paths: Sequence[str]) -> int:
    """The line of an instruction that takes one of these folders, or a part of it, from the context; 0 for none."""
    for instruction in dockerfile.instructions:
        taken = instruction.trigger if isinstance(instruction, Onbuild) else instruction
        if any(_may_be_in(source, path) for source in _sources(taken) for path in paths):
            return instruction.line
    return 0


def _line_that_relies_on(dockerfile: Dockerfile, paths: Sequence[str]) -> int:
    """The line of a COPY that brings such a folder as part of a larger one into a stage that fills none; 0 for none."""
    for stage in StageGraph(dockerfile).stages:
        for instruction in stage.instructions:
            for source in _sources(instruction) if isinstance(instruction, Copy) else ():
                if any(_may_hold(source, path) and not _fills(stage, posixpath.basename(path)) for path in paths):
                    return instruction.line
    return 0


def _fills(stage: Stage, name: str) -> bool:
    """Whether a stage installs packages of a language, or takes a folder of some name from another stage."""
    for instruction in (one for layer in stage.lineage for one in layer.instructions):
        if isinstance(instruction, Run) and any(map(_installs, calls(instruction))):
            return True
        if isinstance(instruction, Copy) and instruction.source_stage and name in instruction.text:
            return True
    return False


def _installs(call: Call) -> bool:
    """Whether a call installs into a project, or builds one in a language whose builds fetch what they need."""
    if call.manager.name in SYSTEM_MANAGERS or call.has("-g", "--global"):
        return False
    return call.installs or (call.builds and call.manager.name not in _RUN_WHAT_IS_THERE)


def _sources(instruction: Instruction) -> Iterator[str]:
    if isinstance(instruction, Copy) and not any(flag.name == "from" for flag in instruction.flags):
        yield from instruction.sources
    elif isinstance(instruction, Run):
        for mount in instruction.mounts:
            options = dict(option.partition("=")[::2] for option in mount.value.strip("\"'").split(","))
            if "from" not in options:
                yield options.get("source", options.get("src", ""))


def _may_be_in(source: str, path: str) -> bool:
    """Whether a source of the context may be a folder or lie in it. One that merely holds the folder does not."""
    if "$" in source:
        return True
    parts, wanted = clean(source).split("/"), path.split("/")
    if len(parts) < len(wanted):
        return False
    pairs = zip(parts, wanted, strict=False)
    return all("[" in part or "\\" in part or fnmatchcase(name, part) for part, name in pairs)


def _may_hold(source: str, path: str) -> bool:
    """Whether a source of the context is a folder that holds another one."""
    parts, wanted = clean(source).split("/"), path.split("/")
    if parts == [""]:
        return True
    return len(parts) < len(wanted) and all(map(fnmatchcase, wanted, parts))


def ignore(context: BuildContext, paths: Sequence[str]) -> FileEdit:
    """Write more paths at the end of `.dockerignore`, which is made where there is none."""
    text = context.ignore_text
    newline = "\r\n" if "\r\n" in text else "\n"
    is_there = context.host.status(context.ignore_path) not in ("absent", "unknown")
    lines = newline.join(paths)
    if not text:
        return FileEdit(context.ignore_path, text if is_there else None, lines + newline)
    ends = text.endswith("\n")
    return FileEdit(context.ignore_path, text, text + lines + newline if ends else text + newline + lines)
