"""What two file systems may differ in, and how it is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from unittest.mock import ANY

import pytest

from rewriter.fixing.registry import load_fixers
from rewriter.verify.allowed import allowed
from rewriter.verify.files.compare_files import compare_files
from rewriter.verify.files.image import Image
from rewriter.verify.files.steady import unsteady
from rewriter.verify.report import ALWAYS, UNSTEADY, Allowed, Check, Status
from tests.images import Files, Item, folder, hard_link, image, link

SITE = "/usr/local/lib/python3.11/site-packages"
PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n"

Row = tuple[str, str, str, str]


def check(
    before: Files,
    after: Files,
    *words: str,
    again: Files | None = None,
    configurations: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {}),
) -> Check:
    """The comparison of two images, with the words that a fixer called DF1 declares."""
    old, new = (Image(image(files), it) for files, it in zip((before, after), configurations, strict=True))
    permission = Allowed(dict.fromkeys(words, ("DF1",)))
    if again is None:
        return compare_files(old, new, permission)
    return compare_files(old, new, permission, unsteady(old, Image(image(again), configurations[0])))


def failures(*arguments: Any, **options: Any) -> list[tuple[str, str, str]]:
    """What is not allowed, without the group."""
    return [it[:3] for it in check(*arguments, **options).failures]


def rows(found: Check) -> list[tuple[str, str]]:
    """The groups and subjects of all differences that are allowed, with the reason instead of the texts."""
    return [(f"{it.group}: {it.subject}", it.reason) for it in found.differences]


def package(name: str, version: str, **files: str) -> dict[str, str]:
    """A Python distribution as pip installs it."""
    info = f"{SITE}/{name}-{version}.dist-info"
    found = {f"{SITE}/{name}/{it.replace('_', '.')}": text for it, text in files.items()}
    listed = [*(path.removeprefix(f"{SITE}/") for path in found), f"{name}-{version}.dist-info/RECORD"]
    record = "".join(f"{path},,\n" for path in listed)
    return {**found, f"{info}/METADATA": f"Name: {name}\nVersion: {version}\n", f"{info}/RECORD": record}


def dpkg(**versions: str) -> dict[str, str]:
    """dpkg's database, and a file for each package."""
    status = "".join(f"Package: {name.replace('_', '-')}\nStatus: install ok installed\nArchitecture: amd64\n"
                     f"Version: {version}\n\n" for name, version in versions.items())  # fmt: skip
    names = [name.replace("_", "-") for name in versions]
    files = {f"/usr/share/doc/{name}/copyright": name for name in names}
    lists = {f"/var/lib/dpkg/info/{name}.list": f"/.\n/usr/share/doc/{name}\n/usr/share/doc/{name}/copyright\n"
             for name in names}  # fmt: skip
    return {"/var/lib/dpkg/status": status, **files, **lists}


def test_the_same_is_the_same() -> None:
    files = {"/app/main.py": "x", **package("flask", "3.0.1", app_py="y"), **dpkg(curl="7")}
    found = check(files, files)
    assert (found.name, found.status, found.differences) == ("files", Status.PASSED, ())


def test_a_lost_file_fails() -> None:
    found = check({"/app/main.py": "x", "/app/a": "1"}, {"/app/main.py": "x"})
    assert found.status is Status.FAILED
    assert found.summary == "/app/a is lost"
    assert [(it.group, it.subject, it.after) for it in found.failures] == [("application", "/app/a", "")]


def test_a_lost_folder_is_one_difference() -> None:
    lost = {f"/app/static/{number}/a.css": "12345" for number in range(30)}
    assert failures({"/app/main.py": "x", **lost}, {"/app/main.py": "x"}) == [("/app/static/", "30 files, 150 B", "")]


def test_a_folder_of_which_something_is_left_is_not_lost() -> None:
    before = {"/app/a/1": "x", "/app/a/2": "x", "/app/b/1": "x"}
    assert [it[0] for it in failures(before, {"/app/a/1": "x"})] == ["/app/a/2", "/app/b/"]


def test_new_files_fail_as_well() -> None:
    assert failures({"/app/a": ""}, {"/app/a": "", "/app/.git/x": "", "/app/.git/y": ""}) == [
        ("/app/.git/", "", "2 files, 0 B")
    ]


def test_another_content_and_another_type() -> None:
    found = failures({"/app/a": "1", "/app/b": "x"}, {"/app/a": "2", "/app/b": link("/app/a")})
    assert [(it[0], it[2].split(",")[0]) for it in found] == [("/app/a", "file"), ("/app/b", "link to /app/a")]


def test_owners_and_modes() -> None:
    before: Files = {"/app": folder(), "/app/a": Item(b"1"), "/app/b": Item(b"2"), "/srv/x": Item(b"3", 0o755)}
    after = {"/app": folder(uid=5), "/app/a": Item(b"1", uid=5), "/app/b": Item(b"2", uid=5), "/srv/x": Item(b"3")}
    assert failures(before, after)[:2] == [
        ("/app/", "owner 0:0", "owner 5:0 (3 paths)"),
        ("/srv/x", "executable for user root", "not executable for user root"),
    ]
    assert check(before, {**after, "/srv/x": before["/srv/x"]}, "owners").status is Status.PASSED


