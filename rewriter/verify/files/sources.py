"""What of an image goes together with the compiler that read it, or made it beside a program."""

from __future__ import annotations

import posixpath
import re
from functools import cached_property
from typing import Final

from rewriter.model.effects.copies import SHARED_FOLDERS
from rewriter.model.splitting.files_beside import folders_of_texts
from rewriter.model.splitting.left_behind import is_left_behind
from rewriter.model.splitting.toolchains import TOOLCHAINS
from rewriter.verify.files.contents import Contents
from rewriter.verify.files.image import Image
from rewriter.verify.files.snapshot import Kind


class Sources:
    """The sources in an old image, of the languages whose compilers the new one has not.

    `started` is fitted by the paths that the configuration of the old one names.
    """

    def __init__(self, old: Contents, new: Contents, started: re.Pattern[str]) -> None:
        self._snapshot: Final = old.snapshot
        self._is_left: Final = [TOOLCHAINS[it].is_left_behind for it in sorted(old.compilers - new.compilers)]
        self._started: Final = started
        self._has_lost_git: Final = (
            "/usr/bin/git" in old.snapshot.entries and "/usr/bin/git" not in new.snapshot.entries
        )

    def has(self, path: str) -> bool:
        """Whether an old path is a source, or lies beside sources, or is a folder of nothing else.

        Git's settings are where git vanishes, too: they say where a compiler gets packages from.
        What the configuration names is none, nor are texts in a folder of nothing else.
        """
        entries = self._snapshot.entries
        below = [it for it in self._snapshot.below(path) if entries[it].kind is not Kind.FOLDER] or [path]
        return bool(self._is_left) and all(map(self._is_source, below))

    def _is_source(self, path: str) -> bool:
        if self._started.fullmatch(path) or posixpath.dirname(path) in self._texts:
            return False
        if path == "/root/.gitconfig":
            return self._has_lost_git
        return any(is_left(part) for is_left in self._is_left for part in _inside(path))

    @cached_property
    def _texts(self) -> frozenset[str]:
        """The folders of nothing but texts."""
        found = folders_of_texts(
            path for path, entry in self._snapshot.entries.items() if entry.kind is not Kind.FOLDER
        )
        return frozenset(it for it in found if not any(map(is_left_behind, _inside(f"{it}/"))))


def what_is_started(image: Image) -> re.Pattern[str]:
    """What the paths fit that the configuration of an image names, the program and what it is told; `*` is any name."""
    configuration = image.configuration
    health = (configuration.get("Healthcheck") or {}).get("Test") or ()
    words = (*(configuration.get("Entrypoint") or ()), *(configuration.get("Cmd") or ()), *health)
    folder = configuration.get("WorkingDir") or "/"
    parts = (part for word in words for part in re.split(r"[\s:=;\"']+", word) if "/" in part or "." in part)
    paths = {posixpath.normpath(posixpath.join(folder, part)) for part in parts}
    patterns = (re.escape(path).replace(r"\*", "[^/]*") for path in sorted(paths))
    return re.compile("|".join(patterns) or r"(?!)")


def _inside(path: str) -> list[str]:
    """The parts of a path that lie in a project: what holds several of them, and a project's own folder, are none."""
    above = posixpath.dirname(path)
    while above not in SHARED_FOLDERS:
        above = posixpath.dirname(above)
    parts = path.removeprefix(above).strip("/").split("/")
    return parts[1:] or parts
