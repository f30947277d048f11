"""Writing a generation of the graph: rows are staged on disk, then added to Kuzu in a process of its own.

write_generation() fills a temporary folder beside the file and renames at the end, so that a reader meets the whole
generation or none of it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import StorageError
from .graph_schema import ALL, IN_DATASET, TABLES, GraphCounts, GraphRows, Table, distinct
from .release import release_memory
from .variant_graph import fetch, open_database, read_graph

if TYPE_CHECKING:
    import pyarrow as pa

WRITE_POOL = 1 << 28
"""Bytes of buffer pool for the writer; Kuzu's own default is 80 % of the machine's memory."""

SCAN = 1_000_000
"""Nodes fetched at a time, with their edges, when a dataset is compared with what the graph holds."""

_WINDOW = "offset(id(x)) >= $start AND offset(id(x)) < $stop"
_FILE = "graph.kuzu"
_TEMPORARY = ".writing-"


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
                table = TABLES[field.name]
                rows = _checked(table, getattr(block, field.name))
                if field.name not in writers:
                    writer = pa.ipc.new_stream(str(part / table.name), rows.schema)
                    writers[field.name] = stack.enter_context(writer)
                writers[field.name].write_table(rows)


def _checked(table: Table, rows: pa.Table) -> pa.Table:
    typed = table.typed(rows)
    for key in table.columns[: len(table.ends) or 1]:
        if typed[key].null_count:
            raise ValueError(f"{table.name}.{key} has a null")
    if not table.ends:
        return typed
    return _repetitive(typed if table.name == "CARRIES" else distinct(typed))


def _repetitive(edges: pa.Table) -> pa.Table:
    """Edges with all but their variants as dictionaries: the digest in a sample's key alone is 64 bytes."""
    columns = {n: edges[n] if n == "variant" else edges[n].dictionary_encode() for n in edges.column_names}
    return edges.from_pydict(columns)


def _staged(part: Path, table: Table) -> pa.Table:
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
    database = open_database(folder / _FILE, WRITE_POOL, read_only=False)
    connection = kuzu.Connection(database)
    for table in ALL if new else ():
        _run(connection, table.create())
    for part in sorted((entry for entry in folder.iterdir() if entry.is_dir()), key=lambda p: int(p.name)):
        _add_dataset(database, connection, part)
    _run(connection, "CHECKPOINT")
    connection.close()
    database.close()


def _add_dataset(database: Any, connection: Any, part: Path) -> None:
    known = {table.name: _size(connection, table) for table in TABLES.values() if not table.ends}
    for table in TABLES.values():
        if not table.ends:
            _copy(database, table, _new_nodes(connection, part, table, known[table.name]))
    added = _size(connection, TABLES["variants"]) - known["Variant"]
    all_new = added == _staged(part, TABLES["variants"]).num_rows
    _add_edges(database, connection, part, known["Variant"], all_new=all_new)


def _new_nodes(connection: Any, part: Path, table: Table, known: int) -> pa.Table:
    """The staged nodes that are not among the `known` ones of the graph, each key once.

    Not COPY (IGNORE_ERRORS=true), which now and then fails or crashes on a million duplicates; MERGE and
    OPTIONAL MATCH fill the buffer pool.
    """
    import pyarrow.compute as pc

    key = table.columns[0]
    rows = _first_by_key(_staged(part, table), key)
    for start in range(0, known, SCAN):
        cypher = f"MATCH (x:{table.name}) WHERE {_WINDOW} RETURN x.{key} AS key"
        there = fetch(connection, cypher, {"start": start, "stop": start + SCAN})["key"]
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
    _copy(database, TABLES["carries"], _staged(part, TABLES["carries"]))
    _copy(database, TABLES["parent_of"], distinct(_staged(part, TABLES["parent_of"])))
    for table in (TABLES["in_gene"], TABLES["asserted"]):
        rows = _staged(part, table) if all_new else _new_edges(connection, part, table, known)
        _copy(database, table, rows)
    _copy(database, IN_DATASET, _in_dataset(part, all_new=all_new))


def _size(connection: Any, table: Table) -> int:
    return int(fetch(connection, table.count(), {})["n"][0].as_py())


def _copy(database: Any, table: Table, rows: pa.Table) -> None:
    import kuzu

    connection = kuzu.Connection(database)  # of its own, since one holds on to all rows that it has copied
    _run(connection, f"COPY {table.name} FROM $rows", rows=rows)
    connection.close()


def _new_edges(connection: Any, part: Path, table: Table, known: int) -> pa.Table:
    """The staged edges of `table` that the first `known` variants of the graph do not have."""
    rows = distinct(table.typed(_staged(part, table)))
    for start in range(0, known, SCAN):
        rows = distinct(rows, _edges(connection, table, start))
    return rows


def _edges(connection: Any, table: Table, start: int) -> pa.Table:
    """The edges of SCAN variants of the graph, in its own order, from `start`."""
    source, target, *properties = table.columns
    key = next(node for node in ALL if node.name == table.ends[1]).columns[0]
    columns = [f"x.id AS {source}", f"t.{key} AS {target}", *(f"e.{name} AS {name}" for name in properties)]
    cypher = f"MATCH (x:Variant)-[e:{table.name}]->(t:{table.ends[1]}) WHERE {_WINDOW} RETURN {', '.join(columns)}"
    return table.typed(fetch(connection, cypher, {"start": start, "stop": start + SCAN}))


def _in_dataset(part: Path, *, all_new: bool) -> pa.Table:
    """The alleles that no sample carries: the others are in the dataset of their carriers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    carried = _staged(part, TABLES["carries"])["variant"]
    variants = _staged(part, TABLES["variants"]).select(["id"])
    variants = variants.filter(pc.invert(pc.is_in(variants["id"], value_set=carried)))
    dataset = _staged(part, TABLES["dataset"])["id"][0].as_py()
    once = variants if all_new else _first_by_key(variants, "id")
    # A dictionary, since a million copies of a digest are 64 MB.
    same = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int8()), once.num_rows), [dataset])
    return pa.table({"variant": once["id"], "dataset": same})


def _run(connection: Any, statement: str, **parameters: object) -> None:
    connection.execute(statement, parameters).close()


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, reason: object) -> StorageError:
    way_out = f"Check the free space and the permissions of {path.parent}, then ingest again"
    return StorageError(f"the graph {path} could not be written: {reason}", way_out)


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
