"""Writing HEALTHCHECK: the command that asks, as short as it can be and be right."""

from __future__ import annotations

from typing import Final

from rewriter.fixing.edits import newline_at, render, spell
from rewriter.fixing.flags import INDENT
from rewriter.fixing.quoting import json_form
from rewriter.model.health.asker import Asker
from rewriter.model.health.question import Question
from rewriter.syntax.tree import Instruction

_TIMEOUT: Final = 5
_OWN_TIMEOUT: Final = _TIMEOUT - 1
"""In seconds: the command gives up before the builder's HEALTHCHECK does, so that it can say why."""


def health_check(asker: Asker, question: Question, *, start_period: int, like: Instruction) -> str:
    """A HEALTHCHECK in the habits of a neighbouring instruction, its command on a continuation line. No newline.

    `start_period` is how many seconds a start may take in which failures do not count.
    """
    dockerfile = like.dockerfile
    options = f"--interval=30s --timeout={_TIMEOUT}s --start-period={start_period}s --retries=3"
    turn = f"{dockerfile.escape}{newline_at(dockerfile, like.start)}{INDENT}"
    command = f"{spell('CMD', like=like)} {_command(asker, question)}"
    return render("HEALTHCHECK", f"{options} {turn}{command}", like=like)


def _command(asker: Asker, question: Question) -> str:
    match asker.kind:
        case "python":
            # Isolated (-I), or a module of the program's own folder such as socket.py would be imported.
            return json_form((asker.program, "-I", "-c", _python(question)))
        case "node":
            return json_form((asker.program, "-e", _node(question)))
        case "curl":
            fails = "-fsS" if question.kind == "status" else "-sSI"
            words = ("curl", fails, "-o", "/dev/null", "--max-time", str(_OWN_TIMEOUT), "--noproxy", "*")
            return _client(words, question)
        case "wget":
            return _client(("wget", "-q", "-Y", "off", "-T", str(_OWN_TIMEOUT), "-O", "/dev/null"), question)


def _client(words: tuple[str, ...], question: Question) -> str:
    """A command with the URL as its last word; the shell form where a variable gives the port."""
    if not question.variable:
        port = "" if question.port == 80 else f":{question.port}"
        return json_form((*words, f"http://{question.host}{port}{question.path}"))
    quoted = " ".join(f"'{word}'" if word == "*" else word for word in words)
    port = f"${{{question.variable}:-{question.port}}}"
    return f'{quoted} "http://{question.host}:{port}{question.path}"'


def _python(question: Question) -> str:
    port = f"os.environ.get('{question.variable}') or {question.port}" if question.variable else str(question.port)
    place = f"'{question.host}', {port}"
    # Not urllib, which would ask a proxy that the environment names.
    modules = ["socket" if question.kind == "connection" else "http.client"]
    modules += ["os"] if question.variable or question.names else []
    imports = f"import {', '.join(sorted(modules))}"
    if question.kind == "connection":
        return f"{imports}; socket.create_connection(({place}), timeout={_OWN_TIMEOUT})"
    headers = f", headers={{'Host': {_python_host(question)}}}" if question.name or question.names else ""
    connect = f"c = http.client.HTTPConnection({place}, timeout={_OWN_TIMEOUT})"
    ask = f"c.request('{question.method}', '{question.path}'{headers})"
    judge = "exit(c.getresponse().status >= 400)" if question.kind == "status" else "c.getresponse()"
    return f"{imports}; {connect}; {ask}; {judge}"


def _python_host(question: Question) -> str:
    """The first host that a variable names; an empty one and `*` leave any, which `localhost` then is."""
    if not question.names:
        return f"'{question.name}'"
    named = f"os.environ.get('{question.names}', '{question.name}')"
    return f"({named} + ' localhost').replace(',', ' ').split()[0].strip('.*') or 'localhost'"


def _node(question: Question) -> str:
    port = f"process.env.{question.variable} || {question.port}" if question.variable else str(question.port)
    place = f"host: '{question.host}', port: {port}"
    timeout = f"timeout: {_OWN_TIMEOUT}000"
    gives_up = ".on('timeout', () => process.exit(1))"
    if question.kind == "connection":
        return f"require('net').connect({{{place}, {timeout}}}, () => process.exit(0)){gives_up}"
    path = f", path: '{question.path}'" if question.path != "/" else ""
    name = f", headers: {{host: '{question.name}'}}" if question.name else ""
    options = f"{place}{path}{name}, {timeout}"
    if question.kind == "status":
        return f"require('http').get({{{options}}}, r => process.exit(r.statusCode < 400 ? 0 : 1)){gives_up}"
    options = f"method: '{question.method}', {options}"
    return f"require('http').request({{{options}}}, () => process.exit(0)){gives_up}.end()"
