"""The checks with a reference, beside what `bcftools norm` (the one pysam carries) says of the same records."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pysam.bcftools
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from vcf_agent.memory.errors import InputError
from vcf_agent.tools.validation import fasta
from vcf_agent.tools.validation.findings import Finding, Findings
from vcf_agent.tools.validation.reference import Reference

Record = tuple[str, int, str, str]  # CHROM, POS, REF, ALT

quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


def write(path: Path, contigs: dict[str, str], width: int = 60) -> Path:
    """A FASTA, wrapped at `width` bases."""
    with path.open("w", newline="") as file:
        for name, bases in contigs.items():
            print(f">{name} made for a test", file=file)
            for start in range(0, len(bases), width):
                print(bases[start : start + width], file=file)
    return path


def check(reference: Reference, records: list[Record], size: int = 50_000) -> list[Finding]:
    """The findings of records given in blocks of `size`; the first one stands in line 1."""
    findings = Findings(None)
    for start in range(0, len(records), size):
        chrom, pos, ref, alt = zip(*records[start : start + size], strict=True)
        lines = np.arange(start + 1, start + len(pos) + 1)
        texts = (pa.array(column, pa.string()) for column in (chrom, ref, alt))
        chroms, refs, alts = texts
        reference.check_records(findings, lines, chroms, np.array(pos, dtype=np.int64), refs, alts)
    return findings.listed()


def found(findings: list[Finding]) -> list[tuple[str, int | None]]:
    return [(f.code, f.line) for f in findings]


def norm(path: Path, records: list[Record]) -> tuple[dict[int, Record], set[Record]]:
    """The records as `bcftools norm -c w` writes them, by their number, and those it says have another REF.

    Records without an ALT are left as they are: bcftools cuts their REF down to its first base.
    """
    vcf = path.with_suffix(".vcf")
    rows = [f"{c}\t{p}\t{i}\t{r}\t{a}\t.\t.\t.\n" for i, (c, p, r, a) in enumerate(records)]
    header = "##contig=<ID=c>\n##contig=<ID=d>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    vcf.write_text(f"##fileformat=VCFv4.2\n{header}{''.join(rows)}")
    text = pysam.bcftools.norm("-f", str(path), "-c", "w", str(vcf))
    kept = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    written = {int(f[2]): (f[0], int(f[1]), f[3].upper(), f[4].upper()) for f in kept if f[4] != "."}
    said = [line.split("\t") for line in pysam.bcftools.norm.get_messages().splitlines()]
    differs = {(f[1], int(f[2]), f[3].upper()) for f in said if f[0] == "REF_MISMATCH"}
    return written, {r for r in records if (r[0], r[1], r[2].upper()) in differs}


# --- against bcftools ---


def repeats(alphabet: str) -> st.SearchStrategy[str]:
    """Sequences of units repeated some times: homopolymers, dinucleotides, and what stands between."""
    unit = st.tuples(st.text(alphabet, min_size=1, max_size=4), st.integers(1, 30))
    return st.lists(unit, min_size=1, max_size=8).map(lambda units: "".join(u * n for u, n in units))


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, list[Record]]:
    bases = draw(repeats(draw(st.sampled_from(["A", "AC", "ACGT", "ACGTNacgtn", "ACGTRYSWKMBDHVN"]))))
    seed, number = draw(st.integers(0, 1 << 32)), draw(st.integers(1, 60))
    choice = random.Random(seed)
    records = [drawn for drawn in (a_record(choice, bases) for _ in range(number))]
    return bases, sorted(records, key=lambda r: r[1])


def a_record(choice: random.Random, bases: str) -> Record:
    """A record whose REF is mostly that of the reference, and whose ALT alleles are made of its surroundings."""
    pos = choice.randint(1, len(bases))
    ref = bases[pos - 1 : pos - 1 + choice.choice([1, 1, 2, 3, 5, 8])].translate(
        str.maketrans("RYSWKMBDHV", "ACCAGACAAA")
    )
    if choice.random() < 0.1:
        ref = choice.choice("ACGTN") + ref[1:]
    alts = [an_alt(choice, ref) for _ in range(choice.choice([1, 1, 1, 2, 3]))]
    return "c", pos, ref, ",".join(alts) if choice.random() > 0.03 else "."


def an_alt(choice: random.Random, ref: str) -> str:
    insert = choice.choice([ref, ref[-1], ref[0], "A", "CA"]) * choice.randint(1, 3)
    kinds = [ref[0], ref + insert, insert + ref, ref[:-1] or "C", ref[1:] or "G", ref[0] + insert, ref.swapcase()]
    odd = ["*", "<INS>", "<NON_REF>", f"{ref}[c:1[", f"]c:1]{ref}", "."]
    alt = choice.choice(kinds) if choice.random() > 0.05 else choice.choice(odd)
    return alt if alt != "." else "T"


@quick
@given(cases())
def test_verdicts_are_those_of_bcftools(tmp_path: Path, case: tuple[str, list[Record]]) -> None:
    bases, records = case
    path = write(tmp_path / "r.fa", {"c": bases, "d": "ACGT"}, 7)
    Path(f"{path}.fai").unlink(missing_ok=True)
    findings = check(Reference(path), records, 23)
    written, differing = norm(path, records)
    mismatches = {f.line - 1 for f in findings if f.code == "REF_MISMATCH" and f.line}
    assert mismatches == {i for i, record in enumerate(records) if record in differing}
    messages = {f.line - 1: f.message for f in findings if f.code == "NOT_LEFT_ALIGNED" and f.line}
    assert messages.keys() == {i for i, now in written.items() if now != upper(records[i])}
    assert len(findings) == len(mismatches) + len(messages)
    for i, message in messages.items():
        chrom, pos, ref, alt = written[i]
        if all(len(a) <= 20 for a in [ref, *alt.split(",")]):
            assert f" is {chrom}:{pos} {ref}>{alt} when" in message


def upper(record: Record) -> Record:
    return record[0], record[1], record[2].upper(), record[3].upper()
