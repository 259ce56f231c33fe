"""All that stages need of their image beyond what its lighter twin has: the first answer that is found refuses it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from rewriter.model.context.development_containers import is_for_developers
from rewriter.model.context.documents import mapping, sequence
from rewriter.model.data.official_tags import listing
from rewriter.model.image import parse_image
from rewriter.model.managers.vocabulary import names
from rewriter.model.pip.files import History
from rewriter.model.project import Project
from rewriter.model.slimming.callers import programs_called
from rewriter.model.slimming.probes import probes_of
from rewriter.model.slimming.running import BUILDS, OTHER_PYTHON, brings_sources, last_of, running_needs
from rewriter.model.slimming.steps import step_needs
from rewriter.model.slimming.subject import MOST_STAGES, Need, Subject
from rewriter.model.slimming.words import programs_in
from rewriter.model.stages import Stage
from rewriter.syntax.tree import Add, Cmd, Copy, Entrypoint, Env, Instruction, Onbuild, Run

if TYPE_CHECKING:
    from rewriter.model.slimming.started import Started

_LANGUAGES: Final = {"python": "python", "node": "javascript"}
_VARIABLE: Final = re.compile(r"\$\{?(\w+)\}?")
_PLATFORMS: Final = names("linux/amd64 linux/arm64 linux/arm64/v8 linux/x86_64 linux/aarch64 amd64 arm64 linux")
"""Those that the data files speak of."""

_COMPILED: Final = names("golang rust gcc haskell swift erlang elixir dart crystal")
_STATIC_IMAGES: Final = frozenset({"astral-sh/uv", "library/busybox"})
"""The repositories of images whose programs are linked statically: https://docs.astral.sh/uv/guides/integration/docker/"""

_RUNS_CODE: Final = names(
    "python python3 node npm yarn pnpm npx gunicorn uvicorn hypercorn daphne flask django-admin celery pytest nodemon "
    "pm2 ts-node tsx streamlit rails rackup ruby bundle"
)
"""Programs that run what a project brings."""
_ENGLISH: Final = re.compile(r"(?:C|POSIX|en)\b|(?:C|POSIX|en)_|\Z")
_DEBUGS: Final = re.compile(r"jdwp|\bjcmd\b|\bjattach\b|hprof")
_BROUGHT_BY: Final = {
    "fonts": names("fonts-dejavu fonts-dejavu-core fonts-dejavu-extra ttf-dejavu"),
    "/etc/mime.types": names("media-types mime-support mailcap"),
    "/usr/share/mime": names("shared-mime-info"),
    "/usr/share/misc/magic": names("libmagic1 libmagic1t64 file"),
    "/usr/share/file": names("libmagic1 libmagic1t64 file"),
    "/usr/share/git-core": names("git"),
}
"""The packages of Debian that bring files which buildpack-deps has: https://packages.debian.org/"""
MOST_SCRIPTS: Final = 200
_DOCUMENTATION: Final = re.compile(r"/usr/share/(?:doc|man|info)\b")
_SYSTEM_CERTIFICATES: Final = re.compile(
    r"/etc/ssl/certs|--use-(?:openssl|system)-ca|SSL_CERT_(?:FILE|DIR)|/etc/apt/sources"
)
_LOCALE: Final = re.compile(r"(?:LANG|LANGUAGE|LC_\w+)\Z")


def first_need(subject: Subject, shipping: Sequence[Stage]) -> Need | None:
    """Why stages cannot start from the lighter image, as far as that can be told; None where nothing speaks against it.

    `shipping` are those of the stages on it whose images run. What cannot be read counts as a need.
    """
    return next(_needs(subject, shipping), None)


