"""Sites whose genotypes are out of Hardy-Weinberg proportions."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from ..memory.genotype_codes import alleles_of
from .allele_counts import Ints, allele_keys, allele_rows, distinct
from .context import ToolContext
from .dataset import OpenDataset, matrix
from .evidence import Command, cannot_be_written, prove, view_command
from .exact_tests import hardy_weinberg_p
from .filters import VariantFilter
from .registry import Tool
from .result import Table, ToolResult
from .sample_groups import columns_of
from .selection import Selection, select
from .text import count_of

Test = Literal["hwe", "excess_het"]
_HET, _HOM = 1 << 21, 1 << 42
"""Three counts in one sum: each stays below 2^21 samples."""


class HardyWeinberg(VariantFilter):
    test: Test = Field(
        "hwe", description="hwe: the exact test in both directions. excess_het: more heterozygous genotypes alone"
    )
    p_below: float = Field(1e-6, gt=0, le=1, description="records with a smaller p are counted")
    samples: list[str] = Field(default_factory=list, description="test these alone, as founders; empty for all")
    limit: int = Field(20, ge=1, le=10_000, description="alleles shown, the smallest p first")


def hardy_weinberg(context: ToolContext, wanted: HardyWeinberg) -> ToolResult:
    """The exact test at each ALT allele; the value is the number of records with an allele of p below `p_below`."""
    data = context.dataset(wanted.dataset)
    data.need_genotypes()
    found = select(data, wanted)
    columns = columns_of(data, wanted.samples) or list(range(len(data.samples)))
    record, allele, sums = _counted(data, found, columns)
    kinds, again = np.unique(sums, return_inverse=True)  # of a million sites a few thousand differ
    p_of = dict(zip(("hwe", "excess_het"), (p[again] for p in hardy_weinberg_p(*_parts(kinds).T)), strict=True))
    counts = _parts(sums)
    p = p_of[wanted.test]
    low = np.flatnonzero(p < wanted.p_below)
    number = distinct(record[low])
    shown = low[np.argsort(p[low], kind="stable")][: wanted.limit]
    rows = _rows(allele_keys(data, record[shown], allele[shown]), counts[shown], [p_of[t][shown] for t in p_of])
    heads = ["variant", "without the allele", "het", "hom ALT", "HWE p", "excess het p"]
    result = ToolResult(_text(data, wanted, number, record, counts, rows), number, "records")
    result.tables.append(Table("Hardy-Weinberg", heads, rows, len(low), len(rows) < len(low)))
    result.private = len(columns) == 1
    result.reading = [*_readings(context, data, wanted, columns), *found.reading]
    command = _command(data, wanted, found, columns)
    result.evidence.append(prove(context, data, "hardy_weinberg", wanted, command, number))
    return result


def _counted(
    data: OpenDataset, found: Selection, columns: list[int]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int16], Ints]:
    """Record and number of each ALT allele, and its genotypes in one number: see `_parts`."""
    n = len(data.samples)
    records, alleles, counts = [np.array([], dtype=np.int32)], [np.array([], dtype=np.int16)], []
    for batch in allele_rows(data, found, ["gt"], n):
        record, allele = batch.column("record").to_numpy(), batch.column("allele").to_numpy()
        codes = matrix(batch.column("gt"), n)[:, columns]
        packed = np.zeros(len(codes), dtype=np.int64)
        for number in np.unique(allele).tolist():
            packed[allele == number] = _kinds(data, number)[codes[allele == number]].sum(axis=1)
        records.append(record)
        alleles.append(allele)
        counts.append(packed)
    sums = np.concatenate(counts) if counts else np.zeros(0, dtype=np.int64)
    return np.concatenate(records), np.concatenate(alleles), sums


def _parts(sums: Ints) -> Ints:
    """Genotypes without the allele, heterozygous and homozygous for it: a line per sum."""
    return np.stack([sums % _HET, sums // _HET % _HET, sums // _HOM], axis=1)


def _kinds(data: OpenDataset, allele: int) -> Ints:
    """What each code adds to the sum of an allele: nothing, unless it is diploid and complete."""
    kinds = []
    for called in map(alleles_of, data.codes.texts):
        if len(called) != 2 or None in called:
            kinds.append(0)
        elif called.count(allele):
            kinds.append(_HOM if called[0] == called[1] else _HET)
        else:
            other_homozygous = called[0] == called[1] != 0
            kinds.append(0 if other_homozygous else 1)
    return np.array(kinds or [0], dtype=np.int64)


def _rows(keys: list[str], counts: Ints, p: list[npt.NDArray[np.float64]]) -> list[list[Any]]:
    both = zip(*(values.tolist() for values in p), strict=True)
    return [
        [key, *three, *(float(f"{x:.6g}") for x in pair)]
        for key, three, pair in zip(keys, counts.tolist(), both, strict=True)
    ]


def _text(
    data: OpenDataset, wanted: HardyWeinberg, number: int, record: npt.NDArray[np.int32], counts: Ints,
    rows: list[list[Any]],
) -> str:  # fmt: skip
    rest, het, hom = counts.T
    both_alleles = (2 * hom + het > 0) & (2 * rest + het > 0)
    tested, total = distinct(record[both_alleles]), distinct(record)
    what = {"hwe": "depart from Hardy-Weinberg proportions", "excess_het": "have too many heterozygous genotypes"}
    text = (
        f"{number:,} of {count_of(total, 'record')} in {data.name} {what[wanted.test]} at p < {wanted.p_below:g}; "
        f"{tested:,} have two alleles to test, and the others p = 1."
    )
    at = {"hwe": 4, "excess_het": 5}[wanted.test]
    first = "; ".join(f"{r[0]} p = {r[at]:.3g} ({r[1]} without, {r[2]} het, {r[3]} hom)" for r in rows[:5])
    return f"{text} Smallest p: {first}." if rows else text


def _readings(context: ToolContext, data: OpenDataset, wanted: HardyWeinberg, columns: list[int]) -> list[str]:
    names = [data.samples[i] for i in columns]
    found = [
        f"exact test of Wigginton, Cutler and Abecasis (2005) in {count_of(len(names), 'sample')}; p below "
        f"{wanted.p_below:g}, not corrected for the number of sites",
        "complete diploid genotypes only: haploid and partly missing ones are left out, so X is tested in those "
        "with two copies",
    ]
    if data.summary["multiallelic"]:
        found.append(
            "each ALT allele is tested against the others, without the genotypes that are homozygous for another ALT, "
            "as bcftools +fill-tags does; a record counts once"
        )
    pedigree = context.pedigree_of(data)
    children = [s for s in names if pedigree and set(pedigree.parents_of(s)) & set(names)]
    if children:
        found.append(
            f"the test supposes unrelated samples; here are children with a parent: {', '.join(children[:10])}"
        )
    return found


def _command(data: OpenDataset, wanted: HardyWeinberg, found: Selection, columns: list[int]) -> Command:
    tag = {"hwe": "HWE", "excess_het": "ExcHet"}[wanted.test]
    names = [data.samples[i] for i in columns]
    command = view_command(data, found.clauses)
    everyone = len(names) == len(data.samples)
    command.arguments = ["view", *command.arguments[2:], *([] if everyone else ["-s", ",".join(names)])]
    condition = f"INFO/{tag}<{wanted.p_below:.15g}"
    command.pipe = [["+fill-tags", "--", "-t", tag], ["view", "-H", "-i", condition]]
    command.plugin = True
    command.unprovable = command.unprovable or cannot_be_written(data) or ("" if everyone else data.unlistable(names))
    if any(len(alleles_of(text)) > 2 for text in data.codes.texts):
        command.unprovable = "the plugin takes genotypes of more than two alleles for diploid ones"
    return command


TOOL = Tool(
    "hardy_weinberg",
    "Sites out of Hardy-Weinberg equilibrium: the exact test at each site, the number of records with p below a "
    "threshold, and those with the smallest p; also for excess heterozygosity alone. All filters on variants apply.",
    HardyWeinberg,
    hardy_weinberg,
    example={"p_below": 0.05, "limit": 5},
)
