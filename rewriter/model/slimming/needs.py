"""All that stages need of their image beyond what its lighter twin has: the first answer that is found refuses it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from rewriter.model.context.documents import mapping, sequence
from rewriter.model.context.services import Service
from rewriter.model.data.official_tags import listing
from rewriter.model.image import parse_image
from rewriter.model.managers.vocabulary import names
from rewriter.model.pip.files import History
from rewriter.model.project import Project
from rewriter.model.project.answers import Unknown
from rewriter.model.project.start import start_of
from rewriter.model.slimming.probes import probes_of
from rewriter.model.slimming.steps import step_needs
from rewriter.model.slimming.subject import MOST_STAGES, Need, Subject
from rewriter.model.slimming.words import programs_in, programs_in_text, programs_of
from rewriter.model.stages import Stage
from rewriter.syntax.tree import Add, Cmd, Copy, Entrypoint, Env, Healthcheck, Instruction, Onbuild, Run

if TYPE_CHECKING:
    from rewriter.model.slimming.started import Started

_LANGUAGES: Final = {"python": "python", "node": "javascript"}
_VARIABLE: Final = re.compile(r"\$\{?(\w+)\}?")
_PLATFORMS: Final = names("linux/amd64 linux/arm64 linux/arm64/v8 linux/x86_64 linux/aarch64 amd64 arm64 linux")
"""Those that the data files speak of."""

_COMPILED: Final = names("golang rust gcc haskell swift erlang elixir dart crystal")
_STATIC_IMAGES: Final = frozenset({"astral-sh/uv", "library/busybox"})
"""The repositories of images whose programs are linked statically: https://docs.astral.sh/uv/guides/integration/docker/"""

_NO_SOURCE: Final = re.compile(
    r"\.(?:txt|json|toml|lock|cfg|ini|ya?ml|conf|md|env|properties|xml|csv|sql|html|css|pem|crt|sh|lockb|npmrc)\Z"
    r"|(?:^|/)(?:Pipfile|Procfile|LICENSE|\.[\w-]+)\Z"
)
_INTERACTIVE: Final = names("bash sh zsh ash tail sleep sshd tmux screen jupyter code-server irb python3 ipython")
_WORKSHOPS: Final = names("jupyter jupyter-lab jupyter-notebook sshd code-server tmux screen")
SUPERVISORS: Final = names("supervisord cron crond anacron circusd monit runsvdir s6-svscan runit ofelia supercronic")
_SCRIPT: Final = re.compile(r"[\w./-]+\.sh\b")
_RUNS_CODE: Final = names(
    "python python3 node npm yarn pnpm npx gunicorn uvicorn hypercorn daphne flask django-admin celery pytest nodemon "
    "pm2 ts-node tsx streamlit rails rackup ruby bundle"
)
"""Programs that run what a project brings."""
_BUILDS: Final = names("sbt mvn gradle gradlew mvnw ant lein javac kotlinc scalac mill make gcc g++ cargo go cmake")
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
_OTHER_PYTHON: Final = re.compile(r"/usr/bin/(?:python|pip)[0-9.]*")
"""That of Debian, which packages of buildpack-deps depend on."""
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
    if _is_for_developers(subject):
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
    if not subject.twin.kind.lacks:
        return
    elsewhere = _stages_copied_from(subject)
    for stage in elsewhere:
        yield from step_needs(stage, subject, history, is_elsewhere=True)
    yield from _copy_needs(subject, elsewhere)
    for stage in shipping:
        yield from _running_needs(stage, subject)
    yield from _source_needs(subject, [*subject.family, *elsewhere], shipping)
    for file, program in probes_of(subject.context):
        if any(subject.lacks_at_end(program, stage) for stage in shipping):
            yield Need(subject.stage.from_, f"{file} checks a container by `{program}`, which {subject.name} lacks")


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
        if subject.twin.image.family == "python" and (match := _OTHER_PYTHON.search(instruction.text)):
            yield Need(instruction, f"{subject.name} has no {match[0]}")
        if names_certificates and subject.lacks_certificates(instruction):
            yield Need(instruction, f"{subject.name} has no certificates")


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
            if isinstance(run, Run) and not _BUILDS.isdisjoint(name for name, _ in programs_in(run.script)):
                return f"what stage {stage.name or stage.index} builds may use libraries"
    return ""


