"""What `dfix verify` tells a person in a terminal: each check, what it found, the costs with bars, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rewriter.output.page import BOLD, DIM, GREEN, RED, YELLOW, Page, columns, folded, wrapped
from rewriter.output.verify_figures import (
    Row,
    allowed,
    blame,
    grouped,
    keep_good,
    last_output,
    remaining,
    rows,
    share,
    side,
    verdict,
)
from rewriter.verify.report import Check, Difference, Report, Status, Verdict
from rewriter.verify.wording import count

SHOWN: Final = 10

_LINES_OF_A_VALUE: Final = 3
_SHORTEST_SUBJECT: Final = 24
_SHORTEST_BAR, _LONGEST_BAR = 10, 40
_NARROW_NAME: Final = 19

_MARKS: Final = {Status.PASSED: ("✓", "ok  "), Status.FAILED: ("✗", "FAIL"), Status.SKIPPED: ("○", "skip")}
_STATUS_COLORS: Final = {Status.PASSED: GREEN, Status.FAILED: RED, Status.SKIPPED: YELLOW}
_VERDICT_COLORS: Final = {Verdict.DIFFERENT: RED, Verdict.UNTESTED: YELLOW}


def text(report: Report, *, width: int, color: bool, ascii_only: bool = False, show_allowed: bool = False) -> str:
    """All that a comparison found.

    A width of 0 says that nobody looks; `ascii_only` is for a stream that takes nothing else; `show_allowed` lists the
    differences that fixes declare instead of counting them.
    """
    page = Page(width, color=color, ascii_only=ascii_only)
    parts = (
        _head(page, report),
        _checks(page, report.checks, show_allowed),
        _failed_step(page, report),
        _culprits(page, report),
        _costs(page, rows(report)),
        _verdict(page, report),
    )
    return "\n\n".join("\n".join(lines) for lines in map(list, parts) if lines) + "\n"


def _head(page: Page, report: Report) -> Iterator[str]:
    path = page.cut(page.text(report.path) or "''", page.width // 2)
    fixers = f"with {', '.join(report.applied)}" if report.applied else ""
    yield from page.hanging(path, page.text(fixers), 2, color=BOLD)
    if engine := page.text(report.engine).strip():
        yield from page.hanging("", engine, 0, color=DIM, whole=True)


def _checks(page: Page, checks: Sequence[Check], show_allowed: bool) -> Iterator[str]:
    room = max((len(page.text(check.name)) for check in checks), default=0)
    for check in checks:
        mark = _MARKS[check.status][page.is_ascii]
        name = f"{page.text(check.name):<{room}} "
        indent = len(mark) + room + 3
        color = _STATUS_COLORS[check.status]
        first, *more = page.hanging(f"{mark} {name}", page.text(" ".join(check.summary.split())), indent)
        yield page.paint(color, mark) + first.removeprefix(mark)
        yield from more
        yield from _failures(page, check)
        if show_allowed:
            yield from _allowed(page, check)
        elif counted := allowed(check):
            yield from page.hanging("", page.text(counted), indent, color=DIM, whole=True)


def _failures(page: Page, check: Check) -> Iterator[str]:
    groups = grouped(check.failures)
    shown = share(groups, SHOWN)
    for group, differences in groups.items():
        yield from _group(page, group, differences, shown)
    if hidden := sum(max(0, len(differences) - shown) for differences in groups.values()):
        yield page.paint(DIM, f"    and {hidden:,} more; --output-format json lists all")


def _allowed(page: Page, check: Check) -> Iterator[str]:
    for group, differences in grouped(it for it in check.differences if it.reason).items():
        yield from _group(page, f"{group or check.name}, allowed", differences, len(differences))


def _group(page: Page, group: str, differences: Sequence[Difference], shown: int) -> Iterator[str]:
    if group:
        number = f" ({len(differences):,})" if len(differences) > 1 else ""
        yield f"    {page.paint(BOLD, page.cut(page.text(group), page.width - 4 - len(number)))}{number}"
    for difference in differences[:shown]:
        yield from _difference(page, difference, "      " if group else "    ")


def _difference(page: Page, difference: Difference, indent: str) -> Iterator[str]:
    """A difference on one line if it fits without losing more than the middle of its subject, else on several."""
    subject, before, after = map(page.text, difference[:3])
    change = f": {before or 'absent'} -> {after or 'gone'}" if before or after else ""
    reason = f" ({page.text(difference.reason)})" if difference.reason else ""
    room = page.width - len(indent)
    if columns(change + reason) <= room - min(columns(subject), _SHORTEST_SUBJECT):
        yield indent + page.cut(subject, room - columns(change + reason)) + change + reason
        return
    yield f"{indent}{page.cut(subject, room - 1)}{':' if change else ''}"
    values = page.contrast(before, after, room - 4)
    for sign, value, color in zip("-+", values, (RED, GREEN), strict=True):
        value = page.cut(value, (room - 4) * _LINES_OF_A_VALUE)
        for number, line in enumerate(folded(value, room - 4) if value else ()):
            yield f"{indent}  {page.paint(color, f'{sign} {line}' if number == 0 else f'  {line}')}"
    if reason:
        yield from page.hanging("", reason.strip(), len(indent) + 2)


def _failed_step(page: Page, report: Report) -> Iterator[str]:
    step = report.failed_step
    if step is None:
        return
    line = f":{step.line}" if step.line else ""
    head = f"The {side(report)} Dockerfile fails at "
    path = page.cut(page.text(report.path), page.width - len(head) - len(line))
    yield head + page.paint(BOLD, path + line)
    name = page.cut(page.text(step.name), (page.width - 2) * _LINES_OF_A_VALUE)
    yield from page.hanging("", name, 2)
    above, output = last_output(step)
    bar = page.paint(DIM, "  |")
    if above:
        lines = count(above, "line")
        yield f"{bar} {page.paint(DIM, f'({lines} above)')}"
    for printed in output:
        visible = page.cut(page.text(printed), (page.width - 4) * _LINES_OF_A_VALUE)
        yield from (f"{bar} {row}".rstrip() for row in folded(visible, page.width - 4))


def _culprits(page: Page, report: Report) -> Iterator[str]:
    if not report.culprits:
        return
    yield from page.hanging("Responsible:", page.text(blame(report)), 2, color=RED)
    yield from page.hanging("", page.text(remaining(report)), 0)
    if report.good:
        yield f"  {page.text(keep_good(report))}"


def _costs(page: Page, found: Sequence[Row]) -> Iterator[str]:
    """A table with a bar for each cost: beside it where there is room, else below, beside the rest of its name."""
    if not found:
        return
    cells = [row[3:] for row in found]
    sizes = [max(map(len, column)) for column in zip(("before", "after", "", ""), *cells, strict=True)]
    figures = sum(sizes) + 2 * len(sizes)
    name = max(len(row.name) for row in found)
    room = min(page.width - name - figures - 2, _LONGEST_BAR)
    is_wide = room >= _SHORTEST_BAR
    if not is_wide:
        name, room = min(name, _NARROW_NAME), figures - 2
    yield page.paint(DIM, f"{'':<{name}}  {'before':>{sizes[0]}}  {'after':>{sizes[1]}}")
    for row, texts in zip(found, cells, strict=True):
        line = "  ".join(f"{cell:>{size}}" for cell, size in zip(texts, sizes, strict=True))
        bar = _bar(page, row, room)
        first, second = (row.name, "") if is_wide else [*wrapped(row.name, name), ""][:2]
        yield f"{first:<{name}}  {line}{f'  {bar}' if is_wide else ''}".rstrip()
        if not is_wide:
            yield f"{second:<{name}}  {bar}"


def _bar(page: Page, row: Row, room: int) -> str:
    """What both have as full blocks, and behind them, in another shade, what was saved or what came on top."""
    full, parts, saved, added = ("#", "", ".", "+") if page.is_ascii else ("█", "▏▎▍▌▋▊▉", "░", "▓")
    less, more = sorted((row.old, row.new))
    eighths = round(less / more * room * 8) if more else 0
    filled = full * (eighths // 8)
    if parts and eighths % 8:
        filled += parts[eighths % 8 - 1]
    if less and not filled:
        filled = (parts or full)[0]
    is_saved = row.new <= row.old
    rest = (saved if is_saved else added) * (room - len(filled))
    return page.paint(GREEN if is_saved else YELLOW, filled) + page.paint(DIM if is_saved else RED, rest)


def _verdict(page: Page, report: Report) -> Iterator[str]:
    word, sentence = verdict(report)
    color = BOLD + _VERDICT_COLORS.get(report.verdict, GREEN)
    yield from page.hanging(f"{word}:", page.text(sentence), 0, color=color)
