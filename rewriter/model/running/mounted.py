"""Volumes and folders of the host that are mounted where a program writes: they keep the owner that they have.

Compose files, the manifests of Kubernetes, the settings of platforms, pipelines and what people are told to run say so.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.context.compose import COMPOSE_FILE
from rewriter.model.context.image_names import is_called, names_of_image
from rewriter.model.context.services import Service
from rewriter.model.context.told_files import commands_in, documents, files_that_run
from rewriter.model.running.shipped import Doubt, Shipped
from rewriter.model.running.written_folders import DEPENDENCIES, is_free, is_inside
from rewriter.model.slimming.callers import called_in_service

_FILE: Final = re.compile(r"[^/.]\.\w{1,8}\Z")
# https://fly.io/docs/reference/configuration/#the-mounts-section, https://render.com/docs/disks
_PLATFORMS: Final = (
    ("fly.toml", re.compile(r"(?m)^\s*\[\[?mounts?\]")),
    ("render.yaml", re.compile(r"(?m)^\s*mountPath:")),
)
_CLAIM: Final = re.compile(r"persistentVolumeClaim|volumeClaimTemplates|hostPath:")
_MOUNT_PATH: Final = re.compile(r"""mountPath:\s*["']?(/[^\s"'#]+)""")
_MOST_MANIFESTS: Final = 100
# https://docs.docker.com/reference/cli/docker/container/run/#volume
_RUN_COMMAND: Final = re.compile(r"\b(?:docker|podman)\s+(?:container\s+)?run\b[^\n`]*")
_MOUNT_OPTION: Final = re.compile(
    r"""(?:-v|--volume)[ =]["']?[^\s:]+:(?P<path>/[^\s:"'`]+)(?!:ro)"""
    r"""|--mount[ =]\S*?(?:target|dst|destination)=(?P<target>/[^\s,"'`]+)"""
)
_FOLDER_OF_THE_CALLER: Final = re.compile(
    r"""(?:-v|--volume)[ =]["']?(?:\.|\$\((?:pwd|CURDIR)\)|`pwd`|%cd%"""
    r"""|\$\{?(?:PWD|GITHUB_WORKSPACE|CI_PROJECT_DIR|WORKSPACE)\}?|\$\{\{github\.workspace\}\})"""
    r"""(?:/[^\s:"']*)?["']?:(?!\S*:ro\b)"""
    r"""|--mount[ =]\S*?(?:source|src)=["']?(?:\.|\$\(pwd\)|\$\{?PWD\}?)(?!\S*,(?:readonly|ro)\b)""",
    re.IGNORECASE,
)


def doubt_of_mounts(owned: tuple[str, ...], shipped: Shipped) -> Doubt | None:
    """Volumes and folders of the host that the program writes to: they keep the owner that they have, mostly root."""
    for service in shipped.services:
        for kind, source, target, is_read_only in service.mounts:
            is_data = kind in ("volume", "bind") and source and not is_read_only and not is_free(target)
            if not is_data or posixpath.basename(target) in DEPENDENCIES:
                continue
            is_written = kind == "volume" or any(is_inside(path, target) for path in owned)
            if not is_written and is_inside(shipped.workdir, target):
                if doubt := _doubt_of_developers(service, target, shipped):
                    return doubt
                continue  # sources, which it only reads
            if not is_written and _FILE.search(target):
                continue  # settings
            what = f"the volume {source}" if kind == "volume" else f"{source} of the host"
            return Doubt(f"{service} mounts {what} at {target}, which keeps the owner it has")
    for service in shipped.services_by_image if owned else ():
        for kind, source, target, is_read_only in service.mounts:
            if kind in ("volume", "bind") and source and not is_read_only and _is_near(target, owned):
                return Doubt(f"{service} mounts {source} at {target}, which keeps the owner it has")
    for file, mounts in _PLATFORMS:
        if mounts.search(shipped.context.host.read(file) or ""):
            return Doubt(f"{file} mounts a volume, which keeps the owner it has")
    return _doubt_of_claims(owned, shipped) or _doubt_of_what_is_told(owned, shipped)


def _is_near(place: str, owned: tuple[str, ...]) -> bool:
    """Whether a place holds something that the program writes, or lies in it."""
    return any(is_inside(path, place) or is_inside(place, path) for path in owned)


def _doubt_of_developers(service: Service, target: str, shipped: Shipped) -> Doubt | None:
    """Commands that people run in a service over whose folder their sources are mounted: they may write there."""
    if file := called_in_service(shipped.context, service.name):
        return Doubt(f"{file} runs commands in {service}, which mounts the sources of the host at {target}")
    for kind, _, place, _ in service.mounts:
        if kind == "volume" and posixpath.basename(place) in DEPENDENCIES and is_inside(place, target):
            return Doubt(f"{service} is for development: packages may be installed into {place} as its user")
    return None


def _doubt_of_claims(owned: tuple[str, ...], shipped: Shipped) -> Doubt | None:
    """Volumes that a Kubernetes manifest mounts where the program writes: without `fsGroup` they are mostly root's.

    https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
    """
    if not owned:
        return None
    host = shipped.context.host
    files = host.walk("", lambda name: name.endswith((".yaml", ".yml")) and not COMPOSE_FILE.match(name)) or ()
    for file in files[:_MOST_MANIFESTS]:
        text = host.read(file) or ""
        if _CLAIM.search(text) and "fsGroup" not in text:
            for place in _MOUNT_PATH.findall(text):
                if any(is_inside(path, place) for path in owned):
                    return Doubt(f"{file} mounts a volume at {place}, which keeps the owner it has")
    return None


def _doubt_of_what_is_told(owned: tuple[str, ...], shipped: Shipped) -> Doubt | None:
    """Folders of the host that a README or a Makefile mounts where the program writes: they mostly are another user's.

    What is no service may also write into the folder from which people are told to run it.
    """
    is_service = bool(shipped.project.port)
    told = [] if is_service and not owned else list(_told_commands(shipped))
    for file, command in told:
        for match in _MOUNT_OPTION.finditer(command):
            place = posixpath.normpath(match["path"] or match["target"])
            if _is_near(place, owned):
                return Doubt(f"{file} mounts something at {place}, which keeps the owner it has")
    for file, command in [] if is_service else told:
        if _FOLDER_OF_THE_CALLER.search(command):
            return Doubt(f"{file} mounts the folder of who runs it, in which it may write")
    return None


def _told_commands(shipped: Shipped) -> Iterator[tuple[str, str]]:
    """The commands that start the image, as far as can be told, with the file that holds them."""
    host = shipped.context.host
    for file in documents(host):
        yield from ((file, command) for command in _commands_of(host.read(file)))
    names = names_of_image(shipped.context)
    for file in files_that_run(host):
        for command in _commands_of(host.read(file)):
            if not names or any(_may_be_called(word, names) for word in command.split()):
                yield file, command


def _commands_of(text: str | None) -> Iterator[str]:
    yield from (match[0] for match in _RUN_COMMAND.finditer(commands_in(text or "")))


def _may_be_called(word: str, names: frozenset[str]) -> bool:
    word = word.strip("\"'`")
    return is_called(word, names) or (word.startswith("$") and ":/" not in word)
