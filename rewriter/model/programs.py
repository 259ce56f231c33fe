"""Which programs an image has: those of its base, and those that its RUNs install by the distribution's packages.

The answer is a lower bound: a program that is not known to be there may be there all the same.
"""

from __future__ import annotations

from typing import Final

from rewriter.model.managers.call import Call
from rewriter.model.managers.run_calls import calls
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, names
from rewriter.model.state import State
from rewriter.syntax.tree import Run

# Packages whose programs have other names, from their lists of files at https://packages.debian.org and
# https://pkgs.alpinelinux.org. A package that is not here has the program it is named after, if any.
_PROGRAMS: Final = {
    "build-essential": names("cc c++ gcc g++ make"),
    "build-base": names("cc c++ gcc g++ make"),
    "alpine-sdk": names("cc c++ gcc g++ make git"),
    "gcc": names("cc gcc"),
    "g++": names("c++ g++ gcc"),
    "procps": names("free kill pgrep pkill ps top uptime watch"),
    "netcat-openbsd": names("nc netcat"),
    "netcat-traditional": names("nc netcat"),
    "iputils-ping": names("ping"),
    "iproute2": names("ip ss"),
    "net-tools": names("arp ifconfig netstat route"),
    "dnsutils": names("dig host nslookup"),
    "bind9-dnsutils": names("dig host nslookup"),
    "bind-tools": names("dig host nslookup"),
    "openssh-client": names("scp sftp ssh ssh-keygen ssh-keyscan"),
    "ca-certificates": names("ca-certificates openssl update-ca-certificates"),
    "gnupg": names("gpg gpgv"),
    "xz-utils": names("unxz xz"),
    "python3": names("python3"),
    "python3-pip": names("pip pip3 python3"),
    "python3-venv": names("python3"),
    "nodejs": names("node"),
    "npm": names("npm npx"),
    "postgresql-client": names("pg_dump pg_isready psql"),
    "default-mysql-client": names("mysql mysqladmin mysqldump"),
    "mariadb-client": names("mariadb mysql mysqladmin mysqldump"),
    "redis-tools": names("redis-cli"),
    "imagemagick": names("convert identify mogrify"),
    "poppler-utils": names("pdfinfo pdftoppm pdftotext"),
    "tesseract-ocr": names("tesseract"),
    "default-jre-headless": names("java"),
    "default-jre": names("java"),
    "apache2-utils": names("ab htpasswd"),
}


_REMOVALS: Final = names("remove purge autoremove autopurge del erase rm")
_GROUP_OPTIONS: Final = ("-t", "--virtual")


def has_program(program: str, state: State) -> bool:
    """Whether a program is known to be there at a place, by the name that PATH finds; `ca-certificates` are files."""
    from rewriter.model.data.base_contents import base_contents

    origin = state.stage.origin if state.stage else None
    is_there = program in base_contents(origin).tools
    groups: dict[str, frozenset[str]] = {}  # what `apk add --virtual NAME` installed
    for run in state.runs_where(_changes_packages):
        for call in calls(run):
            if call.installs and call.manager.name in SYSTEM_MANAGERS:
                brought = programs_of(call)
                is_there = is_there or program in brought
                groups.update((option.value, brought) for option in call.options if option.name in _GROUP_OPTIONS)
            elif call.action in _REMOVALS:
                gone = programs_of(call).union(*(groups.get(word.value, ()) for word in call.packages))
                is_there = is_there and program not in gone
    return is_there


def _changes_packages(run: Run) -> bool:
    return any(call.manager.name in SYSTEM_MANAGERS for call in calls(run))


def programs_of(call: Call) -> frozenset[str]:
    """The programs that the packages named in a call bring."""
    found: set[str] = set()
    for word in call.packages:
        found |= programs_of_package(word.value.partition("=")[0].partition(":")[0])
    return frozenset(found)


def programs_of_package(package: str) -> frozenset[str]:
    """The programs that a package of the distribution brings."""
    return _PROGRAMS.get(package, frozenset({package}))
