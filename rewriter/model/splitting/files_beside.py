"""The files of a project that lie beside a compiled program, which may read them when it runs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from rewriter.model.effects.copies import SHARED_FOLDERS, Source
from rewriter.model.splitting.left_behind import is_left_behind
from rewriter.model.splitting.parts import UnsplitError
from rewriter.model.splitting.stage_reading import Reading
from rewriter.syntax.tree import Copy

_MANIFEST: Final = re.compile(r"Cargo\.toml|pom\.xml|build\.gradle(?:\.kts)?|go\.mod|.*\.(?:cs|fs|vb)proj")


class Toolchain(NamedTuple):
    """What sets a language apart: `tools` are programs that serve only builds, `settings` variables that they look at.

    `left` is fitted by the names of its own files and folders that no program looks for. `folders` are places that hold
    nothing but sources, wherever the project lies, `caches` those that only builds write to. `workdir` is the folder
    that the image sets.
    """

    tools: frozenset[str]
    settings: re.Pattern[str]
    left: re.Pattern[str] = re.compile(r"(?!)")
    folders: tuple[str, ...] = ()
    caches: tuple[str, ...] = ()
    workdir: str = "/"
    asks_for_folders: bool = False
    """Whether a build may want folders in the project to be there, though they are empty."""
    most_files: int = 6
    """How many files and folders are copied one by one, besides what is built."""

    def is_left_behind(self, name: str) -> bool:
        """Whether the program is known not to look for a file or folder of this name."""
        return self.left.fullmatch(name) is not None or is_left_behind(name)


class Place(NamedTuple):
    """Where a project lies in the image, the paths of what is built there, and those of what is removed again.

    `spoken` are the names in paths that the sources speak of: a file or folder of such a name is not left behind.
    """

    toolchain: Toolchain
    folder: str
    built: tuple[str, ...]
    removed: tuple[str, ...]
    spoken: frozenset[str] = frozenset()

    def is_left_behind(self, name: str) -> bool:
        """Whether the program is known not to look for a file or folder of this name."""
        is_spoken = name in self.spoken or posixpath.splitext(name)[1] in self.spoken
        return self.toolchain.is_left_behind(name) and not is_spoken


def is_in(path: str, folder: str) -> bool:
    """Whether a path is a folder, or in it."""
    return path == folder or path.startswith(f"{folder}/")


def whole_project(reading: Reading, folder: str) -> str:
    """The folder of the whole project: that which a part of it is built in, or one above that is copied as a whole."""
    copies = (reading.copied(one) for one in reading.stage.instructions if isinstance(one, Copy))
    targets = [source.target for copied in copies if copied for source in copied.sources if source.is_tree]
    above = [target for target in targets if is_in(folder, target) and target not in SHARED_FOLDERS]
    return min([folder, *above], key=len)


def files_beside(reading: Reading, place: Place, copies: Iterable[Copy]) -> list[str]:
    """The paths in the image of what copies bring and a program may read, files and whole folders.

    Raises UnsplitError where that is not known.
    """
    found: dict[str, None] = {}
    scripts = reading.project.start.scripts if reading.project.start else ()
    for copy in copies:
        copied = reading.copied(copy)
        for source in copied.sources if copied else ():
            for path, origin in _brought_by(source, copy, reading, place):
                if not _is_left(path, place) and _holds_more_than_sources(origin, reading, place):
                    found[path] = None
                else:  # what a container starts is no source, whatever it is called
                    found.update((path + it[len(origin) :], None) for it in scripts if is_in(it, origin))
    return list(found)


def _brought_by(source: Source, copy: Copy, reading: Reading, place: Place) -> Iterator[tuple[str, str]]:
    """The paths in the image and in the context of what is copied, one by one where it is the project's folder."""
    is_own = is_in(source.target, place.folder) and source.target != place.folder
    if is_own or not source.is_tree:
        yield from _parts(source.target, source.path, reading)
        return
    listed = reading.context.list(source.path)
    if listed is None:
        raise UnsplitError("what line {line} copies is not known", copy)
    for name in listed:
        yield from _parts(posixpath.join(source.target, name), posixpath.join(source.path, name), reading)


def _parts(path: str, origin: str, reading: Reading) -> Iterator[tuple[str, str]]:
    """A file or folder, but what lies in it where it is a project of its own, with sources and what is built."""
    listed = reading.context.list(origin) or ()
    if not any(map(_MANIFEST.fullmatch, listed)):
        yield path, origin
        return
    for name in listed:
        yield from _parts(posixpath.join(path, name), posixpath.join(origin, name), reading)


def _is_left(path: str, place: Place) -> bool:
    parts = path[len(place.folder) + 1 :].split("/") if is_in(path, place.folder) else [posixpath.basename(path)]
    if path in place.built or any(map(place.is_left_behind, parts)):
        return True
    return any(is_in(path, gone) for gone in place.removed)


def _holds_more_than_sources(origin: str, reading: Reading, place: Place) -> bool:
    context = reading.context
    if not context.is_folder(origin):
        return True
    paths = context.walk(origin, lambda _: True)
    if paths is None:
        return True
    texts = folders_of_texts(paths)
    for path in paths:
        *inner, name = path[len(origin) + 1 :].split("/")
        is_left = place.is_left_behind(name) and posixpath.dirname(path) not in texts
        if not is_left and not any(map(place.is_left_behind, inner)):
            return True
    return False


def folders_of_texts(paths: Iterable[str]) -> set[str]:
    """The folders that hold nothing but texts, such as the articles of a site; one for readers is no article."""
    folders: dict[str, bool] = {}
    for path in paths:
        folder, name = posixpath.split(path)
        is_text = name.endswith(".md") and not name.isupper() and name != "README.md"
        folders[folder] = is_text and folders.get(folder, True)
    return {folder for folder, is_of_texts in folders.items() if is_of_texts}
