"""Counts over the sites of a file: types, transitions and transversions, multi-allelic ones."""

from typing import IO, Any, Literal

import numpy as np
import pyarrow.compute as pc
from pydantic import Field

from .alleles import is_transition
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import Command, all_lines, prove
from .filters import OnDataset
from .registry import Tool
from .result import Json, Table, ToolResult
from .variant_rows import records_by_value

Measure = Literal["all", "snps", "indels", "mnps", "multiallelic", "ti_tv", "substitutions"]


class SiteStatistics(OnDataset):
    measure: Measure = Field(
        "all",
        description="ti_tv: transitions over transversions. substitutions: how often each base change occurs.",
    )


def site_statistics(context: ToolContext, wanted: SiteStatistics) -> ToolResult:
    """Counts over all records, as `bcftools stats` defines them. The value is the number asked for, or all."""
    data = context.dataset(wanted.dataset)
    counts = _counts(data)
    changes = _changes(data)
    result = _RESULTS.get(wanted.measure, _one_count)(data, wanted.measure, counts, changes)
    command, expected = _COMMANDS[wanted.measure](counts, changes)
    result.evidence.append(prove(context, data, "site_statistics", wanted, command, expected))
    return result


def _counts(data: OpenDataset) -> dict[str, Json]:
    rows = data.table.columns(["record", "type", "change"])
    of_type = records_by_value(data, rows, "type")
    names = {"snps": "snp", "indels": "indel", "mnps": "mnp", "others": "other", "breakends": "bnd"}
    counts: dict[str, Json] = {"records": data.summary["records"]}
    counts |= {name: of_type.get(type_, 0) for name, type_ in names.items()}
    varying = rows.filter(pc.not_equal(rows["type"], "ref"))
    counts["no_alt"] = data.summary["records"] - len(np.unique(varying["record"].to_numpy()))
    counts["multiallelic"] = data.summary["multiallelic"]
    known = pc.drop_null(rows["change"].combine_chunks())
    transitions = int(is_transition(known).sum())
    counts |= {"transitions": transitions, "transversions": len(known) - transitions}
    tv = counts["transversions"]
    counts["ti_tv"] = round(transitions / tv, 4) if tv else None
    counts["padded_snps"] = rows.filter(pc.equal(rows["type"], "snp")).num_rows - len(known)
    return counts


def _changes(data: OpenDataset) -> dict[str, int]:
    known = pc.drop_null(data.table.columns(["change"])["change"].combine_chunks())
    found = {p["values"]: p["counts"] for p in pc.value_counts(known).to_pylist()}
    return {f"{a}>{b}": found.get(f"{a}>{b}", 0) for a in "ACGT" for b in "ACGT" if a != b}


def _ti_tv(data: OpenDataset, measure: str, counts: dict[str, Json], changes: dict[str, int]) -> ToolResult:
    ts, tv, ratio = counts["transitions"], counts["transversions"], counts["ti_tv"]
    if ratio is None:
        text = f"{data.name} has {ts:,} transitions and no transversion, so there is no ratio."
    else:
        text = f"Ti/Tv of {data.name} is {ratio:.2f}: {ts:,} transitions over {tv:,} transversions."
    reading = ["each SNP allele counts once, all ALT alleles included; a site-level value, not a sample's"]
    if counts["padded_snps"]:
        reading.append(
            f"{counts['padded_snps']:,} SNP alleles written with a base in front or with a base other than "
            "A, C, G, T are not counted, as in bcftools stats"
        )
    return ToolResult(text, ratio, "ratio", reading)


def _substitutions(data: OpenDataset, measure: str, counts: dict[str, Json], changes: dict[str, int]) -> ToolResult:
    text = f"Substitutions in {data.name}: " + ", ".join(f"{k} {v:,}" for k, v in changes.items()) + "."
    rows: list[list[Any]] = [[k, v] for k, v in changes.items()]
    return ToolResult(text, changes, "alleles", tables=[Table("substitutions", ["change", "alleles"], rows, len(rows))])


