"""What a Dockerfile costs: sizes from the image, times from builds of our own."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex
from statistics import median
from typing import Final, NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.verify.engine.builder import Built, Engine, Recipe
from rewriter.verify.report import Cost
from rewriter.verify.request import Conditions

_COMMENTS: Final = {
    ".c": "//",
    ".cpp": "//",
    ".cs": "//",
    ".go": "//",
    ".java": "//",
    ".js": "//",
    ".jsx": "//",
    ".kt": "//",
    ".mjs": "//",
    ".php": "//",
    ".py": "#",
    ".rb": "#",
    ".rs": "//",
    ".scala": "//",
    ".sh": "#",
    ".ts": "//",
    ".tsx": "//",
}
"""Source files that take a comment at their end, and how it begins."""

_MANIFESTS: Final = {
    "requirements.txt": "\n# {}\n",
    "pyproject.toml": "\n# {}\n",
    "Pipfile": "\n# {}\n",
    "package.json": "\n{blanks}\n",
    "go.mod": "\n// {}\n",
    "Gemfile": "\n# {}\n",
    "composer.json": "\n{blanks}\n",
    "Cargo.toml": "\n# {}\n",
    "pom.xml": "\n<!-- {} -->\n",
    "build.gradle": "\n// {}\n",
    "build.gradle.kts": "\n// {}\n",
}
"""Files that name dependencies, and what their end takes: a comment, or blanks where there are none."""

_MAIN: Final = ("main", "app", "index", "server", "__main__", "manage", "application", "program")
_ASIDE: Final = frozenset(
    {"test", "tests", "spec", "specs", "docs", "examples", "migrations", "node_modules", "vendor"}
)
"""Folders of files that are not the program itself."""


class Edited(NamedTuple):
    """A file that a measurement changes, in a copy of the context, and how."""

    path: str
    ending: str

    def apply(self, folder: Path, mark: str) -> None:
        """Give the file in a folder an ending that no build has seen; other names of the same file keep theirs."""
        place = folder / self.path
        # The file may be a hard link to the user's own: it is replaced, never written to.
        fresh = place.with_name(f"{place.name}.{mark}")
        fresh.write_bytes(place.read_bytes() + self.ending.format(mark, blanks=_blanks(mark)).encode())
        shutil.copymode(place, fresh)
        fresh.replace(place)


def _blanks(mark: str) -> str:
    """A mark in blanks, for JSON knows no comments."""
    return f"{int.from_bytes(mark.encode()):b}".translate({ord("0"): " ", ord("1"): "\t"})


def source_file(context: BuildContext) -> Edited | None:
    """The source file of the program that is likeliest to change; None if no file of the context is known to be one."""
    paths = context.walk("", lambda name: os.path.splitext(name)[1] in _COMMENTS) or []
    if not paths:
        return None
    best = min(paths, key=_unlikelihood)
    return Edited(best, "\n" + _COMMENTS[os.path.splitext(best)[1]] + " {}\n")


def _unlikelihood(path: str) -> tuple[bool, int, bool, int, str]:
    folders = path.split("/")[:-1]
    stem, suffix = os.path.splitext(os.path.basename(path))
    rank = _MAIN.index(stem) if stem in _MAIN else len(_MAIN)
    return bool(_ASIDE & set(folders)), len(folders), suffix == ".sh", rank, path


def manifest_file(context: BuildContext) -> Edited | None:
    """The file that names the dependencies; None if the context has none that is known."""
    paths = context.walk("", lambda name: name in _MANIFESTS or _is_requirements(name)) or []
    names = list(_MANIFESTS)

    def order(path: str) -> tuple[int, int, str]:
        name = os.path.basename(path)
        return path.count("/"), names.index(name) if name in _MANIFESTS else 0, path

    if not paths:
        return None
    best = min(paths, key=order)
    return Edited(best, _MANIFESTS.get(os.path.basename(best), _MANIFESTS["requirements.txt"]))


def _is_requirements(name: str) -> bool:
    return name.startswith("requirements") and name.endswith(".txt")


def copied_context(source: Path, target: Path) -> None:
    """Copy a folder so that the copy shares its files' bytes where the file system can."""
    shutil.copytree(source, target, symlinks=True, copy_function=_linked, ignore=_sockets_and_pipes)


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _sockets_and_pipes(folder: str, names: Sequence[str]) -> list[str]:
    """What no build takes either."""
    modes = ((name, os.lstat(os.path.join(folder, name)).st_mode) for name in names)
    return [name for name, mode in modes if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))]


def measured(engine: Engine, recipe: Recipe, first: Built, space: str, conditions: Conditions, folder: Path) -> Cost:
    """What the Dockerfile of a recipe costs; `first` is its cold build in a space of its own.

    `folder` does not exist yet: it takes copies of the context, in which files are changed.
    """
    configuration = engine.configuration(first.identity)
    cost = Cost(configuration["Size"], configuration["Layers"], first.context_bytes, first.seconds)
    if not conditions.measures_rebuilds:
        return cost
    copied_context(recipe.context, folder)
    try:
        return _with_rebuilds(cost, engine, recipe._replace(context=folder), space, conditions.runs)
    finally:
        # A file of the user's that has other hard links is not written to.
        shutil.rmtree(folder, ignore_errors=True)


def _with_rebuilds(cost: Cost, engine: Engine, recipe: Recipe, space: str, runs: int) -> Cost:
    """A cost with all its times; the context of the recipe is changed."""
    folder = recipe.context
    seen = BuildContext(str(folder)).with_text(".dockerignore", recipe.ignore or "")
    source, manifest = source_file(seen), manifest_file(seen)
    cold = [cost.cold_build or 0.0]
    after_source: list[float] = []
    after_dependency: list[float] = []
    for number in range(runs):
        if number:
            space = engine.new_space()
            cold.append(engine.build(recipe, space).seconds)
        for file, seconds in ((source, after_source), (manifest, after_dependency)):
            if file is not None:
                file.apply(folder, token_hex(4))
                seconds.append(engine.build(recipe, space).seconds)
    return cost._replace(
        cold_build=median(cold),
        rebuild_after_source=median(after_source) if after_source else None,
        rebuild_after_dependency=median(after_dependency) if after_dependency else None,
    )
