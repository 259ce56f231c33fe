"""Whether a server of Node's own `http` answers every request: one that nobody answers stays open until it times out.

Source: https://nodejs.org/api/http.html#httpcreateserveroptions-requestlistener
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rewriter.model.project.trees import arguments_of, field, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

    from rewriter.model.project.javascript_values import Script


def answers_all(server: Node | None, script: Script) -> bool:
    """Whether an expression is `createServer(listener)` whose listener ends the response whichever way it takes."""
    if server is None or server.type != "call_expression":
        return False
    function = field(server, "function")
    name = text_of(field(function, "property")) or text_of(function)
    listener = next(reversed(arguments_of(server)), None)
    if name != "createServer" or listener is None:
        return False
    if listener.type == "identifier":
        listener = function_named(text_of(listener), script)
    parameters = field(listener, "parameters")
    names = [text_of(one).partition(":")[0] for one in parameters.named_children] if parameters is not None else []
    body = field(listener, "body")
    if len(names) < 2 or body is None:
        return False
    ends = re.compile(rf"(?:return\s+)?{re.escape(names[1])}\b[^;]{{0,500}}\.end\(")
    return _ends(body, ends)


def function_named(name: str, script: Script) -> Node | None:
    """A function of the file, by its name."""
    if name in script.assigned:
        return script.assigned[name]
    declared = (one for one in script.nodes if one.type == "function_declaration")
    return next((one for one in declared if text_of(field(one, "name")) == name), None)


def _ends(node: Node, ends: re.Pattern[str]) -> bool:
    """Whether a statement ends the response in each of its branches."""
    if node.type == "statement_block":
        for statement in node.named_children:
            if _ends(statement, ends):
                return True
            if "return" in (text := text_of(statement)) and not ends.search(text):
                return False
        return False
    if node.type == "if_statement":
        branches = (field(node, "consequence"), field(node, "alternative"))
        return all(branch is not None and _ends(branch, ends) for branch in branches)
    if node.type == "else_clause":
        return any(_ends(child, ends) for child in node.named_children)
    return ends.match(text_of(node)) is not None
