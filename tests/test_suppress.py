"""Ignore comments: every form, every scope."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rewriter import parse
from rewriter.engine import Outcome
from rewriter.fixing import suppress
from rewriter.fixing.edits import insert_instruction_after, insert_instruction_before
from rewriter.fixing.fixer import Fix, Fixer, Skip
from rewriter.fixing.suppress import Suppressions, forbids_below, read_comment
from rewriter.model.stages import Stage
from rewriter.syntax.text import Edit
from rewriter.syntax.tree import Dockerfile, Run
from tests.throwaway import fixed, replacing, small_fixer

RULES = ("DL3009", "JSONArgsRecommended", "AVD-DS-0002")
A_TO_B = replacing("a", "b", replaces=RULES)


def comment_in(text: str) -> tuple[tuple[str, ...], bool]:
    return read_comment(next(parse(text).comments))


def ignored_lines(outcome: Outcome) -> list[int]:
    return [it.line for it in outcome.skips if it.suppressed]


# Forms


@pytest.mark.parametrize(
    ("comment", "rules", "whole_file"),
    [
        ("# dfix: ignore", ("*",), False),
        ("#dfix:ignore", ("*",), False),
        ("# DFIX: Ignore because I say so", ("*",), False),
        ("# dfix: ignore[DF901]", ("DF901",), False),
        ("# dfix: ignore[DF901, some-name,DL3009] both are wrong here", ("DF901", "some-name", "DL3009"), False),
        ("# dfix: ignore [DF901]", ("DF901",), False),
        ("# dfix: ignore[DF9]", ("DF9",), False),
        ("# dfix: ignore[*]", ("*",), False),
        ("# dfix: ignore[]", (), False),
        ("# dfix: ignore-file", ("*",), True),
        ("# dfix: ignore-file[DF901] reason", ("DF901",), True),
        ("# dfix: ignored", (), False),
        ("# dfix: ignore-files", (), False),
        ("# see dfix: ignore", (), False),
        ("# hadolint ignore=DL3009", ("DL3009",), False),
        ("# hadolint ignore=DL3009,DL4006 , SC2046", ("DL3009", "DL4006", "SC2046"), False),
        ("#hadolint ignore = DL3009", ("DL3009",), False),
        ("# hadolint ignore=DL3009 # the lists are wanted", ("DL3009",), False),
        ("# hadolint ignore=DL3009 the lists are wanted", ("DL3009",), False),
        ("# hadolint global ignore=DL3009,DL3008", ("DL3009", "DL3008"), True),
        ("# hadolint shell=powershell", (), False),
        ("# hadolint ignores DL3009", (), False),
        ("# tally ignore=buildkit/StageNameCasing;reason=it is a brand", ("StageNameCasing",), False),
        ("# tally global ignore=hadolint/DL3009, tally/x-y", ("DL3009", "x-y"), True),
        ("# tally ignore=all", ("*",), False),
        ("#trivy:ignore:AVD-DS-0002", ("AVD-DS-0002",), False),
        ("# trivy:ignore:DS002 trivy:ignore:AVD-DS-0001:exp:2030-01-01", ("DS002", "AVD-DS-0001"), False),
        ("# check=skip=JSONArgsRecommended", ("JSONArgsRecommended",), True),
        ("# check=error=true; skip = A, B", ("A", "B"), True),
        ("# check=skip=all", ("*",), True),
        ("# check=error=true", (), False),
        ("# nothing to ignore or skip", (), False),
    ],
)
def test_forms(comment: str, rules: tuple[str, ...], whole_file: bool) -> None:
    assert comment_in(f"{comment}\nFROM x\n") == (rules, whole_file and bool(rules))
    below = next(parse(f"{comment}\nFROM x\n").comments)
    assert forbids_below(below) is (bool(rules) and not whole_file)


def test_a_check_comment_that_is_no_directive_means_nothing() -> None:
    assert comment_in("FROM x\n# check=skip=all\n") == ((), False)


# Scopes

TEXT = "FROM x AS one\nUSER a\n{}USER a\nUSER a\n\nFROM y\nUSER a\n"


@pytest.mark.parametrize(
    "comment",
    [
        "# dfix: ignore",
        "# dfix: ignore[DF901] reason",
        "# dfix: ignore[DF9]",
        "# dfix: ignore[df90]",
        "# dfix: ignore[name-of-df901]",
        "# dfix: ignore[DF101,DL3009]",
        "# hadolint ignore=DL3009",
        "# tally ignore=hadolint/DL3009;reason=x",
        "# trivy:ignore:AVD-DS-0002",
    ],
)
def test_directly_above_only_the_instruction_below_is_left_alone(comment: str) -> None:
    for block in (f"{comment}\n", f"{comment}\n# more\n", f"# more\n  {comment}\n"):
        text = TEXT.format(block)
        outcome = fixed(text, A_TO_B)
        assert outcome.after == f"FROM x AS one\nUSER b\n{block}USER a\nUSER b\n\nFROM y\nUSER b\n"
        (skip,) = outcome.skips
        line = 3 + block.split("\n").index(next(it for it in block.split("\n") if "ignore" in it))
        assert (skip.reason, skip.suppressed) == (f"ignored by the comment in line {line}", True)


@pytest.mark.parametrize(
    "block", ["# dfix: ignore[DF902]\n", "# hadolint ignore=DL3000\n", "# dfix: ignore\n\n", "# no\n"]
)
def test_other_rules_and_a_blank_line_between_forbid_nothing(block: str) -> None:
    outcome = fixed(TEXT.format(block), A_TO_B)
    assert "USER a" not in outcome.after
    assert outcome.skips == ()


def test_a_comment_inside_the_continuation_holds_for_its_instruction() -> None:
    text = "FROM x\nRUN a \\\n  # dfix: ignore[DF901]\n  c\nRUN a\n"
    outcome = fixed(text, A_TO_B)
    assert outcome.after == text.replace("RUN a\n", "RUN b\n")
    assert ignored_lines(outcome) == [2]


@pytest.mark.parametrize("index", [0, 1])
def test_above_from_it_holds_for_the_stage(index: int) -> None:
    comment = "# hadolint ignore=DL3009\n"
    stages = ["FROM x AS one\nUSER a\nRUN a\n\n", "FROM one\nUSER a\nRUN a\n"]
    text = "# the file\n\n" + "".join((comment if number == index else "") + it for number, it in enumerate(stages))
    outcome = fixed(text, A_TO_B)
    kept = stages[index]
    assert outcome.after == text.replace(" a\n", " b\n").replace(kept.replace(" a\n", " b\n"), kept)
    first = text[: text.index(kept)].count("\n") + 2
    assert ignored_lines(outcome) == [first, first + 1]


def test_inside_the_continuation_of_from_it_holds_for_the_stage() -> None:
    text = "FROM x \\\n# dfix: ignore\n  AS one\nUSER a\nFROM y\nUSER a\n"
    assert fixed(text, A_TO_B).after == text[:-2] + "b\n"


@pytest.mark.parametrize(
    "text",
    [
        "FROM x\nUSER a\nFROM y\nUSER a\n# dfix: ignore-file\n",
        "# dfix: ignore-file[DF901]\nFROM x\nUSER a\n",
        "FROM x\nUSER a\nRUN c \\\n# hadolint global ignore=DL3009\n  c\nUSER a\n",
        "# check=skip=JSONArgsRecommended\nFROM x\nUSER a\n",
        "FROM x\n# tally global ignore=buildkit/JSONArgsRecommended;reason=x\n\nUSER a\n",
    ],
)
def test_file_wide_comments_hold_everywhere(text: str) -> None:
    outcome = fixed(text, A_TO_B)
    assert outcome.after == text
    assert len(ignored_lines(outcome)) == text.count("USER a")


def test_a_comment_in_a_heredoc_is_none_of_ours() -> None:
    text = "FROM x\nRUN <<E\n# dfix: ignore-file\nE\nUSER a\n"
    assert fixed(text, A_TO_B).after == text[:-2] + "b\n"


def test_above_an_argument_before_the_first_stage() -> None:
    text = "# the file\n\n# dfix: ignore\nARG a\nARG a\nFROM x\nUSER a\n"
    assert fixed(text, A_TO_B).after == "# the file\n\n# dfix: ignore\nARG a\nARG b\nFROM x\nUSER b\n"


def test_a_comment_below_the_last_instruction_forbids_nothing() -> None:
    assert fixed("FROM x\nUSER a\n# dfix: ignore\n", A_TO_B).after == "FROM x\nUSER b\n# dfix: ignore\n"


# Fixes that reach further than their anchor


def touching(make: str) -> Fixer:
    """A fixer anchored at FROM that edits the last RUN of the stage."""

    @small_fixer("DF902")
    def touch(stage: Stage) -> Iterator[Fix | Skip]:
        last = stage.instructions[-1]
        if not isinstance(last, Run) or "DONE" in stage.dockerfile.text:
            return
        edits = {
            "change": [Edit(*last.arguments_span, "DONE")],
            "remove": [Edit(last.start, last.end, "ENV DONE=1\n")],
            "swallow": [Edit(stage.from_.end, last.end, "ENV DONE=1\n")],
            "above": [insert_instruction_before(last, "ENV DONE=1")],
            "below": [insert_instruction_after(last, "ENV DONE=1")],
        }
        yield Fix(stage.from_, "touch", edits[make])

    return touch


@pytest.mark.parametrize("make", ["change", "remove", "swallow"])
@pytest.mark.parametrize("text", ["FROM x\n# dfix: ignore\nRUN c\n", "FROM x\nRUN c \\\n# dfix: ignore\n  c\n"])
def test_a_fix_that_merely_touches_the_instruction_is_forbidden(make: str, text: str) -> None:
    outcome = fixed(text, touching(make))
    assert outcome.after == text
    (skip,) = outcome.skips
    assert (skip.line, skip.suppressed) == (1, True)
    assert "DONE" in fixed("FROM x\nRUN c\n", touching(make)).after


@pytest.mark.parametrize("make", ["above", "below"])
def test_a_line_next_to_the_instruction_does_not_touch_it(make: str) -> None:
    outcome = fixed("FROM x\n# dfix: ignore\nRUN c\n", touching(make))
    assert "DONE" in outcome.after
    assert "# dfix: ignore\nRUN c\n" in outcome.after, "the comment stays with what it is about"


def test_a_fix_that_reaches_into_an_ignored_stage_is_forbidden() -> None:
    @small_fixer()
    def both(dockerfile: Dockerfile) -> Iterator[Fix | Skip]:
        users = [it for it in dockerfile.instructions if it.arguments == "a"]
        if users:
            yield Fix(users[-1], "both", [Edit(*it.arguments_span, "b") for it in users])

    text = "# dfix: ignore\nFROM x\nUSER a\nFROM y\nUSER a\n"
    assert fixed(text, both).after == text


def test_each_comment_costs_as_much_as_it_covers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: how many suppressions are asked about in a file that is full of them."""
    asked = 0
    covers = suppress.Suppression.covers

    def counting(self: suppress.Suppression, fixer: Fixer) -> bool:
        nonlocal asked
        asked += 1
        return covers(self, fixer)

    monkeypatch.setattr(suppress.Suppression, "covers", counting)
    count = 500
    text = "FROM x\n" + "# dfix: ignore[DF1]\nUSER a\n# dfix: ignore[DF901]\nUSER a\n" * count
    outcome = fixed(text, A_TO_B)
    assert outcome.after.count("USER b") == count
    assert asked < 20 * count


def test_a_file_without_the_words_is_not_searched() -> None:
    dockerfile = parse("FROM x\n# nothing\nUSER a\n")
    assert Suppressions(dockerfile).find(A_TO_B, Fix(dockerfile.instructions[1], "", [])) is None
