"""New files, each record for record what the bcftools on PATH makes by a command written by hand."""

import json
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from make_vcf import DECLARED, bgzip, record, write_vcf
from reference import bcftools
from vcf_agent.memory.errors import ToolError
from vcf_agent.tools.validation.validate import validate

HOSTILE = "CHILD; rm -rf /"
SAMPLES = ["A,B", HOSTILE, "^MUM", "dad"]
BCFTOOLS = shutil.which("bcftools")
needs_bcftools = pytest.mark.skipif(BCFTOOLS is None, reason="the oracle is the bcftools on PATH")
DECLARED_HERE = [*DECLARED, '##INFO=<ID=AN,Number=1,Type=Integer,Description="Alleles called">']


def some_records(seed: int = 5, contigs: tuple[str, ...] = ("chr1", "chr2")) -> list[str]:
    """Records with several ALT alleles, duplicates, missing, phased and haploid genotypes, missing depths."""
    chance = random.Random(seed)
    made = []
    for contig in contigs:
        for pos in sorted(chance.randrange(50, 9000) for _ in range(60)):
            ref = chance.choice("ACGT")
            alts = chance.sample([b for b in ["A", "C", "G", "T", ref + "TT"] if b != ref], chance.choice([1, 1, 1, 2]))
            calls = [call(chance, len(alts)) for _ in SAMPLES]
            line = record(pos, ref, ",".join(alts), chrom=contig, qual=chance.choice([".", 10, 29.5, 300]),
                          id=chance.choice([".", f"rs{pos}"]), filter=chance.choice([".", "PASS", "q10", "q10;s50"]),
                          info=f"DP={chance.randrange(60)};AC={','.join('1' for _ in alts)};AN=2;NOTE=x",
                          format="GT:DP:GQ", samples=calls)  # fmt: skip
            made += [line] * chance.choice([1, 1, 1, 1, 2])
    return made


def call(chance: random.Random, alleles: int) -> str:
    one = [str(chance.randrange(alleles + 1)) if chance.random() > 0.1 else "." for _ in range(2)]
    gt = one[0] if chance.random() < 0.1 else chance.choice("/|").join(one)
    return f"{gt}:{chance.choice(['.', chance.randrange(40)])}:{chance.choice(['.', chance.randrange(60)])}"


@pytest.fixture(scope="module")
def cohort_file(tmp_path_factory):
    path = write_vcf(tmp_path_factory.mktemp("made") / "cohort.vcf", some_records(), SAMPLES, DECLARED_HERE)
    return bgzip(path, index=True)


@pytest.fixture(scope="module")
def made_cohort(library, cohort_file):
    return library(cohort_file)


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """The lists that the commands below read."""
    folder = tmp_path_factory.mktemp("lists")
    (folder / "contigs").write_text("chr1 1\n")
    (folder / "bare").write_text("chr1 1\nchr2 2\n")
    (folder / "names").write_text("CHILD;\\ rm\\ -rf\\ / x\\ y;z\ndad DAD\n")
    (folder / "two").write_text(f"dad\n{HOSTILE}\n")
    (folder / "three").write_text(f"A,B\n{HOSTILE}\ndad\n")
    (folder / "all").write_text("".join(f"{s}\n" for s in SAMPLES))
    return folder


def body(path: Path) -> list[str]:
    """The line of sample names and the records, as the bcftools on PATH reads them."""
    text = subprocess.run([BCFTOOLS, "view", str(path)], capture_output=True, text=True, check=True).stdout
    return [line for line in text.splitlines() if not line.startswith("##")]


def shell(line: str, source: Path, folder: Path) -> list[str]:
    line = line.replace("FILE", str(source)).replace("LISTS", str(folder))
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True, check=True)
    return [row for row in done.stdout.splitlines() if not row.startswith("##")]


