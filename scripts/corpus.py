"""All laws over thousands of real Dockerfiles, as one table: `make corpus`.

The corpus is a folder of `files/`, `files-templates/`, `apps/` and `apps.tsv`; DFIX_CORPUS names it. Each law is judged
by something other than the code under test where there is such a thing: BuildKit's parser, bash, dash, `git apply`.
Any number that must be zero and is not makes the exit code 1.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from rewriter import engine, parse
from rewriter.engine import Outcome
from rewriter.fixing.edits import attached_comments
from rewriter.fixing.fixer import Fixer, Level
from rewriter.fixing.registry import load_fixers, select
from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.files import Listed
from rewriter.output.diff import unified_diff
from rewriter.syntax.text import decode, encode
from rewriter.syntax.tree import Dockerfile, Instruction, Onbuild, ShellInstruction
from tests.judges.buildkit import buildkit_reading, own_reading
from tests.judges.shell import bash_accepts, dash_accepts, newly_broken

DEFAULT_CORPUS: Final = "/var/tmp/dockerfile-corpus"
ROOT: Final = Path(__file__).parent.parent

BENCHMARKS: Final = "TechEmpower"
"""How the names of the contexts begin that are benchmarks, half of them all: they are counted apart."""

BEHIND_JSON: Final = "text behind a JSON array: the package's older BuildKit drops it, today's reads a shell command"
KNOWN_DISAGREEMENTS: Final = {
    "00ba26b963e1d65b": BEHIND_JSON,
    "02c73dde87ce6654": BEHIND_JSON,
    "038a7444d165e598": BEHIND_JSON,
    "053141963afe275e": BEHIND_JSON,
    "05469b256f1abf0b": BEHIND_JSON,
}
"""The files that we read differently from the judge, and why we are right. One that agrees again must go from here."""


NO_TEMPLATES: Final = frozenset({"19f070e082003efe", "ad5760b94b213c3b"})
"""Ordinary Dockerfiles among the templates: they only speak of some in a comment."""

_OF_ONE_FILE: Final = re.compile(r"[0-9/:$=@{}%\[]")
"""What gives a word of a skip reason away as a name, path or number."""


class Unit(NamedTuple):
    """One Dockerfile of the corpus. `kind` is `file`, `app` or `template`, `context` the folder of an app."""

    kind: str
    id: str
    path: str
    context: str = ""


class Verdict(NamedTuple):
    """What the judges say of one Dockerfile. Each violation is (law, what happened)."""

    unit: Unit
    violations: tuple[tuple[str, str], ...]
    refusal: str
    disagrees: bool
    changed: tuple[str, ...]
    dropped_comments: int
    shells: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    per_fixer: tuple[tuple[str, str], ...]


ROUND_TRIP: Final = "round trip of bytes, nodes and tokens"
READING: Final = "agreement with BuildKit's parser"
PARSES: Final = "newly unparsable"
SHELL: Final = "shell commands that were valid and no longer are"
COMMENTS: Final = "comments lost"
STABLE: Final = "changed by a second run"
ORDER: Final = "changed by registering fixers in reverse"
OUTSIDE: Final = "lines changed outside the regions named"
REFUSED: Final = "refused files touched"
TEMPLATES: Final = "templates touched"
LAWS: Final = "results thrown away because dfix broke a law itself"
GIT: Final = "diffs that git does not apply, or to something else"
CRASH: Final = "crashes"
LAWS_OF_RESULTS: Final = (CRASH, PARSES, SHELL, COMMENTS, STABLE, ORDER, OUTSIDE, REFUSED, TEMPLATES, LAWS)


def corpus_folder() -> Path:
    """Where the corpus lies: DFIX_CORPUS says so."""
    return Path(os.environ.get("DFIX_CORPUS", DEFAULT_CORPUS))


def find_units(corpus: Path) -> list[Unit]:
    """Every Dockerfile of the corpus, in a fixed order."""
    units = [Unit("file", path.stem, str(path)) for path in sorted((corpus / "files").glob("*.Dockerfile"))]
    units += [Unit("template", path.stem, str(path)) for path in sorted((corpus / "files-templates").iterdir())]
    with open(corpus / "apps.tsv", encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
            for name in filter(None, row["dockerfiles"].split(";")):
                path = corpus / "apps" / row["app"] / name
                if path.is_file():
                    units.append(Unit("app", f"{row['app']}/{name}", str(path), str(corpus / "apps" / row["app"])))
    return units


# Judging one file, in a process of its own


@cache
def _fixers() -> tuple[Fixer, ...]:
    return load_fixers()


@cache
def _selections() -> dict[str, tuple[Sequence[Fixer], Level | None]]:
    return {"all fixers": (_fixers(), None), "default": (select(_fixers()), Level.GUARDED)}


def _fix(unit: Unit, text: str, fixers: Sequence[Fixer], limit: Level | None) -> Outcome:
    return engine.fix(text, fixers, context=lambda _: context_of(unit), limit=limit)


def reason_against(unit: Unit, text: str, fixer: Fixer) -> str:
    """Why a fixer by itself does not act on a file; empty where it does."""
    outcome = _fix(unit, text, [fixer], None)
    if outcome.applied:
        return ""
    return outcome.skips[-1].reason if outcome.skips else outcome.broken_law or "not a word"


def context_of(unit: Unit) -> BuildContext:
    """The context of an app, as a user would name it: all files of its list, of which the corpus holds a part."""
    if not unit.context:
        return BuildContext(None)
    dockerfile = os.path.relpath(unit.path, unit.context)
    return BuildContext.of_list(_listed(unit.context), unit.context, dockerfile=dockerfile)


@cache
def _listed(context: str) -> dict[str, Listed]:
    folder, app = os.path.split(context)
    with open(os.path.join(folder, os.pardir, "apps-lists", f"{app}.tsv"), "rb") as file:
        rows = (decode(line).split("\t", 2) for line in file.read().splitlines())
        return {path: Listed(int(mode, 8), int(size)) for mode, size, path in rows}


def judge(unit: Unit) -> Verdict:
    """Check every law for one file; only the shells are asked later, for all files at once."""
    try:
        return _judge(unit)
    except Exception as error:  # one crash must not hide what the other files show
        place = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__}: {error}, in {place.name}, {place.filename}:{place.lineno}"
        return Verdict(unit, ((CRASH, what),), "", False, (), 0, (), ())


def _judge(unit: Unit) -> Verdict:
    data = Path(unit.path).read_bytes()
    before = parse(data)
    violations = [(ROUND_TRIP, reason) for reason in _broken_round_trip(data, before)]
    problem = before.problem.message if before.problem else ""
    disagreement = _disagreement(before) if unit.kind != "template" else ""
    if disagreement and not (unit.kind == "file" and unit.id in KNOWN_DISAGREEMENTS):
        violations.append((READING, disagreement))
    changed: list[str] = []
    shells: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    per_fixer: list[tuple[str, str]] = []
    dropped = 0
    for name, (fixers, limit) in _selections().items():
        outcome = _fix(unit, before.text, fixers, limit)
        after = parse(outcome.after)
        if outcome.changed:
            changed.append(name)
            shells.append((tuple(_shell_texts(before)), tuple(_shell_texts(after))))
        lost, gone = _lost_comments(before, after)
        violations += [(law, f"{name}: {what}") for law, what in _broken_laws(unit, before, after, outcome)]
        violations += [(COMMENTS, f"{name}: {comment}") for comment in lost]
        if outcome.changed:
            if _fix(unit, outcome.after, fixers, limit).after != outcome.after:
                violations.append((STABLE, name))
            if _fix(unit, before.text, fixers[::-1], limit).after != outcome.after:
                violations.append((ORDER, name))
        if name == "all fixers":
            dropped = gone
            per_fixer += [(fix.code, "") for fix in outcome.applied]
            per_fixer += [(skip.code, skip.reason) for skip in outcome.skips]
    return Verdict(
        unit, tuple(violations), problem, bool(disagreement), tuple(changed), dropped, tuple(shells), tuple(per_fixer)
    )


def _broken_round_trip(data: bytes, dockerfile: Dockerfile) -> Iterator[str]:
    text = dockerfile.text
    if encode(text) != data:
        yield "text"
    if "".join(node.text for node in dockerfile.nodes) != text:
        yield "nodes"
    if "".join(text[token.start : token.end] for token in dockerfile.tokens) != text:
        yield "tokens"


def _disagreement(dockerfile: Dockerfile) -> str:
    """How BuildKit reads the file otherwise than we do; empty when it does not."""
    text = _judgeable(dockerfile)
    if "\0" in text:
        return "" if dockerfile.problem else "a NUL character"
    ours = dockerfile if text == dockerfile.text else parse(text)
    theirs = buildkit_reading(text)
    if isinstance(theirs, str):
        return "" if dockerfile.problem else f"BuildKit refuses it: {theirs}"
    mine = own_reading(ours)
    if mine == theirs:
        return ""
    differences = (f"we read {our}, BuildKit {their}" for our, their in zip(mine, theirs, strict=False) if our != their)
    return next(differences, f"we read {len(mine)} instructions, BuildKit {len(theirs)}")


def _judgeable(dockerfile: Dockerfile) -> str:
    """The text for the judge, which takes no bytes that are not UTF-8."""
    return encode(dockerfile.text).decode("utf-8", "replace")


def _broken_laws(unit: Unit, before: Dockerfile, after: Dockerfile, outcome: Outcome) -> Iterator[tuple[str, str]]:
    if outcome.broken_law:
        yield LAWS, outcome.broken_law
    if not outcome.changed:
        return
    if unit.kind == "template" and unit.id not in NO_TEMPLATES:
        yield TEMPLATES, ", ".join(fix.code for fix in outcome.applied)
    if before.problem:
        yield REFUSED, before.problem.message
    if after.problem:
        yield PARSES, after.problem.message
    elif isinstance(theirs := buildkit_reading(_judgeable(after)), str):
        yield PARSES, f"BuildKit: {theirs}"
    elif unit.id not in KNOWN_DISAGREEMENTS and (difference := _disagreement(after)):
        yield PARSES, difference
    old = new = 0
    for region in outcome.regions:
        if before.text[old : region.old.start] != after.text[new : region.new.start]:
            yield OUTSIDE, f"before line {before.position(region.old.start).line}"
        old, new = region.old.end, region.new.end
    if before.text[old:] != after.text[new:]:
        yield OUTSIDE, f"after line {before.position(old).line}"


def _lost_comments(before: Dockerfile, after: Dockerfile) -> tuple[list[str], int]:
    """The comments that are gone, and how many more went with an instruction that is gone."""
    lost = Counter(comment.content for comment in before.comments) - Counter(item.content for item in after.comments)
    if not lost:
        return [], 0
    excused: Counter[str] = Counter()
    for instruction in _gone(before, after):
        excused.update(comment.content for comment in (*attached_comments(instruction), *instruction.comments))
    return sorted((lost - excused).elements()), (lost & excused).total()


def _gone(before: Dockerfile, after: Dockerfile) -> Iterator[Instruction]:
    """Instructions that are no longer there, where there are fewer of their kind than before."""
    kept = Counter(node.view.text for node in after.instructions)
    missing = Counter(node.name for node in before.instructions) - Counter(node.name for node in after.instructions)
    for node in before.instructions:
        if kept[node.view.text]:
            kept[node.view.text] -= 1
        elif missing[node.name]:
            yield node


def _shell_texts(dockerfile: Dockerfile) -> Iterator[str]:
    """What shells get to read: shell forms, and heredocs that are the whole command."""
    for node in dockerfile.instructions:
        inner = node.trigger if isinstance(node, Onbuild) and node.arguments else node
        if not isinstance(inner, ShellInstruction) or inner.json is not None or inner.name == "HEALTHCHECK":
            continue
        bodies = [dockerfile.text[heredoc.body.start : heredoc.terminator.end] for heredoc in node.heredocs]
        yield "\n".join([inner.arguments, *bodies])


# The shells and git, for all files at once


def judge_shells(verdicts: Iterable[Verdict]) -> Iterator[tuple[Verdict, str]]:
    """The shell commands that a fix broke."""
    changed = [verdict for verdict in verdicts if verdict.shells]
    texts = {text for verdict in changed for before, after in verdict.shells for text in {*before} ^ {*after}}
    for accepts in (bash_accepts, dash_accepts):
        accepts(sorted(texts))  # all at once is quick; what follows only looks the answers up
    for verdict in changed:
        for before, after in verdict.shells:
            yield from ((verdict, broken) for broken in newly_broken(before, after))


def judge_git(corpus: Path, scratch: Path) -> Iterator[str]:
    """Whether `git apply` takes the diff of a whole folder, and makes of it what `--write` makes."""
    for name, options in (("all fixers", ["--select", "DF"]), ("default", [])):
        patched, written = scratch / "patched", scratch / "written"
        for folder in (patched, written):
            shutil.rmtree(folder, ignore_errors=True)
            for part in ("files", "files-templates", "apps"):
                shutil.copytree(corpus / part, folder / part, symlinks=True)
            subprocess.run(["git", "init", "-q"], cwd=folder, check=True)  # it says how far up contexts may lie
        patch = scratch / "all.diff"
        with open(patch, "wb") as file:
            diff = _dfix(["--diff", *options, "."], patched, stdout=file)
            write = _dfix(["--write", *options, "."], written, stdout=subprocess.DEVNULL)
            codes = diff.wait(), write.wait()
        if codes != (1, 0):
            yield f"{name}: exit codes {codes} of --diff and --write instead of (1, 0)"
        if not patch.stat().st_size:
            yield f"{name}: the diff is empty"
            continue
        for command in (["git", "apply", "--check"], ["git", "apply"]):
            command += ["--whitespace=nowarn", str(patch)]
            run = subprocess.run(command, cwd=patched, capture_output=True, check=False)
            if run.returncode:
                yield f"{name}: {' '.join(command[:3])}: {run.stderr.decode('utf-8', 'replace')[:500]}"
                break
        else:
            shutil.rmtree(patched / ".git")
            shutil.rmtree(written / ".git")
            yield from (f"{name}: {path} differs from what --write makes" for path in _different(patched, written))


def _dfix(arguments: Sequence[str], folder: Path, *, stdout: object) -> subprocess.Popen[bytes]:
    program = "import sys; from rewriter.__main__ import main; sys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=stdout, stderr=subprocess.DEVNULL, env=environment)  # type: ignore[call-overload, no-any-return]  # an open file or a constant


def _different(one: Path, other: Path) -> Iterator[str]:
    def contents(folder: Path) -> dict[str, bytes]:
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    here, there = contents(one), contents(other)
    yield from sorted(path for path in here.keys() | there.keys() if here.get(path) != there.get(path))


# The table


class Row(NamedTuple):
    """A line of the table. `is_good` is None for a number that means nothing by itself."""

    label: str
    value: str
    is_good: bool | None


def rows(verdicts: Sequence[Verdict], git: Sequence[str]) -> Iterator[Row]:
    """The table."""
    files = [verdict for verdict in verdicts if verdict.unit.kind == "file"]
    apps = [verdict for verdict in verdicts if verdict.unit.kind == "app"]
    templates = [verdict for verdict in verdicts if verdict.unit.kind == "template"]
    contexts = len({verdict.unit.id.split("/")[0] for verdict in apps})
    yield Row("Dockerfiles", f"{len(files):,} and {len(apps):,} of {contexts} contexts", None)
    yield Row("templates and files without FROM", f"{len(templates):,}", None)

    failed = _count(verdicts, ROUND_TRIP)
    yield Row(ROUND_TRIP, f"{len(verdicts) - failed:,} of {len(verdicts):,}", not failed)
    judged = files + apps
    differ = sum(verdict.disagrees for verdict in judged)
    yield Row(READING, f"{len(judged) - differ:,} of {len(judged):,}", not _count(judged, READING))
    disagreeing = {verdict.unit.id for verdict in files if verdict.disagrees}
    for file, reason in KNOWN_DISAGREEMENTS.items():
        is_current = file in disagreeing
        yield Row(f"  {file}", reason if is_current else "agrees again: take it off the list", is_current)
    refusals = Counter(_without_names(verdict.refusal) for verdict in judged if verdict.refusal)
    for message, count in refusals.most_common():
        yield Row("  left alone: " + message, f"{count:,}", None)

    for name in _selections():
        changed = [verdict for verdict in verdicts if name in verdict.changed]
        yield Row(f"changed by {name}", f"{len(changed):,}", None)
    for law in LAWS_OF_RESULTS:
        count = _count(verdicts, law)
        yield Row(law, f"{count:,}", not count)
    dropped = sum(verdict.dropped_comments for verdict in verdicts)
    yield Row("  comments of instructions that fixes drop", f"{dropped:,}", None)
    yield Row(GIT, f"{len(git):,}", not git)


def _count(verdicts: Iterable[Verdict], law: str) -> int:
    return sum(any(broken == law for broken, _ in verdict.violations) for verdict in verdicts)


def fixer_lines(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """What each fixer did, and why it refused."""
    changed: Counter[str] = Counter()
    fixes: Counter[str] = Counter()
    skips: dict[str, Counter[str]] = {}
    for verdict in verdicts:
        changed.update({code for code, reason in verdict.per_fixer if not reason})
        for code, reason in verdict.per_fixer:
            if reason:
                skips.setdefault(code, Counter())[_without_names(reason)] += 1
            else:
                fixes[code] += 1
    yield f"{'fixer':<36} {'level':<8} {'files':>7} {'fixes':>7} {'skips':>7}"
    for fixer in _fixers():
        reasons = skips.get(fixer.code, Counter())
        numbers = f"{changed[fixer.code]:>7,} {fixes[fixer.code]:>7,} {reasons.total():>7,}"
        yield f"{fixer.code} {fixer.name:<30} {fixer.level:<8} {numbers}"
        yield from (f"{count:>14,}  {reason}" for reason, count in reasons.most_common(8))


def _without_names(reason: str) -> str:
    """A reason without what belongs to one file, so that alike ones count as one."""
    return " ".join("…" if _OF_ONE_FILE.search(word.rstrip(",:;.?")) else word for word in reason.split())


# The command


def main() -> int:
    """Print the table, or some diffs to read."""
    parser = argparse.ArgumentParser(prog="make corpus", description=main.__doc__)
    parser.add_argument("--corpus", type=Path, default=corpus_folder())
    parser.add_argument("--diffs", type=int, default=0, metavar="N", help="print N diffs drawn by the seed, no table")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", type=Path, help="write which fixers changed which file, to compare two versions")
    options = parser.parse_args()
    if not (options.corpus / "files").is_dir():
        print(f"no corpus in {options.corpus}: set DFIX_CORPUS to its folder", file=sys.stderr)
        return 2
    started = time.monotonic()
    units = find_units(options.corpus)
    if options.diffs:
        print_diffs(units, options.diffs, options.seed)
        return 0
    with multiprocessing.get_context("spawn").Pool(2) as pool:  # BuildKit's parser hangs in forked children
        verdicts = pool.map(judge, units, chunksize=64)
    broken = list(judge_shells(verdicts))
    verdicts = [_with(verdict, SHELL, [what for it, what in broken if it is verdict]) for verdict in verdicts]
    with tempfile.TemporaryDirectory(prefix="dfix-corpus-") as scratch:
        git = list(judge_git(options.corpus, Path(scratch)))
    table = list(rows(verdicts, git))
    width = max(len(row.label) for row in table)
    marks = {None: " ", True: "ok", False: "BROKEN"}
    print("\n".join(f"{row.label:<{width}}  {row.value}  {marks[row.is_good]}".rstrip() for row in table), end="\n\n")
    print("\n".join(fixer_lines(verdicts)), end="\n\n")
    for verdict in verdicts:
        for law, what in verdict.violations:
            print(f"{verdict.unit.path}: {law}: {what}")
    print(*git, sep="\n", end="")
    print(f"{time.monotonic() - started:.0f} s")
    if options.record:
        record(verdicts, options.record)
    return 1 if any(row.is_good is False for row in table) else 0


def _with(verdict: Verdict, law: str, violations: Sequence[str]) -> Verdict:
    return verdict._replace(violations=verdict.violations + tuple((law, what) for what in violations))


def print_diffs(units: Sequence[Unit], count: int, seed: int) -> None:
    """Print diffs of the default selection, drawn from all Dockerfiles that it changes."""
    fixers, limit = _selections()["default"]
    changed = []
    for unit in units:
        outcome = _fix(unit, decode(Path(unit.path).read_bytes()), fixers, limit)
        if outcome.changed:
            changed.append((unit, outcome))
    for unit, outcome in random.Random(seed).sample(changed, min(count, len(changed))):
        codes = ", ".join(sorted({fix.code for fix in outcome.applied}))
        print(f"===== {unit.kind} {unit.id}: {codes}")
        print(unified_diff("Dockerfile", outcome.before, outcome.after, outcome.regions))


def record(verdicts: Iterable[Verdict], path: Path) -> None:
    """Write a line per changed file: its name and how often each fixer fired."""
    lines: list[str] = []
    for verdict in verdicts:
        fired = Counter(code for code, reason in verdict.per_fixer if not reason)
        if fired:
            lines.append("\t".join([verdict.unit.id, *(f"{code}x{count}" for code, count in sorted(fired.items()))]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
