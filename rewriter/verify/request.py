"""What is to be compared: two versions of a Dockerfile, the context they are built from, and how to look at them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from rewriter.verify.engine.builder import Recipe
from rewriter.verify.report import Allowed


class Version(NamedTuple):
    """A Dockerfile's text, and the text of the ignore file that it is built with."""

    dockerfile: str
    ignore: str


class Conditions(NamedTuple):
    """How both versions are built and looked at.

    `target`, `build_args` and `secrets` are those of `docker build`; `timeout` ends a build, `patience` is how long a
    program may take to start, both in seconds. `path` is the HTTP path to ask for, found by itself if empty. `runs` is
    how often each build is measured; without `measures_rebuilds`, no rebuild is.
    """

    target: str = ""
    build_args: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()
    timeout: float = 1800.0
    patience: float = 30.0
    path: str = ""
    has_network: bool = True
    runs: int = 1
    measures_rebuilds: bool = True
    keeps_images: bool = False


class Request(NamedTuple):
    """One comparison. `path` is what the user calls the Dockerfile, `applied` the codes of what was changed in it."""

    path: str
    context: Path
    before: Version
    after: Version
    allowed: Allowed
    applied: tuple[str, ...] = ()
    conditions: Conditions = Conditions()

    def recipe(self, version: Version) -> Recipe:
        """How a version is built."""
        how = self.conditions
        return Recipe(
            version.dockerfile, self.context, version.ignore, how.target, how.build_args, how.secrets, how.timeout
        )
