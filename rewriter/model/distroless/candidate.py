"""The stage that ships, read for moving it: what speaks against it whatever its language is, and what starts in it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Final, TypeVar

from rewriter.model.context.development_containers import is_for_developers
from rewriter.model.context.services import Service, Services
from rewriter.model.data.debian import is_known
from rewriter.model.data.distroless import DistrolessImage
from rewriter.model.data.official_tags import listing, suite_in
from rewriter.model.data.system_libraries import SystemNeed
from rewriter.model.distroless.move import Started, StaysError, listed
from rewriter.model.effects.copies import folder_at
from rewriter.model.exec_form.plain_words import plain_words
from rewriter.model.health.shipped import set_by_services
from rewriter.model.image import ImageReference
from rewriter.model.managers.run_calls import apt_calls
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Command
from rewriter.model.running.shipped import Shipped
from rewriter.model.slimming.callers import other_start, programs_called
from rewriter.model.slimming.probes import probes_of
from rewriter.model.slimming.started import programs_started
from rewriter.model.stages import Stage
from rewriter.syntax.tree import (
    Add,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    From,
    Healthcheck,
    Instruction,
    Onbuild,
    Run,
    Shell,
    ShellInstruction,
    Workdir,
)

_PLATFORMS: Final = names("linux/amd64 linux/arm64 linux/arm64/v8 $TARGETPLATFORM ${TARGETPLATFORM} $BUILDPLATFORM")
_NOT_THERE: Final = names("sh bash sleep")
_OF_ROOT: Final = re.compile(r"/root\b")
_HOME: Final = re.compile(r"/root\b|/home/(?!nonroot)\w+")
_FILES: Final = names("/etc/ssl/certs /etc/mime.types")
"""Files of the system that the image has, or that Python's slim image has not either."""

_Instruction = TypeVar("_Instruction", bound=Instruction)


