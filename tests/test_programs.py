"""Which programs an image is known to have."""

from __future__ import annotations

import pytest

from rewriter.model.programs import has_program
from rewriter.model.stages import StageGraph
from rewriter.model.state import States
from rewriter.syntax.parser import parse


def has(program: str, dockerfile: str) -> bool:
    graph = StageGraph(parse(dockerfile))
    return has_program(program, States(graph).at_end(graph.stages[-1]))


@pytest.mark.parametrize("program", ["python3", "curl", "git", "bash", "gcc"])
def test_of_the_base_image(program: str) -> None:
    assert has(program, "FROM python:3.11\n")


@pytest.mark.parametrize("program", ["curl", "git", "gcc", "ps", "invented"])
def test_what_a_slim_image_lacks(program: str) -> None:
    assert not has(program, "FROM python:3.11-slim\n")


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("curl", "apt-get update && apt-get install -y curl=7.88.1-10 git"),
        ("ps", "apt-get update && apt-get install -y procps"),
        ("make", "apt-get update && apt-get install -y build-essential:amd64"),
    ],
)
def test_installed_by_a_run(program: str, command: str) -> None:
    assert has(program, f"FROM python:3.11-slim\nRUN {command}\n")
    assert has(program, f"FROM python:3.11-slim AS base\nRUN {command}\nFROM base\nCMD python3 main.py\n")


def test_removed_or_installed_elsewhere() -> None:
    assert not has("curl", "FROM debian:12 AS builder\nRUN apt-get install -y curl\nFROM debian:12\n")
    assert not has("curl", "FROM debian:12\nRUN apt-get install -y curl\nRUN apt-get purge -y curl\n")
    assert not has("curl", "FROM alpine\nRUN apk add -t .tools curl\nRUN apk del .tools\n")
    assert has("curl", "FROM alpine\nRUN apk add curl && apk add -t .tools gcc && make && apk del .tools\n")
