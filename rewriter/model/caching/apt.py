"""The RUNs of a stage, and of the stages based on it, that call apt: whether they can keep their downloads in mounts.

They can only together. A mount may be empty at any build, so each RUN that installs must have run its own update; and
Debian's `docker-clean`, which deletes downloads, has to be lifted, after which an apt without a mount leaves more
behind than before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.model.caching.cleanup import CLEANS, Cleanup, find_cleanup, is_removed
from rewriter.model.caching.mounts import CacheMount, cache_mounts, is_mounted
from rewriter.model.caching.users import copies_cache, runs_a_script
from rewriter.model.managers.call import Call
from rewriter.model.managers.run_calls import APT, calls
from rewriter.model.stages import Stage
from rewriter.model.state import State, States
from rewriter.model.users import ROOT
from rewriter.syntax.tree import Instruction, Run

_NEEDS_LISTS: Final = frozenset(
    ("install", "reinstall", "satisfy", "build-dep", "upgrade", "dist-upgrade", "full-upgrade", "source", "download")
)
_CLEANS: Final = CLEANS["apt-get"]
_APT: Final = APT | {"aptitude"}
_MENTION: Final = re.compile(r"(?<![\w./-])(?:apt-get|apt|aptitude)(?![\w./-])|/usr/bin/apt(?:-get)?\b")
_OWN_SETTINGS: Final = re.compile(r"\bDir(?:::|\s*\{)|APT_CONFIG|Keep-Downloaded-Packages")
_SCRIPT: Final = re.compile(
    r"\|\s*(?:sudo\s+(?:-\S+\s+)*)?(?:/bin/)?(?:ba|da)?sh\b|\b(?:ba)?sh\s+(?:-c\s+)?[\"']?(?:<\(|\$\()"
)

# Published set-up scripts, by what they are fetched from: these run `apt-get update` and install with it ...
_SCRIPTS_OF_APT: Final = re.compile(r"deb\.nodesource\.com/setup|script\.deb\.sh|get\.docker\.com")
# ... and these unpack archives of their own.
_SCRIPTS_WITHOUT_APT: Final = re.compile(
    r"sh\.rustup\.rs|nvm-sh/nvm|creationix/nvm|install\.python-poetry\.org|poetry/master/get-poetry|astral\.sh/uv"
    r"|get\.pnpm\.io|yarnpkg\.com/install|bun\.sh/install|get\.sdkman\.io|getcomposer\.org/installer|glide\.sh|oh-my-zsh"
    r"|deno\.land|sentry\.io/get-cli|get-helm-3|pyenv-installer|cpanmin\.us|install\.meteor\.com"
)

_LISTS: Final = "/var/lib/apt/lists"

DOCKER_CLEAN: Final = "/etc/apt/apt.conf.d/docker-clean"
"""Where Debian's and Ubuntu's images tell apt to delete what it has downloaded.

