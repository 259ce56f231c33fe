"""What a project is as a whole: manifests, what is not known, hostile input, and how fixers get at it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rewriter.fixing.facts import Facts
from rewriter.model.context.build_context import BuildContext
from rewriter.model.project import Project, trees
from rewriter.model.project.answers import Packages, Port, Script, Unknown
from rewriter.model.project.sources import LARGEST, MOST_FILES
from rewriter.syntax.parser import parse
from tests.inline_project import NODE, PYTHON, context_of, project_of, started

QUESTIONS = (
    "start",
    "program",
    "processes",
    "language",
    "framework",
    "dependencies",
    "packages",
    "build_script",
    "port",
    "address",
    "exposed",
    "is_worker",
    "findings",
    "routes",
    "health_route",
    "serves_root",
    "gates",
    "writes",
)


def answers(project: Project) -> dict[str, object]:
    return {question: getattr(project, question) for question in QUESTIONS}


# Manifests


@pytest.mark.parametrize(
    ("run", "files", "expected"),
    [
        ("pip install -r requirements.txt", {"requirements.txt": "flask\n"}, Packages("pip", "requirements.txt")),
        ("uv sync --frozen", {"pyproject.toml": "", "uv.lock": ""}, Packages("uv", "pyproject.toml", "uv.lock")),
        (
            "poetry install",
            {"pyproject.toml": "", "poetry.lock": ""},
            Packages("poetry", "pyproject.toml", "poetry.lock"),
        ),
        (
            "npm ci",
            {"package.json": "{}", "package-lock.json": "{}"},
            Packages("npm", "package.json", "package-lock.json"),
        ),
        ("yarn", {"package.json": "{}", "yarn.lock": ""}, Packages("yarn", "package.json", "yarn.lock")),
        ("pnpm i", {"package.json": "{}", "pnpm-lock.yaml": ""}, Packages("pnpm", "package.json", "pnpm-lock.yaml")),
        ("npm install", {"package.json": "{}"}, Packages("npm", "package.json")),
    ],
)
def test_who_installs_the_dependencies(run: str, files: dict[str, str], expected: Packages) -> None:
    assert project_of(f"{NODE}RUN {run}\nCMD x\n", files).packages == expected


@pytest.mark.parametrize(
    ("script", "files", "output"),
    [
        ("vite build", {}, "dist"),
        ("tsc && vite build --outDir ../web", {}, "../web"),
        ("next build", {}, ".next"),
        ("tsc -p .", {"tsconfig.json": '{\n  // where\n  "compilerOptions": {"outDir": "./lib"}\n}'}, "lib"),
        ("node build.js", {}, ""),
    ],
)
def test_the_build_script_and_its_folder(script: str, files: dict[str, str], output: str) -> None:
    files = {"package.json": json.dumps({"scripts": {"build": script}}), **files}
    text = f"{NODE.replace('slim', 'slim AS build')}RUN npm run build\nFROM nginx\nCOPY --from=build /app/dist /srv\n"
    assert project_of(text, files).build_script == Script("build", script, output)


@pytest.mark.parametrize(
    ("command", "files", "framework"),
    [
        ("uvicorn a:b", {"requirements.txt": "fastapi==0.1\nuvicorn\n"}, "FastAPI"),
        ("gunicorn a:b", {"requirements.txt": "-r base.txt\ngunicorn\n", "base.txt": "Django>=4\ncelery\n"}, "Django"),
        ("gunicorn a:b", {"pyproject.toml": '[project]\ndependencies = ["Flask[async]>=2"]\n'}, "Flask"),
        ("gunicorn a:b", {"pyproject.toml": '[tool.poetry.dependencies]\nflask = "^2"\n'}, "Flask"),
        ("gunicorn a:b", {"Pipfile": '[packages]\nflask = "*"\n'}, "Flask"),
        ("uvicorn a:b", {"requirements.txt": "flask\nfastapi\n"}, "FastAPI"),
        ("gunicorn a:b", {"requirements/prod.txt": "flask\n", "requirements/dev.txt": "django\n"}, "Flask"),
        ("node x.js", {"package.json": '{"dependencies": {"express": "4", "socket.io": "4"}}'}, "Express"),
        ("node x.js", {"package.json": '{"dependencies": {"@nestjs/core": "4", "express": "4"}}'}, "Nest"),
    ],
)
def test_dependencies_tell_the_framework_where_sources_cannot_be_read(
    command: str, files: dict[str, str], framework: str
) -> None:
    assert project_of(f"{PYTHON}CMD {command}\n", files, ("a.py", "x.js")).framework == framework


def test_frameworks_that_exclude_each_other() -> None:
    project = project_of(f"{PYTHON}CMD gunicorn a:b\n", {"requirements.txt": "flask\nfastapi\n"}, ("a.py",))
    assert project.framework == Unknown("several frameworks: FastAPI, Flask")


def test_packages_that_a_run_names_count() -> None:
    assert project_of(f"{PYTHON}RUN pip install flask==2\nCMD python a.py\n", listed=("a.py",)).framework == "Flask"


# Small applications


APPLICATIONS = Path(__file__).parent / "e2e" / "apps"


@pytest.mark.parametrize(
    ("name", "commands", "port", "framework"),
    [
        ("fastapi", ["uvicorn main:app --host 0.0.0.0"], 8000, "FastAPI"),
        ("go", ["./hello"], 8080, "net/http"),
        ("npm", ["node server.js"], 3000, "Express"),
        ("poetry", ["report"], 0, ""),
        ("python-user", ["flask run --port 5000"], 5000, "Flask"),
        ("requirements-folder", ["python -m shop"], 0, ""),
        ("uv-package", ["greet"], 0, ""),
        ("yarn", ["node months.js"], 0, ""),
    ],
)
def test_the_applications_that_are_built(name: str, commands: list[str], port: int, framework: str) -> None:
    folder = APPLICATIONS / name
    facts = Facts(
        parse((folder / "Dockerfile").read_bytes()), lambda: BuildContext(str(folder), dockerfile="Dockerfile")
    )
    project = facts.project_of(facts.graph.stages[-1])
    assert started(project) == commands
    assert (project.port.number if project.port else 0, project.framework or "") == (port, framework)
    assert project.findings
    assert project.findings.files


# What is not known


def test_without_a_context_the_dockerfile_still_tells() -> None:
    states = Facts(parse(f"{PYTHON}RUN pip install fastapi\nCMD uvicorn a:b --port 80\n"), lambda: BuildContext(None))
    project = states.project_of(states.graph.stages[-1])
    assert (project.port, project.framework, project.language) == (Port(80), "FastAPI", "python")
    assert not project.routes
    assert not project.writes


def test_unknown_is_false_and_says_why() -> None:
    assert not Unknown("why")
    assert Unknown("why").reason == "why"
    assert Unknown("a") == Unknown("a") != Unknown("b")


def test_without_the_grammars_the_answer_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "_parser", lambda _: None)
    project = project_of(f"{NODE}CMD node a.js\n", {"a.js": "app.listen(1)"})
    assert project.routes == Unknown(trees.MISSING)
    assert project.program


# Hostile input


HOSTILE = {
    "a syntax error": "def (:\n",
    "no text": "a\0b",
    "invalid UTF-8": "x = '\udcff'\n",
    "deep parentheses": f"x = {'(' * 5_000}1{')' * 5_000}\n",
    "deep lists": f"x = {'[' * 90}1{']' * 90}\n",
    "a long sum": f"x = {'1+' * 20_000}1\nopen(x, 'w')\n",
    "a long chain of attributes": f"x = a{'.b' * 20_000}\nx{'.c' * 3_000}()\n",
    "a long or": f"x = {'a or ' * 20_000}b\nopen(x, 'w')\n",
    "nested blocks": "".join(f"{' ' * depth}if x:\n" for depth in range(90)) + " " * 90 + "y()\n",
    "a long decorator": f"import flask\nx = flask.Flask('')\n@x.get('/')\n@a{'.b' * 20_000}\ndef f(): ...\n",
    "nothing": "",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("kind", ["main.py", "main.js", "main.ts", "main.go", "run.sh", "package.json"])
def test_whatever_sources_hold_there_is_an_answer(text: str, kind: str) -> None:
    commands = {"main.py": "python main.py", "run.sh": "./run.sh", "package.json": "npm start"}
    base = "FROM golang:1\nWORKDIR /app\nCOPY . .\nRUN go build -o /m .\n" if kind == "main.go" else PYTHON
    command = "/m" if kind == "main.go" else commands.get(kind, f"node {kind}")
    project = project_of(f"{base}CMD {command}\n", {kind: text})
    assert set(answers(project)) == set(QUESTIONS)


def test_other_deep_nesting() -> None:
    deep = {
        "main.js": "a(" * 3_000 + ")" * 3_000 + ";x" + "[0]" * 3_000 + "=`" + "${`" * 500 + "`}" * 500 + "`",
        "package.json": json.dumps({"scripts": {"start": "(" * 500 + "node main.js" + ")" * 500}}),
    }
    assert answers(project_of(f"{NODE}CMD node main.js\n", deep))
    assert not project_of(f"{NODE}CMD npm start\n", deep).program
    assert answers(project_of(f"{NODE}CMD npm start\n", {"package.json": '{"scripts":' * 5_000}))


def test_large_files_are_not_read() -> None:
    project = project_of(f"{PYTHON}CMD python main.py\n", {"main.py": "#" * (LARGEST + 1)})
    assert project.routes == Unknown("main.py is too large to be read")


def test_the_number_of_files_is_bounded() -> None:
    files = {f"m{number}.py": f"import m{number + 1}\n" for number in range(MOST_FILES + 50)}
    project = project_of(f"{PYTHON}CMD python m0.py\n", files)
    assert project.findings
    assert project.findings.unread == ("the project has more modules than are read",)


@pytest.mark.parametrize("count", [2, 4])
def test_the_cost_is_linear_in_routers_that_include_each_other(count: int) -> None:
    lines = ["from fastapi import FastAPI, APIRouter", "app = FastAPI()"]
    lines += [f"r{number} = APIRouter()" for number in range(30)]
    lines += [f"app.include_router(r{number})" for number in range(30)]
    lines += [f"r{one}.include_router(r{other}, prefix='/a')" for one in range(30) for other in range(30)] * count
    lines += [f"@r{number}.get('/x')\ndef f(): ..." for number in range(30)]
    begun = time.perf_counter()
    assert project_of(f"{PYTHON}CMD uvicorn main:app\n", {"main.py": "\n".join(lines)}).routes
    assert time.perf_counter() - begun < 5


# How fixers get at it


def test_a_fixer_gets_the_project_of_its_stage() -> None:
    text = "FROM python:3.11 AS a\nCMD python a.py\nFROM python:3.11\nCMD python b.py\n"
    facts = Facts(parse(text), lambda: context_of({"a.py": "", "b.py": ""}))
    first, last = (stage.from_ for stage in facts.graph.stages)
    found = [facts.answer(Project, node) for node in (first, last, None)]
    assert [one.program.target for one in found if isinstance(one, Project) and one.program] == ["a.py", "b.py", "b.py"]
    assert found[1] is found[2]


def test_asking_for_nothing_reads_nothing() -> None:
    def refuse() -> BuildContext:
        raise AssertionError("the context was looked for")

    facts = Facts(parse(f"{PYTHON}CMD python main.py\n"), refuse)
    assert isinstance(facts.answer(Project, None), Project)


def test_the_module_that_fixers_import_loads_no_parsers() -> None:
    code = "import sys, rewriter.fixing.facts; print([m for m in sys.modules if m.startswith(('rewriter.model.project.', 'ast', 'tree_sitter'))])"  # noqa: E501
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
