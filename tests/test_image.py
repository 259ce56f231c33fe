"""Image references, and what is known of base images."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import rewriter.model
from rewriter.model.image import UNKNOWN, base_image, parse_image

DATA = Path(rewriter.model.__file__).parent / "data" / "base_images.toml"


@pytest.mark.parametrize(
    ("text", "name", "registry", "repository", "tag", "digest"),
    [
        ("python", "python", "docker.io", "library/python", "", ""),
        ("python:3.12-slim", "python", "docker.io", "library/python", "3.12-slim", ""),
        ("python@sha256:ab", "python", "docker.io", "library/python", "", "sha256:ab"),
        ("python:3@sha256:ab", "python", "docker.io", "library/python", "3", "sha256:ab"),
        ("docker.io/python:3", "docker.io/python", "docker.io", "library/python", "3", ""),
        ("index.docker.io/library/python", "index.docker.io/library/python", "docker.io", "library/python", "", ""),
        ("user/app:1", "user/app", "docker.io", "user/app", "1", ""),
        ("localhost/app", "localhost/app", "localhost", "app", "", ""),
        ("localhost:5000/a/b:c", "localhost:5000/a/b", "localhost:5000", "a/b", "c", ""),
        ("registry:5000/app", "registry:5000/app", "registry:5000", "app", "", ""),
        ("ghcr.io/astral-sh/uv:0.5", "ghcr.io/astral-sh/uv", "ghcr.io", "astral-sh/uv", "0.5", ""),
    ],
)
def test_a_reference_splits_as_docker_splits_it(
    text: str, name: str, registry: str, repository: str, tag: str, digest: str
) -> None:
    reference = parse_image(text)
    assert reference == (name, registry, repository, tag, digest)
    assert str(reference) == text


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("python:3", "python"),
        ("library/python", "python"),
        ("docker.io/library/python", "python"),
        ("public.ecr.aws/docker/library/python:3", "python"),
        ("mirror.gcr.io/library/node", "node"),
        ("arm64v8/debian:12", "debian"),
        ("scratch", ""),
        ("bitnami/python", ""),
        ("ghcr.io/library/python", ""),
        ("gcr.io/distroless/static", ""),
    ],
)
def test_the_family_is_the_official_name(text: str, family: str) -> None:
    assert parse_image(text).family == family
    assert parse_image(text).is_official == bool(family)


@pytest.mark.parametrize(
    ("text", "distribution", "workdir", "user"),
    [
        ("scratch", "scratch", "/", "root"),
        ("python", "debian", "/", "root"),
        ("python:3.12-alpine3.20", "alpine", "/", "root"),
        ("python:3.12-slim-bookworm", "debian", "/", "root"),
        ("node:20-bookworm-slim", "debian", "/", "root"),
        ("golang:1.22-alpine", "alpine", "/go", "root"),
        ("php:8.3-cli", "debian", "/", "root"),
        ("php:8.3-fpm-alpine", "alpine", "/var/www/html", "root"),
        ("php:apache", "debian", "/var/www/html", "root"),
        ("httpd:2.4", "debian", "/usr/local/apache2", "root"),
        ("redis:7-alpine", "alpine", "/data", "root"),
        ("buildpack-deps:jammy", "ubuntu", "/", "root"),
        ("rockylinux:9", "rhel", "/", "root"),
        ("openjdk:8-jdk-alpine", "alpine", "/", "root"),
        ("openjdk:11-jre-slim", "debian", "/", "root"),
        ("openjdk:8u151-jdk", "debian", "/", "root"),
        ("openjdk:17", "", "/", "root"),
        ("eclipse-temurin:21-jdk-ubi9-minimal", "rhel", "/", "root"),
        ("maven:3.9-eclipse-temurin-21", "ubuntu", "/", "root"),
        ("gradle:8-jdk21", "ubuntu", "/home/gradle", "root"),
        ("gradle:4.7", "", "/home/gradle", ""),
        ("python:2-onbuild", "debian", "", ""),
        ("mcr.microsoft.com/dotnet/aspnet:8.0", "debian", "/", "root"),
        ("mcr.microsoft.com/dotnet/aspnet:10.0", "ubuntu", "/", "root"),
        ("mcr.microsoft.com/dotnet/aspnet:8.0-jammy-chiseled", "distroless", "/", "$APP_UID"),
        ("gcr.io/distroless/static-debian12:nonroot", "distroless", "", "65532"),
        ("golang:1.22-windowsservercore-ltsc2022", "windows", "", ""),
        ("mcr.microsoft.com/windows/nanoserver:ltsc2022", "windows", "", ""),
    ],
)
def test_what_is_known_of_an_image(text: str, distribution: str, workdir: str, user: str) -> None:
    base = base_image(parse_image(text))
    assert (base.distribution, base.workdir, base.user, base.shell) == (distribution, workdir, user, ())


def test_a_digest_alone_tells_nothing_that_depends_on_the_tag() -> None:
    assert base_image(parse_image("php@sha256:ab")).workdir == ""
    assert base_image(parse_image("python@sha256:ab")).distribution == ""
    assert base_image(parse_image("alpine@sha256:ab")).distribution == "alpine"


def test_other_images_are_unknown() -> None:
    assert base_image(parse_image("example/app:1")) == UNKNOWN
    assert base_image(None) == UNKNOWN


def test_every_entry_of_the_data_names_its_source() -> None:
    with DATA.open("rb") as file:
        data = tomllib.load(file)
    names = [name for entry in data["image"] for name in entry["names"]]
    assert len(names) == len(set(names))
    for entry in data["image"]:
        assert entry["sources"], entry
        assert all(": " in source or source.startswith("https://") for source in entry["sources"]), entry
        assert entry.get("workdir", "/").startswith("/")
        keys = {"distribution", "workdir", "user", "tools", "entrypoint", "command", "users"}
        assert set(entry) <= keys | {"names", "sources", "of_every_tag", "tags"}
        for exception in entry.get("tags", ()):
            assert set(exception) > {"match"}
            assert set(exception) <= keys | {"match"}
