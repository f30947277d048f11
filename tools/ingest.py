"""From a file to a dataset: read in one pass, stored as tables and a graph generation, committed once."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..memory.catalog import Catalog, Dataset, stamp_of, writer_lock
from ..memory.errors import InputError
from ..memory.progress import ends_as_stopped
from ..memory.variant_graph import drop_older_graphs
from ..memory.variant_table import Place, drop_tables, drop_tables_but
from .apart import Worker, worker
from .result import Json
from .vcf_file import Progress, VcfFile, open_vcf, sha256_of

if TYPE_CHECKING:
    from ..memory.embedding import Embedder
    from .pedigree import Pedigree

LARGE = 4 << 20
"""Bytes of a file from which reading it gets a process of its own; below, starting one costs more than it saves."""


def ingest(
    path: Path,
    workspace: Path,
    progress: Progress | None = None,
    again: bool = False,
    embedder: Embedder | None = None,
    pedigree: Pedigree | None = None,
    tables: str | None = None,
    workers: int | None = None,
) -> Dataset:
    """The dataset of a file, ingested now unless the same content is in the workspace already.

    `embedder` is a provider's, where the settings name one; the vectors are our own without. A `pedigree` is kept
    with it and stands in the graph, in place of an earlier one.

    The tables are written under `tables`, the URI of an object store, where it is given; the catalog says so.
    With `workers` the file is read by region, so many at once, on Ray (`ingest_by_region.py`).

    It takes the place of what the file held before. Those tables go with the next ingest, so that whoever has
    them open reads on.

    Raises `InputError` for a file that cannot be read to its end, `StorageError` for a workspace that cannot
    be written, `Stopped` where the watch ended it; in all cases the workspace is as it was.
    """
    catalog = Catalog(workspace)
    path = path.absolute()
    known = None if again else _known(catalog, path)
    if known and (dataset := catalog.by_digest(known)) and _has(dataset, pedigree):
        return _as_named(dataset, path)
    vcf = open_vcf(path)
    stamp, sha256 = _stamp(path), sha256_of(path)
    apart = workers is not None or int(stamp.partition(":")[0]) >= LARGE
    undo = _Undo(workspace, sha256, tables)
    with ends_as_stopped(), writer_lock(workspace) as lock, undo, worker(lock, progress, apart) as do:
        place = _place(workspace, tables)
        dataset = catalog.by_digest(sha256)  # perhaps by another process, while this one waited
        for where in {workspace, place}:
            held = [d.sha256 for d in catalog.datasets() if (d.tables or workspace) == where]
            drop_tables_but(where, [*held, *([sha256] if dataset else [])])
        if again or dataset is None:
            before = dataset or catalog.earlier_content(path, sha256)
            kept = before.summary["pedigree"] if before else None
            job = {"workspace": str(workspace), "tables": None if place == workspace else place, "workers": workers}
            dataset = _read(vcf, stamp, sha256, do, job, pedigree.to_rows() if pedigree else kept)
            if embedder:
                _embed(place, sha256, embedder)
            dataset = _commit(catalog, dataset, stamp, do)
        elif pedigree and not _has(dataset, pedigree):
            summary = dataset.summary | {"pedigree": pedigree.to_rows()}
            dataset = _commit(catalog, replace(dataset, summary=summary), stamp, do)
        catalog.remember_digest(path, stamp, sha256)
    return _as_named(dataset, path)


def _place(workspace: Path, tables: str | None) -> Place:
    """Where new tables go: workspaces that share an object store do not share a folder of it."""
    return f"{tables.rstrip('/')}/{Catalog(workspace).number():016x}" if tables else workspace


def _known(catalog: Catalog, path: Path) -> str | None:
    try:
        return catalog.known_digest(path)
    except OSError:  # gone or unreadable: opening it tells which
        return None


def _stamp(path: Path) -> str:
    try:
        return stamp_of(path)
    except OSError as error:
        raise InputError(f"{path} disappeared while it was read: {error.strerror}") from error


def _as_named(dataset: Dataset, path: Path) -> Dataset:
    """The dataset under the path by which it was asked for now."""
    return Dataset(
        dataset.sha256,
        dataset_name(path),
        path,
        dataset.table_version,
        dataset.graph_generation,
        dataset.ingested_at,
        dataset.summary,
    )


def dataset_name(path: Path) -> str:
    """The name of a file without the endings that say how it is stored."""
    name = path.name
    for ending in (".gz", ".bgz", ".vcf", ".bcf"):
        name = name.removesuffix(ending)
    return name or path.name


class _Undo:
    """Takes back what a failed ingest wrote, under the writer's lock.

    That is the whole folder where it was not there or empty and no other process has committed to it since.
    """

    def __init__(self, workspace: Path, sha256: str, tables: str | None) -> None:
        self.workspace, self.sha256, self.tables = workspace, sha256, tables
        self.existed = workspace.exists()
        self.fresh = not (workspace.is_dir() and any(workspace.iterdir())) if self.existed else True

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            return
        held = Catalog(self.workspace).datasets()
        if all(d.sha256 != self.sha256 for d in held):
            drop_tables(_place(self.workspace, self.tables), self.sha256)
        if held or not self.fresh:
            return
        shutil.rmtree(self.workspace, ignore_errors=True)
        if self.existed:
            self.workspace.mkdir(exist_ok=True)


def _has(dataset: Dataset, pedigree: Pedigree | None) -> bool:
    return pedigree is None or dataset.summary["pedigree"] == pedigree.to_rows()


def _read(vcf: VcfFile, stamp: str, sha256: str, do: Worker, job: Json, pedigree: Json) -> Dataset:
    """Write the tables of a file. Nobody sees them before the commit."""
    task = "tables_by_region" if job["workers"] else "tables"
    version, summary = do(task, path=str(vcf.path), sha256=sha256, **job)
    if summary["records"] == 0:
        raise InputError(f"{vcf.path} has a header and no records", "Check how it was made; there is nothing to ask")
    if _stamp(vcf.path) != stamp:
        raise InputError(f"{vcf.path} changed while it was read", "Ingest it again when it is complete")
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    return Dataset(sha256, dataset_name(vcf.path), vcf.path, version, 0, now, summary | {"pedigree": pedigree})


def _commit(catalog: Catalog, dataset: Dataset, stamp: str, do: Worker) -> Dataset:
    """Write the next generation of the graph, with this dataset in place of its older state, and commit both."""
    earlier = catalog.earlier_content(dataset.path, dataset.sha256)
    dataset = replace(dataset, graph_generation=catalog.next_generation())
    where = {"workspace": str(catalog.workspace), "generation": dataset.graph_generation}
    dataset.summary["graph"] = do("graph", **where, dataset=dataset.to_json(), without=earlier and earlier.sha256)
    catalog.commit(dataset, stamp, instead_of=earlier)
    drop_older_graphs(catalog.workspace, dataset.graph_generation)
    return dataset


def _embed(place: Place, sha256: str, embedder: Embedder) -> None:
    """Vectors of a provider's model in place of our own; here, since a child process knows no keys."""
    from ..memory.signature_table import SignatureTable, write_signatures

    write_signatures(place, sha256, SignatureTable(place, sha256).rows, embedder)
