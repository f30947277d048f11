"""Writes examples/cohort: an invented family of four and two unrelated people, with known answers planted.

    python examples/make_cohort.py [folder]

The seed is fixed, so the same bytes come out every time.
"""

import hashlib
import math
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pysam

SEED, RECORDS = 38, 2000
SPACING = 100  # bp between POS of any two records; more than the longest REF, so no two overlap
PHASED_GENE = "NF1"

# contig: length; first position used, past the short arm of chr13 and the pseudoautosomal end of chrX
CONTIGS = {
    "chr1": (248956422, 1_000_000), "chr2": (242193529, 1_000_000), "chr7": (159345973, 1_000_000),
    "chr13": (114364328, 20_000_000), "chr17": (83257441, 1_000_000), "chrX": (156040895, 2_800_000),
}  # fmt: skip

# family, sample, father, mother, sex (1 male, 2 female), phenotype (1 unaffected, 2 affected)
PED = """\
FAM1 ARUN 0 0 1 1
FAM1 MIRA 0 0 2 1
FAM1 DEV ARUN MIRA 1 2
FAM1 LILA ARUN MIRA 2 1
OTTO OTTO 0 0 1 1
INES INES 0 0 2 1
"""
PEOPLE = [line.split() for line in PED.splitlines()]
SAMPLES = [person[1] for person in PEOPLE]
PARENTS = {person[1]: person[2:4] for person in PEOPLE if person[2] != "0"}
MALES = {person[1] for person in PEOPLE if person[4] == "1"}

# symbol, contig, first and last base (GRCh38, 1-based), strand, ENSG, ENST (canonical), residues, condition
GENE_TABLE = """\
MTHFR chr1 11785723 11806103 - 177000 376590.9 656 Homocystinuria_due_to_MTHFR_deficiency
PCSK9 chr1 55039447 55064852 + 169174 302118.5 692 Hypercholesterolemia,_familial
ABCA4 chr1 93992834 94121148 - 198691 370225.4 2273 Severe_early-childhood-onset_retinal_dystrophy
APOB chr2 21001429 21044073 - 84674 233242.5 4563 Hypercholesterolemia,_familial
SCN1A chr2 165989160 166149214 - 144285 674923.1 2009 Severe_myoclonic_epilepsy_in_infancy
TTN chr2 178525989 178830802 - 155657 589042.5 35991 Dilated_cardiomyopathy_1G
EGFR chr7 55019017 55211628 + 146648 275493.7 1210 Non-small_cell_lung_carcinoma
CFTR chr7 117480025 117668665 + 1626 3084.11 1480 Cystic_fibrosis
BRCA2 chr13 32315086 32400268 + 139618 380152.8 3418 Hereditary_breast_ovarian_cancer_syndrome
RB1 chr13 48303744 48599436 + 139687 267163.6 928 Retinoblastoma
ATP7B chr13 51930436 52012125 - 123191 242839.10 1465 Wilson_disease
TP53 chr17 7661779 7687546 - 141510 269305.9 393 Li-Fraumeni_syndrome
NF1 chr17 31094927 31382116 + 196712 358273.9 2839 Neurofibromatosis,_type_1
ERBB2 chr17 39688094 39728658 + 141736 269571.10 1255 Hereditary_cancer-predisposing_syndrome
BRCA1 chr17 43044295 43125364 - 12048 357654.9 1863 Hereditary_breast_ovarian_cancer_syndrome
GAA chr17 80101581 80119881 + 171298 302262.8 952 Glycogen_storage_disease,_type_II
DMD chrX 31097677 33339609 - 198947 357033.9 3685 Duchenne_muscular_dystrophy
F8 chrX 154835792 155026940 - 185010 360256.9 2351 Hereditary_factor_VIII_deficiency_disease
"""

