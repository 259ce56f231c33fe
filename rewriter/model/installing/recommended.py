"""What an `apt-get install` loses without recommended packages, and which to name so that nothing is missed.

Debian's index tells for the suites that an image may be. Of Ubuntu and of older releases it tells nothing itself, but
they have the same packages: one that needs the same in every suite that is known is taken to need it there as well.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.model.data import debian, official_tags
from rewriter.model.data.base_contents import base_contents
from rewriter.model.image import ImageReference
from rewriter.model.managers.call import Call, skip_wrappers
from rewriter.model.managers.run_calls import apt_calls
from rewriter.model.managers.vocabulary import names
from rewriter.model.stages import Stage
from rewriter.model.state import State, States
from rewriter.syntax.shell import Word
from rewriter.syntax.tree import Cmd, Copy, Entrypoint, Healthcheck, Instruction, Run

_SETTING: Final = re.compile(r"(?<![-\w])install-recommends", re.IGNORECASE)
_SOURCE: Final = re.compile(
    r"(?:add-apt-repository|apt-add-repository)\s|/etc/apt/sources\.list|deb\.nodesource\.com|script\.deb\.sh"
    r"|get\.docker\.com|apt\.postgresql\.org\.sh|(?:repo|release|apt-config|apt-source|-prod)[\w.-]*\.deb\b"
)
"""What adds a repository, or may."""
_MIRROR: Final = re.compile(r"\bsed\s[^&;|]*/etc/apt/sources\.list|(?:rm|mv|cp|cat)\s[^&;|]*/etc/apt/sources\.list")
"""What changes only where the distribution's own packages come from, mostly."""
_ENTRY: Final = re.compile(r"\bdeb(?:-src)?\s+(?:\[[^\]]*\]\s*)?\w+://(\S+)")
_OF_DISTRIBUTION: Final = re.compile(
    r"(?:(?:deb|archive|snapshot|security|ftp\.\w+|ftp|http|httpredir|cdn-fastly\.deb)\.debian\.org"
    r"|(?:\w+\.)?(?:archive|security|old-releases|ports)\.ubuntu\.com|mirrors?\.[\w.-]+/(?:debian|ubuntu)[\w-]*)(?:/|\Z)"
)
"""An entry of sources.list, and the servers of Debian and Ubuntu themselves."""

_APT_SETTINGS: Final = "/etc/apt/apt.conf"
_APT_SOURCES: Final = "/etc/apt/"
_SIMULATES: Final = ("-s", "--simulate", "--just-print", "--dry-run", "--recon", "--no-act", "--print-uris")
_REMOVES: Final = names("remove purge autoremove autopurge auto-remove")
_TOKEN: Final = re.compile(r"[\w.+-]+")

_SCRIPTS: Final = (".sh", ".bash")
_MOST_SCRIPTS: Final = 50
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
}
"""Packages that depend on some which others recommend."""


def _brought_by(package: str) -> frozenset[str]:
    """What comes along with a package of any version, such as `g++-12`."""
    return _BRINGS.get(_VERSION.sub("", package), frozenset())


_VERSION: Final = re.compile(r"-[0-9.]+\Z")


_OF_EVERY_RELEASE: Final = names(
    "apache2 automake build-essential bzip2 ca-certificates curl dbus fakeroot file g++ gcc ghostscript git gnupg less "
    "libc6-dbg libc6-dev libprotobuf-dev libsasl2-modules libtool logrotate make openssh-client patch pkg-config "
    "poppler-data psmisc python3 python3-dev r-base-dev ruby-dev ssl-cert unzip xauth xz-utils"
)
"""Packages that each release of Debian and Ubuntu has under this name.

Source: https://packages.debian.org and https://packages.ubuntu.com
"""


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
    called = _called(stages, context)
    memories: dict[int, _Memory] = {}
    for stage in stages:
        below = memories[stage.parent.index] if stage.parent else _Memory(set(), [], [])
        memory = memories[stage.index] = _Memory(set(below.installed), below.configured[:1], below.sources[:1])
        tools = base_contents(stage.origin).tools
        for node in stage.instructions:
            if isinstance(node, Run):
                yield from _installs(node, states.at(node), memory, tools, called[stage.index])
            _remember(node, states, memory)


def _called(stages: Sequence[Stage], context: BuildContext) -> dict[int, frozenset[str]]:
    """For each stage, the packages whose programs it, a stage based on it, or a shell script of the context calls.

    What scripts that cannot be read call is not known; it is taken to be nothing of this kind.
    """
    found: dict[int, frozenset[str]] = {}
    everywhere = set(_programs_of_scripts(context))
    for stage in reversed(stages):
        programs = everywhere.union(*map(_programs, stage.instructions))
        packages = debian.packages_of_programs() if programs else {}
        own = frozenset(packages[program] for program in programs if program in packages)
        found[stage.index] = own.union(*(found[child.index] for child in stage.children))
    return found


def _programs_of_scripts(context: BuildContext) -> Iterator[str]:
    paths = context.walk("", lambda name: name.endswith(_SCRIPTS)) or ()
    for path in paths[:_MOST_SCRIPTS]:
        text = context.read(path) or ""
        yield from (posixpath.basename(program) for program in _AT_COMMAND.findall(text))


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


