"""Ordinary projects on images without a shell, proven and then run: as before, healthy, and never as root."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.command import dfix
from tests.e2e.docker import docker
from tests.e2e.program import Visit, running
from tests.e2e.projects import PROJECTS
from tests.e2e.test_applications import APPS

pytestmark = [pytest.mark.e2e, pytest.mark.long]

NONROOT: Final = 65532


class Case(NamedTuple):
    """An application, and how to look at it."""

    folder: str
    port: int
    visits: tuple[Visit, ...]
    has_check: bool = True
    writes: tuple[str, ...] = ()


def _case(folder: str) -> Case:
    project = next(one for one in PROJECTS if one.folder == folder)
    return Case(folder, project.port, project.visits, "DF402" in project.fires, project.writes)


CASES: Final = (
    Case("fastapi", 8000, (Visit("/?a=2&b=3", "5"),)),
    Case("go", 8080, (Visit("/there", "hello from /there"),), has_check=False),
    _case("go-static"),
    _case("typescript"),
    _case("express"),
    _case("chown-copy"),
    _case("fastapi-uploads"),
)

# Names of images that are not there, and those of the stand-ins that hold the same or more for these programs.
_ALSO_CALLED: Final = {
    "gcr.io/distroless/cc-debian12:nonroot": "gcr.io/distroless/base-debian12:nonroot",
    "gcr.io/distroless/static-debian13:nonroot": "gcr.io/distroless/static-debian12:nonroot",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.folder)
def test_a_project_runs_without_a_shell(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name_images()
    folder = tmp_path / "project"
    shutil.copytree(APPS / case.folder, folder)
    monkeypatch.chdir(folder)
    options = ("--level", "opt-in", "--write", "--quick", "--keep", "--output-format", "json", "--context", ".")
    run = dfix("verify", *options, "Dockerfile")
    (report,) = run.document["reports"]
    try:
        assert run.code == 0, run.text
        assert "DF104" in report["applied"]
        assert "FROM gcr.io/distroless/" in Path("Dockerfile").read_text()
        old, new = report["images"]
        with running(old, case.port) as before:
            answers = [before.visit(visit) for visit in case.visits]
        with running(new, case.port) as after:
            for visit, answer in zip(case.visits, answers, strict=True):
                assert visit.shows in answer.body
                assert after.visit(visit) == answer
            assert set(after.processes().values()) == {NONROOT}
            assert {after.owner(path) for path in case.writes} <= {NONROOT}
            if case.has_check:
                after.wait_for_health("healthy")
        assert dfix("--check", "--level", "opt-in", "--context", ".", "Dockerfile").code == 0
    finally:
        for image in report["images"]:
            docker("image", "rm", "--force", image)


def name_images() -> None:
    """Give the stand-ins of distroless images the names that are not there."""
    for name, other in _ALSO_CALLED.items():
        if not docker("images", "--quiet", name) and docker("images", "--quiet", other):
            docker("tag", other, name)
