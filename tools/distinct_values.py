"""Which values a field takes, and how often."""

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from .context import ToolContext
from .dataset import OpenDataset
from .evidence import Command, prove, tally
from .filters import OnDataset
from .registry import Tool
from .result import Json, Table, ToolResult
from .text import count_of

MAX_VALUES = 1000


class DistinctValues(OnDataset):
    field: str = Field(description="FILTER, CHROM, ID, or an INFO field such as CLNSIG or INFO/SVTYPE")
    limit: int = Field(50, ge=1, le=MAX_VALUES, description="how many of the most frequent values to show")


def distinct_values(context: ToolContext, wanted: DistinctValues) -> ToolResult:
    """How many records have each value of a field, the most frequent first; '.' stands for none.

    Raises `ToolError` for a field that is not there.
    """
    data = context.dataset(wanted.dataset)
    name, column = _column(data, wanted.field)
    counts = _counts(data, column)
    ordered = sorted(counts.items(), key=lambda kv: -kv[1])
    shown = dict(ordered[: wanted.limit])
    unit = "alleles" if _is_per_allele(data, column) else "records"
    result = ToolResult(_sentence(data, name, shown, len(counts)), shown, unit)
    result.show(Table(name, [name, unit], [[k, v] for k, v in ordered], len(counts)), wanted.limit)
    result.evidence.append(prove(context, data, "distinct_values", wanted, *_command(data, name, column, counts)))
    return result


def _column(data: OpenDataset, field: str) -> tuple[str, str]:
    fixed = {"FILTER": "filter", "CHROM": "chrom", "ID": "id", "REF": "ref", "ALT": "alts"}
    if field.upper() in fixed:
        return field.upper(), fixed[field.upper()]
    info = data.info_column(field.removeprefix("INFO/"))
    return f"INFO/{info.id}", info.column


def _is_per_allele(data: OpenDataset, column: str) -> bool:
    return any(c.column == column and c.shape == "per_allele" for c in data.info.values())


def _counts(data: OpenDataset, column: str) -> dict[str, int]:
    if _is_per_allele(data, column):
        return _value_counts(data.table.columns([column], "allele > 0")[column].combine_chunks())
    rows = data.table.columns(["allele", column])
    return _value_counts(rows.filter(pc.less_equal(rows["allele"], 1))[column].combine_chunks())


def _value_counts(values: pa.Array) -> dict[str, int]:
    if pa.types.is_list(values.type):
        texts = [None if v is None else ",".join(_text(x) for x in v) for v in values.to_pylist()]
        return dict(Counter(_text(t) for t in texts))
    return {_text(p["values"]): p["counts"] for p in pc.value_counts(values).to_pylist()}


def _text(value: object) -> str:
    if value is None or value is False:
        return "."
    if value is True:
        return "1"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _sentence(data: OpenDataset, name: str, counts: dict[str, int], total: int) -> str:
    shown = ", ".join(f"{k} {v:,}" for k, v in list(counts.items())[:25])
    which = f"the {len(counts)} most frequent are " if len(counts) < total else ""
    return f"{name} takes {count_of(total, 'value')} in {data.name}: {which}{shown}."


def _command(data: OpenDataset, name: str, column: str, counts: dict[str, int]) -> tuple[Command, Json]:
    command = Command(["query", "-f", f"%{name}\\n"], "sort | uniq -c", tally)
    if _is_per_allele(data, column):
        command.unprovable = "the values belong to ALT alleles, and bcftools lists them by record"
    floats = any(c.column == column and c.type == "Float" for c in data.info.values())
    if floats:
        command.unprovable = "decimal numbers are written in several ways"
    return command, counts


TOOL = Tool(
    "distinct_values",
    "Which values a field (FILTER, CHROM, ID or an INFO field) takes and in how many records, the most frequent first.",
    DistinctValues,
    distinct_values,
    example={"field": "FILTER"},
)