def _needs(subject: Subject, shipping: Sequence[Stage]) -> Iterator[Need]:
    if len(subject.family) > MOST_STAGES:
        yield Need(subject.stage.from_, "more stages rest on it than are looked at")
        return
    services = [service for stage in subject.family for service in subject.services.of(stage)]
    if is_for_developers(subject.context, services):
        yield Need(subject.stage.from_, "people develop in it")
        return
    for stage in subject.family:
        platform = stage.from_.platform
        if platform is not None and platform.value not in _PLATFORMS and "$" not in platform.text:
            yield Need(stage.from_, f"what is published for {platform.value} is not known")
    history = History(subject.stage.dockerfile, subject.states, subject.context)
    for stage in subject.family:
        yield from step_needs(stage, subject, history)
    yield from _configuration_needs(subject)
    yield from _argument_needs(subject)
    yield from _manual_needs(subject)
    if not subject.twin.kind.lacks:
        return
    elsewhere = _stages_copied_from(subject)
    for stage in elsewhere:
        yield from step_needs(stage, subject, history, is_elsewhere=True)
    yield from _copy_needs(subject, elsewhere)
    for stage in shipping:
        yield from running_needs(stage, subject)
    yield from _source_needs(subject, [*subject.family, *elsewhere], shipping)
    for file, program in probes_of(subject.context):
        if any(subject.lacks_at_end(program, stage) for stage in shipping):
            yield Need(subject.stage.from_, f"{file} checks a container by `{program}`, which {subject.name} lacks")
    for file, program in programs_called(subject.context, {service.name for service in services}):
        if any(subject.lacks_at_end(program, stage) for stage in shipping):
            yield Need(subject.stage.from_, f"{file} runs `{program}` in a container, which {subject.name} lacks")


def _configuration_needs(subject: Subject) -> Iterator[Need]:
    for instruction in subject.instructions():
        if isinstance(instruction, Onbuild):
            yield Need(instruction, "what the builds that start from it need is not known")
        elif isinstance(instruction, Env) and "manuals" in subject.twin.kind.without and instruction.words:
            for pair in instruction.pairs:
                if _LOCALE.match(pair.key.text) and not _ENGLISH.match(pair.value.text.strip("\"'")):
                    yield Need(instruction, f"{subject.name} has no translations")
        elif "jdk" in subject.twin.kind.without and _DEBUGS.search(instruction.text):
            yield Need(instruction, "the JRE cannot be debugged")
        elif isinstance(instruction, Add) and subject.twin.kind.lacks and _downloads(instruction):
            yield Need(instruction, "what it downloads may use libraries that are not there")
        names_certificates = not isinstance(instruction, Run) and _SYSTEM_CERTIFICATES.search(instruction.text)
        if subject.twin.image.family == "python" and (match := OTHER_PYTHON.search(instruction.text)):
            yield Need(instruction, f"{subject.name} has no {match[0]}")
        if names_certificates and subject.lacks_certificates(instruction):
            yield Need(instruction, f"{subject.name} has no certificates")


def _manual_needs(subject: Subject) -> Iterator[Need]:
    """Shell scripts of the context may take examples from the folder of documentation when they run."""
    if "manuals" not in subject.twin.kind.without:
        return
    paths = subject.context.walk("", lambda name: name.endswith(".sh") or "entrypoint" in name) or ()
    for path in paths[:MOST_SCRIPTS]:
        if match := _DOCUMENTATION.search(subject.context.read(path) or ""):
            yield Need(subject.stage.from_, f"{path} uses {match[0]}, which {subject.name} lacks")


def _argument_needs(subject: Subject) -> Iterator[Need]:
    """Compose files may build with another value of the variable that FROM names."""
    from_ = subject.stage.from_
    variables = _VARIABLE.findall(from_.image.text)
    for service in subject.services.running if variables else ():
        given = mapping(service.settings.get("build")).get("args")
        pairs = [str(one).partition("=")[::2] for one in sequence(given)]
        for name, value in (*pairs, *mapping(given).items()):
            if name in variables and "$" not in str(value):
                text = _VARIABLE.sub(str(value), subject.twin.text)
                if listing(parse_image(text)) is None:
                    yield Need(from_, f"{service} builds it with {name}={value}, and {text} does not exist")


def _downloads(add: Add) -> bool:
    return bool(add.paths) and any("://" in source for source in add.sources)


# What is copied from other images


def _stages_copied_from(subject: Subject) -> list[Stage]:
    """The stages on other images that files come from, directly or not."""
    pending, found = list(subject.family), dict[int, Stage]()
    known = {stage.index for stage in subject.family}
    while pending:
        stage = pending.pop()
        for other in (*_sources_of(stage, subject), *stage.lineage):
            if other.index not in known:
                known.add(other.index)
                found[other.index] = other
                pending.append(other)
    return [found[index] for index in sorted(found)]


def _sources_of(stage: Stage, subject: Subject) -> Iterator[Stage]:
    for instruction in stage.instructions:
        flag = instruction.source_stage if isinstance(instruction, Copy) else None
        other = subject.states.graph.find(flag.value) if flag else None
        if other is not None:
            yield other


