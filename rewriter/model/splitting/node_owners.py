"""Who the files of a Node project belong to, and the steps that make users and folders for them."""

from __future__ import annotations

import posixpath
from typing import Final

from rewriter.model.effects.known_programs import ACCOUNT_PROGRAMS
from rewriter.model.managers.vocabulary import names
from rewriter.model.splitting.node_builds import Builds
from rewriter.model.splitting.parts import UnsplitError
from rewriter.model.splitting.stage_reading import Reading
from rewriter.syntax.tree import Copy, Run

GIVES: Final = names("chown chmod chgrp")


def is_root(user: str | None) -> bool:
    """Whether a user, as USER names it, is root."""
    return user is not None and user.partition(":")[0] in ("root", "0")


def is_inside(path: str, builds: Builds) -> bool:
    """Whether a path of the image is the project's folder, or lies in it."""
    return path == builds.folder or path.startswith(f"{builds.folder}/")


def targets_of(copy: Copy, reading: Reading) -> tuple[str, ...]:
    """The paths that a COPY fills."""
    copied = reading.copied(copy)
    if copied and not copied.problem:
        return tuple(copied.targets)
    state = reading.state(copy)
    destination = state.expand(copy.destination)
    if destination is None or not state.workdir:
        raise UnsplitError("where line {line} copies to is not known", copy)
    return (posixpath.normpath(posixpath.join(state.workdir, destination)),)


def owner_of_files(reading: Reading, builds: Builds) -> str:
    """Who owns all files of the project, as `--chown` names it; empty where that is root.

    Raises UnsplitError where some belong to another one, or what is built does.
    """
    last = builds.runs[-1]
    flags = [one.flag("chown") for one in _copies(reading, builds, last.start)]
    owners = {flag.value if flag else "" for flag in flags}
    owner = owners.pop() if owners else ""
    if owners or (owner and is_root(reading.state(last).user)):
        raise UnsplitError("the files of the project have several owners")
    return owner


def prepares(run: Run, reading: Reading, builds: Builds) -> bool:
    """Whether a RUN makes users, and folders of theirs that nothing was copied to yet, which both stages need."""
    called = {command.name for command in builds.commands(run)}
    accounts = called & ACCOUNT_PROGRAMS
    is_known = called <= ACCOUNT_PROGRAMS | GIVES | {"mkdir"}
    return bool(accounts or called & GIVES) and is_known and not _copies(reading, builds, run.start)


def _copies(reading: Reading, builds: Builds, end: int) -> list[Copy]:
    """The COPYs into the project above a place."""
    copies = [one for one in reading.stage.instructions if isinstance(one, Copy) and one.start < end]
    return [one for one in copies if all(is_inside(target, builds) for target in targets_of(one, reading))]
