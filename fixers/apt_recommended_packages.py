"""`apt-get install` without the packages that are merely recommended."""

from collections.abc import Iterator

from rewriter.fixing.commands import insert_words
from rewriter.fixing.edits import insert_after
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.context.build_context import BuildContext
from rewriter.model.installing.recommended import LeanInstall, lean_installs
from rewriter.model.state import States
from rewriter.syntax.text import Edit
from rewriter.syntax.tree import Dockerfile

_FLAG = "--no-install-recommends"


@fixer(
    code="DF304",
    name="apt-recommended-packages",
    level=Level.GUARDED,
    phase="packages",
    replaces=["DL3015"],
    changes=["system-packages"],
    gains=["size", "speed"],
    example=Example(
        before="FROM debian:12\nRUN apt-get update && apt-get install -y curl jq\n",
        after="FROM debian:12\n"
        "RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl jq\n",
    ),
)
def install_no_recommended_packages(
    dockerfile: Dockerfile, states: States, context: BuildContext
) -> Iterator[Fix | Skip]:
    """Stop `apt-get install` from adding packages that Debian merely recommends.

    They are manuals, mail servers, drivers and the like, and often the larger part of what is installed. Those that a
    package cannot do its ordinary work without, such as the certificates that `curl` needs, are named instead, and so
    are those of which the Dockerfile or a shell script of the build context calls a program. What a package needs is
    known of most of Debian's; an install of any other is left alone, as is one from a repository added in the file.

    Ubuntu and older releases of Debian are taken to need what every release of Debian that is known needs.
    """
    for install in lean_installs(states, context):
        if not states.at(install.run).is_posix_shell:
            continue
        if install.problem:
            yield Skip(install.run, install.problem, install.culprit)
            continue
        added = ", ".join(name for name, _ in install.added)
        message = "packages that are only recommended are not installed"
        message += f", save for {added}" if added else ""
        stage = states.graph.stage_of(install.run)
        yield Fix(install.run, message, _edits(dockerfile, install), reads=[stage.from_.span] if stage else [])


def _edits(dockerfile: Dockerfile, install: LeanInstall) -> Iterator[Edit]:
    call = install.call
    assert call.subcommand is not None
    options = [one.value_word or one.word for one in call.options if not one.is_global]
    last = max([call.subcommand, *options], key=lambda word: word.start)
    yield insert_after(last, f" {_FLAG}")
    yield from insert_words(dockerfile, call.command.words, call.packages, install.added)