def test_a_package_of_another_version_is_one_difference() -> None:
    before = package("flask", "3.0.1", app_py="1", cli_py="2")
    assert failures(before, package("flask", "3.1.0", app_py="3", json_py="4")) == [("flask", "3.0.1", "3.1.0")]


def test_a_package_that_is_gone_and_one_that_is_new() -> None:
    assert failures(package("a", "1"), package("b", "2")) == [("a", "1", ""), ("b", "", "2")]


def test_a_package_that_moves() -> None:
    before = package("a", "1")
    after = {path.replace("/usr/local", "/opt/venv"): text for path, text in before.items()}
    assert failures(before, after) == [("a", f"1 in {SITE}", f"1 in {SITE.replace('/usr/local', '/opt/venv')}")]


def test_other_files_in_a_package_of_the_same_version() -> None:
    found = failures(
        package("a", "1", x_so="1", y_py=""), {**package("a", "1", x_so="2", y_py=""), f"{SITE}/a/y.py": "z"}
    )
    assert found == [("a", "1", f"1, with other files: {SITE}/a/x.so changed, {SITE}/a/y.py changed")]


def test_installers_may_change_where_a_fixer_says_so() -> None:
    before, after = package("pip", "24"), package("flask", "1")
    assert failures(before, {}, "installers") == []
    assert failures(before, {}) == [("pip", "24", "")]
    assert failures(after, {}, "installers") == [("flask", "1", "")]


def test_what_installers_note_and_compile() -> None:
    both = package("a", "1", x_py="")
    info = f"{SITE}/a-1.dist-info"
    before = {**both, f"{info}/INSTALLER": "pip", f"{SITE}/a/__pycache__/x.cpython-311.pyc": "1"}
    after = {**both, f"{info}/INSTALLER": "uv", f"{info}/REQUESTED": ""}
    found = check(before, after, "installer-records", "bytecode")
    assert found.status is Status.PASSED
    assert rows(found) == [
        ("installer records: INSTALLER", "DF1"),
        ("installer records: REQUESTED", "DF1"),
        (f"byte code: {SITE}", "DF1"),
    ]
    assert [it[0] for it in failures(before, after)] == ["INSTALLER", "REQUESTED", SITE]


def test_byte_code_may_be_compiled_again() -> None:
    files = {"/app/x.py": "1", "/app/__pycache__/x.cpython-311.pyc": "1"}
    assert check(files, {**files, "/app/__pycache__/x.cpython-311.pyc": "2"}).differences == ()


PIP_SCRIPT = "#!/usr/local/bin/python\nimport re\nimport sys\nfrom a.cli import main\nmain()\n"
UV_SCRIPT = "#!/usr/local/bin/python\nimport sys\nfrom a.cli import main\nsys.exit(main())\n"


@pytest.mark.parametrize(
    ("script", "is_same"),
    [
        (UV_SCRIPT, True),
        (UV_SCRIPT.replace("a.cli", "a.other"), False),
        (UV_SCRIPT.replace("/usr/local/bin/python", "/build/bin/python"), False),
    ],
)
def test_console_scripts_call_the_same(script: str, is_same: bool) -> None:
    both = package("a", "1", x_py="")
    record = f"{SITE}/a-1.dist-info/RECORD"
    both[record] += "../../../bin/a,,\n"
    found = check({**both, "/usr/local/bin/a": PIP_SCRIPT}, {**both, "/usr/local/bin/a": script}, "installer-records")
    assert (found.status is Status.PASSED) is is_same


def test_modules_of_node() -> None:
    def module(name: str, version: str) -> dict[str, str]:
        place = f"/app/node_modules/{name}"
        return {f"{place}/package.json": f'{{"version": "{version}"}}', f"{place}/index.js": version}

    before = {**module("express", "4.1.0"), **module("@types/node", "1.0.0"), **module("x/node_modules/y", "1.0.0")}
    after = {**module("express", "4.2.0"), **module("x/node_modules/y", "1.0.0")}
    assert failures(before, after) == [("@types/node", "1.0.0", ""), ("express", "4.1.0", "4.2.0")]


def test_a_module_that_is_damaged_is_no_module() -> None:
    files = {"/app/node_modules/a/package.json": "{", "/app/node_modules/b/package.json": "[]"}
    assert failures(files, {}) != []


def modules(**versions: str) -> dict[str, str]:
    """Modules of Node in /app."""
    return {f"/app/node_modules/{name}/package.json": f'{{"version": "{it}"}}' for name, it in versions.items()}


def npm_lock(**versions: str) -> str:
    """npm's lock file; what development alone needs has `dev` behind its version."""
    entries = {
        f"node_modules/{name}": {"version": it.removesuffix(" dev"), **({"dev": True} if it.endswith(" dev") else {})}
        for name, it in versions.items()
    }
    return json.dumps({"lockfileVersion": 3, "packages": {"": {}, **entries}})


