"""What a person reads: findings, reasons and a summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rewriter.batch import Result
from rewriter.engine import Applied, Skipped
from rewriter.fixing.fixer import Fixer


def findings(result: Result, *, show_skips: bool) -> Iterator[str]:
    """A line for each fix of a file, and for each skip on request, in the order of the file."""
    if result.outcome is None:
        return
    entries: list[Applied | Skipped] = list(result.outcome.applied)
    if show_skips:
        entries += result.outcome.skips
    for entry in sorted(entries, key=lambda it: (it.line, it.column, it.code)):
        place = f"{result.path}:{entry.line}:{entry.column}: {entry.code} {entry.name}"
        if isinstance(entry, Applied):
            yield f"{place} ({entry.level}): {entry.message}"
        else:
            yield f"{place} skipped: {entry.reason}"


def summary(results: Sequence[Result], *, written: bool) -> str:
    """One line that says how many files and fixes there were."""
    changed = [result for result in results if result.outcome is not None and result.outcome.changed]
    fixes = [applied for result in changed if result.outcome for applied in result.outcome.applied]
    total = sum(result.outcome is not None and not result.error for result in results)
    if not changed:
        return f"{_count(total, 'file')} checked, nothing to change."
    verb = "changed" if written else "would change"
    by_fixer = Counter(f"{fix.code} {fix.name}" for fix in fixes)
    listed = ", ".join(f"{name}{f' ({count})' if count > 1 else ''}" for name, count in sorted(by_fixer.items()))
    return f"{len(changed)} of {_count(total, 'file')} {verb}, {_count(len(fixes), 'fix', 'fixes')}: {listed}."


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
        facts.append(f"May change of the image's configuration: {', '.join(sorted(fixer.changes))}.")
    example = unified_diff("Dockerfile", fixer.example.before, fixer.example.after)
    ignore = f"Leave a place alone: # dfix: ignore[{fixer.code}] reason"
    return "\n".join([head, "=" * len(head), "", fixer.documentation, "", *facts, "", "Example:", "", example + "\n" + ignore])


def catalogue(fixers: Iterable[Fixer]) -> str:
    """A line for each fixer."""
    rows = [(fixer.code, fixer.name, str(fixer.level), fixer.summary) for fixer in fixers]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows)
