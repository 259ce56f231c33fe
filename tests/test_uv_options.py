"""The map from pip's options to uv's, and which Python uv is told to use."""

from __future__ import annotations

import pytest

from fixers.pip_install import install_with_uv
from rewriter import engine, parse
from rewriter.model.managers.call import Call
from rewriter.model.managers.languages import LANGUAGE_MANAGERS
from rewriter.model.managers.run_calls import calls
from rewriter.model.pip.uv import ACCEPTED, AGAINST, AS_VARIABLES, DROPPED, TWINS, translate
from rewriter.syntax.tree import Run


def call_of(command: str) -> Call:
    run = parse(f"FROM python:3.11\nRUN {command}\n").instructions[1]
    assert isinstance(run, Run)
    (call,) = calls(run)
    return call


def installed(command: str, *, base: str = "python:3.11", above: str = "") -> str:
    """What becomes of a command, without what stands in front of it; the reason in brackets where it stays."""
    outcome = engine.fix(f"FROM {base}\n{above}RUN {command}\n", [install_with_uv])
    skips = [skip.reason for skip in outcome.skips]
    return f"({skips[-1]})" if skips else outcome.after.rstrip("\n").split("\n")[-1].strip()


PLAIN = "uv pip install --system --compile-bytecode --link-mode=copy"


def test_the_tables_do_not_contradict_each_other() -> None:
    tables = [ACCEPTED, DROPPED, frozenset(AS_VARIABLES)]
    assert sum(map(len, tables)) == len(frozenset().union(*tables))
    assert not AGAINST & TWINS.keys()


def test_options_with_values_are_known_as_such_to_the_vocabulary() -> None:
    with_values = {"-r", "-c", "-e", "-t", "--prefix", "-i", "--index-url", "--extra-index-url", "-f", "--trusted-host",
                   "--cert", "--no-binary", "--only-binary", "-C", "--config-settings", "--progress-bar",
                   "--root-user-action", *AS_VARIABLES}  # fmt: skip
    assert with_values <= LANGUAGE_MANAGERS["pip"].values
    assert not {"-U", "--pre", "--no-deps", "-q", "--no-cache-dir", "--no-input"} & LANGUAGE_MANAGERS["pip"].values


@pytest.mark.parametrize("option", sorted(DROPPED - {"--no-compile", "--progress-bar", "--root-user-action"}))
def test_cosmetic_option_goes(option: str) -> None:
    assert installed(f"pip install {option} flask") == f"{PLAIN} flask"
    assert installed(f"pip install flask {option}") == f"{PLAIN} flask"


@pytest.mark.parametrize("option", ["--progress-bar off", "--progress-bar=off", "--root-user-action ignore"])
def test_value_of_a_cosmetic_option_goes_with_it(option: str) -> None:
    assert installed(f"pip install {option} flask") == f"{PLAIN} flask"
    assert installed(f"pip install flask {option}") == f"{PLAIN} flask"


@pytest.mark.parametrize(
    "options",
    ["--pre", "--no-deps", "-q", "-qr requirements.txt", "--require-hashes", "-c limits.txt", "-f wheels --no-index",
     "--no-binary :all:", "--trusted-host a.example.org", "--force-reinstall"],
)  # fmt: skip
def test_option_of_both_stays_as_it_is_written(options: str) -> None:
    assert installed(f"pip install {options} flask") == f"{PLAIN} {options} flask"


@pytest.mark.parametrize(
    "option",
    ["-I", "--ignore-installed", "--user", "--prefer-binary", "--src /srv", "--global-option=x", "--proxy http://a",
     "--platform any", "--root /", "--client-cert a", "--log a", "--use-feature=fast-deps", "--no-use-pep517",
     "--upgrade-strategy eager", "--dry-run", "--new-in-pip-99", "-U --upgrade-strategy=eager", "--group dev"],
)  # fmt: skip
def test_option_that_is_not_on_the_list_is_refused(option: str) -> None:
    assert installed(f"pip install {option} flask").startswith("(uv has no twin of `-")


@pytest.mark.parametrize("option", ["-t /srv/lib", "--target=/srv/lib", "--prefix=/install"])
def test_folder_in_which_uv_would_leave_a_lock_is_refused(option: str) -> None:
    assert installed(f"pip install {option} flask").startswith("(uv leaves a `.lock`")


