"""Small fixers that a test makes for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from rewriter.engine import Outcome, fix
from rewriter.fixing.fixer import Example, Fix, Fixer, Level, Proposals, Skip, fixer
from rewriter.syntax.text import Edit, Pieces
from rewriter.syntax.tree import Dockerfile, Instruction


def small_fixer(
    code: str = "DF901", *, phase: str = "spelling", level: Level = Level.SAFE, replaces: Sequence[str] = ()
) -> Callable[[Callable[..., Proposals]], Fixer]:
    """`@fixer` with everything filled in that a test does not look at."""
    name, example = f"name-of-{code.lower()}", Example("", "")
    return fixer(code=code, name=name, level=level, phase=phase, replaces=replaces, example=example)


def replacing(
    old: str, new: str, code: str = "DF901", *, phase: str = "spelling", replaces: Sequence[str] = ()
) -> Fixer:
    """A fixer that replaces the first word behind a keyword."""

    @small_fixer(code, phase=phase, replaces=replaces)
    def replace_first_word(instruction: Instruction) -> Iterator[Fix | Skip]:
        if instruction.arguments.split()[:1] == [old]:
            start = instruction.arguments_span.start
            yield Fix(instruction, f"{old} becomes {new}", [Edit(start, start + len(old), new)])

    return replace_first_word


def acting_on(text: str, make: Callable[[Dockerfile], Iterable[Edit]], *, code: str = "DF901") -> Fixer:
    """A fixer that makes some edits of just this text, anchored at its last instruction."""

    @small_fixer(code)
    def act(dockerfile: Dockerfile) -> Iterator[Fix | Skip]:
        if dockerfile.text == text:
            yield Fix(dockerfile.instructions[-1], "done", make(dockerfile))

    return act


def applied(text: str, edits: Iterable[Edit]) -> str:
    """The text with the edits made."""
    pieces = Pieces(text)
    pieces.apply(edits)
    return pieces.text


def fixed(text: str, *fixers: Fixer) -> Outcome:
    """The outcome of some fixers, which must break no law."""
    outcome = fix(text, fixers)
    assert not outcome.broken_law, outcome.broken_law
    assert outcome.refusal is None
    return outcome
