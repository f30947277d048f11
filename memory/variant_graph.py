"""One immutable generation of the graph: a Kuzu file written in bulk from Arrow, and then only read.

write_generation() fills a temporary folder beside the file and renames at the end, so that a reader meets
the whole generation or none of it. read_graph() opens one for queries. The graph is derived data: which
generation is current is the catalog's business, and any of them can be rebuilt from the variant table.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import StorageError, ToolError, VcfAgentError
from .release import release_memory

if TYPE_CHECKING:
    import pyarrow as pa

    from .read_only_cypher import Statement

READ_POOL = 256 << 20
"""Bytes of buffer pool for a reader; Kuzu's own default is 80 % of the machine's memory."""

WRITE_POOL = 1 << 28
"""Bytes of buffer pool for the writer: a ceiling, of which a million variants use an eighth."""

MAX_FILE = 1 << 34
"""Bytes of address space for one file, a power of two; Kuzu's 8 TiB fails where address space is limited."""

SCAN = 1_000_000
"""Nodes fetched at a time, with their edges, when a dataset is compared with what the graph holds."""

_WINDOW = "offset(id(x)) >= $start AND offset(id(x)) < $stop"
_FILE = "graph.kuzu"
_TEMPORARY = ".writing-"


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
class GraphRows:
    """A block of one dataset's rows, each column a string unless noted; further columns are ignored.

    Blocks of one dataset stand together, and may repeat a dataset, sample, gene or condition. An edge stands
    in the block of its variant. `carries` is stored row for row (a record that stands twice in a file is two
    calls); of the other tables, equal rows are stored once.
    """

    dataset: pa.Table
    """One row: id (SHA-256 of the file), name."""
    samples: pa.Table
    """id ("<dataset id>/<sample name>"), name, dataset (its id), sex, affected; the last two may be null."""
    variants: pa.Table
    """id ("CHROM:POS:REF:ALT"), chrom, pos (int64, 1-based), ref, alt."""
    genes: pa.Table
    """symbol."""
    conditions: pa.Table
    """name."""
    carries: pa.Table
    """sample (id), variant (id), genotype (as in the file: "0/1", "1|0", "1")."""
    in_gene: pa.Table
    """variant (id), gene (symbol), consequence, impact; the last two may be null."""
    asserted: pa.Table
    """variant (id), condition (name), significance, review_status; the last two may be null."""
    parent_of: pa.Table
    """parent (sample id), child (sample id)."""


@dataclass(frozen=True)
class GraphCounts:
    """Rows per table of the graph."""

    nodes: dict[str, int]
    edges: dict[str, int]


@dataclass(frozen=True)
class _Table:
    """A table of the graph; its columns begin with the primary key, or with the keys of both ends."""

    name: str
    columns: tuple[str, ...]
    ends: tuple[str, ...] = ()

    def create(self) -> str:
        typed = [f"{column} {'INT64' if column == 'pos' else 'STRING'}" for column in self.columns]
        if not self.ends:
            return f"CREATE NODE TABLE {self.name}({', '.join(typed)}, PRIMARY KEY({self.columns[0]}))"
        return f"CREATE REL TABLE {self.name}({', '.join(['FROM {} TO {}'.format(*self.ends), *typed[2:]])})"

    def count(self) -> str:
        pattern = f"()-[x:{self.name}]->()" if self.ends else f"(x:{self.name})"
        return f"MATCH {pattern} RETURN count(*) AS n"

    def typed(self, rows: pa.Table) -> pa.Table:
        import pyarrow as pa

        types = [(column, pa.int64() if column == "pos" else pa.string()) for column in self.columns]
        return rows.select(list(self.columns)).cast(pa.schema(types))


def expected_rows(rows: Iterable[GraphRows]) -> dict[str, pa.Table]:
    """What a graph of these rows holds, by table; for a comparison with what a graph does hold."""
    import pyarrow as pa

    parts: dict[str, list[pa.Table]] = {table.name: [] for table in _TABLES.values()}
    for block in rows:
        for field, table in _TABLES.items():
            parts[table.name].append(table.typed(getattr(block, field)))
    whole = {name: pa.concat_tables(found) for name, found in parts.items() if found}
    return {name: table if name == "CARRIES" else _distinct(table) for name, table in whole.items()}


