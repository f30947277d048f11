"""What a search for somatic variants asks of the reads and what it finds, and the bcftools command that proves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..memory.genotype_codes import Genotype
from .clauses import Clause
from .dataset import OpenDataset
from .evidence import Command, all_lines, asks_samples, view_command
from .genotype_patterns import Mask
from .list_variants import MAX_VALUE, query_options
from .read_fractions import Floats, has_allele_depths
from .result import Json
from .selection import Selection
from .tumour_and_normal import Who
from .variant_rows import keys_of, rows_of, variant_key

if TYPE_CHECKING:
    from .somatic import Somatic

FIRST_ALT = "bcftools would take the reads of the first ALT allele for all"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the reads must be; those of `Somatic`, with the defaults of `by` = reads filled in."""

    tumour_vaf: float | None
    tumour_alt: int | None
    normal_vaf: float | None
    normal_alt: int | None
    depth: int | None

    def words(self) -> list[str]:
        every = [("tumour VAF >=", self.tumour_vaf), ("tumour ALT reads >=", self.tumour_alt),
                 ("normal VAF <=", self.normal_vaf), ("normal ALT reads <=", self.normal_alt),
                 ("depth >=", self.depth)]  # fmt: skip
        return [f"{name} {value:g}" for name, value in every if value is not None]


@dataclass(slots=True)
class Pairs:
    """The alleles that were kept. Each matrix has a column for the tumour and, where there is one, for the normal."""

    record: npt.NDArray[np.int64]
    allele: npt.NDArray[np.int64]
    gt: npt.NDArray[Any]
    depth: npt.NDArray[Any]
    alt: npt.NDArray[Any]
    vaf: Floats

    def keep(self, mask: Mask) -> Pairs:
        return Pairs(self.record[mask], self.allele[mask], self.gt[mask], self.depth[mask], self.alt[mask],
                     self.vaf[mask])  # fmt: skip


def alleles_told(data: OpenDataset, records: npt.NDArray[np.int64]) -> dict[tuple[int, int], tuple[str, str]]:
    """`CHROM:POS:REF:ALT` and FILTER of the alleles of some records, by record and ALT number."""
    columns = ["record", "allele", "chrom", "pos", "ref", "alt", "filter"]
    rows = rows_of(data, columns, np.unique(records).astype(np.int32)).to_pylist()
    return {
        (r["record"], r["allele"]): (variant_key(r["chrom"], r["pos"], r["ref"], r["alt"]), r["filter"]) for r in rows
    }


def proof(
    data: OpenDataset, wanted: Somatic, who: Who, limits: Limits, found: Selection, alleles: Pairs
) -> tuple[Command, Json]:
    """`bcftools query` of the variants under the same conditions; where it must look at each ALT, after a split."""
    mine = Clause("", expression="N_ALT>0") if wanted.variants == "all" else _clause(data, wanted, who, limits)
    command = view_command(data, [*found.clauses, mine])
    command.arguments = ["query", "-f", r"%CHROM:%POS:%REF:%ALT\n", *query_options(command.arguments[2:])]
    command.then, command.read = "", all_lines
    records = np.unique(alleles.record).astype(np.int32)
    if len(alleles.record) > MAX_VALUE:
        return command, None
    if command.unprovable == FIRST_ALT and _may_split(wanted, found) and "-r" not in command.arguments:
        command.first, command.unprovable = ["norm", "-m", "-any"], ""
        told = alleles_told(data, alleles.record)
        return command, [told[key][0] for key in zip(alleles.record.tolist(), alleles.allele.tolist(), strict=True)]
    return command, keys_of(data, records)


def _may_split(wanted: Somatic, found: Selection) -> bool:
    """Splitting keeps DP, and of AD the reads of REF and the ALT; genotypes and their classes would change."""
    own = not any(c.per_allele or "GT" in c.expression or "FMT/" in c.expression for c in found.clauses)
    return own and wanted.by == "reads" and wanted.vaf != "all_reads" and wanted.multiallelic is None


