"""The programs that only run another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from rewriter.model.managers.vocabulary import names


class Wrapper(NamedTuple):
    """A program that runs another one: its options with values, and how many words stand before the command."""

    values: frozenset[str] = frozenset()
    words: int = 0
    needs_dashes: bool = False
    subcommand: str = ""


WAITS: Final = names("wait-for-it.sh wait-for-it wait_for_it.sh wait-for.sh wait-for")
"""Scripts that wait for a port, and then run what stands behind two dashes, if anything does."""

_PLAIN: Final = Wrapper()
# Sources: the manuals of the programs; https://github.com/krallin/tini, https://github.com/Yelp/dumb-init,
# https://github.com/vishnubob/wait-for-it, https://github.com/jwilder/dockerize, https://docs.doppler.com/docs/cli,
# https://opentelemetry.io/docs/zero-code/python/, https://docs.newrelic.com/docs/apm/agents/python-agent/
WRAPPERS: Final[Mapping[str, Wrapper]] = {
    "exec": Wrapper(names("-a")),
    "env": Wrapper(names("-u --unset -C --chdir")),
    "command": _PLAIN,
    "nohup": _PLAIN,
    "nice": Wrapper(names("-n --adjustment")),
    "ionice": Wrapper(names("-c -n --class --classdata")),
    "time": _PLAIN,
    "stdbuf": Wrapper(names("-i -o -e")),
    "timeout": Wrapper(names("-k -s --kill-after --signal"), 1),
    "tini": Wrapper(names("-p -e")),
    "tini-static": Wrapper(names("-p -e")),
    "docker-init": _PLAIN,
    "dumb-init": Wrapper(names("-r --rewrite")),
    "catatonit": _PLAIN,
    "gosu": Wrapper(words=1),
    "su-exec": Wrapper(words=1),
    "setpriv": Wrapper(names("--reuid --regid --groups")),
    "sudo": Wrapper(names("-u -g -h -p -C -D -R -T -U --user --group")),
    "xvfb-run": Wrapper(names("-n -s -e -f --server-num --server-args --error-file --auth-file")),
    "cross-env": _PLAIN,
    "cross-env-shell": _PLAIN,
    "env-cmd": Wrapper(names("-f --file -e --environments")),
    "dotenv": Wrapper(names("-e -f -v --file")),
    "dotenvx": Wrapper(names("-f --env-file"), subcommand="run"),
    "doppler": Wrapper(subcommand="run", needs_dashes=True),
    "infisical": Wrapper(subcommand="run", needs_dashes=True),
    "ddtrace-run": _PLAIN,
    "opentelemetry-instrument": Wrapper(
        names("--traces_exporter --metrics_exporter --logs_exporter --service_name --exporter_otlp_endpoint")
    ),
    "newrelic-admin": Wrapper(subcommand="run-program"),
    **dict.fromkeys(WAITS, Wrapper(needs_dashes=True)),
    "dockerize": Wrapper(names("-wait -timeout -template -stdout -stderr -env -wait-retry-interval -wait-http-header")),
    "corepack": _PLAIN,
    "__cacert_entrypoint.sh": _PLAIN,
    "docker-php-entrypoint": _PLAIN,
    "mvn-entrypoint.sh": _PLAIN,
    "pipenv": Wrapper(subcommand="run"),
    "poetry": Wrapper(names("-C --directory -P --project"), subcommand="run"),
    "pdm": Wrapper(names("-p --project"), subcommand="run"),
    "rye": Wrapper(subcommand="run"),
    "hatch": Wrapper(names("-e --env"), subcommand="run"),
    "bundle": Wrapper(names("--gemfile"), subcommand="exec"),
    "uv": Wrapper(
        names(
            "--with --with-editable --with-requirements --extra --group --only-group --no-group --no-extra --env-file "
            "--package --project --directory --python -p --index --default-index --index-url -i --extra-index-url "
            "--find-links -f --cache-dir --config-file"
        ),
        subcommand="run",
    ),
}
"""The programs that only run another one."""
