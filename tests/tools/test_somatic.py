"""Tumour against normal, and allele fractions, against a reading of the text and against bcftools."""

import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from make_vcf import DECLARED, record, write_vcf
from random_family import SAMPLES, Line, lines_of, read, write
from reference import bcftools, in_shell, lines
from vcf_agent.memory.errors import ToolError

quick = settings(
    max_examples=3, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)  # fmt: skip
random_lines = st.lists(lines_of(True), min_size=30, max_size=60)

PAIR = [
    record(100, samples=["0/1:40,20:60", "0/0:60,0:60"], format="GT:AD:DP"),
    record(200, samples=["0/1:58,2:60", "0/1:57,3:60"], format="GT:AD:DP"),
    record(300, samples=["0/1:30,10:50", "./.:.:."], format="GT:AD:DP", filter="q10"),
    record(400, samples=["0/0:60,0:60", "0/0:60,0:60"], format="GT:AD:DP"),
    record(500, alt="C,G", samples=["0/2:10,0,30:40", "0/0:20,1,0:21"], format="GT:AD:DP"),
    record(600, samples=["0/1:10,10:20", "0:9,0:9"], format="GT:AD:DP"),
]
AF = '##FORMAT=<ID=AF,Number=A,Type=Float,Description="Fraction">'


@pytest.fixture(scope="module")
def pair(tmp_path_factory, library):
    return library(write_vcf(tmp_path_factory.mktemp("pair") / "tn.vcf", PAIR, ["TUMOR", "NORMAL"]))


def positions(result) -> list[int]:
    return [int(key.split(":")[1]) for key in result.value]


def test_tumour_only_by_genotype(pair, run):
    result = run(pair, "somatic")
    assert positions(result) == [100, 500, 600] and result.evidence[0].verified is True
    path = pair.datasets[0].dataset.path
    told = lines(bcftools("query -i 'GT[0]=\"alt\" && GT[1]=\"ref\"' -f '%POS\\n'", path))
    assert [str(p) for p in positions(result)] == told
    assert "told apart by their names" in result.reading[0]
    assert result.tables[0].rows[1][:6] == ["chr1:500:A:G", "PASS", "0/2", 40, 30, 0.75]
    lenient = run(pair, "somatic", normal_missing="as_reference")
    assert positions(lenient) == [100, 300, 500, 600] and lenient.evidence[0].verified is True
    assert "3 with FILTER PASS" in lenient.text


def test_tumour_only_by_reads(pair, run):
    both = run(pair, "somatic", by="reads")
    assert positions(both) == [100, 500, 600] and both.evidence[0].verified is True
    assert "norm -m -any" in both.evidence[0].command
    strict = run(pair, "somatic", by="reads", min_tumour_vaf=0.1, max_normal_vaf=0.06, min_depth=10)
    assert positions(strict) == [100, 500]
    assert positions(run(pair, "somatic", by="reads", min_tumour_alt=2, max_normal_alt=3, min_depth=1)) == [
        100, 200, 500, 600,
    ]  # fmt: skip
    assert positions(run(pair, "somatic", by="reads", normal_missing="as_reference")) == [100, 300, 500, 600]
    assert positions(run(pair, "somatic", min_tumour_vaf=0.5)) == [500, 600]
    assert strict.evidence[0].verified is True
    mixed = run(pair, "somatic", min_tumour_vaf=0.1)
    assert mixed.evidence[0].note and "first ALT" in mixed.evidence[0].note


def test_limits_are_proved_where_no_record_has_several_alts(tmp_path, opened, run):
    single = [line for line in PAIR if "C,G" not in line]
    context = opened(write_vcf(tmp_path / "tn.vcf", single, ["TUMOR", "NORMAL"]))
    for arguments in ({}, {"min_tumour_vaf": 0.1}, {"max_normal_vaf": 0.06, "min_depth": 10}, {"vaf": "dp"}):
        result = run(context, "somatic", by="reads", **arguments)
        assert result.evidence[0].verified is True, (result.evidence[0].command, result.evidence[0].note)


