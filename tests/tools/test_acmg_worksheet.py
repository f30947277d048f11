"""The ACMG/AMP worksheet: hand-made variants with the state that each of the 28 criteria must have."""

import re
from collections import Counter
from dataclasses import replace

import pytest
from make_vcf import record, write_vcf
from reference import in_shell
from vcf_agent.memory.errors import ToolError
from vcf_agent.tools.acmg_case import table
from vcf_agent.tools.pedigree import Pedigree, Person

CODES = ["PVS1", "PS1", "PS2", "PS3", "PS4", "PM1", "PM2", "PM3", "PM4", "PM5", "PM6", "PP1", "PP2", "PP3", "PP4",
         "PP5", "BA1", "BS1", "BS2", "BS3", "BS4", "BP1", "BP2", "BP3", "BP4", "BP5", "BP6", "BP7"]  # fmt: skip
KEYS = "Allele|Consequence|IMPACT|SYMBOL|Feature|HGVSp|CANONICAL|SIFT|PolyPhen|REVEL|SpliceAI_pred_DS_AG|gnomADe_AF"
HEADER = [
    "##contig=<ID=chr1,length=5000>", "##contig=<ID=chrX,length=156040895>",
    '##INFO=<ID=CLNSIG,Number=.,Type=String,Description="c">',
    '##INFO=<ID=CLNREVSTAT,Number=.,Type=String,Description="r">',
    '##INFO=<ID=gnomAD_AF,Number=A,Type=Float,Description="f">',
    '##INFO=<ID=exac_af,Number=1,Type=Float,Description="f">',
    f'##INFO=<ID=CSQ,Number=.,Type=String,Description="VEP. Format: {KEYS}">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">',
]  # fmt: skip
SAMPLES = ["KID", "SIB", "DAD", "MUM"]
PEDIGREE = Pedigree([
    Person("F", "KID", "DAD", "MUM", "female", True), Person("F", "SIB", "DAD", "MUM", "male", True),
    Person("F", "DAD", None, None, "male", False), Person("F", "MUM", None, None, "female", False),
])  # fmt: skip


def csq(consequence: str, gene: str = "AAA", allele: str = "G", **more: str) -> str:
    values = {"Allele": allele, "Consequence": consequence, "IMPACT": "x", "SYMBOL": gene, "Feature": f"T{gene}"} | more
    return "|".join(values.get(key, "") for key in KEYS.split("|"))


def variant(
    pos: int, samples: list[str], annotation: str = "", alt: str = "G", chrom: str = "chr1", **info: object
) -> str:
    fields = [f"{k}={v}" for k, v in info.items()] + ([f"CSQ={annotation}"] if annotation else [])
    return record(pos, "A" if alt != "-" else "ACTG", alt if alt != "-" else "A",
                  info=";".join(fields) or ".", samples=samples)  # fmt: skip


