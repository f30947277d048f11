"""AC, AN and AF of each ALT allele, from the genotypes of all samples, of some, or of groups of them."""

from typing import Any

import numpy as np
from pydantic import Field, model_validator

from .allele_counts import (
    READING,
    AlleleCounts,
    allele_counts,
    allele_keys,
    counts_command,
    frequencies,
    rounded,
)
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import first_lines, prove
from .registry import Tool
from .result import Table, ToolResult
from .sample_groups import GroupedFilter, SampleGroups, columns_of, sample_groups
from .selection import Selection, select
from .text import count_of

MAX_VALUE = 10_000
PROVED_GROUPS = 4


class AlleleFrequencies(GroupedFilter):
    samples: list[str] = Field(default_factory=list, description="count over these alone; empty for all")
    limit: int = Field(20, ge=1, le=10_000, description="alleles shown, in file order; the total is always told")

    @model_validator(mode="after")
    def _samples_or_groups(self) -> "AlleleFrequencies":
        if self.samples and (self.groups or self.by or self.groups_file):
            raise ValueError("`samples` are one group; give them or groups, not both")
        return self


def allele_frequencies(context: ToolContext, wanted: AlleleFrequencies) -> ToolResult:
    """Allele counts and frequencies from the genotypes; INFO/AF is not looked at.

    The value maps `CHROM:POS:REF:ALT` to `AC`, `AN` and `AF` (null where no allele is called), with groups to these by
    group; it holds the first 10,000 alleles. A key that stands in the file again has `#2`, `#3` added.
    """
    data = context.dataset(wanted.dataset)
    data.need_genotypes()
    found = select(data, wanted)
    groups = sample_groups(context, data, wanted)
    named = bool(groups.columns)
    if not named:
        groups.columns = {"": columns_of(data, wanted.samples) or list(range(len(data.samples)))}
    first, total, summary = _count(data, found, groups)
    keys = allele_keys(data, first.record, first.allele)
    value = dict(zip(_each_once(keys), _entries(first, groups, named), strict=True))
    shown = keys[: wanted.limit]
    result = ToolResult(_text(data, groups, wanted, total, summary, value), value, "alleles")
    result.tables.append(_table(groups, shown, first, total))
    result.private = groups.show_a_person
    result.reading = [_who(data, wanted, groups), READING, *groups.reading, *_narrowed(data, found), *found.reading]
    if total > len(keys):
        result.reading.append(f"the value holds the first {len(keys):,} of {total:,} alleles")
    for g, columns in enumerate(list(groups.columns.values())[:PROVED_GROUPS]):
        command = counts_command(data, found, columns, r"%CHROM:%POS:%REF:%ALT\t%AC\t%AN\n")
        lines = _lines(data, first, g)
        command.read = first_lines(len(lines))
        result.evidence.append(prove(context, data, "allele_frequencies", wanted, command, [lines, summary["records"]]))
    return result


def _count(data: OpenDataset, found: Selection, groups: SampleGroups) -> tuple[AlleleCounts, int, dict[str, Any]]:
    """The first alleles, the number of all, and what holds of all of them."""
    kept: list[AlleleCounts] = []
    total = records = 0
    sums = np.zeros((4, len(groups.columns)), dtype=np.int64)
    last = -1
    for block in allele_counts(data, found, list(groups.columns.values())):
        if total <= MAX_VALUE:
            kept.append(block)
        total += len(block.record)
        records += int((np.diff(block.record, prepend=last) != 0).sum())
        last = int(block.record[-1])
        called = block.an > 0
        sums += [(block.ac == 0).sum(0), (block.ac == 1).sum(0), ((block.ac == block.an) & called).sum(0),
                 (~called).sum(0)]  # fmt: skip
    return _joined(kept), total, {"records": records, "sums": sums}


def _joined(blocks: list[AlleleCounts]) -> AlleleCounts:
    """The first alleles together, at most 10,000, with no record cut in two."""
    if not blocks:
        none = np.zeros((0, 1), dtype=np.int64)
        return AlleleCounts(none[:, 0].astype(np.int32), none[:, 0].astype(np.int16), none, none)
    record, allele, ac, an = (
        np.concatenate([getattr(b, name) for b in blocks]) for name in ("record", "allele", "ac", "an")
    )
    n = len(record) if len(record) <= MAX_VALUE else int(np.searchsorted(record, record[MAX_VALUE]))
    return AlleleCounts(record[:n], allele[:n], ac[:n], an[:n])


