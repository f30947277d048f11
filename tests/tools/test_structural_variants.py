"""Structural variants against a reading of the text, and against bcftools."""

from collections import Counter
from pathlib import Path

import pysam
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from make_vcf import record, write_vcf
from reference import bcftools, lines
from vcf_agent.memory.errors import ToolError
from vcf_agent.tools.breakends import parse_breakend

quick = settings(
    max_examples=6, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)  # fmt: skip
DECLARED = [
    "##contig=<ID=chr1,length=1000000>", "##contig=<ID=chr2,length=1000000>",
    '##INFO=<ID=SVTYPE,Number=1,Type=String,Description="t">', '##INFO=<ID=END,Number=1,Type=Integer,Description="e">',
    '##INFO=<ID=SVLEN,Number=.,Type=Integer,Description="l">', '##INFO=<ID=CHR2,Number=1,Type=String,Description="c">',
    '##INFO=<ID=MATEID,Number=.,Type=String,Description="m">', '##INFO=<ID=EVENT,Number=1,Type=String,Description="v">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">',
]  # fmt: skip
FOUR = [
    record(100, "A", "<DEL>", id="d1", info="SVTYPE=DEL;END=900;SVLEN=-800"),
    record(500, "A", "<DEL>", id="d2", info="SVTYPE=DEL;END=3500;SVLEN=-3000"),
    record(2000, "T", "T[chr2:7000[", id="b1", info="SVTYPE=BND;MATEID=b2"),
    record(3000, "A", "<DUP:TANDEM>", id="u1", info="SVTYPE=DUP;SVLEN=1500"),
    record(5000, "G", "<INS>", id="i1", info="SVTYPE=INS;END=5000;SVLEN=300"),
    record(7000, "C", "]chr1:2000]C", chrom="chr2", id="b2", info="SVTYPE=BND;MATEID=b1"),
]
KINDS = ["DEL", "DUP", "INV", "INS", "CNV"]


@pytest.fixture(scope="module")
def four(tmp_path_factory, library):
    return library(write_vcf(tmp_path_factory.mktemp("four") / "sv.vcf", FOUR, (), DECLARED))


def ids(result) -> list[str]:
    return [row[0] for row in result.tables[1].rows]


def test_types_and_sizes_as_bcftools_counts_them(four, run):
    result = run(four, "structural_variants")
    assert result.value == {"DEL": 2, "BND": 2, "DUP": 1, "INS": 1}
    assert result.evidence[0].verified is True
    large = run(
        four, "structural_variants", sv_types=["del"], sizes=[{"op": ">", "value": 1000}], show="variants"
    )  # fmt: skip
    assert large.value == ["chr1:500:A:<DEL>"] and large.evidence[0].verified is True
    path = four.datasets[0].dataset.path
    told = bcftools("query -i 'SVTYPE=\"DEL\" && abs(SVLEN)>1000' -f '%ID\\n'", path)
    assert ids(large) == lines(told) == ["d2"]


def test_a_pair_of_breakends_is_one_event(four, run):
    result = run(four, "structural_variants", bnd="events", show="breakends")
    assert result.value == {"pairs": 1, "unpaired": 0, "single": 0, "inter-chromosomal": 1}
    assert result.tables[0].rows[-1][:2] != ["BND", 2] and "1 BND" in result.text
    assert result.tables[2].rows[0][:5] == ["chr1:2000", "b1", "chr2:7000", "b2", "inter-chromosomal"]
    near = run(four, "structural_variants", bnd="events", regions=["chr2"])
    assert near.value == {"BND": 1} and "1 pair" in near.text


def test_a_deletion_that_starts_before_the_region_counts(four, run):
    reaching = run(four, "structural_variants", regions=["chr1:800-1200"])
    assert ids(reaching) == ["d1", "d2"] and reaching.evidence[0].verified is True
    starting = run(four, "structural_variants", regions=["chr1:400-1200"], place="starts")
    assert ids(starting) == ["d2"] and starting.evidence[0].verified is True
    mutual = run(four, "structural_variants", regions=["chr1:201-1000"], reciprocal=0.8)
    assert ids(mutual) == ["d1"]
    assert ids(run(four, "structural_variants", regions=["chr1:4400-4450"])) == ["u1"]  # by SVLEN, without END
    assert ids(run(four, "structural_variants", regions=["chr1:10-20"])) == []


