"""How closely samples are related, from their genotypes alone."""

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from ..memory.errors import ToolError
from .autosomal_snps import FEW, SITES, dosages
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import Command, prove
from .filters import VariantFilter
from .pedigree import Pedigree
from .registry import Tool
from .result import Table, ToolResult
from .text import count_of

Counts = npt.NDArray[np.int64]
CLASSES = [(0.3536, "duplicate or twin"), (0.1768, "first degree"), (0.0884, "second degree"),
           (0.0442, "third degree")]  # fmt: skip
"""Least kinship of each class: 2^-1.5, 2^-2.5, 2^-3.5 and 2^-4.5, as KING has them."""

MAX_SAMPLES = 3000


class Relatedness(VariantFilter):
    samples: list[str] = Field(default_factory=list, description="names; empty for all, one for its pairs with all")
    least: float | None = Field(
        None, allow_inf_nan=False, description="only pairs with at least this kinship, such as 0.177 for first degree"
    )
    limit: int = Field(20, ge=1, le=10_000, description="pairs told, the most related first; the total is always told")


def relatedness(context: ToolContext, wanted: Relatedness) -> ToolResult:
    """KING-robust kinship of every pair of samples (Manichaikul et al., Bioinformatics 2010, 26:2867, equation 11).

    Over the sites called in both: (N(both het) - 2 N(opposite homozygotes)) / (2 n) + 1/2 - (n + m) / (4 n), where
    n <= m are the heterozygous sites of the two. Null where n is 0. The value maps `A and B` to the kinship.
    """
    data = context.dataset(wanted.dataset)
    data.need_genotypes()
    columns = [data.sample_index(s) for s in wanted.samples]
    chosen = list(dict.fromkeys(columns)) if len(set(columns)) > 1 else list(range(len(data.samples)))
    if not 2 <= len(chosen) <= MAX_SAMPLES:
        raise ToolError(f"Kinship is for 2 to {MAX_SAMPLES:,} samples, not {len(chosen)}", "Name some with `samples`")
    counts, sites = _count(data, wanted, chosen)
    of_one = set(columns) if len(set(columns)) == 1 else set()
    rows = _rows(data, context.pedigree_of(data), chosen, counts, of_one)
    kept = rows if wanted.least is None else [r for r in rows if r[2] is not None and r[2] >= wanted.least]
    return _result(context, data, wanted, kept, sites)


def _count(data: OpenDataset, wanted: Relatedness, chosen: list[int]) -> tuple[dict[str, Counts], int]:
    """By pair the sites both het, opposite homozygotes, called in both, and het in the one and called in the other."""
    n = len(chosen)
    counts = {name: np.zeros((n, n), dtype=np.int64) for name in ("both_het", "opposite", "called", "het")}
    sites = 0
    for records, copies in dosages(data, wanted, chosen):
        ref, het, alt, called = (m.astype(np.float32) for m in (copies == 0, copies == 1, copies == 2, copies >= 0))
        opposite = ref.T @ alt  # whole numbers far below 2^24, which 32 bits hold exactly
        counts["both_het"] += (het.T @ het).astype(np.int64)
        counts["opposite"] += (opposite + opposite.T).astype(np.int64)
        counts["called"] += (called.T @ called).astype(np.int64)
        counts["het"] += (het.T @ called).astype(np.int64)
        sites += len(records)
    return counts, sites


def _kinship(counts: dict[str, Counts]) -> npt.NDArray[np.float64]:
    few = np.minimum(counts["het"], counts["het"].T).astype(np.float64)
    many = np.maximum(counts["het"], counts["het"].T)
    few[few == 0] = np.nan
    shared = (counts["both_het"] - 2 * counts["opposite"]) / (2 * few)
    return np.asarray(shared + 0.5 - (few + many) / (4 * few))


def _rows(
    data: OpenDataset, pedigree: Pedigree | None, chosen: list[int], counts: dict[str, Counts], of_one: set[int]
) -> list[list[Any]]:
    """Pairs with kinship, class, what the pedigree says and the counts, the most related first."""
    kinship, rows = _kinship(counts), []
    for i, j in combinations(range(len(chosen)), 2):
        if of_one and of_one.isdisjoint((chosen[i], chosen[j])):
            continue
        value = None if np.isnan(kinship[i, j]) else round(float(kinship[i, j]), 4)
        names = data.samples[chosen[i]], data.samples[chosen[j]]
        numbers = [int(counts[c][i, j]) for c in ("called", "both_het", "opposite")]
        rows.append([*names, value, class_of(value), _recorded(pedigree, *names), *numbers])
    rows.sort(key=lambda r: -np.inf if r[2] is None else r[2], reverse=True)
    return rows


def class_of(kinship: float | None) -> str:
    """The class of relation by KING's thresholds."""
    if kinship is None:
        return "not known"
    return next((name for least, name in CLASSES if kinship > least), "unrelated")


def _recorded(pedigree: Pedigree | None, one: str, other: str) -> str | None:
    """What the pedigree says of two samples: parent and child, full or half siblings; null for nothing."""
    if pedigree is None:
        return None
    if one in pedigree.parents_of(other) or other in pedigree.parents_of(one):
        return "parent and child"
    shared = set(pedigree.parents_of(one)) & set(pedigree.parents_of(other))
    return {2: "full siblings", 1: "siblings with one parent known in common"}.get(len(shared))


def _result(
    context: ToolContext, data: OpenDataset, wanted: Relatedness, rows: list[list[Any]], sites: int
) -> ToolResult:
    shown = rows[: wanted.limit]
    text = f"Kinship in {data.name} over {count_of(sites, 'site')}: " + (
        "; ".join(f"{a} and {b} {'not known' if k is None else k} ({c})" for a, b, k, c, *_ in shown[:10]) or "no pair"
    )
    more = f"; {count_of(len(rows) - 10, 'more pair')}" if len(rows) > 10 else ""
    result = ToolResult(text + more + ".", {f"{a} and {b}": k for a, b, k, *_ in shown}, "kinship")
    result.reading = [
        SITES,
        "KING-robust kinship: above 0.354 duplicate or twin, 0.177 first, 0.088 second, 0.044 third degree",
        *([f"only {sites:,} sites, so the estimates are rough"] if sites < FEW else []),
    ]
    columns = ["sample", "other sample", "kinship", "relation", "pedigree", "sites", "both het", "opposite homozygotes"]
    result.show(Table("kinship", columns, rows, len(rows)), wanted.limit)
    command = Command([], unprovable="bcftools does not estimate kinship")
    result.evidence.append(prove(context, data, "relatedness", wanted, command, None))
    return result


TOOL = Tool(
    "relatedness",
    "How closely samples are related, from genotypes: KING-robust kinship of every pair with the class of relation "
    "and what the pedigree says. Use it for duplicates, sample swaps and who is most like whom.",
    Relatedness,
    relatedness,
    example={"limit": 5},
)
