"""What dfix does for one FastAPI application: two tables, of single fixers as ratios, and of all of them.

    make effect                                  print the tables
    make effect ARGS=--write                     put them into the README
    make effect ARGS="--write --table upgrade"   only that of all fixers together

The application is built as it is, then with one fixer more at a time, and with all; every build starts with cold caches
of its own. The start-up is measured from the moment at which the engine starts the program until it answers.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic, sleep, time
from typing import Final, NamedTuple

from rewriter.batch import Options
from rewriter.fixing.fixer import Level
from rewriter.fixing.registry import load_fixers
from rewriter.verify.cost import measured
from rewriter.verify.engine.builder import Engine, open_engine
from rewriter.verify.report import Cost
from rewriter.verify.request import Conditions
from rewriter.verify.subject import Subject

ROOT: Final = Path(__file__).parent.parent
README: Final = ROOT / "README.md"
PLACE: Final = re.compile(r"(?<=<!-- effect -->\n)(.*?)(?=<!-- /effect -->)", re.DOTALL)
UPGRADE_PLACE: Final = re.compile(r"(?<=<!-- upgrade -->\n)(.*?)(?=<!-- /upgrade -->)", re.DOTALL)
PORT: Final = 8000
"""Where the application listens; what its health check asks for is `/`."""


class Upgraded(NamedTuple):
    """What a variant costs, and the seconds that its program takes to start."""

    cost: Cost
    start_up: float


class Variant(NamedTuple):
    """The application with some fixers."""

    name: str
    codes: tuple[str, ...]


VARIANTS: Final = (
    Variant("as it is", ()),
    Variant("cache mounts (DF202)", ("DF202",)),
    Variant("… and uv (DF301)", ("DF202", "DF301")),
    Variant("… and manifests first (DF201)", ("DF201", "DF202", "DF301")),
)
DEFAULT: Final = tuple(fixer.code for fixer in load_fixers() if fixer.level != Level.OPT_IN)
UPGRADES: Final = (
    Variant("before any fix", ()),
    Variant("dfix", DEFAULT),
    Variant("dfix with distroless (DF104)", (*DEFAULT, "DF104")),
)
UPGRADE_COLUMNS: Final = ("image", "cold build", "rebuild: source changed", "start-up")
COLUMNS: Final = ("image", "cold build", "rebuild: source changed", "rebuild: dependency changed")


def main() -> None:
    """Measure, and print the table or put it into the README."""
    parser = argparse.ArgumentParser(
        prog="make effect", description="Measure what the fixers do for a FastAPI application."
    )
    parser.add_argument("--write", action="store_true", help="put the tables into the README")
    parser.add_argument("--table", choices=("effect", "upgrade", "both"), default="both", help="which one (both)")
    parser.add_argument("--runs", type=int, default=3, help="how often each build is measured (3)")
    arguments = parser.parse_args()
    for name, place in (("effect", PLACE), ("upgrade", UPGRADE_PLACE)):
        if arguments.table in (name, "both"):
            table = render(measure(arguments.runs)) if name == "effect" else render_upgrades(upgrade(arguments.runs))
            print(table)
            if arguments.write:
                _write(place, table)


def _write(place: re.Pattern[str], table: str) -> None:
    """Put a table into the README."""
    text = README.read_text("utf-8")
    README.write_text(place.sub(lambda _: table, text), encoding="utf-8")


def measure(runs: int) -> list[Cost]:
    """What each variant costs."""
    with _application() as (engine, subject):
        return [_cost(engine, subject, variant, runs)[0] for variant in VARIANTS]


def upgrade(runs: int) -> list[Upgraded]:
    """What the application costs before any fix, after the default ones, and on an image without a shell."""
    with _application() as (engine, subject):
        found = []
        for variant in UPGRADES:
            cost, identity = _cost(engine, subject, variant, runs)
            found.append(Upgraded(cost, median(start_up(engine, identity) for _ in range(max(runs, 3)))))
        return found


@contextmanager
def _application() -> Iterator[tuple[Engine, Subject]]:
    with TemporaryDirectory() as folder, open_engine(progress) as engine:
        project = Path(folder, "fastapi")
        shutil.copytree(ROOT / "examples/fastapi", project)
        options = Options(context=str(project), extend_select=("DF104",))
        yield engine, Subject(str(project / "Dockerfile"), load_fixers(), options)


def start_up(engine: Engine, identity: str) -> float:
    """The seconds from the start of the program of an image to its first answer. Raises TimeoutError after a minute."""
    container = engine.start(identity, ports=[PORT])
    try:
        port, deadline = container.host_port(PORT), monotonic() + 60
        while monotonic() < deadline:
            if _answers(port):
                return time() - _moment(container.state()["StartedAt"])
            sleep(0.005)
        raise TimeoutError(f"nothing answers on port {PORT}: {container.logs()}")
    finally:
        container.remove()


def _answers(port: int) -> bool:
    try:
        connection = HTTPConnection("127.0.0.1", port, timeout=2)
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False


def _moment(text: str) -> float:
    """The seconds of a moment that the engine writes with nanoseconds: `2026-11-26T11:07:56.123456789Z`."""
    return datetime.fromisoformat(f"{text[:26].rstrip('Z')}+00:00").timestamp()


def progress(text: str) -> None:
    """Say what is being done."""
    if sys.stderr.isatty():
        print(text, file=sys.stderr)


def _cost(engine: Engine, subject: Subject, variant: Variant, runs: int) -> tuple[Cost, str]:
    """What a variant costs, and its image."""
    conditions = Conditions(runs=runs)
    version, _ = subject.upgraded(variant.codes)
    recipe = subject.request(conditions).recipe(version)
    space = engine.new_space()
    first = engine.build(recipe, space)
    cost = measured(engine, recipe, first, space, conditions, Path(engine.folder, f"effect-{space}"))
    return cost, first.identity


def render(costs: Sequence[Cost]) -> str:
    """A table of ratios to the first row, which is the application as it is."""
    lines = [f"| | {' | '.join(COLUMNS)} |", f"| --- |{' ---: |' * len(COLUMNS)}"]
    for variant, cost in zip(VARIANTS, costs, strict=True):
        lines.append(f"| {variant.name} | {' | '.join(_ratios(cost, costs[0]))} |")
    return "\n".join(lines) + "\n"


def _ratios(cost: Cost, first: Cost) -> Iterator[str]:
    for value, base in zip(_measures(cost), _measures(first), strict=True):
        yield f"{value / base:.2f}" if value is not None and base else "-"


def _measures(cost: Cost) -> tuple[float | None, ...]:
    return cost.image_bytes, cost.cold_build, cost.rebuild_after_source, cost.rebuild_after_dependency


def render_upgrades(found: Sequence[Upgraded]) -> str:
    """A table of sizes and times, with their ratios to the first row, which is the application before any fix."""
    lines = [f"| | {' | '.join(UPGRADE_COLUMNS)} |", f"| --- |{' ---: |' * len(UPGRADE_COLUMNS)}"]
    first = _numbers(found[0])
    for variant, one in zip(UPGRADES, found, strict=True):
        cells = [
            f"{value:.{digits}f} {unit}" + ("" if one is found[0] else f" ({value / base:.2f})")
            for value, base, (unit, digits) in zip(_numbers(one), first, _UNITS, strict=True)
        ]
        lines.append(f"| {variant.name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


_UNITS: Final = (("MB", 0), ("s", 1), ("s", 1), ("s", 2))


def _numbers(one: Upgraded) -> tuple[float, ...]:
    cost = one.cost
    return (cost.image_bytes or 0) / 1e6, cost.cold_build or 0.0, cost.rebuild_after_source or 0.0, one.start_up


if __name__ == "__main__":
    main()
