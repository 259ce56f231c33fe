"""Which folder is the build context of a Dockerfile."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from rewriter.model.context import evidence as context_evidence
from rewriter.model.context.discovery import discover, local_sources
from rewriter.model.context.documents import load_yaml
from rewriter.syntax.parser import parse
from tests.test_context import make


def test_what_copy_takes_from_the_context() -> None:
    text = (
        "FROM x AS y\nARG D=app\n"
        "COPY a b /x\nADD http://a/b git@github.com:a/b.git https://github.com/a/b.git c /x\n"
        'COPY --from=y d /x\nCOPY <<E e /x\nE\nCOPY $D/f $UNKNOWN/g /x\nCOPY ["h i", "/x"]\n'
        "COPY 'j' /x\nONBUILD COPY k /x\nCOPY l\n"
    )
    assert [path for paths in local_sources(parse(text)) for path in paths] == ["a", "b", "c", "e", "app/f", "h i", "j"]


def found(root: Path, dockerfile: str, text: str = "FROM x\nCOPY . .\n", *, needed: Sequence[str] = ()) -> str | None:
    """The context as a path from the root; None where it is not known."""
    context = discover(str(root / dockerfile), parse(text), needed=needed)
    return None if context.root is None else os.path.relpath(context.root, root)


def test_discovery_takes_the_only_folder_that_fits(tmp_path: Path) -> None:
    make(tmp_path, ".git/", "web/Dockerfile", "web/package.json", "requirements.txt", "docker/Dockerfile")
    assert found(tmp_path, "web/Dockerfile", "FROM x\nCOPY package.json .\n") == "web"
    assert found(tmp_path, "web/Dockerfile", "FROM x\nCOPY web/package*.json .\n") == "."
    assert found(tmp_path, "docker/Dockerfile", "FROM x\nCOPY requirements.txt .\n") == "."
    assert found(tmp_path, "Dockerfile", "FROM x\nCOPY . .\n") == "."


def test_a_pattern_may_match_nothing_beside_a_source_that_is_there(tmp_path: Path) -> None:
    make(tmp_path, ".git/", "web/package.json")
    assert found(tmp_path, "web/Dockerfile", "FROM x\nCOPY package.json yarn.lock* pnpm-lock.yaml* ./\n") == "web"
    assert found(tmp_path, "web/Dockerfile", "FROM x\nCOPY package.json\\\n yarn.lock ./\n") is None
    assert found(tmp_path, "web/Dockerfile", "FROM x\nCOPY yarn.lock* pnpm-lock.yaml* ./\n") is None


def test_discovery_does_not_guess(tmp_path: Path) -> None:
    make(tmp_path, ".git/", "web/package.json", "package.json")
    assert found(tmp_path, "web/Dockerfile", "FROM x\nCOPY package.json .\n") is None
    assert found(tmp_path, "web/Dockerfile", "FROM x\nCOPY . .\n") is None
    assert found(tmp_path, "web/Dockerfile", "FROM x\nCOPY missing .\n") is None


def test_without_a_repository_only_the_own_folder_counts(tmp_path: Path) -> None:
    make(tmp_path, "web/a", "b")
    assert found(tmp_path, "web/Dockerfile", "FROM x\nCOPY a .\n") == "web"
    assert found(tmp_path, "web/Dockerfile", "FROM x\nCOPY b .\n") is None


def test_what_the_user_says_wins(tmp_path: Path) -> None:
    dockerfile = parse("FROM x\nCOPY missing .\n")
    path = str(tmp_path / "Dockerfile")
    assert discover(path, dockerfile, explicit="a", configured="b").root == "a"
    assert discover(path, dockerfile, configured="b").root == "b"


def test_files_that_a_run_needs_decide_between_folders(tmp_path: Path) -> None:
    make(tmp_path, ".git/", "web/requirements.txt", "web/Dockerfile", "main.py", "web/main.py")
    assert found(tmp_path, "web/Dockerfile", needed=["requirements.txt"]) == "web"
    assert found(tmp_path, "web/Dockerfile", needed=["main.py"]) is None
    assert found(tmp_path, "web/Dockerfile", needed=["none"]) is None
    assert found(tmp_path, "Dockerfile", needed=["none"]) == "."  # only one fits: the file may come to be in the build


def test_a_folder_whose_ignore_file_hides_a_source_does_not_fit(tmp_path: Path) -> None:
    make(tmp_path, ".git/", "web/package.json", "package.json", ignore="*\n!web\n")
    assert found(tmp_path, "web/Dockerfile", "FROM x\nCOPY package.json .\n") == "web"


def test_the_ignore_file_of_the_dockerfile_is_known(tmp_path: Path) -> None:
    make(tmp_path, ".git/", "web/a", "docker/Dockerfile", "docker/Dockerfile.dockerignore")
    context = discover(str(tmp_path / "docker/Dockerfile"), parse("FROM x\nCOPY web web\n"))
    assert context.ignore_path == "docker/Dockerfile.dockerignore"
    context = discover(str(tmp_path / "docker/Dockerfile"), parse("FROM x\n"), explicit=str(tmp_path / "web"))
    assert context.ignore_path == "../docker/Dockerfile.dockerignore"


# What the project says


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make(tmp_path, ".git/", "web/Dockerfile", "web/dev.Dockerfile", "api/Dockerfile", "api/a", "web/a", "a")


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        ("web", "web"),
        ("./web/", "web"),
        ("{context: ., dockerfile: web/Dockerfile}", "."),
        ("{context: web}", "web"),
        ("{dockerfile: ./web/Dockerfile}", "."),
        ("{context: api, dockerfile: ../web/Dockerfile}", "api"),
        ("{context: web, dockerfile: dev.Dockerfile}", None),
        ("{context: web, dockerfile_inline: FROM x}", None),
        ("api", None),
        ("$FOLDER", None),
        ("'${FOLDER:-web}'", None),
        ("{context: web, dockerfile: '${FILE}'}", None),
        ("https://github.com/example/web.git", None),
        ("{context: 'git@example.com:web.git', dockerfile: web/Dockerfile}", None),
        ("{context: ''}", None),
        ("[web]", None),
        ("5", None),
        ("nowhere", None),
    ],
)
def test_compose_files_name_contexts(project: Path, build: str, expected: str | None) -> None:
    write(project, "compose.yaml", f"services:\n  db: {{image: postgres}}\n  web:\n    build: {build}\n")
    assert found(project, "web/Dockerfile") == expected


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("compose.yaml", True),
        ("compose.yml", True),
        ("docker-compose.yml", True),
        ("docker-compose.prod.yaml", True),
        ("web/docker-compose-dev.yml", False),
        ("composer.yml", False),
        ("api/compose.yml", False),
        ("other.yml", False),
    ],
)
def test_compose_files_are_found_up_to_the_repository(project: Path, name: str, counts: bool) -> None:
    write(project, name, "services: {web: {build: {context: ., dockerfile: web/Dockerfile}}}\n")
    assert found(project, "web/Dockerfile") == ("." if counts else None)


def test_compose_of_other_shapes(project: Path) -> None:
    write(
        project,
        "web/compose.yml",
        "x: &x {build: {context: .., dockerfile: web/Dockerfile}}\nservices: {a: *x, b: *x}\n",
    )
    assert found(project, "web/Dockerfile") == "."
    write(project, "web/compose.yml", "web:\n  build: .\ndb:\n  image: postgres\n")  # before there were services
    assert found(project, "web/Dockerfile") == "web"
    # What such a file leaves out stands in the file that it adds to, and an extended service's in another one.
    write(project, "web/compose.yml", "services: {a: {extends: {service: b}, build: {dockerfile: Dockerfile}}}\n")
    assert found(project, "web/Dockerfile") is None
    write(project, "web/docker-compose.dev.yml", "services: {a: {build: {dockerfile: Dockerfile}}}\n")
    assert found(project, "web/Dockerfile") is None


@pytest.mark.parametrize("text", ["build: [", "\0build", "a: b: build", "build: !x {}", "&a [*a, build]", "- build"])
def test_broken_files_say_nothing(project: Path, text: str) -> None:
    write(project, "compose.yaml", text)
    write(project, ".github/workflows/ci.yml", text + " docker build .")
    assert found(project, "web/Dockerfile") is None
    assert found(project, "web/Dockerfile", "FROM x\nCOPY api/a .\n") == "."


def test_named_evidence_that_disagrees_decides_nothing(project: Path) -> None:
    write(project, "compose.yaml", "services: {web: {build: web}}\n")
    assert found(project, "web/Dockerfile", "FROM x\nCOPY api/a .\n") == "web"
    write(project, "docker-compose.yml", "services: {web: {build: {context: ., dockerfile: web/Dockerfile}}}\n")
    assert found(project, "web/Dockerfile", "FROM x\nCOPY api/a .\n") is None


def test_a_file_that_changes_is_read_again(project: Path) -> None:
    write(project, "compose.yaml", "services: {web: {build: web}}\n")
    assert found(project, "web/Dockerfile") == "web"
    write(project, "compose.yaml", "services: {web: {build: {context: ., dockerfile: web/Dockerfile}}}\n")
    assert found(project, "web/Dockerfile") == "."


def workflow(steps: str, *, job: str = "", top: str = "") -> str:
    return f"on: push\n{top}jobs:\n  build:\n    runs-on: x\n{job}    steps:\n{steps}"


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ("{context: web}", "web"),
        ("{context: ./web, push: true}", "web"),
        ("{context: ., file: ./web/Dockerfile}", "."),
        ("{file: web/Dockerfile}", "."),
        ("{context: api, file: web/Dockerfile}", "api"),
        ("{context: '${{ matrix.folder }}'}", None),
        ("{context: web, file: '${{ matrix.file }}'}", None),
        ("{context: '{{defaultContext}}:web'}", None),
        ("{context: 'https://github.com/example/web.git#main'}", None),
        ("{context: api}", None),
        ("{}", None),
    ],
)
def test_build_steps_name_contexts(project: Path, inputs: str, expected: str | None) -> None:
    steps = f"      - uses: actions/checkout@v4\n      - uses: docker/build-push-action@v6\n        with: {inputs}\n"
    write(project, ".github/workflows/image.yaml", workflow(steps))
    assert found(project, "web/Dockerfile") == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("docker build web", "web"),
        ("docker build -t x:$TAG --pull -f web/Dockerfile .", "."),
        ("docker build . --file web/Dockerfile --tag x:$(date +%s)", "."),
        ("docker buildx build --platform=linux/amd64 --push --file=web/Dockerfile .", "."),
        ("sudo docker image build -q web", "web"),
        ("docker login -u x && DOCKER_BUILDKIT=1 docker build -t x ./web && docker push x", "web"),
        ("make\ndocker build -t x \\\n  --build-arg A=1 \\\n  web\n", "web"),
        ("docker build -t ${{ env.X }}/y:${{ github.sha }} web", "web"),
        ("cd web && docker build .", None),
        ("(cd web; docker build .)", None),
        ("docker build $FOLDER", None),
        ("docker build ${{ matrix.folder }}", None),
        ("docker build -f $FILE .", None),
        ("docker build -t x - < web/Dockerfile", None),
        ("docker build --new-option web", None),
        ("docker build $OPTIONS web", None),
        ("docker build https://github.com/example/web.git", None),
        ("echo docker build web", None),
        ("docker build -f web/Dockerfile -f web/Dockerfile .", None),
        ("if true; then docker build web; fi", None),
    ],
)
def test_scripts_name_contexts(project: Path, command: str, expected: str | None) -> None:
    script = "".join(f"          {line}\n" for line in command.split("\n"))
    write(project, ".github/workflows/ci.yml", workflow(f"      - run: |\n{script}"))
    assert found(project, "web/Dockerfile") == expected


def test_the_folder_of_a_script(project: Path) -> None:
    run = "      - run: docker build -f Dockerfile ..\n"
    write(project, ".github/workflows/ci.yml", workflow(run))
    assert found(project, "web/Dockerfile") is None
    write(project, ".github/workflows/ci.yml", workflow(run + "        working-directory: web\n"))
    assert found(project, "web/Dockerfile") == "."
    defaults = "defaults: {run: {working-directory: web}}\n"
    write(project, ".github/workflows/ci.yml", workflow(run, job=f"    {defaults}"))
    assert found(project, "web/Dockerfile") == "."
    write(project, ".github/workflows/ci.yml", workflow(run, top=defaults))
    assert found(project, "web/Dockerfile") == "."
    write(project, ".github/workflows/ci.yml", workflow(run + "        working-directory: $X\n", top=defaults))
    assert found(project, "web/Dockerfile") is None


def test_a_job_that_checks_out_elsewhere_says_nothing(project: Path) -> None:
    steps = "      - uses: actions/checkout@v4\n        with: {path: src}\n      - run: docker build web\n"
    write(project, ".github/workflows/ci.yml", workflow(steps))
    assert found(project, "web/Dockerfile") is None


def test_the_parser_of_yaml_is_loaded_only_for_files_that_speak_of_builds(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ruamel.yaml", None)  # an import of it fails now
    write(project, "compose.yaml", "services: {web: {image: x}}\n")
    write(project, ".github/workflows/ci.yml", workflow("      - run: make build\n"))
    assert found(project, "web/Dockerfile", "FROM x\nCOPY api/a .\n") == "."
    write(project, "compose.yaml", "services: {web: {build: web}}\n")
    with pytest.raises(ImportError):
        found(project, "web/Dockerfile")


def test_a_file_is_parsed_once_for_many_dockerfiles(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[bytes] = []

    def counted(data: bytes) -> object:
        loaded.append(data)
        return load_yaml(data)

    monkeypatch.setattr(context_evidence, "load_yaml", counted)
    write(project, "compose.yaml", "services: {web: {build: web}, api: {build: api}}\n")
    for _ in range(3):
        assert (found(project, "web/Dockerfile"), found(project, "api/Dockerfile")) == ("web", "api")
    assert len(loaded) == 1
