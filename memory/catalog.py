"""The catalog of a workspace: which datasets there are, and which stored version of each is the true one.

One SQLite transaction here is the commit point of an ingest. Tables and graph generations that no row names
do not exist for a reader, whatever lies on the disk.
"""

import contextlib
import json
import os
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from .errors import StorageError

SCHEMA = """
CREATE TABLE IF NOT EXISTS datasets (
    sha256 TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    stamp TEXT NOT NULL,
    table_version INTEGER NOT NULL,
    graph_generation INTEGER NOT NULL,
    ingested_at TEXT NOT NULL,
    summary TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, stamp TEXT NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS persons (sample TEXT PRIMARY KEY, person TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""
FORMAT = 2
"""Raised when a stored table no longer fits the code; older datasets are then ingested again."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One ingested file. `summary` is what was learnt of it at ingest (see `tools/ingest.py`)."""

    sha256: str
    name: str
    path: Path
    table_version: int
    graph_generation: int
    ingested_at: str
    summary: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"path": str(self.path)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        return cls(**(values | {"path": Path(values["path"])}))

    @property
    def tables(self) -> str | None:
        """The URI of its tables; null where they are in the workspace."""
        return self.summary.get("tables")

    @property
    def samples(self) -> list[str]:
        samples: list[str] = self.summary["samples"]
        return samples


def stamp_of(path: Path) -> str:
    """Size, times and inode of a file: while they stay, its content is taken to be the same."""
    status = path.stat()
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"


@contextlib.contextmanager
def writer_lock(workspace: Path) -> Iterator[int]:
    """Held by the one process that writes to a workspace; another waits. It goes with the process.

    Gives the descriptor, by which a child process can hold it too.
    """
    import fcntl

    try:
        workspace.mkdir(parents=True, exist_ok=True)
        file = (workspace / ".writer").open("w")
    except OSError as error:
        raise StorageError(*_complaint(workspace, "written", error)) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if _is_gone(workspace, file.fileno()):  # the one before failed and took the folder away again
            with writer_lock(workspace) as descriptor:
                yield descriptor
        else:
            yield file.fileno()


def _is_gone(workspace: Path, descriptor: int) -> bool:
    try:
        return (workspace / ".writer").stat().st_ino != os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return True


