"""Which program the last command is: its name, language, what it runs, and the file of the context with that."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Command, Program, Start, Text, Unknown
from rewriter.model.project.compiled import sources_by_tsconfig
from rewriter.model.project.locate import Found, find_module, go_package, sources_of_script
from rewriter.model.project.options import option_value, positional
from rewriter.model.project.servers import SERVERS
from rewriter.model.project.sources import Sources, table
from rewriter.model.project.start import environment_of
from rewriter.model.stages import UNKNOWN_PART, Stage

_PYTHON: Final = re.compile(r"(?:python|pypy)[23]?(?:\.\d+)?\Z")
_PHP: Final = re.compile(r"php[578]?(?:\.\d)?\Z")
_FPM: Final = re.compile(r"php-fpm[578]?(?:\.\d)?\Z")
_PYTHON_VALUES: Final = names("-W -X --check-hash-based-pycs")
_NODE: Final = names(
    "node nodejs bun deno nodemon ts-node ts-node-dev tsx node-dev swc-node babel-node tsnd ts-node-esm"
)
_NODE_VALUES: Final = names(
    "-r --require --import --loader --experimental-loader --env-file --env-file-if-exists --watch-path --conditions -C "
    "--max-http-header-size --title --exec -x --watch -w --ext -e --ignore -i --delay -P --project --config "
    "--stack-size --max-old-space-size --preload"
)
_JAVA_VALUES: Final = names("-cp -classpath --class-path -p --module-path --add-opens --add-exports --add-modules")
_TWO_WORDS: Final = names(
    "next nuxt nuxi react-scripts ng vue-cli-service gatsby webpack nest fastify vite astro strapi flask fastapi "
    "streamlit chainlit celery rails"
)
_ALIASES: Final = {("rails", "s"): "server", ("ng", "s"): "serve"}
_ALWAYS: Final = names("vite nuxt nuxi astro strapi celery")
_NOT_SERVERS: Final = frozenset(
    {"next build", "nest build", "ng build", "vite build", "react-scripts build", "gatsby build", "astro build",
     "vue-cli-service build", "webpack build", "nuxt build", "nuxt generate"}
)  # fmt: skip


_TESTS: Final = names("pytest unittest nose2 tox nox jest vitest mocha cypress playwright rspec phpunit behave")


def runs_tests(program: Program) -> bool:
    """Whether a program is a test runner, which ends by itself."""
    return program.name in _TESTS or program.target.removeprefix("-m ") in _TESTS


def program_of(start: Start, sources: Sources) -> Program | Unknown:
    """The program that serves in the end."""
    command = start.commands[-1]
    if command.is_conditional:
        return Unknown(f"whether `{command.text}` runs depends on a condition")
    if command.unread:
        return Unknown(command.unread)
    program = _Reader(command, sources).read(posixpath.basename(command.words[0].value))
    return program._replace(variables=command.variables) if program else program


def up_to_server(start: Start, sources: Sources) -> Start:
    """The start without the commands behind the first that is sure to serve."""
    for number, command in enumerate(start.commands[:-1]):
        if not command.is_conditional and not command.unread:
            program = _Reader(command, sources).read(posixpath.basename(command.words[0].value))
            if program and program.name in SERVERS:
                return start._replace(commands=start.commands[: number + 1])
    return start


class _Reader:
    """Reads one command."""

    __slots__ = ("_command", "_folder", "_sources", "_words")

    def __init__(self, command: Command, sources: Sources) -> None:
        self._command: Final = command
        self._folder: Final = command.folder
        self._sources: Final = sources
        self._words: Final = command.words

    def read(self, name: str) -> Program | Unknown:
        if _PYTHON.match(name):
            return self._python(1)
        if name in ("manage.py", "django-admin"):
            return self._manage(0)
        if name in _NODE:
            return self._node(name)
        if name == "java":
            return self._java()
        if name == "dotnet":
            return self._dotnet()
        if name == "ruby" and len(self._words) > 1 and posixpath.basename(self._words[1].value) in ("rails", "puma"):
            return self._server(posixpath.basename(self._words[1].value), 1)
        if _PHP.match(name):
            return self._php()
        if name == "go":
            return self._go_run()
        if _FPM.match(name):
            return self._program("php-fpm", "php", 0)
        return self._server(name, 0)

    # Building the answer

    def _program(self, name: str, language: str, at: int, target: str = "", file: str = "", path: str = "") -> Program:
        return Program(name, language, target, file, path, self._words[at + 1 :], self._folder)

    def _path(self, name: str) -> str:
        return posixpath.normpath(posixpath.join(self._folder, name)) if self._folder or name.startswith("/") else ""

    def _find(self, name: str) -> Found:
        """A file by its name in the folder that the program runs in."""
        path = self._path(name) if name else ""
        origin = self._sources.origin(path) if path else ""
        return Found(origin, path if origin else "")

    def _origin(self, name: str) -> str:
        return self._find(name).file

    def _server(self, name: str, at: int) -> Program | Unknown:
        """A program with a row of its own, or one that the Dockerfile builds or copies."""
        rest = self._words[at + 1 :]
        if name == "celery":
            is_flower = any(word.value == "flower" for word in rest)
            return self._program("celery flower" if is_flower else "celery", "python", at)
        if name in _TWO_WORDS:
            return self._subcommand("nuxt" if name == "nuxi" else name, at)
        return self._serving(name, rest, at) if name in SERVERS else self._binary(name, at)

    def _subcommand(self, name: str, at: int) -> Program:
        """`next start`, `flask --app shop run`: options may stand in front of the subcommand."""
        rest = self._words[at + 1 :]
        known = [f"{name} {_ALIASES.get((name, word.value), word.value)}" for word in rest]
        for number, both in enumerate(known):
            if both in _NOT_SERVERS:
                return self._program(both, SERVERS[next(key for key in SERVERS if key.startswith(name))].language, at)
            if both in SERVERS:
                return self._serving(both, (*rest[:number], *rest[number + 1 :]), at)
        if name in _ALWAYS:
            return self._serving(name, rest, at)
        first = next((both for both, word in zip(known, rest, strict=True) if not word.value.startswith("-")), name)
        return self._program(first, "", at)

    def _serving(self, name: str, arguments: tuple[Text, ...], at: int) -> Program:
        """A server, with the file of what it is told to serve."""
        server = SERVERS[name]
        program = Program(name, server.language, arguments=arguments, folder=self._folder)
        if name == "flask run":
            return self._flask(program)
        if name == "nest start":
            found = self._script("/".join(filter(None, [self._folder, "dist/main.js"])), at)
            return found._replace(name=name, arguments=arguments)
        if not server.takes_file:
            return program
        values = server.ports | server.hosts | server.binds | server.values
        target = next(positional(arguments, values), None)
        text = (target.known or "") if target else ""
        if server.takes_file == "module" and text:
            folder = self._folder
            for option in ("--app-dir", "--chdir", "--working-dir"):
                if (value := option_value(arguments, option)) and value.known:
                    folder = posixpath.normpath(posixpath.join(folder, value.known))
            found_module = find_module(text.partition(":")[0], self._sources, [folder])
            return program._replace(target=text, file=found_module.file, path=found_module.path, folder=folder)
        found_file = self._find(text)
        return program._replace(target=text, file=found_file.file, path=found_file.path)

    def _flask(self, program: Program) -> Program:
        """https://flask.palletsprojects.com/en/stable/cli/#application-discovery"""
        own = option_value(self._words, "-A", "--app")
        named = own.value if own else environment_of(self._sources.stage, self._sources.states).get("FLASK_APP") or ""
        module = named.partition(":")[0].removesuffix(".py").replace("/", ".")
        for name in [module] if module else ["wsgi", "app"]:
            found = find_module(name, self._sources, [self._folder])
            if found.file:
                application = named.partition(":")[2]
                target = f"{name}:{application}" if application else name
                return program._replace(target=target, file=found.file, path=found.path)
        return program._replace(target=named)

    # Languages

    def _python(self, position: int) -> Program | Unknown:
        words = self._words
        while position < len(words) and (text := words[position].value).startswith("-"):
            if text == "-m" or (re.match(r"-[a-zA-Z]*m\Z", text) and not text.startswith("--")):
                return self._python_module(position + 1)
            if text == "-c":
                return self._program("python", "python", position, "-c")
            if text == "-":
                break
            position += 2 if text in _PYTHON_VALUES else 1
        if position >= len(words):
            return self._program("python", "python", len(words) - 1)
        script = words[position]
        if script.known is None:
            return Unknown(f"which script Python runs depends on {script.variables or ('something unknown',)}"[:80])
        name = posixpath.basename(script.value)
        if name == "manage.py":
            return self._manage(position)
        if posixpath.dirname(script.value).endswith("bin") and (name in SERVERS or name in _TWO_WORDS):
            return self._server(name, position)
        return self._program("python", "python", position, script.value, *self._find(script.value))

    def _python_module(self, position: int) -> Program | Unknown:
        if position >= len(self._words):
            return Unknown("python -m names no module")
        name = self._words[position].value
        if name in ("flask", "fastapi", "streamlit", "celery", "chainlit") or name in SERVERS:
            return self._server(name, position)
        if name == "streamlit.web.cli":
            return self._server("streamlit", position)
        folder = self._folder
        found = find_module(f"{name}.__main__", self._sources, [folder])
        found = found if found.file else find_module(name, self._sources, [folder])
        return self._program("python", "python", position, f"-m {name}", *found)

    def _manage(self, position: int) -> Program | Unknown:
        rest = self._words[position + 1 :]
        action = rest[0].value if rest else ""
        written = self._words[position].value
        name = "runserver" if action in ("runserver", "runserver_plus") else f"manage.py {action}".strip()
        return Program(name, "python", written, *self._find(written), rest[1:], self._folder)

    def _node(self, name: str) -> Program | Unknown:
        words = list(self._words[1:])
        number = 1
        while words and (words[0].value.startswith("-") or (name in ("bun", "deno", "tsx") and words[0].value in
                                                            ("run", "watch"))):  # fmt: skip
            option = words.pop(0).value
            number += 1
            if option in ("-e", "--eval", "-p", "--print") and name == "node":
                return self._program("node", "javascript", number, "-e")
            if option in _NODE_VALUES and not (option in ("-w", "--watch", "-e") and name in ("node", "tsx")) and words:
                words.pop(0)
                number += 1
        if not words:
            return self._program("node", "javascript", len(self._words) - 1) if name != "nodemon" else self._main()
        if words[0].known is None:
            return Unknown("which script Node runs is not known")
        script = words[0].value
        inner = re.fullmatch(
            r"(?:.*/)?node_modules/(?:\.bin/|(?:[\w@.-]+/)+?(?:bin|dist|cli)/)([\w-]+?)(?:\.[cm]?js)?", script
        )
        if inner and (inner[1] in SERVERS or inner[1] in _TWO_WORDS):
            return self._server(inner[1], number)
        return self._script(script, number)

    def _main(self) -> Program | Unknown:
        """`nodemon` alone runs what package.json names as main."""
        origin = self._origin("package.json")
        package = self._sources.json(origin) if origin else Unknown("package.json is not in the build context")
        if isinstance(package, Unknown):
            return package
        main = str(package.get("main") or "index.js")
        return self._script(main, len(self._words) - 1)

    def _script(self, name: str, at: int) -> Program:
        """A script of Node: its own file, or the source that an earlier stage compiles it from."""
        program = self._program("node", "javascript", at, name)
        path = self._path(name)
        for place in self._sources.places(path) if path else ():
            inner = self._sources.within(place.stage)
            workdir = self._sources.states.at_end(place.stage).workdir
            for candidate in (*sources_of_script(place.path, workdir), *sources_by_tsconfig(place.path, inner)):
                if origin := inner.origin(candidate):
                    stage = -1 if place.stage is self._sources.stage else place.stage.index
                    return program._replace(file=origin, path=candidate, stage=stage)
        return program

    def _java(self) -> Program | Unknown:
        words = self._words
        position = 1
        while position < len(words):
            text = words[position].value
            if text == "-jar":
                target = words[position + 1].value if position + 1 < len(words) else ""
                return self._program(
                    "java", "java", position + 1, target.replace(UNKNOWN_PART, "?"), path=self._path(target)
                )
            if not text.startswith("-") and UNKNOWN_PART not in text:
                return self._program("java", "java", position, text)
            position += 2 if text in _JAVA_VALUES else 1
        return Unknown("what java runs is not known")

    def _dotnet(self) -> Program | Unknown:
        second = next((word for word in self._words[1:] if not word.value.startswith("-")), Text(""))
        if second.value in ("run", "watch"):
            return self._program("dotnet run", "csharp", 1, self._folder)
        return self._program("dotnet", "csharp", 1, second.value, path=self._path(second.value))

    def _php(self) -> Program | Unknown:
        words = [word.value for word in self._words]
        if "-S" in words:
            return self._program("php -S", "php", words.index("-S") - 1)
        if len(words) > 2 and posixpath.basename(words[1]) == "artisan":
            name = "artisan serve" if words[2] == "serve" else f"artisan {words[2]}"
            return self._program(name, "php", 2, words[1])
        script = next((word for word in words[1:] if not word.startswith("-")), "")
        return self._program("php", "php", 1, script, self._origin(script) if script else "")

    def _go_run(self) -> Program | Unknown:
        if len(self._words) < 2 or self._words[1].value != "run":
            return self._program("go", "go", 0)
        package = next((word.value for word in self._words[2:] if not word.value.startswith("-")), ".")
        path = self._path(package)
        return self._program("go run", "go", 1, package, self._go_folder(path, self._sources.stage), path)

    # Programs that the Dockerfile builds

    def _binary(self, name: str, at: int) -> Program | Unknown:
        written = self._words[at].value
        path = self._path(written) if "/" in written else f"/usr/local/bin/{written}"
        origin = self._sources.origin(path) if path else ""
        if origin:
            language = {"py": "python", "js": "javascript", "rb": "ruby"}.get(origin.rpartition(".")[2], "")
            language = language or self._interpreter(origin)
            return self._program(written, language, at, written, origin, path)
        for candidate in [path] if "/" in written else self._on_path(written):
            if built := self._built(candidate, at):
                return built
        console = self._console_script(name)
        return self._program(name, *console[:1], at, *console[1:]) if console else self._program(name, "", at)

    def _interpreter(self, origin: str) -> str:
        text = self._sources.read(origin)
        line = text[:100].split("\n")[0] if isinstance(text, str) else ""
        return "python" if "python" in line else "javascript" if "node" in line else ""

    def _on_path(self, name: str) -> Iterator[str]:
        path = environment_of(self._sources.stage, self._sources.states).get("PATH") or ""
        for folder in dict.fromkeys(
            [*filter(None, path.split(":")[:20]), "/usr/local/bin", "/go/bin", "/usr/bin", "/bin"]
        ):
            if folder.startswith("/"):
                yield posixpath.join(folder, name)

    def _built(self, path: str, at: int) -> Program | None:
        """A Go binary: the RUN of an earlier stage that builds it tells from which package."""
        for place in self._sources.places(path) if path else ():
            for run in self._sources.runs(place.stage):
                if "go " not in run.view.text and not run.heredocs:
                    continue
                folder = self._sources.states.at(run).workdir
                for command in run.script.simple_commands():
                    if command.name == "cd" and len(command.words) > 1:
                        folder = posixpath.normpath(posixpath.join(folder, command.words[1].value))
                    package = go_package(command, folder, place.path)
                    if package:
                        source = self._go_folder(package, place.stage)
                        program = self._program(self._words[at].value, "go", at, package, source, package)
                        return program._replace(stage=place.stage.index)
        return None

    def _go_folder(self, path: str, stage: Stage) -> str:
        """The folder of the context with the sources of a package; a dot for the context itself."""
        path = posixpath.dirname(path) if path.endswith(".go") else path
        origin = self._sources.within(stage).origin_of_package(path, ".go") if path else None
        return "" if origin is None else origin or "."

    def _console_script(self, name: str) -> tuple[str, str, str, str] | None:
        """A program that pyproject.toml declares."""
        for origin in dict.fromkeys([self._origin("pyproject.toml"), "pyproject.toml"]):
            settings = self._sources.toml(origin) if origin else Unknown("")
            if isinstance(settings, Unknown):
                continue
            scripts = {**table(settings, "tool", "poetry", "scripts"), **table(settings, "project", "scripts")}
            target = scripts.get(name)
            if isinstance(target, str):
                return "python", target, *find_module(target.partition(":")[0], self._sources, [self._folder])
        return None
