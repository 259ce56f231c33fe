"""Building and looking into images with the docker command."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from rewriter.syntax.text import encode

_ANSWER = r"""exec 3<>/dev/tcp/127.0.0.1/{port} && printf 'GET {path} HTTP/1.0\r\n\r\n' >&3 && cat <&3"""
_STEP = re.compile(r"\[(?:[^]]* )?\d+/\d+\] (.*)")


class Build(NamedTuple):
    """An image that was built, and what was run for it instead of taken from the layer cache."""

    identity: str
    ran: dict[str, str]
    """The steps as the builder names them, such as `RUN pip install flask`, and what they printed."""


def docker(*arguments: str, stdin: bytes = b"") -> str:
    """Run docker and give its output; a failure raises with what it said."""
    return _done(*arguments, stdin=stdin).stdout.decode(errors="replace").strip()


def _done(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(["docker", *arguments], input=stdin, capture_output=True, timeout=900)
    assert done.returncode == 0, f"docker {' '.join(arguments[:2])} failed:\n{done.stderr.decode(errors='replace')}"
    return done


@contextmanager
def image(dockerfile: str, context: Path) -> Iterator[str]:
    """An image built from a text with a context of its own; removed afterwards."""
    # Cache mounts and layers of other builds must not decide what this one shows.
    identity = docker(
        "build", "--quiet", "--no-cache", "--build-arg", f"BUILDKIT_CACHE_MOUNT_NS={namespace()}",
        "--file", "-", str(context), stdin=encode(dockerfile),
    )  # fmt: skip
    try:
        yield identity
    finally:
        docker("image", "rm", "--force", identity)


def namespace() -> str:
    """A name for caches of one's own, which are empty at first."""
    return os.urandom(8).hex()


@contextmanager
def build(context: Path, *options: str, dockerfile: str = "Dockerfile", space: str) -> Iterator[Build]:
    """An image built from a folder, with the cache mounts and the layers of a namespace; removed afterwards."""
    with TemporaryDirectory() as folder:
        place = Path(folder, "identity")
        done = _done(
            "build", "--progress=plain", "--build-arg", f"BUILDKIT_CACHE_MOUNT_NS={space}",
            # The layer cache knows what is run by its hosts too, but with locked mounts not by their namespace.
            f"--add-host={space}:127.0.0.1", f"--iidfile={place}", f"--file={context / dockerfile}",
            *options, str(context),
        )  # fmt: skip
        identity = place.read_text()
    try:
        yield Build(identity, _steps_that_ran(done.stderr.decode(errors="replace")))
    finally:
        docker("image", "rm", "--force", identity)


def _steps_that_ran(progress: str) -> dict[str, str]:
    """The numbered steps in a builder's progress, which look like this:

    #7 [stage-0 3/4] RUN make
    #7 0.123 cc -c main.c
    #7 DONE 0.5s
    """
    names: dict[str, str] = {}
    printed: dict[str, str] = {}
    for line in progress.split("\n"):
        number, _, text = line.partition(" ")
        if step := _STEP.fullmatch(text):
            names[number] = step[1]
        elif text == "CACHED":
            names.pop(number, None)
        elif number in names:
            printed[number] = printed.get(number, "") + text.partition(" ")[2] + "\n"
    return {name: printed.get(number, "") for number, name in names.items()}


def config(identity: str) -> dict[str, Any]:
    """The image's configuration."""
    found = json.loads(docker("image", "inspect", identity))[0]
    return {**(found["Config"] or {}), "Author": found.get("Author", "")}


def run(identity: str, *command: str) -> str:
    """The output of a container, which is removed."""
    return docker("run", "--rm", "--network=none", identity, *command)


def answer(identity: str, port: int, path: str) -> str:
    """What the server of an image answers to a GET request from inside its container, without the time of day."""
    container = docker("run", "--detach", "--network=none", identity)
    try:
        return _answer(container, _ANSWER.format(port=port, path=path))
    finally:
        docker("rm", "--force", container)


def _answer(container: str, command: str) -> str:
    last_try = time.monotonic() + 30
    while True:
        try:
            # The request is bash's own: no image needs a program for it.
            response = docker("exec", container, "bash", "-c", command)
        except AssertionError as error:
            if time.monotonic() > last_try:
                raise AssertionError(f"no answer from a program that says:\n{_log(container)}") from error
            time.sleep(0.2)
            continue
        return "\n".join(line for line in response.split("\n") if not line.lower().startswith("date:"))


def _log(container: str) -> str:
    done = _done("logs", container)
    return (done.stdout + done.stderr).decode(errors="replace")
