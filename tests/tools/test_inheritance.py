"""Inheritance in a family: against a reading of the text by itself, and against bcftools."""

import dataclasses
import shutil
import subprocess
from itertools import combinations, product

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from make_vcf import record, write_vcf
from random_family import DECLARED, IMPACTS, PEDIGREE, SAMPLES, Line, lines_of, read, write
from reference import in_shell
from vcf_agent.memory.errors import ToolError
from vcf_agent.tools.pedigree import Pedigree, Person

quick = settings(
    max_examples=2, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
REF, ALT = {"hom_ref", "hemizygous_ref"}, {"hom_alt", "hemizygous_alt"}
CARRIER = {"het", *ALT}


def reference(line: Line, sample: str, lenient: bool) -> bool:
    lost = "." in line.calls(sample) and set(line.calls(sample)) <= {".", "0"}
    return line.kind(sample) in REF or (lenient and lost)


def deep(line: Line, sample: str, lenient_parent: bool) -> bool:
    if lenient_parent and "." in line.calls(sample):
        return True
    dp, gq = (line.values[sample][f] for f in ("DP", "GQ"))
    return dp != "." and gq != "." and int(dp) >= 10 and int(gq) >= 20


def balanced(line: Line, sample: str) -> bool:
    reads = line.values[sample]["AD"].split(",")
    for allele in {int(a) for a in line.calls(sample)} - {0}:
        if reads == ["."] or int(reads[0]) + int(reads[allele]) == 0:
            return False
        if not 0.3 <= int(reads[allele]) / (int(reads[0]) + int(reads[allele])) <= 0.7:
            return False
    return True


def de_novo(line: Line, lenient: bool = False) -> bool:
    mum = reference(line, "mum", lenient)
    if line.haploid_x():
        return line.kind("kid") in ALT and mum
    return line.kind("kid") == "het" and mum and reference(line, "dad", lenient)


def strict_de_novo(line: Line) -> bool:
    asked = ["kid", "mum"] if line.haploid_x() else ["kid", "mum", "dad"]
    return de_novo(line) and all(deep(line, s, False) for s in asked) and balanced(line, "kid")


def recessive(line: Line) -> bool:
    return line.kind("kid") == "hom_alt" and line.kind("mum") == line.kind("dad") == "het"


def x_linked(line: Line) -> bool:
    return line.haploid_x() and line.kind("kid") in ALT and line.kind("mum") == "het" and line.kind("dad") in REF


ASKED = [
    ({"mode": "de_novo"}, de_novo),
    ({"mode": "de_novo", "missing_parents": "as_reference"}, lambda line: de_novo(line, True)),
    ({"mode": "de_novo", "min_dp": 10, "min_gq": 20, "min_ab": 0.3, "max_ab": 0.7}, strict_de_novo),
    ({"mode": "recessive"}, recessive),
    ({"mode": "recessive", "unaffected": ["sis"]},
     lambda line: recessive(line) and line.kind("sis") in {"het", *REF}),
    ({"mode": "x_linked"}, x_linked),
    ({"mode": "x_linked", "child": "sis"},
     lambda line: line.haploid_x() and line.kind("sis") == "hom_alt" and line.kind("mum") == "het"
     and line.kind("dad") in ALT),
    ({"mode": "de_novo", "child": "sis"},
     lambda line: line.kind("sis") == "het" and line.kind("mum") in REF and line.kind("dad") in REF),
    ({"mode": "dominant", "affected": ["dad", "kid"], "unaffected": ["mum"]},
     lambda line: line.kind("dad") == line.kind("kid") == "het" and line.kind("mum") in REF),
    ({"mode": "segregation", "missing_parents": "as_reference"},
     lambda line: line.kind("kid") in CARRIER and all(reference(line, s, True) for s in ("mum", "dad", "sis"))),
]  # fmt: skip


def family(context, pedigree=PEDIGREE):
    return dataclasses.replace(context, pedigree=pedigree)


@quick
@given(st.lists(lines_of(False), min_size=30, max_size=60))
def test_every_mode_against_the_text(tmp_path_factory, library, run, lines):
    path = write(tmp_path_factory.mktemp("family"), lines)
    read_lines, context = read(path), family(library(path))
    for arguments, holds in ASKED:
        result = run(context, "inheritance", **arguments)
        assert result.value == [line.key for line in read_lines if holds(line)], arguments
        assert result.private
        for evidence in result.evidence:
            assert evidence.verified is True or evidence.command is None, (arguments, evidence)


def may_come(line: Line, child: str, sex: str, lenient: bool = False) -> str:
    """consistent, errors or not_judged: all ways to take an allele from each parent are tried."""
    kid, mum, dad = (line.calls(s) for s in (child, "mum", "dad"))
    if lenient:
        mum, dad = (["0" if a == "." else a for a in p] if set(p) <= {".", "0"} else p for p in (mum, dad))
    givers = [dad, mum]
    if line.chrom == "chrM" or (line.haploid_x() and sex == "male"):
        givers = [mum]
    if line.chrom == "chrY":
        givers = [dad] if sex == "male" else []
    if not givers or len(kid) > 2 or "." in "".join(["".join(kid), *("".join(g) for g in givers)]):
        return "not_judged"
    if len(givers) == 2 and len(kid) == 2:
        fits = any(sorted(pair) == sorted(kid) for pair in product(*givers))
    elif len(givers) == 2:
        fits = kid[0] in mum + dad
    else:
        fits = set(kid) <= set(givers[0]) and (line.chrom == "chrM" or len(set(kid)) == 1)
    return "consistent" if fits else "errors"


@quick
@given(st.lists(lines_of(True), min_size=30, max_size=60))
def test_mendelian_errors_against_the_text(tmp_path_factory, library, run, lines):
    path = write(tmp_path_factory.mktemp("family"), lines)
    context = family(library(path))
    for lenient in (False, True):
        result = run(context, "inheritance", mode="mendelian_errors",
                     missing_parents="as_reference" if lenient else "exclude")  # fmt: skip
        for child, sex in (("kid", "male"), ("sis", "female")):
            said = [may_come(line, child, sex, lenient) for line in read(path)]
            assert result.value[child] == {k: said.count(k) for k in ("consistent", "errors", "not_judged")}
        assert len(result.evidence) == 2
        for evidence, child in zip(result.evidence, ("kid", "sis"), strict=True):
            assert evidence.verified is True, evidence.note
            if shutil.which("bcftools"):
                printed = in_shell(evidence.command, path.parent).split()
                assert dict(zip(printed[::2], map(int, printed[1::2]), strict=True)) == result.value[child]


@pytest.mark.skipif(not shutil.which("bcftools"), reason="+mendelian is a plugin: it needs a bcftools on PATH")
def test_mendelian_errors_are_those_of_the_plugin(tmp_path, opened, run):
    """Every trio of called parents; of a missing parent the plugin of 1.16 takes that it could be anything."""
    called = ["0/0", "0/1", "1|1", "1/2", "2/2", "2|0"]
    calls = list(product([*called, "./."], called, called))
    lines = [record(i + 1, "A", "C,G", samples=row) for i, row in enumerate(calls)]
    path = write_vcf(tmp_path / "trio.vcf", lines, ["kid", "mum", "dad"])
    done = subprocess.run(["bcftools", "+mendelian", "-t", "mum,dad,kid", "-m", "c", str(path)],
                          capture_output=True, text=True)  # fmt: skip
    if done.returncode:
        pytest.skip("this bcftools has no +mendelian")
    consistent, errors, missing = map(int, done.stdout.strip().splitlines()[-1].split("\t")[:3])
    result = run(opened(path), "inheritance", mode="mendelian_errors", child="kid", mother="mum", father="dad")
    assert list(result.value.values()) == [consistent, errors, missing]


def worst_genes(line: Line) -> dict[str, str]:
    """The gravest impact of each gene over the alleles that the child carries."""
    order, found = list(IMPACTS.values()), {}
    for allele in {int(a) for a in line.calls("kid") if a != "."} - {0}:
        for alt, _, impact, gene in line.csq:
            if alt == line.alts[allele - 1]:
                found[gene] = min(found.get(gene, impact), impact, key=order.index)
    return found


def trans(a: Line, b: Line, phased: bool) -> str | None:
    """What tells that two het variants lie on different copies."""
    if phased and all("|" in x.gt["kid"] for x in (a, b)):
        copies = [{i for i, c in enumerate(x.calls("kid")) if c != "0"} for x in (a, b)]
        return "phase" if len(copies[0]) == len(copies[1]) == 1 and copies[0] != copies[1] else None
    origins = []
    for x in (a, b):
        if x.kind("mum") == "het" and x.kind("dad") in REF:
            origins.append("mum")
        if x.kind("dad") == "het" and x.kind("mum") in REF:
            origins.append("dad")
    return "parents" if sorted(origins) == ["dad", "mum"] else None


@pytest.mark.parametrize("phased", [False, True])
@settings(quick, max_examples=3)
@given(st.data())
def test_compound_heterozygous_against_the_text(tmp_path_factory, library, run, phased, data):
    lines = data.draw(st.lists(lines_of(phased).filter(lambda t: "C,G" not in t), min_size=30, max_size=50))
    path = write(tmp_path_factory.mktemp("family"), list({t.split("\t")[1] + t[:4]: t for t in lines}.values()))
    hets: dict[str, list[Line]] = {}
    for line in read(path):
        for gene, impact in worst_genes(line).items():
            if line.kind("kid") == "het" and impact in ("HIGH", "MODERATE"):
                hets.setdefault(gene, []).append(line)
    expected, told = {}, set()
    for gene, found in sorted(hets.items()):
        pairs = [(a, b, how) for a, b in combinations(found, 2) if (how := trans(a, b, phased))]
        keys = {x.key for a, b, _ in pairs for x in (a, b)}
        told |= {(gene, a.key, b.key, how) for a, b, how in pairs}
        if pairs:
            expected[gene] = [line.key for line in found if line.key in keys]
    result = run(family(library(path)), "inheritance", mode="compound_het", limit=1000)
    assert result.value == expected
    assert {(r[1], r[2], r[4], r[6]) for r in result.tables[0].rows} == told
    assert result.evidence[0].verified is True, result.evidence[0].note


def test_a_child_alone_has_only_possible_pairs(tmp_path, opened, run):
    lines = [record(p, "A", "C", info=f"CSQ=C|stop_gained|HIGH|G{g}", samples=["0/1"])
             for p, g in ((10, 1), (20, 1), (30, 1), (40, 2))]  # fmt: skip
    context = opened(write_vcf(tmp_path / "one.vcf", lines, ["kid"], DECLARED))
    result = run(context, "inheritance", mode="compound_het", child="kid")
    assert result.value == {}
    assert [row[6] for row in result.tables[0].rows] == ["possible"] * 3
    assert "3 further pairs only possible" in result.text


def test_phase_sets_are_not_taken_for_phase(tmp_path, opened, run):
    lines = [record(p, "A", "C", info="CSQ=C|stop_gained|HIGH|G1", format="GT:PS", samples=[f"{gt}:{p}"])
             for p, gt in ((10, "0|1"), (20, "1|0"))]  # fmt: skip
    declared = [*DECLARED, '##FORMAT=<ID=PS,Number=1,Type=Integer,Description="Phase set">']
    context = opened(write_vcf(tmp_path / "sets.vcf", lines, ["kid"], declared))
    assert run(context, "inheritance", mode="compound_het", child="kid").value == {}


def test_who_was_taken_for_whom_and_filters(tmp_path, opened, run):
    lines = [record(p, "A", alt, samples=["0/0", "0/0", "0/1"]) for p, alt in ((10, "C"), (20, "CG"), (30, "T"))]
    context = opened(write_vcf(tmp_path / "trio.vcf", lines, ["a", "b", "c"]))
    asked = {"mode": "de_novo", "child": "c", "father": "b", "mother": "a"}
    result = run(context, "inheritance", **asked, types=["snp"], regions=["chr1:1-25"])
    assert result.value == ["chr1:10:A:C"]
    assert "child c (sex not known), father b, mother a" in result.reading
    assert result.evidence[0].verified is True
    people = [Person("G", "c", "b", "a", None, True), Person("G", "a", None, None, "female", False)]
    assert run(family(context, Pedigree(people)), "inheritance", mode="dominant").value == [
        "chr1:10:A:C", "chr1:20:A:CG", "chr1:30:A:T"
    ]  # fmt: skip


def test_two_affected_children_are_told_apart(tmp_path, opened, run):
    """Only the affected are asked about, each with a list, a line of reading and a proof of its own."""
    calls = (["0/0", "0/0", "0/1", "0/0", "0/0"], ["0/0", "0/0", "0/1", "0/0", "0/1"])
    context = opened(write_vcf(tmp_path / "two.vcf", [record(10 + i, samples=c) for i, c in enumerate(calls)], SAMPLES))
    people = [dataclasses.replace(p, affected=name in ("kid", "sis")) for name, p in PEDIGREE.people.items()]
    result = run(family(context, Pedigree(people)), "inheritance", mode="de_novo")
    assert result.value == {"kid": ["chr1:10:A:C", "chr1:11:A:C"], "sis": ["chr1:11:A:C"]}
    assert [row[0] for row in result.tables[0].rows] == ["kid", "kid", "sis"]
    assert [e.verified for e in result.evidence] == [True, True]
    assert result.reading[:2] == [
        "child kid (male), father dad, mother mum",
        "child sis (female), father dad, mother mum",
    ]


@pytest.mark.parametrize("arguments", [
    {"mode": "de_novo"},
    {"mode": "de_novo", "father": "dad"},
    {"mode": "de_novo", "child": "kid"},
    {"mode": "de_novo", "child": "kid", "father": "kid", "mother": "mum"},
    {"mode": "recessive", "child": "kid", "father": "dad", "mother": "mum", "min_ab": 0.1},
    {"mode": "x_linked", "child": "kid", "father": "dad", "mother": "mum"},
    {"mode": "dominant"},
    {"mode": "dominant", "affected": ["kid"], "unaffected": ["kid"]},
    {"mode": "segregation", "unaffected": ["kid"]},
    {"mode": "dominant", "child": "kid"},
    {"mode": "de_novo", "child": "kid", "father": "dad", "mother": "mum", "min_gq": 3},
    {"mode": "nonsense"},
])  # fmt: skip
def test_what_cannot_be_answered_is_said(tmp_path, opened, run, arguments):
    path = write_vcf(tmp_path / "t.vcf", [record(1, samples=["0/1"] * 5)], SAMPLES, DECLARED[:6])
    context = opened(path)
    with pytest.raises(ToolError):
        run(context, "inheritance", **arguments)
