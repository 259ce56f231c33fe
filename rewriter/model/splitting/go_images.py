"""The image that a Go binary runs in: a small one of the release that the Go image is based on."""

from __future__ import annotations

from rewriter.model.data.debian import SUITES
from rewriter.model.data.official_tags import listing, suite_in, suites
from rewriter.model.image import ImageReference
from rewriter.model.splitting.parts import UnsplitError
from rewriter.model.stages import Stage


def release_of(stage: Stage) -> str:
    """The release of the Go image: the one that its tag names, else the newest that it is published for."""
    origin = stage.origin
    if origin is None or "$" in stage.from_.image.text or origin.digest or stage.parent:
        raise UnsplitError("which Go image it is may change")
    known = [one for one in suites(origin) if one in SUITES or one.startswith("alpine")]
    found = max((one for one in known if _is_published(origin, one)), key=_number, default="")
    if not found:
        raise UnsplitError("the release that the Go image is based on is not known")
    return found


def small_image(stage: Stage, release: str) -> str:
    """The small image of a release, from the same registry."""
    assert stage.origin is not None
    registry = stage.origin.name.removesuffix("golang")
    if release.startswith("alpine"):
        return f"{registry}alpine:{release.removeprefix('alpine')}"
    return f"{registry}debian:{release}-slim"


def pinned_to(stage: Stage, release: str) -> str:
    """The Go image of just this release; empty where the tag names one already."""
    origin = stage.origin
    assert origin is not None
    return "" if suite_in(origin.tag) else f"{origin.name}:{_with_release(origin.tag, release)}"


def _is_published(origin: ImageReference, release: str) -> bool:
    if suite_in(origin.tag) == release:
        return True
    return listing(origin._replace(tag=_with_release(origin.tag, release))) is not None


def _number(release: str) -> tuple[int, ...]:
    if release in SUITES:
        return (SUITES.index(release),)
    return tuple(int(part) for part in release.removeprefix("alpine").split("."))


def _with_release(tag: str, release: str) -> str:
    if release.startswith("alpine"):
        return f"{tag.removesuffix('alpine')}{release}"
    return f"{tag}-{release}" if tag and tag != "latest" else release
