"""Variants by ClinVar's classification and review status, as they stand in the file."""

from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from ..memory.errors import ToolError
from .clauses import significance_column
from .clinvar import CLASSES, REVIEW_FIELDS, Class, classes_of, group_of, stars_of
from .columns import InfoColumn
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import Command, all_lines, prove, tally, view_command
from .filters import VariantFilter
from .list_variants import MAX_VALUE, query_options
from .registry import Tool
from .result import Json, Table, ToolResult
from .selection import record_numbers, select
from .text import count_of
from .variant_rows import keys_of, rows_of, variant_rows


class ClinicalSignificance(VariantFilter):
    classes: list[Class] = Field(
        default_factory=list,
        description="list the variants of any of these classes; without them, all are counted by class. "
        "Pathogenic/Likely_pathogenic belongs to both of its classes, a conflicting one to neither",
    )
    min_stars: int | None = Field(
        None, ge=0, le=4, description="only with a review status of at least so many of ClinVar's stars"
    )
    limit: int = Field(20, ge=1, le=1000, description="rows shown; the total is always told")


_ORDER: dict[str, int] = {c: i for i, c in enumerate(CLASSES)}


@dataclass(slots=True)
class _Values:
    """The significance and review status of records, each as a place in a list of distinct texts."""

    records: npt.NDArray[np.int32]
    significance: npt.NDArray[np.int64]
    texts: list[str]
    review: npt.NDArray[np.int64]
    statuses: list[str]


def clinical_significance(context: ToolContext, wanted: ClinicalSignificance) -> ToolResult:
    """With `classes` the value is the list of variants, else the number of records by class.

    Raises `ToolError` where the file has no significance, or with `min_stars` no review status.
    """
    data = context.dataset(wanted.dataset)
    column, review = significance_column(data), _review_column(data, wanted)
    found = select(data, wanted)
    values = _values(data, record_numbers(data, found), column, review)
    reading = [f"classes are whole values of INFO/{column.id}, not words inside them", *found.reading]
    kept = _with_stars(values, wanted, reading)
    command = view_command(data, found.clauses)
    if wanted.classes:
        result, expected = _listed(data, wanted, values, kept, column, command)
    else:
        result, expected = _counted(data, values, kept, column, command)
    result.reading = [*reading, *result.reading]
    if review and wanted.min_stars is not None:
        _ask_stars(command, review, [t for t in values.statuses if (stars_of(t) or 0) >= wanted.min_stars
                                     and stars_of(t) is not None])  # fmt: skip
    if review:
        result.tables.append(_stars_table(values, kept))
    result.private = bool(wanted.genotypes)
    result.evidence.append(prove(context, data, "clinical_significance", wanted, command, expected))
    return result


def _review_column(data: OpenDataset, wanted: ClinicalSignificance) -> InfoColumn | None:
    column = next((data.info[n] for n in REVIEW_FIELDS if n in data.info), None)
    if column is None and wanted.min_stars is not None:
        raise ToolError(
            f"{data.name} has no review status (INFO/CLNREVSTAT), so no stars",
            "Add it: make_file with add_info from a ClinVar VCF, fields CLNSIG and CLNREVSTAT",
        )
    return column


def _values(
    data: OpenDataset, records: npt.NDArray[np.int32], significance: InfoColumn, review: InfoColumn | None
) -> _Values:
    names = ["record", "allele", significance.column, *([review.column] if review else [])]
    rows = rows_of(data, names, records)
    first = rows.filter(pa.array(np.asarray(rows["allele"]) <= 1))
    places, texts = _coded(first[significance.column])
    stars, statuses = _coded(first[review.column]) if review else (np.full(len(first), -1), [])
    return _Values(first["record"].to_numpy(), places, texts, stars, statuses)


def _coded(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], list[str]]:
    """The place of each value among the distinct ones, -1 for none."""
    coded = pa.array(column.combine_chunks().cast(pa.string())).dictionary_encode()
    return np.asarray(coded.indices.fill_null(-1)).astype(np.int64), coded.dictionary.to_pylist()


def _with_stars(values: _Values, wanted: ClinicalSignificance, reading: list[str]) -> npt.NDArray[np.bool_]:
    """Which records have a significance, and enough stars where those are asked for."""
    said: npt.NDArray[np.bool_] = values.significance >= 0
    without = int((~said).sum())
    reading += [f"{count_of(without, 'record')} have no classification, and are not counted"] if without else []
    if wanted.min_stars is None:
        return said
    stars = np.array([-1 if (s := stars_of(t)) is None else s for t in values.statuses] + [-1])
    known = stars[values.review]
    absent, strange = int((said & (values.review < 0)).sum()), int((said & (values.review >= 0) & (known < 0)).sum())
    reading.append(f"at least {count_of(wanted.min_stars, 'star')} by ClinVar's review status")
    if absent:
        reading.append(f"{count_of(absent, 'classified record')} have no review status: that is not zero stars, and "
                       "they are left out")  # fmt: skip
    if strange:
        reading.append(f"{count_of(strange, 'classified record')} have a review status that is not known, left out too")
    return said & (known >= wanted.min_stars)


