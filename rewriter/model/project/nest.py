"""The routes of Nest applications, and where its microservices listen: https://docs.nestjs.com/controllers"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rewriter.model.project.answers import Route, Text
from rewriter.model.project.findings import NOWHERE, Listen, Router, join
from rewriter.model.project.handlers import REFUSES
from rewriter.model.project.javascript_values import Script, Scripts
from rewriter.model.project.trees import arguments_of, field, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

_LITERAL: Final = re.compile(r"/?[\w./-]*\Z")


class Controllers:
    """Collects the controllers. `prefix` stands before all routes, None where it is computed; `changes` are doubts."""

    __slots__ = ("_scripts", "changes", "controllers", "prefix")

    def __init__(self, scripts: Scripts) -> None:
        self._scripts: Final = scripts
        self.controllers: Final = Router.empty()
        self.changes: Final[list[str]] = []
        self.prefix: Text | None = Text("")

    def look(self, node: Node, script: Script) -> None:
        """`@Controller("health") class A { @Get("live") ... }`: https://docs.nestjs.com/controllers"""
        holder = node.parent if node.parent is not None and node.parent.type == "export_statement" else node
        decorators = [one for one in (*holder.named_children, *node.named_children) if one.type == "decorator"]
        controller = next((call for call in map(_decorating, decorators) if _called(call) == "Controller"), None)
        if controller is None:
            return
        argument = next(iter(arguments_of(controller)), None)
        prefix = Text("") if argument is None else self._scripts.text(argument, script)
        if argument is not None and argument.type == "object":
            prefix = self._scripts.text(self._scripts.property(argument, "path"), script)
            if self._scripts.property(argument, "version") is not None:
                prefix = None
        guarded = [text_of(one)[:40] for one in decorators if "UseGuards" in text_of(one)]
        pending: list[Node] = []
        body = field(node, "body")
        for member in body.named_children if body is not None else ():
            if member.type == "decorator":
                pending.append(member)
                continue
            if member.type == "method_definition":
                self._method(member, pending, prefix, guarded, script)
            pending = []

    def _method(
        self, method: Node, decorators: list[Node], prefix: Text | None, guarded: list[str], script: Script
    ) -> None:
        getter = next((call for call in map(_decorating, decorators) if _called(call) == "Get"), None)
        if getter is None:
            return
        argument = next(iter(arguments_of(getter)), None)
        path = Text("") if argument is None else self._scripts.text(argument, script)
        if prefix is None or path is None or not _LITERAL.match(prefix.value) or not _LITERAL.match(path.value):
            return
        own = [text_of(one)[:40] for one in decorators if "UseGuards" in text_of(one)]
        checks = [text_of(one)[:40] for one in decorators if "HealthCheck" in text_of(one)]
        doubts = tuple(f"`{one}` decorates it" for one in (*guarded, *own, *checks))
        if REFUSES.search(text_of(method)):
            doubts += ("its handler looks at who asks",)
        joined = join(prefix.value, path.value) if prefix.value.strip("/") else join("", path.value)
        self.controllers.routes.append(Route(joined.rstrip("/") or "/", script.file, doubts))

    def finish(self) -> Router | None:
        """All controllers, under the prefix of the application; None where there are none."""
        if not self.controllers.routes:
            return None
        self.controllers.doubts.extend(self.changes)
        for script in self._scripts.by_path.values():
            if any(node.type == "identifier" and node.text == b"APP_GUARD" for node in script.nodes):
                self.controllers.doubts.append(f"a guard in {script.file} looks at every request")
                break
        if self.prefix is None or self.prefix.known is None:
            self.controllers.routes.clear()
            self.controllers.unread.append("the prefix of all routes is computed")
        elif self.prefix.value:
            prefixed = [
                one._replace(path=join(self.prefix.value, one.path).rstrip("/")) for one in self.controllers.routes
            ]
            self.controllers.routes[:] = prefixed
        return self.controllers


def microservice(options: Node | None, scripts: Scripts, script: Script) -> Listen:
    """Where the microservice listens that `createMicroservice` or `connectMicroservice` is given options for.

    TCP is the default, on localhost:3000; gRPC listens on localhost:5000 untold; the other transports connect to a
    broker: https://docs.nestjs.com/microservices/basics,
    https://github.com/nestjs/nest/blob/master/packages/microservices/constants.ts
    """
    given, place = scripts.holder(options, script) if options is not None else (None, script)
    transport = scripts.property(given, "transport")
    name = text_of(transport).rpartition(".")[2] if transport is not None else "TCP"
    is_known = options is None or (given is not None and scripts.property(given, "strategy") is None)
    if name not in ("TCP", "GRPC") or not is_known:
        return Listen(None, None, script.file, NOWHERE)
    own, place = scripts.holder(scripts.property(given, "options"), place)
    if name == "GRPC":
        url = scripts.property(own, "url")
        text = Text("localhost:5000") if url is None else scripts.text(url, place)
        host, _, port = text.value.rpartition(":") if text else ("", "", "")
        return Listen(text and text._replace(value=port), text and text._replace(value=host), script.file, "gRPC")
    host_node, port_node = scripts.property(own, "host"), scripts.property(own, "port")
    address = Text("localhost") if host_node is None else scripts.text(host_node, place)
    number = Text("3000") if port_node is None else scripts.text(port_node, place)
    return Listen(number, address, script.file, "TCP")


def _decorating(decorator: Node) -> Node | None:
    inner = decorator.named_children[0] if decorator.named_children else None
    return inner if inner is not None and inner.type == "call_expression" else None


def _called(call: Node | None) -> str:
    return text_of(field(call, "function"))
