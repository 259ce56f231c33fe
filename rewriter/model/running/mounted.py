"""Volumes and folders of the host that are mounted where a program writes: they keep the owner that they have.

Compose files, the manifests of Kubernetes, the settings of platforms and what a README tells to run say so.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.context.compose import COMPOSE_FILE
from rewriter.model.running.shipped import Doubt, Shipped
from rewriter.model.running.written_folders import DEPENDENCIES, is_free, is_inside

_FILE: Final = re.compile(r"[^/.]\.\w{1,8}\Z")
# https://fly.io/docs/reference/configuration/#the-mounts-section, https://render.com/docs/disks
_PLATFORMS: Final = (
    ("fly.toml", re.compile(r"(?m)^\s*\[\[?mounts?\]")),
    ("render.yaml", re.compile(r"(?m)^\s*mountPath:")),
)
_CLAIM: Final = re.compile(r"persistentVolumeClaim|volumeClaimTemplates|hostPath:")
_MOUNT_PATH: Final = re.compile(r"""mountPath:\s*["']?(/[^\s"'#]+)""")
_MOST_MANIFESTS: Final = 100
# Where people tell how to run an image: https://docs.docker.com/reference/cli/docker/container/run/#volume
_TOLD_IN: Final = ("README.md", "readme.md", "README.rst", "README", "Makefile", "justfile", "run.sh")
_RUN_COMMAND: Final = re.compile(r"\b(?:docker|podman)\s+(?:container\s+)?run\b(?:\\\r?\n|[^\n`])*")
_MOUNT_OPTION: Final = re.compile(
    r"""(?:-v|--volume)[ =]["']?[^\s:]+:(?P<path>/[^\s:"'`]+)(?!:ro)"""
    r"""|--mount[ =]\S*?(?:target|dst|destination)=(?P<target>/[^\s,"'`]+)"""
)
_FOLDER_OF_THE_CALLER: Final = re.compile(
    r"""(?:-v|--volume)[ =]["']?(?:\.|\$\(pwd\)|`pwd`|\$\{?PWD\}?|%cd%)(?:/[^\s:"']*)?["']?:(?!\S*:ro\b)"""
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
            if not is_written and (_FILE.search(target) or is_inside(shipped.workdir, target)):
                continue  # sources and settings, which it only reads
            what = f"the volume {source}" if kind == "volume" else f"{source} of the host"
            return Doubt(f"{service} mounts {what} at {target}, which keeps the owner it has")
    for file, mounts in _PLATFORMS:
        if mounts.search(shipped.context.host.read(file) or ""):
            return Doubt(f"{file} mounts a volume, which keeps the owner it has")
    return _doubt_of_claims(owned, shipped) or _doubt_of_what_is_told(owned, shipped)


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
            if any(is_inside(path, place) or is_inside(place, path) for path in owned):
                return Doubt(f"{file} mounts something at {place}, which keeps the owner it has")
    for file, command in [] if is_service else told:
        if _FOLDER_OF_THE_CALLER.search(command):
            return Doubt(f"{file} mounts the folder of who runs it, in which it may write")
    return None


def _told_commands(shipped: Shipped) -> Iterator[tuple[str, str]]:
    """What people are told to run, with the file that says so."""
    for file in _TOLD_IN:
        for command in _RUN_COMMAND.finditer(shipped.context.host.read(file) or ""):
            yield file, command[0]
