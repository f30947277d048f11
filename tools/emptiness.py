"""Why nothing was found: which condition leaves nothing, and what the file holds instead."""

from collections.abc import Callable

import pyarrow.compute as pc

from ..memory.variant_table import literal
from .clauses import significance_column
from .condition_steps import Step, combined, single_steps, words
from .dataset import OpenDataset
from .filters import END_OF_CONTIG, VariantFilter, parse_region
from .selection import CLASSES, Selection, count_found, select_all
from .text import count_of, one_line

MOST_CONDITIONS = 8
"""Of more, it is not tried which one alone empties the result: each costs a look at the table."""

SHOWN = 6


def why_none(data: OpenDataset, wanted: VariantFilter, scope: str = "record") -> str:
    """Sentences for a filter that nothing meets, with a space before; empty where there is nothing to say.

    Says which conditions nothing meets even alone, and what the file holds there; where there is none, the one
    condition without which something would be found, or the step at which nothing is left.
    """
    steps = single_steps(wanted)
    alone = [step for step in steps if not _number(data, [step], scope)]
    if alone:
        told = [f"Nothing meets '{words(step)}' by itself{_instead(data, step)}." for step in alone[:SHOWN]]
        return " " + " ".join(told)
    return _together(data, steps, scope) if len(steps) > 1 else ""


def why_no_pattern(data: OpenDataset, wanted: VariantFilter, found: Selection, members: list[int]) -> str:
    """The same where genotypes of some samples (0-based columns) had to fit a pattern besides."""
    left = count_found(data, found, "record")
    if not left:
        return why_none(data, wanted)
    lost = [data.samples[i] for i in dict.fromkeys(members[:SHOWN]) if _missing(data, i) == data.summary["records"]]
    if lost:
        return f" Every genotype of {', '.join(lost)} is missing."
    told = f" {count_of(left, 'record')} meet{'s' if left == 1 else ''} the other conditions; none has these genotypes."
    return told if single_steps(wanted) else ""


def _missing(data: OpenDataset, column: int) -> int:
    codes = data.codes.with_class(*CLASSES["missing"])
    listed = ", ".join(map(str, codes))
    return data.table.count(f"allele <= 1 AND gt[{column + 1}] IN ({listed})") if codes else 0


def _number(data: OpenDataset, steps: list[Step], scope: str) -> int:
    return count_found(data, select_all(data, combined(steps), scope), scope)


def _together(data: OpenDataset, steps: list[Step], scope: str) -> str:
    noun = "record" if scope == "record" else "ALT allele"
    if len(steps) <= MOST_CONDITIONS:
        without = {words(s): _number(data, [o for o in steps if o is not s], scope) for s in steps}
        said = [f"without '{name}' there would be {count_of(n, noun)}" for name, n in without.items() if n]
        if said:
            return f" Each condition is met by some {noun}s, but not all at once: {'; '.join(said)}."
    left = 0
    for i in range(1, len(steps) + 1):
        before, left = left, _number(data, steps[:i], scope)
        if not left:
            return (
                f" Each condition is met by some {noun}s: taken one by one, {before:,} are left before "
                f"'{words(steps[i - 1])}' and none after it."
            )
    return ""


def _instead(data: OpenDataset, step: Step) -> str:
    """What the file holds where a condition alone is met by nothing; begins with a colon."""
    name = next(name for name in _INSTEAD if getattr(step, name) not in ([], None))
    text = _INSTEAD[name](data, step)
    return f": {text}" if text else ""


def _regions(data: OpenDataset, step: Step) -> str:
    return "; ".join(dict.fromkeys(_region(data, text) for text in step.regions[:SHOWN]))


def _region(data: OpenDataset, text: str) -> str:
    whole = text in data.contigs or text in data.summary["contig_lengths"]
    contig, start, end = (text, 1, END_OF_CONTIG) if whole else parse_region(text)
    contig, _ = data.contig(contig)
    if contig not in data.contigs:
        return f"the file has no records on {contig}, only on {_listed(data.contigs)}"
    places = data.table.columns(["pos"], f"chrom = {literal(contig)}")["pos"]
    first, last = pc.min_max(places).as_py().values()
    if start > last or end < first:
        return f"the records of {contig} lie from {first:,} to {last:,}"
    before = pc.max(places.filter(pc.less(places, start))).as_py()
    after = pc.min(places.filter(pc.greater(places, end))).as_py()
    near = [f"the nearest before is at {before:,}"] * (before is not None)
    near += [f"the nearest after is at {after:,}"] * (after is not None)
    return f"of the records of {contig}, " + " and ".join(near) if near else ""


def _listed(values: list[str]) -> str:
    shown = ", ".join(one_line(v, 60) for v in values[:SHOWN])
    return shown + (f" and {len(values) - SHOWN} more" if len(values) > SHOWN else "")


def _filters(data: OpenDataset, step: Step) -> str:
    known = sorted(data.summary["filters"].items(), key=lambda kv: -kv[1])
    declared = [f for f in step.filters if f in data.summary["filter_descriptions"]]
    note = f"{_listed(declared)} stands in the header, not in the records; " if declared else ""
    return f"{note}FILTER is {_counted(known)}"


