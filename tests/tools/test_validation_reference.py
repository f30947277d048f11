"""The checks with a reference, beside what `bcftools norm` (the one pysam carries) says of the same records."""

import gzip
import os
import random
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pysam.bcftools
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vcf_agent.memory.errors import InputError
from vcf_agent.tools.validation import fasta
from vcf_agent.tools.validation.fasta_text import open_text
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
    records = [a_record(choice, bases) for _ in range(number)]
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


# --- single faults ---

BASES = "".join(random.Random(1).choices("ACGT", k=400))
CONTIGS = {"chr1": BASES, "chr2": "ACGTTGCA" * 20, "chrM": "TTTTAAAACCCCGGGG", "HLA:1": "ACGT"}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return Reference(write(tmp_path_factory.mktemp("reference") / "grch99.fa", CONTIGS, 50))


def snvs() -> list[Record]:
    """A valid record at every position of every contig; the end of one contig and the begin of the next are there."""
    return [(name, i + 1, b, "T" if b != "T" else "G") for name, bases in CONTIGS.items() for i, b in enumerate(bases)]


def test_valid_records_give_nothing(reference: Reference) -> None:
    assert check(reference, snvs()) == []
    assert check(reference, [(c, p, r.lower(), a.lower()) for c, p, r, a in snvs()], 7) == []


@quick
@given(
    st.integers(0, len(snvs()) - 1), st.integers(1, 700), st.sampled_from(["base", "long", "end", "contig", "moved"])
)
def test_one_fault_is_one_finding(reference: Reference, at: int, size: int, fault: str) -> None:
    records = snvs()
    chrom, pos, ref, _ = records[at]
    rest = len(CONTIGS[chrom]) - pos
    wrong = "A" if ref != "A" else "C"
    records[at], code = {
        "base": ((chrom, pos, wrong, "G"), "REF_MISMATCH"),
        "long": ((chrom, pos, CONTIGS[chrom][pos - 1 :][:-1] + "N", "<DEL>"), "REF_MISMATCH"),
        "end": ((chrom, pos + rest, "NN", "N"), "REFERENCE_END"),
        "contig": ((chrom + "x", pos, ref, wrong), "REFERENCE_CONTIG"),
        "moved": ((chrom, pos, ref, ref + wrong + ref), "NOT_LEFT_ALIGNED"),
    }[fault]
    at_start = fault == "moved" and pos == 1
    assert found(check(reference, records, size)) == ([] if at_start else [(code, at + 1)])


@pytest.mark.parametrize(("name", "offered"), [
    ("1", "chr1"), ("CHR1", "chr1"), ("Chr2", "chr2"), ("MT", "chrM"), ("chrMT", "chrM"), ("M", "chrM"),
])  # fmt: skip
def test_the_other_name_of_a_contig_is_offered(reference: Reference, name: str, offered: str) -> None:
    first, *_ = findings = check(reference, [(name, 1, "G", "T"), (name, 2, "G", "T")] * 3, 2)
    assert found(findings) == [("REFERENCE_CONTIG", 1)]
    expected = f"contig {name} is not in the reference grch99.fa, which has {offered}: the two name their contigs"
    assert first.message.startswith(expected)


def test_a_contig_that_is_not_there_is_told_once_a_file(reference: Reference) -> None:
    names = ["GL1", "GL2", "GL1", "chr2", "GL3", "GL2"]
    again = Reference(reference.path)
    findings = check(again, [(name, 1, "A", "T") for name in names], 2)
    assert found(findings) == [("REFERENCE_CONTIG", 1), ("REFERENCE_CONTIG", 2), ("REFERENCE_CONTIG", 5)]
    assert "which has chr1, chr2, chrM, HLA:1" in findings[0].message


