"""What Cargo reads when it fetches a package's dependencies."""

from __future__ import annotations

from rewriter.model.installing.manifests.files import Needs, NotMovableError, Project


def cargo_manifest(project: Project) -> str:
    """The Cargo.toml of a `cargo fetch`."""
    if project.call.action != "fetch":
        return ""
    return project.path(project.option("--manifest-path") or "Cargo.toml")


def cargo_needs(project: Project) -> Needs:
    """Cargo accepts no manifest without its targets: https://doc.rust-lang.org/cargo/reference/cargo-targets.html"""
    path = project.shown(cargo_manifest(project))
    raise NotMovableError(f"cargo does not read {path} without the sources of its targets beside it")
