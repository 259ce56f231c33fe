"""The routes that Next.js takes from its files."""

from __future__ import annotations

import posixpath
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