NOBODY = ["0/0"] * 4
RECORDS = [
    variant(100, ["0/1", "0/0", "0/0", "0/0"], csq("stop_gained", CANONICAL="YES"), gnomAD_AF=0.00002),
    variant(200, ["0/1", "0/1", "0/1", "0/0"],
            csq("missense_variant", "BBB", HGVSp="P:p.Arg10His", REVEL="0.8", SIFT="deleterious(0)"), gnomAD_AF=0.02),
    variant(201, NOBODY, csq("missense_variant", "BBB", allele="T", HGVSp="P:p.Arg10His"), alt="T",
            CLNSIG="Pathogenic"),
    variant(202, NOBODY, csq("missense_variant", "BBB", allele="C", HGVSp="P:p.Arg10Cys"), alt="C",
            CLNSIG="Likely_pathogenic"),
    variant(210, ["0/1", "0/0", "0/0", "0/1"], csq("stop_gained", "BBB"), CLNSIG="Pathogenic/Likely_pathogenic"),
    variant(300, ["0/1", "0/0", "0/0", "0/1"], csq("synonymous_variant", "CCC", SpliceAI_pred_DS_AG="0.05"),
            gnomAD_AF=0.2, CLNSIG="Benign", CLNREVSTAT="criteria_provided"),
    variant(400, ["./.", "0/1", "0/0", "0/0"], csq("inframe_deletion", "DDD", allele="-"), alt="-"),
    variant(500, ["0/1", "0/1", "0/0", "0/0"], csq("missense_variant", "EEE", PolyPhen="benign(0.01)"), gnomAD_AF=0),
    variant(600, NOBODY),
    variant(700, ["0/1", "0/0", "0/0", "0/1"],
            ",".join([csq("missense_variant", "FFF", REVEL="0.4"),
                      csq("stop_gained", "FFF", allele="T")]), alt="G,T", gnomAD_AF="0.3,0.00001", exac_af=0.5),
    variant(800, ["0/1", "0/0", "0/0", "0/1"],
            csq("frameshift_variant", "GGG") + "," + csq("intron_variant", "GGG", Feature="T2", CANONICAL="YES")),
    variant(900, ["0/1", "0/0", "0/0", "0/1"],
            csq("intron_variant", "HHH", SpliceAI_pred_DS_AG="0.4", gnomADe_AF="0.06"),
            gnomAD_AF=0.001),
    variant(1000, ["0/1", "0/1", "0/1", "0/0"], csq("stop_lost", "III")),
]  # fmt: skip

NA, MET, NOT = "not assessed", "met", "not met"
NEVER = dict.fromkeys(["PS2", "PS3", "PS4", "PM1", "PP4", "PP5", "BS2", "BS3", "BP5", "BP6"], NA)
"""What a file cannot tell, whatever the variant; PS2 only says no to what is inherited."""

CODING = {"missense": {"PVS1": NOT, "PS1": NA, "PM4": NOT, "PM5": NA, "PP2": NA, "BP1": NA, "BP3": NOT, "BP7": NOT}}
CODING["null"] = {"PVS1": NA, "PS1": NOT, "PM4": NOT, "PM5": NOT, "PP2": NOT, "BP1": NOT, "BP3": NOT, "BP7": NOT}
CODING["neither"] = CODING["null"] | {"PVS1": NOT}

