"""What Bundler reads when it installs a project's gems: https://bundler.io/man/gemfile.5.html"""

from __future__ import annotations

import posixpath
import re
from contextlib import suppress
from typing import Final

from rewriter.model.installing.manifests.files import Needs, NotMovableError, Project

_COMMENT: Final = re.compile(r"(?m)(?:^|\s)#.*$")
_LOCAL: Final = re.compile(r"\b(?:path|:path\s*=>|path:)\s*['\"(:]|\bpath\s+['\"]")
_READS: Final = re.compile(r"eval_gemfile|instance_eval|require_relative|File\.|Dir\b|IO\.|__dir__|__FILE__|\bload\b|`")
_VERSION_FILE: Final = re.compile(r"\bruby\b.*?\bfile:\s*['\"]([^'\"]+)['\"]")
_REMEMBERED: Final = ("--path", "--deployment", "--without", "--with", "--frozen", "--clean", "--no-prune", "--shebang")


def bundler_manifest(project: Project) -> str:
    """The Gemfile of a `bundle install`."""
    if project.call.action != "install":
        return ""
    named = project.option("--gemfile") or project.state.get("BUNDLE_GEMFILE") or ""
    if named:
        return project.path(named)
    gemfile = project.path("Gemfile")
    with suppress(NotMovableError):
        if not project.has(gemfile) and project.has("gems.rb"):
            return project.path("gems.rb")
    return gemfile


def bundler_needs(project: Project) -> Needs:
    """The Gemfile, its lock, and the file that names the version of Ruby."""
    call = project.call
    if call.packages or call.unknown:
        raise NotMovableError("it is called in a way that is not understood")
    gemfile = bundler_manifest(project)
    folder = posixpath.dirname(gemfile)
    text = _COMMENT.sub("", project.require(gemfile))
    if version := _VERSION_FILE.search(text):
        project.require(project.path(version[1], folder))
        text = text.replace(version[0], "")
    if re.search(r"^\s*gemspec\b", text, re.MULTILINE):
        raise NotMovableError("the Gemfile takes a gemspec of the project, which reads its sources")
    if _LOCAL.search(text):
        raise NotMovableError("the Gemfile takes a gem from a folder of the project")
    if _READS.search(text):
        raise NotMovableError("the Gemfile reads other files")
    lock = project.path("gems.locked", folder) if gemfile.endswith("gems.rb") else f"{gemfile}.lock"
    if project.take(lock):
        _check_lock(project, lock)
    elif call.has("--deployment", "--frozen"):
        raise NotMovableError(f"{project.shown(lock)} is not in the build context")
    project.take(project.path(".bundle/config", folder))
    if project.has(project.path("vendor/cache", folder)):
        raise NotMovableError("vendor/cache holds gems of the project")
    fills = [project.path(project.option("--path") or "vendor/bundle", folder)]
    is_remembered = call.has(*_REMEMBERED) or project.state.is_set("BUNDLE_PATH")
    if path := project.state.get("BUNDLE_PATH"):
        fills = [project.path(path, folder)]
    return project.needs(fills=[*fills, project.path(".bundle", folder)] if is_remembered else [])


def _check_lock(project: Project, lock: str) -> None:
    """Bundler adds the platform to a lock that lacks it, and the sources would bring the old one back."""
    text = project.read(lock)
    if "\nPATH\n" in f"\n{text}".replace("\r\n", "\n"):
        raise NotMovableError(f"{project.shown(lock)} names a folder of the project")
    platforms = re.search(r"^PLATFORMS\r?\n((?:  .*\r?\n?)*)", text, re.MULTILINE)
    names = platforms[1].split() if platforms else []
    if names and not any(name in ("ruby", "java") or "linux" in name for name in names):
        raise NotMovableError(f"{project.shown(lock)} is for {names[0]} only: the install changes it")
