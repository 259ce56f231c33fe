"""Ignore files, judged by the cases of moby/patternmatcher and by what BuildKit was seen to do."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from rewriter.model.context.dockerignore import BadPatternError, IgnoreRules, read_patterns

# https://github.com/moby/patternmatcher/blob/main/patternmatcher_test.go (Apache-2.0), TestMatches: a pattern, a path,
# and whether they match, be it through a folder above. The paths that end in a slash or are one are left out: no
# file of a context has such a name.
MATCHES = [
    ("**", "file", True),
    ("**/", "file", True),
    ("**", "dir/file", True),
    ("**/", "dir/file", True),
    ("**/**", "dir/file", True),
    ("dir/**", "dir/file", True),
    ("dir/**", "dir/dir2/file", True),
    ("**/dir", "dir", True),
    ("**/dir", "dir/file", True),
    ("**/dir2/*", "dir/dir2/file", True),
    ("**/dir2/**", "dir/dir2/dir3/file", True),
    ("**file", "file", True),
    ("**file", "dir/file", True),
    ("**/file", "dir/file", True),
    ("**file", "dir/dir/file", True),
    ("**/file", "dir/dir/file", True),
    ("**/file*", "dir/dir/file", True),
    ("**/file*", "dir/dir/file.txt", True),
    ("**/file*txt", "dir/dir/file.txt", True),
    ("**/file*.txt", "dir/dir/file.txt", True),
    ("**/file*.txt*", "dir/dir/file.txt", True),
    ("**/**/*.txt", "dir/dir/file.txt", True),
    ("**/**/*.txt2", "dir/dir/file.txt", False),
    ("**/*.txt", "file.txt", True),
    ("**/**/*.txt", "file.txt", True),
    ("a**/*.txt", "a/file.txt", True),
    ("a**/*.txt", "a/dir/file.txt", True),
    ("a**/*.txt", "a/dir/dir/file.txt", True),
    ("a/*.txt", "a/dir/file.txt", False),
    ("a/*.txt", "a/file.txt", True),
    ("a/*.txt**", "a/file.txt", True),
    ("a[b-d]e", "ae", False),
    ("a[b-d]e", "ace", True),
    ("a[b-d]e", "aae", False),
    ("a[^b-d]e", "aze", True),
    (".*", ".foo", True),
    (".*", "foo", False),
    ("abc.def", "abcdef", False),
    ("abc.def", "abc.def", True),
    ("abc.def", "abcZdef", False),
    ("abc?def", "abcZdef", True),
    ("abc?def", "abcdef", False),
    ("**/foo/bar", "foo/bar", True),
    ("**/foo/bar", "dir/foo/bar", True),
    ("**/foo/bar", "dir/dir2/foo/bar", True),
    ("abc/**", "abc", False),
    ("abc/**", "abc/def", True),
    ("abc/**", "abc/def/ghi", True),
    ("**/.foo", ".foo", True),
    ("**/.foo", "bar.foo", False),
    ("a(b)c/def", "a(b)c/def", True),
    ("a(b)c/def", "a(b)c/xyz", False),
    ("a.|)$(}+{bc", "a.|)$(}+{bc", True),
    ("dist/*.whl", "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl", True),
    ("a\\\\", "a\\", True),
    ("a\\*b", "a*b", True),
    # TestMatch, which comes from Go's own tests of filepath.Match
    ("abc", "abc", True),
    ("*", "abc", True),
    ("*c", "abc", True),
    ("a*", "a", True),
    ("a*", "abc", True),
    ("a*", "ab/c", True),
    ("a*/b", "abc/b", True),
    ("a*/b", "a/c/b", False),
    ("a*b*c*d*e*/f", "axbxcxdxe/f", True),
    ("a*b*c*d*e*/f", "axbxcxdxexxx/f", True),
    ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", False),
    ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", False),
    ("a*b?c*x", "abxbbxdbxebxczzx", True),
    ("a*b?c*x", "abxbbxdbxebxczzy", False),
    ("ab[c]", "abc", True),
    ("ab[b-d]", "abc", True),
    ("ab[e-g]", "abc", False),
    ("ab[^c]", "abc", False),
    ("ab[^b-d]", "abc", False),
    ("ab[^e-g]", "abc", True),
    ("a\\*b", "ab", False),
    ("a?b", "a☺b", True),
    ("a[^a]b", "a☺b", True),
    ("a???b", "a☺b", False),
    ("a[^a][^a][^a]b", "a☺b", False),
    ("[a-ζ]*", "α", True),  # noqa: RUF001
    ("*[a-ζ]", "A", False),
    ("a?b", "a/b", False),
    ("a*b", "a/b", False),
    ("[\\]a]", "]", True),
    ("[\\-]", "-", True),
    ("[x\\-]", "x", True),
    ("[x\\-]", "-", True),
    ("[x\\-]", "z", False),
    ("[\\-x]", "x", True),
    ("[\\-x]", "-", True),
    ("[\\-x]", "a", False),
    ("*x", "xxx", True),
    # a backslash on the way to Go's regular expressions
    ("a\\n", "an", False),
    ("a\\n", "a\n", True),
]

# TestMatch and TestMatchesOrParentMatchesMalformedPattern...: what is an error there
BAD = [
    "[]a]", "[-]", "[x-]", "[-x]", "\\", "[a-b-c]", "[", "[^", "[^bc", "a[", "!", "[Local-Only]/",
    "a\\k",  # BuildKit: `syntax error in pattern`, from Go's regular expressions
]  # fmt: skip

SEVERAL: list[tuple[Sequence[str], str, bool]] = [
    # TestMatches, multiPatternTests, and the tests above it in that file
    (["**", "!util/docker/web"], "util/docker/web/foo", False),
    (["**", "!util/docker/web", "util/docker/web/foo"], "util/docker/web/foo", True),
    (["**", "!dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl"], "dist/other.whl", True),
    (["**", "!dist/*.whl"], "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl", False),
    (["!fileutils.go", "*.go"], "fileutils.go", True),
    (["*.go", "!fileutils.go"], "fileutils.go", False),
    (["docs", "!docs/README.md"], "docs/README.md", False),
    (["docs/", "!docs/README.md"], "docs/README.md", False),
    (["docs/*", "!docs/README.md"], "docs/README.md", False),
    (["docs/*", "!docs/README.md"], "docs/other", True),
    ([], "any/path/there", False),
    # seen with BuildKit 0.25: an exception for a folder takes back nothing that is excluded inside of it
    (["*/k", "!d"], "d/k", True),
    (["*/k", "!d"], "d/e", False),
    (["d/e", "!d"], "d/e/f", True),
    (["*/k", "!d/*"], "d/k", False),
    (["d", "!d/e*"], "d/e/f", False),
    (["d", "!d/e*"], "d/k", True),
]


@pytest.mark.parametrize(("pattern", "path", "expected"), MATCHES)
def test_the_cases_of_patternmatcher(pattern: str, path: str, expected: bool) -> None:
    rules = IgnoreRules(pattern + "\n")
    assert (rules.problem, rules.excludes(path)) == ("", expected)


@pytest.mark.parametrize("pattern", BAD)
def test_a_bad_pattern_spoils_the_file(pattern: str) -> None:
    rules = IgnoreRules(f"fine\n{pattern}\n")
    assert rules.problem
    assert not rules.excludes("fine")


@pytest.mark.parametrize(("patterns", "path", "expected"), SEVERAL)
def test_the_last_pattern_that_matches_wins(patterns: Sequence[str], path: str, expected: bool) -> None:
    assert IgnoreRules("\n".join(patterns)).excludes(path) is expected


def test_reading() -> None:
    # https://github.com/moby/patternmatcher/blob/main/ignorefile/ignorefile_test.go, TestReadAll
    text = "test1\n/test2\n/a/file/here\n\nlastfile\n# this is a comment\n! /inverted/abs/path\n!\n! \n"
    expected = ["test1", "test2", "a/file/here", "lastfile", "!inverted/abs/path", "!", "!"]
    assert list(read_patterns(text)) == expected


def test_reading_cleans() -> None:
    text = "\ufeff# a\n  # no comment\r\n./a/\n//b//c\na/../d\n../e\n.\n/\n\x85f\u3000\n"
    assert list(read_patterns(text)) == ["# no comment", "a", "b/c", "d", "../e", ".", "/", "f"]
    assert list(read_patterns("\ufeffa")) == ["a"]
    with pytest.raises(BadPatternError):
        list(read_patterns("a" * 65_536))


@pytest.mark.parametrize(
    ("patterns", "folder", "expected"),
    [
        (["*"], "a", False),
        (["*", "!a/b"], "a", True),
        (["*", "!a/b"], "a/b", False),
        (["*", "!b/c"], "a", False),
        (["*", "!*.md"], "a", False),
        (["*", "!*/*.md"], "a", True),
        (["*", "!a*/*.md"], "ab", True),
        (["*", "!a*/*.md"], "ba", False),
        (["*", "!**/*.py"], "a/b/c", True),
        (["*", "!a/**"], "a/b", True),
        (["*", "!a/**"], "b", False),
    ],
)
def test_exceptions_that_reach_into_a_folder(patterns: Sequence[str], folder: str, expected: bool) -> None:
    assert IgnoreRules("\n".join(patterns)).may_readmit(folder) is expected


def test_stars_cost_no_time() -> None:
    rules = IgnoreRules("**/" + "a*" * 30 + "b\n" + "**/x/" * 20 + "y")
    started = time.monotonic()
    assert not rules.excludes("a" * 4_000)
    assert not rules.excludes("x/" * 1_000 + "z")
    assert time.monotonic() - started < 2