CASES = {
    "filter": ([{"op": "filter", "where": [{"field": "QUAL", "op": ">", "value": 20}]}],
               "bcftools view -i 'QUAL>20' FILE"),
    "region": ([{"op": "filter", "regions": ["chr1:100-4000"]}], "bcftools view -r chr1:100-4000 FILE"),
    "two regions": ([{"op": "filter", "regions": ["chr1:100-4000", "chr2:1-500"]}],
                    "bcftools view -t chr1:100-4000,chr2:1-500 --targets-overlap 1 FILE"),
    "region in a pipe": ([{"op": "set_ids"}, {"op": "filter", "regions": ["chr2"], "types": ["snp"]}],
                         "bcftools annotate --set-id %CHROM:%POS:%REF:%ALT FILE | "
                         "bcftools view -t chr2 -i 'TYPE~\"snp\"'"),
    "filter by filter": ([{"op": "filter", "filters": ["PASS"]}], "bcftools view -f PASS FILE"),
    "genotype": ([{"op": "filter", "genotypes": [{"genotype": "het", "samples": ["dad"]}]}],
                 "bcftools view -i 'GT[3]=\"het\"' FILE"),
    "soft filter": ([{"op": "soft_filter", "name": "Low", "marked":
                      {"where": [{"field": "INFO/DP", "op": "<", "value": 20}], "types": ["snp"]}}],
                    "bcftools filter -s Low -m + -e 'TYPE~\"snp\" && INFO/DP<20' FILE"),
    "set missing": ([{"op": "set_missing", "min_dp": 10, "min_gq": 20}],
                    "bcftools filter -S . -e 'FMT/DP<10 | FMT/GQ<20' FILE"),
    "subset": ([{"op": "subset_samples", "samples": ["dad", HOSTILE]}], "bcftools view -S LISTS/two FILE"),
    "subset carried": ([{"op": "subset_samples", "samples": ["dad", HOSTILE], "only_carried": True}],
                       "bcftools view -c 1 -S LISTS/two FILE"),
    "remove": ([{"op": "remove_samples", "samples": ["^MUM"]}], "bcftools view -S LISTS/three FILE"),
    "rename samples": ([{"op": "rename_samples", "names": {HOSTILE: "x y;z", "dad": "DAD"}}],
                       "bcftools reheader -s LISTS/names FILE | bcftools view"),
    "rename contigs": ([{"op": "rename_contigs", "names": {"chr1": "1"}}],
                       "bcftools annotate --rename-chrs LISTS/contigs FILE"),
    "no prefix": ([{"op": "rename_contigs", "prefix": "remove"}], "bcftools annotate --rename-chrs LISTS/bare FILE"),
    "split": ([{"op": "split_alleles"}], "bcftools norm -m -any FILE"),
    "split snps": ([{"op": "split_alleles", "kinds": "snps"}], "bcftools norm -m -snps FILE"),
    "deduplicate": ([{"op": "deduplicate"}], "bcftools norm -d exact FILE"),
    "sort": ([{"op": "sort"}], "bcftools sort FILE"),
    "drop fields": ([{"op": "drop_fields", "fields": ["INFO/DP", "FORMAT/GQ", "ID", "QUAL"]}],
                    "bcftools annotate -x INFO/DP,FORMAT/GQ,ID,QUAL FILE"),
    "keep fields": ([{"op": "keep_fields", "fields": ["INFO/AC", "INFO/AN", "FORMAT/GT"]}],
                    "bcftools annotate -x ^INFO/AC,INFO/AN FILE | bcftools annotate -x ^FORMAT/GT"),
    "ids": ([{"op": "set_ids", "only_missing": True}], "bcftools annotate --set-id +%CHROM:%POS:%REF:%ALT FILE"),
    "thin": ([{"op": "thin", "window": 500}], "bcftools +prune -w 500bp -n 1 -N 1st FILE"),
    "sites": ([{"op": "drop_genotypes"}], "bcftools view -G FILE"),
    "several": ([{"op": "filter", "filters": ["PASS", "."]}, {"op": "split_alleles"},
                 {"op": "subset_samples", "samples": ["dad", HOSTILE]}, {"op": "drop_fields", "fields": ["FORMAT/DP"]}],
                "bcftools view -f PASS,. FILE | bcftools norm -m -any | bcftools view -S LISTS/two | "
                "bcftools annotate -x FORMAT/DP"),
}  # fmt: skip


PROVED = {"filter", "region in a pipe", "rename samples", "subset", "sort", "several"}
"""The others are proved the same way, and each proof takes half a second."""


@needs_bcftools
@pytest.mark.parametrize("name", CASES)
def test_records_are_those_of_bcftools(run, made_cohort, cohort_file, listed, name):
    operations, line = CASES[name]
    form = {"filter": "bcf", "sort": "vcf"}.get(name, "vcf.gz")
    prove = name in PROVED
    result = run(made_cohort, "make_file", operations=operations, format=form, prove=prove)
    made = Path(result.files[0])
    assert body(made) == shell(line, cohort_file, listed)
    assert result.value == len(body(made)) - 1 > 0
    evidence = result.evidence[0]
    assert evidence.verified is (True if prove else None), evidence.note
    assert evidence.command
    assert form == "vcf" or any(Path(f"{made}{i}").exists() for i in (".tbi", ".csi"))


