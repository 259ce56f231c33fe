"""What lock files in an image say of packages: which versions are meant, and what only development needs."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from rewriter.model.installing.locks.python import all_packages, kept_by_poetry, kept_by_uv
from rewriter.verify.files.installed import Package
from rewriter.verify.files.snapshot import Snapshot

LOCK_FILES: Final = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock")
"""The names of lock files that are read."""

_INSTALLED: Final = "node_modules/.package-lock.json"
"""What npm notes of a tree that it has installed, in the form of its lock file."""
_MARKS: Final = ("dev", "devOptional")


class LockFiles:
    """The lock files of one image, each read when a package below its folder is asked about."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot: Final = snapshot
        self._tables: Final[dict[str, Mapping[str, Any]]] = {}

    def names(self, package: Package) -> bool:
        """Whether a lock file names just this version of a package."""
        folder, path = _project_of(package)
        for name in LOCK_FILES if folder else ():
            file = posixpath.join(folder, name)
            if name.endswith(".json"):
                entry = self._table(file).get(path)
                if isinstance(entry, dict) and entry.get("version") == package.version:
                    return True
            elif self._is_named_in(self._snapshot.text(file), package):
                return True
        return False

    def leaves_out(self, package: Package) -> bool:
        """Whether there is a lock file of npm that has no package at this place."""
        folder, path = _project_of(package)
        table = self._table(posixpath.join(folder, "package-lock.json")) if folder else {}
        return bool(table) and path not in table

    def is_for_development(self, package: Package) -> bool:
        """Whether the lock file of npm, uv or Poetry says that development alone needs a package.

        Those of Yarn and pnpm do not tell: there it is enough that package.json has devDependencies.
        """
        if package.manager == "Python":
            return package.name in self._of_python_development
        folder, path = _project_of(package)
        if not folder:
            return False
        for name in (_INSTALLED, "package-lock.json", "npm-shrinkwrap.json"):
            table = self._table(posixpath.join(folder, name))
            if table:
                entry = table.get(path)
                return isinstance(entry, dict) and any(entry.get(mark) is True for mark in _MARKS)
        manifest = _object(self._snapshot.text(posixpath.join(folder, "package.json")))
        return bool(manifest.get("devDependencies"))

    @cached_property
    def _of_python_development(self) -> frozenset[str]:
        found: set[str] = set()
        for path in self._snapshot.entries:
            name = posixpath.basename(path)
            if name in ("uv.lock", "poetry.lock"):
                text = self._snapshot.text(path)
                kept = kept_by_uv(text, ()) if name == "uv.lock" else kept_by_poetry(text)
                found |= all_packages(text) - kept if kept is not None else frozenset()
        return frozenset(found)

    def _table(self, file: str) -> Mapping[str, Any]:
        if file not in self._tables:
            packages = _object(self._snapshot.text(file)).get("packages")
            self._tables[file] = packages if isinstance(packages, dict) else {}
        return self._tables[file]

    @staticmethod
    def _is_named_in(text: str, package: Package) -> bool:
        name, version = re.escape(package.name), re.escape(package.version)
        together = rf"[/\s'\"]{name}@{version}(?=[:('\"\s,])"  # pnpm, bun
        apart = rf"(?m)^\"?{name}@[^\n]*:\r?\n\s+version:? \"?{version}\"?\s*$"  # Yarn
        return re.search(together, text) is not None or re.search(apart, text) is not None


def _project_of(package: Package) -> tuple[str, str]:
    """The folder of the project that a package is installed for, and its path from there."""
    folder, found, rest = package.place.partition("/node_modules")
    return (folder or "/", f"node_modules{rest}/{package.name}") if found and package.manager == "Node" else ("", "")


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
