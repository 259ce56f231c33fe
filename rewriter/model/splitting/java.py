"""A stage that ships the JDK, Maven or Gradle: the jar, and the files beside it, go into the image of the runtime.

    FROM maven:3.9-eclipse-temurin-21     FROM maven:3.9-eclipse-temurin-21 AS builder
    WORKDIR /app                          WORKDIR /app
    COPY . .                              COPY . .
    RUN mvn package                   ->  RUN mvn package
    CMD ["java", "-jar", "target/shop.jar"]
                                          FROM eclipse-temurin:21-jre AS runtime
                                          WORKDIR /app
                                          COPY --from=builder /app/target/shop.jar /app/target/shop.jar
                                          CMD ["java", "-jar", "target/shop.jar"]

A container could not start without the jar that its command names, so the builder has it. What the runtime's images
have besides Java: https://github.com/adoptium/containers
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.installing.stage_installs import calls_of, simple_commands
from rewriter.model.managers.call import Call
from rewriter.model.managers.vocabulary import names
from rewriter.model.programs import programs_of
from rewriter.model.project.answers import Command, Start
from rewriter.model.slimming.java_sources import OF_THE_KIT, ONLY_IN_THE_KIT, problem_of_java
from rewriter.model.slimming.twins import kinds
from rewriter.model.splitting.compiled import Compiled
from rewriter.model.splitting.compiled_guards import (
    require_all_brought,
    require_few_files,
    require_fitting_stage,
    require_own_folder,
)
from rewriter.model.splitting.files_beside import Toolchain, whole_project
from rewriter.model.splitting.java_images import is_alpine, runtime_image
from rewriter.model.splitting.java_parts import OUTPUTS, output_of, parts_of, with_neighbours
from rewriter.model.splitting.parts import Again, Split, UnsplitError
from rewriter.model.splitting.runtime_steps import require_plain_start
from rewriter.model.splitting.settings import mentions
from rewriter.model.splitting.sources_read import require_no_programs
from rewriter.model.splitting.stage_reading import Reading
from rewriter.model.splitting.system_packages import is_system_install
from rewriter.syntax.tree import Copy, Run

_NO_BUILDS: Final = names("clean dependencies wrapper help validate tasks properties")
_COMPILERS: Final = names("javac jar kotlinc")
_STARTS: Final = re.compile(
    r"\bProcessBuilder\b|getRuntime\(\)\s*\.\s*exec\b|"
    # Modules that only the development kit has: https://docs.oracle.com/en/java/javase/21/docs/api/index.html
    r"\bjdk\.(?:attach|compiler|editpad|hotspot\.agent|jartool|javadoc|jcmd|jconsole|jdeps|jdi|jlink|jpackage|jshell|jstatd)\b"
)
_SOURCES: Final = (".java", ".kt", ".scala", ".groovy")
_LEFT: Final = re.compile(
    r".*\.(?:java|kt|kts|scala|groovy|gradle|iml)|pom\.xml|mvnw(?:\.cmd)?|gradlew(?:\.bat)?|gradle(?:\.properties)?|src|"
    r"target|build|out|bin|buildSrc|build-logic|settings\.xml|checkstyle.*|lombok\.config|system\.properties"
)
# What the images with tools have, and those with the runtime have not.
_OF_THE_TOOLS: Final = names("git git-lfs svn hg bzr brz ssh scp unzip zip make mvn gradle gpg")
_NOT_ON_ALPINE: Final = names("bash curl")
_NOT_IN_SLIM: Final = names("curl pgrep pkill ps top wget")
_BUILD_PACKAGES: Final = _OF_THE_TOOLS | names(
    "maven subversion mercurial openssh-client ant dos2unix build-essential gcc g++"
)
# https://github.com/adoptium/containers, 17/jre/ubuntu/*/Dockerfile
_IN_TEMURIN: Final = names("ca-certificates curl fontconfig locales tzdata")
_SETTINGS: Final = re.compile(r"(?:application|bootstrap|microprofile-config)[\w-]*\.(?:ya?ml|properties)")
_NAMES_SOURCES: Final = re.compile(r"(?m)^[^#\n]*(?:file:|[=:,][ \t]*[\"']?)(?:\./)?src/main/")
_AGENT: Final = re.compile(r"-(?:javaagent|agentpath|agentlib|Xrun)(?::|jdwp)([^\s=\"']*)")
_IN_SOURCES: Final = re.compile(r"(?:^|[\s=:\"'])(?:\./)?src/")
_IN_OUTPUT: Final = re.compile(rf"(?:^|[\s=:/\"'])(?:{'|'.join(sorted(OUTPUTS))})/")


JAVA: Final = Toolchain(
    tools=names("mvn gradle javac jar kotlinc"),
    settings=re.compile(r"MAVEN_\w+|GRADLE_\w+|M2|M2_HOME"),
    left=_LEFT,
    caches=("/root/.m2", "/root/.gradle", "/home/gradle/.gradle", "/usr/share/maven"),
    asks_for_folders=True,
)


def split_java(reading: Reading) -> Split | None:
    """What goes where; None where the stage does not run a program of Java that it builds. Raises UnsplitError."""
    builds = [run for run in reading.runs if any(_is_build(reading, run))]
    start = reading.project.start
    if not builds:
        return None
    if not start:
        raise UnsplitError(f"what a container starts is not known: {start.reason}")
    require_plain_start(reading.project, reading.services, reading.stage.instructions)
    folder = whole_project(reading, reading.state(builds[-1]).workdir)
    command = start.commands[-1]
    origin = reading.project.sources.origin_of_folder(folder) or ""
    if posixpath.basename(command.words[0].value) == "java":
        if reading.states.at_end(reading.stage).is_set("CLASSPATH"):
            raise UnsplitError("CLASSPATH says where java looks")
        built = [_widened(path, folder, origin, reading) for path in parts_of(command, folder)]
    else:
        built = [_distribution(command, folder)]
    if not all(built):
        return None
    image = runtime_image(reading.stage)
    workdir = "/home/gradle" if reading.stage.origin and reading.stage.origin.family == "gradle" else "/"
    compiled = Compiled(reading, JAVA._replace(workdir=workdir), builds, folder, _apart(built))
    require_fitting_stage(compiled, start)
    require_own_folder(compiled)
    compiled.spoken = _require_runtime_only(reading, origin)
    compiled.place()
    _place_packages(compiled, image)
    _require_programs(compiled, start, image)
    named = _named(compiled, command)
    require_all_brought(compiled, start, named)
    if folder not in compiled.built:
        require_few_files(compiled)
    files = () if folder in compiled.built else compiled.files()
    compiled.bring(_apart([*compiled.built, *named, *files]))
    return compiled.split("the development kit", base=image)


def _is_build(reading: Reading, run: Run) -> Iterator[bool]:
    for step in reading.steps(run):
        yield any(command.name in _COMPILERS for command in simple_commands(step))
        yield any(map(_builds, calls_of(step)))


def _builds(call: Call) -> bool:
    """Whether a call of Maven or Gradle builds something: its tasks may be anything else than these."""
    if call.manager.name not in ("mvn", "gradle"):
        return False
    return any(task not in _NO_BUILDS and not task.startswith(("dependency:", "wrapper:")) for task in call.tasks)


def _widened(path: str, folder: str, origin: str, reading: Reading) -> str:
    """A jar with what it names."""
    if "quarkus-app" in path:
        return path[: path.index("quarkus-app")] + "quarkus-app"
    return with_neighbours(path, folder, origin, reading.context) if path.endswith(".jar") else path


def _distribution(command: Command, folder: str) -> str:
    """The folder of a program that Gradle's `installDist` makes, which finds java by JAVA_HOME or PATH.

    https://docs.gradle.org/current/userguide/application_plugin.html
    """
    path = posixpath.normpath(posixpath.join(command.folder, command.words[0].value))
    return posixpath.dirname(posixpath.dirname(path)) if f"{output_of(path, folder)}/install/" in path else ""


def _apart(paths: list[str]) -> list[str]:
    """Paths without those that lie in others."""
    return [it for it in dict.fromkeys(paths) if not any(it != one and it.startswith(f"{one}/") for one in paths)]


def _require_runtime_only(reading: Reading, origin: str) -> frozenset[str]:
    if problem := problem_of_java(reading.context, OF_THE_KIT, ONLY_IN_THE_KIT):
        raise UnsplitError(problem)
    for path in reading.context.walk(origin, lambda name: _SETTINGS.fullmatch(name) is not None) or ():
        if _NAMES_SOURCES.search(reading.context.read(path) or ""):
            raise UnsplitError(f"{path} names a path in src, which may be read when it runs")
    return require_no_programs(reading.context, origin, _SOURCES, _STARTS, "Java")


def _place_packages(compiled: Compiled, image: str) -> None:
    """Packages that serve only builds stay above; others are installed in both, where none of the former are."""
    there = frozenset() if is_alpine(image) or "eclipse-temurin" not in image else _IN_TEMURIN
    kept = "\n".join(one.text for one in compiled.kept())
    for run in compiled.systems:
        calls = [call for step in compiled.reading.steps(run) for call in calls_of(step) if is_system_install(call)]
        if any(call.unknown for call in calls):
            raise UnsplitError("what line {line} installs is not known", run)
        packages = {word.value for call in calls for word in call.packages}
        for_builds = {name for name in packages if name in _BUILD_PACKAGES or re.match(r"openjdk-?\d+", name)}
        if packages <= for_builds | there and not any(mentions(kept, name) for name in for_builds):
            continue
        if for_builds:
            raise UnsplitError("line {line} installs build tools and other packages", run)
        compiled.above[run] = [Again(run)]
        del compiled.below[run]


def _require_programs(compiled: Compiled, start: Start, image: str) -> None:
    """Raise where what stays names a program that the runtime's image has not, or an agent that is not there."""
    kept = [one for one in compiled.kept() if one is not compiled.last]
    texts = [one.text for one in kept] + [command.text for command in start.commands]
    texts += [compiled.reading.context.read(script) or "" for script in start.scripts]
    texts += [" ".join(service.health_command or ()) for service in compiled.reading.services]
    is_gradle = compiled.toolchain.workdir != "/"
    family = "openjdk" if "openjdk:" in image else "eclipse-temurin"
    lacking = kinds()[family, "runtime"].lacks | _OF_THE_TOOLS | (_NOT_ON_ALPINE if is_alpine(image) else frozenset())
    lacking |= _NOT_IN_SLIM if "-slim" in image else frozenset()
    lacking -= _installed_again(compiled)
    for text in texts:
        if found := next((name for name in sorted(lacking) if _calls(text, name)), ""):
            raise UnsplitError(f"`{found}` is not in {image}")
        if is_gradle and mentions(text, "gradle"):
            raise UnsplitError(f"{image} has no user gradle")
        if "/usr/lib/jvm" in text or "MAVEN_HOME" in text or "GRADLE_HOME" in text:
            raise UnsplitError(f"a path is named that is not in {image}")
        for match in _AGENT.finditer(text):
            copies = (compiled.reading.copied(one) for one in kept if isinstance(one, Copy))
            if not any(match[1] in (one.target, *one.targets) for one in copies if one):
                raise UnsplitError(f"whether {image} has what {match[0]} names is not known")


