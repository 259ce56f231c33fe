"""The verbs: where words, lines, comments and blank lines go."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewriter import parse
from rewriter.fixing.compose import move
from rewriter.fixing.edits import (
    attached_comments,
    block_span,
    insert_after,
    insert_in_front,
    insert_instruction_after,
    insert_instruction_before,
    newline_at,
    remove,
    remove_instruction,
    remove_span,
    remove_word,
    render,
    replace,
    replace_arguments,
    spell,
)
from rewriter.syntax.shell_tree import Word as ShellWord
from rewriter.syntax.text import Edit
from rewriter.syntax.tree import Dockerfile, From, Instruction, Run
from rewriter.syntax.words import Flag, Word
from tests.throwaway import applied


def attached(text: str, index: int) -> list[str]:
    """What the comments attached to the instruction of some number say."""
    return [comment.content for comment in attached_comments(parse(text).instructions[index])]


def without(text: str, index: int, *, keep_comments: bool = False) -> str:
    return applied(text, remove_instruction(parse(text).instructions[index], keep_comments=keep_comments))


def without_word(text: str, word: str) -> str:
    """The text after taking out a word of its last instruction's command or flags."""
    dockerfile = parse(text)
    last = dockerfile.instructions[-1]
    things: list[Word | ShellWord | Flag] = [*last.flags, *last.words]
    if isinstance(last, Run):
        things += (it for command in last.script.simple_commands() for it in command.words)
    (thing,) = [it for it in things if it.text == word]
    return applied(text, [remove_word(dockerfile, thing)])


# Words


def test_verbs_for_words() -> None:
    dockerfile = parse("FROM a AS b\nRUN --network=none x \\\n  y\n")
    from_, run = dockerfile.instructions
    assert isinstance(from_, From)
    assert replace(from_.image, "c") == Edit(5, 6, "c")
    assert insert_after(from_.image, ":1") == Edit(6, 6, ":1")
    assert insert_in_front(from_.image, "r/") == Edit(5, 5, "r/")
    assert remove(from_.image) == remove_span(from_.image.span) == Edit(5, 6, "")
    assert applied(dockerfile.text, [replace_arguments(run, "z")]) == "FROM a AS b\nRUN --network=none z\n"


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("FROM --platform=x  a\n", "--platform=x", "FROM a\n"),
        ("RUN a b c\n", "b", "RUN a c\n"),
        ("RUN a \t b  c\n", "b", "RUN a \t c\n"),
        ("RUN a b\n", "b", "RUN a\n"),
        ("RUN a b", "b", "RUN a"),
        ("RUN a b  \n", "b", "RUN a\n"),
        ("RUN a b\r\n", "b", "RUN a\r\n"),
        ("RUN a b && c\n", "b", "RUN a && c\n"),
        ("RUN a b \\\n  && c\n", "b", "RUN a \\\n  && c\n"),
        ("RUN a b \\\n  c\n", "a", "RUN b \\\n  c\n"),
        ("RUN --network=x \\\n  c\n", "--network=x", "RUN \\\n  c\n"),
        ("RUN --network=x \\  \n  c\n", "--network=x", "RUN \\  \n  c\n"),
        ("RUN a \\\n  b \\\n  c\n", "b", "RUN a \\\n  c\n"),
        ("RUN a \\\r\n  b \\\r\n  c\r\n", "b", "RUN a \\\r\n  c\r\n"),
        ("RUN a \\\n\tb \\ \n\tc\n", "b", "RUN a \\\n\tc\n"),
        ("RUN a \\\n  b c \\\n  d\n", "b", "RUN a \\\n  c \\\n  d\n"),
        ("RUN a \\\n  b c \\\n  d\n", "c", "RUN a \\\n  b \\\n  d\n"),
        ("# escape=`\nFROM x\nRUN a `\n  b `\n  c\n", "b", "# escape=`\nFROM x\nRUN a `\n  c\n"),
    ],
)
def test_remove_word(text: str, word: str, expected: str) -> None:
    assert without_word(text, word) == expected


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("RUN a \\\n  b\nCMD c\n", "b", "RUN a\nCMD c\n"),
        ("RUN a \\\r\n  b\r\nCMD c\r\n", "b", "RUN a\r\nCMD c\r\n"),
        ("RUN a\\\n  b\nCMD c\n", "b", "RUN a\nCMD c\n"),
        ("RUN a \\  \n  b  \nCMD c\n", "b", "RUN a\nCMD c\n"),
        ("RUN a \\\n  b", "b", "RUN a"),
        ("RUN a \\\n  # why b\n  b\nCMD c\n", "b", "RUN a\n  # why b\nCMD c\n"),
        ("RUN a \\\r\n# why b\r\n\r\n  b", "b", "RUN a\r\n# why b"),
        ("RUN a \\\n  b \\", "b", "RUN a"),
        ("RUN a \\\n  b \\\n", "b", "RUN a\n"),
    ],
)
def test_a_word_on_the_last_line_takes_the_continuation_with_it(text: str, word: str, expected: str) -> None:
    """Else the next instruction would become a part of this one."""
    before = parse(text)
    index = next(index for index, it in enumerate(before.instructions) if isinstance(it, Run))
    run = before.instructions[index]
    assert isinstance(run, Run)
    (thing,) = [it for command in run.script.simple_commands() for it in command.words if it.text == word]
    after = applied(text, [remove_word(before, thing)])
    assert after == expected
    assert len(parse(after).instructions) == len(before.instructions)
    assert [it.content for it in parse(after).comments] == [it.content for it in before.comments]


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("RUN a \\\n  # of b\n  b \\\n  # of c\n  c\n", "b", "RUN a \\\n  # of b\n  # of c\n  c\n"),
        ("RUN a\\\n  b \\\n# of c\nc\n", "b", "RUN a\\\n   \\\n# of c\nc\n"),
        ("RUN a\\\n b\\\n c\n", "b", "RUN a\\\n c\n"),
        ("RUN a \\\n  b \\ c\n", "b", "RUN a \\\n  \\ c\n"),
    ],
)
def test_removing_a_word_loses_no_comment_and_joins_no_neighbours(text: str, word: str, expected: str) -> None:
    assert without_word(text, word) == expected


