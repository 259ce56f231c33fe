"""What else in a RUN, or in the file, would meet uv where it does not expect it: its program, its cache, its output."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Final

from rewriter.model.caching.users import copies_cache
from rewriter.model.managers.call import Call
from rewriter.model.managers.vocabulary import names
from rewriter.model.pip.files import Place
from rewriter.model.stages import Stage
from rewriter.model.state import State
from rewriter.syntax.shell import SimpleCommand
from rewriter.syntax.tree import Cmd, Copy, Dockerfile, Entrypoint, Instruction, Onbuild, Run, ShellInstruction

_CHANGES_OWNERS: Final = frozenset({"chown", "chmod", "chgrp"})
_RECURSIVE: Final = re.compile(r"--recursive\Z|-[a-zA-Z]*R[a-zA-Z]*\Z")
_HIDDEN_CHANGE: Final = re.compile(
    r"\bch(?:own|mod|grp)\b[^;&|\n]*\s(?:-[a-zA-Z]*R|--recursive)|-exec\s+ch(?:own|mod|grp)\b"
)
_PROGRAM_FOLDERS: Final = ("/bin", "/usr/bin")
"""Where uv is mounted: /bin is a link to /usr/bin in most images."""

_LISTENERS: Final = frozenset({"tee", "cat"})
"""Programs to which it is all the same what pip prints."""

_LOGIN_OPTION: Final = re.compile(r"--|-[a-zA-Z]*[il]")
_READS_CACHE: Final = re.compile(r"\bpip[0-9.]*[\"',\s]+cache[\"',\s]+(?:dir|list|info)\b")
_ANY_PIP: Final = re.compile(
    r"(?<![\w./-])(?<!uv )pip(?:[23](?:\.[0-9]+)?)?(?=[\s\"',;&|)]|\Z)|bin/pip|-m[\s\"',]*pip\b"
    r"|\bpip-(?:compile|sync|tools)\b|\bpipenv\b|\bpiptools\b"
)
_RUNNERS: Final = names("make gmake just task tox nox invoke inv sh bash ash dash")
_SCRIPT: Final = re.compile(r"(?:^|[\s\"'\[,;&|(])(?:\.{1,2}/[\w.-]|[\w./${}-]+\.(?:ba)?sh\b)")
_RUNNER: Final = re.compile(r"(?:^|[\s\"'\[,;&|(/])(?:g?make|just|task|tox|nox|invoke|inv)(?=[\s\"',;&|)]|\Z)")


def login_option(state: State) -> str:
    """The option of the SHELL in force that makes it read profiles, which may change what PATH finds."""
    return next((word for word in state.shell[1:] if _LOGIN_OPTION.match(word)), "")


def find_secret(run: Run) -> str:
    """The variable of pip that a secret fills."""
    for flag in run.mounts:
        fields = dict(field.strip().partition("=")[::2] for field in flag.value.split(","))
        if fields.get("type") == "secret" and fields.get("env", "").startswith("PIP_"):
            return fields["env"]
    return ""


def find_reader(call: Call, run: Run) -> str:
    """The program that reads, through a pipe, what a call prints."""
    for item in run.script.items:
        commands = item.pipeline.commands
        for position, command in enumerate(commands):
            if command.start != call.command.start:
                continue
            for reader in commands[position + 1 :]:
                name = reader.name if isinstance(reader, SimpleCommand) else reader.text
                if name not in _LISTENERS:
                    return name or "a program"
    return ""


def change_of_owners(run: Run, state: State, places: Mapping[int, Place], home: str, cache: str) -> str:
    """The command that would change the mounted uv, which is read-only, or the files in its cache."""
    for opaque in run.script.opaques():
        if _HIDDEN_CHANGE.search(opaque.text):
            return opaque.text.split("\n")[0]
    for command in run.script.simple_commands():
        at = next((i for i, word in enumerate(command.words) if posixpath.basename(word.value) in _CHANGES_OWNERS), -1)
        if at < 0:
            continue
        words = command.words[at + 1 :]
        recursive = any(_RECURSIVE.match(word.text) for word in words)
        operands = [word.text for word in words if not word.text.startswith("-")]
        if not any(word.text.startswith("--reference") for word in words):
            operands = operands[1:]
        if command.name in ("find", "xargs"):
            recursive = True
            # What find walks through; xargs may be given anything.
            folders = list(takewhile(lambda text: text[:1] not in "-(!\\", (word.text for word in command.arguments)))
            operands = (folders or ["."]) if command.name == "find" else ["/"]
        for operand in operands:
            path = _path(operand, state, places[command.start].folder, home)
            if _meets(path, cache, recursive=recursive):
                return command.text
    return ""


def _path(operand: str, state: State, folder: str, home: str) -> str:
    """The path that an operand names, empty where that is not known."""
    text = operand.strip("\"'")
    for mark in ("${HOME}", "$HOME", "~"):
        if text == mark or text.startswith(f"{mark}/"):
            text = home + text[len(mark) :] if home else ""
    known = state.expand(text) if "$" in text else text
    if not known or "`" in known or not (folder or known.startswith("/")):
        return ""
    return "/" + posixpath.normpath(posixpath.join(folder or "/", known)).lstrip("/")


def _meets(path: str, cache: str, *, recursive: bool) -> bool:
    parts = path.split("/")
    globbed = next((i for i, part in enumerate(parts) if any(mark in part for mark in "*?[{")), len(parts))
    whole = "/".join(parts[:globbed]) or "/"
    if not recursive:
        return globbed < len(parts) and whole in ("/", *_PROGRAM_FOLDERS)
    if not path:
        return True
    return any(one == whole or one.startswith(whole.rstrip("/") + "/") for one in (*_PROGRAM_FOLDERS, cache))


class CacheReaders:
    """The steps of a file that look into pip's cache; each question is answered once."""

    __slots__ = ("_copied", "_named", "_texts", "asks")

    def __init__(self, dockerfile: Dockerfile) -> None:
        self.asks: Final = any(
            _READS_CACHE.search(one.view.text) for one in dockerfile.instructions if isinstance(one, Run)
        )
        """Whether a step asks pip what its cache holds."""
        self._texts: Final = [
            one.view.text
            for one in dockerfile.instructions
            if isinstance(one, Copy) or (isinstance(one, Run) and any("from=" in flag.text for flag in one.mounts))
        ]
        self._copied: Final[dict[tuple[int, str], bool]] = {}
        self._named: Final[dict[str, bool]] = {}

    def copies(self, stage: Stage, folder: str) -> bool:
        """Whether pip's cache is taken out of a stage, or out of one that is based on it, or brought there."""
        key = (stage.index, folder)
        if key not in self._copied:
            self._copied[key] = self._is_named(folder) and any(copies_cache(one, (folder,)) for one in stage.family)
        return self._copied[key]

    def _is_named(self, folder: str) -> bool:
        if folder not in self._named:
            self._named[folder] = any(".cache" in text or folder in text for text in self._texts)
        return self._named[folder]


