"""How calls of the package managers of languages are read."""

from __future__ import annotations

import pytest

from rewriter.model.managers.call import Call, call_of
from rewriter.syntax.shell import parse_shell
from rewriter.syntax.text import view_of


def call(text: str) -> Call:
    command = next(parse_shell(view_of(text, 0, len(text)), 0, len(text)).simple_commands())
    result = call_of(command)
    assert result is not None
    return result


def described(read: Call) -> str:
    """Manager and action | options with their values | packages | words handed on."""
    options = " ".join(f"{one.name}={one.value}" if one.value else one.name for one in read.options)
    words = [" ".join(word.text for word in each) for each in (read.packages, read.arguments)]
    parts = [f"{read.manager.name} {read.action}".strip(), options, *words]
    while not parts[-1]:
        parts.pop()
    return " | ".join(parts)


PIP = [
    ("pip install flask", "pip install |  | flask"),
    ("pip install -r requirements.txt", "pip install | -r=requirements.txt"),
    ("pip install -rrequirements.txt", "pip install | -r=requirements.txt"),
    ("pip install --requirement=a.txt -c b.txt", "pip install | --requirement=a.txt -c=b.txt"),
    ("pip --no-cache-dir install flask", "pip install | --no-cache-dir | flask"),
    ("pip -q install flask", "pip install | -q | flask"),
    ("pip install -qU pip", "pip install | -q -U | pip"),
    ("python3 -m pip install -U pip", "pip install | -U | pip"),
    ("python -mpip install flask", "pip install |  | flask"),
    ("python3.11 -I -m pip install flask", "pip install |  | flask"),
    ("python -Im pip install flask", "pip install |  | flask"),
    ("python -W ignore -m pip install flask", "pip install |  | flask"),
    ("pypy3 -m pip install flask", "pip install |  | flask"),
    ("/opt/venv/bin/pip install flask", "pip install |  | flask"),
    ("/opt/venv/bin/python -m pip install flask", "pip install |  | flask"),
    ("$VENV/bin/pip install flask", "pip install |  | flask"),
    ('"${VENV}/bin/python" -m pip install flask', "pip install |  | flask"),
    ("venv/bin/pip3 install flask", "pip install |  | flask"),
    ("pip3.11 install flask", "pip install |  | flask"),
    ("sudo -H pip3 install flask", "pip install |  | flask"),
    ("pip install -e .[dev] --no-deps", "pip install | -e=.[dev] --no-deps"),
    ("pip install torch --index-url https://x/cpu", "pip install | --index-url=https://x/cpu | torch"),
    ("pip install --no-binary :all: a -t /opt/x", "pip install | --no-binary=:all: -t=/opt/x | a"),
    ("pip install 'a>=1' \"b[c]==2\"", "pip install |  | 'a>=1' \"b[c]==2\""),
    ("pip wheel -w /wheels -r a.txt", "pip wheel | -w=/wheels -r=a.txt"),
    ("pip cache purge", "pip cache purge"),
    ("pip config set global.index-url https://x", "pip config set |  | global.index-url https://x"),
    ("pip list -e", "pip list | -e"),
    ("pip --version", "pip | --version"),
]
UV = [
    ("uv sync --frozen --no-install-project", "uv sync | --frozen --no-install-project"),
    ("uv --no-cache sync", "uv sync | --no-cache"),
    ("uv pip install --system -r a.txt", "uv pip install | --system -r=a.txt"),
    ("uv pip --no-cache install -p /v flask", "uv pip install | --no-cache -p=/v | flask"),
    ("uv sync --extra web --group dev -n", "uv sync | --extra=web --group=dev -n"),
    ("uv sync --no-binary", "uv sync | --no-binary"),
    ("uv pip install --no-binary a a", "uv pip install | --no-binary=a | a"),
    ("uv tool install --with x ruff", "uv tool install | --with=x | ruff"),
    ("uv tool install -e .", "uv tool install | -e | ."),
    ("uv tool run --from a b --c", "uv tool run | --from=a | b | --c"),
    ("uv run --no-sync -m pytest -q", "uv run | --no-sync -m | pytest | -q"),
    ("uv run --with rich app.py --no-cache", "uv run | --with=rich | app.py | --no-cache"),
    ("uv run -- python -c 1", "uv run |  |  | python -c 1"),
    ("uv venv -c /opt/venv", "uv venv | -c | /opt/venv"),
    ("uv venv --python 3.12 /opt/venv", "uv venv | --python=3.12 | /opt/venv"),
    ("uv python install 3.12", "uv python install |  | 3.12"),
    ("uv export -o requirements.txt --no-hashes", "uv export | -o=requirements.txt --no-hashes"),
    ("uv --directory /app sync --locked", "uv sync | --directory=/app --locked"),
    ("uv cache clean", "uv cache clean"),
    ("python -m uv sync", "uv sync"),
]
PYTHON = [
    ("poetry -n install", "poetry install | -n"),
    ("poetry install --no-root --only main", "poetry install | --no-root --only=main"),
    ("poetry install --without dev,test -E web", "poetry install | --without=dev,test -E=web"),
    ("poetry config virtualenvs.create false", "poetry config |  | virtualenvs.create false"),
    ("poetry export -f requirements.txt -o r.txt", "poetry export | -f=requirements.txt -o=r.txt"),
    ("poetry run pip install flask", "poetry run |  | pip | install flask"),
    ("poetry self add poetry-plugin-export", "poetry self add |  | poetry-plugin-export"),
    ("poetry cache clear pypi --all", "poetry cache clear | --all | pypi"),
    ("poetry -C /app install -vvv", "poetry install | -C=/app -v -v -v"),
    ("poetry build -o dist", "poetry build | -o=dist"),
    ("python -m poetry install", "poetry install"),
    ("pipenv install --system --deploy", "pipenv install | --system --deploy"),
    ("pipenv --python 3.11 sync", "pipenv sync | --python=3.11"),
    ("pipenv install -r requirements.txt", "pipenv install | -r=requirements.txt"),
    ("pipenv lock -r", "pipenv lock | -r"),
    ("pipenv run python -m x", "pipenv run |  | python | -m x"),
    ("conda install -y -c conda-forge numpy", "conda install | -y -c=conda-forge | numpy"),
    ("conda install -yq -nbase numpy", "conda install | -y -q -n=base | numpy"),
    ("conda env create -f environment.yml", "conda env create | -f=environment.yml"),
    ("conda env update -n base --file=e.yml", "conda env update | -n=base --file=e.yml"),
    ("conda clean -tipsy", "conda clean | -t -i -p -s -y"),
    ("conda clean -afy", "conda clean | -a -f -y"),
    ("conda upgrade --all -y", "conda update | --all -y"),
    ("conda run -n x pip install -r a.txt", "conda run | -n=x | pip | install -r a.txt"),
    ("$CONDA_DIR/bin/conda install a", "conda install |  | a"),
    ("mamba create -p /env python=3.11", "mamba create | -p=/env | python=3.11"),
    ("micromamba -r /opt install -y -f e.yml", "micromamba install | -r=/opt -y -f=e.yml"),
]
NPM = [
    ("npm install", "npm install"),
    ("npm ci --omit=dev", "npm ci | --omit=dev"),
    ("npm ci --omit dev", "npm ci | --omit=dev"),
    ("npm clean-install", "npm ci"),
    ("npm i -g pm2", "npm install | -g | pm2"),
    ("npm add left-pad", "npm install |  | left-pad"),
    ("npm install --production", "npm install | --production"),
    ("npm install --production true", "npm install | --production=true"),
    ("npm install --production false a", "npm install | --production=false | a"),
    ("npm install --only production", "npm install | --only=production"),
    ("npm install -only=production", "npm install | --only=production"),
    ("npm install -production", "npm install | --production"),
    ("npm install --no-optional --foo bar", "npm install | --no-optional --foo | bar"),
    ("npm install --foo=bar a", "npm install | --foo=bar | a"),
    ("npm --prefix client install", "npm install | --prefix=client"),
    ("npm -C client ci", "npm ci | -C=client"),
    ("npm install --prefix /x", "npm install | --prefix=/x"),
    ("npm install -gD a", "npm install | -g -D | a"),
    ("npm install -w=web", "npm install | -w=web"),
    ("npm --loglevel warn install", "npm install | --loglevel=warn"),
    ("npm install --unsafe-perm true -g a", "npm install | --unsafe-perm=true -g | a"),
    ("npm run build", "npm run |  | build"),
    ("npm run build --prod", "npm run | --prod | build"),
    ("npm run build -- --prod", "npm run |  | build | --prod"),
    ("npm install -- a", "npm install |  | a"),
    ("npm set progress=false", "npm config set |  | progress=false"),
    ("npm config set registry https://x", "npm config set |  | registry https://x"),
    ("npm cache clean --force", "npm cache clean | --force"),
    ("npm audit fix", "npm audit fix"),
    ("npm -v", "npm | -v"),
]
JAVASCRIPT = [
    ("yarn", "yarn install"),
    ("yarn --frozen-lockfile", "yarn install | --frozen-lockfile"),
    ("yarn -v", "yarn | -v"),
    ("yarn --version", "yarn | --version"),
    ("yarn $OPTIONS", "yarn"),
    ("yarn install --production=false", "yarn install | --production=false"),
    ("yarn install --production false", "yarn install | --production=false"),
    ("yarn install --production --frozen-lockfile", "yarn install | --production --frozen-lockfile"),
    ("yarn global add serve", "yarn global add |  | serve"),
    ("yarn global --prefix=/x add serve", "yarn global add | --prefix=/x | serve"),
    ("yarn workspaces focus --production", "yarn workspaces focus | --production"),
    ("yarn workspace web build --prod", "yarn workspace |  | web | build --prod"),
    ("yarn run build --prod", "yarn run |  | build | --prod"),
    ("yarn --cwd web install", "yarn install | --cwd=web"),
    ("yarn install --network-timeout 100000", "yarn install | --network-timeout=100000"),
    ("yarn install --immutable --mode skip-build", "yarn install | --immutable --mode=skip-build"),
    ("yarn cache clean", "yarn cache clean"),
    ("corepack yarn install --immutable", "yarn install | --immutable"),
    ("yarnpkg install", "yarn install"),
    ("pnpm i --frozen-lockfile --prod", "pnpm install | --frozen-lockfile --prod"),
    ("pnpm -r install", "pnpm install | -r"),
    ("pnpm install --prod=false", "pnpm install | --prod=false"),
    ("pnpm --filter web install", "pnpm install | --filter=web"),
    ("pnpm -F web deploy --prod /out", "pnpm deploy | -F=web --prod | /out"),
    ("pnpm -rw add x", "pnpm add | -r -w | x"),
    ("pnpm fetch --prod", "pnpm fetch | --prod"),
    ("pnpm install --store-dir /s --reporter silent", "pnpm install | --store-dir=/s --reporter=silent"),
    ("pnpm config set store-dir /s", "pnpm config set |  | store-dir /s"),
    ("pnpm store prune", "pnpm store prune"),
    ("pnpm run build --prod", "pnpm run |  | build | --prod"),
    ("bun install --frozen-lockfile --production", "bun install | --frozen-lockfile --production"),
    ("bun i -p --omit dev", "bun install | -p --omit=dev"),
    ("bun --cwd web install", "bun install | --cwd=web"),
    ("bun run build --minify", "bun run |  | build | --minify"),
    ("bun build --compile --outfile server .", "bun build | --compile --outfile=server | ."),
    ("bun pm cache rm", "bun pm cache |  | rm"),
]
GO = [
    ('go build -ldflags "-s -w" -o /app ./...', "go build | -ldflags=-s -w -o=/app | ./..."),
    ("CGO_ENABLED=0 go build -a -installsuffix cgo .", "go build | -a -installsuffix=cgo | ."),
    ('go build -ldflags="-X main.v=$V" .', "go build | -ldflags=-X main.v=$V | ."),
    ("go build --tags netgo -trimpath", "go build | -tags=netgo -trimpath"),
    ("go mod download -x", "go mod download | -x"),
    ("go get -t -u ./...", "go get | -t -u | ./..."),
    ("go install -v example.org/x@latest", "go install | -v | example.org/x@latest"),
    ("go run main.go -v", "go run |  | main.go | -v"),
    ("go -C src build", "go build | -C=src"),
    ("/usr/local/go/bin/go test -run A -count 1 ./...", "go test | -run=A -count=1 | ./..."),
]
CARGO = [
    ("cargo build --release", "cargo build | --release"),
    ("cargo +nightly build -j4", "cargo build | -j=4"),
    ("cargo b -r --target x --features a,b", "cargo build | -r --target=x --features=a,b"),
    ("cargo install --path . --root /out --locked", "cargo install | --path=. --root=/out --locked"),
    ("cargo fetch --manifest-path=a/Cargo.toml", "cargo fetch | --manifest-path=a/Cargo.toml"),
    ("cargo build -Zbuild-std=core,alloc", "cargo build | -Z=build-std=core,alloc"),
    ("cargo chef cook --recipe-path recipe.json", "cargo chef cook | --recipe-path=recipe.json"),
    ("cargo run --bin x -- --port 1", "cargo run | --bin=x |  | --port 1"),
    ("cargo test a -- --nocapture", "cargo test |  | a | --nocapture"),
    ("/root/.cargo/bin/cargo build", "cargo build"),
]
RUBY = [
    ("bundle", "bundle install"),
    ("bundle --version", "bundle | --version"),
    ("bundle install --without development test -j4", "bundle install | --without=development test -j=4"),
    ("bundle install --without=development --jobs 4", "bundle install | --without=development --jobs=4"),
    ("bundle install --retry 3 --path vendor/bundle", "bundle install | --retry=3 --path=vendor/bundle"),
    ("bundle install --binstubs --deployment", "bundle install | --binstubs --deployment"),
    ("bundler install", "bundle install"),
    ("bundle config set --local without test", "bundle config | --local | set without test"),
    ("bundle exec rake assets:precompile -q", "bundle exec |  | rake | assets:precompile -q"),
    ("bundle package --all", "bundle cache | --all"),
    ("gem install bundler -v 2.1", "gem install | -v=2.1 | bundler"),
    ("gem install --no-document rails", "gem install | --no-document | rails"),
    ("gem i -N a:1 b", "gem install | -N | a:1 b"),
    ("gem install --file Gemfile", "gem install | --file=Gemfile"),
    ("gem update --system 3.2.3", "gem update | --system=3.2.3"),
    ("gem update --system -q", "gem update | --system -q"),
    ("gem install puma -- --with-cflags=-O2", "gem install |  | puma | --with-cflags=-O2"),
]
PHP = [
    ("composer install --no-dev -o", "composer install | --no-dev -o"),
    ("composer install -d /app --prefer-dist", "composer install | -d=/app --prefer-dist"),
    ("composer i -n --ignore-platform-req ext-gd", "composer install | -n --ignore-platform-req=ext-gd"),
    ("composer global require a/b", "composer global require |  | a/b"),
    ("composer dumpautoload -o", "composer dump-autoload | -o"),
    ("php composer.phar install", "composer install"),
    ("php -d memory_limit=-1 /usr/bin/composer install", "composer install"),
    ("php -dmemory_limit=-1 composer.phar update", "composer update"),
    ("composer run-script build -- --fast", "composer run-script |  | build | --fast"),
    ("composer create-project -s dev a/b dir", "composer create-project | -s=dev | a/b dir"),
]
JAVA = [
    ("mvn -B -f pom.xml dependency:go-offline", "mvn dependency:go-offline | -B -f=pom.xml"),
    ("mvn clean package -DskipTests", "mvn clean | -D=skipTests | package"),
    ("mvn package -Dmaven.test.skip=true", "mvn package | -D=maven.test.skip=true"),
    ("mvn -ntp -q -Pnative,x -pl a -am package", "mvn package | -ntp -q -P=native,x -pl=a -am"),
    ("mvn -P native package -T 1C", "mvn package | -P=native -T=1C"),
    ("mvn -s settings.xml -T4 -fae verify", "mvn verify | -s=settings.xml -T=4 -fae"),
    ("mvn --file=a/pom.xml --batch-mode test", "mvn test | --file=a/pom.xml --batch-mode"),
    ("./mvnw -B package", "mvn package | -B"),
    ("sh ./mvnw package", "mvn package"),
    ("mvnd -1 package", "mvn package | -1"),
    ("gradle --no-daemon build -x test", "gradle build | --no-daemon -x=test"),
    ("gradle clean :app:bootJar -Pa=b -Dc=d", "gradle clean | -P=a=b -D=c=d | :app:bootJar"),
    ("./gradlew --console=plain -q assemble", "gradle assemble | --console=plain -q"),
    ("sh gradlew build", "gradle build"),
    ("bash -e ./gradlew --project-dir app build", "gradle build | --project-dir=app"),
    ("gradle --version", "gradle | --version"),
]
DOTNET = [
    ('dotnet restore "A/B.csproj"', 'dotnet restore |  | "A/B.csproj"'),
    ("dotnet restore -r linux-x64 -f", "dotnet restore | -r=linux-x64 -f"),
    ("dotnet publish -c Release -o out --no-restore", "dotnet publish | -c=Release -o=out --no-restore"),
    ("dotnet publish -c:Release /p:UseAppHost=false", "dotnet publish | -c=Release -p=UseAppHost=false"),
    ("dotnet build --property:A=B -p:C=D a.csproj", "dotnet build | --property=A=B -p=C=D | a.csproj"),
    ("dotnet build /src/a.csproj -v q", "dotnet build | -v=q | /src/a.csproj"),
    ("dotnet publish --self-contained true a.csproj", "dotnet publish | --self-contained=true | a.csproj"),
    ("dotnet publish --self-contained a.csproj", "dotnet publish | --self-contained | a.csproj"),
    ('dotnet publish "-p:A=$B"', "dotnet publish | -p=A=$B"),
    ("dotnet build -f net8.0 -maxcpucount:1 -nologo", "dotnet build | -f=net8.0 -maxcpucount=1 -nologo"),
    ("dotnet tool install -g x --version 1.2", "dotnet tool install | -g --version=1.2 | x"),
    ("dotnet nuget locals all --clear", "dotnet nuget locals | --clear | all"),
    ("dotnet run --project a -- --urls x", "dotnet run | --project=a |  | --urls x"),
    ("dotnet --info", "dotnet | --info"),
]


