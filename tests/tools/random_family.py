"""Random small files of a family, and their reading as plain text, which shares no code with the product."""

from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st
from make_vcf import record, write_vcf
from reference import genotype_class
from vcf_agent.tools.pedigree import Pedigree, Person

SAMPLES = ["other", "mum", "kid", "dad", "sis"]
PEDIGREE = Pedigree([
    Person("F", "kid", "dad", "mum", "male", True), Person("F", "sis", "dad", "mum", "female", False),
    Person("F", "dad", None, None, "male", False), Person("F", "mum", None, None, "female", False),
])  # fmt: skip
PAR = [(1, 2781479), (155701383, 156040895)]
DECLARED = [
    "##contig=<ID=chr1,length=248956422>", "##contig=<ID=chrX,length=156040895>", "##contig=<ID=chrY>",
    "##contig=<ID=chrM>",
    '##INFO=<ID=CSQ,Number=.,Type=String,Description="VEP. Format: Allele|Consequence|IMPACT|SYMBOL">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">',
    '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="a">',
    '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="d">',
    '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="q">',
]  # fmt: skip
IMPACTS = {"stop_gained": "HIGH", "missense_variant": "MODERATE", "synonymous_variant": "LOW"}
PLAIN = ["0/0", "0/0", "0/1", "0/1", "1/1", "./.", "0", "1", ".", "./1", "0/."]
PHASED = ["0|1", "1|0", "0|0", "1|1"]
SEVERAL = ["0/2", "1/2", "2/2", "2|0", "0/0/1"]


@st.composite
def lines_of(draw: Any, phased: bool) -> str:
    alts = draw(st.sampled_from(["C", "C", "C,G"]))
    calls = PLAIN + (PHASED * 2 if phased else []) + (SEVERAL if "," in alts else [])
    number = draw(st.integers(0, 9))
    samples = []
    for _ in SAMPLES:
        reads = ",".join(str(draw(st.integers(0, 9))) for _ in range(2 + alts.count(",")))
        values = [draw(st.sampled_from(calls)), draw(st.sampled_from([reads, reads, "."]))]
        samples.append(":".join([*values, *(draw(st.sampled_from([".", "5", "10", "20", "30"])) for _ in "dq")]))
    terms = [draw(st.sampled_from(list(IMPACTS))) for _ in range(2)]
    entries = [f"{alt}|{t}|{IMPACTS[t]}|G{draw(st.integers(1, 2))}" for alt in alts.split(",") for t in terms]
    return record(
        draw(st.sampled_from([100, 2781479, 2781480, 155701382, 155701383])) + number, "A", alts,
        chrom=draw(st.sampled_from(["chr1", "chr1", "chr1", "chrX", "chrX", "chrY", "chrM"])),
        info="CSQ=" + ",".join(entries), format="GT:AD:DP:GQ", samples=samples,
    )  # fmt: skip


class Line(NamedTuple):
    """A record as its text says it; `gt` and `values` by sample."""

    key: str
    chrom: str
    pos: int
    alts: list[str]
    csq: list[list[str]]
    gt: dict[str, str]
    values: dict[str, dict[str, str]]

    def kind(self, sample: str) -> str:
        return genotype_class(self.gt[sample])

    def calls(self, sample: str) -> list[str]:
        return self.gt[sample].replace("|", "/").split("/")

    def haploid_x(self) -> bool:
        return self.chrom == "chrX" and not any(a <= self.pos <= b for a, b in PAR)


def read(path: Path) -> list[Line]:
    out = []
    for text in path.read_text().splitlines():
        if not text.startswith("#"):
            c = text.split("\t")
            values = {
                s: dict(zip(c[8].split(":"), v.split(":"), strict=True)) for s, v in zip(SAMPLES, c[9:], strict=True)
            }
            csq = [e.split("|") for e in c[7].removeprefix("CSQ=").split(",")] if c[7] != "." else []
            key = f"{c[0]}:{c[1]}:{c[3]}:{c[4]}"
            out.append(
                Line(key, c[0], int(c[1]), c[4].split(","), csq, {s: v["GT"] for s, v in values.items()}, values)
            )
    return out


def write(folder: Path, lines: list[str]) -> Path:
    order = ["chr1", "chrX", "chrY", "chrM"]
    lines = sorted(lines, key=lambda t: (order.index(t.split("\t")[0]), int(t.split("\t")[1])))
    return write_vcf(folder / "family.vcf", lines, SAMPLES, DECLARED)
