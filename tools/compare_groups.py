"""Alleles that are more frequent in one group of samples than in another."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import IO, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from ..memory.errors import ToolError
from .allele_counts import READING, Ints, allele_counts, allele_keys, distinct, frequencies, rounded
from .context import ToolContext
from .dataset import OpenDataset, nearest
from .evidence import Command, asks_samples, prove, view_command
from .exact_tests import fisher_p
from .list_variants import query_options
from .registry import Tool
from .result import Table, ToolResult
from .sample_groups import GroupedFilter, SampleGroups, sample_groups
from .selection import Selection, select
from .text import count_of

Direction = Literal["higher", "different"]
LADDER = (0.0, 0.1, 0.2, 0.3, 0.5)
OTHERS = "the others"


class CompareGroups(GroupedFilter):
    group: str | None = Field(None, description="the group asked about; without it the first of two")
    other: str | None = Field(None, description="the group it is compared with; of one group alone, all other samples")
    direction: Direction = Field(
        "higher",
        description="higher: AF of `group` minus AF of `other` exceeds more_than. different: in either direction",
    )
    more_than: float = Field(0.0, ge=0, le=1, description="difference of the two frequencies that is exceeded, as 0.3")
    p_below: float | None = Field(None, gt=0, le=1, description="only alleles with a smaller p of Fisher's exact test")
    sort: Literal["difference", "p"] = "difference"
    scope: Literal["record", "allele"] = Field(
        "record", description="record: lines of the file with such an allele are counted. allele: the alleles"
    )
    limit: int = Field(20, ge=1, le=10_000, description="alleles shown; the total is always told")


@dataclass(slots=True)
class Compared:
    """Alleles that differ: AC and AN have a column for each of the two groups. `ladder` counts all by difference."""

    record: npt.NDArray[np.int32]
    allele: npt.NDArray[np.int16]
    ac: Ints
    an: Ints
    looked_at: int
    uncalled: int
    ladder: list[int]

    def take(self, kept: npt.NDArray[Any]) -> "Compared":
        return Compared(self.record[kept], self.allele[kept], self.ac[kept], self.an[kept],
                        self.looked_at, self.uncalled, self.ladder)  # fmt: skip


def compare_groups(context: ToolContext, wanted: CompareGroups) -> ToolResult:
    """Allele frequencies of two groups, compared in whole numbers; the value is the number of records, or alleles."""
    data = context.dataset(wanted.dataset)
    data.need_genotypes()
    found = select(data, wanted)
    groups = _two(data, sample_groups(context, data, wanted), wanted)
    compared = _compare(data, found, groups, wanted)
    p = fisher_p(*_table_of(compared))
    if wanted.p_below is not None:
        kept = np.flatnonzero(p < wanted.p_below)
        compared, p = compared.take(kept), p[kept]
    number = len(compared.record) if wanted.scope == "allele" else distinct(compared.record)
    rows = _rows(data, compared, p, wanted)
    result = ToolResult(_text(data, groups, wanted, compared, number, rows), number, f"{wanted.scope}s")
    result.tables.append(_table(groups, rows, len(compared.record)))
    result.private = groups.show_a_person
    result.reading = [*_readings(groups, wanted), READING, *groups.reading, *found.reading]
    if compared.uncalled:
        uncalled = count_of(compared.uncalled, "allele")
        result.reading.append(f"{uncalled} of records where one group has no called genotype cannot be compared")
    command = _command(data, wanted, found, groups)
    result.evidence.append(prove(context, data, "compare_groups", wanted, command, number))
    return result


def _two(data: OpenDataset, groups: SampleGroups, wanted: CompareGroups) -> SampleGroups:
    """The two groups to compare, in that order. Raises `ToolError` where they are not clear."""
    names = list(groups.columns)
    for name in filter(None, (wanted.group, wanted.other)):
        if name not in names:
            raise ToolError(f"There is no group {name!r}", nearest(name, names, "Groups are") or "Give `groups`")
    if not names or (len(names) > 2 and not (wanted.group and wanted.other)):
        raise ToolError("Two groups are compared", f"Say `group` and `other`; there are {', '.join(names) or 'none'}")
    first = wanted.group or next(n for n in names if n != wanted.other)
    second = wanted.other or next((n for n in names if n != first), OTHERS)
    rest = [i for i in range(len(data.samples)) if i not in set(groups.columns[first])]
    columns = {first: groups.columns[first], second: groups.columns.get(second, rest)}
    if len(columns) < 2 or not columns[second]:
        raise ToolError(f"There is nobody to compare {first} with", "Name a second group in `groups`")
    both = [data.samples[i] for i in set(columns[first]) & set(columns[second])]
    return SampleGroups(
        columns, [*groups.reading, *([f"in both groups: {', '.join(sorted(both)[:10])}"] if both else [])]
    )


def _compare(data: OpenDataset, found: Selection, groups: SampleGroups, wanted: CompareGroups) -> Compared:
    kept, looked_at, uncalled = [], 0, 0
    ladder = np.zeros(len(LADDER), dtype=np.int64)
    for block in allele_counts(data, found, list(groups.columns.values())):
        over = exceeds(block.ac, block.an, wanted.direction, wanted.more_than)
        kept.append((block.record[over], block.allele[over], block.ac[over], block.an[over]))
        looked_at += len(over)
        uncalled += int((block.an == 0).any(axis=1).sum())
        ladder += [exceeds(block.ac, block.an, wanted.direction, step).sum() for step in LADDER]
    if not kept:
        none = np.zeros((0, 2), dtype=np.int64)
        kept = [(none[:, 0].astype(np.int32), none[:, 0].astype(np.int16), none, none)]
    record, allele, ac, an = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    return Compared(record, allele, ac, an, looked_at, uncalled, ladder.tolist())


def exceeds(ac: Ints, an: Ints, direction: Direction, more_than: float) -> npt.NDArray[np.bool_]:
    """Where AF of the first group exceeds that of the second by more than a threshold of at most six digits.

    In whole numbers, since a difference of exactly 0.3 may be above or below it in floating point.
    """
    least = threshold(more_than)
    difference = ac[:, 0] * an[:, 1] - ac[:, 1] * an[:, 0]
    difference = np.abs(difference) if direction == "different" else difference
    return np.asarray(difference * least.denominator > least.numerator * an[:, 0] * an[:, 1])


def threshold(more_than: float) -> Fraction:
    return Fraction(str(more_than)).limit_denominator(1_000_000)


def _table_of(compared: Compared) -> tuple[Ints, Ints, Ints, Ints]:
    (a, b), (n, m) = compared.ac.T, compared.an.T
    return a, n - a, b, m - b


def _rows(data: OpenDataset, compared: Compared, p: npt.NDArray[np.float64], wanted: CompareGroups) -> list[list[Any]]:
    af = frequencies(compared.ac, compared.an)
    difference = af[:, 0] - af[:, 1]
    size = np.round(np.abs(difference), 12)  # so that equal differences stay in the order of the file
    by = (p, -size) if wanted.sort == "p" else (-size, p)
    order = np.lexsort(by[::-1])[: wanted.limit]
    keys = allele_keys(data, compared.record[order], compared.allele[order])
    rows: list[list[Any]] = []
    for key, i in zip(keys, order.tolist(), strict=True):
        (a, b), (n, m), (f, g) = compared.ac[i].tolist(), compared.an[i].tolist(), af[i].tolist()
        rows.append([key, a, n, rounded(f), b, m, rounded(g), rounded(difference[i]), float(f"{p[i]:.6g}")])
    return rows


def _table(groups: SampleGroups, rows: list[list[Any]], total: int) -> Table:
    heads = [f"{g} {c}" for g in groups.columns for c in ("AC", "AN", "AF")]
    columns = ["variant", *heads, "difference", "Fisher p"]
    return Table("groups compared", columns, rows, total, len(rows) < total)


def _readings(groups: SampleGroups, wanted: CompareGroups) -> list[str]:
    first, second = groups.columns
    difference = f"AF in {first} minus AF in {second}" + (
        ", or the reverse," if wanted.direction == "different" else ""
    )
    counted = "a record counts when any of its ALT alleles does" if wanted.scope == "record" else "ALT alleles count"
    return [
        f"groups: {groups.sizes()}",
        f"{difference} is more than {wanted.more_than:g}, compared in whole numbers, so exactly {wanted.more_than:g} "
        f"does not count; {counted}",
        "p is Fisher's exact test of copies of the allele against other called alleles, two-sided, not corrected for "
        "the number of alleles; related samples are not independent",
    ]


def _text(
    data: OpenDataset, groups: SampleGroups, wanted: CompareGroups, compared: Compared, number: int,
    rows: list[list[Any]],
) -> str:  # fmt: skip
    first, second = groups.columns
    relation = {"higher": "more frequent in", "different": "of another frequency in"}[wanted.direction]
    limit = f" by more than {wanted.more_than:g}" if wanted.more_than else ""
    limit += f" with p < {wanted.p_below:g}" if wanted.p_below is not None else ""
    what = count_of(number, "ALT allele")
    if wanted.scope == "record":
        what = f"{count_of(number, 'record')} with an ALT allele"
    of = f"of {count_of(compared.looked_at, 'ALT allele')} in {data.name}"
    text = f"{what} {relation} {first} than in {second}{limit}, {of}."
    steps = ", ".join(f"{n:,} by more than {s:g}" for s, n in zip(LADDER, compared.ladder, strict=True))
    told = "; ".join(f"{r[0]} {r[1]} of {r[2]} against {r[4]} of {r[5]}, p = {r[8]:.3g}" for r in rows[:5])
    return f"{text} By size of the difference, in alleles: {steps}." + (f" First: {told}." if rows else "")


_AWK = (
    r"""awk -F'\t' '{split("",c);t[0]=t[1]=h=0;k=split($1,alt,",");for(i=2;i<=NF;i++){g=(i>%d);m=split($i,x,/[\/|]/);"""
    r"""for(j=1;j<=m;j++)if(x[j]!="."){c[g,x[j]]++;t[g]++}}for(a=1;a<=k;a++){d=c[0,a]*t[1]-c[1,a]*t[0];%s"""
    r"""if(d*%d>%d*t[0]*t[1])h++}s+=%s}END{print s+0}'"""
)


