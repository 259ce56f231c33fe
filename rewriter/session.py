"""One call of dfix: work through the paths, print results, and find the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from rewriter.batch import Batch, Options, Problem, Result, companions, problem_of, save
from rewriter.config import ConfigError
from rewriter.files import LARGEST, FileError
from rewriter.fixing.fixer import Fixer
from rewriter.fixing.registry import load_fixers
from rewriter.output.console import Console
from rewriter.syntax.text import decode

CLEAN, WOULD_CHANGE, FAILED, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: nothing to change or all written; something would change; an error of any kind; Ctrl-C."""

STDIN: Final = "-"
_NAMELESS: Final = "<stdin>"


class FixersError(Exception):
    """The fixers cannot be loaded; those of another distribution may fail in any way."""


def loaded_fixers() -> tuple[Fixer, ...]:
    """Every fixer. Raises FixersError."""
    try:
        return load_fixers()
    except Exception as error:
        raise FixersError(f"the fixers cannot be loaded: {type(error).__name__}: {error}") from error


def run_plainly(paths: Sequence[str], *, diff: bool, write: bool, show_skips: bool) -> int:
    """Fix paths without any further option; the exit code."""
    try:
        fixers = loaded_fixers()
    except FixersError as error:
        Console().say(f"error: {error}")
        return FAILED
    batch = Batch(fixers, Options((), (), "", (), "", ""), is_written=write)
    session = Session(batch, fixers, diff=diff, write=write, json=False, show_skips=show_skips)
    return session.run(paths or [os.curdir], "")


def unless_lost(console: Console, code: int) -> int:
    """An exit code, but that of a failure when data could not be printed."""
    if not console.failure:
        return code
    console.say(f"error: standard output: {console.failure}")
    return FAILED


class Session:
    """One call of the fix command: what to print where, and the exit code."""

    def __init__(
        self,
        batch: Batch,
        fixers: Sequence[Fixer],
        *,
        diff: bool,
        write: bool,
        json: bool,
        show_skips: bool,
        explain: bool = False,
    ) -> None:
        from rewriter.output.text import Summary

        self._batch: Final = batch
        self._fixers: Final = fixers
        self._diff: Final = diff
        self._write: Final = write
        self._json: Final = json
        self._show_skips: Final = show_skips
        self._explain: Final = explain
        self._console: Final = Console()
        self._summary: Final = Summary()
        self._kept: Final[list[Result]] = []
        self._said: Final[set[Problem]] = set()
        self._code = CLEAN

    def run(self, paths: Sequence[str], stdin_filename: str) -> int:
        """Work through the paths; the exit code."""
        try:
            for result in self._process(paths, stdin_filename):
                self._finish(self._saved(result) if self._write else result)
                if not self._console.is_open and not self._write:
                    break
            self._conclude()
        except ConfigError as error:
            self._complain(problem_of(error), is_error=True)
            return FAILED
        except KeyboardInterrupt:
            self._console.say("interrupted; every file is either as it was or completely rewritten")
            return INTERRUPTED
        return unless_lost(self._console, self._code)

    def _process(self, paths: Sequence[str], stdin_filename: str) -> Iterator[Result]:
        if STDIN in paths:
            yield self._stdin_result(stdin_filename or _NAMELESS)
        if named := [path for path in paths if path != STDIN]:
            found = self._batch.find(named)
            # Where results come to the same screen, they show how far the work is.
            if self._write or not sys.stdout or not sys.stdout.isatty():
                found = self._console.watched(list(found))
            for entry in found:
                yield self._batch.run(entry)

    def _stdin_result(self, path: str) -> Result:
        try:
            data = _read_stdin(path)
        except FileError as error:
            return Result(path, problem=Problem(path, error.message), failed=True, is_stdin=True)
        return self._batch.run_text(decode(data), path, named=True)._replace(is_stdin=True)

    def _saved(self, result: Result) -> Result:
        """Write a result to its file; one of standard input is only printed."""
        if result.is_stdin or not result.changed:
            return result
        problem = save(result)
        return result._replace(problem=problem, failed=True) if problem else result

    def _finish(self, result: Result) -> None:
        """Count a result, and print it unless everything is to become one document."""
        if result.failed:
            self._code = FAILED
        elif result.changed and not self._write and self._code == CLEAN:
            self._code = WOULD_CHANGE
        if self._json:
            self._kept.append(result)
        else:
            self._summary.add(result)
            self._show(result)

    def _show(self, result: Result) -> None:
        from rewriter.output.text import findings, written

        for remark in result.remarks:
            self._complain(remark, is_error=False)
        if result.problem:
            self._complain(result.problem, is_error=result.failed)
        console = self._console
        if self._explain:
            console.data(self._explanation(result))
            return
        if result.changed and self._diff:
            console.data(self._diff_of(result, color=console.colors_data))
        if self._write and result.is_stdin and not self._diff and result.outcome:
            console.data(result.outcome.after)
        elif self._write and result.changed:
            console.say(written(result))
        is_data = not (self._diff or self._write)
        color = console.colors_data if is_data else console.colors_talk
        lines = "\n".join(findings(result, fixes=is_data, skips=self._show_skips, color=color))
        if is_data:
            console.data(lines and lines + "\n")
        else:
            console.say(lines)

    def _explanation(self, result: Result) -> str:
        """The answers about a file, none where it could not be read."""
        from rewriter.output.explanation import explanation
        from rewriter.output.page import BOLD, Page

        if result.problem or result.outcome is None:
            return ""
        console = self._console
        page = Page(console.data_width, color=console.colors_data, ascii_only=not console.draws)
        context = self._batch.context_of(result.path, result.outcome.before)
        head = page.paint(BOLD, page.text(result.path))
        return "\n".join([head, "", *explanation(result.outcome, self._fixers, context, page), "", ""])

    def _complain(self, problem: Problem, *, is_error: bool) -> None:
        from rewriter.output.text import complaint

        if problem not in self._said:
            self._said.add(problem)
            self._console.say(complaint(problem, is_error=is_error, color=self._console.colors_talk))

    def _diff_of(self, result: Result, *, color: bool = False) -> str:
        from rewriter.output.diff import patch_path, unified_diff

        outcome = result.outcome
        assert outcome is not None
        path = result.path if result.path == _NAMELESS else patch_path(result.path)
        parts = [unified_diff(path, outcome.before, outcome.after, outcome.regions, color=color)]
        for place, before, after in companions(result):
            parts.append(unified_diff(patch_path(place), before or "", after, newfile=before is None, color=color))
        return "".join(parts)

    def _conclude(self) -> None:
        console = self._console
        if self._json:
            from rewriter.output.json import render

            console.data(render(self._kept, diff=self._diff_of, written=self._write) + "\n")
        elif console.is_open:
            brief = not (self._diff or self._write)  # the findings have just said it all
            skips_shown = self._show_skips or self._explain
            text = self._summary.text(
                self._fixers, written=self._write, brief=brief, skips_shown=skips_shown, width=console.width
            )
            console.say(text)


def _read_stdin(path: str) -> bytes:
    if sys.stdin is None:
        raise FileError(path, "standard input is closed")
    try:
        data = sys.stdin.buffer.read(LARGEST + 1)
    except OSError as error:
        raise FileError(path, f"standard input cannot be read: {error.strerror}") from error
    if len(data) > LARGEST:
        raise FileError(path, f"too large for a Dockerfile (more than {LARGEST:,} bytes)")
    return data
