"""Reads files with the C readers, every field of them; run as a program, in a process that may die of it.

It names reader and file before each, so that whoever started it knows what killed it.
"""

import os
import sys
from contextlib import suppress

CHILD = __file__

KEEPS_READERS_AWAY: frozenset[str] = frozenset({"BLANK_LINE_AT_END", "POS_RANGE"})
"""Warnings on whose files cyvcf2 0.35 crashes."""


def read_with_bcftools(path: str) -> None:
    import pysam
    import pysam.bcftools

    try:
        pysam.bcftools.view("-o", "/dev/null", path, catch_stdout=False)
    except pysam.SamtoolsError:
        return


FIELDS = ["CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "FORMAT", "start", "end", "gt_types", "gt_bases",
          "genotypes", "genotype", "num_het", "gt_depths", "gt_phases", "gt_quals", "is_sv", "var_type", "aaf",
          "ploidy"]  # fmt: skip


def read_with_cyvcf2(path: str) -> None:
    import cyvcf2

    with suppress(Exception):  # a Python exception is an answer
        reader = cyvcf2.VCF(path)
        for record in reader:
            for field in FIELDS:
                with suppress(Exception):
                    getattr(record, field)
            with suppress(Exception):
                dict(record.INFO)
            for key in record.FORMAT or []:
                with suppress(Exception):
                    record.format(key)
            with suppress(Exception):
                str(record)


if __name__ == "__main__":
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # htslib says what it thinks of each
    for file in sys.argv[1:]:
        for name, read in (("bcftools", read_with_bcftools), ("cyvcf2", read_with_cyvcf2)):
            print(name, file, sep="\t", flush=True)
            read(file)
