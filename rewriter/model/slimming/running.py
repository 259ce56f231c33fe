"""What the images need that run: their commands, scripts and health checks, and those of compose services."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.context.services import Service
from rewriter.model.managers.vocabulary import names
from rewriter.model.project import Project
from rewriter.model.project.answers import Unknown
from rewriter.model.project.start import start_of
from rewriter.model.slimming.subject import Need, Subject
from rewriter.model.slimming.words import programs_in_text, programs_in_words, programs_of
from rewriter.model.stages import Stage
from rewriter.syntax.tree import Cmd, Copy, Entrypoint, Healthcheck, Instruction

_INTERACTIVE: Final = names("bash sh zsh ash tail sleep sshd tmux screen jupyter code-server irb python3 ipython")
_WORKSHOPS: Final = names("jupyter jupyter-lab jupyter-notebook sshd code-server tmux screen")
_SUPERVISORS: Final = names("supervisord cron crond anacron circusd monit runsvdir s6-svscan runit ofelia supercronic")
_SCRIPT: Final = re.compile(r"[\w./-]+\.sh\b")
BUILDS: Final = names("sbt mvn gradle gradlew mvnw ant lein javac kotlinc scalac mill make gcc g++ cargo go cmake")
_NO_SOURCE: Final = re.compile(
    r"\.(?:txt|json|toml|lock|cfg|ini|ya?ml|conf|md|env|properties|xml|csv|sql|html|css|pem|crt|sh|lockb|npmrc)\Z"
    r"|(?:^|/)(?:Pipfile|Procfile|LICENSE|\.[\w-]+)\Z"
)
OTHER_PYTHON: Final = re.compile(r"/usr/bin/(?:python|pip)[0-9.]*")
"""That of Debian, which packages of buildpack-deps depend on."""


def running_needs(stage: Stage, subject: Subject) -> Iterator[Need]:
    """What a container of a stage needs when it starts and while it runs."""
    at = last_of(stage, Cmd, Entrypoint) or stage.from_
    project = Project(stage, subject.states, subject.context)
    start = project.start
    if isinstance(start, Unknown):
        yield Need(at, start.reason)
        return
    for command in start.commands:
        name = posixpath.basename(command.words[0].value)
        if subject.lacks_at_end(name, stage):
            yield Need(at, f"`{name}` is not in {subject.name}")
        elif name in _SUPERVISORS:
            yield Need(at, f"what `{name}` starts is not looked at")
        elif name in BUILDS or any(word.value in ("install", "ci", "sync") for word in command.words[1:3]):
            yield Need(at, f"what `{command.text}` builds when it starts is not known")
    words = tuple(word.value for word in start.commands[-1].words)
    if subject.twin.image.family == "python" and (problem := _problem_of_shebang(words[0], subject)):
        yield Need(at, problem)
    if _is_for_people(words):
        yield Need(at, "whoever works in its shell may want what it lacks")
    for reason in start.unread:
        yield Need(at, reason)
    for script in start.scripts:
        text = subject.context.read(script)
        for name in sorted(programs_in_text(text or "")):
            if subject.lacks_at_end(name, stage):
                yield Need(at, f"{script} calls `{name}`, which {subject.name} lacks")
    yield from _health_needs(stage, subject)
    for service in subject.services.of(stage):
        yield from _service_needs(service, stage, subject)
    for reason in subject.services.unread if copies_context(stage) else ():
        yield Need(at, reason)


def _problem_of_shebang(program: str, subject: Subject) -> str:
    """Why a script that is started by its first line may not find its Python."""
    name = posixpath.basename(program)
    for path in subject.context.walk("", lambda other: other == name) or () if "." in name else ():
        first = (subject.context.read(path) or "").partition("\n")[0]
        if first.startswith("#!") and (match := OTHER_PYTHON.search(first)):
            return f"{path} is run by {match[0]}, which {subject.name} lacks"
    return ""


def _is_for_people(words: tuple[str, ...]) -> bool:
    """Whether a command waits for somebody who works in the container."""
    name = posixpath.basename(words[0]) if words else ""
    if name in _WORKSHOPS:
        return True
    if len(words) > 2 and words[1].startswith("-") and words[1].endswith("c"):  # `sh -c`
        return False
    return name in _INTERACTIVE and len(words) < 4 and not (name == "python3" and len(words) > 1)


def _health_needs(stage: Stage, subject: Subject) -> Iterator[Need]:
    check = last_of(stage, Healthcheck)
    if not isinstance(check, Healthcheck) or not check.has_command:
        return
    for name in sorted({name for name, _ in programs_of(check, check.shell)}):
        if subject.lacks_at_end(name, stage):
            yield Need(check, f"the health check calls `{name}`, which {subject.name} lacks")


# What services start


def _service_needs(service: Service, stage: Stage, subject: Subject) -> Iterator[Need]:
    found = {*programs_in_words(service.command or ()), *programs_in_words(service.entrypoint or ())}
    form, *check = service.health_command or ("NONE",)
    found.update(programs_in_words(["sh", *check] if form == "CMD-SHELL" else check))
    for name in sorted(found):
        if subject.lacks_at_end(name, stage):
            yield Need(stage.from_, f"{service} calls `{name}`, which {subject.name} lacks")
    if service.command is not None or service.entrypoint is not None:
        yield from _service_start_needs(service, stage, subject)


def _service_start_needs(service: Service, stage: Stage, subject: Subject) -> Iterator[Need]:
    """What the scripts call that a service starts in place of the image's own command."""
    sources = Project(stage, subject.states, subject.context).sources
    start = start_of(sources, entrypoint=service.entrypoint, command=service.command)
    scripts = [posixpath.basename(script) for script in start.scripts] if start else []
    for script in start.scripts if start else ():
        for name in sorted(programs_in_text(subject.context.read(script) or "")):
            if subject.lacks_at_end(name, stage):
                yield Need(stage.from_, f"{script} calls `{name}`, which {subject.name} lacks")
    for word in (*(service.entrypoint or ()), *(service.command or ())):
        for path in _SCRIPT.findall(word):
            if posixpath.basename(path) not in scripts:
                yield Need(stage.from_, f"what {path} calls, which {service} runs, cannot be read")
    for words in (service.command, service.entrypoint):
        name = posixpath.basename(words[0]) if words else ""
        if words and (_is_for_people(words) or name in _SUPERVISORS):
            yield Need(stage.from_, f"{service} starts `{name}`, in which anything may be called")


def last_of(stage: Stage, *kinds: type[Instruction]) -> Instruction | None:
    """The instruction of some kinds that is in force at the end of a stage."""
    for one in stage.lineage:
        for instruction in reversed(one.instructions):
            if isinstance(instruction, kinds):
                return instruction
    return None


def copies_context(stage: Stage) -> bool:
    """Whether a stage, or one below it, has what may be a program from the build context."""
    return any(brings_sources(instruction) for one in stage.lineage for instruction in one.instructions)


def brings_sources(instruction: Instruction) -> bool:
    """Whether an instruction copies what may be a program from the build context."""
    if not isinstance(instruction, Copy) or instruction.source_stage is not None or not instruction.paths:
        return False
    return any(not _NO_SOURCE.search(source) and "://" not in source for source in instruction.sources
               if not source.startswith("<<"))  # fmt: skip
