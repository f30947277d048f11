"""Variants counted by contig, gene, consequence, impact, filter, type, significance, sample or window."""

from collections import Counter
from collections.abc import Callable
from typing import IO, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from .annotation import NAMES
from .clauses import consequence_in_file, significance_column
from .consequences import worst
from .context import ToolContext
from .dataset import OpenDataset, each_once
from .emptiness import why_none
from .evidence import Command, all_lines, prove, tally, view_command
from .filters import VariantFilter
from .list_variants import query_options
from .registry import Tool
from .result import Json, Table, ToolResult
from .selection import CLASSES, Selection, record_numbers, select
from .variant_rows import records_by_value, rows_of

Records = npt.NDArray[np.int32]
By = Literal[
    "contig", "gene", "consequence", "impact", "filter", "type", "significance", "sample", "window"
]  # fmt: skip


class GroupVariants(VariantFilter):
    by: By
    window: int = Field(1_000_000, gt=0, description="size of a window in bases; with by=window")
    top: int | None = Field(None, gt=0, description="only the largest groups")


def group_variants(context: ToolContext, wanted: GroupVariants) -> ToolResult:
    """Records that meet the conditions, counted by group; the value maps each group to its number.

    A record counts once in each group that it belongs to. Raises `ToolError` as `count_variants` does.
    """
    data = context.dataset(wanted.dataset)
    found = select(data, wanted)
    records = record_numbers(data, found)
    counts = _GROUPS[wanted.by](data, records, wanted)
    ordered = dict(sorted(counts.items(), key=lambda kv: -kv[1])) if _by_size(wanted) else counts
    shown = dict(list(ordered.items())[: wanted.top]) if wanted.top else ordered
    result = ToolResult(_sentence(data, wanted, shown, len(counts)), shown, "records", list(found.reading))
    result.text += why_none(data, wanted) if not len(records) else ""
    result.reading += [_READINGS[wanted.by]] if wanted.by in _READINGS else []
    result.reading += _ties(list(ordered.values()), wanted.top)
    result.tables.append(
        Table(
            f"by {wanted.by}",
            [wanted.by, "records"],
            [[k, v] for k, v in shown.items()],
            len(counts),
            len(shown) < len(counts),
        )
    )
    command, expected = _command(data, found, wanted, counts)
    result.evidence.append(prove(context, data, "group_variants", wanted, command, expected))
    return result


_READINGS = {
    "gene": "each record counts once per gene, however many transcripts the annotation names",
    "consequence": "each record counts once, under the most severe consequence of all its transcripts",
    "impact": "each record counts once, under the worst impact of all its transcripts",
    "type": "a record with ALT alleles of several types counts under each",
    "sample": "a record counts for a sample that has an ALT allele in a complete genotype",
    "window": "a record counts in the window of its POS; windows start at multiples of their size",
    "significance": "values as they stand in the file",
}


def _ties(sizes: list[int], top: int | None) -> list[str]:
    """A remark where groups that are not shown are as large as the last that is."""
    more = sum(size == sizes[top - 1] for size in sizes[top:]) if top and top < len(sizes) else 0
    return [f"{more:,} more with as many as the last one shown"] if more else []


def _by_size(wanted: GroupVariants) -> bool:
    return wanted.by not in ("contig", "sample") or wanted.top is not None


def _sentence(data: OpenDataset, wanted: GroupVariants, counts: dict[str, int], total: int) -> str:
    if not counts:
        return f"No record of {data.name} meets the conditions, so there is nothing to group by {wanted.by}."
    shown = ", ".join(f"{k or 'none'} {v:,}" for k, v in list(counts.items())[:25])
    more = f" (and {len(counts) - 25} more)" if len(counts) > 25 else ""
    which = f"the {len(counts)} largest of {total} groups" if len(counts) < total else "records"
    return f"By {wanted.by} in {data.name}, {which}: {shown}{more}."


def _simple(column: str) -> Callable[[OpenDataset, Records, GroupVariants], dict[str, int]]:
    def count(data: OpenDataset, records: Records, wanted: GroupVariants) -> dict[str, int]:
        rows = rows_of(data, ["record", column], records)
        return records_by_value(data, rows, column)

    return count


def _types(data: OpenDataset, records: Records, wanted: GroupVariants) -> dict[str, int]:
    """As %TYPE of bcftools: `ref` only where a record has nothing else."""
    rows = rows_of(data, ["record", "type"], records)
    others = rows.filter(pc.not_equal(rows["type"], "ref"))
    alone = len(each_once(rows["record"].to_numpy())) - len(each_once(others["record"].to_numpy()))
    counts = records_by_value(data, others, "type")
    return counts | ({"ref": alone} if alone else {})


