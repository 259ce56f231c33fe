"""Commands put into shell lists and taken out of them, in the layout that the list has."""

from __future__ import annotations

import pytest

from rewriter.fixing.commands import append_command, remove_items, remove_words, text_in_front
from rewriter.fixing.edits import insert_in_front
from rewriter.syntax.parser import parse
from rewriter.syntax.text import Edit, Pieces
from rewriter.syntax.tree import Run


def first_run(command: str) -> Run:
    run = parse(f"FROM debian:12\n{command}").instructions[1]
    assert isinstance(run, Run)
    return run


def after(run: Run, *edits: Edit) -> str:
    pieces = Pieces(run.dockerfile.text)
    pieces.apply(edits)
    return pieces.text.removeprefix("FROM debian:12\n")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("RUN a\n", "RUN a && z\n"),
        ("RUN a  # why\n", "RUN a && z  # why\n"),
        ("RUN a; b\n", "RUN a; b && z\n"),
        ("RUN set -e; b\n", "RUN set -e; b; z\n"),
        ("RUN a; b;\n", "RUN a; b && z;\n"),
        ("RUN a && \\\n    b\n", "RUN a && \\\n    b && \\\n    z\n"),
        ("RUN a \\\n && b\n", "RUN a \\\n && b \\\n && z\n"),
        ("RUN a \\\n    x \\\n    y\n", "RUN a \\\n    x \\\n    y \\\n    && z\n"),
        ("RUN set -e; \\\n\tb\n", "RUN set -e; \\\n\tb; \\\n\tz\n"),
        ("RUN <<EOF\na\n  b\nEOF\n", "RUN <<EOF\na\n  b && z\nEOF\n"),
        ("RUN <<EOF\nset -e\n  b\nEOF\n", "RUN <<EOF\nset -e\n  b\n  z\nEOF\n"),
    ],
)
def test_append(command: str, expected: str) -> None:
    run = first_run(command)
    assert after(run, append_command(run, "z")) == expected


@pytest.mark.parametrize(
    ("command", "index", "expected"),
    [
        ("RUN a && b\n", 0, "RUN z && a && b\n"),
        ("RUN a; b\n", 1, "RUN a; z; b\n"),
        ("RUN a \\\n && b\n", 1, "RUN a \\\n && z \\\n && b\n"),
        ("RUN a && \\\n    b\n", 1, "RUN a && \\\n    z && \\\n    b\n"),
        ("RUN a; \\\n\tb\n", 1, "RUN a; \\\n\tz; \\\n\tb\n"),
        ("RUN <<EOF\na\nb\nEOF\n", 0, "RUN <<EOF\nz\na\nb\nEOF\n"),
    ],
)
def test_in_front(command: str, index: int, expected: str) -> None:
    run = first_run(command)
    text = text_in_front(run, index, "z")
    assert after(run, insert_in_front(run.script.pipelines[index], text)) == expected


@pytest.mark.parametrize(
    ("command", "indices", "expected"),
    [
        ("RUN a && b && c\n", {1}, "RUN a && c\n"),
        ("RUN a && b && c\n", {0}, "RUN b && c\n"),
        ("RUN a && b && c\n", {1, 2}, "RUN a\n"),
        ("RUN a && b && c  # why\n", {2}, "RUN a && b  # why\n"),
        ("RUN a \\\n && b \\\n && c\n", {1}, "RUN a \\\n && c\n"),
        ("RUN a && \\\n    b && \\\n    c\n", {2}, "RUN a && \\\n    b\n"),
        ("RUN a && \\\n# of b\n    b && \\\n    c\n", {1}, "RUN a && \\\n# of b\n    c\n"),
        ("RUN a && \\\n# of b\n    b\n", {1}, "RUN a\n# of b\n"),
        ("RUN a; \\\n# of b\n    b;\n", {1}, "RUN a\n# of b\n"),
        ("RUN a; \\\n# of b\n    b # why\n", {1}, "RUN a; \\\n# of b\n    true # why\n"),
        ("RUN <<EOF\na\nb\nc\nEOF\n", {1}, "RUN <<EOF\na\nc\nEOF\n"),
    ],
)
def test_remove(command: str, indices: set[int], expected: str) -> None:
    run = first_run(command)
    assert after(run, *remove_items(run.dockerfile, run.script, indices)) == expected


@pytest.mark.parametrize(
    ("command", "removed", "expected"),
    [
        ("RUN rm a b c\n", "b", "RUN rm a c\n"),
        ("RUN rm a b c\n", "bc", "RUN rm a\n"),
        ("RUN rm a \\\n    b \\\n    c\n", "bc", "RUN rm a\n"),
        ("RUN rm a \\\n    b \\\n# of c\n    c \\\n    d\n", "bc", "RUN rm a \\\n# of c\n    d\n"),
        ("RUN rm a \\\n    b \\\n# of c\n    c\n", "bc", "RUN rm a\n# of c\n"),
    ],
)
def test_remove_words(command: str, removed: str, expected: str) -> None:
    run = first_run(command)
    words = next(run.script.simple_commands()).words
    edits = remove_words(run.dockerfile, words, [word for word in words if word.text in removed])
    assert after(run, *edits) == expected
