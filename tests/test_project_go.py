"""What Go sources say."""

from __future__ import annotations

import pytest

from rewriter.model.project.answers import Port
from tests.inline_project import project_of

GO = """FROM golang:1.22 AS build
WORKDIR /src
COPY . .
RUN go build -o /server .
FROM debian:12-slim
WORKDIR /data
COPY --from=build /server /server
CMD ["/server"]
"""
MODULE = "module example.com/shop\n\ngo 1.22\n"


def main(body: str, *imports: str) -> str:
    quoted = "\n".join(f'"{one}"' for one in imports)
    return f"package main\nimport (\n{quoted}\n)\nfunc main() {{\n{body}\n}}\n"


@pytest.mark.parametrize(
    ("body", "imported", "port", "framework"),
    [
        ('http.ListenAndServe(":8080", nil)', "net/http", Port(8080, "", "source"), "net/http"),
        (
            'port := os.Getenv("PORT")\nif port == "" {\nport = "8081"\n}\nhttp.ListenAndServe(":"+port, nil)',
            "net/http",
            Port(8081, "PORT", "source"),
            "net/http",
        ),
        (
            'addr := fmt.Sprintf(":%s", getEnv("PORT", "8082"))\nhttp.ListenAndServe(addr, nil)',
            "net/http",
            Port(8082, "PORT", "source"),
            "net/http",
        ),
        ('s := &http.Server{Addr: ":8083"}\ns.ListenAndServe()', "net/http", Port(8083, "", "source"), "net/http"),
        ("r := gin.Default()\nr.Run()", "github.com/gin-gonic/gin", Port(8080, "PORT", "source"), "gin"),
        ('r := gin.New()\nr.Run(":9000")', "github.com/gin-gonic/gin", Port(9000, "", "source"), "gin"),
        (
            'e := echo.New()\ne.Logger.Fatal(e.Start(":1323"))',
            "github.com/labstack/echo/v4",
            Port(1323, "", "source"),
            "echo",
        ),
        ('app := fiber.New()\napp.Listen(":3000")', "github.com/gofiber/fiber/v2", Port(3000, "", "source"), "fiber"),
        ("http.ListenAndServe(address(), nil)", "net/http", None, "net/http"),
        ('l, err := net.Listen("tcp", ":50051")', "google.golang.org/grpc", Port(50051, "", "source"), "gRPC"),
    ],
)
def test_where_it_listens(body: str, imported: str, port: Port | None, framework: str) -> None:
    project = project_of(GO, {"go.mod": MODULE, "main.go": main(body, imported)})
    assert ((project.port or None), project.framework) == (port, framework)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ('http.HandleFunc("/healthz", h)', "/healthz"),
        ('mux := http.NewServeMux()\nmux.HandleFunc("GET /healthz", h)', "/healthz"),
        ('r := gin.Default()\nv1 := r.Group("/api")\nv1.GET("/health", h)', "/api/health"),
        ('r := gin.Default()\nv1 := r.Group("/api", auth())\nv1.GET("/health", h)', ""),
        ('r := gin.Default()\nr.Use(auth())\nr.GET("/health", h)', ""),
        ('r := gin.Default()\nr.Use(gin.Logger())\nr.GET("/health", h)', "/health"),
        ('r := gin.Default()\nr.POST("/health", h)', ""),
        ('r := mux.NewRouter()\nr.HandleFunc("/health", h).Methods("POST")', ""),
        ('r := mux.NewRouter()\nr.HandleFunc("/health", h).Methods("GET")', "/health"),
        ('r := chi.NewRouter()\nr.Route("/api", func(r chi.Router) {\nr.Get("/health", h)\n})', ""),
        ('r := build()\nr.GET("/health", h)', ""),
    ],
)
def test_routes(body: str, path: str) -> None:
    found = project_of(GO, {"go.mod": MODULE, "main.go": main(body, "net/http")}).health_route
    assert (found.path if found else "") == path


def test_packages_of_the_module_are_read() -> None:
    files = {
        "go.mod": MODULE,
        "main.go": main(
            'http.HandleFunc("/ping", h)\nhttp.ListenAndServe(config.Address, nil)',
            "net/http",
            "example.com/shop/internal/config",
        ),
        "internal/config/config.go": 'package config\nconst Address = ":7070"\n',
        "main_test.go": main('http.ListenAndServe(":1", nil)', "net/http"),
    }
    project = project_of(GO, files)
    assert project.port == Port(7070, "", "source")
    assert project.findings
    assert project.findings.files == ("main.go", "internal/config/config.go")


def test_where_it_writes() -> None:
    body = 'os.MkdirAll("cache", 0o755)\nos.Create(name)\nos.OpenFile("/in", os.O_RDONLY, 0)\n'
    body += 'sql.Open("sqlite3", "file:/db/a.db?x=1")'
    writes = project_of(GO, {"go.mod": MODULE, "main.go": main(body, "os")}).writes
    assert writes
    assert writes.paths == ("/data/cache", "/db/a.db")
    assert writes.unread == ("`os.Create` in main.go writes to a path that is computed",)
