"""Why a stage that ships tools is not even looked into: no step builds what starts, or its image is of no language."""

from __future__ import annotations

from typing import Final

from rewriter.model.data.package_roles import COMPILERS
from rewriter.model.managers.run_calls import calls
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS
from rewriter.model.project import Project
from rewriter.model.splitting.parts import Unsplit
from rewriter.model.stages import Stage
from rewriter.syntax.tree import Cmd, Entrypoint, Run

TOOL_CHAINS: Final = frozenset({"dotnet", "golang", "gradle", "maven", "rust"})
"""The families of images that are there to build."""


def why_unread(stage: Stage, family: str, project: Project) -> Unsplit | None:
    """Why a stage stays as it is for which nobody knows what its parts are; None where it ships no tools.

    `family` is the official image that it starts from, empty for other images.
    """
    if family in TOOL_CHAINS:
        return _of_tool_chain(stage, project)
    for run in stage.instructions:
        for call in calls(run) if isinstance(run, Run) else ():
            if call.installs and call.manager.name in SYSTEM_MANAGERS:
                packages = (word.value.partition("=")[0] for word in call.packages)
                if tool := next(filter(only_builds, packages), ""):
                    image = f"{stage.base} is none of Python, Node, Go, Rust, Java and .NET"
                    return Unsplit(f"what is built with {tool} of line {{line}} is not known: {image}", run)
    return None


def only_builds(package: str) -> bool:
    """Whether a package of a distribution is a compiler, or holds headers."""
    return package in COMPILERS or package.endswith(("-dev", "-devel"))


def _of_tool_chain(stage: Stage, project: Project) -> Unsplit | None:
    if not any(isinstance(one, Cmd | Entrypoint) for one in stage.instructions):
        return None
    start = project.start
    if not start:
        return Unsplit(f"what a container starts is not known: {start.reason}")
    return Unsplit(f"no step is known to build `{start.commands[0].text}`, which a container starts")
