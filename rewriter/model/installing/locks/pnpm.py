"""pnpm-lock.yaml: the `specifier` of each of the project's dependencies must be that of package.json.

Also compared by pnpm: overrides, patches and settings, so with those nothing is told. Only the head of the file is
read, which pnpm itself writes, always alike: two blanks for each level.
Source: https://pnpm.io/cli/install#--frozen-lockfile, https://github.com/pnpm/spec/tree/master/lockfile
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rewriter.model.installing.locks.package_json import group

_FORMATS: Final[Mapping[str, tuple[int, ...]]] = {"6.0": (8,), "9.0": (9, 10)}
"""The formats of lock files with the major versions of pnpm that write them."""
_COMPARED: Final = ("overrides", "packageExtensionsChecksum", "pnpmfileChecksum", "patchedDependencies",
                    "ignoredOptionalDependencies", "catalogs")  # fmt: skip
_SETTINGS: Final = {"autoInstallPeers": "true", "excludeLinksFromLockfile": "false"}
"""What pnpm writes where nobody chose otherwise: https://pnpm.io/settings"""
_LINE: Final = re.compile(r"( *)('[^']*'|\"[^\"]*\"|[^\s:'\"][^:]*):(?: (.*?))?\s*\Z")
_GROUPS: Final = ("dependencies", "devDependencies", "optionalDependencies")


def out_of_step(text: str, package: Mapping[str, Any], version: int) -> str:
    """Why pnpm would not take the lock file as it is."""
    head = dict(_head(text))
    written = head.get(("lockfileVersion",), "")
    if written not in _FORMATS:
        return f"{{lock}} has a format that is not known: {written or 'none'}"
    if version not in _FORMATS[written]:
        return f"{{lock}} is not the one of pnpm {version}" if version else "which version of pnpm runs is not known"
    if isinstance(package.get("pnpm"), dict) or _has_settings(head):
        return "package.json or {lock} has settings of pnpm that must be the same in both"
    is_alone = ("importers",) not in head
    at: tuple[str, ...] = () if is_alone else ("importers", ".")
    if any(len(key) == 2 and key[0] == "importers" and key[1] != "." for key in head):
        return "{lock} holds several projects"
    for name in _GROUPS:
        asked = group(package, name)
        locked = {
            key[-2]: value
            for key, value in head.items()
            if len(key) == len(at) + 3 and key[: len(at) + 1] == (*at, name) and key[-1] == "specifier"
        }
        if asked != locked:
            differing = sorted(key for key in {**asked, **locked} if asked.get(key) != locked.get(key))
            return f"{{lock}} is out of step with package.json: {differing[0]}"
    return ""


def _has_settings(head: Mapping[tuple[str, ...], str]) -> bool:
    """Whether the lock file tells of choices that pnpm must find again."""
    if any((name,) in head for name in _COMPARED):
        return True
    chosen = {key[1]: value for key, value in head.items() if len(key) == 2 and key[0] == "settings"}
    return any(_SETTINGS.get(name) != value for name, value in chosen.items())


def _head(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The values in front of the packages, each under its keys from the outermost on."""
    path: list[str] = []
    for line in text.split("\n"):
        found = _LINE.match(line)
        if found is None:
            continue
        level = len(found[1]) // 2
        key = found[2].strip("'\"")
        if not level and key in ("packages", "snapshots"):
            return
        path = [*path[:level], key]
        yield tuple(path), (found[3] or "").strip("'\"")
