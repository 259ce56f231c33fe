"""What the handlers of routes do in Python: what they need, whether they may refuse, whether they change something."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from rewriter.model.managers.vocabulary import names
from rewriter.model.project.handlers import CHANGES, MAY_CHANGE, REFUSES, SQL
from rewriter.model.project.python_values import Module

Handler = ast.FunctionDef | ast.AsyncFunctionDef

_OF_A_REQUEST: Final = names("session g request response resp")
# Parameters that nothing else must be given for; the others may depend on something.
_GIVEN_ANYWAY: Final = ("request", "req", "response", "self", "_")
_DEEPEST: Final = 3
_ROUTES: Final = ("get", "head", "route", "api_route", "post", "options")


def doubts_of_handler(handler: Handler, route: int) -> Iterator[str]:
    """Why a handler may refuse; `route` is which of its decorators makes it the handler of a route."""
    others = [one for place, one in enumerate(handler.decorator_list) if place != route]
    yield from (f"`{ast.unparse(one)[:40]}` decorates it" for one in others if not _is_route(one))
    yield from (f"it takes `{name}`" for name in _parameters(handler) if name not in _GIVEN_ANYWAY)
    if any(REFUSES.search(ast.unparse(statement)) for statement in handler.body):
        yield "its handler looks at who asks"


def changes_something(handler: Handler, module: Module, depth: int = 0) -> bool:
    """Whether a handler visibly changes what outlives the request: a counter, a file, a row."""
    parts = [part for statement in handler.body for part in ast.walk(statement)]
    own = {*_parameters(handler), *_OF_A_REQUEST}
    own |= {part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    for part in parts:
        match part:
            case ast.Global() | ast.Nonlocal():
                return True
            case ast.Assign(targets) if any(_is_of_others(target, own) for target in targets):
                return True
            case ast.AugAssign(target) if _is_of_others(target, own):
                return True
            case ast.Call(ast.Name("open"), [_, ast.Constant(str() as mode), *_]) if set(mode) & set("wax+"):
                return True
            case ast.Call(ast.Name(name)) if depth < _DEEPEST:
                found = next((one for one in module.tree.body if isinstance(one, Handler) and one.name == name), None)
                if found is not None and changes_something(found, module, depth + 1):
                    return True
            case ast.Call(ast.Attribute(owner, method)):
                if method in CHANGES or (method in MAY_CHANGE and _is_of_others(owner, own)):
                    return True
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and SQL.match(part.value):
            return True
    return False


def _is_of_others(target: ast.expr, own: set[str]) -> bool:
    """Whether an expression leads to something that a function did not make itself."""
    while isinstance(target, ast.Attribute | ast.Subscript | ast.Call):
        target = target.func if isinstance(target, ast.Call) else target.value
    return isinstance(target, ast.Name) and target.id not in own


def _is_route(decorator: ast.expr) -> bool:
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(function, ast.Attribute) and function.attr in _ROUTES


def _parameters(handler: Handler) -> list[str]:
    arguments = handler.args
    return [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
