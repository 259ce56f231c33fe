"""A stage that builds a Node project with packages for developers: they go before the project is copied to a runtime.

FROM node:20                 FROM node:20 AS builder
WORKDIR /app                 WORKDIR /app
COPY package*.json ./        COPY package*.json ./
RUN npm ci                   RUN npm ci
COPY . .               ->    COPY . .
RUN npm run build            RUN npm run build
CMD npm start                RUN npm prune --omit=dev

                             FROM node:20 AS runtime
                             WORKDIR /app
                             COPY --from=builder /app /app
                             CMD npm start
"""

from __future__ import annotations

import posixpath
from typing import Final

from rewriter.model.data.package_roles import CXX, NODE_MANAGERS, NODE_TOOLS
from rewriter.model.effects.copies import SHARED_FOLDERS
from rewriter.model.installing.stage_installs import calls_of, simple_commands
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, names
from rewriter.model.programs import has_program
from rewriter.model.splitting.node_builds import BUILDERS, MANAGERS, Builds, is_global, named
from rewriter.model.splitting.node_leavings import require_no_tool_is_started, require_nothing_outside
from rewriter.model.splitting.node_needs import Manifest
from rewriter.model.splitting.node_owners import GIVES, is_inside, is_root, owner_of_files, prepares, targets_of
from rewriter.model.splitting.node_pruning import pruning
from rewriter.model.splitting.node_results import folder_of_result
from rewriter.model.splitting.parts import Again, New, Original, Part, Split, UnsplitError
from rewriter.model.splitting.runtime_steps import require_no_tools, require_plain_start
from rewriter.model.splitting.settings import mentions
from rewriter.model.splitting.stage_reading import Reading
from rewriter.model.splitting.system_packages import base_of
from rewriter.syntax.tree import Cmd, Copy, Entrypoint, Healthcheck, Instruction, Onbuild, Run, User

_OPENSSL: Final = names("openssl libssl3 libssl3t64 libssl1.1 curl")
_PYTHONS: Final = names("python3 python python2 py3-pip python3-pip py3-setuptools python3-minimal")


def split_node(reading: Reading) -> Split | None:
    """What goes where; None where nothing shows that tools are shipped. Raises UnsplitError."""
    builds = Builds(reading)
    return _Partition(reading, builds).split() if builds else None


