"""The engine: phases, fixed points, conflicts, levels, companions, and lines of the user's own file."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from rewriter import engine
from rewriter.engine import fix
from rewriter.fixing.edits import insert_instruction_after, insert_instruction_before, remove_instruction, replace
from rewriter.fixing.fixer import PHASES, FileEdit, Fix, Fixer, Level, Skip
from rewriter.model.context.build_context import BuildContext
from rewriter.model.stages import Stage
from rewriter.model.state import State
from rewriter.syntax.text import Edit, Span
from rewriter.syntax.tree import Add, Copy, Dockerfile, Env, From, Instruction, Label, Run, User
from tests.throwaway import acting_on, fixed, replacing, small_fixer


def codes(outcome: engine.Outcome) -> list[str]:
    return [it.code for it in outcome.applied]


# Dispatch


def test_the_first_parameter_says_what_a_fixer_is_called_for() -> None:
    seen: list[str] = []

    @small_fixer("DF901")
    def for_kinds(instruction: Env | Label) -> Iterator[Fix | Skip]:
        seen.append(instruction.name)
        yield from ()

    @small_fixer("DF902")
    def for_stages(stage: Stage, dockerfile: Dockerfile) -> Iterator[Fix | Skip]:
        seen.append(f"stage {stage.index} of {len(dockerfile.instructions)}")
        yield from ()

    @small_fixer("DF903")
    def for_parents(copy: Copy, state: State, stage: Stage) -> Iterator[Fix | Skip]:
        seen.append(f"{type(copy).__name__} in {stage.name or stage.index} as {state.user}")
        yield from ()

    @small_fixer("DF904")
    def for_all(instruction: Instruction) -> Iterator[Fix | Skip]:
        seen.append(instruction.name[0])
        yield from ()

    text = "FROM a AS one\nLABEL a=b\nENV a=b\nUSER me\nADD a b\nFROM one\nENV c=d\nCOPY a b\n"
    fixed(text, for_all, for_parents, for_stages, for_kinds)
    assert seen[:5] == ["LABEL", "ENV", "ENV", "stage 0 of 8", "stage 1 of 8"]
    assert [it.split()[0] for it in seen[5:7]] == ["Add", "Copy"]
    assert seen[7:] == list("FLEUAFEC")
    assert issubclass(Add, Copy)


def test_a_refused_file_is_not_shown_to_fixers() -> None:
    asked: list[str] = []

    @small_fixer()
    def ask(dockerfile: Dockerfile) -> Iterator[Fix | Skip]:
        asked.append(dockerfile.text)
        yield from ()

    outcome = fix("FROM a\nRUNN x\n", [ask])
    assert asked == []
    assert outcome.refusal
    assert (outcome.refusal.line, outcome.refusal.column) == (2, 1)
    assert outcome.after == outcome.before
    assert not outcome.changed


# Phases and fixed points


def test_phases_run_in_their_order_and_each_to_its_fixed_point() -> None:
    last, first = PHASES[-1], PHASES[0]
    fixers = [
        replacing("c", "d", "DF901", phase=last),
        replacing("a", "b", "DF902", phase=first),
        replacing("b", "c", "DF903", phase=first),
        replacing("b", "wrong", "DF900", phase=last),
    ]
    outcome = fixed("FROM x\nUSER a\n", *fixers)
    assert outcome.after == "FROM x\nUSER d\n"
    assert codes(outcome) == ["DF902", "DF903", "DF901"]


def test_every_phase_has_its_turn_in_order() -> None:
    fixers = [
        replacing(str(number), str(number + 1), f"DF{900 - number}", phase=phase) for number, phase in enumerate(PHASES)
    ]
    outcome = fixed("FROM x\nUSER 0\n", *fixers)
    assert outcome.after == f"FROM x\nUSER {len(PHASES)}\n"
    assert codes(outcome) == [fixer.code for fixer in fixers]


def test_a_later_phase_may_enable_an_earlier_one() -> None:
    outcome = fixed(
        "FROM x\nUSER a\n", replacing("b", "c", phase="stages"), replacing("a", "b", "DF902", phase="companions")
    )
    assert outcome.after == "FROM x\nUSER c\n"
    assert codes(outcome) == ["DF902", "DF901"]


@pytest.mark.parametrize("phase", ["spelling", "companions"])
def test_fixers_that_undo_each_other_leave_the_file_alone(phase: str) -> None:
    text = "FROM x\nUSER a\n"
    outcome = fix(text, [replacing("a", "b"), replacing("b", "a", "DF902", phase=phase)])
    assert outcome.after == text
    assert outcome.applied == ()
    assert "no fixed point" in outcome.broken_law
    assert "DF901, DF902" in outcome.broken_law


def test_a_fixer_that_never_ends_leaves_the_file_alone() -> None:
    @small_fixer()
    def grow(user: User) -> Iterator[Fix | Skip]:
        yield Fix(user, "more", [insert_instruction_after(user, "ENV a=b")])

    outcome = fix("FROM x\nUSER a\n", [grow])
    assert not outcome.changed
    assert "no fixed point after 10 passes" in outcome.broken_law


@pytest.mark.parametrize("count", [1, engine.MAX_PASSES, 30])
def test_as_many_fixes_of_one_instruction_as_it_takes(count: int) -> None:
    """Each locks its anchor, so only one is made in a pass; that is no sign of fixers undoing each other."""

    @small_fixer()
    def capitalize(env: Env) -> Iterator[Fix | Skip]:
        for pair in env.pairs:
            if pair.key.text.islower():
                yield Fix(env, pair.key.text, [replace(pair.key, pair.key.text.upper())])

    pairs = " ".join(f"k{chr(97 + number % 26)}{number}=v" for number in range(count))
    outcome = fixed(f"FROM x\nENV {pairs}\n", capitalize)
    assert outcome.after == f"FROM x\nENV {pairs.upper().replace('=V', '=v')}\n"
    assert len(outcome.applied) == count


def test_fixers_that_undo_each_other_while_others_wait() -> None:
    @small_fixer("DF900")
    def flicker(dockerfile: Dockerfile) -> Iterator[Fix | Skip]:
        run = dockerfile.instructions[-1]
        value = "b" if run.arguments == "a" else "a"
        for _ in range(50):
            yield Fix(run, "flicker", [Edit(*run.arguments_span, value)])

    outcome = fix("FROM x\nRUN a\n", [flicker])
    assert not outcome.changed
    assert "no fixed point" in outcome.broken_law


def test_a_fix_that_changes_nothing_is_an_error() -> None:
    @small_fixer()
    def idle(user: User) -> Iterator[Fix | Skip]:
        yield Fix(user, "does nothing", [replace(user.keyword, user.keyword.text)])

    outcome = fix("FROM x\nUSER a\n", [replacing("a", "b", "DF900"), idle])
    assert not outcome.changed
    assert outcome.broken_law == "DF901 proposes a fix that changes nothing: does nothing"


def test_a_companion_that_does_not_change_is_an_error_too() -> None:
    @small_fixer()
    def idle(from_: From) -> Iterator[Fix | Skip]:
        yield Fix(from_, "does nothing", [], companions=[FileEdit("a", "x", "x")])

    assert "changes nothing" in fix("FROM x\n", [idle]).broken_law


# Conflicts


def both_orders(text: str, *fixers: Fixer) -> engine.Outcome:
    """The outcome, which must be the same whatever the order of registration."""
    outcomes = [fix(text, order) for order in itertools.permutations(fixers)]
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert not outcomes[0].broken_law
    return outcomes[0]


def on_the_last(code: str, make: Callable[[Instruction], Sequence[Edit]], until: str, *reads: Span) -> Fixer:
    """A fixer of the last instruction that fires until the file holds a text."""

    @small_fixer(code)
    def act(dockerfile: Dockerfile) -> Iterator[Fix | Skip]:
        if until not in dockerfile.text:
            last = dockerfile.instructions[-1]
            yield Fix(last, code, make(last), reads=reads)

    return act


def test_of_overlapping_edits_the_lower_code_wins_and_the_other_sees_the_result() -> None:
    outcome = both_orders("FROM x\nUSER a\n", replacing("a", "b", "DF902"), replacing("a", "c", "DF901"))
    assert outcome.after == "FROM x\nUSER c\n"
    assert codes(outcome) == ["DF901"]


def test_two_insertions_at_one_place_are_made_one_after_the_other() -> None:
    lines = [
        on_the_last("DF901", lambda it: [insert_instruction_before(it, "ENV one=1")], "one"),
        on_the_last("DF902", lambda it: [insert_instruction_before(it, "ENV two=2")], "two"),
    ]
    outcome = both_orders("FROM x\nUSER a\n", *lines)
    assert outcome.after == "FROM x\nENV one=1\nENV two=2\nUSER a\n"


def test_an_insertion_at_the_edge_of_a_replaced_range_waits() -> None:
    seen: list[str] = []

    @small_fixer("DF902")
    def below_from(from_: From) -> Iterator[Fix | Skip]:
        seen.append(from_.dockerfile.text)
        if "USER me" not in from_.dockerfile.text:
            yield Fix(from_, "add", [insert_instruction_after(from_, "USER me")])

    @small_fixer("DF901")
    def without_runs(run: Run) -> Iterator[Fix | Skip]:
        yield Fix(run, "remove", remove_instruction(run))

    outcome = both_orders("FROM x\nRUN a\nENV a=b\n", below_from, without_runs)
    assert outcome.after == "FROM x\nUSER me\nENV a=b\n"
    assert seen[1] == "FROM x\nENV a=b\n"


def test_what_a_fix_has_read_is_not_changed_in_the_same_pass() -> None:
    """Their edits do not overlap: only `reads` tells that one relies on the distribution that the other changes."""

    @small_fixer("DF901")
    def change_base(from_: From) -> Iterator[Fix | Skip]:
        if from_.image.text == "debian":
            yield Fix(from_, "alpine", [replace(from_.image, "alpine")])

    @small_fixer("DF902")
    def install(run: Run, stage: Stage) -> Iterator[Fix | Skip]:
        if run.arguments == "install":
            manager = "apt" if stage.from_.image.text == "debian" else "apk"
            yield Fix(run, manager, [replace_word(run, manager)], reads=[stage.from_.span])

    @small_fixer("DF900")
    def install_first(run: Run, stage: Stage) -> Iterator[Fix | Skip]:
        yield from install.function(run, stage)

    text = "FROM debian\nRUN install\n"
    assert both_orders(text, change_base, install).after == "FROM alpine\nRUN apk\n"
    assert both_orders(text, change_base, install_first).after == "FROM alpine\nRUN apt\n"


def replace_word(instruction: Instruction, text: str) -> Edit:
    return Edit(*instruction.arguments_span, text)


def test_an_insertion_next_to_what_was_read_is_fine() -> None:
    passes: list[int] = []

    @small_fixer("DF901")
    def read(run: Run, stage: Stage) -> Iterator[Fix | Skip]:
        passes.append(1)
        if run.arguments == "a":
            yield Fix(run, "read", [replace_word(run, "b")], reads=[stage.from_.span])

    @small_fixer("DF902")
    def insert(from_: From) -> Iterator[Fix | Skip]:
        if "ENV" not in from_.dockerfile.text:
            yield Fix(from_, "insert", [insert_instruction_after(from_, "ENV a=b")])

    assert both_orders("FROM x\nRUN a\n", read, insert).after == "FROM x\nENV a=b\nRUN b\n"
    assert len(passes) == 2 * 2, "both in one pass, and one to see that it is done"


def test_two_fixes_of_the_same_anchor_take_turns() -> None:
    seen: list[str] = []

    @small_fixer("DF902")
    def see(run: Run) -> Iterator[Fix | Skip]:
        seen.append(run.arguments)
        if run.arguments.endswith("b"):
            yield Fix(run, "b", [Edit(run.arguments_span.end - 1, run.arguments_span.end, "B")])

    both_orders("FROM x\nRUN a b\n", replacing("a", "A"), see)
    assert seen[:3] == ["a b", "A b", "A B"]


def test_edits_of_one_fix_that_collide_are_its_own_fault() -> None:
    text = "FROM x\nUSER a\n"
    clumsy = acting_on(text, lambda _: [Edit(7, 11, "ENV"), Edit(9, 12, "x")], code="DF902")
    outcome = fix(text, [clumsy, replacing("a", "b")])
    assert not outcome.changed
    assert outcome.broken_law.startswith("DF902 collides with itself")


@pytest.mark.parametrize("edit", [Edit(-1, 2, ""), Edit(5, 3, ""), Edit(10, 99, "")])
def test_edits_outside_the_file_are_an_error(edit: Edit) -> None:
    text = "FROM x\nUSER a\n"
    outcome = fix(text, [acting_on(text, lambda _: [edit])])
    assert not outcome.changed
    assert "DF901" in outcome.broken_law


# Levels


@small_fixer("DF910", level=Level.SAFE)
def two_levels(env: Env) -> Iterator[Fix | Skip]:
    """A safe fixer with a guarded fix."""
    for pair in env.pairs:
        if pair.value.text == "safe":
            yield Fix(env, "safe", [replace(pair.value, "done")])
        elif pair.value.text == "guarded":
            message = "guarded because of line {line}"
            mentions = env.dockerfile.instructions[0]
            yield Fix(env, message, [replace(pair.value, "done")], level=Level.GUARDED, mentions=mentions)


def test_a_limit_bars_a_guarded_fix_of_a_safe_fixer() -> None:
    text = "FROM x\nENV a=safe\nENV a=guarded\n"
    outcome = fix(text, [two_levels], limit=Level.SAFE)
    assert outcome.after == "FROM x\nENV a=done\nENV a=guarded\n"
    assert [(it.level, it.line) for it in outcome.applied] == [(Level.SAFE, 2)]
    skip = outcome.skips[0]
    assert (skip.reason, skip.line) == ("needs --level guarded: guarded because of line 1", 3)
    assert not skip.suppressed


@pytest.mark.parametrize("limit", [None, Level.GUARDED, Level.OPT_IN])
def test_within_the_limit_every_fix_is_made(limit: Level | None) -> None:
    outcome = fix("FROM x\nENV a=safe\nENV a=guarded\n", [two_levels], limit=limit)
    assert "guarded" not in outcome.after
    assert [it.level for it in outcome.applied] == [Level.SAFE, Level.GUARDED]
    assert outcome.skips == ()


# Companions


def ignoring(word: str, code: str) -> Fixer:
    """A fixer that wants a word in `.dockerignore` and says so in the Dockerfile."""

    @small_fixer(code)
    def ignore(from_: From, context: BuildContext) -> Iterator[Fix | Skip]:
        before = context.read(".dockerignore")
        if word in (before or "").split("\n"):
            return
        edit = insert_instruction_after(from_, f"LABEL {word}=ignored")
        yield Fix(from_, word, [edit], companions=[FileEdit(".dockerignore", before, f"{before or ''}{word}\n")])

    return ignore


def test_a_fix_over_two_files_makes_a_new_one(tmp_path: Path) -> None:
    outcome = fix("FROM x\n", [ignoring("git", "DF901")], context=lambda _: BuildContext(str(tmp_path)))
    assert outcome.after == "FROM x\nLABEL git=ignored\n"
    assert outcome.companions == (FileEdit(".dockerignore", None, "git\n"),)
    assert outcome.changed
    assert list(tmp_path.iterdir()) == [], "the engine writes no file"


def test_two_fixers_edit_the_same_existing_companion_in_one_run(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("old\n")
    asked: list[str] = []

    def context(dockerfile: Dockerfile) -> BuildContext:
        asked.append(dockerfile.text)
        return BuildContext(str(tmp_path))

    for fixers in itertools.permutations([ignoring("git", "DF901"), ignoring("node", "DF902")]):
        outcome = fix("FROM x\n", fixers, context=context)
        assert outcome.companions == (FileEdit(".dockerignore", "old\n", "old\ngit\nnode\n"),)
        assert codes(outcome) == ["DF901", "DF902"]
    assert asked == ["FROM x\n"] * 2, "looked for once in each run, and for the original file"


def test_a_companion_alone_is_a_change(tmp_path: Path) -> None:
    @small_fixer()
    def ignore(from_: From, context: BuildContext) -> Iterator[Fix | Skip]:
        if context.status("new") == "absent":
            yield Fix(from_, "new", [], companions=[FileEdit("new", None, "text\n")])

    outcome = fix("FROM x\n", [ignore], context=lambda _: BuildContext(str(tmp_path)))
    assert outcome.after == outcome.before
    assert outcome.changed
    assert outcome.companions[0].after == "text\n"


def test_a_companion_that_ends_as_it_was_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")

    def writing(new: str, code: str, phase: str, line: str) -> Fixer:
        @small_fixer(code, phase=phase)
        def write(from_: From, context: BuildContext) -> Iterator[Fix | Skip]:
            if line not in from_.dockerfile.text:
                edits = [insert_instruction_after(from_, line)]
                yield Fix(from_, "x", edits, companions=[FileEdit("file", context.read("file"), new)])

        return write

    there = writing("new", "DF901", "order", "USER a")
    back = writing("old", "DF902", "stages", "USER b")
    outcome = fix("FROM x\n", [there, back], context=lambda _: BuildContext(str(tmp_path)))
    assert outcome.after == "FROM x\nUSER b\nUSER a\n"
    assert outcome.companions == ()


def test_a_broken_law_takes_the_companions_back(tmp_path: Path) -> None:
    @small_fixer("DF902")
    def break_it(from_: From) -> Iterator[Fix | Skip]:
        if "LABEL" in from_.dockerfile.text:
            yield Fix(from_, "break", [Edit(0, 4, "FORM")])

    context = BuildContext(str(tmp_path))
    outcome = fix("FROM x\n", [ignoring("git", "DF901"), break_it], context=lambda _: context)
    assert outcome.broken_law
    assert outcome.companions == ()
    assert not outcome.changed


# Lines of the user's file


def test_places_are_those_of_the_original_file_after_lines_have_moved() -> None:
    @small_fixer("DF901", phase="stages")
    def push_down(from_: From) -> Iterator[Fix | Skip]:
        if from_ is from_.dockerfile.instructions[0]:
            yield Fix(from_, "push", [insert_instruction_before(from_, "ARG MARK\nARG MORE")])

    @small_fixer("DF902", phase="order")
    def drop(env: Env) -> Iterator[Fix | Skip]:
        yield Fix(env, "drop", remove_instruction(env))

    @small_fixer("DF904", phase="running")
    def refuse(run: Run) -> Iterator[Fix | Skip]:
        yield Skip(run, "see line {line}", run.dockerfile.instructions[-1])

    text = "FROM x\nENV a=b\n\nENV c=d\n  USER a\nRUN b \\\n  c\nFROM y\n"
    outcome = fixed(text, push_down, drop, replacing("a", "b", "DF903"), refuse)
    assert outcome.after == "ARG MARK\nARG MORE\nFROM x\n\n  USER b\nRUN b \\\n  c\nFROM y\n"
    places = {it.message: (it.line, it.column, it.end_line) for it in outcome.applied}
    assert places["a becomes b"] == (5, 3, 5)
    assert [(it.line, it.column) for it in outcome.applied if it.message == "drop"] == [(2, 1), (4, 1)]
    assert [(it.line, it.column, it.reason) for it in outcome.skips] == [(6, 1, "see line 8")]


def test_a_replaced_instruction_keeps_its_place() -> None:
    @small_fixer("DF901", phase="stages")
    def rewrite(run: Run) -> Iterator[Fix | Skip]:
        if run.is_on_one_line:
            return
        yield Fix(run, "one line", [Edit(*run.code_span, "RUN a b")])

    outcome = fixed("FROM x\nENV a=b\nRUN a \\\n b\nUSER a\n", rewrite, replacing("a", "z", "DF902"))
    assert [(it.message, it.line, it.end_line) for it in outcome.applied] == [
        ("one line", 3, 4),
        ("a becomes z", 3, 3),
        ("a becomes z", 5, 5),
    ]


def test_each_skip_is_told_once_and_with_its_first_reason() -> None:
    @small_fixer("DF901", phase="stages")
    def look(user: User) -> Iterator[Fix | Skip]:
        yield Skip(user, f"user is {user.arguments}")
        yield Skip(user, f"user is {user.arguments}")

    outcome = fixed("FROM x\nUSER a\n", look, replacing("a", "b", "DF902"), replacing("b", "c", "DF903"))
    assert [it.reason for it in outcome.skips] == ["user is a"]


def test_what_a_later_round_does_not_leave_alone_is_not_told() -> None:
    @small_fixer("DF901", phase="stages")
    def look(user: User) -> Iterator[Fix | Skip]:
        if user.arguments == "a":
            yield Skip(user, "user is a")

    assert fixed("FROM x\nUSER a\n", look, replacing("a", "b", "DF902")).skips == ()


# Cost


def test_many_fixes_of_one_pass_cost_a_few_comparisons_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: how many ranges are looked at for 2,000 edits, with one edit that covers half the file."""
    looked_at = 0

    class Writes(engine._Writes):
        __slots__ = ()

        def __init__(self) -> None:
            self._starts, self._ends = Counting(), Counting()

    class Counting(list[int]):
        def __getitem__(self, index: Any) -> Any:
            nonlocal looked_at
            looked_at += 1
            return super().__getitem__(index)

    monkeypatch.setattr(engine, "_Writes", Writes)

    def cost(count: int) -> int:
        nonlocal looked_at
        looked_at = 0
        half = "RUN a\n" * count

        @small_fixer("DF900")
        def first_half(dockerfile: Dockerfile) -> Iterator[Fix | Skip]:
            if dockerfile.text.startswith("FROM x\nRUN"):
                anchor = dockerfile.instructions[0]
                yield Fix(anchor, "half", [Edit(7, 7 + len(half), "USER u\n")])

        outcome = fixed("FROM x\n" + half + half, first_half, replacing("a", "b"))
        assert outcome.after == "FROM x\nUSER u\n" + "RUN b\n" * count
        return looked_at

    assert cost(2000) < 25 * cost(200), "a hundred times as much would be quadratic"


def test_twenty_thousand_fixes_are_made_in_one_pass() -> None:
    count = 20_000
    outcome = fixed("FROM x\n" + "RUN a\n" * count, replacing("a", "b"))
    assert outcome.after == "FROM x\n" + "RUN b\n" * count
    assert len(outcome.applied) == count
    assert outcome.applied[-1].line == count + 1


def test_ranges_that_were_read_are_merged_only_where_they_overlap() -> None:
    reads = engine._Reads()
    for span in (Span(0, 5), Span(5, 9), Span(20, 30), Span(8, 12), Span(25, 26)):
        reads.add(span)
    assert not reads.changed_by(Edit(5, 5, "x")), "between two ranges that only touch"
    assert reads.changed_by(Edit(9, 9, "x")), "inside the one that overlapped"
    assert not reads.changed_by(Edit(12, 20, "x"))
    assert reads.changed_by(Edit(11, 20, "x"))
    assert reads.changed_by(Edit(29, 40, "x"))
    assert not reads.changed_by(Edit(30, 30, "x"))
