"""The questions of the demo, answered and compared with bcftools."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from vcf_agent.agent import VariantAgent
from vcf_agent.evals.cases import Case, load_cases
from vcf_agent.tools import bcftools

COHORT = Path(__file__).parents[2] / "examples" / "cohort" / "cohort.vcf.gz"
CASES = load_cases("example_cohort")


def truth(case: Case) -> Any:
    """What bcftools gives, reduced as the case says."""
    lines = bcftools.run([*case.command, str(COHORT)], COHORT).splitlines()
    return {"lines": len(lines), "text": [x for x in lines if x], "tally": dict(Counter(lines))}[case.reduce or "lines"]


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with VariantAgent(COHORT, workspace=tmp_path_factory.mktemp("workspace"), model="offline") as opened:
        yield opened


@pytest.mark.parametrize("case", CASES, ids=[c.question for c in CASES])
def test_each_case(agent: VariantAgent, case: Case) -> None:
    answer = agent.ask(case.question)
    if case.clarification:
        assert answer.kind == "clarification"
        return
    assert answer.value == truth(case)
    assert [e.verified for e in answer.evidence] == [True]
