"""A stage that installs Python packages with the tools that build them: a virtual environment made in a builder.

    FROM python:3.11                       FROM python:3.11 AS builder
    RUN apt-get install -y gcc             RUN apt-get install -y gcc
    COPY requirements.txt .                RUN python -m venv /opt/venv
    RUN pip install -r requirements.txt    ENV PATH=/opt/venv/bin:$PATH
    COPY . .                        ->     COPY requirements.txt .
                                           RUN pip install -r requirements.txt

                                           FROM python:3.11 AS runtime
                                           COPY --from=builder /opt/venv /opt/venv
                                           ENV PATH=/opt/venv/bin:$PATH
                                           COPY . .
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.data.official_tags import slim_twin
from rewriter.model.data.system_libraries import python_need
from rewriter.model.installing.manifests import NotMovableError, needs_of
from rewriter.model.installing.stage_installs import calls_of, simple_commands
from rewriter.model.managers.call import Call
from rewriter.model.managers.vocabulary import names
from rewriter.model.splitting.parts import Again, New, Original, Part, Split, UnsplitError
from rewriter.model.splitting.runtime_steps import require_no_tools, require_plain_start
from rewriter.model.splitting.settings import mentions
from rewriter.model.splitting.stage_reading import Reading
from rewriter.model.splitting.system_packages import Base, SystemRun, base_of, installing, is_about_packages, is_system_install
from rewriter.syntax.tree import Copy, Instruction, Onbuild, Run, User

ENVIRONMENT: Final = "/opt/venv"

_MANAGERS: Final = names("pip poetry pipenv")
_BESIDE_INSTALLS: Final = names("rm echo cd set export true")
_ELSEWHERE: Final = ("--user", "--target", "-t", "--prefix", "--root", "--no-build-isolation")
_PLACES: Final = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PYTHONUSERBASE", "PIP_NO_BUILD_ISOLATION")
_VERSION: Final = re.compile(r"(\d+)(?:\.(\d+))?")
_NUMERIC: Final = names(
    "numpy scipy pandas polars scikit-learn scikit-image xgboost lightgbm catboost torch tensorflow keras jax spacy "
    "gensim faiss-cpu transformers sentence-transformers fasttext llama-cpp-python statsmodels numba opencv-python"
)
_COMPILE_LATER: Final = names(
    "pystan httpstan theano theano-pymc pytensor pymc pymc3 cmdstanpy triton vllm deepspeed flash-attn pythran "
    "jupyterlab notebook"
)
"""Packages that call a compiler when they run, or serve people who do."""
_FOR_BUILDS: Final = re.compile(
    r"/usr/include|/usr/lib|/usr/local/(?:lib|include)|pip\.(?:conf|ini)|\.netrc|\.ssh|\.gitconfig|git config|"
    r"update-ca-certificates|\.crt\b|\.pem\b|/etc/apt|sources\.list|keyrings"
)
"""What a build may look at, in the text of a step."""


def split_python(reading: Reading) -> Split | None:
    """What goes where; None where nothing shows that tools are shipped. Raises UnsplitError."""
    origin = reading.stage.origin
    installing_runs = [run for run in reading.runs if _is_of_python(reading, run)]
    if origin is None or origin.family != "python" or not installing_runs:
        return None
    return _Partition(reading, installing_runs).split()


def _is_of_python(reading: Reading, run: Run) -> bool:
    steps = reading.steps(run)
    if any(call.manager.name in _MANAGERS and call.action for step in steps for call in calls_of(step)):
        return True
    return any(_makes_environment(command.text) for step in steps for command in simple_commands(step))


def _makes_environment(text: str) -> bool:
    return re.match(r"(?:python[\d.]*\s+-m\s+venv|virtualenv)\s", text) is not None


class _Partition:
    """The way from a stage to two. `last` is the last RUN that installs Python packages."""

    def __init__(self, reading: Reading, runs: list[Run]) -> None:
        self._reading: Final = reading
        self._runs: Final = runs
        self._last: Final = runs[-1]
        dependencies = reading.project.dependencies
        self._names: Final = dependencies.names if dependencies else frozenset[str]()
        base = base_of(reading.stage, is_parallel=not _NUMERIC.isdisjoint(self._names))
        self._base: Final = base
        self._system: Final = reading.system_runs(base) if base else {}
        self._above: Final[dict[Instruction, list[Part]]] = {}
        self._below: Final[dict[Instruction, list[Part]]] = {}
        self._upkeep: Final[list[Run]] = []

    def split(self) -> Split | None:
        reading, base = self._reading, self._base
        tools = [tool for run in self._system.values() for tool in run.tools if run.run.start <= self._last.start]
        compiled = [name for name in sorted(self._names) if (need := python_need(name)) and need.ships == "sources"]
        is_fat = reading.stage.origin is not None and bool(slim_twin(reading.stage.origin))
        if not tools and not (is_fat and compiled):
            if base is None and _looks_like_tools(self._runs, reading):
                raise UnsplitError("the packages of the base image's release are not known")
            return None
        assert base is not None or is_fat
        if base is None:
            raise UnsplitError("the packages of the base image's release are not known")
        self._require_fitting_stage()
        environment = self._environment()
        copies = self._needed_copies()
        more = self._libraries(compiled, base) if is_fat else ()
        self._place_runs(base, more)
        self._place_upkeep()
        self._place_copies(copies)
        require_plain_start(reading.project, reading.services, reading.stage.instructions)
        self._add_environment(environment, copies)
        what = _listed(tools) if tools else f"what {_listed(compiled)} is built with"
        return reading.split(self._above, self._below, f"{what} stays in a builder, the packages go into {environment or ENVIRONMENT}")

    def _require_fitting_stage(self) -> None:
        reading = self._reading
        origin = reading.stage.origin
        version = _VERSION.match(origin.tag) if origin else None
        if version and (int(version[1]) < 3 or (version[2] and (int(version[1]), int(version[2])) < (3, 7))):
            raise UnsplitError("the pip of a virtual environment of this old Python is too old")
        if name := next((name for name in sorted(self._names) if name in _COMPILE_LATER), ""):
            raise UnsplitError(f"{name} may call a compiler when it runs")
        state = reading.states.at_end(reading.stage)
        if name := next((name for name in _PLACES if state.is_set(name)), ""):
            raise UnsplitError(f"{name} says where packages go")
        for one in reading.stage.instructions:
            if isinstance(one, Onbuild):
                raise UnsplitError("ONBUILD in line {line} is kept for other builds", one)
            if isinstance(one, User) and one.start < self._last.start and reading.state(self._last).user != "root":
                raise UnsplitError("line {line} changes the user before packages are installed", one)

    def _environment(self) -> str:
        """The virtual environment that packages are installed in already; empty where it is the image's Python."""
        found: set[str] = set()
        for run in self._runs:
            state = self._reading.state(run)
            for call in self._calls(run):
                if call.wrapper or "/" in call.program.text or (call.launcher and "/" in call.launcher[0].text):
                    raise UnsplitError(f"which Python `{call.command.text}` means is not known", run)
                if option := next((one for one in call.options if one.name in _ELSEWHERE), None):
                    raise UnsplitError(f"`{option.name}` in line {{line}} installs in its own way", run)
                word = call.launcher[0] if call.launcher else call.program
                python = state.which(word.value if call.manager.name == "pip" else "python")
                if python.kind not in ("official", "venv"):
                    raise UnsplitError("which Python pip belongs to is not known", run)
                found.add(posixpath.dirname(posixpath.dirname(python.path)) if python.kind == "venv" else "")
        found = {folder for folder in found if folder} or found
        if len(found) > 1:
            raise UnsplitError("packages go into several Pythons")
        return found.pop() if found else ""

    def _calls(self, run: Run) -> Iterator[Call]:
        for step in self._reading.steps(run):
            yield from (call for call in calls_of(step) if call.manager.name in _MANAGERS)

    def _needed_copies(self) -> list[Copy]:
        """The COPYs that bring what the installs read."""
        found: dict[Copy, None] = {}
        installs = {install.call.command.start: install for install in self._reading.installs.installs}
        for run in self._runs:
            for call in self._calls(run):
                install = installs.get(call.command.start)
                if install is None:
                    if call.installs:
                        raise UnsplitError(f"what `{call.command.text}` installs is not known", run)
                    continue
                if install.project is None:
                    continue
                try:
                    needs = needs_of(install.project)
                    brought = [install.project.brought_by(path) for path in (*needs.files, *needs.folders)]
                except NotMovableError as error:
                    raise UnsplitError(str(error), error.culprit or run) from None
                if needs.added or needs.below:
                    raise UnsplitError("the project itself is installed in line {line}", run)
                found.update((copied.instruction, None) for copied, _ in filter(None, brought))
        return list(found)

    def _libraries(self, compiled: list[str], base: Base) -> tuple[str, ...]:
        """What the base image brings and a slim one would not, of what is linked with the system's libraries."""
        found: set[str] = set()
        for name in compiled:
            need = python_need(name)
            packages = need.at_run_time(base.suites, is_compiled=True) if need and base.manager != "apk" else None
            found |= packages or frozenset()
        carried = {library for name in base.carried for library in base.everywhere(name)}
        return tuple(sorted(found - carried))

    def _place_runs(self, base: Base, more: tuple[str, ...]) -> None:
        reading = self._reading
        text = "\n".join(run.text for run in self._runs)
        first = next((one for one in self._system.values() if one.tools and one.run not in self._runs), None)
        for run in reading.runs:
            system = self._system.get(run)
            is_above = run.start <= self._last.start
            unread = reading.unreadable(run)
            if run in self._runs:
                self._require_only_installs(run, unread)
                self._above[run] = [Original(run)]
                kept = (*(system.kept() if system else ()), *(more if first is None and run is self._last else ()))
                options = system.options if system else "--no-install-recommends "
                self._below[run] = [installing(kept, base, like=run, options=options)] if kept else []
            elif system is not None:
                if system.is_unclear or unread:
                    raise UnsplitError("what line {line} installs is not known", run)
                if system.tools and not is_above:
                    raise UnsplitError("line {line} installs build tools below the packages", run)
                extra = more if system is first else ()
                self._above[run], self._below[run] = system.parts(lambda name: mentions(text, name), extra)
                if not system.tools and any(mentions(text, name) for name in system.kept()):
                    self._above[run] = [Again(run)]
            elif not is_above:
                require_no_tools(run, reading.steps(run), unread)
            else:
                self._place_other(run, unread)

    def _require_only_installs(self, run: Run, unread: str) -> None:
        if unread:
            raise UnsplitError(f"line {{line}} cannot be looked into: {unread}", run)
        for step in self._reading.steps(run):
            called = {call.command.start for call in calls_of(step) if call.manager.name in _MANAGERS}
            called |= {call.command.start for call in calls_of(step) if is_system_manager(call)}
            for command in simple_commands(step):
                known = command.start in called or command.name in _BESIDE_INSTALLS or _makes_environment(command.text)
                if not known and command.words:
                    raise UnsplitError(f"line {{line}} does more than install packages: `{command.name}`", run)

    def _place_other(self, run: Run, unread: str) -> None:
        """A RUN above the installs that has nothing to do with them, or that both stages need."""
        if unread or (unknown := next((step.unknown for step in self._reading.steps(run) if step.unknown), "")):
            raise UnsplitError(f"what line {{line}} does above the packages is not known: {unread or unknown}", run)
        if _is_upkeep(self._reading, run):
            self._upkeep.append(run)
        elif _FOR_BUILDS.search(run.text):
            self._above[run] = [Again(run)]

    def _place_upkeep(self) -> None:
        """RUNs that update package lists, or clean up: where packages are installed."""
        has_packages = any(self._below.get(run, [run]) for run in self._system if run not in self._runs)
        for run in self._upkeep:
            self._above[run] = [Again(run)] if has_packages else [Original(run)]
            self._below[run] = [Original(run)] if has_packages else []

    def _place_copies(self, needed: list[Copy]) -> None:
        reading = self._reading
        for copy in needed:
            self._above[copy], self._below[copy] = [Original(copy)], []
        kept = [one for one in reading.stage.instructions if self._below.get(one, [one])]
        for copy in needed:
            copied = reading.copied(copy)
            if copied is None or copied.has_tree or not copied.is_complete or not reading.is_brought_below(copied, kept):
                self._above[copy], self._below[copy] = [Again(copy)], [Original(copy)]
        for one in reading.stage.instructions:
            if isinstance(one, Copy) and one not in needed and one.start < self._last.start and _FOR_BUILDS.search(one.text):
                self._above[one] = [Again(one)]

    def _add_environment(self, environment: str, copies: list[Copy]) -> None:
        """The virtual environment: made above the first install, copied in the place of the last one."""
        first = min((*copies, *self._runs), key=lambda one: one.start)
        folder = environment or ENVIRONMENT
        path = New("ENV", f"PATH={ENVIRONMENT}/bin:$PATH", first)
        if not environment:
            made = New("RUN", f"python -m venv {ENVIRONMENT}", first)
            self._above[first] = [made, path._replace(like=None), *self._above[first]]
        copied: list[Part] = [New("COPY", f"--from={self._reading.builder} {folder} {folder}", first)]
        if not environment:
            copied.append(path._replace(like=None))
        self._below[self._last] = [*self._below[self._last], *copied]


def _is_upkeep(reading: Reading, run: Run) -> bool:
    """Whether a RUN does nothing but update the lists of packages, or remove them."""
    return bool(reading.steps(run)) and all(map(is_about_packages, reading.steps(run)))


def is_system_manager(call: Call) -> bool:
    """Whether a call is one of a distribution's package manager."""
    return is_system_install(call) or call.manager.name in _SYSTEM


def _looks_like_tools(runs: list[Run], reading: Reading) -> bool:
    return any(re.search(r"\b(?:gcc|build-essential|build-base|g\+\+)", run.text) for run in reading.runs)


def _listed(found: list[str]) -> str:
    shown = list(dict.fromkeys(found))
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")


_SYSTEM: Final = names("apt apt-get aptitude apk")
