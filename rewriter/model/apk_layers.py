"""The RUNs that install with apk: whether they can keep their downloads in a cache mount.

apk keeps packages only in a cache that it is told of; the folder that it keeps indexes in anyway is in every image.
This is for apk 3 alone, so for Alpine 3.23 and newer: there packages are named after their own hash and indexes after
their whole address, so that releases and architectures do not meet. apk 2 names an index without its architecture, and
writes a list of what no repository has any more, from which it then installs into the next image.
Source: https://man.archlinux.org/man/apk.8, https://alpinelinux.org/posts/Alpine-3.23.0-released.html and
https://gitlab.alpinelinux.org/alpine/apk-tools, src/database.c
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.model.cache_users import copies_cache, offline_step
from rewriter.model.caches import CacheMount, is_mounted
from rewriter.model.calls import calls
from rewriter.model.cleanup import Cleanup, find_cleanup
from rewriter.model.install_layers import changes_user
from rewriter.model.packages import Call
from rewriter.model.stages import Stage
from rewriter.model.state import State, States
from rewriter.model.users import ROOT, find_account
from rewriter.syntax.shell import Word
from rewriter.syntax.tree import Copy, Instruction, Run

MOUNT: Final = CacheMount("/var/cache/apk", sharing="locked")
"""Where apk keeps indexes, and packages as well where it is told that this is its cache."""
_CONFIGURED: Final = "/etc/apk/cache"
"""What makes a cache of its own by being there."""

_FIRST_RELEASE: Final = (3, 23, 6)  # apk-tools 3.0.8; no earlier one was looked at
_MOVING_TAGS: Final = frozenset({"", "latest", "3", "edge"})
_RELEASE: Final = re.compile(r"([0-9]+)\.([0-9]+)(?:\.([0-9]+))?\Z")
_SUFFIX: Final = re.compile(r"(?:^|-)alpine-?([0-9.]+)(?:-|\Z)")

_FILLS: Final = frozenset({"add", "upgrade", "fix"})
_REFRESH: Final = ("-U", "--update", "--update-cache")
_OTHER_ROOT: Final = ("-p", "--root")
_REPOSITORY: Final = re.compile(r"repositor|\s-X")
_MENTION: Final = re.compile(r"(?<![\w./-])(?:/sbin/)?apk(?![\w./-])")


class ApkCall(NamedTuple):
    """A call that installs: the words that keep it from a cache, and whether it must ask for the index itself."""

    call: Call
    refusals: tuple[Word, ...]
    is_stale: bool


class ApkRun(NamedTuple):
    """A RUN that installs with apk, with what it calls and what empties the cache, or why it must stay."""

    run: Run
    calls: tuple[ApkCall, ...] = ()
    cleanup: Cleanup = Cleanup()
    problem: str = ""
    culprit: Instruction | None = None


def find_apk_runs(states: States) -> Iterator[ApkRun]:
    """The RUNs that install with apk 3 and do not keep what it downloads."""
    for stage in states.graph.stages:
        if not has_apk3(stage):
            continue
        runs = list(_installing(stage))
        problem, culprit = _problem_of_stage(stage) if runs else ("", None)
        for run, found in runs:
            yield ApkRun(run, problem=problem, culprit=culprit) if problem else _judge(run, states.at(run), found)


def has_apk3(stage: Stage) -> bool:
    """Whether a stage builds upon an image with apk 3."""
    origin = stage.origin
    if origin is None or not origin.family or (origin.digest and not origin.tag):
        return False
    if origin.family == "alpine":
        if origin.tag in _MOVING_TAGS:
            return True
        release = _RELEASE.match(origin.tag)
    else:
        suffix = _SUFFIX.search(origin.tag)
        release = _RELEASE.match(suffix[1]) if suffix else None
    if release is None:
        return False
    patch = int(release[3]) if release[3] else 99  # 3.23 is the newest of its kind
    return (int(release[1]), int(release[2]), patch) >= _FIRST_RELEASE


def _is_cached(call: Call) -> bool:
    """Whether a call uses the cache of the image; with another root it uses the one there."""
    return call.manager.name == "apk" and call.subcommand is not None and not call.has(*_OTHER_ROOT)


def _fills(call: Call) -> bool:
    """Whether a call downloads packages: `apk add ./x.apk` has them already."""
    is_local = bool(call.packages) and all(word.text.strip("\"'").endswith(".apk") for word in call.packages)
    return call.action in _FILLS and not is_local


def _installing(stage: Stage) -> Iterator[tuple[Run, list[Call]]]:
    """The RUNs in which apk downloads packages and has no mount for them, with its calls."""
    for node in stage.instructions:
        if not isinstance(node, Run) or is_mounted(node, MOUNT.target) or is_mounted(node, _CONFIGURED):
            continue
        found = [call for call in calls(node) if _is_cached(call)]
        if any(map(_fills, found)):
            yield node, found


def _problem_of_stage(stage: Stage) -> tuple[str, Instruction | None]:
    """Why no RUN of a stage can have the mount, and the instruction that is to blame."""
    if configured := next((node for one in stage.lineage for node in one.instructions if _configures(node)), None):
        return "line {line} gives apk a cache of its own", configured
    if offline := offline_step(stage.dockerfile, "apk") or _offline_run(stage):
        return "line {line} may not download", offline
    if user := copies_cache(stage, [MOUNT.target]):
        return "line {line} needs what would lie in the mount", user
    return "", None


def _configures(node: Instruction) -> bool:
    """Whether an instruction makes a cache of its own."""
    if isinstance(node, Copy) and node.words:
        return node.destination.startswith(_CONFIGURED)
    return isinstance(node, Run) and _CONFIGURED in node.view.text


def _offline_run(stage: Stage) -> Instruction | None:
    """The RUN that needs the index of an earlier layer."""
    runs = (node for node in stage.instructions if isinstance(node, Run))
    return next((run for run in runs if any(call.has("--no-network") for call in calls(run))), None)


def _judge(run: Run, state: State, found: list[Call]) -> ApkRun:
    if problem := _problem(run, state, found):
        return ApkRun(run, problem=problem)
    cleanup = find_cleanup(run.script, state, managers={"apk"}, folders=[MOUNT.target], home=ROOT.home)
    if cleanup.problem:
        return ApkRun(run, problem=cleanup.problem)
    return ApkRun(run, tuple(_read_calls(run, found)), cleanup)


def _read_calls(run: Run, found: list[Call]) -> Iterator[ApkCall]:
    items = run.script.items
    # What runs only if another command fails may not have asked for the index, nor that of a repository yet to come.
    certain = {command.start for item in items if item.operator != "||" for command in item.pipeline.commands}
    if _REPOSITORY.search(run.view.text):
        certain = set()
    is_fresh = False
    for call in found:
        refusals = tuple(option.word for option in call.options if option.name == "--no-cache")
        if _fills(call):
            yield ApkCall(call, refusals, is_stale=not is_fresh and not call.has(*_REFRESH))
        is_update = _fills(call) or (call.action == "update" and not refusals)
        is_fresh = is_fresh or (is_update and call.command.start in certain)


def _problem(run: Run, state: State, found: list[Call]) -> str:
    """Why the RUN must stay as it is."""
    if not state.is_posix_shell:
        return "the SHELL in force is not a POSIX shell"
    account = find_account(state)
    if account is None or account.uid != 0:
        return "apk does not run as root"
    if run.json is not None or (run.heredocs and run.script is run.shell):
        return "apk is called in a way that cannot be followed"
    if any(_MENTION.search(one.text) and one.start < found[0].command.start for one in run.script.opaques()):
        return "apk is called in a way that cannot be followed"
    if changer := changes_user(found, account):
        return f"`{changer}` changes who installs"
    for call in found:
        if call.has("--cache-dir"):
            return f"`apk {call.action}` names a cache of its own"
        values = (state.get(name) or "" for word in call.unknown for name in word.variables)
        if any("--no-cache" in value for value in values):
            return "a variable switches the cache off"
    return ""