def _command(data: OpenDataset, wanted: CompareGroups, found: Selection, groups: SampleGroups) -> Command:
    one, other = groups.columns.values()
    names = [data.samples[i] for i in [*one, *other]]
    least, either = threshold(wanted.more_than), wanted.direction == "different"
    command = view_command(data, found.clauses)
    options = query_options(command.arguments[2:])
    command.arguments = ["query", "-s", ",".join(names), "-f", r"%ALT[\t%GT]\n", *options]
    absolute, each = "if(d<0)d=-d;" if either else "", "h" if wanted.scope == "allele" else "(h>0)"
    command.then = _AWK % (len(one) + 1, absolute, least.denominator, least.numerator, each)
    command.read = _reader(len(one), least, either, wanted.scope)
    command.unprovable = command.unprovable or data.unlistable(names) or asks_samples(command.arguments)
    if set(one) & set(other):
        command.unprovable = command.unprovable or "a sample is in both groups"
    if wanted.p_below is not None:
        command.unprovable = command.unprovable or "bcftools has no Fisher's test of two groups"
    return command


def _reader(n: int, least: Fraction, either: bool, scope: str) -> Callable[[IO[bytes]], int]:
    """What the line of awk counts."""

    @lru_cache(4096)
    def hits(line: bytes) -> int:
        alts, *calls = line.decode(errors="replace").rstrip("\n").split("\t")
        one, other = _alleles(calls[:n]), _alleles(calls[n:])
        both, found = one.total() * other.total(), 0
        for allele in map(str, range(1, alts.count(",") + 2)):
            d = one[allele] * other.total() - other[allele] * one.total()
            found += (abs(d) if either else d) * least.denominator > least.numerator * both
        return found if scope == "allele" else found > 0

    def read(output: IO[bytes]) -> int:
        return sum(map(hits, output))

    return read


def _alleles(calls: list[str]) -> Counter[str]:
    found = Counter(re.split(r"[/|]", "/".join(calls)))
    del found["."], found[""]
    return found


TOOL = Tool(
    "compare_groups",
    "Which alleles are more frequent in one group of samples than in another (cases and controls, a family and the "
    "rest): how many differ in AF by more than a threshold, with both counts and Fisher's exact p. Groups by name, "
    "from the pedigree or from a file.",
    CompareGroups,
    compare_groups,
    example={
        "groups": {"FAMILY": ["ARUN", "MIRA", "DEV", "LILA"], "CONTROLS": ["OTTO", "INES"]},
        "more_than": 0.3,
        "limit": 5,
    },
)
