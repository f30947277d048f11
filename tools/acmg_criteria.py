"""The 28 ACMG/AMP criteria of 2015, each judged by what a file and its pedigree hold, or not at all."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from .acmg_facts import (
    Change,
    Facts,
    Row,
    copies,
    entries_of_allele,
    pathogenic_in_gene,
    protein_changes,
    scores,
    splice_delta,
    text_of,
)
from .acmg_family import DeNovo, Partner, Segregation, de_novo, partners, segregation
from .context import ToolContext
from .dataset import OpenDataset
from .variant_rows import variant_key

State = Literal["met", "not met", "not assessed"]
NULL = {"transcript_ablation", "splice_acceptor_variant", "splice_donor_variant", "stop_gained", "frameshift_variant",
        "start_lost"}  # fmt: skip
IN_FRAME = {"inframe_insertion", "inframe_deletion"}
COUNTED_FIELDS = "population frequencies alone count, not those of this file's own samples"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question may add to the file: see the arguments of `acmg_worksheet`."""

    proband: str | None = None
    lof_genes: tuple[str, ...] = ()
    inheritance: str | None = None
    pm2_below: float | None = None
    bs1_above: float | None = None
    absent_frequency: str = "not_assessed"


@dataclass(frozen=True, slots=True)
class Judgement:
    state: State
    evidence: str
    needed: str = ""


@dataclass(slots=True)
class Case:
    """All that the criteria look at, so that a family is read once."""

    data: OpenDataset
    facts: Facts
    asked: Asked
    de_novo: DeNovo
    segregation: Segregation | str
    sample: str | None
    partners: list[Partner]
    pathogenic: list[Row] = field(default_factory=list)

    def has(self, *terms: str) -> bool:
        return not set(self.facts.terms()).isdisjoint(terms)


@cache
def table() -> dict[str, Any]:
    """`acmg_criteria.toml`: thresholds, predictors, and the criteria by their code."""
    return tomllib.loads(Path(__file__).with_name("acmg_criteria.toml").read_text(encoding="utf-8"))


def judge(context: ToolContext, data: OpenDataset, facts: Facts, asked: Asked) -> dict[str, Judgement]:
    """Every criterion in the order of the guideline's tables."""
    has_samples = bool(data.samples) and "GT" in data.summary["sample_fields"]
    nobody = "the file has no genotypes"
    sample, found = partners(context, data, facts, asked.proband) if has_samples else (None, [])
    case = Case(
        data, facts, asked,
        de_novo(context, data, facts, asked.proband) if has_samples else DeNovo(None, nobody),
        segregation(context, data, facts, asked.inheritance) if has_samples else nobody,
        sample, found, list(pathogenic_in_gene(data, facts)),
    )  # fmt: skip
    return {code: _RULES.get(code, _outside)(case) for code in table()["criteria"]}


def _outside(case: Case) -> Judgement:
    return Judgement("not assessed", "nothing of this is in the file")


def _unless_annotated(rule: Callable[[Case], Judgement]) -> Callable[[Case], Judgement]:
    """Criteria on the consequence are open where the annotation says nothing of the allele."""

    def judged(case: Case) -> Judgement:
        if case.facts.terms():
            return rule(case)
        return Judgement(
            "not assessed", "the file has no consequence for this allele", "annotate it with VEP or SnpEff"
        )

    return judged


def _said(case: Case) -> str:
    """`CSQ: stop_gained in TOYA`."""
    tag = case.data.summary["annotation"]["tag"]
    gene = f" in {case.facts.gene}" if case.facts.gene else ""
    return f"{tag}: {', '.join(case.facts.terms())}{gene}"


@_unless_annotated
def _pvs1(case: Case) -> Judgement:
    if not case.has(*NULL):
        return Judgement("not met", f"{_said(case)}; none is a null consequence")
    spared = [e for e in case.facts.entries if NULL.isdisjoint(text_of(e, "consequence").split("&"))]
    main = [e for e in spared if text_of(e, "canonical") == "YES" or e.get("MANE_SELECT")]
    if case.facts.gene is None or case.facts.gene.upper() not in {g.upper() for g in case.asked.lof_genes}:
        return Judgement("not assessed", f"{_said(case)}; the gene's mechanism is not in the file")
    if main:
        return Judgement(
            "not assessed", f"{_said(case)}, but not in the canonical transcript", "which transcript matters"
        )
    some = f", though not in {len(spared)} of {len(case.facts.entries)} entries of the gene" if spared else ""
    return Judgement(
        "met", f"{_said(case)}{some}; {case.facts.gene} is named in lof_genes",
        "the strength: decision tree of Abou Tayoun et al. 2018 (nonsense-mediated decay, last exon, transcript)",
    )  # fmt: skip


