"""What Composer reads when it installs a project's packages: https://getcomposer.org/doc/03-cli.md"""

from __future__ import annotations

from typing import Any, Final

from rewriter.model.installing.manifests.files import Needs, NotMovableError, Project

# What `dump-autoload` runs itself: https://getcomposer.org/doc/articles/scripts.md
_OF_THE_AUTOLOADER: Final = ("pre-autoload-dump", "post-autoload-dump")
_OF_AN_INSTALL: Final = (
    "pre-install-cmd", "post-install-cmd", "pre-update-cmd", "post-update-cmd",
    "pre-operations-exec", "pre-package-install", "post-package-install", "pre-package-update", "post-package-update",
    "pre-package-uninstall", "post-package-uninstall", "init", "command", "pre-file-download", "post-file-download",
    "pre-command-run", "pre-pool-create",
)  # fmt: skip
# Plugins that touch nothing but the vendor folder.
_HARMLESS_PLUGINS: Final = (
    "symfony/runtime", "php-http/discovery", "phpstan/extension-installer", "pestphp/pest-plugin",
    "dealerdirect/phpcodesniffer-composer-installer", "composer/package-versions-deprecated",
    "ocramius/package-versions", "infection/extension-installer", "bamarni/composer-bin-plugin",
)  # fmt: skip
_CARRIED: Final[dict[tuple[str, ...], str]] = {
    ("-o", "--optimize-autoloader"): "--optimize",
    ("-a", "--classmap-authoritative"): "--classmap-authoritative",
    ("--apcu-autoloader",): "--apcu",
    ("--no-dev",): "--no-dev",
    ("--ignore-platform-reqs",): "--ignore-platform-reqs",
    ("-q", "--quiet"): "--quiet",
    ("-n", "--no-interaction"): "--no-interaction",
}
_KNOWN: Final = frozenset(name for group in _CARRIED for name in group) | {
    "--prefer-dist", "--prefer-source", "--no-progress", "--no-scripts", "--no-autoloader", "--no-suggest", "--dev",
    "--ansi", "--no-ansi", "-v", "-vv", "-vvv", "--verbose", "-d", "--working-dir", "--no-plugins", "--no-cache",
    "--ignore-platform-req", "--prefer-install", "--profile",
}  # fmt: skip


def composer_manifest(project: Project) -> str:
    """The composer.json of a `composer install`."""
    if project.call.action != "install" or project.call.packages:
        return ""
    project.move_to("-d", "--working-dir")
    return project.path("composer.json")


def composer_needs(project: Project) -> Needs:
    """composer.json and its lock; the autoloader, which looks into the sources, is written below them."""
    call = project.call
    project.forbid_variables("COMPOSER", "COMPOSER_VENDOR_DIR", "COMPOSER_BIN_DIR")
    if call.unknown:
        raise NotMovableError("it is called in a way that is not understood")
    if other := next((option.name for option in call.options if option.name not in _KNOWN), ""):
        raise NotMovableError(f"what `{other}` means for the autoloader is not known")
    package = project.json("composer.json")
    has_lock = project.take("composer.lock")
    project.take("auth.json")
    _check_folders(project, package)
    _check_scripts(project, package)
    if not call.has("--no-plugins"):
        _check_plugins(project, package, has_lock)
    added = [name for name in ("--no-scripts", "--no-autoloader") if not call.has(name)]
    if call.has("--no-autoloader"):
        return project.needs(fills=["vendor"], added=" ".join(added))
    return project.needs(fills=["vendor"], added=" ".join(added), below=[_dump(project)])


def _dump(project: Project) -> str:
    """The call that writes the autoloader, as the install would have."""
    call = project.call
    words = [*(word.text for word in (*call.wrapper, *call.launcher)), call.program.text, "dump-autoload"]
    words += [option for names, option in _CARRIED.items() if call.has(*names)]
    if call.has("--no-scripts"):
        words.append("--no-scripts")
    if folder := project.option("-d", "--working-dir"):
        words.append(f"--working-dir={folder}")
    redirects = [redirect.text for redirect in call.command.redirects]
    assignments = [assignment.text for assignment in call.command.assignments]
    return " ".join([*assignments, *words, *redirects])


def _check_folders(project: Project, package: dict[str, Any]) -> None:
    config = package.get("config")
    if isinstance(config, dict) and {"vendor-dir", "bin-dir"} & config.keys():
        raise NotMovableError("composer.json says where packages go")
    repositories = package.get("repositories", [])
    entries = repositories.values() if isinstance(repositories, dict) else repositories
    for entry in entries if isinstance(repositories, list | dict) else ():
        if isinstance(entry, dict) and entry.get("type") in ("path", "artifact"):
            raise NotMovableError("a package comes from a folder of the project")
    if project.has("composer.lock") and '"type": "path"' in project.read("composer.lock"):
        raise NotMovableError("a package comes from a folder of the project")


def _check_scripts(project: Project, package: dict[str, Any]) -> None:
    if project.call.has("--no-scripts"):
        return
    scripts = package.get("scripts")
    for name in _OF_AN_INSTALL:
        if isinstance(scripts, dict) and scripts.get(name):
            raise NotMovableError(f"the install runs the script `{name}`")


def _check_plugins(project: Project, package: dict[str, Any], has_lock: bool) -> None:
    """Plugins may write anywhere into the project; they run where composer.json allows them."""
    config = package.get("config")
    allowed = config.get("allow-plugins", {}) if isinstance(config, dict) else {}
    names = [name for name, value in allowed.items() if value] if isinstance(allowed, dict) else []
    if not isinstance(allowed, dict) and allowed:
        names = ["any"]
    if other := next((name for name in names if name not in _HARMLESS_PLUGINS), ""):
        raise NotMovableError(f"the plugin {other} may write into the project")
    required = package.get("require")
    if not has_lock and isinstance(required, dict) and {"composer/installers", "symfony/flex"} & required.keys():
        raise NotMovableError("a plugin of Composer writes into the project")
    if not has_lock:
        return
    lock = project.json("composer.lock")
    packages = lock.get("packages")
    for entry in packages if isinstance(packages, list) else ():
        is_plugin = isinstance(entry, dict) and entry.get("type") == "composer-plugin"
        if is_plugin and entry.get("name") not in _HARMLESS_PLUGINS:
            raise NotMovableError(f"the plugin {entry.get('name')} may write into the project")
