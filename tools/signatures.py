"""Signatures: the distinct kinds of variants of a file, which are what similarity compares.

A signature is a distinct (annotation profile, clinical significance, condition, type, size, frequency) among the
allele rows. They are numbered while the file is read, in whole columns, and described afterwards, one row each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..memory.embedding import FREQUENCIES, SIZES, TYPES
from .annotation import ProfileBook
from .clauses import CONDITION_FIELDS, SIGNIFICANCE_FIELDS
from .columns import InfoColumn, Plan, frequency_column
from .consequences import class_of, worst
from .dataset import is_population_frequency

Ints = npt.NDArray[np.int64]

SIZE_LIMITS = [0, 1, 5, 20, 50, 1000]  # bases, inclusive; SIZES names what lies between
FREQUENCY_LIMITS = [0.0001, 0.001, 0.01, 0.05]  # inclusive; FREQUENCIES names what lies between, 0 is not given
_TYPES = pa.array(TYPES)


@dataclass(frozen=True, slots=True)
class FrequencySource:
    """Where the frequency of an allele comes from: `column` of the variant table, or null for `ac / an`."""

    name: str
    column: str | None
    of_population: bool


def frequency_source(
    info: Sequence[InfoColumn], tag: str, inside_annotation: Sequence[str], genotyped: bool
) -> FrequencySource | None:
    """The first population frequency in the header, in INFO before the annotation; else the cohort's own; else AF."""
    single = [c for c in info if c.type == "Float" and c.shape in ("number", "per_allele")]
    for column in single:
        if is_population_frequency(column):
            return FrequencySource(f"INFO/{column.id}", column.column, True)
    for name in inside_annotation:
        return FrequencySource(f"{tag}/{name}", frequency_column(name), True)
    if genotyped:
        return FrequencySource("the frequency among the samples", None, False)
    return next((FrequencySource("INFO/AF", c.column, False) for c in single if c.id == "AF"), None)


class _Numbers:
    """Numbers for distinct values, in the order in which they are first met."""

    def __init__(self, type_: pa.DataType) -> None:
        self.known = pa.array([], type_)

    def of(self, values: pa.Array) -> Ints:
        coded = values.dictionary_encode()
        found = pc.index_in(coded.dictionary, value_set=self.known)
        if found.null_count:
            self.known = pa.concat_arrays([self.known, coded.dictionary.filter(pc.is_null(found))])
            found = pc.index_in(coded.dictionary, value_set=self.known)
        return np.asarray(found.to_numpy().astype(np.int64)[coded.indices.to_numpy()])


class SignatureBook:
    """The signatures of the allele rows, batch after batch, and then what each of them is."""

    def __init__(self, plan: Plan) -> None:
        columns = {c.id: c.column for c in plan.info if c.shape == "text"}
        self._said = [next((columns[n] for n in names if n in columns), None)
                      for names in (SIGNIFICANCE_FIELDS, CONDITION_FIELDS)]  # fmt: skip
        self._texts = [_Numbers(pa.string()), _Numbers(pa.string())]
        self._pairs, self._contexts, self._signatures = (_Numbers(pa.int64()) for _ in range(3))
        tag = plan.annotation.tag if plan.annotation else ""
        self._alleles = np.zeros(0, dtype=np.int64)
        self._first = [pa.table({"chrom": pa.array([], pa.string()), "pos": pa.array([], pa.int64())})]
        self._source = frequency_source(plan.info, tag, list(plan.frequencies), "GT" in plan.sample_fields)

    def signatures_of(self, columns: dict[str, pa.Array]) -> npt.NDArray[np.int32]:
        """The signature of each row of a batch of the variant table's columns."""
        pair = self._pair(columns)
        profile = columns["profile"].to_numpy().astype(np.int64)
        context = self._contexts.of(pa.array(profile << 32 | pair))
        length = columns["length"]
        bins = (_type_codes(columns["type"], length) * 8 + _size_bins(length)) * 8 + self._frequency_bins(columns)
        found = self._signatures.of(pa.array(context << 10 | bins))
        self._note_first(found, columns)
        self._count(found[columns["allele"].to_numpy() > 0])
        return found.astype(np.int32)

    def join(self, later: "SignatureBook", profiles: Ints) -> Ints:
        """Take in another book, whose profiles are `profiles` here; returns the number here of each signature."""
        nothing = np.zeros(1, dtype=np.int64)  # where the file has no such field, number 0 stands for none
        texts = [a.of(b.known) if len(b.known) else nothing for a, b in zip(self._texts, later._texts, strict=True)]
        pair, context, key = (n.known.to_numpy() for n in (later._pairs, later._contexts, later._signatures))
        pairs = self._pairs.of(pa.array(texts[0][pair >> 32] << 32 | texts[1][pair & 0xFFFFFFFF]))
        contexts = self._contexts.of(pa.array(profiles[context >> 32] << 32 | pairs[context & 0xFFFFFFFF]))
        before = len(self._signatures.known)
        found = self._signatures.of(pa.array(contexts[key >> 10] << 10 | key & 1023))
        self._first.append(pa.concat_tables(later._first).filter(pa.array(found >= before)))
        counts = np.zeros(len(self._signatures.known), dtype=np.int64)
        counts[:before] = self._alleles
        counts[found] += later._alleles
        self._alleles = counts
        return found

    def _note_first(self, found: Ints, columns: dict[str, pa.Array]) -> None:
        """Where the signatures that are new in this batch first occur."""
        numbers, rows = np.unique(found, return_index=True)
        new = pa.array(rows[numbers >= len(self._alleles)])
        self._first.append(pa.table({name: columns[name].take(new) for name in ("chrom", "pos")}))

    def _count(self, found: Ints) -> None:
        known = np.zeros(len(self._signatures.known), dtype=np.int64)
        known[: len(self._alleles)] = self._alleles
        self._alleles = known + np.bincount(found, minlength=len(known))

    def _pair(self, columns: dict[str, pa.Array]) -> Ints:
        codes = [
            book.of(pc.fill_null(columns[name], "")) if name else np.zeros(len(columns["record"]), dtype=np.int64)
            for name, book in zip(self._said, self._texts, strict=True)
        ]
        return self._pairs.of(pa.array(codes[0] << 32 | codes[1]))

    def _frequency_bins(self, columns: dict[str, pa.Array]) -> Ints:
        values = frequencies(self._source, columns)
        bins = np.searchsorted(FREQUENCY_LIMITS, values.astype(np.float32)) + 1
        return np.where(np.isnan(values), 0, bins).astype(np.int64)

    def table(self, profiles: ProfileBook) -> pa.Table:
        """One row per signature, in the order of their numbers; see `docs/similarity.md`."""
        key = self._signatures.known.to_numpy()
        bins, context = key & 1023, self._contexts.known.to_numpy()[key >> 10]
        profile, pair = context >> 32, self._pairs.known.to_numpy()[context & 0xFFFFFFFF]
        said = [_take(self._texts[0].known, pair >> 32), _take(self._texts[1].known, pair & 0xFFFFFFFF)]
        first = pa.concat_tables(self._first)
        kinds = _kinds(profiles.table()).take(pa.array(profile))
        rows = pa.table({
            "signature": pa.array(np.arange(len(key)), pa.int32()), "profile": pa.array(profile, pa.int32()),
            "alleles": pa.array(self._alleles), "chrom": first["chrom"], "pos": first["pos"],
            **{name: kinds[name] for name in ("genes", "class", "consequence", "impact")},
            "significance": said[0], "condition": said[1], "type": _TYPES.take(pa.array(bins >> 6)),
            "size": pa.array(bins >> 3 & 7, pa.int8()), "frequency": pa.array(bins & 7, pa.int8()),
        })  # fmt: skip
        return rows.append_column("text", self._text_column(rows, kinds["words"]))

    def _text_column(self, rows: pa.Table, words: pa.ChunkedArray) -> pa.Array:
        """What is said of a signature in words, for full-text search and for providers' models.

        A frequency among the file's own samples is left out, so that nothing of them leaves this machine.
        """
        parts = [
            words,
            *(pc.replace_substring_regex(rows[n], r"[_|,/;&\s]+", " ") for n in ("significance", "condition")),
        ]
        parts += [rows["type"], pa.array(SIZES).take(rows["size"])]
        if self._source and self._source.of_population:
            rarity = ["", "rare", "rare", "rare", "", "common"]
            said = pa.array([f"{r} frequency {f}" for r, f in zip(rarity, FREQUENCIES, strict=True)])
            parts.append(said.take(rows["frequency"]))
        joined = pc.binary_join_element_wise(*parts, " ")
        return pc.utf8_trim_whitespace(pc.replace_substring_regex(joined, r"\s+", " ")).combine_chunks()