@pytest.mark.parametrize("asked", ["-U flask", "--upgrade flask", "flask -U"])
def test_upgrade_names_what_is_upgraded(asked: str) -> None:
    after = installed(f"pip install {asked}")
    assert after == f"{PLAIN} {asked.replace('--upgrade', '-U').replace('-U', '--upgrade-package=flask')}"


@pytest.mark.parametrize("asked", ["-U -r requirements.txt", "-U flask -r requirements.txt", "-qU flask"])
def test_upgrade_that_cannot_be_named_is_refused(asked: str) -> None:
    assert installed(f"pip install {asked}").startswith("(`-U")


@pytest.mark.parametrize(
    ("package", "is_harmless"),
    [("libpq-dev", True), ("build-essential", True), ("g++", True), ("libgl1", True), ("python3-dev", True),
     ("python3.11", True), ("python3.9", False), ("python3-yaml", False), ("awscli", False), ("libreoffice", False),
     ("libglib2.0-dev", False), ("libglib2.0-0", True), ("gdal-bin", False), ("$PACKAGES", False)],
)  # fmt: skip
def test_debian_python_stays_with_pip_where_apt_may_bring_modules(package: str, is_harmless: bool) -> None:
    above = f"RUN apt-get install -y python3-pip {package}\n"
    assert installed("pip3 install flask", base="debian:12", above=above).startswith("uv ") == is_harmless


@pytest.mark.parametrize("step", ["if true; then apt-get install -y awscli; fi", "dpkg -i tool.deb",
                                  "apt-get build-dep -y mercurial", "xargs apt-get install -y <list"])  # fmt: skip
def test_debian_python_stays_with_pip_where_it_is_not_known_what_apt_brings(step: str) -> None:
    above = f"RUN apt-get install -y python3-pip\nRUN {step}\n"
    assert installed("pip3 install flask", base="debian:12", above=above).startswith("(uv does not see")


@pytest.mark.parametrize(
    ("step", "is_refused"),
    [("find /usr -type f -exec chmod g+w {} +", True), ("find . -exec chown app {} +", True),
     ("find /srv -exec chown app {} +", False), ("ls | xargs chmod g+w", True), ("(chown -R app /usr)", True),
     ("sudo chown -R app /", True), ("chown -R app ~", True), ("chown -R app /home", False),
     ("chown app /usr/bin", False), ("chmod -R --reference=/srv /usr/bin", True)],
)  # fmt: skip
def test_change_of_owners_above_the_mounted_uv_is_refused(step: str, is_refused: bool) -> None:
    above = "USER root\nWORKDIR /\n"
    assert installed(f"pip install flask && {step}", above=above).startswith("(`") == is_refused


@pytest.mark.parametrize("shell", ['"/bin/bash", "-lc"', '"/bin/bash", "--login", "-c"', '"/bin/bash", "-i", "-c"'])
def test_shell_that_reads_profiles_is_refused(shell: str) -> None:
    assert installed("pip install flask", above=f"SHELL [{shell}]\n").startswith("(`-")


def test_shell_with_other_options_is_not_refused() -> None:
    above = 'SHELL ["/bin/bash", "-eo", "pipefail", "-c"]\n'
    assert installed("pip install flask", above=above) == f"{PLAIN} flask"


@pytest.mark.parametrize("follower", ["./install.sh", "sh install.sh", "make all", "tox", "scripts/install.sh"])
def test_upgrade_of_pip_stays_for_what_may_use_pip(follower: str) -> None:
    text = f"FROM python:3.11\nRUN pip install --upgrade pip\nRUN pip install flask\nRUN {follower}\n"
    assert "RUN pip install --upgrade pip\n" in engine.fix(text, [install_with_uv]).after
    assert "upgrade" not in engine.fix(text.replace(follower, "flask"), [install_with_uv]).after


@pytest.mark.parametrize(
    ("option", "variable"),
    [
        ("--timeout 9", "UV_HTTP_TIMEOUT=9"),
        ("--default-timeout=9", "UV_HTTP_TIMEOUT=9"),
        ("--retries 3", "UV_HTTP_RETRIES=3"),
    ],
)
def test_timeouts_become_variables(option: str, variable: str) -> None:
    assert installed(f"pip install {option} flask") == f"{variable} {PLAIN} flask"


def test_timeout_that_is_no_number_is_refused() -> None:
    assert translate(call_of("pip install --timeout=$SECONDS flask")).problem