@pytest.mark.parametrize(
    ("text", "expected"), [*PIP, *UV, *PYTHON, *NPM, *JAVASCRIPT, *GO, *CARGO, *RUBY, *PHP, *JAVA, *DOTNET]
)
def test_commands_are_read(text: str, expected: str) -> None:
    assert described(call(text)) == expected


@pytest.mark.parametrize(
    ("text", "launcher", "program"),
    [
        ("python3 -m pip install a", ["python3", "-m"], "pip"),
        ("sudo python -mpip install a", ["python"], "-mpip"),
        ("python -X dev -m pip install a", ["python", "-X", "dev", "-m"], "pip"),
        ("php -d a=b composer.phar install", ["php", "-d", "a=b"], "composer.phar"),
        ("bash -e ./gradlew build", ["bash", "-e"], "./gradlew"),
        ("corepack pnpm install", ["corepack"], "pnpm"),
        ("pip install a", [], "pip"),
    ],
)
def test_launchers_are_seen_through(text: str, launcher: list[str], program: str) -> None:
    result = call(text)
    assert [word.text for word in result.launcher] == launcher
    assert result.program.text == program


@pytest.mark.parametrize(
    "text",
    [
        "python -c 'import pip'",
        "python setup.py install",
        "python script.py -m pip install a",
        "python -m venv /opt/venv",
        "python -m",
        "php artisan optimize",
        "sh install.sh",
        "sh -c 'pip install a'",
        "corepack enable",
        "corepack prepare yarn@4 --activate",
        "$PIP install a",
        "${X:-/usr/bin/pip} install a",
        "$(which pip) install a",
        "./pip install a",
        "src/go build",
        "pip-compile a.in",
        "gosu",
    ],
)
def test_other_programs_are_no_calls(text: str) -> None:
    command = next(parse_shell(view_of(text, 0, len(text)), 0, len(text)).simple_commands())
    assert call_of(command) is None


