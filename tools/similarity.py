"""The alleles nearest to a variant or to words: signatures are ranked first, then the alleles that have them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..memory.embedding import CLASSES, IMPACTS, PARTS, SIGNIFICANCES, TYPES, Embedder
from ..memory.signature_table import rounded
from .clauses import profiles_meeting
from .consequences import SEVERITY, class_of
from .dataset import OpenDataset
from .filters import VariantFilter
from .selection import Selection, select
from .signatures import FrequencySource, frequencies, frequency_source

Order = npt.NDArray[np.float64]
"""For each signature how near it is, the smallest first; infinity for one that is not wanted."""

Signatures = npt.NDArray[np.int64]

FEW = 5_000
"""Alleles that are ranked one by one sooner than looked for signature by signature."""

MAX_KNOWN = 64
"""Conditions of which the counts by signature are kept in mind."""

COLUMNS = ["record", "allele", "chrom", "pos", "id", "ref", "alt", "signature"]
RANK_SHIFT = 60
"""The constant of reciprocal rank fusion, as its authors and LanceDB have it."""


def source_of(data: OpenDataset) -> FrequencySource | None:
    """Where this dataset's frequencies come from, as at ingest."""
    tag = data.summary["annotation"]["tag"] if data.annotated else ""
    genotyped = "GT" in data.summary["sample_fields"]
    return frequency_source(list(data.info.values()), tag, data.summary["frequencies"], genotyped)


def ranking_columns(data: OpenDataset) -> list[str]:
    """The columns of the variant table that ranking and showing an allele take."""
    source = source_of(data)
    if source is None:
        return COLUMNS
    return [*COLUMNS, source.column] if source.column else [*COLUMNS, "ac", "an"]


def distances_from(data: OpenDataset, embedder: Embedder, query: pa.Table) -> Order:
    """The distance of every signature from a query of one row, which has a vector where it is a signature."""
    signatures = data.signatures
    signatures.check_embedder(embedder)
    place = query["signature"][0].as_py()
    vector = signatures.matrix[place] if place is not None else rounded(embedder.embed(query))[0]
    found = embedder.distances(signatures.rows, signatures.matrix, query, vector)
    return np.asarray(found, dtype=np.float64)


def ranks_of(data: OpenDataset, words: str) -> Order:
    """The place of every signature whose text has all the words, from 1."""
    order = np.full(len(data.signatures.rows), np.inf)
    hits = data.signatures.with_words(words)
    order[hits] = np.arange(1, len(hits) + 1)
    return order


def fused(distances: Order, ranks: Order) -> Order:
    """Both orders as one by reciprocal rank fusion; equal distances have equal ranks."""
    by_distance = np.unique(distances, return_inverse=True)[1] + 1
    return np.asarray(np.round(-(1 / (RANK_SHIFT + by_distance) + 1 / (RANK_SHIFT + ranks)), 9))


@dataclass(slots=True)
class Candidates:
    """The alleles that meet a selection, `number` of them in all.

    What the selection says of the annotation holds for whole signatures: `allowed` marks those for which it does, and
    `rest` is the condition that is left to ask of their alleles.
    """

    data: OpenDataset
    found: Selection
    allowed: npt.NDArray[np.bool_]
    rest: str
    number: int

    def nearest(self, order: Order, k: int, like: dict[str, Any] | None) -> pa.Table:
        """The `k` nearest alleles with their `ranking_columns`, the same as if every allele had been ranked.

        Signatures equally near follow by how near to the allele `like` they first occur, then as in the file. Alleles
        of one signature follow by closeness of frequency, of position, then as in the file. `like` is left out.
        """
        order = _places(self.data, np.where(self.allowed, order, np.inf), like)
        reached = np.flatnonzero(np.isfinite(order))
        if self.found.records is not None or (self.number <= FEW and self.allowed.all()):
            rows = self._all_rows()
        elif alleles_of(self.data)[reached].sum() <= FEW:
            rows = self._rows_of(reached)
        else:  # one more than asked for, since `like` may be among them
            rows = self._rows_of(_nearest_with(order, alleles_meeting(self.data, self.rest), k + 1))
        return _ranked(self.data, rows, order, k, like)

    def matching(self, order: Order) -> int:
        """How many of them have a signature that is wanted at all."""
        wanted = np.flatnonzero(np.isfinite(order) & self.allowed)
        if self.found.records is not None or self.number <= FEW:
            return int(np.isin(self._all_rows()["signature"].to_numpy(), wanted).sum())
        return int(alleles_meeting(self.data, self.rest)[wanted].sum())

    def _rows_of(self, signatures: Signatures) -> pa.Table:
        return self._rows(_in(signatures), self.rest)

    def _all_rows(self) -> pa.Table:
        rows = self._rows(self.found.where)
        if self.found.records is None:
            return rows
        return rows.filter(pa.array(np.isin(rows["record"].to_numpy(), self.found.records)))

    def _rows(self, *conditions: str) -> pa.Table:
        where = " AND ".join(["allele > 0", *(c for c in conditions if c)])
        return self.data.table.columns(ranking_columns(self.data), where)


