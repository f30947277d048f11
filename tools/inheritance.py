"""Variants by how they run in a family: de novo, recessive, dominant, X-linked, compound heterozygous, impossible."""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from ..memory.errors import ToolError
from ..memory.genotype_codes import alleles_of
from .clauses import Clause
from .compound_heterozygous import candidate_patterns, compound_result
from .context import ToolContext
from .dataset import OpenDataset
from .emptiness import why_no_pattern
from .evidence import all_lines, prove, view_command
from .families import Trio, families_of, need_both_parents, trios_of
from .filters import VariantFilter
from .genotype_patterns import ONE_COPY_ALT, Pattern, Role, Thresholds, clause_of, met
from .list_variants import MAX_VALUE, query_options
from .mendelian import mendelian_result
from .registry import Tool
from .result import Evidence, Table, ToolResult
from .selection import Selection, select, selected_blocks
from .text import count_of
from .variant_rows import keys_of, rows_of, variant_rows
from .x_chromosome import Build, HaploidX, haploid_x

MAX_PROVED = 5
"""Children or families whose commands are re-run; of more, the first."""

Records = npt.NDArray[np.int32]


class Inheritance(VariantFilter):
    mode: Literal["de_novo", "recessive", "dominant", "x_linked", "compound_het", "mendelian_errors", "segregation"] = (
        Field(
            description="de_novo: child het, both parents reference; of a son on X: ALT, and the mother reference. "
            "recessive: child homozygous ALT, both parents het. dominant: every affected het, every unaffected "
            "reference. x_linked (recessive): on X outside PAR, a son ALT (haploid or homozygous), mother het, father "
            "reference; a daughter homozygous ALT, mother het, father ALT. compound_het: two variants of a gene, one "
            "on each copy. mendelian_errors: the child's genotype cannot come from the parents'. segregation: every "
            "affected carries an ALT allele (het, homozygous or hemizygous), every unaffected is reference."
        )
    )
    child: str | None = Field(None, description="sample; without it, the affected children of the pedigree, else all")
    father: str | None = Field(None, description="sample; without it, from the pedigree")
    mother: str | None = Field(None, description="sample; without it, from the pedigree")
    child_sex: Literal["male", "female"] | None = Field(None, description="without it, from the pedigree")
    affected: list[str] = Field(
        default_factory=list,
        description="samples for dominant and segregation; empty for those of the pedigree. In recessive: further "
        "ones, who must be homozygous ALT too",
    )
    unaffected: list[str] = Field(
        default_factory=list, description="as `affected`. In recessive: further ones, who must be het or reference"
    )
    missing_parents: Literal["exclude", "as_reference"] = Field(
        "exclude",
        description="whether a missing genotype of a parent, in dominant and segregation of an unaffected one, drops "
        "the record or is taken as reference; one that is missing in part and holds an ALT always drops it",
    )
    min_dp: int | None = Field(None, ge=0, description="least FORMAT/DP of every sample that is looked at")
    min_gq: float | None = Field(None, ge=0, allow_inf_nan=False, description="least FORMAT/GQ, in the same way")
    min_ab: float | None = Field(
        None, ge=0, le=1, description="de_novo: least allele balance of the child, ALT reads by REF and ALT reads"
    )
    max_ab: float | None = Field(None, ge=0, le=1, description="de_novo: largest allele balance of the child")
    build: Build | None = Field(None, description="for the pseudo-autosomal regions; without it, that of the header")
    limit: int = Field(20, ge=1, le=1000, description="rows shown; the total is always told")

    @model_validator(mode="after")
    def _balance_of_de_novo(self) -> Self:
        if self.mode != "de_novo" and (self.min_ab is not None or self.max_ab is not None):
            raise ValueError("`min_ab` and `max_ab` go with de_novo")
        if self.mode not in ("dominant", "segregation", "recessive") and (self.affected or self.unaffected):
            raise ValueError("`affected` and `unaffected` go with dominant, segregation and recessive")
        if self.mode in ("dominant", "segregation") and (self.child or self.father or self.mother):
            raise ValueError(f"{self.mode} takes `affected` and `unaffected`, not child, father and mother")
        return self

    def limits(self) -> Thresholds:
        return Thresholds(self.min_dp, self.min_gq)


@dataclass(frozen=True, slots=True)
class Unit:
    """A child or a family: the patterns asked of it, whose genotypes are shown, and who was taken for whom."""

    name: str
    patterns: list[Pattern]
    members: list[int]
    reading: str
    trio: Trio | None = None


