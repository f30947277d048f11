"""`vcf-agent validate` through its own `main`, and questions about validity end to end."""

import gzip
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from vcf_agent.tools.validation import reports
from vcf_agent.tools.validation.findings import Finding, Verdict
from vcf_agent.tools.validation.rules import rules

HEADER = """\
##fileformat=VCFv4.2
##reference=GRCh38
##contig=<ID=chr1,length=1000>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1
"""
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


def record(pos: object, info: str = ".") -> str:
    return f"chr1\t{pos}\t.\tA\tC\t50\tPASS\t{info}\tGT\t0/1\n"


@pytest.fixture
def good() -> Path:
    path = Path("good.vcf")
    path.write_text(HEADER + record(5))
    return path


@pytest.fixture
def warned() -> Path:
    path = Path("warned.vcf")
    path.write_text(HEADER + record(5, "XY=3"))
    return path


@pytest.fixture
def bad() -> Path:
    """30 positions that go down, in lines 6 to 35, then one that is none."""
    path = Path("bad.vcf")
    path.write_text(HEADER + "".join(record(900 - n) for n in range(30)) + record("ten"))
    return path


@pytest.fixture
def packed_z() -> Path:
    path = Path("unreadable.vcf.Z")
    path.write_bytes(b"\x1f\x9d\x90" + b"abc" * 50)
    return path


# Exit codes.


def test_the_exit_code_is_the_highest(cli: Any, good: Path, warned: Path, bad: Path, packed_z: Path) -> None:
    assert cli("validate", good, warned).code == 0
    assert cli("validate", warned, "--strict").code == 1
    assert cli("validate", bad, good).code == 1
    assert cli("validate", packed_z, bad, good).code == 2
    missing = cli("validate", "missing.vcf", good, "--json")
    assert missing.code == 2
    assert missing.err.startswith("vcf-agent: ")
    assert missing.err.count("\n") == 1
    assert json.loads(missing.out)["valid"] is True


def test_json_has_one_object_for_each_file(cli: Any, good: Path, packed_z: Path) -> None:
    done = cli("validate", packed_z, good, "--json")
    decoder = json.JSONDecoder()
    first, end = decoder.raw_decode(done.out)
    second, _ = decoder.raw_decode(done.out[end:].lstrip())
    assert (first["file"], first["valid"], first["readable"]) == (str(packed_z), False, False)
    assert (second["valid"], second["readable"], second["records"]) == (True, True, 1)


# What is told.


def test_findings_are_grouped_and_explained(cli: Any, bad: Path) -> None:
    done = cli("validate", bad)
    assert done.out.splitlines()[0].startswith("bad.vcf: not valid (VCF 4.2, 31 records): 30 errors")
    assert done.out.count("error POS_UNSORTED, 29 times") == 1
    assert done.out.count("    line 7 POS: ") == 1
    assert "… 9 more" in done.out
    assert done.out.count(rules()["POS_UNSORTED"].fix) == 1
    assert rules()["POS_UNSORTED"].why in done.out
    assert "--all" in done.out
    assert "--explain" in done.out


def test_errors_come_before_warnings(cli: Any) -> None:
    Path("both.vcf").write_text(HEADER + record(5, "XY=3") + record(4))
    lines = cli("validate", "both.vcf").out.splitlines()
    heads = [line.split()[0] for line in lines if re.match(r"(error|warning) ", line)]
    assert heads == ["error", "warning"]


@pytest.mark.parametrize(("options", "listed"), [([], 20), (["--max-findings", "3"], 3), (["--all"], 29),
                                                 (["--max-findings", "0"], 0)])  # fmt: skip
def test_how_many_are_listed(cli: Any, bad: Path, options: list[str], listed: int) -> None:
    text = cli("validate", bad, *options).out
    block = text.partition("error POS_UNSORTED")[2].partition("\n\n")[0]
    assert len(re.findall(r"^    line \d+ POS: ", block, re.MULTILINE)) == listed
    told = json.loads(cli("validate", bad, "--json", *options).out)
    assert sum(f["code"] == "POS_UNSORTED" for f in told["findings"]) == listed
    assert told["codes"]["POS_UNSORTED"] == 29
    assert told["truncated"] == (listed < 29)


