"""How DF201 does on real build contexts: where it acts, where it does not and why, and that no install misses a file.

Each context comes with a list of all its files. A candidate is a Dockerfile of which a stage copies sources, manifest
included, before it installs from that manifest. What an install reads is found here by file names alone, without the
model's own sets of manifests, and looked for among what the new COPY lines above the install bring.
"""

from __future__ import annotations

import argparse
import posixpath
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from rewriter import engine, parse
from rewriter.engine import Outcome
from rewriter.fixing.registry import load_fixers, select
from rewriter.model.context.build_context import BuildContext
from rewriter.model.managers.call import Call, call_of
from rewriter.model.stages import Stage, StageGraph
from rewriter.model.state import States
from rewriter.output.diff import unified_diff
from rewriter.syntax.text import decode
from rewriter.syntax.tree import Copy, Dockerfile, Run
from scripts.corpus import BENCHMARKS, Unit, context_of, corpus_folder, find_units

# What the fixer cannot read, in contrast to what must not be done.
LIMITS: Final = re.compile(
    r"shell that is not understood|plain list|sets up its shell|does is not known|here-document|JSON form|pipe"
    r"|backticks|cannot be understood|called in a way|no reason"
)
_JS: Final = r"package\.json|\.npmrc"
# By manager: the names of files in the folder of the install that it reads where they exist.
_NAMES: Final[dict[str, str]] = {
    "npm": rf"{_JS}|package-lock\.json|npm-shrinkwrap\.json",
    "yarn": rf"{_JS}|yarn\.lock|\.yarnrc|\.yarnrc\.yml",
    "pnpm": rf"{_JS}|pnpm-lock\.yaml|pnpm-workspace\.yaml|\.pnpmfile\.cjs",
    "bun": rf"{_JS}|bun\.lockb?|bunfig\.toml",
    "bundle": r"Gemfile|Gemfile\.lock",
    "composer": r"composer\.(?:json|lock)|auth\.json",
    "go": r"go\.(?:mod|sum)",
    "dotnet": r".*\.(?:csproj|fsproj|sln)|Directory\..*\.(?:props|targets)|(?i:nuget\.config)|global\.json",
    "uv": r"pyproject\.toml|uv\.lock|\.python-version|uv\.toml",
    "poetry": r"pyproject\.toml|poetry\.(?:lock|toml)",
    "pipenv": r"Pipfile(?:\.lock)?",
    "mvn": r"pom\.xml|mvnw",
    "gradle": r"(?:build|settings)\.gradle(?:\.kts)?|gradle\.properties|gradlew",
    "cargo": r"Cargo\.(?:toml|lock)",
}  # fmt: skip
_ACTIONS: Final = frozenset({"install", "ci", "sync", "restore", "mod download", "fetch", "dependencies",
                             "dependency:go-offline", "dependency:resolve", "pip install"})  # fmt: skip
