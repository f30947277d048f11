"""One table of questions, each asked of the tool and, in a line written by hand, of bcftools.

Three things hold for every line: the tool's value is that of bcftools; the evidence says it was proved; and the
command it prints gives the value again in a real shell, where there is a bcftools on the PATH.
"""

import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from make_vcf import bgzip, record, write_vcf
from reference import bcftools, count, genotype_class, lines, rows, tally

TARGETS = "--targets-overlap 1"
GT = "query -f '[%GT\\t]\\n'"
CALLS = "query -f '[%GT:%DP:%GQ\\t]\\n'"
SAMPLE_CALLS = "query -f '[%SAMPLE\\t%GT\\n]'"
KEYS = "query -f '%CHROM:%POS:%REF:%ALT\\n'"
ALLELES, TYPES = "query -f '%REF\\t%ALT\\n'", "query -f '%TYPE\\n'"
CONTIGS, PLACES = "query -f '%CHROM\\n'", "query -f '%CHROM\\t%POS\\n'"
FILTERS, SIGNIFICANCE = "query -f '%FILTER\\n'", "query -f '%INFO/CLNSIG\\n'"
VQSR = "VQSRTrancheSNP99.90to100.00"

FILES = {
    "gvcf": "gvcf/broadinstitute__gatk__NA12878.AS.chr20snippet.g.vcf",
    "somatic": "somatic/Zacharyr41__vcf-pg-loader__mutect2_chr22.vcf.gz",
    "sv": "sv/broadinstitute__gatk__HG00096.manta.vcf.gz",
    "breakends": "sv/Zacharyr41__vcf-pg-loader__gridss_sv.vcf",
    "snpeff": "snpeff_ann/Zacharyr41__vcf-pg-loader__test.chr22.ann.subset.vcf",
    "vep": "vep_csq/samtools__bcftools__split-vep.vcf",
    "bcsq": "bcsq/brentp__slivar__with-bcsq.vcf",
    "triploid": "ploidy_organism/sgkit-dev__bio2zarr__triploid.vcf.gz",
    "haploid": "trio/samtools__bcftools__mendelian.vcf",
    "norm": "ploidy_organism/samtools__bcftools__norm.vcf",
    "freebayes": "cohort/jamescasbon__PyVCF__freebayes.vcf",
    "partial": "trio/brentp__vcfanno__query.vcf.gz",
    "sites": "population/Zacharyr41__vcf-pg-loader__gnomad_subset.vcf.gz",
    "bcf": "cohort/biodatageeks__polars-bio__multisample_large.bcf",
}

TRICKY_SAMPLES = ["A", "B", "C"]
TRICKY = [
    record(100, "A", "C,G", id="rs1;rs2", qual=".", filter=".", info="DP=10;AF=0.1,0.5;LST=1,5;NOTE=a,b;DB",
           format="GT:DP:GQ", samples=["0/1:10:20", "1/2:.:99", "./1:30:."]),
    record(200, "AT", "A,ATT,<DEL>", qual=29.5, filter="q10;s50", info="DP=11;AF=0.2,.,0.01;LST=.;END=260;SVTYPE=DEL",
           format="GT:DP:GQ", samples=["0|1:11:50", "2:20:50", ".:5:5"]),
    record(250, "G", "*", qual=30, filter="q10", info="AF=0.5;FLS=0.1,0.2", format="GT:DP:GQ",
           samples=["0/0:1:1", "0/1:2:2", "1/1:3:3"]),
    record(300, "C", "<NON_REF>", qual=0, info="END=400;LST=7", format="GT:DP:GQ",
           samples=["0/0:40:60", "0:41:61", "0/0/1:9:9"]),
    record(350, "T", "T[chr2:77[", id="bnd1", qual=1e6, info="SVTYPE=BND;DP=0", format="GT:DP:GQ",
           samples=["0/1:19:20", "1|1:20:19", "1:20:20"]),
    record(400, "AC", "GT", id="rs10", info="ONE=it's;DP=2147483647", format="GT:DP:GQ",
           samples=["1/1:.:.", "./.:.:.", "0/0:20:20"]),
    record(400, "ACG", "A,G", info="NOTE=x;AC=3,.;RD=5,6,7;DB", format="GT", samples=["1/1", "1", "0"]),
    record(500, "G", ".", info="DP=3", format="GT", samples=["0/0", "./.", "0|."]),
    record(10, "N", "<INS>,<DUP:TANDEM>", chrom="chr2", filter="s50", info="END=10;SVTYPE=INS", format="GT",
           samples=["1/2", "0/2", "0/1/2/2"]),
    record(20, "a", "g", chrom="chr2", id="rs1", info="NOTE=a;MQ=60.5", format="GT", samples=["1/0", "0|1", "1|1"]),
]  # fmt: skip
"""Ten records that hold every kind of allele, ploidy, phase and missing value."""


class Case(NamedTuple):
    file: str
    tool: str
    arguments: dict[str, Any]
    line: str
    reduce: Callable[[str], Any]


def asking(file: str, tool: str, line: str, reduce: Callable[[str], Any], **arguments: Any) -> Case:
    return Case(file, tool, arguments, line, reduce)


def counting(file: str, line: str, reduce: Callable[[str], Any] = count, **arguments: Any) -> Case:
    return Case(file, "count_variants", arguments, line, reduce)


def where(field: str, op: str, value: object, absent: str = "drop") -> list[dict[str, Any]]:
    return [{"field": field, "op": op, "value": value, "absent": absent}]


def matching(meets: Callable[[list[str]], bool]) -> Callable[[str], int]:
    """The number of lines whose columns meet a condition."""
    return lambda text: sum(meets([c for c in row if c]) for row in rows(text))


