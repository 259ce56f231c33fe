"""How a call of pip is written for uv: the map of options and variables.

A whitelist: an option that is not listed is not carried over. What uv 0.13 does with each was tried; the reference is
https://docs.astral.sh/uv/reference/cli/#uv-pip-install, differences are in https://docs.astral.sh/uv/pip/compatibility/.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from rewriter.model.managers.call import Call
from rewriter.model.managers.vocabulary import names
from rewriter.syntax.shell import Word

ACCEPTED: Final = names(
    "-r --requirement -c --constraint -e --editable -U --upgrade --pre --no-deps "
    "--force-reinstall -i --index-url --extra-index-url --no-index -f --find-links --trusted-host --cert "
    "--require-hashes --no-binary --only-binary --no-build-isolation -C --config-settings --break-system-packages "
    "-q --quiet -v --verbose"
)
"""The options that mean the same to both."""

_LOCKING: Final = names("-t --target --prefix")
"""The options that name a folder to install into: uv leaves its lock file there, and it would be shipped."""

DROPPED: Final = names(
    "--no-cache-dir --no-cache --disable-pip-version-check --progress-bar --no-input --no-warn-script-location "
    "--root-user-action --no-color --no-python-version-warning --no-warn-conflicts --compile --no-compile --use-pep517"
)
"""The options that say how pip prints, asks or caches, and those that ask for what uv does anyway."""

AS_VARIABLES: Final = {
    "--timeout": "UV_HTTP_TIMEOUT",
    "--default-timeout": "UV_HTTP_TIMEOUT",
    "--retries": "UV_HTTP_RETRIES",
}
"""The options that uv knows as variables: https://docs.astral.sh/uv/reference/environment/"""

TWINS: Final = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_TRUSTED_HOST": "UV_INSECURE_HOST",
    "PIP_DEFAULT_TIMEOUT": "UV_HTTP_TIMEOUT",
    "PIP_TIMEOUT": "UV_HTTP_TIMEOUT",
    "PIP_RETRIES": "UV_HTTP_RETRIES",
}
"""The variables of pip with a variable of uv that means the same, also when it is empty."""

AGAINST: Final = names(
    "PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_SRC PIP_CONSTRAINT PIP_REQUIREMENT PIP_EDITABLE PIP_NO_BINARY "
    "PIP_ONLY_BINARY PIP_PREFER_BINARY PIP_NO_DEPS PIP_NO_DEPENDENCIES PIP_REQUIRE_VIRTUALENV PIP_REQUIRE_VENV "
    "PIP_CONFIG_FILE PIP_PROXY PIP_CERT PIP_CLIENT_CERT PIP_NO_INDEX PIP_FIND_LINKS PIP_PRE PIP_UPGRADE "
    "PIP_UPGRADE_STRATEGY PIP_FORCE_REINSTALL PIP_IGNORE_INSTALLED PIP_NO_BUILD_ISOLATION PIP_NO_USE_PEP517 PIP_ABI "
    "PIP_PLATFORM PIP_PYTHON_VERSION PIP_PYTHON PIP_IMPLEMENTATION PIP_CONFIG_SETTINGS PIP_GLOBAL_OPTION "
    "PIP_BUILD_OPTION PIP_INSTALL_OPTION PIP_REQUIRE_HASHES PIP_USE_FEATURE PIP_USE_DEPRECATED PIP_KEYRING_PROVIDER "
    "PIP_ISOLATED PIP_IGNORE_REQUIRES_PYTHON PIP_EXISTS_ACTION PIP_DRY_RUN PIP_LOG PIP_PYPI_URL"
)
"""The variables of pip that change what is installed and that uv does not read.

Each option of pip has one: https://pip.pypa.io/en/stable/topics/configuration/#environment-variables
"""

BEST_MATCH: Final = "--index-strategy=unsafe-best-match"
"""Several indexes count alike, as they do for pip."""

STRANGERS: Final = frozenset({"UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"})
"""Variables of uv's indexes: where a file sets them, pip's are not translated."""


class Translation(NamedTuple):
    """One call of pip written for uv, save for the program and the Python it means.

    `removed` are words that go, `replaced` those that become something else, `options` what is added behind `install`,
    `variables` are assignments in front of the command. `problem` says why there is none.
    """

    removed: tuple[Word, ...] = ()
    replaced: tuple[tuple[Word, str], ...] = ()
    options: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    problem: str = ""


def translate(call: Call) -> Translation:
    """Write the options of a `pip install` for uv."""
    removed: list[Word] = []
    variables: list[str] = []
    options = ["--compile-bytecode", "--link-mode=copy"]
    shared = Counter(option.word.span for option in call.options)
    for option in call.options:
        words = [option.word, *([option.value_word] if option.value_word else [])]
        if option.name in ACCEPTED:
            if option.is_global and option.name not in ("-q", "--quiet", "-v", "--verbose"):
                return Translation(problem=f"uv does not take `{option.name}` in front of `install`")
            continue
        if option.name in _LOCKING:
            return Translation(problem=f"uv leaves a `.lock` in the folder of `{option.name}`")
        if shared[option.word.span] > 1:
            return Translation(problem=f"uv does not know `{option.name}` of {option.word.text}")
        if option.name in DROPPED:
            if option.name == "--no-compile":
                options.remove("--compile-bytecode")
        elif option.name in AS_VARIABLES:
            if not option.value.isdigit():
                return Translation(problem=f"the value of `{option.name}` is not a plain number")
            variables.append(f"{AS_VARIABLES[option.name]}={option.value}")
        else:
            return Translation(problem=f"uv has no twin of `{option.name}`")
        removed += words
    if call.has("--extra-index-url"):
        options.append(BEST_MATCH)
    return Translation(tuple(removed), (), tuple(options), tuple(variables))


def upgrade_only(call: Call, pinned: Iterable[str], named: Iterable[str]) -> Translation:
    """Write `-U` so that uv upgrades what is named and, like pip, not all that this depends on."""
    shared = Counter(option.word.span for option in call.options)
    words = [option.word for option in call.options if option.name in ("-U", "--upgrade")]
    if any(shared[word.span] > 1 for word in words):
        return Translation(problem="`-U` shares a word with other options")
    less = frozenset(pinned)
    asked = " ".join(f"--upgrade-package={name}" for name in dict.fromkeys(named) if name and name not in less)
    if not asked:
        return Translation(removed=tuple(words))
    return Translation(removed=tuple(words[1:]), replaced=((words[0], asked),))