def test_lengths_of_contig_lines(reference: Reference) -> None:
    findings = Findings(None)
    declared = [(2, "chr1", 400), (3, "chr2", None), (4, "chrM", 15), (5, "1", 3), (6, "HLA:1", 5_000)]
    reference.check_contigs(findings, declared)
    assert found(findings.listed()) == [("REFERENCE_LENGTH", 4), ("REFERENCE_LENGTH", 6)]
    assert findings.listed()[0].message == "contig chrM has length 15, but 16 in the reference grch99.fa"


@pytest.mark.parametrize(("pos", "ref", "alt", "codes"), [
    (0, "N", "]chr1:5]N", []),
    (401, "N", "N[chr1:5[", []),
    (401, "NN", "N", ["REFERENCE_END"]),
    (402, "N", "A", ["REFERENCE_END"]),
    (400, BASES[399], "T,<DEL>", []),
    (2**63 - 1, "A", "T", ["REFERENCE_END"]),
    (2**63 - 1, "A" * 99, "T", ["REFERENCE_END"]),
])  # fmt: skip
def test_the_ends_of_a_contig(reference: Reference, pos: int, ref: str, alt: str, codes: list[str]) -> None:
    assert [f.code for f in check(reference, [("chr1", pos, ref, alt)])] == codes


@pytest.mark.parametrize("alt", ["*", "A,*", "<DEL>", "A,<NON_REF>", "A[chr1:9[", "."])
def test_only_ref_is_checked_beside_alleles_that_are_no_bases(reference: Reference, alt: str) -> None:
    assert check(reference, [("chrM", 7, "AA", alt)]) == []
    assert found(check(reference, [("chrM", 7, "AT", alt)])) == [("REF_MISMATCH", 1)]


def test_messages_say_what_is_where(reference: Reference) -> None:
    long = BASES[:200] + "N" + BASES[201:]
    findings = check(reference, [("chrM", 5, "AAAC", "A"), ("chr1", 1, long, "<DEL>"), ("chrM", 7, "AA", "A")])
    assert [f.message for f in findings] == [
        "REF is AAAC at chrM:5, but AAAA in the reference grch99.fa",
        f"REF has N at chr1:201, base 201 of it, but the reference grch99.fa has {BASES[200]}",
        "chrM:7 AA>A is chrM:4 TA>T when normalised",
    ]
    assert [f.field for f in findings] == ["REF", "REF", "POS"]


def test_long_alleles_and_long_moves(tmp_path: Path) -> None:
    path = write(tmp_path / "r.fa", {"a": "C" + "A" * 300_000 + "G", "b": "AC" * 90_000})
    reference = Reference(path)
    ref = "A" * 200_000
    assert check(reference, [("a", 2, ref, "<DEL>")]) == []
    assert found(check(reference, [("a", 2, ref[:-1] + "C", "<DEL>")])) == [("REF_MISMATCH", 1)]
    far, near, pairs = check(
        reference, [("a", 300_001, "A", "AA"), ("a", 90_001, "A", "AA"), ("b", 90_001, "A", "ACA")]
    )
    assert far.message == "a:300001 A>AA can be moved to the left by more than 100,000 bases"
    assert near.message == "a:90001 A>AA is a:1 C>CA when normalised"
    assert pairs.message == "b:90001 A>ACA is b:1 A>ACA when normalised"


# --- the FASTA ---


def bgzf(content: bytes, size: int) -> bytes:
    """`content` in BGZF with blocks of `size` bytes of text, and the empty block at the end."""
    parts = [content[start : start + size] for start in range(0, len(content), size)]
    return b"".join(map(bgzf_block, [*parts, b""]))


def bgzf_block(text: bytes) -> bytes:
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = deflate.compress(text) + deflate.flush()
    head = b"\x1f\x8b\x08\x04" + bytes(5) + b"\xff\x06\x00BC\x02\x00"
    return head + struct.pack("<H", len(packed) + 25) + packed + struct.pack("<II", zlib.crc32(text), len(text))


