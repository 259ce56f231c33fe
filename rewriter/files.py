"""Reading and replacing files on the user's disk. Finding them is the work of `discovery.py`.

Replacing is atomic: a reader sees the old text or the new one, and whatever goes wrong leaves the old file as it was.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    pass

LARGEST: Final = 64 * 1024 * 1024
_TOO_LARGE: Final = f"too large for a Dockerfile (more than {LARGEST:,} bytes)"

# Without these Windows would translate line ends, and opening a pipe would wait for its other side.
_RAW: Final = getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)

_REASONS: Final = {
    errno.ENOENT: "no such file; check the path (or was it removed while dfix was running?)",
    errno.EACCES: "permission denied; check the permissions of the file and its folder",
    errno.EPERM: "operation not permitted; the file may be immutable or belong to someone else",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "no space left on the device",
    errno.ELOOP: "the symbolic links lead in a circle",
    errno.EBUSY: "the file is in use or is a mount point; mount its folder instead of the file",
}


class FileError(Exception):
    """A file that cannot be found, read or replaced, with what to do about it."""

    def __init__(self, path: str, message: str) -> None:
        # Both arguments go to Exception, so that the error survives pickling between processes.
        super().__init__(path, message)
        self.path: Final = path
        self.message: Final = message

    def __str__(self) -> str:
        return ": ".join(self.args)


def read(path: str) -> bytes:
    """The bytes of a regular file of at most 64 MB. Raises FileError, and never waits for a pipe or a device."""
    with _explained(path):
        _expect_regular(path, os.stat(path))
        # The file may have been swapped for a pipe since: do not wait for a writer, and look again.
        with open(os.open(path, os.O_RDONLY | _RAW), "rb") as file:
            _expect_regular(path, os.fstat(file.fileno()))
            data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise FileError(path, _TOO_LARGE)
    return data


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Turn what the system says into an error that names the file."""
    try:
        yield
    except (OSError, ValueError) as problem:
        raise FileError(path, reason_of(problem)) from problem


def reason_of(problem: OSError | ValueError) -> str:
    """What stood in the way, and what to do about it."""
    return _REASONS.get(getattr(problem, "errno", 0)) or getattr(problem, "strerror", "") or str(problem)


