"""What is in force at an instruction."""

from __future__ import annotations

import pytest

from rewriter.model.stages import StageGraph
from rewriter.model.state import State, States
from rewriter.syntax.expansion import LONGEST_SUBSTITUTION
from rewriter.syntax.parser import parse
from rewriter.syntax.tree import Run


def state_at_end(text: str) -> State:
    graph = StageGraph(parse(text))
    return States(graph).at_end(graph.stages[-1])


def states_of(text: str) -> list[State]:
    dockerfile = parse(text)
    states = States(StageGraph(dockerfile))
    return [states.at(instruction) for instruction in dockerfile.instructions]


def test_a_state_is_what_holds_just_before_the_instruction() -> None:
    states = states_of("FROM debian\nENV A=1\nENV A=2\nRUN a\n")
    assert [state.get("A") for state in states] == [None, None, "1", "2"]
    assert [state.is_set("A") for state in states] == [False, False, True, True]


def test_the_pairs_of_one_env_see_the_values_from_before() -> None:
    state = state_at_end("FROM scratch\nENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc\n")
    assert (state.get("abc"), state.get("def"), state.get("ghi")) == ("bye", "hello", "bye")


def test_env_values_lose_quotes_and_escapes() -> None:
    state = state_at_end("FROM debian\nENV A=\"x y\" B='$A' C=a\\ b\nENV D one two\nENV E=${A:-no}\n")
    assert [state.get(name) for name in "ABCDE"] == ["x y", "$A", "a b", "one two", "x y"]


def test_what_the_base_image_may_set_is_unknown() -> None:
    state = state_at_end("FROM debian\nENV A=${B:-1} P=/x:$PATH\n")
    assert state.get("A") is None
    assert state.is_set("A")
    assert state.get("P") is None
    assert state.expand("$HOME/x") is None
    assert state.expand("'$HOME'/x") == "$HOME/x"


def test_from_scratch_nothing_is_set_but_path() -> None:
    state = state_at_end("FROM scratch\nENV A=${B:-1}${C}\n")
    assert state.get("A") == "1"
    assert state.get("B") is None
    assert state.expand("x$B") == "x"
    assert state.get("PATH") == "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def test_arguments_have_their_defaults_and_are_not_fixed() -> None:
    states = states_of("ARG G=9\nFROM debian\nARG A=1\nARG B\nARG G\nRUN a\n")
    state = states[-1]
    assert (state.get("A"), state.get("B"), state.get("G")) == ("1", None, "9")
    assert state.is_set("A")
    assert not state.is_set("B")
    assert state.declares("B")
    assert not states[3].declares("B")
    assert state.expand("$B") is None
    assert state.expand("${B:-z}") == "z"
    assert not state.value("${B:-z}").is_fixed
    assert not state.value("$A").is_fixed
    assert state.value("x").is_fixed


def test_a_global_argument_must_be_declared_in_the_stage() -> None:
    state = state_at_end("ARG G=9\nFROM scratch\n")
    assert state.get("G") is None
    assert not state.declares("G")


def test_platform_arguments_are_declared_but_unknown() -> None:
    state = state_at_end("FROM scratch\nARG TARGETARCH\n")
    assert state.declares("TARGETARCH")
    assert state.get("TARGETARCH") is None
    assert state.expand("a-$TARGETARCH") is None


def test_arguments_of_one_instruction_see_each_other() -> None:
    assert state_at_end("FROM scratch\nARG A=1 B=${A}2\n").get("B") == "12"


def test_of_env_and_arg_the_later_wins() -> None:
    assert state_at_end("FROM debian\nARG A=1\nENV A=2\n").get("A") == "2"
    assert state_at_end("FROM debian\nENV A=2\nARG A=1\n").get("A") == "1"
    kept = state_at_end("FROM debian\nENV A=2\nARG A\n")
    assert kept.get("A") == "2"
    assert not kept.value("$A").is_fixed


