"""The files of a stage by their paths in the image, traced to the build context, and read within bounds."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.model.effects.copies import CopiedFiles, folder_at
from rewriter.model.project.answers import Unknown
from rewriter.model.stages import Stage, StageGraph
from rewriter.model.state import States
from rewriter.syntax.text import decode
from rewriter.syntax.tree import Copy, Dockerfile, Run

LARGEST: Final = 512 * 1024
MOST_FILES: Final = 300
MOST_BYTES: Final = 6 * 1024 * 1024
MOST_QUESTIONS: Final = 5_000
"""Bounds on what one project costs: bytes of a file, files read, bytes read, and paths traced."""


class Place(NamedTuple):
    """The stage that a path was found in, and its path there."""

    stage: Stage
    path: str


class Budget:
    """How much may still be read and asked, for all stages of a project together."""

    __slots__ = ("files", "octets", "questions")

    def __init__(self) -> None:
        self.files = MOST_FILES
        self.octets = MOST_BYTES
        self.questions = MOST_QUESTIONS


class Sources:
    """The files of a stage. Paths are absolute in the image, or relative to the context where a name says so."""

    __slots__ = ("_budget", "_copies", "_json", "_others", "_texts", "context", "graph", "stage", "states")

    def __init__(self, stage: Stage, states: States, context: BuildContext) -> None:
        self.stage: Final = stage
        self.states: Final = states
        self.graph: Final[StageGraph] = states.graph
        self.context: Final = context
        self._texts: dict[str, str | Unknown] = {}
        self._json: dict[str, dict[str, Any] | Unknown] = {}
        self._copies: Final[dict[int, CopiedFiles]] = {}
        self._budget = Budget()
        self._others: Final[dict[int, Sources]] = {stage.index: self}

    def within(self, stage: Stage) -> Sources:
        """The files of another stage, on the same budget."""
        if stage.index not in self._others:
            other = self._others[stage.index] = Sources(stage, self.states, self.context)
            other._budget, other._texts, other._json = self._budget, self._texts, self._json
            other._others.update(self._others)
        return self._others[stage.index]

    # From the image to the context

    def origin(self, path: str) -> str:
        """The path in the context of a file or folder of the image; empty where it does not come from there."""
        return next((found for found in self._origins(path, self.stage) if found), "")

    def origin_of_folder(self, path: str) -> str | None:
        """The path in the context that a folder of the image is filled from; the context itself is empty."""
        return next(self._origins(path, self.stage), None)

    def origin_of_package(self, path: str, ending: str) -> str | None:
        """The same for a folder whose files of some ending may be copied one by one, as `COPY *.go ./` does."""
        origin = self.origin_of_folder(path)
        if origin is not None:
            return posixpath.dirname(origin) if origin.endswith(ending) else origin
        for place in self.places(path):
            for one in reversed(place.stage.instructions):
                if isinstance(one, Copy) and one.source_stage is None and one.paths:
                    for source in self._copied(one).sources:
                        if source.target.endswith(ending) and posixpath.dirname(source.target) == place.path:
                            return posixpath.dirname(source.path)
        return None

    def has(self, path: str) -> bool:
        """Whether the context brings a file or folder to a path of the image, as far as can be seen."""
        origin = self.origin_of_folder(path)
        return origin is not None and self.context.status(origin) in ("present", "unreadable")

    def _origins(self, path: str, stage: Stage) -> Iterator[str]:
        for place in self.places(path, stage):
            for one in reversed(place.stage.instructions):
                if isinstance(one, Copy) and one.source_stage is None and one.paths:
                    origin = self._copied(one).origin(place.path)
                    if origin is not None and self.context.status(origin) != "absent":
                        yield origin

    def places(self, path: str, stage: Stage | None = None) -> Iterator[Place]:
        """Where a path may have been made: in the stage, those below it, and those that it is copied from."""
        pending = [Place(stage or self.stage, posixpath.normpath(path))]
        seen: set[tuple[int, str]] = set()
        while pending and self._budget.questions > 0:
            place = pending.pop(0)
            if (place.stage.index, place.path) in seen:
                continue
            seen.add((place.stage.index, place.path))
            self._budget.questions -= 1
            yield place
            for one in reversed(place.stage.instructions):
                if isinstance(one, Copy) and one.source_stage is not None and one.paths:
                    pending += self._before_copy(one, place.path)
            if place.stage.parent is not None:
                pending.append(Place(place.stage.parent, place.path))

    def _before_copy(self, copy: Copy, path: str) -> Iterator[Place]:
        """Where a path stood before `COPY --from` brought it, if that did."""
        flag = copy.source_stage
        stage = self.graph.find(flag.value) if flag else None
        state = self.states.at(copy)
        target = state.expand(copy.destination)
        if stage is None or target is None:
            return
        target = posixpath.normpath(posixpath.join(folder_at(state) or "/", target))
        for text in copy.sources:
            source = state.expand(text)
            if source is None:
                continue
            source = posixpath.normpath(posixpath.join("/", source))
            if path == target:
                yield Place(stage, source)
            elif path == posixpath.join(target, posixpath.basename(source)):
                yield Place(stage, source)
                yield Place(stage, posixpath.join(source, posixpath.basename(path)))
            elif path.startswith(target.rstrip("/") + "/"):
                yield Place(stage, posixpath.join(source, path[len(target.rstrip("/")) + 1 :]))

    def _copied(self, copy: Copy) -> CopiedFiles:
        found = self._copies.get(copy.start)
        if found is None:
            found = self._copies[copy.start] = CopiedFiles(copy, self.states.at(copy), self.context)
        return found

    def runs(self, stage: Stage | None = None) -> Iterator[Run]:
        """The RUNs of a stage and of those below it, the last first."""
        for one in (stage or self.stage).lineage:
            yield from (run for run in reversed(one.instructions) if isinstance(run, Run))

    @property
    def dockerfile(self) -> Dockerfile:
        """The file that the project is built by."""
        return self.stage.dockerfile

    # Reading the context

    def read(self, path: str) -> str | Unknown:
        """The text of a file of the context."""
        found = self._texts.get(path)
        if found is None:
            found = self._texts[path] = self._read(path)
        return found

    def _read(self, path: str) -> str | Unknown:
        status = self.context.status(path)
        if status == "absent":
            return Unknown(f"{path} is not in the build context")
        if status == "unknown":
            return Unknown("the build context is not known")
        if self._budget.files <= 0 or self._budget.octets <= 0:
            return Unknown("the project has more sources than are read")
        self._budget.files -= 1
        data = self.context.head(path, LARGEST + 1)
        if data is None:
            return Unknown(f"{path} cannot be read")
        self._budget.octets -= len(data)
        if len(data) > LARGEST:
            return Unknown(f"{path} is too large to be read")
        if b"\0" in data:
            return Unknown(f"{path} is not text")
        return decode(data)

    def json(self, path: str) -> dict[str, Any] | Unknown:
        """The object that a JSON file of the context holds."""
        found = self._json.get(path)
        if found is None:
            found = self._json[path] = self._load(path)
        return found

    def _load(self, path: str) -> dict[str, Any] | Unknown:
        import json

        text = self.read(path)
        if isinstance(text, Unknown):
            return text
        try:
            value = json.loads(text.removeprefix("\ufeff"))
        except (ValueError, RecursionError):
            return Unknown(f"{path} is no JSON")
        return value if isinstance(value, dict) else Unknown(f"{path} holds no object")

    def toml(self, path: str) -> dict[str, Any] | Unknown:
        """The table that a TOML file of the context holds."""
        import tomllib

        text = self.read(path)
        if isinstance(text, Unknown):
            return text
        try:
            return tomllib.loads(text.removeprefix("\ufeff"))
        except (ValueError, RecursionError):
            return Unknown(f"{path} is no TOML")


def table(value: object, *keys: str) -> dict[str, Any]:
    """The table under some keys, empty where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
