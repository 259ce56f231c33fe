"""Real images compared: two builds of one file are the same, and what is broken on purpose is named."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from rewriter import engine as rewriter_engine
from rewriter.fixing.fixer import Level
from rewriter.fixing.registry import load_fixers, select
from rewriter.model.context.build_context import BuildContext
from rewriter.verify.allowed import allowed
from rewriter.verify.configuration import compare_configuration
from rewriter.verify.engine.builder import Engine, Recipe, open_engine
from rewriter.verify.files.compare_files import compare_files
from rewriter.verify.files.image import Image
from rewriter.verify.files.libraries import compare_libraries
from rewriter.verify.files.snapshot import read
from rewriter.verify.files.steady import unsteady
from rewriter.verify.report import Allowed, Check

pytestmark = [pytest.mark.e2e, pytest.mark.long]

APPS = Path(__file__).parent / "apps"
FIXERS = select(load_fixers(), level=Level.GUARDED)
NOTHING = Allowed({})


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine() as opened:
        yield opened


def made(engine: Engine, dockerfile: str, context: Path, ignore: str = "") -> Image:
    """An image from a text, built with cold caches of its own."""
    built = engine.build(Recipe(dockerfile, context, ignore), engine.new_space())
    with engine.export(built.identity) as stream:
        return Image(read(stream), engine.configuration(built.identity))


def files(before: Image, after: Image, permission: Allowed = NOTHING, again: Image | None = None) -> Check:
    both = (before, after, permission)
    return compare_files(*both, unsteady(before, again)) if again else compare_files(*both)


@pytest.mark.parametrize("name", ["fastapi", "npm", "pnpm", "python-user"])
def test_an_application_before_and_after(name: str, engine: Engine) -> None:
    context = BuildContext(str(APPS / name))
    text = (APPS / name / "Dockerfile").read_text("utf-8")
    outcome = rewriter_engine.fix(text, FIXERS, context=lambda _: context)
    assert outcome.applied
    ignores = {companion.path: companion.after for companion in outcome.companions}
    permission = allowed(FIXERS, {fix.code for fix in outcome.applied})
    before, again = (made(engine, text, APPS / name, context.ignore_text) for _ in range(2))
    after = made(engine, outcome.after, APPS / name, ignores.get(context.ignore_path, context.ignore_text))
    assert files(before, again, again=again).failures == ()
    assert files(before, after, permission, again).failures == ()
    assert compare_libraries(before, after).failures == ()
    assert compare_configuration(before.configuration, after.configuration, permission).failures == ()


BASE = """\
FROM debian:12
RUN useradd --create-home app
RUN mkdir /srv/shop && echo one > /srv/shop/one && echo two > /srv/shop/two && chown -R app /srv/shop
RUN cp /bin/ls /srv/shop/list && cp /lib/x86_64-linux-gnu/libselinux.so.1 /opt/ && ldconfig
WORKDIR /srv/shop
USER app
CMD ["./list"]
"""


@cache
def base(engine: Engine, context: Path) -> Image:
    return made(engine, BASE, context)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("empty")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("rm /srv/shop/two", ["/srv/shop/two is lost"]),
        ("rm -r /srv/shop/one /srv/shop/two", ["/srv/shop/one is lost", "/srv/shop/two is lost"]),
        ("chown root /srv/shop/one", ["/srv/shop/one: owner 1000:0, now owner 0:0"]),
        ("chown root /srv/shop/one && chmod 600 /srv/shop/one", ["unreadable for user app"]),
        ("chmod 700 /srv && chown root /srv", ["/srv: mode 0755, now mode 0700", "unreadable for user app"]),
        ("echo three > /srv/shop/two", ["/srv/shop/two: file, 4 B"]),
        ("dpkg --purge --force-all libselinux1", ["libselinux1 is lost"]),
    ],
)
def test_what_is_broken_is_named(command: str, expected: list[str], engine: Engine, empty: Path) -> None:
    broken = BASE.replace("WORKDIR", f"RUN {command}\nWORKDIR").replace("chown -R app", "chown -R app:0")
    before = made(engine, BASE.replace("chown -R app", "chown -R app:0"), empty)
    found = files(before, made(engine, broken, empty))
    for words in expected:
        assert words in found.summary


def test_a_missing_library_is_named(engine: Engine, empty: Path) -> None:
    after = made(engine, BASE.replace("WORKDIR", "RUN dpkg --purge --force-all libselinux1\nWORKDIR"), empty)
    before = base(engine, empty)
    found = compare_libraries(before, after)
    assert "libselinux.so.1" in [difference.subject for difference in found.failures]


def test_what_the_engines_linker_finds_is_what_is_found(engine: Engine, empty: Path) -> None:
    before = base(engine, empty)
    assert compare_libraries(before, before).failures == ()
    assert files(before, made(engine, BASE, empty)).failures == ()
