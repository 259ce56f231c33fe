"""What cache mounts, uv and the copy order each do for one FastAPI application: sizes and times as ratios.

    make effect               print the table
    make effect ARGS=--write  put it into the README

The application is built as it is, then with one fixer more at a time; every build starts with cold caches of its own.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from rewriter.batch import Options
from rewriter.fixing.registry import load_fixers
from rewriter.verify.cost import measured
from rewriter.verify.engine.builder import Engine, open_engine
from rewriter.verify.report import Cost
from rewriter.verify.request import Conditions
from rewriter.verify.subject import Subject

ROOT: Final = Path(__file__).parent.parent
README: Final = ROOT / "README.md"
PLACE: Final = re.compile(r"(?<=<!-- effect -->\n)(.*?)(?=<!-- /effect -->)", re.DOTALL)


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
COLUMNS: Final = ("image", "cold build", "rebuild: source changed", "rebuild: dependency changed")


def main() -> None:
    """Measure, and print the table or put it into the README."""
    parser = argparse.ArgumentParser(
        prog="make effect", description="Measure what the fixers do for a FastAPI application."
    )
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    parser.add_argument("--runs", type=int, default=3, help="how often each build is measured (3)")
    arguments = parser.parse_args()
    table = render(measure(arguments.runs))
    print(table, end="")
    if arguments.write:
        text = README.read_text("utf-8")
        README.write_text(PLACE.sub(lambda _: table, text), encoding="utf-8")


def measure(runs: int) -> list[Cost]:
    """What each variant costs."""
    with TemporaryDirectory() as folder, open_engine(progress) as engine:
        project = Path(folder, "fastapi")
        shutil.copytree(ROOT / "examples/fastapi", project)
        subject = Subject(str(project / "Dockerfile"), load_fixers(), Options(context=str(project)))
        return [_cost(engine, subject, variant, runs) for variant in VARIANTS]


def progress(text: str) -> None:
    """Say what is being done."""
    if sys.stderr.isatty():
        print(text, file=sys.stderr)


def _cost(engine: Engine, subject: Subject, variant: Variant, runs: int) -> Cost:
    conditions = Conditions(runs=runs)
    version, _ = subject.upgraded(variant.codes)
    recipe = subject.request(conditions).recipe(version)
    space = engine.new_space()
    first = engine.build(recipe, space)
    return measured(engine, recipe, first, space, conditions, Path(engine.folder, f"effect-{space}"))


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


if __name__ == "__main__":
    main()
