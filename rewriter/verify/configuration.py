"""Whether two images are configured alike: the check `configuration`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rewriter.verify.report import Allowed, Check, Difference, Status, unexcused

NAME: Final = "configuration"

_WHOLE: Final = (
    ("ENTRYPOINT", "Entrypoint", "entrypoint"),
    ("CMD", "Cmd", "cmd"),
    ("WORKDIR", "WorkingDir", "workdir"),
    ("USER", "User", "user"),
    ("STOPSIGNAL", "StopSignal", "stopsignal"),
    ("SHELL", "Shell", "shell"),
    ("HEALTHCHECK", "Healthcheck", "healthcheck"),
    ("ONBUILD", "OnBuild", "onbuild"),
    ("author", "Author", "author"),
)
"""What is compared as a whole: its name for readers, its name in the image, and the word of `changes=`.

Source: https://github.com/opencontainers/image-spec/blob/main/config.md and, for what Docker adds to it,
https://github.com/moby/docker-image-spec/blob/main/spec.md
"""

_PARTS: Final = (
    ("ENV", "Env", "env"),
    ("EXPOSE", "ExposedPorts", "expose"),
    ("VOLUME", "Volumes", "volume"),
    ("LABEL", "Labels", "label"),
)
"""What is compared part by part."""

_SHOWN: Final = 3


# ENTRYPOINTs of official images that only run the command that they are given, after settings of their own:
# https://github.com/carlossg/docker-maven, https://github.com/adoptium/containers
_HANDS_ON: Final = frozenset({'["/usr/local/bin/mvn-entrypoint.sh"]', '["/__cacert_entrypoint.sh"]', ""})


def compare_configuration(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    allowed: Allowed,
    bases: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None,
) -> Check:
    """Compare the configurations of two images as an engine shows them, with the author beside the rest.

    `bases` are those of the images that both start from, if they are not the same.
    """
    found = tuple(_differences(before, after, allowed, bases or ({}, {})))
    if failures := unexcused(found):
        said = [f"{it.subject} was {it.before or 'not set'}, is {it.after or 'not set'}" for it in failures[:_SHOWN]]
        return Check(NAME, Status.FAILED, "; ".join(said), found)
    summary = "the same but for what fixes declare" if found else "the same"
    return Check(NAME, Status.PASSED, summary, found)


def _differences(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    allowed: Allowed,
    bases: tuple[Mapping[str, Any], Mapping[str, Any]],
) -> Iterator[Difference]:
    for subject, key, word in _WHOLE:
        old, new = _shown(before.get(key)), _shown(after.get(key))
        if old != new:
            reason = allowed.reason(word)
            inherited = {old, new} <= _HANDS_ON and (old, new) == tuple(_shown(base.get(key)) for base in bases)
            if not reason and key == "Entrypoint" and inherited:
                reason = allowed.reason("base-image")
            yield Difference(subject, old, new, NAME, reason)
    for subject, key, word in _PARTS:
        yield from _of_parts(subject, _parts(before.get(key)), _parts(after.get(key)), allowed.reason(word))


def _of_parts(subject: str, old: dict[str, str], new: dict[str, str], reason: str) -> Iterator[Difference]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield Difference(f"{subject} {name}", old.get(name, ""), new.get(name, ""), NAME, reason)


def _shown(value: Any) -> str:
    """A value as a reader knows it; nothing, an empty text and an empty list are the same."""
    if not value:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _parts(value: Any) -> dict[str, str]:
    """The parts of a value by name, each with what it says; an empty one is shown as such."""
    if isinstance(value, Mapping):
        return {name: json.dumps(text, ensure_ascii=False) if text else _EMPTY[isinstance(text, str)]
                for name, text in value.items()}  # fmt: skip
    pairs = (line.partition("=") for line in value or ())
    return {name: json.dumps(text, ensure_ascii=False) for name, _, text in pairs}


_EMPTY: Final = {True: '""', False: "declared"}
