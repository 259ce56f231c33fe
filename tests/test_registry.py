"""Finding fixers, and choosing among them."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rewriter.engine import fix
from rewriter.fixing.fixer import PHASES, Example, Fix, Level, Proposals, Skip, fixer
from rewriter.fixing.registry import UnknownFixerError, in_order, load_fixers, may_run, select
from rewriter.model.stages import Stage
from rewriter.model.state import State
from rewriter.syntax.tree import Dockerfile, Env, Label, Run
from tests.throwaway import replacing, small_fixer

MODULE = '''
from rewriter.fixing.fixer import Example, Fix, Level, fixer
from rewriter.syntax.tree import User


@fixer(code="{code}", name="{name}", level=Level.SAFE, phase="spelling", example=Example("", ""))
def {function}(user: User):
    """Name the user."""
    if user.arguments == "a":
        yield Fix(user, "done", [])
'''


# Registration


@fixer(
    code="DF900",
    name="some-pattern",
    level=Level.GUARDED,
    phase="cache",
    replaces=["DL1"],
    changes=["user"],
    example=Example("FROM a\n", "FROM b\n"),
)
def act(_instruction: Env | Label, _dockerfile: Dockerfile) -> Iterator[Fix | Skip]:
    """Do one thing
    well. And another.

    In detail.
    """
    yield from ()


def test_a_fixer_says_what_a_user_wants_to_know() -> None:
    assert (act.code, act.name, act.level, act.phase) == ("DF900", "some-pattern", Level.GUARDED, "cache")
    assert act.replaces == ("DL1",)
    assert act.changes == frozenset({"user"})
    assert act.kinds == (Env, Label)
    assert act.asks == (Dockerfile,)
    assert act.summary == "Do one thing well. And another."
    assert act.documentation.endswith("In detail.")


def test_a_phase_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match=f"DF901: no phase 'later', use one of {PHASES[0]}"):
        small_fixer(phase="later")


def test_a_function_without_types_is_an_error() -> None:
    def untyped(_run):  # type: ignore[no-untyped-def]  # what is tested
        yield from ()

    with pytest.raises(TypeError, match="untyped: the first parameter needs a type"):
        small_fixer()(untyped)


def test_two_fixers_of_one_code_or_name_are_an_error() -> None:
    one = replacing("a", "b", "DF901")
    with pytest.raises(ValueError, match="two fixers are called DF901"):
        in_order([one, replacing("c", "d", "DF901")])
    with pytest.raises(ValueError, match="two fixers are called name-of-df901"):
        in_order([one, replacing("c", "d", "DF902")._replace(name=one.name)])


def test_the_same_fixer_found_twice_is_one() -> None:
    one = replacing("a", "b")
    assert in_order([one, one]) == (one,)


def test_fixers_come_by_code() -> None:
    fixers = [replacing("a", "b", code) for code in ("DF903", "DF901", "DF902")]
    assert [it.code for it in in_order(fixers)] == ["DF901", "DF902", "DF903"]


def test_our_own_fixers_are_found() -> None:
    fixers = load_fixers()
    assert in_order(fixers) == fixers
    assert "instruction-casing" in {it.name for it in fixers}
    assert all(it.summary for it in fixers)


# Selection

ONE = replacing("a", "b", "DF910", replaces=["DL1", "Rule"])
TWO = replacing("a", "b", "DF920", replaces=["DL1"])._replace(level=Level.GUARDED)
THREE = replacing("a", "b", "DF921")._replace(level=Level.OPT_IN)
ALL = (ONE, TWO, THREE)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["DF910"], (ONE,)),
        (["DF92"], (TWO, THREE)),
        (["df921", "DF910"], (ONE, THREE)),
        (["name-of-df920"], (TWO,)),
        (["DL1"], (ONE, TWO)),
        (["Rule", "DF910"], (ONE,)),
        (["DF"], ALL),
    ],
)
def test_what_is_named_is_chosen_whatever_its_level(words: list[str], expected: tuple[object, ...]) -> None:
    assert select(ALL, select=words, level=Level.SAFE) == expected


@pytest.mark.parametrize("word", ["DF99", "name-of", "dl1", "DL", "nothing", "Df910x"])
def test_a_word_that_means_no_fixer_is_an_error(word: str) -> None:
    with pytest.raises(UnknownFixerError, match=word):
        select(ALL, select=[word])
    with pytest.raises(UnknownFixerError, match=word):
        select(ALL, ignore=[word])


def test_nothing_means_no_fixer() -> None:
    with pytest.raises(UnknownFixerError):
        select(ALL, select=[""])


def test_levels() -> None:
    assert select(ALL, level=Level.SAFE) == (ONE,)
    assert select(ALL) == (ONE, TWO)
    assert select(ALL, level=Level.OPT_IN) == ALL
    assert select(ALL, level=Level.OPT_IN, ignore=["DF92"]) == (ONE,)
    assert select(ALL, select=["DF9"], ignore=["DL1"]) == (THREE,)


def test_what_is_added_runs_besides_whatever_its_level() -> None:
    assert select(ALL, extend=["DF921"], level=Level.SAFE) == (ONE, THREE)
    assert select(ALL, select=["DF920"], extend=["DF921"]) == (TWO, THREE)
    assert select(ALL, extend=["DF92"], ignore=["DF921"], level=Level.SAFE) == (ONE, TWO)
    with pytest.raises(UnknownFixerError, match="DF99"):
        select(ALL, extend=["DF99"])


def test_levels_are_in_order() -> None:
    assert [may_run(level, Level.GUARDED) for level in Level] == [True, True, False]


# Fixers of other distributions


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path of modules, as pip would fill it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(site: Path, name: str, entries: str, **modules: str) -> None:
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entries)
    for module, source in modules.items():
        (site / f"{module}.py").write_text(source)
    importlib.invalidate_caches()


def module(code: str, name: str = "", function: str = "act") -> str:
    return MODULE.format(code=code, name=name or f"third-party-{code.lower()}", function=function)


def forget(*names: str) -> None:
    for name in names:
        sys.modules.pop(name, None)


def test_an_entry_point_names_a_module_or_a_fixer(site: Path) -> None:
    entries = "[console_scripts]\nx = y:z\n\n[dfix.fixers]\nall = acme_rules\none = acme_more:act\n"
    two = module("X101", function="one") + module("X102", function="two")
    install(site, "acme", entries, acme_rules=two, acme_more=module("X103") + module("X104", function="other"))
    try:
        found = [it for it in load_fixers() if it.code.startswith("X")]
        assert [it.code for it in found] == ["X101", "X102", "X103"]
        assert [it.code for it in select(load_fixers(), select=["X10"])] == ["X101", "X102", "X103"]
    finally:
        forget("acme_rules", "acme_more")


def test_a_fixer_offered_by_module_and_by_name_is_one(site: Path) -> None:
    install(site, "acme", "[dfix.fixers]\na = acme_twice\nb = acme_twice:act\n", acme_twice=module("X101"))
    try:
        assert [it.code for it in load_fixers() if it.code == "X101"] == ["X101"]
    finally:
        forget("acme_twice")


def test_a_third_party_fixer_runs_like_any_other(site: Path) -> None:
    source = "from rewriter.fixing.edits import replace_arguments\n" + module("X101")
    source = source.replace("[])", '[replace_arguments(user, "b")])')
    install(site, "acme", "[dfix.fixers]\na = acme_runs\n", acme_runs=source)
    try:
        outcome = fix("FROM x\nUSER a\n# dfix: ignore[X101]\nUSER a\n", select(load_fixers(), select=["X101"]))
        assert outcome.after == "FROM x\nUSER b\n# dfix: ignore[X101]\nUSER a\n"
    finally:
        forget("acme_runs")


def test_a_code_that_is_taken_is_an_error(site: Path) -> None:
    install(site, "acme", "[dfix.fixers]\na = acme_taken\n", acme_taken=module("DF601"))
    try:
        with pytest.raises(ValueError, match="two fixers are called DF601"):
            load_fixers()
    finally:
        forget("acme_taken")


def test_an_entry_point_that_cannot_be_loaded_is_named(site: Path) -> None:
    install(site, "acme", "[dfix.fixers]\nbroken = acme_missing_module\n")
    with pytest.raises(ValueError, match="acme offers `broken = acme_missing_module`: No module"):
        load_fixers()


def test_without_third_parties_no_metadata_is_read(site: Path) -> None:
    """It costs more than all the rest of the start-up."""
    install(site, "other", "[console_scripts]\nx = dfix.fixers:y\n")
    (site / "odd-1.0.dist-info").mkdir()
    (site / "binary-1.0.dist-info").mkdir()
    (site / "binary-1.0.dist-info" / "entry_points.txt").write_bytes(b"\xff\xfe")
    script = (
        "import sys; sys.path[:0] = sys.argv[1:]; from rewriter.fixing.registry import load_fixers; load_fixers();"
        "sys.exit('importlib.metadata' in sys.modules)"
    )
    folders = [str(site), "/nowhere", str(Path(__file__).parent.parent)]
    done = subprocess.run([sys.executable, "-S", "-c", script, *folders], check=False)
    assert done.returncode == 0


def no_fact(_run: Run, _number: int) -> Iterator[Fix | Skip]:
    yield from ()


def several_facts(_run: Run, _fact: Stage | State) -> Iterator[Fix | Skip]:
    yield from ()


def no_place(_dockerfile: Dockerfile, _state: State) -> Iterator[Fix | Skip]:
    yield from ()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (no_fact, "no_fact: there is no fact of type int"),
        (several_facts, "several_facts: a fact has one type"),
        (no_place, "no_place: State is a fact about an instruction, not about the whole file"),
    ],
)
def test_facts_that_cannot_be_answered_are_an_error_at_registration(
    function: Callable[..., Proposals], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        small_fixer()(function)
