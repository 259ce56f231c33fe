"""Writes `debian_packages.zlib` and `debian_complete.zlib`: what Debian's package index says of packages that only
builds need, and of recommended packages that matter.

The rules over the index are the functions of this file, the few choices by hand stand in `debian_choices.toml`.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

from scripts.data.debian_index import INDEX, Index
from scripts.data.packed import pack

SUITES: Final = ("bullseye", "bookworm", "trixie")
CHOICES: Final = Path(__file__).parent / "debian_choices.toml"

_FOREIGN: Final = re.compile(
    r"(librust-|golang-.*-dev$|libghc-|haskell-|gambas3-|node-|coq-|libcoq-|elpa-|gir1\.2-|lib(n?32|64|x32)|linux-headers-)"
    r"|.*(-ocaml(-dev)?|-cross|-(avr|mingw-w64).*|-dbg|-doc)$"
)
"""Headers and modules of languages that link statically or at no time, of other processors, and documentation."""

_ALWAYS: Final = frozenset({"libc6", "libgcc-s1", "libstdc++6"})
"""What apt itself needs, so every Debian image has it: no need to name it."""

_NO_LIBRARIES: Final = re.compile(r".*-(bin|common|data|dbg|doc|tools|utils)")
_OF_EVERY_PROGRAM: Final = re.compile(r"(libc6|libstdc\+\+-.*|libgcc-.*|linux-libc)-dev")
"""Headers that compilers bring, whose libraries are in every image or chosen by hand with the compiler."""

_MODULE: Final = re.compile(
    r"lib.*-(perl|java|ruby)|ruby-(?!dev|full|bundler).*|puppet-module-.*|php-(horde|symfony).*"
)
"""Modules of languages whose own package managers bring them: they are left out as well."""
_VIRTUAL: Final = re.compile(r"[a-z+-]+|.*-dev")

_FARTHEST: Final = 2

_TELLS_ONLY: Final = re.compile(r".*-(docs?|examples|l10n|locales|i18n|html)|manpages(-dev)?")
"""Recommended packages that hold nothing but texts for people; so do those of some sections."""
_SECTIONS_OF_TEXTS: Final = frozenset({"doc", "localization"})
_NOT_ASKED_FOR: Final = frozenset(
    {"debug", "doc", "games", "gnome", "gnu-r", "gnustep", "hamradio", "haskell", "introspection"}
    | {
        "education",
        "electronics",
        "embedded",
        "javascript",
        "kde",
        "lisp",
        "metapackages",
        "news",
        "ocaml",
        "rust",
        "science",
        "tasks",
        "translations",
        "xfce",
        "zope",
    }
)
"""Sections that are left out among the packages that need no others, to keep the file small."""
_ASKED_FOR: Final = frozenset({"cargo", "gdal-bin", "rustc"})
"""What Dockerfiles install of those sections all the same."""


class _Choice(NamedTuple):
    """An entry of the file of choices."""

    match: re.Pattern[str]
    values: dict[str, Any]


class Rules:
    """What is build-only, what stays at run time, and which recommended packages matter, in one suite."""

    def __init__(self, index: Index) -> None:
        self.index: Final = index
        with CHOICES.open("rb") as file:
            choices = tomllib.load(file)
        self.programs: Final = {
            program: entry["package"] for entry in choices.pop("program") for program in entry["programs"].split()
        }
        self._choices: Final = {
            kind: [_Choice(re.compile(entry["match"]), entry) for entry in entries] for kind, entries in choices.items()
        }

    def build_only(self) -> dict[str, frozenset[str]]:
        """The packages that only builds need, each with the libraries that must stay for what was built with it."""
        packages = self.index.packages
        found = {name: self._libraries(name, {name}) for name in packages if self._is_headers(name)}
        found |= {name: frozenset() for name in self._toolchain if name not in found}
        for name in packages:
            for tool in self._chosen("build_tool", name):
                found[name] = frozenset(one for one in tool.get("libraries", ()) if one in packages)
        for name, providers in self.index.providers.items():
            if name.endswith("-dev") and name not in packages and len(providers) == 1 and providers[0] in found:
                found[name] = found[providers[0]]
        return {name: libraries for name, libraries in found.items() if not _FOREIGN.match(name)}

    def complete(self) -> dict[str, frozenset[str]]:
        """The packages that work without what they recommend, save for `needed_recommendations`.

        They are those of which every recommended package is known to be needed or not: of others nobody has found out.
        With each go the unneeded ones that hold the programs which `programs` lists: who calls one of them needs it.
        """
        needed = self.needed_recommendations()
        found = {}
        for name, package in self.index.packages.items():
            if _is_left_out(name, package.section):
                continue
            rest = {one for one in self._lost(name) if self._older_name(one) not in needed.get(name, ())}
            if all(self._is_unneeded(one, name) for one in rest):
                found[name] = frozenset(rest & set(self.programs.values()))
        for name, providers in self.index.providers.items():
            if self._is_another_name(name, providers) and providers[0] in found:
                found[name] = found[providers[0]]
        return found

    def _is_another_name(self, name: str, providers: Sequence[str]) -> bool:
        is_new = name not in self.index.packages and len(providers) == 1
        return is_new and _VIRTUAL.fullmatch(name) is not None and not _FOREIGN.match(name)

    def _lost(self, name: str) -> set[str]:
        """What apt would not add any more, near the package."""
        found = {one for other in self._near(name) for one in self.index.recommends(other)}
        return {one for one in found - self.index.with_dependencies(name) - self._base if not self._only_tells(one)}

    def _only_tells(self, name: str) -> bool:
        return bool(_TELLS_ONLY.fullmatch(name)) or self.index.packages[name].section in _SECTIONS_OF_TEXTS

    def _is_unneeded(self, name: str, of: str) -> bool:
        unneeded = (entry for entry in self._chosen("unneeded", of) if re.fullmatch(entry["recommended"], name))
        return next(unneeded, None) is not None

    @cached_property
    def _base(self) -> frozenset[str]:
        """What is in every image: apt adds nothing to packages that are installed already."""
        essential = [one.name for one in self.index.packages.values() if one.is_essential]
        roots = [*essential, *({"apt"} & self.index.packages.keys())]
        return frozenset(one for root in roots for one in self.index.with_dependencies(root))

    def needed_recommendations(self) -> dict[str, frozenset[str]]:
        """The packages that lose something when recommended packages are left out, each with what to name instead."""
        direct = {name: wanted for name in self.index.packages if (wanted := self._direct(name))}
        found = {}
        for name in self.index.packages:
            near = self._near(name)
            needed = {one for other in near for one in direct.get(other, ())}
            needed = {one for one in needed if not self._is_unneeded(one, name)}
            for entry in self._chosen("recommendation", name):
                offered = {one for other in near for one in self.index.recommends(other)}
                needed |= {one for one in offered if re.fullmatch(entry["recommended"], one)}
            if needed and (rest := needed - self.index.with_dependencies(name)) and not _FOREIGN.match(name):
                found[name] = frozenset(rest)
        for name, providers in self.index.providers.items():
            if self._is_another_name(name, providers) and providers[0] in found:
                found[name] = found[providers[0]]
        return found

    def _is_headers(self, name: str) -> bool:
        is_named = name.endswith("-dev") and name != "dpkg-dev"
        return (is_named or self.index.packages[name].section == "libdevel") and not _FOREIGN.match(name)

    def _is_library(self, name: str) -> bool:
        package = self.index.packages[name]
        is_one = package.section == "libs" or (name.startswith("lib") and package.is_multi_arch)
        return is_one and name not in _ALWAYS and not self._is_headers(name) and not _NO_LIBRARIES.fullmatch(name)

    def _libraries(self, name: str, seen: set[str]) -> frozenset[str]:
        """What headers depend on by themselves and through headers of the same source; else through all headers."""
        if _OF_EVERY_PROGRAM.fullmatch(name):
            return frozenset()
        depends = self.index.depends(name)
        found = {one for one in depends if self._is_library(one)}
        headers = [one for one in depends if self._is_headers(one) and one not in seen]
        seen = seen | set(headers)
        source = self.index.packages[name].source
        for one in headers:
            if self.index.packages[one].source == source:
                found |= self._libraries(one, seen)
        if not found:
            found = {library for one in headers for library in self._libraries(one, seen)}
        return frozenset(found)

    @cached_property
    def _toolchain(self) -> frozenset[str]:
        """What build-essential stands for, with the two programs that tell compilers about libraries."""
        near = self.index.with_dependencies("build-essential") if "build-essential" in self.index.packages else ()
        tools = {one for one in near if self.index.packages[one].section in ("devel", "libdevel")}
        return frozenset(tools | ({"build-essential", "pkg-config", "pkgconf"} & self.index.packages.keys()))

    def _direct(self, name: str) -> frozenset[str]:
        """The recommended packages that matter: certificates, the toolchain, headers of the package's own source."""
        if _FOREIGN.match(name):
            return frozenset()
        source = self.index.packages[name].source
        return frozenset(
            self._older_name(one)
            for one in self.index.recommends(name)
            if one == "ca-certificates"
            or one in self._toolchain
            or (one.endswith("-dev") and not _FOREIGN.match(one) and self.index.packages[one].source == source)
        )

    def _older_name(self, name: str) -> str:
        """`pkg-config` for `pkgconf`: each suite has it, and in bullseye the two exclude each other."""
        return "pkg-config" if name == "pkgconf" and "pkg-config" in self.index.packages else name

    def _near(self, name: str) -> set[str]:
        """A package, what it depends on and what that depends on; farther away, a recommendation serves others."""
        follows_all = self._is_interpreter(name)
        found = {name}
        edge = {name}
        for _ in range(_FARTHEST):
            depends = {one for other in edge for one in self.index.depends(other)}
            edge = {one for one in depends - found if follows_all or not self._is_interpreter(one)}
            found |= edge
        return found - (self._base - {name})

    def _is_interpreter(self, name: str) -> bool:
        return any(True for _ in self._chosen("interpreter", self.index.packages[name].source))

    def _chosen(self, kind: str, name: str) -> Iterable[dict[str, Any]]:
        return (choice.values for choice in self._choices.get(kind, ()) if choice.match.fullmatch(name))


