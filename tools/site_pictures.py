"""Pictures of sites: substitutions, types, lengths of indels, quality, depth, allele counts, density."""

import re
from collections import Counter
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from ..memory.errors import ToolError
from ..memory.variant_table import literal
from .alleles import TRANSITIONS
from .bins import Bins, distinct, nice
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import Command, all_lines
from .figures import bars, grouped_bars, heat
from .group_variants import GroupVariants, group_variants
from .pictures import (
    Picture,
    awk_bins,
    binned,
    by_label,
    number_reader,
    one_row_each,
    peak,
    query_command,
    selected_rows,
    stats_command,
)
from .result import Json, Table
from .selection import Selection
from .text import count_of

if TYPE_CHECKING:
    from .draw import Draw

LONGEST = 60
"""Bases from which `bcftools stats` puts longer indels together; so do we."""
CONTIGS, WINDOWS = 30, 150
"""Lines of a density picture, and windows of the longest contig where no size is named."""
NO_VARIANT = ("*", "<*>", "<NON_REF>", "X", "<X>")
"""ALT alleles that stand for a deletion told elsewhere, or for any other base."""
CLASSES = {"A:T > G:C": ("A>G", "T>C"), "G:C > A:T": ("G>A", "C>T"), "A:T > C:G": ("A>C", "T>G"),
           "A:T > T:A": ("A>T", "T>A"), "G:C > T:A": ("G>T", "C>A"), "G:C > C:G": ("G>C", "C>G")}  # fmt: skip
"""The six changes of a base pair; the first two are transitions."""


def _changes(data: OpenDataset, found: Selection) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for rows in selected_rows(data, found, ["change"], "change IS NOT NULL"):
        counts.update({p["values"]: p["counts"] for p in pc.value_counts(rows["change"]).to_pylist()})
    return {f"{a}>{b}": counts[f"{a}>{b}"] for a in "ACGT" for b in "ACGT" if a != b}


def _changes_command(data: OpenDataset, found: Selection) -> Command:
    return stats_command(data, found, [], "grep ^ST | cut -f3,4", _st_lines)


def _st_lines(output: IO[bytes]) -> dict[str, int]:
    rows = [line.split("\t") for line in all_lines(output) if line.startswith("ST\t")]
    return {row[2]: int(row[3]) for row in rows}


_BY_CHANGE = "each SNP allele counts once, all ALT alleles of a record included; the SNPs are those of bcftools stats"


def titv(context: ToolContext, data: OpenDataset, found: Selection, wanted: "Draw") -> Picture:
    """Changes of base pairs, transitions beside transversions."""
    changes = _changes(data, found)
    of = {name: sum(changes[c] for c in pair) for name, pair in CLASSES.items()}
    names = list(CLASSES)
    ti, tv = (sum(of[n] for n in part) for part in (names[:2], names[2:]))
    ratio = f"Ti/Tv {ti / tv:.2f}" if tv else "no transversion, so no ratio"
    figure = grouped_bars(
        {"transitions": (names[:2], [of[n] for n in names[:2]]),
         "transversions": (names[2:], [of[n] for n in names[2:]])},
        title=f"Transitions and transversions, {data.name} ({ratio})",
        x_title="change of the base pair (both strands)", y_title="SNP alleles (count)",
    )  # fmt: skip
    rows: list[list[Any]] = [[n, "transition" if i < 2 else "transversion", of[n]] for i, n in enumerate(names)]
    text = f"{data.name}: {ti:,} transitions and {tv:,} transversions ({ratio})."
    alt = f"Bars of SNP alleles by change of the base pair: {ti:,} transitions, {tv:,} transversions, {ratio}."
    table = Table("substitution classes", ["change", "class", "SNP alleles"], rows, 6)
    picture = Picture(figure, alt, text, of, "alleles", [table], [_BY_CHANGE])
    picture.command, picture.expected = _changes_command(data, found), changes
    return picture


