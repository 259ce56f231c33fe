"""Absolute paths in WORKDIR."""

import posixpath
from collections.abc import Iterator

from rewriter.fixing.edits import replace
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.stages import Stage
from rewriter.model.state import State
from rewriter.syntax.tree import Workdir


@fixer(
    code="DF404",
    name="relative-workdir",
    level=Level.SAFE,
    phase="running",
    replaces=["WorkdirRelativePath", "DL3000"],
    gains=["clarity"],
    example=Example(
        before="FROM debian:12\nWORKDIR srv\nWORKDIR app\n",
        after="FROM debian:12\nWORKDIR /srv\nWORKDIR /srv/app\n",
    ),
)
def write_absolute_path(workdir: Workdir, state: State, stage: Stage) -> Iterator[Fix | Skip]:
    """Write the absolute path that a relative WORKDIR means.

    A relative path continues the folder in force, which for the first WORKDIR of a stage is the base image's.
    Where that is not known, or the path holds a variable, the instruction is left alone.
    """
    path = workdir.path.text
    if is_absolute(path) or stage.is_windows:
        return
    value = state.expand(path)
    if workdir.path.has_variable or value is None:
        if value is not None and not is_absolute(value):
            yield Skip(workdir, "the path depends on a variable")
        return
    if is_absolute(value):
        return
    if path.startswith("~"):
        yield Skip(workdir, "WORKDIR does not expand `~`: was the home folder meant?")
        return
    if not state.workdir:
        yield Skip(workdir, f"the working directory of {stage.from_.image.text} is not known")
        return
    if not state.workdir_is_fixed:
        yield Skip(workdir, "a build argument can change the folder that it continues")
        return
    absolute = posixpath.normpath(posixpath.join(state.workdir, value))  # as the builder cleans it
    yield Fix(workdir, f"{path} means {absolute}", [replace(workdir.path, absolute)], reads=[stage.span])


def is_absolute(path: str) -> bool:
    """Whether a path starts at a root, of Linux or of a Windows drive."""
    return path.startswith(("/", "\\")) or path[1:2] == ":"