Source: https://github.com/debuerreotype/debuerreotype/blob/master/scripts/debuerreotype-minimizing-config
"""


class AptRun(NamedTuple):
    """A RUN that calls apt: `first` is the place of its first call in the list, `mounts` are those it lacks.

    `lifts` says that docker-clean goes in it, through `sudo` where apt itself is called so.
    """

    run: Run
    first: int
    is_install: bool
    mounts: tuple[CacheMount, ...]
    cleanup: Cleanup
    problem: str
    sudo: str = ""
    lifts: bool = False


class AptLayers(NamedTuple):
    """All RUNs that call apt, of a stage and of those based on it."""

    runs: tuple[AptRun, ...]
    problem: str
    culprit: Instruction | None


def find_apt_layers(states: States) -> Iterator[AptLayers]:
    """The groups of RUNs that stand or fall together."""
    for stage in states.graph.stages:
        if stage.parent is None:
            layers = _read(list(stage.family), states)
            if layers.runs:
                yield layers


def _read(stages: list[Stage], states: States) -> AptLayers:
    runs: list[AptRun] = []
    problem, culprit = "", None
    lifted: set[int] = set()  # the stages in which docker-clean is gone
    has_lists = False
    for stage in stages:
        if stage.parent is not None and stage.parent.index in lifted:
            lifted.add(stage.index)
        for node in stage.instructions:
            found = _judge(node, states.at(node)) if isinstance(node, Run) else None
            if isinstance(node, Run) and "docker-clean" in node.view.text:
                lifted.add(stage.index)
            if found is not None and isinstance(node, Run):
                runs.append(found._replace(lifts=bool(found.mounts) and stage.index not in lifted))
                lifted.add(stage.index)
                has_lists = not is_removed(node.script, states.at(node), _LISTS)
            reason = (found.problem if found else "") or _obstacle(node, found, seen=bool(runs), has_lists=has_lists)
            if reason and not problem:
                problem, culprit = reason, node
        if not problem and (trigger := next((one for one in stage.triggers if _MENTION.search(one.view.text)), None)):
            problem, culprit = "ONBUILD in line {line} calls apt in another build", trigger
        if runs and not problem and (copy := copies_cache(stage, [_LISTS, "/var/cache/apt"])):
            problem, culprit = "line {line} needs what would lie in the mount", copy
    return AptLayers(tuple(runs), problem, culprit)


def _obstacle(node: Instruction, found: AptRun | None, *, seen: bool, has_lists: bool) -> str:
    """Why an instruction that is no plain call of apt keeps the others from being changed."""
    if not isinstance(node, Run) or found is not None:
        return ""
    text = node.view.text
    if "apt" in text and _MENTION.search(text) and not _only_cleans(node):
        return "line {line} calls apt in a way that cannot be followed"
    if seen and has_lists and runs_a_script(node) and not _SCRIPTS_WITHOUT_APT.search(text):
        return "line {line} may need the package lists that an earlier RUN leaves"
    if seen and "sh" in text and _SCRIPT.search(text) and not _SCRIPTS_WITHOUT_APT.search(text):
        return "the script in line {line} may call apt"
    return ""


def may_need_lists(run: Run) -> bool:
    """Whether a RUN may install from lists that are there, in a way that cannot be followed."""
    found = [call for call in calls(run) if call.manager.name in _APT]
    is_mentioned = bool(_MENTION.search(run.view.text) or (run.json is not None and "apt-get" in run.view.text))
    return runs_a_script(run) or (is_mentioned and (not found or _hidden(run, found)))


def _only_cleans(run: Run) -> bool:
    found = [call for call in calls(run) if call.manager.name in _APT]
    return bool(found) and all(call.action in _CLEANS for call in found) and not _hidden(run, found)


def _hidden(run: Run, found: list[Call]) -> bool:
    """Whether apt is called from something other than simple commands."""
    if run.json is not None or (run.heredocs and run.script is run.shell):
        return True
    updates = [call.command.start for call in found if call.action == "update"]
    for opaque in run.script.opaques():
        # What an `if` installs finds the lists of an update that has surely run before.
        if _MENTION.search(opaque.text) and not (updates and updates[0] < opaque.start):
            return True
    seen = {(call.command.start, call.program.start) for call in found}
    for command in run.script.simple_commands():
        for word in command.words:
            is_program = (command.start, word.start) in seen
            if not is_program and (word.is_quoted or word.substitutions) and _MENTION.search(word.text):
                return command.name not in ("echo", "printf")
    return False


def _judge(run: Run, state: State) -> AptRun | None:
    found = [call for call in calls(run) if call.manager.name in _APT and call.subcommand is not None]
    text = run.view.text
    is_script = "http" in text and bool(_SCRIPTS_OF_APT.search(text) and _SCRIPT.search(text))
    if not is_script and all(call.action in _CLEANS for call in found):
        return None
    mounts = cache_mounts("apt-get", state)
    assert not isinstance(mounts, str), "apt's folders depend on no user"
    missing = tuple(mount for mount in mounts if not is_mounted(run, mount.target))
    starts = [item.pipeline.commands[0].start for item in run.script.items]
    first = found[0].command.start if found else 0
    index = max((number for number, start in enumerate(starts) if start <= first), default=0)
    is_install = is_script or any(call.action in _NEEDS_LISTS for call in found)
    is_install = is_install or any(_MENTION.search(opaque.text) for opaque in run.script.opaques())
    problem = _problem(run, state, found)
    cleanup = Cleanup()
    if missing and not problem:
        folders = [mount.target for mount in mounts]
        cleanup = find_cleanup(run.script, state, managers=_APT, folders=folders, home=ROOT.home)
    wrapper = [word.value for word in found[0].wrapper] if found else []
    sudo = found[0].sudo if found else ""
    if wrapper and (wrapper[0] not in ("sudo", "env") or any(word in ("-S", "-u", "--stdin") for word in wrapper)):
        problem = problem or "line {line} calls apt through another program"
    return AptRun(run, index, is_install, missing, cleanup, problem or cleanup.problem, sudo)


def _problem(run: Run, state: State, found: list[Call]) -> str:
    if not state.is_posix_shell:
        return "the SHELL in force is not a POSIX shell"
    if _hidden(run, found):
        return "line {line} calls apt in a way that cannot be followed"
    if _OWN_SETTINGS.search(run.view.text):
        return "line {line} sets apt's folders itself"
    if any(flag.value and "target=/var/" in flag.value for flag in run.mounts) and not _has_cache(run):
        return "line {line} has another mount there"
    is_updated = False
    for call in found:
        if call.manager.name != "apt-get" and call.action in _NEEDS_LISTS:
            return f"line {{line}} calls {call.manager.name}, which deletes what it downloads"
        if call.action == "update":
            is_updated = True
        elif call.action in _NEEDS_LISTS and not is_updated:
            return "line {line} installs without an update of its own: it would find no package lists"
        if call.has("-d", "--download-only"):
            return "line {line} only downloads: the downloads are what it is for"
    return ""


def _has_cache(run: Run) -> bool:
    return any("type=cache" in flag.value for flag in run.mounts)
