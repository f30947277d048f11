"""Variants as rows of a table for people: what they are, and what the annotation says first of them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .clauses import SIGNIFICANCE_FIELDS
from .consequences import rank, worst
from .dataset import OpenDataset


def variant_key(chrom: str, pos: int, ref: str, alts: str | None) -> str:
    """`CHROM:POS:REF:ALT`, a record's ALTs joined by commas as in the file, `.` where there is none."""
    return f"{chrom}:{pos}:{ref}:{alts or '.'}"


def variant_rows(data: OpenDataset, records: npt.NDArray[np.int32]) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of the given records, in their order in the file."""
    table = variant_table(data, records)
    tidy = [[_tidy(v) for v in c.to_pylist()] if c.type == pa.float32() else c.to_pylist() for c in table.columns]
    return table.column_names, [list(row) for row in zip(*tidy, strict=True)]


def variant_blocks(data: OpenDataset, records: npt.NDArray[np.int32], size: int = 100_000) -> Iterator[pa.Table]:
    """The same as Arrow tables of `size` records."""
    for start in range(0, len(records), size):
        yield variant_table(data, records[start : start + size])


def variant_table(data: OpenDataset, records: npt.NDArray[np.int32]) -> pa.Table:
    """A row for each of the records: key, ID, QUAL, FILTER, what the annotation says first, significance."""
    columns = ["record", "allele", "chrom", "pos", "id", "ref", "alts", "qual", "filter", "profile"]
    significance = next((data.info[n].column for n in SIGNIFICANCE_FIELDS if n in data.info), None)
    rows = rows_of(data, [*columns, *([significance] if significance else [])], records)
    first = rows.filter(pc.less_equal(rows["allele"], 1))
    found = {"variant": _keys(first), "id": first["id"], "qual": first["qual"], "filter": first["filter"]}
    if data.annotated:
        found |= _annotation_of_records(data, rows)
    if significance:
        found["significance"] = first[significance]
    return pa.table(found)


def _keys(rows: pa.Table) -> pa.ChunkedArray:
    position, alts = rows["pos"].cast(pa.string()), pc.fill_null(rows["alts"], ".")
    return pc.binary_join_element_wise(rows["chrom"], position, rows["ref"], alts, ":")


def rows_of(data: OpenDataset, columns: list[str], records: npt.NDArray[np.int32]) -> pa.Table:
    """The allele rows of some records."""
    if len(records) == 0:
        return data.table.columns(columns, "false")
    if len(records) == data.summary["records"]:
        return data.table.columns(columns)
    where = f"record >= {records[0]} AND record <= {records[-1]}"
    if len(records) <= 1000:
        where = f"record IN ({', '.join(map(str, records.tolist()))})"
    table = data.table.columns(columns, where)
    return table.filter(pa.array(np.isin(np.asarray(table["record"]), records)))


def keys_of(data: OpenDataset, records: npt.NDArray[np.int32]) -> list[str]:
    """`CHROM:POS:REF:ALT` of some records."""
    table = rows_of(data, ["record", "allele", "chrom", "pos", "ref", "alts"], records)
    keys: list[str] = _keys(table.filter(pc.less_equal(table["allele"], 1))).to_pylist()
    return keys


def records_by_value(data: OpenDataset, rows: pa.Table, column: str) -> dict[str, int]:
    """How many distinct records each value of a column has, in the order in which values first occur."""
    if data.summary["multiallelic"]:
        table = rows.group_by(column, use_threads=False).aggregate([("record", "count_distinct")])
        values, numbers = table[column].to_pylist(), table["record_count_distinct"].to_pylist()
    else:
        counts = pc.value_counts(rows[column].combine_chunks())
        values, numbers = counts.field("values").to_pylist(), counts.field("counts").to_pylist()
    return {str(v): number for v, number in zip(values, numbers, strict=True) if v is not None}


def _tidy(qual: float | None) -> float | None:
    return None if qual is None else float(f"{qual:.6g}")


def _annotation_of_records(data: OpenDataset, rows: pa.Table) -> dict[str, pa.Array]:
    """Genes, the most severe consequence and the worst impact over all alleles and transcripts of each record.

    It is worked out once for each combination of profiles that occurs.
    """
    records, profiles = rows["record"].to_numpy(), rows["profile"].to_numpy()
    starts = np.flatnonzero(np.r_[True, records[1:] != records[:-1]]) if len(records) else np.array([], dtype=int)
    alone = np.diff(np.r_[starts, len(records)]) == 1
    sets: dict[tuple[int, ...], int] = {}
    which = np.empty(len(starts), dtype=np.int64)
    single, which[alone] = np.unique(profiles[starts[alone]], return_inverse=True)
    sets |= {(int(p),): i for i, p in enumerate(single)}
    for at in np.flatnonzero(~alone):
        end = starts[at + 1] if at + 1 < len(starts) else len(records)
        which[at] = sets.setdefault(tuple(profiles[starts[at] : end].tolist()), len(sets))
    entries = data.profiles.to_pylist() if sets else []
    said = [_summed_up([entries[p] for p in profiles]) for profiles in sets]
    columns = zip(*said, strict=True) if said else ([], [], [])
    names = ("gene", "consequence", "impact")
    return {n: pa.array(c, pa.string()).take(pa.array(which)) for n, c in zip(names, columns, strict=True)}


def _summed_up(profiles: list[dict[str, list[str]]]) -> list[str | None]:
    """Genes, those with the most severe consequence first, and that consequence with its impact."""
    entries = [
        (consequence, impact, gene)
        for p in profiles
        for consequence, impact, gene in zip(p["consequences"], p["impacts"], p["genes"], strict=True)
    ]
    term, impact = worst([(c, i) for c, i, _ in entries])
    genes = dict.fromkeys(g for c, i, g in sorted(entries, key=lambda e: (e[1] != impact, rank(e[0]))) if g)
    return [",".join(genes) or None, term or None, impact or None]
