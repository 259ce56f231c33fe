"""Offsets, lines, views, and edits that remember what they kept."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewriter.syntax import text as text_module
from rewriter.syntax.text import (
    Edit,
    Lines,
    OverlapError,
    Pieces,
    Region,
    Span,
    View,
    decode,
    encode,
    in_order,
    view_of,
)


@given(st.binary())
def test_any_bytes_come_back(data: bytes) -> None:
    assert encode(decode(data)) == data


@pytest.mark.parametrize(
    ("one", "other", "touches", "contains"),
    [
        (Span(2, 5), Span(3, 4), True, True),
        (Span(2, 5), Span(2, 5), True, True),
        (Span(2, 5), Span(5, 5), True, True),
        (Span(2, 5), Span(5, 8), True, False),
        (Span(2, 5), Span(0, 2), True, False),
        (Span(2, 5), Span(0, 9), True, False),
        (Span(2, 5), Span(6, 8), False, False),
    ],
)
def test_spans(one: Span, other: Span, touches: bool, contains: bool) -> None:
    assert one.touches(other) is touches
    assert other.touches(one) is touches
    assert one.contains(other) is contains


@given(st.text(alphabet="a\n\r\x0c\u2028\x85"))
def test_only_a_line_feed_ends_a_line(text: str) -> None:
    lines = Lines(text)
    assert len(lines) == text.count("\n") + 1
    for offset in range(len(text) + 1):
        line, column = lines.position(offset)
        assert line == text.count("\n", 0, offset) + 1
        assert lines.start(line) == lines.start_at(offset) == offset - column + 1
        assert "\n" not in text[lines.start(line) : offset]


def test_a_view_maps_back_to_the_source() -> None:
    source = "RUN a \\\n  # why\n   b\n"
    view = View("RUN a    b", (0, 6), (0, 10))
    assert [source[view.source(offset)] for offset in range(len(view.text))] == list(view.text)
    assert view.source(len(view.text)) == source.rindex("\n")
    assert view.span(4, 10) == (4, 20)
    assert view.span(9, 9) == (19, 19)
    assert view.is_contiguous(0, 6)
    assert not view.is_contiguous(4, 7)


def test_a_view_of_one_range() -> None:
    view = view_of("FROM x\nRUN a\n", 7, 12)
    assert view.text == "RUN a"
    assert view.span(4, 5) == (11, 12)
    assert view.source(5) == 12
    assert view.is_contiguous(0, 5)


# Edits


def spliced(text: str, edits: Sequence[Edit]) -> str:
    """The text with edits made one by one from behind: slow and obvious."""
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


@st.composite
def rounds_of_edits(draw: st.DrawFn) -> tuple[str, list[list[Edit]]]:
    """A text, and some rounds of edits that do not collide, each for the text as the rounds before left it."""
    original = text = draw(st.text(alphabet="abc\n", max_size=30))
    rounds: list[list[Edit]] = []
    for _ in range(draw(st.integers(0, 4))):
        cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
        edits: list[Edit] = []
        for start, end in zip(cuts[::2], cuts[1::2], strict=False):
            edit = Edit(start, end, draw(st.text(alphabet="xyz\n", max_size=4)))
            if not edits or (edits[-1].start, edits[-1].end) != (start, end):
                edits.append(edit)
        rounds.append(edits)
        text = spliced(text, edits)
    return original, rounds


def after(original: str, rounds: Sequence[Sequence[Edit]]) -> Pieces:
    pieces = Pieces(original)
    for edits in rounds:
        expected = spliced(pieces.text, edits)
        pieces.apply(reversed(edits))
        assert pieces.text == expected
    return pieces


@given(rounds_of_edits())
def test_regions_exactly_describe_the_change(case: tuple[str, list[list[Edit]]]) -> None:
    original, rounds = case
    pieces = after(original, rounds)
    rebuilt: list[str] = []
    old = new = 0
    previous: Region | None = None
    for region in pieces.regions():
        assert region.old.start < region.old.end or region.new.start < region.new.end, "an empty region"
        assert original[old : region.old.start] == pieces.text[new : region.new.start], "kept text is not the same"
        assert previous is None or region.old.start > previous.old.end, "two regions with nothing kept between them"
        rebuilt += [original[old : region.old.start], pieces.text[slice(*region.new)]]
        old, new = region.old.end, region.new.end
        previous = region
    assert original[old:] == pieces.text[new:]
    assert "".join(rebuilt) + original[old:] == pieces.text


@given(rounds_of_edits())
def test_no_region_without_an_edit(case: tuple[str, list[list[Edit]]]) -> None:
    original, rounds = case
    regions = after(original, rounds[:1]).regions()
    touched = [edit for edit in (rounds[0] if rounds else []) if edit.text or edit.end > edit.start]
    for region in regions:
        assert any(region.old.start <= edit.start and edit.end <= region.old.end for edit in touched)
    for edit in touched:
        assert any(region.old.start <= edit.start and edit.end <= region.old.end for region in regions)


@given(rounds_of_edits())
def test_the_original_offset_of_kept_text_is_exact_and_of_new_text_near(case: tuple[str, list[list[Edit]]]) -> None:
    original, rounds = case
    pieces = after(original, rounds)
    offsets = [pieces.original_offset(offset) for offset in range(len(pieces.text) + 1)]
    assert offsets == sorted(offsets)
    last = max(0, len(original) - 1)
    assert all(0 <= offset <= last for offset in offsets)
    regions = pieces.regions()
    for offset, origin in enumerate(offsets[:-1]):
        inside = [region for region in regions if region.new.start <= offset < region.new.end]
        if inside:
            assert origin == min(inside[0].old.start, last)
        else:
            assert original[origin] == pieces.text[offset]


def test_edits_may_touch_as_long_as_their_order_is_no_guess() -> None:
    edits = [Edit(5, 8, "z"), Edit(2, 5, "x"), Edit(5, 5, "y")]
    assert in_order(edits, 9) == [Edit(2, 5, "x"), Edit(5, 5, "y"), Edit(5, 8, "z")]
    pieces = Pieces("012345678")
    pieces.apply(edits)
    assert pieces.text == "01xyz8"
    assert pieces.regions() == [Region(Span(2, 8), Span(2, 5))]


@pytest.mark.parametrize(
    "edits",
    [
        [Edit(1, 4, ""), Edit(3, 5, "")],
        [Edit(1, 4, ""), Edit(2, 2, "x")],
        [Edit(2, 2, "x"), Edit(2, 2, "y")],
        [Edit(1, 3, "x"), Edit(1, 3, "x")],
        [Edit(3, 1, "")],
        [Edit(-1, 1, "")],
        [Edit(0, 11, "")],
    ],
)
def test_edits_that_collide_are_refused_and_nothing_is_changed(edits: list[Edit]) -> None:
    pieces = Pieces("0123456789")
    pieces.apply([Edit(0, 1, "0")])
    with pytest.raises(OverlapError):
        pieces.apply([Edit(9, 10, "x"), *edits])
    assert pieces.text == "0123456789"
    assert pieces.original_offset(9) == 9


def test_an_empty_text_can_grow_and_a_text_can_vanish() -> None:
    pieces = Pieces("")
    assert pieces.regions() == []
    assert pieces.original_offset(0) == 0
    pieces.apply([Edit(0, 0, "new")])
    assert pieces.regions() == [Region(Span(0, 0), Span(0, 3))]
    assert pieces.original_offset(2) == 0
    gone = Pieces("old")
    gone.apply([Edit(0, 3, "")])
    assert gone.regions() == [Region(Span(0, 3), Span(0, 0))]
    assert gone.original_offset(0) == 0


def test_edits_cost_as_much_as_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: the steps that two rounds of many edits take."""
    steps = 0

    class Counting(text_module._Cursor):
        __slots__ = ()

        def take(self, count: int, into: list[tuple[int, int]] | None) -> None:
            nonlocal steps
            before = self._index
            super().take(count, into)
            steps += 1 + self._index - before

    monkeypatch.setattr(text_module, "_Cursor", Counting)

    def cost(count: int) -> int:
        nonlocal steps
        steps = 0
        pieces = Pieces("abcd" * count)
        pieces.apply(Edit(4 * index, 4 * index + 1, "xy") for index in range(count))
        pieces.apply(Edit(5 * index, 5 * index + 1, "") for index in range(count))
        assert len(pieces.regions()) == count
        return steps

    assert cost(20_000) <= 10.1 * cost(2_000)
