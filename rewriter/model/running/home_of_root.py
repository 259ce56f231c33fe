"""Whether a build leaves something in the home folder of root that the program needs: nobody else may enter it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.managers.call import Call
from rewriter.model.managers.run_calls import calls
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS
from rewriter.model.running.built_by import built_by
from rewriter.model.running.left_in_home import SYSTEM_SCRIPT, doubts_of_programs
from rewriter.model.running.shipped import Doubt, Shipped, text_of
from rewriter.model.running.yarn_cache import keeps_packages_in_home
from rewriter.syntax.tree import Arg, Cmd, Copy, Entrypoint, Env, Healthcheck, Instruction, Label, Maintainer, Run

_HOME: Final = re.compile(r"/root\b|~/|\$\{?HOME\b")
_REMOVAL: Final = re.compile(r"\brm\s+(?:-\S+\s+)*(?:(?:/root|~|\$\{?HOME\}?)/?[\w.*/-]*\s*)+")
# What downloads models, browsers or tools into the home folder, and the variables that lead it elsewhere.
# https://playwright.dev/docs/browsers, https://pptr.dev/guides/configuration, https://www.nltk.org/data.html,
# https://github.com/argosopentech/argos-translate#readme, https://github.com/john-kurkowski/tldextract#readme,
# https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables
_FILLS_HOME: Final = (
    (re.compile(r"playwright\s+install\b(?!-deps)"), ("PLAYWRIGHT_BROWSERS_PATH",)),
    (re.compile(r"puppeteer\s+browsers\s+install"), ("PUPPETEER_CACHE_DIR",)),
    (re.compile(r"patchright\s+install|crawl4ai-setup"), ("PLAYWRIGHT_BROWSERS_PATH",)),
    (re.compile(r"pyppeteer-install|camoufox\s+fetch|\bpm2\s+install\b"), ("PYPPETEER_HOME", "PM2_HOME")),
    (
        re.compile(r"\bgit\s+(?:lfs\s+install\b(?!.{0,99}--system)|config\s+(?:-\S+\s+)*--global\b)"),
        ("GIT_CONFIG_GLOBAL",),
    ),
    (re.compile(r"\baws\s+configure\b"), ("AWS_CONFIG_FILE",)),
    (re.compile(r"\bkubectl\s+config\b"), ("KUBECONFIG",)),
    (re.compile(r"\bgcloud\s+(?:auth|config)\b"), ("CLOUDSDK_CONFIG",)),
    (re.compile(r"\bhelm\s+(?:repo\s+add|plugin\s+install)\b"), ("HELM_DATA_HOME",)),
    (re.compile(r"\bcomposer\s+global\b"), ("COMPOSER_HOME",)),
    (re.compile(r"\bdotnet\s+tool\s+install\b.{0,2000}\s(?:-g|--global)\b"), ("DOTNET_CLI_HOME",)),
    (re.compile(r"\bnltk\b"), ("NLTK_DATA",)),
    (re.compile(r"\bargospm\s+(?:update|install)\b"), ("ARGOS_PACKAGES_DIR", "XDG_DATA_HOME")),
    (re.compile(r"\btldextract\s.{0,99}(?:--update|-u)\b"), ("TLDEXTRACT_CACHE",)),
    (re.compile(r"huggingface-cli|\bhf download\b|from_pretrained|SentenceTransformer"), ("HF_HOME",)),
    (re.compile(r"\bnvm\b|\bfnm\b|\bvolta\b"), ("NVM_DIR", "VOLTA_HOME")),
    (re.compile(r"\bpyenv\b"), ("PYENV_ROOT",)),
    (re.compile(r"bun\.sh/install"), ("BUN_INSTALL",)),
    (re.compile(r"deno\.land/install"), ("DENO_INSTALL",)),
    (re.compile(r"sh\.rustup\.rs"), ("CARGO_HOME",)),
    (re.compile(r"astral\.sh/uv"), ("UV_INSTALL_DIR", "UV_UNMANAGED_INSTALL")),
    (re.compile(r"install\.python-poetry\.org"), ("POETRY_HOME",)),
    (re.compile(r"get\.pnpm\.io"), ("PNPM_HOME",)),
    (re.compile(r"\buv\s+python\s+install"), ("UV_PYTHON_INSTALL_DIR",)),
    (re.compile(r"\bpipx\s+install\b"), ("PIPX_HOME",)),
    (re.compile(r"--user\b(?=.{0,2000}\binstall\b)|\binstall\b.{0,2000}--user\b"), ("PYTHONUSERBASE",)),
)
# Packages whose install scripts put browsers there: https://pptr.dev/guides/installation
_BROWSER_PACKAGES: Final = {
    "puppeteer": ("PUPPETEER_CACHE_DIR", "PUPPETEER_SKIP_DOWNLOAD", "PUPPETEER_SKIP_CHROMIUM_DOWNLOAD",
                  "PUPPETEER_EXECUTABLE_PATH"),
    "cypress": ("CYPRESS_CACHE_FOLDER",),
}  # fmt: skip
_BY_UV: Final = re.compile(r"\buv (?:sync|venv|run)\b")
_PIPED_INTO_SHELL: Final = re.compile(
    r"(?:curl|wget)\b.*\|\s*(?:[A-Z_]+=\S+\s+)*(?:sudo\s+(?:-E\s+)?)?(?:ba|da|z)?sh\b"
)


def doubt_of_home(shipped: Shipped) -> Doubt | None:
    """Why it cannot be said that the program needs nothing of the home folder of root."""
    if (home := shipped.end.get("HOME")) and home.startswith("/root"):
        return Doubt("HOME is a folder that only root may enter")
    if shipped.workdir == "/root" or shipped.workdir.startswith("/root/"):
        return Doubt(f"it runs in {shipped.workdir}, which only root may enter")
    dependencies = shipped.project.dependencies
    for name, variables in _BROWSER_PACKAGES.items():
        if dependencies and name in dependencies.names and not any(map(shipped.end.is_set, variables)):
            return Doubt(f"{name} puts a browser into the home folder of root when it is installed")
    return next((Doubt(reason, one) for one in shipped.steps for reason in _doubts(one, shipped)), None)


def _doubts(instruction: Instruction, shipped: Shipped) -> Iterator[str]:
    match instruction:
        case Run():
            yield from _doubts_of_run(instruction, shipped)
        case Copy() if instruction.paths and instruction.destination.startswith(("/root", "~")):
            yield "line {line} copies to /root, which only root may enter"
        case Env() | Cmd() | Entrypoint() | Healthcheck() if _HOME.search(instruction.arguments):
            yield "line {line} has to do with the home folder of root"
        case Arg() | Label() | Maintainer():
            return


def _doubts_of_run(run: Run, shipped: Shipped) -> Iterator[str]:
    built = built_by(run, shipped)
    text = "\n".join([text_of(run), *built.texts, *(command.text for command in built.commands)])
    kept = _REMOVAL.sub("", text)
    if _HOME.search(kept):
        yield "line {line} has to do with the home folder of root"
    state = shipped.states.at(run)
    for pattern, variables in _FILLS_HOME:
        if pattern.search(text) and not any(state.is_set(name) or f"{name}=" in text for name in variables):
            yield "line {line} may leave what the program needs in the home folder of root"
    if _PIPED_INTO_SHELL.search(text) and not SYSTEM_SCRIPT.search(text):
        yield "where the script of line {line} installs to is not known"
    if _BY_UV.search(text) and not state.is_set("UV_PYTHON_INSTALL_DIR") and not _has_python_for_uv(shipped):
        yield "the Python that uv may install in line {line} lies in the home folder of root"
    for call in calls(run):
        if call.manager.name not in SYSTEM_MANAGERS and (tool := _environment_tool(call, shipped)):
            yield f"line {{line}} makes the environment of {tool} in the home folder of root"
        if call.manager.name == "yarn" and call.installs and keeps_packages_in_home(run, shipped):
            yield "Yarn keeps the packages of line {line} in the home folder of root, from where they are run"
    yield from doubts_of_programs(run, built, shipped)


def _has_python_for_uv(shipped: Shipped) -> bool:
    """Whether the image brings the Python that the project asks for: else uv installs one in the home folder."""
    origin = shipped.stage.origin
    if origin is None or origin.family != "python":
        return False
    wanted = (shipped.context.read(".python-version") or "").strip()
    return shipped.context.status(".python-version") == "absent" or origin.tag.startswith(wanted or "?")


def _environment_tool(call: Call, shipped: Shipped) -> str:
    """The tool that keeps the environment it makes in the home folder; empty where it does not."""
    name = call.manager.name
    end = shipped.end
    if name == "poetry" and call.action in ("install", "sync", "update"):
        settings = [run.view.text for run in shipped.runs if "virtualenvs." in run.view.text]
        is_elsewhere = any("create false" in one or "in-project true" in one or "path" in one for one in settings)
        is_set = any(end.is_set(one) for one in ("POETRY_VIRTUALENVS_CREATE", "POETRY_VIRTUALENVS_IN_PROJECT",
                                                 "POETRY_VIRTUALENVS_PATH", "VIRTUAL_ENV"))  # fmt: skip
        return "" if is_elsewhere or is_set else "poetry"
    if name == "pipenv" and call.action in ("install", "sync", "update"):
        is_set = any(end.is_set(one) for one in ("PIPENV_VENV_IN_PROJECT", "WORKON_HOME", "VIRTUAL_ENV"))
        return "" if is_set or call.has("--system", "--deploy-system") else "pipenv"
    return ""
