"""The funnel, why a variant was dropped, why nothing was found: against the text read alone, and against bcftools."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from make_vcf import bgzip, record, write_vcf
from random_family import SAMPLES, Line, lines_of, read, write
from reference import bcftools, count, in_shell
from vcf_agent.memory.errors import ToolError

quick = settings(
    max_examples=4, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


def entry(line: Line, alt: str, **wanted: list[str]) -> bool:
    """Whether one annotation entry of the allele says all that is wanted."""
    place = {"consequences": 1, "impacts": 2, "genes": 3}
    return any(e[0] == alt and all(e[place[k]] in v for k, v in wanted.items()) for e in line.csq)


def frequency(line: Line, alt: str) -> float:
    called = [c for s in SAMPLES for c in line.calls(s) if c != "."]
    return called.count(str(line.alts.index(alt) + 1)) / len(called) if called else 0.0


class Text:
    """FILTER and QUAL of a line, which `Line` leaves out."""

    def __init__(self, text: str) -> None:
        columns = text.split("\t")
        self.qual, self.filter = columns[5], columns[6]


CARRIER = {"het", "hom_alt", "hemizygous_alt"}
Predicate = Callable[[Line, Text, str], bool]
CONDITIONS: list[tuple[dict[str, Any], Predicate]] = [
    ({"filters": ["PASS"]}, lambda line, t, alt: t.filter == "PASS"),
    ({"not_filters": ["q10"]}, lambda line, t, alt: "q10" not in t.filter.split(";")),
    ({"where": [{"field": "QUAL", "op": ">=", "value": 30}]}, lambda line, t, alt: t.qual != "." and int(t.qual) >= 30),
    ({"where": [{"field": "cohort_AF", "op": ">", "value": 0.2}]}, lambda line, t, alt: frequency(line, alt) > 0.2),
    ({"regions": ["chr1", "chrX"]}, lambda line, t, alt: line.chrom in ("chr1", "chrX")),
    ({"multiallelic": False}, lambda line, t, alt: len(line.alts) == 1),
    ({"genotypes": [{"genotype": "carrier", "samples": ["kid"]}]}, lambda line, t, alt: line.kind("kid") in CARRIER),
    ({"genotypes": [{"genotype": "carrier", "how_many": "at_least", "n": 2}]},
     lambda line, t, alt: sum(line.kind(s) in CARRIER for s in SAMPLES) >= 2),
    ({"impacts": ["HIGH", "MODERATE"]}, lambda line, t, alt: entry(line, alt, impacts=["HIGH", "MODERATE"])),
]  # fmt: skip
"""Each condition by itself, and the same of one ALT allele of a line."""


@st.composite
def files(draw: Any) -> list[str]:
    lines = draw(st.lists(lines_of(False), min_size=5, max_size=12))
    out = []
    for line in lines:
        columns = line.split("\t")
        columns[5] = draw(st.sampled_from([".", "10", "30", "60"]))
        columns[6] = draw(st.sampled_from(["PASS", "PASS", ".", "q10", "q10;s50"]))
        out.append("\t".join(columns))
    return out


def left(found: list[tuple[Line, Text]], predicates: list[Predicate], scope: str) -> int:
    """Alleles that meet all, or records each of whose conditions some allele meets."""
    if scope == "allele":
        return sum(all(p(line, t, alt) for p in predicates) for line, t in found for alt in line.alts)
    return sum(all(any(p(line, t, alt) for alt in line.alts) for p in predicates) for line, t in found)


@quick
@given(lines=files(), order=st.permutations(range(len(CONDITIONS))), size=st.integers(2, len(CONDITIONS)))
@pytest.mark.parametrize("scope", ["record", "allele"])
def test_funnel_against_the_text(lines, order, size, scope, tmp_path_factory, library, run):
    folder = tmp_path_factory.mktemp("funnel")
    path = write(folder, lines)
    declared = path.read_text().replace(
        "##INFO", '##FILTER=<ID=q10,Description="q">\n##FILTER=<ID=s50,Description="s">\n##INFO', 1
    )
    path.write_text(declared)
    texts = [Text(line) for line in path.read_text().splitlines() if not line.startswith("#")]
    found = list(zip(read(path), texts, strict=True))
    chosen = [CONDITIONS[i] for i in order[:size]]
    context = library(path)
    result = run(context, "filter_funnel", steps=[c for c, _ in chosen], scope=scope)
    numbers = list(result.value.values())
    expected = [left(found, [p for _, p in chosen[:i]], scope) for i in range(size + 1)]
    assert numbers == expected
    assert numbers == sorted(numbers, reverse=True)
    together: dict[str, Any] = {}
    for condition, _ in chosen:
        for name, value in condition.items():
            together[name] = together.get(name, []) + value if isinstance(value, list) else value
    assert numbers[-1] == run(context, "count_variants", prove=False, scope=scope, **together).value
    whole = run(context, "filter_funnel", prove=False, scope=scope, **together)
    assert list(whole.value.values())[-1] == numbers[-1]
    assert all(e.verified is not False for e in result.evidence), [e.note for e in result.evidence]


@quick
@given(lines=files(), order=st.permutations(range(len(CONDITIONS))))
def test_why_dropped_against_the_text(lines, order, tmp_path_factory, library, run):
    path = write(tmp_path_factory.mktemp("dropped"), lines)
    path.write_text(path.read_text().replace("##INFO", '##FILTER=<ID=q10,Description="q">\n##INFO', 1))
    texts = [Text(line) for line in path.read_text().splitlines() if not line.startswith("#")]
    found = list(zip(read(path), texts, strict=True))
    chosen = [CONDITIONS[i] for i in order[:4]]
    keys = [line.key for line, _ in found]
    for line, text in found:
        if keys.count(line.key) > 1:
            continue
        result = run(library(path), "why_dropped", variant=line.key, steps=[c for c, _ in chosen])
        met = [any(p(line, text, alt) for alt in line.alts) for _, p in chosen]
        assert [row[4] for row in result.tables[0].rows] == met
        told = result.value[line.key]
        assert told["kept"] == all(met)
        first = None if all(met) else result.tables[0].rows[met.index(False)][1]
        assert told["dropped_at"] == first
        assert result.evidence[0].verified is not False, result.evidence[0].note


SEVERAL = '##INFO=<ID=AF,Number=A,Type=Float,Description="f">'
HEADER = [
    "##contig=<ID=chr1,length=5000>", "##contig=<ID=chr2,length=5000>", "##contig=<ID=chr3,length=5000>",
    '##FILTER=<ID=LowQual,Description="l">', '##FILTER=<ID=Never,Description="n">', SEVERAL,
    '##INFO=<ID=DP,Number=1,Type=Integer,Description="d">', '##INFO=<ID=NIL,Number=1,Type=Float,Description="n">',
    '##INFO=<ID=CLNSIG,Number=.,Type=String,Description="c">',
    '##INFO=<ID=CSQ,Number=.,Type=String,Description="VEP. Format: Allele|Consequence|IMPACT|SYMBOL">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">', '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="d">',
]  # fmt: skip
RECORDS = [
    record(100, "A", "G", id="rs1", qual=22, filter="LowQual", info="DP=10;AF=0.5;CLNSIG=Benign;"
           "CSQ=G|missense_variant|MODERATE|AAA", format="GT:DP", samples=["0/0:9", "./.:."]),
    record(200, "A", "C,G", info="DP=20;AF=0.4,0.001", format="GT:DP", samples=["0/1:30", "./.:."]),
    record(300, "CAGAG", "CAG", info="DP=30", format="GT:DP", samples=["1/1:30", "./.:."]),
    record(400, "A", "G", info="DP=40;CSQ=G|stop_gained|HIGH|BBB", format="GT:DP", samples=["0/1:12", "./.:."]),
    record(1000, "A", "T", chrom="chr2", info="DP=50", format="GT:DP", samples=["1|0:8", "./.:."]),
]  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory, library):
    path = write_vcf(tmp_path_factory.mktemp("small") / "small.vcf", RECORDS, ["CHILD", "LOST"], HEADER)
    return library(path)


def test_values_beside_the_conditions(small, run):
    result = run(
        small, "why_dropped", variant="1:100:A:G", filters=["PASS"], types=["indel"], impacts=["HIGH"],
        where=[{"field": "QUAL", "op": ">=", "value": 30}, {"field": "INFO/NIL", "op": "<", "value": 1}],
        genotypes=[{"genotype": "het", "samples": ["CHILD"], "where": [{"field": "DP", "op": ">", "value": 10}]}],
    )  # fmt: skip
    found = {row[2]: row[3] for row in result.tables[0].rows}
    assert found == {
        "FILTER PASS": "FILTER LowQual", "QUAL >= 30": "QUAL 22", "INFO/NIL < 1": "INFO/NIL absent",
        "type indel": "snp", "impact HIGH": "AAA missense_variant MODERATE",
        "het with DP > 10 in CHILD": "CHILD 0/0 DP 9",
    }  # fmt: skip
    assert not any(row[4] for row in result.tables[0].rows)
    assert result.value["chr1:100:A:G"]["dropped_at"] == "FILTER PASS"
    assert result.private
    assert result.reading[0] == "the file calls 1 chr1"
    assert result.evidence[0].verified is True


def test_a_kept_variant_was_not_dropped(small, run):
    result = run(small, "why_dropped", variant="rs1", filters=["LowQual"])
    assert result.text == "chr1:100:A:G was not dropped: it meets the condition."
    assert result.value == {"chr1:100:A:G": {"kept": True, "dropped_at": None, "not_met": []}}
    assert run(small, "why_dropped", variant="rs1").text.endswith("there is no condition that could drop it.")


def test_the_allele_that_is_named_is_judged_alone(small, run):
    rare = [{"field": "INFO/AF", "op": "<", "value": 0.01}]
    assert run(small, "why_dropped", variant="chr1:200", where=rare).value["chr1:200:A:C,G"]["kept"] is True
    assert run(small, "why_dropped", variant="chr1:200:A:C", where=rare).value["chr1:200:A:C"]["kept"] is False
    assert run(small, "why_dropped", variant="chr1:200:A:G", where=rare).value["chr1:200:A:G"]["kept"] is True
    assert run(small, "why_dropped", variant="chr1:200:A:C,G", where=rare).value["chr1:200:A:C,G"]["kept"] is True


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        ("chr1:100:A:T", "chr1:100:A:G (same position, another allele)"),
        ("chr1:301:AGAG:AG", "chr1:300:CAGAG:CAG (the same change, written otherwise)"),
        ("chr1:302:GAG:G", "chr1:300:CAGAG:CAG (the same bases inserted or deleted, possibly shifted"),
        ("chr1:303", "chr1:300:CAGAG:CAG (starts before and spans the position)"),
        ("chr1:391:A:C", "chr1:400:A:G (near)"),
        ("chr1:700", "Nothing lies within 10 bases of it"),
        ("rs404", "no record with the ID 'rs404'"),
    ],
)
def test_not_in_the_file(small, run, variant, said):
    result = run(small, "why_dropped", variant=variant, filters=["PASS"])
    assert said in result.text
    assert result.value == {}
    assert "not the same as reference" in result.text or variant.startswith("rs")
    assert all(e.verified for e in result.evidence)


def test_names_that_cannot_be_found(small, run):
    with pytest.raises(ToolError, match="has no contig 'chr9'"):
        run(small, "why_dropped", variant="chr9:100", filters=["PASS"])
    for wrong in ("chr1:0", "chr1:99999999999999999999"):
        with pytest.raises(ToolError, match="has no position"):
            run(small, "why_dropped", variant=wrong, filters=["PASS"])
    with pytest.raises(ToolError, match="starts after the last position"):
        run(small, "count_variants", regions=["chr1:99999999999999999999"])
    assert run(small, "count_variants", regions=["chr1:1-99999999999999999999"]).value == 4
    assert run(small, "why_dropped", variant="1-100-A-G", filters=["PASS"]).value["chr1:100:A:G"]["kept"] is False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"regions": ["chr1:2000-3000"]}, "the records of chr1 lie from 100 to 400"),
        ({"regions": ["chr1:120-150"]}, "the nearest before is at 100 and the nearest after is at 200"),
        ({"regions": ["3"]}, "the file has no records on chr3, only on chr1, chr2"),
        ({"filters": ["Never"]}, "Never stands in the header, not in the records; FILTER is PASS (4), LowQual (1)"),
        ({"ids": ["rs9"]}, "1 of the 5 records have an ID"),
        ({"types": ["mnp"]}, "the ALT alleles are snp (5), indel (1)"),
        ({"impacts": ["LOW"]}, "its impacts are HIGH, MODERATE"),
        ({"consequences": ["stop_lost"]}, "its consequences are missense_variant, stop_gained"),
        ({"significance": ["Pathogenic"]}, "INFO/CLNSIG is Benign (1)"),
        ({"where": [{"field": "INFO/NIL", "op": ">", "value": 0}]}, "no record has INFO/NIL"),
        ({"where": [{"field": "INFO/DP", "op": ">", "value": 99}]}, "INFO/DP runs from 10 to 50"),
        ({"genotypes": [{"genotype": "het", "samples": ["LOST"]}]}, "every genotype of LOST is missing"),
        ({"genotypes": [{"genotype": "hemizygous_alt", "samples": ["CHILD"]}]},
         "CHILD is het in 3, hom_alt in 1, hom_ref in 1"),
        ({"genes": ["AAA"], "filters": ["PASS"]}, "without 'FILTER PASS' there would be 1 record; without 'gene AAA' "
         "there would be 4 records"),
        ({"filters": ["PASS"], "where": [{"field": "QUAL", "op": "<", "value": 30}], "ids": ["rs1"]},
         "without 'FILTER PASS' there would be 1 record."),
    ],
)  # fmt: skip
def test_nothing_found_says_why(small, run, arguments, said):
    for name in ("count_variants", "list_variants"):
        result = run(small, name, **arguments)
        assert said in result.text, result.text
        assert not result.value
    assert said in run(small, "group_variants", by="contig", **arguments).text


def test_each_condition_met_but_no_two_together(small, run):
    """Three conditions of which no two meet: no single one empties it, so the step does."""
    genotypes = [{"genotype": "hom_alt", "samples": ["CHILD"]}]
    result = run(small, "count_variants", filters=["LowQual"], impacts=["HIGH"], genotypes=genotypes)
    assert result.value == 0
    assert "1 are left before 'impact HIGH' and none after it" in result.text


def test_inheritance_says_why_nothing_is_there(small, run):
    family = {"child": "CHILD", "father": "LOST", "mother": "LOST"}
    with pytest.raises(ToolError):
        run(small, "inheritance", mode="de_novo", **family)
    arguments = {"mode": "segregation", "affected": ["CHILD"], "unaffected": ["LOST"]}
    assert "Every genotype of LOST is missing" in run(small, "inheritance", **arguments).text
    assert "FILTER is PASS (4), LowQual (1)" in run(small, "inheritance", filters=["Never"], **arguments).text


def test_steps_of_the_same_kind_are_kept_apart(small, run):
    """One filter cannot hold two lists of alternatives of a kind; two commands joined by a pipe can."""
    result = run(small, "filter_funnel", steps=[{"regions": ["chr1"]}, {"regions": ["chr1:150-350"]}])
    assert result.value == {"all": 5, "in chr1": 4, "in chr1:150-350": 2}
    assert [e.verified for e in result.evidence] == [True, True]
    twice = run(
        small, "filter_funnel", steps=[{"impacts": ["HIGH", "MODERATE"]}, {"genes": ["AAA"]}, {"impacts": ["HIGH"]}]
    )
    assert list(twice.value.values()) == [5, 2, 1, 0]


def test_regions_in_and_out_of_a_file_without_index(small, run):
    found = run(small, "count_variants", regions=["chr1"], not_regions=["chr1:90-110"])
    assert (found.value, found.evidence[0].verified) == (3, True)


def test_funnel_needs_a_condition(small, run):
    for wrong in ({}, {"steps": [{"label": "nothing"}]}):
        with pytest.raises(ToolError, match="at least one condition"):
            run(small, "filter_funnel", **wrong)


def test_the_commands_of_the_funnel(cohort, example, run):
    """Typed into a shell, each gives the number of its step."""
    steps = [
        {"filters": ["PASS"]},
        {"types": ["snp"]},
        {"impacts": ["HIGH"]},
        {"where": [{"field": "QUAL", "op": ">", "value": 500}]},
    ]
    result = run(cohort, "filter_funnel", steps=steps)
    for evidence, number in zip(result.evidence, list(result.value.values())[1:], strict=True):
        assert evidence.verified is True
        assert int(in_shell(evidence.command, example.parent)) == number
    assert result.value["FILTER PASS"] == count(bcftools("view -H -f PASS", example))


def test_the_time_for_proofs_is_kept(cohort, run):
    steps = [{"filters": ["PASS"]}, {"types": ["snp"]}]
    result = run(replace(cohort, verify_seconds=0.000001), "filter_funnel", steps=steps)
    assert [e.verified for e in result.evidence] == [None, None]
    assert all("not re-run" in e.note for e in result.evidence)


def test_a_sites_only_file(tmp_path, opened, run):
    path = bgzip(write_vcf(tmp_path / "sites.vcf", [record(5), record(9, filter="q10")]), index=True)
    context = opened(path)
    assert run(context, "filter_funnel", filters=["PASS"], regions=["chr1:1-6"]).value == {
        "all": 2, "in chr1:1-6": 1, "FILTER PASS": 1,
    }  # fmt: skip
    assert run(context, "why_dropped", variant="chr1:9", filters=["PASS"]).value["chr1:9:A:C"]["kept"] is False
