"""The lighter twin of a base image: the same version on the same release, without what only builds need.

Which tags exist is known from `data/official_tags.py`, what the twin lacks from `data/lighter_images.toml`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final, Literal, NamedTuple

from rewriter.model.data import official_tags
from rewriter.model.image import ImageReference
from rewriter.model.stages import Stage, StageGraph

_TAG_OF_ARGUMENT: Final = re.compile(r"([^$]*:)(\$(?:\{(\w+)\}|(\w+)))([.-][\w.-]*)?\Z")
_VERSION: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*\Z")


class Kind(NamedTuple):
    """What a sort of lighter images lacks; `without` as in the data file."""

    name: Literal["slim", "runtime"]
    lacks: frozenset[str]
    without: frozenset[str]


class Twin(NamedTuple):
    """The lighter image, and `text`: what FROM is to name for it, with the variables that it names now."""

    image: ImageReference
    text: str
    kind: Kind


class NoTwinError(Exception):
    """Why an image that may have a lighter twin is left alone."""


def twin_of(stage: Stage, graph: StageGraph) -> Twin | None:
    """The lighter twin of the image that a stage starts from; None where there is none.

    Raises NoTwinError where there may be one that FROM cannot be told to name.
    """
    image = stage.base
    if image is None or stage.is_windows or not image.family:
        return None
    tag, kind = _lighter_tag(image)
    if not tag:
        return None
    if kind is None:
        raise NoTwinError(f"what {image.family}:{tag} lacks is not known")
    if image.digest:
        raise NoTwinError("its digest says exactly which image is meant")
    if image.tag in ("", "latest"):
        raise NoTwinError(f"{image} names no version")
    lighter = image._replace(tag=tag)
    text = _rewritten(stage.from_.image.text, image, tag, graph)
    if not text:
        raise NoTwinError("a build argument says which image it is")
    return Twin(lighter, text, kind)


def _lighter_tag(image: ImageReference) -> tuple[str, Kind | None]:
    known = kinds()
    if tag := official_tags.runtime_twin(image):
        return tag, known.get((image.family, "runtime"))
    if tag := official_tags.slim_twin(image):
        return tag, known.get((image.family, "slim"))
    return "", None


def _rewritten(word: str, image: ImageReference, tag: str, graph: StageGraph) -> str:
    """The word of FROM with another tag; empty where a variable stands where the tags differ."""
    if "$" not in word:
        return word.removesuffix(image.tag) + tag if word.endswith(f":{image.tag}") else ""
    match = _TAG_OF_ARGUMENT.match(word)
    if match is None:
        return ""
    front, variable, braced, plain, _ = match.groups("")
    name = braced or plain
    value = graph.global_arguments.get(name) or ""
    # Who builds with another value must be understood to give a bare version as well.
    if "VERSION" not in name.upper() or not _VERSION.match(value) or not tag.startswith(f"{value}-"):
        return ""
    return front + variable + tag.removeprefix(value)


@cache
def kinds() -> dict[tuple[str, str], Kind]:
    """The sorts of lighter images, by their image and the sort."""
    import os.path
    import tomllib

    folder = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data")
    with open(os.path.join(folder, "lighter_images.toml"), "rb") as file:
        data: dict[str, list[dict[str, Any]]] = tomllib.load(file)
    programs = {entry["name"]: frozenset(entry["names"].split()) for entry in data["programs"]}
    found: dict[tuple[str, str], Kind] = {}
    for entry in data["image"]:
        lacks = frozenset().union(*(programs[name] for name in entry["lacks"].split()))
        kind = Kind(entry["kind"], lacks, frozenset(entry["without"]))
        found.update(((name, entry["kind"]), kind) for name in entry["names"])
    return found
