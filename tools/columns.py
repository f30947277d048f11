"""Which columns a dataset's variant table has, and how each is made from the text of `bcftools query`."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .annotation import AnnotationFormat
from .vcf_file import Field, Header

Shape = Literal["flag", "number", "per_allele", "list", "text"]
FIXED = ["CHROM", "POS", "END", "ID", "REF", "ALT", "QUAL", "FILTER"]
SAMPLE_FIELDS = ["GT", "DP", "GQ", "AD"]
MAX_INFO_COLUMNS = 1000

_QUERY_TYPES = {"POS": pa.int64(), "END": pa.int64(), "QUAL": pa.float32()}
_ARROW = {"Integer": pa.int32(), "Float": pa.float32()}


@dataclass(frozen=True, slots=True)
class InfoColumn:
    """An INFO field and the column that holds it.

    `flag`: true or false; `number`: one value; `per_allele`: the value of the row's own ALT allele (Number=A);
    `list`: several numbers; `text`: as it stands in the file.
    """

    id: str
    column: str
    shape: Shape
    type: str
    number: str
    description: str

    def arrow_type(self) -> pa.DataType:
        if self.shape == "flag":
            return pa.bool_()
        value = _ARROW.get(self.type, pa.string())
        return pa.list_(value) if self.shape == "list" else value


def info_columns(header: Header) -> list[InfoColumn]:
    """A column for each INFO field that the header declares and whose name bcftools can ask for."""
    columns: list[InfoColumn] = []
    named = [f for f in header.info() if re.fullmatch(r"[\w.]+", f.id, re.ASCII)]
    for number, field in enumerate(named[:MAX_INFO_COLUMNS]):
        safe = re.sub(r"\W", "_", field.id)[:40]
        columns.append(
            InfoColumn(field.id, f"info_{number}_{safe}", _shape(field), field.type, field.number, field.description)
        )
    return columns


def _shape(field: Field) -> Shape:
    if field.type == "Flag" or field.number == "0":
        return "flag"
    if field.number == "A":
        return "per_allele"
    if field.type in _ARROW:
        return "number" if field.number == "1" else "list"
    return "text"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is read from a file and where it goes."""

    info: list[InfoColumn]
    sample_fields: list[str]
    sample_types: dict[str, pa.DataType]
    samples: list[str]
    annotation: AnnotationFormat | None
    frequencies: dict[str, int]

    def query(self) -> str:
        """The format of `bcftools query` that gives `text_columns`."""
        fixed = "\\t".join(f"%{name}" for name in FIXED)
        info = "".join(f"\\t%INFO/{c.id}" for c in self.info)
        return fixed + info + "".join(f"[\\t%{name}]" for name in self.sample_fields) + "\\n"

    def text_columns(self, lenient: bool) -> dict[str, pa.DataType]:
        """Names and types of the columns of that text; `lenient` where numbers may be malformed."""
        types: dict[str, pa.DataType] = {name: _QUERY_TYPES.get(name, pa.string()) for name in FIXED}
        for column in self.info:
            plain_number = column.shape == "number" and not lenient
            types[column.column] = _ARROW[column.type] if plain_number else pa.string()
        for name in self.sample_fields:
            kind = self.sample_types.get(name, pa.string())
            if lenient and name in ("DP", "GQ"):
                kind = pa.string()
            types |= {f"{name}:{i}": kind for i in range(len(self.samples))}
        return types

    def schema(self) -> pa.Schema:
        """The columns of the variant table; see `docs/tables.md`."""
        fields: list[tuple[str, pa.DataType]] = [
            ("key", pa.int64()), ("record", pa.int32()), ("allele", pa.int16()), ("n_alt", pa.int16()),
            ("chrom", pa.string()), ("pos", pa.int64()), ("end", pa.int64()), ("id", pa.string()), ("ref", pa.string()),
            ("alt", pa.string()), ("alts", pa.string()), ("qual", pa.float32()), ("filter", pa.string()),
            ("type", pa.string()), ("length", pa.int32()), ("change", pa.string()), ("profile", pa.int32()),
            ("signature", pa.int32()),
        ]  # fmt: skip
        fields += [(c.column, c.arrow_type()) for c in self.info]
        fields += [(frequency_column(name), pa.float32()) for name in self.frequencies]
        if self.samples:
            fields += [(name, pa.int32()) for name in ("ac", "an", "n_missing")]
            fields += [("gt", pa.list_(pa.int16()))]
            fields += [(f.lower(), pa.list_(self.sample_types[f])) for f in ("DP", "GQ") if f in self.sample_fields]
            if "AD" in self.sample_fields:
                fields += [("ad_ref", pa.list_(pa.int32())), ("ad_alt", pa.list_(pa.int32()))]
        return pa.schema(fields)

    def to_json(self) -> list[dict[str, Any]]:
        return [asdict(column) for column in self.info]


def frequency_column(name: str) -> str:
    """The column of a frequency that stands inside the annotation entries."""
    return "csq_" + re.sub(r"\W", "_", name)


def make_plan(header: Header, annotation: AnnotationFormat | None) -> Plan:
    """The columns for a file with this header."""
    declared = {f.id: f.type for f in header.fields if f.kind == "FORMAT"}
    sample_fields = [name for name in SAMPLE_FIELDS if name in declared] if header.samples else []
    quality = pa.int32() if declared.get("GQ") == "Integer" else pa.float32()
    return Plan(
        info_columns(header),
        sample_fields,
        {"GT": pa.dictionary(pa.int32(), pa.string()), "DP": pa.int32(), "GQ": quality},
        header.samples,
        annotation,
        annotation.frequencies() if annotation else {},
    )


def numbers(texts: pa.Array, type_: pa.DataType) -> pa.Array:
    """Texts as numbers, null where one is none."""
    try:
        return texts.cast(type_)
    except pa.ArrowInvalid:
        pattern = r"^[+-]?\d{1,18}$" if pa.types.is_integer(type_) else r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
        good = pc.match_substring_regex(texts, pattern)
        return pc.if_else(good, texts, None).cast(pa.float64()).cast(type_, safe=False)


def item(lists: pa.ListArray, at: npt.NDArray[np.int64], parent: npt.NDArray[np.int64]) -> pa.Array:
    """For each i the value number `at[i]` of list `parent[i]`, null where the list is null or too short."""
    offsets = lists.offsets.to_numpy()
    place = offsets[parent] + at
    inside = place < offsets[parent + 1]
    if not inside.any():
        return pa.nulls(len(at), lists.type.value_type)
    return lists.values.take(pa.array(np.where(inside, place, 0), mask=~inside))


def sample_matrix(columns: Sequence[pa.Array]) -> pa.Array:
    """Columns of samples as one array in record order: all samples of the first record, then of the second."""
    n_samples, n = len(columns), len(columns[0])
    order = np.arange(n * n_samples).reshape(n_samples, n).T.ravel()
    return pa.concat_arrays(columns).take(pa.array(order))


def lists_of(values: pa.Array, n: int) -> pa.ListArray:
    """Values in lists of `n` each, which the table stores far smaller than lists of a fixed size."""
    return pa.ListArray.from_arrays(pa.array(np.arange(0, len(values) + 1, n, dtype=np.int32)), values)
