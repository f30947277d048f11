"""Why a variant is not among those that a filter leaves: each condition, and what the variant has there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from ..memory.errors import ToolError
from .clauses import Clause, quoted
from .condition_steps import IN_WORDS, Step, combined, names_of, single_steps, steps_of
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import all_lines, prove, view_command
from .filters import VariantFilter
from .found_values import found_value
from .list_variants import query_options
from .nearby_variants import not_in_file
from .places import Place, place_of, records_at
from .registry import Tool
from .result import Evidence, Json, Table, ToolResult
from .selection import count_found, select_all
from .variant_rows import variant_key

MAX_RECORDS = 20


class WhyDropped(VariantFilter):
    """A variant, and the filter or the steps of a filter that it should have met."""

    variant: str = Field(min_length=1, description="CHROM:POS, CHROM:POS:REF:ALT or a value of the ID column; 1-based")
    steps: list[Step] = Field(
        default_factory=list,
        max_length=20,
        description="as in filter_funnel; conditions beside them come first, one by one",
    )


@dataclass(slots=True)
class Verdict:
    """What became of one record, or of its ALT allele `allele` where one was named."""

    key: str
    allele: int | None
    rows: list[list[Any]]
    dropped_at: str | None
    not_met: list[str]


def why_dropped(context: ToolContext, wanted: WhyDropped) -> ToolResult:
    """Which conditions a variant meets, with the value found, and the first step that drops it.

    The value maps each record of that name to `kept`, `dropped_at` and `not_met`; it is empty where the variant is
    not in the file. Raises `ToolError` for a name that cannot be read, and as `count_variants` does.
    """
    data = context.dataset(wanted.dataset)
    place = place_of(data, wanted.variant)
    steps = steps_of(wanted, wanted.steps)
    rows = records_at(data, place)
    if not rows:
        return not_in_file(context, data, wanted, place)
    if len({r["record"] for r in rows}) > MAX_RECORDS:
        raise ToolError(f"More than {MAX_RECORDS} records are called {wanted.variant}", "Name one by CHROM:POS:REF:ALT")
    verdicts = _verdicts(data, place, rows, steps)
    value = {v.key: {"kept": v.dropped_at is None, "dropped_at": v.dropped_at, "not_met": v.not_met} for v in verdicts}
    result = ToolResult(" ".join(_sentence(data, v, len(steps)) for v in verdicts), value, "conditions")
    result.private = any(step.genotypes for step in steps)
    result.reading = _reading(wanted, place, rows)
    lines = [line for v in verdicts for line in v.rows]
    result.tables.append(Table("conditions", ["variant", "step", "condition", "found", "met"], lines, len(lines)))
    result.evidence.append(_evidence(context, data, wanted, rows, steps, verdicts, place))
    return result


def _verdicts(data: OpenDataset, place: Place, rows: list[dict[str, Any]], steps: list[Step]) -> list[Verdict]:
    """One for each record; for the ALT allele itself where one was named."""
    named = place.alt is not None and "," not in place.alt
    by_record: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        by_record.setdefault(row["record"], []).append(row)
    return [_verdict(data, of_record, steps, named and of_record[0]["n_alt"] > 1) for of_record in by_record.values()]


def _verdict(data: OpenDataset, rows: list[dict[str, Any]], steps: list[Step], of_allele: bool) -> Verdict:
    first = rows[0]
    key = variant_key(first["chrom"], first["pos"], first["ref"], first["alt"] if of_allele else _alts(first, rows))
    within = Clause(f"pos = {first['pos']} AND record = {first['record']}")
    if of_allele:
        within.sql += f" AND allele = {first['allele']}"
    scope = "allele" if of_allele else "record"
    lines, not_met, dropped_at = [], [], None
    for i, (step, name) in enumerate(zip(steps, names_of(steps), strict=True), 1):
        for condition in single_steps(step):
            met = _meets(data, [condition], within, scope)
            lines.append([key, name, condition.name(), found_value(data, condition, rows), met])
            not_met += [condition.name()] if not met else []
        if dropped_at is None and not _meets(data, steps[:i], within, scope):
            dropped_at = name
    return Verdict(key, first["allele"] if of_allele else None, lines, dropped_at, list(dict.fromkeys(not_met)))


def _alts(first: dict[str, Any], rows: list[dict[str, Any]]) -> str | None:
    return first["alts"] if first["allele"] <= 1 else ",".join(r["alt"] for r in rows)


def _meets(data: OpenDataset, steps: Sequence[Step], within: Clause, scope: str) -> bool:
    return count_found(data, select_all(data, combined(steps), scope, [within]), scope) > 0


def _sentence(data: OpenDataset, verdict: Verdict, steps: int) -> str:
    if not steps:
        return f"{verdict.key} is in {data.name}, and there is no condition that could drop it."
    if verdict.dropped_at is None:
        return f"{verdict.key} was not dropped: it meets {'the condition' if steps == 1 else f'all {steps} steps'}."
    found = {(line[2]): line[3] for line in verdict.rows if not line[4]}
    told = "; ".join(f"{name} (found: {found[name]})" for name in verdict.not_met)
    if not told:
        return (
            f"{verdict.key} was dropped at '{verdict.dropped_at}': each condition is met, but not by one and the same "
            "annotation entry or ALT allele."
        )
    return f"{verdict.key} was dropped at '{verdict.dropped_at}'. Not met: {told}."


def _reading(wanted: WhyDropped, place: Place, rows: list[dict[str, Any]]) -> list[str]:
    told = [place.remark] if place.remark else []
    if single_steps(wanted):
        told.append(f"the filter's conditions are taken one by one, in the order {IN_WORDS}")
    if any(r["n_alt"] > 1 for r in rows):
        named = place.alt is not None and "," not in place.alt
        told.append(
            "of a record with several ALT alleles the named one is judged by itself"
            if named
            else "a record with several ALT alleles meets a condition when any of them does"
        )
    return told


def _evidence(
    context: ToolContext, data: OpenDataset, wanted: WhyDropped, rows: list[dict[str, Any]], steps: list[Step],
    verdicts: list[Verdict], place: Place,
) -> Evidence:  # fmt: skip
    """The records at the place that bcftools leaves."""
    where = []
    for chrom, pos in dict.fromkeys((r["chrom"], r["pos"]) for r in rows):
        where.append(f"(CHROM={quoted(chrom) or ''} && POS={pos})")
    here = Clause("", expression=where[0] if len(where) == 1 else f"({' || '.join(where)})")
    if any(quoted(r["chrom"]) is None for r in rows):
        here.unprovable = "bcftools cannot be given the contig's name"
    command = view_command(data, [here, *select_all(data, combined(steps)).clauses] if steps else [here])
    command.arguments = ["query", "-f", r"%CHROM:%POS:%REF:%ALT\n", *query_options(command.arguments[2:])]
    asked = [v.key for v in verdicts]
    command.then, command.read = "", lambda output: [line for line in all_lines(output) if line in asked]
    if any(v.allele is not None for v in verdicts):
        command.unprovable = "bcftools judges the whole record, not the ALT allele that was named"
    expected: Json = [v.key for v in verdicts if v.dropped_at is None]
    return prove(context, data, "why_dropped", wanted, command, expected)


TOOL = Tool(
    "why_dropped",
    "Why a variant is missing from a result: for one variant (CHROM:POS, CHROM:POS:REF:ALT or ID) and a filter, each "
    "condition met or not met with the value that the variant has, and the step that dropped it; where it is not in "
    "the file, what lies near. Use it for 'why was this variant dropped', 'why is it not in the list'.",
    WhyDropped,
    why_dropped,
    example={
        "variant": "chr7:117559590",
        "filters": ["PASS"],
        "where": [{"field": "INFO/gnomAD_AF", "op": "<", "value": 0.001, "absent": "keep"}],
        "genotypes": [{"genotype": "hom_alt", "samples": ["DEV"]}],
    },
)
