"""Whether a split gains anything: a runtime that keeps a base with compilers and headers has them as before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.services import Services
from rewriter.model.data.official_tags import slim_twin
from rewriter.model.data.package_roles import IN_FULL_IMAGES
from rewriter.model.managers.vocabulary import names
from rewriter.model.slimming.needs import first_need
from rewriter.model.slimming.subject import Subject
from rewriter.model.slimming.twins import NoTwinError, twin_of
from rewriter.model.splitting.parts import Split
from rewriter.model.stages import Stage, StageGraph
from rewriter.model.state import States

_IN_FAT_IMAGES: Final = IN_FULL_IMAGES | names(
    "libpython3-dev python-dev-is-python3 python3-dev tk-dev uuid-dev linux-libc-dev libmariadb-dev pkg-config pkgconf"
)
"""What full images have, Python's own among them, whose headers are those of the image.

https://github.com/docker-library/python/blob/master/3.13/bookworm/Dockerfile
"""


def is_in_its_base(tools: Iterable[str], stage: Stage) -> bool:
    """Whether the image that a stage starts from has all of some tools itself, and a lighter twin has not."""
    return stage.origin is not None and bool(slim_twin(stage.origin)) and _IN_FAT_IMAGES.issuperset(tools)


def reason_to_keep_base(split: Split, graph: StageGraph, context: BuildContext, services: Services) -> str:
    """Why the runtime of a split could not start from the lighter twin; `graph` are the stages as they would be."""
    runtime = graph.stages[split.stage.index + 1]
    try:
        twin = twin_of(runtime, graph)
    except NoTwinError as error:
        return str(error)
    if twin is None:
        return f"{runtime.base} has no lighter twin"
    shipping = [stage for stage in runtime.family if services.ships(stage)]
    need = first_need(Subject(runtime, twin, States(graph), context, services), shipping)
    return need.reason if need else ""
