"""Whether the kernel can start a program that a shell starts: a compiled one, or a script with a `#!` line.

A shell interprets a file without `#!` itself; without a shell such a file does not start. So a program counts where
it is known to be a proper one: a file of the build context that begins as it must, what a compiler in the Dockerfile
makes, or what packages bring. Sources: execve(2);
https://www.debian.org/doc/debian-policy/ch-files.html#scripts,
https://packaging.python.org/en/latest/specifications/entry-points/,
https://docs.npmjs.com/cli/configuring-npm/package-json#bin
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.effects.copies import folder_at
from rewriter.model.installing.by_name import reads_no_project
from rewriter.model.managers.call import MANAGERS, skip_wrappers
from rewriter.model.managers.run_calls import calls
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, names
from rewriter.model.programs import has_program
from rewriter.model.project.locate import go_package
from rewriter.model.project.servers import SERVERS
from rewriter.model.project.sources import Place, Sources
from rewriter.model.stages import UNKNOWN_PART
from rewriter.syntax.shell import SimpleCommand
from rewriter.syntax.tree import Copy, Run

_INTERPRETER: Final = re.compile(
    rb"#![ \t]*/[^\s]"  # what has no absolute path behind `#!` the kernel does not start either
)
_COMPILED: Final = (b"\x7fELF",)
_HEAD: Final = 64

_CERTAIN: Final = names(
    "python python2 python3 pypy pypy3 node nodejs deno bun java perl php php-fpm ruby bash sh dash ash zsh dotnet "
    "julia dart elixir mix iex erl lua luajit Rscript R tini tini-static dumb-init docker-init catatonit gosu su-exec "
    "setpriv gradlew mvnw"
)
"""Programs that are compiled, or scripts with a `#!` line, wherever they lie: interpreters, shells, init programs."""
_INSTALLED: Final = (
    _CERTAIN
    | names(
        "cat chmod chown cp cut date df du env find grep head hostname id ls mkdir mv nohup ps rm sed sleep sort su "
        "tail tar tee top touch tr uname watch wc xargs yes"
    )
    | frozenset(MANAGERS)
    | {name.partition(" ")[0] for name in SERVERS}
    | names(
        "apache2 apache2ctl sshd cron crond supervisord rails rake unicorn passenger hypnotoad sbt scala lein ant jruby"
    )
)
"""Programs that are such in a folder of programs, where packages put them."""
_FOLDERS: Final = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_OF_PACKAGES: Final = frozenset({"/usr/sbin", "/usr/bin", "/sbin", "/bin"})
_VERSION: Final = re.compile(r"-?[0-9][0-9.]*\Z")

_COMPILERS: Final = names(
    "gcc g++ cc c++ clang clang++ rustc ghc crystal v vala valac dart nim fpc ocamlopt swiftc gfortran ldc2 dmd "
    "gdc haxe"
)
"""Compilers that call their program what `-o` says: the manuals of the programs."""
_MAKERS: Final = _COMPILERS | names("cargo go swift")
_OUTPUTS: Final = ("-o", "--output", "--out", "-of")
_OF_CARGO: Final = re.compile(r"(?:\A|/)target/(?:[^/]+/)?(?:release|debug)/[^/.]+\Z")
_OF_SWIFT: Final = re.compile(r"(?:\A|/)\.build/(?:[^/]+/)?(?:release|debug)/[^/.]+\Z")


def reason_against_starting(program: str, sources: Sources) -> str:
    """Why the kernel may not be able to start a program as a container's first one; empty where it can."""
    doubts: list[str] = []
    paths = list(_paths(program, sources))
    for path in paths:
        origin = sources.origin(path)
        if not origin:
            continue
        doubt = _reason_in_file(origin, sources)
        if not doubt or sources.context.status(origin) == "present":
            return doubt
        doubts.append(doubt)
    if _is_known(program) and _is_written(program, sources):
        return f"a RUN makes {program}, perhaps without a `#!` line"
    if _is_known(program) or any(_is_compiled(path, sources) for path in paths):
        return ""
    if doubts:
        return doubts[0]
    return "" if _is_of_packages(program, sources) else f"where {program} comes from is not known"


def _paths(program: str, sources: Sources) -> Iterator[str]:
    """The absolute paths that a program may be found at, the first one first."""
    state = sources.states.at_end(sources.stage)
    if "/" in program:
        yield posixpath.normpath(posixpath.join(folder_at(state) or f"/{UNKNOWN_PART}", program))
        return
    folders = [folder for folder in state.value("$PATH").text.split(":") if UNKNOWN_PART not in folder]
    for folder in dict.fromkeys((*folders[:20], *_FOLDERS)):
        if folder.startswith("/"):
            yield posixpath.join(folder, program)


