"""Projects whose contexts stand in the test itself."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent

from rewriter.model.context.build_context import BuildContext
from rewriter.model.project import Project
from rewriter.model.project.answers import Program, Start
from rewriter.model.stages import StageGraph
from rewriter.model.state import States
from rewriter.syntax.parser import parse

PYTHON = "FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\n"
NODE = "FROM node:20-slim\nWORKDIR /app\nCOPY . .\n"


def context_of(files: Mapping[str, str], listed: tuple[str, ...] = ()) -> BuildContext:
    """A context of texts, and of files that are listed but cannot be read."""
    texts = {path: dedent(text).lstrip("\n") for path, text in files.items()}
    return BuildContext.of_list([*texts, *listed]).with_texts(texts)


def project_of(dockerfile: str, files: Mapping[str, str] | None = None, listed: tuple[str, ...] = ()) -> Project:
    """The project of the last stage."""
    graph = StageGraph(parse(dockerfile))
    return Project(graph.stages[-1], States(graph), context_of(files or {}, listed))


def started(project: Project) -> list[str]:
    """The commands that run, as text."""
    assert isinstance(project.start, Start), project.start
    return [command.text for command in project.start.commands]


def program(project: Project) -> Program:
    """The program, which must be known."""
    assert isinstance(project.program, Program), project.program
    return project.program
