"""Which projects show that what builds their images knows no RUN --mount."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewriter.model.context.builders import why_no_mounts
from tests.command import dfix

DOCKERFILE = "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"

KANIKO = """
build:
  image:
    name: gcr.io/kaniko-project/executor:v1.23.2-debug
    entrypoint: [""]
  script: /kaniko/executor --context . --destination "$CI_REGISTRY_IMAGE"
"""
CLOUD_BUILD = """
steps:
  - name: gcr.io/cloud-builders/docker
    args: [build, -t, gcr.io/$PROJECT_ID/shop, .]
images: [gcr.io/$PROJECT_ID/shop]
"""
GITLAB = """
build:
  image: docker:%s
  services: [docker:%s-dind]
  script: docker build -t shop .
"""
BITBUCKET = """
pipelines:
  default:
    - step:
        services: [docker]
        script:
          - %s
          - docker build -t shop .
"""


@pytest.mark.parametrize(
    ("file", "text", "means"),
    [
        (".gitlab-ci.yml", KANIKO, "builds by kaniko, which knows no RUN --mount"),
        (".github/workflows/image.yml", "      - uses: aevea/action-kaniko@master\n", "builds by kaniko"),
        ("cloudbuild.yaml", CLOUD_BUILD, "builds by Cloud Build without BuildKit"),
        ("Makefile", "push:\n\tgcloud builds submit --tag gcr.io/shop .\n", "builds by Cloud Build"),
        (
            "README.md",
            "    gcloud run deploy shop \\\n      --region x \\\n      --source .\n",
            "builds by Cloud Build",
        ),
        ("app.yaml", "runtime: custom\nenv: flex\n", "builds by Cloud Build"),
        (".github/workflows/ci.yml", "env:\n  DOCKER_BUILDKIT: 0\n", "switches BuildKit off"),
        ("build.sh", "#!/bin/sh\nexport DOCKER_BUILDKIT=0\ndocker build .\n", "switches BuildKit off"),
        (".gitlab-ci.yml", GITLAB % ("20.10.16", "20.10.16"), "builds by a Docker before version 23"),
        (".gitlab-ci.yml", GITLAB % ("stable", "stable"), "builds by a Docker before version 23"),
        ("bitbucket-pipelines.yml", BITBUCKET % "docker version", "builds without BuildKit, which Bitbucket"),
        ("captain-definition", '{"schemaVersion": 2, "dockerfilePath": "./Dockerfile"}\n', "says that CapRover"),
        ("railway.toml", '[build]\nbuilder = "dockerfile"\n', "says that Railway"),
        (
            "build.gradle.kts",
            'plugins {\n  id("com.bmuschko.docker-remote-api")\n}\n',
            "builds by the API",
        ),
    ],
)
def test_a_builder_without_mounts_is_seen(file: str, text: str, means: str, tmp_path: Path) -> None:
    _write(tmp_path, file, text)
    assert why_no_mounts([str(tmp_path / "services"), str(tmp_path)]).startswith(f"{file} {means}")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (".gitlab-ci.yml", KANIKO + "  variables: {FF_KANIKO_RUN_MOUNT_CACHE: 'true'}\n"),
        ("cloudbuild.yaml", CLOUD_BUILD.replace("images:", "options:\n  env: [DOCKER_BUILDKIT=1]\nimages:")),
        ("Makefile", "push:\n\tgcloud builds submit --config=cloudbuild.yaml .\n"),
        ("Makefile", "deploy:\n\tgcloud run deploy shop --image gcr.io/shop\n"),
        ("app.yaml", "runtime: python312\n"),
        ("docs.md", "We moved away from kaniko.\n"),
        (".github/workflows/ci.yml", "env:\n  DOCKER_BUILDKIT: 1\n"),
        (".gitlab-ci.yml", GITLAB % ("27", "27")),
        (".gitlab-ci.yml", "variables: {DOCKER_BUILDKIT: 1}\n" + GITLAB % ("20.10", "20.10")),
        ("bitbucket-pipelines.yml", BITBUCKET % "export DOCKER_BUILDKIT=1"),
        ("build.gradle", "plugins { id 'java' }\n"),
    ],
)
def test_other_builders_know_mounts(file: str, text: str, tmp_path: Path) -> None:
    _write(tmp_path, file, text)
    assert why_no_mounts([str(tmp_path)]) == ""


def test_installs_are_not_mounted_where_the_builder_knows_no_mounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".git").mkdir()
    _write(tmp_path, "services/shop/Dockerfile", DOCKERFILE)
    _write(tmp_path, "services/shop/requirements.txt", "flask==3.0.3\n")
    _write(tmp_path, "cloudbuild.yaml", CLOUD_BUILD)
    monkeypatch.chdir(tmp_path)
    run = dfix("--diff", "--show-skips", "services/shop/Dockerfile")
    assert "--mount" not in run.text
    assert "+RUN pip install --no-cache-dir -r requirements.txt" in run.text
    reason = "services/shop/Dockerfile:4:1: DF301 pip-install skipped: cloudbuild.yaml builds by Cloud Build"
    assert reason in run.err
    _write(tmp_path, "dfix.toml", 'builder = "buildkit"\n')
    assert "--mount=type=cache" in dfix("--diff", "services/shop/Dockerfile").text


def test_a_dockerfile_that_mounts_has_a_builder_that_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounting = DOCKERFILE.replace("RUN pip", "RUN --mount=type=cache,target=/x pip") + "RUN pip install uv\n"
    _write(tmp_path, "Dockerfile", mounting)
    _write(tmp_path, "requirements.txt", "flask==3.0.3\n")
    _write(tmp_path, "cloudbuild.yaml", CLOUD_BUILD)
    monkeypatch.chdir(tmp_path)
    assert "--mount" in dfix("--diff", "Dockerfile").text


def _write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
