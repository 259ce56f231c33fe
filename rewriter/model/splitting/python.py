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

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from rewriter.model.data.official_tags import slim_twin
from rewriter.model.data.package_roles import COMPILERS
from rewriter.model.data.system_libraries import python_need
from rewriter.model.managers.vocabulary import names
from rewriter.model.splitting.gains import is_in_its_base
from rewriter.model.splitting.parts import Again, New, Original, Part, Split, UnsplitError
from rewriter.model.splitting.places_that_change import (
    require_no_names_of_headers,
    require_no_paths,
    require_no_search_for_libraries,
    require_path_in_force,
)
from rewriter.model.splitting.python_builds import may_be_parallel
from rewriter.model.splitting.python_environments import ENVIRONMENT
from rewriter.model.splitting.python_guards import require_fitting_stage
from rewriter.model.splitting.python_installs import Installed
from rewriter.model.splitting.runtime_steps import require_no_tools, require_plain_start
from rewriter.model.splitting.settings import mentions
from rewriter.model.splitting.stage_reading import Reading
from rewriter.model.splitting.system_packages import Base, base_of, installing, is_about_packages, updates_lists
from rewriter.syntax.tree import Copy, Instruction, Run

_PIPS: Final = names("python3-pip python3-setuptools python3-wheel python3-venv python3-virtualenv")
"""They belong to the Python of the distribution, bring compilers along, and are called by nobody who runs."""

_OBVIOUS: Final = re.compile(r"\b(?:gcc|g\+\+|build-essential|build-base)(?![\w-])")
_FOR_BUILDS: Final = re.compile(
    r"/usr/include|/usr/lib|/usr/local/(?:lib|include)|pip\.(?:conf|ini)|\.netrc|\.ssh|\.gitconfig|git config|"
    r"update-ca-certificates|\.crt\b|\.pem\b|/etc/apt|sources\.list|keyrings"
)
"""What a build may look at, in the text of a step."""


def split_python(reading: Reading) -> Split | None:
    """What goes where; None where nothing shows that tools are shipped. Raises UnsplitError."""
    installed = Installed(reading)
    origin = reading.stage.origin
    return _Partition(reading, installed).split() if origin and origin.family == "python" and installed.runs else None