def _take(values: pa.Array, at: Ints) -> pa.Array:
    return values.take(pa.array(at)) if len(values) else pa.array(np.full(len(at), ""), pa.string())


def frequencies(source: FrequencySource | None, columns: Any) -> npt.NDArray[np.float64]:
    """The frequency of each row of the variant table's columns, NaN where there is none."""
    if source is None:
        return np.full(len(columns["record"]), np.nan)
    if source.column:
        return np.asarray(columns[source.column].to_numpy(zero_copy_only=False), dtype=np.float64)
    an = columns["an"].to_numpy().astype(np.float64)
    return np.asarray(columns["ac"].to_numpy() / np.where(an > 0, an, np.nan))


def _type_codes(types: pa.Array, length: pa.Array) -> Ints:
    codes = pc.index_in(types, value_set=_TYPES).to_numpy().astype(np.int64)
    change = pc.fill_null(length, 0).to_numpy()
    indel = codes == TYPES.index("indel")
    codes[indel & (change > 0)] = TYPES.index("insertion")
    codes[indel & (change < 0)] = TYPES.index("deletion")
    return np.asarray(codes)


def _size_bins(length: pa.Array) -> Ints:
    bins = np.searchsorted(SIZE_LIMITS, np.abs(pc.fill_null(length, 0).to_numpy().astype(np.int64)))
    return np.where(pc.is_null(length), len(SIZES) - 1, bins).astype(np.int64)


def _kinds(profiles: pa.Table) -> pa.Table:
    """Of each profile the most severe consequence, its class and impact, the genes it is said of, and all as words."""
    found = [_kind(p["genes"], p["consequences"], p["impacts"]) for p in profiles.to_pylist()]
    types = {"genes": pa.list_(pa.string())} | dict.fromkeys(("class", "consequence", "impact", "words"), pa.string())
    return pa.table({name: pa.array([f[i] for f in found], type_) for i, (name, type_) in enumerate(types.items())})


def _kind(genes: list[str], consequences: list[str], impacts: list[str]) -> tuple[list[str], str, str, str, str]:
    entries = list(zip(genes, consequences, impacts, strict=True))
    term, impact = worst([(c, i) for _, c, i in entries])
    mine = sorted({g for g, c, i in entries if g and i == impact and term in c.split("&")})
    terms = dict.fromkeys(t for c in consequences for t in c.split("&") if t)
    words = [*dict.fromkeys(g for g in genes if g), *terms, *(t.replace("_", " ") for t in terms), class_of(term)]
    return mine, class_of(term), term, impact, " ".join([*words, f"{impact} impact" if impact else ""])
