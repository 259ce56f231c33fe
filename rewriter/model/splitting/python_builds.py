"""The projects that a stage builds itself: with which commands, and whether beside the sources or apart from them.

FROM python:3.11                       FROM python:3.11 AS builder
COPY . .                               COPY . .
RUN python setup.py build_ext -i  ->   RUN python setup.py build_ext -i

                                       FROM python:3.11 AS runtime
                                       COPY --from=builder /app /app
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.effects.copies import SHARED_FOLDERS, CopiedFiles
from rewriter.model.effects.shell import Step
from rewriter.model.installing.manifests import Needs, Project
from rewriter.model.installing.stage_installs import simple_commands
from rewriter.model.managers.vocabulary import names
from rewriter.model.pip.requirements import read_requirements
from rewriter.model.project.sources import table
from rewriter.model.splitting.parts import New, Part, UnsplitError
from rewriter.model.splitting.stage_reading import Reading
from rewriter.syntax.shell_tree import SimpleCommand
from rewriter.syntax.tree import Copy, Run

_PURE: Final = names("hatchling.build uv_build poetry.core.masonry.api flit_core.buildapi pdm.backend")
"""Backends that compile nothing unless they are told to."""

_PYTHON: Final = re.compile(r"python[\d.]*\Z")
_OF_SETUP: Final = names("build build_clib build_ext build_py clean develop install")
_COMPILERS: Final = names("cythonize mypyc")
"""They leave the modules beside the sources: https://mypyc.readthedocs.io, `cythonize --inplace`."""
_SETTINGS: Final = names("setup.py setup.cfg pyproject.toml meson.build CMakeLists.txt")
_NUMERIC: Final = names(
    "numpy scipy pandas polars scikit-learn scikit-image xgboost lightgbm catboost torch tensorflow keras jax spacy "
    "gensim faiss-cpu transformers sentence-transformers fasttext llama-cpp-python statsmodels numba opencv-python"
)


def builds_in_place(command: SimpleCommand) -> bool:
    """Whether a command does nothing but compile a project in its folder, or install it from there."""
    if command.name in _COMPILERS:
        return not any("$" in word.text or "`" in word.text for word in command.words)
    words = [word.value for word in command.words]
    if not words or not all(words):
        return False
    actions = [word for word in words[2:] if not word.startswith("-") and not word.isdigit()]
    return (
        _PYTHON.match(words[0]) is not None
        and words[1:2] in (["setup.py"], ["./setup.py"])
        and bool(actions)
        and _OF_SETUP.issuperset(actions)
    )


def is_pure(project: Project, folder: str = "") -> bool:
    """Whether a project is known to be installed without compiling anything, and without leaving files beside it."""
    path = project.path("pyproject.toml", folder)
    if not project.has(path):
        return False
    pyproject = project.toml(path)
    backend = table(pyproject, "build-system").get("build-backend")
    return (
        backend in _PURE
        and not table(pyproject, "tool", "poetry", "build")
        and "hooks" not in str(table(pyproject, "tool", "hatch"))
    )


def is_editable(project: Project, needs: Needs) -> bool:
    """Whether an install leaves a project where it lies, and only says where that is."""
    if project.call.has("-e", "--editable"):
        return True
    files = (project.read(path) for path in needs.files if path.endswith((".txt", ".in")))
    return any(one.is_editable for text in files for one in read_requirements(text).requirements)


def may_be_parallel(packages: frozenset[str], context: BuildContext) -> bool:
    """Whether what is compiled for some packages, or from the sources of the project, may need OpenMP when it runs."""
    if not _NUMERIC.isdisjoint(packages):
        return True
    paths = context.walk("", lambda name: name in _SETTINGS or name.endswith((".pyx", ".pxd"))) or ()
    return any("openmp" in (context.read(path) or "") for path in paths)


class InPlace:
    """The folders of projects that are built where they lie, which go into the runtime as they are then.

    `copies` bring what is in there.
    """

    def __init__(self, reading: Reading, folders: Iterable[str], copies: Iterable[CopiedFiles]) -> None:
        inside = list(copies)
        ordered = sorted(folders)
        self.folders: Final = [one for one in ordered if not any(is_within(one, other) for other in ordered)]
        self._copies: Final = [one for one in inside if any(map(self.holds, one.targets))]
        self._builder: Final = reading.builder
        for folder in self.folders:
            if folder in SHARED_FOLDERS:
                raise UnsplitError(f"{folder}, where the project is built, holds more than the project")
        for one in self._copies:
            if one.problem or not all(map(self.holds, one.targets)):
                raise UnsplitError("what line {line} copies is not known", one.instruction)

    def holds(self, path: str) -> bool:
        """Whether a path lies in one of the folders."""
        return any(path == folder or is_within(path, folder) for folder in self.folders)

    def brings(self, copy: Copy) -> bool:
        """Whether what a COPY brings comes along with a folder."""
        return any(one.instruction is copy for one in self._copies)

    def changes(self, run: Run, steps: Sequence[Step]) -> bool:
        """Whether a RUN works on the folders, and so is for the builder. Raises where it does more."""
        writes = {path for step in steps for path in step.effects.writes | step.effects.makes}
        if not any(map(self.holds, writes)):
            return False
        is_owned = any(command.name in ("chown", "chgrp") for step in steps for command in simple_commands(step))
        if is_owned or not all(map(self.holds, writes)):
            raise UnsplitError("line {line} changes the folder that the project is built in", run)
        return True

    def parts(self) -> list[Part]:
        """The copies of the folders, with the flags of those that brought the sources."""
        whole = [number for number, one in enumerate(self._copies) if set(self.folders) <= set(one.targets)]
        written = self._copies[whole[-1] if whole else 0 :]  # those above bring nothing that is left of them
        flags = {" ".join(flag.text for flag in one.instruction.flags) for one in written}
        if len(flags) > 1:
            raise UnsplitError(
                "the sources of the project are copied with different flags", self._copies[0].instruction
            )
        given = "".join(f"{flag} " for flag in flags if flag)
        like = self._copies[0].instruction if self._copies else None
        return [New("COPY", f"--from={self._builder} {given}{folder} {folder}", like) for folder in self.folders]


def is_within(path: str, folder: str) -> bool:
    """Whether a path lies below a folder."""
    return path.startswith(f"{folder.rstrip('/')}/")
