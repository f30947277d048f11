"""ACMG/AMP criteria on who has an allele: populations, families, other variants beside it, reports."""

from .acmg_case import Case, Judgement, table
from .acmg_facts import copies
from .acmg_family import Partner

COUNTED_FIELDS = "population frequencies alone count, not those of this file's own samples"


def ps2(case: Case) -> Judgement:
    if case.de_novo.found is False:
        return Judgement("not met", f"inherited: {case.de_novo.why}")
    if case.de_novo.found:
        return Judgement(
            "not assessed", f"de novo by genotypes ({case.de_novo.why}); parentage is not confirmed: see PM6"
        )
    return Judgement("not assessed", case.de_novo.why)


def pm6(case: Case) -> Judgement:
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


def pm2(case: Case) -> Judgement:
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


def ba1(case: Case) -> Judgement:
    return _above(case, table()["thresholds"]["BA1_above"])


def bs1(case: Case) -> Judgement:
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


def pm3(case: Case) -> Judgement:
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


def bp2(case: Case) -> Judgement:
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


def pp1(case: Case) -> Judgement:
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


def bs4(case: Case) -> Judgement:
    found = case.segregation
    if isinstance(found, str):
        return Judgement("not assessed", found)
    if found.affected_without:
        return Judgement("met", found.in_words(), "that the affected without it is no phenocopy")
    if len(found.affected_with_it) < 2:
        return Judgement("not assessed", f"{found.in_words()}; one affected member tells nothing of segregation")
    return Judgement("not met", found.in_words())


def reported(case: Case) -> Judgement:
    """PP5 and BP6, which are never counted."""
    said = case.facts.significance
    told = f"{case.facts.significance_field} is {said}" if said else "the record has no clinical significance"
    review = f" ({case.facts.review})" if said and case.facts.review else ""
    return Judgement(
        "not assessed", f"{told}{review}; ClinGen recommends against this criterion, so it is never counted"
    )


def bs2(case: Case) -> Judgement:
    if isinstance(case.segregation, str) or not case.segregation.unaffected_with_it:
        return Judgement("not assessed", "age, health and penetrance are not in the file")
    names = ", ".join(case.segregation.unaffected_with_it)
    return Judgement(
        "not assessed", f"unaffected in the pedigree with it: {names}; age and penetrance are not in the file"
    )
