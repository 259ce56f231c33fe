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
import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.effects.copies import SHARED_FOLDERS
from rewriter.model.installing.node_versions import manager_version
from rewriter.model.installing.stage_installs import calls_of, simple_commands
from rewriter.model.managers.call import Call
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, names
from rewriter.model.splitting.node_needs import Manifest
from rewriter.model.splitting.parts import Again, New, Original, Part, Split, UnsplitError
from rewriter.model.splitting.runtime_steps import require_no_tools, require_plain_start
from rewriter.model.splitting.settings import mentions
from rewriter.model.splitting.stage_reading import Reading
from rewriter.model.splitting.system_packages import base_of
from rewriter.syntax.tree import Copy, Instruction, Onbuild, Run

_MANAGERS: Final = names("npm yarn pnpm")
_BUILDERS: Final = names("npx tsc node next nest vite webpack rollup esbuild tsup ng babel swc pnpx rimraf")
_GLOBAL_TOOLS: Final = names(
    "typescript @nestjs/cli @angular/cli npm node-gyp gulp-cli grunt-cli webpack webpack-cli vite turbo rimraf"
)
_PYTHONS: Final = names("python3 python python2 py3-pip python3-pip py3-setuptools python3-minimal")


def split_node(reading: Reading) -> Split | None:
    """What goes where; None where nothing shows that tools are shipped. Raises UnsplitError."""
    builds = [run for run in reading.runs if _is_of_project(reading, run)]
    return _Partition(reading, builds).split() if builds else None


def _is_of_project(reading: Reading, run: Run) -> bool:
    """Whether a RUN installs a project's packages, or builds it."""
    for step in reading.steps(run):
        for call in calls_of(step):
            if call.manager.name in _MANAGERS and not _is_global(call):
                return True
        if any(command.name in _BUILDERS for command in simple_commands(step)):
            return True
    return False


def _is_global(call: Call) -> bool:
    return call.has("-g", "--global") or call.action in ("config", "config set", "cache clean", "global add", "set")


