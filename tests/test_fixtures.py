"""Every fixture: the result, the laws, and the same for free variants of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rewriter import parse
from rewriter.fixing.registry import load_fixers
from rewriter.syntax.text import encode
from tests import laws, variants
from tests.cases import Case, load_cases, report

CASES = load_cases()
FIXERS = load_fixers()

case_parameter = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


@case_parameter
def test_result_and_report(case: Case, update_fixtures: bool) -> None:
    outcome = case.run(case.before)
    if update_fixtures:
        _write(case, outcome.after, report(outcome))
    assert encode(outcome.after) == encode(case.after)
    assert report(outcome) == case.expected


@case_parameter
def test_case_is_named_after_what_it_shows(case: Case) -> None:
    assert (case.before == case.after) == case.folder.name.startswith("skip-")


@case_parameter
def test_laws_hold_alone_and_with_all_fixers(case: Case) -> None:
    laws.check(case.before, case.run)
    laws.check(case.before, lambda text: case.run(text, FIXERS))


@case_parameter
def test_order_of_registration_means_nothing(case: Case) -> None:
    assert case.run(case.before, FIXERS).after == case.run(case.before, tuple(reversed(FIXERS))).after


@case_parameter
@pytest.mark.parametrize("variant", variants.DERIVED, ids=lambda variant: variant.__name__)
def test_variant_has_the_derived_result(case: Case, variant: variants.Variant) -> None:
    before, expected = variant(case.before), variant(case.after)
    if before is None or expected is None:
        return  # the variant does not apply to this text: it is no test of it
    outcome = laws.check(before, lambda text: case.run(text))
    assert encode(outcome.after) == encode(expected)


@case_parameter
@pytest.mark.parametrize("variant", variants.LAWFUL, ids=lambda variant: variant.__name__)
def test_laws_hold_for_variant(case: Case, variant: variants.Variant) -> None:
    text = variant(case.before)
    if text is not None and not parse(text).problem:
        laws.check(text, lambda it: case.run(it))
        laws.check(text, lambda it: case.run(it, FIXERS))


@pytest.mark.parametrize("fixer", FIXERS, ids=lambda fixer: fixer.name)
def test_every_fixer_has_fixtures_that_fire_and_an_example_that_holds(fixer: object) -> None:
    from rewriter import engine
    from rewriter.fixing.fixer import Fixer

    assert isinstance(fixer, Fixer)
    example = fixer.example
    assert (
        engine.fix(example.before, [fixer], context=lambda _: example.context, settings=example.settings).after
        == example.after
    )
    own = [case for case in CASES if case.folder.parent.name == fixer.name]
    assert any(case.before != case.after for case in own), f"no fixture shows {fixer.name} at work"
    laws.check(fixer.example.before, lambda text: engine.fix(text, FIXERS))


def _write(case: Case, after: str, expected: str) -> None:
    path: Path = case.folder / "after.Dockerfile"
    if after == case.before:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(encode(after))
    (case.folder / "expected.txt").write_text(expected, encoding="utf-8")


def test_no_stray_folder_among_the_fixtures() -> None:
    names = {fixer.name for fixer in FIXERS} | {"engine"}
    folders = {path.parent.parent.name for path in Path(__file__).parent.glob("fixtures/*/*/before.Dockerfile")}
    assert folders <= names, folders - names
    assert all(map(shutil.which, ("bash", "dash"))), "install bash and dash: they judge the shell commands"
