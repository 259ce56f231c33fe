"""What can be told of the projects in real build contexts: how often start program, port and framework are known.

    DFIX_CORPUS=folder python -m scripts.projects [--unknown 40] [--seed 1] [FOLDER ...]

A FOLDER is a context with a Dockerfile of its own; without one the contexts of the corpus are read.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.model.project import Project
from rewriter.model.project.answers import Unknown
from rewriter.model.stages import StageGraph
from rewriter.model.state import States
from rewriter.syntax.parser import parse
from scripts.corpus import context_of, corpus_folder, find_units

QUESTIONS: Final = ("start", "program", "language", "framework", "port", "address", "packages")
_FAMILIES: Final = {"python": "python", "node": "javascript"}


class Row(NamedTuple):
    """One Dockerfile: the answers that are known, and why the others are not."""

    id: str
    language: str
    serves: bool
    answers: dict[str, object]
    seconds: float


def projects(folders: list[str]) -> Iterator[tuple[str, Project]]:
    """The projects of some folders, or of the corpus."""
    if folders:
        for folder in folders:
            for path in sorted(Path(folder).rglob("Dockerfile")):
                root = str(path.parent)
                yield root, _project(path, BuildContext(root, dockerfile="Dockerfile"))
        return
    for unit in find_units(corpus_folder()):
        if unit.kind == "app":
            yield unit.id, _project(Path(unit.path), context_of(unit))


def _project(path: Path, context: BuildContext) -> Project:
    graph = StageGraph(parse(path.read_bytes()))
    return Project(graph.stages[-1], States(graph), context)


def judge(name: str, project: Project) -> Row:
    """Ask everything of a project."""
    begun = time.perf_counter()
    answers: dict[str, object] = {question: getattr(project, question) for question in QUESTIONS}
    answers |= {question: getattr(project, question) for question in ("health_route", "writes", "gates")}
    spent = time.perf_counter() - begun
    language = project.language
    origin = project.sources.stage.origin
    kind = language if isinstance(language, str) else _FAMILIES.get(origin.family if origin else "", "?")
    return Row(name, kind, bool(project.port or project.exposed), answers, spent)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*")
    parser.add_argument("--unknown", type=int, default=0, help="how many contexts with something unknown to list")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rows = [judge(name, project) for name, project in projects(options.folders)]
    counts = Counter(row.language for row in rows)
    print(f"{len(rows)} Dockerfiles, the slowest took {max(row.seconds for row in rows):.2f} s, "
          f"all {sum(row.seconds for row in rows):.1f} s")  # fmt: skip
    print(f"{'language':12}{'files':>6}{'serve':>6}" + "".join(f"{question:>10}" for question in QUESTIONS))
    for language, number in counts.most_common():
        chosen = [row for row in rows if row.language == language and row.serves]
        known = (sum(not isinstance(row.answers[question], Unknown) for row in chosen) for question in QUESTIONS)
        print(f"{language:12}{number:6}{len(chosen):6}" + "".join(f"{count:10}" for count in known))
    wanted = [row for row in rows if row.language in ("python", "javascript") and _unknown(row)]
    random.Random(options.seed).shuffle(wanted)
    for row in wanted[: options.unknown]:
        print(row.id, row.language)
        for question, reason in _unknown(row).items():
            print(f"    {question}: {reason}")


def _unknown(row: Row) -> dict[str, str]:
    asked = {question: row.answers[question] for question in ("program", "framework", "port")}
    return {question: answer.reason for question, answer in asked.items() if isinstance(answer, Unknown)}


if __name__ == "__main__":
    main()
