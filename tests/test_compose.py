"""Structural work: what moves takes its comments along, and nothing is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewriter import parse
from rewriter.fixing.compose import (
    Fragment,
    ProvenanceError,
    detach,
    duplicate,
    insert_stage,
    join_runs,
    move,
    replace_stage,
    write,
)
from rewriter.fixing.edits import remove_instruction
from rewriter.fixing.fixer import Fix, Skip
from rewriter.model.stages import Stage, StageGraph
from rewriter.syntax.text import Pieces
from rewriter.syntax.tree import Run, User
from tests.throwaway import applied, fixed, replacing, small_fixer

LONG = "a" * 60


def moved(text: str, index: int, above: int) -> str:
    instructions = parse(text).instructions
    return applied(text, move(instructions[index], above=instructions[above]))


def joined(text: str) -> str:
    """The text with its first two RUNs joined."""
    first, second = (it for it in parse(text).instructions if isinstance(it, Run))
    return applied(text, join_runs(first, second))


def graph_of(text: str) -> StageGraph:
    return StageGraph(parse(text))


# Fragments


@pytest.mark.parametrize(
    ("text", "index", "expected"),
    [
        ("FROM x\n# of a\n  RUN a \\\n# in a\n  b\n", 1, "# of a\n  RUN a \\\n# in a\n  b\n"),
        ("FROM x\n# ---- heading ----\nRUN a\n", 1, "RUN a\n"),
        ("# the file\nFROM x\n", 0, "FROM x\n"),
        ("FROM x\r\nRUN a", 1, "RUN a\r\n"),
        ("FROM x", 0, "FROM x\n"),
        ("\ufeffFROM x\n", 0, "FROM x\n"),
        ("FROM x\nRUN <<E\na\nE", 1, "RUN <<E\na\nE\n"),
        ("FROM x\nRUN a \\\n# in a\n", 1, "RUN a\n# in a\n"),
        ("FROM x\nRUN a \\", 1, "RUN a\n"),
    ],
)
def test_detach_gives_whole_lines_that_others_may_follow(text: str, index: int, expected: str) -> None:
    instruction = parse(text).instructions[index]
    assert detach(instruction) == Fragment(expected, instruction)


def test_a_duplicate_leaves_the_comments_with_the_original() -> None:
    instructions = parse("\ufeffARG a\r\n# of b\r\nARG b").instructions
    assert [duplicate(it) for it in instructions] == [Fragment("ARG a\r\n", None), Fragment("ARG b\r\n", None)]


def test_write_ends_a_line_once() -> None:
    assert write("RUN a", newline="\r\n") == Fragment("RUN a\r\n", None)
    assert write("RUN a\r\n", newline="\n") == Fragment("RUN a\r\n", None)


# Moving


@pytest.mark.parametrize(
    ("text", "index", "above", "expected"),
    [
        ("FROM x\nRUN a\n# of b\nRUN b\n", 2, 1, "FROM x\n# of b\nRUN b\nRUN a\n"),
        ("FROM x\n# of a\nRUN a\n\n# of b\nRUN b\n", 2, 1, "FROM x\n# of b\nRUN b\n# of a\nRUN a\n"),
        ("FROM x\n# of a\nRUN a\nRUN b\nRUN c\n", 1, 3, "FROM x\nRUN b\n# of a\nRUN a\nRUN c\n"),
        ("FROM x\nRUN a\n\n# of b\nRUN b\n\nRUN c\n", 1, 3, "FROM x\n\n# of b\nRUN b\n\nRUN a\nRUN c\n"),
        ("FROM x\r\nRUN a\r\nRUN b", 2, 1, "FROM x\r\nRUN b\r\nRUN a"),
        ("FROM x\nRUN a\nRUN b \\", 2, 1, "FROM x\nRUN b\nRUN a"),
        ("FROM x\n# hadolint ignore=DL1\nRUN a\nRUN b\n", 1, 2, "FROM x\n# hadolint ignore=DL1\nRUN a\nRUN b\n"),
        ("FROM x\n# --- 1 ---\nRUN a\n# --- 2 ---\nRUN b\n", 2, 1, "FROM x\n# --- 1 ---\nRUN b\nRUN a\n# --- 2 ---\n"),
    ],
)
def test_move(text: str, index: int, above: int, expected: str) -> None:
    assert moved(text, index, above) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM x\nRUN a\nRUN b\n", "FROM x\nRUN a && b\n"),
        ("FROM x\n# of a\nRUN a\n# of b\nRUN b\n", "FROM x\n# of a\n# of b\nRUN a && b\n"),
        ("FROM x\n# of a\nRUN a\n\n# of b\nRUN b", "FROM x\n\n# of a\n# of b\nRUN a && b"),
        ("FROM x\n\n# of a\nRUN a\n\nRUN b\n", "FROM x\n\n# of a\nRUN a && b\n"),
        ("FROM x\nRUN a \\\n# in a\n  b\nRUN c\n", "FROM x\nRUN a \\\n# in a\n  b \\\n  && c\n"),
        ("FROM x\nRUN --network=n \\\n# in a\n  a\nRUN --network=n b\n", "FROM x\n# in a\nRUN --network=n a && b\n"),
        (f"FROM x\r\nRUN {LONG}\r\nRUN b {LONG}\r\n", f"FROM x\r\nRUN {LONG} \\\r\n    && b {LONG}\r\n"),
        (f"# escape=`\nFROM x\nRUN {LONG}\nRUN b {LONG}\n", f"# escape=`\nFROM x\nRUN {LONG} `\n    && b {LONG}\n"),
    ],
)
def test_join_runs(text: str, expected: str) -> None:
    assert joined(text) == expected
    assert Counter(it.content for it in parse(expected).comments) == Counter(it.content for it in parse(text).comments)


# New stages


def with_stage(text: str, before: int, *lines: str) -> str:
    graph = graph_of(text)
    parts = [write(line, newline="\n") for line in lines]
    return applied(text, insert_stage(graph, parts, before=graph.stages[before]))


def test_a_new_stage_stands_in_front_with_a_blank_line_between() -> None:
    text = "# the file\nARG v\n\n# the base\nFROM x\n"
    assert with_stage(text, 0, "FROM y AS new", "RUN a") == (
        "# the file\nARG v\n\nFROM y AS new\nRUN a\n\n# the base\nFROM x\n"
    )
    assert with_stage("FROM x\r\nFROM z", 1, "FROM y\r\n") == "FROM x\r\nFROM y\r\n\r\nFROM z"
    assert with_stage("\ufeffFROM x", 0, "FROM y") == "\ufeffFROM y\n\nFROM x"


def test_stages_named_by_number_are_renumbered_behind_the_new_one() -> None:
    text = (
        "FROM a\nFROM b AS one\nFROM c\n"
        "COPY --from=0 x y\nCOPY --from=1 x y\nCOPY --from=one x y\nCOPY --chown=1 --from='1' x y\n"
        "ONBUILD COPY --from=1 x y\nRUN --mount=from=1,target=/x a\nCOPY --from=7 x y\nCOPY 1 --from=1 y\n"
    )
    assert with_stage(text, 1, "FROM n") == (
        "FROM a\nFROM n\n\nFROM b AS one\nFROM c\n"
        "COPY --from=0 x y\nCOPY --from=2 x y\nCOPY --from=one x y\nCOPY --chown=1 --from=2 x y\n"
        "ONBUILD COPY --from=2 x y\nRUN --mount=from=1,target=/x a\nCOPY --from=7 x y\nCOPY 1 --from=1 y\n"
    )


def test_references_mean_the_same_stage_after_an_insertion() -> None:
    text = "FROM a\nFROM b\nFROM c\nCOPY --from=0 x y\nCOPY --from=1 x y\n"
    for before in range(3):
        graph = graph_of(with_stage(text, before, "FROM n"))
        named = {it.base: [use.name for use in graph.references(it)] for it in graph.stages}
        assert sorted(str(base) for base, uses in named.items() if uses) == ["a", "b"]


# Rewriting a stage


def rewritten(text: str, order: Sequence[int | str], *, dropped: Sequence[int] = (), number: int = 0) -> str:
    """The text after its stage is written anew: numbers are kept instructions of the stage, texts are new lines."""
    stage = graph_of(text).stages[number]
    olds = [stage.from_, *stage.instructions]
    parts = [detach(olds[it]) if isinstance(it, int) else write(it, newline="\n") for it in order]
    return applied(text, replace_stage(stage, parts, dropped={olds[it]: "because" for it in dropped}))


HEAD = "# the file\n\n# the base\nFROM x\n"
TAIL = "\nFROM y\nRUN z\n"
STAGE = f"{HEAD}# of a\nRUN a\n\n# ---- second ----\n# of b\nRUN b\n\nUSER u\n{TAIL}"


@pytest.mark.parametrize(
    ("order", "dropped", "expected"),
    [
        ([0, 1, 2, 3], [], STAGE),
        ([0, "ENV n=1", 1, 2, 3], [], STAGE.replace("FROM x\n", "FROM x\nENV n=1\n")),
        (
            [0, 1, 3, 2],
            [],
            f"{HEAD}# of a\nRUN a\n\nUSER u\n\n# ---- second ----\n# of b\nRUN b\n{TAIL}",
        ),
        ([0, 1, 3], [2], f"{HEAD}# of a\nRUN a\n\n# ---- second ----\n\nUSER u\n{TAIL}"),
        ([0, 1], [2, 3], f"{HEAD}# of a\nRUN a\n\n# ---- second ----\n{TAIL}"),
        ([0, 2, 3], [1], f"{HEAD}\n# ---- second ----\n# of b\nRUN b\n\nUSER u\n{TAIL}"),
    ],
)
def test_replace_stage(order: Sequence[int | str], dropped: Sequence[int], expected: str) -> None:
    assert rewritten(STAGE, order, dropped=dropped) == expected


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("FROM x\nRUN a\nRUN b", [0, 2, 1], "FROM x\nRUN b\nRUN a"),
        ("FROM x\r\nRUN a\r\nRUN b", [0, 2, 1], "FROM x\r\nRUN b\r\nRUN a"),
        ("FROM x\nRUN a", [0, 1], "FROM x\nRUN a"),
        ("FROM x\nRUN a", [0, 1, "RUN b"], "FROM x\nRUN a\nRUN b"),
        ("FROM x\nRUN a", [0, "RUN b", 1], "FROM x\nRUN b\nRUN a"),
        ("FROM x\r\nRUN a\nRUN b", [0, 2, 1], "FROM x\r\nRUN b\nRUN a"),
        ("FROM x\nRUN a \\", [0, 1, "RUN b"], "FROM x\nRUN a\nRUN b"),
        ("\ufeffFROM x\nRUN a", [0, "RUN b", 1], "\ufeffFROM x\nRUN b\nRUN a"),
    ],
)
def test_a_missing_final_newline_stays_missing(text: str, order: Sequence[int | str], expected: str) -> None:
    assert rewritten(text, order) == expected


def test_dropping_the_last_line_of_an_open_file() -> None:
    assert rewritten("FROM x\r\nRUN a\r\nRUN b", [0, 1], dropped=[2]) == "FROM x\r\nRUN a"
    assert rewritten("FROM x\nRUN a", [0], dropped=[1]) == "FROM x"


def test_what_is_neither_kept_nor_dropped_is_an_error() -> None:
    with pytest.raises(ProvenanceError, match="line 10: RUN is neither kept nor dropped"):
        rewritten(STAGE, [0, 1, 3])


def test_a_comment_of_a_kept_instruction_must_be_there() -> None:
    stage = graph_of("FROM x\n# of a\nRUN a\n").stages[0]
    (run,) = stage.instructions
    with pytest.raises(ProvenanceError, match="a comment would be lost: '# of a'"):
        replace_stage(stage, [detach(stage.from_), Fragment("# of all\nRUN b\n", run)], dropped={})
    edits = replace_stage(stage, [detach(stage.from_), Fragment("RUN b\n# of a\nRUN c\n", run)], dropped={})
    assert applied(stage.dockerfile.text, edits) == "FROM x\nRUN b\n# of a\nRUN c\n"


def test_a_comment_inside_a_kept_instruction_must_be_there_as_often_as_before() -> None:
    stage = graph_of("FROM x\n# why\nRUN a \\\n# why\n b\n").stages[0]
    (run,) = stage.instructions
    with pytest.raises(ProvenanceError, match="# why"):
        replace_stage(stage, [detach(stage.from_), Fragment("# why\nRUN a b\n", run)], dropped={})


def test_an_instruction_made_into_two_keeps_one_heading() -> None:
    stage = graph_of("FROM x\n\n# ---- build ----\nRUN a\n").stages[0]
    (run,) = stage.instructions
    parts = [detach(stage.from_), Fragment("RUN b\n", run), Fragment("RUN c\n", run)]
    assert applied(stage.dockerfile.text, replace_stage(stage, parts, dropped={})) == (
        "FROM x\n\n# ---- build ----\nRUN b\nRUN c\n"
    )


def test_only_what_changes_place_is_edited() -> None:
    text = "FROM x\n" + "".join(f"RUN {number}\n" for number in range(50))
    stage = graph_of(text).stages[0]
    olds = [stage.from_, *stage.instructions]
    parts = [detach(it) for it in [olds[0], olds[50], *olds[1:50]]]
    pieces = Pieces(text)
    pieces.apply(replace_stage(stage, parts, dropped={}))
    assert pieces.text.startswith("FROM x\nRUN 49\nRUN 0\n")
    assert pieces.original_offset(pieces.text.index("RUN 20")) == text.index("RUN 20")
    changed = sum(region.new.end - region.new.start for region in pieces.regions())
    assert changed == len("RUN 49\n")


@given(st.permutations(range(1, 7)), st.sets(st.integers(1, 6)), st.booleans())
def test_a_rewritten_stage_holds_what_it_held(order: list[int], gone: set[int], is_open: bool) -> None:
    heading, last = "# ---- c ----\nENV c=d", "\nRUN f"
    kinds = ("USER u", "# of 2\nRUN b", heading, "\n\n# of 4\n  RUN d \\\n # in\n  e", "RUN f", last)
    text = "FROM x\n" + "\n".join(kinds) + ("" if is_open else "\n")
    kept = [number for number in order if number not in gone]
    after = rewritten(text, [0, *kept], dropped=sorted(gone))
    before, result = parse(text), parse(after)
    assert [it.arguments for it in result.instructions] == [before.instructions[it].arguments for it in [0, *kept]]
    assert after.endswith("\n") is not is_open
    lost = Counter(it.content for it in before.comments) - Counter(it.content for it in result.comments)
    assert lost == Counter([*["of 2"] * (2 in gone), *["of 4", "in"] * (4 in gone)])


# In the engine


def test_later_fixers_speak_of_the_users_own_lines() -> None:
    @small_fixer("DF900", phase="stages")
    def user_last(stage: Stage) -> Iterator[Fix | Skip]:
        users = [it for it in stage.instructions if isinstance(it, User)]
        others = [it for it in stage.instructions if not isinstance(it, User)]
        if users and stage.instructions[-1] not in users:
            parts = [detach(it) for it in (stage.from_, *others, *users)]
            yield Fix(stage.from_, "user last", replace_stage(stage, parts, dropped={}), reads=[stage.span])

    outcome = fixed("FROM x\n# who\nUSER u\nRUN a\nRUN b\nRUN a\n", user_last, replacing("a", "z"))
    assert outcome.after == "FROM x\nRUN z\nRUN b\nRUN z\n# who\nUSER u\n"
    assert [(it.code, it.line) for it in outcome.applied] == [("DF900", 1), ("DF901", 4), ("DF901", 6)]


def test_join_and_drop_in_the_engine_keep_every_comment() -> None:
    @small_fixer("DF900")
    def join(run: Run) -> Iterator[Fix | Skip]:
        if isinstance(run.after, Run) or (run.after and isinstance(run.after.after, Run)):
            following = next(it for it in run.dockerfile.instructions if it.start > run.start)
            assert isinstance(following, Run)
            yield Fix(run, "join", join_runs(run, following), reads=[following.span])

    @small_fixer("DF902")
    def drop(user: User) -> Iterator[Fix | Skip]:
        yield Fix(user, "drop", remove_instruction(user), drops=[user])

    outcome = fixed("FROM x\n# a\nRUN a\n# b\nRUN b\n# u\nUSER u\n\n# c\nRUN c\nRUN d", join, drop)
    assert outcome.after == "FROM x\n# a\n# b\nRUN a && b\n\n# c\nRUN c && d"
