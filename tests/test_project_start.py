"""From CMD and ENTRYPOINT to the program that runs."""

from __future__ import annotations

import json

import pytest

from rewriter.model.project.answers import Start, Unknown
from tests.inline_project import NODE, PYTHON, program, project_of, started

PACKAGE = json.dumps(
    {
        "scripts": {
            "start": "npm run serve",
            "prestart": "node check.js",
            "serve": "cross-env NODE_ENV=production node --enable-source-maps server.js",
            "dev": "nodemon server.js",
            "two": "node seed.js && node server.js",
            "next": "next start -p 4000",
            "loop": "npm run loop",
        }
    }
)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ('CMD ["python", "app.py"]', ["python app.py"]),
        ("CMD python app.py", ["python app.py"]),
        ('CMD ["sh", "-c", "python migrate.py && exec python app.py"]', ["python migrate.py", "python app.py"]),
        ('ENTRYPOINT ["python"]\nCMD ["app.py"]', ["python app.py"]),
        ('ENTRYPOINT python app.py\nCMD ["ignored"]', ["python app.py"]),
        ('ENTRYPOINT ["tini", "-g", "--"]\nCMD ["python", "app.py"]', ["python app.py"]),
        ('CMD ["dumb-init", "python", "app.py"]', ["python app.py"]),
        ('CMD ["poetry", "run", "python", "-m", "app"]', ["python -m app"]),
        ('CMD ["uv", "run", "--no-sync", "--frozen", "app.py"]', ["app.py"]),
        ('CMD ["uv", "run", "--with", "rich", "uvicorn", "app:app"]', ["uvicorn app:app"]),
        ('CMD ["uv", "run", "-m", "app"]', ["python -m app"]),
        ('CMD ["pipenv", "run", "gunicorn", "app:app"]', ["gunicorn app:app"]),
        ('CMD ["gosu", "app", "python", "app.py"]', ["python app.py"]),
        ('CMD ["env", "A=1", "python", "app.py"]', ["python app.py"]),
        ('CMD ["newrelic-admin", "run-program", "python", "app.py"]', ["python app.py"]),
        ('CMD ["./wait-for-it.sh", "db:5432", "--", "python", "app.py"]', ["python app.py"]),
        ("CMD A=1 exec python app.py > /dev/null 2>&1", ["python app.py"]),
        ("CMD cd src; python app.py", ["python app.py"]),
        ("CMD python a.py || python b.py", ["python a.py", "python b.py"]),
    ],
)
def test_commands_are_followed_through_wrappers_and_shells(command: str, expected: list[str]) -> None:
    assert started(project_of(f"{PYTHON}{command}\n", {"app.py": "", "app/__main__.py": ""})) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ('["npm", "start"]', ["node check.js", "node --enable-source-maps server.js"]),
        ('["yarn", "start"]', ["node check.js", "node --enable-source-maps server.js"]),
        ('["pnpm", "run", "serve"]', ["node --enable-source-maps server.js"]),
        ('["npm", "run", "two"]', ["node seed.js", "node server.js"]),
        ('["npm", "run", "next", "--", "-H", "0.0.0.0"]', ["next start -p 4000 -H 0.0.0.0"]),
        ('["npx", "--yes", "next", "start"]', ["next start"]),
        ('["yarn", "next", "start"]', ["next start -p 4000 start"]),
        ('["yarn", "vite", "preview"]', ["vite preview"]),
        ('["npm", "--prefix", "/app", "run", "serve"]', ["node --enable-source-maps server.js"]),
        ('["pm2-runtime", "server.js"]', ["node server.js"]),
        ('["server.js"]', ["server.js"]),
        ('["-r", "dotenv/config", "server.js"]', ["node -r dotenv/config server.js"]),
    ],
)
def test_scripts_of_package_json_are_followed(command: str, expected: list[str]) -> None:
    entrypoint = 'ENTRYPOINT ["docker-entrypoint.sh"]\n' if command.startswith('["-r') else ""
    project = project_of(f"{NODE}{entrypoint}CMD {command}\n", {"package.json": PACKAGE, "server.js": ""})
    assert started(project) == expected


def test_scripts_that_call_each_other_forever_come_to_an_end() -> None:
    project = project_of(f'{NODE}CMD ["npm", "run", "loop"]\n', {"package.json": PACKAGE})
    assert isinstance(project.program, Unknown)


