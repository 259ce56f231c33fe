"""The RUNs that install with pip, and what stands against handing them to uv.

What pip does depends on more than its command line: which Python it belongs to, who runs it, its variables and
configuration, and the requirements files that COPY brought. A requirements file that cannot be read, because the build
context is not known or because another step makes it, is taken for a plain list of names and versions.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rewriter.model.caching.cleanup import Cleanup, find_cleanup
from rewriter.model.caching.mounts import CacheMount, cache_mounts
from rewriter.model.context.build_context import BuildContext
from rewriter.model.managers.call import Call
from rewriter.model.managers.run_calls import calls
from rewriter.model.pip.files import PIP_FILES, UNKNOWN, History, Place, names_of, places
from rewriter.model.pip.hazards import (
    CacheReaders,
    ancestors,
    change_of_owners,
    find_reader,
    find_secret,
    login_option,
    shell_text,
)
from rewriter.model.pip.requirements import (
    Closure,
    Requirement,
    configures_uv,
    declares_build_system,
    find_option_refusal,
    find_refusal,
    parse_requirement,
)
from rewriter.model.pip.target import Target, brings_python, find_target, find_unfit_base
from rewriter.model.pip.uv import AGAINST, BEST_MATCH, STRANGERS, TWINS, Translation, translate, upgrade_only
from rewriter.model.state import State, States
from rewriter.model.users import find_account
from rewriter.syntax.shell import CommandList, Pipeline, SimpleCommand
from rewriter.syntax.tree import Dockerfile, Run
from rewriter.syntax.words import Flag

_MENTION: Final = re.compile(r"\bpip(?:[23](?:\.[0-9]+)?)?[\"']?,?\s+(?:-\S+\s+)*[\"']?install\b")
_PIP_CACHE: Final = re.compile(r"\A(?:target|dst|destination)=\S*/\.cache/pip/?\Z")
_WHEELS: Final = re.compile(r"[\w./-]*(?:wheel|wheels|wheelhouse|dist)/\*(?:\.whl)?\Z|[\w./*-]*\*[\w.-]*\.whl\Z")
_PROJECT_FILES: Final = ("pyproject.toml", "uv.toml")


class Rewrite(NamedTuple):
    """A call of pip with what becomes of it; `item` is the position of its pipeline in the RUN.

    `is_pip_only` says that it installs another version of pip and nothing else.
    """

    call: Call
    item: int
    translation: Translation
    is_pip_only: bool


class PipRun(NamedTuple):
    """A RUN that installs with pip; `problem` says why it must stay as it is.

    `unread` are its requirements files that nobody could look into.
    """

    run: Run
    rewrites: tuple[Rewrite, ...]
    mount: CacheMount
    cleanup: Cleanup
    unread: tuple[str, ...]
    problem: str

    @property
    def is_pip_only(self) -> bool:
        """Whether all that the RUN does is to install another version of pip itself."""
        return len(self.rewrites) == len(self.run.script.items) and all(one.is_pip_only for one in self.rewrites)


def find_pip_runs(dockerfile: Dockerfile, states: States, context: BuildContext) -> Iterator[PipRun]:
    """The RUNs that install with pip. One that installs nothing but uv is none: it is how a file brings uv itself."""
    history: History | None = None
    readers: CacheReaders | None = None
    for instruction in dockerfile.instructions:
        if not isinstance(instruction, Run) or "pip" not in instruction.text:
            continue
        every = list(calls(instruction))
        found = [call for call in every if _is_install(call)]
        mentions = len(_MENTION.findall(shell_text(instruction)))
        mentions -= sum(call.manager.name == "uv" and call.action == "pip install" for call in every)
        if not found and not mentions:
            continue
        if all(names_of(call) == {"uv"} for call in found) and mentions <= len(found):
            continue
        history = history or History(dockerfile, states, context)
        readers = readers or CacheReaders(dockerfile)
        yield _Judge(instruction, history, readers).judge(found, hidden=mentions > len(found))


def _is_install(call: Call) -> bool:
    return call.manager.name == "pip" and call.action == "install"


def can_go(commands: CommandList, item: int) -> bool:
    """Whether a pipeline can be taken out of its list without changing when the others run."""
    items = commands.items
    pipeline = items[item].pipeline
    after = items[item + 1].operator if item + 1 < len(items) else commands.terminator
    alone = len(pipeline.commands) == 1 and not pipeline.negated and not _redirects(pipeline)
    if not alone or items[item].operator == "||" or after in ("||", "&"):
        return False
    # Behind a `;` the last command alone says whether the RUN fails.
    return item + 1 < len(items) or items[item].operator == "&&"


def _redirects(pipeline: Pipeline) -> bool:
    return any(isinstance(one, SimpleCommand) and one.redirects for one in pipeline.commands)


def find_stale_mount(plan: PipRun) -> Flag | None:
    """The mount of pip's cache, where nothing in the RUN uses it any more."""
    others = [call for call in calls(plan.run) if call.manager.name == "pip" and not _is_install(call)]
    for flag in plan.run.mounts:
        fields = [field.strip() for field in flag.value.split(",")]
        if "type=cache" in fields and any(_PIP_CACHE.search(field) for field in fields) and not others:
            return flag
    return None