def test_a_missing_end_size_or_type_is_told(tmp_path, opened, run):
    written = [
        record(100, "A", "<DEL>", info="END=400"),
        record(200, "A", "<DEL>,<DUP>", info="SVLEN=50,70"),
        record(300, "G", "G.", info="SVTYPE=BND"),
        record(400, "G", "<BND>", info="SVTYPE=BND;CHR2=chr2;END=900000"),
        record(500, "A" * 61, "A"),
        record(600, "A" * 61, "A", info="SVTYPE=DEL"),
        record(700, "A", "<INS>", info="SVTYPE=INS"),
        record(800, "A", "<CN0>,<CN2>", info="SVTYPE=CNV;END=900"),
        record(900, "A", "C"),
    ]
    context = opened(write_vcf(tmp_path / "odd.vcf", written, (), DECLARED))
    result = run(context, "structural_variants", limit=100)
    assert result.value == {"DEL": 3, "BND": 2, "CNV": 1, "DUP": 1, "INS": 1}
    assert [row[5] for row in result.tables[1].rows] == [300, 50, 70, None, None, 60, None, 100, 100]
    assert result.tables[1].rows[4][7] == "chr2:900000" and result.tables[1].rows[4][4] is None
    assert any("1 allele of 50 bp" in r for r in result.reading)
    assert run(context, "structural_variants", plain_from=50).value["DEL"] == 4
    assert run(context, "structural_variants", regions=["chr1:800000-900000"]).value == {}
    dropped = run(context, "structural_variants", sizes=[{"op": ">=", "value": 0}])
    assert any("3 have none and are dropped" in r for r in dropped.reading)
    assert "single" in result.text


def test_the_type_by_svtype_or_by_alt(tmp_path, opened, run):
    written = [record(100, "A", "A[chr1:900[", info="SVTYPE=DEL"), record(200, "A", "<INS:ME:ALU>", info="SVTYPE=ALU")]
    context = opened(write_vcf(tmp_path / "two.vcf", written, (), DECLARED))
    assert run(context, "structural_variants").value == {"ALU": 1, "DEL": 1}
    by_alt = run(context, "structural_variants", type_from="alt")
    assert by_alt.value == {"BND": 1, "INS": 1}
    assert any("differ for 2 alleles" in r for r in by_alt.reading)
    with pytest.raises(ToolError, match="DLE"):
        run(context, "structural_variants", sv_types=["DLE"])
    assert run(context, "structural_variants", sv_types=["INV"]).value == {}


@pytest.mark.parametrize(
    ("alt", "form", "mate"),
    [("A[chr2:5[", "t[p[", ("chr2", 5)), ("A]chr2:5]", "t]p]", ("chr2", 5)), ("]chr2:5]A", "]p]t", ("chr2", 5)),
     ("[chr2:5[A", "[p[t", ("chr2", 5)), ("A[HLA:01:5[", "t[p[", ("HLA:01", 5)), ("A.", "t.", ("", 0)),
     (".A", ".t", ("", 0)), ("AT[chr2:5[", "t[p[", ("chr2", 5))],
)  # fmt: skip
def test_the_forms_of_a_breakend(alt, form, mate):
    join = parse_breakend("A", alt)
    assert (join.form, join.contig, join.pos) == (form, *mate)
    assert join.inserted == ("T" if "AT" in alt else "")


def test_what_is_no_breakend():
    assert parse_breakend("A", "[chr2:5[") is None and parse_breakend("A", "A[chr2[") is None