def test_npm_start_without_such_a_script_runs_server_js() -> None:
    project = project_of(f"{NODE}CMD npm start\n", {"package.json": "{}", "server.js": ""})
    assert started(project) == ["node server.js"]


def test_a_package_json_that_cannot_be_read_leaves_the_program_unknown() -> None:
    project = project_of(f"{NODE}CMD npm start\n", listed=("package.json",))
    assert project.program == Unknown("package.json cannot be read")


ENTRY = """
    #!/bin/sh
    set -e
    export WORKERS="${WORKERS:-2}"
    if [ "$MIGRATE" = yes ]; then
        python manage.py migrate
        chown -R app /data
    fi
    until nc -z db 5432; do
        sleep 1
    done
    exec "$@"
    """


def test_an_entry_script_hands_on_its_arguments() -> None:
    files = {"entry.sh": ENTRY, "app.py": ""}
    project = project_of(f'{PYTHON}ENTRYPOINT ["/app/entry.sh"]\nCMD ["gunicorn", "app:app"]\n', files)
    assert started(project) == ["python manage.py migrate", "chown -R app /data", "nc -z db 5432", "gunicorn app:app"]
    assert isinstance(project.start, Start)
    assert [one.is_conditional for one in project.start.commands] == [True, True, True, False]
    assert project.start.scripts == ("entry.sh",)
    assert project.start.unread == ()
    assert program(project).name == "gunicorn"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("#!/bin/bash\ncd /srv\nexec gunicorn -w ${WORKERS:-4} app:app\n", "gunicorn -w 4 app:app"),
        ('#!/bin/sh\nexec gunicorn "$1:app"\n', "gunicorn a:app"),
        ('#!/bin/sh\nshift\nset -- gunicorn "$@"\nexec "$@"\n', "gunicorn b"),
        ("#!/bin/sh\nOPTIONS='-w 3 --preload'\ngunicorn $OPTIONS app:app\n", "gunicorn -w 3 --preload app:app"),
        ("#!/bin/sh\r\nexec gunicorn app:app\r\n", "gunicorn app:app"),
        ("#!/bin/sh\ngunicorn \\\n  -w 2 \\\n  app:app\n", "gunicorn -w 2 app:app"),
    ],
)
def test_words_of_scripts_are_expanded(script: str, expected: str) -> None:
    project = project_of(f'{PYTHON}ENTRYPOINT ["./run.sh", "a", "b"]\n', {"run.sh": script})
    assert started(project)[-1] == expected


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("f() { gunicorn app:app; }\nf\n", "a part of the script cannot be followed: function"),
        ('exec "$PROGRAM" app:app\n', "which program runs depends on $PROGRAM"),
        ("if true; then gunicorn app:app; fi\n", "whether `gunicorn app:app` runs depends on a condition"),
        (
            'case "$1" in\n web) exec gunicorn a ;;\n *) exec celery b ;;\nesac\n',
            "whether `celery b` runs depends on a condition",
        ),
        ("eval gunicorn app:app\n", "the script makes up commands with eval"),
    ],
)
def test_what_scripts_leave_open_is_unknown(script: str, reason: str) -> None:
    project = project_of(f'{PYTHON}ENTRYPOINT ["sh", "run.sh"]\n', {"run.sh": script})
    assert project.program == Unknown(reason)


def test_a_script_that_cannot_be_read_leaves_the_program_unknown() -> None:
    project = project_of(f'{PYTHON}ENTRYPOINT ["/app/run.sh"]\n', listed=("run.sh",))
    assert project.program == Unknown("run.sh cannot be read")
    assert isinstance(project.start, Start)
    assert project.start.unread == ("run.sh cannot be read",)


@pytest.mark.parametrize(
    ("dockerfile", "reason"),
    [
        ("FROM nginx:1.25\n", "neither CMD nor ENTRYPOINT is given: the image `nginx:1.25` runs its own program"),
        ("FROM python:3.11\nCMD []\n", "it runs nothing but what a shell does itself"),
        ("FROM mcr.microsoft.com/windows/servercore:ltsc2022\nCMD app.exe\n", "it is a Windows image"),
    ],
)
def test_where_nothing_is_started_the_answer_says_so(dockerfile: str, reason: str) -> None:
    assert project_of(dockerfile).start == Unknown(reason)