def test_remove_word_in_a_heredoc() -> None:
    assert without_word("FROM x\nRUN <<E\na b\nc \\\n  d\nE\n", "d") == "FROM x\nRUN <<E\na b\nc\nE\n"
    assert without_word("FROM x\nRUN <<E\na b\n  c\nd\nE\n", "c") == "FROM x\nRUN <<E\na b\nd\nE\n"


# Comments


def test_the_block_directly_above_speaks_of_an_instruction() -> None:
    text = "FROM x\n# one\n# two\nRUN a\n# three\nRUN b\n\n# four\n\nRUN c\n"
    assert attached(text, 1) == ["one", "two"]
    assert attached(text, 2) == ["three"], "below one RUN and above the next it is about the next"
    assert attached(text, 3) == []


def test_the_header_of_the_file_speaks_of_the_file() -> None:
    assert attached("# the file\nFROM x\n", 0) == []
    assert attached("# syntax=a/b\n# the file\nFROM x\n", 0) == []
    assert attached("# the file\n\n# the base\nFROM x\n", 0) == ["the base"]
    assert attached("# syntax=a/b\n\n# the base\nFROM x\n", 0) == ["the base"]
    assert attached("\n# the base\nFROM x\n", 0) == ["the base"]
    assert attached("# syntax=a/b\nFROM x\n", 0) == []


def test_an_ignore_comment_in_the_header_speaks_of_what_is_below() -> None:
    assert attached("# the file\n# hadolint ignore=DL3006\nFROM x\n", 0) == ["hadolint ignore=DL3006"]
    assert attached("# hadolint ignore=DL3006\n# the base\nFROM x\n", 0) == ["hadolint ignore=DL3006", "the base"]
    assert attached("# dfix: ignore-file\nFROM x\n", 0) == []
    text = "# the file\n# dfix: ignore[DF1]\nFROM x\n"
    edit = insert_instruction_before(parse(text).instructions[0], "ARG A")
    assert applied(text, [edit]) == "# the file\nARG A\n# dfix: ignore[DF1]\nFROM x\n"


@pytest.mark.parametrize(
    "heading",
    ["# -----", "# ==== build ====", "#####", "### build ###", "# --- build", "# build ---", "# ***", "#~~~~~"],
)
def test_headings_stay(heading: str) -> None:
    assert attached(f"FROM x\n{heading}\nRUN a\n", 1) == []
    assert attached(f"FROM x\n# before\n{heading}\n# of a\nRUN a\n", 1) == ["of a"]


@pytest.mark.parametrize("comment", ["#", "# a", "# use --flag", "# a - b", "# http://x/--/y", "# # a"])
def test_other_comments_are_no_headings(comment: str) -> None:
    assert len(attached(f"FROM x\n{comment}\nRUN a\n", 1)) == 1


