"""The engine: ask the fixers, choose among what they propose, apply, parse again until nothing changes, check the laws.

The engine knows no fixer. Phases run in their declared order, each to its fixed point; the whole round repeats
until it changes nothing. Two proposals of one pass that get in each other's way are never both applied:
the one of the lower code, then of the earlier place, wins, and the other is proposed anew on the next parse.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from rewriter.fixing.facts import Facts
from rewriter.fixing.fixer import PHASES, FileEdit, Fix, Fixer, Level, Skip, is_whole_file
from rewriter.fixing.registry import may_run
from rewriter.fixing.suppress import Suppressions
from rewriter.laws import Laws, comment_in_the_way
from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.services import Services
from rewriter.model.settings import DEFAULTS, Settings
from rewriter.model.stages import Stage
from rewriter.syntax.parser import parse
from rewriter.syntax.text import Edit, OverlapError, Pieces, Region, Span, in_order
from rewriter.syntax.tree import Dockerfile, Instruction

MAX_PASSES: Final = 10
_LONGEST_QUEUE: Final = 1000
"""Passes of one phase at most. Fixes in each other's way, of one RUN say, take a pass each: that is no fault."""


class Applied(NamedTuple):
    """A fix that was applied, and where it stands in the original file."""

    code: str
    name: str
    level: Level
    message: str
    line: int
    column: int
    end_line: int


class Skipped(NamedTuple):
    """A finding that was left alone, and why."""

    code: str
    name: str
    reason: str
    line: int
    column: int
    suppressed: bool


class Refusal(NamedTuple):
    """Why a whole file was left alone."""

    message: str
    line: int
    column: int


class Outcome(NamedTuple):
    """What became of one file."""

    before: str
    after: str
    regions: tuple[Region, ...]
    applied: tuple[Applied, ...]
    skips: tuple[Skipped, ...]
    refusal: Refusal | None
    companions: tuple[FileEdit, ...]
    broken_law: str

    @property
    def changed(self) -> bool:
        """Whether the file or a companion is to be written."""
        return self.before != self.after or bool(self.companions)


def _unknown_context(_: Dockerfile) -> BuildContext:
    return BuildContext(None)


def fix(
    text: str,
    fixers: Sequence[Fixer],
    *,
    context: Callable[[Dockerfile], BuildContext] = _unknown_context,
    limit: Level | None = None,
    unlimited: Collection[Fixer] = (),
    settings: Settings = DEFAULTS,
) -> Outcome:
    """Apply fixers to a Dockerfile's text.

    `context` finds the build context; it is called only when a fixer asks for it.
    `limit` bars single fixes above a level, whatever the level of their fixer; None bars nothing, and nothing bars
    those of `unlimited` fixers.
    `settings` are the user's choices that fixers look at.
    The result breaks no law: where one would break, the text is unchanged and `broken_law` says which.
    """
    original = parse(text)
    if problem := original.problem:
        return _untouched(text, refusal=Refusal(problem.message, *original.position(problem.offset)))
    run = _Run(original, fixers, context, settings, limit=limit, unlimited=unlimited)
    try:
        run.until_stable()
    except _BrokenLawError as error:
        return _untouched(text, broken_law=str(error))
    if broken := run.laws.broken(run.dockerfile):
        return _untouched(text, broken_law=broken)
    return Outcome(
        text,
        run.dockerfile.text,
        tuple(run.pieces.regions()),
        tuple(run.applied),
        tuple(run.skips.values()),
        None,
        tuple(companion for companion in run.companions.values() if companion.before != companion.after),
        "",
    )


def _untouched(text: str, *, refusal: Refusal | None = None, broken_law: str = "") -> Outcome:
    return Outcome(text, text, (), (), (), refusal, (), broken_law)


_Key: TypeAlias = tuple[str, int, int, str]
"""A finding that was left alone: the fixer's code, line, column and reason."""


