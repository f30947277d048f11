"""Variants of a tumour beside its normal, with depths, reads and allele fractions."""

from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from ..memory.errors import ToolError
from .caller_fractions import caller_field, caller_fractions
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import prove
from .filters import Condition, VariantFilter
from .genotype_patterns import Mask, is_any_of, missing_without_alt
from .list_variants import MAX_VALUE
from .read_fractions import DENOMINATORS, AlleleBlock, allele_blocks, has_allele_depths, need_allele_depths
from .registry import Tool
from .result import Json, Table, ToolResult
from .selection import Selection, select
from .somatic_proof import Limits, Pairs, alleles_told, proof, sites_proof
from .text import count_of
from .tumour_and_normal import Who, tell_apart
from .variant_rows import keys_of

Share = Field(None, ge=0, le=1)
Reads = Field(None, ge=0)


class Somatic(VariantFilter):
    tumour: str | None = Field(None, description="sample; without it, by the header, else by the samples' names")
    normal: str | None = Field(None, description="sample, as `tumour`")
    tumour_only: bool = Field(False, description="there is no normal, or it is not to be looked at")
    variants: Literal["tumour_only", "all"] = Field(
        "tumour_only", description="those in the tumour and not in the normal, or all that the conditions leave"
    )
    by: Literal["genotype", "reads"] = Field(
        "genotype",
        description="genotype: the tumour carries an ALT allele, the normal is called reference. reads: by the limits "
        "below, whatever the genotypes; without any, at least one ALT read in the tumour and none in the normal. "
        "With genotype, limits that are given must hold as well",
    )
    normal_missing: Literal["exclude", "as_reference"] = Field(
        "exclude",
        description="a missing value of the normal (GT by genotype, AD by reads) drops the variant or is taken as "
        "reference",
    )
    min_tumour_vaf: float | None = Share
    min_tumour_alt: int | None = Reads
    max_normal_vaf: float | None = Share
    max_normal_alt: int | None = Reads
    min_depth: int | None = Field(None, ge=0, description="least depth of both samples: FORMAT/DP, else the sum of AD")
    vaf: Literal["ref_and_alt", "all_reads", "dp", "caller"] = Field(
        "ref_and_alt",
        description="ALT reads of AD divided by those of REF and that ALT, by those of all alleles, or by FORMAT/DP; "
        "or the fraction as the caller wrote it (FORMAT/AF, VAF, FA or FREQ)",
    )
    max_frequency: float | None = Field(
        None, ge=0, le=1, description="largest population frequency, of every such field; unknown is kept"
    )
    show: Literal["variants", "sites", "histogram"] = Field(
        "variants",
        description="what the value is: the list of variants, depth with ALT reads and VAF of the tumour for each ALT "
        "allele, or the number of ALT alleles in each bin of VAF",
    )
    bins: int = Field(10, ge=1, le=100, description="of the histogram, of equal width from 0 to 1")
    limit: int = Field(20, ge=1, le=1000, description="rows shown; the total is always told")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.tumour_only and self.normal is not None:
            raise ValueError("`tumour_only` looks at no normal, so leave out `normal`")
        if self.tumour_only and not (self.max_normal_vaf is self.max_normal_alt is None):
            raise ValueError("`max_normal_vaf` and `max_normal_alt` need a normal")
        if self.variants == "all" and self.limits_given():
            raise ValueError("limits on reads go with variants = tumour_only")
        return self

    def limits_given(self) -> bool:
        limits = (self.min_tumour_vaf, self.min_tumour_alt, self.max_normal_vaf, self.max_normal_alt, self.min_depth)
        return any(limit is not None for limit in limits)


