"""What is wrong with a Dockerfile, what dfix does about it and what not: answers to the questions that people ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from rewriter.engine import Applied, Outcome, Skipped
from rewriter.fixing.fixer import Fixer
from rewriter.model.context.build_context import BuildContext
from rewriter.model.image import parse_image
from rewriter.output.estimate import shipped_by, what_goes, why_large
from rewriter.output.page import BOLD, DIM, Page
from rewriter.output.portrait import portrait
from rewriter.syntax.parser import parse

QUESTIONS: Final = {
    "size": "Why is this image large?",
    "speed": "Why is this build slow?",
    "security": "What could be attacked?",
    "reliability": "What may go wrong?",
    "clarity": "What is hard to read?",
    "": "What else?",
}
"""What a person asks, by what a fixer is good for."""

_WITHOUT_SHELL: Final = ("gcr.io/distroless/", "cgr.dev/chainguard/")
# https://github.com/GoogleContainerTools/distroless#debug-images, https://docs.docker.com/reference/cli/docker/debug/,
# https://kubernetes.io/docs/tasks/debug/debug-application/debug-running-pod/#ephemeral-container
_INSPECTION: Final = (
    "`docker debug CONTAINER` brings a shell and tools of its own along (Docker Desktop)",
    "`kubectl debug -it POD --image=busybox --target=CONTAINER` puts an ephemeral container beside it",
    "`docker cp CONTAINER:/path .` and `docker logs CONTAINER` need nothing in the image",
)
_DEBUG_TAG: Final = "for a build of your own, `{}` has a busybox: start it with `--entrypoint=sh`"


_Finding: TypeAlias = Applied | Skipped


def explanation(outcome: Outcome, fixers: Sequence[Fixer], context: BuildContext, page: Page) -> Iterator[str]:
    """The lines of the answer for a file that could be read."""
    dockerfile = parse(outcome.before)
    yield from page.hanging("", portrait(dockerfile, context), 0)
    known = {fixer.code: fixer for fixer in fixers}
    findings: list[_Finding] = [*outcome.applied, *outcome.skips]
    findings.sort(key=lambda it: (it.line, it.column, it.code))
    explained: set[str] = set()
    before, after = shipped_by(outcome.before), shipped_by(outcome.after)
    for gain, question in QUESTIONS.items():
        chosen = [found for found in findings if _gain(known.get(found.code)) == gain]
        facts = list(why_large(before)) if gain == "size" else []
        if chosen or facts:
            yield ""
            yield page.paint(BOLD, question)
            for fact in facts:
                yield from page.hanging("  -", page.text(fact), 4)
            yield from _answers(chosen, known, explained, page)
        if gain == "size" and (lost := list(what_goes(before, after))):
            yield from _estimate(lost, page)
    if not findings:
        yield ""
        yield "dfix finds nothing to do."
    if base := next((one for one in (before.base, after.base) if one.startswith(_WITHOUT_SHELL)), ""):
        yield from _inspection(base, is_now=base == before.base, page=page)


def _gain(fixer: Fixer | None) -> str:
    return fixer.gains[0] if fixer and fixer.gains else ""


def _answers(findings: Iterable[_Finding], known: dict[str, Fixer], explained: set[str], page: Page) -> Iterator[str]:
    """A paragraph for each finding; what a fixer does is said once, and so is what is said of the same line again."""
    said: set[tuple[int, str, str]] = set()
    for found in findings:
        text = found.message if isinstance(found, Applied) else found.reason
        if (found.line, found.code, text) in said:
            continue
        said.add((found.line, found.code, text))
        head = f"  line {found.line}:"
        if isinstance(found, Applied):
            yield from page.hanging(head, f"{page.text(found.message)} ({found.code} {found.name}, {found.level}).", 4)
        else:
            yield from page.hanging(head, f"left alone: {page.text(found.reason)} ({found.code} {found.name}).", 4)
        if found.code not in explained and found.code in known:
            explained.add(found.code)
            for line in page.hanging("", known[found.code].summary, 4):
                yield page.paint(DIM, line)


def _estimate(lost: Iterable[str], page: Page) -> Iterator[str]:
    yield ""
    yield page.paint(BOLD, "What would the image lose?")
    yield from page.hanging("", "An estimate from known sizes of images and packages; `dfix verify` measures it.", 2)
    for text in lost:
        yield from page.hanging("  -", page.text(text), 4)


def _inspection(base: str, *, is_now: bool, page: Page) -> Iterator[str]:
    """How to look into a container of an image without a shell: the one that there is, or would be."""
    yield ""
    yield page.paint(BOLD, "How to look into a container without a shell?")
    which = "this image" if is_now else "the image as it would be"
    yield from page.hanging("", f"Nothing in {which} can run a shell. These can still look inside:", 2)
    for text in _INSPECTION:
        yield from page.hanging("  -", text, 4)
    image = parse_image(base)
    if base.startswith("gcr.io/distroless/"):
        debug = "debug-nonroot" if "nonroot" in image.tag else "debug"
        yield from page.hanging("  -", _DEBUG_TAG.format(page.text(f"{image.name}:{debug}")), 4)