def _same_residue(case: Case, same_change: bool) -> Judgement:
    """PS1 and PM5: pathogenic records of the file at the residue, with the same or another amino acid."""
    if not case.has("missense_variant"):
        return Judgement("not met", f"{_said(case)}; not missense")
    own = protein_changes(case.facts.entries)
    if not own:
        return Judgement("not assessed", "the annotation has no protein change (HGVSp) for it")
    if case.facts.significance_field is None:
        return Judgement("not assessed", "the file has no clinical significance (INFO/CLNSIG)")
    for row in case.pathogenic:
        if told := _at_residue(case, row, own, same_change):
            return Judgement("met", told, "the evidence behind that record, and that splicing is not the mechanism")
    change = ", ".join(dict.fromkeys(f"{a}{n}{b}" for a, n, b in own.values()))
    return Judgement(
        "not assessed",
        f"{change}: no other record of the file is called pathogenic at this residue; ClinVar itself is not here",
    )


def _at_residue(case: Case, row: Row, own: dict[str, Change], same_change: bool) -> str | None:
    """A pathogenic record in words, where it changes a residue of a same transcript in the way that is asked for."""
    entries = [e for e in entries_of_allele(case.data, row) if text_of(e, "gene") == case.facts.gene]
    theirs = protein_changes(entries)
    for transcript, (ref, residue, alt) in own.items():
        there = theirs.get(transcript)
        if there and there[:2] == (ref, residue) and there[2] not in (ref, "Ter") and (there[2] == alt) == same_change:
            key = variant_key(row["chrom"], row["pos"], row["ref"], row["alt"])
            return f"{key} ({ref}{residue}{there[2]} in {transcript}) is {_significance_of(case, row)}"
    return None


def _significance_of(case: Case, row: Row) -> str:
    name = str(case.facts.significance_field)
    return f"{row[case.data.info[name.removeprefix('INFO/')].column]} by {name}"


@_unless_annotated
def _ps1(case: Case) -> Judgement:
    return _same_residue(case, True)


@_unless_annotated
def _pm5(case: Case) -> Judgement:
    return _same_residue(case, False)


def _ps2(case: Case) -> Judgement:
    if case.de_novo.found is False:
        return Judgement("not met", f"inherited: {case.de_novo.why}")
    if case.de_novo.found:
        return Judgement(
            "not assessed", f"de novo by genotypes ({case.de_novo.why}); parentage is not confirmed: see PM6"
        )
    return Judgement("not assessed", case.de_novo.why)


def _pm6(case: Case) -> Judgement:
    if case.de_novo.found is False:
        return Judgement("not met", f"inherited: {case.de_novo.why}")
    if case.de_novo.found and case.de_novo.affected:
        return Judgement(
            "met", f"{case.de_novo.why}; the child is affected in the pedigree", "confirmed parentage for PS2"
        )
    if case.de_novo.found:
        return Judgement(
            "not assessed", f"de novo by genotypes ({case.de_novo.why}), but the child is not known as affected"
        )
    return Judgement("not assessed", case.de_novo.why)


def _known_frequencies(case: Case) -> tuple[dict[str, float], str]:
    """The frequencies that the file has of the allele, and why not where it has none."""
    known = {n: v for n, v in case.facts.frequencies.items() if v is not None}
    if known:
        return known, ""
    if case.facts.ambiguous:
        return {}, f"{', '.join(case.facts.ambiguous)} does not say which ALT allele it speaks of"
    names = list(case.facts.frequencies)
    if not names:
        return {}, f"the file has no population frequency; {COUNTED_FIELDS}"
    return {}, f"{', '.join(names[:4])} absent in the record, which is not absence from the population"


def _highest(known: dict[str, float]) -> tuple[str, float]:
    name = max(known, key=lambda n: known[n])
    return name, known[name]


def _pm2(case: Case) -> Judgement:
    known, why = _known_frequencies(case)
    limit = case.asked.pm2_below if case.asked.pm2_below is not None else table()["thresholds"]["PM2_below"]
    if not known:
        if case.asked.absent_frequency == "absence" and case.facts.frequencies and not case.facts.ambiguous:
            return Judgement(
                "met", f"{', '.join(case.facts.frequencies)} absent, read as absence because the question says so"
            )
        return Judgement("not assessed", why)
    name, value = _highest(known)
    below = value < limit
    return Judgement("met" if below else "not met", f"{name} {value:.6g} {'<' if below else '>='} {limit:g}")


def _above(case: Case, limit: float) -> Judgement:
    known, why = _known_frequencies(case)
    if not known:
        return Judgement("not assessed", why)
    name, value = _highest(known)
    return Judgement(
        "met" if value > limit else "not met", f"{name} {value:.6g} {'>' if value > limit else '<='} {limit:g}"
    )


