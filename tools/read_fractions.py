"""Reads of each ALT allele in each sample, and their fraction, block by block."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..memory.errors import ToolError
from ..memory.genotype_codes import alleles_of
from .dataset import BLOCK_CELLS, Matrix, OpenDataset, matrix
from .selection import Selection, record_numbers

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

DENOMINATORS = {
    "all_reads": "those of all alleles (the sum of AD), as bcftools +fill-tags has it",
    "ref_and_alt": "those of REF and that ALT, from AD",
    "dp": "FORMAT/DP",
}


@dataclass(slots=True)
class AlleleBlock:
    """ALT alleles of some records, with a line per allele and a column per sample in each matrix; -1 is missing.

    `total` are the reads of all alleles of the record, missing where one of them is. `gt` are genotype codes.
    """

    record: Ints
    allele: Ints
    gt: Matrix
    ref: Matrix
    alt: Matrix
    total: Matrix
    dp: Matrix

    def below(self, denominator: str) -> Matrix:
        """The reads that those of the ALT are divided by."""
        both = np.where((self.ref >= 0) & (self.alt >= 0), self.ref + self.alt, -1)
        return {"all_reads": self.total, "ref_and_alt": both, "dp": self.dp}[denominator]

    def fractions(self, denominator: str) -> Floats:
        """Reads of the ALT as a fraction; NaN where AD is missing or there are no reads."""
        below = self.below(denominator)
        known = (self.alt >= 0) & (below > 0)
        return np.where(known, self.alt / np.where(known, below, 1), np.nan)

    def depth(self) -> Matrix:
        """FORMAT/DP, and where that is missing the sum of AD."""
        return np.where(self.dp >= 0, self.dp, self.total)

    def carried(self, data: OpenDataset) -> Mask:
        """Which genotypes hold a copy of the line's own allele."""
        out = np.zeros(self.gt.shape, dtype=bool)
        for allele in np.unique(self.allele).tolist():
            lines = self.allele == allele
            holds = np.array([allele in alleles_of(t) for t in data.codes.texts] or [False])
            out[lines] = holds[self.gt[lines]]
        return out


def has_allele_depths(data: OpenDataset) -> bool:
    """Whether AD has a value for REF and each ALT, as far as its declaration tells."""
    return _number_of_ad(data) in ("R", ".")


def _number_of_ad(data: OpenDataset) -> str | None:
    return next((f[2] for f in data.summary["fields"] if f[0] == "FORMAT" and f[1] == "AD"), None)


def need_allele_depths(data: OpenDataset) -> str:
    """A remark on how AD is declared. Raises `ToolError` for a file without reads of each allele."""
    data.need_samples()
    declared, number = {f[1] for f in data.summary["fields"] if f[0] == "FORMAT"}, _number_of_ad(data)
    way_out = "Ask by genotype, or for the fraction that the caller wrote"
    if declared >= {"AU", "CU", "GU", "TU"} or "TIR" in declared:
        way_out = "Strelka writes reads as AU, CU, GU, TU, TAR and TIR, which are not read: add AD to the file first"
    if number is None:
        raise ToolError(f"{data.name} has no FORMAT/AD, so the reads of its alleles are not known", way_out)
    if not has_allele_depths(data):
        what = f"FORMAT/AD of {data.name} is declared Number={number}, not R, so the reads of its alleles are not known"
        raise ToolError(what, way_out)
    return "" if number == "R" else "FORMAT/AD is declared Number=. and taken as one value for REF and each ALT"


def allele_blocks(data: OpenDataset, found: Selection, samples: list[int]) -> Iterator[AlleleBlock]:
    """The ALT alleles of the selected records, all those of a record in one block, for some samples (0-based)."""
    where, records = _condition(data, found)
    wanted = ("gt", "dp", "ad_ref", "ad_alt") if has_allele_depths(data) else ("gt", "dp")
    names = [n for n in wanted if n in data.table.names()]
    rows = max(BLOCK_CELLS // 4 // len(data.samples), 1)
    for block in _whole_records(data.table.blocks(["record", "allele", *names], where, rows)):
        kept = np.isin(block["record"].to_numpy(), records) if records is not None else np.ones(len(block), bool)
        values: dict[str, Matrix] = {
            n: matrix(block[n], len(data.samples))[:, samples][kept].astype(np.int64) for n in names
        }
        yield _block(block["record"].to_numpy()[kept], block["allele"].to_numpy()[kept], values, len(samples))


def _condition(data: OpenDataset, found: Selection) -> tuple[str, Ints | None]:
    """A condition of the table, and the records to keep of what meets it; null for all."""
    of_alleles = bool(data.summary["multiallelic"]) and any(c.per_allele for c in found.clauses)
    if found.records is None and not of_alleles:
        return found.where, None
    records = record_numbers(data, found).astype(np.int64)
    return f"record >= {records[0]} AND record <= {records[-1]}" if len(records) else "false", records


def _whole_records(blocks: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows, with all those of a record in one block."""
    held: pa.RecordBatch | None = None
    for block in blocks:
        if len(block) == 0:
            continue
        whole = pa.concat_batches([held, block]) if held is not None else block
        record = whole["record"].to_numpy()
        cut = int(np.searchsorted(record, record[-1]))
        held = whole.slice(cut)
        if cut:
            yield whole.slice(0, cut)
    if held is not None:
        yield held


def _block(record: Ints, allele: Ints, values: dict[str, Matrix], samples: int) -> AlleleBlock:
    none = np.full((len(record), samples), -1, dtype=np.int32)
    ref, alt = values.get("ad_ref", none), values.get("ad_alt", none)
    total = none.copy()
    if len(record):
        first = np.flatnonzero(np.r_[True, record[1:] != record[:-1]])
        of_row = np.repeat(np.arange(len(first)), np.diff(np.r_[first, len(record)]))
        known = np.minimum.reduceat(np.minimum(ref, alt), first, axis=0) >= 0
        total = np.where(known, ref[first] + np.add.reduceat(alt, first, axis=0), -1)[of_row]
    mine = allele > 0
    return AlleleBlock(record[mine].astype(np.int64), allele[mine].astype(np.int64), values.get("gt", none)[mine],
                       ref[mine], alt[mine], total[mine], values.get("dp", none)[mine])  # fmt: skip