def test_a_comment_that_a_continuation_swallowed_is_inside() -> None:
    text = "FROM x\nRUN a \\\n# of b?\nRUN b\n# of c\nRUN c\n"
    dockerfile = parse(text)
    assert [it.content for it in dockerfile.instructions[1].comments] == ["of b?"]
    assert attached(text, 2) == ["of c"]
    assert without(text, 1) == "FROM x\n# of c\nRUN c\n"


# Taking lines out


@pytest.mark.parametrize(
    ("text", "index", "expected"),
    [
        ("FROM x\nRUN a\nRUN b\n", 1, "FROM x\nRUN b\n"),
        ("FROM x\n\nRUN a\n\nRUN b\n", 1, "FROM x\n\nRUN b\n"),
        ("FROM x\n\n# of a\nRUN a\n\n\nRUN b\n", 1, "FROM x\n\nRUN b\n"),
        ("FROM x\n\nRUN a\nRUN b\n", 1, "FROM x\n\nRUN b\n"),
        ("FROM x\nRUN a\n\nRUN b\n", 1, "FROM x\n\nRUN b\n"),
        ("FROM x\n\nRUN a\n", 1, "FROM x\n"),
        ("FROM x\n\nRUN a", 1, "FROM x"),
        ("FROM x\r\nRUN a", 1, "FROM x"),
        ("FROM x\n\nRUN a\n\n", 1, "FROM x\n\n"),
        ("FROM x\n\nRUN a\n  ", 1, "FROM x\n  "),
        ("ARG a\n\nFROM x\n", 0, "FROM x\n"),
        ("ARG a\nFROM x\n", 0, "FROM x\n"),
        ("# the file\nARG a\nFROM x\n", 0, "# the file\nFROM x\n"),
        ("# the file\n\n# of a\nARG a\n\nFROM x\n", 0, "# the file\n\nFROM x\n"),
        ("# syntax=a/b\nARG a\nFROM x\n", 0, "# syntax=a/b\nFROM x\n"),
        ("\ufeffARG a\nFROM x\n", 0, "\ufeffFROM x\n"),
        ("FROM x\n# ---- run ----\nRUN a\nRUN b\n", 1, "FROM x\n# ---- run ----\nRUN b\n"),
        ("FROM x\n\n# ---- run ----\nRUN a\n", 1, "FROM x\n\n# ---- run ----\n"),
        ("FROM x\nRUN a \\\n# of b\n  b\nRUN c\n", 1, "FROM x\nRUN c\n"),
        ("FROM x\nRUN <<E\na\nE\nRUN c\n", 1, "FROM x\nRUN c\n"),
        ("FROM x\r\n\r\nRUN a\r\n\r\nRUN b\n", 1, "FROM x\r\n\r\nRUN b\n"),
    ],
)
def test_remove_instruction(text: str, index: int, expected: str) -> None:
    assert without(text, index) == expected


@pytest.mark.parametrize(
    ("text", "index", "expected"),
    [
        ("FROM x\n# of both\nCMD a\nCMD b\n", 1, "FROM x\n# of both\nCMD b\n"),
        ("FROM x\n\n# of a\nCMD a\n\nCMD b\n", 1, "FROM x\n\n# of a\n\nCMD b\n"),
        ("FROM x\n\nCMD a\n\nCMD b\n", 1, "FROM x\n\nCMD b\n"),
        ("FROM x\n# of a\nCMD a", 1, "FROM x\n# of a"),
    ],
)
def test_remove_instruction_and_keep_its_comments(text: str, index: int, expected: str) -> None:
    assert without(text, index, keep_comments=True) == expected


# New lines


@pytest.mark.parametrize(
    ("text", "index", "expected"),
    [
        ("FROM x\nRUN a\n", 1, "FROM x\nUSER u\nRUN a\n"),
        ("FROM x\n\n# of a\nRUN a\n", 1, "FROM x\n\nUSER u\n# of a\nRUN a\n"),
        ("FROM x\r\nRUN a", 1, "FROM x\r\nUSER u\r\nRUN a"),
        ("FROM x", 0, "USER u\nFROM x"),
        ("\ufeffFROM x\r\n", 0, "\ufeffUSER u\r\nFROM x\r\n"),
        ("# the file\nFROM x\n", 0, "# the file\nUSER u\nFROM x\n"),
        ("FROM x\nUSER v\r\nRUN a\n", 2, "FROM x\nUSER v\r\nUSER u\r\nRUN a\n"),
        ("FROM x\n# ---- run ----\nRUN a\n", 1, "FROM x\n# ---- run ----\nUSER u\nRUN a\n"),
    ],
)
def test_insert_instruction_before(text: str, index: int, expected: str) -> None:
    assert applied(text, [insert_instruction_before(parse(text).instructions[index], "USER u")]) == expected


