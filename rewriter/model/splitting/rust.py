"""A stage that ships the Rust image: the binary, and the files beside it, go into a small image of the same release.

    FROM rust:1.80                 FROM rust:1.80-bookworm AS builder
    WORKDIR /app                   WORKDIR /app
    COPY . .                       COPY . .
    RUN cargo build --release  ->  RUN cargo build --release
    CMD ["./target/release/shop"]
                                   FROM debian:bookworm-slim AS runtime
                                   WORKDIR /app
                                   RUN apt-get update && apt-get install -y ... ca-certificates libssl3 && ...
                                   COPY --from=builder /app/target/release/shop /app/target/release/shop
                                   COPY --from=builder /app/templates /app/templates
                                   CMD ["./target/release/shop"]

The binary is linked with the C library, so the builder is held to the release that the small image is of. On Alpine
everything is linked into it: https://doc.rust-lang.org/reference/linkage.html#static-and-dynamic-c-runtimes
Where binaries are put: https://doc.rust-lang.org/cargo/guide/build-cache.html,
https://doc.rust-lang.org/cargo/commands/cargo-install.html
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.effects.shell import Step
from rewriter.model.installing.stage_installs import calls_of
from rewriter.model.managers.call import Call
from rewriter.model.managers.vocabulary import names
from rewriter.model.splitting.compiled import Compiled
from rewriter.model.splitting.compiled_guards import (
    require_all_brought,
    require_few_files,
    require_fitting_stage,
    require_own_folder,
)
from rewriter.model.splitting.files_beside import Toolchain, is_in, whole_project
from rewriter.model.splitting.linked_images import Needed, needed_packages, pinned_to, release_of, small_image
from rewriter.model.splitting.parts import New, Split, UnsplitError
from rewriter.model.splitting.runtime_steps import require_plain_start
from rewriter.model.splitting.rust_binaries import other_binaries
from rewriter.model.splitting.rust_crates import crates_of, libraries_of, needs_of, require_plain_links
from rewriter.model.splitting.sources_read import require_no_programs
from rewriter.model.splitting.stage_reading import Reading
from rewriter.model.splitting.system_packages import Base, installing
from rewriter.syntax.tree import Run

_INSTALLED: Final = "/usr/local/cargo/bin"
"""Where the image has its programs, by CARGO_HOME: https://github.com/rust-lang/docker-rust"""

_STARTS: Final = re.compile(r"\bprocess::Command\b|\bCommand::new\b|\blibloading\b|\bdlopen\w*")
_LEFT: Final = re.compile(
    r".*\.rs|Cargo\.(?:toml|lock)|src|target|benches|examples|\.cargo|(?:rust-toolchain|rustfmt|clippy|deny|cross|Cross|"
    r"release|cliff|diesel|sqlx-data)(?:\.toml|\.json)?"
)


RUST: Final = Toolchain(
    tools=names("cargo rustc rustup"),
    settings=re.compile(r"CARGO_\w+|RUSTFLAGS|RUSTC_\w+|RUSTUP_\w+|SQLX_OFFLINE|RUSTDOCFLAGS"),
    left=_LEFT,
    caches=("/usr/local/cargo", "/usr/local/rustup", "/root/.cargo", "/root/.cache"),
)


def split_rust(reading: Reading) -> Split | None:
    """What goes where; None where the stage does not run a binary that it builds. Raises UnsplitError."""
    builds = [(run, step, call) for run, step, call in _calls(reading) if _builds(call)]
    start = reading.project.start
    if not builds:
        return None
    if not start:
        raise UnsplitError(f"what a container starts is not known: {start.reason}")
    command, calls = start.commands[-1], [call for _, _, call in builds]
    program = command.words[0].value
    place = builds[-1][1].folder
    folder = whole_project(reading, place)
    binary = _binary(program, command.folder, calls)
    require_plain_start(reading.project, reading.services, reading.stage.instructions, built=[binary])
    is_where_built = (is_in(binary, folder) and "/target/" in binary) or binary.startswith(f"{_INSTALLED}/")
    others = other_binaries(reading.project.sources, place, calls, binary) if is_where_built else []
    built = [binary, *others]
    compiled = Compiled(reading, RUST, [run for run, _, _ in builds], folder, built)
    require_own_folder(compiled)
    if not is_where_built and not _is_moved(reading, binary):
        return None
    release = release_of(reading.stage, "Rust")
    require_fitting_stage(compiled, start)
    require_all_brought(compiled, start)
    crates = crates_of(reading.project.sources, place)
    libraries = libraries_of(crates)
    origin = reading.project.sources.origin_of_folder(folder)
    text = "\n".join(one.text for one in reading.stage.instructions)
    if "crt-static" in text:
        raise UnsplitError("RUSTFLAGS say how the C library is linked")
    require_plain_links(reading.project.sources, folder, text)
    compiled.spoken = require_no_programs(reading.context, origin or "", (".rs",), _STARTS, "Rust")
    compiled.place()
    require_few_files(compiled)
    needed = _needed(compiled, release, libraries, needs_of(crates))
    installs = installing(needed.packages, needed.base, like=compiled.first_copy, options=needed.options)
    compiled.bring((*built, *compiled.files()), [installs] if needed.packages else [], needed.programs)
    if "/" not in program and binary.startswith(f"{_INSTALLED}/"):
        compiled.below[compiled.last].append(New("ENV", f"PATH={_INSTALLED}:$PATH"))
    pinned = "" if release.startswith("alpine") else pinned_to(reading.stage, release)
    return compiled.split("Rust", base=small_image(reading.stage, release), pinned=pinned)


def _calls(reading: Reading) -> Iterator[tuple[Run, Step, Call]]:
    return ((run, step, call) for run in reading.runs for step in reading.steps(run) for call in calls_of(step))


def _builds(call: Call) -> bool:
    """Whether a call compiles the project."""
    if call.manager.name != "cargo":
        return False
    return call.action in ("build", "rustc") or (call.action == "install" and call.has("--path"))


def _binary(program: str, folder: str, calls: list[Call]) -> str:
    """The path of the program that is started; one that PATH finds is where `cargo install` puts it."""
    if "/" in program:
        return posixpath.normpath(posixpath.join(folder, program))
    is_installed = any(call.action == "install" and not call.has("--root") for call in calls)
    return f"{_INSTALLED}/{program}" if is_installed else f"/usr/local/bin/{program}"


def _is_moved(reading: Reading, binary: str) -> bool:
    """Whether a RUN puts the binary where it is started."""
    return any(
        path == binary or binary.startswith(f"{path}/")
        for run in reading.runs
        for step in reading.steps(run)
        for path in step.effects.writes
    )


def _needed(compiled: Compiled, release: str, libraries: tuple[str, ...], needs: tuple[str, ...]) -> Needed:
    """The packages that the small image needs, with those that the program is linked with."""
    needed = needed_packages(compiled, release, needs, is_parallel=False)
    if needed.base.manager == "apk" and libraries:
        raise UnsplitError(f"how {libraries[0]} is linked on Alpine is not known")
    if needed.base.manager != "apt-get":
        return needed
    packages = (*needed.packages, *_libraries(needed.base, libraries))
    return needed._replace(packages=tuple(dict.fromkeys(packages)))


def _libraries(base: Base, packages: tuple[str, ...]) -> Iterator[str]:
    for package in packages:
        found = base.libraries(package)
        if found is None:
            raise UnsplitError(f"what {package} leaves to the runtime is not known")
        yield from found