@st.composite
def wrapped(draw: st.DrawFn) -> tuple[dict[str, str], int, str]:
    names = draw(st.lists(st.text("chr12_.é|", min_size=1, max_size=6), min_size=1, max_size=5, unique=True))
    contigs = {name: draw(st.text("ACGTNacgtnRYK", max_size=70)) for name in names}
    return contigs, draw(st.integers(1, 80)), draw(st.sampled_from(["", "\n", "\n\n"]))


@quick
@given(wrapped(), st.integers(1, 40))
def test_bases_of_any_wrapping(tmp_path: Path, case: tuple[dict[str, str], int, str], block: int) -> None:
    """Read in blocks of some bytes, a file gives the contigs that pysam sees in it, with .fai and without."""
    contigs, width, end = case
    path = write(tmp_path / "r.fa", contigs, width)
    path.write_bytes(path.read_bytes().rstrip(b"\n") + end.encode())
    Path(f"{path}.fai").unlink(missing_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fasta, "BLOCK", block)
        alone = fasta.Fasta(path)
    assert list(tmp_path.iterdir()) == [path]
    if all(contigs.values()):  # samtools refuses a file that ends with an empty contig
        pysam.faidx(str(path))
    packed = tmp_path / "r.fa.gz"
    packed.write_bytes(bgzf(path.read_bytes(), block))
    compressed = fasta.Fasta(packed)
    packed.unlink()
    for opened in (alone, fasta.Fasta(path), compressed):
        assert [c.name for c in opened.contigs] == list(contigs)
        for i, bases in enumerate(contigs.values()):
            everywhere = np.arange(1, len(bases) + 1)
            concrete = bases.upper().translate(str.maketrans("RYK", "ACG"))
            assert opened.bases_at(np.full(len(bases), i), everywhere).tobytes().decode() == concrete
            assert opened.bases(i, 1, len(bases)).decode() == concrete if bases else not opened.lengths[i]


def test_an_index_that_does_not_fit_is_not_believed(tmp_path: Path) -> None:
    path = write(tmp_path / "r.fa", {"a": "ACGT" * 10, "b": "TTTT"}, 9)
    pysam.faidx(str(path))
    write(path, {"a": "ACGT" * 10, "c": "GGGGG"}, 9)
    assert [(c.name, c.length) for c in fasta.Fasta(path).contigs] == [("a", 40), ("c", 5)]
    index = Path(f"{path}.fai")
    index.unlink()
    pysam.faidx(str(path))
    right = index.read_text()
    first, last = right.splitlines()
    n, o, lb, lw = (int(f) for f in last.split("\t")[1:])
    shifted = right.replace("\t9\t10\nc", "\t8\t9\nc")  # its last base stands at the same place
    wrong = [
        (n - 1, o, lb, lw), (n + 1, o, lb, lw), (-n, o, lb, lw), (10**30, o, lb, lw),
        (n, o + 1, lb, lw), (n, -o, lb, lw), (n, 10**30, lb, lw),
        (n, o, lb, lw + 1), (n, o, 2, 3), (n, o, -lb, 1 - lb), (n, o, 0, 1), (n, o, 10**30, 10**30 + 1),
    ]  # fmt: skip
    lines = [f"{first}\nc\t" + "\t".join(map(str, numbers)) for numbers in wrong]
    odd = ["", "\n", "a\t1", "a\tx\t1\t2\t3", "\0\xff", first, last, f"{first}\n" * 2, f"{last}\n{first}"]
    for text in [*odd, shifted, *lines]:
        index.write_text(text, encoding="latin1")
        assert fasta._from_fai(path, open_text(path)) is None, text
        assert [(c.name, c.length) for c in fasta.Fasta(path).contigs] == [("a", 40), ("c", 5)], text
    index.write_text(right)
    assert fasta._from_fai(path, open_text(path)) == fasta.Fasta(path).contigs


