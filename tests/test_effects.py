"""What instructions read, write and provide, and which of them must keep their order."""

from __future__ import annotations

import pytest

from rewriter.model.context.build_context import BuildContext
from rewriter.model.effects.instructions import Effects, common_path, conflict, effects, effects_of
from rewriter.model.effects.shell import steps
from rewriter.model.stages import StageGraph
from rewriter.model.state import States
from rewriter.syntax.parser import parse
from rewriter.syntax.tree import Run

CONTEXT = BuildContext.of_list(["app.py", "static/logo.svg", "usr/share/x"])


def effects_in(text: str, context: BuildContext = CONTEXT) -> list[Effects]:
    dockerfile = parse(text)
    states = States(StageGraph(dockerfile))
    return [effects_of(one, states.at(one), context) for one in dockerfile.instructions]


def of(line: str) -> Effects:
    return effects_in(f"FROM debian:12\nWORKDIR /srv/app\nENV DATA=/data\n{line}\n")[-1]


@pytest.mark.parametrize(
    ("command", "paths"),
    [
        ("rm -rf build /tmp/x", {"/srv/app/build", "/tmp/x"}),
        ("chmod 755 start.sh", {"/srv/app/start.sh"}),
        ("chown -R app:app /var/lib/app", {"/var/lib/app"}),
        ("sed -i 's/a/b/' conf/app.ini", {"/srv/app/conf/app.ini"}),
        ("mkdir -p $DATA/cache", {"/data/cache"}),
        ("rm -rf /var/lib/apt/lists/*", {"/var/lib/apt/lists"}),
        ("cd sub && touch x", {"/srv/app/sub/x"}),
        ("cd /opt; touch x; cd bin; touch y", {"/opt/x", "/opt/bin/y"}),
        ("echo hello > greeting", {"/srv/app/greeting"}),
        ("echo hello", set()),
        ("cp ~/x .", {"/root/x", "/srv/app"}),
        ("rm -rf $UNKNOWN/x", {"/"}),
        ("A=1 && rm -rf $A", {"/"}),
        ("if [ -d data ]; then mv data /data; fi", {"/srv/app/data", "/data"}),
        ("awk -f table.awk /etc/passwd", {"/srv/app/table.awk", "/etc/passwd"}),
        ("sed -n -f script /etc/passwd", {"/srv/app/script", "/etc/passwd"}),
        ("sed '/x/r part' /etc/passwd", {"/srv/app", "/etc/passwd"}),
        ("awk '{ print > \"out\" }' /etc/passwd", {"/srv/app", "/etc/passwd"}),
        ("grep -rq flask", {"/srv/app"}),
        ("grep -q flask /etc/x", {"/etc/x"}),
        ("grep -fwords /etc/x", {"/srv/app", "/etc/x"}),
        ("ls -la", set()),
        ("ls -la 2>/dev/null", set()),
        ("ls | wc -l", {"/srv/app"}),
        ("ls > /out", {"/srv/app", "/out"}),
        ("echo $(du -sh)", {"/srv/app"}),
    ],
)
def test_programs_touch_what_their_arguments_name(command: str, paths: set[str]) -> None:
    found = of(f"RUN {command}")
    assert found.unknown == ""
    assert found.touches == paths


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("./configure", "what `./configure` does is not known"),
        ("make", "what `make` does is not known"),
        ("curl -fsSL https://example.org/install | sh", "what `sh` does is not known"),
        ("npm install", "what `npm install` reads is not known"),
        ("echo `make`", "it holds shell that is not understood (`backticks`)"),
        ("echo $(make)", "what `make` does is not known"),
        ("for x in a; do rm $x; done", "it holds shell that is not understood (`for`)"),
        ("if true; then cd x; fi", "it holds shell that is not understood (`if`)"),
        ('["rm", "x"]', "it is in JSON form"),
        ("--mount=type=bind,source=a,target=/a rm x", "it mounts files of the build context"),
    ],
)
def test_what_cannot_be_told_is_unknown(command: str, reason: str) -> None:
    assert of(f"RUN {command}").unknown == reason


def test_a_mount_from_an_image_or_of_a_cache_changes_nothing() -> None:
    mounts = "--mount=from=ghcr.io/astral-sh/uv,source=/uv,target=/bin/uv --mount=type=cache,target=/root/.npm"
    assert of(f"RUN {mounts} rm x") == of("RUN rm x")


@pytest.mark.parametrize(
    "command",
    [
        "apt-get update && apt-get install -y curl",
        "apk add --no-cache git",
        "pip install --upgrade pip",
        "npm install -g typescript",
        "gem install bundler",
        "docker-php-ext-install opcache",
        "corepack enable",
    ],
)
def test_installers_by_name_leave_the_application_alone(command: str) -> None:
    found = of(f"RUN {command}")
    assert found.unknown == ""
    assert common_path(found.touches, ["/srv/app", "/usr/src/app", "/home/app"]) == ""
    assert common_path(found.writes, ["/usr/bin/curl"])


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("debconf-set-selections preseed", "/srv/app/preseed"),
        ("gpg --import key", "/srv/app/key"),
        ("apt-key add key", "/srv/app/key"),
        ("pecl install package.xml", "/srv/app/package.xml"),
        ("apk add --no-cache tool.apk", "/srv/app/tool.apk"),
        ("dnf install -y tool.rpm", "/srv/app/tool.rpm"),
        ("rustup show", "/srv/app/rust-toolchain.toml"),
        ("corepack install", "/srv/app"),
        ("corepack prepare --activate", "/srv/app"),
    ],
)
def test_installers_read_the_files_they_are_given(command: str, path: str) -> None:
    found = of(f"RUN {command}")
    assert found.unknown == ""
    assert path in found.reads


