"""Small applications as people write them, built before and after: both install the same and say the same."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import pytest
from _pytest.mark.structures import ParameterSet

from rewriter import engine, parse
from rewriter.fixing.fixer import Level
from rewriter.fixing.registry import load_fixers
from rewriter.model.context.build_context import BuildContext
from rewriter.syntax.text import decode, encode
from rewriter.syntax.tree import Run
from tests.e2e.docker import Build, answer, build, config, namespace, run

pytestmark = pytest.mark.e2e

APPS = Path(__file__).parent / "apps"
FIXERS = tuple(fixer for fixer in load_fixers() if fixer.level is Level.SAFE or fixer.code in ("DF201", "DF301"))
"""Those that install the same and leave the configuration as it is; all together are for `dfix verify` to prove."""
SESSION = namespace()

PIP = "pip list --format=freeze --disable-pip-version-check"
NPM = "npm ls --all"
DPKG = "dpkg-query -W && apt-mark showauto"
FILES = r"find . -name __pycache__ -prune -o ! -name .dockerignore -printf '%M %u:%g %p\n' | sort"
DOWNLOADED = "-type f -size +0 ! -name '*.log' ! -name CACHEDIR.TAG"

MOUNTED = frozenset({"DF202"})
MOVED = frozenset({"DF201", "DF202"})
PYTHON = frozenset({"DF201", "DF301"})


class Application(NamedTuple):
    """One application, and how to look at it."""

    folder: str
    fixers: frozenset[str]
    """What must be done about it."""
    packages: str
    """A command that lists what is installed."""
    source: str = ""
    """A file of the program that no install reads; empty where there is none."""
    sign: str = ""
    """What an install prints about a dependency."""
    server: tuple[int, str] = (0, "")
    """The port and the path that answer; a program without them prints something and ends."""
    dockerfile: str = "Dockerfile"
    unused: str = ""
    """A cache mount that stays empty, for there is nothing to download."""
    is_package: bool = False
    """Whether the project itself is installed as well, which needs its sources."""

    @property
    def id(self) -> str:
        return Path(self.folder, self.dockerfile).parent.as_posix()

    def copies(self, folder: Path) -> tuple[Path, Path]:
        """The application as it was and as it becomes, in folders of their own."""
        old, new = folder / "old", folder / "new"
        for copy in (old, new):
            shutil.copytree(APPS / self.folder, copy)
        upgrade(new, self.fixers, self.dockerfile)
        return old, new

    def space(self, folder: Path) -> str:
        """The caches of the builds in this run of the tests that start from folders called alike."""
        return f"{SESSION}-{self.id.replace('/', '-')}-{folder.name}"

    def build(self, folder: Path) -> AbstractContextManager[Build]:
        """The image of one of the copies."""
        return build(folder, dockerfile=self.dockerfile, space=self.space(folder))

    def lists(self, identity: str) -> dict[str, str]:
        """What stays as it was: the packages of an image, and the files of the application."""
        commands = (self.packages, FILES) if self.source else (self.packages,)
        return {command: run(identity, "sh", "-c", command) for command in commands}

    def lists_now(self, folder: Path) -> dict[str, str]:
        """The same for a copy that is built anew, without a layer of an earlier build."""
        with build(folder, dockerfile=self.dockerfile, space=namespace()) as built:
            return self.lists(built.identity)

    def says(self, identity: str) -> str:
        """What the program of an image says, without a network."""
        return answer(identity, *self.server) if self.server[0] else run(identity)


def upgrade(folder: Path, codes: frozenset[str], dockerfile: str = "Dockerfile") -> None:
    """Fix a Dockerfile whose context is a folder, and its companions; the fixers named must have fired."""
    path, context = folder / dockerfile, BuildContext(str(folder), dockerfile=dockerfile)
    outcome = engine.fix(decode(path.read_bytes()), FIXERS, context=lambda _: context, limit=Level.GUARDED)
    assert not outcome.broken_law, outcome.broken_law
    assert {applied.code for applied in outcome.applied} >= codes, outcome.skips
    path.write_bytes(encode(outcome.after))
    for companion in outcome.companions:
        (folder / companion.path).write_bytes(encode(companion.after))


APPLICATIONS = [
    Application(
        "fastapi", PYTHON | MOUNTED, f"{PIP} && {DPKG}", "main.py", "fastapi", (8000, "/?a=4"), unused="/var/cache/apt"
    ),
    Application("uv-package", MOVED, "uv pip freeze", "src/greeting/__init__.py", "+ tabulate", is_package=True),
    Application(
        "poetry",
        PYTHON | MOUNTED,
        PIP,
        "sales/report.py",
        "Installing tabulate",
        unused="/root/.cache/pypoetry/cache",
        is_package=True,
    ),
    Application("npm", MOVED, NPM, "server.js", "added ", (3000, "/")),
    Application("yarn", MOVED, "yarn --silent list", "months.js", "Linking dependencies"),
    Application("pnpm", MOVED, "pnpm ls --depth 9", "main.mjs", "+ chalk"),
    Application("go", MOUNTED, "go list -deps .", "main.go", server=(8080, "/you"), unused="/go/pkg/mod"),
    Application("apt", MOUNTED, DPKG),
    Application("python-user", PYTHON, PIP, "service.py", "Flask", (5000, "/")),
    Application("node-user", MOVED, NPM, "index.js", "added "),
    Application("monorepo", PYTHON, PIP, "backend/serve.py", "bottle", (8000, "/shops"), "backend/Dockerfile"),
    Application("monorepo", MOVED, NPM, "frontend/page.js", "added ", (3000, "/"), "frontend/Dockerfile"),
    Application("debian-python", PYTHON | MOUNTED, f"{PIP} && {DPKG}", "words.py", "inflect"),
    Application("npm-local-modules", MOVED, NPM, "main.js", "added "),
    Application("requirements-folder", PYTHON, PIP, "shop/__main__.py", "toolz"),
]


BRIEF = frozenset({"fastapi", "poetry", "npm", "pnpm", "go", "apt", "debian-python"})
"""What `make e2e-short` builds: one for each kind of manager; `make e2e` builds all."""


def as_parameters(applications: Iterable[Application]) -> list[ParameterSet]:
    """Applications for a test, those that are not brief marked as long."""
    return [pytest.param(it, id=it.id, marks=[] if it.folder in BRIEF else [pytest.mark.long]) for it in applications]


@pytest.mark.parametrize("application", as_parameters(APPLICATIONS))
def test_an_application_installs_and_says_the_same(application: Application, tmp_path: Path) -> None:
    old, new = application.copies(tmp_path)
    with application.build(old) as before, application.build(new) as after:
        assert config(before.identity) == config(after.identity)
        listed = application.lists(after.identity)
        # A package may have been released between the two builds: then the old Dockerfile installs it now, too.
        assert listed == application.lists(before.identity) or listed == application.lists_now(old)
        said = application.says(before.identity)
        assert said
        assert said == application.says(after.identity)


@pytest.mark.parametrize("application", as_parameters(APPLICATIONS))
def test_the_cache_mounts_hold_what_was_downloaded(application: Application, tmp_path: Path) -> None:
    _, new = application.copies(tmp_path)
    with application.build(new):
        dockerfile = parse((new / application.dockerfile).read_text())
    flags = {flag.value for run in dockerfile.instructions if isinstance(run, Run) for flag in run.mounts}
    probe = "FROM debian:12-slim\n"
    for flag in sorted(flags):
        fields = dict(field.partition("=")[::2] for field in flag.split(","))
        if fields["type"] == "cache" and fields["target"] != application.unused:
            probe += f"RUN --mount={flag} find {fields['target']} {DOWNLOADED} | grep --max-count=1 .\n"
    (tmp_path / "Dockerfile").write_text(probe)
    with build(tmp_path, space=application.space(new)) as probed:
        assert probed.ran
