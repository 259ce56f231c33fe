"""Whether an image runs as root, and whether its Dockerfile asks for that."""

from __future__ import annotations

import posixpath
from typing import Final

from rewriter.model.data.base_contents import base_contents
from rewriter.model.managers.vocabulary import names
from rewriter.model.running.new_user import Runner, is_root
from rewriter.model.running.owned_paths import Ownership
from rewriter.model.running.shipped import Doubt, Shipped
from rewriter.model.settings import Settings
from rewriter.model.stages import Stage
from rewriter.syntax.tree import (
    Arg,
    Blank,
    Cmd,
    Comment,
    Copy,
    Entrypoint,
    Env,
    Expose,
    Healthcheck,
    Instruction,
    Label,
    Maintainer,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
)

_BUILDS: Final = (Run, Copy, Workdir)
_STARTS: Final = (Cmd, Entrypoint, Expose, Healthcheck, Stopsignal, Volume)
_ABOUT_RUNNING: Final = (*_STARTS, Arg, Env, Label, Maintainer, Shell)

_SHELLS: Final = names("sh bash ash dash")


def starts_nothing(shipped: Shipped) -> bool:
    """Whether the image is there for others to use: nothing is started by the file, and a mere shell by its base."""
    if any(isinstance(one, Cmd | Entrypoint) for one in shipped.steps):
        return False
    origin = shipped.stage.origin
    if origin is not None and origin.is_scratch:
        return True
    contents = base_contents(origin)
    return contents.entrypoint == () and posixpath.basename((contents.command or ("sh",))[0]) in _SHELLS


def doubt_of_user(shipped: Shipped) -> Doubt | None:
    """Why it is not sure that the image runs as root only because nobody thought of it."""
    origin = shipped.stage.origin
    if not shipped.end.base.user:
        return Doubt(f"the user of `{origin or shipped.stage.from_.image.text}` is not known")
    if child := next(iter(shipped.stage.children), None):
        return Doubt("the stage of line {line} is based on it, and may need root", child.from_)
    last = last_user(shipped)
    if last is not None and not (is_root(shipped.end.base.user) and _builds_below(last, shipped)):
        return Doubt("line {line} asks for root", last)
    return None


def last_user(shipped: Shipped) -> User | None:
    """The USER in force at the end."""
    return next((one for one in reversed(shipped.steps) if isinstance(one, User)), None)


def _builds_below(user: User, shipped: Shipped) -> bool:
    return any(isinstance(one, _BUILDS) and one.start > user.start for one in shipped.steps)


def runs_as_root(shipped: Shipped) -> bool:
    """Whether the image runs as root, or may: the user of an unknown image is not known."""
    end = shipped.end
    return is_root(end.user) if end.user else not end.sets_user


def doubt_of_earlier_users(shipped: Shipped, runner: Runner) -> Doubt | None:
    """Why the user that some steps are built as is not the one that the image would run as."""
    for one in shipped.steps:
        if not isinstance(one, User):
            continue
        name = (shipped.states.at(one).expand(one.arguments) or "").partition(":")[0]
        known = {runner.user, *runner.user.split(":"), runner.name}
        if not is_root(name) and name not in known:
            return Doubt("line {line} names another user", one)
    return None


def doubt_of_builder(shipped: Shipped, ownership: Ownership, settings: Settings) -> Doubt | None:
    """Why the builder would not keep the owners: the old one drops what happens to a volume once it is declared.

    https://docs.docker.com/reference/dockerfile/#notes-about-specifying-volumes
    """
    if settings.builder != "legacy" or not ownership.owned:
        return None
    block = block_of_start(shipped.stage)
    above = (one for one in shipped.steps if isinstance(one, Volume) and (block is None or one.start < block.start))
    volume = next(above, None)
    return Doubt("the legacy builder drops changes to the volume of line {line}", volume) if volume else None


def block_of_start(stage: Stage) -> Instruction | None:
    """The instruction above which the user changes: of those at a stage's end that only say how a container runs.

    That is the first one about the start, or the beginning of the paragraph that it stands in; None where none is.
    """
    own = stage.instructions
    position = len(own)
    while position and isinstance(own[position - 1], _ABOUT_RUNNING):
        position -= 1
    block = own[position:]
    first = next((number for number, one in enumerate(block) if isinstance(one, _STARTS)), None)
    if first is None:
        return None
    above = first
    while above and not _stands_apart(block[above]):
        above -= 1
    return block[above] if _stands_apart(block[above]) else block[first]


def _stands_apart(instruction: Instruction) -> bool:
    """Whether a paragraph begins with an instruction, or with the comments above it."""
    node = instruction.before
    while isinstance(node, Comment):
        node = node.before
    return isinstance(node, Blank)
