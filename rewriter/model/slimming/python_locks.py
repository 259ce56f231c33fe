"""What uv.lock and poetry.lock say of wheels: they name the files of every package that they lock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

_WHEEL: Final = re.compile(r"(?:[^/]*/)*[^/]*?-(?P<python>[\w.]+)-(?P<abi>[\w.]+)-(?P<platform>[\w.]+)\.whl\Z")
_LATER_GLIBC: Final = re.compile(r"manylinux_2_(\d+)_")
_OLDEST_GLIBC: Final = 31
"""That of Debian bullseye."""
_ARCHITECTURES: Final = ("x86_64", "aarch64")


def problems_in_lock(text: str, python: str) -> Iterator[str]:
    """The packages of a lock file, as requirements, that have no wheel for a Python on Linux with glibc.

    `python` is empty where its version is not known; then any wheel for Linux counts as one for every Python.
    """
    import tomllib

    try:
        packages = tomllib.loads(text).get("package", [])
    except (ValueError, RecursionError):
        packages = [{"name": "a-lock-file-that-cannot-be-read"}]
    for package in packages if isinstance(packages, list) else ():
        if not isinstance(package, dict) or _is_the_project(package):
            continue
        files = [str(one.get("url") or one.get("file") or "") for one in _files(package)]
        if not all(any(_fits(file, python, machine) for file in files) for machine in _ARCHITECTURES):
            yield _requirement(package)


def _requirement(package: dict[str, Any]) -> str:
    source = package.get("source")
    if isinstance(source, dict) and (source.get("git") or source.get("type") == "git"):
        return f"{package.get('name')} @ git+{source.get('git') or source.get('url')}"
    return f"{package.get('name')}=={package.get('version')}"


def _is_the_project(package: dict[str, Any]) -> bool:
    """uv locks the project itself as well: https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile"""
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
