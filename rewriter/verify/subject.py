"""A Dockerfile of the user's that is to be verified: as it is, and as all fixers or some of them leave it."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from rewriter import files
from rewriter.batch import Batch, Options, Problem, Result
from rewriter.files import FileError
from rewriter.fixing.fixer import Fixer
from rewriter.model.context.build_context import BuildContext
from rewriter.syntax.text import decode
from rewriter.verify.allowed import allowed
from rewriter.verify.report import Allowed
from rewriter.verify.request import Conditions, Request, Version


class SubjectError(Exception):
    """A Dockerfile that there is no way to verify."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem: Final = problem


class Subject:
    """One Dockerfile, read once. Raises SubjectError where it cannot be read or its context is not known."""

    def __init__(self, path: str, fixers: tuple[Fixer, ...], options: Options) -> None:
        self.path: Final = path
        self._fixers: Final = fixers
        self._options: Final = options
        self._batch: Final = Batch(fixers, options)
        try:
            self._text: Final = decode(files.read(path))
        except FileError as error:
            raise SubjectError(Problem(path, error.message)) from error

    @cached_property
    def result(self) -> Result:
        """What all fixers make of it."""
        return self._fixed(self._batch)

    def result_of(self, codes: Collection[str]) -> Result:
        """What some fixers make of it, and no other."""
        others = tuple(fixer.code for fixer in self._fixers if fixer.code not in codes)
        return self._fixed(Batch(self._fixers, self._options._replace(ignore=(*self._options.ignore, *others))))

    def _fixed(self, batch: Batch) -> Result:
        result = batch.run_text(self._text, self.path, named=True)
        if result.problem:
            raise SubjectError(result.problem)
        return result

    @cached_property
    def context(self) -> BuildContext:
        """The build context."""
        context = self._batch.context_of(self.path, self._text)
        if context.root is None:
            message = "it is not known from which folder this is built; --context DIR names it"
            raise SubjectError(Problem(self.path, message))
        return context

    @property
    def before(self) -> Version:
        """The file as it is."""
        return Version(self._text, self.context.ignore_text)

    def upgraded(self, codes: Sequence[str]) -> tuple[Version, Allowed]:
        """What some fixers make of it, and what they may change."""
        return self._version(self.result_of(codes)), allowed(self._fixers, codes)

    def _version(self, result: Result) -> Version:
        assert result.outcome is not None
        changed = {companion.path: companion.after for companion in result.outcome.companions}
        return Version(result.outcome.after, changed.get(self.context.ignore_path, self.context.ignore_text))

    def request(self, conditions: Conditions) -> Request:
        """The comparison of the file with what all fixers make of it."""
        assert self.result.outcome is not None
        codes = tuple(sorted({fix.code for fix in self.result.outcome.applied}))
        after, permission = self._version(self.result), allowed(self._fixers, codes)
        return Request(self.path, self._folder, self.before, after, permission, codes, self._configured(conditions))

    def request_against(self, path: str, conditions: Conditions) -> Request:
        """The comparison of the file with another one that is built from the same folder; nothing may change."""
        try:
            text = decode(files.read(path))
        except FileError as error:
            raise SubjectError(Problem(path, error.message)) from error
        beside = os.path.relpath(os.path.realpath(path), os.path.realpath(self._folder)).replace(os.sep, "/")
        ignore = BuildContext(str(self._folder), dockerfile=beside).ignore_text
        return Request(
            self.path, self._folder, self.before, Version(text, ignore), Allowed({}), (), self._configured(conditions)
        )

    def _configured(self, conditions: Conditions) -> Conditions:
        """The conditions, with the configuration for what the command line leaves open."""
        probe = self._batch.config_of(self.path).probe
        return conditions._replace(path=conditions.path or probe)

    @property
    def _folder(self) -> Path:
        assert self.context.root is not None
        return Path(self.context.root)
