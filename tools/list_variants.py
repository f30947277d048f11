"""Which variants meet a set of conditions."""

from pydantic import Field

from .context import ToolContext
from .dataset import OpenDataset
from .evidence import Command, all_lines, count_lines, prove, view_command
from .filters import VariantFilter
from .registry import Tool
from .result import Json, Table, ToolResult
from .selection import Selection, record_numbers, select
from .text import count_of
from .variant_rows import keys_of, variant_rows

MAX_VALUE = 10_000


class ListVariants(VariantFilter):
    """Conditions, and how many rows to show."""

    limit: int = Field(20, ge=1, le=1000, description="rows shown; the total is always told")


def list_variants(context: ToolContext, wanted: ListVariants) -> ToolResult:
    """The records that meet all conditions, in file order.

    The value is the list of `CHROM:POS:REF:ALT` (at most 10,000); the table has the first `limit` rows.
    """
    data = context.dataset(wanted.dataset)
    found = select(data, wanted)
    records = record_numbers(data, found)
    columns, rows = variant_rows(data, records[: wanted.limit])
    keys = [row[0] for row in rows] if len(records) <= wanted.limit else keys_of(data, records[:MAX_VALUE])
    result = ToolResult(_sentence(data, len(records), len(rows)), keys, "records", list(found.reading))
    result.private = bool(wanted.genotypes)  # who carries what would show in the rows
    result.tables.append(Table("variants", columns, rows, len(records), len(rows) < len(records)))
    if len(records) > MAX_VALUE:
        result.reading.append(f"the value holds the first {MAX_VALUE:,} of {len(records):,} records")
    command = _command(data, found)
    expected: Json = keys
    if len(records) > MAX_VALUE:
        command.then, command.read, expected = "wc -l", count_lines, len(records)
    result.evidence.append(prove(context, data, "list_variants", wanted, command, expected))
    return result


def _command(data: OpenDataset, found: Selection) -> Command:
    command = view_command(data, found.clauses)
    command.arguments = ["query", "-f", r"%CHROM:%POS:%REF:%ALT\n", *query_options(command.arguments[2:])]
    command.then, command.read = "", all_lines
    return command


def query_options(options: list[str]) -> list[str]:
    """`bcftools query` has no -f for FILTER, since its -f is the format."""
    if "-f" not in options:
        return options
    at = options.index("-f")
    names = options[at + 1].split(",")
    rest = options[:at] + options[at + 2 :]
    filters = " || ".join(f'FILTER~"{n}"' if n not in ("PASS", ".") else f'FILTER="{n}"' for n in names)
    if "-i" in rest:
        where = rest.index("-i") + 1
        rest[where] = f"({filters}) && {rest[where]}" if len(names) > 1 else f"{filters} && {rest[where]}"
        return rest
    return [*rest, "-i", filters]


def _sentence(data: OpenDataset, total: int, shown: int) -> str:
    if total == 0:
        return f"No record of {data.name} meets the conditions."
    if shown < total:
        return f"{count_of(total, 'record')} in {data.name}; the first {shown} are shown."
    return f"{count_of(total, 'record')} in {data.name}."


TOOL = Tool(
    "list_variants",
    "List the variants that meet all given conditions, with gene, consequence and significance where the file has "
    "them. Use it for 'which', 'show' and 'list'. Returns the total and the first rows; no genotypes.",
    ListVariants,
    list_variants,
)
