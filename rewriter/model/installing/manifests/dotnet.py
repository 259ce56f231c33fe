"""What `dotnet restore` reads: https://learn.microsoft.com/en-us/dotnet/core/tools/dotnet-restore"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.installing.manifests.files import Needs, NotMovableError, Project

_PROJECT: Final = re.compile(r".*\.\w*proj\Z")
_SOLUTION: Final = re.compile(r".*\.slnx?\Z")
_REFERENCE: Final = re.compile(r"<ProjectReference\b[^>]*?\bInclude\s*=\s*[\"']([^\"']+)[\"']")
_IMPORT: Final = re.compile(r"<Import\b[^>]*?\bProject\s*=\s*[\"']([^\"']+)[\"']")
_SDK_IMPORT: Final = re.compile(r"<Import\b[^>]*?\bSdk\s*=")
_LISTED: Final = re.compile(r"[\"']([^\"'\n]+\.\w*proj)[\"']")
_XML_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
# https://learn.microsoft.com/en-us/nuget/reference/nuget-config-file
_FEEDS: Final = re.compile(r"<(packageSources|fallbackPackageFolders|config)\b.*?</\1\s*>", re.DOTALL)
_LOCAL_FEED: Final = re.compile(r"<add\b[^>]*value\s*=\s*[\"'](?!https?:)[^\"']*[/\\]")
# MSBuild and NuGet look for these in the project's folder and in those above.
_ABOVE: Final = ("Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props", "Directory.Build.rsp",
                 "global.json", "nuget.config", "NuGet.config", "NuGet.Config")  # fmt: skip


def dotnet_manifest(project: Project) -> str:
    """The project or solution of a `dotnet restore`."""
    call = project.call
    if call.action != "restore":
        return ""
    if call.packages:
        return project.path(call.packages[0].value) if call.packages[0].value else ""
    found = sorted(name for name in project.names() if _PROJECT.match(name) or _SOLUTION.match(name))
    return project.path(found[0]) if found else ""


def dotnet_needs(project: Project) -> Needs:
    """Project files in their folders, with what they import and refer to, and the settings above them."""
    call = project.call
    project.forbid_options("--configfile", "--packages", "--lock-file-path", "--artifacts-path", "-s", "--source")
    if call.unknown or len(call.packages) > 1:
        raise NotMovableError("it is called in a way that is not understood")
    root = dotnet_manifest(project)
    if project.is_folder(root):
        project.folder = root
        named = sorted(name for name in project.names() if _PROJECT.match(name) or _SOLUTION.match(name))
        if len(named) != 1:
            raise NotMovableError("which project it restores is not known")
        root = project.path(named[0])
    elif (
        not call.packages
        and len([name for name in project.names() if _PROJECT.match(name) or _SOLUTION.match(name)]) > 1
    ):
        raise NotMovableError("which project it restores is not known")
    pending, folders = [root], dict[str, None]()
    seen: set[str] = set()
    while pending:
        path = pending.pop(0)
        if path in seen:
            continue
        seen.add(path)
        text = _XML_COMMENT.sub("", project.require(path))
        folder = posixpath.dirname(path)
        pending += _followed(project, path, text)
        if path.endswith(".esproj"):
            raise NotMovableError(f"{project.shown(path)} installs with npm as well")
        if _PROJECT.match(path):
            folders[folder] = None
            project.take(project.path("packages.lock.json", folder))
            project.take(project.path("packages.config", folder))
        pending += [found for found in _settings(project, folder) if found not in seen]
    fills = [project.path(name, folder) for folder in folders for name in ("bin", "obj")]
    return project.needs(fills=fills)


def _followed(project: Project, path: str, text: str) -> Iterator[str]:
    """The projects and property files that a file names."""
    folder = posixpath.dirname(path)
    pattern = _LISTED if _SOLUTION.match(path) else _REFERENCE
    if path.endswith((".json", ".rsp")) or path.lower().endswith("nuget.config"):
        if _LOCAL_FEED.search(text) or any(
            re.search(r"<add\b[^>]*value\s*=\s*[\"'](?!https?:)", section[0]) for section in _FEEDS.finditer(text)
        ):
            raise NotMovableError(f"{project.shown(path)} names a folder of packages")
        return
    for match in pattern.finditer(text):
        yield _located(project, match[1], folder, path)
    for match in _IMPORT.finditer(text) if not _SOLUTION.match(path) else ():
        if "$(MSBuildExtensionsPath" in match[1] or _SDK_IMPORT.match(match[0]):
            continue
        yield _located(project, match[1], folder, path)


def _located(project: Project, name: str, folder: str, path: str) -> str:
    name = name.replace("$(MSBuildThisFileDirectory)", "").replace("\\", "/")
    if "$" in name or "*" in name or "@(" in name:
        raise NotMovableError(f"{project.shown(path)} names a file by a property: {name}")
    return project.path(name, folder)


def _settings(project: Project, folder: str) -> Iterator[str]:
    while True:
        for name in _ABOVE:
            if project.has(path := project.path(name, folder)):
                yield path
        if folder == "/":
            return
        folder = posixpath.dirname(folder)
