"""From a file to a dataset: read in one pass, stored as tables and a graph generation, committed once."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..memory.catalog import Catalog, Dataset, stamp_of, writer_lock
from ..memory.errors import InputError, StorageError, VcfAgentError
from ..memory.variant_table import drop_tables, table_name, write_table
from . import bcftools
from .annotation import annotation_format
from .build import guess_build
from .columns import make_plan
from .graph_load import drop_older_graphs, write_graph
from .pedigree import Pedigree
from .reading import Mode, Progress, Reading, first_unreadable_line
from .vcf_file import Header, VcfFile, open_vcf, sha256_of


def ingest(
    path: Path,
    workspace: Path,
    progress: Progress | None = None,
    again: bool = False,
    pedigree: Pedigree | None = None,
) -> Dataset:
    """The dataset of a file, ingested now unless the same content is in the workspace already.

    A `pedigree` is kept with it and stands in the graph, in place of an earlier one. Raises `InputError` for a file
    that cannot be read to its end, `StorageError` for a workspace that cannot be written; in both cases the workspace
    is as it was.
    """
    catalog = Catalog(workspace)
    path = path.absolute()
    known = None if again else _known(catalog, path)
    if known and (dataset := catalog.by_digest(known)) and _has(dataset, pedigree):
        return _as_named(dataset, path)
    vcf = open_vcf(path)
    stamp, sha256 = _stamp(path), sha256_of(path)
    undo = _Undo(workspace, sha256)
    with writer_lock(workspace), undo:
        dataset = catalog.by_digest(sha256)  # perhaps by another process, while this one waited
        if again or dataset is None:
            kept = dataset.summary.get("pedigree") if dataset else None
            dataset = _ingest_new(vcf, stamp, sha256, catalog, progress, pedigree.to_rows() if pedigree else kept)
        elif pedigree and not _has(dataset, pedigree):
            summary = dataset.summary | {"pedigree": pedigree.to_rows()}
            dataset = _commit(catalog, replace(dataset, summary=summary), stamp)
        catalog.remember_digest(path, stamp, sha256)
    return _as_named(dataset, path)


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

    def __init__(self, workspace: Path, sha256: str) -> None:
        self.workspace, self.sha256 = workspace, sha256
        self.existed = workspace.exists()
        self.fresh = not (workspace.is_dir() and any(workspace.iterdir())) if self.existed else True

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            return
        held = Catalog(self.workspace).datasets()
        if all(d.sha256 != self.sha256 for d in held):
            drop_tables(self.workspace, self.sha256)
        if held or not self.fresh:
            return
        shutil.rmtree(self.workspace, ignore_errors=True)
        if self.existed:
            self.workspace.mkdir(exist_ok=True)


def _has(dataset: Dataset, pedigree: Pedigree | None) -> bool:
    return pedigree is None or dataset.summary.get("pedigree") == pedigree.to_rows()


def _ingest_new(
    vcf: VcfFile, stamp: str, sha256: str, catalog: Catalog, progress: Progress | None, pedigree: list[Any] | None
) -> Dataset:
    version, summary = _store(vcf, sha256, catalog.workspace, progress)
    if summary["records"] == 0:
        raise InputError(f"{vcf.path} has a header and no records", "Check how it was made; there is nothing to ask")
    if _stamp(vcf.path) != stamp:
        raise InputError(f"{vcf.path} changed while it was read", "Ingest it again when it is complete")
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    summary["pedigree"] = pedigree
    return _commit(catalog, Dataset(sha256, dataset_name(vcf.path), vcf.path, version, 0, now, summary), stamp)


def _commit(catalog: Catalog, dataset: Dataset, stamp: str) -> Dataset:
    """Write the next generation of the graph, with this dataset in place of its older state, and commit both."""
    dataset = replace(dataset, graph_generation=catalog.next_generation())
    write_graph(catalog.workspace, dataset.graph_generation, dataset, catalog.datasets())
    catalog.commit(dataset, stamp)
    drop_older_graphs(catalog.workspace, dataset.graph_generation)
    return dataset


def _store(vcf: VcfFile, sha256: str, workspace: Path, progress: Progress | None) -> tuple[int, dict[str, Any]]:
    """Write both tables; returns the version of the variant table and what was learnt of the file."""
    mode: Mode | None = Mode()
    while mode:
        plan = make_plan(vcf.header, annotation_format(vcf.header))
        reading = Reading(vcf, plan, mode, progress)
        try:
            version = write_table(workspace, table_name("variants", sha256), plan.schema(), reading.batches())
        except (StorageError, pa.ArrowException) as error:
            if reading.failure is None:
                raise
            mode = mode.after(reading.failure)
            if mode is None:
                raise _unreadable(vcf, reading.failure) from error
            continue
        profiles = reading.profiles.table()
        write_table(workspace, table_name("profiles", sha256), profiles.schema, profiles.to_batches())
        return version, reading.summary() | describe_header(vcf.header) | {"container": vcf.container}
    raise AssertionError("a mode that cannot be relaxed raises")


def _unreadable(vcf: VcfFile, failure: Exception) -> Exception:
    if isinstance(failure, VcfAgentError) or not isinstance(failure, bcftools.BcftoolsError | pa.ArrowException):
        return failure
    line = first_unreadable_line(vcf) if vcf.container != "bcf" else ""
    what = f"{line}; bcftools says: {failure}" if line else str(failure)
    return InputError(f"{vcf.path} cannot be read to its end: {what}", "Mend the line, or copy the file again")


def describe_header(header: Header) -> dict[str, Any]:
    """What the catalog keeps of a header."""
    build, reason = guess_build(header)
    annotation = annotation_format(header)
    return {
        "version": header.version, "build": build, "build_reason": reason,
        "annotation": None if annotation is None
        else {"tag": annotation.tag, "tool": annotation.tool, "keys": list(annotation.keys)},
        "contig_lengths": {c.id: c.length for c in header.contigs},
        "filter_descriptions": header.filters,
        "fields": [[f.kind, f.id, f.number, f.type, f.description, f.declared] for f in header.fields],
        "other": [list(pair) for pair in header.other[:200]],
    }  # fmt: skip
