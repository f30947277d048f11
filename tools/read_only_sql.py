"""One SELECT over the stored tables of a dataset: checked here, run by DuckDB in a child process that reads no file."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import pyarrow as pa

from ..memory.errors import ToolError
from .dataset import OpenDataset
from .result import Json
from .sql_statement import TOO_DEEP, read_statement
from .sql_tables import TABLES, load_tables
from .text import one_line


@dataclass(slots=True)
class Rows:
    """The first rows of an answer, the number of all rows, and the tables that were read with their columns."""

    columns: list[str]
    rows: list[list[Json]]
    total: int
    read: dict[str, list[str]]

    @property
    def private(self) -> bool:
        """Whether they rest on genotypes of single samples."""
        return "genotypes" in self.read


def run_sql(data: OpenDataset, sql: str, limit: int, seconds: float) -> Rows:
    """The first `limit` rows of a statement, which is stopped after `seconds`.

    Raises `ToolError` for a statement that is refused, fails, or takes too long or too much memory.
    """
    with _child() as child:
        try:
            tree = child.ask(seconds, sql)
        except RecursionError:
            raise ToolError(TOO_DEEP, "Ask in smaller steps") from None
        tables = load_tables(data, read_statement(tree, TABLES))
        reply = child.ask(seconds, {"tables": list(tables), "limit": limit}, list(tables.values()))
    read = {name: table.column_names for name, table in tables.items()}
    if "error" in reply:
        raise _failure(reply, private="genotypes" in read)
    return Rows(reply["columns"], reply["rows"], reply["total"], read)


def _failure(reply: dict[str, Any], private: bool) -> ToolError:
    """What DuckDB says; no more than the kind of error where its words could quote a genotype."""
    kind, _, message = reply["error"].partition(": ")
    if "Out of Memory" in kind:
        return ToolError("SQL: the statement needs more than 512 MB", "Narrow it with WHERE, or group earlier")
    if private and not reply["safe"]:
        return ToolError(f"SQL: {one_line(kind)} over genotypes", "Check casts and divisions")
    return ToolError(f"SQL: {one_line(message or kind)}")


class _Child:
    """A process of `sql_child` and the questions put to it."""

    def __init__(self) -> None:
        # -P: a duckdb.py in the user's folder is not ours to import.
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "vcf_agent.tools.sql_child"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def ask(self, seconds: float, request: Json, tables: list[pa.Table] | None = None) -> Any:
        """The reply to one line and the tables that follow it. A timer ends the process after `seconds`."""
        expired = threading.Event()

        def stop() -> None:
            expired.set()
            self.process.kill()

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            line = self._converse(request, tables or [])
        finally:
            timer.cancel()
        if line:
            return json.loads(line)
        if expired.is_set():
            raise ToolError(f"SQL: stopped after {seconds:g} s", "Narrow it with WHERE, or join on record")
        raise ToolError("SQL: the engine ended without an answer", "The statement is too large or nested too deep")

    def _converse(self, request: Json, tables: list[pa.Table]) -> bytes:
        assert self.process.stdin
        assert self.process.stdout
        with contextlib.suppress(BrokenPipeError):  # it was stopped, or died
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            for table in tables:
                _send(table, self.process.stdin)
            self.process.stdin.flush()
        return self.process.stdout.readline()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                if stream:
                    stream.close()


def _send(table: pa.Table, stream: IO[bytes]) -> None:
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)


@contextlib.contextmanager
def _child() -> Iterator[_Child]:
    child = _Child()
    try:
        yield child
    finally:
        child.close()
