"""Stage names in lower case."""

from collections.abc import Iterator

from rewriter.fixing.edits import replace
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.stages import Stage, StageGraph


@fixer(
    code="DF605",
    name="stage-name-casing",
    level=Level.SAFE,
    phase="spelling",
    replaces=["StageNameCasing"],
    gains=["reliability"],
    example=Example(
        before="""\
FROM golang:1.24 AS Build
RUN go build -o /app .

FROM debian:12
COPY --from=Build /app /app
""",
        after="""\
FROM golang:1.24 AS build
RUN go build -o /app .

FROM debian:12
COPY --from=build /app /app
""",
    ),
)
def spell_stage_name_in_lower_case(stage: Stage, graph: StageGraph) -> Iterator[Fix | Skip]:
    """Write stage names in lower case, and with them every `FROM`, `COPY --from` and `RUN --mount=from` that uses one.

    BuildKit finds stages without regard to case, so `--target` and the `target:` of a compose file still match;
    only behind FROM a capital letter stops the build.
    """
    alias = stage.alias_word
    if alias is None:
        return
    # What ONBUILD holds is stored in the image as text, and read in the build of another file.
    uses = [use for use in graph.references(stage) if use.kind != "onbuild"]
    uses = [use for use in uses if not use.by_number and use.name != stage.name]
    if alias.text == stage.name and not any(use.is_plain for use in uses):
        return
    if not all(use.is_plain for use in uses):
        yield Skip(stage.from_, f"a use of stage {alias.text} holds a variable, quotes or a line break")
        return
    edits = [replace(use, stage.name) for use in uses]
    if alias.text != stage.name:
        edits.append(replace(alias, stage.name))
    written = alias.text if alias.text != stage.name else uses[0].name
    yield Fix(
        stage.from_,
        f"stage {written} is spelled {stage.name}",
        edits,
        reads=[use.instruction.span for use in uses],
    )
