"""Genes, consequences and impacts against a reading of CSQ, ANN and BCSQ of our own, made with cyvcf2."""

import re
from collections import Counter
from functools import cache
from typing import NamedTuple

import cyvcf2
import pytest
from make_vcf import record, write_vcf
from vcf_agent.memory.errors import ToolError

FILES = {
    "cohort": "CSQ",
    "vep_csq/samtools__bcftools__split-vep.vcf": "CSQ",
    "vep_csq/brentp__vcfanno__exac.vcf.gz": "CSQ",
    "vep_csq/Clinical-Genomics__scout__clinvar.vcf": "CSQ",
    "vep_csq/griffithlab__VAtools__af_number_1.vcf": "CSQ",
    "snpeff_ann/Zacharyr41__vcf-pg-loader__test.chr22.ann.subset.vcf": "ANN",
    "snpeff_ann/Zacharyr41__vcf-pg-loader__cancer.ann.vcf": "ANN",
    "snpeff_ann/pcingola__SnpEff__EML4-ALK_fusion.vcf": "ANN",
    "snpeff_ann/pcingola__SnpSift__test57.vcf": "ANN",
    "bcsq/brentp__slivar__with-bcsq.vcf": "BCSQ",
}
IMPACTS = ["HIGH", "MODERATE", "LOW", "MODIFIER"]
ENSEMBL_ORDER = re.findall(
    r"\w+",
    """
    transcript_ablation splice_acceptor_variant splice_donor_variant stop_gained frameshift_variant stop_lost
    start_lost transcript_amplification feature_elongation feature_truncation inframe_insertion inframe_deletion
    missense_variant protein_altering_variant splice_donor_5th_base_variant splice_region_variant
    splice_donor_region_variant splice_polypyrimidine_tract_variant incomplete_terminal_codon_variant
    start_retained_variant stop_retained_variant synonymous_variant coding_sequence_variant mature_miRNA_variant
    5_prime_UTR_variant 3_prime_UTR_variant non_coding_transcript_exon_variant intron_variant
    NMD_transcript_variant non_coding_transcript_variant coding_transcript_variant upstream_gene_variant
    downstream_gene_variant TFBS_ablation TFBS_amplification TF_binding_site_variant regulatory_region_ablation
    regulatory_region_amplification regulatory_region_variant intergenic_variant sequence_variant
    """,
)
"""Ensembl's table of calculated consequences, the most severe first."""


class Entry(NamedTuple):
    allele: str
    terms: frozenset[str]
    gene: str
    impact: str


class Record(NamedTuple):
    ref: str
    alts: tuple[str, ...]
    entries: list[Entry]


def places(vcf, tag):
    """Where allele, consequence, gene and impact stand in an entry."""
    if tag == "ANN":
        return 0, 1, 3, 2
    if tag == "BCSQ":
        return None, 0, 1, None
    keys = re.search(r"Format: ([^\"]+)", vcf.get_header_type(tag)["Description"]).group(1).split("|")
    gene = next(name for name in ("SYMBOL", "HGNC", "Gene") if name in keys)
    return tuple(keys.index(name) if name in keys else None for name in ("Allele", "Consequence", gene, "IMPACT"))


def read(path, tag):
    vcf = cyvcf2.VCF(str(path))
    at = places(vcf, tag)
    found = []
    for variant in vcf:
        entries = []
        for text in (variant.INFO.get(tag) or "").split(","):
            parts = text.split("|")
            if text and not text.startswith("@"):  # BCSQ's @ points at the record that has the entry
                allele, terms, gene, impact = (parts[i] if i is not None and i < len(parts) else "" for i in at)
                entries.append(Entry(allele, frozenset(terms.lstrip("*").split("&")), gene, impact))
        found.append(Record(variant.REF, tuple(variant.ALT), entries))
    return found


@pytest.fixture(scope="session")
def annotated_file(request, library, example):
    """The opened file and our own reading of it."""

    @cache
    def open_both(name):
        path = example if name == "cohort" else request.getfixturevalue("data_folder") / "annotated" / name
        return library(path), read(path, FILES[name])

    return open_both


WITHOUT_IMPACT = {"vep_csq/brentp__vcfanno__exac.vcf.gz", "bcsq/brentp__slivar__with-bcsq.vcf"}
WITH_IMPACT = [name for name in FILES if name not in WITHOUT_IMPACT]


def short(name):
    return name.rpartition("__")[2]


every_file = pytest.mark.parametrize("name", FILES, ids=short)
files_with_impact = pytest.mark.parametrize("name", WITH_IMPACT, ids=short)


