"""Where package managers keep their downloads, and how the mount is written."""

from __future__ import annotations

import pytest

from rewriter.model.caching.mounts import CacheMount, cache_mounts
from rewriter.model.features import allows
from rewriter.model.stages import StageGraph
from rewriter.model.state import States
from rewriter.syntax.parser import parse


def mounts(manager: str, text: str) -> tuple[CacheMount, ...] | str:
    graph = StageGraph(parse(text))
    return cache_mounts(manager, States(graph).at_end(graph.stages[-1]))


@pytest.mark.parametrize(
    ("manager", "text", "folders"),
    [
        ("pip", "FROM python:3.11\n", ["/root/.cache/pip"]),
        ("pip", "FROM python:3.11\nENV XDG_CACHE_HOME=/c\n", ["/c/pip"]),
        ("pip", "FROM python:3.11\nENV PIP_CACHE_DIR=/c XDG_CACHE_HOME=/d\n", ["/c"]),
        ("pip", "FROM python:3.11\nENV HOME=/h\n", ["/h/.cache/pip"]),
        ("uv", "FROM python:3.11\nENV UV_CACHE_DIR=/c\n", ["/c"]),
        ("poetry", "FROM python:3.11\n", ["/root/.cache/pypoetry/cache", "/root/.cache/pypoetry/artifacts"]),
        ("poetry", "FROM python:3.11\nENV POETRY_CACHE_DIR=/c\n", ["/c/cache", "/c/artifacts"]),
        ("npm", "FROM node:20\nUSER node\n", ["/home/node/.npm"]),
        ("npm", "FROM node:20\nENV npm_config_cache=/c\n", ["/c"]),
        ("yarn", "FROM node:20\n", ["/usr/local/share/.cache/yarn"]),
        ("yarn", "FROM node:20\nUSER node\n", ["/home/node/.cache/yarn"]),
        ("pnpm", "FROM node:20\nENV PNPM_HOME=/pnpm\n", ["/pnpm/store"]),
        ("go", "FROM golang:1.22\n", ["/go/pkg/mod", "/root/.cache/go-build"]),
        ("go", "FROM debian:12\n", ["/root/go/pkg/mod", "/root/.cache/go-build"]),
        ("cargo", "FROM rust:1.80\n", ["/usr/local/cargo/registry", "/usr/local/cargo/git"]),
        ("cargo", "FROM debian:12\n", ["/root/.cargo/registry", "/root/.cargo/git"]),
        ("apt-get", "FROM ghcr.io/a/b\nUSER nobody\n", ["/var/cache/apt", "/var/lib/apt/lists"]),
    ],
)
def test_folders(manager: str, text: str, folders: list[str]) -> None:
    found = mounts(manager, text)
    assert not isinstance(found, str)
    assert [mount.target for mount in found] == folders


@pytest.mark.parametrize(
    ("manager", "text", "reason"),
    [
        ("pip", "FROM ghcr.io/a/b\n", "the user in force is not known"),
        ("pip", "FROM debian:12\nUSER app\n", "the uid of USER app is not known"),
        ("pip", "FROM debian:12\nARG D\nENV PIP_CACHE_DIR=$D\n", "PIP_CACHE_DIR names a folder that is not known"),
        ("pip", "FROM debian:12\nENV PIP_CACHE_DIR=c\n", "PIP_CACHE_DIR names a folder that is not known"),
        ("npm", "FROM debian:12\nARG H\nENV HOME=$H\n", "HOME is not known"),
    ],
)
def test_why_there_is_none(manager: str, text: str, reason: str) -> None:
    assert mounts(manager, text) == reason


def test_the_flag_as_written() -> None:
    assert CacheMount("/c").flag == "--mount=type=cache,target=/c"
    full = CacheMount("/c", sharing="locked", id="x", owner="uid=1,gid=2")
    assert full.flag == "--mount=type=cache,id=x,target=/c,sharing=locked,uid=1,gid=2"


@pytest.mark.parametrize(
    ("bases", "ids"),
    [
        (["python:3.11", "python:3.11-slim"], [""]),
        (["python:3.11", "python:3.11-alpine"], ["pip-alpine"]),
        (["python:3.11-bookworm", "python:3.12-bullseye"], ["pip-bullseye"]),
        (["debian:12", "ubuntu:24.04"], ["pip-ubuntu-24.04"]),
    ],
)
def test_what_is_compiled_for_one_release_is_not_shared_with_another(bases: list[str], ids: list[str]) -> None:
    found = mounts("pip", "".join(f"FROM {base}\nRUN pip install flask\n" for base in bases))
    assert not isinstance(found, str)
    assert [mount.id for mount in found] == ids


@pytest.mark.parametrize(
    ("syntax", "expected"),
    [
        ("", True),
        ("docker/dockerfile:1", True),
        ("docker/dockerfile", True),
        ("docker/dockerfile:1.2", True),
        ("docker/dockerfile:1.1-experimental", True),
        ("docker/dockerfile:1.1", False),
        ("docker/dockerfile:1.0.2", False),
        ("docker.io/docker/dockerfile:1.7-labs", True),
        ("docker/dockerfile-upstream:master", True),
        ("docker/dockerfile@sha256:abc", True),
        ("example.com/other:1", False),
    ],
)
def test_which_syntax_has_mounts(syntax: str, expected: bool) -> None:
    line = f"# syntax={syntax}\n" if syntax else ""
    assert allows(parse(f"{line}FROM debian:12\n"), "run-mount") is expected
