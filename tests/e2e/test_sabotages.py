"""Rewrites that break something: each is caught by the check whose matter it is, and what broke is named."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from rewriter.verify.bisect import Codes
from rewriter.verify.engine.builder import Engine, open_engine
from rewriter.verify.proof import prove
from rewriter.verify.report import Allowed, Report, Status, Verdict
from rewriter.verify.request import Conditions, Request, Version

pytestmark = pytest.mark.e2e

FOLDER: Final = Path(__file__).parent / "sabotages"
CONTEXT: Final = FOLDER / "kiosk"
CODE: Final = "DF000"


class Sabotage(NamedTuple):
    """A rewrite; cases.toml says what its parts mean."""

    name: str
    dockerfile: str
    caught: Sequence[str]
    allows: Sequence[str] = ()
    target: str = ""

    def version(self, sign: str) -> Version:
        """The Dockerfile of the lines in both and of those behind a sign."""
        lines = self.dockerfile.strip("\n").split("\n")
        return Version("".join(f"{line[2:]}\n" for line in lines if line[0] in (" ", sign)), "")

    def request(self) -> Request:
        """The comparison of both Dockerfiles."""
        conditions = Conditions(target=self.target, patience=15, measures_rebuilds=False)
        allowed = Allowed(dict.fromkeys(self.allows, (CODE,)))
        return Request("Dockerfile", CONTEXT, self.version("-"), self.version("+"), allowed, (), conditions)


CASES: Final = [Sabotage(**case) for case in tomllib.loads((FOLDER / "cases.toml").read_text("utf-8"))["case"]]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine() as opened:
        yield opened


def caught(report: Report) -> list[str]:
    """The checks that failed, each with what it names."""
    failed = [check for check in report.checks if check.status is Status.FAILED]
    return sorted({f"{check.name}: {it.subject}" for check in failed for it in check.failures})


@pytest.mark.parametrize("sabotage", CASES, ids=lambda it: it.name.replace(" ", "-"))
def test_a_rewrite_is_caught_by_the_right_check(sabotage: Sabotage, engine: Engine) -> None:
    report = prove(sabotage.request(), engine)
    if sabotage.caught and sabotage.caught[0].startswith("build: "):
        (check,) = report.checks
        assert (check.name, check.status) == ("build", Status.FAILED)
        assert sabotage.caught[0].removeprefix("build: ") in check.summary
    else:
        assert caught(report) == sorted(sabotage.caught), report
    assert report.verdict is (Verdict.DIFFERENT if sabotage.caught else Verdict.PROVEN)


JOB: Final = "FROM debian:12-slim\nWORKDIR /kiosk\nENV TZ Europe/Vienna\nADD . .\nCMD sh stocktake.sh\n"
SPELLINGS: Final = {"DF001": ("ENV TZ ", "ENV TZ="), "DF003": ("ADD", "COPY"), "DF004": ("FROM", "from")}


@pytest.mark.parametrize(
    ("bad", "caught_by"),
    [
        (("ADD . .", "ADD stocktake.sh ."), "files"),
        (("CMD sh", "RUN sh -n stock-take.sh\nCMD sh"), "build"),
        (("CMD sh ", "CMD sh -e "), "configuration"),
    ],
    ids=["files", "build", "configuration"],
)
def test_the_fixer_that_broke_it_is_found(bad: tuple[str, str], caught_by: str, engine: Engine) -> None:
    rewrites = {**SPELLINGS, "DF002": bad}
    codes = tuple(sorted(rewrites))

    def upgrade(codes: Codes) -> tuple[Version, Allowed]:
        text = JOB
        for code in sorted(codes):
            text = text.replace(*rewrites[code])
        return Version(text, ""), Allowed({})

    conditions = Conditions(measures_rebuilds=False)
    before, after = Version(JOB, ""), upgrade(codes)[0]
    report = prove(Request("Dockerfile", CONTEXT, before, after, Allowed({}), codes, conditions), engine, upgrade)
    assert [check.name for check in report.checks if check.status is Status.FAILED][:1] == [caught_by]
    assert (report.culprits, report.good) == (("DF002",), ("DF001", "DF003", "DF004"))
