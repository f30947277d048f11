"""Relatedness, sex, missingness, concordance and components, against a reading of the text and against bcftools."""

import dataclasses
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from make_vcf import record, write_vcf
from random_family import DECLARED, PEDIGREE, SAMPLES, Line, lines_of, read, write
from reference import bcftools, genotype_class, lines
from vcf_agent.memory.errors import ToolError

quick = settings(
    max_examples=2, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)  # fmt: skip
random_lines = st.lists(lines_of(True), min_size=30, max_size=60)


def alleles(gt: str) -> list[str]:
    return sorted(gt.replace("|", "/").split("/"))


@quick
@given(random_lines)
def test_missingness_against_the_text(tmp_path_factory, library, run, drawn):
    path = write(tmp_path_factory.mktemp("missing"), drawn)
    found, context = read(path), library(path)
    missing = {s: sum("." in line.gt[s] for line in found) for s in SAMPLES}
    result = run(context, "missingness")
    assert {s: v["missing"] for s, v in result.value.items()} == missing
    assert result.evidence[0].verified is True
    least = sorted(missing.values())[2] / len(found)
    assert set(run(context, "missingness", prove=False, more_than=least).value) == {
        s for s, n in missing.items() if n > round(least * len(found), 6)
    }
    for share in (0.0, 0.4):
        by_site = run(context, "missingness", by="site", more_than=share, limit=1000)
        of_line = [sum("." in gt for gt in line.gt.values()) for line in found]
        assert by_site.value == sum(n > share * 5 for n in of_line)
        assert [row[1] for row in by_site.tables[0].rows] == sorted((n for n in of_line if n > share * 5), reverse=True)
        assert by_site.evidence[0].verified is True, by_site.evidence[0].note
    for by in ("sample", "site"):
        narrowed = run(context, "missingness", by=by, regions=["chr1"], impacts=["HIGH", "LOW"])
        assert narrowed.evidence[0].verified is True


@quick
@given(random_lines)
def test_concordance_against_the_text(tmp_path_factory, library, run, drawn):
    path = write(tmp_path_factory.mktemp("pairs"), drawn)
    found, context = read(path), library(path)
    every = run(context, "compare_samples", limit=1000).value
    for a, b in combinations(SAMPLES, 2):
        called = [line for line in found if "." not in line.gt[a] + line.gt[b]]
        same = sum(alleles(line.gt[a]) == alleles(line.gt[b]) for line in called)
        expected = {
            "compared": len(called), "same": same, "different": len(called) - same,
            "not_called": len(found) - len(called),
            "concordance": round(same / len(called), 6) if called else None,
        }  # fmt: skip
        assert every[f"{a} and {b}"] == expected
    two = run(context, "compare_samples", samples=["dad", "mum"])
    assert two.value == every["mum and dad"]
    kinds = Counter((genotype_class(line.gt["mum"]), genotype_class(line.gt["dad"])) for line in found)
    told = Counter()
    for mum, dad, _, n in two.tables[0].rows:
        told[mum, dad] += n
    assert told == kinds
    assert two.evidence[0].verified is True, two.evidence[0].note


DIPLOID = ["0/0", "0/1", "1/1", "0|1", "./."]


@pytest.fixture(scope="module")
def diploid(tmp_path_factory):
    """400 bi-allelic SNPs of 6 samples; the last two are the same person."""
    pick = np.random.default_rng(7)
    rows = [[DIPLOID[i] for i in pick.choice(5, 5, p=[0.3, 0.25, 0.2, 0.2, 0.05])] for _ in range(400)]
    rows = [[*row, row[-1]] for row in rows]
    written = [record(10 + i, "A", "C", samples=row) for i, row in enumerate(rows)]
    written += [record(10 + i, "A", "C", chrom="chrX", samples=["0/1"] * 6) for i in range(20)]
    written += [record(600, "A", "C,G", samples=["1/2"] * 6), record(700, "A", "AC", samples=["0/1"] * 6)]
    written.sort(key=lambda t: (t.split("\t")[0], int(t.split("\t")[1])))
    path = tmp_path_factory.mktemp("diploid") / "d.vcf"
    return rows, write_vcf(path, written, list("abcdef"), DECLARED)


