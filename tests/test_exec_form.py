"""Whether CMD can do without a shell: the words, what stands in front of them, and the program that they start."""

from __future__ import annotations

import pytest

from rewriter.model.context.build_context import BuildContext
from rewriter.model.exec_form.executables import reason_against_starting
from rewriter.model.exec_form.handover import reason_against_handing_over
from rewriter.model.exec_form.plain_words import plain_words
from rewriter.model.project.sources import Sources
from rewriter.model.stages import StageGraph
from rewriter.model.state import States
from rewriter.syntax.parser import parse
from rewriter.syntax.tree import Cmd


def words(command: str) -> tuple[str, ...]:
    (cmd,) = (one for one in parse(f"FROM debian:12\nCMD {command}\n").instructions if isinstance(one, Cmd))
    return plain_words(cmd).values


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python main.py", ("python", "main.py")),
        ("exec python main.py", ("python", "main.py")),
        ("""a 'b c' "d \\"e\\"" f\\ g '$h' \\$i""", ("a", "b c", 'd "e"', "f g", "$h", "$i")),
        ("java -Dx={a} -jar app.jar", ("java", "-Dx={a}", "-jar", "app.jar")),
        ("a ''", ("a", "")),
        *((text, ()) for text in (
            "a $B", "a *.py", "a ~", "a {b,c}", "a | b", "a; b", "a &", "! a", "A=b c", "a > b", "a `b`", "echo a",
            "[ a ]",
            "exec -a x y", "(a)", "'a b' c", "''", "a # b", "if a; then b; fi",
        )),
    ],
)  # fmt: skip
def test_words_that_need_no_shell(command: str, expected: tuple[str, ...]) -> None:
    assert words(command) == expected


@pytest.mark.parametrize(
    ("program", "file", "is_refused"),
    [
        ("./run", "#!/bin/sh\n", False),
        ("./run", "#! /usr/bin/env python\n", False),
        ("./run", "#!sh\n", True),
        ("./run", "\ufeff#!/bin/sh\n", True),
        ("./run", "echo\n", True),
        ("./run", "", True),
        ("./absent", "#!/bin/sh\n", True),
    ],
)
def test_scripts_of_the_context(program: str, file: str, is_refused: bool) -> None:
    graph = StageGraph(parse("FROM debian:12\nWORKDIR /app\nCOPY . .\n"))
    context = BuildContext.of_list(["run"]).with_text("run", file)
    sources = Sources(graph.stages[0], States(graph), context)
    assert bool(reason_against_starting(program, sources)) is is_refused


@pytest.mark.parametrize(
    ("image", "program", "is_refused"),
    [
        ("python:3.13", "python", False),
        ("node:22-slim", "npm", False),
        ("php:8.3-apache", "apache2-foreground", False),
        ("eclipse-temurin:21", "java", False),
        ("scratch", "/app", False),
        ("nginx:1.27", "nginx", True),
        ("nginx:1.27", "supervisord", False),
        ("mysql:8", "mysqld", True),
        ("gcr.io/distroless/java17", "java", True),
        ("someone/python", "python", True),
    ],
)
def test_what_the_base_image_does_with_a_command(image: str, program: str, is_refused: bool) -> None:
    (stage,) = StageGraph(parse(f"FROM {image}\n")).stages
    assert bool(reason_against_handing_over(stage, program)) is is_refused
