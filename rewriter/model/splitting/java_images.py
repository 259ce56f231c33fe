"""The image with only the Java runtime that belongs to an image with the development kit, with Maven or with Gradle.

Maven's and Gradle's images are made from those of Eclipse Temurin, before that from OpenJDK's:
https://github.com/carlossg/docker-maven, https://github.com/gradle/docker-gradle
"""

from __future__ import annotations

import re
from typing import Final

from rewriter.model.data.official_tags import listing, runtime_twin, suite_in, suites
from rewriter.model.image import ImageReference, parse_image
from rewriter.model.splitting.parts import UnsplitError
from rewriter.model.stages import Stage

_SUITES: Final = r"alpine|focal|jammy|noble|resolute"
_ON_TEMURIN: Final = re.compile(rf"(?:^|-)(?:eclipse-temurin-|jdk)(?P<number>\d+)(?:-(?P<suite>{_SUITES}))?$")
_ON_OPENJDK: Final = re.compile(r"-(?:open)?jdk-(?P<number>\d+)(?P<slim>-slim)?$")
_FIRST_GRADLE_ON_TEMURIN: Final = "2022-01-01"
"""Gradle's images that were listed first from then on: https://github.com/keeganwitt/docker-gradle"""


def runtime_image(stage: Stage) -> str:
    """The image with the runtime of the same version of Java. Raises UnsplitError where none is known."""
    origin = stage.origin
    if origin is None or "$" in stage.from_.image.text or origin.digest or stage.parent:
        raise UnsplitError("which Java image it is may change")
    family, tag = _runtime(origin)
    if not tag:
        raise UnsplitError(f"no image with only the runtime of {origin} is known")
    return f"{origin.name.removesuffix(origin.family)}{family}:{tag}"


def _runtime(origin: ImageReference) -> tuple[str, str]:
    if origin.family not in ("maven", "gradle"):
        return origin.family, runtime_twin(origin)
    if match := _ON_TEMURIN.search(origin.tag):
        if origin.family == "gradle" and not _is_new(origin):
            return "", ""
        tag = f"{match['number']}-jre"
        found = suites(origin)
        release = match["suite"] or (next(iter(found)) if len(found) == 1 and listing(origin) else "")
        return "eclipse-temurin", _listed("eclipse-temurin", f"{tag}-{release}" if release else tag)
    if (match := _ON_OPENJDK.search(origin.tag)) and origin.family == "maven":
        return "openjdk", _listed("openjdk", f"{match['number']}-jre{match['slim'] or ''}")
    return "", ""


def _is_new(origin: ImageReference) -> bool:
    found = listing(origin)
    return found is not None and (found.is_listed or found.first >= _FIRST_GRADLE_ON_TEMURIN)


def _listed(family: str, tag: str) -> str:
    return tag if listing(parse_image(f"{family}:{tag}")) else ""


def is_alpine(image: str) -> bool:
    """Whether an image is one of Alpine."""
    return "alpine" in image.rpartition(":")[2] or suite_in(image.rpartition(":")[2]).startswith("alpine")
