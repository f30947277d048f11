"""A reference FASTA: where its contigs lie in the file, and their bases by position.

The text is read in place, without a C reader and without ever holding a contig in memory. Positions are 1-based.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...memory.errors import InputError
from ..text import one_line
from .fasta_text import Text, open_text

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

BLOCK = 1 << 20  # bytes of the FASTA that are looked at in one piece when it is indexed
PAGE_BITS = 14  # a page has 16 KiB
PAGES = 1024  # pages held at a time
NAME_LIMIT = 4096  # bytes of a header line in which its name must stand

# An ambiguity code stands for the first of its bases in the alphabet (section 1.6.1 REF of the specification).
_CODES = bytes.maketrans(b"RYSWKMBDHV", b"ACCAGACAAA")
PLAIN = bytes(b if 65 <= b <= 90 else 63 for b in bytes(range(256)).upper()).translate(_CODES)  # '?' for no letter
_PLAIN_BASES = np.frombuffer(PLAIN, np.uint8)


@dataclass(slots=True)
class Contig:
    """One sequence: its first base lies `offset` bytes into the file, and its lines have `line_bases` bases."""

    name: str
    offset: int = 0
    line_bases: int = 0
    length: int = 0

    def byte(self, pos: int) -> int:
        """Where in the file the base at `pos` lies."""
        return self.offset + pos - 1 + (pos - 1) // (self.line_bases or 1)


class Fasta:
    """A FASTA, plain or in BGZF.

    A .fai beside it is used where it fits the file; otherwise the file is read through once, and the index
    is kept in memory. Raises `InputError` where the file is no FASTA, or one whose lines cannot be computed with.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._text = open_text(path)
        self.contigs = _from_fai(path, self._text) or _indexed(path, self._text)
        self.lengths = np.array([c.length for c in self.contigs], dtype=np.int64)
        self._offsets = np.array([c.offset for c in self.contigs], dtype=np.int64)
        self._line_bases = np.array([c.line_bases or 1 for c in self.contigs], dtype=np.int64)

    def bases(self, contig: int, start: int, end: int) -> bytes:
        """The bases from `start` to `end`, both included, as `bases_at` gives them."""
        first, last = (self.contigs[contig].byte(pos) for pos in (start, end))
        found = self._text.read(first, last - first + 1).translate(PLAIN, b"\n")
        if len(found) != end - start + 1:
            raise self._changed()
        return found

    def bases_at(self, contig: Ints, pos: Ints) -> Bytes:
        """The base at each of many positions of many contigs, in upper case and without ambiguity codes.

        Other letters that a FASTA may hold come as they are, and '?' stands for anything else.
        """
        line_bases = self._line_bases[contig]
        row = (pos - 1) // line_bases  # each row before the base has a line end
        found = self._bytes_at(self._offsets[contig] + pos - 1 + row)
        if (found <= ord(" ")).any():
            raise self._changed()
        return _PLAIN_BASES[found]

    def _changed(self) -> InputError:
        what = f"the reference {self.path} has no base where there should be one; it may have changed while it was read"
        return InputError(what, "Check that it is a FASTA without spaces, and start again when it is written")

    def _bytes_at(self, offsets: Ints) -> Bytes:
        pages, page_of = np.unique(offsets >> PAGE_BITS, return_inverse=True)
        found = np.empty(len(offsets), np.uint8)
        for first in range(0, len(pages), PAGES):
            here = np.flatnonzero((page_of >= first) & (page_of < first + PAGES))
            held = self._pages(pages[first : first + PAGES])
            found[here] = held[page_of[here] - first, offsets[here] & ((1 << PAGE_BITS) - 1)]
        return found

    def _pages(self, pages: Ints) -> Bytes:
        found = np.zeros((len(pages), 1 << PAGE_BITS), np.uint8)
        for row, page in zip(found, pages.tolist(), strict=True):
            part = self._text.read(page << PAGE_BITS, 1 << PAGE_BITS)
            row[: len(part)] = np.frombuffer(part, np.uint8)
        return found


def _from_fai(path: Path, text: Text) -> list[Contig] | None:
    """The contigs of the .fai beside a FASTA, or null where there is none or it does not fit the file."""
    try:
        index = Path(f"{path}.fai").read_text(encoding="utf-8")
        rows = [line.split("\t") for line in index.splitlines()]
        contigs = [Contig(name, int(o), int(lb), int(n)) for name, n, o, lb, _ in rows]
    except (OSError, ValueError):
        return None
    widths_fit = all(int(row[4]) == int(row[3]) + 1 for row in rows if row[1] != "0")
    unique = len({c.name for c in contigs}) == len(contigs)
    return contigs if contigs and widths_fit and unique and _fits(text, contigs) else None


