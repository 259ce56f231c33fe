"""What a program reads of `dfix verify`: one document for a run, described by `verify.schema.json` beside this file.

Names and values that are not UTF-8 hold lone surrogates, one for each byte; they are escaped, so that the document is
ASCII throughout. A later version of the document has another number only if what this one says would no longer hold.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rewriter.verify.report import Check, Report

VERSION: Final = 1
SCHEMA: Final = Path(__file__).with_name("verify.schema.json")
"""The JSON Schema of the document."""


def render(reports: Sequence[Report]) -> str:
    """The document as text, without a final line feed."""
    return json.dumps({"version": VERSION, "reports": [_report(it) for it in reports]}, indent=2, allow_nan=False)


def _report(report: Report) -> dict[str, object]:
    return {
        "path": report.path,
        "verdict": report.verdict,
        "message": report.message,
        "engine": report.engine,
        "checks": [_check(check) for check in report.checks],
        "costs": {"before": report.before._asdict(), "after": report.after._asdict()},
        "applied": report.applied,
        "culprits": report.culprits,
        "good": report.good,
        "images": report.images,
        "failed_step": report.failed_step._asdict() if report.failed_step else None,
    }


def _check(check: Check) -> dict[str, object]:
    return {
        "name": check.name,
        "status": check.status,
        "summary": check.summary,
        "differences": [{**it._asdict(), "allowed": bool(it.reason)} for it in check.differences],
    }
