"""The most severe consequence of each variant."""

from typing import IO

from pydantic import Field

from ..memory.errors import ToolError
from .annotation import NAMES
from .consequences import rank
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import Command, all_lines, prove, view_command
from .filters import VariantFilter
from .list_variants import MAX_VALUE, query_options
from .registry import Tool
from .result import Evidence, Table, ToolResult
from .selection import record_numbers, select
from .text import count_of
from .variant_rows import rows_of, variant_rows


class MostSevere(VariantFilter):
    limit: int = Field(20, ge=1, le=1000, description="rows shown; the total is always told")


def most_severe(context: ToolContext, wanted: MostSevere) -> ToolResult:
    """Each record once with the worst consequence of all its alleles and transcripts, in file order.

    The value is a list of `CHROM:POS consequence`, at most 10,000; `.` where the annotation says nothing. Raises
    `ToolError` for a file without annotation.
    """
    data = context.dataset(wanted.dataset)
    if not data.annotated:
        raise ToolError(
            f"{data.name} carries no consequence annotation (CSQ, ANN or BCSQ)",
            "Annotate it with VEP, SnpEff or bcftools csq",
        )
    found = select(data, wanted)
    records = record_numbers(data, found)
    columns, rows = variant_rows(data, records[:MAX_VALUE])
    at = columns.index("consequence")
    sites = rows_of(data, ["allele", "record", "chrom", "pos"], records[:MAX_VALUE]).to_pylist()
    places = [f"{s['chrom']}:{s['pos']}" for s in sites if s["allele"] <= 1]
    value = [f"{place} {row[at] or '.'}" for place, row in zip(places, rows, strict=True)]
    text = f"The most severe consequence of {count_of(len(records), 'record')} in {data.name}."
    if len(records) > wanted.limit:
        text += f" The first {wanted.limit} are shown."
    tag = data.summary["annotation"]["tag"]
    reading = [f"each record once, under the worst of all its transcripts in {tag}, by impact and then by VEP's order"]
    shown = [[row[0], row[at], row[at + 1], row[at - 1]] for row in rows[: wanted.limit]]
    table = Table("most severe", ["variant", "consequence", "impact", "gene"], shown, len(records))
    table.truncated = len(shown) < len(records)
    result = ToolResult(text, value, "records", [*reading, *found.reading], [table], private=bool(wanted.genotypes))
    if len(records) > MAX_VALUE:
        result.reading.append(f"the value holds the first {MAX_VALUE:,} of {len(records):,} records")
    command = _command(data, view_command(data, found.clauses))
    said = [line for line in value if not line.endswith(" .")]  # of the others the plugin writes no line
    command.then = f"head -{len(said)}" if len(records) > MAX_VALUE else ""
    told: list[list[str]] = []
    command.read = lambda output: told.append(_worst(output, len(said))) or told[-1]  # type: ignore[func-returns-value]
    evidence = prove(context, data, "most_severe", wanted, command, said)
    if evidence.verified is False:
        _tell_other_ranks(evidence, said, told[-1])
    result.evidence.append(evidence)
    return result


def _tell_other_ranks(evidence: Evidence, ours: list[str], theirs: list[str]) -> None:
    """bcftools has a table of severities of its own, in which an intron comes before a non-coding exon."""
    if [line.partition(" ")[0] for line in ours] == [line.partition(" ")[0] for line in theirs]:
        same = sum(a == b for a, b in zip(ours, theirs, strict=True))
        evidence.verified = None
        evidence.note = (
            f"re-run with bcftools: the same for {same:,} of {count_of(len(ours), 'record')}; of the others its own "
            "table of severities, which is not VEP's, puts another consequence first"
        )


def _command(data: OpenDataset, command: Command) -> Command:
    annotation = data.summary["annotation"]
    key = next(n for n in NAMES["consequence"] if n in annotation["keys"])
    options = query_options(command.arguments[2:])
    command.arguments = ["+split-vep", "-a", annotation["tag"], "-s", "worst", "-f", rf"%CHROM:%POS %{key}\n", *options]
    command.plugin = True
    if annotation["tool"] != "VEP":
        command.unprovable = f"bcftools finds no most severe consequence in {annotation['tag']}"
    return command


def _worst(output: IO[bytes], number: int) -> list[str]:
    """The lines of the plugin with the worst term alone where an entry has several."""
    lines = [line.rpartition(" ") for line in all_lines(output)[:number]]
    return [f"{place} {min(text.split('&'), key=rank)}" for place, _, text in lines]


TOOL = Tool(
    "most_severe",
    "The most severe consequence of each variant, one line for each in the order of the file, with impact and gene. "
    "For counts by consequence use group_variants.",
    MostSevere,
    most_severe,
    example={"regions": ["chr7"]},
)
