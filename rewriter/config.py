"""The user's configuration: the nearest dfix.toml, .dfix.toml or [tool.dfix], read once per folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

from rewriter.files import FileError, read
from rewriter.model.settings import UV_IMAGE, Builder, Settings

# In the order in which they are looked for within a folder.
NAMES: Final = ("dfix.toml", ".dfix.toml", "pyproject.toml")
LEVELS: Final = ("safe", "guarded", "opt-in")
BUILDERS: Final = ("auto", "buildkit", "legacy")


class ConfigError(Exception):
    """A configuration that cannot be used: where, and what is wrong with it. Line 0: no line is known."""

    def __init__(self, path: str, message: str, line: int = 0, column: int = 0) -> None:
        # All arguments go to Exception, so that the error survives pickling between processes.
        super().__init__(path, message, line, column)
        self.path: Final = path
        self.message: Final = message
        self.line: Final = line
        self.column: Final = column

    def __str__(self) -> str:
        place = [self.path, *(str(number) for number in (self.line, self.column) if number)]
        return f"{':'.join(place)}: {self.message}"


class Config(NamedTuple):
    """What the user wants done.

    `select`, `extend_select` and `ignore` hold codes, prefixes of codes, or names of fixers.
    """

    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()  # besides those selected, or those that run without a selection
    ignore: tuple[str, ...] = ()
    level: str = "guarded"
    exclude: tuple[str, ...] = ()  # gitignore patterns, relative to `folder`
    context: str = ""  # the build context as an absolute path, or nothing
    builder: Builder | Literal["auto"] = "auto"  # by itself what the files of the project show
    uv: str = UV_IMAGE  # the image that brings uv, or "pip"
    probe: str = ""  # the HTTP path that `dfix verify` asks for, or nothing
    source: str = ""  # the file that all this comes from, or nothing

    @property
    def folder(self) -> str:
        """The folder of the configuration file, or the current one."""
        return os.path.dirname(self.source) or os.getcwd()

    @property
    def settings(self) -> Settings:
        """What fixers must know, without what the files of the project show."""
        return Settings("buildkit" if self.builder == "auto" else self.builder, self.uv)

    def merge(
        self,
        *,
        select: Iterable[str] = (),
        extend_select: Iterable[str] = (),
        ignore: Iterable[str] = (),
        level: str = "",
        exclude: Iterable[str] = (),
        context: str = "",
        builder: Builder | Literal["auto", ""] = "",
    ) -> Config:
        """Put the command line over the file: single values and `select` replace, the other lists add.

        A `select` also replaces what the file selects besides. What the command line selects by its exact code or name,
        the file no longer ignores.
        """
        selected, added = tuple(select), tuple(extend_select)
        return self._replace(
            select=selected or self.select,
            extend_select=added if selected else (*self.extend_select, *added),
            ignore=(*(item for item in self.ignore if item not in (*selected, *added)), *ignore),
            level=level or self.level,
            exclude=(*self.exclude, *(_moved(pattern, self.folder) for pattern in exclude)),
            context=os.path.abspath(context) if context else self.context,
            builder=builder or self.builder,
        )


def _moved(pattern: str, folder: str) -> str:
    """A gitignore pattern of the current folder, written as the folder of the configuration would write it."""
    below = os.path.relpath(os.getcwd(), folder).replace(os.sep, "/")
    if below == "." or below.startswith(".."):
        return pattern
    negation = "!" if pattern.startswith("!") else ""
    body = pattern.removeprefix("!")
    # A slash that is not the last character ties a pattern to its folder.
    tied = body.removeprefix("/") if "/" in body[:-1] else f"**/{body}"
    escaped = re.sub(r"([*?\[\]\\])", r"\\\1", below)
    return f"{negation}/{escaped}/{tied}"


_nearest: Final[dict[str, Config]] = {}


def load(start: str = ".", explicit: str = "") -> Config:
    """The configuration for a folder: the nearest file up to the repository's root, or the explicit file."""
    if explicit:
        settings, text = _settings(explicit)
        if settings is None:
            raise ConfigError(explicit, "there is no [tool.dfix] in it")
        return _checked(explicit, settings, text)
    passed: list[str] = []
    folder = os.path.abspath(start)
    while folder not in _nearest:
        passed.append(folder)
        own = _own(folder)
        parent = os.path.dirname(folder)
        if own.source or parent == folder or os.path.lexists(os.path.join(folder, ".git")):
            _nearest[folder] = own
        else:
            folder = parent
    found = _nearest[folder]
    _nearest.update(dict.fromkeys(passed, found))
    return found


def forget() -> None:
    """Read configuration files anew from now on, as an editor needs it after one was saved."""
    _nearest.clear()


def _own(folder: str) -> Config:
    """The configuration that lies in this very folder; without one, the defaults."""
    for name in NAMES:
        path = os.path.join(folder, name)
        if os.path.lexists(path):
            settings, text = _settings(path)
            if settings is not None:
                return _checked(path, settings, text)
    return Config()


