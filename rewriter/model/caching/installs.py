"""The RUNs that install packages of languages: whether they can keep their downloads in cache mounts.

For pip, npm and their like each RUN decides for itself: what it installs lies elsewhere. For Go, Cargo, Maven, Gradle
and .NET the downloads are what later steps compile against, so all RUNs of a stage take the mounts or none does.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rewriter.model.caching.cleanup import Cleanup, find_cleanup
from rewriter.model.caching.mounts import MOUNTABLE, CacheMount, cache_mounts, is_mounted, moving_variables
from rewriter.model.caching.users import copies_cache, offline_step, runs_a_script
from rewriter.model.managers.call import Call, Option, call_of
from rewriter.model.managers.run_calls import calls
from rewriter.model.managers.vocabulary import names
from rewriter.model.once import once_per_file
from rewriter.model.stages import Stage
from rewriter.model.state import State, States
from rewriter.model.users import ROOT, Account, find_account
from rewriter.syntax import words
from rewriter.syntax.shell import Word
from rewriter.syntax.shell_tree import Assignment
from rewriter.syntax.tree import Copy, Dockerfile, Env, Instruction, Run

_BUILDERS: Final = frozenset({"go", "cargo", "mvn", "gradle", "dotnet"})
_ALONE: Final = frozenset(MOUNTABLE - _BUILDERS - {"apt-get"})
_NO_CACHE: Final[dict[str, frozenset[str]]] = {
    "pip": frozenset({"--no-cache-dir", "--no-cache"}),
    "uv": frozenset({"--no-cache-dir", "--no-cache", "-n"}),
    "poetry": frozenset({"--no-cache"}),
    "bun": frozenset({"--no-cache"}),
    "composer": frozenset({"--no-cache"}),
}
"""The options that keep a manager from using its cache."""
_OWN_CACHE: Final[dict[str, frozenset[str]]] = {
    "pip": frozenset({"--cache-dir"}),
    "uv": frozenset({"--cache-dir"}),
    "npm": frozenset({"--cache"}),
    "yarn": frozenset({"--cache-folder"}),
    "pnpm": frozenset({"--store-dir"}),
    "bun": frozenset({"--cache-dir"}),
    "mvn": frozenset({"-Dmaven.repo.local", "-s", "--settings"}),
    "gradle": frozenset({"-g", "--gradle-user-home"}),
    "dotnet": frozenset({"--packages"}),
}
"""The options that name another cache."""
_SWITCHES: Final[dict[str, tuple[str, ...]]] = {
    "pip": ("PIP_NO_CACHE_DIR",),
    "pipenv": ("PIP_NO_CACHE_DIR",),
    "uv": ("UV_NO_CACHE",),
    "poetry": ("POETRY_NO_CACHE",),
    "composer": ("COMPOSER_NO_CACHE",),
}
"""The variables that switch a cache off, whatever their value: PIP_NO_CACHE_DIR does so even with 0."""
_CONFIGURES: Final[dict[str, re.Pattern[str]]] = {
    "pip": re.compile(r"config\s+(?:--\S+\s+)*set\s+\S*cache-dir|cache-dir\s*=\s"),
    "npm": re.compile(r"config\s+(?:--?\S+\s+)*set\s+(?:--?\S+\s+)*cache\b"),
    "yarn": re.compile(r"set version|cache-folder|enableGlobalCache|\bcorepack\b|yarn@[2-9]|yarn@(?:berry|stable)"),
    "pnpm": re.compile(r"store-dir"),
    "poetry": re.compile(r"config\s+(?:--\S+\s+)*cache-dir"),
    "composer": re.compile(r"cache-dir"),
}
"""Settings made by a command that move a cache, or make one that another version of the manager uses."""
_CHANGE_USER: Final = frozenset({"sudo", "doas", "gosu", "su-exec", "s6-setuidgid"})
_WRITE_NO_CACHE: Final = names("mkdir rm chmod chown echo printf set cd export true test . source cp mv ln")


class InstallRun(NamedTuple):
    """A RUN that installs: the mounts it lacks, what keeps its manager from using them, or why it must stay.

    `switch` is the variable that switches the cache off, where nothing else is in the way.
    """

    run: Run
    manager: str
    mounts: tuple[CacheMount, ...]
    hindrances: tuple[tuple[Call, tuple[Word, ...]], ...]
    assignments: tuple[Assignment, ...]
    cleanup: Cleanup
    problem: str
    culprit: Instruction | None
    switch: str
    stage: Stage | None = None


def find_install_runs(states: States) -> Iterator[InstallRun]:
    """The RUNs that install with a manager whose cache is known and do not mount it yet; one for each manager."""
    for stage in states.graph.stages:
        for run in stage.instructions:
            if not isinstance(run, Run):
                continue
            state: State | None = None
            found = [call for call in calls(run) if call.manager.name in _ALONE and _downloads(call)]
            for manager in dict.fromkeys(call.manager.name for call in found):
                state = state or states.at(run)
                if step := offline_step(stage.dockerfile, manager):
                    if not any("type=cache" in flag.value for flag in run.mounts):
                        yield _refused(run, manager, "line {line} may not download", culprit=step)
                    continue
                one = _judge(run, stage, state, manager, [call for call in found if call.manager.name == manager])
                if one is not None:
                    yield one


def _judge(run: Run, stage: Stage, state: State, manager: str, found: Sequence[Call]) -> InstallRun | None:
    account = find_account(state)
    # A mount in root's home does no harm where the base image's user is another one, if nothing else changes.
    is_guess = account is None and not state.user and not state.sets_user
    mounts = cache_mounts(manager, state, ROOT if is_guess else account)
    if isinstance(mounts, str):
        return _refused(run, manager, mounts)
    missing = tuple(mount for mount in mounts if not is_mounted(run, mount.target))
    if not missing:
        return None
    if not state.is_posix_shell:
        return _refused(run, manager, "the SHELL in force is not a POSIX shell")
    if reason := _configured(run, state, manager, found):
        return _refused(run, manager, reason)
    if account and (reason := _shut_out(run, account, manager, missing)):
        return _refused(run, manager, reason)
    if user := copies_cache(stage, [mount.target for mount in missing]):
        return _refused(run, manager, "line {line} needs what would lie in the mount", culprit=user)
    cleanup = find_cleanup(
        run.script,
        state,
        managers={manager},
        folders=[mount.target for mount in missing],
        home=(account or ROOT).home,
    )
    if cleanup.problem:
        return _refused(run, manager, cleanup.problem)
    hindrances = tuple((call, against) for call in found if (against := _words_against(call)))
    switches = _SWITCHES.get(manager, ())
    assignments = tuple(one for call in found for one in call.command.assignments if one.name in switches)
    for name in switches:
        if state.is_set(name):
            return _refused(run, manager, f"{name} switches the cache off", switch=name)._replace(stage=stage)
    if is_guess and (hindrances or assignments or cleanup.items or cleanup.words):
        return _refused(run, manager, "the user of the base image is not known")
    return InstallRun(run, manager, missing, hindrances, assignments, cleanup, "", None, "")


def _downloads(call: Call) -> bool:
    """Whether a call fills the cache; uv keeps the Pythons that it installs in none."""
    return call.installs and call.action != "python install"


def _refused(
    run: Run, manager: str, problem: str, *, culprit: Instruction | None = None, switch: str = ""
) -> InstallRun:
    return InstallRun(run, manager, (), (), (), Cleanup(), problem, culprit, switch)


def find_switches(dockerfile: Dockerfile, installs: Sequence[InstallRun]) -> Iterator[tuple[Env, words.Word]]:
    """The ENV pairs that switch a cache off and keep nothing else from leaving its downloads in the image."""
    for switch in dict.fromkeys(one.switch for one in installs if one.switch):
        managers = [manager for manager, names in _SWITCHES.items() if switch in names]
        concerned = [one for one in installs if one.manager in managers]
        if any(one.problem and one.switch != switch for one in concerned) or _calls_unseen(dockerfile, managers):
            continue
        stages = [stage for one in concerned if one.switch and one.stage for stage in one.stage.lineage]
        last = max(one.run.start for one in concerned)
        for stage in dict.fromkeys(stages):
            for node in stage.instructions:
                if isinstance(node, Env) and not node.is_legacy and node.start < last:
                    yield from ((node, word) for word in node.words if word.text.partition("=")[0] == switch)


def _calls_unseen(dockerfile: Dockerfile, managers: Sequence[str]) -> bool:
    """Whether a manager may be called where calls cannot be followed."""
    for node in dockerfile.instructions:
        if isinstance(node, Run):
            hidden = (node.arguments,) if node.json is not None else (one.text for one in node.script.opaques())
            if runs_a_script(node) or any(manager in text for text in hidden for manager in managers):
                return True
    return False


def _words_against(call: Call) -> tuple[Word, ...]:
    names = _NO_CACHE.get(call.manager.name, frozenset())
    against: list[Word] = []
    for option in call.options:
        if option.name in names:
            against += [option.word, *([option.value_word] if option.value_word else [])]
    return tuple(against)


def _configured(run: Run, state: State, manager: str, found: Sequence[Call]) -> str:
    """Why the cache may lie elsewhere, or not be used."""
    if changer := changes_user(found, find_account(state)):
        return f"`{changer}` changes who installs"
    own = _OWN_CACHE.get(manager, frozenset())
    no_cache = _NO_CACHE.get(manager, frozenset())
    for call in found:
        if any(option.name in own for option in call.options):
            return f"`{call.manager.name} {call.action}` names a cache of its own"
        if call.has("--immutable", "--immutable-cache") or any("symlink" in option.value for option in call.options):
            return f"what `{call.manager.name} {call.action}` keeps in its cache is used from there"
        if any(_shares_word(option, call, no_cache) for option in call.options):
            return f"`{call.manager.name} {call.action}` switches its cache off in a word with other options"
    if (name := _sets_inline(run, manager)) and name not in _SWITCHES.get(manager, ()):
        return f"the RUN sets {name} itself"
    if manager == "uv" and state.get("UV_LINK_MODE") == "symlink":
        return "UV_LINK_MODE makes links into the cache"
    if manager == "yarn" and (_may_be_berry(run.dockerfile) or ".yarn" in (state.get("YARN_CACHE_FOLDER") or "")):
        return "Yarn Berry may use its cache from where it is"
    if manager in _CONFIGURES and (_moves_cache(run, manager) or any(state.runs_where(_moves_cache, manager))):
        return f"{manager} is configured by a command"
    return ""


def _moves_cache(run: Run, manager: str) -> bool:
    return _CONFIGURES[manager].search(run.view.text) is not None


def changes_user(found: Sequence[Call], account: Account | None) -> str:
    """The program in front of a call that makes somebody else run it; empty where none does."""
    for call in found:
        changers = [word.value for word in call.wrapper if word.value in _CHANGE_USER]
        names_user = any(word.text.startswith(("-u", "--user")) for word in call.wrapper)
        if changers and (names_user or changers != ["sudo"] or (account and account.uid)):
            return changers[0]
    return ""


def _sets_inline(run: Run, manager: str) -> str:
    """The variable that moves the cache, or switches it off, and that the shell of the RUN itself sets."""
    text = run.view.text
    for name in (*moving_variables(manager), "HOME", *_SWITCHES.get(manager, ())):
        is_option_of_call = name in _SWITCHES.get(manager, ()) and f"export {name}" not in text
        if not is_option_of_call and re.search(rf"(?<![\w-]){name}=", text):
            return name
    return ""


@once_per_file
def _may_be_berry(dockerfile: Dockerfile) -> bool:
    """Whether this may be Yarn 2 or newer, whose cache may be what programs are run from."""
    for node in dockerfile.instructions:
        if isinstance(node, Copy) and any(".yarnrc.yml" in path or ".yarn" in path.split("/") for path in node.paths):
            return True
        if isinstance(node, Env) and any(
            pair.key.text.startswith("YARN_") and pair.key.text not in ("YARN_VERSION", "YARN_CACHE_FOLDER")
            for pair in node.pairs
        ):
            return True
    return False


def _shut_out(run: Run, account: Account, manager: str, mounts: Sequence[CacheMount]) -> str:
    """Why a user who is not root would miss a folder: those above a mount belong to root as long as the RUN lasts."""
    if account.uid == 0 or all(posixpath.dirname(mount.target) == account.home for mount in mounts):
        return ""
    if manager not in ("pip", "uv", "npm"):
        return f"{manager} writes beside its cache, in a folder that would belong to root"
    for command in run.script.simple_commands():
        call = call_of(command)
        is_harmless = posixpath.basename(command.name) in _WRITE_NO_CACHE or " -m venv " in command.text
        if not is_harmless and not (call and call.manager.name in MOUNTABLE):
            return f"`{command.name}` may write beside the cache, in a folder that would belong to root"
    return ""


def _shares_word(option: Option, call: Call, names: frozenset[str]) -> bool:
    if option.name not in names:
        return False
    return sum(other.word.span == option.word.span for other in call.options) > 1
