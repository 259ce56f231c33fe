"""A program of its own that removes what a verification made, once that has ended, even by `kill -9`.

It reads notes, one JSON object a line, from a pipe whose other end only the verifying process holds. The end of the
pipe is the end of that process, whatever ended it. Only the standard library is imported.

Everything is found by the session's name, never by being new: containers, images and networks by their label, cache
mounts by their namespace. A layer in the build cache has no name of its own: it is ours if it describes one of our
steps and was made while that step ran or just after, by the builder's clock. Each step has made one: of several that
fit, the nearest is ours.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

LABEL: Final = "dfix.verify"
"""The label of all that a session makes; its value is the session's name."""

_PATIENCE: Final = 60.0
"""How long one command of the clean-up may take, in seconds."""

_EARLY: Final = 0.05
_LATE: Final = 10.0
"""How long before a step's beginning and after its end its entry may be made, in seconds: a busy builder is late."""

_RECORD: Final = re.compile(
    r"^ID:\s+(?P<identity>\S+)$.*?^Created at:\s+(?P<day>[\d-]+) (?P<time>[\d:.]+).*?"
    r"^Description:[ \t]+(?P<description>.*?)\nUsage count:",
    re.MULTILINE | re.DOTALL,
)
_MOUNT: Final = re.compile(r' with id "([^/"]*)/')
"""How the description of a cache mount ends: with its namespace and its name."""

_LOCAL: Final = {
    "[internal] load build context": "local source for context",
    "[internal] load .dockerignore": "local source for context",
    "[internal] load build definition": "local source for dockerfile",
}


class Trace(NamedTuple):
    """A part of a build: its name, its text in the Dockerfile, and when, in seconds; `ended` is 0 while it runs."""

    name: str
    source: str
    began: float
    ended: float


class Record(NamedTuple):
    """One entry of the build cache."""

    identity: str
    made: float
    description: str


class Notes:
    """What the verifying process has said."""

    def __init__(self) -> None:
        self.kept: set[str] = set()
        self.images: list[str] = []
        self.spaces: set[str] = set()
        self.traces: dict[str, Trace] = {}

    def read(self, line: bytes) -> None:
        """Take one note; one that was cut off is left out."""
        try:
            note = json.loads(line)
        except ValueError:
            return
        match note:
            case {"keep": tag}:
                self.kept.add(tag)
            case {"image": identity}:
                self.images.append(identity)
            case {"space": space}:
                self.spaces.add(space)
            case {"moment": [key, name, source, began, ended]}:
                self.traces[f"{key} {began}"] = Trace(name, source, began, ended)

    def ours(self, records: Iterable[Record]) -> set[str]:
        """The identities of the entries of the build cache that were made for us."""
        layers: list[Record] = []
        found: set[str] = set()
        for record in records:
            if mount := _MOUNT.search(record.description):
                if mount[1] in self.spaces:
                    found.add(record.identity)
            else:
                layers.append(record)
        fitting = [
            (_distance(record, trace), number, record.identity)
            for number, trace in enumerate(self.traces.values())
            for record in layers
            if may_have_made(trace, record)
        ]
        done: set[int] = set()
        for _, number, identity in sorted(fitting):
            if number not in done and identity not in found:
                done.add(number)
                found.add(identity)
        return found


def may_have_made(trace: Trace, record: Record) -> bool:
    """Whether an entry of the build cache describes a step, and was made when the step could have made it."""
    last = trace.ended + _LATE if trace.ended else math.inf
    return trace.began - _EARLY <= record.made <= last and _describes(record.description, trace)


def _distance(record: Record, trace: Trace) -> float:
    return min(abs(record.made - moment) for moment in (trace.began, trace.ended))


def _describes(description: str, trace: Trace) -> bool:
    for beginning, source in _LOCAL.items():
        if trace.name.startswith(beginning):
            return description == source
    command = description.removeprefix("mount / from exec ")
    if command == description:
        return _letters(description) == _letters(trace.name)
    # In front of the text of a RUN stands the SHELL.
    return _letters(command.partition(" -c ")[2] or command) in _letters(trace.source)


def _letters(text: str) -> str:
    """What no quoting and no change of blanks touches."""
    return re.sub(r"[\W_]+", "", text)


def records_in(listing: str) -> Iterator[Record]:
    """The entries in the output of `docker buildx du --verbose`."""
    for found in _RECORD.finditer(listing):
        # Nanoseconds are more than Python reads.
        moment = datetime.fromisoformat(f"{found['day']}T{found['time'][:15]}+00:00")
        yield Record(found["identity"], moment.timestamp(), found["description"])