@pytest.mark.parametrize(
    ("text", "index", "expected"),
    [
        ("FROM x\nRUN a\n", 0, "FROM x\nUSER u\nRUN a\n"),
        ("FROM x\n\nRUN a\n", 0, "FROM x\nUSER u\n\nRUN a\n"),
        ("FROM x", 0, "FROM x\nUSER u"),
        ("FROM x\r\nRUN a", 1, "FROM x\r\nRUN a\r\nUSER u"),
        ("FROM x\r\nRUN a\nRUN b\r\n", 1, "FROM x\r\nRUN a\nUSER u\nRUN b\r\n"),
        ("FROM x\nRUN <<E\na\nE", 1, "FROM x\nRUN <<E\na\nE\nUSER u"),
        ("FROM x\nRUN a \\", 1, "FROM x\nRUN a\nUSER u"),
        ("FROM x\nRUN a \\\n", 1, "FROM x\nRUN a\nUSER u\n"),
        ("FROM x\nRUN a \\\r\n# of a\r\n\r\n", 1, "FROM x\nRUN a\r\n# of a\r\n\r\nUSER u\r\n"),
        ("FROM x\nRUN a \\\n# of a", 1, "FROM x\nRUN a\n# of a\nUSER u"),
    ],
)
def test_insert_instruction_after(text: str, index: int, expected: str) -> None:
    after = applied(text, [insert_instruction_after(parse(text).instructions[index], "USER u")])
    assert after == expected
    assert [it.arguments for it in parse(after).instructions].count("u") == 1, "swallowed by a continuation"


def test_a_new_line_follows_its_neighbours_habits() -> None:
    dockerfile = parse("from x\n\t Run a\n\ufeff")
    from_, run = dockerfile.instructions[:2]
    assert render("user", "u", like=from_) == "user u"
    assert render("user", "u", like=run) == "\t USER u"
    assert spell("User", like=from_) == "user"
    assert spell("User", like=run) == "USER"
    assert render("ARG", "a", like=parse("\ufeff  FROM x\n").instructions[0]) == "  ARG a"


def test_the_newline_above_decides_else_the_one_below_else_the_file() -> None:
    assert newline_at(parse("FROM x\nRUN a\r\n"), 7) == "\n"
    assert newline_at(parse("FROM x\r\nRUN a\n"), 8) == "\r\n"
    assert newline_at(parse("FROM x\r\nRUN a\n"), 0) == "\r\n"
    assert newline_at(parse("FROM x"), 6) == "\n"
    assert newline_at(parse("\nFROM x"), 1) == "\n"


# For any file

NEWLINES = ("\n", "\r\n")
BLOCKS = (
    "", " ", "# a comment", "# another", "  # indented", "# ---- heading ----", "# hadolint ignore=DL1",
    "USER u", "  ENV a=b", "env c d", "RUN a && \\{n}  b", "RUN a \\{n}# inside{n}  b", "RUN a \\{n}{n}\tb",
    "RUN <<E{n}# no comment{n}E", "COPY a \\ {n} b", "LABEL a='b c'",
)  # fmt: skip
ENDS = ("", "RUN z \\", "RUN z \\{n}# last")


@st.composite
def dockerfiles(draw: st.DrawFn) -> Dockerfile:
    """Files with comments, headings, blank lines, continuations and newlines of any kind in any place."""
    lines = [*draw(st.lists(st.sampled_from(BLOCKS[:7]), max_size=2)), "FROM x"]
    lines += [*draw(st.lists(st.sampled_from(BLOCKS))), draw(st.sampled_from(ENDS))]
    newline = st.sampled_from(NEWLINES) if draw(st.booleans()) else st.just(draw(st.sampled_from(NEWLINES)))
    text = "".join(line.replace("{n}", draw(newline)) + draw(newline) for line in lines if line or draw(st.booleans()))
    head = draw(st.sampled_from(("", "# syntax=a/b\n", "\ufeff")))
    return parse(head + (text if draw(st.booleans()) else text.rstrip("\r\n")))


def spoken(dockerfile: Dockerfile) -> list[tuple[str, str]]:
    """The instructions as the builder reads them."""
    return [(it.name, it.view.text.rstrip()) for it in dockerfile.instructions]


