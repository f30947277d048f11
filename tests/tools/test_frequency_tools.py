"""Frequencies, groups, Hardy-Weinberg, spectrum and stale INFO, against a reading of the text and bcftools."""

import dataclasses
import random
import shutil
import subprocess
from collections import Counter
from fractions import Fraction
from itertools import product
from math import comb, factorial

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from make_vcf import DECLARED, record, write_vcf
from random_family import PEDIGREE, SAMPLES, Line, lines_of, read, write
from reference import bcftools, in_shell, lines, rows
from vcf_agent.memory.errors import ToolError
from vcf_agent.tools.exact_tests import fisher_p, hardy_weinberg_p
from vcf_agent.tools.registry import tool

quick = settings(
    max_examples=2, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)  # fmt: skip
random_lines = st.lists(lines_of(True), min_size=30, max_size=60)
PLUGINS = shutil.which("bcftools") is not None
CASES, CONTROLS = ["kid", "dad"], ["mum", "sis", "other"]


def counts(line: Line, samples: list[str]) -> tuple[list[int], int]:
    """AC of each ALT allele, and AN."""
    calls = [c for s in samples for c in line.calls(s) if c != "."]
    return [calls.count(str(a)) for a in range(1, len(line.alts) + 1)], len(calls)


def expected(found: list[Line], samples: list[str]) -> list[tuple[str, int, int, float | None]]:
    out = []
    for line in found:
        ac, an = counts(line, samples)
        place = ":".join(line.key.split(":")[:3])
        out += [(f"{place}:{alt}", n, an, round(n / an, 6) if an else None)
                for alt, n in zip(line.alts, ac, strict=True)]  # fmt: skip
    return out


def told(value: dict[str, dict[str, object]]) -> list[tuple[object, ...]]:
    return [(key.partition("#")[0], v["AC"], v["AN"], v["AF"] if v["AF"] is None else round(v["AF"], 6))
            for key, v in value.items()]  # fmt: skip


def proved(result, plugin: bool = False) -> bool:
    return all(e.verified is True or (plugin and not PLUGINS) for e in result.evidence)


def typed(result, path) -> str:
    """What the printed command gives in a real shell, where there is a bcftools on PATH."""
    return in_shell(result.evidence[0].command, path.parent).strip() if PLUGINS else ""


@quick
@given(random_lines)
def test_frequencies_against_the_text(tmp_path_factory, library, run, drawn):
    path = write(tmp_path_factory.mktemp("af"), drawn)
    found, context = read(path), library(path)
    every = run(context, "allele_frequencies")
    assert told(every.value) == expected(found, SAMPLES)
    assert proved(every), every.evidence
    some = run(context, "allele_frequencies", samples=["sis", "mum"], limit=1000)
    assert told(some.value) == expected(found, ["mum", "sis"])
    assert [tuple(r[1:3]) for r in some.tables[0].rows] == [e[1:3] for e in expected(found, ["mum", "sis"])]
    assert proved(some), some.evidence
    groups = run(context, "allele_frequencies", groups={"a": CASES, "b": CONTROLS})
    for name, samples in (("a", CASES), ("b", CONTROLS)):
        assert told({k: v[name] for k, v in groups.value.items()}) == expected(found, samples)
    assert proved(groups) and len(groups.evidence) == 2
    narrowed = run(context, "allele_frequencies", regions=["chr1"], impacts=["HIGH"])
    kept = [x for x in found if x.chrom == "chr1" and any(e[2] == "HIGH" for e in x.csq)]
    assert told(narrowed.value) == expected(kept, SAMPLES)
    assert proved(narrowed), narrowed.evidence
    carried = [{"genotype": "carrier", "samples": ["kid"]}]
    assert proved(run(context, "allele_frequencies", genotypes=carried, samples=CASES))


def differs(line: Line, more_than: Fraction, either: bool) -> list[bool]:
    (a, n), (b, m) = counts(line, CASES), counts(line, CONTROLS)
    if not n or not m:
        return [False] * len(a)
    gaps = [Fraction(x, n) - Fraction(y, m) for x, y in zip(a, b, strict=True)]
    return [(abs(gap) if either else gap) > more_than for gap in gaps]


