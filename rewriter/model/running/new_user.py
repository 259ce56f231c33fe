"""As whom an image is to run: a user that it has already, or a new one, and how that is created.

Numbers, not names: Kubernetes refuses to start an image under `runAsNonRoot` when USER is a name, for it cannot tell
that it is not root's. https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from rewriter.model.data.base_contents import accounts_of
from rewriter.model.managers.run_calls import calls
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, names
from rewriter.model.running.shipped import Doubt, Shipped
from rewriter.model.users import CreatedUser, created_users, texts_of_users
from rewriter.syntax.tree import Copy, Instruction, Run, User, Workdir

UID: Final = 10001
"""High enough to be free on the host and in every image; 1000 is taken on node and newer Ubuntu images."""
_NAME: Final = "app"

# Images of the Red Hat family that bring useradd: the small ones lack the package shadow-utils.
_WITH_USERADD: Final = names("centos fedora rockylinux almalinux oraclelinux")

# `python:${VERSION}-slim`: what a build argument leaves open is the version.
_IN_NUMBERS_ONLY: Final = re.compile(r"[\w./-]+:[\w.-]*\$\{?\w*VERSION\w*(?::?-[\d.]+)?\}?[\w.-]*", re.IGNORECASE)


class Runner(NamedTuple):
    """The user that an image is to run as.

    `user` is what USER takes, `owner` what `--chown` and chown take; `name` and `home` are empty where it has none.
    `create` are the commands that create it, `above` the instruction to do that above, None where that is done last;
    one that exists needs no commands.
    """

    user: str
    owner: str
    name: str
    home: str
    create: tuple[str, ...] = ()
    above: Instruction | None = None


def find_runner(shipped: Shipped) -> Runner | Doubt:
    """The user to run an image as, or why there is none."""
    end = shipped.end
    if (created := list(created_users(end))) or texts_of_users(end):
        if not created:
            return Doubt("which users the image has is not known")
        one = created[-1]
        if not one.has_home:
            return Doubt(f"the user {one.name}, created in line {{line}}, has no home folder", one.run)
        if "$" in one.run.view.text:
            return _by_name(one)
        if one.account is not None and one.account.uid:
            number = f"{one.account.uid}:{one.account.gid}"
            return Runner(number, number, one.name, one.account.home)
        if not one.group or one.account is not None:
            return Doubt(f"the group of the user {one.name}, created in line {{line}}, is not known", one.run)
        return Runner(one.name, f"{one.name}:{one.group}", one.name, f"/home/{one.name}")
    origin = shipped.stage.origin
    bottom = next(stage for stage in shipped.stage.lineage if stage.parent is None)
    if not bottom.base_is_fixed and not _IN_NUMBERS_ONLY.fullmatch(bottom.from_.image.text):
        return Doubt("a build argument may choose an image with other users")
    if origin is not None and (accounts := accounts_of(origin)):
        account = accounts[0]
        if account.uid == 1654:  # .NET's own variable, which its documentation tells to use
            return Runner("$APP_UID", "$APP_UID:$APP_UID", account.name, account.home)
        number = f"{account.uid}:{account.gid}"
        return Runner(number, number, account.name, account.home)
    return _create(shipped)


def _by_name(user: CreatedUser) -> Runner | Doubt:
    """A user whose numbers a variable gives: a build may give others than the Dockerfile does."""
    text = user.run.view.text
    if user.name not in text or not user.group or user.group not in text or f"${user.name}" in text:
        return Doubt("which user line {line} creates depends on a variable", user.run)
    return Runner(user.name, f"{user.name}:{user.group}", user.name, f"/home/{user.name}")


def _create(shipped: Shipped) -> Runner | Doubt:
    end, origin = shipped.end, shipped.stage.origin
    number = f"{UID}:{UID}"
    if origin is not None and origin.is_scratch:
        return Runner(number, number, "", "")
    match end.distribution:
        case "debian" | "ubuntu":
            create = _useradd()
        case "rhel" if origin is not None and origin.family in _WITH_USERADD:
            create = _useradd()
        case "alpine":
            create = (f"addgroup -g {UID} {_NAME}", f"adduser -D -u {UID} -G {_NAME} {_NAME}")
        case _:
            return Doubt(f"how `{origin or 'the base image'}` creates users is not known")
    above = _place_of_creation(shipped)
    state = shipped.states.at(above) if above else end
    if not is_root(state.user):
        return Doubt("line {line} is not built as root", above)
    if not state.is_posix_shell:
        return Doubt("its SHELL is none that is understood")
    return Runner(number, number, _NAME, f"/home/{_NAME}", create, above)


def _useradd() -> tuple[str, ...]:
    return f"groupadd --gid {UID} {_NAME}", f"useradd --uid {UID} --gid {_NAME} --create-home {_NAME}"


def is_root(user: str) -> bool:
    """Whether a USER means root; one that is not known, an empty one, does not."""
    return user.partition(":")[0] in ("root", "0")


def _place_of_creation(shipped: Shipped) -> Instruction | None:
    """The first instruction below the system packages that depends on the project, with the WORKDIR that it stands in.

    What stands above it seldom changes, so the user is created once and stays in the cache.
    """
    own = shipped.stage.instructions
    position = next((number for number, one in enumerate(own) if not _is_steady(one, shipped)), None)
    if position is None:
        return None
    while position and isinstance(own[position - 1], Workdir):
        position -= 1
    return own[position]


def _is_steady(one: Instruction, shipped: Shipped) -> bool:
    """Whether an instruction has nothing to do with the project's files."""
    if isinstance(one, Copy):
        return _is_from_image(one, shipped)
    if isinstance(one, Run):
        return _is_of_system(one)
    return not isinstance(one, User) or is_root(one.arguments)


def _is_from_image(copy: Copy, shipped: Shipped) -> bool:
    flag = copy.source_stage
    return flag is not None and shipped.states.graph.find(flag.value) is None


def _is_of_system(run: Run) -> bool:
    found = calls(run)
    return bool(found) and all(call.manager.name in SYSTEM_MANAGERS for call in found)