def _fits(text: Text, contigs: list[Contig]) -> bool:
    """Whether each contig begins after its header line, and the next one or the end of the file follows its last base.

    The first line must have the length it is said to have. So an index that is older than its FASTA is found out.
    """
    if any(c.offset < 0 or c.length < 0 or not (c.length > 0) <= c.line_bases <= text.size for c in contigs):
        return False
    ends = [c.byte(c.length) + 1 if c.length else c.offset - 1 for c in contigs]
    if any(c.offset > text.size or end > text.size for c, end in zip(contigs, ends, strict=True)):
        return False
    if any(c.length > c.line_bases and text.read(c.offset + c.line_bases, 1) != b"\n" for c in contigs):
        return False
    heads = [_header_before(text, c.offset) for c in contigs]
    if [name for _, name in heads] != [c.name for c in contigs] or heads[0][0] != 0:
        return False
    follows = [start for start, _ in heads[1:]]
    return all(end + 1 == start for end, start in zip(ends[:-1], follows, strict=True)) and ends[-1] + 1 >= text.size


def _header_before(text: Text, offset: int) -> tuple[int, str]:
    """Where the header line that ends at `offset` begins, and the name in it; an empty name where there is none."""
    before = text.read(max(0, offset - NAME_LIMIT), min(offset, NAME_LIMIT))
    line = before[:-1].rpartition(b"\n")[2]
    is_header = before.endswith(b"\n") and line.startswith(b">")
    return offset - len(line) - 1, _name(line) if is_header else ""


def _name(header: bytes) -> str:
    words = header[1:].split(maxsplit=1)
    return words[0].decode(errors="replace") if words and not header[1:2].isspace() else ""


def _indexed(path: Path, text: Text) -> list[Contig]:
    """The contigs of a FASTA, from reading it through."""
    contigs: dict[str, Contig] = {}
    reader = _Reader(path)
    number = 0
    for starts, ends, is_header in _lines(path, text):
        cuts = [0, *np.flatnonzero(is_header).tolist(), len(starts)]
        for first, last in pairwise(cuts):
            if first < last and is_header[first]:
                header = text.read(int(starts[first]), min(int(ends[first] - starts[first]), NAME_LIMIT))
                reader = _Reader(path, _new_contig(path, contigs, header, number + first + 1))
                first += 1
            reader.take(starts[first:last], ends[first:last], number + first + 1)
        number += len(starts)
    return list(contigs.values())


def _new_contig(path: Path, contigs: dict[str, Contig], header: bytes, line: int) -> Contig:
    name = _name(header)
    if not name:
        raise InputError(f"line {line} of the reference {path} names no contig", "Write the name after the '>'")
    if name in contigs:
        what = f"the reference {path} has the contig {one_line(name, 60)} twice, again in line {line}"
        raise InputError(what, "Remove one of the two")
    contigs[name] = Contig(name)
    return contigs[name]


class _Reader:
    """Adds lines to a contig, and sees that they are of one length but for the last."""

    def __init__(self, path: Path, contig: Contig | None = None) -> None:
        self.path = path
        self.contig = contig or Contig("")
        self.lines = 0

    def take(self, starts: Ints, ends: Ints, line: int) -> None:
        """The next lines; `line` is the number of the first of them. Empty lines may stand at the contig's end."""
        full = np.flatnonzero(ends > starts)
        if not len(full):
            return
        contig, bases = self.contig, (ends - starts)[full]
        if not self.lines:
            contig.offset, contig.line_bases = int(starts[full[0]]), int(bases[0])
        expected = contig.offset + (self.lines + np.arange(len(full))) * (contig.line_bases + 1)
        uneven = (starts[full] != expected) | (bases > contig.line_bases)
        if uneven.any():
            where = f"line {line + int(full[np.argmax(uneven)])} of the reference {self.path}"
            raise InputError(
                f"{where}: this line or the one before it differs in length from the others of its contig",
                "Wrap it anew (seqkit seq -w 60, say)",
            )
        self.lines += len(full)
        contig.length += int(bases.sum())


def _lines(path: Path, text: Text) -> Iterator[tuple[Ints, Ints, NDArray[np.bool_]]]:
    """Where lines begin and end (the line end left out), and whether they are headers, for each block in turn.

    A line that goes on in the next block is given there.
    """
    start, is_header, read = 0, False, 0
    while block := text.read(read, BLOCK):
        if b"\r" in block:
            raise InputError(f"the reference {path} has carriage returns at its line ends", "Convert it (dos2unix)")
        letters = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(letters == ord("\n"))
        starts = np.append(start - read, ends + 1)
        headers = np.where(starts < 0, is_header, letters[np.clip(starts, 0, len(letters) - 1)] == ord(">"))
        yield starts[:-1] + read, ends + read, headers[:-1]
        start, is_header, read = int(starts[-1]) + read, bool(headers[-1]), read + len(block)
    if start < read:
        yield np.array([start]), np.array([read]), np.array([is_header])