def test_an_entrypoint_of_an_unknown_image_is_told() -> None:
    start = project_of('FROM example.com/base:1\nCMD ["python", "app.py"]\n').start
    assert isinstance(start, Start)
    assert start.unread == ("the ENTRYPOINT of `example.com/base:1` is not known",)


def test_an_entrypoint_drops_the_cmd_of_the_stage_below() -> None:
    text = 'FROM python:3.11 AS a\nCMD ["b.py"]\nFROM a\nENTRYPOINT ["python", "c.py"]\n'
    assert started(project_of(text)) == ["python c.py"]


@pytest.mark.parametrize(
    ("command", "name", "target", "file"),
    [
        ("uvicorn shop.main:app", "uvicorn", "shop.main:app", "shop/main.py"),
        ("python -m uvicorn --app-dir shop main:app", "uvicorn", "main:app", "shop/main.py"),
        ("python3 -u -m shop", "python", "-m shop", "shop/__main__.py"),
        ("python -u shop/main.py", "python", "shop/main.py", "shop/main.py"),
        ("python manage.py runserver 0.0.0.0:8000", "runserver", "manage.py", "manage.py"),
        ("flask --app shop.main run", "flask run", "shop.main", "shop/main.py"),
        ("fastapi run shop/main.py --port 80", "fastapi run", "shop/main.py", "shop/main.py"),
        ("streamlit run shop/main.py", "streamlit run", "shop/main.py", "shop/main.py"),
        ("celery -A shop worker -l info", "celery", "", ""),
        ("celery -A shop flower", "celery flower", "", ""),
        ("/opt/venv/bin/gunicorn -w 2 shop.main:app", "gunicorn", "shop.main:app", "shop/main.py"),
        ("serve-shop", "serve-shop", "shop.main:run", "shop/main.py"),
    ],
)
def test_python_programs(command: str, name: str, target: str, file: str) -> None:
    pyproject = '[project]\nname = "shop"\n[project.scripts]\nserve-shop = "shop.main:run"\n'
    files = {"shop/main.py": "", "shop/__main__.py": "", "manage.py": "", "pyproject.toml": pyproject}
    found = program(project_of(f"{PYTHON}CMD {command}\n", files))
    assert (found.name, found.target, found.file, found.language) == (name, target, file, "python")


@pytest.mark.parametrize(
    ("command", "file"),
    [
        ("node dist/main", "src/main.ts"),
        ("node dist/main.js", "src/main.ts"),
        ("node ./build/server/index.js", "src/server/index.ts"),
        ("node src/plain", "src/plain.js"),
        ("nest start", "src/main.ts"),
        ("node -r ts-node/register src/main.ts", "src/main.ts"),
        ("bun run src/main.ts", "src/main.ts"),
        ("tsx watch src/main.ts", "src/main.ts"),
    ],
)
def test_the_source_of_compiled_scripts_is_found(command: str, file: str) -> None:
    files = {"src/main.ts": "", "src/server/index.ts": "", "src/plain.js": "", "package.json": "{}"}
    assert program(project_of(f"{NODE}CMD {command}\n", files)).file == file


@pytest.mark.parametrize(
    "command",
    [
        "npm start --workspace=@parcels/server",
        "npm run start -w apps/server",
        "npm -w @parcels/server run start",
        "pnpm --filter @parcels/server start",
        "yarn workspace @parcels/server start",
    ],
)
def test_scripts_of_a_workspace_are_followed(command: str) -> None:
    files = {
        "package.json": '{"name": "parcels", "workspaces": ["apps/*"]}',
        "apps/server/package.json": '{"name": "@parcels/server", "scripts": {"start": "node src/main.js"}}',
        "apps/server/src/main.js": "",
    }
    found = program(project_of(f"{NODE}CMD {command}\n", files))
    assert (found.file, found.folder) == ("apps/server/src/main.js", "/app/apps/server")


@pytest.mark.parametrize("command", ["npm start -w elsewhere", "pnpm -r start", "pnpm --filter ...server start"])
def test_scripts_of_other_workspaces_are_not(command: str) -> None:
    files = {"package.json": '{"name": "parcels", "workspaces": ["apps/*"]}', "server.js": ""}
    start = project_of(f"{NODE}CMD {command}\n", files).start
    assert isinstance(start, Start)
    assert start.unread


