"""What is in force at an instruction: SHELL, USER, WORKDIR, ENV and ARG, the distribution, the Python on PATH.

Each stage is read once, see `stage_facts`. Asking for a state stores only a place in it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, TypeVarTuple

from rewriter.model.image import BaseImage
from rewriter.model.stage_facts import Scope, StageFacts
from rewriter.model.stages import UNSET, Stage, StageGraph, Value, expand
from rewriter.syntax.tree import Instruction, Run

if TYPE_CHECKING:
    from rewriter.model.interpreter import Interpreter

_Ts = TypeVarTuple("_Ts")

_POSIX_SHELLS: Final = frozenset({"sh", "bash", "dash", "ash", "ksh"})
_TAKES_COMMAND: Final = re.compile(r"-[a-zA-Z]*c[a-zA-Z]*\Z")


class State:
    """What is in force just before an instruction.

    Values of ARGs are their defaults, as in a build without `--build-arg`; what depends on them is not fixed.
    An ONBUILD's trigger has the state of the ONBUILD line, although it runs in another build.
    """

    __slots__ = ("_facts", "_place")

    def __init__(self, facts: StageFacts, place: int) -> None:
        self._facts: Final = facts
        self._place: Final = place

    @property
    def place(self) -> int:
        """The offset in the file that it holds at."""
        return self._place

    @property
    def stage(self) -> Stage | None:
        """The stage, None above the first FROM."""
        return self._facts.stage

    @property
    def base(self) -> BaseImage:
        """What is known of the image at the bottom of the stage."""
        return self._facts.image

    @property
    def distribution(self) -> str:
        """The distribution of the base image, see `BaseImage`; empty when not known."""
        return self.base.distribution

    @property
    def shell(self) -> tuple[str, ...]:
        """The words that run a shell form. A base image's own SHELL is not seen."""
        return self._facts.shell(self._place)

    @property
    def is_posix_shell(self) -> bool:
        """Whether shell forms are read by sh or a shell that understands it: bash, dash, ash, ksh, with any options."""
        shell = self.shell
        if shell and posixpath.basename(shell[0]) == "env":
            shell = shell[1:]
        if len(shell) < 2 or not _TAKES_COMMAND.match(shell[-1]):
            return False
        return posixpath.basename(shell[0]) in _POSIX_SHELLS

    @property
    def user(self) -> str:
        """The USER as written, variables replaced; that of the base image when none is set; empty when not known."""
        user = self._facts.user(self._place)
        return (user.known or "") if user is not None else self.base.user

    @property
    def workdir(self) -> str:
        """The folder in force, absolute and without `..`; empty when not known."""
        if self._facts.stage is not None and self._facts.stage.is_windows:
            return ""
        folder = self._facts.folder(self._place)
        if folder is None:
            return self.base.workdir
        path = folder.path.known
        if path is None:
            return ""
        if not folder.is_absolute:
            if not self.base.workdir:
                return ""
            path = f"{self.base.workdir}/{path}"
        return "/" + posixpath.normpath(path).lstrip("/")

    @property
    def workdir_is_fixed(self) -> bool:
        """Whether no build argument changes `workdir`."""
        folder = self._facts.folder(self._place)
        if folder is not None and folder.is_absolute:
            return folder.path.is_fixed
        bottom = True
        if self._facts.stage is not None:
            bottom = all(stage.base_is_fixed for stage in self._facts.stage.lineage)
        return bottom and (folder is None or folder.path.is_fixed)

    def get(self, name: str) -> str | None:
        """The value of a variable; None when it is unset or not known."""
        value = self._facts.value(name, self._place)
        return None if value is None or value is UNSET else value.known

    def is_set(self, name: str) -> bool:
        """Whether this file gives the variable a value, by ENV or by ARG, whatever it is."""
        return self._facts.sets(name, self._place)

    def declares(self, name: str) -> bool:
        """Whether an ARG of this name is in scope."""
        return self._facts.declares(name, self._place)

    def value(self, text: str) -> Value:
        """What a text expands to, with what is not known in it marked, and whether a build argument can change it."""
        return expand(text, self._facts.graph.dockerfile.escape, Scope, self._facts, self._place)

    def expand(self, text: str) -> str | None:
        """The text with quotes removed and variables replaced; None when that depends on something unknown."""
        return self.value(text).known

    def which(self, program: str) -> Interpreter:
        """What PATH finds for python or pip, such as `python3` or `pip`."""
        from rewriter.model.interpreter import find_python  # it knows states, not the other way round

        return find_python(self, program)

    @property
    def sets_user(self) -> bool:
        """Whether a USER stands above, in this stage or in those below."""
        return self._facts.user(self._place) is not None

    def runs_as_base_user(self, test: Callable[[Run], object]) -> Iterator[Run]:
        """The RUNs of the stage and of those below it, also behind this place, that no USER stands above.

        Only those that pass a test, which sees each RUN once.
        """
        for facts in self._facts.lineage:
            user = facts.first_user
            for run in facts.runs_where(test):
                if user is not None and run.start > user.start:
                    return
                yield run
            if user is not None:
                return

    @property
    def graph(self) -> StageGraph:
        """All stages of the file."""
        return self._facts.graph

    def runs_where(self, test: Callable[[Run, *_Ts], object], *args: *_Ts) -> Iterator[Run]:
        """The RUNs up to here that pass a test, those of the stages below first; it sees each RUN once."""
        for facts in self._facts.lineage:
            for run in facts.runs_where(test, *args):
                if run.start >= self._place:
                    return
                yield run

    @property
    def python_setup(self) -> list[str]:
        """The texts of the RUNs up to here that may bring a Python, and COPIED; those of the stages below included."""
        texts = [text for place, text in self._facts.python_setup if place < self._place]
        below = self._facts.base
        while below is not None:
            texts += [text for _, text in below.python_setup]
            below = below.base
        return texts


class States:
    """The states of a file."""

    __slots__ = ("_facts", "graph")

    def __init__(self, graph: StageGraph) -> None:
        self.graph: Final = graph
        self._facts: list[StageFacts] = []

    def at(self, instruction: Instruction) -> State:
        """The state just before an instruction; for a FROM, that of the stage's very start."""
        stage = self.graph.stage_of(instruction)
        if stage is None:
            return State(StageFacts(self.graph, None, None), instruction.start)
        return State(self._read(stage), instruction.start)

    def at_end(self, stage: Stage) -> State:
        """The state that a stage leaves behind."""
        return State(self._read(stage), stage.span.end)

    def _read(self, stage: Stage) -> StageFacts:
        # In order and not by recursion: a chain of stages may be long.
        while len(self._facts) <= stage.index:
            following = self.graph.stages[len(self._facts)]
            base = self._facts[following.parent.index] if following.parent else None
            self._facts.append(StageFacts(self.graph, following, base))
        return self._facts[stage.index]
