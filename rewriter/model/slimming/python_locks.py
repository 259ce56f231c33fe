"""What uv.lock and poetry.lock say of wheels: they name the files of every package that they lock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

_WHEEL: Final = re.compile(r"(?:[^/]*/)*[^/]*?-(?P<python>[\w.]+)-(?P<abi>[\w.]+)-(?P<platform>[\w.]+)\.whl\Z")
_LATER_GLIBC: Final = re.compile(r"manylinux_2_(\d+)_")
_OLDEST_GLIBC: Final = 31
"""That of Debian bullseye."""
_ARCHITECTURES: Final = ("x86_64", "aarch64")


class Locked(NamedTuple):
    """A package of a lock file as a requirement; `is_built` says that some Python on Linux finds no wheel of it."""

    requirement: str
    is_built: bool


def locked_packages(text: str, python: str) -> list[Locked] | None:
    """The packages of a lock file; None where it cannot be read.

    `python` is empty where its version is not known; then any wheel for Linux counts as one for every Python.
    """
    import tomllib

    try:
        packages = tomllib.loads(text).get("package", [])
    except (ValueError, RecursionError):
        return None
    if not isinstance(packages, list):
        return None
    return [_locked(one, python) for one in packages if isinstance(one, dict) and not _is_virtual(one)]


def _locked(package: dict[str, Any], python: str) -> Locked:
    files = [str(one.get("url") or one.get("file") or "") for one in _files(package)]
    fits = all(any(_fits(file, python, machine) for file in files) for machine in _ARCHITECTURES)
    # What is published for other systems alone is not installed here.
    is_elsewhere = bool(files) and "sdist" not in package and all(file.endswith(".whl") for file in files)
    return Locked(_requirement(package), not fits and not is_elsewhere)


def _requirement(package: dict[str, Any]) -> str:
    source = package.get("source")
    place = _place(source) if isinstance(source, dict) else ""
    if place:
        return place if place.startswith(".") else f"./{place}"
    if isinstance(source, dict) and (source.get("git") or source.get("type") == "git"):
        return f"{package.get('name')} @ git+{source.get('git') or source.get('url')}"
    return f"{package.get('name')}=={package.get('version')}"


def _place(source: dict[str, Any]) -> str:
    """The folder that a package comes from; uv locks the project itself as well."""
    folder = source.get("editable") or source.get("directory")
    if source.get("type") == "directory":  # of poetry
        folder = source.get("url")
    return folder if isinstance(folder, str) else ""


def _is_virtual(package: dict[str, Any]) -> bool:
    """Whether this is a project that is not built: https://docs.astral.sh/uv/concepts/projects/config/#virtual-projects"""
    source = package.get("source")
    return isinstance(source, dict) and source.get("virtual") is not None


def _files(package: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key in ("wheels", "files"):
        for one in package.get(key, ()):
            if isinstance(one, dict):
                yield one


def _fits(file: str, python: str, machine: str) -> bool:
    match = _WHEEL.match(file.partition("#")[0])
    if match is None or not _fits_platform(match["platform"], machine):
        return False
    if match["abi"] == "none" and match["python"].startswith(("py3", "py2.py3", "cp3", "py2")):
        return "3" in match["python"]
    if not python:
        return True
    number = python.replace(".", "")
    for tag in match["python"].split("."):
        if tag == f"cp{number}" and match["abi"].startswith((f"cp{number}", "abi3")):
            return True
        if match["abi"] == "abi3" and tag.startswith("cp3") and int(tag[3:] or 0) <= int(number[1:] or 0):
            return True
    return False


def _fits_platform(platform: str, machine: str) -> bool:
    for one in platform.split("."):
        later = _LATER_GLIBC.match(one)
        if one == "any":
            return True
        if one.startswith("manylinux") and one.endswith(machine) and (not later or int(later[1]) <= _OLDEST_GLIBC):
            return True
    return False
