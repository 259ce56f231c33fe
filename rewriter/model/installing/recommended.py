"""What an `apt-get install` loses without recommended packages, and which to name so that nothing is missed.

Debian's index tells for the suites that an image may be. Of Ubuntu and of older releases it tells nothing itself, but
they have the same packages: one that needs the same in every suite that is known is taken to need it there as well.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.model.data import debian, official_tags
from rewriter.model.data.base_contents import base_contents
from rewriter.model.image import ImageReference
from rewriter.model.installing.apt_settings import SETTING, AptSettings, is_told
from rewriter.model.managers.call import Call, skip_wrappers
from rewriter.model.managers.run_calls import apt_calls
from rewriter.model.managers.vocabulary import names
from rewriter.model.stages import Stage
from rewriter.model.state import State, States
from rewriter.syntax.shell import Word
from rewriter.syntax.tree import Cmd, Copy, Entrypoint, Healthcheck, Instruction, Run

_SIMULATES: Final = ("-s", "--simulate", "--just-print", "--dry-run", "--recon", "--no-act", "--print-uris")
_REMOVES: Final = names("remove purge autoremove autopurge auto-remove")
_TOKEN: Final = re.compile(r"[\w.+-]+")

_AT_COMMAND: Final = re.compile(
    r"(?:^|[;&|(`!]|\b(?:then|do|else|if|while|sudo|exec|command|time|xargs))[ \t]*([\w./+-]+)", re.MULTILINE
)
"""The first word of a command of a shell script, more or less."""

_TOOLS_OF: Final = {
    "automake": names("automake"),
    "build-essential": names("gcc g++ make"),
    "bzip2": names("bzip2"),
    "ca-certificates": names("ca-certificates"),
    "curl": names("curl"),
    "file": names("file"),
    "g++": names("g++"),
    "gcc": names("gcc"),
    "git": names("git"),
    "gnupg": names("gpg"),
    "libc6-dev": names("gcc"),
    "make": names("make"),
    "openssh-client": names("ssh"),
    "patch": names("patch"),
    "pkg-config": names("pkg-config"),
    "pkgconf": names("pkg-config"),
    "python3": names("python3"),
    "unzip": names("unzip"),
    "xz-utils": names("xz"),
}
"""By the programs of a base image, which packages need not be named: official images with gcc have its headers, too."""
_BRINGS: Final = {
    "build-essential": names("gcc g++ make libc6-dev"),
    "g++": names("gcc libc6-dev"),
    "openssh-server": names("openssh-client"),
    "python3-dev": names("libc6-dev python3"),
    "ssh": names("openssh-client"),
    "ssh-client": names("openssh-client"),
}
"""Packages that depend on some which others recommend."""


def _brought_by(package: str) -> frozenset[str]:
    """What comes along with a package of any version, such as `g++-12`."""
    return _BRINGS.get(_VERSION.sub("", package), frozenset())


_VERSION: Final = re.compile(r"-[0-9.]+\Z")


_OF_EVERY_RELEASE: Final = names(
    "apache2 automake build-essential bzip2 ca-certificates curl dbus fakeroot file g++ gcc ghostscript git gnupg less "
    "dirmngr libc6-dbg libc6-dev libprotobuf-dev libsasl2-modules libtool logrotate make openssh-client patch "
    "pkg-config poppler-data psmisc python3 python3-dev python3-setuptools python3-wheel r-base-dev ruby-dev ssl-cert "
    "unzip xauth xz-utils"
)
"""Packages that each release of Debian and Ubuntu has under this name.

Source: https://packages.debian.org and https://packages.ubuntu.com
"""


_ONCE_RECOMMENDED: Final = {
    "python3-pip": (names("jessie stretch buster trusty xenial bionic"), names("python3-setuptools python3-wheel")),
    "apt-transport-https": (names("jessie stretch trusty xenial"), names("ca-certificates")),
    "gnupg": (names("stretch"), names("dirmngr")),
    "gnupg2": (names("stretch"), names("dirmngr")),
}
"""What packages recommended, and needed, in the releases named; those that are known depend on it.

