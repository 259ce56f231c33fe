"""Where the server listens: port and address, and from where they are known."""

from __future__ import annotations

import pytest

from rewriter.model.project.answers import Address, Port, Unknown
from tests.inline_project import NODE, PYTHON, project_of


@pytest.mark.parametrize(
    ("command", "port", "host"),
    [
        ("uvicorn a:app", Port(8000, "UVICORN_PORT", "default"), "127.0.0.1"),
        ("uvicorn a:app --host 0.0.0.0 --port=80", Port(80), "0.0.0.0"),
        ("gunicorn a:app", Port(8000, "PORT", "default"), "127.0.0.1"),
        ("gunicorn -w 2 -b 0.0.0.0:5000 a:app", Port(5000), "0.0.0.0"),
        ("gunicorn -b:5000 a:app", Port(5000), "0.0.0.0"),
        ("gunicorn --bind=[::]:5000 a:app", Port(5000), "::"),
        ("gunicorn --bind 0.0.0.0:${PORT:-9000} a:app", Port(9000, "PORT"), "0.0.0.0"),
        ("flask run -h 0.0.0.0 -p 4000", Port(4000), "0.0.0.0"),
        ("flask run", Port(5000, "FLASK_RUN_PORT", "default"), "127.0.0.1"),
        ("fastapi run a.py", Port(8000, "PORT", "default"), "0.0.0.0"),
        ("streamlit run a.py --server.port=8080 --server.address=0.0.0.0", Port(8080), "0.0.0.0"),
        ("streamlit run a.py", Port(8501, "STREAMLIT_SERVER_PORT", "default"), "0.0.0.0"),
        ("python manage.py runserver", Port(8000, "", "default"), "127.0.0.1"),
        ("python manage.py runserver 0.0.0.0:80 --noreload", Port(80), "0.0.0.0"),
        ("python -m http.server 9000 --bind 127.0.0.1", Port(9000), "127.0.0.1"),
        ("waitress-serve --listen=*:8041 a:app", Port(8041), "0.0.0.0"),
        ("daphne -b 0.0.0.0 -p 8001 a:app", Port(8001), "0.0.0.0"),
        ("celery -A a flower --port=5556", Port(5556), "0.0.0.0"),
        ("next start -p 4000", Port(4000), "0.0.0.0"),
        ("next start", Port(3000, "PORT", "default"), "0.0.0.0"),
        ("vite --host --port 80", Port(80), "0.0.0.0"),
        ("vite preview", Port(4173, "", "default"), "localhost"),
        ("serve -s build -l 5000", Port(5000), "0.0.0.0"),
        ("serve -s build -l tcp://0.0.0.0:5000", Port(5000), "0.0.0.0"),
        ("ng serve --host 0.0.0.0", Port(4200, "", "default"), "0.0.0.0"),
        ("php -S 0.0.0.0:8000 -t public", Port(8000), "0.0.0.0"),
    ],
)
def test_servers_tell_on_their_command_line(command: str, port: Port, host: str) -> None:
    project = project_of(f"{PYTHON}CMD {command}\n")
    assert (project.port, project.address) == (port, Address(host))


def test_a_variable_of_the_image_counts_where_the_command_line_says_nothing() -> None:
    project = project_of(f'{PYTHON}ENV PORT=9000\nCMD ["gunicorn", "a:app"]\n')
    assert (project.port, project.address) == (Port(9000, "PORT", "variable"), Address("0.0.0.0"))


def test_a_build_argument_is_no_variable_of_the_container() -> None:
    project = project_of(f"{PYTHON}ARG PORT=9000\nCMD gunicorn -b :$PORT a:app\n")
    assert project.port == Unknown("$PORT gives the port when the container starts")


def test_expose_tells_the_number_of_a_port_that_only_the_container_knows() -> None:
    project = project_of(f"{PYTHON}EXPOSE 8080/tcp 53/udp\nCMD gunicorn -b :$PORT a:app\n")
    assert project.port == Port(8080, "PORT", "EXPOSE")
    assert project.exposed == (8080,)


def test_a_variable_that_the_script_sets_is_none_of_the_container() -> None:
    files = {"run.sh": "#!/bin/sh\nPORT=7000\nexec gunicorn -b 0.0.0.0:$PORT a:app\n"}
    assert project_of(f'{PYTHON}CMD ["./run.sh"]\n', files).port == Port(7000)


def test_a_socket_file_is_no_port() -> None:
    project = project_of(f"{PYTHON}CMD gunicorn --bind unix:/run/a.sock a:app\n")
    assert project.port == Unknown("it listens on a socket file")


def test_gunicorn_takes_options_from_a_variable() -> None:
    project = project_of(f'{PYTHON}ENV GUNICORN_CMD_ARGS="--bind=0.0.0.0:81"\nCMD gunicorn a:app\n')
    assert (project.port, project.address) == (Port(81), Address("0.0.0.0"))


def test_whether_fastapi_reads_the_variable_depends_on_its_version() -> None:
    assert not project_of(f"{PYTHON}ENV PORT=81\nCMD fastapi run a.py\n").port


def test_a_socket_of_uvicorn_is_no_port() -> None:
    assert not project_of(f"{PYTHON}CMD uvicorn a:app --uds /run/a.sock\n").port