def test_depth_reads_and_vaf_of_every_site(pair, run):
    by_dp = run(pair, "somatic", variants="all", show="sites", vaf="dp")
    assert by_dp.value["chr1:100:A:C"] == {"depth": 60, "alt_reads": 20, "vaf": 0.333333}
    assert by_dp.value["chr1:300:A:C"]["vaf"] == 0.2 and by_dp.evidence[0].verified is True
    by_ad = run(pair, "somatic", variants="all", show="sites")
    assert by_ad.value["chr1:300:A:C"]["vaf"] == 0.25 and by_ad.value["chr1:500:A:C"]["vaf"] == 0.0
    assert by_ad.evidence[0].verified is True
    bins = run(pair, "somatic", variants="all", show="histogram", bins=4).value
    assert bins == {"0-0.25": 3, "0.25-0.5": 2, "0.5-0.75": 1, "0.75-1": 1}
    folder = pair.datasets[0].dataset.path.parent
    in_shell(by_dp.evidence[0].command, folder)


def test_the_fraction_that_the_caller_wrote(tmp_path, opened, run):
    written = [
        record(100, samples=["0/1:0.1", "0/0:0"], format="GT:AF"),
        record(200, alt="C,G", samples=["1/2:0.3,0.4", "0/0:.,."], format="GT:AF"),
        record(300, samples=["0/1", "0/0"], format="GT"),
    ]
    path = write_vcf(tmp_path / "af.vcf", written, ["x_T", "x_N"], [*DECLARED, AF])
    context = opened(path)
    result = run(context, "somatic", vaf="caller", show="sites")
    assert [v["vaf"] for v in result.value.values()] == [0.1, 0.3, 0.4, None]
    assert positions(run(context, "somatic", vaf="caller", min_tumour_vaf=0.2)) == [200]
    freq = path.with_name("freq.vcf")
    freq.write_text(path.read_text().replace("AF", "FREQ").replace("Type=Float", "Type=String").replace("0.1", "12.5%"))
    assert next(iter(run(opened(freq), "somatic", vaf="caller", show="sites").value.values()))["vaf"] == 0.125


NAMES = {
    ("##tumor_sample=b", "##normal_sample=a"): "##tumor_sample",
    ("##PEDIGREE=<Derived=b,Original=a>",): "##PEDIGREE",
    ("##PEDIGREE=<ID=b,Original=a>",): "##PEDIGREE",
    ("##SAMPLE=<ID=a,Genomes=Germline>", "##SAMPLE=<ID=b,Genomes=Germline;Tumor,Mixture=.3;.7>"): "##SAMPLE",
}


@pytest.mark.parametrize("extra", NAMES, ids=lambda e: e[0][:18])
def test_the_header_tells_who_is_the_tumour(tmp_path, opened, run, extra):
    written = [record(100, samples=["0/0", "0/1"]), record(200, samples=["0/1", "0/0"])]
    context = opened(write_vcf(tmp_path / "h.vcf", written, ["a", "b"], [*DECLARED, *extra]))
    result = run(context, "somatic")
    assert positions(result) == [100] and NAMES[extra] in result.reading[0]
    assert positions(run(context, "somatic", tumour="a")) == [200]
    assert positions(run(context, "somatic", normal="b")) == [200]


@pytest.mark.parametrize(
    ("samples", "tumour"),
    [(["N1", "T1"], "T1"), (["p_normal", "p-Tumour"], "p-Tumour"), (["TCGA-AB-1234-11A", "TCGA-AB-1234-01A"], None),
     (["blood", "primary"], "primary")],
)  # fmt: skip
def test_names_tell_who_is_the_tumour(tmp_path, opened, run, samples, tumour):
    context = opened(write_vcf(tmp_path / "n.vcf", [record(100, samples=["0/0", "0/1"])], samples))
    result = run(context, "somatic")
    assert positions(result) == [100] and result.reading[0].startswith(tumour or samples[1])


