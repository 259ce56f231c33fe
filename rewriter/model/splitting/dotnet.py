"""A stage that ships the .NET SDK: what is published goes into the image of the runtime, with the files beside it.

    FROM mcr.microsoft.com/dotnet/sdk:8.0       FROM mcr.microsoft.com/dotnet/sdk:8.0 AS builder
    WORKDIR /app                                WORKDIR /app
    COPY . .                                    COPY . .
    RUN dotnet publish -c Release -o out    ->  RUN dotnet publish -c Release -o out
    ENTRYPOINT ["dotnet", "out/Shop.dll"]
                                                FROM mcr.microsoft.com/dotnet/aspnet:8.0 AS runtime
                                                WORKDIR /app
                                                COPY --from=builder /app/out /app/out
                                                COPY --from=builder /app/appsettings.json /app/appsettings.json
                                                ENTRYPOINT ["dotnet", "out/Shop.dll"]

From .NET 8 on, the SDK's images for Debian and Ubuntu are made from those of ASP.NET Core, which have the same tags:
ports, users and libraries stay. https://github.com/dotnet/dotnet-docker, src/sdk/*/*/*/Dockerfile
A program looks for its settings in the folder that it is started in:
https://learn.microsoft.com/aspnet/core/fundamentals/#content-root
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.installing.stage_installs import calls_of
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Command
from rewriter.model.splitting.compiled import Compiled
from rewriter.model.splitting.compiled_guards import (
    require_all_brought,
    require_few_files,
    require_fitting_stage,
    require_own_folder,
)
from rewriter.model.splitting.files_beside import Toolchain, is_in, whole_project
from rewriter.model.splitting.parts import Split, UnsplitError
from rewriter.model.splitting.runtime_steps import require_plain_start
from rewriter.model.splitting.settings import mentions
from rewriter.model.splitting.sources_read import require_no_programs
from rewriter.model.splitting.stage_reading import Reading
from rewriter.model.stages import Stage
from rewriter.syntax.tree import Run

_TAG: Final = re.compile(r"(?:[89]|1\d)\.0(?:-(?:bookworm-slim|jammy|noble))?")
_STARTS: Final = re.compile(r"\bProcess\.Start\b|\bProcessStartInfo\b")
_PROJECT: Final = re.compile(r".*\.(?:cs|fs|vb)proj")
_OF_WEB: Final = re.compile(r"Microsoft\.NET\.Sdk\.Web|Microsoft\.AspNetCore|<PackageReference|<ProjectReference")
_COMPILES: Final = re.compile(
    r"Razor\.?RuntimeCompilation|RazorLight|RazorEngine|Microsoft\.CodeAnalysis\.(?:CSharp|Scripting)"
)
_LEFT: Final = re.compile(
    r".*\.(?:cs|fs|vb|csproj|fsproj|vbproj|sln|slnx|cshtml|razor|resx|props|targets|user|DotSettings)|obj|bin|out|"
    r"publish|Properties|global\.json|(?i:nuget\.config)|packages\.lock\.json|libman\.json"
)
# What the SDK's images install besides: src/sdk/*/*/*/Dockerfile.
_OF_THE_SDK: Final = names("curl git wget pwsh dotnet-ef")


DOTNET: Final = Toolchain(
    tools=names("dotnet"),
    settings=re.compile(r"NUGET_\w+|MSBUILD\w*|DOTNET_(?:CLI_TELEMETRY_OPTOUT|SKIP_FIRST_TIME_EXPERIENCE|NOLOGO)"),
    left=_LEFT,
    caches=("/root/.nuget", "/root/.dotnet", "/root/.local/share/NuGet"),
)


def split_dotnet(reading: Reading) -> Split | None:
    """What goes where; None where the stage does not run what it publishes. Raises UnsplitError."""
    outputs = dict(_outputs(reading))
    start = reading.project.start
    if not outputs:
        return None
    if not start:
        raise UnsplitError(f"what a container starts is not known: {start.reason}")
    require_plain_start(reading.project, reading.services, reading.stage.instructions)
    command = start.commands[-1]
    published = posixpath.dirname(_library(command))
    if not published:
        return None
    if published not in outputs:
        raise UnsplitError("what a container starts is not what is published")
    folder = whole_project(reading, reading.state(outputs[published]).workdir)
    if folder == published or folder.startswith(f"{published}/"):
        raise UnsplitError("the sources lie in the folder that is published to")
    image = _runtime_image(reading, folder)
    # What else is published may be what another container starts.
    built = [published, *(it for it in outputs if not is_in(it, published) and not is_in(published, it))]
    compiled = Compiled(reading, DOTNET, outputs.values(), folder, built)
    require_fitting_stage(compiled, start)
    require_all_brought(compiled, start)
    require_own_folder(compiled)
    origin = reading.project.sources.origin_of_folder(folder) or ""
    compiled.spoken = require_no_programs(reading.context, origin, (".cs", ".fs", ".vb"), _STARTS, ".NET")
    compiled.place()
    if compiled.systems:
        raise UnsplitError("line {line} installs packages", compiled.systems[0])
    _require_programs(compiled, image)
    require_few_files(compiled)
    compiled.bring([*built, *(() if is_in(command.folder, published) else compiled.files())])
    return compiled.split("the .NET SDK", base=image)


def _outputs(reading: Reading) -> Iterator[tuple[str, Run]]:
    """The folders that are published to, each with its RUN: https://learn.microsoft.com/dotnet/core/tools/dotnet-publish"""
    for run in reading.runs:
        for step in reading.steps(run):
            for call in calls_of(step):
                if call.manager.name == "dotnet" and call.action == "publish":
                    output = next((one.value for one in call.options if one.name in ("-o", "--output")), "")
                    known = reading.state(run).expand(output) if output and step.folder else None
                    if not known or call.has("--self-contained"):
                        raise UnsplitError("where line {line} publishes to is not known", run)
                    yield posixpath.normpath(posixpath.join(step.folder, known)), run


