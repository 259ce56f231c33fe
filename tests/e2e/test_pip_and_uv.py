"""pip and uv install the same: some of the requirement sets, and the Pythons that a RUN may mean."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixers.pip_install import install_with_uv
from rewriter import engine
from rewriter.model.context.build_context import BuildContext
from scripts.pip_and_uv import compare, load_sets, second_index
from tests.e2e.docker import build, namespace, run

pytestmark = pytest.mark.e2e

SETS = {one.name: one for one in load_sets()}
PROJECT = {
    "pyproject.toml": """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "greeting"
version = "1"
dependencies = ["toolz"]

[project.scripts]
greet = "greeting:main"

[tool.setuptools]
py-modules = ["greeting"]
""",
    "greeting.py": "import toolz\n\n\ndef main() -> None:\n    print('hello from', toolz.__version__)\n",
    "requirements.txt": "toolz==1.0.0\n",
}
RUNS = {
    "the official image's Python": """\
FROM python:3.11-slim
WORKDIR /app
COPY . .
RUN pip install -r requirements.txt && pip install .
""",
    "an upgrade of pip first, the cache cleaned up": """\
FROM python:3.11
WORKDIR /app
COPY . .
RUN pip install -U pip
RUN pip install -r requirements.txt . && rm -rf /root/.cache
""",
    "an editable install": """\
FROM python:3.11-slim
WORKDIR /app
COPY . .
RUN pip install -e . -c requirements.txt
""",
    "a virtual environment on PATH": """\
FROM python:3.11-slim
WORKDIR /app
COPY . .
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
RUN pip install -r requirements.txt .
""",
    "a virtual environment by its path": """\
FROM python:3.11-slim
WORKDIR /app
COPY . .
RUN python -m venv .venv && .venv/bin/pip install -r requirements.txt .
ENV PATH=/app/.venv/bin:$PATH
""",
    "a virtual environment of another user, activated in the RUN": """\
FROM python:3.11-slim
RUN useradd --uid 10001 --create-home shop
WORKDIR /home/shop/app
RUN chown shop .
USER shop
COPY --chown=shop . .
RUN python -m venv ~/venv && . ~/venv/bin/activate && pip install -r requirements.txt .
ENV PATH=/home/shop/venv/bin:$PATH
""",
    "Debian's Python": """\
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-pip
WORKDIR /app
COPY . .
RUN pip3 install --break-system-packages -r requirements.txt .
""",
}
LOOK = """
cd / && program=$(command -v greet) && head -1 $program && stat -c '%A %U %n' $program && greet &&
python3 -m pip list --format=freeze --disable-pip-version-check --exclude pip && python3 -m pip check &&
find / -xdev -path '*packages/toolz/*.pyc' | sort
ls /bin/uv
"""


@pytest.fixture(scope="module")
def index() -> Iterator[str]:
    with second_index() as address:
        yield address


@pytest.mark.parametrize("name", ["flask", "extra-index", "hashes-and-wheel", "constraints-and-includes"])
def test_a_set_is_installed_alike(name: str, index: str) -> None:
    found = compare(SETS[name], index)
    assert found.differences == ()
    assert found.counts["versions"] > 3


@pytest.mark.parametrize("case", RUNS)
def test_a_run_installs_into_the_same_python(case: str, tmp_path: Path) -> None:
    before = RUNS[case]
    for name, text in PROJECT.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    outcome = engine.fix(before, [install_with_uv], context=lambda _: BuildContext(str(tmp_path)))
    assert not outcome.skips
    assert "pip install" not in outcome.after.replace("uv pip install", "")
    answers = []
    for number, text in enumerate((before, outcome.after)):
        dockerfile = f"{number}.Dockerfile"
        (tmp_path / dockerfile).write_text(text, encoding="utf-8")
        (tmp_path / f"{dockerfile}.dockerignore").write_text("*Dockerfile*\n", encoding="utf-8")
        with build(tmp_path, dockerfile=dockerfile, space=namespace()) as image:
            answers.append(run(image.identity, "sh", "-c", f"({LOOK}) 2>&1 || true"))
    with_pip, with_uv = answers
    assert "hello from 1.0.0" in with_pip
    assert with_uv == with_pip


def test_a_package_that_brings_uv_is_not_in_the_way(tmp_path: Path) -> None:
    before = "FROM python:3.11-slim\nRUN pip install uv toolz\n"
    outcome = engine.fix(before, [install_with_uv], context=lambda _: BuildContext(str(tmp_path)))
    (tmp_path / "Dockerfile").write_text(outcome.after, encoding="utf-8")
    assert outcome.after != before
    with build(tmp_path, space=namespace()) as image:
        assert run(image.identity, "sh", "-c", "command -v uv; ls /bin/uv || true") == "/usr/local/bin/uv"
