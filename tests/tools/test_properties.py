"""Random small files: whatever a VCF may hold, the counts are those of bcftools."""

from collections import Counter
from itertools import count as numbers
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from make_vcf import record, write_vcf
from reference import bcftools, genotype_class, lines, rows
from vcf_agent.tools.alleles import allele_type

quick = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # a file is small as it is, and shrinking would take minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

bases = st.text("ACGT", min_size=1, max_size=5)
any_bases = st.text("ACGTNacgtn", min_size=1, max_size=6)
unusual = st.sampled_from(
    ["*", "<*>", "<NON_REF>", "<DEL>", "<INS:ME:ALU>", "<DUP:TANDEM>", "<CN0>", "<X>", "T[chr2:77[", "]chr2:5]G",
     "[chr1:9[A", ".TC", "A."]
)  # fmt: skip


@quick
@given(st.lists(st.tuples(any_bases, any_bases | unusual), min_size=1, max_size=80))
def test_allele_types_are_those_of_bcftools(tmp_path_factory, pairs):
    path = tmp_path_factory.mktemp("types") / "types.vcf"
    write_vcf(path, [record(i + 1, ref, alt) for i, (ref, alt) in enumerate(pairs)])
    expected = lines(bcftools("query -f '%TYPE\\n'", path))
    assert dict(zip(pairs, (allele_type(*pair) for pair in pairs), strict=True)) == {
        pair: kind.lower() for pair, kind in zip(pairs, expected, strict=True)
    }