def comments(dockerfile: Dockerfile) -> Counter[str]:
    return Counter(it.text.strip("\ufeff \r\n") for it in dockerfile.comments)


def ends_in_newline(dockerfile: Dockerfile) -> bool:
    return dockerfile.text.endswith("\n")


@given(dockerfiles(), st.data())
def test_removing_takes_one_instruction_and_its_comments(dockerfile: Dockerfile, data: st.DataObject) -> None:
    instruction = data.draw(st.sampled_from(dockerfile.instructions))
    keep = data.draw(st.booleans())
    after = parse(applied(dockerfile.text, remove_instruction(instruction, keep_comments=keep)))
    expected = spoken(dockerfile)
    del expected[dockerfile.instructions.index(instruction)]
    assert spoken(after) == expected
    gone = [*instruction.comments, *(() if keep else attached_comments(instruction))]
    assert comments(after) == comments(dockerfile) - Counter(it.text.removeprefix("\ufeff").strip() for it in gone)
    if after.text.strip("\ufeff"):
        assert ends_in_newline(after) == ends_in_newline(dockerfile)
    assert after.text.startswith("\ufeff") == dockerfile.text.startswith("\ufeff")


@given(dockerfiles(), st.data())
def test_inserting_adds_one_instruction_and_touches_no_other(dockerfile: Dockerfile, data: st.DataObject) -> None:
    instruction = data.draw(st.sampled_from(dockerfile.instructions))
    index = dockerfile.instructions.index(instruction)
    new = ("STOPSIGNAL", "STOPSIGNAL 9")
    for verb, place in ((insert_instruction_before, index), (insert_instruction_after, index + 1)):
        after = parse(applied(dockerfile.text, [verb(instruction, "STOPSIGNAL 9")]))
        expected = spoken(dockerfile)
        expected.insert(place, new)
        assert spoken(after) == expected
        assert comments(after) == comments(dockerfile)
        assert ends_in_newline(after) == ends_in_newline(dockerfile)
        assert after.text.count("\r") - dockerfile.text.count("\r") in (0, 1)
        assert after.text.count("\n") == dockerfile.text.count("\n") + 1


@given(dockerfiles(), st.data())
def test_moving_keeps_all_and_takes_the_comments_along(dockerfile: Dockerfile, data: st.DataObject) -> None:
    instruction = data.draw(st.sampled_from(dockerfile.instructions))
    above = data.draw(st.sampled_from(dockerfile.instructions))
    if above is instruction:
        return
    after = parse(applied(dockerfile.text, move(instruction, above=above)))
    order = list(dockerfile.instructions)
    order.remove(instruction)
    order.insert(order.index(above), instruction)
    assert spoken(after) == [(it.name, it.view.text.rstrip()) for it in order]
    assert comments(after) == comments(dockerfile)
    assert ends_in_newline(after) == ends_in_newline(dockerfile)
    for old, new in zip(order, after.instructions, strict=True):
        kept = [it.text.removeprefix("\ufeff").strip() for it in attached_comments(old)]
        found = [it.text.removeprefix("\ufeff").strip() for it in attached_comments(new)]
        # What comes to stand above the first instruction looks like the header of the file.
        assert found[-len(kept) :] == kept or not kept or new is after.instructions[0]


@given(dockerfiles())
def test_blocks_do_not_overlap(dockerfile: Dockerfile) -> None:
    end = 0
    for instruction in dockerfile.instructions:
        span = block_span(instruction)
        assert end <= span.start <= instruction.keyword.span.start
        end = span.end


@given(dockerfiles(), st.data())
def test_removing_words_keeps_the_other_instructions(dockerfile: Dockerfile, data: st.DataObject) -> None:
    instruction: Instruction = data.draw(st.sampled_from(dockerfile.instructions))
    things: list[Word | ShellWord] = [*instruction.words]
    if isinstance(instruction, Run):
        things += [word for command in instruction.shell.simple_commands() for word in command.words]
    if len(things) < 2:
        return
    thing = data.draw(st.sampled_from(things))
    after = parse(applied(dockerfile.text, [remove_word(dockerfile, thing)]))
    index = dockerfile.instructions.index(instruction)
    expected, found = spoken(dockerfile), spoken(after)
    left = expected.pop(index)[1].split()
    left.remove(thing.text)
    assert found.pop(index)[1].split() == left
    assert found == expected
    assert comments(after) == comments(dockerfile)
    assert ends_in_newline(after) == ends_in_newline(dockerfile)
