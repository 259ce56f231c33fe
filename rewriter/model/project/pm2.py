"""What pm2 runs: a script that it is given, or the one application of its configuration.

https://pm2.keymetrics.io/docs/usage/docker-pm2-nodejs/, https://pm2.keymetrics.io/docs/usage/application-declaration/
"""

from __future__ import annotations

import posixpath
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Command, Text
from rewriter.model.project.environment import Environment
from rewriter.model.project.follow import Follower, cannot
from rewriter.model.project.trees import field, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

    from rewriter.model.project.javascript_values import Script, Scripts

_CONFIGURATION: Final = re.compile(r"(?:.*\.config|ecosystem[\w.-]*|pm2[\w.-]*|process(?:es)?)\.(?:[cm]?js|json)\Z")
_SCRIPT: Final = (".js", ".cjs", ".mjs", ".ts")
_MANAGERS: Final = names("npm yarn pnpm")
_NODE: Final = names("node nodejs")
# Settings that change neither what runs nor what it writes. Of the others, files for logs are the usual ones.
_HARMLESS: Final = names(
    "name script args interpreter node_args interpreter_args cwd instances exec_mode autorestart max_memory_restart "
    "time merge_logs combine_logs max_restarts min_uptime restart_delay kill_timeout wait_ready listen_timeout "
    "exp_backoff_restart_delay source_map_support log_date_format namespace vizion ignore_watch kill_retry_time "
    "shutdown_with_message instance_var disable_source_map_support"
)
_NAMES_WHAT_RUNS: Final = "the configuration of pm2 names what runs"


def pm2_task(follower: Follower, command: Command, own: dict[str, Text], depth: int) -> bool:
    """`pm2-runtime server.js`, `pm2 start npm -- start`, `pm2-runtime ecosystem.config.js`"""
    follower.around.append(posixpath.basename(command.words[0].value))
    words = [word for word in command.words[1:] if word.value not in ("start", "--no-daemon", "--attach")]
    texts = [word.value for word in words]
    if texts and texts[0] in _MANAGERS:
        behind = words[texts.index("--") + 1 :] if "--" in texts else words[1:]
        started: tuple[Text, ...] | str = (words[0], *behind)
    else:
        script = next((word for word in words if word.value.endswith((*_SCRIPT, ".json"))), None)
        if script is None:
            started = _NAMES_WHAT_RUNS
        elif _CONFIGURATION.match(posixpath.basename(script.value)):
            started, folder = _configured(follower, command, script, texts)
            command = command._replace(folder=folder)
        else:
            started = (Text("node"), script)
    if isinstance(started, str):
        return cannot(follower, command, started)
    follower.follow(started, command.folder, is_conditional=command.is_conditional, depth=depth + 1, own=own)
    return True


def _configured(
    follower: Follower, command: Command, file: Text, texts: list[str]
) -> tuple[tuple[Text, ...] | str, str]:
    """The command of the one application that a configuration declares, or why it is not known, and its folder."""
    from rewriter.model.project.javascript_values import Scripts

    folder = command.folder
    path = posixpath.normpath(posixpath.join(folder, file.value)) if folder or file.value.startswith("/") else ""
    origin = follower.sources.origin(path) if path else ""
    if not origin:
        return f"{file.value} is not in the build context", folder
    scripts = Scripts(follower.sources, Environment(follower.environment))
    script = scripts.add(origin, path)
    if script is None:
        return scripts.unread[0] if scripts.unread else _NAMES_WHAT_RUNS, folder
    apps = scripts.property(scripts.object(script.exported, script), "apps")
    found = [one for one in apps.named_children if one.type != "comment"] if apps and apps.type == "array" else []
    if len(found) != 1 or found[0].type != "object" or "--only" in texts:
        return "pm2 starts several programs, or ones that are not plain to see" if apps else _NAMES_WHAT_RUNS, folder
    chosen = next((value for option, value in pairwise(texts) if option == "--env"), "")
    return _Application(scripts, script, found[0]).command(folder, chosen)


class _Application:
    """One application of a configuration."""

    def __init__(self, scripts: Scripts, script: Script, node: Node) -> None:
        self._scripts: Final = scripts
        self._script: Final = script
        self._node: Final = node
        pairs = [part for part in node.named_children if part.type != "comment"]
        self._keys: Final = [text_of(field(part, "key")).strip("\"'") for part in pairs]

    def command(self, folder: str, chosen: str) -> tuple[tuple[Text, ...] | str, str]:
        """What it runs and where, or why that is not known; `chosen` is the environment that the command names."""
        kinds = ("env", f"env_{chosen}")
        for key in self._keys:
            is_harmless = key in _HARMLESS or (key == "watch" and self._is_off("watch"))
            if not is_harmless and not key.startswith("env"):
                return f"the configuration of pm2 sets {key or 'more than can be read'}", folder
        script, cwd = self._text("script"), self._text("cwd", ".")
        if not script or cwd is None:
            return _NAMES_WHAT_RUNS, folder
        folder = posixpath.normpath(posixpath.join(folder, cwd))
        arguments, *options = (self._words(key) for key in ("args", "node_args", "interpreter_args"))
        interpreter = self._text("interpreter", "node")
        variables = [word for kind in kinds for word in self._variables(kind)]
        if arguments is None or None in options or interpreter is None or None in variables:
            return _NAMES_WHAT_RUNS, folder
        is_script = script.endswith(_SCRIPT)
        is_run_alone = script in _MANAGERS or interpreter == "none" or (interpreter in _NODE and not is_script)
        words = [script] if is_run_alone else [interpreter, *(word for one in options for word in one or ()), script]
        return tuple(Text(word) for word in (*variables, *words, *arguments) if word is not None), folder

    def _value(self, key: str) -> Node | None:
        return self._scripts.property(self._node, key)

    def _is_off(self, key: str) -> bool:
        value = self._value(key)
        return value is not None and value.type == "false"

    def _text(self, key: str, default: str = "") -> str | None:
        """What a key says, the default where it is not there; None where that cannot be told."""
        if key not in self._keys:
            return default
        text = self._scripts.text(self._value(key), self._script)
        return None if text is None or text.variables else text.known

    def _words(self, key: str) -> tuple[str, ...] | None:
        """The words of a key, a list or one text that blanks part; None where they cannot be told."""
        value = self._value(key)
        if value is not None and value.type == "array":
            texts = [self._scripts.text(one, self._script) for one in value.named_children]
            known = [text.known for text in texts if text is not None and not text.variables]
            return tuple(word for word in known if word) if len(known) == len(texts) and None not in known else None
        text = self._text(key)
        return None if text is None or re.search(r"[\"'\\$`]", text) else tuple(text.split())

    def _variables(self, key: str) -> list[str | None]:
        """The variables that a key sets, as assignments, None for what is not known."""
        value = self._scripts.object(self._value(key), self._script) if key in self._keys else None
        if value is None:
            return [None] if key in self._keys else []
        found: list[str | None] = []
        for part in value.named_children:
            name = text_of(field(part, "key")).strip("\"'")
            text = self._scripts.text(field(part, "value"), self._script)
            known = text.known if text is not None and not text.variables else None
            if part.type != "comment":
                found.append(f"{name}={known}" if name and known is not None else None)
        return found
