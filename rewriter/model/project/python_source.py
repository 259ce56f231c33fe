"""What Python sources say of an application: framework, routes, where it listens and writes, whom it refuses."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Final

from rewriter.model.project.answers import Gate, Program, Route, Unknown
from rewriter.model.project.environment import Environment
from rewriter.model.project.findings import Findings, Listen, Router, gather
from rewriter.model.project.python_handlers import changes_something, doubts_of_handler
from rewriter.model.project.python_listens import LISTENS, listen_of, short_name
from rewriter.model.project.python_surroundings import HOST_OPTIONS, TRANSPARENT, bound_to_a_host
from rewriter.model.project.python_values import Module, Modules, dotted, open_modules
from rewriter.model.project.python_writes import find_writes
from rewriter.model.project.sources import Sources

_APPLICATIONS: Final[Mapping[str, str]] = {
    "fastapi.FastAPI": "FastAPI", "fastapi.applications.FastAPI": "FastAPI", "flask.Flask": "Flask",
    "starlette.applications.Starlette": "Starlette", "quart.Quart": "Quart", "sanic.Sanic": "Sanic",
    "litestar.Litestar": "Litestar", "aiohttp.web.Application": "aiohttp", "tornado.web.Application": "Tornado",
    "falcon.App": "Falcon", "falcon.asgi.App": "Falcon", "bottle.Bottle": "Bottle", "dash.Dash": "Dash",
    "gradio.Blocks": "Gradio", "gradio.Interface": "Gradio", "gradio.ChatInterface": "Gradio",
    "connexion.App": "Connexion", "connexion.FlaskApp": "Connexion", "celery.Celery": "Celery",
    "django.core.wsgi.get_wsgi_application": "Django", "django.core.asgi.get_asgi_application": "Django",
    "flask_restx.Api": "Flask", "robyn.Robyn": "Robyn", "nicegui.ui.run": "NiceGUI",
    "mcp.server.fastmcp.FastMCP": "MCP",
    "fastmcp.FastMCP": "MCP", "grpc.server": "gRPC", "grpc.aio.server": "gRPC",
}  # fmt: skip
_ROUTERS: Final = frozenset({"fastapi.APIRouter", "fastapi.routing.APIRouter", "flask.Blueprint", "quart.Blueprint",
                             "starlette.routing.Router", "sanic.Blueprint"})  # fmt: skip
_FOLLOWED: Final = frozenset({"FastAPI", "Flask", "Starlette", "Quart"})
_HARMLESS: Final = frozenset(
    {"CORSMiddleware", "GZipMiddleware", "SessionMiddleware", "ProxyHeadersMiddleware", "CorrelationIdMiddleware",
     "PrometheusMiddleware", "BrotliMiddleware", "RequestIdMiddleware", "OpenTelemetryMiddleware",
     "SentryAsgiMiddleware"}
)  # fmt: skip
_GATES: Final[Mapping[str, Gate]] = {
    "TrustedHostMiddleware": Gate("host", "TrustedHostMiddleware"),
    "HTTPSRedirectMiddleware": Gate("https", "HTTPSRedirectMiddleware"),
}
# What is given an application and may refuse its requests, by its name: Flask-Limiter, Flask-BasicAuth, ...
_GUARDS: Final = re.compile(r"(?i)limit|auth|guard|security|firewall|filter|throttl|maintenance")
_HOOKS: Final = frozenset({"middleware", "before_request", "before_app_request"})
_DEEPEST: Final = 10


def read_python(sources: Sources, program: Program, environment: Environment) -> Findings | Unknown:
    """What the sources of a Python program say."""
    opened = open_modules(sources, program, environment)
    if isinstance(opened, Unknown):
        return opened
    modules, first = opened
    found = _Reader(modules, first, program).read()
    if "Django" in found.frameworks:
        from rewriter.model.project.django import add_django

        return add_django(found, modules, program)
    return found


class _Reader:
    """Goes through the modules once."""

    __slots__ = ("_first", "_lost", "_modules", "_program", "_routers", "frameworks", "gates", "listens")

    def __init__(self, modules: Modules, first: Module, program: Program) -> None:
        self._modules: Final = modules
        self._first: Final = first
        self._program: Final = program
        self._routers: Final[dict[object, Router]] = {}
        self.frameworks: Final[dict[object, str]] = {}
        self.gates: Final[list[Gate]] = []
        self.listens: Final[list[Listen]] = []
        self._lost: Final[list[str]] = []

    def read(self) -> Findings:
        modules = list(self._modules.by_name.values())
        for module in modules:
            for node in module.nodes:
                self._assignment(node, module)
        for module in modules:
            unused = _only_when_run(module) if module is not self._first else frozenset()
            conditional = _only_sometimes(module)
            for node in module.nodes:
                match node:
                    case ast.Call() if id(node) not in unused:
                        self._call(node, module)
                    case ast.FunctionDef() | ast.AsyncFunctionDef():
                        self._function(node, module, is_conditional=id(node) in conditional)
        self._look_around(modules)
        routes = gather(self._routers, self._applications())
        routes = routes._replace(unread=tuple(dict.fromkeys([*routes.unread, *self._lost])))
        frameworks = tuple(dict.fromkeys([*self.frameworks.values(), *self._by_import(modules)]))
        writes = find_writes(self._modules, self._program.folder)
        files = tuple(module.file for module in modules)
        return Findings(frameworks, tuple(self.listens), routes, tuple(dict.fromkeys(self.gates)), writes,
                        tuple(dict.fromkeys(self._modules.unread)), files)  # fmt: skip

    @staticmethod
    def _by_import(modules: list[Module]) -> list[str]:
        found = {name.partition(".")[0] for module in modules for name in module.imported_modules}
        return [framework for package, framework in (("streamlit", "Streamlit"), ("django", "Django"),
                                                     ("gradio", "Gradio")) if package in found]  # fmt: skip

    def _applications(self) -> list[object]:
        """The applications that the program serves: the one that it names, else all."""
        _, _, wanted = self._program.target.partition(":")
        named = self._origin(self._first.name, wanted.partition("(")[0])
        if wanted and named in self.frameworks:
            return [named]
        return list(self.frameworks)

    def _key(self, node: ast.AST, module: Module) -> object:
        """What a name stands for: the module and the name that it was assigned to."""
        if isinstance(node, ast.Name):
            return self._origin(module.name, node.id)
        owner, _, attribute = dotted(node, module).rpartition(".")
        return self._origin(owner, attribute)

    def _origin(self, name: str, attribute: str) -> tuple[str, str]:
        """Where a name of a module was assigned, through modules that only import it."""
        for _ in range(_DEEPEST):
            module = self._modules.by_name.get(name)
            imported = module.imports.get(attribute) if module is not None else None
            if imported is None:
                break
            name, attribute = imported
        return name, attribute

    def _assignment(self, node: ast.AST, module: Module) -> None:
        match node:
            case ast.Assign([ast.Name(name)], ast.Call() as call) | ast.AnnAssign(
                ast.Name(name), _, ast.Call() as call
            ):
                pass
            case _:
                return
        function = dotted(call.func, module)
        if function not in _APPLICATIONS and function not in _ROUTERS:
            return
        key = (module.name, name)
        if key in self._routers:
            self._routers[key].doubts.append(f"{module.file} makes `{name}` more than once")
            return
        self._routers[key] = router = Router.empty()
        if function in _APPLICATIONS:
            self.frameworks[key] = _APPLICATIONS[function]
            if _APPLICATIONS[function] not in _FOLLOWED:
                router.unread.append(f"routes of {_APPLICATIONS[function]} are not followed")
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        if "dependencies" in keywords:
            router.doubts.append(f"`{name}` has dependencies")
        if HOST_OPTIONS & keywords.keys():
            router.doubts.append(f"`{name}` is bound to a host")
        if "middleware" in keywords:
            self._middleware_list(keywords["middleware"], router, module)
        if "routes" in keywords:
            self._route_list(keywords["routes"], router, module)
        if prefix := keywords.get("prefix") or keywords.get("url_prefix"):
            # A router's own prefix stands between that of its inclusion and its routes.
            text = self._modules.text(prefix, module)
            inner = (module.name, name, "prefix")
            self._routers[inner] = router
            self._routers[key] = outer = Router.empty()
            if text is not None and text.known is not None:
                outer.included.append((text.value, inner, ()))
            else:
                outer.unread.append(f"the prefix of `{name}` in {module.file} is computed")

    def _owner(self, node: ast.AST, module: Module) -> Router | None:
        key = self._key(node, module)
        assert isinstance(key, tuple)
        return self._routers.get((*key, "prefix")) or self._routers.get(key)

    # Routes

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, module: Module, *, is_conditional: bool) -> None:
        for number, decorator in enumerate(node.decorator_list):
            call = decorator if isinstance(decorator, ast.Call) else None
            function = call.func if call else decorator
            if not isinstance(function, ast.Attribute):
                continue
            owner = self._owner(function.value, module)
            if owner is None:
                if function.attr in _HOOKS:
                    self._doubt_all(f"`{node.name}` in {module.file} looks at every request")
                if call is not None and function.attr in ("get", "route") and _starts_with_slash(call):
                    written = ast.unparse(function.value)[:30]
                    self._lost.append(f"what `{written}` in {module.file} is part of is not followed")
                continue
            if function.attr in _HOOKS:
                owner.doubts.append(f"`{node.name}` in {module.file} looks at every request")
            elif (
                call is not None
                and function.attr in ("get", "route", "api_route")
                and _answers_get(function.attr, call)
            ):
                doubts = list(doubts_of_handler(node, number))
                if is_conditional:
                    doubts.append("whether it is there depends on a condition")
                if any(keyword.arg == "dependencies" for keyword in call.keywords):
                    doubts.append("it has dependencies")
                self._route(owner, call, module, doubts, node)

    def _route(
        self, owner: Router, call: ast.Call, module: Module, doubts: list[str],
        handler: ast.FunctionDef | ast.AsyncFunctionDef | None = None,
    ) -> None:  # fmt: skip
        given = [keyword.value for keyword in call.keywords if keyword.arg in ("path", "rule")]
        text = self._modules.text(next(iter([*call.args, *given]), None), module)
        if text is None or text.known is None:
            owner.unread.append(f"the path of a route in {module.file} is computed")
        elif "{" not in text.value and "<" not in text.value:
            if any(keyword.arg in HOST_OPTIONS for keyword in call.keywords):
                doubts = [*doubts, "it is bound to a host"]
            # FastAPI answers HEAD by itself: https://github.com/fastapi/fastapi/issues/1773
            runs_for_head = not text.value.strip("/") and "FastAPI" not in self.frameworks.values()
            changes = runs_for_head and handler is not None and changes_something(handler, module)
            owner.routes.append(Route(text.value, module.file, tuple(doubts), changes))

    def _route_list(self, node: ast.expr, router: Router, module: Module) -> None:
        """Starlette's list of Route and Mount."""
        if isinstance(node, ast.Name):
            node = module.assigned.get(node.id) or node
        if not isinstance(node, ast.List):
            router.unread.append(f"the routes in {module.file} are computed")
            return
        for item in node.elts:
            name = dotted(item.func, module).rpartition(".")[2] if isinstance(item, ast.Call) else ""
            if isinstance(item, ast.Call) and name == "Route" and _answers_get("route", item):
                self._route(router, item, module, [])
            elif name != "Route":
                router.unread.append(f"a part of the routes in {module.file} is mounted")

    # Calls

    def _call(self, call: ast.Call, module: Module) -> None:
        name = dotted(call.func, module)
        short = short_name(call, name)
        of = self._key(call.func.value, module) if isinstance(call.func, ast.Attribute) else None
        made_with = self.frameworks.get(of, "")
        is_shown = "Gradio" in self.frameworks.values()
        if listen := listen_of(call, name, made_with, self._modules, module, has_gradio=is_shown):
            self.listens.append(listen)
        if name in ("flask_talisman.Talisman", "Talisman"):
            self.gates.append(Gate("https", "Talisman"))
        self._guard(call, name or short, module)
        if not isinstance(call.func, ast.Attribute):
            return
        owner = self._owner(call.func.value, module)
        if owner is None:
            if short == "add_middleware" and call.args:
                self._middleware_of_all(dotted(call.args[0], module).rpartition(".")[2], module)
            elif short in _HOOKS and call.args:
                self._doubt_all(f"a hook in {module.file} looks at every request")
            return
        if short in ("include_router", "register_blueprint", "mount", "blueprint") and call.args:
            self._include(owner, call, short, module)
        elif short == "add_middleware" and call.args:
            self._middleware(owner, dotted(call.args[0], module).rpartition(".")[2], module)
        elif short in ("add_api_route", "add_url_rule", "add_route") and _answers_get("route", call):
            self._route(owner, call, module, ["what answers it is not looked at"])
        elif short in _HOOKS and call.args:
            owner.doubts.append(f"a hook in {module.file} looks at every request")

    def _guard(self, call: ast.Call, name: str, module: Module) -> None:
        """`Limiter(key, app=app)`, `auth.init_app(app)`, `app = AuthMiddleware(app)`"""
        if isinstance(call.func, ast.Attribute) and call.func.attr == "init_app":
            made = module.assigned.get(ast.unparse(call.func.value))
            name = f"{name} {dotted(made.func, module)}" if isinstance(made, ast.Call) else name
        if not _GUARDS.search(name):
            return
        for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
            owner = self._owner(argument, module) if isinstance(argument, ast.Name) else None
            if owner is not None:
                owner.doubts.append(f"`{name.rpartition('.')[2]}` in {module.file} may refuse requests")

    def _include(self, owner: Router, call: ast.Call, short: str, module: Module) -> None:
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        target = call.args[-1] if short == "mount" and len(call.args) > 1 else call.args[0]
        prefix = call.args[0] if short == "mount" else keywords.get("prefix") or keywords.get("url_prefix")
        text = self._modules.text(prefix, module) if prefix is not None else None
        if (prefix is not None and (text is None or text.known is None)) or isinstance(target, ast.Call):
            if short != "mount":
                owner.unread.append(f"a router in {module.file} is included in a way that is not followed")
            return
        key = self._key(target, module)
        if short != "mount" and key not in self._routers:
            owner.unread.append(f"the router `{ast.unparse(target)[:40]}` in {module.file} is not found")
            return
        reasons = {"dependencies": "it is included with dependencies", "subdomain": "it is bound to a host"}
        doubts = tuple(reason for keyword, reason in reasons.items() if keyword in keywords)
        replaces = (
            keywords.get("url_prefix") is not None and isinstance(key, tuple) and (*key, "prefix") in self._routers
        )
        owner.included.append(
            (text.value if text else "", (*key, "prefix") if replaces and isinstance(key, tuple) else key, doubts)
        )

    def _middleware(self, owner: Router, name: str, module: Module) -> None:
        if name in _GATES:
            self.gates.append(_GATES[name])
        elif name not in _HARMLESS:
            owner.doubts.append(f"the middleware {name or '?'} in {module.file} looks at every request")

    def _middleware_of_all(self, name: str, module: Module) -> None:
        """What is added to an application that was handed over: it may be any."""
        for key in self.frameworks:
            self._middleware(self._routers[key], name, module)

    def _middleware_list(self, node: ast.expr, owner: Router, module: Module) -> None:
        """`FastAPI(middleware=[Middleware(GZipMiddleware)])`: https://www.starlette.io/middleware/"""
        if isinstance(node, ast.Name):
            node = module.assigned.get(node.id) or node
        items = node.elts if isinstance(node, ast.List | ast.Tuple) else [node]
        for item in items:
            first = item.args[0] if isinstance(item, ast.Call) and item.args else item
            self._middleware(owner, dotted(first, module).rpartition(".")[2], module)

    def _doubt_all(self, reason: str) -> None:
        for key in self.frameworks:
            self._routers[key].doubts.append(reason)

    # What stands around it

    def _look_around(self, modules: list[Module]) -> None:
        if {"Flask", "Quart"} & set(self.frameworks.values()) and (
            reason := bound_to_a_host(self._modules, self._program.folder)
        ):
            self._doubt_all(reason)
        for module in modules:
            served = {self._program.target.partition(":")[2]} if module is self._first else set()
            served |= {name for place, name in self._names() if place == module.name}
            for node in module.nodes:
                match node:
                    case ast.Call(args=[first, *_]) if dotted(node.func, module) in LISTENS:
                        served |= {first.id} if isinstance(first, ast.Name) else set()
                        if isinstance(first, ast.Call):
                            self._wrapping(first, module)
            for node in module.nodes:
                match node:
                    case ast.Assign([ast.Name(name)], ast.Call() as call) if name in served:
                        self._wrapping(call, module)
                    case ast.Assign([ast.Attribute(_, "wsgi_app" | "asgi_app")], ast.Call() as call):
                        self._wrapping(call, module)

    def _names(self) -> list[tuple[str, str]]:
        return [key for key in self.frameworks if isinstance(key, tuple)]

    def _wrapping(self, call: ast.Call, module: Module) -> None:
        """`app = Protected(app)`, `app.wsgi_app = DispatcherMiddleware(other, {"/shop": app.wsgi_app})`"""
        function = dotted(call.func, module)
        name = function.rpartition(".")[2]
        if function in _APPLICATIONS or name in TRANSPARENT or name in _HARMLESS:
            return
        given = [self._key(node, module) for argument in (*call.args, *(one.value for one in call.keywords))
                 for node in ast.walk(argument) if isinstance(node, ast.Name)]  # fmt: skip
        for key in dict.fromkeys(given):
            if key in self.frameworks:
                self._routers[key].doubts.append(f"`{name}` in {module.file} stands around it")