def test_development_packages_may_vanish_where_a_fixer_says_so() -> None:
    lock = {"/app/package-lock.json": npm_lock(express="4.1.0", jest="29.0.0 dev")}
    before = {**modules(express="4.1.0", jest="29.0.0"), **lock, "/app/node_modules/.bin/jest": link("../jest/run.js"),
              "/app/node_modules/jest/run.js": ""}  # fmt: skip
    after = {**modules(express="4.1.0"), **lock}
    assert failures(before, after) == [("jest", "29.0.0", "")]
    assert failures(before, after, "development-packages") == []
    assert failures(before, {**lock}, "development-packages") == [("express", "4.1.0", "")]
    newer = {**modules(express="4.1.0", jest="30.0.0"), **lock}
    assert failures(before, newer, "development-packages") != []


def test_the_layout_of_pnpm_vanishes_with_its_packages() -> None:
    store = "/app/node_modules/.pnpm"
    stays = {
        "/app/package.json": '{"devDependencies": {"jest": "^29"}}',
        f"{store}/ms@2.1.3/node_modules/ms/package.json": '{"version": "2.1.3"}',
        "/app/node_modules/ms": link(".pnpm/ms@2.1.3/node_modules/ms"),
    }
    goes: Files = {
        f"{store}/jest@29.0.0": folder(),
        f"{store}/jest@29.0.0/node_modules/jest/package.json": '{"version": "29.0.0"}',
        f"{store}/jest@29.0.0/node_modules/ms": link("../../ms@2.1.3/node_modules/ms"),
        "/app/node_modules/jest": link(".pnpm/jest@29.0.0/node_modules/jest"),
        "/app/node_modules/.bin": folder(),
        "/app/node_modules/.bin/jest": "#!/bin/sh",
    }
    records = ({f"{store}/lock.yaml": "jest, ms"}, {f"{store}/lock.yaml": "ms"})
    before, after = {**stays, **goes, **records[0]}, {**stays, **records[1]}
    assert failures(before, after, "development-packages", "installer-records") == []
    assert failures(before, after, "installer-records") != []
    assert failures({**before, "/app/node_modules/x.js": ""}, after, "development-packages", "installer-records") != []


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        (["node", ".next/standalone/server.js"], ".next/standalone"),
        (["node", "/app/.next/standalone/apps/web/server.js"], ".next/standalone"),
        (["node", ".output/server/index.mjs"], ".output"),
        (["serve", "-s", "build", "-l", "3000"], "build"),
    ],
)
def test_all_but_the_folder_of_a_server_may_vanish(command: list[str], kept: str) -> None:
    stays: Files = {f"/app/{kept}/index.html": "<p>", "/app/package.json": "{}", "/etc/motd": "hello"}
    goes: Files = {
        **modules(express="4.1.0"),
        "/app/src/main.ts": "",
        "/app/node_modules/.bin/express": "#!/bin/sh",
        "/app/.next/package.json": "{}",
    }
    configuration = {"Cmd": command, "WorkingDir": "/app"}
    both = (configuration, configuration)
    before, after = {**stays, **goes}, {key: stays[key] for key in stays if key != "/app/package.json"}
    assert failures(before, after, "sources", configurations=both) == []
    assert failures(before, after, configurations=both) != []
    assert failures(before, {**after, f"/app/{kept}/index.html": "<b>"}, "sources", configurations=both) != []
    without = {key: text for key, text in after.items() if key not in ("/etc/motd", f"/app/{kept}/index.html")}
    lost = {subject for subject, _, _ in failures(before, without, "sources", configurations=both)}
    assert lost >= {"/etc/", f"/app/{kept}/"}
    npm = {"Cmd": ["npm", "start"], "WorkingDir": "/app"}
    assert failures(before, after, "sources", configurations=(npm, npm)) != []


def test_tools_beside_a_project_are_no_packages_of_it() -> None:
    place = "/usr/local/lib/node_modules"
    stays: Files = {f"{place}/pm2/package.json": '{"version": "5.0.0"}', "/usr/local/bin/node": ""}
    builds: Files = {
        f"{place}/@nestjs/cli/package.json": '{"version": "10.0.0"}',
        f"{place}/@nestjs/cli/node_modules/ora/package.json": '{"version": "5.0.0"}',
        "/usr/local/bin/nest": link("../lib/node_modules/@nestjs/cli/bin/nest.js"),
    }
    manages: Files = {
        f"{place}/@yarnpkg/cli-dist/package.json": '{"version": "4.6.0"}',
        "/usr/local/bin/yarn": link("../lib/node_modules/@yarnpkg/cli-dist/bin/yarn.js"),
    }
    assert failures({**stays, **builds}, stays, "build-tools") == []
    assert failures({**stays, **builds}, stays) != []
    assert failures({**stays, **manages}, stays, "installers") == []
    assert failures({**stays, **manages}, stays, "build-tools") != []
    assert failures({**builds, **stays}, {**builds, "/usr/local/bin/node": ""}, "build-tools", "installers") != []


