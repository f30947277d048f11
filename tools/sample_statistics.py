"""Counts for each sample: genotypes, missing ones, depth, singletons."""

from typing import IO, Literal

from pydantic import Field

from ..memory.genotype_codes import classify
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import Command, all_lines, prove, tally
from .filters import OnDataset
from .registry import Tool
from .result import Json, Table, ToolResult
from .sample_counts import NAMES, base_changes, class_counts, mean_depths, singletons, type_class_counts

Measure = Literal[
    "all", "het", "hom_alt", "hom_ref", "carried", "missing", "missing_fraction", "het_hom_ratio", "mean_depth",
    "singletons", "ti_tv", "transitions", "transversions",
]  # fmt: skip


class SampleStatistics(OnDataset):
    measure: Measure = Field(
        "all",
        description="carried: records with an ALT allele in a complete genotype. missing: records with any missing "
        "allele. het_hom_ratio: het over hom_alt. ti_tv: transitions over transversions of its diploid SNP genotypes",
    )
    of: Literal["all", "snps", "indels"] = Field(
        "all",
        description="which records het, hom_alt, hom_ref, carried, missing and the ratio count: all, or those with an "
        "ALT allele of that type (bcftools stats counts het and homozygous genotypes of SNPs alone)",
    )
    two_alts: Literal["each", "first"] = Field(
        "each",
        description="for ti_tv, what a genotype with two ALT alleles counts: each of them, or only the first, as "
        "bcftools stats 1.16 had it",
    )
    samples: list[str] = Field(default_factory=list, description="names; empty for all")


def sample_statistics(context: ToolContext, wanted: SampleStatistics) -> ToolResult:
    """Per-sample counts over all records, or those with SNPs or indels.

    The value maps each sample to its number, or to all of them.
    Raises `ToolError` for a sample that is not there or a file without samples.
    """
    data = context.dataset(wanted.dataset)
    data.need_genotypes()
    names = [data.samples[data.sample_index(s)] for s in wanted.samples] or data.samples
    every = _all_measures(data, wanted)
    value: Json = {n: every[n] if wanted.measure == "all" else every[n][wanted.measure] for n in names}
    columns = list(every[names[0]]) if wanted.measure == "all" else [wanted.measure]
    table = Table("samples", ["sample", *columns], [[n, *(every[n][c] for c in columns)] for n in names], len(names))
    reading = [_READINGS[wanted.measure]] if wanted.measure in _READINGS else []
    reading += ["of a genotype with two ALT alleles only the first counts"] if wanted.two_alts == "first" else []
    reading += (
        [f"of records with {_KINDS[wanted.of]}; a genotype counts by its own alleles"] if wanted.of != "all" else []
    )
    if len(names) == 1 and wanted.measure != "all":
        value = value[names[0]]
    result = ToolResult(_sentence(data, wanted.measure, names, every), value, _unit(wanted.measure), reading, [table])
    result.evidence.append(prove(context, data, "sample_statistics", wanted, *_command(wanted, names, every)))
    return result


_KINDS = {"snps": "an SNP allele", "indels": "an indel allele"}
_READINGS = {
    "ti_tv": "each distinct SNP allele of a complete diploid genotype counts once; the file's own Ti/Tv counts sites' "
    "alleles, and is another number",
    "carried": "a sample carries a record when its genotype is complete and has an ALT allele (het, homozygous or "
    "hemizygous); SNPs, indels and all other types are counted",
    "missing": "missing: any allele of the genotype is '.', also where the other one is called",
    "missing_fraction": "missing genotypes, wholly or in part, over all records",
    "het_hom_ratio": "heterozygous over homozygous ALT records; hemizygous calls count as neither",
    "mean_depth": "mean of FORMAT/DP over the records where it is given",
    "singletons": "records at which this sample alone is heterozygous or homozygous ALT; a hemizygous call is neither",
    "hom_alt": "hemizygous calls are not homozygous",
}


def _unit(measure: str) -> str | None:
    return {
        "mean_depth": "reads",
        "missing_fraction": "fraction",
        "het_hom_ratio": "ratio",
        "ti_tv": "ratio",
        "all": None,
    }.get(measure, "records")


def _all_measures(data: OpenDataset, wanted: SampleStatistics) -> dict[str, dict[str, Json]]:
    counts = class_counts(data) if wanted.of == "all" else type_class_counts(data, wanted.of.removesuffix("s"))
    depths, single = mean_depths(data), singletons(data)
    transitions, transversions = base_changes(data, wanted.two_alts)
    total = sum(next(iter(counts.values())).values())
    out: dict[str, dict[str, Json]] = {}
    for i, (sample, c) in enumerate(counts.items()):
        missing = c["missing"] + c["partly_missing"]
        out[sample] = c | {
            "carried": c["het"] + c["hom_alt"] + c["hemizygous_alt"],
            "missing": missing,
            "missing_fraction": round(missing / total, 6) if total else None,
            "het_hom_ratio": round(c["het"] / c["hom_alt"], 4) if c["hom_alt"] else None,
            "mean_depth": None if depths[i] is None else round(depths[i] or 0, 2),
            "singletons": single[i],
            "transitions": transitions[i],
            "transversions": transversions[i],
            "ti_tv": round(transitions[i] / transversions[i], 4) if transversions[i] else None,
        }
        out[sample].pop("partly_missing")
        out[sample]["partly_missing"] = c["partly_missing"]
    return out


