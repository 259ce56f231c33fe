"""What to ask a program for its health, and who can ask."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rewriter.model.health.asker import Asker, asker_of
from rewriter.model.health.question import Question, question_of, start_period_of
from rewriter.model.project.answers import Unknown
from rewriter.model.stages import StageGraph
from rewriter.model.state import States
from rewriter.syntax.parser import parse
from rewriter.syntax.tree import Cmd, Entrypoint
from tests.inline_project import NODE, PYTHON, project_of

FASTAPI = {"main.py": 'from fastapi import FastAPI\napp = FastAPI()\n@app.get("/health")\ndef health(): ...\n'}
FLASK = {"app.py": "from flask import Flask\napp = Flask(__name__)\n"}
GO = "FROM golang:1.22\nWORKDIR /src\nCOPY . .\nRUN go build -o /bin/a .\nCMD /bin/a\n"
MODULE = {"go.mod": "module example.com/a\n"}
SERVED = """package main

import "net/http"

func main() {{
\thttp.HandleFunc("/a", func(w http.ResponseWriter, r *http.Request) {{}})
\thttp.{call}({arguments})
}}
"""
EXPRESS = 'const express = require("express");\nconst app = express();\n'


def asked(dockerfile: str, files: Mapping[str, str] | None = None, listed: tuple[str, ...] = ()) -> Question:
    question = question_of(project_of(dockerfile, files, listed))
    assert isinstance(question, Question), question
    return question


@pytest.mark.parametrize(
    ("dockerfile", "files", "kind"),
    [
        (f"{PYTHON}CMD uvicorn main:app\n", FASTAPI, "status"),
        (f"{PYTHON}CMD uvicorn main:app --ssl-keyfile k --ssl-certfile c\n", FASTAPI, "connection"),
        (f"{PYTHON}CMD uvicorn main:app --port 8443\n", FASTAPI, "connection"),
        (f"{PYTHON}CMD gunicorn app:app\n", FLASK, "answer"),
        (f"{PYTHON}CMD gunicorn -c conf.py app:app\n", {**FLASK, "conf.py": "bind = ':8000'\n"}, "answer"),
        (
            f"{PYTHON}CMD gunicorn -c conf.py app:app\n",
            {**FLASK, "conf.py": "bind = ':443'\ncertfile = 'c'\n"},
            "connection",
        ),
        (
            f"{PYTHON}CMD gunicorn app:app\n",
            {**FLASK, "gunicorn.conf.py": "bind = ':8000'\ncertfile = 'c'\n"},
            "connection",
        ),
        (f"{PYTHON}CMD python app.py\n", {"app.py": f"{FLASK['app.py']}app.run(port=5000)\n"}, "answer"),
        (
            f"{PYTHON}CMD python app.py\n",
            {"app.py": f"{FLASK['app.py']}app.run(port=5000, ssl_context='adhoc')\n"},
            "connection",
        ),
        (
            f"{PYTHON}CMD python app.py\n",
            {"app.py": "from http.server import HTTPServer\nHTTPServer(('', 8000), H).serve_forever()\n"},
            "answer",
        ),
        (
            f"{PYTHON}CMD python app.py\n",
            {"app.py": "from http.server import ThreadingHTTPServer as S\nS(('', 8000), H).serve_forever()\n"},
            "answer",
        ),
        (
            f"{PYTHON}CMD python app.py\n",
            {"app.py": "import socket\ns = socket.socket()\ns.bind(('0.0.0.0', 8000))\n"},
            "connection",
        ),
        (f"{NODE}CMD node a.js\n", {"a.js": f"{EXPRESS}app.listen(3000);\n"}, "answer"),
        (f"{NODE}ENV HTTPS=true\nCMD react-scripts start\n", {}, "connection"),
        (f"{NODE}CMD http-server -S\n", {}, "connection"),
        (
            f"{NODE}CMD node a.js\n",
            {"a.js": 'require("http").createServer(f).listen(3000);\n'},
            "connection",
        ),
        (
            f"{NODE}CMD node a.js\n",
            {
                "a.js": 'const http = require("http");\nconst f = (req, res) => res.end();\n'
                "http\n  .createServer(f)\n  .listen(3000);\n"
            },
            "answer",
        ),
        (
            f"{NODE}CMD node a.js\n",
            {"a.js": f'{EXPRESS}const https = require("https");\nhttps\n  .createServer(o, app)\n  .listen(3000);\n'},
            "connection",
        ),
        (
            f"{NODE}CMD node a.mjs\n",
            {
                "a.mjs": 'import { createServer } from "node:http";\n'
                "const f = (req, res) => res.end();\ncreateServer(f).listen(3000);\n"
            },
            "answer",
        ),
        (
            f"{NODE}CMD node a.js\n",
            {"a.js": f'{EXPRESS}const https = require("https");\nhttps.createServer(o, app).listen(3000);\n'},
            "connection",
        ),
        (GO, {**MODULE, "main.go": SERVED.format(call="ListenAndServe", arguments='":8080", nil')}, "answer"),
        (
            GO,
            {**MODULE, "main.go": SERVED.format(call="ListenAndServeTLS", arguments='":8080", "c", "k", nil')},
            "connection",
        ),
    ],
)
def test_kind(dockerfile: str, files: Mapping[str, str], kind: str) -> None:
    assert asked(dockerfile, files).kind == kind


@pytest.mark.parametrize(
    ("dockerfile", "files", "question"),
    [
        (f"{PYTHON}CMD uvicorn main:app\n", FASTAPI, Question("status", 8000, method="GET", path="/health")),
        (
            f"{PYTHON}ENV PORT=80\nCMD uvicorn main:app --port $PORT\n",
            FASTAPI,
            Question("status", 80, "PORT", "GET", "/health"),
        ),
        # What only uvicorn itself reads is followed where the image sets it.
        (
            f"{PYTHON}ENV UVICORN_PORT=9000\nCMD uvicorn main:app\n",
            FASTAPI,
            Question("status", 9000, "UVICORN_PORT", "GET", "/health"),
        ),
        (f"{PYTHON}CMD gunicorn app:app\n", FLASK, Question("answer", 8000, "PORT")),
        (
            f"{PYTHON}CMD uvicorn main:app --host ::\n",
            FASTAPI,
            Question("status", 8000, method="GET", path="/health", host="localhost"),
        ),
        (f"{NODE}CMD vite\n", {}, Question("answer", 5173, host="localhost")),
    ],
)
def test_question(dockerfile: str, files: Mapping[str, str], question: Question) -> None:
    assert asked(dockerfile, files) == question


@pytest.mark.parametrize(
    ("dockerfile", "files", "reason"),
    [
        (f"{PYTHON}CMD celery -A tasks worker\n", {}, "celery serves no port"),
        (f"{PYTHON}CMD python a.py\n", {"a.py": ""}, "where it listens is not known: the source shows no place"),
        (f"{PYTHON}CMD uvicorn main:app --host 10.0.0.1\n", FASTAPI, "the program listens on 10.0.0.1 alone"),
        (f"{PYTHON}EXPOSE 5001\nCMD flask run\n", {}, "flask run listens on 5000 by default, and EXPOSE names"),
        (f"{PYTHON}CMD hypercorn -c a.toml app:app\n", {}, "the configuration of hypercorn says where it listens"),
        (
            "FROM mcr.microsoft.com/dotnet/aspnet:8.0\nEXPOSE 80\nENTRYPOINT dotnet a.dll\n",
            {},
            "dotnet listens on 8080",
        ),
        (
            f"{NODE}CMD node a.js\n",
            {"a.js": f"{EXPRESS}app.listen(80, process.env.HOSTNAME || '0.0.0.0');\n"},
            "the program listens on the address of $HOSTNAME",
        ),
    ],
)
def test_what_is_not_known(dockerfile: str, files: Mapping[str, str], reason: str) -> None:
    question = question_of(project_of(dockerfile, files))
    assert isinstance(question, Unknown)
    assert question.reason.startswith(reason)


def test_slow_starts() -> None:
    assert start_period_of(project_of(f"{PYTHON}CMD gunicorn app:app\n")) == 30
    assert start_period_of(project_of(f"{PYTHON}CMD alembic upgrade head && gunicorn app:app\n")) == 60
    assert start_period_of(project_of("FROM eclipse-temurin:21\nCMD java -jar a.jar\n")) == 60
    models = {**FASTAPI, "requirements.txt": "fastapi\ntorch==2.4\n"}
    installed = f"{PYTHON}RUN pip install -r requirements.txt\nCMD uvicorn main:app\n"
    assert start_period_of(project_of(installed, models)) == 300
    assert start_period_of(project_of("FROM pytorch/pytorch:2.4.0-cuda12.4-cudnn9-runtime\nCMD python3 a.py\n")) == 300


def asker(dockerfile: str, question: Question) -> Asker | Unknown:
    graph = StageGraph(parse(dockerfile))
    state = States(graph).at_end(graph.stages[-1])
    started = [one for one in graph.stages[-1].instructions if isinstance(one, Cmd | Entrypoint)]
    return asker_of(question, project_of(dockerfile), state, started)


STATUS = Question("status", 8000, method="GET", path="/health")
ANSWER = Question("answer", 8000)
VARIABLE = STATUS._replace(variable="PORT")
CONNECTION = Question("connection", 8000)


@pytest.mark.parametrize(
    ("dockerfile", "question", "program"),
    [
        (f"{PYTHON}CMD uvicorn main:app\n", STATUS, "python"),
        ("FROM python:2.7\nCMD python a.py\n", STATUS, ""),
        ("FROM debian:12\nRUN apt-get install -y python3\nCMD gunicorn a:b\n", STATUS, "python3"),
        ("FROM debian:12\nCMD gunicorn a:b\n", STATUS, ""),
        ("FROM example/base\nCMD python3 a.py\n", STATUS, "python3"),
        ('FROM example/base\nENTRYPOINT []\nCMD ["python", "a.py"]\n', STATUS, ""),
        (
            "FROM debian:12\nENV PATH=/opt/venv/bin:$PATH\nRUN python3 -m venv /opt/venv\nCMD uvicorn a:b\n",
            STATUS,
            "python",
        ),
        (f"{NODE}CMD node a.js\n", CONNECTION, "node"),
        ('FROM example/base\nENTRYPOINT ["node", "a.js"]\n', CONNECTION, "node"),
        ("FROM gcr.io/distroless/nodejs20-debian12\nCMD a.js\n", STATUS, "/nodejs/bin/node"),
        ("FROM gcr.io/distroless/python3\nCMD a.py\n", STATUS, "/usr/bin/python3"),
        # Mercurial's python3 is not the program's business.
        ("FROM ruby:3.3\nCMD rails server\n", ANSWER, "curl"),
        ("FROM ruby:3.3\nCMD rails server\n", CONNECTION, ""),
        ("FROM ruby:3.3-slim\nCMD rails server\n", ANSWER, ""),
        ("FROM alpine\nCMD ./a\n", STATUS, "wget"),
        ("FROM alpine\nCMD ./a\n", VARIABLE, "wget"),
        ('FROM alpine\nSHELL ["fish", "-c"]\nCMD ["./a"]\n', VARIABLE, ""),
        ("FROM alpine\nCMD ./a\n", ANSWER, ""),
        ("FROM alpine\nRUN apk add wget\nCMD ./a\n", STATUS, ""),
        ("FROM debian:12\nRUN apt-get install -y wget\nCMD ./a\n", STATUS, ""),
        ("FROM scratch\nCMD ./a\n", STATUS, ""),
        ("FROM nginx\nCMD nginx\n", ANSWER, "curl"),
        ("FROM nginx:alpine\nCMD nginx\n", ANSWER, "curl"),
        ("FROM nginx:1.27-alpine3.20-slim\nCMD nginx\n", ANSWER, ""),
        ("FROM nginx:1.17-alpine\nCMD nginx\n", ANSWER, ""),
        ("FROM nginx:1.17\nCMD nginx\n", ANSWER, ""),
    ],
)
def test_asker(dockerfile: str, question: Question, program: str) -> None:
    found = asker(dockerfile, question)
    assert (found.program if isinstance(found, Asker) else "") == program


NGINX = "FROM nginx\nCOPY default.conf /etc/nginx/conf.d/\n{}CMD nginx\n"


@pytest.mark.parametrize(
    ("exposes", "configuration", "port"),
    [
        ("EXPOSE 80\n", "", 80),
        ("EXPOSE 8080\n", "server { listen 8080; }", 8080),
        ("EXPOSE 80 443\n", "", 80),
        ("EXPOSE 80 443\n", "listen 0.0.0.0:80 default_server;\nlisten 443 ssl;", 80),
        ("", "listen 80;\nlisten [::]:80;", 80),
        ("", "", 0),
        ("EXPOSE 8080\n", "listen 80;", 0),
        ("EXPOSE 8080\n", "# listen 8080;\nlisten unix:/run/nginx.sock;", 0),
        ("EXPOSE 443\n", "listen 443 ssl;", 0),
        ("EXPOSE 80 81\n", "listen 80;\nlisten 81;", 0),
        ("EXPOSE 8080\n", "listen ${PORT};", 0),
    ],
)
def test_nginx(exposes: str, configuration: str, port: int) -> None:
    question = question_of(project_of(NGINX.format(exposes), {"default.conf": configuration}))
    assert (question.port if isinstance(question, Question) else 0) == port
    assert not isinstance(question, Question) or question.kind == "answer"