def substitutions(context: ToolContext, data: OpenDataset, found: Selection, wanted: "Draw") -> Picture:
    """The twelve changes of a base, as REF and ALT are written."""
    changes = _changes(data, found)
    ti, tv = ({c: n for c, n in changes.items() if (c in TRANSITIONS) == kind} for kind in (True, False))
    figure = grouped_bars(
        {"transitions": (list(ti), list(ti.values())), "transversions": (list(tv), list(tv.values()))},
        title=f"Substitutions, {data.name}", x_title="REF > ALT", y_title="SNP alleles (count)",
    )  # fmt: skip
    most = max(changes, key=lambda c: changes[c])
    text = f"Substitutions of {data.name}: " + ", ".join(f"{c} {n:,}" for c, n in changes.items()) + "."
    alt = f"Bars of the twelve base changes; the most frequent is {most} with {changes[most]:,} SNP alleles."
    rows: list[list[Any]] = [[c, n] for c, n in [*ti.items(), *tv.items()]]
    table = Table("substitutions", ["change", "SNP alleles"], rows, 12)
    picture = Picture(figure, alt, text, changes, "alleles", [table], [_BY_CHANGE])
    picture.command, picture.expected = _changes_command(data, found), changes
    return picture


def types(context: ToolContext, data: OpenDataset, found: Selection, wanted: "Draw") -> Picture:
    """Records by the type of their alleles; the numbers are those of `group_variants`."""
    of = group_variants(context, GroupVariants(by="type", **wanted.conditions()))
    names, numbers = list(of.value), list(of.value.values())
    figure = bars(names, numbers, title=f"Types of variants, {data.name}", x_title="type", y_title="records (count)")
    alt = (
        "Bars of records by type of variant: " + (", ".join(f"{k} {v:,}" for k, v in of.value.items()) or "none") + "."
    )
    return Picture(figure, alt, of.text, of.value, "records", of.tables, of.reading, evidence=of.evidence)


def indel_sizes(context: ToolContext, data: OpenDataset, found: Selection, wanted: "Draw") -> Picture:
    """Indel alleles by change in length, deletions negative."""
    blocks = (rows["length"].to_numpy() for rows in selected_rows(data, found, ["length"], "type = 'indel'"))
    values, counts = distinct(np.clip(b, -LONGEST, LONGEST) for b in blocks)
    of = {int(v): int(n) for v, n in zip(values, counts, strict=True)}
    gone, added = (sum(n for v, n in of.items() if (v < 0) == less) for less in (True, False))
    x_title = "change in length (bases; deletions are negative)"
    figure = bars(list(of), list(of.values()), title=f"Lengths of indels, {data.name}", x_title=x_title,
                  y_title="indel alleles (count)")  # fmt: skip
    figure["layout"]["xaxis"]["type"] = "linear"
    rows: list[list[Any]] = [[v, n] for v, n in of.items()]
    told = f"{count_of(gone + added, 'indel allele')}, {count_of(gone, 'deletion')} and {count_of(added, 'insertion')}"
    picture = Picture(
        figure, f"Bars of indel alleles by change in length: {told}.", f"{data.name} has {told}.",
        by_label(list(of), list(of.values())), "alleles",
        [Table("indel sizes", ["bases", "indel alleles"], rows, len(rows))],
    )  # fmt: skip
    ends = f"the bars at {-LONGEST} and {LONGEST} hold longer ones too" * (LONGEST in map(abs, of))
    symbolic = "alleles written in bases; symbolic ones such as <DEL> have no length here"
    picture.reading = [symbolic, *([ends] if ends else [])]
    picture.command = stats_command(data, found, [], "grep ^IDD | cut -f3,4", _idd_lines)
    picture.expected = by_label(list(of), list(of.values()))
    return picture


def _idd_lines(output: IO[bytes]) -> dict[str, int]:
    rows = [line.split("\t") for line in all_lines(output) if line.startswith("IDD\t")]
    return {row[2]: int(row[3]) for row in rows}


