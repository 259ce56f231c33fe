"""Which fixers break a proof: a search among subsets of those that were applied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

Codes = tuple[str, ...]


class Blame(NamedTuple):
    """The fixers that break something, and those that hold without them."""

    culprits: Codes
    good: Codes


def find_culprits(codes: Sequence[str], holds: Callable[[Codes], bool]) -> Blame:
    """Part fixers, all of which together do not hold, into a smallest set that breaks and the rest that holds.

    `holds` says whether the result of some fixers alone is proven; it is asked about as few sets as possible, for each
    answer is a build. Several independent culprits are found one after the other.
    """
    good: Codes = tuple(codes)
    culprits: Codes = ()
    is_known_to_break = True
    while good and (is_known_to_break or not holds(good)):
        broken = _smallest_broken(good, holds)
        culprits = (*culprits, *broken)
        good = tuple(code for code in good if code not in broken)
        is_known_to_break = False
    return Blame(culprits, good)


def _smallest_broken(codes: Codes, holds: Callable[[Codes], bool]) -> Codes:
    """A part of the codes that breaks, and of which every smaller part holds."""
    if len(codes) == 1:
        return codes
    middle = len(codes) // 2
    for half in (codes[:middle], codes[middle:]):
        if not holds(half):
            return _smallest_broken(half, holds)
    # Only together do they break: whatever is not needed for that goes, one by one.
    for code in codes:
        rest = tuple(it for it in codes if it != code)
        if not holds(rest):
            codes = rest
    return codes