def somatic(context: ToolContext, wanted: Somatic) -> ToolResult:
    """Variants of the tumour that its normal does not have. The value is as `show` says.

    Raises `ToolError` where it is not clear which sample is the tumour, or the file lacks what is asked for.
    """
    data = context.dataset(wanted.dataset)
    who = tell_apart(data, wanted.tumour, wanted.normal, wanted.tumour_only)
    limits, remarks = _limits(wanted, who), _check(data, wanted)
    found = select(data, wanted.model_copy(update={"where": [*wanted.where, *_rare(data, wanted)]}))
    alleles = _search(data, wanted, who, limits, found)
    records = np.unique(alleles.record).astype(np.int32)
    result = ToolResult(_sentence(data, wanted, who, alleles, records), private=True)
    result.reading = [*_reading(data, wanted, who, limits), *remarks, *found.reading]
    histogram = _histogram(alleles, wanted.bins)
    known = bool(sum(row[2] for row in histogram.rows))
    result.tables = [_sites(data, who, alleles, wanted.limit), *([histogram] if known else [])]
    result.value, result.unit = keys_of(data, records[:MAX_VALUE]), "records"
    if wanted.show == "sites":
        result.value, result.unit = _by_site(data, alleles), "ALT alleles"
    if wanted.show == "histogram":
        result.value, result.unit = {f"{r[0]:g}-{r[1]:g}": r[2] for r in histogram.rows}, "ALT alleles"
    command, expected = proof(data, wanted, who, limits, found, alleles)
    if wanted.show == "sites" and wanted.variants == "all" and len(alleles.record) <= MAX_VALUE:
        command, expected = sites_proof(data, wanted, who, command), result.value
    result.evidence.append(prove(context, data, "somatic", wanted, command, expected))
    return result


def _limits(wanted: Somatic, who: Who) -> Limits:
    t_alt, n_alt = wanted.min_tumour_alt, wanted.max_normal_alt
    if who.normal is None and (wanted.max_normal_vaf is not None or n_alt is not None):
        raise ToolError("There is no normal to which `max_normal_vaf` or `max_normal_alt` could apply", "Name `normal`")
    if wanted.by == "reads" and wanted.variants == "tumour_only":
        t_alt = 1 if t_alt is None and wanted.min_tumour_vaf is None else t_alt
        n_alt = 0 if n_alt is None and wanted.max_normal_vaf is None and who.normal is not None else n_alt
    return Limits(wanted.min_tumour_vaf, t_alt, wanted.max_normal_vaf, n_alt, wanted.min_depth)


def _check(data: OpenDataset, wanted: Somatic) -> list[str]:
    """Raises `ToolError` for what the file lacks; returns remarks on what it has."""
    by_genotype = wanted.variants == "tumour_only" and wanted.by == "genotype"
    if by_genotype and "GT" not in data.summary["sample_fields"]:
        raise ToolError(f"{data.name} has no FORMAT/GT, so no genotypes", "Ask by = reads, or for variants = all")
    if wanted.vaf == "caller":
        caller_field(data)
    if wanted.vaf == "dp" and "DP" not in data.summary["sample_fields"]:
        raise ToolError(f"{data.name} has no FORMAT/DP", "Leave out vaf = dp")
    by_reads = wanted.by == "reads" and wanted.variants == "tumour_only"
    needs_ad = by_reads or wanted.min_tumour_alt is not None or wanted.max_normal_alt is not None
    by_vaf = wanted.min_tumour_vaf is not None or wanted.max_normal_vaf is not None
    if needs_ad or (wanted.vaf != "caller" and by_vaf):
        remark = need_allele_depths(data)
        return [remark] if remark else []
    if not has_allele_depths(data):
        return ["the file has no FORMAT/AD with a value for each allele (Number=R), so ALT reads are not known"]
    return []


def _rare(data: OpenDataset, wanted: Somatic) -> list[Condition]:
    if wanted.max_frequency is None:
        return []
    fields = list(data.frequency_fields())
    if not fields:
        raise ToolError(f"{data.name} has no population frequencies", "Annotate it with gnomAD, or leave out the cut")
    return [Condition(field=f, op="<=", value=wanted.max_frequency, absent="keep") for f in fields]


