"""From the words that a container starts with to the programs that run: through wrappers, shells, scripts and tasks."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Final

from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Command, Text, Unknown
from rewriter.model.project.shell_words import Variables, read_word
from rewriter.model.project.sources import Sources
from rewriter.model.project.wrappers import WAITS, WRAPPERS, Wrapper
from rewriter.model.stages import UNKNOWN_PART
from rewriter.syntax.shell import Opaque, SimpleCommand, parse_shell
from rewriter.syntax.text import View

MOST_STEPS: Final = 200
DEEPEST: Final = 12
"""Bounds on what is followed: commands in all, and how deep scripts call scripts."""

SHELLS: Final = names("sh bash dash ash ksh zsh")
BUILTINS: Final = names(
    "exec set echo : true printf test [ sleep trap umask ulimit wait unset read local shift return readonly hash type "
    "alias"
)
"""What a shell does by itself, and never is the server."""

# https://github.com/moby/buildkit/blob/master/util/system/path.go
_SEARCH_PATH: Final = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")

_OF_BASE_IMAGES: Final = names("docker-entrypoint.sh docker-php-entrypoint mvn-entrypoint.sh __cacert_entrypoint.sh")
"""Scripts of official images that run the command behind them, where the context has none of that name."""

_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_SHEBANG: Final = re.compile(r"#!\s*(?:/\S*/)?(?:env\s+(?:-S\s+)?)?(\S+)")
_SPLIT: Final = re.compile(
    r"(?:\A|(?<=[\s;&|({]))(?:if|elif|then|else|fi|while|until|do|done|esac|\[\[.*?\]\])(?=[\s;)}]|\Z)|;;&?|;&"
)
_LOOP: Final = re.compile(r"(?:\A|(?<=[\s;]))(?:for\s+\w+(?:\s+in\b[^;\n]*)?|case\s.*?\sin)(?=[\s;])", re.DOTALL)
_PATTERN: Final = re.compile(r"\A\s*\(?(?:[^\s()|;&]+|\"[^\"]*\")(?:\s*\|\s*[^\s()|;&]+)*\)")


class Follower:
    """Follows commands and notes those that run in the end."""

    __slots__ = ("_steps", "around", "commands", "environment", "followed", "scripts", "sources", "unread")

    def __init__(self, sources: Sources, variables: Variables) -> None:
        self.sources: Final = sources
        self.environment: Final = variables.environment
        self.commands: Final[list[Command]] = []
        self.followed: Final[list[str]] = []
        self.scripts: Final[list[str]] = []
        self.unread: Final[list[str]] = []
        self.around: Final[list[str]] = []
        self._steps = MOST_STEPS

    def follow(
        self, words: tuple[Text, ...], folder: str, *, is_conditional: bool = False, depth: int = 0,
        own: Mapping[str, Text] | None = None,
    ) -> None:  # fmt: skip
        """Follow a command; `own` are the variables that its script has set."""
        own = dict(own or {})
        self._steps -= 1
        words = self._unwrap(words, folder, own)
        if not words:
            return
        command = Command(words, folder, is_conditional, variables=tuple(own.items()))
        if depth > DEEPEST or self._steps < 0:
            self.note(command, "scripts call scripts too deep")
            return
        name = posixpath.basename(words[0].value)
        if UNKNOWN_PART in words[0].value:
            self.note(command, f"which program runs depends on {self._cause(words[0])}")
        elif name not in BUILTINS | WAITS and not self._followed(name, command, own, depth):
            self.commands.append(command)

    def _followed(self, name: str, command: Command, own: dict[str, Text], depth: int) -> bool:
        """Whether the command only runs others, which are noted instead."""
        if name in SHELLS and self._shell(command, own, depth):
            return True
        return self._task(command, own, depth) or self._script(command, own, depth)

    @staticmethod
    def _cause(word: Text) -> str:
        return f"${word.variables[0]}" if word.variables else "the script"

    def note(self, command: Command, reason: str) -> None:
        """Note a command that cannot be followed further, and why."""
        self.unread.append(reason)
        self.commands.append(command._replace(unread=reason))

    # Wrappers

    def _unwrap(self, words: tuple[Text, ...], folder: str, own: dict[str, Text]) -> tuple[Text, ...]:
        for _ in range(DEEPEST):
            while words and (match := _ASSIGNMENT.match(words[0].value)):
                own[match[1]] = Text(match[2], words[0].variables)
                self.around.append(f"{match[1]}=")
                words = words[1:]
            if not words:
                return words
            name = posixpath.basename(words[0].value)
            if name in _OF_BASE_IMAGES and self._origin_of_program(words[0].value, folder):
                return words
            if name == "docker-entrypoint.sh":
                words = words[1:]
                if words and words[0].value.startswith("-"):
                    words = (Text("node"), *words)
                continue
            wrapper = WRAPPERS.get(name)
            rest = self._behind(words, wrapper) if wrapper else words
            if rest == words or not rest:
                return words
            self.around.append(name)
            words = rest
        return words

    def _behind(self, words: tuple[Text, ...], wrapper: Wrapper) -> tuple[Text, ...]:
        """The command behind a wrapper; the words themselves where it is none."""
        texts = [word.value for word in words]
        if wrapper.needs_dashes:
            return words[texts.index("--") + 1 :] if "--" in texts else words
        position = 1
        is_behind = not wrapper.subcommand
        while position < len(words):
            text = texts[position]
            if not is_behind and text == wrapper.subcommand:
                is_behind = True
            elif text == "--":
                position += 1
                break
            elif text in ("-m", "--module") and wrapper.subcommand:
                return (Text("python"), *words[position:]) if is_behind else words
            elif text.startswith("-"):
                position += text in wrapper.values
            else:
                break
            position += 1
        return words[position + wrapper.words :] if is_behind else words

    # Shells and scripts

    def _shell(self, command: Command, own: dict[str, Text], depth: int) -> bool:
        """`sh -c '...'` and `sh script`."""
        words = list(command.words[1:])
        while words and words[0].value.startswith(("-", "+")):
            option = words.pop(0).value
            if "c" in option.lstrip("-") and not option.startswith("--"):
                if not words:
                    return False
                text, *arguments = words
                if text.known is None:
                    self.note(command, "the text of a shell command is not known")
                else:
                    self.run_text(text.value, Variables(self.environment, own, tuple(arguments[1:])), command, depth)
                return True
            if option in ("-o", "+o", "--rcfile", "--init-file") and words:
                words.pop(0)
        if not words:
            return False
        if posixpath.basename(words[0].value) in WRAPPERS:
            conditional = command.is_conditional
            self.follow(tuple(words), command.folder, is_conditional=conditional, depth=depth + 1, own=own)
            return True
        return self._script(command._replace(words=tuple(words)), own, depth, by_shell=True)

    def _script(self, command: Command, own: dict[str, Text], depth: int, *, by_shell: bool = False) -> bool:
        """A shell script of the context."""
        name = command.words[0].value
        may_lie_here = by_shell or name.endswith(".sh")
        origin = self._origin_of_program(name, command.folder if "/" in name or may_lie_here else "")
        if not origin:
            if by_shell or name.endswith(".sh"):
                self.note(command, f"{name.replace(UNKNOWN_PART, '?')} is not in the build context")
                return True
            return False
        text = self.sources.read(origin)
        shebang = _SHEBANG.match(text) if isinstance(text, str) else None
        program = posixpath.basename(shebang[1]) if shebang else ""
        if not (by_shell or name.endswith(".sh") or program in SHELLS):
            return False
        self.followed.append(origin)
        self.scripts.append(origin)
        if isinstance(text, Unknown):
            self.note(command, text.reason)
        elif program and program not in SHELLS:
            self.commands.append(command)
        else:
            self.run_text(text, Variables(self.environment, own, command.words[1:]), command, depth)
        return True

    def _origin_of_program(self, name: str, folder: str) -> str:
        """The path in the context of a program: a bare name is looked up in the folders of PATH, and in `folder`."""
        places = (folder,) if "/" in name else (*self._search_path(), folder)
        paths = (self._path(name, place) for place in places)
        return next((found for path in paths if path and (found := self.sources.origin(path))), "")

    def _search_path(self) -> tuple[str, ...]:
        folders = (self.environment.get("PATH") or "").split(":")
        return tuple(dict.fromkeys(one for one in (*folders, *_SEARCH_PATH) if one.startswith("/")))

    def _path(self, name: str, folder: str) -> str:
        if not name.startswith("/") and not folder:
            return ""
        return posixpath.normpath(posixpath.join(folder, name))

    def run_text(self, text: str, variables: Variables, command: Command, depth: int) -> None:
        """Follow the commands of a shell script."""
        script = _Script(self, variables, command.folder, depth, is_conditional=command.is_conditional)
        script.run(text.replace("\r\n", "\n").replace("\\\n", " "))

    # Tasks of project files

    def _task(self, command: Command, own: dict[str, Text], depth: int) -> bool:
        from rewriter.model.project.tasks import TASKS  # it follows the commands of tasks in turn

        task = TASKS.get(posixpath.basename(command.words[0].value))
        return task is not None and task(self, command, own, depth)


def cannot(follower: Follower, command: Command, reason: str) -> bool:
    """The answer of a task that is one but cannot be followed: the command is noted with the reason."""
    follower.note(command, reason)
    return True


class _Script:
    """One shell script as it is gone through."""

    __slots__ = (
        "_depth",
        "_exported",
        "_exports_all",
        "_folder",
        "_follower",
        "_is_conditional",
        "_is_over",
        "_variables",
    )

    def __init__(
        self, follower: Follower, variables: Variables, folder: str, depth: int, *, is_conditional: bool
    ) -> None:
        self._follower: Final = follower
        self._variables = variables
        self._folder = folder
        self._depth: Final = depth
        self._is_conditional: Final = is_conditional
        self._is_over = False
        self._exports_all = False
        self._exported: Final = {*variables.own, *variables.environment}

    def run(self, text: str, *, is_conditional: bool = False, depth: int = 0) -> None:
        script = parse_shell(View(text, (0,), (0,)), 0, len(text))
        behind_test = False
        for item in script.items:
            if self._is_over:
                return
            if item.operator not in ("&&", "||"):
                behind_test = False
            maybe = is_conditional or self._is_conditional or behind_test or item.operator == "||"
            for command in item.pipeline.commands:
                if isinstance(command, Opaque):
                    behind_test = behind_test or command.reason == "[["
                    self._opaque(command, maybe, depth)
                else:
                    behind_test = behind_test or command.name in ("[", "test")
                    self._command(command, maybe)

    def _opaque(self, command: Opaque, is_conditional: bool, depth: int) -> None:
        """Look into a compound command: what stands in it may run."""
        reason = command.reason
        if reason in ("function", "nesting", "syntax", "bash", "arithmetic", "select", "backticks") or depth > 4:
            self._follower.unread.append(f"a part of the script cannot be followed: {reason}")
            return
        if reason == "[[":
            return
        if reason in ("group", "subshell"):
            self.run(command.text[1:-1], is_conditional=is_conditional, depth=depth + 1)
        elif reason == "background":
            if "\n" not in command.text:
                self.run(command.text, is_conditional=True, depth=depth + 1)  # it is not what the container waits for
            self._follower.unread.append("a program runs in the background")
        else:
            for part in _SPLIT.split(_LOOP.sub("\n", command.text)):
                body = _PATTERN.sub("", part) if reason == "case" else part
                if body.strip(" \t\n;"):
                    self.run(body.strip(" \t\n;"), is_conditional=True, depth=depth + 1)

    def _command(self, command: SimpleCommand, is_conditional: bool) -> None:
        own = self._variables.own
        assigned = {}
        for assignment in command.assignments:
            values = list(read_word(assignment.value.text, self._variables)) or [Text("")]
            value = values[0] if len(values) == 1 else Text(UNKNOWN_PART)
            assigned[assignment.name] = Text(UNKNOWN_PART) if is_conditional and not command.words else value
            self._follower.around.append(f"{assignment.name}=")
        if not command.words:
            own.update(assigned)
            return
        words = tuple(text for word in command.words for text in read_word(word.text, self._variables))
        if not words:
            return
        action = _ACTIONS.get(words[0].value)
        if action is not None:
            action(self, words, is_conditional)
            return
        self._follower.follow(
            words,
            self._folder,
            is_conditional=is_conditional,
            depth=self._depth + 1,
            own={**self._passed_on(), **assigned},
        )
        if command.name == "exec" and len(words) > 1 and not is_conditional:
            self._is_over = True

    def _passed_on(self) -> dict[str, Text]:
        """The variables that programs see: those that are exported, or come with the container."""
        return {name: text for name, text in self._variables.own.items() if self._exports_all or name in self._exported}

    def _change_folder(self, words: tuple[Text, ...], is_conditional: bool) -> None:
        target = words[1].known if len(words) == 2 else None
        is_known = target is not None and not is_conditional and (target.startswith("/") or self._folder)
        self._folder = posixpath.normpath(posixpath.join(self._folder, target or "")) if is_known else ""

    def _export(self, words: tuple[Text, ...], is_conditional: bool) -> None:
        for word in words[1:]:
            self._exported.add(word.value.partition("=")[0])
            if match := _ASSIGNMENT.match(word.value):
                self._variables.own[match[1]] = Text(UNKNOWN_PART if is_conditional else match[2], word.variables)
                self._follower.around.append(f"{match[1]}=")
            elif is_conditional and word.value in self._variables.own:
                self._variables.own[word.value] = Text(UNKNOWN_PART)

    def _source(self, words: tuple[Text, ...], _: bool) -> None:
        name = words[1].value if len(words) > 1 else ""
        if not name.endswith("/activate"):  # of a virtual environment
            self._follower.unread.append(f"the script reads {name.replace(UNKNOWN_PART, '?')}")

    def _shift(self, _: tuple[Text, ...], is_conditional: bool) -> None:
        arguments = (Text(UNKNOWN_PART),) if is_conditional else self._variables.arguments[1:]
        self._variables = self._variables._replace(arguments=arguments)

    def _set(self, words: tuple[Text, ...], is_conditional: bool) -> None:
        texts = [word.value for word in words]
        if any(re.match(r"-\w*a", text) or text == "allexport" for text in texts[1:]):
            self._exports_all = True
        if "--" not in texts:
            return
        arguments = words[texts.index("--") + 1 :]
        if arguments != self._variables.arguments:
            self._variables = self._variables._replace(arguments=(Text(UNKNOWN_PART),) if is_conditional else arguments)

    def _exit(self, _: tuple[Text, ...], is_conditional: bool) -> None:
        self._is_over = self._is_over or not is_conditional

    def _evaluate(self, _: tuple[Text, ...], is_conditional: bool) -> None:
        may = "may make" if is_conditional else "makes"
        self._follower.unread.append(f"the script {may} up commands with eval")


_ACTIONS: Final[Mapping[str, Callable[[_Script, tuple[Text, ...], bool], None]]] = {
    "cd": _Script._change_folder,
    "export": _Script._export,
    "source": _Script._source,
    ".": _Script._source,
    "shift": _Script._shift,
    "set": _Script._set,
    "exit": _Script._exit,
    "eval": _Script._evaluate,
}
