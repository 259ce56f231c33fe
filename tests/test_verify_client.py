"""Which engine is chosen, and what is said when there is none that can be used."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from rewriter.verify.engine.client import EngineError, NoBuildxError, NoEngineError, OldEngineError, find_client


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return folder


def install(folder: Path, name: str, **answers: str | None) -> None:
    """A client that answers by its first argument; None: it fails, as for an unknown one."""
    cases = "".join(
        f"{word}) echo '{answer}';;\n" if answer is not None else f"{word}) echo 'cannot connect' >&2; exit 1;;\n"
        for word, answer in answers.items()
    )
    (folder / name).write_text(f"#!/bin/sh\ncase $1 in\n{cases}*) echo unknown >&2; exit 1;;\nesac\n", "utf-8")
    (folder / name).chmod(0o755)


def server(version: str) -> str:
    return json.dumps({"Client": {"Version": "28.0.0"}, "Server": {"Version": version}})


BUILDX = "github.com/docker/buildx v0.29.1 a1b2c3"
PODMAN = json.dumps({"host": {"cpus": 4}, "version": {"Version": "5.2.0"}})


def test_docker_comes_first(programs: Path) -> None:
    install(programs, "docker", version=server("28.5.2+dfsg4"), buildx=BUILDX, info='{"NCPU": 8, "OSType": "linux"}')
    install(programs, "podman", info=PODMAN)
    client = find_client()
    assert (client.name, client.processors, client.is_podman) == ("Docker 28.5.2 with buildx 0.29.1", 8, False)


def test_podman_comes_second(programs: Path) -> None:
    install(programs, "docker", version='{"Client": {}, "Server": null}')
    install(programs, "podman", info=PODMAN)
    client = find_client()
    assert (client.name, client.processors, client.is_podman) == ("Podman 5.2.0", 4, True)


def said_by(error: type[EngineError]) -> str:
    with pytest.raises(error) as caught:
        find_client()
    return str(caught.value)


def test_without_any_it_says_what_was_tried(programs: Path) -> None:
    assert said_by(NoEngineError).startswith(
        "there is no engine to build with: `docker` is not installed; `podman` is not installed. Start Docker"
    )
    install(programs, "docker", version=None)
    install(programs, "podman", info=None)
    said = said_by(NoEngineError)
    assert "`docker` reaches no server at its usual socket (cannot connect)" in said
    assert "`podman` does not work (cannot connect)" in said


def test_what_is_missing_or_too_old_is_said(programs: Path) -> None:
    install(programs, "docker", version=server("20.10.24"))
    assert "Docker 20.10.24 is too old: `dfix verify` needs 23.0 or newer" in said_by(OldEngineError)
    install(programs, "docker", version=server("28.5.2"), buildx=None)
    assert "not buildx, its builder: install the package docker-buildx-plugin" in said_by(NoBuildxError)
    install(programs, "docker", version=server("28.5.2"), buildx="github.com/docker/buildx v0.11.2 abc")
    assert "buildx 0.11.2 is too old: `dfix verify` needs 0.13 or newer" in said_by(OldEngineError)
    install(programs, "docker", version=server("28.5.2"), buildx=BUILDX, info='{"OSType": "windows"}')
    assert "switch it to Linux containers" in said_by(OldEngineError)
    (programs / "docker").unlink()
    install(programs, "podman", info=PODMAN.replace("5.2.0", "3.4.4"))
    assert "Podman 3.4.4 is too old: `dfix verify` needs 4.1 or newer" in said_by(OldEngineError)


def test_without_the_client_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_on_whales", None)
    assert "pip install 'dfix[verify]'" in said_by(NoEngineError)


@pytest.mark.parametrize(
    "settings", ['{"proxies": {"default": {"httpProxy": "http://u:p@x"}}}', "{", "[]", '{"proxies": 1}']
)
def test_proxies_of_the_clients_configuration_are_found(programs: Path, tmp_path: Path, settings: str) -> None:
    install(programs, "docker", version=server("28.5.2"), buildx=BUILDX, info="{}")
    (tmp_path / "config.json").write_text(settings, "utf-8")
    expected = ("HTTP_PROXY", "http_proxy") if "http:" in settings else ()
    assert find_client().proxy_variables() == expected
