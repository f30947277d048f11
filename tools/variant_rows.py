"""Variants as rows of a table for people: what they are, and what the annotation says first of them."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .clauses import SIGNIFICANCE_FIELDS
from .consequences import rank, worst
from .dataset import OpenDataset

COLUMNS = ["variant", "id", "qual", "filter"]


def variant_key(chrom: str, pos: int, ref: str, alts: str | None) -> str:
    """`CHROM:POS:REF:ALT`, a record's ALTs joined by commas as in the file, `.` where there is none."""
    return f"{chrom}:{pos}:{ref}:{alts or '.'}"


def variant_rows(data: OpenDataset, records: npt.NDArray[np.int32]) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of the given records, in their order in the file."""
    columns = ["record", "allele", "chrom", "pos", "id", "ref", "alts", "qual", "filter", "profile"]
    significance = next((data.info[n].column for n in SIGNIFICANCE_FIELDS if n in data.info), None)
    table = rows_of(data, [*columns, *([significance] if significance else [])], records)
    first = table.filter(pa.array(np.asarray(table["allele"]) <= 1))
    header = list(COLUMNS)
    rows = [
        [variant_key(r["chrom"], r["pos"], r["ref"], r["alts"]), r["id"], _tidy(r["qual"]), r["filter"]]
        for r in first.to_pylist()
    ]
    if data.annotated:
        header += ["gene", "consequence", "impact"]
        said = _annotation_of_records(data, table)
        rows = [[*row, *said[record]] for row, record in zip(rows, first["record"].to_pylist(), strict=True)]
    if significance:
        header.append("significance")
        rows = [[*row, value] for row, value in zip(rows, first[significance].to_pylist(), strict=True)]
    return header, rows


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
    return [variant_key(r["chrom"], r["pos"], r["ref"], r["alts"]) for r in table.to_pylist() if r["allele"] <= 1]


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


def _annotation_of_records(data: OpenDataset, table: pa.Table) -> dict[int, list[str | None]]:
    """Genes, the most severe consequence and the worst impact over all alleles and transcripts of a record."""
    profiles = data.profiles.to_pylist()
    said: dict[int, list[dict[str, list[str]]]] = {}
    for record, profile in zip(table["record"].to_pylist(), table["profile"].to_pylist(), strict=True):
        said.setdefault(record, []).append(profiles[profile])
    return {record: _summed_up(entries) for record, entries in said.items()}


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
