"""Writes examples/cohort: an invented family of four and two unrelated people, with known answers planted.

    python examples/make_cohort.py [folder]

The seed is fixed, so the same bytes come out every time.
"""

import hashlib
import math
import random
import sys
import tempfile
from collections.abc import Iterator
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

# symbol, contig, first and last base (GRCh38, 1-based), strand, gene, transcript, residues, condition
GENE_TABLE = """\
MTHFR chr1 11785723 11806103 - ENSG00000177000 ENST00000376590.9 656 Homocystinuria_due_to_MTHFR_deficiency
PCSK9 chr1 55039447 55064852 + ENSG00000169174 ENST00000302118.5 692 Hypercholesterolemia,_familial
ABCA4 chr1 93992834 94121148 - ENSG00000198691 ENST00000370225.4 2273 Severe_early-childhood-onset_retinal_dystrophy
USH2A chr1 215622891 216423448 - ENSG00000042781 ENST00000307340.8 5202 Usher_syndrome_type_2A
APOB chr2 21001429 21044073 - ENSG00000084674 ENST00000233242.5 4563 Hypercholesterolemia,_familial
MSH2 chr2 47403067 47663146 + ENSG00000095002 ENST00000233146.7 934 Lynch_syndrome
SCN1A chr2 165989160 166149214 - ENSG00000144285 ENST00000674923.1 2009 Severe_myoclonic_epilepsy_in_infancy
TTN chr2 178525989 178830802 - ENSG00000155657 ENST00000589042.5 35991 Dilated_cardiomyopathy_1G
EGFR chr7 55019017 55211628 + ENSG00000146648 ENST00000275493.7 1210 Non-small_cell_lung_carcinoma
CFTR chr7 117480025 117668665 + ENSG00000001626 ENST00000003084.11 1480 Cystic_fibrosis
BRAF chr7 140719327 140924929 - ENSG00000157764 ENST00000646891.2 766 Cardiofaciocutaneous_syndrome_1
BRCA2 chr13 32315086 32400268 + ENSG00000139618 ENST00000380152.8 3418 Hereditary_breast_ovarian_cancer_syndrome
RB1 chr13 48303744 48599436 + ENSG00000139687 ENST00000267163.6 928 Retinoblastoma
ATP7B chr13 51930436 52012125 - ENSG00000123191 ENST00000242839.10 1465 Wilson_disease
TP53 chr17 7661779 7687546 - ENSG00000141510 ENST00000269305.9 393 Li-Fraumeni_syndrome
NF1 chr17 31094927 31382116 + ENSG00000196712 ENST00000358273.9 2839 Neurofibromatosis,_type_1
ERBB2 chr17 39688094 39728658 + ENSG00000141736 ENST00000269571.10 1255 Hereditary_cancer-predisposing_syndrome
BRCA1 chr17 43044295 43125364 - ENSG00000012048 ENST00000357654.9 1863 Hereditary_breast_ovarian_cancer_syndrome
GAA chr17 80101581 80119881 + ENSG00000171298 ENST00000302262.8 952 Glycogen_storage_disease,_type_II
DMD chrX 31097677 33339609 - ENSG00000198947 ENST00000357033.9 3685 Duchenne_muscular_dystrophy
OTC chrX 38352586 38421450 + ENSG00000036473 ENST00000039007.5 354 Ornithine_carbamoyltransferase_deficiency
F8 chrX 154835792 155026940 - ENSG00000185010 ENST00000360256.9 2351 Hereditary_factor_VIII_deficiency_disease
"""

# consequence: impact, weight among the coding and intronic SNVs of the background
CONSEQUENCES = {
    "intron_variant": ("MODIFIER", 50), "missense_variant": ("MODERATE", 20), "synonymous_variant": ("LOW", 14),
    "splice_region_variant&intron_variant": ("LOW", 3), "stop_gained": ("HIGH", 1.2),
    "splice_donor_variant": ("HIGH", 0.5), "splice_acceptor_variant": ("HIGH", 0.5),
    "frameshift_variant": ("HIGH", 0), "inframe_deletion": ("MODERATE", 0), "inframe_insertion": ("MODERATE", 0),
    "splice_acceptor_variant&coding_sequence_variant&intron_variant": ("HIGH", 0),
}  # fmt: skip
# bases past the exon, with the sign HGVS gives them
INTRONIC = {
    "intron_variant": (20, 2000), "splice_region_variant&intron_variant": (3, 8),
    "splice_donor_variant": (1, 2), "splice_acceptor_variant": (-2, -1),
}  # fmt: skip
RESIDUES = "Ala Arg Asn Asp Cys Gln Glu Gly His Ile Leu Lys Met Phe Pro Ser Thr Trp Tyr Val".split()
CONFLICTING = "Conflicting_classifications_of_pathogenicity"
REVIEWS = ["criteria_provided,_single_submitter", "no_assertion_criteria_provided", "reviewed_by_expert_panel"]
VQSR = "VQSRTrancheSNP99.90to100.00"

