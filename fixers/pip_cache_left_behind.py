"""Downloads that pip, npm and yarn leave in the layer."""

from collections.abc import Iterator

from rewriter.fixing.commands import append_command
from rewriter.fixing.edits import insert_after
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.caching.cleanup import is_removed
from rewriter.model.caching.leftovers import calls_that_leave, reason_against_appending
from rewriter.model.caching.users import copies_cache, offline_step
from rewriter.model.managers.run_calls import calls
from rewriter.model.settings import Settings
from rewriter.model.state import State
from rewriter.syntax.tree import Run

_CLEANERS = {"npm": "npm cache clean --force", "yarn": "yarn cache clean"}
_NO_CACHE = ("--no-cache-dir", "--no-cache", "--cache-dir")
_FOLDERS = {"npm": "/root/.npm", "yarn": "/usr/local/share/.cache/yarn"}


@fixer(
    code="DF308",
    name="pip-cache-left-behind",
    level=Level.SAFE,
    phase="packages",
    replaces=["DL3042", "DL3060"],
    changes=["package-caches"],
    gains=["size"],
    example=Example(
        before="FROM python:3.11\nRUN pip install flask\n",
        after="FROM python:3.11\nRUN pip install --no-cache-dir flask\n",
        settings=Settings(builder="legacy"),
    ),
)
def leave_no_downloads(run: Run, state: State, settings: Settings) -> Iterator[Fix | Skip]:
    """Install without leaving pip's, npm's or yarn's downloads in the layer.

    Only for builders without cache mounts (`builder = "legacy"` in the configuration); with BuildKit DF202 does better.
    """
    if settings.has_mounts:
        return
    pips = calls_that_leave(run, state, {"pip"})
    for call in pips if pips and not _is_kept_out(run, state) else ():
        if call.installs and call.subcommand is not None and not call.has(*_NO_CACHE):
            yield Fix(
                run, "what pip downloads does not stay in the layer", [insert_after(call.subcommand, " --no-cache-dir")]
            )
    for name, command in _CLEANERS.items():
        found = [call for call in calls_that_leave(run, state, {name}) if call.installs]
        cleans = any(call.action.startswith("cache ") for call in calls(run) if call.manager.name == name)
        if not found or cleans or is_removed(run.script, state, _FOLDERS[name]):
            continue
        if (step := offline_step(run.dockerfile, name)) or (name == "yarn" and "YARN_" in run.dockerfile.text):
            yield Skip(run, "line {line} needs what is downloaded", step or run)
        elif reason := reason_against_appending(run):
            yield Skip(run, reason)
        else:
            yield Fix(
                run,
                f"what {name} downloads does not stay in the layer",
                [append_command(run, command)],
            )


def _is_kept_out(run: Run, state: State) -> bool:
    """Whether pip's downloads go anyway, or another stage wants them."""
    if state.is_set("PIP_NO_CACHE_DIR") or is_removed(run.script, state, "/root/.cache/pip"):
        return True
    return state.stage is not None and copies_cache(state.stage, ["/root/.cache/pip"]) is not None
