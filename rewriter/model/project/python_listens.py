"""Where Python sources listen."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Final

from rewriter.model.project.answers import Text
from rewriter.model.project.findings import Listen
from rewriter.model.project.python_settings import field_of_settings
from rewriter.model.project.python_values import Module, Modules

# Functions that listen: where their port and host stand (position, keyword), and the framework.
# uvicorn.run, Flask.run, aiohttp.web.run_app, waitress.serve, gradio launch, tornado listen: their manuals.
LISTENS: Final[Mapping[str, tuple[tuple[int, str], tuple[int, str], str, str, str]]] = {
    "uvicorn.run": ((-1, "port"), (-1, "host"), "8000", "127.0.0.1", ""),
    "uvicorn.Config": ((-1, "port"), (-1, "host"), "8000", "127.0.0.1", ""),
    "hypercorn.run": ((-1, "port"), (-1, "host"), "8000", "127.0.0.1", ""),
    "waitress.serve": ((-1, "port"), (-1, "host"), "8080", "0.0.0.0", ""),
    "aiohttp.web.run_app": ((-1, "port"), (-1, "host"), "8080", "0.0.0.0", "aiohttp"),
    "bottle.run": ((-1, "port"), (-1, "host"), "8080", "127.0.0.1", "Bottle"),
    "wsgiref.simple_server.make_server": ((1, "port"), (0, "host"), "", "", ""),
    "asyncio.start_server": ((2, "port"), (1, "host"), "", "", ""),
    "nicegui.ui.run": ((-1, "port"), (-1, "host"), "8080", "0.0.0.0", "NiceGUI"),
    "prometheus_client.start_http_server": ((0, "port"), (1, "addr"), "", "0.0.0.0", "metrics"),
}
_RUNS_AT: Final = {"Dash": "8050", "Sanic": "8000", "Bottle": "8080", "Connexion": "8000", "Robyn": "8080"}
_PAIRS: Final = frozenset(
    {"HTTPServer", "ThreadingHTTPServer", "TCPServer", "ThreadingTCPServer", "WSGIServer", "UDPServer"}
)

_Row = tuple[tuple[int, str], tuple[int, str], str, str, str]


def listen_of(
    call: ast.Call, name: str, made_with: str, modules: Modules, module: Module, *, has_gradio: bool
) -> Listen | None:
    """Where a call listens, None where it does not.

    `name` is that of the function, `made_with` the framework of the application whose method it is.
    """
    short = short_name(call, name)
    row = _row_of(call, name, short, made_with, module, has_gradio=has_gradio)
    if row is not None:
        (port_at, port_name), (host_at, host_name), port, host, framework = row
        at = _argument(call, port_at, port_name, port, modules, module)
        return Listen(at, _argument(call, host_at, host_name, host, modules, module), module.file, framework)
    if short in _PAIRS or short == "bind":
        return _listen_at_pair(call, modules, module)
    if short in ("add_insecure_port", "add_secure_port") and call.args:
        text = modules.text(call.args[0], module)
        host_text, _, number = text.value.rpartition(":") if text else ("", "", "")
        at, on = (text._replace(value=part.strip("[]")) if text else None for part in (number, host_text))
        return Listen(at, on, module.file, "gRPC")
    return None


def short_name(call: ast.Call, name: str) -> str:
    """The last part of what a call names."""
    return name.rpartition(".")[2] or (call.func.attr if isinstance(call.func, ast.Attribute) else "")


def _row_of(call: ast.Call, name: str, short: str, made_with: str, module: Module, *, has_gradio: bool) -> _Row | None:
    """Where the port and the host of a call that listens stand, and what they are untold."""
    keywords = {keyword.arg for keyword in call.keywords}
    if name in LISTENS:
        return LISTENS[name]
    if short == "run" and isinstance(call.func, ast.Attribute):
        if made_with in ("Flask", "Quart", "Dash", "Sanic", "Connexion", "Bottle", "Robyn"):
            return (1, "port"), (0, "host"), _RUNS_AT.get(made_with, "5000"), "127.0.0.1", made_with
        if ("port" in keywords or "socketio" in name.lower()) and name != "asyncio.run":
            return (2, "port"), (1, "host"), "5000", "127.0.0.1", ""
    if short == "launch" and (has_gradio or "server_port" in keywords):
        return (-1, "server_port"), (-1, "server_name"), "7860", "127.0.0.1", "Gradio"
    if short == "run_server":
        return (-1, "port"), (-1, "host"), "8050", "127.0.0.1", "Dash"
    if short == "listen" and "tornado" in {one.partition(".")[0] for one in module.imported_modules}:
        return (0, "port"), (1, "address"), "", "0.0.0.0", "Tornado"
    return None


def _argument(call: ast.Call, at: int, name: str, default: str, modules: Modules, module: Module) -> Text | None:
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    node = keywords.get(name) or (call.args[at] if 0 <= at < len(call.args) else None)
    if node is None:
        return None if None in keywords else Text(default)
    return modules.text(node, module) or field_of_settings(node, module, modules)


def _listen_at_pair(call: ast.Call, modules: Modules, module: Module) -> Listen | None:
    """`HTTPServer(("", 8000), Handler)`, `socket.bind((host, port))`"""
    pair = call.args[0] if call.args else None
    if isinstance(pair, ast.Name):
        pair = module.assigned.get(pair.id)
    if not isinstance(pair, ast.Tuple) or len(pair.elts) != 2:
        return None
    host, port = (modules.text(node, module) or field_of_settings(node, module, modules) for node in pair.elts)
    host = host._replace(value="0.0.0.0") if host is not None and not host.value else host
    return Listen(port, host, module.file)
