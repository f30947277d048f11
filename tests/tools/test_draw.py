"""Pictures: the figure has the table's numbers, and these are bcftools' and those of a reading of the text."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from make_vcf import record, write_vcf
from random_family import PEDIGREE, SAMPLES, lines_of, read, write
from reference import bcftools, count, lines, rows
from vcf_agent.memory.errors import ToolError
from vcf_agent.tools.bins import MOST, bins_of

quick = settings(
    max_examples=3, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)  # fmt: skip
random_lines = st.lists(lines_of(True), min_size=30, max_size=60)

OF_COHORT = [
    {"picture": "titv"}, {"picture": "substitutions"}, {"picture": "types"}, {"picture": "indel_sizes"},
    {"picture": "quality"}, {"picture": "depth"}, {"picture": "depth", "of": "sample"}, {"picture": "spectrum"},
    {"picture": "density"}, {"picture": "density", "window": 10_000_000}, {"picture": "missingness"},
    {"picture": "missingness", "of": "site"}, {"picture": "heterozygosity"},
    {"picture": "carriers", "genes": ["CFTR"]},
]  # fmt: skip


def drawn(result):
    """The traces of the only figure, as anybody who reads the JSON gets them."""
    (figure,) = json.loads(json.dumps(result.to_json()))["figures"]
    assert set(figure) == {"name", "figure", "alt"}
    assert figure["alt"].endswith(".")
    return figure["figure"]["data"]


def marks(result):
    """The numbers of the bars or points, in the order of the table."""
    return [y for trace in drawn(result) for y in trace["y"]]


@pytest.mark.parametrize("arguments", OF_COHORT, ids=lambda a: "-".join(map(str, a.values())))
@pytest.mark.parametrize("conditions", [{}, {"filters": ["PASS"], "types": ["snp"]}], ids=["all", "some"])
def test_every_picture_is_proved_and_has_few_marks(cohort, run, arguments, conditions):
    result = run(cohort, "draw", **arguments, **conditions)
    evidence = result.evidence[0]
    assert evidence.verified is True, (evidence.command, evidence.note)
    text = json.dumps(result.figures)
    assert "bdata" not in text
    assert len(text) < 40_000
    assert all(axis in result.figures[0]["figure"]["layout"] for axis in ("xaxis", "yaxis", "title"))


@pytest.mark.parametrize("picture", ["titv", "substitutions", "types", "indel_sizes", "quality", "depth", "spectrum"])
def test_the_figure_has_the_numbers_of_the_table_and_of_the_value(cohort, run, picture):
    result = run(cohort, "draw", prove=False, picture=picture)
    numbers = [row[-1] for row in result.tables[0].rows]
    assert marks(result) == numbers
    assert sorted(result.value.values()) == sorted(numbers)
    x = [x for trace in drawn(result) for x in trace["x"]]
    assert x == [row[0] for row in result.tables[0].rows]


@pytest.mark.parametrize("picture", ["missingness", "heterozygosity"])
def test_the_bars_of_samples_stand_in_the_order_of_the_table(cohort, run, picture):
    result = run(cohort, "draw", prove=False, picture=picture)
    assert marks(result) == [row[1] for row in result.tables[0].rows] == sorted(result.value.values(), reverse=True)
    assert drawn(result)[0]["customdata"] == [row[0] for row in result.tables[0].rows]


def stats(path: Path, section: str, options: str = "") -> list[list[str]]:
    return [row for row in rows(bcftools(f"stats {options}", path)) if row[0] == section]


def test_against_the_sections_of_bcftools_stats(cohort, run, example):
    titv = run(cohort, "draw", prove=False, picture="titv")
    of_class = Counter()
    for _, kind, number in titv.tables[0].rows:
        of_class[kind] += number
    tstv = stats(example, "TSTV")[0]
    assert [of_class["transition"], of_class["transversion"]] == [int(tstv[2]), int(tstv[3])]
    changes = run(cohort, "draw", prove=False, picture="substitutions")
    assert changes.value == {row[2]: int(row[3]) for row in stats(example, "ST")}
    indels = run(cohort, "draw", prove=False, picture="indel_sizes")
    assert {row[0]: row[1] for row in indels.tables[0].rows} == {int(r[2]): int(r[3]) for r in stats(example, "IDD")}
    spectrum = run(cohort, "draw", prove=False, picture="spectrum")
    once = next(row for row in stats(example, "AF") if float(row[2]) == 0)
    assert spectrum.value["1"] == int(once[3]) + int(once[6])


def test_depth_against_the_section_of_bcftools_stats(cohort, run, example):
    depth = [(int(row[2]), int(row[5])) for row in stats(example, "DP", "-d 0,100000,1") if row[5] != "0"]
    table = run(cohort, "draw", prove=False, picture="depth", of="site").tables[0].rows
    for start, end, number in table:
        assert number == sum(n for d, n in depth if d >= start and (end is None or d <= end))
    assert sum(row[2] for row in table) == sum(n for _, n in depth) == 2000


def test_quality_against_the_text(cohort, run, example):
    quality = np.array([float(q) for q in lines(bcftools(r"query -f '%QUAL\n'", example)) if q != "."])
    table = run(cohort, "draw", prove=False, picture="quality").tables[0].rows
    for start, below, number in table:
        assert number == ((quality >= start) & (quality < (np.inf if below is None else below))).sum()
    # The section counts each type of a record once.
    snps = run(cohort, "draw", prove=False, picture="quality", types=["snp"])
    assert sum(snps.value.values()) == sum(int(row[3]) for row in stats(example, "QUAL"))


@quick
@given(random_lines)
def test_pictures_of_genotypes_against_the_text(tmp_path_factory, library, run, drawn_lines):
    path = write(tmp_path_factory.mktemp("pictures"), drawn_lines)
    found, context = read(path), library(path)
    copies = Counter(
        sum(line.calls(s).count(str(i)) for s in SAMPLES) for line in found for i in range(1, len(line.alts) + 1)
    )
    spectrum = run(context, "draw", picture="spectrum")
    assert {row[0]: row[2] for row in spectrum.tables[0].rows if row[2]} == dict(copies)
    missing = Counter(sum("." in gt for gt in line.gt.values()) for line in found)
    by_site = run(context, "draw", picture="missingness", of="site")
    assert {row[0]: row[2] for row in by_site.tables[0].rows if row[2]} == dict(missing)
    depths = Counter(line.values[s]["DP"] for line in found for s in SAMPLES)
    depth = run(context, "draw", picture="depth", of="sample")
    assert {str(row[0]): row[2] for row in depth.tables[0].rows if row[2]} == {
        d: n for d, n in depths.items() if d != "."
    }
    for result in (spectrum, by_site, depth):
        assert result.evidence[0].verified is True, result.evidence[0].note
        assert marks(result) == [row[2] for row in result.tables[0].rows]
    het = run(context, "draw", picture="heterozygosity")
    assert het.evidence[0].verified is True, het.evidence[0].note
    for sample, share, hets, called in het.tables[0].rows:
        kinds = Counter(line.kind(sample) for line in found)
        assert hets == kinds["het"]
        assert called == kinds["het"] + kinds["hom_alt"] + kinds["hom_ref"]
        assert share == (round(hets / called, 6) if called else 0)


@quick
@given(random_lines)
def test_carriers_against_the_text(tmp_path_factory, library, run, drawn_lines):
    path = write(tmp_path_factory.mktemp("carriers"), drawn_lines)
    found, context = read(path), library(path)
    result = run(context, "draw", picture="carriers", genes=["G1"])
    edges = {
        (line.key, s, line.gt[s])
        for line in found
        if any(entry[3] == "G1" for entry in line.csq)
        for s in SAMPLES
        if "." not in line.gt[s] and set(line.calls(s)) != {"0"}
    }
    if not result.tables[0].truncated:
        assert {tuple(row[1:]) for row in result.tables[0].rows} == edges
    assert result.evidence[0].verified is True, result.evidence[0].note
    assert result.private
    segments = {t["name"]: len(t["x"]) // 3 for t in drawn(result) if t["mode"] == "lines"}
    pairs = {(row[0], row[1]) for row in result.tables[0].rows}
    assert segments.pop("variant of the gene", 0) == len(pairs)
    assert sum(segments.values()) == len(result.tables[0].rows)
    assert drawn(result) == drawn(run(context, "draw", prove=False, picture="carriers", genes=["G1"]))


def test_density_has_a_line_for_each_contig_and_every_record_in_a_cell(cohort, run, example):
    result = run(cohort, "draw", picture="density", window=50_000_000)
    (heat,) = drawn(result)
    assert heat["y"] == list(cohort.datasets[0].summary["contigs"])
    for contig, cells in zip(heat["y"], heat["z"], strict=True):
        assert sum(c or 0 for c in cells) == count(bcftools(f"view -H -t {contig}", example))
    told = {(contig, start): n for contig, start, _, n in result.tables[0].rows}
    cells = {
        (c, x): z for c, line in zip(heat["y"], heat["z"], strict=True) for x, z in zip(heat["x"], line, strict=True)
    }
    assert told == {place: n for place, n in cells.items() if n}


def test_contigs_that_are_not_drawn_are_said(tmp_path, opened, run):
    declared = [f"##contig=<ID=c{i},length=1000>" for i in range(40)]
    records = [record(n + 1, chrom=f"c{i}") for i in range(40) for n in range(2 if i < 10 else 1)]
    result = run(opened(write_vcf(tmp_path / "many.vcf", records, (), declared)), "draw", picture="density")
    assert len(drawn(result)[0]["y"]) == 30
    assert any("10 other contigs with 10 records are not" in r for r in result.reading)


def test_principal_components_are_coloured_by_the_pedigree(tmp_path, opened, run):
    calls = ["0/0", "0/1", "1/1"]
    records = [record(i + 1, samples=[calls[(i * k + k) % 3] for k in range(1, 6)]) for i in range(60)]
    context = opened(write_vcf(tmp_path / "pca.vcf", records, SAMPLES))
    plain = run(context, "draw", picture="pca")
    assert [t["name"] for t in drawn(plain)] == ["samples"]
    context.pedigree = PEDIGREE
    components = run(context, "principal_components").value
    for by, expected in (("family", {"F", "not in it"}), ("status", {"affected", "unaffected", "not known"})):
        result = run(context, "draw", picture="pca", colour_by=by)
        assert {t["name"] for t in drawn(result)} == expected
        points = {n: [x, y] for t in drawn(result) for n, x, y in zip(t["customdata"], t["x"], t["y"], strict=True)}
        assert points == components
        assert len({t["marker"]["color"] for t in drawn(result)}) == len(expected)
        assert len({t["marker"]["symbol"] for t in drawn(result)}) == len(expected)


HOSTILE = ['<a href="https://evil.example">x</a>', "</script><script>alert(1)</script>", "a&amp;b", "<b>bold</b>"]


def test_names_of_a_file_are_no_markup_in_a_figure(tmp_path, opened, run):
    records = [record(i + 1, samples=["0/1", "1/1", "0/0", "./."]) for i in range(5)]
    context = opened(write_vcf(tmp_path / "<b>evil.vcf", records, HOSTILE))
    for picture in ("missingness", "heterozygosity", "pca"):
        result = run(context, "draw", prove=False, picture=picture)
        text = json.dumps(result.figures[0]["figure"])
        assert "<a " not in text and "<script" not in text and "<b>" not in text and "</script" not in text
        assert {row[0] for row in result.tables[0].rows} == set(HOSTILE)
    shown = {label for t in drawn(run(context, "draw", picture="missingness")) for label in t["customdata"]}
    assert '&lt;a href="https://evil.example"&gt;x&lt;/a&gt;' in shown
    assert "a&amp;amp;b" in shown


def test_what_cannot_be_drawn_is_refused_with_a_way_out(tmp_path, opened, cohort, run):
    bare = opened(write_vcf(tmp_path / "bare.vcf", [record(5, info=".")], (), ["##contig=<ID=chr1>"]))
    for arguments, words in [
        ({"picture": "missingness"}, "no samples"),
        ({"picture": "spectrum"}, "no samples"),
        ({"picture": "depth"}, "neither INFO/DP nor FORMAT/DP"),
        ({"picture": "depth", "of": "site"}, "FORMAT/DP"),
        ({"picture": "depth", "of": "sample"}, "INFO/DP"),
    ]:
        with pytest.raises(ToolError, match=words):
            run(bare, "draw", **arguments)
    for arguments, words in [
        ({"picture": "carriers"}, "Name it"),
        ({"picture": "carriers", "genes": ["CFTRX"]}, "CFTR"),
        ({"picture": "titv", "of": "sample"}, "not with titv"),
        ({"picture": "quality", "window": 5}, "density"),
        ({"picture": "pie"}, "picture"),
        ({"picture": "pca", "colour_by": "family"}, "pedigree"),
    ]:
        with pytest.raises(ToolError, match=words):
            run(cohort, "draw", **arguments)


@pytest.mark.parametrize(
    "picture", ["titv", "substitutions", "types", "indel_sizes", "quality", "density", "spectrum", "missingness",
                "heterozygosity"],
)  # fmt: skip
def test_where_no_record_meets_the_conditions_the_picture_is_empty(cohort, run, picture):
    result = run(cohort, "draw", picture=picture, regions=["chr1:1-2"])
    assert not any(n for n in result.value.values())
    assert result.evidence[0].verified is not False


@given(
    st.lists(st.one_of(st.integers(0, 10**6), st.integers(0, 50)), min_size=1, max_size=60, unique=True),
    st.booleans(),
)
def test_bins_hold_every_value_once(values, whole):
    found = np.array(sorted(values), dtype=np.float64) / (1 if whole else 7)
    counts = np.arange(1, len(found) + 1)
    bins = bins_of(found, counts, whole)
    numbers = bins.count(found, counts)
    assert sum(numbers) == counts.sum()
    assert len(numbers) <= MOST + 3
    for start, end, number in zip(bins.starts(), bins.ends(), numbers, strict=True):
        last = np.inf if end is None else end + (0.5 if whole else 0)
        assert number == counts[(found >= start - 1e-9) & (found < last - (0 if whole else 1e-9))].sum()