class _Partition:
    """The way from a stage to two. `last` is the last RUN that installs or builds."""

    def __init__(self, reading: Reading, builds: list[Run]) -> None:
        self._reading: Final = reading
        self._builds: Final = builds
        self._last: Final = builds[-1]
        self._folder: Final = reading.state(self._last).workdir
        self._base: Final = base_of(reading.stage, is_parallel=False)
        self._system: Final = reading.system_runs(self._base) if self._base else {}
        self._above: Final[dict[Instruction, list[Part]]] = {}
        self._below: Final[dict[Instruction, list[Part]]] = {}

    def split(self) -> Split | None:
        """The split, None where nothing shows that tools are shipped."""
        reading = self._reading
        origin = reading.project.sources.origin(posixpath.join(self._folder, "package.json")) if self._folder else ""
        package = reading.project.sources.json(origin) if origin else None
        manifest = Manifest(package, posixpath.dirname(origin), reading.context) if package else None
        prunes = manifest is not None and bool(manifest.developing) and self._ships_developers() and self._is_built()
        tools = [tool for system in self._system.values() for tool in system.tools]
        if not (prunes or tools or reading.is_wanted) or not self._installs():
            return None
        if manifest is None:
            raise UnsplitError("package.json is not known")
        self._require_fitting_stage(manifest, prunes=prunes)
        if prunes:
            manifest.require_no_developers(reading.project)
        self._place()
        require_plain_start(reading.project, reading.services, reading.stage.instructions, project_tools=_MANAGERS)
        self._above[self._last] = [Original(self._last), *(self._pruning(manifest) if prunes else ())]
        copied = New("COPY", f"--from={reading.builder} {self._folder} {self._folder}", self._first_copy())
        self._below[self._last] = [copied]
        what = "the packages for developers" if prunes else ", ".join(dict.fromkeys(tools)) or "what installs packages"
        message = f"only a builder gets {what}; {self._folder} comes from there"
        return reading.split(self._above, self._below, message, runs_project=True)

    def _installs(self) -> list[tuple[Run, Call]]:
        calls = ((run, call) for run in self._builds for step in self._reading.steps(run) for call in calls_of(step))
        return [
            (run, call)
            for run, call in calls
            if call.manager.name in _MANAGERS and call.installs and not _is_global(call)
        ]

    def _ships_developers(self) -> bool:
        """Whether packages for developers are installed, and not removed again."""
        found = False
        for run, call in self._installs():
            is_production = call.has("--production", "--prod", "-P") or any(
                option.name in ("--omit", "--only") and option.value in ("dev", "prod", "production")
                for option in call.options
            )
            sets = (self._reading.state(run).get("NODE_ENV") or "") == "production"
            found = not (is_production or (sets and not call.has("--include")))
        prunes = (
            call.action == "prune"
            for run in self._builds
            for step in self._reading.steps(run)
            for call in calls_of(step)
        )
        return found and not any(prunes)

    def _is_built(self) -> bool:
        """Whether a RUN builds the project."""
        commands = [c for run in self._builds for step in self._reading.steps(run) for c in simple_commands(step)]
        return any("build" in command.text or command.name in ("tsc", "npx") for command in commands)

    def _require_fitting_stage(self, manifest: Manifest, *, prunes: bool) -> None:
        reading = self._reading
        if not self._folder or self._folder in SHARED_FOLDERS:
            raise UnsplitError(f"the project lies in {self._folder or 'a folder that is not known'}, with other files")
        if prunes and manifest.package.get("workspaces"):
            raise UnsplitError("package.json has workspaces")
        if reading.state(self._last).user not in ("root", "0"):
            raise UnsplitError("line {line} does not run as root", self._last)
        for one in reading.stage.instructions:
            if isinstance(one, Onbuild):
                raise UnsplitError("ONBUILD in line {line} is kept for other builds", one)

    def _pruning(self, manifest: Manifest) -> Iterator[Part]:
        managers = {call.manager.name for _, call in self._installs()}
        if len(managers) != 1:
            raise UnsplitError("several package managers install the packages")
        manager = managers.pop()
        version = manager_version(manager, self._reading.state(self._last), manifest.package, self._last)
        if manager != "pnpm" and not version:
            raise UnsplitError(f"which version of {manager} runs is not known")
        if manager == "yarn" and (version > 1 or manifest.has(".yarnrc.yml")):
            raise UnsplitError("this Yarn has no command that leaves only some packages")
        if manager != "npm" and "@prisma/client" in manifest.running:
            raise UnsplitError(f"{manager} may remove the generated client of Prisma")
        if manager == "pnpm" and manifest.has("pnpm-workspace.yaml"):
            raise UnsplitError("pnpm-workspace.yaml may have packages of its own")
        yield New("RUN", {
            "npm": "npm prune --omit=dev" if version > 6 else "npm prune --production",
            "pnpm": "CI=true pnpm prune --prod",
            "yarn": "yarn install --production --frozen-lockfile --ignore-scripts --prefer-offline",
        }[manager])  # fmt: skip

    def _place(self) -> None:
        reading = self._reading
        for one in reading.stage.instructions:
            if isinstance(one, Copy):
                self._place_copy(one)
            elif isinstance(one, Run):
                self._place_run(one)

    def _place_copy(self, copy: Copy) -> None:
        if copy.start > self._last.start:
            return
        copied = self._reading.copied(copy)
        targets = copied.targets if copied and not copied.problem else self._target(copy)
        if all(self._is_inside(target) for target in targets):
            self._above[copy], self._below[copy] = [Original(copy)], []
        else:
            self._above[copy] = [Again(copy)]

    def _target(self, copy: Copy) -> tuple[str, ...]:
        state = self._reading.state(copy)
        destination = state.expand(copy.destination)
        if destination is None or not state.workdir:
            raise UnsplitError("where line {line} copies to is not known", copy)
        return (posixpath.normpath(posixpath.join(state.workdir, destination)),)

    def _is_inside(self, path: str) -> bool:
        return path == self._folder or path.startswith(f"{self._folder}/")

    def _place_run(self, run: Run) -> None:
        reading = self._reading
        unread, is_above = reading.unreadable(run), run.start <= self._last.start
        system = self._system.get(run)
        text = "\n".join(one.text for one in self._builds)
        if run in self._builds:
            self._require_only_builds(run, unread)
            self._above[run], self._below[run] = [Original(run)], []
        elif system is not None:
            if system.is_unclear or unread or not system.updates:
                raise UnsplitError("what line {line} installs is not known", run)
            if system.tools and not is_above:
                raise UnsplitError("line {line} installs build tools below the packages", run)
            is_started = any(
                mentions(one.text, "python") for one in reading.stage.instructions if not isinstance(one, Run)
            )
            dropped = frozenset() if is_started else _PYTHONS
            self._above[run], self._below[run] = system.parts(lambda name: mentions(text, name), drops=dropped)
        elif not is_above:
            require_no_tools(run, reading.steps(run), unread)
        else:
            self._place_other(run, unread)

    def _place_other(self, run: Run, unread: str) -> None:
        steps = self._reading.steps(run)
        calls = [call for step in steps for call in calls_of(step)]
        is_corepack = bool(steps) and all(c.name == "corepack" for step in steps for c in simple_commands(step))
        if unread or (unknown := next((step.unknown for step in steps if step.unknown), "")):
            raise UnsplitError(f"what line {{line}} does above the build is not known: {unread or unknown}", run)
        if is_corepack:
            self._above[run] = [Again(run)]
        elif any(call.manager.name in _MANAGERS for call in calls):
            installed = {re.sub(r"(?<=.)@.*", "", word.value) for call in calls for word in call.packages}
            if installed and installed <= _GLOBAL_TOOLS:
                self._above[run], self._below[run] = [Original(run)], []
            else:
                self._above[run] = [Again(run)]
        elif any(self._is_inside(path) for step in steps for path in step.effects.writes):
            if any(command.name in ("chown", "chmod", "chgrp") for step in steps for command in simple_commands(step)):
                raise UnsplitError("line {line} changes who may use the files of the project", run)
            self._above[run], self._below[run] = [Original(run)], []

    def _require_only_builds(self, run: Run, unread: str) -> None:
        if unread:
            raise UnsplitError(f"line {{line}} cannot be looked into: {unread}", run)
        for step in self._reading.steps(run):
            calls = [call for call in calls_of(step) if call.manager.name in (*_MANAGERS, *SYSTEM_MANAGERS)]
            called = {call.command.start for call in calls}
            if any(call.manager.name in SYSTEM_MANAGERS for call in calls):
                raise UnsplitError("line {line} installs packages of the system and those of the project", run)
            for command in simple_commands(step):
                if command.start not in called and command.words and command.name not in _BUILDERS and step.unknown:
                    raise UnsplitError(f"what `{command.name}` in line {{line}} does is not known", run)

    def _first_copy(self) -> Instruction:
        copies = [one for one in self._reading.stage.instructions if isinstance(one, Copy)]
        return copies[0] if copies and copies[0].start < self._last.start else self._builds[0]
