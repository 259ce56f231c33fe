"""The stages of a Dockerfile: where each starts, what it is based on, and who uses it.

Names resolve as in BuildKit: FROM takes the last stage of that name above it; `COPY --from` and `RUN --mount=from=`
take the last stage of that name in the whole file, which BuildKit then requires to stand above.
Source: https://github.com/moby/buildkit/blob/master/frontend/dockerfile/dockerfile2llb/convert.go
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias

from rewriter.model.image import ImageReference, parse_image
from rewriter.syntax import expansion
from rewriter.syntax.text import Span
from rewriter.syntax.tree import Arg, Copy, Dockerfile, From, Instruction, Onbuild, Run
from rewriter.syntax.words import Flag, Word

PLATFORM_ARGUMENTS: Final = frozenset(
    (
        "BUILDPLATFORM", "BUILDOS", "BUILDOSVERSION", "BUILDARCH", "BUILDVARIANT",
        "TARGETPLATFORM", "TARGETOS", "TARGETOSVERSION", "TARGETARCH", "TARGETVARIANT", "TARGETSTAGE",
    )
)  # fmt: skip
"""The global arguments that BuildKit itself sets; their values are not known here."""

_NUMBER: Final = re.compile(r"[+-]?[0-9]+\Z")
_FROM_FIELD: Final = re.compile(r"(?:^|,)from=([^,]*)", re.IGNORECASE)
_PLAIN_USE: Final = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")
_MODIFIED_USE: Final = re.compile(r"\$\{\w+[^}\w]")

UNKNOWN_PART: Final = "\0"
"""Stands in an expanded text for what is not known. No Dockerfile holds this character."""


class Value(NamedTuple):
    """What a text expands to. `text` holds UNKNOWN_PART for each part that is not known.

    `is_fixed` says that no build argument can change it.
    """

    text: str
    is_fixed: bool

    @property
    def known(self) -> str | None:
        """The text, or None when a part of it is not known."""
        return None if UNKNOWN_PART in self.text else self.text


Values: TypeAlias = dict[str, Value | None]

UNSET: Final = Value("", True)
"""The value of a variable that nothing sets, not even a build argument."""


class Environment(dict[str, str]):
    """What a text's variables stand for, noting whether any of them depends on a build argument."""

    __slots__ = ("_plain", "is_fixed")

    def __init__(self, plain: frozenset[str]) -> None:
        self._plain: Final = plain
        self.is_fixed = True

    def value_of(self, name: str) -> Value | None:
        """The value of a variable; None when it is unset unless a build argument sets it, UNSET when nothing does."""
        raise NotImplementedError

    def get(self, name: str, _: object = None) -> str | None:  # type: ignore[override]  # asked with one name only
        """What the lexer asks for: what may be unset is unknown, save where `${X:-...}` provides for that."""
        value = self.value_of(name)
        if value is None:
            self.is_fixed = False
            return UNKNOWN_PART if name in self._plain else None
        self.is_fixed = self.is_fixed and value.is_fixed
        return None if value is UNSET else value.text


def expand(text: str, escape: str, environment: type[Environment], *context: object) -> Value:
    """Expand a text as BuildKit does, in an environment made for it; what cannot be expanded is unknown.

    So is what grows too long, see `expansion.LimitError`.
    """
    if "$" not in text:
        try:
            return Value(expansion.expand(text, {}, escape), True)
        except expansion.ExpansionError:
            return Value(UNKNOWN_PART, True)
    plain = frozenset(match[1] or match[2] for match in _PLAIN_USE.finditer(text))
    scope = environment(plain, *context)
    try:
        result = expansion.expand(text, scope, escape)
    except expansion.LimitError:
        return Value(UNKNOWN_PART, False)  # the variables behind that place have not been looked at
    except expansion.ExpansionError:
        return Value(UNKNOWN_PART, scope.is_fixed)
    if UNKNOWN_PART in result and _MODIFIED_USE.search(text):
        # ${X:-a}, ${X#a} and the like of something unknown may be anything.
        return Value(UNKNOWN_PART, scope.is_fixed)
    return Value(result, scope.is_fixed)


class _GlobalScope(Environment):
    """The variables of FROM and of the ARGs above the first one."""

    __slots__ = ("_arguments",)

    def __init__(self, plain: frozenset[str], arguments: Mapping[str, Value | None]) -> None:
        super().__init__(plain)
        self._arguments: Final = arguments

    def value_of(self, name: str) -> Value | None:
        if name in self._arguments:
            return self._arguments[name]
        return Value(UNKNOWN_PART, False) if name in PLATFORM_ARGUMENTS else UNSET


