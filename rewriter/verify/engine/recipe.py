"""How an image is to be built."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from rewriter.syntax.text import encode


class Recipe(NamedTuple):
    """How to build an image.

    `dockerfile` is the text; `ignore` is the text of the ignore file, None for the context's own. The rest are options
    of `docker build`; `timeout` ends it, in seconds.
    """

    dockerfile: str
    context: Path
    ignore: str | None = None
    target: str = ""
    build_args: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()
    timeout: float = 1800.0
    network: str = ""

    def write(self, folder: Path) -> Path:
        """Write the Dockerfile into a folder; the ignore file beside it counts before the context's own."""
        dockerfile = folder / "Dockerfile"
        dockerfile.write_bytes(encode(self.dockerfile))
        if self.ignore is not None:
            # An empty file would be taken for none.
            dockerfile.with_name("Dockerfile.dockerignore").write_bytes(
                encode(self.ignore or "# nothing is left out\n")
            )
        return dockerfile