def test_a_stage_inherits_from_the_stage_it_is_based_on() -> None:
    text = (
        'FROM debian AS a\nENV E=1\nARG X=2\nENV Y=3\nARG Y=4\nUSER app\nWORKDIR /a\nSHELL ["/bin/bash", "-c"]\n'
        "FROM a AS b\nWORKDIR b\nFROM b\nRUN x\n"
    )
    state = states_of(text)[-1]
    assert (state.get("E"), state.get("X"), state.get("Y")) == ("1", "2", "3")
    assert (state.user, state.workdir, state.shell) == ("app", "/a/b", ("/bin/bash", "-c"))
    assert state.declares("X")
    assert state.distribution == "debian"


def test_a_stage_inherits_nothing_from_others() -> None:
    state = states_of("FROM debian AS a\nENV E=1\nUSER app\nWORKDIR /a\nFROM debian\nRUN x\n")[-1]
    assert (state.get("E"), state.user, state.workdir) == (None, "root", "/")


def test_triggers_run_in_the_stage_based_on_theirs() -> None:
    text = (
        "FROM scratch AS a\nONBUILD ENV A=1\nONBUILD ENV B=${A}2\nONBUILD WORKDIR /w\nRUN x\n"
        "FROM a AS b\nRUN x\nFROM b\nRUN y\n"
    )
    states = states_of(text)
    assert states[4].get("A") is None
    assert (states[6].get("A"), states[6].get("B"), states[6].workdir) == ("1", "12", "/w")
    assert states[8].get("B") == "12"


@pytest.mark.parametrize(
    ("text", "workdir"),
    [
        ("FROM debian\n", "/"),
        ("FROM golang\n", "/go"),
        ("FROM golang\nWORKDIR src/../a\n", "/go/a"),
        ("FROM example/app\n", ""),
        ("FROM example/app\nWORKDIR app\n", ""),
        ("FROM example/app\nWORKDIR app\nWORKDIR /srv/\nWORKDIR ./x\n", "/srv/x"),
        ("FROM debian\nWORKDIR /a\nWORKDIR ../..\n", "/"),
        ("FROM debian\nWORKDIR //a//b\n", "/a/b"),
        ('FROM debian\nWORKDIR "/a b"\n', "/a b"),
        ("FROM debian\nENV H=/h\nWORKDIR $H/x\n", "/h/x"),
        ("FROM debian\nWORKDIR $H/x\nWORKDIR y\n", ""),
        ("FROM debian\nWORKDIR /a/$H\nWORKDIR /b\n", "/b"),
        ("FROM mcr.microsoft.com/windows/nanoserver:ltsc2022\nWORKDIR /app\n", ""),
        ("FROM debian\nWORKDIR C:\\\\app\n", ""),
    ],
)
def test_workdir(text: str, workdir: str) -> None:
    assert state_at_end(text).workdir == workdir


def test_whether_a_build_argument_changes_the_workdir() -> None:
    assert state_at_end("FROM debian\nWORKDIR a\n").workdir_is_fixed
    assert not state_at_end("FROM debian\nARG D=/a\nWORKDIR $D\nWORKDIR b\n").workdir_is_fixed
    assert not state_at_end("ARG V=1\nFROM golang:$V\nWORKDIR a\n").workdir_is_fixed
    assert state_at_end("ARG V=1\nFROM golang:$V\nWORKDIR /a\n").workdir_is_fixed


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("FROM debian\n", "root"),
        ("FROM example/app\n", ""),
        ("FROM debian\nUSER 1000:1000\n", "1000:1000"),
        ("FROM debian\nARG U=app\nUSER ${U}\n", "app"),
        ("FROM debian\nUSER $U\n", ""),
    ],
)
def test_user(text: str, user: str) -> None:
    assert state_at_end(text).user == user


