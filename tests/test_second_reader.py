"""The second reader: it reads without touching the disk, and speaks up only where it is right."""

from __future__ import annotations

import builtins
import os
import time
from pathlib import Path

import pytest

from rewriter import parse
from rewriter.second_reader import disagreement, instructions


def test_instructions() -> None:
    text = "\ufeff# syntax=docker/dockerfile:1\nfrom a\n# comment\nRUN b \\\n  # inside\n  c  d\nENV X=$Y\n"
    assert instructions(text) == [("FROM", "a"), ("RUN", "b c d"), ("ENV", "X=$Y")]
    assert instructions("") == []


def test_what_it_cannot_read() -> None:
    assert instructions("FROM a\nRUN echo \udcff\n") is None
    assert instructions("RUN x\n" * 100_000) is None


def test_it_never_touches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Dockerfile").write_text("FROM wrong\n")
    monkeypatch.chdir(tmp_path)
    instructions("FROM a\n")  # whatever is loaded, is loaded now

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("the disk was touched")

    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", forbidden)
        patch.setattr(os, "open", forbidden)
        assert instructions("FROM a\nRUN b\n") == [("FROM", "a"), ("RUN", "b")]


def test_nothing_is_said_when_all_is_well() -> None:
    before = parse("from a\nrun apt-get update \\\n && apt-get install -y x\n")
    after = parse("FROM a\nRUN --mount=type=cache,target=/x apt-get update \\\n    && apt-get install -y x\nUSER 1\n")
    assert disagreement(before, after) == ""
    assert disagreement(before, before) == ""


# An empty line ends an instruction for dockerfile-parse, but not for the builder: a difference that we can provoke.
SPLIT = "FROM a\nRUN b \\\n\n  c\nRUN d\n"


def test_a_new_difference_is_reported() -> None:
    said = disagreement(parse("FROM a\nRUN b \\\n  c\nRUN d\n"), parse(SPLIT))
    assert said == "instruction 2: dockerfile-parse reads 'RUN b', dfix reads 'RUN b c'"
    longer = disagreement(parse("FROM a\n"), parse(f"FROM a\nRUN {'x' * 100} \\\n\n  c\n"))
    assert longer.startswith(f"instruction 2: dockerfile-parse reads 'RUN {'x' * 73}...', dfix")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (SPLIT, SPLIT.replace("RUN d", "RUN e")),
        ("FROM a\nRUN <<EOF\nRUN x\nEOF\n", "FROM a\nRUN <<EOF\nRUN y\nEOF\n"),
        ("FROM a\nRUN x\n", "FROM a\nRUN <<EOF\nx y\nEOF\n"),
        ("FROM a\nRUN x\n", "FROM a\nRUN x\nRUN \udcff\n"),
        ("FROM a\nRUN \udcff\n", "FROM a\nRUN \udcff x\n"),
        ("", ""),
    ],
)
def test_nothing_is_said_where_it_cannot_judge(before: str, after: str) -> None:
    assert disagreement(parse(before), parse(after)) == ""


def test_a_long_continuation_takes_no_long_time() -> None:
    text = "FROM a\nRUN x" + " \\\n y" * 35_000 + "\n"
    start = time.perf_counter()
    assert disagreement(parse(text), parse(text.replace("FROM a", "FROM b"))) == ""
    assert time.perf_counter() - start < 5
