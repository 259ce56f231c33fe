"""Who runs the image: the services of compose files."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.services import Mount, Service, Services
from rewriter.model.stages import StageGraph
from rewriter.syntax.parser import parse
from tests.inline_project import context_of

STAGES = StageGraph(parse("FROM python:3.11 AS base\nRUN true\nFROM base AS Dev\nFROM base\n")).stages


def running(compose: str, **more: str) -> tuple[Service, ...]:
    return Services(context_of({"compose.yaml": compose, **more})).running


def one(compose: str) -> Service:
    (service,) = running(compose)
    return service


def test_a_service_that_builds_the_context_runs_the_image() -> None:
    service = one("""
        services:
          web:
            build: .
            command: gunicorn "shop:app" --bind 0.0.0.0:8000
            user: "1000:1000"
            ports: ["8000:8000", "127.0.0.1:9000:9000/tcp", {target: 7000}, "${PORT}"]
          database: {image: "postgres:16"}
    """)
    assert str(service) == "service web of compose.yaml"
    assert service.command == ("gunicorn", "shop:app", "--bind", "0.0.0.0:8000")
    assert service.entrypoint is None
    assert service.user == "1000:1000"
    assert service.ports == (8000, 9000, 7000)


@pytest.mark.parametrize(
    "build",
    ["{context: ./}", "{context: ., dockerfile: ./Dockerfile}", "{dockerfile: Dockerfile}"],
)
def test_spellings_of_the_same_build(build: str) -> None:
    assert one(f"services: {{web: {{build: {build}}}}}").name == "web"


@pytest.mark.parametrize("build", ["./api", "{context: ., dockerfile: other.Dockerfile}", '{context: "${ROOT}"}'])
def test_other_builds(build: str) -> None:
    assert running(f"services: {{web: {{build: {build}}}}}") == ()


def test_those_that_run_the_same_image_or_extend_the_service() -> None:
    found = running("""
        services:
          web: {build: ., image: shop}
          worker: {image: shop, command: [celery, worker]}
          beat: {extends: web, command: celery beat}
          cron: {extends: {service: web}}
          other: {image: elsewhere}
    """)
    assert [service.name for service in found] == ["web", "worker", "beat", "cron"]


def test_a_file_that_adds_to_another_speaks_of_the_same_service() -> None:
    found = running(
        "services: {web: {build: .}}",
        **{"compose.override.yml": "services: {web: {command: flask run --reload}, mail: {image: mailhog}}"},
    )
    assert [(service.file, service.command) for service in found] == [
        ("compose.override.yml", ("flask", "run", "--reload")),
        ("compose.yaml", None),
    ]


def test_stages() -> None:
    services = Services(
        context_of({"compose.yaml": "services: {web: {build: .}, dev: {build: {context: ., target: dev}}}"})
    )
    assert [[service.name for service in services.of(stage)] for stage in STAGES] == [[], ["dev"], ["web"]]


def test_mounts() -> None:
    service = one("""
        services:
          web:
            build: .
            tmpfs: /run
            volumes:
              - data:/var/lib/data
              - ./media:/app/media:ro
              - "${DATA:-./data}:/data"
              - /cache
              - {type: bind, source: ./logs, target: /logs}
    """)
    assert service.mounts == (
        Mount("volume", "data", "/var/lib/data"),
        Mount("bind", "./media", "/app/media", is_read_only=True),
        Mount("bind", "${DATA:-./data}", "/data"),
        Mount("volume", "", "/cache"),
        Mount("bind", "./logs", "/logs"),
        Mount("tmpfs", "", "/run"),
    )


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ("{test: [CMD, curl, -f, localhost]}", ("CMD", "curl", "-f", "localhost")),
        ("{test: curl -f localhost || exit 1}", ("CMD-SHELL", "curl -f localhost || exit 1")),
        ("{disable: true}", ("NONE",)),
        ("{interval: 5s}", None),
    ],
)
def test_health_checks(check: str, words: tuple[str, ...] | None) -> None:
    assert one(f"services: {{web: {{build: ., healthcheck: {check}}}}}").health_command == words


def test_what_cannot_be_read_may_speak_of_the_image() -> None:
    assert Services(context_of({"compose.yaml": "services: ["})).unread == ("compose.yaml cannot be read",)
    assert Services(context_of({"x": ""}, ("compose.yaml",))).unread == ("compose.yaml cannot be read",)
    assert Services(BuildContext(None)).unread == ("the build context is not known",)
    assert Services(context_of({"compose.yaml": "services: {}"})).unread == ()


def test_files_above_the_context_up_to_the_repository(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text("services: {out: {build: ./repository/backend}}")
    backend = tmp_path / "repository" / "backend"
    backend.mkdir(parents=True)
    (tmp_path / "repository" / ".git").mkdir()
    (tmp_path / "repository" / "docker-compose.yml").write_text("services: {api: {build: ./backend}}")
    (service,) = Services(BuildContext(str(backend), dockerfile="Dockerfile")).running
    assert str(service) == "service api of ../docker-compose.yml"
