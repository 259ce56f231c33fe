"""The laws at run time: whatever a fixer does, a file that would come out damaged stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest

from rewriter import parse
from rewriter.engine import Outcome, fix
from rewriter.fixing.edits import remove, remove_instruction, replace
from rewriter.fixing.fixer import Fix, Skip
from rewriter.laws import Laws, lost_comments
from rewriter.syntax.text import Edit
from rewriter.syntax.tree import Cmd, Dockerfile, Run
from tests.throwaway import acting_on, fixed, replacing, small_fixer


def refused(text: str, make: Callable[[Dockerfile], Iterable[Edit]]) -> str:
    """The law that edits would break; the file must stay as it was, although another fixer's change was fine."""
    outcome = fix(text, [acting_on(text, make), replacing("fine", "better", "DF902")])
    assert_untouched(outcome, text)
    return outcome.broken_law


def assert_untouched(outcome: Outcome, text: str) -> None:
    assert (outcome.before, outcome.after) == (text, text)
    assert (outcome.regions, outcome.applied, outcome.skips, outcome.companions) == ((), (), (), ())
    assert not outcome.changed


def changing(old: str, new: str) -> Callable[[Dockerfile], list[Edit]]:
    """Edits that replace a piece of text wherever it stands, as no fixer would."""

    def make(dockerfile: Dockerfile) -> list[Edit]:
        start = dockerfile.text.index(old)
        return [Edit(start, start + len(old), new)]

    return make


# Comments


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("FROM x\n# dear\nUSER fine\n", "# dear\n", ""),
        ("FROM x\n# dear\nUSER fine\n", "dear", "deer"),
        ("FROM x\nRUN a \\\n# dear\n  b\nUSER fine\n", "# dear\n", ""),
        ("FROM x\n# dear\n# dear\nUSER fine\n", "# dear\n", ""),
        ("FROM x\nUSER fine\n# dear", "\n# dear", ""),
        ("FROM x\n# dear\nUSER fine\n", "FROM x\n# dear", "FROM x\nRUN <<E\n# dear\nE"),
    ],
)
def test_no_comment_is_lost(text: str, old: str, new: str) -> None:
    assert refused(text, changing(old, new)) == "a comment would be lost: 'dear'"


def test_a_comment_may_move_double_and_change_its_indentation() -> None:
    text = "FROM x\n# dear\nUSER a\n"
    outcome = fixed(text, acting_on(text, changing("# dear\nUSER a\n", "USER a\n  #dear\n#   dear\n")))
    assert outcome.after == "FROM x\nUSER a\n  #dear\n#   dear\n"


@pytest.mark.parametrize("is_declared", [True, False])
def test_the_comments_of_a_dropped_instruction_may_go_when_that_is_declared(is_declared: bool) -> None:
    @small_fixer()
    def drop(cmd: Cmd) -> Iterator[Fix | Skip]:
        if cmd.end < len(cmd.dockerfile.text):
            yield Fix(cmd, "drop", remove_instruction(cmd), drops=[cmd] if is_declared else [])

    text = "FROM x\n\n# of a\nCMD a \\\n# inside\n  b\n\n# of b\nCMD c\n"
    outcome = fix(text, [drop])
    if is_declared:
        assert outcome.after == "FROM x\n\n# of b\nCMD c\n"
    else:
        assert_untouched(outcome, text)
        assert "a comment would be lost" in outcome.broken_law


def test_dropping_one_instruction_allows_no_other_comment_to_go() -> None:
    text = "FROM x\n# ---- heading ----\n# of a\nCMD a\n# of b\nCMD b\n"

    @small_fixer()
    def drop(dockerfile: Dockerfile) -> Iterator[Fix | Skip]:
        if dockerfile.text == text:
            first = dockerfile.instructions[1]
            yield Fix(first, "drop", [Edit(7, first.end, "")], drops=[first])

    outcome = fix(text, [drop])
    assert_untouched(outcome, text)
    assert "heading" in outcome.broken_law


def test_lost_comments_counts() -> None:
    assert lost_comments(parse("# a\n# a\n# b\nFROM x\n"), parse("FROM x\n# a\n# c\n")) == {"a": 1, "b": 1}
    assert lost_comments(parse("# syntax=a/b\nFROM x\n"), parse("FROM x\n")) == {}


# Directives


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("# syntax=a/b\nFROM x\nUSER fine\n", "# syntax=a/b\n", ""),
        ("# syntax=a/b\nFROM x\nUSER fine\n", "# syntax", "\n# syntax"),
        ("# syntax=a/b\nFROM x\nUSER fine\n", "# syntax", "# hello\n# syntax"),
        ("# syntax=a/b\nFROM x\nUSER fine\n", "a/b", "a/c"),
        ("# check=skip=X\n# syntax=y\nFROM x\nUSER fine\n", "# check=skip=X\n# syntax=y", "# syntax=y\n# check=skip=X"),
        ("\n# escape=`\nFROM x\nUSER fine\n", "\n", ""),
        ("FROM x\nUSER fine\n", "FROM", "# escape=`\nFROM"),
    ],
)
def test_parser_directives_stay_first_and_as_they_are(text: str, old: str, new: str) -> None:
    assert refused(text, changing(old, new)) == "the parser directives at the top would change"


