"""The RUNs that compile with Go, Cargo, Maven, Gradle or .NET: whether they can keep their downloads in cache mounts.

They can only together: what one RUN has downloaded into a mount the next one, without it, would not find. And only
where nobody needs the downloads later: not the container, not another stage, not a step that may not download.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.model.caching.cleanup import Cleanup, find_cleanup
from rewriter.model.caching.installs import changes_user
from rewriter.model.caching.mounts import CacheMount, cache_mounts, is_mounted
from rewriter.model.caching.users import copies_cache, offline_step
from rewriter.model.managers.call import Call
from rewriter.model.managers.run_calls import calls
from rewriter.model.managers.vocabulary import names
from rewriter.model.stages import Stage
from rewriter.model.state import State, States
from rewriter.model.users import ROOT, find_account
from rewriter.syntax.tree import Cmd, Copy, Entrypoint, Instruction, Run

_MANAGERS: Final = ("cargo", "dotnet", "go", "gradle", "mvn")
_PROGRAMS: Final = {
    "cargo": re.compile(r"\bcargo\b"),
    "dotnet": re.compile(r"\bdotnet\b"),
    "go": re.compile(r"(?<![\w./-])go\b(?!\.)"),
    "gradle": re.compile(r"\bgradlew?\b"),
    "mvn": re.compile(r"\bmvnw?\b"),
}
_WITHOUT_DOWNLOADS: Final[dict[str, frozenset[str]]] = {
    "cargo": frozenset({"--offline", "--frozen"}),
    "dotnet": frozenset({"--no-restore", "--no-build"}),
    "go": frozenset(),
    "gradle": frozenset({"--offline"}),
    "mvn": frozenset({"-o", "--offline"}),
}
_OWN_CACHE: Final = frozenset(
    {"-s", "--settings", "-gs", "--global-settings", "-g", "--gradle-user-home", "--packages", "-modcacherw"}
)
_MAY_BUILD: Final = names("make gmake just task mage bazel ninja sh bash ash goreleaser")
_PRODUCTS: Final = frozenset({"install", "deploy", "publishToMavenLocal"})
"""Tasks of Maven and Gradle that put what was built into the repository of downloads."""
_TRACES: Final = {
    "cargo": re.compile(r"cargo/(?:registry|git)|cargo vendor"),
    "dotnet": re.compile(r"\.nuget/packages|NUGET_PACKAGES"),
    "go": re.compile(r"pkg/mod|\bgo list\b|\bgo env\b|GOMODCACHE"),
    "gradle": re.compile(r"\.gradle/"),
    "mvn": re.compile(r"\.m2/repository|\.m2\b(?!/)|build-classpath"),
}
"""What gives away that something looks into the folder of downloads."""
_GO_SETTINGS: Final = names("GOPROXY GOFLAGS GOMODCACHE GOCACHE")
_TOOLS: Final = re.compile(
    r"\b(?:go|cargo|mvnw?|gradlew?|air|realize|reflex|fresh|gow|CompileDaemon|compiledaemon|bee|watchexec|modd)\b"
    r"|\bdotnet\s+(?:run|watch|test|build|publish)\b"
)
_SCRIPT: Final = re.compile(r"\.(?:sh|bash|py|js|rb|pl)\Z|entrypoint\Z|\$")


class BuildRun(NamedTuple):
    """A RUN that compiles: the mounts it lacks, and what would empty them."""

    run: Run
    mounts: tuple[CacheMount, ...]
    cleanup: Cleanup


class BuildLayers(NamedTuple):
    """All RUNs of a stage, and of those based on it, that compile with one manager."""

    manager: str
    runs: tuple[BuildRun, ...]
    problem: str
    culprit: Instruction | None


def find_build_layers(states: States) -> Iterator[BuildLayers]:
    """The groups of RUNs that stand or fall together."""
    for stage in states.graph.stages:
        if stage.parent is None:
            family = list(stage.family)
            for manager in _MANAGERS:
                if layers := _read(family, states, manager):
                    yield layers


def _read(family: list[Stage], states: States, manager: str) -> BuildLayers | None:
    runs: list[BuildRun] = []
    problem = ""
    culprit: Instruction | None = None
    program = _PROGRAMS[manager]
    for stage in family:
        for node in stage.instructions:
            if not isinstance(node, Run) or not program.search(node.view.text):
                continue
            found = [call for call in calls(node) if call.manager.name == manager and (call.installs or call.builds)]
            if not found:
                if _hides(node, program):
                    problem, culprit = problem or "line {line} cannot be followed", culprit or node
                continue
            one, reason = _judge(node, states.at(node), manager, found)
            runs.append(one)
            if reason and not problem:
                problem, culprit = reason, node
    if not any(one.mounts for one in runs) and not problem:
        return None
    if not runs:
        return None
    if not problem and (step := offline_step(family[0].dockerfile, manager)):
        problem, culprit = "line {line} may not download", step
    if not problem:
        problem, culprit = _later_need(family, runs, _TRACES[manager])
    return BuildLayers(manager, tuple(one for one in runs if one.mounts or problem), problem, culprit)


def _hides(run: Run, program: re.Pattern[str]) -> bool:
    return run.json is not None or any(program.search(opaque.text) for opaque in run.script.opaques())


def _judge(run: Run, state: State, manager: str, found: list[Call]) -> tuple[BuildRun, str]:
    nothing = BuildRun(run, (), Cleanup())
    if not state.is_posix_shell:
        return nothing, "the SHELL in force is not a POSIX shell"
    account = find_account(state)
    # A mount in root's home does no harm where the base image's user is another one, if nothing else changes.
    is_guess = account is None and not state.user and not state.sets_user
    mounts = cache_mounts(manager, state, ROOT if is_guess else account)
    if isinstance(mounts, str):
        return nothing, mounts
    missing = tuple(mount for mount in mounts if not is_mounted(run, mount.target))
    folders = [mount.target for mount in missing]
    cleanup = find_cleanup(run.script, state, managers={manager}, folders=folders, home=(account or ROOT).home)
    one = BuildRun(run, missing, cleanup)
    if is_guess and (cleanup.items or cleanup.words):
        return one, "the user of the base image is not known"
    if _hides(run, _PROGRAMS[manager]):
        return one, "line {line} cannot be followed"
    if account is not None and account.uid:
        return one, "the folders above the mount would belong to root"
    if changes_user(found, account):
        return one, "line {line} changes who builds"
    for call in found:
        if call.has(*_WITHOUT_DOWNLOADS[manager]):
            return one, "line {line} does not download what it needs"
        if call.has(*_OWN_CACHE) or any("repo.local" in option.value for option in call.options):
            return one, "line {line} names a cache of its own"
        if manager in ("mvn", "gradle") and _PRODUCTS & set(call.tasks):
            return one, "line {line} installs what it builds beside the downloads"
        if _GO_SETTINGS & {assignment.name for assignment in call.command.assignments}:
            return one, "line {line} sets up Go's cache itself"
    if manager == "go" and all(call.action == "mod download" for call in found):
        modules = tuple(mount for mount in missing if mount.target.endswith("/pkg/mod"))
        one = one._replace(mounts=modules)  # nothing is compiled
    if manager == "go" and (state.get("GOPROXY") == "off" or state.get("GO111MODULE") == "off"):
        return one, "Go does not download modules here"
    return one, cleanup.problem if missing else ""


def _later_need(family: list[Stage], runs: list[BuildRun], trace: re.Pattern[str]) -> tuple[str, Instruction | None]:
    """Why something that comes later needs the downloads."""
    folders = list(dict.fromkeys(mount.target for one in runs for mount in one.mounts))
    ours = {id(one.run) for one in runs}
    for stage in family:
        if user := copies_cache(stage, folders):
            return "line {line} needs what would lie in the mount", user
        for node in stage.instructions:
            if isinstance(node, Run | Cmd | Entrypoint | Copy) and trace.search(node.arguments):
                return "line {line} needs what would lie in the mount", node
            if isinstance(node, Run) and id(node) not in ours and _may_build(node):
                return "line {line} may build as well, without the mount", node
        is_started = any(isinstance(node, Cmd | Entrypoint) for node in stage.instructions)
        if (stage.is_final or is_started) and (need := _starts_a_tool(stage)):
            return need
    return "", None


def _may_build(run: Run) -> bool:
    programs = [command.name for command in run.script.simple_commands()]
    return any(posixpath.basename(name) in _MAY_BUILD or name.startswith(("./", "scripts/")) for name in programs)


def _starts_a_tool(stage: Stage) -> tuple[str, Instruction | None] | None:
    """Why the container that is shipped may want the downloads: it starts a tool, or it is not known what it starts."""
    starts = [node for one in stage.lineage for node in one.instructions if isinstance(node, Cmd | Entrypoint)]
    for node in starts:
        words = [string.value for string in node.json] if node.json is not None else node.arguments.split()
        if _TOOLS.search(" ".join(words)):
            return "the command in line {line} may build again", node
        first = posixpath.basename(words[0]) if words else ""
        is_unknown = not first or first in _MAY_BUILD or _SCRIPT.search(first)
        if is_unknown and not (isinstance(node, Cmd) and len(starts) > 1):
            return "it is not known what the command in line {line} starts", node
    if not starts:
        return "it is not known what the container starts", None
    return None
