"""`ENV key=value` instead of `ENV key value`."""

from collections.abc import Iterator

from rewriter.fixing.edits import replace_arguments
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.fixing.quoting import NotWritableError, as_value
from rewriter.syntax.tree import Env, Label


@fixer(
    code="DF603",
    name="legacy-key-value",
    level=Level.SAFE,
    phase="spelling",
    replaces=["LegacyKeyValueFormat"],
    gains=["clarity"],
    example=Example(
        before="FROM python:3.13\nENV PYTHONUNBUFFERED 1\nENV GREETING hello  world\n",
        after='FROM python:3.13\nENV PYTHONUNBUFFERED=1\nENV GREETING="hello  world"\n',
    ),
)
def write_key_equals_value(instruction: Env | Label) -> Iterator[Fix | Skip]:
    """Write `ENV key value` and `LABEL key value` with an equals sign.

    The value is quoted where the new form would read it differently: blanks stay as they are,
    and what the old form took out of its quotes stays out.
    """
    if not instruction.is_legacy:
        return
    pair = instruction.pairs[0]
    if not instruction.is_on_one_line:
        yield Skip(instruction, "the value goes over several lines: should it be several pairs?")
        return
    if pair.value.text.startswith("=") or "#" in pair.value.text.split():
        yield Skip(instruction, "the value holds an equals sign or a comment that were hardly meant as a part of it")
        return
    try:
        value = as_value(pair.value.text, instruction.dockerfile.escape)
    except NotWritableError as error:
        yield Skip(instruction, str(error))
        return
    yield Fix(
        instruction,
        f"`{instruction.name} {pair.key.text} …` is written with `=`",
        [replace_arguments(instruction, f"{pair.key.text}={value}")],
    )