def inheritance(context: ToolContext, wanted: Inheritance) -> ToolResult:
    """The records that run in a family as `mode` says.

    The value is a list of `CHROM:POS:REF:ALT`; for compound_het, such lists by gene; for mendelian_errors, the
    numbers of consistent, wrong and not judged records. With several children or families it is an object of
    these by name. Raises `ToolError` where it is not known who is child, parent or affected.
    """
    data = context.dataset(wanted.dataset)
    data.need_genotypes()
    for name in wanted.limits().fields():
        if name not in data.summary["sample_fields"]:
            raise ToolError(f"{data.name} has no FORMAT/{name}", "Its genotypes cannot be filtered by it")
    if (wanted.min_ab is not None or wanted.max_ab is not None) and "AD" not in data.summary["sample_fields"]:
        raise ToolError(f"{data.name} has no FORMAT/AD, so no allele balance", "Leave out min_ab and max_ab")
    x = haploid_x(data, wanted.build)
    if wanted.mode == "mendelian_errors":
        trios = trios_of(context, data, (wanted.child, wanted.father, wanted.mother), wanted.child_sex, True)
        return mendelian_result(context, data, wanted, trios, x)
    return _by_patterns(context, data, wanted, x)


def _by_patterns(context: ToolContext, data: OpenDataset, wanted: Inheritance, x: HaploidX) -> ToolResult:
    units = _units(context, data, wanted)
    if wanted.mode == "compound_het" and not (wanted.impacts or wanted.consequences):
        wanted = wanted.model_copy(update={"impacts": ["HIGH", "MODERATE"]})
    found = select(data, wanted)
    records = _search(data, wanted, found, units, x)
    compound = wanted.mode == "compound_het"
    result = compound_result(data, wanted, units, records) if compound else _listing(data, wanted, units, records)
    if not any(len(r) for r in records):
        result.text += why_no_pattern(data, wanted, found, [i for u in units for i in u.members])
    result.private = True
    result.reading = [*(u.reading for u in units[:MAX_PROVED]), *_common_reading(wanted, units, x), *found.reading]
    for unit, of_unit in list(zip(units, records, strict=True))[:MAX_PROVED]:
        evidence = _evidence(context, data, wanted, found, unit, of_unit, x)
        if compound and evidence.command:
            evidence.note = f"{evidence.note}; the command gives the candidates, which are paired by gene afterwards"
        result.evidence.append(evidence)
    return result


def _units(context: ToolContext, data: OpenDataset, wanted: Inheritance) -> list[Unit]:
    if wanted.mode in ("dominant", "segregation"):
        return [_family_unit(data, wanted, f) for f in families_of(context, data, wanted.affected, wanted.unaffected)]
    trios = trios_of(context, data, (wanted.child, wanted.father, wanted.mother), wanted.child_sex)
    return [_trio_unit(data, wanted, trio) for trio in trios]


def _family_unit(data: OpenDataset, wanted: Inheritance, family: Any) -> Unit:
    genotype = "het" if wanted.mode == "dominant" else "carrier"
    lenient = wanted.missing_parents == "as_reference"
    roles = [Role(i, (genotype,)) for i in family.affected]
    roles += [Role(i, ("reference",), lenient) for i in family.unaffected]
    members = [*family.affected, *family.unaffected]
    return Unit(family.name, [Pattern(tuple(roles))], members, f"{family.name}: {family.in_words(data.samples)}")


def _trio_unit(data: OpenDataset, wanted: Inheritance, trio: Trio) -> Unit:
    lenient = wanted.missing_parents == "as_reference"
    if wanted.mode == "compound_het":
        patterns = candidate_patterns(data, trio, lenient)
    else:
        patterns = _PATTERNS[wanted.mode](trio, *need_both_parents(data, trio), lenient)
    more = [Role(data.sample_index(s), ("hom_alt",)) for s in wanted.affected]
    more += [Role(data.sample_index(s), ("het", "reference")) for s in wanted.unaffected]
    patterns = [Pattern((*p.roles, *more), p.place) for p in patterns]
    members = list(dict.fromkeys([*trio.members(), *(role.sample for role in more)]))
    return Unit(data.samples[trio.child], patterns, members, trio.in_words(data.samples), trio)


def _de_novo(trio: Trio, father: int, mother: int, lenient: bool) -> list[Pattern]:
    reference = [Role(i, ("reference",), lenient) for i in (father, mother)]
    ordinary = (Role(trio.child, ("het",)), *reference)
    if trio.sex != "male":
        return [Pattern(ordinary)]
    return [Pattern(ordinary, "elsewhere"), Pattern((Role(trio.child, ONE_COPY_ALT), reference[1]), "haploid_x")]


