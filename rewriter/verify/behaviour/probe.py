"""Asking a server over HTTP, and the programs of an image that can do so from inside its network."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from rewriter.verify.behaviour.listening import TABLES, Listener
from rewriter.verify.behaviour.printed import without_accidents

ROUTES: Final = ("/health", "/healthz", "/health/live", "/api/health", "/livez", "/status", "/ping")
"""Paths at which programs commonly say whether they are well."""

ENOUGH: Final = 1_048_576
"""How many bytes of an answer are read."""

_SECONDS: Final = 10
"""How long a server may take for an answer."""

_SHOWN: Final = 65_536
"""How many characters of an answer are compared one by one."""

_URL: Final = re.compile(r"https?://[^/\s'\"|;&)]+(/[^\s'\"|;&)]*)?")


class Answer(NamedTuple):
    """What a server answered to a GET request on a port.

    `status` is 0 if what came back is not HTTP; `body` and `again` are the first part of the bodies of two requests
    without what differs by nature; `digest` is the whole body's, empty if the two are not the same.
    """

    port: int
    path: str
    status: int
    content_type: str = ""
    location: str = ""
    digest: str = ""
    body: str = ""
    again: str = ""

    @property
    def is_http(self) -> bool:
        """Whether the server speaks HTTP."""
        return self.status > 0

    @property
    def is_steady(self) -> bool:
        """Whether the second request was answered like the first."""
        return bool(self.digest)

    @property
    def is_cut(self) -> bool:
        """Whether there is more of the body than is kept."""
        return len(self.body) >= _SHOWN


class Tool(NamedTuple):
    """A program that images have, and how it waits, shows files and sends a request; the last two get words more."""

    idle: Sequence[str]
    show: Sequence[str]
    ask: Sequence[str]

    def reading(self) -> list[str]:
        """The command that prints the kernel's tables of sockets."""
        return [*self.show, *TABLES]

    def asking(self, host: str, port: int, path: str) -> list[str]:
        """The command that prints the answer to a GET request."""
        return [*self.ask, host, str(port), request(host, port, path)]


def request(host: str, port: int, path: str) -> str:
    """A GET request, after whose answer the server closes the connection and which it does not send in pieces."""
    name = "localhost" if host in ("127.0.0.1", "::1") else f"[{host}]" if ":" in host else host
    line = re.sub(r"\s", "%20", path)
    return f"GET {line} HTTP/1.0\r\nHost: {name}:{port}\r\nUser-Agent: dfix\r\nAccept: */*\r\nConnection: close\r\n\r\n"


_PERL_SHOW: Final = "for (@ARGV) { open my $file, '<', $_ or next; print <$file> }"
_PERL_ASK: Final = f"""
use Socket;
my ($host, $port, $request) = @ARGV;
alarm {_SECONDS};
my $is_new = $host =~ /:/;
socket(my $peer, $is_new ? PF_INET6 : PF_INET, SOCK_STREAM, 0) or die $!;
my $number = Socket::inet_pton($is_new ? AF_INET6 : AF_INET, $host);
my $place = $is_new ? pack_sockaddr_in6($port, $number) : sockaddr_in($port, $number);
connect($peer, $place) or die $!;
syswrite $peer, $request;
$| = 1;
my $rest = {ENOUGH};
while ($rest > 0 and my $count = sysread $peer, my $part, 65536) {{ print $part; $rest -= $count }}
"""

_PYTHON_SHOW: Final = """
import os, sys
for path in sys.argv[1:]:
    if os.path.exists(path):
        sys.stdout.write(open(path).read())
"""
_PYTHON_ASK: Final = f"""
import os, socket, sys, threading
host, port, request = sys.argv[1:]
threading.Timer({_SECONDS}, os._exit, [1]).start()
peer = socket.create_connection((host, int(port)), {_SECONDS})
peer.sendall(request.encode())
rest = {ENOUGH}
while rest > 0:
    part = peer.recv(65536)
    if not part:
        break
    os.write(1, part)
    rest -= len(part)
os._exit(0)
"""

_NODE_SHOW: Final = """
for (const path of process.argv.slice(1)) { try { process.stdout.write(require("fs").readFileSync(path)); } catch {} }
"""
_NODE_ASK: Final = f"""
const [host, port, request] = process.argv.slice(1);
let rest = {ENOUGH};
const peer = require("net").connect(Number(port), host, () => peer.write(request));
peer.on("data", (part) => {{ process.stdout.write(part); rest -= part.length; if (rest <= 0) peer.destroy(); }});
peer.on("error", () => process.exit(1));
setTimeout(() => peer.destroy(), {_SECONDS * 1000}).unref();
"""

