"""What Maven and Gradle read when they are asked for nothing but the dependencies."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from rewriter.model.installing.manifests.files import Needs, NotMovableError, Project

_XML_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_MODULE: Final = re.compile(r"<module>\s*([^<]+?)\s*</module>")
_PARENT: Final = re.compile(r"<parent>.*?</parent>", re.DOTALL)
_RELATIVE: Final = re.compile(r"<relativePath>\s*([^<]*?)\s*</relativePath>|<(relativePath)\s*/>")
_GOALS: Final = re.compile(r"(?:dependency|org\.apache\.maven\.plugins:maven-dependency-plugin(?::[\d.]+)?):"
                           r"(?:go-offline|resolve|resolve-plugins)\Z")  # fmt: skip
# Other projects and files that a Gradle script names, or programs that it runs.
_INCLUDES: Final = re.compile(r"\binclude(?:Build|Flat)?\b")
_OTHER_PARTS: Final = re.compile(
    r"^\s*(?:include|includeBuild)\b|\bapply\s*\(?\s*from\b|\bfiles?(?:Tree)?\s*[('\"]|\bF(?:ile|iles|ileInputStream|"
    r"ileReader)\s*[(.]|\b(?:projectDir|rootDir|readText|readLines|execute|commandLine)\b", re.MULTILINE,
)  # fmt: skip


def maven_manifest(project: Project) -> str:
    """The pom.xml of a call that only resolves dependencies."""
    call = project.call
    goals = [call.action, *(word.value for word in call.packages)]
    if not all(_GOALS.match(goal) for goal in goals):
        return ""
    return project.path(project.option("-f", "--file") or "pom.xml")


def maven_needs(project: Project) -> Needs:
    """The POMs of the project, of its modules and of its parents in the project; the wrapper and its settings."""
    call = project.call
    project.forbid_options("-s", "--settings", "-gs", "--global-settings", "-t", "--toolchains")
    if call.unknown:
        raise NotMovableError("it is called in a way that is not understood")
    if any(goal in (call.action, *(word.value for word in call.packages)) for goal in ("package", "install")):
        raise NotMovableError("it builds as well")
    if call.program.value.endswith("mvnw"):
        project.require(call.program.value)
    project.take(".mvn")
    pending, seen = [maven_manifest(project)], set[str]()
    while pending:
        path = pending.pop(0)
        if path in seen:
            continue
        seen.add(path)
        pending += _neighbours(project, path)
    return project.needs(fills=[])


def _neighbours(project: Project, path: str) -> list[str]:
    text = _XML_COMMENT.sub("", project.require(path))
    folder = posixpath.dirname(path)
    if "<systemPath>" in text:
        raise NotMovableError(f"{project.shown(path)} takes a library from a folder of the project")
    if re.search(r"<url>\s*(?:file:|\$\{)", text):
        raise NotMovableError(f"{project.shown(path)} has a repository in a folder")
    found: list[str] = []
    for match in _MODULE.finditer(text):
        module = project.path(match[1], folder)
        if "$" in match[1]:
            raise NotMovableError(f"{project.shown(path)} names a module by a property")
        found.append(module if module.endswith(".xml") else f"{module}/pom.xml")
    if parent := _PARENT.search(text):
        relative = _RELATIVE.search(parent[0])
        named = (relative[1] or "") if relative else "../pom.xml"
        above = project.path(named, folder) if named else ""
        if above and not above.endswith(".xml"):
            above += "/pom.xml"
        if above and project.has(above):
            found.append(above)
    if len(found) and _MODULE.search(text) and "<packaging>pom" not in text:
        raise NotMovableError(f"{project.shown(path)} cannot be understood")
    return found


def gradle_manifest(project: Project) -> str:
    """The build file of a `gradle dependencies`."""
    call = project.call
    if call.action != "dependencies" or call.packages:
        return ""
    return next((path for name in ("build.gradle.kts", "build.gradle") if project.has(path := project.path(name))), "")


def gradle_needs(project: Project) -> Needs:
    """Build file, settings, properties, wrapper and version catalogues of a build of one project."""
    call = project.call
    project.forbid_options("-b", "--build-file", "-c", "--settings-file", "-p", "--project-dir", "-I", "--init-script",
                           "--include-build", "--project-cache-dir")  # fmt: skip
    if call.unknown:
        raise NotMovableError("it is called in a way that is not understood")
    for name in ("buildSrc", "build-logic"):
        if project.has(name):
            raise NotMovableError(f"{name} holds sources of the build itself")
    if call.program.value.endswith("gradlew"):
        project.require(call.program.value)
    for name in ("settings.gradle.kts", "settings.gradle", gradle_manifest(project)):
        if not project.has(name):
            continue
        text = project.require(name)
        if _OTHER_PARTS.search(text) or (name.startswith("settings") and _INCLUDES.search(text)):
            raise NotMovableError(f"{project.shown(project.path(name))} names other parts of the project")
    for name in ("gradle.properties", "gradle", "gradle.lockfile"):
        project.take(name)
    return project.needs(fills=[".gradle", "build"])
