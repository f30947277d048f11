"""Consequence terms of the Sequence Ontology, the most severe first, with the impact that VEP gives them.

Order and impacts follow Ensembl's table of calculated consequences; `bcftools csq` uses shorter names.
"""

SEVERITY: dict[str, str] = {
    "transcript_ablation": "HIGH",
    "splice_acceptor_variant": "HIGH",
    "splice_donor_variant": "HIGH",
    "stop_gained": "HIGH",
    "frameshift_variant": "HIGH",
    "stop_lost": "HIGH",
    "start_lost": "HIGH",
    "transcript_amplification": "HIGH",
    "feature_elongation": "HIGH",
    "feature_truncation": "HIGH",
    "inframe_insertion": "MODERATE",
    "inframe_deletion": "MODERATE",
    "missense_variant": "MODERATE",
    "protein_altering_variant": "MODERATE",
    "splice_donor_5th_base_variant": "LOW",
    "splice_region_variant": "LOW",
    "splice_donor_region_variant": "LOW",
    "splice_polypyrimidine_tract_variant": "LOW",
    "incomplete_terminal_codon_variant": "LOW",
    "start_retained_variant": "LOW",
    "stop_retained_variant": "LOW",
    "synonymous_variant": "LOW",
    "coding_sequence_variant": "MODIFIER",
    "mature_miRNA_variant": "MODIFIER",
    "5_prime_UTR_variant": "MODIFIER",
    "3_prime_UTR_variant": "MODIFIER",
    "non_coding_transcript_exon_variant": "MODIFIER",
    "intron_variant": "MODIFIER",
    "NMD_transcript_variant": "MODIFIER",
    "non_coding_transcript_variant": "MODIFIER",
    "coding_transcript_variant": "MODIFIER",
    "upstream_gene_variant": "MODIFIER",
    "downstream_gene_variant": "MODIFIER",
    "TFBS_ablation": "MODERATE",
    "TFBS_amplification": "MODIFIER",
    "TF_binding_site_variant": "MODIFIER",
    "regulatory_region_ablation": "MODIFIER",
    "regulatory_region_amplification": "MODIFIER",
    "regulatory_region_variant": "MODIFIER",
    "intergenic_variant": "MODIFIER",
    "intergenic_region": "MODIFIER",
    "sequence_variant": "MODIFIER",
}

SHORT_NAMES = {
    "missense": "missense_variant", "synonymous": "synonymous_variant", "frameshift": "frameshift_variant",
    "splice_acceptor": "splice_acceptor_variant", "splice_donor": "splice_donor_variant",
    "splice_region": "splice_region_variant", "intron": "intron_variant", "5_prime_utr": "5_prime_UTR_variant",
    "3_prime_utr": "3_prime_UTR_variant", "non_coding": "non_coding_transcript_variant",
    "inframe_altering": "protein_altering_variant", "coding_sequence": "coding_sequence_variant",
    "intergenic": "intergenic_variant", "start_retained": "start_retained_variant",
    "stop_retained": "stop_retained_variant",
}  # fmt: skip

_CLASSES = {
    "loss of function": ["transcript_ablation", "splice_acceptor_variant", "splice_donor_variant", "stop_gained",
                         "frameshift_variant", "stop_lost", "start_lost", "feature_truncation"],
    "protein altering": ["inframe_insertion", "inframe_deletion", "missense_variant", "protein_altering_variant"],
    "splice region": ["splice_donor_5th_base_variant", "splice_region_variant", "splice_donor_region_variant",
                      "splice_polypyrimidine_tract_variant"],
    "synonymous": ["incomplete_terminal_codon_variant", "start_retained_variant", "stop_retained_variant",
                   "synonymous_variant"],
    "UTR": ["5_prime_UTR_variant", "3_prime_UTR_variant"],
    "non-coding exon": ["mature_miRNA_variant", "non_coding_transcript_exon_variant", "non_coding_transcript_variant"],
    "intron": ["intron_variant"],
    "upstream or downstream": ["upstream_gene_variant", "downstream_gene_variant"],
    "regulatory": ["TFBS_ablation", "TFBS_amplification", "TF_binding_site_variant", "regulatory_region_ablation",
                   "regulatory_region_amplification", "regulatory_region_variant"],
    "intergenic": ["intergenic_variant", "intergenic_region"],
}  # fmt: skip
_CLASS = {term: name for name, terms in _CLASSES.items() for term in terms}

IMPACTS = ["HIGH", "MODERATE", "LOW", "MODIFIER"]
_RANK = {term: rank for rank, term in enumerate(SEVERITY)}


def rank(consequence: str) -> int:
    """The place of a consequence, or of the worst of several joined by `&`; 0 is the most severe."""
    return min(_RANK.get(SHORT_NAMES.get(t, t), len(_RANK)) for t in consequence.split("&"))


def class_of(term: str) -> str:
    """The class of a single consequence term; `other` for one in no class, empty for none."""
    return _CLASS.get(SHORT_NAMES.get(term, term), "other") if term else ""


def impact_of(consequence: str) -> str:
    """The worst impact among the terms of a consequence; MODIFIER for terms not in the table."""
    terms = [SHORT_NAMES.get(t, t) for t in consequence.split("&")]
    return min((SEVERITY.get(t, "MODIFIER") for t in terms), key=IMPACTS.index)


def worst(entries: list[tuple[str, str]]) -> tuple[str, str]:
    """Term and impact of the most severe of the (consequence, impact) entries: by impact first, then by term.

    A consequence may be several terms joined by `&`. Both are empty where there is no entry.
    """
    if not entries:
        return "", ""
    consequence, impact = min(entries, key=lambda entry: (_impact_rank(entry[1]), rank(entry[0])))
    return min(consequence.split("&"), key=rank), impact


def _impact_rank(impact: str) -> int:
    return IMPACTS.index(impact) if impact in IMPACTS else len(IMPACTS)


def worst_by_gene(profile: dict[str, list[str]]) -> dict[str, tuple[str, str]]:
    """The most severe consequence that an annotation profile gives each gene, and its impact."""
    found: dict[str, tuple[str, str]] = {}
    entries = zip(profile["genes"], profile["consequences"], profile["impacts"], strict=True)
    for gene, consequence, impact in sorted(entries, key=lambda entry: rank(entry[1])):
        if gene:
            found.setdefault(gene, (consequence, impact))
    return found
