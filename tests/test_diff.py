"""The diff is right when git takes it and makes of the old file exactly the new one."""

from __future__ import annotations

import cProfile
import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rewriter.output.diff import colorize, patch_path, unified_diff
from rewriter.syntax.text import Edit, OverlapError, Pieces, Region, Span, encode

ODD_NAMES = [
    "Dockerfile",
    "with space/Docker file",
    'quo"te.Dockerfile',
    "back\\slash",
    "tab\there",
    "Küche/Dockerfile",
    "日本.Dockerfile",
    "-- 2024-01-01 10:00:00 +0100",
    "line\nfeed",
    os.fsdecode(b"latin-\xe9.Dockerfile"),
]


def edited(before: str, edits: list[Edit]) -> tuple[str, list[Region]]:
    pieces = Pieces(before)
    pieces.apply(edits)
    return pieces.text, pieces.regions()


def apply(diff: str, name: str, before: str | None) -> bytes:
    """What git makes of a file with this diff, run in a folder that is no repository."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        if before is not None:
            file.write_bytes(encode(before))
        (Path(folder) / "the.patch").write_bytes(encode(diff))
        for check in (["--check"], []):
            command = ["git", "-c", "core.autocrlf=false", "apply", *check, str(Path(folder, "the.patch"))]
            environment = {**os.environ, "GIT_CEILING_DIRECTORIES": os.path.dirname(folder), "LC_ALL": "C"}
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="latin-1")
            assert done.returncode == 0, done.stderr + diff
        return file.read_bytes()


LINE = st.text(st.sampled_from(list("aab -+@\\ü\f\r\v\x1c\x85\u2028\ufeff\udcff\udce9\t")), max_size=5)
TEXT = st.builds(
    lambda bom, lines, newline, end: bom + newline.join(lines) + end * bool(lines),
    st.sampled_from(["", "", "\ufeff"]),
    st.lists(LINE, max_size=40) | st.lists(LINE, min_size=8, max_size=60),
    st.sampled_from(["\n", "\n", "\r\n"]),
    st.sampled_from(["", "\n", "\r\n"]),
)


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, str, list[Region]]:
    before = draw(TEXT)
    places = sorted(draw(st.lists(st.integers(0, len(before)), min_size=2, max_size=12)))
    changes = [
        Edit(start, end, draw(st.sampled_from(["", "\n", "new", "new\n", "\nnew", "a\nb\nc\n"])))
        for start, end in zip(places[::2], places[1::2], strict=False)
    ]
    try:
        return before, *edited(before, changes)
    except OverlapError:
        return before, before, []


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(edits(), st.sampled_from(ODD_NAMES))
def test_git_makes_the_new_file_from_the_old(case: tuple[str, str, list[Region]], name: str) -> None:
    before, after, regions = case
    diff = unified_diff(name, before, after, regions)
    assert (diff == "") == (before == after)
    if diff:
        assert apply(diff, name, before) == encode(after)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXT, TEXT)
def test_wrong_regions_never_give_a_wrong_diff(before: str, after: str) -> None:
    wrong = [Region(Span(0, len(before) // 2), Span(0, len(after) // 3))]
    if before != after:
        assert apply(unified_diff("Dockerfile", before, after, wrong), "Dockerfile", before) == encode(after)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_new_file(name: str) -> None:
    diff = unified_diff(name, "", "node_modules\n.git", newfile=True)
    assert diff.startswith("--- /dev/null\n+++ ")
    assert apply(diff, name, None) == b"node_modules\n.git"


def test_new_empty_file() -> None:
    assert apply(unified_diff("a b/ü", "", "", newfile=True), "a b/ü", None) == b""


def test_exact_text() -> None:
    before = "FROM a\nRUN b\nRUN c\nRUN d\nRUN e\nRUN f"
    after, regions = edited(before, [Edit(7, 10, "run"), Edit(len(before), len(before), "\n")])
    assert unified_diff("Dockerfile", before, after, regions) == (
        "--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1,6 +1,6 @@\n FROM a\n-RUN b\n+run b\n RUN c\n RUN d\n RUN e\n"
        "-RUN f\n\\ No newline at end of file\n+RUN f\n"
    )


def test_names_are_quoted_as_git_quotes_them(tmp_path: Path) -> None:
    def git(*arguments: str) -> bytes:
        return subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True).stdout

    git("init", "-q")
    for name in ODD_NAMES:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("old\n")
        git("add", "--", name)
        file.write_text("new\n")
        theirs = git("-c", "diff.noprefix=false", "-c", "core.quotePath=true", "diff", "--", name)
        ours = encode(unified_diff(name, "old\n", "new\n"))
        assert ours == theirs[theirs.index(b"--- ") :]
        git("reset", "-q")


def test_twenty_changes_in_a_thousand_lines_stay_small() -> None:
    lines = ["RUN true" if number % 2 else "# comment" for number in range(1000)]
    before = "\n".join(lines) + "\n"
    places = [before.index("RUN", 300 * number) for number in range(20)]
    after, regions = edited(before, [Edit(place, place + 3, "run") for place in places])
    diff = unified_diff("Dockerfile", before, after, regions)
    assert diff.count("\n-") == 20
    assert diff.count("\n@@") == 20
    assert len(diff.split("\n")) < 20 * 10


def test_cost_is_linear_when_every_line_changes() -> None:
    def calls(count: int) -> int:
        before = "run true\n" * count
        after, regions = edited(before, [Edit(9 * number, 9 * number + 3, "RUN") for number in range(count)])
        with cProfile.Profile() as profile:
            diff = unified_diff("Dockerfile", before, after, regions)
        assert diff.count("\n-") == diff.count("\n+RUN") == count
        return sum(entry.callcount for entry in profile.getstats())

    assert calls(4_000) < 11 * calls(400)


def test_a_very_large_region_is_shown_as_replaced() -> None:
    before = "".join(f"RUN {number % 7}\n" for number in range(5000))
    after = "".join(f"RUN {number % 11}\n" for number in range(5000))
    diff = unified_diff("Dockerfile", before, after)
    assert apply(diff, "Dockerfile", before) == encode(after)


def test_colours_are_git_s_and_change_no_text() -> None:
    before, after = "-- a\nb\n", "-- c\nb"
    plain = unified_diff("Dockerfile", before, after)
    colored = unified_diff("Dockerfile", before, after, color=True)
    assert colored == colorize(plain)
    assert colored == (
        "\x1b[1m--- a/Dockerfile\x1b[m\n\x1b[1m+++ b/Dockerfile\x1b[m\n\x1b[36m@@ -1,2 +1,2 @@\x1b[m\n"
        "\x1b[31m--- a\x1b[m\n\x1b[31m-b\x1b[m\n\x1b[32m+-- c\x1b[m\n\x1b[32m+b\x1b[m\n\\ No newline at end of file\n"
    )
    assert colorize("") == ""


def test_patch_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "repo/.git").mkdir(parents=True)
    (tmp_path / "repo/sub").mkdir()
    (tmp_path / "repo/Dockerfile").touch()
    (tmp_path / "repo/sub/link").symlink_to(tmp_path / "repo/sub/Dockerfile")
    monkeypatch.chdir(tmp_path / "repo")
    assert patch_path("./Dockerfile") == "Dockerfile"
    assert patch_path("sub/../Dockerfile") == "Dockerfile"
    assert patch_path(str(tmp_path / "repo/sub/Dockerfile")) == "sub/Dockerfile"
    assert patch_path("sub/link") == "sub/Dockerfile", "git patches no symbolic link"
    monkeypatch.chdir(tmp_path / "repo/sub")
    assert patch_path("Dockerfile") == "Dockerfile"
    assert patch_path("../Dockerfile") == "Dockerfile", "outside the folder: from the repository's root"
    monkeypatch.chdir("/")
    assert patch_path(str(tmp_path / "repo/sub/Dockerfile")) == str(tmp_path)[1:] + "/repo/sub/Dockerfile"


def test_a_diff_from_a_subfolder_of_a_repository_applies_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/Dockerfile").write_text("from a\n")
    monkeypatch.chdir(tmp_path / "sub")
    diff = unified_diff(patch_path("Dockerfile"), "from a\n", "FROM a\n")
    diff += unified_diff(patch_path(".dockerignore"), "", ".git\n", newfile=True)
    subprocess.run(["git", "apply", "-"], input=diff, text=True, check=True)
    assert (tmp_path / "sub/Dockerfile").read_text() == "FROM a\n"
    assert (tmp_path / "sub/.dockerignore").read_text() == ".git\n"
