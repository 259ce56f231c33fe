"""The tasks that project files name: scripts of package.json, processes of a Procfile, scripts of a Pipfile."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Final

from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Command, Text, Unknown
from rewriter.model.project.follow import Follower, cannot
from rewriter.model.project.pm2 import pm2_task
from rewriter.model.project.shell_words import Variables
from rewriter.model.project.sources import Sources, table
from rewriter.model.project.workspaces import in_workspace

_NODE_VALUES: Final = names("--prefix -C --dir --cwd --filter -F --workspace -w --loglevel --env-file --config")
_MOVES: Final = names("--prefix -C --dir --cwd")
_WORKSPACES: Final = names("--filter -F --workspace -w --workspaces --recursive -r -ws")
# https://docs.npmjs.com/cli/using-npm/scripts, https://classic.yarnpkg.com/lang/en/docs/cli/run/,
# https://pnpm.io/cli/run, https://bun.sh/docs/cli/run
_RUNS: Final = names("run run-script")
_OWN: Final = names("start test stop restart")
_NOT_SCRIPTS: Final = names(
    "install ci add remove upgrade update init build-only config cache why list pack publish set workspaces up import "
    "link unlink audit outdated version help info login logout rebuild prune dedupe root bin"
)
_PROCESS: Final = re.compile(r"(?m)^([A-Za-z0-9_-]+):[ \t]*(.+?)[ \t\r]*$")


def node_task(follower: Follower, command: Command, own: dict[str, Text], depth: int) -> bool:
    """`npm start`, `npm run x`, `yarn x`, `pnpm x`, `bun run x`, and what they run of a package: `npx x`."""
    manager = posixpath.basename(command.words[0].value)
    entered = in_workspace(command, follower.sources)
    if isinstance(entered, Unknown):
        return cannot(follower, command, entered.reason)
    command = entered
    position, folder, reason = _options(command)
    if reason:
        return cannot(follower, command, reason)
    rest = command.words[position:]
    if not rest:
        return False
    action = rest[0].value
    if manager in ("npx", "bunx", "pnpx") or action in ("exec", "x", "dlx"):
        rest = rest[1:] if action in ("exec", "x", "dlx") else rest
        while rest and rest[0].value.startswith("-"):
            rest = rest[1:]
        follower.follow(rest, folder, is_conditional=command.is_conditional, depth=depth + 1, own=own)
        return bool(rest)
    if action in _RUNS:
        rest = rest[1:]
        while rest and rest[0].value.startswith("-"):
            if rest[0].value in _WORKSPACES:
                return cannot(follower, command, f"`{command.text}` runs a script of another package")
            rest = rest[1:]
        if not rest:
            return False
    elif (manager == "bun" and "." in action) or action in _NOT_SCRIPTS or (action not in _OWN and manager == "npm"):
        return False
    return _run_script(follower, command._replace(words=rest, folder=folder), manager, own, depth)


def _options(command: Command) -> tuple[int, str, str]:
    """Where the action stands, the folder that it works in, and why that is not known."""
    position, folder = 1, command.folder
    while position < len(command.words) and (text := command.words[position].value).startswith("-"):
        name, equals, value = text.partition("=")
        if name in _WORKSPACES:
            return position, folder, f"`{command.text}` runs a script of another package"
        if not equals and name in _NODE_VALUES and position + 1 < len(command.words):
            position += 1
            value = command.words[position].value
        if name in _MOVES:
            folder = posixpath.normpath(posixpath.join(folder, value)) if folder or value.startswith("/") else ""
        position += 1
    return position, folder, ""


def _run_script(follower: Follower, command: Command, manager: str, own: dict[str, Text], depth: int) -> bool:
    name, *arguments = command.words
    package = package_of(follower.sources, command.folder)
    if isinstance(package, Unknown):
        asked = command._replace(words=(Text(manager), Text("run"), *command.words))
        return cannot(follower, asked, package.reason)
    scripts = table(package, "scripts")
    if name.value not in scripts:
        if name.value == "start" and manager == "npm":
            words = (Text("node"), Text("server.js"))
            follower.follow(words, command.folder, is_conditional=command.is_conditional, depth=depth + 1, own=own)
            return True
        if manager in ("yarn", "pnpm", "bun"):  # they also run the programs of packages
            follower.follow(
                command.words, command.folder, is_conditional=command.is_conditional, depth=depth + 1, own=own
            )
            return True
        return cannot(follower, command, f"package.json has no script {name.value}")
    follower.followed.append(f"{manager} run {name.value}")
    if arguments and arguments[0].value == "--":
        arguments = arguments[1:]
    hooks = (f"pre{name.value}",) if manager in ("npm", "yarn") else ()
    for script in (*hooks, name.value):
        text = scripts.get(script)
        if isinstance(text, str):
            more = '"$@"' if script == name.value and arguments else ""
            variables = Variables(follower.environment, dict(own), tuple(arguments))
            follower.run_text(f"{text} {more}".strip(), variables, command, depth + 1)
    return True


def package_of(sources: Sources, folder: str) -> dict[str, object] | Unknown:
    """The package.json that is found in a folder of the image."""
    if not folder:
        return Unknown("the WORKDIR in force is not known")
    origin = sources.origin(posixpath.join(folder, "package.json"))
    return sources.json(origin) if origin else Unknown(f"no package.json comes to {folder} from the build context")


def processes_of(sources: Sources, folder: str) -> dict[str, str] | Unknown:
    """The process types of a Procfile: https://devcenter.heroku.com/articles/procfile"""
    origin = sources.origin(posixpath.join(folder, "Procfile")) if folder else ""
    text = sources.read(origin or "Procfile")
    return text if isinstance(text, Unknown) else dict(_PROCESS.findall(text))


def procfile_task(follower: Follower, command: Command, own: dict[str, Text], depth: int) -> bool:
    """`honcho start`, `foreman start web`: https://honcho.readthedocs.io/"""
    texts = [word.value for word in command.words[1:] if not word.value.startswith("-")]
    if texts[:1] != ["start"]:
        return False
    processes = processes_of(follower.sources, command.folder)
    if isinstance(processes, Unknown):
        return cannot(follower, command, processes.reason)
    chosen = [name for name in texts[1:] if name in processes] or list(processes)
    if len(chosen) != 1:
        return cannot(follower, command, "the Procfile starts several programs")
    follower.followed.append(f"Procfile {chosen[0]}")
    follower.around.append(posixpath.basename(command.words[0].value))
    follower.run_text(processes[chosen[0]], Variables(follower.environment, dict(own)), command, depth + 1)
    return True


TASKS: Final[Mapping[str, Callable[[Follower, Command, dict[str, Text], int], bool]]] = {
    **dict.fromkeys(("npm", "yarn", "yarnpkg", "pnpm", "bun", "npx", "bunx", "pnpx"), node_task),
    **dict.fromkeys(("pm2", "pm2-runtime", "pm2-docker"), pm2_task),
    **dict.fromkeys(("honcho", "foreman", "hivemind"), procfile_task),
}
"""What reads the task that a program names."""
