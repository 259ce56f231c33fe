"""The programs of a command that a source file holds as text, or as a list of words, as far as it says them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Final

from rewriter.model.managers.vocabulary import names
from rewriter.model.slimming.words import programs_in_text

COMPUTED: Final = "COMPUTED_"
"""Stands in a text for what is put in when it runs."""

_SHELLS: Final = names("sh bash dash ash zsh")
_HAND_ON: Final = names("sudo env nohup nice timeout stdbuf setsid xargs time ionice chroot unshare")
_INSTALLS: Final = names("pip pip3 uv npm yarn pnpm conda gem")
_SCRIPT: Final = re.compile(r"\.{1,2}/|[^\n]*\.(?:sh|bash)\Z")
_RUNS_A_SCRIPT: Final = re.compile(
    r"(?:^|[\s;&|(/])(?:ba|da|z)?sh\s+(?!-\w*c)[^\s&|;]|(?:^|[\s;&|(/\"'])[\w./-]*\.sh\b"
)
_GOES_ON: Final = re.compile(r"(?:&&|\|\|?|;|\bsudo|\benv|\bthen|\bdo)\s*\Z")


def programs_of_text(text: str) -> Iterator[str]:
    """The programs of a shell text; an empty name where it does not say one, or runs a script of its own."""
    found = programs_in_text(text)
    if not found or _RUNS_A_SCRIPT.search(text) or _GOES_ON.search(text):
        yield ""
    for name in sorted(found):
        yield "" if COMPUTED in name or name in _INSTALLS else name


def programs_of_words(words: Sequence[str | None]) -> Iterator[str]:
    """The program of a list of words, None where one is computed; an empty name as for texts."""
    first = words[0] if words else None
    if first is None or _SCRIPT.match(first):
        yield ""
        return
    name = posixpath.basename(first)
    yield "" if name in _INSTALLS or any(word in _INSTALLS for word in words[1:3]) else name
    if name in _HAND_ON:
        rest = [number for number, word in enumerate(words) if number and not _is_setting(word)]
        yield from programs_of_words(words[rest[0] :] if rest else ())
    elif name in _SHELLS:
        is_text = len(words) > 2 and (words[1] or "").startswith("-") and (words[1] or "").endswith("c")
        yield from programs_of_text(words[2] or "") if is_text else [""]


def _is_setting(word: str | None) -> bool:
    """Whether a word behind `env`, `sudo`, `timeout` is not the program yet: an option, a variable, a duration."""
    return word is not None and (word.startswith("-") or "=" in word or word[:1].isdigit())
