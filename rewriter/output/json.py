"""What a program reads: one document for a run.

    {"version": 1,
     "files": [{"path", "changed", "written", "diff": str, "text": str | null,
                "error": {"path", "message", "line", "column"} | null, "failed",
                "remarks": [{"path", "message", "line", "column"}],
                "fixes": [{"code", "name", "level", "message", "line", "column", "end_line"}],
                "skips": [{"code", "name", "reason", "line", "column", "suppressed"}]}],
     "summary": {"files", "changed", "written", "fixes", "skips", "errors"}}

Lines and columns count from 1 and refer to the file as it was; in an error, 0 stands for an unknown place. `failed`
says whether the error counts for the exit code. `text` is the result for standard input with `--write`. Bytes that are
not UTF-8 appear as lone surrogates.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from rewriter.batch import Result


def render(results: Sequence[Result], *, diff: Callable[[Result], str], written: bool) -> str:
    """The document as text."""
    entries = [_entry(result, diff, written) for result in results]
    outcomes = [result.outcome for result in results if result.outcome and not result.problem]
    summary = {
        "files": len(entries),
        "changed": sum(bool(entry["changed"]) for entry in entries),
        "written": sum(bool(entry["written"]) for entry in entries),
        "fixes": sum(len(outcome.applied) for outcome in outcomes),
        "skips": sum(len(outcome.skips) for outcome in outcomes),
        "errors": sum(bool(result.problem) for result in results),
    }
    return json.dumps({"version": 1, "files": entries, "summary": summary}, indent=2)


def _entry(result: Result, diff: Callable[[Result], str], written: bool) -> dict[str, object]:
    outcome = None if result.problem else result.outcome
    return {
        "path": result.path,
        "changed": result.changed,
        "written": result.changed and written and not result.is_stdin,
        "diff": diff(result) if result.changed else "",
        "text": result.outcome.after if result.outcome and result.is_stdin and written else None,
        "error": result.problem._asdict() if result.problem else None,
        "failed": result.failed,
        "remarks": [remark._asdict() for remark in result.remarks],
        "fixes": [applied._asdict() for applied in outcome.applied] if outcome else [],
        "skips": [skipped._asdict() for skipped in outcome.skips] if outcome else [],
    }