class _BrokenLawError(Exception):
    """A law that fixers broke while they ran."""


class _Proposal(NamedTuple):
    fixer: Fixer
    fix: Fix


class _Run:
    """One file on its way to the fixed point."""

    __slots__ = ("_by_kind", "_context", "_facts", "_find_context", "_fixers", "_limit", "_quiet", "_services",
                 "_settings", "_skips", "_suppressions", "_unlimited", "applied", "companions", "dockerfile", "laws",
                 "pieces")  # fmt: skip

    def __init__(
        self,
        dockerfile: Dockerfile,
        fixers: Sequence[Fixer],
        context: Callable[[Dockerfile], BuildContext],
        settings: Settings,
        *,
        limit: Level | None,
        unlimited: Collection[Fixer],
    ) -> None:
        self._fixers: Final = sorted(fixers, key=lambda fixer: fixer.code)
        self._limit: Final = limit
        self._unlimited: Final = frozenset(unlimited)
        self._settings: Final = settings
        self._find_context: Final = context
        self._context: BuildContext | None = None
        self._services: Services | None = None
        self.laws: Final = Laws(dockerfile)
        self.pieces: Final = Pieces(dockerfile.text)
        self.applied: list[Applied] = []
        self.companions: dict[str, FileEdit] = {}
        self._skips: Final[dict[str, dict[_Key, Skipped]]] = {}
        self._quiet: Final[dict[str, Dockerfile]] = {}  # by phase: the parse on which it had nothing more to do
        self._read(dockerfile)

    def _read(self, dockerfile: Dockerfile) -> None:
        self.dockerfile = dockerfile
        self._facts = Facts(dockerfile, self._build_context, self._settings, self._services)
        self._services = self._facts.services
        self._suppressions = Suppressions(dockerfile)
        self._by_kind: dict[type[Instruction], list[Instruction]] = {}
        for node in dockerfile.instructions:
            self._by_kind.setdefault(type(node), []).append(node)

    def _build_context(self) -> BuildContext:
        """The context, found once for the original file, with the companions as the fixes so far leave them."""
        if self._context is None:
            self._context = self._find_context(self.laws.original)
        return self._context

    def until_stable(self) -> None:
        """Run all phases until a whole round changes nothing."""
        for _ in range(MAX_PASSES):
            changes = [self._phase(phase) for phase in PHASES]
            if not any(changes):
                return
        raise _BrokenLawError(f"no fixed point after {MAX_PASSES} rounds; the fixers undo each other: {self._recent()}")

    def _phase(self, phase: str) -> bool:
        fixers = [fixer for fixer in self._fixers if fixer.phase == phase]
        if not fixers or self._quiet.get(phase) is self.dockerfile:
            return False  # it has just said that there is nothing to do
        passes = waiting = stalled = 0
        shortest = len(self.dockerfile.instructions)
        while True:
            skips: list[tuple[Fixer, Skip, bool]] = []
            proposals = list(self._propose(fixers, skips))
            chosen = _choose(proposals)
            if not chosen:
                self._skips[phase] = self._with_first_reasons(phase, dict(self._noted(skips)))
                self._quiet[phase] = self.dockerfile
                return passes > 0
            queue = len(proposals) - len(chosen)
            size = len(self.dockerfile.instructions)
            stalled += queue >= waiting and size >= shortest  # a queue or a file that shrinks comes to an end
            waiting, shortest = queue, min(size, shortest)
            if stalled > MAX_PASSES or passes == _LONGEST_QUEUE:
                raise _BrokenLawError(f"no fixed point after {passes} passes of phase {phase}: {self._recent()}")
            self._apply(chosen)
            passes += 1

    def _with_first_reasons(self, phase: str, noted: dict[_Key, Skipped]) -> dict[_Key, Skipped]:
        """What a phase has left alone, with the reasons of its first round where it gave some for the same place.

        Later rounds see what other fixers have written since, which says nothing to the user of this file.
        """
        earlier: dict[tuple[str, int, int], dict[_Key, Skipped]] = {}
        for key, skipped in self._skips.get(phase, {}).items():
            earlier.setdefault(key[:3], {})[key] = skipped
        return {key: skipped for new, it in noted.items() for key, skipped in earlier.get(new[:3], {new: it}).items()}

    def _recent(self) -> str:
        return ", ".join(sorted({fix.code for fix in self.applied[-20:]}))

    def _propose(self, fixers: Iterable[Fixer], skips: list[tuple[Fixer, Skip, bool]]) -> Iterator[_Proposal]:
        for fixer in fixers:
            for result in self._ask(fixer):
                if isinstance(result, Skip):
                    skips.append((fixer, result, False))
                elif self._is_barred(fixer, result):
                    reason = f"needs --level {result.level or fixer.level}: {result.message}"
                    skips.append((fixer, Skip(result.anchor, reason, result.mentions), False))
                elif forbidden := self._suppressions.find(fixer, result):
                    line = self._original_line(forbidden.comment.start)
                    skips.append((fixer, Skip(result.anchor, f"ignored by the comment in line {line}"), True))
                elif comment := comment_in_the_way(result):
                    reason = f"a comment stands inside what would be written anew: {f'# {comment.content}'.strip()}"
                    skips.append((fixer, Skip(result.anchor, reason), False))
                else:
                    self._check(fixer, result)
                    yield _Proposal(fixer, result)

    def _is_barred(self, fixer: Fixer, fix: Fix) -> bool:
        if self._limit is None or fixer in self._unlimited:
            return False
        return not may_run(fix.level or fixer.level, self._limit)

    def _check(self, fixer: Fixer, fix: Fix) -> None:
        try:
            in_order(fix.edits, len(self.dockerfile.text))
        except OverlapError as error:
            raise _BrokenLawError(f"{fixer.code} collides with itself: {error}: {fix.message}") from error

    def _ask(self, fixer: Fixer) -> Iterator[Fix | Skip]:
        facts = self._facts
        if any(is_whole_file(kind) for kind in fixer.kinds):
            yield from fixer.function(self.dockerfile, *(facts.answer(kind, None) for kind in fixer.asks))
            return
        for node in self._nodes(fixer.kinds):
            anchor = node if isinstance(node, Instruction) else node.from_
            yield from fixer.function(node, *(facts.answer(kind, anchor) for kind in fixer.asks))

    def _nodes(self, kinds: tuple[type, ...]) -> Iterable[Instruction | Stage]:
        if Stage in kinds:
            return self._facts.graph.stages
        present = [kind for kind in self._by_kind if issubclass(kind, kinds)]
        if len(present) == 1:
            return self._by_kind[present[0]]
        return [node for node in self.dockerfile.instructions if type(node) in present] if present else ()

    def _apply(self, chosen: Sequence[_Proposal]) -> None:
        dockerfile = self.dockerfile
        for fixer, fix in chosen:
            self.laws.expect_dropped(fix.drops)
            for companion in fix.companions:
                first = self.companions.get(companion.path)
                self.companions[companion.path] = companion._replace(before=first.before if first else companion.before)
                self._context = self._build_context().with_text(companion.path, companion.after)
                self._services = None
            message = self._worded(fix.message, fix.mentions)
            place = self._original_place(fix.anchor)
            self.applied.append(Applied(fixer.code, fixer.name, fix.level or fixer.level, message, *place))
        self.pieces.apply(edit for proposal in chosen for edit in proposal.fix.edits)
        companions = (companion for proposal in chosen for companion in proposal.fix.companions)
        if self.pieces.text == dockerfile.text and all(companion.before == companion.after for companion in companions):
            fixer, fix = chosen[0]
            raise _BrokenLawError(f"{fixer.code} proposes a fix that changes nothing: {fix.message}")
        self._read(parse(self.pieces.text))

    def _original_place(self, anchor: Instruction) -> tuple[int, int, int]:
        """Line, column and last line of an instruction in the original file, as near as its kept bytes tell."""
        start = self.pieces.original_offset(anchor.keyword.span.start)
        end = self.pieces.original_offset(max(anchor.code_span.end - 1, anchor.start))
        line, column = self.laws.original.position(start)
        return line, column, max(line, self.laws.original.position(end).line)

    def _original_line(self, offset: int) -> int:
        return self.laws.original.position(self.pieces.original_offset(offset)).line

    def _worded(self, message: str, mentioned: Instruction | None) -> str:
        """A message in which `{line}` is the line of an instruction in the user's file."""
        if mentioned is None:
            return message
        return message.replace("{line}", str(self._original_line(mentioned.keyword.span.start)))

    @property
    def skips(self) -> dict[_Key, Skipped]:
        """What was left alone, each finding once."""
        return {key: skipped for phase in PHASES for key, skipped in self._skips.get(phase, {}).items()}

    def _noted(self, skips: Iterable[tuple[Fixer, Skip, bool]]) -> Iterator[tuple[_Key, Skipped]]:
        for fixer, skip, suppressed in skips:
            line, column, _ = self._original_place(skip.anchor)
            reason = self._worded(skip.reason, skip.mentions)
            found = Skipped(fixer.code, fixer.name, reason, line, column, suppressed)
            yield (fixer.code, line, column, reason), found