class Candidate:
    """The last stage with all that is known of how its image runs. Asking may raise StaysError."""

    def __init__(self, shipped: Shipped, services: Services) -> None:
        self.shipped: Final = shipped
        self.stage: Final = shipped.stage
        self.project: Final = shipped.project
        self._services: Final = services

    @property
    def image(self) -> ImageReference:
        """The image that the stage starts from."""
        assert self.stage.origin is not None
        return self.stage.origin

    def require_movable(self) -> None:
        """Raise where the stage, its services or what is around it ask for the image that it has, or for a shell."""
        stage, image = self.stage, self.image
        if stage.parent is not None:
            raise StaysError("the stage that it is based on is in this file")
        if stage.from_.image.text != str(image):
            raise StaysError("a variable says which image it is")
        if image.digest:
            raise StaysError("its digest says exactly which image is meant")
        if stage.from_.platform is not None and stage.from_.platform.value not in _PLATFORMS:
            raise StaysError(f"what is published for {stage.from_.platform.value} is not looked at")
        if self.shipped.context.status("") == "unknown":
            raise StaysError("the build context is not known")
        for one in stage.instructions:
            self._require_harmless(one)
        if self._services.unread:
            raise StaysError(self._services.unread[0])
        if is_for_developers(self.shipped.context, self.shipped.services):
            raise StaysError("people develop in it")
        for service in self.shipped.services:
            self._require_plain(service)
        for file, program in probes_of(self.shipped.context):
            raise StaysError(f"{file} checks a container by `{program}`, which no distroless image has")
        programs = _NOT_THERE | {posixpath.basename(self.command.words[0].value)}
        if file := other_start(self.shipped.context, programs):
            raise StaysError(f"{file} may start it with words of its own")
        services = {service.name for service in self.shipped.services}
        for file, program in programs_called(self.shipped.context, services):
            raise StaysError(f"{file} runs `{program}` in its container")

    def _require_harmless(self, one: Instruction) -> None:
        if isinstance(one, Onbuild):
            raise StaysError("ONBUILD in line {line} is kept for other builds", one)
        if isinstance(one, Shell):
            raise StaysError("line {line} names a shell", one)
        places = _HOME if isinstance(one, Env) else _OF_ROOT
        if isinstance(one, Env | Copy | Workdir) and (match := places.search(one.arguments)):
            raise StaysError(f"line {{line}} names {match[0]}, a home folder that the new user has not", one)
        if isinstance(one, Add) and any("://" in source for source in one.sources):
            raise StaysError("what line {line} downloads may need a shell or libraries", one)
        if isinstance(one, Copy) and (flag := one.source_stage) and self.source_of(one) is None:
            raise StaysError(f"what comes from {flag.value} in line {{line}} may need a shell or libraries", one)

    @staticmethod
    def _require_plain(service: Service) -> None:
        if service.command is not None or service.entrypoint is not None:
            raise StaysError(f"{service} starts it with words of its own")
        if service.health_command not in (None, ("NONE",)):
            raise StaysError(f"{service} checks it with words of its own")
        if service.user:
            raise StaysError(f"{service} runs it as {service.user}")

    def source_of(self, copy: Copy) -> Stage | None:
        """The stage that a COPY copies from; None where it is the build context or an image."""
        flag = copy.source_stage
        return self.shipped.states.graph.find(flag.value) if flag else None

    def target_of(self, copy: Copy) -> str:
        """Where a COPY puts what it copies, as far as that is known."""
        state = self.shipped.states.at(copy)
        return posixpath.normpath(posixpath.join(folder_at(state) or "/", state.expand(copy.destination) or "?"))

    # What starts

    def only(self, kind: type[_Instruction]) -> _Instruction | None:
        """The one instruction of a kind; None where there is none."""
        found = [one for one in self.stage.instructions if isinstance(one, kind)]
        if len(found) > 1:
            raise StaysError(f"{found[0].name} stands there more than once, also in line {{line}}", found[0])
        return found[0] if found else None

    def words(self, instruction: ShellInstruction | None) -> tuple[str, ...]:
        """The words of a CMD or ENTRYPOINT, which must need no shell; none where there is no such instruction."""
        if instruction is None:
            return ()
        if len(tuple(instruction.comments)):
            raise StaysError("comments stand between the words of line {line}", instruction)
        if instruction.json is not None:
            return tuple(string.value for string in instruction.json)
        plain = plain_words(instruction)
        if plain.problem:
            raise StaysError(f"line {{line}}: {plain.problem}", instruction)
        return plain.values

    @cached_property
    def set_by_services(self) -> frozenset[str]:
        """The variables that services give the container."""
        return set_by_services(self.stage, self.project, self._services)

    @cached_property
    def command(self) -> Command:
        """The one command that a container starts."""
        start = self.project.start
        if not start:
            raise StaysError(f"what a container starts is not known: {start.reason}")
        if start.unread:
            raise StaysError(f"what a container starts is not known: {start.unread[0]}")
        if start.scripts:
            raise StaysError(f"{listed(start.scripts)} needs a shell")
        if len(start.commands) > 1:
            raise StaysError("a container starts several commands, which takes a shell")
        command = start.commands[0]
        if any(word.known is None or word.variables for word in command.words):
            raise StaysError(f"a shell puts variables into `{command.text}`")
        return command

    def not_plain(self, words: tuple[str, ...], command: Command) -> StaysError:
        """What to raise where other words lead to a command than those that it has."""
        return StaysError(f"`{words[0] if words else 'nothing'}`, which leads to `{command.text}`, may take a shell")

    @property
    def entry(self) -> tuple[Entrypoint | None, Cmd | None]:
        """What says that."""
        entrypoint, cmd = self.only(Entrypoint), self.only(Cmd)
        if entrypoint is not None and entrypoint.json == ():
            raise StaysError("line {line} empties the entry point", entrypoint)
        return entrypoint, cmd

    def health(self, image: DistrolessImage, interpreters: frozenset[str], own: str = "") -> Started:
        """The health check on the new image; empty where there is none that runs something.

        `interpreters` are the names that the interpreter goes by, `own` is a program that stays.
        """
        check = self.only(Healthcheck)
        if check is None or check.type == "NONE" or not check.has_command:
            return ()
        first, *rest = self.words(check)
        if own and first == own:
            return ((check, (first, *rest)),)
        if posixpath.basename(first) not in interpreters or not image.program:
            raise StaysError(f"the health check in line {{line}} calls `{first}`, which {image.text} lacks", check)
        return ((check, (image.program, *rest)),)

    # What it needs

    def require_libraries(self, name: str, need: SystemNeed | None, image: DistrolessImage) -> None:
        """Raise unless the image has what a package needs of the system, as far as that is known."""
        if need is None:
            return
        packages = need.at_run_time({image.suite}, is_compiled=need.ships == "sources")
        if packages is None:
            raise StaysError(f"what {name} needs of Debian is not known")
        if missing := sorted(image.lacks(packages)):
            raise StaysError(f"{name} needs {listed(missing)}, which {image.text} lacks")

    def require_no_programs(self, language: str, image: DistrolessImage) -> None:
        """Raise where sources start programs, or name files of the system, that are not in an image."""
        started = programs_started(self.shipped.context, language, self.command.text)
        for program, path in sorted(started.programs.items()):
            if program != "env":  # the first line of a script, which nothing reads here
                raise StaysError(f"{path} starts `{program}`, which may not be in {image.text}")
        if started.unread:
            raise StaysError(started.unread[0])
        for file, path in sorted(started.files.items()):
            if file not in _FILES:
                raise StaysError(f"{path} names {file}, which may not be in {image.text}")

    # How it is written

    @property
    def own_workdir(self) -> tuple[tuple[Instruction, str, str], ...]:
        """The WORKDIR to write below FROM where the stage relies on that of its base; the new one has another."""
        if any(isinstance(one, Workdir) for one in self.stage.instructions):
            return ()
        return ((self.stage.from_, "WORKDIR", "/"),)

    def message(self, image: DistrolessImage, what: str) -> str:
        """Why the stage moves, and what the image has; with the end of its updates, where that has been announced."""
        until = f"; its updates were announced to end on {image.until}" if image.until else ""
        return f"nothing here needs a shell: {image.text} has {what}{until}"

    # Other stages

    def pinned(self, stage: Stage, image: DistrolessImage) -> tuple[tuple[From, str], ...]:
        """The image of a stage that builds for this one, of the same release; none where it says that already."""
        bottom = list(stage.lineage)[-1]
        origin = bottom.origin
        if origin is None or bottom.from_.image.text != str(origin) or origin.digest:
            raise StaysError("which image line {line} means may change", bottom.from_)
        named = suite_in(origin.tag)
        if named == image.suite:
            return ()
        if named:
            raise StaysError(f"line {{line}} builds for {named}, and {image.text} is {image.suite}", bottom.from_)
        _require_known_packages(stage, image)
        for tag in (_with_suite(origin.tag, image.suite), f"{origin.tag}-{image.suite}"):
            if listing(origin._replace(tag=tag)) is not None:
                return ((bottom.from_, str(origin._replace(tag=tag))),)
        raise StaysError(f"{origin.name} is not published for {image.suite}", bottom.from_)

    def builders(self) -> list[Stage]:
        """The stages that this one copies from, and those that they copy from in turn."""
        found: dict[int, Stage] = {}
        pending = [self.stage]
        while pending:
            for one in (one for layer in pending.pop().lineage for one in layer.instructions):
                stage = self.source_of(one) if isinstance(one, Copy) else None
                if stage is not None and stage.index not in found:
                    found[stage.index] = stage
                    pending.append(stage)
        return [found[index] for index in sorted(found)]

    def fitting(self, images: Iterable[DistrolessImage], builders: Iterable[Stage]) -> DistrolessImage:
        """The image of the release that the stage is of, or, where its tag names none, that its builders can be of."""
        problem = StaysError(f"distroless has no image of the version of {self.image}")
        stages = list(builders)
        for image in images:
            named = suite_in(self.image.tag)
            if named and named != image.suite:
                problem = StaysError(f"{image.text} is {image.suite}, not {named}")
                continue
            try:
                for stage in stages:
                    self.pinned(stage, image)
            except StaysError as error:
                problem = error
                continue
            return image
        raise problem


def _require_known_packages(stage: Stage, image: DistrolessImage) -> None:
    """Raise unless the release of an image is known to have the packages that a stage installs."""
    runs = (one for layer in stage.lineage for one in layer.instructions if isinstance(one, Run))
    for run in runs:
        for word in (word for call in apt_calls(run) if call.installs for word in call.packages):
            if not is_known(word.value, image.suite):
                raise StaysError(f"whether {image.suite} has {word.text} of line {{line}} is not known", run)


def _with_suite(tag: str, suite: str) -> str:
    """`20-bookworm-slim` for `20-slim`: Node's tags name the release first."""
    return f"{tag.removesuffix('-slim')}-{suite}-slim" if tag.endswith("-slim") else f"{tag}-{suite}"
