"""About how large images and packages of Debian are: read from `data/sizes.toml`, for estimates and no decisions."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final, NamedTuple

from rewriter.model.image import ImageReference

MEGABYTE: Final = 10**6
"""The unit of the data file."""


class Size(NamedTuple):
    """About how large something is, in megabytes, and the month of which that was said."""

    megabytes: int
    month: str


def pulled_size(image: ImageReference) -> Size | None:
    """What is pulled of an image, compressed; None where it is not known."""
    name = image.family or f"{image.registry}/{image.repository}"
    for entry in _load()["image"]:
        if entry["name"] == name and re.fullmatch(entry["match"], image.tag):
            return Size(entry["size"], entry["month"])
    return None


def installed_size(package: str) -> Size | None:
    """What the install of a Debian package takes on disk, with all that it depends on; None where it is not known."""
    packages = _load()["packages"]
    size = packages.get(package)
    return Size(size, packages["month"]) if isinstance(size, int) else None


@cache
def _load() -> dict[str, Any]:
    import os.path
    import tomllib

    with open(os.path.join(os.path.dirname(__file__), "sizes.toml"), "rb") as file:
        return tomllib.load(file)
