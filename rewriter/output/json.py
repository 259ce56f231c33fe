"""What a program reads: one document for a run.

    {"version": 1,
     "files": [{"path", "changed", "written", "error": str | null, "diff": str,
                "fixes": [{"code", "name", "level", "message", "line", "column", "end_line"}],
                "skips": [{"code", "name", "reason", "line", "column", "suppressed"}]}],
     "summary": {"files", "changed", "fixes", "skips", "errors"}}

Lines and columns count from 1 and refer to the file as it was. Bytes that are not UTF-8 appear as lone surrogates.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from rewriter.batch import Result


def render(results: Sequence[Result], *, diff: Callable[[Result], str], written: bool) -> str:
    """The document as text."""
    entries = [_entry(result, diff, written) for result in results]
    summary = {
        "files": len(entries),
        "changed": sum(bool(entry["changed"]) for entry in entries),
        "fixes": sum(len(result.outcome.applied) for result in results if result.outcome),
        "skips": sum(len(result.outcome.skips) for result in results if result.outcome),
        "errors": sum(bool(result.error) for result in results),
    }
    return json.dumps({"version": 1, "files": entries, "summary": summary}, indent=2)


def _entry(result: Result, diff: Callable[[Result], str], written: bool) -> dict[str, object]:
    outcome = result.outcome
    changed = outcome is not None and outcome.changed
    return {
        "path": result.path,
        "changed": changed,
        "written": changed and written and not result.error,
        "error": result.error or None,
        "diff": diff(result) if changed else "",
        "fixes": [applied._asdict() for applied in outcome.applied] if outcome else [],
        "skips": [skipped._asdict() for skipped in outcome.skips] if outcome else [],
    }
