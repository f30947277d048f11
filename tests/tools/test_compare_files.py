"""Two files compared: the numbers are those of a plain reading, and of the bcftools on PATH where it is there."""

import random
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from make_vcf import bgzip, record, write_vcf
from vcf_agent.memory.errors import ToolError
from vcf_agent.tools.context import ToolContext

BCFTOOLS = shutil.which("bcftools")
SAMPLES = ["kim; rm -rf /", "A,B", "^lee"]


def some_records(seed: int, shared: random.Random) -> list[str]:
    """SNPs and indels, some at places that another file has too, with missing, phased and haploid genotypes."""
    chance = random.Random(seed)
    made = []
    for pos in sorted(shared.sample(range(10, 400), 60)):
        ref = "ACGT"[pos % 4]
        alts = [a for a in (*"ACGT", ref + "A") if a != ref]
        alt = shared.choice(alts) if chance.random() < 0.8 else chance.choice(alts)
        if chance.random() < 0.8:
            made.append(record(pos, ref, alt, format="GT", samples=[genotype(chance) for _ in SAMPLES]))
    return made


def genotype(chance: random.Random) -> str:
    return chance.choice(["0/0", "0/1", "1|0", "0|1", "1/1", "1", "0", "./.", "./1", "."])


def alleles(gt: str) -> list[str]:
    return sorted(gt.replace("|", "/").split("/"))


def together(first: ToolContext, second: ToolContext) -> ToolContext:
    return ToolContext(first.workspace, first.datasets + second.datasets, first.folder, first.verify_seconds)


def by_key(path: Path) -> dict[tuple[str, ...], list[str]]:
    rows = [line.split("\t") for line in path.read_text().splitlines() if not line.startswith("#")]
    return {(r[0], r[1], r[3], r[4]): r[9:] for r in rows}


@settings(max_examples=3, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
          suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])  # fmt: skip
@given(st.integers(1, 10**6))
def test_random_files_against_a_plain_reading(run, library, tmp_path_factory, seed):
    folder = tmp_path_factory.mktemp("pair")
    paths = [
        write_vcf(folder / f"{name}{seed}.vcf", some_records(seed + i, random.Random(seed)), SAMPLES)
        for i, name in enumerate("ab")
    ]
    result = run(together(*(library(p) for p in paths)), "compare_files")
    one, other = (by_key(p) for p in paths)
    shared = one.keys() & other.keys()
    assert result.value == {"shared": len(shared), "only_first": len(one.keys() - shared),
                            "only_second": len(other.keys() - shared)}  # fmt: skip
    assert all(e.verified for e in result.evidence)
    kinds: Counter[tuple[str, str, str]] = Counter()
    same: Counter[str] = Counter()
    for key in shared:
        for sample, x, y in zip(SAMPLES, one[key], other[key], strict=True):
            if "." not in x + y and alleles(x) == alleles(y):
                same[sample] += 1
            elif "." not in x + y:
                kinds[sample, "/".join(alleles(x)), "/".join(alleles(y))] += 1
    tables = {t.name: t.rows for t in result.tables}
    assert {row[0]: row[2] for row in tables["genotype concordance"]} == {s: same[s] for s in SAMPLES}
    assert {tuple(row[:3]): row[3] for row in tables["discordant genotypes"]} == dict(kinds)
    assert {row[0] for row in tables["genotype concordance"] if row[3]} == {sample for sample, _, _ in kinds}