@every_file
def test_records_by_gene(run, annotated_file, name):
    context, records = annotated_file(name)
    expected = Counter(gene for r in records for gene in {e.gene for e in r.entries} - {""})
    assert expected, "the file should name genes"
    result = run(context, "group_variants", by="gene")
    assert result.value == expected
    assert all(e.verified is not False for e in result.evidence)


@files_with_impact
def test_records_by_impact(run, annotated_file, name):
    context, records = annotated_file(name)
    worst = Counter(min((e.impact for e in r.entries), key=IMPACTS.index) for r in records if r.entries)
    assert run(context, "group_variants", prove=False, by="impact").value == worst


@every_file
def test_records_by_consequence(run, annotated_file, name):
    """The most severe term of a record, by Ensembl's order where all its terms are in it."""
    context, records = annotated_file(name)
    known = set(ENSEMBL_ORDER)
    terms = [set().union(*(e.terms for e in r.entries)) - {""} for r in records]
    expected = Counter(min(t, key=ENSEMBL_ORDER.index) for t in terms if t and t <= known)
    found = run(context, "group_variants", prove=False, by="consequence").value
    assert sum(found.values()) == sum(map(bool, terms))
    if all(t <= known for t in terms):
        assert found == expected
    else:
        assert expected.items() - found.items() <= {(k, n) for k, n in expected.items() if found.get(k, 0) > n}


@files_with_impact
def test_the_consequence_shown_has_the_impact_shown(run, annotated_file, name):
    """What stands for a record in a list is one entry's: the consequence is one of those with the worst impact."""
    context, records = annotated_file(name)
    table = run(context, "list_variants", prove=False, limit=1000).tables[0]
    column = {c: i for i, c in enumerate(table.columns)}
    wrong = {}
    for row, r in zip(table.rows, records, strict=False):
        shown, impact = row[column["consequence"]], row[column["impact"]]
        if r.entries and not any(shown in e.terms and e.impact == impact for e in r.entries):
            wrong[row[0]] = (shown, impact, {(*e.terms, e.impact) for e in r.entries})
    assert wrong == {}


@every_file
def test_conditions_are_met_by_one_entry(run, annotated_file, name):
    """Gene, consequence and impact together are asked of each entry, not of the record."""
    context, records = annotated_file(name)
    genes = [g for g, _ in Counter(e.gene for r in records for e in r.entries if e.gene).most_common(2)]
    terms = [t for t, _ in Counter(t for r in records for e in r.entries for t in e.terms if t).most_common(3)]
    questions = [
        {"genes": genes[:1]},
        {"genes": genes},
        {"consequences": terms[-1:]},
        {"consequences": terms[:2], "genes": genes[:1]},
    ]
    if name in WITH_IMPACT:
        rarest = min(Counter(e.impact for r in records for e in r.entries).items(), key=lambda kv: kv[1])[0]
        questions += [{"impacts": [rarest]}, {"impacts": IMPACTS[:2]}, {"impacts": IMPACTS[:2], "genes": genes[:1]}]
        questions += [{"impacts": [rarest], "genes": genes, "consequences": terms}]
    for asked in questions:
        result = run(context, "count_variants", prove=len(asked) > 1, **asked)
        assert result.value == sum(any(meets(e, asked) for e in r.entries) for r in records), asked
        proved = [e.verified for e in result.evidence if e.command and len(asked) > 1]
        assert all(verified is True for verified in proved), result.evidence


def meets(entry, asked):
    return (
        entry.gene in asked.get("genes", [entry.gene])
        and not entry.terms.isdisjoint(asked.get("consequences", entry.terms))
        and entry.impact in asked.get("impacts", [entry.impact])
    )


def names_allele(entry, ref, alt):
    """VEP leaves the shared first base out of an indel and writes - for nothing; SnpEff writes the ALT."""
    trimmed = alt[1:] or "-"
    return entry.allele == alt or (entry.allele == trimmed and (len(ref) > 1 or len(alt) > 1))


def test_an_entry_belongs_to_the_allele_that_it_names(run, annotated_file):
    context, records = annotated_file("cohort")
    several = [r for r in records if len(r.alts) > 1]
    assert len(several) == 2
    for term in ("missense_variant", "synonymous_variant", "inframe_insertion"):
        expected = sum(
            any(term in e.terms and (len(r.alts) == 1 or names_allele(e, r.ref, alt)) for e in r.entries)
            for r in records
            for alt in r.alts
        )
        found = run(context, "count_variants", prove=False, scope="allele", consequences=[term]).value
        assert found == expected, term
    asked = {"consequences": ["synonymous_variant"], "types": ["snp"], "regions": ["chr7:55160230"]}
    assert run(context, "count_variants", prove=False, scope="allele", **asked).value == 1


DECLARED = [
    "##contig=<ID=chr1,length=1000000>",
    '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. Format: '
    'Allele|Consequence|IMPACT|SYMBOL|ALLELE_NUM">',
]


