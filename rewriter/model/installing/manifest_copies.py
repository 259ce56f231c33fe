"""The COPY lines that bring manifests before the sources, written as the copy of the sources is."""

from __future__ import annotations

import os
import posixpath

from rewriter.model.caching.go_downloads import Download
from rewriter.model.context.build_context import BuildContext
from rewriter.model.installing.earlier_installs import Manifest, Move
from rewriter.model.state import States
from rewriter.syntax.words import Word

_FLAGS = frozenset({"chown", "chmod", "link"})


def copy_lines(move: Move | Download) -> list[str]:
    """The arguments of the COPYs, one for each folder that files go to, in the order in which they are needed."""
    copy = move.copy.instruction
    flags = [flag.text for flag in copy.flags if flag.name in _FLAGS]
    taken = _taken(move)
    groups: dict[str, dict[str, None]] = {}
    for manifest in move.manifests:
        number = manifest.source.number if manifest.source in move.copy.sources else -1
        source = copy.sources[number] if number in taken else _source(manifest)
        groups.setdefault(_destination(move, manifest), {})[source] = None
    lines: list[str] = []
    for destination, sources in groups.items():
        words = [*sources, destination]
        needs_json = copy.json is not None or any(" " in word for word in words)
        lines.append(" ".join([*flags, _as_json(words)] if needs_json else [*flags, *words]))
    return lines


def link_on_the_way(move: Move, context: BuildContext) -> str:
    """The folder that manifests go along from and that is a symbolic link in the context; empty where there is none.

    Copied by name it would become a folder, which the copy of the sources cannot replace by the link.
    """
    for manifest in move.manifests if context.root is not None else ():
        folder = manifest.origin if manifest.is_folder else posixpath.dirname(manifest.origin)
        while folder:
            if os.path.islink(os.path.join(context.root or "", folder)):
                return folder
            folder = posixpath.dirname(folder)
    return ""


def _taken(move: Move | Download) -> frozenset[int]:
    """The sources as written that name nothing but manifests, where others remain."""
    targets = {manifest.target for manifest in move.manifests}
    left = {source.number for source in move.copy.sources if source.is_tree or source.target not in targets}
    numbers = frozenset(source.number for source in move.copy.sources) - left
    return numbers if left else frozenset()


def words_to_drop(move: Move) -> list[Word]:
    """The sources that the copy below need not name any more."""
    copy = move.copy.instruction
    return [] if copy.json is not None else [copy.words[number] for number in sorted(_taken(move))]


def _source(manifest: Manifest) -> str:
    source, below = manifest.source, manifest.origin
    if not source.is_tree:
        return source.text
    if source.path:
        below = manifest.origin[len(source.path) + 1 :]
    prefix = source.text.rstrip("/")
    return below if prefix in ("", ".") else f"{prefix}/{below}"


def _destination(move: Move | Download, manifest: Manifest) -> str:
    """The folder that a file goes to, with a slash at its end; a folder's own path."""
    folder = manifest.target if manifest.is_folder else posixpath.dirname(manifest.target)
    written = move.copy.instruction.destination
    if not manifest.source.is_tree and posixpath.basename(manifest.target) != posixpath.basename(manifest.origin):
        return manifest.target if manifest.source not in move.copy.sources else written
    if manifest.source not in move.copy.sources:
        return folder.rstrip("/") + "/"
    top = move.copy.target
    base = "./" if written in (".", "./") else written.rstrip("/") + "/"
    if not manifest.source.is_tree and not manifest.is_folder and manifest.target == top:
        return written
    below = posixpath.relpath(folder, top)
    return base if below == "." else f"{base}{below}/"


def destination_at(move: Move | Download, states: States) -> tuple[Word, str] | None:
    """The word to write anew, and how, where a relative destination means another folder in the new place."""
    copy = move.copy.instruction
    place = move.below if isinstance(move, Move) else move.build
    if copy.destination.startswith("/") or states.at(place).workdir == states.at(copy).workdir:
        return None
    target = move.copy.target.rstrip("/") + "/"
    return copy.words[-1], _as_json(target) if copy.json is not None else target


def _as_json(value: object) -> str:
    import json  # few files need it, and every start would pay for it

    return json.dumps(value, ensure_ascii=False)