@quick
@given(random_lines)
def test_groups_against_the_text(tmp_path_factory, library, run, drawn):
    path = write(tmp_path_factory.mktemp("groups"), drawn)
    found, context = read(path), library(path)
    for more_than, direction in ((0.0, "higher"), (0.25, "different"), (0.3, "higher")):
        hits = [differs(line, Fraction(str(more_than)), direction == "different") for line in found]
        asked = {"groups": {"cases": CASES, "controls": CONTROLS}, "more_than": more_than, "direction": direction}
        records = run(context, "compare_groups", **asked, limit=1000)
        alleles = run(context, "compare_groups", **asked, scope="allele")
        assert (records.value, alleles.value) == (sum(map(any, hits)), sum(map(sum, hits)))
        assert proved(records) and proved(alleles), (records.evidence, alleles.evidence)
        for one in (records, alleles):
            assert typed(one, path) in ("", str(one.value))
        gaps = [abs(r[7]) for r in records.tables[0].rows]
        assert gaps == sorted(gaps, reverse=True) and records.tables[0].total == alleles.value
        assert all(abs(r[8] - fisher(r[1], r[2] - r[1], r[4], r[5] - r[4])) < 1e-5 for r in records.tables[0].rows)
    most = run(context, "compare_groups", groups={"a": CASES}, p_below=0.2, sort="p", scope="allele", limit=1000)
    assert [r[8] for r in most.tables[0].rows] == sorted(r[8] for r in most.tables[0].rows)
    assert most.value == most.tables[0].total and all(r[8] < 0.2 for r in most.tables[0].rows)


def fisher(a: int, b: int, c: int, d: int) -> float:
    """Two-sided, in whole numbers."""
    ways = {x: comb(a + b, x) * comb(c + d, a + c - x) for x in range(a + c + 1)}
    return float(Fraction(sum(w for w in ways.values() if w <= ways[a]), comb(a + b + c + d, a + c)))