# By variant and arguments: the state of every criterion, written by hand.
EXPECTED = [
    # A new stop in KID alone: de novo by genotypes; SIB is affected and without it.
    ("chr1:100:A:G", {}, NEVER | CODING["null"] | {
        "PM2": MET, "PM3": NOT, "PM6": MET, "PP1": NOT, "PP3": NA, "BA1": NOT, "BS1": NA, "BS4": MET, "BP2": NOT,
        "BP4": NA}),
    # The same where loss of function is said to be the mechanism, with other thresholds.
    ("chr1:100:A:G", {"lof_genes": ["AAA"], "pm2_below": 0.00001, "bs1_above": 0.00001}, NEVER | CODING["null"] | {
        "PVS1": MET, "PM2": NOT, "PM3": NOT, "PM6": MET, "PP1": NOT, "PP3": NA, "BA1": NOT, "BS1": MET, "BS4": MET,
        "BP2": NOT, "BP4": NA}),
    # Missense from DAD in both affected; the residue is known, with this and another change; in trans with 210 of MUM.
    ("chr1:200:A:G", {"inheritance": "recessive", "bs1_above": 0.05}, NEVER | CODING["missense"] | {
        "PS1": MET, "PM5": MET, "PS2": NOT, "PM6": NOT, "PM2": NOT, "PM3": MET, "PP3": MET, "BP4": NOT, "BA1": NOT,
        "BS1": NOT, "BP2": NOT, "PP1": NA, "BS4": NA}),
    ("chr1:200:A:G", {"inheritance": "dominant"}, NEVER | CODING["missense"] | {
        "PS1": MET, "PM5": MET, "PS2": NOT, "PM6": NOT, "PM2": NOT, "PM3": NOT, "PP3": MET, "BP4": NOT, "BA1": NOT,
        "BS1": NA, "BP2": MET, "PP1": NA, "BS4": NOT}),
    ("chr1:200:A:G", {}, NEVER | CODING["missense"] | {
        "PS1": MET, "PM5": MET, "PS2": NOT, "PM6": NOT, "PM2": NOT, "PM3": NA, "PP3": MET, "BP4": NOT, "BA1": NOT,
        "BS1": NA, "BP2": NA, "PP1": NA, "BS4": NOT}),
    # Common, synonymous, quiet in SpliceAI, called benign: which is never counted.
    ("chr1:300:A:G", {}, NEVER | CODING["neither"] | {
        "PS2": NOT, "PM6": NOT, "PM2": NOT, "PM3": NOT, "PP1": NOT, "PP3": NOT, "BA1": MET, "BS1": NA, "BS4": MET,
        "BP2": NOT, "BP4": MET, "BP7": MET}),
    # In-frame; de novo in SIB; KID's genotype is missing; no frequency, which is not absence.
    ("chr1:400:ACTG:A", {}, NEVER | CODING["neither"] | {
        "PM2": NA, "PM3": NOT, "PM4": NA, "PM6": MET, "PP1": NA, "PP3": NA, "BA1": NA, "BS1": NA, "BS4": NA, "BP2": NOT,
        "BP3": NA, "BP4": NA}),
    ("chr1:400:ACTG:A", {"absent_frequency": "absence"}, NEVER | CODING["neither"] | {
        "PM2": MET, "PM3": NOT, "PM4": NA, "PM6": MET, "PP1": NA, "PP3": NA, "BA1": NA, "BS1": NA, "BS4": NA,
        "BP2": NOT, "BP3": NA, "BP4": NA}),
    # In both affected and in nobody else; a frequency of zero; PolyPhen alone, benign.
    ("chr1:500:A:G", {}, NEVER | CODING["missense"] | {
        "PS1": NA, "PM5": NA, "PM2": MET, "PM3": NOT, "PM6": MET, "PP1": MET, "PP3": NOT, "BP4": MET, "BA1": NOT,
        "BS1": NA, "BS4": NOT, "BP2": NOT}),
    # No annotation, no frequency, no carrier.
    ("chr1:600:A:G", {}, dict.fromkeys(CODES, NA)),
    # Two ALT alleles: the frequency and the consequence of the one that is named; ExAC's single number is of neither.
    ("chr1:700:A:G", {}, NEVER | CODING["missense"] | {
        "PS2": NOT, "PM6": NOT, "PM2": NOT, "PM3": NOT, "PP1": NOT, "PP3": NOT, "BP4": NOT, "BA1": MET, "BS1": NA,
        "BS4": MET, "BP2": NOT}),
    ("chr1:700:A:T", {}, NEVER | CODING["null"] | {
        "PM6": NA, "PM2": MET, "PM3": NA, "PP1": NA, "PP3": NA, "BP4": NA, "BA1": NOT, "BS1": NA, "BS4": NA,
        "BP2": NA}),
    # Null, but not in the canonical transcript.
    ("chr1:800:A:G", {"lof_genes": ["GGG"]}, NEVER | CODING["null"] | {
        "PS2": NOT, "PM6": NOT, "PM2": NA, "PM3": NOT, "PP1": NOT, "PP3": NA, "BP4": NA, "BA1": NA, "BS1": NA,
        "BS4": MET, "BP2": NOT}),
    # An intron variant that SpliceAI takes for one of splicing; of two frequencies the higher counts.
    ("chr1:900:A:G", {}, NEVER | CODING["neither"] | {
        "PS2": NOT, "PM6": NOT, "PM2": NOT, "PM3": NOT, "PP1": NOT, "PP3": MET, "BP4": NOT, "BA1": MET, "BS1": NA,
        "BS4": MET, "BP2": NOT}),
    ("chr1:1000:A:G", {}, NEVER | CODING["neither"] | {
        "PS2": NOT, "PM6": NOT, "PM2": NA, "PM3": NOT, "PM4": MET, "PP1": NA, "PP3": NA, "BP4": NA, "BA1": NA,
        "BS1": NA, "BS4": NOT, "BP2": NOT}),
]  # fmt: skip


