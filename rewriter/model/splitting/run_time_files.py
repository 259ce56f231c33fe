"""The files of a build context that may be read when a container runs: not those of tests, documents and builds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.syntax.text import decode

MOST_FILES: Final = 3_000
LARGEST: Final = 256 * 1024

_NOT_RUN: Final = re.compile(
    r"(?:^|/)(?:tests?|docs?|examples?|node_modules|\.[^/]+|venv|env)/|(?:^|/)(?:test_[^/]*|conftest|setup|noxfile|tasks)\.py\Z|"
    r"(?:^|/)(?:package(?:-lock)?\.json|(?:docker-)?compose[\w.-]*\.ya?ml|pyproject\.toml|setup\.cfg|[^/]*lock)\Z"
)


def run_time_files(context: BuildContext, wanted: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """The paths and texts of those whose names are wanted, without what cannot be read; the first 3,000."""
    paths = context.walk("", wanted) or ()
    for path in [path for path in paths if not _NOT_RUN.search(path)][:MOST_FILES]:
        if (data := context.head(path, LARGEST)) is not None:
            yield path, decode(data)