def by_samples(file: str, classes: set[str], keep: Callable[[int], bool], *columns: int, **genotype: Any) -> Case:
    """The number of samples among `columns` (all where none is given) whose class is one of `classes` is as wanted."""

    def meets(calls: list[str]) -> bool:
        chosen = [calls[i] for i in columns] if columns else calls
        return keep(sum(genotype_class(gt) in classes for gt in chosen))

    return Case(file, "count_variants", {"genotypes": [genotype]}, GT, matching(meets))


def any_value(meets: Callable[[str], bool]) -> Callable[[str], int]:
    """The number of lines in which any of the comma-separated values meets a condition."""
    return matching(lambda row: any(map(meets, row[0].split(","))))


def any_allele(meets: Callable[[str, str], bool]) -> Callable[[str], int]:
    return matching(lambda row: any(meets(row[0], alt) for alt in row[1].split(",")))


def without(*filters: str) -> Callable[[str], int]:
    """The number of lines whose FILTER holds none of these."""
    return matching(lambda row: not set(row[0].split(";")) & set(filters))


def is_any(text: str) -> bool:
    return text != ""


def pairs(text: str) -> dict[str, str]:
    return dict(rows(text))


def alleles_of_type(kind: str) -> Callable[[str], int]:
    """The number of ALT alleles that bcftools calls of a type when each has a line to itself."""

    def number(text: str) -> int:
        split = [record(1, ref, alt) for ref, alts in rows(text) for alt in alts.split(",") if alt != "."]
        with tempfile.TemporaryDirectory() as folder:
            return count(bcftools(f"view -H -v {kind}", write_vcf(Path(folder, "split.vcf"), split)))

    return number


def ti_tv(text: str) -> float:
    transitions, transversions = re.findall(r"^TSTV\t0\t(\d+)\t(\d+)", text, re.MULTILINE)[0]
    return round(int(transitions) / int(transversions), 4)


def deep_and_sure(call: str) -> bool:
    _, depth, quality = call.split(":")
    return "." not in (depth, quality) and int(depth) >= 20 and int(quality) >= 30


def deep_het(call: str) -> bool:
    gt, depth, _ = call.split(":")
    return genotype_class(gt) == "het" and depth != "." and int(depth) >= 30


def unsure(call: str) -> bool:
    quality = call.split(":")[2]
    return quality != "." and int(quality) < 30


UNSURE = {"where": [{"field": "GQ", "op": "<", "value": 30}]}
DEEP_AND_SURE = {"where": [{"field": "DP", "op": ">=", "value": 20}, {"field": "GQ", "op": ">=", "value": 30}]}
DEEP_HET = {"genotype": "het", "where": [{"field": "DP", "op": ">=", "value": 30}]}
OVER_29 = {"genotype": "het", "where": [{"field": "DP", "op": ">", "value": 29.5}]}


def types(text: str) -> dict[str, int]:
    return dict(Counter(kind.lower() for line in lines(text) for kind in line.split(",")))


def by_window(size: int) -> Callable[[str], dict[str, int]]:
    return lambda text: dict(Counter(f"{c}:{int(p) // size * size}" for c, p in rows(text)))


def stats_numbers(text: str) -> dict[str, int]:
    """The summary of `bcftools stats` under the tool's names."""
    names = {"records": "records", "SNPs": "snps", "indels": "indels", "MNPs": "mnps", "others": "others",
             "no-ALTs": "no_alt", "multiallelic sites": "multiallelic"}  # fmt: skip
    found = dict(re.findall(r"^SN\t0\tnumber of (.*):\t(\d+)$", text, re.MULTILINE))
    return {name: int(found[key]) for key, name in names.items()}


def classes_by_sample(text: str) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for sample, gt in rows(text):
        found.setdefault(sample, Counter())[genotype_class(gt)] += 1
    return {sample: dict(counts) for sample, counts in found.items()}


def carried(text: str) -> dict[str, int]:
    return {s: sum(n for k, n in c.items() if k in CARRIER) for s, c in classes_by_sample(text).items()}


HET, MISSING, REFERENCE = {"het"}, {"missing", "partly_missing"}, {"hom_ref", "hemizygous_ref"}
CARRIER = {"het", "hom_alt", "hemizygous_alt"}
ONE_KIND = {"hom_alt", "hemizygous_alt"}


