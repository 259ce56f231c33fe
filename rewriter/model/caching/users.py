"""Who else needs what would lie in a cache mount: steps that may not download, copies, mounts and scripts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

from rewriter.model.managers.run_calls import calls
from rewriter.model.managers.vocabulary import names
from rewriter.model.once import once_per_file
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


@once_per_file
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
    return _find_copy(stage.dockerfile, stage, tuple(folders))


@once_per_file
def _find_copy(dockerfile: Dockerfile, stage: Stage, folders: tuple[str, ...]) -> Instruction | None:
    for use in chain(_brought(stage), _taken(dockerfile, stage)):
        path = posixpath.normpath("/" + use.path.lstrip("/"))
        if any(meets(path, folder) for folder in folders):
            return use.instruction
    return None


class _Use(NamedTuple):
    """A folder of a stage that an instruction writes to, or that another stage reads."""

    instruction: Instruction
    path: str


def _brought(stage: Stage) -> Iterator[_Use]:
    for node in stage.instructions:
        if isinstance(node, Copy) and len(node.paths) > 1 and node.destination.startswith("/"):
            yield _Use(node, node.destination)


def _taken(dockerfile: Dockerfile, stage: Stage) -> list[_Use]:
    """What the stages behind this one read from it, in the order of the file."""
    every = _uses_by_name(dockerfile)
    found = [use for name in {stage.name, str(stage.index)} for use in every.get(name, ())]
    found.sort(key=lambda use: use.instruction.start)
    return [use for use in found if use.instruction.end > stage.span.end]


@once_per_file
def _uses_by_name(dockerfile: Dockerfile) -> dict[str, list[_Use]]:
    """What `COPY --from` and `RUN --mount=from=` read, by the name that they give, or the number."""
    found: dict[str, list[_Use]] = {}
    for node in dockerfile.instructions:
        if isinstance(node, Copy) and len(node.paths) > 1 and node.source_stage is not None:
            uses = found.setdefault(node.source_stage.value.lower(), [])
            uses += (_Use(node, path) for path in node.sources)
        elif isinstance(node, Run):
            for flag in node.mounts:
                fields = dict(field.partition("=")[::2] for field in flag.value.split(","))
                if name := fields.get("from", "").lower():
                    path = fields.get("source", fields.get("src", "/"))
                    found.setdefault(name, []).append(_Use(node, path))
    return found


def meets(path: str, folder: str) -> bool:
    """Whether a path is a folder, lies in it, or is one above it that holds little else."""
    return path == folder or path.startswith(f"{folder}/") or (folder.startswith(f"{path}/") and path not in _HOMES)


def runs_a_script(run: Run) -> bool:
    """Whether a RUN starts something that may call any program: a script of the project, a make target, ansible."""
    called = {call.command.start for call in calls(run)}
    for command in run.script.simple_commands():
        name = posixpath.basename(command.name)
        if name in _BUILD_ONLY or command.start in called:
            continue
        if name in ("make", "gmake"):
            if any(_PREPARES.search(word.text) for word in command.arguments):
                return True
            continue
        is_local = command.name.startswith(("./", "../", "scripts/")) or name.endswith((".sh", ".bash"))
        if is_local or name in _RUNS_SCRIPTS:
            return True
    return False