_BASH_SHOW: Final = 'for path; do while IFS= read -r line; do printf "%s\\n" "$line"; done < "$path"; done 2>/dev/null'
_BASH_ASK: Final = f"""
exec 3<>"/dev/tcp/$1/$2" && printf %s "$3" >&3 && timeout {_SECONDS} head -c {ENOUGH} <&3
"""
# The input stays open for a while: some servers take its end for that of the conversation.
_BUSYBOX_ASK: Final = f"""
{{ printf %s "$3"; busybox sleep 1; }} | busybox timeout {_SECONDS} busybox nc "$1" "$2" | busybox head -c {ENOUGH}
"""

_HOUR: Final = "3600"


def _node(program: str) -> Tool:
    return Tool(
        (program, "-e", "setTimeout(() => {}, 3600000)"),
        (program, "-e", _NODE_SHOW, "--"),
        (program, "-e", _NODE_ASK, "--"),
    )


def _python(program: str) -> Tool:
    run = (program, "-I", "-B", "-S", "-c")
    return Tool((*run, "import time; time.sleep(3600)"), (*run, _PYTHON_SHOW), (*run, _PYTHON_ASK))


TOOLS: Final = (
    Tool(("perl", "-e", f"sleep {_HOUR}"), ("perl", "-e", _PERL_SHOW), ("perl", "-e", _PERL_ASK)),
    _python("python3"),
    _node("node"),
    Tool(
        ("busybox", "sleep", _HOUR),
        ("busybox", "cat"),
        ("busybox", "sh", "-c", _BUSYBOX_ASK, "sh"),
    ),
    Tool(("sleep", _HOUR), ("bash", "-c", _BASH_SHOW, "bash"), ("bash", "-c", _BASH_ASK, "bash")),
    _python("python"),
    _node("/nodejs/bin/node"),
)
"""In the order to try: Debian has Perl in each image, Alpine busybox, Fedora and its family bash."""


def answer(listener: Listener, path: str, first: str, second: str, names: Sequence[str] = ()) -> Answer:
    """What was answered, from what came back for two requests; `names` are the container's own."""
    head, body = _parts(first)
    if not head:
        return Answer(listener.port, path, 0)
    status, fields = head
    again = _parts(second)[1]
    clean, clean_again = without_accidents(body, names), without_accidents(again, names)
    return Answer(
        listener.port,
        path,
        status,
        fields.get("content-type", ""),
        without_accidents(fields.get("location", ""), names),
        _digest(clean) if clean == clean_again else "",
        clean[:_SHOWN],
        clean_again[:_SHOWN],
    )


def _digest(text: str) -> str:
    from hashlib import sha256

    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _parts(response: str) -> tuple[tuple[int, dict[str, str]] | None, str]:
    head, _, body = response.replace("\r\n", "\n").partition("\n\n")
    line, *fields = head.split("\n")
    found = re.match(r"HTTP/\d(?:\.\d)? (\d{3})\b", line)
    if not found:
        return None, ""
    pairs = (field.partition(":") for field in fields)
    return (int(found[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}), body


def health_path(configuration: Mapping[str, Any]) -> str:
    """The path that an image's own health check asks for; empty if it names none."""
    words = (configuration.get("Healthcheck") or {}).get("Test") or ()
    found = _URL.search(" ".join(words))
    return (found[1] or "/") if found else ""


def alike(before: Answer, after: Answer) -> bool:
    """Whether two bodies are the same but for words that are not even the same in two answers of one program."""
    if before.is_steady and after.is_steady:
        return before.digest == after.digest
    columns = [_words(text) for text in (before.body, before.again, after.body, after.again)]
    if len({len(column) for column in columns}) > 1:
        return False
    return all(
        old == new
        for old, old_again, new, new_again in zip(*columns, strict=True)
        if old == old_again and new == new_again
    )


def is_shapeless(answered: Answer) -> bool:
    """Whether not even the number of words is the same in two answers, so that nothing can be compared with them."""
    return len(_words(answered.body)) != len(_words(answered.again))


def _words(text: str) -> list[str]:
    return re.split(r"([^\w-]+)", text)  # names that are made up may have hyphens in them
