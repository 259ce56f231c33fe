"""Who else needs what would lie in a cache mount: steps that may not download, copies, mounts and scripts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Final

from rewriter.model.calls import calls
from rewriter.model.managers import names
from rewriter.model.stages import Stage
from rewriter.syntax.tree import Arg, Copy, Dockerfile, Env, Instruction, Run

_HOMES: Final = frozenset({"/", "/root", "/home", "/home/node", "/usr", "/usr/local", "/var", "/var/lib"})
"""Folders that are copied for other things than the cache somewhere in them."""
_OFFLINE: Final = re.compile(r"--offline\b|OFFLINE=|GOPROXY=off|\bgo env -w\b")
_RUNS_SCRIPTS: Final = names(
    "just task sh bash ash dash ansible-playbook rosdep gdebi mk-build-deps tasksel apt-cache apt-file"
)
_BUILD_ONLY: Final = names(
    "configure Configure config autogen.sh autogen bootstrap bootstrap.sh b2 waf gradlew mvnw manage.py setup.py "
    "build.sh make.bash rebar3 sbt"
)
"""Scripts that compile what they come with; nobody lets them call apt."""
_PREPARES: Final = re.compile(r"dep|setup|bootstrap|provision|prepare|install-|install_|require|tools|apt")
"""What targets of make are called that may install packages of the system."""


def offline_step(dockerfile: Dockerfile, manager: str) -> Instruction | None:
    """The instruction after or in which a manager may not download: it needs what earlier ones have downloaded."""
    for node in dockerfile.instructions:
        if isinstance(node, Env | Arg):
            if any("OFFLINE" in pair.key.text.upper() and _concerns(pair.key.text, manager) for pair in node.pairs):
                return node
        elif isinstance(node, Run):
            is_offline = _OFFLINE.search(node.view.text) or any(flag.text == "--network=none" for flag in node.flags)
            if is_offline and manager in node.view.text:
                return node
    return None


def _concerns(variable: str, manager: str) -> bool:
    """Whether a variable such as `UV_OFFLINE` or `npm_config_offline` is one of a manager."""
    return manager.replace("mvn", "maven") in variable.lower() or "npm" in variable.lower()


def copies_cache(stage: Stage, folders: Sequence[str]) -> Instruction | None:
    """The instruction that brings a cache into a stage, or takes it from there into another one."""
    for node in stage.dockerfile.instructions[stage.first :]:
        if any(
            meets(posixpath.normpath("/" + path.lstrip("/")), folder)
            for path in _paths(node, stage)
            for folder in folders
        ):
            return node
    return None


def _paths(node: Instruction, stage: Stage) -> Iterator[str]:
    names_of_stage = (stage.name, str(stage.index))
    if isinstance(node, Copy) and len(node.paths) > 1:
        if node.end <= stage.span.end:
            if node.destination.startswith("/"):
                yield node.destination
        elif node.source_stage is not None and node.source_stage.value.lower() in names_of_stage:
            yield from node.sources
    elif isinstance(node, Run) and node.end > stage.span.end:
        for flag in node.mounts:
            fields = dict(field.partition("=")[::2] for field in flag.value.split(","))
            if fields.get("from", "").lower() in names_of_stage:
                yield fields.get("source", fields.get("src", "/"))


def meets(path: str, folder: str) -> bool:
    """Whether a path is a folder, lies in it, or is one above it that holds little else."""
    return path == folder or path.startswith(f"{folder}/") or (folder.startswith(f"{path}/") and path not in _HOMES)


def runs_a_script(run: Run) -> bool:
    """Whether a RUN starts something that may call any program: a script of the project, a make target, ansible."""
    for command in run.script.simple_commands():
        name = posixpath.basename(command.name)
        if name in _BUILD_ONLY or any(call.command.start == command.start for call in calls(run)):
            continue
        if name in ("make", "gmake"):
            if any(_PREPARES.search(word.text) for word in command.arguments):
                return True
            continue
        is_local = command.name.startswith(("./", "../", "scripts/")) or name.endswith((".sh", ".bash"))
        if is_local or name in _RUNS_SCRIPTS:
            return True
    return False
