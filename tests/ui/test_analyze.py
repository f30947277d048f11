"""`vcf-agent analyze` through its own `main`: the page is parsed, its numbers are bcftools', and it loads nothing."""

import base64
import hashlib
import json
import logging
import re
import socket
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pysam.bcftools
import pytest

ROOT = Path(__file__).resolve().parents[2]
COHORT = ROOT / "examples" / "cohort" / "cohort.vcf.gz"
PED = ROOT / "examples" / "cohort" / "family.ped"
VOID = {"meta", "link", "img", "br", "hr", "input"}
LOADING = {"src", "srcset", "href", "data", "action", "poster", "background", "xlink:href", "formaction"}


class Page(HTMLParser):
    """A page as a browser reads it: its elements, the text of each script, and the text that is seen."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.seen: list[str] = []
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        elif "style" not in self.open:
            self.seen.append(data)
            if "td" in self.open or "th" in self.open:
                self.rows[-1][-1] += data

    def steps(self) -> dict[str, str]:
        return {a["data-step"] or "": a["data-status"] or "" for _, a in self.elements if "data-step" in a}

    def figures(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.scripts[0])
        return found

    def text(self) -> str:
        return " ".join(" ".join(self.seen).split())


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("something went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def check_page(page: Page) -> None:
    """Nothing is loaded, no handler stands in the markup, and only our scripts may run."""
    for tag, attributes in page.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form", "img"), tag
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in LOADING or (value or "").startswith("#"), (tag, name, value)
    assert page.open == [] and len(page.scripts) == 3
    assert "url(" not in page.source.partition("</style>")[0] and "@import" not in page.source.partition("</style>")[0]
    policy = next(a["content"] or "" for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["default-src"] == parts["connect-src"] == parts["font-src"] == "'none'"
    ours = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in page.scripts[1:]]
    assert parts["script-src"] == " ".join(f"'sha256-{digest}'" for digest in ours)
    drawn = [a["data-figure"] for _, a in page.elements if "data-figure" in a]
    assert drawn == [str(i) for i in range(len(page.figures()))]
    assert all(a.get("aria-label") for _, a in page.elements if "data-figure" in a)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return {"folder": tmp_path_factory.mktemp("kept")}


@pytest.fixture
def cohort(kept: dict[str, Any], cli: Any) -> Page:
    """The report of the example with its pedigree, made once."""
    if "page" not in kept:
        out = kept["folder"] / "cohort.html"
        done = cli("analyze", COHORT, "--ped", PED, "--out", out, "--json")
        assert (done.code, done.err) == (0, "")
        kept["json"], kept["page"] = json.loads(done.out), Page(out)
    page: Page = kept["page"]
    return page


def test_the_report_of_the_example_is_whole_and_loads_nothing(cohort: Page, kept: dict[str, Any]) -> None:
    check_page(cohort)
    assert set(cohort.steps().values()) == {"completed"}
    assert [s["status"] for s in kept["json"]["steps"]] == list(cohort.steps().values())
    assert kept["json"]["valid"] is True
    digest = hashlib.sha256(COHORT.read_bytes()).hexdigest()
    assert kept["json"]["sha256"] == digest and digest in cohort.text()
    for words in ("not diagnoses", "bcftools", "strands-agents", "plotly", "htslib", "no model took part", "GRCh38"):
        assert words in cohort.text()


def test_every_call_is_told_and_what_can_be_proved_is(cohort: Page, kept: dict[str, Any]) -> None:
    evidence = [e for s in kept["json"]["steps"] for r in s["results"] for e in r["evidence"]]
    assert len(evidence) >= 30
    for e in evidence:
        assert e["verified"] is not False, (e["command"], e["note"])
        assert not e["command"] or e["command"] in cohort.text() or " ".join(e["command"].split()) in cohort.text()
    assert sum(e["verified"] is True for e in evidence) >= 24


def test_numbers_of_the_page_are_those_of_bcftools(cohort: Page) -> None:
    stats = [line.split("\t") for line in pysam.bcftools.stats("-s", "-", str(COHORT)).split("\n")]
    sn = {row[2].rstrip(":"): int(row[3]) for row in stats if row[0] == "SN"}
    for label, name in (("records", "number of records"), ("snps", "number of SNPs"), ("indels", "number of indels")):
        assert [label, f"{sn[name]:,}"] in cohort.rows
    for row in (r for r in stats if r[0] == "ST"):
        assert [row[2], f"{int(row[3]):,}"] in cohort.rows
    figures = {f["layout"]["title"]["text"].partition(",")[0]: f["data"] for f in cohort.figures()}
    changes = {x: y for t in figures["Substitutions"] for x, y in zip(t["x"], t["y"], strict=True)}
    assert changes == {row[2]: int(row[3]) for row in stats if row[0] == "ST"}
    assert "bdata" not in json.dumps(figures)
    indels = figures["Lengths of indels"][0]
    assert dict(zip(indels["x"], indels["y"], strict=True)) == {int(r[2]): int(r[3]) for r in stats if r[0] == "IDD"}


def test_findings_are_those_that_were_planted(cohort: Page, kept: dict[str, Any]) -> None:
    values = {s["name"]: s["results"][0]["value"] for s in kept["json"]["steps"]}
    assert values["de_novo"] == ["chr2:166051920:G:A"]
    assert values["recessive"] == ["chr7:117559590:ATCT:A"]
    rows = [
        r.split("\t") for r in pysam.bcftools.query("-f", "%CHROM:%POS:%REF:%ALT\t%CLNSIG\n", str(COHORT)).splitlines()
    ]
    asserted = {"Pathogenic", "Likely_pathogenic", "Pathogenic/Likely_pathogenic"}
    assert values["clinvar"] == [key for key, value in rows if value in asserted]
    assert values["sex_check"]["DEV"]["sex"] == "male"


HEADER = """\
##fileformat=VCFv4.2
##contig=<ID=chr1,length=100000>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
"""
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"


def plain(path: Path, samples: list[str], *, pos: int = 1, more: str = "") -> Path:
    named = "".join(f"\t{s}" for s in ["FORMAT", *samples]) if samples else ""
    calls = "\tGT" + "\t0/1" * len(samples) if samples else ""
    lines = [f"chr1\t{pos + i}\t.\tA\tC\t50\tPASS\t.{calls}\n" for i in range(20)]
    path.write_text(HEADER + more + COLUMNS + named + "\n" + "".join(lines))
    return path


def test_without_out_it_lies_in_the_working_folder_and_is_never_overwritten(cli: Any) -> None:
    plain(Path("small.vcf"), ["S1"])
    done = cli("analyze", "small.vcf")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("small.report.html: small.vcf is valid")
    before = Path("small.report.html").read_bytes()
    again = cli("analyze", "small.vcf")
    assert again.code == 2 and "small.report.html exists" in again.err and "--out" in again.err
    assert Path("small.report.html").read_bytes() == before
    assert sorted(p.name for p in Path().glob("*.html")) == ["small.report.html"]
    assert not list(Path().glob(".*part*"))


def test_no_input_is_written_over(cli: Any) -> None:
    vcf = plain(Path("small.vcf"), ["S1"])
    before = vcf.read_bytes()
    for out in ("small.vcf", "./small.vcf"):
        done = cli("analyze", "small.vcf", "--out", out)
        assert done.code == 2 and "is an input" in done.err
    assert vcf.read_bytes() == before
    Path("link.html").symlink_to("small.vcf")
    assert cli("analyze", "small.vcf", "--out", "link.html").code == 2
    assert cli("analyze", "small.vcf", "--out", "none/x.html").code == 2
    assert vcf.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["none.vcf"], "none.vcf is not a file"), (["small.vcf", "--ped", "no.ped"], "no.ped"),
     (["small.vcf", "--reference", "no.fa"], "no.fa"), (["small.vcf", "--ped", "small.vcf"], "the sex")],
)  # fmt: skip
def test_bad_input_leaves_no_report(cli: Any, arguments: list[str], words: str) -> None:
    plain(Path("small.vcf"), ["S1"])
    done = cli("analyze", *arguments)
    assert done.code == 2 and words in done.err and "Traceback" not in done.err
    assert not list(Path().glob("*.html"))


def test_a_file_of_sites_skips_what_needs_samples_and_says_why(cli: Any) -> None:
    plain(Path("sites.vcf"), [])
    assert cli("analyze", "sites.vcf").code == 0
    page = Page(Path("sites.report.html"))
    check_page(page)
    steps = page.steps()
    assert {n for n, s in steps.items() if s == "completed"} == {
        "validate", "read", "sites", "contigs", "filters", "types", "titv", "substitutions", "quality", "density",
    }  # fmt: skip
    assert "failed" not in steps.values()
    assert "the file has no samples" in page.text() and "the file has no indel" in page.text()


def test_a_file_that_breaks_the_rules_is_told_with_the_fix(cli: Any) -> None:
    path = plain(Path("bad.vcf"), ["S1"])
    path.write_text(path.read_text() + "chr1\t1\t.\tA\tC\t50\tPASS\t.\tGT\t0/1\n")
    done = cli("analyze", "bad.vcf")
    assert done.code == 1 and "not valid" in done.out
    page = Page(Path("bad.report.html"))
    check_page(page)
    assert page.steps()["validate"] == page.steps()["sites"] == "completed"
    assert any(row[:1] == ["POS_UNSORTED"] for row in page.rows)


@pytest.mark.parametrize("content", [b"", b"chr1\t1\n", HEADER.encode(), bytes(range(256)) * 20, b"\x1f\x8b\x08\x04"])
def test_a_file_that_cannot_be_read_has_a_report_that_says_so(cli: Any, content: bytes) -> None:
    Path("x.vcf").write_bytes(content)
    done = cli("analyze", "x.vcf")
    assert done.code == 1 and "Traceback" not in done.err
    page = Page(Path("x.report.html"))
    check_page(page)
    steps = page.steps()
    assert (steps.pop("validate"), steps.pop("read")) == ("completed", "failed")
    assert set(steps.values()) == {"skipped"}
    assert "the file could not be read" in page.text() and "not valid" in page.text()


def test_a_step_that_fails_leaves_its_reason_and_the_others_go_on(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from vcf_agent.agent import analysis

    def broken(work: object) -> list[Any]:
        raise ZeroDivisionError("a bug <b>in</b> a step")

    steps = [analysis.Step("broken", "A broken step", "statistics", broken) if s.name == "sites" else s
             for s in analysis.STEPS]  # fmt: skip
    monkeypatch.setattr(analysis, "STEPS", steps)
    plain(Path("small.vcf"), ["S1"])
    done = cli("analyze", "small.vcf")
    assert done.code == 0 and "failed: A broken step: ZeroDivisionError" in done.out
    page = Page(Path("small.report.html"))
    check_page(page)
    assert page.steps()["broken"] == "failed" and page.steps()["density"] == "completed"
    assert "ZeroDivisionError: a bug <b>in</b> a step" in page.text()


def test_names_and_texts_of_a_file_are_no_markup(cli: Any) -> None:
    samples = ["<script>alert(1)</script>", "</script><img src=x onerror=alert(2)>", "a\"b'c&lt;<b>", "${page} $$"]
    more = '##source=<script>alert(3)</script>\n##INFO=<ID=N,Number=1,Type=String,Description="</script><script>x">\n'
    path = plain(Path("<script>x<img src=y>.vcf"), samples, more=more)
    path.write_text(path.read_text().replace("PASS\t.", "PASS\tN=<script>alert(4)</script>"))
    done = cli("analyze", path)
    assert done.code in (0, 1)
    page = Page(Path("<script>x<img src=y>.report.html"))
    check_page(page)
    for name in samples:
        assert any(name in row for row in page.rows), name
    assert "failed" not in page.steps().values()


def test_strands_says_nothing(cli: Any, caplog: pytest.LogCaptureFixture) -> None:
    plain(Path("small.vcf"), ["S1"])
    with caplog.at_level(logging.WARNING):
        done = cli("analyze", "small.vcf")
    assert (done.code, done.err) == (0, "")
    assert [r.getMessage() for r in caplog.records if r.name.startswith(("strands", "opentelemetry"))] == []


def test_the_template_and_the_script_are_part_of_the_package() -> None:
    declared = re.search(r'"vcf_agent.ui" = (\[.*\])', (ROOT / "pyproject.toml").read_text())
    assert declared and json.loads(declared[1]) == ["*.html", "*.js"]
