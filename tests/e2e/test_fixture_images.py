"""Every fixture as an image of nothing but its configuration: built before and after, and compared.

What would run or copy is left out, and what a stage starts from becomes `scratch`, so that all fixtures can be built.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from rewriter import parse
from rewriter.fixing.registry import load_fixers
from rewriter.model.stages import StageGraph
from rewriter.model.state import States
from rewriter.syntax import tree
from tests.cases import Case, load_cases
from tests.e2e.docker import config, image

pytestmark = pytest.mark.e2e

DECLARED = {
    "author": "Author",
    "cmd": "Cmd",
    "entrypoint": "Entrypoint",
    "env": "Env",
    "healthcheck": "Healthcheck",
    "label": "Labels",
    "user": "User",
}
"""What of the configuration a fixer may declare in `changes`, and where docker shows it."""

CHANGES = {fixer.code: fixer.changes for fixer in load_fixers()}


def bare(text: str) -> str:
    """The text with `scratch` for every image, and without what runs, copies, waits for a child image or is fetched."""
    dockerfile = parse(text)
    stages = {id(stage.from_): stage for stage in StageGraph(dockerfile).stages}
    for node in reversed(dockerfile.nodes):
        # A frontend would have to be fetched, and `check=error=true` refuses just what the fixers mend.
        is_obstacle = isinstance(node, tree.Directive) and node.name in ("syntax", "check")
        if isinstance(node, tree.Run | tree.Copy | tree.Onbuild) or is_obstacle:
            text = text[: node.start] + text[node.end :]
        elif isinstance(node, tree.From):
            start, end = node.image.span
            name = "scratch" if stages[id(node)].parent is None else node.image.text
            rest = text[end : node.end].rstrip("\r\n")
            text = text[:start] + name + rest + "\nENV BUILT=1\n" + text[node.end :]  # an image needs something in it
    return text


def is_rooted(text: str) -> bool:
    """Whether no stage continues the working directory of an image, which scratch does not have."""
    dockerfile = parse(text)
    states = States(StageGraph(dockerfile))
    return all(states.at(stage.from_).base.workdir in ("", "/") for stage in states.graph.stages)


def asks_for_no_user(text: str) -> bool:
    """Whether no WORKDIR stands below a USER with a name, which the builder looks for in files that scratch has not."""
    for stage in StageGraph(parse(text)).stages:
        named = [one for one in stage.instructions if isinstance(one, tree.User) and not one.arguments[:1].isdigit()]
        folders = [one for one in stage.instructions if isinstance(one, tree.Workdir)]
        if named and any(one.start > named[0].start for one in folders):
            return False
    return True


def shape(text: str) -> tuple[str, ...]:
    """What an image is configured by, in order, without the layout."""
    return tuple(f"{node.name} {' '.join(node.view.text.split()[1:])}" for node in parse(bare(text)).instructions)


CASES = [
    case
    for case in {(shape(case.before), shape(case.after)): case for case in load_cases()}.values()
    if bare(case.before) != bare(case.after)
    and is_rooted(case.before)
    and asks_for_no_user(case.before)
    and asks_for_no_user(case.after)
]
"""Those that change more than what runs or copies, one of each shape; the applications build the rest."""


def _params() -> list[object]:
    """The cases; those of new stages are many, and applications show them in the short run."""
    long = ("single-stage-build/", "distroless-runtime/")
    return [pytest.param(it, id=it.id, marks=[pytest.mark.long] if it.id.startswith(long) else []) for it in CASES]


@pytest.mark.parametrize("case", _params())
def test_configuration_changes_only_as_declared(case: Case, tmp_path: Path) -> None:
    outcome = case.run(case.before)
    with image(bare(outcome.before), tmp_path) as old, image(bare(outcome.after), tmp_path) as new:
        olds, news = config(old), config(new)
    declared = {change for applied in outcome.applied for change in CHANGES[applied.code]}
    allowed = {place for change, place in DECLARED.items() if change in declared}
    assert {key for key in olds.keys() | news.keys() if olds.get(key) != news.get(key)} <= allowed
