"""Regions of a BED file: read against the contigs of a dataset, and laid over its records."""

import gzip
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..memory.errors import ToolError
from .dataset import OpenDataset
from .text import count_of, one_line

Ints = npt.NDArray[np.int64]
MOST_LINES = 20_000_000
LAST = 2**31 - 1
"""The last position that VCF's readers know."""
APART = 2**40
"""Between the positions of two contigs, where those of all stand in one array."""
_REMARKS = (b"#", b"track ", b"browser ")


@dataclass(slots=True)
class Bed:
    """The regions of a file on contigs of a dataset, as they stand there: 0-based starts, ends after the last base.

    `contig` is a place in `contigs`, named as the dataset has them; `labels` are the fourth or another column.
    """

    path: Path
    contigs: list[str]
    contig: Ints
    start: Ints
    end: Ints
    labels: list[bytes] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    empty: int = 0

    def remarks(self, data: OpenDataset) -> list[str]:
        """What a reader should know of the names and regions in it."""
        said = []
        if self.renamed:
            old, new = next(iter(self.renamed.items()))
            said.append(f"{self.path.name} names contigs otherwise: its {one_line(old, 40)} is {new} here")
        if self.unknown:
            names = ", ".join(one_line(n, 40) for n in list(self.unknown)[:5])
            more = f" and {len(self.unknown) - 5} more" if len(self.unknown) > 5 else ""
            regions = count_of(sum(self.unknown.values()), "region")
            said.append(f"{regions} of {self.path.name} lie on contigs that {data.name} does not have: {names}{more}")
        if self.empty:
            said.append(f"{count_of(self.empty, 'region')} of {self.path.name} hold no base")
        return said

    def merged(self) -> "Merged":
        """Regions that overlap or touch put together."""
        order = np.lexsort((self.start, self.contig))
        first = self.contig[order] * APART + self.start[order] + 1
        last = np.maximum.accumulate(self.contig[order] * APART + self.end[order]) if len(order) else first
        opens = np.ones(len(order), dtype=bool)
        opens[1:] = first[1:] > last[:-1] + 1
        closes = np.append(opens[1:], True)[: len(order)]
        return Merged({name: i for i, name in enumerate(self.contigs)}, first[opens], last[closes])


@dataclass(frozen=True, slots=True)
class Merged:
    """First and last positions of regions that do not overlap, 1-based and inclusive, each contig `APART`."""

    place: dict[str, int]
    first: Ints
    last: Ints

    def reached(self, chrom: pa.Array, start: Ints, end: Ints) -> npt.NDArray[np.bool_]:
        """Which of the spans, 1-based and inclusive, share a base with a region."""
        coded = chrom.dictionary_encode()
        places = np.array([self.place.get(c, -1) for c in coded.dictionary.to_pylist()] or [-1], dtype=np.int64)
        contig = places[coded.indices.to_numpy(zero_copy_only=False)]
        following = np.searchsorted(self.last, contig * APART + start)
        inside: npt.NDArray[np.bool_] = (following < len(self.first)) & (contig >= 0)
        inside[inside] = self.first[following[inside]] <= contig[inside] * APART + end[inside]
        return inside


def read_bed(path: Path, data: OpenDataset, column: int | None = None) -> Bed:
    """The regions of a BED, plain or compressed; `column`, 1-based, is kept as labels.

    Raises `ToolError` for a line that is no region, with its number, and where no region lies on a contig of the data.
    """
    names: dict[bytes, int] = {}
    found = array("q")
    labels: list[bytes] = []
    try:
        for number, line in _lines(path):
            columns = _columns(line)
            start, end = _span(columns, path, number)
            found.extend((names.setdefault(columns[0], len(names)), start, end))
            if column is not None:
                labels.append(columns[column - 1] if len(columns) >= column else b"")
    except (OSError, EOFError, zlib.error) as error:
        raise ToolError(f"{path.name} cannot be read: {one_line(str(error))}", "Name a BED file") from error
    whole = np.frombuffer(found, dtype=np.int64).reshape(-1, 3)
    return _of_dataset(path, data, [n.decode(errors="replace") for n in names], whole, labels)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as raw:
        opener = gzip.open if raw.read(2) == b"\x1f\x8b" else open
    with cast(IO[bytes], opener(path, "rb")) as lines:
        for number, line in enumerate(lines, 1):
            if number > MOST_LINES:
                raise ToolError(f"{path.name} has more than {MOST_LINES:,} lines", "Merge its regions first")
            if line.strip() and not line.startswith(_REMARKS):
                yield number, line


def _columns(line: bytes) -> list[bytes]:
    return line.rstrip(b"\r\n").split(b"\t") if b"\t" in line else line.split()


def _span(columns: list[bytes], path: Path, number: int) -> tuple[int, int]:
    digits = len(columns) >= 3 and all(c.isdigit() and len(c) <= 10 for c in columns[1:3])
    start, end = (int(columns[1]), int(columns[2])) if digits else (1, 0)
    if not start <= end <= LAST:
        shown = one_line(b" ".join(columns[:4]).decode(errors="replace"), 80)
        raise ToolError(
            f"Line {number:,} of {path.name} is no region: {shown!r}",
            "A BED has contig, 0-based start and end after the last base, parted by tabs",
        )
    return start, end


def _of_dataset(path: Path, data: OpenDataset, names: list[str], whole: Ints, labels: list[bytes]) -> Bed:
    contigs, places, renamed, missing = [], [], {}, []
    for place, name in enumerate(names):
        try:
            contig, remark = data.contig(name)
        except ToolError:
            missing.append(place)
            places.append(-1)
            continue
        if remark:
            renamed[name] = contig
        contigs += [contig] if contig not in contigs else []
        places.append(contigs.index(contig))
    if names and len(missing) == len(names):
        raise ToolError(
            f"None of the contigs of {path.name} is in {data.name}: {one_line(', '.join(names[:5]), 100)}",
            f"It needs those of {data.name}: {', '.join(data.contigs[:5])}; is it of another build or species?",
        )
    unknown = {names[place]: int((whole[:, 0] == place).sum()) for place in missing}
    contig_of = np.array(places or [-1], dtype=np.int64)[whole[:, 0]] if len(whole) else np.zeros(0, dtype=np.int64)
    hollow = whole[:, 1] == whole[:, 2]
    kept = (contig_of >= 0) & ~hollow
    labels = [labels[i] for i in np.flatnonzero(kept).tolist()] if labels else []
    empty = int((hollow & (contig_of >= 0)).sum())
    return Bed(path, contigs, contig_of[kept], whole[kept, 1], whole[kept, 2], labels, renamed, unknown, empty)
