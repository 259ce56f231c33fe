"""A stage read once into timelines: for every name the places where its value changes.

Asking what is in force at a place is then a bisection. As in BuildKit, ARG and ENV share one environment, the later one
wins, and a stage based on another inherits both: first the ARGs, then over them the ENVs.
Source: https://github.com/moby/buildkit/blob/master/frontend/dockerfile/dockerfile2llb/convert.go
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar, TypeVarTuple

from rewriter.model.image import UNKNOWN, BaseImage, base_image
from rewriter.model.stages import UNKNOWN_PART, UNSET, Environment, Layer, Stage, StageGraph, Value, Values, expand
from rewriter.syntax.tree import Arg, Copy, Env, Instruction, Run, Shell, User, Workdir

_DEFAULT_SHELL: Final = ("/bin/sh", "-c")
_WINDOWS_SHELL: Final = ("cmd", "/S", "/C")
# https://github.com/moby/buildkit/blob/master/util/system/path.go, set where an image has no PATH
_DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LONGEST_PATH: Final = 4_096  # PATH_MAX of Linux
_MOST_TRIGGERS: Final = 100  # a bound on work that would grow with triggers times stages

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


class _Timeline(Generic[_T]):
    """The places where something changes, and to what."""

    __slots__ = ("_places", "_values")

    def __init__(self) -> None:
        self._places: Final[list[int]] = []
        self._values: Final[list[_T]] = []

    def set(self, place: int, value: _T) -> None:
        """Note what is in force from a place on; places come in order."""
        self._places.append(place)
        self._values.append(value)

    def before(self, place: int) -> list[_T]:
        """The value in force just before a place, in a list that is empty when nothing was set."""
        index = bisect_left(self._places, place)
        return self._values[index - 1 : index] if index else []

    @property
    def last(self) -> _T:
        return self._values[-1]


class Scope(Environment):
    """The variables in force at a place of a stage."""

    __slots__ = ("_facts", "_place")

    def __init__(self, plain: frozenset[str], facts: StageFacts, place: int) -> None:
        super().__init__(plain)
        self._facts: Final = facts
        self._place: Final = place

    def value_of(self, name: str) -> Value | None:
        return self._facts.value(name, self._place)


class Folder(NamedTuple):
    """A WORKDIR: a path, below that of the base image when it is relative."""

    path: Value
    is_absolute: bool


class StageFacts:
    """A stage read into timelines."""

    __slots__ = (
        "_declared", "_first_user", "_folders", "_image", "_inherited", "_names", "_passed", "_shells", "_users",
        "base", "graph", "layer", "python_setup", "stage",
    )  # fmt: skip

    def __init__(self, graph: StageGraph, stage: Stage | None, base: StageFacts | None) -> None:
        self.graph: Final = graph
        self.stage: Final = stage
        self.base: Final = base
        self._image: BaseImage | None = None
        self._first_user: User | bool | None = False
        self._passed: Final[dict[object, Sequence[Run]]] = {}
        self.python_setup: Final[list[tuple[int, str]]] = []
        self._inherited: Final[Layer | None] = base.layer if base else None
        self._names: Final[dict[str, _Timeline[Value | None]]] = {}
        self._declared: Final[dict[str, int]] = {}
        self._folders: Final[_Timeline[Folder]] = _Timeline()
        self._users: Final[_Timeline[Value]] = _Timeline()
        self._shells: Final[_Timeline[tuple[str, ...]]] = _Timeline()
        variables: Values = {}
        if stage is not None:
            self._start(stage, variables)
            for instruction in stage.dockerfile.instructions[stage.first + 1 : stage.last]:
                self._read(instruction, instruction.start, variables)
        arguments = {name: self._names[name].last for name in self._declared if name in self._names}
        changed = bool(variables or arguments)
        self.layer: Final[Layer | None] = Layer(self._inherited, variables, arguments) if changed else self._inherited

    def _start(self, stage: Stage, variables: Values) -> None:
        """Take over what the stage below leaves, and run what it keeps for ONBUILD."""
        if self.base is None:
            return
        end = stage.from_.start  # every stage below lies above
        place = stage.from_.start - 1
        for folder in self.base._folders.before(end):
            self._folders.set(place, folder)
        for user in self.base._users.before(end):
            self._users.set(place, user)
        for shell in self.base._shells.before(end):
            self._shells.set(place, shell)
        assert stage.parent is not None
        for number, trigger in enumerate(stage.parent.triggers[:_MOST_TRIGGERS], start=1):
            self._read(trigger, min(stage.from_.start + number, stage.from_.end - 1), variables)

    def _expand(self, text: str, place: int) -> Value:
        return expand(text, self.graph.dockerfile.escape, Scope, self, place)

    def _set(self, name: str, place: int, value: Value | None) -> None:
        self._names.setdefault(name, _Timeline()).set(place, value)

    def _read(self, instruction: Instruction, place: int, variables: Values) -> None:
        kind = type(instruction)
        if kind is Env:
            assert isinstance(instruction, Env)
            # All pairs see the values from before the instruction.
            for pair in instruction.pairs if instruction.words else ():
                key = self._expand(pair.key.text, place).known
                if key:
                    value = self._expand(pair.value.text, place)
                    self._set(key, place, value)
                    variables[key] = value
        elif kind is Arg:
            assert isinstance(instruction, Arg)
            self._read_arguments(instruction, place)
        elif kind is Workdir:
            assert isinstance(instruction, Workdir)
            self._read_folder(self._expand(instruction.path.text, place), place)
        elif kind is User:
            self._users.set(place, self._expand(instruction.arguments, place))
        elif kind is Shell:
            self._shells.set(place, tuple(string.value for string in instruction.json or ()))
        elif kind is Run or kind is Copy:
            setup = _python_setup(instruction)
            if setup:
                self.python_setup.append((place, setup))

    def _read_arguments(self, instruction: Arg, place: int) -> None:
        for pair in instruction.pairs:
            name = pair.key.text
            self._declared.setdefault(name, place)
            if pair.separator:
                # `place + 1`: a later argument of one ARG sees the earlier ones.
                value: Value | None = Value(self._expand(pair.value.text, place + 1).text, False)
            else:
                value = self.graph.global_values.get(name)
                found = [] if value else self._found(name, place)
                if found and found[0]:
                    value = Value(found[0].text, False)
            self._set(name, place, value)

    def _read_folder(self, path: Value, place: int) -> None:
        text, is_absolute = path.text, path.text.startswith("/")
        if not is_absolute:
            for folder in self._folders.before(place):
                text, is_absolute = f"{folder.path.text}/{text}", folder.is_absolute
                path = Value(text, path.is_fixed and folder.path.is_fixed)
        # A path that begins with something unknown may be absolute; what follows, relative to it, is unknown too.
        if UNKNOWN_PART in text or "\\" in text or len(text) > _LONGEST_PATH:
            text = UNKNOWN_PART
        self._folders.set(place, Folder(Value(text, path.is_fixed), is_absolute))

    def _found(self, name: str, place: int) -> list[Value | None]:
        timeline = self._names.get(name)
        found = timeline.before(place) if timeline else []
        if not found and self._inherited is not None:
            found = self._inherited.find(name)
        return found

    def value(self, name: str, place: int) -> Value | None:
        """The value in force just before a place; None when only a build argument can set it."""
        found = self._found(name, place)
        if found:
            return found[0]
        origin = self.stage.origin if self.stage else None
        if origin is not None and origin.is_scratch:
            return Value(_DEFAULT_PATH, True) if name == "PATH" else UNSET
        return Value(UNKNOWN_PART, True)

    def sets(self, name: str, place: int) -> bool:
        found = self._found(name, place)
        return bool(found and found[0])

    def declares(self, name: str, place: int) -> bool:
        if self._declared.get(name, place) < place:
            return True
        return self._inherited is not None and self._inherited.declares(name)

    @property
    def image(self) -> BaseImage:
        """What is known of the image at the bottom, looked up when first asked for."""
        if self._image is None:
            self._image = base_image(self.stage.origin) if self.stage else UNKNOWN
        return self._image

    def shell(self, place: int) -> tuple[str, ...]:
        for shell in self._shells.before(place):
            return shell
        return _WINDOWS_SHELL if self.stage is not None and self.stage.is_windows else _DEFAULT_SHELL

    @property
    def lineage(self) -> list[StageFacts]:
        """The stages below, from the bottom up, and this one."""
        found = [self]
        while found[-1].base is not None:
            found.append(found[-1].base)
        return found[::-1]

    def runs_where(self, test: Callable[[Run, *_Ts], object], *args: *_Ts) -> Sequence[Run]:
        """The RUNs of the stage that pass a test, in order; it sees each of them once."""
        key = (test, args)
        if key not in self._passed:
            instructions = self.stage.instructions if self.stage else ()
            self._passed[key] = [one for one in instructions if isinstance(one, Run) and test(one, *args)]
        return self._passed[key]

    @property
    def first_user(self) -> User | None:
        """The first USER of the stage itself."""
        if self._first_user is False:
            instructions = self.stage.instructions if self.stage else ()
            self._first_user = next((one for one in instructions if isinstance(one, User)), None)
        assert not isinstance(self._first_user, bool)
        return self._first_user

    def user(self, place: int) -> Value | None:
        """The last USER, None when there was none."""
        return next(iter(self._users.before(place)), None)

    def folder(self, place: int) -> Folder | None:
        """The last WORKDIR, None when there was none."""
        return next(iter(self._folders.before(place)), None)


COPIED: Final = "COPY"
"""Stands for a COPY from another stage or image that may bring a Python, see `State.python_setup`."""
# What may change which Python is found: virtual environments, and Pythons that come from elsewhere.
_PYTHON_SETUP: Final = re.compile(
    r"\bvenv\b|virtualenv|pyenv|conda\b|mamba|miniforge|Python-[23]|altinstall|\buv python|\basdf\b|\bmise\b"
    r"|alternatives|ln -\w*s\w* \S*python"
)
_ROOT_FOLDERS: Final = re.compile(r"/(?:usr(?:/local(?:/bin)?)?)?/?\Z")
_MAY_BE_PYTHON: Final = re.compile(r"python|pip|\*|(?:\A|/)(?:usr|local|bin|lib|\.)?/?\Z")


def _python_setup(instruction: Instruction) -> str:
    """The text of an instruction that may change which Python is found; empty for others."""
    if isinstance(instruction, Run):
        text = instruction.text if instruction.heredocs else instruction.view.text
        return text if _PYTHON_SETUP.search(text) else ""
    if not isinstance(instruction, Copy) or not instruction.source_stage or not instruction.paths:
        return ""
    is_python = any(map(_MAY_BE_PYTHON.search, instruction.sources))
    return COPIED if is_python and _ROOT_FOLDERS.match(instruction.destination) else ""
