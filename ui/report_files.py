"""Reports that are written to files: whole or not at all, and over nothing but an earlier report."""

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from ..memory.errors import InputError


def check_report(path: Path, mark: str, inputs: Iterable[Path]) -> None:
    """Raise `InputError` where a report must not be written: over an input, or over anything without `mark`."""
    if not path.parent.is_dir():
        raise InputError(f"{path.parent} is not a folder", "Make it first, or name another file for the report")
    if not path.exists():
        return
    if any(file.exists() and path.samefile(file) for file in inputs):
        raise InputError(f"{path} is the file to validate", "Name another file for the report")
    if not path.is_file() or not _is_report(path, mark):
        raise InputError(f"{path} exists and is no earlier report of this kind", "Name another file, or remove it")


def _is_report(path: Path, mark: str) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(1000)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", "Name another file for the report") from error
    return not start or mark.encode() in start


def write_report(path: Path, content: bytes) -> None:
    """Write a file at once: a reader sees the old one or the new one. Raises `InputError` where that fails."""
    temporary = ""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name[:40]}.", delete=False) as file:
            temporary = file.name
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        raise InputError(f"{path} cannot be written: {error.strerror}", "Name another file for the report") from error