class Catalog:
    """The datasets of one workspace folder, which is made when something is first written."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.file = workspace / "catalog.sqlite"

    def datasets(self) -> list[Dataset]:
        """All datasets, the newest last."""
        return self._select("ORDER BY ingested_at, name")

    def by_digest(self, sha256: str) -> Dataset | None:
        return next(iter(self._select("WHERE sha256 = ?", sha256)), None)

    def by_name(self, name: str) -> Dataset | None:
        """The newest dataset of that name."""
        found = self._select("WHERE name = ? ORDER BY ingested_at", name)
        return found[-1] if found else None

    def known_digest(self, path: Path) -> str | None:
        """The digest of a file that has not changed since it was last read; null where it must be read."""
        with self._read() as connection:
            if connection is None or not _is_current(connection):
                return None
            row = connection.execute("SELECT stamp, sha256 FROM files WHERE path = ?", (str(path),)).fetchone()
        return row[1] if row and row[0] == stamp_of(path) else None

    def remember_digest(self, path: Path, stamp: str, sha256: str) -> None:
        with self.write() as connection:
            connection.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", (str(path), stamp, sha256))

    def next_generation(self) -> int:
        """The number of the next graph generation; never given twice, also not after a failure."""
        with self.write() as connection:
            connection.execute("INSERT OR IGNORE INTO state VALUES ('generation', 0)")
            connection.execute("UPDATE state SET value = value + 1 WHERE key = 'generation'")
            row = connection.execute("SELECT value FROM state WHERE key = 'generation'").fetchone()
        return int(row[0])

    def number(self) -> int:
        """The workspace's own number, by which it is told from others that use the same object store."""
        with self.write() as connection:
            connection.execute("INSERT OR IGNORE INTO state VALUES ('workspace', ?)", (secrets.randbits(62),))
            return int(connection.execute("SELECT value FROM state WHERE key = 'workspace'").fetchone()[0])

    def earlier_content(self, path: Path, sha256: str) -> Dataset | None:
        """The dataset of what the file at `path` held before, unless another file holds the same still."""
        with self._read() as connection:
            if connection is None or not _is_current(connection):
                return None
            row = connection.execute("SELECT sha256 FROM files WHERE path = ?", (str(path),)).fetchone()
            if row is None or row[0] == sha256:
                return None
            ask = "SELECT count(*) FROM files WHERE sha256 = ? AND path <> ?"
            elsewhere = connection.execute(ask, (row[0], str(path))).fetchone()[0]
        return None if elsewhere else self.by_digest(row[0])

    def remove(self, sha256: str, generation: int) -> None:
        """Forget a dataset; `generation` is the graph of those that remain."""
        with self.write() as connection:
            connection.execute("DELETE FROM datasets WHERE sha256 = ?", (sha256,))
            connection.execute("DELETE FROM files WHERE sha256 = ?", (sha256,))
            connection.execute("DELETE FROM persons WHERE sample LIKE ? || '/%'", (sha256,))
            connection.execute("UPDATE datasets SET graph_generation = ?", (generation,))

    def persons(self) -> dict[str, str]:
        """The samples ("<digest>/<name>") that a user has said are one person with others, each with that person."""
        with self._read() as connection:
            if connection is None or not _is_current(connection):
                return {}
            return dict(connection.execute("SELECT sample, person FROM persons").fetchall())

    def say_same_person(self, sample: str, other: str) -> None:
        """Keep that two samples are one person, with whoever each was one with before."""
        known = self.persons()
        person, gone = known.get(sample, sample), known.get(other, other)
        with self.write() as connection:
            connection.execute("UPDATE persons SET person = ? WHERE person = ?", (person, gone))
            pairs = [(sample, person), (other, person)]
            connection.executemany("INSERT OR REPLACE INTO persons VALUES (?, ?)", pairs)

    def set_generation(self, generation: int) -> None:
        """Name another generation of the graph as the one that holds."""
        with self.write() as connection:
            connection.execute("UPDATE datasets SET graph_generation = ?", (generation,))

    def commit(self, dataset: Dataset, stamp: str, instead_of: Dataset | None = None) -> None:
        """Make a dataset visible, with the graph generation that now holds for all of them."""
        with self.write() as connection:
            if instead_of:
                connection.execute("DELETE FROM datasets WHERE sha256 = ?", (instead_of.sha256,))
                for column in ("sample", "person"):  # what was said of its samples holds on
                    rename = f"UPDATE OR REPLACE persons SET {column} = replace({column}, ?, ?)"  # noqa: S608
                    connection.execute(rename, (f"{instead_of.sha256}/", f"{dataset.sha256}/"))
            connection.execute(
                "INSERT OR REPLACE INTO datasets VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (dataset.sha256, dataset.name, str(dataset.path), stamp, dataset.table_version,
                 dataset.graph_generation, dataset.ingested_at, json.dumps(dataset.summary)),
            )  # fmt: skip
            connection.execute("UPDATE datasets SET graph_generation = ?", (dataset.graph_generation,))

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction. Raises `StorageError` where the workspace cannot be written."""
        try:
            self.workspace.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(sqlite3.connect(self.file, timeout=30)) as connection, connection:
                connection.executescript(SCHEMA)
                if not _is_current(connection):
                    connection.execute("DELETE FROM datasets")
                    connection.execute("INSERT OR REPLACE INTO state VALUES ('format', ?)", (FORMAT,))
                yield connection
        except (OSError, sqlite3.Error) as error:
            raise StorageError(*_complaint(self.workspace, "written", error)) from error

    @contextlib.contextmanager
    def _read(self) -> Iterator[sqlite3.Connection | None]:
        if not self.file.exists():
            yield None
            return
        try:
            uri = f"{self.file.absolute().as_uri()}?mode=ro"
            with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=30)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise StorageError(*_complaint(self.workspace, "read", error)) from error

    def _select(self, clause: str, *values: str) -> list[Dataset]:
        columns = "sha256, name, path, table_version, graph_generation, ingested_at, summary"
        with self._read() as connection:
            if connection is None or not _is_current(connection):
                return []
            rows = connection.execute(f"SELECT {columns} FROM datasets {clause}", values).fetchall()  # noqa: S608
        return [Dataset(r[0], r[1], Path(r[2]), r[3], r[4], r[5], json.loads(r[6])) for r in rows]


def _is_current(connection: sqlite3.Connection) -> bool:
    """Whether there is a catalog in the file, and one of this code's format."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'state'").fetchone():
        return False
    row = connection.execute("SELECT value FROM state WHERE key = 'format'").fetchone()
    return row is not None and row[0] == FORMAT


def _complaint(workspace: Path, verb: str, error: Exception) -> tuple[str, str]:
    reason = getattr(error, "strerror", None) or str(error)
    way_out = "Choose another with --workspace or VCF_AGENT_WORKSPACE"
    return f"The workspace {workspace} cannot be {verb}: {reason}", way_out
