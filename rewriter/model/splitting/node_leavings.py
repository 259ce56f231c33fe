"""What installs and builds of a Node project leave outside of its folder, which a runtime would miss."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator
from typing import Final

from rewriter.model.data.package_roles import NODE_MANAGERS, NODE_TOOLS
from rewriter.model.effects.shell import Step
from rewriter.model.installing.locks.package_json import group
from rewriter.model.installing.stage_installs import calls_of, simple_commands
from rewriter.model.managers.call import Call
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, names
from rewriter.model.slimming.started import programs_started
from rewriter.model.splitting.node_builds import BUILDERS, MANAGERS, Builds, is_global, named
from rewriter.model.splitting.node_needs import Manifest
from rewriter.model.splitting.node_owners import is_inside
from rewriter.model.splitting.parts import UnsplitError
from rewriter.model.splitting.settings import mentions
from rewriter.model.splitting.stage_reading import Reading
from rewriter.syntax.shell_tree import SimpleCommand
from rewriter.syntax.tree import Run

_LOST: Final = ("/tmp/", "/var/tmp/", "/var/cache/", "/var/lib/apt/", "/root/", "/dev/", "/usr/local/share/.cache/")
"""Where nobody looks for what a build leaves there."""

_BROWSERS: Final = re.compile(r"\b(?:playwright|puppeteer|cypress|electron)\b(?!-core)")
_ELSEWHERE: Final = re.compile(r"(?:.*=)?(/[\w.@-]+(?:/.*)?)\Z")
_HOME: Final = re.compile(
    r"\bhomedir\(|process\.env\.HOME\b|[\"'`]/(?:data|models?|var|srv|usr|opt|root|home|etc|mnt)[/\"'`]"
)
_COPIES: Final = re.compile(
    r"\b(?:cp|mv|ln|mkdir|cpx2?|copyfiles|ncp|cpy|rsync)\s[^&|;]*(?<=\s)(/(?!tmp|dev)\S+|\.\./\S*)|"
    r"(?:--out-?(?:[dD]ir|file)|--dest|--output(?:-path)?|-o)[= ][\"']?(/(?!tmp|dev)\S+|\.\./\S*)"
)
_OUTPUT: Final = re.compile(
    r"\b(?:outDir|outputDir|outputPath|distDir)[\"']?\s*:[^\n]*?[\"'](\.\./[^\"']*|/[^\"']+)|"
    r"\bpath\s*:\s*path\.\w+\(\s*__dirname,\s*[\"'](\.\./[^\"']*)"
)
_CONFIGURATIONS: Final = re.compile(r"(?:vite|vue|next|nuxt|svelte|webpack|rollup)\.config\.[cm]?[jt]s|angular\.json")
_COMPILERS: Final = names("gcc g++ cc c++ make cmake clang clang++ ld python python2 python3 pip pip3")


def require_nothing_outside(reading: Reading, builds: Builds, manifest: Manifest, *, starts_managers: bool) -> None:
    """Raise if an install or a build leaves something beside the project, as far as that can be seen.

    `starts_managers` says that a container may call a package manager.
    """
    for run in builds.runs:
        for step in reading.steps(run):
            calls = {call.command.start: call for call in calls_of(step)}
            commands = list(simple_commands(step))
            for command in commands:
                call = calls.get(command.start)
                if call is not None and call.manager.name in MANAGERS and not _is_script(call):
                    _require_no_programs(call, run, starts_managers=starts_managers)
                elif call is None or call.manager.name not in SYSTEM_MANAGERS:
                    _require_inside(command, run, reading, builds)
            if not calls and any(one.words and one.name not in BUILDERS | {"rm", "corepack"} for one in commands):
                _require_paths_inside(step, run, builds)
    _require_scripts_inside(reading, builds, manifest)
    kept = [run for run in reading.runs if run not in builds.runs]
    if starts_managers and not any(map(_brings_manager, kept)) and any(map(_enables, reading.runs)):
        # Its cache is in the home folder of the builder: https://github.com/nodejs/corepack#environment-variables
        raise UnsplitError("a container would download the package manager of corepack when it starts")


def require_no_tool_is_started(reading: Reading, dropped: Collection[str]) -> None:
    """Raise if the sources may start a compiler or a Python, which go with packages of the system."""
    started = programs_started(reading.context, "javascript")
    # Who starts no Python himself may still start one that a variable names.
    for program, file in started.programs.items():
        if program in _COMPILERS and (dropped or not program.startswith(("python", "pip"))):
            raise UnsplitError(f"{file} starts `{program}`")
    if reason := next((one for one in started.unread if one.endswith("cannot be told")), ""):
        raise UnsplitError(reason)


def _is_script(call: Call) -> bool:
    return not call.installs and not is_global(call) and call.action not in ("link", "ln")


def _require_no_programs(call: Call, run: Run, *, starts_managers: bool) -> None:
    serves_builds = NODE_TOOLS if starts_managers else NODE_TOOLS | NODE_MANAGERS | {"npm"}
    if call.action in ("link", "ln"):
        raise UnsplitError("line {line} links the project as a program", run)
    if call.installs and is_global(call) and not serves_builds.issuperset(named(call)):
        raise UnsplitError("line {line} installs programs beside the packages of the project", run)


def _require_inside(command: SimpleCommand, run: Run, reading: Reading, builds: Builds) -> None:
    if _BROWSERS.search(command.text):
        raise UnsplitError("line {line} keeps programs outside of the project", run)
    if command.name not in BUILDERS | MANAGERS:
        return
    for word in command.words[1:]:
        match = _ELSEWHERE.match(word.value)
        if match and not is_inside(match[1], builds) and not f"{match[1]}/".startswith(_LOST):
            raise UnsplitError(f"line {{line}} names {match[1]}, which is outside of the project", run)
    script = command.words[1].value if command.name == "node" and len(command.words) > 1 else ""
    origin = reading.project.sources.origin(posixpath.join(reading.state(run).workdir or "/", script)) if script else ""
    if origin and (match := _HOME.search(reading.context.read(origin) or "")):
        raise UnsplitError(f"{origin} may write outside of the project: {match[0]}")


def _require_paths_inside(step: Step, run: Run, builds: Builds) -> None:
    for path in sorted(step.effects.writes | step.effects.makes):
        if not is_inside(path, builds) and not f"{path}/".startswith(_LOST):
            raise UnsplitError(f"line {{line}} changes {path}, which is outside of the project", run)


def _require_scripts_inside(reading: Reading, builds: Builds, manifest: Manifest) -> None:
    scripts = {name: str(text) for name, text in group(manifest.package, "scripts").items()}
    for name in _called(builds.text, scripts):
        if match := _COPIES.search(scripts[name]):
            path = match[1] or match[2]
            if not (path.startswith("/") and is_inside(path, builds)):
                raise UnsplitError(f"the script `{name}` writes outside of the project: {path}")
    for name in reading.context.list(manifest.folder) or ():
        match = _OUTPUT.search(manifest.read(name)) if _CONFIGURATIONS.fullmatch(name) else None
        path = (match[1] or match[2]) if match else builds.folder
        if not is_inside(path, builds):
            raise UnsplitError(f"{name} writes outside of the project: {path}")


def _called(text: str, scripts: dict[str, str]) -> Iterator[str]:
    """The scripts of package.json that RUNs call, those that these call, and those that run by themselves."""
    pending: list[str] = [name for name in ("preinstall", "install", "postinstall", "prepare") if name in scripts]
    pending += [name for name in scripts if mentions(text, name)]
    seen = set(pending)
    while pending:
        name = pending.pop()
        yield name
        more = (one for one in scripts if one in (f"pre{name}", f"post{name}") or mentions(scripts[name], one))
        fresh = [one for one in more if one not in seen]
        seen.update(fresh)
        pending += fresh


def _enables(run: Run) -> bool:
    return "corepack enable" in run.text


def _brings_manager(run: Run) -> bool:
    """Whether a RUN, which both stages have, brings the package manager itself."""
    words = ("corepack prepare", "corepack install", "corepack use", "npm install -g", "npm i -g")
    return any(one in run.text for one in words)
