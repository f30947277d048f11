"""How many variants are left after each step of a filter."""

import time
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import Field

from ..memory.errors import ToolError
from .condition_steps import IN_WORDS, Step, combined, names_of, single_steps, steps_of
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import prove, view_command
from .filters import VariantFilter
from .registry import Tool
from .result import Evidence, Table, ToolResult
from .selection import Selection, count_found, select_all
from .text import count_of

MAX_STEPS = 20


class FilterFunnel(VariantFilter):
    """Steps in their order; conditions beside `steps` are applied before them, one by one."""

    steps: list[Step] = Field(
        default_factory=list,
        max_length=MAX_STEPS,
        description="each a set of conditions that are applied together, in this order; without steps, the filter's "
        f"own conditions are taken one by one ({IN_WORDS})",
    )
    scope: Literal["record", "allele"] = Field(
        "record", description="what is counted; as in count_variants, record or ALT allele"
    )


@dataclass(slots=True)
class Stage:
    """What is left after a step and all before it."""

    name: str
    left: int
    found: Selection


def filter_funnel(context: ToolContext, wanted: FilterFunnel) -> ToolResult:
    """Count what is left after each step, and what each step drops.

    The value maps `all` and the name of each step to the number that is left. Raises `ToolError` as
    `count_variants` does, and where no condition is given.
    """
    data = context.dataset(wanted.dataset)
    steps = steps_of(wanted, wanted.steps)
    if not steps:
        raise ToolError("A funnel needs at least one condition", "Name the steps, or the conditions of a filter")
    total = data.summary["records"] if wanted.scope == "record" else data.table.count("allele > 0")
    stages = stages_of(data, steps, wanted.scope)
    noun = "record" if wanted.scope == "record" else "ALT allele"
    value = {"all": total} | {s.name: s.left for s in stages}
    result = ToolResult(_sentence(data, total, stages, noun), value, f"{noun}s")
    result.reading = _reading(data, wanted, stages)
    result.tables.append(_table(total, stages))
    result.evidence = _proofs(context, data, wanted, stages)
    return result


def stages_of(data: OpenDataset, steps: list[Step], scope: str = "record") -> list[Stage]:
    """The numbers that are left after each step."""
    found = []
    for i, name in enumerate(names_of(steps), 1):
        selection = select_all(data, combined(steps[:i]), scope)
        found.append(Stage(name, count_found(data, selection, scope), selection))
    return found


def _sentence(data: OpenDataset, total: int, stages: list[Stage], noun: str) -> str:
    told = "; ".join(f"{s.name}: {s.left:,} left ({before - s.left:,} dropped)" for s, before in _with(total, stages))
    text = f"Of the {count_of(total, noun)} in {data.name}, after each step: {told}."
    empty = next((s for s, before in _with(total, stages) if before and not s.left), None)
    return text + (f" Nothing is left from the step '{empty.name}' on." if empty else "")


def _with(total: int, stages: list[Stage]) -> list[tuple[Stage, int]]:
    """Each stage with the number that was left before it."""
    return list(zip(stages, [total, *(s.left for s in stages)], strict=False))


def _table(total: int, stages: list[Stage]) -> Table:
    rows: list[list[Any]] = [[0, "all", total, 0, None, _share(total, total)]]
    for number, (stage, before) in enumerate(_with(total, stages), 1):
        dropped = before - stage.left
        rows.append([number, stage.name, stage.left, dropped, _share(dropped, before), _share(stage.left, total)])
    columns = ["step", "condition", "left", "dropped", "share dropped by the step", "share left of all"]
    return Table("funnel", columns, rows, len(rows))


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _reading(data: OpenDataset, wanted: FilterFunnel, stages: list[Stage]) -> list[str]:
    told = ["each number is what meets this step and all before it; in another order a step drops another number"]
    if single_steps(wanted):
        beside = "conditions beside the steps come first, one by one" if wanted.steps else "one condition a step"
        told.append(f"{beside}, in the order {IN_WORDS}")
    if wanted.scope == "record" and data.summary["multiallelic"]:
        told.append(
            "a record counts once, and different ALT alleles of it may meet different conditions, as in bcftools"
        )
        if by_others := stages[-1].found.by_different_alleles:
            told.append(f"{count_of(by_others, 'record')} of the last step meet the conditions only so")
    return [*told, *dict.fromkeys(r for s in stages for r in s.found.reading)]


def _proofs(context: ToolContext, data: OpenDataset, wanted: FilterFunnel, stages: list[Stage]) -> list[Evidence]:
    """The command of each step; the last, which gives the answer, is re-run first, as long as the time allows."""
    end = time.monotonic() + context.verify_seconds
    found = []
    for stage in reversed(stages):
        left = max(end - time.monotonic(), 0.0)
        command = view_command(data, stage.found.clauses, wanted.scope)
        evidence = prove(replace(context, verify_seconds=left), data, "filter_funnel", wanted, command, stage.left)
        if not left and context.verify_seconds > 0 and evidence.command:
            evidence.note = f"not re-run: the later steps took the {context.verify_seconds:g} s that there are"
        found.append(evidence)
    return found[::-1]


TOOL = Tool(
    "filter_funnel",
    "How many variants are left after each step of a filter, how many each step drops and which share. Use it for "
    "'how many were left after each step' and 'which filter removes the most'. Steps come in a given order, or the "
    "conditions of one filter are taken one by one.",
    FilterFunnel,
    filter_funnel,
    example={
        "steps": [
            {"label": "passing", "filters": ["PASS"]},
            {"label": "rare", "where": [{"field": "INFO/gnomAD_AF", "op": "<", "value": 0.01, "absent": "keep"}]},
            {"label": "protein", "impacts": ["HIGH", "MODERATE"]},
            {"label": "DEV carries", "genotypes": [{"genotype": "carrier", "samples": ["DEV"]}]},
        ]
    },
)
