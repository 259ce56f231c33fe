"""The RUNs that install with apk 3 or dnf 5: whether they can keep their downloads in a cache mount.

Both keep packages if told to, and fetch them again where a stopped build has left half of one. Each RUN decides for
itself, for both fetch the index they lack. But they trust an index that is hours old, which names packages that mirrors
have removed since: the first call of each RUN asks for today's.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from rewriter.model.caching.cleanup import Cleanup, find_cleanup
from rewriter.model.caching.installs import changes_user
from rewriter.model.caching.mounts import CacheMount, is_mounted
from rewriter.model.caching.users import meets, offline_step
from rewriter.model.managers.call import Call
from rewriter.model.managers.run_calls import calls
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, names
from rewriter.model.stages import Stage
from rewriter.model.state import State, States
from rewriter.model.users import ROOT, find_account
from rewriter.syntax.shell import Word
from rewriter.syntax.tree import Copy, Dockerfile, Instruction, Run

_MOVING_TAGS: Final = frozenset({"", "latest", "3", "edge", "rawhide"})
"""Those that name the newest release of a distribution, which is past the first one needed."""
# The tag of a snapshot, such as 20250108, is none.
_RELEASE: Final = re.compile(r"([0-9]{1,3})(?:\.([0-9]+))?(?:\.([0-9]+))?\Z")
_ALPINE: Final = re.compile(r"(?:^|-)alpine-?([0-9.]+)(?:-|\Z)")


class Habits(NamedTuple):
    """How a manager keeps packages.

    `keeps` are the options that make it, `asks` that for today's index, `refuses` those that forbid a cache;
    `is_early` says that options stand in front of the subcommand. `fills` are the subcommands that download packages,
    `updates` those that fetch the index alone. With the options of `elsewhere` it works on another root, with those of
    `own` it puts packages elsewhere, with those of `offline` it downloads nothing. `configured` are the paths and
    settings that give it a cache of its own, `programs` its names; `has` tells whether a stage comes with it.
    """

    name: str
    programs: frozenset[str]
    mount: CacheMount
    keeps: str
    asks: str
    refreshes: frozenset[str]
    fills: frozenset[str]
    updates: frozenset[str]
    refuses: frozenset[str]
    elsewhere: frozenset[str]
    own: frozenset[str]
    offline: frozenset[str]
    configured: tuple[str, ...]
    is_early: bool
    has: Callable[[Stage], bool]


def has_apk3(stage: Stage) -> bool:
    """Whether a stage builds upon Alpine 3.23 or newer.

    apk 2 names an index without its architecture, and writes a list of what no repository has any more into its cache,
    from which it then installs into the next image. apk-tools 3.0.8 of 3.23.6 does neither; older ones of 3.23 were not
    looked at, but a tag without a patch is the newest.
    Source: https://alpinelinux.org/posts/Alpine-3.23.0-released.html and src/database.c of
    https://gitlab.alpinelinux.org/alpine/apk-tools
    """
    return _is_release(stage, "alpine", (3, 23, 6), _ALPINE)


def has_dnf5(stage: Stage) -> bool:
    """Whether a stage builds upon Fedora 41 or newer, where dnf and yum are dnf 5.

    dnf 4 waits for the process whose number a stopped build has left in its cache.
    Source: https://fedoraproject.org/wiki/Changes/SwitchToDnf5
    """
    return _is_release(stage, "fedora", (41, 0, 0))


def _is_release(stage: Stage, family: str, first: tuple[int, ...], suffix: re.Pattern[str] | None = None) -> bool:
    origin = stage.origin
    if origin is None or not origin.family or (origin.digest and not origin.tag):
        return False
    release = None
    if origin.family == family:
        if origin.tag in _MOVING_TAGS and not origin.digest:
            return True
        release = _RELEASE.match(origin.tag)
    elif suffix is not None and (found := suffix.search(origin.tag)):
        release = _RELEASE.match(found[1])
    missing = 0 if origin.digest else 99  # a tag that says no more moves on, unless a digest holds it
    return release is not None and tuple(int(part or missing) for part in release.groups()) >= first


_HABITS: Final = (
    Habits(  # https://man.archlinux.org/man/apk.8
        "apk",
        names("apk"),
        CacheMount("/var/cache/apk", sharing="locked"),
        keeps="--cache-dir=/var/cache/apk",
        asks="--update-cache",
        refreshes=names("-U --update --update-cache"),
        fills=names("add upgrade fix"),
        updates=names("update"),
        refuses=names("--no-cache"),
        elsewhere=names("-p --root"),
        own=names("--cache-dir"),
        offline=names("--no-network"),
        configured=("/etc/apk/cache",),
        is_early=False,
        has=has_apk3,
    ),
    Habits(  # https://man.archlinux.org/man/dnf5-caching.7
        "dnf",
        names("dnf dnf5 yum"),
        CacheMount("/var/cache/libdnf5", sharing="locked"),
        keeps="--setopt=keepcache=True",
        asks="--refresh",
        refreshes=names("--refresh"),
        fills=SYSTEM_MANAGERS["dnf"].installs | names("update upgrade distro-sync dsync swap downgrade groupupdate"),
        updates=frozenset(),
        refuses=frozenset(),
        elsewhere=names("--installroot"),
        own=names("--downloadonly --destdir --store"),
        offline=names("-C --cacheonly"),
        configured=("keepcache", "cachedir", "/etc/dnf/dnf.conf"),
        is_early=True,
        has=has_dnf5,
    ),
)  # fmt: skip

_REPOSITORY: Final = re.compile(r"repo|\s-X|\bcopr\b")


class SystemCall(NamedTuple):
    """A call that installs: the words that keep it from a cache, and whether it must ask for the index itself."""

    call: Call
    refusals: tuple[Word, ...]
    is_stale: bool


class SystemRun(NamedTuple):
    """A RUN that installs with a manager, with what it calls and what empties the cache, or why it must stay."""

    run: Run
    habits: Habits
    calls: tuple[SystemCall, ...] = ()
    cleanup: Cleanup = Cleanup()
    problem: str = ""
    culprit: Instruction | None = None


def find_system_runs(states: States) -> Iterator[SystemRun]:
    """The RUNs that install with apk 3 or dnf 5 and do not keep what these download."""
    stages = states.graph.stages
    for habits in _HABITS:
        if not any(habits.has(stage) for stage in stages):
            continue
        problem, culprit = _problem_of_file(stages[0].dockerfile, habits)
        configured: dict[int, Instruction | None] = {}
        for stage in stages:
            above = configured.get(stage.parent.index) if stage.parent else None
            here = configured[stage.index] = above or _configuring(stage, habits)
            for run, found in _installing(stage, habits) if habits.has(stage) else ():
                if here is not None:
                    reason = f"line {{line}} gives {habits.name} a cache of its own"
                    yield SystemRun(run, habits, problem=reason, culprit=here)
                elif problem:
                    yield SystemRun(run, habits, problem=problem, culprit=culprit)
                else:
                    yield _judge(run, states.at(run), habits, found)


def _installing(stage: Stage, habits: Habits) -> Iterator[tuple[Run, list[Call]]]:
    """The RUNs in which a manager downloads packages and has no mount for them, with its calls."""
    for node in stage.instructions:
        if not isinstance(node, Run) or is_mounted(node, habits.mount.target):
            continue
        found = [call for call in _calls(node, habits) if not call.has(*habits.elsewhere)]
        if any(_fills(call, habits) for call in found) and not _is_mounted_elsewhere(node, habits):
            yield node, found


def _calls(run: Run, habits: Habits) -> list[Call]:
    return [call for call in calls(run) if call.manager.name in habits.programs and call.subcommand is not None]


def _is_mounted_elsewhere(run: Run, habits: Habits) -> bool:
    return any(is_mounted(run, path) for path in habits.configured if path.startswith("/"))


def _fills(call: Call, habits: Habits) -> bool:
    """Whether a call downloads packages: `apk add ./x.apk` has them already."""
    files = [word.text.strip("\"'") for word in call.packages]
    is_local = bool(files) and all(name.endswith((".apk", ".rpm")) and "://" not in name for name in files)
    return call.action in habits.fills and not is_local


def _configuring(stage: Stage, habits: Habits) -> Instruction | None:
    """The instruction of a stage that makes a cache of its own."""
    for node in stage.instructions:
        if isinstance(node, Copy):
            if node.words and node.destination.startswith(habits.configured):
                return node
        elif isinstance(node, Run) and any(mark in node.view.text for mark in habits.configured):
            return node
    return None


def _problem_of_file(dockerfile: Dockerfile, habits: Habits) -> tuple[str, Instruction | None]:
    """Why no RUN can have the mount, and the instruction that is to blame."""
    runs = [node for node in dockerfile.instructions if isinstance(node, Run)]
    local = (run for run in runs if any(call.has(*habits.offline) for call in _calls(run, habits)))
    if offline := offline_step(dockerfile, habits.name) or next(local, None):
        return "line {line} may not download", offline
    if user := next((node for node in dockerfile.instructions if _takes(node, habits.mount.target)), None):
        return "line {line} needs what would lie in the mount", user
    return "", None


def _takes(node: Instruction, folder: str) -> bool:
    """Whether an instruction copies or mounts what lies in a folder of another stage, or copies something there."""
    paths: list[str] = []
    if isinstance(node, Copy):
        paths += node.paths
    elif isinstance(node, Run):
        fields = [dict(field.partition("=")[::2] for field in flag.value.split(",")) for flag in node.mounts]
        paths += [one.get("source", one.get("src", "/")) for one in fields if "from" in one]
    return any(meets(posixpath.normpath("/" + path.lstrip("/")), folder) for path in paths)


def _judge(run: Run, state: State, habits: Habits, found: list[Call]) -> SystemRun:
    if problem := _problem(run, state, habits, found):
        return SystemRun(run, habits, problem=problem)
    folders = [habits.mount.target]
    cleanup = find_cleanup(run.script, state, managers=habits.programs, folders=folders, home=ROOT.home)
    if cleanup.problem:
        return SystemRun(run, habits, problem=cleanup.problem)
    return SystemRun(run, habits, tuple(_read_calls(run, habits, found)), cleanup)


def _read_calls(run: Run, habits: Habits, found: list[Call]) -> Iterator[SystemCall]:
    items = run.script.items
    # What runs only if another command fails may not have asked for the index, nor that of a repository yet to come.
    certain = {command.start for item in items if item.operator != "||" for command in item.pipeline.commands}
    if _REPOSITORY.search(run.view.text):
        certain = set()
    is_fresh = False
    for call in found:
        refusals = tuple(option.word for option in call.options if option.name in habits.refuses)
        if _fills(call, habits):
            yield SystemCall(call, refusals, is_stale=not is_fresh and not call.has(*habits.refreshes))
        is_update = _fills(call, habits) or (call.action in habits.updates and not refusals)
        is_fresh = is_fresh or (is_update and call.command.start in certain)


def _problem(run: Run, state: State, habits: Habits, found: list[Call]) -> str:
    """Why the RUN must stay as it is."""
    if not state.is_posix_shell:
        return "the SHELL in force is not a POSIX shell"
    account = find_account(state)
    if account is None or account.uid != 0:
        return f"{habits.name} does not run as root"
    mention = re.compile(rf"(?<![\w./-])(?:(?:/usr)?/s?bin/)?(?:{'|'.join(sorted(habits.programs))})(?![\w./-])")
    is_hidden = any(mention.search(one.text) and one.start < found[0].command.start for one in run.script.opaques())
    if is_hidden or run.json is not None or (run.heredocs and run.script is run.shell):
        return f"{habits.name} is called in a way that cannot be followed"
    if changer := changes_user(found, account):
        return f"`{changer}` changes who installs"
    for call in found:
        if call.has(*habits.own):
            return f"`{call.manager.name} {call.action}` puts what it downloads elsewhere"
        values = (state.get(name) or "" for word in call.unknown for name in word.variables)
        if any(option in value for value in values for option in habits.refuses):
            return "a variable switches the cache off"
    return ""