def test_join(run, made_cohort, cohort_file):
    """Against the bundled bcftools, since older ones lose the phase of joined genotypes."""
    operations = [{"op": "split_alleles"}, {"op": "join_alleles"}]
    result = run(made_cohort, "make_file", operations=operations, format="vcf")
    expected = bcftools("norm -m -any >> norm -m +any", cohort_file)
    ours, theirs = ([r for r in t.splitlines() if r[:2] != "##"] for t in (Path(result.files[0]).read_text(), expected))
    assert ours == theirs and result.evidence[0].verified


@needs_bcftools
def test_the_printed_command_makes_the_same_records(run, made_cohort, listed):
    for name in ("several", "rename samples", "subset", "two regions", "soft filter"):
        result = run(
            made_cohort,
            "make_file",
            operations=CASES[name][0],
            name=f"printed-{name.replace(' ', '-')}.vcf",
            prove=False,
        )
        made = Path(result.files[0])
        command = result.evidence[0].command.replace(made.name, "again.vcf")
        subprocess.run(["bash", "-c", command], check=True, cwd=made_cohort.folder, capture_output=True)
        assert body(made) == body(made.with_name("again.vcf"))
        made.with_name("again.vcf").unlink()


@needs_bcftools
def test_frequencies_are_those_of_fill_tags(run, made_cohort, cohort_file, listed):
    result = run(made_cohort, "make_file", operations=[{"op": "recompute"}], format="vcf")
    query = "bcftools query -f '%CHROM %POS %REF %ALT %AC %AN %AF\\n'"
    ours = shell(f"{query} FILE", Path(result.files[0]), listed)
    theirs = shell(f"bcftools +fill-tags FILE -- -t AC,AN,AF | {query}", cohort_file, listed)
    assert ours == theirs


@needs_bcftools
def test_one_low_value_may_mask_the_whole_record(run, made_cohort, cohort_file, listed):
    operations = [{"op": "set_missing", "min_dp": 10, "min_gq": 20, "scope": "record"}]
    made = run(made_cohort, "make_file", operations=operations).files[0]
    query = "bcftools query -f '%POS[ %GT]\\n' FILE | tr '|' '/'"
    ours = shell(query, Path(made), listed)
    theirs = shell("bcftools +setGT FILE -- -t q -n . -i 'FMT/DP<10 || FMT/GQ<20' | " + query.replace(" FILE", ""),
                   cohort_file, listed)  # fmt: skip
    assert [re.sub(r"(?<= )\./\.|(?<= )\.(?= |$)", "-", row) for row in ours] == [
        re.sub(r"(?<= )\./\.|(?<= )\.(?= |$)", "-", row) for row in theirs
    ]


quick = settings(max_examples=3, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
                 suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])  # fmt: skip


@quick
@given(st.integers(1, 10**6), st.integers(1, 40), st.integers(0, 30))
def test_low_genotypes_and_no_others_become_missing(run, library, tmp_path_factory, seed, depth, quality):
    path = tmp_path_factory.mktemp("random") / f"random{seed}.vcf"
    write_vcf(path, some_records(seed, ("chr1",)), SAMPLES, DECLARED_HERE)
    operations = [{"op": "set_missing", "min_dp": depth, "min_gq": quality}]
    result = run(library(path), "make_file", operations=operations, format="vcf", prove=False)
    before, after = (
        [line.split("\t")[9:] for line in p.read_text().splitlines() if not line.startswith("#")]
        for p in (path, Path(result.files[0]))
    )
    for one, other in zip(before, after, strict=True):
        for was, now in zip(one, other, strict=True):
            gt, dp, gq = was.split(":")
            low = (dp != "." and int(dp) < depth) or (gq != "." and int(gq) < quality)
            alleles = re.split(r"[/|]", now.split(":")[0])
            assert (set(alleles) == {"."} and len(alleles) == len(re.split(r"[/|]", gt))) if low else now == was


