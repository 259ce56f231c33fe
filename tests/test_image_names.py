"""How the image of a Dockerfile is called by the files of its project."""

from __future__ import annotations

import pytest

from rewriter.model.context.image_names import is_called, may_be_image, names_of_image
from tests.inline_project import context_of

WORKFLOW = """
jobs:
  image:
    steps:
      - uses: docker/metadata-action@v5
        with:
          images: ghcr.io/me/notes
      - uses: docker/build-push-action@v5
        with:
          tags: ${{ steps.meta.outputs.tags }}
"""


@pytest.mark.parametrize(
    ("file", "text", "names"),
    [
        ("Makefile", "IMAGE := me/notes\nimage:\n\tdocker build -t $(IMAGE):$(TAG) .\n", {"me/notes"}),
        ("Makefile", "image:\n\tdocker buildx build \\\n\t  --tag=notes:1 --push .\n", {"notes"}),
        ("Makefile", "image:\n\tdocker build -t other -f other.Dockerfile .\n", set()),
        ("Makefile", "image:\n\tdocker build -t other web\n", set()),
        (".gitlab-ci.yml", "- docker build -t $CI_REGISTRY_IMAGE:${TAG} .\n", {"$CI_REGISTRY_IMAGE"}),
        ("Jenkinsfile", 'docker.build("me/notes:${env.BUILD_ID}")', {"me/notes"}),
        ("README.md", "Run `docker build . -t localhost:5000/notes` first.", {"localhost:5000/notes"}),
        (".github/workflows/image.yml", WORKFLOW, {"ghcr.io/me/notes", "$steps.meta.outputs.tags"}),
    ],
)
def test_names_in_the_files_of_a_project(file: str, text: str, names: set[str]) -> None:
    assert names_of_image(context_of({"Dockerfile": "", file: text})) == names


@pytest.mark.parametrize(
    ("image", "name", "is_same"),
    [
        ("me/notes:1", "me/notes", True),
        ("ghcr.io/me/notes", "me/notes", True),
        ("me/notes", "ghcr.io/me/notes@sha256:0", True),
        ("python", "me/python", False),
        ("$REGISTRY/notes:${TAG:-latest}", "me/notes", True),
        ("$CI_REGISTRY_IMAGE:$CI_COMMIT_SHA", "$CI_REGISTRY_IMAGE", True),
        ("$OTHER", "$CI_REGISTRY_IMAGE", False),
    ],
)
def test_an_image_by_its_name(image: str, name: str, is_same: bool) -> None:
    assert is_called(image, frozenset([name.partition("@")[0]])) is is_same


def test_an_image_that_nothing_names_is_the_only_one_of_the_project() -> None:
    alone = context_of({"Dockerfile": ""})
    assert may_be_image("me/notes", frozenset(), alone)
    assert not may_be_image("postgres:16", frozenset(), alone)
    assert not may_be_image("me/notes", frozenset(["me/other"]), alone)
    assert not may_be_image("me/notes", frozenset(), context_of({"Dockerfile": "", "web/Dockerfile": ""}))
