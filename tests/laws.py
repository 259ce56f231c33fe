"""The laws of the design as one check, for any text and any way to fix it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from rewriter import parse
from rewriter.engine import Outcome
from rewriter.laws import lost_comments
from rewriter.output.diff import unified_diff
from rewriter.syntax import tree
from rewriter.syntax.text import encode
from rewriter.syntax.tree import Directive, Dockerfile
from tests.judges.buildkit import buildkit_reading, can_judge, own_reading
from tests.judges.shell import bash_accepts, dash_accepts

# Fixers that declare instructions dropped, whose comments may go with them.
DROPPERS = frozenset({"DF104", "DF206", "DF301", "DF609"})


def check(text: str, fix: Callable[[str], Outcome]) -> Outcome:
    """Fix the text and assert every law; gives the outcome."""
    before = parse(text)
    outcome = fix(text)
    assert not outcome.broken_law, outcome.broken_law
    after = parse(outcome.after)
    if before.problem:
        assert outcome.after == text, "a refused file was touched"
        return outcome
    assert_tree_is_whole(after)
    assert after.problem is None, after.problem
    assert_bytes_outside_regions_kept(outcome)
    assert [*map(str, _directives(before))] == [*map(str, _directives(after))], "a parser directive moved"
    if not DROPPERS & {applied.code for applied in outcome.applied}:
        assert lost_comments(before, after) == Counter(), "a comment was lost"
    assert_shell_still_valid(before, after)
    assert_buildkit_still_agrees(after)
    again = fix(outcome.after)
    assert encode(again.after) == encode(outcome.after), f"a second run changes more:\n{_diff(again)}"
    return outcome


def _diff(outcome: Outcome) -> str:
    return unified_diff("Dockerfile", outcome.before, outcome.after, outcome.regions)


def assert_tree_is_whole(dockerfile: Dockerfile) -> None:
    """Nodes and tokens tile the text."""
    assert "".join(node.text for node in dockerfile.nodes) == dockerfile.text
    assert "".join(dockerfile.text[token.start : token.end] for token in dockerfile.tokens) == dockerfile.text


def assert_bytes_outside_regions_kept(outcome: Outcome) -> None:
    """What lies between the regions that the engine names is the same before and after."""
    old = new = 0
    for region in outcome.regions:
        assert outcome.before[old : region.old.start] == outcome.after[new : region.new.start]
        old, new = region.old.end, region.new.end
    assert outcome.before[old:] == outcome.after[new:]


def _directives(dockerfile: Dockerfile) -> list[tuple[str, str]]:
    return [(node.name, node.value) for node in dockerfile.nodes if isinstance(node, Directive)]


def shell_texts(dockerfile: Dockerfile) -> list[str]:
    """The shell form of every RUN."""
    runs = [node for node in dockerfile.instructions if isinstance(node, tree.Run) and node.json is None]
    return [run.arguments for run in runs]


def assert_shell_still_valid(before: Dockerfile, after: Dockerfile) -> None:
    """If every RUN was accepted by a shell before, every RUN still is."""
    old, new = set(shell_texts(before)), set(shell_texts(after))
    for accepts in (bash_accepts, dash_accepts):
        gone, come = sorted(old - new), sorted(new - old)
        if come and all(accepts(gone)):
            rejected = [text for text, good in zip(come, accepts(come), strict=True) if not good]
            assert not rejected, f"{accepts.__name__} refuses {rejected[0]!r}"


def assert_buildkit_still_agrees(after: Dockerfile) -> None:
    """BuildKit's own parser reads the result as we do."""
    if can_judge(after.text):
        theirs = buildkit_reading(after.text)
        assert not isinstance(theirs, str), theirs
        if not any(reading.json for reading in theirs):  # the binding accepts text behind a JSON array
            assert own_reading(after) == theirs
