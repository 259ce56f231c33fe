"""Images without what only development needs."""

from collections.abc import Iterator

from rewriter.fixing.compose import speaks_of
from rewriter.fixing.edits import insert_after
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.services import Services
from rewriter.model.installing.lean_installs import LeanInstall, lean_installs
from rewriter.model.project import Project
from rewriter.model.stages import Stage
from rewriter.model.state import States

_SHOWN = 3


@fixer(
    code="DF303",
    name="dev-dependencies-in-runtime",
    level=Level.GUARDED,
    phase="packages",
    changes=["development-packages", "installer-records"],
    gains=["size", "security"],
    example=Example(
        before='FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install\nCMD ["node", "server.js"]\n',
        after='FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install --omit=dev\nCMD ["node", "server.js"]\n',
        files=(
            ("package.json", '{"dependencies": {"express": "^4"}, "devDependencies": {"jest": "^29"}}'),
            ("server.js", 'require("express")().listen(3000)\n'),
        ),
    ),
)
def leave_development_packages_out(
    stage: Stage, states: States, context: BuildContext, project: Project, services: Services
) -> Iterator[Fix | Skip]:
    """Leave packages that only development needs out of the image that is shipped.

    Linters, test runners and compilers make an image larger, and each of them is one more program with holes to mend.
    npm leaves devDependencies out with `--omit=dev`, Yarn 1 with `--production`, pnpm with `--prod`; uv leaves its
    group `dev` out with `--no-dev`, Poetry all groups with `--only main`.

    Nothing in the image may need them: no step behind the install builds or tests, no script of the install calls one
    of their programs, and neither the command that a container starts with nor the sources it runs import one or name
    it in a string. So the sources must be in the build context to be read; where they are not, or another stage uses
    this one, the install stays. So it does where something else is run in the image: another command by a service of a
    compose file, tests by a workflow or a Makefile, migrations by a platform, a container for development. `NODE_ENV`
    is not set: programs behave differently by it.
    """
    if not stage.is_final:
        return
    for found in lean_installs(stage, states, context, project, services):
        if not isinstance(found, LeanInstall):
            yield Skip(found.install.run, found.reason, found.culprit)
            continue
        if speaks_of(found.install.run, "dev"):
            yield Skip(found.install.run, "the comment above line {line} speaks of development", found.install.run)
            continue
        shown = ", ".join(found.packages[:_SHOWN]) + (", ..." if len(found.packages) > _SHOWN else "")
        message = f"nothing in the image needs {shown}"
        reads = [instruction.span for instruction in found.relied_on]
        yield Fix(found.install.run, message, [insert_after(found.behind, found.option)], reads=reads)
