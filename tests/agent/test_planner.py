"""Questions in many people's words, read by rule.

`READ` has one right reading each. `NEVER_HALF` is adversarial: the planner may ask back or decline, and where it makes
a call, its number must be that of bcftools for one of the expressions given. A call that left out or turned round a
condition would be a wrong answer that looks right.
"""

import re
import time
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import pysam.bcftools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vcf_agent.agent.planner import AskBack, Call, Decline, Plan, plan
from vcf_agent.memory.errors import ToolError
from vcf_agent.tools.context import ToolContext
from vcf_agent.tools.registry import tool

ASK, DECLINE = AskBack, Decline
LOF = ["stop_gained", "frameshift_variant", "splice_acceptor_variant", "splice_donor_variant"]
PATHOGENIC = ["Pathogenic", "Pathogenic/Likely_pathogenic"]
ARUN, MIRA, DEV, LILA, OTTO, INES = range(6)  # columns of the example's samples in bcftools' GT[n]

Reading = tuple[str, dict[str, Any]]


def count(**conditions: Any) -> Reading:
    return "count_variants", conditions


def listed(**conditions: Any) -> Reading:
    return "list_variants", conditions


def there(**conditions: Any) -> Reading:
    return "count_variants", {**conditions, "question": "is_there"}


def by(group: str, **conditions: Any) -> Reading:
    return "group_variants", {**conditions, "by": group}


def each(measure: str, *samples: str) -> Reading:
    return "sample_statistics", {"measure": measure, "samples": list(samples)}


def about(what: str, **more: Any) -> Reading:
    return "describe_file", {"about": what, **more}


def at(place: str, *samples: str, show: str = "genotypes") -> Reading:
    key = "id" if place.startswith("rs") else "position"
    return "genotypes_at", {key: place, "samples": list(samples), "show": show}


def gt(genotype: str, *samples: str, how_many: str = "all", **more: Any) -> dict[str, Any]:
    return {"genotype": genotype, "samples": list(samples), "how_many": how_many, **more}


def depth(op: str, value: float, *samples: str, field: str = "DP", how_many: str = "all") -> dict[str, Any]:
    return {"where": [{"field": field, "op": op, "value": value}], "samples": list(samples), "how_many": how_many}


def qual(op: str, value: float) -> dict[str, Any]:
    return {"field": "QUAL", "op": op, "value": value}


def info(name: str, op: str, value: Any, absent: str = "drop") -> dict[str, Any]:
    return {"field": name if name == "cohort_AF" else f"INFO/{name}", "op": op, "value": value, "absent": absent}


def private(*samples: str) -> list[dict[str, Any]]:
    return [gt("carrier", *samples), {"genotype": "carrier", "except_samples": list(samples), "how_many": "none"}]


RARE = info("gnomAD_AF", "<", 0.01, "keep")

