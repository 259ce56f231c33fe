"""What a comparison found in words and figures: what the text and the Markdown say alike."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence, Sized
from typing import Final, NamedTuple

from rewriter.output.page import printable
from rewriter.verify.report import Check, Difference, FailedStep, Report, Verdict
from rewriter.verify.wording import size

OUTPUT_LINES: Final = 20
KINDS_COUNTED: Final = 6
LONGEST_PATH: Final = 200
LEAST_OF_A_GROUP: Final = 3

COSTS: Final = (
    "image size",
    "layers",
    "context sent",
    "cold build",
    "rebuild after a source change",
    "rebuild after a dependency change",
)
"""What the fields of a `Cost` are called, in their order."""

# What a program sends a terminal beside text, ECMA-48: control sequences, operating system commands, single escapes.
# https://ecma-international.org/publications-and-standards/standards/ecma-48/
_STEERING: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\^_]")
_LARGEST_OUTPUT: Final = 100_000

_SENTENCES: Final = {
    Verdict.PROVEN: "nothing broke",
    Verdict.DIFFERENT: "the images differ in what no fix declares",
    Verdict.UNCHANGED: "there is nothing to change",
    Verdict.UNTESTED: "there is nothing to compare with",
}


def verdict(report: Report) -> tuple[str, str]:
    """The verdict as a word and a sentence."""
    sentence = " ".join(report.message.split()) or _SENTENCES[report.verdict]
    return report.verdict.capitalize(), sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def side(report: Report) -> str:
    """Which of both Dockerfiles the failed step is in: only if nothing could be compared is it the old one."""
    return "old" if report.verdict is Verdict.UNTESTED else "new"


def blame(report: Report) -> str:
    """Which fixers break something."""
    one = len(report.culprits) == 1
    return f"{listed(report.culprits)}; `dfix rule {report.culprits[0]}` explains {'it' if one else 'the first'}."


def remaining(report: Report) -> str:
    """What is proven without the culprits."""
    rest = "it" if len(report.culprits) == 1 else "them"
    if not report.good:
        return f"Nothing remains without {rest}."
    return f"Proven without {rest}: {listed(report.good)}. To keep exactly that:"


def keep_good(report: Report) -> str:
    """The command that keeps what is proven; the path only if a shell can be told it in so many words."""
    path = report.path
    if not path or printable(path) != path or len(path) > LONGEST_PATH:
        return "dfix verify --keep-good --write PATH"
    return f"dfix verify --keep-good --write {shlex.quote(f'./{path}' if path.startswith('-') else path)}"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def grouped(differences: Iterable[Difference]) -> dict[str, list[Difference]]:
    """Differences by their group, in the order in which groups first appear."""
    groups: dict[str, list[Difference]] = {}
    for difference in differences:
        groups.setdefault(difference.group, []).append(difference)
    return groups


def share(groups: Sized, most: int) -> int:
    """How many differences of each group to show, so that a large group hides no other."""
    return max(LEAST_OF_A_GROUP, most // max(1, len(groups)))


def allowed(check: Check) -> str:
    """How many differences are allowed, of which kind and by whom; empty if none is."""
    kinds = Counter((it.group or it.subject, it.reason) for it in check.differences if it.reason)
    if not kinds:
        return ""
    counted = kinds.most_common(KINDS_COUNTED)
    parts = [f"{number:,} {group} ({reason})" for (group, reason), number in counted]
    if others := kinds.total() - sum(number for _, number in counted):
        parts.append(f"{others:,} of other kinds")
    return f"{kinds.total():,} allowed: {', '.join(parts)}"


def last_output(step: FailedStep) -> tuple[int, list[str]]:
    """The end of what a step printed, as a terminal would have shown it, and how many lines stand above that."""
    output = step.output.rstrip()
    if not output:
        return 0, []
    last = [_as_seen(line) for line in output[-_LARGEST_OUTPUT:].split("\n")[-OUTPUT_LINES:]]
    return output.count("\n") + 1 - len(last), last


def _as_seen(line: str) -> str:
    """A line without colours, and as it stood in the end if it was overwritten, as progress bars are."""
    return _STEERING.sub("", line).rstrip().rpartition("\r")[2].expandtabs(8)


class Row(NamedTuple):
    """One cost of both Dockerfiles, as numbers and as a person reads them."""

    name: str
    old: float
    new: float
    before: str
    after: str
    ratio: str
    change: str


def rows(report: Report) -> list[Row]:
    """The costs that were measured for both Dockerfiles."""
    units = (size, "{:,}".format, size, seconds, seconds, seconds)
    found: list[Row] = []
    for name, unit, old, new in zip(COSTS, units, report.before, report.after, strict=True):
        if old is not None and new is not None:
            found.append(Row(name, old, new, unit(old), unit(new), ratio(old, new), change(old, new)))
    return found


def seconds(number: float) -> str:
    """A time; nobody needs tenths of what takes a quarter of an hour."""
    return f"{number:,.0f} s" if number >= 999.95 else f"{number:.1f} s"


def ratio(before: float, after: float) -> str:
    """How many times as much it is now; empty where there was nothing."""
    if not before:
        return ""
    share = after / before
    if 0 < share < 0.001 or share >= 1000:
        return "<0.001x" if share < 1 else ">999x"
    digits = 3 if 0 < share < 0.095 else 2 if share < 9.995 else 0
    return f"{share:.{digits}f}x"


def change(before: float, after: float) -> str:
    """By how much it grew or shrank; empty where there was nothing. All of it is gone only if nothing is left."""
    if not before:
        return ""
    percent = (after / before - 1) * 100
    if -100 < percent < -99:
        return f"{max(percent, -99.9):.1f} %"
    if percent >= 1000:
        return ">+999 %"
    rounded = round(percent)
    return f"{rounded:+} %" if rounded else "0 %"
