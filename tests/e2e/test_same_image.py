"""Real builds before and after: what a safe fixer leaves as it was, and what the others change on purpose."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from rewriter import engine
from rewriter.fixing.registry import load_fixers
from tests.e2e.docker import config, image, run

pytestmark = pytest.mark.e2e

FIXERS = load_fixers()
EXAMPLE = Path(__file__).parents[2] / "examples" / "hello"

VALUES = [
    "".join(parts)
    for first, glue, second in itertools.product(
        [
            "a", "'b  c'", '"d  e"', "$OLD", "${OLD}", '"$OLD"', "'$OLD'", "f\\ g", "h\\\\i", '\\"', "\\'", "\\$OLD",
            '"\\$x"', '"\\n"',
        ],
        ["", " ", "  "],
        ["z", "'y $OLD'", '"x \\"w\\" $OLD"', "$OLD", "${OLD:-v}", "\\t", "s=t"],
    )
    for parts in [(first, glue, second)]
]  # fmt: skip


def fixed(text: str, *codes: str) -> str:
    """The text after the fixers named, all of which must have fired."""
    outcome = engine.fix(text, [fixer for fixer in FIXERS if fixer.code in codes])
    assert {applied.code for applied in outcome.applied} == set(codes)
    return outcome.after


def configs(before: str, after: str, context: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The configurations of both images."""
    with image(before, context) as old, image(after, context) as new:
        return config(old), config(new)


@pytest.mark.parametrize("keyword", ["ENV", "LABEL"])
def test_values_are_the_same_with_an_equals_sign(keyword: str, tmp_path: Path) -> None:
    lines = [f"{keyword} K{number} {value}" for number, value in enumerate(VALUES)]
    before = "FROM scratch\nENV OLD=old\n" + "\n".join(lines) + "\n"
    after = fixed(before, "DF603")
    still_legacy = [line for line in after.split("\n") if line.startswith(f"{keyword} ") and "=" not in line.split()[1]]
    old, new = configs(before, after, tmp_path)
    assert old == new
    assert len(still_legacy) < len(VALUES) / 3, still_legacy


def test_author_becomes_a_label(tmp_path: Path) -> None:
    for author in ['Ada "$crooge" \\ Lovelace <ada@example.com>', "It's $HOME", '"A \\"B\\" <x@y>"']:
        before = f"FROM scratch\nENV HOME=/x\nMAINTAINER {author}\n"
        old, new = configs(before, fixed(before, "DF604"), tmp_path)
        label = new["Labels"]["org.opencontainers.image.authors"]
        assert label in (old["Author"], old["Author"][1:-1].replace('\\"', '"'))


def test_spelling_changes_no_image(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content\n")
    before = """\
from --platform=$TARGETPLATFORM scratch AS Base
WORKDIR srv
WORKDIR app
copy file ./
ENTRYPOINT ["old"]
CMD ["old"]
HEALTHCHECK CMD old

FROM base as Final
COPY --from=Base /srv/app/file /copy
COPY --from=0 /srv/app/file \\

    /copy2
EXPOSE 80/TCP 53/Udp
ENTRYPOINT ["a"]
CMD ["one"]
ENTRYPOINT ["b"]
CMD ["two"]
HEALTHCHECK --interval=5s CMD ["x"]
HEALTHCHECK --timeout=7s CMD ["y"]
ONBUILD COPY --from=Base /a /b
"""
    after = fixed(before, "DF404", "DF601", "DF602", "DF605", "DF606", "DF607", "DF608", "DF609")
    old, new = configs(before, after, tmp_path)
    assert old["OnBuild"] == ["COPY --from=Base /a /b"]
    assert old == new


APT = """\
FROM debian:12
# the lists
RUN apt update

# what we need
ENV DEBIAN_FRONTEND=noninteractive
RUN apt install tree \\
    # no question is asked for a package without dependencies
    && tree --version
RUN apt-get install -y less
"""


def test_stage_behind_from_must_be_lower_case(tmp_path: Path) -> None:
    before = "FROM scratch AS Base\nENV A=b\nFROM Base\nENV C=d\n"
    with pytest.raises(AssertionError, match="must be lowercase"), image(before, tmp_path):
        pass
    with image(fixed(before, "DF605"), tmp_path) as new:
        assert "A=b" in config(new)["Env"]


def test_apt_installs_the_same(tmp_path: Path) -> None:
    after = fixed(APT, "DF204", "DF309", "DF310")
    assert "apt-get update && apt-get install -y tree" in after
    with image(APT, tmp_path) as old, image(after, tmp_path) as new:
        for command in ("dpkg-query -W", "apt-mark showauto", "ls -A /usr/bin /etc/apt /var/lib/apt", "less --version"):
            assert run(old, "sh", "-c", command) == run(new, "sh", "-c", command), command


def test_an_install_that_would_ask_builds_with_the_flag(tmp_path: Path) -> None:
    before = "FROM debian:12\nRUN apt-get update && apt-get install git\n"
    with pytest.raises(AssertionError, match="exit code: 1"), image(before, tmp_path):
        pass
    with image(fixed(before, "DF310"), tmp_path) as new:
        assert run(new, "git", "--version").startswith("git version")


def test_upgrade_keeps_its_new_packages(tmp_path: Path) -> None:
    before = "FROM debian:12\nRUN apt update && apt upgrade -y\n"
    with image(before, tmp_path) as old, image(fixed(before, "DF309"), tmp_path) as new:
        assert run(old, "dpkg-query", "-W") == run(new, "dpkg-query", "-W")


def test_the_example_still_says_hello() -> None:
    before = (EXAMPLE / "Dockerfile").read_text()
    after = engine.fix(before, FIXERS).after
    assert after != before
    # As it stands the example does not build: `apt install` asks a question.
    with pytest.raises(AssertionError, match="exit code: 1"), image(before, EXAMPLE):
        pass
    with image(after, EXAMPLE) as new:
        assert run(new) == "hello"
