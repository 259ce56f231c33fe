"""Many files, one after the other: find, read, fix, and write what changed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from rewriter import config, engine, files
from rewriter.config import Config, ConfigError
from rewriter.discovery import Found, find
from rewriter.engine import Outcome
from rewriter.files import FileError
from rewriter.fixing.fixer import Fixer, Level
from rewriter.fixing.registry import UnknownFixerError, may_run, select
from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.builders import why_no_mounts
from rewriter.model.context.discovery import discover, folders_of_project
from rewriter.model.settings import Settings
from rewriter.syntax.parser import parse
from rewriter.syntax.text import decode, encode
from rewriter.syntax.tree import Dockerfile

_NOT_UTF8: Final = re.compile("[\udc80-\udcff]")


class Options(NamedTuple):
    """What the command line says; what it leaves empty is for the configuration to say."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    level: str = ""
    exclude: tuple[str, ...] = ()
    context: str = ""
    config: str = ""
    extend_select: tuple[str, ...] = ()


class Problem(NamedTuple):
    """What is wrong with a file, and where. Line and column 0: no place is known."""

    path: str
    message: str
    line: int = 0
    column: int = 0


class Result(NamedTuple):
    """What became of one path.

    A `problem` says why the file stays as it is, `failed` whether it counts for the exit code; `remarks` stop nothing.
    """

    path: str
    outcome: Outcome | None = None
    problem: Problem | None = None
    failed: bool = False
    folder: str = ""
    is_stdin: bool = False
    remarks: tuple[Problem, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is something to write, and nothing in the way."""
        return self.outcome is not None and self.outcome.changed and self.problem is None


class _Plan(NamedTuple):
    """What a configuration asks for, with the command line on top. `unlimited` are the fixers that no level bars."""

    config: Config
    fixers: tuple[Fixer, ...]
    limit: Level | None
    unlimited: frozenset[Fixer]


class Batch:
    """The settings of one run, applied to file after file.

    `is_written` says that results are saved as they come. Where they are only shown, a file that two Dockerfiles share
    (their `.dockerignore`) is remembered as the first one leaves it, so that the diffs apply one after the other.
    """

    __slots__ = ("_companions", "_fixers", "_is_written", "_options", "_plans")

    def __init__(self, fixers: tuple[Fixer, ...], options: Options, *, is_written: bool = False) -> None:
        """Raises UnknownFixerError for a word of the options that no fixer answers to."""
        select(fixers, select=options.select, extend=options.extend_select, ignore=options.ignore)
        self._fixers: Final = fixers
        self._options: Final = options
        self._is_written: Final = is_written
        self._plans: dict[Config, _Plan] = {}
        self._companions: dict[str, str] = {}

    def find(self, paths: Sequence[str]) -> Iterator[Found]:
        """The files that paths stand for. Raises ConfigError for the configuration of a named folder."""
        for path in paths:
            if os.path.isdir(path):
                self._plan_for(path)
        return find(paths, excludes_of=self._excludes_of)

    def _excludes_of(self, folder: str) -> tuple[Sequence[str], str]:
        try:
            settings = self._plan_for(folder).config
        except ConfigError:
            return (), folder  # said when a file of this folder is up
        return settings.exclude, settings.folder

    def run(self, found: Found) -> Result:
        """Fix one file in memory."""
        if found.error:
            return Result(found.path, problem=Problem(found.path, found.error), failed=found.named)
        try:
            data = files.read(found.path)
        except FileError as error:
            # What someone removes while a folder is searched is missed by nobody.
            failed = found.named or os.path.lexists(found.path)
            return Result(found.path, problem=Problem(found.path, error.message), failed=failed)
        return self.run_text(decode(data), found.path, named=found.named)

    def run_text(self, text: str, path: str, *, named: bool) -> Result:
        """Fix a text that stands at a path."""
        try:
            plan = self._plan_for(os.path.dirname(path) or os.curdir)
        except ConfigError as error:
            return Result(path, problem=problem_of(error), failed=True)
        contexts: list[BuildContext] = []

        def find_context(dockerfile: Dockerfile) -> BuildContext:
            contexts.append(self._remembered(_context(path, dockerfile, plan.config)))
            return contexts[0]

        settings = _settings(path, text, plan.config)
        try:
            outcome = engine.fix(
                text,
                plan.fixers,
                context=find_context,
                limit=plan.limit,
                unlimited=plan.unlimited,
                settings=settings,
            )
        except Exception as error:  # one file, or one fixer from elsewhere, must not stop the others
            return Result(path, problem=_defect(path, _described(error)), failed=True)
        if refusal := outcome.refusal:
            problem = Problem(path, refusal.message, refusal.line, refusal.column)
            return Result(path, outcome, problem, failed=named)
        if outcome.broken_law:
            return Result(path, outcome, _defect(path, outcome.broken_law), failed=True)
        folder = (contexts[0].root if contexts else None) or os.path.dirname(path)
        result = Result(path, outcome, folder=folder, remarks=tuple(_remarks(text, path)))
        if not self._is_written:
            self._companions.update((os.path.realpath(place), after) for place, _, after in companions(result))
        return result

    def config_of(self, path: str) -> Config:
        """The configuration for a file, with the command line on top. Raises ConfigError."""
        return self._plan_for(os.path.dirname(path) or os.curdir).config

    def context_of(self, path: str, text: str) -> BuildContext:
        """The build context of a text that stands at a path. Raises ConfigError."""
        return _context(path, parse(text), self.config_of(path))

    def _remembered(self, context: BuildContext) -> BuildContext:
        """A context with the companions as the files before leave them."""
        if context.root is None or not self._companions:
            return context
        root = os.path.join(os.path.realpath(context.root), "")
        inside = ((path, text) for path, text in self._companions.items() if path.startswith(root))
        return context.with_texts({path.removeprefix(root): text for path, text in inside})

    def _plan_for(self, folder: str) -> _Plan:
        """What to do in a folder. Raises ConfigError."""
        loaded = config.load(folder, self._options.config)
        if loaded not in self._plans:
            self._plans[loaded] = self._planned(loaded)
        return self._plans[loaded]

    def _planned(self, loaded: Config) -> _Plan:
        lists = ("select", loaded.select), ("extend-select", loaded.extend_select), ("ignore", loaded.ignore)
        for key, words in lists:
            for word in words:
                try:
                    select(self._fixers, select=[word])
                except UnknownFixerError as error:
                    line, column = config.place_of(loaded.source, key, word)
                    raise ConfigError(loaded.source, f"{key}: {error}", line, column) from error
        options = self._options
        settings = loaded.merge(
            select=options.select,
            extend_select=options.extend_select,
            ignore=options.ignore,
            level=options.level,
            exclude=options.exclude,
            context=options.context,
        )
        level = Level(settings.level)
        chosen = select(
            self._fixers,
            select=settings.select,
            extend=settings.extend_select,
            ignore=settings.ignore,
            level=level,
        )
        # A level of the command line narrows what the file selects; a selection beside it on the command line wins.
        limit = None if settings.select and (options.select or not options.level) else level
        added = options.extend_select if options.level else settings.extend_select
        unlimited = frozenset(fixer for fixer in self._fixers if any(map(fixer.answers_to, added)))
        fixers = {one for one in chosen if limit is None or one in unlimited or may_run(one.level, limit)}
        fixers |= self._demanded()
        return _Plan(settings, tuple(fixer for fixer in self._fixers if fixer in fixers), limit, unlimited)

    def _demanded(self) -> set[Fixer]:
        """What the command line selects by its very code or name, and does not ignore: no file can refuse it."""
        words = {*self._options.select, *self._options.extend_select}
        named = {fixer for fixer in self._fixers if {fixer.code, fixer.name} & words}
        refused = {fixer for fixer in self._fixers if any(map(fixer.answers_to, self._options.ignore))}
        return named - refused


def _context(path: str, dockerfile: Dockerfile, settings: Config) -> BuildContext:
    from rewriter.model.installing.manifests import needed_files  # most files need no context

    return discover(path, dockerfile, configured=settings.context or None, needed=needed_files(dockerfile))


def _settings(path: str, text: str, config: Config) -> Settings:
    """What fixers must know of a file; one that mounts something already has a builder that knows how."""
    settings = config.settings
    if config.builder != "auto" or "--mount=" in text:
        return settings
    reason = why_no_mounts(folders_of_project(path))
    return settings._replace(builder="legacy", why_legacy=reason) if reason else settings


def problem_of(error: ConfigError) -> Problem:
    """A configuration error as the problem of its file."""
    return Problem(_nearby(error.path), error.message, error.line, error.column)


def _nearby(path: str) -> str:
    """A path as seen from the current folder, if it lies in there."""
    relative = os.path.relpath(path)
    return path if relative.startswith(os.pardir) else relative


def companions(result: Result) -> Iterator[tuple[str, str | None, str]]:
    """The other files that a result changes: path, text before (None for a new file), and after."""
    for companion in result.outcome.companions if result.outcome else ():
        yield _nearby(os.path.join(result.folder, companion.path)), companion.before, companion.after


def _remarks(text: str, path: str) -> Iterable[Problem]:
    if not text.isascii() and (match := _NOT_UTF8.search(text)):
        start = match.start()
        line, column = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
        message = f"a byte that is not UTF-8 (0x{ord(match[0]) - 0xDC00:x}); dfix keeps such bytes as they are"
        yield Problem(path, message, line, column)


def _defect(path: str, reason: str) -> Problem:
    return Problem(path, f"left as it is, please report this: {reason}")


def _described(error: Exception) -> str:
    """An unexpected error in one line, with the place in the code that raised it."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f" ({os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno})" if trace else ""
    return f"{type(error).__name__}: {error}{where}"


def save(result: Result) -> Problem | None:
    """Write a changed file and its companions, all or none; what is wrong when that failed.

    Before a file is saved that dockerfile-parse can read, it must see the instructions that the edits promise.
    """
    from rewriter.second_reader import disagreement

    outcome = result.outcome
    assert outcome is not None
    if doubt := disagreement(parse(outcome.before), parse(outcome.after)):
        return _defect(result.path, doubt)
    changes: dict[str, tuple[bytes | None, bytes]] = {result.path: (encode(outcome.before), encode(outcome.after))}
    for path, before, after in companions(result):
        changes[path] = (None if before is None else encode(before), encode(after))
    try:
        files.write_all(changes)
    except FileError as error:
        return Problem(error.path, error.message)
    return None
