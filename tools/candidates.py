"""Rare, damaging, passing variants that some samples carry and others do not: each step counted, the rest ranked."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from ..memory.errors import ToolError
from .clauses import significance_column
from .clinvar import classes_of
from .consequences import IMPACTS, worst
from .context import ToolContext
from .dataset import OpenDataset, nearest
from .evidence import Command, all_lines, prove, view_command
from .filters import Condition, GenotypeCondition, OnDataset, RegionText, VariantFilter
from .list_variants import MAX_VALUE, query_options
from .loss_of_function import TERMS
from .registry import Tool
from .result import Table, ToolResult
from .selection import Selection, count_records, record_numbers, select
from .text import count_of
from .variant_rows import keys_of, rows_of, variant_rows

Records = npt.NDArray[np.int32]
PREFERRED = ["grpmax", "popmax", "gnomadg_af", "gnomade_af", "gnomad_af", "gnomad"]
"""Words in the names of frequencies, the first that is there chooses."""


class Candidates(OnDataset):
    passing: Literal["pass_or_unset", "pass", "any"] = Field(
        "pass_or_unset", description="FILTER: PASS or '.', PASS alone, or whatever it is"
    )
    frequency: str | None = Field(
        None, description="such as INFO/gnomAD_AF, CSQ/gnomADe_AF or cohort_AF; chosen where not given, and told"
    )
    max_frequency: float = Field(0.01, ge=0, le=1, description="rare: the frequency is at most this")
    absent: Literal["keep", "drop"] = Field("keep", description="alleles without the frequency")
    damaging: Literal["high", "high_or_moderate", "lof", "clinvar", "any"] = Field(
        "high_or_moderate",
        description="high, high_or_moderate: impact. lof: stop gained, frameshift, splice donor or acceptor. clinvar: "
        "pathogenic or likely pathogenic. any: whatever it does",
    )
    carried_by: list[str] = Field(default_factory=list, description="samples that carry an ALT allele")
    carried: Literal["all", "any"] = Field("all", description="whether all samples of `carried_by` must, or any")
    not_carried_by: list[str] = Field(
        default_factory=list, description="samples none of which carries one; a missing genotype is no carrier"
    )
    genes: list[str] = Field(default_factory=list, description="only in these genes")
    regions: list[RegionText] = Field(default_factory=list, description="only in these regions")
    inside_bed: str | None = Field(None, min_length=1, description="only in the regions of this BED file")
    limit: int = Field(20, ge=1, le=1000, description="rows shown, the best first; the total is always told")


@dataclass(slots=True)
class _Plan:
    """The conditions of each step, by its name, and what there is to say of them."""

    steps: list[tuple[str, dict[str, Any]]]
    frequency: str | None
    reading: list[str] = field(default_factory=list)


def candidates(context: ToolContext, wanted: Candidates) -> ToolResult:
    """The records left after all steps; the value is the list of `CHROM:POS:REF:ALT`, the best first.

    One and the same ALT allele must be rare and damaging. Ranked by impact, then by frequency, absent first. Raises
    `ToolError` for what the file lacks: a named frequency, an annotation, a sample.
    """
    data = context.dataset(wanted.dataset)
    plan = _plan(data, wanted)
    conditions = [VariantFilter.model_validate(given) for given in _added_up(wanted, plan)]
    left = [count_records(data, select(data, c, "allele")) for c in conditions]
    found = select(data, conditions[-1])
    alleles = select(data, conditions[-1], "allele")
    records = record_numbers(data, alleles)
    ranked = _ranked(data, alleles, plan.frequency)
    shown = _rows(data, ranked[: wanted.limit], plan.frequency)
    keys = _keys(data, ranked[:MAX_VALUE])
    result = ToolResult(_text(data, plan, left), keys, "records", private=bool(wanted.carried_by))
    result.reading = list(dict.fromkeys([*plan.reading, *found.reading]))
    if len(ranked) > MAX_VALUE:
        result.reading.append(f"the value holds the first {MAX_VALUE:,} of {len(ranked):,} records")
    result.tables.append(Table("candidates", *shown, len(ranked), wanted.limit < len(ranked)))
    names = ["at the start", *(name for name, _ in plan.steps)]
    result.tables.append(Table("left after each step", ["step", "records"], _pairs(names, left), len(names)))
    command, expected = _command(data, conditions[-1], records)
    result.evidence.append(prove(context, data, "candidates", wanted, command, expected))
    return result


def _pairs(names: list[str], left: list[int]) -> list[list[Any]]:
    return [list(pair) for pair in zip(names, left, strict=True)]


def _plan(data: OpenDataset, wanted: Candidates) -> _Plan:
    plan = _Plan([], None)
    if wanted.passing != "any":
        plan.steps.append(("passing", {"filters": ["PASS"] if wanted.passing == "pass" else ["PASS", "."]}))
        unset = "" if wanted.passing == "pass" else " or '.' (no filter applied)"
        plan.reading.append(f"passing: FILTER is PASS{unset}")
    _add_rare(data, wanted, plan)
    _add_damaging(data, wanted, plan)
    plan.reading.append("the same ALT allele must be rare and damaging; ranked by impact, then by frequency")
    for who, how in ((wanted.carried_by, wanted.carried), (wanted.not_carried_by, "none")):
        if who:
            condition = GenotypeCondition(genotype="carrier", samples=who, how_many=how)
            name = (
                f"{'not ' if how == 'none' else ''}carried by {' or '.join(who) if how != 'all' else ' and '.join(who)}"
            )
            plan.steps.append((name, {"genotypes": [condition]}))
    if (wanted.carried_by or wanted.not_carried_by) and data.summary["multiallelic"]:
        plan.reading.append("of a record with several ALT alleles, a carrier may carry any of them")
    return plan


def _add_rare(data: OpenDataset, wanted: Candidates, plan: _Plan) -> None:
    plan.frequency = _frequency(data, wanted.frequency)
    if plan.frequency is None:
        plan.reading.append("no record has a population frequency, so nothing was left out as common")
        return
    condition = Condition(field=plan.frequency, op="<=", value=wanted.max_frequency, absent=wanted.absent)
    if plan.frequency == "cohort_AF":
        condition = Condition(field=plan.frequency, op="<=", value=wanted.max_frequency)
    plan.steps.append((f"rare ({plan.frequency} at most {wanted.max_frequency:g})", {"where": [condition]}))
    others = [f for f in data.frequency_fields() if f != plan.frequency]
    if wanted.frequency is None and others:
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        plan.reading.append(f"rare by {plan.frequency}; there are also {', '.join(others[:5])}{more}")


def _frequency(data: OpenDataset, name: str | None) -> str | None:
    known = list(data.frequency_fields())
    if name is None:
        filled = [n for n, column in data.frequency_fields().items() if data.table.count(f"{column} IS NOT NULL")]
        order = [n for word in PREFERRED for n in filled if word in n.lower()]
        return next(iter([*order, *filled]), None)
    if name == "cohort_AF" or name in known:
        return name
    if name.removeprefix("INFO/") in data.info:
        return f"INFO/{name.removeprefix('INFO/')}"
    raise ToolError(f"{data.name} has no frequency {name!r}", nearest(name, [*known, "cohort_AF"], "There are"))


def _add_damaging(data: OpenDataset, wanted: Candidates, plan: _Plan) -> None:
    if wanted.damaging == "clinvar":
        column = significance_column(data)
        texts = data.table.columns([column.column], f"{column.column} IS NOT NULL")[column.column]
        values = [v for v in {x for t in set(texts.to_pylist()) for x in t.split(",")} if _harmful(v)]
        plan.steps.append(("pathogenic or likely pathogenic in ClinVar", {"significance": sorted(values) or ["none"]}))
    elif wanted.damaging == "lof":
        plan.steps.append(("loss of function", {"consequences": TERMS}))
    elif wanted.damaging != "any":
        impacts = ["HIGH"] if wanted.damaging == "high" else ["HIGH", "MODERATE"]
        plan.steps.append((f"damaging (impact {' or '.join(impacts)})", {"impacts": impacts}))


def _harmful(value: str) -> bool:
    return not classes_of(value).isdisjoint({"pathogenic", "likely_pathogenic"})


def _added_up(wanted: Candidates, plan: _Plan) -> list[dict[str, Any]]:
    """The conditions at the start, and after each step all so far."""
    sums: list[dict[str, Any]] = [{"genes": wanted.genes, "regions": wanted.regions, "inside_bed": wanted.inside_bed}]
    for _, more in plan.steps:
        joined = {k: [*sums[-1].get(k, []), *v] for k, v in more.items()}
        sums.append(sums[-1] | joined)
    return sums


def _frequency_column(data: OpenDataset, name: str | None) -> str | None:
    if name is None or name == "cohort_AF":
        return None
    return data.frequency_fields().get(name) or data.info[name.removeprefix("INFO/")].column


def _ranked(data: OpenDataset, alleles: Selection, frequency: str | None) -> Records:
    """The records of the alleles in order: worst impact first, then the lowest frequency, absent before any, then as in
    the file.
    """
    column = _frequency_column(data, frequency)
    columns = ["record", "profile", *([column] if column else [])]
    rows = data.table.columns(columns, alleles.where)
    if alleles.records is not None:
        rows = rows.filter(pa.array(np.isin(rows["record"].to_numpy(), alleles.records)))
    places = np.asarray([_place(p) for p in data.profiles.to_pylist()] or [len(IMPACTS)])
    impact = places[rows["profile"].fill_null(0).to_numpy()]
    values = np.zeros(len(rows))
    if column and pa.types.is_floating(rows.schema.field(column).type):
        values = rows[column].fill_null(-1.0).to_numpy().astype(np.float64)
    order = np.lexsort((rows["record"].to_numpy(), values, impact))
    ranked = rows["record"].to_numpy()[order]
    _, first = np.unique(ranked, return_index=True)
    return np.asarray(ranked[np.sort(first)])


def _place(profile: dict[str, list[str]]) -> int:
    impact = worst(list(zip(profile["consequences"], profile["impacts"], strict=True)))[1]
    return IMPACTS.index(impact) if impact in IMPACTS else len(IMPACTS)


def _rows(data: OpenDataset, ranked: Records, frequency: str | None) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows as `variant_rows` has them, with the frequency, in the ranked order."""
    records = np.sort(ranked)
    columns, rows = variant_rows(data, records)
    column = _frequency_column(data, frequency)
    if column:
        table = rows_of(data, ["record", column], records)
        by_record: dict[int, list[str]] = {}
        for record, value in zip(table["record"].to_pylist(), table[column].to_pylist(), strict=True):
            by_record.setdefault(record, []).append("." if value is None else f"{value:.6g}")
        columns = [*columns, str(frequency)]
        rows = [[*row, ",".join(dict.fromkeys(by_record[r]))] for row, r in zip(rows, records.tolist(), strict=True)]
    place = {record: i for i, record in enumerate(records.tolist())}
    return columns, [rows[place[r]] for r in ranked.tolist()]


