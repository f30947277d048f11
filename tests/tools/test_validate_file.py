"""The two tools of the validator, their rules' words, and the page that is made of them."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from vcf_agent.memory.errors import ToolError
from vcf_agent.tools.context import ToolContext
from vcf_agent.tools.registry import tool
from vcf_agent.tools.validation.explanations import GROUPS, rule_named, rules_meant
from vcf_agent.tools.validation.rules import rules

ROOT = Path(__file__).resolve().parents[2]
HEADER = """\
##fileformat=VCFv4.2
##contig=<ID=chr1,length=1000>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1
"""


def record(pos: int, info: str = ".", genotype: str = "0/1") -> str:
    return f"chr1\t{pos}\t.\tA\tC\t50\tPASS\t{info}\tGT\t{genotype}\n"


@pytest.fixture
def broken(tmp_path: Path, opened: Callable[[Path], ToolContext]) -> ToolContext:
    """Lines 6 and 7 go back, DP of line 5 is not declared, line 7 has an allele too many."""
    path = tmp_path / "my broken.vcf"
    path.write_text(HEADER + record(90, "DP=3") + record(80) + record(70, genotype="0/2"))
    return opened(path)


def test_a_valid_file(cohort: ToolContext, run: Any) -> None:
    result = run(cohort, "validate_file")
    assert result.value is True
    assert "cohort is valid VCF 4.2" in result.text
    assert run(cohort, "validate_file", question="has_errors").value is False


def test_problems_with_line_and_fix(broken: ToolContext, run: Any) -> None:
    result = run(broken, "validate_file")
    assert result.value is False
    assert "POS_UNSORTED (line 6 and 1 more)" in result.text
    assert "bcftools sort" in result.text
    problems, findings = result.tables
    counts = {row[0]: (row[1], row[2]) for row in problems.rows}
    assert counts["POS_UNSORTED"] == ("error", 2)
    assert counts["INFO_UNDECLARED"] == ("warning", 1)
    severities = [row[1] for row in problems.rows]
    assert severities == sorted(severities)  # errors first
    lines = [row[2] for row in findings.rows if row[1] == "POS_UNSORTED"]
    assert lines == [6, 7]
    assert findings.total == sum(row[2] for row in problems.rows)


def test_the_evidence_is_honest(broken: ToolContext, run: Any) -> None:
    [evidence] = run(broken, "validate_file", strict=True).evidence
    assert evidence.command == "vcf-agent validate --strict 'my broken.vcf'"
    assert evidence.verified is None
    assert "no second program" in evidence.note


def test_genotypes_are_told_by_the_rules_words_alone(broken: ToolContext, run: Any) -> None:
    """The text goes to models; what a sample has does not."""
    text = run(broken, "validate_file", code="GT_ALLELE_RANGE").text
    assert rules()["GT_ALLELE_RANGE"].demands in text
    assert "0/2" not in text
    assert "S1" not in text


def test_only_one_rule_or_part(broken: ToolContext, run: Any) -> None:
    one = run(broken, "validate_file", code="pos_unsorted")
    assert (one.value, [row[0] for row in one.tables[0].rows]) == (False, ["POS_UNSORTED"])
    header = run(broken, "validate_file", part="header", question="has_errors")
    assert header.value is False
    assert run(broken, "validate_file", part="site", question="has_errors").value is True


def test_warnings_count_where_they_are_told_to(tmp_path: Path, opened: Any, run: Any) -> None:
    path = tmp_path / "warned.vcf"
    path.write_text(HEADER + record(5, "DP=3"))
    context = opened(path)
    assert run(context, "validate_file").value is True
    assert run(context, "validate_file", strict=True).value is False


def test_an_unknown_code_is_told_with_the_nearest(broken: ToolContext, run: Any) -> None:
    with pytest.raises(ToolError, match="Did you mean POS_UNSORTED"):
        run(broken, "validate_file", code="POS_UNSORTD")


# What other programs say.

MESSAGES = {
    "tag not defined in the header": ["INFO_UNDECLARED", "FORMAT_UNDECLARED"],
    "[W::vcf_parse_info] INFO 'AB' is not defined in the header, assuming Type=String": ["INFO_UNDECLARED"],
    "[W::vcf_parse_filter] FILTER 'q10' is not defined in the header": ["FILTER_UNDECLARED"],
    "[W::vcf_parse] Contig '1' is not defined in the header. (Quick workaround: index the file with tabix.)": [
        "CONTIG_UNDECLARED"
    ],
    "unsorted positions": ["POS_UNSORTED"],
    "[E::hts_idx_push] Unsorted positions on sequence #1: 20 followed by 10": ["POS_UNSORTED"],
    "[E::hts_idx_push] Chromosome blocks not continuous": ["CONTIG_AGAIN"],
    "contig not contiguous": ["CONTIG_AGAIN"],
    "no BGZF EOF marker": ["DAMAGED_COMPRESSION"],
    "[W::bgzf_read_block] EOF marker is absent. The input may be truncated": ["DAMAGED_COMPRESSION"],
    "could not parse the position": ["POS_SYNTAX"],
    "[tabix] was bgzip used to compress this file?": ["PLAIN_GZIP"],
    "[E::vcf_parse_format] Number of columns at 1:1 does not match the number of samples (2 vs 1)": ["COLUMN_COUNT"],
    "[E::vcf_parse_format] Couldn't read GT data: value not a number or '.'": ["GT_SYNTAX"],
    "vcf_format REF allele mismatch": ["REF_MISMATCH"],
    "Reference allele mismatch at chr1:10 .. REF_SEQ:'A' vs VCF:'G'": ["REF_MISMATCH"],
    "[W::tbx_parse1] VCF INFO/END=3 is smaller than POS at chr1:49": ["END_BEFORE_POS"],
    "[E::get_intv] Failed to parse TBX_VCF, was wrong -p [type] used?": ["POS_SYNTAX"],
    'index: "x.vcf.gz" is in a format that cannot be usefully indexed': ["PLAIN_GZIP", "FILEFORMAT_MISSING"],
    "gt_allele_range": ["GT_ALLELE_RANGE"],
    "a trailing blank line": ["BLANK_LINE_AT_END"],
    "how old is the earth": [],
}


@pytest.mark.parametrize("message", MESSAGES)
def test_what_is_meant(message: str) -> None:
    assert [rule.code for rule in rules_meant(message)] == MESSAGES[message]


@pytest.mark.parametrize(
    "words", ["why does indexing fail", "Failed to build index", "Could not retrieve index file", "tabix fails"]
)
def test_indexing_is_every_rule_that_an_index_needs(words: str) -> None:
    meant = [rule.code for rule in rules_meant(words)]
    assert meant == [rule.code for rule in rules().values() if rule.indexing]
    assert {"POS_UNSORTED", "CONTIG_AGAIN", "PLAIN_GZIP", "END_BEFORE_POS"} <= set(meant)


def test_every_phrase_leads_to_its_rule() -> None:
    for rule in rules().values():
        for phrase in rule.says:
            assert rule in rules_meant(phrase.replace("…", "of some")), (rule.code, phrase)
            assert phrase == phrase.lower()


def test_every_code_is_found_in_any_case() -> None:
    for code in rules():
        assert rule_named(code.lower()).code == code
        assert [rule.code for rule in rules_meant(f"what is {code}?")] == [code]


def test_why_indexing_fails_in_this_file(broken: ToolContext, run: Any) -> None:
    result = run(broken, "explain_finding", what="why does indexing fail?")
    assert result.value["POS_UNSORTED"] == 2
    assert result.value["CONTIG_AGAIN"] == 0
    assert "lines 6, 7" in result.text
    assert "bcftools sort" in result.text


def test_why_indexing_fails_where_nothing_is_broken(tmp_path: Path, opened: Any, cohort: Any, run: Any) -> None:
    path = tmp_path / "plain.vcf"
    path.write_text(HEADER + record(5))
    assert "bgzip" in run(opened(path), "explain_finding", what="why does indexing fail?").text
    assert "bcftools index" in run(cohort, "explain_finding", what="why does indexing fail?").text


def test_a_message_without_any_file(tmp_path: Path, run: Any) -> None:
    result = run(ToolContext(tmp_path, []), "explain_finding", what="unsorted positions")
    assert result.value == {"POS_UNSORTED": None}
    assert rules()["POS_UNSORTED"].fix in result.text
    assert result.evidence == []


def test_a_message_where_no_one_file_is_meant(broken: ToolContext, run: Any) -> None:
    two = ToolContext(broken.workspace, broken.datasets * 2, broken.folder)
    assert run(two, "explain_finding", what="unsorted positions").value == {"POS_UNSORTED": None}


def test_a_message_that_no_rule_speaks_of(broken: ToolContext, run: Any) -> None:
    result = run(broken, "explain_finding", what="POS_UNSORTD \x1b[31m")
    assert result.value == {}
    assert "POS_UNSORTED" in result.text
    assert "\x1b" not in result.text


def test_long_hostile_words_are_read_in_time(broken: ToolContext, run: Any) -> None:
    assert run(broken, "explain_finding", what=("end ref gt info contig " * 100)[:2000]).value is not None
    with pytest.raises(ToolError):
        tool("explain_finding").call(broken, {"what": "x" * 2001})


# The page.


def test_the_page_of_rules_is_what_the_table_gives() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_rules.py"))["page"]()
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == made, "run `make docs`"
    assert {rule.group for rule in rules().values()} == set(GROUPS)
    for code in rules():
        assert f"\n### {code}\n" in made
