"""The fraction of reads with each ALT allele, and the allele balance of heterozygous calls."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any, Literal

import numpy as np
from pydantic import Field

from ..memory.genotype_codes import Genotype, alleles_of, classify
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import Command, all_lines, asks_samples, prove, view_command
from .filters import VariantFilter
from .list_variants import MAX_VALUE, query_options
from .read_fractions import DENOMINATORS, AlleleBlock, Floats, Mask, allele_blocks, need_allele_depths
from .registry import Tool
from .result import Json, Table, ToolResult
from .selection import select
from .variant_rows import rows_of, variant_key

LOW, HIGH = 0.3, 0.7


class AlleleFractions(VariantFilter):
    samples: list[str] = Field(default_factory=list, description="names; empty for all")
    show: Literal["summary", "fractions", "outside"] = Field(
        "summary",
        description="what the value is. summary: numbers, quartiles and the share outside the limits for each sample. "
        "fractions: the VAF of every genotype. outside: the heterozygous calls outside the limits",
    )
    calls: Literal["het", "carried", "all"] | None = Field(
        None,
        description="het: heterozygous calls, by the ALT alleles that they hold. carried: ALT alleles in any "
        "genotype. all: every genotype and ALT allele. Without it, all for show = fractions, else het",
    )
    below: float | None = Field(None, ge=0, le=1, description=f"lower limit; {LOW} where neither is given")
    above: float | None = Field(None, ge=0, le=1, description=f"upper limit; {HIGH} where neither is given")
    of: Literal["all_reads", "ref_and_alt"] = Field(
        "all_reads",
        description="what the reads of the ALT are divided by. all_reads: the reads of all alleles, as bcftools "
        "+fill-tags FORMAT/VAF. ref_and_alt: those of REF and that ALT",
    )
    min_reads: int = Field(1, ge=1, description="least number of those reads; fewer is not known")
    limit: int = Field(20, ge=1, le=1000, description="rows shown; the total is always told")

    def which(self) -> str:
        return self.calls or ("all" if self.show == "fractions" else "het")

    def limits(self) -> tuple[float, float]:
        if self.below is None and self.above is None:
            return LOW, HIGH
        return (0.0 if self.below is None else self.below), (1.0 if self.above is None else self.above)


@dataclass(slots=True)
class Tally:
    """What was met so far. `ratios` holds the distinct values of 2 * sample + fraction, and `times` how often."""

    samples: int
    calls: Any = None
    outside: Any = None
    unknown: Any = None
    ratios: Floats = field(default_factory=lambda: np.array([]))
    times: Any = field(default_factory=lambda: np.array([]))
    shown: list[tuple[int, int, int, int, int, int, float | None]] = field(default_factory=list)
    total: int = 0

    def __post_init__(self) -> None:
        self.calls, self.outside, self.unknown = (np.zeros(self.samples, dtype=np.int64) for _ in range(3))

    def add_ratios(self, sample: Any, ratio: Floats) -> None:
        values, times = np.unique(2.0 * sample + ratio, return_counts=True)
        self.ratios, place = np.unique(np.concatenate([self.ratios, values]), return_inverse=True)
        self.times = np.bincount(place, np.concatenate([self.times, times]), len(self.ratios))

    def quartiles(self, sample: int) -> list[float | None]:
        """First quartile, median and third one, as numpy has them by default."""
        start, stop = np.searchsorted(self.ratios, [2.0 * sample - 0.5, 2.0 * sample + 1.5])
        values, upto = self.ratios[start:stop] - 2.0 * sample, np.cumsum(self.times[start:stop])
        if not len(values):
            return [None] * 3
        at = (upto[-1] - 1) * np.array([0.25, 0.5, 0.75])
        low, high = (values[np.searchsorted(upto, f(at), side="right")] for f in (np.floor, np.ceil))
        return [round(float(v), 6) for v in low + (high - low) * (at - np.floor(at))]


def allele_fractions(context: ToolContext, wanted: AlleleFractions) -> ToolResult:
    """Fractions of reads with an ALT allele. The value is as `show` says: by sample an object, by record an object of
    samples, or by sample the list of `CHROM:POS:REF:ALT`.

    Raises `ToolError` for a file without AD for each allele.
    """
    data = context.dataset(wanted.dataset)
    remark = need_allele_depths(data)
    if wanted.which() != "all":
        data.need_genotypes()
    samples = [data.sample_index(s) for s in wanted.samples] or list(range(len(data.samples)))
    found = select(data, wanted)
    tally = Tally(len(samples))
    for block in allele_blocks(data, found, samples):
        _add(data, wanted, block, tally)
    names = [data.samples[i] for i in samples]
    summary = {name: _of_sample(tally, i) for i, name in enumerate(names)}
    result = ToolResult(_sentence(data, wanted, summary), summary, "fractions", private=True)
    result.reading = [*_reading(data, wanted, tally), *([remark] if remark else []), *found.reading]
    columns = ["sample", *next(iter(summary.values()))]
    result.tables = [Table("allele fractions", columns, [[s, *v.values()] for s, v in summary.items()], len(names))]
    if wanted.show != "summary":
        result.value, table = _details(data, wanted, tally, samples)
        result.unit = "records" if wanted.show == "outside" else "fractions"
        result.tables.append(table)
    result.evidence.append(prove(context, data, "allele_fractions", wanted, *_proof(data, wanted, found, tally, names)))
    return result


def _add(data: OpenDataset, wanted: AlleleFractions, block: AlleleBlock, tally: Tally) -> None:
    ratio = block.fractions(wanted.of)
    ratio[block.below(wanted.of) < wanted.min_reads] = np.nan
    asked = _asked(data, wanted.which(), block)
    known = asked & ~np.isnan(ratio)
    low, high = wanted.limits()
    outside = known & ((ratio < low) | (ratio > high))
    tally.calls += known.sum(axis=0)
    tally.outside += outside.sum(axis=0)
    tally.unknown += (asked & ~known).sum(axis=0)
    tally.add_ratios(np.nonzero(known)[1], ratio[known])
    if wanted.show != "summary":
        rows, samples = np.nonzero(outside if wanted.show == "outside" else asked)
        tally.total += len(rows)
        for r, s in list(zip(rows.tolist(), samples.tolist(), strict=True))[: MAX_VALUE - len(tally.shown)]:
            told = None if np.isnan(ratio[r, s]) else round(float(ratio[r, s]), 6)
            tally.shown.append((int(block.record[r]), int(block.allele[r]), s, int(block.gt[r, s]),
                                int(block.ref[r, s]), int(block.alt[r, s]), told))  # fmt: skip


def _asked(data: OpenDataset, which: str, block: AlleleBlock) -> Mask:
    if which == "all":
        return np.ones(block.alt.shape, dtype=bool)
    carried = block.carried(data)
    return carried & (data.codes.classes() == Genotype.HET)[block.gt] if which == "het" else carried


def _of_sample(tally: Tally, i: int) -> dict[str, Json]:
    n, outside = int(tally.calls[i]), int(tally.outside[i])
    first, median, third = tally.quartiles(i)
    return {"calls": n, "first_quartile": first, "median": median, "third_quartile": third, "outside": outside,
            "share_outside": round(outside / n, 6) if n else None, "not_known": int(tally.unknown[i])}  # fmt: skip


def _words(wanted: AlleleFractions) -> tuple[str, str]:
    low, high = wanted.limits()
    parts = [f"below {low:g}"] * (low > 0) + [f"above {high:g}"] * (high < 1)
    calls = {"het": "heterozygous calls", "carried": "carried ALT alleles", "all": "genotypes and ALT alleles"}
    return calls[wanted.which()], " or ".join(parts) or "outside 0 to 1"


def _sentence(data: OpenDataset, wanted: AlleleFractions, summary: dict[str, dict[str, Json]]) -> str:
    calls, outside = _words(wanted)
    told = [f"{s}: median {v['median']:g} over {v['calls']:,}, {v['outside']:,} {outside}" if v["calls"]
            else f"{s}: none with reads" for s, v in list(summary.items())[:20]]  # fmt: skip
    more = f"; and {len(summary) - 20} more samples" if len(summary) > 20 else ""
    return f"Fractions of reads with the ALT allele in {calls} of {data.name}: {'; '.join(told)}{more}."


def _reading(data: OpenDataset, wanted: AlleleFractions, tally: Tally) -> list[str]:
    reading = [f"the fraction is reads of the ALT among {DENOMINATORS[wanted.of]}"]
    if wanted.which() != "all":
        reading.append("one entry for each ALT allele that a genotype holds, so one with two ALT alleles gives two")
    if unknown := int(tally.unknown.sum()):
        least = "no reads" if wanted.min_reads == 1 else f"fewer than {wanted.min_reads} reads"
        reading.append(
            f"{unknown:,} have {least} or no complete AD, and no fraction (+fill-tags writes 0 for no reads)"
        )
    return reading


def _details(data: OpenDataset, wanted: AlleleFractions, tally: Tally, samples: list[int]) -> tuple[Json, Table]:
    """The value and the table of what was kept: the first 10,000, and of these the first `limit`."""
    keys = _allele_keys(data, sorted({shown[0] for shown in tally.shown}))
    rows: list[list[Json]] = []
    value: dict[str, Any] = {}
    for record, allele, s, code, ref, alt, ratio in tally.shown:
        name, gt = data.samples[samples[s]], data.codes.texts[code] if code >= 0 else None
        key = keys[record, allele]
        rows.append([key, name, gt, ref if ref >= 0 else None, alt if alt >= 0 else None, ratio])
        if wanted.show == "outside":
            value.setdefault(name, []).append(keys[record, 0])
        else:
            value.setdefault(key, {})[name] = ratio
    if wanted.show == "outside":
        value = {data.samples[i]: list(dict.fromkeys(value.get(data.samples[i], []))) for i in samples}
    only = value[data.samples[samples[0]]] if wanted.show == "outside" and len(samples) == 1 else value
    columns = ["variant", "sample", "GT", "REF reads", "ALT reads", "VAF"]
    return only, Table(wanted.show, columns, rows[: wanted.limit], tally.total, tally.total > wanted.limit)


def _allele_keys(data: OpenDataset, records: list[int]) -> dict[tuple[int, int], str]:
    """`CHROM:POS:REF:ALT` of each allele, and of the record under allele 0."""
    table = rows_of(data, ["record", "allele", "chrom", "pos", "ref", "alt", "alts"], np.array(records, np.int32))
    keys: dict[tuple[int, int], str] = {}
    for r in table.to_pylist():
        keys[r["record"], r["allele"]] = variant_key(r["chrom"], r["pos"], r["ref"], r["alt"])
        if r["allele"] <= 1:
            keys[r["record"], 0] = variant_key(r["chrom"], r["pos"], r["ref"], r["alts"])
    return keys


def _proof(
    data: OpenDataset, wanted: AlleleFractions, found: Any, tally: Tally, names: list[str]
) -> tuple[Command, Json]:
    """`bcftools query` of GT and AD, and the numbers of calls and of those outside counted from the text."""
    command = view_command(data, found.clauses)
    options = query_options(command.arguments[2:])
    gt = "%GT" if "GT" in data.summary["sample_fields"] else "."
    chosen = ["-s", ",".join(names)] if wanted.samples else []
    command.arguments = ["query", *chosen, "-f", rf"[%SAMPLE\t{gt}\t%AD\t%ALT\n]", *options]
    command.unprovable = command.unprovable or asks_samples(command.arguments)
    command.unprovable = command.unprovable or (data.unlistable(names) if chosen else "")
    command.then, command.read = _awk(wanted), lambda output: _counted(output, wanted)
    pairs = zip(tally.calls.tolist(), tally.outside.tolist(), strict=True)
    return command, {s: list(n) for s, n in zip(names, pairs, strict=True) if n[0]}


def _counted(output: IO[bytes], wanted: AlleleFractions) -> dict[str, list[int]]:
    low, high = wanted.limits()
    found: dict[str, list[int]] = {}
    for line in all_lines(output):
        sample, gt, ad, alts = line.split("\t")
        for ratio in _ratios(gt, ad, alts, wanted):
            counts = found.setdefault(sample, [0, 0])
            counts[0] += 1
            counts[1] += ratio < low or ratio > high
    return found


def _ratios(gt: str, ad: str, alts: str, wanted: AlleleFractions) -> Iterator[float]:
    reads = [int(n) if n != "." else None for n in ad.split(",")]
    n_alt = 0 if alts == "." else alts.count(",") + 1
    for i, alt in enumerate(reads[1 : n_alt + 1], 1):
        part = reads[: n_alt + 1] if wanted.of == "all_reads" else [reads[0], alt]
        if None in part or (wanted.of == "all_reads" and len(reads) <= n_alt):
            continue
        total = sum(n for n in part if n is not None)
        carried = i in alleles_of(gt)
        asked = {"all": True, "carried": carried, "het": carried and classify(gt) == Genotype.HET}[wanted.which()]
        if asked and alt is not None and total >= wanted.min_reads:
            yield alt / total


def _awk(wanted: AlleleFractions) -> str:
    low, high = wanted.limits()
    het = " if($2~/\\./ || !d) next;" if wanted.which() == "het" else ""
    carried = "" if wanted.which() == "all" else " if(!((i-2) in c)) continue;"
    whole = 'if(n<m) next; t=0; for(j=1;j<=m;j++){if(a[j]==".") next; t+=a[j]}' if wanted.of == "all_reads" else ""
    pair = "" if wanted.of == "all_reads" else ' if(a[1]=="."||a[i]==".") continue; t=a[1]+a[i];'
    return (
        'awk -F\'\\t\' \'$4!="." {n=split($3,a,","); m=split($4,b,",")+1; k=split($2,g,"[/|]"); delete c; d=0; '
        f"for(j=1;j<=k;j++){{c[g[j]-1]; if(g[j]!=g[1]) d=1}}{het} {whole} for(i=2;i<=m && i<=n;i++){{{carried}{pair} "
        f"if(t<{wanted.min_reads}) continue; N[$1]++; v=a[i]/t; if(v<{low:.15g}||v>{high:.15g}) O[$1]++}}}} "
        "END {for(s in N) print s, N[s], O[s]+0}'"
    )


TOOL = Tool(
    "allele_fractions",
    "Variant allele fractions (VAF) from AD: of each genotype and ALT allele, or the allele balance of heterozygous "
    "calls, with quartiles and the share outside limits for each sample, and the calls that are skewed. All filters "
    "on variants apply.",
    AlleleFractions,
    allele_fractions,
    example={"samples": ["ARUN", "MIRA"], "below": 0.25, "show": "outside"},
)
