"""A stage that runs a Go binary of a builder: a static one needs nothing, another one the C library of its release."""

from __future__ import annotations

from typing import Final

from rewriter.model.data.distroless import DistrolessImage, distroless_images
from rewriter.model.distroless.candidate import Candidate
from rewriter.model.distroless.move import Move, Started, StaysError
from rewriter.model.distroless.steps import steps_on
from rewriter.model.managers.run_calls import apt_calls
from rewriter.model.project.answers import Program
from rewriter.model.project.go_files import Packages
from rewriter.model.stages import Stage
from rewriter.syntax.tree import From, Run, ShellInstruction

_FOR_C: Final = ("gcc", "build-base", "musl-dev", "clang")


def move_go(candidate: Candidate) -> Move:
    """How the stage moves; raises StaysError."""
    program = candidate.project.program
    if candidate.image.family == "golang":
        step = next((one for one in candidate.stage.instructions if isinstance(one, Run)), None)
        raise StaysError("it is built in the stage that ships", step)
    if not program or program.language != "go":
        raise StaysError("what it runs is not known")
    graph = candidate.shipped.states.graph
    builder = graph.stages[program.stage] if program.stage >= 0 else candidate.stage
    if builder is candidate.stage or not builder.origin or builder.origin.family != "golang":
        raise StaysError("which stage builds what it runs is not known")
    is_static = _is_static(builder, candidate)
    image, pins = _image(candidate, builder, is_static=is_static)
    _require_no_programs(program, candidate)
    stage = candidate.stage
    what = "nothing but certificates and time zones" if is_static else "the C library"
    message = candidate.message(image, what)
    return Move(
        stage, image, message, pins, steps_on(image, candidate), _started(candidate, image), (), candidate.own_workdir
    )


def _is_static(builder: Stage, candidate: Candidate) -> bool:
    """Whether nothing is linked with the libraries of the builder: Alpine's image of Go has no compiler for C."""
    runs = [one for stage in builder.lineage for one in stage.instructions if isinstance(one, Run)]
    builds = [run for run in runs if "go build" in run.text or "go install" in run.text]
    if builds and all(_turns_c_off(run, candidate) for run in builds):
        return True
    origin = builder.origin
    return bool(origin and "alpine" in origin.tag) and not any(name in run.text for run in runs for name in _FOR_C)


def _turns_c_off(run: Run, candidate: Candidate) -> bool:
    return "CGO_ENABLED=0" in run.text or candidate.shipped.states.at(run).get("CGO_ENABLED") == "0"


def _image(
    candidate: Candidate, builder: Stage, *, is_static: bool
) -> tuple[DistrolessImage, tuple[tuple[From, str], ...]]:
    if is_static:
        return distroless_images("static")[0], ()
    if candidate.image.family == "alpine":
        raise StaysError("what is linked with Alpine's C library does not run on Debian")
    problem = StaysError("which release it is built for is not known")
    _require_no_libraries(builder)
    for image in distroless_images("native"):
        try:
            return image, candidate.pinned(builder, image)
        except StaysError as error:
            problem = error
    raise problem


def _require_no_libraries(builder: Stage) -> None:
    """Raise where the builder installs headers of a library: what is linked with it may need it when it runs."""
    runs = (one for stage in builder.lineage for one in stage.instructions if isinstance(one, Run))
    for run in runs:
        for word in (word for call in apt_calls(run) if call.installs for word in call.packages):
            if word.value.endswith("-dev") and word.value != "libc6-dev":
                raise StaysError(f"it may be linked with the library of {word.value} in line {{line}}", run)


def _require_no_programs(program: Program, candidate: Candidate) -> None:
    """Raise unless the sources can be read, and start no other programs."""
    packages = Packages(candidate.project.sources)
    files = packages.read_program(program.file)
    if packages.unread or not files:
        raise StaysError(packages.unread[0] if packages.unread else "the sources of the program are not found")
    own = [one for one in candidate.stage.instructions if isinstance(one, Run)]
    for file in files:
        if "os/user" in file.imports.values() and any("useradd" in run.text or "adduser" in run.text for run in own):
            raise StaysError(f"{file.path} uses os/user: it may look for a user that is not there")
        if module := file.starts_others:
            raise StaysError(f"{file.path} uses {module}: it may start programs that are not there")


def _started(candidate: Candidate, image: DistrolessImage) -> Started:
    entrypoint, cmd = candidate.entry
    written = candidate.words(entrypoint or cmd)
    first = candidate.command.words[0].value
    if not written or written[0] != first:
        raise candidate.not_plain(written, candidate.command)
    found: list[tuple[ShellInstruction, tuple[str, ...]]] = []
    for instruction in (entrypoint, cmd):
        if instruction is not None:
            words = candidate.words(instruction)
            if instruction.json is None:
                found.append((instruction, words))
    return (*found, *candidate.health(image, frozenset(), first))
