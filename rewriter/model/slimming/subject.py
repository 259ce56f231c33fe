"""What is asked about: a stage whose image would be lighter, the file as it is and as it would be."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final, NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.services import Services
from rewriter.model.data.debian import SUITES, runtime_libraries_in_all
from rewriter.model.data.official_tags import suites
from rewriter.model.managers.run_calls import APT, calls
from rewriter.model.programs import has_program, programs_of
from rewriter.model.slimming.twins import Twin
from rewriter.model.stages import Stage, StageGraph
from rewriter.model.state import States
from rewriter.syntax.parser import parse
from rewriter.syntax.tree import Instruction, Run

MOST_STAGES: Final = 40
"""How many stages may rest on one image before nothing is said about it: each is looked at."""

_ACCOUNT_SCRIPTS: Final = frozenset({"adduser", "addgroup", "deluser", "delgroup"})
_WITH_ACCOUNT_SCRIPTS: Final = frozenset({"jessie", "stretch", "buster", "bullseye", "bookworm"})
"""The releases whose smallest system has `adduser`: https://github.com/atsign-foundation/noports/pull/2085"""

_LEAVES_OUT: Final = ("--no-install-recommends",)


class Need(NamedTuple):
    """What a stage needs, or may need, that the lighter image lacks, and the instruction that says so."""

    instruction: Instruction
    reason: str


class Subject:
    """The stage at the bottom of others that would start from a lighter image; `states` are those of the file as it is.

    `with_twin` are the states of the file that names the lighter image.
    """

    def __init__(self, stage: Stage, twin: Twin, states: States, context: BuildContext, services: Services) -> None:
        self.stage: Final = stage
        self.twin: Final = twin
        self.states: Final = states
        self.context: Final = context
        self.services: Final = services

    @property
    def name(self) -> str:
        """The lighter image, for people to read."""
        return str(self.twin.image)

    @cached_property
    def family(self) -> tuple[Stage, ...]:
        """The stages that rest on the image."""
        return tuple(self.stage.family)

    @cached_property
    def with_twin(self) -> States:
        """The states of the file with the lighter image in it."""
        dockerfile = self.stage.dockerfile
        span = self.stage.from_.image.span
        text = dockerfile.text[: span.start] + self.twin.text + dockerfile.text[span.end :]
        return States(StageGraph(parse(text)))

    @cached_property
    def suites(self) -> frozenset[str]:
        """The releases of Debian that the image may be; of a tag that moved on, those whose packages are known."""
        found = suites(self.twin.image)
        return found & frozenset(SUITES) or found

    def instructions(self) -> Iterator[Instruction]:
        """Those of all stages that rest on the image."""
        for stage in self.family:
            yield from stage.instructions

    def lacks(self, program: str, at: Instruction, before: int | None = None) -> bool:
        """Whether the lighter image may not have a program at an instruction, where the present one has it.

        `before` is the place in a RUN up to which its own installs count.
        """
        if program not in self.twin.kind.lacks and not self._is_gone(program):
            return False
        return not self._is_installed(program, at, before)

    def _is_gone(self, program: str) -> bool:
        """Whether a program came with what the present image installs, in some release, and not by itself."""
        is_slim = "compiler" in self.twin.kind.without
        return is_slim and program in _ACCOUNT_SCRIPTS and not self.suites <= _WITH_ACCOUNT_SCRIPTS

    def lacks_certificates(self, at: Instruction, before: int | None = None) -> bool:
        """Whether programs of the system may trust no server at an instruction."""
        if "certificates" not in self.twin.kind.without or self._is_installed("ca-certificates", at, before):
            return False
        # Debian's curl, wget and git recommend ca-certificates.
        return not any(
            call.manager.name in APT and call.installs and not call.has(*_LEAVES_OUT) and call.packages
            for run in self._runs_up_to(at)
            for call in calls(run)
            if any(word.value in ("curl", "wget", "git", "libcurl4") for word in call.packages)
        )

    def _is_installed(self, program: str, at: Instruction, before: int | None) -> bool:
        other = self.with_twin.graph.dockerfile.instructions[self._position(at)]
        if has_program(program, self.with_twin.at(other)):
            return True
        if not isinstance(at, Run):
            return False
        return any(
            program in programs_of(call)
            for call in calls(at)
            if call.installs and call.manager.name in APT and (before is None or call.command.start < before)
        )

    def lacks_at_end(self, program: str, stage: Stage) -> bool:
        """Whether the image that a stage leaves may not have a program, where the present one has it."""
        if program not in self.twin.kind.lacks:
            return False
        return not has_program(program, self.with_twin.at_end(self.with_twin.graph.stages[stage.index]))

    @cached_property
    def _positions(self) -> dict[int, int]:
        instructions = self.stage.dockerfile.instructions
        return {instruction.start: position for position, instruction in enumerate(instructions)}

    def _position(self, instruction: Instruction) -> int:
        return self._positions[instruction.start]

    # Packages of Debian

    def _runs_up_to(self, at: Instruction) -> Iterator[Run]:
        stage = self.states.graph.stage_of(at)
        for one in stage.lineage if stage else ():
            for instruction in one.instructions:
                if isinstance(instruction, Run) and instruction.start <= at.start:
                    yield instruction

    def debian_packages(self, at: Instruction) -> frozenset[str]:
        """The packages of Debian that are installed by name up to an instruction, itself included."""
        return frozenset(
            word.value.partition("=")[0]
            for run in self._runs_up_to(at)
            for call in calls(run)
            if call.manager.name in APT and call.installs
            for word in call.packages
        )

    def brings(self, packages: frozenset[str], at: Instruction) -> bool:
        """Whether steps up to an instruction install some packages, or headers that come with their libraries."""
        named = self.debian_packages(at)
        brought = set(named)
        for name in named:
            brought |= runtime_libraries_in_all(name, self.suites) or frozenset()
        if "openssl" in brought:
            brought |= {name for name in packages if name.startswith("libssl")}
        return all(self._is_installed(name, at, None) for name in packages - brought)

    def brings_to_image(self, packages: frozenset[str], at: Instruction) -> bool:
        """Whether what runs in the lighter image finds some packages there: installed up to an instruction of its own.

        For an instruction of another image, by any step of the stages that rest on this one.
        """
        stage = self.states.graph.stage_of(at)
        if stage in self.family:
            return self.brings(packages, at)
        return any(self.brings(packages, one.instructions[-1]) for one in self.family if one.instructions)

    def has_compiler(self, at: Instruction) -> bool:
        """Whether steps up to an instruction install a compiler with all that it takes."""
        named = self.debian_packages(at)
        return "build-essential" in named or (bool(named & {"gcc", "g++", "clang"}) and self._has_libc(at, named))

    def _has_libc(self, at: Instruction, named: frozenset[str]) -> bool:
        if named & {"libc6-dev", "g++", "musl-dev"}:  # g++ depends on libstdc++-dev, and that on libc6-dev
            return True
        return any(
            call.manager.name in APT and call.installs and not call.has(*_LEAVES_OUT)
            for run in self._runs_up_to(at)
            for call in calls(run)
            if any(word.value == "gcc" for word in call.packages)
        )
