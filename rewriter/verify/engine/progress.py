"""What a builder says while it works: which steps were run, for how long, what they printed, and where it ended.

BuildKit's progress comes as one JSON object a line (`--progress=rawjson`), with times by the builder's own clock; its
last words are plain text: the place in the Dockerfile and the error.
Source: https://docs.docker.com/reference/cli/docker/buildx/build/#progress
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from rewriter.model.stages import Stage, StageGraph
from rewriter.syntax.parser import parse
from rewriter.syntax.tree import Add, Copy, Instruction, Run, Workdir

_STEP: Final = re.compile(r"\[(?P<stage>[^]]*?) ?(?P<number>\d+)/(?P<total>\d+)\] (?P<name>.*)", re.DOTALL)
_PLACE: Final = re.compile(r"^[^\s:]+:(\d+)$")
_ERROR: Final = re.compile(r"(?i)error: (failed to build: )?(failed to solve: )?")
_CONTEXT: Final = "[internal] load build context"
_MOST_OUTPUT: Final = 200_000
"""How many characters of one step's output are kept: its last ones."""


class Step(NamedTuple):
    """One numbered step: its instruction, the line in the Dockerfile (0: unknown), seconds, and what it printed."""

    name: str
    line: int
    seconds: float
    is_cached: bool
    output: str


class Moment(NamedTuple):
    """The work on a part of the build, by the builder's clock in seconds; `ended` is 0 while it goes on.

    `name` is what the builder calls it, `source` what stands in the Dockerfile: the builder's name has variables
    expanded, and of a here-document only the first line.
    """

    key: str
    name: str
    source: str
    began: float
    ended: float


class Vertex:
    """A part of a build: when it was worked on (an end of 0: still), and what it said."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.periods: dict[float, float] = {}
        self.is_cached = False
        self.error = ""
        self.output = ""

    def print(self, text: str) -> None:
        """Take what it printed."""
        self.output = (self.output + text)[-_MOST_OUTPUT:]

    @property
    def is_running(self) -> bool:
        """Whether it had not come to an end of its own; a step that another's failure cancels has not."""
        return "context canceled" in self.error if self.error else 0.0 in self.periods.values()


class Progress:
    """Reads a builder's progress line by line.

    `listen` is told each step as it begins; `watch` each part of the build that is really worked on.
    """

    def __init__(self, dockerfile: str, listen: Callable[[str], None], watch: Callable[[Moment], None]) -> None:
        self._places: Final = _Places(dockerfile)
        self._listen: Final = listen
        self._watch: Final = watch
        self._vertices: dict[str, Vertex] = {}
        self._last_words: list[str] = []
        self.context_bytes = 0

    def feed(self, line: str) -> None:
        """Take one line."""
        if line.startswith("{"):
            try:
                said = json.loads(line)
            except ValueError:
                said = None
            if isinstance(said, dict):
                self._take(said)
                return
        self._last_words.append(line.rstrip("\r\n"))

    def _take(self, said: dict[str, Any]) -> None:
        for vertex in said.get("vertexes") or ():
            self._take_vertex(vertex)
        for status in said.get("statuses") or ():
            vertex = self._vertices.get(status["vertex"])
            if vertex is not None and vertex.name == _CONTEXT and status["id"].startswith("transferring"):
                self.context_bytes = max(self.context_bytes, status.get("current", 0))
        for log in said.get("logs") or ():
            if vertex := self._vertices.get(log["vertex"]):
                vertex.print(base64.b64decode(log["data"]).decode(errors="replace"))

    def _take_vertex(self, said: dict[str, Any]) -> None:
        key = said["digest"]
        vertex = self._vertices.setdefault(key, Vertex(said["name"]))
        vertex.is_cached = vertex.is_cached or bool(said.get("cached"))
        vertex.error = vertex.error or said.get("error", "")
        if not (started := said.get("started")):
            return
        began, ended = _seconds(started), _seconds(said.get("completed"))
        if not vertex.periods and _STEP.fullmatch(vertex.name):
            self._listen(vertex.name)
        if vertex.periods.get(began) != ended:
            vertex.periods[began] = ended
            if not vertex.is_cached:
                self._watch(Moment(key, vertex.name, self._source(vertex), began, ended))

    def finish(self) -> None:
        """Take it that the builder has ended well."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The numbered steps that were worked on, in the order in which they began."""
        vertices = sorted(self._vertices.values(), key=lambda vertex: min(vertex.periods, default=0.0))
        return tuple(step for vertex in vertices if (step := self._step(vertex)))

    @property
    def failed(self) -> Step | None:
        """The step that failed, or that was running when the builder fell silent."""
        vertices = list(self._vertices.values())
        broken = [vertex for vertex in vertices if vertex.error and not vertex.is_running]
        running = [vertex for vertex in vertices if vertex.is_running]
        for vertex in broken or running:
            if step := self._step(vertex):
                return step._replace(line=self.line or step.line)
        return None

    def _source(self, vertex: Vertex) -> str:
        step = self._step(vertex)
        return (step and self._places.source_at(step.line)) or vertex.name

    def _step(self, vertex: Vertex) -> Step | None:
        found = _STEP.fullmatch(vertex.name)
        if found is None or not (vertex.periods or vertex.error):
            return None
        line = self._places.line(found["stage"], int(found["number"]), int(found["total"]), found["name"])
        seconds = sum(ended - began for began, ended in vertex.periods.items() if ended)
        return Step(found["name"], line, seconds, vertex.is_cached, vertex.output)

    @property
    def line(self) -> int:
        """The line of the Dockerfile that the builder's last words name; 0 if they name none."""
        return next((int(place[1]) for word in self._last_words if (place := _PLACE.match(word))), 0)

    def text_at(self, line: int) -> str:
        """The instruction of the Dockerfile that begins in or before a line and ends in or after it."""
        return self._places.text_at(line)

    @property
    def error(self) -> str:
        """The builder's last words without the excerpt of the Dockerfile; empty if it had none."""
        for number, line in enumerate(self._last_words):
            if found := _ERROR.match(line):
                return "\n".join([line[found.end() :], *self._last_words[number + 1 :]]).strip()
        return "\n".join(self._last_words).strip()


