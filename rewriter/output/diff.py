"""A unified diff that `git apply` takes.

The engine knows which characters changed, so lines are compared only there: the cost stays linear in the file, and
a few changes in a long file stay a few small hunks.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from rewriter.syntax.text import Region

CONTEXT: Final = 3
# Comparing line by line takes quadratic time; a larger region is shown as replaced.
LARGEST_COMPARED: Final = 2000

_NO_NEWLINE: Final = "\\ No newline at end of file\n"
_ESCAPES: Final = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}
_BOLD, _RED, _GREEN, _CYAN, _PLAIN = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[36m", "\x1b[m"


class _Change(NamedTuple):
    """Lines `old` to `old_end` become lines `new` to `new_end`; counted from 0, half-open."""

    old: int
    old_end: int
    new: int
    new_end: int


def unified_diff(
    path: str, before: str, after: str, regions: Iterable[Region] = (), *, newfile: bool = False, color: bool = False
) -> str:
    """The difference between two texts as a unified diff, or nothing when they are equal.

    `path` stands in the headers as it is: see `patch_path`. `regions` are the changed ranges of characters, in order;
    where they do not account for every difference, the whole text is compared.
    """
    if before == after and not newfile:
        return ""
    name = _quoted("b/" + path)
    if newfile and not after:
        # Only git's extended header can say this; it is always read from the repository's root.
        diff = f"diff --git {_quoted('a/' + path)} {name}\nnew file mode 100644\n"
    else:
        old_lines, new_lines = _split(before), _split(after)
        changes = _changes(old_lines, new_lines, regions)
        old_name = "/dev/null" if newfile else _quoted("a/" + path) + _tab(path)
        header = f"--- {old_name}\n+++ {name}{_tab(path)}\n"
        diff = header + "".join(_hunks(old_lines, new_lines, changes))
    return colorize(diff) if color else diff


def patch_path(path: str) -> str:
    """A file's path as a diff should name it for `git apply` run in the current folder.

    That is the path from here, symbolic links resolved (git patches no file behind a link). A file elsewhere is named
    from the root of its own repository, where that diff can be applied; outside any, from the root of the file system.
    """
    real = os.path.realpath(path)
    folder = os.path.realpath(os.curdir)
    if not real.startswith(os.path.join(folder, "")):
        folder = os.path.dirname(real)
        while not os.path.lexists(os.path.join(folder, ".git")) and folder != os.path.dirname(folder):
            folder = os.path.dirname(folder)
    return os.path.relpath(real, folder).replace(os.sep, "/")


def colorize(diff: str) -> str:
    """A diff with the colours that git gives it in a terminal."""
    return "".join(f"{color}{line[:-1]}{_PLAIN}\n" if color else line for color, line in _colored(diff))


def _colored(diff: str) -> Iterator[tuple[str, str]]:
    # Only counting tells a removed line "-- x" from a header "--- x".
    old = new = 0
    for line in _split(diff):
        if old <= 0 and new <= 0 and not line.startswith("\\"):
            if match := re.match(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@", line):
                old, new = int(match[1] or 1), int(match[2] or 1)
            yield (_CYAN if match else _BOLD), line
            continue
        sign = line[0]
        old -= sign in " -"
        new -= sign in " +"
        yield {"-": _RED, "+": _GREEN}.get(sign, ""), line


def _tab(path: str) -> str:
    """What ends a name with blanks in it: without a tab, git takes a date-like ending for a date."""
    return "\t" if " " in path else ""


def _quoted(name: str) -> str:
    """A name as git writes it: in quotes and escaped when it holds quotes, control characters or non-ASCII bytes."""
    data = name.encode("utf-8", "surrogateescape")
    quoted = "".join(_escaped(byte) for byte in data)
    return name if quoted == name else f'"{quoted}"'


def _escaped(byte: int) -> str:
    if byte in _ESCAPES:
        return "\\" + _ESCAPES[byte]
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"


def _split(text: str) -> list[str]:
    """Lines with their line feeds. Nothing else ends a line for git: no form feed, no carriage return."""
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _changes(old: list[str], new: list[str], regions: Iterable[Region]) -> list[_Change]:
    """The changed lines: within the regions if the texts agree outside of them, else found in the whole."""
    ranges = _line_ranges(old, new, regions)
    old_at = new_at = 0
    for change in [*ranges, _Change(len(old), len(old), len(new), len(new))]:
        if old[old_at : change.old] != new[new_at : change.new]:
            ranges = [_Change(0, len(old), 0, len(new))]
            break
        old_at, new_at = change.old_end, change.new_end
    return _joined(found for change in ranges for found in _compared(old, new, change))


def _line_ranges(old: list[str], new: list[str], regions: Iterable[Region]) -> list[_Change]:
    """Widen regions of characters to whole lines; those that come to share a line become one."""
    old_starts, new_starts = _starts(old), _starts(new)
    ranges: list[_Change] = []
    for (start, end), (new_start, new_end) in regions:
        # What follows is common to both texts: the rest of its first line belongs in on both sides, or on neither.
        is_whole = _holds(old_starts, end) and _holds(new_starts, new_end)
        line_after = bisect_left if is_whole else bisect_right
        change = _Change(
            bisect_right(old_starts, start) - 1,
            min(line_after(old_starts, end), len(old)),
            bisect_right(new_starts, new_start) - 1,
            min(line_after(new_starts, new_end), len(new)),
        )
        while ranges and (change.old < ranges[-1].old_end or change.new < ranges[-1].new_end):
            previous = ranges.pop()
            change = _Change(
                min(previous.old, change.old),
                max(previous.old_end, change.old_end),
                min(previous.new, change.new),
                max(previous.new_end, change.new_end),
            )
        ranges.append(change)
    return ranges


def _starts(lines: list[str]) -> list[int]:
    """The offsets at which lines begin, the empty one after a final line feed among them."""
    starts = [0, *accumulate(map(len, lines))]
    return starts[:-1] if lines and not lines[-1].endswith("\n") else starts


def _holds(numbers: list[int], number: int) -> bool:
    place = bisect_left(numbers, number)
    return place < len(numbers) and numbers[place] == number


def _compared(old: list[str], new: list[str], change: _Change) -> Iterator[_Change]:
    """The changes within a range of lines."""
    start, end, new_start, new_end = change
    while start < end and new_start < new_end and old[start] == new[new_start]:
        start, new_start = start + 1, new_start + 1
    while start < end and new_start < new_end and old[end - 1] == new[new_end - 1]:
        end, new_end = end - 1, new_end - 1
    if start == end or new_start == new_end or max(end - start, new_end - new_start) > LARGEST_COMPARED:
        if (start, new_start) != (end, new_end):
            yield _Change(start, end, new_start, new_end)
        return
    from difflib import SequenceMatcher

    # Autojunk would take lines that occur often for noise, and show a long file as changed throughout.
    matcher = SequenceMatcher(None, old[start:end], new[new_start:new_end], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            yield _Change(start + a, start + b, new_start + c, new_start + d)


def _joined(changes: Iterable[_Change]) -> list[_Change]:
    """Changes that meet, as one: all its removed lines come before the added ones."""
    joined: list[_Change] = []
    for change in changes:
        if joined and joined[-1].old_end == change.old and joined[-1].new_end == change.new:
            change = _Change(joined[-1].old, change.old_end, joined.pop().new, change.new_end)
        joined.append(change)
    return joined


def _hunks(old: list[str], new: list[str], changes: Sequence[_Change]) -> Iterator[str]:
    """Text of the hunks: changes with at most twice the context between them stand in one."""
    group: list[_Change] = []
    for change in changes:
        if group and change.old - group[-1].old_end > 2 * CONTEXT:
            yield _hunk(old, new, group)
            group = []
        group.append(change)
    if group:
        yield _hunk(old, new, group)


def _hunk(old: list[str], new: list[str], group: Sequence[_Change]) -> str:
    before = min(CONTEXT, group[0].old)
    after = min(CONTEXT, len(old) - group[-1].old_end)
    old_range = _range(group[0].old - before, group[-1].old_end + after)
    new_range = _range(group[0].new - before, group[-1].new_end + after)
    parts = [f"@@ -{old_range} +{new_range} @@\n"]
    at = group[0].old - before
    for change in group:
        parts += _marked(" ", old[at : change.old])
        parts += _marked("-", old[change.old : change.old_end])
        parts += _marked("+", new[change.new : change.new_end])
        at = change.old_end
    parts += _marked(" ", old[at : at + after])
    return "".join(parts)


def _range(start: int, end: int) -> str:
    """Lines from 1 and their number. An empty range names the line before it."""
    count = end - start
    return f"{start + 1}" if count == 1 else f"{start + 1 if count else start},{count}"


def _marked(sign: str, lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield f"{sign}{line}" if line.endswith("\n") else f"{sign}{line}\n{_NO_NEWLINE}"