def cohort_cases() -> list[Case]:
    count_in = partial(counting, "cohort")
    genotypes_in = partial(by_samples, "cohort")
    ask = partial(asking, "cohort")
    deletion_of_80 = "chr13:32336300-32336304"
    return [
        count_in("view -H"),
        count_in("view -H -v snps", types=["snp"]),
        count_in("view -H -v snps,mnps", types=["snp", "mnp"]),
        count_in("view -H -V snps", not_types=["snp"]),
        count_in("view -H -V snps,indels", not_types=["snp", "indel"]),
        count_in(ALLELES, any_allele(lambda ref, alt: len(alt) > len(ref)), types=["insertion"]),
        count_in(ALLELES, any_allele(lambda ref, alt: len(alt) < len(ref)), types=["deletion"]),
        count_in("view -H -m 3", multiallelic=True),
        count_in("view -H -M 2", multiallelic=False),
        count_in("norm -m -any >> view -H", scope="allele"),
        count_in("norm -m -any >> view -H -v snps", scope="allele", types=["snp"]),
        count_in("norm -m -any >> view -H -v indels -i 'INFO/AF<0.3'", scope="allele", types=["indel"],
                 where=where("AF", "<", 0.3)),
        count_in("view -H -v snps -f PASS -r chr7", types=["snp"], filters=["PASS"], regions=["chr7"]),
        # regions: any overlap of REF counts, and a contig goes by either name
        count_in(f"view -H -r {deletion_of_80}", regions=[deletion_of_80]),
        count_in("view -H -r chr13:32336225", regions=["chr13:32336225"]),
        count_in("view -H -r chr17:7000000-8000000", regions=["17:7,000,000-8,000,000"]),
        count_in("view -H -r chrX", regions=["X"]),
        count_in("view -H -r chr1:1-50000000,chr17", regions=["chr1:1-50000000", "chr17"]),
        count_in(f"view -H -t ^{deletion_of_80} {TARGETS}", not_regions=[deletion_of_80]),
        count_in(f"view -H -t ^chr1,chr2:1-170000000 {TARGETS}", not_regions=["1", "chr2:1-170000000"]),
        count_in("view -H -r chr7:1-10", regions=["chr7:1-10"]),
        # FILTER
        count_in("view -H -f PASS", filters=["PASS"]),
        count_in("view -H -f .", filters=["."]),
        count_in("view -H -f PASS,.", filters=["PASS", "."]),
        count_in(f"view -H -f {VQSR}", filters=[VQSR]),
        count_in(f"view -H -f LowQual,{VQSR}", filters=["LowQual", VQSR]),
        count_in(FILTERS, without("PASS"), not_filters=["PASS"]),
        count_in(FILTERS, without("."), not_filters=["."]),
        count_in(FILTERS, without("PASS", "."), not_filters=["PASS", "."]),
        count_in(FILTERS, without("LowQual"), not_filters=["LowQual"]),
        # values of the record
        count_in("view -H -i 'QUAL>1000.5'", where=where("QUAL", ">", 1000.5)),
        count_in("view -H -i 'QUAL<30'", where=where("QUAL", "<", 30)),
        count_in("view -H -i 'INFO/DP>=100.5'", where=where("DP", ">=", 100.5)),
        count_in("view -H -i 'INFO/DP<100.5'", where=where("INFO/DP", "<", 100.5)),
        count_in("view -H -i 'INFO/DP<=150'", where=where("INFO/DP", "<=", 150)),
        count_in("view -H -i 'INFO/DP=150'", where=where("INFO/DP", "=", 150)),
        count_in("view -H -i 'INFO/DP=150.5'", where=where("INFO/DP", "=", 150.5)),
        count_in("view -H -i 'INFO/DP!=150'", where=where("INFO/DP", "!=", 150)),
        count_in("view -H -i 'INFO/DP!=150.5'", where=where("INFO/DP", "!=", 150.5)),
        count_in("view -H -i 'INFO/gnomAD_AF<0.01'", where=where("gnomAD_AF", "<", 0.01)),
        count_in("query -f '%INFO/gnomAD_AF\\n'", any_value(lambda v: v == "." or float(v) < 0.01),
                 where=where("gnomAD_AF", "<", 0.01, "keep")),
        count_in("view -H -i 'INFO/AF>0.5'", where=where("AF", ">", 0.5)),
        count_in("view -H -i 'INFO/AC>=3'", where=where("AC", ">=", 2.5)),
        count_in("view -H -i 'INFO/AF>0.2 && INFO/AF<0.3'", where=where("AF", ">", 0.2) + where("AF", "<", 0.3)),
        count_in("view -H -i 'INFO/CLNSIG=\"Pathogenic\"'", where=where("CLNSIG", "=", "Pathogenic")),
        count_in(SIGNIFICANCE, any_value(lambda v: v not in (".", "Benign")), where=where("CLNSIG", "!=", "Benign")),
        count_in(SIGNIFICANCE, any_value(lambda v: v != "Benign"), where=where("CLNSIG", "!=", "Benign", "keep")),
        count_in(SIGNIFICANCE, any_value(lambda v: v in ("Pathogenic", "Likely_pathogenic")),
                 significance=["Pathogenic", "Likely_pathogenic"]),
        count_in("view -H -i 'ID=\"rs80357914\"'", ids=["rs80357914"]),
        count_in("view -H -i 'ID=\"rs80357914\" || ID=\"rs334\"'", ids=["rs80357914", "rs334"]),
        count_in("view -H -i 'ID=\"rs80357914\"'", is_any, ids=["rs80357914"], question="is_there"),
        count_in("view -H -i 'ID=\"rs334\"'", is_any, ids=["rs334"], question="is_there"),
        # genotypes
        genotypes_in(HET, lambda n: n > 0, genotype="het", how_many="any"),
        genotypes_in(HET, lambda n: n == 6, genotype="het"),
        genotypes_in(HET, lambda n: n == 0, genotype="het", how_many="none"),
        genotypes_in(CARRIER, lambda n: n >= 3, genotype="carrier", how_many="at_least", n=3),
        genotypes_in(CARRIER, lambda n: n <= 1, genotype="carrier", how_many="at_most", n=1),
        genotypes_in(CARRIER, lambda n: n == 1, genotype="carrier", how_many="exactly", n=1),
        genotypes_in(MISSING, lambda n: n > 0, genotype="missing", how_many="any"),
        genotypes_in(MISSING, lambda n: n == 0, genotype="called"),
        genotypes_in({"hemizygous_alt"}, lambda n: n > 0, genotype="hemizygous_alt", how_many="any"),
        genotypes_in(ONE_KIND, lambda n: n == 1, genotype="hom_or_hemizygous_alt", how_many="exactly", n=1),
        genotypes_in({"hom_alt"}, lambda n: n == 1, 2, genotype="hom_alt", samples=["DEV"]),
        genotypes_in({"hom_alt"}, lambda n: n == 2, 2, 3, genotype="hom_alt", samples=["DEV", "LILA"]),
        genotypes_in(REFERENCE, lambda n: n == 1, 0, genotype="reference", samples=["ARUN"]),
        genotypes_in(MISSING, lambda n: n == 1, 0, genotype="missing", samples=["ARUN"]),
        genotypes_in(CARRIER, lambda n: n == 0, 0, 1, 3, 4, 5, genotype="carrier", how_many="none",
                     except_samples=["DEV"]),
        genotypes_in(HET, lambda n: n >= 2, 2, 3, 4, 5, genotype="het", how_many="at_least", n=2,
                     except_samples=["ARUN", "MIRA"]),
        count_in(GT, matching(lambda calls: [i for i, c in enumerate(calls) if genotype_class(c) in CARRIER] == [4]),
                 genotypes=[{"genotype": "carrier", "samples": ["OTTO"]},
                            {"genotype": "carrier", "how_many": "none", "except_samples": ["OTTO"]}]),
        count_in(GT, matching(lambda calls: [genotype_class(c) for c in calls[:3]] == ["hom_ref", "hom_ref", "het"]),
                 genotypes=[{"genotype": "het", "samples": ["DEV"]},
                            {"genotype": "hom_ref", "samples": ["ARUN", "MIRA"]}]),
        # depth and quality belong to one and the same sample
        count_in(CALLS, matching(lambda calls: any(map(deep_and_sure, calls))),
                 genotypes=[DEEP_AND_SURE | {"how_many": "any"}]),
        count_in(CALLS, matching(lambda calls: all(map(deep_and_sure, calls))), genotypes=[DEEP_AND_SURE]),
        count_in(CALLS, matching(lambda calls: any(map(deep_het, calls))), genotypes=[DEEP_HET | {"how_many": "any"}]),
        count_in(CALLS, matching(lambda calls: any(map(deep_het, calls))), genotypes=[OVER_29 | {"how_many": "any"}]),
        count_in(CALLS, matching(lambda calls: deep_het(calls[1])), genotypes=[DEEP_HET | {"samples": ["MIRA"]}]),
        count_in(CALLS, matching(lambda calls: deep_het(calls[1])), genotypes=[OVER_29 | {"samples": ["MIRA"]}]),
        count_in(f"{CALLS} -i 'TYPE~\"snp\"' -r chr17", matching(lambda calls: sum(map(deep_het, calls)) >= 2),
                 genotypes=[DEEP_HET | {"how_many": "at_least", "n": 2}], types=["snp"], regions=["chr17"]),
        # a missing quality is not a low one
        count_in(CALLS, matching(lambda calls: any(map(unsure, calls))), genotypes=[UNSURE | {"how_many": "any"}]),
        count_in(CALLS, matching(lambda calls: unsure(calls[0])), genotypes=[UNSURE | {"samples": ["ARUN"]}]),
        count_in(CALLS, matching(lambda calls: not any(map(unsure, calls))), genotypes=[UNSURE | {"how_many": "none"}]),
        # lists and groups
        ask("list_variants", f"{KEYS} -i 'TYPE=\"mnp\"'", lines, types=["mnp"]),
        ask("list_variants", f"{KEYS} -i 'FILTER~\"{VQSR}\"' -r chr2", lines, filters=[VQSR], regions=["chr2"]),
        ask("list_variants", f"{KEYS} -i 'FILTER=\"PASS\" && QUAL>3000'", lines, filters=["PASS"],
            where=where("QUAL", ">", 3000)),
        ask("list_variants", f"{KEYS} -i 'FILTER~\"LowQual\" || FILTER=\".\"'", lines, filters=["LowQual", "."],
            limit=5),
        ask("list_variants", f"{KEYS} -i 'INFO/CLNSIG=\"Pathogenic\"'", lines, significance=["Pathogenic"]),
        ask("list_variants", f"{KEYS} -i 'ID=\"rs334\"'", lines, ids=["rs334"]),
        ask("group_variants", f"{CONTIGS} -i 'TYPE~\"indel\"'", tally, by="contig", types=["indel"]),
        ask("group_variants", f"{CONTIGS} -i 'FILTER=\"PASS\"'", tally, by="contig", filters=["PASS"]),
        ask("group_variants", CONTIGS, lambda text: dict(Counter(lines(text)).most_common(2)), by="contig", top=2),
        ask("group_variants", FILTERS, tally, by="filter"),
        ask("group_variants", TYPES, types, by="type"),
        ask("group_variants", SIGNIFICANCE, lambda text: {k: n for k, n in tally(text).items() if k != "."},
            by="significance"),
        ask("group_variants", SAMPLE_CALLS, carried, by="sample"),
        ask("group_variants", f"{SAMPLE_CALLS} -i 'TYPE~\"indel\" && FILTER=\"PASS\"'", carried, by="sample",
            types=["indel"], filters=["PASS"]),
        ask("group_variants", f"{PLACES} -r chr17", by_window(1_000_000), by="window", regions=["chr17"]),
        ask("group_variants", PLACES, by_window(7), by="window", window=7),
        # one place
        ask("genotypes_at", f"{SAMPLE_CALLS} -r chr7:55160230", pairs, position="chr7:55160230"),
        ask("genotypes_at", f"{SAMPLE_CALLS} -s DEV,OTTO -i 'ID=\"rs9000000009\"'", pairs, id="rs9000000009",
            samples=["DEV", "OTTO"]),
        ask("genotypes_at", f"{SAMPLE_CALLS} -i 'ID=\"rs9000000005\"'",
            lambda text: [sample for sample, gt in rows(text) if "1" in gt], id="rs9000000005", show="carriers"),
        ask("genotypes_at", f"{SAMPLE_CALLS} -r chr13:32336302", pairs, position="13:32336302"),
        ask("genotypes_at", f"{SAMPLE_CALLS} -r chr7:5", pairs, position="chr7:5"),
        # whole file
        ask("distinct_values", SIGNIFICANCE, tally, field="CLNSIG"),
        ask("distinct_values", FILTERS, tally, field="FILTER"),
        ask("distinct_values", CONTIGS, tally, field="chrom"),
        ask("distinct_values", "query -f '%INFO/DP\\n'", tally, field="INFO/DP", limit=1000),
        ask("distinct_values", "norm -m -any >> query -f '%INFO/AC\\n'", tally, field="INFO/AC"),
        ask("describe_file", "view -h", lambda text: lines(text)[-1].split("\t")[9:], about="samples"),
        ask("describe_file", CONTIGS, tally, about="contigs"),
        ask("site_statistics", "view -H -v snps", count, measure="snps"),
        ask("site_statistics", "view -H -v mnps", count, measure="mnps"),
        ask("site_statistics", "view -H -m 3", count, measure="multiallelic"),
        ask("site_statistics", "stats", ti_tv, measure="ti_tv"),
        ask("site_statistics", "stats",
            lambda text: {k: int(n) for k, n in re.findall(r"^ST\t0\t(\S+)\t(\d+)", text, re.MULTILINE)},
            measure="substitutions"),
    ]  # fmt: skip