READ: list[tuple[str, Reading | type[Plan]]] = [
    # All of it.
    ("how many variants are in this file?", count()),
    ("Number of records", count()),
    ("count the records, please", count()),
    ("What is the total number of variants?", count()),
    # FILTER.
    ("How many variants pass all filters?", count(filters=["PASS"])),
    ("HOW MANY VARIANTS PASS??", count(filters=["PASS"])),
    ("pass variants: how many?", count(filters=["PASS"])),
    ("how many variants have FILTER=PASS", count(filters=["PASS"])),
    ("How many variants have passed", count(filters=["PASS"])),
    ("how many variants do not pass", count(not_filters=["PASS"])),
    ("How many variants fail the filters?", count(not_filters=["PASS"])),
    ("how many records were filtered out", count(not_filters=["PASS"])),
    ("How many LowQual variants are there?", count(filters=["LowQual"])),
    ("how many variants are flagged lowqual", count(filters=["LowQual"])),
    ("How many variants are not LowQual?", count(not_filters=["LowQual"])),
    ("How many are LowQual or VQSRTrancheSNP99.90to100.00?",
     count(filters=["LowQual", "VQSRTrancheSNP99.90to100.00"])),
    # Types.
    ("how many snps", count(types=["snp"])),
    ("What is the number of SNVs?", count(types=["snp"])),
    ("Count of single nucleotide variants on chromosome X", count(types=["snp"], regions=["chrX"])),
    ("how many insertions", count(types=["insertion"])),
    ("on chr17, how many deletions are there?", count(types=["deletion"], regions=["chr17"])),
    ("how many variants are not SNPs", count(not_types=["snp"])),
    ("how many variants excluding indels", count(not_types=["indel"])),
    ("how many non-SNP variants are there", count(not_types=["snp"])),
    ("How many insertions but not deletions?", count(types=["insertion"], not_types=["deletion"])),
    ("how many variants are multiallelic", count(multiallelic=True)),
    ("How many biallelic SNPs?", count(multiallelic=False, types=["snp"])),
    ("how many alt alleles are on chr17", count(scope="allele", regions=["chr17"])),
    ("how many SNPs and indels are there?", ASK),
    ("how many SNPs or indels are there?", ASK),
    # Places.
    ("How many indels are on chr7 and chr17?", count(types=["indel"], regions=["chr7", "chr17"])),
    ("how many variants on chr1, chr2 and chrX?", count(regions=["chr1", "chr2", "chrX"])),
    ("How many indels except on chrX?", count(types=["indel"], not_regions=["chrX"])),
    ("how many variants are not on chrX", count(not_regions=["chrX"])),
    ("variants on chr7 except chr7:55000000-56000000",
     listed(regions=["chr7"], not_regions=["chr7:55000000-56000000"])),
    ("variants in chr13:32336225-32341196", listed(regions=["chr13:32336225-32341196"])),
    ("how many variants in chr13:32,336,225-32,341,196?", count(regions=["chr13:32,336,225-32,341,196"])),
    ("How many variants between chr1:1000000 and chr1:50000000?", count(regions=["chr1:1000000-50000000"])),
    ("chr7:55160230", listed(regions=["chr7:55160230"])),
    ("what is at chr7:55160230?", listed(regions=["chr7:55160230"])),
    ("show me rs1801133", listed(ids=["rs1801133"])),
    ("RS113993960", listed(ids=["rs113993960"])),
    # Annotation.
    ("How many missense variants in TTN and CFTR?", count(consequences=["missense_variant"], genes=["TTN", "CFTR"])),
    ("list frameshift variants in BRCA1", listed(consequences=["frameshift_variant"], genes=["BRCA1"])),
    ("nonsense variants in SCN1A", listed(consequences=["stop_gained"], genes=["SCN1A"])),
    ("How many stop-gained variants?", count(consequences=["stop_gained"])),
    ("how many intronic variants on chr2", count(consequences=["intron_variant"], regions=["chr2"])),
    ("how many rare loss-of-function variants are there", count(where=[RARE], consequences=LOF)),
    ("how many high impact variants", count(impacts=["HIGH"])),
    ("how many HIGH or MODERATE impact variants in TTN", count(impacts=["HIGH", "MODERATE"], genes=["TTN"])),
    ("how many damaging variants", ASK),
    ("how many variants in the gene brca1", count(genes=["BRCA1"])),
    # Significance.
    ("list pathogenic variants", listed(significance=PATHOGENIC)),
    ("How many pathogenic or likely pathogenic variants?", count(significance=[*PATHOGENIC, "Likely_pathogenic"])),
    ("how many benign variants are on chrX", count(significance=["Benign"], regions=["chrX"])),
    ("how many variants of uncertain significance", count(significance=["Uncertain_significance"])),
    ("how many VUS are rare?", count(significance=["Uncertain_significance"], where=[RARE])),
    ("how many variants with conflicting interpretations",
     count(significance=["Conflicting_classifications_of_pathogenicity"])),
    # QUAL, depth, frequency.
    ("how many variants with QUAL >= 500", count(where=[qual(">=", 500)])),
    ("QUAL over 500: count", count(where=[qual(">", 500)])),
    ("How many variants: QUAL>=30", count(where=[qual(">=", 30)])),
    ("how many variants with a quality score over 500", count(where=[qual(">", 500)])),
    ("how many have QUAL at most 40", count(where=[qual("<=", 40)])),
    ("how many variants have QUAL of 30 or more", count(where=[qual(">=", 30)])),
    ("how many variants have QUAL not above 30?", count(where=[qual("<=", 30)])),
    ("How many variants have QUAL > 1e2?", count(where=[qual(">", 100)])),
    ("how many variants with QUAL > 1,000", count(where=[qual(">", 1000)])),
    ("variants with QUAL between 30 and 50", listed(where=[qual(">=", 30), qual("<=", 50)])),
    ("how many low quality variants", ASK),
    ("how many variants with total depth below 150", count(where=[info("DP", "<", 150)])),
    ("how many variants with depth over 30?", ASK),
    ("how many variants with QUAL below 100 and DP above 200", ASK),
    ("How many variants have read depth of at least 30 in every sample?", count(genotypes=[depth(">=", 30)])),
    ("how many variants with DP<10 in any sample", count(genotypes=[depth("<", 10, how_many="any")])),
    ("how many variants with at least 20x coverage in DEV", count(genotypes=[depth(">=", 20, "DEV")])),
    ("How many variants have GQ above 20 in DEV?", count(genotypes=[depth(">", 20, "DEV", field="GQ")])),
    ("How many variants have DP >= 10 and GQ >= 20 in every sample?",
     count(genotypes=[{"where": [*depth(">=", 10)["where"], *depth(">=", 20, field="GQ")["where"]]}])),
    ("How many variants have gnomAD frequency under 0.1%?", count(where=[info("gnomAD_AF", "<", 0.001)])),
    ("how many variants have gnomad af below 1 percent", count(where=[info("gnomAD_AF", "<", 0.01)])),
    ("How many variants have gnomAD AF below 0.01 or absent from gnomAD?",
     count(where=[info("gnomAD_AF", "<", 0.01, "keep")])),
    ("how many variants with cohort frequency above 0.25", count(where=[info("cohort_AF", ">", 0.25)])),
    ("How many variants have INFO/AF > 0.5?", count(where=[info("AF", ">", 0.5)])),
    ("how many variants with AF above 0.5", ASK),
    ("how many common variants", ASK),
    ("rare missense variants in TTN", listed(where=[RARE], consequences=["missense_variant"], genes=["TTN"])),
    # Genotypes.
    ("How many heterozygous variants does DEV have?", count(genotypes=[gt("het", "DEV")])),
    ("how many het calls in DEV", count(genotypes=[gt("het", "DEV")])),
    ("how many sites is DEV het at?", count(genotypes=[gt("het", "DEV")])),
    ("How many homozygous variants does LILA carry?", count(genotypes=[gt("hom_alt", "LILA")])),
    ("How many variants are hom ref in DEV?", count(genotypes=[gt("hom_ref", "DEV")])),
    ("how many variants are hemizygous in DEV", count(genotypes=[gt("hemizygous_alt", "DEV")])),
    ("How many variants are heterozygous in both DEV and LILA?", count(genotypes=[gt("het", "DEV", "LILA")])),
    ("How many variants are het in ARUN, MIRA and DEV?", count(genotypes=[gt("het", "ARUN", "MIRA", "DEV")])),
    ("How many variants are het in DEV and hom in LILA?", count(genotypes=[gt("het", "DEV"), gt("hom_alt", "LILA")])),
    ("how many variants where DEV is het and LILA is hom alt?",
     count(genotypes=[gt("het", "DEV"), gt("hom_alt", "LILA")])),
    ("How many variants are het in DEV or LILA?", count(genotypes=[gt("het", "DEV", "LILA", how_many="any")])),
    ("how many variants are homozygous in every sample", count(genotypes=[gt("hom_alt")])),
    ("how many variants are hom-alt in at least one sample", count(genotypes=[gt("hom_alt", how_many="any")])),
    ("How many variants are het in at least 2 samples?", count(genotypes=[gt("het", how_many="at_least", n=2)])),
    ("How many are het in fewer than 3 samples?", count(genotypes=[gt("het", how_many="at_most", n=2)])),
    ("How many variants are het in no samples?", count(genotypes=[gt("het", how_many="none")])),
    ("How many variants are carried by exactly 1 sample?", count(genotypes=[gt("carrier", how_many="exactly", n=1)])),
    ("how many variants are carried by 2 or more samples", count(genotypes=[gt("carrier", how_many="at_least", n=2)])),
    ("How many variants are shared by all samples?", count(genotypes=[gt("carrier")])),
    ("How many variants do DEV and LILA share?", count(genotypes=[gt("carrier", "DEV", "LILA")])),
    ("How many variants does DEV have on chrX?", count(genotypes=[gt("carrier", "DEV")], regions=["chrX"])),
    ("which variants does OTTO carry in TTN?", listed(genotypes=[gt("carrier", "OTTO")], genes=["TTN"])),
    ("List variants found in INES", listed(genotypes=[gt("carrier", "INES")])),
    ("how many variants are present in ARUN but absent from MIRA?",
     count(genotypes=[gt("carrier", "ARUN"), gt("reference", "MIRA")])),
    ("How many variants are het in DEV but absent in ARUN and MIRA?",
     count(genotypes=[gt("het", "DEV"), gt("reference", "ARUN", "MIRA")])),
    ("Variants private to DEV", listed(genotypes=private("DEV"))),
    ("how many variants are found only in OTTO", count(genotypes=private("OTTO"))),
    ("How many variants are missing in DEV?", count(genotypes=[gt("missing", "DEV")])),
    ("How many variants have any missing genotypes?", count(genotypes=[gt("missing", how_many="any")])),
    ("How many variants have no missing genotypes?", count(genotypes=[gt("missing", how_many="none")])),
    ("How many heterozygous variants are there?", ASK),
    ("how many het", ASK),
    ("How many rare HIGH impact variants does DEV carry?",
     count(where=[RARE], impacts=["HIGH"], genotypes=[gt("carrier", "DEV")])),
    ("How many variants with QUAL above 30 on chr7 that are SNPs, pass, and are het in DEV?",
     count(where=[qual(">", 30)], regions=["chr7"], types=["snp"], filters=["PASS"], genotypes=[gt("het", "DEV")])),
    # Is there, and lists.
    ("Is there a pathogenic variant in CFTR?", there(significance=PATHOGENIC, genes=["CFTR"])),
    ("Are there any MNPs?", there(types=["mnp"])),
    ("is rs113993960 in this file", there(ids=["rs113993960"])),
    ("Does DEV carry a pathogenic variant?", there(significance=PATHOGENIC, genotypes=[gt("carrier", "DEV")])),
    ("list the first 3 SNPs on chr2", listed(types=["snp"], regions=["chr2"], limit=3)),
    ("give me all PASS indels on chrX", listed(filters=["PASS"], types=["indel"], regions=["chrX"])),
    # Groups.
    ("variants by chromosome", by("contig")),
    ("how many variants on each chromosome?", by("contig")),
    ("SNPs per chromosome", by("contig", types=["snp"])),
    ("how many variants per gene", by("gene")),
    ("variants by consequence", by("consequence")),
    ("number of variants for each impact class", by("impact")),
    ("breakdown of variants by filter", by("filter")),
    ("which chromosome has the most SNPs", by("contig", types=["snp"], top=1)),
    ("top 3 genes by number of variants", by("gene", top=3)),
    ("how many SNPs per sample", by("sample", types=["snp"])),
    ("How many variants per 1 Mb window on chr7?", by("window", window=1_000_000, regions=["chr7"])),
    # Each sample.
    ("How many variants does each sample have?", each("carried")),
    ("how many variants does each sample carry", each("carried")),
    ("how many variants per sample", each("carried")),
    ("how many het variants per sample", each("het")),
    ("how many singletons per sample", each("singletons")),
    ("average coverage in DEV", each("mean_depth", "DEV")),
    ("missingness per sample", each("missing_fraction")),
    ("het/hom ratio of DEV and LILA", each("het_hom_ratio", "DEV", "LILA")),
    # The file.
    ("how many samples are there?", about("samples")),
    ("Who is in this file?", about("samples")),
    ("which genome build is it?", about("build")),
    ("What VCF version is this?", about("version")),
    ("is it annotated?", about("annotation")),
    ("are the genotypes phased?", about("phasing")),
    ("is this a gVCF?", about("gvcf")),
    ("what software made this file?", about("software")),
    ("describe the file", about("everything")),
    ("what does LowQual mean", about("fields", field="LowQual")),
    ("explain gnomAD_AF", about("fields", field="gnomAD_AF")),
    ("what is the Ti/Tv ratio?", ("site_statistics", {"measure": "ti_tv"})),
    ("stats", ("site_statistics", {})),
    ("which FILTER values occur, and how often?", ("distinct_values", {"field": "FILTER"})),
    ("Which values does CLNSIG take?", ("distinct_values", {"field": "INFO/CLNSIG"})),
    # Who has what.
    ("Who carries chr7:117559590?", at("chr7:117559590", show="carriers")),
    ("carriers of rs113993960", at("rs113993960", show="carriers")),
    ("genotype of LILA at rs113993960", at("rs113993960", "LILA")),
    ("what is the genotype of ARUN and MIRA at chr7:117559590?", at("chr7:117559590", "ARUN", "MIRA")),
    ("is LILA het for rs113993960?", at("rs113993960", "LILA")),
    # Not here.
    ("should we treat DEV with a PCSK9 inhibitor?", DECLINE),
    ("What diagnosis does DEV have?", DECLINE),
    ("classify rs113993960 by ACMG", DECLINE),
    ("delete the file", DECLINE),
    ("how many variants are het in DEVV", DECLINE),
    ("how many variants are in BRCA9", DECLINE),
    ("how many apples", DECLINE),
    ("how many variants are de novo in DEV", DECLINE),
    ("How many compound heterozygous variants?", DECLINE),
    ("what is the meaning of life?", DECLINE),
]  # fmt: skip


