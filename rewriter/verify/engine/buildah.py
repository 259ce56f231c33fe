"""Where Buildah, the builder of Podman, differs: what it says while it works, which is less and only text.

    [1/2] STEP 2/3: RUN make            the step begins
    cc -c main.c                        what it prints
    --> 9f2c1b0a77de                    the image of the step, kept as a cache of the next build
    --> Using cache 9f2c1b0a77de...     the step came from there

Source: https://docs.podman.io/en/latest/markdown/podman-build.1.html (`--layers`), and what Podman 4.3 prints
"""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from rewriter.verify.engine.progress import Progress, Vertex
from rewriter.verify.engine.recipe import Recipe

_STEP: Final = re.compile(r"(?:\[(?P<stage>\d+)/\d+\] )?STEP (?P<number>\d+)/(?P<total>\d+): (?P<name>.*)")
_IMAGE: Final = re.compile(r"--> ([0-9a-f]{7,64})")
_CACHED: Final = "--> Using cache "
_ERROR: Final = re.compile(r"(?i)error: ")


class BuildahProgress(Progress):
    """Reads Buildah's progress line by line, with times by our own clock. `keep` is told each image that it makes."""

    def __init__(self, dockerfile: str, listen: Callable[[str], None], keep: Callable[[str], None]) -> None:
        super().__init__(dockerfile, listen, lambda _: None)
        self._keep: Final = keep
        self._current: Vertex | None = None

    def feed(self, line: str) -> None:
        """Take one line."""
        text = line.rstrip("\r\n")
        if step := _STEP.fullmatch(text):
            self._end()
            self._begin(step)
        elif text.startswith(_CACHED) and self._current is not None:
            self._current.is_cached = True
        elif image := _IMAGE.fullmatch(text):
            if self._current is None or not self._current.is_cached:
                self._keep(image[1])
        elif _ERROR.match(text):
            if self._current is not None:
                self._current.error = text
            self._last_words.append(text)
        elif self._last_words:
            self._last_words.append(text)
        elif self._current is not None:
            self._current.print(line)

    def _begin(self, step: re.Match[str]) -> None:
        # The stages are counted from 1 here, and every instruction is: the line is found by its text.
        number = int(step["stage"] or 1) - 1
        vertex = Vertex(step["name"])
        vertex.name = f"[stage-{number} {step['number']}/{step['total']}] {step['name']}"
        vertex.periods[time.time()] = 0.0
        self._vertices[f"{number} {step['number']}"] = vertex
        self._current = vertex
        self._listen(vertex.name)

    def _end(self) -> None:
        if self._current is not None:
            for began in self._current.periods:
                self._current.periods[began] = time.time()
        self._current = None

    def finish(self) -> None:
        """The builder has ended."""
        if not self._last_words:
            self._end()

    @property
    def line(self) -> int:
        """Buildah names no lines."""
        return 0


def arguments_of(recipe: Recipe, dockerfile: Path, tag: str, labels: Mapping[str, str], *, is_cold: bool) -> list[str]:
    """The arguments of `podman build`."""
    ignore = dockerfile.with_name("Dockerfile.dockerignore")
    return [
        "build", f"--file={dockerfile}", f"--tag={tag}", *(f"--label={name}={value}" for name, value in labels.items()),
        # Podman's own format has no place for HEALTHCHECK and SHELL.
        "--format=docker", "--layers", "--http-proxy=false",
        *(["--no-cache"] if is_cold else []),
        *([f"--ignorefile={ignore}"] if ignore.exists() else []),
        *([f"--target={recipe.target}"] if recipe.target else []),
        *([f"--network={recipe.network}"] if recipe.network else []),
        *(f"--build-arg={name}={value}" for name, value in recipe.build_args),
        *(f"--secret={secret}" for secret in recipe.secrets),
        str(recipe.context),
    ]  # fmt: skip


def lines_of(command: Sequence[str]) -> Iterator[str]:
    """What a command puts out, line by line. Raises DockerException with its exit code, as python-on-whales does."""
    from python_on_whales.exceptions import DockerException

    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", text=True
    ) as process:
        assert process.stdout is not None
        yield from process.stdout
    if process.returncode:
        raise DockerException(list(command), process.returncode)


def saved_configuration(stream: IO[bytes]) -> dict[str, Any]:
    """The configuration in an image that was saved as a `docker-archive`.

    An inspection by Podman leaves out SHELL and ONBUILD, and has HEALTHCHECK elsewhere than Docker.
    """
    found: dict[str, Any] = {}
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for entry in archive:
            if "/" not in entry.name and entry.name.endswith(".json") and entry.name != "manifest.json":
                file = archive.extractfile(entry)
                found = json.loads(file.read()) if file else {}
    return dict(found.get("config") or {})
