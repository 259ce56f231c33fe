"""Ranges of versions as npm reads them: `^1.2`, `~1.2.3 || >=2`, `1.x`, `1.0 - 2.0`.

Source: https://github.com/npm/node-semver#ranges
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

Version: TypeAlias = tuple[int, int, int]

_PARTIAL: Final = re.compile(
    r"(?P<operator>\^|~>?|>=|<=|>|<|=)?\s*v?(?P<major>\d+|[xX*])(?:\.(?P<minor>\d+|[xX*]))?(?:\.(?P<patch>\d+|[xX*]))?"
    r"(?P<pre>-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?\Z"
)
_EXACT: Final = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:\+[0-9A-Za-z.-]+)?\Z")
_PRERELEASE: Final = re.compile(r"v?\d+\.\d+\.\d+-")
_LOOSE_OPERATOR: Final = re.compile(r"(\^|~>?|>=|<=|>|<|=)\s+")
_END: Final[Version] = (1 << 62, 0, 0)


def satisfies(version: str, wanted: str) -> bool | None:
    """Whether a version lies in a range; None where one of them is no plain version or range.

    A pre-release lies only in ranges that name one of the same version: those are not told, unless by its exact name.
    """
    wanted = wanted.strip()
    if version == wanted.lstrip("=v"):
        return True
    found = _EXACT.match(version)
    if found is None:
        return False if _PRERELEASE.match(version) and _names_releases_only(wanted) else None
    number = (int(found[1]), int(found[2]), int(found[3]))
    answers = [_lies_in(number, part.strip()) for part in wanted.split("||")]
    if True in answers:
        return True
    return None if None in answers else False


def _comparisons(part: str) -> list[str]:
    """The comparisons that must all hold, each as one word."""
    if " - " in part:
        first, _, last = part.partition(" - ")
        part = f">={first.strip()} <={last.strip()}"
    return _LOOSE_OPERATOR.sub(r"\1", part).split()


def _names_releases_only(wanted: str) -> bool:
    """Whether a range has bounds, and none of them is a pre-release."""
    for part in wanted.split("||"):
        found = [_PARTIAL.match(word) for word in _comparisons(part)]
        if not found or not all(one is not None and one["major"].isdigit() and not one["pre"] for one in found):
            return False
    return True


def _lies_in(number: Version, part: str) -> bool | None:
    if not part:
        return True
    for word in _comparisons(part):
        found = _PARTIAL.match(word)
        if found is None:
            return None
        least, end = _bounds(found)
        if not least <= number < end:
            return False
    return True


def _bounds(found: re.Match[str]) -> tuple[Version, Version]:
    """The least version that one comparison admits, and the first one behind those that it admits."""
    numbers = [int(text) for text in _digits(found)]
    least = (*numbers, 0, 0, 0)[:3]
    zero: Version = (0, 0, 0)
    first: Version = (least[0], least[1], least[2])
    operator = found["operator"] or "="
    if found["pre"]:  # the release itself lies behind them
        operator = {">": ">=", "<=": "<", "=": ""}.get(operator, operator)
    match operator:
        case "":
            return _END, _END
        case "^":
            return first, _raised(numbers, next((at for at, one in enumerate(numbers) if one), len(numbers) - 1))
        case "~" | "~>":
            return first, _raised(numbers, min(1, len(numbers) - 1))
        case ">=":
            return first, _END
        case ">":
            return (_raised(numbers, len(numbers) - 1) if numbers else _END), _END
        case "<":
            return zero, first
        case "<=":
            return zero, _raised(numbers, len(numbers) - 1)
        case _:
            return first, _raised(numbers, len(numbers) - 1)


def _digits(found: re.Match[str]) -> list[str]:
    """The numbers in front of the first placeholder."""
    digits: list[str] = []
    for name in ("major", "minor", "patch"):
        text = found[name]
        if text is None or not text.isdigit():
            break
        digits.append(text)
    return digits


def _raised(numbers: list[int], place: int) -> Version:
    """The first version in which the number at a place is a larger one."""
    if not numbers:
        return _END
    raised = [*numbers[:place], numbers[place] + 1, 0, 0, 0]
    return raised[0], raised[1], raised[2]
