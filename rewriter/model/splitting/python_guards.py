"""What must be known before Python packages move into a virtual environment of a builder."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from rewriter.model.splitting.compilers_at_run_time import NEEDS_A_COMPILER, compiler_at_run_time
from rewriter.model.splitting.parts import UnsplitError
from rewriter.model.splitting.stage_reading import Reading
from rewriter.syntax.tree import Onbuild, Run, User

_PLACES: Final = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PYTHONUSERBASE", "PYTHONHOME", "PIP_NO_BUILD_ISOLATION")
_VERSION: Final = re.compile(r"(\d+)(?:\.(\d+))?")


def require_fitting_stage(reading: Reading, packages: Collection[str], last: Run) -> None:
    """Raise where packages may go elsewhere, or are needed by a compiler at run time; `last` is the last install."""
    version = _VERSION.match(reading.stage.origin.tag) if reading.stage.origin else None
    if version and (int(version[1]) < 3 or (version[2] and (int(version[1]), int(version[2])) < (3, 7))):
        raise UnsplitError("the pip of a virtual environment of this old Python is too old")
    if name := next((name for name in sorted(packages) if name in NEEDS_A_COMPILER), ""):
        raise UnsplitError(f"{name} may call a compiler when it runs")
    if reason := compiler_at_run_time(reading.context):
        raise UnsplitError(reason)
    state = reading.states.at_end(reading.stage)
    if name := next((name for name in _PLACES if state.is_set(name)), ""):
        raise UnsplitError(f"{name} says where packages go")
    for one in reading.stage.instructions:
        if isinstance(one, Onbuild):
            raise UnsplitError("ONBUILD in line {line} is kept for other builds", one)
        if isinstance(one, User) and one.start < last.start and reading.state(last).user != "root":
            raise UnsplitError("line {line} changes the user before packages are installed", one)
