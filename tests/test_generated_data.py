"""The packed data files are what their commands write."""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Final

import pytest

import rewriter.model
import scripts.data
from rewriter.model.data import debian as reader
from rewriter.model.data.packed import PackedFile
from scripts.data import debian, official_tags
from scripts.data.debian_index import Index
from scripts.data.packed import pack

DATA: Final = Path(rewriter.model.__file__).parent / "data"
CHOICES: Final = Path(scripts.data.__file__).parent / "debian_choices.toml"

PACKAGES: Final = """\
Package: apt
Section: admin
Description: a field that goes on
 Depends: not-a-field
Depends: libstdc++6 (>= 11)

Package: build-essential
Section: devel
Depends: libc6-dev | libc-dev, gcc (>= 4:10.2)

Package: curl
Section: web
Depends: libcurl4 (= 7.88.1)

Package: far
Section: web
Depends: near

Package: farther
Section: web
Depends: far

Package: gcc
Section: devel
Recommends: libc6-dev | libc-dev, gcc-doc

Package: gcc-doc
Section: doc

Package: git
Section: vcs
Recommends: ca-certificates, less, ssh-client

Package: less
Section: text

Package: libatomic1
Section: libs

Package: ca-certificates
Section: misc

Package: libbundle-dev
Section: libdevel
Depends: libc6-dev, libone-dev

Package: libc6-dev
Section: libdevel
Depends: libc6

Package: libcurl4
Section: libs
Source: curl (7.88.1-1)
Recommends: ca-certificates

Package: libheaders-dev
Section: libdevel

Package: libone-dev
Section: libdevel
Source: one
Provides: libold-dev (= 1)
Depends: libone1 (= 1:1.0-2), libone-bin, libone-extra-dev, libother-dev, libstdc++6

Package: libone-extra-dev
Section: libdevel
Source: one
Depends: libone-extra2

Package: libone-extra2
Section: libs

Package: libone-bin
Section: libs

Package: libone1
Section: libs

Package: libother-dev
Section: libdevel
Depends: libother3

Package: libother3
Section: libs

Package: librust-one-dev
Section: rust
Depends: libone1

Package: libstdc++6
Section: libs

Package: libc6
Section: libs

Package: near
Section: web
Depends: curl

Package: openssh-client
Section: net
Provides: ssh-client

Package: python3
Section: python
Source: python3-defaults
Depends: python3.11

Package: python3-thing
Section: python
Depends: python3

Package: python3.11
Section: python
Recommends: ca-certificates
"""


def index(suite: str, text: str = PACKAGES) -> Index:
    return Index(suite, lzma.compress(text.encode()))


@pytest.fixture(scope="module")
def rules() -> debian.Rules:
    return debian.Rules(index("bookworm"))


@pytest.mark.parametrize(
    ("package", "libraries"),
    [
        # Its own library and that of headers of the same source; what other headers bring, comes with them.
        ("libone-dev", {"libone1", "libone-extra2"}),
        # No library of its own: those of the headers it stands for.
        ("libbundle-dev", {"libone1", "libone-extra2"}),
        ("libheaders-dev", set()),
        # A name that one package provides.
        ("libold-dev", {"libone1", "libone-extra2"}),
        # By hand: libraries that the suite has, of those that programs may link.
        ("gcc", {"libatomic1"}),
        ("libc6-dev", set()),
    ],
)
def test_what_stays_of_a_package_that_builds_need(rules: debian.Rules, package: str, libraries: set[str]) -> None:
    assert rules.build_only()[package] == libraries


@pytest.mark.parametrize("package", ["curl", "git", "libone1", "librust-one-dev", "less"])
def test_other_packages_are_not_taken_for_build_packages(rules: debian.Rules, package: str) -> None:
    assert package not in rules.build_only()


def test_recommended_packages_that_matter(rules: debian.Rules) -> None:
    assert rules.needed_recommendations() == {
        "curl": {"ca-certificates"},
        "gcc": {"libc6-dev"},
        "git": {"ca-certificates", "openssh-client"},
        "libcurl4": {"ca-certificates"},
        "near": {"ca-certificates"},
        "python3": {"ca-certificates"},
        "python3.11": {"ca-certificates"},
    }


