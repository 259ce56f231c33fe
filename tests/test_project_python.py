"""What Python sources say."""

from __future__ import annotations

import pytest

from rewriter.model.project.answers import Gate, Port, Unknown
from tests.inline_project import PYTHON, project_of

UVICORN = f"{PYTHON}CMD uvicorn main:app --host 0.0.0.0\n"
RUN = f"{PYTHON}CMD python main.py\n"
ROUTER = 'from fastapi import APIRouter\nrouter = APIRouter()\n@router.get("/health")\ndef h(): ...\n'


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({"main.py": '@app.get("/health")\ndef health(): ...\n'}, "/health"),
        (
            {"main.py": '@app.api_route("/ping", methods=["GET", "HEAD"])\nasync def ping(request: Request): ...\n'},
            "/ping",
        ),
        (
            {
                "main.py": 'from api import router\napp.include_router(router, prefix="/api")\n',
                "api/__init__.py": "from .routes import router\n",
                "api/routes.py": ROUTER,
            },
            "/api/health",
        ),
        (
            {
                "main.py": 'from api import routes\napp.include_router(routes.router, prefix="/api")\n',
                "api/__init__.py": "",
                "api/routes.py": 'from fastapi import APIRouter\nrouter = APIRouter(prefix="/v1")\n'
                '@router.get("/health")\ndef h(): ...\n',
            },
            "/api/v1/health",
        ),
        (
            {
                "main.py": 'PREFIX = "/api"\nfrom api import router as r\napp.include_router(r, prefix=PREFIX)\n',
                "api.py": 'import fastapi\nrouter = fastapi.APIRouter()\n@router.get("/healthz")\ndef h(): ...\n',
            },
            "/api/healthz",
        ),
        ({"main.py": '@app.post("/health")\ndef health(): ...\n'}, ""),
        ({"main.py": '@app.get("/health/{name}")\ndef health(name): ...\n'}, ""),
        ({"main.py": '@app.get("/health")\ndef health(db=Depends(get_db)): ...\n'}, ""),
        ({"main.py": '@app.get("/health")\n@limited\ndef health(): ...\n'}, ""),
        (
            {"main.py": '@app.middleware("http")\ndef f(request, call): ...\n@app.get("/health")\ndef h(): ...\n'},
            "",
        ),
        ({"main.py": 'app.add_middleware(AuthMiddleware)\n@app.get("/health")\ndef h(): ...\n'}, ""),
        (
            {
                "main.py": "from fastapi.middleware.cors import CORSMiddleware\napp.add_middleware(CORSMiddleware)\n"
                '@app.get("/health")\ndef h(): ...\n'
            },
            "/health",
        ),
        ({"main.py": "@app.get(HEALTH)\ndef health(): ...\n"}, ""),
    ],
)
def test_routes_of_fastapi(files: dict[str, str], path: str) -> None:
    files["main.py"] = f"from fastapi import FastAPI\napp = FastAPI()\n{files['main.py']}"
    project = project_of(UVICORN, files)
    assert project.routes
    assert bool(path) == any(route.path == path and not route.doubts for route in project.routes.routes)
    assert bool(project.health_route) == bool(path)
    assert project.framework == "FastAPI"


def test_only_routes_of_the_application_that_is_served_count() -> None:
    source = "from fastapi import FastAPI\napp = FastAPI()\nadmin = FastAPI()\n@admin.get('/health')\ndef h(): ...\n"
    assert not project_of(UVICORN, {"main.py": source}).health_route


def test_routes_of_flask() -> None:
    files = {
        "main.py": """
            from flask import Flask
            from views import bp
            def create():
                app = Flask(__name__)
                app.register_blueprint(bp, url_prefix="/shop")
                @app.route("/")
                def index(): ...
                @app.route("/status", methods=["POST"])
                def status(): ...
                return app
            """,
        "views.py": """
            from flask import Blueprint
            bp = Blueprint("shop", __name__, url_prefix="/replaced")
            @bp.get("/ping")
            def ping(): ...
            """,
    }
    project = project_of(f'{PYTHON}CMD gunicorn "main:create()"\n', files)
    assert project.routes
    assert sorted(route.path for route in project.routes.routes) == ["/", "/shop/ping"]
    assert (project.framework, project.serves_root) == ("Flask", True)