def _seconds(moment: str | None) -> float:
    if not moment:
        return 0.0
    # Nanoseconds are more than Python reads, and they come with trailing zeros cut off.
    whole, _, fraction = moment.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{fraction or 0}")


class _Places:
    """Where the numbered steps stand in a Dockerfile."""

    def __init__(self, dockerfile: str) -> None:
        self._dockerfile: Final = parse(dockerfile)
        self._stages: Final = StageGraph(self._dockerfile).stages

    def line(self, stage: str, number: int, total: int, name: str) -> int:
        """The line of a step by its number in its stage, else by its text; 0 if neither says it for certain."""
        # A platform may stand in front of the stage's name.
        stage_name = stage.rpartition(" ")[2]
        for candidate in self._named(stage_name):
            steps = _steps(candidate)
            if len(steps) == total:
                return self._line(steps[number - 1])
        alike = [
            step for candidate in self._stages for step in _steps(candidate) if _text(step) == " ".join(name.split())
        ]
        return self._line(alike[0]) if len(alike) == 1 else 0

    def text_at(self, line: int) -> str:
        """The instruction that a line belongs to; empty if it belongs to none."""
        return next(map(_text, self._at(line)), "")

    def source_at(self, line: int) -> str:
        """The text of the instruction that a line belongs to, with its here-documents; of a JSON form, the strings."""
        return next(map(self._source, self._at(line)), "")

    def _source(self, instruction: Instruction) -> str:
        if instruction.json:
            return " ".join(string.value for string in instruction.json)
        bodies = [here.body for here in instruction.heredocs]
        return "\n".join([instruction.view.text, *(self._dockerfile.text[body.start : body.end] for body in bodies)])

    def _at(self, line: int) -> Iterator[Instruction]:
        return (it for it in self._dockerfile.instructions if self._line(it) <= line <= it.end_line)

    def _named(self, name: str) -> list[Stage]:
        if not name:
            return list(self._stages[:1])
        named = [stage for stage in self._stages if stage.name == name]
        return named[-1:] or [stage for stage in self._stages if f"stage-{stage.index}" == name]

    def _line(self, instruction: Instruction) -> int:
        return self._dockerfile.position(instruction.start).line


def _steps(stage: Stage) -> list[Instruction]:
    """What BuildKit numbers in a stage: FROM unless it names a stage or scratch, and what makes a layer."""
    numbered = [it for it in stage.instructions if isinstance(it, Run | Copy | Add | Workdir)]
    has_image = stage.parent is None and stage.from_.image.text.lower() != "scratch"
    return [stage.from_, *numbered] if has_image else list(numbered)


def _text(instruction: Instruction) -> str:
    return " ".join(instruction.view.text.split())
