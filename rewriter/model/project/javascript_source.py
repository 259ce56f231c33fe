"""What JavaScript and TypeScript sources say of an application: framework, routes, where it listens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from rewriter.model.project.answering import answers_all
from rewriter.model.project.answers import Gate, Program, Route, Text, Unknown
from rewriter.model.project.environment import Environment
from rewriter.model.project.findings import Findings, Listen, Router, gather
from rewriter.model.project.handlers import REFUSES, may_be_asked
from rewriter.model.project.javascript_handlers import changes_something, handler_of
from rewriter.model.project.javascript_values import Script, Scripts, required
from rewriter.model.project.javascript_writes import find_writes
from rewriter.model.project.nest import Controllers, microservice
from rewriter.model.project.sources import Sources
from rewriter.model.project.trees import arguments_of, field, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

_FRAMEWORKS: Final[Mapping[str, str]] = {
    "@nestjs/core": "Nest", "next": "Next", "express": "Express", "fastify": "Fastify", "koa": "Koa", "hono": "Hono",
    "@hapi/hapi": "Hapi", "restify": "Restify", "polka": "Polka", "@apollo/server": "Apollo", "socket.io": "Socket.IO",
    "ws": "ws", "@grpc/grpc-js": "gRPC",
}  # fmt: skip
_MAKERS: Final = frozenset(
    {"express", "koa", "fastify", "hono", "polka", "restify", "@koa/router", "koa-router", "find-my-way"}
)
_ROUTER_NAMES: Final = frozenset({"Router", "Hono", "Koa", "createServer", "fastify", "Fastify"})
_PARAMETERS: Final = frozenset({"app", "fastify", "server", "instance", "router", "application", "f"})
# Middleware that answers no request and refuses none: https://expressjs.com/en/resources/middleware.html
_HARMLESS: Final = frozenset(
    {"body-parser", "cors", "helmet", "morgan", "compression", "cookie-parser", "express-session", "pino-http",
     "response-time", "serve-favicon", "express-winston", "koa-bodyparser", "@koa/cors",
     "koa-logger", "koa-helmet", "koa-body", "connect-flash", "method-override", "express-pino-logger", "hpp",
     "express-fileupload", "koa-compress", "prom-client", "express-prom-bundle", "hono/cors", "hono/logger",
     "@fastify/cors", "@fastify/helmet", "@fastify/cookie", "@fastify/formbody", "@fastify/swagger",
     "@fastify/swagger-ui", "@fastify/multipart", "@fastify/websocket", "xss-clean",
     "express-mongo-sanitize", "serve-static", "connect-livereload", "swagger-ui-express"}
)  # fmt: skip
_OWN: Final = frozenset({"json", "urlencoded", "static", "text", "raw"})
_GATES: Final[Mapping[str, Gate]] = {
    name: Gate("https", name)
    for name in ("express-sslify", "express-enforces-ssl", "koa-sslify", "express-force-https")
}
_ANSWERS: Final = re.compile(
    r"\bnext\(\s*[^)\s]|\b(?:res|ctx|reply|response)\.(?!setHeader|header\b|set\b|on\b|locals|once|get\b|append)|throw\b"
)
_LITERAL: Final = re.compile(r"/?[\w./-]*\Z")


def read_javascript(sources: Sources, program: Program, environment: Environment) -> Findings | Unknown:
    """What the sources of a program for Node say."""
    if not program.file:
        return Unknown(f"the source of `{program.target or program.name}` is not in the build context")
    scripts = Scripts(sources, environment)
    first = scripts.add(program.file, program.path)
    if first is None:
        return Unknown(scripts.unread[-1])
    scripts.follow(first)
    return _Reader(scripts, program).read()


class _Reader:
    """Goes through the files once."""

    __slots__ = ("_active", "_controllers", "_lost", "_microservices", "_program", "_routers", "_scripts", "gates",
                 "listens")  # fmt: skip

    def __init__(self, scripts: Scripts, program: Program) -> None:
        self._scripts: Final = scripts
        self._program: Final = program
        self._routers: Final[dict[object, Router]] = {}
        self._active: Final[dict[int, list[str]]] = {}
        self._controllers: Final = Controllers(scripts)
        self._lost: Final[list[str]] = []
        self._microservices: Final[list[Listen]] = []
        self.gates: Final[list[Gate]] = []
        self.listens: Final[list[Listen]] = []

    def read(self) -> Findings:
        scripts = list(self._scripts.by_path.values())
        for script in scripts:
            for node in script.nodes:
                name, value = field(node, "name") or field(node, "left"), field(node, "value") or field(node, "right")
                if node.type in ("variable_declarator", "assignment_expression") and self._makes_router(value, script):
                    self._make(text_of(name), value, script)
        for script in scripts:
            for node in script.nodes:
                if node.type == "call_expression":
                    self._call(node, script)
                elif node.type == "new_expression":
                    self._construct(node, script)
                elif node.type in ("class_declaration", "abstract_class_declaration"):
                    self._controllers.look(node, script)
        if controllers := self._controllers.finish():
            self._routers["controllers"] = controllers
        roots = [key for key in self._routers if key not in self._included()]
        frameworks = tuple(dict.fromkeys(self._frameworks(scripts)))
        routes = gather(self._routers, roots)
        routes = routes._replace(unread=tuple(dict.fromkeys([*routes.unread, *self._lost])))
        # Beside a server for HTTP, that one is to be asked.
        listens = self.listens or self._microservices
        return Findings(frameworks, tuple(listens), routes, tuple(dict.fromkeys(self.gates)),
                        find_writes(self._scripts, self._program.folder), tuple(dict.fromkeys(self._scripts.unread)),
                        tuple(script.file for script in scripts))  # fmt: skip

    def _frameworks(self, scripts: list[Script]) -> list[str]:
        modules = {module for script in scripts for module in script.required}
        return [framework for module, framework in _FRAMEWORKS.items() if module in modules]

    def _included(self) -> set[object]:
        included = {other for router in self._routers.values() for _, other, _ in router.included}
        named = {key for key in self._routers if isinstance(key, tuple) and key[1] == "parameter"}
        return included | named

    # Routers

    def _module_of(self, node: Node | None, script: Script) -> str:
        """The module that a name, a member of it, or a call of either comes from."""
        while node is not None and node.type in ("call_expression", "member_expression", "new_expression"):
            if module := required(node):
                return module
            node = field(node, "function") or field(node, "object") or field(node, "constructor")
        imported = script.imports.get(text_of(node)) if node is not None else None
        return imported.module if imported else ""

    def _makes_router(self, value: Node | None, script: Script) -> bool:
        if value is None or value.type not in ("call_expression", "new_expression"):
            return False
        if self._module_of(value, script) not in _MAKERS:
            return False
        made = field(value, "function") or field(value, "constructor")
        if required(made):
            return True  # `require("fastify")()`
        last = text_of(field(made, "property")) or text_of(made)
        imported = script.imports.get(last)
        return last in _ROUTER_NAMES or (imported is not None and imported.attribute in ("default", "", *_ROUTER_NAMES))

    def _make(self, name: str, value: Node | None, script: Script) -> None:
        key = (script.path, name)
        if key in self._routers:
            self._routers[key].doubts.append(f"{script.file} makes `{name}` more than once")
            return
        router = self._routers[key] = Router.empty()
        options = (
            next((one for one in arguments_of(value) if one.type == "object"), None) if value is not None else None
        )
        prefix = self._scripts.property(options, "prefix")
        if prefix is not None:
            text = self._scripts.text(prefix, script)
            inner = (script.path, f"{name} with its prefix")
            self._routers[inner] = Router.empty()
            if text is None or text.known is None:
                router.unread.append(f"the prefix of `{name}` in {script.file} is computed")
            else:
                router.included.append((text.value, inner, ()))

    def _key(self, node: Node | None, script: Script) -> object:
        """What an expression stands for: the file and name of a router."""
        if node is None:
            return None
        if module := required(node):
            other = self._scripts.resolve(script, module)
            return (other.path, other.default or "parameter") if other else None
        if node.type == "call_expression":  # `router.routes()` of Koa, `require("./routes")(app)`
            function = field(node, "function")
            owner = (
                field(function, "object") if function is not None and function.type == "member_expression" else function
            )
            return self._key(owner, script)
        name = text_of(node)
        if imported := script.imports.get(name.partition(".")[0]):
            other = self._scripts.resolve(script, imported.module)
            if other is None:
                return None
            own = name.partition(".")[2] or imported.attribute
            return other.path, (other.default or "parameter") if own in ("default", "") else own
        return script.path, name

    def _owner(self, node: Node | None, script: Script) -> Router | None:
        name = text_of(node)
        key = (script.path, name)
        inner = (script.path, f"{name} with its prefix")
        if inner in self._routers:
            return self._routers[inner]
        if key in self._routers:
            return self._routers[key]
        if name in _PARAMETERS and name not in script.imports and name not in script.assigned:
            return self._routers.setdefault((script.path, "parameter"), Router.empty())
        return self._routers.get(self._key(node, script)) if node is not None and node.type == "identifier" else None

    # Calls

    def _call(self, call: Node, script: Script) -> None:
        function = field(call, "function")
        if function is not None and function.type == "await_expression":  # `await a.b<T>(c)`, as the grammar reads it
            function = function.named_children[0]
        if function is None:
            return
        name = text_of(function)
        arguments = arguments_of(call)
        if function.type != "member_expression":
            if name in ("serve", "startStandaloneServer"):
                self._serve(arguments, script)
            elif function.type == "call_expression" or (name in script.imports and arguments):
                self._hand_over(call, arguments, script)
            return
        owner, method = field(function, "object"), text_of(field(function, "property"))
        if method == "listen":
            self._listen(owner, arguments, script)
        elif name == "Bun.serve":
            self._serve(arguments, script)
        elif method == "bindAsync" and arguments:
            text = self._scripts.text(arguments[0], script)
            host, _, port = text.value.rpartition(":") if text else ("", "", "")
            self.listens.append(
                Listen(text and text._replace(value=port), text and text._replace(value=host), script.file, "gRPC")
            )
        elif method == "setGlobalPrefix" and arguments:
            self._controllers.prefix = self._scripts.text(arguments[0], script) if len(arguments) == 1 else None
        elif method in ("createMicroservice", "connectMicroservice"):
            own = arguments[1:] if method == "createMicroservice" else arguments
            self._microservices.append(microservice(own[0] if own else None, self._scripts, script))
        elif method in ("useGlobalGuards", "enableVersioning"):
            self._controllers.changes.append(f"`{method}` in {script.file} changes all routes")
        router = self._owner(owner, script)
        if router is None:
            if method == "get" and len(arguments) > 1 and text_of(arguments[0])[1:2] == "/":
                self._lost.append(f"what `{text_of(owner)[:30]}` in {script.file} is part of is not followed")
            return
        if method in ("get", "all") and len(arguments) > 1:
            self._route(router, arguments, script)
        elif method in ("use", "register", "route") and arguments:
            self._use(router, arguments, method, script)
        elif (
            method in ("addHook", "onRequest", "ext")
            and arguments
            and text_of(arguments[0]).strip("\"'")
            in (
                "onRequest",
                "preHandler",
                "preValidation",
                "preParsing",
                "onPreAuth",
            )
        ):
            self._doubt(router, f"a hook in {script.file} looks at every request")

    def _hand_over(self, call: Node, arguments: list[Node], script: Script) -> None:
        """`require("./routes")(app)`, `registerRoutes(app)`: the routes of a file are those of what it is given."""
        for argument in arguments:
            owner = self._owner(argument, script) if argument.type == "identifier" else None
            key = self._key(field(call, "function"), script)
            if owner is not None and isinstance(key, tuple) and key[0] != script.path:
                owner.included.append(("", (key[0], "parameter"), tuple(self._active.get(id(owner), ()))))

    def _doubt(self, router: Router, reason: str) -> None:
        self._active.setdefault(id(router), []).append(reason)

    def _route(self, router: Router, arguments: list[Node], script: Script) -> None:
        text = self._scripts.text(arguments[0], script)
        if text is None or text.known is None:
            if arguments[0].type not in ("regex", "array"):
                router.unread.append(f"the path of a route in {script.file} is computed")
            return
        if not _LITERAL.match(text.value):
            return
        doubts = list(self._active.get(id(router), ()))
        handlers = arguments[1:]
        if len(handlers) > 1 and not (handlers[0].type == "object" and "pre" not in text_of(handlers[0])
                                      and "onRequest" not in text_of(handlers[0])):  # fmt: skip
            doubts.append(f"`{text_of(handlers[0])[:30]}` stands before it")
        changes = False
        if may_be_asked(text.value):
            handler, place = handler_of(handlers[-1], self._scripts, script)
            if REFUSES.search(text_of(handler)):
                doubts.append("its handler looks at who asks")
            # Express runs the handlers of GET for HEAD: https://expressjs.com/en/api.html#app.METHOD
            changes = not text.value.strip("/") and changes_something(handler, self._scripts, place)
        router.routes.append(Route(text.value, script.file, tuple(doubts), changes))

    def _use(self, router: Router, arguments: list[Node], method: str, script: Script) -> None:
        prefix: Text | None = Text("")
        rest = arguments
        if method == "register":
            options = self._scripts.object(arguments[1], script) if len(arguments) > 1 else None
            if (node := self._scripts.property(options, "prefix")) is not None:
                prefix = self._scripts.text(node, script)
            rest = arguments[:1]
        elif len(arguments) > 1 and arguments[0].type not in (
            "arrow_function",
            "function_expression",
            "call_expression",
        ):
            path = self._scripts.text(arguments[0], script)
            if path is not None or arguments[0].type == "array":
                prefix, rest = path, arguments[1:]
        doubts = list(self._active.get(id(router), ()))
        for argument in rest:
            key = self._key(argument, script)
            if key in self._routers or self._is_function_of_file(key):
                if prefix is None or prefix.known is None:
                    router.unread.append(f"a router in {script.file} stands under a computed path")
                else:
                    router.included.append((prefix.value, key, tuple(doubts)))
            elif not self._is_harmless(argument, script):
                reason = f"`{text_of(argument)[:30]}` in {script.file} looks at every request"
                doubts.append(reason)
                if prefix is None or not prefix.value.strip("/"):
                    self._doubt(router, reason)

    def _is_function_of_file(self, key: object) -> bool:
        """A plugin of Fastify: a file whose default export is a function with the instance as its parameter."""
        if not isinstance(key, tuple) or key[0] not in self._scripts.by_path:
            return False
        script = self._scripts.by_path[key[0]]
        return key[1] == "parameter" and any(module in _MAKERS for module in (*script.required, "fastify"))

    def _is_harmless(self, argument: Node, script: Script) -> bool:
        module = self._module_of(argument, script)
        if module in _GATES:
            self.gates.append(_GATES[module])
        if module in _HARMLESS or module in _GATES:
            return True
        if module in _MAKERS:
            function = field(argument, "function")
            return text_of(field(function, "property")) in _OWN or text_of(function) in _OWN
        if argument.type in ("arrow_function", "function_expression"):
            parameters = field(argument, "parameters")
            if parameters is not None and len(parameters.named_children) == 4:
                return True  # it only handles errors
            return not _ANSWERS.search(text_of(field(argument, "body")))
        if argument.type == "call_expression" and text_of(field(field(argument, "function"), "property")) in (
            "routes", "allowedMethods"
        ):  # fmt: skip
            return text_of(argument).endswith("allowedMethods()")
        return argument.type in ("string", "object")

    # Where it listens

    def _listen(self, owner: Node | None, arguments: list[Node], script: Script) -> None:
        if not arguments or arguments[0].type in ("arrow_function", "function_expression"):
            return
        first = arguments[0]
        options = self._scripts.object(first, script)
        host: Text | None = Text("0.0.0.0")
        made = script.assigned.get(text_of(owner), owner)
        framework = "Fastify" if self._module_of(made, script) == "fastify" else ""
        if framework or (options is not None and "fastify" in script.required):
            host = Text("localhost")  # https://fastify.dev/docs/latest/Reference/Server/#listen
        if options is not None:
            node = self._scripts.property(options, "port")
            node = node if node is not None else self._shorthand(options, "port")
            port = self._scripts.text(node, script)
            named = self._scripts.property(options, "host")
            host = self._scripts.text(named, script) if named is not None else host
        else:
            port = self._scripts.text(first, script)
            second = arguments[1] if len(arguments) > 1 else None
            if second is not None and second.type not in ("arrow_function", "function_expression"):
                host = self._scripts.text(second, script)
                if host is None and second.type == "identifier" and text_of(second) not in script.assigned:
                    host = Text("0.0.0.0")  # a function by its name
        is_plain = self._module_of(made, script).removeprefix("node:") == "http"
        framework = framework or ("http" if is_plain and answers_all(made, script) else "")
        self.listens.append(Listen(port, host, script.file, framework))

    @staticmethod
    def _shorthand(options: Node, name: str) -> Node | None:
        return next((one for one in options.named_children
                     if one.type == "shorthand_property_identifier" and text_of(one) == name), None)  # fmt: skip

    def _serve(self, arguments: list[Node], script: Script) -> None:
        """`serve({ fetch, port })` of Hono, `Bun.serve({ port })`, `startStandaloneServer(server, { listen })`"""
        for argument in arguments:
            options = self._scripts.object(argument, script)
            inner = self._scripts.object(self._scripts.property(options, "listen"), script)
            node = self._scripts.property(inner if inner is not None else options, "port")
            if node is not None:
                self.listens.append(Listen(self._scripts.text(node, script), Text("0.0.0.0"), script.file))
                return
        if arguments:
            self.listens.append(Listen(Text("3000"), Text("0.0.0.0"), script.file))

    def _construct(self, node: Node, script: Script) -> None:
        if text_of(field(node, "constructor")) in ("WebSocketServer", "WebSocket.Server", "Server"):
            options = next((self._scripts.object(one, script) for one in arguments_of(node)), None)
            port = self._scripts.property(options, "port")
            if port is not None:
                self.listens.append(Listen(self._scripts.text(port, script), Text("0.0.0.0"), script.file, "ws"))
