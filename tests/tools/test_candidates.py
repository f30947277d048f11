"""Candidates, loss of function, clinical significance, most severe consequences, against a reading of the text."""

import random
import shutil
from collections import Counter

import pytest
from make_vcf import record, write_vcf
from reference import genotype_class
from vcf_agent.memory.errors import ToolError
from vcf_agent.tools.clinvar import classes_of, stars_of
from vcf_agent.tools.consequences import SEVERITY, rank

SAMPLES = ["mum", "kid", "dad"]
KEYS = "Allele|Consequence|IMPACT|SYMBOL|gnomADe_AF|LoF"
TERMS = ["stop_gained", "frameshift_variant&splice_region_variant", "start_lost", "missense_variant", "intron_variant",
         "synonymous_variant", "splice_donor_variant", "stop_lost"]  # fmt: skip
SIGNIFICANCE = ["Pathogenic", "Likely_pathogenic", "Pathogenic/Likely_pathogenic", "Benign", "Uncertain_significance",
                "Conflicting_classifications_of_pathogenicity", "Benign/Likely_benign", "drug_response",
                "Pathogenic|risk_factor", "not_provided",
                "Pathogenic/Likely_pathogenic/Pathogenic,_low_penetrance"]  # fmt: skip
LOSS = {"stop_gained", "frameshift_variant", "splice_donor_variant", "splice_acceptor_variant"}
STATUS = {"practice_guideline": 4, "reviewed_by_expert_panel": 3,
          "criteria_provided,_multiple_submitters,_no_conflicts": 2, "criteria_provided,_single_submitter": 1,
          "no_assertion_criteria_provided": 0, "something_new": None}  # fmt: skip
DECLARED = [
    "##contig=<ID=chr1>", '##FILTER=<ID=q10,Description="x">',
    f'##INFO=<ID=CSQ,Number=.,Type=String,Description="VEP. Format: {KEYS}">',
    '##INFO=<ID=gnomAD_AF,Number=A,Type=Float,Description="f">',
    '##INFO=<ID=CLNSIG,Number=.,Type=String,Description="s">',
    '##INFO=<ID=CLNREVSTAT,Number=.,Type=String,Description="r">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">',
]  # fmt: skip


def impact(term: str) -> str:
    return min((SEVERITY[t] for t in term.split("&")), key=["HIGH", "MODERATE", "LOW", "MODIFIER"].index)


def drawn(number: int = 250) -> list[dict]:
    chance = random.Random(8)
    found = []
    for i in range(number):
        alts = chance.choice([["C"], ["C"], ["C", "G"]])
        entries = [
            [
                a,
                t,
                impact(t),
                chance.choice(["G1", "G2"]),
                "",
                "HC" if t == "stop_gained" and chance.random() < 0.5 else "",
            ]
            for a in alts
            for t in chance.sample(TERMS, chance.choice([1, 2]))
        ]
        found.append({
            "pos": 10 + i, "alts": alts, "csq": entries if chance.random() < 0.9 else [],
            "af": [chance.choice([None, 0.001, 0.01, 0.2]) for _ in alts],
            "filter": chance.choice(["PASS", "PASS", ".", "q10"]),
            "sig": chance.choice([None, None, *SIGNIFICANCE]),
            "status": chance.choice([None, *STATUS]),
            "gt": [chance.choice(["0/0", "0/1", "1/1", "./.", "0|1", "./1"]) for _ in SAMPLES],
        })  # fmt: skip
    return found


def text_of(d: dict) -> str:
    info = [f"gnomAD_AF={','.join('.' if f is None else str(f) for f in d['af'])}"] if any(d["af"]) else []
    info += [f"CSQ={','.join('|'.join(e) for e in d['csq'])}"] if d["csq"] else []
    info += [f"CLNSIG={d['sig']}"] if d["sig"] else []
    info += [f"CLNREVSTAT={d['status']}"] if d["status"] else []
    return record(d["pos"], "A", ",".join(d["alts"]), filter=d["filter"], info=";".join(info) or ".", samples=d["gt"])


def key(d: dict) -> str:
    return f"chr1:{d['pos']}:A:{','.join(d['alts'])}"


@pytest.fixture(scope="module")
def family(tmp_path_factory, library):
    lines = [text_of(d) for d in drawn()]
    return library(write_vcf(tmp_path_factory.mktemp("candidates") / "family.vcf", lines, SAMPLES, DECLARED))