# POS REF>ALT, genotypes (ARUN MIRA DEV LILA OTTO INES), consequence on the canonical transcript (/ on the second
# one, if another), gnomAD_AF, ID, CLNSIG, HGVS if known. A number for REF is that many bases of the genome made
# up below, ALT the first. Nothing outside this table is (likely) pathogenic, de novo or multi-allelic.
PLANTED = """\
# het in every sample
chr1:11796321 G>A 0/1 0/1 0/1 0/1 0/1 0/1 missense_variant 0.31 rs1801133 Benign c.665C>T p.Ala222Val
# private to OTTO
chr1:55039974 G>T 0/0 0/0 0/0 0/0 0/1 0/0 missense_variant 0.0117 rs11591147 Benign c.137G>T p.Arg46Leu
# compound heterozygous in DEV: the first from the father, the second from the mother
chr1:94010911 C>T 0/1 0/0 0/1 0/1 0/0 0/0 missense_variant 0.0003 rs9000000001 Likely_pathogenic
chr1:94063250 TG>T 0/0 0/1 0/1 0/0 0/0 0/0 frameshift_variant 0.00008 rs9000000002 Pathogenic/Likely_pathogenic
# de novo in DEV
chr2:166051920 G>A 0/0 0/0 0/1 0/0 0/0 0/0 missense_variant . . Uncertain_significance
# dominant, father and both children
chr2:178570104 G>A 0/1 0/0 0/1 0/1 0/0 0/0 stop_gained 0.00001 rs9000000003 Likely_pathogenic
# multi-allelic SNP; DEV has one ALT from each parent
chr7:55160230 C>A,T 0/1 0/2 1/2 0/2 0/0 0/1 missense_variant,synonymous_variant 0.02,0.11 rs9000000004 .
# autosomal recessive: both parents carriers, DEV hom-alt
chr7:117559590 ATCT>A 0/1 0/1 1/1 0/1 0/0 0/0 inframe_deletion 0.007 rs113993960 Pathogenic c.1521_1523del p.Phe508del
# 80 bp deletion over the start of BRCA2 exon 11 (chr13:32336265-32341196)
chr13:32336225 81>81 0/0 0/0 0/0 0/0 0/0 0/1 splice_acceptor_variant&coding_sequence_variant&intron_variant . . \
Likely_pathogenic c.1910-39_1950del
# genotypes wholly and partly missing
chr13:48367512 A>G ./. 0/1 ./1 0/. 0/0 0/1 synonymous_variant 0.08 rs9000000005 .
# MNP
chr17:7674229 CC>TT 0/0 0/1 0/0 0/1 0/0 0/0 missense_variant . . Conflicting_classifications_of_pathogenicity
# multi-allelic, SNP and insertion; gnomAD knows the SNP only
chr17:39711990 A>G,ATCC 0/1 0/2 1/2 0/2 0/0 0/1 missense_variant,inframe_insertion 0.02,. rs9000000006 .
# dominant, father and daughter
chr17:43124027 ACT>A 0/1 0/0 0/0 0/1 0/0 0/0 frameshift_variant 0.0002 rs80357914 Pathogenic c.68_69del p.Glu23ValfsTer17
# HIGH on the second transcript only
chr17:80108300 G>A 0/0 0/0 0/0 0/0 0/0 0/1 intron_variant/stop_gained 0.0006 rs9000000007 Uncertain_significance
# X-linked: mother het, DEV hemizygous
chrX:32360224 G>A 0 0/1 1 0/0 0 0/0 stop_gained . rs9000000008 Pathogenic
# males haploid: missing, reference and ALT
chrX:154930110 T>C . 0/1 0 ./. 1 0/1 synonymous_variant 0.19 rs9000000009 Benign
"""
