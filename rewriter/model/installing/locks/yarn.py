"""yarn.lock, of Yarn 1 and of Yarn 2 and newer.

Yarn 1 with --frozen-lockfile fails where the lock file lacks one of the project's own `name@range`. Yarn 2 and newer
with --immutable fail where they would write anything else, so the format must be the one that this Yarn writes.
Source: https://classic.yarnpkg.com/lang/en/docs/cli/install/#toc-yarn-install-frozen-lockfile,
https://yarnpkg.com/cli/install
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rewriter.model.installing.locks.package_json import asked_for

_FORMAT: Final = re.compile(r"(?m)^__metadata:\r?\n(?:[ \t]+.*\r?\n)*?[ \t]+version: \"?(\d+)")
_ENTRY: Final = re.compile(r"(?m)^(?=[^\s#])(.+):\r?$")
_PART: Final = re.compile(r'"([^"]+)"|([^\s,"][^,"]*)')
_OWN: Final = re.compile(r"(?m)^\"[^\n\"]*@workspace:\.\":\r?\n((?:[ \t]+.*\r?\n)*)")
_DEPENDENCY: Final = re.compile(r"^ {4}(?:\"([^\"]+)\"|([^\s\":]+)): \"?([^\"\r\n]+?)\"?\r?$", re.MULTILINE)
_FORMATS: Final[Mapping[int, tuple[str, ...]]] = {2: ("4",), 3: ("6",), 4: ("8",)}
"""The formats that the major versions of Yarn write: `lockfileVersion` in packages/yarnpkg-core/sources/Project.ts."""


def is_modern(text: str) -> bool:
    """Whether Yarn 2 or newer wrote a lock file."""
    return "\n__metadata:" in text or text.startswith("__metadata:")


def out_of_step(text: str, package: Mapping[str, Any], version: int) -> str:
    """Why Yarn would not take the lock file as it is."""
    if not version:
        return "which version of Yarn runs is not known"
    if is_modern(text) != (version > 1):
        return f"{{lock}} is not the one of Yarn {version}"
    if version > 1:
        return _modern_reason(text, package, version)
    if "# yarn lockfile v1" not in text:
        return "{lock} cannot be understood"
    if "<<<<<<<" in text:
        return "{lock} holds a conflict of two branches"
    locked = frozenset(_keys(text))
    for name, wanted in asked_for(package).items():
        if f"{name}@{wanted}" not in locked:
            return f"{{lock}} is out of step with package.json: {name}"
    return ""


def _keys(text: str) -> Iterator[str]:
    """The `name@range` in front of the entries."""
    for entry in _ENTRY.finditer(text):
        for part in _PART.finditer(entry[1]):
            yield part[1] or part[2].strip()


def _modern_reason(text: str, package: Mapping[str, Any], version: int) -> str:
    written = _FORMAT.search(text)
    if written is None or written[1] not in _FORMATS.get(version, ()):
        return f"whether Yarn {version} writes {{lock}} as it is cannot be told"
    if package.get("resolutions") or package.get("dependenciesMeta"):
        return "package.json has resolutions, which {lock} does not tell"
    own = _OWN.search(text)
    if own is None:
        return "{lock} cannot be understood"
    section = own[1].partition("  dependencies:")[2]
    locked = {}
    for line in section.lstrip("\r\n").split("\n"):
        found = _DEPENDENCY.match(line)
        if found is None:
            break
        locked[found[1] or found[2]] = found[3].removeprefix("npm:")
    asked = {name: wanted.removeprefix("npm:") for name, wanted in asked_for(package).items()}
    if asked != locked:
        differing = sorted(key for key in {**asked, **locked} if asked.get(key) != locked.get(key))
        return f"{{lock}} is out of step with package.json: {differing[0]}"
    return ""