def test_a_filter_that_bcftools_cannot_say_goes_by_the_table(run, made_cohort):
    wanted = {"where": [{"field": "cohort_AF", "op": "<", "value": 0.3}]}
    counted = run(made_cohort, "count_variants", **wanted).value
    made = run(made_cohort, "make_file", operations=[{"op": "filter", **wanted}], format="vcf")
    assert made.value == counted > 0
    with pytest.raises(ToolError, match="first operation"):
        run(made_cohort, "make_file", operations=[{"op": "set_ids"}, {"op": "filter", **wanted}])


@needs_bcftools
def test_tables(run, made_cohort, cohort_file, listed):
    columns = ["INFO/DP", "FORMAT/GT", "FORMAT/DP"]
    wide = Path(run(made_cohort, "make_file", format="tsv", columns=columns).files[0]).read_text().splitlines()
    fixed = r"%CHROM\t%POS\t%ID\t%REF\t%ALT\t%QUAL\t%FILTER\t%INFO/DP"
    assert wide[1:] == shell(rf"bcftools query -f '{fixed}[\t%GT][\t%DP]\n' FILE", cohort_file, listed)
    assert wide[0].split("\t")[7:] == ["INFO/DP", *(f"{s}:{f}" for f in ("GT", "DP") for s in SAMPLES)]
    long = run(made_cohort, "make_file", format="tsv", columns=columns, layout="long")
    expected = shell(rf"bcftools query -f '[{fixed}\t%SAMPLE\t%GT\t%DP\n]' FILE", cohort_file, listed)
    assert Path(long.files[0]).read_text().splitlines()[1:] == expected
    assert long.value == len(expected)
    bed = Path(run(made_cohort, "make_file", format="bed").files[0]).read_text().splitlines()
    assert bed == shell(r"bcftools query -f '%CHROM\t%POS0\t%END\t%ID\n' FILE", cohort_file, listed)


def test_parquet_holds_what_the_tsv_holds(run, made_cohort):
    import pyarrow.parquet as pq

    asked = {"columns": ["INFO/DP", "FORMAT/GT", "FORMAT/DP"], "layout": "long"}
    tsv = Path(run(made_cohort, "make_file", format="tsv", **asked).files[0]).read_text().splitlines()
    table = pq.read_table(run(made_cohort, "make_file", format="parquet", **asked).files[0])
    assert table.column_names == tsv[0].split("\t")
    assert str(table.schema.field("POS").type) == "int64" == str(table.schema.field("DP").type)
    shown = [["." if v is None else f"{v:g}" if isinstance(v, float) else str(v) for v in row.values()]
             for row in table.to_pylist()]  # fmt: skip
    assert shown == [line.split("\t") for line in tsv[1:]]


def test_an_empty_parquet_table(run, made_cohort):
    import pyarrow.parquet as pq

    nothing = [{"op": "filter", "where": [{"field": "QUAL", "op": ">", "value": 9999}]}]
    result = run(made_cohort, "make_file", operations=nothing, format="parquet")
    assert result.value == 0 == pq.read_table(result.files[0]).num_rows


@needs_bcftools
def test_split_by_contig_and_by_sample(run, made_cohort, cohort_file, listed):
    parts = run(made_cohort, "make_file", split_by="contig", name="parts.vcf.gz")
    assert [Path(f).name for f in parts.files] == ["parts.chr1.vcf.gz", "parts.chr2.vcf.gz"]
    assert body(Path(parts.files[1])) == shell("bcftools view -r chr2 FILE", cohort_file, listed)
    samples = run(made_cohort, "make_file", split_by="sample", name="one.bcf", format="bcf")
    assert len(samples.files) == 4 and all(Path(f).parent == Path(samples.files[0]).parent for f in samples.files)
    (listed / "one").write_text(f"{HOSTILE}\n")
    assert body(Path(samples.files[1])) == shell("bcftools view -S LISTS/one FILE", cohort_file, listed)