def _choose(proposals: Iterable[_Proposal]) -> list[_Proposal]:
    """The proposals that can be applied together, the lower code and then the earlier place first."""
    writes, reads = _Writes(), _Reads()
    companions: set[str] = set()
    chosen: list[_Proposal] = []
    for proposal in sorted(proposals, key=lambda it: (it.fixer.code, it.fix.anchor.start, it.fix.edits)):
        fix = proposal.fix
        paths = {companion.path for companion in fix.companions}
        if paths & companions:
            continue
        if any(writes.meets(edit) or reads.changed_by(edit) for edit in fix.edits):
            continue
        if any(writes.inside(span) for span in fix.reads):
            continue
        chosen.append(proposal)
        companions |= paths
        for edit in fix.edits:
            writes.add(edit)
        for span in fix.reads:
            reads.add(span)
    return chosen


class _Writes:
    """The ranges that chosen edits change. None overlaps another, so both their starts and their ends are in order."""

    __slots__ = ("_ends", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, edit: Edit) -> None:
        """Remember an edit."""
        insort(self._starts, edit.start)
        insort(self._ends, edit.end)

    def meets(self, edit: Edit) -> bool:
        """Whether the edit overlaps a chosen one; an insertion also at an end, for the order would be a guess."""
        first = bisect_left(self._ends, edit.start)
        for index in range(first, bisect_right(self._starts, edit.end)):
            start, end = self._starts[index], self._ends[index]
            if start == end or edit.start == edit.end or (start < edit.end and edit.start < end):
                return True
        return False

    def inside(self, span: Span) -> bool:
        """Whether a chosen edit changes something within the span; an insertion at its ends does not."""
        index = bisect_right(self._ends, span.start)
        return index < len(self._starts) and self._starts[index] < span.end


class _Reads:
    """The ranges that chosen fixes rely on, overlapping ones merged."""

    __slots__ = ("_ends", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, span: Span) -> None:
        """Remember a range."""
        start, end = span
        first = bisect_right(self._ends, start)
        last = bisect_left(self._starts, end)
        if first < last:
            start, end = min(start, self._starts[first]), max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def changed_by(self, edit: Edit) -> bool:
        """Whether the edit changes something within a range; an insertion at its ends does not."""
        index = bisect_right(self._ends, edit.start)
        return index < len(self._starts) and self._starts[index] < edit.end
