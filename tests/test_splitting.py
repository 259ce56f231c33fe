"""Which packages stay with a builder and which settings it needs, where fixtures do not already show it."""

from __future__ import annotations

import pytest

from rewriter import parse
from rewriter.model.data.package_roles import IN_PYTHON_IMAGES, only_runs
from rewriter.model.image import parse_image
from rewriter.model.splitting.go_images import pinned_to, release_of, small_image
from rewriter.model.splitting.left_behind import is_left_behind
from rewriter.model.splitting.parts import UnsplitError
from rewriter.model.splitting.settings import mentions, needed_settings
from rewriter.model.splitting.system_packages import Base, base_of
from rewriter.model.stages import Stage, StageGraph
from rewriter.syntax.tree import Run


def stage(text: str) -> Stage:
    """The last stage of a Dockerfile."""
    return StageGraph(parse(text)).stages[-1]


def base(*suites: str, manager: str = "apt-get", is_parallel: bool = False) -> Base:
    """A base of some releases of Debian."""
    return Base(manager, frozenset(suites), IN_PYTHON_IMAGES, is_parallel)


@pytest.mark.parametrize(
    ("package", "suites", "libraries"),
    [
        ("libpq-dev", ("bullseye", "bookworm", "trixie"), ("libpq5",)),
        ("gcc", ("bookworm",), ()),
        ("make", ("bookworm", "trixie"), ()),
        ("curl", ("bookworm",), None),
        # Moved to 64-bit times: the new package provides the old name.
        ("libcurl4-openssl-dev", ("bookworm", "trixie"), ("libcurl4",)),
        ("libcurl4-openssl-dev", ("trixie",), ("libcurl4t64",)),
        # Another name in each release: the headers stay.
        ("libgdal-dev", ("bookworm", "trixie"), ("libgdal-dev",)),
        ("libgdal-dev", ("bookworm",), ("libgdal32",)),
        # Not in the newest release.
        ("libpcre3-dev", ("bookworm", "trixie"), ("libpcre3-dev",)),
        # Python is linked with it, so its images have it.
        ("libssl-dev", ("bullseye", "bookworm"), ()),
    ],
)
def test_what_a_package_for_builds_leaves_behind(
    package: str, suites: tuple[str, ...], libraries: tuple[str, ...] | None
) -> None:
    assert base(*suites).libraries(package) == libraries


def test_the_libraries_of_compilers_stay_for_what_needs_them() -> None:
    assert base("bookworm", is_parallel=True).libraries("build-essential") == ("libgomp1",)
    assert base(manager="apk").libraries("g++") == ("libgcc", "libstdc++")
    assert base(manager="apk").libraries("gcc") == ()


def test_releases_whose_archive_is_closed_are_not_known() -> None:
    assert base_of(stage("FROM python:3.8-slim-buster\n"), is_parallel=False) is None
    found = base_of(stage("FROM python:3.11-slim\n"), is_parallel=False)
    assert found is not None
    assert found.suites == {"bullseye", "bookworm", "trixie"}, "buster is left out"
    assert base_of(stage("FROM python:3.11-alpine\n"), is_parallel=False) is not None
    assert base_of(stage("FROM example.org/python\n"), is_parallel=False) is None


def test_packages_that_only_run() -> None:
    assert all(map(only_runs, ("curl", "ffmpeg", "libpq5", "fonts-noto", "tesseract-ocr-deu", "postgresql-client-15")))
    assert not any(map(only_runs, ("git", "libfoo-dev", "nodejs", "gcc", "libglib2.0-bin", "wget")))


def test_settings_of_a_builder() -> None:
    text = (
        "FROM x\nENV PYTHONUNBUFFERED=1\nENV DATABASE_URL=a\nENV CFLAGS=-O2\nENV FORCE_CUDA=1\nARG V\nENV W=$V\n"
        'SHELL ["/bin/bash", "-c"]\nWORKDIR /a\nLABEL a=b\nRUN pip install a==$W\nENV LATER=1\n'
    )
    instructions = stage(text).instructions
    runs = [one for one in instructions if isinstance(one, Run)]
    found = [one.arguments for one in needed_settings(instructions, runs)]
    assert found == ["CFLAGS=-O2", "FORCE_CUDA=1", "V", "W=$V", '["/bin/bash", "-c"]', "/a"]
    every = [one.arguments for one in needed_settings(instructions, runs, every=True)]
    assert every == ["PYTHONUNBUFFERED=1", "DATABASE_URL=a", *found]


def test_mentions_are_whole_words() -> None:
    assert mentions("run /usr/bin/curl -f", "curl")
    assert not mentions("pip install pycurl curl-config", "curl")


@pytest.mark.parametrize(
    ("image", "release", "small", "pinned"),
    [
        ("golang:1.24.2", "bookworm", "debian:bookworm-slim", "golang:1.24.2-bookworm"),
        ("golang:1.23-bullseye", "bullseye", "debian:bullseye-slim", ""),
        ("docker.io/golang:1.22-alpine3.20", "alpine3.20", "docker.io/alpine:3.20", ""),
        ("golang", "trixie", "debian:trixie-slim", "golang:trixie"),
    ],
)
def test_images_that_go_binaries_run_in(image: str, release: str, small: str, pinned: str) -> None:
    found = stage(f"FROM {image}\n")
    assert release_of(found) == release
    assert (small_image(found, release), pinned_to(found, release)) == (small, pinned)


@pytest.mark.parametrize("image", ["golang:1.24@sha256:" + "0" * 64, "golang:1.7", "golang:windowsservercore"])
def test_go_images_that_are_not_known(image: str) -> None:
    assert parse_image(image).family == "golang"
    with pytest.raises(UnsplitError):
        release_of(stage(f"FROM {image}\n"))


def test_what_a_compiled_program_does_not_look_for() -> None:
    assert all(map(is_left_behind, ("main.go", "go.mod", "README.md", "Dockerfile", ".git", "docker-compose.dev.yml")))
    assert not any(map(is_left_behind, ("templates", "config.yaml", "static", "migrations", "banner.txt")))
