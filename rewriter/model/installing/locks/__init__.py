"""Lock files of Node's package managers: whether one is in step with package.json.

`out_of_step` says why an install that may not change the lock file would fail, or may; it is empty where the lock file
holds all that package.json asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from rewriter.model.installing.locks import bun, npm, pnpm, yarn


class Question(NamedTuple):
    """What a lock file is compared with.

    `package` is the object of package.json. `version` is the major version of the manager, 0 where it is not known.
    `ignores_peers` says that options make npm overlook peer dependencies.
    """

    manager: str
    lock: str
    text: str
    package: Mapping[str, Any]
    version: int
    ignores_peers: bool = False


_READERS: Final[Mapping[str, Callable[[Question], str]]] = {
    "npm": lambda it: npm.out_of_step(it.text, it.package, it.version, ignores_peers=it.ignores_peers),
    "yarn": lambda it: yarn.out_of_step(it.text, it.package, it.version),
    "pnpm": lambda it: pnpm.out_of_step(it.text, it.package, it.version),
    "bun": lambda it: bun.out_of_step(it.text, it.package, it.version),
}


def out_of_step(question: Question) -> str:
    """Why the lock file does not hold what package.json asks for, or may not; `{lock}` stands for its name."""
    try:
        reason = _READERS[question.manager](question)
    except RecursionError:
        reason = "{lock} cannot be understood"
    return reason.replace("{lock}", question.lock)