@needs_bcftools
def test_left_aligned_records(run, opened, tmp_path):
    (tmp_path / "ref.fa").write_text(">chr1\n" + "ACGTTTTTTTGCAGCAGCATCC" + "A" * 200 + "\n")
    path = write_vcf(tmp_path / "r.vcf", [record(10, "T", "TT"), record(15, "CAGC", "C"), record(19, "A", "C")])
    context = opened(path)
    result = run(context, "make_file", operations=[{"op": "left_align"}], reference="ref.fa", format="vcf")
    expected = shell(f"bcftools norm -f {tmp_path}/copy.fa FILE | bcftools sort", path, tmp_path) if shutil.copy(
        tmp_path / "ref.fa", tmp_path / "copy.fa") else []  # fmt: skip
    assert body(Path(result.files[0])) == expected
    assert not (tmp_path / "ref.fa.fai").exists()
    with pytest.raises(ToolError, match="outside of the folders"):
        run(context, "make_file", operations=[{"op": "left_align"}], reference="../../etc/passwd")
    with pytest.raises(ToolError, match="needs the reference"):
        run(context, "make_file", operations=[{"op": "left_align"}])


@pytest.fixture
def two(opened, tmp_path):
    """Two files that share a sample's name and some positions."""
    first = [record(100, "A", "C", format="GT", samples=["0/1"]), record(200, "A", "G", format="GT", samples=["1/1"])]
    second = [record(100, "A", "T", format="GT", samples=["1/1"]), record(300, "C", "G", format="GT", samples=["0/1"])]
    context = opened(bgzip(write_vcf(tmp_path / "a.vcf", first, ["kim"]), index=True))
    other = opened(write_vcf(tmp_path / "b.vcf", second, ["kim"]))
    context.datasets += other.datasets
    return context


@needs_bcftools
@pytest.mark.parametrize(("absent", "option"), [("missing", ""), ("reference", "-0 ")])
def test_merge(run, two, tmp_path, absent, option):
    merge = {"op": "merge", "datasets": ["b"], "absent": absent}
    with pytest.raises(ToolError, match="have a sample 'kim'"):
        run(two, "make_file", dataset="a", operations=[merge])
    result = run(two, "make_file", dataset="a", operations=[merge | {"same_names": "number"}], format="vcf")
    bgzip(tmp_path / "b.vcf", index=True)
    line = f"bcftools merge --force-samples {option}FILE {tmp_path}/b.vcf.gz"
    assert body(Path(result.files[0])) == shell(line, tmp_path / "a.vcf.gz", tmp_path)


@needs_bcftools
def test_concatenate(run, two, tmp_path):
    operations = [{"op": "concatenate", "datasets": ["b"]}]
    result = run(two, "make_file", dataset="a", operations=operations, format="vcf")
    bgzip(tmp_path / "b.vcf", index=True)
    line = f"bcftools concat -a FILE {tmp_path}/b.vcf.gz"
    assert body(Path(result.files[0])) == shell(line, tmp_path / "a.vcf.gz", tmp_path)
    with pytest.raises(ToolError, match="not the first operation"):
        run(two, "make_file", dataset="a", operations=[{"op": "sort"}, *operations])


def test_nothing_is_overwritten(run, made_cohort):
    first = run(made_cohort, "make_file", name="kept.vcf")
    content = Path(first.files[0]).read_bytes()
    with pytest.raises(ToolError, match="exists, and nothing is overwritten"):
        run(made_cohort, "make_file", name="kept.vcf", operations=[{"op": "drop_genotypes"}])
    assert Path(first.files[0]).read_bytes() == content
    derived = [run(made_cohort, "make_file", operations=[{"op": "sort"}], prove=False).files[0] for _ in range(2)]
    assert len(set(derived)) == 2


@pytest.mark.parametrize(
    "name",
    ["../x.vcf", "/tmp/x.vcf", "a/b.vcf", "..", ".hidden.vcf", "-o.vcf", "x.vcf\n", "x\0.vcf", "x.txt", "x", "a\\b.vcf",
     "", "x" * 300 + ".vcf", "x.vcf "],
)  # fmt: skip
def test_names_that_are_refused(run, made_cohort, name):
    before = files_in(made_cohort)
    if name == "":
        assert run(made_cohort, "make_file", name=name, prove=False).files  # no name: one is derived
        return
    with pytest.raises(ToolError):
        run(made_cohort, "make_file", name=name)
    assert files_in(made_cohort) == before


def files_in(context) -> set[str]:
    """All files beside the workspace's tables."""
    folders = (context.workspace / "exports", context.folder)
    return {str(p) for folder in folders if folder.exists() for p in folder.rglob("*")}


def test_a_link_does_not_lead_out(run, opened, example, tmp_path):
    context = opened(write_vcf(tmp_path / "x.vcf", [record()]))
    (tmp_path / "elsewhere").mkdir()
    (context.workspace / "exports").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ToolError, match="is a link"):
        run(context, "make_file")
    assert not list((tmp_path / "elsewhere").iterdir())


