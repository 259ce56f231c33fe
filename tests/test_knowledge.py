"""What is known of packages, tags and base images, as fixers ask for it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

import rewriter.model
from rewriter.model.data import alpine, debian, official_tags
from rewriter.model.data.base_contents import NOTHING_KNOWN, base_contents
from rewriter.model.data.system_libraries import SystemNeed, node_need, python_need
from rewriter.model.image import parse_image
from rewriter.model.users import Account

DATA: Final = Path(rewriter.model.__file__).parent / "data"


@pytest.mark.parametrize(
    ("package", "bullseye", "bookworm", "trixie"),
    [
        ("libpq-dev", "libpq5", "libpq5", "libpq5"),
        ("libssl-dev", "libssl1.1", "libssl3", "libssl3t64"),
        ("default-libmysqlclient-dev", "libmariadb3", "libmariadb3", "libmariadb3"),
        ("libffi-dev", "libffi7", "libffi8", "libffi8"),
        ("libjpeg-dev", "libjpeg62-turbo", "libjpeg62-turbo", "libjpeg62-turbo"),
        ("libgdal-dev", "libgdal28", "libgdal32", "libgdal36"),
        ("libeigen3-dev", "", "", ""),
        ("make", "", "", ""),
        ("linux-libc-dev", "", "", ""),
        ("build-essential", "libatomic1 libgomp1", "libatomic1 libgomp1", "libatomic1 libgomp1"),
    ],
)
def test_what_stays_of_debian_build_packages(package: str, bullseye: str, bookworm: str, trixie: str) -> None:
    for suite, libraries in zip(debian.SUITES, (bullseye, bookworm, trixie), strict=True):
        assert debian.runtime_libraries(package, suite) == frozenset(libraries.split()), suite
        assert debian.is_build_only(package, suite)


@pytest.mark.parametrize(
    "package", ["ffmpeg", "tesseract-ocr", "curl", "git", "libpq5", "python3", "no-such-package", ""]
)
def test_packages_that_may_be_needed_at_run_time(package: str) -> None:
    assert debian.runtime_libraries(package, "bookworm") is None
    assert debian.runtime_libraries(package, "buster") is None


def test_names_must_hold_in_every_suite() -> None:
    assert debian.runtime_libraries_in_all("libpq-dev", ["bookworm", "trixie"]) == frozenset({"libpq5"})
    assert debian.runtime_libraries_in_all("libssl-dev", ["bookworm", "trixie"]) is None
    assert debian.runtime_libraries_in_all("libssl-dev", ["trixie"]) == frozenset({"libssl3t64"})
    assert debian.runtime_libraries_in_all("libpq-dev", ["bookworm", "noble"]) is None
    assert debian.runtime_libraries_in_all("libpq-dev", []) is None


@pytest.mark.parametrize(
    ("package", "needed"),
    [
        ("gcc", "libc6-dev"),
        ("git", "ca-certificates openssh-client"),
        ("curl", "ca-certificates"),
        ("wget", "ca-certificates"),
        ("python3-pip", "build-essential python3-dev"),
        ("golang", "g++ gcc libc6-dev pkg-config"),
        ("cmake", "ca-certificates gcc make"),
        ("composer", "git unzip"),
        ("xvfb", "xauth"),
        ("build-essential", ""),
        ("vim", ""),
        ("ffmpeg", ""),
        ("libpq-dev", ""),
    ],
)
def test_recommended_packages_that_matter(package: str, needed: str) -> None:
    assert debian.needed_recommendations(package, "bookworm") == frozenset(needed.split())


def test_what_stays_of_alpine_build_packages() -> None:
    assert alpine.runtime_libraries("postgresql-dev") == frozenset({"libpq"})
    assert alpine.runtime_libraries("musl-dev") == frozenset()
    assert alpine.runtime_libraries("postgresql-client") is None
    assert alpine.is_build_only("build-base")
    assert not alpine.is_build_only("bash")


@pytest.mark.parametrize(
    ("image", "first", "last"),
    [
        ("python:3.11-slim", "2022-10-24", ""),
        ("python:3.6", "2016-07-05", "2022-01-14"),
        ("public.ecr.aws/docker/library/python:3.11", "2022-10-24", ""),
    ],
)
def test_when_a_tag_was_listed(image: str, first: str, last: str) -> None:
    listing = official_tags.listing(parse_image(image))
    assert listing == (first, last)
    assert listing
    assert listing.is_listed == (not last)


@pytest.mark.parametrize("image", ["python:9", "bitnami/python:3.11", "scratch", "python@sha256:ab"])
def test_tags_that_never_were(image: str) -> None:
    reference = parse_image(image)
    assert official_tags.listing(reference) is None
    assert official_tags.suite(reference) == ""
    assert official_tags.suites(reference) == frozenset()
    assert official_tags.slim_twin(reference) == ""
    assert official_tags.is_known(reference) == (reference.family == "python")


@pytest.mark.parametrize(
    ("image", "suite", "suites"),
    [
        ("python:3.11-slim-bookworm", "bookworm", "bookworm"),
        ("python:3.11", "trixie", "buster bullseye bookworm trixie"),
        ("python", "trixie", "wheezy jessie stretch buster bullseye bookworm trixie"),
        ("python:3.6", "", "buster bullseye"),
        ("debian:12", "bookworm", "bookworm"),
        ("ubuntu:22.04", "jammy", "jammy"),
        ("golang:1.22", "", "bullseye bookworm"),
        ("postgres:16-alpine3.20", "alpine3.20", "alpine3.20"),
    ],
)
def test_which_release_a_tag_means(image: str, suite: str, suites: str) -> None:
    reference = parse_image(image)
    assert official_tags.suite(reference) == suite
    # Suites that came after this list only add to it.
    assert official_tags.suites(reference) >= frozenset(suites.split())
    assert not any("windows" in one for one in official_tags.suites(reference))


@pytest.mark.parametrize(
    ("image", "slim", "runtime"),
    [
        ("python", "slim", ""),
        ("python:3.11", "3.11-slim", ""),
        ("python:3.11-bookworm", "3.11-slim-bookworm", ""),
        ("python:3.11-slim", "", ""),
        ("python:3.11-alpine", "", ""),
        ("node:20", "20-slim", ""),
        ("node:20-bookworm", "20-bookworm-slim", ""),
        ("ruby:3.2", "3.2-slim", ""),
        ("golang:1.22", "", ""),
        ("nginx:1.25", "", ""),
        ("eclipse-temurin:21-jdk", "", "21-jre"),
        ("eclipse-temurin:21-jdk-jammy", "", "21-jre-jammy"),
        ("eclipse-temurin:21", "", "21-jre"),
    ],
)
def test_the_smaller_image_of_a_tag(image: str, slim: str, runtime: str) -> None:
    assert official_tags.slim_twin(parse_image(image)) == slim
    assert official_tags.runtime_twin(parse_image(image)) == runtime


def test_all_tags_of_an_image() -> None:
    tags = official_tags.all_tags(parse_image("ubuntu"))
    assert tags["22.04"].first == "2021-11-04"
    assert all(tag and listing.first for tag, listing in tags.items())


def test_what_python_packages_need() -> None:
    suites = ["bookworm", "trixie"]

    def needs(name: str, *, is_compiled: bool = False) -> frozenset[str] | None:
        need = python_need(name)
        assert need
        return need.at_run_time(suites, is_compiled=is_compiled)

    assert needs("psycopg2") == frozenset({"libpq5"})
    assert needs("Psycopg2_Binary") == frozenset()
    assert needs("psycopg2-binary", is_compiled=True) == frozenset({"libpq5"})
    assert needs("mysqlclient") == frozenset({"libmariadb3"})
    assert needs("pdf2image") == frozenset({"poppler-utils"})
    assert needs("lightgbm") == frozenset({"libgomp1"})
    assert needs("pdfkit") is None
    assert needs("opencv-python") is None
    assert python_need("requests") is None


def test_what_node_packages_need() -> None:
    def needs(name: str, suite: str = "bookworm", *, is_compiled: bool = False) -> frozenset[str] | None:
        need = node_need(name)
        assert need
        return need.at_run_time([suite], is_compiled=is_compiled)

    assert needs("sharp") == frozenset()
    assert "libvips42" in (needs("sharp", is_compiled=True) or ())
    assert {"libnss3", "libgbm1", "fonts-liberation"} <= (needs("puppeteer") or frozenset())
    assert needs("node-gyp") == frozenset()
    assert needs("puppeteer", "buster") is None
    assert node_need("express") is None


def entries(name: str) -> list[dict[str, object]]:
    with (DATA / name).open("rb") as file:
        return list(tomllib.load(file)["package"])


def test_every_entry_by_hand_names_its_source() -> None:
    for entry in entries("system_libraries.toml"):
        assert str(entry["source"]).startswith("http"), entry
        assert entry["ecosystem"] in ("python", "node")
        assert entry["ships"] in ("all", "bindings", "sources", "tools")
        assert set(entry) <= {"ecosystem", "names", "ships", "headers", "tools", "packages", "suites", "source", "note"}
    for entry in entries("alpine_packages.toml"):
        assert str(entry["source"]).startswith("alpinelinux/aports: "), entry
    for file in ("system_libraries.toml", "alpine_packages.toml"):
        names = [(entry.get("ecosystem"), name) for entry in entries(file) for name in entry["names"]]  # type: ignore[attr-defined]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("suite", debian.SUITES)
def test_every_header_package_by_hand_is_known_in_the_suite(suite: str) -> None:
    for entry in entries("system_libraries.toml"):
        for name in entry.get("headers", ()):  # type: ignore[attr-defined]
            assert debian.runtime_libraries(name, suite), name


def test_what_images_bring() -> None:
    python = base_contents(parse_image("python:3.11"))
    assert {"python", "pip", "curl", "git", "gcc", "ps", "ca-certificates"} <= python.tools
    assert (python.entrypoint, python.command, python.accounts) == ((), ("python3",), ())
    slim = base_contents(parse_image("python:3.11-slim-bookworm"))
    assert {"python", "pip", "bash", "openssl", "ca-certificates"} <= slim.tools
    assert not {"curl", "wget", "git", "gcc", "ps"} & slim.tools
    node = base_contents(parse_image("node:20-bookworm-slim"))
    assert {"node", "npm"} <= node.tools
    assert not {"ca-certificates", "openssl", "curl"} & node.tools
    assert (node.entrypoint, node.command) == (("docker-entrypoint.sh",), ("node",))
    assert node.accounts == (Account("node", 1000, 1000, "/home/node"),)
    assert base_contents(parse_image("node:8.11")).entrypoint is None
    assert base_contents(parse_image("nginx:1.25-alpine")).entrypoint == ("/docker-entrypoint.sh",)
    assert "wget" in base_contents(parse_image("alpine:3.20")).tools
    assert "curl" not in base_contents(parse_image("alpine:3.20")).tools


@pytest.mark.parametrize(
    ("image", "users"),
    [
        ("ubuntu:22.04", ()),
        ("ubuntu:24.04", ("ubuntu",)),
        ("ubuntu", ("ubuntu",)),
        ("ubuntu:noble-20240801", ("ubuntu",)),
        ("php:8.2-fpm-alpine", ("www-data",)),
        ("nginx:1.14", ()),
    ],
)
def test_the_users_of_an_image(image: str, users: tuple[str, ...]) -> None:
    assert tuple(account.name for account in base_contents(parse_image(image)).accounts) == users


@pytest.mark.parametrize("image", ["example/app:1", "golang:1.22-nanoserver"])
def test_of_other_images_nothing_is_known(image: str) -> None:
    assert base_contents(parse_image(image)) == NOTHING_KNOWN
    assert base_contents(None) == NOTHING_KNOWN


def test_the_tables_are_not_read_at_start_up() -> None:
    code = """
import sys
from rewriter.model.data import alpine, debian, official_tags, system_libraries
assert not {"zlib", "tomllib", "dataclasses"} & set(sys.modules), sys.modules
"""
    subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(DATA.parents[2])!r}){code}"],
        check=True,
    )


def test_a_need_says_which_suites_it_holds_in() -> None:
    need = python_need("weasyprint")
    assert isinstance(need, SystemNeed)
    assert need.at_run_time(["bullseye"], is_compiled=False) is None
    assert "libpango-1.0-0" in (need.at_run_time(["bookworm"], is_compiled=False) or ())
