"""The text of a FASTA, plain or in BGZF, read at any place of it without a C reader."""

import os
import stat
import weakref
import zlib
from bisect import bisect_right
from pathlib import Path
from typing import Protocol

from ...memory.errors import InputError

BLOCK_LIMIT = 1 << 16  # bytes of text in a block of BGZF
HEAD, TAIL = 18, 8  # bytes before and after the compressed bytes of a block
EMPTY = 28  # bytes of a block without text
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"PK\x03\x04", b"\xfd7zX", b"\x28\xb5\x2f\xfd")
_DECOMPRESS = "Decompress it (gunzip -c FILE > reference.fa, say) and name the text"


class Text(Protocol):
    """`size` is in bytes of text; `read` gives fewer bytes than asked for only at the end."""

    size: int

    def read(self, start: int, number: int) -> bytes: ...


def open_text(path: Path) -> Text:
    """The text of a FASTA. Raises `InputError` where it cannot be read, or does not begin with '>'."""
    file = _open(path)
    start = os.pread(file, HEAD, 0)
    text = BgzfText(path, file) if _is_bgzf(start) else PlainText(file)
    if not text.size:
        raise InputError(f"the reference {path} is empty", "Check how it was made or copied")
    first = text.read(0, 4)
    if first.startswith(_COMPRESSED):
        raise InputError(f"the reference {path} is compressed, but not with bgzip", _DECOMPRESS)
    if not first.startswith(b">"):
        raise InputError(f"the reference {path} is no FASTA: it does not begin with '>'", "Name a FASTA file")
    return text


def _open(path: Path) -> int:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe must not be waited for
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"the reference {path} cannot be read: {reason}", "Name a FASTA file that exists") from error
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise InputError(f"the reference {path} is not a regular file", "Name a FASTA file")
    return file


def _is_bgzf(head: bytes) -> bool:
    """Whether a block of BGZF begins so: gzip with one extra field, which is the block's size."""
    return len(head) == HEAD and head[:4] == b"\x1f\x8b\x08\x04" and head[10:16] == b"\x06\x00BC\x02\x00"


class PlainText:
    """A file as it is."""

    def __init__(self, file: int) -> None:
        self._file = file
        weakref.finalize(self, os.close, file)
        self.size = os.fstat(file).st_size

    def read(self, start: int, number: int) -> bytes:
        return os.pread(self._file, number, start)


class BgzfText:
    """A file in BGZF. Its blocks are found from their own sizes, so that no .gzi is needed; one is kept at a time."""

    def __init__(self, path: Path, file: int) -> None:
        self._path, self._file = path, file
        weakref.finalize(self, os.close, file)
        self._packed = [0]  # where each block begins in the file, and the last one ends
        self._begins = [0]  # the same in the text
        size = os.fstat(file).st_size
        while self._packed[-1] < size:
            self._add_block(self._packed[-1], size)
        if self._begins[-1] != self._begins[-2]:
            raise InputError(
                f"the reference {path} lacks the empty block at the end of BGZF", "Copy or download it again"
            )
        self.size = self._begins[-1]
        self._held = (-1, b"")

    def read(self, start: int, number: int) -> bytes:
        parts = []
        end = min(start + number, self.size)
        block = bisect_right(self._begins, start) - 1
        while start < end:
            begin = self._begins[block]
            parts.append(self._block(block)[start - begin : end - begin])
            start += len(parts[-1])
            block += 1
        return b"".join(parts)

    def _add_block(self, at: int, size: int) -> None:
        head = os.pread(self._file, HEAD, at)
        length = int.from_bytes(head[16:], "little") + 1
        text = int.from_bytes(os.pread(self._file, 4, at + length - 4), "little")
        whole = EMPTY <= length <= size - at and (text > 0 or length == EMPTY)
        if not (_is_bgzf(head) and whole and text <= BLOCK_LIMIT):
            raise self._damaged(at)
        self._packed.append(at + length)
        self._begins.append(self._begins[-1] + text)

    def _block(self, number: int) -> bytes:
        if self._held[0] != number:
            self._held = number, self._decompressed(self._packed[number], self._packed[number + 1])
            if len(self._held[1]) != self._begins[number + 1] - self._begins[number]:
                raise self._damaged(self._packed[number])
        return self._held[1]

    def _decompressed(self, begin: int, end: int) -> bytes:
        packed = os.pread(self._file, end - begin, begin)
        try:
            text = zlib.decompressobj(-15).decompress(packed[HEAD:-TAIL], BLOCK_LIMIT + 1)
        except zlib.error as error:
            raise self._damaged(begin) from error
        if zlib.crc32(text) != int.from_bytes(packed[-TAIL:-4], "little"):
            raise self._damaged(begin)
        return text

    def _damaged(self, at: int) -> InputError:
        what = f"the reference {self._path} is damaged: there is no block of BGZF at byte {at:,}"
        return InputError(what, "Copy or download it again")
