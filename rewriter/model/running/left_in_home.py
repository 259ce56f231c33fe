"""Whether what a RUN runs of the project, or downloads by a program, lies in the home folder of root afterwards."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Final

from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Command
from rewriter.model.running.built_by import Built
from rewriter.model.running.shipped import Shipped, text_of
from rewriter.model.stages import UNKNOWN_PART
from rewriter.syntax.tree import Run

SYSTEM_SCRIPT: Final = re.compile(r"nodesource\.com|deb\.|apt\.|packages\.|rpm\.|get\.docker\.com")
"""Scripts of servers that only set up a package manager."""

_PRINTS: Final = re.compile(r"\s*(?:import sys\b|print\b|import \w+(?:; ?print\(.*)?\s*\Z)")
_PYTHON: Final = re.compile(r"(?:.*/)?(?:python|pypy)[\d.]*\Z")
_MODULES: Final = names("pip venv compileall ensurepip uv virtualenv build pytest")
_DJANGO: Final = ("manage.py", "setup.py", "get-pip.py")
# https://flask.palletsprojects.com/en/stable/cli/, https://flask-migrate.readthedocs.io/, https://flask-assets.readthedocs.io/
_OF_FLASK: Final = names("run routes shell db assets digest translate --version --help")
_FLASK_VALUES: Final = names("-A --app -e --env-file")
_NODE: Final = names("node nodejs tsx ts-node")
_HOME_IN_NODE: Final = re.compile(
    r"\bhomedir\s*\(|\benv\.(?:HOME|XDG_\w+_HOME)\b|env\[[\"'](?:HOME|XDG_\w+_HOME)|[\"'](?:env-paths|cachedir|xdg-basedir)[\"']"
    r"|[\"'`]~/|(?<!node_modules)/\.cache\b|[\"'`]\.cache\b"
)
# A word by which a program of the project or of a package downloads: `shop fetch-models`, `tldextract --update`.
_DOWNLOADS: Final = re.compile(r"(?:--)?(?:[a-z]+[-_:])?(?:down-?load|fetch|prefetch|pull|warm-?up)(?:[-_:][\w-]+)?\Z")
_OTHERS: Final = names(
    "curl wget git go cargo npm npx yarn pnpm bun pip pip3 uv poetry pipenv pdm composer mvn gradle dotnet apt apt-get "
    "apk dnf yum microdnf zypper docker svn hg aria2c fetch ftp rsync make gmake mix bundle gem dvc terraform php "
    "conda mamba micromamba flutter dart sbt lein helm huggingface-cli hf spacy camoufox echo printf test mkdir cp mv "
    "rm ln sed grep cat chmod chown touch cd export unzip tar gradlew mvnw"
)
"""Programs whose downloads are looked at elsewhere, or that go to where their words say."""

_ELSEWHERE: Final = re.compile(r"(?:\A|=)/(?!root\b)[\w.-]+/")


def doubts_of_programs(run: Run, built: Built, shipped: Shipped) -> Iterator[str]:
    """Why it cannot be said that a RUN leaves nothing in the home folder of root, by the programs that it runs."""
    for command in built.commands:
        words = [word.value.replace(UNKNOWN_PART, "?") for word in command.words]
        name = posixpath.basename(words[0])
        if _runs_python(words):
            yield "what the Python of line {line} leaves in the home folder of root is not known"
        elif name == "flask" and _own_command(words) not in _OF_FLASK:
            yield f"what `{command.text}` of line {{line}} leaves in the home folder of root is not known"
        elif name in _NODE and (file := _names_home(command, shipped)):
            yield f"{file}, which line {{line}} runs, has to do with the home folder"
        elif name not in _OTHERS and any(map(_DOWNLOADS.match, words[1:])) and not _goes_elsewhere(words):
            yield f"where `{command.text}` of line {{line}} puts what it downloads is not known"
        elif command.unread and _is_script(words) and not _is_harmless(words, run):
            yield f"what {_script(words)} of line {{line}} leaves in the home folder of root cannot be read"


def _runs_python(words: Sequence[str]) -> bool:
    """Whether a command runs Python for something else than the well-known ways to install."""
    if words[0].endswith(".py"):
        return not words[0].endswith(_DJANGO)
    if not _PYTHON.match(words[0]):
        return False
    rest = list(words[1:])
    while rest and rest[0].startswith("-") and rest[0] not in ("-m", "-c"):
        rest.pop(0)
    if not rest:
        return False
    if rest[0] == "-m":
        return len(rest) < 2 or rest[1] not in _MODULES
    if rest[0] == "-c":
        return len(rest) < 2 or not _PRINTS.match(rest[1])
    return not rest[0].endswith(_DJANGO)


def _own_command(words: Sequence[str]) -> str:
    """The command that flask is given, behind its options."""
    rest = list(words[1:])
    while rest and rest[0].startswith("-") and rest[0] not in _OF_FLASK:
        del rest[: 2 if rest[0] in _FLASK_VALUES else 1]
    return rest[0] if rest else "run"


def _names_home(command: Command, shipped: Shipped) -> str:
    """The script of the project that names the home folder, or one for caches, when it is run; else empty."""
    from rewriter.model.project.javascript_values import Scripts

    given = next((word.value for word in command.words[1:] if not word.value.startswith("-")), "")
    if _HOME_IN_NODE.search(given):
        return "the text"
    sources = shipped.project.sources
    path = posixpath.normpath(posixpath.join(command.folder, given)) if given and command.folder else ""
    places = (f"{path}{ending}" for ending in ("", ".js", ".mjs", ".cjs", ".ts", "/index.js")) if path else ()
    place = next((one for one in places if posixpath.splitext(one)[1] and sources.origin(one)), "")
    scripts = Scripts(sources, shipped.project.variables)
    first = scripts.add(sources.origin(place), place) if place else None
    if first is not None:
        scripts.follow(first)
    for file in dict.fromkeys([*(script.file for script in scripts.by_path.values()), sources.origin(place)]):
        text = sources.read(file) if file else ""
        if isinstance(text, str) and _HOME_IN_NODE.search(text):
            return file
    return ""


def _goes_elsewhere(words: Sequence[str]) -> bool:
    """Whether a command names a folder to put things in that is not root's."""
    return any(map(_ELSEWHERE.search, words[1:]))


def _is_script(words: Sequence[str]) -> bool:
    return _script(words).endswith(".sh") or (posixpath.basename(words[0]) in ("sh", "bash") and len(words) > 1)


def _script(words: Sequence[str]) -> str:
    return next((word for word in words if word.endswith(".sh")), " ".join(words[:2]))


def _is_harmless(words: Sequence[str], run: Run) -> bool:
    """Whether a script that is not the project's says where it installs, or only sets up a package manager."""
    return _goes_elsewhere(words) or SYSTEM_SCRIPT.search(text_of(run)) is not None
