"""ACMG/AMP criteria on what an allele does to its gene: consequence, residue, in-silico scores."""

from .acmg_case import Case, Judgement, said, table, unless_annotated
from .acmg_facts import Change, Row, entries_of_allele, protein_changes, scores, splice_delta, text_of
from .variant_rows import variant_key

NULL = {"transcript_ablation", "splice_acceptor_variant", "splice_donor_variant", "stop_gained", "frameshift_variant",
        "start_lost"}  # fmt: skip


IN_FRAME = {"inframe_insertion", "inframe_deletion"}


@unless_annotated
def pvs1(case: Case) -> Judgement:
    if not case.has(*NULL):
        return Judgement("not met", f"{said(case)}; none is a null consequence")
    spared = [e for e in case.facts.entries if NULL.isdisjoint(text_of(e, "consequence").split("&"))]
    main = [e for e in spared if text_of(e, "canonical") == "YES" or e.get("MANE_SELECT")]
    if case.facts.gene is None or case.facts.gene.upper() not in {g.upper() for g in case.asked.lof_genes}:
        return Judgement("not assessed", f"{said(case)}; the gene's mechanism is not in the file")
    if main:
        return Judgement(
            "not assessed", f"{said(case)}, but not in the canonical transcript", "which transcript matters"
        )
    some = f", though not in {len(spared)} of {len(case.facts.entries)} entries of the gene" if spared else ""
    return Judgement(
        "met", f"{said(case)}{some}; {case.facts.gene} is named in lof_genes",
        "the strength: decision tree of Abou Tayoun et al. 2018 (nonsense-mediated decay, last exon, transcript)",
    )  # fmt: skip


def _same_residue(case: Case, same_change: bool) -> Judgement:
    """PS1 and PM5: pathogenic records of the file at the residue, with the same or another amino acid."""
    if not case.has("missense_variant"):
        return Judgement("not met", f"{said(case)}; not missense")
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


@unless_annotated
def ps1(case: Case) -> Judgement:
    return _same_residue(case, True)


@unless_annotated
def pm5(case: Case) -> Judgement:
    return _same_residue(case, False)


@unless_annotated
def pm4(case: Case) -> Judgement:
    if case.has("stop_lost"):
        return Judgement("met", said(case))
    if case.has(*IN_FRAME):
        return Judgement("not assessed", f"{said(case)}; whether it lies in a repeat is not in the file")
    return Judgement("not met", f"{said(case)}; neither in-frame nor a loss of the stop")


@unless_annotated
def bp3(case: Case) -> Judgement:
    if case.has(*IN_FRAME):
        return Judgement("not assessed", f"{said(case)}; whether it lies in a repeat is not in the file")
    return Judgement("not met", f"{said(case)}; not an in-frame insertion or deletion")


@unless_annotated
def missense_gene(case: Case) -> Judgement:
    """PP2 and BP1 ask of the gene; a variant that is not missense meets neither."""
    if case.has("missense_variant"):
        return Judgement("not assessed", f"{said(case)}; the gene's mechanism is not in the file")
    return Judgement("not met", f"{said(case)}; not missense")


@unless_annotated
def pp3(case: Case) -> Judgement:
    return _computed(case, "PP3")


@unless_annotated
def bp4(case: Case) -> Judgement:
    return _computed(case, "BP4")


def _computed(case: Case, direction: str) -> Judgement:
    limits = table()["thresholds"]
    if case.has(*NULL):
        return Judgement("not assessed", f"{said(case)}; scores are not counted beside a null consequence (PVS1)")
    splice = splice_delta(case.data, case.facts)
    if splice and splice[1] >= limits["splice_PP3_from"]:
        told = f"{splice[0]} {splice[1]:g} >= {limits['splice_PP3_from']:g}: an effect on splicing"
        return Judgement("met" if direction == "PP3" else "not met", told)
    if case.has("missense_variant"):
        return _missense_score(case, direction)
    if splice is None:
        return Judgement("not assessed", f"{said(case)}; no splicing score (SpliceAI) in the file")
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


@unless_annotated
def bp7(case: Case) -> Judgement:
    if case.facts.terms()[0] != "synonymous_variant":
        return Judgement("not met", f"{said(case)}; not synonymous, or more than that")
    splice = splice_delta(case.data, case.facts)
    if splice is None:
        return Judgement("not assessed", f"{said(case)}; no splicing score (SpliceAI) in the file")
    limit = table()["thresholds"]["splice_BP4_to"]
    quiet = splice[1] <= limit
    told = f"{said(case)}; {splice[0]} {splice[1]:g} {'<=' if quiet else '>'} {limit:g}"
    return Judgement(
        "met" if quiet else "not met", told, "conservation, where Richards et al. 2015 are followed to the word"
    )
