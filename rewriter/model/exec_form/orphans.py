"""Whether a shell in front of a program has a use as the container's first process.

What a process leaves behind becomes a child of the first process. dash waits for whatever dies, Python and Node only
for what they started, so a browser that they start fills the process table, see
https://pptr.dev/troubleshooting#running-puppeteer-in-docker
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from rewriter.model.exec_form.handover import INITS, entrypoint_of
from rewriter.model.managers.vocabulary import names
from rewriter.model.project import Project
from rewriter.model.stages import Stage
from rewriter.syntax.tree import Run

_BROWSERS: Final = re.compile(r"\b(?:chromium|google-chrome|firefox|playwright|puppeteer)\b")
_LIBRARIES: Final = names("puppeteer playwright pyppeteer")
_COLLECTORS: Final = INITS | names("sh bash dash ash supervisord s6-svscan")


_NEVER_FIRST: Final = names("xvfb-run")
"""It waits for a signal of the X server, which sends the first process none: JuliaCI/PkgEval.jl#53 on GitHub."""


def reason_against_being_first(stage: Stage, project: Project, program: str) -> str:
    """Why the shell should stay in front of a program; empty where it is of no use there."""
    entrypoint = entrypoint_of(stage)
    is_behind_another = entrypoint is not None and bool(entrypoint.json)
    name = posixpath.basename(program)
    if name in _COLLECTORS or is_behind_another:
        return ""
    if name in _NEVER_FIRST:
        return f"{name} hangs as the first process of a container"
    texts = [run.text for one in stage.lineage for run in one.instructions if isinstance(run, Run)]
    texts.append(stage.origin.repository if stage.origin else "")
    dependencies = project.dependencies
    if any(map(_BROWSERS.search, texts)) or (dependencies and not _LIBRARIES.isdisjoint(dependencies.names)):
        return "the shell collects the processes that a browser leaves behind"
    return ""
