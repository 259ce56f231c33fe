"""Speed as ratios, measured in one run on the same files, one core against one core: `make bench`.

What is compared takes turns (A, B, A, B, ...), and the medians count, so a slow moment of the machine hits both.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from rewriter import engine, parse
from rewriter.__main__ import tune_collector
from rewriter.fixing.fixer import Level
from rewriter.fixing.registry import load_fixers, select
from rewriter.model.settings import DEFAULTS, Settings
from rewriter.syntax.text import decode
from rewriter.syntax.tree import Dockerfile, Instruction, Onbuild, Run, ShellInstruction
from scripts.corpus import corpus_folder
from tests.judges.buildkit import can_judge

ROOT: Final = Path(__file__).parent.parent
DFIX: Final = [sys.executable, "-c", "import sys; from rewriter.__main__ import main; sys.exit(main())"]
HADOLINT: Final = str(Path(sys.executable).with_name("hadolint"))


class Measure(NamedTuple):
    """What one run of a process took."""

    seconds: float
    megabytes: float


class Line(NamedTuple):
    """A line of the table. `met` is None where there is no target."""

    label: str
    value: str
    target: str
    met: bool | None


def measure(command: Sequence[str], codes: Iterable[int] = (0, 1)) -> Measure:
    """Run a process to its end; its time and its largest memory. Raises RuntimeError for any other exit code."""
    # Byte code is kept, as it is where dfix is installed, wherever this runs.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}
    # A child starts its peak memory at that of the process it was forked from, so a small one stands between.
    watch = [sys.executable, "-S", "-c", _WATCH, *command]
    run = subprocess.run(watch, stdout=subprocess.PIPE, env=environment, check=True)
    code, seconds, kilobytes = json.loads(run.stdout)
    if code not in codes:
        raise RuntimeError(f"exit code {code}: {' '.join(command)[:300]}")
    return Measure(seconds, kilobytes / 1024)


_WATCH: Final = """
import os, sys, time
start = time.perf_counter()
null = os.open(os.devnull, os.O_RDWR)
actions = [(os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)]
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=actions)
_, status, usage = os.wait4(child, 0)
print([os.waitstatus_to_exitcode(status), time.perf_counter() - start, usage.ru_maxrss])
"""


def take_turns(candidates: dict[str, Callable[[], Measure]], rounds: int) -> dict[str, Measure]:
    """Measure each candidate once per round; the median time and the largest memory of each."""
    found: dict[str, list[Measure]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            found[name].append(run())
    return {
        name: Measure(statistics.median(it.seconds for it in taken), max(it.megabytes for it in taken))
        for name, taken in found.items()
    }


# What is measured


def batch(files: Sequence[Path], scratch: Path, rounds: int) -> list[Line]:
    """Many files in one process, against hadolint."""
    folder = scratch / "batch"
    folder.mkdir()
    names = [str(shutil.copy(path, folder / path.name)) for path in files]
    took = take_turns(
        {
            "dfix": partial(measure, [*DFIX, "--check", *names], codes=(0, 1, 2)),  # 2: some file is no Dockerfile
            "hadolint": partial(measure, [HADOLINT, "--no-fail", *names]),
        },
        rounds,
    )
    rates = {name: len(names) / it.seconds for name, it in took.items()}
    ratio = rates["dfix"] / rates["hadolint"]
    return [
        Line(f"batch of {len(names):,}, files/s of hadolint", f"{ratio:.1f} times", ">= 10 (stretch 15)", ratio >= 10),
        *(Line(f"  {name}", f"{rates[name]:,.0f} files/s, {took[name].megabytes:.0f} MB", "", None) for name in took),
    ]


def read_all(dockerfile: Dockerfile) -> int:
    """Force every word and every shell tree, and count what was found."""
    found = 0
    for instruction in dockerfile.instructions:
        inner: Instruction = instruction
        if isinstance(instruction, Onbuild) and instruction.arguments:
            inner = instruction.trigger
        found += len(inner.flags) + len(inner.words)
        if isinstance(inner, Run):
            found += sum(len(command.words) for command in inner.script.simple_commands())
        elif isinstance(inner, ShellInstruction):
            found += sum(len(command.words) for command in inner.shell.simple_commands())
    return found


def parser(files: Sequence[Path], rounds: int) -> list[Line]:
    """The parser alone, everything forced, against the BuildKit binding."""
    texts = [text for text in (decode(path.read_bytes()) for path in files) if can_judge(text)]
    lines = sum(text.count("\n") + 1 for text in texts)
    took = take_turns(
        {
            "ours": lambda: _timed(lambda: sum(read_all(parse(text)) for text in texts)),
            "BuildKit binding": partial(_timed, partial(_read_with_binding, texts)),
        },
        rounds,
    )
    ratio = took["BuildKit binding"].seconds / took["ours"].seconds
    return [
        Line(
            "parser with all words and shell trees, lines/s of the binding",
            f"{ratio:.2f} times",
            ">= 1.5",
            ratio >= 1.5,
        ),
        *(Line(f"  {name}", f"{lines / it.seconds:,.0f} lines/s", "", None) for name, it in took.items()),
    ]


def _read_with_binding(texts: Iterable[str]) -> None:
    import dockerfile

    for text in texts:
        with suppress(dockerfile.GoParseError):
            dockerfile.parse_string(text)


def _timed(work: Callable[[], object], times: int = 1) -> Measure:
    start = time.perf_counter()
    for _ in range(times):
        work()
    seconds = (time.perf_counter() - start) / times
    return Measure(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def small_files(files: Sequence[Path], rounds: int) -> list[Line]:
    """One small file, the whole process: against an import of typer alone, and against hadolint."""
    took: dict[str, list[Measure]] = {}
    for path in files:
        for name, measured in take_turns(
            {
                "dfix --check": partial(measure, [*DFIX, "--check", str(path)]),
                "import typer": partial(measure, [sys.executable, "-c", "import typer"]),
                "hadolint": partial(measure, [HADOLINT, "--no-fail", str(path)]),
            },
            rounds,
        ).items():
            took.setdefault(name, []).append(measured)
    medians = {name: statistics.median(it.seconds for it in measures) for name, measures in took.items()}
    memory = {name: max(it.megabytes for it in measures) for name, measures in took.items()}
    typer, hadolint = (medians["dfix --check"] / medians[name] for name in ("import typer", "hadolint"))
    return [
        Line(
            f"one small file ({len(files)} of them), against `import typer`",
            f"{typer:.2f} times",
            "<= 1.5",
            typer <= 1.5,
        ),
        Line("one small file, against hadolint", f"{hadolint:.2f} times", "stretch: < 1", None),
        *(Line(f"  {name}", f"{medians[name] * 1000:.0f} ms, {memory[name]:.0f} MB", "", None) for name in medians),
    ]


BLOCK: Final = """\
# install what stage {n} needs
FROM debian:12 AS stage{n}
ARG VERSION=1.{n}
ENV PATH=/opt/app/bin:$PATH LANG="C.UTF-8" \\
    NAME=value
