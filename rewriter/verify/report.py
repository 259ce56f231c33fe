"""What a comparison of two images found, as data: made by the checks, printed by `rewriter.output`."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

ALWAYS: Final = "every fix"
"""What allows a difference in the caches, indexes and logs of package managers."""

UNSTEADY: Final = "differs between two builds of the old file, too"
"""What excuses a difference that a second build of the old Dockerfile shows as well."""


class Status(StrEnum):
    """What a check says."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Nothing could be compared; the check's summary says why."""


class Difference(NamedTuple):
    """One thing that is not the same in both images.

    `group` is what a reader sorts by, such as `application` or `language packages`; `subject` names the thing: a path,
    a package, `CMD`, `port 8000`. An empty `before` or `after` says that it was not there. `reason` says why it
    may differ: the codes of fixers that declare it, ALWAYS or UNSTEADY; a difference without a reason is a failure.
    """

    subject: str
    before: str
    after: str
    group: str = ""
    reason: str = ""


def unexcused(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """The differences that nothing allows."""
    return tuple(difference for difference in differences if not difference.reason)


class Check(NamedTuple):
    """The answer to one question about both images: `build`, `configuration`, `files`, `libraries` or `behaviour`."""

    name: str
    status: Status
    summary: str
    differences: tuple[Difference, ...] = ()

    @property
    def failures(self) -> tuple[Difference, ...]:
        """The differences that nothing allows."""
        return unexcused(self.differences)


class Cost(NamedTuple):
    """What one Dockerfile costs: bytes, counts, and medians in seconds; None where it was not measured."""

    image_bytes: int | None = None
    layers: int | None = None
    context_bytes: int | None = None
    cold_build: float | None = None
    rebuild_after_source: float | None = None
    rebuild_after_dependency: float | None = None


class Verdict(StrEnum):
    """What the whole comparison says."""

    PROVEN = "proven"
    DIFFERENT = "different"
    UNCHANGED = "unchanged"
    """There was nothing to compare: dfix leaves the Dockerfile as it is."""
    UNTESTED = "untested"
    """The old Dockerfile could not be built either, or there is no engine."""


class FailedStep(NamedTuple):
    """The step at which a build ended: its instruction, the line in the Dockerfile (0: unknown), what it printed."""

    name: str
    line: int
    output: str


class Report(NamedTuple):
    """The whole comparison.

    `applied` are the codes of the fixers whose changes were compared, `culprits` those of them that break something,
    `good` those that remain proven without the culprits; `images` names what was built, the old version first, where
    the user wants to keep it.
    """

    path: str
    verdict: Verdict
    message: str
    checks: tuple[Check, ...] = ()
    before: Cost = Cost()
    after: Cost = Cost()
    applied: tuple[str, ...] = ()
    culprits: tuple[str, ...] = ()
    good: tuple[str, ...] = ()
    failed_step: FailedStep | None = None
    engine: str = ""
    images: tuple[str, ...] = ()


class Allowed(NamedTuple):
    """What the fixes that are compared may change: for each word of `rewriter.fixing.changes`, which codes say so."""

    codes: dict[str, tuple[str, ...]]

    def reason(self, word: str) -> str:
        """Who allows a change of this kind; empty if nobody does."""
        return ", ".join(self.codes.get(word, ()))