# By the field of GraphRows that fills it; nodes come before the edges that need them.
_TABLES = {
    "dataset": _Table("Dataset", ("id", "name")),
    "samples": _Table("Sample", ("id", "name", "dataset", "sex", "affected")),
    "variants": _Table("Variant", ("id", "chrom", "pos", "ref", "alt")),
    "genes": _Table("Gene", ("symbol",)),
    "conditions": _Table("Condition", ("name",)),
    "carries": _Table("CARRIES", ("sample", "variant", "genotype"), ("Sample", "Variant")),
    "in_gene": _Table("IN_GENE", ("variant", "gene", "consequence", "impact"), ("Variant", "Gene")),
    "asserted": _Table("ASSERTED", ("variant", "condition", "significance", "review_status"), ("Variant", "Condition")),
    "parent_of": _Table("PARENT_OF", ("parent", "child"), ("Sample", "Sample")),
}
_IN_DATASET = _Table("IN_DATASET", ("variant", "dataset"), ("Variant", "Dataset"))
_ALL = (*_TABLES.values(), _IN_DATASET)

PROPERTIES = {table.name: table.columns[len(table.ends) :] for table in _ALL}
"""What can be asked of each node and relation, by its name."""

ENDS = {table.name: table.ends for table in _ALL if table.ends}
"""The node that each relation starts from, and the one that it leads to."""


def schema_in_words() -> str:
    """The graph for a model: `Gene(symbol), …; CARRIES(genotype) Sample->Variant, …`."""
    named = {name: f"{name}({', '.join(columns)})" if columns else name for name, columns in PROPERTIES.items()}
    nodes = [named[name] for name in named if name not in ENDS]
    return f"{', '.join(nodes)}; {', '.join(f'{named[name]} {a}->{b}' for name, (a, b) in ENDS.items())}"


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
            return _fetch(connection, cypher, parameters)
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
        found = next(t for t in _ALL if t.name == table)
        if not found.ends:
            return found.typed(self.query(f"MATCH (x:{table}) RETURN {_returned('x', found.columns)}"))
        (source, target), keys = found.ends, {t.name: t.columns[0] for t in _ALL if not t.ends}
        ends = f"a.{keys[source]} AS {found.columns[0]}, b.{keys[target]} AS {found.columns[1]}"
        properties = ", ".join(["", _returned("e", found.columns[2:])]) if found.columns[2:] else ""
        return found.typed(self.query(f"MATCH (a:{source})-[e:{table}]->(b:{target}) RETURN {ends}{properties}"))

    def counts(self) -> GraphCounts:
        sizes = {table: int(self.query(table.count())["n"][0].as_py()) for table in _ALL}
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
        database = _database(path, READ_POOL, read_only=True)
    except (RuntimeError, OSError, IndexError, MemoryError) as error:
        raise _unreadable(path, error) from error
    try:
        graph = VariantGraph(path, database)
        _check_schema(graph, path)
        yield graph
    finally:
        database.close()


def write_generation(path: Path, rows: Iterable[GraphRows], previous: Path | None = None) -> GraphCounts:
    """Write the generation `previous` and `rows` together to `path`, all or nothing.

    A dataset that `previous` holds already is a ValueError. One writer at a time: the caller holds the
    workspace's lock, and what a killed writer left behind is swept here.
    """
    with _storage_errors(path), _temporary_folder(path.parent) as folder:
        _stage(rows, folder, _start(folder / _FILE, previous))
        release_memory()
        _run_writer(folder, path)
        with read_graph(folder / _FILE) as graph:
            counts = graph.counts()
        _publish(folder / _FILE, path)
    return counts


def _start(file: Path, previous: Path | None) -> set[str]:
    """The datasets that the generation begins with."""
    if previous is None:
        return set()
    shutil.copyfile(previous, file)
    with read_graph(file) as graph:
        return {str(key) for key in graph.query("MATCH (d:Dataset) RETURN d.id AS id")["id"].to_pylist()}


