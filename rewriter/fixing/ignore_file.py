"""Additions to the ignore file of a build context."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final

from rewriter.fixing.fixer import FileEdit
from rewriter.model.context.build_context import BuildContext, clean
from rewriter.syntax.parser import parse
from rewriter.syntax.tree import Copy, Dockerfile, Instruction, Onbuild, Run

_MOST_DOCKERFILES: Final = 200


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
        if (text != dockerfile.text) and _line_that_names(parse(text), paths):
            return f"{path} takes files from there"
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