def _installed_again(compiled: Compiled) -> frozenset[str]:
    """The programs of packages that are installed in the runtime as well."""
    runs = (run for run in compiled.systems if run not in compiled.below)
    calls = (call for run in runs for step in compiled.reading.steps(run) for call in calls_of(step))
    return frozenset().union(*(programs_of(call) for call in calls if is_system_install(call)))


def _calls(text: str, program: str) -> bool:
    """Whether a text may call a program: `jar` is a part of many names."""
    return re.search(rf"(?:^|[\s;&|(\"'`/]){re.escape(program)}(?=[\s;&|)\"'`]|$)", text) is not None


def _named(compiled: Compiled, command: Command) -> list[str]:
    """The paths among sources and in the output that a program is told of besides what it is."""
    found: list[str] = []
    for word in command.words[1:]:
        path = posixpath.normpath(posixpath.join(command.folder, re.split(r"[=:]", word.value)[-1]))
        if any(path == it or path.startswith(f"{it}/") for it in compiled.built):
            continue
        if _IN_SOURCES.search(word.value) or f"{compiled.folder}/src/" in word.value:
            if not compiled.is_inside(path) or not compiled.reading.project.sources.has(path):
                raise UnsplitError(f"a container is told of {word.value}, which is not known")
            found.append(path)
        elif _IN_OUTPUT.search(word.value) and (output := output_of(path, compiled.folder)):
            found.append(output)
    rest = "\n".join(one.text for one in compiled.kept() if not isinstance(one, Copy | Run))
    if (_IN_SOURCES.search(rest) or f"{compiled.folder}/src/" in rest) and not found:
        raise UnsplitError("an instruction that stays names a path in src")
    return found
