"""The process in which DuckDB runs: one statement is parsed, and run where the parent then sends tables for it.

A process of its own, since an interrupt does not stop every function of DuckDB and its memory limit does not
count all memory: a child can be stopped and limited from outside. Read from standard input: the statement as a
line of JSON; a line with the names of the tables and the number of rows wanted; the tables as Arrow streams.
"""

import contextlib
import json
import math
import resource
import sys
from decimal import Decimal
from typing import Any

import duckdb

MEMORY = "512MB"
ADDRESS_SPACE = 4 << 30
MAX_CHARACTERS = 2_000_000
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False, "autoinstall_known_extensions": False, "autoload_known_extensions": False,
    "python_enable_replacements": False, "temp_directory": "", "memory_limit": MEMORY,
    "threads": 1,  # so that sums of fractions are the same each time
}  # fmt: skip


def main() -> int:
    _limit_process()
    connection = duckdb.connect(":memory:", config=SETTINGS)
    connection.execute("SET lock_configuration = true")
    sql = json.loads(sys.stdin.buffer.readline())
    ((tree,),) = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()
    _reply(tree)
    line = sys.stdin.buffer.readline()
    if not line:  # refused
        return 0
    import pyarrow as pa

    wanted = json.loads(line)
    for name in wanted["tables"]:
        connection.register(name, pa.ipc.open_stream(sys.stdin.buffer).read_all())
    _reply(json.dumps(_answer(connection, sql, wanted["limit"]), allow_nan=False, default=str))
    return 0


def _limit_process() -> None:
    """No file can grow, and memory ends somewhere; macOS knows no limit of the address space."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))


def _reply(line: str) -> None:
    sys.stdout.buffer.write(line.encode() + b"\n")
    sys.stdout.buffer.flush()


def _answer(connection: duckdb.DuckDBPyConnection, sql: str, limit: int) -> dict[str, Any]:
    """The columns, the first rows and the number of all rows, or what is wrong.

    A `safe` error speaks of the statement alone; any other may quote values of the tables.
    """
    import pyarrow as pa

    try:
        reader = connection.sql(sql).to_arrow_reader()
    except duckdb.Error as error:
        return {"error": str(error), "safe": isinstance(error, duckdb.BinderException | duckdb.CatalogException)}
    try:
        rows, total = _fetch(reader, limit)
    except (duckdb.Error, pa.ArrowException, MemoryError) as error:
        return {"error": str(error), "safe": False}
    if (size := len(json.dumps(rows, default=str))) > MAX_CHARACTERS:
        return {"error": f"the rows hold {size:,} characters, and {MAX_CHARACTERS:,} is the most", "safe": True}
    return {"columns": reader.schema.names, "rows": rows, "total": total}


def _fetch(reader: Any, limit: int) -> tuple[list[list[Any]], int]:
    rows: list[list[Any]] = []
    total = 0
    for batch in reader:
        if len(rows) < limit:
            part = batch.slice(0, limit - len(rows))
            columns = [[_plain(v, c.type) for v in c.to_pylist()] for c in part.columns]
            rows += [list(row) for row in zip(*columns, strict=True)]
        total += batch.num_rows
    return rows, total


def _plain(value: Any, type_: Any) -> Any:
    """A value as JSON has it; a number of 32 bits as short as it can be told, so 29.1 and not 29.1000003."""
    import numpy as np

    if isinstance(value, dict):
        return {name: _plain(v, type_.field(name).type) for name, v in value.items()}
    if isinstance(value, list):
        return [_plain(v, type_.value_type) for v in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        return float(str(np.float32(value))) if str(type_) == "float" else value
    return value


if __name__ == "__main__":
    sys.exit(main())
