"""What make_file brings in from other files, and consensus sequences, against bcftools run by hand and by the text."""

import random
import shutil
import subprocess
from pathlib import Path

import pysam
import pytest
from make_vcf import DECLARED, bgzip, record, write_vcf
from reference import lines
from vcf_agent.memory.errors import ToolError

BCFTOOLS = shutil.which("bcftools")
needs_bcftools = pytest.mark.skipif(BCFTOOLS is None, reason="the oracle is the bcftools on PATH")
SAMPLES = ["mum", "kid"]
BASES = "".join(random.Random(1).choices("ACGT", k=4000))


def records(contig: str = "chr1", of_source: bool = False) -> list[str]:
    """Records of which some share position and alleles with those of a second file, and some only the position."""
    chance = random.Random(4)
    made = []
    for pos in sorted(chance.sample(range(10, 3900), 150)):
        ref = BASES[pos - 1]
        others = [b for b in "ACGT" if b != ref]
        alts = chance.sample(others, chance.choice([1, 1, 1, 2]))
        if of_source:
            alts = chance.choice([alts, alts[:1], [b for b in others if b not in alts][:1]])
            made.append(record(pos, ref, ",".join(alts), chrom=contig, id=f"rs{pos}", filter=".",
                               info=f"NOTE=n{pos};AF={','.join('0.25' for _ in alts)}"))  # fmt: skip
        else:
            reads = [",".join(str(chance.randrange(9)) for _ in range(len(alts) + 1)) for _ in SAMPLES]
            calls = [f"{chance.choice(['0/1', '1/1', '0|1', './.', '0/0'])}:{chance.choice([r, r, '.'])}:{9}"
                     for r in reads]  # fmt: skip
            made.append(record(pos, ref, ",".join(alts), chrom=contig, id=chance.choice([".", f"own{pos}"]),
                               info=chance.choice(["NOTE=old", "."]), format="GT:AD:DP", samples=calls))  # fmt: skip
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A file, and others to annotate it from: indexed, plain, with bare contig names, from elsewhere."""
    made = tmp_path_factory.mktemp("annotating")
    bgzip(write_vcf(made / "mine.vcf", records(), SAMPLES), index=True)
    bgzip(write_vcf(made / "other.vcf", records(of_source=True)), index=True)
    write_vcf(made / "plain.vcf", records(of_source=True))
    bare = ["##contig=<ID=1>", *(d for d in DECLARED if "contig" not in d)]
    write_vcf(made / "bare.vcf", records("1", of_source=True), declared=bare)
    strange = ["##contig=<ID=scaffold>", *bare[1:]]
    write_vcf(made / "strange.vcf", records("scaffold", of_source=True), declared=strange)
    (made / "genes.bed").write_text("chr1\t0\t1000\tA B\tx\nchr1\t900\t2000\tC;D\ty\nchr1\t2500\t2600\t.\tz\n")
    (made / "ref.fa").write_text(f">chr1\n{BASES}\n>chr2 more\n{BASES[:100]}\n")
    return made


@pytest.fixture(scope="module")
def mine(library, folder):
    context = library(folder / "mine.vcf.gz")
    context.folder = folder
    return context


def query(path: Path, form: str, *options: str) -> list[str]:
    command = [BCFTOOLS, "query", "-f", form, *options, str(path)]
    return lines(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def annotated(folder: Path, form: str, *options: str) -> list[str]:
    command = [BCFTOOLS, "annotate", *options, str(folder / "mine.vcf.gz")]
    made = subprocess.run(command, capture_output=True, check=True).stdout
    return lines(
        subprocess.run([BCFTOOLS, "query", "-f", form], input=made, capture_output=True, check=True).stdout.decode()
    )


FORM = "%POS %ID %INFO/NOTE %INFO/AF\n"
WAYS = {
    "ids": ({"op": "add_ids"}, ["-c", "+ID"]),
    "ids in place": ({"op": "add_ids", "only_missing": False}, ["-c", "ID"]),
    "all alleles": ({"op": "add_ids", "alleles": "all"}, ["-c", "+ID", "--pair-logic", "exact"]),
    "info": ({"op": "add_info", "fields": ["NOTE", "INFO/AF"]}, ["-c", "INFO/NOTE,INFO/AF"]),
    "info where none": ({"op": "add_info", "fields": ["NOTE"], "only_missing": True}, ["-c", "+INFO/NOTE"]),
}  # fmt: skip


@needs_bcftools
@pytest.mark.parametrize("source", ["other.vcf.gz", "plain.vcf", "bare.vcf"])
@pytest.mark.parametrize("way", list(WAYS))
def test_from_another_vcf_as_bcftools(mine, folder, run, way, source):
    operation, options = WAYS[way]
    result = run(mine, "make_file", operations=[{**operation, "source": source}])
    path = Path(result.files[0])
    assert query(path, FORM) == annotated(folder, FORM, "-a", str(folder / "other.vcf.gz"), *options)
    assert result.evidence[0].verified is True, result.evidence[0].note
    ours = [t.split("\t")[:5] for t in records()]
    theirs = {(p[1], p[3]): set(p[4].split(",")) for p in (t.split("\t") for t in records(of_source=True))}
    pairs = [(set(p[4].split(",")), theirs[p[1], p[3]]) for p in ours if (p[1], p[3]) in theirs]
    matched = sum(a == b if operation.get("alleles") == "all" else bool(a & b) for a, b in pairs)
    assert f"; {matched} of 150 records match" in result.reading[0]
    assert 0 < matched < 150
    assert ("names contigs otherwise" in " ".join(result.reading)) == (source == "bare.vcf")


@needs_bcftools
def test_after_other_operations(mine, folder, run):
    operations = [
        {"op": "split_alleles"},
        {"op": "add_ids", "source": "other.vcf.gz", "alleles": "all"},
        {"op": "sort"},
    ]
    result = run(mine, "make_file", operations=operations)
    split = folder / "split.bcf"
    subprocess.run([BCFTOOLS, "norm", "-m", "-any", "-Ob", "-o", split, folder / "mine.vcf.gz"], check=True)
    subprocess.run([BCFTOOLS, "index", split], check=True)
    command = [BCFTOOLS, "annotate", "-a", folder / "other.vcf.gz", "-c", "+ID", "--pair-logic", "exact", split]
    text = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    expected = sorted(tuple(t.split("\t")[:5]) for t in text.splitlines() if not t.startswith("#"))
    assert (
        sorted(tuple(t.split("\t")) for t in query(Path(result.files[0]), "%CHROM\t%POS\t%ID\t%REF\t%ALT\n"))
        == expected
    )
    assert "before.bcf" in result.evidence[0].command


def test_other_files_that_do_not_fit(mine, run):
    def make(**operation):
        return run(mine, "make_file", prove=False, operations=[operation])

    with pytest.raises(ToolError, match="no contig in common"):
        make(op="add_ids", source="strange.vcf")
    with pytest.raises(ToolError, match="has no INFO/GONE"):
        make(op="add_info", source="other.vcf.gz", fields=["GONE"])
    with pytest.raises(ToolError, match="outside"):
        make(op="add_ids", source="/etc/passwd")
    with pytest.raises(ToolError, match="INFO/NOTE already"):
        make(op="label", bed="genes.bed", field="NOTE")
    with pytest.raises(ToolError, match="needs the reference"):
        make(op="add_contigs")
    with pytest.raises(ToolError, match="no label"):
        make(op="label", bed="genes.bed", field="X", column=9)


@needs_bcftools
def test_labels_of_a_bed(mine, folder, run):
    result = run(mine, "make_file", operations=[{"op": "label", "bed": "genes.bed", "field": "GENE"}])
    expected = []
    for text in records():
        pos = int(text.split("\t")[1])
        here = [name for name, start, end in (("A%20B", 0, 1000), ("C%3BD", 900, 2000)) if start < pos <= end]
        expected.append(f"{pos} {','.join(here) or '.'}")
    assert query(Path(result.files[0]), "%POS %INFO/GENE\n") == expected
    assert f"{sum(not e.endswith(' .') for e in expected)} records have one" in result.reading[0]
    assert result.evidence[0].verified is True
    fixed = run(mine, "make_file", operations=[{"op": "label", "value": "batch 2", "field": "BATCH"}])
    assert set(query(Path(fixed.files[0]), "%INFO/BATCH\n")) == {"batch%202"}


def test_contig_lines(folder, library, run):
    declared = [d for d in DECLARED if "contig" not in d]
    path = write_vcf(folder / "nodef.vcf", records(), SAMPLES, ["##contig=<ID=chr1,assembly=x>", *declared])
    context = library(path)
    context.folder = folder
    result = run(context, "make_file", operations=[{"op": "add_contigs"}], reference="ref.fa")
    with pysam.VariantFile(result.files[0]) as made:
        assert {c.name: c.length for c in made.header.contigs.values()} == {"chr1": 4000, "chr2": 100}
        assert "##contig=<ID=chr1,length=4000,assembly=x>" in str(made.header)
        assert sum(1 for _ in made) == 150
    (folder / "bare.fa.fai").write_text("1\t4000\t3\t60\t61\nMT\t99\t9\t60\t61\n")
    bare = run(context, "make_file", operations=[{"op": "add_contigs"}], reference="bare.fa.fai")
    with pysam.VariantFile(bare.files[0]) as made:
        assert {c.name: c.length for c in made.header.contigs.values()} == {"chr1": 4000, "MT": 99}


def test_vaf_by_the_text(mine, run):
    result = run(mine, "make_file", name="vaf.vcf", operations=[{"op": "add_vaf"}])
    found = [t.split("\t") for t in Path(result.files[0]).read_text().splitlines() if not t.startswith("#")]
    for text, made in zip(records(), found, strict=True):
        cells = text.split("\t")[9:]
        assert made[8] == "GT:AD:DP:VAF"
        for cell, there in zip(cells, made[9:], strict=True):
            reads = cell.split(":")[1].split(",")
            total = sum(map(int, reads)) or 1 if reads != ["."] else 1
            expected = ",".join(f"{int(n) / total:.6g}" for n in reads[1:]) or "."
            assert there.split(":")[3] == expected
    with pytest.raises(ToolError, match="no FORMAT/AD"):
        run(mine, "make_file", operations=[{"op": "drop_fields", "fields": ["FORMAT/AD"]}, {"op": "add_vaf"}])


@needs_bcftools
@pytest.mark.parametrize(
    ("arguments", "options"),
    [({"sample": "kid"}, ["-s", "kid", "-H", "I", "-M", "N"]),
     ({"sample": "kid", "missing": "reference", "haplotype": "1"}, ["-s", "kid", "-H", "1"]),
     ({"sample": "mum", "haplotype": "2"}, ["-s", "mum", "-H", "2", "-M", "N"])],
)  # fmt: skip
def test_consensus_as_bcftools(mine, folder, run, arguments, options):
    result = run(mine, "make_consensus", reference="ref.fa", **arguments)
    command = [BCFTOOLS, "consensus", "-f", folder / "ref.fa", *options, folder / "mine.vcf.gz"]
    expected = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert Path(result.files[0]).read_text() == expected
    assert result.value == 2


def test_consensus_of_every_first_alt(mine, run):
    made = Path(run(mine, "make_consensus", reference="ref.fa", haplotype="alt").files[0]).read_text().split(">")[1]
    expected = list(BASES)
    for text in records():
        expected[int(text.split("\t")[1]) - 1] = text.split("\t")[4].split(",")[0]
    assert made.replace("\n", "") == "chr1" + "".join(expected)


def test_missing_genotypes_are_n_and_a_region_is_cut_out(mine, run):
    result = run(mine, "make_consensus", reference="ref.fa", sample="kid", regions=["chr1:1-500"])
    name, *parts = Path(result.files[0]).read_text().split("\n")
    assert name == ">chr1:1-500"
    bases = "".join(parts)
    assert len(bases) == 500
    by_pos = {int(t.split("\t")[1]): t.split("\t") for t in records()}
    for pos in range(1, 501):
        gt = by_pos[pos][10].split(":")[0] if pos in by_pos else "0/0"
        if gt == "./.":
            assert bases[pos - 1] == "N"
        elif gt == "0/0":
            assert bases[pos - 1] == BASES[pos - 1]
        elif gt == "1/1":
            assert bases[pos - 1] == by_pos[pos][4].split(",")[0]


def test_a_consensus_that_cannot_be_made(mine, folder, run):
    with pytest.raises(ToolError, match="of one sample"):
        run(mine, "make_consensus", reference="ref.fa")
    with pytest.raises(ToolError, match="needs the reference"):
        run(mine, "make_consensus", sample="kid")
    (folder / "wrong.fa").write_text(f">chr1\n{BASES[7:]}\n")
    with pytest.raises(ToolError, match="REF"):
        run(mine, "make_consensus", sample="kid", reference="wrong.fa")
    (folder / "bare.fa").write_text(f">1\n{BASES}\n")
    with pytest.raises(ToolError, match="None of the contigs"):
        run(mine, "make_consensus", sample="kid", reference="bare.fa")


def test_refs_that_are_not_in_the_fasta_are_counted(folder, library, run):
    changed = [record(pos, "A" if BASES[pos - 1] != "A" else "C", "G") for pos in (50, 60)]
    context = library(write_vcf(folder / "badref.vcf", [*changed, *records()[5:]][:2]))
    context.folder = folder
    wrong = run(context, "validate_file", code="REF_MISMATCH", reference="ref.fa", prove=False)
    assert wrong.value is False
    assert "2 findings" in wrong.text