def _one_count(data: OpenDataset, measure: str, counts: dict[str, Json], changes: dict[str, int]) -> ToolResult:
    number = counts[measure]
    names = {"snps": "have an SNP allele", "indels": "have an indel allele", "mnps": "have an MNP allele",
             "multiallelic": "are multi-allelic"}  # fmt: skip
    text = f"{number:,} of the {counts['records']:,} records of {data.name} {names[measure]}."
    reading = ["a record counts when any of its ALT alleles is of the type"] if measure != "multiallelic" else []
    return ToolResult(text, number, "records", reading)


def _all(data: OpenDataset, measure: str, counts: dict[str, Json], changes: dict[str, int]) -> ToolResult:
    ratio = "none" if counts["ti_tv"] is None else f"{counts['ti_tv']:.2f}"
    text = (
        f"{data.name}: {counts['records']:,} records, {counts['snps']:,} with SNPs, {counts['indels']:,} with "
        f"indels, {counts['mnps']:,} with MNPs, {counts['others']:,} with other alleles, {counts['breakends']:,} "
        f"with breakends, {counts['no_alt']:,} without ALT; {counts['multiallelic']:,} multi-allelic; Ti/Tv {ratio}."
    )
    rows: list[list[Any]] = [[k.replace("_", " "), v] for k, v in counts.items()]
    return ToolResult(
        text,
        counts,
        None,
        ["a record with alleles of several types counts under each of them"],
        [Table("sites", ["what", "number"], rows, len(rows))],
    )


_RESULTS = {"all": _all, "ti_tv": _ti_tv, "substitutions": _substitutions}


def _sn_lines(output: IO[bytes]) -> list[int]:
    found = {}
    for line in all_lines(output):
        if line.startswith("SN\t"):
            _, _, what, number = line.split("\t")
            found[what.rstrip(":")] = int(number)
    wanted = ["records", "SNPs", "indels", "MNPs", "others", "no-ALTs", "multiallelic sites"]
    return [found[f"number of {w}"] for w in wanted]


def _tstv_line(output: IO[bytes]) -> list[int]:
    return next(([int(x) for x in line.split("\t")[2:4]] for line in all_lines(output) if line.startswith("TSTV")), [])


def _st_lines(output: IO[bytes]) -> dict[str, int]:
    rows = [line.split("\t") for line in all_lines(output) if line.startswith("ST\t")]
    return {row[2]: int(row[3]) for row in rows}


def _stats(counts: dict[str, Json], changes: dict[str, int]) -> tuple[Command, Json]:
    keys = ("records", "snps", "indels", "mnps", "others", "no_alt", "multiallelic")
    return Command(["stats"], "grep ^SN", _sn_lines), [counts[k] for k in keys]


def _view(option: str, measure: str) -> Any:
    return lambda counts, changes: (Command(["view", "-H", *option.split()], "wc -l"), counts[measure])


_COMMANDS = {
    "all": _stats,
    "snps": _view("-v snps", "snps"),
    "indels": _view("-v indels", "indels"),
    "mnps": _view("-v mnps", "mnps"),
    "multiallelic": _view("-m 3", "multiallelic"),
    "ti_tv": lambda counts, changes: (Command(["stats"], "grep ^TSTV | cut -f3-5", _tstv_line),
                                      [counts["transitions"], counts["transversions"]]),
    "substitutions": lambda counts, changes: (Command(["stats"], "grep ^ST | cut -f3,4", _st_lines), changes),
}  # fmt: skip

TOOL = Tool(
    "site_statistics",
    "Counts over all sites of a file: SNPs, indels, MNPs, multi-allelic sites, transitions and transversions with "
    "their ratio, base changes. For per-sample counts use sample_statistics; with conditions, count_variants.",
    SiteStatistics,
    site_statistics,
    example={"measure": "ti_tv"},
)
