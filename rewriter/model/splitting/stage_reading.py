"""A stage read for splitting it: its installs, its system packages, and where each instruction can go."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.services import Service
from rewriter.model.effects.copies import CopiedFiles, Source
from rewriter.model.effects.shell import Step, unreadable
from rewriter.model.installing.manifests import is_manifest_path
from rewriter.model.installing.stage_installs import StageInstalls, calls_of
from rewriter.model.managers.vocabulary import names
from rewriter.model.project import Project
from rewriter.model.splitting.parts import Again, New, Original, Part, Split, UnsplitError
from rewriter.model.splitting.run_time_files import run_time_files
from rewriter.model.splitting.settings import mentions, needed_settings, serves_builds_alone
from rewriter.model.splitting.system_packages import Base, SystemRun, is_system_install
from rewriter.model.stages import Stage
from rewriter.model.state import State, States
from rewriter.syntax.tree import Arg, Copy, Instruction, Run

_OF_TOOLS: Final = "pyproject.toml"
_READERS: Final = names("task poe aerich pytest alembic pybabel cz fastapi")
"""Programs that find their settings there: https://packaging.python.org/en/latest/specifications/pyproject-toml/"""

_BUILDERS: Final = ("builder", "build", "build-stage")


class Reading:
    """A stage and what is known of it.

    `services` are those that run its image. `is_wanted` says that it is to be split even if it ships no tools.
    """

    def __init__(
        self,
        stage: Stage,
        states: States,
        context: BuildContext,
        project: Project,
        services: Sequence[Service],
        *,
        is_wanted: bool = False,
    ) -> None:
        self.is_wanted: Final = is_wanted
        self.stage: Final = stage
        self.states: Final = states
        self.context: Final = context
        self.project: Final = project
        self.services: Final = services
        self.installs: Final = StageInstalls(stage, states, context, whatever_waits=True)

    def state(self, instruction: Instruction) -> State:
        """What is in force at an instruction."""
        return self.states.at(instruction)

    def steps(self, run: Run) -> list[Step]:
        """The steps of a RUN."""
        return self.installs.steps.get(run, [])

    def unreadable(self, run: Run) -> str:
        """Why the steps of a RUN are not known."""
        return unreadable(run, self.state(run))

    @property
    def runs(self) -> list[Run]:
        """The RUNs of the stage."""
        return [one for one in self.stage.instructions if isinstance(one, Run)]

    def system_runs(self, base: Base) -> dict[Instruction, SystemRun]:
        """The RUNs that install packages of the distribution."""
        found: dict[Instruction, SystemRun] = {}
        for run in self.runs:
            if any(is_system_install(call) for step in self.steps(run) for call in calls_of(step)):
                found[run] = SystemRun(run, self.steps(run), base)
        return found

    def copied(self, copy: Copy) -> CopiedFiles | None:
        """The files that a COPY brings from the context; None where it copies from elsewhere."""
        return next((one for one in self.installs.copies if one.instruction is copy), None)

    def is_brought_below(self, copied: CopiedFiles, kept: Iterable[Instruction]) -> bool:
        """Whether instructions that are kept, or nobody, need to copy the same files again.

        Manifests are needed by nobody where nothing that is kept speaks of them.
        """
        if not copied.is_complete:
            return False
        others = [other for one in kept if isinstance(one, Copy) and (other := self.copied(one))]
        return all(self._can_go(source, others, kept) for source in copied.sources)

    def _can_go(self, source: Source, others: Iterable[CopiedFiles], kept: Iterable[Instruction]) -> bool:
        if any(other.origin(source.target) == source.path and not other.instruction.flags for other in others):
            return True
        paths = self.context.walk(source.path, lambda _: True) if source.is_tree else [source.path]
        return bool(paths) and not any(
            not is_manifest_path(path) or self._speaks_of(path, kept) for path in paths or ()
        )

    def _speaks_of(self, path: str, kept: Iterable[Instruction]) -> bool:
        start = self.project.start
        texts = [one.text for one in kept if not isinstance(one, Copy)]
        texts += [self.context.read(script) or "" for script in (start.scripts if start else ())]
        name = _name(path)
        if name == _OF_TOOLS:
            texts += [" ".join(words) for one in self.services for words in (one.command, one.entrypoint) if words]
            if any(mentions(text, tool) for text in texts for tool in _READERS):
                return True
        return any(mentions(text, name) for text in texts) or self._is_read_by_sources(name)

    def _is_read_by_sources(self, name: str) -> bool:
        """Whether a program speaks of a manifest, such as for the version that stands in it."""
        quoted = re.compile(rf"[\"'/]{re.escape(name)}[\"']")
        files = run_time_files(self.context, lambda found: found.endswith(".py"))
        return any(quoted.search(text) for _, text in files)

    @property
    def builder(self) -> str:
        """The name of the new stage."""
        taken = {stage.name for stage in self.states.graph.stages}
        if name := next((one for one in _BUILDERS if one not in taken), ""):
            return name
        raise UnsplitError("the file has builders already")

    def split(
        self,
        builder: Mapping[Instruction, list[Part]],
        runtime: Mapping[Instruction, list[Part]],
        message: str,
        *,
        runs_project: bool = False,
    ) -> Split:
        """Both stages, from the parts that instructions become; the settings that the builder needs are added.

        What `builder` does not name is left out there, what `runtime` does not name stays as it is. `runs_project`
        says that the builder runs programs of the project, which may look at any variable.
        """
        instructions = self.stage.instructions
        above, below = dict(builder), dict(runtime)
        kept = [one for one in instructions if any(map(_is_old, below.get(one, [Original(one)])))]
        steps = [one for one in instructions if above.get(one)]
        for setting in needed_settings(instructions, steps, every=runs_project):
            if setting in above:
                continue
            if isinstance(setting, Arg) and serves_builds_alone(setting, kept):
                above[setting], below[setting] = [Original(setting)], []
            else:
                above[setting] = [Again(setting)]
        taken = {stage.name for stage in self.states.graph.stages}
        return Split(
            self.stage,
            self.builder,
            "" if self.stage.name or "runtime" in taken else "runtime",
            tuple(part for one in instructions for part in above.get(one, ())),
            tuple(part for one in instructions for part in below.get(one, [Original(one)])),
            message,
        )


def _is_old(part: Part) -> bool:
    return not isinstance(part, New)


def _name(path: str) -> str:
    return path.rpartition("/")[2]
