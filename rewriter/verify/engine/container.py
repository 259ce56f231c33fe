"""A container of ours, and what can be asked of it."""

from __future__ import annotations

import contextlib
import json
import pwd
import subprocess
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from rewriter.verify.engine.client import EngineError, engine_errors

if TYPE_CHECKING:
    from python_on_whales import DockerClient

Ask = Callable[..., subprocess.CompletedProcess[bytes]]
"""Runs the client with some arguments and a deadline in seconds."""

Whales = Callable[[float], "DockerClient"]
"""The client as python-on-whales calls it, with a deadline in seconds."""

_PATIENCE: Final = 60.0


class Container:
    """A container that was started; it is removed at the end of the session, if not before."""

    def __init__(self, identity: str, ask: Ask, whales: Whales, is_podman: bool = False) -> None:
        self.identity: Final = identity
        self._ask: Final = ask
        self._whales: Final = whales
        self._is_podman: Final = is_podman

    def state(self) -> dict[str, Any]:
        """`State` of `docker inspect`: Running, Pid, ExitCode, StartedAt, Health and so on."""
        state = self._inspect()["State"]
        assert isinstance(state, dict)
        return state

    def logs(self) -> str:
        """What the program has printed so far, on both of its streams."""
        said = self._ask("logs", self.identity, seconds=_PATIENCE)
        return (said.stdout + said.stderr).decode(errors="replace")

    def host_port(self, port: int) -> int:
        """The port of the loopback interface that leads to a port of the container; 0 if there is none."""
        ports = self._inspect()["NetworkSettings"].get("Ports") or {}
        return next((int(binding["HostPort"]) for binding in ports.get(f"{port}/tcp") or ()), 0)

    def exec(self, command: Sequence[str], timeout: float) -> tuple[int, str]:
        """The exit code and the output of a program run in the container; 124 if it took too long."""
        said = self._ask("exec", self.identity, *command, seconds=timeout, checks=False)
        return said.returncode, (said.stdout + said.stderr).decode(errors="replace")

    def top(self) -> list[tuple[int, int, str]]:
        """The running processes: number (as the engine's host counts), user id, command line."""
        # Podman runs `ps` inside the container when asked in its words, and few images have it.
        words = ["hpid", "huser", "args"] if self._is_podman else ["-eo", "pid,uid,args"]
        said = self._ask("top", self.identity, *words, seconds=_PATIENCE)
        rows = (line.split(None, 2) for line in said.stdout.decode(errors="replace").splitlines()[1:])
        return [(int(row[0]), _user_id(row[1]), row[2]) for row in rows if len(row) == 3]

    def changed_paths(self) -> list[tuple[str, str]]:
        """What the program did to the files of the image: `A`, `C` or `D` (added, changed, deleted) and the path."""
        said = self._ask("diff", self.identity, seconds=_PATIENCE)
        lines = said.stdout.decode(errors="surrogateescape").split("\n")
        return [(line[0], line[2:]) for line in lines if line]

    def copy_out(self, path: str) -> bytes:
        """A file or folder of the container as a tar archive."""
        return self._ask("cp", f"{self.identity}:{path}", "-", seconds=_PATIENCE).stdout

    def stop(self, timeout: float) -> None:
        """Ask the program to end, and end it by force after some seconds."""
        # python-on-whales loses a number of seconds, and spells other times as no client reads them.
        self._ask("stop", "--time", str(max(1, round(timeout))), self.identity, seconds=timeout + _PATIENCE)

    def remove(self) -> None:
        """Remove the container with its anonymous volumes, running or not."""
        from python_on_whales.exceptions import NoSuchContainer

        with engine_errors(), contextlib.suppress(NoSuchContainer):
            self._whales(_PATIENCE).container.remove(self.identity, force=True, volumes=True)

    def _inspect(self) -> dict[str, Any]:
        found = json.loads(self._ask("container", "inspect", self.identity, seconds=_PATIENCE).stdout)
        if not found:
            raise EngineError(f"the container {self.identity[:12]} has vanished")
        inspected = found[0]
        assert isinstance(inspected, dict)
        return inspected


def _user_id(user: str) -> int:
    """A user's number; Podman gives the name where this machine has one for it."""
    return int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid
