"""The text of a file, whatever it is packed in, as blocks of bytes.

A file goes through four steps, each an iterator of bytes: it is read (`source.py`), unpacked (`unpacking.py`), decoded
by bcftools in a child process where it is a BCF, and cut into blocks of one size.
"""

import contextlib
import os
import re
import select
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from .. import bcftools
from .recognition import LOOK_AT, UTF8_MARK, check_content, is_bcf, packing_of
from .source import Source, TextError, open_source
from .unpacking import UNPACK, Packing

__all__ = ["EXPANSION", "FREE_EXPANSION", "Packing", "Text", "TextError", "open_text"]

EXPANSION = 800
"""How many bytes of text one byte of the file may become, on average.

Measured once, by hand: rare variants of 200,000 samples, nearly all 0/0 and nothing but GT, were 350 in BGZF, 890 in
bzip2 and 2,800 in xz (the last two are refused beyond `FREE_EXPANSION`); bombs were 1,030 in gzip and zip, and 7,000
and more in bzip2 and xz.
"""
FREE_EXPANSION = 1 << 30
"""Bytes of text that a file may become in any case."""
STALLED = 60.0
"""Seconds in which bcftools must take some input or give some output."""
BCF_MEMORY = 1 << 30
"""Bytes of address space that bcftools may take: four times the longest line, whatever length a record claims."""


@dataclass(frozen=True, slots=True)
class Text:
    """A file and what it is packed in. Its text can be read once: it may come from a pipe."""

    path: Path
    packing: Packing
    _pieces: Generator[bytes, None, None] = field(repr=False, compare=False)

    def blocks(self, size: int) -> Iterator[bytes]:
        """The text in blocks of `size` bytes, the last one shorter; they need not end with a line.

        Raises `TextError` after all that could be read, `InputError` where the disk or the pipe fails.
        """
        held: list[memoryview] = []
        try:
            for piece in self._pieces:
                rest = memoryview(piece)
                while len(rest) >= (wanted := size - sum(map(len, held))):
                    yield b"".join([*held, rest[:wanted]])
                    held, rest = [], rest[wanted:]
                if rest:
                    held.append(rest)
        except TextError:
            if held:
                yield b"".join(held)
            raise
        finally:
            self._pieces.close()
        if held:
            yield b"".join(held)


def open_text(path: Path) -> Text:
    """Look at the first bytes of a file, a pipe, or standard input (the path `-`).

    Raises `InputError` where there is no file to read, `TextError` for what is no text. Waits for the writer of a pipe.
    """
    with contextlib.ExitStack() as on_failure:
        source = open_source(path)
        on_failure.callback(source.close)
        packing = packing_of(source.head(LOOK_AT))
        start, pieces = _look_at(_unpacked(source, packing))
        check_content(start, packing)
        if is_bcf(start):
            packing, pieces = "bcf", within_limit(_decoded(pieces), source)
        elif start.startswith(UTF8_MARK):
            pieces = _without_mark(pieces)
        on_failure.pop_all()
    return Text(path, packing, pieces)


def _unpacked(source: Source, packing: Packing) -> Generator[bytes, None, None]:
    """The content of a file, which is closed at the end."""
    try:
        yield from within_limit(UNPACK[packing](source), source)
    except TextError:
        _check_unchanged(source)
        raise
    else:
        _check_unchanged(source)
    finally:
        source.close()


def _check_unchanged(source: Source) -> None:
    if source.changed():
        raise TextError("FILE_CHANGED", "The file was written to while it was read")


def within_limit(
    pieces: Iterator[bytes], source: Source, free: int = FREE_EXPANSION, expansion: int = EXPANSION
) -> Generator[bytes, None, None]:
    """The pieces, as long as they are not more than `free` bytes and `expansion` times what was read of the source."""
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > free and total > expansion * source.position:
            message = f"The file expands beyond the limit of {free >> 20:,} MB and {expansion} times its size"
            raise TextError("EXPANSION_LIMIT", message, readable=False)
        yield piece


def _look_at(pieces: Generator[bytes, None, None]) -> tuple[bytes, Generator[bytes, None, None]]:
    """The first bytes, and all pieces with them; what fails after the first bytes fails when they have been read."""
    start = b""
    try:
        while len(start) < LOOK_AT and (piece := next(pieces, None)) is not None:
            start += piece
    except TextError as error:
        if not start:
            raise
        return start, _then_fail(start, error)
    return start, _then_all(start, pieces)


def _then_fail(start: bytes, error: TextError) -> Generator[bytes, None, None]:
    yield start
    raise error


def _then_all(start: bytes, pieces: Iterator[bytes]) -> Generator[bytes, None, None]:
    yield start
    yield from pieces


def _without_mark(pieces: Iterator[bytes]) -> Generator[bytes, None, None]:
    """The text without its byte-order mark, so that all else in it is found too."""
    yield next(pieces).removeprefix(UTF8_MARK)
    yield from pieces
    raise TextError("NOT_TEXT", "The file starts with a byte-order mark (the bytes EF BB BF)")


class _Feed:
    """Gives bcftools its input, in another thread; keeps what failed in it for this one."""

    def __init__(self, pieces: Generator[bytes, None, None]) -> None:
        self._pieces = pieces
        self._stopped = False
        self.reading = threading.Lock()
        self.given = 0
        self.failure: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self.reading:
            piece = self._read()
        if piece is None or self._stopped:
            self._pieces.close()
            raise StopIteration
        self.given += 1
        return piece

    def stop(self) -> None:
        """Close the file; where it is being read just now, the reader does it."""
        self._stopped = True
        if self.reading.acquire(blocking=False):
            self._pieces.close()
            self.reading.release()

    def _read(self) -> bytes | None:
        try:
            return next(self._pieces, None)
        except Exception as error:
            self.failure = error
            return None


def _decoded(pieces: Generator[bytes, None, None]) -> Iterator[bytes]:
    """The text of a BCF, from bcftools in a child process, which may crash or hang."""
    feed = _Feed(pieces)
    try:
        with bcftools.stream(["view", "--no-version"], feed=feed, memory=BCF_MEMORY) as output:
            yield from _output(output, feed)
    except bcftools.BcftoolsError as error:
        if feed.failure is None:
            reason = re.sub(r"/dev/fd/\d+", "it", str(error))
            raise TextError("UNREADABLE_RECORD", f"bcftools cannot decode this BCF to its end: {reason}") from error
    finally:
        feed.stop()
    if feed.failure:
        raise feed.failure


def _output(output: IO[bytes], feed: _Feed, patience: float = STALLED) -> Iterator[bytes]:
    """What bcftools writes; `BcftoolsTimeout` where it neither reads nor writes for `patience` seconds."""
    ready = select.poll()
    ready.register(output, select.POLLIN)
    given = -1
    while True:
        if ready.poll(patience * 1000):
            if not (piece := os.read(output.fileno(), 1 << 18)):
                return
            yield piece
        elif feed.given == given and not feed.reading.locked():  # its source may be a slow pipe
            raise bcftools.BcftoolsTimeout(f"it did nothing for {patience:.0f} seconds")
        given = feed.given