def _ba1(case: Case) -> Judgement:
    return _above(case, table()["thresholds"]["BA1_above"])


def _bs1(case: Case) -> Judgement:
    if case.asked.bs1_above is None:
        return Judgement("not assessed", "no threshold for the disorder was given")
    return _above(case, case.asked.bs1_above)


def _partners_told(case: Case) -> Judgement | None:
    """What PM3 and BP2 say alike: that nothing can be told, or that there is no partner."""
    if case.facts.gene is None:
        return Judgement("not assessed", "the annotation names no gene")
    if case.facts.significance_field is None:
        return Judgement("not assessed", "the file has no clinical significance (INFO/CLNSIG)")
    if case.sample is None:
        return Judgement("not assessed", "no affected sample that carries it is known; name one as `proband`")
    if not case.partners and (copies(case.data, case.facts.row, case.data.samples.index(case.sample)) or 0) > 1:
        return Judgement("not assessed", f"{case.sample} is homozygous, so there is no other variant to pair it with")
    if not case.partners:
        told = f"{case.sample} carries no other variant of {case.facts.gene} that the file calls pathogenic"
        return Judgement("not met", told)
    if not any(p.side for p in case.partners):
        keys = ", ".join(p.key for p in case.partners[:3])
        return Judgement("not assessed", f"{case.sample} also carries {keys}; neither phase nor parents tell the copy")
    return None


def _partner_words(case: Case, found: list[Partner]) -> str:
    p = found[0]
    return f"in {case.sample} in {p.side} with {p.key} ({p.significance}), by {p.by}"


def _pm3(case: Case) -> Judgement:
    if told := _partners_told(case):
        return told
    trans = [p for p in case.partners if p.side == "trans"]
    if not trans:
        return Judgement("not met", _partner_words(case, [p for p in case.partners if p.side]))
    if case.asked.inheritance == "dominant":
        return Judgement("not met", f"{_partner_words(case, trans)}, but the disorder is said to be dominant: see BP2")
    if case.asked.inheritance is None:
        return Judgement("not assessed", f"{_partner_words(case, trans)}; the mode of inheritance is not given")
    return Judgement("met", f"{_partner_words(case, trans)}; the disorder is said to be recessive")


def _bp2(case: Case) -> Judgement:
    if told := _partners_told(case):
        return told
    if cis := [p for p in case.partners if p.side == "cis"]:
        return Judgement("met", _partner_words(case, cis))
    trans = [p for p in case.partners if p.side == "trans"]
    if case.asked.inheritance == "dominant":
        return Judgement("met", f"{_partner_words(case, trans)}; the disorder is said to be dominant")
    if case.asked.inheritance is None:
        return Judgement("not assessed", f"{_partner_words(case, trans)}; the mode of inheritance is not given")
    return Judgement("not met", f"{_partner_words(case, trans)}; the disorder is said to be recessive: see PM3")


@_unless_annotated
def _pm4(case: Case) -> Judgement:
    if case.has("stop_lost"):
        return Judgement("met", _said(case))
    if case.has(*IN_FRAME):
        return Judgement("not assessed", f"{_said(case)}; whether it lies in a repeat is not in the file")
    return Judgement("not met", f"{_said(case)}; neither in-frame nor a loss of the stop")


@_unless_annotated
def _bp3(case: Case) -> Judgement:
    if case.has(*IN_FRAME):
        return Judgement("not assessed", f"{_said(case)}; whether it lies in a repeat is not in the file")
    return Judgement("not met", f"{_said(case)}; not an in-frame insertion or deletion")


@_unless_annotated
def _missense_gene(case: Case) -> Judgement:
    """PP2 and BP1 ask of the gene; a variant that is not missense meets neither."""
    if case.has("missense_variant"):
        return Judgement("not assessed", f"{_said(case)}; the gene's mechanism is not in the file")
    return Judgement("not met", f"{_said(case)}; not missense")


def _pp1(case: Case) -> Judgement:
    found = case.segregation
    if isinstance(found, str):
        return Judgement("not assessed", found)
    if found.affected_without:
        return Judgement("not met", found.in_words())
    if len(found.affected_with_it) < 2:
        return Judgement("not assessed", f"{found.in_words()}; one affected member tells nothing of segregation")
    if found.unaffected_with_it:
        return Judgement(
            "not assessed", f"{found.in_words()}; penetrance and mode decide what the unaffected ones mean"
        )
    return Judgement("met", found.in_words(), "the number of meioses for the strength (Jarvik and Browning 2016)")


