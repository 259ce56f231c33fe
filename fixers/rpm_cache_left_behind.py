"""Packages and metadata that yum, dnf and zypper leave in the layer."""

from collections.abc import Iterator

from rewriter.fixing.commands import append_command
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.caching.cleanup import is_removed
from rewriter.model.caching.leftovers import calls_that_leave, reason_against_appending
from rewriter.model.managers.run_calls import calls
from rewriter.model.settings import Settings
from rewriter.model.state import State
from rewriter.syntax.tree import Run

_CLEANERS = {"zypper": "zypper clean --all"}
_MANAGERS = ("dnf", "dnf5", "yum", "microdnf", "tdnf", "zypper")


@fixer(
    code="DF307",
    name="rpm-cache-left-behind",
    level=Level.SAFE,
    phase="packages",
    replaces=["DL3032", "DL3036", "DL3040"],
    changes=["package-caches"],
    gains=["size"],
    example=Example(
        before="FROM fedora:40\nRUN dnf install -y curl\n",
        after="FROM fedora:40\nRUN dnf install -y curl && dnf clean all\n",
        settings=Settings(builder="legacy"),
    ),
)
def clean_rpm_caches(run: Run, state: State, settings: Settings) -> Iterator[Fix | Skip]:
    """Let `clean all` follow what yum, dnf or zypper install, in the same RUN.

    Only for builders without cache mounts (`builder = "legacy"` in the configuration).
    """
    if settings.has_mounts:
        return
    found = calls_that_leave(run, state, _MANAGERS)
    if not found or any(call.action == "clean" for call in calls(run) if call.manager.name in _MANAGERS):
        return
    if any(is_removed(run.script, state, f"/var/cache/{name}") for name in ("yum", "dnf", "libdnf5", "zypp")):
        return
    if reason := reason_against_appending(run):
        yield Skip(run, reason)
        return
    name = found[-1].manager.name
    command = found[-1].sudo + _CLEANERS.get(name, f"{name} clean all")
    yield Fix(run, f"what {name} downloads does not stay in the layer", [append_command(run, command)])
