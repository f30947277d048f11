"""What a record has where a condition looks: the value beside the condition."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from ..memory.genotype_codes import Genotype
from .clauses import significance_column
from .condition_steps import Step
from .dataset import OpenDataset
from .filters import GenotypeCondition
from .sample_counts import NAMES
from .text import one_line

Row = dict[str, Any]
MOST = 6


def found_value(data: OpenDataset, condition: Step, rows: list[Row]) -> str:
    """In words, for a step of a single condition and the allele rows of a record."""
    name = next(name for name in _FOUND if getattr(condition, name) not in ([], None))
    return one_line(_FOUND[name](data, condition, rows), 400)


def _place(data: OpenDataset, condition: Step, rows: list[Row]) -> str:
    first = rows[0]
    return f"{first['chrom']}:{first['pos']}" + (f"-{first['end']}" if first["end"] > first["pos"] else "")


def _types(data: OpenDataset, condition: Step, rows: list[Row]) -> str:
    return ", ".join(_type(row) for row in rows)


def _type(row: Row) -> str:
    kind = {1: "insertion", -1: "deletion"}.get((row["length"] or 0) // max(abs(row["length"] or 0), 1))
    return f"{row['type']} ({kind})" if row["type"] == "indel" and kind else str(row["type"])


def _annotation(data: OpenDataset, condition: Step, rows: list[Row]) -> str:
    """The distinct entries, gene first; those that say what is asked for come first."""
    entries: dict[str, bool] = {}
    for row in rows:
        for gene, consequence, impact in entries_of(data, row["profile"]):
            asked = gene in condition.genes or impact in condition.impacts
            asked |= not set(condition.consequences).isdisjoint(consequence.split("&"))
            entries[" ".join(p for p in (gene or "no gene", consequence, impact) if p)] = asked
    ordered = sorted(entries, key=lambda text: not entries[text])
    more = f" and {len(ordered) - MOST} more" if len(ordered) > MOST else ""
    return "; ".join(ordered[:MOST]) + more if ordered else "no annotation"


def entries_of(data: OpenDataset, profile: int | None) -> list[tuple[str, str, str]]:
    """Gene, consequence and impact of each distinct annotation entry of a profile."""
    if profile is None:
        return []
    entry = data.profiles.slice(profile, 1).to_pylist()[0]
    return list(zip(entry["genes"], entry["consequences"], entry["impacts"], strict=True))


def _significance(data: OpenDataset, condition: Step, rows: list[Row]) -> str:
    column = significance_column(data)
    return _each(rows, column.column, f"INFO/{column.id}")


def _where(data: OpenDataset, condition: Step, rows: list[Row]) -> str:
    field = condition.where[0].field
    if field.upper() == "QUAL":
        return _each(rows[:1], "qual", "QUAL")
    if field == "cohort_AF":
        shares = [f"{r['ac']} of {r['an']}" + (f" = {r['ac'] / r['an']:.6g}" if r["an"] else "") for r in rows]
        return f"cohort_AF {', '.join(shares)}"
    if field == "length_change":
        return f"length_change {', '.join(_text(None if r['length'] is None else abs(r['length'])) for r in rows)}"
    if field in data.frequency_fields():
        return _each(rows, data.frequency_fields()[field], field)
    info = data.info_column(field.removeprefix("INFO/"))
    return _each(rows, info.column, f"INFO/{info.id}")


def _each(rows: list[Row], column: str, name: str) -> str:
    texts = list(dict.fromkeys(_text(row[column]) for row in rows))
    return f"{name} absent" if texts == ["absent"] else f"{name} {', '.join(texts)}"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(_text(v) for v in value)
    return "absent" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _genotypes(data: OpenDataset, condition: Step, rows: list[Row]) -> str:
    """The genotypes of few samples, and the numbers by class of many."""
    asked = condition.genotypes[0]
    left_out = {data.sample_index(s) for s in asked.except_samples}
    chosen = [data.sample_index(s) for s in asked.samples] or list(range(len(data.samples)))
    columns = [i for i in dict.fromkeys(chosen) if i not in left_out]
    if len(columns) <= MOST:
        return "; ".join(_call(data, asked, rows, i) for i in columns)
    kinds = data.codes.classes()
    classes = Counter(NAMES[Genotype(int(kinds[rows[0]["gt"][i]]))] for i in columns)
    return "GT " + ", ".join(f"{name} in {n:,}" for name, n in classes.most_common()) + f" of {len(columns):,} samples"


def _call(data: OpenDataset, asked: GenotypeCondition, rows: list[Row], column: int) -> str:
    parts = [data.codes.texts[rows[0]["gt"][column]]] if asked.genotype or "gt" in rows[0] else []
    for w in asked.where:
        if w.field == "AB":
            reads = [f"{_of(r, 'ad_ref', column)},{_of(r, 'ad_alt', column)}" for r in rows]
            parts.append(f"AD {' and '.join(reads)}")
        else:
            parts.append(f"{w.field} {_of(rows[0], w.field.lower(), column)}")
    return " ".join([data.samples[column], *dict.fromkeys(parts)])


def _of(row: Row, column: str, sample: int) -> str:
    value = row[column][sample]
    return "absent" if value is None or value < 0 else f"{value:g}"


_FOUND: dict[str, Callable[[OpenDataset, Step, list[Row]], str]] = {
    "regions": _place, "not_regions": _place, "inside_bed": _place, "outside_bed": _place,
    "filters": lambda data, c, rows: f"FILTER {rows[0]['filter']}",
    "not_filters": lambda data, c, rows: f"FILTER {rows[0]['filter']}",
    "where": _where, "ids": lambda data, c, rows: f"ID {rows[0]['id'] or '.'}", "types": _types, "not_types": _types,
    "multiallelic": lambda data, c, rows: f"{rows[0]['n_alt']} ALT allele{'' if rows[0]['n_alt'] == 1 else 's'}",
    "genes": _annotation, "consequences": _annotation, "impacts": _annotation, "significance": _significance,
    "genotypes": _genotypes,
}  # fmt: skip
