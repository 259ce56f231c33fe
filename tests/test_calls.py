"""The package-manager calls of a RUN."""

from __future__ import annotations

import sys
from types import FrameType

import pytest

from rewriter.model.managers.run_calls import apt_calls, calls, is_fed
from rewriter.syntax.parser import parse
from rewriter.syntax.tree import Run


def run_of(command: str) -> Run:
    run = parse(f"FROM a\nRUN {command}\n").instructions[1]
    assert isinstance(run, Run)
    return run


def steps(run: Run) -> int:
    """How many functions are entered to ask for every call whether it is fed."""
    found = list(calls(run))
    entered = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal entered
        entered += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        for call in found:
            is_fed(run, call)
    finally:
        sys.setprofile(before)
    return entered


@pytest.mark.parametrize(
    ("command", "fed"),
    [
        ("apt-get install a", [False]),
        ("yes | apt-get install a", [True]),
        ("! yes | apt-get install a && apt-get install b", [True, False]),
        ("! apt-get install a | tee log", [False]),
        ("apt-get install a | apt-get install b | apt-get install c", [False, True, True]),
        ("apt-get install a <answers", [True]),
        ("apt-get install a >log 2>&1", [False]),
        ("(echo y; echo n) | apt-get install a; apt-get install b", [True, False]),
        ("if a; then b; fi; apt-get install a", [False]),
        ("<<EOF\nyes | apt-get install a\napt-get install b\nEOF", [True, False]),
    ],
)
def test_what_is_fed(command: str, fed: list[bool]) -> None:
    run = run_of(command)
    assert [is_fed(run, call) for call in calls(run)] == fed


def test_apt_calls_have_a_subcommand() -> None:
    assert [call.action for call in apt_calls(run_of("apt update && apt-get -v && yum install x"))] == ["update"]


def test_asking_whether_calls_are_fed_costs_the_same_for_each() -> None:
    few, many = (steps(run_of(" && \\\n".join(["apt-get install a"] * count))) for count in (250, 1_000))
    assert many < 6 * few
