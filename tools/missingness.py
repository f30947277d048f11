"""Missing genotypes, by sample or by site."""

from typing import IO, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from ..memory.genotype_codes import Genotype
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import Command, asks_samples, count_lines, prove, tally, view_command
from .filters import VariantFilter
from .list_variants import query_options
from .registry import Tool
from .result import Table, ToolResult
from .selection import Selection, select, selected_blocks
from .text import count_of
from .variant_rows import keys_of

READING = "missing: any allele of the genotype is '.', also where the other one is called"


class Missingness(VariantFilter):
    by: Literal["sample", "site"] = "sample"
    more_than: float | None = Field(
        None, ge=0, le=1,
        description="only samples with a larger share of their records, or sites with a larger share of the samples "
        "missing; without it, every sample, and sites with any",
    )  # fmt: skip
    limit: int = Field(20, ge=1, le=1000, description="sites shown, those with most missing first")


def missingness(context: ToolContext, wanted: Missingness) -> ToolResult:
    """Missing genotypes. By sample the value maps names to `missing` and `share` of the records; by site it is the
    number of records.
    """
    data = context.dataset(wanted.dataset)
    data.need_genotypes()
    found = select(data, wanted)
    records, of_record, of_sample = _count(data, found)
    if wanted.by == "sample":
        result, command, expected = _by_sample(data, wanted, found, len(records), of_sample)
    else:
        result, command, expected = _by_site(data, wanted, found, records, of_record)
    result.reading = [READING, *found.reading]
    result.evidence.append(prove(context, data, "missingness", wanted, command, expected))
    return result


def _count(
    data: OpenDataset, found: Selection
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The selected records, and the number of missing genotypes in each of them and in each sample."""
    is_missing = np.isin(data.codes.classes(), [Genotype.MISSING, Genotype.PARTIAL])
    of_sample = np.zeros(len(data.samples), dtype=np.int64)
    numbers, of_record = [np.array([], dtype=np.int32)], [np.array([], dtype=np.int64)]
    for records, block in selected_blocks(data, found, ["gt"]):
        missing = is_missing[block["gt"]]
        of_sample += missing.sum(axis=0)
        numbers.append(records)
        of_record.append(missing.sum(axis=1))
    return np.concatenate(numbers), np.concatenate(of_record), of_sample


def _by_sample(
    data: OpenDataset, wanted: Missingness, found: Selection, total: int, missing: npt.NDArray[np.int64]
) -> tuple[ToolResult, Command, Any]:
    every = dict(zip(data.samples, missing.tolist(), strict=True))
    least = wanted.more_than
    kept = {s: n for s, n in every.items() if least is None or n > round(least * total, 6)}
    value = {s: {"missing": n, "share": round(n / total, 6) if total else None} for s, n in kept.items()}
    told = ", ".join(f"{s} {n:,}" for s, n in list(kept.items())[:20])
    more = f" and {len(kept) - 20} more" if len(kept) > 20 else ""
    what = "Missing genotypes" if least is None else f"Samples with more than {least:.6g} of their genotypes missing"
    text = f"{what} among the {count_of(total, 'record')} of {data.name}: {told or 'none'}{more}."
    rows: list[list[Any]] = [[s, v["missing"], total, v["share"]] for s, v in value.items()]
    table = Table("missing by sample", ["sample", "missing", "records", "share"], rows, len(rows))
    command = view_command(data, found.clauses)
    command.arguments = ["query", "-f", r"[%SAMPLE\t%GT\n]", *query_options(command.arguments[2:])]
    command.unprovable = command.unprovable or asks_samples(command.arguments)
    command.then = r"""awk -F'\t' '$2~/\./ {n[$1]++} END {for (s in n) print s, n[s]}'"""
    command.read = _missing_in
    return ToolResult(text, value, "genotypes", tables=[table]), command, {s: n for s, n in every.items() if n}


def _missing_in(output: IO[bytes]) -> dict[str, int]:
    found: dict[str, int] = {}
    for line, number in tally(output).items():
        sample, _, genotype = line.rpartition("\t")
        if "." in genotype:
            found[sample] = found.get(sample, 0) + number
    return found


def _by_site(
    data: OpenDataset, wanted: Missingness, found: Selection, records: npt.NDArray[np.int32],
    missing: npt.NDArray[np.int64],
) -> tuple[ToolResult, Command, Any]:  # fmt: skip
    n, least = len(data.samples), wanted.more_than or 0.0
    over = missing > round(least * n, 6)
    order = np.flatnonzero(over)[np.argsort(-missing[over], kind="stable")][: wanted.limit]
    keys = dict(zip(np.sort(records[order]).tolist(), keys_of(data, np.sort(records[order])), strict=True))
    rows: list[list[Any]] = [
        [keys[int(records[i])], int(missing[i]), n, round(int(missing[i]) / n, 6)] for i in order.tolist()
    ]
    total = int(over.sum())
    share = f" in more than {least:.6g} of the {n:,} samples" if least else ""
    text = (
        f"{total:,} of the {count_of(len(records), 'record')} looked at in {data.name} have missing genotypes{share}."
    )
    table = Table("missing by site", ["variant", "missing", "samples", "share"], rows, total, len(rows) < total)
    command = view_command(data, found.clauses)
    test = f'F_PASS(GT="mis")>{least:.15g}' if least else 'N_PASS(GT="mis")>0'
    options = command.arguments[2:]
    if "-i" in options:
        at = options.index("-i") + 1
        options[at] = f"({options[at]}) && {test}"
    command.arguments = ["view", "-H", *(options if "-i" in options else [*options, "-i", test])]
    command.then, command.read = "wc -l", count_lines
    if data.records_without_genotypes:
        command.unprovable = command.unprovable or "some records have no GT at all, which bcftools does not count"
    return ToolResult(text, total, "records", tables=[table]), command, total


TOOL = Tool(
    "missingness",
    "Missing genotypes: how many and which share in each sample, or the sites where many samples are missing; with a "
    "threshold, only those above it. All filters on variants apply.",
    Missingness,
    missingness,
)