class _Refused(Exception):  # noqa: N818  # it is an answer, not an error
    """Why a RUN must stay as it is."""


class _Judge:
    """Looks for what stands against uv in one RUN."""

    def __init__(self, run: Run, history: History, readers: CacheReaders) -> None:
        self.run: Final = run
        self.readers: Final = readers
        self.history: Final = history
        self.state: Final[State] = history.states.at(run)
        self.unread: Final[list[str]] = []
        self.places: Final = places(run, self.state.workdir)
        self.starts: Final = [item.pipeline.start for item in run.script.items]
        self.targets: Final[dict[tuple[str, Place], Target]] = {}

    def judge(self, found: Sequence[Call], *, hidden: bool) -> PipRun:
        """The RUN with its rewritten calls, or with the reason why there are none."""
        try:
            self._check_surroundings()
            if hidden:
                raise _Refused(self._hiding_place())
            rewrites = tuple(self._rewrite(call) for call in found if names_of(call) != {"uv"})
            mount, cleanup = self._cache()
        except _Refused as refusal:
            return PipRun(self.run, (), CacheMount(""), Cleanup(), (), str(refusal))
        return PipRun(self.run, rewrites, mount, cleanup, tuple(dict.fromkeys(self.unread)), "")

    # The RUN as a whole

    def _check_surroundings(self) -> None:
        state = self.state
        if not state.is_posix_shell:
            raise _Refused("the SHELL in force is not a POSIX shell")
        if option := login_option(state):
            raise _Refused(f"`{option}` of the SHELL in force lets profiles change what is found")
        if reason := find_unfit_base(state):
            raise _Refused(reason)
        if brings_python(self.run):
            raise _Refused("the RUN brings a Python of its own")
        if self.history.is_configured(self.run):
            raise _Refused("pip is configured by a file, which uv does not read")
        if self.history.holds_pip(self.run):
            raise _Refused("pip or setuptools is held at a version, which may accept what uv does not")
        if secret := find_secret(self.run):
            raise _Refused(f"uv does not read {secret}")
        account = find_account(state)
        own = (f"{account.home}/.pip/pip.conf", f"{account.home}/.config/pip/pip.conf") if account else ()
        if path := next((one for one in (*PIP_FILES, *own) if self.history.read(self.run, "/", one) is not None), ""):
            raise _Refused(f"pip is configured by {path}, which uv does not read")
        text = shell_text(self.run)
        for name in sorted(AGAINST):
            if state.is_set(name) or state.declares(name) or f"{name}=" in text:
                raise _Refused(f"uv does not read {name}")
        for name in TWINS:
            if f"{name}=" in text:
                raise _Refused(f"the RUN itself sets {name}")
        if self.history.has_certificates(self.run) and not state.is_set("SSL_CERT_FILE"):
            raise _Refused("certificates are set up, and uv looks for them elsewhere than pip")

    def _hiding_place(self) -> str:
        if self.run.json is not None:
            return "the RUN is in JSON form"
        for opaque in self.run.script.opaques():
            if _MENTION.search(opaque.text):
                return f"a pip call stands inside `{opaque.reason}`"
        return "a pip call stands where it cannot be followed"

    def _cache(self) -> tuple[CacheMount, Cleanup]:
        """The mount of uv's cache, and what must go because it would empty it or fail on it."""
        mounts, pips = cache_mounts("uv", self.state), cache_mounts("pip", self.state)
        if isinstance(mounts, str) or isinstance(pips, str):
            raise _Refused(mounts if isinstance(mounts, str) else str(pips))
        account = find_account(self.state)
        home = account.home if account else ""
        self._check_cache(mounts[0].target, pips[0].target, home)
        folders = [mounts[0].target, pips[0].target]
        # What empties pip's own folder goes as well, unless something stands against that.
        both = find_cleanup(self.run.script, self.state, managers={"pip", "uv"}, folders=folders, home=home)
        if not both.problem:
            return mounts[0], both
        own = find_cleanup(self.run.script, self.state, managers={"uv"}, folders=folders[:1], home=home)
        if own.problem:
            raise _Refused(own.problem)
        return mounts[0], own

    def _check_cache(self, target: str, folder: str, home: str) -> None:
        """Look for what would meet uv's program and cache, or miss what pip keeps in its own."""
        if command := change_of_owners(self.run, self.state, self.places, home, target):
            raise _Refused(f"`{command}` would meet the uv that is mounted, or its cache")
        if self.readers.asks:
            raise _Refused("a step asks what pip's cache holds")
        if self.state.stage is not None and self.readers.copies(self.state.stage, folder):
            raise _Refused("pip's cache is copied or mounted elsewhere")

    # One call

    def _rewrite(self, call: Call) -> Rewrite:
        place = self.places[call.command.start]
        target = self._target(call, place)
        plain = translate(call)
        if reader := find_reader(call, self.run):
            raise _Refused(f"`{reader}` reads what pip prints")
        if problem := target.problem or plain.problem:
            raise _Refused(problem)
        requirements = [*self._packages(call), *_editables(call)]
        files = self._files(call, place.folder)
        for requirement in (*requirements, *files.requirements):
            self._check(requirement, place.folder)
        self._check_settings(place.folder)
        variables = [*plain.variables, *self._twins(call, plain.variables)]
        options = [*target.options, *plain.options, *_lifted(files)]
        if any(one.startswith("UV_INDEX=") for one in variables):
            options.append(BEST_MATCH)
        if self.state.is_set("PIP_NO_COMPILE"):
            options = [option for option in options if option != "--compile-bytecode"]
        options = [option for option in dict.fromkeys(options) if not call.has(option)]
        upgrade = self._upgrade(call, requirements)
        removed = (*plain.removed, *upgrade.removed)
        translation = Translation(removed, upgrade.replaced, tuple(options), tuple(variables))
        item = bisect_right(self.starts, call.command.start) - 1
        return Rewrite(call, item, translation, names_of(call) == {"pip"})

    def _check_settings(self, working_folder: str) -> None:
        """Look for settings of uv: it obeys those of the nearest folder above the one it works in."""
        for folder in ancestors(working_folder):
            for name in _PROJECT_FILES:
                text = self.history.read(self.run, folder, name)
                if text is not None and (name == "uv.toml" or configures_uv(text)):
                    raise _Refused(f"{name} has settings of uv, which pip does not read")

    def _target(self, call: Call, place: Place) -> Target:
        written = " ".join(word.text for word in (*call.wrapper, *call.launcher, call.program))
        if call.command.assignments:
            return find_target(call, place, self.run, self.history.states)
        if (written, place) not in self.targets:
            self.targets[written, place] = find_target(call, place, self.run, self.history.states)
        return self.targets[written, place]

    def _packages(self, call: Call) -> Iterator[Requirement]:
        if not call.packages and not call.has("-r", "--requirement", "-e", "--editable"):
            raise _Refused("`pip install` is told nothing to install")
        for word in call.packages:
            text = word.value if word.is_literal else word.text.strip("\"'")
            if word.is_literal or _is_named(text):
                yield parse_requirement(text)
            elif not _WHEELS.match(text):
                # It may hold options, name files, or be nothing at all.
                raise _Refused(f"what {word.text} stands for is not known")
        for word in call.unknown:
            if word not in call.packages and not _is_value(word.text, call):
                raise _Refused(f"what {word.text} stands for is not known")

    def _check(self, requirement: Requirement, folder: str) -> None:
        if reason := find_refusal(requirement):
            raise _Refused(reason)
        if requirement.kind != "path":
            return
        path = requirement.path
        known = not ("$" in path or "{" in path)
        text = self.history.read(self.run, folder, posixpath.join(path, "pyproject.toml")) if known else None
        if text is None:
            raise _Refused(f"whether the project in {path} declares a [build-system] is not known")
        if not declares_build_system(text):
            raise _Refused(f"the pyproject.toml in {path} has no [build-system]")

    def _upgrade(self, call: Call, requirements: Sequence[Requirement]) -> Translation:
        """What becomes of `-U`: uv upgrades all that is installed already, pip what is named."""
        if not call.has("-U", "--upgrade"):
            return Translation()
        if call.has("-r", "--requirement"):
            raise _Refused("`-U -r` would make uv upgrade setuptools and all else that is installed")
        names = [one.name for one in requirements if one.kind == "name"]
        upgrade = upgrade_only(call, (one.name for one in requirements if one.is_pinned), names)
        if upgrade.problem:
            raise _Refused(upgrade.problem)
        return upgrade

    def _twins(self, call: Call, given: Sequence[str]) -> Iterator[str]:
        """The variables of uv that stand for those of pip, as assignments: an ENV would stay in the image."""
        if any(self.state.is_set(name) or self.state.declares(name) for name in STRANGERS):
            return
        taken = {one.partition("=")[0] for one in given}
        if call.has("-i", "--index-url"):
            taken.add("UV_DEFAULT_INDEX")
        for name, twin in TWINS.items():
            if twin not in taken and (self.state.is_set(name) or self.state.declares(name)):
                taken.add(twin)
                yield f'{twin}="${name}"'

    def _files(self, call: Call, folder: str) -> Closure:
        if any(option.value in ("-", "/dev/stdin") for option in call.options):
            raise _Refused("the requirements come from standard input")
        files = self.history.requirements(call, self.run, folder)
        self.unread.extend(path for path in files.unread if path != UNKNOWN)
        for option in files.options:
            if reason := find_option_refusal(option):
                raise _Refused(reason)
            if option.name == "--index-url" and self._has_index(call):
                raise _Refused("a requirements file and the call name an index each")
        if len({option.value for option in files.options if option.name == "--index-url"}) > 1:
            raise _Refused("requirements files name several indexes with `--index-url`")
        if one := next((one for one in (*files.requirements, *files.constraints) if _is_cached(one)), None):
            raise _Refused(f"uv may reuse an old build of {one.path}, which a requirements file names")
        for name in files.variables:
            if not self.state.get(name):
                raise _Refused(f"a requirements file names ${{{name}}}, which may be unset")
        if not files.is_text:
            raise _Refused("a requirements file is not UTF-8")
        return files

    def _has_index(self, call: Call) -> bool:
        """Whether the call, or a variable, says which index there is."""
        given = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")
        return call.has("-i", "--index-url") or any(
            self.state.is_set(name) or self.state.declares(name) for name in given
        )