@pytest.mark.parametrize(
    ("shell", "is_posix"),
    [
        ('["/bin/bash", "-c"]', True),
        ('["/bin/bash", "-o", "pipefail", "-c"]', True),
        ('["bash", "-euxo", "pipefail", "-c"]', True),
        ('["/bin/ash", "-eo", "pipefail", "-lc"]', True),
        ('["/bin/sh", "-exc"]', True),
        ('["/usr/bin/env", "bash", "-c"]', True),
        ('["/bin/zsh", "-c"]', False),
        ('["powershell", "-Command"]', False),
        ('["pwsh", "-c"]', False),
        ('["cmd", "/S", "/C"]', False),
        ('["/bin/bash"]', False),
        ('["conda", "run", "-n", "x", "/bin/bash", "-c"]', False),
        ('["python3", "-c"]', False),
    ],
)
def test_posix_shells(shell: str, is_posix: bool) -> None:
    states = states_of(f"FROM debian\nRUN a\nSHELL {shell}\nRUN b\n")
    assert states[1].shell == ("/bin/sh", "-c")
    assert states[1].is_posix_shell
    assert states[3].is_posix_shell is is_posix


def test_windows_has_no_posix_shell() -> None:
    assert not state_at_end("FROM mcr.microsoft.com/windows/servercore:ltsc2019\n").is_posix_shell


@pytest.mark.parametrize(
    ("text", "program", "kind", "path"),
    [
        ("FROM python:3.12", "pip", "official", "/usr/local/bin/pip"),
        ("FROM python:3.12-alpine", "python3", "official", "/usr/local/bin/python3"),
        ("FROM python:3.12", "python3.12", "official", "/usr/local/bin/python3.12"),
        ("FROM python:3.12", "python3.9", "unknown", ""),
        ("FROM debian:12-slim", "python3.11", "system", "/usr/bin/python3.11"),
        ("FROM debian:12.5", "python3.9", "unknown", ""),
        ("FROM ubuntu:jammy", "pip3.10", "system", "/usr/bin/pip3.10"),
        ("FROM ubuntu:latest", "python3.12", "unknown", ""),
        ("FROM debian:12", "pip2", "unknown", ""),
        ("FROM debian", "pip3", "system", "/usr/bin/pip3"),
        ("FROM node:20", "python3", "system", "/usr/bin/python3"),
        ("FROM example/app", "pip", "unknown", ""),
        ("FROM continuumio/miniconda3", "pip", "conda", ""),
        ("FROM python:3\nENV PATH=/opt/venv/bin:$PATH", "pip", "venv", "/opt/venv/bin/pip"),
        ("FROM python:3\nENV VIRTUAL_ENV=/opt/x\nENV PATH=$VIRTUAL_ENV/bin:$PATH", "pip", "venv", "/opt/x/bin/pip"),
        ("FROM python:3\nENV VIRTUAL_ENV=/opt/x", "pip", "unknown", ""),
        ("FROM python:3\nRUN python -m venv /opt/x\nENV PATH=/opt/x/bin:$PATH", "pip", "venv", "/opt/x/bin/pip"),
        ("FROM python:3\nRUN python -m venv /opt/x", "pip", "official", "/usr/local/bin/pip"),
        ("FROM python:3\nENV PATH=/opt/x/bin:$PATH", "pip", "unknown", ""),
        ("FROM python:3\nENV PATH=/root/.local/bin:$PATH", "pip", "official", "/usr/local/bin/pip"),
        ("FROM python:3\nENV PATH=$PATH:/opt/x/bin", "pip", "official", "/usr/local/bin/pip"),
        ("FROM debian\nENV PATH=/opt/conda/bin:$PATH", "python", "conda", "/opt/conda/bin/python"),
        ("FROM debian\nRUN git clone https://x/pyenv && pyenv install 3", "python", "unknown", ""),
        ("FROM debian\nCOPY --from=python:3 /usr/local /usr/local", "python", "unknown", ""),
        ("FROM debian\nCOPY --from=ghcr.io/astral-sh/uv /uv /usr/local/bin/", "python3", "system", "/usr/bin/python3"),
        ("FROM python:3\nCOPY --from=x /usr/local/bin /usr/local/bin", "pip", "official", "/usr/local/bin/pip"),
        ("FROM python:3", "ruby", "unknown", ""),
    ],
)
def test_which_python(text: str, program: str, kind: str, path: str) -> None:
    assert state_at_end(text + "\n").which(program) == (path, kind)


