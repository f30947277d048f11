"""The variant table: one row per ALT allele of a dataset, in LanceDB, read in whole columns.

Three tables belong to a dataset: `variants-<digest>`, `profiles-<digest>`, one row per distinct annotation profile,
and `signatures-<digest>` (`signature_table.py`). They are written before the catalog names them and never
changed afterwards.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .ahead import Ahead
from .errors import StorageError
from .progress import tell

if TYPE_CHECKING:
    import pyarrow as pa

INDEXED_FROM = 50_000
"""Rows from which a table gets indexes: a smaller one is read faster than an index is opened."""

KINDS = ("variants", "profiles", "signatures")

REPEATED = {"chrom", "ref", "alt", "type", "filter", "change"}
"""Columns of mostly few distinct texts, stored as dictionaries: smaller, and read several times faster."""

COMPRESSED = {"key", "record", "pos", "end"}
"""Columns of numbers that are compressed, as all texts are; the others are packed, and read four times faster."""

Place = Path | str
"""Where tables are kept: in a workspace folder, or under the URI of an object store."""

_PRIMARY_KEY = {"lance-schema:unenforced-primary-key": "true", "lance-schema:unenforced-primary-key:position": "1"}

ALL_ROWS = 1 << 30
"""A batch size that gives a table in few pieces: LanceDB's default of 1,024 rows costs twenty times more."""


REMOTE = {"client_max_retries": "2", "client_retry_timeout": "5", "connect_timeout": "3s", "timeout": "20s"}
"""How long an object store is waited for. Its address and the credentials come from the AWS_* variables."""

_REASONS = {
    r"NoSuchBucket": "there is no such bucket",
    r"CredentialsNotLoaded|failed to load credentials": "there are no credentials for it in the environment",
    r"BadScheme": "an endpoint without TLS needs AWS_ALLOW_HTTP=true",
    r"AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|(Expired|Invalid)Token|status: 40[13]": "it denies access",
    r"ConnectError|HttpError|HTTP error|TimedOut|[Tt]imed? ?out": "it cannot be reached",
}


def uri_of(place: Place, name: str = "") -> str:
    """The address of a table; without a name, of the folder that holds all."""
    return "/".join([str(place / "tables") if isinstance(place, Path) else place, *([f"{name}.lance"] if name else [])])


def _connect(place: Place) -> Any:
    os.environ.setdefault("LANCEDB_LOG", "error")  # else it reports every new table as a missing one
    import lancedb

    return lancedb.connect(uri_of(place), storage_options=None if isinstance(place, Path) else REMOTE)


def literal(value: str | float | bool) -> str:
    """A value as a literal of the filter language, escaped by LanceDB itself."""
    from lancedb.expr import lit

    return str(lit(value).to_sql())


def table_name(kind: str, sha256: str) -> str:
    return f"{kind}-{sha256[:16]}"


def open_table(place: Place, name: str) -> Any:
    """A table at its newest version."""
    return _connect(place).open_table(name)


def stored_schema(schema: pa.Schema, key: str) -> pa.Schema:
    """The schema with what the table needs to know: how columns are compressed, and which one is the primary key.

    Lance takes one column. Without a key, rows that several processes merge in at once are there several times.
    """
    import pyarrow as pa

    fields = [_stored(field) for field in schema]
    at = schema.get_field_index(key)
    fields[at] = fields[at].with_nullable(False).with_metadata((fields[at].metadata or {}) | _PRIMARY_KEY)
    return pa.schema(fields, schema.metadata)


def write_table(place: Place, name: str, schema: pa.Schema, key: str, batches: Iterable[pa.RecordBatch]) -> int:
    """Write a table in place of any that an ingest left unfinished; returns its version."""
    import pyarrow as pa

    stored = stored_schema(schema, key)
    rows = (encoded(batch, stored) for batch in batches)
    with writing(place), closing(Ahead(rows)) as ahead:  # which begin while LanceDB is imported
        reader = pa.RecordBatchReader.from_batches(stored, ahead)
        table = _connect(place).create_table(name, data=reader, mode="overwrite")
    return int(table.version)


def _stored(field: pa.Field) -> pa.Field:
    import pyarrow as pa

    if field.name in REPEATED:
        return pa.field(field.name, pa.dictionary(pa.int32(), pa.string()))
    if pa.types.is_string(field.type) or field.name in COMPRESSED:
        return field.with_metadata({"lance-encoding:compression": "zstd"})
    return field