def _significance(data: OpenDataset, records: Records, wanted: GroupVariants) -> dict[str, int]:
    return _simple(significance_column(data).column)(data, records, wanted)


def _windows(data: OpenDataset, records: Records, wanted: GroupVariants) -> dict[str, int]:
    rows = rows_of(data, ["record", "chrom", "pos"], records)
    start = pa.chunked_array([rows["pos"].to_numpy() // wanted.window * wanted.window], pa.int64())
    names = pc.binary_join_element_wise(rows["chrom"], start.cast(pa.string()), ":")
    return records_by_value(data, rows.append_column("window", names), "window")


def _samples(data: OpenDataset, records: Records, wanted: GroupVariants) -> dict[str, int]:
    data.need_genotypes()
    carrying = np.isin(data.codes.classes(), list(CLASSES["carrier"]))
    total = np.zeros(len(data.samples), dtype=np.int64)
    for numbers, block in data.record_blocks(["gt"]):
        total += carrying[block["gt"][np.isin(numbers, records)]].sum(axis=0)
    return dict(zip(data.samples, total.tolist(), strict=True))


def _profile_groups(
    data: OpenDataset, records: Records, of_profiles: Callable[[list[dict[str, list[str]]]], list[str]]
) -> dict[str, int]:
    """Groups that depend on the annotation profiles of a record's alleles alone."""
    _need_annotation(data)
    rows = rows_of(data, ["record", "profile"], records)
    profiles = data.profiles.to_pylist()
    counts: Counter[str] = Counter()
    for numbers, times in _profile_sets(rows["record"].to_numpy(), rows["profile"].to_numpy()).items():
        for group in of_profiles([profiles[n] for n in numbers]):
            counts[group] += times
    return dict(counts)


def _profile_sets(record: Records, profile: Records) -> Counter[tuple[int, ...]]:
    """How many records have each combination of profiles; only those with several alleles are looked at singly."""
    _, first, n_rows = np.unique(record, return_index=True, return_counts=True)
    alone, times = np.unique(profile[first[n_rows == 1]], return_counts=True)
    sets: Counter[tuple[int, ...]] = Counter()
    sets.update({(int(p),): int(n) for p, n in zip(alone, times, strict=True)})
    for start, n in zip(first[n_rows > 1].tolist(), n_rows[n_rows > 1].tolist(), strict=True):
        sets[tuple(profile[start : start + n].tolist())] += 1
    return sets


def _need_annotation(data: OpenDataset) -> None:
    from ..memory.errors import ToolError

    if not data.annotated:
        raise ToolError(
            f"{data.name} carries no annotation (CSQ, ANN or BCSQ)",
            "Annotate it with VEP, SnpEff or bcftools csq",
        )


def _genes(data: OpenDataset, records: Records, wanted: GroupVariants) -> dict[str, int]:
    """Where a consequence or an impact is asked for, only the genes for which an entry says it."""
    terms = {consequence_in_file(data, c) for c in wanted.consequences}

    def genes_of(profiles: list[dict[str, list[str]]]) -> list[str]:
        return sorted({
            gene
            for p in profiles
            for gene, consequence, impact in zip(p["genes"], p["consequences"], p["impacts"], strict=True)
            if gene
            and (not terms or not terms.isdisjoint(consequence.split("&")))
            and (not wanted.impacts or impact in wanted.impacts)
        })  # fmt: skip

    return _profile_groups(data, records, genes_of)


def _consequences(data: OpenDataset, records: Records, wanted: GroupVariants) -> dict[str, int]:
    return _profile_groups(data, records, lambda profiles: [w for w in _most_severe(profiles)[:1] if w])


def _impacts(data: OpenDataset, records: Records, wanted: GroupVariants) -> dict[str, int]:
    return _profile_groups(data, records, lambda profiles: [w for w in _most_severe(profiles)[1:] if w])


def _most_severe(profiles: list[dict[str, list[str]]]) -> tuple[str, str]:
    """Term and impact of the most severe entry of all alleles of a record."""
    return worst([e for p in profiles for e in zip(p["consequences"], p["impacts"], strict=True)])


_GROUPS: dict[str, Callable[[OpenDataset, Records, GroupVariants], dict[str, int]]] = {
    "contig": _simple("chrom"), "filter": _simple("filter"), "type": _types, "gene": _genes,
    "consequence": _consequences, "impact": _impacts, "significance": _significance, "sample": _samples,
    "window": _windows,
}  # fmt: skip


def _command(
    data: OpenDataset, found: Selection, wanted: GroupVariants, counts: dict[str, int]
) -> tuple[Command, Json]:
    """A query of one field, tallied. Annotation needs a plugin, so those groups have none."""
    command = view_command(data, found.clauses)
    formats = {"contig": r"%CHROM\n", "filter": r"%FILTER\n", "window": r"%CHROM\t%POS\n"}
    if wanted.by == "type":
        formats["type"] = r"%TYPE\n"
    if wanted.by == "gene" and (wanted.consequences or wanted.impacts):
        command.unprovable = "bcftools counts a gene for what another transcript of the record says"
        return command, None
    if wanted.by == "gene" and data.summary["annotation"]["tag"] in ("CSQ", "BCSQ"):
        return _gene_command(data, command), counts
    if wanted.by == "significance":
        formats["significance"] = rf"%INFO/{significance_column(data).id}\n"
    if wanted.by == "sample":
        formats["sample"] = r"[%SAMPLE\t%GT\n]"
    if wanted.by not in formats:
        command.unprovable = f"grouping by {wanted.by} needs bcftools' split-vep plugin or several commands"
        return command, None
    options = query_options(command.arguments[2:])
    command.arguments = ["query", "-f", formats[wanted.by], *options]
    command.then, command.read = "sort | uniq -c", tally
    if wanted.by == "type":
        command.then, command.read = "tr ',' '\\n' | sort | uniq -c", _type_counts
    if wanted.by == "window":
        awk = f"awk '{{print $1\":\"int($2/{wanted.window})*{wanted.window}}}'"
        command.then, command.read = f"{awk} | sort | uniq -c", _window_reader(wanted.window)
    if wanted.by == "significance":
        command.read = lambda output: {k: v for k, v in tally(output).items() if k != "."}
    if wanted.by == "sample":
        command.then = r"""awk -F'\t' '$2!~/\./ && $2~/[1-9]/ {print $1}' | sort | uniq -c"""
        command.read = _carried
        return command, {k: v for k, v in counts.items() if v}
    return command, counts


def _gene_command(data: OpenDataset, command: Command) -> Command:
    """bcftools' split-vep plugin, one line for each transcript, each record once for a gene."""
    annotation = data.summary["annotation"]
    key = next(n for n in NAMES["gene"] if n in annotation["keys"])
    site = r"%CHROM:%POS:%REF:%ALT"
    options = query_options(command.arguments[2:])
    command.arguments = ["+split-vep", "-a", annotation["tag"], "-d", "-f", rf"{site}\t%{key}\n", *options]
    command.then = "sort -u | cut -f2 | grep -v '^[.]*$' | sort | uniq -c"
    command.read, command.plugin = _gene_counts, True
    if _has_duplicates(data):
        command.unprovable = "the plugin's lines do not tell apart records that stand twice in the file"
    return command


def _has_duplicates(data: OpenDataset) -> bool:
    rows = data.table.columns(["chrom", "pos", "ref", "alts"], "allele <= 1")
    return bool(rows.group_by(rows.column_names).aggregate([]).num_rows < rows.num_rows)


def _gene_counts(output: IO[bytes]) -> Json:
    genes = (line.rpartition("\t")[2] for line in set(all_lines(output)))
    return dict(Counter(g for g in genes if g not in ("", ".")))


def _type_counts(output: IO[bytes]) -> Json:
    return dict(Counter(t.lower() for line in all_lines(output) for t in line.split(",")))


def _window_reader(window: int) -> Callable[[IO[bytes]], Json]:
    def read(output: IO[bytes]) -> Json:
        pairs = (line.split("\t") for line in all_lines(output))
        return dict(Counter(f"{c}:{int(p) // window * window}" for c, p in pairs))

    return read


def _carried(output: IO[bytes]) -> Json:
    rows = (line.rpartition("\t") for line in all_lines(output))
    return dict(Counter(s for s, _, gt in rows if "." not in gt and any(c in "123456789" for c in gt)))


TOOL = Tool(
    "group_variants",
    "Count the variants that meet the conditions by contig, gene, consequence (most severe), impact, filter, type, "
    "significance, sample or window of a size. Use it for 'per', 'by', 'each' and 'which ... the most'.",
    GroupVariants,
    group_variants,
    example={"by": "gene", "impacts": ["HIGH", "MODERATE"], "top": 5},
)