def _is_left_out(name: str, section: str) -> bool:
    is_asked_for = section not in _NOT_ASKED_FOR or name in _ASKED_FOR
    return not is_asked_for or bool(_FOREIGN.match(name)) or bool(_MODULE.fullmatch(name))


def generate(indexes: Sequence[Index]) -> bytes:
    """The packed file for the suites, in the order given.

    Each part has a line for each package and in it a field for each suite: `-` where the suite has no such package,
    `=` where the field says the same as the one before.
    """
    rules = [Rules(index) for index in indexes]
    parts = {
        "build-only": _table([one.build_only() for one in rules]),
        "recommended": _table([one.needed_recommendations() for one in rules]),
    }
    return pack(["What builds need of Debian's packages, by " + _ORIGIN, *_header(indexes)], parts)


def generate_complete(indexes: Sequence[Index]) -> bytes:
    """The packed file of the packages that work without what they recommend, save for what is needed.

    Part `complete` has their names, `unneeded` a table as above, `programs` a line for each program and its package.
    """
    rules = [Rules(index) for index in indexes]
    complete = [one.complete() for one in rules]
    parts = {
        "complete": _names(complete, indexes),
        "unneeded": _table([{name: found for name, found in one.items() if found} for one in complete]),
        "programs": "\n".join(f"{program}\t{package}" for program, package in sorted(rules[0].programs.items())),
    }
    return pack(["What of Debian's packages works without recommended ones, by " + _ORIGIN, *_header(indexes)], parts)


