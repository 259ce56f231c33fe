"""Image references, and what is known of the images that builds start from.

What is known stands in `data/base_images.toml`, each entry with the published Dockerfile it was read in.
Unknown is a value of its own everywhere: the empty string.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

_DOCKER_HUB: Final = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})

# Registries that mirror the official images, with the folder they keep them in.
_MIRRORS: Final = (("public.ecr.aws", "docker/library/"), ("mirror.gcr.io", "library/"))

# Docker Hub users under which each architecture's official images are published, as in arm64v8/python:
# https://github.com/docker-library/official-images#architectures-other-than-amd64
_ARCHITECTURES: Final = frozenset(
    ("amd64", "arm32v5", "arm32v6", "arm32v7", "arm64v8", "i386", "mips64le", "ppc64le", "riscv64", "s390x", "winamd64")
)

_WINDOWS_TAG: Final = re.compile(r"(?:^|-)(?:windowsservercore|nanoserver|windows|ltsc20\d\d)")
_WINDOWS_NAME: Final = re.compile(
    r"(?:^|/)(?:windows|windowsservercore|nanoserver|dotnet-framework|framework|winamd64)(?:/|$)"
)


class ImageReference(NamedTuple):
    """The name of an image as `FROM` and `COPY --from` take it: `registry/repository:tag@digest`.

    `name` is what was written without tag and digest; `registry` and `repository` are filled in as Docker does,
    so that `python` is `library/python` on `docker.io`. `tag` and `digest` are empty where none is given.
    """

    name: str
    registry: str
    repository: str
    tag: str
    digest: str

    @property
    def is_scratch(self) -> bool:
        """Whether this is the empty image."""
        return self.name == "scratch" and not self.tag and not self.digest

    @property
    def family(self) -> str:
        """The official image's name, such as `python`, also where it comes from a mirror; empty for other images."""
        if self.is_scratch:
            return ""
        if self.registry == "docker.io":
            user, _, rest = self.repository.partition("/")
            return rest if user == "library" or user in _ARCHITECTURES else ""
        for registry, folder in _MIRRORS:
            if self.registry == registry and self.repository.startswith(folder):
                return self.repository[len(folder) :]
        return ""

    @property
    def is_official(self) -> bool:
        """Whether this is one of Docker's official images."""
        return bool(self.family)

    @property
    def is_windows(self) -> bool:
        """Whether name or tag say that this is a Windows image; False may also mean that they do not tell."""
        return bool(_WINDOWS_TAG.search(self.tag) or _WINDOWS_NAME.search(self.repository))

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse_image(text: str) -> ImageReference:
    """Split an image's name into its parts; says nothing about whether it is valid."""
    rest, _, digest = text.partition("@")
    name, _, tag = rest.rpartition(":")
    if not name or "/" in tag:
        name, tag = rest, ""
    first, slash, path = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        registry, repository = first, path
    else:
        registry, repository = "docker.io", name
    if registry in _DOCKER_HUB:
        registry = "docker.io"
        if "/" not in repository:
            repository = f"library/{repository}"
    return ImageReference(name, registry, repository, tag, digest)


class BaseImage(NamedTuple):
    """What is known of an image before the first instruction runs on it; an empty string is unknown.

    `distribution` is one of debian, ubuntu, alpine, rhel (all that use yum or dnf), azurelinux, suse, busybox,
    distroless, scratch, windows. `user` is as the image's own Dockerfile gives it, `root` where it gives none.
    `shell` is empty where the image sets none, which no known Linux image does.
    """

    distribution: str
    workdir: str
    user: str
    shell: tuple[str, ...]


UNKNOWN: Final = BaseImage("", "", "", ())
_WINDOWS: Final = BaseImage("windows", "", "", ())


def base_image(reference: ImageReference | None) -> BaseImage:
    """What is known of an image; `UNKNOWN` where nothing is."""
    if reference is None:
        return UNKNOWN
    if reference.is_windows:
        return _WINDOWS
    knowledge = _load()
    entry = knowledge.find(reference)
    if entry is None:
        return UNKNOWN
    values = [_value(entry, key, reference) for key in ("distribution", "workdir", "user")]
    return BaseImage(values[0] or knowledge.distribution(entry, reference), values[1] or "", values[2] or "", ())


def known_value(reference: ImageReference, key: str) -> Any:
    """What the data file says of an image under a key, by its tag; None or "" where that is not known."""
    entry = _load().find(reference)
    return _value(entry, key, reference) if entry else None


def load_tool_sets() -> list[dict[str, Any]]:
    """The names under which the data file lists several programs."""
    return _load().tool_sets


def _value(entry: dict[str, Any], key: str, reference: ImageReference) -> Any:
    """The value of a key for this tag. The distribution only by an exception: suites come before the default."""
    pinned = bool(reference.digest and not reference.tag)
    for exception in entry.get("tags", ()):
        if key in exception and (pinned or re.search(exception["match"], reference.tag)):
            # A digest alone may stand for any tag, so what depends on the tag is not known.
            return "" if pinned else exception[key]
    return None if key == "distribution" else entry.get(key)


class _Knowledge:
    """The data file, with what it takes to look things up."""

    __slots__ = ("_images", "_suites", "tool_sets")

    def __init__(self, data: dict[str, Any]) -> None:
        self._images: Final[dict[str, dict[str, Any]]] = {
            name: entry for entry in data["image"] for name in entry["names"]
        }
        self.tool_sets: Final[list[dict[str, Any]]] = data["tools"]
        self._suites: Final = [(re.compile(suite["match"]), str(suite["distribution"])) for suite in data["suite"]]

    def find(self, reference: ImageReference) -> dict[str, Any] | None:
        name = "scratch" if reference.is_scratch else reference.family
        if not name:
            name = f"{reference.registry}/{reference.repository}"
        return self._images.get(name) or self._images.get(name.rpartition("/")[0] + "/*")

    def distribution(self, entry: dict[str, Any], reference: ImageReference) -> str:
        if entry.get("of_every_tag"):
            return str(entry["distribution"])
        if reference.digest and not reference.tag:
            return ""
        for pattern, distribution in self._suites:
            if pattern.search(reference.tag):
                return distribution
        return str(entry.get("distribution", ""))


_knowledge: _Knowledge | None = None


def _load() -> _Knowledge:
    """Read the data file once, and only when asked: many files need none of it."""
    global _knowledge
    if _knowledge is None:
        import os.path
        import tomllib

        with open(os.path.join(os.path.dirname(__file__), "data", "base_images.toml"), "rb") as file:
            _knowledge = _Knowledge(tomllib.load(file))
    return _knowledge
