"""Every real file against truth.json, which was computed with bcftools and checked with a second reader."""

import gzip
import json
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from make_vcf import bgzip
from reference import bcftools
from vcf_agent.memory.errors import InputError, ToolError
from vcf_agent.tools.ingest import ingest

GRIDSS = "annotated/sv/Zacharyr41__vcf-pg-loader__gridss_sv.vcf"
CLASSES = {
    "het": "het", "hom_alt": "hom_alt", "hom_ref": "hom_ref", "missing": "missing", "hap_ref": "hemizygous_ref",
    "hap_alt": "hemizygous_alt", "partial_missing": "partly_missing",
}  # fmt: skip
"""truth.json's names of the genotype classes, and the product's."""


def is_plain_gzip(path):
    start = path.read_bytes()[:4]
    return start[:2] == b"\x1f\x8b" and not start[3] & 4  # BGZF blocks have the extra-field flag


@pytest.fixture(scope="session")
def recompressed(tmp_path_factory):
    """A file in plain gzip, made into BGZF as the refusal says to."""

    @cache
    def recompress(path):
        plain = tmp_path_factory.mktemp("recompressed") / path.name.removesuffix(".gz")
        plain.write_bytes(gzip.decompress(path.read_bytes()))
        return bgzip(plain)

    return recompress


@pytest.fixture
def context(data_folder, library, recompressed, readable):
    path = data_folder / readable
    return library(recompressed(path) if is_plain_gzip(path) else path)


def refusal_of(path, workspace):
    with pytest.raises(InputError) as refusal:
        ingest(path, workspace)
    assert refusal.value.way_out
    assert path.name in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not workspace.exists()
    return str(refusal.value)


def test_what_no_reader_can_read_is_refused(data_folder, workspace, unreadable, truth):
    refusal_of(data_folder / unreadable, workspace)


def test_plain_gzip_is_refused_with_the_command_that_helps(data_folder, workspace):
    found = [path for path in (data_folder / "annotated").rglob("*.gz") if is_plain_gzip(path)]
    assert len(found) == 6
    for path in found:
        assert f"gunzip -c {path.name} | bgzip" in refusal_of(path, workspace)


def test_sites(run, context, readable, truth):
    counts = run(context, "site_statistics", prove=False).value
    types = truth["type"]
    if readable == GRIDSS:  # bcftools 1.16, which made the truth, calls some of its breakends indels
        text = bcftools("query -f '%TYPE\\n'", context.datasets[0].dataset.path)
        types = Counter(text.split())

    def records_with(kind):
        return sum(n for name, n in types.items() if kind in name.split(","))

    assert counts["records"] == truth["records"]
    assert counts["snps"] == records_with("SNP")
    assert counts["indels"] == records_with("INDEL")
    assert counts["mnps"] == records_with("MNP")
    assert counts["others"] == records_with("OTHER")
    assert counts["breakends"] == records_with("BND")
    assert counts["multiallelic"] == truth["multiallelic_records"]
    stats = truth.get("bcftools_stats") or {}
    if "SNPs" in stats and readable != GRIDSS:
        shared = {"snps": "SNPs", "indels": "indels", "mnps": "MNPs", "no_alt": "no-ALTs"}
        assert {k: counts[k] for k in shared} == {k: stats[name] for k, name in shared.items()}
        assert (counts["transitions"], counts["transversions"]) == (truth["tstv"]["ts"], truth["tstv"]["tv"])


def test_counts_by_type_agree_with_the_site_statistics(run, context, readable, truth):
    counted = {
        kind: run(context, "count_variants", prove=False, types=[kind]).value for kind in ("snp", "indel", "mnp")
    }
    named = {"snp": "SNP", "indel": "INDEL", "mnp": "MNP"}
    if readable == GRIDSS:
        text = bcftools("query -f '%TYPE\\n'", context.datasets[0].dataset.path)
        truth = {"type": Counter(text.split())}
    expected = {
        k: sum(n for types, n in truth["type"].items() if name in types.split(",")) for k, name in named.items()
    }
    assert counted == expected