def test_vep_leaves_out_the_base_that_all_alleles_share(run, opened, tmp_path):
    """AT>A,ATTT is T>-,TTT to VEP; what is said of one allele is not said of the other."""
    entries = "-|frameshift_variant|HIGH|G1|,TTT|inframe_insertion|MODERATE|G2|"
    declared = [line.replace("|ALLELE_NUM", "|X") for line in DECLARED]
    lines = [record(5, "AT", "A,ATTT", info=f"CSQ={entries}")]
    context = opened(write_vcf(tmp_path / "t.vcf", lines, declared=declared))

    def number(**asked):
        return run(context, "count_variants", prove=False, scope="allele", **asked).value

    assert (number(genes=["G1"], types=["deletion"]), number(genes=["G1"], types=["insertion"])) == (1, 0)
    assert (number(genes=["G2"], types=["deletion"]), number(genes=["G2"], types=["insertion"])) == (0, 1)


def test_allele_number_decides_where_there_is_one(run, opened, tmp_path):
    """ALLELE_NUM tells which ALT an entry is of, also where the Allele text fits another."""
    entries = "C|missense_variant|MODERATE|G1|2,C|stop_gained|HIGH|G2|1,T|intron_variant|MODIFIER|G3|3"
    path = write_vcf(tmp_path / "n.vcf", [record(5, "A", "C,G,T", info=f"CSQ={entries}")], declared=DECLARED)
    context = opened(path)
    assert run(context, "count_variants", genes=["G1"], types=["snp"], scope="allele").value == 1
    assert run(context, "count_variants", genes=["G1"], impacts=["HIGH"]).value == 0
    assert run(context, "group_variants", by="consequence").value == {"stop_gained": 1}
    assert run(context, "group_variants", by="gene").value == {"G1": 1, "G2": 1, "G3": 1}


ANN = "##INFO=<ID=ANN,Number=.,Type=String,Description=\"Functional annotations: 'Allele | Annotation | ...'\">"


@pytest.mark.parametrize(
    ("severe", "impact"),
    [("exon_loss_variant", "HIGH"), ("conservative_inframe_deletion", "MODERATE"), ("initiator_codon_variant", "LOW")],
)
def test_terms_that_only_snpeff_has_rank_by_their_impact(run, opened, tmp_path, severe, impact):
    entries = f"C|intron_variant|MODIFIER|G1,C|{severe}|{impact}|G2,C|intergenic_region|MODIFIER|G3"
    context = opened(write_vcf(tmp_path / "s.vcf", [record(5, info=f"ANN={entries}")], declared=[ANN, *DECLARED[:1]]))
    assert run(context, "group_variants", by="consequence").value == {severe: 1}
    assert run(context, "group_variants", by="impact").value == {impact: 1}


def test_hostile_gene_names(run, opened, tmp_path):
    """Characters that mean something in a regular expression, SQL or a shell stand for themselves."""
    genes = ["HLA-A", "A.B", "AxB", "5'ETS", "G*", "G[1]", "G^", "G$(x)", "a\\b", 'q"q', "per%cent", "Ü"]
    lines = [record(i + 1, info=f"CSQ=C|missense_variant|MODERATE|{g}|1") for i, g in enumerate(genes)]
    context = opened(write_vcf(tmp_path / "g.vcf", lines, declared=DECLARED))
    assert run(context, "group_variants", by="gene").value == dict.fromkeys(genes, 1)
    for gene in genes:
        result = run(context, "count_variants", genes=[gene], impacts=["MODERATE"])
        assert result.value == 1, gene
        assert all(e.verified is True for e in result.evidence if e.command), result.evidence


def test_a_gene_in_other_letters_is_found(run, cohort):
    assert run(cohort, "count_variants", prove=False, genes=["brca2"]).value > 0


def test_what_the_annotation_does_not_have(run, cohort, library, data_folder):
    with pytest.raises(ToolError, match="BRCA1"):
        run(cohort, "count_variants", genes=["BRCA11"])
    with pytest.raises(ToolError, match="missense_variant"):
        run(cohort, "count_variants", consequences=["misense_variant"])
    bare = library(data_folder / "annotated/trio/samtools__bcftools__mendelian.vcf")
    for asked in ({"genes": ["BRCA1"]}, {"consequences": ["missense_variant"]}, {"impacts": ["HIGH"]}):
        with pytest.raises(ToolError, match="annotat"):
            run(bare, "count_variants", **asked)
    with pytest.raises(ToolError, match="annotat"):
        run(bare, "group_variants", by="gene")
    with pytest.raises(ToolError, match="CLNSIG"):
        run(bare, "group_variants", by="significance")