NEVER_HALF: list[tuple[str, list[str]]] = [
    # A negation belongs to what follows it.
    ("How many variants are het in DEV and not LILA?",
     ['GT[2]="het" && GT[3]!="het"', 'GT[2]="het" && GT[3]="ref"', 'GT[2]="het" && GT[3]!="alt"']),
    ("How many variants are carried by DEV and not LILA?",
     ['GT[2]="alt" && GT[3]="ref"', 'GT[2]="alt" && GT[3]!="alt"']),
    ("How many variants are in DEV and not LILA?", ['GT[2]="alt" && GT[3]="ref"', 'GT[2]="alt" && GT[3]!="alt"']),
    ("How many variants are shared by DEV and not LILA?",
     ['GT[2]="alt" && GT[3]="ref"', 'GT[2]="alt" && GT[3]!="alt"']),
    ("How many variants are carried by DEV or not LILA?",
     ['GT[2]="alt" || GT[3]="ref"', 'GT[2]="alt" || GT[3]!="alt"']),
    ("How many variants are het in DEV but not in LILA?",
     ['GT[2]="het" && GT[3]!="het"', 'GT[2]="het" && GT[3]="ref"']),
    ("How many variants are het in neither DEV nor LILA?", ['GT[2]!="het" && GT[3]!="het"']),
    ("how many variants are not het in DEV", ['GT[2]!="het"']),
    ("How many variants does DEV not carry?", ['GT[2]!="alt"', 'GT[2]="ref"']),
    ("How many variants are not missing in DEV?", ['GT[2]!="mis"']),
    ("How many variants are !PASS?", ['FILTER!="PASS"']),
    ("how many variants do not have QUAL > 30", ["QUAL<=30"]),
    ("How many variants have neither QUAL > 30 nor pass?", ['QUAL<=30 && FILTER!="PASS"']),
    ("How many variants are neither missense nor synonymous?", ['INFO/CSQ!~"missense" && INFO/CSQ!~"synonymous"']),
    ("how many variants are not benign", ['INFO/CLNSIG!~"enign"', 'INFO/CLNSIG!="Benign"']),
    ("how many non-pathogenic variants are there", []),
    ("How many variants are pathogenic but not likely pathogenic?", ['INFO/CLNSIG="Pathogenic"']),
    ("How many variants excluding SNPs and indels?", ['TYPE!~"snp" && TYPE!~"indel"']),
    ("How many variants are not SNPs or indels?", ['TYPE!~"snp" && TYPE!~"indel"']),
    ("How many variants are there without SNPs or indels?", ['TYPE!~"snp" && TYPE!~"indel"']),
    ("How many variants excluding chr7 and SNPs?", ['CHROM!="chr7" && TYPE!~"snp"']),
    ("How many variants excluding SNPs and chr7?", ['CHROM!="chr7" && TYPE!~"snp"']),
    ("How many variants excluding chr7 and missense variants?", ['CHROM!="chr7" && INFO/CSQ!~"missense"']),
    ("How many variants except indels and LowQual?", ['TYPE!~"indel" && FILTER!~"LowQual"']),
    ("How many variants are not on chr7 or in BRCA2?", ['CHROM!="chr7" && INFO/CSQ!~"|BRCA2|"']),
    ("How many variants are out of BRCA2?", ['INFO/CSQ!~"|BRCA2|"']),
    ("How many variants are outside BRCA2?", ['INFO/CSQ!~"|BRCA2|"']),
    ("How many missense variants in TTN but not CFTR?", []),
    ("Is there no indel on chr7?", []),
    ("Are there no indels on chr7?", []),
    # One of several is not all of them.
    ("How many variants are in any of DEV, LILA and MIRA?", ['GT[2]="alt" || GT[3]="alt" || GT[1]="alt"']),
    ("How many variants are het in at least two of DEV, LILA and MIRA?",
     ['(GT[2]="het" && GT[3]="het") || (GT[2]="het" && GT[1]="het") || (GT[3]="het" && GT[1]="het")']),
    ("How many variants are het in exactly one of DEV and LILA?",
     ['(GT[2]="het" && GT[3]!="het") || (GT[2]!="het" && GT[3]="het")']),
    ("How many variants are het in DEV or LILA but not both?",
     ['(GT[2]="het" && GT[3]!="het") || (GT[2]!="het" && GT[3]="het")']),
    ("How many variants does each of DEV and LILA carry?", []),
    ("How many variants do DEV and LILA each have?", []),
    ("How many variants do DEV and LILA have in total?", ['GT[2]="alt" || GT[3]="alt"']),
    ("How many variants do DEV and LILA have altogether?", ['GT[2]="alt" || GT[3]="alt"']),
    ("How many variants are private to DEV or LILA?",
     ["(GT[2]=\"alt\" && GT[3]!=\"alt\" || GT[3]=\"alt\" && GT[2]!=\"alt\") && "
      + " && ".join(f'GT[{i}]!="alt"' for i in (ARUN, MIRA, OTTO, INES)),
      "(GT[2]=\"alt\" || GT[3]=\"alt\") && " + " && ".join(f'GT[{i}]!="alt"' for i in (ARUN, MIRA, OTTO, INES))]),
    ("How many variants are het in DEV and LILA or OTTO?", ['(GT[2]="het" && GT[3]="het") || GT[4]="het"',
                                                           'GT[2]="het" && (GT[3]="het" || GT[4]="het")']),
    ("How many variants are shared by DEV and LILA or MIRA?", ['(GT[2]="alt" && GT[3]="alt") || GT[1]="alt"',
                                                              'GT[2]="alt" && (GT[3]="alt" || GT[1]="alt")']),
    ("How many variants have missing genotypes in DEV or LILA?", ['GT[2]="mis" || GT[3]="mis"']),
    ("How many variants are het in all samples except OTTO?",
     [" && ".join(f'GT[{i}]="het"' for i in (ARUN, MIRA, DEV, LILA, INES))]),
    ("How many variants are het in all but one sample?", ['N_PASS(GT="het")=5']),
    ("How many variants are het in all 3 samples?", []),
    ("How many variants are carried by half of the samples?", ['N_PASS(GT="alt")=3', 'N_PASS(GT="alt")>=3']),
    ("How many variants are carried by most samples?", []),
    ("How many variants are carried by 2 or 3 samples?", ['N_PASS(GT="alt")=2 || N_PASS(GT="alt")=3']),
    ("How many variants are carried by 2 or fewer samples?", ['N_PASS(GT="alt")<=2']),
    ("How many variants are carried by DEV besides LILA?", []),
    ("How many variants are het in any other sample?", []),
    # A condition belongs to the sample beside it.
    ("How many variants have DP > 30 in DEV and GQ > 20 in LILA?", ["FMT/DP[2]>30 && FMT/GQ[3]>20"]),
    ("How many variants have DP > 30 in DEV and GQ > 20 in all samples?",
     ["FMT/DP[2]>30 && N_PASS(FMT/GQ>20)=N_SAMPLES"]),
    ("How many variants are het in LILA and have depth over 30 in DEV?", ['GT[3]="het" && FMT/DP[2]>30']),
    ("How many variants have depth over 30 in DEV and are het in all samples?",
     ['FMT/DP[2]>30 && N_PASS(GT="het")=N_SAMPLES']),
    ("How many variants are het in DEV or LILA with depth over 30?",
     ['(GT[2]="het" && FMT/DP[2]>30) || (GT[3]="het" && FMT/DP[3]>30)']),
    ("How many variants have GQ above 20 or DP above 10 in DEV?", ["FMT/GQ[2]>20 || FMT/DP[2]>10"]),
    ("How many variants have no missing genotypes in DEV?", ['GT[2]!="mis"']),
    ("How many variants are without missing genotypes in DEV and LILA?", ['GT[2]!="mis" && GT[3]!="mis"']),
    ("How many variants have complete genotypes in DEV?", ['GT[2]!="mis"']),
    ("How many variants are only het in DEV?", []),
    # Numbers: units, direction, ranges, lists.
    ("how many variants with 30 < QUAL", ["QUAL>30"]),
    ("how many variants with 300 < QUAL < 500", ["QUAL>300 && QUAL<500"]),
    ("how many variants with 300 <= QUAL <= 500", ["QUAL>=300 && QUAL<=500"]),
    ("how many variants have qual 300-500", ["QUAL>=300 && QUAL<=500"]),
    ("how many variants have QUAL above 300 and below 500", ["QUAL>300 && QUAL<500"]),
    ("how many variants have QUAL below 300 or above 500", ["QUAL<300 || QUAL>500"]),
    ("how many variants have QUAL below 300 or QUAL above 500", ["QUAL<300 || QUAL>500"]),
    ("how many variants have QUAL between 500 and 300", ["QUAL>=300 && QUAL<=500"]),
    ("how many variants have QUAL = 300 or more?", ["QUAL>=300"]),
    ("how many variants have QUAL equal to 300 or higher?", ["QUAL>=300"]),
    ("how many variants have QUAL more than 300 or less?", []),
    ("how many variants have QUAL less than or equal to 477.21", ["QUAL<=477.21"]),
    ("how many variants have INFO/DP =>195", ["INFO/DP>=195"]),
    ("how many variants have INFO/DP =<195", ["INFO/DP<=195"]),
    ("how many variants have QUAL=>477.21", ["QUAL>=477.21"]),
    ("how many variants have QUAL =< 477.21", ["QUAL<=477.21"]),
    ("How many variants have QUAL > 30%?", []),
    ("How many variants have depth above 90% in DEV?", []),
    ("how many variants with QUAL above 300 and 500", []),
    ("how many variants with QUAL at least twice 300", []),
    ("how many variants have gnomAD AF < 0,001?", ["INFO/gnomAD_AF<0.001"]),
    ("how many variants have gnomAD AF < 0,01?", ["INFO/gnomAD_AF<0.01"]),
    ("how many variants have gnomAD AF below 5", ["INFO/gnomAD_AF<0.05"]),
    ("how many variants have gnomAD AF between 1 and 5%", ["INFO/gnomAD_AF>=0.01 && INFO/gnomAD_AF<=0.05"]),
    ("how many variants have gnomAD AF between 1% and 5%", ["INFO/gnomAD_AF>=0.01 && INFO/gnomAD_AF<=0.05"]),
    ("how many variants have gnomAD AF between 1% and 5", ["INFO/gnomAD_AF>=0.01 && INFO/gnomAD_AF<=0.05"]),
    ("how many variants have gnomAD AF below 1 in 1000", ["INFO/gnomAD_AF<0.001"]),
    ("how many variants have INFO/AC = 1 or INFO/AC = 2?", ["INFO/AC=1 || INFO/AC=2"]),
    ("how many variants have INFO/AN < 12 or INFO/AN > 11?", ["INFO/AN<12 || INFO/AN>11"]),
    ("how many variants have CLNSIG Benign or Likely_benign?", ['INFO/CLNSIG="Benign" || INFO/CLNSIG="Likely_benign"']),
    ("how many variants have CLNSIG Pathogenic or Likely_pathogenic?",
     ['INFO/CLNSIG="Pathogenic" || INFO/CLNSIG="Likely_pathogenic"',
      'INFO/CLNSIG~"athogenic" && INFO/CLNSIG!~"onflicting"']),
    ("how many variants have mapping quality above 50", []),
    ("how many variants have allele depth above 10 in DEV", []),
    ("how many variants have average depth above 30", []),
    # A condition on a value that is absent.
    ("How many SNPs, excluding those without a gnomAD frequency?", ['TYPE~"snp" && INFO/gnomAD_AF!="."']),
    ("How many PASS variants excluding those missing a gnomAD value?", ['FILTER="PASS" && INFO/gnomAD_AF!="."']),
    ("How many rare variants, excluding those without a gnomAD frequency?", ["INFO/gnomAD_AF<0.01"]),
    ("How many variants are not in gnomAD?", ['INFO/gnomAD_AF="."']),
    ("How many variants are missing from DEV?", ['GT[2]="mis"', 'GT[2]="ref"']),
    # FILTER turned round.
    ("How many variants passed the LowQual filter?", ['FILTER!~"LowQual"']),
    ("How many variants pass LowQual?", ['FILTER!~"LowQual"']),
    ("How many variants do not pass LowQual?", ['FILTER~"LowQual"']),
    ("How many variants did not fail?", ['FILTER="PASS"']),
    ("How many variants have PASS and LowQual?", ['FILTER="PASS" && FILTER~"LowQual"']),
    # Places.
    ("How many variants are at chr7:55160230 and chr7:117559590?",
     ['CHROM="chr7" && (POS=55160230 || POS=117559590)']),
    ("How many variants are at chr7:55160230 and 117559590?", ['CHROM="chr7" && (POS=55160230 || POS=117559590)']),
    ("What are the genotypes at chr7:55160230 and chr7:117559590?", []),
    ("How many variants from chr7:55160230 on?", ['CHROM="chr7" && POS>=55160230']),
    ("How many variants after chr7:55160230?", ['CHROM="chr7" && POS>55160230']),
    ("How many variants within 100 bp of chr7:55160230?", []),
    ("How many variants on chr1 to chr7?", []),
    ("How many variants on chr1-chr7?", []),
    ("How many variants in chr1:1-50 Mb?", []),
    ("How many variants on chromosome 1 or 2?", ['CHROM="chr1" || CHROM="chr2"']),
    ("How many variants in the first 1 Mb window of chr7?", []),
    # All, each, only, which: not a plain count or list.
    ("Are all variants SNPs?", []),
    ("Is every record PASS?", []),
    ("Do all variants pass filters?", []),
    ("Are there just SNPs?", []),
    ("Are the variants in BRCA2 all missense?", []),
    ("Who has a pathogenic variant in BRCA1?", []),
    ("Who has a frameshift?", []),
    ("Which variants are phased?", []),
    ("List the annotated variants", []),
    ("Count the phased variants", []),
    ("How many samples have variants?", []),
    ("How many samples have all variants?", []),
    ("How many genes have missense variants?", []),
    ("which chromosome has the fewest variants", []),
    ("list the last 5 PASS SNPs on chr7", []),
    ("What percentage of variants pass?", []),
    # Both is not either: 0 lines are False.
    ("Are rs113993960 and rs11591147 in DEV?", ['CHROM="none"']),
    ("Are there MNPs and SNPs on chr1?", ['CHROM="none"']),
    ("How many multi-allelic sites have SNP and indel alleles?", ['N_ALT>1 && TYPE~"snp" && TYPE~"indel"']),
    ("How many variants between chr7:100 and chr8:200?", []),
    # Two questions in one.
    ("How many samples and how many variants are there?", []),
    ("How many variants and samples are there?", []),
    ("How many SNPs are there and how many pass?", []),
    ("How many variants are het in DEV and how many in LILA?", []),
    ("How many variants are on chr7 and how many on chr17?", []),
    ("What's the Ti/Tv ratio and how many variants are there?", []),
    ("Who carries rs113993960 and how many variants are there?", []),
    ("Ti/Tv for PASS variants", []),
    ("Ti/Tv per sample", []),
    ("What is the mean depth of DEV on chr7?", []),
    ("What is the QUAL of rs113993960?", []),
    # Not about variants at all.
    ("What can you do?", []),
    ("Show me what you can do", []),
    ("What are you?", []),
    ("What was that?", []),
    ("Is that all?", []),
    ("Are you there?", []),
    ("which", []),
    ("is", []),
    # A file that is not open.
    ("How many variants are in other.vcf?", []),
    ("How many variants are in data.vcf?", []),
]  # fmt: skip


