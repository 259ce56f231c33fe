"""Ordinary projects as people write them, and what dfix has to do, and to leave alone, about the way that they run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from tests.e2e.program import Visit

FORM: Final = "application/x-www-form-urlencoded"
_PICTURE: Final = (
    b'--picture\r\nContent-Disposition: form-data; name="picture"; filename="hat.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\na very small picture of a hat\r\n--picture--\r\n"
)
_MULTIPART: Final = "multipart/form-data; boundary=picture"


class Project(NamedTuple):
    """A project, and how to look at it."""

    folder: str
    fires: frozenset[str]
    """What must be done about it."""
    skips: Mapping[str, str] = {}
    """What must not be done, each with a part of the reason; an empty reason where there is nothing to say."""
    port: int = 0
    visits: tuple[Visit, ...] = ()
    """Requests in their order, whose answers are the same before and after."""
    writes: tuple[str, ...] = ()
    """What its program has written in the end, by itself or because of the requests."""
    is_brief: bool = False
    """Whether `make e2e-short` looks at it, too: together those show each fixer once."""
    dockerfile: str = "Dockerfile"

    @property
    def id(self) -> str:
        return Path(self.folder, self.dockerfile).parent.as_posix()


def _codes(text: str) -> frozenset[str]:
    return frozenset(f"DF{number}" for number in text.split())


PROJECTS: Final = [
    Project(
        "fastapi-uploads",
        _codes("102 201 301 401 402"),
        port=8000,
        visits=(
            Visit("/health", "ok"),
            Visit("/pictures", "hat.txt", "POST", _PICTURE, _MULTIPART),
            Visit("/pictures/hat.txt", "a very small picture"),
        ),
        writes=("/app/pictures/hat.txt",),
    ),
    Project(
        "flask-extension",
        _codes("201 202 204 301 401 402"),
        port=8000,
        visits=(Visit("/health", "ok"), Visit("/variant/ada", "ada")),
    ),
    Project(
        "django-media",
        _codes("102 301 401 402 403"),
        port=8000,
        visits=(
            Visit("/", "No mail yet."),
            Visit("/", "", "POST", _PICTURE, _MULTIPART),
            Visit("/cards/hat.txt", "a very small picture"),
            Visit("/static/wall.css", "cornsilk"),
        ),
        writes=("/code/media/cards/hat.txt",),
    ),
    Project(
        "streamlit",
        _codes("201 202 301 304 401 402"),
        port=8501,
        visits=(Visit("/_stcore/health", "ok"), Visit("/", "<title>Streamlit</title>")),
    ),
    Project(
        "celery-worker",
        _codes("201 301 401 403"),
        {"DF402": "no port"},
        writes=("/app/done/reminders.txt",),
    ),
    Project(
        "scientific",
        _codes("102 201 301 304 401 402 403"),
        port=5000,
        visits=(
            Visit("/healthz", "fine"),
            Visit("/tide/3", "metres"),
            Visit("/chart", "today.png", "POST"),
            Visit("/charts/today.png", "PNG"),
        ),
        writes=("/tides/charts/today.png",),
    ),
    Project(
        "lxml-pillow",
        _codes("102 201 202 204 301 304 401 402"),
        port=8080,
        visits=(
            Visit("/ping", "pong"),
            Visit("/cards/whale", "Whale seen", "POST", b"<body><h1> Whale seen </h1></body>", "text/html"),
            Visit("/cards/whale", "PNG"),
        ),
        writes=("/srv/clippings/cards/whale.png",),
    ),
    Project(
        "entry-script",
        _codes("301 401 402"),
        port=8000,
        visits=(
            Visit("/health", "ok"),
            Visit("/", '"owls":3', "POST", b"team=owls&points=3", FORM),
            Visit("/", '"owls":3'),
        ),
        writes=("/app/scores/board.json",),
    ),
    Project(
        "psycopg2",
        _codes("101 202 301 401 402"),
        port=8000,
        visits=(
            Visit("/health", '"libpq":true'),
            Visit("/dsn", '"dbname":"ledger"'),
            Visit("/entries", "the database is away"),
        ),
    ),
    Project(
        "mysqlclient",
        _codes("101 202 301 304 401 402 403"),
        port=5000,
        visits=(Visit("/", "level \\&#39;B\\&#39;"), Visit("/places", '"error":2002')),
    ),
    Project(
        "python-ldap",
        _codes("101 202 301 402"),
        {"DF401": ""},
        port=8080,
        visits=(
            Visit("/healthz", "true"),
            Visit("/dn/Ada,Byron", "Ada\\\\,Byron"),
            Visit("/colleagues/Ada", "the directory is away"),
        ),
    ),
    Project(
        "cython-in-place",
        _codes("101 102 202 301 401 402"),
        port=8000,
        visits=(Visit("/health", '"compiled": true'), Visit("/primes/30", "23, 29")),
    ),
    Project(
        "cython-package",
        _codes("101 202 301 401 402"),
        port=8080,
        visits=(Visit("/health", "fine"), Visit("/", "....%")),
    ),
    Project(
        "poetry-compiled",
        _codes("101 202 301 401 402"),
        port=8000,
        visits=(
            Visit("/health", "ok"),
            Visit("/letters", "name", "POST", b"Dear Ida"),
            Visit("/letters/none", "no such letter"),
        ),
        writes=("/code/letters",),
    ),
    Project(
        "pipenv",
        _codes("101 202 301 401 402 502"),
        port=8000,
        visits=(Visit("/health", "up"), Visit("/moon/2024-02-29", "2024/3/25")),
    ),
    Project(
        "uv-sync",
        _codes("101 202 401 402"),
        port=8000,
        visits=(Visit("/health", "ok"), Visit("/shards/ada", '"shard":')),
    ),
    Project(
        "requirements-prod",
        _codes("101 102 202 301 304 401 402"),
        {"DF201": ""},
        port=8000,
        visits=(
            Visit("/", "Trains of today"),
            Visit("/health/", "ok"),
            Visit("/static/timetable.css", "darkred"),
            Visit("/trains/", "the database is away"),
        ),
    ),
    Project(
        "git-history",
        _codes("101 201 202 301 304 401 402"),
        port=8000,
        visits=(
            Visit("/", "Notes with a history"),
            Visit("/", "", "POST", b"Bought a kettle"),
            Visit("/", "Notes: Bought a kettle"),
        ),
        writes=("/app/repositories/notes/.git/HEAD",),
    ),
    Project(
        "services",
        _codes("202 301 401 402"),
        {"DF101": "the runtime would keep python:3.11", "DF102": "mmh3", "DF403": "$PORT"},
        port=8080,
        visits=(Visit("/ready", "true"), Visit("/baskets/5", '"price":2.0')),
        dockerfile="services/api/Dockerfile",
    ),
    Project(
        "guestbook",
        _codes("201 202 203 301 402 403"),
        {"DF401": "may make files that it writes to"},
        port=5000,
        visits=(
            Visit("/", "What a fine place."),
            Visit("/", "", "POST", b"name=Grace&says=Hello", FORM),
            Visit("/", "<b>Grace</b> Hello"),
        ),
        writes=("/guestbook/data/book.db",),
        is_brief=True,
    ),
    Project(
        "diary",
        _codes("401 402 403"),
        port=7000,
        visits=(
            Visit("/", "nothing yet"),
            Visit("/", "kept", "POST", b"It rained."),
            Visit("/", "It rained."),
        ),
        writes=("/diary/diary.db",),
        is_brief=True,
    ),
    Project(
        "log-file",
        _codes("102 401 402 403"),
        port=9000,
        visits=(Visit("/", "walk up"), Visit("/", "you are number 1", "POST")),
        writes=("/var/log/turnstile/passages.log",),
        is_brief=True,
    ),
    Project(
        "volume",
        _codes("201 301 401 402"),
        port=8080,
        visits=(
            Visit("/health", "well"),
            Visit("/2024-02-29", "noted", "PUT", b"A day that is rare."),
            Visit("/2024-02-29", "A day that is rare."),
        ),
        writes=("/var/lib/diary/2024-02-29.txt",),
    ),
    Project(
        "drop-box",
        _codes("202 502 602 603 608"),
        port=8080,
        visits=(Visit("/", "Leave your letter"), Visit("/", "took 5 bytes", "POST", b"hello")),
        writes=("/var/lib/drop-box/opened", "/var/log/drop-box/started"),
    ),
    Project(
        "port-80",
        _codes("102 202 402"),
        {"DF301": "upgrade", "DF401": "port 80"},
        port=80,
        visits=(Visit("/healthz", "true"), Visit("/fahrenheit/20", "68.0")),
    ),
    Project(
        "python-user",
        _codes("201 301 402"),
        {"DF401": ""},
    ),
    Project(
        "chown-copy",
        _codes("206 301 402 403"),
        {"DF401": ""},
        port=8000,
        visits=(
            Visit("/health", "green"),
            Visit("/plants/fern", '"fern": 1', "POST"),
            Visit("/plants", '"fern": 1'),
        ),
        writes=("/srv/plants/watered.json",),
        is_brief=True,
    ),
    Project(
        "web-and-worker",
        _codes("102 201 301 401"),
        {"DF402": "worker"},
        port=5000,
        visits=(Visit("/health", "true"), Visit("/recipes", "spelt")),
    ),
    Project(
        "bind-mount",
        _codes("402"),
        {"DF401": "/station/readings"},
        port=8000,
        visits=(
            Visit("/health", "ok"),
            Visit("/", "12 mm noted", "POST", b"12 mm"),
            Visit("/", "12 mm"),
        ),
        writes=("/station/readings/all.txt",),
    ),
    Project(
        "moving-tag",
        _codes("102 103 201 301 401 402 403"),
        port=8080,
        visits=(Visit("/status", "ok"), Visit("/lines/12", "35")),
        is_brief=True,
    ),
    Project(
        "gosu-entry",
        frozenset(),
        {"DF401": "gosu"},
        port=7000,
        visits=(Visit("/", "nobody yet"), Visit("/otter", "welcome", "POST"), Visit("/", "otter")),
        writes=("/zoo/animals/otter",),
    ),
    Project(
        "debian-web",
        _codes("102 202 401 402 403"),
        port=5000,
        visits=(
            Visit("/health", "ok"),
            Visit("/found/glove", "under a bench", "POST", b"where=under+a+bench", FORM),
            Visit("/found/glove", "under a bench"),
        ),
        writes=("/opt/lost-and-found/found/glove",),
    ),
    Project(
        "express",
        _codes("102 201 202 302 401 402 403"),
        port=3000,
        visits=(Visit("/health", "production"), Visit("/buses/31", "06:50"), Visit("/", "Buses of today")),
    ),
    Project(
        "npm-scripts",
        _codes("102 202 302 303 401 402"),
        port=3000,
        visits=(
            Visit("/healthz", "ok"),
            Visit("/notes", "lost umbrella", "POST", b"lost umbrella"),
            Visit("/notes", "lost umbrella"),
        ),
        writes=("/usr/src/app/notes/1.txt",),
        is_brief=True,
    ),
    Project(
        "nest",
        _codes("101 102 201 202 401 402"),
        port=3000,
        visits=(
            Visit("/health", "up"),
            Visit("/seats/a1", "Ada", "PUT", b'{"guest": "Ada"}', "application/json"),
            Visit("/seats", '"a1":"Ada"'),
        ),
        writes=("/app/seats.json",),
    ),
    Project(
        "next",
        _codes("102 201 202 302 401 402 403"),
        port=3000,
        visits=(
            Visit("/api/health", "ok"),
            Visit("/api/orders", "one hat", "POST", b"one hat"),
            Visit("/api/orders", "two hats", "POST", b"two hats"),
        ),
        writes=("/app/orders/today.txt",),
    ),
    Project(
        "lock-out-of-step",
        _codes("102 202 401 402 403"),
        {"DF302": "ms"},
        port=8000,
        visits=(Visit("/health", "up"), Visit("/?six&%3C3", "six, &lt;3")),
    ),
    Project(
        "typescript",
        _codes("101 201 202 401 402"),
        port=4000,
        visits=(Visit("/", "letter"), Visit("/postage/60", "160")),
    ),
    Project(
        "pm2-cluster",
        _codes("101 202 302 401 402"),
        {"DF102": "`ps`"},
        port=4100,
        visits=(Visit("/health", "tides are in"), Visit("/brest", "04:12")),
    ),
    Project(
        "nest-cli",
        _codes("101 102 202 302 401 402"),
        port=3000,
        visits=(
            Visit("/", "open until six"),
            Visit("/loans/Emma", "Ada", "PUT", b'{"reader": "Ada"}', "application/json"),
            Visit("/loans", '"Emma":"Ada"'),
        ),
    ),
    Project(
        "next-standalone",
        _codes("101 202 401 402"),
        port=3000,
        visits=(Visit("/api/ferries", "08:15"), Visit("/robots.txt", "Disallow")),
    ),
    Project(
        "next-typescript",
        _codes("101 102 202 302 401 402 403"),
        port=3000,
        visits=(Visit("/api/healthz", "afloat"), Visit("/", "high water at")),
    ),
    Project(
        "vite-express",
        _codes("101 102 201 202 402"),
        {"DF401": ""},
        port=8080,
        visits=(Visit("/health", "ok"), Visit("/", "What grows"), Visit("/api/beds", "leeks")),
    ),
    Project(
        "vite-preview",
        _codes("102 202 302 402"),
        {"DF101": "`vite` may come from a development package", "DF401": "vite"},
        port=4173,
        visits=(Visit("/", "Orion is up"),),
    ),
    Project(
        "vite-serve",
        _codes("101 102 201 202 401 402"),
        port=3000,
        visits=(Visit("/", "The Plough is overhead"), Visit("/somewhere/else", "The Plough is overhead")),
    ),
    Project(
        "npm-workspaces",
        _codes("101 202 401 402"),
        port=8081,
        visits=(Visit("/health", "up"), Visit("/postage/500", "205")),
    ),
    Project(
        "typescript-outdir",
        _codes("101 102 201 202 401 402"),
        port=5050,
        visits=(Visit("/status", "ok"), Visit("/", "Balance: 446.80")),
    ),
    Project(
        "typescript-dotenv",
        _codes("202 401 402"),
        {"DF101": "dotenv"},
        port=3000,
        visits=(Visit("/", "Grandsire Triples"),),
    ),
    Project(
        "home-node",
        _codes("101 102 302 402"),
        {"DF401": ""},
        port=8080,
        visits=(Visit("/", "no whale yet"), Visit("/seen/beluga", "noted", "POST"), Visit("/", "beluga")),
        writes=("/home/node/app/seen.txt",),
    ),
    Project(
        "pnpm-workspace",
        _codes("101 102 202 401 402"),
        port=3000,
        visits=(Visit("/health", "ok"), Visit("/fahrenheit/20", "68")),
    ),
    Project(
        "pnpm-build",
        _codes("101 202 401 402 403"),
        port=3333,
        visits=(
            Visit("/healthz", "ok"),
            Visit("/cards/rome", "posted", "POST", b"It is hot."),
            Visit("/cards/rome", "It is hot."),
        ),
        writes=("/app/cards/rome.txt",),
    ),
    Project(
        "yarn-build",
        _codes("101 102 202 401 402"),
        port=8000,
        visits=(Visit("/", "moon phases"), Visit("/phase/2000-01-22", "full")),
    ),
    Project(
        "yarn-berry",
        _codes("101 202 401 402"),
        port=3000,
        visits=(Visit("/healthz", "ok"), Visit("/books/Emma", "1815")),
    ),
    Project(
        "native-module",
        _codes("101 202 304 401 402"),
        port=3000,
        visits=(
            Visit("/health", "ok"),
            Visit("/keys/cellar", "cellar", "POST", b"secret=under+the+mat", FORM),
            Visit("/keys/cellar/check", "true", "POST", b"secret=under+the+mat", FORM),
            Visit("/keys/cellar/check", "false", "POST", b"secret=on+the+hook", FORM),
        ),
        writes=("/app/keys/cellar",),
    ),
    Project(
        "go-templates",
        _codes("101 202 401"),
        {"DF402": "could ask"},
        port=8080,
        visits=(
            Visit("/", "Attic, 2 beds"),
            Visit("/", "<b>Ada</b>", "POST", b"guest=Ada", FORM),
            Visit("/static/inn.css", "seagreen"),
            Visit("/zone", "Europe/Lisbon"),
        ),
    ),
    Project(
        "go-embed",
        _codes("101 202 401 502 603"),
        {"DF402": "could ask"},
        port=9090,
        visits=(
            Visit("/healthz", "ok"),
            Visit("/", "silence"),
            Visit("/", "Echoes 1.3", "POST", b"hello there"),
        ),
        writes=("/var/lib/echoes/last.txt",),
    ),
    Project(
        "go-static",
        _codes("101 202 401"),
        {"DF402": "could ask"},
        port=8080,
        visits=(Visit("/healthz", "ok"), Visit("/at?place=Asia/Tokyo", "2024-07-01T21:00:00+09:00")),
    ),
    Project(
        "nginx-site",
        frozenset(),
        {"DF401": "nginx"},
        port=80,
        visits=(Visit("/", "Open on Sundays"), Visit("/sea", "only fog")),
        is_brief=True,
    ),
    Project("redis-cache", frozenset(), {"DF401": "redis"}),
    Project(
        "java-jar",
        _codes("101 202 401"),
        {"DF402": "no program"},
        port=8080,
        visits=(
            Visit("/health", "afloat"),
            Visit("/", "Welcome aboard"),
            Visit("/timetable", "island 08:15"),
            Visit("/bookings", "two seats", "POST", b"two seats"),
        ),
        writes=("/app/bookings/all.txt",),
    ),
    Project(
        "rust-server",
        _codes("101 202 401"),
        {"DF402": "no program"},
        port=8000,
        visits=(
            Visit("/health", "warm"),
            Visit("/sourdough", "three days"),
            Visit("/orders", "two rye", "POST", b"two rye"),
        ),
        writes=("/usr/src/bakery/orders.txt",),
    ),
    Project(
        "rust-openssl",
        _codes("101 202 304 401"),
        {"DF402": "no program"},
        port=7200,
        visits=(Visit("/", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", "POST", b"hello"),),
    ),
]
