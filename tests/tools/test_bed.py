"""Records inside and outside the regions of a BED, against a plain reading of both texts and against bcftools."""

import gzip
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from make_vcf import bgzip, record, write_vcf
from reference import bcftools, count
from vcf_agent.memory.errors import ToolError

quick = settings(
    max_examples=4, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)  # fmt: skip
spans = st.lists(st.tuples(st.sampled_from(["chr1", "chr2"]), st.integers(0, 300), st.integers(0, 40)), min_size=1)
sites = st.lists(
    st.tuples(
        st.sampled_from(["chr1", "chr2"]),
        st.integers(1, 330),
        st.sampled_from([("A", "C"), ("ACGTACGT", "A"), ("A", "C,<DEL>"), ("A", "ATT"), ("AC", "GT,A")]),
        st.sampled_from([".", "END=350"]),
    ),
    min_size=5,
    max_size=40,
)


def write(folder: Path, drawn: list) -> Path:
    lines = [record(pos, ref, alt, chrom=c, info=info if "<" in alt else ".", samples=["0/1"])
             for c, pos, (ref, alt), info in sorted(drawn)]  # fmt: skip
    return bgzip(write_vcf(folder / "some.vcf", lines, ["one"]), index=True)


def by_hand(drawn: list, regions: list[tuple[str, int, int]], by_pos: bool) -> int:
    found = 0
    for chrom, pos, (ref, alt), info in drawn:
        end = 350 if "<" in alt and info != "." else pos + len(ref) - 1
        end = pos if by_pos else end
        found += any(c == chrom and pos <= start + length and end > start and length for c, start, length in regions)
    return found


@quick
@given(sites, spans)
def test_inside_and_outside_by_hand_and_by_bcftools(tmp_path_factory, library, run, drawn, regions):
    folder = tmp_path_factory.mktemp("bed")
    context = library(write(folder, drawn))
    context.folder = folder
    (folder / "r.bed").write_text("".join(f"{c}\t{start}\t{start + n}\tx\n" for c, start, n in regions))
    for overlap in ("record", "pos"):
        inside = by_hand(drawn, regions, overlap == "pos")
        for argument, expected in (("inside_bed", inside), ("outside_bed", len(drawn) - inside)):
            result = run(context, "count_variants", **{argument: "r.bed"}, bed_overlap=overlap)
            assert result.value == expected
            if any(n for _, _, n in regions):
                assert result.evidence[0].verified is True, result.evidence[0].note
    snps = run(context, "count_variants", inside_bed="r.bed", types=["snp"], genotypes=[{"genotype": "het"}])
    assert snps.value == count(
        bcftools(
            f"view -H -T {folder / 'r.bed'} --targets-overlap 1 -i 'TYPE~\"snp\"'", context.datasets[0].dataset.path
        )
    )


@pytest.fixture(scope="module")
def some(tmp_path_factory, library):
    chance = random.Random(3)
    folder = tmp_path_factory.mktemp("bed")
    lines = [record(pos, chrom=c, samples=["0/1"]) for c in ("chr1", "chr2") for pos in
             sorted(chance.sample(range(1, 900_000), 300))]  # fmt: skip
    context = library(bgzip(write_vcf(folder / "many.vcf", lines, ["one"]), index=True))
    context.folder = folder
    return context


def bed(context, name: str, text: str, packed: bool = False) -> str:
    content = gzip.compress(text.encode()) if packed else text.encode()
    (context.folder / name).write_bytes(content)
    return name


def test_two_beds_and_a_region_at_once(some, run):
    inside = bed(some, "in.bed", "chr1\t0\t500000\nchr1\t400000\t600000\nchr2\t10\t20000\n")
    outside = bed(some, "out.bed.gz", "track name=x\n#c\n\nchr1\t100000\t200000\n", packed=True)
    result = run(some, "count_variants", inside_bed=inside, outside_bed=outside)
    path = some.datasets[0].dataset.path
    one = count(bcftools(f"view -H -t chr1:1-100000,chr1:200001-600000,chr2:11-20000 {''}", path))
    assert result.value == one > 0
    both = run(some, "count_variants", inside_bed=inside, regions=["chr1"])
    assert both.evidence[0].verified is True
    assert both.value == count(bcftools("view -H -r chr1:1-600000", path))
    listed = run(some, "list_variants", inside_bed=inside, limit=1000).value
    assert len(listed) == len(set(listed)) == run(some, "count_variants", inside_bed=inside).value
    unindexed = run(some, "count_variants", not_regions=["chr2"], outside_bed="in.bed")
    assert unindexed.evidence[0].verified is True, unindexed.evidence[0].note


def test_names_of_contigs(some, run):
    renamed = run(some, "count_variants", inside_bed=bed(some, "bare.bed", "1\t0\t500000\n7\t1\t2\n7\t5\t6\n"))
    assert renamed.value == run(some, "count_variants", regions=["chr1:1-500000"]).value
    assert "its 1 is chr1 here" in " ".join(renamed.reading)
    assert "2 regions of bare.bed lie on contigs that many does not have: 7" in " ".join(renamed.reading)
    assert renamed.evidence[0].command is None
    with pytest.raises(ToolError, match=r"None of the contigs of other.bed"):
        run(some, "count_variants", inside_bed=bed(some, "other.bed", "scaffold\t0\t5\n"))


@pytest.mark.parametrize(
    ("line", "told"),
    [("chr1\t5", "Line 2"), ("chr1\t9\t5", "Line 2"), ("chr1\tx\t5", "Line 2"), ("chr1\t-1\t5", "Line 2"),
     ("chr1\t1\t99999999999999", "Line 2"), ("\x1b[31mchr1", "Line 2")],
)  # fmt: skip
def test_bad_lines_are_named(some, run, line, told):
    with pytest.raises(ToolError, match=told) as problem:
        run(some, "count_variants", inside_bed=bed(some, "bad.bed", f"chr1\t1\t2\n{line}\n"))
    assert "\x1b" not in str(problem.value)


def test_files_that_are_no_bed(some, run):
    with pytest.raises(ToolError, match="no file"):
        run(some, "count_variants", inside_bed="nowhere.bed")
    with pytest.raises(ToolError, match="outside"):
        run(some, "count_variants", outside_bed="/etc/passwd")
    (some.folder / "cut.bed.gz").write_bytes(gzip.compress(b"chr1\t1\t2\n" * 1000)[:30])
    with pytest.raises(ToolError, match=r"cut\.bed\.gz cannot be read"):
        run(some, "count_variants", inside_bed="cut.bed.gz")
    empty = run(some, "count_variants", inside_bed=bed(some, "empty.bed", ""))
    assert (empty.value, empty.evidence[0].command) == (0, None)
    assert run(some, "count_variants", outside_bed="empty.bed").value == 600


def test_a_made_file_names_the_bed_without_its_folder(some, run):
    some_bed = bed(some, "in.bed", "chr1\t0\t500000\n")
    operations = [{"op": "set_ids"}, {"op": "filter", "inside_bed": some_bed, "not_regions": ["chr1:1-1000"]}]
    result = run(some, "make_file", operations=operations)
    path = Path(result.files[0])
    assert result.value == run(some, "count_variants", inside_bed=some_bed, not_regions=["chr1:1-1000"]).value > 0
    assert result.evidence[0].verified is True
    assert str(some.folder) not in bcftools("view -h", path).split("##vcf_agent")[1]
    assert " in.bed" in result.evidence[0].command
