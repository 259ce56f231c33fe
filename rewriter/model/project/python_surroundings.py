"""What stands around a Python application: what requests pass first, and the hosts that its routes are bound to."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterator
from typing import Final

from rewriter.model.managers.vocabulary import names
from rewriter.model.project.python_values import Module, Modules

TRANSPARENT: Final = names(
    "ProxyFix WhiteNoise ASGIApp WSGIApp SharedDataMiddleware ProfilerMiddleware DebuggedApplication WsgiToAsgi "
    "AsgiToWsgi ASGIMiddleware WSGIMiddleware SentryWsgiMiddleware XRayMiddleware TransLogger OpenTelemetryMiddleware "
    "Path"
)
"""What is given an application, and hands it each request for a path that is not its own."""
HOST_OPTIONS: Final = frozenset({"subdomain", "host", "host_matching", "subdomain_matching"})
"""What Flask takes to bind routes to a host: https://flask.palletsprojects.com/en/stable/api/#flask.Flask"""
_SERVER_NAME: Final = "SERVER_NAME"
_FROM_FILES: Final = frozenset({"from_pyfile", "from_object", "from_file", "from_json"})


def bound_to_a_host(modules: Modules, folder: str) -> str:
    """Why the routes of a Flask application may answer for one host alone; empty where they answer for each.

    Before Flask 3.1, SERVER_NAME does that: https://flask.palletsprojects.com/en/stable/config/#SERVER_NAME
    """
    for module in modules.by_name.values():
        for node in module.nodes:
            if _names_server(node):
                return f"{module.file} binds its routes to a host"
            if isinstance(node, ast.Call) and (reason := _in_configuration(node, module, modules, folder)):
                return reason
    return ""


def _names_server(node: ast.AST) -> bool:
    match node:
        case ast.Name(_, ast.Store()):
            return node.id == _SERVER_NAME
        case ast.Constant(value) | ast.keyword(value):
            return value == _SERVER_NAME
        case ast.Attribute(_, attribute, ast.Store()):
            return attribute == "host_matching"
    return False


def _in_configuration(call: ast.Call, module: Module, modules: Modules, folder: str) -> str:
    """Why a file that is named by a text may bind the routes; empty where it does not."""
    match call:
        case ast.Call(ast.Attribute(_, "from_envvar")):
            return f"{module.file} takes its settings from a file that the environment names"
        case ast.Call(ast.Attribute(_, method), [ast.Constant(str() as name), *_]) if method in _FROM_FILES:
            for path in _places(name, method, module, folder):
                origin = modules.sources.origin(path)
                text = modules.sources.read(origin) if origin else ""
                if isinstance(text, str) and _SERVER_NAME in text:
                    return f"{origin} binds its routes to a host"
    return ""


def _places(name: str, method: str, module: Module, folder: str) -> Iterator[str]:
    own = posixpath.dirname(module.path)
    for base in dict.fromkeys(filter(None, (own, posixpath.dirname(own), folder))):
        if method == "from_object":
            path = name.replace(".", "/")
            for candidate in (f"{path}.py", f"{path}/__init__.py", f"{posixpath.dirname(path)}.py"):
                yield posixpath.normpath(posixpath.join(base, candidate))
        else:
            yield posixpath.normpath(posixpath.join(base, name))
            yield posixpath.normpath(posixpath.join(base, "instance", name))
