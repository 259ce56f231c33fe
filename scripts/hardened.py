"""How often DF401 and DF402 act on real contexts of Python and Node that serve a port and lack what they add.

The corpus has no sources, only manifests, so this is the least that these fixers do: with sources they know more. The
exit code is 1 when one of them acts on fewer than half.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from rewriter.fixing.registry import load_fixers
from rewriter.model.project import Project
from rewriter.model.stages import StageGraph
from rewriter.model.state import States
from rewriter.syntax.parser import parse
from rewriter.syntax.text import decode
from rewriter.syntax.tree import Healthcheck, Instruction, User
from scripts.corpus import Unit, context_of, corpus_folder, find_units, reason_against
from scripts.projects import judge

ADDED: Final[dict[str, type[Instruction]]] = {"DF401": User, "DF402": Healthcheck}
"""The fixers, with the instruction that a stage must lack."""

LANGUAGES: Final = ("python", "javascript")
LEAST: Final = 0.5
MOST_REASONS: Final = 12


class Tried(NamedTuple):
    """What a fixer does with one context: an empty reason says that it acts."""

    code: str
    unit: str
    reason: str


def candidates() -> Iterator[tuple[Unit, str, Project]]:
    """The contexts whose last stage runs Python or Node and serves a port, with the text of the Dockerfile."""
    for unit in find_units(corpus_folder()):
        if unit.kind != "app":
            continue
        text = decode(Path(unit.path).read_bytes())
        graph = StageGraph(parse(text))
        project = Project(graph.stages[-1], States(graph), context_of(unit))
        row = judge(unit.id, project)
        if row.language in LANGUAGES and row.serves:
            yield unit, text, project


def tries() -> Iterator[Tried]:
    """What each of the fixers does with each of the contexts that lack its instruction."""
    fixers = {fixer.code: fixer for fixer in load_fixers() if fixer.code in ADDED}
    for unit, text, project in candidates():
        lineage = project.sources.stage.lineage
        present = {type(one) for stage in lineage for one in stage.instructions}
        for code, fixer in fixers.items():
            if ADDED[code] not in present:
                yield Tried(code, unit.id, reason_against(unit, text, fixer))


def main() -> int:
    """Print a table for each fixer."""
    found = list(tries())
    is_good = True
    for code in ADDED:
        reasons = Counter(tried.reason for tried in found if tried.code == code)
        acts, total = reasons.pop("", 0), sum(tried.code == code for tried in found)
        is_good = is_good and acts >= LEAST * total > 0
        print(f"{code} acts on {acts} of {total} contexts that serve a port and have no {ADDED[code].__name__.upper()}")
        print("".join(f"{count:>6}  {reason}\n" for reason, count in reasons.most_common(MOST_REASONS)))
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
