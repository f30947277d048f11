"""A file read by region, several at once on Ray, with the rows and numbers that `store.store_tables` gives.

Each task reads one part of the file into an Arrow file, with numbers of its own for records, genotypes, profiles and
signatures. The parts are then joined in file order, which tells the numbers in the whole file. Each task writes its
part with these as fragments of the Lance table, and one commit makes the table of them.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from math import ceil
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..memory.errors import InputError, StorageError, VcfAgentError
from ..memory.table_fragments import commit_fragments, write_fragments
from ..memory.variant_table import Place, table_name
from . import bcftools
from .annotation import annotation_format
from .columns import Plan, make_plan
from .reading import Mode, Numbers, Reading
from .store import store_books, unreadable
from .vcf_file import LAST_POSITION, Progress, VcfFile, open_vcf

PARTS_PER_WORKER = 4
"""Parts are not equally long, so that some more of them keep all busy."""

Part = list[tuple[str, int, int]]
"""Regions one after the other: contig, first and last position, 1-based."""


def store_by_region(
    path: Path, sha256: str, workspace: Path, place: Place, workers: int, progress: Progress | None
) -> tuple[int, dict[str, Any]]:
    """As `store_tables`. What the tasks hand over goes through a folder of the workspace.

    Raises `InputError` for a file without an index, or where Ray is not installed.
    """
    vcf = open_vcf(path)
    parts = parts_of(vcf, workers * PARTS_PER_WORKER)
    folder = workspace / "parts"
    with _emptied(folder), _ray() as ray:
        readings = _read_all(ray, vcf, parts, folder, workers, progress)
        whole = Reading(vcf, readings[0].plan, readings[0].mode)
        numbers = [whole.append(reading) for reading in readings]
        _check_complete(vcf, whole.records)
        name, schema = table_name("variants", sha256), whole.plan.schema()
        jobs = [(_rows(folder, i), numbers[i], place, name, schema) for i, r in enumerate(readings) if r.records]
        fragments = _run(ray, _write, jobs, workers)
        commit_fragments(place, name, schema, "key", [fragment for part in fragments for fragment in part])
    return store_books(whole, sha256, place)


def parts_of(vcf: VcfFile, wanted: int) -> list[Part]:
    """About so many parts of a file, in file order; each record starts in one of them."""
    if not all(f.declared for f in vcf.header.fields):
        what = f"{vcf.path} uses fields that its header does not declare, so it cannot be read by region"
        raise InputError(what, "Declare them, or leave --workers out")
    contigs = _indexed_contigs(vcf)
    share = max(1, ceil(sum(n for _, _, n in contigs) / wanted))
    parts: list[Part] = []
    room = 0  # records that the last part may still take
    for name, length, records in contigs:
        windows = ceil(records / share) if length else 1
        if windows == 1 and records <= room:
            parts[-1].append((name, 1, LAST_POSITION))
            room -= records
            continue
        width = ceil((length or 1) / windows)
        ends = [(i + 1) * width for i in range(windows - 1)] + [LAST_POSITION]
        parts += [[(name, i * width + 1, end)] for i, end in enumerate(ends)]
        room = share - records if windows == 1 else 0
    return parts


def _indexed_contigs(vcf: VcfFile) -> list[tuple[str, int | None, int]]:
    """Contig, length where the header has one, and number of records, in the order of the file."""
    import pysam

    path = vcf.path
    if not any(path.with_name(path.name + ending).exists() for ending in (".csi", ".tbi")):
        way_out = f"Make one with `bcftools index {path.name}`" if vcf.container != "vcf" else "Compress it with bgzip"
        raise InputError(f"{path} has no index, so it cannot be read by region", f"{way_out}, or leave --workers out")
    lines = bcftools.run(["index", "--stats", str(path)], where=path).splitlines()
    found = [(name, int(n)) for name, _, n in (line.split("\t") for line in lines)]
    lengths = {contig.id: contig.length for contig in vcf.header.contigs}
    start = {}
    with pysam.VariantFile(str(path)) as file:
        for name, _ in found:
            next(file.fetch(name), None)
            start[name] = file.tell()
    return [(name, lengths.get(name), n) for name, n in sorted(found, key=lambda c: start[c[0]])]


def _check_complete(vcf: VcfFile, records: int) -> None:
    indexed = sum(n for _, _, n in _indexed_contigs(vcf))
    if records != indexed:
        what = f"The index of {vcf.path} has {indexed:,} records, and by region {records:,} are found"
        raise InputError(what, f"Make it anew with `bcftools index -f {vcf.path.name}`, or leave --workers out")


def _read_all(
    ray: Any, vcf: VcfFile, parts: list[Part], folder: Path, workers: int, progress: Progress | None
) -> list[Reading]:
    """Every part, all read in the same mode."""
    plan, mode = make_plan(vcf.header, annotation_format(vcf.header)), Mode()
    while True:
        jobs = [(vcf, plan, mode, part, _rows(folder, i)) for i, part in enumerate(parts)]
        readings: list[Reading] = _run(ray, _read, jobs, workers, progress)
        failure = next((r.failure for r in readings if r.failure), None)
        if failure is None:
            return readings
        relaxed = mode.after(failure)
        if relaxed is None:
            raise unreadable(vcf, failure)
        mode = relaxed


def _rows(folder: Path, number: int) -> Path:
    return folder / f"{number}.arrow"


def _read(vcf: VcfFile, plan: Plan, mode: Mode, part: Part, rows: Path) -> Reading:
    """A task: one part into an Arrow file. A failure of reading is in the result."""
    regions = rows.with_suffix(".tsv")
    regions.write_text("".join(f"{contig}\t{first}\t{last}\n" for contig, first, last in part))
    reading = Reading(vcf, plan, mode, regions=regions)
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    try:
        with pa.ipc.new_file(rows, plan.schema(), options=options) as file:
            for batch in reading.batches():
                file.write_batch(batch)
    except Exception:
        if reading.failure is None:
            raise
    return reading


def _write(rows: Path, numbers: Numbers, place: Place, name: str, schema: pa.Schema) -> list[Any]:
    """A task: the Arrow file of one part into fragments of the table."""
    with pa.ipc.open_file(rows) as file:
        batches = (numbers.renumbered(file.get_batch(i)) for i in range(file.num_record_batches))
        return write_fragments(place, name, schema, "key", batches)


def _run(
    ray: Any, task: Callable[..., Any], jobs: list[tuple[Any, ...]], workers: int, progress: Progress | None = None
) -> list[Any]:
    """The results of the jobs, in their order, with so many running at once."""
    remote = ray.remote(num_cpus=1)(task)
    results: dict[int, Any] = {}
    running: dict[Any, int] = {}
    waiting = list(enumerate(jobs))[::-1]
    while waiting or running:
        while waiting and len(running) < workers:
            number, job = waiting.pop()
            running[remote.remote(*job)] = number
        for done in ray.wait(list(running))[0]:
            results[running.pop(done)] = _result(ray, done)
        if progress:
            progress(sum(reading.records for reading in results.values()))
    return [results[number] for number in range(len(jobs))]


def _result(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, VcfAgentError):
            raise cause from None
        reason = str(cause or error).strip().splitlines()[-1][:300]
        raise StorageError(f"A task on Ray failed: {reason}", "Run it again, or leave --workers out") from error


@contextlib.contextmanager
def _ray() -> Iterator[Any]:
    """A Ray of our own, or the one that RAY_ADDRESS names."""
    try:
        import lance_ray  # noqa: F401  the tasks use it
        import ray
    except ImportError as error:
        way_out = "Install it with `pip install 'vcf-agent[ray]'`, or leave --workers out"
        raise InputError("Reading by region needs Ray, which is not installed", way_out) from error
    try:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError) as error:
        what = f"Ray does not start: {str(error).strip().splitlines()[0][:300]}"
        raise StorageError(what, "Check RAY_ADDRESS, or leave --workers out") from error
    try:
        yield ray
    finally:
        ray.shutdown()


@contextlib.contextmanager
def _emptied(folder: Path) -> Iterator[None]:
    """An empty folder that goes afterwards. It is the current one meanwhile, since Ray's workers import from there."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        with contextlib.chdir(folder):
            yield
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error.strerror}", "Is the disk full?") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
