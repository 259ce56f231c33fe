"""Stages, what they are based on, and who names them."""

from __future__ import annotations

from typing import SupportsIndex

import pytest

from rewriter.model.stages import StageGraph
from rewriter.syntax.expansion import LONGEST_SUBSTITUTION
from rewriter.syntax.parser import parse


def graph_of(text: str) -> StageGraph:
    return StageGraph(parse(text))


def references(text: str, stage: int = 0) -> list[tuple[str, str, str, bool, bool]]:
    graph = graph_of(text)
    return [
        (one.kind, one.name, text[one.span.start : one.span.end], one.by_number, one.is_plain)
        for one in graph.references(graph.stages[stage])
    ]


def test_stages_know_their_names_bases_and_children() -> None:
    graph = graph_of("FROM golang:1.22 AS Build\nRUN go build\nFROM scratch\nFROM build\nCMD a\n")
    build, empty, last = graph.stages
    assert (build.name, build.alias_word and build.alias_word.text) == ("build", "Build")
    assert build.base
    assert build.base.tag == "1.22"
    assert [one.name for one in build.instructions] == ["RUN"]
    assert empty.base
    assert empty.base.is_scratch
    assert not empty.name
    assert last.parent is build
    assert last.base is None
    assert last.origin is build.base
    assert build.children == [last]
    assert [stage.is_final for stage in graph.stages] == [False, False, True]
    assert list(last.lineage) == [last, build]


def test_from_takes_the_last_stage_of_that_name_above() -> None:
    graph = graph_of("FROM a AS x\nFROM b AS x\nFROM x\nFROM y\nFROM c AS y\n")
    assert graph.stages[2].parent is graph.stages[1]
    assert graph.stages[3].parent is None


def test_a_stage_may_be_named_like_its_image() -> None:
    graph = graph_of("FROM node AS node\nFROM node\n")
    assert graph.stages[0].parent is None
    assert graph.stages[1].parent is graph.stages[0]


@pytest.mark.parametrize(
    ("text", "base", "is_fixed"),
    [
        ("ARG V=3.12\nFROM python:$V\n", "python:3.12", False),
        ('ARG V="3.12"\nARG T=${V}-slim\nFROM python:${T}\n', "python:3.12-slim", False),
        ("ARG V\nFROM python:$V\n", None, False),
        ("ARG V\nFROM python:${V:-3}\n", "python:3", False),
        ("ARG V=\nFROM python:${V:-3}\n", "python:3", False),
        ("FROM python:${V:-3}\n", "python:3", True),
        ("FROM --platform=$BUILDPLATFORM golang\n", "golang", True),
        ("FROM base-$TARGETARCH\n", None, False),
        ("ARG A=x\nARG A\nFROM $A\n", "x", False),
        ("ARG A=$TARGETARCH\nFROM x:${A:-y}\n", None, False),
        ('FROM "python"\n', "python", True),
        ("FROM ${V?no}\n", None, True),
    ],
)
def test_from_is_expanded_with_the_defaults_of_global_arguments(text: str, base: str | None, is_fixed: bool) -> None:
    stage = graph_of(text).stages[0]
    assert (str(stage.base) if stage.base else None) == base
    assert stage.base_is_fixed is is_fixed


def test_global_arguments() -> None:
    graph = graph_of("ARG A=1 B\nARG C=$A-$B\nFROM x\nARG D=2\n")
    assert graph.global_arguments == {"A": "1", "B": None, "C": None}


def test_an_argument_can_name_a_stage() -> None:
    text = "ARG B=base\nFROM x AS base\nFROM $B\nFROM ${B}\n"
    assert references(text) == [("from", "$B", "$B", False, False), ("from", "${B}", "${B}", False, False)]


def test_every_kind_of_reference() -> None:
    text = (
        "FROM a AS Build\n"
        "FROM Build\n"
        "COPY --from=BUILD /x /y\n"
        "COPY --chown=1 --from=0 /x /y\n"
        "RUN --mount=type=bind,target=/m,from=build,source=/x cat /m\n"
        "ONBUILD COPY --from=build /x /y\n"
        "copy --from=\\\nbuild /x /y\n"
    )
    assert references(text) == [
        ("from", "Build", "Build", False, True),
        ("copy", "BUILD", "BUILD", False, True),
        ("copy", "0", "0", True, True),
        ("mount", "build", "build", False, True),
        ("onbuild", "build", "build", False, True),
        ("copy", "build", "build", False, True),
    ]


