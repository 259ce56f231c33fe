"""What is known of distroless images, and what a stage needs to move onto one."""

from __future__ import annotations

import re
import sys
from datetime import date

import pytest

from rewriter.model.context.build_context import BuildContext
from rewriter.model.data.debian import SUITES
from rewriter.model.data.distroless import NONROOT, DistrolessImage, distroless_images, module_of
from rewriter.model.data.standard_library import STANDARD_MODULES
from rewriter.model.image import base_image, parse_image
from rewriter.model.project.start import own_entrypoint
from rewriter.model.slimming.callers import other_start

ALL = [
    image
    for language, versions in {
        "static": ("",), "native": ("",), "python": ("3.11", "3.13"), "javascript": ("20", "22", "24"),
        "java": ("17", "21", "25"),
    }.items()
    for version in versions
    for image in distroless_images(language, version)
]  # fmt: skip


@pytest.mark.parametrize("image", ALL, ids=lambda image: image.text)
def test_the_rows_agree_with_what_others_know_of_the_images(image: DistrolessImage) -> None:
    reference = parse_image(image.text)
    base = base_image(reference)
    assert (base.distribution, base.user) == ("distroless", NONROOT.partition(":")[0])
    assert image.suite in SUITES
    assert image.text.endswith(f"-debian{11 + SUITES.index(image.suite)}:nonroot")
    entrypoint = own_entrypoint(reference)
    assert entrypoint is not None
    names = [re.sub(r"3\.\d+$", "3", word) for word in image.entrypoint]
    assert names == list(entrypoint)
    if image.until:
        date.fromisoformat(image.until)


def test_the_newest_release_comes_first() -> None:
    assert [image.suite for image in distroless_images("static")] == ["trixie", "bookworm"]
    assert distroless_images("python", "3.12") == ()


def test_packages_of_newer_releases_have_other_names() -> None:
    image = distroless_images("python", "3.13")[0]
    assert not image.lacks(frozenset({"libssl3t64", "zlib1g", "ca-certificates"}))
    assert image.lacks(frozenset({"libpq5", "zlib1g"})) == {"libpq5"}


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="the data ends with 3.14")
def test_the_modules_of_python_are_data_and_those_of_any_python_that_may_run_here() -> None:
    running = {name for name in sys.stdlib_module_names if not name.startswith("_")}
    assert running <= STANDARD_MODULES
    assert {"asyncore", "telnetlib", "tomllib", "annotationlib"} <= STANDARD_MODULES, "of other versions, too"


@pytest.mark.parametrize(("script", "module"), [("uvicorn", "uvicorn"), ("waitress-serve", "waitress"), ("mlflow", "")])
def test_scripts_that_start_as_modules(script: str, module: str) -> None:
    assert module_of(script) == module


@pytest.mark.parametrize(
    ("path", "text", "is_found"),
    [
        ("k8s/web.yaml", 'containers:\n- image: web\n  command: ["uvicorn", "main:app"]\n', True),
        ("k8s/web.yaml", "containers:\n- image: web\n  args:\n  - sh\n  - -c\n", True),
        ("k8s/web.yaml", "containers:\n- image: web\n  ports: []\n", False),
        ("render.yaml", "services:\n- dockerCommand: uvicorn main:app\n", True),
        ("railway.json", '{"deploy": {"startCommand": "/opt/venv/bin/uvicorn main:app"}}', True),
        ("package.json", '{"scripts": {"command": "uvicorn main:app"}}', False),
        (".github/workflows/test.yml", "command: uvicorn main:app\n", False),
        ("compose.yaml", "command: uvicorn main:app\n", False),  # it is read as what it is
    ],
)
def test_files_that_start_containers_in_their_own_words(path: str, text: str, is_found: bool) -> None:
    context = BuildContext.of_list([path]).with_texts({path: text})
    assert other_start(context, frozenset({"uvicorn", "sh"})) == (path if is_found else "")
