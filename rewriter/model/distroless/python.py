"""A stage that runs a virtual environment of a builder: the interpreter of the image, with its packages by PYTHONPATH.

FROM python:3.11-slim                      FROM gcr.io/distroless/python3-debian12:nonroot
COPY --from=builder /opt/venv /opt/venv    COPY --from=builder /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH           ->  ENV PYTHONPATH=/opt/venv/lib/python3.11/site-packages
COPY . .                                   COPY . .
CMD ["uvicorn", "main:app"]                CMD ["-m", "uvicorn", "main:app"]

The programs of the environment start by the path of the builder's Python, which is not there; as modules they do.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from rewriter.model.data.distroless import DistrolessImage, distroless_images, module_of
from rewriter.model.data.standard_library import STANDARD_MODULES
from rewriter.model.data.system_libraries import python_need
from rewriter.model.distroless.candidate import Candidate
from rewriter.model.distroless.move import Move, Started, StaysError
from rewriter.model.distroless.steps import steps_on
from rewriter.model.installing.stage_installs import calls_of
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.dependencies import manifests_of
from rewriter.model.running.written_folders import is_inside
from rewriter.model.splitting.python_installs import Installed
from rewriter.model.splitting.stage_reading import Reading
from rewriter.model.stages import Stage
from rewriter.syntax.tree import Copy, Env, Instruction, ShellInstruction

_TAG: Final = re.compile(r"(\d+\.\d+)-slim(?:-[a-z]+)?\Z")
_VERSION: Final = re.compile(r"(?:\A|python)(\d+\.\d+)(?:[.-]|\Z)")
_BRINGS_PYTHON: Final = re.compile(r"\bUV_PYTHON|\buv python\b|--python[= ]\d|\bpyenv\b|\bconda\b")
_EDITABLE: Final = re.compile(r"(?m)^\s*(?:-e|--editable)\b")
_BUILT: Final = re.compile(r"(?m)^\s*\[build-system\]")
_WITHOUT_PROJECT: Final = ("--no-install-project", "--no-editable", "--no-root", "--only-group")
_NAMES: Final = names("venv .venv")
_IN_PLACE_OF_PYTHONS: Final = frozenset({"enum34"})


def move_python(candidate: Candidate) -> Move:
    """How the stage moves; raises StaysError."""
    version = _version(candidate)
    environment, builder = _environment(candidate)
    image = candidate.fitting(distroless_images("python", version), [builder] if builder else [])
    if builder:
        _require_same_version(builder, version)
    if "PYTHONPATH" in candidate.set_by_services:
        raise StaysError("a service sets PYTHONPATH")
    _require_found_packages(candidate, builder, image)
    started = _started(candidate, image)
    steps = steps_on(image, candidate)
    changed, below = _settings(candidate, environment and f"{environment}/lib/python{version}/site-packages")
    return Move(
        candidate.stage,
        image,
        candidate.message(image, "the same Python"),
        candidate.pinned(builder, image) if builder else (),
        steps,
        started,
        changed,
        below,
    )


def _version(candidate: Candidate) -> str:
    tag = candidate.image.tag
    if match := _TAG.match(tag):
        return match[1]
    if "alpine" in tag:
        raise StaysError("what is built for Alpine does not run on Debian")
    if re.match(r"\d+\.\d+\.\d", tag):
        raise StaysError(f"distroless does not publish Python {tag.partition('-')[0]} exactly")
    raise StaysError(f"it has not been shown to run on a slim image instead of {candidate.image}")


def _require_same_version(builder: Stage, version: str) -> None:
    """Raise unless the environment is known to be of a Python of this version: uv may bring another one."""
    for layer in builder.lineage:
        if culprit := next((one for one in layer.instructions if _BRINGS_PYTHON.search(one.text)), None):
            raise StaysError("line {line} may bring a Python of its own", culprit)
    origin = builder.origin
    found = _VERSION.search(origin.tag) if origin else None
    if found is None or found[1] != version:
        raise StaysError(f"line {{line}} is not known to have Python {version}", builder.from_)


def _environment(candidate: Candidate) -> tuple[str, Stage | None]:
    """The virtual environment that runs, and the stage that it comes from; empty where there is none."""
    copies = [one for one in candidate.stage.instructions if isinstance(one, Copy) and one.source_stage]
    program = candidate.command.words[0].value
    python = candidate.shipped.end.which("python")
    kind, path = (python.kind, python.path) if "/" not in program else ("venv", program)
    if kind == "official" or posixpath.dirname(path) == "/usr/local/bin":
        if copy := next(
            (one for one in copies if "/usr/local" in one.destination or "site-packages" in one.text), None
        ):
            raise StaysError("what line {line} copies is no virtual environment", copy)
        return "", None
    if kind != "venv":
        raise StaysError("which Python it runs is not known")
    folder = posixpath.dirname(posixpath.dirname(path))
    for copy in copies:
        if is_inside(folder, candidate.target_of(copy)):
            builder = candidate.source_of(copy)
            if path == program and not _makes(builder, folder, candidate):
                raise StaysError(f"{folder} is not known to be a virtual environment")
            return folder, builder
    raise StaysError(f"where {folder} comes from is not known")


def _makes(builder: Stage | None, folder: str, candidate: Candidate) -> bool:
    """Whether a stage is known to make a virtual environment in a folder."""
    if posixpath.basename(folder) in _NAMES:
        return True
    setup = candidate.shipped.states.at_end(builder).python_setup if builder else ()
    return any(folder in text and "venv" in text for text in setup)


# What it finds there


def _require_found_packages(candidate: Candidate, builder: Stage | None, image: DistrolessImage) -> None:
    candidate.require_no_programs("python", image)
    dependencies = candidate.project.dependencies
    found = dependencies.names if dependencies else frozenset()
    if builder is not None:
        found |= _installed_in(builder, candidate)
    for name in sorted(found):
        if name.replace("-", "_") in STANDARD_MODULES or name in _IN_PLACE_OF_PYTHONS:
            raise StaysError(f"PYTHONPATH would put {name} in front of what Python brings itself")
        if not (name == "psycopg" and _names_binary(candidate)):
            candidate.require_libraries(name, python_need(name), image)


def _names_binary(candidate: Candidate) -> bool:
    """Whether `psycopg[binary]` is asked for, which carries its libraries."""
    return any("psycopg[binary" in text or "psycopg-binary" in text for text in _manifests(candidate))


def _manifests(candidate: Candidate) -> list[str]:
    sources = candidate.project.sources
    texts = (sources.read(manifest.file) for manifest in manifests_of(sources))
    return [text for text in texts if isinstance(text, str)]


def _installed_in(builder: Stage, candidate: Candidate) -> frozenset[str]:
    """The packages that a builder installs; raises where one is installed by a mere reference to its folder."""
    shipped = candidate.shipped
    reading = Reading(builder, shipped.states, shipped.context, candidate.project, ())
    texts = _manifests(candidate)
    if any(map(_EDITABLE.search, texts)):
        raise StaysError("a requirement is installed editable, which PYTHONPATH does not follow")
    for run in reading.runs:
        for call in (call for step in reading.steps(run) for call in calls_of(step)):
            is_editable = call.has("-e", "--editable")
            if call.manager.name in ("uv", "poetry", "pdm") and call.action in ("sync", "install"):
                is_editable = call.has(*_WITHOUT_PROJECT) is False and any(map(_BUILT.search, texts))
            if is_editable:
                raise StaysError("line {line} installs the project editable, which PYTHONPATH does not follow", run)
    return Installed(reading).names


# How it starts


def _started(candidate: Candidate, image: DistrolessImage) -> Started:
    entrypoint, cmd = candidate.entry
    first, *_ = candidate.command.words
    words = candidate.words(entrypoint or cmd)
    if not words or words[0] != first.value:
        raise candidate.not_plain(words, candidate.command)
    arguments = _arguments(words, candidate, image)
    found: list[tuple[ShellInstruction, tuple[str, ...]]] = []
    if entrypoint is not None:
        candidate.words(cmd)
        found.append((entrypoint, (*image.entrypoint, *arguments)))
    elif cmd is not None:
        found.append((cmd, arguments))
    return (*found, *candidate.health(image, names("python python3") | {f"python{image.version}"}))


def _arguments(words: tuple[str, ...], candidate: Candidate, image: DistrolessImage) -> tuple[str, ...]:
    """What Python is given to start the same."""
    program = posixpath.basename(words[0])
    if program in ("python", "python3", f"python{image.version}"):
        if len(words) == 1 and len(candidate.command.words) == 1:
            raise StaysError("people work in its Python")
        return words[1:]
    module = module_of(program)
    if not module:
        raise StaysError(f"`{program}` is not known to start as a module of Python")
    folder = candidate.project.sources.origin_of_folder(candidate.command.folder or candidate.shipped.workdir)
    for name in candidate.shipped.context.list(folder or "") or () if folder is not None else ():
        stem = name.removesuffix(".py")
        if stem in STANDARD_MODULES or stem == module:
            raise StaysError(f"{name} would be imported in place of what {module} imports")
    return ("-m", module, *words[1:])


def _settings(
    candidate: Candidate, packages: str
) -> tuple[tuple[tuple[Instruction, str], ...], tuple[tuple[Instruction, str, str], ...]]:
    """PYTHONPATH in the place of PATH, or below what sets it; and the WORKDIR where the stage relies on the base's."""
    stage = candidate.stage
    below = candidate.own_workdir
    if not packages:
        return (), below
    settings = [one for one in stage.instructions if isinstance(one, Env)]
    paths = [one for one in settings if any(pair.key.text == "PYTHONPATH" for pair in one.pairs)]
    value = f"PYTHONPATH={packages}"
    if paths:
        if len(paths) > 1 or not candidate.shipped.end.get("PYTHONPATH"):
            raise StaysError("PYTHONPATH is set in a way that is not understood", paths[-1])
        value = f"PYTHONPATH={candidate.shipped.end.get('PYTHONPATH')}:{packages}"
    environment = packages.partition("/lib/")[0]
    for one in settings:
        is_path = [pair.key.text for pair in one.pairs] == ["PATH"] and one.arguments.count(":") == 1
        if is_path and f"{environment}/bin" in one.arguments and one.start > (paths[-1].start if paths else -1):
            return ((one, value),), below
    last = max(
        (one for one in stage.instructions if one in paths or _brings(one, environment, candidate)),
        key=lambda it: it.start,
    )
    return (), (*below, (last, "ENV", value))


def _brings(one: Instruction, environment: str, candidate: Candidate) -> bool:
    if isinstance(one, Env):
        return any(pair.key.text == "PATH" for pair in one.pairs)
    return isinstance(one, Copy) and one.source_stage is not None and is_inside(environment, candidate.target_of(one))
