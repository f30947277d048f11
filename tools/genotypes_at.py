"""Who has which genotype at a position or an ID."""

from collections.abc import Callable
from typing import IO, Any, Literal

import numpy as np
from pydantic import Field

from ..memory.errors import ToolError
from ..memory.genotype_codes import alleles_of, classify
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import all_lines, prove, view_command
from .filters import OnDataset, RegionText, VariantFilter
from .list_variants import query_options
from .registry import Tool
from .result import Table, ToolResult
from .sample_counts import NAMES
from .selection import Selection, record_numbers, select
from .text import count_of
from .variant_rows import rows_of, variant_key

MAX_RECORDS = 20


class GenotypesAt(OnDataset):
    position: RegionText | None = Field(None, description="chr20:12050, 1-based")
    id: str | None = Field(None, description="a value of the ID column, such as rs334; instead of a position")
    samples: list[str] = Field(default_factory=list, description="names; empty for all")
    show: Literal["genotypes", "carriers", "by_class"] = Field(
        "genotypes",
        description="what the value is: the genotype of each sample, the list of carriers, or the samples by class "
        "(het, hom_alt, hom_ref, hemizygous_alt, hemizygous_ref, partly_missing, missing)",
    )


def genotypes_at(context: ToolContext, wanted: GenotypesAt) -> ToolResult:
    """Genotypes with bases, depths and qualities of the records at a place.

    The value maps each sample to its GT where there is one record, else each record to such a map. Raises
    `ToolError` where neither or both of position and ID are given, or a sample is not there.
    """
    if (wanted.position is None) == (wanted.id is None):
        raise ToolError("Give either a position or an ID")
    data = context.dataset(wanted.dataset)
    data.need_genotypes()
    chosen = [data.sample_index(s) for s in wanted.samples] or list(range(len(data.samples)))
    place = wanted.position or wanted.id or ""
    conditions = VariantFilter(regions=[wanted.position]) if wanted.position else VariantFilter(ids=[place])
    found = select(data, conditions)
    records = record_numbers(data, found)
    result = _answer(data, records, chosen, place)
    if result.tables and wanted.show != "genotypes":
        result.value, result.unit = _VALUES[wanted.show](result.tables[0].rows), "samples"
    result.reading += [r for r in found.reading if "calls" in r]
    result.evidence.append(_evidence(context, data, wanted, found, result, records))
    return result


def _answer(data: OpenDataset, records: Any, chosen: list[int], place: str) -> ToolResult:
    if len(records) == 0:
        text = f"{data.name} has no record at {place}."
        return ToolResult(text + _absence(data), {}, "genotypes")
    if len(records) > MAX_RECORDS:
        raise ToolError(f"{count_of(len(records), 'record')} reach {place}", "Name a single position")
    table, value = _rows(data, records, chosen)
    lines = []
    for record, genotypes in value.items():
        carriers = [s for s, gt in genotypes.items() if any(a for a in alleles_of(gt) if a)]
        shown = ", ".join(f"{s} {gt}" for s, gt in list(genotypes.items())[:20])
        more = f" and {len(genotypes) - 20} more" if len(genotypes) > 20 else ""
        lines.append(f"{record}: {shown}{more}; {count_of(len(carriers), 'carrier')}")
    only = next(iter(value.values())) if len(value) == 1 else value
    return ToolResult(
        f"At {place} in {data.name}: " + ". ".join(lines) + ".",
        only,
        "genotypes",
        ["./. and . are missing, not reference; 0 is REF, 1 the first ALT"],
        [table],
        private=True,
    )


def _absence(data: OpenDataset) -> str:
    if data.summary["reference_blocks"]:
        return " It is a gVCF, yet no block covers the position, so nothing is known there."
    return " The file lists variants only, so no record means not known to vary, not reference."


def _rows(data: OpenDataset, records: Any, chosen: list[int]) -> tuple[Table, dict[str, dict[str, str]]]:
    extra = [c for c in ("dp", "gq", "ad_ref", "ad_alt") if c in data.table.names()]
    rows = rows_of(data, ["record", "allele", "chrom", "pos", "ref", "alts", "gt", *extra], records)
    table: list[list[Any]] = []
    value: dict[str, dict[str, str]] = {}
    for row in rows.to_pylist():
        if row["allele"] > 1:
            continue
        key = variant_key(row["chrom"], row["pos"], row["ref"], row["alts"])
        texts = {data.samples[i]: data.codes.texts[row["gt"][i]] for i in chosen}
        value[key] = texts
        for i in chosen:
            gt = data.codes.texts[row["gt"][i]]
            table.append(
                [
                    key,
                    data.samples[i],
                    gt,
                    in_bases(gt, row["ref"], row["alts"]),
                    NAMES[classify(gt)],
                    *[row[c][i] for c in extra],
                ]
            )
    columns = ["variant", "sample", "GT", "bases", "class", *[c.upper().replace("_", " ") for c in extra]]
    return Table("genotypes", columns, table, len(table)), value


CARRYING = ("het", "hom_alt", "hemizygous_alt", "partly_missing")


def _carriers(rows: list[list[Any]]) -> list[str]:
    return list(dict.fromkeys(r[1] for r in rows if r[4] in CARRYING and any(a for a in alleles_of(r[2]) if a)))


def _by_class(rows: list[list[Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row[4], []).append(row[1])
    return found


_VALUES: dict[str, Callable[[list[list[Any]]], Any]] = {"carriers": _carriers, "by_class": _by_class}


def in_bases(gt: str, ref: str, alts: str | None) -> str:
    """A genotype in letters: 0/1 at A>G is A/G; alleles over 10 bases are cut."""
    named = [a if len(a) <= 10 else a[:9] + "…" for a in [ref, *(alts or "").split(",")]]
    parts = ["." if a is None or a >= len(named) else named[a] for a in alleles_of(gt)]
    return ("|" if "|" in gt else "/").join(parts)


def _evidence(
    context: ToolContext,
    data: OpenDataset,
    wanted: GenotypesAt,
    found: Selection,
    result: ToolResult,
    records: Any,
) -> Any:
    command = view_command(data, found.clauses)
    samples = ["-s", ",".join(wanted.samples)] if wanted.samples else []
    command.unprovable = command.unprovable or data.unlistable(wanted.samples)
    names = [data.samples[data.sample_index(s)] for s in wanted.samples]
    samples = ["-s", ",".join(names)] if names else []
    form = r"[%CHROM:%POS:%REF:%ALT\t%SAMPLE\t%GT\n]"
    command.arguments = ["query", *samples, "-f", form, *query_options(command.arguments[2:])]
    command.then, command.read = "", _nested
    many: dict[str, dict[str, str]] = {}
    if len(np.atleast_1d(records)):
        for table in result.tables:
            for key, sample, gt, *_ in table.rows:
                many.setdefault(key, {})[sample] = gt
    return prove(context, data, "genotypes_at", wanted, command, many)


def _nested(output: IO[bytes]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for line in all_lines(output):
        key, sample, gt = line.split("\t")
        found.setdefault(key, {})[sample] = gt
    return found


TOOL = Tool(
    "genotypes_at",
    "The genotypes of all or some samples at one position or ID, with bases, depth and quality. Use it for 'who "
    "carries ...' and 'what is the genotype of ... at ...'. A place without a record is not reference.",
    GenotypesAt,
    genotypes_at,
    example={"position": "chr7:117559590"},
)