def _search(data: OpenDataset, wanted: Somatic, who: Who, limits: Limits, found: Selection) -> Pairs:
    samples = [who.tumour] + ([who.normal] if who.normal is not None else [])
    n = len(samples)
    whole, some = np.zeros((0, n), dtype=np.int64), np.zeros(0, dtype=np.int64)
    kept = [Pairs(some, some, whole, whole, whole, np.zeros((0, n)))]
    for block in allele_blocks(data, found, samples):
        nothing = np.full(block.alt.shape, np.nan)
        vaf = nothing if wanted.vaf == "caller" else block.fractions(wanted.vaf)
        pairs = Pairs(block.record, block.allele, block.gt, block.depth(), block.alt, vaf)
        if wanted.variants == "tumour_only":
            mask = _by_genotype(data, wanted, block) if wanted.by == "genotype" else np.ones(len(block.record), bool)
            pairs = pairs.keep(mask & _by_reads(pairs, wanted, limits))
        kept.append(pairs)
    every = Pairs(*(np.concatenate([getattr(p, name) for p in kept]) for name in Pairs.__slots__))
    if wanted.vaf == "caller":
        every.vaf = caller_fractions(data, [data.samples[i] for i in samples], every.record, every.allele)
    return every.keep(_by_vaf(every, wanted, limits)) if wanted.variants == "tumour_only" else every


def _by_genotype(data: OpenDataset, wanted: Somatic, block: AlleleBlock) -> Mask:
    held = block.carried(data)[:, 0] & is_any_of(data, ("carrier",))[block.gt[:, 0]]
    if block.gt.shape[1] == 1:
        return held
    normal = is_any_of(data, ("reference",))
    if wanted.normal_missing == "as_reference":
        normal = normal | missing_without_alt(data)
    return held & normal[block.gt[:, 1]]


def _by_reads(pairs: Pairs, wanted: Somatic, limits: Limits) -> Mask:
    mask = np.ones(len(pairs.record), dtype=bool)
    lenient = wanted.normal_missing == "as_reference"
    if limits.depth is not None:
        mask &= (pairs.depth >= limits.depth).all(axis=1)
    if limits.tumour_alt is not None:
        mask &= pairs.alt[:, 0] >= limits.tumour_alt
    if limits.normal_alt is not None:
        reads = pairs.alt[:, 1]
        mask &= (reads <= limits.normal_alt) & ((reads >= 0) | lenient)
    return mask


def _by_vaf(pairs: Pairs, wanted: Somatic, limits: Limits) -> Mask:
    mask = np.ones(len(pairs.record), dtype=bool)
    if limits.tumour_vaf is not None:
        mask &= pairs.vaf[:, 0] >= limits.tumour_vaf
    if limits.normal_vaf is not None:
        unknown = np.isnan(pairs.vaf[:, 1]) & (wanted.normal_missing == "as_reference")
        mask &= (pairs.vaf[:, 1] <= limits.normal_vaf) | unknown
    return mask


def _names(data: OpenDataset, who: Who) -> tuple[str, str]:
    return data.samples[who.tumour], "" if who.normal is None else data.samples[who.normal]


def _sentence(data: OpenDataset, wanted: Somatic, who: Who, alleles: Pairs, numbers: npt.NDArray[np.int32]) -> str:
    tumour, normal = _names(data, who)
    records = len(numbers)
    passing = int(np.isin(data.table.columns(["record"], "filter = 'PASS' AND allele <= 1")["record"], numbers).sum())
    if wanted.variants == "all":
        text = f"{count_of(records, 'record')} of {data.name}, with the reads of {tumour}"
    elif normal:
        text = f"{count_of(records, 'record')} of {data.name} have an ALT allele in {tumour} and not in {normal}"
    else:
        text = f"{count_of(records, 'record')} of {data.name} have an ALT allele in {tumour}"
    known = alleles.vaf[~np.isnan(alleles.vaf[:, 0]), 0]
    text += f", {passing:,} with FILTER PASS" if passing < records else ""
    text += f"; the median VAF in {tumour} is {np.median(known):.4g} over {len(known):,}." if len(known) else "."
    if not normal:
        text += " Without a normal, germline variants are among them."
    return text


