"""Small VCF files written from Python."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pysam

DECLARED = [
    "##contig=<ID=chr1,length=1000000>",
    "##contig=<ID=chr2,length=1000000>",
    '##FILTER=<ID=q10,Description="Quality below 10">',
    '##FILTER=<ID=s50,Description="Less than half of the samples have data">',
    '##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">',
    '##INFO=<ID=MQ,Number=1,Type=Float,Description="Mapping quality">',
    '##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency">',
    '##INFO=<ID=AC,Number=A,Type=Integer,Description="Count">',
    '##INFO=<ID=RD,Number=R,Type=Integer,Description="Reads of each allele">',
    '##INFO=<ID=LST,Number=.,Type=Integer,Description="Some numbers">',
    '##INFO=<ID=FLS,Number=.,Type=Float,Description="Some fractions">',
    '##INFO=<ID=DB,Number=0,Type=Flag,Description="In dbSNP">',
    '##INFO=<ID=NOTE,Number=.,Type=String,Description="Words">',
    '##INFO=<ID=ONE,Number=1,Type=String,Description="A word">',
    '##INFO=<ID=END,Number=1,Type=Integer,Description="Last position">',
    '##INFO=<ID=SVTYPE,Number=1,Type=String,Description="Kind of structural variant">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
    '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads of each allele">',
    '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">',
    '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Genotype quality">',
]


def record(
    pos: object = 100,
    ref: str = "A",
    alt: str = "C",
    *,
    chrom: str = "chr1",
    id: str = ".",
    qual: object = 50,
    filter: str = "PASS",
    info: str = ".",
    format: str = "GT",
    samples: Sequence[str] = (),
) -> str:
    """One line of a VCF without its line break; `samples` are the whole columns, `0/1:20`."""
    columns = [chrom, str(pos), id, ref, alt, str(qual), filter, info]
    return "\t".join([*columns, *([format, *samples] if samples else [])])


def header(samples: Sequence[str] = (), declared: Iterable[str] = DECLARED, version: str = "VCFv4.2") -> str:
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
    columns += ["FORMAT", *samples] if samples else []
    return "\n".join([f"##fileformat={version}", *declared, "\t".join(columns), ""])


def vcf_text(
    records: Iterable[str], samples: Sequence[str] = (), declared: Iterable[str] = DECLARED, version: str = "VCFv4.2"
) -> str:
    return header(samples, declared, version) + "".join(f"{line}\n" for line in records)


def write_vcf(
    path: Path,
    records: Iterable[str],
    samples: Sequence[str] = (),
    declared: Iterable[str] = DECLARED,
    version: str = "VCFv4.2",
) -> Path:
    """A plain-text VCF."""
    path.write_text(vcf_text(records, samples, declared, version), newline="")
    return path


def bgzip(path: Path, index: bool = False) -> Path:
    """The file in BGZF beside it, `.gz` added, with a tabix index where `index` asks for one."""
    target = path.with_name(path.name + ".gz")
    pysam.tabix_compress(str(path), str(target), force=True)
    if index:
        pysam.tabix_index(str(target), preset="vcf", force=True)
    return target
