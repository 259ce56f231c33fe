"""What the settings and URLs of a Django project say: https://docs.djangoproject.com/en/stable/ref/settings/"""

from __future__ import annotations

import ast
from typing import Final

from rewriter.model.project.answers import Gate, Program, Route
from rewriter.model.project.django_hosts import Hosts, hosts_in
from rewriter.model.project.findings import Findings, Router, gather
from rewriter.model.project.python_values import Module, Modules, dotted
from rewriter.model.project.python_writes import find_writes

_SETTINGS: Final = "DJANGO_SETTINGS_MODULE"
_LOCAL: Final = frozenset({"*", "127.0.0.1", ".127.0.0.1"})
_MOST_URLS: Final = 100
_DOUBT: Final = "the views of Django are not looked at"


def add_django(found: Findings, modules: Modules, program: Program) -> Findings:
    """The findings with what settings and URLs add; without settings nothing is known of them."""
    name = modules.environment.get(_SETTINGS) or _settings_of(modules)
    settings = modules.load(name) if name else None
    if settings is None:
        reason = "the settings of Django are not in the build context"
        return found._replace(
            gates=(*found.gates, Gate("host", "ALLOWED_HOSTS")),
            writes=found.writes._replace(unread=(*found.writes.unread, reason)),
            routes=found.routes._replace(unread=(*found.routes.unread, reason)),
        )
    modules.follow(settings)
    chain = [settings, *(modules.by_name[one] for one in settings.imported_modules if one in modules.by_name)]
    routers: dict[object, Router] = {}
    root = next(
        (text.value for module in chain if (text := modules.text(module.assigned.get("ROOT_URLCONF"), module))), ""
    )
    _add_urls(root, modules, routers)
    routes = gather(routers, [root] if root else [])
    gates = [*found.gates]
    hosts = _allowed_hosts(chain)
    if _LOCAL.isdisjoint(hosts.names):
        admitted = next((host.removeprefix(".") for host in hosts.names), hosts.default)
        gates.append(Gate("host", "ALLOWED_HOSTS", admitted, hosts.variable))
    if any(
        _is_on(module.assigned.get("SECURE_SSL_REDIRECT"), "SECURE_SSL_REDIRECT" in module.assigned) for module in chain
    ):
        gates.append(Gate("https", "SECURE_SSL_REDIRECT"))
    unread = tuple(dict.fromkeys(modules.unread))
    files = tuple(module.file for module in modules.by_name.values())
    return found._replace(
        routes=routes, gates=tuple(gates), writes=find_writes(modules, program.folder), unread=unread, files=files
    )


def _settings_of(modules: Modules) -> str:
    """The module that manage.py, wsgi.py or asgi.py names."""
    for module in modules.by_name.values():
        for node in module.nodes:
            if (
                isinstance(node, ast.Call)
                and len(node.args) == 2
                and dotted(node.func, module) == "os.environ.setdefault"
            ):
                key, value = node.args
                if isinstance(key, ast.Constant) and key.value == _SETTINGS and (text := modules.text(value, module)):
                    return text.value
    return ""


def _allowed_hosts(chain: list[Module]) -> Hosts:
    """The hosts that are let in; none where they are computed. For debugging, an empty list lets in the local ones."""
    for module in chain:
        if "ALLOWED_HOSTS" in module.assigned:
            value = module.assigned["ALLOWED_HOSTS"]
            is_empty = isinstance(value, ast.List | ast.Tuple) and not value.elts
            if is_empty and any(_is_true(one.assigned.get("DEBUG")) for one in chain):
                return Hosts(("127.0.0.1",))
            return hosts_in(value, module) if value is not None else Hosts()
    return Hosts()


def _is_true(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is True


def _is_on(value: ast.expr | None, is_set: bool) -> bool:
    return is_set and not (isinstance(value, ast.Constant) and value.value is False)


def _add_urls(name: str, modules: Modules, routers: dict[object, Router]) -> None:
    """The `urlpatterns` of a module and of those that it includes."""
    pending = [name]
    while pending and len(routers) < _MOST_URLS:
        one = pending.pop()
        if not one or one in routers:
            continue
        router = routers[one] = Router.empty()
        module = modules.load(one)
        if module is None:
            router.unread.append(f"the URLs of {one} are not in the build context")
            continue
        modules.follow(module)
        for node in module.nodes:
            if isinstance(node, ast.Call) and dotted(node.func, module) in ("django.urls.path", "django.urls.re_path"):
                pending += _add_path(node, module, modules, router)


def _add_path(call: ast.Call, module: Module, modules: Modules, router: Router) -> list[str]:
    text = modules.text(call.args[0], module) if len(call.args) > 1 else None
    if text is None or text.known is None or "<" in text.value or "(" in text.value:
        return []
    view = call.args[1]
    if isinstance(view, ast.Call) and dotted(view.func, module) == "django.urls.include":
        included = modules.text(view.args[0], module) if view.args else None
        if included is None or included.known is None:
            router.unread.append(f"URLs that {module.file} includes are not followed")
            return []
        router.included.append((text.value, included.value, ()))
        return [included.value]
    router.routes.append(Route(text.value, module.file, (_DOUBT,)))
    return []
