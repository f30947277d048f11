"""By region on Ray: the rows, numbers and books that one process gives, and every refusal with its way out."""

import random
from pathlib import Path

import pysam
import pysam.bcftools
import pytest
from make_vcf import DECLARED, bgzip, record, write_vcf
from vcf_agent.memory.catalog import Catalog
from vcf_agent.memory.errors import InputError
from vcf_agent.tools.dataset import OpenDataset
from vcf_agent.tools.ingest import ingest
from vcf_agent.tools.ingest_by_region import parts_of
from vcf_agent.tools.vcf_file import open_vcf

SAMPLES = ["one", "two", "three"]
ANN = '##INFO=<ID=ANN,Number=.,Type=String,Description="Functional annotations">'
CLNSIG = '##INFO=<ID=CLNSIG,Number=.,Type=String,Description="Significance">'
CONTIGS = ["HLA:1:2", "chr2", "chr10", "chr1", "tiny1", "tiny2", "nolength"]  # not in the order of the header
HEADER = [
    *(f"##contig=<ID={c},length=1000>" for c in sorted(CONTIGS) if c != "nolength"), "##contig=<ID=nolength>",
    *(line for line in DECLARED if "##contig" not in line), ANN, CLNSIG,
]  # fmt: skip


def _genotype(dice: random.Random, n_alt: int) -> str:
    called = [".", *map(str, range(n_alt + 1))]
    alleles = [dice.choice(called) for _ in range(dice.choice([1, 2, 2, 2, 3]))]
    text = dice.choice("/|").join(alleles)
    return dice.choice([text, ".", f"{text}:{dice.randint(0, 99)}"])


def _line(dice: random.Random, contig: str, pos: int) -> str:
    alts = dice.sample(["C", "G", "T", "AT", "<DEL>"], dice.choice([1, 1, 1, 2, 3]))
    ref = dice.choice(["A", "AC", "A" * dice.randint(1, 300)])  # a long one reaches into the next window
    gene = f"GENE{dice.randint(0, 30)}"
    consequence = dice.choice(["missense_variant|MODERATE", "stop_gained|HIGH", "intron_variant|MODIFIER"])
    info = [f"DP={dice.randint(1, 90)}", f"AF={','.join(str(round(dice.random(), 3)) for _ in alts)}"]
    info += [f"ANN={alts[0]}|{consequence}|{gene}|E1|transcript|T1"] if dice.random() < 0.8 else []
    info += [f"CLNSIG={dice.choice(['Pathogenic', 'Benign'])}"] if dice.random() < 0.3 else []
    info += ["LST=.,3"] if dice.random() < 0.01 else []
    info += [f"END={pos + 500}"] if "<DEL>" in alts else []
    return record(
        pos, ref, ",".join(alts), chrom=contig, id=dice.choice([".", f"rs{pos}", f"rs{pos};x"]),
        filter=dice.choice([".", "PASS", "q10", "q10;s50"]), info=";".join(info), format="GT:DP",
        samples=[_genotype(dice, len(alts)) for _ in SAMPLES],
    )  # fmt: skip


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Path:
    """Seven contigs. Every position of a contig stands once to thrice, so that every window edge is among them."""
    dice, lines = random.Random(7), []
    for contig in CONTIGS:
        most = 12 if contig.startswith("tiny") else 900
        positions = sorted(p for p in range(1, most) for _ in range(dice.choice([1, 1, 2, 3])))
        lines += [_line(dice, contig, pos) for pos in [*positions, 1500]]  # the last is beyond the contig's length
    return bgzip(write_vcf(tmp_path_factory.mktemp("many") / "many.vcf", lines, SAMPLES, HEADER), index=True)