UV_LOCK = """[[package]]
name = "shop"
source = { virtual = "." }
dependencies = [{ name = "flask", extra = ["async"] }]

[package.dev-dependencies]
dev = [{ name = "pytest" }]

[[package]]
name = "flask"

[package.optional-dependencies]
async = [{ name = "asgiref" }]

[[package]]
name = "asgiref"

[[package]]
name = "pytest"
"""
POETRY_LOCK = """[[package]]
name = "flask"
groups = ["main", "test"]

[[package]]
name = "asgiref"
groups = ["main"]

[[package]]
name = "pytest"
groups = ["test"]
"""


@pytest.mark.parametrize(("name", "text"), [("uv.lock", UV_LOCK), ("poetry.lock", POETRY_LOCK)])
def test_groups_of_python_may_vanish_where_a_fixer_says_so(name: str, text: str) -> None:
    lock = {f"/app/{name}": text}
    stays = {**package("flask", "1", x_py=""), **lock}
    before = {**stays, **package("asgiref", "1", x_py=""), **package("pytest", "1", x_py="")}
    after = {**stays, **package("asgiref", "1", x_py="")}
    assert failures(before, after) == [("pytest", "1", "")]
    assert failures(before, after, "development-packages") == []
    assert failures(before, stays, "development-packages") == [("asgiref", "1", "")]


def test_without_marks_a_manifest_with_development_packages_is_enough() -> None:
    before = modules(jest="29.0.0")
    manifest = {"/app/package.json": '{"devDependencies": {"jest": "^29"}}'}
    assert failures({**before, **manifest}, manifest, "development-packages") == []
    assert failures(before, {}, "development-packages") == [("jest", "29.0.0", "")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package-lock.json", npm_lock(express="4.1.0")),
        ("yarn.lock", '# yarn lockfile v1\n\n\nexpress@^4.0.0:\n  version "4.1.0"\n'),
        ("pnpm-lock.yaml", "packages:\n\n  express@4.1.0:\n    resolution: {}\n"),
        ("bun.lock", '{"packages": {"express": ["express@4.1.0", "", {}]}}'),
    ],
)
def test_packages_may_follow_a_lock_file_where_a_fixer_says_so(name: str, text: str) -> None:
    lock = {f"/app/{name}": text}
    after = {**modules(express="4.1.0"), **lock}
    assert failures(modules(express="4.2.0"), after) == [(f"/app/{name}", "", ANY), ("express", "4.2.0", "4.1.0")]
    assert failures(modules(express="4.2.0"), after, "locked-packages") == []
    other = {**modules(express="4.3.0"), **lock}
    assert failures(modules(express="4.2.0"), other, "locked-packages") == [("express", "4.2.0", "4.3.0")]
    assert failures(after, modules(express="4.1.0"), "locked-packages") == [(f"/app/{name}", ANY, "")]


def test_gems() -> None:
    place = "/usr/local/bundle"
    before = {f"{place}/specifications/rack-3.0.1.gemspec": "", f"{place}/gems/rack-3.0.1/lib/rack.rb": "1"}
    after = {f"{place}/specifications/rack-3.0.2.gemspec": "", f"{place}/gems/rack-3.0.2/lib/rack.rb": "2"}
    assert failures(before, after) == [("rack", "3.0.1", "3.0.2")]


def test_packages_of_debian() -> None:
    before, after = dpkg(curl="7", gcc_12="12", libpq5="15"), dpkg(curl="8", libpq5="15")
    assert failures(before, after) == [("curl", "7", "8"), ("gcc-12", "12", "")]
    assert failures(before, after, "build-tools") == [("curl", "7", "8")]
    assert failures(before, after, "system-packages") == []


def test_packages_of_debian_below_a_folder_that_became_a_link() -> None:
    listed: Files = {"/var/lib/dpkg/info/x.list": "/lib/libx.so\n", "/lib": link("usr/lib"), "/usr/lib/libx.so": "1"}
    status = "Package: x\nStatus: install ok installed\nVersion: {}\n\n"
    before: Files = {**listed, "/var/lib/dpkg/status": status.format(1)}
    assert failures(before, {**before, "/var/lib/dpkg/status": status.format(2), "/usr/lib/libx.so": "2"}) == [
        ("x", "1", "2")
    ]


def test_a_link_between_alternatives_belongs_to_the_package_that_it_leads_to() -> None:
    links: Files = {"/usr/bin/cc": link("/etc/alternatives/cc"), "/etc/alternatives/cc": link("/usr/bin/gcc")}
    status = "Package: gcc\nStatus: install ok installed\nVersion: 1\n\n"
    before = {
        **links,
        "/var/lib/dpkg/status": status,
        "/var/lib/dpkg/info/gcc.list": "/usr/bin/gcc\n",
        "/usr/bin/gcc": "",
    }
    after = {"/usr/bin": folder(), "/etc": folder(), "/var/lib/dpkg/status": "\n"}
    assert failures(before, after) == [("gcc", "1", "")]