def _library(command: Command) -> str:
    """The path of the library that `dotnet` runs; empty where it does anything else."""
    words = [word.known or "" for word in command.words]
    if posixpath.basename(words[0]) != "dotnet" or len(words) < 2 or not words[1].endswith(".dll"):
        return ""
    return posixpath.normpath(posixpath.join(command.folder, words[1]))


def _runtime_image(reading: Reading, folder: str) -> str:
    """The image with the runtime: that of ASP.NET Core where the project or a package may ask for it."""
    origin = _origin(reading.stage)
    context, sources = reading.context, reading.project.sources
    projects = context.walk(sources.origin_of_folder(folder) or "", lambda name: _PROJECT.fullmatch(name) is not None)
    if not projects:
        raise UnsplitError("no project of .NET is in the build context")
    texts = [context.read(path) for path in projects]
    if None in texts:
        raise UnsplitError(f"{projects[texts.index(None)]} cannot be read")
    if any(_COMPILES.search(text or "") for text in texts):
        raise UnsplitError("the program compiles sources when it runs")
    name, _, tag = origin.rpartition(":")
    kind = "aspnet" if any(_OF_WEB.search(text or "") for text in texts) else "runtime"
    return f"{name.removesuffix('sdk')}{kind}:{tag}"


def _origin(stage: Stage) -> str:
    origin = stage.origin
    if origin is None or "$" in stage.from_.image.text or origin.digest or stage.parent:
        raise UnsplitError("which image of .NET it is may change")
    if not _TAG.fullmatch(origin.tag):
        raise UnsplitError(f"no image with only the runtime of {origin} is known")
    return str(origin)


def _require_programs(compiled: Compiled, image: str) -> None:
    start = compiled.reading.project.start
    for command in start.commands if start else ():
        if posixpath.basename(command.words[0].value) == "dotnet" and not _library(command):
            raise UnsplitError(f"a container starts `{command.text}`, which may need the SDK")
    texts = [one.text for one in compiled.kept() if one is not compiled.last]
    texts += [command.text for command in start.commands] if start else []
    texts += [" ".join(service.health_command or ()) for service in compiled.reading.services]
    for text in texts:
        if found := next((name for name in sorted(_OF_THE_SDK) if mentions(text, name)), ""):
            raise UnsplitError(f"`{found}` is not in {image}")
