"""Where a program that runs comes from: modules of Python, sources of scripts, packages of Go binaries."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rewriter.model.managers.vocabulary import names
from rewriter.model.project.sources import Sources
from rewriter.model.stages import UNKNOWN_PART
from rewriter.syntax.shell import SimpleCommand


class Found(NamedTuple):
    """A file of the context, and the path that it has in the image; both empty where there is none."""

    file: str = ""
    path: str = ""


def find_module(name: str, sources: Sources, folders: Sequence[str]) -> Found:
    """The file with a Python module, looked for in folders of the image."""
    path = name.replace(".", "/")
    if not path or UNKNOWN_PART in path:
        return Found()
    for folder in folders:
        for base in (folder, posixpath.join(folder, "src")) if folder else ():
            for candidate in (f"{path}.py", f"{path}/__init__.py"):
                place = posixpath.join(base, candidate)
                if origin := sources.origin(place):
                    return Found(origin, place)
    return Found()


_OUTPUTS: Final = names("dist build lib out output .output")
_ENDINGS: Final = (".js", ".ts", ".mjs", ".cjs", ".mts", ".cts", ".tsx", ".jsx")


def sources_of_script(path: str, workdir: str) -> Iterator[str]:
    """The paths at which the source of a script may stand: itself, or what a compiler makes it from."""
    yield path
    if not path.endswith(_ENDINGS):
        yield from (f"{path}{ending}" for ending in _ENDINGS[:4])
        yield from (f"{path}/index{ending}" for ending in _ENDINGS[:2])
    base = workdir.rstrip("/") if workdir and path.startswith(workdir.rstrip("/") + "/") else ""
    output, _, rest = path[len(base) + 1 :].partition("/")
    if output not in _OUTPUTS or not rest:
        return
    stem = rest.rpartition(".")[0] if rest.endswith(_ENDINGS) else rest
    for folder in ("src/", "", "server/", "app/"):
        for ending in (".ts", ".mts", ".js", ".tsx", ".mjs", "/index.ts"):
            yield f"{base}/{folder}{stem}{ending}"


def go_package(command: SimpleCommand, folder: str, path: str) -> str:
    """The path in the image of the package that `go build` makes a binary from; empty where it makes another."""
    words = [word.value or word.text for word in command.words]
    if posixpath.basename(words[0] if words else "") != "go" or len(words) < 2 or words[1] not in ("build", "install"):
        return ""
    output, packages = go_arguments(command)
    package = packages[0] if packages else "."
    target = posixpath.normpath(posixpath.join(folder or "/", package))
    if not package.startswith((".", "/")) and not package.endswith(".go"):
        return target if words[1] == "install" and posixpath.basename(package) == posixpath.basename(path) else ""
    if package.endswith("/..."):
        target = posixpath.dirname(target)
    made = posixpath.normpath(posixpath.join(folder or "/", output)) if output else ""
    if not output:
        base = posixpath.basename(target.removesuffix(".go")) or posixpath.basename(path)
        made = posixpath.join(folder or "/", base)
        # Without -o the binary is called after the module, whose last part is mostly the folder's name.
        return (
            target
            if posixpath.dirname(path) in (folder, "/go/bin") and (made == path or not packages or package == ".")
            else ""
        )
    is_folder = output.endswith("/")
    return target if path == made or (is_folder and posixpath.dirname(path) == made) else ""


def go_arguments(command: SimpleCommand) -> tuple[str, list[str]]:
    """The `-o` of `go build`, empty without one, and its packages."""
    words = [word.value or word.text for word in command.words]
    output = ""
    packages: list[str] = []
    position = 2
    while position < len(words):
        text = words[position]
        name, equals, value = text.partition("=")
        name = name.lstrip("-")
        if not text.startswith("-"):
            packages.append(text)
        elif name in _GO_VALUES and not equals:
            position += 1
            value = words[position] if position < len(words) else ""
        if text.startswith("-") and name == "o":
            output = value
        position += 1
    return output, packages


_GO_VALUES: Final = names(
    "o ldflags gcflags asmflags tags mod modfile p buildmode compiler installsuffix pkgdir overlay pgo"
)