def _only_when_run(module: Module) -> frozenset[int]:
    """The nodes below `if __name__ == "__main__":`, by their identity."""
    guards = (node for node in module.nodes if isinstance(node, ast.If) and _asks_for_main(node.test))
    return frozenset(id(inner) for guard in guards for inner in ast.walk(guard))


def _only_sometimes(module: Module) -> frozenset[int]:
    """The functions that a condition other than that defines, by their identity."""
    pending: list[tuple[ast.AST, bool]] = [(node, False) for node in module.nodes if isinstance(node, ast.Module)]
    found: set[int] = set()
    while pending:
        node, is_below = pending.pop()
        is_below = is_below or (isinstance(node, ast.If) and not _asks_for_main(node.test))
        for inner in ast.iter_child_nodes(node):
            if is_below and isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(id(inner))
            pending.append((inner, is_below))
    return frozenset(found)


def _asks_for_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _answers_get(kind: str, call: ast.Call) -> bool:
    methods = next((keyword.value for keyword in call.keywords if keyword.arg == "methods"), None)
    if kind == "get" or methods is None:
        return True
    return isinstance(methods, ast.List | ast.Tuple | ast.Set) and any(
        isinstance(one, ast.Constant) and str(one.value).upper() == "GET" for one in methods.elts
    )


def _starts_with_slash(call: ast.Call) -> bool:
    first = call.args[0] if call.args else None
    return isinstance(first, ast.Constant) and str(first.value).startswith("/")
