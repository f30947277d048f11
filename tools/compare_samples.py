"""How well the genotypes of samples of one file agree."""

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from ..memory.errors import ToolError
from ..memory.genotype_codes import alleles_of, classify
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import Command, asks_samples, prove, tally, view_command
from .filters import VariantFilter
from .list_variants import query_options
from .registry import Tool
from .result import Table, ToolResult
from .sample_counts import NAMES
from .selection import Selection, select, selected_blocks

Counts = npt.NDArray[np.int64]
MAX_SAMPLES = 3000


class CompareSamples(VariantFilter):
    samples: list[str] = Field(
        default_factory=list, description="two for each kind of difference, more for every pair; empty for all"
    )
    limit: int = Field(20, ge=1, le=10_000, description="pairs told, the most alike first; the total is always told")


def compare_samples(context: ToolContext, wanted: CompareSamples) -> ToolResult:
    """Concordance of genotypes within a file.

    The value holds `compared`, `same`, `different`, `not_called` and `concordance`, a number from 0 to 1, null where
    nothing was compared; of more than two samples it maps `A and B` to them.
    """
    data = context.dataset(wanted.dataset)
    data.need_genotypes()
    chosen = [data.sample_index(s) for s in wanted.samples] or list(range(len(data.samples)))
    chosen = sorted(set(chosen))
    if not 2 <= len(chosen) <= MAX_SAMPLES:
        raise ToolError(f"2 to {MAX_SAMPLES:,} samples can be compared, not {len(chosen)}", "Name some with `samples`")
    found = select(data, wanted)
    result, command, expected = (_two if len(chosen) == 2 else _many)(data, wanted, found, chosen)
    result.reading = [
        "the same: the same alleles in any order, phased or not; a haploid ALT is not homozygous ALT",
        "records in which either of the two has a missing allele are not compared",
        *found.reading,
    ]
    result.evidence.append(prove(context, data, "compare_samples", wanted, command, expected))
    return result


def _kinds(data: OpenDataset) -> npt.NDArray[np.int64]:
    """For each code a number that is the same for the same alleles, -1 where one is missing."""
    numbers: dict[tuple[int, ...], int] = {}
    kinds = []
    for text in data.codes.texts:
        called = [a for a in alleles_of(text) if a is not None]
        whole = len(called) == len(alleles_of(text))
        kinds.append(numbers.setdefault(tuple(sorted(called)), len(numbers)) if whole else -1)
    return np.array(kinds or [-1], dtype=np.int64)


def _summary(same: int, compared: int, total: int) -> dict[str, Any]:
    concordance = round(same / compared, 6) if compared else None
    return {"compared": compared, "same": same, "different": compared - same, "not_called": total - compared,
            "concordance": concordance}  # fmt: skip


def _two(
    data: OpenDataset, wanted: CompareSamples, found: Selection, chosen: list[int]
) -> tuple[ToolResult, Command, Any]:
    """Every pair of genotype texts is counted; all else follows from that."""
    k = len(data.codes.texts)
    pairs: Counts = np.zeros(k * k, dtype=np.int64)
    for _, block in selected_blocks(data, found, ["gt"]):
        one, other = (block["gt"][:, i].astype(np.int64) for i in chosen)
        pairs += np.bincount(one * k + other, minlength=k * k)
    kinds = _kinds(data)
    seen = [(divmod(int(c), k), int(pairs[c])) for c in np.flatnonzero(pairs)]
    compared = [((a, b), n) for (a, b), n in seen if kinds[a] >= 0 and kinds[b] >= 0]
    same = sum(n for (a, b), n in compared if kinds[a] == kinds[b])
    value = _summary(same, sum(n for _, n in compared), sum(n for _, n in seen))
    names = [data.samples[i] for i in chosen]
    text = f"{names[0]} and {names[1]} in {data.name}: {_in_words(value)}."
    table = _kinds_table(data, names, seen, kinds)
    return ToolResult(text, value, "records", tables=[table]), *_pairs_command(data, found, names, seen)


