"""Plain questions that become walks over the graph, and those near them that must not."""

import pytest
from vcf_agent.agent.planner import Call, plan
from vcf_agent.tools.context import ToolContext

WALKS = {
    "Who carries variants in BRCA1?": {"ask": "who_carries", "genes": ["BRCA1"]},
    "which samples carry a HIGH impact variant in the gene BRCA1": {
        "ask": "who_carries",
        "genes": ["BRCA1"],
        "impacts": ["HIGH"],
    },
    "Who carries missense variants in CFTR?": {
        "ask": "who_carries",
        "genes": ["CFTR"],
        "consequences": ["missense_variant"],
    },
    "Which samples are most alike by shared rare variants?": {"ask": "most_alike"},
    "Which samples share the most rare variants with DEV?": {"ask": "most_alike", "samples": ["DEV"]},
    "Which genes are hit in two or more affected samples?": {"ask": "genes_hit", "min_samples": 2},
    "Which genes have HIGH impact variants in at least 3 affected samples?": {
        "ask": "genes_hit",
        "min_samples": 3,
        "impacts": ["HIGH"],
    },
    "What is around variant chr7:117559590:ATCT:A?": {"ask": "neighbourhood", "variant": "chr7:117559590:ATCT:A"},
    "what is around the variant rs113993960": {"ask": "neighbourhood", "variant": "rs113993960"},
}


@pytest.mark.parametrize("question", WALKS)
def test_walks(cohort: ToolContext, question: str) -> None:
    made = plan(question, cohort)
    assert isinstance(made, Call), made
    assert (made.tool, made.arguments) == ("explore_graph", WALKS[question])


@pytest.mark.parametrize("question", [
    "Who carries no variants in BRCA1?",
    "Who does not carry variants in BRCA1?",
    "Who carries two variants in BRCA1?",
    "Who carries variants in BRCA1 and CFTR?",
    "Who carries variants outside BRCA1?",
    "Who carries variants in BRCA1 but not in CFTR?",
    "Who carries variants in BRCA1 with DP over 30?",
    "Which genes are not hit in two or more affected samples?",
    "Which genes are hit in two affected samples?",
    "Which genes are hit in two or more unaffected samples?",
    "Which samples are least alike by shared rare variants?",
    "Which samples are most alike?",
    "What is around chr7:117559590?",
])  # fmt: skip
def test_nearby_questions_are_not_walks(cohort: ToolContext, question: str) -> None:
    made = plan(question, cohort)
    assert not isinstance(made, Call) or made.tool != "explore_graph", made


def test_sharing_keeps_its_listing(cohort: ToolContext) -> None:
    made = plan("Which variants do DEV and LILA share?", cohort)
    assert isinstance(made, Call)
    assert made.tool == "list_variants"