def test_a_compressed_fasta_gives_the_same_findings(tmp_path: Path, reference: Reference) -> None:
    packed = tmp_path / "r.fa.gz"
    pysam.tabix_compress(str(reference.path), str(packed))
    records = [("chr1", 7, "AAAAAA", "A"), ("chrM", 7, "AA", "A"), ("chrM", 17, "AA", "A"), ("chr3", 1, "A", "C")]
    expected = check(reference, records)
    assert len(expected) == 4
    for _ in ("without", "with an index"):
        findings = check(Reference(packed), records)
        assert [f.message.replace("r.fa.gz", "grch99.fa") for f in findings] == [f.message for f in expected]
        pysam.faidx(str(packed))


def test_a_compressed_fasta_that_is_damaged(tmp_path: Path) -> None:
    """Damage to the content is an error; some bytes of a block's head mean nothing."""
    path = tmp_path / "r.fa.gz"
    good = bgzf(b">a\n" + b"ACGT\n" * 50, 100)
    for content in [
        good[:-30],
        good[:-28],
        good[:200],
        good + b"x",
        *(good[:i] + b"\x55" + good[i + 1 :] for i in range(18, len(good))),
    ]:
        path.write_bytes(content)
        try:
            assert check(Reference(path), [("a", i, "ACGT"[i % 4 - 1], "N") for i in range(1, 201)]) == []
        except InputError as error:
            assert str(path) in error.what


@pytest.mark.parametrize(("content", "said"), [
    (b"", "is empty"),
    (b"\x1f\x8b\x08\x00", "is compressed"),
    (gzip.compress(b">a\nACGT\n", mtime=0), "compressed, but not with bgzip"),
    (bgzf(b"", 10), "is empty"),
    (bgzf(b">a\nACGT\n", 10)[:-28], "lacks the empty block"),
    (bgzf(b"ACGT", 10), "does not begin with '>'"),
    (bgzf(gzip.compress(b">a\nACGT\n", mtime=0), 99), "is compressed"),
    (bgzf(b">a\nACGT\nAC\nACGT\n", 10), "line 4 of the reference"),
    (b"ACGT\n", "does not begin with '>'"),
    (b"\xff\xfe>\x00c\x00", "does not begin with '>'"),
    (b"##fileformat=VCFv4.2\n", "does not begin with '>'"),
    (b">a\r\nACGT\r\n", "carriage returns"),
    (b">a\nACGT\n>a b\nACGT\n", "has the contig a twice, again in line 3"),
    (b">\nACGT\n", "line 1 of the reference"),
    (b">a\nACGT\n> b\nA\n", "line 3 of the reference"),
    (b">a\nACGT\nAC\nACGT\n", "line 4 of the reference"),
    (b">a\nACGT\nACGTA\n", "line 3 of the reference"),
    (b">a\nACGT\n\nACGT\n", "line 4 of the reference"),
    (b">a\nA\n>b\n\nACGT\nAC\n\nA\n", "line 8 of the reference"),
])  # fmt: skip
def test_a_file_that_is_no_fasta(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "r.fa"
    path.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(said)) as raised:
        Reference(path)
    assert str(path) in raised.value.what and raised.value.way_out


def test_a_path_that_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "none.fa", tmp_path / "pipe"):
        with pytest.raises(InputError, match="reference"):
            Reference(path)


def test_a_fasta_that_shrinks_is_an_error_and_no_crash(tmp_path: Path) -> None:
    path = write(tmp_path / "r.fa", {"a": "ACGT" * 100_000})
    reference = Reference(path)
    os.truncate(path, 100)
    with pytest.raises(InputError, match="changed while it was read"):
        check(reference, [("a", 300_001, "A", "C")])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.text(">aA\n\r C\t", max_size=60).map(str.encode))
def test_any_bytes_are_a_fasta_or_an_input_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.fa"
    path.write_bytes(b">" + content)
    try:
        reference = Reference(path)
        names = [c.name for c in fasta.Fasta(path).contigs]
        check(reference, [(name, 1, "AC", "A,ACAC") for name in names])
    except InputError:
        pass
