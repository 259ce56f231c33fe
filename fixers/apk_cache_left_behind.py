"""The package index that apk leaves in the layer."""

from collections.abc import Iterator

from rewriter.fixing.edits import insert_after
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.caching.cleanup import is_removed
from rewriter.model.caching.leftovers import calls_that_leave
from rewriter.model.settings import Settings
from rewriter.model.state import State
from rewriter.syntax.tree import Run


@fixer(
    code="DF306",
    name="apk-cache-left-behind",
    level=Level.SAFE,
    phase="packages",
    replaces=["DL3019"],
    changes=["package-caches"],
    gains=["size"],
    example=Example(
        before="FROM alpine:3.20\nRUN apk add curl\n",
        after="FROM alpine:3.20\nRUN apk add --no-cache curl\n",
        settings=Settings(builder="legacy"),
    ),
)
def add_without_cache(run: Run, state: State, settings: Settings) -> Iterator[Fix | Skip]:
    """Add `--no-cache` to `apk add`, which then leaves no package index behind.

    Only for builders without cache mounts (`builder = "legacy"` in the configuration).
    """
    if settings.has_mounts:
        return
    found = [call for call in calls_that_leave(run, state, {"apk"}) if call.action in ("add", "upgrade")]
    found = [call for call in found if not call.has("--no-cache", "--cache-dir")]
    if not found or is_removed(run.script, state, "/var/cache/apk"):
        return
    edits = [insert_after(call.subcommand, " --no-cache") for call in found if call.subcommand is not None]
    yield Fix(run, "the package index does not stay in the layer", edits)