def value_or_missing(values: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    return values.map(str) | st.just(".")


small = st.integers(0, 5)
fractions = st.sampled_from([0.0, 0.1, 0.25, 0.5, 1e-05, 1.0])


@st.composite
def info_fields(draw, n_alt):
    """INFO with every Number and Type there is, each field there or not, each value there or missing."""
    alleles = st.lists(value_or_missing(fractions), min_size=n_alt, max_size=n_alt)
    counts = st.lists(value_or_missing(small), min_size=n_alt, max_size=n_alt)
    reads = st.lists(value_or_missing(small), min_size=n_alt + 1, max_size=n_alt + 1)
    some = st.lists(value_or_missing(small), min_size=1, max_size=3)
    words = st.lists(st.sampled_from(["a", "b", "c%3B", "é", "x|y", "."]), min_size=1, max_size=2)
    choices = {
        "DP": value_or_missing(small), "MQ": value_or_missing(fractions), "RD": reads.map(",".join),
        "LST": some.map(",".join), "NOTE": words.map(",".join), "ONE": st.sampled_from(["a", "it's", "-", "0"]),
    }  # fmt: skip
    if n_alt:
        choices |= {"AF": alleles.map(",".join), "AC": counts.map(",".join)}
    fields = [f"{key}={draw(values)}" for key, values in choices.items() if draw(st.booleans())]
    fields += ["DB"] * draw(st.booleans())
    return ";".join(fields) or "."


@st.composite
def genotypes(draw, n_alt):
    """A GT of any ploidy and phase, alleles missing or not."""
    calls = draw(st.lists(value_or_missing(st.integers(0, n_alt)), min_size=1, max_size=4))
    separators = [draw(st.sampled_from("/|")) for _ in calls[1:]]
    return calls[0] + "".join(s + c for s, c in zip(separators, calls[1:], strict=True))


@st.composite
def records_of(draw, n_samples):
    ref = draw(bases)
    alts = draw(st.lists((bases | unusual).filter(lambda alt: alt != ref), max_size=3, unique=True))
    format_ = draw(st.sampled_from(["GT", "GT:DP:GQ", "DP"]))
    samples = []
    for _ in range(n_samples):
        values = {
            "GT": draw(genotypes(len(alts))),
            "DP": draw(value_or_missing(small)),
            "GQ": draw(value_or_missing(small)),
        }
        samples.append(":".join(values[key] for key in format_.split(":")))
    return record(
        draw(st.integers(1, 60)), ref, ",".join(alts) or ".",
        chrom=draw(st.sampled_from(["chr1", "chr2"])),
        id=draw(st.sampled_from([".", "rs1", "rs2", "rs1;rs2"])),
        qual=draw(value_or_missing(st.sampled_from([0, 29.5, 30, 1000000]))),
        filter=draw(st.sampled_from(["PASS", ".", "q10", "q10;s50", "s50"])),
        info=draw(info_fields(len(alts))), format=format_, samples=samples,
    )  # fmt: skip


@st.composite
def files(draw, min_samples=0):
    n_samples = draw(st.integers(min_samples, 3))
    drawn = draw(st.lists(records_of(n_samples), min_size=1, max_size=7))
    return sorted(drawn, key=lambda line: (line.split("\t")[0], int(line.split("\t")[1]))), n_samples


@pytest.fixture(scope="session")
def ingested(library, tmp_path_factory):
    """Writes the records of an example and opens the file; returns the context and the path."""
    folder, number = tmp_path_factory.mktemp("examples"), numbers()

    def ingest(example):
        drawn, n_samples = example
        path = write_vcf(folder / f"{next(number)}.vcf", drawn, [f"S{i}" for i in range(n_samples)])
        return library(path), path

    return ingest


@quick
@given(files())
def test_counts_of_sites(run, ingested, example):
    context, path = ingested(example)
    table = rows(bcftools("query -f '%CHROM\\t%FILTER\\t%TYPE\\t%ALT\\n'", path))
    n_alts = [len(row[3].split(",")) if row[3] != "." else 0 for row in table]
    by_type = Counter(kind.lower() for row in table for kind in row[2].split(","))
    assert run(context, "group_variants", prove=False, by="contig").value == Counter(row[0] for row in table)
    assert run(context, "group_variants", prove=False, by="filter").value == Counter(row[1] for row in table)
    assert run(context, "group_variants", prove=False, by="type").value == by_type
    assert run(context, "count_variants", prove=False, scope="allele").value == sum(n_alts)
    assert run(context, "count_variants", prove=False, multiallelic=True).value == sum(n > 1 for n in n_alts)
    for kind in ("snp", "indel", "mnp", "bnd", "other"):
        found = run(context, "count_variants", prove=False, types=[kind]).value
        assert found == by_type.get(kind, 0), kind
        left = run(context, "count_variants", prove=False, not_types=[kind]).value
        assert left == len(table) - by_type.get(kind, 0), kind
    for name in ("PASS", ".", "q10", "s50"):
        expected = sum(name in row[1].split(";") for row in table)
        assert run(context, "count_variants", prove=False, filters=[name]).value == expected
        assert run(context, "count_variants", prove=False, not_filters=[name]).value == len(table) - expected


@quick
@given(files(min_samples=1))
def test_counts_of_genotypes(run, ingested, example):
    context, _ = ingested(example)
    drawn, n_samples = example
    calls = [dict(zip(line.split("\t")[8].split(":"), c.split(":"), strict=True)).get("GT", ".")
             for line in drawn for c in line.split("\t")[9:]]  # fmt: skip
    classes = [genotype_class(gt) for gt in calls]
    found = run(context, "sample_statistics", prove=False).value
    for i, (sample, counts) in enumerate(found.items()):
        mine = Counter(classes[i::n_samples])
        mine["missing"] += mine["partly_missing"]
        assert {k: n for k, n in counts.items() if k in EVERY_CLASS} == {k: mine[k] for k in EVERY_CLASS}, sample
    for kind, wanted in {
        "het": {"het"},
        "carrier": {"het", "hom_alt", "hemizygous_alt"},
        "hom_or_hemizygous_alt": {"hom_alt", "hemizygous_alt"},
    }.items():
        for how_many, keep in (("any", any), ("all", all)):
            condition = {"genotype": kind, "how_many": how_many}
            expected = sum(
                keep(c in wanted for c in classes[n * n_samples : (n + 1) * n_samples]) for n in range(len(drawn))
            )
            assert run(context, "count_variants", prove=False, genotypes=[condition]).value == expected


EVERY_CLASS = ["het", "hom_alt", "hom_ref", "hemizygous_alt", "hemizygous_ref", "missing", "partly_missing"]


OPERATORS = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, "=": lambda a, b: a == b, "!=": lambda a, b: a != b,
    ">=": lambda a, b: a >= b, ">": lambda a, b: a > b,
}  # fmt: skip


