"""The one folder that a server of Node looks at, by the words of its command.

A standalone server of Next.js has its packages beside it, and goes into its own folder when it starts:
https://nextjs.org/docs/app/api-reference/config/next-config-js/output
So has what Nuxt builds for Node: https://nuxt.com/docs/getting-started/deployment
A server of static files has what it is told to serve: https://github.com/vercel/serve
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from rewriter.model.managers.vocabulary import names

FILE_SERVERS: Final = names("serve http-server")
_STANDALONE: Final = re.compile(r"(.*/\.next/standalone)/(?:[\w@.-]+/)*server\.js|(.*/\.output)/server/index\.mjs")
_CONFIGURES: Final = names("-c --config")
_WITH_VALUES: Final = names("-l --listen -p --port -a -P -e -d -t -C -K -i -L -T") | _CONFIGURES


def only_folder(words: Sequence[str], folder: str) -> str:
    """The path in the image of that folder; empty where the command, which runs in `folder`, may look at more."""
    program = posixpath.basename(words[0]) if words else ""
    if program == "node" and len(words) == 2:
        match = _STANDALONE.fullmatch(posixpath.join(folder, words[1]))
        return (match[1] or match[2]) if match else ""
    if program not in FILE_SERVERS or not _CONFIGURES.isdisjoint(words):
        return ""
    plain = [word for before, word in pairwise(words) if not word.startswith("-") and before not in _WITH_VALUES]
    return posixpath.normpath(posixpath.join(folder, plain[0])) if len(plain) == 1 and plain[0] else ""
