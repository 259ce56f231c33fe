"""What two builds of the same Dockerfile do not have in common, which no fixer is to blame for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from rewriter.verify.behaviour.printed import without_accidents
from rewriter.verify.files.image import Image


class Unsteady(NamedTuple):
    """The differences between two builds of the old file.

    `packages` holds the version of the second build for each package whose version is another one, empty if it is
    gone. `patterns` are paths without what is made up for one build, of those that only one of the builds has.
    """

    packages: Mapping[tuple[str, str, str], str] = {}
    contents: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    appeared: frozenset[str] = frozenset()
    patterns: frozenset[str] = frozenset()


STEADY: Final = Unsteady()
"""Nothing is excused."""


def unsteady(before: Image, again: Image) -> Unsteady:
    """Compare two builds of the old Dockerfile."""
    old, new = before.snapshot.entries, again.snapshot.entries
    both = old.keys() & new.keys()
    lost, appeared = frozenset(old.keys() - new.keys()), frozenset(new.keys() - old.keys())
    packages, others = before.contents.packages, again.contents.packages
    return Unsteady(
        packages={
            key: others[key].version if key in others else ""
            for key in {*packages, *others}
            if packages.get(key) != others.get(key)
        },
        contents=frozenset(it for it in both if (old[it].digest, old[it].target) != (new[it].digest, new[it].target)),
        attributes=frozenset(it for it in both if old[it][1:4] != new[it][1:4]),
        lost=lost,
        appeared=appeared,
        patterns=frozenset(map(pattern, lost)) & frozenset(map(pattern, appeared)),
    )


# Names made of a digest or of chance: `main.3f2a9c1b.js`, `chunk-X7Q2P4LM.js`, `.next/static/q-_Zt3.../`.
_DIGEST: Final = re.compile(
    r"(?<=[.\-_/])(?:(?=[0-9A-Za-z]*\d)(?:[0-9a-f]{8,64}|[0-9A-Z]{8})|(?=[0-9A-Za-z_-]*\d)[0-9A-Za-z_-]{20,})(?=[.\-_/]|$)"
)


def pattern(path: str) -> str:
    """A path without the parts of its names that are made up for one build."""
    return _DIGEST.sub("<digest>", without_accidents(path))
