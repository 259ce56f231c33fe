"""What a Java program is made of: the jar or the class path that it is started with, and what a jar names in turn."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Command, Text
from rewriter.model.splitting.parts import UnsplitError
from rewriter.model.stages import UNKNOWN_PART

OUTPUTS: Final = names("target build out")
"""The folders that Maven, Gradle and others build into."""

# https://docs.oracle.com/en/java/javase/21/docs/specs/man/java.html
_VALUES: Final = names(
    "--add-opens --add-exports --add-reads --add-modules --limit-modules --patch-module --upgrade-module-path "
    "--enable-native-access --source"
)
_CLASS_PATHS: Final = names("-cp -classpath --class-path -p --module-path")
_MODULES: Final = names("-m --module")
# What puts all that a program needs into its jar.
_FILLS: Final = re.compile(
    r"spring-boot-(?:maven|gradle)-plugin|org\.springframework\.boot\b|maven-shade-plugin|maven-assembly-plugin|shadow\b|"
    r"jar-with-dependencies|shadowJar|fatJar|runtimeClasspath|io\.ktor\.plugin|io\.micronaut\.application"
)
_NAMES_OTHERS: Final = re.compile(
    r"addClasspath|classpathPrefix|Class-Path|copy-dependencies|quarkus|application_linux"
)
_PARENT: Final = re.compile(r"<parent>|\bapply\s*\(?\s*from\b|\bsubprojects\b|\ballprojects\b")
_ASKED_FOR: Final = re.compile(r"\b(?:implementation|api|compile|compileOnly|runtime|runtimeOnly)\b\s*[(\"' {]")
_DEPENDENCY: Final = re.compile(r"<dependency>.*?</dependency>", re.DOTALL)
_DEVELOPMENT_KIT: Final = re.compile(r"\btools\.jar\b|\bjdk\.tools\b|<artifactId>tools</artifactId>")
_BUILD_FILES: Final = ("pom.xml", "build.gradle", "build.gradle.kts")


def parts_of(command: Command, project: str) -> tuple[str, ...]:
    """The paths of what java is told to run, `*` where a pattern stands; empty where it runs nothing of the project.

    `project` is its folder. Raises UnsplitError where it is not known.
    """
    words = command.words
    position, class_path = 1, ""
    while position < len(words):
        text = words[position].value
        if text.startswith("@"):
            raise UnsplitError(f"java is started with {text}")
        if text in _MODULES or text.startswith("--module="):
            return tuple(_entries(class_path or ".", command.folder, project))
        if text == "-jar":
            return (_path(words[position + 1 : position + 2], command.folder),)
        if text in _CLASS_PATHS:
            class_path = ":".join(filter(None, (class_path, _known(words[position + 1 : position + 2]))))
            position += 1
        elif text.startswith(("--class-path=", "--module-path=")):
            class_path = ":".join(filter(None, (class_path, _known([words[position]]).partition("=")[2])))
        elif text in _VALUES:
            position += 1
        elif not text.startswith("-") and UNKNOWN_PART not in text:
            return tuple(_entries(class_path or ".", command.folder, project))
        position += 1
    raise UnsplitError("what java runs is not known")


def _known(words: Sequence[Text]) -> str:
    if not words or words[0].known is None:
        raise UnsplitError("what java runs depends on a variable")
    return words[0].value


def _path(words: Sequence[Text], folder: str) -> str:
    return posixpath.normpath(posixpath.join(folder, _known(words)))


def _entries(class_path: str, folder: str, project: str) -> Iterator[str]:
    """What to copy for a class path: one entry must be there, of several only that they are in a folder for output."""
    entries = [
        posixpath.normpath(posixpath.join(folder, one.removesuffix("*") or ".")) for one in class_path.split(":")
    ]
    if project in entries:
        yield project
    elif len(entries) == 1:
        yield entries[0]
    else:
        outputs = {output_of(entry, project) for entry in entries}
        if "" in outputs:
            raise UnsplitError("the class path names more than what is built")
        yield from sorted(outputs)


def output_of(path: str, project: str) -> str:
    """The folder for output in the project's folder that a path lies in; empty where it lies in none."""
    if not path.startswith(f"{project}/"):
        return ""
    parts = path[len(project) + 1 :].split("/")
    place = next((number for number, part in enumerate(parts) if part in OUTPUTS), -1)
    return posixpath.join(project, *parts[: place + 1]) if place >= 0 else ""


def with_neighbours(jar: str, project: str, origin: str, context: BuildContext) -> str:
    """What to copy for a jar: itself where it holds all that it needs, else the folder for output that it lies in."""
    output = output_of(jar, project)
    texts = list(_build_files(origin, context))
    if found := next((match[0] for text in texts if (match := _DEVELOPMENT_KIT.search(text))), ""):
        raise UnsplitError(f"the project asks for {found}, which only the development kit has")
    if not output:
        return jar
    is_full = any(_FILLS.search(text) for text in texts) or (bool(texts) and not any(map(_needs_others, texts)))
    return jar if is_full and not any(_NAMES_OTHERS.search(text) for text in texts) else output


def _needs_others(text: str) -> bool:
    """Whether a build file asks for more than tests need."""
    if _PARENT.search(text) or _ASKED_FOR.search(text):
        return True
    return any("<scope>test</scope>" not in match[0] for match in _DEPENDENCY.finditer(text))


def _build_files(origin: str, context: BuildContext) -> Iterator[str]:
    for path in context.walk(origin, _BUILD_FILES.__contains__) or ():
        text = context.read(path)
        if text is None:
            raise UnsplitError(f"{path} cannot be read")
        yield text
