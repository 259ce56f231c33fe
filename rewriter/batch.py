"""Many files, one after the other: read, fix, and write what changed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final, NamedTuple

from rewriter import config, engine, files
from rewriter.config import Config
from rewriter.engine import Outcome
from rewriter.files import FileError, Found
from rewriter.fixing.fixer import Fixer, Level
from rewriter.fixing.registry import select
from rewriter.model.context import BuildContext, discover
from rewriter.syntax.text import decode, encode
from rewriter.syntax.tree import Dockerfile


class Result(NamedTuple):
    """What became of one path. `error` says why nothing could be done; `failed` whether that counts for the exit code."""

    path: str
    outcome: Outcome | None
    error: str
    failed: bool
    folder: str
    is_stdin: bool = False


class Batch:
    """The settings of one run, applied to file after file."""

    __slots__ = ("_cache", "_explicit", "_fixers", "_options")

    def __init__(self, fixers: tuple[Fixer, ...], options: Mapping[str, object], explicit_config: str = "") -> None:
        self._fixers: Final = fixers
        self._options: Final = options
        self._explicit: Final = explicit_config
        self._cache: dict[Config, tuple[tuple[Fixer, ...], Level | None]] = {}

    def config_for(self, folder: str) -> Config:
        """The configuration of a folder, with the command line on top. Raises ConfigError."""
        return config.load(folder, self._explicit).merge(**self._options)  # type: ignore[arg-type]  # typer's own values

    def run(self, found: Found) -> Result:
        """Fix one file in memory."""
        if found.error:
            return Result(found.path, None, found.error, found.named, "")
        try:
            data = files.read(found.path)
        except FileError as error:
            return Result(found.path, None, error.message, True, "")
        return self.run_text(decode(data), found.path, named=found.named)

    def run_stdin(self, text: str, path: str) -> Result:
        """Fix standard input, which would stand at a path."""
        return self.run_text(text, path, named=True)._replace(is_stdin=True)

    def run_text(self, text: str, path: str, *, named: bool) -> Result:
        """Fix a text that stands at a path."""
        settings = self.config_for(os.path.dirname(path) or ".")
        fixers, limit = self._selection(settings)
        contexts: list[BuildContext] = []

        def find_context(dockerfile: Dockerfile) -> BuildContext:
            contexts.append(discover(path, dockerfile, configured=settings.context or None))
            return contexts[0]

        outcome = engine.fix(text, fixers, context=find_context, limit=limit)
        folder = contexts[0].root if contexts else None
        if outcome.refusal:
            line, column = outcome.refusal.line, outcome.refusal.column
            return Result(path, outcome, f"{line}:{column}: {outcome.refusal.message}", named, "")
        if outcome.broken_law:
            return Result(path, outcome, f"left as it is, please report this: {outcome.broken_law}", True, "")
        return Result(path, outcome, "", False, folder or os.path.dirname(path))

    def _selection(self, settings: Config) -> tuple[tuple[Fixer, ...], Level | None]:
        """The fixers for a configuration; an explicit selection wins over the level, also for single fixes."""
        if settings not in self._cache:
            level = Level(settings.level)
            chosen = select(self._fixers, select=settings.select, ignore=settings.ignore, level=level)
            self._cache[settings] = (chosen, None if settings.select else level)
        return self._cache[settings]


def save(result: Result) -> str:
    """Write a changed file and its companions, all or none. Gives the reason when that failed.

    Before a file is saved that dockerfile-parse can read, it must see the instructions that the edits promise.
    """
    from rewriter.second_reader import disagreement
    from rewriter.syntax.parser import parse

    outcome = result.outcome
    assert outcome is not None
    if doubt := disagreement(parse(outcome.before), parse(outcome.after)):
        return f"left as it is, please report this: {doubt}"
    changes: dict[str, tuple[bytes | None, bytes]] = {result.path: (encode(outcome.before), encode(outcome.after))}
    for companion in outcome.companions:
        before = None if companion.before is None else encode(companion.before)
        changes[os.path.join(result.folder, companion.path)] = (before, encode(companion.after))
    try:
        files.write_all(changes)
    except FileError as error:
        return f"{error.path}: {error.message}" if error.path != result.path else error.message
    return ""