def test_nothing_of_a_file_reaches_the_terminal_raw(cli: Any) -> None:
    Path("evil\x1b[31m.vcf").write_text(
        HEADER.replace("v4.2", "v4.3") + record("\x1b[2Jten\u202e") + record(5, "\x1b]0;x\x07K=1")
    )
    for options in ([], ["--json"]):
        done = cli("validate", "evil\x1b[31m.vcf", *options)
        assert done.code == 1
        assert CONTROLS.findall(done.out + done.err) == []


# --explain


def test_explain(cli: Any) -> None:
    done = cli("validate", "--explain", "gt_allele_range")
    assert done.code == 0
    assert rules()["GT_ALLELE_RANGE"].demands in done.out
    assert "1.6.2 GT" in done.out
    told = json.loads(cli("validate", "--explain", "GT_ALLELE_RANGE", "--json").out)
    assert (told["code"], told["severity"]) == ("GT_ALLELE_RANGE", "error")


def test_explain_offers_near_misses(cli: Any) -> None:
    done = cli("validate", "--explain", "GT_ALELE_RANGE")
    assert (done.code, done.out) == (2, "")
    assert "GT_ALLELE_RANGE" in done.err


def test_explain_all(cli: Any) -> None:
    text = cli("validate", "--explain", "all").out
    assert all(code in text for code in rules())
    assert [r["code"] for r in json.loads(cli("validate", "--explain", "all", "--json").out)] == list(rules())


# Reports.