def test_breakends_pair_by_coordinates_and_tell_their_kind(tmp_path, opened, run):
    written = [
        record(100, "A", "A[chr1:500["), record(500, "A", "]chr1:100]A"),
        record(1000, "A", "]chr1:1500]A"), record(1500, "A", "A[chr1:1000["),
        record(2000, "A", "A]chr1:2500]"), record(2500, "A", "A]chr1:2000]"),
        record(3000, "A", "[chr1:3500[A"), record(3500, "A", "[chr1:3000[A"),
        record(4000, "A", "A[chr1:9000["), record(5000, "A", "A]chr1:9500],A[chr1:100["),
    ]  # fmt: skip
    result = run(opened(write_vcf(tmp_path / "b.vcf", written, (), DECLARED)), "structural_variants", show="breakends")
    assert result.value == {"pairs": 4, "unpaired": 3, "single": 0, "deletion-like": 1, "duplication-like": 1,
                            "inversion-like": 2}  # fmt: skip
    assert [row[4] for row in result.tables[2].rows[:4]] == [
        "deletion-like", "duplication-like", "inversion-like", "inversion-like",
    ]  # fmt: skip
    assert {row[9] for row in result.tables[2].rows} == {"coordinates", None}


@st.composite
def sv_lines(draw) -> str:
    pos = draw(st.integers(1, 5000))
    alts = draw(st.sampled_from(["<{0}>", "<{0}:X>", "<{0}>,<INV>", "A[chr2:77[", "C", "A.", "T" * 60]))
    kind = draw(st.sampled_from(KINDS))
    fields = []
    if draw(st.booleans()):
        fields.append(f"SVTYPE={kind}")
    if draw(st.booleans()):
        fields.append(f"END={pos + draw(st.integers(0, 3000))}")
    if draw(st.booleans()):
        sizes = [str(draw(st.integers(-3000, 3000))) for _ in range(1 + alts.count(","))]
        fields.append("SVLEN=" + ",".join(sizes))
    chrom = draw(st.sampled_from(["chr1", "chr2"]))
    return record(pos, "A", alts.format(kind), chrom=chrom, filter=draw(st.sampled_from(["PASS", "."])),
                  info=";".join(fields) or ".")  # fmt: skip


def read_sv(path: Path) -> list[dict]:
    """Each structural allele, from the text alone."""
    out = []
    for number, text in enumerate(t for t in path.read_text().splitlines() if t[0] != "#"):
        c = text.split("\t")
        info = dict(i.split("=") for i in c[7].split(";")) if c[7] != "." else {}
        for i, alt in enumerate(c[4].split(",")):
            symbolic, broken = alt[0] == "<", "[" in alt or alt[-1] == "."
            if not (symbolic or broken or "SVTYPE" in info):
                continue
            of_alt = "BND" if broken else alt.strip("<>").split(":")[0] if symbolic else None
            kind = info.get("SVTYPE") or of_alt
            lengths = info.get("SVLEN", "0").split(",")
            size = abs(int(lengths[i if len(lengths) > 1 else 0])) or None
            span = int(info["END"]) - int(c[1]) if "END" in info else 0
            if size is None and not symbolic and not broken and len(alt) > 1:
                size = len(alt) - 1
            elif size is None and (symbolic or broken) and kind != "INS":
                size = span or None
            out.append({"line": number, "chrom": c[0], "pos": int(c[1]), "kind": kind, "filter": c[6],
                        "size": None if kind == "BND" else size, "info_end": "END" in info, "info": info})  # fmt: skip
    return out


def by_kind(alleles: list[dict]) -> dict[str, int]:
    return dict(Counter(kind for kind, _ in {(a["kind"], a["line"]) for a in alleles}))


