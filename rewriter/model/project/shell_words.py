"""What the words of a shell command become at run time: quotes removed, variables replaced as far as they are known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from rewriter.model.project.answers import Text
from rewriter.model.stages import UNKNOWN_PART

_PIECE: Final = re.compile(
    r"""'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)"|\\(?P<escaped>.)|(?P<bare>[^'"\\]+)|(?P<rest>.)""", re.DOTALL
)
_EXPANSION: Final = re.compile(
    r"\$(?:(?P<name>[A-Za-z_]\w*|[0-9@*#?!$-])|\{(?P<braced>\w+|[@*])(?:(?P<operator>:?[-=])(?P<default>[^{}]*))?\})"
    r"|(?P<command>\$\(|`|\$\{)"
)
_ESCAPED: Final = re.compile(r'\\([$`"\\])')


class Variables(NamedTuple):
    """What the variables of a script stand for: those of the container, over them its own, and its arguments.

    A value None in `environment` is one that is set, but not known.
    """

    environment: Mapping[str, str | None]
    own: dict[str, Text]
    arguments: tuple[Text, ...] = ()

    def look_up(self, name: str) -> Text | None:
        """The value of a variable; None where nothing in the Dockerfile or the script sets it."""
        if name.isdigit():
            number = int(name) - 1
            return self.arguments[number] if 0 <= number < len(self.arguments) else None
        if name in self.own:
            return self.own[name]
        if name in self.environment:
            value = self.environment[name]
            return Text(UNKNOWN_PART if value is None else value, (name,))
        return None


def read_word(text: str, variables: Variables) -> Iterator[Text]:
    """The words that a word of a shell command becomes: mostly one."""
    if text in ('"$@"', "$@", "$*", "${@}", '"${@}"', '"$*"'):
        yield from variables.arguments
        return
    result = Text("")
    is_split = False
    for piece in _PIECE.finditer(text):
        if piece["single"] is not None:
            result += Text(piece["single"])
        elif piece["double"] is not None:
            result += _expand(piece["double"], variables, lambda part: _ESCAPED.sub(r"\1", part))
        elif piece["escaped"] is not None:
            result += Text(piece["escaped"].strip("\n"))
        else:
            part = piece["bare"] or piece["rest"]
            result += _expand(part, variables, lambda part: part)
            is_split = is_split or "$" in part
    if is_split and len(parts := result.value.split()) != 1:
        yield from (Text(part, result.variables) for part in parts)
    else:
        yield result


def _expand(text: str, variables: Variables, plain: Callable[[str], str]) -> Text:
    result = Text("")
    position = 0
    for match in _EXPANSION.finditer(text):
        if match.start() < position:
            continue
        result += Text(plain(text[position : match.start()]))
        position = match.end()
        if match["command"]:
            return result + Text(UNKNOWN_PART)  # where it ends does not matter: the rest is not known either
        result += _value(match, variables)
    return result + Text(plain(text[position:]))


def _value(match: re.Match[str], variables: Variables) -> Text:
    name = match["name"] or match["braced"]
    if not (name.isalnum() or name.replace("_", "a").isalnum()):
        return Text(UNKNOWN_PART)
    found = variables.look_up(name)
    if match["operator"]:
        default = _expand(match["default"].strip("\"'"), variables, lambda part: part)
        if found is None:
            own = () if name.isdigit() else (name,)
            return default._replace(variables=tuple(dict.fromkeys((*own, *default.variables))))
        return default if not found.value and ":" in match["operator"] else found
    if found is None:
        return Text("" if name.isdigit() else UNKNOWN_PART, () if name.isdigit() else (name,))
    return found