def _keys(data: OpenDataset, ranked: Records) -> list[str]:
    records = np.sort(ranked)
    keys = dict(zip(records.tolist(), keys_of(data, records), strict=True))
    return [keys[r] for r in ranked.tolist()]


def _text(data: OpenDataset, plan: _Plan, left: list[int]) -> str:
    steps = "; ".join(f"{name} {number:,}" for (name, _), number in zip(plan.steps, left[1:], strict=True))
    found = count_of(left[-1], "candidate record")
    return f"{found} in {data.name}. Of {count_of(left[0], 'record')}, step by step: {steps or 'all'}."


def _command(data: OpenDataset, conditions: VariantFilter, left: Records) -> tuple[Command, list[str] | None]:
    """In file order; there is none where bcftools would let different ALT alleles meet the conditions."""
    found = select(data, conditions)
    command = view_command(data, found.clauses)
    command.arguments = ["query", "-f", r"%CHROM:%POS:%REF:%ALT\n", *query_options(command.arguments[2:])]
    command.then, command.read = "", all_lines
    if count_records(data, found) != len(left):
        command.unprovable = command.unprovable or "bcftools lets different ALT alleles of a record meet the conditions"
    return command, keys_of(data, left) if len(left) <= MAX_VALUE else None


TOOL = Tool(
    "candidates",
    "Rare, damaging, passing variants that given samples carry and others do not: a ranked list, with how many records "
    "are left after each step. Every threshold has a default that the answer states.",
    Candidates,
    candidates,
    example={"carried_by": ["DEV"], "not_carried_by": ["OTTO", "INES"]},
)
