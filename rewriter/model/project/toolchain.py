"""Which version of its language a project asks for: files that name one version, and manifests that only bound it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from rewriter.model.context.build_context import BuildContext

_VERSION: Final = re.compile(r"v?(\d+(?:\.\d+){0,2})\Z")
# https://asdf-vm.com/manage/configuration.html, https://mise.jdx.dev/core-tools.html
_ASDF: Final = {
    "python": ("python",),
    "node": ("nodejs", "node"),
    "golang": ("golang", "go"),
    "rust": ("rust",),
    "ruby": ("ruby",),
    "php": ("php",),
    "elixir": ("elixir",),
    "erlang": ("erlang",),
}


class Asked(NamedTuple):
    """A version that a file of the project asks for, such as `3.11`; where it only bounds it, `is_exact` is False.

    Empty where the file asks for no single version: `lts/*`, `stable`, `pypy3.10`.
    """

    version: str
    file: str
    is_exact: bool


def versions_asked_for(image: str, context: BuildContext) -> Iterator[Asked]:
    """The versions that the files at the root of the context ask for in the language of an official image.

    The ignore file does not count: these files speak to developers. None are found where the context is not known.
    """
    files = context.host
    for name, read in _FILES.get(image, ()):
        text = files.read(name)
        written = read(text.removeprefix("\ufeff")).strip() if text is not None else ""
        if written:
            match = _VERSION.match(written)
            yield Asked(match[1] if match else "", name, True)
    if (text := files.read(".tool-versions")) is not None and (version := _of_asdf(text, image)):
        yield Asked(version, ".tool-versions", True)
    for name, read in _BOUNDS.get(image, ()):
        text = files.read(name)
        if text is not None and (match := _VERSION.match(read(text.removeprefix("\ufeff")))):
            yield Asked(match[1], name, False)


def contradiction(asked: Asked, image: str, context: BuildContext) -> str:
    """The manifest that allows another version than is asked for; empty where none does, as far as they are read."""
    if not asked.version:
        return ""
    for name, read in _LEAST.get(image, ()):
        text = context.host.read(name)
        least = read(text.removeprefix("\ufeff")) if text is not None else ""
        if least and _numbers(asked.version) < _numbers(least)[: len(_numbers(asked.version))]:
            return name
    bounds = (one for one in versions_asked_for(image, context) if not one.is_exact)
    return next((one.file for one in bounds if image in _LINES and not is_same(one.version, asked.version)), "")


def is_same(version: str, other: str) -> bool:
    """Whether two versions may mean the same: `20` and `20.11.0`."""
    return all(one == another for one, another in zip(_numbers(version), _numbers(other), strict=False))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split("."))) if version else ()


def _first_line(text: str) -> str:
    lines = (line.strip() for line in text.split("\n"))
    return next((line for line in lines if line and not line.startswith("#")), "")


def _of_asdf(text: str, image: str) -> str:
    for line in text.split("\n"):
        words = line.partition("#")[0].split()
        if len(words) == 2 and words[0] in _ASDF.get(image, ()) and (match := _VERSION.match(words[1])):
            return match[1]
    return ""


def _after(pattern: str) -> Callable[[str], str]:
    """A reader that gives the first group of a pattern; empty where it is not found."""
    compiled = re.compile(pattern, re.MULTILINE)

    def read(text: str) -> str:
        match = compiled.search(text)
        return match[1] if match else ""

    return read


def _in_package(*keys: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        try:
            value: Any = json.loads(text)
        except (ValueError, RecursionError):
            return ""
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, str) else ""

    return read


def _major_of_engines(text: str) -> str:
    """The only major version that a range allows, empty where there are several.

    Ranges: https://github.com/npm/node-semver#ranges
    """
    wanted = _in_package("engines", "node")(text).strip()
    match = re.match(r"(?:[~^=]\s*)?v?(\d+)(?:\.(?:\d+|x|\*)){0,2}\Z", wanted)
    if match is None:
        match = re.match(r">=\s*(\d+)(?:\.\d+)*\s+<\s*(\d+)(?:\.0)*\Z", wanted)
        return match[1] if match and int(match[2]) == int(match[1]) + 1 else ""
    return match[1]


_Reader = tuple[str, Callable[[str], str]]
_FILES: Final[dict[str, tuple[_Reader, ...]]] = {
    # https://github.com/pyenv/pyenv#understanding-python-version-selection
    "python": ((".python-version", _first_line), ("runtime.txt", _after(r"^python-(\S+)"))),
    # https://github.com/nvm-sh/nvm#nvmrc
    "node": ((".nvmrc", _first_line), (".node-version", _first_line), ("package.json", _in_package("volta", "node"))),
    # https://go.dev/doc/toolchain
    "golang": (("go.mod", _after(r"^toolchain\s+go(\S+)")), (".go-version", _first_line)),
    # https://rust-lang.github.io/rustup/overrides.html#the-toolchain-file
    "rust": (
        ("rust-toolchain.toml", _after(r"^\s*channel\s*=\s*[\"']([^\"']+)[\"']")),
        ("rust-toolchain", lambda text: _after(r"^\s*channel\s*=\s*[\"']([^\"']+)[\"']")(text) or _first_line(text)),
    ),
    # https://bundler.io/man/gemfile.5.html#RUBY
    "ruby": (
        (".ruby-version", lambda text: _first_line(text).removeprefix("ruby-")),
        ("Gemfile", _after(r"^\s*ruby[\s(]+[\"'](\d[\d.]*)[\"']")),
    ),
}
_LINES: Final = ("python", "node")
"""Languages whose `_BOUNDS` name a line of releases, not the oldest one."""

_LEAST: Final[dict[str, tuple[_Reader, ...]]] = {
    "python": (
        (
            "pyproject.toml",
            _after(r"^\s*(?:requires-python|python)\s*=\s*[\"'][^\"'|]*?(?:>=|\^|~=?)\s*(\d+(?:\.\d+)*)"),
        ),
    ),
    "node": (
        (
            "package.json",
            lambda text: _after(r"\A\s*(?:>=|\^|~)?\s*v?(\d+(?:\.\d+)*)[^|]*\Z")(_in_package("engines", "node")(text)),
        ),
    ),
    "golang": (("go.mod", _after(r"^go\s+(\d+(?:\.\d+)*)")),),
    "rust": (("Cargo.toml", _after(r"^\s*rust-version\s*=\s*[\"'](\d+(?:\.\d+)*)")),),
}
_BOUNDS: Final[dict[str, tuple[_Reader, ...]]] = {
    "python": (
        ("pyproject.toml", _after(r"^\s*requires-python\s*=\s*[\"']\s*(?:==|~=)\s*(\d+\.\d+)\.[\d*]+\s*[\"']")),
    ),
    "node": (("package.json", _major_of_engines),),
    "golang": (("go.mod", _after(r"^go\s+(\d+\.\d+)")),),
    "rust": (("Cargo.toml", _after(r"^\s*rust-version\s*=\s*[\"'](\d+\.\d+)")),),
}