class Layer:
    """The variables that a stage leaves to those based on it: its own over those of the stages below."""

    __slots__ = ("_arguments", "_variables")

    def __init__(self, below: Layer | None, variables: Values, arguments: Values) -> None:
        self._variables: Final[tuple[Values, ...]] = _stack(variables, below._variables if below else ())
        self._arguments: Final[tuple[Values, ...]] = _stack(arguments, below._arguments if below else ())

    def find(self, name: str) -> list[Value | None]:
        """The value that a child stage starts with, in a list that is empty when no stage sets the name."""
        for values in (*self._variables, *self._arguments):
            if name in values:
                return [values[name]]
        return []

    def declares(self, name: str) -> bool:
        """Whether a stage declares an ARG of this name."""
        return any(name in values for values in self._arguments)


def _stack(values: Values, below: tuple[Values, ...]) -> tuple[Values, ...]:
    """Lay values over others, more of them the deeper they lie, so that no look-up walks a long chain."""
    if not values:
        return below
    while below and len(values) >= len(below[0]):
        values = below[0] | values
        below = below[1:]
    return (values, *below)


class Reference(NamedTuple):
    """A place that names a stage.

    `kind` is `from`, `copy`, `mount` or `onbuild`; `instruction` is the top-level one, also for ONBUILD.
    `span` covers just the name, `name` is what is written there. Where quotes or variables are in the way `is_plain` is
    False: the name must not be replaced, and the span may cover the whole word or flag.
    """

    kind: str
    instruction: Instruction
    span: Span
    name: str
    by_number: bool
    is_plain: bool


class Stage:
    """A build stage: a FROM and what follows it."""

    __slots__ = (
        "_instructions", "_triggers", "base", "base_is_fixed", "children", "dockerfile", "first", "from_", "index",
        "is_final", "is_windows", "last", "name", "origin", "parent",
    )  # fmt: skip

    def __init__(self, dockerfile: Dockerfile, index: int, first: int, last: int) -> None:
        from_ = dockerfile.instructions[first]
        assert isinstance(from_, From)
        self.dockerfile: Final = dockerfile
        self.index: Final = index
        self.from_: Final = from_
        self.first: Final = first  # positions in dockerfile.instructions, that of FROM and the one after the last
        self.last: Final = last
        self.name: Final = from_.alias.text.lower() if from_.alias else ""
        self._instructions: tuple[Instruction, ...] | None = None
        self._triggers: tuple[Instruction, ...] | None = None
        self.is_final = False
        self.parent: Stage | None = None
        self.children: list[Stage] = []
        self.base: ImageReference | None = None
        """The image after FROM; None when FROM names a stage, or when its arguments leave open which image it is."""
        self.base_is_fixed = True
        """Whether no build argument changes what this stage is based on."""
        self.is_windows = from_.platform is not None and from_.platform.value.startswith("windows")
        """Whether the image, or the platform asked for, says that this is Windows."""
        self.origin: ImageReference | None = None
        """The image at the bottom of the chain of stages; None when not known."""

    @property
    def alias_word(self) -> Word | None:
        """The name of this stage as written."""
        return self.from_.alias

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """The instructions after FROM."""
        if self._instructions is None:  # fixers ask once for each instruction that they look at
            self._instructions = tuple(self.dockerfile.instructions[self.first + 1 : self.last])
        return self._instructions

    @property
    def triggers(self) -> tuple[Instruction, ...]:
        """The instructions that ONBUILD keeps for the stages based on this one."""
        if self._triggers is None:
            found = (one.trigger for one in self.instructions if isinstance(one, Onbuild) and one.words)
            self._triggers = tuple(found)
        return self._triggers

    @property
    def span(self) -> Span:
        """The lines from FROM to the end of the last instruction; comments after that are not included."""
        return Span(self.from_.start, self.dockerfile.instructions[self.last - 1].end)

    @property
    def lineage(self) -> Iterator[Stage]:
        """This stage, the one it is based on, and so on."""
        stage: Stage | None = self
        while stage is not None:
            yield stage
            stage = stage.parent

    @property
    def family(self) -> Iterator[Stage]:
        """This stage and all that are based on it, directly or not; the nearest first."""
        waiting = deque([self])
        while waiting:
            stage = waiting.popleft()
            yield stage
            waiting += stage.children

    def __repr__(self) -> str:
        return f"<Stage {self.index} {self.name or self.from_.image.text!r}>"


