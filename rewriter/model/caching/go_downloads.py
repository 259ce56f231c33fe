"""Where `go mod download` may be added: `go build` downloads all modules anew whenever a source file changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.model.effects.copies import CopiedFiles
from rewriter.model.effects.instructions import conflict
from rewriter.model.installing.earlier_installs import Manifest
from rewriter.model.installing.manifests import NotMovableError, module_needs
from rewriter.model.installing.stage_installs import StageInstalls, calls_of
from rewriter.model.managers.call import Call
from rewriter.model.managers.vocabulary import names
from rewriter.syntax.tree import Copy, Env, Expose, Instruction, Label, Run, Workdir

_BUILDS: Final = names("build install")
# Hosts whose modules everybody can download, also those that the build does not import.
_HOSTS: Final = names(
    "github.com gitlab.com bitbucket.org golang.org google.golang.org gopkg.in go.uber.org k8s.io sigs.k8s.io "
    "cloud.google.com gorm.io modernc.org go.opentelemetry.io go.mongodb.org gotest.tools go.etcd.io go.opencensus.io "
    "mvdan.cc codeberg.org dario.cat filippo.io go4.org honnef.co lukechampine.com nhooyr.io rsc.io xorm.io "
    "ariga.io entgo.io goa.design goji.io gonum.org upper.io zombiezen.com go.yaml.in cel.dev "
    "gofr.dev"
)
_MODULE: Final = re.compile(r"(?:^\s*(?:require\s+)?|=>\s*)([^\s/()]+)\S*\s+v\d", re.MULTILINE)
_COMMENT: Final = re.compile(r"//.*")
_HARMLESS: Final = names("CGO_ENABLED GOOS GOARCH GOARM GOAMD64 GO111MODULE PORT GIN_MODE")


class Download(NamedTuple):
    """A `go mod download` to be added above a build, below which the copy of the sources goes."""

    copy: CopiedFiles
    build: Run
    manifests: tuple[Manifest, ...]
    relied_on: tuple[Instruction, ...]


def possible_downloads(all_: StageInstalls) -> Iterator[Download]:
    """The first `go build` of a stage, where nothing but harmless lines stands between it and the copied sources."""
    mention = (run for run in all_.steps if "go " in run.view.text)
    run = next((run for run in mention if any(call.manager.name == "go" for call in _calls(all_, run))), None)
    if not isinstance(run, Run) or run.heredocs or run.comments:
        return
    step = all_.steps[run][0]
    call = next(iter(step.calls), None)
    if call is None or call.manager.name != "go" or call.action not in _BUILDS or step.effects.unknown:
        return
    if call.unknown or any(option.name == "-mod" for option in call.options) or not step.folder:
        return
    project = all_.project(run, step, call)
    try:
        project.forbid_variables("GOPRIVATE", "GOPROXY", "GONOPROXY", "GOVCS")
        needs = module_needs(project)
        modules = _MODULE.findall(_COMMENT.sub("", project.read("go.mod")))
        brought = [project.brought_by(path) for path in needs.files]
    except NotMovableError:
        return
    if not _HOSTS.issuperset(modules):
        return  # a module that the build never imports need not be within reach
    copied = brought[0][0] if brought and brought[0] else None
    if copied is None or len(brought) != 2 or not all(one and one[0] is copied for one in brought):
        return  # without go.sum there is nothing to verify, and the build adds it
    if not copied.has_tree or not _stands_free(all_, copied, run):
        return
    manifests = []
    for path, one in zip(needs.files, brought, strict=True):
        source = copied.source_of(path)
        if source is None or one is None or not source.is_tree:
            return
        manifests.append(Manifest(source, one[1], path, is_folder=False))
    relied_on = tuple(one for one in all_.stage.instructions if one.start <= run.start)
    yield Download(copied, run, tuple(manifests), relied_on)


def _calls(all_: StageInstalls, run: Instruction) -> Iterator[Call]:
    return (call for step in all_.steps[run] for call in calls_of(step))


def _stands_free(all_: StageInstalls, copied: CopiedFiles, run: Run) -> bool:
    """Whether what lies between the copy and the build lets the copy go down, and tells go nothing new."""
    copy = copied.instruction
    own = all_.effects(copy)
    own = own._replace(uses=own.uses - {"WORKDIR"})
    for one in all_.stage.instructions:
        if not copy.start < one.start < run.start:
            continue
        if isinstance(one, Env) and any(pair.key.text not in _HARMLESS for pair in one.pairs):
            return False
        if not isinstance(one, Env | Expose | Label | Workdir | Copy):
            return False
        found = all_.effects(one)
        if conflict(found._replace(writes=frozenset()) if isinstance(one, Workdir) else found, own):
            return False
    return True
