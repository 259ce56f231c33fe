"""What an image is large from, and what it would lose: an estimate from what is known of images and packages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.model.data.base_contents import base_contents
from rewriter.model.data.package_roles import IN_FULL_IMAGES
from rewriter.model.data.sizes import installed_size, pulled_size
from rewriter.model.managers.run_calls import apt_calls
from rewriter.model.stages import Stage, StageGraph
from rewriter.syntax.parser import parse
from rewriter.syntax.tree import Run

WORTH_NAMING: Final = 50
"""In megabytes: what takes less explains no large image."""


class Shipped(NamedTuple):
    """What the image of a file ships: its base, and the packages that RUNs install."""

    base: str
    megabytes: int | None
    month: str
    packages: frozenset[str]


def shipped_by(text: str) -> Shipped:
    """What the image of the last stage of a Dockerfile ships."""
    stage = StageGraph(parse(text)).stages[-1]
    size = pulled_size(stage.origin) if stage.origin else None
    base = str(stage.origin or "an image that a variable names")
    packages = frozenset(_packages(stage))
    if "convert" in base_contents(stage.origin).tools:
        packages -= IN_FULL_IMAGES
    return Shipped(base, size.megabytes if size else None, size.month if size else "", packages)


def _packages(stage: Stage) -> Iterator[str]:
    runs = (one for layer in stage.lineage for one in layer.instructions if isinstance(one, Run))
    for call in (call for run in runs for call in apt_calls(run)):
        yield from (word.value.partition("=")[0] for word in call.packages if call.installs and word.value)


def why_large(shipped: Shipped) -> Iterator[str]:
    """The largest things that are known of an image, a sentence each; nothing where none of them is large."""
    large = [(name, megabytes) for name, megabytes in _sized(shipped.packages) if megabytes >= WORTH_NAMING]
    if shipped.megabytes is not None and shipped.megabytes >= WORTH_NAMING:
        yield f"Its base {shipped.base} alone is about {shipped.megabytes} MB to pull (as of {shipped.month})."
    elif shipped.megabytes is None and large:
        yield f"How large its base {shipped.base} is, is not known."
    for name, megabytes in large:
        yield f"`{name}` with what it depends on takes about {megabytes} MB on disk."


def what_goes(before: Shipped, after: Shipped) -> Iterator[str]:
    """What an image would lose, in numbers as far as they are known, a sentence each."""
    if before.base != after.base:
        if before.megabytes is not None and after.megabytes is not None:
            less = before.megabytes - after.megabytes
            yield f"{after.base} instead of {before.base}: about {less} MB less to pull."
        else:
            yield f"{after.base} instead of {before.base}: {_said(after)}; {_said(before)}."
    gone = before.packages - after.packages
    sized = list(_sized(gone))
    if sized:
        named = ", ".join(f"`{name}` ({megabytes} MB)" for name, megabytes in sized)
        together = ", together less where they share what they depend on" if len(sized) > 1 else ""
        yield f"Packages that stay behind, on disk: {named}{together}."
    if unknown := sorted(gone - {name for name, _ in sized}):
        yield f"Of these that stay behind the size is not known: {', '.join(f'`{name}`' for name in unknown)}."


def _said(shipped: Shipped) -> str:
    name = shipped.base.rpartition("/")[2]
    known = shipped.megabytes is not None
    return f"{name} is about {shipped.megabytes} MB to pull" if known else f"how large {name} is, is not known"


def _sized(packages: frozenset[str]) -> Iterator[tuple[str, int]]:
    """Those of some packages whose sizes are known, the largest first."""
    found = [(name, size.megabytes) for name in packages if (size := installed_size(name))]
    return iter(sorted(found, key=lambda one: (-one[1], one[0])))