_INCLUDE: Final = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[ =]?\s*([^\s#]+)", re.MULTILINE)


class Result(NamedTuple):
    """What became of a candidate. `reason` is empty where the fixer acted."""

    unit: Unit
    managers: tuple[str, ...]
    reason: str
    outcome: Outcome
    missed: tuple[str, ...]


def brought(copy: Copy, workdir: str, context: BuildContext) -> Iterator[tuple[str, str, bool]]:
    """What a COPY brings: (path in the context, path in the image, whether it is a folder)."""
    target = posixpath.normpath(posixpath.join(workdir, copy.destination))
    for source in copy.sources:
        for path in context.matches(source) or ():
            is_folder = bool(context.is_folder(path))
            exact = not copy.destination.endswith(("/", ".")) and len(copy.sources) == 1 and target != workdir
            yield path, target if is_folder or exact else posixpath.join(target, posixpath.basename(path)), is_folder


def lookup(copies: Sequence[tuple[str, str, bool]], path: str) -> str | None:
    """The path in the context of a file in the image."""
    for origin, target, is_folder in reversed(copies):
        if path == target:
            return origin
        if is_folder and path.startswith(target.rstrip("/") + "/"):
            return posixpath.normpath(posixpath.join(origin, path[len(target.rstrip("/")) + 1 :]))
    return None


Found = tuple[Call, str, list[tuple[str, str, bool]]]


def calls_above(dockerfile: Dockerfile, context: BuildContext) -> Iterator[Found]:
    """The calls that install, where they run, and what the copies above them bring."""
    graph = StageGraph(dockerfile)
    states = States(graph)
    for stage in graph.stages:
        for _, call, folder, copies in stage_calls(stage, states):
            yield call, folder, [entry for copy in copies for entry in brought(copy, _workdir(copy, states), context)]


def stage_calls(stage: Stage, states: States) -> Iterator[tuple[Run, Call, str, list[Copy]]]:
    """The calls of a stage that install, where they run, and the copies above them."""
    copies: list[Copy] = []
    for instruction in stage.instructions:
        if isinstance(instruction, Copy) and not instruction.source_stage and not instruction.heredocs:
            copies.append(instruction)
        if not isinstance(instruction, Run):
            continue
        folder = states.at(instruction).workdir or "/"
        for command in instruction.script.simple_commands():
            if command.name == "cd" and len(command.words) == 2:
                folder = posixpath.normpath(posixpath.join(folder, command.words[1].value or "unknown"))
            call = call_of(command)
            if call is not None and call.action in _ACTIONS and not call.has("-g", "--global"):
                yield instruction, call, folder, list(copies)


def _workdir(copy: Copy, states: States) -> str:
    return states.at(copy).workdir or "/"


def read_by(call: Call, folder: str, there: Sequence[tuple[str, str, bool]], context: BuildContext) -> dict[str, str]:
    """The files that an install reads, by their paths in the image, with those in the context."""
    found: dict[str, str] = {}
    if call.manager.name == "pip" or call.action == "pip install":
        pending = [posixpath.join(folder, option.value) for option in call.options
                   if option.name in ("-r", "-c", "--requirement", "--constraint") and option.value]  # fmt: skip
        while pending:
            path = posixpath.normpath(pending.pop())
            origin = lookup(there, path)
            text = context.read(origin) if origin else None
            if origin and text is not None and path not in found:
                found[path] = origin
                pending += [posixpath.join(posixpath.dirname(path), match) for match in _INCLUDE.findall(text)]
        return found
    for option in call.options:
        if option.name in ("--prefix", "--cwd", "--gemfile", "-C", "--working-dir") and option.value:
            place = posixpath.normpath(posixpath.join(folder, option.value))
            folder = posixpath.dirname(place) if option.name == "--gemfile" else place
    origin = lookup(there, posixpath.join(folder, "x"))
    names = context.list(posixpath.dirname(origin)) if origin else ()
    pattern = _NAMES.get(call.manager.name, "")
    for name in names or ():
        if pattern and re.fullmatch(pattern, name):
            path = posixpath.join(folder, name)
            if source := lookup(there, path):
                found[path] = source
    for name in _named_in(context.read(found.get(posixpath.join(folder, "package.json"), "")) or ""):
        path = posixpath.join(folder, name)
        if (source := lookup(there, path)) and context.status(source) == "present":
            found[path] = source
    if call.packages and call.manager.name in ("npm", "yarn", "pnpm", "bun", "composer", "pipenv"):
        return {}
    return found


def _named_in(package: str) -> Iterator[str]:
    """The schema and the patches that the text of a package.json speaks of."""
    if "@prisma/client" in package:
        yield "prisma/schema.prisma"
    yield from re.findall(r'"(patches/[^"]+)"', package)


def is_candidate(files: dict[str, str], copies: Sequence[Copy], states: States, context: BuildContext) -> bool:
    """Whether the manifests come with a copy of sources, and no copy of manifests alone stands above."""
    for copy in reversed(copies):
        entries = list(brought(copy, _workdir(copy, states), context))
        if not any(lookup(entries, path) for path in files):
            continue
        if any(is_folder for _, _, is_folder in entries):
            return True
        return any(target not in files and not _is_manifest(target) for _, target, _ in entries)
    return False


def _is_manifest(path: str) -> bool:
    name = posixpath.basename(path)
    patterns = (*_NAMES.values(), r"requirements.*\.txt")
    return any(re.fullmatch(pattern, name) for pattern in patterns)


def examine(unit: Unit) -> Result | None:
    """Fix a Dockerfile and judge the result; None where it is no candidate."""
    text = decode(Path(unit.path).read_bytes())
    dockerfile, context = parse(text), context_of(unit)
    if dockerfile.problem:
        return None
    managers: list[str] = []
    graph = StageGraph(dockerfile)
    states = States(graph)
    for stage in graph.stages:
        done: set[tuple[str, str, str]] = set()
        for _, call, folder, copies in stage_calls(stage, states):
            there = [entry for copy in copies for entry in brought(copy, _workdir(copy, states), context)]
            files = read_by(call, folder, there, context)
            name = call.manager.name
            key = (name, folder, " ".join(sorted(files)) if name == "pip" else "")
            if key not in done and files and is_candidate(files, copies, states, context):
                managers.append(name)
            done.add(key)
    fixers = select(load_fixers(), select=["DF201"])
    outcome = engine.fix(text, fixers, context=lambda _: context_of(unit))
    if not managers and not outcome.applied:
        return None
    reasons = [skip.reason for skip in outcome.skips] or ["no reason given"]
    missed = tuple(misses(parse(outcome.before), parse(outcome.after), context)) if outcome.applied else ()
    return Result(unit, tuple(managers), "" if outcome.applied else reasons[0], outcome, missed)


def misses(before: Dockerfile, after: Dockerfile, context: BuildContext) -> Iterator[str]:
    """The files that an install read before the move and does not find after it."""
    new = list(calls_above(after, context))
    for place, (call, folder, there) in enumerate(calls_above(before, context)):
        files = read_by(call, folder, there, context)
        number = sum(_key(one[0]) == _key(call) for one in list(calls_above(before, context))[:place])
        same = [entries for other, _, entries in new if _key(other) == _key(call)]
        if number >= len(same):
            yield f"{call.manager.name}: the install is gone"
            continue
        yield from (path for path, origin in files.items() if lookup(same[number], path) != origin)


def _key(call: Call) -> tuple[str, str, tuple[str, ...]]:
    options = (word.text for word in (*call.packages, *(one.word for one in call.options)))
    return call.manager.name, call.action, tuple(word for word in options if word not in _ADDED)


_ADDED: Final = frozenset({"--no-install-project", "--no-root", "--no-scripts", "--no-autoloader"})


def report(results: Sequence[Result]) -> Iterator[str]:
    """The table by manager, and the reasons."""
    for title, group in (("outside TechEmpower", False), ("TechEmpower", True)):
        chosen = [result for result in results if (BENCHMARKS in result.unit.id) == group]
        candidates = [result for result in chosen if result.managers]
        acted = [result for result in chosen if not result.reason]
        contexts = {result.unit.id.split("/")[0] for result in acted}
        explicit = {result.unit.id.split("/")[0] for result in acted if result.managers}
        yield f"{title}: {len(candidates)} candidates; acted on {len(acted)} Dockerfiles of {len(contexts)} contexts"
        yield f"  ({len(explicit)} contexts with an explicit step behind a copy that brings its manifest)"
        yield f"  {'manager':<10} {'candidates':>10} {'acted':>6} {'guards':>7} {'not read':>9} {'of the rest':>12}"
        for manager in sorted({manager for result in candidates for manager in result.managers}):
            mine = [result for result in candidates if manager in result.managers]
            done = sum(not result.reason for result in mine)
            limits = sum(bool(result.reason and LIMITS.search(result.reason)) for result in mine)
            guards = len(mine) - done - limits
            share = f"{done / (done + limits):.0%}" if done + limits else "-"
            yield f"  {manager:<10} {len(mine):>10} {done:>6} {guards:>7} {limits:>9} {share:>12}"
        for reason, count in Counter(_general(result.reason) for result in candidates if result.reason).most_common():
            yield f"    {count:>4}  {reason}"
    missed = [result for result in results if result.missed]
    acted_on = sum(not result.reason for result in results)
    yield f"moved installs that miss a file: {len(missed)} of {acted_on} Dockerfiles"
    for result in missed:
        yield f"    {result.unit.id}: {', '.join(result.missed)}"


def _general(reason: str) -> str:
    return re.sub(r"\d+", "…", reason)


def main() -> int:
    """Print the table, or diffs to read; 1 where an install misses a file."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("corpus", type=Path, nargs="?", default=corpus_folder())
    parser.add_argument("--diffs", type=int, default=0, metavar="N", help="print N diffs drawn by the seed")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    results = [result for unit in find_units(options.corpus) if unit.kind == "app" and (result := examine(unit))]
    if options.diffs:
        acted = [result for result in results if not result.reason]
        for result in random.Random(options.seed).sample(acted, min(options.diffs, len(acted))):
            print(f"===== {result.unit.id}")
            print(unified_diff("Dockerfile", result.outcome.before, result.outcome.after, result.outcome.regions))
        return 0
    print("\n".join(report(results)))
    return 1 if any(result.missed for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
