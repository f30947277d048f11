"""What a family says of an allele for ACMG/AMP criteria: de novo, segregation, in trans or in cis."""

from dataclasses import dataclass, replace

from ..memory.errors import ToolError
from ..memory.genotype_codes import alleles_of
from .acmg_facts import Facts, Row, call, copies, pathogenic_in_gene
from .compound_heterozygous import has_phase
from .context import ToolContext
from .dataset import OpenDataset
from .families import Family, Trio, families_of, trios_of
from .inheritance import Inheritance, inheritance
from .variant_rows import variant_key


@dataclass(frozen=True, slots=True)
class DeNovo:
    """`found`: de novo by genotypes (true), inherited (false) or not to be told (null); `why` in words."""

    found: bool | None
    why: str
    affected: bool | None = None


def de_novo(context: ToolContext, data: OpenDataset, facts: Facts, proband: str | None) -> DeNovo:
    """Whether the proband, else the first affected carrier with both parents, has the allele de novo."""
    try:
        trios = trios_of(context, data, (proband, None, None), None)
    except ToolError as error:
        return DeNovo(None, error.what)
    carriers = [t for t in trios if copies(data, facts.row, t.child)]
    if not carriers:
        said = ", ".join(f"{data.samples[t.child]} {call(data, facts, t.child)}" for t in trios[:5])
        return DeNovo(None, f"no affected child with known parents carries it ({said})")
    trio = carriers[0]
    child, told = data.samples[trio.child], _genotypes(data, facts, trio)
    status = (p := context.pedigree_of(data)) and p.status(child)
    affected = None if status is None else status == "affected"
    if trio.father is None or trio.mother is None:
        return DeNovo(None, f"a parent of {child} is not known, or not in the file", affected)
    if _is_de_novo(context, data, facts, child):
        return DeNovo(True, told, affected)
    giver = [data.samples[p] for p in (trio.father, trio.mother) if _carries(data, facts.row, p)]
    return DeNovo(False if giver else None, told, affected)


def _is_de_novo(context: ToolContext, data: OpenDataset, facts: Facts, child: str) -> bool:
    """As the tool for inheritance tells it, with X and Y as it reads them."""
    place = f"{facts.row['chrom']}:{facts.row['pos']}-{facts.row['pos']}"
    asked = Inheritance(mode="de_novo", child=child, regions=[place])
    found = inheritance(replace(context, datasets=[data], verify_seconds=0.0), asked)
    whole = facts.row["whole_alts"] or facts.row["alt"]
    return variant_key(facts.row["chrom"], facts.row["pos"], facts.row["ref"], whole) in found.value


def _genotypes(data: OpenDataset, facts: Facts, trio: Trio) -> str:
    return ", ".join(f"{data.samples[i]} {call(data, facts, i)}" for i in trio.members())


def _carries(data: OpenDataset, row: Row, sample: int) -> bool:
    return row["allele"] in alleles_of(data.codes.texts[row["gt"][sample]])


@dataclass(frozen=True, slots=True)
class Segregation:
    """Samples of the families in which an affected member carries the allele; `with_it` as the mode asks for it."""

    affected_with_it: list[str]
    affected_without: list[str]
    unaffected_with_it: list[str]
    unaffected_without: list[str]
    missing: list[str]

    def in_words(self) -> str:
        parts = [("affected with it", self.affected_with_it), ("affected without", self.affected_without),
                 ("unaffected with it", self.unaffected_with_it), ("unaffected without", self.unaffected_without),
                 ("genotype missing", self.missing)]  # fmt: skip
        return "; ".join(f"{what}: {', '.join(names)}" for what, names in parts if names)


def segregation(context: ToolContext, data: OpenDataset, facts: Facts, mode: str | None) -> Segregation | str:
    """Who has the allele in the families of the pedigree, or why that is not known.

    With it: a carrier, or for `mode` recessive one without another allele.
    """
    try:
        families = families_of(context, data, [], [])
    except ToolError as error:
        return error.what
    found = Segregation([], [], [], [], [])
    for family in families:
        if any(_with_it(data, facts.row, i, mode) for i in family.affected):
            _add_family(data, facts.row, family, mode, found)
    return found if found.affected_with_it else "no affected member of a family in the pedigree has it"