def everything(workspace: Path) -> dict[str, object]:
    (dataset,) = Catalog(workspace).datasets()
    data = OpenDataset(dataset, workspace)
    names = data.table.names()
    return {
        "summary": {k: v for k, v in dataset.summary.items() if k != "tables"},
        "names": names,
        "contigs in order": list(dataset.summary["contigs"]),
        "rows": data.table.columns(names).to_pylist(),
        "profiles": data.profiles.to_pylist(),
        "signatures": data.signatures.rows.to_pylist(),
        "vectors": data.signatures.matrix.tolist(),
    }


@pytest.mark.slow
@pytest.mark.parametrize("container", ["vcf.gz", "bcf"])
def test_the_same_as_in_one_process(many, tmp_path, monkeypatch, container):
    pytest.importorskip("lance_ray", reason="the extra ray is not installed")
    path = many
    if container == "bcf":
        path = tmp_path / "many.bcf"
        pysam.bcftools.view("-Ob", "-o", str(path), str(many), catch_stdout=False)
        pysam.bcftools.index(str(path), catch_stdout=False)
    monkeypatch.chdir(tmp_path)
    ingest(path, tmp_path / "alone")
    ingest(path, Path("by region"), workers=2)
    alone, by_region = everything(tmp_path / "alone"), everything(tmp_path / "by region")
    for name in alone:
        assert by_region[name] == alone[name], name
    assert not (tmp_path / "by region" / "parts").exists()


@pytest.mark.slow
def test_latin_1_and_malformed_numbers(tmp_path):
    """One part alone needs to be read in another way; then all are."""
    pytest.importorskip("lance_ray", reason="the extra ray is not installed")
    lines = [record(i, info="NOTE=é" if i < 900 else "NOTE=x", samples=["0/1"]) for i in range(1, 1000)]
    text = tmp_path / "odd.vcf"
    write_vcf(text, [*lines, record(1000, info="NOTE=\xff", samples=["1/1"])], ["one"])
    text.write_bytes(text.read_bytes().replace("\xff".encode(), b"\xff"))
    path = bgzip(text, index=True)
    ingest(path, tmp_path / "alone")
    ingest(path, tmp_path / "by region", workers=2)
    assert everything(tmp_path / "by region") == everything(tmp_path / "alone")


@pytest.mark.slow
def test_a_stale_index(many, tmp_path):
    pytest.importorskip("lance_ray", reason="the extra ray is not installed")
    lines = [record(i, samples=["0/1"] * 3) for i in range(1, 500)]
    path = bgzip(write_vcf(tmp_path / "stale.vcf", lines, SAMPLES), index=True)
    bgzip(write_vcf(tmp_path / "stale.vcf", lines[:400], SAMPLES))
    with pytest.raises(InputError, match="index"):
        ingest(path, tmp_path / "workspace", workers=2)
    assert Catalog(tmp_path / "workspace").datasets() == []


@pytest.mark.parametrize("wanted", [1, 3, 8, 50])
def test_every_record_is_in_one_part(many, wanted):
    vcf = open_vcf(many)
    parts = parts_of(vcf, wanted)
    assert len(parts) <= wanted + len(CONTIGS)
    regions = [region for part in parts for region in part]
    assert list(dict.fromkeys(contig for contig, _, _ in regions)) == CONTIGS
    with pysam.VariantFile(str(many)) as file:
        for line in file:
            assert sum(c == line.contig and first <= line.pos <= last for c, first, last in regions) == 1


def test_what_cannot_be_read_by_region(tmp_path, many):
    plain = write_vcf(tmp_path / "plain.vcf", [record(samples=["0/1"])], ["one"])
    with pytest.raises(InputError, match="no index") as told:
        parts_of(open_vcf(plain), 4)
    assert "bgzip" in told.value.way_out
    with pytest.raises(InputError, match="no index") as told:
        parts_of(open_vcf(bgzip(plain)), 4)
    assert "bcftools index plain.vcf.gz" in told.value.way_out
    odd = bgzip(write_vcf(tmp_path / "odd.vcf", [record(info="NEW=1", samples=["0/1"])], ["one"]), index=True)
    with pytest.raises(InputError, match="not declare"):
        parts_of(open_vcf(odd), 4)
