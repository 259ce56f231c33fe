"""Whether the programs of two images do the same: the check `behaviour`."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from typing import Final

from rewriter.verify.behaviour.listening import reaches
from rewriter.verify.behaviour.observation import Ending, Health, Observation
from rewriter.verify.behaviour.printed import different_lines, without_accidents
from rewriter.verify.behaviour.probe import Answer, alike, is_shapeless
from rewriter.verify.behaviour.written import places
from rewriter.verify.report import Allowed, Check, Difference, Status, unexcused

NAME: Final = "behaviour"
BODIES: Final = "bodies"
"""The group of the differences in what a server answers, besides status and kind."""

UNSTEADY_ANSWER: Final = "differs between two requests to the old program, too"
"""What excuses a body that changes from one request to the next."""

UNSTEADY_RUN: Final = "differs between two runs of the old program, too"
"""What excuses a difference that a second run of the old image shows as well."""

UNSTEADY_BUILD: Final = "differs between two builds of the old Dockerfile, too"
"""What excuses words of a body that a build makes up, such as the name of a release."""

_WIDTH: Final = 160
"""How much of a line is shown."""


def compare_behaviour(
    before: Observation,
    after: Observation,
    allowed: Allowed,
    again: Observation | None = None,
    rebuilt: Observation | None = None,
) -> Check:
    """Compare what two programs did.

    `again` is a second run of the old one, whose differences are excused; `rebuilt` is a run of a second build of it,
    of which the words of bodies are excused that it has otherwise.
    """
    if before.ending and after.ending and before.ending.error and after.ending.error:
        return Check(NAME, Status.SKIPPED, f"neither image can be started: {_cut(before.ending.error)}")
    found = tuple(_differences(before, after, allowed))
    if again:
        found = tuple(_excused(found, before, after, again, allowed))
    if rebuilt:
        found = tuple(_excused_by_build(found, before, after, rebuilt, allowed))
    if failures := unexcused(found):
        summary = "; ".join(f"{it.subject}: {it.before or 'nothing'}, now {it.after or 'nothing'}" for it in failures)
        return Check(NAME, Status.FAILED, summary, found)
    return Check(NAME, Status.PASSED, _description(before, after), found)


def _differences(before: Observation, after: Observation, allowed: Allowed) -> Iterator[Difference]:
    yield from _ending(before, after)
    yield from _writes(before, after, allowed)
    if _kind(before.ending) != _kind(after.ending):
        # What a program that has ended does not do any more is no news.
        return
    if before.ending:
        yield from _output(before, after)
        return
    closed = tuple(_ports(before, after))
    yield from closed
    yield from _answers(before, after, {difference.subject for difference in closed})
    yield from _health(before.health, after.health, allowed)
    yield from _users(before, after, allowed)


def _excused(
    found: Iterable[Difference], before: Observation, after: Observation, again: Observation, allowed: Allowed
) -> Iterator[Difference]:
    """The differences, those of them excused that two runs of the old program have as well."""
    unsteady = {(it.group, it.subject): it for it in _differences(before, again, allowed)}
    for difference in found:
        twin = unsteady.get((difference.group, difference.subject))
        is_excused = bool(twin) and (difference.group != "output" or _is_no_more(before, after, again))
        yield difference._replace(reason=UNSTEADY_RUN) if is_excused and not difference.reason else difference


def _excused_by_build(
    found: Iterable[Difference], before: Observation, after: Observation, rebuilt: Observation, allowed: Allowed
) -> Iterator[Difference]:
    """The differences; those of bodies are excused whose words a second build of the old image has otherwise, too."""
    others = {(it.port, it.path): it for it in rebuilt.answers}
    pairs = ((it, others.get((it.port, it.path))) for it in before.answers)
    answers = tuple(
        old._replace(digest="", again=other.body) if other and _is_made_up_anew(old, other) else old
        for old, other in pairs
    )
    left = {it.subject for it in _differences(before._replace(answers=answers), after, allowed) if it.group == BODIES}
    for difference in found:
        is_excused = difference.group == BODIES and not difference.reason and difference.subject not in left
        yield difference._replace(reason=UNSTEADY_BUILD) if is_excused else difference


def _is_made_up_anew(old: Answer, other: Answer) -> bool:
    """Whether all of a body is known, and another build of the program has it otherwise."""
    return _head(old) == _head(other) and old.digest != other.digest and not old.is_cut and not other.is_cut


def _is_no_more(before: Observation, after: Observation, again: Observation) -> bool:
    """Whether the new program's lines are those that each run of the old one has, and as many others at most."""
    old, other, new = (_steady_output(it) for it in (before, again, after))
    lost_by_itself, extra_by_itself = different_lines(old, other)
    lost, extra = different_lines(old, new)
    return set(lost) <= set(lost_by_itself) and len(extra) <= len(extra_by_itself)


def _kind(ending: Ending | None) -> tuple[int, bool, bool] | None:
    return (ending.status, ending.is_out_of_memory, bool(ending.error)) if ending else None


def _ending(before: Observation, after: Observation) -> Iterator[Difference]:
    if _kind(before.ending) != _kind(after.ending):
        yield Difference("exit status", _ended(before), _ended(after, with_output=True), "start")


def _ended(observation: Observation, *, with_output: bool = False) -> str:
    """How the program ended, in words."""
    ending = observation.ending
    if not ending:
        return "keeps running"
    if ending.error:
        return f"cannot be started: {_cut(ending.error)}"
    if ending.is_out_of_memory:
        return "is killed because it takes more memory than it may"
    lines = [line for line in observation.output.split("\n") if line.strip()]
    said = f": {_cut(lines[-1])}" if with_output and lines else ""
    return f"ends with status {ending.status}{_signal(ending.status)}{said}"