def test_above_the_first_from_nothing_is_known() -> None:
    state = states_of("ARG A=1\nFROM debian\n")[0]
    assert state.stage is None
    assert (state.workdir, state.user, state.distribution, state.get("A")) == ("", "", "", None)


def test_a_long_chain_of_stages() -> None:
    stages = ["FROM scratch AS s0\nENV V0=0\n"]
    stages += [f"FROM s{number - 1} AS s{number}\nENV V{number}=${{V{number - 1}}}\n" for number in range(1, 300)]
    state = state_at_end("".join(stages))
    assert state.get("V299") == state.get("V0") == "0"
    assert state.get("V300") is None


def test_odd_files_do_no_harm() -> None:
    for text in ("", "ENV\n", "FROM x\nENV\nARG\nSHELL\nSHELL x\nWORKDIR\nUSER\nENV a\nENV =b\nARG =\nRUN\nCOPY\n"):
        for state in states_of(text):
            assert state.shell is not None
            assert state.workdir == "" or state.workdir.startswith("/")
            state.which("pip")


def test_values_that_double_from_line_to_line_are_unknown_in_the_end() -> None:
    doubling = "ENV A=$A$A\n" * 40
    for declaration in (f"FROM scratch\nENV A=xxxxxxxxxx\n{doubling}", f"FROM debian\nARG A=x\n{doubling}"):
        states = states_of(declaration)
        assert states[4].get("A") in ("x" * 40, "xxxx")
        assert states[-1].get("A") is None
        assert max(len(state.value("$A").text) for state in states) <= LONGEST_SUBSTITUTION


def test_unknown_parts_do_not_multiply_either() -> None:
    states = states_of("FROM debian\n" + "ENV A=$A$A\n" * 40)
    assert max(len(state.value("$A").text) for state in states) <= LONGEST_SUBSTITUTION


def test_what_is_too_long_may_depend_on_any_build_argument() -> None:
    state = state_at_end(f"FROM scratch\nARG B=1\nENV A={'x' * LONGEST_SUBSTITUTION}\nENV C=x$A$B\n")
    assert state.get("C") is None
    assert not state.value("$C").is_fixed


def test_deeply_nested_defaults_are_unknown() -> None:
    state = state_at_end("FROM scratch\nENV A=" + "${B:-" * 3_000 + "}" * 3_000 + "\n")
    assert state.is_set("A")
    assert state.get("A") is None


CHAIN = "FROM debian AS a\nRUN one\nRUN two\nUSER u\nRUN three\nFROM a\nRUN one\nRUN four\n"


def test_runs_up_to_a_place_are_tested_once_however_often_one_asks() -> None:
    tested: list[str] = []

    def has_an_o(run: Run, letter: str) -> bool:
        tested.append(run.arguments)
        return letter in run.arguments

    states = states_of(CHAIN)
    assert [run.arguments for run in states[2].runs_where(has_an_o, "o")] == ["one"]
    assert [run.arguments for run in states[-1].runs_where(has_an_o, "o")] == ["one", "two", "one"]
    assert [run.line for run in states[-1].runs_where(has_an_o, "o")] == [2, 3, 7]
    assert tested == ["one", "two", "three", "one", "four"]


def test_runs_below_a_user_do_not_run_as_the_user_of_the_base_image() -> None:
    first, *_, last = states_of(CHAIN)
    for state in (first, last):
        assert [run.arguments for run in state.runs_as_base_user(bool)] == ["one", "two"]
    own = states_of("FROM a AS b\nRUN one\nFROM b\nRUN two\nUSER u\nRUN three\n")
    assert [run.arguments for run in own[-1].runs_as_base_user(bool)] == ["one", "two"]
