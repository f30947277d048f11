"""Writes what stands beside the cohort: a second caller's file, a tumour and its normal, structural variants, a BED.

    python examples/make_companions.py

They are made from `cohort/cohort.vcf.gz` and a fixed seed, so the same bytes come out every time.
"""

import random
import tempfile
from pathlib import Path

import pysam
import pysam.bcftools
from make_cohort import CONTIGS, GENE_TABLE

COHORT = Path(__file__).parent / "cohort"
SEED = 46
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t"
HEADER = "##fileformat=VCFv4.2\n" + "".join(
    f"##contig=<ID={name},length={length},assembly=GRCh38>\n" for name, (length, _) in CONTIGS.items()
)
SV_HEADER = """\
##ALT=<ID=DEL,Description="Deletion">
##ALT=<ID=DUP,Description="Duplication">
##ALT=<ID=INV,Description="Inversion">
##ALT=<ID=INS,Description="Insertion">
##INFO=<ID=SVTYPE,Number=1,Type=String,Description="Type of structural variant">
##INFO=<ID=SVLEN,Number=1,Type=Integer,Description="Change in length">
##INFO=<ID=END,Number=1,Type=Integer,Description="Last base">
##INFO=<ID=MATEID,Number=1,Type=String,Description="The other breakend">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
"""
TUMOUR_HEADER = """\
##tumor_sample=TUMOUR
##normal_sample=NORMAL
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads of each allele">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Reads">
"""


def second_caller() -> str:
    """DEV as another caller has it: some records are missing, some heterozygous calls are homozygous, some are new."""
    pick = random.Random(SEED)
    text = pysam.bcftools.view("--no-version", "-s", "DEV", "-I", "-c", "1", str(COHORT / "cohort.vcf.gz"))
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            if pick.random() < 0.05:
                continue
            if pick.random() < 0.02:
                line = line.replace("\t0/1:", "\t1/1:")
            if pick.random() < 0.02:
                lines.append(_new(line.split("\t"), pick))
        lines.append(line)
    return "\n".join([*lines, ""])


def _new(columns: list[str], pick: random.Random) -> str:
    """An SNP some bases before a record."""
    ref, alt = pick.sample("ACGT", 2)
    place = [columns[0], str(int(columns[1]) - 20), ".", ref, alt]
    return "\t".join([*place, "45", "PASS", "DP=21", "GT:AD:DP:GQ", "0/1:11,10:21:60"])


def tumour() -> str:
    """Sixty sites of a tumour and its normal: shared ones, and some in the tumour alone, at many read fractions."""
    pick, lines = random.Random(SEED), []
    for number in range(60):
        ref, alt = pick.sample("ACGT", 2)
        shared = number % 3 == 0
        depth, normal = pick.randint(40, 120), pick.randint(30, 60)
        reads = round(depth * (0.5 if shared else pick.choice([0.08, 0.15, 0.25, 0.4])))
        germline = round(normal * 0.5) if shared else 0
        calls = [f"0/1:{depth - reads},{reads}:{depth}",
                 f"{'0/1' if shared else '0/0'}:{normal - germline},{germline}:{normal}"]  # fmt: skip
        position = 1_200_000 * (number + 1)
        lines.append("\t".join(["chr17", str(position), ".", ref, alt, "90", "PASS", ".", "GT:AD:DP", *calls]))
    return HEADER + TUMOUR_HEADER + COLUMNS + "TUMOUR\tNORMAL\n" + "\n".join([*lines, ""])


def structural() -> str:
    """Ten structural variants of DEV, of every type, with two breakends that are a pair."""
    rows = [
        ("chr1", 55_030_000, "<DEL>", "SVTYPE=DEL;SVLEN=-25000;END=55055000", "0/1"),
        ("chr1", 94_000_000, "<DUP>", "SVTYPE=DUP;SVLEN=40000;END=94040000", "0/1"),
        ("chr1", 120_000_000, "<DEL>", "SVTYPE=DEL;SVLEN=-800;END=120000800", "1/1"),
        ("chr2", 178_600_000, "<INV>", "SVTYPE=INV;SVLEN=0;END=178700000", "0/1"),
        ("chr7", 55_100_000, "<DEL>", "SVTYPE=DEL;SVLEN=-1500;END=55101500", "0/1"),
        ("chr7", 117_500_000, "<DEL>", "SVTYPE=DEL;SVLEN=-21000;END=117521000", "0/1"),
        ("chr13", 32_320_000, "<INS>", "SVTYPE=INS;SVLEN=310;END=32320000", "0/1"),
        ("chr13", 48_400_000, "N]chr17:31200000]", "SVTYPE=BND;MATEID=bnd2", "0/1"),
        ("chr17", 31_200_000, "N]chr13:48400000]", "SVTYPE=BND;MATEID=bnd1", "0/1"),
        ("chr17", 39_600_000, "<DUP>", "SVTYPE=DUP;SVLEN=250000;END=39850000", "0/1"),
    ]
    names = {7: "bnd1", 8: "bnd2"}
    lines = [
        "\t".join([chrom, str(pos), names.get(n, f"sv{n}"), "N", alt, "60", "PASS", info, "GT", call])
        for n, (chrom, pos, alt, info, call) in enumerate(rows)
    ]
    return HEADER + SV_HEADER + COLUMNS + "DEV\n" + "\n".join([*lines, ""])


def genes() -> str:
    """The genes of the cohort's annotation as a BED: 0-based, half open."""
    order = list(CONTIGS)
    parts = [line.split() for line in GENE_TABLE.splitlines() if line.strip()]
    rows = sorted((order.index(p[1]), int(p[2]) - 1, int(p[3]), p[0]) for p in parts)
    return "".join(f"{order[c]}\t{start}\t{end}\t{symbol}\n" for c, start, end, symbol in rows)


def write(name: str, text: str) -> None:
    """Compress and index."""
    target = str(COHORT / name)
    with tempfile.NamedTemporaryFile("w", suffix=".vcf") as plain:
        plain.write(text)
        plain.flush()
        pysam.tabix_compress(plain.name, target, force=True)
    pysam.tabix_index(target, preset="vcf", force=True)


if __name__ == "__main__":
    write("second_caller.vcf.gz", second_caller())
    write("tumour.vcf.gz", tumour())
    write("structural.vcf.gz", structural())
    (COHORT / "genes.bed").write_text(genes())
