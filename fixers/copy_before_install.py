"""The manifests first, then the install, then the sources."""

from collections.abc import Iterator, Sequence

from rewriter.fixing.compose import (
    Fragment,
    cut_run,
    insert_above,
    insert_below,
    merged,
    moved,
    replace_with,
    speaks_of_installing,
    write,
)
from rewriter.fixing.edits import insert_after, newline_at, remove_instruction, remove_word, render, replace
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.fixing.ignore_file import ignore, refusal_to_ignore
from rewriter.model.caching.go_downloads import Download, possible_downloads
from rewriter.model.context.build_context import BuildContext
from rewriter.model.installing.earlier_installs import Move, earlier_installs
from rewriter.model.installing.manifest_copies import copy_lines, destination_at, link_on_the_way, words_to_drop
from rewriter.model.installing.stage_installs import StageInstalls
from rewriter.model.stages import Stage
from rewriter.model.state import States
from rewriter.syntax.text import Edit


@fixer(
    code="DF201",
    name="copy-before-install",
    level=Level.GUARDED,
    phase="order",
    changes=["installer-records"],
    gains=["speed"],
    example=Example(
        before="FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n",
        after="FROM python:3.11\nWORKDIR /app\nCOPY requirements.txt ./\n"
        "RUN pip install -r requirements.txt\nCOPY . .\n",
        files=(("requirements.txt", "flask\n"), ("app.py", "")),
    ),
)
def copy_manifests_before_sources(stage: Stage, states: States, context: BuildContext) -> Iterator[Fix | Skip]:
    """Copy the manifests and install the dependencies before the sources are copied.

    Docker repeats every step below a COPY whose files have changed. With the sources copied first, each change of a
    source file downloads and installs all dependencies again. So the files that the package manager reads are copied
    alone, and the sources below the install.

    The build context must show that the install reads nothing else: no local packages, no workspaces, no install
    scripts that need the sources. Folders that the install fills, such as `node_modules`, are added to `.dockerignore`
    where they are not in it, for else a local one would be copied over them.
    """
    installs = StageInstalls(stage, states, context)
    for found in earlier_installs(installs):
        if isinstance(found, Move):
            yield _fix(found, states, context)
        else:
            yield Skip(found.copy.instruction, found.reason, found.culprit)
    for download in possible_downloads(installs):
        yield _add_download(download, states)


def _fix(move: Move, states: States, context: BuildContext) -> Fix | Skip:
    copy = move.copy.instruction
    if link := link_on_the_way(move, context):
        return Skip(copy, f"{link} is a symbolic link, which the copied sources would put over a folder")
    if move.ignored and (reason := refusal_to_ignore(context, move.ignored, copy.dockerfile)):
        return Skip(copy, f"{', '.join(move.ignored)} may be copied over what is installed: {reason}")
    lines = copy_lines(move)
    newline = newline_at(copy.dockerfile, copy.start)
    above = [write(render("COPY", line, like=copy), newline=newline) for line in lines]
    stays = bool(above) and speaks_of_installing(copy)
    edits = replace_with(copy, above, leaves_comments=stays)
    for follower in move.followers:
        edits += remove_instruction(follower)
    for call, option in move.added:
        edits.append(insert_after(call.command.words[-1], f" {option}"))
    changes = [remove_word(copy.dockerfile, word) for word in words_to_drop(move)]
    if target := destination_at(move, states):
        changes.append(replace(target[0], target[1]))
    going = [moved(copy, *changes, leaves_comments=stays)]
    going += [moved(follower) for follower in move.followers]
    edits += _put_below(move, going)
    companions = [ignore(context, move.ignored)] if move.ignored else []
    what = ", ".join(dict.fromkeys(manifest.origin for manifest in move.manifests))
    message = "the sources are copied below the install in line {line}"
    message += f", {what} before it" if what else ", which does not need them"
    if move.ignored:
        message += f"; .dockerignore gains {', '.join(move.ignored)}"
    reads = [instruction.span for instruction in move.relied_on]
    return Fix(copy, message, merged(edits), reads=reads, companions=companions, mentions=move.below)


def _add_download(download: Download, states: States) -> Fix:
    copy, build = download.copy.instruction, download.build
    newline = newline_at(copy.dockerfile, copy.start)
    above = [write(render("COPY", line, like=copy), newline=newline) for line in copy_lines(download)]
    target = destination_at(download, states)
    flags = " ".join(flag.text for flag in build.mounts)
    call = render("RUN", f"{flags} go mod download".lstrip(), like=build)
    stays = speaks_of_installing(copy)
    edits = replace_with(copy, above, leaves_comments=stays)
    going = moved(copy, *([replace(*target)] if target else []), leaves_comments=stays)
    edits += insert_above(build, [write(call, newline=newline), going], like=copy)
    message = "`go mod download` is added above the sources, so that line {line} downloads nothing when they change"
    return Fix(copy, message, edits, reads=[one.span for one in download.relied_on], mentions=build)


def _put_below(move: Move, going: Sequence[Fragment]) -> Iterator[Edit]:
    copy, split = move.copy.instruction, move.split
    if split is None:
        yield insert_below(move.below, going, like=copy)
        return
    cut = cut_run(
        move.below,
        behind=split.last.pipeline,
        rest=split.rest.pipeline if split.rest else None,
        commands=[*split.carried, *split.again],
    )
    yield insert_below(move.below, [*going, cut.below], like=copy, cut=cut.span)