def candidates(data: OpenDataset, wanted: VariantFilter, found: Selection) -> Candidates:
    """The alleles that meet a filter; `found` is its selection."""
    said = wanted.genes or wanted.consequences or wanted.impacts
    rest = wanted.model_copy(update={"genes": [], "consequences": [], "impacts": []})
    where = select(data, rest, "allele").where if said else found.where
    allowed = np.ones(len(data.signatures.rows), dtype=bool)
    if said:
        profiles = profiles_meeting(data, wanted)
        allowed = np.isin(data.signatures.rows["profile"].to_numpy(), profiles)
    if found.records is None:
        number = int(alleles_meeting(data, where)[allowed].sum())
    else:
        meeting = data.table.columns(["record"], f"allele > 0 AND {found.where}" if found.where else "allele > 0")
        number = int(np.isin(meeting["record"].to_numpy(), found.records).sum())
    return Candidates(data, found, allowed, where, number)


def _places(data: OpenDataset, order: Order, like: dict[str, Any] | None) -> Order:
    """A place of its own for each signature that is wanted, from 0."""
    apart = np.zeros(len(order)) if like is None else _apart(data.signatures.rows, like)
    places = np.empty(len(order))
    places[np.lexsort((np.arange(len(order)), apart, order))] = np.arange(len(order))
    return np.where(np.isfinite(order), places, np.inf)


def alleles_meeting(data: OpenDataset, where: str) -> Signatures:
    """How many ALT alleles of each signature meet a condition of the variant table.

    Kept in mind: a conversation asks several times under the same conditions, and a dataset does not change.
    """
    if not where:
        return alleles_of(data)
    known = data.alleles_meeting
    if where not in known:
        if len(known) >= MAX_KNOWN:
            known.clear()
        present = data.table.columns(["signature"], f"allele > 0 AND {where}")["signature"].to_numpy()
        known[where] = np.bincount(present, minlength=len(data.signatures.rows))
    return known[where]


def alleles_of(data: OpenDataset) -> Signatures:
    """The number of ALT alleles of each signature."""
    return np.asarray(data.signatures.rows["alleles"].to_numpy())


def _in(signatures: Signatures) -> str:
    return f"signature IN ({', '.join(map(str, signatures.tolist()))})" if len(signatures) else "false"


def _nearest_with(order: Order, alleles: npt.NDArray[Any], wanted: int) -> Signatures:
    """The nearest signatures that together hold `wanted` alleles."""
    by_order = np.argsort(order, kind="stable")
    by_order = by_order[np.isfinite(order[by_order])]
    return by_order[: np.searchsorted(np.cumsum(alleles[by_order]), wanted) + 1]


def _ranked(data: OpenDataset, rows: pa.Table, order: Order, k: int, like: dict[str, Any] | None) -> pa.Table:
    place = order[rows["signature"].to_numpy()]
    record, allele = rows["record"].to_numpy(), rows["allele"].to_numpy()
    keys = [allele, record]
    keep = np.isfinite(place)
    if like is not None:
        keys += [_apart(rows, like), np.round(_frequency_apart(data, rows, like), 6)]
        keep &= (record != like["record"]) | (allele != like["allele"])
    sorted_rows = np.lexsort([*keys, place])
    return rows.take(pa.array(sorted_rows[keep[sorted_rows]][:k]))


