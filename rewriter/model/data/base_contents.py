"""What images bring: programs, users, and what they start. Read from `data/base_images.toml`, when asked.

None is unknown throughout. A program that is not among `tools` may be there all the same.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple

from rewriter.model.image import ImageReference, known_value, load_tool_sets
from rewriter.model.users import Account


class BaseContents(NamedTuple):
    """What is known of an image's contents; `tools` are programs, and `ca-certificates` for the trusted certificates.

    `entrypoint` and `command` are empty where the image sets none, None where that is not known.
    """

    tools: frozenset[str]
    entrypoint: tuple[str, ...] | None
    command: tuple[str, ...] | None
    accounts: tuple[Account, ...]


NOTHING_KNOWN: Final = BaseContents(frozenset(), None, None, ())


def base_contents(reference: ImageReference | None) -> BaseContents:
    """What is known of what an image brings."""
    if reference is None or reference.is_windows:
        return NOTHING_KNOWN
    return BaseContents(
        _tools(known_value(reference, "tools") or ""),
        _arguments(known_value(reference, "entrypoint")),
        _arguments(known_value(reference, "command")),
        accounts_of(reference),
    )


def accounts_of(reference: ImageReference) -> tuple[Account, ...]:
    """The users that an image creates for programs; empty where none is known."""
    return tuple(map(_account, (known_value(reference, "users") or "").split()))


def _arguments(value: Any) -> tuple[str, ...] | None:
    return tuple(value) if isinstance(value, list) else None


def _tools(words: str) -> frozenset[str]:
    sets = _tool_sets()
    return frozenset(program for word in words.split() for program in sets.get(word, (word,)))


@cache
def _tool_sets() -> dict[str, tuple[str, ...]]:
    return {entry["name"]: tuple(entry["programs"].split()) for entry in load_tool_sets()}


def _account(text: str) -> Account:
    name, uid, gid, home = text.split(":")
    return Account(name, int(uid), int(gid), home)