def hwe(rest: int, het: int, hom: int) -> tuple[float, float]:
    """The exact test and its part for too many heterozygous genotypes, in fractions."""
    one, other, n = 2 * hom + het, 2 * rest + het, rest + het + hom
    ways = {
        h: Fraction(2**h * factorial(n), factorial(h) * factorial((one - h) // 2) * factorial((other - h) // 2))
        for h in range(one % 2, min(one, other) + 1, 2)
    }
    total = sum(ways.values())
    likely = sum(w for w in ways.values() if w <= ways[het])
    return float(likely / total), float(sum(w for h, w in ways.items() if h >= het) / total)


def test_exact_tests_against_whole_numbers():
    pick = random.Random(5)
    tables = [tuple(pick.randrange(pick.choice([3, 12, 40])) for _ in range(4)) for _ in range(400)]
    tables += list(product(range(3), repeat=4))
    assert fisher_p(*np.array(tables).T) == pytest.approx([fisher(*t) for t in tables], rel=1e-9)
    both = np.array(hardy_weinberg_p(*np.array([t[:3] for t in tables]).T)).T
    assert both == pytest.approx(np.array([hwe(*t[:3]) for t in tables]), rel=1e-9)
    empty = np.array([], dtype=np.int64)
    assert len(fisher_p(empty, empty, empty, empty)) == 0 and len(hardy_weinberg_p(empty, empty, empty)[0]) == 0
    large = hardy_weinberg_p(np.array([100_000]), np.array([50_000]), np.array([100]))
    assert large[0][0] < 1e-300 and large[1][0] < 1e-300  # 2 p q n is 38,130: too many het


def genotypes_of(line: Line, allele: str) -> tuple[int, int, int]:
    """Complete diploid genotypes without the allele, with one copy, with two; not those of another ALT alone."""
    called = [c for s in SAMPLES if len(c := line.calls(s)) == 2 and "." not in c]
    without = sum(allele not in c and not (c[0] == c[1] != "0") for c in called)
    return without, sum(c.count(allele) == 1 for c in called), sum(c.count(allele) == 2 for c in called)


@quick
@given(random_lines)
def test_hardy_weinberg_against_the_text(tmp_path_factory, library, run, drawn):
    path = write(tmp_path_factory.mktemp("hwe"), drawn)
    found, context = read(path), library(path)
    for i, test in enumerate(("hwe", "excess_het")):
        result = run(context, "hardy_weinberg", test=test, p_below=0.5, limit=1000)
        p = [[hwe(*genotypes_of(x, str(a + 1)))[i] for a in range(len(x.alts))] for x in found]
        assert result.value == sum(min(each) < 0.5 for each in p)
        assert [r[4 + i] for r in result.tables[0].rows] == pytest.approx(
            sorted(x for each in p for x in each if x < 0.5), rel=1e-5
        )
        assert all(e.verified is not False for e in result.evidence), result.evidence


@pytest.fixture(scope="module")
def diploid(tmp_path_factory):
    """200 records of 40 samples, far from equilibrium here and there, every tenth with two ALT alleles."""
    pick = random.Random(11)
    written = []
    for i in range(200):
        calls = ["0/0", "0|1", "1/1", "./.", "1", "./1"] + (["0/2", "1/2", "2/2"] if i % 10 == 0 else [])
        weights = [pick.random() ** 3 for _ in calls]
        samples = pick.choices(calls, weights, k=40)
        written.append(record(10 + i, "A", "C,G" if i % 10 == 0 else "C", samples=samples))
    return write_vcf(tmp_path_factory.mktemp("diploid") / "d.vcf", written, [f"s{i}" for i in range(40)])


HWE_OF_DIPLOID = {"HWE": 66, "ExcHet": 26}
"""Records with p < 0.01, as `bcftools +fill-tags` 1.16 has it for `diploid`."""


@pytest.mark.parametrize(("test", "tag"), [("hwe", "HWE"), ("excess_het", "ExcHet")])
def test_hardy_weinberg_is_that_of_fill_tags(diploid, library, run, test, tag):
    result = run(library(diploid), "hardy_weinberg", test=test, p_below=0.01, limit=10_000)
    assert result.value == HWE_OF_DIPLOID[tag]
    assert proved(result, plugin=True), result.evidence
    if not PLUGINS:
        return
    line = f"bcftools +fill-tags {diploid.name} -- -t {tag} | bcftools query -f '%POS\\t%INFO/{tag}\\n'"
    p_of = {pos: [float(x) for x in p.split(",")] for pos, p in rows(in_shell(line, diploid.parent))}
    at = {"hwe": 4, "excess_het": 5}[test]
    for key, *values in result.tables[0].rows:
        _, pos, _, alt = key.split(":")
        assert p_of[pos]["CG".index(alt)] == pytest.approx(values[at - 1], rel=1e-5)
    assert in_shell(result.evidence[0].command, diploid.parent).strip() == str(result.value)
    named = run(library(diploid), "hardy_weinberg", samples=[f"s{i}" for i in range(20)], p_below=0.05, types=["snp"])
    assert proved(named)


@quick
@given(random_lines)
def test_the_spectrum_against_the_text(tmp_path_factory, library, run, drawn):
    path = write(tmp_path_factory.mktemp("spectrum"), drawn)
    found, context = read(path), library(path)
    for samples, folded, scope in product((SAMPLES, CASES), (False, True), ("allele", "record")):
        histogram: Counter[int] = Counter()
        for line in found:
            ac, an = counts(line, samples)
            each = [sum(ac)] if scope == "record" else ac
            histogram.update(min(c, an - c) if folded else c for c in each)
        result = run(context, "frequency_spectrum", samples=samples, folded=folded, scope=scope)
        assert result.value == {str(c): histogram[c] for c in sorted(histogram)}
        assert proved(result), result.evidence
        if PLUGINS:
            tallied = (line.split() for line in typed(result, path).splitlines())
            assert {c: int(n) for n, c in tallied} == result.value


WRITTEN = [
    ("AC=1;AN=4;AF=0.25", "C", ["0/1", "0/0"], {}),
    ("AC=1;AN=4;AF=0.2502", "C", ["0|1", "0/0"], {}),
    ("AC=1;AN=3;AF=0.333", "C", ["0/1", "0"], {}),
    ("AC=2;AN=4;AF=0.5", "C", ["0/1", "0/0"], {"AC", "AF"}),
    ("AC=1,2;AN=4;AF=0.25,0.5", "C,G", ["1/2", "0/2"], {}),
    ("AC=1,1;AN=4;AF=0.25,0.5", "C,G", ["1/2", "0/2"], {"AC"}),
    ("AC=1,.;AN=5", "C,G", ["1/2", "0/2"], {"AN"}),
    ("AF=0.1", "C", ["./.", "."], {}),
    ("AN=0;AC=0", "C", ["./.", "."], {}),
    ("AF=0.252", "C", ["0/1", "0/0"], {"AF"}),
    (".", "C", ["0/1", "0/0"], {}),
    ("AC=3;AN=9", ".", ["0/0", "0/0"], {}),
    ("AC=1;AN=2;AF=0.5", "C", ["./1", "./0"], {}),
]
"""INFO, ALT, genotypes, and the fields that disagree."""


@pytest.fixture
def stale(tmp_path, opened):
    declared = [*DECLARED, '##INFO=<ID=AN,Number=1,Type=Integer,Description="Alleles">']
    written = [record(10 + i, "A", alt, info=info, samples=gt) for i, (info, alt, gt, _) in enumerate(WRITTEN)]
    return opened(write_vcf(tmp_path / "stale.vcf", written, ["a", "b"], declared))


def test_info_against_the_genotypes(stale, run):
    every = run(stale, "check_info_counts")
    assert every.value == sum(bool(wrong) for *_, wrong in WRITTEN)
    assert proved(every), every.evidence
    by_field = {r[0]: dict(zip(every.tables[0].columns[1:], r[1:], strict=True)) for r in every.tables[0].rows}
    for name in ("AC", "AN", "AF"):
        one = run(stale, "check_info_counts", field=name)
        assert one.value == by_field[f"INFO/{name}"]["disagree"] == sum(name in wrong for *_, wrong in WRITTEN)
        assert proved(one) and typed(one, stale.datasets[0].dataset.path) in ("", str(one.value))
    with_alt = [info for info, alt, *_ in WRITTEN if alt != "."]
    assert by_field["INFO/AF"]["absent"] == sum("AF=" not in i for i in with_alt)
    assert by_field["INFO/AF"]["uncalled"] == 1
    assert ["chr1:13:A:C", "INFO/AC", 2.0, 1.0] in every.tables[1].rows
    assert every.tables[1].total == 5
    exact = run(stale, "check_info_counts", field="AF", tolerance=0)
    assert exact.value == 4 and proved(exact)


def test_a_frequency_of_six_digits_is_right(tmp_path, opened, run):
    """However many copies: what a program printed with six digits agrees at a tolerance of 1e-6."""
    samples = [f"s{i}" for i in range(50)]
    written = []
    for i in range(1, 100):
        calls = [f"{int(2 * s < i)}/{int(2 * s + 1 < i)}" for s in range(50)]
        calls[7] = "./."
        ac = "/".join(calls).count("1")
        written.append(record(10 + i, info=f"AF={ac / 98:.6g}", samples=calls))
    context = opened(write_vcf(tmp_path / "six.vcf", written, samples))
    assert run(context, "check_info_counts", tolerance=1e-6).value == 0
    assert run(context, "check_info_counts").value == 0


def test_the_spectrum_as_info_has_it(stale, run):
    path = stale.datasets[0].dataset.path
    text = [x for line in lines(bcftools("query -f '%INFO/AC\\n' -i 'N_ALT>0'", path)) for x in line.split(",")]
    result = run(stale, "frequency_spectrum", source="info", where=[{"field": "QUAL", "op": ">", "value": 1}])
    assert result.value == {k: n for k, n in sorted(Counter(text).items()) if k != "."}
    assert "4 alleles without INFO/AC are not counted" in result.reading
    folded = run(stale, "frequency_spectrum", source="info", folded=True)
    assert folded.value == {"0": 1, "1": 8, "2": 2}
    records = run(stale, "frequency_spectrum", source="info", folded=True, scope="record")
    assert records.value == {"0": 1, "1": 5, "2": 2} and "4 records without INFO/AC" in records.reading[-1]
    assert proved(result) and proved(folded) and proved(records)
    for one in (result, folded, records):
        tallied = [line.split() for line in typed(one, path).splitlines()]
        assert not PLUGINS or {c: int(n) for n, c in tallied} == one.value


def test_the_question_on_two_groups_with_a_site_on_the_threshold(tmp_path, opened, run):
    """4 of 8 against 1 of 5 is exactly 0.3, which a frequency of 32 bits takes for more."""
    on = ["0/1", "0/1", "0/1", "0/1", "0/0", "0/1", "0"]
    above = ["0/1", "0/1", "0/1", "1/1", "0/0", "0/1", "0"]
    written = [record(10, samples=on), record(20, samples=above)]
    context = opened(write_vcf(tmp_path / "g.vcf", written, list("abcdefg")))
    groups = {"F": list("abcd"), "C": list("efg")}
    result = run(context, "compare_groups", groups=groups, more_than=0.3)
    assert result.value == 1 and result.tables[0].rows[0][0] == "chr1:20:A:C"
    assert proved(result)


def test_groups_from_a_file_and_from_the_pedigree(tmp_path, library, run):
    path = write(tmp_path, [record(100, samples=["0/1", "0/0", "1/1", "0/1", "0/0"])])
    context = dataclasses.replace(library(path), pedigree=PEDIGREE)
    (tmp_path / "pops.txt").write_text("mum\tA\nkid\tA,B\n\nstranger\tB\nsis\tB\n")
    by_file = run(context, "allele_frequencies", groups_file="pops.txt")
    entry = by_file.value["chr1:100:A:C"]
    assert (entry["A"]["AC"], entry["A"]["AN"]) == (2, 4) and entry["B"]["AC"] == 2
    assert any("stranger" in r for r in by_file.reading) and any("other, dad" in r for r in by_file.reading)
    by_sex = run(context, "compare_groups", by="sex")
    assert by_sex.tables[0].columns[1].startswith("male")
    assert any("not known" in r and "other" in r for r in by_sex.reading)
    affected = run(context, "allele_frequencies", by="phenotype").value["chr1:100:A:C"]
    assert affected["affected"] == {"AC": 2, "AN": 2, "AF": 1.0}
    assert run(context, "allele_frequencies", by="phenotype").private
    assert not run(context, "allele_frequencies").private


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("allele_frequencies", {"samples": ["mom"]}, "no sample 'mom'"),
        ("allele_frequencies", {"samples": ["mum"], "by": "sex"}, "not both"),
        ("allele_frequencies", {"groups": {"a": []}}, "is empty"),
        ("allele_frequencies", {"groups_file": "/etc/passwd"}, "outside"),
        ("allele_frequencies", {"groups_file": "empty.txt"}, "names no sample"),
        ("allele_frequencies", {"groups_file": "one.txt"}, "line 2 has no group"),
        ("allele_frequencies", {"by": "sex"}, "No pedigree"),
        ("compare_groups", {}, "Two groups"),
        ("compare_groups", {"groups": {"a": SAMPLES}}, "nobody to compare"),
        ("compare_groups", {"groups": {"a": ["mum"], "b": ["dad"]}, "group": "c"}, "no group 'c'"),
        ("compare_groups", {"groups": {"a": ["mum"], "b": ["dad"], "c": ["kid"]}}, "Two groups"),
        ("compare_groups", {"groups": {"a": ["mum"]}, "by": "sex"}, "give one of"),
        ("check_info_counts", {}, "no INFO/AC, AN or AF"),
        ("check_info_counts", {"field": "AF"}, "no INFO field 'AF'"),
        ("frequency_spectrum", {"source": "info"}, "no INFO field 'AC'"),
        ("frequency_spectrum", {"source": "info", "samples": ["mum"]}, "INFO/AC speaks of all"),
    ],
)
def test_mistakes_are_told(tmp_path, opened, run, name, arguments, message):
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "one.txt").write_text("mum\tA\ndad\n")
    context = opened(write(tmp_path, [record(100, samples=["0/1"] * 5)]))
    with pytest.raises(ToolError, match=message):
        run(context, name, **arguments)