@pytest.mark.parametrize(
    ("path", "made", "is_lost"),
    [
        ("/etc/fonts/10.conf", link("/usr/share/10.conf"), False),
        ("/usr/local/fonts", folder(), False),
        ("/etc/fonts/10.conf", link("/app/ours.conf"), True),
        ("/etc/fonts/10.conf", "our own", True),
        ("/app/10.conf", link("/usr/share/10.conf"), True),
        ("/usr/local/fonts/ours", folder(), True),
        ("/usr/local/fonts/ours", "a font", True),
    ],
)
def test_what_the_installation_of_a_package_made_goes_with_it(path: str, made: Item, is_lost: bool) -> None:
    kept: Files = {**dict.fromkeys(("/app", "/etc/fonts", "/usr/share", "/usr/local"), folder()), "/app/ours.conf": ""}
    gone: Files = {
        "/usr/share/10.conf": "",
        "/var/lib/dpkg/status": "Package: fonts\nStatus: install ok installed\nVersion: 2\n\n",
        "/var/lib/dpkg/info/fonts.list": "/usr/share/10.conf\n",
        "/var/lib/dpkg/info/fonts.postinst": 'D=/etc/fonts\n[ -d /usr/local/fonts ] || mkdir "/usr/local/fonts"\n',
    }
    before = {**kept, **gone, path: made}
    assert bool(failures(before, {**kept, "/var/lib/dpkg/status": ""}, "system-packages")) is is_lost
    assert failures(before, {**kept, **gone}, "system-packages")  # the package is still there


def test_what_poetry_and_pipenv_leave_in_a_home_goes_with_them() -> None:
    kept: Files = {"/root": folder(), "/root/.profile": ""}
    left: Files = {
        "/root/.cache/virtualenv": folder(),
        "/root/.config/pypoetry/config.toml": "[virtualenvs]\ncreate = false\n",
        "/root/.local/share/virtualenvs": folder(),
    }
    assert failures({**kept, **left}, kept, "installers") == []
    assert failures({**kept, **left}, kept) != []
    assert failures({**kept, "/root/.local/share/virtualenvs/app/bin/app": ""}, kept, "installers") != []


def test_what_pythons_package_makes_beside_its_files_goes_with_it() -> None:
    made: Files = {"/usr/local/lib/python3.11": folder(), "/usr/local/lib/python3.11/dist-packages": folder()}
    base: Files = {"/usr/local/lib": folder(), "/etc": folder()}
    before = {**base, **made, "/etc/python3/debian_config": "[DEFAULT]"}
    assert failures(before, base, "system-packages") == []
    assert failures(before, base) != []


def test_packages_of_alpine() -> None:
    database = "P:curl\nV:{0}\nF:usr/bin\nR:curl\nZ:Q1\n\nP:make\nV:4\nF:usr/bin\nR:make\n\n"
    before = {"/lib/apk/db/installed": database.format(1), "/usr/bin/curl": "1", "/usr/bin/make": "m"}
    after = {"/lib/apk/db/installed": database.format(2).split("P:make")[0], "/usr/bin/curl": "2"}
    assert failures(before, after) == [("curl", "1", "2"), ("make", "4", "")]


def test_caches_and_logs_are_always_allowed() -> None:
    before = {
        "/root/.cache/pip/http-v2/a/b": "1", "/root/.npm/_cacache/x": "1", "/home/app/.cache/uv/x": "1",
        "/var/lib/apt/lists/x": "1", "/var/log/dpkg.log": "1", "/big/cache/wheels/x": "1", "/etc/passwd": PASSWD,
        "/root/.cache/uv/archive-v0/1/flask-3.dist-info/RECORD": "", "/var/cache/apk/APKINDEX": "1",
    }  # fmt: skip
    after: Files = {"/var/log/dpkg.log": "2", "/etc/passwd": PASSWD, "/root/.cache/uv": folder()}
    configuration = {"Env": ["PIP_CACHE_DIR=/big/cache", "PATH=/bin"]}
    found = check(before, {**after, "/big": folder()}, configurations=(configuration, configuration))
    assert found.status is Status.PASSED, found.failures
    assert {it.reason for it in found.differences} == {ALWAYS}
    assert "/root/.cache/pip" in [it.subject for it in found.differences]


def test_what_no_program_reads_is_not_even_told() -> None:
    before = {"/etc/ld.so.cache": "1", "/etc/machine-id": "1", "/var/lib/dpkg/status-old": "1", "/etc/passwd-": ""}
    assert check(before, {"/etc/ld.so.cache": "2", "/etc/machine-id": "2", "/var/lib": folder()}).differences == ()


def test_folders_for_what_a_program_will_write() -> None:
    before: Files = {"/srv/x": "x"}
    after: Files = {**before, "/srv/logs": folder()}
    assert failures(before, after) == [("/srv/logs", "", "folder")]
    assert check(before, after, "folders").status is Status.PASSED
    filled = {**after, "/srv/logs/a.log": "a"}
    assert [it[0] for it in failures(before, filled, "folders")] == ["/srv/logs/a.log"]
    assert failures(after, before, "folders") == [("/srv/logs", "folder", "")]


