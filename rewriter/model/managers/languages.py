"""The package managers of languages: their subcommands and options, as rows like those of `vocabulary.py`.

The options are those that the programs themselves list: pip 26.3 and 23.2, uv 0.13, Poetry 2, Pipenv 2026, npm 11,
Yarn 1.22, pnpm 10, Bun 1, Go 1.19, cargo, Bundler 2.3, RubyGems 3.3, Composer 2.5, Maven 3.8 and Gradle 4.4, with older
ones that Dockerfiles still use. `source` is the same in the manual.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rewriter.model.managers.vocabulary import Manager, Style, names

_NONE: Final[frozenset[str]] = frozenset()


def _language(
    name: str, *, installs: str, values: str | frozenset[str], source: str, groups: str = "", builds: str = "",
    more: frozenset[str] = _NONE, bare: str = "", aliases: Mapping[str, str] | None = None, runs: str = "",
    hands_on: str = "", flags: Mapping[str, str] | None = None, style: Style = "getopt", one_dash: str = "",
    optional_values: str = "", many_values: str = "", has_tasks: bool = False,
) -> Manager:  # fmt: skip
    """A row; `more` are the subcommands of two words that install."""
    return Manager(
        name,
        installs=names(installs) | more,
        prompts=_NONE,
        yes=_NONE,
        yes_flag="",
        values=names(values) if isinstance(values, str) else values,
        source=source,
        groups=names(groups),
        bare=bare,
        aliases=aliases or {},
        builds=_pairs(builds),
        has_tasks=has_tasks,
        optional_values=names(optional_values),
        many_values=names(many_values),
        flags={action: names(options) for action, options in (flags or {}).items()},
        runs=_pairs(runs),
        hands_on=names(hands_on),
        style=style,
        one_dash=names(one_dash),
    )


def _pairs(words: str) -> frozenset[str]:
    """Names of subcommands; `tool+run` is one of two words."""
    return frozenset(word.replace("+", " ") for word in words.split())


def _aliases(table: str) -> dict[str, str]:
    """From lines of a subcommand and its other names."""
    rows = (line.split() for line in table.strip().split("\n"))
    return {alias: row[0].replace("+", " ") for row in rows for alias in row[1:]}


_PIP: Final = _language(
    "pip",
    installs="install",
    builds="download wheel lock",
    groups="cache config index",
    values="-r --requirement -c --constraint -e --editable -t --target --platform --python-version --implementation "
    "--abi --prefix --root --src --source --upgrade-strategy --global-option --build-option --install-option -C "
    "--config-settings --no-binary --only-binary --progress-bar --root-user-action --report --group --use-feature "
    "--use-deprecated --log --log-file --local-log --proxy --retries --resume-retries --timeout --default-timeout "
    "--exists-action --trusted-host --cert --client-cert --cache-dir -i --index-url --pypi-url --extra-index-url -f "
    "--find-links --keyring-provider --python -b --build --build-dir --build-directory -d --dest --destination-dir "
    "--destination-directory --download -w --wheel-dir -o --output --build-constraint --all-releases --only-final "
    "--refresh-package --requirements-from-script --uploaded-prior-to --path --exclude --format --algorithm -a "
    "--editor --download-cache --mirrors --allow-external --allow-unverified",
    flags={"list": "-e --editable", "show": "-f"},
    source="https://pip.pypa.io/en/stable/cli/pip_install/",
)
_UV: Final = _language(
    "uv",
    installs="sync add",
    more=frozenset({"pip install", "pip sync", "tool install", "tool upgrade", "python install"}),
    builds="run build lock remove export tree version venv tool+run pip+compile",
    groups="pip tool python cache self auth workspace",
    runs="run tool+run",
    values="--allow-insecure-host --annotation-style --author-from --bounds --branch --build-backend "
    "--build-constraint --build-constraints --bump --cache-dir --cert --check-url --color --config-file "
    "--config-setting --config-setting-package --config-settings --config-settings-package --constraint "
    "--constraints --custom-compile-command --default-index --depth --directory --editable --env-file --exclude "
    "--exclude-newer --exclude-newer-package --excludes --extra --extra-index-url --find-links --fork-strategy "
    "--format --from --graalpy-mirror --group --index --index-strategy --index-url --install-dir --keyring-provider "
    "--link-mode --marker --mirror --name --no-binary --no-binary-package --no-build-isolation-package "
    "--no-build-package --no-editable-package --no-emit-package --no-extra --no-group --no-install-package "
    "--no-sources-package --only-binary --only-group --optional --out-dir --output-file --output-format --override "
    "--overrides --package --password --path --prefix --prerelease --prerelease-package --project --prompt --prune "
    "--publish-url --pyodide-mirror --pypy-mirror --python --python-downloads-json-url --python-platform "
    "--python-version --refresh-package --reinstall-package --requirement --requirements --resolution --rev --script "
    "--tag --target --token --torch-backend --trusted-publishing --upgrade-group --upgrade-package --username --vcs "
    "--version --with --with-editable --with-executables-from --with-requirements -C -P -b -c -d -e -f -i -m -o -p -r "
    "-t -u -w",
    flags={
        **dict.fromkeys(("build", "export", "lock", "remove", "sync", "tree", "version"), "--no-binary"),
        "add": "--no-binary --editable",
        "init": "--package --script",
        "pip list": "-e --editable",
        "pip show": "-f",
        "python install": "-f -r",
        "run": "--no-binary --script -m",
        "tool install": "--no-binary -e --editable",
        "tool run": "--no-binary",
        "tool upgrade": "--no-binary",
        "venv": "-c",
    },
    source="https://docs.astral.sh/uv/reference/cli/",
)
_POETRY: Final = _language(
    "poetry",
    installs="install add update sync",
    builds="lock build remove",
    groups="self cache env source python",
    more=frozenset({"self add", "self install", "self update", "self sync"}),
    runs="run",
    values="--author --cert --client-cert --config-settings --dependency --description --dev-dependency --directory "
    "--dist-dir --extras --format --group --license --local-version --markers --name --only --optional-groups "
    "--output --password --platform --priority --project --python --readme --repository --source --username --with "
    "--without -C -E -G -P -c -f -l -o -p -r -u",
    flags={"show": "-l -o"},
    source="https://python-poetry.org/docs/cli/",
)
_PIPENV: Final = _language(
    "pipenv",
    installs="install sync update upgrade",
    builds="lock uninstall",
    runs="run",
    values="--categories --config-settings --db --editable --extra-pip-args --extras --ignore --index --key "
    "--policy-file --project --pypi-mirror --python --requirements --resolver --save-json -c -e -i -r",
    flags={"lock": "-r --requirements"},  # until version 2022.4
    source="https://pipenv.pypa.io/en/latest/cli.html",
)
_CONDA: Final = _language(
    "conda",
    installs="install create update",
    more=frozenset({"env create", "env update"}),
    aliases=_aliases("update upgrade\nremove uninstall"),
    groups="env",
    runs="run",
    values="-n --name -p --prefix -f --file -c --channel --repodata-fn --solver --experimental --platform --subdir "
    "--clone --revision --format --console --exclude-newer --cwd",
    flags={"clean": "-p -f -c", "remove": "-f"},
    source="https://docs.conda.io/projects/conda/en/stable/commands/",
)
_MICROMAMBA: Final = _CONDA._replace(
    name="micromamba",
    values=_CONDA.values
    | names(
        "-r --root-prefix --relocate-prefix --rc-file --log-level --ssl-verify --cacert-path --repodata-ttl "
        "--channel-priority --channel-alias --lock-timeout --exclude-newer-package --category"
    ),
    source="https://mamba.readthedocs.io/en/latest/user_guide/micromamba.html",
)
_NPM_VALUES: Final = (
    "--_auth --access --allow-directory --allow-file --allow-git --allow-remote --allow-scripts --also --audit-level "
    "--auth-type --before --ca --cache --cache-max --cache-min --cafile --call --cert --cidr --cpu --depth --diff "
    "--diff-dst-prefix --diff-src-prefix --diff-unified --editor --expect-result-count --expires --fetch-retries "
    "--fetch-retry-factor --fetch-retry-maxtimeout --fetch-retry-mintimeout --fetch-timeout --git --globalconfig "
    "--heading --https-proxy --include --init-author-email --init-author-name --init-author-url --init-license "
    "--init-module --init-type --init-version --install-strategy --key --libc --local-address --location "
    "--lockfile-version --loglevel --logs-dir --logs-max --maxsockets --message --min-release-age "
    "--min-release-age-exclude --node-gyp --node-options --noproxy --omit --only --os --otp --pack-destination "
    "--package --prefix --preid --provenance-file --proxy --reg --registry --replace-registry-host --save-prefix "
    "--sbom-format --sbom-type --scope --script-shell --searchexclude --searchlimit --searchopts --searchstaleness "
    "--shell --tag --tag-version-prefix --umask --user-agent --userconfig --viewer --which --workspace "
    # Those that older versions knew.
    "--cache-lock-retries --cache-lock-stale --cache-lock-wait --group --metrics-registry --node-version "
    "--onload-script --python --sso-type --tmp --user"
)
_NPM: Final = _language(
    "npm",
    installs="install ci install-test install-ci-test update",
    more=frozenset({"audit fix"}),
    builds="exec dedupe link init uninstall prune rebuild",
    groups="access audit cache config dist-tag org owner pkg profile team token",
    hands_on="run exec init test start stop restart",
    style="nopt",
    values=f"{_NPM_VALUES} -C -L -c -m -w",
    one_dash="-? -B -C -D -E -H -L -O -P -S -a -c -d -f -g -h -l -m -n -p -q -s -v -w -y",
    aliases=_aliases("""
        install add i in ins inst insta instal isnt isnta isntal isntall
        ci clean-install ic install-clean isntall-clean
        install-ci-test clean-install-test cit sit
        install-test it
        update u udpate up upgrade
        uninstall r remove rm un unlink
        run run-script rum urn
        exec x
        init create innit
        link ln
        rebuild rb
        dedupe ddp
        config c
        config+set set
        config+get get
        test t tst
    """),
    source="https://docs.npmjs.com/cli/v11/commands/npm-install",
)
_YARN: Final = _language(
    "yarn",
    installs="install add upgrade up import",
    more=frozenset({"global add", "global upgrade", "workspaces focus"}),
    builds="remove dlx create dedupe rebuild link",
    groups="cache config global npm plugin policies set workspaces",
    runs="run exec node dlx create workspace",
    bare="install",
    values="--cache-folder --cwd --exclude --from --global-folder --https-proxy --include --jobs --link-folder --mode "
    "--modules-folder --mutex --network-concurrency --network-timeout --otp --pattern --preferred-cache-folder "
    "--prefix --proxy --registry --scope --use-yarnrc -j",
    optional_values="--emoji --prod --production --scripts-prepend-node-path",
    source="https://classic.yarnpkg.com/lang/en/docs/cli/install/",
)
_PNPM: Final = _language(
    "pnpm",
    installs="install add fetch update ci install-test deploy import",
    more=frozenset({"recursive install", "recursive update"}),
    builds="dlx create remove prune rebuild link dedupe",
    groups="cache config env recursive store",
    runs="run exec dlx create",
    style="nopt",
    values=f"{_NPM_VALUES} --cache-dir --catalog-mode --changed-files-ignore-pattern --child-concurrency --color "
    "--config-dir --dir --dlx-cache-max-age --fetch-min-speed-ki-bps --fetch-warn-timeout-ms --fetching-concurrency "
    "--filter --filter-prod --git-shallow-hosts --global-bin-dir --global-dir --global-path --global-pnpmfile "
    "--global-virtual-store-dir --hoist-pattern --lockfile-dir --lockfile-directory "
    "--merge-git-branch-lockfiles-branch-pattern --minimum-release-age --minimum-release-age-exclude "
    "--modules-cache-max-age --modules-dir --network-concurrency --node-linker --npm-path --only-built-dependencies "
    "--pack-gzip-level --package-import-method --patches-dir --peers-suffix-max-length --pnpmfile "
    "--public-hoist-pattern --publish-branch --reporter --resolution-mode --resume-from --save-catalog-name "
    "--state-dir --store-dir --test-pattern --trust-policy --trust-policy-exclude --trust-policy-ignore-after "
    "--use-node-version --virtual-store-dir --virtual-store-dir-max-length --workspace-concurrency -C -F",
    one_dash="-? -C -D -E -F -H -L -O -P -S -c -d -f -g -h -i -p -q -r -s -v -w -y",
    aliases=_aliases("""
        install i
        ci clean-install ic install-clean
        install-test it
        update up upgrade
        remove rm un uninstall
        run run-script
        rebuild rb
        recursive multi m
    """),
    source="https://pnpm.io/cli/install",
)
_BUN: Final = _language(
    "bun",
    installs="install ci add update",
    builds="x create remove outdated",
    groups="pm",
    runs="run x exec create",
    aliases=_aliases("install i\nadd a\nremove rm"),
    values="--backend --ca --cache-dir --cafile --catalog --concurrent-scripts --conditions --config --cpu --cwd "
    "--define --elide-lines --env --env-file --external --filter --footer --format --banner --import --install "
    "--libc --linker --loader --minimum-release-age --minimum-release-age-excludes --network-concurrency --omit --os "
    "--outdir --outfile --port --preload --public-path --registry --require --root --shell --target "
    "--tsconfig-override --asset-naming --chunk-naming --entry-naming --drop --main-fields --packages -F -c",
    flags={"build": "-c"},
    source="https://bun.com/docs/pm/cli/install",
)
_GO: Final = _language(
    "go",
    installs="get install",
    more=frozenset({"mod download", "mod tidy"}),
    builds="build test run vet generate list mod+vendor mod+verify mod+graph mod+why work+sync work+vendor",
    groups="mod work telemetry",
    runs="run tool",
    style="go",
    values="-C -asmflags -bench -benchtime -blockprofile -blockprofilerate -buildmode -compat -compiler -count "
    "-covermode -coverpkg -coverprofile -cpu -cpuprofile -exec -f -fuzz -fuzzminimizetime -fuzztime -gccgoflags "
    "-gcflags -go -installsuffix -ldflags -list -memprofile -memprofilerate -mod -modfile -mutexprofile "
    "-mutexprofilefraction -o -outputdir -overlay -p -parallel -pgo -pkgdir -run -shuffle -skip -tags -timeout "
    "-toolexec -trace -vet -vettool",
    flags={"get": "-f", "mod graph": "-f"},
    source="https://pkg.go.dev/cmd/go",
)
_CARGO: Final = _language(
    "cargo",
    installs="fetch install update",
    more=frozenset({"chef cook"}),
    builds="add bench build check clippy doc generate-lockfile metadata package publish run rustc rustdoc test tree "
    "vendor zigbuild",
    groups="chef",
    runs="run",
    hands_on="bench rustc rustdoc test clippy",
    aliases=_aliases("build b\ncheck c\ndoc d\nrun r\ntest t\nremove rm"),
    values="--artifact-dir --base --bench --bin --branch --color --config --crate-type --example --exclude --explain "
    "--features --filter-platform --format-version --git --index --jobs --lockfile-path --manifest-path "
    "--message-format --out-dir --package --path --precise --print --profile --recipe-path --registry --rename --rev "
    "--root --tag --target --target-dir --test --version -C -F -Z -j -p",
    source="https://doc.rust-lang.org/cargo/commands/",
)
_BUNDLE: Final = _language(
    "bundle",
    installs="install update cache",
    builds="add lock check outdated pristine remove",
    runs="exec",
    bare="install",
    aliases=_aliases("install i\nexec e ex exe\ncache package pack"),
    values="--branch --cache-path --gemfile --git --github --glob --group --jobs --lockfile --path --ref --require "
    "--retry --shebang --target-rbconfig --trust-policy --version -g -j -r",
    optional_values="--binstubs --bundler",
    many_values="--without --with --standalone --add-platform --remove-platform --source --update",
    source="https://bundler.io/man/bundle-install.1.html",
)
_GEM: Final = _language(
    "gem",
    installs="install update",
    builds="fetch outdated",
    hands_on="install update",
    aliases=_aliases("install i\nsources source"),
    values="-v --version -i --install-dir -n --bindir --platform --build-root -P --trust-policy --without -B "
    "--bulk-threshold -s --source --config-file --host -k --key --otp -o --output --target-rbconfig -C",
    optional_values="--document --file --http-proxy --system -g -p",
    flags={"cleanup": "-n"},
    source="https://guides.rubygems.org/command-reference/#gem-install",
)
_COMPOSER: Final = _language(
    "composer",
    installs="install update require create-project",
    more=frozenset({"global require", "global install", "global update"}),
    builds="remove reinstall global+remove",
    groups="global",
    aliases=_aliases("""
        install i
        update u upgrade
        require r
        remove rm uninstall
        dump-autoload dumpautoload
        clear-cache clearcache cc
        self-update selfupdate
        run-script run
    """),
    runs="exec",
    hands_on="run-script",
    values="-d --working-dir --prefer-install --ignore-platform-req --repository --repository-url -s --stability "
    "--apcu-autoloader-prefix --apcu-prefix --audit-format --with -f --format --file --timeout",
    source="https://getcomposer.org/doc/03-cli.md",
)
_MAVEN: Final = _language(
    "mvn",
    installs="dependency:go-offline dependency:resolve dependency:resolve-plugins dependency:copy-dependencies",
    has_tasks=True,
    style="maven",
    values="-D --define -P --activate-profiles -T --threads -b --builder -f --file -l --log-file -s --settings "
    "-t --toolchains -emp --encrypt-master-password -ep --encrypt-password -gs --global-settings -gt "
    "--global-toolchains -pl --projects -rf --resume-from --color",
    one_dash="-am -amd -canf -cpu -emp -ep -fae -ff -fn -gs -gt -itr -llr -npr -npu -nsu -ntp -pl -rf -up",
    source="https://maven.apache.org/ref/current/maven-embedder/cli.html",
)
_GRADLE: Final = _language(
    "gradle",
    installs="dependencies",
    has_tasks=True,
    values="-D --system-prop -P --project-prop -b --build-file -c --settings-file -g --gradle-user-home -I "
    "--init-script -p --project-dir -x --exclude-task --console --warning-mode --max-workers --project-cache-dir "
    "--include-build --priority -M --write-verification-metadata -F --dependency-verification --update-locks "
    "--configuration-cache-problems --configuration --tests --args --gradle-version --distribution-type",
    source="https://docs.gradle.org/current/userguide/command_line_interface.html",
)
_DOTNET: Final = _language(
    "dotnet",
    installs="restore",
    more=frozenset(
        {"tool install", "tool restore", "tool update", "package add", "workload install", "workload restore"}
    ),
    builds="add build msbuild pack publish run store test watch workload+update",
    groups="nuget package reference tool workload",
    runs="tool+run exec",
    hands_on="run test",
    style="msbuild",
    values="-a --arch -c --configuration -o --output -r --runtime -f --framework -v --verbosity -s --source -p "
    "--property --packages --configfile --version-suffix --os --manifest --lock-file-path --artifacts-path "
    "--tool-path --version --tool-manifest --add-source --project --launch-profile -n --name -l --logger --filter "
    "--settings --results-directory --collect -d --diag --test-adapter-path -e --environment --from-file --sdk-version",
    flags={"restore": "-f"},
    source="https://learn.microsoft.com/en-us/dotnet/core/tools/",
)

_ROWS: Final = (
    _PIP, _UV, _POETRY, _PIPENV, _CONDA, _MICROMAMBA, _MICROMAMBA._replace(name="mamba"), _NPM, _YARN, _PNPM, _BUN, _GO,
    _CARGO, _BUNDLE, _GEM, _COMPOSER, _MAVEN, _GRADLE, _DOTNET,
)  # fmt: skip
OTHER_NAMES: Final = {
    "bundler": "bundle",
    "composer.phar": "composer",
    "gradlew": "gradle",
    "mvnd": "mvn",
    "mvnw": "mvn",
    "yarnpkg": "yarn",
}
"""Programs that are called otherwise than their row."""

LANGUAGE_MANAGERS: Final[dict[str, Manager]] = {manager.name: manager for manager in _ROWS}
"""The package managers of languages by the names of their programs."""

LANGUAGE_MANAGERS.update({other: LANGUAGE_MANAGERS[name] for other, name in OTHER_NAMES.items()})