# What the builder takes


@pytest.mark.parametrize(
    ("text", "old", "new", "law"),
    [
        ("FROM x\nUSER fine\n", "USER", "USERR", "at 2:1: unknown instruction: USERR"),
        ("FROM x\nUSER fine\nRUN a\n", "USER fine\n", "USER\n", "at 2:1: USER takes exactly one argument"),
        ("FROM x\nUSER fine\n", "FROM x\n", "", "at 1:1: USER before the first FROM"),
        ("FROM x\nUSER fine\n", "FROM x", "FROM x AS 1", "at 1:1: invalid stage name: 1"),
        ("FROM x\nUSER fine\n", "USER", "COPY --chwon=1 a b\nUSER", "at 2:1: unknown flag: --chwon"),
        ("FROM x\nUSER fine\n", "FROM x\nUSER fine\n", "", "at 1:1: no FROM"),
        ("FROM x\nRUN fine\n", "fine", "<<E", "at 2:1: the heredoc <<E never ends"),
        ("\ufeffFROM x\nUSER fine\n", "\ufeffFROM", "ARG a\n\ufeffFROM", "at 2:1: unknown instruction: \ufeffFROM"),
    ],
)
def test_the_builder_must_take_the_result(text: str, old: str, new: str, law: str) -> None:
    broken = refused(text, changing(old, new))
    assert broken.startswith(f"the result would no longer parse, {law}")


# Shell


@pytest.mark.parametrize(
    ("text", "old", "new", "line"),
    [
        ("FROM x\nUSER fine\nRUN a && b\n", "b\n", "\n", 3),
        ("FROM x\nUSER fine\nRUN a\n", "a", "a 'b", 3),
        ("FROM x\nUSER fine\nRUN a\n", "a", "a; fi", 3),
        ("FROM x\nUSER fine\nRUN a \\\n  && b\n", "a ", "", 3),
        ("FROM x\nUSER fine\nONBUILD RUN a && b\n", "b\n", "\n", 3),
        ("FROM x\nUSER fine\nCMD a\n", "a", "a |", 3),
        ("FROM x\nUSER fine\nHEALTHCHECK CMD a\n", "a\n", "a |\n", 3),
        ("FROM x\nUSER fine\nRUN <<E\na && b\nE\n", "b\n", "\n", 3),
        ("FROM x\nUSER fine\nRUN --network=none <<E\na\nE\n", "a\nE", "a '\nE", 3),
    ],
)
def test_a_shell_command_that_could_be_read_still_can(text: str, old: str, new: str, line: int) -> None:
    assert refused(text, changing(old, new)) == f"the shell command in line {line} of the result would no longer parse"


def test_a_command_that_could_not_be_read_before_may_stay_so() -> None:
    text = "FROM x\nRUN a ) b\nRUN c ) d\n"
    assert fixed(text, acting_on(text, changing("a ) b", "A ) b"))).after == text.replace("a ) b", "A ) b")
    outcome = fix(text, [acting_on(text, changing("RUN c ) d", "RUN e ) f\nRUN g ) h"))])
    assert_untouched(outcome, text)


def test_a_script_of_another_program_is_none_of_ours() -> None:
    text = "FROM x\nRUN python <<E\na = 1\nE\n"
    assert fixed(text, acting_on(text, changing("a = 1", "print('(')"))).changed


# What needs no law


def test_a_result_that_is_the_original_breaks_nothing() -> None:
    dockerfile = parse("FROM x\n# a\nRUN b\n")
    assert Laws(dockerfile).broken(parse(dockerfile.text)) == ""
    assert Laws(dockerfile).broken(parse("FROM x\n# a\nRUN c\n")) == ""


def test_an_earlier_phase_may_break_what_a_later_one_mends() -> None:
    """The laws hold for results, not for what lies between."""

    @small_fixer("DF901", phase="stages")
    def break_it(run: Run) -> Iterator[Fix | Skip]:
        if run.arguments == "a":
            yield Fix(run, "break", [remove(comment) for comment in run.comments] + [Edit(*run.arguments_span, "b")])

    @small_fixer("DF902")
    def mend(run: Run) -> Iterator[Fix | Skip]:
        if run.arguments == "b":
            yield Fix(run, "mend", [replace(run, "# dear\nRUN c\n")])

    outcome = fixed("FROM x\nRUN \\\n# dear\n  a\n", break_it, mend)
    assert outcome.after == "FROM x\n# dear\nRUN c\n"
