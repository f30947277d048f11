"""A new file that is there as a whole or not at all: its name, its writing, its index."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ...memory.errors import InputError
from .. import bcftools

COMPRESSED = (".vcf.gz", ".vcf.bgz")
INDEXES = (".tbi", ".csi")


def check_names(path: Path, out: Path) -> None:
    """Raise `InputError` where `out` cannot be written, or where writing it would touch another file."""
    if not path.exists():
        raise InputError(f"There is no file {path}", "Check the name")
    if not path.is_file():
        raise InputError(f"{path} is no regular file, and a repair reads it more than once", "Write it to a file first")
    if not out.name.lower().endswith((".vcf", *COMPRESSED)):
        raise InputError(f"{out} does not say what to write", _way_out(out))
    if not out.parent.is_dir():
        raise InputError(f"There is no folder {out.parent}", "Make it, or name another one")
    if out.exists() and out.samefile(path):
        raise InputError(f"{out} is the file to be repaired, and a repair does not touch it", "Name another file")
    for name in [out, *(index_name(out, i) for i in INDEXES if is_compressed(out))]:
        if os.path.lexists(name):
            raise InputError(f"{name} is there already", "Name another file, or remove it first")


def _way_out(out: Path) -> str:
    if out.suffix.lower() == ".bcf":
        return "End the name in .vcf.gz, then write the BCF with `bcftools view -Ob`"
    return "End the name in .vcf (text) or .vcf.gz (compressed in blocks, with an index)"


def is_compressed(out: Path) -> bool:
    return out.name.lower().endswith(COMPRESSED)


def index_name(out: Path, suffix: str) -> Path:
    return out.with_name(out.name + suffix)


@contextlib.contextmanager
def folder_beside(out: Path) -> Iterator[Path]:
    """A folder for what is half-written, which is gone at the end; `InputError` where the disk says no."""
    try:
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
            yield Path(folder)
    except OSError as error:
        raise InputError(
            f"{out} could not be written: {error.strerror or error}", "Make room there, or name a file on another disk"
        ) from error


@contextlib.contextmanager
def open_output(target: Path) -> Iterator[IO[bytes]]:
    """A file to write text to, compressed in blocks where its name says so. Raises `OSError`."""
    if is_compressed(target):
        with _compressor(target) as pipe:
            yield pipe
    else:
        with target.open("wb", buffering=1 << 20) as file:
            yield file


@contextlib.contextmanager
def _compressor(target: Path) -> Iterator[IO[bytes]]:
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "vcf_agent.tools.validation.bgzf_child", str(target)],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=1 << 20,
    )  # fmt: skip
    assert child.stdin and child.stderr
    try:
        with contextlib.suppress(BrokenPipeError):  # the child says why it stopped
            yield child.stdin
            child.stdin.close()
        message = child.stderr.read(1000).decode(errors="replace").strip()
        if child.wait():
            raise OSError(message.rpartition("\n")[2] or "the process that compresses it was ended")
    finally:
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stderr):
            with contextlib.suppress(OSError):
                stream.close()


def make_index(target: Path) -> Path | None:
    """Index a sorted file beside itself: .tbi, or .csi where a position lies beyond what .tbi can hold; else null."""
    for kind, suffix in (("-t", ".tbi"), ("-c", ".csi")):
        index = index_name(target, suffix)
        try:
            with bcftools.stream(["index", kind, "-o", str(index), str(target)]) as output:
                output.read()
            return index
        except bcftools.BcftoolsError:
            index.unlink(missing_ok=True)
    return None


def publish(target: Path, out: Path, index: Path | None) -> Path | None:
    """Give the finished files their names; where the index then is. Raises `OSError`, `InputError`."""
    placed = index_name(out, index.suffix) if index else None
    if index and placed:
        _rename(index, placed)
    try:
        _rename(target, out)
    except BaseException:
        if placed:
            placed.unlink()
        raise
    return placed


def _rename(source: Path, name: Path) -> None:
    """Rename, but never over a file that came to be in the meantime."""
    try:
        os.link(source, name)
    except FileExistsError:
        raise InputError(f"{name} was written by another program meanwhile", "Name another file") from None
    except OSError:  # a disk without hard links
        source.rename(name)