def test_who_is_who_is_asked_where_nothing_tells(tmp_path, opened, run):
    two = opened(write_vcf(tmp_path / "two.vcf", [record(100, samples=["0/0", "0/1"])], ["a", "b"]))
    with pytest.raises(ToolError, match="which is the tumour") as caught:
        run(two, "somatic")
    assert "tumour_only" in str(caught.value)
    alone = run(two, "somatic", tumour="b", tumour_only=True)
    assert positions(alone) == [100] and "Without a normal" in alone.text
    with pytest.raises(ToolError, match="named as tumour and as normal"):
        run(two, "somatic", tumour="a", normal="a")
    three = opened(write_vcf(tmp_path / "three.vcf", [record(100, samples=["0/0"] * 3)], ["T1", "T2", "N"]))
    with pytest.raises(ToolError, match="T1, T2"):
        run(three, "somatic")
    one = opened(write_vcf(tmp_path / "one.vcf", [record(100, samples=["0/1"])], ["x"]))
    assert "only sample" in run(one, "somatic").reading[0]
    with pytest.raises(ToolError, match="no samples"):
        run(opened(write_vcf(tmp_path / "none.vcf", [record(100)])), "somatic")
    with pytest.raises(ToolError, match="no population frequencies"):
        run(two, "somatic", tumour="b", max_frequency=0.01)
    with pytest.raises(ToolError, match="FORMAT/AD"):
        run(opened(write_vcf(tmp_path / "no_ad.vcf", [record(100, samples=["0/1"] * 2)], ["T", "N"],
                             [d for d in DECLARED if "ID=AD" not in d])), "somatic", by="reads")  # fmt: skip


def reads_of(line: Line, sample: str) -> list[int] | None:
    """The reads of each allele, null where one is missing."""
    values = line.values[sample]["AD"].split(",")
    return [int(v) for v in values] if "." not in values and len(values) == len(line.alts) + 1 else None


@quick
@given(random_lines)
def test_random_pairs(tmp_path_factory, library, run, drawn):
    path = write(tmp_path_factory.mktemp("tn"), drawn)
    found, context = read(path), library(path)
    carrying = [x for x in found if x.kind("kid") in ("het", "hom_alt", "hemizygous_alt")]
    expected = [x.key for x in carrying if x.kind("mum") in ("hom_ref", "hemizygous_ref")]
    result = run(context, "somatic", tumour="kid", normal="mum")
    assert result.value == expected and result.evidence[0].verified is True
    lenient = run(context, "somatic", tumour="kid", normal="mum", normal_missing="as_reference").value
    assert lenient == [x.key for x in carrying if not set(x.calls("mum")) & {"1", "2"}]
    by_reads = []
    for x in found:
        t, n = reads_of(x, "kid"), reads_of(x, "mum")
        if t and n and any(t[i] >= 2 and t[i] / (t[0] + t[i]) >= 0.3 and n[i] <= 1 for i in range(1, len(t))):
            by_reads.append(x.key)
    limits = {"min_tumour_alt": 2, "min_tumour_vaf": 0.3, "max_normal_alt": 1}
    result = run(context, "somatic", tumour="kid", normal="mum", by="reads", **limits)
    assert result.value == by_reads and result.evidence[0].verified is True, result.evidence[0].note


def expected_fractions(found: list[Line], sample: str, calls: str, of: str) -> list[float]:
    out = []
    for x in found:
        reads = reads_of(x, sample)
        for i in range(1, len(x.alts) + 1):
            held = str(i) in x.calls(sample) and (calls != "het" or x.kind(sample) == "het")
            below = (sum(reads) if of == "all_reads" else reads[0] + reads[i]) if reads else 0
            if below and (calls == "all" or held):
                out.append(reads[i] / below)
    return out


