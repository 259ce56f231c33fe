"""Which packages of a distribution serve only programs that run, and which libraries an official image has anyway.

What only builds need is in `debian` and `alpine`. By hand, from the lists of files at https://packages.debian.org and
the Dockerfiles at https://github.com/docker-library/python and https://github.com/nodejs/docker-node.
"""

from __future__ import annotations

import re
from typing import Final

from rewriter.model.managers.vocabulary import names

_ONLY_RUNS: Final = re.compile(
    # Libraries without headers: a build that needs them asks for their -dev package.
    r"lib(?!.*-(?:dev|bin|tools|utils)$)[a-z0-9.+-]+|fonts-[a-z0-9-]+|font-[a-z0-9-]+|ttf-[a-z0-9-]+|"
    r"tesseract-ocr(?:-[a-z-]+)?|tesseract-ocr-data-[a-z]+|libreoffice[a-z0-9-]*|chromium(?:-[a-z]+)*|"
    r"bash|chromedriver|cron|curl|default-mysql-client|dnsutils|dumb-init|exiftool|fail2ban|ffmpeg|fontconfig|gettext|"
    r"ghostscript|gosu|graphviz|htop|imagemagick|iproute2|iputils-ping|jq|less|locales|mariadb-client|mediainfo|nano|"
    r"net-tools|netcat(?:-openbsd|-traditional)?|nginx|openssh-client|pandoc|poppler-utils|postgresql-client(?:-\d+)?|"
    r"postgresql-libs|procps|psmisc|redis-tools|rsync|sox|sqlite3?|su-exec|supervisor|telnet|tini|tree|tzdata|vim|"
    r"vim-tiny|wait-for-it|wkhtmltopdf|xauth|xvfb"
)

IN_PYTHON_IMAGES: Final = names(
    "libssl-dev openssl-dev libffi-dev zlib1g-dev zlib-dev libbz2-dev bzip2-dev liblzma-dev xz-dev libsqlite3-dev "
    "sqlite-dev libreadline-dev readline-dev libexpat1-dev expat-dev uuid-dev util-linux-dev libncursesw5-dev "
    "ncurses-dev python3-dev python-dev python-dev-is-python3 libpython3-dev python3-all-dev"
)
"""The packages for builds of what Python itself is linked with, or of a Python that the image does not use."""

IN_FULL_IMAGES: Final = names(
    "autoconf automake build-essential bzip2 curl default-libmysqlclient-dev default-mysql-client-dev dpkg-dev file "
    "g++ gcc git imagemagick libbz2-dev libc6-dev libcurl4-openssl-dev libdb-dev libevent-dev libffi-dev libgdbm-dev "
    "libglib2.0-dev libgmp-dev libjpeg-dev libkrb5-dev liblzma-dev libmagickcore-dev libmagickwand-dev libmaxminddb- "
    "dev libncurses5-dev libncursesw5-dev libpng-dev libpq-dev libreadline-dev libsqlite3-dev libssl-dev libtool "
    "libwebp-dev libxml2-dev libxslt-dev libxslt1-dev libyaml-dev make mercurial openssh-client patch procps "
    "subversion unzip wget xz-utils zlib1g-dev"
)
"""The packages of buildpack-deps, which the full images of languages start from.

https://github.com/docker-library/buildpack-deps/blob/master/debian/bookworm/Dockerfile
"""

COMPILERS: Final = names("gcc g++ clang build-essential build-base alpine-sdk")
"""Compilers whose libraries a program needs only if it is parallel, or is written in C++ and runs on Alpine."""

OPENMP: Final = names("libgomp1 libgomp")
CXX: Final = names("libstdc++ libgcc")
"""Those libraries: Debian's images have that of C++."""


def only_runs(package: str) -> bool:
    """Whether a package is known to serve only programs that run, never a build."""
    return _ONLY_RUNS.fullmatch(package) is not None


NODE_TOOLS: Final = names(
    "typescript @nestjs/cli @angular/cli node-gyp gulp-cli grunt-cli webpack webpack-cli vite turbo rimraf"
)
"""Packages of Node that only build a project, where they are installed beside it."""

NODE_MANAGERS: Final = names("pnpm yarn @yarnpkg/cli-dist corepack")
"""Packages of Node that are package managers."""
