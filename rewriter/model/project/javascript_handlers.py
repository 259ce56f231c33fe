"""What the handlers of routes are in JavaScript and TypeScript, and whether they change something."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rewriter.model.project.answering import function_named
from rewriter.model.project.handlers import CHANGES, MAY_CHANGE, SQL
from rewriter.model.project.javascript_values import Script, Scripts
from rewriter.model.project.trees import arguments_of, field, text_of, walk

if TYPE_CHECKING:
    from tree_sitter import Node

_SENDS: Final = re.compile(r"\bmethod\s*:\s*[\"'](?:POST|PUT|PATCH|DELETE)")
_BASE: Final = re.compile(r"[\w$]+")
_MOST_CALLS: Final = 30
"""How many functions are followed that a handler calls, and those call in turn."""


def handler_of(node: Node, scripts: Scripts, script: Script) -> tuple[Node, Script]:
    """The function that an expression names, and its file; the expression itself where it is not found."""
    name = text_of(node)
    if node.type == "identifier" and (found := function_named(name, script)) is not None:
        return found, script
    base, _, method = name.partition(".")
    imported = script.imports.get(base) if node.type in ("identifier", "member_expression") else None
    other = scripts.resolve(script, imported.module) if imported else None
    if imported is None or other is None:
        return node, script
    wanted = method or (other.default if imported.attribute == "default" else imported.attribute)
    if (found := function_named(wanted, other)) is not None:
        return found, other
    for one in other.nodes:
        if one.type == "assignment_expression" and text_of(field(one, "left")).endswith(f"exports.{wanted}"):
            return field(one, "right") or node, other
    return node, script


def changes_something(handler: Node, scripts: Scripts, script: Script) -> bool:
    """Whether a handler visibly changes what outlives the request: a counter, a file, a row."""
    pending, seen = [(handler, script)], {""}
    for _ in range(_MOST_CALLS):
        if not pending:
            return False
        one, place = pending.pop(0)
        if _changes_itself(one):
            return True
        for call in walk(one):
            named = field(call, "function") if call.type == "call_expression" else None
            if named is not None and (name := f"{place.path} {text_of(named)}") not in seen and len(seen) < _MOST_CALLS:
                seen.add(name)
                found = handler_of(named, scripts, place)
                pending += [found] if found[0] is not named else []
    return False


def _changes_itself(handler: Node) -> bool:
    parts = tuple(walk(handler))
    own: frozenset[str] = frozenset().union(*map(_names_declared, parts))
    for one in parts:
        if one.type in ("update_expression", "augmented_assignment_expression", "assignment_expression"):
            target = text_of(field(one, "argument") or field(one, "left"))
            if (base := _BASE.match(target)) and base[0] not in own:
                return True
        elif one.type == "call_expression" and _changes_by(one, own):
            return True
    return False


def _names_declared(node: Node) -> frozenset[str]:
    """The names that a declaration, or the parameters of a function bring."""
    if node.type == "variable_declarator":
        place = field(node, "name")
    else:
        place = field(node, "parameters") or field(node, "parameter")
    found = walk(place) if place is not None else ()
    return frozenset(text_of(one) for one in found if one.type.endswith(("identifier", "identifier_pattern")))


def _changes_by(call: Node, own: frozenset[str]) -> bool:
    function = field(call, "function")
    method = text_of(field(function, "property"))
    base = _BASE.match(text_of(function))
    if method in CHANGES or (method in MAY_CHANGE and base is not None and base[0] not in own):
        return True
    arguments = arguments_of(call)
    first = text_of(arguments[0]).strip("\"'`") if arguments else ""
    return bool(SQL.match(first)) or any(one.type == "object" and _SENDS.search(text_of(one)) for one in arguments)
