"""The text of a file, whatever it is packed in, as blocks of bytes.

A file goes through four steps, each an iterator of bytes: it is read (`source.py`), unpacked (`unpacking.py`), decoded
by bcftools in a child process where it is a BCF, and cut into blocks of one size.
"""

import contextlib
import os
import re
import select
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO

from .. import bcftools
from .recognition import LOOK_AT, UTF8_MARK, check_content, is_bcf, packing_of
from .source import Source, TextError, open_source
from .unpacking import UNPACK, Packing

__all__ = ["EXPANSION", "FREE_EXPANSION", "Packing", "Text", "TextError", "open_text"]

EXPANSION = 800
"""How many bytes of text one byte of the file may become, on average.

The genotypes of a large cohort, nearly all 0/0, reach some 500 in BGZF, which cannot go beyond 650 by its block size;
a bomb in gzip or zip has 1,030, in bzip2 or xz 7,000 and more.
"""
FREE_EXPANSION = 1 << 30
"""Bytes of text that a file may become in any case."""
STALLED = 60.0
"""Seconds in which bcftools must take some input or give some output."""


@dataclass(frozen=True, slots=True)
class Text:
    """A file and what it is packed in. Its text can be read once: it may come from a pipe."""

    path: Path
    packing: Packing
    _pieces: Iterator[bytes] = field(repr=False, compare=False)

    def blocks(self, size: int) -> Iterator[bytes]:
        """The text in blocks of `size` bytes, the last one shorter; they need not end with a line.

        Raises `TextError` after all that could be read, `InputError` where the disk or the pipe fails.
        """
        failure: TextError | None = None
        held: list[memoryview] = []
        try:
            for piece in self._pieces:
                rest = memoryview(piece)
                while len(rest) >= (wanted := size - sum(map(len, held))):
                    yield b"".join([*held, rest[:wanted]])
                    held, rest = [], rest[wanted:]
                if rest:
                    held.append(rest)
        except TextError as error:
            failure = error
        if held:
            yield b"".join(held)
        if failure:
            raise failure


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


def _unpacked(source: Source, packing: Packing) -> Iterator[bytes]:
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
) -> Iterator[bytes]:
    """The pieces, as long as they are not more than `free` bytes and `expansion` times what was read of the source."""
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > free and total > expansion * source.position:
            message = f"The file expands beyond the limit of {free >> 20:,} MB and {expansion} times its size"
            raise TextError("EXPANSION_LIMIT", message, readable=False)
        yield piece


def _look_at(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, and all pieces with them; what fails after the first bytes fails when they have been read."""
    start = b""
    try:
        while len(start) < LOOK_AT and (piece := next(pieces, None)) is not None:
            start += piece
    except TextError as error:
        if not start:
            raise
        return start, _and_then(start, error)
    return start, chain([start], pieces)


def _and_then(start: bytes, error: TextError) -> Iterator[bytes]:
    yield start
    raise error


def _without_mark(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The text without its byte-order mark, so that all else in it is found too."""
    yield next(pieces).removeprefix(UTF8_MARK)
    yield from pieces
    raise TextError("NOT_TEXT", "The file starts with a byte-order mark (the bytes EF BB BF)")


class _Feed:
    """Gives bcftools its input, in another thread; keeps what failed in it for this one."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self.given = 0
        self.waits = False  # for the source, which may be a slow pipe
        self.failure: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            while (piece := self._next()) is not None:
                self.given += 1
                yield piece
        except Exception as error:
            self.failure = error

    def _next(self) -> bytes | None:
        self.waits = True
        try:
            return next(self._pieces, None)
        finally:
            self.waits = False


def _decoded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The text of a BCF, from bcftools in a child process, which may crash or hang."""
    feed = _Feed(pieces)
    try:
        with bcftools.stream(["view", "--no-version"], feed=iter(feed)) as output:
            yield from _output(output, feed)
    except bcftools.BcftoolsError as error:
        if feed.failure is None:
            reason = re.sub(r"/dev/fd/\d+", "it", str(error))
            raise TextError("UNREADABLE_RECORD", f"bcftools cannot decode this BCF to its end: {reason}") from error
    if feed.failure:
        raise feed.failure


def _output(output: IO[bytes], feed: _Feed) -> Iterator[bytes]:
    ready = select.poll()
    ready.register(output, select.POLLIN)
    given = -1
    while True:
        if ready.poll(STALLED * 1000):
            if not (piece := os.read(output.fileno(), 1 << 18)):
                return
            yield piece
        elif feed.given == given and not feed.waits:
            raise bcftools.BcftoolsTimeout(f"it did nothing for {STALLED:.0f} seconds")
        given = feed.given