def _recessive(trio: Trio, father: int, mother: int, lenient: bool) -> list[Pattern]:
    return [Pattern((Role(trio.child, ("hom_alt",)), Role(father, ("het",)), Role(mother, ("het",))))]


def _x_linked(trio: Trio, father: int, mother: int, lenient: bool) -> list[Pattern]:
    if trio.sex is None:
        raise ToolError("X-linked inheritance differs between sons and daughters", "Say the sex with `child_sex`")
    if trio.sex == "male":
        roles = [Role(trio.child, ONE_COPY_ALT), Role(mother, ("het",)), Role(father, ("reference",), lenient)]
    else:
        roles = [Role(trio.child, ("hom_alt",)), Role(mother, ("het",)), Role(father, ONE_COPY_ALT)]
    return [Pattern(tuple(roles), "haploid_x")]


_PATTERNS = {"de_novo": _de_novo, "recessive": _recessive, "x_linked": _x_linked}


def _search(data: OpenDataset, wanted: Inheritance, found: Selection, units: list[Unit], x: HaploidX) -> list[Records]:
    """For each unit the records that meet its patterns."""
    limits, on_x = wanted.limits(), x.records(data)
    kept: list[list[Records]] = [[np.array([], dtype=np.int32)] for _ in units]
    for records, block in selected_blocks(data, found, ["gt", *(f.lower() for f in limits.fields())]):
        there = np.isin(records, on_x, assume_unique=True)
        for unit, of_unit in zip(units, kept, strict=True):
            of_unit.append(records[met(data, unit.patterns, block, there, limits)])
    joined = [np.concatenate(of_unit) for of_unit in kept]
    if wanted.min_ab is None and wanted.max_ab is None:
        return joined
    return [_balanced(data, wanted, u.trio.child, r) for u, r in zip(units, joined, strict=True) if u.trio]


def _balanced(data: OpenDataset, wanted: Inheritance, child: int, records: Records) -> Records:
    """The records in which the balance of every ALT allele that the child carries lies in the range."""
    rows = rows_of(data, ["record", "allele", "gt", "ad_ref", "ad_alt"], records)
    least, largest = (b if b is not None else end for b, end in ((wanted.min_ab, 0.0), (wanted.max_ab, 1.0)))
    out = set()
    for row in rows.to_pylist():
        if row["allele"] in alleles_of(data.codes.texts[row["gt"][child]]):
            ref, alt = row["ad_ref"][child], row["ad_alt"][child]
            known = ref is not None and alt is not None and ref >= 0 and alt >= 0 and ref + alt > 0
            if not known or not least <= alt / (ref + alt) <= largest:
                out.add(row["record"])
    return np.array([r for r in records.tolist() if r not in out], dtype=np.int32)


_NAMES = {
    "de_novo": "de novo candidate", "recessive": "recessive candidate", "x_linked": "X-linked candidate",
    "dominant": "dominant candidate", "segregation": "variant that segregates with the disease",
}  # fmt: skip


def _listing(data: OpenDataset, wanted: Inheritance, units: list[Unit], records: list[Records]) -> ToolResult:
    keys = {u.name: keys_of(data, r[:MAX_VALUE]) for u, r in zip(units, records, strict=True)}
    noun = _NAMES[wanted.mode]
    numbers = [f"{u.name}: {_many(len(r), noun)}" for u, r in zip(units, records, strict=True)]
    value = keys if len(units) > 1 else keys[units[0].name]
    result = ToolResult(f"In {data.name}, {'; '.join(numbers)}.", value, "records")
    result.tables.append(_table(data, wanted, units, records))
    return result


def _many(number: int, noun: str) -> str:
    head, _, tail = noun.partition(" that ")
    verb = tail if number == 1 else tail.replace("segregates", "segregate")
    return count_of(number, head) + (f" that {verb}" if tail else "")


def _table(data: OpenDataset, wanted: Inheritance, units: list[Unit], records: list[Records]) -> Table:
    columns: list[str] = []
    rows: list[list[Any]] = []
    for unit, of_unit in zip(units, records, strict=True):
        shown = of_unit[: wanted.limit - len(rows)]
        columns, told = variant_rows(data, shown)
        calls = rows_of(data, ["record", "allele", "gt"], shown).to_pylist()
        texts = [_calls(data, unit, row["gt"]) for row in calls if row["allele"] <= 1]
        rows += [[unit.name, *row, text] for row, text in zip(told, texts, strict=True)]
    total = sum(len(r) for r in records)
    return Table(wanted.mode, ["of", *columns, "genotypes"], rows, total, len(rows) < total)


