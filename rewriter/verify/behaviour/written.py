"""The paths that a program has written: those that say something about it."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rewriter.verify.behaviour.printed import without_accidents

if TYPE_CHECKING:
    from rewriter.verify.engine.builder import Container

# Written by runtimes and engines for themselves; a program does the same without them.
_UNIMPORTANT: Final = re.compile(
    r"/__pycache__(?:/|$)|\.py[co]$|/\.cache(?:/|$)|/\.npm/_(?:logs|cacache|update)|/\.node_repl_history$|"
    r"^/(?:dev|proc|sys|tmp|root|home)$|^/(?:dev|proc|sys)/|"
    # Java's own figures: https://docs.oracle.com/en/java/javase/21/docs/specs/man/java.html (-XX:+UsePerfData)
    r"^/tmp/hsperfdata_[^/]+(?:/|$)|"
    r"^/etc/(?:hosts|hostname|resolv\.conf|mtab)$|^/run/\.containerenv$|^/\.dockerenv$"
)
_HOME: Final = re.compile(r"^/(?:root|home/[^/]+)(?=/|$)")


def written_paths(container: Container, volumes: Iterable[str]) -> frozenset[str]:
    """The paths that the program of a container made, changed or deleted, in some volumes as well."""
    changed = {path for _, path in container.changed_paths()}
    # A folder is changed by what is made in it: what is told is the innermost.
    outer = {path.rpartition("/")[0] for path in changed}
    inside = (path for volume in volumes for path in _in_volume(container, volume))
    return frozenset(path for path in {*(changed - outer), *inside} if not _UNIMPORTANT.search(path))


def places(paths: Collection[str], *, is_at_home: bool = False) -> dict[str, str]:
    """The paths by what they are called without names made up for one run, or that of the user's home."""
    return {
        _HOME.sub("~", place) if is_at_home else place: path
        for place, path in sorted((without_accidents(path), path) for path in paths)
    }


def _in_volume(container: Container, volume: str) -> Iterator[str]:
    """The paths of a volume that are younger than the container: it was filled from the image, whose times it keeps."""
    from rewriter.verify.engine.builder import EngineError

    started = int(instant(container.state().get("StartedAt", "")))
    root = volume.rstrip("/").rpartition("/")[0]
    with suppress(EngineError, tarfile.TarError):
        data = io.BytesIO(container.copy_out(volume))
        with tarfile.open(fileobj=data, mode="r|*") as archive:
            for member in archive:
                if not member.isdir() and member.mtime >= started:
                    yield f"{root}/{member.name.removeprefix('./')}"


def instant(text: str) -> float:
    """The seconds of an engine's time stamp, whose fractions have nine digits; 0 if it is none."""
    with suppress(ValueError):
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", text)).timestamp()
    return 0.0
