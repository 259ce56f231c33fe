"""What lock files of Node say of every package that is installed: which have scripts, which are addons."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from rewriter.model.data.node_packages import node_knowledge

_HEADER: Final = re.compile(r"(?:  )?[\"']?/?(@?[\w.-]+(?:/[\w.-]+)?)@([^\n\"',(]*)[^\n]*:[ \t]*\Z")
_VERSION: Final = re.compile(r"\s+version:?\s+[\"']?(\d[\w.-]*)")
_DEPENDENCY: Final = re.compile(r"\s+[\"']?(@?[\w.-]+(?:/[\w.-]+)?)[\"']?(?::\s|\s+[\"'\d^~])")
_BUN_ENTRY: Final = re.compile(r"\s+\"[^\"]+\":\s*\[\s*\"(@?[\w.-]+(?:/[\w.-]+)?)@([^\"]*)")
_GIT: Final = re.compile(r"\b(?:git\+|git@|git://|codeload\.github\.com|github:)|\.git(?:[#\"'\s]|\Z)")


class Locked(NamedTuple):
    """A package of a lock file, or of package.json, where the version is a range.

    `builds` says that it has an install script, or that it looks like an addon.
    """

    name: str
    version: str
    builds: bool
    is_for_developers: bool
    is_from_git: bool


def locked_packages(name: str, text: str) -> list[Locked] | None:
    """The packages of a lock file by its name; None where it cannot be read."""
    if name in ("package-lock.json", "npm-shrinkwrap.json"):
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return None
        if not isinstance(data, dict):
            return None
        if isinstance(data.get("packages"), dict):
            return list(_of_npm(data["packages"]))
        return list(_of_old_npm(data.get("dependencies")))
    if name in ("yarn.lock", "pnpm-lock.yaml"):
        return list(_of_blocks(text))
    if name == "bun.lock":
        return list(_of_bun(text))
    return None


def _of_npm(packages: dict[str, Any]) -> Iterator[Locked]:
    """`hasInstallScript` counts binding.gyp: https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json"""
    for path, entry in packages.items():
        name = path.rpartition("node_modules/")[2]
        if not path or not isinstance(entry, dict) or entry.get("link"):
            continue
        yield Locked(
            str(entry.get("name") or name),
            str(entry.get("version", "")),
            bool(entry.get("hasInstallScript")),
            bool(entry.get("dev")),
            str(entry.get("resolved", "")).startswith("git"),
        )


def _of_old_npm(packages: object) -> Iterator[Locked]:
    """The first version of the format, which does not tell install scripts."""
    helpers = node_knowledge().helpers
    pending = [packages]
    while pending:
        table = pending.pop()
        for name, entry in table.items() if isinstance(table, dict) else ():
            if isinstance(entry, dict):
                requires = entry.get("requires")
                builds = isinstance(requires, dict) and not helpers.isdisjoint(requires)
                version = str(entry.get("version", ""))
                yield Locked(name, version, builds, bool(entry.get("dev")), version.startswith("git"))
                pending.append(entry.get("dependencies"))


def _of_blocks(text: str) -> Iterator[Locked]:
    """yarn.lock and pnpm-lock.yaml: a line that names a package, and deeper ones with what it depends on."""
    helpers = node_knowledge().helpers
    current: Locked | None = None
    for line in text.split("\n"):
        line = line.rstrip("\r")
        if header := _HEADER.match(line):
            if current:
                yield current
            current = Locked(header[1], header[2].lstrip("^~>=npm: "), False, False, _GIT.search(line) is not None)
        elif current and line[:1] in (" ", "\t"):
            if version := _VERSION.match(line):
                current = current._replace(version=version[1])
            dependency = _DEPENDENCY.match(line)
            if "requiresBuild: true" in line or (dependency and dependency[1] in helpers):
                current = current._replace(builds=True)
            if _GIT.search(line):
                current = current._replace(is_from_git=True)
            if line.strip() == "dev: true":
                current = current._replace(is_for_developers=True)
    if current:
        yield current


def _of_bun(text: str) -> Iterator[Locked]:
    """bun.lock has a line for each package: https://bun.com/docs/pm/lockfile"""
    helpers = node_knowledge().helpers
    for line in text.split("\n"):
        if entry := _BUN_ENTRY.match(line):
            builds = any(f'"{helper}"' in line for helper in helpers)
            yield Locked(entry[1], entry[2], builds, False, _GIT.search(line) is not None)
