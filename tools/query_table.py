"""A question that no other tool foresees, asked in SQL."""

from pydantic import Field

from .context import ToolContext
from .dataset import OpenDataset
from .evidence import shown_path
from .filters import OnDataset
from .read_only_sql import Rows, run_sql
from .registry import Tool
from .result import Evidence, Json, Table, ToolResult
from .text import count_of, one_line


class QueryTable(OnDataset):
    sql: str = Field(
        min_length=1,
        max_length=10_000,
        pattern=r"^[^\x00]*$",
        description="one SELECT in DuckDB's dialect that names its columns: no *, no files, no statement but SELECT",
    )
    limit: int = Field(100, ge=1, le=1000, description="rows shown; the total is always told")
    seconds: float = Field(10, gt=0, le=60, description="when the statement is stopped")


def query_table(context: ToolContext, wanted: QueryTable) -> ToolResult:
    """The answer of one SELECT over the stored tables.

    The value is the cell where the answer is one, the list of values where it has one column, else the list of
    rows; it holds what is shown. Raises `ToolError` for a statement that is refused or stopped.
    """
    data = context.dataset(wanted.dataset)
    found = run_sql(data, wanted.sql, wanted.limit, wanted.seconds)
    shown = len(found.rows)
    result = ToolResult(_sentence(data, found), _value(found), None, _reading(data, found), private=found.private)
    result.tables.append(Table("result", found.columns, found.rows, found.total, shown < found.total))
    arguments = wanted.model_dump(exclude_defaults=True, mode="json")
    path = shown_path(data.dataset.path, context.folder)
    evidence = Evidence(path, data.dataset.sha256, "query_table", arguments, note=_note(data, wanted, found))
    result.evidence.append(evidence)
    return result


def _value(found: Rows) -> Json:
    if len(found.columns) > 1:
        return found.rows
    return found.rows[0][0] if found.total == 1 else [row[0] for row in found.rows]


def _sentence(data: OpenDataset, found: Rows) -> str:
    if found.total == 1 and len(found.columns) == 1:
        return f"{one_line(found.columns[0], 80)} is {_cell(found.rows[0][0])} in {data.name}."
    shown = len(found.rows)
    which = f"; the first {shown:,} are shown" if shown < found.total else ""
    return f"The statement gives {count_of(found.total, 'row')} from {data.name}{which}."


def _cell(value: Json) -> str:
    if value is None:
        return "null"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else one_line(str(value))


def _reading(data: OpenDataset, found: Rows) -> list[str]:
    names = {name for columns in found.read.values() for name in columns}
    said = {
        "variants": "a row of variants is one ALT allele; count(DISTINCT record) counts records",
        "genotypes": "a row of genotypes is one record and sample",
        "annotations": "a row of annotations is one entry of a profile, which many alleles may share",
    }
    reading = [text for table, text in said.items() if table in found.read]
    if names & {"pos", "end"}:
        reading.append("positions are 1-based")
    if "record" in names:
        reading.append("record is the number in the file from 0")
    if "ad_alt" in names and data.summary["multiallelic"]:
        reading.append("ad_alt is null at records with several ALT alleles")
    if len(found.rows) < found.total:
        reading.append(f"the value holds the first {len(found.rows):,} of {found.total:,} rows")
    return reading


def _note(data: OpenDataset, wanted: QueryTable, found: Rows) -> str:
    tables = ", ".join(f"{name} ({', '.join(columns)})" for name, columns in found.read.items()) or "no table"
    return (
        f"no bcftools command: SQL has none; ran on {tables} of variants-{data.dataset.sha256[:16]} version "
        f"{data.dataset.table_version}: {wanted.sql}"
    )


TOOL = Tool(
    "query_table",
    "One read-only SQL SELECT, for questions that no other tool answers. Tables: variants, one row per ALT allele "
    '(record, allele, n_alt, chrom, pos, "end", id, ref, alt, alts, qual, filter, type, length, change such as C>T, '
    "profile, ac, an, n_missing, and INFO_<ID> for an INFO field); genotypes, one row per record and sample (record, "
    "sample, gt as text, class: het, hom_alt, hom_ref, hemizygous_alt, hemizygous_ref, partly_missing, missing; dp, "
    "gq, ad_ref, ad_alt); annotations, one row per annotation entry (profile, gene, consequence, impact). Join on "
    "record or profile. count(DISTINCT record) counts records.",
    QueryTable,
    query_table,
    example={
        "sql": "SELECT chrom, count(DISTINCT record) AS records FROM variants WHERE type = 'indel' "
        "GROUP BY chrom ORDER BY records DESC LIMIT 3"
    },
)