def carries(d: dict, sample: str) -> bool:
    return genotype_class(d["gt"][SAMPLES.index(sample)]) in ("het", "hom_alt", "hemizygous_alt")


@pytest.mark.parametrize("damaging", ["high", "high_or_moderate", "lof", "clinvar", "any"])
@pytest.mark.parametrize("absent", ["keep", "drop"])
def test_candidates_by_the_text(family, run, damaging, absent):
    wanted = {"high": lambda e: e[2] == "HIGH", "high_or_moderate": lambda e: e[2] in ("HIGH", "MODERATE"),
              "lof": lambda e: LOSS & set(e[1].split("&"))}  # fmt: skip
    left = Counter()
    expected = set()
    for d in drawn():
        passing = d["filter"] in ("PASS", ".")
        rare = [absent == "keep" if f is None else f <= 0.01 for f in d["af"]]
        said = damaging == "any" or bool(d["sig"] and d["sig"].startswith(("Path", "Likely_p")))
        harmful = [any(wanted[damaging](e) for e in d["csq"] if e[0] == a) if damaging in wanted else said
                   for a in d["alts"]]  # fmt: skip
        both = passing and any(r and h for r, h in zip(rare, harmful, strict=True))
        mine = carries(d, "kid") and not (carries(d, "mum") or carries(d, "dad"))
        left.update({"passing": passing, "rare": passing and any(rare), "both": both})
        expected |= {key(d)} if both and mine else set()
    given = {"damaging": damaging, "absent": absent, "carried_by": ["kid"], "not_carried_by": ["mum", "dad"]}
    result = run(family, "candidates", frequency="INFO/gnomAD_AF", **given)
    assert set(result.value) == expected
    assert len(result.value) == len(expected) > 0
    funnel = [n for _, n in result.tables[1].rows]
    assert funnel[:3] == [250, left["passing"], left["rare"]]
    assert left["both"] in funnel
    assert funnel == sorted(funnel, reverse=True)
    assert result.evidence[0].verified is not False
    assert result.private


def test_ranks_and_readings(family, run):
    result = run(family, "candidates", limit=1000)
    by_key = {key(d): d for d in drawn()}
    impacts = ["HIGH", "MODERATE", "LOW", "MODIFIER"]
    rare = {
        k: {a for a, f in zip(d["alts"], d["af"], strict=True) if f is None or f <= 0.01} for k, d in by_key.items()
    }
    places = [min(impacts.index(e[2]) for e in by_key[k]["csq"] if e[0] in rare[k]) for k in result.value]
    assert places == sorted(places)
    assert [row[0] for row in result.tables[0].rows] == result.value
    assert "rare by INFO/gnomAD_AF; there are also CSQ/gnomADe_AF" in result.reading
    with pytest.raises(ToolError, match="no frequency"):
        run(family, "candidates", frequency="INFO/nothing")
    with pytest.raises(ToolError, match="no sample"):
        run(family, "candidates", carried_by=["nobody"])


def test_three_definitions_of_loss_of_function(family, run):
    tests = {"terms": lambda e: bool(LOSS & set(e[1].split("&"))), "impact": lambda e: e[2] == "HIGH",
             "loftee": lambda e: e[5] == "HC"}  # fmt: skip
    expected = {by: [key(d) for d in drawn() if any(test(e) for e in d["csq"])] for by, test in tests.items()}
    for by, keys in expected.items():
        result = run(family, "loss_of_function", by=by)
        assert result.value == keys
        assert dict(result.tables[1].rows) == {b: len(k) for b, k in expected.items()}
        assert result.evidence[0].verified is True, result.evidence[0].note
    more = len(expected["impact"]) - len(expected["terms"])
    told = " ".join(run(family, "loss_of_function").reading)
    assert f"by HIGH impact it would be {len(expected['impact'])} records: {more} more, and 0 of these not" in told
    with pytest.raises(ToolError, match="chooses"):
        run(family, "loss_of_function", impacts=["LOW"])