def test_what_is_no_reference() -> None:
    text = (
        "FROM a AS build\nFROM b\nCOPY --from=build2 /x /y\nCOPY --from=$build /x /y\nCOPY build /y\n"
        "RUN --mount=type=bind,from=0 ls\nRUN --mount=type=cache,target=/from=build ls\nCOPY --from=7 /x /y\n"
    )
    assert references(text) == []


def test_a_name_in_quotes_is_found_but_not_plain() -> None:
    text = "FROM a AS build\nFROM b\nCOPY --from=\"build\" /x /y\nRUN --mount='type=bind,from=build' ls\n"
    assert [(kind, plain) for kind, _, _, _, plain in references(text)] == [("copy", False), ("mount", False)]


def test_copy_takes_the_last_stage_of_that_name_in_the_file() -> None:
    text = "FROM a AS x\nFROM b AS x\nFROM c\nCOPY --from=x / /\n"
    assert references(text, 0) == []
    assert len(references(text, 1)) == 1


def test_stage_of_an_instruction() -> None:
    dockerfile = parse("ARG A\nFROM x\nONBUILD RUN a\nFROM y\nRUN b\n")
    graph = StageGraph(dockerfile)
    indexes = [stage.index if stage else None for stage in map(graph.stage_of, dockerfile.instructions)]
    assert indexes == [None, 0, 0, 1, 1]
    trigger = getattr(dockerfile.instructions[2], "trigger")  # noqa: B009
    assert graph.stage_of(trigger) is graph.stages[0]


def test_a_file_without_from_has_no_stages() -> None:
    assert graph_of("RUN a\nARG x=1\n").stages == ()
    assert graph_of("").stages == ()
    assert graph_of("FROM\n").stages == ()


def test_windows() -> None:
    graph = graph_of("FROM --platform=windows/amd64 x AS a\nFROM a\nFROM golang:nanoserver\nFROM golang\n")
    assert [stage.is_windows for stage in graph.stages] == [True, True, True, False]


def test_the_span_of_a_stage() -> None:
    text = "# head\nFROM a\nRUN b\n# tail\n\nFROM c\n"
    span = graph_of(text).stages[0].span
    assert text[span.start : span.end] == "FROM a\nRUN b\n"


def test_the_instructions_of_a_stage_are_gathered_once() -> None:
    stage = graph_of("FROM a\n" + "MAINTAINER b\n" * 3).stages[0]
    assert stage.instructions is stage.instructions


def test_global_arguments_that_double_are_unknown_in_the_end() -> None:
    graph = graph_of("ARG A=xxxxxxxxxx\n" + "ARG A=$A$A\n" * 40 + "FROM a:$A\n")
    value = graph.global_values["A"]
    assert value is not None
    assert value.known is None
    assert len(value.text) <= LONGEST_SUBSTITUTION
    assert graph.stages[0].base is None
    assert not graph.stages[0].base_is_fixed


class Sliced(str):
    """A text that counts the characters copied out of it."""

    __slots__ = ("copied",)
    copied: int

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        result = super().__getitem__(key)
        self.copied += len(result)
        return result


@pytest.mark.parametrize("lines", ["\n# x\n" * 2_000, "\n\t\n" * 2_000, "\n# x\n\n# y\na \\\n" * 500])
def test_gaps_are_found_in_one_pass(lines: str) -> None:
    text = Sliced(f"FROM a\nRUN b \\\n{lines}\nc \\\n")
    text.copied = 0
    instruction = parse(text).instructions[1]
    text.copied = 0
    gaps = instruction.gaps
    assert gaps
    assert text.copied <= len(text)


def test_gaps_at_the_end_have_no_next_word() -> None:
    instruction = parse("FROM a\nRUN b \\\n\n# x\n\n").instructions[1]
    assert [(gap.span.start, gap.next_word) for gap in instruction.gaps] == [(15, ""), (20, "")]


def test_gaps_know_the_next_word() -> None:
    instruction = parse("FROM a\nRUN b \\\n\n# x\n\n# y\n c d \\\n\n\n# z\n\n\x1c\n").instructions[1]
    assert [(gap.span.start, gap.next_word) for gap in instruction.gaps] == [
        (15, "c"), (20, "c"), (32, "\x1c"), (38, "\x1c"),
    ]  # fmt: skip


def test_a_family_is_a_stage_with_all_that_are_based_on_it_the_nearest_first() -> None:
    graph = graph_of("FROM a AS x\nFROM x AS y\nFROM y AS deep\nFROM b\nFROM x AS z\n")
    assert [stage.name for stage in graph.stages[0].family] == ["x", "y", "z", "deep"]
    assert [stage.name for stage in graph.stages[2].family] == ["deep"]