@quick
@given(random_lines)
def test_allele_fractions_against_the_text(tmp_path_factory, library, run, drawn):
    path = write(tmp_path_factory.mktemp("vaf"), drawn)
    found, context = read(path), library(path)
    for calls in ("het", "carried", "all"):
        for of in ("all_reads", "ref_and_alt"):
            result = run(context, "allele_fractions", calls=calls, of=of)
            for sample in SAMPLES:
                ratios, told = expected_fractions(found, sample, calls, of), result.value[sample]
                assert told["calls"] == len(ratios)
                assert told["outside"] == sum(r < 0.3 or r > 0.7 for r in ratios)
                if ratios:
                    quartiles = [told[q] for q in ("first_quartile", "median", "third_quartile")]
                    assert quartiles == pytest.approx(np.percentile(ratios, [25, 50, 75]), abs=2e-6)
            assert result.evidence[0].verified is True, result.evidence[0].note
            counted = {}
            for row in in_shell(result.evidence[0].command, path.parent).splitlines():
                sample, *numbers = row.split(" ")
                counted[sample] = [int(n) for n in numbers]
            assert counted == {s: [v["calls"], v["outside"]] for s, v in result.value.items() if v["calls"]}, (
                result.evidence[0].command
            )
    low = run(context, "allele_fractions", samples=["kid"], below=0.25, show="outside")
    expected = [x.key for x in found if x.kind("kid") == "het" and (r := reads_of(x, "kid")) and sum(r)
                and any(str(i) in x.calls("kid") and r[i] / sum(r) < 0.25 for i in range(1, len(r)))]  # fmt: skip
    assert low.value == expected


VAF = "chr1:100:A:C"


def test_allele_fractions_are_those_of_fill_tags(tmp_path, opened, run):
    written = [
        record(100, samples=["0/1:3,4", "./.:."], format="GT:AD"),
        record(200, alt="C,G", samples=["1/2:3,4,5", "0/1:4,1,."], format="GT:AD"),
        record(300, alt="C,G", samples=["0/0:9,0,1", "0/2:5,2,3"], format="GT:AD"),
        record(400, samples=["0/1:4", "1:0,7"], format="GT:AD"),
    ]
    path = write_vcf(tmp_path / "v.vcf", written, ["a", "b"])
    result = run(opened(path), "allele_fractions", show="fractions", limit=100)
    by_record: dict[int, list[str]] = {}
    for key, _, _, _, _, vaf in result.tables[1].rows:
        by_record.setdefault(int(key.split(":")[1]), []).append("." if vaf is None else f"{vaf:.6g}")
    told = {100: "0.571429 .", 200: "0.333333,0.416667 .", 300: "0,0.1 0.2,0.3", 400: ". 1"}
    if program := shutil.which("bcftools"):  # the one of pysam has no plugins; where there is none, what it gave before
        tagged = subprocess.run([program, "+fill-tags", path, "--", "-t", "FORMAT/VAF"], capture_output=True, text=True)
        vaf = subprocess.run(
            [program, "query", "-f", "%POS[ %VAF]\n"], input=tagged.stdout, capture_output=True, text=True
        )
        if tagged.returncode == 0:
            assert {int(k): v for k, _, v in (row.partition(" ") for row in lines(vaf.stdout))} == told
    for pos, text in told.items():
        alleles = [value.split(",") for value in text.split(" ")]
        n = max(map(len, alleles))
        expected = [v[i] if len(v) > i else "." for i in range(n) for v in alleles]
        assert [f"{float(v):.6g}" if v != "." else v for v in by_record[pos]] == expected


def test_ad_that_is_not_of_each_allele_is_refused(tmp_path, opened, run):
    number = [d.replace("ID=AD,Number=R", "ID=AD,Number=1") for d in DECLARED]
    context = opened(write_vcf(tmp_path / "one.vcf", [record(100, samples=["0/1:4"], format="GT:AD")], ["a"], number))
    with pytest.raises(ToolError, match="Number=1"):
        run(context, "allele_fractions")
    alone = run(context, "somatic", show="sites")
    assert alone.value == {"chr1:100:A:C": {"depth": None, "alt_reads": None, "vaf": None}}
    assert any("Number=R" in r for r in alone.reading)
    dot = [d.replace("ID=AD,Number=R", "ID=AD,Number=.") for d in DECLARED]
    context = opened(write_vcf(tmp_path / "dot.vcf", [record(100, samples=["0/1:4,4"], format="GT:AD")], ["a"], dot))
    assert any("Number=." in r for r in run(context, "allele_fractions").reading)
    with pytest.raises(ToolError, match="no sample"):
        run(context, "allele_fractions", samples=["b"])
