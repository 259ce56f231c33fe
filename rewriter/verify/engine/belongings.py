"""What a verification makes, and that all of it vanishes: at the end, after an error, and after `kill -9`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Final, NamedTuple

from rewriter.verify.engine import janitor, leash
from rewriter.verify.engine.janitor import LABEL
from rewriter.verify.engine.progress import Moment

_PREFIX: Final = "dfix-verify-"
_BUILDX_STATE: Final = ("current", "defaults", "instances", "certs")
"""What buildx must find in its folder to use the user's own builders."""

_UNNAMED: Final = {"SOURCE_DATE_EPOCH": None, "BUILDX_GIT_LABELS": None}
"""What the client would hand on from the user's environment to every build, without being asked to."""


class ClientCommand(NamedTuple):
    """How the engine's client is called: its program, what is changed in the environment, whether buildx is there."""

    program: str
    environment: dict[str, str]
    has_buildx: bool


class Belongings:
    """The names, labels and folders of one session; a janitor, who outlives us, removes what bears them."""

    def __init__(self, client: ClientCommand) -> None:
        self.session: Final = os.urandom(6).hex()
        self.folder: Final = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{self.session}-"))
        (self.folder / "clients").mkdir()
        self._client = client
        self._count = 0
        self._lock = threading.Lock()
        self._is_closed = False
        self._janitor: Final = self._hire()

    @property
    def labels(self) -> dict[str, str]:
        """The label that everything of ours bears."""
        return {LABEL: self.session}

    def tag(self) -> str:
        """A name for a new image."""
        return f"{_PREFIX}{self.session}:{self._number()}"

    def container_name(self, hint: str) -> str:
        """A name for a new container."""
        readable = "".join(letter for letter in hint if letter.isascii() and letter.isalnum())
        return f"{_PREFIX}{self.session}-{self._number()}{'-' if readable else ''}{readable}"

    def new_folder(self, hint: str) -> Path:
        """A new, empty folder of ours."""
        place = self.folder / f"{hint}-{self._number()}"
        place.mkdir()
        return place

    def keep(self, tag: str) -> None:
        """Let an image of ours stay."""
        self._say({"keep": tag})

    def use_space(self, space: str) -> None:
        """Call a namespace of cache mounts ours."""
        self._say({"space": space})

    def made_image(self, identity: str) -> None:
        """Call an image without a name ours."""
        self._say({"image": identity})

    def trace(self, moment: Moment) -> None:
        """Call what a part of a build leaves in the build cache ours."""
        self._say({"moment": list(moment)})

    def leashed(self, seconds: float, environment: dict[str, str]) -> list[str]:
        """The words in front of the client's arguments that let it run no longer than some seconds."""
        settings = {
            "parent": os.getpid(),
            "seconds": seconds,
            "folder": str(self.folder / "clients"),
            "environment": {**_UNNAMED, **self._client.environment, **environment},
        }
        return [sys.executable, "-I", "-S", leash.__file__, json.dumps(settings), self._client.program]

    def close(self) -> str:
        """Have everything removed; gives what the engine said where it refused."""
        with self._lock:
            if self._is_closed:
                return ""
            self._is_closed = True
        complaints, _ = self._janitor.communicate(b'"end"\n')
        return complaints.decode(errors="replace")

    def _number(self) -> int:
        with self._lock:
            self._count += 1
            return self._count

    def _say(self, note: dict[str, object]) -> None:
        assert self._janitor.stdin is not None
        with self._lock:
            if not self._is_closed:
                self._janitor.stdin.write(json.dumps(note).encode() + b"\n")
                self._janitor.stdin.flush()

    def _hire(self) -> subprocess.Popen[bytes]:
        settings = {
            "client": [self._client.program],
            "session": self.session,
            "folder": str(self.folder),
            "has_buildx": self._client.has_buildx,
            "environment": {**self._client.environment, **buildx_environment(self.folder / "buildx-janitor")},
        }
        try:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", janitor.__file__, json.dumps(settings)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise


def buildx_environment(folder: Path) -> dict[str, str]:
    """An environment in which buildx knows the user's builders but writes its state into a folder of ours.

    The state holds an identity by which the builder recognises a context and is sent only what changed in it since the
    last build. With one of its own, the first build is sent all of it.
    """
    theirs = Path(os.environ.get("BUILDX_CONFIG") or docker_config() / "buildx")
    folder.mkdir(exist_ok=True)
    for name in _BUILDX_STATE:
        if (theirs / name).exists() and not (folder / name).exists():
            (folder / name).symlink_to((theirs / name).absolute())
    return {"BUILDX_CONFIG": str(folder)}


def docker_config() -> Path:
    """The folder of the Docker client's configuration."""
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
