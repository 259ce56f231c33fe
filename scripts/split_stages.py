"""How often DF101 splits real single-stage files that ship what they were built with: `make split-stages`.

Such files install compilers or headers, build a front end, or start from an image that is a tool chain. The contexts
have no sources, only manifests: files that cannot be judged without are counted apart. So are those whose base has the
tools anyway, and TechEmpower's benchmarks, which are half of the corpus. The exit code is 1 when DF101 acts on fewer
than half of the others.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from rewriter.fixing.registry import load_fixers
from rewriter.model.image import ImageReference
from rewriter.model.managers.run_calls import calls
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS
from rewriter.model.splitting.unread import only_builds
from rewriter.model.stages import Stage, StageGraph
from rewriter.syntax.parser import parse
from rewriter.syntax.text import decode
from rewriter.syntax.tree import Run
from scripts.corpus import BENCHMARKS, corpus_folder, find_units, reason_against

LEAST: Final = 0.5
MOST_REASONS: Final = 12
_APART: Final = re.compile(r"cannot be read|the runtime would keep")
_TOOL_CHAINS: Final = frozenset({"golang", "rust", "maven", "gradle"})
_FRONT_ENDS: Final = frozenset({"npm", "yarn", "pnpm", "bun"})


class Tried(NamedTuple):
    """What DF101 does with one file that ships tools: an empty reason says that it acts."""

    unit: str
    tools: str
    reason: str


def tools_of(stage: Stage) -> str:
    """What a stage ships that only builds, in a word; empty where nothing is known."""
    origin = stage.origin
    if origin and (origin.family in _TOOL_CHAINS or _is_sdk(origin)):
        return origin.family or origin.repository.rpartition("/")[2]
    for run in stage.instructions:
        for call in calls(run) if isinstance(run, Run) else ():
            is_of_system = call.manager.name in SYSTEM_MANAGERS and call.installs
            if is_of_system and any(only_builds(word.value.partition("=")[0]) for word in call.packages):
                return "compilers"
            if call.manager.name in _FRONT_ENDS and call.builds:
                return "front end"
    return ""


def _is_sdk(image: ImageReference) -> bool:
    return image.repository.startswith("dotnet/sdk") or image.repository.endswith("/dotnet/sdk")


def tries() -> Iterator[Tried]:
    """What DF101 does with each single-stage file of the corpus that ships tools."""
    (fixer,) = (one for one in load_fixers() if one.code == "DF101")
    for unit in find_units(corpus_folder()):
        if unit.kind != "app":
            continue
        text = decode(Path(unit.path).read_bytes())
        graph = StageGraph(parse(text))
        if len(graph.stages) != 1 or not (tools := tools_of(graph.stages[0])):
            continue
        yield Tried(unit.id, tools, reason_against(unit, text, fixer))


def main() -> int:
    """Print how often DF101 acts, and why it does not."""
    found = list(tries())
    is_good = False
    for label, of_benchmarks in (("other files", False), (f"files of {BENCHMARKS}", True)):
        part = [one for one in found if one.unit.startswith(BENCHMARKS) is of_benchmarks]
        judged = [one for one in part if not _APART.search(one.reason)]
        acts = [one for one in judged if not one.reason]
        is_good = is_good or (not of_benchmarks and len(acts) >= LEAST * len(judged) > 0)
        print(f"DF101 acts on {len(acts)} of {len(judged)} {label} of one stage that ship tools")
        left = Counter(f"{one.tools}: {one.reason}" for one in judged if one.reason)
        print("".join(f"{count:>6}  {reason}\n" for reason, count in left.most_common(MOST_REASONS)))
        print(f"{len(part) - len(judged):>6}  more need sources that are not here, or have a base with the tools\n")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