@pytest.mark.parametrize("name", sorted(AGAINST))
def test_variable_that_uv_does_not_read_is_refused(name: str) -> None:
    assert installed("pip install flask", above=f"ENV {name}=x\n") == f"(uv does not read {name})"
    assert installed("pip install flask", above=f"ARG {name}\n") == f"(uv does not read {name})"


@pytest.mark.parametrize(("name", "twin"), TWINS.items())
def test_variable_with_a_twin_is_handed_over(name: str, twin: str) -> None:
    assert installed("pip install flask", above=f"ENV {name}=x\n").startswith(f'{twin}="${name}" uv pip install')
    assert installed(f"{name}=x pip install flask") == f"(the RUN itself sets {name})"


def test_indexes_of_uv_in_the_file_decide() -> None:
    above = "ENV PIP_INDEX_URL=https://a.example.org UV_DEFAULT_INDEX=https://b.example.org\n"
    assert installed("pip install flask", above=above) == f"{PLAIN} flask"


@pytest.mark.parametrize(
    "tag",
    [
        "3.8",
        "3.8.20-slim",
        "3.14-alpine",
        "3",
        "latest",
        "slim",
        "3-slim-bookworm",
        "alpine3.20",
        "bullseye",
        "3.13-rc",
    ],
)
def test_official_python_that_uv_supports(tag: str) -> None:
    assert installed("pip install flask", base=f"python:{tag}") == f"{PLAIN} flask"


@pytest.mark.parametrize(
    "base",
    ["python:2", "python:2.7-slim", "python:3.7", "python:3.6-alpine", "python:alpine3.6", "python:onbuild",
     "pypy:3.10", f"python@sha256:{'0' * 64}", "arm32v5/python:3.11", "ubuntu:18.04", "debian:10", "alpine:3.20",
     "node:20", "scratch", "continuumio/miniconda3", "example.org/python:3.11", "$BASE"],
)  # fmt: skip
def test_other_bases_are_refused(base: str) -> None:
    assert installed("pip3 install flask", base=base).startswith("(")


@pytest.mark.parametrize(
    ("program", "python"),
    [
        ("/opt/venv/bin/pip", "/opt/venv/bin/python"),
        ("/opt/venv/bin/pip3", "/opt/venv/bin/python3"),
        ("/opt/venv/bin/pip3.11", "/opt/venv/bin/python3.11"),
        ("/opt/venv/bin/python -m pip", "/opt/venv/bin/python"),
        ('"/opt/venv/bin/pip"', '"/opt/venv/bin/python"'),
    ],
)
def test_environment_by_its_path(program: str, python: str) -> None:
    after = installed(f"{program} install flask", above="RUN python -m venv /opt/venv\n")
    assert after == f"uv pip install --python {python} --compile-bytecode --link-mode=copy flask"


@pytest.mark.parametrize(
    "program", ["pip", "pip3", "pip3.11", "python -m pip", "python3.11 -mpip", "/usr/local/bin/pip"]
)
def test_names_of_the_official_python(program: str) -> None:
    assert installed(f"{program} install flask") == f"{PLAIN} flask"


@pytest.mark.parametrize(
    "command",
    ["pip3.9 install flask", "python3.9 -m pip install flask", "/srv/x/bin/pip install flask", "sudo pip install flask",
     "python -W ignore -m pip install flask", "PATH=/srv/bin:$PATH pip install flask",
     "export PATH=/srv/bin:$PATH && pip install flask", "virtualenv -p python2 /srv/x && /srv/x/bin/pip install flask",
     "conda activate base && pip install flask", "pip install", "pip install $PACKAGES", "pip install -r /dev/stdin"],
)  # fmt: skip
def test_a_call_that_may_mean_something_else_is_refused(command: str) -> None:
    assert installed(command).startswith("(")


@pytest.mark.parametrize(("pip", "is_held"), [("pip==24.0", True), ("'pip<24.1'", True), ("'pip>=20,<24'", True),
                                              ("pip~=23.0", True), ("'pip>=23'", False), ("pip", False),
                                              ("pip-tools==7", False), ("'pip!=24.1'", False),
                                              ("'setuptools<58'", True), ("setuptools==57.5", True),
                                              ("'setuptools>=60'", False)])  # fmt: skip
def test_pip_held_at_a_version_is_wanted_as_it_is(pip: str, is_held: bool) -> None:
    after = installed("pip install flask", above=f"RUN pip install {pip} six\n")
    assert after.startswith("(pip or setuptools is held at a version") == is_held
