"""Rebuilds before and after, counted: a changed source installs nothing, one more dependency downloads only itself."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import pytest

from tests.e2e.docker import build, namespace, run
from tests.e2e.test_applications import APPLICATIONS, Application, as_parameters, upgrade

pytestmark = pytest.mark.e2e

MOVED = [application for application in APPLICATIONS if "DF201" in application.fixers]


def rerun(application: Application, folder: Path) -> dict[str, str]:
    """The steps, and what they print, that run again when a source file has changed after a first build."""
    with application.build(folder):
        source = folder / application.source
        comment = "#" if source.suffix == ".py" else "//"
        source.write_text(f"{source.read_text()}\n{comment} {namespace()}\n")
        with application.build(folder) as again:
            return again.ran


@pytest.mark.parametrize("application", as_parameters(MOVED))
def test_a_changed_source_installs_no_dependency_again(application: Application, tmp_path: Path) -> None:
    old, new = application.copies(tmp_path)
    before, after = rerun(application, old), rerun(application, new)
    assert any(step.startswith("RUN") and application.sign in text for step, text in before.items())
    installs = [step for step in after if step.startswith("RUN")]
    assert len(installs) == application.is_package
    assert not any(application.sign in after[step] for step in installs)
    assert any(step.startswith(("COPY", "ADD")) for step in after)


class Server(ThreadingHTTPServer):
    """A server of packages on this machine, which remembers what was downloaded."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        # No layer of an earlier run, whose port may have been the same, must look like one of this run.
        self.root = f"/{namespace()}/"
        self.url = f"http://127.0.0.1:{self.server_port}{self.root}"
        self.files: dict[str, bytes] = {}
        self.downloads: list[str] = []


class Handler(BaseHTTPRequestHandler):
    """Answers with the files of the server."""

    server: Server

    def do_GET(self) -> None:
        body = self.server.files.get(self.path.replace("/./", "/").removeprefix(self.server.root))
        is_package = self.path.endswith((".whl", ".tgz", ".deb"))
        if is_package:
            self.server.downloads.append(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        # As the public ones do: a package never changes, an index may.
        self.send_header("Cache-Control", "max-age=31536000, immutable" if is_package else "max-age=0")
        if self.path.endswith("/"):
            self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *arguments: object) -> None:
        """Nothing: the tests print no requests."""


@contextmanager
def serving() -> Iterator[Server]:
    """A server that runs meanwhile."""
    with Server() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def wheels(name: str, _: str) -> dict[str, bytes]:
    """A page of a simple index, and its only wheel."""
    wheel = f"{name}-1.0-py3-none-any.whl"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode()
    files = {
        f"{name}.py": b"",
        f"{name}-1.0.dist-info/METADATA": metadata,
        f"{name}-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{name}-1.0.dist-info/RECORD"] = "".join(f"{path},,\n" for path in files).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    # Where the metadata is served on its own, nobody has to look into the wheel for it.
    link = f'<a href="../../{wheel}" data-dist-info-metadata="true">{wheel}</a>'
    return {f"simple/{name}/": link.encode(), wheel: buffer.getvalue(), f"{wheel}.metadata": metadata}


def tarballs(name: str, url: str) -> dict[str, bytes]:
    """What an npm registry says about a package, and its only tarball."""
    package = {"name": name, "version": "1.0.0", "main": "index.js"}
    tarball = tar({"package/package.json": json.dumps(package).encode(), "package/index.js": b""})
    distribution = {"tarball": f"{url}{name}-1.0.0.tgz", "shasum": hashlib.sha1(tarball).hexdigest()}
    versions = {"1.0.0": {**package, "dist": distribution}}
    return {
        name: json.dumps({"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": versions}).encode(),
        f"{name}-1.0.0.tgz": tarball,
    }


def debs(name: str, _: str) -> dict[str, bytes]:
    """A Debian package, and its entry in the index."""
    control = f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: Ada <a@b.org>\nDescription: {name}\n"
    deb = ar({"debian-binary": b"2.0\n", "control.tar.gz": tar({"control": control.encode()}), "data.tar.gz": tar({})})
    digest = hashlib.sha256(deb).hexdigest()
    entry = f"{control}Filename: {name}.deb\nSize: {len(deb)}\nSHA256: {digest}\n\n"
    return {f"{name}.deb": deb, "Packages": entry.encode()}