_ORIGIN: Final = "`make data ARGS=debian` from the mirror's package indexes."


def _header(indexes: Sequence[Index]) -> list[str]:
    return [
        f"suites: {' '.join(index.suite for index in indexes)}",
        *(f"from: {INDEX.format(suite=index.suite)}, sha256 {index.checksum}" for index in indexes),
        f"from: scripts/data/debian_choices.toml, sha256 {hashlib.sha256(CHOICES.read_bytes()).hexdigest()}",
    ]


def _names(columns: Sequence[Mapping[str, object]], indexes: Sequence[Index]) -> str:
    """A line for each set of suites, with the packages that are in it: `02 a b `.

    The set is written with the numbers of the suites, and `x` for each that does not have the packages at all.
    """
    groups: dict[str, list[str]] = {}
    for name in sorted({name for column in columns for name in column}):
        marks = [
            str(number) if name in column else "x" * (name not in index.packages and name not in index.providers)
            for number, (column, index) in enumerate(zip(columns, indexes, strict=True))
        ]
        groups.setdefault("".join(marks), []).append(name)
    return "\n".join(f"{suites} {' '.join(found)} " for suites, found in sorted(groups.items()))


def _table(columns: Sequence[dict[str, frozenset[str]]]) -> str:
    rows = []
    for name in sorted({name for column in columns for name in column}):
        cells = [" ".join(sorted(column[name])) if name in column else "-" for column in columns]
        same = (cell if number == 0 or cell != cells[number - 1] else "=" for number, cell in enumerate(cells))
        rows.append("\t".join((name, *same)))
    return "\n".join(rows)
