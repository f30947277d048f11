"""TSV, Parquet and BED by `bcftools query`."""

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from ...memory.errors import ToolError
from ...memory.progress import tell
from .pipeline import BLOCK, Step
from .stream import Stream, need_fields

Layout = Literal["wide", "long"]
FIXED = ["CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER"]


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table, their kinds as the header has them, and the query that gives their rows."""

    names: list[str]
    types: list[str]
    query: str

    def step(self) -> Step:
        return Step(["query", "-f", self.query], "wrote a table")

    def head(self) -> bytes:
        return ("\t".join(self.names) + "\n").encode()


def bed_columns() -> Columns:
    """0-based start, end after the last base (INFO/END where there is one), ID; BED has no line of names."""
    return Columns([], [], r"%CHROM\t%POS0\t%END\t%ID\n")


def columns_of(stream: Stream, wanted: list[str], layout: Layout) -> Columns:
    """CHROM to FILTER, the INFO fields, then FORMAT fields: `SAMPLE:FIELD` when wide, SAMPLE and the fields when long.

    Without a wish it is GT alone. Raises `ToolError` for a field that is not there.
    """
    wanted = wanted or (["FORMAT/GT"] if stream.samples and "FORMAT/GT" in stream.fields else [])
    need_fields(stream, wanted)
    info = [f for f in wanted if f.startswith("INFO/")]
    of_samples = [f.removeprefix("FORMAT/") for f in wanted if f.startswith("FORMAT/")]
    if of_samples and not stream.samples:
        raise ToolError("The records have no samples here, so no FORMAT fields", "Leave them out of `columns`")
    left = [*FIXED, *info]
    query = r"\t".join(f"%{f}" for f in left)
    if layout == "long":
        if not stream.samples:
            raise ToolError("A long table has a row for each sample, and there is none", "Ask for a wide one")
        names = [*left, "SAMPLE", *of_samples]
        query = "[" + query + r"\t%SAMPLE" + "".join(rf"\t%{f}" for f in of_samples) + r"\n]"
        return Columns(names, _types(stream, [*left, "", *(f"FORMAT/{f}" for f in of_samples)]), query)
    query += "".join(rf"[\t%{f}]" for f in of_samples) + r"\n"
    names = [*left, *(f"{s}:{f}" for f in of_samples for s in stream.samples)]
    kinds = [*left, *(f"FORMAT/{f}" for f in of_samples for _ in stream.samples)]
    return Columns(names, _types(stream, kinds), query)


def _types(stream: Stream, fields: list[str]) -> list[str]:
    """Integer or Float for fields of one number, else String."""
    known = {f"{f[0]}/{f[1]}": f[3] for d in [*stream.others, stream.data] for f in d.summary["fields"]
             if str(f[2]) == "1" and f[5]}  # fmt: skip
    known |= {"POS": "Integer", "QUAL": "Float"}
    return [known.get(f, "String") for f in fields]


def write_text(rows: IO[bytes], columns: Columns, target: Path) -> int:
    """Write the rows under a line of names; the number of rows."""
    number = 0
    with target.open("wb") as out:
        if columns.names:
            out.write(columns.head())
        while block := rows.read(BLOCK):
            tell("rows written", number)
            number += block.count(b"\n")
            out.write(block)
    return number


def write_parquet(rows: IO[bytes], columns: Columns, target: Path) -> int:
    """Write the rows as Parquet, a missing number as null and text as it stands; the number of rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv

    kinds: dict[str, Any] = {"Integer": pa.int64(), "Float": pa.float64()}
    schema = pa.schema([(n, kinds.get(t, pa.string())) for n, t in zip(columns.names, columns.types, strict=True)])
    number = 0
    with pq.ParquetWriter(target, schema) as writer:
        first = rows.peek(1) if hasattr(rows, "peek") else b" "
        if not first:
            return 0
        blocks = csv.open_csv(
            pa.PythonFile(rows, "r"),
            csv.ReadOptions(column_names=columns.names, block_size=8 * BLOCK),
            csv.ParseOptions(delimiter="\t", quote_char=False),
            csv.ConvertOptions(column_types=schema, null_values=["."], strings_can_be_null=False),
        )
        for block in blocks:
            tell("rows written", number)
            writer.write_batch(block)
            number += block.num_rows
    return number
