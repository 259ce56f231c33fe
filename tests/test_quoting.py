"""Values are written so that BuildKit reads them as meant."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given, reject
from hypothesis import strategies as st

from rewriter import parse
from rewriter.fixing.quoting import NotWritableError, as_value, json_form, literal, unquoted
from rewriter.syntax.expansion import ExpansionError, expand
from rewriter.syntax.text import view_of
from rewriter.syntax.tree import Cmd
from rewriter.syntax.words import BLANKS, split_quoted

ENVIRONMENTS: tuple[dict[str, str], ...] = (
    {},
    {"A": "v", "AB": "other", "A1": "one", "Ab": "b", "A_": "_", "AA": "a"},
    {"A": "two words"},
    {"A": "it's", "B": ""},
    {"A": '"q"', "B": "$A"},
    {"A": "\\", "A_": "`"},
)
PARTS = (
    "\"$A\"", "b", "_", "A",  # what a quote keeps apart
    "a", "b", "B", "1", "_", " ", "  ", "\t", "'", '"', "\\", "`", "$", "${", "}", "$A", "$B", "${A}", "${A:-x y}",
    "${B:+'b'}", "${A#t}", "$1", ":", "=", "#", "-", "/", ",", ";", "é", "\u00a0", "\x85", "{", "\f",
)  # fmt: skip

escapes = st.sampled_from("\\`")
raws = st.lists(st.sampled_from(PARTS), min_size=1, max_size=8).map("".join).map(lambda raw: raw.strip(BLANKS))


def value_of(text: str, environment: dict[str, str], escape: str) -> str | None:
    """What BuildKit makes of a text; None where it reports an error."""
    try:
        return expand(text, environment, escape)
    except ExpansionError:
        return None


def words(text: str, escape: str) -> list[str]:
    return [word.text for word in split_quoted(view_of(text, 0, len(text)), 0, len(text), escape)]


@given(raws, escapes)
@example('${A}\\"$A"', "\\")
@example('"$"$A""\xa0', "\\")
@example("""'"${'\"""", "\\")
def test_a_value_is_one_word_and_means_what_the_old_form_meant(raw: str, escape: str) -> None:
    assume(raw)
    try:
        written = as_value(raw, escape)
    except NotWritableError:
        reject()
    assert words(f"KEY={written}", escape) == [f"KEY={written}"]
    assert words(f"KEY={written} NEXT=1", escape) == [f"KEY={written}", "NEXT=1"]
    for environment in ENVIRONMENTS:
        assert value_of(written, environment, escape) == value_of(raw, environment, escape)


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        ("1", "1"),
        ("a b", '"a b"'),
        ("a  b", '"a  b"'),
        ('"a b"', '"a b"'),
        ("'a b'", "'a b'"),
        ("'a' b", '"a b"'),
        ('"a" "b"', '"a b"'),
        ("it's mine", None),
        ("it\\'s mine", '"it\'s mine"'),
        ("$A b", '"$A b"'),
        ("$A'b' c", '"${A}b c"'),
        ("'$A' b", '"\\$A b"'),
        ("a\\ b", "a\\ b"),
        ("a\\ b c", '"a b c"'),
        ("C:\\\\dir x", '"C:\\\\dir x"'),
        ('say \\"hi\\"', '"say \\"hi\\""'),
        ("${A:-x}", "${A:-x}"),
        ("${A:-x y}", None),
        ("a $ b", None),
        ("a\\", None),
        ('"open', None),
    ],
)
def test_examples(raw: str, written: str | None) -> None:
    if written is None:
        with pytest.raises(NotWritableError):
            as_value(raw, "\\")
    else:
        assert as_value(raw, "\\") == written


@given(raws, escapes)
def test_plain_values_are_always_writable(raw: str, escape: str) -> None:
    assume(raw)
    assume(not set(raw) & set("'\"\\`$"))
    assert as_value(raw, escape) in (raw, f'"{raw}"')


@given(st.text(alphabet=st.characters(exclude_characters="\n\r\0")), escapes)
def test_a_literal_is_one_word_and_means_itself(value: str, escape: str) -> None:
    written = literal(value, escape)
    assert words(f"KEY={written}", escape) == [f"KEY={written}"]
    assert expand(written, {"A": "no"}, escape) == value


@given(raws, escapes)
def test_a_literal_of_special_characters_means_itself(value: str, escape: str) -> None:
    written = literal(value, escape)
    assert words(f"KEY={written}", escape) == [f"KEY={written}"]
    for environment in ENVIRONMENTS:
        assert expand(written, environment, escape) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"Ada Lovelace"', "Ada Lovelace"),
        ("'Ada Lovelace'", "Ada Lovelace"),
        ("Ada", "Ada"),
        ('"Ada" and "Bob"', '"Ada" and "Bob"'),
        ("'Ada' and 'Bob'", "'Ada' and 'Bob'"),
        ('"say \\"hi\\""', 'say "hi"'),
        ('"a\\\\"', "a\\"),
        ('"a\\"', '"a\\"'),
        ('"', '"'),
        ('""', ""),
        ("", ""),
    ],
)
def test_only_quotes_around_all_of_it_go(text: str, expected: str) -> None:
    assert unquoted(text, "\\") == expected
    assert unquoted(text.replace("\\", "`"), "`") == expected.replace("\\", "`")


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1))
def test_the_json_form_is_read_as_its_words(words: list[str]) -> None:
    assume(not any("\0" in word for word in words))
    (command,) = parse(f"FROM x\nCMD {json_form(words)}\n").instructions[1:]
    assert isinstance(command, Cmd)
    assert command.json is not None
    assert [string.value for string in command.json] == words