@quick
@given(st.lists(sv_lines(), min_size=20, max_size=60))
def test_random_structural_variants(tmp_path_factory, library, run, drawn):
    drawn = sorted(drawn, key=lambda t: (t.split("\t")[0], int(t.split("\t")[1])))
    path = write_vcf(tmp_path_factory.mktemp("sv") / "r.vcf", drawn, (), DECLARED)
    context, every = library(path), read_sv(path)
    result = run(context, "structural_variants", limit=1000)
    assert result.value == by_kind(every)
    assert [(r[1], r[2], r[3], r[5]) for r in result.tables[1].rows] == [
        (a["kind"], a["chrom"], a["pos"], a["size"]) for a in every
    ]
    assert result.evidence[0].verified is not False, result.evidence[0].note
    for kind in ("DEL", "INS"):
        large = [a for a in every if a["kind"] == kind and a["size"] is not None and a["size"] > 700]
        found = run(context, "structural_variants", sv_types=[kind], sizes=[{"op": ">", "value": 700}])
        assert found.value == by_kind(large)
        assert found.evidence[0].verified is not False, (found.evidence[0].command, found.evidence[0].note)
    passing = run(context, "structural_variants", filters=["PASS"], regions=["chr1:1000-2000"], limit=1000)
    for row in passing.tables[1].rows:
        assert row[2] == "chr1" and row[3] <= 2000 and row[8] == "PASS"
    certain = [a for a in every if a["chrom"] == "chr1" and a["filter"] == "PASS" and a["info_end"]
               and a["kind"] != "BND" and a["pos"] <= 2000 and int(a["info"]["END"]) >= 1000]  # fmt: skip
    with_end = [r for r in passing.tables[1].rows if (r[3], r[1]) in {(a["pos"], a["kind"]) for a in certain}]
    assert len(with_end) >= len(certain)
    assert passing.evidence[0].verified is not False, (passing.evidence[0].command, passing.evidence[0].note)


@quick
@given(st.lists(sv_lines(), min_size=20, max_size=60), st.integers(0, 3000))
def test_random_files_with_svtype_are_proved(tmp_path_factory, library, run, drawn, size):
    drawn = sorted((t for t in drawn if "SVTYPE" in t), key=lambda t: (t.split("\t")[0], int(t.split("\t")[1])))
    drawn = [t.replace("<INV>", "C") for t in drawn] or FOUR
    path = write_vcf(tmp_path_factory.mktemp("typed") / "r.vcf", drawn, (), DECLARED)
    context = library(path)
    assert run(context, "structural_variants").evidence[0].verified is True
    for arguments in ({"show": "variants"}, {"sv_types": ["DEL", "CNV"]}, {"regions": ["chr2"], "sv_types": ["DUP"]}):
        assert run(context, "structural_variants", **arguments).evidence[0].verified is True
    sized = [t for t in drawn if "SVLEN" in t and "," not in t.split("\t")[4] and "." not in t.split("\t")[4]] or FOUR
    one = library(write_vcf(path.with_name("sized.vcf"), [t for t in sized if "SVLEN=0" not in t], (), DECLARED))
    for op in ("<", ">=", "!="):
        found = run(one, "structural_variants", sv_types=["DEL", "DUP"], sizes=[{"op": op, "value": size}])
        assert found.evidence[0].verified is True, (found.evidence[0].command, found.evidence[0].note)


def test_a_bcf_gives_the_same(four, tmp_path, opened, run):
    path = tmp_path / "sv.bcf"
    pysam.bcftools.view("-Ob", "-o", str(path), str(four.datasets[0].dataset.path), catch_stdout=False)
    result = run(opened(path), "structural_variants", limit=100)
    assert result.value == run(four, "structural_variants").value
    assert result.tables[1].rows == run(four, "structural_variants", limit=100).tables[1].rows


def test_a_file_without_any(cohort, run):
    result = run(cohort, "structural_variants", prove=False)
    assert result.value == {} and result.text.startswith("No structural variant")


def test_arguments_that_do_not_fit(four, run):
    with pytest.raises(ToolError, match="regions"):
        run(four, "structural_variants", reciprocal=0.5)
    with pytest.raises(ToolError, match="reciprocal"):
        run(four, "structural_variants", regions=["chr1"], reciprocal=0.5)
    with pytest.raises(ToolError, match="chr9"):
        run(four, "structural_variants", regions=["chr9:1-2"])
