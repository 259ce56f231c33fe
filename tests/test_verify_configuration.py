"""What two configurations may differ in."""

from __future__ import annotations

from typing import Any

import pytest

from rewriter.verify.configuration import compare_configuration
from rewriter.verify.report import Allowed, Status

FULL: dict[str, Any] = {
    "Entrypoint": ["/entry"],
    "Cmd": ["serve", "--port", "80"],
    "Env": ["PATH=/bin", "A=1=2"],
    "ExposedPorts": {"80/tcp": {}},
    "Volumes": {"/data": {}},
    "WorkingDir": "/app",
    "User": "app",
    "Labels": {"a": "b"},
    "StopSignal": "SIGQUIT",
    "Shell": ["/bin/bash", "-c"],
    "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5},
    "OnBuild": ["RUN true"],
    "Author": "Ada",
}


def test_the_same_is_the_same() -> None:
    found = compare_configuration(FULL, dict(reversed(FULL.items())), Allowed({}))
    assert (found.name, found.status, found.summary) == ("configuration", Status.PASSED, "the same")


def test_nothing_is_nothing_however_it_is_written() -> None:
    nothing: dict[str, Any] = {"Cmd": None, "Env": [], "Volumes": {}, "User": "", "OnBuild": None, "ArgsEscaped": True}
    assert compare_configuration({}, nothing, Allowed({})).differences == ()


@pytest.mark.parametrize(
    ("key", "value", "expected", "word"),
    [
        ("Entrypoint", None, ("ENTRYPOINT", '["/entry"]', ""), "entrypoint"),
        ("Cmd", ["x"], ("CMD", '["serve", "--port", "80"]', '["x"]'), "cmd"),
        ("Env", ["PATH=/bin"], ("ENV A", '"1=2"', ""), "env"),
        ("Env", ["PATH=/bin", "A="], ("ENV A", '"1=2"', '""'), "env"),
        ("Env", ["A=1=2", "PATH=/bin", "B=3"], ("ENV B", "", '"3"'), "env"),
        ("ExposedPorts", {"80/tcp": {}, "53/udp": {}}, ("EXPOSE 53/udp", "", "declared"), "expose"),
        ("Volumes", None, ("VOLUME /data", "declared", ""), "volume"),
        ("WorkingDir", "/", ("WORKDIR", "/app", "/"), "workdir"),
        ("User", "", ("USER", "app", ""), "user"),
        ("Labels", {"a": ""}, ("LABEL a", '"b"', '""'), "label"),
        ("StopSignal", None, ("STOPSIGNAL", "SIGQUIT", ""), "stopsignal"),
        ("Shell", None, ("SHELL", '["/bin/bash", "-c"]', ""), "shell"),
        ("Healthcheck", {}, ("HEALTHCHECK", '{"Interval": 5, "Test": ["CMD", "true"]}', ""), "healthcheck"),
        ("OnBuild", [], ("ONBUILD", '["RUN true"]', ""), "onbuild"),
        ("Author", "", ("author", "Ada", ""), "author"),
    ],
)
def test_a_difference_is_allowed_by_its_word_alone(
    key: str, value: Any, expected: tuple[str, str, str], word: str
) -> None:
    after = {**FULL, key: value}
    found = compare_configuration(FULL, after, Allowed({}))
    assert found.status is Status.FAILED
    assert [it[:3] for it in found.failures] == [expected]
    assert expected[0] in found.summary
    other = compare_configuration(FULL, after, Allowed({word: ("DF1", "DF2")}))
    assert other.status is Status.PASSED
    assert [it.reason for it in other.differences] == ["DF1, DF2"]
    wrong = "label" if word == "cmd" else "cmd"
    assert compare_configuration(FULL, after, Allowed({wrong: ("DF1",)})).status is Status.FAILED


def test_an_entrypoint_that_hands_on_may_come_from_another_base() -> None:
    maven, temurin = {"Entrypoint": ["/usr/local/bin/mvn-entrypoint.sh"]}, {"Entrypoint": ["/__cacert_entrypoint.sh"]}
    allowed = Allowed({"base-image": ("DF1",)})
    assert compare_configuration(maven, temurin, allowed, (maven, temurin)).status is Status.PASSED
    assert compare_configuration(maven, temurin, allowed).status is Status.FAILED
    assert compare_configuration(maven, temurin, Allowed({}), (maven, temurin)).status is Status.FAILED
    redis = {"Entrypoint": ["docker-entrypoint.sh"]}
    assert compare_configuration(redis, temurin, allowed, (redis, temurin)).status is Status.FAILED
