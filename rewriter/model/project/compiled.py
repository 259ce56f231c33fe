"""Where the source of a compiled script stands, by what tsconfig.json says of folders.

https://www.typescriptlang.org/tsconfig/#outDir, https://www.typescriptlang.org/tsconfig/#rootDir
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.project.sources import Sources

_OUTPUT: Final = re.compile(r'"outDir"\s*:\s*"([^"]+)"')
_ROOT: Final = re.compile(r'"rootDir"\s*:\s*"([^"]+)"')
_CONFIGURATION: Final = re.compile(r"tsconfig(?:\.[\w-]+)?\.json")
_NAMES: Final = (
    "tsconfig.json",
    "tsconfig.build.json",
    "tsconfig.base.json",
    "tsconfig.prod.json",
    "tsconfig.server.json",
)
_ENDINGS: Final = {".js": (".ts", ".tsx", ".js"), ".mjs": (".mts",), ".cjs": (".cts",)}
_MOST_FOLDERS: Final = 6


def sources_by_tsconfig(path: str, sources: Sources) -> Iterator[str]:
    """The paths in the image at which the source of a compiled script may stand.

    The text of the configuration is searched: it may hold comments, and one file may extend another.
    """
    stem, ending = posixpath.splitext(path)
    # `node dist/main` and `node dist` are followed by Node itself.
    stems = [(stem, ending)] if ending in _ENDINGS else [(path, ".js"), (f"{path}/index", ".js")]
    folder = posixpath.dirname(path)
    for _ in range(_MOST_FOLDERS):
        folder = posixpath.dirname(folder)
        for output, roots in _configurations(folder, sources):
            for one, kind in stems:
                if one.startswith(f"{output}/"):
                    yield from (
                        posixpath.join(root, one[len(output) + 1 :] + compiled)
                        for root in roots
                        for compiled in _ENDINGS[kind]
                    )
        if folder in ("", "/"):
            return


def _configurations(folder: str, sources: Sources) -> Iterator[tuple[str, list[str]]]:
    """The output folders that configuration in a folder names, each with the folders of sources that may lead there."""
    texts = [text for origin in _files(folder, sources) if isinstance(text := sources.read(origin), str)]
    named = [match[1] for text in texts for match in _ROOT.finditer(text)]
    roots = [posixpath.normpath(posixpath.join(folder, root)) for root in (*named, "src", ".")]
    for text in texts:
        for match in _OUTPUT.finditer(text):
            yield posixpath.normpath(posixpath.join(folder, match[1])), list(dict.fromkeys(roots))


def _files(folder: str, sources: Sources) -> Iterator[str]:
    origin = sources.origin_of_folder(folder)
    if origin is None:  # filled file by file
        yield from filter(None, (sources.origin(posixpath.join(folder, name)) for name in _NAMES))
    else:
        names = sources.context.list(origin) or ()
        yield from (posixpath.join(origin, name) for name in names if _CONFIGURATION.fullmatch(name))