def _is_cached(requirement: Requirement) -> bool:
    """Whether uv builds a folder once only: it always rebuilds what is editable, and what its command line names."""
    return requirement.kind == "path" and not requirement.is_editable


def _lifted(files: Closure) -> Iterator[str]:
    """What uv reads on its command line only."""
    for option in files.options:
        if option.name == "--pre":
            yield "--pre"
        elif option.name == "--trusted-host":
            yield f"--trusted-host={option.value}"
        elif option.name == "--extra-index-url":
            yield BEST_MATCH


def _editables(call: Call) -> Iterator[Requirement]:
    for option in call.options:
        if option.name in ("-e", "--editable"):
            yield parse_requirement(option.value or "$", is_editable=True)


def _is_named(text: str) -> bool:
    """Whether a word with variables or stars in it begins with a name, as in `flask==$VERSION` and `flask==3.*`."""
    name, _, version = text.partition("=")
    if any(mark in name for mark in "*?") or any(mark in text for mark in ("`", "$(", "/")):
        return False
    return name[:1].isalnum() and (not version or "?" not in version)


def _is_value(text: str, call: Call) -> bool:
    """Whether a word that a variable fills is the value of an option, or holds one behind an equals sign."""
    if text.startswith("-"):
        return "=" in text
    return any(option.value_word is not None and option.value_word.text == text for option in call.options)