TOOLS = ("allele_frequencies", "compare_groups", "hardy_weinberg", "frequency_spectrum", "check_info_counts")


@pytest.mark.parametrize("name", TOOLS)
def test_files_without_what_is_asked(tmp_path, opened, run, name):
    asked = {"groups": {"a": ["a"]}} if name == "compare_groups" else {}
    for number, (samples, format_, message) in enumerate([([], "GT", "no samples"), (["5", "6"], "DP", "FORMAT/GT")]):
        declared = [d for d in DECLARED if "FORMAT=<ID=GT" not in d]
        path = tmp_path / f"{number}.vcf"
        write_vcf(path, [record(100, format=format_, samples=samples)], list("ab")[: len(samples)], declared)
        with pytest.raises(ToolError, match=message):
            run(opened(path), name, **asked)
    declared = [*DECLARED, '##INFO=<ID=AN,Number=1,Type=Integer,Description="Alleles">']
    path = write_vcf(tmp_path / "none.vcf", [record(alt=".", samples=["0/0", "0"])], ["a", "b"], declared)
    for narrowed in ({}, {"regions": ["chr2"]}):
        none = run(opened(path), name, **asked, **narrowed)
        assert not none.value and all(e.verified is True or "HWE" in e.command for e in none.evidence)


def test_records_without_gt_and_without_alt(tmp_path, opened, run):
    written = [record(10, samples=["0/1", "0/0"]), record(20, format="DP", samples=["5", "6"]),
               record(30, alt=".", samples=["0/0", "0/0"]), record(40, alt="*", samples=["0/1", "1/1"]),
               record(50, samples=["0/1", "./."]), record(50, samples=["1/1", "./."])]  # fmt: skip
    context = opened(write_vcf(tmp_path / "odd.vcf", written, ["a", "b"]))
    result = run(context, "allele_frequencies")
    assert [v["AC"] for v in result.value.values()] == [1, 0, 3, 1, 2]
    assert list(result.value)[-1] == "chr1:50:A:C#2"
    assert result.value["chr1:20:A:C"] == {"AC": 0, "AN": 0, "AF": None}
    assert result.evidence[0].verified is None and "no GT" in result.evidence[0].note
    assert run(context, "hardy_weinberg", p_below=1).value == 0


