"""What package managers read: the sets of manifests, and what is known of them from the Dockerfile alone."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from rewriter.model.context.build_context import BuildContext
from rewriter.model.installing.manifests import Needs, NotMovableError, is_manifest, needed_files, needs_of
from rewriter.model.installing.stage_installs import StageInstalls
from rewriter.model.stages import StageGraph
from rewriter.model.state import States
from rewriter.syntax.parser import parse


def needs(command: str, files: Mapping[str, str], setup: str = "") -> Needs:
    dockerfile = parse(f"FROM python:3.12\nWORKDIR /app\n{setup}COPY . .\nRUN {command}\n")
    context = BuildContext.of_list(list(files)).with_texts(files)
    graph = StageGraph(dockerfile)
    (install, *_) = StageInstalls(graph.stages[0], States(graph), context).installs
    assert install.project is not None
    return needs_of(install.project)


def names(command: str, files: Mapping[str, str], setup: str = "") -> list[str]:
    found = needs(command, files, setup)
    return [path.removeprefix("/app/") for path in (*found.files, *found.folders)]


PACKAGE = {"package.json": "{}"}


@pytest.mark.parametrize(
    ("command", "files", "expected"),
    [
        ("npm ci", {**PACKAGE, "package-lock.json": "", ".npmrc": "", "yarn.lock": ""},
         ["package.json", "package-lock.json", ".npmrc"]),
        ("npm --prefix web install", {"web/package.json": "{}", "package.json": "{}"}, ["web/package.json"]),
        ("yarn", {**PACKAGE, "yarn.lock": "", ".yarnrc": ""}, ["package.json", "yarn.lock", ".yarnrc"]),
        ("corepack pnpm i", {**PACKAGE, "pnpm-lock.yaml": "", ".pnpmfile.cjs": ""},
         ["package.json", "pnpm-lock.yaml", ".pnpmfile.cjs"]),
        ("bun install", {**PACKAGE, "bun.lockb": ""}, ["package.json", "bun.lockb"]),
        ("npm i", {"package.json": '{"dependencies": {"patch-package": "8"}}', "patches/a.patch": ""},
         ["package.json", "patches"]),
        ("npm i", {**PACKAGE, "yarn.lock": "", "pnpm-lock.yaml": ""}, ["package.json", "yarn.lock"]),
        ("npm i", {"package.json": '{"dependencies": {"a": "~1.2", "b": "https://a.org/b.tgz", "c": "u/c.js"}}'},
         ["package.json"]),
        ("npm i", {"package.json": '{"dependencies": {"a": "1"}}',
                   "package-lock.json": '{"packages": {"": {"dependencies": {"a": "1"}}}}'},
         ["package.json", "package-lock.json"]),
        ("yarn", {"package.json": '{"scripts": {"dependencies": "node a.js"}}', ".yarnclean": ""},
         ["package.json", ".yarnclean"]),
        ("bun i", {**PACKAGE, "package-lock.json": ""}, ["package.json", "package-lock.json"]),
        ("bun i", {**PACKAGE, "package-lock.json": "", "bun.lock": ""}, ["package.json", "bun.lock"]),
        ("npm i", {"package.json": '{"scripts": {"prepare": "patch-package"}}', "patches/a.patch": ""},
         ["package.json", "patches"]),
        ("npm i", {"package.json": '{"scripts": {"prepare": "prisma generate"}}', "prisma/schema.prisma": ""},
         ["package.json", "prisma"]),
        ("npm i", {**PACKAGE, "puppeteer.config.cjs": "", ".puppeteerrc": ""},
         ["package.json", "puppeteer.config.cjs", ".puppeteerrc"]),
        ("gradle dependencies", {"build.gradle": "jar { includeEmptyDirs = false }", "settings.gradle": "a = 'b'"},
         ["build.gradle", "settings.gradle"]),
        ("pip install -r a.txt -c c.txt", {"a.txt": "-rb.txt\n", "b.txt": "flask # -r no.txt\n", "c.txt": ""},
         ["a.txt", "b.txt", "c.txt"]),
        ("python3 -m pip install -r deps/a.txt", {"deps/a.txt": "--requirement=../b.txt\n", "b.txt": ""},
         ["deps/a.txt", "b.txt"]),
        ("pip install -r a.txt", {"a.txt": "https://a/x.zip\ngit+https://a/y\n"},
         ["a.txt"]),
        ("uv pip install --system -r a.txt", {"a.txt": "", "pyproject.toml": "[tool.uv]\n", "uv.toml": ""},
         ["a.txt", "uv.toml", "pyproject.toml"]),
        ("bundle install --gemfile=gems/Gemfile", {"gems/Gemfile": "gem 'a'\n", "gems/Gemfile.lock": ""},
         ["gems/Gemfile", "gems/Gemfile.lock"]),
        ("bundle", {"Gemfile": "gem 'a'\n", ".bundle/config": ""}, ["Gemfile", ".bundle/config"]),
        ("composer install", {"composer.json": "{}", "composer.lock": "{}", "auth.json": "{}"},
         ["composer.json", "composer.lock", "auth.json"]),
        ("go mod download", {"go.mod": "module x\nreplace a => a.org/b v1\n", "go.sum": ""}, ["go.mod", "go.sum"]),
        ("dotnet restore a/A.csproj", {"a/A.csproj": r'<ProjectReference Include="..\b\B.csproj" />', "b/B.csproj": "",
                                       "a/packages.lock.json": "", "Directory.Build.props": "", "c/C.csproj": ""},
         ["a/A.csproj", "a/packages.lock.json", "b/B.csproj", "Directory.Build.props"]),
        ("mvn dependency:go-offline -B", {"pom.xml": "<packaging>pom</packaging><module>a</module>", "a/pom.xml": ""},
         ["pom.xml", "a/pom.xml"]),
        ("./gradlew dependencies", {"gradlew": "", "build.gradle": "", "gradle/libs.versions.toml": ""},
         ["gradlew", "build.gradle", "gradle"]),
    ],
)  # fmt: skip
def test_everything_that_is_read(command: str, files: Mapping[str, str], expected: list[str]) -> None:
    assert sorted(names(command, files)) == sorted(expected)


@pytest.mark.parametrize(
    ("command", "files", "reason"),
    [
        ("npm ci", PACKAGE, "package-lock.json is not in the build context"),
        ("npm i", {"package.json": "{"}, "package.json cannot be understood"),
        ("npm i", {"package.json": '{"dependencies": {"a": "link:../a"}}'}, "a comes from a folder of the project"),
        ("npm i", {"package.json": '{"dependencies": {"a": "a-1.tgz"}}'}, "a comes from a folder of the project"),
        ("npm i", {"package.json": '{"dependencies": {"a": ".."}}'}, "a comes from a folder of the project"),
        ("npm i", {"package.json": '{"overrides": {"a": {"b": {"c": "file:c"}}}}'},
         "c comes from a folder of the project"),
        ("npm i", {"package.json": '{"scripts": {"dependencies": "node a.js"}}'},
         "the install runs the script `dependencies`, which may need the sources: node a.js"),
        ("npm i", {"package.json": '{"devDependencies": {"a": "1"}}',
                   "package-lock.json": '{"packages": {"": {"name": "x"}}}'},
         "package-lock.json is out of date, and the install changes it"),
        ("yarn", {**PACKAGE, ".npmrc": "yarn-offline-mirror=./m\n"}, ".npmrc names a folder of packages"),
        ("pnpm i", {**PACKAGE, "pnpm-workspace.yaml": "overrides:\n  a: 'link:./a'\n"},
         "pnpm-workspace.yaml names folders of the project"),
        ("npm i", {**PACKAGE, ".puppeteerrc.cjs": "module.exports = require('./a');\n"},
         ".puppeteerrc.cjs imports other files of the project"),
        ("npm i", {"package.json": '{"scripts": {"prepare": "prisma generate"}}',
                   "prisma.config.ts": "x({ schema: place })"},
         "where the Prisma schema is cannot be understood"),
        ("npm i", {**PACKAGE, "binding.gyp": ""}, "binding.gyp makes the install compile the sources"),
        ("npm i -w web", PACKAGE, "`-w` changes what npm reads"),
        ("pnpm i", {**PACKAGE, "pnpm-workspace.yaml": "packages:\n  - web\n"},
         "pnpm-workspace.yaml has packages, whose manifests the install reads"),
        ("yarn", {"package.json": '{"packageManager": "yarn@4.1.0"}'}, "Yarn's Plug'n'Play writes into the project"),
        ("pip install -r a.txt", {"a.txt": "./wheels/x.whl\n"}, "a.txt installs from a folder: ./wheels/x.whl"),
        ("pip install -r a.txt", {"a.txt": "x @ file:///x\n"}, "a.txt installs from a folder: x @ file:///x"),
        ("pip install -r a.txt", {"a.txt": "-f wheels\n"}, "a.txt installs from a folder: -f wheels"),
        ("pip install -r a.txt", {"a.txt": "-e git+https://a/b#egg=b\n"},
         "a.txt installs from a folder: -e git+https://a/b#egg=b"),
        ("pip install -r a.txt", {"a.txt": "-r b.txt\n"}, "b.txt is not in the build context"),
        ("pip install -r a.txt -t lib", {"a.txt": ""}, "`-t` changes what pip reads"),
        ("uv sync", {"pyproject.toml": "[tool.uv.workspace]\nmembers = ['a']\n"},
         "pyproject.toml has a workspace, whose members uv reads"),
        ("uv sync --locked", {"pyproject.toml": ""}, "uv.lock is not in the build context"),
        ("poetry install", {"pyproject.toml": "[tool.poetry.dependencies]\na = {path = '../a'}\n"},
         "a comes from a folder of the project"),
        ("pipenv sync", {"Pipfile": "[packages]\na = {path = '.'}\n"}, "a comes from a folder of the project"),
        ("bundle install", {"Gemfile": "gem 'a', path: 'a'\n"}, "the Gemfile takes a gem from a folder of the project"),
        ("bundle install", {"Gemfile": "eval_gemfile 'b'\n"}, "the Gemfile reads other files"),
        ("bundle install", {"Gemfile": "gem 'a'\n", "Gemfile.lock": "PLATFORMS\n  arm64-darwin-22\n\nX\n"},
         "Gemfile.lock is for arm64-darwin-22 only: the install changes it"),
        ("composer install", {"composer.json": '{"repositories": [{"type": "path", "url": "a"}]}'},
         "a package comes from a folder of the project"),
        ("go mod download", {"go.mod": "", "vendor/modules.txt": ""}, "the modules are in the folder vendor"),
        ("go mod download", {"go.mod": "", "go.work": ""}, "go.work makes other folders part of it"),
        ("dotnet restore", {"A.csproj": '<Import Project="$(X)/y.props" />'},
         "A.csproj names a file by a property: $(X)/y.props"),
        ("dotnet restore", {"A.csproj": "",
                            "nuget.config": "<packageSources><add key='a' value='b' /></packageSources>"},
         "nuget.config names a folder of packages"),
        ("dotnet restore a.sln", {"a.sln": '"w.esproj"', "w.esproj": ""}, "w.esproj installs with npm as well"),
        ("gradle dependencies", {"build.gradle": "", "settings.gradle": "a = 1; include 'x'"},
         "settings.gradle names other parts of the project"),
        ("gradle dependencies", {"build.gradle": "", "settings.gradle": "includeFlat 'x'"},
         "settings.gradle names other parts of the project"),
        ("gradle dependencies", {"build.gradle.kts": 'version = File("V").readText()'},
         "build.gradle.kts names other parts of the project"),
        ("./gradlew dependencies", {"gradlew": "", "build.gradle": "", "buildSrc/build.gradle": ""},
         "buildSrc holds sources of the build itself"),
    ],
)  # fmt: skip
def test_what_reads_more_stays_where_it_is(command: str, files: Mapping[str, str], reason: str) -> None:
    with pytest.raises(NotMovableError) as error:
        needs(command, files)
    assert str(error.value) == reason


def test_scripts_of_an_install_that_need_nothing_else_are_fine() -> None:
    for script in ("husky", "husky install || true", "prisma generate", "patch-package && ngcc", "npx only-allow pnpm"):
        assert names("npm i", {"package.json": json.dumps({"scripts": {"prepare": script}})}) == ["package.json"]
    for script in ("node setup.js", "husky && node setup.js", "tsc"):
        with pytest.raises(NotMovableError, match="may need the sources"):
            needs("npm i", {"package.json": json.dumps({"scripts": {"prepare": script}})})
        assert needs("npm i --ignore-scripts", {"package.json": json.dumps({"scripts": {"prepare": script}})})


def test_what_an_install_fills() -> None:
    assert needs("npm i", PACKAGE).fills == ("/app/node_modules",)
    assert needs("pip install -r a.txt", {"a.txt": ""}).fills == ()
    env = "ENV VIRTUAL_ENV=/app/env\nENV PATH=$VIRTUAL_ENV/bin:$PATH\n"
    assert needs("pip install -r a.txt", {"a.txt": ""}, env).fills == ("/app/env",)
    assert needs("bundle install --path gems", {"Gemfile": ""}).fills == ("/app/gems", "/app/.bundle")


def test_the_project_itself_is_installed_below() -> None:
    package = {"pyproject.toml": "[build-system]\nrequires = []\n"}
    assert needs("uv sync", package)[3:] == ("--no-install-project", ("",))
    assert needs("uv sync --no-install-project", package)[3:] == ("", ())
    assert needs("uv sync", {"pyproject.toml": "[project]\n"})[3:] == ("", ())
    assert needs("poetry install", {"pyproject.toml": ""})[3:] == ("--no-root", ("",))
    assert needs("poetry install", {"pyproject.toml": "[tool.poetry]\npackage-mode = false\n"})[3:] == ("", ())
    command = "php /usr/bin/composer.phar install -o --no-dev --no-scripts --prefer-dist"
    assert needs(command, {"composer.json": "{}"})[3:] == (
        "--no-autoloader",
        ("php /usr/bin/composer.phar dump-autoload --optimize --no-dev --no-scripts",),
    )


def test_a_program_of_the_project_goes_along() -> None:
    assert names("php composer.phar install", {"composer.json": "{}", "composer.phar": ""})[0] == "composer.phar"
    assert (
        names("php bin/composer install -d api", {"api/composer.json": "{}", "bin/composer": ""})[0] == "bin/composer"
    )


def test_options_that_name_other_files_are_in_the_way() -> None:
    with pytest.raises(NotMovableError, match="`--cache` names npm-cache"):
        needs("npm install --cache ./npm-cache", {**PACKAGE, "npm-cache/x": ""})
    assert names("npm install --cache /tmp/npm", PACKAGE) == ["package.json"]
    assert names("pip install flask -c limits.txt", {"limits.txt": ""}) == ["limits.txt"]


def test_variables_that_name_other_files_are_in_the_way() -> None:
    with pytest.raises(NotMovableError, match="PIP_CONSTRAINT changes what pip reads"):
        needs("pip install -r a.txt", {"a.txt": ""}, "ENV PIP_CONSTRAINT=/c.txt\n")
    with pytest.raises(NotMovableError, match="NODE_OPTIONS loads a file"):
        needs("npm i", PACKAGE, "ENV NODE_OPTIONS='--require ./tracing.js'\n")
    with pytest.raises(NotMovableError, match="GOFLAGS changes what go reads"):
        needs("go mod download", {"go.mod": ""}, "ENV GOFLAGS=-mod=vendor\n")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("requirements-dev.txt", True), ("dev-requirements.txt", True), ("package.json", True), ("app.py", False),
     ("NuGet.Config", True), ("Web.csproj", True), ("main.go", False), ("go.sum", True), ("readme.txt", False)],
)  # fmt: skip
def test_manifests_are_known_by_name(name: str, expected: bool) -> None:
    assert is_manifest(name) == expected


def test_the_file_itself_says_which_manifests_it_needs() -> None:
    text = """\
FROM node:20 AS web
WORKDIR /web
COPY web/ .
RUN npm ci && npm run build
FROM python:3.12
WORKDIR /srv
COPY . .
RUN apt-get update && cd api && pip install -r requirements.txt
COPY --from=web /web/dist ./static
RUN pip install flask && pip install -r $OTHER
RUN ["npm", "ci"]
"""
    found = list(needed_files(parse(text)))
    assert found[:2] == ["web/package.json", "api/requirements.txt"]


def test_nothing_is_needed_of_an_unknown_folder() -> None:
    assert list(needed_files(parse("FROM node:20\nCOPY . $APP\nRUN cd $APP && npm ci\n"))) == []
    assert list(needed_files(parse("FROM node:20\nWORKDIR /a\nCOPY src /a/src\nRUN npm ci\n"))) == []
