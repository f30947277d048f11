"""What is inside a compression, as pieces of bytes in constant memory.

Each function gives all that can be decoded and then raises `TextError` where the data is damaged or cut off. A piece
has at most `PIECE` bytes, however far the data expands.
"""

import bz2
import contextlib
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Literal, Protocol

from ..text import count_of, one_line
from ..vcf_file import BGZF_END
from .source import Source, TextError

Packing = Literal["plain", "bgzf", "gzip", "bz2", "xz", "zip", "bcf"]

PIECE = 1 << 20
CHUNK = 1 << 15
"""Compressed bytes that are decoded at once. Where the next chunk is damaged, bz2 and xz lose all of its text."""
XZ_MEMORY = 128 << 20
"""In bytes; the highest preset, xz -9, needs 65 MB to decompress."""
BGZF_BLOCK = 1 << 16
"""The most that a block of BGZF holds, compressed or not."""


OTHER_ZIP_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "zstd", 95: "xz"}


class _Stream(Protocol):
    """One stream of a compressed file, as `bz2` and `lzma` have it."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _GzipMember:
    """A member of a gzip file; where it is damaged, it gives what precedes the damage before it raises."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)  # which checks the CRC and the length too
        self._error: zlib.error | None = None

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail and not self._error

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        if self._error:
            raise self._error
        data = self._zlib.unconsumed_tail or data
        before = self._zlib.copy()
        try:
            return self._zlib.decompress(data, max_length)
        except zlib.error as error:
            self._error = error
            return _up_to_damage(before, data)


def _up_to_damage(stream: "zlib._Decompress", data: bytes) -> bytes:
    decoded: list[bytes] = []
    with contextlib.suppress(zlib.error):
        for i in range(len(data)):
            decoded.append(stream.decompress(data[i : i + 1]))
    return b"".join(decoded)


def _plain(source: Source) -> Iterator[bytes]:
    while piece := source.read(PIECE):
        yield piece


def _bgzf(source: Source) -> Iterator[bytes]:
    block = b""
    while header := source.read(18):
        start = source.position - len(header)
        length = _bgzf_length(header, start)
        block = header + source.read(max(0, length - len(header)))
        yield from _bgzf_content(block, length, start)
    if block != BGZF_END:
        raise _cut_off(source, "the BGZF end marker is missing")


def _bgzf_length(header: bytes, start: int) -> int:
    """The bytes of a block from its header (SAM specification, section 4.1)."""
    if not is_bgzf(header.ljust(18, b"\0")) and not BGZF_END.startswith(header[:16]):
        raise _damaged(f"no BGZF block begins at byte {start:,}, where one should")
    return int.from_bytes(header[16:18], "little") + 1 if len(header) == 18 else BGZF_BLOCK


def _bgzf_content(block: bytes, length: int, start: int) -> Iterator[bytes]:
    stream = zlib.decompressobj(wbits=31)
    try:
        content = stream.decompress(block, BGZF_BLOCK + 1)
    except zlib.error as error:
        raise _damaged(f"the BGZF block at byte {start:,} cannot be decoded ({_reason(error)})") from error
    if len(block) < length:
        yield content
        raise _damaged(f"it is cut off at byte {start + len(block):,}, in the middle of a BGZF block")
    if not stream.eof or stream.unused_data or len(content) > BGZF_BLOCK:
        raise _damaged(f"the BGZF block at byte {start:,} has another length than it says")
    yield content


def is_bgzf(start: bytes) -> bool:
    """Whether this is the beginning of a BGZF block, as htslib takes it."""
    return start[:4] == b"\x1f\x8b\x08\x04" and start[10:16] == b"\x06\0BC\x02\0"


def _gzip(source: Source) -> Iterator[bytes]:
    return _streams(source, _GzipMember, "gzip")


def _bz2(source: Source) -> Iterator[bytes]:
    return _streams(source, bz2.BZ2Decompressor, "bzip2")


def _xz(source: Source) -> Iterator[bytes]:
    return _streams(source, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY), "xz")


def _streams(source: Source, new: Callable[[], _Stream], name: str) -> Iterator[bytes]:
    """The content of one stream after the other; zeros between and after them are padding."""
    data = source.read(CHUNK)
    while data:
        stream = new()
        try:
            yield from _stream(source, stream, data)
        except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError) as error:
            raise _undecodable(source, error, name) from error
        data = stream.unused_data.lstrip(b"\0")
        while not data and (more := source.read(CHUNK)):
            data = more.lstrip(b"\0")


def _stream(source: Source, stream: _Stream, data: bytes) -> Iterator[bytes]:
    while True:
        yield stream.decompress(data, PIECE)
        if stream.eof:
            return
        data = source.read(CHUNK) if stream.needs_input else b""
        if stream.needs_input and not data:
            raise _cut_off(source, "the compressed data does not end")


def _undecodable(source: Source, error: Exception, name: str) -> TextError:
    if "limit" in str(error):
        message = f"Decompressing this file takes more than the limit of {XZ_MEMORY >> 20} MB of memory"
        return TextError("EXPANSION_LIMIT", message, readable=False)
    return _damaged(f"its {name} data cannot be decoded near byte {source.position:,} ({_reason(error)})")


def _zip(source: Source) -> Iterator[bytes]:
    if not source.seekable():
        message = "A zip cannot be read from a pipe: its directory stands at the end"
        raise TextError("UNSUPPORTED_COMPRESSION", message, readable=False)
    try:
        with zipfile.ZipFile(source) as archive:
            yield from _zip_content(archive, _only_member(archive))
    except (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, RuntimeError) as error:
        raise _damaged(f"the zip cannot be read ({_reason(error)})") from error


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
    if len(members) != 1:
        names = ", ".join(one_line(m.filename, 60) for m in members[:3])
        found = f"{count_of(len(members), 'file')}, where there must be one" + (f": {names}" if names else "")
        raise TextError("NOT_VCF", f"The zip holds {found}{', …' if len(members) > 3 else ''}")
    if members[0].flag_bits & 1:
        raise TextError("NOT_VCF", f"{one_line(members[0].filename, 60)} is encrypted in the zip")
    if members[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        method = OTHER_ZIP_METHODS.get(members[0].compress_type, "a method that is not known")
        raise TextError("UNSUPPORTED_COMPRESSION", f"The zip is compressed with {method}", readable=False)
    return members[0]


def _zip_content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    expected, found = member.CRC, 0
    del member.CRC  # zipfile would check it before it gives the last piece
    with archive.open(member) as file:
        while piece := file.read(1 << 16):
            found = zlib.crc32(piece, found)
            yield piece
    if found != expected:
        raise _damaged(f"the checksum of {one_line(member.filename, 60)} in the zip is wrong")


def _cut_off(source: Source, why: str) -> TextError:
    return _damaged(f"it is cut off at byte {source.position:,}: {why}")


def _damaged(how: str) -> TextError:
    return TextError("DAMAGED_COMPRESSION", f"The file is damaged: {how}")


def _reason(error: Exception) -> str:
    return one_line(str(error).rpartition(": ")[2] or type(error).__name__, 80)


UNPACK: dict[Packing, Callable[[Source], Iterator[bytes]]] = {
    "plain": _plain, "bgzf": _bgzf, "gzip": _gzip, "bz2": _bz2, "xz": _xz, "zip": _zip,
}  # fmt: skip