FAILURES = {
    "a sample that is not there": [{"op": "subset_samples", "samples": ["nobody"]}],
    "nobody left": [{"op": "remove_samples", "samples": SAMPLES}],
    "a contig that is not there": [{"op": "rename_contigs", "names": {"chr9": "9"}}],
    "a contig with spaces": [{"op": "rename_contigs", "names": {"chr1": "a b"}}],
    "two contigs of one name": [{"op": "rename_contigs", "names": {"chr1": "chr2"}}],
    "two samples of one name": [{"op": "rename_samples", "names": {"dad": "A,B"}}],
    "a sample with a tab": [{"op": "rename_samples", "names": {"dad": "a\tb"}}],
    "a field that is not there": [{"op": "drop_fields", "fields": ["INFO/NOPE"]}],
    "a field with a command in it": [{"op": "keep_fields", "fields": ["INFO/DP,^x"]}],
    "genotypes after other samples": [{"op": "remove_samples", "samples": ["dad"]},
                                      {"op": "filter", "genotypes": [{"genotype": "het", "samples": ["A,B"]}]}],
    "a region after other contigs": [{"op": "rename_contigs", "prefix": "remove"},
                                     {"op": "filter", "regions": ["chr1"]}],
    "PASS": [{"op": "soft_filter", "name": "PASS", "marked": {"types": ["snp"]}}],
    "a filter with a line break": [{"op": "soft_filter", "name": "a\nb", "marked": {"types": ["snp"]}}],
    "nothing to mark": [{"op": "soft_filter", "name": "Low", "marked": {}}],
    "an unknown operation": [{"op": "phase"}],
    "an unknown argument": [{"op": "sort", "by": "QUAL"}],
    "another file inside": [{"op": "filter", "dataset": "other"}],
    "no genotypes any more": [{"op": "drop_genotypes"}, {"op": "set_missing", "min_dp": 3}],
    "merge with nothing": [{"op": "merge", "datasets": ["nope"], "absent": "missing"}],
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_leaves_nothing(run, made_cohort, name):
    before = files_in(made_cohort)
    with pytest.raises(ToolError):
        run(made_cohort, "make_file", operations=FAILURES[name])
    assert files_in(made_cohort) == before


def test_bcftools_failing_in_the_middle_leaves_nothing(run, opened, tmp_path):
    late = [record(p) for p in range(5, 3000)] + [record(2)]
    context = opened(write_vcf(tmp_path / "unsorted.vcf", late))
    with pytest.raises(ToolError, match='"op": "sort"'):
        run(context, "make_file", operations=[{"op": "set_ids"}])
    assert not (context.workspace / "exports").exists()
    assert run(context, "make_file", operations=[{"op": "set_ids"}, {"op": "sort"}]).value == 2996


def test_the_header_tells_what_made_the_file_and_is_valid(run, opened, tmp_path):
    undeclared = [d for d in DECLARED if "contig" not in d and "q10" not in d and "ID=DP" not in d]
    path = write_vcf(tmp_path / "poor.vcf", [record(5, info="DP=4", filter="q10")], declared=undeclared)
    before = path.read_bytes()
    context = opened(path)
    first, second = (run(context, "make_file", operations=[{"op": "set_ids"}], format="vcf").files[0] for _ in "ab")
    text = Path(first).read_text()
    made = [line for line in text.splitlines() if line.startswith("##vcf_agent=")]
    assert len(made) == 1 and context.datasets[0].dataset.sha256 in made[0] and str(tmp_path) not in text
    assert text == Path(second).read_text().replace("-2.vcf", ".vcf")
    assert validate(Path(first), strict=False, keep=5).valid
    assert path.read_bytes() == before


def test_the_command_line_names_the_file(made_cohort, cohort_file, tmp_path):
    from click.testing import CliRunner
    from vcf_agent.ui.cli import cli

    arguments = {"operations": [{"op": "subset_samples", "samples": ["dad"]}], "name": "dad.bcf"}
    done = CliRunner().invoke(cli, ["tool", "make_file", str(cohort_file), "--workspace", str(tmp_path / "w"),
                                    "--args", json.dumps(arguments), "--json"], standalone_mode=False)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["files"] == [str(tmp_path / "w" / "exports" / "dad.bcf")]
