"""Whether the place at which a RUN stands can matter to it, apart from what it reads and writes."""

from __future__ import annotations

import re
from typing import Final

from rewriter.model.effects.shell import ACCOUNT_PROGRAMS, PATH_PROGRAMS
from rewriter.model.managers.call import call_of
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS
from rewriter.syntax.tree import Run

_PACKAGE: Final = re.compile(r"\w[\w.+:-]*(?:[=<>~@].*)?\Z")


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
