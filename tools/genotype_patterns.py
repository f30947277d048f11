"""Patterns of genotypes over the members of a family, each for the table's blocks and for bcftools."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..memory.genotype_codes import Genotype, alleles_of
from .clauses import Clause
from .dataset import Matrix, OpenDataset
from .selection import BCFTOOLS_GT, CLASSES
from .x_chromosome import HaploidX

Mask = npt.NDArray[np.bool_]
ONE_COPY_ALT = ("hom_alt", "hemizygous_alt")
"""How files write the ALT of a male on X: haploid, or as if there were two copies."""


@dataclass(frozen=True, slots=True)
class Role:
    """One sample (0-based column) and the genotypes it may have, by their names in `GenotypeCondition`.

    `or_missing`: a genotype with a missing allele and no ALT will do too, whatever its depth and quality.
    """

    sample: int
    genotypes: tuple[str, ...]
    or_missing: bool = False


@dataclass(frozen=True, slots=True)
class Pattern:
    """Roles that all must be met, in the place where the pattern holds."""

    roles: tuple[Role, ...]
    place: Literal["anywhere", "haploid_x", "elsewhere"] = "anywhere"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The least FORMAT/DP and GQ of every sample of a pattern; a sample without the value fails."""

    dp: int | None = None
    gq: float | None = None

    def fields(self) -> dict[str, float]:
        return {name: value for name, value in (("DP", self.dp), ("GQ", self.gq)) if value is not None}


def met(data: OpenDataset, patterns: list[Pattern], block: dict[str, Matrix], on_x: Mask, limits: Thresholds) -> Mask:
    """The records of a block that meet any of the patterns; `on_x` says which lie on X outside PAR."""
    found = np.zeros(len(on_x), dtype=bool)
    for pattern in patterns:
        held = {"anywhere": np.ones_like(on_x), "haploid_x": on_x, "elsewhere": ~on_x}[pattern.place].copy()
        for role in pattern.roles:
            held &= _plays(data, role, block, limits)
        found |= held
    return found


def _plays(data: OpenDataset, role: Role, block: dict[str, Matrix], limits: Thresholds) -> Mask:
    codes = block["gt"][:, role.sample]
    held = is_any_of(data, role.genotypes)[codes]
    for name, least in limits.fields().items():
        held &= block[name.lower()][:, role.sample] >= least
    return held | missing_without_alt(data)[codes] if role.or_missing else held


def is_any_of(data: OpenDataset, genotypes: tuple[str, ...]) -> Mask:
    """For each code of the dataset, whether it is one of these genotypes."""
    return np.isin(data.codes.classes(), [int(c) for name in genotypes for c in CLASSES[name]])


def missing_without_alt(data: OpenDataset) -> Mask:
    """For each code, whether an allele is missing and none is ALT: `./.` and `0/.`."""
    return np.array([None in (a := alleles_of(t)) and not any(a) for t in data.codes.texts] or [False])


def clause_of(data: OpenDataset, patterns: list[Pattern], x: HaploidX, limits: Thresholds) -> Clause:
    """The same for `bcftools view`."""
    texts = [t for p in patterns if (t := _expression(p, x, limits))]
    clause = Clause("", expression=texts[0] if len(texts) == 1 else "(" + " || ".join(f"({t})" for t in texts) + ")")
    if any(role.or_missing for p in patterns for role in p.roles):
        if data.codes.with_class(Genotype.PARTIAL):
            clause.unprovable = "a genotype with one missing allele may carry an ALT, which bcftools cannot tell"
        elif data.records_without_genotypes:
            clause.unprovable = "some records have no GT at all; they count as missing here, and not in bcftools"
    if not texts:
        clause.unprovable = "the file has no place where the pattern could hold"
    return clause


def _expression(pattern: Pattern, x: HaploidX, limits: Thresholds) -> str:
    if pattern.place == "haploid_x" and x.contig is None:
        return ""
    place = "" if pattern.place == "anywhere" else x.expression(pattern.place == "haploid_x")
    return " && ".join([*([place] if place else []), *(_role_expression(r, limits) for r in pattern.roles)])


def _role_expression(role: Role, limits: Thresholds) -> str:
    i = role.sample
    terms = [f"GT[{i}]{BCFTOOLS_GT[name]}" for name in role.genotypes]
    text = terms[0] if len(terms) == 1 else f"({' || '.join(terms)})"
    text = " && ".join([text, *(f"FMT/{name}[{i}]>={least:g}" for name, least in limits.fields().items())])
    if not role.or_missing:
        return text
    return f'(GT[{i}]="mis" || {text})' if len(limits.fields()) == 0 else f'(GT[{i}]="mis" || ({text}))'