def test_significance_by_whole_values(family, run):
    harmful = [key(d) for d in drawn() if d["sig"] and d["sig"].startswith(("Path", "Likely_p"))]
    result = run(family, "clinical_significance", classes=["pathogenic", "likely_pathogenic"])
    assert result.value == harmful
    assert result.evidence[0].verified is True, result.evidence[0].note
    told = " ".join(result.reading)
    assert "though the word is in them: Conflicting_classifications_of_pathogenicity" in told
    every = run(family, "clinical_significance")
    assert sum(every.value.values()) == sum(bool(d["sig"]) for d in drawn())
    assert every.value["conflicting"] == sum(d["sig"] == SIGNIFICANCE[5] for d in drawn())
    assert every.value["other"] == sum(d["sig"] in ("drug_response", "not_provided") for d in drawn())
    assert every.evidence[0].verified is True


@pytest.mark.parametrize("least", [0, 1, 2, 4])
def test_stars(family, run, least):
    enough = [d for d in drawn() if d["sig"] and STATUS.get(d["status"]) is not None and STATUS[d["status"]] >= least]
    result = run(family, "clinical_significance", min_stars=least)
    assert sum(result.value.values()) == len(enough)
    assert result.evidence[0].verified is True, result.evidence[0].note
    absent = sum(bool(d["sig"]) and d["status"] is None for d in drawn())
    assert f"{absent} classified records have no review status" in " ".join(result.reading)
    listed = run(family, "clinical_significance", min_stars=least, classes=["benign"])
    assert listed.value == [key(d) for d in enough if d["sig"].startswith("Benign")]
    assert listed.evidence[0].verified is True, listed.evidence[0].note


@pytest.mark.parametrize(
    ("text", "classes", "stars"),
    [("Likely_benign", {"likely_benign"}, "criteria provided, single submitter"),
     ("pathogenic&likely_pathogenic", {"pathogenic", "likely_pathogenic"}, "practice_guideline"),
     ("Conflicting_interpretations_of_pathogenicity|other", {"conflicting"}, "reviewed by expert panel"),
     ("5", {"pathogenic"}, "no_assertion_provided"), ("association", {"other"}, "nonsense")],
)  # fmt: skip
def test_words_of_clinvar(text, classes, stars):
    assert classes_of(text) == classes
    known = {"criteria provided, single submitter": 1, "practice_guideline": 4, "reviewed by expert panel": 3}
    assert stars_of(stars) == {**known, "no_assertion_provided": 0}.get(stars)


def test_most_severe_consequence_of_each(family, run):
    expected = []
    for d in drawn():
        terms = [t for e in d["csq"] for t in e[1].split("&")]
        expected.append(f"chr1:{d['pos']} {min(terms, key=rank) if terms else '.'}")
    result = run(family, "most_severe")
    assert result.value == expected
    if shutil.which("bcftools"):
        assert result.evidence[0].verified or "the same for" in result.evidence[0].note
    counts = run(family, "group_variants", by="consequence").value
    assert counts == Counter(e.split()[1] for e in expected if not e.endswith("."))
    genes = Counter(g for d in drawn() for g in {e[3] for e in d["csq"]})
    assert run(family, "group_variants", by="gene").value == genes


@pytest.mark.parametrize(
    ("name", "problem"),
    [("most_severe", "no consequence"), ("loss_of_function", "no consequence"),
     ("clinical_significance", "no clinical"), ("candidates", "no consequence")],
)  # fmt: skip
def test_files_without_annotation(tmp_path, library, run, name, problem):
    context = library(write_vcf(tmp_path / "bare.vcf", [record()]))
    with pytest.raises(ToolError, match=problem):
        run(context, name)
    everything = run(context, "candidates", damaging="any")
    assert everything.value == ["chr1:100:A:C"]
    assert "no record has a population frequency" in " ".join(everything.reading)


def test_annotation_of_snpeff_and_csq(tmp_path, library, run):
    ann = "ANN=C|stop_gained|HIGH|G1|ENSG|transcript|T1|protein_coding|1/1|c.1|p.1||||"
    bcsq = "BCSQ=stop_gained|G1|T1|protein_coding"
    for tag, info in (("ANN", ann), ("BCSQ", bcsq)):
        declared = ["##contig=<ID=chr1>", f"##INFO=<ID={tag},Number=.,Type=String,Description=\"x. Format: 'a|b'\">"]
        context = library(write_vcf(tmp_path / f"{tag}.vcf", [record(info=info), record(101)], (), declared))
        assert run(context, "loss_of_function").value == ["chr1:100:A:C"]
        assert run(context, "candidates").value == ["chr1:100:A:C"]
        assert run(context, "most_severe").value == ["chr1:100 stop_gained", "chr1:101 ."]
