"""What a container starts with: CMD and ENTRYPOINT, and the variables that they see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rewriter.model.data.base_contents import base_contents
from rewriter.model.image import ImageReference
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Start, Text, Unknown
from rewriter.model.project.follow import Follower
from rewriter.model.project.shell_words import Variables
from rewriter.model.project.sources import Sources
from rewriter.model.stages import UNKNOWN_PART, Stage
from rewriter.model.state import States
from rewriter.syntax.tree import Cmd, Entrypoint, Env, ShellInstruction

# ENTRYPOINTs beside those in `data/base_images.toml`, from the images' Dockerfiles:
# https://github.com/docker-library/official-images, https://github.com/GoogleContainerTools/distroless,
# https://github.com/dotnet/dotnet-docker
_WITHOUT: Final = names(
    "amazoncorretto fedora pypy gradle amazonlinux rockylinux almalinux centos swift elixir erlang julia perl gcc"
)
_HANDS_ON: Final = {
    "node": "/usr/local/bin/docker-entrypoint.sh",
    "eclipse-temurin": "/__cacert_entrypoint.sh",
    "php": "/usr/local/bin/docker-php-entrypoint",
    "maven": "/usr/local/bin/mvn-entrypoint.sh",
    "nginx": "/docker-entrypoint.sh",
}
"""Official images whose ENTRYPOINT runs the command that it is given, with the script that does so."""
_PREFIXES: Final = ("mcr.microsoft.com/dotnet/", "mcr.microsoft.com/playwright", "ghcr.io/astral-sh/uv")
_DISTROLESS: Final = {
    "nodejs": ("/nodejs/bin/node",),
    "python3": ("/usr/bin/python3",),
    "java": ("/usr/bin/java", "-jar"),
}


def environment_of(stage: Stage, states: States) -> dict[str, str | None]:
    """The variables that a container gets by ENV; None are values that are not known."""
    found: dict[str, str | None] = {}
    for one in reversed(list(stage.lineage)):
        for instruction in one.instructions:
            if isinstance(instruction, Env):
                state = states.at(instruction)
                for pair in instruction.pairs if instruction.words else ():
                    if name := state.expand(pair.key.text):
                        found[name] = state.expand(pair.value.text)
    return found


def start_of(
    sources: Sources, *, entrypoint: tuple[str, ...] | None = None, command: tuple[str, ...] | None = None
) -> Start | Unknown:
    """The commands that a container of a stage runs; the words of a service go before those of the Dockerfile."""
    stage = sources.stage
    if stage.is_windows:
        return Unknown("it is a Windows image")
    variables = Variables(environment_of(stage, sources.states), {})
    follower = Follower(sources, variables)
    unread: list[str] = []
    words = [] if entrypoint is None else list(_given(entrypoint))
    if entrypoint is None:
        own_entrypoint, own_command = _instructions(stage)
        if own_entrypoint is None and own_command is None and command is None:
            image = stage.origin or "?"
            return Unknown(f"neither CMD nor ENTRYPOINT is given: the image `{image}` runs its own program")
        words = _own_words(sources, own_entrypoint, None if command is not None else own_command, unread)
    words += _given(command or ())
    follower.follow(tuple(words), sources.states.at_end(stage).workdir)
    follower.unread[:0] = unread
    if not follower.commands:
        return Unknown((follower.unread or ["it runs nothing but what a shell does itself"])[0])
    unread = list(dict.fromkeys(follower.unread))
    around = tuple(dict.fromkeys(follower.around))
    return Start(tuple(follower.commands), tuple(follower.followed), tuple(follower.scripts), tuple(unread), around)


def _given(words: tuple[str, ...]) -> Iterator[Text]:
    """The words of a service; what a variable of compose fills is not known."""
    return (Text(UNKNOWN_PART if "$" in word else word) for word in words)


def _own_words(
    sources: Sources, entrypoint: ShellInstruction | None, command: ShellInstruction | None, unread: list[str]
) -> list[Text]:
    """The words of the Dockerfile's own ENTRYPOINT and CMD, with what the image at the bottom puts in front."""
    stage = sources.stage
    words: list[Text] = []
    if entrypoint is None:
        own = _replaced_entrypoint(sources) or own_entrypoint(stage.origin)
        words = [] if own is None else [Text(word) for word in own]
        if own is None:
            unread.append(f"the ENTRYPOINT of `{stage.origin or 'the base image'}` is not known")
    else:
        words = list(_words(entrypoint, sources.states))
    if command is not None and not (entrypoint is not None and entrypoint.json is None):
        words += _words(command, sources.states)
    return words


def _replaced_entrypoint(sources: Sources) -> tuple[str, ...]:
    """The ENTRYPOINT of the image at the bottom where the context replaces the script that it names."""
    image = sources.stage.origin
    script = _HANDS_ON.get(image.family, "") if image is not None else ""
    return (script,) if script and sources.origin(script) else ()


def _instructions(stage: Stage) -> tuple[ShellInstruction | None, ShellInstruction | None]:
    """The ENTRYPOINT and the CMD in force. An ENTRYPOINT drops the CMD of the stage below: moby's image builder."""
    entrypoint: ShellInstruction | None = None
    command: ShellInstruction | None = None
    for one in reversed(list(stage.lineage)):
        has_command = False
        for instruction in one.instructions:
            if isinstance(instruction, Cmd):
                command, has_command = instruction, True
            elif isinstance(instruction, Entrypoint):
                entrypoint = instruction
                command = command if has_command else None
    return (entrypoint if entrypoint and not _is_empty(entrypoint) else None), command


def _is_empty(instruction: ShellInstruction) -> bool:
    return instruction.json == ()


def _words(instruction: ShellInstruction, states: States) -> Iterator[Text]:
    if instruction.json is not None:
        yield from (Text(string.value) for string in instruction.json)
        return
    yield from (Text(word) for word in states.at(instruction).shell)
    yield Text(instruction.arguments)


def own_entrypoint(image: ImageReference | None) -> tuple[str, ...] | None:
    """What the image at the bottom puts in front of CMD; None where that is not known."""
    if image is None:
        return None
    if image.is_scratch or image.family in _WITHOUT or image.family in _HANDS_ON:
        return ()
    if base_contents(image).entrypoint == ():
        return ()
    name = f"{image.registry}/{image.repository}"
    if name.startswith("gcr.io/distroless/"):
        kind = image.repository.partition("/")[2].partition("-")[0].rstrip("0123456789")
        return next((own for key, own in _DISTROLESS.items() if key.rstrip("3") == kind.rstrip("3")), ())
    return () if name.startswith(_PREFIXES) else None