def _reading(data: OpenDataset, wanted: Somatic, who: Who, limits: Limits) -> list[str]:
    tumour, normal = _names(data, who)
    pair = f"{tumour} is the tumour" + (f" and {normal} the normal" if normal else ", and no normal is looked at")
    reading = [f"{pair}: {who.how}"]
    if wanted.variants == "tumour_only" and wanted.by == "genotype":
        missing = "is taken as reference" if wanted.normal_missing == "as_reference" else "drops the record"
        reading.append("by genotype: the tumour's genotype holds the ALT allele" + (
            f", the normal's is complete and reference alone; a missing one {missing}" if normal else ""))  # fmt: skip
    if limits.words():
        missing = "taken as no ALT read" if wanted.normal_missing == "as_reference" else "dropped"
        reading.append("by reads: " + ", ".join(limits.words())
                       + (f"; a normal without AD is {missing}" if normal else ""))  # fmt: skip
    if wanted.vaf == "caller":
        reading.append(f"VAF is FORMAT/{caller_field(data)} as the caller wrote it")
    elif has_allele_depths(data):
        reading.append(f"VAF is ALT reads among {DENOMINATORS[wanted.vaf]}")
    if wanted.max_frequency is not None:
        reading.append(f"population frequency at most {wanted.max_frequency:g} in every such field; unknown is kept")
    return reading


def _sites(data: OpenDataset, who: Who, alleles: Pairs, limit: int) -> Table:
    """One row per ALT allele."""
    told = alleles_told(data, alleles.record[:limit])
    names = ["tumour", "normal"][: alleles.alt.shape[1]]
    columns = ["variant", "filter", *(f"{n} {what}" for n in names for what in ("GT", "depth", "ALT reads", "VAF"))]
    rows: list[list[Json]] = []
    for i in range(min(limit, len(alleles.record))):
        row: list[Json] = list(told[int(alleles.record[i]), int(alleles.allele[i])])
        for s in range(len(names)):
            row += [_genotype(data, alleles, i, s), *_numbers(alleles, i, s)]
        rows.append(row)
    return Table("tumour and normal", columns, rows, len(alleles.record), len(rows) < len(alleles.record))


def _genotype(data: OpenDataset, alleles: Pairs, i: int, s: int) -> str | None:
    return data.codes.texts[alleles.gt[i, s]] if "GT" in data.summary["sample_fields"] else None


def _numbers(alleles: Pairs, i: int, s: int) -> list[Json]:
    vaf = float(alleles.vaf[i, s])
    depth, alt = (int(n) if n >= 0 else None for n in (alleles.depth[i, s], alleles.alt[i, s]))
    return [depth, alt, None if np.isnan(vaf) else round(vaf, 6)]


def _by_site(data: OpenDataset, alleles: Pairs) -> dict[str, Json]:
    """Of the first 10,000 alleles, what the tumour's reads are."""
    first = alleles.keep(np.arange(len(alleles.record)) < MAX_VALUE)
    told = alleles_told(data, first.record)
    names = ("depth", "alt_reads", "vaf")
    return {
        told[key][0]: dict(zip(names, _numbers(first, i, 0), strict=True))
        for i, key in enumerate(zip(first.record.tolist(), first.allele.tolist(), strict=True))
    }


def _histogram(alleles: Pairs, bins: int) -> Table:
    """How many alleles have their VAF in the tumour in each bin; the last one holds 1 too."""
    known = alleles.vaf[~np.isnan(alleles.vaf[:, 0]), 0]
    counts, edges = np.histogram(known, bins, (0.0, 1.0))
    rows: list[list[Json]] = [
        [round(float(a), 6), round(float(b), 6), int(n)] for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    return Table("VAF histogram", ["from", "to", "ALT alleles"], rows, bins)


TOOL = Tool(
    "somatic",
    "Tumour against normal: variants in the tumour only, by genotype or by reads, with depth, ALT reads and VAF of "
    "both for each site and a histogram of VAF; or the tumour's VAFs at all sites; also for a tumour without a "
    "normal. Tells from header or names which sample is which. All filters on variants apply.",
    Somatic,
    somatic,
    example={"by": "reads", "min_tumour_vaf": 0.1, "max_normal_alt": 0, "limit": 5},
    example_files=("tumour.vcf.gz",),
)
