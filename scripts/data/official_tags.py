"""Writes `official_tags.zlib`: every tag that official images ever listed, since when, until when, and its suite.

The source is https://github.com/docker-library/official-images (Apache-2.0), in one of two forms: a git checkout, whose
history of `library/` is walked; or a folder with `tags.tsv` (image, tag, first date, last date or `listed`) that was
made by such a walk, and `library/` as it stood then. A tag's last date is the day of the change that dropped it.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple, Self

from rewriter.model.data.official_tags import DAY_ZERO, LISTED, NO_VARIANT, suite_in
from scripts.data.packed import pack

_OLD_LINE: Final = re.compile(r"(?m)^([\w.-]+):\s+(?:git|https?)://\S+@\S+")
_LONGEST_PREFIX: Final = 60


class Tag(NamedTuple):
    """When a tag was listed, ISO dates; `last` is `listed` while it is, `suite` what it meant at its last listing."""

    first: str
    last: str
    suite: str = ""


Images = dict[str, dict[str, Tag]]


def read_source(folder: Path) -> tuple[Images, list[str]]:
    """The tags of all images, and lines for the header that say where they come from."""
    table = folder / "tags.tsv"
    if table.is_file():
        return _read_table(folder)
    return _walk(folder)


def generate(images: Images, origin: Iterable[str]) -> bytes:
    """The packed file, with a part for each image."""
    newest = max(
        day for tags in images.values() for tag in tags.values() for day in (tag.first, tag.last) if day[:1] in "12"
    )
    header = [
        'Tags of the official images, by `make data ARGS="tags FOLDER"` from docker-library/official-images.',
        "source: https://github.com/docker-library/official-images, Apache-2.0, see official_tags.LICENSE",
        *origin,
        f"newest change: {newest}",
    ]
    return pack(header, {image: _part(tags) for image, tags in sorted(images.items())})


def read_definition(text: str) -> dict[str, str]:
    """The tags of a file of `library/` with the suite that each means, empty where it names none."""
    suites: dict[str, str] = {}
    for stanza in re.split(r"\n[ \t]*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        if old := _OLD_LINE.findall(stanza):
            suites.update((tag, suite_in(tag)) for tag in old)
            continue
        joined = re.sub(r"\n[ \t]+", " ", stanza)
        fields = dict(line.split(":", 1) for line in joined.split("\n") if ":" in line)
        own = _words(fields.get("Tags", ""))
        shared = _words(fields.get("SharedTags", ""))
        is_windows = "windows" in fields.get("Architectures", "")
        named = [suite for tag in (*own, *shared) if (suite := suite_in(tag))]
        suite = "" if is_windows else next(iter(named), suite_in(fields.get("Directory", "").strip().replace("/", "-")))
        for tag in own:
            suites[tag] = suite_in(tag) or suite
        for tag in shared:
            suites[tag] = suite_in(tag) or suite or suites.get(tag, "")
    return suites


def _words(field: str) -> list[str]:
    return [word for one in field.split(",") if (word := one.strip())]


def _read_table(folder: Path) -> tuple[Images, list[str]]:
    content = (folder / "tags.tsv").read_bytes()
    rows = (line.split("\t") for line in content.decode().split("\n")[1:] if line)
    images: Images = {}
    for image, tag, first, last in rows:
        images.setdefault(image, {})[tag] = Tag(first, last)
    definitions = sorted((folder / "library").glob("*"))
    for definition in definitions:
        for tag, suite in read_definition(definition.read_text("utf-8")).items():
            if tag in images.get(definition.name, {}):
                images[definition.name][tag] = images[definition.name][tag]._replace(suite=suite)
    names = " ".join(path.name for path in definitions)
    return images, [f"from: tags.tsv, sha256 {hashlib.sha256(content).hexdigest()}", f"from: library/ of {names}"]


class _Change(NamedTuple):
    day: str
    image: str
    blob: str


def _walk(checkout: Path) -> tuple[Images, list[str]]:
    """Follow each file of `library/` from its first commit to its last."""
    images: Images = {}
    listed: dict[str, dict[str, str]] = {}
    with _Blobs(checkout) as blobs:
        for day, image, blob in _changes(checkout):
            before = listed.get(image, {})
            now = read_definition(blobs.read(blob)) if blob.strip("0") else {}
            tags = images.setdefault(image, {})
            for tag in before.keys() - now.keys():
                tags[tag] = tags[tag]._replace(last=day)
            for tag, suite in now.items():
                first = tags[tag].first if tag in tags else day
                tags[tag] = Tag(first, "listed", suite)
            listed[image] = now
    head = _git(checkout, "rev-parse", "HEAD").strip()
    return {image: tags for image, tags in images.items() if tags}, [f"from: git history of library/ up to {head}"]


def _changes(checkout: Path) -> Iterator[_Change]:
    """What each commit on the main line did to the files of `library/`, oldest first; a deletion's blob is all 0."""
    log = _git(
        checkout, "log", "--first-parent", "--diff-merges=first-parent", "--reverse", "--no-renames", "--raw",
        "--no-abbrev", "--date=format-local:%Y-%m-%d", "--format=commit %cd", "--", "library/",
    )  # fmt: skip
    day = ""
    for line in log.split("\n"):
        if line.startswith("commit "):
            day = line.removeprefix("commit ")
        elif line.startswith(":"):
            described, path = line.split("\t")
            yield _Change(day, path.removeprefix("library/"), described.split(" ")[3])