def _listed(
    data: OpenDataset, wanted: ClinicalSignificance, values: _Values, kept: npt.NDArray[np.bool_], column: InfoColumn,
    command: Command,
) -> tuple[ToolResult, Json]:  # fmt: skip
    texts = [t for t in values.texts if not classes_of(t).isdisjoint(wanted.classes)]
    met = np.array([t in texts for t in values.texts] + [False])[values.significance] & kept
    records = values.records[met]
    columns, rows = variant_rows(data, records[: wanted.limit])
    keys = keys_of(data, records[:MAX_VALUE])
    named = " or ".join(c.replace("_", " ") for c in wanted.classes)
    text = f"{count_of(len(records), 'record')} of {data.name} {'is' if len(records) == 1 else 'are'} {named}."
    result = ToolResult(text, keys, "records")
    result.tables.append(Table("variants", columns, rows, len(records), len(rows) < len(records)))
    result.reading += [f"values that count: {', '.join(texts)}" if texts else "no value of the file counts"]
    if len(records) > MAX_VALUE:
        result.reading.append(f"the value holds the first {MAX_VALUE:,} of {len(records):,} records")
    others = [t for t in values.texts if "pathogenic" in t.casefold() and t not in texts and _asks_pathogenic(wanted)]
    if others:
        result.reading.append(f"values that do not, though the word is in them: {', '.join(others)}")
    _query(command, rf"%CHROM:%POS:%REF:%ALT\t%INFO/{column.id}\n")
    tests = " || ".join(f'$2=="{t}"' for t in texts) or "0"
    command.then = rf"awk -F'\t' '{tests} {{print $1}}'"
    command.read = lambda output: [k for k, t in _pairs(output) if t in texts]
    if any(c in t for t in texts for c in "'\"\\"):
        command.unprovable = "a value cannot be written in awk"
    return result, keys if len(records) <= MAX_VALUE else None


def _asks_pathogenic(wanted: ClinicalSignificance) -> bool:
    return not {"pathogenic", "likely_pathogenic"}.isdisjoint(wanted.classes)


def _pairs(output: IO[bytes]) -> list[tuple[str, str]]:
    return [(key, text) for key, _, text in (line.partition("\t") for line in all_lines(output))]


def _counted(
    data: OpenDataset, values: _Values, kept: npt.NDArray[np.bool_], column: InfoColumn, command: Command
) -> tuple[ToolResult, Json]:
    sizes = np.bincount(values.significance[kept], minlength=len(values.texts))
    raw = {t: int(n) for t, n in zip(values.texts, sizes, strict=True) if n}
    counts: dict[str, int] = {}
    for text, number in raw.items():
        counts[group_of(text)] = counts.get(group_of(text), 0) + number
    ordered = dict(sorted(counts.items(), key=lambda kv: [_ORDER[c] for c in kv[0].split("/")]))
    told = ", ".join(f"{k.replace('_', ' ')} {v:,}" for k, v in ordered.items())
    result = ToolResult(f"Clinical significance in {data.name}: {told or 'no record has one'}.", ordered, "records")
    result.tables.append(Table("by class", ["class", "records"], [[k, v] for k, v in ordered.items()], len(ordered)))
    by_value: list[list[Any]] = [[t, group_of(t), n] for t, n in sorted(raw.items(), key=lambda kv: -kv[1])]
    result.tables.append(Table("by value", ["value", "class", "records"], by_value, len(by_value)))
    _query(command, rf"%INFO/{column.id}\n")
    command.then = "sort | uniq -c"
    command.read = lambda output: {k: v for k, v in tally(output).items() if k != "."}
    return result, raw


def _query(command: Command, form: str) -> None:
    command.arguments = ["query", "-f", form, *query_options(command.arguments[2:])]


def _ask_stars(command: Command, review: InfoColumn, statuses: list[str]) -> None:
    """Put the review status before each line, ask for one of some, and take it away."""
    read = command.read
    command.arguments[2] = rf"%INFO/{review.id}\t{command.arguments[2]}"
    tests = " || ".join(f'$1=="{t}"' for t in statuses) or "0"
    command.then = rf"awk -F'\t' '{tests}' | cut -f2- | {command.then}"
    if any(c in t for t in statuses for c in "'\"\\"):
        command.unprovable = "a value cannot be written in awk"

    def read_starred(output: IO[bytes]) -> Json:
        kept = [text for status, text in _pairs(output) if status in statuses]
        return read(BytesIO("".join(f"{line}\n" for line in kept).encode()))

    command.read = read_starred


def _stars_table(values: _Values, kept: npt.NDArray[np.bool_]) -> Table:
    review = values.review[kept]
    rows: list[list[Any]] = [
        [text, stars_of(text), int((review == place).sum())] for place, text in enumerate(values.statuses)
    ]
    rows = sorted([r for r in rows if r[2]], key=lambda r: -(r[1] if r[1] is not None else -1))
    absent = int((review < 0).sum())
    rows += [["no review status", None, absent]] if absent else []
    return Table("by review status", ["review status", "stars", "records"], rows, len(rows))


TOOL = Tool(
    "clinical_significance",
    "ClinVar's classification in the file (CLNSIG): count variants by class (pathogenic, likely pathogenic, uncertain, "
    "conflicting, likely benign, benign), or list those of some classes, by whole values; with `min_stars` only those "
    "of a review status.",
    ClinicalSignificance,
    clinical_significance,
    example={"classes": ["pathogenic", "likely_pathogenic"], "min_stars": 1},
)