@pytest.mark.parametrize(
    "command",
    [
        "pecl install redis-6.0.2 xdebug-beta",
        "gpg --batch --keyserver keys.example.org --recv-keys ABCDEF",
        "rustup toolchain install 1.80.0",
        "corepack prepare pnpm@9.1.0 --activate",
        "dnf install -y glibc.i686 python3.11",
    ],
)
def test_names_of_packages_are_no_files(command: str) -> None:
    found = of(f"RUN {command}")
    assert found.unknown == ""
    assert common_path(found.touches, ["/srv/app"]) == ""


def test_a_folder_changed_inside_another_command_is_unknown() -> None:
    assert of("RUN echo $(cd x && cat y)").unknown == "it holds a `cd` inside another command"


def test_a_web_server_brings_its_pages() -> None:
    assert common_path(of("RUN apt-get install -y nginx").writes, ["/var/www/html"]) == "/var/www/html"
    assert common_path(of("RUN apt-get install -y curl").writes, ["/var/www/html"]) == ""


def test_a_copy_writes_its_folder_and_only_its_names_into_a_shared_one() -> None:
    text = "FROM debian:12\nWORKDIR /\nCOPY . .\nCOPY . /srv/x\nCOPY app.py /etc/\nCOPY --from=a /x /y\n"
    found = [one.writes for one in effects_in(text)[2:]]
    assert found == [{"/app.py", "/static", "/usr"}, {"/srv/x"}, {"/etc/app.py"}, {"/y"}]


def test_a_virtual_environment_is_made_anew() -> None:
    assert of("RUN python3 -m venv env").makes == {"/srv/app/env"}
    assert of("RUN virtualenv -p python3 /opt/env").makes >= {"/opt/env"}
    assert of("RUN uv venv").makes == {"/srv/app/.venv"}


def test_the_steps_of_a_run_know_their_folders() -> None:
    dockerfile = parse("FROM debian:12\nWORKDIR /a\nRUN set -e; cd b && ls && cd - && ls && export X=1\n")
    run = dockerfile.instructions[-1]
    assert isinstance(run, Run)
    found = list(steps(run, States(StageGraph(dockerfile)).at(run)))
    assert [step.folder for step in found] == ["/a", "/a", "/a/b", "/a/b", "", ""]
    assert [step.shell for step in found] == ["set", "cd", "", "cd", "", "other"]


def test_paths_meet_when_one_holds_the_other() -> None:
    assert common_path(["/a"], ["/a/b"]) == "/a/b"
    assert common_path(["/a/b"], ["/a"]) == "/a/b"
    assert common_path(["/a"], ["/ab"]) == ""
    assert common_path(["/"], ["/ab"]) == "/ab"


@pytest.mark.parametrize(
    ("first", "second", "meet"),
    [
        ("ENV A=1", "LABEL x=$A", True),
        ("ENV A=1", "LABEL x=y", False),
        ("ENV A=1", "RUN make", True),
        ("ENV A=1", "RUN echo hello > x", False),
        ("ENV A=1", "RUN echo $A > x", True),
        ("ENV PATH=/x", "RUN rm x", True),
        ("USER app", "RUN rm x", True),
        ("USER app", "COPY . /x", False),
        ("RUN useradd app", "COPY --chown=app . /x", True),
        ("RUN useradd app", "COPY --chown=10001:10001 . /x", False),
        ("WORKDIR /x", "COPY . .", True),
        ("WORKDIR /y", "COPY . /x", False),
        ("SHELL [\"bash\", \"-c\"]", "RUN rm x", True),
        ("EXPOSE 80", "RUN rm x", False),
        ("RUN rm /a", "RUN rm /b", False),
        ("RUN cat /a", "RUN rm /a", True),
        ("VOLUME /a", "RUN touch /a/b", True),
        ("ONBUILD RUN make", "COPY . /x", False),
    ],
)  # fmt: skip
def test_two_that_have_to_do_with_the_same_keep_their_order(first: str, second: str, meet: bool) -> None:
    one, other = effects_in(f"FROM debian:12\nWORKDIR /srv\n{first}\n{second}\n")[2:]
    assert bool(conflict(one, other)) == bool(conflict(other, one)) == meet


def test_effects_add_up() -> None:
    both = effects(reads=["/a"]) | effects(writes=["/b"], makes=["/c"])
    assert both == Effects(frozenset({"/a"}), frozenset({"/b"}), frozenset({"/c"}))
