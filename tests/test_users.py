"""Who a USER is: what base images bring, and what the RUNs of a file create."""

from __future__ import annotations

import pytest

from rewriter.model.stages import StageGraph
from rewriter.model.state import States
from rewriter.model.users import ROOT, Account, account_of, find_account
from rewriter.syntax.parser import parse


def account_at_end(text: str) -> Account | None:
    graph = StageGraph(parse(text))
    return find_account(States(graph).at_end(graph.stages[-1]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM debian:12\n", ROOT),
        ("FROM python:3.11\nUSER root\n", ROOT),
        ("FROM python:3.11\nUSER 0:0\n", ROOT),
        ("FROM node:20\nUSER node\n", Account("node", 1000, 1000, "/home/node")),
        ("FROM node:20\nUSER 1000\n", Account("node", 1000, 1000, "/home/node")),
        ("FROM debian:12\nRUN useradd -u 1001 app\nUSER app\n", Account("app", 1001, 1001, "/home/app")),
        ("FROM debian:12\nRUN useradd -m app\nUSER app\n", Account("app", 1000, 1000, "/home/app")),
        ("FROM debian:12\nRUN useradd -m -d /srv/x app\nUSER app\n", Account("app", 1000, 1000, "/srv/x")),
        (
            "FROM debian:12\nRUN groupadd -g 70 web && useradd -u 71 -g web --home-dir=/srv app\nUSER app\n",
            Account("app", 71, 70, "/srv"),
        ),
        (
            "FROM alpine:3\nRUN addgroup -g 9 web && adduser -D -u 10 -G web app\nUSER app:web\n",
            Account("app", 10, 9, "/home/app"),
        ),
        (
            "FROM debian:12\nRUN adduser --disabled-password --gecos '' --uid 7 app\nUSER 7\n",
            Account("app", 7, 7, "/home/app"),
        ),
        (
            "FROM debian:12\nARG UID=1234\nRUN useradd -u $UID -mU app\nUSER app\n",
            Account("app", 1234, 1234, "/home/app"),
        ),
        (
            "FROM debian:12 AS base\nRUN useradd -u 5 app\nUSER app\nFROM base\nRUN true\n",
            Account("app", 5, 5, "/home/app"),
        ),
        ("FROM ghcr.io/a/b\nRUN apt-get update\n", ROOT),
    ],
)  # fmt: skip
def test_known_users(text: str, expected: Account) -> None:
    assert account_at_end(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "FROM ghcr.io/a/b\n",  # its user is not known
        "FROM ghcr.io/a/b\nRUN sudo apt-get update\n",
        "FROM debian:12\nUSER app\n",  # nobody creates it
        "FROM debian:12\nUSER 1001\n",  # no such user: it has no home
        "FROM debian:12\nRUN useradd -r app\nUSER app\n",  # the next free one below 1000
        "FROM debian:12\nRUN useradd a && useradd b\nUSER b\n",  # the second
        "FROM ubuntu:24.04\nRUN useradd app\nUSER app\n",  # 1000 is taken
        "FROM debian:12\nRUN useradd -u $UID app\nUSER app\n",
        "FROM debian:12\nRUN useradd -u 1001 -g web app\nUSER app\n",  # which number has web?
        "FROM debian:12\nUSER $NAME\n",
        "FROM debian:12\nUSER root:web\n",
    ],
)
def test_users_that_are_not_known(text: str) -> None:
    assert account_at_end(text) is None


@pytest.mark.parametrize(
    ("owner", "ids"), [("web", (2000, 3000)), ("web:web", (2000, 3000)), ("2000:5", (2000, 5)), ("web:other", None)]
)
def test_who_an_owner_is(owner: str, ids: tuple[int, int] | None) -> None:
    graph = StageGraph(parse("FROM debian:12\nRUN groupadd -g 3000 web && useradd -u 2000 -g web web\n"))
    account = account_of(owner, States(graph).at_end(graph.stages[-1]))
    assert (account and (account.uid, account.gid)) == ids
