"""What builds need of Debian's packages, and what must stay when it goes: read from
`data/debian_packages.zlib` and `data/debian_complete.zlib`.

The data knows the main archive of the suites in `SUITES`. Names of libraries differ between suites (`libssl3`,
`libssl3t64`), so every question is asked for a suite, or for all that an image may be. None means that the package or
the suite is not known; other packages than these may well be needed at run time.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from rewriter.model.data.packed import PackedFile

SUITES: Final = ("bullseye", "bookworm", "trixie")


def runtime_libraries(package: str, suite: str) -> frozenset[str] | None:
    """The packages that what was built with a package needs at run time, such as `libpq5` for `libpq-dev`.

    None unless the package is known to serve only builds: headers, compilers, build tools.
    """
    return _cell("build-only", package, suite)


def is_build_only(package: str, suite: str) -> bool:
    """Whether a package is known to serve only builds."""
    return runtime_libraries(package, suite) is not None


def needed_recommendations(package: str, suite: str) -> frozenset[str]:
    """The packages to name beside a package that is installed without those it recommends, such as `ca-certificates`.

    Empty where nothing that matters is lost: also for packages that are not Debian's, of which nothing is known.
    """
    return _cell("recommended", package, suite) or frozenset()


def is_complete(package: str, suite: str) -> bool:
    """Whether a package works without what it recommends, save for `needed_recommendations`.

    False also where nobody has found out, and for packages that are not Debian's.
    """
    return suite in SUITES and str(SUITES.index(suite)) in _complete_in(package)


def is_complete_everywhere(package: str) -> bool:
    """Whether a package is complete in each of the suites that has it."""
    return len(_complete_in(package)) == len(SUITES)


def _complete_in(package: str) -> str:
    """The suites in which a package is complete, by their numbers, and `x` for those that do not have it."""
    return _complete().get(package, "")


@cache
def _complete() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _text("complete").split("\n"):
        suites, *packages = line.split(" ")
        found |= dict.fromkeys(packages, suites)
    found.pop("", None)
    return found


def unneeded_recommendations(package: str, suite: str) -> frozenset[str]:
    """What a complete package recommends, if it holds programs: who calls one of them must name its package."""
    return _cell("unneeded", package, suite) or frozenset()


@cache
def packages_of_programs() -> dict[str, str]:
    """The packages that hold programs, for those that come along as unneeded recommendations."""
    rows = (line.partition("\t") for line in _text("programs").split("\n") if line)
    return {program: package for program, _, package in rows}


def is_known(package: str, suite: str) -> bool:
    """Whether a suite is known to have a package; False may also mean that it tells nothing else of it."""
    return is_complete(package, suite) or any(
        _cell(part, package, suite) is not None for part in ("recommended", "build-only")
    )


def runtime_libraries_in_all(package: str, suites: Iterable[str]) -> frozenset[str] | None:
    """The run-time packages where they are called the same in all of these suites, else None."""
    found = {runtime_libraries(package, suite) for suite in suites}
    return found.pop() if len(found) == 1 else None


def _cell(part: str, package: str, suite: str) -> frozenset[str] | None:
    """The field of a package for a suite; `-` is no such package there, `=` the same as for the suite before."""
    if suite not in SUITES or not package:
        return None
    row = _rows(part).get(package)
    if row is None:
        return None
    cells = row.split("\t")
    column = SUITES.index(suite)
    while cells[column] == "=":
        column -= 1
    return None if cells[column] == "-" else frozenset(cells[column].split())


@cache
def _rows(part: str) -> dict[str, str]:
    """The lines of a part, by the package that each begins with."""
    lines = (line.partition("\t") for line in _text(part).split("\n"))
    return {package: cells for package, _, cells in lines if package}


def _text(part: str) -> str:
    name = "debian_packages.zlib" if part in ("build-only", "recommended") else "debian_complete.zlib"
    return PackedFile(name).read(part)
