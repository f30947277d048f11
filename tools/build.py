"""Which genome build a file is on, and what says so."""

import re

from .vcf_file import Header

CONTIG_LENGTHS = {
    "GRCh38": {"1": 248956422, "20": 64444167, "21": 46709983, "22": 50818468, "X": 156040895},
    "GRCh37": {"1": 249250621, "20": 63025520, "21": 48129895, "22": 51304566, "X": 155270560},
    "NCBI36": {"1": 247249719, "20": 62435964, "21": 46944323, "22": 49691432, "X": 154913754},
}
"""Lengths in bases of some chromosomes, by which a build is told (assembly reports of the Genome Reference
Consortium)."""

OUTSIDE_PAR = {"GRCh38": (2781480, 155701382), "GRCh37": (2699521, 154931043)}
"""First and last base of X between its two pseudo-autosomal regions, 1-based and inclusive (Genome Reference
Consortium). Outside of it males have two copies, the other one on Y."""

NAMES = {
    "GRCh38": r"GRCh38|hg38|b38|hs38|GCA_000001405\.15", "GRCh37": r"GRCh37|hg19|b37|hs37|human_g1k_v37",
    "NCBI36": r"NCBI36|hg18|b36", "T2T-CHM13": r"CHM13|T2T",
}  # fmt: skip


def guess_build(header: Header) -> tuple[str | None, str]:
    """The build and the reason for it: contig lengths, else an assembly that the header names."""
    for build, lengths in CONTIG_LENGTHS.items():
        for contig in header.contigs:
            name = contig.id.removeprefix("chr")
            if contig.length is not None and contig.length == lengths.get(name):
                return build, f"contig {contig.id} has the length {contig.length:,} of {build}"
    for where, text in _mentions(header):
        for build, pattern in NAMES.items():
            if re.search(pattern, text, re.IGNORECASE):
                return build, f"{where} says {text[:80]}"
    return None, "no contig length and no header line tells the build"


def _mentions(header: Header) -> list[tuple[str, str]]:
    assemblies = [("the contig lines", c.assembly) for c in header.contigs if c.assembly]
    lines = [(f"##{key}", value) for key, value in header.other if key in ("reference", "assembly", "contig", "VEP")]
    commands = [(f"##{key}", value) for key, value in header.other if "ommand" in key]
    return [*assemblies[:1], *lines, *commands]