@contextmanager
def _temporary_folder(parent: Path) -> Iterator[Path]:
    parent.mkdir(parents=True, exist_ok=True)
    for left_behind in parent.glob(f"{_TEMPORARY}*"):
        shutil.rmtree(left_behind, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=parent, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _publish(file: Path, path: Path) -> None:
    _sync(file)
    file.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# Staging: blocks go to disk, since a second COPY into a table costs twice the first.


def _stage(rows: Iterable[GraphRows], folder: Path, known: set[str]) -> None:
    for number, (dataset, blocks) in enumerate(groupby(rows, _dataset_id)):
        if dataset in known:
            raise ValueError(f"dataset {dataset} is in the graph already")
        known.add(dataset)
        part = folder / str(number)
        part.mkdir()
        _stage_dataset(blocks, part)


def _dataset_id(block: GraphRows) -> str:
    return str(block.dataset["id"][0].as_py())


def _stage_dataset(blocks: Iterable[GraphRows], part: Path) -> None:
    import pyarrow as pa

    with ExitStack() as stack:
        writers: dict[str, Any] = {}
        for block in blocks:
            for field in fields(block):
                table = _TABLES[field.name]
                rows = _checked(table, getattr(block, field.name))
                if field.name not in writers:
                    writer = pa.ipc.new_stream(str(part / table.name), rows.schema)
                    writers[field.name] = stack.enter_context(writer)
                writers[field.name].write_table(rows)


def _checked(table: _Table, rows: pa.Table) -> pa.Table:
    typed = table.typed(rows)
    for key in table.columns[: len(table.ends) or 1]:
        if typed[key].null_count:
            raise ValueError(f"{table.name}.{key} has a null")
    if not table.ends:
        return typed
    return _repetitive(typed if table.name == "CARRIES" else _distinct(typed))


def _repetitive(edges: pa.Table) -> pa.Table:
    """Edges with all but their variants as dictionaries: the digest in a sample's key alone is 64 bytes."""
    columns = {n: edges[n] if n == "variant" else edges[n].dictionary_encode() for n in edges.column_names}
    return edges.from_pydict(columns)


def _staged(part: Path, table: _Table) -> pa.Table:
    import pyarrow as pa

    with pa.memory_map(str(part / table.name)) as source:
        return pa.ipc.open_stream(source).read_all().unify_dictionaries()


# Writing: in a process of its own, since Kuzu crashes or hangs when the disk is full.


def _run_writer(folder: Path, path: Path) -> None:
    command = [sys.executable, "-P", "-m", __name__, str(folder)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    lines = done.stderr.strip().splitlines() or [_death(done.returncode)]
    reason = lines[-1].removeprefix("RuntimeError: ")[:300]
    if reason.startswith("Copy exception"):
        raise ValueError(reason)
    raise _unwritable(path, f"{reason} ({shutil.disk_usage(folder).free >> 20} MB free)")


def _death(code: int) -> str:
    return f"the writer ended with {signal.Signals(-code).name if code < 0 else code}"


def _write(folder: Path) -> None:
    """Called in the writer's process, which after an error leaves without closing: closing may hang."""
    import kuzu

    new = not (folder / _FILE).exists()
    database = _database(folder / _FILE, WRITE_POOL, read_only=False)
    connection = kuzu.Connection(database)
    for table in _ALL if new else ():
        _run(connection, table.create())
    for part in sorted((entry for entry in folder.iterdir() if entry.is_dir()), key=lambda p: int(p.name)):
        _add_dataset(database, connection, part)
    _run(connection, "CHECKPOINT")
    connection.close()
    database.close()


def _add_dataset(database: Any, connection: Any, part: Path) -> None:
    known = {table.name: _size(connection, table) for table in _TABLES.values() if not table.ends}
    for table in _TABLES.values():
        if not table.ends:
            _copy(database, table, _new_nodes(connection, part, table, known[table.name]))
    added = _size(connection, _TABLES["variants"]) - known["Variant"]
    all_new = added == _staged(part, _TABLES["variants"]).num_rows
    _add_edges(database, connection, part, known["Variant"], all_new=all_new)


def _new_nodes(connection: Any, part: Path, table: _Table, known: int) -> pa.Table:
    """The staged nodes that are not among the `known` ones of the graph, each key once.

    Not COPY (IGNORE_ERRORS=true), which now and then fails or crashes on a million duplicates; MERGE and
    OPTIONAL MATCH fill the buffer pool.
    """
    import pyarrow.compute as pc

    key = table.columns[0]
    rows = _first_by_key(_staged(part, table), key)
    for start in range(0, known, SCAN):
        cypher = f"MATCH (x:{table.name}) WHERE {_WINDOW} RETURN x.{key} AS key"
        there = _fetch(connection, cypher, {"start": start, "stop": start + SCAN})["key"]
        rows = rows.filter(pc.invert(pc.is_in(rows[key], value_set=there)))
    return rows


def _first_by_key(rows: pa.Table, key: str) -> pa.Table:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    suspects = _at_one_place(rows) if "pos" in rows.column_names and rows.num_rows else rows[key]
    if pc.count_distinct(suspects).as_py() == len(suspects):
        return rows
    numbered = pa.table({"key": rows[key], "row": np.arange(rows.num_rows)})
    return rows.take(numbered.group_by("key", use_threads=False).aggregate([("row", "min")])["row_min"])


def _at_one_place(variants: pa.Table) -> pa.ChunkedArray:
    """The keys that may stand twice: those beside another of the same position, or all where they are not sorted."""
    import numpy as np

    contig = variants["chrom"].combine_chunks().dictionary_encode()
    code, pos = contig.indices.to_numpy(), variants["pos"].to_numpy()
    same_contig, step = code[1:] == code[:-1], np.diff(pos)
    if (~same_contig).sum() >= max(len(contig.dictionary), 1) or (step[same_contig] < 0).any():
        return variants["id"]
    beside = np.append(same_contig & (step == 0), False)
    return variants["id"].filter(beside | np.roll(beside, 1))


def _add_edges(database: Any, connection: Any, part: Path, known: int, *, all_new: bool) -> None:
    """Only where a variant was there before, or stands twice, is there an edge to leave out."""
    _copy(database, _TABLES["carries"], _staged(part, _TABLES["carries"]))
    _copy(database, _TABLES["parent_of"], _distinct(_staged(part, _TABLES["parent_of"])))
    for table in (_TABLES["in_gene"], _TABLES["asserted"]):
        rows = _staged(part, table) if all_new else _new_edges(connection, part, table, known)
        _copy(database, table, rows)
    _copy(database, _IN_DATASET, _in_dataset(part, all_new=all_new))


def _size(connection: Any, table: _Table) -> int:
    return int(_fetch(connection, table.count(), {})["n"][0].as_py())


def _copy(database: Any, table: _Table, rows: pa.Table) -> None:
    import kuzu

    connection = kuzu.Connection(database)  # of its own, since one holds on to all rows that it has copied
    _run(connection, f"COPY {table.name} FROM $rows", rows=rows)
    connection.close()


def _new_edges(connection: Any, part: Path, table: _Table, known: int) -> pa.Table:
    """The staged edges of `table` that the first `known` variants of the graph do not have."""
    rows = _distinct(table.typed(_staged(part, table)))
    for start in range(0, known, SCAN):
        rows = _distinct(rows, _edges(connection, table, start))
    return rows


def _edges(connection: Any, table: _Table, start: int) -> pa.Table:
    """The edges of SCAN variants of the graph, in its own order, from `start`."""
    source, target, *properties = table.columns
    key = next(node for node in _ALL if node.name == table.ends[1]).columns[0]
    columns = [f"x.id AS {source}", f"t.{key} AS {target}", *(f"e.{name} AS {name}" for name in properties)]
    cypher = f"MATCH (x:Variant)-[e:{table.name}]->(t:{table.ends[1]}) WHERE {_WINDOW} RETURN {', '.join(columns)}"
    return table.typed(_fetch(connection, cypher, {"start": start, "stop": start + SCAN}))


def _distinct(rows: pa.Table, known: pa.Table | None = None) -> pa.Table:
    """The rows, each once, without those of `known`; group_by because a join never matches null with null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = [(rows, False)] if known is None else [(known, True), (rows, False)]
    marked = [part.append_column("known", pa.repeat(mark, part.num_rows)) for part, mark in parts]
    grouped = pa.concat_tables(marked).group_by(rows.column_names, use_threads=False)
    both = grouped.aggregate([("known", "any")])
    return both.filter(pc.invert(both["known_any"])).select(rows.column_names)


def _in_dataset(part: Path, *, all_new: bool) -> pa.Table:
    import pyarrow as pa

    variants = _staged(part, _TABLES["variants"]).select(["id"])
    dataset = _staged(part, _TABLES["dataset"])["id"][0].as_py()
    distinct = variants if all_new else _first_by_key(variants, "id")
    # A dictionary, since a million copies of a digest are 64 MB.
    same = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int8()), distinct.num_rows), [dataset])
    return pa.table({"variant": distinct["id"], "dataset": same})


# Kuzu, and its errors.


def _database(path: Path, pool: int, *, read_only: bool) -> Any:
    import kuzu

    return kuzu.Database(path, buffer_pool_size=pool, max_db_size=MAX_FILE, read_only=read_only)


def _run(connection: Any, statement: str, **parameters: object) -> None:
    connection.execute(statement, parameters).close()


def _fetch(connection: Any, cypher: str, parameters: dict[str, object]) -> pa.Table:
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
    missing = [table.name for table in _ALL if table.name not in names]
    if missing:
        raise _unreadable(path, f"it has no table {missing[0]}")


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, reason: object) -> StorageError:
    way_out = f"Check the free space and the permissions of {path.parent}, then ingest again"
    return StorageError(f"the graph {path} could not be written: {reason}", way_out)


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


def _main() -> None:
    import traceback

    try:
        _write(Path(sys.argv[1]))
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


if __name__ == "__main__":
    _main()