@pytest.mark.parametrize(
    "text",
    [
        "pip install a", "uv sync", "uv pip install a", "uv pip sync a.txt", "uv tool install a", "poetry install",
        "pipenv sync", "conda env create", "mamba install a", "npm ci", "npm it", "yarn", "yarn add a",
        "yarn workspaces focus", "pnpm i", "pnpm recursive install", "bun i", "go mod download", "go get a",
        "cargo fetch", "cargo chef cook", "bundle", "gem i a", "composer u", "composer global require a",
        "mvn dependency:go-offline", "mvn clean dependency:resolve", "gradle dependencies", "dotnet restore",
        "dotnet tool restore",
    ],
)  # fmt: skip
def test_subcommands_that_install(text: str) -> None:
    assert call(text).installs
    assert not call(text).builds


@pytest.mark.parametrize(
    "text",
    [
        "pip wheel a", "uv run x", "uv lock", "go build ./...", "go mod vendor", "cargo build", "cargo +nightly t",
        "mvn package", "mvn clean package", "./gradlew shadowJar", "dotnet publish", "npm exec a", "pnpm dlx a",
    ],
)  # fmt: skip
def test_subcommands_that_fetch_on_their_way(text: str) -> None:
    assert call(text).builds
    assert not call(text).installs


@pytest.mark.parametrize(
    "text",
    [
        "pip uninstall a", "uv --version", "npm run build", "npm config set a b", "yarn -v", "yarn build", "go version",
        "cargo clean", "bundle exec rake", "bundle config set a b", "composer dump-autoload", "mvn --version",
        "gradle --version", "dotnet nuget locals all --clear", "poetry run pip install a", "conda clean -a",
    ],
)  # fmt: skip
def test_subcommands_that_fetch_nothing(text: str) -> None:
    assert not call(text).installs
    assert not call(text).builds


