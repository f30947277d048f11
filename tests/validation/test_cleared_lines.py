"""What the expressions clear is clean: the fast way and the exact checks alone find the same, whatever the lines."""

import gzip
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from valid_vcf import VERSIONS, make
from vcf_agent.tools.validation import body
from vcf_agent.tools.validation import validate as engine
from vcf_agent.tools.validation.clean_lines import CleanLines, Cleared
from vcf_agent.tools.validation.findings import Verdict
from vcf_agent.tools.validation.lines import Block, Positions

ODD = [*"\t;:,=/|.01239-+ACGTNabez<>[]*%\"#&~ \x0b\xa0", ";DP=3", "0|1", ";END=5", ";AC=1", ":9", "1e5", "inf", "PASS",
       "999999999999", ";;", ".."]  # fmt: skip
WORDS = ["", ".", "0", "-1", "A", "1.5", "PASS", "x;y", "0/1", "GT", "3/3", ".;.", "A,C", "<DEL>", "DP=1;DP=2", "END=1"]


def mutate(line: str, pick: random.Random) -> str:
    """A record with something changed in it: a character, a column, the order of INFO, two columns."""
    columns = line.split("\t")
    i, kind = pick.randrange(len(columns)), pick.random()
    if kind < 0.5:
        at, text = pick.randrange(len(columns[i]) + 1), columns[i]
        columns[i] = text[:at] + pick.choice([*ODD, ""]) + text[at + pick.randrange(2) :]
    elif kind < 0.7:
        columns[i] = pick.choice(WORDS)
    elif kind < 0.85 and len(columns) > 7:
        entries = columns[7].split(";")
        pick.shuffle(entries)
        columns[7] = ";".join(entries + pick.sample(entries, pick.randrange(2)))
    else:
        j = pick.randrange(len(columns))
        columns[i], columns[j] = columns[j], columns[i]
    return "\t".join(columns)


def assert_same(text: str, path: Path, block: int, lesson: int) -> None:
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "BLOCK", block)
        patch.setattr(body, "LESSON", lesson)
        fast = engine.validate(path, keep=None)
        patch.setattr(CleanLines, "match", clear_nothing)
        patch.setattr(CleanLines, "doubtful_cells", every_cell)
        exact = engine.validate(path, keep=None)
    assert told(fast) == told(exact)
    assert fast.codes == exact.codes and fast.records == exact.records


def every_cell(self: CleanLines, block: Block, row: int, columns: list[str]) -> list[tuple[int, str]]:
    return list(enumerate(block.line(row).split("\t")[9:]))


def clear_nothing(self: CleanLines, block: Block, rows: Positions) -> Cleared:
    return Cleared(np.zeros(len(rows), bool), np.zeros(len(rows), bool))


def told(verdict: Verdict) -> set[tuple[object, ...]]:
    return {(f.code, f.line, f.field, f.message, f.severity) for f in verdict.findings}


def with_mutations(records: list[str], pick: random.Random, share: float) -> list[str]:
    """The records twice: as they are, so that they are learned from, then with mutations."""
    return records + [mutate(r, pick) if pick.random() < share else r for r in records]


@settings(max_examples=40, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    version=st.sampled_from(VERSIONS), seed=st.integers(0, 10**6), block=st.sampled_from([500, 20_000, 4 << 20]),
    lesson=st.sampled_from([1, 3, 48]),
)  # fmt: skip
def test_made_files(version: str, seed: int, block: int, lesson: int, tmp_path: Path) -> None:
    vcf = make(version, seed % 50)
    head, records = vcf.text().split("\n")[: len(vcf.meta) + 1], vcf.text().split("\n")[len(vcf.meta) + 1 : -1]
    records = with_mutations(records, random.Random(seed), 0.4)
    assert_same("\n".join([*head, *records]) + "\n", tmp_path / "file.vcf", block, lesson)


@pytest.mark.parametrize("entries", [["DP=3"], ["END=9"], ["DP=3", "END=9"], [".", "DP=3;END=9", "END=9;DP=3"]])
def test_blocks_of_a_gvcf(entries: list[str], tmp_path: Path) -> None:
    """A block needs END, also where no line taught that there is such a key."""
    head = ["##fileformat=VCFv4.2", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS"]
    lines = [f"1\t{i}\t.\tA\t<*>\t.\t.\t{e}\tGT\t0/0" for i in range(1, 300) for e in entries]
    assert_same("\n".join([*head, *lines]) + "\n", tmp_path / "file.vcf", 2000, 3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_real_files(seed: int, data_folder: Path, tmp_path: Path) -> None:
    pick = random.Random(seed)
    for path in sorted((data_folder / "annotated").glob("*/*.vcf*")):
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        lines = [line for line in raw[:3_000_000].decode(errors="replace").split("\n")[:-1] if line]
        head = [line for line in lines if line.startswith("#")]
        records = [line for line in lines if not line.startswith("#")][: 20 if len(raw) > 2_000_000 else 300]
        if records:
            text = "\n".join([*head, *with_mutations(records, pick, 0.4)]) + "\n"
            assert_same(text, tmp_path / "file.vcf", pick.choice([20_000, 4 << 20]), pick.choice([3, 48]))
