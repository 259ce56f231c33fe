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
from collections.abc import Iterator
from typing import Final

from rewriter.model.installing.stage_installs import simple_commands
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.go_files import Packages
from rewriter.model.project.locate import go_package
from rewriter.model.splitting.compiled import Compiled
from rewriter.model.splitting.compiled_guards import require_all_brought, require_fitting_stage
from rewriter.model.splitting.files_beside import Toolchain
from rewriter.model.splitting.left_behind import is_left_behind
from rewriter.model.splitting.linked_images import needed_packages, pinned_to, release_of, small_image
from rewriter.model.splitting.parts import New, Part, Split, UnsplitError
from rewriter.model.splitting.runtime_steps import require_plain_start
from rewriter.model.splitting.stage_reading import Reading
from rewriter.model.splitting.system_packages import installing
from rewriter.syntax.shell_tree import SimpleCommand
from rewriter.syntax.tree import Run

_RUNS_OTHERS: Final = names("os/exec plugin golang.org/x/tools/go/packages go/build")
GO: Final = Toolchain(
    tools=names("go"),
    settings=re.compile(
        r"(?:GO(?:111MODULE|OS|ARCH|ARM|AMD64|PROXY|FLAGS|PRIVATE|SUMDB|NOSUMDB|CACHE|MODCACHE|TOOLCHAIN|EXPERIMENT)|CGO_\w+)"
    ),
    is_left_behind=is_left_behind,
    folders=("/go/src", "/src", "/app"),
    caches=("/go/pkg", "/root/.cache", "/root/go"),
    workdir="/go",
)


def split_go(reading: Reading) -> Split | None:
    """What goes where; None where the stage does not run a binary that it builds. Raises UnsplitError."""
    builds = [run for run in reading.runs if any(map(_builds, _commands(reading, run)))]
    return _Partition(reading, builds).split() if builds else None


def _commands(reading: Reading, run: Run) -> Iterator[SimpleCommand]:
    return (command for step in reading.steps(run) for command in simple_commands(step))


def _builds(command: SimpleCommand) -> bool:
    words = [word.value for word in command.words[:2]]
    return len(words) == 2 and words[0] == "go" and words[1] in ("build", "install")


class _Partition:
    """The way from a stage to two."""

    def __init__(self, reading: Reading, builds: list[Run]) -> None:
        self._reading: Final = reading
        self._builds: Final = builds

    def split(self) -> Split | None:
        """The split, None where another program is started than one that is built here."""
        reading = self._reading
        start = reading.project.start
        if not start:
            raise UnsplitError(f"what a container starts is not known: {start.reason}")
        command = start.commands[-1]
        binary, package = self._binary(command.words[0].value, command.folder)
        if not binary:
            return None
        release = release_of(reading.stage, "Go")
        folder = reading.state(self._builds[-1]).workdir
        compiled = Compiled(reading, GO, self._builds, folder, [binary])
        require_fitting_stage(compiled, start)
        require_all_brought(compiled, start)
        require_plain_start(reading.project, reading.services, reading.stage.instructions, built=[binary])
        self._require_no_programs(package)
        compiled.place()
        files = compiled.files()
        paths = (binary, *([folder] if len(files) > GO.most_files else files))
        compiled.bring(paths, [self._installs(compiled, release)])
        if "/" not in command.words[0].value and binary.startswith("/go/"):
            compiled.below[compiled.last].append(New("ENV", "PATH=/go/bin:$PATH"))
        pinned = "" if self._is_static(release) else pinned_to(reading.stage, release)
        return compiled.split("Go", base=small_image(reading.stage, release), pinned=pinned)

    def _is_static(self, release: str) -> bool:
        """Whether nothing is linked with the libraries of the image: Alpine's has no compiler for C."""
        if self._reading.state(self._builds[-1]).get("CGO_ENABLED") == "0":
            return True
        texts = [run.text for run in self._reading.runs]
        return release.startswith("alpine") and not any("gcc" in text or "build-base" in text for text in texts)

    def _binary(self, program: str, folder: str) -> tuple[str, str]:
        """The path of the binary that is started and that of the package it is built from; empty where none is."""
        places = [posixpath.normpath(posixpath.join(folder, program))]
        if "/" not in program:
            places = [f"/usr/local/bin/{program}", f"/go/bin/{program}"]
        for run in reversed(self._builds):
            for step in self._reading.steps(run):
                for command in filter(_builds, simple_commands(step)):
                    for path in places:
                        if step.folder and (package := go_package(command, step.folder, path)):
                            return path, package
        return "", ""

    def _require_no_programs(self, package: str) -> None:
        """Raise unless the sources can be read, and start no other programs."""
        sources = self._reading.project.sources
        origin = sources.origin_of_folder(package)
        if origin and origin.endswith(".go"):
            origin = posixpath.dirname(origin)
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

    def _installs(self, compiled: Compiled, release: str) -> Part:
        """The packages that the small image needs: certificates, time zones, libraries, and what is called by name."""
        base, packages = needed_packages(compiled, release, ("ca-certificates", "tzdata"), is_parallel=True)
        return installing(packages, base, like=compiled.first_copy, options="--no-install-recommends ")