def test_the_examples_of_the_tools_run(cohort, run):
    for name in TOOLS:
        result = run(cohort, name, **tool(name).example)
        assert result.value is not None and proved(result, plugin=True), (name, result.evidence)


def test_frequencies_of_the_cohort_are_those_of_fill_tags(cohort, example, run):
    value = run(cohort, "allele_frequencies").value
    found = [r for r in rows(bcftools("query -f '%CHROM:%POS:%REF:%ALT\\t%AC\\t%AN\\n'", example)) if "," not in r[1]]
    assert all(value[key]["AC"] == int(ac) and value[key]["AN"] == int(an) for key, ac, an in found)
    if PLUGINS:
        line = f"bcftools +fill-tags {example} -- -t AF | bcftools query -f '%CHROM:%POS:%REF:%ALT\\t%AF\\n'"
        text = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True).stdout
        assert all(f"{value[k]['AF']:g}" == af for k, af in rows(text) if "," not in k)


@pytest.fixture
def rare(tmp_path, opened):
    """Two records with a rare gnomAD frequency, two with a common one, three with none, one with `.`."""
    declared = [*DECLARED, '##INFO=<ID=gnomAD_AF,Number=1,Type=Float,Description="f">',
                '##INFO=<ID=gnomAD_each,Number=A,Type=Float,Description="f">']  # fmt: skip
    info = ["gnomAD_AF=0.001", "gnomAD_AF=2e-05", "gnomAD_AF=0.01", "gnomAD_AF=0.4", ".", "DP=5", "DB", "gnomAD_AF=."]
    written = [record(10 + i, chrom="chr1" if i % 2 else "chr2", info=x) for i, x in enumerate(info)]
    written += [record(100, alt="C,G", chrom="chr2", info="gnomAD_AF=0.9;gnomAD_each=0.001,.")]
    written.sort(key=lambda t: (t.split("\t")[0], int(t.split("\t")[1])))
    return opened(write_vcf(tmp_path / "rare.vcf", written, [], declared))


