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

from rewriter.model.installing.development_packages import PLAIN_PROGRAMS
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.go_files import Packages
from rewriter.model.splitting.compiled import Compiled
from rewriter.model.splitting.compiled_guards import require_all_brought, require_fitting_stage
from rewriter.model.splitting.files_beside import Toolchain, is_in
from rewriter.model.splitting.go_builds import (
    Binary,
    builds_go,
    commands_of,
    other_programs,
    started_binary,
)
from rewriter.model.splitting.linked_images import needed_packages, pinned_to, release_of, small_image
from rewriter.model.splitting.parts import New, Split, UnsplitError
from rewriter.model.splitting.runtime_steps import require_plain_start
from rewriter.model.splitting.sources_read import names_in_paths
from rewriter.model.splitting.stage_reading import Reading
from rewriter.model.splitting.system_packages import installing
from rewriter.syntax.tree import Run

GO: Final = Toolchain(
    tools=names("go"),
    settings=re.compile(
        r"(?:GO(?:111MODULE|OS|ARCH|ARM|AMD64|PROXY|FLAGS|PRIVATE|SUMDB|NOSUMDB|CACHE|MODCACHE|TOOLCHAIN|EXPERIMENT)|CGO_\w+)"
    ),
    folders=("/go/src", "/src", "/app"),
    caches=("/go/pkg", "/root/.cache", "/root/go"),
    workdir="/go",
)


def split_go(reading: Reading) -> Split | None:
    """What goes where; None where the stage does not run a binary that it builds. Raises UnsplitError."""
    builds = [run for run in reading.runs if any(map(builds_go, commands_of(reading, run)))]
    return _Partition(reading, builds).split() if builds else None


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
        binary = started_binary(reading, self._builds, start.commands)
        if binary is None:
            return None
        release = release_of(reading.stage, "Go")
        folder = reading.state(self._builds[-1]).workdir
        others = dict(other_programs(reading, self._builds, binary.path))
        built = [binary.path, *others]
        if parent := next((it for it in others if is_in(binary.path, it)), ""):
            built = [parent, *(it for it in others if it != parent)]
            called = (it for it in others[parent] if posixpath.basename(it) == posixpath.basename(binary.path))
            binary = binary._replace(package=next(called, binary.package))
        compiled = Compiled(reading, GO, self._builds, folder, built)
        require_fitting_stage(compiled, start)
        require_all_brought(compiled, start)
        require_plain_start(reading.project, reading.services, reading.stage.instructions, built=built)
        self._require_known_programs(compiled, binary)
        packages = dict.fromkeys((binary.package, *(package for them in others.values() for package in them)))
        compiled.spoken = frozenset().union(*(self._require_no_programs(package, folder) for package in packages))
        compiled.place()
        files = compiled.files()
        paths = (*built, *([folder] if len(files) > GO.most_files else files))
        needed = needed_packages(compiled, release, ("ca-certificates", "tzdata"), is_parallel=True)
        installs = installing(needed.packages, needed.base, like=compiled.first_copy, options=needed.options)
        compiled.bring(paths, [installs], needed.programs)
        if binary.is_bare and binary.path.startswith("/go/"):
            compiled.below[compiled.last].append(New("ENV", "PATH=/go/bin:$PATH"))
        pinned = "" if self._is_static(release) else pinned_to(reading.stage, release)
        return compiled.split("Go", base=small_image(reading.stage, release), pinned=pinned)

    def _is_static(self, release: str) -> bool:
        """Whether nothing is linked with the libraries of the image: Alpine's has no compiler for C."""
        if self._reading.state(self._builds[-1]).get("CGO_ENABLED") == "0":
            return True
        texts = [run.text for run in self._reading.runs]
        return release.startswith("alpine") and not any("gcc" in text or "build-base" in text for text in texts)

    def _require_known_programs(self, compiled: Compiled, binary: Binary) -> None:
        """Raise where a container starts something else that may come with the Go image, or that a RUN builds."""
        reading, start = self._reading, self._reading.project.start
        for command in start.commands if start else ():
            program = command.words[0].value
            origin = reading.project.sources.origin(posixpath.join(command.folder, program)) if "/" in program else ""
            name = posixpath.basename(program)
            if "/" in program and compiled.brings(posixpath.join(command.folder, program), compiled.built):
                continue
            if command is not binary.command and not origin and name not in PLAIN_PROGRAMS:
                raise UnsplitError(f"a container starts `{name}`, which may come with the Go image")

    def _require_no_programs(self, package: str, folder: str) -> frozenset[str]:
        """The names in paths that the sources speak of. Raise unless they can be read, and start no other programs."""
        sources = self._reading.project.sources
        origin = sources.origin_of_package(package, ".go")
        if sources.context.list(origin or "") is None:
            raise UnsplitError("the build context is not known")
        if origin is None:
            raise UnsplitError("the sources of the program are not in the build context")
        packages = Packages(sources)
        files = packages.read(origin)
        if packages.unread or not files:
            raise UnsplitError(packages.unread[0] if packages.unread else "the program has no sources that are found")
        for file in files:
            if module := file.starts_others:
                raise UnsplitError(f"{file.path} uses {module}: it may start programs of the Go image")
        texts = [text for file in files for text in file.strings()]
        # What begins with a slash is mostly the path in an address.
        inside = (text for text in texts if not text.startswith("/") or is_in(text, folder))
        return frozenset(names_in_paths(inside))
