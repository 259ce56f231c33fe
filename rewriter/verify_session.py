"""One call of `dfix verify`: prove what dfix makes of Dockerfiles, print what was found, write what is proven."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Final, NamedTuple

from rewriter.batch import Batch, Options, Problem, problem_of, save
from rewriter.config import ConfigError
from rewriter.fixing.fixer import Fixer
from rewriter.output.console import Console
from rewriter.output.text import complaint, written
from rewriter.session import CLEAN, FAILED, INTERRUPTED, WOULD_CHANGE, unless_lost
from rewriter.verify.engine.builder import Engine, EngineError, open_engine
from rewriter.verify.proof import prove
from rewriter.verify.report import Report, Verdict
from rewriter.verify.request import Conditions, Request
from rewriter.verify.subject import Subject, SubjectError

EXIT_CODES: Final = {
    Verdict.PROVEN: CLEAN,
    Verdict.UNCHANGED: CLEAN,
    Verdict.DIFFERENT: WOULD_CHANGE,
    Verdict.UNTESTED: FAILED,
}


class Wishes(NamedTuple):
    """What the user wants besides the proof.

    `against` is another Dockerfile to compare with, `output_format` one of text, json and markdown. `is_written` saves
    what is proven; with `keeps_good`, what remains proven without the fixers that break something.
    """

    against: str = ""
    output_format: str = "text"
    is_written: bool = False
    keeps_good: bool = False
    shows_allowed: bool = False


class VerifySession:
    """One call, with one engine for all its files."""

    def __init__(self, fixers: tuple[Fixer, ...], options: Options, conditions: Conditions, wishes: Wishes) -> None:
        self._fixers: Final = fixers
        self._options: Final = options
        self._conditions: Final = conditions
        self._wishes: Final = wishes
        self._console: Final = Console()
        self._reports: Final[list[Report]] = []
        self._engine: Engine | None = None
        self._code = CLEAN

    def run(self, paths: Sequence[str]) -> int:
        """Verify the Dockerfiles that paths stand for; the exit code, which is the worst of all."""
        try:
            with ExitStack() as stack:
                for path in self._find(paths):
                    self._verify(path, stack)
        except ConfigError as error:
            self._complain(problem_of(error))
        except KeyboardInterrupt:
            self._console.say("interrupted; what was built for it has been removed, and no file was changed by half")
            return INTERRUPTED
        if self._wishes.output_format == "json":
            from rewriter.output.verify_json import render

            self._console.data(render(self._reports) + "\n")
        return unless_lost(self._console, self._code)

    def _find(self, paths: Sequence[str]) -> Iterator[str]:
        entries = list(Batch(self._fixers, self._options).find(paths))
        if against := self._wishes.against:
            entries = [entry for entry in entries if os.path.realpath(entry.path) != os.path.realpath(against)]
        if not entries:
            self._complain(Problem(paths[0], "no Dockerfile is found there; name one"))
        if against and len(entries) > 1:
            self._complain(Problem(paths[0], "with --against, name one Dockerfile"))
            return
        for entry in entries:
            if entry.error:
                self._complain(Problem(entry.path, entry.error))
            else:
                yield entry.path

    def _verify(self, path: str, stack: ExitStack) -> None:
        try:
            subject = Subject(path, self._fixers, self._options)
            request = self._request(subject)
        except SubjectError as error:
            self._complain(error.problem)
            return
        report = self._proven(request, subject, stack)
        self._reports.append(report)
        self._worsen(EXIT_CODES[report.verdict])
        self._show(report)
        if report.images:
            self._console.say(f"kept: {', '.join(report.images)}")
        if self._wishes.is_written:
            self._save(report, subject)

    def _request(self, subject: Subject) -> Request:
        if against := self._wishes.against:
            return subject.request_against(against, self._conditions)
        return subject.request(self._conditions)

    def _proven(self, request: Request, subject: Subject, stack: ExitStack) -> Report:
        if request.before == request.after:
            return Report(request.path, Verdict.UNCHANGED, "there is nothing to change, so nothing was built")
        try:
            if self._engine is None:
                self._engine = stack.enter_context(open_engine(self._console.progress))
            return prove(request, self._engine, None if self._wishes.against else subject.upgraded)
        except EngineError as error:
            return Report(request.path, Verdict.UNTESTED, str(error), applied=request.applied)
        finally:
            self._console.progress("")

    def _show(self, report: Report) -> None:
        console = self._console
        match self._wishes.output_format:
            case "text":
                from rewriter.output.verify_text import text

                page = text(
                    report,
                    width=console.data_width,
                    color=console.colors_data,
                    ascii_only=not console.draws,
                    show_allowed=self._wishes.shows_allowed,
                )
                # Several pages stand apart.
                console.data(("\n" if len(self._reports) > 1 else "") + page)
            case "markdown":
                from rewriter.output.verify_markdown import markdown

                console.data(markdown(report))

    def _save(self, report: Report, subject: Subject) -> None:
        """Write what is proven, or what is good of it."""
        result = subject.result
        if report.verdict is not Verdict.PROVEN:
            if not (self._wishes.keeps_good and report.good):
                return
            result = subject.result_of(report.good)
        if problem := save(result):
            self._complain(problem)
        else:
            self._console.say(written(result))

    def _complain(self, problem: Problem) -> None:
        self._console.say(complaint(problem, is_error=True, color=self._console.colors_talk))
        self._worsen(FAILED)

    def _worsen(self, code: int) -> None:
        self._code = max(self._code, code)