def test_sarif(cli: Any, bad: Path, warned: Path) -> None:
    """What the schema of SARIF 2.1.0 asks for, and what viewers go by."""
    assert cli("validate", bad, warned, "--sarif", "out.sarif").code == 1
    log = json.loads(Path("out.sarif").read_text())
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    [run] = log["runs"]
    driver = run["tool"]["driver"]
    assert [rule["id"] for rule in driver["rules"]] == list(rules())
    for rule in driver["rules"]:
        assert rule["help"]["text"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning")
    assert {a["location"]["uri"] for a in run["artifacts"]} == {"bad.vcf", "warned.vcf"}
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning")
        assert result["message"]["text"]
    [position] = [r for r in run["results"] if r["ruleId"] == "POS_SYNTAX"]
    place = position["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "bad.vcf"}, "region": {"startLine": 36}}
    assert run["invocations"] == [{"executionSuccessful": True}]


def test_sarif_of_an_unreadable_file_says_so(cli: Any, packed_z: Path) -> None:
    cli("validate", packed_z, "--sarif", "out.sarif")
    [run] = json.loads(Path("out.sarif").read_text())["runs"]
    assert run["invocations"] == [{"executionSuccessful": False}]


def test_junit(cli: Any, bad: Path, warned: Path, packed_z: Path) -> None:
    cli("validate", bad, warned, packed_z, "--junit", "out.xml")
    suites = {s.get("name"): s for s in ET.parse("out.xml").getroot()}
    assert suites["bad.vcf"].get("failures") == "2"
    [failure] = suites["bad.vcf"].findall("testcase[@name='POS_UNSORTED']/failure")
    assert "line 7: POS" in failure.text
    assert "and 9 more" in failure.text
    assert "29 times" in failure.get("message")
    assert suites["warned.vcf"].get("failures") == "0"
    [told] = suites["warned.vcf"].findall("testcase[@name='INFO_UNDECLARED']/system-out")
    assert "XY" in told.text
    checked = [r.code for r in rules().values() if r.group != "reference"]
    assert [c.get("name") for c in suites["bad.vcf"]] == checked
    assert int(suites["bad.vcf"].get("tests")) == len(checked)
    assert suites["unreadable.vcf.Z"].get("errors") == suites["unreadable.vcf.Z"].get("tests") == "1"


def test_warnings_fail_where_they_count(cli: Any, warned: Path) -> None:
    cli("validate", warned, "--strict", "--junit", "out.xml")
    assert ET.parse("out.xml").findall(".//testcase[@name='INFO_UNDECLARED']/failure")


@pytest.mark.parametrize(
    "text", ["\x00\x01\x0b\x1b", "]]><evil/>", "\udcff", "\ufffe\uffff", "&amp;<!--", "\x85\u2028"]
)
def test_reports_hold_only_what_their_format_can(tmp_path: Path, text: str) -> None:
    finding = Finding("POS_SYNTAX", "error", 3, f"POS{text}", f"'{text}' is no number", "")
    verdict = Verdict(f"{tmp_path}/a{text.replace(chr(0), '')}.vcf", False, "4.2", 1, True, [finding],
                      {"POS_SYNTAX": 1}, {"error": 1, "warning": 0})  # fmt: skip
    content = reports.junit([verdict])
    assert ET.fromstring(content).findall(".//failure")
    assert content.decode()
    log = json.dumps(reports.sarif([verdict], tmp_path), ensure_ascii=False)
    assert json.loads(log.encode())["runs"][0]["results"]
    assert CONTROLS.findall(json.loads(log)["runs"][0]["results"][0]["message"]["text"]) == []


@pytest.mark.parametrize("option", ["--sarif", "--junit"])
def test_a_report_goes_over_nothing_but_a_report(cli: Any, good: Path, option: str) -> None:
    before = good.read_bytes()
    Path("notes.txt").write_text("mine")
    Path("link").symlink_to(good)
    for target in (good, "notes.txt", "link", ".", "nowhere/out"):
        done = cli("validate", good, option, target)
        assert (done.code, done.out) == (2, ""), target
        assert done.err.startswith("vcf-agent: ")
    assert (good.read_bytes(), Path("notes.txt").read_text()) == (before, "mine")
    assert cli("validate", good, option, "out").code == 0
    first = Path("out").read_bytes()
    assert cli("validate", good, option, "out").code == 0
    assert Path("out").read_bytes() == first
    other = {"--sarif": "--junit", "--junit": "--sarif"}[option]
    assert cli("validate", good, other, "out").code == 2
    assert sorted(p.name for p in Path.cwd().iterdir()) == ["good.vcf", "link", "notes.txt", "out"]


def test_a_reference_that_is_not_there(cli: Any, good: Path) -> None:
    done = cli("validate", good, "--reference", "missing.fa")
    assert (done.code, done.out) == (2, "")
    assert "missing.fa" in done.err


# Questions.


@pytest.mark.parametrize("question", ["Is this file valid?", "Is bad.vcf valid?", "what is wrong with it"])
def test_a_file_that_cannot_be_ingested_is_judged(cli: Any, bad: Path, question: str) -> None:
    done = cli("ask", question, bad, "--json")
    answer = json.loads(done.out)
    assert (done.code, answer["kind"], answer["value"]) == (0, "answer", False)
    assert "POS_SYNTAX (line 36)" in answer["text"]
    assert answer["evidence"][0]["command"] == "vcf-agent validate bad.vcf"
    assert answer["evidence"][0]["verified"] is None
    assert "not ingested" in answer["reading"][0]


def test_why_plain_gzip_cannot_be_indexed(cli: Any) -> None:
    Path("plain.vcf.gz").write_bytes(gzip.compress((HEADER + record(5)).encode()))
    answer = json.loads(cli("ask", "Why does indexing fail?", "plain.vcf.gz", "--json").out)
    assert answer["value"]["PLAIN_GZIP"] == 1
    assert "bgzip" in answer["text"]


def test_another_question_of_such_a_file_is_the_readers_error(cli: Any, bad: Path) -> None:
    done = cli("ask", "How many variants?", bad)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("vcf-agent: ")
    assert cli("ask", "Is this file valid?", "missing.vcf").code == 2


def test_a_good_file_and_no_file(cli: Any, good: Path) -> None:
    assert json.loads(cli("ask", "is this file valid?", good, "--json").out)["value"] is True
    told = json.loads(cli("ask", "what does POS_UNSORTED mean?", "--json").out)
    assert told["value"] == {"POS_UNSORTED": None}
    assert cli("ask", "is this file valid?").code == 2