RUN apt-get update && \\
    # the compiler
    apt-get install -y --no-install-recommends gcc make "curl" && \\
    rm -rf /var/lib/apt/lists/*
COPY --chown=app:app src /src/
RUN cd /src && echo "$(uname -m) '$VERSION'" > /etc/version && if [ -f x ]; then make; fi; ./configure | tee log
RUN <<EOF
echo "one $HOME"
# a comment of the script
make install
EOF

CMD ["app", "--port", "80"]
"""


INSTALLS: Final = """\
COPY part{n}/package.json part{n}/
RUN npm ci && npm cache clean --force
RUN apt-get update && apt-get install -y tool{n} && rm -rf /var/lib/apt/lists/*
COPY requirements{n}.txt ./
RUN pip install --no-cache-dir -r requirements{n}.txt
RUN groupadd group{n} && yarn install --frozen-lockfile
COPY go.mod{n} ./
RUN go mod download
RUN composer install && bundle install
"""
"""Installs of many managers, to tempt a fixer to look at all RUNs for each of them."""


def linearity(scratch: Path, rounds: int) -> list[Line]:
    """What a line costs in a long file, against a short one: in one process, so that no start-up blurs it."""
    fixers = select(load_fixers())
    short, long = _mixed(1_000), _mixed(100_000)

    def fix(text: str, settings: Settings = DEFAULTS) -> object:
        return engine.fix(text, fixers, limit=Level.GUARDED, settings=settings)

    lines = [
        _growth(
            "parsing: a line of 100,000 against one of 1,000", lambda text: read_all(parse(text)), short, long, rounds
        ),
        _growth("fixing: a line of 100,000 against one of 1,000", fix, short, long, rounds),
    ]
    legacy = partial(fix, settings=Settings(builder="legacy"))
    for label, work, one_stage in (
        ("installs in one stage", fix, True),
        ("installs in many stages", fix, False),
        ("installs in one stage, legacy builder", legacy, True),
    ):
        texts = (_installs(1_000, one_stage=one_stage), _installs(10_000, one_stage=one_stage))
        lines.append(_growth(f"{label}: a line of 10,000 against one of 1,000", work, *texts, rounds))
    path = scratch / "long.Dockerfile"
    path.write_text(long, encoding="utf-8")
    whole = measure([*DFIX, "--check", str(path)])
    return [
        *lines,
        Line("  100,000 lines, whole process", f"{whole.seconds:.1f} s, {whole.megabytes:.0f} MB", "", None),
    ]


def _growth(label: str, work: Callable[[str], object], short: str, long: str, rounds: int) -> Line:
    """What a line costs in a long text, in units of what one costs in a short text."""
    times = long.count("\n") / short.count("\n")
    took = take_turns(
        {"short": partial(_timed, partial(work, short), 5), "long": partial(_timed, partial(work, long))}, rounds
    )
    ratio = took["long"].seconds / took["short"].seconds / times
    return Line(label, f"{ratio:.2f} times", "<= 1.6", ratio <= 1.6)


def _installs(lines: int, *, one_stage: bool) -> str:
    blocks = [INSTALLS.format(n=number) for number in range(lines // INSTALLS.count("\n"))]
    stage = "FROM python:3.11 AS stage{n}\nUSER root\n"
    if one_stage:
        return stage.format(n=0) + "".join(blocks)
    return "".join(stage.format(n=number) + block for number, block in enumerate(blocks))


def _mixed(lines: int) -> str:
    blocks = (BLOCK.format(n=number) for number in range(lines // BLOCK.count("\n")))
    return "".join(blocks) or "FROM debian:12\n"


FILLINGS: Final = {
    "words": "word ", "quotes": "'a' \"b\" ", "$(": "$(", "backslashes": "\\a", "open quotes": "\"'",
    "operators": "a&&b||c;", "braces": "${A:-", "heredocs": "<<A ", "JSON": '"a", ', "assignments": "A=b ",
}  # fmt: skip
"""What a long line may be full of, to tempt a parser to look back."""


def long_lines(scratch: Path) -> list[Line]:
    """Ten megabytes of one line; and two as one instruction of many lines, none too long for BuildKit."""
    path = scratch / "long.Dockerfile"
    lines: list[Line] = []
    for name, filling in FILLINGS.items():
        path.write_text("FROM debian:12\nRUN " + filling * (10_000_000 // len(filling)) + "\n", encoding="utf-8")
        took = measure([*DFIX, "--check", str(path)], codes=(0, 1, 2))
        value = f"{took.seconds:.1f} s, {took.megabytes:.0f} MB"
        lines.append(Line(f"10 MB of one line: {name}", value, "< 15 s", took.seconds < 15))
        per_line = 60_000 // len(filling)
        path.write_text("FROM debian:12\nRUN " + (filling * per_line + "\\\n") * 34 + "\n", encoding="utf-8")
        took = measure([*DFIX, "--check", str(path)], codes=(0, 1, 2))
        lines.append(Line("  2 MB of continued lines", f"{took.seconds:.1f} s, {took.megabytes:.0f} MB", "", None))
    return lines


# The command


def main() -> int:
    """Print each ratio with its target."""
    options = argparse.ArgumentParser(prog="make bench", description=main.__doc__)
    options.add_argument("--corpus", type=Path, default=corpus_folder())
    options.add_argument("--files", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    everything = sorted((chosen.corpus / "files").glob("*.Dockerfile"))
    if not everything:
        print(f"no corpus in {chosen.corpus}: set DFIX_CORPUS to its folder", file=sys.stderr)
        return 2
    tune_collector()  # what is timed in this process runs as the program runs
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    files = random.Random(chosen.seed).sample(everything, min(chosen.files, len(everything)))
    small = [
        path for path in files if 20 <= path.read_bytes().count(b"\n") <= 60 and not parse(path.read_bytes()).problem
    ]
    table: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="dfix-bench-") as name:
        scratch = Path(name)
        sections: tuple[Callable[[], list[Line]], ...] = (
            partial(batch, files, scratch, chosen.rounds),
            partial(parser, files, chosen.rounds + 2),
            partial(small_files, small[:20], chosen.rounds),
            partial(linearity, scratch, chosen.rounds),
            partial(long_lines, scratch),
        )
        for section in sections:
            for line in section():
                verdict = {None: "", True: "met", False: "MISSED"}[line.met]
                print(f"{line.label:<62} {line.value:<26} {line.target:<20} {verdict}".rstrip(), flush=True)
                table.append(line)
    return 1 if any(line.met is False for line in table) else 0


if __name__ == "__main__":
    sys.exit(main())