def test_contigs_filters_samples(run, context, readable, truth):
    assert run(context, "describe_file", prove=False, about="contigs").value == truth["per_chrom"]
    assert run(context, "group_variants", prove=False, by="contig").value == truth["per_chrom"]
    filters = run(context, "group_variants", prove=False, by="filter").value
    assert sum(filters.values()) == truth["records"]
    assert truth["filter"].items() <= filters.items()  # the truth keeps the most frequent ones
    assert run(context, "distinct_values", prove=False, field="FILTER", limit=1000).value == filters
    assert run(context, "count_variants", prove=False, filters=["PASS"]).value == truth["pass_count"]
    assert len(run(context, "describe_file", prove=False, about="samples").value) == truth["samples"]


def test_quality_and_region(run, context, readable, truth):
    above = run(context, "count_variants", prove=False, where=[{"field": "QUAL", "op": ">", "value": 30}])
    assert above.value == truth["qual_gt_30"]
    overlapping = truth.get("region_query", {}).get("bcftools_view_r_overlap")
    if overlapping is not None:
        there = run(context, "count_variants", prove=False, regions=[truth["region_query"]["region"]])
        assert there.value == overlapping


def test_genotype_classes(run, context, readable, truth):
    if truth["samples"] == 0 or truth.get("gt_queryable") is False:
        with pytest.raises(ToolError, match="no samples" if truth["samples"] == 0 else "no FORMAT/GT"):
            run(context, "sample_statistics")
        return
    found = run(context, "sample_statistics", prove=False).value
    per_sample = truth.get("genotypes_per_sample") or truth["genotypes_first_20_samples"]
    for sample, classes in per_sample.items():
        expected = dict.fromkeys(CLASSES.values(), 0) | {CLASSES[k]: n for k, n in classes.items()}
        expected["missing"] += expected["partly_missing"]  # as the tool's measure defines it
        assert {k: found[sample][k] for k in expected} == expected, sample
    total = Counter()
    for counts in found.values():
        total.update({k: counts[name] for k, name in CLASSES.items()})
    total["missing"] -= total["partial_missing"]
    assert {k: n for k, n in total.items() if n} == truth["genotypes_total"]


def test_the_container_is_told(run, data_folder, library):
    folder = data_folder / "annotated"
    described = [
        run(library(folder / name), "describe_file", prove=False, about="version").text
        for name in ("bcsq/brentp__slivar__with-bcsq.vcf", "population/Zacharyr41__vcf-pg-loader__gnomad_subset.vcf.gz",
                     "snpeff_ann/sgkit-dev__bio2zarr__1kg_2020_chr20_annotations.bcf")
    ]  # fmt: skip
    assert [text.rpartition("(")[2].rstrip(").") for text in described] == ["vcf", "vcf.gz", "bcf"]


def test_de_novo_candidates(run, data_folder, library):
    """The child is heterozygous, and both parents are homozygous REF."""
    files = json.loads((data_folder / "truth.json").read_text())["files"]
    found, expected = {}, {}
    for name, truth in files.items():
        for child, trio in truth.get("trios", {}).items():
            expected[name, child] = trio["naive_de_novo_candidates"]
            genotypes = [{"genotype": "het", "samples": [child]},
                         {"genotype": "hom_ref", "samples": [trio["father"], trio["mother"]]}]  # fmt: skip
            context = library(data_folder / name)
            found[name, child] = run(context, "count_variants", prove=False, genotypes=genotypes).value
    assert found == expected


def test_the_data_folder_has_all_files(data_folder, request):
    """A truncated copy of the data would otherwise pass with fewer tests."""
    listed = [line.split("\t")[0] for line in Path(data_folder / "manifest.tsv").read_text().splitlines()]
    missing = [name for name in listed if name.startswith("annotated/") and not (data_folder / name).exists()]
    assert missing == []