def test_concordance_is_that_of_gtcheck(diploid, library, run):
    found = run(library(diploid[1]), "compare_samples", limit=100).value
    told = [line.split("\t") for line in lines(bcftools("gtcheck -u GT -e 0", diploid[1])) if line.startswith("DC")]
    assert len(told) == 15
    for _, one, other, different, *_ in told:
        pair = found.get(f"{one} and {other}") or found[f"{other} and {one}"]
        several = 1 if "several" in one else 0
        assert pair["different"] == round(float(different)) + several


def king(one: list[str], other: list[str]) -> float:
    """Equation 11 of Manichaikul et al. 2010, counted pair by pair."""
    called = [(alleles(a), alleles(b)) for a, b in zip(one, other, strict=True) if "." not in a + b]
    het = ["0", "1"]
    both = sum(a == b == het for a, b in called)
    opposite = sum(sorted([a, b]) == [["0", "0"], ["1", "1"]] for a, b in called)
    few, many = sorted((sum(a == het for a, _ in called), sum(b == het for _, b in called)))
    return (both - 2 * opposite) / (2 * few) + 0.5 - (few + many) / (4 * few)


def test_kinship_against_the_text(diploid, library, run):
    rows, path = diploid
    result = run(library(path), "relatedness", limit=100)
    columns = dict(zip("abcdef", zip(*rows, strict=True), strict=True))
    for a, b in combinations("abcdef", 2):
        assert result.value[f"{a} and {b}"] == pytest.approx(king(columns[a], columns[b]), abs=6e-5)
    assert result.tables[0].rows[0][:4] == ["e", "f", 0.5, "duplicate or twin"]
    assert "400 sites" in result.text
    assert result.evidence[0].command is None and "kinship" in result.evidence[0].note
    of_c = run(library(path), "relatedness", samples=["c"])
    assert len(of_c.value) == 5 and all("c" in pair.split(" and ") for pair in of_c.value)
    assert run(library(path), "relatedness", least=0.4).value == {"e and f": 0.5}


def test_kinship_of_a_simulated_family(tmp_path, opened, run):
    """Parents of common alleles and their two children: first degree, the parents unrelated."""
    pick = np.random.default_rng(3)
    written = []
    for i in range(3000):
        p = pick.uniform(0.2, 0.8)
        dad, mum, other = (pick.random(2) < p for _ in range(3))
        kids = [[dad[pick.integers(2)], mum[pick.integers(2)]] for _ in range(2)]
        calls = [f"{int(a)}/{int(b)}" for a, b in (other, mum, kids[0], dad, kids[1])]
        written.append(record(10 + i, "A", "C", samples=calls))
    context = dataclasses.replace(opened(write_vcf(tmp_path / "f.vcf", written, SAMPLES)), pedigree=PEDIGREE)
    told = {frozenset(r[:2]): (r[3], r[4]) for r in run(context, "relatedness").tables[0].rows}
    for parent in ("mum", "dad"):
        assert told[frozenset([parent, "kid"])] == ("first degree", "parent and child")
    assert told[frozenset(["kid", "sis"])] == ("first degree", "full siblings")
    assert told[frozenset(["mum", "dad"])] == ("unrelated", None)


def test_components_against_a_plain_svd(diploid, library, run):
    rows, path = diploid
    copies = np.array([[np.nan if "." in gt else gt.count("1") for gt in row] for row in rows])
    p = np.nanmean(copies, axis=1) / 2
    keep = np.minimum(p, 1 - p) >= 0.05
    matrix = np.nan_to_num((copies[keep] - 2 * p[keep, None]) / np.sqrt(2 * p * (1 - p))[keep, None])
    _, singular, vectors = np.linalg.svd(matrix / np.sqrt(keep.sum()), full_matrices=False)
    result = run(library(path), "principal_components", components=3)
    found = np.array(list(result.value.values()))
    expected = vectors[:3].T * singular[:3]
    expected *= np.where(expected[np.abs(expected).argmax(axis=0), range(3)] < 0, -1, 1)
    assert found == pytest.approx(expected, abs=1e-4)
    assert [row[1] for row in result.tables[1].rows] == pytest.approx(singular[:3] ** 2 / (singular**2).sum(), abs=1e-5)
    assert any("only 6 samples" in r for r in result.reading)