class _Partition:
    """The way from a stage to two. `last` is the last RUN that installs or builds."""

    def __init__(self, reading: Reading, builds: Builds) -> None:
        self._reading: Final = reading
        self._builds: Final = builds
        self._last: Final = builds.runs[-1]
        self._folder: Final = builds.folder
        self._base: Final = base_of(reading.stage, is_parallel=False)
        self._system: Final = reading.system_runs(self._base) if self._base else {}
        self._above: Final[dict[Instruction, list[Part]]] = {}
        self._below: Final[dict[Instruction, list[Part]]] = {}

    def split(self) -> Split | None:
        """The split, None where nothing shows that tools are shipped."""
        reading, builds = self._reading, self._builds
        origin = reading.project.sources.origin(posixpath.join(self._folder, "package.json")) if self._folder else ""
        package = reading.project.sources.json(origin) if origin else None
        manifest = Manifest(package, posixpath.dirname(origin), reading.context) if package else None
        prunes = manifest is not None and bool(manifest.developing) and builds.ship_developers and builds.build
        tools = [tool for system in self._system.values() for tool in system.tools]
        only = folder_of_result(reading, builds) if builds.build else ""
        if manifest is None and builds.has_folders and builds.ship_developers:
            raise UnsplitError("packages are installed in several folders")
        if not (prunes or tools or only or reading.is_wanted) or not builds.installs:
            return None
        if manifest is None:
            raise UnsplitError("package.json is not known")
        self._require_fitting_stage()
        manifest.require_no_programs_outside(reading.state(self._last))
        require_nothing_outside(reading, builds, manifest, starts_managers=self._starts_managers())
        if tools:
            require_no_tool_is_started(reading, self._dropped)
            self._require_openssl(manifest)
        if prunes and not only:
            manifest.require_no_developers(reading.project, self._is_installed)
        self._place()
        require_plain_start(reading.project, reading.services, reading.stage.instructions, project_tools=MANAGERS)
        pruned = [pruning(builds, manifest, reading.state(self._last), self._last)] if prunes and not only else []
        self._above[self._last] = [Original(self._last), *pruned]
        path = only or self._folder
        owner = owner_of_files(reading, builds)
        chown = f"--chown={owner} " if owner else ""
        copied = New("COPY", f"--from={reading.builder} {chown}{path} {path}", self._first_copy())
        self._below[self._last] = [copied]
        message = f"only a builder gets {self._gone(tools, prunes=prunes, only=only)}; {path} comes from there"
        return reading.split(self._above, self._below, message, runs_project=True)

    def _require_openssl(self, manifest: Manifest) -> None:
        """Raise if Prisma would miss the OpenSSL that python3 brought into a slim image.

        https://www.prisma.io/docs/orm/reference/system-requirements#linux-runtime-dependencies
        """
        is_slim = "slim" in (self._reading.stage.origin.tag if self._reading.stage.origin else "")
        kept = {name for system in self._system.values() for name in system.kept()}
        if is_slim and "@prisma/client" in manifest.running and not kept & _OPENSSL and kept & self._dropped:
            raise UnsplitError("Prisma needs the OpenSSL that comes with python3")

    def _is_installed(self, program: str) -> bool:
        """Whether a program comes with the image, a package of the system, or one beside the project."""
        state = self._reading.state(self._reading.stage.instructions[-1])
        # What a package manager runs is not known where it was not followed to the end.
        runs_scripts = program in (*MANAGERS, "npx", "pnpx")
        return not runs_scripts and (program in self._builds.global_packages or has_program(program, state))

    def _gone(self, tools: list[str], *, prunes: bool, only: str) -> str:
        if only:
            return "the sources and packages"
        return "the packages for developers" if prunes else ", ".join(dict.fromkeys(tools)) or "what installs packages"

    def _require_fitting_stage(self) -> None:
        reading = self._reading
        if not self._folder or self._folder in SHARED_FOLDERS:
            raise UnsplitError(f"the project lies in {self._folder or 'a folder that is not known'}, with other files")
        if not owner_of_files(reading, self._builds) and not is_root(reading.state(self._last).user):
            raise UnsplitError("line {line} does not run as root", self._last)
        for one in reading.stage.instructions:
            if isinstance(one, Onbuild):
                raise UnsplitError("ONBUILD in line {line} is kept for other builds", one)

    def _place(self) -> None:
        reading = self._reading
        for one in reading.stage.instructions:
            if isinstance(one, Copy):
                self._place_copy(one)
            elif isinstance(one, User) and one.start < self._last.start:
                self._above[one] = [Again(one)]
            elif isinstance(one, Run):
                self._place_run(one)

    def _place_copy(self, copy: Copy) -> None:
        if copy.start > self._last.start:
            return
        if all(is_inside(target, self._builds) for target in targets_of(copy, self._reading)):
            self._above[copy], self._below[copy] = [Original(copy)], []
        else:
            self._above[copy] = [Again(copy)]

    def _place_run(self, run: Run) -> None:
        reading = self._reading
        unread, is_above = reading.unreadable(run), run.start <= self._last.start
        system = self._system.get(run)
        if run in self._builds.runs:
            self._require_only_builds(run, unread)
            self._above[run], self._below[run] = [Original(run)], []
        elif system is not None:
            if system.is_unclear or unread or not system.updates:
                raise UnsplitError("what line {line} installs is not known", run)
            if system.tools and not is_above:
                raise UnsplitError("line {line} installs build tools below the packages", run)
            above, below = system.parts(self._builds.may_call, drops=self._dropped, builds_use_others=is_above)
            self._above[run], self._below[run] = above, below
        elif self._builds.only_asks(run):
            if is_above:
                self._above[run], self._below[run] = [Original(run)], []
        elif not is_above:
            if unread or not self._adds_programs(run):
                require_no_tools(run, reading.steps(run), unread)
        else:
            self._place_other(run, unread)

    @property
    def _dropped(self) -> frozenset[str]:
        """The packages that stand beside compilers for their sake: node-gyp is written in Python."""
        others = (one for one in self._reading.stage.instructions if not isinstance(one, Run))
        return frozenset() if any(mentions(one.text, "python") for one in others) else _PYTHONS

    def _serves_builds(self, run: Run) -> bool:
        """Whether a RUN that builds installs packages of the system for just that, or removes them again."""
        system = self._system.get(run)
        if system is None:
            return True
        # The image has the libraries of C++: Node is written in it.
        return not system.is_unclear and frozenset(system.kept()) <= self._dropped | CXX

    def _adds_programs(self, run: Run) -> bool:
        """Whether a RUN installs programs beside the project, and no tool that may compile them has gone."""
        steps = self._reading.steps(run)
        calls = {call.command.start: call for step in steps for call in calls_of(step)}
        commands = [command for step in steps for command in simple_commands(step)]
        is_global_ = all(one.start in calls and is_global(calls[one.start]) for one in commands)
        return is_global_ and not any(system.tools for system in self._system.values())

    def _place_other(self, run: Run, unread: str) -> None:
        reading = self._reading
        steps = reading.steps(run)
        calls = [call for step in steps for call in calls_of(step)]
        is_corepack = bool(steps) and all(c.name == "corepack" for step in steps for c in simple_commands(step))
        if unread or (unknown := next((step.unknown for step in steps if step.unknown), "")):
            raise UnsplitError(f"what line {{line}} does above the build is not known: {unread or unknown}", run)
        if is_corepack:
            self._above[run] = [Again(run)]
            if not self._starts_managers():
                self._above[run], self._below[run] = [Original(run)], []
        elif any(call.manager.name in MANAGERS for call in calls):
            serves_builds = NODE_TOOLS | {"npm"} if self._starts_managers() else NODE_TOOLS | NODE_MANAGERS | {"npm"}
            installed = {name for call in calls for name in named(call)}
            if installed and installed <= serves_builds:
                self._above[run], self._below[run] = [Original(run)], []
            elif not installed or not self._adds_programs(run) or any(map(self._builds.may_call, installed)):
                self._above[run] = [Again(run)]
        elif prepares(run, reading, self._builds):
            self._above[run] = [Again(run)]
        elif any(is_inside(path, self._builds) for step in steps for path in step.effects.writes):
            if any(command.name in GIVES for step in steps for command in simple_commands(step)):
                raise UnsplitError("line {line} changes who may use the files of the project", run)
            self._above[run], self._below[run] = [Original(run)], []

    def _starts_managers(self) -> bool:
        """Whether what is kept, a container or a service may call a package manager."""
        reading = self._reading
        start = reading.project.start
        kept = [one.text for one in reading.stage.instructions if isinstance(one, Cmd | Entrypoint | Healthcheck)]
        kept += [run.text for run in reading.runs if run.start > self._last.start]
        kept += [reading.context.read(script) or "" for script in (start.scripts if start else ())]
        kept += [" ".join(words or ()) for one in reading.services for words in (one.command, one.entrypoint)]
        return any(mentions(text, name) for text in kept for name in (*MANAGERS, "pnpx", "corepack"))

    def _require_only_builds(self, run: Run, unread: str) -> None:
        if unread:
            raise UnsplitError(f"line {{line}} cannot be looked into: {unread}", run)
        for step in self._reading.steps(run):
            calls = [call for call in calls_of(step) if call.manager.name in (*MANAGERS, *SYSTEM_MANAGERS)]
            called = {call.command.start for call in calls}
            if any(call.manager.name in SYSTEM_MANAGERS for call in calls) and not self._serves_builds(run):
                raise UnsplitError("line {line} installs packages of the system and those of the project", run)
            for command in simple_commands(step):
                if command.start not in called and command.words and command.name not in BUILDERS and step.unknown:
                    raise UnsplitError(f"what `{command.name}` in line {{line}} does is not known", run)

    def _first_copy(self) -> Instruction:
        copies = [one for one in self._reading.stage.instructions if isinstance(one, Copy)]
        return copies[0] if copies and copies[0].start < self._last.start else self._builds.runs[0]
