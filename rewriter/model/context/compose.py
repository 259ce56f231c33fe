"""What a compose file says of its services: https://github.com/compose-spec/compose-spec/blob/main/build.md"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from rewriter.model.context.documents import mapping

COMPOSE_FILE: Final = re.compile(
    r"(?:(?:docker-)?compose|docker-stack|stack(?=\.yml\Z))(?P<part>(?:[._-][.\w-]*)?)\.ya?ml\Z"
)
"""The names of compose files and of those for `docker stack deploy`; one with a `part`, such as `compose.override.yml`,
may only add to another one."""


class Build(NamedTuple):
    """What a service is built from, as written: the context is relative to the file, the Dockerfile to the context."""

    context: object
    dockerfile: object
    target: object


def services_in(document: object) -> Iterator[tuple[str, Mapping[object, object]]]:
    """The services of a compose file by name, also in the oldest format, which has nothing else."""
    compose = mapping(document)
    for name, service in mapping(compose.get("services", compose)).items():
        yield str(name), mapping(service)


def build_of(service: Mapping[object, object], *, is_override: bool = False) -> Build | None:
    """What a service is built from; None where it is not built from files.

    A file that adds to another one (`is_override`) says nothing by leaving the context or the Dockerfile out.
    """
    build = service.get("build")
    if isinstance(build, str):
        return Build(build, "Dockerfile", "")
    settings = mapping(build)
    is_partial = is_override or "extends" in service
    if not settings or "dockerfile_inline" in settings:
        return None
    if is_partial and not {"context", "dockerfile"} <= settings.keys():
        return None
    return Build(settings.get("context", "."), settings.get("dockerfile", "Dockerfile"), settings.get("target", ""))