def normal(value: Any) -> Any:
    """Lists of alternatives and of conditions in one order."""
    if isinstance(value, dict):
        return {key: normal(entry) for key, entry in value.items()}
    return sorted((normal(entry) for entry in value), key=repr) if isinstance(value, list) else value


def arguments(name: str, given: dict[str, Any]) -> Any:
    return normal(tool(name).arguments.model_validate(given).model_dump(mode="json", exclude_defaults=True))


def same(first: Plan, second: Plan) -> bool:
    if not (isinstance(first, Call) and isinstance(second, Call)):
        return False
    return first.tool == second.tool and normal(first.arguments) == normal(second.arguments)


@pytest.mark.parametrize(("question", "expected"), READ, ids=[q for q, _ in READ])
def test_a_question_is_read(cohort: ToolContext, question: str, expected: Any) -> None:
    made = plan(question, cohort)
    if isinstance(expected, type):
        assert isinstance(made, expected), made
    else:
        assert isinstance(made, Call), made
        assert (made.tool, arguments(made.tool, made.arguments)) == (expected[0], arguments(*expected))


@pytest.fixture(scope="module")
def lines_with(example: Path) -> Callable[[str], int]:
    """How many records bcftools finds with an expression."""
    return lambda expression: len(pysam.bcftools.view("-H", "-i", expression, str(example)).splitlines())