def _calls(data: OpenDataset, unit: Unit, codes: list[int]) -> str:
    named = [f"{data.samples[i]} {data.codes.texts[codes[i]]}" for i in unit.members[:20]]
    return ", ".join(named) + (f" and {len(unit.members) - 20} more" if len(unit.members) > 20 else "")


def _common_reading(wanted: Inheritance, units: list[Unit], x: HaploidX) -> list[str]:
    mode = wanted.mode
    on_x = mode == "x_linked" or any(p.place != "anywhere" for u in units for p in u.patterns)
    told = [
        _READINGS[mode],
        "a missing genotype of a parent or unaffected sample is taken as reference, whatever its depth and quality"
        if wanted.missing_parents == "as_reference"
        else "a missing genotype is no reference: the record is left out",
        *([x.reading] if on_x else []),
    ]
    limits = [f"{name} >= {least:g}" for name, least in wanted.limits().fields().items()]
    told += [f"{' and '.join(limits)} in every sample looked at; an absent value fails"] if limits else []
    if wanted.min_ab is not None or wanted.max_ab is not None:
        told.append(f"allele balance of the child from {wanted.min_ab or 0:g} to {wanted.max_ab or 1:g}, from AD")
    if len(units) > MAX_PROVED:
        told.append(f"{len(units)} children or families; the first {MAX_PROVED} are told and proved")
    return told


_READINGS = {
    "de_novo": "de novo: child heterozygous, both parents reference; of a son on X outside PAR: ALT, with a reference "
    "mother; Y and MT are read like autosomes; a homozygous child of reference parents is told by mendelian_errors",
    "recessive": "recessive: child homozygous ALT, both parents heterozygous; hemizygous calls are not homozygous",
    "x_linked": "X-linked recessive: a son hemizygous ALT (haploid, or written as homozygous), mother heterozygous, "
    "father reference; a daughter homozygous ALT, mother heterozygous, father ALT",
    "dominant": "dominant: every affected sample heterozygous, every unaffected one reference",
    "segregation": "segregates: every affected sample carries an ALT allele, every unaffected one is reference",
    "compound_het": "compound heterozygous: two heterozygous variants in one gene, one on each copy; a variant counts "
    "for a gene by its most severe consequence there",
}


def _evidence(
    context: ToolContext, data: OpenDataset, wanted: Inheritance, found: Selection, unit: Unit, records: Records,
    x: HaploidX,
) -> Evidence:  # fmt: skip
    clauses = [*found.clauses, clause_of(data, unit.patterns, x, wanted.limits())]
    if wanted.min_ab is not None or wanted.max_ab is not None:
        clauses.append(_balance_clause(data, wanted, unit))
    command = view_command(data, clauses)
    command.arguments = ["query", "-f", r"%CHROM:%POS:%REF:%ALT\n", *query_options(command.arguments[2:])]
    command.then, command.read = "", all_lines
    if len(records) > MAX_VALUE:
        command.then, command.read = "wc -l", lambda output: len(all_lines(output))
        return prove(context, data, "inheritance", wanted, command, len(records))
    return prove(context, data, "inheritance", wanted, command, keys_of(data, records))


def _balance_clause(data: OpenDataset, wanted: Inheritance, unit: Unit) -> Clause:
    child = unit.trio.child if unit.trio else 0
    balance = f"FMT/AD[{child}:1]/(FMT/AD[{child}:0]+FMT/AD[{child}:1])"
    ends = [(">=", wanted.min_ab), ("<=", wanted.max_ab)]
    several = "bcftools would take the reads of the first ALT allele for all" * bool(data.summary["multiallelic"])
    return Clause(
        "",
        expression=" && ".join(f"{balance}{op}{end:g}" for op, end in ends if end is not None),
        unprovable=several,
    )


TOOL = Tool(
    "inheritance",
    "Variants by how they run in a family: de novo, recessive, dominant, X-linked, compound heterozygous, Mendelian "
    "errors, segregation with a disease. The family comes from a pedigree or from named samples; all filters on "
    "variants apply. Returns the variants and who was taken for child, father and mother.",
    Inheritance,
    inheritance,
    example={"mode": "de_novo", "min_dp": 10, "min_gq": 20},
)