@pytest.fixture
def differently_written(opened, tmp_path):
    """The same three variants: joined and not left-aligned in one file, split and left-aligned in the other."""
    (tmp_path / "ref.fa").write_text(">chr1\n" + "ACGTTTTTTTGCAGCAGCATCC" + "A" * 200 + "\n")
    first = [record(10, "T", "TT", format="GT", samples=["0/1"]),
             record(19, "A", "C,G", format="GT", samples=["1/2"])]  # fmt: skip
    second = [record(3, "G", "GT", format="GT", samples=["0/1"]), record(19, "A", "C", format="GT", samples=["0/1"]),
              record(19, "A", "G", format="GT", samples=["0/1"])]  # fmt: skip
    files = [bgzip(write_vcf(tmp_path / f"{n}.vcf", r, ["kim"]), index=True) for n, r in (("a", first), ("b", second))]
    return together(*(opened(f) for f in files))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, (0, 2, 3)),
        ({"normalise": True}, (2, 1, 1)),
        ({"normalise": True, "reference": "ref.fa"}, (3, 0, 0)),
        ({"match": "position"}, (1, 1, 2)),
    ],
    ids=str,
)
def test_other_writings_of_one_variant(run, differently_written, arguments, expected):
    result = run(differently_written, "compare_files", **arguments)
    assert tuple(result.value.values()) == expected
    assert not (differently_written.folder / "ref.fa.fai").exists()
    if arguments.get("reference"):
        assert "same genotype in shared records: kim 3 of 3" in result.text


def test_alleles_in_another_order_are_the_same_alleles(run, opened, tmp_path):
    one = write_vcf(tmp_path / "a.vcf", [record(5, "A", "C,G", format="GT", samples=["1/2", "0/1"])], ["x", "y"])
    two = write_vcf(tmp_path / "b.vcf", [record(5, "A", "G,C", format="GT", samples=["0/2", "1/2"])], ["y", "x"])
    result = run(together(opened(one), opened(two)), "compare_files", match="position")
    table = next(t for t in result.tables if t.name == "genotype concordance")
    assert [row[:4] for row in table.rows] == [["x", 1, 1, 0], ["y", 1, 1, 0]]


@pytest.mark.skipif(BCFTOOLS is None, reason="the oracle is the bcftools on PATH")
def test_the_printed_commands_give_the_same(run, differently_written, tmp_path):
    for arguments in ({}, {"normalise": True, "reference": "ref.fa"}):
        result = run(differently_written, "compare_files", **arguments)
        line = result.evidence[0].command
        told = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        counts = {kind: int(number) for number, kind in (row.split() for row in told.splitlines())}
        assert [counts.get(k, 0) for k in ("11", "10", "01")] == list(result.value.values())


def test_ti_tv_of_each_set(run, library, example, tmp_path):
    made = run(library(example), "make_file", operations=[{"op": "filter", "filters": ["PASS"]}], prove=False)
    pair = together(library(example), library(Path(made.files[0])))
    result = run(pair, "compare_files", genotypes=False)
    rows = {row[0]: row[1:] for row in result.tables[0].rows}
    assert rows["shared"][0] == made.value and rows["only_second"] == [0, 0, 0, 0, 0, None]
    whole = run(library(example), "site_statistics").value
    assert rows["shared"][3] + rows["only_first"][3] == find(whole, "ti", "transitions")


def find(value, *names):
    return next(value[n] for n in names if n in value)


def test_other_names_of_contigs_are_told(run, opened, tmp_path):
    one = write_vcf(tmp_path / "a.vcf", [record(5)])
    two = write_vcf(tmp_path / "b.vcf", [record(5, chrom="1")], declared=["##contig=<ID=1>"])
    result = run(together(opened(one), opened(two)), "compare_files")
    assert result.value["shared"] == 0 and "rename_contigs" in result.text


def test_files_that_cannot_be_compared(run, library, example, opened, tmp_path):
    context = library(example)
    with pytest.raises(ToolError, match="Two open files are compared"):
        run(context, "compare_files")
    with pytest.raises(ToolError, match="with itself"):
        run(context, "compare_files", first="cohort", second="cohort")
    mixed = opened(write_vcf(tmp_path / "mixed.vcf", [record(9), record(5)]))
    with pytest.raises(ToolError, match="make_file"):
        run(together(context, mixed), "compare_files")
    exports = mixed.workspace / "exports"
    assert not exports.exists() or not list(exports.iterdir())