# consequence: weight among the background's SNVs in genes
SNV_WEIGHTS = {
    "intron_variant": 50, "missense_variant": 20, "synonymous_variant": 14, "stop_gained": 1.2,
    "splice_region_variant&intron_variant": 3, "splice_donor_variant": 0.5, "splice_acceptor_variant": 0.5,
}  # fmt: skip
HIGH = "stop_gained frameshift_variant splice_donor_variant splice_acceptor_variant"
MODERATE = "missense_variant inframe_deletion inframe_insertion"
LOW = "synonymous_variant splice_region_variant"
# bases past the exon, with the sign HGVS gives them
INTRONIC = {
    "intron_variant": (20, 2000), "splice_region_variant&intron_variant": (3, 8),
    "splice_donor_variant": (1, 2), "splice_acceptor_variant": (-2, -1),
}  # fmt: skip
RESIDUES = re.findall("...", "AlaArgAsnAspCysGlnGluGlyHisIleLeuLysMetPheProSerThrTrpTyrVal")
SIGNIFICANCE = {
    "B": "Benign", "LB": "Likely_benign", "VUS": "Uncertain_significance", "LP": "Likely_pathogenic",
    "P": "Pathogenic", "P/LP": "Pathogenic/Likely_pathogenic",
    "CON": "Conflicting_classifications_of_pathogenicity",
}  # fmt: skip
REVIEWS = ["criteria_provided,_single_submitter", "criteria_provided,_conflicting_classifications"]
VQSR = "VQSRTrancheSNP99.90to100.00"

# POS, REF>ALT, genotypes (ARUN MIRA DEV LILA OTTO INES), consequence on the canonical transcript (after /, on
# the second), gnomAD_AF, ID, CLNSIG, HGVS if known. A number stands for that many bases of reference().
# Nothing outside this table is (likely) pathogenic, de novo, an MNP or multi-allelic.
PLANTED = """\
# het in every sample
chr1:11796321 G>A 0/1 0/1 0/1 0/1 0/1 0/1 missense_variant 0.31 rs1801133 B c.665C>T p.Ala222Val
# private to OTTO
chr1:55039974 G>T 0/0 0/0 0/0 0/0 0/1 0/0 missense_variant 0.0117 rs11591147 B c.137G>T p.Arg46Leu
# compound heterozygous in DEV: the first from the father, the second from the mother
chr1:94010911 C>T 0/1 0/0 0/1 0/1 0/0 0/0 missense_variant 0.0003 rs9000000001 LP
chr1:94063250 TG>T 0/0 0/1 0/1 0/0 0/0 0/0 frameshift_variant 0.00008 rs9000000002 P/LP
# de novo in DEV
chr2:166051920 G>A 0/0 0/0 0/1 0/0 0/0 0/0 missense_variant . . VUS
# dominant, father and both children
chr2:178570104 G>A 0/1 0/0 0/1 0/1 0/0 0/0 stop_gained 0.00001 rs9000000003 LP
# multi-allelic SNP; DEV has one ALT from each parent
chr7:55160230 C>A,T 0/1 0/2 1/2 0/2 0/0 0/1 missense_variant,synonymous_variant 0.02,0.11 rs9000000004 .
# autosomal recessive: both parents carriers, DEV hom-alt
chr7:117559590 ATCT>A 0/1 0/1 1/1 0/1 0/0 0/0 inframe_deletion 0.007 rs113993960 P c.1521_1523del p.Phe508del
# 80 bp deletion over the start of BRCA2 exon 11 (chr13:32336265-32341196)
chr13:32336225 81>1 0/0 0/0 0/0 0/0 0/0 0/1 splice_acceptor_variant&intron_variant . . LP c.1910-39_1950del
# genotypes wholly and partly missing
chr13:48367512 A>G ./. 0/1 ./1 0/. 0/0 0/1 synonymous_variant 0.08 rs9000000005 .
# MNP
chr17:7674229 CC>TT 0/0 0/1 0/0 0/1 0/0 0/0 missense_variant . . CON
# multi-allelic, SNP and insertion; gnomAD knows the SNP only
chr17:39711990 A>G,ATCC 0/1 0/2 1/2 0/2 0/0 0/1 missense_variant,inframe_insertion 0.02,. rs9000000006 .
# dominant, father and daughter
chr17:43124027 ACT>A 0/1 0/0 0/0 0/1 0/0 0/0 frameshift_variant 2e-4 rs80357914 P c.68_69del p.Glu23ValfsTer17
# HIGH on the second transcript only
chr17:80108300 G>A 0/0 0/0 0/0 0/0 0/0 0/1 intron_variant/stop_gained 0.0006 rs9000000007 VUS
# X-linked: mother het, DEV hemizygous
chrX:32360224 G>A 0 0/1 1 0/0 0 0/0 stop_gained . rs9000000008 P
# males haploid: missing, reference and ALT
chrX:154930110 T>C . 0/1 0 ./. 1 0/1 synonymous_variant 0.19 rs9000000009 B
"""

