"""The routes that Next.js takes from its files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.project.answers import Route
from rewriter.model.project.sources import Sources

_PAGES: Final = (".js", ".jsx", ".ts", ".tsx")


def page_routes(sources: Sources, folder: str) -> tuple[Route, ...]:
    """The routes of a project: https://nextjs.org/docs/app/getting-started/route-handlers"""
    found: list[Route] = []
    doubts = tuple(_doubts(sources, folder))
    for base in (folder, posixpath.join(folder, "src")):
        for path in (
            sources.context.walk(posixpath.join(base, "app"), lambda name: name.startswith(("route.", "page."))) or ()
        ):
            parts = [one for one in posixpath.dirname(path)[len(posixpath.join(base, "app")) :].split("/") if one]
            parts = [one for one in parts if not one.startswith(("(", "@"))]
            if not any(one.startswith(("[", "_")) for one in parts):
                found.append(Route("/" + "/".join(parts), path, doubts))
        for path in sources.context.walk(posixpath.join(base, "pages"), lambda name: name.endswith(_PAGES)) or ():
            stem = path[len(posixpath.join(base, "pages")) :].rpartition(".")[0].removesuffix("/index")
            if "[" not in stem and not posixpath.basename(stem).startswith("_"):
                found.append(Route(stem or "/", path, doubts))
    return tuple(found)


_SOURCES: Final = (*_PAGES, ".mjs", ".cjs", ".mts", ".cts")
_MOST_SOURCES: Final = 2_000
_WORKS_WITH_FILES: Final = re.compile(
    r"[\"'](?:node:)?(?:fs(?:/promises)?|child_process|better-sqlite3|sqlite3?|sequelize|knex|typeorm|lowdb|nedb|"
    r"@seald-io/nedb|level|lmdb|node-persist|fs-extra|graceful-fs|multer|formidable|busboy|winston|pino|sharp|"
    r"@libsql/client|drizzle-orm/[\w-]*sqlite[\w-]*|bun:sqlite)[\"']"
)
"""Modules by which the code of a server writes, or may write, files."""


def possible_writers(sources: Sources, folder: str) -> tuple[str, ...]:
    """What in the code of a project may write files anywhere, or cannot be read."""
    paths = sources.context.walk(folder, lambda name: name.endswith(_SOURCES))
    if paths is None or len(paths) > _MOST_SOURCES:
        return ("what the code of its pages writes is not known",)
    found = []
    for path in paths:
        text = sources.read(path)
        if not isinstance(text, str):
            return (f"{path} cannot be read",)
        if match := _WORKS_WITH_FILES.search(text):
            found.append(f"{path} uses {match[0][1:-1]}")
    return tuple(found)


def _doubts(sources: Sources, folder: str) -> Iterator[str]:
    """Why the routes may lie elsewhere, or refuse: https://nextjs.org/docs/app/api-reference/config/next-config-js/basePath"""
    for end in (*_PAGES, ".mjs", ".cjs", ".mts"):
        for name in ("middleware", "src/middleware", "proxy", "src/proxy"):
            if sources.context.status(posixpath.join(folder, name + end)) != "absent":
                yield f"{name}{end} looks at every request"
        path = posixpath.join(folder, f"next.config{end}")
        if sources.context.status(path) != "absent":
            text = sources.read(path)
            if not isinstance(text, str) or "basePath" in text:
                yield f"{path} may move it"