def _copy_needs(subject: Subject, elsewhere: Sequence[Stage]) -> Iterator[Need]:
    """Binaries of other images may be linked against libraries; those that the JDK comes with are not among them."""
    if "compiler" not in subject.twin.kind.without:
        return
    graph = subject.states.graph
    for instruction in subject.instructions():
        flag = instruction.source_stage if isinstance(instruction, Copy) else None
        if flag is None:
            continue
        stage = graph.find(flag.value)
        if stage is None and parse_image(flag.value).repository not in _STATIC_IMAGES:
            yield Need(instruction, f"what comes from {flag.value} may use libraries that {subject.name} lacks")
        elif stage is not None and stage in elsewhere and (problem := _problem_of_stage(stage)):
            yield Need(instruction, problem)


def _problem_of_stage(stage: Stage) -> str:
    origin = stage.origin
    if origin is None or not origin.family or origin.family in _COMPILED:
        return f"what stage {stage.name or stage.index} builds may use libraries"
    for one in stage.lineage:
        for run in one.instructions:
            if isinstance(run, Run) and not BUILDS.isdisjoint(name for name, _ in programs_in(run.script)):
                return f"what stage {stage.name or stage.index} builds may use libraries"
    return ""


# What its sources start


def _source_needs(subject: Subject, stages: Sequence[Stage], shipping: Sequence[Stage]) -> Iterator[Need]:
    from rewriter.model.slimming.java_sources import OF_THE_KIT, ONLY_IN_THE_KIT, problem_of_java, problem_of_started
    from rewriter.model.slimming.started import programs_started

    copies = (one for stage in stages for one in stage.instructions if brings_sources(one))
    copy = next(copies, None)
    image = subject.twin.image
    if "jdk" in subject.twin.kind.without:
        lacks = subject.twin.kind.lacks
        problem = problem_of_java(subject.context, OF_THE_KIT, ONLY_IN_THE_KIT)
        if problem := problem or problem_of_started(subject.context, lacks, subject.name):
            yield Need(copy or subject.stage.from_, problem)
        return
    language = _LANGUAGES.get(image.family)
    if language is None:
        yield Need(copy or subject.stage.from_, f"sources of {image.family} are not read")
        return
    if copy is None:
        yield from _code_from_outside(subject, shipping)
        return
    started = programs_started(subject.context, language, _commands(subject, shipping))
    yield from _of_started(started, copy, subject)


def _commands(subject: Subject, shipping: Sequence[Stage]) -> str:
    """What starts the images, as text."""
    starts = (Project(stage, subject.states, subject.context).start for stage in shipping)
    own = [command.text for start in starts if start for command in start.commands]
    services = (service for stage in shipping for service in subject.services.of(stage))
    return "\n".join([*own, *(" ".join((*(one.entrypoint or ()), *(one.command or ()))) for one in services)])


def _code_from_outside(subject: Subject, shipping: Sequence[Stage]) -> Iterator[Need]:
    """The code that a program runs may be mounted when the container starts."""
    for stage in shipping:
        start = Project(stage, subject.states, subject.context).start
        last = posixpath.basename(start.commands[-1].words[0].value) if start else ""
        if last in _RUNS_CODE:
            yield Need(last_of(stage, Cmd, Entrypoint) or stage.from_, f"what `{last}` runs is not in the image")


def _of_started(started: Started, copy: Instruction, subject: Subject) -> Iterator[Need]:
    for reason in started.unread:
        yield Need(copy, reason)
    for program, file in started.programs.items():
        if program in subject.twin.kind.lacks and any(subject.lacks_at_end(program, stage) for stage in subject.family):
            yield Need(copy, f"{file} starts `{program}`, which {subject.name} lacks")
    for name, file in started.files.items():
        if _may_lack_file(name, copy, subject):
            yield Need(copy, f"{file} uses {name}, which {subject.name} may lack")


def _may_lack_file(name: str, copy: Instruction, subject: Subject) -> bool:
    """Whether a file or folder of the system comes with what only the present image has."""
    if name == "/etc/ssl/certs":
        return any(subject.lacks_certificates(stage.instructions[-1]) for stage in subject.family if stage.instructions)
    if "compiler" not in subject.twin.kind.without:
        return False
    if name.endswith(".ttf") and subject.context.walk("", lambda path: path == name):
        return False
    ways = _BROUGHT_BY.get("fonts" if "dejavu" in name.lower() else name, frozenset())
    return not any(subject.brings_to_image(frozenset({way}), copy) for way in ways)
