"""`apt-get` in builds, `apt` at the prompt."""

from collections.abc import Iterator

from rewriter.fixing.edits import insert_after, replace
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.managers.call import Call
from rewriter.model.managers.run_calls import calls
from rewriter.model.state import State
from rewriter.syntax.text import Edit
from rewriter.syntax.tree import Run

# https://manpages.debian.org/stable/apt/apt.8.en.html, apt-get.8 and apt-cache.8
_APT_GET = frozenset(
    {"install", "update", "remove", "purge", "autoremove", "autopurge", "reinstall", "dist-upgrade",
     "auto-remove", "clean", "autoclean", "build-dep", "source", "download", "changelog", "satisfy"}
)  # fmt: skip
_OWN_SETTINGS = "Binary::apt::"
"""Configuration under this scope counts for apt alone, apt.conf(5)."""


@fixer(
    code="DF309",
    name="apt-instead-of-apt-get",
    level=Level.SAFE,
    phase="packages",
    replaces=["DL3027"],
    gains=["reliability"],
    example=Example(
        before="FROM debian:12\nRUN apt update && apt install -y curl\n",
        after="FROM debian:12\nRUN apt-get update && apt-get install -y curl\n",
    ),
)
def call_apt_get(run: Run, state: State) -> Iterator[Fix | Skip]:
    """Call `apt-get` and `apt-cache` where a build calls `apt`.

    `apt` is made for people: its output and options may change between releases, and it says so in every build log.
    `apt upgrade` also installs new dependencies, so it becomes `apt-get upgrade --with-new-pkgs`.
    `apt list`, `apt search`, `apt show` and `apt depends` print something else than `apt-cache` and are left alone.
    """
    if not state.is_posix_shell:
        return
    edits: list[Edit] = []
    for call in calls(run):
        if call.manager.name != "apt" or call.subcommand is None:
            continue
        if call.program.is_quoted:
            yield Skip(run, f"the program's name is quoted: {call.program.text}")
        elif changes := _changes(call):
            edits += changes
        else:
            yield Skip(run, f"`apt {call.subcommand.value}` has no twin of the same output")
    if edits and _OWN_SETTINGS in run.dockerfile.text:
        yield Skip(run, f"the file configures {_OWN_SETTINGS}, which apt-get does not read")
    elif edits:
        yield Fix(run, "`apt` is for people, `apt-get` for scripts", edits)


def _changes(call: Call) -> list[Edit]:
    """The edits that make apt-get or apt-cache of one call; none where neither does the same."""
    assert call.subcommand is not None
    subcommand = call.subcommand.value
    program = call.program.text.removesuffix("apt")
    if subcommand in _APT_GET:
        return [replace(call.program, f"{program}apt-get")]
    if subcommand == "policy":
        return [replace(call.program, f"{program}apt-cache")]
    if subcommand == "full-upgrade":
        return [replace(call.program, f"{program}apt-get"), replace(call.subcommand, "dist-upgrade")]
    if subcommand == "upgrade":
        return [replace(call.program, f"{program}apt-get"), insert_after(call.subcommand, " --with-new-pkgs")]
    return []