@pytest.fixture(scope="module")
def family(tmp_path_factory, library):
    path = write_vcf(tmp_path_factory.mktemp("acmg") / "family.vcf", RECORDS, SAMPLES, HEADER)
    return replace(library(path), pedigree=PEDIGREE)


@pytest.mark.parametrize(("key", "arguments", "expected"), EXPECTED)
def test_every_criterion(family, run, key, arguments, expected):
    result = run(family, "acmg_worksheet", variant=key, **arguments)
    assert list(result.value) == CODES
    assert list(expected) and set(expected) == set(CODES)
    assert {c: (s, why(result, c)) for c, s in result.value.items() if s != expected[c]} == {}
    assert [row[1] for row in result.tables[0].rows] == CODES
    assert result.evidence[0].verified is True, result.evidence[0].note
    assert result.text.startswith("Draft for review.")
    assert "No classification is made" in result.text
    assert result.private


def why(result, code: str) -> str:
    return next(row[4] for row in result.tables[0].rows if row[1] == code)


@pytest.mark.parametrize(
    ("key", "code", "said"),
    [
        ("chr1:100:A:G", "PVS1", "CSQ: stop_gained in AAA; the gene's mechanism is not in the file"),
        ("chr1:100:A:G", "PS2", "de novo by genotypes (KID 0/1, DAD 0/0, MUM 0/0); parentage is not confirmed"),
        ("chr1:100:A:G", "PM2", "INFO/gnomAD_AF 2e-05 < 0.0001"),
        ("chr1:200:A:G", "PS1", "chr1:201:A:T (Arg10His in TBBB) is Pathogenic by INFO/CLNSIG"),
        ("chr1:200:A:G", "PM5", "chr1:202:A:C (Arg10Cys in TBBB) is Likely_pathogenic by INFO/CLNSIG"),
        ("chr1:200:A:G", "PP3", "REVEL 0.8 (CSQ/REVEL) >= 0.644; moderate by Pejaver et al. 2022"),
        ("chr1:200:A:G", "PM3", "in KID in trans with chr1:210:A:G (Pathogenic/Likely_pathogenic), by the parents' "
         "genotypes; the mode of inheritance is not given"),
        ("chr1:300:A:G", "BP6", "INFO/CLNSIG is Benign (criteria_provided); ClinGen recommends against this criterion, "
         "so it is never counted"),
        ("chr1:400:ACTG:A", "PM2", "absent in the record, which is not absence from the population"),
        ("chr1:500:A:G", "BP4", "PolyPhen-2 (HumVar) 0.01 (CSQ/PolyPhen) <= 0.113; supporting by Pejaver et al. 2022"),
        ("chr1:500:A:G", "PP1", "affected with it: KID, SIB; unaffected without: DAD, MUM"),
        ("chr1:900:A:G", "BA1", "CSQ/gnomADe_AF 0.06 > 0.05"),
    ],
)  # fmt: skip
def test_the_evidence_names_field_value_and_threshold(family, run, key, code, said):
    assert said in why(run(family, "acmg_worksheet", variant=key), code)


def test_no_classification_no_diagnosis(family, run):
    text = run(family, "acmg_worksheet", variant="chr1:200:A:G").text.lower()
    assert not re.search(r"likely benign|is pathogenic$|vus|uncertain significance|diagnos|treat|therap", text)


def test_the_allele_must_be_named(family, run):
    with pytest.raises(ToolError, match=r"has 2 ALT alleles.*chr1:700:A:G, chr1:700:A:T"):
        run(family, "acmg_worksheet", variant="chr1:700")
    with pytest.raises(ToolError, match="has no ALT allele at chr1:701"):
        run(family, "acmg_worksheet", variant="chr1:701")
    for wrong in ({}, {"variant": "chr1:100", "filters": ["PASS"]}):
        with pytest.raises(ToolError, match="either a `variant` or the conditions"):
            run(family, "acmg_worksheet", **wrong)


