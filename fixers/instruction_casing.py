"""One case for all instructions of a file."""

from collections.abc import Iterator

from rewriter.fixing.edits import replace
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.syntax.tree import Dockerfile


@fixer(
    code="DF601",
    name="instruction-casing",
    level=Level.SAFE,
    phase="spelling",
    replaces=["ConsistentInstructionCasing"],
    gains=["clarity"],
    example=Example(
        before="""\
FROM debian:12
Env LANG=C.UTF-8
run echo hello
CMD ["bash"]
""",
        after="""\
FROM debian:12
ENV LANG=C.UTF-8
RUN echo hello
CMD ["bash"]
""",
    ),
)
def spell_instructions_alike(dockerfile: Dockerfile) -> Iterator[Fix | Skip]:
    """Spell every instruction in the case that most of the file uses.

    Instructions are commonly written in capitals, and a file that writes all of them in lower case is left alone.
    In a file that mixes both, the majority decides, and capitals win a tie. What ONBUILD holds is kept as written,
    because the image stores it as text.
    """
    keywords = [instruction.keyword for instruction in dockerfile.instructions]
    lower = sum(keyword.text.islower() for keyword in keywords)
    upper = sum(keyword.text.isupper() for keyword in keywords)
    for instruction, keyword in zip(dockerfile.instructions, keywords, strict=True):
        spelled = keyword.text.lower() if lower > upper else keyword.text.upper()
        if spelled != keyword.text:
            message = f"{keyword.text} is spelled {spelled} like its neighbours"
            yield Fix(instruction, message, [replace(keyword, spelled)])
