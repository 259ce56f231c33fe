"""What a fixer is: one decorated function that proposes fixes, and everything a user may want to know about it.

    @fixer(code="DF601", name="instruction-casing", level=Level.SAFE, phase="spelling", example=Example(...))
    def spell_instructions_alike(dockerfile: Dockerfile) -> Iterator[Fix | Skip]:
        \"\"\"Spell all instructions in the same case. ...\"\"\"

The type of the first parameter says what the function is called for; further parameters ask for facts by their type
(see `rewriter.fixing.facts`). The docstring is the documentation, its first sentence the summary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from rewriter.fixing import changes as _changes
from rewriter.fixing import gains as _gains
from rewriter.fixing.facts import ABOUT_INSTRUCTIONS, ANSWERS
from rewriter.model.context.build_context import BuildContext
from rewriter.model.settings import DEFAULTS, Settings
from rewriter.syntax.text import Edit, Span
from rewriter.syntax.tree import Dockerfile, Instruction

PHASES: Final = ("order", "stages", "packages", "cache", "running", "spelling", "companions")
"""In this order fixers run, each phase until it changes nothing more.

A stage is split once its installs stand above the sources: only then is what the builder needs a short list.
"""


class Level(StrEnum):
    """How much a fix asks of its user."""

    SAFE = "safe"
    """The image has the same contents and runs the same way."""
    GUARDED = "guarded"
    """The image changes as best practice asks, and the fixer has shown that this is sound."""
    OPT_IN = "opt-in"
    """A choice only the user can make."""


class Example(NamedTuple):
    """A Dockerfile before and after, shown to users and run as a test.

    `files` are those of the build context with their texts, `settings` the user's choices that the fixer acts for.
    """

    before: str
    after: str
    files: tuple[tuple[str, str], ...] = ()
    settings: Settings = DEFAULTS

    @property
    def context(self) -> BuildContext:
        """The build context, which is not known where the example has no files."""
        texts = dict(self.files)
        return BuildContext.of_list(list(texts)).with_texts(texts) if texts else BuildContext(None)


class FileEdit(NamedTuple):
    """An edit of another file of the build context, such as `.dockerignore`; `path` is relative to the context.

    `before` is the text the edit was made for, None for a file that does not exist yet.
    """

    path: str
    before: str | None
    after: str


class Fix:
    """A change that happens as a whole or not at all.

    `anchor` is the instruction that the fix is about: it is where the message points, and what ignore comments look at.
    `reads` names what the fix relies on besides its anchor, so that no other fix changes it in the same pass.
    `drops` names instructions that vanish on purpose together with the comments attached to them.
    `{line}` in the message stands for the line, in the user's file, of the instruction in `mentions`.
    """

    __slots__ = ("anchor", "companions", "drops", "edits", "level", "mentions", "message", "reads")

    def __init__(
        self,
        anchor: Instruction,
        message: str,
        edits: Iterable[Edit],
        *,
        reads: Iterable[Span] = (),
        drops: Iterable[Instruction] = (),
        companions: Iterable[FileEdit] = (),
        level: Level | None = None,
        mentions: Instruction | None = None,
    ) -> None:
        self.anchor: Final = anchor
        self.message: Final = message
        self.edits: Final = tuple(edits)
        self.reads: Final = (anchor.span, *reads)
        self.drops: Final = tuple(drops)
        self.companions: Final = tuple(companions)
        self.level: Final = level
        self.mentions: Final = mentions


class Skip(NamedTuple):
    """A finding that the fixer does not dare to fix, and why. `{line}` stands for the line of `mentions`, as in Fix."""

    anchor: Instruction
    reason: str
    mentions: Instruction | None = None


Proposals = Iterator[Fix | Skip]


class Fixer(NamedTuple):
    """A registered fixer."""

    code: str
    name: str
    level: Level
    phase: str
    replaces: tuple[str, ...]
    changes: frozenset[str]
    gains: tuple[str, ...]
    example: Example
    function: Callable[..., Proposals]
    kinds: tuple[type, ...]
    asks: tuple[type, ...]

    @property
    def documentation(self) -> str:
        """The whole docstring, unindented."""
        # inspect.cleandoc would do, but costs a tenth of the start-up.
        first, *rest = (self.function.__doc__ or "").strip().split("\n")
        indent = min((len(line) - len(line.lstrip(" ")) for line in rest if line.strip()), default=0)
        return "\n".join([first, *(line[indent:] for line in rest)])

    @property
    def summary(self) -> str:
        """The first sentence of the documentation."""
        return self.documentation.split("\n\n")[0].replace("\n", " ")

    def answers_to(self, rule: str) -> bool:
        """Whether a user means this fixer by a code, a prefix of codes, its name, or the rule of another tool."""
        return bool(rule) and (self.code.startswith(rule.upper()) or rule == self.name or rule in self.replaces)


def fixer(
    *,
    code: str,
    name: str,
    level: Level,
    phase: str,
    example: Example,
    replaces: Sequence[str] = (),
    changes: Sequence[str] = (),
    gains: Sequence[str] = (),
) -> Callable[[Callable[..., Proposals]], Fixer]:
    """Register a function as a fixer.

    `replaces` names the rules of other tools whose findings it removes; ignore comments for them count.
    `changes` names what of the image it may change, in the words of `rewriter.fixing.changes`: `label`, `owners`, ...
    `gains` names what it is good for, in the words of `rewriter.fixing.gains`: `size`, `speed`, ...
    """
    for field, words, known in (("changes", changes, _changes.WORDS), ("gains", gains, _gains.WORDS)):
        if unknown := set(words).difference(known):
            raise ValueError(f"{code}: {field} {', '.join(sorted(unknown))}, which no word is for")
    if phase not in PHASES:
        raise ValueError(f"{code}: no phase {phase!r}, use one of {', '.join(PHASES)}")

    def register(function: Callable[..., Proposals]) -> Fixer:
        kinds, *asks = _parameter_types(function)
        facts = tuple(_fact(function.__name__, kinds, types) for types in asks)
        return Fixer(
            code, name, level, phase, tuple(replaces), frozenset(changes), tuple(gains), example, function, kinds, facts
        )

    return register


def _parameter_types(function: Callable[..., Any]) -> list[tuple[type, ...]]:
    """The classes that each parameter's annotation names; a union gives several."""
    types: list[tuple[type, ...]] = []
    for name, annotation in function.__annotations__.items():
        if name == "return":
            continue
        if isinstance(annotation, str):
            annotation = eval(annotation, function.__globals__)  # the fixer's own source, not data
        types.append(getattr(annotation, "__args__", None) or (annotation,))
    if not types:
        raise TypeError(f"{function.__name__}: the first parameter needs a type, such as Run or Dockerfile")
    return types


def _fact(function: str, kinds: tuple[type, ...], types: tuple[type, ...]) -> type:
    """The type of a fact that a fixer asks for, if it can be answered."""
    if len(types) != 1:
        raise TypeError(f"{function}: a fact has one type")
    (kind,) = types
    if kind not in ANSWERS:
        raise TypeError(f"{function}: there is no fact of type {kind.__name__}")
    if kind in ABOUT_INSTRUCTIONS and any(is_whole_file(it) for it in kinds):
        raise TypeError(f"{function}: {kind.__name__} is a fact about an instruction, not about the whole file")
    return kind


def is_whole_file(kind: type) -> bool:
    """Whether a fixer of this kind is called once for the file."""
    return kind is Dockerfile