def _settings(path: str) -> tuple[dict[str, object] | None, str]:
    """The table that is dfix's, None if a pyproject.toml has none, and the text it stands in."""
    is_project = os.path.basename(path) == "pyproject.toml"
    try:
        data = read(path)
    except FileError as error:
        raise ConfigError(path, error.message) from error
    if is_project and b"dfix" not in data:
        return None, ""  # spares most projects the TOML parser
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(path, "this is not UTF-8", line, error.start - data.rfind(b"\n", 0, error.start)) from error
    table = _parse(path, text)
    if not is_project:
        return table, text
    tool = table.get("tool")
    own = tool.get("dfix") if isinstance(tool, dict) else None
    if own is not None and not isinstance(own, dict):
        raise ConfigError(path, "tool.dfix must be a table", _line_of("dfix", text))
    return own, text


def _parse(path: str, text: str) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(text)
    except ValueError as error:
        message, line, column = str(error), 0, 0
        if place := re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", message, re.DOTALL):
            message = place[1]
            line = int(place[2] or text.rstrip().count("\n") + 1)
            column = int(place[3] or 0)
        raise ConfigError(path, f"not valid TOML: {message}", line, column) from error
    except RecursionError as error:
        raise ConfigError(path, "not usable TOML: nested too deeply") from error


def place_of(path: str, key: str, word: str) -> tuple[int, int]:
    """Line and column (from 1) of a string that a configuration file gives for a key; zeros when it is not found."""
    try:
        text = read(path).decode("utf-8-sig")
    except (FileError, UnicodeDecodeError):
        return 0, 0
    lines = text.split("\n")
    for number, line in enumerate(lines[max(_line_of(key, text) - 1, 0) :], start=max(_line_of(key, text), 1)):
        if match := re.search(rf"""(["']){re.escape(word)}\1""", line):
            return number, match.start() + 1
    return 0, 0


def _line_of(key: str, text: str) -> int:
    """The line (from 1) on which a key is set, or 0. A search of the text, for tomllib keeps no positions."""
    quoted = rf"""["']?{re.escape(key)}["']?"""
    section = re.search(r"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*dfix\b", text, re.MULTILINE)
    start = section.start() if section else 0
    for pattern in (rf"^[ \t]*{quoted}[ \t]*[=.]", rf"^[ \t]*\[.*{quoted}[ \t]*[\].]", rf"(?<![\w-]){quoted}[ \t]*="):
        if match := re.compile(pattern, re.MULTILINE).search(text, start):
            return text.count("\n", 0, match.start()) + 1
    return 0


def _checked(path: str, settings: Mapping[str, object], text: str) -> Config:
    """Turn a table into a configuration; the first thing wrong with it raises ConfigError."""
    values: dict[str, Any] = {}
    for key, value in settings.items():
        try:
            values[key.replace("-", "_")] = _value(key, value, os.path.dirname(os.path.abspath(path)))
        except ValueError as error:
            raise ConfigError(path, str(error), _line_of(key, text)) from error
    return Config()._replace(**values, source=os.path.abspath(path))


def _value(key: str, value: object, folder: str) -> object:
    """One checked value. Raises ValueError with a message for the user."""
    match key:
        case "select" | "extend-select" | "ignore" | "exclude":
            example = '["vendor/"]' if key == "exclude" else '["DF201"]'
            if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
                raise ValueError(f"{key} must be a list of strings, as in {key} = {example}")
            return tuple(value)
        case "level":
            return _choice(key, value, LEVELS)
        case "builder":
            return _choice(key, value, BUILDERS)
        case "uv":
            if not isinstance(value, str) or not value or set(value) & set(" ,$\"'\\\n"):
                raise ValueError(f'uv must be an image or "pip", as in uv = "{UV_IMAGE}"')
            return value
        case "probe":
            if not isinstance(value, str) or not value.startswith("/") or not value.isprintable() or " " in value:
                raise ValueError('probe must be the path of a URL, as in probe = "/health"')
            return value
        case "context":
            if not isinstance(value, str) or not value:
                raise ValueError('context must be a folder, as in context = "."')
            context = os.path.normpath(os.path.join(folder, value))
            if not os.path.isdir(context):
                raise ValueError(f"context: there is no folder {context}")
            return context
        case "tool":
            raise ValueError("in this file the keys stand at the top, without [tool.dfix]")
    keys = ("select", "extend-select", "ignore", "level", "exclude", "context", "builder", "uv", "probe")
    raise ValueError(f'unknown key "{key}"{_nearby(key, keys)}')


def _choice(key: str, value: object, choices: tuple[str, ...]) -> str:
    if isinstance(value, str) and value in choices:
        return value
    listed = " or ".join(f'"{choice}"' for choice in choices)
    hint = _nearby(value, choices) if isinstance(value, str) else ""
    raise ValueError(f"{key} must be {listed}{hint}")


def _nearby(word: str, choices: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    matches = get_close_matches(word.lower(), choices, n=1)
    return f'; did you mean "{matches[0]}"?' if matches else f" (known: {', '.join(choices)})"