@pytest.mark.parametrize(("question", "right"), NEVER_HALF, ids=[q for q, _ in NEVER_HALF])
def test_a_question_is_never_half_read(
    cohort: ToolContext, run: Any, lines_with: Any, question: str, right: list[str]
) -> None:
    made = plan(question, cohort)
    if isinstance(made, Call):
        value = run(cohort, made.tool, prove=False, **made.arguments).value
        allowed = [lines_with(expression) for expression in right]
        assert value in allowed, f"{made.tool} {made.arguments} gives {str(value)[:80]}; right were {allowed}"


def test_alleles_of_a_sample_are_those_it_has(cohort: ToolContext, run: Any, example: Path) -> None:
    """A sample that is 0/1 at A>C,G has one of two ALT alleles."""
    called = pysam.bcftools.query("-s", "DEV", "-f", "[%GT\n]", str(example)).split()
    right = sum(len(set(re.findall(r"[1-9]", gt))) for gt in called if "." not in gt)
    made = plan("How many alleles does DEV carry?", cohort)
    if isinstance(made, Call):
        assert run(cohort, made.tool, prove=False, **made.arguments).value == right


# Conditions in pairs, joined by `and`, `or`, `but not`.

CONDITIONS = {
    "pass": 'FILTER="PASS"',
    "have QUAL above 600": "QUAL>600",
    "have total depth below 190": "INFO/DP<190",
    "have gnomAD AF below 5%": "INFO/gnomAD_AF<0.05",
    "are SNPs": 'TYPE~"snp"',
    "are on chr2": 'CHROM="chr2"',
    "are in TTN": 'INFO/CSQ~"|TTN|"',
    "are missense": 'INFO/CSQ~"missense_variant"',
    "have MODERATE impact": 'INFO/CSQ~"|MODERATE|"',
    "are benign": 'INFO/CLNSIG="Benign"',
    "are het in DEV": 'GT[2]="het"',
    "are homozygous in LILA": 'GT[3]="AA"',
    "are missing in OTTO": 'GT[4]="mis"',
    "are carried by at least 3 samples": 'N_PASS(GT="alt")>=3',
    "have DP over 30 in INES": "FMT/DP[5]>30",
}


