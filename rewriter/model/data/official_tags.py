"""The tags of Docker's official images: which were ever listed, since when, until when, and what they mean.

Read from `data/official_tags.zlib`, one image at a time. A tag that is listed no longer still exists on Docker Hub, but
nobody maintains it. What is not known is empty: of images beyond the official ones, nothing is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Final, NamedTuple

from rewriter.model.data.packed import PackedFile
from rewriter.model.image import ImageReference

DAY_ZERO: Final = date(2014, 1, 1)
LISTED: Final = "+"
NO_VARIANT: Final = "."
"""How the data file writes dates, that a tag is still listed, and a tag without a variant."""

_SUITE: Final = re.compile(
    r"(?:^|[-_])("
    r"wheezy|jessie|stretch|buster|bullseye|bookworm|trixie|forky|sid"
    r"|trusty|xenial|bionic|focal|groovy|hirsute|impish|jammy|kinetic|lunar|mantic|noble|oracular|plucky|questing|resolute"
    r"|alpine\d+\.\d+|ubi\d+|oraclelinux\d+|oracle|al20\d\d|al2|centos\d+|rockylinux\d+"
    r"|windowsservercore(?:-[a-z0-9]+)?|nanoserver(?:-[a-z0-9]+)?"
    r")(?=$|[-_])"
)
_PLAIN_VERSION: Final = re.compile(r"\d{1,4}(?:\.\d{1,3})?$")
_ONE_NUMBER: Final = "debian node postgres redis caddy traefik rabbitmq gcc erlang composer docker"
_TWO_NUMBERS: Final = (
    "alpine ubuntu nginx python golang rust ruby php httpd mysql mariadb memcached haproxy elixir julia swift"
)
_NUMBERS_TO_PIN: Final = {
    name: count for count, names in enumerate((_ONE_NUMBER, _TWO_NUMBERS), start=1) for name in names.split()
}
_OF_WINDOWS: Final = ("windowsservercore", "nanoserver")
_VARIANT_OF_SUITE: Final = re.compile(r"^(alpine)\d.*")


class Listing(NamedTuple):
    """When a tag was listed, as ISO dates: from `first`, and until `last`, which is empty while it still is."""

    first: str
    last: str

    @property
    def is_listed(self) -> bool:
        """Whether it is still listed, as far as the data goes."""
        return not self.last

    def outlives(self, other: Listing) -> bool:
        """Whether it was listed for as long as another tag was, or longer."""
        return self.is_listed or bool(other.last and self.last >= other.last)


def suite_in(tag: str) -> str:
    """The release of a distribution that a tag itself names, such as `bookworm` or `alpine3.20`."""
    found = _SUITE.search(tag)
    return found[1] if found else ""


def is_known(reference: ImageReference) -> bool:
    """Whether all tags of this image are known; without that, a missing listing tells nothing."""
    return bool(reference.family) and reference.family in _file()


def listing(reference: ImageReference) -> Listing | None:
    """When the tag was listed; None where it never was or the image is not known."""
    found = _tags(reference).get(_tag_of(reference))
    return Listing(*map(_iso, found)) if found else None


def suite(reference: ImageReference) -> str:
    """The release that the tag means: the one it names, else the one it stood for when it was last listed."""
    tag = _tag_of(reference)
    return suite_in(tag) or (_image(reference.family).suites.get(tag, "") if is_known(reference) else "")


def suites(reference: ImageReference) -> frozenset[str]:
    """All releases of Linux distributions that the tag can mean, as far as tags tell that name one beside it.

    `python:3.11` has been bullseye, bookworm and trixie, so what is written for it must hold in each of them. A tag
    that is listed no longer stays what it was: one of those that were dropped on the same day.
    """
    tag = _tag_of(reference)
    if named := suite_in(tag):
        return frozenset({named})
    tags = _tags(reference)
    if tag not in tags:
        return frozenset()
    last = tags[tag][1]
    if last != LISTED and (known := suite(reference)):
        return frozenset({known})
    others = [other for other, period in tags.items() if last in (LISTED, period[1])]
    found = {one for other in others if (one := suite_in(other)) and _without_suite(other, one) == tag}
    found |= {suite(reference)} - {""}
    return frozenset(one for one in found if not one.startswith(_OF_WINDOWS))


def slim_twin(reference: ImageReference) -> str:
    """The tag of the `-slim` image of the same version and release; empty where there never was one for as long.

    The order of the words differs: `python:3.11-slim-bookworm`, but `node:20-bookworm-slim`.
    """
    return _twin(reference, _slim_names(_tag_of(reference)))


def runtime_twin(reference: ImageReference) -> str:
    """The tag of the image with a Java runtime in place of the development kit, everything else the same.

    A tag that says neither means the kit: `eclipse-temurin:21` is `21-jdk`.
    """
    tag = _tag_of(reference)
    replaced = re.sub(r"(^|-)jdk(?=-|$)", r"\1jre", tag)
    if replaced == tag and not re.search(r"(^|-)jre", tag):
        replaced = re.sub(r"^(\d[^-]*)(?=-|$)", r"\1-jre", tag)
    return _twin(reference, [replaced] if replaced != tag else [])


def is_version(reference: ImageReference, text: str) -> bool:
    """Whether a version has as many numbers as one would pin: `20` of Node, but `3.11` of Python."""
    return text.count(".") + 1 >= _NUMBERS_TO_PIN.get(reference.family, 1)


def meaning_of_latest(reference: ImageReference) -> str:
    """The version that `latest` stood for when the data was made, as `3.24`; empty where that cannot be told.

    The pages of these images say that `latest` is the newest stable version: https://hub.docker.com/_/alpine and so on.
    That of Ubuntu is the newest with long-term support. As many numbers as one would pin: two, or one where the second
    says nothing of what works together.
    """
    return _meaning_of_latest(reference._replace(tag="latest", digest=""))


@cache
def _meaning_of_latest(reference: ImageReference) -> str:
    numbers = _NUMBERS_TO_PIN.get(reference.family, 0)
    latest = listing(reference)
    if not numbers or latest is None or not latest.is_listed:
        return ""
    found = []
    for tag, listed in all_tags(reference).items():
        if listed.is_listed and _PLAIN_VERSION.match(tag):
            version = tuple(map(int, tag.split(".")))
            if len(version) == numbers and (reference.family != "ubuntu" or (version[0] % 2 == 0 and version[1] == 4)):
                found.append((version, tag))
    tag = max(found, default=((), ""))[1]
    return tag if tag and _is_same_suite(reference, tag) else ""


def all_tags(reference: ImageReference) -> Mapping[str, Listing]:
    """Every tag that the image ever listed."""
    return {tag: Listing(*map(_iso, period)) for tag, period in _tags(reference).items()}


class _Image(NamedTuple):
    tags: dict[str, tuple[str, str]]
    suites: dict[str, str]


def _tag_of(reference: ImageReference) -> str:
    return reference.tag or ("" if reference.digest else "latest")


def _twin(reference: ImageReference, names: list[str]) -> str:
    own = listing(reference)
    for name in names if own else ():
        other = listing(reference._replace(tag=name, digest=""))
        if own and other and other.outlives(own) and _is_same_suite(reference, name):
            return name
    return ""


def _is_same_suite(reference: ImageReference, name: str) -> bool:
    here, there = suite(reference), suite(reference._replace(tag=name, digest=""))
    return not here or not there or here == there


def _slim_names(tag: str) -> list[str]:
    if re.search(r"(^|-)(slim|alpine)", tag):
        return []
    if tag == "latest":
        return ["slim"]
    named = suite_in(tag)
    names = [f"{tag}-slim"]
    if named:
        names.insert(0, re.sub(rf"(^|-){re.escape(named)}", rf"\1slim-{named}", tag))
    return names


def _without_suite(tag: str, named: str) -> str:
    """The tag as it is when it names no release: `3.11-slim` for `3.11-slim-bookworm`, `3.11-alpine`, `latest`."""
    kept = _VARIANT_OF_SUITE.sub(r"\1", named) if _VARIANT_OF_SUITE.match(named) else ""
    words = [word for word in re.sub(rf"(^|-){re.escape(named)}(?=-|$)", f"-{kept}", tag).split("-") if word]
    return "-".join(words) or "latest"


def _tags(reference: ImageReference) -> dict[str, tuple[str, str]]:
    return _image(reference.family).tags if is_known(reference) else {}


@cache
def _file() -> PackedFile:
    return PackedFile("official_tags.zlib")


@cache
def _image(name: str) -> _Image:
    """Unpack an image; the sections are described where they are written, in scripts/data/official_tags.py."""
    periods, groups, variants, suites = (section.split("\n") for section in _file().read(name).split("\n\n"))
    endings = [["" if one == NO_VARIANT else f"-{one}" for one in _lengthened(line)] for line in variants]
    tags: dict[str, tuple[str, str]] = {}
    for period, line in zip(periods[0].split(" "), groups, strict=True):
        first, _, last = period.partition(",")
        for group in line.split("\t"):
            number, _, versions = group.partition(" ")
            for version in _lengthened(versions):
                tags.update((version + ending, (first, last)) for ending in endings[int(number)])
    means: dict[str, str] = {}
    for line in suites if suites[0] else ():
        named, _, rest = line.partition(" ")
        means.update((tag, named) for tag in _lengthened(rest))
    return _Image(tags, means)


def _lengthened(words: str) -> Iterator[str]:
    """Words that each say how many letters they share with the one before."""
    previous = ""
    for word in words.split(" "):
        previous = previous[: ord(word[0]) - ord("0")] + word[1:]
        yield previous


def _iso(days: str) -> str:
    return "" if days == LISTED else (DAY_ZERO + timedelta(int(days))).isoformat()
