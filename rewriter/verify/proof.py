"""The proof: build a Dockerfile before and after, compare what came out, and find out who broke it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from rewriter.verify.bases import recipes_of_bases
from rewriter.verify.behaviour.compare_behaviour import BODIES, compare_behaviour
from rewriter.verify.behaviour.observation import Questions
from rewriter.verify.bisect import Blame, Codes, find_culprits
from rewriter.verify.configuration import compare_configuration
from rewriter.verify.cost import measured
from rewriter.verify.engine.builder import Engine, Failure
from rewriter.verify.engine.recipe import Recipe
from rewriter.verify.files.compare_files import compare_files, new_folders
from rewriter.verify.files.image import Bases
from rewriter.verify.files.libraries import compare_libraries
from rewriter.verify.files.steady import unsteady
from rewriter.verify.report import Allowed, Check, Cost, Report, Status, Verdict
from rewriter.verify.request import Request, Version
from rewriter.verify.specimen import Specimen

_NOBODYS_FAULT: Final = frozenset({Failure.DISK_FULL, Failure.ENGINE})
"""Ends of a build that say nothing about the Dockerfile."""

Upgrade = Callable[[Codes], tuple[Version, Allowed]]
"""What some fixers alone make of the Dockerfile, and what they may change."""


def prove(request: Request, engine: Engine, upgrade: Upgrade | None = None) -> Report:
    """Compare two versions of a Dockerfile.

    Where `upgrade` can say what single fixers do, those that break something are found and named.
    Raises EngineError where the engine itself fails.
    """
    return _Proof(request, engine, upgrade).report()


class _Proof:
    def __init__(self, request: Request, engine: Engine, upgrade: Upgrade | None) -> None:
        self._request: Final = request
        self._engine: Final = engine
        self._upgrade: Final = upgrade
        self._before: Final = self._specimen(request.before, "before")
        self._again: Final = self._specimen(request.before, "before, once more")
        self._known_bases: Final[dict[tuple[Recipe, Recipe], tuple[Specimen, Specimen] | None]] = {}

    def _specimen(self, version: Version, name: str, space: str = "") -> Specimen:
        return self._specimen_of(self._request.recipe(version), name, space)

    def _specimen_of(self, recipe: Recipe, name: str, space: str = "") -> Specimen:
        conditions = self._request.conditions
        questions = Questions(path=conditions.path, patience=conditions.patience, has_network=conditions.has_network)
        return Specimen(self._engine, recipe, questions, name, space)

    def report(self) -> Report:
        request = self._request
        empty = Report(request.path, Verdict.UNTESTED, "", applied=request.applied, engine=self._engine.name)
        if failure := self._before.failure:
            return empty._replace(message=f"it cannot be built as it is: {failure}", failed_step=failure.step)
        after = self._specimen(request.after, "after")
        if failure := after.failure:
            if failure.reason in _NOBODYS_FAULT:
                return empty._replace(message=str(failure))
            # A download that fails once is nobody's fault.
            after = self._specimen(request.after, "after, once more")
        checks = tuple(self._checks(after, request.allowed))
        kept = self._kept(after)
        report = empty._replace(checks=checks, verdict=Verdict.PROVEN, message="nothing broke", images=kept)
        if is_proven(checks):
            return report._replace(before=self._cost(self._before), after=self._cost(after))
        return self._blamed(report, after)

    def _kept(self, after: Specimen) -> tuple[str, ...]:
        """The names of both images, if they are to stay."""
        if not self._request.conditions.keeps_images:
            return ()
        return tuple(self._engine.keep(it.built.identity) for it in (self._before, after) if it.failure is None)

    def _cost(self, specimen: Specimen) -> Cost:
        self._engine.tell(f"{specimen.name}: rebuilds")
        folder = Path(self._engine.folder) / f"changed-{specimen.space}"
        return measured(self._engine, specimen.recipe, specimen.built, specimen.space, self._request.conditions, folder)

    def _checks(self, after: Specimen, allowed: Allowed) -> Iterator[Check]:
        """The checks of a version, each made when it is asked for; without an image there is only the first."""
        if failure := after.failure:
            yield Check("build", Status.FAILED, str(failure))
            return
        yield Check("build", Status.PASSED, "both versions build")
        yield self._configuration(after, allowed)
        yield self._files(after, allowed)
        yield self._libraries(after, allowed)
        yield self._behaviour(after, allowed)

    def _configuration(self, after: Specimen, allowed: Allowed) -> Check:
        before = self._before.configuration
        check = compare_configuration(before, after.configuration, allowed)
        bases = self._base_specimens(after, allowed) if check.status is Status.FAILED else None
        if bases is None:
            return check
        return compare_configuration(
            before, after.configuration, allowed, (bases[0].configuration, bases[1].configuration)
        )

    def _files(self, after: Specimen, allowed: Allowed) -> Check:
        before = self._before.image
        check = compare_files(before, after.image, allowed)
        bases = self._bases(after, allowed) if check.status is Status.FAILED else None
        if bases:
            check = compare_files(before, after.image, allowed, bases=bases)
        if check.status is not Status.FAILED or self._again.failure:
            return check
        # What a second build of the old version changes as well, the fixers are not to blame for.
        return compare_files(before, after.image, allowed, unsteady(before, self._again.image), bases)

    def _libraries(self, after: Specimen, allowed: Allowed) -> Check:
        before = self._before.image
        check = compare_libraries(before, after.image)
        bases = self._bases(after, allowed) if check.status is Status.FAILED else None
        return compare_libraries(before, after.image, bases) if bases else check

    def _bases(self, after: Specimen, allowed: Allowed) -> Bases | None:
        """The images that both versions start from, where a fixer may change that and it has."""
        found = self._base_specimens(after, allowed)
        return Bases(found[0].image, found[1].image) if found else None

    def _base_specimens(self, after: Specimen, allowed: Allowed) -> tuple[Specimen, Specimen] | None:
        recipes = recipes_of_bases(self._before.recipe, after.recipe) if allowed.reason("base-image") else None
        if recipes is None:
            return None
        if recipes not in self._known_bases:
            old, new = (
                self._specimen_of(recipe, f"the base image {name}")
                for recipe, name in zip(recipes, ("before", "after"), strict=True)
            )
            self._known_bases[recipes] = None if old.failure or new.failure else (old, new)
        return self._known_bases[recipes]

    def _behaviour(self, after: Specimen, allowed: Allowed) -> Check:
        before = self._before
        seen = after.observed_like(before)
        if allowed.reason("folders"):
            # What the old program had to make is there already; whether it can be written to shows what is refused.
            made = before.observation.written & new_folders(before.image, after.image)
            seen = seen._replace(written=seen.written | made)
        check = compare_behaviour(before.observation, seen, allowed)
        if check.status is not Status.FAILED:
            return check
        # What the old program does not do twice, the fixers are not to blame for.
        again = before.observed_like(before)
        check = compare_behaviour(before.observation, seen, allowed, again)
        is_about_bodies = all(it.group == BODIES for it in check.failures)
        if check.status is not Status.FAILED or not is_about_bodies or self._again.failure:
            return check
        # Nor for what is another one in each build, such as the name of a release in its answers.
        return compare_behaviour(before.observation, seen, allowed, again, self._again.observed_like(before))

    def _blamed(self, report: Report, after: Specimen) -> Report:
        step = after.failure.step if after.failure else None
        report = report._replace(verdict=Verdict.DIFFERENT, message=_first_failure(report), failed_step=step)
        if self._upgrade is None or not report.applied:
            return report
        blame = self._blame(self._upgrade)
        return report._replace(culprits=blame.culprits, good=blame.good)

    def _blame(self, upgrade: Upgrade) -> Blame:
        # One set of caches for the whole search saves most of its time; what is called good is proven with cold ones.
        warm = self._engine.new_space()

        @cache
        def holds(codes: Codes, space: str = warm) -> bool:
            version, allowed = upgrade(codes)
            if version in (self._request.before, self._request.after):
                return version == self._request.before
            return is_proven(self._checks(self._specimen(version, f"with {', '.join(codes)}", space), allowed))

        blame = find_culprits(self._request.applied, holds)
        return blame if not blame.good or holds(blame.good, "") else Blame(self._request.applied, ())


def is_proven(checks: Iterator[Check] | tuple[Check, ...]) -> bool:
    """Whether no check failed; looks no further than the first that did."""
    return all(check.status is not Status.FAILED for check in checks)


def _first_failure(report: Report) -> str:
    failed = next(check for check in report.checks if check.status is Status.FAILED)
    return f"{failed.name}: {failed.summary}"
