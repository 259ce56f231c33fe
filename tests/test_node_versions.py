"""Which version of Node and of its package managers runs in a RUN."""

from __future__ import annotations

import pytest

from rewriter import parse
from rewriter.model.installing.node_versions import manager_version, node_version
from rewriter.model.stages import StageGraph
from rewriter.model.state import State, States


def state_behind(text: str) -> State:
    """What is in force at the end of a Dockerfile."""
    graph = StageGraph(parse(text))
    return States(graph).at_end(graph.stages[-1])


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("node:20", 20),
        ("node:18.19.1-bookworm-slim", 18),
        ("docker.io/library/node:lts-alpine", 25),
        ("node:hydrogen-slim", 18),
        ("node", 25),
        ("node:stretch", 0),
        ("node@sha256:" + "0" * 64, 0),
        ("mirror.example.com/node:16", 16),
        ("debian:12", 0),
    ],
)
def test_node_of_an_image(image: str, version: int) -> None:
    assert node_version(state_behind(f"FROM {image}\n")) == version


def test_node_of_nodesource() -> None:
    text = "FROM debian:12\nRUN curl -fsSL https://deb.nodesource.com/setup_22.x | bash -\n"
    assert node_version(state_behind(text)) == 22


@pytest.mark.parametrize(
    ("node", "npm"), [(8, 5), (10, 6), (14, 6), (15, 7), (16, 8), (18, 8), (20, 10), (22, 10), (24, 11)]
)
def test_npm_of_a_node(node: int, npm: int) -> None:
    found = manager_version("npm", state_behind(f"FROM node:{node}\n"), {})
    assert min(found, 7) == min(npm, 7)


@pytest.mark.parametrize(
    ("step", "manager", "version"),
    [
        ("npm install -g npm@6", "npm", 6),
        ("npm i -g npm@latest", "npm", 11),
        ("npm i -g npm@$NPM", "npm", 0),
        ("npm install --global pnpm@9.1.0 typescript", "pnpm", 9),
        ("npm install -g pnpm", "pnpm", 0),
        ("corepack enable && corepack prepare pnpm@8.6.0 --activate", "pnpm", 8),
        ("npm install pnpm@7", "pnpm", 10),
        ("npm install -g @yarnpkg/cli-dist@4.6.0", "yarn", 4),
        ("true", "pnpm", 10),
        ("true", "yarn", 1),
    ],
)
def test_managers_that_are_installed(step: str, manager: str, version: int) -> None:
    package = {"packageManager": "pnpm@10.2.0+sha512.x"}
    assert manager_version(manager, state_behind(f"FROM node:20\nRUN {step}\n"), package) == version


@pytest.mark.parametrize(("tag", "version"), [("1.2", 1), ("1", 1), ("1.1.20", 0), ("1.3-alpine", 1), ("alpine", 1)])
def test_bun(tag: str, version: int) -> None:
    assert manager_version("bun", state_behind(f"FROM oven/bun:{tag}\n"), {}) == version


def test_yarn_of_package_json() -> None:
    assert manager_version("yarn", state_behind("FROM node:20\n"), {"packageManager": "yarn@4.1.0"}) == 4
