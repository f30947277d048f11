"""What data is, by its first bytes: never by the name of its file."""

import zlib

from .source import TextError
from .unpacking import Packing, is_bgzf

LOOK_AT = 1 << 12
"""Bytes from the start; the mark of a tar stands at byte 257."""

PACKED: list[tuple[bytes, Packing]] = [
    (b"\x1f\x8b", "gzip"), (b"BZh", "bz2"), (b"\xfd7zXZ\0", "xz"), (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"),
]  # fmt: skip

UNSUPPORTED = [
    (b"\x1f\x9d", "Unix compress (.Z)"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x02\x21\x4c\x18", "lz4"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07", "rar"), (b"LZIP\x01", "lzip"),
    (b"\x5d\0\0", "lzma"), (b"\x89LZO\0", "lzop"), (b"\xff\x06\0\0sNaPpY", "snappy"),
    (b"PK\x07\x08", "a zip in several parts"),
]  # fmt: skip

DOCUMENTS = [
    (b"%PDF", "a PDF document"), (b"BAM\x01", "a BAM file of reads"), (b"CRAM", "a CRAM file of reads"),
    (b"TBI\x01", "a tabix index, which belongs to a VCF beside it"),
    (b"CSI\x01", "a CSI index, which belongs to a VCF beside it"), (b"BCF\x04", "a BCF of version 1, long out of use"),
    (b"PAR1", "a Parquet file"), (b"SQLite format 3\0", "an SQLite database"), (b"\x89HDF", "an HDF5 file"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"), (b"\x89PNG", "a picture"), (b"\xff\xd8\xff", "a picture"),
    (b"\x7fELF", "a program"), (b"{\\rtf", "an RTF document"),
]  # fmt: skip

UTF8_MARK = b"\xef\xbb\xbf"
ENCODINGS = [
    (b"\xff\xfe\0\0", "UTF-32"), (b"\0\0\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"),
    (b"#\0\0\0", "UTF-32"), (b"\0\0\0#", "UTF-32"), (b"#\0", "UTF-16"), (b"\0#", "UTF-16"),
]  # fmt: skip

_NOT_IN_TEXT = bytes({*range(32), 127} - {*b"\t\n\v\f\r\x1b"})


def packing_of(start: bytes) -> Packing:
    """What a file is packed in, from its first bytes. Raises `TextError` for what cannot be unpacked."""
    if not start:
        raise TextError("FILE_EMPTY", "The file is empty: it has 0 bytes")
    if start.startswith(b"\x1f\xef\xbf\xbd"):
        message = "The file is damaged from byte 1 on: compressed data was stored or sent as if it were text"
        raise TextError("DAMAGED_COMPRESSION", message)
    if name := _named(start, UNSUPPORTED) or ("zlib without a gzip header" if _is_zlib(start) else None):
        raise TextError("UNSUPPORTED_COMPRESSION", f"The file is compressed with {name}", readable=False)
    if is_bgzf(start):
        return "bgzf"
    return next((packing for mark, packing in PACKED if start.startswith(mark)), "plain")


def check_content(start: bytes, packing: Packing) -> None:
    """Raises `TextError` where `start`, the first bytes once unpacked, is of neither a text nor a BCF."""
    inside = f"Inside the {packing} compression" if packing != "plain" else "The file"
    if not start:
        raise TextError("FILE_EMPTY", f"{inside} is empty" if packing == "plain" else f"{inside} is nothing")
    if encoding := _named(start, ENCODINGS):
        raise TextError("NOT_TEXT", f"{inside} is text in {encoding}, not in UTF-8")
    if start[257:262] == b"ustar":
        raise TextError("NOT_VCF", f"{inside} is a tar archive")
    if what := _document(start) or _named(start, UNSUPPORTED) or _again(start, packing):
        raise TextError("NOT_TEXT" if packing == "plain" else "NOT_VCF", f"{inside} is {what}")


def is_bcf(start: bytes) -> bool:
    return start.startswith(b"BCF\x02")


def _document(start: bytes) -> str | None:
    if start.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        return "a web page, perhaps the error or the log-in page of a server"
    if is_bcf(start):
        return None
    return _named(start, DOCUMENTS) or ("binary data" if _is_binary(start) else None)


def _again(start: bytes, packing: Packing) -> str | None:
    again = next((name for mark, name in PACKED if start.startswith(mark)), None) if packing != "plain" else None
    return f"another compression, {again}" if again else None


def _named(start: bytes, marks: list[tuple[bytes, str]]) -> str | None:
    return next((name for mark, name in marks if start.startswith(mark)), None)


def _is_binary(start: bytes) -> bool:
    """One byte in twenty is enough: a stray control character is left to the rules."""
    start = start[:LOOK_AT]
    return len(start) - len(start.translate(None, _NOT_IN_TEXT)) > len(start) / 20


def _is_zlib(start: bytes) -> bool:
    if start[:2] not in (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda"):
        return False
    try:
        return bool(zlib.decompressobj().decompress(start, 1))
    except zlib.error:
        return False
