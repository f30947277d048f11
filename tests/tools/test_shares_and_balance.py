"""Shares of the samples, and allele balance, against a reading of the text by itself."""

import random
from pathlib import Path

import pytest
from vcf_agent.memory.errors import ToolError
from vcf_agent.tools.registry import tool

SAMPLES = ["a", "b", "c", "d", "e"]
HEADER = (
    '##fileformat=VCFv4.2\n##contig=<ID=1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
    '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="d">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + "\t".join(SAMPLES) + "\n"
)


def records(seed: int) -> list[list[tuple[str, int | None, int | None]]]:
    pick = random.Random(seed)

    def call() -> tuple[str, int | None, int | None]:
        reads = (None, None) if pick.random() < 0.1 else (pick.randint(0, 20), pick.choice([0, pick.randint(0, 20)]))
        return pick.choice(["0/0", "0/1", "1|0", "1/1", "./.", "./1"]), *reads

    return [[call() for _ in SAMPLES] for _ in range(120)]


@pytest.fixture(params=range(3))
def made(request, tmp_path: Path, opened):
    rows = records(request.param)
    lines = [
        f"1\t{10 + i}\t.\tA\tG\t.\t.\t.\tGT:AD\t"
        + "\t".join(f"{gt}:" + ("." if ref is None else f"{ref},{alt}") for gt, ref, alt in row)
        for i, row in enumerate(rows)
    ]
    path = tmp_path / "made.vcf"
    path.write_text(HEADER + "\n".join(lines) + "\n")
    return rows, opened(path)


def balance(ref: int | None, alt: int | None) -> float | None:
    return alt / (ref + alt) if ref is not None and alt is not None and ref + alt else None


@pytest.mark.parametrize(("how_many", "test"), [
    ("more_than", lambda n, part: n > part), ("less_than", lambda n, part: n < part),
    ("at_least", lambda n, part: n >= part), ("at_most", lambda n, part: n <= part),
])  # fmt: skip
@pytest.mark.parametrize("share", [0.0, 0.2, 0.4, 0.5, 1.0])
def test_shares_of_the_samples(made, run, how_many: str, test, share: float) -> None:
    rows, context = made
    result = run(context, "count_variants", genotypes=[{"genotype": "missing", "how_many": how_many, "share": share}])
    assert result.value == sum(test(sum("." in gt for gt, _, _ in row), share * 5) for row in rows)
    assert result.evidence[0].verified is True, result.evidence[0].note


@pytest.mark.parametrize(("op", "test"), [("<", lambda b: b < 0.3), (">=", lambda b: b >= 0.5)])
def test_allele_balance(made, run, op: str, test) -> None:
    rows, context = made
    value = 0.3 if op == "<" else 0.5
    where = [{"field": "AB", "op": op, "value": value}]

    def met(gt: str, ref: int | None, alt: int | None) -> bool:
        reached = balance(ref, alt)
        return gt in ("0/1", "1|0") and reached is not None and test(reached)

    hit = [[met(*call) for call in row] for row in rows]
    anyone = run(context, "count_variants", genotypes=[{"genotype": "het", "how_many": "any", "where": where}])
    assert anyone.value == sum(any(row) for row in hit)
    named = run(context, "count_variants", genotypes=[{"genotype": "het", "samples": ["c"], "where": where}])
    assert named.value == sum(row[2] for row in hit)
    for result in (anyone, named):
        assert result.evidence[0].verified is not False, result.evidence[0].command


def test_what_does_not_go_together(made) -> None:
    for wrong in (
        {"how_many": "more_than"},
        {"how_many": "any", "share": 0.5},
        {"how_many": "at_least", "n": 1, "share": 0.1},
    ):
        with pytest.raises(ToolError, match=r"`n`|`share`"):
            tool("count_variants").call(made[1], {"genotypes": [{"genotype": "het", **wrong}]})
