"""Finding the fixers: those of the package `fixers`, and those that other distributions offer as `dfix.fixers`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rewriter.fixing.fixer import Fixer, Level

ENTRY_POINTS: Final = "dfix.fixers"


class BrokenEntryPointError(ValueError):
    """Fixers of another distribution that cannot be loaded."""


class UnknownFixerError(ValueError):
    """A code, name or prefix that no fixer answers to."""


def load_fixers() -> tuple[Fixer, ...]:
    """Every registered fixer, by code. Raises ValueError when two share a code or a name, or some cannot be loaded."""
    return in_order([*_own(), *_third_party()])


def in_order(fixers: Iterable[Fixer]) -> tuple[Fixer, ...]:
    """Fixers by code, so that the order in which they were registered means nothing."""
    ordered = tuple(sorted(dict.fromkeys(fixers), key=lambda fixer: fixer.code))
    seen: dict[str, Fixer] = {}
    for fixer in ordered:
        for key in (fixer.code, fixer.name):
            if key in seen:
                raise ValueError(f"two fixers are called {key}")
            seen[key] = fixer
    return ordered


def select(
    fixers: Sequence[Fixer],
    *,
    select: Iterable[str] = (),
    extend: Iterable[str] = (),
    ignore: Iterable[str] = (),
    level: Level = Level.GUARDED,
) -> tuple[Fixer, ...]:
    """The fixers that a user asked for: those named, else those up to a level; those beside them; less those ignored.

    Raises UnknownFixerError for a word that no fixer answers to.
    """
    chosen = list(_named(fixers, select))
    if not chosen:
        chosen = [fixer for fixer in fixers if may_run(fixer.level, level)]
    wanted, refused = {*chosen, *_named(fixers, extend)}, set(_named(fixers, ignore))
    return tuple(fixer for fixer in fixers if fixer in wanted and fixer not in refused)


def may_run(level: Level, limit: Level) -> bool:
    """Whether a fix of one level runs when the user allows another."""
    order = list(Level)
    return order.index(level) <= order.index(limit)


def _named(fixers: Sequence[Fixer], words: Iterable[str]) -> Iterator[Fixer]:
    wanted: set[str] = set()
    for word in words:
        matches = [fixer.code for fixer in fixers if fixer.answers_to(word)]
        if not matches:
            raise UnknownFixerError(f"no fixer answers to {word!r}; `dfix rule` lists them all")
        wanted.update(matches)
    return (fixer for fixer in fixers if fixer.code in wanted)


def _own() -> Iterator[Fixer]:
    import importlib

    import fixers

    for name in _modules(list(fixers.__path__)):
        yield from _in_module(importlib.import_module(f"fixers.{name}"))


def _modules(folders: Sequence[str]) -> list[str]:
    """The names of the modules in some folders. pkgutil would find them too, but costs a tenth of the start-up."""
    import os

    if not all(map(os.path.isdir, folders)):  # inside an archive
        import pkgutil

        return [module.name for module in pkgutil.iter_modules(folders)]
    files = (entry for folder in folders for entry in sorted(os.listdir(folder)))
    return [file.removesuffix(".py") for file in files if file.endswith(".py") and not file.startswith("__")]


def _in_module(module: object) -> Iterator[Fixer]:
    return (value for value in vars(module).values() if isinstance(value, Fixer))


def _third_party() -> Iterator[Fixer]:
    """Fixers of other distributions. Each entry point names a fixer, or a module that holds some."""
    if not _any_entry_point():
        return
    from importlib.metadata import entry_points

    for entry in entry_points(group=ENTRY_POINTS):
        try:
            loaded = entry.load()
        except Exception as error:  # whatever a module of somebody else's raises while it is imported
            origin = entry.dist.name if entry.dist else "unknown"
            raise BrokenEntryPointError(f"{origin} offers `{entry.name} = {entry.value}`: {error}") from error
        yield from (loaded,) if isinstance(loaded, Fixer) else _in_module(loaded)


def _any_entry_point() -> bool:
    """Whether any installed distribution offers fixers: a plain look into each entry_points.txt.

    `importlib.metadata.entry_points()` costs a tenth of a second, more than all the rest of the start-up.
    """
    import os

    for folder in sys.path:
        try:
            with os.scandir(folder or ".") as entries:
                names = [entry.path for entry in entries if entry.name.endswith((".dist-info", ".egg-info"))]
        except OSError:
            continue
        for name in names:
            try:
                with open(os.path.join(name, "entry_points.txt"), encoding="utf-8") as file:
                    if f"[{ENTRY_POINTS}]" in file.read():
                        return True
            except (OSError, UnicodeDecodeError):
                continue
    return False