def _counted(pairs: list[tuple[str, int]]) -> str:
    shown = ", ".join(f"{one_line(name, 60)} ({n:,})" for name, n in pairs[:SHOWN])
    return shown + (f" and {len(pairs) - SHOWN} other values" if len(pairs) > SHOWN else "")


def _ids(data: OpenDataset, step: Step) -> str:
    known = data.table.count("id IS NOT NULL" + " AND allele <= 1" * bool(data.summary["multiallelic"]))
    return (
        f"{known:,} of the {count_of(data.summary['records'], 'record')} have an ID" if known else "no record has one"
    )


def _types(data: OpenDataset, step: Step) -> str:
    return f"the ALT alleles are {_tallied(data, 'type', 'allele > 0')}"


def _tallied(data: OpenDataset, column: str, where: str = "") -> str:
    counts = pc.value_counts(data.table.columns([column], where)[column].combine_chunks()).to_pylist()
    pairs = [(str(c["values"]), c["counts"]) for c in counts if c["values"] is not None]
    return _counted(sorted(pairs, key=lambda pair: -pair[1]))


def _multiallelic(data: OpenDataset, step: Step) -> str:
    return f"no record has {'more than one' if step.multiallelic else 'at most one'} ALT allele"


def _consequences(data: OpenDataset, step: Step) -> str:
    return f"its consequences are {_listed(data.consequences)}" if data.consequences else "no record is annotated"


def _impacts(data: OpenDataset, step: Step) -> str:
    found = [i for i in pc.unique(data.profile_entries[1][2]).to_pylist() if i]
    return f"its impacts are {_listed(sorted(found))}" if found else "no record is annotated"


def _significance(data: OpenDataset, step: Step) -> str:
    column = significance_column(data)
    told = _tallied(data, column.column, "allele <= 1")
    return f"INFO/{column.id} is {told}" if told else f"no record has INFO/{column.id}"


def _where(data: OpenDataset, step: Step) -> str:
    """The range of a number or the values of a text, or that no record has the field."""
    condition = step.where[0]
    if condition.field == "cohort_AF":
        return "" if data.table.count("an > 0") else "no genotype is called"
    if condition.field == "length_change":
        lengths = data.table.columns(["length"], "length IS NOT NULL")["length"]
        low, high = pc.min_max(pc.abs(lengths)).as_py().values()
        return f"length_change runs from {low} to {high}" if low is not None else "no allele is written out"
    column, name, numeric = _column(data, condition.field)
    where = f"{column} IS NOT NULL"
    if not data.table.count(where):
        return f"no record has {name}"
    if not numeric:
        return f"{name} is {_tallied(data, column, 'allele <= 1')}"
    values = data.table.columns([column], where)[column].combine_chunks()
    values = values.flatten() if hasattr(values, "flatten") and values.type.num_fields else values
    low, high = pc.min_max(values).as_py().values()
    return f"{name} runs from {low:g} to {high:g}" if low is not None else f"no record has {name}"


def _column(data: OpenDataset, field: str) -> tuple[str, str, bool]:
    """Column of the table, name in words and whether it holds numbers, for the field of a condition."""
    if field.upper() == "QUAL":
        return "qual", "QUAL", True
    if field in data.frequency_fields():
        return data.frequency_fields()[field], field, True
    info = data.info_column(field.removeprefix("INFO/"))
    return info.column, f"INFO/{info.id}", info.type in ("Integer", "Float")


def _genotypes(data: OpenDataset, step: Step) -> str:
    """How often the named samples have which genotype, or that all are missing."""
    condition = step.genotypes[0]
    columns = [data.sample_index(s) for s in condition.samples] or list(range(len(data.samples)))
    if condition.genotype and len(columns) <= 3:
        return "; ".join(_called(data, i) for i in columns)
    if condition.genotype and not data.table.count("an > 0"):
        return "every genotype of the file is missing"
    return ""


def _called(data: OpenDataset, column: int) -> str:
    counts = {}
    for name in ("het", "hom_alt", "hom_ref", "hemizygous_alt", "missing"):
        codes = data.codes.with_class(*CLASSES[name])
        listed = ", ".join(map(str, codes))
        counts[name] = data.table.count(f"allele <= 1 AND gt[{column + 1}] IN ({listed})") if codes else 0
    if counts["missing"] == data.summary["records"]:
        return f"every genotype of {data.samples[column]} is missing"
    return f"{data.samples[column]} is " + ", ".join(f"{name} in {n:,}" for name, n in counts.items() if n)


def _nothing(data: OpenDataset, step: Step) -> str:
    return ""


_INSTEAD: dict[str, Callable[[OpenDataset, Step], str]] = {
    "regions": _regions, "not_regions": _nothing, "inside_bed": _nothing, "outside_bed": _nothing,
    "filters": _filters, "not_filters": _nothing, "where": _where,
    "ids": _ids, "types": _types, "not_types": _nothing, "multiallelic": _multiallelic, "genes": _nothing,
    "consequences": _consequences, "impacts": _impacts, "significance": _significance, "genotypes": _genotypes,
}  # fmt: skip