def test_the_first_variants_of_a_filter(family, run):
    result = run(family, "acmg_worksheet", consequences=["stop_gained"], limit=2)
    assert list(result.value) == ["chr1:100:A:G", "chr1:210:A:G"]
    assert (result.tables[0].total, result.tables[0].truncated) == (3 * 28, True)
    assert "leaves 3 records; these are the first" in result.text
    assert run(family, "acmg_worksheet", filters=["PASS"], ids=["rs1"]).value == {}


def test_phase_tells_cis_from_trans(tmp_path, opened, run):
    lines = [
        variant(100, ["0|1"], csq("missense_variant")),
        variant(110, ["0|1"], csq("stop_gained"), CLNSIG="Pathogenic"),
        variant(120, ["1|0"], csq("missense_variant")),
        variant(130, ["0/1"], csq("missense_variant")),
    ]
    context = opened(write_vcf(tmp_path / "one.vcf", lines, ["ONE"], HEADER))
    states = {
        key: run(context, "acmg_worksheet", variant=key, inheritance="recessive").value
        for key in ("chr1:100", "chr1:120", "chr1:130")
    }
    assert [(s["PM3"], s["BP2"]) for s in states.values()] == [(NOT, MET), (MET, NOT), (NA, NA)]
    assert all(s["PM6"] == s["PP1"] == NA for s in states.values())


@pytest.mark.parametrize("samples", [[], ["A"]])
def test_a_bare_file(tmp_path, opened, run, samples):
    """Without annotation, frequency, pedigree, and with and without samples: nothing is assessed."""
    declared = ["##contig=<ID=chr1,length=5000>", '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">']
    path = write_vcf(tmp_path / "bare.vcf", [record(5, samples=["0/1"] * len(samples))], samples, declared)
    result = run(opened(path), "acmg_worksheet", variant="chr1:5")
    assert Counter(result.value.values()) == {NA: 28}
    assert result.evidence[0].verified is True
    assert result.private is bool(samples)


def test_other_annotations(tmp_path, opened, run):
    """SnpEff's protein change, by its own names."""
    entry = "G|missense_variant|MODERATE|AAA|E|transcript|T1|protein_coding|1/2|c.1A>G|p.Arg10{}||||"
    ann = "##INFO=<ID=ANN,Number=.,Type=String,Description=\"Functional annotations: 'Allele | ...'\">"
    lines = [record(5, "A", "G", info="ANN=" + entry.format("His")),
             record(6, "A", "G", info="CLNSIG=Pathogenic;ANN=" + entry.format("Cys"))]  # fmt: skip
    context = opened(write_vcf(tmp_path / "ann.vcf", lines, [], [HEADER[0], HEADER[2], ann]))
    value = run(context, "acmg_worksheet", variant="chr1:5").value
    assert (value["PM5"], value["PS1"], value["PVS1"], value["PP3"]) == (MET, NA, NOT, NA)


def test_the_table_of_criteria():
    """28 of them, each with all its parts; a threshold of each predictor that goes the same way as it gets stronger."""
    criteria = table()["criteria"]
    assert list(criteria) == CODES
    assert all(set(c) == {"strength", "asks", "needs", "source"} for c in criteria.values())
    for predictor in table()["predictors"]:
        higher = predictor["worse"] == "higher"
        for direction in ("PP3", "BP4"):
            limits = list(predictor[direction].values())
            assert limits == sorted(limits, reverse=higher != (direction == "PP3"))


def test_the_evidence_runs_in_a_shell(cohort, example, run):
    result = run(cohort, "acmg_worksheet", variant="chr7:117559590:ATCT:A")
    assert result.evidence[0].verified is True
    assert in_shell(result.evidence[0].command, example.parent).split("\t")[1:3] == ["Pathogenic", "0.007"]