class StageGraph:
    """The stages of a file and the references between them."""

    __slots__ = ("_last_named", "_references", "_starts", "dockerfile", "global_arguments", "global_values", "stages")

    def __init__(self, dockerfile: Dockerfile) -> None:
        self.dockerfile: Final = dockerfile
        starts = [
            position
            for position, instruction in enumerate(dockerfile.instructions)
            if type(instruction) is From and instruction.words
        ]
        ends = [*starts[1:], len(dockerfile.instructions)]
        self.stages: Final = tuple(
            Stage(dockerfile, index, first, last) for index, (first, last) in enumerate(zip(starts, ends, strict=False))
        )
        self._starts: Final = [stage.from_.start for stage in self.stages]
        self.global_values: Final = self._read_global_arguments(starts[0] if starts else len(dockerfile.instructions))
        self.global_arguments: Final[Mapping[str, str | None]] = {
            name: value.known if value else None for name, value in self.global_values.items()
        }
        """The ARGs above the first FROM with their defaults; None where there is none, or it cannot be known."""
        self._references: dict[int, list[Reference]] | None = None
        self._last_named: Final[dict[str, Stage]] = {}
        self._link()

    def _read_global_arguments(self, end: int) -> Values:
        values: Values = {}
        for instruction in self.dockerfile.instructions[:end]:
            if isinstance(instruction, Arg):
                for pair in instruction.pairs:
                    default = self._expand(pair.value.text, values) if pair.separator else None
                    if default is not None or pair.key.text not in values:
                        values[pair.key.text] = default and Value(default.text, False)
        return values

    def _expand(self, text: str, arguments: Mapping[str, Value | None]) -> Value:
        return expand(text, self.dockerfile.escape, _GlobalScope, arguments)

    def _link(self) -> None:
        named = self._last_named
        for stage in self.stages:
            image = self._expand(stage.from_.image.text, self.global_values)
            stage.base_is_fixed = image.is_fixed
            parent = named.get((image.known or "").lower())
            if parent is not None:
                stage.parent = parent
                stage.origin = parent.origin
                stage.is_windows = parent.is_windows
                parent.children.append(stage)
            elif image.known:
                stage.base = stage.origin = parse_image(image.known)
                stage.is_windows = stage.is_windows or stage.base.is_windows
            if stage.name:
                named[stage.name] = stage
        if self.stages:
            self.stages[-1].is_final = True

    def stage_of(self, instruction: Instruction) -> Stage | None:
        """The stage that an instruction belongs to, FROM and ONBUILD's trigger included; None above the first FROM."""
        position = bisect_right(self._starts, instruction.start)
        return self.stages[position - 1] if position else None

    def find(self, name: str) -> Stage | None:
        """The stage that `COPY --from=NAME` means, by name or number; None when NAME is an image."""
        if _NUMBER.match(name):
            number = int(name)
            return self.stages[number] if 0 <= number < len(self.stages) else None
        return self._last_named.get(name.lower())

    def references(self, stage: Stage) -> tuple[Reference, ...]:
        """The places that name a stage, in the order of the file. The name after AS is none of them."""
        if self._references is None:
            self._references = self._find_references()
        return tuple(self._references.get(stage.index, ()))

    def _find_references(self) -> dict[int, list[Reference]]:
        found: dict[int, list[Reference]] = {}
        for instruction in self.dockerfile.instructions:
            for stage, reference in self._references_of(instruction):
                found.setdefault(stage.index, []).append(reference)
        return found

    def _references_of(self, instruction: Instruction) -> Iterator[tuple[Stage, Reference]]:
        owner = instruction.trigger if isinstance(instruction, Onbuild) else instruction
        if isinstance(owner, From):
            stage = self.stage_of(owner) if owner is instruction and owner.words else None
            if stage is not None and stage.parent is not None:
                image = owner.image
                is_plain = image.text.lower() == stage.parent.name and image.view.is_contiguous(image.start, image.end)
                yield stage.parent, Reference("from", instruction, image.span, image.text, False, is_plain)
        elif isinstance(owner, Copy):
            flag = owner.source_stage if owner.name == "COPY" else None
            stage = self.find(flag.value) if flag is not None else None
            if flag is not None and stage is not None:
                kind = "copy" if owner is instruction else "onbuild"
                by_number = bool(_NUMBER.match(flag.value))
                span, is_plain = _locate(flag, flag.text.find("=") + 1, flag.value)
                yield stage, Reference(kind, instruction, span, flag.value, by_number, is_plain)
        elif isinstance(owner, Run):
            for flag in owner.mounts:
                fields = list(_FROM_FIELD.finditer(flag.value))
                if not fields:
                    continue
                name = fields[-1][1]
                stage = self._last_named.get(name.lower())
                if stage is not None:
                    kind = "mount" if owner is instruction else "onbuild"
                    start = flag.text.find("=") + 1 + fields[-1].start(1)
                    span, is_plain = _locate(flag, start, name)
                    yield stage, Reference(kind, instruction, span, name, False, is_plain)


def _locate(flag: Flag, start: int, name: str) -> tuple[Span, bool]:
    """Where a name stands in a flag whose quotes and backslashes may have been removed, and whether just there."""
    if not name or flag.text[start : start + len(name)] != name:
        return flag.span, False
    begin = flag.start + start
    if flag.text[flag.text.find("=") + 1 :] != flag.value or not flag.view.is_contiguous(begin, begin + len(name)):
        return flag.span, False
    return flag.view.span(begin, begin + len(name)), True
