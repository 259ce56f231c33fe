"""Where nginx listens: by EXPOSE, and its configuration must not say otherwise as far as it can be read.

Source: https://nginx.org/en/docs/http/ngx_http_core_module.html#listen, https://hub.docker.com/_/nginx
"""

from __future__ import annotations

import re
from typing import Final

from rewriter.model.project.answers import Unknown
from rewriter.model.project.sources import Sources

TLS_PORTS: Final = (443, 8443)
"""The ports that are for TLS by custom."""
_FILES: Final = (
    "/etc/nginx/nginx.conf",
    "/etc/nginx/conf.d/default.conf",
    "/etc/nginx/conf.d/nginx.conf",
    "/etc/nginx/templates/default.conf.template",
)
_LISTEN: Final = re.compile(r"(?m)^[^#\n]*?\blisten\s+([^\s;#][^;#\n]*);")
_PORT: Final = re.compile(r"(?:.*:)?([0-9]+)\Z")


def port_of_nginx(sources: Sources, exposed: tuple[int, ...]) -> int | Unknown:
    """The port that nginx speaks HTTP on. Several will not do: one of them may be there for a redirect alone."""
    places = [listen.split() for file in _FILES for listen in _LISTEN.findall(_text(sources, file))]
    plain = [int(match[1]) for words in places if "ssl" not in words and (match := _PORT.match(words[0]))]
    if places:
        found = [port for port in exposed or dict.fromkeys(plain) if port in plain]
    else:
        found = [port for port in exposed if port not in TLS_PORTS]
    return found[0] if len(found) == 1 else Unknown("the configuration of nginx does not tell one port")


def _text(sources: Sources, path: str) -> str:
    """The text of a file of the image; empty where it does not come from the context, or cannot be read."""
    origin = sources.origin(path)
    text = sources.read(origin) if origin else ""
    return text if isinstance(text, str) else ""