def test_users() -> None:
    before = {"/etc/passwd": PASSWD, "/etc/shadow": "app:!:1:0\n"}
    added = {"/etc/passwd": PASSWD + "web:x:7:7::/:\n", "/etc/shadow": "app:!:2:0\nweb:!:2:0\n"}
    assert [it[0] for it in failures(before, added)] == ["web in /etc/passwd", "web in /etc/shadow"]
    assert failures(before, added, "users") == []
    lost = {"/etc/passwd": PASSWD.split("app")[0], "/etc/shadow": ""}
    assert [it[0] for it in failures(before, lost, "users")] == ["app in /etc/passwd", "app in /etc/shadow"]
    assert failures(before, lost, "replaced-users") == []


def test_a_new_user_may_have_a_home() -> None:
    before = {"/etc/passwd": "root:x:0:0::/root:/bin/sh\n"}
    after = {"/etc/passwd": PASSWD.replace(":root:/root", "::/root"), "/home/app/.bashrc": "x", "/opt/x": "y"}
    assert [it[0] for it in failures({**before, "/home": folder()}, after, "users")] == ["/opt/"]


def test_the_home_of_a_user_may_go_with_the_user() -> None:
    after = {"/etc/passwd": "root:x:0:0::/root:/bin/sh\n", "/home": folder()}
    after |= {"/etc/skel/.bashrc": "x"}
    before = {**after, "/etc/passwd": PASSWD.replace(":root:/root", "::/root"), "/home/app/.bashrc": "x", "/opt/x": "y"}
    assert [it[0] for it in failures(before, after, "replaced-users")] == ["/opt/"]
    for lost in ("/home/app/server.jar", "/home/app/.bashrc"):
        assert [it[0] for it in failures({**before, lost: "ours"}, after, "replaced-users")] == [lost, "/opt/"]


def test_no_password_is_shown() -> None:
    found = failures({"/etc/shadow": "root:$6$abc:1:\n"}, {"/etc/shadow": "root:$6$def:1:\n"})
    assert found == [("root in /etc/shadow", "***", "***")]


