"""Copies of each ALT allele and called alleles (AC and AN), counted from the genotypes of groups of samples."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .dataset import BLOCK_CELLS, Matrix, OpenDataset, matrix
from .evidence import Command, cannot_be_written, view_command
from .selection import Selection, record_numbers
from .variant_rows import rows_of, variant_key

Ints = npt.NDArray[np.int64]
READING = "AN counts called alleles: a missing allele is not counted, and a haploid call counts one"
ROWS = 1 << 18
MAX_NAMES = 100_000
"""Letters of sample names that a command line is given."""


@dataclass(slots=True)
class AlleleCounts:
    """Some ALT alleles: `record` from 0, `allele` from 1; `ac` and `an` have one line per allele, a column per group.

    `also` holds `allele` and further columns of the table.
    """

    record: npt.NDArray[np.int32]
    allele: npt.NDArray[np.int16]
    ac: Ints
    an: Ints
    also: pa.RecordBatch = field(default_factory=lambda: pa.record_batch({}))


def allele_counts(
    data: OpenDataset, found: Selection, groups: Sequence[list[int]], also: Sequence[str] = ()
) -> Iterator[AlleleCounts]:
    """AC and AN of every ALT allele of the selected records in each group, block by block in file order."""
    everyone = list(range(len(data.samples)))
    stored = all(list(g) == everyone for g in groups)
    for batch in allele_rows(
        data, found, [*(["ac", "an"] if stored else ["gt"]), *also], 1 if stored else len(everyone)
    ):
        record, allele = batch.column("record").to_numpy(), batch.column("allele").to_numpy()
        if stored:
            ac, an = (np.repeat(batch.column(c).to_numpy()[:, None], len(groups), axis=1) for c in ("ac", "an"))
        else:
            ac, an = _counted(data, matrix(batch.column("gt"), len(everyone)), allele, groups)
        yield AlleleCounts(record, allele, ac.astype(np.int64), an.astype(np.int64), batch.select(["allele", *also]))


def allele_rows(data: OpenDataset, found: Selection, columns: list[str], width: int) -> Iterator[pa.RecordBatch]:
    """`record`, `allele` and other columns of all ALT alleles of the selected records; `width` values a row."""
    records = found.records
    if records is None and data.summary["multiallelic"] and any(c.per_allele for c in found.clauses):
        records = record_numbers(data, found)
    where = " AND ".join(["allele > 0", *([found.where] if records is None and found.where else [])])
    rows = min(max(BLOCK_CELLS // max(width, 1), 1), ROWS)
    for batch in data.table.blocks(list(dict.fromkeys(["record", "allele", *columns])), where, rows):
        if records is not None:
            batch = batch.filter(pa.array(np.isin(batch.column("record").to_numpy(), records)))
        if len(batch):
            yield batch


def _counted(
    data: OpenDataset, codes: Matrix, allele: npt.NDArray[np.int16], groups: Sequence[list[int]]
) -> tuple[Ints, Ints]:
    called = data.codes.called().astype(np.int16)
    ac, an = (np.zeros((len(codes), len(groups)), dtype=np.int64) for _ in range(2))
    for number in np.unique(allele).tolist():
        rows, copies = allele == number, data.codes.copies(number).astype(np.int16)
        of_rows = codes if rows.all() else codes[rows]
        for g, columns in enumerate(groups):
            chosen = of_rows[:, columns]
            ac[rows, g] = copies[chosen].sum(axis=1, dtype=np.int64)
            an[rows, g] = called[chosen].sum(axis=1, dtype=np.int64)
    return ac, an


def distinct(record: npt.NDArray[np.int32]) -> int:
    """How many different records there are in numbers in file order."""
    return int(np.count_nonzero(np.diff(record, prepend=-1)))


def frequencies(ac: Ints, an: Ints) -> npt.NDArray[np.float64]:
    """AC / AN, not a number where no allele is called."""
    return np.asarray(np.divide(ac, an, out=np.full(ac.shape, np.nan), where=an > 0))


def rounded(frequency: float) -> float | None:
    """Six digits, as bcftools prints them; null for what is not known."""
    return None if np.isnan(frequency) else float(f"{frequency:.6g}")


def allele_keys(data: OpenDataset, record: npt.NDArray[np.int32], allele: npt.NDArray[np.int16]) -> list[str]:
    """`CHROM:POS:REF:ALT` of single alleles, in the order given."""
    rows = rows_of(data, ["record", "allele", "chrom", "pos", "ref", "alt"], np.unique(record))
    names = [variant_key(r["chrom"], r["pos"], r["ref"], r["alt"]) for r in rows.to_pylist()]
    keys = np.asarray(rows["record"]).astype(np.int64) << 16 | np.asarray(rows["allele"])
    order = np.argsort(keys)
    at = np.searchsorted(keys[order], record.astype(np.int64) << 16 | allele)
    return [names[i] for i in order[at].tolist()]


def counts_command(data: OpenDataset, found: Selection, columns: list[int], form: str) -> Command:
    """`bcftools view -s` counts AC and AN anew from the genotypes of the samples it keeps; `query` prints `form`.

    Its conditions are asked before samples are left out, so they mean the same as without `-s`.
    """
    names = [data.samples[i] for i in columns]
    command = view_command(data, found.clauses)
    command.first = ["view", *command.arguments[2:], "-s", ",".join(names)]
    command.arguments = ["query", "-i", "N_ALT>0", "-f", form]
    command.then = ""
    command.unprovable = command.unprovable or data.unlistable(names) or cannot_be_written(data)
    if data.records_without_genotypes:
        command.unprovable = (
            command.unprovable or "some records have no GT at all, so bcftools leaves their INFO as it is"
        )
    if sum(map(len, names)) > MAX_NAMES:
        command.unprovable = command.unprovable or "there are too many samples to name in one command"
    return command