def _in_words(value: dict[str, Any]) -> str:
    if value["concordance"] is None:
        return "no record is called in both"
    return f"{value['same']:,} of {value['compared']:,} genotypes are the same ({value['concordance']:.4f})"


def _kinds_table(data: OpenDataset, names: list[str], seen: list[Any], kinds: npt.NDArray[np.int64]) -> Table:
    """Records by the class of both genotypes."""
    found: dict[tuple[str, str, str], int] = {}
    for (a, b), n in seen:
        both = kinds[a] >= 0 and kinds[b] >= 0
        verdict = ("same" if kinds[a] == kinds[b] else "different") if both else "not compared"
        key = (NAMES[classify(data.codes.texts[a])], NAMES[classify(data.codes.texts[b])], verdict)
        found[key] = found.get(key, 0) + n
    rows: list[list[Any]] = [[*key, n] for key, n in sorted(found.items(), key=lambda item: -item[1])]
    return Table("kinds", [*names, "verdict", "records"], rows, len(rows))


def _pairs_command(data: OpenDataset, found: Selection, names: list[str], seen: list[Any]) -> tuple[Command, Any]:
    command = view_command(data, found.clauses)
    form = r"[%GT\t]\n"
    command.arguments = ["query", "-s", ",".join(names), "-f", form, *query_options(command.arguments[2:])]
    command.unprovable = command.unprovable or data.unlistable(names) or asks_samples(command.arguments)
    command.then, command.read = "sort | uniq -c", tally
    return command, {f"{data.codes.texts[a]}\t{data.codes.texts[b]}\t": n for (a, b), n in seen}


def _many(
    data: OpenDataset, wanted: CompareSamples, found: Selection, chosen: list[int]
) -> tuple[ToolResult, Command, Any]:
    same, compared, total = _matrices(data, found, chosen)
    rows: list[list[Any]] = []
    for i, j in combinations(range(len(chosen)), 2):
        value = _summary(int(same[i, j]), int(compared[i, j]), total)
        rows.append([data.samples[chosen[i]], data.samples[chosen[j]], *value.values()])
    rows.sort(key=lambda r: -1 if r[6] is None else r[6], reverse=True)
    shown = rows[: wanted.limit]
    columns = ["sample", "other sample", "compared", "same", "different", "not called", "concordance"]
    names = ["compared", "same", "different", "not_called", "concordance"]
    first = "; ".join(f"{r[0]} and {r[1]} {r[6] if r[6] is not None else 'not known'}" for r in shown[:10])
    text = f"Concordance of {len(rows):,} pairs in {data.name}, the most alike first: {first}."
    value = {f"{r[0]} and {r[1]}": dict(zip(names, r[2:], strict=True)) for r in shown}
    result = ToolResult(text, value, "records")
    result.show(Table("pairs", columns, rows, len(rows)), wanted.limit)
    command = Command([], unprovable="one command compares two samples; name two for a proof")
    return result, command, None


def _matrices(data: OpenDataset, found: Selection, chosen: list[int]) -> tuple[Counts, Counts, int]:
    """For each pair the records with the same genotype and those called in both, and the number of all records."""
    kinds, n = _kinds(data), len(chosen)
    same, compared, total = np.zeros((n, n), dtype=np.int64), np.zeros((n, n), dtype=np.int64), 0
    for records, block in selected_blocks(data, found, ["gt"]):
        kind = kinds[block["gt"][:, chosen]]
        called = (kind >= 0).astype(np.float32)  # whole numbers below 2^24, which 32 bits hold exactly
        compared += (called.T @ called).astype(np.int64)
        for one in np.unique(kind[kind >= 0]).tolist():
            is_one = (kind == one).astype(np.float32)
            same += (is_one.T @ is_one).astype(np.int64)
        total += len(records)
    return same, compared, total


TOOL = Tool(
    "compare_samples",
    "How well the genotypes of samples of one file agree: of two samples each kind of difference, of more a matrix of "
    "concordance. For family relations use relatedness; for variants of one and not the other, list_variants.",
    CompareSamples,
    compare_samples,
    example={"samples": ["DEV", "LILA"]},
)