def quality(context: ToolContext, data: OpenDataset, found: Selection, wanted: "Draw") -> Picture:
    """Records by QUAL."""
    picture = _by_number(data, found, "qual", "QUAL", float, "quality", "Quality of records", "QUAL (Phred-scaled)")
    picture.reading = ["records without QUAL are left out", *picture.reading]
    return picture


def _by_number(
    data: OpenDataset, found: Selection, column: str, tag: str, kind: type, name: str, title: str, axis: str
) -> Picture:
    """A histogram of records by one number of theirs: `column` of the table, `tag` for bcftools."""
    values, counts = distinct(one_row_each(data, found, column))
    figure, table, bins, numbers, remark = binned(
        values, counts, kind is int, name, f"{title}, {data.name}", axis, "records"
    )
    picture = _of_bins(data, figure, table, bins, numbers, "records", tag)
    picture.reading = remark
    read = number_reader(bins, kind)
    picture.command = query_command(data, found, rf"%{tag}\n", f"grep -v '^\\.$' | {awk_bins(bins)}", read)
    return picture


def _of_bins(
    data: OpenDataset, figure: Json, table: Table, bins: Bins, numbers: list[int], unit: str, what: str
) -> Picture:
    total = sum(numbers)
    told = f"{count_of(total, unit.removesuffix('s'))} with {what}" + (
        f", {peak(bins, numbers, unit)}" if total else ""
    )
    value = by_label(bins.names(), numbers)
    return Picture(
        figure, f"Histogram of {told}.", f"{data.name}: {told}.", value, unit, [table], expected=numbers
    )  # fmt: skip


def site_depth(context: ToolContext, data: OpenDataset, found: Selection, wanted: "Draw") -> Picture:
    """Records by INFO/DP."""
    column = data.info.get("DP")
    if column is None or column.shape != "number" or column.type != "Integer":
        raise ToolError(f"{data.name} has no INFO/DP of one whole number", 'Ask for of="sample" to draw FORMAT/DP')
    axis = "INFO/DP (reads over all samples)"
    picture = _by_number(data, found, column.column, "INFO/DP", int, "depth", "Depth of sites", axis)
    said = 'depth is INFO/DP, of the site over all samples; of="sample" draws FORMAT/DP'
    picture.reading = [said, *picture.reading]
    return picture


def spectrum(context: ToolContext, data: OpenDataset, found: Selection, wanted: "Draw") -> Picture:
    """ALT alleles by how many copies of them the genotypes hold."""
    data.need_genotypes()
    also = f"allele > 0 AND alt NOT IN ({', '.join(map(literal, NO_VARIANT))})"
    values, counts = distinct(rows["ac"].to_numpy() for rows in selected_rows(data, found, ["ac"], also))
    title = f"Allele counts, {data.name}"
    figure, table, bins, numbers, remark = binned(values, counts, True, "allele counts", title,
                                                  "copies of the ALT allele in the genotypes", "alleles")  # fmt: skip
    picture = _of_bins(data, figure, table, bins, numbers, "alleles", "their copies counted")
    once = int(counts[values == 1].sum())
    told = f"{count_of(int(counts.sum()), 'ALT allele')}, {once:,} of them with one copy"
    picture.text = f"{data.name}: {told} among the genotypes of {count_of(len(data.samples), 'sample')}."
    picture.alt = f"Histogram of ALT alleles by number of copies: {once:,} of {int(counts.sum()):,} have one copy."
    picture.reading = ["copies are counted in the genotypes, not read from INFO/AC; those of ./1 count",
                       "* and <NON_REF> are no variants and left out", *remark]  # fmt: skip
    picture.command = query_command(data, found, r"%ALT[\t%GT]\n", _AWK_COPIES, _copies_in)
    picture.expected = {int(v): int(n) for v, n in zip(values, counts, strict=True)}
    return picture


