"""What `dfix verify` prints says what was found, fits where it is read, and lets nothing of an image break out."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rewriter.output.page import columns, printable
from rewriter.output.verify_figures import change, last_output, ratio, rows, seconds
from rewriter.output.verify_json import SCHEMA, render
from rewriter.output.verify_markdown import LONGEST, markdown
from rewriter.output.verify_text import text
from rewriter.verify.report import Check, Cost, Difference, FailedStep, Report, Status, Verdict
from rewriter.verify.wording import size
from tests.reports import EXAMPLES, FAILED_BUILD, LOST_FILE, PROVEN

GOLDEN: Final = Path(__file__).parent / "verify_output"
SCHEMA_TREE: Final[Any] = json.loads(SCHEMA.read_bytes())

HOSTILE: Final = [
    "`code` ``` fence",
    "| a | b |",
    "<img src=x onerror=alert(1)> </details> <!--",
    "@team and @octocat #1 owner/repo#2",
    "line\nfeed\r\n# heading\n\n- list",
    "\x1b[2J\x1b]0;title\x07\x1b[31mred\x9b1m",
    "\u202egpj.exe\u2066 zero\u200bwidth",
    "![x](http://evil.example/a.png) [y](javascript:alert(1)) https://evil.example www.evil.example",
    "*bold* _it_ ~~gone~~ $x$ :tada: &amp; \\` \\",
    "\udce9\udcff \ud800 \x00",
    "  blanks  ",
    "日本語のとても長い名前" * 12,
    "a\u0301" * 90,
    "/very/long/path" * 30,
    "",
]

ANY: Final = st.sampled_from(HOSTILE) | st.text(st.characters(), max_size=40)
WORD: Final = st.sampled_from(["application", "caches", ""]) | ANY
COSTS: Final = st.builds(
    Cost,
    *[st.none() | st.integers(0, most) for most in (10**14, 1000, 10**14)],
    *[st.none() | st.floats(0, 1e5)] * 3,
)
NO_COST: Final = Cost(None, None, None, None, None, None)
CHECKS: Final = st.builds(
    Check,
    st.sampled_from(["build", "configuration", "files", "libraries", "behaviour"]),
    st.sampled_from(Status),
    ANY,
    st.lists(st.builds(Difference, ANY, ANY, ANY, WORD, st.sampled_from(["", "DF201"]) | ANY), max_size=20).map(tuple),
)
CODES: Final = st.lists(st.sampled_from(["DF201", "DF301", "XX1"]) | ANY, max_size=3).map(tuple)
REPORTS: Final = st.builds(
    Report,
    ANY,
    st.sampled_from(Verdict),
    ANY,
    st.lists(CHECKS, max_size=4).map(tuple),
    COSTS,
    COSTS,
    CODES,
    CODES,
    CODES,
    st.none() | st.builds(FailedStep, ANY, st.integers(0, 99), st.lists(ANY, max_size=30).map("\n".join)),
    ANY,
)


def without_colors(page: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", page)


# Golden texts: read them before you commit a change of them.


def expect(name: str, printed: str, update: bool) -> None:
    path = GOLDEN / name
    if update:
        path.parent.mkdir(exist_ok=True)
        path.write_text(printed, encoding="utf-8", newline="\n")
    assert printed == path.read_bytes().decode("utf-8")


@pytest.mark.parametrize("name", EXAMPLES)
def test_text(name: str, update_fixtures: bool) -> None:
    expect(f"{name}.txt", text(EXAMPLES[name], width=80, color=False), update_fixtures)


@pytest.mark.parametrize("name", ["proven", "failed-build", "lost-file"])
def test_text_on_a_narrow_terminal_without_unicode(name: str, update_fixtures: bool) -> None:
    expect(f"{name}-narrow.txt", text(EXAMPLES[name], width=60, color=False, ascii_only=True), update_fixtures)


@pytest.mark.parametrize("name", EXAMPLES)
def test_markdown(name: str, update_fixtures: bool) -> None:
    expect(f"{name}.md", markdown(EXAMPLES[name]), update_fixtures)


def test_json(update_fixtures: bool) -> None:
    expect("runs.json", render([LOST_FILE, FAILED_BUILD]) + "\n", update_fixtures)


# Text


@given(REPORTS, st.integers(60, 130), st.booleans(), st.booleans())
@example(Report("a", Verdict.PROVEN, "", (), NO_COST, NO_COST, (), (), (), None, " ", ()), 60, False, False)
def test_a_page_fits_and_steers_nothing(report: Report, width: int, ascii_only: bool, show_allowed: bool) -> None:
    page = text(report, width=width, color=False, ascii_only=ascii_only, show_allowed=show_allowed)
    assert page.replace("\n", "").isprintable()
    assert page.isascii() or not ascii_only
    long = [line for line in page.split("\n") if columns(line) > width]
    assert [line for line in long if "dfix verify --keep-good" not in line] == [], "only a command is never cut"
    assert page.endswith("\n")
    assert "\n\n\n" not in page
    colored = text(report, width=width, color=True, ascii_only=ascii_only, show_allowed=show_allowed)
    assert without_colors(colored) == page


def test_no_width_is_wide_enough() -> None:
    assert text(PROVEN, width=0, color=False) == text(PROVEN, width=100, color=False)
    assert text(PROVEN, width=5, color=False) == text(PROVEN, width=60, color=False)


def test_allowed_differences_are_counted_or_listed() -> None:
    counted = text(PROVEN, width=200, color=False)
    assert "32 allowed: 28 package caches (every fix), 3 byte code (DF301), 1 logs (differs" in counted
    assert "/root/.cache" not in counted
    listed = text(PROVEN, width=200, color=False, show_allowed=True)
    assert sum("/root/.cache" in line for line in listed.split("\n")) == 28
    assert "WORKDIR: app -> /app (DF404)" in listed
    assert "32 allowed" not in listed


def test_many_failures_are_folded_and_no_group_hides_another() -> None:
    lost = [Difference(f"/app/{number}", "file", "", "application") for number in range(222)]
    moved = Difference("flask", "2.0", "3.0", "language packages")
    report = Report("D", Verdict.DIFFERENT, "", (Check("files", Status.FAILED, "lost", (*lost, moved)),))
    page = text(report, width=80, color=False)
    assert "    application (222)\n      /app/0: file -> gone\n" in page
    assert "      flask: 2.0 -> 3.0\n    and 217 more; --output-format json lists all\n" in page
    assert "`flask`: `2.0` → `3.0`" in markdown(report)


def test_long_values_show_where_they_differ() -> None:
    same = "/opt/some/folder:" * 40
    difference = Difference("ENV PATH", f"{same}/old{same}", f"{same}/new{same}")
    report = Report("D", Verdict.DIFFERENT, "", (Check("configuration", Status.FAILED, "ENV", (difference,)),))
    before, after = (line for line in text(report, width=80, color=False).split("\n") if "…" in line)
    assert before.replace("/old", "/new", 1).lstrip(" -") == after.lstrip(" +")


def test_the_output_of_a_step_is_what_a_terminal_shows() -> None:
    raw = "one\n\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x1b\\link\n10 %\r 50 %\r100 %\r\n\ttab\x07\n\n"
    above, lines = last_output(FailedStep("RUN x", 1, "0\n" * 30 + raw))
    assert (above, lines[-4:]) == (14, ["one", "red link", "100 %", "        tab\x07"])
    assert last_output(FailedStep("RUN x", 1, "\n \n")) == (0, [])


@pytest.mark.parametrize("path", ["Dockerfile", "a folder/Dockerfile", "-rf", "it's"])
def test_the_command_that_keeps_what_is_good_can_be_copied(path: str) -> None:
    page = text(FAILED_BUILD._replace(path=path), width=80, color=False)
    command = next(line for line in page.split("\n") if "--keep-good" in line)
    assert shlex.split(command) == ["dfix", "verify", "--keep-good", "--write", f"./{path}" if path == "-rf" else path]


@pytest.mark.parametrize("path", ["line\nfeed", "\x1b[2J", "", "\udcff", "long" * 100])
def test_a_path_that_cannot_be_shown_is_not_told_to_a_shell(path: str) -> None:
    assert "  dfix verify --keep-good --write PATH\n" in text(FAILED_BUILD._replace(path=path), width=80, color=False)


def test_a_cost_that_was_not_measured_twice_is_left_out() -> None:
    page = text(PROVEN._replace(after=Cost(layers=3)), width=80, color=False)
    assert "layers" in page
    assert "image size" not in page
    assert "before" not in text(PROVEN._replace(after=Cost()), width=80, color=False)


# Figures


def test_sizes() -> None:
    sizes = {0: "0 B", 999: "999 B", 1000: "1 kB", 12_430: "12.4 kB", 999_499: "999 kB", 999_500: "1 MB"}
    sizes |= {173_100_000: "173 MB", 1_234_000_000: "1.23 GB", 5 * 10**12: "5 TB", 12_345 * 10**12: "12,345 TB"}
    assert {number: size(number) for number in sizes} == sizes
    assert [seconds(0), seconds(1.26), seconds(999.94), seconds(1234.5)] == ["0.0 s", "1.3 s", "999.9 s", "1,234 s"]


@pytest.mark.parametrize(
    ("before", "after", "share", "by"),
    [
        (100, 42, "0.42x", "-58 %"),
        (100, 100, "1.00x", "0 %"),
        (100, 0, "0.00x", "-100 %"),
        (100_000, 1, "<0.001x", "-99.9 %"),
        (1000, 6, "0.006x", "-99.4 %"),
        (100, 250, "2.50x", "+150 %"),
        (1, 12, "12x", ">+999 %"),
        (1, 2500, ">999x", ">+999 %"),
        (0, 5, "", ""),
    ],
)
def test_ratios(before: float, after: float, share: str, by: str) -> None:
    assert (ratio(before, after), change(before, after)) == (share, by)


# Markdown


def tokens(document: str) -> list[Token]:
    found: list[Token] = []
    for token in MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(document):
        found += [token, *(token.children or ())]
    return found


OWN_HTML: Final = re.compile(r"(?:<details><summary>[^<>&]*</summary>|</details>)\n?")
HARMLESS: Final = {"paragraph", "inline", "text", "strong", "code_inline", "fence", "html_block"}
HARMLESS_PARTS: Final = {"list_item", "bullet_list", "table", "thead", "tbody", "tr", "th", "td"}


@given(REPORTS)
def test_nothing_breaks_out_of_the_markdown(report: Report) -> None:
    document = markdown(report)
    assert len(document) <= LONGEST
    assert document.replace("\n", "").replace("\ufe0f", "").isprintable()
    found = tokens(document)
    assert {re.sub("_(open|close)$", "", token.type) for token in found} <= HARMLESS | HARMLESS_PARTS
    assert [it.content for it in found if it.type == "html_block" and not OWN_HTML.fullmatch(it.content)] == []
    opened = sum("<details>" in it.content for it in found if it.type == "html_block")
    assert opened == sum("</details>" in it.content for it in found if it.type == "html_block")
    cells = sum(token.type == "td_open" for token in found)
    assert cells == 2 * len(report.checks) + 5 * len(rows(report)), "a cell broke out of its row"
    strong = sum(token.type == "strong_open" for token in found)
    assert strong == 1 + sum(bool(check.failures) for check in report.checks)
    for token in found:
        if token.type == "text":
            assert not re.search(r"[@#][\w-]|:\w+:", token.content), "GitHub would read a mention or an emoji"
    assert not re.search(r"://|www\.", re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", document, flags=re.DOTALL))


@given(ANY.filter(lambda subject: len(subject) <= 300 and subject.strip()))
def test_a_subject_is_shown_as_it_is(subject: str) -> None:
    report = Report("D", Verdict.DIFFERENT, "", (Check("files", Status.FAILED, "", (Difference(subject, "a", ""),)),))
    shown = [token.content for token in tokens(markdown(report)) if token.type == "code_inline"]
    assert shown[1:] == [printable(subject), "a"]


def test_the_markdown_is_bounded_and_says_what_it_leaves_out() -> None:
    worst = "@" * 2_000
    difference = Difference(worst, worst, "`" * 2_000, worst)
    check = Check(worst, Status.FAILED, worst, (difference,) * 5_000)
    step = FailedStep(worst, 1, "\n".join(["`" * 3_000] * 50))
    report = Report(worst, Verdict.DIFFERENT, worst, (check,) * 50, PROVEN.before, PROVEN.after, (worst,) * 9)
    document = markdown(report._replace(culprits=(worst,) * 9, good=(worst,) * 9, failed_step=step, engine=worst))
    assert len(document) <= LONGEST
    assert re.search(r"and [\d,]+ more, all of which the JSON document lists", document)


# JSON


def test_the_schema_is_one_and_says_everything() -> None:
    Draft202012Validator.check_schema(SCHEMA_TREE)
    schemas = [SCHEMA_TREE]
    for schema in schemas:
        inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values(), *schema.get("anyOf", ())]
        schemas += [*inner, *([schema["items"]] if "items" in schema else [])]
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False
            assert set(schema["required"]) == set(schema["properties"])
        assert "$ref" in schema or schema == {"type": "null"} or schema["description"], schema


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("report", {*Report._fields, "costs"} - {"before", "after"}),
        ("check", set(Check._fields)),
        ("difference", {*Difference._fields, "allowed"}),
        ("cost", set(Cost._fields)),
        ("failed_step", set(FailedStep._fields)),
    ],
)
def test_the_schema_knows_every_field(name: str, fields: set[str]) -> None:
    assert set(SCHEMA_TREE["$defs"][name]["properties"]) == fields


def test_the_schema_knows_every_verdict_and_status() -> None:
    definitions = SCHEMA_TREE["$defs"]
    assert definitions["report"]["properties"]["verdict"]["enum"] == list(Verdict)
    assert definitions["check"]["properties"]["status"]["enum"] == list(Status)


def checked(document: str) -> Any:
    tree = json.loads(document)
    Draft202012Validator(SCHEMA_TREE).validate(tree)
    return tree


def test_examples_are_as_the_schema_says() -> None:
    tree = checked(render(list(EXAMPLES.values())))
    assert [report["verdict"] for report in tree["reports"]] == [it.verdict for it in EXAMPLES.values()]
    assert checked(render([])) == {"version": 1, "reports": []}


@given(st.lists(REPORTS, max_size=3))
def test_every_report_is_as_the_schema_says_and_complete(reports: list[Report]) -> None:
    document = render(reports)
    assert document.isascii()
    for entry, report in zip(checked(document)["reports"], reports, strict=True):
        assert entry["path"] == report.path
        assert tuple(entry["applied"]) == report.applied
        assert Cost(**entry["costs"]["before"]) == report.before
        for found, check in zip(entry["checks"], report.checks, strict=True):
            allowed = [difference.pop("allowed") for difference in found["differences"]]
            assert [Difference(**difference) for difference in found["differences"]] == list(check.differences)
            assert allowed.count(False) == len(check.failures)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda tree: tree.update(version=2),
        lambda tree: tree["reports"][0].update(extra=1),
        lambda tree: tree["reports"][0].pop("good"),
        lambda tree: tree["reports"][0].update(verdict="fine"),
        lambda tree: tree["reports"][0]["costs"]["after"].update(layers=1.5),
        lambda tree: tree["reports"][0]["checks"][0].update(status=None),
    ],
)
def test_the_schema_refuses_what_is_not_a_report(spoil: Any) -> None:
    tree = checked(render([PROVEN]))
    spoil(tree)
    assert not Draft202012Validator(SCHEMA_TREE).is_valid(tree)
