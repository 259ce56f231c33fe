"""Shell patterns as `${X#...}`, `${X%...}` and `${X/...}` take them, matched in linear time."""

from __future__ import annotations

from typing import Final

_STAR: Final = "*"


class PatternError(ValueError):
    """A pattern that BuildKit does not take."""


class Pattern:
    """A shell pattern of `*`, `?` and backslashes.

    BuildKit makes an RE2 expression of it, which takes linear time, where Python's `re` would try every way to
    distribute a text over the stars. Here the positions that a match can have come to are the bits of one number, and
    each part of the pattern moves them all at once:

        pattern  a*c     positions in "abcbc" before the `a`  000001
                                              after the `a`   000010
                                              after the `*`   111110
                                              after the `c`   101000
    """

    __slots__ = ("_has_star", "_parts")

    def __init__(self, pattern: str) -> None:
        parts: list[tuple[str, bool]] = []  # a character, and whether it is a wildcard
        escaped = False
        for character in pattern:
            if escaped:
                if character not in "*?\\}/":
                    raise PatternError(f"invalid escape '\\{character}'")
                parts.append((character, False))
                escaped = False
            elif character == "\\":
                escaped = True
            elif character != _STAR or not parts or parts[-1] != (_STAR, True):
                parts.append((character, character in "*?"))
        self._parts: Final = parts
        self._has_star: Final = (_STAR, True) in parts

    def cut_start(self, value: str, greedy: bool) -> str:
        """The value without the shortest or longest match at its start."""
        return value[_length(_reach(self._parts, value, 1), greedy) :]

    def cut_end(self, value: str, greedy: bool) -> str:
        """The value without the shortest or longest match at its end."""
        return value[: len(value) - _length(_reach(self._parts[::-1], value[::-1], 1), greedy)]

    def find(self, value: str) -> list[tuple[int, int]]:
        """The start and end of each match: of those that overlap the leftmost, of these the longest."""
        anywhere = (2 << len(value)) - 1
        # What is read from the end backwards has its bits in reverse: written as digits they are in order again.
        digits = f"{_reach(self._parts[::-1], value[::-1], anywhere):0{len(value) + 1}b}"
        starts = (position for position, digit in enumerate(digits) if digit == "1")
        found: list[tuple[int, int]] = []
        for start in starts:
            if self._has_star:
                # It ends where the last part of the pattern matches last, so no other match can follow.
                return [(start, _length(_reach(self._parts, value, 1 << start), True))]
            if not found or start >= found[-1][1]:
                found.append((start, start + len(self._parts)))
        return found


def _reach(parts: list[tuple[str, bool]], value: str, positions: int) -> int:
    """The positions, as bits, where a match of all parts can end that begins at one of the given positions."""
    inside = (1 << len(value)) - 1
    places: dict[str, int] = {}
    for index, character in enumerate(value):
        places[character] = places.get(character, 0) | 1 << index
    for character, is_wildcard in parts:
        if not positions:
            break
        if not is_wildcard:
            positions = (positions & places.get(character, 0)) << 1
        elif character == _STAR:
            positions = (2 * inside + 1) & -(positions & -positions)  # every bit from the lowest one upwards
        else:
            positions = (positions & inside) << 1
    return positions


def _length(ends: int, greedy: bool) -> int:
    """The longest or shortest of the lengths that the bits stand for; 0 when there is none."""
    return max(0, (ends if greedy else ends & -ends).bit_length() - 1)