def uses_pip(instruction: Instruction, rewritten: Sequence[Call]) -> bool:
    """Whether an instruction still uses pip, or may, once some of its calls are uv's."""
    if not isinstance(instruction, ShellInstruction | Onbuild):
        return False
    if may_run_pip(instruction.trigger if isinstance(instruction, Onbuild) else instruction):
        return True
    text = shell_text(instruction) if isinstance(instruction, Run) else instruction.view.text
    # A call that installs pip names it twice.
    known = sum(1 + sum(word.text == "pip" for word in one.packages) for one in rewritten)
    return len(_ANY_PIP.findall(text)) > known


def shell_text(run: Run) -> str:
    """What a shell reads in a RUN, that of a here-document included."""
    script = run.script
    return script.view.text[script.start : script.end] if run.json is None else run.arguments


def may_run_pip(instruction: Instruction) -> bool:
    """Whether an instruction runs a script, or a program such as make and tox, that may call pip."""
    if not isinstance(instruction, Run | Cmd | Entrypoint):
        return False
    if isinstance(instruction, Run) and instruction.json is None:
        return any(map(_is_script, instruction.script.simple_commands())) or any(
            _RUNNER.search(one.text) or _SCRIPT.search(one.text) for one in instruction.script.opaques()
        )
    text = instruction.arguments
    return _SCRIPT.search(text) is not None or _RUNNER.search(text) is not None


def _is_script(command: SimpleCommand) -> bool:
    if command.name in (".", "source"):
        return not all(word.value.endswith("/activate") for word in command.arguments)
    return any(map(_is_started, _programs(command)))


def _programs(command: SimpleCommand) -> Iterator[str]:
    """What a command starts: its program, and those that its first words may hand on to."""
    yield command.name
    if command.name in ("sudo", "env", "exec", "time", "python", "python3"):
        yield from (word.value for word in command.arguments)


def _is_started(program: str) -> bool:
    if posixpath.basename(program) in _RUNNERS or program.endswith((".sh", ".bash")):
        return True
    return program.startswith(("./", "../")) and "/bin/" not in program


def ancestors(folder: str) -> Sequence[str]:
    """A folder and all above it; not more than a path may reasonably have."""
    found = [folder]
    while folder not in ("/", "") and len(found) < 30:
        folder = posixpath.dirname(folder)
        found.append(folder)
    return found
