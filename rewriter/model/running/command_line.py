"""Images of a command that people run on files of their own: what they mount keeps its owner, and may be root's."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from rewriter.model.project.sources import table
from rewriter.model.running.shipped import Doubt, Shipped
from rewriter.syntax.tree import Cmd, Entrypoint


def doubt_of_command_line(shipped: Shipped) -> Doubt | None:
    """Whether the image is for a command that its project offers by name, and no service.

    Such are the `bin` of package.json and the scripts of pyproject.toml. Sources:
    https://docs.npmjs.com/cli/v11/configuring-npm/package-json#bin,
    https://packaging.python.org/en/latest/specifications/pyproject-toml/#entry-points
    """
    if shipped.project.port or shipped.services:
        return None
    last = next((one for one in reversed(shipped.steps) if isinstance(one, Cmd | Entrypoint)), None)
    entrypoint = next((one for one in reversed(shipped.steps) if isinstance(one, Entrypoint)), None)
    if entrypoint is None or entrypoint.json is None or (last is not entrypoint and not _asks_for_help(last)):
        return None  # it starts with arguments of its own
    words = [string.value for string in entrypoint.json]
    offered = next((word for word in words for one in _offered(shipped) if _is_called(word, one)), None)
    return Doubt(f"`{offered}` is a command that people run on files of their own, as their owner") if offered else None


def _asks_for_help(instruction: object) -> bool:
    """Whether a CMD says no more than what is to be said where nobody gives arguments."""
    strings = instruction.json if isinstance(instruction, Cmd) else None
    return strings is not None and all(one.value in ("--help", "-h", "help", "--version", "") for one in strings)


def _is_called(word: str, offered: str) -> bool:
    return word == offered or (offered.endswith((".js", ".mjs", ".cjs")) and word.endswith(f"/{offered}"))


def _offered(shipped: Shipped) -> Iterator[str]:
    """The names of the commands that the project offers, and for Node their files as well."""
    package = table(shipped.project.sources.json("package.json"))
    if isinstance(file := package.get("bin"), str):
        yield str(package.get("name", "")).rpartition("/")[2]
        yield posixpath.normpath(file)
    for name, file in table(package, "bin").items():
        yield from (name, posixpath.normpath(str(file)))
    project = shipped.project.sources.toml("pyproject.toml")
    yield from (*table(project, "project", "scripts"), *table(project, "tool", "poetry", "scripts"))