def _apart(rows: pa.Table, like: dict[str, Any]) -> Order:
    """Bases between the positions; infinite on another contig."""
    import pyarrow.compute as pc

    same = pc.equal(rows["chrom"], like["chrom"]).to_numpy(zero_copy_only=False)
    return np.where(same, np.abs(rows["pos"].to_numpy() - like["pos"]), np.inf)


def _frequency_apart(data: OpenDataset, rows: pa.Table, like: dict[str, Any]) -> Order:
    """The difference in frequency; without a frequency on either side 0, on one of them infinite."""
    values = frequencies(source_of(data), rows)
    if like["frequency"] is None:
        return np.where(np.isnan(values), 0.0, np.inf)
    return np.where(np.isnan(values), np.inf, np.abs(values - like["frequency"]))


# Words as a query.


def spoken(data: OpenDataset, text: str) -> tuple[pa.Table, list[str]]:
    """A query from words, with null for the parts that they do not speak of; and the words that are of no part."""
    found: dict[str, Any] = {}
    words, unknown, at = text.split(), [], 0
    vocabulary, genes = _vocabulary(), set(data.genes if data.annotated else [])
    while at < len(words):
        for size in (4, 3, 2, 1):
            said = "_".join(words[at : at + size])
            gene = said if said in genes else said.upper()
            if at + size <= len(words) and (gene in genes or said.lower() in vocabulary):
                found |= {"genes": [*found.get("genes", []), gene]} if gene in genes else vocabulary[said.lower()]
                break
        else:
            unknown.append(words[at])
            size = 1
        at += size
    return query_row(data, {**found, "text": text}), unknown


def query_row(data: OpenDataset, values: dict[str, Any]) -> pa.Table:
    schema = data.signatures.rows.schema.remove_metadata()
    return pa.Table.from_pylist([{name: values.get(name) for name in schema.names}], schema=schema)


def _vocabulary() -> dict[str, dict[str, Any]]:
    """The words, joined by `_`, that say something of a part."""
    known: dict[str, dict[str, Any]] = {c.replace(" ", "_").lower(): {"class": c} for c in CLASSES if c}
    known |= {t: {"type": t} for t in TYPES} | {s: {"significance": s} for s in SIGNIFICANCES}
    known |= {"rare": {"frequency": 2}, "common": {"frequency": 5}}
    known |= {f"{i.lower()}_impact": {"impact": i} for i in IMPACTS} | {i.lower(): {"impact": i} for i in IMPACTS}
    for term in SEVERITY:
        said = {"consequence": term, "class": class_of(term)}
        known |= {term.lower(): said, term.lower().removesuffix("_variant"): said}
    return known


# Why.

_LABELS = {"genes": "gene", "class": "consequence class", "consequence": "consequence", "impact": "impact",
           "significance": "significance", "frequency": "frequency bin", "condition": "condition", "type": "type",
           "size": "size"}  # fmt: skip


def reason(query: dict[str, Any], row: dict[str, Any]) -> str:
    """Which parts of a signature agree with the query's and which differ, the heaviest first."""
    same: list[str] = []
    differ: list[str] = []
    for part in sorted(PARTS, key=lambda p: -p.weight):
        mine, other = query[part.name], row[part.name]
        if mine is None or (not mine and not other and isinstance(mine, str | list)):
            continue
        shared = set(mine) & set(other) if isinstance(mine, list) else set()
        if shared and mine != other:
            same.append(f"gene {', '.join(sorted(shared))}")
        else:
            (same if _folded(mine) == _folded(other) else differ).append(_LABELS[part.name])
    if "consequence" in same or {"consequence", "consequence class"} <= set(differ):
        same, differ = ([w for w in words if w != "consequence class"] for words in (same, differ))
    parts = [f"same {_listed(same)}"] if same else []
    parts += [f"{_listed(differ)} {'differs' if len(differ) == 1 else 'differ'}"] if differ else []
    return "; ".join(parts)


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
