"""What the RUNs of a stage need: the programs that they call, the packages that they install, what they compile."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.managers.call import Call, skip_wrappers
from rewriter.model.managers.run_calls import APT, calls
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, names
from rewriter.model.pip.files import History, places
from rewriter.model.slimming import node_packages, python_packages
from rewriter.model.slimming.node_packages import node_needs
from rewriter.model.slimming.python_packages import python_needs
from rewriter.model.slimming.python_projects import names_libraries
from rewriter.model.slimming.subject import Need, Subject
from rewriter.model.slimming.words import programs_in_text, programs_of
from rewriter.model.stages import Stage
from rewriter.syntax.shell_tree import SimpleCommand
from rewriter.syntax.tree import Run

_LANGUAGES: Final = {
    **dict.fromkeys(python_packages.MANAGERS, python_needs),
    **dict.fromkeys(node_packages.MANAGERS, node_needs),
}
_COMPILERS: Final = names(
    "make gmake gcc g++ cc c++ clang clang++ cmake ninja meson cargo rustc go ld autoconf automake autoreconf "
    "configure bazel scons pyinstaller nuitka cython gfortran"
)
_DOWNLOADERS: Final = names("curl wget aria2c")
_NEEDS_JDK: Final = names("sbt mvn gradle gradlew mvnw ant lein kotlinc scalac scala mill clojure clj groovy git")
_NOT_IN_SCRIPTS: Final = (
    _COMPILERS | _DOWNLOADERS | names("dpkg pip pip3 uv poetry pipenv conda npm npx yarn pnpm gem bundle")
)
_OF_THE_SYSTEM: Final = ("/bin/", "/usr/bin/", "/usr/sbin/", "/sbin/", "/usr/local/bin/python", "/usr/local/bin/pip")
_SHELLS: Final = names("sh bash dash ash . source")
# What is fetched from there is a key, a list of packages, or a program that is linked statically.
_HARMLESS_DOWNLOAD: Final = re.compile(
    r"\.(?:gpg|asc|key|pub|list|repo|pem|crt|txt|json|ya?ml|csv|sql|xml|conf|ttf|otf|css|js|tsv|parquet|pt|onnx|bin)\b"
    r"|apt-key|--dearmor|/gpg\b|keyring|install\.python-poetry\.org|deb\.nodesource\.com/setup|astral\.sh/uv"
    r"|bootstrap\.pypa\.io|https?://(?:localhost|127\.0\.0\.1)"
)
_WITH_MANUALS: Final = re.compile(
    r"openjdk|oracle-java|default-j|postgres|maven\Z|ant\Z|tomcat|jenkins|libreoffice|scala|solr|zookeeper|cassandra"
    r"|elasticsearch|logstash|gradle|groovy|sbt\Z|leiningen|jetty|activemq"
)
"""Packages that need /usr/share/man/man1 to be there when they are installed.