def test_routes_of_starlette() -> None:
    source = """
        from starlette.applications import Starlette
        from starlette.routing import Mount, Route
        routes = [Route("/", index), Route("/healthz", health, methods=["GET"]), Mount("/static", app=files)]
        app = Starlette(routes=routes)
        """
    project = project_of(UVICORN, {"main.py": source})
    assert project.health_route
    assert project.health_route.path == "/healthz"
    assert project.routes
    assert project.routes.unread == ("a part of the routes in main.py is mounted",)


@pytest.mark.parametrize(
    ("source", "gate"),
    [
        ("app.add_middleware(TrustedHostMiddleware, allowed_hosts=['x.org'])", Gate("host", "TrustedHostMiddleware")),
        ("app.add_middleware(HTTPSRedirectMiddleware)", Gate("https", "HTTPSRedirectMiddleware")),
    ],
)
def test_middleware_that_refuses_local_requests(source: str, gate: Gate) -> None:
    project = project_of(UVICORN, {"main.py": f"from fastapi import FastAPI\napp = FastAPI()\n{source}\n"})
    assert project.gates == (gate,)


@pytest.mark.parametrize(
    ("source", "port", "host"),
    [
        (
            "from flask import Flask\napp = Flask('a')\napp.run(host='0.0.0.0', port=8080)\n",
            Port(8080, "", "source"),
            "0.0.0.0",
        ),
        ("from flask import Flask\napp = Flask('a')\napp.run('0.0.0.0', 81)\n", Port(81, "", "source"), "0.0.0.0"),
        ("from flask import Flask\napp = Flask('a')\napp.run()\n", Port(5000, "", "source"), "127.0.0.1"),
        (
            "import os, uvicorn\nuvicorn.run('m:a', host='0.0.0.0', port=int(os.environ.get('PORT', 8080)))\n",
            Port(8080, "PORT", "source"),
            "0.0.0.0",
        ),
        (
            "import os, uvicorn\nPORT = int(os.getenv('PORT') or '9')\nuvicorn.run(app, port=PORT)\n",
            Port(9, "PORT", "source"),
            "127.0.0.1",
        ),
        (
            "from http.server import HTTPServer\nHTTPServer(('', 8000), H).serve_forever()\n",
            Port(8000, "", "source"),
            "0.0.0.0",
        ),
        ("from aiohttp import web\nweb.run_app(web.Application())\n", Port(8080, "", "source"), "0.0.0.0"),
        ("from config import settings\nimport uvicorn\nuvicorn.run(app, port=settings.port)\n", None, ""),
        (
            "import config, uvicorn\nuvicorn.run(app, host=config.HOST, port=config.PORT)\n",
            Port(77, "", "source"),
            "::",
        ),
        ("app.run(port=1)\napp.run(port=2)\n", None, ""),
    ],
)
def test_where_the_source_listens(source: str, port: Port | None, host: str) -> None:
    project = project_of(RUN, {"main.py": source, "config.py": "HOST = '::'\nPORT = 77\nsettings = Settings()\n"})
    assert (project.port or None) == port
    if port:
        assert project.address
        assert project.address.host == host


def test_what_other_modules_do_when_they_are_run_themselves_does_not_count() -> None:
    files = {
        "main.py": "import uvicorn, other\nif __name__ == '__main__':\n    uvicorn.run('main:app', port=81)\n",
        "other.py": "import uvicorn\nif __name__ == '__main__':\n    uvicorn.run('other:app', port=82)\n",
    }
    assert project_of(RUN, files).port == Port(81, "", "source")


def test_an_application_that_another_module_makes() -> None:
    files = {
        "main.py": "from shop import app\n@app.get('/health')\ndef h(): ...\n",
        "shop.py": "from fastapi import FastAPI\napp = FastAPI()\nother = FastAPI()\n@other.get('/ping')\ndef p(): 0\n",
    }
    project = project_of(UVICORN, files)
    assert project.routes
    assert [route.path for route in project.routes.routes] == ["/health"]


def test_an_application_that_is_made_twice_is_doubted() -> None:
    source = "from fastapi import FastAPI\napp = FastAPI()\nif x:\n    app = FastAPI(dependencies=y)\n"
    assert not project_of(UVICORN, {"main.py": f"{source}@app.get('/health')\ndef h(): ...\n"}).health_route


