"""What the source of a program says, the same for each language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from rewriter.model.project.answers import Gate, Route, Routes, Text, Writes

MOST_ROUTES: Final = 2_000
MOST_INCLUSIONS: Final = 3_000
"""How many routes are noted and inclusions followed: routers that include each other make many."""

NOWHERE: Final = "nowhere"
"""What `Listen.framework` is for a service that is no server, such as one that takes its work from a broker."""


class Listen(NamedTuple):
    """A place where the program listens; None is what cannot be told. An empty `port` leaves it to the framework."""

    port: Text | None
    host: Text | None
    file: str
    framework: str = ""


class Findings(NamedTuple):
    """What the modules that run say. `unread` names sources that could not be read or followed."""

    frameworks: tuple[str, ...] = ()
    listens: tuple[Listen, ...] = ()
    routes: Routes = Routes()
    gates: tuple[Gate, ...] = ()
    writes: Writes = Writes()
    unread: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class Router(NamedTuple):
    """An application or router: its routes, what it includes under which prefix, and doubts about all of it."""

    routes: list[Route]
    included: list[tuple[str, object, tuple[str, ...]]]
    doubts: list[str]
    unread: list[str]

    @classmethod
    def empty(cls) -> Router:
        """One without routes."""
        return cls([], [], [], [])


def join(prefix: str, path: str) -> str:
    """A path below a prefix: `/api` and `/health` are `/api/health`."""
    return f"{prefix.rstrip('/')}/{path.lstrip('/')}" if prefix.strip("/") else f"/{path.lstrip('/')}"


def gather(routers: dict[object, Router], roots: Iterable[object]) -> Routes:
    """All routes that are reached from some applications, with their prefixes."""
    found: list[Route] = []
    unread: list[str] = []
    pending: list[tuple[object, str, tuple[str, ...], tuple[object, ...]]] = [(root, "", (), ()) for root in roots]
    for _ in range(MOST_INCLUSIONS):
        if not pending or len(found) >= MOST_ROUTES:
            break
        key, prefix, doubts, above = pending.pop()
        router = routers.get(key)
        if router is None or key in above or len(above) > 10:
            continue
        unread += router.unread
        doubts = (*doubts, *router.doubts)
        found += [
            route._replace(path=join(prefix, route.path), doubts=(*doubts, *route.doubts)) for route in router.routes
        ]
        pending += [(other, join(prefix, more) if more else prefix, (*doubts, *new), (*above, key))
                    for more, other, new in router.included]  # fmt: skip
    if pending:
        unread.append("there are more routes than are followed")
    return Routes(tuple(found[:MOST_ROUTES]), tuple(dict.fromkeys(unread)))