@quick
@given(random_lines)
def test_sex_check_against_the_text(tmp_path_factory, library, run, drawn):
    path = write(tmp_path_factory.mktemp("sex"), drawn)
    context = dataclasses.replace(library(path), pedigree=PEDIGREE)
    result = run(context, "sex_check")
    on_x = [line for line in read(path) if line.haploid_x()]
    for sample in SAMPLES:
        kinds = Counter(line.kind(sample) for line in on_x)
        if not on_x:
            continue
        value = result.value[sample]
        alt = kinds["het"] + kinds["hom_alt"] + kinds["hemizygous_alt"]
        assert (value["het"], value["records"]) == (kinds["het"], len(on_x))
        assert value["share"] == (round(kinds["het"] / alt, 4) if alt else None)
        assert value["pedigree"] == PEDIGREE.sex(sample)
    assert all(e.verified is True or not on_x for e in result.evidence), result.evidence


def test_the_sex_that_x_tells(tmp_path, opened, run):
    """Haploid or written twice, without het a man; with them a woman; few calls or some het: not told."""
    calls = {"other": ["1"] * 10, "mum": ["0/1"] * 5 + ["1/1"] * 5, "kid": ["0/1"] * 10, "dad": ["1/1"] * 10,
             "sis": ["0/1"] * 2 + ["1/1"] * 8}  # fmt: skip
    written = [record(3_000_000 + i, chrom="chrX", samples=[calls[s][i] for s in SAMPLES]) for i in range(10)]
    written.append(record(1000, chrom="chrX", samples=["0/1"] * 5))
    written.sort(key=lambda t: int(t.split("\t")[1]))
    context = opened(write_vcf(tmp_path / "x.vcf", written, SAMPLES, DECLARED))
    result = run(dataclasses.replace(context, pedigree=PEDIGREE), "sex_check")
    assert {s: v["sex"] for s, v in result.value.items()} == {
        "other": "male", "mum": "female", "kid": "female", "dad": "male", "sis": None
    }  # fmt: skip
    assert "says otherwise of kid" in result.text
    assert result.value["kid"]["agrees"] is False and result.value["sis"]["agrees"] is None
    assert run(context, "sex_check", build="GRCh37").value["kid"]["records"] == 10


@pytest.mark.parametrize("tool", ["relatedness", "compare_samples", "principal_components"])
def test_one_sample_has_no_pairs(tmp_path, opened, run, tool):
    context = opened(write_vcf(tmp_path / "one.vcf", [record(samples=["0/1"])], ["a"]))
    with pytest.raises(ToolError):
        run(context, tool)


def runs_in(found: list[Line], sample: str, length: int, sites: int, gap: int) -> list[list[object]]:
    """Site by site, as the definition says it."""
    out, run = [], []
    kept = [x for x in found if len(x.alts) == 1 and x.chrom == "chr1" and len(x.calls(sample)) == 2]
    for line in [x for x in kept if "." not in x.gt[sample]] + [None]:
        if run and (line is None or line.kind(sample) == "het" or line.pos - run[-1] > gap):
            if len(run) >= sites and run[-1] - run[0] + 1 >= length:
                out.append([sample, "chr1", run[0], run[-1], run[-1] - run[0] + 1, len(run)])
            run = []
        if line and line.kind(sample) != "het":
            run.append(line.pos)
    return out


@quick
@given(st.lists(lines_of(True), min_size=60, max_size=90))
def test_runs_of_homozygosity_against_the_text(tmp_path_factory, library, run, drawn):
    path = write(tmp_path_factory.mktemp("runs"), drawn)
    for length, sites, gap in ((1, 2, 10**9), (3, 2, 5), (1000, 3, 10**9), (1, 4, 3_000_000)):
        result = run(library(path), "runs_of_homozygosity", min_length=length, min_sites=sites, max_gap=gap, limit=1000)
        expected = [r for s in SAMPLES for r in runs_in(read(path), s, length, sites, gap)]
        assert sorted(result.tables[0].rows) == sorted(expected)
        assert result.value == {
            s: {"runs": sum(r[0] == s for r in expected), "bases": sum(r[4] for r in expected if r[0] == s)}
            for s in SAMPLES
        }


def test_a_file_without_x_or_common_sites(tmp_path, opened, run):
    context = opened(write_vcf(tmp_path / "n.vcf", [record(samples=["0/0", "0/0"])], ["a", "b"]))
    assert run(context, "sex_check").value == {}
    assert run(context, "relatedness").value == {"a and b": None}
    with pytest.raises(ToolError, match="common enough"):
        run(context, "principal_components")
