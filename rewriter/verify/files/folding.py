"""Telling many paths in few lines: a folder stands for all below it."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Iterable, Sequence


def folded(paths: Iterable[str], population: Sequence[str]) -> dict[str, list[str]]:
    """The paths by the highest folder among them below which there is nothing else.

    `population` is all that there is, sorted; a path that stands for itself is alone under its own name.
    """
    chosen = sorted(paths)
    names = frozenset(chosen)
    tops: dict[str, list[str]] = {}
    is_whole: dict[str, bool] = {}
    for path in chosen:
        top = path
        folder = posixpath.dirname(path)
        while folder in names:
            if folder not in is_whole:
                is_whole[folder] = _count_below(folder, chosen) == _count_below(folder, population)
            if not is_whole[folder]:
                break
            top, folder = folder, posixpath.dirname(folder)
        tops.setdefault(top, []).append(path)
    return tops


def _count_below(folder: str, paths: Sequence[str]) -> int:
    # `0` is the character behind the slash.
    return bisect_left(paths, f"{folder}0") - bisect_left(paths, f"{folder}/")