@pytest.mark.parametrize(
    ("command", "file"),
    [
        ("node out/server/main.js", "code/main.ts"),
        ("node out/server", "code/index.ts"),
        ("node out/server/jobs/run", "code/jobs/run.ts"),
        ("node service/build/app.js", "service/src/app.ts"),
        ("node out/elsewhere/main.js", ""),
    ],
)
def test_the_source_is_where_tsconfig_says(command: str, file: str) -> None:
    files = {
        "tsconfig.base.json": '{"compilerOptions": {"rootDir": "code"}} // and the rest',
        "tsconfig.json": '{"extends": "./tsconfig.base.json", "compilerOptions": {"outDir": "./out/server/"}}',
        "service/tsconfig.json": '{"compilerOptions": {"outDir": "build"}}',
        **dict.fromkeys(("code/main.ts", "code/index.ts", "code/jobs/run.ts", "service/src/app.ts"), ""),
    }
    assert program(project_of(f"{NODE}CMD {command}\n", files)).file == file


def test_scripts_compiled_in_an_earlier_stage_are_traced() -> None:
    text = f"{NODE.replace('slim', 'slim AS build')}RUN npm run build\nFROM node:20-slim\nWORKDIR /srv\n"
    text += 'COPY --from=build /app/dist ./dist\nCMD ["node", "dist/main.js"]\n'
    found = program(project_of(text, {"src/main.ts": "", "package.json": "{}"}))
    assert (found.file, found.stage) == ("src/main.ts", 0)


GO = "FROM golang:1.22 AS build\nWORKDIR /src\nCOPY . .\n"


@pytest.mark.parametrize(
    ("build", "copy", "command", "file"),
    [
        ("go build -o /out/server ./cmd/server", "/out/server /server", '["/server"]', "cmd/server"),
        ("go build -o server .", "/src/server /usr/local/bin/", '["server"]', "."),
        ("CGO_ENABLED=0 go build -ldflags='-s -w' -o /app main.go", "/app /app", '["/app"]', "."),
        ("cd cmd/server && go build -o /out/x", "/out/x /x", '["/x"]', "cmd/server"),
        ("go build -o /out/ ./cmd/server", "/out/server /server", '["/server"]', "cmd/server"),
    ],
)
def test_go_binaries_are_traced_to_their_package(build: str, copy: str, command: str, file: str) -> None:
    text = f"{GO}RUN {build}\nFROM debian:12-slim\nCOPY --from=build {copy}\nENTRYPOINT {command}\n"
    found = program(project_of(text, {"main.go": "package main", "cmd/server/main.go": "package main"}))
    assert (found.language, found.file) == ("go", file)


@pytest.mark.parametrize(
    ("dockerfile", "name", "language", "target"),
    [
        ('FROM eclipse-temurin:21\nCMD ["java", "-Xmx1g", "-jar", "/app.jar"]\n', "java", "java", "/app.jar"),
        (
            'FROM mcr.microsoft.com/dotnet/aspnet:8.0\nENTRYPOINT ["dotnet", "shop.dll"]\n',
            "dotnet",
            "csharp",
            "shop.dll",
        ),
        ('FROM ruby:3.3\nCMD ["bundle", "exec", "rails", "s", "-b", "0.0.0.0"]\n', "rails server", "ruby", ""),
        ('FROM ruby:3.3\nCMD ["./bin/rails", "server"]\n', "rails server", "ruby", ""),
        ("FROM php:8\nCMD php artisan serve --host=0.0.0.0\n", "artisan serve", "php", "artisan"),
    ],
)
def test_other_languages(dockerfile: str, name: str, language: str, target: str) -> None:
    found = program(project_of(dockerfile))
    assert (found.name, found.language, found.target) == (name, language, target)


