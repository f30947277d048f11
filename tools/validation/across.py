"""The order of the records: contigs in one piece, positions that do not go down, no variant twice."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .findings import Findings
from .header import Header
from .lines import Block, Positions, column
from .names import MOST, Names
from .site import BASES, CONTIG, GVCF_ALTS
from .values import HIGHEST


@dataclass(slots=True)
class Sites:
    """Contig and position of the lines of a block that have both.

    `rows` are their numbers in the block, `codes` index `names`, `pos` is 1-based.
    """

    rows: Positions
    codes: NDArray[np.int32]
    names: list[str]
    pos: Positions

    def runs(self) -> Positions:
        """Where a contig begins, and the end of all."""
        return np.concatenate([[0], np.flatnonzero(np.diff(self.codes)) + 1, [len(self.rows)]])


def read_sites(block: Block, rows: Positions) -> Sites:
    """Contigs and positions of `rows`, of those whose position is a number that can be held."""
    tabs = block.tabs_of(rows, 2)
    pos, readable = _read_numbers(block.data, tabs[:, 0] + 1, tabs[:, 1])
    rows, tabs, pos = rows[readable], tabs[readable], pos[readable]
    coded = column(block.data, block.starts[rows], tabs[:, 0]).cast(pa.binary()).dictionary_encode()
    words = [name.decode(errors="replace") for name in coded.dictionary.to_pylist()]
    return Sites(rows, coded.indices.to_numpy(), words, pos)


def _read_numbers(data: NDArray[np.uint8], begins: Positions, ends: Positions) -> tuple[Positions, NDArray[np.bool_]]:
    sizes = ends - begins
    readable = (sizes > 0) & (sizes <= 18)
    value = np.zeros(len(begins), np.int64)
    for i in range(int(min(sizes.max(initial=0), 18))):
        here = i < sizes
        digit = data[np.where(here, begins + i, 0)].astype(np.int64) - 48
        readable &= ~here | ((digit >= 0) & (digit <= 9))
        value = np.where(here, value * 10 + digit, value)
    return value, readable & (value <= HIGHEST)


@dataclass(slots=True)
class Order:
    """What has been seen of the order so far.

    `stray` is a contig whose records stand among those of `contig` just now. `judges_ends` is false where a reference
    says where contigs end.
    """

    header: Header
    findings: Findings
    judges_ends: bool = True
    contig: str = ""
    last: int = 0
    stray: str = ""
    finished: Names = field(default_factory=Names)

    def check(self, block: Block, sites: Sites) -> None:
        runs = sites.runs()
        for begin, end in zip(runs[:-1].tolist(), runs[1:].tolist(), strict=True):
            if begin < end:
                self._check_run(block, sites, begin, end)

    def _check_run(self, block: Block, sites: Sites, begin: int, end: int) -> None:
        name = sites.names[sites.codes[begin]]
        if not CONTIG.fullmatch(name):
            return
        if name == self.contig:
            self.stray = ""
        elif not self._begin_contig(name, block.first + int(sites.rows[begin])):
            return
        length = self.header.contigs.get(name, (0, None))[1]
        pos, numbers = sites.pos[begin:end], block.numbers(sites.rows[begin:end])
        if length is not None:
            past = pos > length + 1
            beyond = pos[past]
            if self.judges_ends:
                self.findings.add_many(
                    "POS_PAST_END", numbers[past], "POS",
                    lambda i: f"{name}:{beyond[i]:,} lies behind the end of {name} ({length:,} bases in the header)",
                )  # fmt: skip
            pos, numbers = pos[~past], numbers[~past]
        self._check_rising(name, pos[pos > 0], numbers[pos > 0])

    def _begin_contig(self, name: str, line: int) -> bool:
        """Whether a contig is new. One that comes back is told of, and the one that it interrupts goes on behind it."""
        if name == self.stray:
            return False
        if not self.finished.add(name):
            self.stray = name
            what = f"records of {name[:60]} stand here again, after {self.contig[:60]}"
            self.findings.add("CONTIG_AGAIN", line, "CHROM", what)
            return False
        if self.header.contigs and name not in self.header.contigs and ":" not in name:
            self.findings.note_undeclared("contig", name)
            self.findings.add(
                "CONTIG_UNDECLARED",
                line,
                "CHROM",
                f"contig {name[:60]} is not declared in the header",
                fix=f"Add ##contig=<ID={name[:60]},length=...>",
            )
        self.contig, self.last, self.stray = name, 0, ""
        return True

    def _check_rising(self, name: str, pos: Positions, numbers: Positions) -> None:
        if not len(pos):
            return
        before = np.concatenate([[self.last], pos[:-1]])
        down = pos < before
        here, there = pos[down], before[down]
        self.findings.add_many(
            "POS_UNSORTED", numbers[down], "POS", lambda i: f"{name}:{here[i]:,} stands after {name}:{there[i]:,}"
        )
        self.last = int(pos[-1])


Key = tuple[int, str, str]
"""A variant without the bases that REF and ALT share: position, REF, ALT."""


@dataclass(slots=True)
class Duplicates:
    """Finds variants that stand twice among records whose REF spans touch; a sorted file has no others.

    Where more than `MOST` variants touch, as in a file that is not sorted, those before them are forgotten.
    """

    findings: Findings
    contig: str = ""
    end: int = 0
    seen: dict[int, int] = field(default_factory=dict)

    def check(self, block: Block, sites: Sites) -> None:
        """Look at a block; most records touch no other one and are passed over."""
        runs = sites.runs()
        tabs = block.tabs_of(sites.rows, 5)
        ends = sites.pos + np.maximum(tabs[:, 3] - tabs[:, 2] - 1, 1) - 1
        for begin, end in zip(runs[:-1].tolist(), runs[1:].tolist(), strict=True):
            if begin < end:
                self._check_run(block, sites, ends, tabs, begin, end)

    def _check_run(self, block: Block, sites: Sites, ends: Positions, tabs: Positions, begin: int, end: int) -> None:
        name = sites.names[sites.codes[begin]]
        if not CONTIG.fullmatch(name):
            return
        if name != self.contig:
            self.contig, self.end, self.seen = name, -1, {}
        furthest = np.maximum.accumulate(np.concatenate([[self.end], ends[begin:end]]))
        touches = sites.pos[begin:end] <= furthest[:-1]
        needed = touches | np.concatenate([touches[1:], [True]])
        for i in np.flatnonzero(needed).tolist():
            row = begin + i
            if not touches[i]:
                self.seen = {}
            self._look(block, int(sites.rows[row]), int(sites.pos[row]), tabs[row])
        self.end = int(furthest[-1])

    def _look(self, block: Block, row: int, pos: int, tabs: Positions) -> None:
        ref = block.text(tabs[2] + 1, tabs[3]).upper()
        number = block.first + row
        told = False
        for alt in block.text(tabs[3] + 1, tabs[4]).split(","):
            bases = bool(BASES.fullmatch(alt))
            if alt in GVCF_ALTS or alt in (".", "*", "") or not BASES.fullmatch(ref):
                continue
            key = trim(pos, ref, alt.upper()) if bases else (pos, ref, alt + _extent(block, row))
            if len(self.seen) >= MOST:
                self.seen = {}
            first = self.seen.setdefault(hash(key), number)
            if first != number and not told:
                told = True
                code = "RECORD_REPEATED" if bases else "SYMBOLIC_REPEATED"
                what = f"{self.contig[:60]}:{pos} {ref[:20]}>{alt[:20]}"
                self.findings.add(code, number, "ALT", f"{what} stands in line {first} already")


def _extent(block: Block, row: int) -> str:
    """What sets symbolic alleles at one position apart: their end, length, type and mate, and their ID."""
    columns = block.line(row).split("\t", 8)
    wanted = ("END=", "SVLEN=", "SVTYPE=", "MATEID=", "EVENT=", "SVCLAIM=")
    return ";".join(e for e in columns[7].split(";") if e.startswith(wanted)) + columns[2]


def trim(pos: int, ref: str, alt: str) -> Key:
    """A variant without the bases that both alleles share, first those at the end, then those at the beginning."""
    tail = _shared(ref[::-1], alt[::-1])
    ref, alt = ref[: len(ref) - tail], alt[: len(alt) - tail]
    head = _shared(ref, alt)
    return pos + head, ref[head:], alt[head:]


def _shared(a: str, b: str) -> int:
    """How many characters two texts have in common at their beginning; halving, since alleles may be long."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
