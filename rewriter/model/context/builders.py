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
    """What in a file of some name shows such a builder, unless something else stands there as well."""

    files: re.Pattern[str]
    shows: re.Pattern[str]
    means: str
    unless: re.Pattern[str] = re.compile(r"\bDOCKER_BUILDKIT[\"']?\s*[=:]\s*[\"']?(?:1|true)\b|\bbuildx\b|setup-buildx")


_PIPELINES: Final = (
    r"\.gitlab-ci[\w.-]*\.ya?ml|\.github/workflows/[^/]+\.ya?ml|\.gitlab/(?:ci/)?[^/]+\.ya?ml|Jenkinsfile[\w.-]*|"
    r"\.circleci/config\.ya?ml|\.drone\.ya?ml|\.woodpecker(?:/[^/]+)?\.ya?ml|azure-pipelines[\w.-]*\.ya?ml|"
    r"bitbucket-pipelines\.ya?ml|\.travis\.ya?ml|buildspec[\w.-]*\.ya?ml|skaffold[\w.-]*\.ya?ml|"
    r"cloudbuild[\w.-]*\.(?:ya?ml|json)|\.cloudbuild/[^/]+\.ya?ml"
)
_TOLD: Final = r"(?:GNU)?[Mm]akefile|[Jj]ustfile|Taskfile\.ya?ml|(?:scripts/|bin/)?[\w-]+\.sh|package\.json"
_COMMAND: Final = r"[^\n]*?(?:\\\r?\n[^\n]*?)*?"
_SIGNS: Final = (
    # https://github.com/GoogleContainerTools/kaniko/issues/1568 and /969; a fork has flags for them.
    _Sign(
        re.compile(_PIPELINES),
        re.compile(r"\bkaniko\b"),
        "builds by kaniko, which knows no RUN --mount",
        re.compile(r"FF_KANIKO_RUN_MOUNT"),
    ),
    # https://github.com/google-github-actions/setup-gcloud/issues/658
    _Sign(
        re.compile(rf"{_PIPELINES}|{_TOLD}"),
        re.compile(r"\bcloud-builders/docker\b"),
        "builds by Cloud Build without BuildKit",
    ),
    _Sign(
        re.compile(rf"{_PIPELINES}|{_TOLD}|readme(?:\.\w+)?", re.IGNORECASE),
        re.compile(
            rf"\bgcloud\s+(?:alpha\s+|beta\s+)?(?:builds\s+submit\b(?!{_COMMAND}--config)"
            rf"|run\s+deploy\b{_COMMAND}\s--source\b)"
        ),
        "builds by Cloud Build without BuildKit",
        re.compile(r"(?!)"),  # a variable here does not reach Cloud Build
    ),
    _Sign(
        re.compile(r"app[\w.-]*\.ya?ml"),
        re.compile(r"(?m)^runtime:\s*custom\b"),
        "builds by Cloud Build without BuildKit",
        re.compile(r"(?!)"),
    ),
    _Sign(
        re.compile(rf"{_PIPELINES}|{_TOLD}|\.env"),
        re.compile(r"\bDOCKER_BUILDKIT[\"']?\s*[=:]\s*[\"']?0\b"),
        "switches BuildKit off",
        re.compile(r"(?!)"),
    ),
    # BuildKit is the default from Docker 23 on: https://docs.docker.com/engine/release-notes/23.0/
    _Sign(
        re.compile(
            r"\.gitlab-ci[\w.-]*\.ya?ml|\.gitlab/(?:ci/)?[^/]+\.ya?ml|\.drone\.ya?ml|\.woodpecker(?:/[^/]+)?\.ya?ml"
        ),
        re.compile(r"\bdocker:(?:1\d|2[0-2]|stable)\b"),
        "builds by a Docker before version 23, without BuildKit",
    ),
    _Sign(
        re.compile(r"\.circleci/config\.ya?ml"),
        re.compile(r"setup_remote_docker:\s*\n\s+version:\s*[\"']?(?:docker)?(?:1\d|2[0-2])\b"),
        "builds by a Docker before version 23, without BuildKit",
    ),
    # https://bitbucket.org/blog/announcing-support-for-docker-buildkit-in-bitbucket-pipelines
    _Sign(
        re.compile(r"bitbucket-pipelines\.ya?ml"),
        re.compile(r"\bdocker(?:-compose|\s+compose)?\s+(?:image\s+)?build\b"),
        "builds without BuildKit, which Bitbucket does not enable by itself",
    ),
    # https://github.com/caprover/caprover/issues/2012
    _Sign(re.compile(r"captain-definition"), re.compile(r""), "says that CapRover builds it, without BuildKit"),
    # "--mount=type=cache,id=s/<service id>-<target path>": https://docs.railway.com/builds/dockerfiles#cache-mounts
    _Sign(
        re.compile(r"railway\.(?:json|toml)"),
        re.compile(r""),
        "says that Railway builds it, which takes cache mounts only with the number of the service",
    ),
    # https://github.com/bmuschko/gradle-docker-plugin/issues/1226
    _Sign(
        re.compile(r"build\.gradle(?:\.kts)?"),
        re.compile(r"com\.bmuschko\.docker"),
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
    return tuple(name for name in names if any(sign.files.fullmatch(name) for sign in _SIGNS))[:_MOST_FILES]


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
        if sign.files.fullmatch(name) and sign.shows.search(text) and not sign.unless.search(text):
            return sign.means
    return ""
