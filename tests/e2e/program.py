"""A container as a user runs it: asked over its published port, stopped while it runs, and removed."""

from __future__ import annotations

import http.client
import io
import os
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple, TypeVar

from tests.e2e.docker import docker

_T = TypeVar("_T")

_PATIENCE: Final = 60.0
"""How many seconds a program may take for anything."""

# Often enough for a test; a check has the time that an interpreter needs on a machine with other work.
_QUICK_CHECKS: Final = (
    "--health-interval=1s", "--health-timeout=4s", "--health-retries=2", "--health-start-period=60s",
)  # fmt: skip


class Visit(NamedTuple):
    """A request to a server, and what must be part of the body of its answer."""

    path: str
    shows: str
    method: str = "GET"
    body: bytes = b""
    content_type: str = "text/plain"


class Reply(NamedTuple):
    """What a server answered: the status, and the body."""

    status: int
    body: str


class Program:
    """The program of a container."""

    def __init__(self, container: str, port: int) -> None:
        self._container: Final = container
        self._port: Final = port

    def visit(self, visit: Visit) -> Reply:
        """Send a request, again and again until the server is there."""
        host, _, port = docker("port", self._container, f"{self._port}/tcp").split("\n")[0].rpartition(":")

        def reply() -> Reply | None:
            connection = http.client.HTTPConnection(host, int(port), timeout=20)
            headers = {"Content-Type": visit.content_type} if visit.body else {}
            try:
                connection.request(visit.method, visit.path, visit.body, {"Host": "localhost", **headers})
                response = connection.getresponse()
                return Reply(response.status, response.read().decode(errors="replace"))
            except (OSError, http.client.HTTPException):
                return None
            finally:
                connection.close()

        return self._awaited(reply, f"an answer to {visit.method} {visit.path}")

    def processes(self) -> dict[int, int]:
        """The numbers on this machine of the main process and its descendants, each with the id of its user.

        A health check is none of them: the engine starts it beside the main process.
        """
        _, *lines = docker("top", self._container, "-eo", "pid,ppid,uid").split("\n")
        rows = [[int(word) for word in line.split()] for line in lines]
        found: dict[int, int] = {}
        parents = {int(self._inspect("{{.State.Pid}}"))}
        found.update((number, user) for number, _, user in rows if number in parents)
        while parents:
            children = {number: user for number, parent, user in rows if parent in parents}
            found |= children
            parents = set(children)
        return found

    def owner(self, path: str) -> int:
        """The user id that owns a file or folder, which is waited for."""

        def owner() -> int | None:
            copied = subprocess.run(["docker", "cp", f"{self._container}:{path}", "-"], capture_output=True, timeout=60)
            if copied.returncode:
                return None
            with tarfile.open(fileobj=io.BytesIO(copied.stdout)) as archive:
                return archive.getmembers()[0].uid

        return self._awaited(owner, path)

    def stop(self) -> None:
        """Stop all its processes where they are: they keep their ports and answer nothing."""
        stopped: set[int] = set()
        while new := self.processes().keys() - stopped:
            for number in new:
                # One that has ended meanwhile does not answer either.
                with suppress(ProcessLookupError):
                    os.kill(number, signal.SIGSTOP)
            stopped |= new

    def wait_for_health(self, status: str) -> None:
        """Wait until the engine gives the container a health status."""
        self._awaited(lambda: self._inspect("{{.State.Health.Status}}") == status or None, f"the status {status}")

    def _inspect(self, template: str) -> str:
        return docker("container", "inspect", "--format", template, self._container)

    def _awaited(self, look: Callable[[], _T | None], what: str) -> _T:
        last_try = time.monotonic() + _PATIENCE
        while (found := look()) is None:
            assert time.monotonic() < last_try, f"there is not {what} from a program that says:\n{self._said()}"
            time.sleep(0.2)
        return found

    def _said(self) -> str:
        logs = subprocess.run(["docker", "logs", self._container], capture_output=True, timeout=60)
        checks = self._inspect("{{json .State.Health}}")
        return f"{(logs.stdout + logs.stderr).decode(errors='replace')}\n{checks}"


@contextmanager
def running(identity: str, port: int = 0, options: Sequence[str] = ()) -> Iterator[Program]:
    """The program of an image; the port is published on this machine. Its volumes are removed with it."""
    published = (f"--publish=127.0.0.1::{port}",) if port else ()
    container = docker("run", "--detach", *_QUICK_CHECKS, *published, *options, identity)
    try:
        yield Program(container, port)
    finally:
        docker("rm", "--force", "--volumes", container)