def _add_family(data: OpenDataset, row: Row, family: Family, mode: str | None, found: Segregation) -> None:
    for members, have, lack in (
        (family.affected, found.affected_with_it, found.affected_without),
        (family.unaffected, found.unaffected_with_it, found.unaffected_without),
    ):
        for i in members:
            with_it = _with_it(data, row, i, mode)
            (found.missing if with_it is None else have if with_it else lack).append(data.samples[i])


def _with_it(data: OpenDataset, row: Row, sample: int, mode: str | None) -> bool | None:
    number = copies(data, row, sample)
    if number is None:
        return None
    ploidy = len(alleles_of(data.codes.texts[row["gt"][sample]]))
    return number == ploidy if mode == "recessive" else number > 0


@dataclass(frozen=True, slots=True)
class Partner:
    """Another variant of the gene that the file calls pathogenic, which the sample has too; side `trans`, `cis`, ``."""

    key: str
    significance: str
    side: str
    by: str


def partners(
    context: ToolContext, data: OpenDataset, facts: Facts, proband: str | None
) -> tuple[str | None, list[Partner]]:
    """The sample that is looked at, null where nobody can be, and the pathogenic partners of the allele in it."""
    sample = _who(context, data, facts, proband)
    if sample is None:
        return None, []
    trio = trios_of(context, data, (data.samples[sample], None, None), None)[0]
    return data.samples[sample], [
        _partner(data, facts, row, trio) for row in pathogenic_in_gene(data, facts) if _carries(data, row, sample)
    ]


def _who(context: ToolContext, data: OpenDataset, facts: Facts, proband: str | None) -> int | None:
    pedigree = context.pedigree_of(data)
    if proband is not None:
        chosen = [data.sample_index(proband)]
    elif pedigree:
        chosen = [data.samples.index(s) for s in pedigree.affected() if s in data.samples]
    else:
        chosen = [0] if len(data.samples) == 1 else []
    return next((i for i in chosen if "GT" in data.summary["sample_fields"] and _carries(data, facts.row, i)), None)


def _partner(data: OpenDataset, facts: Facts, row: Row, trio: Trio) -> Partner:
    key = variant_key(row["chrom"], row["pos"], row["ref"], row["alt"])
    significance = str(row[data.info[(facts.significance_field or "").removeprefix("INFO/")].column])
    own, other = _copy(data, facts.row, trio.child), _copy(data, row, trio.child)
    if has_phase(data) and own is not None and other is not None:
        return Partner(key, significance, "cis" if own == other else "trans", "phase")
    own, other = _giver(data, facts.row, trio), _giver(data, row, trio)
    if own is not None and other is not None:
        return Partner(key, significance, "cis" if own == other else "trans", "the parents' genotypes")
    return Partner(key, significance, "", "")


def _copy(data: OpenDataset, row: Row, sample: int) -> int | None:
    """The copy of the chromosome that the allele is on, by a phased heterozygous genotype."""
    text = data.codes.texts[row["gt"][sample]]
    alleles = alleles_of(text)
    phased = "|" in text and "/" not in text and len(alleles) == 2
    return alleles.index(row["allele"]) if phased and alleles.count(row["allele"]) == 1 else None


def _giver(data: OpenDataset, row: Row, trio: Trio) -> int | None:
    """0 where the father alone has the allele and 1 where the mother alone does, of a heterozygous child."""
    if trio.father is None or trio.mother is None or copies(data, row, trio.child) != 1:
        return None
    father, mother = copies(data, row, trio.father), copies(data, row, trio.mother)
    if father is None or mother is None or bool(father) == bool(mother):
        return None
    return 0 if father else 1
