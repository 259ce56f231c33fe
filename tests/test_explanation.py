"""`dfix --explain`: what is wrong with a file, in words for a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewriter.fixing.registry import load_fixers
from rewriter.output.explanation import QUESTIONS
from tests.command import dfix

FASTAPI = """\
FROM python:3.11-slim
WORKDIR /app
COPY . .
RUN pip install --user -r requirements.txt
CMD ["uvicorn", "main:app", "--host", "0.0.0.0"]
"""


def explained(folder: Path, text: str, **files: str) -> str:
    (folder / "Dockerfile").write_text(text)
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content)
    run = dfix("--explain", folder / "Dockerfile", "--context", folder)
    assert run.code in (0, 1)
    return " ".join(run.text.split())


def test_what_the_file_makes(tmp_path: Path) -> None:
    told = explained(tmp_path, FASTAPI, main_py="from fastapi import FastAPI\napp = FastAPI()\n",
                     requirements_txt="fastapi\nuvicorn\n")  # fmt: skip
    assert "One stage on python:3.11-slim. It runs as root." in told
    assert "It starts `uvicorn main:app --host 0.0.0.0`: FastAPI on port 8000. It has no health check." in told


def test_a_finding_stands_under_its_question_with_what_the_fixer_does(tmp_path: Path) -> None:
    told = explained(tmp_path, "FROM debian:12 as Base\nRUN apt-get update\nRUN apt-get install -y curl\n")
    wrong, _, unreadable = told.partition(QUESTIONS["clarity"])
    assert "line 2: `apt-get update` joins the install in line 3 (DF204 split-apt-update, safe)." in wrong
    assert "line 1: `as` becomes `AS`" in unreadable
    assert told.count("Write `AS` in the case of its `FROM`.") == 1


def test_what_is_left_alone_comes_with_the_reason(tmp_path: Path) -> None:
    told = explained(tmp_path, FASTAPI, requirements_txt="fastapi\n")
    assert "line 4: left alone: " in told
    assert "(DF301 pip-install)" in told


def test_a_file_without_findings(tmp_path: Path) -> None:
    assert "dfix finds nothing to do." in explained(tmp_path, "FROM debian:12-slim\nUSER 10001\n")


def test_how_to_look_into_a_container_without_a_shell(tmp_path: Path) -> None:
    told = explained(tmp_path, 'FROM gcr.io/distroless/static-debian12\nCOPY x /\nCMD ["/x"]\n', x="")
    assert "kubectl debug" in told
    assert ":debug" in told


def test_what_the_image_would_lose_in_numbers(tmp_path: Path) -> None:
    text = "FROM python:3.11\nWORKDIR /app\nRUN apt-get update && apt-get install -y ffmpeg build-essential\n"
    text += "COPY . .\nRUN pip install -r requirements.txt\n" + FASTAPI.splitlines()[-1] + "\n"
    told = explained(tmp_path, text, main_py="", requirements_txt="fastapi\nuvicorn\n")
    assert "Its base python:3.11 alone is about 409 MB to pull (as of 2026-07)." in told
    assert "`ffmpeg` with what it depends on takes about 475 MB on disk." in told
    assert "`build-essential` with" not in told  # the base has it already
    assert "What would the image lose? An estimate from known sizes" in told
    assert "python:3.11-slim instead of python:3.11: about 363 MB less to pull." in told


def test_sizes_that_are_not_known_are_said_to_be_not_known(tmp_path: Path) -> None:
    text = "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y gcc libacme-dev libxslt1-dev\n"
    text += "COPY . .\nRUN pip install -r requirements.txt\n" + FASTAPI.splitlines()[-1] + "\n"
    told = explained(tmp_path, text, main_py="", requirements_txt="fastapi\nuvicorn\n")
    assert "Packages that stay behind, on disk: `gcc` (180 MB), `libxslt1-dev` (119 MB), together less" in told
    told = explained(tmp_path, "FROM acme/python:3\nRUN apt-get install -y ffmpeg\nCMD app\n")
    assert "How large its base acme/python:3 is, is not known." in told


@pytest.mark.parametrize("base", ["gcr.io/distroless/static-debian12", "acme/python:3", "debian:12-slim"])
def test_an_image_is_not_called_large_that_is_not_known_to_be(tmp_path: Path, base: str) -> None:
    assert QUESTIONS["size"] not in explained(tmp_path, f'FROM {base}\nCMD ["/x"]\n')


def test_an_image_without_a_command_starts_what_its_base_starts(tmp_path: Path) -> None:
    told = explained(tmp_path, "FROM nginx:1.27\nCOPY a /usr/share/nginx/html/a\n", a="")
    assert "It starts what nginx:1.27 starts." in told
    told = explained(tmp_path, 'FROM debian:12\nCMD ["sleep", "infinity"]\n')
    assert "What it starts is not known: it runs nothing but what a shell does itself." in told


def test_what_is_said_of_a_line_is_said_once(tmp_path: Path) -> None:
    text = "FROM python:3.11\nRUN apt-get update\nRUN apt-get install -y build-essential ffmpeg\nCOPY . .\n"
    text += "RUN pip install -r requirements.txt\n" + FASTAPI.splitlines()[-1] + "\n"
    told = explained(tmp_path, text, main_py="", requirements_txt="fastapi\nuvicorn\n")
    assert told.count("line 1: packages that are only recommended are not installed") == 1


def test_how_to_look_into_the_image_as_it_would_be(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text('FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nCMD ["python", "app.py"]\n')
    (tmp_path / "app.py").write_text("print(1)\n")
    run = dfix("--explain", "--level", "opt-in", tmp_path / "Dockerfile", "--context", tmp_path)
    told = " ".join(run.text.split())
    assert "Nothing in the image as it would be can run a shell." in told
    assert "`gcr.io/distroless/python3-debian12:debug-nonroot` has a busybox" in told
    assert "how large python3-debian12:nonroot is, is not known; python:3.11-slim is about 46 MB to pull." in told


def test_nothing_is_written_and_the_exit_code_is_that_of_a_check(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text("FROM debian:12 as base\n")
    assert dfix("--explain", path).code == 1
    assert path.read_text() == "FROM debian:12 as base\n"


@pytest.mark.parametrize("option", ["--diff", "--write", "--check", "--output-format=json"])
def test_it_prints_its_own_text(option: str) -> None:
    run = dfix("--explain", option, "Dockerfile")
    assert run.code == 2
    assert "--explain" in run.err


def test_every_fixer_of_ours_says_what_it_is_good_for() -> None:
    assert [fixer.code for fixer in load_fixers() if not fixer.gains] == []
