"""Who broke it: of several fixers, the one whose change does not build or behave is found, and the others are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from rewriter.verify.engine.builder import open_engine
from rewriter.verify.proof import prove
from rewriter.verify.report import Allowed, Report, Verdict
from rewriter.verify.request import Conditions, Request, Version

pytestmark = pytest.mark.e2e

LINES: Final = {
    "": 'FROM debian:12-slim\nCOPY . /srv\n{}CMD ["cat", "/srv/greeting"]\n',
    "DF901": "RUN true\n",
    "DF902": "RUN test -e /nowhere\n",
    "DF903": "RUN echo good-bye > /srv/greeting\n",
}
"""What made-up fixers add to a Dockerfile."""


def upgraded(codes: tuple[str, ...]) -> tuple[Version, Allowed]:
    return Version(LINES[""].format("".join(LINES[code] for code in codes)), ""), Allowed({})


def report_on(folder: Path, *codes: str) -> Report:
    (folder / "greeting").write_text("hello\n")
    before, after = (upgraded(some)[0] for some in ((), codes))
    conditions = Conditions(patience=10, measures_rebuilds=False)
    request = Request("Dockerfile", folder, before, after, Allowed({}), codes, conditions)
    with open_engine() as engine:
        return prove(request, engine, upgraded)


@pytest.mark.parametrize(("culprit", "check"), [("DF902", "build"), ("DF903", "files")])
def test_the_fixer_that_breaks_it_is_named_and_the_other_is_good(culprit: str, check: str, tmp_path: Path) -> None:
    report = report_on(tmp_path, "DF901", culprit)
    assert report.verdict is Verdict.DIFFERENT
    assert report.message.startswith(check)
    assert (report.culprits, report.good) == ((culprit,), ("DF901",))


def test_the_failing_step_is_shown_with_its_line(tmp_path: Path) -> None:
    step = report_on(tmp_path, "DF901", "DF902").failed_step
    assert step is not None
    assert (step.line, step.name) == (4, "RUN test -e /nowhere")
