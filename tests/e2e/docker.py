"""Building and looking into images with the docker command."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rewriter.syntax.text import encode


def docker(*arguments: str, stdin: bytes = b"") -> str:
    """Run docker and give its output; a failure raises with what it said."""
    done = subprocess.run(["docker", *arguments], input=stdin, capture_output=True, timeout=900)
    assert done.returncode == 0, f"docker {' '.join(arguments[:2])} failed:\n{done.stderr.decode(errors='replace')}"
    return done.stdout.decode(errors="replace").strip()


@contextmanager
def image(dockerfile: str, context: Path) -> Iterator[str]:
    """An image built from a text with a context of its own; removed afterwards."""
    # Cache mounts and layers of other builds must not decide what this one shows.
    identity = docker(
        "build", "--quiet", "--no-cache", "--build-arg", f"BUILDKIT_CACHE_MOUNT_NS={os.urandom(8).hex()}",
        "--file", "-", str(context), stdin=encode(dockerfile),
    )  # fmt: skip
    try:
        yield identity
    finally:
        docker("image", "rm", "--force", identity)


def config(identity: str) -> dict[str, Any]:
    """The image's configuration."""
    found = json.loads(docker("image", "inspect", identity))[0]
    return {**(found["Config"] or {}), "Author": found.get("Author", "")}


def run(identity: str, *command: str) -> str:
    """The output of a container, which is removed."""
    return docker("run", "--rm", "--network=none", identity, *command)
