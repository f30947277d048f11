"""Consequence annotation inside INFO: VEP's CSQ, SnpEff's ANN and bcftools' BCSQ, read in whole columns."""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .consequences import impact_of
from .vcf_file import Header

Ints = npt.NDArray[np.int64]

ANN_KEYS = ["Allele", "Annotation", "Annotation_Impact", "Gene_Name", "Gene_ID", "Feature_Type", "Feature_ID",
            "Transcript_BioType", "Rank", "HGVS.c", "HGVS.p"]  # fmt: skip
BCSQ_KEYS = ["Consequence", "gene", "transcript", "biotype", "strand", "amino_acid_change", "dna_change"]

NAMES = {
    "allele": ("Allele",),
    "allele_number": ("ALLELE_NUM",),
    "consequence": ("Consequence", "Annotation"),
    "impact": ("IMPACT", "Annotation_Impact"),
    "gene": ("SYMBOL", "Gene_Name", "gene", "HGNC", "Gene"),
    "feature": ("Feature", "Feature_ID", "transcript"),
    "coding": ("HGVSc", "HGVS.c", "dna_change"),
    "protein": ("HGVSp", "HGVS.p", "amino_acid_change"),
    "canonical": ("CANONICAL",),
    "significance": ("CLIN_SIG", "ClinVar_CLNSIG"),
}


@dataclass(frozen=True, slots=True)
class AnnotationFormat:
    """Where the parts of an annotation entry stand: `keys` in their order, parted by `|`."""

    tag: str
    tool: str
    keys: tuple[str, ...]

    def position(self, part: str) -> int | None:
        """The place of `gene`, `consequence`, ... among the keys; null where the file has none."""
        return next((self.keys.index(n) for n in NAMES[part] if n in self.keys), None)

    def frequencies(self) -> dict[str, int]:
        """Places of the population frequencies, such as gnomADe_AF."""
        return {k: i for i, k in enumerate(self.keys) if re.search(r"(^|_)AF$", k)}


def annotation_format(header: Header) -> AnnotationFormat | None:
    """The annotation that a file carries, from its header; VEP's where there are several."""
    for field in header.info():
        keys = _keys_in(field.description)
        if "Consequence" in keys and field.id != "BCSQ":
            return AnnotationFormat(field.id, "VEP", tuple(keys))
    if header.find("INFO", "ANN"):
        return AnnotationFormat("ANN", "SnpEff", tuple(ANN_KEYS))
    if header.find("INFO", "BCSQ"):
        return AnnotationFormat("BCSQ", "bcftools csq", tuple(BCSQ_KEYS))
    return None


def _keys_in(description: str) -> list[str]:
    found = re.search(r"Format:\s*'?([^'\"]+)", description)
    return [k.strip() for k in found.group(1).split("|")] if found and "|" in found.group(1) else []


@dataclass(slots=True)
class Entries:
    """Annotation entries, each with the allele row that it speaks of; texts are never null."""

    row: Ints
    gene: pa.Array
    consequence: pa.Array
    impact: pa.Array
    parts: pa.ListArray


def read_entries(
    text: pa.Array, format_: AnnotationFormat, record: Ints, allele: Ints, alts: pa.Array, refs: pa.Array
) -> Entries:
    """The entries of a batch.

    `text` is the INFO value of each record; `record` (its place in the batch), `allele` (1-based), `alts` and
    `refs` describe the allele rows. Entries of a record with several ALT alleles go to the allele that they
    name, or to all of them where they name none that is there.
    """
    values = pc.split_pattern(text, ",")
    parts = pc.split_pattern(values.flatten(), "|")
    entry_record = pc.list_parent_indices(values).to_numpy()
    entry, row = _match_rows(parts, format_, entry_record, record, allele, alts, refs)
    parts = parts.take(pa.array(entry))
    consequence = part(parts, format_.position("consequence"))
    if format_.tag == "BCSQ":  # "@pos" points at a record with the full text; "*" marks one after a stop
        keep = pc.invert(pc.starts_with(consequence, "@")).to_numpy(zero_copy_only=False)
        row, parts, consequence = row[keep], parts.filter(pa.array(keep)), consequence.filter(pa.array(keep))
        consequence = pc.utf8_ltrim(consequence, "*")
    impact = part(parts, format_.position("impact"))
    if format_.position("impact") is None:
        impact = _by_dictionary(consequence, impact_of)
    return Entries(row, part(parts, format_.position("gene")), consequence, impact, parts)


def part(parts: pa.ListArray, position: int | None) -> pa.Array:
    """One part of every entry, empty where an entry is too short."""
    if position is None:
        return pa.array(np.full(len(parts), ""), pa.string())
    offsets = parts.offsets.to_numpy()
    at = offsets[:-1] + position
    inside = at < offsets[1:]
    flat = parts.values.take(pa.array(np.where(inside, at, 0))) if len(parts.values) else pa.nulls(0, pa.string())
    return pc.if_else(pa.array(inside), flat, "") if len(flat) else flat