def encoded(batch: pa.RecordBatch, stored: pa.Schema) -> pa.RecordBatch:
    """The same under a `stored_schema`."""
    import pyarrow as pa

    columns = [c.dictionary_encode() if f.name in REPEATED else c for f, c in zip(stored, batch.columns, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=stored)


def index_table(place: Place, name: str, columns: Iterable[str]) -> int:
    """Make look-ups by these columns fast where the table is large; returns its version."""
    from lancedb.index import BTree

    with writing(place):
        table = _connect(place).open_table(name)
        if table.count_rows() >= INDEXED_FROM:
            for column in columns:
                table.create_index(column, config=BTree())
    return int(table.version)


@contextlib.contextmanager
def writing(place: Place) -> Iterator[None]:
    """What Lance raises, as a `StorageError`."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        raise _complaint(place, "written", error, "Is the disk full?") from error


@contextlib.contextmanager
def reading(place: Place, opening: bool = False) -> Iterator[None]:
    """As `writing`. Once a table is open, only a file or a store that is gone is no bug."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        if opening or isinstance(error, OSError) or "(IO)" in str(error):
            raise _complaint(place, "read", error, "Ingest the file again with `vcf-agent ingest --again`") from error
        raise


def _complaint(place: Place, verb: str, error: Exception, way_out: str) -> StorageError:
    what = f"The tables of {place} cannot be {verb}: "
    if isinstance(place, Path):
        return StorageError(what + _first_line(error), way_out)
    way_out = "Check AWS_ENDPOINT, AWS_REGION and the credentials in the environment, then run it again"
    known = next((reason for pattern, reason in _REASONS.items() if re.search(pattern, str(error))), None)
    code = re.search(r"<Code>(\w+)</Code>", str(error))  # the whole reply may hold the id of an access key
    return StorageError(what + (known or (f"it says {code[1]}" if code else _first_line(error))), way_out)


def drop_tables(place: Place, sha256: str) -> None:
    """Remove the tables of a digest, as far as there are any and they can be reached."""
    with contextlib.suppress(StorageError):
        _drop(place, [table_name(kind, sha256) for kind in KINDS])


def drop_tables_but(place: Place, digests: Iterable[str]) -> None:
    """Remove what belongs to none of these digests: an ingest that was killed, a file's earlier content."""
    keep = {table_name(kind, sha256) for kind in KINDS for sha256 in digests}
    _drop(place, [name for name in _names(place) if name not in keep])


def _names(place: Place) -> list[str]:
    if isinstance(place, Path):
        return [path.stem for path in (place / "tables").glob("*.lance")]
    with writing(place):
        return list(_connect(place).list_tables(limit=1 << 20).tables)


def _drop(place: Place, names: list[str]) -> None:
    if isinstance(place, Path):
        for name in names:
            shutil.rmtree(place / "tables" / f"{name}.lance", ignore_errors=True)
    elif names:
        with writing(place):
            store = _connect(place)
            for name in names:
                store.drop_table(name, ignore_missing=True)


class VariantTable:
    """The stored columns of one dataset, at the version that the catalog names."""

    def __init__(self, place: Place, sha256: str, version: int) -> None:
        self.place, self.sha256, self.version = place, sha256, version
        self._tables: dict[str, Any] = {}

    def count(self, where: str) -> int:
        """The number of rows, that is alleles, for which `where` holds."""
        table = self._open("variants")
        with reading(self.place):
            return int(table.count_rows(where or None))

    def names(self) -> list[str]:
        """The columns there are."""
        return list(self._open("variants").schema.names)

    def columns(self, names: list[str], where: str = "") -> pa.Table:
        """Whole columns of the rows for which `where` holds, in file order."""
        whole_alt = {"alt", "n_alt"} if "alts" in names else set()
        query = self._open("variants").search().select(list(dict.fromkeys([*names, *sorted(whole_alt)])))
        with reading(self.place):
            rows = _gather(query.where(where) if where else query)
        return _with_whole_alt(rows).select(names) if whole_alt else rows

    def blocks(self, names: list[str], where: str, rows: int) -> Iterator[pa.RecordBatch]:
        """The same in pieces of about `rows`, so that memory does not grow with the table."""
        table = self._open("variants")
        query, total, done = table.search().select(names), None if where else table.count_rows(), 0
        with reading(self.place):
            for batch in (query.where(where) if where else query).to_batches(rows):
                tell("rows read", done, total)
                done += len(batch)
                yield _decoded(batch)

    def profiles(self) -> pa.Table:
        """The annotation profiles, in the order of their numbers."""
        table = self._open("profiles")
        with reading(self.place):
            return _gather(table.search())

    def _open(self, kind: str) -> Any:
        if kind not in self._tables:
            with reading(self.place, opening=True):
                table = open_table(self.place, table_name(kind, self.sha256))
                if kind == "variants":
                    table.checkout(self.version)
            self._tables[kind] = table
        return self._tables[kind]


def _with_whole_alt(rows: pa.Table) -> pa.Table:
    """`alts` is stored with the first of several ALT alleles only; with a single one it is that."""
    import pyarrow.compute as pc

    alts = pc.if_else(pc.less_equal(rows["n_alt"], 1), rows["alt"], rows["alts"])
    return rows.set_column(rows.column_names.index("alts"), "alts", alts)


def _first_line(error: Exception) -> str:
    line = str(error).partition("\n")[0]
    return re.sub(r", \S+\.rs:\d+:\d+$", "", line)[:300]  # where in Lance's own source it happened


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