# What runs


def _running_needs(stage: Stage, subject: Subject) -> Iterator[Need]:
    at = _last_of(stage, Cmd, Entrypoint) or stage.from_
    project = Project(stage, subject.states, subject.context)
    start = project.start
    if isinstance(start, Unknown):
        yield Need(at, start.reason)
        return
    for command in start.commands:
        name = posixpath.basename(command.words[0].value)
        if subject.lacks_at_end(name, stage):
            yield Need(at, f"`{name}` is not in {subject.name}")
        elif name in SUPERVISORS:
            yield Need(at, f"what `{name}` starts is not looked at")
        elif name in _BUILDS or any(word.value in ("install", "ci", "sync") for word in command.words[1:3]):
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
    for reason in subject.services.unread if _copies_context(stage) else ():
        yield Need(at, reason)


def _problem_of_shebang(program: str, subject: Subject) -> str:
    """Why a script that is started by its first line may not find its Python."""
    name = posixpath.basename(program)
    for path in subject.context.walk("", lambda other: other == name) or () if "." in name else ():
        first = (subject.context.read(path) or "").partition("\n")[0]
        if first.startswith("#!") and (match := _OTHER_PYTHON.search(first)):
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


def _is_for_developers(subject: Subject) -> bool:
    """Whether an editor opens the image: https://containers.dev/implementors/json_reference/"""
    context = subject.context
    if ".devcontainer" in f"{context.root}/{context.dockerfile}":
        return True
    texts = (context.host.read(name) for name in (".devcontainer/devcontainer.json", ".devcontainer.json"))
    return any(re.search(r"\"docker(?:file|ComposeFile)\"", text, re.IGNORECASE) for text in texts if text)


def _health_needs(stage: Stage, subject: Subject) -> Iterator[Need]:
    check = _last_of(stage, Healthcheck)
    if not isinstance(check, Healthcheck) or not check.has_command:
        return
    for name in sorted({name for name, _ in programs_of(check, check.shell)}):
        if subject.lacks_at_end(name, stage):
            yield Need(check, f"the health check calls `{name}`, which {subject.name} lacks")


# What services start


def _service_needs(service: Service, stage: Stage, subject: Subject) -> Iterator[Need]:
    for words in (service.command, service.entrypoint, service.health_command):
        found = {posixpath.basename(word) for word in (words or ())[:2]}
        for word in words or ():
            found |= programs_in_text(word)
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
        if words and (_is_for_people(words) or name in SUPERVISORS):
            yield Need(stage.from_, f"{service} starts `{name}`, in which anything may be called")


def _last_of(stage: Stage, *kinds: type[Instruction]) -> Instruction | None:
    for one in stage.lineage:
        for instruction in reversed(one.instructions):
            if isinstance(instruction, kinds):
                return instruction
    return None


# What its sources start


def _source_needs(subject: Subject, stages: Sequence[Stage], shipping: Sequence[Stage]) -> Iterator[Need]:
    from rewriter.model.slimming.started import java_problems, programs_started

    copies = (one for stage in stages for one in stage.instructions if _brings_sources(one))
    copy = next(copies, None)
    image = subject.twin.image
    if "jdk" in subject.twin.kind.without:
        for problem in java_problems(subject.context):
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
            yield Need(_last_of(stage, Cmd, Entrypoint) or stage.from_, f"what `{last}` runs is not in the image")


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


def _copies_context(stage: Stage) -> bool:
    return any(_brings_sources(instruction) for one in stage.lineage for instruction in one.instructions)


def _brings_sources(instruction: Instruction) -> bool:
    """Whether an instruction copies what may be a program from the build context."""
    if not isinstance(instruction, Copy) or instruction.source_stage is not None or not instruction.paths:
        return False
    return any(not _NO_SOURCE.search(source) and "://" not in source for source in instruction.sources
               if not source.startswith("<<"))  # fmt: skip
