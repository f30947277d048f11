"""The counts behind graph answers, got from the variant tables and not from the graph.

Each count is of distinct ALT alleles by `CHROM:POS:REF:ALT` over all files in question; a sample carries one where
its genotype has a copy of it. Genes and conditions of an allele are those that any file of the workspace gives it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .clauses import CONDITION_FIELDS, SIGNIFICANCE_FIELDS
from .consequences import worst_by_gene
from .dataset import OpenDataset, matrix

BLOCK = 1 << 16
Matrix = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Carriage:
    """Who carries what: a row of `has` for each key, a column for each of the `samples` (their ids in the graph)."""

    keys: pa.Array
    has: Matrix
    samples: list[str]

    def columns(self, ids: Iterable[str]) -> list[int]:
        return [self.samples.index(i) for i in ids]


@dataclass(frozen=True, slots=True)
class Keys:
    """Some alleles: their keys, and the span of their positions, which narrows a reading of the table."""

    keys: pa.Array
    first: int = 0
    last: int = 0

    def where(self) -> str:
        return f"pos >= {self.first} AND pos <= {self.last}"


def carriage(files: list[OpenDataset], only: Keys | None = None) -> Carriage:
    """Who carries the alleles of some files, or `only` certain ones."""
    ids, keys, copies = [], [], []
    for data in files:
        rows, key = _rows(data, ["allele", "gt"], only.where() if only else "")
        if only:
            kept = pc.is_in(key, value_set=only.keys)
            rows, key = rows.filter(kept), key.filter(kept)
        ids += [f"{data.dataset.sha256}/{s}" for s in data.samples]
        keys.append(key)
        copies.append(_copies(data, rows))
    encoded = pa.concat_arrays(keys).dictionary_encode()
    return Carriage(encoded.dictionary, _side_by_side(encoded.indices.to_numpy(), copies), ids)


def merged(found: Carriage, persons: dict[str, str]) -> Carriage:
    """The same with the samples of one person in one column, that of the first."""
    for sample, first in persons.items():
        found.has[:, found.samples.index(first)] |= found.has[:, found.samples.index(sample)]
    kept = [i for i, sample in enumerate(found.samples) if sample not in persons]
    return Carriage(found.keys, found.has[:, kept], [found.samples[i] for i in kept]) if persons else found


def _rows(data: OpenDataset, columns: list[str], where: str = "") -> tuple[pa.Table, pa.Array]:
    """Rows of the alleles that the graph holds by its own rule, and their keys."""
    wanted = list(dict.fromkeys(["chrom", "pos", "ref", "alt", *columns]))
    rows = data.table.columns(wanted, " AND ".join([data.summary["graph"]["where"], *([where] if where else [])]))
    parts = [rows["chrom"], rows["pos"].cast(pa.string()), rows["ref"], rows["alt"]]
    key = pc.binary_join_element_wise(*parts, ":")
    return rows, key.combine_chunks() if isinstance(key, pa.ChunkedArray) else key


def _copies(data: OpenDataset, rows: pa.Table) -> Matrix:
    codes, allele = matrix(rows["gt"].combine_chunks(), len(data.samples)), rows["allele"].to_numpy()
    found = np.zeros(codes.shape, dtype=bool)
    for number in np.unique(allele):
        mine = allele == number
        found[mine] = (data.codes.copies(int(number)) > 0)[codes[mine]]
    return found


def _side_by_side(place: npt.NDArray[np.int32], parts: list[Matrix]) -> Matrix:
    """One matrix of parts that stand one below the other in `place`, each with columns of its own."""
    whole = np.zeros((int(place.max(initial=-1)) + 1, sum(p.shape[1] for p in parts)), dtype=bool)
    row = column = 0
    for part in parts:
        at = place[row : row + len(part)]
        for j in range(part.shape[1]):
            whole[at[part[:, j]], column + j] = True
        row, column = row + len(part), column + part.shape[1]
    return whole


# Alleles by gene and by condition.


def meets(said: tuple[str | None, str | None], impacts: list[str], terms: set[str]) -> bool:
    """Whether a consequence and its impact are among those wanted; empty means any."""
    consequence, impact = said
    return (not impacts or impact in impacts) and (not terms or not terms.isdisjoint((consequence or "").split("&")))


def in_genes(held: list[OpenDataset], genes: list[str], impacts: list[str], terms: set[str]) -> Keys:
    """The alleles whose most severe consequence in one of the genes is wanted."""
    parts = []
    for data in held:
        numbers = [
            p["profile"]
            for p in data.profiles.to_pylist()
            if any(gene in genes and meets(said, impacts, terms) for gene, said in worst_by_gene(p).items())
        ]
        parts.append(_rows(data, [], f"profile IN ({', '.join(map(str, numbers))})" if numbers else "false"))
    return _keys(parts)


def asserted_for(held: list[OpenDataset], conditions: list[str]) -> Keys:
    """The alleles that have a significance for one of the conditions, as these are written in the files."""
    parts = []
    for data in held:
        significance, condition = (
            next((data.info[n].column for n in names if n in data.info), None)
            for names in (SIGNIFICANCE_FIELDS, CONDITION_FIELDS)
        )
        if significance is None or condition is None:
            continue
        rows, key = _rows(data, [condition], f"{significance} IS NOT NULL AND {condition} IS NOT NULL")
        named = [not set(conditions).isdisjoint(str(text).split("|")) for text in rows[condition].to_pylist()]
        parts.append((rows.filter(pa.array(named, pa.bool_())), key.filter(pa.array(named, pa.bool_()))))
    return _keys(parts)


def of_variant(held: list[OpenDataset], key: str, pos: int) -> tuple[Keys, set[str]]:
    """One allele, and its genes."""
    genes: set[str] = set()
    for data in held:
        rows, keys = _rows(data, ["profile"], f"pos = {pos}")
        for number in rows["profile"].filter(pc.equal(keys, key)).to_pylist():
            genes |= worst_by_gene(data.profiles.slice(number, 1).to_pylist()[0]).keys()
    return Keys(pa.array([key]), pos, pos), genes


def _keys(parts: list[tuple[pa.Table, pa.Array]]) -> Keys:
    parts = [(rows, key) for rows, key in parts if len(key)]
    if not parts:
        return Keys(pa.array([], pa.string()))
    spans = [pc.min_max(rows["pos"]).as_py() for rows, _ in parts]
    keys = pc.unique(pa.concat_arrays([key for _, key in parts]))
    return Keys(keys, min(s["min"] for s in spans), max(s["max"] for s in spans))


# Counts.


def shared_by(found: Carriage, ids: list[str], nobody_else: bool) -> int:
    """How many alleles all of the samples carry, and where that is asked for nobody else does."""
    mine = found.columns(ids)
    met = found.has[:, mine].all(axis=1)
    if nobody_else:
        met &= found.has.sum(axis=1) == len(mine)
    return int(met.sum())


def rare_pairs(found: Carriage, ids: list[str], max_carriers: int) -> npt.NDArray[np.int64]:
    """For each pair of the samples how many alleles both carry that at most `max_carriers` samples carry at all."""
    rare = found.has[found.has.sum(axis=1) <= max_carriers]
    return pair_counts(rare[:, found.columns(ids)])


def pair_counts(has: Matrix) -> npt.NDArray[np.int64]:
    """How many rows each pair of columns has in common; a column with itself, how many it has."""
    total = np.zeros((has.shape[1], has.shape[1]), dtype=np.int64)
    for start in range(0, len(has), BLOCK):
        block = has[start : start + BLOCK].astype(np.float32)
        total += np.rint(block.T @ block).astype(np.int64)
    return total


def genes_hit(
    found: Carriage, held: list[OpenDataset], ids: list[str], impacts: list[str], terms: set[str]
) -> dict[str, int]:
    """How many of the samples carry an allele in each gene."""
    mine = found.has[:, found.columns(ids)]
    hit = {gene: np.zeros(len(ids), dtype=bool) for data in held for gene in data.genes} if len(ids) else {}
    for data in held:
        for genes, carriers in _carriers_by_profile(found.keys, mine, data, impacts, terms):
            for gene in genes:
                hit[gene] |= carriers
    return {gene: int(samples.sum()) for gene, samples in hit.items() if samples.any()}


def _carriers_by_profile(
    keys: pa.Array, has: Matrix, data: OpenDataset, impacts: list[str], terms: set[str]
) -> Iterator[tuple[list[str], Matrix]]:
    """For each annotation profile of a file, its genes, and which columns have any of its alleles."""
    said = {
        p["profile"]: [g for g, s in worst_by_gene(p).items() if meets(s, impacts, terms)]
        for p in data.profiles.to_pylist()
    }
    wanted = [number for number, genes in said.items() if genes]
    if not wanted:
        return
    rows, key = _rows(data, ["profile"], f"profile IN ({', '.join(map(str, wanted))})")
    at = pc.index_in(key, value_set=keys)
    known = at.is_valid().to_numpy(zero_copy_only=False)
    place, profile = at.drop_null().to_numpy(), rows["profile"].to_numpy()[known]
    any_of = np.zeros((max(wanted) + 1, has.shape[1]), dtype=bool)
    for j in range(has.shape[1]):
        any_of[profile[has[place, j]], j] = True
    for number in wanted:
        yield said[number], any_of[number]


def pairs_of_alleles(has: Matrix, with_row: int | None = None) -> int:
    """How many pairs of rows, or of one row with another, have a column in common."""
    if with_row is not None:
        return int((has[:, has[with_row]].any(axis=1)).sum()) - int(has[with_row].any())
    wide = has.astype(np.float32)
    together = (wide @ wide.T) > 0
    return int(np.triu(together, 1).sum())
