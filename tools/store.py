"""The two heavy parts of an ingest: a file into tables, and tables into a generation of the graph."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from ..memory.embedding import PartsEmbedder
from ..memory.errors import InputError, StorageError, VcfAgentError
from ..memory.release import release_memory
from ..memory.signature_table import write_signatures
from ..memory.variant_table import Place, index_table, table_name, write_table
from . import bcftools
from .annotation import annotation_format
from .build import guess_build
from .columns import make_plan
from .reading import Mode, Reading, first_unreadable_line
from .vcf_file import Header, Progress, VcfFile, open_vcf

INDEXED = ["pos", "id", "profile", "signature"]


def store_tables(path: Path, sha256: str, place: Place, progress: Progress | None) -> tuple[int, dict[str, Any]]:
    """Write the tables of a file; returns the version of the variant table and what was learnt of the file."""
    vcf = open_vcf(path)
    mode: Mode | None = Mode()
    while mode:
        plan = make_plan(vcf.header, annotation_format(vcf.header))
        reading = Reading(vcf, plan, mode, progress)
        try:
            write_table(place, table_name("variants", sha256), plan.schema(), "key", reading.batches())
        except (StorageError, pa.ArrowException) as error:
            if reading.failure is None:
                raise
            mode = mode.after(reading.failure)
            if mode is None:
                raise unreadable(vcf, reading.failure) from error
            continue
        return store_books(reading, sha256, place)
    raise AssertionError("a mode that cannot be relaxed raises")


def store_books(reading: Reading, sha256: str, place: Place) -> tuple[int, dict[str, Any]]:
    """Write the tables that say what the numbers of the variant table mean, and index that; returns as above."""
    profiles = reading.profiles.table()
    write_table(place, table_name("profiles", sha256), profiles.schema, "profile", profiles.to_batches())
    write_signatures(place, sha256, reading.signatures.table(reading.profiles), PartsEmbedder())
    release_memory()
    version = index_table(place, table_name("variants", sha256), INDEXED)
    summary = reading.summary() | describe_header(reading.vcf.header) | {"container": reading.vcf.container}
    return version, summary if isinstance(place, Path) else summary | {"tables": place}


def unreadable(vcf: VcfFile, failure: Exception) -> Exception:
    """What is raised for a failure of reading that no mode mends."""
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