HEADER = """\
##fileformat=VCFv4.2
##source=make_cohort.py
##reference=GRCh38
##VEP="v110" assembly="GRCh38"
##FILTER=<ID=PASS,Description="All filters passed">
##FILTER=<ID=LowQual,Description="QUAL below 30">
##FILTER=<ID=VQSRTrancheSNP99.90to100.00,Description="SNP truth sensitivity tranche, 99.90 to 100.00">
##INFO=<ID=AC,Number=A,Type=Integer,Description="Allele count in the called genotypes">
##INFO=<ID=AF,Number=A,Type=Float,Description="Allele frequency in the called genotypes">
##INFO=<ID=AN,Number=1,Type=Integer,Description="Number of alleles called">
##INFO=<ID=DP,Number=1,Type=Integer,Description="Read depth over all samples">
##INFO=<ID=gnomAD_AF,Number=A,Type=Float,Description="Allele frequency in gnomAD">
##INFO=<ID=CLNSIG,Number=.,Type=String,Description="ClinVar clinical significance">
##INFO=<ID=CLNREVSTAT,Number=.,Type=String,Description="ClinVar review status">
##INFO=<ID=CLNDN,Number=.,Type=String,Description="ClinVar condition name">
##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. Format: \
Allele|Consequence|IMPACT|SYMBOL|Gene|Feature_type|Feature|BIOTYPE|HGVSc|HGVSp|CANONICAL">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads that show each allele">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Read depth">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Genotype quality, Phred-scaled">
##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Genotype likelihoods, Phred-scaled">
"""


class Gene(NamedTuple):
    symbol: str
    chrom: str
    start: int
    end: int
    strand: str
    ensembl: str
    transcript: str
    residues: int
    condition: str

    def coding_base(self, pos: int) -> int:
        """Base of the coding sequence, 1-based, as if that were spread evenly over the gene."""
        past = pos - self.start if self.strand == "+" else self.end - pos
        return 1 + 3 * self.residues * past // (self.end - self.start)


class Site(NamedTuple):
    chrom: str
    pos: int  # 1-based
    ref: str
    alts: list[str]
    genotypes: list[str]  # in the order of SAMPLES
    consequences: list[str]  # one per ALT
    gnomad: str
    rsid: str
    significance: str  # key of SIGNIFICANCE, or "."
    hgvs: list[str]  # of coding sequence and protein; empty where it is to be made up
    filter: str = "PASS"


Passed = dict[tuple[str, str, str], int]  # haplotype that a contig's child got from a parent


@cache
def genes() -> list[Gene]:
    rows = (line.split() for line in GENE_TABLE.splitlines())
    return [Gene(r[0], r[1], int(r[2]), int(r[3]), r[4], r[5], r[6], int(r[7]), r[8]) for r in rows]


def gene_at(chrom: str, pos: int) -> Gene | None:
    return next((gene for gene in genes() if gene.chrom == chrom and gene.start <= pos <= gene.end), None)


def reference(chrom: str, pos: int, length: int = 1) -> str:
    """Bases of an imaginary genome: any base, but always the same one at a position."""
    places = range(pos, pos + length)
    return "".join("ACGT"[hashlib.sha256(f"{chrom}:{place}".encode()).digest()[0] & 3] for place in places)


def planted() -> Iterator[Site]:
    for row in (line.split() for line in PLANTED.splitlines() if line[0] != "#"):
        chrom, pos = row[0].split(":")
        alleles = re.split("[>,]", row[1])
        ref, *alts = (reference(chrom, int(pos), int(a)) if a.isdigit() else a for a in alleles)
        gnomad, rsid, significance, *hgvs = row[9:]
        yield Site(chrom, int(pos), ref, alts, row[2:8], row[8].split(","), gnomad, rsid, significance, hgvs)


