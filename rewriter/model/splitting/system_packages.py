"""The packages of the distribution that a RUN installs: which of them a builder needs, and which its runtime.

A package for builds leaves its libraries to the runtime. Where they are called differently in the releases that the
base image may be, the package itself stays there too: it holds headers and no compiler.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from rewriter.model.data import alpine, debian
from rewriter.model.data.official_tags import suites
from rewriter.model.data.package_roles import COMPILERS, CXX, IN_PYTHON_IMAGES, OPENMP, only_runs
from rewriter.model.effects.shell import Step
from rewriter.model.installing.stage_installs import calls_of, simple_commands
from rewriter.model.managers.call import Call
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, names
from rewriter.model.splitting.parts import Again, Changed, New, Original, Part
from rewriter.model.stages import Stage
from rewriter.syntax.shell_tree import Word
from rewriter.syntax.tree import Instruction, Run

_APT: Final = names("apt apt-get aptitude")
_REMOVALS: Final = names("remove purge autopurge del")
_ADDS_NOTHING: Final = names("update clean autoclean autoremove")
_UPDATES: Final = ("-U", "--update", "--update-cache", "--no-cache")
_TIDIES: Final = names("rm echo set true")


class Base(NamedTuple):
    """The image that packages are installed in.

    `carried` are the packages for builds whose libraries it has, `is_parallel` says that what is built may use OpenMP.
    """

    manager: str
    suites: frozenset[str]
    carried: frozenset[str]
    is_parallel: bool

    def libraries(self, package: str) -> tuple[str, ...] | None:
        """What a package leaves to the runtime; None unless it is known to serve only builds."""
        if self.manager == "apk":
            cells = [alpine.runtime_libraries(package)]
        else:
            cells = [debian.runtime_libraries(package, suite) for suite in sorted(self.suites)]
        known = [cell for cell in cells if cell is not None]
        if not known:
            return None
        if package in self.carried:
            return ()
        found = _same_names(known) if len(known) == len(cells) else None
        if found is None:
            return (package,)
        if package in COMPILERS:
            found &= (OPENMP if self.is_parallel else frozenset()) | (CXX if package != "gcc" else frozenset())
        return tuple(sorted(found))

    def everywhere(self, package: str) -> frozenset[str]:
        """The libraries of a package by all names that they have in these releases."""
        cells = (debian.runtime_libraries(package, suite) for suite in self.suites)
        return frozenset(name for cell in cells for name in cell or ())


def base_of(stage: Stage, *, is_parallel: bool) -> Base | None:
    """The base of a stage; None where its packages are not known."""
    origin = stage.origin
    if origin is None:
        return None
    releases = suites(origin)
    carried = IN_PYTHON_IMAGES if origin.family == "python" else frozenset()
    if releases and all(one.startswith("alpine") for one in releases):
        return Base("apk", releases, carried, is_parallel)
    # What apt installs in other releases fails anyway: their archives are closed.
    known = releases & frozenset(debian.SUITES)
    return Base("apt-get", known, carried, is_parallel) if known else None


_NOT_PROVIDED: Final = names("libaio1 libvanessa-socket2")
"""Of all libraries that moved, the old names that nothing in trixie provides, as its lists of packages say."""


def _same_names(cells: Sequence[frozenset[str]]) -> frozenset[str] | None:
    """The names that hold in all releases: one that moved to 64-bit times is still provided by its old name.

    https://wiki.debian.org/ReleaseGoals/64bit-time
    """
    found = {frozenset(name.removesuffix("t64") for name in cell) for cell in cells}
    if all(cell == cells[0] for cell in cells):
        return cells[0]
    common = found.pop() if len(found) == 1 else None
    return common if common and _NOT_PROVIDED.isdisjoint(common) else None


class SystemRun:
    """A RUN that installs packages of the distribution.

    `tools` are those for builds, `has_others` says that commands beside installs and updates stand in it.
    """

    __slots__ = ("_calls", "_stays", "has_others", "run", "steps", "tools")

    def __init__(self, run: Run, steps: Sequence[Step], base: Base) -> None:
        self.run: Final = run
        self.steps: Final = steps
        self._calls: Final = [call for step in steps for call in calls_of(step) if is_system_install(call)]
        self.has_others: Final = any(not is_about_packages(step) for step in steps)
        removed = {word.value for step in steps for call in calls_of(step) for word in _removed_by(call)}
        self.tools: Final[dict[str, tuple[str, ...]]] = {}
        self._stays: Final = [
            word
            for call in self._calls
            for word in call.packages
            if name_of(word) not in removed and removed.isdisjoint(group.value for group in _groups(call))
        ]
        for word in self._stays:
            libraries = base.libraries(name_of(word))
            if libraries is not None:
                self.tools[name_of(word)] = libraries

    def _words(self) -> Iterator[Word]:
        return (word for call in self._calls for word in call.packages)

    @property
    def is_unclear(self) -> bool:
        """Whether a variable or a file says what is installed, or a program reads what the RUN prints."""
        return self.run.json is not None or bool(self.run.heredocs) or any(call.unknown for call in self._calls)

    @property
    def updates(self) -> bool:
        """Whether it brings the lists of packages that its installs need."""
        return updates_lists(self.steps)

    @property
    def only_update(self) -> Part:
        """The RUN without its installs, for installs further down that rely on its lists."""
        return Again(self.run, Changed(gone=tuple(self._calls)))

    @property
    def libraries(self) -> tuple[str, ...]:
        """What all tools leave to the runtime, as far as the RUN does not name it itself."""
        named = {name_of(word) for word in self._words()} - self.tools.keys()
        found = dict.fromkeys(library for libraries in self.tools.values() for library in libraries)
        return tuple(name for name in found if name not in named)

    def parts(
        self,
        is_used: Callable[[str], bool],
        *,
        more: Sequence[str] = (),
        drops: Collection[str] = (),
        builds_use_others: bool = False,
    ) -> tuple[list[Part], list[Part]]:
        """What of the RUN the builder gets, and what the runtime.

        `is_used` says of a program whether the builder calls it. `more` are further packages for the runtime, `drops`
        those that stand beside tools only for their sake. `builds_use_others` says that the builder may call programs
        that are no tools, such as git.
        """
        for_builds = [
            (word, "")
            for word in self._words()
            if name_of(word) not in self.tools and only_runs(name_of(word)) and not is_used(name_of(word))
        ]
        if not self.tools:
            is_for_builds = builds_use_others and len(for_builds) < len(list(self._words()))
            return [Again(self.run, self._without(for_builds))] if is_for_builds else [], [Original(self.run)]
        for_running = list(self._replacements(more))
        for_running += [(word, "") for word in self._words() if name_of(word) in drops]
        stays = {word.span for word, text in for_running if text} | {word.span for word in self._words()}
        stays -= {word.span for word, text in for_running if not text}
        gone = tuple(call for call in self._calls if not any(word.span in stays for word in call.packages))
        above: list[Part] = [Original(self.run, self._without(for_builds))]
        if len(gone) == len(self._calls) and not self.has_others:
            return above, []
        words = [change for change in for_running if not any(_is_of(change[0], call) for call in gone)]
        return above, [Again(self.run, Changed(tuple(words), gone))]

    def _without(self, changes: Sequence[tuple[Word, str]]) -> Changed:
        """The RUN without some packages, and without the calls that install no other."""
        spans = {word.span for word, _ in changes}
        gone = tuple(call for call in self._calls if call.packages and all(one.span in spans for one in call.packages))
        words = (change for change in changes if not any(_is_of(change[0], call) for call in gone))
        return Changed(tuple(words), gone)

    def _replacements(self, more: Sequence[str]) -> Iterator[tuple[Word, str]]:
        written = {name_of(word) for word in self._words()} - self.tools.keys()
        tools = [word for word in self._words() if name_of(word) in self.tools]
        for word in tools:
            further = tuple(more) if word is tools[-1] else ()
            fresh = [name for name in dict.fromkeys(self.tools[name_of(word)] + further) if name not in written]
            written.update(fresh)
            yield word, " ".join(fresh)

    @property
    def options(self) -> str:
        """`--no-install-recommends` where every install of apt says so, else nothing."""
        said = self._calls and all(call.has("--no-install-recommends") for call in self._calls)
        return "--no-install-recommends " if said else ""

    def kept(self) -> tuple[str, ...]:
        """All packages that the runtime needs."""
        own = [word.text for word in self._stays if name_of(word) not in self.tools]
        return (*own, *self.libraries)


def installing(packages: Sequence[str], base: Base, *, like: Instruction, options: str = "") -> New:
    """A RUN that installs packages and leaves nothing else behind."""
    listed = " ".join(packages)
    if base.manager == "apk":
        return New("RUN", f"apk add --no-cache {listed}", like)
    update, tidy = "apt-get update", "rm -rf /var/lib/apt/lists/*"
    return New("RUN", f"{update} && apt-get install -y {options}{listed} && {tidy}", like)


def is_system_install(call: Call) -> bool:
    """Whether a call installs packages of a distribution."""
    return call.manager.name in SYSTEM_MANAGERS and call.installs


def updates_lists(steps: Iterable[Step]) -> bool:
    """Whether steps bring the lists of packages."""
    calls = [call for step in steps for call in calls_of(step) if call.manager.name in SYSTEM_MANAGERS]
    return any(call.action == "update" or call.has(*_UPDATES) for call in calls)


def _is_of(word: Word, call: Call) -> bool:
    return any(word.span == other.span for other in call.packages)


def name_of(word: Word) -> str:
    """The package that a word names, without version, release and architecture."""
    text = word.value
    for mark in "=<>~@/:":
        text = text.partition(mark)[0]
    return text


def is_about_packages(step: Step) -> bool:
    """Whether a step does nothing but install or remove packages, update their lists, or tidy up."""
    called = {call.command.start: call for call in calls_of(step)}
    for command in simple_commands(step):
        call = called.get(command.start)
        if call is None:
            if command.name not in _TIDIES:
                return False
        elif not (is_system_install(call) or call.action in _ADDS_NOTHING | _REMOVALS):
            return False
    return True


def _removed_by(call: Call) -> tuple[Word, ...]:
    return call.packages if call.action in _REMOVALS and call.manager.name in SYSTEM_MANAGERS else ()


def _groups(call: Call) -> Iterator[Word]:
    """The name that `apk add --virtual` gives to what it installs."""
    return (option.value_word for option in call.options if option.name in ("-t", "--virtual") and option.value_word)