def _reason_in_file(origin: str, sources: Sources) -> str:
    head = sources.context.head(origin, _HEAD)
    if head is None:
        return f"whether {origin} begins with `#!` cannot be seen"
    return "" if _INTERPRETER.match(head) or head.startswith(_COMPILED) else f"{origin} has no `#!` line"


def _is_known(program: str) -> bool:
    folder, name = posixpath.split(program)
    plain = _VERSION.sub("", name)
    if plain in _CERTAIN:
        return True
    return plain in _INSTALLED and (not folder or folder.endswith("bin"))


def _is_written(program: str, sources: Sources) -> bool:
    """Whether a RUN writes or links a program of a common name into a folder of programs."""
    name = posixpath.basename(program)
    if _VERSION.sub("", name) in _CERTAIN:
        return False
    written = re.compile(rf"(?:>|\b(?:ln|tee|cp|mv)\b)[^\n;&|]{{0,300}}\bbin/{re.escape(name)}(?![\w./-])")
    return any(
        written.search(run.text) for one in sources.stage.lineage for run in one.instructions if isinstance(run, Run)
    )


def _is_of_packages(program: str, sources: Sources) -> bool:
    """Whether a program is one of the base image or of a package: it is nowhere written as a file of its own."""
    folder, name = posixpath.split(program)
    state = sources.states.at_end(sources.stage)
    if (folder and folder not in _OF_PACKAGES) or not state.distribution or name.endswith(".sh"):
        return False
    if not folder and not has_program(name, state) and not _is_installed(name, sources):
        return False
    written = re.compile(rf"[/>]\s*[\"']?{re.escape(name)}(?![\w.-])")
    for stage in sources.stage.lineage:
        for instruction in stage.instructions:
            if isinstance(instruction, Run):
                texts = [instruction.text]
            elif isinstance(instruction, Copy):
                texts = [f"/{path}" for path in instruction.paths]
            else:
                continue
            if any(written.search(text) for text in texts):
                return False
    return True


def _is_installed(name: str, sources: Sources) -> bool:
    """Whether a package manager brings a program: by a package called alike, or among all that a manifest names."""
    stem = _plain(name)
    for run in sources.runs():
        for call in calls(run):
            if not (call.installs or call.builds):
                continue
            if call.manager.name not in SYSTEM_MANAGERS and not reads_no_project(call):
                return True
            packages = (_plain(posixpath.basename(word.value)) for word in call.packages)
            if any(
                package and (stem.startswith(package) or (len(stem) > 1 and stem in package)) for package in packages
            ):
                return True
    return False


def _plain(name: str) -> str:
    """A name of a package or program without version and punctuation."""
    return re.split(r"[@=<>~\[:]", name, maxsplit=1)[0].replace("-", "").replace("_", "").lower()


def _is_compiled(path: str, sources: Sources) -> bool:
    """Whether a compiler in the file makes what stands at a path, in this stage or in one that it is copied from."""
    for place in sources.places(path):
        for run in place.stage.instructions:  # the stages below are places of their own
            if not isinstance(run, Run) or run.heredocs:
                continue
            folder = sources.states.at(run).workdir
            for command in run.script.simple_commands():
                if command.name == "cd":
                    target = command.words[1].value if len(command.words) > 1 else ""
                    folder = posixpath.normpath(posixpath.join(folder, target)) if target else ""
                elif _makes(command, folder, place):
                    return True
    return False


def _makes(command: SimpleCommand, folder: str, place: Place) -> bool:
    start = skip_wrappers(command.words)
    if start is None:
        return False
    words = command.words[start:]
    name = posixpath.basename(words[0].value)
    if name not in _MAKERS:
        return False
    values = [word.value for word in words[1:]]
    if name == "cargo":
        is_installed = "install" in values and place.path.endswith(("/.cargo/bin", "/cargo/bin"))
        return is_installed or bool(values and values[0] in ("build", "b", "rustc") and _OF_CARGO.search(place.path))
    if name == "swift":
        return values[:1] == ["build"] and bool(_OF_SWIFT.search(place.path))
    if name == "go" and folder:
        rest = command._replace(words=words, start=words[0].start)
        return bool(go_package(rest, folder, place.path)) or (
            values[:1] == ["install"] and posixpath.dirname(place.path) == "/go/bin"
        )
    return name in _COMPILERS and any(
        posixpath.normpath(posixpath.join(folder or f"/{UNKNOWN_PART}", output)) == place.path
        for output in _outputs(values)
    )


def _outputs(values: list[str]) -> Iterator[str]:
    for position, value in enumerate(values):
        option, separator, joined = value.partition("=") if "=" in value else value.partition(":")
        if option not in _OUTPUTS:
            continue
        if separator:
            yield joined
        elif position + 1 < len(values):
            yield values[position + 1]
