"""What `dfix verify` says in a pull request: Markdown as GitHub renders it, from which no text of an image breaks out.

Paths and values stand in code spans and code blocks, where GitHub sees no mention, no reference and no markup; our own
sentences, which may name such things, are escaped. See https://github.github.com/gfm/ (6.3 code spans, 4.5 fenced code
blocks) and https://docs.github.com/en/get-started/writing-on-github.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from rewriter.output.page import printable
from rewriter.output.verify_figures import (
    allowed,
    grouped,
    keep_good,
    last_output,
    listed,
    remaining,
    rows,
    share,
    side,
    verdict,
)
from rewriter.verify.report import Check, Difference, Report, Status, Verdict
from rewriter.verify.wording import count

LONGEST: Final = 60_000
"""GitHub takes 65,536 characters; what embeds this text needs some, too."""

SHOWN, MOST = 10, 50

_LONGEST_VALUE: Final = 300
_LONGEST_TABLE: Final = 15_000
_AROUND: Final = 1_000
"""What stands around a list takes less."""

_MARKS: Final = {Status.PASSED: "✅", Status.FAILED: "❌", Status.SKIPPED: "⚪"}
_VERDICT_MARKS: Final = {
    Verdict.PROVEN: "✅",
    Verdict.DIFFERENT: "❌",
    Verdict.UNCHANGED: "⚪",
    Verdict.UNTESTED: "⚠️",
}
# Whatever starts markup or a link. GitHub looks for mentions, references and the names of emoji when entities have been
# read: there, an invisible character stands behind what they begin with.
_MARKUP: Final = re.compile(r"[&<>`|*_\[\]\\~$!]|:(?=//)|(?<=www)\.|(?P<name>[@#]|:(?=[\w+-]))", re.IGNORECASE)


def markdown(report: Report) -> str:
    """A block without headings, never longer than a comment may be."""
    blocks = [_verdict(report), _checks(report), _costs(report), _failed_step(report), _culprits(report)]
    text = "\n\n".join(block for block in blocks if block)
    for check in report.checks:
        room = (LONGEST - len(text)) // 2
        if room > _AROUND and (block := _failures(check, room)):
            text += f"\n\n{block}"
    if block := _allowed(report, LONGEST - len(text)):
        text += f"\n\n{block}"
    return f"{text}\n"


def _verdict(report: Report) -> str:
    word, sentence = verdict(report)
    line = f"{_VERDICT_MARKS[report.verdict]} **{word}:** {_escaped(sentence, 500)}"
    about = [_code(report.path)]
    about += [f"with {_escaped(', '.join(report.applied), 200)}"] if report.applied else []
    about += [f"on {_escaped(report.engine, 100)}"] if report.engine else []
    return f"{line}\n\n{' '.join(about)}"


def _checks(report: Report) -> str:
    if not report.checks:
        return ""
    lines = [_row(_escaped(it.name, 50), f"{_MARKS[it.status]} {_escaped(it.summary, 300)}") for it in report.checks]
    return "\n".join([_row("Check", "Result"), _row("---", "---"), *_within(lines, _LONGEST_TABLE)])


def _costs(report: Report) -> str:
    found = rows(report)
    if not found:
        return ""
    lines = [_row(row.name, *(_escaped(cell, 50) for cell in row[3:])) for row in found]
    return "\n".join([_row("Cost", "Before", "After", "Ratio", "Change"), _row("---", *["--:"] * 4), *lines])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _within(lines: Iterable[str], room: int) -> list[str]:
    """The lines for which there is room."""
    kept: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return kept


def _failed_step(report: Report) -> str:
    step = report.failed_step
    if step is None:
        return ""
    place = f"{report.path}:{step.line}" if step.line else report.path
    head = f"The {side(report)} Dockerfile fails at {_code(place)}: {_code(step.name)}"
    above, output = last_output(step)
    if not output:
        return head
    lines = "\n".join(_shortened(printable(line), _LONGEST_VALUE) for line in output)
    fence = _fence(lines, 3)
    summary = "What it printed" + (f", without {count(above, 'line')} above" if above else "")
    return f"{head}\n\n" + _details(summary, f"{fence}text\n{lines}\n{fence}")


def _culprits(report: Report) -> str:
    if not report.culprits:
        return ""
    blame = f"Responsible: {_escaped(listed(report.culprits), 200)}. {_escaped(remaining(report), 200)}"
    return f"{blame} {_code(keep_good(report))}" if report.good else blame


def _failures(check: Check, room: int) -> str:
    """The failures of a check: some at once, more on a click, and no more than there is room for."""
    failures = check.failures
    if not failures:
        return ""
    groups = grouped(failures)
    first, most = share(groups, SHOWN), share(groups, MOST)
    visible = [it for group in groups.values() for it in group[:first]]
    hidden = [it for group in groups.values() for it in group[first:most]]
    lines = _within((_difference(it) for it in (*visible, *hidden)), room - _AROUND)
    head = f"**{_escaped(check.name, 20)}**: {count(len(failures), 'difference')} that no fix declares"
    blocks = [head, "\n".join(lines[: len(visible)])]
    if more := lines[len(visible) :]:
        blocks.append(_details(f"{len(more)} more", "\n".join(more)))
    if rest := len(failures) - len(lines):
        blocks.append(f"and {rest:,} more, all of which the JSON document lists")
    return "\n\n".join(block for block in blocks if block)


def _difference(difference: Difference) -> str:
    subject, before, after = (_code(it) if it else "" for it in difference[:3])
    group = f"{_escaped(difference.group, 50)}: " if difference.group else ""
    change = f": {before or 'absent'} → {after or 'gone'}" if before or after else ""
    return f"- {group}{subject}{change}"


def _allowed(report: Report, room: int) -> str:
    lines = [f"- {_escaped(it.name, 50)}: {_escaped(allowed(it), 300)}" for it in report.checks if allowed(it)]
    number = sum(bool(difference.reason) for check in report.checks for difference in check.differences)
    block = _details(f"{count(number, 'difference')} that fixes declare", "\n".join(lines))
    return block if lines and len(block) < room else ""


def _details(summary: str, content: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"


def _escaped(text: str, longest: int) -> str:
    """Text on one line that is nothing but text."""
    text = _shortened(printable(" ".join(text.split())), longest)
    return _MARKUP.sub(lambda it: f"&#{ord(it[0])};" + "&#8203;" * bool(it["name"]), text)


def _code(text: str) -> str:
    """Text as a code span: its fence is longer than any row of backticks in it."""
    text = _shortened(printable(text), _LONGEST_VALUE)
    fence = _fence(text, 1)
    is_padded = not text.strip() or text[0] in " `" or text[-1] in " `"
    return f"{fence} {text} {fence}" if is_padded else f"{fence}{text}{fence}"


def _fence(text: str, shortest: int) -> str:
    return "`" * max(shortest, 1 + max(map(len, re.findall("`+", text)), default=0))


def _shortened(text: str, longest: int) -> str:
    """Text without its middle if it is too long."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]}…{text[-half:]}"