def _bs4(case: Case) -> Judgement:
    found = case.segregation
    if isinstance(found, str):
        return Judgement("not assessed", found)
    if found.affected_without:
        return Judgement("met", found.in_words(), "that the affected without it is no phenocopy")
    if len(found.affected_with_it) < 2:
        return Judgement("not assessed", f"{found.in_words()}; one affected member tells nothing of segregation")
    return Judgement("not met", found.in_words())


@_unless_annotated
def _pp3(case: Case) -> Judgement:
    return _computed(case, "PP3")


@_unless_annotated
def _bp4(case: Case) -> Judgement:
    return _computed(case, "BP4")


def _computed(case: Case, direction: str) -> Judgement:
    limits = table()["thresholds"]
    if case.has(*NULL):
        return Judgement("not assessed", f"{_said(case)}; scores are not counted beside a null consequence (PVS1)")
    splice = splice_delta(case.data, case.facts)
    if splice and splice[1] >= limits["splice_PP3_from"]:
        told = f"{splice[0]} {splice[1]:g} >= {limits['splice_PP3_from']:g}: an effect on splicing"
        return Judgement("met" if direction == "PP3" else "not met", told)
    if case.has("missense_variant"):
        return _missense_score(case, direction)
    if splice is None:
        return Judgement("not assessed", f"{_said(case)}; no splicing score (SpliceAI) in the file")
    quiet = splice[1] <= limits["splice_BP4_to"]
    told = f"{splice[0]} {splice[1]:g}, limits {limits['splice_BP4_to']:g} and {limits['splice_PP3_from']:g}"
    return Judgement("met" if quiet and direction == "BP4" else "not met", told)


def _missense_score(case: Case, direction: str) -> Judgement:
    for predictor in table()["predictors"]:
        name, numbers = scores(case.data, case.facts, predictor["fields"])
        if numbers:
            higher = predictor["worse"] == "higher"
            value = max(numbers) if higher else min(numbers)
            upwards = higher == (direction == "PP3")
            reached = [s for s, at in predictor[direction].items() if (value >= at if upwards else value <= at)]
            at = predictor[direction]["supporting"]
            told = f"{predictor['name']} {value:g} ({name}) {_sign(upwards, bool(reached))} {at:g}"
            return (
                Judgement("met", f"{told}; {reached[-1]} by Pejaver et al. 2022")
                if reached
                else Judgement("not met", told)
            )
    names = ", ".join(p["name"] for p in table()["predictors"])
    return Judgement("not assessed", f"the file has none of {names} for it")


def _sign(upwards: bool, reached: bool) -> str:
    return (">=" if reached else "<") if upwards else ("<=" if reached else ">")


def _reported(case: Case) -> Judgement:
    """PP5 and BP6, which are never counted."""
    said = case.facts.significance
    told = f"{case.facts.significance_field} is {said}" if said else "the record has no clinical significance"
    review = f" ({case.facts.review})" if said and case.facts.review else ""
    return Judgement(
        "not assessed", f"{told}{review}; ClinGen recommends against this criterion, so it is never counted"
    )


@_unless_annotated
def _bp7(case: Case) -> Judgement:
    if case.facts.terms()[0] != "synonymous_variant":
        return Judgement("not met", f"{_said(case)}; not synonymous, or more than that")
    splice = splice_delta(case.data, case.facts)
    if splice is None:
        return Judgement("not assessed", f"{_said(case)}; no splicing score (SpliceAI) in the file")
    limit = table()["thresholds"]["splice_BP4_to"]
    quiet = splice[1] <= limit
    told = f"{_said(case)}; {splice[0]} {splice[1]:g} {'<=' if quiet else '>'} {limit:g}"
    return Judgement(
        "met" if quiet else "not met", told, "conservation, where Richards et al. 2015 are followed to the word"
    )


def _bs2(case: Case) -> Judgement:
    if isinstance(case.segregation, str) or not case.segregation.unaffected_with_it:
        return Judgement("not assessed", "age, health and penetrance are not in the file")
    names = ", ".join(case.segregation.unaffected_with_it)
    return Judgement(
        "not assessed", f"unaffected in the pedigree with it: {names}; age and penetrance are not in the file"
    )


_RULES: dict[str, Callable[[Case], Judgement]] = {
    "PVS1": _pvs1, "PS1": _ps1, "PS2": _ps2, "PM2": _pm2, "PM3": _pm3, "PM4": _pm4, "PM5": _pm5, "PM6": _pm6,
    "PP1": _pp1, "PP2": _missense_gene, "PP3": _pp3, "PP5": _reported, "BA1": _ba1, "BS1": _bs1,
    "BS2": _bs2, "BS4": _bs4, "BP1": _missense_gene, "BP2": _bp2, "BP3": _bp3, "BP4": _bp4,
    "BP6": _reported, "BP7": _bp7,
}  # fmt: skip