def _sentence(data: OpenDataset, measure: str, names: list[str], every: dict[str, dict[str, Json]]) -> str:
    if measure == "all":
        parts = [
            f"{n}: {every[n]['het']:,} het, {every[n]['hom_alt']:,} hom ALT, {every[n]['missing']:,} missing"
            for n in names[:20]
        ]
        return f"Over the {data.summary['records']:,} records of {data.name}: " + "; ".join(parts) + "."
    words = measure.replace("_", " ")
    parts = [f"{n} {_shown(every[n][measure])}" for n in names[:50]]
    return f"{words.capitalize()} in {data.name}: " + ", ".join(parts) + "."


def _shown(value: Json) -> str:
    return "not known" if value is None else f"{value:,}"


def _command(wanted: SampleStatistics, names: list[str], every: dict[str, dict[str, Json]]) -> tuple[Command, Json]:
    """The command that gives what was counted, and what it should give."""
    if wanted.measure == "singletons":
        command = Command(["stats", "-s", "-"], "grep ^PSC | cut -f3,11", lambda output: _singletons_in(output, names))
        return command, {n: every[n]["singletons"] for n in names}
    if wanted.measure in ("ti_tv", "transitions", "transversions"):
        command = Command(["stats", "-s", "-"], "grep ^PSC | cut -f3,7,8", lambda output: _changes_in(output, names))
        command.unprovable = "bcftools counts each ALT allele" if wanted.two_alts == "first" else ""
        return command, {n: [every[n]["transitions"], every[n]["transversions"]] for n in names}
    if wanted.measure == "mean_depth":
        return _depth_command(wanted, names, every)
    if wanted.of != "all":
        command = Command(["stats", "-s", "-"], "grep ^PSC | cut -f3,5,6", lambda output: _snps_in(output, names))
        command.unprovable = "bcftools counts the indels of genotypes in another way" if wanted.of == "indels" else ""
        return command, {n: [every[n][k] for k in ("hom_alt", "het")] for n in names}
    arguments = ["query", *(["-s", ",".join(names)] if wanted.samples else []), "-f", r"[%SAMPLE\t%GT\n]"]
    if wanted.samples and (why := OpenDataset.unlistable(names)):
        return Command(arguments, unprovable=why), None
    classes = list(NAMES.values())
    expected = {n: {k: v for k, v in every[n].items() if k in classes and k != "missing" and v} for n in names}
    return Command(arguments, "sort | uniq -c", classes_by_sample), expected


def _singletons_in(output: IO[bytes], names: list[str]) -> dict[str, int]:
    return {row[2]: int(row[10]) for row in _psc_rows(output) if row[2] in names}


def _changes_in(output: IO[bytes], names: list[str]) -> dict[str, list[int]]:
    return {row[2]: [int(n) for n in row[6:8]] for row in _psc_rows(output) if row[2] in names}


def _snps_in(output: IO[bytes], names: list[str]) -> dict[str, list[int]]:
    return {row[2]: [int(n) for n in row[4:6]] for row in _psc_rows(output) if row[2] in names}


def _psc_rows(output: IO[bytes]) -> list[list[str]]:
    return [line.split("\t") for line in all_lines(output) if line.startswith("PSC\t")]


def _depth_command(
    wanted: SampleStatistics, names: list[str], every: dict[str, dict[str, Json]]
) -> tuple[Command, Json]:
    mean = r"""awk -F'\t' '$2!="." {n[$1]++; s[$1]+=$2} END {for (k in n) print k, s[k]/n[k]}'"""
    arguments = ["query", *(["-s", ",".join(names)] if wanted.samples else []), "-f", r"[%SAMPLE\t%DP\n]"]
    unprovable = OpenDataset.unlistable(names) if wanted.samples else ""
    if all(every[n]["mean_depth"] is None for n in names):
        unprovable = "the file has no FORMAT/DP"
    known = {n: every[n]["mean_depth"] for n in names if every[n]["mean_depth"] is not None}
    return Command(arguments, mean, _mean_depths_in, unprovable=unprovable), known


def _mean_depths_in(output: IO[bytes]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for line in all_lines(output):
        sample, _, depth = line.rpartition("\t")
        if depth != ".":
            found.setdefault(sample, []).append(float(depth))
    return {sample: round(sum(depths) / len(depths), 2) for sample, depths in found.items()}


def classes_by_sample(output: IO[bytes]) -> dict[str, dict[str, int]]:
    """Genotypes of each sample by class; wholly missing ones are what is left over."""
    found: dict[str, dict[str, int]] = {}
    for line, number in tally(output).items():
        sample, _, text = line.rpartition("\t")
        name = NAMES[classify(text)]
        counts = found.setdefault(sample, {})
        if name != "missing":
            counts[name] = counts.get(name, 0) + number
    return found


TOOL = Tool(
    "sample_statistics",
    "Counts for each sample over the whole file: heterozygous, homozygous, hemizygous, carried, missing, mean depth, "
    "singletons, het/hom ratio, Ti/Tv; of all records or of SNPs or indels alone. Returns a number for each sample.",
    SampleStatistics,
    sample_statistics,
    example={"measure": "ti_tv"},
)
