"""The health checks that DF402 writes, at work: healthy while the program answers, unhealthy while it hangs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from rewriter import engine
from rewriter.fixing.registry import load_fixers
from rewriter.model.context.build_context import BuildContext
from tests.e2e.docker import docker, image

pytestmark = pytest.mark.e2e

FIXERS = [fixer for fixer in load_fixers() if fixer.code == "DF402"]
QUICK = ("--health-interval=1s", "--health-timeout=2s", "--health-retries=2", "--health-start-period=1s")
PATIENCE = 30
PYTHON = "FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nCMD python app.py\n"
NODE = "FROM node:20-slim\nWORKDIR /app\nCOPY . .\nUSER node\nCMD node app.js\n"
REFUSING = """
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
HTTPServer(("", int(os.environ.get("PORT", 8000))), BaseHTTPRequestHandler).serve_forever()
"""
ROUTED = """
const http = require("http");
http.createServer((request, response) => response.end("ok")).listen(process.env.PORT || 3000);
"""
CONNECTED = """
import socket
listening = socket.socket()
listening.bind(("0.0.0.0", 7000))
listening.listen()
while True:
    listening.accept()
"""


@contextmanager
def container(dockerfile: str, files: Mapping[str, str], folder: Path, *options: str) -> Iterator[str]:
    """A container of the image that dfix gives a health check."""
    for name, text in files.items():
        (folder / name).write_text(text)
    outcome = engine.fix(dockerfile, FIXERS, context=lambda _: BuildContext(str(folder)))
    assert "HEALTHCHECK" in outcome.after, [skip.reason for skip in outcome.skips]
    with image(outcome.after, folder) as identity:
        name = docker("run", "--detach", "--network=none", *QUICK, *options, identity)
        try:
            yield name
        finally:
            docker("rm", "--force", name)


def becomes(name: str, status: str) -> bool:
    """Whether a container's health is of a status before the patience ends."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if docker("inspect", "--format={{.State.Health.Status}}", name) == status:
            return True
        time.sleep(0.5)
    return False


@pytest.mark.parametrize(
    ("dockerfile", "files"),
    [
        # The handler answers that it has no such method.
        (PYTHON, {"app.py": REFUSING}),
        (NODE, {"app.js": ROUTED}),
    ],
    ids=["python", "node"],
)
def test_healthy_until_it_hangs(dockerfile: str, files: Mapping[str, str], tmp_path: Path) -> None:
    options = ("--env=PORT=4000", "--env=http_proxy=http://127.0.0.1:9", "--env=HTTP_PROXY=http://127.0.0.1:9")
    with container(dockerfile, files, tmp_path, *options) as name:
        assert becomes(name, "healthy")
        docker("exec", name, "sh", "-c", "kill -STOP -1 2>/dev/null; true")
        docker("kill", "--signal=STOP", name)
        assert becomes(name, "unhealthy")


def test_a_connection_is_enough_where_no_protocol_is_known(tmp_path: Path) -> None:
    """And modules in the working directory are not what the check imports."""
    dockerfile = "FROM python:3.11-slim\nCOPY app.py /srv/\nWORKDIR /app\nCOPY . .\nCMD python /srv/app.py\n"
    with container(dockerfile, {"app.py": CONNECTED, "socket.py": "raise SystemExit(1)\n"}, tmp_path) as name:
        assert becomes(name, "healthy")
