"""What a program printed: without what is never the same twice, and which paths it was not allowed to write."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

ENOUGH: Final = 1_000_000
"""How many characters of an output are compared."""

_DAY: Final = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_ZONE: Final = r"(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)\b)?"

_ACCIDENTS: Final = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"\x1b\[[0-9;]*[A-Za-z]", ""),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>"),
        (rf"\b\d{{4}}[-/]\d\d[-/]\d\d(?:[T ,]+\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?{_ZONE}", "<time>"),
        (rf"\b(?:{_DAY},? )?\d\d?[ /-]{_MONTH}[ /-]\d{{2,4}}\b", "<time>"),
        (rf"\b{_DAY} {_MONTH} +\d\d?\b", "<time>"),
        (rf"\b\d\d:\d\d:\d\d(?:[.,]\d+)?(?: [AP]M\b)?{_ZONE}(?: \d{{4}}\b)?", "<time>"),
        (r"\b1[5-9]\d{8}(?:\.\d+|\d{3}|\d{6}|\d{9})?\b", "<time>"),
        (r"\b\d+(?:\.\d+)?(?:e-\d+)? ?(?:ns|us|µs|ms|s|secs?|seconds?|milliseconds?)\b", "<duration>"),
        (r"\b0x[0-9a-fA-F]{6,}\b", "<address>"),
        (r"(?i)\b(pid|process|thread|tid|goroutine)([ =:#]+)\d+\b", r"\1\2<number>"),
        (r"(?i)\[(?:pid:? ?)?\d+\]", "[<number>]"),
        (r"\b(?:172\.(?:1[6-9]|2\d|3[01])|192\.168|10\.\d{1,3})\.\d{1,3}\.\d{1,3}(?::\d{5})?\b", "<own address>"),
        (r"\b127\.0\.0\.1:(?:3[3-9]|[45]\d|6[0-5])\d{3}\b", "<own address>"),
        (r"(?<=/)tmp[a-z0-9_]{8}\b|(?<=/)tmp\.\w{6,}", "<temporary>"),
    )
)
"""What differs from one run to the next, whatever the program: times, identities, addresses, temporary names."""

_DENIED: Final = re.compile(
    r"permission denied|operation not permitted|EACCES|EROFS|EPERM|read-only file ?system|AccessDenied|"
    r"access to the path|"
    r"readonly database|unable to open database file",
    re.IGNORECASE,
)
# Programs of GNU quote with U+2018 and U+2019 where the locale has them.
_QUOTED: Final = re.compile(r"(?<!\w)['\"`\u2018]([^'\"`\u2018\u2019]+)['\"`\u2019]")
_ABSOLUTE: Final = re.compile(r"(?<![\w/.:<-])(/[^\s'\"`\u2018\u2019:,;()<>\[\]]+)")
_SPOKEN: Final = re.compile(
    r"AccessDeniedException: (\S+)|"
    r"(?i:(?:: line \d+: |can(?:no|')t create |\b(?:open|mkdir|create|remove|unlink) (?!stream))([^\s'\"]+): "
    r"(?:permission denied|read-only file system))"
)
"""What shells, Go and Java say; they do not quote, and the path may be relative."""

A_DATABASE: Final = "an SQLite database"


class Refusal(NamedTuple):
    """A path that a program could not open or make, and the line in which it said so."""

    path: str
    line: str


def without_accidents(text: str, names: Sequence[str] = ()) -> str:
    """The text without what differs by nature from one run to the next; `names` are those of the container."""
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = text.replace(name, "<container>")
    for pattern, name in _ACCIDENTS:
        text = pattern.sub(name, text)
    return text


def different_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """The lines that only one of two outputs has. Their order says nothing, for an output is two streams in one."""
    old, new = (Counter(line.rstrip() for line in text.split("\n")) for text in (before, after))
    return _in_order(before, old - new), _in_order(after, new - old)


def _in_order(text: str, some: Counter[str]) -> list[str]:
    return [line for line in dict.fromkeys(line.rstrip() for line in text.split("\n")) if some[line]]


def refusals(output: str, workdir: str = "/") -> tuple[Refusal, ...]:
    """The paths that a program says it was not allowed to write, each once; relative ones as seen from its folder."""
    found: dict[str, Refusal] = {}
    for refusal in _refusals(output.split("\n"), workdir):
        found.setdefault(refusal.path, refusal)
    return tuple(found.values())


def _refusals(lines: Iterable[str], workdir: str) -> Iterator[Refusal]:
    for line in lines:
        denied = _DENIED.search(line)
        if not denied:
            continue
        if "database" in denied[0].lower():
            yield Refusal(A_DATABASE, line.strip())
        elif path := _path_in(line, denied):
            yield Refusal(posixpath.normpath(posixpath.join(workdir, path)), line.strip())


def _path_in(line: str, denied: re.Match[str]) -> str:
    """The path of which a line complains: the quoted one, else the last before the complaint, else the first after.

    Runtimes say it in many ways: `[Errno 13] Permission denied: '/a'`, `open /a: permission denied`,
    `open() "/a" failed (13: Permission denied)`, `cannot create /a: Permission denied`.
    """
    if spoken := _SPOKEN.search(line):
        return spoken[1] or spoken[2]
    quoted = [found[1] for found in _QUOTED.finditer(line) if _is_path(found[1])]
    if quoted:
        return quoted[0]
    before = _ABSOLUTE.findall(line[: denied.start()])
    after = _ABSOLUTE.findall(line[denied.end() :])
    return before[-1] if before else after[0] if after else ""


def _is_path(text: str) -> bool:
    return not re.search(r"\s", text) and not _DENIED.search(text) and ("/" in text or "." in text or text.isalnum())