def _remember(node: Instruction, states: States, memory: _Memory) -> None:
    if isinstance(node, Copy):
        destination = states.at(node).expand(node.destination) or ""
        if destination.startswith(_APT_SETTINGS):
            memory.configured.append(node)
        elif destination.startswith(_APT_SOURCES):
            memory.sources.append(node)
    elif isinstance(node, Run):
        text = node.text if node.heredocs else node.view.text
        if "ecommends" in text and len(_SETTING.findall(text)) > sum(map(_is_told, apt_calls(node))):
            memory.configured.append(node)
        if _adds_sources(text):
            memory.sources.append(node)


def _adds_sources(text: str) -> bool:
    if not _SOURCE.search(text):
        return False
    rest = _MIRROR.sub("", text)
    lines = _ENTRY.findall(rest)
    if lines and all(_OF_DISTRIBUTION.match(line) for line in lines):
        rest = rest.replace("/etc/apt/sources.list", "")
    return bool(_SOURCE.search(rest))


def _asks(call: Call) -> bool:
    """Whether a call installs packages, and what they recommend unless apt is configured otherwise."""
    is_decided = call.has("--no-install-recommends", "--install-recommends", *_SIMULATES) or _is_told(call)
    return call.action == "install" and bool(call.packages) and not is_decided


def _is_told(call: Call) -> bool:
    return any(option.name in ("-o", "--option") and _SETTING.search(option.value) for option in call.options)


def _installs(
    run: Run, state: State, memory: _Memory, tools: frozenset[str], called: frozenset[str]
) -> Iterator[LeanInstall]:
    for call in apt_calls(run):
        if call.action in _REMOVES:
            memory.installed.clear()  # what goes with them is not known
        if call.action not in ("install", "reinstall") or not call.packages:
            continue
        packages = {word: name for word in call.packages if (name := _name(word))}
        if _asks(call):
            needs = _Needs(call, packages, memory, tools, called)
            yield needs.judge(run, state)
        memory.installed.update(packages.values())
        if not call.has("--no-install-recommends"):
            for name in packages.values():
                needed = (debian.needed_recommendations(name, suite) for suite in _suites_of(state)[0])
                memory.installed.update(frozenset.intersection(*needed))


def _name(word: Word) -> str:
    """The package that a word names, without version, suite and architecture; empty where that cannot be told."""
    name = word.value.partition("=")[0].partition("/")[0].partition(":")[0]
    return name if _PACKAGE.fullmatch(name) else ""


# https://www.debian.org/doc/debian-policy/ch-controlfields.html#s-f-source
_PACKAGE: Final = re.compile(r"[a-z0-9][a-z0-9+.-]*")


class _Needs:
    """What one call needs."""

    __slots__ = ("_call", "_called", "_memory", "_packages", "_tools")

    def __init__(
        self, call: Call, packages: dict[Word, str], memory: _Memory, tools: frozenset[str], called: frozenset[str]
    ) -> None:
        self._call: Final = call
        self._packages: Final = packages
        self._memory: Final = memory
        self._tools: Final = tools
        self._called: Final = called

    def judge(self, run: Run, state: State) -> LeanInstall:
        """What to name, or why that is not known."""
        before = self._call.command.view.text[: self._call.command.start]
        configured = [*self._memory.configured, *([run] if _SETTING.search(before) else ())]
        if configured:
            reason = "line {line} configures apt, which may say already whether it installs recommended packages"
            return LeanInstall(run, self._call, (), reason, configured[0])
        for word in (*self._call.unknown, *self._call.packages):
            if word not in self._packages:
                return LeanInstall(run, self._call, (), f"what `{word.text}` installs is not known")
        sources = [*self._memory.sources, *([run] if _adds_sources(before) else ())]
        if sources:
            reason = "line {line} adds repositories, whose packages are not known"
            return LeanInstall(run, self._call, (), reason, sources[0])
        suites, is_exact = _suites_of(state)
        for name in self._packages.values():
            known = all(debian.is_complete(name, suite) for suite in suites)
            if not known and (is_exact or not debian.is_complete_everywhere(name)):
                return LeanInstall(run, self._call, (), f"whether {name} needs what it recommends is not known")
        added = tuple(self._added(suites))
        removed = {word.value for call in apt_calls(run) if call.action in _REMOVES for word in call.packages}
        if again := next((name for name, word in added if self._packages[word] in removed), ""):
            return LeanInstall(run, self._call, (), f"it removes packages again, and would leave {again} behind")
        for name, word in added:
            is_there = is_exact and all(self._exists(name, self._packages[word], suite) for suite in suites)
            if not is_there and name not in _OF_EVERY_RELEASE:
                reason = f"{name}, which {self._packages[word]} needs, may be called otherwise in some release"
                return LeanInstall(run, self._call, (), reason)
        return LeanInstall(run, self._call, added)

    def _added(self, suites: Sequence[str]) -> Iterator[tuple[str, Word]]:
        present = {*self._packages.values(), *self._memory.installed}
        for word, name in self._packages.items():
            needed: set[str] = set()
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