def _expect_regular(path: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise FileError(path, "it is a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise FileError(path, 'it is a pipe, socket or device, not a file; use "-" to read standard input')
    if status.st_size > LARGEST:
        raise FileError(path, _TOO_LARGE)


def write(path: str, data: bytes, expected: bytes) -> None:
    """Replace a file that still holds `expected`, atomically, keeping mode, owner and extended attributes.

    A symbolic link stays, and its target is replaced. When that cannot be had, it raises FileError and leaves the file
    as it was: also for one of several hard links, for the others would silently keep the old text.
    """
    write_all({path: (expected, data)})


def write_all(changes: Mapping[str, tuple[bytes | None, bytes]]) -> None:
    """Replace several files, or none: path to (the bytes it must hold, or None for a new file; the new bytes).

    All are first written and synced beside the old ones, then moved into place; if one fails, the others are undone.
    """
    staged = [_Change(path, *texts) for path, texts in changes.items() if texts[0] != texts[1]]
    try:
        for change in staged:
            change.prepare(backup=len(staged) > 1)
        for change in staged:
            change.expect_unchanged()
        for change in staged:
            change.replace()
    except BaseException as problem:
        lost = [change.path for change in reversed(staged) if not change.restore()]
        if lost and isinstance(problem, FileError):
            raise FileError(problem.path, f"{problem.message}; could not be undone: {', '.join(lost)}") from problem
        raise
    finally:
        for change in staged:
            change.clean()


class _Change:
    """One file on its way: the new text beside the old, and the old one's copy in case another file fails."""

    def __init__(self, path: str, expected: bytes | None, data: bytes) -> None:
        self.path: Final = path
        self._expected: Final = expected
        self._data: Final = data
        with _explained(path):
            self._target: Final = os.path.abspath(path) if expected is None else os.path.realpath(path)
        # The names are chosen before the files exist, so that an interrupt at any moment can be cleaned up.
        beside = os.path.join(os.path.dirname(self._target), f".dfix-{os.urandom(8).hex()}")
        self._new: Final = beside + "-new"
        self._old: Final = beside + "-old"
        self._is_begun = False

    def prepare(self, *, backup: bool) -> None:
        """Write the new text beside the old one. Fails where the replacement would lose something."""
        with _explained(self.path):
            if self._expected is None:
                self._fill(self._new, self._data, None)
                return
            status = os.stat(self._target)
            _expect_regular(self.path, status)
            # Moving a file into place needs no right to write to the old one; respect a read-only file all the same.
            os.close(os.open(self._target, os.O_WRONLY | _RAW))
            if status.st_nlink > 1:
                raise FileError(self.path, "other hard links to it would keep the old text; make it a copy first")
            self._fill(self._new, self._data, status)
            if backup:
                self._fill(self._old, self._expected, status)

    def _fill(self, name: str, data: bytes, like: os.stat_result | None) -> None:
        """Write a file with the attributes of the target, or those of any new file."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _RAW
        with open(os.open(name, flags, 0o600 if like else 0o666), "wb") as file:
            if like:
                owner, made = (like.st_uid, like.st_gid), os.fstat(file.fileno())
                if owner != (made.st_uid, made.st_gid):
                    try:
                        os.fchown(file.fileno(), *owner)
                    except OSError as problem:
                        whose = "(user {}, group {})".format(*owner)
                        raise FileError(self.path, f"dfix may not keep its owner {whose}; run dfix as it") from problem
                _copy_extended_attributes(self._target, name)
                # After the owner (a change of owner drops bits of the mode) and the access list (it sets some).
                os.chmod(name, stat.S_IMODE(like.st_mode))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def expect_unchanged(self) -> None:
        """Fail when the file no longer holds what the change was made from."""
        if self._expected is None:
            if os.path.lexists(self._target):
                raise FileError(self.path, "it exists already, and dfix was about to create it")
        elif read(self._target) != self._expected:
            raise FileError(self.path, "it changed while dfix was running; run dfix again")

    def replace(self) -> None:
        """Move the new text into place."""
        with _explained(self.path):
            self.expect_unchanged()
            if self._expected is None:
                # Claim the name: unlike a move, this fails when someone made the file a moment ago.
                os.close(os.open(self._target, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
            self._is_begun = True
            os.replace(self._new, self._target)
        _sync_folder(os.path.dirname(self._target))

    def restore(self) -> bool:
        """Put the old file back, unless someone has changed the new one since. False: it could not be done."""
        if not self._is_begun:
            return True
        with suppress(OSError, FileError):
            now = read(self._target)
            if self._expected is None and now in (b"", self._data):
                os.unlink(self._target)
            elif now == self._data and os.path.exists(self._old):
                os.replace(self._old, self._target)
            # A file without a copy was the only one to change: old or new, it is whole.
            return self._expected is None or now in (self._expected, self._data)
        return False

    def clean(self) -> None:
        """Remove what lies beside the target."""
        for name in (self._new, self._old):
            with suppress(OSError):
                os.unlink(name)


def _copy_extended_attributes(source: str, target: str) -> None:
    """Give the new file the old one's attributes (access lists among them), as far as the system lets us."""
    with suppress(OSError, AttributeError):  # not every system has them
        wanted = os.listxattr(source)
        for name in {*wanted, *os.listxattr(target)}:
            with suppress(OSError):  # security labels are set by the system itself
                if name in wanted:
                    os.setxattr(target, name, os.getxattr(source, name))
                else:
                    os.removexattr(target, name)


def _sync_folder(folder: str) -> None:
    """Make the move survive a loss of power, on file systems that can say so."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
