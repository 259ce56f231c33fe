"""An image as the checks look at it: its files, how it is configured, and what the files are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final, NamedTuple

from rewriter.verify.files.contents import Contents
from rewriter.verify.files.snapshot import Snapshot


class Image:
    """The files of an image, and its configuration as an engine shows it; what follows from them is found once."""

    def __init__(self, snapshot: Snapshot, configuration: Mapping[str, Any]) -> None:
        self.snapshot: Final = snapshot
        self.configuration: Final = configuration

    @cached_property
    def environment(self) -> dict[str, str]:
        """The variables of the configuration."""
        return dict(line.partition("=")[::2] for line in self.configuration.get("Env") or ())

    @cached_property
    def contents(self) -> Contents:
        """What each file is."""
        return Contents(self.snapshot, self.environment)


class Bases(NamedTuple):
    """The images that two versions of a Dockerfile start from."""

    old: Image
    new: Image