class _Blobs:
    """The contents of git's objects, from one process that stays."""

    def __init__(self, checkout: Path) -> None:
        command = ["git", "-C", str(checkout), "cat-file", "--batch"]
        self._process: Final = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def read(self, name: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{name}\n".encode())
        self._process.stdin.flush()
        size = int(self._process.stdout.readline().split()[2])
        return self._process.stdout.read(size + 1)[:-1].decode("utf-8", "replace")


def _git(checkout: Path, *arguments: str) -> str:
    environment = {**os.environ, "TZ": "UTC"}
    command = ["git", "-C", str(checkout), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


def _part(tags: dict[str, Tag]) -> str:
    """The text of an image: dates, tags, variants, suites, each behind an empty line.

    Tags that came and went on the same days stand on one line, and in it those of the same variants together, so that
    `3.11.4 3.11.4-slim 3.11 3.11-slim` takes two versions and the number of a line of variants.
    """
    periods: dict[tuple[str, str], dict[str, set[str]]] = {}
    for name, tag in tags.items():
        version, _, variant = name.partition("-")
        periods.setdefault((tag.first, tag.last), {}).setdefault(version, set()).add(variant or NO_VARIANT)
    numbers: dict[tuple[str, ...], int] = {}
    lines = []
    for _, versions in sorted(periods.items()):
        groups: dict[int, list[str]] = {}
        for version, variants in sorted(versions.items()):
            number = numbers.setdefault(tuple(sorted(variants)), len(numbers))
            groups.setdefault(number, []).append(version)
        lines.append("\t".join(f"{number} {_shortened(names)}" for number, names in groups.items()))
    suites: dict[str, list[str]] = {}
    for name, tag in sorted(tags.items()):
        if tag.suite and tag.suite != suite_in(name):
            suites.setdefault(tag.suite, []).append(name)
    sections = (
        [" ".join(f"{_days(first)},{_days(last)}" for first, last in sorted(periods))],
        lines,
        [_shortened(variants) for variants in numbers],
        [f"{suite} {_shortened(names)}" for suite, names in sorted(suites.items())],
    )
    return "\n\n".join("\n".join(section) for section in sections)


def _days(day: str) -> str:
    return LISTED if day == "listed" else str((date.fromisoformat(day) - DAY_ZERO).days)


def _shortened(names: Iterable[str]) -> str:
    """Words that each say how many letters they share with the one before: one character counted from `0`."""
    words, previous = [], ""
    for name in names:
        pairs = zip(name[:_LONGEST_PREFIX], previous, strict=False)
        shared = next((number for number, (one, other) in enumerate(pairs) if one != other), -1)
        if shared < 0:
            shared = min(len(name), len(previous), _LONGEST_PREFIX)
        words.append(chr(ord("0") + shared) + name[shared:])
        previous = name
    return " ".join(words)