def inherited(rng: random.Random, chrom: str, freq: float, passed: Passed) -> dict[str, str]:
    """Alleles of each sample, the father's first; one founder is sure to carry the ALT."""
    people: dict[str, str] = {}
    carrier = rng.choice([name for name in SAMPLES if name not in PARENTS])
    for name in SAMPLES:
        haploid = chrom == "chrX" and name in MALES
        givers = PARENTS.get(name, [])[haploid:]
        people[name] = "".join((people[giver] * 2)[passed[chrom, name, giver]] for giver in givers)
        if not givers:
            drawn = "".join("01"[rng.random() < freq] for _ in range(1 if haploid else 2))
            people[name] = "1" + drawn[1:] if name == carrier else drawn
    return people


def genotype(rng: random.Random, alleles: str, phased: bool) -> str:
    if rng.random() < 0.015:
        return "/".join("." * len(alleles))
    return "|".join(alleles) if phased else "/".join(sorted(alleles))


def draw_place(rng: random.Random) -> tuple[str, int]:
    if rng.random() < 0.65:
        gene = rng.choice(genes())
        return gene.chrom, rng.randint(gene.start, gene.end)
    chrom, (length, first) = rng.choice(list(CONTIGS.items()))
    return chrom, rng.randint(first, length - 1_000_000)


def draw_alleles(rng: random.Random, chrom: str, pos: int) -> tuple[str, str]:
    ref, luck, size = reference(chrom, pos), rng.random(), min(int(rng.expovariate(0.4)) + 1, 12)
    if luck < 0.82:
        transition = dict(zip("AGCT", "GATC", strict=True))[ref]
        return ref, transition if rng.random() < 0.67 else rng.choice(sorted({*"ACGT"} - {ref, transition}))
    if luck < 0.92:
        return reference(chrom, pos, size + 1), ref
    return ref, ref + "".join(rng.choices("ACGT", k=size))


def draw_consequence(rng: random.Random, gene: Gene | None, ref: str, alt: str) -> str:
    if gene is None:
        return "intergenic_variant"
    if len(ref) == len(alt):
        return rng.choices(list(SNV_WEIGHTS), list(SNV_WEIGHTS.values()))[0]
    if rng.random() < 0.8:
        return "intron_variant"
    if (len(ref) - len(alt)) % 3:
        return "frameshift_variant"
    return "inframe_deletion" if len(ref) > len(alt) else "inframe_insertion"


def impact(consequence: str) -> str:
    term = consequence.partition("&")[0]
    levels = {"HIGH": HIGH, "MODERATE": MODERATE, "LOW": LOW}
    return next((level for level, terms in levels.items() if term in terms.split()), "MODIFIER")


def draw_significance(rng: random.Random, consequence: str, freq: float) -> str:
    if impact(consequence) == "MODIFIER" or rng.random() < 0.5:
        return "."
    if freq > 0.01:
        return rng.choice(["B", "LB"])
    return rng.choice(["LB", "VUS"] if impact(consequence) == "LOW" else ["LB", "VUS", "VUS", "CON"])


def draw_filter(rng: random.Random, snv: bool) -> str:
    weights = {"PASS": 88, "LowQual": 5, ".": 1} | ({VQSR: 5, f"LowQual;{VQSR}": 1} if snv else {})
    return rng.choices(list(weights), list(weights.values()))[0]


def draw_site(rng: random.Random, passed: Passed) -> Site:
    chrom, pos = draw_place(rng)
    gene, (ref, alt) = gene_at(chrom, pos), draw_alleles(rng, chrom, pos)
    consequence = draw_consequence(rng, gene, ref, alt)
    common = impact(consequence) != "HIGH" and rng.random() < 0.55
    freq = 0.01 + 0.98 * rng.betavariate(0.6, 1.4) if common else 10 ** rng.uniform(-5, -2)
    people, phased = inherited(rng, chrom, freq, passed), gene is not None and gene.symbol == PHASED_GENE
    genotypes = [genotype(rng, people[name], phased) for name in SAMPLES]
    gnomad = f"{freq:.3g}" if common or rng.random() < 0.6 else "."
    rsid = f"rs{rng.randint(9_000_001_000, 9_999_999_999)}" if rng.random() < 0.3 + 0.55 * common else "."
    significance, filters = draw_significance(rng, consequence, freq), draw_filter(rng, len(ref) == len(alt))
    return Site(chrom, pos, ref, [alt], genotypes, [consequence], gnomad, rsid, significance, [], filters)


