"""A program of its own that runs a client's command on a leash: with a deadline, and no longer than its parent lives.

It is called with one JSON object and the command. The command runs in a process group of its own, so that it ends as a
whole, and it holds a lock on a file that says which group that is, so that the janitor can tell whether it still runs.
Only the standard library is imported: the program starts for every command.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from typing import Final

TIME_IS_UP: Final = 124
"""The exit code that says that the deadline ended the command; also what `timeout` of coreutils says."""

_GLANCE: Final = 0.2
"""How often to look whether the parent lives, in seconds."""

_GRACE: Final = 3.0
"""How long a command may take to end after it was asked to, in seconds."""


def main(settings: dict[str, object], command: list[str]) -> int:
    """Run the command; the exit code is its own, 124 at the deadline, or 128 and the signal that ended it."""
    place = os.path.join(str(settings["folder"]), str(os.getpid()))
    with open(place, "w", encoding="ascii") as register:
        fcntl.flock(register, fcntl.LOCK_EX)
        try:
            return _Leash(settings, register.fileno()).run(command)
        finally:
            os.unlink(place)


class _Leash:
    def __init__(self, settings: dict[str, object], register: int) -> None:
        self._parent = settings["parent"]
        self._seconds = float(str(settings["seconds"]))
        self._environment = _environment(settings["environment"])
        self._register = register
        self._is_over = threading.Event()
        self._signal = 0

    def run(self, command: list[str]) -> int:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._remember)
        # Only now: a parent that ends later finds the lock, one that has ended gets no command at all.
        if os.getppid() != self._parent:
            return TIME_IS_UP
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            env=self._environment,
            process_group=0,
            pass_fds=[self._register],
            # By itself, before it becomes the command: a leash that is killed just then leaves no command unknown.
            preexec_fn=lambda: os.write(self._register, str(os.getpid()).encode()),
        )
        threading.Thread(target=self._wait, args=[process], daemon=True).start()
        return self._watch(process)

    def _watch(self, process: subprocess.Popen[bytes]) -> int:
        left = self._seconds
        while not self._is_over.wait(min(_GLANCE, left)):
            left -= _GLANCE
            if self._signal or left <= 0 or os.getppid() != self._parent:
                self._end(process.pid)
                return 128 + self._signal if self._signal else TIME_IS_UP
        code = process.returncode
        return code if code >= 0 else 128 - code

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self._is_over.set()

    def _remember(self, number: int, _: object) -> None:
        self._signal = number

    def _end(self, group: int) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(group, number)
            except ProcessLookupError:
                return
            if self._is_over.wait(_GRACE):
                return


def _environment(changes: object) -> dict[str, str]:
    environment = dict(os.environ)
    assert isinstance(changes, dict)
    for name, value in changes.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return environment


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1]), sys.argv[2:]))