@pytest.fixture(scope="module")
def records_with(example: Path) -> dict[str, set[str]]:
    """The records that meet each condition, by contig and position, which no two records of the example share."""
    form = "%CHROM:%POS\n"
    found = {c: pysam.bcftools.query("-f", form, "-i", e, str(example)) for c, e in CONDITIONS.items()}
    return {"": set(pysam.bcftools.query("-f", form, str(example)).split())} | {
        c: set(t.split()) for c, t in found.items()
    }


def test_every_condition_alone_is_understood(cohort: ToolContext, run: Any, records_with: Any) -> None:
    found = {c: plan(f"How many variants {c}?", cohort) for c in CONDITIONS}
    assert {c for c, made in found.items() if not isinstance(made, Call)} == set()
    values = {c: run(cohort, made.tool, prove=False, **made.arguments).value for c, made in found.items()}
    assert values == {c: len(records_with[c]) for c in CONDITIONS}


@pytest.mark.parametrize("first", CONDITIONS)
@pytest.mark.parametrize(
    ("joined", "combine"),
    [
        ("{} and {}", lambda a, b, _: a & b),
        ("{} or {}", lambda a, b, _: a | b),
        ("{} but not those that {}", lambda a, b, _: a - b),
        ("{}, except those that {}", lambda a, b, _: a - b),
    ],
    ids=["and", "or", "but not", "except"],
)
def test_two_conditions_are_joined_as_asked(
    cohort: ToolContext, run: Any, records_with: Any, first: str, joined: str, combine: Any
) -> None:
    """Where the planner makes a call; what it answers wrongly is shown as {question: (answer, right)}."""
    wrong = {}
    for other in CONDITIONS:
        question = f"How many variants {joined.format(first, other)}?"
        if other != first and isinstance(made := plan(question, cohort), Call):
            value = run(cohort, made.tool, prove=False, **made.arguments).value
            right = len(combine(records_with[first], records_with[other], records_with[""]))
            if value != right:
                wrong[question] = (value, right)
    assert wrong == {}


