"""The laws of the result for files that nobody wrote: random pieces of the kind that the fixers look for."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rewriter import engine
from rewriter.fixing.registry import load_fixers
from tests import laws

FIXERS = load_fixers()

WORDS = [
    "a",
    "b c",
    '"d e"',
    "'f g'",
    "$H",
    "${I:-j}",
    "\\",
    "`",
    "=",
    "k=l",
    "#",
    "é",
    "--m=n",
    "\\\n  o",
    "\\\n\n p",
    "\\\n# it's q\n r",
    "\\  \n s",
]
COMMANDS = [
    "apt update",
    "apt-get update",
    "apt install x",
    "apt-get install -y y",
    "apt upgrade",
    "apt list",
    "echo z",
    "if true; then apt install w; fi",
    "cd /v",
    "set -e",
    "DEBIAN_FRONTEND=u apt-get install t",
    "zypper in s",
    "yum install r # q",
    "cat <<EOF",
]
LINES = [
    "FROM debian:12",
    "FROM debian:12 AS Base",
    "from Base as other",
    "FROM --platform=$TARGETPLATFORM x AS y",
    "COPY --from=Base /a /b",
    "COPY --from=0 a b",
    "COPY . .",
    "RUN --mount=from=Base,target=/a true",
    'RUN ["apt", "update"]',
    "RUN \\",
    "WORKDIR a",
    "WORKDIR /b",
    "WORKDIR $C",
    "EXPOSE 80/TCP",
    'MAINTAINER Ada "A" <a@b>',
    "MAINTAINER 'x'",
    'CMD ["a"]',
    "cmd b",
    "ENTRYPOINT c",
    "HEALTHCHECK NONE",
    "HEALTHCHECK CMD d",
    "ONBUILD RUN apt install e",
    "ONBUILD ENV F g",
    "Arg H",
    "LABEL i j",
    "ENV http_proxy=x",
    "env K = v",
    'SHELL ["/bin/bash", "-c"]',
    "USER root",
    "# a comment",
    "# it's # another",
    "#",
    "# ---- heading ----",
    "# hadolint ignore=DL3027",
    "# dfix: ignore",
    "# dfix: ignore-file[DF601]",
    "",
    "\t",
    "RUN <<EOF\napt update\nEOF",
    "CMD e \\\n",
]


@st.composite
def commands(draw: st.DrawFn) -> str:
    parts = draw(st.lists(st.sampled_from(COMMANDS), min_size=1, max_size=4))
    glue = draw(
        st.lists(
            st.sampled_from([" && ", "; ", " || ", " | ", " && \\\n    ", " \\\n\n  && ", " \\\n# c\n && "]),
            min_size=4,
            max_size=4,
        )
    )
    return (
        "RUN " + "".join(part + joint for part, joint in zip(parts, glue, strict=False))[: -len(glue[len(parts) - 1])]
    )


@st.composite
def values(draw: st.DrawFn) -> str:
    keyword = draw(
        st.sampled_from(["ENV", "env", "LABEL", "ARG", "MAINTAINER", "EXPOSE", "WORKDIR", "STOPSIGNAL", "VOLUME"])
    )
    return f"{keyword} K " + draw(st.sampled_from(["", " "])).join(
        draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5))
    )


@st.composite
def files(draw: st.DrawFn) -> str:
    lines = draw(st.lists(st.one_of(st.sampled_from(LINES), commands(), values()), max_size=14))
    head = draw(
        st.sampled_from(["", "# syntax=docker/dockerfile:1\n", "# escape=`\n", "\ufeff", "ARG V=1\n", "# header\n\n"])
    )
    text = head + "FROM debian:12\n" + "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n", "\r\n"]))
    return text.replace("\n", "\r\n") if draw(st.booleans()) and "\r" not in text else text


@given(files())
@settings(deadline=None, max_examples=600, suppress_health_check=list(HealthCheck))
def test_laws_hold_for_random_files_with_all_fixers(text: str) -> None:
    laws.check(text, lambda it: engine.fix(it, FIXERS))


@given(files())
@settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
def test_order_of_registration_means_nothing(text: str) -> None:
    assert engine.fix(text, FIXERS).after == engine.fix(text, FIXERS[::-1]).after