Without setuptools, pip builds nothing that has no wheel; without dirmngr, gpg fetches no keys. Sources:
https://github.com/StreisandEffect/streisand/pull/1340, https://github.com/g2p/bedup/issues/95,
https://github.com/docker-library/python/pull/826
"""
_STILL_SERVED: Final = names("trusty xenial bionic")
"""Of those releases, the ones that the ordinary mirrors serve: what an image of which nothing is known may be."""


class LeanInstall(NamedTuple):
    """An `apt-get install` that asks for recommended packages by not refusing them.

    `added` are the packages to name in their stead, each with the word of the package that needs it. `problem` says why
    they cannot be told, `{line}` in it being that of the culprit.
    """

    run: Run
    call: Call
    added: tuple[tuple[str, Word], ...]
    problem: str = ""
    culprit: Instruction | None = None


class _Memory(NamedTuple):
    """What RUNs above have left: packages, the instruction that configures apt, and the one that adds repositories."""

    installed: set[str]
    configured: list[Instruction]
    sources: list[Instruction]


def lean_installs(states: States, context: BuildContext) -> Iterator[LeanInstall]:
    """The installs of all stages that do not say whether they want recommended packages, in the order of the file."""
    stages = states.graph.stages
    runs = (node for stage in stages for node in stage.instructions if isinstance(node, Run))
    if not any(_asks(call) for run in runs for call in apt_calls(run)):
        return
    settings = AptSettings(context)
    called = _called(stages, settings.scripts.values())
    memories: dict[int, _Memory] = {}
    for stage in stages:
        below = memories[stage.parent.index] if stage.parent else _Memory(set(), [], [])
        memory = memories[stage.index] = _Memory(set(below.installed), below.configured[:1], below.sources[:1])
        tools = base_contents(stage.origin).tools
        for node in stage.instructions:
            if isinstance(node, Run):
                yield from _installs(node, states.at(node), settings, memory, tools, called[stage.index])
            _remember(node, states, settings, memory)


def _called(stages: Sequence[Stage], scripts: Iterable[str]) -> dict[int, frozenset[str]]:
    """For each stage, the packages whose programs it, a stage based on it, or a shell script of the context calls.

    What scripts that cannot be read call is not known; it is taken to be nothing of this kind.
    """
    found: dict[int, frozenset[str]] = {}
    everywhere = {posixpath.basename(program) for text in scripts for program in _AT_COMMAND.findall(text)}
    for stage in reversed(stages):
        programs = everywhere.union(*map(_programs, stage.instructions))
        packages = debian.packages_of_programs() if programs else {}
        own = frozenset(packages[program] for program in programs if program in packages)
        found[stage.index] = own.union(*(found[child.index] for child in stage.children))
    return found


def _programs(node: Instruction) -> Iterator[str]:
    """The programs that an instruction may call: what begins a command, and any word where that cannot be told."""
    if isinstance(node, Cmd | Entrypoint | Healthcheck):
        yield from map(posixpath.basename, _TOKEN.findall(node.view.text))
    if not isinstance(node, Run):
        return
    if node.json is not None or (node.heredocs and node.script is node.shell):
        yield from _TOKEN.findall(node.text)
    for opaque in node.script.opaques():
        yield from _TOKEN.findall(opaque.text)
    for command in node.script.simple_commands():
        start = skip_wrappers(command.words)
        for number, word in enumerate(command.words):
            if number == start:
                yield posixpath.basename(word.value)
            elif word.substitutions or " " in word.text:
                yield from _TOKEN.findall(word.text)


def _remember(node: Instruction, states: States, settings: AptSettings, memory: _Memory) -> None:
    if isinstance(node, Copy):
        path = settings.brings(node, states.at(node))
        if path:
            (memory.configured if settings.is_configuration(path) else memory.sources).append(node)
    elif isinstance(node, Run):
        if settings.configures(node):
            memory.configured.append(node)
        if settings.adds_sources(node.text if node.heredocs else node.view.text):
            memory.sources.append(node)


def _asks(call: Call) -> bool:
    """Whether a call installs packages, and what they recommend unless apt is configured otherwise."""
    is_decided = call.has("--no-install-recommends", "--install-recommends", *_SIMULATES) or is_told(call)
    return call.action == "install" and bool(call.packages) and not is_decided


def _installs(
    run: Run,
    state: State,
    settings: AptSettings,
    memory: _Memory,
    tools: frozenset[str],
    called: frozenset[str],
) -> Iterator[LeanInstall]:
    for call in apt_calls(run):
        if call.action in _REMOVES:
            memory.installed.clear()  # what goes with them is not known
        if call.action not in ("install", "reinstall") or not call.packages:
            continue
        packages = {word: name for word in call.packages if (name := _name(word))}
        if _asks(call):
            needs = _Needs(call, packages, settings, memory, tools, called)
            yield needs.judge(run, state)
        memory.installed.update(packages.values())
        if not call.has("--no-install-recommends"):
            for name in packages.values():
                needed = (debian.needed_recommendations(name, suite) for suite in _suites_of(state)[0])
                memory.installed.update(frozenset.intersection(*needed))


def _name(word: Word) -> str:
    """The package that a word names, without version, suite and architecture; empty where that cannot be told."""
    name = (word.value or word.text).partition("=")[0].partition("/")[0].partition(":")[0]
    return name if _PACKAGE.fullmatch(name) else ""


# https://www.debian.org/doc/debian-policy/ch-controlfields.html#s-f-source
_PACKAGE: Final = re.compile(r"[a-z0-9][a-z0-9+.-]*")


class _Needs:
    """What one call needs."""

    __slots__ = ("_call", "_called", "_memory", "_packages", "_settings", "_tools")

    def __init__(
        self,
        call: Call,
        packages: dict[Word, str],
        settings: AptSettings,
        memory: _Memory,
        tools: frozenset[str],
        called: frozenset[str],
    ) -> None:
        self._call: Final = call
        self._packages: Final = packages
        self._settings: Final = settings
        self._memory: Final = memory
        self._tools: Final = tools
        self._called: Final = called

    def judge(self, run: Run, state: State) -> LeanInstall:
        """What to name, or why that is not known."""
        before = self._call.command.view.text[: self._call.command.start]
        configured = [*self._memory.configured, *([run] if SETTING.search(before) else ())]
        if configured:
            reason = "line {line} configures apt, which may say already whether it installs recommended packages"
            return LeanInstall(run, self._call, (), reason, configured[0])
        for word in (*self._call.unknown, *self._call.packages):
            if word not in self._packages:
                return LeanInstall(run, self._call, (), f"what `{word.text}` installs is not known")
        sources = [*self._memory.sources, *([run] if self._settings.adds_sources(before) else ())]
        if sources:
            verb = "may bring" if isinstance(sources[0], Copy) else "adds"
            reason = f"line {{line}} {verb} repositories, whose packages are not known"
            return LeanInstall(run, self._call, (), reason, sources[0])
        suites, is_exact = _suites_of(state)
        for name in self._packages.values():
            known = all(debian.is_complete(name, suite) for suite in suites)
            if not known and (is_exact or not debian.is_complete_everywhere(name)):
                return LeanInstall(run, self._call, (), f"whether {name} needs what it recommends is not known")
        added = tuple(self._added(suites, _once_recommended(state)))
        removed = {word.value for call in apt_calls(run) if call.action in _REMOVES for word in call.packages}
        if again := next((name for name, word in added if self._packages[word] in removed), ""):
            return LeanInstall(run, self._call, (), f"it removes packages again, and would leave {again} behind")
        for name, word in added:
            is_there = is_exact and all(self._exists(name, self._packages[word], suite) for suite in suites)
            if not is_there and name not in _OF_EVERY_RELEASE:
                reason = f"{name}, which {self._packages[word]} needs, may be called otherwise in some release"
                return LeanInstall(run, self._call, (), reason)
        return LeanInstall(run, self._call, added)

    def _added(self, suites: Sequence[str], older: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, Word]]:
        present = {*self._packages.values(), *self._memory.installed}
        for word, name in self._packages.items():
            needed = set(older.get(name, ()))
            for suite in suites:
                needed |= debian.needed_recommendations(name, suite)
                needed |= debian.unneeded_recommendations(name, suite) & self._called
            needed -= {other for one in needed for other in _brought_by(one)}
            for one in sorted(needed):
                if not self._is_present(one, present):
                    present.add(one)
                    yield one, word

    @staticmethod
    def _exists(name: str, beside: str, suite: str) -> bool:
        recommended = debian.needed_recommendations(beside, suite) | debian.unneeded_recommendations(beside, suite)
        return name in recommended or debian.is_known(name, suite)

    def _is_present(self, name: str, present: Iterable[str]) -> bool:
        tools = _TOOLS_OF.get(name)
        is_in_base = tools is not None and tools <= self._tools
        return is_in_base or name in present or any(name in _brought_by(one) for one in present)


def _suites_of(state: State) -> tuple[Sequence[str], bool]:
    return _suites(state.stage.origin if state.stage else None, state.distribution)


@lru_cache(maxsize=64)
def _suites(origin: ImageReference | None, distribution: str) -> tuple[Sequence[str], bool]:
    """The suites that an image may be; all that are known where it may be another, and whether it may not."""
    found = official_tags.suites(origin) if origin and distribution == "debian" else frozenset[str]()
    if found and found <= set(debian.SUITES):
        return sorted(found), True
    return debian.SUITES, False


def _once_recommended(state: State) -> dict[str, frozenset[str]]:
    """What packages needed in an older release that an image may be, for all that is known."""
    origin = state.stage.origin if state.stage else None
    release = official_tags.suite(origin) if origin else ""
    found = {release} if release else _STILL_SERVED
    return {name: needed for name, (releases, needed) in _ONCE_RECOMMENDED.items() if found & releases}