def general_cases(file: str, region: str) -> list[Case]:
    """What is asked of every file. `region` is CONTIG:START-END, with an overlap from outside where there is one."""
    contig = region.partition(":")[0]
    other = contig.removeprefix("chr") if contig.startswith("chr") else f"chr{contig}"
    count_in, ask = partial(counting, file), partial(asking, file)
    return [
        count_in("view -H -v snps", types=["snp"]),
        count_in("view -H -v indels", types=["indel"]),
        count_in(ALLELES, alleles_of_type("indels"), scope="allele", types=["indel"]),
        count_in("view -H -f PASS", filters=["PASS"]),
        count_in(FILTERS, without("PASS"), not_filters=["PASS"]),
        count_in(f"view -H -t {region} {TARGETS}", regions=[region]),
        count_in(f"view -H -t ^{region} {TARGETS}", not_regions=[region.replace(contig, other, 1)]),
        count_in("view -H -i 'QUAL<500 || QUAL=\".\"'", where=where("QUAL", "<", 500, "keep")),
        ask("list_variants", f"{KEYS} -i 'TYPE~\"snp\"' -t {region} {TARGETS}", lines, types=["snp"], regions=[region]),
        ask("group_variants", TYPES, types, by="type"),
    ]  # fmt: skip


def genotype_cases(file: str) -> list[Case]:
    return [
        by_samples(file, HET, lambda n: n > 0, genotype="het", how_many="any"),
        by_samples(file, MISSING, lambda n: n > 0, genotype="missing", how_many="any"),
        by_samples(file, CARRIER, lambda n: n == 0, genotype="carrier", how_many="none"),
        by_samples(file, {"hemizygous_alt"}, lambda n: n >= 1, genotype="hemizygous_alt", how_many="at_least", n=1),
        asking(file, "group_variants", SAMPLE_CALLS, carried, by="sample"),
    ]


