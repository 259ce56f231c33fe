"""What finds the packages of the image's Python in their places, and would not find them in a new environment.

Settings, scripts and crontabs are searched for paths, those of the context as well as those of compose files.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from rewriter.model.managers.vocabulary import names
from rewriter.model.splitting.parts import UnsplitError
from rewriter.model.splitting.run_time_files import run_time_files
from rewriter.model.splitting.stage_reading import Reading
from rewriter.syntax.tree import Env, Instruction

_ENDINGS: Final = (
    ".sh", ".py", ".ini", ".conf", ".cfg", ".toml", ".yaml", ".yml", ".json", ".service", ".cron", ".crontab", ".env"
)  # fmt: skip
_NOT_SETTINGS: Final = re.compile(
    r"(?:^|/)(?:[\w.-]*(?:dockerfile|containerfile)[\w.-]*|(?:gnu)?makefile|jenkinsfile|vagrantfile|license|readme)\Z",
    re.IGNORECASE,
)
_PLACE: Final = re.compile(r"/usr/local/(?:lib/python\d|bin/([\w.-]+))")
_OF_PYTHON: Final = re.compile(r"(?:python|pip|wheel)[\d.]*\Z")
_PROGRAMS: Final = names(
    "gunicorn uvicorn hypercorn daphne celery flask django-admin alembic uwsgi streamlit supervisord supervisorctl "
    "pytest fastapi waitress-serve airflow dumb-init honcho circusd"
)
"""Programs that are called otherwise than their packages, or come with those of others."""

_SETS_PATH: Final = re.compile(r"(?m)(?:^|[\s;])PATH=(\S*/bin\S*)")
_HIDES: Final = names("/usr/local/bin /usr/local/sbin /usr/bin /usr/sbin /bin /sbin")
_LIBRARY: Final = re.compile(r"\blib[\w+-]+\.so(?![\w.])")
_FINDS_LIBRARIES: Final = re.compile(r"\bfind_library\s*\(|\bdjango\.contrib\.gis\b")
_FIND_LIBRARIES: Final = names("pyzbar pylibdmtx sounddevice pyusb rtree opuslib py-libzfs pyvips-binary")


def require_no_paths(reading: Reading, packages: Collection[str]) -> None:
    """Raise if something names a place of the image's Python, or a program of `packages` there."""
    programs = _PROGRAMS | frozenset(packages)
    for instruction in reading.stage.instructions:
        if place := _named(instruction.text, programs):
            raise UnsplitError(f"line {{line}} names {place}", instruction)
    for service in reading.services:
        if place := _named(str(dict(service.settings)), programs):
            raise UnsplitError(f"{service} names {place}")
        if "PATH" in service.variables:
            raise UnsplitError(f"{service} sets PATH anew")
    for path, text in _settings(reading):
        if place := _named(text, programs):
            raise UnsplitError(f"{path} names {place}")
        if not path.endswith(".py") and any(map(_hides, _SETS_PATH.findall(text))):
            raise UnsplitError(f"{path} sets PATH anew")


def require_path_in_force(reading: Reading, first: Instruction) -> None:
    """Raise if an ENV behind the first install puts the programs of the image in front again."""
    for one in reading.stage.instructions:
        pairs = one.pairs if isinstance(one, Env) and one.start > first.start else ()
        if any(pair.key.text == "PATH" and _hides(pair.value.text) for pair in pairs):
            raise UnsplitError("line {line} sets PATH anew", one)


def require_no_names_of_headers(reading: Reading, kept: Collection[str]) -> None:
    """Raise if a library is loaded by the name that only its headers bring: `libpq.so` without a version.

    `kept` are the packages of headers that stay, `libgdal-dev` for `libgdal.so`.
    """
    texts = [(one, "line {line}", one.text) for one in reading.stage.instructions if isinstance(one, Env)]
    for culprit, who, text in (*texts, *((None, path, text) for path, text in _settings(reading))):
        for name in _LIBRARY.findall(text):
            stays = any(package.startswith(name.removesuffix(".so")) for package in kept)
            if not stays and not reading.context.walk("", name.__eq__):
                raise UnsplitError(f"{who} names {name}, which comes with headers", culprit)


def require_no_search_for_libraries(reading: Reading, packages: Collection[str]) -> None:
    """Raise if libraries are looked for by name, which takes a compiler where there is no `ldconfig -p`, as on Alpine.

    https://docs.python.org/3/library/ctypes.html#finding-shared-libraries
    """
    if name := next((name for name in sorted(packages) if name in _FIND_LIBRARIES), ""):
        raise UnsplitError(f"{name} finds libraries by means of a compiler")
    for path, text in _settings(reading):
        if path.endswith(".py") and (match := _FINDS_LIBRARIES.search(text)):
            raise UnsplitError(f"{path} uses {match[0].rstrip('( ')}, which finds libraries by means of a compiler")


def _settings(reading: Reading) -> Iterator[tuple[str, str]]:
    for path, text in run_time_files(reading.context, lambda name: name.endswith(_ENDINGS) or "." not in name):
        if not _NOT_SETTINGS.search(path):
            yield path, text


def _named(text: str, programs: Collection[str]) -> str:
    for match in _PLACE.finditer(text):
        if match[1] is None or match[1] in programs or _OF_PYTHON.match(match[1]):
            return match[0]
    return ""


def _hides(value: str) -> bool:
    """Whether a value of PATH has folders of the system in front of what PATH was, or in its place."""
    for folder in value.strip("\"'").split(":"):
        if folder in ("$PATH", "${PATH}"):
            return False
        if folder in _HIDES:
            return True
    return False
