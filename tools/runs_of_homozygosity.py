"""Long stretches of a sample in which no genotype is heterozygous."""

from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from ..memory.errors import ToolError
from .autosomal_snps import SITES, dosages
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import Command, prove
from .filters import VariantFilter
from .registry import Tool
from .result import Table, ToolResult
from .text import count_of

Ints = npt.NDArray[np.int64]
MAX_CELLS = 1 << 30
"""Genotypes held in memory at once, a byte each."""


class RunsOfHomozygosity(VariantFilter):
    samples: list[str] = Field(default_factory=list, description="names; empty for all")
    min_length: int = Field(1_000_000, ge=1, description="bases from the first to the last site of a run, both counted")
    min_sites: int = Field(50, ge=2, description="homozygous sites in a run")
    max_gap: int = Field(1_000_000, ge=1, description="bases between two sites beyond which a run ends")
    limit: int = Field(20, ge=1, le=10_000, description="runs shown, the longest first; the total is always told")


def runs_of_homozygosity(context: ToolContext, wanted: RunsOfHomozygosity) -> ToolResult:
    """Runs of consecutive homozygous sites (REF or ALT) of autosomal bi-allelic SNPs, that no heterozygous one breaks.

    Missing genotypes are passed over. A run ends at a heterozygous site, at the end of the contig and at a gap of
    more than `max_gap`. The value maps each sample to `runs` and `bases`, the sum of their lengths.
    """
    data = context.dataset(wanted.dataset)
    data.need_genotypes()
    chosen = list(dict.fromkeys(data.sample_index(s) for s in wanted.samples)) or list(range(len(data.samples)))
    found = _all_runs(data, wanted, chosen)
    value = {data.samples[i]: {"runs": 0, "bases": 0} for i in chosen}
    for sample, *_, length, _ in found:
        value[sample]["runs"] += 1
        value[sample]["bases"] += length
    told = ", ".join(f"{s} {count_of(v['runs'], 'run')} of {v['bases']:,} bases" for s, v in list(value.items())[:20])
    result = ToolResult(f"Runs of homozygosity in {data.name}: {told}.", value, "runs")
    columns = ["sample", "contig", "first", "last", "length", "sites"]
    longest_first = sorted(found, key=lambda r: -r[4])
    result.show(Table("runs of homozygosity", columns, longest_first, len(found)), wanted.limit)
    result.reading = [
        SITES,
        f"a run: at least {wanted.min_sites:,} consecutive homozygous sites over {wanted.min_length:,} bases, no two "
        f"neighbours more than {wanted.max_gap:,} apart; one heterozygous genotype ends it, a missing one does not",
    ]
    command = Command([], unprovable="bcftools roh rests on a model with allele frequencies, and gives other runs")
    result.evidence.append(prove(context, data, "runs_of_homozygosity", wanted, command, None))
    return result


def _all_runs(data: OpenDataset, wanted: RunsOfHomozygosity, chosen: list[int]) -> list[list[Any]]:
    """Sample, contig, first and last position, length and sites of each run, by sample in file order."""
    blocks, cells = [], 0
    for records, copies in dosages(data, wanted, chosen):
        blocks.append((records, copies))
        cells += copies.size
        if cells > MAX_CELLS:
            raise ToolError(f"{data.name} has more than {MAX_CELLS:,} genotypes to look at", "Name samples or regions")
    copies = np.concatenate([np.zeros((0, len(chosen)), dtype=np.int8), *(c for _, c in blocks)])
    records = np.concatenate([np.array([], dtype=np.int32), *(r for r, _ in blocks)])
    contig, pos = _places(data, records)
    names, found = data.contigs, []
    for column, sample in enumerate(chosen):
        first, last, sites = _runs(copies[:, column], contig, pos, wanted)
        spans = [contig[first], pos[first], pos[last], pos[last] - pos[first] + 1, sites]
        for at, *numbers in zip(*(s.tolist() for s in spans), strict=True):
            found.append([data.samples[sample], names[at], *numbers])
    return found


def _places(data: OpenDataset, records: npt.NDArray[np.int32]) -> tuple[Ints, Ints]:
    """Number of the contig and position of each of the records, which have one ALT allele each."""
    rows = data.table.columns(["record", "chrom", "pos"], "n_alt = 1")
    rows = rows.take(np.searchsorted(rows["record"].to_numpy(), records))
    coded = rows["chrom"].combine_chunks().dictionary_encode()
    numbers = np.array([data.contigs.index(name) for name in coded.dictionary.to_pylist()], dtype=np.int64)
    return numbers[coded.indices.to_numpy()] if len(records) else numbers[:0], rows["pos"].to_numpy()


def _runs(copies: npt.NDArray[np.int8], contig: Ints, pos: Ints, wanted: RunsOfHomozygosity) -> tuple[Ints, Ints, Ints]:
    """Places of the first and the last site of each run of one sample, and how many sites it has."""
    called = np.flatnonzero(copies >= 0)
    het = copies[called] == 1
    apart = np.diff(pos[called], prepend=pos[called][:1]) > wanted.max_gap
    other = np.diff(contig[called], prepend=contig[called][:1]) != 0
    stretch = np.cumsum(het | apart | other)  # a het site opens a stretch, and is then left out of it
    homozygous, of = called[~het], stretch[~het]
    if not len(homozygous):
        return homozygous, homozygous, homozygous
    starts = np.flatnonzero(np.diff(of, prepend=-1))
    ends = np.append(starts[1:], len(of)) - 1
    sites = ends - starts + 1
    first, last = homozygous[starts], homozygous[ends]
    long = (sites >= wanted.min_sites) & (pos[last] - pos[first] + 1 >= wanted.min_length)
    return first[long], last[long], sites[long]


TOOL = Tool(
    "runs_of_homozygosity",
    "Long stretches without a heterozygous genotype in each sample, and how many bases they cover: signs of related "
    "parents, or of a lost copy.",
    RunsOfHomozygosity,
    runs_of_homozygosity,
    example={"min_sites": 5},
)