def test_the_table_of_debian_reads_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = PACKAGES.replace("libone1", "libone1t64").replace("Package: less\n", "Package: more\n")
    data = debian.generate([index("bullseye"), index("bookworm"), index("trixie", newer)])
    (tmp_path / "debian_packages.zlib").write_bytes(data)
    monkeypatch.setattr("rewriter.model.data.packed.dirname", lambda _: str(tmp_path))
    reader._rows.cache_clear()
    try:
        assert reader.runtime_libraries("libone-dev", "bookworm") == frozenset({"libone1", "libone-extra2"})
        assert reader.runtime_libraries("libone-dev", "trixie") == frozenset({"libone1t64", "libone-extra2"})
        assert reader.runtime_libraries("libheaders-dev", "trixie") == frozenset()
        assert reader.runtime_libraries("git", "trixie") is None
        assert reader.needed_recommendations("git", "trixie") == {"ca-certificates", "openssh-client"}
    finally:
        reader._rows.cache_clear()


def test_the_table_of_complete_packages_reads_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = PACKAGES.replace("Recommends: libc6-dev | libc-dev, gcc-doc", "Recommends: libc6-dev, libother3")
    newer = newer.replace("Package: near\n", "Package: nearer\n")
    (tmp_path / "debian_packages.zlib").write_bytes(debian.generate([index("bullseye")]))
    written = debian.generate_complete([index("bullseye"), index("bookworm"), index("trixie", newer)])
    (tmp_path / "debian_complete.zlib").write_bytes(written)
    monkeypatch.setattr("rewriter.model.data.packed.dirname", lambda _: str(tmp_path))
    readers = (reader._rows, reader._complete, reader.packages_of_programs)
    for one in readers:
        one.cache_clear()
    try:
        assert reader.is_complete("git", "trixie")
        assert reader.unneeded_recommendations("git", "bookworm") == {"less"}
        assert reader.is_complete("gcc", "bookworm")
        assert not reader.is_complete("gcc", "trixie")  # nobody has said what becomes of libother3
        assert not reader.is_complete_everywhere("gcc")
        assert not reader.is_complete("near", "trixie")
        assert reader.is_complete_everywhere("near")
        assert reader.is_complete_everywhere("libold-dev")
        assert not reader.is_complete("librust-one-dev", "bookworm")
        assert not reader.is_complete("never-heard-of", "bookworm")
        assert not reader.is_complete("git", "noble")
        assert reader.packages_of_programs()["killall"] == "psmisc"
    finally:
        for one in readers:
            one.cache_clear()


@pytest.mark.parametrize("name", ["debian_packages.zlib", "debian_complete.zlib"])
def test_the_table_of_debian_is_made_with_the_choices_as_they_stand(name: str) -> None:
    checksum = hashlib.sha256(CHOICES.read_bytes()).hexdigest()
    assert f"from: scripts/data/debian_choices.toml, sha256 {checksum}" in PackedFile(name).header


def test_every_choice_has_a_reason_and_a_source() -> None:
    choices = tomllib.loads(CHOICES.read_text("utf-8"))
    assert all(entry["package"] and entry["programs"].split() for entry in choices.pop("program"))
    assert set(choices) == {"build_tool", "recommendation", "unneeded", "interpreter"}
    for entry in (entry for entries in choices.values() for entry in entries):
        assert entry["reason"], entry
        assert entry["source"].startswith("https://"), entry
        re.compile(entry["match"])


OLD: Final = """\
# maintainer: A Name <name@example.org> (@name)

1.0: git://github.com/example/tool@0123456789 1.0
latest: git://github.com/example/tool@0123456789 1.0

1.0-slim: git://github.com/example/tool@0123456789 1.0/slim
"""
NEW: Final = """\
Maintainers: A Name <name@example.org> (@name)
GitRepo: https://github.com/example/tool.git

Tags: 1.1-bookworm, 1-bookworm,
 bookworm
SharedTags: 1.1, 1, latest
Architectures: amd64
Directory: 1.1/bookworm

Tags: 1.1-slim-bookworm, 1.1-slim
Architectures: amd64
Directory: 1.1/slim-bookworm

Tags: 1.1-windowsservercore-ltsc2025
SharedTags: 1.1-windowsservercore, 1.1, 1, latest
Architectures: windows-amd64
Directory: 1.1/windows

# a comment

Tags: 1.1-plain
Directory: 1.1/alpine3.20
"""


