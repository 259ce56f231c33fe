"""The options and words of a command line."""

from __future__ import annotations

from collections.abc import Iterator

from rewriter.model.project.answers import Text


def option_value(words: tuple[Text, ...], *options: str) -> Text | None:
    """The value of the last of some options: `--port 80`, `--port=80`, `-p80`; None where none is given."""
    found: Text | None = None
    for number, word in enumerate(words):
        name, equals, _ = word.value.partition("=")
        if name in options:
            if equals:
                found = word._replace(value=word.value[len(name) + 1 :])
            elif number + 1 < len(words):
                found = words[number + 1]
        elif not name.startswith("--") and name[:2] in options and len(word.value) > 2:
            found = word._replace(value=word.value[2:])
    return found


def positional(words: tuple[Text, ...], values: frozenset[str]) -> Iterator[Text]:
    """The words that are neither options nor their values."""
    skips = False
    for word in words:
        if skips:
            skips = False
        elif word.value.startswith("-"):
            skips = word.value in values
        else:
            yield word