def test_and_is_mostly_understood(cohort: ToolContext) -> None:
    """The test above would pass for a planner that answers nothing."""
    asked = [f"How many variants {a} and {b}?" for a, b in permutations(CONDITIONS, 2)]
    assert sum(isinstance(plan(q, cohort), Call) for q in asked) > len(asked) * 0.7


# What is put into an understood question.

UNDERSTOOD = [q for q, reading in READ if not isinstance(reading, type)]
STRANGE = st.tuples(
    st.sampled_from(["", "het", "hom", "miss", "pass", "snp", "anti", "chr", "dev"]),
    st.text("bcfgjkpqvwxyz", min_size=4, max_size=9),
).map("".join)


def inserted(question: str, word: str, place: int) -> str:
    words = question.split(" ")
    at = place % (len(words) + 1)
    return " ".join([*words[:at], word, *words[at:]])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(question=st.sampled_from(UNDERSTOOD), word=STRANGE, place=st.integers(0, 30))
def test_a_strange_word_is_never_passed_over(cohort: ToolContext, question: str, word: str, place: int) -> None:
    made = plan(inserted(question, word, place), cohort)
    if isinstance(made, Call):  # it was taken for a name, which the tool does not find
        with pytest.raises(ToolError):
            tool(made.tool).call(cohort, made.arguments)


@pytest.mark.parametrize("word", ["not", "without", "except", "hardly", "half", "other"])
def test_a_word_that_changes_the_question_changes_the_call(cohort: ToolContext, word: str) -> None:
    alike = []
    for question in UNDERSTOOD:
        before = plan(question, cohort)
        words = question.split(" ")
        changed = [inserted(question, word, place) for place in range(len(words) + 1)]
        alike += [q for q in changed if same(before, plan(q, cohort))]
    assert alike == []


@pytest.mark.parametrize("question", [q for q in UNDERSTOOD if len(q.split()) > 3][::4])
def test_blanks_marks_and_courtesy_change_nothing(cohort: ToolContext, question: str) -> None:
    """A front may hand over line breaks, a person may type two blanks: the same call, or none."""
    before = plan(question, cohort)
    assert same(before, plan(f"  {question}  ", cohort))
    assert same(before, plan(question.rstrip("?") + " ???", cohort))
    assert same(before, plan(f"Please, {question}", cohort))
    for blank in ("  ", "\n", "\t", "\u00a0"):
        made = plan(question.replace(" ", blank), cohort)
        assert same(before, made) or not isinstance(made, Call), repr(blank)