def as_user(before: str, after: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return {"User": before, "WorkingDir": "/app"}, {"User": after, "WorkingDir": "/app"}


@pytest.mark.parametrize(
    ("user", "files", "expected"),
    [
        ("app", {"/app/a": Item(mode=0o600)}, ["/app/a"]),
        ("1000", {"/app/a": Item(mode=0o600, uid=1000)}, []),
        ("1000", {"/app/a": Item(mode=0o640, gid=1000)}, []),
        ("app", {"/app/a": Item(mode=0o640, gid=50)}, []),
        ("app:app", {"/app/a": Item(mode=0o640, gid=50)}, ["/app/a"]),
        ("10001", {"/app/a": Item(mode=0o640, gid=0)}, []),
        ("10001:7", {"/app/a": Item(mode=0o640, gid=0)}, ["/app/a"]),
        ("app", {"/srv/deep": folder(0o700), "/srv/deep/er/a": "x"}, ["/srv/deep/"]),
        ("app", {"/app/run": Item(mode=0o744)}, ["/app/run"]),
        ("app", {"/root/.bashrc": Item(mode=0o600), "/etc/shadow": Item(mode=0o600)}, []),
        ("ghost", {}, ["user ghost"]),
        ("0", {"/app/a": Item(mode=0o000)}, []),
    ],
)
def test_what_the_new_user_can_read(user: str, files: Files, expected: list[str]) -> None:
    both: Files = {"/etc/passwd": PASSWD, "/etc/group": "app:x:1000:\nmore:x:50:app\n", **files}
    found = check(both, both, "user", configurations=as_user("", user))
    assert [it.subject for it in found.failures] == expected


def test_what_nobody_could_read_before_is_no_loss() -> None:
    both: Files = {"/etc/passwd": PASSWD, "/app/a": Item(mode=0o600)}
    assert check(both, both, configurations=as_user("app", "1001")).differences == ()


def test_what_a_second_build_changes_too_is_excused() -> None:
    before, again = package("a", "1"), package("a", "2")
    assert failures(before, package("a", "2"), again=again) == []
    assert failures(before, package("a", "3"), again=again) == [("a", "1", "3")]
    assert failures(before, {}, again=again) == [("a", "1", "")]


def test_a_content_that_is_never_the_same_may_change_but_not_be_lost() -> None:
    before, again = {"/app/a": "1", "/app/key": "1"}, {"/app/a": "1", "/app/key": "2"}
    found = check(before, {"/app/a": "1", "/app/key": "3"}, again=again)
    assert [it.reason for it in found.differences] == [UNSTEADY]
    assert [it[0] for it in failures(before, {"/app/a": "1"}, again=again)] == ["/app/key"]
    assert [it[0] for it in failures(before, {"/app/a": "9", "/app/key": "3"}, again=again)] == ["/app/a"]


def test_names_that_are_made_up_for_a_build() -> None:
    before, again = {"/app/d/main.3f2a9c1b.js": "1"}, {"/app/d/main.4f2a9c1b.js": "2"}
    assert failures(before, {"/app/d/main.5f2a9c1b.js": "3"}, again=again) == []
    assert [it[0] for it in failures(before, {"/app/d": folder()}, again=again)] == ["/app/d/main.3f2a9c1b.js"]
    assert failures(before, {"/app/d/main.5f2a9c1b.js": "3"}) != []


@pytest.mark.parametrize("name", ["7Zaq3WtjToCDRTAgTbo77", "q-_Zt3rW8sKq0aVbN-x1Y", "_ab_cdefghijklmnopqr5"])
def test_the_name_of_a_release_is_made_up(name: str) -> None:
    def at(it: str) -> Files:
        return {f"/app/.next/static/{it}/_ssgManifest.js": "1"}

    assert failures(at("Q0-0-qW8sKq0aVbN_x1Yz"), at(name), again=at("-j81XzW8sKq0aVbN_x1Yz")) == []
    assert (
        failures(at("a-long-name-of-a-folder"), at("another-name-of-a-folder"), again=at("-j81XzW8sKq0aVbN_x1Yz")) != []
    )


def test_two_builds_are_the_same_whatever_lies_in_them() -> None:
    files: Files = {
        **package("flask", "1", x_py="1"), **dpkg(gcc="1"), "/a": "", "/b": link("/nowhere"), "/c": hard_link("/a"),
        "/etc/passwd": "odd\n::::\nx:x:y:z::\n", "/app/node_modules/.bin/x": link("../gone"), "/lib": link("/lib"),
        "/etc/group": "x", "/var/lib/rpm/rpmdb.sqlite": "1",
    }  # fmt: skip
    assert check(files, files, configurations=as_user("x", "x")).differences == ()


def test_the_order_is_always_the_same() -> None:
    before = {f"/{name}/{number}": "x" for name in "badc" for number in range(3)}
    shuffled = dict(reversed(before.items()))
    after = {"/a/1": "y", "/z": "1"}
    assert check(before, after).differences == check(shuffled, after).differences


def test_what_is_allowed_is_what_the_fixers_that_fired_declare() -> None:
    fixers = load_fixers()
    found = allowed(fixers, {"DF301", "DF202"})
    assert found.reason("package-caches") == "DF202, DF301"
    assert (found.reason("bytecode"), found.reason("label")) == ("DF301", "")
    assert allowed(fixers, ()).codes == {}


def test_an_empty_folder_that_uv_makes_among_packages_is_a_record_of_the_installer() -> None:
    flask = package("flask", "3.0", __init___py="")
    after: Files = {**flask, f"{SITE}/Flask.libs": folder(), f"{SITE}/data": folder(), f"{SITE}/data/a": "a"}
    assert (f"installer records: {SITE}/Flask.libs", "DF1") in rows(check(flask, after, "installer-records"))
    assert [subject for subject, *_ in failures(flask, after, "installer-records")] == [f"{SITE}/data/"]


BASE = {"/opt/a": "", "/usr/local/a": "", "/srv/a": ""}


def moved(files: Mapping[str, str], place: str = "/opt/venv") -> dict[str, str]:
    """Files of packages as they lie in a virtual environment."""
    skeleton = {
        f"{place}/pyvenv.cfg": "home = /usr/local/bin\n",
        f"{place}/bin/activate": "",
        f"{place}/bin/python": "x",
    }
    return {**BASE, **skeleton, **{path.replace("/usr/local", place): text for path, text in files.items()}}


def test_packages_may_move_into_a_virtual_environment_where_a_fixer_says_so() -> None:
    flask = package("flask", "3.0.1", app_py="y")
    assert not failures({**BASE, **flask}, moved(flask), "virtual-environment")
    refused = {it[0] for it in failures({**BASE, **flask}, moved(flask))}
    assert {"/opt/venv", "/opt/venv/pyvenv.cfg", "flask"} <= refused


def test_a_package_that_moves_keeps_its_version_and_lands_in_an_environment() -> None:
    old = package("flask", "3.0.1", app_py="y")
    newer = package("flask", "3.1.0", app_py="y")
    assert {it[0] for it in failures({**BASE, **old}, moved(newer), "virtual-environment")} == {"flask"}
    elsewhere = {path.replace("/usr/local", "/srv"): text for path, text in old.items()}
    assert "flask" in [it[0] for it in failures({**BASE, **old}, {**BASE, **elsewhere}, "virtual-environment")]


def test_a_package_that_is_not_in_the_environment_is_lost() -> None:
    old = {**package("flask", "3.0.1", app_py="y"), **package("jinja", "1.0", a_py="z")}
    found = failures({**BASE, **old}, moved(package("flask", "3.0.1", app_py="y")), "virtual-environment")
    assert found == [("jinja", "1.0", "")]


def test_a_virtual_environment_does_not_vanish() -> None:
    flask = moved(package("flask", "3.0.1", app_py="y"))
    assert failures(flask, {}, "virtual-environment")


def test_manifests_may_vanish_where_a_fixer_says_so() -> None:
    old = {"/app/requirements.txt": "flask\n", "/deps/requirements/base.txt": "a\n", "/app/main.py": "x"}
    assert not failures(old, {"/app/main.py": "x"}, "manifests")
    assert [it[0] for it in failures(old, {"/app/main.py": "x"})] == [
        "/app/requirements.txt",
        "/deps/",
    ]
    assert failures({**old, "/app/notes.txt": "n"}, {"/app/main.py": "x"}, "manifests")
    assert failures(old, {**old, "/app/requirements.txt": "django\n"}, "manifests"), "it may vanish, not change"


def test_sources_may_vanish_together_with_the_compiler() -> None:
    old = {**BASE, "/usr/local/go/bin/go": "go", "/app/main.go": "g", "/app/docs/a.html": "h", "/app/server": "b"}
    new = {**BASE, "/app/server": "b"}
    assert not failures(old, new, "sources", "build-tools")
    assert failures(old, new, "sources"), "Go itself is one of the build tools"
    assert [it[0] for it in failures({**old, "/app/page.html": "p"}, new, "sources", "build-tools")] == [
        "/app/page.html"
    ]
    assert failures(old, {**new, "/usr/local/go/bin/go": "go"}, "sources", "build-tools")
    git: Files = {"/usr/bin/git": "git"}
    using: Files = {**old, **git, "/root/.gitconfig": "[url]"}
    found = failures(using, {**new, "/root": folder(), "/usr/bin": folder()}, "sources", "build-tools")
    assert [it[0] for it in found] == ["/usr/bin/git"]
    found = failures(using, {**new, **git, "/root": folder()}, "sources", "build-tools")
    assert [it[0] for it in found] == ["/root/.gitconfig"]


@pytest.mark.parametrize(
    ("compiler", "lost", "kept"),
    [
        (
            "/usr/local/cargo/bin/cargo",
            ("/usr/src/shop/src/main.rs", "/usr/src/shop/Cargo.toml", "/usr/src/shop/target/release/shop.d"),
            "/usr/src/shop/pages/index.html",
        ),
        (
            "/opt/java/openjdk/bin/javac",
            ("/src/src/main/java/A.java", "/src/target/classes/A.class"),
            "/src/a.properties",
        ),
        (
            "/usr/share/dotnet/sdk/dotnet.dll",
            ("/app/Program.cs", "/app/obj/project.assets.json"),
            "/app/appsettings.json",
        ),
    ],
)
def test_what_a_compiler_leaves_may_vanish_with_it(compiler: str, lost: tuple[str, ...], kept: str) -> None:
    old = {**BASE, compiler: "c", **dict.fromkeys(lost, "s")}
    new = {**BASE}
    assert not [
        it for it in failures(old, new, "sources", "build-tools") if it[0].startswith(("/app", "/src", "/usr/src"))
    ]
    found = failures({**old, kept: "p"}, new, "sources", "build-tools")
    assert any(kept.startswith(it[0]) and it[0].count("/") > 1 for it in found), found
    assert failures(old, {**new, compiler: "c"}, "sources", "build-tools")


@pytest.mark.parametrize(
    ("compiler", "lost"),
    [
        ("/opt/java/openjdk/bin/javac", "/app/target/shop.jar"),
        ("/opt/java/openjdk/bin/javac", "/app/build/libs/shop-1.jar"),
        ("/opt/java/openjdk/bin/javac", "/app/src/main/resources/a.yml"),
        ("/usr/local/go/bin/go", "/app/posts/one.md"),
        ("/usr/local/cargo/bin/cargo", "/app/target/release/shop"),
        ("/usr/local/cargo/bin/cargo", "/usr/local/cargo/bin/shop"),
        ("/usr/share/dotnet/sdk/dotnet.dll", "/root/.dotnet/tools/dotnet-trace"),
    ],
)
def test_what_is_started_or_read_does_not_vanish_with_a_compiler(compiler: str, lost: str) -> None:
    command = ["sh", "-c", "java -Dspring.config.location=file:src/main/resources/a.yml -jar build/libs/*.jar"]
    started = {"WorkingDir": "/app", "Cmd": command, "Entrypoint": ["./target/release/shop", "/app/target/shop.jar"]}
    new = {**BASE, **dict.fromkeys(("/opt/java/openjdk", "/usr/local/cargo/bin", "/usr/share/dotnet"), folder())}
    old = {**new, compiler: "c", "/app/README.md": "r", "/app/a/b.md": "b", "/app/a/b.go": "b"}
    configurations = (started, started)
    found = failures({**old, lost: "l"}, new, "sources", "build-tools", configurations=configurations)
    usual = failures(old, new, "sources", "build-tools", configurations=configurations)
    assert set(found) - set(usual), found


def test_accounts_of_packages_may_vanish_with_them() -> None:
    old = {"/etc/passwd": PASSWD, "/etc/group": "root:x:0:\n_ssh:x:101:\napp:x:1000:\n", "/etc/gshadow": "_ssh:!::\n"}
    new = {"/etc/passwd": PASSWD, "/etc/group": "root:x:0:\napp:x:1000:\n", "/etc/gshadow": ""}
    assert not failures(old, new, "system-packages")
    assert [it[0] for it in failures(old, new)] == ["_ssh in /etc/group", "_ssh in /etc/gshadow"]
    assert failures(old, {**new, "/etc/group": "root:x:0:\n"}, "system-packages"), "a user of the project stays"
