"""Which folder is the build context of a Dockerfile."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.evidence import REMOTE, named_contexts
from rewriter.model.context.globs import GLOB
from rewriter.model.stages import StageGraph
from rewriter.model.state import States
from rewriter.syntax.expansion import is_heredoc
from rewriter.syntax.tree import Add, Copy, Dockerfile

_EXPANDS: Final = re.compile(r"""[$'"`\\]""")


def discover(
    dockerfile_path: str,
    dockerfile: Dockerfile,
    *,
    explicit: str | None = None,
    configured: str | None = None,
    needed: Iterable[str] = (),
) -> BuildContext:
    """The context of a Dockerfile: the one named by the user or the project, or the only folder that fits.

    The project names it in a compose file or a workflow; where these disagree it is not known which is meant.
    Folders are tried from the Dockerfile's own up to the one that holds `.git`; without a `.git` only its own. One fits
    when every local source of COPY and ADD exists in it. Where several do, every path in `needed` must exist as well,
    and where several are left it is not known which is meant.
    """
    named = explicit if explicit is not None else configured
    if named is not None:
        return _context(named, dockerfile_path)
    folders = folders_of_project(dockerfile_path)
    contexts = named_contexts(dockerfile_path, folders)
    if contexts:
        return _context(contexts.pop(), dockerfile_path) if len(contexts) == 1 else BuildContext(None)
    fitting = [_context(folder, dockerfile_path) for folder in folders]
    for groups in (dict.fromkeys(local_sources(dockerfile)), [(path,) for path in dict.fromkeys(needed)]):
        fitting = [context for context in fitting if all(_is_there(paths, context) for paths in groups)]
        if len(fitting) < 2:
            break
    return fitting[0] if len(fitting) == 1 else BuildContext(None)


def _context(folder: str, dockerfile_path: str) -> BuildContext:
    own = os.path.relpath(os.path.realpath(dockerfile_path), os.path.realpath(folder))
    return BuildContext(folder, dockerfile=own.replace(os.sep, "/"))


def folders_of_project(dockerfile_path: str) -> list[str]:
    """The folders from a Dockerfile's own up to the one that holds `.git`; without a `.git` only its own."""
    own = os.path.dirname(os.path.abspath(dockerfile_path))
    folders = [own]
    while not os.path.lexists(os.path.join(folders[-1], ".git")):
        above = os.path.dirname(folders[-1])
        if above == folders[-1]:
            return [own]
        folders.append(above)
    return folders


def _is_there(paths: tuple[str, ...], context: BuildContext) -> bool:
    """Whether a context has what one COPY takes: a pattern may match nothing as long as another source is there.

    https://github.com/moby/buildkit/blob/master/solver/llbsolver/file/backend.go
    """
    found = {path: context.find(path) != "absent" for path in paths}
    return any(found.values()) and all(is_found or GLOB.search(path) for path, is_found in found.items())


def local_sources(dockerfile: Dockerfile) -> Iterator[tuple[str, ...]]:
    """What each COPY and ADD takes from the context, variables replaced; without URLs, heredocs and `--from`.

    A source with a variable that is not known is left out, and so are the triggers of ONBUILD, which run elsewhere.
    """
    states: States | None = None
    for instruction in dockerfile.instructions:
        if not isinstance(instruction, Copy) or instruction.source_stage is not None or len(instruction.paths) < 2:
            continue
        found: list[str] = []
        for source in instruction.sources:
            path: str | None = source
            if _EXPANDS.search(source):
                states = states or States(StageGraph(dockerfile))
                path = states.at(instruction).expand(source)
            if not path or is_heredoc(path) or (isinstance(instruction, Add) and REMOTE.match(path)):
                continue
            found.append(path)
        if found:
            yield tuple(found)
