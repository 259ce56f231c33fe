"""Words as the builder expands them."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rewriter.syntax.expansion import LONGEST_SUBSTITUTION, ExpansionError, LimitError, expand, find_heredocs
from rewriter.syntax.parser import parse

PARTS = ("a", "b", "*", "?", "\\*", "\\?", "\\\\", "\\/")
PATTERNS = st.text("ab*?", max_size=7) | st.lists(st.sampled_from(PARTS), max_size=7).map("".join)
VALUES = st.text("ab*?\\/\n", max_size=9)
NESTED = "${a:-" * 3_000 + "}" * 3_000


def as_regex(pattern: str, greedy: bool) -> re.Pattern[str]:
    """BuildKit's own way to match: a regular expression, which takes exponential time in Python but not in Go."""
    wild = {"*": ".*" if greedy else ".*?", "?": "."}
    parts = (
        re.escape(part[1:]) if part.startswith("\\") else wild.get(part) or re.escape(part)
        for part in re.findall(r"\\.|.", pattern, re.DOTALL)
    )
    return re.compile("".join(parts), re.DOTALL)


def without_start(value: str, pattern: str, greedy: bool) -> str:
    match = as_regex(pattern, greedy).match(value)
    return value[match.end() :] if match else value


def without_end(value: str, pattern: str, greedy: bool) -> str:
    starts = range(len(value) + 1)
    for start in starts if greedy else reversed(starts):
        if as_regex(pattern, greedy).fullmatch(value, start):
            return value[:start]
    return value


def replaced(value: str, pattern: str, every: bool) -> str:
    end = 0

    def replacement(match: re.Match[str]) -> str:
        nonlocal end
        # Unlike Python, Go replaces no empty match directly behind another one.
        kept = match.end() > end or match.start() == 0
        end = match.end()
        return "-" if kept else ""

    return as_regex(pattern, True).sub(replacement, value, count=0 if every else 1)


@given(VALUES, PATTERNS)
@example("abcabc", "*b")
@example("ab", "*")
@example("", "*")
@example("ab", "")
@example("aXbXc", "?X*")
@example("a*b", "\\*b")
def test_patterns_match_as_the_builders_regular_expressions_do(value: str, pattern: str) -> None:
    environment = {"X": value}
    assert expand(f"${{X#{pattern}}}", environment) == without_start(value, pattern, False)
    assert expand(f"${{X##{pattern}}}", environment) == without_start(value, pattern, True)
    assert expand(f"${{X%{pattern}}}", environment) == without_end(value, pattern, False)
    assert expand(f"${{X%%{pattern}}}", environment) == without_end(value, pattern, True)
    assert expand(f"${{X//{pattern}/-}}", environment) == replaced(value, pattern, True)
    if pattern:
        assert expand(f"${{X/{pattern}/-}}", environment) == replaced(value, pattern, False)


@pytest.mark.parametrize("stars", ["*a" * 60, "*?" * 60, "*a?" * 40])
@pytest.mark.parametrize("operator", ["#", "##", "%", "%%", "/", "//"])
def test_many_stars_end(operator: str, stars: str) -> None:
    # Trying the ways to distribute the value over the stars would not end.
    value = "a" * 4_000
    end = "/x" if operator.startswith("/") else ""
    assert expand(f"${{X{operator}{stars}b{end}}}", {"X": value}) == value


@pytest.mark.parametrize("pattern", ["\\a", "x\\n*"])
def test_an_invalid_escape_in_a_pattern_is_an_error(pattern: str) -> None:
    with pytest.raises(ExpansionError, match="invalid escape"):
        expand(f"${{X#{pattern}}}", {"X": "abc"})


@pytest.mark.parametrize(
    "text",
    ["$X$X", "${X}${X:+}", "${Y//a/$X}", "${X//x/xx}", "${Y//a/${Y//a/${Y//a/${Y//a/aaaaaaaa}}}}", "$X" * 100_000],
)
def test_what_variables_bring_in_is_bounded(text: str) -> None:
    environment = {"X": "x" * (LONGEST_SUBSTITUTION // 2 + 1), "Y": "a" * 20}
    with pytest.raises(LimitError, match="bring in more than"):
        expand(text, environment)


def test_a_long_text_may_be_as_long_as_it_is() -> None:
    value = "x" * LONGEST_SUBSTITUTION
    assert expand(f"{value}'y'$X", {"X": value}) == f"{value}y{value}"


@pytest.mark.parametrize("text", [NESTED, f'"{NESTED}"', '"${a:-' * 3_000, "${a#" * 3_000, "${a/x/" * 3_000])
def test_deep_nesting_is_an_error_of_its_own(text: str) -> None:
    with pytest.raises(LimitError):
        expand(text, {})
    with pytest.raises(LimitError):
        find_heredocs(f"RUN cat <<EOF {text}")


def test_ordinary_nesting_is_followed() -> None:
    assert expand("${a:-" * 20 + "x" + "}" * 20, {}) == "x"
    assert expand("${a:-${b:-x}}" * 100, {}) == "x" * 100


@pytest.mark.parametrize("line", [f"RUN cat <<EOF {NESTED}", f"ONBUILD COPY <<EOF {NESTED} /a", f"RUN cat <<{NESTED}"])
def test_a_file_with_deep_nesting_beside_a_heredoc_is_refused(line: str) -> None:
    # Not taking the heredoc's lines for instructions: the builder can lex the line.
    dockerfile = parse(f"FROM a\n{line}\nx\nEOF\n")
    assert dockerfile.syntax_problem is not None
    assert "nested more than" in dockerfile.syntax_problem.message


def test_a_line_that_cannot_be_lexed_opens_no_heredoc() -> None:
    assert find_heredocs("RUN cat <<EOF it's") == []
    dockerfile = parse("FROM a\nRUN cat <<EOF it's\nRUN b\n")
    assert dockerfile.problem is None
    assert [one.name for one in dockerfile.instructions] == ["FROM", "RUN", "RUN"]
