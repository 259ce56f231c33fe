"""Reports as real comparisons make them, for the tests of what is printed."""

from __future__ import annotations

from typing import Final

from rewriter.verify.report import ALWAYS, UNSTEADY, Check, Cost, Difference, FailedStep, Report, Status, Verdict

ENGINE: Final = "Docker 28.5.2 with buildx 0.29.1"
BUILDS: Final = Check("build", Status.PASSED, "both versions build")

_CACHED: Final = tuple(
    Difference(f"/root/.cache/pip/http-v2/{number:x}/body", "file, 1.2 MB", "", "package caches", ALWAYS)
    for number in range(28)
)
_COMPILED: Final = tuple(
    Difference(
        f"/usr/local/lib/python3.11/site-packages/flask/__pycache__/{name}.pyc", "", "file", "byte code", "DF301"
    )
    for name in ("app", "cli", "wrappers")
)

PROVEN: Final = Report(
    "Dockerfile",
    Verdict.PROVEN,
    "nothing broke",
    (
        BUILDS,
        Check(
            "configuration",
            Status.PASSED,
            "the same but for what fixes declare",
            (Difference("WORKDIR", "app", "/app", "", "DF404"),),
        ),
        Check(
            "files",
            Status.PASSED,
            "4,312 paths compared; nothing of the application or its packages is lost",
            (
                *_CACHED,
                *_COMPILED,
                Difference("/var/log/alternatives.log", "file, 3.1 kB", "file, 3.2 kB", "logs", UNSTEADY),
            ),
        ),
        Check("libraries", Status.PASSED, "17 programs and libraries find all they need"),
        Check("behaviour", Status.PASSED, "port 8000 answers GET /health with 200 in both, as user 1000"),
    ),
    Cost(412_345_678, 14, 3_123_456, 61.24, 38.21, 44.0),
    Cost(173_100_000, 11, 12_430, 58.9, 1.3, 9.45),
    ("DF201", "DF202", "DF301", "DF305", "DF404"),
    engine=ENGINE,
)

_STEP: Final = FailedStep(
    "RUN --mount=type=cache,target=/root/.cache/uv uv pip install --system --requirements requirements.txt",
    12,
    "\n".join(
        [
            *(f"Downloading wheel {number} of 31" for number in range(1, 32)),
            "\x1b[1m\x1b[31merror\x1b[39m\x1b[0m: Failed to build `psycopg2==2.9.9`",
            "  Caused by: The build backend returned an error",
            "\t[stderr]",
            "\tError: pg_config executable not found.",
            "progress  10 %\rprogress  90 %\rprogress 100 %",
            "",
        ]
    ),
)

FAILED_BUILD: Final = Report(
    "services/shop/Dockerfile",
    Verdict.DIFFERENT,
    "build: the new version fails where the old one builds",
    (Check("build", Status.FAILED, "RUN ended with exit code 1"),),
    applied=("DF201", "DF202", "DF301", "DF305"),
    culprits=("DF301",),
    good=("DF201", "DF202", "DF305"),
    failed_step=_STEP,
    engine=ENGINE,
)

_DEEP: Final = "/app/node_modules/@company/design-system/packages/components/dist/esm/icons"

LOST_FILE: Final = Report(
    "Dockerfile",
    Verdict.DIFFERENT,
    "files: 14 of 9,120 paths are lost, 2 packages moved",
    (
        BUILDS,
        Check(
            "configuration",
            Status.FAILED,
            "CMD and ENV differ",
            (
                Difference("CMD", '["node", "dist/server.js"]', '["npm", "start"]'),
                Difference("ENV NODE_OPTIONS", "--max-old-space-size=512", ""),
                Difference(
                    "ENV PATH",
                    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/app/node_modules/.bin:/opt/tools/bin",
                    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/srv/node_modules/.bin:/opt/tools/bin",
                ),
            ),
        ),
        Check(
            "files",
            Status.FAILED,
            "14 of 9,120 paths are lost, 2 packages moved",
            (
                Difference("/app/config/production.json", "file, 0644, app:app, 1.2 kB", "", "application"),
                *(
                    Difference(f"{_DEEP}/icon{n}.js", "file, 0644, app:app, 812 B", "", "application")
                    for n in range(12)
                ),
                Difference("/app/uploads", "folder, 0755, app:app", "folder, 0755, root:root", "application"),
                Difference("express", "4.18.2", "4.19.0", "language packages"),
                Difference("body-parser", "1.20.1", "1.20.2", "language packages"),
                *_CACHED[:2],
            ),
        ),
        Check(
            "libraries",
            Status.FAILED,
            "1 of 3 libraries is not found",
            (Difference("/app/build/native.node needs libpq.so.5", "/usr/lib/x86_64-linux-gnu/libpq.so.5", ""),),
        ),
        Check("behaviour", Status.SKIPPED, "not looked at: the program needs a library that is not there"),
    ),
    Cost(412_345_678, 14, 3_123_456),
    Cost(),
    ("DF201", "DF301"),
    ("DF201", "DF301"),
    engine=ENGINE,
)

UNCHANGED: Final = Report("Dockerfile", Verdict.UNCHANGED, "there is nothing to change, so nothing was built")

NO_ENGINE: Final = Report(
    "Dockerfile",
    Verdict.UNTESTED,
    "no engine answers. Install Docker Engine (https://docs.docker.com/engine/install/) or Podman, or start the one"
    " you have.",
)

NEVER_BUILT: Final = Report(
    "Dockerfile",
    Verdict.UNTESTED,
    "it cannot be built as it is: RUN ended with exit code 2",
    applied=("DF601",),
    failed_step=FailedStep("RUN ls /nope", 2, "ls: cannot access '/nope': No such file or directory\n"),
    engine=ENGINE,
)

EXAMPLES: Final = {
    "proven": PROVEN,
    "failed-build": FAILED_BUILD,
    "lost-file": LOST_FILE,
    "unchanged": UNCHANGED,
    "no-engine": NO_ENGINE,
    "never-built": NEVER_BUILT,
}
