"""What fixers declare that they may change, for those of them that fired."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rewriter.fixing.fixer import Fixer
from rewriter.verify.report import Allowed


def allowed(fixers: Iterable[Fixer], codes: Collection[str]) -> Allowed:
    """For each word of `changes=`, the codes of the fixers that say it, of those that are named."""
    said: dict[str, list[str]] = {}
    for fixer in sorted(fixers, key=lambda it: it.code):
        if fixer.code in codes:
            for word in sorted(fixer.changes):
                said.setdefault(word, []).append(fixer.code)
    return Allowed({word: tuple(found) for word, found in sorted(said.items())})