def ar(files: dict[str, bytes]) -> bytes:
    """Files as an archive of the kind that Debian packages are."""
    archive = b"!<arch>\n"
    for path, data in files.items():
        header = f"{path:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n"
        archive += header.encode() + data + b"\n" * (len(data) % 2)
    return archive


def tar(files: dict[str, bytes]) -> bytes:
    """Files as a compressed archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), mtime=0)


def pip_project(names: Sequence[str], url: str) -> dict[str, str]:
    return {
        "Dockerfile": "FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n",
        "requirements.txt": "\n".join([f"--index-url {url}simple/", *names, ""]),
    }


def uv_project(names: Sequence[str], url: str) -> dict[str, str]:
    dockerfile = """\
FROM python:3.11-slim
COPY --from=ghcr.io/astral-sh/uv:0.13.9 /uv /bin/
WORKDIR /app
COPY requirements.txt .
RUN uv pip install --system --no-cache -r requirements.txt
"""
    return {**pip_project(names, url), "Dockerfile": dockerfile}


def npm_project(names: Sequence[str], url: str) -> dict[str, str]:
    package = {"name": "app", "version": "1.0.0", "dependencies": dict.fromkeys(names, "^1.0.0")}
    return {
        "Dockerfile": "FROM node:20-slim\nWORKDIR /app\nCOPY . .\nRUN npm install\n",
        "package.json": json.dumps(package),
        ".npmrc": f"registry={url}\n",
    }


def apt_project(names: Sequence[str], url: str) -> dict[str, str]:
    dockerfile = f"""\
FROM debian:12-slim
COPY local.list /etc/apt/sources.list.d/
RUN apt-get update && apt-get install -y {" ".join(names)} && rm -rf /var/lib/apt/lists/*
"""
    return {"Dockerfile": dockerfile, "local.list": f"deb [trusted=yes] {url} ./\n"}


class Manager(NamedTuple):
    """A package manager, what it downloads, and a project that uses it."""

    name: str
    codes: frozenset[str]
    packages: Callable[[str, str], dict[str, bytes]]
    project: Callable[[Sequence[str], str], dict[str, str]]
    listing: str

    def fill(self, server: Server, names: Sequence[str]) -> None:
        """Offer packages on a server."""
        for name in names:
            for path, data in self.packages(name, server.url).items():
                # All Debian packages share one index.
                server.files[path] = server.files.get(path, b"") + data

    def downloads(self, folder: Path, server: Server, *, is_upgraded: bool) -> Iterator[int]:
        """How many packages a build downloads, and then another one after one more dependency."""
        space = namespace()
        for names in (NAMES[:2], NAMES):
            for path, text in self.project(names, server.url).items():
                (folder / path).write_text(text)
            if is_upgraded:
                upgrade(folder, self.codes)
            server.downloads.clear()
            with build(folder, "--network=host", space=space) as built:
                listed = run(built.identity, "sh", "-c", self.listing)
            assert all(name in listed for name in names)
            yield len(server.downloads)


NAMES = ("alder", "birch", "cedar")

MANAGERS = [
    Manager("pip", frozenset({"DF301"}), wheels, pip_project, "pip list"),
    Manager("uv", frozenset({"DF202"}), wheels, uv_project, "pip list"),
    Manager("npm", frozenset({"DF202"}), tarballs, npm_project, "npm ls"),
    Manager("apt", frozenset({"DF202"}), debs, apt_project, "dpkg-query -W"),
]


@pytest.mark.parametrize("manager", MANAGERS, ids=lambda manager: manager.name)
def test_one_more_dependency_downloads_only_itself(manager: Manager, tmp_path: Path) -> None:
    with serving() as server:
        manager.fill(server, NAMES)
        assert list(manager.downloads(tmp_path, server, is_upgraded=False)) == [2, 3]
        assert list(manager.downloads(tmp_path, server, is_upgraded=True)) == [2, 1]