def test_both_forms_of_a_definition_are_read() -> None:
    assert official_tags.read_definition(OLD) == {"1.0": "", "latest": "", "1.0-slim": ""}
    assert official_tags.read_definition(NEW) == {
        **dict.fromkeys(["1.1-bookworm", "1-bookworm", "bookworm", "1.1", "1", "latest"], "bookworm"),
        **dict.fromkeys(["1.1-slim-bookworm", "1.1-slim"], "bookworm"),
        "1.1-windowsservercore-ltsc2025": "windowsservercore-ltsc2025",
        "1.1-windowsservercore": "windowsservercore",
        "1.1-plain": "alpine3.20",
    }


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository in which a tool went from one version to the next, and another tool went."""
    folder = tmp_path / "official-images"
    (folder / "library").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "master")
    (folder / "library/tool").write_text(OLD, encoding="utf-8")
    (folder / "library/gone").write_text(OLD, encoding="utf-8")
    (folder / "README.md").write_text("no definition\n", encoding="utf-8")
    commit(folder, "2015-03-01T12:00:00Z")
    (folder / "library/tool").write_text(NEW, encoding="utf-8")
    commit(folder, "2024-06-30T23:30:00-02:00")
    (folder / "library/gone").unlink()
    commit(folder, "2025-01-02T00:00:00Z")
    return folder


def git(folder: Path, *arguments: str, day: str = "2015-01-01T00:00:00Z") -> None:
    names = {f"GIT_{role}_{key}": "x@example.org" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    days = {"GIT_AUTHOR_DATE": day, "GIT_COMMITTER_DATE": day}
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, env={**os.environ, **names, **days})


def commit(folder: Path, day: str) -> None:
    git(folder, "add", "-A")
    git(folder, "-c", "commit.gpgsign=false", "commit", "-q", "-m", "Update", day=day)


def test_the_history_of_a_checkout_is_walked(checkout: Path) -> None:
    images, origin = official_tags.read_source(checkout)
    assert images["gone"] == dict.fromkeys(["1.0", "1.0-slim", "latest"], official_tags.Tag("2015-03-01", "2025-01-02"))
    assert images["tool"]["1.0"] == official_tags.Tag("2015-03-01", "2024-07-01")
    assert images["tool"]["latest"] == official_tags.Tag("2015-03-01", "listed", "bookworm")
    assert images["tool"]["1.1-slim"] == official_tags.Tag("2024-07-01", "listed", "bookworm")
    assert origin[0].startswith("from: git history of library/ up to ")


def test_a_table_and_definitions_say_the_same_as_the_history(checkout: Path, tmp_path: Path) -> None:
    images, _ = official_tags.read_source(checkout)
    folder = tmp_path / "table"
    (folder / "library").mkdir(parents=True)
    (folder / "library/tool").write_text(NEW, encoding="utf-8")
    rows = [f"{image}\t{name}\t{tag.first}\t{tag.last}" for image, tags in images.items() for name, tag in tags.items()]
    (folder / "tags.tsv").write_text("\n".join(["image\ttag\tfirst\tlast", *rows, ""]), encoding="utf-8")
    again, origin = official_tags.read_source(folder)
    assert again == images
    assert origin[1] == "from: library/ of tool"
    assert official_tags.generate(again, []) == official_tags.generate(images, [])


def test_the_table_of_tags_is_what_its_command_writes() -> None:
    folder = os.environ.get("DFIX_OFFICIAL_IMAGES")
    if not folder:
        pytest.skip("DFIX_OFFICIAL_IMAGES names no folder to make the table of tags from")
    written = official_tags.generate(*official_tags.read_source(Path(folder)))
    assert written == (DATA / "official_tags.zlib").read_bytes()


@pytest.mark.parametrize("name", ["debian_packages.zlib", "debian_complete.zlib", "official_tags.zlib"])
def test_packed_files_say_where_they_come_from_and_are_small(name: str) -> None:
    header = PackedFile(name).header
    assert "make data" in header[0]
    assert any(line.startswith("from: ") for line in header)
    assert (DATA / name).stat().st_size < 200_000


def test_a_licence_stands_beside_the_tags() -> None:
    assert "Apache License" in (DATA / "official_tags.LICENSE").read_text("utf-8")
    assert any("Apache-2.0" in line for line in PackedFile("official_tags.zlib").header)


def test_a_header_that_would_not_be_read_back_is_refused() -> None:
    with pytest.raises(ValueError, match="one line"):
        pack(["two\n\nlines"], {})
    with pytest.raises(ValueError, match="one word"):
        pack([], {"two words": ""})
