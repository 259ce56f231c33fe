"""The search for the fixers that break a proof."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewriter.verify.bisect import Codes, find_culprits

NAMES = ("DF101", "DF201", "DF202", "DF301", "DF401", "DF402", "DF601", "DF603")


@pytest.mark.parametrize(
    ("conflicts", "culprits"),
    [
        (["DF301"], {"DF301"}),
        (["DF201 DF301"], {"DF201", "DF301"}),
        (["DF101", "DF603"], {"DF101", "DF603"}),
        (["DF101 DF603", "DF402"], {"DF101", "DF402", "DF603"}),
        (["DF101 DF202 DF603"], {"DF101", "DF202", "DF603"}),
    ],
)
def test_the_culprits_are_found_and_the_rest_holds(conflicts: list[str], culprits: set[str]) -> None:
    asked: list[Codes] = []

    def holds(codes: Codes) -> bool:
        asked.append(codes)
        return not any(set(conflict.split()) <= set(codes) for conflict in conflicts)

    blame = find_culprits(NAMES, holds)
    assert set(blame.culprits) == culprits
    assert blame.good == tuple(name for name in NAMES if name not in culprits)
    assert len(asked) <= 30


def test_one_culprit_of_eight_takes_few_builds() -> None:
    asked: list[Codes] = []

    def holds(codes: Codes) -> bool:
        asked.append(codes)
        return "DF401" not in codes

    assert find_culprits(NAMES, holds).culprits == ("DF401",)
    assert len(asked) <= 7


@given(st.lists(st.sets(st.sampled_from(NAMES), min_size=1), min_size=1, max_size=4))
def test_what_is_called_good_holds(conflicts: list[set[str]]) -> None:
    def holds(codes: Codes) -> bool:
        return not any(conflict <= set(codes) for conflict in conflicts)

    blame = find_culprits(NAMES, holds)
    assert holds(blame.good)
    assert set(blame.good) | set(blame.culprits) == set(NAMES)
    assert not set(blame.good) & set(blame.culprits)
