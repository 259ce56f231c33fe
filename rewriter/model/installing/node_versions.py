"""Which Node, npm, yarn or pnpm runs in a RUN: by the image, by what was installed above, by package.json."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from rewriter.model.image import ImageReference
from rewriter.model.managers.options import spelled
from rewriter.model.managers.run_calls import calls
from rewriter.model.state import State
from rewriter.syntax.tree import Run

NEWEST_NODE: Final = 25
NEWEST_NPM: Final = 11
# https://github.com/nodejs/Release#release-schedule
_CODENAMES: Final[Mapping[str, int]] = {
    "argon": 4, "boron": 6, "carbon": 8, "dubnium": 10, "erbium": 12, "fermium": 14, "gallium": 16, "hydrogen": 18,
    "iron": 20, "jod": 22, "krypton": 24,
}  # fmt: skip
_MOVING: Final = frozenset({"", "latest", "current", "lts", "slim", "alpine", "bookworm", "trixie", "bookworm-slim",
                            "trixie-slim"})  # fmt: skip
# The major version of npm that comes with each of Node: https://nodejs.org/en/about/previous-releases
_NPM_OF_NODE: Final = ((15, 6), (16, 7), (19, 8), (20, 9), (24, 10))
_FIRST_WITH_NPM_6: Final = 10
_TAG: Final = re.compile(r"v?(\d+)(?=$|[.\-])")
_NODESOURCE: Final = re.compile(r"(?:setup_|node_)(\d+)\.x")
# What Yarn 2 and newer are published as: https://www.npmjs.com/package/@yarnpkg/cli-dist
_PACKAGE: Final = re.compile(r"(npm|yarn|pnpm|@yarnpkg/cli-dist)(?:@(?:\^|~|v)?(\d+|latest|next|stable|berry)?.*)?\Z")
_MANAGER: Final = re.compile(r"(npm|yarn|pnpm|bun)@(\d+)")


def node_version(state: State) -> int:
    """The major version of Node, 0 where it is not known."""
    stage = state.stage
    origin = stage.origin if stage else None
    if origin is not None and (found := _of_image(origin)):
        return found
    for run in state.runs_where(_names_nodesource):
        if match := _NODESOURCE.search(run.view.text):
            return int(match[1])
    return 0


def _names_nodesource(run: Run) -> bool:
    return _NODESOURCE.search(run.view.text) is not None


def _of_image(image: ImageReference) -> int:
    if image.repository.rpartition("/")[2] != "node":
        return 0
    tag = image.tag.lower()
    if image.digest and not tag:
        return 0
    if match := _TAG.match(tag):
        return int(match[1])
    first = tag.partition("-")[0]
    if first in _CODENAMES:
        return _CODENAMES[first]
    return NEWEST_NODE if tag in _MOVING or first in ("lts", "current", "latest") else 0


def manager_version(manager: str, state: State, package: Mapping[str, Any], run: Run | None = None) -> int:
    """The major version of a package manager, 0 where it is not known. A `run` may install it before it calls it."""
    if run is not None and _installed(run, manager) >= 0:
        return _installed(run, manager)
    for run in reversed(list(state.runs_where(_installs_a_manager, manager))):
        return _installed(run, manager)
    asked = package.get("packageManager")
    named = _MANAGER.match(asked) if isinstance(asked, str) else None
    if named is not None and named[1] == manager and manager != "npm":
        return int(named[2])
    if manager == "npm":
        node = node_version(state)
        if node < _FIRST_WITH_NPM_6:
            return 0 if not node else 5
        return next((npm for behind, npm in _NPM_OF_NODE if node < behind), NEWEST_NPM if node > 23 else 10)
    if manager == "bun":
        return _bun_version(state)
    return 1 if manager == "yarn" else 0


def runs_by_corepack(state: State, run: Run) -> bool:
    """Whether Corepack is enabled, which alone makes the manager in package.json the one that runs."""
    return _names_corepack(run) or any(True for _ in state.runs_where(_names_corepack))


def _names_corepack(run: Run) -> bool:
    return "corepack" in run.view.text


def _bun_version(state: State) -> int:
    """The major version of bun, 0 where it may be one before 1.2, which writes its lock files otherwise."""
    stage = state.stage
    origin = stage.origin if stage else None
    if origin is None or origin.repository.rpartition("/")[2] != "bun":
        return 0
    number = re.match(r"(\d+)(?:\.(\d+))?(?=$|[.-])", origin.tag)
    if number is None:
        return 1 if origin.tag.partition("-")[0] in ("", "latest", "alpine", "slim", "debian", "distroless") else 0
    return int(number[1]) if number[2] is None or (int(number[1]), int(number[2])) >= (1, 2) else 0


def _installs_a_manager(run: Run, manager: str) -> bool:
    return _installed(run, manager) >= 0


def _installed(run: Run, manager: str) -> int:
    """The version that a RUN installs, 0 for one that is not known, -1 where it installs none."""
    found = -1
    for call in calls(run):
        for word in call.packages if call.manager.name in ("npm", "yarn", "pnpm", "bun") else ():
            match = _PACKAGE.match(spelled(word))
            name = "yarn" if match and match[1].startswith("@yarnpkg/") else match and match[1]
            if match is None or name != manager or not (call.installs and call.has("-g", "--global", "--location")):
                continue
            if match[2] and match[2].isdigit():
                found = int(match[2])
            else:
                found = NEWEST_NPM if manager == "npm" and match[2] in (None, "latest") and "$" not in word.text else 0
    text = run.view.text
    if f"corepack prepare {manager}@" in text or f"corepack use {manager}@" in text:
        match = re.search(rf"corepack (?:prepare|use) {manager}@(\d+)?", text)
        found = int(match[1]) if match and match[1] else 0
    return found