class Janitor:
    """The removal of one session's belongings."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._client: list[str] = settings["client"]
        self._session: str = settings["session"]
        self._folder: str = settings["folder"]
        self._has_buildx: bool = settings["has_buildx"]
        self._environment = {**os.environ, **settings["environment"]}
        self.complaints: list[str] = []

    def clean(self, notes: Notes) -> None:
        """Remove all that is ours; what resists is said in `complaints`."""
        self._end_clients()
        label = f"label={LABEL}={self._session}"
        if containers := self._lines("ps", "--all", "--quiet", "--no-trunc", "--filter", label):
            self._do("rm", "--force", "--volumes", *containers)
        self._remove_images(label, notes)
        for identity in reversed(notes.images):
            # Some have gone with the image that was built upon them, others may be the base of one that stays.
            self._do("image", "rm", identity, may_fail=True)
        if networks := self._lines("network", "ls", "--quiet", "--filter", label):
            self._do("network", "rm", *networks)
        if self._has_buildx and (notes.spaces or notes.traces):
            self._remove_records(notes)

    def remove_folder(self) -> None:
        """Remove the temporary folder, with whatever modes its contents have."""
        for folder, names, _ in os.walk(self._folder):
            for name in names:
                place = os.path.join(folder, name)
                if not os.path.islink(place):
                    os.chmod(place, 0o700)
        shutil.rmtree(self._folder, ignore_errors=True)
        if os.path.exists(self._folder):
            self.complaints.append(f"The folder {self._folder} could not be removed.")

    def _remove_images(self, label: str, notes: Notes) -> None:
        listing = self._lines(
            "image", "ls", "--all", "--no-trunc", "--filter", label, "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"
        )
        images = [tuple(line.split(" ", 1)) for line in listing]
        kept = {identity for identity, tag in images if any(tag.endswith(name) for name in notes.kept)}
        # Several tags of one image go one by one; an image whose build was cut short has none.
        doomed = {identity if "<none>" in tag else tag for identity, tag in images if identity not in kept}
        if doomed:
            self._do("image", "rm", "--force", *sorted(doomed))

    def _remove_records(self, notes: Notes) -> None:
        """Remove our entries of the build cache; one goes only after those that were built upon it."""
        ours = notes.ours(self._records())
        previous: set[str] = set()
        while ours and ours != previous:
            previous = ours
            self._do("buildx", "prune", "--force", "--all", "--filter", f"id~=^({'|'.join(sorted(ours))})$")
            ours &= {record.identity for record in self._records()}

    def _records(self) -> Iterator[Record]:
        return records_in(self._do("buildx", "du", "--verbose"))

    def _end_clients(self) -> None:
        places = [entry.path for entry in os.scandir(os.path.join(self._folder, "clients"))]
        for number in (signal.SIGTERM, signal.SIGKILL):
            places = [place for place in places if _is_locked(place)]
            for place in places:
                _kill(place, number)
            last_look = time.monotonic() + 5
            while any(map(_is_locked, places)) and time.monotonic() < last_look:
                time.sleep(0.05)

    def _lines(self, *arguments: str) -> list[str]:
        return self._do(*arguments).splitlines()

    def _do(self, *arguments: str, may_fail: bool = False) -> str:
        command: Sequence[str] = [*self._client, *arguments]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_PATIENCE,
                env=self._environment,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            self.complaints.append(str(error))
            return ""
        if done.returncode and not may_fail:
            self.complaints.append(done.stderr.strip())
        return done.stdout


def _is_locked(place: str) -> bool:
    try:
        with open(place, "rb") as register:
            fcntl.flock(register, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _kill(place: str, number: int) -> None:
    try:
        with open(place, "rb") as register:
            os.killpg(int(register.read()), number)
    except (OSError, ValueError):
        return


def main(settings: dict[str, Any]) -> None:
    """Wait for the end of the verifying process, then clean up and say what resisted."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    notes = Notes()
    was_orderly = False
    for line in sys.stdin.buffer:
        was_orderly = was_orderly or line == b'"end"\n'
        notes.read(line)
    janitor = Janitor(settings)
    if not was_orderly:
        # Whatever was on its way to the engine may still arrive.
        time.sleep(0.3)
        janitor.clean(notes)
        time.sleep(1)
    janitor.complaints.clear()
    janitor.clean(notes)
    janitor.remove_folder()
    try:
        sys.stdout.write("\n".join(janitor.complaints))
        sys.stdout.flush()
    except OSError:
        # Nobody is left to be told; Python would try again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
