"""A stage that ships the Go image: the binary, and the files beside it, go into a small image of the same release.

    FROM golang:1.24               FROM golang:1.24-bookworm AS builder
    WORKDIR /app                   WORKDIR /app
    COPY . .                       COPY . .
    RUN go build -o server .  ->   RUN go build -o server .
    CMD ["./server"]
                                   FROM debian:bookworm-slim AS runtime
                                   WORKDIR /app
                                   RUN apt-get update && apt-get install -y ... ca-certificates tzdata && ...
                                   COPY --from=builder /app/server /app/server
                                   COPY --from=builder /app/templates /app/templates
                                   CMD ["./server"]

The binary may be linked with the C library: so the builder is held to the release that the small image is of.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from rewriter.model.data.package_roles import only_runs
from rewriter.model.installing.development_packages import PLAIN_PROGRAMS
from rewriter.model.installing.stage_installs import calls_of
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, names
from rewriter.model.project.go_files import Packages
from rewriter.model.splitting.go_builds import Binary, builds_go, commands_of, folder_of_package, started_binary
from rewriter.model.splitting.go_companions import files_beside
from rewriter.model.splitting.go_images import pinned_to, release_of, small_image
from rewriter.model.splitting.parts import Again, New, Original, Part, Split, UnsplitError
from rewriter.model.splitting.runtime_steps import require_no_tools, require_plain_start
from rewriter.model.splitting.settings import mentions
from rewriter.model.splitting.stage_reading import Reading
from rewriter.model.splitting.system_packages import base_of, installing
from rewriter.syntax.shell_tree import SimpleCommand
from rewriter.syntax.tree import Copy, Env, Instruction, Onbuild, Run, User, Workdir

_OF_GO: Final = re.compile(
    r"(?:GO(?:111MODULE|OS|ARCH|ARM|AMD64|PROXY|FLAGS|PRIVATE|SUMDB|NOSUMDB|CACHE|MODCACHE|TOOLCHAIN|EXPERIMENT)|CGO_\w+)"
)
_BESIDE_GO: Final = names("go rm echo cd set export chmod git ls")
_OF_THE_IMAGE: Final = ("curl", "git", "wget")
_RUNS_OTHERS: Final = names("os/exec plugin golang.org/x/tools/go/packages go/build")


def split_go(reading: Reading) -> Split | None:
    """What goes where; None where the stage does not run a binary that it builds. Raises UnsplitError."""
    builds = [run for run in reading.runs if any(map(builds_go, commands_of(reading, run)))]
    return _Partition(reading, builds).split() if builds else None


class _Partition:
    """The way from a stage to two. `last` is the last RUN that builds."""

    def __init__(self, reading: Reading, builds: list[Run]) -> None:
        self._reading: Final = reading
        self._last: Final = builds[-1]
        self._builds: Final = builds
        self._folder: Final = reading.state(self._last).workdir
        self._above: Final[dict[Instruction, list[Part]]] = {}
        self._below: Final[dict[Instruction, list[Part]]] = {}

    def split(self) -> Split | None:
        """The split, None where another program is started than one that is built here."""
        reading = self._reading
        start = reading.project.start
        if not start:
            raise UnsplitError(f"what a container starts is not known: {start.reason}")
        binary = started_binary(reading, self._builds, start.commands)
        if binary is None:
            return None
        release = release_of(reading.stage)
        self._require_fitting_stage(binary.command.folder)
        require_plain_start(reading.project, reading.services, reading.stage.instructions)
        self._require_known_programs(binary)
        self._require_no_programs(binary.package)
        self._place()
        self._below[self._last] = self._brought(binary, release)
        message = f"only a builder gets Go; {posixpath.basename(binary.path)} comes from there"
        found = reading.split(self._above, self._below, message, runs_project=True)
        pinned = "" if self._is_static(release) else pinned_to(reading.stage, release)
        return found._replace(base=small_image(reading.stage, release), pinned=pinned)

    def _is_static(self, release: str) -> bool:
        """Whether nothing is linked with the libraries of the image: Alpine's has no compiler for C."""
        if self._reading.state(self._last).get("CGO_ENABLED") == "0":
            return True
        texts = [run.text for run in self._reading.runs]
        return release.startswith("alpine") and not any("gcc" in text or "build-base" in text for text in texts)

    def _require_fitting_stage(self, folder: str) -> None:
        reading = self._reading
        if not self._folder or not folder:
            raise UnsplitError("the folder of the project is not known")
        for one in reading.stage.instructions:
            if isinstance(one, Onbuild):
                raise UnsplitError("ONBUILD in line {line} is kept for other builds", one)
            if isinstance(one, User) and one.start < self._last.start:
                raise UnsplitError("line {line} changes the user before the build", one)

    def _require_known_programs(self, binary: Binary) -> None:
        """Raise where a container starts something else that may come with the Go image, or that a RUN builds."""
        reading, start = self._reading, self._reading.project.start
        for command in start.commands if start else ():
            program = command.words[0].value
            origin = reading.project.sources.origin(posixpath.join(command.folder, program)) if "/" in program else ""
            name = posixpath.basename(program)
            if command is not binary.command and not origin and name not in PLAIN_PROGRAMS:
                raise UnsplitError(f"a container starts `{name}`, which may come with the Go image")

    def _require_no_programs(self, package: str) -> None:
        """Raise unless the sources can be read, and start no other programs."""
        sources = self._reading.project.sources
        origin = folder_of_package(self._reading, package)
        if sources.context.list(origin or "") is None:
            raise UnsplitError("the build context is not known")
        if origin is None:
            raise UnsplitError("the sources of the program are not in the build context")
        packages = Packages(sources)
        files = packages.read(origin)
        if packages.unread or not files:
            raise UnsplitError(packages.unread[0] if packages.unread else "the program has no sources that are found")
        for file in files:
            if found := _RUNS_OTHERS.intersection(file.imports.values()):
                raise UnsplitError(f"{file.path} uses {min(found)}: it may start programs of the Go image")

    def _brought(self, binary: Binary, release: str) -> list[Part]:
        """What the runtime gets in the place of the build: packages, the binary, and what lies beside it."""
        reading, base = self._reading, base_of(self._reading.stage, is_parallel=True)
        if base is None:
            raise UnsplitError("the packages of the base image's release are not known")
        base = base._replace(suites=frozenset({release}))
        like = next((one for one in reading.stage.instructions if isinstance(one, Copy)), self._last)
        kept = [one for one in reading.stage.instructions if self._below.get(one, [Original(one)])]
        packages = {"ca-certificates": None, "tzdata": None}
        for system in reading.system_runs(base).values():
            if system.is_unclear:
                raise UnsplitError("what line {line} installs is not known", system.run)
            wanted = (name for name in system.kept() if name in system.libraries or _is_for_running(name, kept))
            packages.update(dict.fromkeys([*wanted]))
        texts = [one.text for one in kept]
        start = reading.project.start
        texts += [command.text for command in (start.commands if start else ())]
        if base.manager == "apt-get":  # the Go image has these, the small one has not
            packages.update((name, None) for name in _OF_THE_IMAGE if any(mentions(text, name) for text in texts))
        added: list[Part] = [] if any(isinstance(one, Workdir) for one in kept) else [New("WORKDIR", "/go", like)]
        added.append(installing(tuple(packages), base, like=like, options="--no-install-recommends "))
        copies = [one for one, parts in self._below.items() if isinstance(one, Copy) and not parts]
        beside = files_beside(reading, copies, binary.path, self._folder)
        added += [
            New("COPY", f"--from={reading.builder} {path} {path}", like if path == binary.path else None)
            for path in (binary.path, *beside)
        ]
        if binary.is_bare and binary.path.startswith("/go/"):
            added.append(New("ENV", "PATH=/go/bin:$PATH"))
        return added

    def _place(self) -> None:
        reading = self._reading
        for one in reading.stage.instructions:
            is_above = one.start <= self._last.start
            if isinstance(one, Copy) and is_above:
                self._place_copy(one)
            elif isinstance(one, Env) and all(_OF_GO.fullmatch(pair.key.text) for pair in one.pairs):
                self._above[one], self._below[one] = (
                    [Original(one)] if is_above else [],
                    [] if is_above else [Original(one)],
                )
            elif isinstance(one, Run):
                self._place_run(one, is_above=is_above)

    def _place_copy(self, copy: Copy) -> None:
        copied = self._reading.copied(copy)
        if copied is None or copied.problem:
            raise UnsplitError("what line {line} copies is not known", copy)
        inside = (self._folder, "/go/src", "/src", "/app")
        if all(any(target == it or target.startswith(f"{it}/") for it in inside) for target in copied.targets):
            self._above[copy], self._below[copy] = [Original(copy)], []
        else:
            self._above[copy] = [Again(copy)]

    def _place_run(self, run: Run, *, is_above: bool) -> None:
        reading = self._reading
        unread, steps = reading.unreadable(run), reading.steps(run)
        if not is_above:
            require_no_tools(run, steps, unread)
            return
        if unread:
            raise UnsplitError(f"line {{line}} cannot be looked into: {unread}", run)
        calls = {call.command.start: call for step in steps for call in calls_of(step)}
        commands = list(commands_of(reading, run))
        is_of_go = all(command.name in _BESIDE_GO or not command.words for command in commands)
        if is_of_go or any(call.manager.name in SYSTEM_MANAGERS for call in calls.values()):
            self._above[run], self._below[run] = [Original(run)], []
        elif unknown := next((step.unknown for step in steps if step.unknown), ""):
            raise UnsplitError(f"what line {{line}} does above the build is not known: {unknown}", run)
        elif any(path.startswith(f"{self._folder}/") for step in steps for path in step.effects.writes):
            self._place_change(run, commands)

    def _place_change(self, run: Run, commands: list[SimpleCommand]) -> None:
        """A RUN that changes what lies in the project's folder: modes come along with the files, folders do not."""
        kinds = {command.name for command in commands}
        if kinds <= {"chmod"}:
            self._above[run], self._below[run] = [Original(run)], []
        elif not kinds <= {"mkdir"}:
            raise UnsplitError("line {line} changes files of the project above the build", run)


def _is_for_running(package: str, kept: list[Instruction]) -> bool:
    """Whether a package serves programs that run, or is named by what is kept."""
    return only_runs(package) or any(mentions(one.text, package) for one in kept if not isinstance(one, Run))
