"""Names that belong to one variant alone, HGVS and rs numbers: found whole or not at all."""

import re
from urllib.parse import unquote

import numpy as np
import pyarrow as pa

from ..memory.variant_table import literal
from .annotation import AnnotationFormat, part, read_entries
from .dataset import OpenDataset

_HGVS = re.compile(r"(?:[A-Za-z][\w.]*:)?[cpngm]\.\S+")
_RS = re.compile(r"rs\d+", re.IGNORECASE)


def is_exact_name(word: str) -> bool:
    """Whether a word is an HGVS name, with or without its transcript, or an rs number."""
    return bool(_HGVS.fullmatch(word) or _RS.fullmatch(word))


def alleles_named(data: OpenDataset, name: str) -> set[tuple[int, int]]:
    """The alleles (record, ALT number) that a name is given to, in the ID column or in the annotation.

    `p.Arg7` is not `p.Arg7His`. A name without a transcript is that of any transcript.
    """
    found = set()
    if _RS.fullmatch(name):
        name = name.lower()
        rows = data.table.columns(["record", "allele"], f"array_has(string_to_array(id, ';'), {literal(name)})")
        found = set(zip(rows["record"].to_pylist(), rows["allele"].to_pylist(), strict=True))
    return found | (_in_annotation(data, name) if data.annotated else set())


def _in_annotation(data: OpenDataset, name: str) -> set[tuple[int, int]]:
    told = data.summary["annotation"]
    form = AnnotationFormat(told["tag"], told["tool"], tuple(told["keys"]))
    places = [i for i, key in enumerate(form.keys) if "HGVS" in key or key == "Existing_variation"]
    column = data.info[form.tag].column
    inside = re.split(r"[=%]", name.rpartition(":")[2])[0]  # VEP writes p.Arg7= as p.Arg7%3D
    wanted = ["record", "allele", "ref", "alt", column]
    rows = data.table.columns(wanted, f"contains({column}, {literal(inside)})") if places else None
    if rows is None or not len(rows):
        return set()
    record, first, at = np.unique(rows["record"].to_numpy(), return_index=True, return_inverse=True)
    texts = rows[column].take(pa.array(first)).combine_chunks()
    alleles = rows["allele"].to_numpy().astype(np.int64)
    alts, refs = rows["alt"].combine_chunks(), rows["ref"].combine_chunks()
    entries = read_entries(texts, form, at, alleles, alts, refs)
    transcripts = part(entries.parts, form.position("feature")).to_pylist()
    hit = np.zeros(len(entries.row), dtype=bool)
    for place in places:
        values = part(entries.parts, place).to_pylist()
        hit |= [name in _names(v, t) for v, t in zip(values, transcripts, strict=True)]
    return {(int(record[at[row]]), int(alleles[row])) for row in entries.row[hit]}


def _names(value: str, transcript: str) -> set[str]:
    """All ways to write what a part of an entry says: with its transcript, and without."""
    value = unquote(value)
    bare = value.rpartition(":")[2]
    return {value, bare, f"{transcript}:{bare}", *value.split("&")}
