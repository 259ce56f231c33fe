"""Whether the place at which a RUN stands can matter to it, apart from what it reads and writes."""

from __future__ import annotations

import re
from typing import Final

from rewriter.model.effects.known_programs import ACCOUNT_PROGRAMS, PATH_PROGRAMS
from rewriter.model.managers.call import call_of
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, names
from rewriter.syntax.tree import Run

_PACKAGE: Final = re.compile(r"\w[\w.+:-]*(?:[=<>~@].*)?\Z")

_WITHOUT_NAMES: Final = names(
    "echo printf true false : sleep date pwd uname rm rmdir mkdir touch chmod mv ln cat head tail sed grep egrep fgrep "
    "du dos2unix strip wc sha256sum sha512sum md5sum readlink realpath truncate cut sort uniq tr"
)
"""Programs to which users and groups are numbers, or nothing."""


def changes_accounts(run: Run) -> bool:
    """Whether a RUN calls a program that adds or changes users or groups."""
    text = run.view.text
    if "user" not in text and "group" not in text:
        return False
    return any(command.name in ACCOUNT_PROGRAMS for command in run.script.simple_commands())


def depends_on_folder(run: Run) -> bool:
    """Whether the folder that a RUN starts in may matter: it may not where nothing names a path relative to it."""
    for command in run.script.simple_commands():
        call = call_of(command)
        if any(not redirect.target.text.startswith(("/", '"/', "&")) for redirect in command.redirects):
            return True
        if call is not None and call.manager.name in SYSTEM_MANAGERS:
            if any(not _PACKAGE.match(word.value) for word in call.packages):
                return True
        elif command.name in PATH_PROGRAMS:
            if any(not word.text.startswith(("/", "-", '"/')) for word in command.arguments):
                return True
        elif command.name not in ACCOUNT_PROGRAMS | {"set", "export", "true", ":"}:
            return True
    return any(True for _ in run.script.opaques())


def asks_for_accounts(run: Run) -> bool:
    """Whether a RUN may look up users or groups by their names; files keep the numbers of their owners."""
    if run.json is not None or run.heredocs or "$(" in run.view.text or "~" in run.view.text:
        return True
    commands = list(run.script.simple_commands())
    is_plain = all(command.words and command.words[0].value in _WITHOUT_NAMES for command in commands)
    return not is_plain or any(True for _ in run.script.opaques())