def background(rng: random.Random) -> Iterator[Site]:
    # Each parent passes on one haplotype of a contig whole, so phase holds along it.
    passed = {(c, child, p): rng.randrange(2) for c in CONTIGS for child in PARENTS for p in PARENTS[child]}
    taken = {(site.chrom, site.pos) for site in planted()}
    while len(taken) < RECORDS:
        site = draw_site(rng, passed)
        crowded = any((site.chrom, site.pos + step) in taken for step in range(-SPACING, SPACING + 1))
        left_aligned = site.ref[-1] != site.alts[0][-1]
        if left_aligned and not crowded and "1" in "".join(site.genotypes):
            taken.add((site.chrom, site.pos))
            yield site


def coding_hgvs(rng: random.Random, gene: Gene, site: Site, alt: str, consequence: str) -> str:
    ref, alt = (site.ref[1:], alt[1:]) if site.ref[0] == alt[0] else (site.ref, alt)
    if gene.strand == "-":
        ref, alt = (bases.translate(str.maketrans("ACGT", "TGCA"))[::-1] for bases in (ref, alt))
    base, offset = gene.coding_base(site.pos), rng.randint(*INTRONIC.get(consequence, (0, 0)))
    ends = sorted({0, len(ref) - 1 if ref else 1})
    span = "_".join(f"{base}{offset + end:+}" if offset else f"{base + end}" for end in ends)
    if len(ref) == len(alt) == 1:
        return f"c.{span}{ref}>{alt}"
    return f"c.{span}{'del' if ref else ''}{'ins' + alt if alt else ''}"


def protein_hgvs(rng: random.Random, gene: Gene, site: Site, alt: str, consequence: str) -> str:
    residue, size = (gene.coding_base(site.pos) + 2) // 3, abs(len(site.ref) - len(alt)) // 3
    first = RESIDUES[residue % len(RESIDUES)]  # the same for every ALT
    other, *added = rng.sample([name for name in RESIDUES if name != first], 1 + size)
    changes = {
        "missense_variant": other,
        "synonymous_variant": "%3D",  # VEP escapes "="
        "stop_gained": "Ter",
        "frameshift_variant": f"{other}fsTer{rng.randint(2, 40)}",
        "inframe_deletion": "del" if size == 1 else f"_{other}{residue + size - 1}del",
        "inframe_insertion": f"_{other}{residue + 1}ins{''.join(added)}",
    }
    return f"p.{first}{residue}{changes[consequence]}" if consequence in changes else ""


def hgvs(rng: random.Random, gene: Gene, site: Site, alt: str, consequence: str) -> list[str]:
    """HGVSc and HGVSp without the sequence they refer to."""
    if consequence == "upstream_gene_variant" or site.hgvs:
        return [*site.hgvs, "", ""][:2]
    return [coding_hgvs(rng, gene, site, alt, consequence), protein_hgvs(rng, gene, site, alt, consequence)]


def csq_entry(gene: Gene, allele: str, consequence: str, names: list[str], canonical: bool) -> str:
    number, version = (gene.transcript if canonical else f"99{gene.transcript}").split(".")
    coding, protein = (name and f"{number:0>11}.{version}:{name}" for name in names)
    return "|".join([
        allele, consequence, impact(consequence), gene.symbol, f"ENSG{gene.ensembl:0>11}", "Transcript",
        f"ENST{number:0>11}", "protein_coding", coding and f"ENST{coding}", protein and f"ENSP{protein}",
        "YES" if canonical else "",
    ])  # fmt: skip


def csq(rng: random.Random, site: Site, alt: str, consequences: str) -> str:
    anchored = all(other[0] == site.ref[0] for other in site.alts)
    allele, gene = (alt[1:] or "-") if anchored else alt, gene_at(site.chrom, site.pos)
    first, _, second = consequences.partition("/")
    if gene is None:
        return f"{allele}|{first}|MODIFIER||||||||"
    names = hgvs(rng, gene, site, alt, first)
    entry = csq_entry(gene, allele, first, names, canonical=True)
    second = second or [first, first, first, "intron_variant", "upstream_gene_variant"][site.pos % 5]
    if second != first:
        names = hgvs(rng, gene, site._replace(hgvs=[]), alt, second)
    return f"{entry},{csq_entry(gene, allele, second, names, canonical=False)}"


