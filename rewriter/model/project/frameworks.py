"""Which framework an application is written with: by its source, by its server, by its dependencies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rewriter.model.project.answers import Program, Unknown
from rewriter.model.project.dependencies import Dependencies
from rewriter.model.project.findings import Findings
from rewriter.model.project.servers import SERVERS

_PYTHON: Final = {
    "django": "Django", "fastapi": "FastAPI", "flask": "Flask", "quart": "Quart", "sanic": "Sanic",
    "litestar": "Litestar", "aiohttp": "aiohttp", "tornado": "Tornado", "falcon": "Falcon", "bottle": "Bottle",
    "pyramid": "Pyramid", "cherrypy": "CherryPy", "blacksheep": "BlackSheep", "robyn": "Robyn", "emmett": "Emmett",
    "emmett55": "Emmett",
    "streamlit": "Streamlit", "gradio": "Gradio", "dash": "Dash", "chainlit": "Chainlit", "nicegui": "NiceGUI",
    "starlette": "Starlette", "apidaora": "apidaora", "blacknoise": "blacknoise", "pyrate": "pyrate",
    "socketify": "socketify", "microdot": "Microdot", "responder": "Responder", "panther": "Panther",
    "turbogears2": "TurboGears", "klein": "Klein", "twisted": "Twisted", "locust": "Locust",
    "grpcio": "gRPC", "celery": "Celery",
}  # fmt: skip
_JAVASCRIPT: Final = {
    "next": "Next", "nuxt": "Nuxt", "@nestjs/core": "Nest", "@strapi/strapi": "Strapi", "@adonisjs/core": "Adonis",
    "@remix-run/serve": "Remix", "express": "Express", "fastify": "Fastify", "koa": "Koa", "hono": "Hono",
    "@hapi/hapi": "Hapi", "hapi": "Hapi", "restify": "Restify", "polka": "Polka", "sails": "Sails",
    "@apollo/server": "Apollo", "apollo-server": "Apollo", "@feathersjs/feathers": "Feathers",
    "elysia": "Elysia", "hyper-express": "HyperExpress", "ultimate-express": "Ultimate Express", "restana": "Restana",
    "0http": "0http", "uWebSockets.js": "uWebSockets.js", "uwebsockets.js": "uWebSockets.js",
    "@ditsmod/core": "Ditsmod",
    "@grpc/grpc-js": "gRPC", "ws": "ws", "socket.io": "Socket.IO",
}  # fmt: skip
_OTHERS: Final = {
    "go": {"github.com/gin-gonic/gin": "gin", "github.com/labstack/echo": "echo", "github.com/gofiber/fiber": "fiber",
           "github.com/go-chi/chi": "chi", "github.com/gorilla/mux": "gorilla/mux",
           "github.com/valyala/fasthttp": "fasthttp",
           "google.golang.org/grpc": "gRPC"},
    "java": {"spring-boot-starter-web": "Spring", "spring-boot-starter-webflux": "Spring",
             "org.springframework.boot:spring-boot-starter-web": "Spring", "org.springframework.boot": "Spring",
             "spring-boot-starter": "Spring", "spring-boot-starter-parent": "Spring", "quarkus-maven-plugin": "Quarkus",
             "io.quarkus": "Quarkus", "micronaut-http-server-netty": "Micronaut", "vertx-web": "Vert.x",
             "vertx-core": "Vert.x", "io.javalin:javalin": "Javalin", "javalin": "Javalin",
             "helidon-webserver": "Helidon"},
    "ruby": {"rails": "Rails", "sinatra": "Sinatra", "hanami": "Hanami", "roda": "Roda", "grape": "Grape"},
    "csharp": {"Microsoft.NET.Sdk.Web": "ASP.NET"},
}  # fmt: skip
_BY_LANGUAGE: Final[Mapping[str, Mapping[str, str]]] = {"python": _PYTHON, "javascript": _JAVASCRIPT, **_OTHERS}
_HOLDS: Final[Mapping[str, frozenset[str]]] = {
    "Next": frozenset(_JAVASCRIPT.values()),
    "Nuxt": frozenset(_JAVASCRIPT.values()),
    "Nest": frozenset({"Express", "Fastify", "ws", "Socket.IO", "gRPC", "Apollo"}),
    "Strapi": frozenset({"Koa"}),
    "Django": frozenset({"Celery", "gRPC"}),
    "FastAPI": frozenset({"Starlette", "Celery", "aiohttp", "gRPC"}),
    "Flask": frozenset({"Celery", "aiohttp", "gRPC"}),
    "Dash": frozenset({"Flask"}),
    "Quart": frozenset({"Flask"}),
    "Gradio": frozenset({"FastAPI", "Starlette", "aiohttp"}),
    "Express": frozenset({"Socket.IO", "ws", "gRPC", "Apollo"}),
    "Fastify": frozenset({"Socket.IO", "ws", "gRPC", "Apollo"}),
    "Koa": frozenset({"Socket.IO", "ws", "gRPC", "Apollo"}),
    "Spring": frozenset({"Vert.x", "Javalin"}),
    "gin": frozenset({"gRPC"}),
    "echo": frozenset({"gRPC"}),
}
"""What often comes along with a framework, and does not make it another one."""

_SERVERS_OF: Final = {"uvicorn": ("FastAPI", "Starlette", "Django", "Quart", "Litestar", "Falcon", "BlackSheep")}


def framework_of(
    program: Program | Unknown, findings: Findings | Unknown, dependencies: Dependencies | Unknown, language: str
) -> str | Unknown:
    """The framework by the best evidence there is."""
    server = SERVERS.get(program.name) if program else None
    if server is not None and server.framework:
        return server.framework
    if findings and findings.frameworks:
        chosen = _choose(findings.frameworks)
        if isinstance(chosen, str):
            return chosen
    if not dependencies:
        return dependencies
    table = _BY_LANGUAGE.get(language, {})
    found = [framework for name, framework in table.items() if framework and _asks_for(name, dependencies, language)]
    if server is not None and program and program.name in _SERVERS_OF:
        found = [one for one in found if one in _SERVERS_OF[program.name]] or found
    if findings and not findings.unread and language == "go" and not found:
        return "net/http"
    return _choose(found) if found else Unknown("no framework is among the dependencies")


def _asks_for(name: str, dependencies: Dependencies, language: str) -> bool:
    if name in dependencies.names:
        return True
    return language == "go" and any(one.startswith(f"{name}/") for one in dependencies.names)


def _choose(found: list[str] | tuple[str, ...]) -> str | Unknown:
    """The one that the others only come along with."""
    kinds = dict.fromkeys(found)
    for one in kinds:
        if all(other == one or other in _HOLDS.get(one, ()) for other in kinds):
            return one
    return Unknown(f"several frameworks: {', '.join(kinds)}")