def test_routes_of_something_unknown_leave_the_rest_open() -> None:
    project = project_of(UVICORN, {"main.py": "app = build()\n@app.get('/health')\ndef h(): ...\n"})
    assert project.serves_root == Unknown("what `app` in main.py is part of is not followed")


def test_a_server_that_speaks_tls() -> None:
    project = project_of(f"{PYTHON}CMD uvicorn main:app --ssl-keyfile k.pem\n", {"main.py": ""})
    assert project.gates == (Gate("https", "--ssl-keyfile"),)


def test_a_env_file_in_the_image_sets_what_env_does_not() -> None:
    files = {"main.py": "import os, uvicorn\nuvicorn.run('a:b', port=int(os.environ['PORT']))\n", ".env": "PORT=6000\n"}
    assert project_of(RUN, files).port == Port(6000, "PORT", "source")


DJANGO = {
    "manage.py": """
        import os
        from django.core.management import execute_from_command_line
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
        """,
    "shop/__init__.py": "",
    "shop/wsgi.py": """
        import os
        from django.core.wsgi import get_wsgi_application
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
        application = get_wsgi_application()
        """,
    "shop/settings.py": """
        import os
        from pathlib import Path
        BASE_DIR = Path(__file__).resolve().parent.parent
        ROOT_URLCONF = "shop.urls"
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
        MEDIA_ROOT = os.path.join(BASE_DIR, "media")
        STATIC_ROOT = BASE_DIR / "static"
        """,
    "shop/urls.py": """
        from django.urls import include, path
        urlpatterns = [path("api/", include("shop.api")), path("", index)]
        """,
    "shop/api.py": 'from django.urls import path\nurlpatterns = [path("health/", health)]\n',
}


def test_django() -> None:
    project = project_of(f"{PYTHON}CMD gunicorn -b :8000 shop.wsgi\n", DJANGO)
    assert project.framework == "Django"
    assert project.gates == (Gate("host", "ALLOWED_HOSTS"),)
    assert project.writes
    assert project.writes.paths == ("/app/db.sqlite3", "/app/media", "/app/static")
    assert project.routes
    assert sorted(route.path for route in project.routes.routes) == ["/", "/api/health/"]
    assert not project.health_route


