"""A VCF or BCF file before any C reader meets it: what kind of file it is, and what its header says."""

import gzip
import hashlib
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..memory.errors import InputError

Progress = Callable[[int], None]
"""Is told the number of records read so far."""

Container = Literal["vcf", "vcf.gz", "bcf"]

BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block that closes every complete BGZF file (SAM specification, section 4.1.2)."""

MANDATORY = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
HEADER_LIMIT = 256 << 20
PEEK_RECORDS = 200


@dataclass(frozen=True, slots=True)
class Field:
    """An INFO or FORMAT field. `number` is as in the header: a count, `A`, `R`, `G` or `.`."""

    kind: Literal["INFO", "FORMAT"]
    id: str
    number: str
    type: str
    description: str
    declared: bool = True


@dataclass(frozen=True, slots=True)
class Contig:
    """A contig line; `length` in bases where the header gives one."""

    id: str
    length: int | None = None
    assembly: str | None = None


@dataclass(slots=True)
class Header:
    """What the header says. `filters` maps each declared FILTER to its description."""

    version: str
    fields: list[Field] = field(default_factory=list)
    filters: dict[str, str] = field(default_factory=dict)
    contigs: list[Contig] = field(default_factory=list)
    samples: list[str] = field(default_factory=list)
    other: list[tuple[str, str]] = field(default_factory=list)

    def find(self, kind: Literal["INFO", "FORMAT"], name: str) -> Field | None:
        return next((f for f in self.fields if f.kind == kind and f.id == name), None)

    def info(self) -> list[Field]:
        return [f for f in self.fields if f.kind == "INFO"]


@dataclass(frozen=True, slots=True)
class VcfFile:
    """A file that looks like VCF or BCF, with its header and the container that it is in."""

    path: Path
    container: Container
    header: Header


def open_vcf(path: Path) -> VcfFile:
    """Look at a file and read its header.

    Raises `InputError` with the way out for anything that is not a complete, readable VCF or BCF.
    """
    container = sniff(path)
    lines, peeked = _read_header_text(path, container)
    header = parse_header(lines, path)
    _check_positions(path, peeked, len(lines) + 1)
    for found in _undeclared(header, peeked):
        header.fields.append(found)
    return VcfFile(path, container, header)


LAST_POSITION = 2**31 - 1
"""What htslib's index and bcftools' text can hold; beyond it a position is silently another one."""


def _check_positions(path: Path, records: list[str], first_line: int) -> None:
    for line, record in enumerate(records, first_line):
        position = "".join(record.split("\t", 2)[1:2])
        if position.isdigit() and int(position[:20]) > LAST_POSITION:
            raise InputError(
                f"{path}: line {line} has the position {position[:30]}, which no reader can hold", "Mend it"
            )


def sniff(path: Path) -> Container:
    """The container of a file, from its first and last bytes."""
    start, end = _first_and_last_bytes(path)
    if not start:
        raise InputError(f"{path} is empty", "Check how it was made or copied")
    if start[:4] == b"\x1f\x8b\x08\x04" and start[12:14] == b"BC":
        return _sniff_bgzf(path, start, end)
    if start.startswith(b"##fileformat=VCF"):
        return "vcf"
    if start.startswith(b"BCF\x02"):
        return "bcf"
    raise InputError(*_what_it_is_instead(path, start))


def _first_and_last_bytes(path: Path) -> tuple[bytes, bytes]:
    try:
        if path.is_dir():
            raise InputError(f"{path} is a directory", "Name a .vcf, .vcf.gz or .bcf file")
        if not path.exists():
            raise InputError(f"{path} does not exist", _nearby(path))
        if not path.is_file():
            raise InputError(f"{path} is not a regular file", "Save it to disk first")
        with path.open("rb") as file:
            start = file.read(1 << 16)
            file.seek(0, 2)
            file.seek(max(0, file.tell() - len(BGZF_END)))
            return start, file.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path} cannot be read: {reason}") from error


def _nearby(path: Path) -> str:
    from rapidfuzz import process

    if not path.parent.is_dir():
        return f"There is no folder {path.parent} either"
    names = [p.name for p in path.parent.iterdir() if p.is_file()]
    close = process.extractOne(path.name, names, score_cutoff=70)
    return f"Did you mean {path.parent / close[0]}?" if close else "Check the path"


def _sniff_bgzf(path: Path, start: bytes, end: bytes) -> Container:
    if end != BGZF_END:
        raise InputError(f"{path} is truncated: the BGZF end marker is missing", "Copy or download the file again")
    try:
        content = zlib.decompressobj(wbits=31).decompress(start)
    except zlib.error as error:
        raise InputError(f"{path} is damaged: its first block cannot be decompressed") from error
    if content.startswith(b"BCF\x02"):
        return "bcf"
    if content.startswith(b"##fileformat=VCF"):
        return "vcf.gz"
    if not content:
        raise InputError(f"{path} is empty inside its compression", "Check how it was made")
    raise InputError(*_what_it_is_instead(path, content))


def _what_it_is_instead(path: Path, start: bytes) -> tuple[str, str]:
    if start[:2] == b"\x1f\x8b":
        return (
            f"{path} is compressed with plain gzip, which has no blocks to index",
            f"Recompress it: gunzip -c {path.name} | bgzip > {_with_suffix(path)}",
        )
    for magic, name, tool in [
        (b"BZh", "bzip2", "bunzip2 -c"),
        (b"\xfd7zXZ", "xz", "xz -dc"),
        (b"PK\x03\x04", "zip", "unzip -p"),
        (b"\x28\xb5\x2f\xfd", "zstd", "zstd -dc"),
    ]:
        if start.startswith(magic):
            return (
                f"{path} is compressed with {name}",
                f"Recompress it: {tool} {path.name} | bgzip > {_with_suffix(path)}",
            )
    if start.startswith(b"%PDF"):
        return f"{path} is a PDF document, not a VCF", "Name a .vcf, .vcf.gz or .bcf file"
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return f"{path} is UTF-16 text", "Convert it: iconv -f UTF-16 -t UTF-8"
    if start.startswith(b"\xef\xbb\xbf##fileformat"):
        return f"{path} starts with a byte-order mark", "Remove the first three bytes"
    if start.count(b"\t") >= 7 and b"\0" not in start:
        return (
            f"{path} has records but no header: its first line is not ##fileformat=VCFv4.x",
            "Put the header of the file it came from in front",
        )
    return f"{path} is not a VCF or BCF: its first line is not ##fileformat=VCFv4.x", "Check the file"


def _with_suffix(path: Path) -> str:
    stem = re.sub(r"(\.vcf)?\.(gz|bz2|xz|zip|zst)$", "", path.name)
    return f"{stem}.bgz.vcf.gz"


def _read_header_text(path: Path, container: Container) -> tuple[list[str], list[str]]:
    if container == "bcf":
        from .bcftools import run

        return run(["view", "-h", "--no-version", str(path)], where=path).removesuffix("\n").split("\n"), []
    opener = gzip.open if container == "vcf.gz" else open
    header: list[str] = []
    records: list[str] = []
    size = 0
    try:
        with opener(path, "rt", encoding="utf-8", errors="replace", newline="\n") as lines:
            for line in lines:
                size += len(line)
                if size > HEADER_LIMIT and not records:
                    raise InputError(f"The header of {path} is over {HEADER_LIMIT >> 20} MB")
                (header if line.startswith("#") and not records else records).append(line.rstrip("\r\n"))
                if len(records) == PEEK_RECORDS or size > 2 * HEADER_LIMIT:
                    break
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} is damaged: {error}", "Copy or download the file again") from error
    return header, records


def parse_header(lines: list[str], path: Path) -> Header:
    """The header of `path` from its lines, `##fileformat` first and `#CHROM` last."""
    if not lines or not lines[-1].startswith("#CHROM"):
        raise InputError(
            f"{path} has no #CHROM line after its {len(lines)} header lines",
            "Add the line with the column and sample names",
        )
    header = Header(version=lines[0].partition("=")[2].strip(), samples=_samples(lines[-1], path))
    for line in lines[1:-1]:
        _add_meta_line(header, line)
    return header


def _samples(column_line: str, path: Path) -> list[str]:
    columns = column_line.split("\t")
    if columns[:8] != MANDATORY:
        found = " ".join(columns[:8])[:80]
        raise InputError(
            f"The #CHROM line of {path} is not the eight columns of VCF but: {found}",
            "Columns are parted by tabs, in the order of the specification",
        )
    samples = columns[9:]
    if "" in samples:
        raise InputError(f"The #CHROM line of {path} has an empty sample name", "Remove the stray tab")
    if len(set(samples)) < len(samples):
        twice = next(s for s in samples if samples.count(s) > 1)
        raise InputError(f"The sample {twice!r} stands twice in the header of {path}", "Rename one of them")
    return samples


def _add_meta_line(header: Header, line: str) -> None:
    key, _, value = line[2:].partition("=")
    if not value.startswith("<"):
        header.other.append((key, value))
        return
    entry = parse_structured(value)
    name = entry.get("ID", "")
    if key in ("INFO", "FORMAT"):
        kind: Literal["INFO", "FORMAT"] = "INFO" if key == "INFO" else "FORMAT"
        if header.find(kind, name) is None:
            header.fields.append(
                Field(
                    kind,
                    name,
                    entry.get("Number", "."),
                    entry.get("Type", "String"),
                    entry.get("Description", ""),
                )
            )
    elif key == "FILTER":
        header.filters.setdefault(name, entry.get("Description", ""))
    elif key == "contig":
        length = entry.get("length", "")
        header.contigs.append(Contig(name, int(length) if length.isdigit() else None, entry.get("assembly")))
    else:
        header.other.append((key, value))


_PAIR = re.compile(r'([^=,<>\s]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^,>]*)')


def parse_structured(value: str) -> dict[str, str]:
    """`<ID=DP,Description="Total, depth">` as a dictionary, quotes removed."""
    return {k: _unquote(v) for k, v in _PAIR.findall(value)}


def _unquote(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


RESERVED = {
    ("FORMAT", "GT"): ("1", "String"), ("FORMAT", "DP"): ("1", "Integer"), ("FORMAT", "GQ"): ("1", "Integer"),
    ("FORMAT", "AD"): ("R", "Integer"), ("INFO", "AC"): ("A", "Integer"), ("INFO", "AF"): ("A", "Float"),
    ("INFO", "AN"): ("1", "Integer"), ("INFO", "DP"): ("1", "Integer"), ("INFO", "END"): ("1", "Integer"),
    ("INFO", "SVTYPE"): ("1", "String"), ("INFO", "SVLEN"): (".", "Integer"), ("INFO", "DB"): ("0", "Flag"),
}  # fmt: skip
"""Number and Type of fields that files use without declaring them (VCF 4.4, tables 1 and 2)."""


def _undeclared(header: Header, records: list[str]) -> list[Field]:
    found: dict[tuple[Literal["INFO", "FORMAT"], str], Field] = {}
    for record in records:
        columns = record.split("\t", 9)
        keys: list[tuple[Literal["INFO", "FORMAT"], str, bool]] = []
        if len(columns) > 7:
            pairs = [item.partition("=") for item in columns[7].split(";")]
            keys += [("INFO", key, sep == "") for key, sep, _ in pairs if key not in ("", ".")]
        if len(columns) > 8:
            keys += [("FORMAT", key, False) for key in columns[8].split(":") if key not in ("", ".")]
        for kind, key, flag in keys:
            if (kind, key) not in found and header.find(kind, key) is None:
                number, type_ = RESERVED.get((kind, key), ("0", "Flag") if flag else (".", "String"))
                found[kind, key] = Field(kind, key, number, type_, "not declared in the header", declared=False)
    return list(found.values())


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