REGIONS = {
    "gvcf": "20:10433053-10433056", "somatic": "chr22:17619294-18089591", "sv": "chr20:1600000-1766000",
    "breakends": "chr1:600000-800000", "snpeff": "22:17072035-17072674", "norm": "20:4-5",
    "freebayes": "chr22:42522446-42522500", "sites": "chr22:12-67", "bcf": "chr12:66900-67000",
    "tricky": "chr1:201-300",
}  # fmt: skip
WITH_GENOTYPES = ["triploid", "haploid", "norm", "freebayes", "partial", "tricky"]


def special_cases() -> list[Case]:
    """What only some file has."""
    return [
        counting("breakends", "view -H -v bnd", types=["bnd"]),
        counting("breakends", "view -H -V bnd", not_types=["bnd"]),
        counting("sv", ALLELES, any_allele(lambda _, alt: alt.startswith("<DEL")), types=["deletion"]),
        counting("sv", ALLELES, any_allele(lambda _, alt: alt.startswith("<INS")), types=["insertion"]),
        counting("sv", ALLELES, any_allele(lambda _, alt: alt.startswith("<")), types=["symbolic"]),
        counting("sv", "view -H -i 'INFO/SVLEN>1000.5'", where=where("SVLEN", ">", 1000.5)),
        counting("sv", "view -H -i 'INFO/SVTYPE=\"DEL\"'", where=where("SVTYPE", "=", "DEL")),
        asking("sv", "distinct_values", "query -f '%INFO/SVTYPE\\n'", tally, field="SVTYPE"),
        counting("gvcf", "view -H -i 'INFO/MLEAC>=1'", where=where("MLEAC", ">=", 1)),
        counting("gvcf", "view -H -i 'INFO/DP<20 || INFO/DP=\".\"'", where=where("DP", "<", 20, "keep")),
        counting("somatic", "view -H -f weak_evidence", filters=["weak_evidence"]),
        counting("somatic", "view -H -f contamination,slippage", filters=["contamination", "slippage"]),
        counting("somatic", FILTERS, without("contamination"), not_filters=["contamination"]),
        counting("somatic", "view -H -i 'INFO/MBQ>=30.5'", where=where("MBQ", ">=", 30.5)),
        counting("somatic", "view -H -i 'INFO/POPAF<6'", where=where("POPAF", "<", 6)),
        counting("somatic", "view -H -i 'INFO/NALOD!=1'", where=where("NALOD", "!=", 1)),
        counting("sites", "view -H -i 'INFO/AF<0.0001'", where=where("AF", "<", 0.0001)),
        counting("sites", "view -H -i 'INFO/AC=1'", where=where("AC", "=", 1)),
        counting("sites", "view -H -v snps -i 'INFO/AC=0' -f PASS", types=["snp"], where=where("AC", "=", 0),
                 filters=["PASS"]),
        counting("freebayes", "view -H -i 'INFO/AC>=7 && TYPE~\"snp\"'", types=["snp"], where=where("AC", ">=", 7)),
        counting("freebayes", "query -f '%INFO/AO\\n'",
                 lambda text: sum(int(n) > 100 for line in lines(text) for n in line.split(",")),
                 scope="allele", where=where("AO", ">", 100)),
        counting("freebayes", "view -H -i 'INFO/CIGAR=\"1X\"'", where=where("CIGAR", "=", "1X")),
        counting("norm", "view -H -v mnps", types=["mnp"]),
        counting("norm", "view -H -i 'INFO/XRI>=1'", where=where("XRI", ">=", 0.5)),
        counting("norm", "view -H -i 'INFO/XAS=\"AA\"'", where=where("XAS", "=", "AA")),
        counting("bcf", "view -H -i 'INFO/AC>100'", where=where("AC", ">", 100)),
        counting("bcf", "view -H -i 'N_PASS(GT=\"het\")>=100'",
                 genotypes=[{"genotype": "het", "how_many": "at_least", "n": 100}]),
        # the tricky records
        counting("tricky", "view -H -v mnps", types=["mnp"]),
        counting("tricky", "view -H -v other", types=["other"]),
        counting("tricky", "view -H -V snps", not_types=["snp"]),
        counting("tricky", "view -H -V indels,other", not_types=["indel", "other"]),
        asking("tricky", "group_variants", f"{PLACES} -i 'FILTER=\"PASS\"'", by_window(50), by="window", window=50,
               filters=["PASS"]),
        counting("tricky", "view -H -m 3", multiallelic=True),
        counting("tricky", "view -H -v bnd", types=["bnd"]),
        counting("tricky", KEYS, lambda _: 2, types=["insertion"]),
        counting("tricky", KEYS, lambda _: 2, types=["deletion"]),
        counting("tricky", KEYS, lambda _: 2, types=["symbolic"]),
        counting("tricky", KEYS, lambda _: 3, types=["symbolic"], scope="allele"),
        counting("tricky", KEYS, lambda _: 14, scope="allele"),
        counting("tricky", KEYS, lambda _: 1, ids=["rs2"]),
        counting("tricky", KEYS, lambda _: 2, ids=["rs1"]),
        counting("tricky", "view -H -f q10", filters=["q10"]),
        counting("tricky", "view -H -f .", filters=["."]),
        counting("tricky", FILTERS, without("q10"), not_filters=["q10"]),
        counting("tricky", "view -H -i 'INFO/LST>4.5'", where=where("LST", ">", 4.5)),
        counting("tricky", "view -H -i 'INFO/LST=5'", where=where("LST", "=", 5)),
        counting("tricky", "query -f '%INFO/LST\\n'", any_value(lambda v: v != "." and int(v) < 2),
                 where=where("LST", "<", 2)),
        counting("tricky", "query -f '%INFO/LST\\n'", any_value(lambda v: v == "." or int(v) < 2),
                 where=where("LST", "<", 2, "keep")),
        counting("tricky", "query -f '%INFO/AC\\n'", any_value(lambda v: v != "." and int(v) < 2),
                 where=where("AC", "<", 2)),
        counting("tricky", "query -f '%INFO/AF\\n'", any_value(lambda v: v != "." and float(v) != 0.5),
                 where=where("AF", "!=", 0.5)),
        counting("tricky", "query -f '%INFO/ONE\\n'", any_value(lambda v: v not in (".", "x")),
                 where=where("ONE", "!=", "x")),
        counting("tricky", "view -H -i 'INFO/FLS>0.15'", where=where("FLS", ">", 0.15)),
        counting("tricky", "view -H -i 'INFO/RD>5.5'", where=where("RD", ">", 5.5)),
        counting("tricky", "view -H -i 'INFO/AF=0.5'", where=where("AF", "=", 0.5)),
        counting("tricky", "view -H -i 'INFO/MQ=60.5'", where=where("MQ", "=", 60.5)),
        counting("tricky", "view -H -i 'INFO/NOTE=\"b\"'", where=where("NOTE", "=", "b")),
        counting("tricky", "view -H -i 'INFO/DP>=2147483647'", where=where("DP", ">=", 2147483647)),
        counting("tricky", "view -H -i 'INFO/DP<0'", where=where("DP", "<", -1e30)),
        counting("tricky", KEYS, lambda _: 1, where=where("ONE", "=", "it's")),
        counting("tricky", "view -H -i 'QUAL<=29.5'", where=where("QUAL", "<=", 29.5)),
        counting("tricky", f"view -H -t chr1:260 {TARGETS}", regions=["chr1:260"]),
        counting("tricky", f"view -H -t chr1:390-400 {TARGETS}", regions=["chr1:390-400"]),
        asking("tricky", "distinct_values", "query -f '%INFO/NOTE\\n'", tally, field="NOTE"),
        asking("tricky", "distinct_values", "query -f '%INFO/LST\\n'", tally, field="LST"),
        asking("tricky", "distinct_values", "query -f '%INFO/DB\\n'", tally, field="DB"),
        asking("tricky", "distinct_values", "query -f '%ID\\n'", tally, field="ID"),
        asking("tricky", "genotypes_at", f"{SAMPLE_CALLS} -t chr2:10", pairs, position="chr2:10"),
        asking("tricky", "genotypes_at",
               f"query -s C -t chr1:400 {TARGETS} -f '[%CHROM:%POS:%REF:%ALT\\t%SAMPLE\\t%GT\\n]'",
               lambda text: {key: {sample: gt} for key, sample, gt in rows(text)}, position="chr1:400", samples=["C"]),
        asking("tricky", "genotypes_at", KEYS, lambda _: {"het": ["A", "B"], "partly_missing": ["C"]}, id="rs2",
               show="by_class"),
    ]  # fmt: skip


