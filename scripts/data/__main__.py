"""Writes the generated files of `rewriter/model/data`: `make data ARGS="debian|tags ..."`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from scripts.data import debian, official_tags
from scripts.data.debian_index import MIRROR, read_index

FOLDER: Final = Path(__file__).parent.parent.parent / "rewriter/model/data"


def main() -> int:
    """Write the file that was asked for and say how large it is."""
    arguments = _parser().parse_args()
    if arguments.table == "debian":
        indexes = [read_index(suite, folder=arguments.folder, mirror=arguments.mirror) for suite in debian.SUITES]
        written = {
            "debian_packages.zlib": debian.generate(indexes),
            "debian_complete.zlib": debian.generate_complete(indexes),
        }
    else:
        written = {"official_tags.zlib": official_tags.generate(*official_tags.read_source(arguments.folder))}
    for name, data in written.items():
        path = FOLDER / name
        path.write_bytes(data)
        print(f"{path.relative_to(FOLDER.parent.parent.parent)}: {len(data):,} bytes")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make data", description=__doc__)
    tables = parser.add_subparsers(dest="table", required=True)
    table = tables.add_parser("debian", help="from Debian's package indexes")
    source = table.add_mutually_exclusive_group()
    source.add_argument("--mirror", default=MIRROR, help="where the indexes are fetched from (default: %(default)s)")
    source.add_argument("--folder", type=Path, help="a folder of indexes named SUITE.xz, in place of a mirror")
    table = tables.add_parser("tags", help="from docker-library/official-images")
    table.add_argument(
        "folder", type=Path, help="a git checkout with its history, or a folder with tags.tsv and library/"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
