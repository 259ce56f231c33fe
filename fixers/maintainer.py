"""A LABEL instead of MAINTAINER."""

from collections.abc import Iterator

from rewriter.fixing.edits import replace, replace_arguments, spell
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.fixing.quoting import literal, unquoted
from rewriter.model.stages import Stage
from rewriter.syntax.tree import Label, Maintainer

LABEL = "org.opencontainers.image.authors"
"""The annotation for authors, https://specs.opencontainers.org/image-spec/annotations/."""


@fixer(
    code="DF604",
    name="maintainer-instruction",
    level=Level.SAFE,
    phase="spelling",
    replaces=["MaintainerDeprecated", "DL4000"],
    changes=["label", "author"],
    gains=["clarity"],
    example=Example(
        before="FROM debian:12\nMAINTAINER Ada Lovelace <ada@example.com>\n",
        after='FROM debian:12\nLABEL org.opencontainers.image.authors="Ada Lovelace <ada@example.com>"\n',
    ),
)
def name_author_in_label(maintainer: Maintainer, stage: Stage) -> Iterator[Fix | Skip]:
    """Replace the deprecated MAINTAINER by the label `org.opencontainers.image.authors`.

    A label expands variables where MAINTAINER kept them, so the text is quoted. Quotes around the whole of it go:
    MAINTAINER took them for a part of the name.
    """
    for label in stage.instructions:
        if isinstance(label, Label) and any(pair.key.text.strip("\"'") == LABEL for pair in label.pairs):
            yield Skip(maintainer, f"line {{line}} sets the label {LABEL} already", label)
            return
    author = unquoted(" ".join(maintainer.arguments.split()), maintainer.dockerfile.escape)
    yield Fix(
        maintainer,
        f"MAINTAINER is deprecated: the author goes into the label {LABEL}",
        [
            replace(maintainer.keyword, spell("LABEL", like=maintainer)),
            replace_arguments(maintainer, f"{LABEL}={literal(author, maintainer.dockerfile.escape)}"),
        ],
    )
