"""What pip and uv install into the same image, side by side: `python -m scripts.pip_and_uv [NAME ...]`.

Each set of tests/e2e/requirement_sets.toml is a RUN on python:3.11-slim, built as it is and as DF301 rewrites it. The
two images must hold the same versions, the same console scripts, and modules that import with the same result.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from fixers.pip_install import install_with_uv
from rewriter import engine
from rewriter.model.context.build_context import BuildContext

SETS: Final = Path(__file__).parent.parent / "tests/e2e/requirement_sets.toml"
BASE: Final = "python:3.11-slim"

# Runs in both images. `-I` throughout: nothing that lies in the working folder must be taken for a module of Python's.
LOOK: Final = r'''
import importlib.metadata, json, pathlib, subprocess, sys
from concurrent.futures import ThreadPoolExecutor
TRY = """
import importlib, sys
try:
    importlib.import_module(sys.argv[1])
    print("imports")
except BaseException as error:
    print(type(error).__name__)
"""
def attempt(name):
    command = [sys.executable, "-I", "-c", TRY, name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/")
    except subprocess.TimeoutExpired:
        return "hangs"
    return (done.stdout.strip().split("\n")[-1] or f"exit {done.returncode}")
versions = {d.metadata["Name"].lower().replace("_", "-"): d.version for d in importlib.metadata.distributions()}
modules = sorted(name for name in importlib.metadata.packages_distributions() if name.isidentifier())
with ThreadPoolExecutor(2) as pool:
    imports = dict(zip(modules, pool.map(attempt, modules)))
scripts = {}
for path in sorted(pathlib.Path(sys.executable).parent.iterdir()):
    if path.is_file() and not path.is_symlink():
        first = path.read_bytes()[:80].split(b"\n")[0]
        scripts[path.name] = first.decode() if first.startswith(b"#!") else "binary"
print(json.dumps({"versions": versions, "imports": imports, "scripts": scripts}), file=open(sys.argv[1], "w"))
'''


class RequirementSet(NamedTuple):
    """Some requirements: the words behind `pip install`, and the files that they name."""

    name: str
    install: str
    files: dict[str, str]


class Comparison(NamedTuple):
    """How the two installs of a set compare; `differences` name each thing that differs, with both its values."""

    name: str
    counts: dict[str, int]
    differences: tuple[str, ...]
    seconds: tuple[float, float]


def load_sets() -> list[RequirementSet]:
    """The sets of the data file."""
    rows: list[dict[str, Any]] = tomllib.loads(SETS.read_text(encoding="utf-8"))["set"]
    return [RequirementSet(row["name"], row["install"], row.get("files", {})) for row in rows]


@contextmanager
def second_index() -> Iterator[str]:
    """The address of a package index of our own: a newer toolz than any other, and an old six."""
    with tempfile.TemporaryDirectory() as folder:
        for name, version in (("toolz", "99.0"), ("six", "0.1")):
            place = Path(folder, "simple", name)
            place.mkdir(parents=True)
            wheel = f"{name}-{version}-py3-none-any.whl"
            info = f"{name}-{version}.dist-info"
            with zipfile.ZipFile(place / wheel, "w") as archive:
                archive.writestr(f"{name}.py", f"__version__ = '{version}'\n")
                archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
                archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
                archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
            (place / "index.html").write_text(f'<a href="{wheel}">{wheel}</a>', encoding="utf-8")
        handler = functools.partial(_Quiet, directory=folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/simple/"
        finally:
            server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is the base class's
        """Say nothing."""


def compare(one: RequirementSet, index: str) -> Comparison:
    """Build a set with pip and with uv and compare what is installed."""
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        (context / "look-at-packages.py").write_text(LOOK, encoding="utf-8")
        for name, text in one.files.items():
            path = context / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        host = index.split("/")[2].split(":")[0]
        install = one.install.replace("{index}", index).replace("{host}", host)
        # What is installed goes again, so that no layer of hundreds of megabytes stays behind.
        before = (
            f"FROM {BASE} AS install\nWORKDIR /set\nCOPY . .\n"
            f"RUN pip install {install} && python -I look-at-packages.py /found.json && rm -rf /usr/local/lib\n"
            "FROM scratch\nCOPY --from=install /found.json /\n"
        )
        outcome = engine.fix(before, [install_with_uv], context=lambda _: BuildContext(folder))
        if outcome.after == before:
            return Comparison(one.name, {}, (f"not rewritten: {[skip.reason for skip in outcome.skips]}",), (0, 0))
        founds, seconds = [], []
        for text in (before, outcome.after):
            start = time.monotonic()
            founds.append(_build(text, folder))
            seconds.append(time.monotonic() - start)
    with_pip, with_uv = founds
    counts = {kind: len(with_pip.get(kind, ())) for kind in ("versions", "imports", "scripts")}
    return Comparison(one.name, counts, tuple(_differences(with_pip, with_uv)), (seconds[0], seconds[1]))


def _build(dockerfile: str, context: str) -> dict[str, dict[str, str]]:
    """What was found in an image, or how the build ended."""
    with tempfile.TemporaryDirectory() as output:
        done = subprocess.run(
            ["docker", "build", "--no-cache", "--network=host", "--progress=plain", f"--output={output}",
             "--build-arg", f"BUILDKIT_CACHE_MOUNT_NS={os.urandom(8).hex()}", "--file=-", context],
            input=dockerfile.encode(), capture_output=True, timeout=1800,
        )  # fmt: skip
        if done.returncode:
            lines = done.stderr.decode(errors="replace").split("\n")
            return {"build": {"result": next((line for line in lines if "rror" in line), "failed")}}
        found: dict[str, dict[str, str]] = json.loads(Path(output, "found.json").read_text(encoding="utf-8"))
        return found


def _differences(with_pip: dict[str, dict[str, str]], with_uv: dict[str, dict[str, str]]) -> Iterator[str]:
    for kind in sorted(with_pip.keys() | with_uv.keys()):
        old, new = with_pip.get(kind, {}), with_uv.get(kind, {})
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name) or kind == "build":  # two failures alike show nothing
                yield f"{kind}: {name}: {old.get(name, 'none')} with pip, {new.get(name, 'none')} with uv"


def main(arguments: Sequence[str]) -> int:
    """Print the table for the sets that are named, or for all."""
    chosen = [one for one in load_sets() if not arguments or one.name in arguments]
    differing = 0
    print(f"| {'set':24} | packages | modules | scripts | pip s | uv s | |", flush=True)
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with second_index() as index:
        for one in chosen:
            found = compare(one, index)
            counts = " | ".join(f"{found.counts.get(kind, 0)}" for kind in ("versions", "imports", "scripts"))
            verdict = "; ".join(found.differences) or "same"
            differing += bool(found.differences)
            print(
                f"| {found.name} | {counts} | {found.seconds[0]:.0f} | {found.seconds[1]:.0f} | {verdict} |", flush=True
            )
    print(f"{len(chosen) - differing} of {len(chosen)} sets are the same")
    return bool(differing)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