@pytest.mark.parametrize(("absent", "n", "by_contig"), [("drop", 2, {"chr1": 1, "chr2": 1}),
                                                        ("keep", 6, {"chr1": 3, "chr2": 3})])  # fmt: skip
def test_rare_with_and_without_those_that_gnomad_has_not(rare, run, absent, n, by_contig):
    where = [{"field": "INFO/gnomAD_AF", "op": "<", "value": 0.01, "absent": absent}]
    for result, value in [
        (run(rare, "count_variants", where=where), n),
        (run(rare, "group_variants", by="contig", where=where), by_contig),
    ]:
        assert result.value == value and proved(result), result.evidence
    listed = run(rare, "list_variants", where=where)
    assert len(listed.value) == n and proved(listed), listed.evidence
    said = "are kept" if absent == "keep" else "are not counted"
    assert any(f"records without INFO/gnomAD_AF {said}" in r for r in listed.reading)


def test_an_absent_value_of_one_of_two_alleles(rare, run):
    where = [{"field": "INFO/gnomAD_each", "op": ">", "value": 0.5, "absent": "keep"}]
    assert run(rare, "count_variants", where=where, scope="allele", multiallelic=True).value == 1
    assert run(rare, "count_variants", where=where, multiallelic=True).value == 1


def test_a_list_of_more_records_than_the_value_holds_is_proved(tmp_path, opened, run, monkeypatch):
    monkeypatch.setattr("vcf_agent.tools.list_variants.MAX_VALUE", 5)
    monkeypatch.setattr("vcf_agent.tools.allele_frequencies.MAX_VALUE", 5)
    written = [record(10 + i, alt="C,G" if i % 2 else "C", samples=["0/1", "1|1"]) for i in range(20)]
    context = opened(write_vcf(tmp_path / "many.vcf", written, ["a", "b"]))
    listed = run(context, "list_variants", limit=3)
    assert len(listed.value) == 5 and proved(listed), listed.evidence
    frequencies = run(context, "allele_frequencies")
    assert len(frequencies.value) == 4 and proved(frequencies)  # the sixth allele is of the same record as the fifth
    assert frequencies.tables[0].total == 30
    assert "the value holds the first 4 of 30 alleles" in frequencies.reading


def test_a_spectrum_of_sites_alone_tells_the_way_out(opened, run, tmp_path):
    path = tmp_path / "sites.vcf"
    head = '##fileformat=VCFv4.2\n##contig=<ID=1>\n##INFO=<ID=AC,Number=A,Type=Integer,Description="x">\n'
    path.write_text(f"{head}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t5\t.\tA\tC,G\t.\t.\tAC=2,3\n")
    context = opened(path)
    with pytest.raises(ToolError, match="source = info"):
        run(context, "frequency_spectrum")
    assert run(context, "frequency_spectrum", source="info").value == {"2": 1, "3": 1}
