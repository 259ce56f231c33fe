"""What of a Node project no program looks at: all but the one folder of its server."""

from __future__ import annotations

import posixpath
from typing import Final

from rewriter.model.project.only_folder import only_folder
from rewriter.verify.files.image import Image


class LeftOut:
    """The paths that may vanish with the sources, because the program of the old image looks at one folder only."""

    def __init__(self, old: Image) -> None:
        words = [*(old.configuration.get("Entrypoint") or ()), *(old.configuration.get("Cmd") or ())]
        kept = only_folder(words, old.configuration.get("WorkingDir") or "/")
        self._kept: Final = kept
        self._folder: Final = _project_above(kept, old) if kept else ""

    def holds(self, path: str) -> bool:
        """Whether a path of the old image is one of them; a folder above the one that is kept does not vanish."""
        is_inside = bool(self._folder) and path.startswith(f"{self._folder}/")
        return is_inside and not f"{path}/".startswith(f"{self._kept}/")


def _project_above(kept: str, old: Image) -> str:
    """The topmost folder above one that holds a package.json; empty where there is none below the root.

    Next.js puts one into `.next`, and a workspace has one in each of its packages.
    """
    found, folder = "", posixpath.dirname(kept)
    while folder not in ("", "/"):
        if f"{folder}/package.json" in old.snapshot.entries:
            found = folder
        folder = posixpath.dirname(folder)
    return found
