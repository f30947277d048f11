"""Two heterozygous variants of one gene, one on each copy: by phase where it is known, else by the parents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..memory.errors import ToolError
from ..memory.genotype_codes import Genotype, alleles_of, classify
from .clauses import consequence_in_file
from .consequences import worst_by_gene
from .dataset import OpenDataset
from .families import Trio
from .genotype_patterns import Pattern, Role, missing_without_alt
from .result import Table, ToolResult
from .text import count_of
from .variant_rows import rows_of, variant_key

if TYPE_CHECKING:
    from .inheritance import Inheritance, Unit

Records = npt.NDArray[np.int32]
MAX_IN_GENE = 5_000
"""Candidates of one gene that are still compared each with each."""


def has_phase(data: OpenDataset) -> bool:
    """Whether phase tells which copy an allele is on.

    Phase sets (FORMAT/PS) are not stored, so where the header declares them phase is not used.
    """
    return bool(data.codes.phased().any()) and not any(f[:2] == ["FORMAT", "PS"] for f in _fields(data))


def _fields(data: OpenDataset) -> list[list[Any]]:
    return [list(f) for f in data.summary["fields"]]


def candidate_patterns(data: OpenDataset, trio: Trio, lenient: bool) -> list[Pattern]:
    """Child heterozygous; where neither phase nor a lack of parents asks for more, one parent het, one reference."""
    child = Role(trio.child, ("het",))
    if has_phase(data) or trio.father is None or trio.mother is None:
        return [Pattern((child,))]
    ways = [(trio.father, trio.mother), (trio.mother, trio.father)]
    return [Pattern((child, Role(het, ("het",)), Role(ref, ("reference",), lenient))) for het, ref in ways]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A heterozygous variant of the child. `copy` by phase and `parent` by origin are 0 or 1, -1 for not known."""

    key: str
    impact: str
    consequence: str
    calls: str
    copy: int
    parent: int


def compound_result(data: OpenDataset, wanted: Inheritance, units: list[Unit], records: list[Records]) -> ToolResult:
    """Value: for each gene the variants that stand in a pair, of each child where there are several.

    A second table has every candidate, also those of a gene in which it is the only one.
    """
    values, parts, total = {}, [], 0
    rows: list[list[Any]] = []
    alone: list[list[Any]] = []
    for unit, of_unit in zip(units, records, strict=True):
        genes = _by_gene(data, wanted, unit, of_unit)
        value, lines, told = _pairs(unit, genes, wanted.limit - len(rows))
        alone += _candidates(unit, genes, value)
        values[unit.name], rows, total = value, rows + lines, total + sum(told.values())
        words = ", ".join(f"{n:,} by {basis}" for basis, n in told.items() if n and basis != "possible")
        parts.append(f"{unit.name}: {_said(value, words, told['possible'])}")
    text = f"Compound heterozygous in {data.name}, {'; '.join(parts)}."
    columns = ["of", "gene", "variant", "consequence", "other variant", "other consequence", "by", "genotypes"]
    columns.append("other genotypes")
    result = ToolResult(text, values if len(units) > 1 else values[units[0].name], "genes")
    result.tables.append(Table("pairs", columns, rows, total, len(rows) < total))
    every = ["of", "gene", "variant", "consequence", "impact", "from", "in a pair", "genotypes"]
    result.tables.append(Table("candidates", every, alone[: wanted.limit], len(alone), len(alone) > wanted.limit))
    return result


def _candidates(unit: Unit, genes: dict[str, list[Candidate]], paired: dict[str, list[str]]) -> list[list[Any]]:
    origin = {0: "father", 1: "mother", -1: None}
    return [
        [unit.name, gene, c.key, c.consequence, c.impact, origin[c.parent], c.key in paired.get(gene, []), c.calls]
        for gene, candidates in genes.items()
        for c in candidates
    ]


def _said(value: dict[str, list[str]], words: str, possible: int) -> str:
    genes = list(value)
    listed = ", ".join(genes[:10]) + (f" and {len(genes) - 10} more" if len(genes) > 10 else "")
    text = count_of(len(genes), "gene") + (f" ({listed}), pairs told {words}" if genes else "")
    return text + (
        f"; {count_of(possible, 'further pair')} only possible: neither phase nor parents tell" * bool(possible)
    )


