"""Whether the files of a project show that its images are built by something that knows no `RUN --mount`.

Docker's own builder knows it since version 23, where BuildKit is the default. Each of the others has its source here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from rewriter.syntax.text import decode


class _Sign(NamedTuple):
    """What in a file of some names shows such a builder, unless something else stands there as well.

    All are patterns, which are compiled when they are first asked: most projects have few of the files.
    """

    files: tuple[str, ...]
    shows: str
    means: str
    unless: str = r"\bDOCKER_BUILDKIT[\"']?\s*[=:]\s*[\"']?(?:1|true)\b|\bbuildx\b|setup-buildx"


_GITLAB: Final = r"\.gitlab-ci[\w.-]*\.ya?ml|\.gitlab/(?:ci/)?[^/]+\.ya?ml"
_DRONE: Final = r"\.drone\.ya?ml|\.woodpecker(?:/[^/]+)?\.ya?ml"
_PIPELINES: Final = (
    rf"{_GITLAB}|{_DRONE}|\.github/workflows/[^/]+\.ya?ml|Jenkinsfile[\w.-]*|\.circleci/config\.ya?ml|"
    r"azure-pipelines[\w.-]*\.ya?ml|bitbucket-pipelines\.ya?ml|\.travis\.ya?ml|buildspec[\w.-]*\.ya?ml|"
    r"skaffold[\w.-]*\.ya?ml|cloudbuild[\w.-]*\.(?:ya?ml|json)|\.cloudbuild/[^/]+\.ya?ml"
)
_TOLD: Final = r"(?:GNU)?[Mm]akefile|[Jj]ustfile|Taskfile\.ya?ml|(?:scripts/|bin/)?[\w-]+\.sh|package\.json"
_COMMAND: Final = r"[^\n]*?(?:\\\r?\n[^\n]*?)*?"
_ANYTHING: Final = ""
_NOTHING: Final = r"(?!)"
_CLOUD_BUILD: Final = "builds by Cloud Build without BuildKit"
_OLD_DOCKER: Final = "builds by a Docker before version 23, without BuildKit"
_SIGNS: Final = (
    # https://github.com/GoogleContainerTools/kaniko/issues/1568 and /969; a fork has flags for them.
    _Sign((_PIPELINES,), r"\bkaniko\b", "builds by kaniko, which knows no RUN --mount", r"FF_KANIKO_RUN_MOUNT"),
    # https://github.com/google-github-actions/setup-gcloud/issues/658
    _Sign((_PIPELINES, _TOLD), r"\bcloud-builders/docker\b", _CLOUD_BUILD),
    _Sign(
        (rf"(?i:{_PIPELINES})", rf"(?i:{_TOLD})", r"(?i:readme(?:\.\w+)?)"),
        rf"\bgcloud\s+(?:alpha\s+|beta\s+)?(?:builds\s+submit\b(?!{_COMMAND}--config)"
        rf"|run\s+deploy\b{_COMMAND}\s--source\b)",
        _CLOUD_BUILD,
        _NOTHING,  # a variable here does not reach Cloud Build
    ),
    _Sign((r"app[\w.-]*\.ya?ml",), r"(?m)^runtime:\s*custom\b", _CLOUD_BUILD, _NOTHING),
    _Sign(
        (_PIPELINES, _TOLD, r"\.env"),
        r"\bDOCKER_BUILDKIT[\"']?\s*[=:]\s*[\"']?0\b",
        "switches BuildKit off",
        _NOTHING,
    ),
    # BuildKit is the default from Docker 23 on: https://docs.docker.com/engine/release-notes/23.0/
    _Sign((_GITLAB, _DRONE), r"\bdocker:(?:1\d|2[0-2]|stable)\b", _OLD_DOCKER),
    _Sign(
        (r"\.circleci/config\.ya?ml",),
        r"setup_remote_docker:\s*\n\s+version:\s*[\"']?(?:docker)?(?:1\d|2[0-2])\b",
        _OLD_DOCKER,
    ),
    # https://bitbucket.org/blog/announcing-support-for-docker-buildkit-in-bitbucket-pipelines
    _Sign(
        (r"bitbucket-pipelines\.ya?ml",),
        r"\bdocker(?:-compose|\s+compose)?\s+(?:image\s+)?build\b",
        "builds without BuildKit, which Bitbucket does not enable by itself",
    ),
    # https://github.com/caprover/caprover/issues/2012
    _Sign(("captain-definition",), _ANYTHING, "says that CapRover builds it, without BuildKit"),
    # "--mount=type=cache,id=s/<service id>-<target path>": https://docs.railway.com/builds/dockerfiles#cache-mounts
    _Sign(
        (r"railway\.(?:json|toml)",),
        _ANYTHING,
        "says that Railway builds it, which takes cache mounts only with the number of the service",
    ),
    # https://github.com/bmuschko/gradle-docker-plugin/issues/1226
    _Sign(
        (r"build\.gradle(?:\.kts)?",),
        r"com\.bmuschko\.docker",
        "builds by the API of Docker, which has no BuildKit",
    ),
)
_FOLDERS: Final = ("", ".github/workflows", ".gitlab", ".gitlab/ci", ".circleci", ".woodpecker", ".cloudbuild",
                   "scripts", "bin")  # fmt: skip
_LARGEST: Final = 256 * 1024
_MOST_FILES: Final = 200


def why_no_mounts(folders: Sequence[str]) -> str:
    """Why what builds a Dockerfile may know no `RUN --mount`, with the file that shows it; empty where nothing does.

    `folders` are those from the Dockerfile's own up to that of the project.
    """
    for folder in folders:
        for name in _names(folder):
            if means := _meaning(os.path.join(folder, name), name):
                return f"{name} {means}"
    return ""


def _names(folder: str) -> Iterator[str]:
    """The files of a folder that may tell, and of the folders below it where pipelines lie."""
    for below in _FOLDERS:
        path = os.path.join(folder, below) if below else folder
        try:
            found = _names_at(path, below, os.stat(path).st_mtime_ns)
        except OSError:
            continue
        yield from found


@lru_cache(maxsize=1024)
def _names_at(path: str, below: str, _: int) -> tuple[str, ...]:
    names = (f"{below}/{name}" if below else name for name in sorted(os.listdir(path)))
    return tuple(name for name in names if any(_is_about(sign, name) for sign in _SIGNS))[:_MOST_FILES]


def _is_about(sign: _Sign, name: str) -> bool:
    return any(re.fullmatch(pattern, name) for pattern in sign.files)


def _meaning(path: str, name: str) -> str:
    try:
        status = os.stat(path)
        return _meaning_at(path, name, status.st_mtime_ns, status.st_size)
    except OSError:
        return ""


@lru_cache(maxsize=1024)
def _meaning_at(path: str, name: str, _modified: int, _size: int) -> str:
    with open(path, "rb") as file:
        text = decode(file.read(_LARGEST))
    for sign in _SIGNS:
        if _is_about(sign, name) and re.search(sign.shows, text) and not re.search(sign.unless, text):
            return sign.means
    return ""
