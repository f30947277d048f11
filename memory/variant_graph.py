"""One immutable generation of the graph: a Kuzu file written in bulk from Arrow, and then only read.

graph_writer.py writes one, whole or not at all; read_graph() opens one for queries. The graph is derived data: which
generation is current is the catalog's business, and any of them can be rebuilt from the variant table.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import StorageError, ToolError, VcfAgentError
from .graph_schema import ALL, ENDS, PROPERTIES, GraphCounts

if TYPE_CHECKING:
    import pyarrow as pa

    from .read_only_cypher import Statement

READ_POOL = 256 << 20
"""Bytes of buffer pool for a reader; Kuzu's own default is 80 % of the machine's memory."""

MAX_FILE = 1 << 34
"""Bytes of address space for one file, a power of two; Kuzu's 8 TiB fails where address space is limited."""


def graph_path(workspace: Path, generation: int) -> Path:
    """Where a generation of the graph stands."""
    return workspace / "graph" / f"{generation}.kuzu"


def drop_older_graphs(workspace: Path, generation: int) -> None:
    """Remove the generations before one that is committed; whoever has one open goes on reading it."""
    for path in (workspace / "graph").glob("*.kuzu*"):
        number = path.name.partition(".")[0]
        if number.isdigit() and int(number) < generation:
            path.unlink(missing_ok=True)


@dataclass(frozen=True)
class GraphAnswer:
    """Rows of a statement as plain JSON values; `total` counts all of them, also where only some are fetched."""

    columns: list[str]
    rows: list[list[Any]]
    total: int


class VariantGraph:
    """An open generation. Threads may share it: each query has its own connection."""

    def __init__(self, path: Path, database: Any) -> None:
        self._path = path
        self._database = database

    def query(self, cypher: str, **parameters: object) -> pa.Table:
        """The rows of one trusted statement; values go in as parameters ("$name"), never as text.

        Never give it Cypher that a model or a user wrote: reading only, Kuzu still opens any file it names.
        That goes through `read_only()` to `answer()`.
        """
        import kuzu

        connection = kuzu.Connection(self._database)
        try:
            return fetch(connection, cypher, parameters)
        except RuntimeError as error:
            if str(error).startswith(_MISTAKES):
                raise
            raise _unreadable(self._path, error) from error
        finally:
            connection.close()

    def answer(self, statement: Statement, limit: int, seconds: float) -> GraphAnswer:
        """The first `limit` rows of what `read_only()` gave. Raises `ToolError` where Kuzu cannot run it in time."""
        import kuzu

        connection = kuzu.Connection(self._database, num_threads=2)
        connection.set_query_timeout(max(1, int(seconds * 1000)))
        try:
            rows, total = _first_rows(connection, statement, limit)
        except RuntimeError as error:
            raise _unanswered(self._path, error, seconds) from error
        finally:
            connection.close()
        return GraphAnswer(statement.columns, [[_plain(cell) for cell in row] for row in rows], total)

    def rows(self, table: str) -> pa.Table:
        """All rows of a node or relation table, with the columns that a writer gives it."""
        found = next(t for t in ALL if t.name == table)
        if not found.ends:
            return found.typed(self.query(f"MATCH (x:{table}) RETURN {_returned('x', found.columns)}"))
        (source, target), keys = found.ends, {t.name: t.columns[0] for t in ALL if not t.ends}
        ends = f"a.{keys[source]} AS {found.columns[0]}, b.{keys[target]} AS {found.columns[1]}"
        properties = ", ".join(["", _returned("e", found.columns[2:])]) if found.columns[2:] else ""
        return found.typed(self.query(f"MATCH (a:{source})-[e:{table}]->(b:{target}) RETURN {ends}{properties}"))

    def counts(self) -> GraphCounts:
        sizes = {table: int(self.query(table.count())["n"][0].as_py()) for table in ALL}
        return GraphCounts(
            nodes={table.name: size for table, size in sizes.items() if not table.ends},
            edges={table.name: size for table, size in sizes.items() if table.ends},
        )


def _returned(name: str, columns: tuple[str, ...]) -> str:
    return ", ".join(f"{name}.{column} AS {column}" for column in columns)


# What Kuzu's messages begin with when the statement is at fault, and not the file.
_MISTAKES = ("Binder exception", "Parser exception", "Catalog exception", "Parameter ")


@contextmanager
def read_graph(path: Path) -> Iterator[VariantGraph]:
    """The generation at `path`, for queries; it may be replaced or deleted meanwhile."""
    try:
        database = open_database(path, READ_POOL, read_only=True)
    except (RuntimeError, OSError, IndexError, MemoryError) as error:
        raise _unreadable(path, error) from error
    try:
        graph = VariantGraph(path, database)
        _check_schema(graph, path)
        yield graph
    finally:
        database.close()


# Kuzu, and its errors.


def open_database(path: Path, pool: int, *, read_only: bool) -> Any:
    import kuzu

    return kuzu.Database(path, buffer_pool_size=pool, max_db_size=MAX_FILE, read_only=read_only)


def fetch(connection: Any, cypher: str, parameters: dict[str, object]) -> pa.Table:
    result = connection.execute(cypher, parameters)
    try:
        rows: pa.Table = result.get_as_arrow()
    finally:
        result.close()
    return rows


def _first_rows(connection: Any, statement: Statement, limit: int) -> tuple[list[list[Any]], int]:
    result = connection.execute(statement.text, statement.parameters)
    try:
        total = int(result.get_num_tuples())
        return [result.get_next() for _ in range(min(limit, total))], total
    finally:
        result.close()


def _plain(cell: Any) -> Any:
    """A value as JSON has it: nodes and relations by their properties, without Kuzu's own numbers."""
    if isinstance(cell, dict):
        label = cell["_label"]
        kind = "type" if label in ENDS else "label"
        return {kind: label, **{column: cell.get(column) for column in PROPERTIES[label]}}
    if isinstance(cell, list):
        return [_plain(each) for each in cell]
    if isinstance(cell, Decimal):  # a sum of whole numbers
        return int(cell)
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _check_schema(graph: VariantGraph, path: Path) -> None:
    names = graph.query("CALL show_tables() RETURN name")["name"].to_pylist()
    missing = [table.name for table in ALL if table.name not in names]
    if missing:
        raise _unreadable(path, f"it has no table {missing[0]}")


def _unreadable(path: Path, reason: object) -> StorageError:
    if "Buffer manager" in str(reason):
        return StorageError(f"the question needs more than {READ_POOL >> 20} MB of {path}", "Ask for less at once")
    way_out = "The graph is derived data: ingest the files again to rebuild it"
    return StorageError(f"the graph {path} could not be read: {reason}", way_out)


def _unanswered(path: Path, error: RuntimeError, seconds: float) -> VcfAgentError:
    """Why a user's statement was not run. What fails while it runs is told by its kind: the text may hold genotypes."""
    text = str(error)
    if text.startswith("Interrupted"):
        return ToolError(
            f"The graph had no answer within {seconds:g} s", "Ask for less: more conditions, fewer patterns"
        )
    if text.startswith("Buffer manager"):
        return ToolError(
            f"The answer needs more than {READ_POOL >> 20} MB", "Ask for less at once: count, or add conditions"
        )
    if text.startswith("IO exception"):
        return _unreadable(path, error)
    reason = " ".join(text.split())[:300] if text.startswith(_MISTAKES) else text.partition(":")[0][:60]
    return ToolError(f"The graph cannot run the statement: {reason}", "Change the statement")
