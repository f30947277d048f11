"""The variant table: one row per ALT allele of a dataset, in LanceDB, read in whole columns.

Three tables belong to a dataset: `variants-<digest>`, `profiles-<digest>`, one row per distinct annotation profile,
and `signatures-<digest>` (`signature_table.py`). They are written before the catalog names them and never
changed afterwards.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from .errors import StorageError

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


def write_table(workspace: Path, name: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Write a table in place of any that an ingest left unfinished; returns its version."""
    reader = pa.RecordBatchReader.from_batches(schema, batches)
    try:
        table = _connect(workspace).create_table(name, data=reader, mode="overwrite")
    except (OSError, RuntimeError) as error:
        raise StorageError(
            f"The tables of {workspace} cannot be written: {_first_line(error)}", "Is the disk full?"
        ) from error
    return int(table.version)


def open_table(workspace: Path, name: str) -> Any:
    """A table at its newest version."""
    return _connect(workspace).open_table(name)


def drop_tables(workspace: Path, sha256: str) -> None:
    """Remove the tables of a digest, as far as there are any."""
    for kind in ("variants", "profiles", "signatures"):
        shutil.rmtree(workspace / "tables" / f"{table_name(kind, sha256)}.lance", ignore_errors=True)


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
        query = self._open("variants").search().select(names)
        return _gather(query.where(where) if where else query)

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


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]


def _gather(query: Any) -> pa.Table:
    reader = query.to_batches(ALL_ROWS)
    batches = list(reader)
    return pa.Table.from_batches(batches, schema=reader.schema if not batches else batches[0].schema)
