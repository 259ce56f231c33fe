"""Which COPYs bring what a program writes, from the build context or from another stage, and what comes with them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import partial
from typing import Final, NamedTuple

from rewriter.model.effects.copies import CopiedFiles
from rewriter.model.effects.instructions import effects_of
from rewriter.model.managers.call import call_of
from rewriter.model.running.shipped import Shipped, downloads, text_of
from rewriter.model.running.written_folders import (
    BUILT,
    DATA_FOLDER,
    DEPENDENCIES,
    absolute,
    folders_made_by,
    is_free,
    is_inside,
)
from rewriter.model.stages import UNKNOWN_PART, Stage
from rewriter.syntax.tree import Copy, Instruction, Run, Workdir

# Files that a program reads and never writes.
_CODE: Final = re.compile(
    r"(?:\.(?:py|[cm]?[jt]sx?|go|rs|java|jar|war|rb|cs|dll|so|sh|txt|toml|lock|cfg|ini|ya?ml|md|html|css|conf|mod|sum|pem)"
    r"|(?:package|package-lock|tsconfig[\w.-]*|composer|appsettings[\w.-]*)\.json|(?:Makefile|Procfile|Gemfile|Pipfile)"
    r"|\.\w*rc|\.env[\w.]*)\Z"
)


class _Part(NamedTuple):
    """A file or folder that a COPY brings. `origin` is where it stands in the context, None where it is made."""

    path: str
    target: str
    origin: str | None
    is_tree: bool
    stage: Stage | None = None


def is_code(path: str) -> bool:
    """Whether a program reads a file and never writes it, by its name."""
    return _CODE.search(path) is not None


def brings_data(copy: Copy, owned: tuple[str, ...], shipped: Shipped) -> bool:
    """Whether a COPY brings files that the program may write to, or that others than their owner may not read."""
    is_written = partial(_is_written, owned=owned, shipped=shipped)
    if copy.source_stage is not None:
        return brings_project(copy, owned, shipped) or any(map(is_written, _parts(copy, shipped)))
    if downloads(copy) and not is_free(copy.destination):
        return True
    copied = CopiedFiles(copy, shipped.states.at(copy), shipped.context)
    if not copied.is_complete and any(is_inside(copied.target, path) for path in owned):
        return True  # of what is not there now nothing is known
    if not copy.flag("chmod") and any(shipped.context.is_closed(source.path) for source in copied.sources):
        return True
    return any(map(is_written, _parts(copy, shipped)))


def brings_project(copy: Copy, owned: tuple[str, ...], shipped: Shipped) -> bool:
    """Whether a `COPY --from` brings a whole project, or what a framework writes to, rather than what was built."""
    target = _target(copy, shipped)
    if any(".next" in source for source in copy.sources):
        return "static" not in copy.destination
    if shipped.project.language == "csharp" and target in owned:
        return True  # uploads go into its `wwwroot`
    is_written = target in owned or (shipped.project.framework == "Next" and is_inside(shipped.workdir, target))
    stage = _stage(copy, shipped)
    if stage is None or not is_written:
        return False
    folder = shipped.states.at_end(stage).workdir
    return any(absolute(source, "/") == folder for source in copy.sources)


def is_there(path: str, shipped: Shipped) -> bool:
    """Whether a COPY brings a folder."""
    return any(_holds(part, path, shipped) for copy in shipped.copies for part in _parts(copy, shipped))


def is_brought(path: str, copies: tuple[Copy, ...], shipped: Shipped) -> bool:
    """Whether one of the COPYs that give their files to the user brings a folder for that user.

    A folder that is there already keeps its owner, where it is not within the one that is copied.
    """
    return any(
        _holds(part, path, shipped) and (path != part.target or _is_made_by(copy, path, shipped))
        for copy in copies
        for part in _parts(copy, shipped)
    )


def _parts(copy: Copy, shipped: Shipped) -> Iterator[_Part]:
    if copy.source_stage is None:
        copied = CopiedFiles(copy, shipped.states.at(copy), shipped.context)
        yield from (_Part(one.path, one.target, one.path, one.is_tree) for one in copied.sources)
        return
    stage, state, target = _stage(copy, shipped), shipped.states.at(copy), _target(copy, shipped)
    if stage is None or UNKNOWN_PART in target:
        return
    into = len(copy.sources) > 1 or copy.destination.endswith(("/", ".")) or target == state.workdir
    for text in copy.sources:
        path = absolute(state.expand(text) or UNKNOWN_PART, "/")
        origin = shipped.project.sources.within(stage).origin_of_folder(path)
        is_tree = _is_folder(path, origin, stage, shipped)
        whole = target if is_tree or not into else posixpath.join(target, posixpath.basename(path))
        yield _Part(path, whole, origin, is_tree, stage)


def _stage(copy: Copy, shipped: Shipped) -> Stage | None:
    flag = copy.source_stage
    return shipped.states.graph.find(flag.value) if flag else None


def _target(copy: Copy, shipped: Shipped) -> str:
    state = shipped.states.at(copy)
    return absolute(state.expand(copy.destination) or UNKNOWN_PART, state.workdir)


def _is_folder(path: str, origin: str | None, stage: Stage, shipped: Shipped) -> bool:
    """Whether a path of a stage is a folder, as far as the context and mkdir tell."""
    if origin is not None:
        return bool(shipped.context.is_folder(origin))
    return any(is_inside(made, path) for run in _runs(stage) for made in folders_made_by(run, shipped))


def _runs(stage: Stage) -> Iterator[Run]:
    return (one for layer in stage.lineage for one in layer.instructions if isinstance(one, Run))


def _is_written(part: _Part, owned: tuple[str, ...], shipped: Shipped) -> bool:
    name = posixpath.basename(part.target)
    if not part.is_tree:
        writes = shipped.project.writes
        if writes and part.target in writes.paths:
            return True
        ending = posixpath.splitext(name)[1]
        is_made = part.origin is None and (not ending or ending[1:].isdigit())
        is_program = is_made or _is_started(part.target, shipped)
        return posixpath.dirname(part.target) in owned and not is_code(part.path) and not is_program
    if any(path != shipped.workdir and is_inside(path, part.target) and _has(part, path, shipped) for path in owned):
        return True
    is_built = part.origin is None or (part.stage is not None and name.startswith("."))
    if is_built and not DATA_FOLDER.match(name):
        return False
    is_within = any(is_inside(part.target, path) for path in owned)
    return is_within and (name not in BUILT or _holds_data(part, shipped))


def _is_started(path: str, shipped: Shipped) -> bool:
    """Whether a file is one of the programs that a container starts."""
    starts = (beginning.start for beginning in shipped.beginnings)
    commands = (command for start in starts if start for command in start.commands)
    return any(absolute(command.words[0].value, command.folder) == path for command in commands)


def _has(part: _Part, path: str, shipped: Shipped) -> bool:
    """Whether a folder that is copied may have some path of the image in it."""
    if part.stage is None:
        return shipped.context.status(_below(part.origin or "", part, path)) != "absent"
    before = _below(part.path, part, path)
    if shipped.project.sources.within(part.stage).has(before):
        return True
    return any(posixpath.basename(before) in text_of(run) for run in _runs(part.stage))


def _below(start: str, part: _Part, path: str) -> str:
    below = posixpath.relpath(path, part.target)
    return start if below == "." else posixpath.join(start, below)


def _holds_data(part: _Part, shipped: Shipped) -> bool:
    """Whether a folder of what is built or deployed has one for data in it, as `static/uploads`."""
    if part.origin is None or posixpath.basename(part.target) in DEPENDENCIES:
        return False
    found = shipped.context.list(part.origin) or ()
    return any(DATA_FOLDER.match(name) and shipped.context.is_folder(f"{part.origin}/{name}") for name in found)


def _holds(part: _Part, path: str, shipped: Shipped) -> bool:
    """Whether a folder comes with what is copied."""
    if not (part.is_tree and is_inside(path, part.target)):
        return False
    if part.stage is None:
        return bool(shipped.context.is_folder(_below(part.origin or "", part, path)))
    before = _below(part.path, part, path)
    origin = shipped.project.sources.within(part.stage).origin_of_folder(before)
    return _is_folder(before, origin, part.stage, shipped)


def _is_made_by(copy: Copy, path: str, shipped: Shipped) -> bool:
    """Whether it is a COPY that makes a folder: one below a WORKDIR that no earlier step can have made."""
    earlier = shipped.steps[: shipped.steps.index(copy)]
    is_below = any(
        isinstance(one, Workdir) and absolute(one.path.text, shipped.states.at(one).workdir) == shipped.workdir
        for one in earlier
    )
    if not is_below or path == shipped.workdir or not is_inside(path, shipped.workdir):
        return False
    return not any(_may_make(one, path, shipped) for one in earlier)


def _may_make(one: Instruction, path: str, shipped: Shipped) -> bool:
    """Whether an instruction may make a folder."""
    if isinstance(one, Copy) and one.paths:
        return any(_holds(part, path, shipped) or is_inside(part.target, path) for part in _parts(one, shipped))
    if not isinstance(one, Run | Workdir):
        return False
    if isinstance(one, Run) and re.search(rf"\b{re.escape(posixpath.basename(path))}\b", text_of(one)):
        return True
    found = effects_of(one, shipped.states.at(one), shipped.context)
    if isinstance(one, Run) and found.unknown:
        return not _only_installs(one)
    return any(is_inside(written, path) for written in found.writes | found.makes)


def _only_installs(run: Run) -> bool:
    calls = [call_of(command) for command in run.script.simple_commands()]
    return all(call is not None and call.installs for call in calls) and not any(run.script.opaques())
