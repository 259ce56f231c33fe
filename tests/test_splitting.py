"""Which packages stay with a builder and which settings it needs, where fixtures do not already show it."""

from __future__ import annotations

import pytest

from rewriter import parse
from rewriter.model.data.package_roles import IN_PYTHON_IMAGES, only_runs
from rewriter.model.image import parse_image
from rewriter.model.splitting.java_images import is_alpine, runtime_image
from rewriter.model.splitting.left_behind import is_left_behind
from rewriter.model.splitting.linked_images import pinned_to, release_of, small_image
from rewriter.model.splitting.parts import UnsplitError
from rewriter.model.splitting.rust_crates import libraries_of, needs_of
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
        ("rust:1.80", "bookworm", "debian:bookworm-slim", "rust:1.80-bookworm"),
        ("rust:1.93-slim", "trixie", "debian:trixie-slim", "rust:1.93-slim-trixie"),
        ("rust:1.70-slim-bullseye", "bullseye", "debian:bullseye-slim", ""),
        ("rust:1.80-alpine", "alpine3.20", "alpine:3.20", "rust:1.80-alpine3.20"),
    ],
)
def test_images_that_compiled_programs_run_in(image: str, release: str, small: str, pinned: str) -> None:
    found = stage(f"FROM {image}\n")
    assert release_of(found, "x") == release
    assert (small_image(found, release), pinned_to(found, release)) == (small, pinned)


@pytest.mark.parametrize("image", ["golang:1.24@sha256:" + "0" * 64, "golang:1.7", "golang:windowsservercore"])
def test_go_images_that_are_not_known(image: str) -> None:
    assert parse_image(image).family == "golang"
    with pytest.raises(UnsplitError):
        release_of(stage(f"FROM {image}\n"), "Go")


def test_what_a_compiled_program_does_not_look_for() -> None:
    assert all(map(is_left_behind, ("main.go", "go.mod", "README.md", "Dockerfile", ".git", "docker-compose.dev.yml")))
    assert not any(map(is_left_behind, (".env", "templates", "config.yaml", "static", "migrations", "banner.txt")))


@pytest.mark.parametrize(
    ("image", "runtime"),
    [
        ("maven:3.9-eclipse-temurin-21", "eclipse-temurin:21-jre"),
        ("docker.io/maven:3.9.9-eclipse-temurin-24-noble", "docker.io/eclipse-temurin:24-jre-noble"),
        ("maven:3-eclipse-temurin-25-alpine", "eclipse-temurin:25-jre-alpine"),
        ("maven:3.8-eclipse-temurin-17", "eclipse-temurin:17-jre-focal"),
        ("maven:3.6.1-jdk-11-slim", "openjdk:11-jre-slim"),
        ("gradle:8.7.0-jdk21", "eclipse-temurin:21-jre-jammy"),
        ("gradle:jdk25", "eclipse-temurin:25-jre"),
        ("eclipse-temurin:21", "eclipse-temurin:21-jre"),
        ("eclipse-temurin:17.0.6_10-jdk-jammy", "eclipse-temurin:17.0.6_10-jre-jammy"),
        ("openjdk:11-jdk-slim", "openjdk:11-jre-slim"),
    ],
)
def test_images_with_only_the_runtime_of_java(image: str, runtime: str) -> None:
    assert runtime_image(stage(f"FROM {image}\n")) == runtime
    assert is_alpine(runtime) == ("alpine" in runtime)


@pytest.mark.parametrize(
    "image",
    [
        "maven", "maven:3.9", "maven:3.9-amazoncorretto-21", "maven:3.8.4-openjdk-17", "gradle:8.5",
        "gradle:jdk21-graal", "gradle:9.2-jdk25-corretto", "gradle:5.4.1-jdk11", "eclipse-temurin:21-jre",
        "openjdk:17-jdk-slim", "eclipse-temurin:21@sha256:" + "0" * 64,
    ],
)  # fmt: skip
def test_images_of_java_without_one_that_is_known(image: str) -> None:
    with pytest.raises(UnsplitError):
        runtime_image(stage(f"FROM {image}\n"))


def test_what_crates_are_linked_with() -> None:
    assert libraries_of(frozenset({"openssl-sys", "pq-sys", "serde", "libz-sys", "windows-sys", "winapi-util"})) == (
        "libssl-dev",
        "libpq-dev",
    )
    for name in ("gstreamer-sys", "openblas-src", "opencv", "pyo3-ffi"):
        with pytest.raises(UnsplitError, match=name):
            libraries_of(frozenset({name, "serde"}))
    assert libraries_of(frozenset({"openssl-src"})) == ()


def test_what_crates_look_for() -> None:
    assert needs_of(frozenset({"native-tls", "chrono"})) == ("ca-certificates", "tzdata")
    assert needs_of(frozenset({"serde", "tokio"})) == ()
