"""Who a USER is: uid, gid and home folder, as far as the base image and the RUNs that create users tell."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.model.managers.call import skip_wrappers
from rewriter.model.managers.run_calls import calls
from rewriter.model.managers.vocabulary import names
from rewriter.model.state import State
from rewriter.syntax.shell import SimpleCommand, Word
from rewriter.syntax.tree import Run


class Account(NamedTuple):
    """A user of an image."""

    name: str
    uid: int
    gid: int
    home: str


ROOT: Final = Account("root", 0, 0, "/root")

# Debian's useradd gives the first user the first uid from UID_MIN on, 1000 (login.defs); these images have none yet.
_WITHOUT_USERS: Final = frozenset({"debian", "python", "ruby", "golang", "php", "rust"})
_FIRST_UID: Final = 1000

_VALUES: Final = {
    "useradd": names(
        "-b -c -d -e -f -g -G -k -K -p -P -R -s -u -Z --base-dir --comment --home --home-dir --expiredate --inactive "
        "--gid --groups --skel --key --password --prefix --root --shell --uid --selinux-user"
    ),
    "adduser": names(
        "-h -g -s -G -u -k --home --uid --gid --ingroup --shell --gecos --comment --firstuid --lastuid --conf "
        "--firstgid --lastgid"
    ),
    "groupadd": names("-g -K -p -P -R -U --gid --key --password --prefix --root --users"),
    "addgroup": names("-g --gid --conf --firstgid --lastgid --shell"),
}
"""The options with values of the programs that create users: useradd(8), adduser(8), groupadd(8), and busybox."""


_ADD_USER: Final = ("useradd", "adduser")
_ADD_GROUP: Final = ("groupadd", "addgroup")


class _Created(NamedTuple):
    program: str
    options: dict[str, str]
    named: tuple[str, ...]
    is_known: bool
    place: int


def find_account(state: State) -> Account | None:
    """The user in force; None when the Dockerfile does not tell all about it."""
    if not state.user.partition(":")[0]:
        return ROOT if not state.sets_user and _acts_as_root(state) else None
    return account_of(state.user, state)


def account_of(owner: str, state: State) -> Account | None:
    """Who `user` or `user:group` is at a place; None when the Dockerfile does not tell all about it."""
    user, _, group = owner.partition(":")
    if user in ("root", "0"):
        return ROOT._replace(gid=0) if group in ("", "root", "0") else None
    found = _find(user, state)
    if found is None or not group:
        return found
    gid = int(group) if group.isdigit() else _group_id(group, state, found.gid if group == found.name else -1)
    return found._replace(gid=gid) if gid >= 0 else None


class CreatedUser(NamedTuple):
    """A user that a RUN creates. `account` is None where its numbers are not told, `group` empty where it is not."""

    name: str
    group: str
    account: Account | None
    has_home: bool
    run: Run


def created_users(state: State) -> Iterator[CreatedUser]:
    """The users that RUNs up to here create, in order."""
    first: int | None = None
    family = state.stage.origin.family if state.stage and state.stage.origin else ""
    for run in state.runs_where(_may_create, _ADD_USER):
        for command in run.script.simple_commands():
            one = _created(command, state)
            if one is None or one.program not in _ADD_USER or not one.named or "\0" in one.named[0]:
                continue
            first = one.place if first is None else first
            account = _account(one, state, is_first=one.place == first and family in _WITHOUT_USERS)
            yield CreatedUser(one.named[0], _group_of(one), account, _has_home(one), run)


def texts_of_users(state: State) -> str:
    """All that RUNs up to here say who create users or groups: what is not in it, they do not take."""
    return "\n".join(run.text for run in state.runs_where(_may_create, (*_ADD_USER, *_ADD_GROUP)))


def _group_of(one: _Created) -> str:
    keys = ("-g", "--gid") if one.program == "useradd" else ("-G", "--ingroup")
    given = next((one.options[key] for key in keys if key in one.options), "")
    is_system = one.program == "adduser" and bool({"-S", "--system"} & one.options.keys())
    return given or ("" if is_system else one.named[0])


def _has_home(one: _Created) -> bool:
    if one.program == "useradd":
        return bool({"-m", "--create-home"} & one.options.keys())
    if {"-H", "--no-create-home"} & one.options.keys():
        return False
    return "--system" not in one.options or bool({"--home", "-h"} & one.options.keys())


def _acts_as_root(state: State) -> bool:
    """Whether a RUN that no USER stands above does what only root can: then root is the user of the base image."""
    return any(True for _ in state.runs_as_base_user(_needs_root))


def _needs_root(run: Run) -> bool:
    return "sudo" not in run.view.text and any(call.manager.name in _OF_ROOT for call in calls(run) if call.action)


_OF_ROOT: Final = names("apt-get apt apk dnf dnf5 yum microdnf tdnf zypper")


def _find(user: str, state: State) -> Account | None:
    from rewriter.model.data.base_contents import accounts_of

    origin = state.stage.origin if state.stage else None
    family = origin.family if origin else ""
    brought = accounts_of(origin) if origin else ()
    known = next((one for one in brought if user in (one.name, str(one.uid))), None)
    first = next(_creations(state, _ADD_USER), None)
    for one in _creations(state, _ADD_USER, "" if user == str(_FIRST_UID) else user):
        is_first = first is not None and one.place == first.place and family in _WITHOUT_USERS
        account = _account(one, state, is_first=is_first)
        name = one.named[0] if one.named else ""
        if account is None:
            if name == user:
                return None
        elif user in (account.name, str(account.uid)):
            known = account
    return known


def _account(one: _Created, state: State, *, is_first: bool) -> Account | None:
    if not one.is_known or not one.named:
        return None
    name = one.named[0]
    options = one.options
    given = options.get("-u", options.get("--uid", ""))
    is_system = bool({"-r", "--system", "-S"} & options.keys())
    if given.isdigit():
        uid = int(given)
    elif not given and not is_system and is_first and one.program == "useradd":
        uid = _FIRST_UID
    else:
        return None
    # `-g` is the group of useradd, the GECOS field of busybox's adduser.
    keys = ("-g", "--gid") if one.program == "useradd" else ("-G", "--ingroup", "--gid")
    group = next((options[key] for key in keys if key in options), one.named[1] if len(one.named) > 1 else "")
    gid = int(group) if group.isdigit() else _group_id(group or name, state, -1 if group else uid)
    if gid < 0:
        return None
    home = next((options[key] for key in ("-d", "--home-dir", "--home", "-h") if key in options), f"/home/{name}")
    return Account(name, uid, gid, posixpath.normpath(home)) if home.startswith("/") else None


def _group_id(name: str, state: State, otherwise: int) -> int:
    """The gid that a group was last given by a command."""
    found = otherwise
    for one in _creations(state, _ADD_GROUP, name):
        if one.named and one.named[-1] == name and one.is_known:
            given = one.options.get("-g", one.options.get("--gid", ""))
            found = int(given) if given.isdigit() else found
    return found


def _creations(state: State, programs: tuple[str, str], name: str = "") -> Iterator[_Created]:
    """The commands up to here that create users or groups; with a name or number at least all that may be of it."""
    for run in state.runs_where(_may_create, programs):
        text = run.text if run.heredocs else run.view.text
        if name not in text and not any(mark in text for mark in _HIDES_NAMES):
            continue
        for command in run.script.simple_commands():
            if (one := _created(command, state)) and one.program in programs:
                yield one


def _may_create(run: Run, programs: tuple[str, ...]) -> bool:
    text = run.text if run.heredocs else run.view.text
    return any(program in text for program in programs)


_HIDES_NAMES: Final = "$`\"'\\"
"""Where one of these stands, a name need not be written out."""


def _created(command: SimpleCommand, state: State) -> _Created | None:
    start = skip_wrappers(command.words)
    program = posixpath.basename(command.words[start].value) if start is not None else ""
    if start is None or program not in _VALUES:
        return None
    options: dict[str, str] = {}
    named: list[str] = []
    rest = iter(command.words[start + 1 :])
    for word in rest:
        text = _text(word, state)
        if not text.startswith("-"):
            named.append(text)
            continue
        name, equals, value = text.partition("=")
        if not name.startswith("--"):
            bundle, name = name[1:-1], f"-{name[-1]}"
            options.update((f"-{letter}", "") for letter in bundle)
        if not equals and name in _VALUES[program]:
            follows = next(rest, None)
            value = _text(follows, state) if follows else ""
        options[name] = value
    is_known = all([*named, *(value != "\0" for value in options.values())])
    return _Created(program, options, tuple(named), is_known, command.span.start)


def _text(word: Word, state: State) -> str:
    """A word as the command receives it, variables of the file replaced; NUL where that is not known."""
    return word.value if word.is_literal else (state.expand(word.text) or "\0")