def _signal(status: int) -> str:
    if 128 < status < 128 + signal.NSIG and (status - 128) in set(signal.Signals):
        return f" ({signal.Signals(status - 128).name})"
    return ""


def _ports(before: Observation, after: Observation) -> Iterator[Difference]:
    if before.listeners is None or after.listeners is None:
        return
    old, new = reaches(before.listeners), reaches(after.listeners)
    for port in sorted({*old, *new}):
        if old.get(port) != new.get(port):
            yield Difference(f"port {port}", _open(old.get(port)), _open(new.get(port)), "ports")


def _open(reach: str | None) -> str:
    return f"open to {reach}" if reach else "closed"


def _answers(before: Observation, after: Observation, closed: set[str]) -> Iterator[Difference]:
    new = {(it.port, it.path): it for it in after.answers}
    for old in before.answers:
        other = new.get((old.port, old.path))
        if not other or f"port {old.port}" in closed:
            continue
        subject = f"GET {old.path} on port {old.port}"
        if _head(old) != _head(other):
            yield Difference(subject, _head(old), _head(other), "answers")
        elif not alike(old, other):
            reason = UNSTEADY_ANSWER if is_shapeless(old) else ""
            lost, extra = different_lines(old.body, other.body)
            yield Difference(subject, _first(lost), _first(extra), BODIES, reason)


def _head(answer: Answer) -> str:
    if not answer.is_http:
        return "no HTTP"
    words = (str(answer.status), answer.content_type, f"to {answer.location}" if answer.location else "")
    return " ".join(filter(None, words))


def _health(before: Health | None, after: Health | None, allowed: Allowed) -> Iterator[Difference]:
    if after is None:
        if before:
            yield Difference("health", before.status, "", "health", allowed.reason("healthcheck"))
        return
    if before is None:
        # A check that the fixes bring must not only be allowed, but right.
        reason = allowed.reason("healthcheck") if after.status == "healthy" else ""
        yield Difference("health", "", _healthy(after), "health", reason)
    elif after.status != before.status and (before.status, after.status) != ("starting", "healthy"):
        yield Difference("health", _healthy(before), _healthy(after), "health")


def _healthy(health: Health) -> str:
    """The health state in words."""
    if health.status == "healthy":
        return health.status
    if health.missing:
        return f"{health.status}: the command of the check does not exist: {health.missing}"
    status = "not healthy in time" if health.status == "starting" else health.status
    return f"{status}: {_first(health.said.split(chr(10)))}" if health.said else status


def _users(before: Observation, after: Observation, allowed: Allowed) -> Iterator[Difference]:
    if before.user is None or after.user is None:
        return
    reason = allowed.reason("user")
    if before.user != after.user:
        yield Difference("user id", str(before.user), str(after.user), "users", reason)
    elif before.users != after.users:
        old, new = (", ".join(map(str, sorted(users))) for users in (before.users, after.users))
        yield Difference("user ids of all processes", old, new, "users", reason)


def _writes(before: Observation, after: Observation, allowed: Allowed) -> Iterator[Difference]:
    """What the old program wrote and the new one did not, and what only the new one says it was not allowed to."""
    is_at_home = bool(allowed.reason("user") or allowed.reason("users"))
    written = places(after.written, is_at_home=is_at_home)
    known = {refusal.path for refusal in before.refused}
    refused = {refusal.path: refusal.line for refusal in after.refused if refusal.path not in known}
    explained = set()
    for place, path in sorted(places(before.written, is_at_home=is_at_home).items()):
        if place in written:
            continue
        why = next((it for it in sorted(refused) if path == it or path.startswith(f"{it.rstrip('/')}/")), "")
        explained.add(why)
        yield Difference(f"writes {path}", "written", f"not written: {_cut(refused[why])}" if why else "", "writes")
    for path, line in sorted(refused.items()):
        if path not in explained:
            yield Difference(f"opens {path}", "not refused", f"refused: {_cut(line)}", "writes")


def _output(before: Observation, after: Observation) -> Iterator[Difference]:
    if before.is_output_cut or after.is_output_cut:
        return
    lost, extra = different_lines(_steady_output(before), _steady_output(after))
    if lost or extra:
        yield Difference("output", _first(lost), _first(extra), "output")


def _steady_output(observation: Observation) -> str:
    return without_accidents(observation.output, observation.names)


def _description(before: Observation, after: Observation) -> str:
    """What both programs do, in a sentence; what could not be seen is said as well."""
    if after.ending:
        return _description_of_an_end(before)
    words = ["keeps running"]
    if before.listeners is None or after.listeners is None:
        words.append("its ports are unknown, for no image has a program to look with")
    else:
        ports = ", ".join(map(str, reaches(after.listeners)))
        words.append(f"listens on {ports}" if ports else "listens on no port")
    words += [f"GET {it.path} on {it.port} gives {it.status}" for it in after.answers if it.is_http]
    if after.health:
        words.append(_healthy(after.health))
    if after.user is not None:
        words.append(f"runs as user {after.user}")
    return "; ".join(words)


def _description_of_an_end(before: Observation) -> str:
    how = _ended(before)
    if before.is_output_cut:
        how += " after more output than is compared"
    if before.ending and before.ending.status:
        # Often something is missing that only its own place has, such as a database.
        return f"{how} in both; what it does when it has all it needs is not shown"
    return f"{how} and the same output"


def _first(lines: Iterable[str]) -> str:
    return _cut(next((line for line in lines if line.strip()), ""))


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