def test_a_worker_serves_none() -> None:
    project = project_of(f"{PYTHON}CMD celery -A a worker\n")
    assert project.is_worker
    assert project.port == Unknown("celery serves no port")


@pytest.mark.parametrize(
    ("dockerfile", "port"),
    [
        ("FROM mcr.microsoft.com/dotnet/aspnet:8.0", Port(8080, "ASPNETCORE_HTTP_PORTS", "default")),
        ("FROM mcr.microsoft.com/dotnet/aspnet:6.0", Port(80, "ASPNETCORE_URLS", "default")),
        (
            "FROM mcr.microsoft.com/dotnet/aspnet:8.0\nENV ASPNETCORE_URLS=http://+:5000",
            Port(5000, "ASPNETCORE_URLS", "variable"),
        ),
    ],
)
def test_asp_net_has_its_own_variables(dockerfile: str, port: Port) -> None:
    assert project_of(f'{dockerfile}\nENTRYPOINT ["dotnet", "a.dll"]\n').port == port


SPRING = """FROM maven:3 AS build
WORKDIR /build
COPY . .
FROM eclipse-temurin:21
COPY --from=build /build/x.jar /x.jar
CMD ["java", "-jar", "/x.jar"]
"""
POM = "<project><artifactId>spring-boot-starter-web</artifactId>{}</project>"


@pytest.mark.parametrize(
    ("settings", "port"),
    [
        ({}, Port(8080, "SERVER_PORT", "default")),
        (
            {"src/main/resources/application.properties": "server.port=8081\n"},
            Port(8081, "SERVER_PORT", "configuration"),
        ),
        (
            {"src/main/resources/application.yml": "server:\n  port: ${PORT:9090}\n"},
            Port(9090, "PORT", "configuration"),
        ),
    ],
)
def test_spring_boot_reads_its_configuration(settings: dict[str, str], port: Port) -> None:
    project = project_of(SPRING, {"pom.xml": POM.format(""), **settings})
    assert (project.framework, project.port) == ("Spring", port)


def test_the_health_endpoint_of_actuator() -> None:
    actuator = POM.format("<artifactId>spring-boot-starter-actuator</artifactId>")
    route = project_of(SPRING, {"pom.xml": actuator}).health_route
    assert route
    assert route.path == "/actuator/health"
    moved = {"pom.xml": actuator, "src/main/resources/application.properties": "management.server.port=9\n"}
    assert not project_of(SPRING, moved).health_route


@pytest.mark.parametrize(
    ("configuration", "port"),
    [
        ('bind = "0.0.0.0:8081"\n', Port(8081, "", "configuration")),
        ("import os\nbind = f\"0.0.0.0:{os.getenv('PORT', 8082)}\"\n", Port(8082, "PORT", "configuration")),
        ("workers = 2\n", Port(8000, "PORT", "default")),
    ],
)
def test_gunicorn_reads_its_configuration(configuration: str, port: Port) -> None:
    assert project_of(f"{PYTHON}CMD gunicorn a:app\n", {"gunicorn.conf.py": configuration}).port == port


def test_streamlit_reads_its_configuration() -> None:
    files = {".streamlit/config.toml": '[server]\nport = 8888\naddress = "127.0.0.1"\n'}
    project = project_of(f"{PYTHON}CMD streamlit run a.py\n", files)
    assert (project.port, project.address) == (Port(8888, "", "configuration"), Address("127.0.0.1"))


def test_expose_is_asked_last_and_only_if_it_names_one_port() -> None:
    listed = ("server.js",)
    assert project_of(f"{NODE}EXPOSE 3000\nCMD node server.js\n", listed=listed).port == Port(3000, "", "EXPOSE")
    assert not project_of(f"{NODE}EXPOSE 3000 3001\nCMD node server.js\n", listed=listed).port
    assert project_of(f"{NODE}CMD node server.js\n", listed=listed).port == Unknown("server.js cannot be read")


def test_port_and_expose_that_differ_tell_nothing() -> None:
    text = f"{NODE}ENV PORT=4000\nEXPOSE 3000\nCMD node server.js\n"
    assert project_of(text, listed=("server.js",)).port == Unknown("PORT and EXPOSE differ")
    same = text.replace("3000", "4000")
    assert project_of(same, listed=("server.js",)).port == Port(4000, "PORT", "variable")


def test_rails() -> None:
    puma = 'threads 5\nport ENV.fetch("PORT") { 3000 }\n'
    files = {
        "Gemfile": 'gem "rails"\n',
        "config/puma.rb": puma,
        "config/routes.rb": 'get "up" => "rails/health#show", as: :rails_health_check\n',
        "config/environments/production.rb": "config.force_ssl = true\n# config.hosts = []\n",
    }
    project = project_of('FROM ruby:3.3\nWORKDIR /app\nCOPY . .\nCMD ["./bin/rails", "server"]\n', files)
    assert (project.framework, project.port) == ("Rails", Port(3000, "PORT", "configuration"))
    assert project.health_route
    assert project.health_route.path == "/up"
    assert project.gates
    assert [gate.kind for gate in project.gates] == ["https"]