_AWK_COPIES = (
    r"""awk -F'\t' '$1!="." {n=split($1,a,","); split("",k); for(i=2;i<=NF;i++){m=split($i,g,/[|\/]/); """
    r"""for(j=1;j<=m;j++) k[g[j]]++}; for(i=1;i<=n;i++) if(a[i]!="*" && a[i]!="<*>" && a[i]!="<NON_REF>" && """
    r"""a[i]!="<X>" && a[i]!="X") c[k[i]+0]++} END {for(x in c) print x, c[x]}'"""
)


def _copies_in(output: IO[bytes]) -> dict[int, int]:
    found: Counter[int] = Counter()
    for line in output:
        alt, _, genotypes = line.partition(b"\t")
        alts = alt.strip().split(b",")
        if len(alts) < 10:  # then an allele is one character
            copies = [genotypes.count(b"%d" % i) for i in range(1, len(alts) + 1)]
        else:
            each = Counter(re.findall(rb"\d+", genotypes))
            copies = [each[b"%d" % i] for i in range(1, len(alts) + 1)]
        found.update(
            n for a, n in zip(alts, copies, strict=True) if a not in (b"", b".", *(a.encode() for a in NO_VARIANT))
        )
    return dict(found)


def density(context: ToolContext, data: OpenDataset, found: Selection, wanted: "Draw") -> Picture:
    """Records in windows along the contigs; the numbers are those of `group_variants`."""
    window = wanted.window or _window(data, found)
    of = group_variants(context, GroupVariants(by="window", window=window, **wanted.conditions()))
    cells: dict[str, dict[int, int]] = {}
    for name, number in of.value.items():
        contig, _, start = name.rpartition(":")
        cells.setdefault(contig, {})[int(start)] = number
    inside = [c for c in data.contigs if c in cells]
    drawn = sorted(sorted(inside, key=lambda c: -sum(cells[c].values()))[:CONTIGS], key=inside.index)
    last = max((max(cells[c]) for c in drawn), default=0)
    starts = list(range(0, last + 1, window))
    lines = [[cells[c].get(s, 0) if s <= _end(data, c, cells[c]) else None for s in starts] for c in drawn]
    figure = heat(drawn, starts, lines, window, title=f"Records along the contigs, {data.name}")
    rows: list[list[Any]] = [[c, s, s + window - 1, cells[c][s]] for c in drawn for s in sorted(cells[c])]
    others = [c for c in inside if c not in drawn]
    total, left = sum(of.value.values()), sum(sum(cells[c].values()) for c in others)
    top = max(rows, key=lambda r: r[3], default=None)
    where = f"; the fullest window, {top[0]} from {max(top[1], 1):,}, holds {top[3]:,}" if top else ""
    told = f"{count_of(total, 'record')} on {count_of(len(inside), 'contig')}, in windows of {window:,} bases{where}"
    picture = Picture(figure, f"Heat map of {told}.", f"{data.name}: {told}.", of.value, "records",
                      [Table("density", ["contig", "from", "to", "records"], rows, len(rows))], of.reading,
                      evidence=of.evidence)  # fmt: skip
    if others:
        told = f"{count_of(len(others), 'other contig')} with {count_of(left, 'record')}"
        picture.reading.append(f"the {CONTIGS} contigs with most records are drawn; {told} are not")
    return picture


def _end(data: OpenDataset, contig: str, cells: dict[int, int]) -> int:
    """The last position that is known of a contig."""
    return max(data.summary["contig_lengths"].get(contig) or 0, max(cells))


def _window(data: OpenDataset, found: Selection) -> int:
    """A window of 1, 2 or 5 times a power of ten, of which the longest stretch with records takes a hundred or so."""
    ends = [int(rows["pos"].to_numpy().max(initial=0)) for rows in selected_rows(data, found, ["pos"])]
    return int(nice(max(ends, default=0) / WINDOWS, whole=True))
