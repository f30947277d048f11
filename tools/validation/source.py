"""The bytes of a file or a pipe, in order, and how much of them was read."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from ...memory.errors import InputError
from ..vcf_file import _nearby

MOST_AT_ONCE = 4 << 20
"""No read gives more, in bytes, whatever a damaged or hostile file says of its own size."""


class TextError(Exception):
    """The text ends here: `code` is that of a rule of the group `file`.

    `readable` is false where no verdict on the content is possible.
    """

    def __init__(self, code: str, message: str, readable: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.readable = readable


class Source:
    """What a path or standard input holds.

    A regular file is read up to the size that it had when it was opened. `position` is the number of bytes before
    the next one; `seekable` is false for a pipe.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self._file = file
        self._before = os.fstat(file.fileno())
        self._is_regular = stat.S_ISREG(self._before.st_mode) and str(path) != "-"
        self._ahead = b""
        self.position = 0

    def head(self, size: int) -> bytes:
        """The first `size` bytes, which the next reads give again."""
        self._ahead = self.read(size)
        self.position = 0
        return self._ahead

    def read(self, size: int = -1) -> bytes:
        """`size` bytes, less only at the end or where they are more than `MOST_AT_ONCE`."""
        size = min(size if size >= 0 else MOST_AT_ONCE, MOST_AT_ONCE, self._left())
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        if len(data) < size:
            data += self._read_on(size - len(data))
        self.position += len(data)
        return data

    def changed(self) -> bool:
        """Whether the file is another one than when it was opened."""
        now = os.fstat(self._file.fileno())
        return self._is_regular and (now.st_size, now.st_mtime_ns) != (self._before.st_size, self._before.st_mtime_ns)

    def seekable(self) -> bool:
        return self._is_regular

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: self._before.st_size}[whence]
        self._ahead = b""
        self.position = self._file.seek(start + offset)
        return self.position

    def tell(self) -> int:
        return self.position

    def close(self) -> None:
        self._file.close()

    def _left(self) -> int:
        return max(0, self._before.st_size - self.position) if self._is_regular else MOST_AT_ONCE

    def _read_on(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except OSError as error:
            raise InputError(f"{self.path} cannot be read: {error.strerror}") from error


def open_source(path: Path) -> Source:
    """Open a regular file, a pipe, or standard input for the path `-`. Raises `InputError` for all else."""
    try:
        if str(path) == "-":
            _check_standard_input()
            return Source(path, open(0, "rb", buffering=1 << 18, closefd=False))
        _check_kind(path, path.stat().st_mode)
        return Source(path, path.open("rb", buffering=1 << 18))
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist", _nearby(path)) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _check_standard_input() -> None:
    mode = os.fstat(0).st_mode
    if stat.S_ISDIR(mode) or os.isatty(0):
        raise InputError("There is nothing to read on standard input", "Pipe a file into the command, or name it")


def _check_kind(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise InputError(f"{path} is a directory", "Name a .vcf, .vcf.gz or .bcf file")
    if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
        raise InputError(f"{path} is not a regular file", "Save it to disk first")