@pytest.mark.parametrize(
    ("settings", "gates"),
    [
        ('ALLOWED_HOSTS = ["*"]\n', ()),
        ('ALLOWED_HOSTS = ["127.0.0.1", "x.org"]\nSECURE_SSL_REDIRECT = False\n', ()),
        ('ALLOWED_HOSTS = ["x.org"]\n', (Gate("host", "ALLOWED_HOSTS", "x.org"),)),
        ('ALLOWED_HOSTS = [HOST, ".x.org"]\n', (Gate("host", "ALLOWED_HOSTS", "x.org"),)),
        ('ALLOWED_HOSTS = os.environ["HOSTS"].split()\n', (Gate("host", "ALLOWED_HOSTS", "", "HOSTS"),)),
        (
            'ALLOWED_HOSTS = [h.strip() for h in os.getenv("HOSTS", "x.org,.y.org").split(",") if h]\n',
            (Gate("host", "ALLOWED_HOSTS", "x.org,.y.org", "HOSTS"),),
        ),
        ('ALLOWED_HOSTS = ["x.org"] + os.environ["HOSTS"].split()\n', (Gate("host", "ALLOWED_HOSTS", "x.org"),)),
        ('ALLOWED_HOSTS = json.loads(os.environ["HOSTS"])\n', (Gate("host", "ALLOWED_HOSTS"),)),
        ('ALLOWED_HOSTS = os.environ["A"].split() + os.environ["B"].split()\n', (Gate("host", "ALLOWED_HOSTS"),)),
        ("ALLOWED_HOSTS = os.environ[KEY].split()\n", (Gate("host", "ALLOWED_HOSTS"),)),
        ("DEBUG = True\nALLOWED_HOSTS = []\n", ()),
        ("DEBUG = bool(FLAG)\nALLOWED_HOSTS = []\n", (Gate("host", "ALLOWED_HOSTS"),)),
        ('ALLOWED_HOSTS = ["*"]\nSECURE_SSL_REDIRECT = not DEBUG\n', (Gate("https", "SECURE_SSL_REDIRECT"),)),
    ],
)
def test_allowed_hosts_of_django(settings: str, gates: tuple[Gate, ...]) -> None:
    project = project_of(f"{PYTHON}CMD python manage.py runserver 0:80\n", {**DJANGO, "shop/settings.py": settings})
    assert project.gates == gates


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("open('log.txt', 'w')", ("/app/log.txt",)),
        ("open('log.txt')", ()),
        ("open('log.txt', mode='ab')", ("/app/log.txt",)),
        ("from pathlib import Path\nPath('/data').mkdir(parents=True)", ("/data",)),
        ("from pathlib import Path\n(Path(__file__).parent / 'out' / 'x.txt').write_text('')", ("/app/out/x.txt",)),
        ("import os\nos.makedirs(os.path.join('data', 'x'), exist_ok=True)", ("/app/data/x",)),
        ("import sqlite3\nsqlite3.connect('shop.db')", ("/app/shop.db",)),
        ("import sqlite3\nsqlite3.connect(':memory:')", ()),
        ("URL = 'sqlite:///./shop.db'", ("/app/shop.db",)),
        ("URL = 'sqlite+aiosqlite:////data/shop.db?x=1'", ("/data/shop.db",)),
        ("import os\nURL = os.getenv('DATABASE_URL', 'sqlite:///shop.db')", ("/app/shop.db",)),
        ("import logging\nlogging.FileHandler('/var/log/app.log')", ("/var/log/app.log",)),
        ("import logging.handlers\nlogging.handlers.RotatingFileHandler('logs/a.log')", ("/app/logs/a.log",)),
        ("from logging.handlers import RotatingFileHandler\nRotatingFileHandler(filename='a.log')", ("/app/a.log",)),
        ("import logging\nlogging.basicConfig(filename='a.log')", ("/app/a.log",)),
        ("app.config['UPLOAD_FOLDER'] = '/uploads'", ("/uploads",)),
        ("import os\nUPLOAD_FOLDER = os.environ.get('UPLOADS', 'uploads')", ("/app/uploads",)),
        ("import tempfile\ntempfile.mkdtemp()", ("/tmp",)),
        (
            "import flask, os\napp.config['UPLOAD_DIR'] = 'up'\nf.save(os.path.join(app.config['UPLOAD_DIR'], x(y)))",
            ("/app/up",),
        ),
        ("frame.to_csv(f'reports/{day}.csv')", ("/app/reports",)),
    ],
)
def test_where_python_writes(source: str, paths: tuple[str, ...]) -> None:
    writes = project_of(RUN, {"main.py": source}).writes
    assert writes
    assert (writes.paths, writes.unread) == (paths, ())


def test_computed_paths_may_be_anywhere() -> None:
    writes = project_of(RUN, {"main.py": "open(name, 'w')\n"}).writes
    assert writes
    assert writes.unread == ("`open` in main.py writes to a path that is computed",)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import subprocess\nsubprocess.run(['x'])\n", "`subprocess.run` in main.py runs another program"),
        ("import other\n", "other.py cannot be understood"),
    ],
)
def test_other_programs_and_sources_that_cannot_be_read_may_write(source: str, reason: str) -> None:
    writes = project_of(RUN, {"main.py": source, "other.py": "def"}).writes
    assert writes
    assert writes.unread[0] == reason


def test_what_runs_before_the_server_is_not_looked_at() -> None:
    project = project_of(f"{PYTHON}CMD python seed.py && python main.py\n", {"main.py": "", "seed.py": ""})
    assert project.writes
    assert project.writes.unread == ("what `python seed.py` writes is not known",)


def test_modules_that_import_each_other() -> None:
    files = {"main.py": "import a\nX = a.X\nopen(X, 'w')\n", "a.py": "import main\nX = main.X\n"}
    project = project_of(RUN, files)
    assert project.writes
    assert project.writes.unread


def test_names_that_are_assigned_to_each_other() -> None:
    source = "import uvicorn\nA = B\nB = A\nuvicorn.run('m:a', port=A)\n"
    assert project_of(RUN, {"main.py": source}).port == Unknown("nothing says which port")
