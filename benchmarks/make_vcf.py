"""Write a synthetic VCF of any size: make_vcf.py RECORDS SAMPLES OUT.vcf. The same numbers give the same file."""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

HEADER = """##fileformat=VCFv4.3
##source=make_vcf.py
##contig=<ID=chr1,length=248956422>
##FILTER=<ID=PASS,Description="All filters passed">
##FILTER=<ID=LowQual,Description="QUAL below 40">
##INFO=<ID=DP,Number=1,Type=Integer,Description="Total depth">
##INFO=<ID=gnomAD_AF,Number=A,Type=Float,Description="Population frequency">
##INFO=<ID=CSQ,Number=.,Type=String,Description="From VEP. Format: Allele|Consequence|IMPACT|SYMBOL|Feature">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Genotype quality">
"""
EFFECTS = [("missense_variant", "MODERATE"), ("synonymous_variant", "LOW"), ("intron_variant", "MODIFIER"),
           ("stop_gained", "HIGH"), ("intergenic_variant", "MODIFIER")]  # fmt: skip


def records(number: int, samples: int, seed: int = 11) -> Iterator[str]:
    """Lines of SNPs with one ALT, about one in 20,000 bases at 10,000 records."""
    pick = random.Random(seed)
    step = 240_000_000 // max(number, 1)
    for i in range(number):
        ref, alt = pick.sample("ACGT", 2)
        effect, impact = pick.choices(EFFECTS, [8, 8, 50, 1, 33])[0]
        qual, frequency = pick.randint(10, 2000), pick.betavariate(0.2, 2)
        info = f"DP={pick.randint(10, 300)};gnomAD_AF={frequency:.5f};CSQ={alt}|{effect}|{impact}|G{i // 50}|T{i % 999}"
        calls = (f"{pick.choice(('0/0', '0/1', '1/1', './.'))}:{pick.randint(5, 60)}:99" for _ in range(samples))
        site = f"chr1\t{i * step + 1}\trs{i}\t{ref}\t{alt}\t{qual}\t{'PASS' if qual >= 40 else 'LowQual'}\t{info}"
        yield "\t".join([site, *(["GT:DP:GQ", *calls] if samples else [])]) + "\n"


def write(path: Path, number: int, samples: int) -> None:
    """Header and records."""
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
    names = "\tFORMAT\t" + "\t".join(f"S{i}" for i in range(samples)) if samples else ""
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{HEADER}{columns}{names}\n")
        file.writelines(records(number, samples))


if __name__ == "__main__":
    write(Path(sys.argv[3]), int(sys.argv[1]), int(sys.argv[2]))