@quick
@given(
    files(),
    st.sampled_from(["QUAL", "DP", "MQ", "AF", "AC", "RD", "LST"]),
    st.sampled_from(["<", "<=", "=", ">=", ">"]),
    st.sampled_from([0, 0.25, 0.5, 1, 2, 2.5, 30]),
    st.sampled_from(["drop", "keep"]),
)
def test_comparisons(run, ingested, example, field, op, threshold, absent):
    """A record meets a comparison when one of its values does, or where a value is absent and that is kept."""
    context, path = ingested(example)
    name = "QUAL" if field == "QUAL" else f"INFO/{field}"
    expected = 0
    for (text,) in rows(bcftools(f"query -f '%{name}\\n'", path)):
        values = text.split(",")
        meets = any(OPERATORS[op](float(v), threshold) for v in values if v != ".")
        expected += meets or (absent == "keep" and (values == ["."] or ("." in values and field in ("AF", "AC"))))
    condition = {"field": name, "op": op, "value": threshold, "absent": absent}
    assert run(context, "count_variants", prove=False, where=[condition]).value == expected


@quick
@given(
    files(),
    st.sampled_from(["QUAL", "DP", "MQ", "AF", "AC", "RD", "LST", "NOTE", "ONE"]),
    st.sampled_from(list(OPERATORS)),
    st.sampled_from([0, 0.5, 2.5]),
    st.sampled_from(["drop", "keep"]),
)
def test_no_proof_of_a_comparison_fails(run, ingested, example, field, op, threshold, absent):
    context, _ = ingested(example)
    if field in ("NOTE", "ONE"):
        op, threshold = "=" if op == "=" else "!=", "a"
    condition = {"field": field, "op": op, "value": threshold, "absent": absent}
    evidence = run(context, "count_variants", where=[condition]).evidence[0]
    assert evidence.verified is True if evidence.command else evidence.note, evidence


@quick
@given(files(), st.integers(1, 60), st.integers(0, 20))
def test_regions(run, ingested, example, start, length):
    context, path = ingested(example)
    places = rows(bcftools("query -f '%CHROM\\t%POS\\t%END\\t%REF\\t%ALT\\n'", path))
    inside = [c == "chr1" and int(p) <= start + length and int(e) >= start for c, p, e, _, _ in places]
    region = f"chr1:{start}-{start + length}"
    found = run(context, "list_variants", regions=[region])
    assert found.value == [f"{c}:{p}:{r}:{a}" for (c, p, _, r, a), there in zip(places, inside, strict=True) if there]
    assert found.evidence[0].verified is True, found.evidence[0]
    assert run(context, "count_variants", prove=False, not_regions=[region]).value == inside.count(False)


@quick
@given(
    files(min_samples=2),
    st.sampled_from(["het", "hom_alt", "hom_ref", "hemizygous_alt", "carrier", "reference", "missing", "called"]),
    st.sampled_from(["all", "any", "none"]),
    st.sampled_from([[], ["S0"], ["S1", "S0"]]),
    st.sampled_from([[], ["snp"], ["indel", "other"]]),
    st.sampled_from([[], ["PASS"], ["q10", "."]]),
)
def test_no_proof_fails(run, ingested, example, genotype, how_many, samples, types, filters):
    """Whatever is asked together, the command says the same as the tool, or there is none."""
    context, _ = ingested(example)
    condition = {"genotype": genotype, "how_many": how_many, "samples": samples}
    asked = {"genotypes": [condition], "types": types, "filters": filters}
    evidence = run(context, "count_variants", **asked).evidence[0]
    assert evidence.verified is True if evidence.command else evidence.note, evidence