def _by_gene(data: OpenDataset, wanted: Inheritance, unit: Unit, records: Records) -> dict[str, list[Candidate]]:
    assert unit.trio
    origin = _origin(data, unit.trio, wanted.missing_parents == "as_reference")
    profiles = data.profiles.to_pylist()
    phased, holds = has_phase(data), _condition(data, wanted)
    found: dict[str, list[Candidate]] = {}
    columns = ["record", "allele", "chrom", "pos", "ref", "alts", "profile", "gt"]
    key = ""
    for row in rows_of(data, columns, records).to_pylist():
        if row["allele"] <= 1:
            key = variant_key(row["chrom"], row["pos"], row["ref"], row["alts"])
        text = data.codes.texts[row["gt"][unit.trio.child]]
        if row["allele"] not in alleles_of(text) or row["profile"] is None:
            continue
        calls = ", ".join(f"{data.samples[i]} {data.codes.texts[row['gt'][i]]}" for i in unit.members)
        copy = alleles_of(text).index(row["allele"]) if phased and _is_phased(text) else -1
        for gene, (consequence, impact) in worst_by_gene(profiles[row["profile"]]).items():
            if holds(gene, consequence, impact):
                one = Candidate(key, impact, consequence, calls, copy, origin(row["gt"]))
                found.setdefault(gene, []).append(one)
    return dict(sorted(found.items()))


def _is_phased(text: str) -> bool:
    return "|" in text and "/" not in text and len(alleles_of(text)) == 2


def _condition(data: OpenDataset, wanted: Inheritance) -> Callable[[str, str, str], bool]:
    """Whether gene, consequence and impact are wanted ones."""
    terms = {consequence_in_file(data, c) for c in wanted.consequences}
    genes = {data.gene(g) for g in wanted.genes}

    def holds(gene: str, consequence: str, impact: str) -> bool:
        said = not terms or not terms.isdisjoint(consequence.split("&"))
        return said and (not genes or gene in genes) and (not wanted.impacts or impact in wanted.impacts)

    return holds


def _origin(data: OpenDataset, trio: Trio, lenient: bool) -> Callable[[list[int]], int]:
    """A function from a record's codes to 0 where the father alone is het, 1 where the mother alone is, else -1."""
    reference = np.isin(data.codes.classes(), [Genotype.HOM_REF, Genotype.HEMI_REF])
    reference |= missing_without_alt(data) & lenient
    het = [classify(t) == Genotype.HET for t in data.codes.texts]

    def origin(codes: list[int]) -> int:
        if trio.father is None or trio.mother is None:
            return -1
        father, mother = codes[trio.father], codes[trio.mother]
        if het[father] and reference[mother]:
            return 0
        return 1 if het[mother] and reference[father] else -1

    return origin


def _pairs(
    unit: Unit, genes: dict[str, list[Candidate]], room: int
) -> tuple[dict[str, list[str]], list[list[Any]], dict[str, int]]:
    """Variants in pairs by gene, rows of the table, and how many pairs there are by what told them."""
    value: dict[str, list[str]] = {}
    rows: list[list[Any]] = []
    told = {"phase": 0, "parents": 0, "possible": 0}
    alone = unit.trio is None or unit.trio.father is None or unit.trio.mother is None
    for gene, candidates in genes.items():
        if len(candidates) > MAX_IN_GENE:
            raise ToolError(f"{gene} has {len(candidates):,} candidates", "Narrow them by impacts, frequency or genes")
        masks = _masks(candidates, alone)
        for basis, mask in masks.items():
            told[basis] += int(mask.sum())
        sure = masks["phase"] | masks["parents"]
        inside = np.flatnonzero(sure.any(axis=0) | sure.any(axis=1))
        if len(inside):
            value[gene] = list(dict.fromkeys(candidates[i].key for i in inside))
        for basis, i, j in _first(masks, room - len(rows)):
            a, b = candidates[i], candidates[j]
            rows.append([unit.name, gene, a.key, a.consequence, b.key, b.consequence, basis, a.calls, b.calls])
    return value, rows, told


def _masks(candidates: list[Candidate], alone: bool) -> dict[str, npt.NDArray[np.bool_]]:
    """Which pairs (upper triangle) lie on different copies by phase, by parents, or possibly do."""
    copy, parent = (np.array([getattr(c, name) for c in candidates]) for name in ("copy", "parent"))
    upper = np.triu(np.ones((len(candidates),) * 2, dtype=bool), 1)
    phased = (copy[:, None] >= 0) & (copy >= 0)
    known = (parent[:, None] >= 0) & (parent >= 0)
    return {
        "phase": upper & phased & (copy[:, None] != copy),
        "parents": upper & ~phased & known & (parent[:, None] != parent),
        "possible": upper & ~phased & alone,
    }


def _first(masks: dict[str, npt.NDArray[np.bool_]], room: int) -> Iterator[tuple[str, int, int]]:
    for basis, mask in masks.items():
        for i, j in np.argwhere(mask)[: max(room, 0)].tolist():
            if room > 0:
                room -= 1
                yield basis, i, j