TOKENS = st.one_of(
    st.sampled_from(
        [
            "how",
            "many",
            "which",
            "list",
            "is",
            "are",
            "there",
            "who",
            "carries",
            "variants",
            "SNPs",
            "indels",
            "and",
            "or",
            "not",
            "in",
            "on",
            "of",
            "the",
            "a",
            "with",
            "without",
            "QUAL",
            "DP",
            "GQ",
            "AF",
            "gnomAD",
            "above",
            "below",
            "between",
            "from",
            "to",
            "at",
            "least",
            "than",
            "30",
            "50..",
            "0,5",
            ".5",
            "1e9",
            "5%",
            ",",
            ".",
            ":",
            "-",
            "<",
            ">=",
            "=",
            "het",
            "hom",
            "missing",
            "DEV",
            "LILA",
            "TTN",
            "chr7",
            "chr7:1-5",
            "chr7:9-1",
            "rs1",
            "pass",
            "LowQual",
            "rare",
            "per",
            "by",
            "sample",
            "gene",
            "INFO/AC",
            "CLNSIG",
            "§s0",
            "§s7",
            "§f1",
            "§q9",
            "§",
            '"',
            "(",
            ")",
            "[",
            "\\",
            "*",
            "+",
            "$",
        ]
    ),
    st.text(max_size=4),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(tokens=st.lists(TOKENS, max_size=14), blank=st.sampled_from([" ", " ", ""]))
def test_any_text_gives_a_plan(cohort: ToolContext, tokens: list[str], blank: str) -> None:
    assert isinstance(plan(blank.join(tokens), cohort), Call | AskBack | Decline)


@pytest.mark.parametrize(
    "question",
    [
        "How many variants are het in §s7?",
        "How many variants are het in §s0?",
        "What does §f9 mean?",
        "How many variants have QUAL between 30 and , on chr7",
        "Top 0 genes",
        "How many variants per 0 bp window?",
    ],
)
def test_the_planner_s_own_marks_and_broken_numbers(cohort: ToolContext, question: str) -> None:
    made = plan(question, cohort)
    if isinstance(made, Call):
        with pytest.raises(ToolError):
            tool(made.tool).call(cohort, made.arguments)


@pytest.mark.parametrize("word", ["is ", "are ", "the ", "a ", "in ", "DEV, ", "not ", "1,", "chr7:1-"])
def test_a_long_question_is_not_slow(cohort: ToolContext, word: str) -> None:
    """No pattern may backtrack without bound: a chat takes any text. Generous, for slow machines."""
    start = time.process_time()
    plan((word * 4_000)[:4_000], cohort)
    assert time.process_time() - start < 2


# Names.


def test_what_is_not_there_is_named_with_the_nearest(cohort: ToolContext) -> None:
    for question, near in {
        "How many variants are het in DEVV?": "DEV",
        "How many variants are in BRAC1?": "BRCA1",
        "How many variants have gnomAD_FA below 0.1?": "gnomAD_AF",
    }.items():
        made = plan(question, cohort)
        assert isinstance(made, Decline), question
        assert made.unknown_name, question
        assert re.search(rf"\b{near}\b", made.reason), made.reason


@pytest.mark.parametrize(
    "question",
    [
        "How many variants are carried by DEV but LILA?",
        "what about LILA and OTTO against DEV",
        "How many variants do not have the flag?",
        "How many variants are carried by nobody?",
        "Does anyone carry a pathogenic variant?",
        "Which samples carry a pathogenic variant?",
        "How many variants are het in all samples except OTTO?",
    ],
)
def test_a_known_name_or_a_plain_word_is_not_called_unknown(cohort: ToolContext, question: str) -> None:
    """`The file has no sample 'not'` and `nothing called 'OTTO'. Did you mean OTTO?` are no answers."""
    made = plan(question, cohort)
    assert not (isinstance(made, Decline) and made.unknown_name), made.reason


ODD = ["30", "20", "A", "or", "missing", "rare", "Control 1", "low", "SNPs", "NA12878", "NA12878-dup", "PASS"]


@pytest.fixture(scope="module")
def odd(library: Any, write_vcf: Any, tmp_path_factory: pytest.TempPathFactory) -> ToolContext:
    """A file whose samples are called like words and numbers; sample n is het in the first n + 1 of 12 records."""
    rows = [
        [f"chr{1 + i // 6}", str(100 + 10 * i), ".", "A", "C" if i % 3 else "AC", str(25 + i)]
        + ["PASS" if i % 4 else "low", ".", "GT"] + ["0/1" if i <= n else "0/0" for n in range(len(ODD))]
        for i in range(12)
    ]  # fmt: skip
    return library(write_vcf(tmp_path_factory.mktemp("odd") / "odd.vcf", rows, ODD))


@pytest.mark.parametrize(
    ("question", "right"),
    [
        ("How many variants are het in 30?", 1),
        ("How many variants are het in NA12878?", 10),
        ("How many variants are het in NA12878-dup?", 11),
        ("How many variants are het in NA12878-dup2?", None),
        ("How many variants are het in Control 1?", 7),
        ("How many variants are het in control 1?", 7),
        ("How many variants have QUAL > 30?", 6),
        ("How many rare variants are there?", None),
        ("How many SNPs are there?", 8),
        ("How many variants are missing in A?", 0),
        ("How many variants pass?", 9),
        ("How many variants are het in A or 20?", 3),
        ("How many variants are het in PASS?", 12),
        ("How many variants are low?", 3),
    ],
)
def test_samples_named_like_words(odd: ToolContext, run: Any, question: str, right: int | None) -> None:
    made = plan(question, odd)
    if isinstance(made, Call):
        assert run(odd, made.tool, prove=False, **made.arguments).value == right


def test_a_number_is_a_number_where_a_sample_has_its_name(odd: ToolContext) -> None:
    """Samples called 1, 2, 3 are common, and QUAL > 30 must be askable all the same."""
    assert isinstance(plan("How many variants have QUAL > 30?", odd), Call)


# Several files.


@pytest.fixture(scope="module")
def two(library: Any, write_vcf: Any, tmp_path_factory: pytest.TempPathFactory) -> ToolContext:
    """cohort.vcf with three records and callerB.vcf with two."""
    folder = tmp_path_factory.mktemp("two")
    row = ["chr1", "100", ".", "A", "C", "50", "PASS", ".", "GT", "0/1"]
    files = [write_vcf(folder / "cohort.vcf", [row] * 3, ["S"]), write_vcf(folder / "callerB.vcf", [row] * 2, ["S"])]
    opened = [library(f) for f in files]
    return ToolContext(opened[0].workspace, [c.datasets[0] for c in opened], folder, 0)


@pytest.mark.parametrize("question", ["How many variants?", "How many SNPs are there?", "how many samples are there"])
def test_which_file_is_asked_back(two: ToolContext, question: str) -> None:
    made = plan(question, two)
    assert isinstance(made, AskBack)
    assert len(made.choices) == 2
    assert "cohort" in made.choices[0]
    assert "callerB" in made.choices[1]


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("How many SNPs are in callerB?", "callerB"),
        ("How many SNPs are in cohort.vcf?", "cohort"),
        ("callerB.vcf: how many SNPs?", "callerB"),
    ],
)
def test_the_file_that_is_named(two: ToolContext, question: str, name: str) -> None:
    made = plan(question, two)
    assert isinstance(made, Call)
    assert made.arguments["dataset"] == name


@pytest.mark.parametrize(
    "question",
    [
        "How many variants are in cohort and callerB?",
        "How many variants are in cohort.vcf and callerB.vcf?",
        "How many variants are in callerB.vcf, cohort.vcf?",
        "How many variants are in callerB or cohort?",
        "Is callerB annotated, and cohort?",
        "How many variants are in cohort but not in callerB?",
        "How many variants do cohort and callerB share?",
        "How many variants are in both files?",
        "How many SNPs are in each file?",
    ],
)
def test_a_question_about_both_files_is_not_answered_for_one(two: ToolContext, question: str) -> None:
    assert not isinstance(plan(question, two), Call)


def test_a_file_that_is_not_open_is_not_taken_for_the_one_that_is(two: ToolContext) -> None:
    """`cohort` is a word of the field, and here the name of another file."""
    only = ToolContext(two.workspace, [d for d in two.datasets if d.name == "callerB"], two.folder, 0)
    for name in ("cohort.vcf", "data.vcf", "dataset.vcf.gz"):
        assert not isinstance(plan(f"How many variants are in {name}?", only), Call), name
    assert isinstance(plan("How many variants are in callerB.vcf?", only), Call)