CASES = [
    *cohort_cases(),
    *(case for file, region in REGIONS.items() for case in general_cases(file, region)),
    *(case for file in WITH_GENOTYPES for case in genotype_cases(file)),
    *special_cases(),
]


def case_id(case: Case) -> str:
    shown = ",".join(f"{k}={v}" for k, v in case.arguments.items())
    return re.sub(r"[^\w.,=:<>!+-]", "", f"{case.file}-{case.tool}-{shown}")[:110]


@pytest.fixture(scope="session")
def tricky(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tricky")
    return write_vcf(folder / "tricky.vcf", TRICKY, TRICKY_SAMPLES)


@pytest.fixture(scope="session")
def path_of(example, tricky, request):
    def path(file):
        if file in ("cohort", "tricky"):
            return example if file == "cohort" else tricky
        return request.getfixturevalue("data_folder") / "annotated" / FILES[file]

    return path


@pytest.fixture(scope="session")
def answer(run, library, path_of):
    """The tool's result, and the context it was asked in; each question is asked once."""

    @cache
    def ask(number):
        case = CASES[number]
        context = library(path_of(case.file))
        return run(context, case.tool, **case.arguments), context

    return ask


each_case = pytest.mark.parametrize("number", range(len(CASES)), ids=map(case_id, CASES))


@each_case
def test_value_is_that_of_bcftools(answer, path_of, number):
    case = CASES[number]
    assert answer(number)[0].value == case.reduce(bcftools(case.line, path_of(case.file)))


@each_case
def test_what_has_a_command_is_proved(answer, number):
    for evidence in answer(number)[0].evidence:
        if evidence.command:
            assert evidence.verified is True, evidence
        else:
            assert evidence.verified is None
            assert evidence.note


def tally_of_uniq(text: str) -> dict[str, int]:
    return {value: int(n) for n, value in re.findall(r"^ *(\d+) (.*)$", text, re.MULTILINE)}


def nested(text: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for key, sample, gt in rows(text):
        found.setdefault(key, {})[sample] = gt
    return found


READ_SHELL: dict[str, Callable[[str], Any]] = {
    "count_variants": int,
    "list_variants": lines,
    "group_variants": tally_of_uniq,
    "distinct_values": tally_of_uniq,
    "genotypes_at": nested,
}


def as_the_shell_gives_it(case: Case, value: Any, text: str) -> tuple[Any, Any]:
    """The tool's value and the shell's output in the same form."""
    said = READ_SHELL.get(case.tool, str)(text)
    if case.arguments.get("question") == "is_there":
        return value, said > 0
    if case.arguments.get("by") == "significance":
        said.pop(".", None)
    if case.arguments.get("by") == "sample":
        value = {sample: n for sample, n in value.items() if n}
    if case.arguments.get("by") == "type":
        said = {kind.lower(): n for kind, n in said.items()}
    if case.arguments.get("top"):
        said = {k: n for k, n in said.items() if k in value}
    if case.tool == "genotypes_at" and case.arguments.get("show", "genotypes") != "genotypes":
        return set(said), set(said)  # the shell shows the genotypes that the value was made from
    if case.tool == "genotypes_at" and len(said) <= 1:
        said = next(iter(said.values()), {})
    if case.tool == "describe_file":
        said = tally_of_uniq(text) if case.arguments["about"] == "contigs" else text.strip().split("\t")
    if case.tool == "site_statistics":
        return site_statistics(case, value, text)
    return value, said


def site_statistics(case: Case, value: Any, text: str) -> tuple[Any, Any]:
    if case.arguments["measure"] == "ti_tv":
        transitions, transversions, _ = text.split()
        return value, round(int(transitions) / int(transversions), 4)
    if case.arguments["measure"] == "substitutions":
        return value, {k: int(n) for k, n in rows(text)}
    return value, int(text)


@pytest.fixture(scope="session")
def shell_version():
    if shutil.which("bcftools") is None:
        pytest.skip("no bcftools on the PATH to run the commands with")
    first = subprocess.run(["bcftools", "--version-only"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, re.findall(r"\d+", first)[:2]))


def answered_alike(case: Case, version: tuple[int, ...]) -> bool:
    """Whether a bcftools of that version answers the case as the bundled one does."""
    breakends = case.file == "breakends" and ("type" in str(case.arguments))  # 1.16 calls some of them indels
    several_ids = case.file == "tricky" and "ids" in case.arguments  # 1.16 compares the ID column as a whole
    return version >= (1, 20) or not (breakends or several_ids)


@each_case
def test_the_printed_command_gives_the_value_in_a_shell(answer, shell_version, number):
    case = CASES[number]
    if not answered_alike(case, shell_version):
        pytest.skip(f"bcftools {shell_version} on the PATH is known to answer this one differently")
    result, context = answer(number)
    for evidence in result.evidence:
        if evidence.command:
            done = subprocess.run(["bash", "-o", "pipefail", "-c", evidence.command], cwd=context.folder, text=True,
                                  capture_output=True)  # fmt: skip
            assert done.returncode == 0, done.stderr
            value, said = as_the_shell_gives_it(case, result.value, done.stdout)
            assert value == said, evidence.command


@pytest.mark.parametrize("file", ["cohort", "tricky", *FILES])
def test_site_statistics(run, library, path_of, file):
    path = path_of(file)
    result = run(library(path), "site_statistics")
    expected = stats_numbers(bcftools("stats", path))
    assert {k: result.value[k] for k in expected} == expected
    assert [e.verified for e in result.evidence] == [True]


@pytest.mark.parametrize("file", ["cohort", "gvcf", "somatic", "sv", "bcsq", *WITH_GENOTYPES])
def test_sample_statistics(run, library, path_of, file):
    path = path_of(file)
    result = run(library(path), "sample_statistics")
    found = {s: {k: n for k, n in counts.items() if k in EVERY_CLASS and n} for s, counts in result.value.items()}
    expected = classes_by_sample(bcftools("query -f '[%SAMPLE\\t%GT\\n]'", path))
    for counts in expected.values():  # as the tool's measure defines it
        missing = counts.get("missing", 0) + counts.get("partly_missing", 0)
        counts |= {"missing": missing} if missing else {}
    assert found == expected
    assert [e.verified for e in result.evidence] == [True]


EVERY_CLASS = {"het", "hom_alt", "hom_ref", "hemizygous_alt", "hemizygous_ref", "missing", "partly_missing"}


@pytest.mark.parametrize("file", ["cohort", "tricky", "freebayes", "haploid", "partial"])
def test_sample_measures(run, library, path_of, file):
    path = path_of(file)
    samples, context = samples_of(path), library(path)
    calls = [[c for c in row if c] for row in rows(bcftools(GT, path))]

    def measured(name, **arguments):
        result = run(context, "sample_statistics", measure=name, **arguments)
        assert all(e.verified is True for e in result.evidence if e.command), result.evidence
        return result.value

    missing = {s: round(sum("." in row[i] for row in calls) / len(calls), 6) for i, s in enumerate(samples)}
    assert measured("missing_fraction") == missing
    first = [genotype_class(row[0]) for row in calls]
    assert measured("het", samples=samples[:1]) == first.count("het")
    assert measured("carried", samples=samples[:1]) == sum(kind in CARRIER for kind in first)
    alone = re.findall(r"^PSC\t0\t(.*?)\t.*?\t(\d+)(?:\t\d+){3}$", bcftools("stats -s -", path), re.MULTILINE)
    assert measured("singletons") == {sample: int(n) for sample, n in alone}
    depths = (
        [[c for c in row if c] for row in rows(bcftools("query -f '[%DP\\t]\\n'", path))] if has_depth(path) else []
    )
    known = {s: [int(row[i]) for row in depths if row[i] != "."] for i, s in enumerate(samples)}
    assert measured("mean_depth") == {s: round(sum(d) / len(d), 2) if d else None for s, d in known.items()}


def samples_of(path):
    return lines(bcftools("view -h", path))[-1].split("\t")[9:]


def has_depth(path):
    return "##FORMAT=<ID=DP," in bcftools("view -h", path)


CLASSES = {
    "het": HET, "hom_alt": {"hom_alt"}, "hom_ref": {"hom_ref"}, "hemizygous_alt": {"hemizygous_alt"},
    "hom_or_hemizygous_alt": ONE_KIND, "carrier": CARRIER, "reference": {"hom_ref", "hemizygous_ref"},
    "missing": MISSING, "called": EVERY_CLASS - MISSING,
}  # fmt: skip
QUANTITIES = {
    "all": lambda n, of: n == of, "any": lambda n, of: n > 0, "none": lambda n, of: n == 0,
    "at_least": lambda n, of: n >= 2, "at_most": lambda n, of: n <= 2, "exactly": lambda n, of: n == 2,
}  # fmt: skip


@pytest.mark.parametrize("genotype", CLASSES)
@pytest.mark.parametrize("file", ["cohort", "tricky", "haploid"])
def test_every_genotype_in_every_number_of_samples(run, library, path_of, file, genotype):
    path = path_of(file)
    samples = samples_of(path)
    calls = [[genotype_class(c) for c in row if c] for row in rows(bcftools(GT, path))]
    for named in ([], samples[1:3]):
        columns = [samples.index(s) for s in named or samples]
        for how_many, keep in QUANTITIES.items():
            condition = {"genotype": genotype, "how_many": how_many, "samples": named}
            condition |= {"n": 2} if how_many in ("at_least", "at_most", "exactly") else {}
            found = run(library(path), "count_variants", prove=False, genotypes=[condition]).value
            expected = sum(keep(sum(row[i] in CLASSES[genotype] for i in columns), len(columns)) for row in calls)
            assert found == expected, condition


def test_an_index_changes_nothing(run, opened, path_of, tmp_path):
    """With an index the command jumps to the region, without one it reads the file; both give the same."""
    found = []
    for index in (False, True):
        folder = tmp_path / str(index)
        folder.mkdir()
        context = opened(bgzip(write_vcf(folder / "t.vcf", TRICKY, TRICKY_SAMPLES), index))
        result = run(context, "list_variants", regions=["chr1:201-260"])
        assert result.evidence[0].verified is True
        found.append((result.value, " -r " in result.evidence[0].command))
    assert [records for records, _ in found] == [["chr1:200:AT:A,ATT,<DEL>", "chr1:250:G:*"]] * 2
    assert [jumps for _, jumps in found] == [False, True]


def psc(path: Path) -> dict[str, list[str]]:
    """The lines of `bcftools stats` about samples, by the sample's name."""
    return {row[2]: row for row in rows(bcftools("stats -s -", path)) if row[0] == "PSC"}


@pytest.mark.parametrize("several", [False, True], ids=["one ALT", "several ALTs"])
def test_genotypes_of_snps_as_bcftools_stats_has_them(opened, run, tmp_path, several):
    alts = ["C", "G,T", "G", "AT,C", "C,AT", "ATT"] if several else ["C", "G", "ATT"]
    genotypes = (
        ["0/0", "0/1", "1/1", "0|1", "./.", "1/2", "0/2", "2/2", "./1", "1", "0"] if several else ["0/0", "0/1", "1/1"]
    )
    written = [
        record(10 + i, "A", alts[i % len(alts)],
               samples=[g if "," in alts[i % len(alts)] or "2" not in g else "0/1"
                        for g in (genotypes[(i * 3 + j * 5) % len(genotypes)] for j in range(3))])
        for i in range(200)
    ]  # fmt: skip
    path = write_vcf(tmp_path / "stats.vcf", written, ["a", "b", "c"])
    expected, context = psc(path), opened(path)
    every = run(context, "sample_statistics", of="snps")
    assert {s: [str(v[k]) for k in ("hom_alt", "het")] for s, v in every.value.items()} == {
        s: row[4:6] for s, row in expected.items()
    }
    changes = run(context, "sample_statistics", measure="ti_tv")
    assert {s: [str(every.value[s][k]) for k in ("transitions", "transversions")] for s in expected} == {
        s: row[6:8] for s, row in expected.items()
    }
    assert changes.evidence[0].verified is True
    assert run(context, "sample_statistics", of="snps", measure="het").evidence[0].verified is True