def _entries(first: AlleleCounts, groups: SampleGroups, named: bool) -> list[dict[str, Any]]:
    af = frequencies(first.ac, first.an)
    names = list(groups.columns)
    rows = [
        {
            name: {"AC": ac, "AN": an, "AF": rounded(f)}
            for name, ac, an, f in zip(names, ac_row, an_row, af_row, strict=True)
        }
        for ac_row, an_row, af_row in zip(first.ac.tolist(), first.an.tolist(), af.tolist(), strict=True)
    ]
    return rows if named else [row[""] for row in rows]


def _each_once(keys: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    out = []
    for key in keys:
        seen[key] = seen.get(key, 0) + 1
        out.append(key if seen[key] == 1 else f"{key}#{seen[key]}")
    return out


def _lines(data: OpenDataset, first: AlleleCounts, group: int) -> list[str]:
    """A line for each record, as `bcftools query` writes it."""
    keys = allele_keys(data, first.record, first.allele)
    lines: list[list[Any]] = []
    last = -1
    for record, key, ac, an in zip(
        first.record.tolist(), keys, first.ac[:, group].tolist(), first.an[:, group].tolist(), strict=True
    ):
        if record == last:
            lines[-1][0] += "," + key.rpartition(":")[2]
            lines[-1][1] += f",{ac}"
        else:
            lines.append([key, str(ac), str(an)])
        last = record
    return ["\t".join(line) for line in lines]


def _who(data: OpenDataset, wanted: AlleleFrequencies, groups: SampleGroups) -> str:
    what = "frequency in this file's own samples, from their genotypes, not from INFO/AF nor a population database; "
    if "" not in groups.columns:
        return f"{what}by group: {groups.sizes()}"
    n = len(groups.columns[""])
    return what + (f"the {count_of(n, 'sample')} named" if wanted.samples else f"all {count_of(n, 'sample')}")


def _narrowed(data: OpenDataset, found: Selection) -> list[str]:
    if data.summary["multiallelic"] and any(c.per_allele for c in found.clauses):
        return ["every ALT allele of a record that meets the conditions is counted"]
    return []


def _text(
    data: OpenDataset, groups: SampleGroups, wanted: AlleleFrequencies, total: int, summary: dict[str, Any],
    value: dict[str, Any],
) -> str:  # fmt: skip
    if not total:
        return f"No ALT allele of {data.name} meets the conditions."
    text = f"{count_of(total, 'ALT allele')} at {count_of(summary['records'], 'record')} of {data.name}."
    for name, (absent, single, fixed, uncalled) in zip(groups.columns, summary["sums"].T.tolist(), strict=True):
        who = f"In {name}" if name else "Of them"
        nobody = f", {uncalled:,} of these for want of any called genotype" if uncalled else ""
        text += f" {who} {absent:,} are not seen (AC 0){nobody}, {single:,} are seen once (AC 1), "
        text += f"{fixed:,} are in every called allele (AF 1)."
    told = [f"{key} {_in_words(entry)}" for key, entry in list(value.items())[:5]]
    return f"{text} {'First: ' if total > len(told) else ''}{'; '.join(told)}."


def _in_words(entry: dict[str, Any]) -> str:
    if "AC" not in entry:
        return ", ".join(f"{group} {_in_words(inner)}" for group, inner in entry.items())
    return f"{entry['AC']} of {entry['AN']}" + ("" if entry["AF"] is None else f" ({entry['AF']:g})")


def _table(groups: SampleGroups, shown: list[str], first: AlleleCounts, total: int) -> Table:
    af = frequencies(first.ac, first.an)
    heads = [f"{g} {c}".strip() for g in groups.columns for c in ("AC", "AN", "AF")]
    rows: list[list[Any]] = []
    for i, key in enumerate(shown):
        cells = zip(first.ac[i].tolist(), first.an[i].tolist(), af[i].tolist(), strict=True)
        rows.append([key, *(x for ac, an, f in cells for x in (ac, an, rounded(f)))])
    return Table("allele frequencies", ["variant", *heads], rows, total, len(rows) < total)


TOOL = Tool(
    "allele_frequencies",
    "AC, AN and AF of each ALT allele counted from the genotypes: of all samples, of named ones (a trio), or by group. "
    "This is the frequency in the cohort alone: gnomAD and other population frequencies are asked for with `where` "
    "INFO/... in count_variants or list_variants, and read fractions of a sample are another tool's. For the "
    "difference of two groups use compare_groups; for INFO/AF against the genotypes, check_info_counts.",
    AlleleFrequencies,
    allele_frequencies,
    example={"samples": ["ARUN", "MIRA", "DEV"], "limit": 5},
)