def likelihoods(counts: list[int], ploidy: int) -> dict[tuple[int, ...], int]:
    """PL by genotype, in VCF order, from the number of reads that show each allele."""
    alleles = range(len(counts))
    genotypes = [(a,) for a in alleles] if ploidy == 1 else [(i, j) for j in alleles for i in range(j + 1)]

    def score(genotype: tuple[int, ...]) -> float:
        chances = [sum(0.99 if a == g else 0.01 for g in genotype) / ploidy for a in alleles]
        return -10 * sum(n * math.log10(chance) for n, chance in zip(counts, chances, strict=True))

    best = min(map(score, genotypes))
    return {genotype: round(score(genotype) - best) for genotype in genotypes}


def sample_field(rng: random.Random, call: str, alleles: int) -> str:
    """GT:AD:DP:GQ:PL; the reads are drawn again until the genotype called is the likeliest."""
    called = re.split("[/|]", call)
    known = tuple(sorted(int(allele) for allele in called if allele != "."))
    depth = rng.randint(4, 9) if rng.random() < 0.04 else max(10, round(rng.gauss(17, 3.5) * len(called)))
    weights = [known.count(allele) + 0.004 for allele in range(alleles)]
    while True:
        reads = rng.choices(range(alleles), weights, k=depth if known else 0)
        counts = [reads.count(allele) for allele in range(alleles)]
        field, pl = f"{call}:{','.join(map(str, counts))}:{len(reads)}", likelihoods(counts, len(called))
        if len(known) < len(called):
            return f"{field}:.:."
        if pl[known] == 0:
            return f"{field}:{min(99, sorted(pl.values())[1])}:{','.join(map(str, pl.values()))}"


def clinvar(rng: random.Random, site: Site) -> list[str]:
    gene = gene_at(site.chrom, site.pos)
    if site.significance == "." or gene is None:
        return []
    condition = gene.condition + rng.choice(["", "|not_provided"])
    review = REVIEWS[site.significance == "CON"]
    return [f"CLNSIG={SIGNIFICANCE[site.significance]}", f"CLNREVSTAT={review}", f"CLNDN={condition}"]


def info(rng: random.Random, site: Site, depth: int) -> str:
    called = [allele for call in site.genotypes for allele in re.split("[/|]", call) if allele != "."]
    counts = [called.count(str(number + 1)) for number in range(len(site.alts))]
    frequencies = ",".join(f"{count / len(called):.6g}" for count in counts)
    fields = [f"AC={','.join(map(str, counts))}", f"AF={frequencies}", f"AN={len(called)}", f"DP={depth}"]
    fields += [f"gnomAD_AF={site.gnomad}"] if site.gnomad != "." else []
    entries = (csq(rng, site, *pair) for pair in zip(site.alts, site.consequences, strict=True))
    return ";".join([*fields, *clinvar(rng, site), f"CSQ={','.join(entries)}"])


def record(rng: random.Random, site: Site) -> str:
    samples = [sample_field(rng, call, 1 + len(site.alts)) for call in site.genotypes]
    depth = sum(int(sample.split(":")[2]) for sample in samples)
    qual = rng.uniform(5, 29) if "LowQual" in site.filter else min(30 + rng.lognormvariate(6.2, 0.9), 5000)
    return "\t".join([
        site.chrom, str(site.pos), site.rsid, site.ref, ",".join(site.alts), f"{qual:.2f}", site.filter,
        info(rng, site, depth), "GT:AD:DP:GQ:PL", *samples,
    ])  # fmt: skip


def vcf_text() -> str:
    rng, order = random.Random(SEED), list(CONTIGS)
    sites = sorted([*planted(), *background(rng)], key=lambda site: (order.index(site.chrom), site.pos))
    contigs = [f"##contig=<ID={name},length={CONTIGS[name][0]},assembly=GRCh38>" for name in order]
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *SAMPLES]
    return HEADER + "\n".join([*contigs, "\t".join(columns), *(record(rng, site) for site in sites), ""])


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "family.ped").write_text(PED.replace(" ", "\t"))
    target = str(folder / "cohort.vcf.gz")
    with tempfile.NamedTemporaryFile("w", suffix=".vcf") as plain:
        plain.write(vcf_text())
        plain.flush()
        pysam.tabix_compress(plain.name, target, force=True)
    pysam.tabix_index(target, preset="vcf", force=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "cohort")
