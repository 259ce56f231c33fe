"""What a person reads: findings, reasons and a summary."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from rewriter.batch import Problem, Result, companions
from rewriter.engine import Applied, Skipped
from rewriter.fixing.fixer import Fixer

_BOLD, _RED, _YELLOW, _CYAN, _PLAIN = "\x1b[1m", "\x1b[1;31m", "\x1b[1;33m", "\x1b[36m", "\x1b[m"
# Names and messages may hold anything: a control character would break lines or steer the terminal.
_UNPRINTABLE: Final = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\udc80-\udcff]")


def shown(text: str) -> str:
    """Text on one line: control characters and bytes that are not UTF-8 as escapes."""
    return text if text.isprintable() else _UNPRINTABLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    number = ord(match[0])
    if number >= 0xDC00:
        return f"\\x{number - 0xDC00:02x}"
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return named.get(match[0], f"\\x{number:02x}" if number < 256 else f"\\u{number:x}")


def findings(result: Result, *, fixes: bool, skips: bool, color: bool = False) -> Iterator[str]:
    """A line for each fix of a file, for each skip, or for both, in the order of the file."""
    entries: list[Applied | Skipped] = []
    if result.outcome and not result.problem:
        entries += result.outcome.applied if fixes else ()
        entries += result.outcome.skips if skips else ()
    path = shown(result.path)
    bold, cyan, plain = (_BOLD, _CYAN, _PLAIN) if color else ("", "", "")
    for entry in sorted(entries, key=lambda it: (it.line, it.column, it.code)):
        place = f"{bold}{path}:{entry.line}:{entry.column}:{plain} {cyan}{entry.code} {entry.name}{plain}"
        if isinstance(entry, Applied):
            yield f"{place} ({entry.level}): {shown(entry.message)}"
        else:
            yield f"{place} skipped: {shown(entry.reason)}"


def complaint(problem: Problem, *, is_error: bool, color: bool = False) -> str:
    """A line about something that is wrong with a file."""
    place = ":".join(
        [shown(problem.path) or "''", *(str(number) for number in (problem.line, problem.column) if number)]
    )
    kind, paint = ("error", _RED) if is_error else ("warning", _YELLOW)
    kind = f"{paint}{kind}:{_PLAIN}" if color else f"{kind}:"
    return f"{kind} {place}: {shown(problem.message)}"


def written(result: Result) -> str:
    """What was saved: the file, and others that had to follow."""
    assert result.outcome is not None
    done = [f"rewrote {shown(result.path)}"] if result.outcome.before != result.outcome.after else []
    done += [f"{'created' if before is None else 'rewrote'} {shown(path)}" for path, before, _ in companions(result)]
    return f"{', '.join(done)}: {_count(len(result.outcome.applied), 'fix', 'fixes')}"


class Summary:
    """What a run did, counted as it goes."""

    def __init__(self) -> None:
        self._fixes: Counter[str] = Counter()
        self._seen = self._checked = self._changed = self._skips = 0

    def add(self, result: Result) -> None:
        """Count one result."""
        self._seen += 1
        self._checked += result.problem is None
        if result.outcome is None or result.problem:
            return
        self._skips += sum(not skip.suppressed for skip in result.outcome.skips)
        if result.changed:
            self._changed += 1
            self._fixes.update(fix.code for fix in result.outcome.applied)

    def text(self, fixers: Iterable[Fixer], *, written: bool, brief: bool, skips_shown: bool, width: int = 0) -> str:
        """How many files and fixes there were, and, unless `brief`, what each kind of fix is good for."""
        if not self._seen:
            return "No Dockerfile found; name a file to work on it whatever it is called."
        lines = [self._headline(written)]
        if self._changed and not brief:
            lines += self._table(fixers, width)
        if self._skips and not skips_shown:
            verb = "was" if self._skips == 1 else "were"
            lines.append(f"{_count(self._skips, 'finding')} {verb} left alone; --show-skips says why.")
        if self._changed and not written:
            example = min(self._fixes, default="CODE")
            lines.append(f"Apply all of it with --write; `dfix rule {example}` explains {example}.")
        return "\n".join(line for line in lines if line)

    def _headline(self, written: bool) -> str:
        if not self._changed:
            return f"{_count(self._checked, 'file')} checked, nothing to change." if self._checked else ""
        fixes = _count(self._fixes.total(), "fix", "fixes")
        verb = "changed" if written else "would change"
        return f"{self._changed:,} of {_count(self._checked, 'file')} {verb}: {fixes}."

    def _table(self, fixers: Iterable[Fixer], width: int) -> Iterator[str]:
        rows = [(f"{self._fixes[it.code]:,}", it.code, it.name, it.summary) for it in fixers if self._fixes[it.code]]
        sizes = [max(len(row[column]) for row in rows) for column in range(3)]
        for count, code, name, summary in rows:
            head = f"{count:>{sizes[0] + 2}} {code:<{sizes[1]}} {name:<{sizes[2]}}  "
            yield _wrapped(head, summary, width)


def _wrapped(head: str, text: str, width: int) -> str:
    """A text behind its head, in a column of its own where the screen is wide enough for one."""
    if width < len(head) + 30:
        return head + text
    from textwrap import wrap

    return head + f"\n{' ' * len(head)}".join(wrap(text, width - len(head), break_on_hyphens=False))


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def explain(fixer: Fixer) -> str:
    """All there is to know about a fixer."""
    from rewriter.output.diff import unified_diff

    head = f"{fixer.code} {fixer.name}"
    facts = [f"Level: {fixer.level}. Phase: {fixer.phase}."]
    if fixer.replaces:
        facts.append(f"Replaces: {', '.join(fixer.replaces)}.")
    if fixer.changes:
        facts.append(f"May change of the image: {', '.join(sorted(fixer.changes))}.")
    example = unified_diff("Dockerfile", fixer.example.before, fixer.example.after)
    ignore = f"Leave a place alone: # dfix: ignore[{fixer.code}] reason"
    parts = [head, "=" * len(head), "", fixer.documentation, "", *facts, "", "Example:", "", example, ignore]
    return "\n".join(parts)


def catalogue(fixers: Iterable[Fixer]) -> str:
    """A line for each fixer."""
    rows = [(fixer.code, fixer.name, str(fixer.level), fixer.summary) for fixer in fixers]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    padded = [[cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)] for row in rows]
    return "\n".join("  ".join(cells) for cells in padded)
