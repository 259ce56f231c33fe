"""What Go reads when it downloads a module's dependencies: https://go.dev/ref/mod#go-mod-download"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from rewriter.model.installing.manifests.files import Needs, NotMovableError, Project

_LOCAL: Final = re.compile(r"=>\s*(?:\./|\.\./|/|\.\s|\.\.\s)")
_COMMENT: Final = re.compile(r"//.*")


def go_manifest(project: Project) -> str:
    """The go.mod of a `go mod download`."""
    return project.path("go.mod") if project.call.action == "mod download" else ""


def go_needs(project: Project) -> Needs:
    """go.mod and go.sum."""
    if project.call.packages or project.call.unknown:
        raise NotMovableError("it is called in a way that is not understood")
    return module_needs(project)


def module_needs(project: Project) -> Needs:
    """What `go mod download` reads in the folder of a module."""
    project.forbid_options("-modfile", "-C", "-overlay")
    project.forbid_variables("GOWORK")
    if project.state.get("GO111MODULE") in ("off", "auto"):
        raise NotMovableError("GO111MODULE changes what go reads")
    if any(flag in (project.state.get("GOFLAGS") or "") for flag in ("-mod", "-modfile", "-overlay")):
        raise NotMovableError("GOFLAGS changes what go reads")
    text = _COMMENT.sub("", project.require("go.mod"))
    if _LOCAL.search(text + "\n"):
        raise NotMovableError("go.mod replaces a module by a folder of the project")
    project.take("go.sum")
    folder = project.folder
    while True:
        if project.has(path := project.path("go.work", folder)):
            raise NotMovableError(f"{project.shown(path)} makes other folders part of it")
        if folder == "/":
            break
        folder = posixpath.dirname(folder)
    if project.has("vendor"):
        raise NotMovableError("the modules are in the folder vendor")
    return project.needs()