@pytest.mark.parametrize(
    ("script", "name"),
    [
        ('bash ./wait-for-it.sh db:5432\npython manage.py migrate\ngunicorn a:app\nexec "$@"\n', "gunicorn"),
        ("sh wait-for.sh db:5432 -- gunicorn a:app\n", "gunicorn"),
        ("python cron.py &\nexec gunicorn a:app\n", "gunicorn"),
        ("gunicorn a:app &\nwait\n", ""),
    ],
)
@pytest.mark.parametrize("command", ["", 'CMD ["python", "never.py"]\n'])
def test_what_stands_behind_a_server_never_runs(script: str, name: str, command: str) -> None:
    files = {"run.sh": script, "wait-for-it.sh": "f() { x; }\n"}
    project = project_of(f'{PYTHON}ENTRYPOINT ["sh", "run.sh"]\n{command}', files)
    assert (project.program.name if project.program else "") == name


def test_a_procfile_names_processes() -> None:
    files = {"Procfile": "web: gunicorn app:app\nworker: celery -A app worker\n", "app.py": ""}
    project = project_of(f'{PYTHON}CMD ["honcho", "start", "web"]\n', files)
    assert started(project) == ["gunicorn app:app"]
    assert project.processes == {"web": "gunicorn app:app", "worker": "celery -A app worker"}
    assert not project_of(f'{PYTHON}CMD ["honcho", "start"]\n', files).program


@pytest.mark.parametrize(
    ("application", "expected"),
    [
        ("{script: './server.js'}", ["node ./server.js"]),
        ("{name: 'a', script: 'npm', args: 'run serve', time: true}", ["node --enable-source-maps server.js"]),
        ("{script: 'server.js', interpreter: 'bun', args: ['--fast', '-v']}", ["bun server.js --fast -v"]),
        ("{script: 'server.js', node_args: '--max-old-space-size=200'}", ["node --max-old-space-size=200 server.js"]),
        ("{script: 'tasks.py', interpreter: 'python3'}", ["python3 tasks.py"]),
    ],
)
def test_the_one_application_of_pm2_is_followed(application: str, expected: list[str]) -> None:
    files = {"ecosystem.config.js": f"module.exports = {{ apps: [{application}] }};\n", "package.json": PACKAGE}
    assert started(project_of(f'{NODE}CMD ["pm2-runtime", "start", "ecosystem.config.js"]\n', files)) == expected


@pytest.mark.parametrize(
    ("configuration", "reason"),
    [
        ("{ apps: [{script: 'a.js'}, {script: 'b.js'}] }", "pm2 starts several programs, or ones that are not plain"),
        ("{ apps: list }", "pm2 starts several programs, or ones that are not plain"),
        ("{ apps: [{script: 'a.js', error_file: 'logs/a.log'}] }", "the configuration of pm2 sets error_file"),
        ("{ apps: [{script: 'a.js', watch: ['src']}] }", "the configuration of pm2 sets watch"),
        ("{ apps: [{script: process.env.SCRIPT}] }", "the configuration of pm2 names what runs"),
        ("{ apps: [{script: 'a.js', ...common}] }", "the configuration of pm2 sets more than can be read"),
        ("require('./other')", "the configuration of pm2 names what runs"),
    ],
)
def test_what_a_configuration_of_pm2_leaves_open_is_unknown(configuration: str, reason: str) -> None:
    files = {"ecosystem.config.js": f"module.exports = {configuration};\n", "a.js": ""}
    start = project_of(f'{NODE}CMD ["pm2-runtime", "ecosystem.config.js"]\n', files).start
    assert isinstance(start, Start)
    assert start.unread[0].startswith(reason)


@pytest.mark.parametrize(
    ("command", "script", "expected"),
    [
        ("PORT=4000 node server.js", "", {"PORT": "4000"}),
        ("A=1 npm start", "", {"A": "1", "NODE_ENV": "production"}),
        ("sh start.sh", "export PORT=4000\nLOCAL=1\nexec node server.js\n", {"PORT": "4000"}),
        ("sh start.sh", "PORT=4000\nexport PORT\nnode server.js\n", {"PORT": "4000"}),
        ("sh start.sh", "set -a\nPORT=4000\nnode server.js\n", {"PORT": "4000"}),
        ("sh start.sh", '[ -n "$X" ] && export PORT=4000\nnode server.js\n', {"PORT": None}),
    ],
)
def test_programs_see_what_scripts_export(command: str, script: str, expected: dict[str, str | None]) -> None:
    project = project_of(f"{NODE}CMD {command}\n", {"package.json": PACKAGE, "server.js": "", "start.sh": script})
    assert {name: project.variables[name] for name in project.variables if name in (*expected, "LOCAL")} == expected