def test_tasks_are_all_the_words_of_maven_and_gradle() -> None:
    assert call("mvn -B clean package -DskipTests").tasks == ("clean", "package")
    assert call("gradle clean $TASK").tasks == ("clean", "")
    assert call("npm install a").tasks == ("install",)
    assert call("npm -v").tasks == ()


def test_several_values_keep_their_first_word() -> None:
    (without, jobs) = call("bundle install --without a b -j4").options
    assert without.value_word is not None
    assert without.value_word.text == "a"
    assert jobs.value_word is None


def test_a_value_that_a_variable_fills_is_empty() -> None:
    result = call("pip install -r $FILE --index-url=$URL a")
    assert [(option.name, option.value) for option in result.options] == [("-r", ""), ("--index-url", "$URL")]
    assert [word.text for word in result.unknown] == ["--index-url=$URL"]


@pytest.mark.parametrize("text", ["npm install --production=false", "npm install --production false"])
def test_options_that_are_turned_off_are_not_had(text: str) -> None:
    assert not call(text).has("--production")


def test_extras_are_no_unknown_words() -> None:
    result = call("pip install -e .[dev] uvicorn[standard] ./*.whl *.whl $A")
    assert [option.value for option in result.options] == [".[dev]"]
    assert [word.text for word in result.packages] == ["uvicorn[standard]", "./*.whl", "*.whl", "$A"]
    assert [word.text for word in result.unknown] == ["*.whl", "$A"]


def test_words_handed_on_are_not_unknown() -> None:
    result = call("uv run app.py $ARGUMENTS")
    assert result.unknown == ()
    assert [word.text for word in result.arguments] == ["$ARGUMENTS"]
