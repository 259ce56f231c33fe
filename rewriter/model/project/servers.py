"""The programs that serve: what language they speak, where they listen untold, and how they are told otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from rewriter.model.managers.vocabulary import names

ALL: Final = "0.0.0.0"
LOCAL: Final = "127.0.0.1"


class Server(NamedTuple):
    """A row. `port` is 0 where the program's source says it, and -1 where it serves no port.

    `binds` are the options that take `address:port` or `port`, `*_variables` the environment variables that it reads;
    `values` are further options with values, `positional` says that a word of its own may be the port.
    """

    language: str
    port: int = 0
    address: str = ""
    framework: str = ""
    ports: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    binds: frozenset[str] = frozenset()
    port_variables: tuple[str, ...] = ()
    host_variables: tuple[str, ...] = ()
    values: frozenset[str] = frozenset()
    positional: bool = False
    takes_file: str = ""
    """What its first word is: `script`, `module`, or empty."""


_PORT: Final = names("-p --port")
_PYTHON: Final[Mapping[str, Server]] = {
    # https://www.uvicorn.org/settings/
    "uvicorn": Server(
        "python", 8000, LOCAL, ports=names("--port"), hosts=names("--host"), port_variables=("UVICORN_PORT",),
        host_variables=("UVICORN_HOST",), takes_file="module",
        values=names(
            "--uds --fd --reload-dir --reload-include --reload-exclude --reload-delay --workers --env-file "
            "--log-config --log-level --loop --http --ws --ws-max-size --ws-max-queue --ws-ping-interval "
            "--ws-ping-timeout "
            "--lifespan --interface --root-path --limit-concurrency --backlog --limit-max-requests "
            "--timeout-keep-alive --timeout-graceful-shutdown --ssl-keyfile --ssl-certfile --ssl-keyfile-password "
            "--ssl-version --ssl-cert-reqs --ssl-ca-certs --ssl-ciphers --header --app-dir --forwarded-allow-ips "
            "--h11-max-incomplete-event-size"
        ),
    ),
    # https://docs.gunicorn.org/en/stable/settings.html: with PORT set, it binds 0.0.0.0:$PORT
    "gunicorn": Server(
        "python", 8000, LOCAL, binds=names("-b --bind"), port_variables=("PORT",), takes_file="module",
        values=names(
            "-c --config -w --workers -k --worker-class --threads --worker-connections --max-requests "
            "--max-requests-jitter -t --timeout --graceful-timeout --keep-alive --limit-request-line "
            "--limit-request-fields --limit-request-field_size --chdir -e --env -p --pid --worker-tmp-dir -u --user -g "
            "--group -m --umask --forwarded-allow-ips --access-logfile --access-logformat --error-logfile --log-file "
            "--log-level --logger-class --log-config --statsd-host --statsd-prefix -n --name --backlog --certfile "
            "--keyfile --ca-certs --pythonpath --paste --reload-extra-file --reload-engine --ssl-version "
            "--log-config-json"
        ),
    ),
    # https://hypercorn.readthedocs.io/en/latest/how_to_guides/configuring.html
    "hypercorn": Server(
        "python", 8000, LOCAL, binds=names("-b --bind"), takes_file="module",
        values=names("-c --config -w --workers -k --worker-class --access-log --access-logfile --error-logfile "
                     "--log-level --log-file --root-path --keep-alive --graceful-timeout --certfile --keyfile"),
    ),
    # https://github.com/django/daphne
    "daphne": Server("python", 8000, LOCAL, ports=_PORT, hosts=names("-b --bind"), takes_file="module",
                     values=names("-v --verbosity -t --http-timeout --access-log --root-path -e --endpoint -u -s")),
    # https://github.com/emmett-framework/granian
    "granian": Server("python", 8000, LOCAL, ports=names("--port"), hosts=names("--host"), takes_file="module",
                      port_variables=("GRANIAN_PORT",), host_variables=("GRANIAN_HOST",),
                      values=names("--interface --workers --log-level --loop --http --blocking-threads --backlog "
                                   "--runtime-threads --runtime-mode --task-impl --threading-mode --backpressure "
                                   "--url-path-prefix --working-dir --env-files")),
    # https://docs.pylonsproject.org/projects/waitress/en/stable/runner.html
    "waitress-serve": Server("python", 8080, ALL, ports=names("--port"), hosts=names("--host"),
                             binds=names("--listen"), takes_file="module", values=names("--threads --url-scheme")),
    # https://flask.palletsprojects.com/en/stable/cli/
    "flask run": Server("python", 5000, LOCAL, "Flask", _PORT, names("-h --host"), port_variables=("FLASK_RUN_PORT",),
                        host_variables=("FLASK_RUN_HOST",), values=names("--cert --key --extra-files")),
    # https://fastapi.tiangolo.com/fastapi-cli/
    "fastapi run": Server("python", 8000, ALL, "FastAPI", names("--port"), names("--host"), port_variables=("PORT",),
                          values=names("--workers --root-path --app -e --entrypoint"), takes_file="script"),
    "fastapi dev": Server("python", 8000, LOCAL, "FastAPI", names("--port"), names("--host"), port_variables=("PORT",),
                          values=names("--root-path --app -e --entrypoint"), takes_file="script"),
    # https://docs.djangoproject.com/en/stable/ref/django-admin/#runserver
    "runserver": Server("python", 8000, LOCAL, "Django", values=names("--settings --pythonpath -v --verbosity"),
                        positional=True),
    # https://docs.streamlit.io/develop/api-reference/configuration/config.toml
    "streamlit run": Server("python", 8501, ALL, "Streamlit", names("--server.port"), names("--server.address"),
                            port_variables=("STREAMLIT_SERVER_PORT",), host_variables=("STREAMLIT_SERVER_ADDRESS",),
                            takes_file="script"),
    # https://sanic.dev/en/guide/running/running.html
    "sanic": Server("python", 8000, LOCAL, "Sanic", _PORT, names("-H --host"), takes_file="module",
                    values=names("-w --workers -t --unix")),
    "celery": Server("python", -1, framework="Celery"),
    "celery flower": Server("python", 5555, ALL, "Flower", names("--port"), names("--address")),
    # https://docs.chainlit.io/backend/command-line
    "chainlit run": Server("python", 8000, LOCAL, "Chainlit", names("--port"), names("--host"), takes_file="script",
                           port_variables=("CHAINLIT_PORT",), host_variables=("CHAINLIT_HOST",)),
    # https://docs.python.org/3/library/http.server.html
    "http.server": Server("python", 8000, ALL, "http.server", hosts=names("-b --bind"), positional=True,
                          values=names("-d --directory -p --protocol")),
    # https://jupyter-server.readthedocs.io/en/latest/other/full-config.html
    "jupyter": Server("python", 8888, "localhost", "Jupyter", names("--port --ServerApp.port --NotebookApp.port"),
                      names("--ip --ServerApp.ip --NotebookApp.ip")),
    "mlflow": Server("python", 5000, LOCAL, "MLflow", _PORT, names("-h --host")),
    "uwsgi": Server("python", 0, "", binds=names("--http --http-socket --http11-socket --socket -s")),
    **dict.fromkeys(("rq", "dramatiq", "huey_consumer", "huey_consumer.py", "arq", "taskiq"), Server("python", -1)),
}  # fmt: skip
_NODE_HOSTS: Final = names("-H --hostname --host")
_NODE: Final[Mapping[str, Server]] = {
    # https://nextjs.org/docs/app/api-reference/cli/next
    "next start": Server("javascript", 3000, ALL, "Next", _PORT, names("-H --hostname"), port_variables=("PORT",)),
    "next dev": Server("javascript", 3000, ALL, "Next", _PORT, names("-H --hostname"), port_variables=("PORT",)),
    # https://nuxt.com/docs/api/commands/dev
    "nuxt": Server("javascript", 3000, "localhost", "Nuxt", _PORT, names("-h --host"),
                   port_variables=("NUXT_PORT", "NITRO_PORT", "PORT"), host_variables=("NUXT_HOST", "HOST")),
    # https://vite.dev/config/server-options, https://vite.dev/config/preview-options: `--host` alone means all
    "vite": Server("javascript", 5173, "localhost", "Vite", names("--port"), names("--host")),
    "vite preview": Server("javascript", 4173, "localhost", "Vite", names("--port"), names("--host")),
    # https://create-react-app.dev/docs/advanced-configuration
    "react-scripts start": Server("javascript", 3000, ALL, "React", port_variables=("PORT",),
                                  host_variables=("HOST",)),
    # https://angular.dev/cli/serve
    "ng serve": Server("javascript", 4200, "localhost", "Angular", names("--port"), names("--host")),
    # https://cli.vuejs.org/guide/cli-service.html
    "vue-cli-service serve": Server("javascript", 8080, ALL, "Vue", _PORT, names("--host"), port_variables=("PORT",)),
    # https://github.com/vercel/serve
    "serve": Server("javascript", 3000, ALL, "serve", names("-p"), binds=names("-l --listen"),
                    port_variables=("PORT",), values=names("-c --config")),
    # https://github.com/http-party/http-server
    "http-server": Server("javascript", 8080, ALL, "http-server", _PORT, names("-a"), port_variables=("PORT",)),
    # https://github.com/typicode/json-server
    "json-server": Server("javascript", 3000, "localhost", "json-server", _PORT, names("-H --host"),
                          values=names("-w --watch -r --routes -m --middlewares -d --delay")),
    # https://docs.astro.build/en/reference/cli-reference/
    "astro": Server("javascript", 4321, "localhost", "Astro", names("--port"), names("--host")),
    # https://remix.run/docs/en/main/other-api/serve
    "remix-serve": Server("javascript", 3000, ALL, "Remix", port_variables=("PORT",), host_variables=("HOST",)),
    "react-router-serve": Server("javascript", 3000, ALL, "React Router", port_variables=("PORT",),
                                 host_variables=("HOST",)),
    # https://www.gatsbyjs.com/docs/reference/gatsby-cli/
    "gatsby serve": Server("javascript", 9000, "localhost", "Gatsby", _PORT, _NODE_HOSTS),
    "gatsby develop": Server("javascript", 8000, "localhost", "Gatsby", _PORT, _NODE_HOSTS),
    # https://webpack.js.org/configuration/dev-server/
    "webpack serve": Server("javascript", 8080, "localhost", "webpack", names("--port"), names("--host")),
    "webpack-dev-server": Server("javascript", 8080, "localhost", "webpack", names("--port"), names("--host")),
    # https://docs.strapi.io/cms/configurations/server: its own config/server.js tells
    "strapi": Server("javascript", 0, "", "Strapi", port_variables=("PORT",)),
    # https://docs.nestjs.com/cli/usages
    "nest start": Server("javascript", framework="Nest"),
    # https://fastify.dev/docs/latest/Reference/: fastify-cli
    "fastify start": Server("javascript", 3000, "localhost", "Fastify", _PORT, names("-a --address"),
                            port_variables=("FASTIFY_PORT", "PORT"), host_variables=("FASTIFY_ADDRESS",),
                            values=names("-l --log-level -P --pretty-logs -o --options"), takes_file="script"),
}  # fmt: skip
_OTHERS: Final[Mapping[str, Server]] = {
    # https://guides.rubyonrails.org/command_line.html, https://puma.io/puma/Puma/DSL.html
    "rails server": Server("ruby", 3000, "", "Rails", _PORT, names("-b --binding"), port_variables=("PORT",),
                           values=names("-e --environment -u --using -c --config -P --pid")),
    "puma": Server("ruby", 9292, ALL, "Rack", _PORT, binds=names("-b --bind"), port_variables=("PORT",),
                   values=names("-C --config -e --environment -t --threads -w --workers")),
    "rackup": Server("ruby", 9292, "localhost", "Rack", _PORT, names("-o --host")),
    "sidekiq": Server("ruby", -1, framework="Sidekiq"),
    # https://laravel.com/docs, https://www.php.net/manual/en/features.commandline.webserver.php
    "artisan serve": Server("php", 8000, LOCAL, "Laravel", names("--port"), names("--host"),
                            port_variables=("SERVER_PORT",)),
    "php -S": Server("php", framework="PHP", binds=names("-S")),
    "apache2-foreground": Server("php", 80, ALL, "Apache"),
    "php-fpm": Server("php", 9000, ALL, "PHP-FPM"),
    # https://docs.spring.io/spring-boot/appendix/application-properties/index.html
    "spring": Server("java", 8080, ALL, "Spring", names("--server.port"), names("--server.address"),
                     port_variables=("SERVER_PORT",), host_variables=("SERVER_ADDRESS",)),
    # https://quarkus.io/guides/http-reference
    "quarkus": Server("java", 8080, ALL, "Quarkus", port_variables=("QUARKUS_HTTP_PORT",)),
    "nginx": Server("", 80, ALL, "nginx"),
    "httpd": Server("", 80, ALL, "Apache"),
    "httpd-foreground": Server("", 80, ALL, "Apache"),
    "apachectl": Server("", 80, ALL, "Apache"),
    "caddy": Server("", 80, ALL, "Caddy"),
}  # fmt: skip

SERVERS: Final[Mapping[str, Server]] = {**_PYTHON, **_NODE, **_OTHERS}
"""The servers by the names that `Program.name` gives them."""