def _by_dictionary(texts: pa.Array, function: object) -> pa.Array:
    coded = texts.dictionary_encode()
    values = pa.array([function(t) for t in coded.dictionary.to_pylist()], pa.string())  # type: ignore[operator]
    return values.take(coded.indices)


def _match_rows(
    parts: pa.ListArray,
    format_: AnnotationFormat,
    entry_record: Ints,
    record: Ints,
    allele: Ints,
    alts: pa.Array,
    refs: pa.Array,
) -> tuple[Ints, Ints]:
    """Pairs of (entry, allele row) that belong together."""
    first_row = np.searchsorted(record, entry_record)
    n_rows = np.searchsorted(record, entry_record, side="right") - first_row
    entry = np.repeat(np.arange(len(entry_record)), n_rows)
    within = np.arange(len(entry)) - np.repeat(np.cumsum(n_rows) - n_rows, n_rows)
    row = np.repeat(first_row, n_rows) + within
    several = np.repeat(n_rows, n_rows) > 1
    if not several.any():
        return entry, row
    named = np.ones(len(entry), dtype=bool)
    named[several] = _names_allele(parts, format_, entry[several], row[several], allele, alts, refs)
    matched = np.zeros(len(entry_record), dtype=bool)
    matched[entry[named]] = True
    keep = named | ~matched[entry]
    return entry[keep], row[keep]


def _names_allele(
    parts: pa.ListArray,
    format_: AnnotationFormat,
    entry: Ints,
    row: Ints,
    allele: Ints,
    alts: pa.Array,
    refs: pa.Array,
) -> npt.NDArray[np.bool_]:
    numbers = format_.position("allele_number")
    taken = parts.take(pa.array(entry))
    if numbers is not None:
        return np.asarray(part(taken, numbers).to_numpy(zero_copy_only=False) == allele[row].astype(str))
    if format_.position("allele") is None:
        return np.zeros(len(entry), dtype=bool)
    named = part(taken, format_.position("allele"))
    alt = pc.fill_null(alts.take(pa.array(row)), "")
    trimmed = pc.if_else(pc.equal(pc.utf8_length(alt), 1), "-", pc.utf8_slice_codeunits(alt, 1))
    ref = refs.take(pa.array(row))
    indel = pc.or_(pc.not_equal(pc.utf8_length(alt), 1), pc.not_equal(pc.utf8_length(ref), 1))
    same = pc.or_(pc.equal(named, alt), pc.and_(indel, pc.equal(named, trimmed)))
    return np.asarray(same.to_numpy(zero_copy_only=False))


class ProfileBook:
    """Numbers for the distinct sets of (gene, consequence, impact) that allele rows carry; 0 is the empty set."""

    def __init__(self) -> None:
        self._effects: dict[str, int] = {}
        self._profiles: dict[bytes, int] = {b"": 0}

    def profiles_of(self, entries: Entries, n_rows: int) -> npt.NDArray[np.int32]:
        """The profile of each of `n_rows` allele rows."""
        joined = pc.binary_join_element_wise(entries.gene, entries.consequence, entries.impact, "|")
        effect = self._number(joined)
        pairs = np.unique(entries.row.astype(np.int64) << 32 | effect)
        rows, effects = (pairs >> 32), (pairs & 0xFFFFFFFF).astype(np.int32)
        offsets = np.searchsorted(rows, np.arange(n_rows + 1)).astype(np.int32) * 4
        sets = pa.Array.from_buffers(
            pa.binary(), n_rows, [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(effects.tobytes())]
        ).dictionary_encode()
        numbers = [self._profiles.setdefault(s, len(self._profiles)) for s in sets.dictionary.to_pylist()]
        return np.asarray(np.array(numbers or [0], dtype=np.int32)[sets.indices.to_numpy()])

    def _number(self, joined: pa.Array) -> Ints:
        coded = joined.dictionary_encode()
        numbers = [self._effects.setdefault(t, len(self._effects)) for t in coded.dictionary.to_pylist()]
        return np.asarray(np.array(numbers or [0], dtype=np.int64)[coded.indices.to_numpy()])

    def join(self, later: "ProfileBook") -> Ints:
        """Take in another book; returns the number here of each of its profiles."""
        effects = np.array([self._effects.setdefault(t, len(self._effects)) for t in later._effects], dtype=np.int32)
        sets = [np.sort(effects[np.frombuffer(key, dtype=np.int32)]).tobytes() for key in later._profiles]
        return np.array([self._profiles.setdefault(s, len(self._profiles)) for s in sets], dtype=np.int64)

    def table(self) -> pa.Table:
        """One row per profile: `profile`, and in step `genes`, `consequences` (terms joined by `&`), `impacts`."""
        texts = list(self._effects)
        sets = [np.frombuffer(key, dtype=np.int32) for key in self._profiles]
        split = [[texts[i].split("|") for i in effects] for effects in sets]
        lists = pa.list_(pa.string())
        return pa.table({
            "profile": pa.array(range(len(sets)), pa.int32()),
            "genes": pa.array([[e[0] for e in s] for s in split], lists),
            "consequences": pa.array([[e[1] for e in s] for s in split], lists),
            "impacts": pa.array([[e[2] for e in s] for s in split], lists),
        })  # fmt: skip
