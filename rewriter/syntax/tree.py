"""The tree: a Dockerfile as typed, immutable nodes that read like the language.

`run.commands("apt-get", "install")`, `copy.sources`, `stage.from_.image`: nodes only navigate. What changes a file are
the verbs in `rewriter.fixing.edits`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from rewriter.syntax import words
from rewriter.syntax.instruction import Gap, Heredoc, Instruction
from rewriter.syntax.nodes import Blank, Comment, Directive, Dockerfile, Node, Problem, Token
from rewriter.syntax.shell_instructions import Cmd, Entrypoint, Healthcheck, Run, Shell, ShellInstruction
from rewriter.syntax.text import SPACE, View
from rewriter.syntax.words import Flag, JsonString, Word

__all__ = [
    "INSTRUCTIONS", "Add", "Arg", "Blank", "Cmd", "Comment", "Copy", "Directive", "Dockerfile", "Entrypoint", "Env",
    "Expose", "From", "Gap", "Healthcheck", "Heredoc", "Instruction", "Label", "Maintainer", "Node", "Onbuild", "Pair",
    "Problem", "Run", "Shell", "ShellInstruction", "Stopsignal", "Token", "Unknown", "User", "Volume", "Workdir",
    "build_instruction",
]  # fmt: skip


class From(Instruction):
    """FROM: begins a stage."""

    __slots__ = ()

    @property
    def image(self) -> Word:
        """The image or stage that this stage starts from."""
        return self.words[0]

    @property
    def alias(self) -> Word | None:
        """The name of this stage as written."""
        return self.words[2] if len(self.words) == 3 else None

    @property
    def as_keyword(self) -> Word | None:
        """The word `AS`."""
        return self.words[1] if len(self.words) == 3 else None

    @property
    def platform(self) -> Flag | None:
        """The `--platform` flag."""
        return self.flag("platform")


class _PathsInstruction(Instruction):
    """An instruction that takes paths, as words or as a JSON array."""

    __slots__ = ()

    def _read_json(self) -> tuple[JsonString, ...] | None:
        return words.read_json(self.view, *self._range)

    def _split(self) -> tuple[Word, ...]:
        if self.json is not None:
            return tuple(string.word for string in self.json)
        return super()._split()

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths as the builder reads them, variables not yet expanded."""
        if self.json is not None:
            return tuple(string.value for string in self.json)
        return tuple(word.text for word in self.words)


class Copy(_PathsInstruction):
    """COPY: adds files from the build context, a stage or an image."""

    __slots__ = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """What is copied, heredocs included as written."""
        return self.paths[:-1]

    @property
    def destination(self) -> str:
        """Where it goes."""
        return self.paths[-1]

    @property
    def source_stage(self) -> Flag | None:
        """The `--from` flag."""
        return self.flag("from")


class Add(Copy):
    """ADD: adds files, archives, URLs or repositories."""

    __slots__ = ()


class Volume(_PathsInstruction):
    """VOLUME: paths that hold data from outside the image."""

    __slots__ = ()


class Pair(NamedTuple):
    """A key with its value as written; `value` has no width where the key stands alone."""

    key: Word
    value: Word
    separator: str


class _PairsInstruction(Instruction):
    """An instruction of keys and values."""

    __slots__ = ()

    def _split(self) -> tuple[Word, ...]:
        return words.split_quoted(self.view, *self._range, self.dockerfile.escape)

    @property
    def is_legacy(self) -> bool:
        """Whether the old form `KEY value` is used, which takes one pair."""
        return bool(self.words) and "=" not in self.words[0].text

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The keys and values in order."""
        if self.is_legacy:
            start, end = self._range
            key = words.split_blanks(self.view, start, end)[0]
            value = key.end
            while value < end and self.view.text[value] in words.BLANKS:
                value += 1
            return (Pair(key, Word(self.view, value, end), " "),)
        return tuple(_split_pair(word) for word in self.words)


def _split_pair(word: Word) -> Pair:
    equals = word.text.find("=")
    if equals < 0:
        return Pair(word, Word(word.view, word.end, word.end), "")
    key_end = word.start + equals
    return Pair(Word(word.view, word.start, key_end), Word(word.view, key_end + 1, word.end), "=")


class Env(_PairsInstruction):
    """ENV: variables of the build and of the container."""

    __slots__ = ()


class Label(_PairsInstruction):
    """LABEL: metadata of the image."""

    __slots__ = ()


class Arg(_PairsInstruction):
    """ARG: variables that a build may set."""

    __slots__ = ()
    is_legacy = False  # `ARG A B` declares two, it never assigns


class Expose(Instruction):
    """EXPOSE: ports that the container listens on."""

    __slots__ = ()


class User(Instruction):
    """USER: who runs what follows."""

    __slots__ = ()


class Workdir(Instruction):
    """WORKDIR: the folder of what follows."""

    __slots__ = ()

    @property
    def path(self) -> Word:
        """The whole argument: blanks belong to the path."""
        return Word(self.view, *self._range)


class Stopsignal(Instruction):
    """STOPSIGNAL: how a container is asked to stop."""

    __slots__ = ()


class Maintainer(Instruction):
    """MAINTAINER: the old way to name the author."""

    __slots__ = ()


class Onbuild(Instruction):
    """ONBUILD: an instruction kept for the builds that start from this image."""

    __slots__ = ("_trigger",)

    @property
    def trigger(self) -> Instruction:
        """The instruction that waits."""
        try:
            return self._trigger
        except AttributeError:
            start, _ = self._range
            self._trigger: Instruction = build_instruction(
                self.dockerfile, -1, self.start, self.end, self.view, start, self.code_end, self.heredocs
            )
            return self._trigger


class Unknown(Instruction):
    """An instruction that BuildKit does not know."""

    __slots__ = ()


INSTRUCTIONS: Final[dict[str, type[Instruction]]] = {
    cls.__name__.upper(): cls
    for cls in (
        Add, Arg, Cmd, Copy, Entrypoint, Env, Expose, From, Healthcheck, Label,
        Maintainer, Onbuild, Run, Shell, Stopsignal, User, Volume, Workdir,
    )
}  # fmt: skip
"""The instructions of the Dockerfile reference, https://docs.docker.com/reference/dockerfile/."""

_CLASS_OF: Final = {**INSTRUCTIONS, **{name.lower(): cls for name, cls in INSTRUCTIONS.items()}}
"""Both usual spellings, so that the common case needs no conversion."""


def build_instruction(
    dockerfile: Dockerfile,
    index: int,
    start: int,
    end: int,
    view: View,
    at: int,
    code_end: int,
    heredocs: tuple[Heredoc, ...],
) -> Instruction:
    """Make the typed node for the instruction whose keyword begins at `at` in the view."""
    text = view.text
    keyword_end = text.find(" ", at)
    cls = _CLASS_OF.get(text[at:keyword_end])
    if cls is None or keyword_end < 0:
        match = words.WORD.match(text, at)
        keyword_end = min(match.end(), max(at, len(text.rstrip(SPACE)))) if match else at
        cls = _CLASS_OF.get(text[at:keyword_end].lower(), Unknown)
    return cls(dockerfile, index, start, end, view, at, keyword_end, code_end, heredocs)
