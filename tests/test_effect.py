"""The table of what single fixers bring: its form; its numbers are measured by `make effect`."""

from __future__ import annotations

import re

from rewriter.verify.report import Cost
from scripts.effect import (
    COLUMNS,
    PLACE,
    README,
    UPGRADE_COLUMNS,
    UPGRADE_PLACE,
    UPGRADES,
    VARIANTS,
    Upgraded,
    render,
    render_upgrades,
)


def test_the_table_gives_ratios_to_the_first_row() -> None:
    first = Cost(1000, 5, 10, 20.0, 8.0, None)
    costs = [first, *(Cost(500, 5, 10, 10.0, 2.0, 1.0) for _ in VARIANTS[1:])]
    lines = render(costs).splitlines()
    assert lines[2] == "| as it is | 1.00 | 1.00 | 1.00 | - |"
    assert lines[3] == "| cache mounts (DF202) | 0.50 | 0.50 | 0.25 | - |"


def test_the_readme_holds_a_whole_table() -> None:
    match = PLACE.search(README.read_text("utf-8"))
    assert match
    head, _, *rows = match[1].strip().splitlines()
    assert [cell.strip() for cell in head.strip("|").split("|")][1:] == list(COLUMNS)
    assert [row.split("|")[1].strip() for row in rows] == [variant.name for variant in VARIANTS]
    assert all(re.fullmatch(r"\d+\.\d\d", cell.strip()) for row in rows for cell in row.strip("|").split("|")[1:])


def test_the_table_of_all_fixers_gives_numbers_and_ratios() -> None:
    first = Upgraded(Cost(880_000_000, 5, 10, 50.0, 40.0, None), 1.5)
    found = [first, *(Upgraded(Cost(110_000_000, 5, 10, 25.0, 2.0, 1.0), 0.75) for _ in UPGRADES[1:])]
    lines = render_upgrades(found).splitlines()
    assert lines[2] == "| before any fix | 880 MB | 50.0 s | 40.0 s | 1.50 s |"
    assert lines[3] == "| dfix | 110 MB (0.12) | 25.0 s (0.50) | 2.0 s (0.05) | 0.75 s (0.50) |"


def test_the_readme_holds_the_table_of_all_fixers() -> None:
    match = UPGRADE_PLACE.search(README.read_text("utf-8"))
    assert match
    head, _, *rows = match[1].strip().splitlines()
    assert [cell.strip() for cell in head.strip("|").split("|")][1:] == list(UPGRADE_COLUMNS)
    assert [row.split("|")[1].strip() for row in rows] == [variant.name for variant in UPGRADES]