Source: https://github.com/debuerreotype/debuerreotype/issues/10
"""

_MANAGES_WITHOUT: Final = names("bookworm trixie forky sid")
"""Releases that install them all the same; tried in bookworm with /usr/share/man left out as in the slim image."""

_MAKES_FOLDER: Final = re.compile(r"mkdir\b[^\n&|;]*/usr/share/man/man\{?1\b(?P<postgres>[^\n&|;]*7)?")
_WITH_EXAMPLES: Final = re.compile(
    r"zabbix|pdns-backend|icinga|bacula|bareos|cacti|roundcube|phpmyadmin|freeradius|amavis|man-db\Z"
)
"""Packages that keep in /usr/share/doc what their users take from there."""

_MANUALS: Final = re.compile(r"/usr/share/(?:doc|man|info|locale)\b|\bman-db\b|\bmandb\b|\blocalepurge\b")
_HEADERS: Final = re.compile(r"/usr/include\b|/usr/lib/[\w-]+-linux-gnu/\S*\.so|--with-\w+-(?:dir|include|lib)")
_TRUSTS: Final = re.compile(
    r"/etc/ssl/certs|--use-(?:openssl|system)-ca|https:[^\n]*/etc/apt/sources|/etc/apt/sources[^\n]*https:"
)
_ZONES: Final = re.compile(r"/usr/share/zoneinfo")
_WITH_ZONES: Final = names("jessie stretch buster bullseye bookworm")
_USES_MODULES: Final = re.compile(r"\s-M[\w:]+|\buse\s+[A-Z]")
_RUNS_PYTHON: Final = re.compile(r"(?:python|pypy)[0-9.]*\Z")
_STARTS_PROGRAMS: Final = re.compile(r"\bsubprocess\b|\bos\.(?:system|popen|exec|spawn)|child_process")
_BUILDS_PROJECT: Final = re.compile(r"setup\.py\b|\bcythonize\b|\bmypyc\b")


def step_needs(stage: Stage, subject: Subject, history: History, *, is_elsewhere: bool = False) -> Iterator[Need]:
    """What the RUNs of a stage need. `is_elsewhere` says that it only makes what is copied to the lighter image."""
    for instruction in stage.instructions:
        if isinstance(instruction, Run):
            yield from _Step(instruction, subject, history, is_elsewhere=is_elsewhere).needs()


class _Step:
    """A RUN."""

    def __init__(self, run: Run, subject: Subject, history: History, *, is_elsewhere: bool) -> None:
        self._run: Final = run
        self._subject: Final = subject
        self._history: Final = history
        self._is_elsewhere: Final = is_elsewhere

    def _need(self, reason: str) -> Need:
        return Need(self._run, reason)

    def needs(self) -> Iterator[Need]:
        run, subject = self._run, self._subject
        if not subject.states.at(run).is_posix_shell and run.json is None:
            yield self._need("its SHELL is not read")
            return
        if not self._is_elsewhere:
            yield from self._texts()
            yield from self._programs()
        elif "compiler" in subject.twin.kind.without and _BUILDS_PROJECT.search(run.text):
            yield from self._linked()
        for call in calls(run):
            yield from self._call(call)

    def _linked(self) -> Iterator[Need]:
        if path := names_libraries(self._subject.context):
            yield self._need(f"{path} may name libraries that {self._subject.name} has not")

    def _texts(self) -> Iterator[Need]:
        text, without = self._run.text, self._subject.twin.kind.without
        if "manuals" in without and (match := _MANUALS.search(text)) and not _removes(text, match):
            yield self._need(f"{self._subject.name} has no {match[0]}")
        has_hidden = "manuals" in without and "apt" in text and any(True for _ in self._run.script.opaques())
        if has_hidden and not self._manages_without_manuals and (match := _WITH_MANUALS.search(text)):
            yield self._need(f"{match[0]} cannot be installed without /usr/share/man/man1")
        if "zones" in without and _ZONES.search(text) and not self._has_zones:
            yield self._need(f"{self._subject.name} may have no time zones")
        if "compiler" in without and (match := _HEADERS.search(text)):
            yield self._need(f"it names {match[0]}")
        if "jdk" in without and ("JAVA_HOME" in text or "/jre/" in text):
            yield self._need("it looks into the folders of the JDK")
        if "certificates" in without and _TRUSTS.search(text) and self._subject.lacks_certificates(self._run):
            yield self._need(f"{self._subject.name} has no certificates")

    @property
    def _has_zones(self) -> bool:
        suites = self._subject.suites
        return (bool(suites) and suites <= _WITH_ZONES) or "tzdata" in self._subject.debian_packages(self._run)

    def _programs(self) -> Iterator[Need]:
        run, subject = self._run, self._subject
        for name, command in dict.fromkeys(programs_of(run, run.script)):
            if subject.lacks(name, run, command.start if command else None):
                yield self._need(f"`{name}` is not in {subject.name}")
            elif command is not None and subject.twin.kind.lacks:
                yield from self._command(name, command)
            elif not subject.twin.kind.lacks:
                if command is not None and not self._manages_without_manuals and _is_script(name, command):
                    yield from self._script(command)
            elif name in _DOWNLOADERS and _HARMLESS_DOWNLOAD.search(run.text):
                continue
            elif name in _NOT_IN_SCRIPTS | _NEEDS_JDK:
                yield self._need(f"what `{name}` brings there is not looked at")

    def _command(self, name: str, command: SimpleCommand) -> Iterator[Need]:
        subject, text = self._subject, command.text
        is_slim = "compiler" in subject.twin.kind.without
        if "jdk" in subject.twin.kind.without and name in _NEEDS_JDK | _DOWNLOADERS:
            yield self._need(f"what `{name}` brings may need the JDK")
            return
        if is_slim and name in _COMPILERS:
            yield self._need(f"what `{name}` builds may use libraries that {subject.name} lacks")
        elif is_slim and name in _DOWNLOADERS | {"git"}:
            if "https:" in text and subject.lacks_certificates(self._run, command.start):
                yield self._need(f"`{name}` trusts no server without ca-certificates")
            elif name == "git" or not _HARMLESS_DOWNLOAD.search(self._run.text):
                yield self._need(f"what `{name}` fetches may use libraries that {subject.name} lacks")
        elif is_slim and name == "perl" and _USES_MODULES.search(text):
            yield self._need(f"{self._subject.name} has few modules of Perl")
        elif is_slim and name == "dpkg" and any(word.value in ("-i", "--install") for word in command.arguments):
            yield self._need("`dpkg -i` brings no libraries along")
        elif _RUNS_PYTHON.match(name) or name == "node":
            if is_slim and _BUILDS_PROJECT.search(text):
                yield self._need("setup.py may compile")
            elif _STARTS_PROGRAMS.search(text):
                yield self._need(f"`{name}` starts programs")
        elif _is_script(name, command):
            yield from self._script(command)

    def _script(self, command: SimpleCommand) -> Iterator[Need]:
        """A script of the context, read for programs that are lacking."""
        given = command.words[skip_wrappers(command.words) or 0 :]
        words = [word for word in given if not word.value.startswith("-")]
        by_shell = posixpath.basename(given[0].value) in _SHELLS
        if by_shell and any(word.value.startswith("-") and word.value.endswith("c") for word in given[1:2]):
            return  # its text was looked at
        target = words[1].value if by_shell and len(words) > 1 else words[0].value
        if target.startswith(_OF_THE_SYSTEM) or target.endswith("/activate"):
            return
        if by_shell and len(words) < 2:
            if not _HARMLESS_DOWNLOAD.search(self._run.text):
                yield self._need("a script that is piped into a shell may need anything")
            return
        folder = places(self._run, self._subject.states.at(self._run).workdir)[command.start].folder
        text = self._history.read(self._run, folder, target)
        if text is None:
            if posixpath.basename(posixpath.dirname(target)) != "bin":
                yield self._need(f"what {target} calls cannot be read")
            return
        yield from self._text_of_script(target, text)

    def _text_of_script(self, target: str, text: str) -> Iterator[Need]:
        if (match := _MANUALS.search(text)) or (match := _WITH_MANUALS.search(text)):
            yield self._need(f"{target} speaks of {match[0]}")
        for name in sorted(programs_in_text(text)) if self._subject.twin.kind.lacks else ():
            if self._subject.lacks(name, self._run) or name in _NOT_IN_SCRIPTS:
                yield self._need(f"{target} calls `{name}`")

    def _call(self, call: Call) -> Iterator[Need]:
        run, subject, manager = self._run, self._subject, call.manager.name
        without = subject.twin.kind.without
        if manager in SYSTEM_MANAGERS:
            yield from self._removals(call)
            if "manuals" in without and manager in APT and call.installs and not self._is_elsewhere:
                yield from self._manuals(call)
        elif "jdk" in without:
            if not self._is_elsewhere:
                yield self._need(f"`{manager}` may need the JDK")
        elif "compiler" not in without:
            return
        elif manager in _LANGUAGES:
            yield from _LANGUAGES[manager](call, run, subject, self._history, is_elsewhere=self._is_elsewhere)
        elif call.installs or call.builds:
            yield self._need(f"what `{manager} {call.action}` compiles is not known")

    def _removals(self, call: Call) -> Iterator[Need]:
        """Packages that apt does not know, as long as its lists are not there, cannot be removed."""
        if "compiler" not in self._subject.twin.kind.without or call.action not in ("remove", "purge"):
            return
        there = self._subject.debian_packages(self._run)
        if gone := next((word.value for word in call.packages if word.value not in there), ""):
            yield self._need(f"it removes {gone}, which no step installs")

    @property
    def _manages_without_manuals(self) -> bool:
        suites = self._subject.suites
        if suites and suites <= _MANAGES_WITHOUT:
            return True
        runs = (one for one in self._subject.stage.instructions if isinstance(one, Run))
        made = [match for one in runs if one.start <= self._run.start and (match := _MAKES_FOLDER.search(one.text))]
        # PostgreSQL has manual pages in the seventh section as well.
        return any(match["postgres"] for match in made) or (bool(made) and "postgres" not in self._run.text)

    def _manuals(self, call: Call) -> Iterator[Need]:
        for word in call.packages:
            package = word.value or self._subject.states.at(self._run).expand(word.text) or ""
            if match := _WITH_EXAMPLES.search(package):
                yield self._need(f"{match[0]} has what it needs in /usr/share/doc")
            elif self._manages_without_manuals:
                continue
            elif match := _WITH_MANUALS.search(package):
                yield self._need(f"{match[0]} cannot be installed without /usr/share/man/man1")
            elif not package:
                yield self._need(f"a variable says what is installed: {word.text}")


def _is_script(name: str, command: SimpleCommand) -> bool:
    return name in _SHELLS or name.endswith(".sh") or command.words[0].value.startswith(("./", "/"))


def _removes(text: str, match: re.Match[str]) -> bool:
    """Whether the folder is only emptied."""
    line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
    return re.search(r"\brm\s+-[a-zA-Z]*r|\bmkdir\b", line) is not None
