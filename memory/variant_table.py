"""The variant table: one row per ALT allele of a dataset, in LanceDB, read in whole columns.

Three tables belong to a dataset: `variants-<digest>`, `profiles-<digest>`, one row per distinct annotation profile,
and `signatures-<digest>` (`signature_table.py`). They are written before the catalog names them and never
changed afterwards.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .ahead import Ahead
from .errors import StorageError

if TYPE_CHECKING:
    import pyarrow as pa

INDEXED_FROM = 50_000
"""Rows from which a table gets indexes: a smaller one is read faster than an index is opened."""

KINDS = ("variants", "profiles", "signatures")

REPEATED = {"chrom", "ref", "alt", "type", "filter", "change"}
"""Columns of mostly few distinct texts, stored as dictionaries: smaller, and read several times faster."""

COMPRESSED = {"record", "pos", "end"}
"""Columns of numbers that are compressed, as all texts are; the others are packed, and read four times faster."""

ALL_ROWS = 1 << 30
"""A batch size that gives a table in few pieces: LanceDB's default of 1,024 rows costs twenty times more."""


def _connect(workspace: Path) -> Any:
    os.environ.setdefault("LANCEDB_LOG", "error")  # else it reports every new table as a missing one
    import lancedb

    return lancedb.connect(workspace / "tables")


def literal(value: str | float | bool) -> str:
    """A value as a literal of the filter language, escaped by LanceDB itself."""
    from lancedb.expr import lit

    return str(lit(value).to_sql())


def table_name(kind: str, sha256: str) -> str:
    return f"{kind}-{sha256[:16]}"


def open_table(workspace: Path, name: str) -> Any:
    """A table at its newest version."""
    return _connect(workspace).open_table(name)


def write_table(workspace: Path, name: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Write a table in place of any that an ingest left unfinished; returns its version."""
    import pyarrow as pa

    stored = pa.schema([_stored(field) for field in schema], schema.metadata)
    encoded = (_encoded(batch, stored) for batch in batches)
    with _writing(workspace), closing(Ahead(encoded)) as rows:  # which begin while LanceDB is imported
        reader = pa.RecordBatchReader.from_batches(stored, rows)
        table = _connect(workspace).create_table(name, data=reader, mode="overwrite")
    return int(table.version)


def _stored(field: pa.Field) -> pa.Field:
    import pyarrow as pa

    if field.name in REPEATED:
        return pa.field(field.name, pa.dictionary(pa.int32(), pa.string()))
    if pa.types.is_string(field.type) or field.name in COMPRESSED:
        return field.with_metadata({"lance-encoding:compression": "zstd"})
    return field


def _encoded(batch: pa.RecordBatch, stored: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    columns = [c.dictionary_encode() if f.name in REPEATED else c for f, c in zip(stored, batch.columns, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=stored)


def index_table(workspace: Path, name: str, columns: Iterable[str]) -> int:
    """Make look-ups by these columns fast where the table is large; returns its version."""
    from lancedb.index import BTree

    with _writing(workspace):
        table = _connect(workspace).open_table(name)
        if table.count_rows() >= INDEXED_FROM:
            for column in columns:
                table.create_index(column, config=BTree())
    return int(table.version)


@contextlib.contextmanager
def _writing(workspace: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:
        what = f"The tables of {workspace} cannot be written: {_first_line(error)}"
        raise StorageError(what, "Is the disk full?") from error


def drop_tables(workspace: Path, sha256: str) -> None:
    """Remove the tables of a digest, as far as there are any."""
    for kind in KINDS:
        shutil.rmtree(workspace / "tables" / f"{table_name(kind, sha256)}.lance", ignore_errors=True)


def drop_tables_but(workspace: Path, digests: Iterable[str]) -> None:
    """Remove what belongs to none of these digests: an ingest that was killed, a file's earlier content."""
    keep = {f"{table_name(kind, sha256)}.lance" for kind in KINDS for sha256 in digests}
    for path in (workspace / "tables").glob("*.lance"):
        if path.name not in keep:
            shutil.rmtree(path, ignore_errors=True)


class VariantTable:
    """The stored columns of one dataset, at the version that the catalog names."""

    def __init__(self, workspace: Path, sha256: str, version: int) -> None:
        self.workspace, self.sha256, self.version = workspace, sha256, version
        self._tables: dict[str, Any] = {}

    def count(self, where: str) -> int:
        """The number of rows, that is alleles, for which `where` holds."""
        return int(self._open("variants").count_rows(where or None))

    def names(self) -> list[str]:
        """The columns there are."""
        return list(self._open("variants").schema.names)

    def columns(self, names: list[str], where: str = "") -> pa.Table:
        """Whole columns of the rows for which `where` holds, in file order."""
        whole_alt = {"alt", "n_alt"} if "alts" in names else set()
        query = self._open("variants").search().select(list(dict.fromkeys([*names, *sorted(whole_alt)])))
        rows = _gather(query.where(where) if where else query)
        return _with_whole_alt(rows).select(names) if whole_alt else rows

    def blocks(self, names: list[str], where: str, rows: int) -> Iterator[pa.RecordBatch]:
        """The same in pieces of about `rows`, so that memory does not grow with the table."""
        query = self._open("variants").search().select(names)
        for batch in (query.where(where) if where else query).to_batches(rows):
            yield _decoded(batch)

    def profiles(self) -> pa.Table:
        """The annotation profiles, in the order of their numbers."""
        return _gather(self._open("profiles").search())

    def _open(self, kind: str) -> Any:
        if kind not in self._tables:
            try:
                table = _connect(self.workspace).open_table(table_name(kind, self.sha256))
                if kind == "variants":
                    table.checkout(self.version)
            except (OSError, ValueError, RuntimeError) as error:
                raise StorageError(
                    f"The table of {self.sha256[:16]} in {self.workspace} cannot be read: {error}",
                    "Ingest the file again with `vcf-agent ingest --again`",
                ) from error
            self._tables[kind] = table
        return self._tables[kind]


def _with_whole_alt(rows: pa.Table) -> pa.Table:
    """`alts` is stored with the first of several ALT alleles only; with a single one it is that."""
    import pyarrow.compute as pc

    alts = pc.if_else(pc.less_equal(rows["n_alt"], 1), rows["alt"], rows["alts"])
    return rows.set_column(rows.column_names.index("alts"), "alts", alts)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]


def _gather(query: Any) -> pa.Table:
    import pyarrow as pa

    reader = query.to_batches(ALL_ROWS)
    batches = [_decoded(batch) for batch in reader]
    return pa.Table.from_batches(batches, schema=batches[0].schema if batches else _plain(reader.schema))


def _decoded(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same with texts in place of dictionaries."""
    return batch.cast(_plain(batch.schema))


def _plain(schema: pa.Schema) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([pa.field(f.name, pa.string()) if pa.types.is_dictionary(f.type) else f for f in schema])
