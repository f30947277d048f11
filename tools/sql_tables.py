"""The tables that SQL sees: the stored columns that a statement names, under the names it uses."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..memory.errors import ToolError
from ..memory.genotype_codes import Genotype
from .dataset import OpenDataset, nearest
from .sample_counts import NAMES
from .sql_statement import Statement
from .text import one_line

TABLES = ["variants", "genotypes", "annotations", "profiles"]
SAMPLE_COLUMNS = ["gt", "dp", "gq", "ad_ref", "ad_alt"]
MAX_GENOTYPES = 20_000_000
MAX_BYTES = 1 << 30

Names = dict[str, str]
"""Names of columns as they may be written, and the stored column of each."""


def column_names(data: OpenDataset, table: str) -> Names:
    """The columns of a table. An INFO field DP is `INFO_DP`, `INFO/DP` and its stored name."""
    if table == "profiles":
        return _same(["profile", "genes", "consequences", "impacts"])
    if table == "annotations":
        return {"profile": "profile", "gene": "genes", "consequence": "consequences", "impact": "impacts"}
    stored = data.table.names()
    if table == "genotypes":
        return _same(["record", "sample", "class", *(c for c in SAMPLE_COLUMNS if c in stored)])
    names = {f"INFO_{c.column.split('_', 2)[2]}": c.column for c in data.info.values()}
    for info in data.info.values():
        names |= {f"INFO_{info.id}": info.column, f"INFO/{info.id}": info.column}
    return names | _frequencies(data) | _same([c for c in stored if c not in SAMPLE_COLUMNS])


def _frequencies(data: OpenDataset) -> Names:
    """Frequencies inside the annotation, such as `CSQ/gnomADe_AF`."""
    return {name: column for name, column in data.frequency_fields().items() if not name.startswith("INFO/")}


def _same(names: list[str]) -> Names:
    return {name: name for name in names}


def load_tables(data: OpenDataset, statement: Statement) -> dict[str, pa.Table]:
    """Each table of a statement with the columns that it names.

    Raises `ToolError` for a name that is no column, with the nearest one, and for more than memory should hold.
    """
    names = {table: column_names(data, table) for table in TABLES if table in statement.tables}
    for reference in sorted(statement.columns, key=lambda r: r[0].upper() != "INFO"):
        _check_reference(data, statement, names, reference)
    words = {word for reference in statement.columns for word in reference}
    loaded = {table: _load(data, table, _wanted(known, words)) for table, known in names.items()}
    if sum(t.nbytes for t in loaded.values()) > MAX_BYTES:
        raise ToolError("SQL: the columns that it names are over a gigabyte", "Name fewer, or use count_variants")
    return loaded


def find(names: Names, word: str) -> str | None:
    """The stored column of a name, in any case where that is clear."""
    if word in names:
        return names[word]
    same = {column for name, column in names.items() if name.casefold() == word.casefold()}
    return same.pop() if len(same) == 1 else None


def _check_reference(data: OpenDataset, statement: Statement, names: dict[str, Names], reference: list[str]) -> None:
    word = reference[0]
    if word.lower() in statement.rows and len(reference) > 1:
        word = reference[1]
    if word.lower() in statement.given or any(find(known, word) for known in names.values()):
        return
    shown = one_line(word, 80)
    if word.lower() in statement.rows:
        raise ToolError(f"SQL: {shown} is a table and no value", "Name its columns, as in v.pos or unnest(l) AS t(x)")
    if word.upper() == "INFO":
        raise ToolError("SQL: INFO/DP is read as a division", 'Write INFO_DP or "INFO/DP"')
    elsewhere = [t for t in TABLES if t not in names and find(column_names(data, t), word)]
    if elsewhere:
        raise ToolError(f"SQL: {shown} is a column of {' and '.join(elsewhere)}", f"Join it: {_JOINS[elsewhere[0]]}")
    known = [name for table in names.values() for name in table if "/" not in name]
    raise ToolError(f"SQL: there is no column {shown!r}", nearest(word, known, "Its columns are"))


_JOINS = {
    "variants": "JOIN variants USING (record)",
    "genotypes": "JOIN genotypes USING (record), one row per record and sample",
    "annotations": "JOIN annotations USING (profile), one row per annotation entry",
    "profiles": "JOIN profiles USING (profile)",
}


def _wanted(known: Names, words: set[str]) -> Names:
    """The names in use, in lower case; never none, since a table without columns has no rows."""
    wanted: Names = {}
    for word in sorted(words):
        column = find(known, word)
        if column and wanted.setdefault(word.lower(), column) != column:
            raise ToolError(f"SQL: {word} is two fields that differ in case", f"Write {column} for one of them")
    return wanted or _same(["record" if "record" in known else "profile"])


def _load(data: OpenDataset, table: str, wanted: Names) -> pa.Table:
    if table == "genotypes":
        return _genotypes(data, list(wanted))
    if table == "variants":
        stored = data.table.columns(list(dict.fromkeys(wanted.values())))
    else:
        if not data.annotated:
            raise ToolError(f"{data.name} carries no gene annotation (CSQ, ANN or BCSQ)", "Ask by region instead")
        stored = data.profiles if table == "profiles" else _entries(data.profiles)
    return pa.table({name: stored[column] for name, column in wanted.items()})


def _entries(profiles: pa.Table) -> pa.Table:
    """One row per annotation entry of a profile."""
    lists = {c: profiles[c].combine_chunks() for c in ("genes", "consequences", "impacts")}
    parents = pc.list_parent_indices(lists["genes"])
    return pa.table({"profile": profiles["profile"].take(parents)} | {c: v.flatten() for c, v in lists.items()})


def _genotypes(data: OpenDataset, wanted: list[str]) -> pa.Table:
    """One row per record and sample, records in file order."""
    data.need_samples()
    if {"gt", "class"} & set(wanted):
        data.need_genotypes()
    n = len(data.samples)
    if (cells := n * data.summary["records"]) > MAX_GENOTYPES:
        raise ToolError(f"SQL: {data.name} has {cells:,} genotypes, and {MAX_GENOTYPES:,} is the most that SQL reads",
                        "Use count_variants, sample_statistics or genotypes_at")  # fmt: skip
    stored = {"gt" if name == "class" else name for name in wanted} & set(SAMPLE_COLUMNS)
    rows = data.table.columns(["record", "n_alt", *sorted(stored)], "allele <= 1")
    return pa.table({name: _sample_column(data, rows, name, n) for name in wanted})


def _sample_column(data: OpenDataset, rows: pa.Table, name: str, n: int) -> Any:
    if name == "record":
        return np.repeat(np.asarray(rows["record"]), n)
    if name == "sample":
        return pa.DictionaryArray.from_arrays(np.tile(np.arange(n, dtype=np.int32), len(rows)), data.samples)
    lists = rows["gt" if name == "class" else name].combine_chunks()
    cells = lists.flatten() if lists.null_count == 0 else lists.values
    if name == "gt":
        return pa.DictionaryArray.from_arrays(cells, data.codes.texts)
    if name == "class":
        classes = data.codes.classes()[np.asarray(cells)]
        return pa.DictionaryArray.from_arrays(classes, [NAMES[Genotype(i)] for i in range(len(NAMES))])
    if name == "ad_alt":  # which ALT it would be is not clear where there are several
        return pc.if_else(np.repeat(np.asarray(rows["n_alt"]) > 1, n), None, cells)
    return cells
