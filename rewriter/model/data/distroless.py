"""Which distroless images there are, what starts in them and what they hold: read from `data/distroless.toml`."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple

NONROOT: Final = "65532:65532"
"""The user of the tag `nonroot`, in numbers: GoogleContainerTools/distroless, common/variables.bzl"""


class DistrolessImage(NamedTuple):
    """A row of the data file. `text` is what FROM names, `packages` are without the `t64` of newer suites."""

    text: str
    language: str
    version: str
    suite: str
    entrypoint: tuple[str, ...]
    program: str
    packages: frozenset[str]
    until: str

    def lacks(self, packages: frozenset[str]) -> frozenset[str]:
        """Those of some Debian packages that are not in it."""
        return frozenset(name for name in packages if name.removesuffix("t64") not in self.packages)


def distroless_images(language: str, version: str = "") -> tuple[DistrolessImage, ...]:
    """The images of a language and version, those of the newest release of Debian first."""
    return tuple(one for one in _load()[0] if (one.language, one.version) == (language, version))


def module_of(script: str) -> str:
    """The module that `python -m` starts in place of a script of a Python package; empty where none is known."""
    return _load()[1].get(script, "")


@cache
def _load() -> tuple[tuple[DistrolessImage, ...], dict[str, str]]:
    import os.path
    import tomllib

    with open(os.path.join(os.path.dirname(__file__), "distroless.toml"), "rb") as file:
        data: dict[str, Any] = tomllib.load(file)
    contents = {entry["name"]: frozenset(entry["packages"].split()) for entry in data["contents"]}
    return tuple(_image(entry, contents) for entry in data["image"]), data["modules"]


def _image(entry: dict[str, Any], contents: dict[str, frozenset[str]]) -> DistrolessImage:
    return DistrolessImage(
        f"gcr.io/distroless/{entry['name']}:nonroot",
        entry["language"],
        entry.get("version", ""),
        entry["suite"],
        tuple(entry.get("entrypoint", ())),
        entry.get("program", ""),
        frozenset().union(*(contents[name] for name in entry["contents"].split())),
        entry.get("until", ""),
    )