class _Partition:
    """The way from a stage to two. `last` is the last RUN that installs Python packages."""

    def __init__(self, reading: Reading, installed: Installed) -> None:
        self._reading: Final = reading
        self._installed: Final = installed
        self._runs: Final = installed.runs
        self._last: Final = installed.runs[-1]
        self._base: Final = base_of(reading.stage, is_parallel=may_be_parallel(installed.names, reading.context))
        self._system: Final = reading.system_runs(self._base) if self._base else {}
        self._above: Final[dict[Instruction, list[Part]]] = {}
        self._below: Final[dict[Instruction, list[Part]]] = {}
        self._upkeep: Final[list[Run]] = []

    def split(self) -> Split | None:
        """The split, None where nothing shows that tools are shipped."""
        reading, base = self._reading, self._base
        tools = [tool for run in self._system.values() for tool in run.tools if run.run.start <= self._last.start]
        compiled: list[str] = []
        if reading.stage.origin and slim_twin(reading.stage.origin):
            needs = ((name, python_need(name)) for name in sorted(self._installed.names))
            compiled = [name for name, need in needs if need and need.ships == "sources"]
        if base is None and (compiled or any(_OBVIOUS.search(run.text) for run in reading.runs)):
            raise UnsplitError("the packages of the base image's release are not known")
        if base is None or not (tools or compiled or reading.is_wanted):
            return None
        require_fitting_stage(reading, self._installed.names, self._last)
        environment, copies = self._installed.environment, self._installed.copies
        self._place_runs(base, self._libraries(compiled, base))
        self._place_upkeep()
        self._place_copies(copies)
        require_plain_start(reading.project, reading.services, reading.stage.instructions)
        if not environment:
            require_no_paths(reading, self._installed.names)
            require_path_in_force(reading, self._runs[0])
        self._require_libraries_are_found(base, tools)
        self._add_environment(environment, copies)
        what = _listed(tools) or (
            f"what {_listed(compiled)} needs to be built" if compiled else "what installs packages"
        )
        message = f"only a builder gets {what}; the packages come from there in {environment or ENVIRONMENT}"
        split = reading.split(self._above, self._below, message)
        return split._replace(gains_by_base=is_in_its_base(tools, reading.stage))

    def _require_libraries_are_found(self, base: Base, tools: Collection[str]) -> None:
        if base.manager == "apk" and not COMPILERS.isdisjoint(tools):
            require_no_search_for_libraries(self._reading, self._installed.names)
        libraries = {name: found for run in self._system.values() for name, found in run.tools.items()}
        headers = {name for name in tools if name.endswith("-dev")}
        kept = {name for name in headers if name in libraries[name]}
        if headers > kept:
            require_no_names_of_headers(self._reading, kept)

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
                self._installed.require_only_installs(run, unread)
                self._above[run] = [Original(run, self._installed.changed(run))]
                kept = (*(system.kept() if system else ()), *(more if first is None and run is self._last else ()))
                options = system.options if system else "--no-install-recommends "
                self._below[run] = [installing(kept, base, like=run, options=options)] if kept else []
            elif system is not None:
                if system.is_unclear or unread:
                    raise UnsplitError("what line {line} installs is not known", run)
                if system.tools and not is_above:
                    raise UnsplitError("line {line} installs build tools below the packages", run)
                above, below = system.parts(
                    lambda name: mentions(text, name),
                    more=more if system is first else (),
                    drops=_PIPS,
                    builds_use_others=is_above,
                )
                self._above[run], self._below[run] = above, below
            elif not is_above:
                require_no_tools(run, reading.steps(run), unread)
            else:
                self._place_other(run, unread)

    def _place_other(self, run: Run, unread: str) -> None:
        """A RUN above the installs that has nothing to do with them, or that both stages need."""
        if unread or (unknown := next((step.unknown for step in self._reading.steps(run) if step.unknown), "")):
            raise UnsplitError(f"what line {{line}} does above the packages is not known: {unread or unknown}", run)
        if _is_upkeep(self._reading, run):
            self._upkeep.append(run)
        elif self._installed.in_place.changes(run, self._reading.steps(run)):
            self._above[run], self._below[run] = [Original(run)], []
        elif _FOR_BUILDS.search(run.text):
            self._above[run] = [Again(run)]

    def _place_upkeep(self) -> None:
        """What updates the lists of packages, or removes them: wherever installs have no update of their own."""
        above = self._updaters(self._above, self._runs[:0])
        below = self._updaters(self._below, self._runs)
        for run, system in self._system.items():
            for wanted, parts in ((above, self._above), (below, self._below)):
                if run in wanted and not parts.get(run):
                    if run in self._runs:
                        raise UnsplitError("the lists of packages that line {line} updates are used below", run)
                    parts[run] = [system.only_update]
        for run in self._upkeep:
            is_above, is_below = run in above, run in below
            if not updates_lists(self._reading.steps(run)):
                is_below = any(self._below.get(other) for other in self._system if other not in self._runs)
            self._above[run] = [Original(run)] if not is_below else [Again(run)] if is_above else []
            self._below[run] = [Original(run)] if is_below else []

    def _updaters(self, parts: Mapping[Instruction, Sequence[Part]], apart: Sequence[Run]) -> set[Run]:
        """The RUNs whose updates the installs of one stage rely on; those `apart` bring their own."""
        found: set[Run] = set()
        updater: Run | None = None
        for run in self._reading.runs:
            system = self._system.get(run)
            if system is not None and parts.get(run) and not system.updates and run not in apart:
                if updater is None:
                    raise UnsplitError("line {line} installs packages without lists of them", run)
                found.add(updater)
            if updates_lists(self._reading.steps(run)):
                updater = run
        return found

    def _place_copies(self, needed: list[Copy]) -> None:
        reading = self._reading
        for copy in needed:
            self._above[copy], self._below[copy] = [Original(copy)], []
        gone = {*self._runs, *(one for one, parts in self._below.items() if not parts)}
        kept = [one for one in reading.stage.instructions if one not in gone]
        for copy in needed:
            copied = reading.copied(copy)
            if self._installed.in_place.brings(copy):
                continue
            if copied is None or not reading.is_brought_below(copied, kept):
                self._above[copy], self._below[copy] = [Again(copy)], [Original(copy)]
        text = "\n".join(run.text for run in self._runs)
        for one in reading.stage.instructions:
            if not isinstance(one, Copy) or one in needed or one.start > self._last.start:
                continue
            programs = [source.rpartition("/")[2] for source in one.sources] if one.source_stage else []
            if _FOR_BUILDS.search(one.text):
                self._above[one] = [Again(one)]
            elif any(mentions(text, program) for program in programs):
                others = "\n".join(other.text for other in kept if other is not one)
                is_kept = any(mentions(others, program) for program in programs)
                self._above[one] = [Again(one) if is_kept else Original(one)]
                self._below[one] = [Original(one)] if is_kept else []

    def _add_environment(self, environment: str, copies: list[Copy]) -> None:
        """The virtual environment: made above the first install, copied in the place of the last one."""
        # What the stage says of the environments of projects stands above the first RUN, maybe below the copies.
        first = min((*(() if self._installed.syncs else copies), *self._runs), key=lambda one: one.start)
        folder = environment or ENVIRONMENT
        path = New("ENV", f"PATH={ENVIRONMENT}/bin:$PATH", first)
        if not environment:
            made = New("RUN", f"python -m venv {ENVIRONMENT}", first)
            in_force = New("ENV", self._installed.settings + path.arguments)
            self._above[first] = [made, in_force, *self._above[first]]
        in_place = self._installed.in_place
        copied: list[Part] = [New("COPY", f"--from={self._reading.builder} {folder} {folder}", first)]
        if not environment:
            copied.append(path._replace(like=None))
        copied = [*(() if in_place.holds(folder) else copied), *in_place.parts()]
        self._below[self._last] = [*self._below[self._last], *copied]


def _is_upkeep(reading: Reading, run: Run) -> bool:
    """Whether a RUN does nothing but update the lists of packages, or remove them."""
    return bool(reading.steps(run)) and all(map(is_about_packages, reading.steps(run)))


def _listed(found: Sequence[str]) -> str:
    shown = list(dict.fromkeys(found))
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")
