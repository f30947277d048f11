"""Variants predicted to end a gene's function, by one of three definitions that are not the same list."""

from typing import Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
from pydantic import Field, model_validator

from ..memory.errors import ToolError
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import Command, all_lines, prove, view_command
from .filters import VariantFilter
from .list_variants import MAX_VALUE, query_options
from .registry import Tool
from .result import Table, ToolResult
from .selection import BLOCK_ROWS, Selection, record_numbers, select
from .text import count_of
from .variant_rows import keys_of, variant_rows

TERMS = ["stop_gained", "frameshift_variant", "splice_donor_variant", "splice_acceptor_variant"]
"""Predicted loss of function as gnomAD has it."""
Records = npt.NDArray[np.int32]


class LossOfFunction(VariantFilter):
    by: Literal["terms", "impact", "loftee"] = Field(
        "terms",
        description="terms: a consequence among `terms`. impact: every consequence of HIGH impact, so also stop_lost, "
        "start_lost and transcript_ablation. loftee: LoF=HC of LOFTEE in VEP's annotation",
    )
    terms: list[str] = Field(default_factory=lambda: list(TERMS), min_length=1, description="for by=terms")
    limit: int = Field(20, ge=1, le=1000, description="rows shown; the total is always told")

    @model_validator(mode="after")
    def _own_consequences(self) -> Self:
        if self.consequences or self.impacts:
            raise ValueError("it chooses `consequences` and `impacts` itself; use `by` and `terms`")
        return self


def loss_of_function(context: ToolContext, wanted: LossOfFunction) -> ToolResult:
    """The records with such an annotation for any transcript; the value is the list of `CHROM:POS:REF:ALT`.

    Raises `ToolError` for a file without annotation, and for loftee where LOFTEE did not run.
    """
    data = context.dataset(wanted.dataset)
    found = select(data, _conditions(wanted, wanted.by))
    every = {by: _records(data, wanted, by) for by in _definitions(data, wanted.by)}
    records = every[wanted.by]
    columns, rows = variant_rows(data, records[: wanted.limit])
    keys = keys_of(data, records[:MAX_VALUE])
    text = f"{count_of(len(records), 'record')} of {data.name} with a predicted loss of function, by {_words(wanted)}."
    result = ToolResult(text, keys, "records", _reading(wanted, every, found))
    result.tables.append(Table("variants", columns, rows, len(records), len(rows) < len(records)))
    counts = [[by, len(r)] for by, r in every.items()]
    result.tables.append(Table("by definition", ["definition", "records"], counts, len(counts)))
    if len(records) > MAX_VALUE:
        result.reading.append(f"the value holds the first {MAX_VALUE:,} of {len(records):,} records")
    result.private = bool(wanted.genotypes)
    command = _command(data, wanted, found)
    result.evidence.append(
        prove(context, data, "loss_of_function", wanted, command, keys if len(records) <= MAX_VALUE else None)
    )
    return result


def _conditions(wanted: LossOfFunction, by: str) -> VariantFilter:
    given = {name: getattr(wanted, name) for name in VariantFilter.model_fields}
    given |= {"terms": {"consequences": wanted.terms}, "impact": {"impacts": ["HIGH"]}}.get(by, {})
    return VariantFilter.model_validate(given)


def _definitions(data: OpenDataset, asked: str) -> list[str]:
    if not data.annotated:
        raise ToolError(
            f"{data.name} carries no consequence annotation (CSQ, ANN or BCSQ)",
            "Annotate it with VEP, SnpEff or bcftools csq",
        )
    has_loftee = "LoF" in data.summary["annotation"]["keys"]
    if asked == "loftee" and not has_loftee:
        raise ToolError(
            f"LOFTEE did not run on {data.name}: {data.summary['annotation']['tag']} has no LoF",
            "Ask by terms or by impact, or run VEP with its LoF plugin",
        )
    return ["terms", "impact", *(["loftee"] if has_loftee else [])]


def _records(data: OpenDataset, wanted: LossOfFunction, by: str) -> Records:
    records = record_numbers(data, select(data, _conditions(wanted, by)))
    return np.intersect1d(records, _high_confidence(data)) if by == "loftee" else records


def _pattern(data: OpenDataset) -> str:
    """One entry of the annotation with LoF=HC, without its anchor."""
    keys: list[str] = data.summary["annotation"]["keys"]
    place = keys.index("LoF")
    return "[^|,]*[|]" * place + "HC" + ("$" if place == len(keys) - 1 else "[|]")


def _high_confidence(data: OpenDataset) -> Records:
    column = data.info[data.summary["annotation"]["tag"]].column
    pattern = "(^|,)" + _pattern(data).replace("$", "(,|$)")
    kept = [np.array([], dtype=np.int32)]
    for rows in data.table.blocks(["record", column], f"{column} IS NOT NULL", BLOCK_ROWS):
        met = pc.match_substring_regex(rows.column(column), pattern).to_numpy(zero_copy_only=False)
        kept.append(rows.column("record").to_numpy()[met.astype(bool)])
    return np.unique(np.concatenate(kept))


def _words(wanted: LossOfFunction) -> str:
    return {"terms": "the terms " + ", ".join(wanted.terms), "impact": "HIGH impact", "loftee": "LOFTEE (LoF=HC)"}[
        wanted.by
    ]


def _reading(wanted: LossOfFunction, every: dict[str, Records], found: Selection) -> list[str]:
    said = ["any transcript's entry counts, and so does any ALT allele"]
    for by, records in every.items():
        if by != wanted.by:
            alone = len(np.setdiff1d(records, every[wanted.by]))
            lacking = len(np.setdiff1d(every[wanted.by], records))
            same = "the same ones" if not alone and not lacking else f"{alone:,} more, and {lacking:,} of these not"
            named = {"terms": "by the terms of gnomAD's pLoF", "impact": "by HIGH impact", "loftee": "by LOFTEE"}[by]
            said.append(f"{named} it would be {count_of(len(records), 'record')}: {same}")
    return said + [r for r in found.reading if r not in said]


def _command(data: OpenDataset, wanted: LossOfFunction, found: Selection) -> Command:
    command = view_command(data, found.clauses)
    command.arguments = ["query", "-f", r"%CHROM:%POS:%REF:%ALT\n", *query_options(command.arguments[2:])]
    if wanted.by == "loftee":
        tag = data.summary["annotation"]["tag"]
        expression = f'INFO/{tag}~"^{_pattern(data).replace(",", "")}"'
        if "-i" in command.arguments:
            at = command.arguments.index("-i") + 1
            command.arguments[at] = f"({command.arguments[at]}) && {expression}"
        else:
            command.arguments += ["-i", expression]
    command.then, command.read = "", all_lines
    return command


TOOL = Tool(
    "loss_of_function",
    "List predicted loss-of-function variants (stop gained, frameshift, splice donor and acceptor), or all of HIGH "
    "impact, or LOFTEE's high-confidence ones; tells how the three definitions differ in this file.",
    LossOfFunction,
    loss_of_function,
    example={"by": "terms"},
)
