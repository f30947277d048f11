"""Questions on validity, read by rule: those that are, and those that only look so."""

from pathlib import Path
from typing import Any

import pytest
from vcf_agent.agent.planner import AskBack, Call, Decline, plan
from vcf_agent.tools.context import ToolContext

VALID: dict[str, Any] = {}
STRICT = {"strict": True}
ERRORS = {"question": "has_errors"}

VALIDATE = {
    "Is this file valid?": VALID,
    "Is it a valid VCF?": VALID,
    "Is cohort.vcf.gz valid?": VALID,
    "is cohort.vcf.gz valid?": VALID,
    "what is wrong with cohort.vcf.gz?": VALID,
    "does cohort.vcf.gz follow the specification?": VALID,
    "check cohort.vcf.gz for errors": VALID,
    "are there any errors in cohort.vcf.gz?": ERRORS,
    "Could you please tell me whether the file is valid?": VALID,
    "validate this file": VALID,
    "Validate it strictly": STRICT,
    "is it valid, counting warnings as errors?": STRICT,
    "Does it follow the VCF specification?": VALID,
    "does the file conform to VCF 4.2?": VALID,
    "Is it spec compliant?": VALID,
    "What is wrong with this file?": VALID,
    "what's wrong with it": VALID,
    "check the file for errors": VALID,
    "Which errors does it have?": VALID,
    "list all the problems": VALID,
    "Are there any errors?": ERRORS,
    "is the file broken?": ERRORS,
    "is anything wrong with it?": ERRORS,
    "does this file have errors or warnings?": {**STRICT, **ERRORS},
    "are there errors in the header?": {"part": "header", **ERRORS},
    "what are the problems in the genotypes?": {"part": "genotype"},
    "does it break POS_UNSORTED?": {"code": "POS_UNSORTED", **ERRORS},
    "show the pos_unsorted findings": {"code": "POS_UNSORTED"},
}

EXPLAIN = {
    "What does POS_UNSORTED mean?": "POS_UNSORTED",
    "explain GT_ALLELE_RANGE": "GT_ALLELE_RANGE",
    "what does 'tag not defined in the header' mean?": "tag not defined in the header",
    'What does the error "Unsorted positions on sequence #1" mean?': "Unsorted positions on sequence #1",
    "Why does tabix complain about unsorted positions?": "unsorted positions",
    "How do I fix 'could not parse the position'?": "could not parse the position",
    "I get the error: chromosome blocks not continuous": "chromosome blocks not continuous",
    "Could not retrieve index file": "Could not retrieve index file",
    "vcf_format REF allele mismatch": "vcf_format REF allele mismatch",
    "why does indexing fail?": "why does indexing fail",
    "can tabix index this file, and if not why?": "can tabix index this file, and if not why",
    "Why can't I index it?": "Why can't I index it",
    "why can't I index cohort.vcf.gz?": "why can't I index",
    "can it be indexed?": "can it be indexed",
    "what stops it from being indexed": "what stops it from being indexed",
}

OTHERS = [
    "Is there a valid variant on chr1?",
    "How many variants are not sorted?",
    "How many variants?",
    "What does DP mean?",
    "is it valid on chr20",
    "is this file valid and how many variants pass?",
    "which samples have errors?",
    "What is the number of columns?",
    "What is the GT in the first record?",
    "How many variants are in genes with errors?",
    "list the variants that are out of order",
]


@pytest.mark.parametrize("question", VALIDATE)
def test_validate(cohort: ToolContext, question: str) -> None:
    assert plan(question, cohort) == Call("validate_file", VALIDATE[question])


@pytest.mark.parametrize("question", EXPLAIN)
def test_explain(cohort: ToolContext, question: str) -> None:
    made = plan(question, cohort)
    assert isinstance(made, Call)
    assert (made.tool, made.arguments["what"].rstrip("?")) == ("explain_finding", EXPLAIN[question])


@pytest.mark.parametrize("question", OTHERS)
def test_what_only_looks_so(cohort: ToolContext, question: str) -> None:
    made = plan(question, cohort)
    assert not isinstance(made, Call) or made.tool not in ("validate_file", "explain_finding")


def test_several_files(cohort: ToolContext) -> None:
    two = ToolContext(cohort.workspace, cohort.datasets * 2, cohort.folder)
    assert isinstance(plan("is this file valid?", two), AskBack)
    assert plan("what does POS_UNSORTED mean?", two) == Call("explain_finding", {"what": "POS_UNSORTED"})
    named = plan("is cohort.vcf.gz valid?", two)
    assert isinstance(named, Call)
    assert named.arguments == {"dataset": "cohort"}


def test_without_a_file(tmp_path: Path) -> None:
    made = plan("what does POS_UNSORTED mean?", ToolContext(tmp_path, []))
    assert made == Call("explain_finding", {"what": "POS_UNSORTED"})


def test_orders_are_still_declined(cohort: ToolContext) -> None:
    assert isinstance(plan("validate it and delete the file", cohort), Decline)