def sites_proof(data: OpenDataset, wanted: Somatic, who: Who, command: Command) -> Command:
    """The same command with the tumour's DP and AD, from which depth, ALT reads and VAF are counted again."""
    name = data.samples[who.tumour]
    dp = "%DP" if "DP" in data.summary["sample_fields"] else "."
    ad = "%AD" if has_allele_depths(data) else "."
    options = command.arguments[3:]
    command.arguments = ["query", "-s", name, "-f", rf"%CHROM:%POS:%REF:%ALT[\t{dp}\t{ad}]\n", *options]
    command.unprovable = command.unprovable or asks_samples(command.arguments) or data.unlistable([name])
    if wanted.vaf == "caller":
        command.unprovable = "the fraction is read as the caller wrote it"
    below = {"ref_and_alt": "(a[1]+a[i])", "all_reads": "t", "dp": "$2", "caller": "1"}[wanted.vaf]
    command.then = (
        """awk -F'\\t' '{n=split($3,a,","); t=0; for(i=1;i<=n;i++) t+=a[i]; for(i=2;i<=n;i++) """
        f"""print $1, ($2=="." ? t : $2), a[i], ({below}>0 ? a[i]/{below} : ".")}}'"""
    )
    command.read = lambda output: _sites_in(output, wanted.vaf)
    return command


def _sites_in(output: IO[bytes], vaf: str) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for line in all_lines(output):
        key, dp, ad = line.split("\t")
        site, _, alts = key.rpartition(":")
        if "<" in key or "[" in key or "]" in key:  # a colon may stand inside of ALT
            site, alts = ":".join(key.split(":", 3)[:3]), key.split(":", 3)[3]
        names = alts.split(",")
        reads = [int(n) if n != "." else None for n in ad.split(",")][: len(names) + 1]
        whole = sum(n or 0 for n in reads) if len(reads) == len(names) + 1 and None not in reads else None
        depth = int(dp) if dp != "." else whole
        for i, alt in enumerate(names, 1):
            mine, ref = (reads[j] if j < len(reads) else None for j in (i, 0))
            both = None if mine is None or ref is None else mine + ref
            below = {"ref_and_alt": both, "all_reads": whole, "dp": int(dp) if dp != "." else None}[vaf]
            share = round(mine / below, 6) if mine is not None and below else None
            found[f"{site}:{alt}"] = {"depth": depth, "alt_reads": mine, "vaf": share}
    return found


def _clause(data: OpenDataset, wanted: Somatic, who: Who, limits: Limits) -> Clause:
    """The same conditions in bcftools' words."""
    t, n = who.tumour, who.normal
    lenient = wanted.normal_missing == "as_reference"
    parts = []
    if wanted.by == "genotype":
        parts.append(f'GT[{t}]="alt"')
        if n is not None:
            parts.append(f'(GT[{n}]="ref" || GT[{n}]="mis")' if lenient else f'GT[{n}]="ref"')
    parts += _reads_expressions(limits, wanted, t, n)
    clause = Clause("", expression=" && ".join(parts))
    if lenient and n is not None:
        clause.unprovable = _why_lenient(data, wanted, limits)
    if limits.words() and data.summary["multiallelic"]:
        clause.unprovable = FIRST_ALT
    if limits.depth is not None and "DP" not in data.summary["sample_fields"]:
        clause.unprovable = "the depth is the sum of AD"
    if wanted.vaf == "caller" and (limits.tumour_vaf is not None or limits.normal_vaf is not None):
        clause.unprovable = "the fraction is read as the caller wrote it"
    return clause


def _why_lenient(data: OpenDataset, wanted: Somatic, limits: Limits) -> str:
    if wanted.by == "reads" or limits.normal_alt is not None or limits.normal_vaf is not None:
        return "a missing AD of the normal is taken as no ALT read"
    if data.codes.with_class(Genotype.PARTIAL):
        return "a genotype with one missing allele may carry an ALT, which bcftools cannot tell"
    return "some records have no GT at all" if data.records_without_genotypes else ""


def _reads_expressions(limits: Limits, wanted: Somatic, t: int, n: int | None) -> list[str]:
    def fraction(i: int) -> str:
        below = {"ref_and_alt": f"(FMT/AD[{i}:0]+FMT/AD[{i}:1])", "all_reads": f"(FMT/AD[{i}:0]+FMT/AD[{i}:1])",
                 "dp": f"FMT/DP[{i}]", "caller": "1"}[wanted.vaf]  # fmt: skip
        return f"FMT/AD[{i}:1]/{below}"

    parts = [f"FMT/DP[{i}]>={limits.depth}" for i in (t, n) if i is not None and limits.depth is not None]
    if limits.tumour_alt is not None:
        parts.append(f"FMT/AD[{t}:1]>={limits.tumour_alt}")
    if limits.tumour_vaf is not None:
        parts.append(f"{fraction(t)}>={limits.tumour_vaf:.15g}")
    if n is not None and limits.normal_alt is not None:
        parts.append(f"FMT/AD[{n}:1]<={limits.normal_alt}")
    if n is not None and limits.normal_vaf is not None:
        parts.append(f"{fraction(n)}<={limits.normal_vaf:.15g}")
    return parts
